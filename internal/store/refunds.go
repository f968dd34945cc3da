package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
)

const refundSQL = refundColumnsSQL + `WHERE r.id = @id`

// Refund returns a refund for the program's own work.
func (tx *Tx) Refund(ctx context.Context, id string) (payment.Refund, error) {
	r, err := one[refundRow](ctx, tx, "refund", refundSQL, pgx.NamedArgs{"id": id})
	return r.refund(), err
}

const refundsToCheckSQL = `
UPDATE refund SET next_check_at = @again
WHERE id IN (SELECT r.id FROM refund r WHERE r.next_check_at <= @now ORDER BY r.next_check_at, r.id LIMIT @limit FOR UPDATE SKIP LOCKED)
RETURNING id`

// RefundsToCheck returns refunds that are due to be sent or looked up, and plans
// each anew for later: another worker takes others, and one that cannot be looked
// at keeps nobody else from it.
func (tx *Tx) RefundsToCheck(ctx context.Context, limit int, again time.Time) ([]string, error) {
	return values[string](ctx, tx, refundsToCheckSQL, pgx.NamedArgs{"now": tx.now, "limit": limit, "again": again})
}

const paymentsThatPaidSQL = paymentColumnsSQL + `
WHERE p.id IN (SELECT y.id FROM payment y WHERE y.order_id = @order
               UNION SELECT y.id FROM (SELECT e.id, e.iban, e.key FROM bank_entry e WHERE e.order_id = @order
                                       UNION SELECT e.id, e.iban, e.key FROM suspense_decision d JOIN bank_entry e ON e.id = d.bank_entry_id
                                       WHERE d.order_id = @order AND d.state = 'done') b
                     JOIN payment y ON y.provider = 'bank' AND y.provider_account = b.iban AND y.provider_ref = b.key)
  AND p.state = 'succeeded' AND p.received_minor > 0 ORDER BY p.created_at, p.id`

// PaymentsThatPaid returns the payments that brought the money for an order: also
// the transfers that were only a part of it, or came while a checkout was open,
// and are top-ups for that reason.
func (tx *Tx) PaymentsThatPaid(ctx context.Context, orderID string) ([]payment.Payment, error) {
	return tx.payments(ctx, paymentsThatPaidSQL, pgx.NamedArgs{"order": orderID})
}

const isDisputedSQL = `SELECT EXISTS (SELECT FROM dispute WHERE payment_id = @payment AND state = 'open')`

// IsDisputed reports whether a dispute about a payment is open.
func (tx *Tx) IsDisputed(ctx context.Context, id payment.ID) (bool, error) {
	return value[bool](ctx, tx, "dispute", isDisputedSQL, pgx.NamedArgs{"payment": string(id)})
}

const orderDisputedSQL = `
SELECT EXISTS (SELECT FROM payment p JOIN dispute d ON d.payment_id = p.id AND d.state = 'open' WHERE p.order_id = @order)`

// OrderDisputed reports whether a dispute is open about a payment of an order.
func (tx *Tx) OrderDisputed(ctx context.Context, orderID string) (bool, error) {
	return value[bool](ctx, tx, "dispute", orderDisputedSQL, pgx.NamedArgs{"order": orderID})
}

const takenByDisputesSQL = `
SELECT COALESCE(sum(g.amount_minor), 0)::bigint FROM dispute d
JOIN ledger_entry e ON e.dispute_id = d.id AND e.kind = 'dispute_taken'
JOIN ledger_posting g ON g.entry_id = e.id AND g.amount_minor > 0
WHERE d.payment_id = @payment`

// TakenByDisputes returns how much disputes about a payment that were lost have
// taken from its payer's balance so far.
func (tx *Tx) TakenByDisputes(ctx context.Context, id payment.ID) (money.Amount, error) {
	minor, err := value[int64](ctx, tx, "dispute", takenByDisputesSQL, pgx.NamedArgs{"payment": string(id)})
	return money.Amount(minor), err
}

const disputeStateSQL = `
SELECT COALESCE((SELECT state FROM dispute WHERE payment_id = @payment AND provider_ref = @ref), '')`

