package app

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/bundle"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/pdf"
	"github.com/siptg/portal/internal/sheet"
	"github.com/siptg/portal/internal/store"
)

// ExportFormat is in what documents are taken away.
type ExportFormat string

// The formats.
const (
	ExportZIP  ExportFormat = "zip" // files, index, statement and sums
	ExportPDF  ExportFormat = "pdf" // all documents, one after the other
	ExportCSV  ExportFormat = "csv"
	ExportXLSX ExportFormat = "xlsx"
)

const (
	maxExported   = 10_000 // documents in one export
	exportBatch   = 100    // documents whose content is in memory at once
	maxStatement  = 20_000 // movements in the statement of an export
	maxExportPDFs = 5_000  // documents in one PDF: its readers hold all pages
)

// Export is a file for accountants that is about to be written: documents of the
// actor's payers, the oldest first.
type Export struct {
	Name        string
	ContentType string
	Of          int // documents
	Undrawn     int // of them, without a file yet; Draw draws them

	a      *App
	actor  account.Actor
	format ExportFormat
	filter InvoiceFilter
	rows   []store.ExportRow
}

// Export returns the export of what a filter finds. Without a type and without
// ticks bank invoices are left out: whoever booked them and their invoices would
// book everything twice.
//
// Errors: as Invoices, and Invalid for a format that is none, for too many
// documents, and for a PDF of nothing.
func (a *App) Export(ctx context.Context, actor account.Actor, f InvoiceFilter, format ExportFormat) (*Export, error) {
	e := &Export{Name: "documents", a: a, actor: actor, format: format, filter: f}
	most := maxExported
	switch format {
	case ExportZIP:
		e.ContentType = "application/zip"
	case ExportPDF:
		e.ContentType, most = "application/pdf", maxExportPDFs
	case ExportCSV:
		e.ContentType = "text/csv; charset=utf-8; header=present"
	case ExportXLSX:
		e.ContentType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	default:
		return nil, fault.Fields{{Name: "format", Key: "error.export.format"}}.Err()
	}
	f.After = ""
	q, err := f.query()
	if err != nil {
		return nil, err
	}
	if f.Type == "" && len(f.Numbers) == 0 {
		q.Kinds = []invoice.Kind{invoice.KindInvoice, invoice.KindCreditNote, invoice.KindReceipt}
	}
	q.Limit = most + 1
	if err := a.db.Ask(ctx, func(ask *store.Questions) { ask.ExportOf(actor.AccountID, q, &e.rows) }); err != nil {
		return nil, err
	}
	e.Of = len(e.rows)
	switch {
	case e.Of > most:
		return nil, fault.Fields{{Name: "to", Key: "error.export.too_many", Args: map[string]any{"Max": most}}}.Err()
	case e.Of == 0 && format == ExportPDF:
		return nil, fault.Fields{{Name: "q", Key: "error.export.nothing"}}.Err()
	}
	for _, day := range []civil.Date{f.From, f.To} {
		if !day.IsZero() {
			e.Name += "_" + day.String()
		}
	}
	e.Name += "." + string(format)
	if format == ExportZIP || format == ExportPDF {
		for _, r := range e.rows {
			if r.BlobKey == "" {
				e.Undrawn++
			}
		}
	}
	return e, nil
}

// Draw draws files that are not drawn yet until all are, or ctx is over, which is
// no error: then Undrawn are left, and the next call goes on.
func (e *Export) Draw(ctx context.Context) error {
	var undrawn []string
	for _, r := range e.rows {
		if r.BlobKey == "" {
			undrawn = append(undrawn, r.Number)
		}
	}
	for batch := range slices.Chunk(undrawn, exportBatch) {
		documents, err := e.contents(ctx, batch)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		for _, number := range batch {
			if content, ok := documents[number]; ok {
				// What was begun is finished: it is a few milliseconds, and stored.
				if _, err := e.a.drawn(context.WithoutCancel(ctx), content); err != nil {
					return err
				}
			}
			if e.Undrawn--; ctx.Err() != nil {
				return nil
			}
		}
	}
	return nil
}

