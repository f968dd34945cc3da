package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
)

const insertViewSQL = `
INSERT INTO document_view (payer_id, account_id, kind, number, format, at)
SELECT m.payer_id, m.account_id, @kind, @number, @format, @now
FROM member m WHERE m.payer_id = @payer AND m.account_id = @actor AND m.role = 'accountant'`

// AppendView notes that an accountant of a payer looked at something; that of any
// other member is not noted.
func (tx *Tx) AppendView(ctx context.Context, actor account.ID, payer account.PayerID, kind, number, format string) error {
	_, err := exec(ctx, tx, insertViewSQL, pgx.NamedArgs{
		"actor": string(actor), "payer": string(payer), "kind": kind, "number": number, "format": format, "now": tx.now,
	})
	return err
}

const insertViewsSQL = `
INSERT INTO document_view (payer_id, account_id, kind, number, format, at)
SELECT i.payer_id, m.account_id, i.kind, i.number, @format, @now
FROM invoice i JOIN member m ON m.payer_id = i.payer_id AND m.account_id = @actor AND m.role = 'accountant'
WHERE i.number = ANY (@numbers)
ORDER BY i.number`

// AppendViews is AppendView for many invoices and credit notes.
func (tx *Tx) AppendViews(ctx context.Context, actor account.ID, numbers []string, format string) error {
	_, err := exec(ctx, tx, insertViewsSQL, pgx.NamedArgs{"actor": string(actor), "numbers": numbers, "format": format, "now": tx.now})
	return err
}

// DocumentView is one time that an accountant looked at something.
type DocumentView struct {
	ID     int64
	Who    string // name or e-mail address
	Kind   string
	Number string // empty for a statement
	Format string
	At     time.Time
}

const viewsOfSQL = `
SELECT v.id, COALESCE(a.email, trim(a.first_name || ' ' || a.last_name)) AS who, v.kind, v.number, v.format, v.at
FROM document_view v JOIN account a ON a.id = v.account_id
WHERE v.payer_id = @payer AND v.id < COALESCE(@before::bigint, 9223372036854775807)
ORDER BY v.id DESC LIMIT @limit`

// ViewsOf returns what accountants looked at of a payer, newest first; before is
// the id of the last one of the page before, 0 for the newest.
func (tx *Tx) ViewsOf(ctx context.Context, payer account.PayerID, before int64, limit int) ([]DocumentView, error) {
	var after *int64
	if before > 0 {
		after = &before
	}
	return list[DocumentView](ctx, tx, viewsOfSQL, pgx.NamedArgs{"payer": string(payer), "before": after, "limit": limit})
}
