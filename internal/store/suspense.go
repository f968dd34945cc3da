package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/money"
)

// SuspenseEntry is an entry of the bank's that the import could not book.
type SuspenseEntry struct {
	ID            string
	Key           string
	IBAN          bank.IBAN // our account
	Booked        civil.Date
	Amount        money.Money
	Credit        bool
	From          string // as the bank names the sender
	FromIBAN      bank.IBAN
	Reference     string
	Text          string
	EndToEnd      string
	Reason        bank.Reason
	ThirdParty    bool
	Meant         string // id of the order that it seems to be for; empty for none
	MeantNumber   string
	MeantPayer    account.PayerID
	DecisionState bank.DecisionState // of the decision that stands; empty for none
	DecisionKind  bank.DecisionKind
}

type suspenseRow struct {
	ID            string
	Key           string
	IBAN          string `db:"iban"`
	BookedOn      *time.Time
	AmountMinor   int64
	Currency      string
	Credit        bool
	PayerName     string
	PayerIBAN     string `db:"payer_iban"`
	Reference     string
	Remittance    string
	EndToEnd      string
	Reason        string
	ThirdParty    bool
	Meant         string
	MeantNumber   string
	MeantPayer    string
	DecisionState string
	DecisionKind  string
}

func (r suspenseRow) entry() SuspenseEntry {
	return SuspenseEntry{
		ID: r.ID, Key: r.Key, IBAN: bank.IBAN(r.IBAN), Booked: date(r.BookedOn), Amount: money.Of(money.Amount(r.AmountMinor), money.Currency(r.Currency)),
		Credit: r.Credit, From: r.PayerName, FromIBAN: bank.IBAN(r.PayerIBAN), Reference: r.Reference, Text: r.Remittance, EndToEnd: r.EndToEnd,
		Reason: bank.Reason(r.Reason), ThirdParty: r.ThirdParty, Meant: r.Meant, MeantNumber: r.MeantNumber, MeantPayer: account.PayerID(r.MeantPayer),
		DecisionState: bank.DecisionState(r.DecisionState), DecisionKind: bank.DecisionKind(r.DecisionKind),
	}
}

const suspenseColumnsSQL = `
SELECT b.id, b.key, b.iban, b.booked_on, b.amount_minor, b.currency, b.credit, b.payer_name, b.payer_iban, b.reference, b.remittance, b.end_to_end,
       b.reason, b.third_party, COALESCE(b.meant_order_id::text, '') AS meant, COALESCE(o.number, '') AS meant_number,
       COALESCE(o.payer_id::text, '') AS meant_payer, COALESCE(d.state, '') AS decision_state, COALESCE(d.kind, '') AS decision_kind
FROM bank_entry b
LEFT JOIN orders o ON o.id = b.meant_order_id
LEFT JOIN suspense_decision d ON d.bank_entry_id = b.id AND d.state <> 'refused'
WHERE b.outcome = 'suspense' `

func (tx *Tx) suspense(ctx context.Context, sql string, args pgx.NamedArgs) ([]SuspenseEntry, error) {
	rows, err := list[suspenseRow](ctx, tx, sql, args)
	out := make([]SuspenseEntry, len(rows))
	for i, r := range rows {
		out[i] = r.entry()
	}
	return out, err
}

const waitingInSuspenseSQL = suspenseColumnsSQL + `AND d.state IS DISTINCT FROM 'done' ORDER BY b.booked_on, b.imported_at, b.id LIMIT 500`

// WaitingInSuspense returns up to 500 entries that are not decided for good, the
// oldest first.
func (tx *Tx) WaitingInSuspense(ctx context.Context) ([]SuspenseEntry, error) {
	return tx.suspense(ctx, waitingInSuspenseSQL, nil)
}

const suspenseEntrySQL = suspenseColumnsSQL + `AND b.id = @id`

// SuspenseEntry returns an entry that the import left in suspense, decided or
// not, or NotFound.
func (tx *Tx) SuspenseEntry(ctx context.Context, id string) (SuspenseEntry, error) {
	r, err := one[suspenseRow](ctx, tx, "entry in suspense", suspenseEntrySQL, pgx.NamedArgs{"id": id})
	return r.entry(), err
}

