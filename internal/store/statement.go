package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/ledger"
	"github.com/siptg/portal/internal/money"
)

// StatementQuery names a payer's account and a stretch of time.
type StatementQuery struct {
	Payer    account.PayerID
	Currency money.Currency
	From     time.Time // inclusive; zero for the beginning
	Until    time.Time // exclusive; zero for no end
	Limit    int
}

func (q StatementQuery) args() pgx.NamedArgs {
	return pgx.NamedArgs{
		"payer": string(q.Payer), "currency": string(q.Currency), "from": instant(q.From), "until": instant(q.Until), "limit": q.Limit,
	}
}

// MovementRow is a movement of a payer's balance with what it is about.
type MovementRow struct {
	ledger.Movement
	OrderNumber   string // of a paid order
	InvoiceNumber string // of that order, once it is issued; of what was credited, the credit note
	ReceiptNumber string // of a top-up, once it is issued
	From          string // who sent money
}

type movementRow struct {
	Kind          string
	At            time.Time
	AmountMinor   int64
	OrderNumber   string
	InvoiceNumber string
	ReceiptNumber string
	FromName      string
}

func (r movementRow) movement() MovementRow {
	return MovementRow{
		Movement:    ledger.Movement{At: r.At, Kind: ledger.EntryKind(r.Kind), Amount: money.Amount(r.AmountMinor)},
		OrderNumber: r.OrderNumber, InvoiceNumber: r.InvoiceNumber, ReceiptNumber: r.ReceiptNumber, From: r.FromName,
	}
}

const movementColumnsSQL = `
SELECT e.kind, e.at, -p.amount_minor AS amount_minor, COALESCE(o.number, '') AS order_number,
       COALESCE((SELECT i.number FROM invoice i WHERE i.order_id = e.order_id AND i.kind = 'invoice' AND i.replaces_id IS NULL),
                (SELECT n.number FROM invoice n WHERE n.id = e.credit_note_id), '') AS invoice_number,
       COALESCE((SELECT r.number FROM receipt r WHERE r.entry_id = e.id), '') AS receipt_number,
       COALESCE(b.payer_name, '') AS from_name
FROM ledger_account a
JOIN ledger_posting p ON p.account_id = a.id
JOIN ledger_entry e ON e.id = p.entry_id
LEFT JOIN orders o ON o.id = e.order_id
LEFT JOIN suspense_decision d ON d.id = e.suspense_decision_id
LEFT JOIN bank_entry b ON b.id = COALESCE(e.bank_entry_id, d.bank_entry_id)
WHERE a.kind = 'balance' AND a.payer_id = @payer AND a.currency = @currency `

const movementsSQL = movementColumnsSQL + `
  AND (@from::timestamptz IS NULL OR e.at >= @from) AND (@until::timestamptz IS NULL OR e.at < @until)
ORDER BY e.at, e.id, p.line LIMIT @limit`

// Movements returns the movements of a payer's balance, oldest first, at most
// Limit.
func (tx *Tx) Movements(ctx context.Context, q StatementQuery) ([]MovementRow, error) {
	rows, err := list[movementRow](ctx, tx, movementsSQL, q.args())
	return movements(rows), err
}

const lastMovementsSQL = movementColumnsSQL + `ORDER BY e.at DESC, e.id DESC, p.line DESC LIMIT @limit`

// LastMovements returns the newest movements of a payer's balance, newest first.
func (tx *Tx) LastMovements(ctx context.Context, payer account.PayerID, currency money.Currency, limit int) ([]MovementRow, error) {
	rows, err := list[movementRow](ctx, tx, lastMovementsSQL, pgx.NamedArgs{"payer": string(payer), "currency": string(currency), "limit": limit})
	return movements(rows), err
}

func movements(rows []movementRow) []MovementRow {
	out := make([]MovementRow, len(rows))
	for i, r := range rows {
		out[i] = r.movement()
	}
	return out
}

const statementTotalsSQL = `
SELECT COALESCE(-sum(p.amount_minor) FILTER (WHERE e.at < @from), 0)::bigint AS opening_minor,
       COALESCE(-sum(p.amount_minor) FILTER (WHERE @until::timestamptz IS NULL OR e.at < @until), 0)::bigint AS closing_minor,
       COALESCE(-sum(p.amount_minor) FILTER (WHERE w.inside AND p.amount_minor < 0), 0)::bigint AS in_minor,
       COALESCE(sum(p.amount_minor) FILTER (WHERE w.inside AND p.amount_minor > 0), 0)::bigint AS out_minor,
       count(*) FILTER (WHERE w.inside) AS movements
FROM ledger_account a
JOIN ledger_posting p ON p.account_id = a.id
JOIN ledger_entry e ON e.id = p.entry_id
CROSS JOIN LATERAL (SELECT (@from::timestamptz IS NULL OR e.at >= @from) AND (@until::timestamptz IS NULL OR e.at < @until) AS inside) w
WHERE a.kind = 'balance' AND a.payer_id = @payer AND a.currency = @currency`

// StatementTotals adds up a payer's balance before the period, in it, and up to
// its end.
func (tx *Tx) StatementTotals(ctx context.Context, q StatementQuery) (ledger.Totals, error) {
	args := q.args()
	delete(args, "limit")
	r, err := one[struct {
		OpeningMinor int64
		ClosingMinor int64
		InMinor      int64
		OutMinor     int64
		Movements    int
	}](ctx, tx, "statement", statementTotalsSQL, args)
	return ledger.Totals{
		Opening: money.Amount(r.OpeningMinor), Closing: money.Amount(r.ClosingMinor), In: money.Amount(r.InMinor), Out: money.Amount(r.OutMinor),
		Count: r.Movements,
	}, err
}
