package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

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

// InvoiceFile returns the PDF of an invoice or credit note: the stored bytes,
// drawn once from the frozen document.
func (a *App) InvoiceFile(ctx context.Context, actor account.Actor, number string) (File, error) {
	content, err := a.invoiceContent(ctx, actor, number)
	if err != nil {
		return File{}, err
	}
	return a.drawn(ctx, content)
}

// StatementFile returns an account statement as a PDF, in the language of the
// payer's documents. It is no issued document: it is drawn anew each time and not
// stored.
func (a *App) StatementFile(ctx context.Context, actor account.Actor, f StatementFilter) (File, error) {
	s, err := a.Statement(ctx, actor, f)
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
// (EN 16931, and the XML of Factur-X).
func (a *App) InvoiceCII(ctx context.Context, actor account.Actor, number string) (File, error) {
	return a.written(ctx, actor, number, ".xml", einvoice.CII)
}

// InvoiceUBL returns it in the syntax UBL (EN 16931, Peppol BIS Billing 3).
func (a *App) InvoiceUBL(ctx context.Context, actor account.Actor, number string) (File, error) {
	return a.written(ctx, actor, number, ".ubl.xml", einvoice.UBL)
}

// written writes the e-invoice of a frozen document. It is not stored: it has no
// fonts that could change, and golden files in package einvoice hold its bytes.
func (a *App) written(ctx context.Context, actor account.Actor, number, suffix string, write func(invoice.Document) ([]byte, error)) (File, error) {
	document, err := a.Invoice(ctx, actor, number)
	if err != nil {
		return File{}, err
	}
	content, err := write(document)
	if err != nil {
		return File{}, fmt.Errorf("app: e-invoice of %s: %w", document.Number, err)
	}
	sum := sha256.Sum256(content)
	return File{Name: document.Number + suffix, ContentType: "application/xml", SHA256: hex.EncodeToString(sum[:]), Bytes: content}, nil
}

// drawn returns the PDF of a frozen document. The first call draws and stores
// it; later ones serve the same bytes, checked against their SHA-256.
func (a *App) drawn(ctx context.Context, content []byte) (File, error) {
	const format = "pdf"
	document, err := invoice.Unmarshal(content)
	if err != nil {
		return File{}, err
	}
	of := sha256.Sum256(content)
	var stored store.DocumentFile
	find := func(tx *store.Tx) error {
		stored, err = tx.DocumentFile(ctx, of[:], format)
		return err
	}
	err = a.db.View(ctx, find)
	if err == nil {
		file, found, err := a.stored(ctx, document, stored)
		if err != nil || found {
			return file, err
		}
		// The record outlived the file: drawing is deterministic, so the same
		// bytes can be put back, and are refused below if they differ.
	} else if !fault.Is(err, fault.NotFound) {
		return File{}, err
	}
	drawing, err := pdf.Render(document)
	if err != nil {
		return File{}, fmt.Errorf("app: draw %s: %w", document.Number, err)
	}
	sum := sha256.Sum256(drawing)
	if stored.FileSHA256 != nil && !bytes.Equal(stored.FileSHA256, sum[:]) {
		return File{}, fmt.Errorf("app: the file of %s is lost and is drawn differently now", document.Number)
	}
	key := format + "/" + hex.EncodeToString(sum[:]) + ".pdf"
	if err := a.blobs.Put(ctx, key, drawing, "application/pdf"); err != nil {
		return File{}, err
	}
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		if err := tx.InsertDocumentFile(ctx, of[:], format, store.DocumentFile{FileSHA256: sum[:], Size: int64(len(drawing)), BlobKey: key}); err != nil {
			return err
		}
		return find(tx)
	})
	if err != nil {
		return File{}, err
	}
	file, found, err := a.stored(ctx, document, stored)
	if err == nil && !found {
		err = fmt.Errorf("app: the file of %s cannot be read back", document.Number)
	}
	return file, err
}

// stored reads a drawn file back, and reports false where the store has lost it.
func (a *App) stored(ctx context.Context, d invoice.Document, f store.DocumentFile) (File, bool, error) {
	content, found, err := a.blobs.Get(ctx, f.BlobKey)
	if err != nil || !found {
		return File{}, false, err
	}
	if sum := sha256.Sum256(content); !bytes.Equal(sum[:], f.FileSHA256) {
		return File{}, false, fmt.Errorf("app: the stored file of %s was altered", d.Number)
	}
	name := d.Number
	if d.Kind == invoice.KindBankInvoice {
		name = "bank-invoice-" + d.Number
	}
	return File{
		Name: name + ".pdf", ContentType: "application/pdf", SHA256: hex.EncodeToString(f.FileSHA256), Bytes: content,
	}, true, nil
}