const lockSuspenseEntrySQL = suspenseEntrySQL + ` FOR NO KEY UPDATE OF b`

// LockSuspenseEntry is SuspenseEntry with the entry's row locked, after payer,
// subscription and order.
func (tx *Tx) LockSuspenseEntry(ctx context.Context, id string) (SuspenseEntry, error) {
	if _, err := one[suspenseRow](ctx, tx, "entry in suspense", lockSuspenseEntrySQL, pgx.NamedArgs{"id": id}); err != nil {
		return SuspenseEntry{}, err
	}
	return tx.SuspenseEntry(ctx, id) // who waited for the lock sees what was decided meanwhile
}

const lockPartsOfSQL = suspenseColumnsSQL + `
  AND b.meant_order_id = @order AND b.reason = 'underpaid' AND b.credit AND b.currency = o.currency AND d.id IS NULL
ORDER BY b.booked_on, b.id FOR NO KEY UPDATE OF b`

// LockPartsOf returns the parts of an order's amount that came and wait for the
// rest, locked. The order is locked.
func (tx *Tx) LockPartsOf(ctx context.Context, orderID string) ([]SuspenseEntry, error) {
	return tx.suspense(ctx, lockPartsOfSQL, pgx.NamedArgs{"order": orderID})
}

const partsWithoutOrderSQL = suspenseColumnsSQL + `
  AND b.reason = 'underpaid' AND b.credit AND d.id IS NULL AND (o.state IN ('paid', 'canceled') OR o.state = 'expired' AND o.valid_until < @ran_out)
ORDER BY b.booked_on, b.id LIMIT 500`

// PartsWithoutOrder returns parts of the amounts of orders that can no longer be
// paid with them: they are closed, or ran out before a day.
func (tx *Tx) PartsWithoutOrder(ctx context.Context, ranOut civil.Date) ([]SuspenseEntry, error) {
	return tx.suspense(ctx, partsWithoutOrderSQL, pgx.NamedArgs{"ran_out": day(ranOut)})
}

const undoneBySQL = `
SELECT b.id, b.outcome = 'suspense' AND d.id IS NULL AS waits
FROM bank_entry b
LEFT JOIN suspense_decision d ON d.bank_entry_id = b.id AND d.state <> 'refused'
WHERE b.credit AND b.outcome IN ('matched', 'suspense') AND b.iban = @iban AND b.currency = @currency AND b.amount_minor = @amount AND b.booked_on <= @booked
  AND (b.end_to_end <> '' AND b.end_to_end = @end_to_end OR b.reference <> '' AND b.reference = @reference
       OR b.payer_iban <> '' AND b.payer_iban = @from_iban AND b.remittance <> '' AND b.remittance = @text)
  AND NOT EXISTS (SELECT FROM suspense_decision u WHERE u.against_id = b.id AND u.state <> 'refused')
ORDER BY b.booked_on DESC, b.id LIMIT 2 FOR NO KEY UPDATE OF b`

const returnsSentSQL = `
SELECT d.id FROM suspense_decision d
JOIN bank_entry b ON b.id = d.bank_entry_id
WHERE d.kind = 'return' AND d.state = 'done' AND b.iban = @iban AND b.currency = @currency AND b.amount_minor = @amount AND b.booked_on <= @booked
  AND (b.end_to_end <> '' AND b.end_to_end = @end_to_end OR b.reference <> '' AND b.reference = @reference OR b.payer_iban <> '' AND b.payer_iban = @to_iban)
  AND NOT EXISTS (SELECT FROM bank_entry k WHERE k.return_sent_id = d.id)
LIMIT 2`

// ReturnsSent returns up to two decisions whose return, confirmed by a person, a
// debit may show, and no other debit has shown.
func (tx *Tx) ReturnsSent(ctx context.Context, iban bank.IBAN, e bank.Entry) ([]string, error) {
	reference := ""
	if len(e.References) > 0 {
		reference = e.References[0]
	}
	return values[string](ctx, tx, returnsSentSQL, pgx.NamedArgs{
		"iban": string(iban), "currency": string(e.Currency), "amount": int64(e.Amount), "booked": day(e.Booked),
		"end_to_end": e.EndToEndID, "reference": reference, "to_iban": string(e.PayerIBAN),
	})
}

