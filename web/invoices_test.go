package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/invoice"
)

func TestInvoices(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if a := s.person(501, "Nora").get("/invoices"); a.status != http.StatusOK || a.doc().Find(`[data-testid="invoice"]`).Length() != 0 {
		t.Errorf("a person without any: %d", a.status)
	}
	b, payer := s.customer(502, "Ona")
	for range 53 {
		s.pay(s.order(b, payer, nil, softphone(1, false, 6)))
	}
	a := b.get("/invoices")
	rows := a.mark("invoice")
	if rows.Length() != 50 {
		t.Fatalf("%d rows on the first page", rows.Length())
	}
	if first := rows.First(); first.AttrOr("data-number", "") != "SIP-2026-000053" || first.AttrOr("data-type", "") != "invoice" || first.AttrOr("data-minor", "") != "2178" {
		t.Errorf("the newest is %q, %q, %q", first.AttrOr("data-number", ""), first.AttrOr("data-type", ""), first.AttrOr("data-minor", ""))
	}
	next := a.doc().Find("a[rel=next]").AttrOr("href", "")
	older := b.get(next)
	if n := older.mark("invoice").Length(); n != 3 || older.mark("invoice").First().AttrOr("data-number", "") != "SIP-2026-000003" {
		t.Errorf("%d rows on the second page", n)
	}
	if older.doc().Find("a[rel=next]").Length() != 0 || older.doc().Find(`nav.pages a[href="/invoices"]`).Length() != 1 {
		t.Error("the last page leads on, or not back")
	}
	for filter, want := range map[string]int{
		"q=000007": 1, "q=nothing": 0, "type=credit_note": 0, "type=invoice&from=2026-11-23&to=2026-11-23": 50,
		"from=2026-11-24": 0, "to=2026-11-22": 0, "payer=" + string(payer): 50, "payer=" + missingID: 0,
	} {
		a := b.get("/invoices?" + filter)
		if got := a.doc().Find(`[data-testid="invoice"]`).Length(); a.status != http.StatusOK || got != want {
			t.Errorf("%s: %d rows, want %d (%d)", filter, got, want, a.status)
		}
		// The next page keeps the filter.
		if next := a.doc().Find("a[rel=next]").AttrOr("href", ""); want == 50 && !strings.Contains(next, strings.Split(filter, "&")[0]) {
			t.Errorf("%s: the next page is %s", filter, next)
		}
	}
}

func TestInvoiceFilterMistakes(t *testing.T) {
	t.Parallel()
	b := newSite(t).person(503, "Ona")
	for filter, field := range map[string]string{
		"from=yesterday": "from", "from=2026-13-01": "from", "to=2026-02-30": "to", "from=2026-02-02&to=2026-02-01": "to",
		"type=bill": "type", "after=x": "after", "after=2026-01-01~": "after",
	} {
		a := b.get("/invoices?" + filter)
		if a.status != http.StatusUnprocessableEntity || a.mark("error").AttrOr("data-field", "") != field {
			t.Errorf("%s: %d, mistake in %q, want %q", filter, a.status, a.mark("error").AttrOr("data-field", ""), field)
		}
	}
	a := b.get("/invoices?from=%22%3E%3Cscript%3E&q=%3Cb%3E")
	if strings.Contains(a.body, "<script>") || strings.Contains(a.body, "<b>") || a.doc().Find("input[name=from]").AttrOr("value", "") != `"><script>` {
		t.Error("what was typed is not shown as it was typed")
	}
	if a := b.get("/invoices?payer=x"); a.status != http.StatusNotFound {
		t.Errorf("a payer that cannot be: %d", a.status)
	}
}

