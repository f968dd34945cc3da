package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/ledger"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
)

// Waiting is how much waits for a person of the back office.
type Waiting struct {
	Refunds          int       // requests that wait for a decision
	OldestAsked      time.Time // of them
	Payouts          int       // refunds that somebody has to send by transfer
	OldestPayout     time.Time
	Corrections      int // requests for a corrected invoice that wait for a decision
	OldestCorrection time.Time
	Parked           int // payments that their provider shows otherwise than we know them
	Unknown          int // payments of which nobody knows whether they were taken
	Alerted          int // payments with an alert since
	Suspense         int // bank entries without an owner
	OldestEntry      civil.Date
}

const waitingSQL = `
SELECT (SELECT count(*) FROM refund_request WHERE state IN ('requested', 'approved_once')) AS refunds,
       (SELECT min(asked_at) FROM refund_request WHERE state IN ('requested', 'approved_once')) AS oldest_asked,
       (SELECT count(*) FROM refund WHERE provider = 'bank' AND state = 'requested') AS payouts,
       (SELECT min(created_at) FROM refund WHERE provider = 'bank' AND state = 'requested') AS oldest_payout,
       (SELECT count(*) FROM correction_request WHERE state IN ('requested', 'approved_once')) AS corrections,
       (SELECT min(asked_at) FROM correction_request WHERE state IN ('requested', 'approved_once')) AS oldest_correction,
       (SELECT count(*) FROM payment WHERE parked <> '') AS parked,
       (SELECT count(*) FROM payment WHERE state = 'unknown') AS unknown,
       (SELECT count(DISTINCT object_id) FROM audit WHERE action = 'payment.alert' AND at >= @since) AS alerted,
       w.suspense, w.oldest_entry
FROM (SELECT count(*) AS suspense, min(b.booked_on) AS oldest_entry FROM bank_entry b
      WHERE b.outcome = 'suspense' AND NOT EXISTS (SELECT FROM suspense_decision d WHERE d.bank_entry_id = b.id AND d.state = 'done')) w`

// Waiting counts what waits for a person; alerts are counted since an instant.
func (tx *Tx) Waiting(ctx context.Context, since time.Time) (Waiting, error) {
	r, err := one[struct {
		Refunds          int
		OldestAsked      *time.Time
		Payouts          int
		OldestPayout     *time.Time
		Corrections      int
		OldestCorrection *time.Time
		Parked           int
		Unknown          int
		Alerted          int
		Suspense         int
		OldestEntry      *time.Time
	}](ctx, tx, "counts", waitingSQL, pgx.NamedArgs{"since": since})
	return Waiting{
		Refunds: r.Refunds, OldestAsked: moment(r.OldestAsked), Payouts: r.Payouts, OldestPayout: moment(r.OldestPayout), Corrections: r.Corrections, OldestCorrection: moment(r.OldestCorrection), Parked: r.Parked, Unknown: r.Unknown, Alerted: r.Alerted, Suspense: r.Suspense,
		OldestEntry: date(r.OldestEntry),
	}, err
}

// PaymentSearch is what is known about a payment that is looked for. Zero fields
// are not known; all others have to fit.
type PaymentSearch struct {
	Amount    money.Amount
	From      time.Time // with Until, when it may have begun
	Until     time.Time
	Ending    string // last digits of the card, or of the order's number
	Reference string // number, reference, or id of the provider's; in full
	Parked    bool
	Unknown   bool
	Suspense  bool
	AlertedAt time.Time // with an alert since
	Limit     int
}

// FoundPayment is a payment through a provider, or an entry in the bank's
// statement, with what tells it from others.
type FoundPayment struct {
	ID       string
	Bank     bool
	At       time.Time
	PayerID  account.PayerID // empty for money without an owner
	Payer    string          // of a bank entry without an owner, as the bank names it
	Order    string          // number; empty for a top-up
	Provider string
	Method   string // "Visa •••• 4242", where it is kept
	Amount   money.Money
	State    string // of the payment; of a bank entry, what became of it
	Alert    string // why a person has to look
}

