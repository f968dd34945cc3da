package store

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/money"
)

const ensureSeriesSQL = `
INSERT INTO series (kind, year, prefix) VALUES (@kind, @year, @prefix) ON CONFLICT ON CONSTRAINT series_once DO NOTHING`

const takeNumberSQL = `
UPDATE series SET next = next + 1, last_issue_date = @issue_date
WHERE kind = @kind AND year = @year
RETURNING id, next - 1 AS seq, prefix`

// Taken is a number taken from a series.
type Taken struct {
	ID     int64 // of the series
	Seq    int64
	Prefix string
}

// TakeNumber takes the next number of the series of a kind and the year of the
// issue date. It locks the series until the transaction ends, so it is the last
// lock that a transaction takes; the number must be issued in the same
// transaction, and the database insists.
func (tx *Tx) TakeNumber(ctx context.Context, kind invoice.Kind, issued civil.Date, prefix string) (Taken, error) {
	args := pgx.NamedArgs{"kind": string(kind), "year": issued.Year, "prefix": prefix, "issue_date": day(issued)}
	taken, err := one[Taken](ctx, tx, "series", takeNumberSQL, args)
	if !fault.Is(err, fault.NotFound) {
		return taken, err
	}
	if _, err := exec(ctx, tx, ensureSeriesSQL, args); err != nil {
		return Taken{}, err
	}
	return one[Taken](ctx, tx, "series", takeNumberSQL, args)
}

const insertInvoiceSQL = `
INSERT INTO invoice (id, kind, series_id, seq, number, payer_id, order_id, corrects_id, replaces_id, issue_date, tax_point, currency, net_minor,
                     vat_minor, total_minor, content, content_sha256, issued_at)
VALUES (COALESCE(@id::uuid, gen_random_uuid()), @kind, @series, @seq, @number, @payer, @order, @corrects, @replaces, @issue_date, @tax_point, @currency, @net,
        @vat, @total, @content, @sha256, @now)
RETURNING id`

const insertInvoiceVATSQL = `
INSERT INTO invoice_vat (invoice_id, line, category, rate_bps, vat_row, country, base_minor, vat_minor, base_before_minor, vat_before_minor)
VALUES (@invoice, @line, @category, @rate, @row, @country, @base, @vat, @base_before, @vat_before)`

// InsertInvoice issues an invoice under the number just taken.
func (tx *Tx) InsertInvoice(ctx context.Context, taken Taken, payer account.PayerID, orderID string, d invoice.Document) error {
	return tx.insertDocument(ctx, taken, payer, orderID, d, documentIDs{})
}

// InsertCreditNote issues a credit note under the number just taken and under an
// id of NewID; corrects is the id of the invoice. What it credits is counted on
// that invoice, which refuses more than it is for (I16).
func (tx *Tx) InsertCreditNote(ctx context.Context, taken Taken, id, corrects string, payer account.PayerID, orderID string, d invoice.Document) error {
	return tx.insertDocument(ctx, taken, payer, orderID, d, documentIDs{as: id, corrects: corrects})
}

// InsertReplacement issues an invoice in the place of another one, whose id is
// replaces, under the number just taken and an id of NewID. An invoice is replaced
// once: a second time is a Conflict.
func (tx *Tx) InsertReplacement(ctx context.Context, taken Taken, id, replaces string, payer account.PayerID, orderID string, d invoice.Document) error {
	return tx.insertDocument(ctx, taken, payer, orderID, d, documentIDs{as: id, replaces: replaces})
}

// documentIDs are ids of a document; empty for none, or a new one.
type documentIDs struct{ as, corrects, replaces string }

