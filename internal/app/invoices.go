package app

import (
	"context"
	"strings"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/store"
)

// invoicePageSize is how many documents a page of the list holds.
const invoicePageSize = 50

// InvoiceFilter narrows the list of documents; empty fields do not.
type InvoiceFilter struct {
	From, To civil.Date // issue dates, inclusive
	Type     invoice.Kind
	Payer    account.PayerID
	Query    string
	After    string // cursor of the page before
}

// InvoiceRow is a document in the list.
type InvoiceRow struct {
	Number      string
	Kind        invoice.Kind
	IssueDate   civil.Date
	PayerName   string
	OrderNumber string
	Net         money.Amount
	VAT         money.Amount
	Total       money.Amount
	Currency    money.Currency
	Of          string // number of the invoice that a credit note corrects or an invoice replaces; empty for none
	ReplacedBy  string // number of the invoice that replaces an invoice; empty for none
}

// InvoicePage is a page of the list, newest first.
type InvoicePage struct {
	Items  []InvoiceRow
	Next   string // cursor of the next page; empty on the last one
	Payers []store.PayerOf
}

// Invoices returns a page of the documents of the actor's payers.
func (a *App) Invoices(ctx context.Context, actor account.Actor, f InvoiceFilter) (InvoicePage, error) {
	q := store.InvoiceQuery{
		From: f.From, To: f.To, Kind: f.Type, Payer: f.Payer, Text: clip(CleanText(f.Query), 100), Limit: invoicePageSize + 1,
	}
	var fields fault.Fields
	if f.Payer != "" && !isUUID(string(f.Payer)) {
		return InvoicePage{}, fault.Missing("payer")
	}
	if !f.From.IsZero() && !f.To.IsZero() && f.To.Before(f.From) {
		fields.Add("to", "error.dates.order", nil)
	}
	if f.After != "" {
		date, number, _ := strings.Cut(f.After, "~")
		day, err := civil.Parse(date)
		if err != nil || number == "" || len(number) > 40 {
			fields.Add("after", "error.cursor", nil)
		}
		q.AfterDate, q.AfterNumber = day, number
	}
	if err := fields.Err(); err != nil {
		return InvoicePage{}, err
	}
	var (
		rows []store.InvoiceRow
		page InvoicePage
	)
	err := a.db.Ask(ctx, func(ask *store.Questions) {
		ask.InvoicesOf(actor.AccountID, q, &rows)
		ask.PayersOf(actor.AccountID, &page.Payers)
	})
	if err != nil {
		return InvoicePage{}, err
	}
	page.Items = invoiceRows(rows)
	if len(page.Items) > invoicePageSize {
		page.Items = page.Items[:invoicePageSize]
		last := page.Items[invoicePageSize-1]
		page.Next = last.IssueDate.String() + "~" + last.Number
	}
	return page, nil
}

func invoiceRows(rows []store.InvoiceRow) []InvoiceRow {
	list := make([]InvoiceRow, len(rows))
	for i, r := range rows {
		list[i] = InvoiceRow{
			Number: r.Number, Kind: invoice.Kind(r.Kind), IssueDate: civil.DateOf(r.IssueDate, r.IssueDate.Location()),
			PayerName: r.PayerName, OrderNumber: r.OrderNumber, Net: money.Amount(r.NetMinor), VAT: money.Amount(r.VATMinor),
			Total: money.Amount(r.TotalMinor), Currency: money.Currency(r.Currency),
			Of: r.Of, ReplacedBy: r.ReplacedBy,
		}
	}
	return list
}

// Invoice returns a document of one of the actor's payers, or NotFound.
func (a *App) Invoice(ctx context.Context, actor account.Actor, number string) (invoice.Document, error) {
	content, err := a.invoiceContent(ctx, actor, number, "page")
	if err != nil {
		return invoice.Document{}, err
	}
	return invoice.Unmarshal(content)
}

// CreditNotesOf returns the numbers of the credit notes of an invoice of one of
// the actor's payers, oldest first.
func (a *App) CreditNotesOf(ctx context.Context, actor account.Actor, number string) ([]string, error) {
	var notes []string
	err := a.db.View(ctx, func(tx *store.Tx) error {
		var err error
		notes, err = tx.CreditNotesOf(ctx, actor.AccountID, number)
		return err
	})
	return notes, err
}

// invoiceContent returns the frozen content of a document of one of the actor's
// payers, or NotFound. format is what the actor looks at; an accountant's looking
// is noted before they see anything.
func (a *App) invoiceContent(ctx context.Context, actor account.Actor, number, format string) ([]byte, error) {
	var d store.ReadDocument
	err := a.db.View(ctx, func(tx *store.Tx) error {
		var err error
		d, err = tx.InvoiceOf(ctx, actor.AccountID, number)
		return err
	})
	if err != nil {
		return nil, err
	}
	return d.Content, a.noteView(ctx, actor, d, number, format)
}