// DisputeState returns where a dispute about a payment stood when it was last
// looked at; empty for one that is not known.
func (tx *Tx) DisputeState(ctx context.Context, id payment.ID, ref string) (payment.DisputeState, error) {
	state, err := value[string](ctx, tx, "dispute", disputeStateSQL, pgx.NamedArgs{"payment": string(id), "ref": ref})
	return payment.DisputeState(state), err
}

const givenBackOfSQL = `
SELECT COALESCE(sum(c.base_minor), 0)::bigint AS invoiced_minor, COALESCE(max(c.rate_bps), 0)::bigint AS rate_bps,
       COALESCE(sum(c.credited_base_minor), 0)::bigint AS base_minor, COALESCE(sum(c.credited_vat_minor), 0)::bigint AS vat_minor,
       (SELECT COALESCE(sum(l.amount_minor), 0)::bigint FROM ledger_entry e
        JOIN ledger_posting l ON l.entry_id = e.id JOIN ledger_account a ON a.id = l.account_id AND a.kind = 'revenue'
        WHERE e.order_id = @order AND e.kind = 'change_credit') AS change_minor,
       (SELECT COALESCE(-sum(l.amount_minor), 0)::bigint FROM invoice n JOIN ledger_entry e ON e.credit_note_id = n.id
        JOIN ledger_posting l ON l.entry_id = e.id JOIN ledger_account a ON a.id = l.account_id AND a.kind = 'write_off'
        WHERE n.order_id = @order) AS forgiven_minor
FROM invoice i JOIN invoice_credit c ON c.invoice_id = i.id
WHERE i.order_id = @order AND i.kind = 'invoice' AND NOT EXISTS (SELECT FROM invoice r WHERE r.replaces_id = i.id)`

// CreditedOf is what of an order was given back before: of the invoice that
// stands, where it was corrected.
type CreditedOf struct {
	Invoiced money.Amount // net that credit notes are counted of; 0 until there is an invoice
	Rate     money.BasisPoints
	Base     money.Amount // net, by credit notes
	VAT      money.Amount
	Change   money.Amount // net, by changes, without a document
	Forgiven money.Amount // of the shortfall, set off against credit notes
}

// Credited returns what of an order was given back before.
func (tx *Tx) Credited(ctx context.Context, orderID string) (CreditedOf, error) {
	r, err := one[struct {
		InvoicedMinor int64
		RateBps       int64
		BaseMinor     int64
		VATMinor      int64 `db:"vat_minor"`
		ChangeMinor   int64
		ForgivenMinor int64
	}](ctx, tx, "invoice", givenBackOfSQL, pgx.NamedArgs{"order": orderID})
	return CreditedOf{
		Invoiced: money.Amount(r.InvoicedMinor), Rate: money.BasisPoints(r.RateBps),
		Base: money.Amount(r.BaseMinor), VAT: money.Amount(r.VATMinor), Change: money.Amount(r.ChangeMinor), Forgiven: money.Amount(r.ForgivenMinor),
	}, err
}

const creditNotesOfSQL = `
SELECT n.number FROM invoice n
JOIN invoice i ON i.id = n.corrects_id AND i.number = @number
JOIN member m ON m.payer_id = i.payer_id AND m.account_id = @actor
ORDER BY n.issued_at, n.number`

// CreditNotesOf returns the numbers of the credit notes of an invoice of one of
// the actor's payers, oldest first.
func (tx *Tx) CreditNotesOf(ctx context.Context, actor account.ID, number string) ([]string, error) {
	return values[string](ctx, tx, creditNotesOfSQL, pgx.NamedArgs{"actor": string(actor), "number": number})
}

const undrawnSQL = `
SELECT d.content FROM (
    SELECT issued_at, content, content_sha256 FROM invoice
    UNION ALL SELECT issued_at, content, content_sha256 FROM receipt) d
WHERE NOT EXISTS (SELECT FROM document_file f WHERE f.content_sha256 = d.content_sha256)
ORDER BY d.issued_at LIMIT 500`

// Undrawn returns the frozen content of invoices, credit notes and receipts that
// no file was drawn from yet, the oldest first.
func (tx *Tx) Undrawn(ctx context.Context) ([][]byte, error) {
	return values[[]byte](ctx, tx, undrawnSQL, pgx.NamedArgs{})
}

