package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/civil"
)

const issuedSQL = `
SELECT number, content FROM invoice
WHERE issue_date >= @from AND issue_date <= @to AND (issue_date, number) > (@after_date, @after_number)
ORDER BY issue_date, number LIMIT 500`

// Issued returns up to 500 tax documents issued on days from one to another, by
// day and number, after the one named; the first follow from and "".
func (tx *Tx) Issued(ctx context.Context, from, to, afterDay civil.Date, afterNumber string) ([]FrozenDocument, error) {
	return list[FrozenDocument](ctx, tx, issuedSQL, pgx.NamedArgs{
		"from": day(from), "to": day(to), "after_date": day(afterDay), "after_number": afterNumber,
	})
}

// SoldRow is what tax documents add up to whose VAT is another member state's.
type SoldRow struct {
	Credited  bool // by credit notes
	Replaces  bool // by invoices that replace others
	Currency  string
	Country   string
	RateBPS   int64     `db:"rate_bps"`
	TaxPoint  time.Time // first day of their quarter
	BaseMinor int64
	VATMinor  int64 `db:"vat_minor"`
}

const soldByOSSSQL = `
SELECT i.kind = 'credit_note' AS credited, i.replaces_id IS NOT NULL AS replaces, i.currency, v.country, COALESCE(v.rate_bps, 0) AS rate_bps,
       date_trunc('quarter', i.tax_point)::date AS tax_point, sum(v.base_minor)::bigint AS base_minor, sum(v.vat_minor)::bigint AS vat_minor
FROM invoice_vat v JOIN invoice i ON i.id = v.invoice_id
WHERE v.vat_row = 'R7' AND i.issue_date >= @from
  AND CASE WHEN i.kind = 'credit_note' OR i.replaces_id IS NOT NULL THEN i.issue_date <= @to ELSE i.tax_point BETWEEN @from AND @to END
GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6`

// SoldByOSS returns the sales of the One Stop Shop whose tax point is on days from
// one to another, and what was issued on them about sales of then or before:
// credit notes, and the invoices that replace what those credit.
func (tx *Tx) SoldByOSS(ctx context.Context, from, to civil.Date) ([]SoldRow, error) {
	return list[SoldRow](ctx, tx, soldByOSSSQL, pgx.NamedArgs{"from": day(from), "to": day(to)})
}
