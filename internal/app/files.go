package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"strings"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/einvoice"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/pdf"
	"github.com/siptg/portal/internal/store"
)

// File is a file to download.
type File struct {
	Name        string
	ContentType string
	SHA256      string // hex
	Bytes       []byte
}

// BankInvoiceFile returns the PDF of an order's bank invoice.
func (a *App) BankInvoiceFile(ctx context.Context, actor account.Actor, number string) (File, error) {
	var content []byte
	err := a.db.View(ctx, func(tx *store.Tx) error {
		o, err := tx.OrderOf(ctx, actor.AccountID, number)
		if err != nil {
			return err
		}
		content, err = tx.BankInvoice(ctx, o.ID)
		return err
	})
	if err != nil {
		return File{}, err
	}
	return a.drawn(ctx, content)
}

// InvoiceFile returns the PDF of a document: the stored bytes, drawn once from the
// frozen document, an invoice's with its e-invoice inside (Factur-X).
func (a *App) InvoiceFile(ctx context.Context, actor account.Actor, number string) (File, error) {
	return a.invoiceAs(ctx, actor, number, pdfFormat)
}

// StatementFile returns an account statement as a PDF, in the language of the
// payer's documents. It is no issued document: it is drawn anew each time and not
// stored.
func (a *App) StatementFile(ctx context.Context, actor account.Actor, f StatementFilter) (File, error) {
	s, err := a.statement(ctx, actor, f, maxMovements, "pdf")
	if err != nil {
		return File{}, err
	}
	st := pdf.Statement{
		Language: s.Payer.Language, Also: secondLanguage(s.Payer.Payer), Currency: s.Currency, Seller: a.seller.Party, Payer: partyOf(s.Payer.Payer),
		From: s.From, To: s.To, Made: a.Today(), Sums: s.Totals, Omitted: s.Omitted, Listed: s.Listed,
	}
	for _, l := range s.Lines {
		st.Lines = append(st.Lines, pdf.StatementLine{
			On: l.On, Kind: l.Kind, OrderNumber: l.OrderNumber, InvoiceNumber: l.InvoiceNumber, ReceiptNumber: l.ReceiptNumber, Sender: l.From,
			Amount: l.Amount, After: l.After,
		})
	}
	content, err := pdf.RenderStatement(st)
	if err != nil {
		return File{}, fmt.Errorf("app: draw a statement of payer %s: %w", s.Payer.ID, err)
	}
	name := "statement"
	for _, d := range []civil.Date{s.From, s.To} {
		if !d.IsZero() {
			name += "-" + d.String()
		}
	}
	sum := sha256.Sum256(content)
	return File{Name: name + ".pdf", ContentType: "application/pdf", SHA256: hex.EncodeToString(sum[:]), Bytes: content}, nil
}

// InvoiceCII returns the e-invoice of an invoice or credit note in the syntax CII
// (EN 16931): the file inside the PDF.
func (a *App) InvoiceCII(ctx context.Context, actor account.Actor, number string) (File, error) {
	return a.invoiceAs(ctx, actor, number, ciiFormat)
}

// InvoiceUBL returns it in the syntax UBL (EN 16931, Peppol BIS Billing 3).
func (a *App) InvoiceUBL(ctx context.Context, actor account.Actor, number string) (File, error) {
	return a.invoiceAs(ctx, actor, number, ublFormat)
}

func (a *App) invoiceAs(ctx context.Context, actor account.Actor, number string, want format) (File, error) {
	content, err := a.invoiceContent(ctx, actor, number, strings.TrimPrefix(want.ending, "."))
	if err != nil {
		return File{}, err
	}
	return a.file(ctx, content, want)
}

// format is what a document is made into.
type format struct{ name, ending, contentType string }

var (
	ciiFormat = format{"cii", ".xml", "application/xml"}
	ublFormat = format{"ubl", ".ubl.xml", "application/xml"}
	pdfFormat = format{"pdf", ".pdf", "application/pdf"}
	formats   = []format{ciiFormat, ublFormat, pdfFormat}
)

// drawn returns the PDF of a frozen document.
func (a *App) drawn(ctx context.Context, content []byte) (File, error) {
	return a.file(ctx, content, pdfFormat)
}