// reversalWaitsSQL is whether a debit waits that seems to take a credit b back.
const reversalWaitsSQL = `EXISTS (SELECT FROM bank_entry k
        WHERE k.outcome = 'suspense' AND NOT k.credit AND k.iban = b.iban AND k.currency = b.currency AND k.amount_minor = b.amount_minor
          AND k.booked_on >= b.booked_on
          AND NOT EXISTS (SELECT FROM suspense_decision s WHERE s.bank_entry_id = k.id AND s.state <> 'refused')
          AND (k.end_to_end <> '' AND k.end_to_end = b.end_to_end OR k.reference <> '' AND k.reference = b.reference
               OR k.payer_iban <> '' AND k.payer_iban = b.payer_iban))`

const leftAlreadySQL = `SELECT ` + reversalWaitsSQL + ` FROM bank_entry b WHERE b.id = @entry`

// LeftAlready reports whether the bank shows that money like a credit's was taken
// back, and nobody has decided about that.
func (tx *Tx) LeftAlready(ctx context.Context, entryID string) (bool, error) {
	return value[bool](ctx, tx, "bank entry", leftAlreadySQL, pgx.NamedArgs{"entry": entryID})
}

// Undone is a credit that a reversal seems to undo.
type Undone struct {
	ID    string
	Waits bool // in suspense, and nobody decided about it
}

// UndoneBy returns up to two credits that a reversal seems to undo, locked: with
// two, none of them is certain. What was booked counts too, or money that waits
// would be canceled by the reversal of somebody else's.
func (tx *Tx) UndoneBy(ctx context.Context, e SuspenseEntry) ([]Undone, error) {
	return list[Undone](ctx, tx, undoneBySQL, pgx.NamedArgs{
		"iban": string(e.IBAN), "currency": string(e.Amount.Currency), "amount": int64(e.Amount.Amount), "booked": day(e.Booked),
		"end_to_end": e.EndToEnd, "reference": e.Reference, "from_iban": string(e.FromIBAN), "text": e.Text,
	})
}

const suspenseDecisionsSQL = `
SELECT d.id, d.bank_entry_id, d.kind, d.order_id, d.payer_id, d.against_id, d.currency, d.amount_minor, d.reason, d.needs_two, d.state,
       d.first_by, d.first_at, d.second_by, d.refused_by, d.refuse_reason, d.sent_by, d.decided_at, COALESCE(o.number, '') AS order_number,
       COALESCE(p.name, '') AS payer_name, COALESCE(trim(f.first_name || ' ' || f.last_name), '') AS first_name,
       COALESCE(trim(s.first_name || ' ' || s.last_name), '') AS second_name, COALESCE(trim(r.first_name || ' ' || r.last_name), '') AS refused_name,
       COALESCE(trim(t.first_name || ' ' || t.last_name), '') AS sent_name
FROM suspense_decision d
LEFT JOIN orders o ON o.id = d.order_id
LEFT JOIN payer p ON p.id = d.payer_id
LEFT JOIN account f ON f.id = d.first_by
LEFT JOIN account s ON s.id = d.second_by
LEFT JOIN account r ON r.id = d.refused_by
LEFT JOIN account t ON t.id = d.sent_by `

// SuspenseDecision is a decision with the names that it is shown with.
type SuspenseDecision struct {
	bank.Decision

	OrderNumber string
	PayerName   string
	FirstName   string // empty for the program
	SecondName  string
	RefusedName string
	SentName    string
}

type suspenseDecisionRow struct {
	ID           string
	BankEntryID  string
	Kind         string
	OrderID      *string
	PayerID      *string
	AgainstID    *string
	Currency     string
	AmountMinor  int64
	Reason       string
	NeedsTwo     bool
	State        string
	FirstBy      *string
	FirstAt      time.Time
	SecondBy     *string
	RefusedBy    *string
	RefuseReason string
	SentBy       *string
	DecidedAt    *time.Time
	OrderNumber  string
	PayerName    string
	FirstName    string
	SecondName   string
	RefusedName  string
	SentName     string
}

