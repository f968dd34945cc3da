package store

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/money"
)

// TopUp is money that a payer paid in to its balance: a transfer by its
// reference, or a payment for nothing but the balance.
type TopUp struct {
	EntryID     int64 // of the ledger
	At          time.Time
	PayerID     string
	Currency    string
	AmountMinor int64
	Method      string    // bank, card
	BookedOn    time.Time `db:"booked_on"` // by the bank; zero for a card
	FromName    string    // who sent a transfer
}

// Amount is what was paid in.
func (t TopUp) Amount() money.Money {
	return money.Of(money.Amount(t.AmountMinor), money.Currency(t.Currency))
}

const topUpColumnsSQL = `
SELECT e.id AS entry_id, e.at, a.payer_id::text AS payer_id, p.currency, -p.amount_minor AS amount_minor,
       CASE WHEN b.id IS NULL THEN 'card' ELSE 'bank' END AS method,
       COALESCE(b.booked_on, '0001-01-01') AS booked_on, COALESCE(b.payer_name, '') AS from_name
FROM ledger_entry e
JOIN ledger_posting p ON p.entry_id = e.id
JOIN ledger_account a ON a.id = p.account_id AND a.kind = 'balance'
LEFT JOIN suspense_decision d ON d.id = e.suspense_decision_id
LEFT JOIN bank_entry b ON b.id = COALESCE(e.bank_entry_id, d.bank_entry_id)
LEFT JOIN payment y ON y.id = e.payment_id
WHERE (e.kind = 'bank_received' AND b.payer_id IS NOT NULL OR e.kind = 'suspense_matched' AND d.kind = 'balance' OR e.kind = 'captured' AND y.payable_kind = 'topup')
  AND NOT EXISTS (SELECT FROM receipt r WHERE r.entry_id = e.id) `

const topUpsWithoutReceiptSQL = topUpColumnsSQL + `ORDER BY e.id LIMIT 500`

// TopUpsWithoutReceipt returns up to 500 top-ups that have no receipt yet, the
// oldest first.
func (tx *Tx) TopUpsWithoutReceipt(ctx context.Context) ([]TopUp, error) {
	return list[TopUp](ctx, tx, topUpsWithoutReceiptSQL, pgx.NamedArgs{})
}

const topUpWithoutReceiptSQL = topUpColumnsSQL + `AND e.id = @entry`

// TopUpWithoutReceipt returns a top-up; one that has a receipt is NotFound.
func (tx *Tx) TopUpWithoutReceipt(ctx context.Context, entryID int64) (TopUp, error) {
	return one[TopUp](ctx, tx, "top-up", topUpWithoutReceiptSQL, pgx.NamedArgs{"entry": entryID})
}

const insertReceiptSQL = `
INSERT INTO receipt (series_id, seq, number, entry_id, payer_id, issue_date, currency, amount_minor, content, content_sha256, issued_at)
VALUES (@series, @seq, @number, @entry, @payer, @issue_date, @currency, @amount, @content, @sha256, @now)`

// InsertReceipt issues a receipt under the number just taken.
func (tx *Tx) InsertReceipt(ctx context.Context, taken Taken, payer account.PayerID, entryID int64, d invoice.Document) error {
	content, err := d.Marshal()
	if err != nil {
		return err
	}
	sum := sha256.Sum256(content)
	_, err = exec(ctx, tx, insertReceiptSQL, pgx.NamedArgs{
		"series": taken.ID, "seq": taken.Seq, "number": d.Number, "entry": entryID, "payer": string(payer), "issue_date": day(d.IssueDate),
		"currency": string(d.Currency), "amount": int64(d.Total), "content": content, "sha256": sum[:], "now": tx.now,
	})
	return err
}

const receiptOfSQL = `
SELECT r.content, r.payer_id, 'receipt' AS kind, m.role FROM receipt r JOIN member m ON m.payer_id = r.payer_id
WHERE r.number = @number AND m.account_id = @actor`

// ReceiptOf returns the frozen content of a receipt of one of the actor's
// payers, or NotFound.
func (tx *Tx) ReceiptOf(ctx context.Context, actor account.ID, number string) (ReadDocument, error) {
	return one[ReadDocument](ctx, tx, "receipt", receiptOfSQL, pgx.NamedArgs{"actor": string(actor), "number": number})
}
