package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
)

// ExportRow is a document that is taken away, with where its file is.
type ExportRow struct {
	Number     string
	Kind       string
	IssueDate  time.Time
	PayerID    string
	Size       int64  // of the PDF; 0 for one that is not drawn yet
	BlobKey    string // empty for one that is not drawn yet
	FileSHA256 []byte `db:"file_sha256"`
	CIIKey     string `db:"cii_key"` // of its e-invoice; empty for none
	CIISHA256  []byte `db:"cii_sha256"`
}

const exportSQL = `
SELECT d.number, d.kind, d.issue_date, d.payer_id::text AS payer_id, COALESCE(f.size, 0) AS size, COALESCE(f.blob_key, '') AS blob_key,
       COALESCE(f.file_sha256, '') AS file_sha256, COALESCE(x.blob_key, '') AS cii_key, COALESCE(x.file_sha256, '') AS cii_sha256
FROM (
    SELECT v.number, v.kind, v.issue_date, v.payer_id, v.content_sha256
    FROM member m JOIN invoice v ON v.payer_id = m.payer_id JOIN payer p ON p.id = v.payer_id
    WHERE m.account_id = @actor AND (@payer::uuid IS NULL OR m.payer_id = @payer)
      AND v.issue_date >= COALESCE(@from::date, '-infinity') AND v.issue_date <= COALESCE(@to::date, 'infinity')
      AND (@kinds::text[] IS NULL OR v.kind = ANY(@kinds))
      AND (@numbers::text[] IS NULL OR v.number = ANY(@numbers))
      AND (@text::text IS NULL OR strpos(v.words, lower(@text)) > 0 OR strpos(lower(p.name), lower(@text)) > 0
           OR v.total_minor = @amount::bigint OR v.net_minor = @amount)
    UNION ALL
    SELECT b.number, 'bank_invoice', b.issue_date, b.payer_id, b.content_sha256
    FROM member m JOIN bank_invoice b ON b.payer_id = m.payer_id JOIN payer p ON p.id = b.payer_id JOIN orders o ON o.id = b.order_id
    WHERE m.account_id = @actor AND (@payer::uuid IS NULL OR m.payer_id = @payer)
      AND b.issue_date >= COALESCE(@from::date, '-infinity') AND b.issue_date <= COALESCE(@to::date, 'infinity')
      AND (@kinds::text[] IS NULL OR 'bank_invoice' = ANY(@kinds))
      AND (@numbers::text[] IS NULL OR b.number = ANY(@numbers))
      AND (@text::text IS NULL OR strpos(b.words, lower(@text)) > 0 OR strpos(lower(p.name), lower(@text)) > 0
           OR o.total_minor = @amount::bigint OR o.net_minor = @amount)
    UNION ALL
    SELECT r.number, 'receipt', r.issue_date, r.payer_id, r.content_sha256
    FROM member m JOIN receipt r ON r.payer_id = m.payer_id JOIN payer p ON p.id = r.payer_id
    WHERE m.account_id = @actor AND (@payer::uuid IS NULL OR m.payer_id = @payer)
      AND r.issue_date >= COALESCE(@from::date, '-infinity') AND r.issue_date <= COALESCE(@to::date, 'infinity')
      AND (@kinds::text[] IS NULL OR 'receipt' = ANY(@kinds))
      AND (@numbers::text[] IS NULL OR r.number = ANY(@numbers))
      AND (@text::text IS NULL OR strpos(r.words, lower(@text)) > 0 OR strpos(lower(p.name), lower(@text)) > 0 OR r.amount_minor = @amount::bigint)
) d
LEFT JOIN document_file f ON f.content_sha256 = d.content_sha256 AND f.format = 'pdf'
LEFT JOIN document_file x ON x.content_sha256 = d.content_sha256 AND x.format = 'cii'
ORDER BY d.issue_date, d.number
LIMIT @limit`

// ExportOf asks for the documents of the actor's payers that a filter finds, the
// oldest first, at most Limit.
func (q *Questions) ExportOf(actor account.ID, f InvoiceQuery, to *[]ExportRow) {
	args := f.args(actor)
	args["limit"] = f.Limit
	ask(q, exportSQL, args, to)
}

// FrozenDocument is the frozen content of a document.
type FrozenDocument struct {
	Number  string
	Content []byte
}

const documentsOfSQL = `
SELECT d.number, d.content
FROM (SELECT payer_id, number, content FROM invoice WHERE number = ANY(@numbers::text[])
      UNION ALL SELECT payer_id, number, content FROM receipt WHERE number = ANY(@numbers)
      UNION ALL SELECT o.payer_id, o.number, b.content FROM orders o JOIN bank_invoice b ON b.order_id = o.id WHERE o.number = ANY(@numbers)) d
JOIN member m ON m.payer_id = d.payer_id AND m.account_id = @actor`

// DocumentsOf returns the frozen content of documents of the actor's payers, in
// no order; what is not theirs is left out.
func (tx *Tx) DocumentsOf(ctx context.Context, actor account.ID, numbers []string) ([]FrozenDocument, error) {
	return list[FrozenDocument](ctx, tx, documentsOfSQL, pgx.NamedArgs{"actor": string(actor), "numbers": numbers})
}