func (r suspenseDecisionRow) decision() SuspenseDecision {
	return SuspenseDecision{
		Decision: bank.Decision{
			ID: r.ID, EntryID: r.BankEntryID, Kind: bank.DecisionKind(r.Kind), OrderID: text(r.OrderID), PayerID: account.PayerID(text(r.PayerID)),
			AgainstID: text(r.AgainstID), Amount: money.Of(money.Amount(r.AmountMinor), money.Currency(r.Currency)), Reason: r.Reason,
			NeedsTwo: r.NeedsTwo, State: bank.DecisionState(r.State), FirstBy: account.ID(text(r.FirstBy)), FirstAt: r.FirstAt.UTC(),
			SecondBy: account.ID(text(r.SecondBy)), RefusedBy: account.ID(text(r.RefusedBy)), RefuseReason: r.RefuseReason,
			SentBy: account.ID(text(r.SentBy)), DecidedAt: moment(r.DecidedAt),
		},
		OrderNumber: r.OrderNumber, PayerName: r.PayerName, FirstName: r.FirstName, SecondName: r.SecondName, RefusedName: r.RefusedName,
		SentName: r.SentName,
	}
}

const decisionsOfSQL = suspenseDecisionsSQL + `WHERE d.bank_entry_id = @entry ORDER BY d.first_at, d.id`

// DecisionsOf returns what was decided about an entry, oldest first.
func (tx *Tx) DecisionsOf(ctx context.Context, entryID string) ([]SuspenseDecision, error) {
	rows, err := list[suspenseDecisionRow](ctx, tx, decisionsOfSQL, pgx.NamedArgs{"entry": entryID})
	out := make([]SuspenseDecision, len(rows))
	for i, r := range rows {
		out[i] = r.decision()
	}
	return out, err
}

const standingDecisionSQL = suspenseDecisionsSQL + `WHERE d.bank_entry_id = @entry AND d.state <> 'refused'`

// StandingDecision returns the decision about an entry that stands, or NotFound.
func (tx *Tx) StandingDecision(ctx context.Context, entryID string) (bank.Decision, error) {
	r, err := one[suspenseDecisionRow](ctx, tx, "decision", standingDecisionSQL, pgx.NamedArgs{"entry": entryID})
	return r.decision().Decision, err
}

const insertDecisionSQL = `
INSERT INTO suspense_decision (bank_entry_id, kind, order_id, payer_id, against_id, currency, amount_minor, reason, needs_two, state, first_by, first_at, decided_at)
VALUES (@entry, @kind, @order, @payer, @against, @currency, @amount, @reason, @needs_two, @state, @first_by, @first_at, @decided_at)
RETURNING id`

// InsertDecision stores a new decision about an entry and returns its id. It
// fails with Conflict where another one stands.
func (tx *Tx) InsertDecision(ctx context.Context, d bank.Decision) (string, error) {
	return value[string](ctx, tx, "decision", insertDecisionSQL, pgx.NamedArgs{
		"entry": d.EntryID, "kind": string(d.Kind), "order": nullable(d.OrderID), "payer": nullable(string(d.PayerID)), "against": nullable(d.AgainstID),
		"currency": string(d.Amount.Currency), "amount": int64(d.Amount.Amount), "reason": d.Reason, "needs_two": d.NeedsTwo, "state": string(d.State),
		"first_by": nullable(string(d.FirstBy)), "first_at": d.FirstAt, "decided_at": instant(d.DecidedAt),
	})
}

const saveDecisionSQL = `
UPDATE suspense_decision
SET state = @state, second_by = @second_by, refused_by = @refused_by, refuse_reason = @refuse_reason, sent_by = @sent_by, decided_at = @decided_at
WHERE id = @id`

