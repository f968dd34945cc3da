package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/ledger"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
)

const insertPaymentSQL = `
INSERT INTO payment (id, payer_id, payable_kind, payable_id, order_id, keep_method, language, return_url, provider, provider_account, provider_ref, payer_url, initiator, currency,
                     amount_minor, may_underpay, tolerated_minor, received_minor, state, attempt_no, as_of, expires_at, next_check_at,
                     checks, method_id, parent_id, created_at)
VALUES (@id, @payer, @payable_kind, COALESCE(@payable::uuid, gen_random_uuid()), @order, @keep, @language, @return_url, @provider, @account, @ref, @payer_url, @initiator, @currency,
        @amount, @may_underpay, @tolerated, @received, @state, @attempt, @as_of, @expires_at, @next_check_at,
        @checks, @method, @parent, @now)`

// InsertPayment stores a new payment and returns its id. A top-up without a
// payable pays for itself. It fails with Conflict while another payment of the
// payable is alive or has succeeded.
func (tx *Tx) InsertPayment(ctx context.Context, p payment.Payment) (payment.ID, error) {
	p.ID = payment.ID(NewID())
	_, err := exec(ctx, tx, insertPaymentSQL, newPaymentArgs(p, tx.now))
	if IsConstraint(err, "payment_one_live") {
		err = fault.Wrap(fault.Conflict, "", err)
	}
	return p.ID, err
}

const insertEnteredSQL = `
WITH entered AS (` + insertPaymentSQL + ` RETURNING id)
INSERT INTO payment_event (payment_id, seq, from_state, to_state, source, at) SELECT id, 1, '', @state, @source, @now FROM entered`

// InsertEntered stores a payment at one of our own providers under its id, as it
// ended, with the only line of its history.
func (tx *Tx) InsertEntered(p payment.Payment, source PaymentSource) {
	args := newPaymentArgs(p, tx.now)
	args["source"] = string(source)
	tx.later(insertEnteredSQL, args)
}

// newPaymentArgs are all parts of a payment that is stored for the first time.
func newPaymentArgs(p payment.Payment, now time.Time) pgx.NamedArgs {
	args := paymentArgs(p)
	args["id"] = string(p.ID)
	args["payer"], args["payable_kind"], args["payable"] = string(p.PayerID), string(p.Payable.Kind), nullable(p.Payable.ID)
	args["provider"], args["account"], args["initiator"] = p.Provider, p.Account, string(p.Initiator)
	args["currency"], args["amount"] = string(p.Amount.Currency), int64(p.Amount.Amount)
	args["may_underpay"], args["tolerated"] = p.MayUnderpay, int64(p.Tolerated)
	args["order"], args["keep"], args["language"], args["return_url"] = nullable(p.OrderID), p.KeepMethod, p.Language, p.ReturnURL
	args["parent"], args["now"] = nullable(string(p.ParentID)), now
	return args
}

// paymentArgs are the parts of a payment that change.
func paymentArgs(p payment.Payment) pgx.NamedArgs {
	return pgx.NamedArgs{
		"ref": nullable(p.Ref), "payer_url": p.PayerURL, "received": int64(p.Received), "state": string(p.State), "attempt": p.AttemptNo,
		"as_of": instant(p.AsOf), "expires_at": instant(p.ExpiresAt), "next_check_at": instant(p.NextCheckAt), "checks": p.Checks,
		"method": nullable(p.MethodID),
	}
}

