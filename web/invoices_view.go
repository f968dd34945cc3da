package web

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/views"
)

// filterFields are the parameters that narrow the list, beside what is ticked;
// the cursor is none.
var filterFields = []string{"from", "to", "type", "payer", "q"}

// pickPrefix begins the names of the parameters that stand for ticked documents:
// a name may come only once.
const pickPrefix = "pick."

// keptFilter are the parameters of values that narrow the list.
func keptFilter(values url.Values) url.Values {
	kept := url.Values{}
	for name, v := range values {
		if v[0] != "" && (slices.Contains(filterFields, name) || strings.HasPrefix(name, pickPrefix)) {
			kept.Set(name, v[0])
		}
	}
	return kept
}

func invoicesView(p views.Page, values url.Values, list app.InvoicePage, today civil.Date) views.InvoicesPage {
	page := views.InvoicesPage{
		Page: p, Rows: invoiceRows(p.T, list.Items), Presets: periodPresets(values, today),
		Filter: views.InvoiceFilter{
			From: values.Get("from"), To: values.Get("to"), Type: values.Get("type"), Query: values.Get("q"), Payer: values.Get("payer"),
		},
		Totalled: list.Totalled, Totals: vatTotalRows(p.T, list.Totals),
	}
	kept := keptFilter(values)
	page.Filtered = len(kept) > 0
	for i, r := range page.Rows {
		page.Rows[i].Picked = values.Has(pickPrefix + r.Number)
		page.Filter.Picked = page.Filter.Picked || page.Rows[i].Picked
	}
	if !page.Filtered && len(page.Rows) > 0 && values.Get("after") == "" {
		page.Quarters = quarterFiles(p.T, today)
	}
	for _, payer := range list.Payers {
		page.Payers = append(page.Payers, views.Choice{Value: string(payer.ID), Text: payer.Name})
	}
	if values.Get("after") != "" {
		page.FirstURL = invoicesURL(kept)
	}
	if list.Next != "" {
		kept.Set("after", list.Next)
		page.NextURL = invoicesURL(kept)
	}
	return page
}

// quarterFiles are the quarters that accountants take away most: the last one
// and this one.
func quarterFiles(t i18n.Translator, today civil.Date) []views.QuarterFile {
	var files []views.QuarterFile
	for _, kind := range []string{"last_quarter", "this_quarter"} {
		from := quarterOf(today)
		if kind == "last_quarter" {
			from = from.AddMonths(-3, 1)
		}
		to := lastDay(from, 3)
		asked := url.Values{"format": {string(app.ExportZIP)}, "from": {from.String()}, "to": {to.String()}}
		files = append(files, views.QuarterFile{Kind: kind, Days: dayOf(t, from).Text + " – " + dayOf(t, to).Text, URL: exportURL(asked)})
	}
	return files
}

// quarterOf is the first day of a day's quarter.
func quarterOf(d civil.Date) civil.Date {
	return civil.Date{Year: d.Year, Month: d.Month - (d.Month-1)%3, Day: 1}
}

// lastDay is the last day of some whole months.
func lastDay(from civil.Date, months int) civil.Date {
	return from.AddMonths(months, 1).AddDays(-1)
}

func exportURL(values url.Values) string { return "/invoices/export?" + values.Encode() }

func vatTotalRows(t i18n.Translator, totals []app.VATTotal) []views.VATTotalRow {
	rows := make([]views.VATTotalRow, len(totals))
	for i, x := range totals {
		rows[i] = views.VATTotalRow{
			Documents: t.Number(int64(x.Documents)), Net: moneyOf(t, x.Base, x.Currency), VAT: moneyOf(t, x.VAT, x.Currency), Total: moneyOf(t, x.Total(), x.Currency),
		}
		if x.RateSet {
			rows[i].Rate = t.Percent(int64(x.Rate))
		}
		if x.Country != "" {
			rows[i].Country = t.Country(x.Country)
		}
	}
	return rows
}

func invoicesURL(values url.Values) string {
	if len(values) == 0 {
		return "/invoices"
	}
	return "/invoices?" + values.Encode()
}