func (tx *Tx) insertDocument(ctx context.Context, taken Taken, payer account.PayerID, orderID string, d invoice.Document, ids documentIDs) error {
	content, err := d.Marshal()
	if err != nil {
		return err
	}
	sum := sha256.Sum256(content)
	id, err := value[string](ctx, tx, "invoice", insertInvoiceSQL, pgx.NamedArgs{
		"kind": string(d.Kind), "series": taken.ID, "seq": taken.Seq, "number": d.Number, "payer": string(payer), "order": orderID,
		"issue_date": day(d.IssueDate), "tax_point": day(d.TaxPoint), "currency": string(d.Currency), "net": int64(d.Net),
		"vat": int64(d.VATTotal), "total": int64(d.Total), "content": content, "sha256": sum[:], "now": tx.now,
		"id": nullable(ids.as), "corrects": nullable(ids.corrects), "replaces": nullable(ids.replaces),
	})
	if err != nil {
		return err
	}
	for i, v := range d.VAT {
		var rate *int64
		if v.RateSet {
			bps := int64(v.Rate)
			rate = &bps
		}
		tx.later(insertInvoiceVATSQL, pgx.NamedArgs{
			"invoice": id, "line": i + 1, "category": v.Category, "rate": rate, "row": v.Treatment, "country": v.Country,
			"base": int64(v.Base), "vat": int64(v.Amount), "base_before": int64(v.CreditedBase), "vat_before": int64(v.CreditedAmount),
		})
	}
	return nil
}

const invoiceOfOrderSQL = `
SELECT i.number FROM invoice i
WHERE i.order_id = @order AND i.kind = 'invoice' AND NOT EXISTS (SELECT FROM invoice r WHERE r.replaces_id = i.id)`

// InvoiceOfOrder returns the number of the invoice of a paid order, or NotFound:
// the one that stands, if it was corrected.
func (tx *Tx) InvoiceOfOrder(ctx context.Context, orderID string) (string, error) {
	return value[string](ctx, tx, "invoice", invoiceOfOrderSQL, pgx.NamedArgs{"order": orderID})
}

// ReadDocument is the frozen content of a document with who reads it.
type ReadDocument struct {
	Content []byte
	PayerID account.PayerID
	Kind    string
	Role    account.Role // of the actor on the payer
}

const documentOfSQL = `
SELECT d.content, d.payer_id, d.kind, m.role
FROM (SELECT payer_id, kind, content FROM invoice WHERE number = @number
      UNION ALL SELECT payer_id, 'receipt', content FROM receipt WHERE number = @number
      UNION ALL SELECT o.payer_id, 'bank_invoice', b.content FROM orders o JOIN bank_invoice b ON b.order_id = o.id WHERE o.number = @number) d
JOIN member m ON m.payer_id = d.payer_id AND m.account_id = @actor`

// DocumentOf returns the frozen content of a document of one of the actor's
// payers, or NotFound. A bank invoice has the number of its order.
func (tx *Tx) DocumentOf(ctx context.Context, actor account.ID, number string) (ReadDocument, error) {
	return one[ReadDocument](ctx, tx, "document", documentOfSQL, pgx.NamedArgs{"actor": string(actor), "number": number})
}

const invoiceContentSQL = `SELECT content FROM invoice WHERE number = @number`

// InvoiceContent returns the frozen content of a document for the program's own
// work.
func (tx *Tx) InvoiceContent(ctx context.Context, number string) ([]byte, error) {
	return value[[]byte](ctx, tx, "invoice", invoiceContentSQL, pgx.NamedArgs{"number": number})
}

// InvoiceQuery narrows a list of documents. Zero fields do not narrow.
type InvoiceQuery struct {
	From, To    civil.Date // issue dates, inclusive
	Kinds       []invoice.Kind
	HidePaid    bool // leaves out bank invoices whose VAT invoice has taken their place
	Payer       account.PayerID
	Text        string        // in the words of the document, or the payer's present name
	Amount      *money.Amount // or this is its total or its net
	Numbers     []string
	AfterDate   civil.Date
	AfterNumber string // keyset: documents after this one
	Limit       int
}