// file returns a frozen document in a format. The first call makes and stores all
// its files; later ones serve the same bytes, checked against their SHA-256. Of
// documents from before e-invoices were stored, what is missing is added. A format
// that the document cannot be made into is NotFound.
func (a *App) file(ctx context.Context, content []byte, want format) (File, error) {
	document, err := invoice.Unmarshal(content)
	if err != nil {
		return File{}, err
	}
	of := sha256.Sum256(content)
	var records map[string]store.DocumentFile
	find := func(tx *store.Tx) error {
		records, err = tx.DocumentFiles(ctx, of[:])
		return err
	}
	if err := a.db.View(ctx, find); err != nil {
		return File{}, err
	}
	if file, found, err := a.stored(ctx, document, records[want.name], want); err != nil || found {
		return file, err
	}
	made, err := a.filesOf(ctx, document, records)
	if err != nil {
		return File{}, err
	}
	var added []store.DocumentFile
	for _, f := range formats {
		record, known := records[f.name]
		file, is := made[f]
		if !is || known && f != want {
			continue
		}
		sum := sha256.Sum256(file)
		// Where the record outlived the file: making is deterministic, so the same
		// bytes can be put back.
		if known && !bytes.Equal(record.FileSHA256, sum[:]) {
			return File{}, fmt.Errorf("app: the %s file of %s is lost and is made differently now", f.name, document.Number)
		}
		key := f.name + "/" + hex.EncodeToString(sum[:]) + path.Ext(f.ending)
		if err := a.blobs.Put(ctx, key, file, f.contentType); err != nil {
			return File{}, err
		}
		if !known {
			added = append(added, store.DocumentFile{Format: f.name, FileSHA256: sum[:], Size: int64(len(file)), BlobKey: key})
		}
	}
	if len(added) > 0 {
		err = a.db.Note(ctx, func(tx *store.Tx) error {
			if err := tx.InsertDocumentFiles(ctx, of[:], added); err != nil {
				return err
			}
			return find(tx)
		})
		if err != nil {
			return File{}, err
		}
	}
	file, found, err := a.stored(ctx, document, records[want.name], want)
	if err == nil && !found {
		err = fault.Missing(want.name + " file of " + document.Number)
	}
	return file, err
}

// filesOf makes the files of a document. The PDF of an invoice has its CII inside,
// the stored one where there is one; a document that is no tax invoice is a PDF
// and nothing else.
func (a *App) filesOf(ctx context.Context, d invoice.Document, records map[string]store.DocumentFile) (map[format][]byte, error) {
	made := map[format][]byte{}
	if d.Kind == invoice.KindInvoice || d.Kind == invoice.KindCreditNote {
		for f, write := range map[format]func(invoice.Document) ([]byte, error){ciiFormat: einvoice.CII, ublFormat: einvoice.UBL} {
			file, found, err := a.stored(ctx, d, records[f.name], f)
			if err != nil {
				return nil, err
			}
			if made[f] = file.Bytes; found {
				continue
			}
			if made[f], err = write(d); err != nil {
				// An invoice on paper is one all the same; its buyer does not wait for this.
				a.log.ErrorContext(ctx, "an invoice cannot be made an e-invoice", "number", d.Number, "format", f.name, "error", err)
				delete(made, f)
			}
		}
	}
	drawing, err := pdf.RenderHybrid(d, made[ciiFormat])
	if err != nil {
		return nil, fmt.Errorf("app: draw %s: %w", d.Number, err)
	}
	made[pdfFormat] = drawing
	return made, nil
}

// stored reads a file back, and reports false where there is none, or the store
// has lost it.
func (a *App) stored(ctx context.Context, d invoice.Document, record store.DocumentFile, f format) (File, bool, error) {
	content, found, err := a.kept(ctx, d.Number, record, f)
	if err != nil || !found {
		return File{}, false, err
	}
	name := d.Number
	if d.Kind == invoice.KindBankInvoice {
		name = "bank-invoice-" + d.Number
	}
	return File{Name: name + f.ending, ContentType: f.contentType, SHA256: hex.EncodeToString(record.FileSHA256), Bytes: content}, true, nil
}

// kept returns the bytes of a stored file, checked against their sum. It reports
// false where there is none, or the store has lost it.
func (a *App) kept(ctx context.Context, number string, record store.DocumentFile, f format) ([]byte, bool, error) {
	if record.BlobKey == "" {
		return nil, false, nil
	}
	content, found, err := a.blobs.Get(ctx, record.BlobKey)
	if err != nil || !found {
		return nil, false, err
	}
	if sum := sha256.Sum256(content); !bytes.Equal(sum[:], record.FileSHA256) {
		return nil, false, fmt.Errorf("app: the stored %s file of %s was altered", f.name, number)
	}
	return content, true, nil
}
