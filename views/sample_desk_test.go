package views_test

import (
	"fmt"

	"github.com/siptg/portal/views"
)

// november is a day of November as tables have it.
func november(d int) views.Instant {
	return views.Instant{Text: fmt.Sprintf("%d Nov 2026", d), ISO: fmt.Sprintf("2026-11-%02d", d)}
}

// picked is the list of what was ticked, with documents of every kind and sums.
func picked() views.InvoicesPage {
	p := invoices()
	p.Filtered, p.Totalled, p.NextURL = true, true, ""
	p.Filter = views.InvoiceFilter{From: "2026-10-01", To: "2026-12-31", Picked: true}
	p.Rows = []views.InvoiceRow{
		{Number: "SIP-2026-000123", Kind: "invoice", State: "partly_credited", Picked: true, URL: "/invoices/SIP-2026-000123", PDFURL: "/x.pdf", IssueDate: november(25), PayerName: longName, Net: eur(226800), VAT: eur(0), Total: eur(226800)},
		{Number: "SIPC-2026-000007", Kind: "credit_note", Picked: true, URL: "/invoices/SIPC-2026-000007", PDFURL: "/x.pdf", IssueDate: november(24), PayerName: longName, Net: eur(-1500), VAT: eur(-315), Total: eur(-1815)},
		{Number: "O-2026-000124", Kind: "bank_invoice", State: "unsettled", Picked: true, URL: "/invoices/O-2026-000124", PDFURL: "/x.pdf", IssueDate: november(24), PayerName: "Ona", Net: eur(10000), VAT: eur(2100), Total: eur(12100)},
		{Number: "R-2026-000009", Kind: "receipt", State: "received", Picked: true, URL: "/x.pdf", PDFURL: "/x.pdf", IssueDate: november(23), PayerName: "Ona", Total: eur(5000)},
	}
	p.Totals = []views.VATTotalRow{
		{Rate: "21%", Country: "Lithuania", Documents: "1", Net: eur(-1500), VAT: eur(-315), Total: eur(-1815)},
		{Documents: "1", Net: eur(226800), VAT: eur(0), Total: eur(226800)},
	}
	return p
}

func noTotals() views.InvoicesPage {
	p := picked()
	p.Filter, p.Totals, p.Rows = views.InvoiceFilter{Type: ""}, nil, p.Rows[2:]
	return p
}

func quarterly() views.InvoicesPage {
	p := invoices()
	p.Quarters = []views.QuarterFile{
		{Kind: "last_quarter", Days: "1 July 2026 – 30 September 2026", URL: "/invoices/export?format=zip"}, {Kind: "this_quarter", Days: "1 October 2026 – 31 December 2026", URL: "/invoices/export?format=zip"},
	}
	return p
}

func progress() views.ExportPage {
	return views.ExportPage{Page: page(true, views.NavInvoices), URL: "/invoices/export?format=zip", ListURL: "/invoices", Done: 312, Of: 1000, DoneText: "312", OfText: "1,000"}
}

func keys(fresh string) views.KeysPage {
	p := views.KeysPage{
		Page: page(true, views.NavBilling), Payer: "p1", PayerName: longName, Form: "f1", BillingURL: "/billing?payer=p1", Address: "https://billing.example/api/v1/invoices", DescriptionURL: "/api/v1/openapi.json",
		Payers: []views.Link{{Text: "Ona Petrauskaitė", URL: "/billing/keys?payer=p2"}, {Text: longName, URL: "/billing/keys?payer=p1", Current: true}}, Fresh: fresh,
	}
	if fresh != "" {
		p.Keys = []views.KeyRow{
			{ID: "k1", Name: "Accounting", Ending: "…x3Fg", Made: day(2026, 11, 25)},
			{ID: "k2", Name: longName, Ending: "…9_-a", Made: day(2026, 10, 1), Used: at(2026, 11, 24, 7, 0), Revoked: at(2026, 11, 25, 7, 0)},
		}
	} else {
		p.Errors = views.Errors{{Field: "name", Text: "Please fill in this field."}}
	}
	return p
}

func reports(bad bool) views.StaffReportsPage {
	p := views.StaffReportsPage{Page: page(true, views.NavStaff), Months: []views.Choice{{Value: "2026-11", Text: "November 2026"}}, Quarters: []views.Choice{{Value: "2026Q4", Text: "2026Q4"}}}
	if bad {
		p.Errors = views.Errors{{Field: "month", Text: "The report has no rule for SIP-2026-000123. Ask the accountant; the log says why."}}
	}
	return p
}