func TestInvoice(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, payer := s.customer(504, "Ona")
	o := s.order(b, payer, nil, softphone(2, true, 12))
	s.pay(o)
	const path = "/invoices/SIP-2026-000001"
	a := b.get(path)
	if a.status != http.StatusOK || a.mark("document").AttrOr("data-number", "") != "SIP-2026-000001" || a.mark("total").AttrOr("data-minor", "") != "13068" {
		t.Fatalf("%d %s", a.status, a.mark("total").AttrOr("data-minor", ""))
	}
	text := a.mark("document").Text()
	for _, want := range []string{"MB Pavyzdys", "LT119511515", "Gedimino pr. 9", "Lithuania", "21%", "22 November 2027", o.Number} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in the document", want)
		}
	}
	if a.doc().Find(`a[href="`+path+`.pdf"]`).Length() == 0 || a.doc().Find(`[data-testid=document] a[href="`+orderURL(o.Number)+`"]`).Length() == 0 {
		t.Error("no link to the file or the order")
	}
	checkPDF(t, b, path+".pdf", "SIP-2026-000001.pdf")
	checkEInvoice := func(b *browser) {
		t.Helper()
		for suffix, want := range map[string][]string{
			".xml":     {"<rsm:CrossIndustryInvoice ", "<ram:GrandTotalAmount>130.68</ram:GrandTotalAmount>", "<ram:IssuerAssignedID>" + o.Number + "<"},
			".ubl.xml": {"<Invoice ", `<cbc:TaxInclusiveAmount currencyID="EUR">130.68</cbc:TaxInclusiveAmount>`, "<cbc:SalesOrderID>" + o.Number + "<"},
		} {
			checkFile(t, b, path+suffix, "SIP-2026-000001"+suffix, "application/xml", `<?xml version="1.0" encoding="UTF-8"?>`)
			file := b.get(path + suffix)
			for _, x := range append(want, ">SIP-2026-000001<", ">LT119511515<") {
				if !strings.Contains(file.body, x) {
					t.Errorf("no %s in %s", x, suffix)
				}
			}
			if b.get(path).doc().Find(`a[href="`+path+suffix+`?download=1"]`).Length() != 1 {
				t.Errorf("no link to %s", suffix)
			}
		}
	}
	checkEInvoice(b)

	accountant := s.person(505, "Asta")
	for _, p := range []string{path, path + ".pdf", path + ".xml", path + ".ubl.xml", "/invoices/SIP-2026-999999", "/invoices/SIP-2026-999999.pdf", "/invoices/.pdf"} {
		if a := accountant.get(p); a.status != http.StatusNotFound {
			t.Errorf("a stranger reads %s: %d", p, a.status)
		}
	}
	s.member(payer, accountant.actor().AccountID, account.RoleAccountant)
	a = accountant.get(path)
	if a.status != http.StatusOK || a.doc().Find(`a[href^="/orders/"]`).Length() != 0 {
		t.Errorf("an accountant: %d, and no link to an order they may not see", a.status)
	}
	checkPDF(t, accountant, path+".pdf", "SIP-2026-000001.pdf")
	checkEInvoice(accountant)
}

// Who may read the page of an invoice may have its files, and nobody else.
func TestInvoiceFilesByRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path, want := matrix["invoice"].call(w).path, matrix["invoice"].want
	for i, b := range [5]*browser{w.browser(), w.customer, w.accountant, w.stranger, w.owner} {
		for _, suffix := range []string{".pdf", ".xml", ".ubl.xml", ".xml?download=1"} {
			a := b.get(path + suffix)
			got := a.status
			if got == http.StatusSeeOther && a.location() == "/login" {
				got = toSignIn
			}
			if got != want[i] || got != found && strings.Contains(a.body, w.paid.InvoiceNumber) {
				t.Errorf("%s as %s: %d, want %d", suffix, roles[i], got, want[i])
			}
		}
	}
}

func TestPeriodPresets(t *testing.T) {
	t.Parallel()
	for today, want := range map[string][4]string{
		"2026-11-23": {"2026-10-01..2026-12-31", "2026-07-01..2026-09-30", "2026-01-01..2026-12-31", "2025-01-01..2025-12-31"},
		"2027-01-01": {"2027-01-01..2027-03-31", "2026-10-01..2026-12-31", "2027-01-01..2027-12-31", "2026-01-01..2026-12-31"},
		"2028-06-30": {"2028-04-01..2028-06-30", "2028-01-01..2028-03-31", "2028-01-01..2028-12-31", "2027-01-01..2027-12-31"},
	} {
		presets := periodPresets(url.Values{"q": {"x"}, "from": {"2026-01-01"}, "to": {"2026-12-31"}}, civil.MustParse(today))
		if len(presets) != 7 || presets[6].URL != "/invoices?q=x" {
			t.Fatalf("%+v", presets)
		}
		for i, w := range want {
			from, to, _ := strings.Cut(w, "..")
			if p := presets[i+2]; p.URL != "/invoices?from="+from+"&q=x&to="+to || p.Current != (w == "2026-01-01..2026-12-31") {
				t.Errorf("%s: %+v, want %s", today, p, w)
			}
		}
	}
}

