package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
)

const billingFormSelector = `form[action="/billing"]`

// priceChanged is what the use case says about a price that no longer holds.
func priceChanged(old money.Money) error {
	return &fault.Error{Kind: fault.Conflict, Key: "error.price_changed", Args: fault.Args{"Old": old}}
}

func germanCompany() url.Values {
	return url.Values{
		"kind": {"company"}, "name": {"Brenner & Söhne GmbH"}, "company_code": {"HRB 1"}, "vat_number": {"DE136695976"}, "street": {"Torstraße 140"},
		"city": {"Berlin"}, "postcode": {"10119"}, "country": {"DE"}, "email": {"buchhaltung@brenner.example"}, "po_reference": {"PO-1"},
		"language": {"de"}, "lithuanian": {"on"}, "currency": {"EUR"},
	}
}

func TestBilling(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.person(301, "Max")
	fresh := b.get("/billing").filled(billingFormSelector)
	if fresh.Get("payer") == "" || fresh.Get("name") != "Max" || fresh.Get("kind") != "person" || fresh.Get("currency") != "EUR" || fresh.Get("language") != "en" {
		t.Errorf("the form starts with %v", fresh)
	}
	form := germanCompany()
	form.Set("payer", fresh.Get("payer"))
	saved := b.post("/billing", form)
	if saved.status != http.StatusSeeOther || saved.location() != "/billing?payer="+fresh.Get("payer") {
		t.Fatalf("%d to %q", saved.status, saved.location())
	}
	a := b.get(saved.location())
	if a.doc().Find(`[data-testid="notice-ok"]`).Length() != 1 {
		t.Error("no notice that it was saved")
	}
	got := a.filled(billingFormSelector)
	for name := range form {
		if got.Get(name) != form.Get(name) {
			t.Errorf("%s is %q, want %q", name, got.Get(name), form.Get(name))
		}
	}
	if n := a.doc().Find("#f-language option").Length(); n != 8 || a.doc().Find("#f-language option[value=lt]").Text() != "lietuvių" {
		t.Errorf("%d languages of documents", n)
	}
	// Without the hidden field it is the first payer that is meant.
	form.Del("payer")
	if a := b.post("/billing", form); a.status != http.StatusSeeOther || a.location() != saved.location() {
		t.Errorf("%d to %q", a.status, a.location())
	}
}

func TestBillingMistakes(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.person(302, "Max")
	typed := url.Values{
		"payer": {"new"}, "kind": {"nobody"}, "name": {" "}, "street": {strings.Repeat("x", 201)}, "city": {""}, "country": {"XX"}, "email": {"not an address"},
		"vat_number": {"<script>"}, "language": {"tlh"}, "currency": {"USD"}, "postcode": {`"'><b>`},
	}
	a := b.post("/billing", typed)
	if a.status != http.StatusUnprocessableEntity {
		t.Fatalf("%d", a.status)
	}
	for _, field := range []string{"kind", "name", "street", "city", "country", "email", "language", "currency"} {
		if a.doc().Find(`[data-testid="error"][data-field="`+field+`"]`).Length() == 0 {
			t.Errorf("no message about %s", field)
		}
	}
	if strings.Contains(a.body, "<script>") || strings.Contains(a.mark("error").Text(), "error.") {
		t.Error("markup or a key on the page")
	}
	got := a.filled(billingFormSelector)
	for _, name := range []string{"payer", "name", "street", "email", "vat_number", "postcode"} {
		if got.Get(name) != typed.Get(name) {
			t.Errorf("%s became %q", name, got.Get(name))
		}
	}
	if payers, err := s.app.Payers(s.ctx(), b.actor()); err != nil || len(payers) != 1 {
		t.Errorf("%d payers, %v", len(payers), err)
	}
}

// A VAT number whose check digits do not fit is asked about once.
func TestBillingAsksAboutVATNumber(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.person(303, "Max")
	form := germanCompany()
	form.Set("vat_number", "DE136695977")
	a := b.post("/billing", form)
	if a.status != http.StatusUnprocessableEntity || a.mark("error").AttrOr("data-field", "") != "vat_number" {
		t.Fatalf("%d, mistake in %q", a.status, a.mark("error").AttrOr("data-field", ""))
	}
	again := a.filled(billingFormSelector)
	if a.doc().Find("input[name=vat_number_confirm]").Length() != 1 || again.Has("vat_number_confirm") {
		t.Fatal("no checkbox to keep the number, or it is ticked")
	}
	again.Set("vat_number_confirm", "on")
	if a := b.post("/billing", again); a.status != http.StatusSeeOther {
		t.Errorf("keeping it: %d", a.status)
	}
}