// WriteTo writes the file. The same documents give the same bytes. Memory does not
// grow with the files; flush, which may be nil, is called when the first of them
// is there.
func (e *Export) WriteTo(ctx context.Context, w io.Writer, flush func() error) error {
	if err := e.noteViews(ctx); err != nil {
		return err
	}
	switch e.format {
	case ExportCSV:
		return e.index(ctx, func() (sheet.Writer, error) { return sheet.CSV(w, indexColumns) })
	case ExportXLSX:
		return e.index(ctx, func() (sheet.Writer, error) { return sheet.XLSX(w, "Documents", indexColumns) })
	case ExportPDF:
		m := pdf.NewMerger(w)
		err := e.each(ctx, func(r store.ExportRow, _ invoice.Document, content []byte) error {
			file, err := e.file(ctx, r, content)
			if err != nil {
				return err
			}
			return m.Add(r.Number, file)
		})
		if err != nil {
			return err
		}
		return m.Close()
	case ExportZIP:
	}
	return e.zip(ctx, w, flush)
}

// noteViews writes down what an accountant takes away, before they do.
func (e *Export) noteViews(ctx context.Context) error {
	var tax []string
	return e.a.db.Note(ctx, func(tx *store.Tx) error {
		tax = tax[:0]
		for _, r := range e.rows {
			if kind := invoice.Kind(r.Kind); kind.IsTax() {
				tax = append(tax, r.Number)
			} else if err := tx.AppendView(ctx, e.actor.AccountID, account.PayerID(r.PayerID), r.Kind, r.Number, string(e.format)); err != nil {
				return err
			}
		}
		return tx.AppendViews(ctx, e.actor.AccountID, tax, string(e.format))
	})
}

func (e *Export) zip(ctx context.Context, w io.Writer, flush func() error) error {
	z := bundle.New(w)
	put := func(content []byte) func(io.Writer) error {
		return func(w io.Writer) error { _, err := w.Write(content); return err }
	}
	last := e.filter.To // of the period, or of the documents: the files' day
	err := e.each(ctx, func(r store.ExportRow, d invoice.Document, content []byte) error {
		if last.Before(d.IssueDate) {
			last = d.IssueDate
		}
		file, err := e.file(ctx, r, content)
		if err != nil {
			return err
		}
		stem := bundle.Stem(d.IssueDate, r.Number, d.Buyer.Name)
		if err := z.Add(stem+".pdf", d.IssueDate, false, put(file)); err != nil {
			return err
		}
		if flush != nil {
			if err := errors.Join(z.Flush(), flush()); err != nil {
				return err
			}
			flush = nil
		}
		if !d.Kind.IsTax() {
			return nil
		}
		cii, err := e.stored(ctx, r, r.CIIKey, r.CIISHA256, content, ciiFormat)
		if fault.Is(err, fault.NotFound) { // it cannot be one; the log says why
			return nil
		} else if err != nil {
			return err
		}
		return z.Add(stem+".xml", d.IssueDate, true, put(cii))
	})
	if err != nil {
		return err
	}
	err = z.Add("index.csv", last, true, func(w io.Writer) error {
		return e.index(ctx, func() (sheet.Writer, error) { return sheet.CSV(w, indexColumns) })
	})
	if err != nil {
		return err
	}
	err = z.Add("index.xlsx", last, false, func(w io.Writer) error {
		return e.index(ctx, func() (sheet.Writer, error) { return sheet.XLSX(w, "Documents", indexColumns) })
	})
	if err != nil {
		return err
	}
	if err := e.statements(ctx, z, last); err != nil {
		return err
	}
	return z.Close(last)
}