type foundPaymentRow struct {
	ID          string
	Bank        bool
	At          time.Time
	PayerID     string
	Payer       string
	OrderNumber string
	Provider    string
	Method      string
	AmountMinor int64
	Currency    string
	State       string
	Alert       string
}

func (r foundPaymentRow) found() FoundPayment {
	return FoundPayment{
		ID: r.ID, Bank: r.Bank, At: r.At.UTC(), PayerID: account.PayerID(r.PayerID), Payer: r.Payer, Order: r.OrderNumber, Provider: r.Provider,
		Method: r.Method, Amount: money.Of(money.Amount(r.AmountMinor), money.Currency(r.Currency)), State: r.State, Alert: r.Alert,
	}
}

// A transfer is found as what stands on the bank's statement; the payment that it
// is in our books would be the same money again.
const searchPaymentsSQL = `
SELECT f.id, f.bank, f.at, f.payer_id, f.payer, f.order_number, f.provider, f.method, f.amount_minor, f.currency, f.state, f.alert
FROM (
    SELECT p.id, false AS bank, p.created_at AS at, p.payer_id::text AS payer_id, y.name AS payer, COALESCE(o.number, '') AS order_number,
           p.provider, COALESCE(m.label, '') AS method, p.amount_minor, p.currency, p.state, p.parked AS alert
    FROM payment p
    JOIN payer y ON y.id = p.payer_id
    LEFT JOIN orders o ON o.id = p.order_id
    LEFT JOIN payment_method m ON m.id = p.method_id
    WHERE p.provider <> 'bank' AND NOT @suspense::boolean
      AND (@amount::bigint IS NULL OR @amount::bigint IN (p.amount_minor, p.received_minor))
      AND (@from::timestamptz IS NULL OR p.created_at >= @from::timestamptz AND p.created_at < @until::timestamptz)
      AND (@ending::text = '' OR right(m.label, length(@ending::text)) = @ending::text OR right(o.number, length(@ending::text)) = @ending::text)
      AND (@reference::text = '' OR upper(@reference::text) IN (o.number, o.reference) OR p.provider_ref = @reference::text OR p.id::text = lower(@reference::text)
           OR EXISTS (SELECT FROM invoice i WHERE i.order_id = o.id AND i.number = upper(@reference::text)))
      AND (NOT @parked::boolean OR p.parked <> '')
      AND (NOT @unknown::boolean OR p.state = 'unknown')
      AND (@alerted_at::timestamptz IS NULL
           OR EXISTS (SELECT FROM audit u WHERE u.action = 'payment.alert' AND u.object_id = p.id::text AND u.at >= @alerted_at::timestamptz))
    UNION ALL
    SELECT b.id, true, b.booked_on::timestamp AT TIME ZONE 'UTC', COALESCE(y.id::text, ''), COALESCE(y.name, b.payer_name), COALESCE(o.number, ''),
           'bank', '', b.amount_minor, b.currency, CASE WHEN d.id IS NULL THEN b.outcome WHEN d.kind IN ('order', 'balance') THEN 'matched' ELSE 'returned' END,
           CASE WHEN b.outcome = 'suspense' AND d.id IS NULL THEN b.reason ELSE '' END
    FROM bank_entry b
    LEFT JOIN suspense_decision d ON d.bank_entry_id = b.id AND d.state = 'done'
    LEFT JOIN orders o ON o.id = COALESCE(b.order_id, d.order_id)
    LEFT JOIN payer y ON y.id = COALESCE(b.payer_id, d.payer_id, o.payer_id)
    WHERE b.credit AND NOT @parked::boolean AND NOT @unknown::boolean AND @alerted_at::timestamptz IS NULL
      AND (NOT @suspense::boolean OR b.outcome = 'suspense' AND d.id IS NULL)
      AND (@amount::bigint IS NULL OR b.amount_minor = @amount::bigint)
      AND (@from::timestamptz IS NULL OR b.booked_on::timestamp AT TIME ZONE 'UTC' >= @from::timestamptz AND b.booked_on::timestamp AT TIME ZONE 'UTC' < @until::timestamptz)
      AND (@ending::text = '' OR right(o.number, length(@ending::text)) = @ending::text OR right(b.payer_iban, length(@ending::text)) = @ending::text)
      AND (@reference::text = '' OR upper(@reference::text) IN (o.number, o.reference, b.reference) OR b.end_to_end = @reference::text
           OR b.id::text = lower(@reference::text) OR EXISTS (SELECT FROM invoice i WHERE i.order_id = o.id AND i.number = upper(@reference::text))
           OR position(upper(@reference::text) IN upper(b.remittance)) > 0)
) f
ORDER BY f.at DESC, f.id LIMIT @limit`