// InvoiceRow is a document in a list. A receipt has no VAT: its net is 0.
type InvoiceRow struct {
	Number        string
	Kind          string
	IssueDate     time.Time
	PayerName     string
	OrderNumber   string
	NetMinor      int64
	VATMinor      int64 `db:"vat_minor"`
	TotalMinor    int64
	Currency      string
	Standing      string // of a bank invoice's money
	CreditedMinor int64  // of an invoice, by its credit notes
	Of            string // number of the invoice that a credit note corrects or an invoice replaces; empty for none
	ReplacedBy    string // number of the invoice that replaces an invoice; empty for none
}

// args are the filter as listInvoicesSQL and the statements beside it take it.
func (f InvoiceQuery) args(actor account.ID) pgx.NamedArgs {
	var kinds, numbers, amount any
	if len(f.Kinds) > 0 {
		kinds = f.Kinds
	}
	if len(f.Numbers) > 0 {
		numbers = f.Numbers
	}
	if f.Amount != nil {
		amount = int64(*f.Amount)
	}
	return pgx.NamedArgs{
		"actor": string(actor), "payer": nullable(string(f.Payer)), "from": day(f.From), "to": day(f.To),
		"kinds": kinds, "hide_paid": f.HidePaid, "text": nullable(f.Text), "amount": amount, "numbers": numbers,
	}
}

// One page of each kind and payer by its index, then the newest of those: the
// list of a payer is never sorted as a whole. COALESCE, unlike IS NULL OR,
// bounds the index also in a plan that is made once for all arguments.
const listInvoicesSQL = `
SELECT i.number, i.kind, i.issue_date, i.payer_name, i.order_number, i.net_minor, i.vat_minor, i.total_minor, i.currency,
       COALESCE((SELECT CASE WHEN b.standing = 'received' AND o.state <> 'awaiting_payment' THEN o.state ELSE b.standing END
                 FROM bank_invoice_standing b JOIN orders o ON o.id = b.order_id WHERE b.order_id = i.awaited_id), '') AS standing,
       COALESCE((SELECT c.number FROM invoice c WHERE c.id = i.of_id), '') AS "of",
       COALESCE((SELECT c.number FROM invoice c WHERE c.replaces_id = i.id), '') AS replaced_by,
       COALESCE((SELECT sum(n.total_minor) FROM invoice n WHERE n.corrects_id = i.id), 0)::bigint AS credited_minor
FROM member m
CROSS JOIN LATERAL (
    (SELECT v.id, COALESCE(v.corrects_id, v.replaces_id) AS of_id, v.number, v.kind, v.issue_date, p.name AS payer_name, o.number AS order_number,
            v.net_minor, v.vat_minor, v.total_minor, v.currency, NULL::uuid AS awaited_id
     FROM invoice v
     JOIN payer p ON p.id = v.payer_id
     JOIN orders o ON o.id = v.order_id
     WHERE v.payer_id = m.payer_id
       AND v.issue_date >= COALESCE(@from::date, '-infinity') AND v.issue_date <= COALESCE(@to::date, 'infinity')
       AND (v.issue_date, v.number) < (COALESCE(@after_date::date, 'infinity'), @after_number::text)
       AND (@kinds::text[] IS NULL OR v.kind = ANY(@kinds))
       AND (@numbers::text[] IS NULL OR v.number = ANY(@numbers))
       AND (@text::text IS NULL OR strpos(v.words, lower(@text)) > 0 OR strpos(lower(p.name), lower(@text)) > 0
            OR v.total_minor = @amount::bigint OR v.net_minor = @amount)
     ORDER BY v.issue_date DESC, v.number DESC
     LIMIT @limit)
    UNION ALL
    (SELECT NULL, NULL, b.number, 'bank_invoice', b.issue_date, p.name, o.number, o.net_minor, o.vat_minor, o.total_minor, o.currency, o.id
     FROM bank_invoice b
     JOIN payer p ON p.id = b.payer_id
     JOIN orders o ON o.id = b.order_id
     WHERE b.payer_id = m.payer_id
       AND b.issue_date >= COALESCE(@from::date, '-infinity') AND b.issue_date <= COALESCE(@to::date, 'infinity')
       AND (b.issue_date, b.number) < (COALESCE(@after_date::date, 'infinity'), @after_number::text)
       AND (@kinds::text[] IS NULL OR 'bank_invoice' = ANY(@kinds))
       AND NOT (@hide_paid::boolean AND o.state = 'paid'
                AND EXISTS (SELECT FROM invoice f WHERE f.order_id = o.id AND f.kind = 'invoice' AND f.replaces_id IS NULL))
       AND (@numbers::text[] IS NULL OR b.number = ANY(@numbers))
       AND (@text::text IS NULL OR strpos(b.words, lower(@text)) > 0 OR strpos(lower(p.name), lower(@text)) > 0
            OR o.total_minor = @amount::bigint OR o.net_minor = @amount)
     ORDER BY b.issue_date DESC, b.number DESC
     LIMIT @limit)
    UNION ALL
    (SELECT NULL, NULL, r.number, 'receipt', r.issue_date, p.name, '', 0, 0, r.amount_minor, r.currency, NULL
     FROM receipt r
     JOIN payer p ON p.id = r.payer_id
     WHERE r.payer_id = m.payer_id
       AND r.issue_date >= COALESCE(@from::date, '-infinity') AND r.issue_date <= COALESCE(@to::date, 'infinity')
       AND (r.issue_date, r.number) < (COALESCE(@after_date::date, 'infinity'), @after_number::text)
       AND (@kinds::text[] IS NULL OR 'receipt' = ANY(@kinds))
       AND (@numbers::text[] IS NULL OR r.number = ANY(@numbers))
       AND (@text::text IS NULL OR strpos(r.words, lower(@text)) > 0 OR strpos(lower(p.name), lower(@text)) > 0 OR r.amount_minor = @amount::bigint)
     ORDER BY r.issue_date DESC, r.number DESC
     LIMIT @limit)) i
WHERE m.account_id = @actor AND (@payer::uuid IS NULL OR m.payer_id = @payer)
ORDER BY i.issue_date DESC, i.number DESC
LIMIT @limit`