// A credit note names the invoice it corrects; a rate that is absent is not 0 %.
func TestDocumentView(t *testing.T) {
	t.Parallel()
	d := documentView(i18n.New("en"), invoice.Document{
		Kind: invoice.KindCreditNote, Currency: "EUR", Discount: &invoice.Discount{Amount: 150, Reason: "12 months"},
		VAT:      []invoice.VATLine{{Category: "O", Base: 100, Text: "outside"}, {Category: "AE", RateSet: true}, {Category: "S", RateSet: true, Rate: 2550}},
		Corrects: &invoice.Correction{Number: "SIP-2026-000001", IssueDate: civil.MustParse("2026-11-01"), Reason: "name"},
		Buyer:    invoice.Party{Street: "Street 1", City: "Riga", Country: "LV"},
	})
	if d.Corrects.URL != "/invoices/SIP-2026-000001" || d.Corrects.Date.ISO != "2026-11-01" {
		t.Errorf("%+v", d.Corrects)
	}
	if d.Discount.Amount.Minor != -150 {
		t.Errorf("a discount is shown as %+v", d.Discount.Amount)
	}
	if d.VAT[0].Rate != "" || d.VAT[1].Rate != "0%" || d.VAT[2].Rate != "25.5%" {
		t.Errorf("rates %q, %q, %q", d.VAT[0].Rate, d.VAT[1].Rate, d.VAT[2].Rate)
	}
	if got := strings.Join(d.Buyer.Address, "|"); got != "Street 1|Riga|Latvia" {
		t.Errorf("address %q", got)
	}
	if d.Service != "" || d.TaxPoint.Text != "" {
		t.Errorf("days that are not set: %q, %q", d.Service, d.TaxPoint.Text)
	}
}

// The page of a bank invoice says what the paper says: by when and how to pay, and
// what it is not. One that nobody is to pay any more tells nobody where to.
func TestBankInvoicePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	details := func(number string) (list []string) {
		a := w.owner.get("/invoices/" + number)
		for _, id := range []string{"due-date", "rf", "iban", "beneficiary", "bic"} {
			found := a.doc().Find(`[data-testid="` + id + `"]`)
			list = append(list, found.AttrOr("data-copy", found.AttrOr("datetime", found.Text())))
		}
		if a.mark("no-vat-invoice").Length() != 1 {
			t.Errorf("%s passes for a VAT invoice", number)
		}
		return list
	}
	d := w.document(w.open.Number)
	if got, want := details(w.open.Number), []string{d.ValidUntil.String(), d.Reference, d.Payment.IBAN, d.Payment.Beneficiary, d.Payment.BIC}; !slices.Equal(got, want) || d.Payment.BIC == "" {
		t.Errorf("open: %q, want %q", got, want)
	}
	if got := details(w.paid.Number); got[0] == "" || got[1] == "" || strings.Join(got[2:], "") != "" {
		t.Errorf("paid: %q", got)
	}
	if n := w.owner.get("/invoices/" + w.paid.InvoiceNumber).doc().Find(`[data-testid="no-vat-invoice"]`).Length(); n != 0 {
		t.Error("a VAT invoice passes for none")
	}
}

// VAT in another currency is in EUR on the page too, with its rate.
func TestVATInAnotherCurrencyOnThePage(t *testing.T) {
	t.Parallel()
	v := documentView(i18n.New("en"), invoice.Document{
		Currency: "USD", VAT: []invoice.VATLine{{Category: "S", RateSet: true, Rate: 2100, Base: 1260_00, Amount: 264_60}},
		Exchange: &invoice.Exchange{Millionths: 1_158_000, Day: civil.MustParse("2026-12-01"), Source: "ECB", VAT: 228_50},
	})
	if want := "VAT in EUR: €228.50, at the rate of 1 EUR = 1.1580 USD (ECB, 1 December 2026)"; v.VAT[0].Text != want {
		t.Errorf("%q, want %q", v.VAT[0].Text, want)
	}
}