// SearchPayments returns payments of anybody's that fit, newest first.
func (tx *Tx) SearchPayments(ctx context.Context, s PaymentSearch) ([]FoundPayment, error) {
	args := pgx.NamedArgs{
		"amount": nil, "from": instant(s.From), "until": instant(s.Until), "ending": s.Ending, "reference": s.Reference, "parked": s.Parked,
		"unknown": s.Unknown, "suspense": s.Suspense, "alerted_at": instant(s.AlertedAt), "limit": s.Limit,
	}
	if s.Amount != 0 {
		args["amount"] = int64(s.Amount)
	}
	rows, err := list[foundPaymentRow](ctx, tx, searchPaymentsSQL, args)
	found := make([]FoundPayment, len(rows))
	for i, r := range rows {
		found[i] = r.found()
	}
	return found, err
}

// PaymentBooking is a movement in the ledger that names a payment, one of its
// refunds or one of its disputes.
type PaymentBooking struct {
	Kind   ledger.EntryKind
	At     time.Time
	Amount money.Money
}

const paymentBookingsSQL = `
SELECT e.kind, e.at, p.currency, sum(p.amount_minor) FILTER (WHERE p.amount_minor > 0)::bigint AS amount_minor
FROM ledger_entry e JOIN ledger_posting p ON p.entry_id = e.id
WHERE e.payment_id = @payment
   OR e.refund_id IN (SELECT r.id FROM refund r WHERE r.payment_id = @payment)
   OR e.dispute_id IN (SELECT d.id FROM dispute d WHERE d.payment_id = @payment)
GROUP BY e.id, p.currency ORDER BY e.id`

// PaymentBookings returns what the ledger says of a payment, oldest first.
func (tx *Tx) PaymentBookings(ctx context.Context, id payment.ID) ([]PaymentBooking, error) {
	rows, err := list[struct {
		Kind        string
		At          time.Time
		Currency    string
		AmountMinor int64
	}](ctx, tx, paymentBookingsSQL, pgx.NamedArgs{"payment": string(id)})
	out := make([]PaymentBooking, len(rows))
	for i, r := range rows {
		out[i] = PaymentBooking{Kind: ledger.EntryKind(r.Kind), At: r.At.UTC(), Amount: money.Of(money.Amount(r.AmountMinor), money.Currency(r.Currency))}
	}
	return out, err
}

const topUpsFromSQL = paymentColumnsSQL + `WHERE p.parent_id = @payment ORDER BY p.created_at, p.id`

// TopUpsFrom returns the top-ups that money for an ended payment became.
func (tx *Tx) TopUpsFrom(ctx context.Context, id payment.ID) ([]payment.Payment, error) {
	return tx.payments(ctx, topUpsFromSQL, pgx.NamedArgs{"payment": string(id)})
}

const disputesOfSQL = `
SELECT d.id, d.payment_id, d.provider, d.provider_account, d.provider_ref, d.currency, d.amount_minor, d.reason, d.state, d.opened_at
FROM dispute d WHERE d.payment_id = @payment ORDER BY d.opened_at, d.id`