// periodPresets are links to stretches of time that accountants ask for; they
// keep the rest of the filter.
func periodPresets(values url.Values, today civil.Date) []views.PeriodPreset {
	quarter, month := quarterOf(today), civil.Date{Year: today.Year, Month: today.Month, Day: 1}
	year := civil.Date{Year: today.Year, Month: time.January, Day: 1}
	list := []struct {
		kind   string
		from   civil.Date
		months int // 0 for all of time
	}{
		{"this_month", month, 1},
		{"last_month", month.AddMonths(-1, 1), 1},
		{"this_quarter", quarter, 3},
		{"last_quarter", quarter.AddMonths(-3, 1), 3},
		{"this_year", year, 12},
		{"last_year", year.AddMonths(-12, 1), 12},
		{"all", civil.Date{}, 0},
	}
	presets := make([]views.PeriodPreset, len(list))
	for i, x := range list {
		from, to := "", ""
		if x.months > 0 {
			from, to = x.from.String(), lastDay(x.from, x.months).String()
		}
		kept := url.Values{}
		for _, name := range filterFields {
			if v := values.Get(name); v != "" && name != "from" && name != "to" {
				kept.Set(name, v)
			}
		}
		if from != "" {
			kept.Set("from", from)
			kept.Set("to", to)
		}
		presets[i] = views.PeriodPreset{Kind: x.kind, URL: invoicesURL(kept), Current: values.Get("from") == from && values.Get("to") == to}
	}
	return presets
}

func invoiceRows(t i18n.Translator, items []app.InvoiceRow) []views.InvoiceRow {
	rows := make([]views.InvoiceRow, 0, len(items))
	for _, r := range items {
		row := views.InvoiceRow{
			Number: r.Number, Kind: string(r.Kind), State: documentState(r), URL: invoiceURL(r.Number), PDFURL: invoiceURL(r.Number) + pdfSuffix,
			IssueDate: dayShort(t, r.IssueDate), PayerName: r.PayerName, OrderNumber: r.OrderNumber, Of: r.Of, ReplacedBy: r.ReplacedBy,
			Total: moneyOf(t, r.Total, r.Currency),
		}
		if r.Kind == invoice.KindReceipt {
			row.URL, row.PDFURL = receiptURL(r.Number), receiptURL(r.Number)
		} else {
			row.Net, row.VAT = moneyOf(t, r.Net, r.Currency), moneyOf(t, r.VAT, r.Currency)
		}
		if r.Kind == invoice.KindCreditNote { // what it takes back, as the totals and the exports have it
			row.Net, row.VAT, row.Total = moneyOf(t, -r.Net, r.Currency), moneyOf(t, -r.VAT, r.Currency), moneyOf(t, -r.Total, r.Currency)
		}
		rows = append(rows, row)
	}
	return rows
}

// documentState names the state of a document; a credit note has none.
func documentState(r app.InvoiceRow) string {
	switch {
	case r.Kind == invoice.KindBankInvoice && r.Bank == app.BankReceived:
		return "unsettled" // received is said of what is done
	case r.Kind == invoice.KindBankInvoice:
		return string(r.Bank)
	case r.Kind == invoice.KindReceipt:
		return "received"
	case r.Kind == invoice.KindCreditNote:
		return ""
	case r.Credited >= r.Total && r.Credited > 0:
		return "credited"
	case r.Credited > 0:
		return "partly_credited"
	}
	return "paid"
}