// InvoicesOf asks for documents of the actor's payers, newest first.
func (q *Questions) InvoicesOf(actor account.ID, f InvoiceQuery, to *[]InvoiceRow) {
	args := f.args(actor)
	args["after_date"], args["after_number"], args["limit"] = day(f.AfterDate), f.AfterNumber, f.Limit
	ask(q, listInvoicesSQL, args, to)
}

// VATTotalRow is a sum of invoices less credit notes.
type VATTotalRow struct {
	Currency  string
	Country   string
	RateSet   bool
	RateBPS   int64 `db:"rate_bps"`
	BaseMinor int64
	VATMinor  int64 `db:"vat_minor"`
	Documents int
}

const vatTotalsSQL = `
SELECT v.currency, x.country, x.rate_bps IS NOT NULL AS rate_set, COALESCE(x.rate_bps, 0) AS rate_bps,
       sum(CASE v.kind WHEN 'credit_note' THEN -x.base_minor ELSE x.base_minor END)::bigint AS base_minor,
       sum(CASE v.kind WHEN 'credit_note' THEN -x.vat_minor ELSE x.vat_minor END)::bigint AS vat_minor,
       count(*)::integer AS documents
FROM member m
JOIN invoice v ON v.payer_id = m.payer_id
JOIN payer p ON p.id = v.payer_id
JOIN invoice_vat x ON x.invoice_id = v.id
WHERE m.account_id = @actor AND (@payer::uuid IS NULL OR m.payer_id = @payer)
  AND v.issue_date >= COALESCE(@from::date, '-infinity') AND v.issue_date <= COALESCE(@to::date, 'infinity')
  AND (@kinds::text[] IS NULL OR v.kind = ANY(@kinds))
  AND (@numbers::text[] IS NULL OR v.number = ANY(@numbers))
  AND (@text::text IS NULL OR strpos(v.words, lower(@text)) > 0 OR strpos(lower(p.name), lower(@text)) > 0
       OR v.total_minor = @amount::bigint OR v.net_minor = @amount)
GROUP BY v.currency, x.country, x.rate_bps
ORDER BY v.currency, x.rate_bps DESC NULLS LAST, x.country`