const supersedeWithoutSQL = `
UPDATE subscription_period SET superseded_at = @now, taken_back = number = ANY(@gone)
WHERE subscription_id = @subscription AND number >= @first AND superseded_at IS NULL`

// TakePeriods puts the periods from the first-th on out of force. Those that are
// gone have no successor.
func (tx *Tx) TakePeriods(ctx context.Context, subscriptionID string, first int, gone []int) error {
	if gone == nil {
		gone = []int{}
	}
	_, err := exec(ctx, tx, supersedeWithoutSQL, pgx.NamedArgs{"subscription": subscriptionID, "first": first, "gone": gone, "now": tx.now})
	return err
}

// Withdrawal is a consumer's withdrawal, with the receipt as it was given.
type Withdrawal struct {
	ID             string
	PayerID        account.PayerID
	SubscriptionID string
	AccountID      account.ID // who withdrew
	At             time.Time
	Receipt        json.RawMessage
}

const insertWithdrawalSQL = `
INSERT INTO withdrawal (payer_id, subscription_id, account_id, at, receipt) VALUES (@payer, @subscription, @account, @now, @receipt) RETURNING id`

const insertWithdrawalOrderSQL = `INSERT INTO withdrawal_order (order_id, withdrawal_id) VALUES (@order, @withdrawal)`

// InsertWithdrawal stores a withdrawal from orders and returns its id.
func (tx *Tx) InsertWithdrawal(ctx context.Context, w Withdrawal, orders []string) (string, error) {
	id, err := value[string](ctx, tx, "withdrawal", insertWithdrawalSQL, pgx.NamedArgs{
		"payer": string(w.PayerID), "subscription": w.SubscriptionID, "account": string(w.AccountID), "receipt": w.Receipt, "now": tx.now,
	})
	if err != nil {
		return "", err
	}
	for _, o := range orders {
		if _, err := exec(ctx, tx, insertWithdrawalOrderSQL, pgx.NamedArgs{"order": o, "withdrawal": id}); err != nil {
			return "", err
		}
	}
	return id, nil
}

const withdrawalOfOrderSQL = `SELECT withdrawal_id FROM withdrawal_order WHERE order_id = @order`

// WithdrawalOfOrder returns the id of the withdrawal from an order, or NotFound.
func (tx *Tx) WithdrawalOfOrder(ctx context.Context, orderID string) (string, error) {
	return value[string](ctx, tx, "withdrawal", withdrawalOfOrderSQL, pgx.NamedArgs{"order": orderID})
}

const withdrawalOfSQL = `
SELECT w.id, w.payer_id, w.subscription_id, w.account_id, w.at, w.receipt FROM withdrawal w
JOIN member m ON m.payer_id = w.payer_id AND m.account_id = @actor AND m.role IN ('owner', 'billing')
WHERE w.id = @id`

// WithdrawalOf returns a withdrawal of one of the payers that the actor buys
// for, or NotFound.
func (tx *Tx) WithdrawalOf(ctx context.Context, actor account.ID, id string) (Withdrawal, error) {
	r, err := one[struct {
		ID             string
		PayerID        string
		SubscriptionID string
		AccountID      string
		At             time.Time
		Receipt        []byte
	}](ctx, tx, "withdrawal", withdrawalOfSQL, pgx.NamedArgs{"actor": string(actor), "id": id})
	return Withdrawal{
		ID: r.ID, PayerID: account.PayerID(r.PayerID), SubscriptionID: r.SubscriptionID, AccountID: account.ID(r.AccountID), At: r.At.UTC(), Receipt: r.Receipt,
	}, err
}

const invoiceByOrderSQL = `
SELECT i.id, i.content FROM invoice i
WHERE i.order_id = @order AND i.kind = 'invoice' AND NOT EXISTS (SELECT FROM invoice r WHERE r.replaces_id = i.id)`

// InvoiceToCredit returns the id and the frozen content of the invoice of an
// order that stands, or NotFound where none is issued yet.
func (tx *Tx) InvoiceToCredit(ctx context.Context, orderID string) (id string, content []byte, err error) {
	r, err := one[struct {
		ID      string
		Content []byte
	}](ctx, tx, "invoice", invoiceByOrderSQL, pgx.NamedArgs{"order": orderID})
	return r.ID, r.Content, err
}
