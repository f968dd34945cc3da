package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/i18n"
)

func TestStatementPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.owner.open("/statement")
	if n := a.mark("movement").Length(); n != 2 {
		t.Fatalf("%d movements\n%s", n, clip(a.body, 2000))
	}
	for mark, want := range map[string]string{"opening": "0", "closing": "0", "in": w.paidMinor(), "out": w.paidMinor()} {
		if got := a.mark(mark).AttrOr("data-minor", ""); got != want {
			t.Errorf("%s: %s, want %s", mark, got, want)
		}
	}
	row := a.mark("movement").Last()
	for _, link := range []string{"/orders/" + w.paid.Number, "/invoices/" + w.paid.InvoiceNumber} {
		if row.Find(`a[href="`+link+`"]`).Length() != 1 {
			t.Errorf("no link to %s", link)
		}
	}
	if got := a.doc().Find("#f-from").AttrOr("value", ""); got != "2026-01-01" {
		t.Errorf("from %q", got)
	}
	current := a.doc().Find(".chips a[aria-current]")
	if current.Length() != 1 || !strings.HasPrefix(current.AttrOr("href", ""), "/statement?from=2026-01-01") {
		t.Errorf("chosen period: %v", current.AttrOr("href", ""))
	}
	// An accountant reads it, and sees no orders.
	path := "/statement?payer=" + string(w.payer)
	a = w.accountant.open(path)
	if a.mark("movement").Length() != 2 || a.doc().Find(`a[href^="/orders/"]`).Length() != 0 {
		t.Errorf("the accountant: %s", clip(a.body, 2000))
	}
	// The file is of the same days, and for the accountant too.
	href, _ := a.doc().Find(`a[href^="/statement.pdf"]`).Attr("href")
	if file := w.accountant.get(href); !strings.Contains(href, "from=2026-01-01") || !strings.HasPrefix(file.body, "%PDF-") || file.header.Get("Content-Type") != "application/pdf" {
		t.Errorf("%s: %d %s", href, file.status, clip(file.body, 200))
	}
	if bad := w.owner.get("/statement.pdf?from=x"); bad.status != http.StatusUnprocessableEntity {
		t.Errorf("a day that is none: %d", bad.status)
	}
	if w.owner.open("/statement?from=2025-01-01&to=2025-12-31").doc().Find(`[data-testid="movement"]`).Length() != 0 {
		t.Error("movements of this year stand in last year's statement")
	}
	if w.owner.open("/invoices").doc().Find(`a[href="/statement"]`).Length() != 1 {
		t.Error("no way from the invoices")
	}
}

// paidMinor is the total of the paid order in cents.
func (w *world) paidMinor() string { return strings.Replace(w.paid.Total.Decimal(), ".", "", 1) }

func TestStatementMistakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for query, field := range map[string]string{
		"from=2026-13-01":               "from",
		"to=x":                          "to",
		"from=2026-12-01&to=2026-11-01": "to",
	} {
		a := w.owner.get("/statement?" + query)
		if a.status != http.StatusUnprocessableEntity || a.mark("error").AttrOr("data-field", "") != field {
			t.Errorf("%s: %d %s", query, a.status, a.mark("error").Text())
		}
	}
	if a := w.owner.get("/statement?payer=a&payer=b"); a.status != http.StatusUnprocessableEntity {
		t.Errorf("two payers: %d", a.status)
	}
	if got := periodText(i18n.New("en"), civil.Date{}, civil.MustParse("2026-12-31")); got != "– 31 December 2026" {
		t.Errorf("an open period: %q", got)
	}
}