// VATTotalsOf asks for what the tax documents that a filter finds add up to, for
// each currency, country and rate.
func (q *Questions) VATTotalsOf(actor account.ID, f InvoiceQuery, to *[]VATTotalRow) {
	ask(q, vatTotalsSQL, f.args(actor), to)
}

const insertBankInvoiceSQL = `
INSERT INTO bank_invoice (order_id, content, content_sha256, issued_at) VALUES (@order, @content, @sha256, @now)`

// InsertBankInvoice freezes the bank invoice of an order.
func (tx *Tx) InsertBankInvoice(ctx context.Context, orderID string, d invoice.Document) error {
	content, err := d.Marshal()
	if err != nil {
		return err
	}
	sum := sha256.Sum256(content)
	tx.later(insertBankInvoiceSQL, pgx.NamedArgs{"order": orderID, "content": content, "sha256": sum[:], "now": tx.now})
	return nil
}

const bankInvoiceSQL = `SELECT content FROM bank_invoice WHERE order_id = @order`

// BankInvoice returns the frozen content of an order's bank invoice.
func (tx *Tx) BankInvoice(ctx context.Context, orderID string) ([]byte, error) {
	return value[[]byte](ctx, tx, "bank invoice", bankInvoiceSQL, pgx.NamedArgs{"order": orderID})
}

// DocumentFile is a file made of a frozen document.
type DocumentFile struct {
	Format     string // "pdf", "cii", "ubl"
	FileSHA256 []byte `db:"file_sha256"`
	Size       int64
	BlobKey    string
}

const documentFilesSQL = `
SELECT format, file_sha256, size, blob_key FROM document_file WHERE content_sha256 = @content`

// DocumentFiles returns the files that were made of the content with this SHA-256,
// by their format.
func (tx *Tx) DocumentFiles(ctx context.Context, contentSHA256 []byte) (map[string]DocumentFile, error) {
	files, err := list[DocumentFile](ctx, tx, documentFilesSQL, pgx.NamedArgs{"content": contentSHA256})
	if err != nil {
		return nil, err
	}
	byFormat := make(map[string]DocumentFile, len(files))
	for _, f := range files {
		byFormat[f.Format] = f
	}
	return byFormat, nil
}

const insertDocumentFilesSQL = `
INSERT INTO document_file (content_sha256, format, file_sha256, size, blob_key, created_at)
SELECT @content, f.format, f.sha256, f.size, f.blob_key, @now
FROM unnest(@formats::text[], @hashes::bytea[], @sizes::bigint[], @blob_keys::text[]) AS f(format, sha256, size, blob_key)
ON CONFLICT (content_sha256, format) DO NOTHING`

// InsertDocumentFiles records the files of a document; the first of each format
// stands.
func (tx *Tx) InsertDocumentFiles(ctx context.Context, contentSHA256 []byte, files []DocumentFile) error {
	var (
		formats, keys []string
		hashes        [][]byte
		sizes         []int64
	)
	for _, f := range files {
		formats, hashes, sizes, keys = append(formats, f.Format), append(hashes, f.FileSHA256), append(sizes, f.Size), append(keys, f.BlobKey)
	}
	_, err := exec(ctx, tx, insertDocumentFilesSQL, pgx.NamedArgs{
		"content": contentSHA256, "formats": formats, "hashes": hashes, "sizes": sizes, "blob_keys": keys, "now": tx.now,
	})
	return err
}

