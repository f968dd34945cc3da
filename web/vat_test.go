package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
)

// The four states, on the billing page and on an order.
func TestFourStatesOfAVATNumber(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	by := audit.ByCommand("test")
	s.must(s.app.ConfirmVATNumber(s.ctx(), "DE136695976", true, "vies", "WAPIAAAAY1aBcDeF", by))
	s.must(s.app.ConfirmVATNumber(s.ctx(), "FR40303265045", false, "vies", "", by))
	for i, x := range []struct{ country, number, state, says string }{
		{"DE", "DE136695976", "valid", "Your invoices are without VAT"},
		{"FR", "FR40303265045", "invalid", "Check the number on your certificate"},
		{"PL", "PL5261025421", "waiting", "has not answered yet"},
		{"GB", "GB980780684", "format", "no register"},
	} {
		b := s.person(400+int64(i), "Max")
		form := germanCompany()
		form.Set("country", x.country)
		form.Set("vat_number", x.number)
		a := b.submit("/billing", form)
		status := a.mark("vat-status")
		if status.AttrOr("data-state", "") != x.state || status.AttrOr("data-number", "") != x.number || !strings.Contains(status.Text(), x.says) {
			t.Errorf("%s: %s %q", x.number, status.AttrOr("data-state", ""), status.Text())
		}
		if x.state == "waiting" && strings.Contains(status.Text(), "valid") && !strings.Contains(status.Text(), "confirms") {
			t.Errorf("silence reads as a verdict: %q", status.Text())
		}
		if x.state == "valid" && !strings.Contains(status.Text(), "WAPIAAAAY1aBcDeF") {
			t.Errorf("no proof: %q", status.Text())
		}
		// It blocks nothing.
		placed := b.submit("/orders", b.get("/plans/softphone?accounts=1&period=6").filled(orderFormSelector))
		o := b.get("/orders/" + placed.mark("order-number").Text())
		if got := o.mark("vat-status").AttrOr("data-state", ""); got != x.state {
			t.Errorf("the order of %s says %q", x.number, got)
		}
		if calculator := b.get("/plans/softphone"); strings.Contains(calculator.body, "has not confirmed your VAT number") != (x.state == "waiting") ||
			strings.Contains(calculator.body, "says that your VAT number is not valid") != (x.state == "invalid") {
			t.Errorf("the calculator of %s", x.number)
		}
	}
	// Who pays as a person, or has no number, is told nothing.
	ona, _ := s.customer(410, "Ona")
	if a := ona.get("/billing"); strings.Contains(a.body, "vat-status") {
		t.Error("a person is told about a VAT number")
	}
}

// An invoice shows the proof that it stands on, to its own people and the back
// office.
func TestInvoiceShowsItsProof(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.must(s.app.ConfirmVATNumber(s.ctx(), "DE136695976", true, "vies", "WAPIAAAAY1aBcDeF", audit.ByCommand("test")))
	b := s.person(420, "Max")
	b.submit("/billing", germanCompany())
	number := b.submit("/orders", b.get("/plans/softphone?accounts=1&period=6").filled(orderFormSelector)).mark("order-number").Text()
	o, err := s.app.Order(s.ctx(), b.actor(), number)
	s.must(err)
	s.pay(o)
	o, err = s.app.Order(s.ctx(), b.actor(), number)
	s.must(err)
	proof := b.get("/invoices/" + o.InvoiceNumber).mark("vat-proof")
	for _, want := range []string{"DE136695976", "WAPIAAAAY1aBcDeF", "VIES", "Valid"} {
		if !strings.Contains(proof.Text(), want) {
			t.Errorf("no %q in %q", want, proof.Text())
		}
	}
	eve, _ := s.customer(421, "Eve")
	if a := eve.get("/invoices/" + o.InvoiceNumber); a.status != http.StatusNotFound || strings.Contains(a.body, "WAPI") {
		t.Errorf("a stranger: %d", a.status)
	}
	if a := eve.get("/staff/vat?q=" + o.InvoiceNumber); a.status != http.StatusNotFound {
		t.Errorf("a stranger in the back office: %d", a.status)
	}
	jonas := s.colleague(422, "Jonas", account.StaffSupport)
	for _, q := range []string{o.InvoiceNumber, "de 136695976"} {
		a := jonas.get("/staff/vat?" + url.Values{"q": {q}}.Encode())
		if proof := a.mark("vat-proof"); !strings.Contains(proof.Text(), "WAPIAAAAY1aBcDeF") || !strings.Contains(proof.Text(), number) {
			t.Errorf("%s: %q", q, proof.Text())
		}
	}
	if a := jonas.get("/staff/vat?q=nothing"); a.status != http.StatusUnprocessableEntity || a.mark("error").AttrOr("data-field", "") != "q" {
		t.Errorf("%d", a.status)
	}
	if a := jonas.get("/staff"); a.doc().Find(`[data-testid="waiting"][data-kind="vat"]`).AttrOr("data-count", "") != "0" {
		t.Error("the first page does not count")
	}
}

// What the register contradicts is corrected from the page of VAT numbers: one
// colleague asks with a button, another one decides.
func TestCorrectAVATCase(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	max, number := s.vatCase(430)
	rasa, tomas := s.colleague(431, "Rasa", account.StaffFinance), s.colleague(432, "Tomas", account.StaffAdmin)
	page := rasa.get("/staff/vat")
	if c := page.mark("vat-case"); c.Length() != 1 || c.AttrOr("data-kind", "") != "charged" || !strings.Contains(c.Text(), number) {
		t.Fatalf("%s", c.Text())
	}
	if a := max.post("/staff/vat/correct", url.Values{"invoice": {number}}); a.status != http.StatusNotFound {
		t.Errorf("a customer: %d", a.status)
	}
	request := rasa.submit("/staff/vat/correct", page.filled(`form[action="/staff/vat/correct"]`))
	if request.mark("why-not").AttrOr("data-reason", "") != "own" {
		t.Errorf("who asked: %s", clip(request.body, 2000))
	}
	link := tomas.get("/staff/vat").doc().Find(`[data-testid="vat-case"] a[href^="/staff/corrections/"]`).AttrOr("href", "")
	if link == "" || tomas.get("/staff/vat").doc().Find(`form[action="/staff/vat/correct"]`).Length() != 0 {
		t.Fatal("the case does not lead to its request")
	}
	tomas.submit(link+"/approve", url.Values{})
	if tomas.get("/staff/vat").doc().Find(`[data-testid="vat-case"]`).Length() != 0 {
		t.Error("the case stays")
	}
	if a := rasa.post("/staff/vat/correct", url.Values{"invoice": {number}}); a.status != http.StatusConflict {
		t.Errorf("once more: %d", a.status)
	}
}