// each reads the documents in order, some at a time: no transaction stays open
// while a file goes out to somebody's slow line. Who may not see them any more
// gets no further.
func (e *Export) each(ctx context.Context, use func(r store.ExportRow, d invoice.Document, content []byte) error) error {
	for batch := range slices.Chunk(e.rows, exportBatch) {
		numbers := make([]string, len(batch))
		for i, r := range batch {
			numbers[i] = r.Number
		}
		documents, err := e.contents(ctx, numbers)
		if err != nil {
			return err
		}
		for _, r := range batch {
			content, ok := documents[r.Number]
			if !ok {
				return fault.Missing("document")
			}
			d, err := invoice.Unmarshal(content)
			if err != nil {
				return err
			}
			if err := use(r, d, content); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *Export) contents(ctx context.Context, numbers []string) (map[string][]byte, error) {
	documents := make(map[string][]byte, len(numbers))
	err := e.a.db.View(ctx, func(tx *store.Tx) error {
		found, err := tx.DocumentsOf(ctx, e.actor.AccountID, numbers)
		for _, d := range found {
			documents[d.Number] = d.Content
		}
		return err
	})
	return documents, err
}

// file returns the PDF of a document.
func (e *Export) file(ctx context.Context, r store.ExportRow, content []byte) ([]byte, error) {
	return e.stored(ctx, r, r.BlobKey, r.FileSHA256, content, pdfFormat)
}

// stored returns a file of a document: the stored bytes, checked against their
// sum; one that is not there is made.
func (e *Export) stored(ctx context.Context, r store.ExportRow, key string, want, content []byte, as format) ([]byte, error) {
	kept, found, err := e.a.kept(ctx, r.Number, store.DocumentFile{BlobKey: key, FileSHA256: want}, as)
	if err != nil || found {
		return kept, err
	}
	file, err := e.a.file(ctx, content, as)
	return file.Bytes, err
}

// indexColumns are those of index.csv and index.xlsx: names for programs, which
// do not change.
var indexColumns = []sheet.Column{
	{Name: "number", Width: 18}, {Name: "type", Width: 13}, {Name: "issue_date", Width: 12}, {Name: "tax_point", Width: 12}, {Name: "order", Width: 16},
	{Name: "po_reference", Width: 16}, {Name: "corrects", Width: 18}, {Name: "buyer", Width: 30}, {Name: "buyer_code", Width: 14}, {Name: "buyer_vat_number", Width: 18},
	{Name: "buyer_country", Width: 8}, {Name: "customer", Width: 30}, {Name: "service_from", Width: 12}, {Name: "service_to", Width: 12},
	{Name: "currency", Width: 9}, {Name: "net", Width: 12}, {Name: "vat_rate", Width: 9}, {Name: "vat_country", Width: 11}, {Name: "vat", Width: 12}, {Name: "total", Width: 12},
	{Name: "paid_on", Width: 12}, {Name: "method", Width: 10}, {Name: "file", Width: 50},
}

// index writes one row for each rate of each document, so that the columns of
// figures add up. What a credit note takes back is negative; a receipt has no VAT.
func (e *Export) index(ctx context.Context, begin func() (sheet.Writer, error)) error {
	w, err := begin()
	if err != nil {
		return err
	}
	err = e.each(ctx, func(r store.ExportRow, d invoice.Document, _ []byte) error {
		corrects := ""
		if d.Corrects != nil {
			corrects = d.Corrects.Number
		}
		row := []sheet.Cell{
			sheet.Text(d.Number), sheet.Text(string(d.Kind)), sheet.Day(d.IssueDate), sheet.Day(d.TaxPoint), sheet.Text(d.OrderNumber),
			sheet.Text(d.POReference), sheet.Text(corrects), sheet.Text(d.Buyer.Name), sheet.Text(d.Buyer.CompanyCode), sheet.Text(d.Buyer.VATNumber),
			sheet.Text(d.Buyer.Country), sheet.Text(d.Customer), sheet.Day(d.ServiceFrom), sheet.Day(d.ServiceTo),
			sheet.Text(string(d.Currency)), {}, {}, {}, {}, sheet.Amount(d.Total),
			sheet.Day(d.Payment.PaidOn), sheet.Text(d.Payment.Method), sheet.Text(bundle.Stem(d.IssueDate, r.Number, d.Buyer.Name) + ".pdf"),
		}
		if d.Kind == invoice.KindReceipt {
			return w.Row(row)
		}
		const net, rate, country, tax, total = 15, 16, 17, 18, 19
		for _, v := range d.VAT {
			base, amount := v.Base, v.Amount
			if d.Kind == invoice.KindCreditNote {
				base, amount = -base, -amount
			}
			row[net], row[rate], row[country], row[tax], row[total] = sheet.Amount(base), sheet.Cell{}, sheet.Text(v.Country), sheet.Amount(amount), sheet.Amount(base+amount)
			if v.RateSet {
				row[rate] = sheet.Percent(v.Rate)
			}
			if err := w.Row(row); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return w.Close()
}

var statementColumns = []sheet.Column{
	{Name: "date"}, {Name: "kind"}, {Name: "order"}, {Name: "invoice"}, {Name: "receipt"}, {Name: "from"}, {Name: "currency"}, {Name: "in"}, {Name: "out"}, {Name: "balance"},
}

// statements adds the account statement of each payer for the period, where there
// is one.
func (e *Export) statements(ctx context.Context, z *bundle.Archive, on civil.Date) error {
	if e.filter.From.IsZero() || e.filter.To.IsZero() {
		return nil
	}
	payers, err := e.a.Payers(ctx, e.actor)
	if err != nil {
		return err
	}
	for _, p := range payers {
		if e.filter.Payer != "" && p.ID != e.filter.Payer {
			continue
		}
		if e.filter.Payer == "" && len(payers) > 1 && !slices.ContainsFunc(e.rows, func(r store.ExportRow) bool { return r.PayerID == string(p.ID) }) {
			continue
		}
		s, err := e.a.statement(ctx, e.actor, StatementFilter{Payer: p.ID, From: e.filter.From, To: e.filter.To}, maxStatement, string(e.format))
		if err != nil {
			return err
		}
		name := bundle.Stem(e.filter.From, e.filter.To.String(), p.Name)
		if err := z.Add("statement_"+name+".csv", on, true, func(w io.Writer) error { return writeStatement(w, s) }); err != nil {
			return err
		}
	}
	return nil
}

func writeStatement(to io.Writer, s Statement) error {
	w, err := sheet.CSV(to, statementColumns)
	if err != nil {
		return err
	}
	currency := sheet.Text(string(s.Currency))
	row := func(cells ...sheet.Cell) {
		if err == nil {
			err = w.Row(cells)
		}
	}
	row(sheet.Day(s.From), sheet.Text("opening_balance"), sheet.Cell{}, sheet.Cell{}, sheet.Cell{}, sheet.Cell{}, currency, sheet.Cell{}, sheet.Cell{}, sheet.Amount(s.Opening))
	for _, l := range s.Lines {
		in, out := sheet.Amount(l.Amount), sheet.Cell{}
		if l.Amount < 0 {
			in, out = sheet.Cell{}, sheet.Amount(-l.Amount)
		}
		row(sheet.Day(l.On), sheet.Text(string(l.Kind)), sheet.Text(l.OrderNumber), sheet.Text(l.InvoiceNumber), sheet.Text(l.ReceiptNumber), sheet.Text(l.From),
			currency, in, out, sheet.Amount(l.After))
	}
	if s.Omitted > 0 {
		row(sheet.Cell{}, sheet.Text("omitted"), sheet.Cell{}, sheet.Cell{}, sheet.Cell{}, sheet.Cell{}, currency, sheet.Cell{}, sheet.Cell{}, sheet.Count(int64(s.Omitted)))
	}
	row(sheet.Day(s.To), sheet.Text("closing_balance"), sheet.Cell{}, sheet.Cell{}, sheet.Cell{}, sheet.Cell{}, currency, sheet.Amount(s.In), sheet.Amount(s.Out), sheet.Amount(s.Closing))
	if err != nil {
		return err
	}
	return w.Close()
}