func TestBillingOfSeveralPayers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, first := s.customer(304, "Max")
	s.clock.Set(s.clock.Now().Add(time.Minute)) // payers are listed by age
	adding := b.get("/billing?payer=new")
	if form := adding.filled(billingFormSelector); form.Get("payer") != "new" || form.Get("kind") != "company" || form.Get("name") != "" {
		t.Errorf("a new payer starts with %v", form)
	}
	form := germanCompany()
	form.Set("payer", "new")
	added := b.post("/billing", form)
	id := strings.TrimPrefix(added.location(), "/billing?payer=")
	if added.status != http.StatusSeeOther || id == string(first) || id == "" {
		t.Fatalf("%d to %q", added.status, added.location())
	}
	a := b.get(added.location())
	if current := a.doc().Find(`a[href^="/billing?payer="][aria-current]`); current.Length() != 1 || current.Text() != "Brenner & Söhne GmbH" {
		t.Errorf("%q is current", current.Text())
	}
	if got := b.get("/billing").filled(billingFormSelector).Get("payer"); got != string(first) {
		t.Errorf("without a choice it is %q", got)
	}

	stranger := s.person(305, "Eve")
	for _, asked := range []string{id, missingID, "x"} {
		if a := stranger.get("/billing?payer=" + asked); a.status != http.StatusNotFound {
			t.Errorf("a stranger reads %s: %d", asked, a.status)
		}
		form.Set("payer", asked)
		if a := stranger.post("/billing", form); a.status != http.StatusNotFound {
			t.Errorf("a stranger writes %s: %d", asked, a.status)
		}
	}

	s.member(account.PayerID(id), stranger.actor().AccountID, account.RoleAccountant)
	if a := stranger.get("/billing?payer=" + id); a.status != http.StatusOK || a.doc().Find(billingFormSelector+" button").Length() != 0 {
		t.Errorf("an accountant: %d", a.status)
	}
	form.Set("payer", id)
	if a := stranger.post("/billing", form); a.status != http.StatusForbidden {
		t.Errorf("an accountant writes: %d", a.status)
	}
}

func TestBillingCurrencyIsFixed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, payer := s.customer(306, "Ona")
	s.order(b, payer, nil, softphone(1, false, 6))
	a := b.get("/billing")
	if field := a.doc().Find("input[name=currency][readonly]"); field.AttrOr("value", "") != "EUR" {
		t.Errorf("the currency field holds %q", field.AttrOr("value", ""))
	}
	form := a.filled(billingFormSelector)
	form.Set("email", "broken")
	form.Set("currency", "USD")
	if got := b.post("/billing", form).filled(billingFormSelector).Get("currency"); got != "EUR" {
		t.Errorf("after a mistake it holds %q", got)
	}
}

// Only paths of our own pages are returned to.
func TestBillingReturn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.person(307, "Max")
	own := "/billing?payer=" + b.get("/billing").filled(billingFormSelector).Get("payer")
	for target, want := range map[string]string{
		"/plans/gateway?lines=2":   "/plans/gateway?lines=2",
		"/subscriptions":           "/subscriptions",
		"":                         own,
		"/":                        own,
		"//evil.example/":          own,
		"https://evil.example/":    own,
		`/\evil.example`:           own,
		"/nowhere":                 own,
		"javascript:alert(1)":      own,
		"/login/telegram?hash=abc": own,
	} {
		form := germanCompany()
		form.Set(returnField, target)
		if a := b.post("/billing", form); a.status != http.StatusSeeOther || a.location() != want {
			t.Errorf("%q leads to %q, want %q (%d)", target, a.location(), want, a.status)
		}
		shown := b.get("/billing?" + url.Values{returnField: {target}}.Encode()).filled(billingFormSelector)
		if keep := want != own; shown.Has(returnField) != keep || (keep && shown.Get(returnField) != want) {
			t.Errorf("%q: the form returns to %q", target, shown.Get(returnField))
		}
	}
}