// SaveDecision stores where a decision stands.
func (tx *Tx) SaveDecision(ctx context.Context, d bank.Decision) error {
	_, err := exec(ctx, tx, saveDecisionSQL, pgx.NamedArgs{
		"id": d.ID, "state": string(d.State), "second_by": nullable(string(d.SecondBy)), "refused_by": nullable(string(d.RefusedBy)),
		"refuse_reason": d.RefuseReason, "sent_by": nullable(string(d.SentBy)), "decided_at": instant(d.DecidedAt),
	})
	return err
}

// BankMoney is money that came and was given to somebody.
type BankMoney struct {
	ID       string
	OrderID  string // that it paid; empty for a top-up
	PayerID  string // empty while it waits in suspense
	State    string // of the decision about an entry in suspense; empty for none
	Minor    int64
	Currency string
}

const bankMoneySQL = `
SELECT b.id, COALESCE(b.order_id::text, d.order_id::text, '') AS order_id, COALESCE(b.payer_id::text, d.payer_id::text, o.payer_id::text, '') AS payer_id,
       COALESCE(d.state, '') AS state, b.amount_minor AS minor, b.currency
FROM bank_entry b
LEFT JOIN suspense_decision d ON d.bank_entry_id = b.id AND d.state <> 'refused'
LEFT JOIN orders o ON o.id = b.order_id
WHERE b.id = @id AND b.credit AND b.outcome IN ('matched', 'suspense')`

// BankMoney returns what became of money that came, or NotFound.
func (tx *Tx) BankMoney(ctx context.Context, id string) (BankMoney, error) {
	return one[BankMoney](ctx, tx, "bank entry", bankMoneySQL, pgx.NamedArgs{"id": id})
}

const payoutWaitsSQL = `
SELECT EXISTS (SELECT FROM bank_entry b
    JOIN payment p ON p.provider = 'bank' AND p.provider_account = b.iban AND p.provider_ref = b.key
    JOIN refund r ON r.payment_id = p.id AND r.state NOT IN ('succeeded', 'failed')
    WHERE b.id = @entry)`

// PayoutWaits reports whether a payout of what a credit brought is to be sent.
func (tx *Tx) PayoutWaits(ctx context.Context, entryID string) (bool, error) {
	return value[bool](ctx, tx, "bank entry", payoutWaitsSQL, pgx.NamedArgs{"entry": entryID})
}

const spentOnSQL = `
SELECT (COALESCE((SELECT sum(p.amount_minor) FROM ledger_entry e
                  JOIN ledger_posting p ON p.entry_id = e.id JOIN ledger_account a ON a.id = p.account_id AND a.kind = 'balance'
                  WHERE e.order_id = @order OR e.credit_note_id IN (SELECT n.id FROM invoice n WHERE n.order_id = @order AND n.kind = 'credit_note')), 0)
      - COALESCE((SELECT sum(p.amount_minor) FROM suspense_decision t
                  JOIN bank_entry b ON b.id = t.against_id
                  LEFT JOIN suspense_decision d ON d.bank_entry_id = b.id AND d.state = 'done'
                  JOIN ledger_entry e ON e.suspense_decision_id = t.id
                  JOIN ledger_posting p ON p.entry_id = e.id JOIN ledger_account a ON a.id = p.account_id AND a.kind = 'disputed'
                  WHERE t.kind = 'take_back' AND t.state = 'done' AND COALESCE(b.order_id, d.order_id) = @order), 0))::bigint`

// SpentOn returns what of an order's money is still spent on it: what it took from
// the balance, less what credit notes and changes gave back and what the bank took
// back of it before. Below zero where more was given back than that.
func (tx *Tx) SpentOn(ctx context.Context, orderID string) (money.Amount, error) {
	return value[money.Amount](ctx, tx, "order", spentOnSQL, pgx.NamedArgs{"order": orderID})
}

// SuspenseCandidate is what an entry in suspense may be for: an order, or the
// balance of a payer, or, of a reversal, the entry that it undoes.
type SuspenseCandidate struct {
	ID        string // of the order, payer or entry
	Number    string // of the order
	State     string // of the order, or what became of the entry
	PayerID   string
	PayerName string
	Minor     int64 // total of the order, or amount of the entry
	Currency  string
	Day       time.Time // the order was placed, the entry was booked
	Meant     bool      // the entry names it
	SameIBAN  bool      `db:"same_iban"` // its payer has paid from this account before
}

