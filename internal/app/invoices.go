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
	From, To civil.Date   // issue dates, inclusive
	Type     invoice.Kind // empty for all, but for bank invoices that a VAT invoice has followed
	Payer    account.PayerID
	Query    string   // in the number, order, customer, payer or purchase order, or an amount
	Numbers  []string // of documents that were ticked
	After    string   // cursor of the page before
}

// narrows reports whether the filter bounds how much is added up: sums of
// everything a payer ever got are nobody's question, and would be read on every
// visit.
func (f InvoiceFilter) narrows() bool {
	return !f.From.IsZero() || f.Query != "" || len(f.Numbers) > 0
}

// maxTicked is how many documents can be ticked: as many as a page shows.
const maxTicked = invoicePageSize

// query is the filter as the store takes it. Errors: Invalid with the fields,
// and NotFound for a payer that cannot be.
func (f InvoiceFilter) query() (store.InvoiceQuery, error) {
	q := store.InvoiceQuery{
		From: f.From, To: f.To, HidePaid: f.Type == "" && len(f.Numbers) == 0, Payer: f.Payer, Text: clip(CleanText(f.Query), 100), Numbers: f.Numbers,
	}
	if f.Type != "" {
		q.Kinds = []invoice.Kind{f.Type}
	}
	if amount, ok := typedTotal(q.Text); ok {
		q.Amount = &amount
	}
	if f.Payer != "" && !isUUID(string(f.Payer)) {
		return q, fault.Missing("payer")
	}
	var fields fault.Fields
	if !f.From.IsZero() && !f.To.IsZero() && f.To.Before(f.From) {
		fields.Add("to", "error.dates.order", nil)
	}
	if len(f.Numbers) > maxTicked {
		fields.Add("pick", "error.invoice.too_many_ticked", map[string]any{"Max": maxTicked})
	}
	if f.After != "" {
		date, number, _ := strings.Cut(f.After, "~")
		day, err := civil.Parse(date)
		if err != nil || number == "" || len(number) > 40 {
			fields.Add("after", "error.cursor", nil)
		}
		q.AfterDate, q.AfterNumber = day, number
	}
	return q, fields.Err()
}

// typedTotal reads an amount as people write it: "€1 234,50", "145.2", "1,234.50 EUR".
func typedTotal(typed string) (money.Amount, bool) {
	figure := strings.TrimPrefix(strings.TrimSuffix(strings.ToUpper(strings.Join(strings.Fields(strings.ReplaceAll(typed, "€", "")), "")), "EUR"), "EUR")
	point, comma := strings.LastIndex(figure, "."), strings.LastIndex(figure, ",")
	if point >= 0 && comma >= 0 { // the last one parts the decimals
		if point > comma {
			figure = strings.ReplaceAll(figure, ",", "")
		} else {
			figure = strings.ReplaceAll(figure, ".", "")
		}
	}
	amount, err := money.ParseDecimal(strings.ReplaceAll(figure, ",", "."))
	return amount, err == nil
}

// InvoiceRow is a document in the list.
type InvoiceRow struct {
	Number      string
	Kind        invoice.Kind
	IssueDate   civil.Date
	PayerName   string
	OrderNumber string
	Net         money.Amount // 0 on a receipt, which has no VAT
	VAT         money.Amount
	Total       money.Amount
	Currency    money.Currency
	Bank        BankState    // of a bank invoice
	Credited    money.Amount // of an invoice, by its credit notes
	Of          string       // number of the invoice that a credit note corrects or an invoice replaces; empty for none
	ReplacedBy  string       // number of the invoice that replaces an invoice; empty for none
}

// VATTotal is the sum of invoices less credit notes at one rate, in one currency.
type VATTotal struct {
	Currency  money.Currency
	RateSet   bool // false for sales without any rate
	Rate      money.BasisPoints
	Country   string // whose VAT it is; empty for none
	Base      money.Amount
	VAT       money.Amount
	Documents int
}

// Total is the sum with VAT.
func (t VATTotal) Total() money.Amount { return t.Base + t.VAT }

// InvoicePage is a page of the list, newest first.
type InvoicePage struct {
	Items    []InvoiceRow
	Next     string // cursor of the next page; empty on the last one
	Payers   []store.PayerOf
	Totalled bool       // a filter bounds the list, so it was added up
	Totals   []VATTotal // of everything that the filter finds, by currency and rate
}

// Invoices returns a page of the documents of the actor's payers: invoices,
// credit notes, bank invoices and receipts.
func (a *App) Invoices(ctx context.Context, actor account.Actor, f InvoiceFilter) (InvoicePage, error) {
	q, err := f.query()
	if err != nil {
		return InvoicePage{}, err
	}
	q.Limit = invoicePageSize + 1
	var (
		rows   []store.InvoiceRow
		totals []store.VATTotalRow
		page   = InvoicePage{Totalled: f.narrows() && (f.Type == "" || f.Type.IsTax())}
	)
	err = a.db.Ask(ctx, func(ask *store.Questions) {
		ask.InvoicesOf(actor.AccountID, q, &rows)
		ask.PayersOf(actor.AccountID, &page.Payers)
		if page.Totalled {
			ask.VATTotalsOf(actor.AccountID, q, &totals)
		}
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
	page.Totals = vatTotals(totals)
	return page, nil
}

func vatTotals(rows []store.VATTotalRow) []VATTotal {
	list := make([]VATTotal, len(rows))
	for i, r := range rows {
		list[i] = VATTotal{
			Currency: money.Currency(r.Currency), RateSet: r.RateSet, Rate: money.BasisPoints(r.RateBPS), Country: r.Country,
			Base: money.Amount(r.BaseMinor), VAT: money.Amount(r.VATMinor), Documents: r.Documents,
		}
	}
	return list
}

func invoiceRows(rows []store.InvoiceRow) []InvoiceRow {
	list := make([]InvoiceRow, len(rows))
	for i, r := range rows {
		list[i] = InvoiceRow{
			Number: r.Number, Kind: invoice.Kind(r.Kind), IssueDate: civil.DateOf(r.IssueDate, r.IssueDate.Location()),
			PayerName: r.PayerName, OrderNumber: r.OrderNumber, Net: money.Amount(r.NetMinor), VAT: money.Amount(r.VATMinor),
			Total: money.Amount(r.TotalMinor), Currency: money.Currency(r.Currency),
			Of: r.Of, ReplacedBy: r.ReplacedBy,
			Bank: BankState(r.Standing), Credited: money.Amount(r.CreditedMinor),
		}
	}
	return list
}

// Invoice returns a document of one of the actor's payers, of whatever kind, or
// NotFound.
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
		d, err = tx.DocumentOf(ctx, actor.AccountID, number)
		return err
	})
	if err != nil {
		return nil, err
	}
	return d.Content, a.noteView(ctx, actor, d, number, format)
}