// From the form to the bank details: the reference stays, the amount may have a
// comma, the code is for that amount.
func TestTopUpPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := "/balance?payer=" + string(w.payer)
	a := w.owner.open(path)
	if a.mark("balance").AttrOr("data-minor", "") != "0" || a.doc().Find(`[data-testid="rf"], svg[role="img"]`).Length() != 0 {
		t.Errorf("before: %s", clip(a.body, 2000))
	}
	sent := w.owner.post("/balance/top-up", url.Values{"payer": {string(w.payer)}, "amount": {"50,00"}})
	target, fragment, _ := strings.Cut(sent.location(), "#")
	if a = w.owner.open(target); sent.status != http.StatusSeeOther || a.doc().Find("#"+fragment).Length() != 1 {
		t.Fatalf("%d to %s", sent.status, sent.location())
	}
	rf := a.mark("rf").AttrOr("data-copy", "")
	if len(rf) != 14 || !strings.HasPrefix(rf[4:], "9") || a.mark("iban").AttrOr("data-copy", "") != testIBAN ||
		a.mark("amount").AttrOr("data-minor", "") != "5000" || a.doc().Find(`svg[role="img"]`).Length() != 1 {
		t.Fatalf("details: %q\n%s", rf, clip(a.body, 3000))
	}
	a = w.owner.open(path)
	if got := a.mark("rf").AttrOr("data-copy", ""); got != rf || a.doc().Find(`svg[role="img"]`).Length() != 0 {
		t.Errorf("without an amount: %q", got)
	}
	if a := w.accountant.open(path); a.doc().Find(`form[action="/balance/top-up"], [data-testid="rf"]`).Length() != 0 {
		t.Error("the accountant is asked to pay")
	}
	if w.owner.open("/billing").doc().Find(`a[href^="/balance?payer="]`).Length() != 1 {
		t.Error("no way from the billing details")
	}
}

func TestTopUpMistakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, typed := range []string{"", "0.99", "10000.01", "<b>", "1,000"} {
		form := url.Values{"payer": {string(w.payer)}, "amount": {typed}}
		a := w.owner.post("/balance/top-up", form)
		if a.status != http.StatusUnprocessableEntity || a.mark("error").AttrOr("data-field", "") != "amount" ||
			a.doc().Find("#f-amount").AttrOr("value", "") != typed {
			t.Errorf("%q: %d %s", typed, a.status, clip(a.body, 500))
		}
		if a := w.owner.get("/balance?" + form.Encode()); a.status != http.StatusUnprocessableEntity {
			t.Errorf("GET with %q: %d", typed, a.status)
		}
		if a := w.accountant.post("/balance/top-up", form); a.status != http.StatusForbidden {
			t.Errorf("the accountant, %q: %d", typed, a.status)
		}
	}
	missing := w.stranger.get("/nowhere")
	for _, payer := range []string{string(w.payer), "", "x", "00000000-0000-0000-0000-000000000000"} {
		for _, typed := range []string{"50", "x"} {
			a := w.stranger.post("/balance/top-up", url.Values{"payer": {payer}, "amount": {typed}})
			if a.status != http.StatusNotFound || a.body != missing.body {
				t.Errorf("the stranger, payer %q, %q: %d", payer, typed, a.status)
			}
		}
	}
}

// A top-up has its receipt beside the movement, on the balance and on the
// statement, and the file is a PDF; a credit limit is shown with what it allows.
func TestReceiptAndCredit(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, payer := s.customer(470, "Ona")
	if ona.get("/balance").doc().Find(`[data-testid="credit-limit"], [data-testid="receipt"]`).Length() != 0 {
		t.Error("a limit or a receipt of nothing")
	}
	s.topUp(ona, payer, 50_00)
	_, err := s.app.SetCreditLimit(s.ctx(), payer, "200", "command:test")
	s.must(err)
	for _, page := range []string{"/balance", "/statement"} {
		a := ona.get(page)
		link := a.mark("receipt").AttrOr("href", "")
		if link != "/balance/receipts/R-2026-000001.pdf" {
			t.Fatalf("%s: receipt at %q", page, link)
		}
		if file := ona.get(link); file.status != http.StatusOK || file.header.Get("Content-Type") != "application/pdf" || !strings.HasPrefix(file.body, "%PDF-") {
			t.Errorf("%s: %d", link, file.status)
		}
		if limit, available := a.mark("credit-limit").AttrOr("data-minor", ""), a.mark("available").AttrOr("data-minor", ""); limit != "20000" || available != "25000" {
			t.Errorf("%s: limit %q, available %q", page, limit, available)
		}
	}
}