// documentView shows a frozen document; nothing in it is worked out again.
func documentView(t i18n.Translator, d invoice.Document) views.Document {
	v := views.Document{
		Kind: string(d.Kind), Number: d.Number, IssueDate: dayOf(t, d.IssueDate), TaxPoint: dayOf(t, d.TaxPoint), ValidUntil: dayOf(t, d.ValidUntil),
		OrderNumber: d.OrderNumber, Reference: d.Reference, POReference: d.POReference, Months: d.ServiceMonths,
		Seller: partyView(t, d.Seller), Buyer: partyView(t, d.Buyer), Customer: d.Customer,
		LinesNet: moneyOf(t, d.LinesNet, d.Currency), Net: moneyOf(t, d.Net, d.Currency), VATTotal: moneyOf(t, d.VATTotal, d.Currency),
		Total: moneyOf(t, d.Total, d.Currency), Paid: moneyOf(t, d.Paid, d.Currency), Due: moneyOf(t, d.Due, d.Currency),
		PaidOn: dayOf(t, d.Payment.PaidOn),
	}
	if !d.ServiceFrom.IsZero() {
		v.Service = dayOf(t, d.ServiceFrom).Text + " – " + dayOf(t, d.ServiceTo).Text
	}
	for _, l := range d.Lines {
		v.Lines = append(v.Lines, views.DocumentLine{
			Description: l.Description, Detail: l.Detail, Quantity: t.Number(l.Quantity), Unit: string(l.Unit),
			UnitPrice: moneyOf(t, l.UnitPrice, d.Currency), Net: moneyOf(t, l.Net, d.Currency),
		})
	}
	if d.Discount != nil {
		v.Discount = &views.DocumentDiscount{Reason: d.Discount.Reason, Amount: moneyOf(t, -d.Discount.Amount, d.Currency)}
	}
	for _, x := range d.VAT {
		row := views.DocumentVAT{Base: moneyOf(t, x.Base, d.Currency), Amount: moneyOf(t, x.Amount, d.Currency), Text: x.Text}
		if x.RateSet {
			row.Rate = t.Percent(int64(x.Rate))
		}
		if x := d.Exchange; x != nil {
			row.Text = strings.TrimSpace(row.Text + " " + t.T("doc.vat.in_eur", "Amount", t.Money(int64(x.VAT), string(money.EUR)), "Rate", t.Decimal(x.Decimal()),
				"Currency", d.Currency, "Source", x.Source, "Date", dayOf(t, x.Day).Text))
		}
		v.VAT = append(v.VAT, row)
	}
	if d.Kind == invoice.KindBankInvoice {
		v.Pay = &views.PayDetails{
			Reference: views.Copied{Text: bank.Reference(d.Reference).Print(), Raw: d.Reference}, IBAN: ibanView(d.Payment.IBAN),
			Beneficiary: d.Payment.Beneficiary, BIC: d.Payment.BIC, Bank: d.Payment.Bank,
		}
	}
	if d.Corrects != nil {
		v.Corrects = &views.Correction{
			Number: d.Corrects.Number, URL: invoiceURL(d.Corrects.Number), Date: dayOf(t, d.Corrects.IssueDate), Reason: d.Corrects.Reason,
		}
		if with := cmp.Or(d.Corrects.CreditNote, d.Corrects.ReplacedBy); with != "" {
			v.Corrects.With = &views.Link{Text: with, URL: invoiceURL(with)}
		}
	}
	if r := d.Returned; r != nil {
		add := func(amount money.Amount, key string) {
			if amount > 0 {
				v.Returned = append(v.Returned, t.T(key, "Amount", moneyOf(t, amount, d.Currency).Text, "Card", r.Label, "Account", r.Account))
			}
		}
		if r.Label != "" {
			add(r.Method, "doc.returned.card")
		} else {
			add(r.Method, "doc.returned.method")
		}
		if r.Account != "" {
			add(r.Transfer, "doc.returned.account")
		} else {
			add(r.Transfer, "doc.returned.transfer")
		}
		add(r.Applied, "doc.returned.applied")
		add(r.Balance, "doc.returned.balance")
		add(r.Forgiven, "doc.returned.forgiven")
	}
	return v
}

func partyView(t i18n.Translator, p invoice.Party) views.Party {
	v := views.Party{
		Name: p.Name, CompanyCode: p.CompanyCode, VATNumber: p.VATNumber, VATNote: p.VATNote, Email: p.Email, Phone: p.Phone, Website: p.Website,
	}
	for _, line := range []string{p.Street, strings.TrimSpace(p.Postcode + " " + p.City)} {
		if line != "" {
			v.Address = append(v.Address, line)
		}
	}
	if p.Country != "" {
		v.Address = append(v.Address, t.Country(p.Country))
	}
	return v
}