const orderCandidatesSQL = `
SELECT o.id, o.number, o.state, o.payer_id::text AS payer_id, p.name AS payer_name, o.total_minor AS minor, o.currency, o.placed_at AS day,
       o.id = b.meant_order_id IS TRUE AS meant, f.same_iban
FROM bank_entry b
JOIN orders o ON o.currency = b.currency
JOIN payer p ON p.id = o.payer_id
CROSS JOIN LATERAL (SELECT b.payer_iban <> '' AND EXISTS (
    SELECT FROM bank_entry k LEFT JOIN orders ko ON ko.id = k.order_id
    WHERE k.payer_iban = b.payer_iban AND k.outcome = 'matched' AND COALESCE(k.payer_id, ko.payer_id) = o.payer_id) AS same_iban) f
WHERE b.id = @entry
  AND (o.id = b.meant_order_id
       OR o.state IN ('awaiting_payment', 'expired') AND o.placed_at > b.imported_at - interval '120 days'
          AND (o.total_minor BETWEEN b.amount_minor - @tolerance AND b.amount_minor + @tolerance OR f.same_iban
               OR lower(p.name) = lower(b.payer_name) OR b.payer_name <> '' AND position(lower(p.name) IN lower(b.payer_name)) > 0 AND length(p.name) > 3))
ORDER BY meant DESC, f.same_iban DESC, o.state = 'awaiting_payment' DESC, abs(o.total_minor - b.amount_minor), o.placed_at DESC LIMIT 10`

// OrderCandidates returns orders that an entry in suspense may pay, the likeliest
// first: the one that it names, those of its amount, and those of payers who paid
// from its account or have its sender's name.
func (tx *Tx) OrderCandidates(ctx context.Context, entryID string, tolerance money.Amount) ([]SuspenseCandidate, error) {
	return list[SuspenseCandidate](ctx, tx, orderCandidatesSQL, pgx.NamedArgs{"entry": entryID, "tolerance": int64(tolerance)})
}

const payerCandidatesSQL = `
SELECT p.id, '' AS number, '' AS state, p.id::text AS payer_id, p.name AS payer_name, 0::bigint AS minor, p.currency, p.created_at AS day,
       p.id = m.payer_id IS TRUE AS meant, f.same_iban
FROM bank_entry b
LEFT JOIN orders m ON m.id = b.meant_order_id
JOIN payer p ON p.name <> '' AND (NOT p.currency_fixed OR p.currency = b.currency)
CROSS JOIN LATERAL (SELECT b.payer_iban <> '' AND EXISTS (
    SELECT FROM bank_entry k LEFT JOIN orders ko ON ko.id = k.order_id
    WHERE k.payer_iban = b.payer_iban AND k.outcome = 'matched' AND COALESCE(k.payer_id, ko.payer_id) = p.id) AS same_iban) f
WHERE b.id = @entry
  AND (p.id = m.payer_id OR f.same_iban OR lower(p.name) = lower(b.payer_name)
       OR EXISTS (SELECT FROM payer_reference r WHERE r.payer_id = p.id AND position(r.reference IN upper(translate(b.reference || '|' || b.remittance, ' -.', ''))) > 0))
ORDER BY meant DESC, f.same_iban DESC, p.name, p.id LIMIT 10`

// PayerCandidates returns payers to whose balance an entry in suspense may go:
// of the order that it names, who paid from its account before, who has its
// sender's name, and whose reference stands in its text.
func (tx *Tx) PayerCandidates(ctx context.Context, entryID string) ([]SuspenseCandidate, error) {
	return list[SuspenseCandidate](ctx, tx, payerCandidatesSQL, pgx.NamedArgs{"entry": entryID})
}