const consumerTurnoverSQL = `
SELECT COALESCE(sum(net) FILTER (WHERE tax_point >= make_date(@year, 1, 1)), 0)::bigint AS this_year,
       COALESCE(sum(net) FILTER (WHERE tax_point < make_date(@year, 1, 1)), 0)::bigint AS last_year
FROM (SELECT i.order_id, i.tax_point,
             v.base_minor - COALESCE((SELECT sum(n.net_minor) FROM invoice n WHERE n.corrects_id = i.id AND n.issue_date <= @credited::date), 0) AS net
      FROM invoice i JOIN invoice_vat v ON v.invoice_id = i.id
      WHERE i.kind = 'invoice' AND i.currency = 'EUR' AND v.vat_row IN ('R7', 'R7c', 'R8a', 'R8b')
        AND NOT EXISTS (SELECT FROM invoice r WHERE r.replaces_id = i.id)
      UNION ALL
      SELECT s.order_id, s.tax_point, s.net_minor
      FROM settlement s JOIN orders o ON o.id = s.order_id
      WHERE s.treatment ->> 'Row' IN ('R7', 'R7c', 'R8a', 'R8b') AND o.currency = 'EUR'
        AND NOT EXISTS (SELECT FROM invoice i WHERE i.order_id = s.order_id AND i.kind = 'invoice')) sold
WHERE tax_point >= make_date(@year - 1, 1, 1) AND tax_point <= @until::date AND order_id IS DISTINCT FROM @without::uuid`

// Turnover is the net sold to consumers in other member states in a year and in
// the year before (Directive 2006/112/EC art. 59c), in EUR, without what was
// credited. A sale counts from its settlement. One in another currency does not:
// nothing here knows its rate.
type Turnover struct{ ThisYear, LastYear int64 }

// ever is a day after all others.
var ever = civil.Date{Year: 9999, Month: time.December, Day: 31}

func turnoverOf(year int) pgx.NamedArgs {
	return pgx.NamedArgs{"year": year, "until": day(civil.Date{Year: year, Month: time.December, Day: 31}), "credited": day(ever), "without": nil}
}

// ConsumerTurnover returns the turnover of a year.
func (tx *Tx) ConsumerTurnover(ctx context.Context, year int) (Turnover, error) {
	return one[Turnover](ctx, tx, "turnover", consumerTurnoverSQL, turnoverOf(year))
}

// ConsumerTurnover asks for the turnover of a year.
func (q *Questions) ConsumerTurnover(year int, to *Turnover) {
	askOne(q, consumerTurnoverSQL, turnoverOf(year), to)
}

// TurnoverBefore returns the turnover of the year of a day up to and with that
// day, without that of an order and as it was credited by then: what a sale of
// that day is decided with later.
func (tx *Tx) TurnoverBefore(ctx context.Context, on civil.Date, orderID string) (Turnover, error) {
	return one[Turnover](ctx, tx, "turnover", consumerTurnoverSQL, pgx.NamedArgs{"year": on.Year, "until": day(on), "credited": day(on), "without": orderID})
}

const verifyDocumentSQL = `
SELECT COALESCE((SELECT CASE WHEN EXISTS (SELECT FROM invoice n WHERE n.corrects_id = i.id) THEN 'corrected' ELSE 'genuine' END
                 FROM invoice i WHERE i.number = @number AND i.issue_date = @date AND i.total_minor = @total), 'unknown')`

// VerifyDocument returns genuine, corrected or unknown for what somebody read
// from a document.
func (tx *Tx) VerifyDocument(ctx context.Context, number string, date civil.Date, total money.Amount) (string, error) {
	return value[string](ctx, tx, "document", verifyDocumentSQL, pgx.NamedArgs{"number": number, "date": day(date), "total": int64(total)})
}