// DisputesOf returns the disputes of a payment, oldest first.
func (tx *Tx) DisputesOf(ctx context.Context, id payment.ID) ([]payment.Dispute, error) {
	rows, err := list[struct {
		ID              string
		PaymentID       string
		Provider        string
		ProviderAccount string
		ProviderRef     string
		Currency        string
		AmountMinor     int64
		Reason          string
		State           string
		OpenedAt        time.Time
	}](ctx, tx, disputesOfSQL, pgx.NamedArgs{"payment": string(id)})
	out := make([]payment.Dispute, len(rows))
	for i, r := range rows {
		out[i] = payment.Dispute{
			ID: r.ID, PaymentID: payment.ID(r.PaymentID), Provider: r.Provider, Account: r.ProviderAccount, Ref: r.ProviderRef,
			Amount: money.Of(money.Amount(r.AmountMinor), money.Currency(r.Currency)), Reason: r.Reason,
			State: payment.DisputeState(r.State), OpenedAt: r.OpenedAt.UTC(),
		}
	}
	return out, err
}

// PaymentAlert is a call for a person.
type PaymentAlert struct {
	At  time.Time
	Why string // as payment.AlertCode
}

const paymentAlertsSQL = `
SELECT at, COALESCE(detail ->> 'why', '') AS why FROM audit WHERE action = 'payment.alert' AND object_id = @payment::text ORDER BY id LIMIT 200`

// PaymentAlerts returns why a person was called to a payment, oldest first.
func (tx *Tx) PaymentAlerts(ctx context.Context, id payment.ID) ([]PaymentAlert, error) {
	return list[PaymentAlert](ctx, tx, paymentAlertsSQL, pgx.NamedArgs{"payment": string(id)})
}

// PaymentNames is what a payment's page calls things by.
type PaymentNames struct {
	Payer    string
	Kind     string
	Country  string
	Email    string
	Order    string
	Invoices []string
	Method   string
}

const paymentNamesSQL = `
SELECT y.name AS payer, y.kind, y.country, y.email, COALESCE(o.number, '') AS order,
       ARRAY(SELECT i.number FROM invoice i WHERE i.order_id = p.order_id ORDER BY i.issued_at) AS invoices, COALESCE(m.label, '') AS method
FROM payment p
JOIN payer y ON y.id = p.payer_id
LEFT JOIN orders o ON o.id = p.order_id
LEFT JOIN payment_method m ON m.id = p.method_id
WHERE p.id = @payment`

// PaymentNames returns who a payment is of and what it pays.
func (tx *Tx) PaymentNames(ctx context.Context, id payment.ID) (PaymentNames, error) {
	return one[PaymentNames](ctx, tx, "payment", paymentNamesSQL, pgx.NamedArgs{"payment": string(id)})
}

// BankEntrySeen is an entry of the bank's statement as it was imported.
type BankEntrySeen struct {
	ID         string
	PayerID    string // empty for none
	Payer      string
	From       string // as the bank names the sender
	IBAN       string `db:"iban"`
	BookedOn   time.Time
	Minor      int64
	Currency   string
	Reference  string
	Remittance string
	EndToEnd   string
	Outcome    string
	Reason     string
	ThirdParty bool
	Order      string
	ImportedAt time.Time
}

const bankEntrySeenSQL = `
SELECT b.id, COALESCE(y.id::text, '') AS payer_id, COALESCE(y.name, '') AS payer, b.payer_name AS from, b.payer_iban AS iban, b.booked_on,
       b.amount_minor AS minor, b.currency, b.reference, b.remittance, b.end_to_end,
       CASE WHEN d.id IS NULL THEN b.outcome WHEN d.kind IN ('order', 'balance') THEN 'matched' ELSE 'returned' END AS outcome, b.reason, b.third_party,
       COALESCE(o.number, '') AS order, b.imported_at
FROM bank_entry b
LEFT JOIN suspense_decision d ON d.bank_entry_id = b.id AND d.state = 'done'
LEFT JOIN orders o ON o.id = COALESCE(b.order_id, d.order_id)
LEFT JOIN payer y ON y.id = COALESCE(b.payer_id, d.payer_id, o.payer_id)
WHERE b.id = @id AND b.credit`

// BankEntrySeen returns a credit of the bank's by its id, or NotFound.
func (tx *Tx) BankEntrySeen(ctx context.Context, id string) (BankEntrySeen, error) {
	return one[BankEntrySeen](ctx, tx, "bank entry", bankEntrySeenSQL, pgx.NamedArgs{"id": id})
}