const undoneCandidatesSQL = `
SELECT k.id, COALESCE(o.number, '') AS number, COALESCE(d.state, k.outcome) AS state, COALESCE(p.id::text, '') AS payer_id,
       COALESCE(p.name, k.payer_name) AS payer_name, k.amount_minor AS minor, k.currency, k.booked_on::timestamp AT TIME ZONE 'UTC' AS day,
       k.end_to_end <> '' AND k.end_to_end = b.end_to_end OR k.reference <> '' AND k.reference = b.reference AS meant,
       k.payer_iban <> '' AND k.payer_iban = b.payer_iban AS same_iban
FROM bank_entry b
JOIN bank_entry k ON k.iban = b.iban AND k.currency = b.currency AND k.credit AND k.amount_minor = b.amount_minor AND k.booked_on <= b.booked_on
LEFT JOIN suspense_decision d ON d.bank_entry_id = k.id AND d.state <> 'refused'
LEFT JOIN orders o ON o.id = COALESCE(k.order_id, d.order_id)
LEFT JOIN payer p ON p.id = COALESCE(k.payer_id, d.payer_id, o.payer_id)
WHERE b.id = @entry AND NOT b.credit AND k.outcome IN ('matched', 'suspense') AND COALESCE(d.kind, '') NOT IN ('return', 'not_ours')
  AND NOT EXISTS (SELECT FROM suspense_decision u WHERE u.against_id = k.id AND u.state <> 'refused')
ORDER BY meant DESC, same_iban DESC, k.booked_on DESC, k.id LIMIT 10`

// UndoneCandidates returns the credits that a reversal in suspense may undo, the
// likeliest first.
func (tx *Tx) UndoneCandidates(ctx context.Context, entryID string) ([]SuspenseCandidate, error) {
	return list[SuspenseCandidate](ctx, tx, undoneCandidatesSQL, pgx.NamedArgs{"entry": entryID})
}

const isMemberSQL = `
SELECT EXISTS (SELECT FROM member WHERE payer_id = @payer AND account_id = @account AND role IN ('owner', 'billing'))`

// BuysFor reports whether an account may buy for a payer: its money is the
// account's own, for people who decide about money.
func (tx *Tx) BuysFor(ctx context.Context, id account.ID, payer account.PayerID) (bool, error) {
	return value[bool](ctx, tx, "member", isMemberSQL, pgx.NamedArgs{"payer": string(payer), "account": string(id)})
}

const bankStandingSQL = `
SELECT s.standing, s.received_minor, s.parts_minor, EXISTS (
    SELECT FROM bank_entry b LEFT JOIN suspense_decision d ON d.bank_entry_id = b.id AND d.state = 'done'
    WHERE b.third_party AND s.order_id IN (b.order_id, b.meant_order_id, d.order_id)) AS third_party
FROM bank_invoice_standing s WHERE s.order_id = @order`

// BankStanding is where the money of a bank invoice stands.
type BankStanding struct {
	Standing      string // expected, received, matched, invoiced, expired, canceled
	ReceivedMinor int64  // came for it in its currency and waits
	PartsMinor    int64  // of it, what the import counts to the price
	ThirdParty    bool   // somebody else than the buyer sent it
}

// BankStanding returns where the money of an order's bank invoice stands.
func (tx *Tx) BankStanding(ctx context.Context, orderID string) (BankStanding, error) {
	return one[BankStanding](ctx, tx, "order", bankStandingSQL, pgx.NamedArgs{"order": orderID})
}

const expiringBankInvoicesSQL = orderColumnsSQL + `
WHERE o.state = 'awaiting_payment' AND o.method = 'bank' AND o.valid_until BETWEEN @today AND @until AND o.placed_at < @placed_before
  AND o.placed_by IS NOT NULL AND NOT EXISTS (SELECT FROM notice n WHERE n.key = 'bank_invoice_expires ' || o.id)
ORDER BY o.id LIMIT 500`

// Transfer is the entry as the rules of the bank know it.
func (e SuspenseEntry) Transfer() bank.Entry {
	return bank.Entry{Key: e.Key, Amount: e.Amount.Amount, Currency: e.Amount.Currency, Credit: e.Credit, Booked: e.Booked, Payer: e.From, PayerIBAN: e.FromIBAN}
}