// instant is t, or NULL where it is zero.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// moment is what instant wrote.
func moment(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

type paymentRow struct {
	ID              string
	PayerID         string
	PayableKind     string
	PayableID       string
	OrderID         *string
	KeepMethod      bool
	Language        string
	ReturnURL       string `db:"return_url"`
	Provider        string
	ProviderAccount string
	ProviderRef     *string
	PayerURL        string `db:"payer_url"`
	Initiator       string
	Currency        string
	AmountMinor     int64
	MayUnderpay     bool
	ToleratedMinor  int64
	ReceivedMinor   int64
	RefundedMinor   int64
	DisputedMinor   int64
	State           string
	AttemptNo       int
	Declines        int
	Parked          string
	SentAt          *time.Time
	RepeatUntil     *time.Time
	AsOf            *time.Time
	ExpiresAt       *time.Time
	NextCheckAt     *time.Time
	Checks          int
	MethodID        *string
	ParentID        *string
	Version         int64
	CreatedAt       time.Time
}

func (r paymentRow) payment() payment.Payment {
	return payment.Payment{
		ID: payment.ID(r.ID), PayerID: account.PayerID(r.PayerID),
		Payable: payment.Payable{Kind: payment.PayableKind(r.PayableKind), ID: r.PayableID},
		OrderID: text(r.OrderID), KeepMethod: r.KeepMethod, Language: r.Language, ReturnURL: r.ReturnURL,
		Provider: r.Provider, Account: r.ProviderAccount, Ref: text(r.ProviderRef), PayerURL: r.PayerURL,
		Initiator: payment.Initiator(r.Initiator), Amount: money.Of(money.Amount(r.AmountMinor), money.Currency(r.Currency)),
		MayUnderpay: r.MayUnderpay, Tolerated: money.Amount(r.ToleratedMinor), Received: money.Amount(r.ReceivedMinor),
		Refunded: money.Amount(r.RefundedMinor), Disputed: money.Amount(r.DisputedMinor), State: payment.State(r.State),
		AttemptNo: r.AttemptNo, Declines: r.Declines, Parked: payment.AlertCode(r.Parked), SentAt: moment(r.SentAt),
		RepeatUntil: moment(r.RepeatUntil), AsOf: moment(r.AsOf), ExpiresAt: moment(r.ExpiresAt), NextCheckAt: moment(r.NextCheckAt),
		Checks: r.Checks, MethodID: text(r.MethodID), ParentID: payment.ID(text(r.ParentID)), Version: r.Version, CreatedAt: r.CreatedAt.UTC(),
	}
}

const paymentColumnsSQL = `
SELECT p.id, p.payer_id, p.payable_kind, p.payable_id, p.order_id, p.keep_method, p.language, p.return_url, p.provider, p.provider_account, p.provider_ref, p.payer_url, p.initiator,
       p.currency, p.amount_minor, p.may_underpay, p.tolerated_minor, p.received_minor, p.refunded_minor, p.disputed_minor, p.state,
       p.attempt_no, p.declines, p.parked, p.sent_at, p.repeat_until, p.as_of, p.expires_at, p.next_check_at, p.checks, p.method_id,
       p.parent_id, p.version, p.created_at
FROM payment p `

func (tx *Tx) payment(ctx context.Context, sql string, args pgx.NamedArgs) (payment.Payment, error) {
	r, err := one[paymentRow](ctx, tx, "payment", sql, args)
	if err != nil {
		return payment.Payment{}, err
	}
	return r.payment(), nil
}

func (tx *Tx) payments(ctx context.Context, sql string, args pgx.NamedArgs) ([]payment.Payment, error) {
	rows, err := list[paymentRow](ctx, tx, sql, args)
	out := make([]payment.Payment, len(rows))
	for i, r := range rows {
		out[i] = r.payment()
	}
	return out, err
}

const paymentSQL = paymentColumnsSQL + `WHERE p.id = @id`

// Payment returns a payment for the program's own work.
func (tx *Tx) Payment(ctx context.Context, id payment.ID) (payment.Payment, error) {
	return tx.payment(ctx, paymentSQL, pgx.NamedArgs{"id": string(id)})
}

const lockPaymentSQL = paymentSQL + ` FOR UPDATE`

// LockPayment is Payment with the row locked.
func (tx *Tx) LockPayment(ctx context.Context, id payment.ID) (payment.Payment, error) {
	return tx.payment(ctx, lockPaymentSQL, pgx.NamedArgs{"id": string(id)})
}

const paymentOfSQL = paymentColumnsSQL + `
JOIN member m ON m.payer_id = p.payer_id AND m.account_id = @actor AND m.role IN ('owner', 'billing')
WHERE p.id = @id`

// PaymentOf returns a payment of one of the actor's payers, or NotFound.
func (tx *Tx) PaymentOf(ctx context.Context, actor account.ID, id payment.ID) (payment.Payment, error) {
	return tx.payment(ctx, paymentOfSQL, pgx.NamedArgs{"actor": string(actor), "id": string(id)})
}

const paymentByRefSQL = paymentColumnsSQL + `
WHERE p.provider = @provider AND p.provider_account = @account AND p.provider_ref = @ref`

// PaymentByRef returns the payment that a provider knows by its own id, or NotFound.
func (tx *Tx) PaymentByRef(ctx context.Context, provider, providerAccount, ref string) (payment.Payment, error) {
	return tx.payment(ctx, paymentByRefSQL, pgx.NamedArgs{"provider": provider, "account": providerAccount, "ref": ref})
}

// The states are named as the index payment_one_live names them: then one plan is
// good for every payable, and none is made anew for each.
const livePaymentOfSQL = paymentColumnsSQL + `
WHERE p.payable_kind = @kind AND p.payable_id = @payable
  AND p.state IN ('created', 'awaiting_payer', 'action_required', 'processing', 'partially_paid', 'unknown', 'succeeded')`

// LivePaymentOf returns the payment of a payable that is alive or has succeeded,
// or NotFound: there is at most one.
func (tx *Tx) LivePaymentOf(ctx context.Context, payable payment.Payable) (payment.Payment, error) {
	return tx.payment(ctx, livePaymentOfSQL, pgx.NamedArgs{"kind": string(payable.Kind), "payable": payable.ID})
}

const paymentsOfSQL = paymentColumnsSQL + `
WHERE p.payable_kind = @kind AND p.payable_id = @payable ORDER BY p.created_at, p.id LIMIT 200`

// PaymentsOf returns every payment of a payable, oldest first.
func (tx *Tx) PaymentsOf(ctx context.Context, payable payment.Payable) ([]payment.Payment, error) {
	return tx.payments(ctx, paymentsOfSQL, pgx.NamedArgs{"kind": string(payable.Kind), "payable": payable.ID})
}

const paymentOfOrderSQL = paymentColumnsSQL + `
WHERE p.order_id = @order ORDER BY p.state IN ('failed', 'canceled', 'expired'), p.created_at DESC, p.id DESC LIMIT 1`

// PaymentOfOrder returns the payment of an order that is alive or has succeeded,
// else the one that was begun last, or NotFound.
func (tx *Tx) PaymentOfOrder(ctx context.Context, orderID string) (payment.Payment, error) {
	return tx.payment(ctx, paymentOfOrderSQL, pgx.NamedArgs{"order": orderID})
}

const paidThroughSQL = `
SELECT COALESCE((SELECT 'bank' FROM bank_entry e WHERE e.order_id = @order LIMIT 1),
                (SELECT 'bank' FROM suspense_decision d WHERE d.order_id = @order AND d.kind = 'order' AND d.state = 'done' LIMIT 1),
                (SELECT p.provider FROM payment p WHERE p.order_id = @order AND p.state = 'succeeded' ORDER BY p.created_at, p.id LIMIT 1), 'balance')`

// PaidThrough returns the provider that a settled order's money came through: the
// bank where entries of a statement paid it, be it in parts or past an open card
// page; the balance where nothing came for the order itself.
func (tx *Tx) PaidThrough(ctx context.Context, orderID string) (string, error) {
	return value[string](ctx, tx, "provider", paidThroughSQL, pgx.NamedArgs{"order": orderID})
}

const newestTopUpOfSQL = paymentColumnsSQL + `
WHERE p.payer_id = @payer AND p.payable_kind = 'topup' AND p.parent_id IS NULL AND p.initiator = 'payer' AND p.provider <> 'bank'
ORDER BY p.created_at DESC, p.id DESC LIMIT 1`

// NewestTopUpOf returns the top-up that a payer began last at a provider, or
// NotFound.
func (tx *Tx) NewestTopUpOf(ctx context.Context, payer account.PayerID) (payment.Payment, error) {
	return tx.payment(ctx, newestTopUpOfSQL, pgx.NamedArgs{"payer": string(payer)})
}

const checkPaymentsOfSQL = `
UPDATE payment SET next_check_at = @now, version = version + 1
WHERE order_id = @order AND state IN ('created', 'awaiting_payer', 'action_required', 'processing', 'partially_paid', 'unknown')`

// CheckPaymentsOf has the reconciler look at the payments of an order that are
// alive: the order was closed.
func (tx *Tx) CheckPaymentsOf(ctx context.Context, orderID string) error {
	tx.later(checkPaymentsOfSQL, pgx.NamedArgs{"order": orderID, "now": tx.now})
	return nil
}

const paymentsToCheckSQL = paymentColumnsSQL + `
WHERE p.next_check_at <= @now ORDER BY p.next_check_at, p.id LIMIT @limit FOR UPDATE OF p SKIP LOCKED`

// PaymentsToCheck returns and locks payments that are due for the reconciler,
// the longest due first. Another worker's are left out.
func (tx *Tx) PaymentsToCheck(ctx context.Context, limit int) ([]payment.Payment, error) {
	return tx.payments(ctx, paymentsToCheckSQL, pgx.NamedArgs{"now": tx.now, "limit": limit})
}

const savePaymentSQL = `
UPDATE payment SET
    provider_ref = @ref, payer_url = @payer_url, received_minor = @received, refunded_minor = @refunded, disputed_minor = @disputed,
    state = @state, attempt_no = @attempt, declines = @declines, parked = @parked, sent_at = @sent_at, repeat_until = @repeat_until,
    as_of = @as_of, expires_at = @expires_at, next_check_at = @next_check_at, checks = @checks, method_id = @method, version = version + 1
WHERE id = @id AND version = @version`

// SavePayment stores what changed of a payment that was read, and locked, in this
// transaction. It fails with Conflict where the row went on meanwhile.
func (tx *Tx) SavePayment(ctx context.Context, p payment.Payment) error {
	args := paymentArgs(p)
	args["id"], args["version"] = string(p.ID), p.Version
	args["refunded"], args["disputed"], args["declines"], args["parked"] = int64(p.Refunded), int64(p.Disputed), p.Declines, string(p.Parked)
	args["sent_at"], args["repeat_until"] = instant(p.SentAt), instant(p.RepeatUntil)
	n, err := exec(ctx, tx, savePaymentSQL, args)
	if err == nil && n != 1 {
		return fault.Wrap(fault.Conflict, "", fmt.Errorf("payment %s is not at version %d", p.ID, p.Version))
	}
	return err
}

// PaymentSource is what made a payment move.
type PaymentSource string

// The sources. A webhook is none: it makes us look.
const (
	FromAPI      PaymentSource = "api"      // the answer to our request
	FromLookup   PaymentSource = "lookup"   // the provider's book
	FromOperator PaymentSource = "operator" // a person
	FromClock    PaymentSource = "clock"    // time
)

// PaymentEvent is one line of a payment's history.
type PaymentEvent struct {
	From    payment.State // empty for the first
	To      payment.State
	Source  PaymentSource
	Outcome string         // of an answer, as payment.Outcome names it
	InboxID int64          // the webhook that made us look; 0 for none
	Detail  map[string]any // no secrets, no personal data
	At      time.Time      // set by the store
}

const appendPaymentEventSQL = `
INSERT INTO payment_event (payment_id, seq, from_state, to_state, source, outcome, inbox_id, detail, at)
SELECT @payment::uuid, COALESCE(max(e.seq), 0) + 1, @from::text, @to::text, @source::text, @outcome::text, NULLIF(@inbox::bigint, 0), @detail::jsonb, @now::timestamptz
FROM payment_event e WHERE e.payment_id = @payment::uuid`

// AppendPaymentEvent adds a line to the history of a payment that is locked.
func (tx *Tx) AppendPaymentEvent(ctx context.Context, id payment.ID, e PaymentEvent) error {
	if e.Detail == nil {
		e.Detail = map[string]any{}
	}
	tx.later(appendPaymentEventSQL, pgx.NamedArgs{
		"payment": string(id), "from": string(e.From), "to": string(e.To), "source": string(e.Source), "outcome": e.Outcome,
		"inbox": e.InboxID, "detail": e.Detail, "now": tx.now,
	})
	return nil
}

const paymentEventsSQL = `
SELECT from_state AS from, to_state AS to, source, outcome, COALESCE(inbox_id, 0) AS inbox_id, detail, at
FROM payment_event WHERE payment_id = @payment ORDER BY seq`

// PaymentEvents returns a payment's history, oldest first.
func (tx *Tx) PaymentEvents(ctx context.Context, id payment.ID) ([]PaymentEvent, error) {
	return list[PaymentEvent](ctx, tx, paymentEventsSQL, pgx.NamedArgs{"payment": string(id)})
}

// DetailNotDone marks the end of an attempt that surely was not executed, in the
// history of its payment: nobody declined it.
const DetailNotDone = "not_done"

const declinesOfMethodSQL = `
SELECT count(*) FROM payment_event e
JOIN payment p ON p.id = e.payment_id
JOIN payment_method m ON m.id = p.method_id
JOIN payment_method this ON this.id = @method AND (this.id = m.id OR this.fingerprint <> '' AND this.fingerprint = m.fingerprint)
WHERE e.at > @since AND (e.outcome = 'declined' OR e.source = 'lookup' AND e.to_state = 'failed' AND e.from_state IN ('created', 'unknown', 'processing')
                                                AND e.detail -> 'not_done' IS NULL)`

// DeclinesOfMethod returns how often a card was declined since an instant, under
// whatever token, also where the answer was lost and a look told. Card schemes
// punish the insistent.
func (tx *Tx) DeclinesOfMethod(ctx context.Context, methodID string, since time.Time) (int, error) {
	return value[int](ctx, tx, "declines", declinesOfMethodSQL, pgx.NamedArgs{"method": methodID, "since": since})
}

const insertMethodSQL = `
INSERT INTO payment_method (payer_id, provider, provider_account, provider_ref, label, fingerprint, expires_on, created_at)
VALUES (@payer, @provider, @account, @ref, @label, @fingerprint, @expires_on, @now)
ON CONFLICT ON CONSTRAINT payment_method_once DO UPDATE SET label = EXCLUDED.label, expires_on = EXCLUDED.expires_on
WHERE payment_method.payer_id = EXCLUDED.payer_id
RETURNING id`

// KeepMethod stores a saved method, or the news about one that is known, and
// returns its id. One that was revoked stays so. It fails with NotFound where
// the token belongs to another payer.
func (tx *Tx) KeepMethod(ctx context.Context, m payment.Method) (string, error) {
	return value[string](ctx, tx, "payment method", insertMethodSQL, pgx.NamedArgs{
		"payer": string(m.PayerID), "provider": m.Provider, "account": m.Account, "ref": m.Ref, "label": m.Label,
		"fingerprint": m.Fingerprint, "expires_on": day(m.ExpiresOn), "now": tx.now,
	})
}

const methodColumnsSQL = `
SELECT m.id, m.payer_id, m.provider, m.provider_account, m.provider_ref, m.label, m.fingerprint, m.expires_on, m.created_at, m.revoked_at
FROM payment_method m `

type methodRow struct {
	ID              string
	PayerID         string
	Provider        string
	ProviderAccount string
	ProviderRef     string
	Label           string
	Fingerprint     string
	ExpiresOn       *time.Time
	CreatedAt       time.Time
	RevokedAt       *time.Time
}

func (r methodRow) method() payment.Method {
	return payment.Method{
		ID: r.ID, PayerID: account.PayerID(r.PayerID), Provider: r.Provider, Account: r.ProviderAccount, CreatedAt: r.CreatedAt.UTC(),
		RevokedAt:   moment(r.RevokedAt),
		SavedMethod: payment.SavedMethod{Ref: r.ProviderRef, Label: r.Label, Fingerprint: r.Fingerprint, ExpiresOn: date(r.ExpiresOn)},
	}
}

const methodSQL = methodColumnsSQL + `WHERE m.id = @id`

// Method returns a saved method, revoked ones included.
func (tx *Tx) Method(ctx context.Context, id string) (payment.Method, error) {
	r, err := one[methodRow](ctx, tx, "payment method", methodSQL, pgx.NamedArgs{"id": id})
	return r.method(), err
}

const methodsOfSQL = methodColumnsSQL + `WHERE m.payer_id = @payer AND m.revoked_at IS NULL ORDER BY m.created_at DESC, m.id LIMIT 100`

// MethodsOf returns the saved methods of a payer that may be charged, newest first.
func (tx *Tx) MethodsOf(ctx context.Context, payer account.PayerID) ([]payment.Method, error) {
	rows, err := list[methodRow](ctx, tx, methodsOfSQL, pgx.NamedArgs{"payer": string(payer)})
	out := make([]payment.Method, len(rows))
	for i, r := range rows {
		out[i] = r.method()
	}
	return out, err
}

const revokeMethodSQL = `
UPDATE payment_method SET revoked_at = @now WHERE id = @id AND payer_id = @payer AND revoked_at IS NULL`

// RevokeMethod makes sure that a saved method of a payer is not charged again,
// and returns whether that changes anything.
func (tx *Tx) RevokeMethod(ctx context.Context, payer account.PayerID, id string) (bool, error) {
	n, err := exec(ctx, tx, revokeMethodSQL, pgx.NamedArgs{"id": id, "payer": string(payer), "now": tx.now})
	return n > 0, err
}

const insertConsentSQL = `
INSERT INTO consent (payer_id, account_id, subject, method_id, text_id, language, text_sha256, amount_rule, months, ip, user_agent, given_at)
VALUES (@payer, @account, @subject, @method, @text_id, @language, @text_sha256, @amount_rule, @months, @ip, @user_agent, COALESCE(@given_at::timestamptz, @now::timestamptz))
RETURNING id`

// InsertConsent records that a person agreed to charges while away, at GivenAt
// or now.
func (tx *Tx) InsertConsent(ctx context.Context, c payment.Consent) (string, error) {
	return value[string](ctx, tx, "consent", insertConsentSQL, pgx.NamedArgs{
		"payer": string(c.PayerID), "account": string(c.AccountID), "subject": c.Subject, "method": nullable(c.MethodID),
		"text_id": c.TextID, "language": c.Language, "text_sha256": c.TextSHA256, "amount_rule": c.AmountRule, "months": c.Months,
		"ip": c.IP, "user_agent": c.UserAgent, "given_at": instant(c.GivenAt), "now": tx.now,
	})
}

const consentOfSQL = `
SELECT id, payer_id, account_id, subject, COALESCE(method_id::text, '') AS method_id, text_id, language, text_sha256, amount_rule, months,
       ip, user_agent, given_at
FROM consent WHERE subject = @subject AND revoked_at IS NULL ORDER BY given_at DESC, id LIMIT 1`

// ConsentOf returns the newest consent to a subject that still holds, or
// NotFound: then nothing may be charged.
func (tx *Tx) ConsentOf(ctx context.Context, subject string) (payment.Consent, error) {
	r, err := one[consentRow](ctx, tx, "consent", consentOfSQL, pgx.NamedArgs{"subject": subject})
	return r.consent(), err
}

type consentRow struct {
	ID         string
	PayerID    string
	AccountID  string
	Subject    string
	MethodID   string
	TextID     string
	Language   string
	TextSHA256 []byte `db:"text_sha256"`
	AmountRule string
	Months     int
	IP         string `db:"ip"`
	UserAgent  string
	GivenAt    time.Time
}

func (r consentRow) consent() payment.Consent {
	return payment.Consent{
		ID: r.ID, PayerID: account.PayerID(r.PayerID), AccountID: account.ID(r.AccountID), Subject: r.Subject, MethodID: r.MethodID,
		TextID: r.TextID, Language: r.Language, TextSHA256: r.TextSHA256, AmountRule: r.AmountRule, Months: r.Months, IP: r.IP,
		UserAgent: r.UserAgent, GivenAt: r.GivenAt.UTC(),
	}
}

const revokeConsentSQL = `UPDATE consent SET revoked_at = @now WHERE subject = @subject AND revoked_at IS NULL`

// RevokeConsent ends every consent to a subject, in the transaction that turns
// auto-renewal off.
func (tx *Tx) RevokeConsent(ctx context.Context, subject string) error {
	tx.later(revokeConsentSQL, pgx.NamedArgs{"subject": subject, "now": tx.now})
	return nil
}

const insertRefundSQL = `
INSERT INTO refund (payment_id, provider, provider_account, request, currency, amount_minor, state, reason, asked_by, credit_note_id, created_at)
SELECT p.id, p.provider, p.provider_account, @request, @currency, @amount, 'requested', @reason, @by, @credit_note, @now
FROM payment p WHERE p.id = @payment
ON CONFLICT ON CONSTRAINT refund_request_once DO NOTHING
RETURNING id`

// InsertRefund records that money is to go back and returns the refund's id; it
// returns the id of the one that the same request made before. isNew tells them
// apart. It fails with Conflict where refunds would exceed what was received.
func (tx *Tx) InsertRefund(ctx context.Context, r payment.Refund) (id string, isNew bool, err error) {
	id, err = value[string](ctx, tx, "refund", insertRefundSQL, pgx.NamedArgs{
		"payment": string(r.PaymentID), "request": r.Request, "currency": string(r.Amount.Currency), "amount": int64(r.Amount.Amount),
		"reason": r.Reason, "by": r.By, "credit_note": nullable(r.CreditNoteID), "now": tx.now,
	})
	if IsConstraint(err, "payment_asked_at_most_received") {
		err = fault.Wrap(fault.Conflict, "", err)
	}
	if err == nil || !fault.Is(err, fault.NotFound) {
		return id, err == nil, err
	}
	id, err = value[string](ctx, tx, "refund", refundByRequestSQL, pgx.NamedArgs{"request": r.Request, "payment": string(r.PaymentID)})
	return id, false, err
}

const refundByRequestSQL = `SELECT id FROM refund WHERE request = @request AND payment_id = @payment`

const refundColumnsSQL = `
SELECT r.id, r.payment_id, r.provider, r.provider_account, r.provider_ref, r.request, r.currency, r.amount_minor, r.state,
       r.attempt_no, r.reason, r.asked_by, r.credit_note_id, r.created_at, r.sent_at, r.repeat_until, r.next_check_at, r.checks
FROM refund r `

type refundRow struct {
	ID              string
	PaymentID       string
	Provider        string
	ProviderAccount string
	ProviderRef     *string
	Request         string
	Currency        string
	AmountMinor     int64
	State           string
	AttemptNo       int
	Reason          string
	AskedBy         string
	CreditNoteID    *string
	CreatedAt       time.Time
	SentAt          *time.Time
	RepeatUntil     *time.Time
	NextCheckAt     *time.Time
	Checks          int
}

func (r refundRow) refund() payment.Refund {
	return payment.Refund{
		ID: r.ID, PaymentID: payment.ID(r.PaymentID), Provider: r.Provider, Account: r.ProviderAccount, Request: r.Request,
		Ref: text(r.ProviderRef), Amount: money.Of(money.Amount(r.AmountMinor), money.Currency(r.Currency)),
		State: payment.RefundState(r.State), AttemptNo: r.AttemptNo, Reason: r.Reason, By: r.AskedBy, CreditNoteID: text(r.CreditNoteID), CreatedAt: r.CreatedAt.UTC(),
		SentAt: moment(r.SentAt), RepeatUntil: moment(r.RepeatUntil), NextCheckAt: moment(r.NextCheckAt), Checks: r.Checks,
	}
}

const lockRefundSQL = refundColumnsSQL + `WHERE r.id = @id FOR UPDATE`

// LockRefund returns and locks a refund. Its payment is locked before.
func (tx *Tx) LockRefund(ctx context.Context, id string) (payment.Refund, error) {
	r, err := one[refundRow](ctx, tx, "refund", lockRefundSQL, pgx.NamedArgs{"id": id})
	return r.refund(), err
}

const refundsOfSQL = refundColumnsSQL + `WHERE r.payment_id = @payment ORDER BY r.created_at, r.id`

// RefundsOf returns the refunds of a payment, oldest first.
func (tx *Tx) RefundsOf(ctx context.Context, id payment.ID) ([]payment.Refund, error) {
	rows, err := list[refundRow](ctx, tx, refundsOfSQL, pgx.NamedArgs{"payment": string(id)})
	out := make([]payment.Refund, len(rows))
	for i, r := range rows {
		out[i] = r.refund()
	}
	return out, err
}

const refundAskedSQL = `SELECT asked_minor FROM payment WHERE id = @payment`

// RefundAsked returns how much of a payment is in refunds that have not failed.
func (tx *Tx) RefundAsked(ctx context.Context, id payment.ID) (money.Amount, error) {
	minor, err := value[int64](ctx, tx, "payment", refundAskedSQL, pgx.NamedArgs{"payment": string(id)})
	return money.Amount(minor), err
}

const saveRefundSQL = `
UPDATE refund SET provider_ref = @ref, state = @state, attempt_no = @attempt, sent_at = @sent_at, repeat_until = @repeat_until,
    next_check_at = @next_check_at, checks = @checks
WHERE id = @id`

// SaveRefund stores where a refund stands.
func (tx *Tx) SaveRefund(ctx context.Context, r payment.Refund) error {
	_, err := exec(ctx, tx, saveRefundSQL, pgx.NamedArgs{
		"id": r.ID, "ref": nullable(r.Ref), "state": string(r.State), "attempt": r.AttemptNo, "sent_at": instant(r.SentAt),
		"repeat_until": instant(r.RepeatUntil), "next_check_at": instant(r.NextCheckAt), "checks": r.Checks,
	})
	return err
}

const saveDisputeSQL = `
INSERT INTO dispute (payment_id, provider, provider_account, provider_ref, currency, amount_minor, reason, state, opened_at)
SELECT p.id, p.provider, p.provider_account, @ref, @currency, @amount, @reason, @state, @now FROM payment p WHERE p.id = @payment
ON CONFLICT ON CONSTRAINT dispute_ref_once DO UPDATE SET state = EXCLUDED.state, amount_minor = EXCLUDED.amount_minor
WHERE dispute.payment_id = EXCLUDED.payment_id
RETURNING id`

// SaveDispute records a dispute as the provider shows it, and returns our id of
// it.
func (tx *Tx) SaveDispute(ctx context.Context, id payment.ID, v payment.DisputeView) (string, error) {
	dispute, err := value[string](ctx, tx, "dispute", saveDisputeSQL, pgx.NamedArgs{
		"payment": string(id), "ref": v.Ref, "currency": string(v.Amount.Currency), "amount": int64(v.Amount.Amount), "reason": v.Reason,
		"state": string(v.State), "now": tx.now,
	})
	if fault.Is(err, fault.NotFound) {
		err = fault.Wrap(fault.Conflict, "", fmt.Errorf("dispute %s is not of payment %s", v.Ref, id))
	}
	return dispute, err
}

// Webhook is a webhook as it is kept.
type Webhook struct {
	ID         int64
	Provider   string
	Account    string
	Key        string // of the event
	Type       string
	Ref        string // the provider's id of the payment
	PaymentID  string // ours, as the provider says it
	OccurredAt time.Time
	Body       []byte
	Headers    map[string][]string
	BodySHA256 []byte
	State      WebhookState
	Attempts   int
	LastError  string
}

// WebhookState is what became of a webhook.
type WebhookState string

// The states of a webhook.
const (
	WebhookPending WebhookState = "pending"
	WebhookDone    WebhookState = "done"
	WebhookIgnored WebhookState = "ignored"
	WebhookFailed  WebhookState = "failed"
)

const insertInboxSQL = `
INSERT INTO webhook_inbox (provider, provider_account, event_key, event_type, payment_ref, payment_id, occurred_at, body, headers, body_sha256,
                           state, received_at)
VALUES (@provider, @account, @key, @type, @ref, @payment, @occurred_at, @body, @headers, @sha256, @state, @now)
ON CONFLICT ON CONSTRAINT webhook_inbox_once DO NOTHING
RETURNING id`

// InsertInbox keeps a webhook and returns its id; isNew is false where the event
// came before.
func (tx *Tx) InsertInbox(ctx context.Context, w Webhook) (id int64, isNew bool, err error) {
	id, err = value[int64](ctx, tx, "webhook", insertInboxSQL, pgx.NamedArgs{
		"provider": w.Provider, "account": w.Account, "key": w.Key, "type": w.Type, "ref": w.Ref, "payment": w.PaymentID,
		"occurred_at": instant(w.OccurredAt), "body": w.Body, "headers": w.Headers, "sha256": w.BodySHA256, "state": string(w.State), "now": tx.now,
	})
	if fault.Is(err, fault.NotFound) {
		return 0, false, nil
	}
	return id, err == nil, err
}

const lockInboxSQL = `
SELECT id, provider, provider_account AS account, event_key AS key, event_type AS type, payment_ref AS ref, payment_id, occurred_at, body,
       headers, body_sha256, state, attempts, last_error
FROM webhook_inbox WHERE id = @id FOR UPDATE`

// LockInbox returns and locks a webhook.
func (tx *Tx) LockInbox(ctx context.Context, id int64) (Webhook, error) {
	r, err := one[struct {
		ID         int64
		Provider   string
		Account    string
		Key        string
		Type       string
		Ref        string
		PaymentID  string
		OccurredAt *time.Time
		Body       []byte
		Headers    map[string][]string
		BodySHA256 []byte `db:"body_sha256"`
		State      string
		Attempts   int
		LastError  string
	}](ctx, tx, "webhook", lockInboxSQL, pgx.NamedArgs{"id": id})
	return Webhook{
		ID: r.ID, Provider: r.Provider, Account: r.Account, Key: r.Key, Type: r.Type, Ref: r.Ref, PaymentID: r.PaymentID,
		OccurredAt: moment(r.OccurredAt), Body: r.Body, Headers: r.Headers, BodySHA256: r.BodySHA256, State: WebhookState(r.State),
		Attempts: r.Attempts, LastError: r.LastError,
	}, err
}

const saveInboxSQL = `
UPDATE webhook_inbox SET state = @state::text, attempts = attempts + 1, last_error = @last_error,
    processed_at = CASE WHEN @state::text = 'pending' THEN NULL ELSE @now::timestamptz END
WHERE id = @id`

// SaveInbox notes an attempt at a webhook and what became of it. cause is for the
// log; nil for none.
func (tx *Tx) SaveInbox(ctx context.Context, id int64, state WebhookState, cause error) error {
	_, err := exec(ctx, tx, saveInboxSQL, pgx.NamedArgs{"id": id, "state": string(state), "last_error": errorText(cause), "now": tx.now})
	return err
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	const most = 500
	cause := strings.ToValidUTF8(err.Error(), "?")
	if len(cause) > most {
		cause = strings.ToValidUTF8(cause[:most], "")
	}
	return cause
}

const deleteOldInboxSQL = `DELETE FROM webhook_inbox WHERE received_at < @before AND state <> 'pending'`

// DeleteOldInbox forgets webhooks that came before an instant, and returns how
// many: their bodies hold personal data.
func (tx *Tx) DeleteOldInbox(ctx context.Context, before time.Time) (int64, error) {
	return exec(ctx, tx, deleteOldInboxSQL, pgx.NamedArgs{"before": before})
}

const ensureRenewalSQL = `
INSERT INTO renewal (subscription_id, period_no, created_at) VALUES (@subscription, @period, @now)
ON CONFLICT ON CONSTRAINT renewal_once DO NOTHING`

const renewalSQL = `
SELECT id, subscription_id, period_no, state, tries, last_try_on, next_try_at
FROM renewal WHERE subscription_id = @subscription AND period_no = @period FOR UPDATE`

// Renewal is the next period of a subscription as something that is paid for.
type Renewal struct {
	ID             string
	SubscriptionID string
	PeriodNo       int
	State          RenewalState
	Tries          int        // days on which a saved method was charged
	LastTryOn      civil.Date // the last day on which that was tried, or stopped by a bound; zero for never
	NextTryAt      time.Time  // no try before; zero for none planned
}

// RenewalState is what became of a renewal.
type RenewalState string

// The states of a renewal.
const (
	RenewalOpen   RenewalState = "open"
	RenewalPaid   RenewalState = "paid"
	RenewalGaveUp RenewalState = "gave_up"
)

// Payable is what payments of the renewal are for.
func (r Renewal) Payable() payment.Payable {
	return payment.Payable{Kind: payment.PayableRenewal, ID: r.ID}
}

// LockRenewal returns and locks the renewal that buys a period of a
// subscription, making it where there is none. The subscription is locked
// before.
func (tx *Tx) LockRenewal(ctx context.Context, subscriptionID string, period int) (Renewal, error) {
	args := pgx.NamedArgs{"subscription": subscriptionID, "period": period, "now": tx.now}
	if _, err := exec(ctx, tx, ensureRenewalSQL, args); err != nil {
		return Renewal{}, err
	}
	r, err := one[renewalRow](ctx, tx, "renewal", renewalSQL, args)
	return r.renewal(), err
}

type renewalRow struct {
	ID             string
	SubscriptionID string
	PeriodNo       int
	State          string
	Tries          int
	LastTryOn      *time.Time
	NextTryAt      *time.Time
}

func (r renewalRow) renewal() Renewal {
	return Renewal{
		ID: r.ID, SubscriptionID: r.SubscriptionID, PeriodNo: r.PeriodNo, State: RenewalState(r.State), Tries: r.Tries,
		LastTryOn: date(r.LastTryOn), NextTryAt: moment(r.NextTryAt),
	}
}

const saveRenewalSQL = `
UPDATE renewal SET state = @state, tries = @tries, last_try_on = @last_try_on, next_try_at = @next_try_at WHERE id = @id`

// SaveRenewal stores where a renewal stands.
func (tx *Tx) SaveRenewal(ctx context.Context, r Renewal) error {
	_, err := exec(ctx, tx, saveRenewalSQL, pgx.NamedArgs{
		"id": r.ID, "state": string(r.State), "tries": r.Tries, "last_try_on": day(r.LastTryOn), "next_try_at": instant(r.NextTryAt),
	})
	return err
}

const renewalPaidSQL = `
UPDATE renewal SET state = 'paid', next_try_at = NULL WHERE subscription_id = @subscription AND period_no = @period AND state <> 'paid'`

const insertPaidRenewalSQL = `
INSERT INTO renewal (id, subscription_id, period_no, state, created_at) VALUES (@id, @subscription, @period, 'paid', @now)`

// InsertPaidRenewal stores a renewal, of which there was nothing yet, as paid.
func (tx *Tx) InsertPaidRenewal(r Renewal) {
	tx.later(insertPaidRenewalSQL, pgx.NamedArgs{"id": r.ID, "subscription": r.SubscriptionID, "period": r.PeriodNo, "now": tx.now})
}

// RenewalPaid notes that a period was bought; how, does not matter.
func (tx *Tx) RenewalPaid(ctx context.Context, subscriptionID string, period int) error {
	tx.later(renewalPaidSQL, pgx.NamedArgs{"subscription": subscriptionID, "period": period})
	return nil
}

const isBookedSQL = `
SELECT EXISTS (SELECT FROM ledger_entry e WHERE e.kind = @kind AND (e.payment_id = @id OR e.refund_id = @id OR e.dispute_id = @id))`

// IsBooked reports whether an entry of that kind names a payment, refund or
// dispute as its source.
func (tx *Tx) IsBooked(ctx context.Context, kind ledger.EntryKind, id string) (bool, error) {
	return value[bool](ctx, tx, "ledger entry", isBookedSQL, pgx.NamedArgs{"kind": string(kind), "id": id})
}
