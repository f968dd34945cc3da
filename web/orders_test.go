package web

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/views"
	"pgregory.net/rapid"
)

// filled is a form of the page as a browser would send it.
func (a *answer) filled(selector string) url.Values {
	a.t.Helper()
	form := a.doc().Find(selector)
	if form.Length() != 1 {
		a.t.Fatalf("%d forms %s on the page (%d)", form.Length(), selector, a.status)
	}
	values := url.Values{}
	form.Find("input, select").Each(func(_ int, field *goquery.Selection) {
		name, _ := field.Attr("name")
		switch kind := field.AttrOr("type", ""); {
		case goquery.NodeName(field) == "select":
			chosen := field.Find("option[selected]")
			if chosen.Length() == 0 {
				chosen = field.Find("option").First()
			}
			values.Set(name, chosen.AttrOr("value", ""))
		case kind == "checkbox", kind == "radio":
			if _, on := field.Attr("checked"); on {
				values.Set(name, field.AttrOr("value", "on"))
			}
		default:
			values.Set(name, field.AttrOr("value", ""))
		}
	})
	return values
}

const orderFormSelector = `form[action="/orders"]`

func TestOrder(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, _ := s.customer(201, "Ona")
	calculator := b.get("/plans/softphone?accounts=5&recording=on&period=12")
	form := calculator.filled(orderFormSelector)
	placed := b.post("/orders", form)
	if placed.status != http.StatusSeeOther || !regexp.MustCompile(`^/orders/O-2026-\d{6}$`).MatchString(placed.location()) {
		t.Fatalf("%d to %q", placed.status, placed.location())
	}
	a := b.get(placed.location())
	number := strings.TrimPrefix(placed.location(), "/orders/")
	if got := a.mark("order-number").Text(); got != number {
		t.Errorf("number %q, want %q", got, number)
	}
	if amount := a.mark("amount"); amount.AttrOr("data-minor", "") != calculator.mark("total").AttrOr("data-minor", "") || amount.AttrOr("data-currency", "") != "EUR" {
		t.Errorf("amount %q", amount.AttrOr("data-minor", ""))
	}
	o, err := s.app.Order(s.ctx(), b.actor(), number)
	s.must(err)
	for id, want := range map[string]string{
		"rf": bank.Reference(o.Reference).Print(), "iban": "LT12 1000 0111 0100 1000",
	} {
		if got := a.mark(id).Text(); !strings.Contains(got, want) {
			t.Errorf("%s is %q, want %q", id, got, want)
		}
	}
	if got := a.mark("due-date").AttrOr("datetime", ""); got != "2026-12-07" {
		t.Errorf("due on %q", got)
	}
	if got := a.mark("status").AttrOr("data-state", ""); got != "awaiting_payment" {
		t.Errorf("status %q", got)
	}
	if a.doc().Find("svg path[d^=M]").Length() == 0 {
		t.Error("no QR code")
	}
	// The same form again is the same order.
	if again := b.post("/orders", form); again.location() != placed.location() {
		t.Errorf("sent twice: %d to %q", again.status, again.location())
	}
	if list := b.get("/subscriptions"); list.mark("open-order").AttrOr("data-number", "") != number {
		t.Error("the order is not in the list")
	}

	s.pay(o)
	paid := b.get(placed.location())
	if got := paid.mark("status").AttrOr("data-state", ""); got != "paid" {
		t.Errorf("status %q once paid", got)
	}
	for _, href := range []string{"/invoices/SIP-2026-", "/subscriptions/"} {
		if paid.doc().Find(`main a[href^="`+href+`"]`).Length() == 0 {
			t.Errorf("no link to %s", href)
		}
	}
	if paid.doc().Find("form[action$='/cancel']").Length() != 0 {
		t.Error("a paid order can be canceled")
	}
	if a := b.post(placed.location()+"/cancel", url.Values{}); a.status != http.StatusConflict {
		t.Errorf("canceling a paid order: %d", a.status)
	}
}

func TestOrderForAnother(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, payer := s.customer(202, "Max")
	lena := s.person(203, "Lena")
	s.link(payer, lena.actor().AccountID)
	calculator := b.get("/plans/gateway?lines=6&extra_accounts=1&api=on&period=36")
	if n := calculator.doc().Find(orderFormSelector + " input[name=customer]").Length(); n != 2 {
		t.Fatalf("%d people to order for", n)
	}
	form := calculator.filled(orderFormSelector)
	form.Set("customer", "203")
	a := b.submit("/orders", form)
	if a.status != http.StatusOK || !strings.Contains(a.mark("order-number").Closest("main").Text(), "Lena") {
		t.Fatalf("%d", a.status)
	}
	number := a.mark("order-number").Text()
	o, err := s.app.Order(s.ctx(), b.actor(), number)
	s.must(err)
	if want := (pricing.Options{Lines: 6, ExtraAccounts: 1, API: true}); o.Selection.Options != want || o.CustomerID != lena.actor().AccountID {
		t.Errorf("ordered %+v for %s", o.Selection, o.CustomerID)
	}
	s.pay(o)
	if list := b.get("/subscriptions"); !strings.Contains(list.mark("subscription").Text(), "Lena") {
		t.Error("the subscription does not name whom it is for")
	}
}

// A refused order shows the calculator with the price of now and a quote that
// can be ordered at.
func TestRefusedOrder(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, payer := s.customer(204, "Ona")
	stranger, _ := s.customer(205, "Eve")
	fresh := func() url.Values { return b.get("/plans/softphone?accounts=5&period=12").filled(orderFormSelector) }
	with := func(name, value string) url.Values {
		f := fresh()
		f.Set(name, value)
		return f
	}
	theirs := stranger.get("/plans/softphone?accounts=5&period=12").filled(orderFormSelector)
	for name, tt := range map[string]struct {
		form   url.Values
		status int
		field  string
	}{
		"options that are not in the quote": {with("accounts", "6"), 409, "order"},
		"impossible options":                {with("accounts", "0"), 422, "accounts"},
		"a number too large":                {with("accounts", "9999999999999999999"), 422, "accounts"},
		"a switch that is none":             {with("recording", "maybe"), 422, "recording"},
		"another method":                    {with("method", "cash"), 422, "method"},
		"no quote":                          {with("quote", ""), 422, "order"},
		"a forged quote":                    {with("quote", "AAAA"), 422, "order"},
		"another's quote":                   {with("quote", theirs.Get("quote")), 409, "order"},
	} {
		a := b.post("/orders", tt.form)
		if a.status != tt.status || a.mark("error").AttrOr("data-field", tt.field) != tt.field {
			t.Errorf("%s: %d, mistake in %q; want %d in %q", name, a.status, a.mark("error").AttrOr("data-field", ""), tt.status, tt.field)
			continue
		}
		if strings.Contains(a.body, "error.") {
			t.Errorf("%s: a key on the page", name)
		}
		if tt.field == "order" || tt.field == "method" { // there is a price: it can be ordered at
			if again := b.post("/orders", a.filled(orderFormSelector)); again.status != http.StatusSeeOther {
				t.Errorf("%s: ordering at the new price: %d", name, again.status)
			}
		}
	}
	for name, tt := range map[string]struct {
		form   url.Values
		status int
	}{
		"another's payer":    {with("payer", theirs.Get("payer")), 404},
		"no such payer":      {with("payer", missingID), 404},
		"another's customer": {with("customer", "205"), 404},
		"no such customer":   {with("customer", "7"), 404},
		"a retired plan":     {with("plan", "starter"), 422},
		"no plan":            {with("plan", ""), 422},
	} {
		if a := b.post("/orders", tt.form); a.status != tt.status {
			t.Errorf("%s: %d, want %d", name, a.status, tt.status)
		}
	}

	expired := fresh()
	s.clock.Set(s.clock.Now().Add(25 * time.Hour))
	b.signIn(204, "Ona") // sessions are shorter than quotes
	if a := b.post("/orders", expired); a.status != http.StatusConflict || a.doc().Find(`[data-testid="price-changed"]`).Length() != 0 {
		t.Errorf("an old quote at the same price: %d, and no talk of a change", a.status)
	}

	// A move to Germany between the page and the order: 19 % instead of 21 %.
	before := fresh()
	in := lithuanian("Ona")
	in.Country, in.City, in.Postcode = "DE", "Berlin", "10119"
	_, err := s.app.SavePayer(s.ctx(), b.actor(), payer, in)
	s.must(err)
	a := b.post("/orders", before)
	if text := a.mark("price-changed").Text(); a.status != http.StatusConflict || !strings.Contains(text, "€196.02") || !strings.Contains(text, "€192.78") {
		t.Errorf("%d %q", a.status, text)
	}
	if got := a.mark("total").AttrOr("data-minor", ""); got != "19278" {
		t.Errorf("the new total is %s", got)
	}
	if again := b.post("/orders", a.filled(orderFormSelector)); again.status != http.StatusSeeOther {
		t.Errorf("ordering at the new price: %d", again.status)
	}
}

// An order without billing details leads to them and back.
func TestOrderNeedsBilling(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.person(206, "Nora")
	payers, err := s.app.Payers(s.ctx(), b.actor())
	s.must(err)
	forged := url.Values{"plan": {"softphone"}, "accounts": {"1"}, "period": {"6"}, "payer": {string(payers[0].ID)}, "method": {"bank"}, "quote": {"x"}}
	a := b.post("/orders", forged)
	if a.status != http.StatusUnprocessableEntity {
		t.Errorf("%d", a.status)
	}
	a.mark("order-blocked")

	calculator := b.get("/plans/softphone?accounts=2&period=6")
	billing := b.get(calculator.mark("order-blocked").Parent().Find("a").AttrOr("href", ""))
	form := billing.filled(billingFormSelector)
	for name, value := range map[string]string{"street": "Aleksanterinkatu 1", "city": "Helsinki", "country": "FI", "email": "nora@example.fi"} {
		form.Set(name, value)
	}
	saved := b.post("/billing", form)
	if saved.status != http.StatusSeeOther || saved.location() != "/plans/softphone?accounts=2&period=6" {
		t.Fatalf("%d to %q: %s", saved.status, saved.location(), saved.doc().Find(`[data-testid=error]`).Text())
	}
	if a := b.submit("/orders", b.get(saved.location()).filled(orderFormSelector)); a.status != http.StatusOK || a.mark("amount").AttrOr("data-minor", "") != "4518" {
		t.Errorf("%d, amount %s", a.status, a.mark("amount").AttrOr("data-minor", "")) // 36.00 with 25.5 %
	}
}

func TestClosedOrders(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, payer := s.customer(207, "Ona")
	o := s.order(b, payer, nil, softphone(3, true, 12))
	a := b.get(orderURL(o.Number))
	cancel := a.doc().Find("form[action$='/cancel']").AttrOr("action", "")
	if a = b.submit(cancel, url.Values{}); a.status != http.StatusOK || a.mark("status").AttrOr("data-state", "") != "canceled" {
		t.Fatalf("%d", a.status)
	}
	again := a.doc().Find(`main a[href^="/plans/"]`).AttrOr("href", "")
	if got := b.get(again).filled(orderFormSelector); got.Get("accounts") != "3" || got.Get("recording") != "on" || got.Get("period") != "12" {
		t.Errorf("ordering again begins with %v", got)
	}
	if a := b.post(cancel, url.Values{}); a.status != http.StatusConflict {
		t.Errorf("canceling twice: %d", a.status)
	}
	if a := b.post("/orders/O-2026-999999/cancel", url.Values{}); a.status != http.StatusNotFound {
		t.Errorf("canceling nothing: %d", a.status)
	}

	late := s.order(b, payer, nil, softphone(1, false, 6))
	s.clock.Set(s.clock.Now().AddDate(0, 0, 15))
	b.signIn(207, "Ona")
	if got := b.get(orderURL(late.Number)).mark("status").AttrOr("data-state", ""); got != "expired" {
		t.Errorf("status %q after its last day", got)
	}
}

// What people type about themselves is text wherever it is shown.
func TestHostileDetails(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const hostile = `"><script>alert(1)</script>&{{.}}`
	b, payer := s.customer(209, hostile)
	in := lithuanian(hostile)
	in.Kind, in.CompanyCode, in.Street, in.City, in.Postcode, in.POReference = "company", hostile, hostile, hostile, "<b>", hostile
	_, err := s.app.SavePayer(s.ctx(), b.actor(), payer, in)
	s.must(err)
	o := s.order(b, payer, nil, softphone(1, false, 6))
	pages := []string{orderURL(o.Number), "/", "/billing", "/subscriptions", "/plans/softphone"}
	for _, path := range pages {
		checkText(t, b, path, hostile)
	}
	s.pay(o)
	list := b.get("/subscriptions").mark("subscription")
	pages = append(pages, "/invoices", "/invoices/SIP-2026-000001", subscriptionURL(list.AttrOr("data-id", "")))
	for _, path := range pages {
		checkText(t, b, path, hostile)
	}
}

func checkText(t *testing.T, b *browser, path, text string) {
	t.Helper()
	a := b.get(path)
	if a.status != http.StatusOK || strings.Contains(a.body, "<script>") || strings.Contains(a.body, "<b>") {
		t.Errorf("%s: %d, or markup on the page", path, a.status)
	}
	if a.doc().Find("script:not([src])").Length() != 0 || !strings.Contains(a.doc().Text(), text) {
		t.Errorf("%s does not show the text as it is", path)
	}
}

func TestBankInvoiceFile(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, payer := s.customer(208, "Ona")
	o := s.order(b, payer, nil, softphone(1, false, 6))
	checkPDF(t, b, orderURL(o.Number)+"/bank-invoice.pdf", "bank-invoice-"+o.Number+".pdf")
}

// checkPDF fetches a document file in the ways that browsers do.
func checkPDF(t *testing.T, b *browser, path, name string) {
	t.Helper()
	checkFile(t, b, path, name, "application/pdf", "%PDF-")
}

// checkFile checks a download: its type, its name and what begins it.
func checkFile(t *testing.T, b *browser, path, name, contentType, begin string) {
	t.Helper()
	a := b.get(path)
	if a.status != http.StatusOK || !strings.HasPrefix(a.body, begin) {
		t.Fatalf("%s: %d", path, a.status)
	}
	for header, want := range map[string]string{
		"Content-Type": contentType, "Content-Disposition": "inline; filename=" + name, "Cache-Control": "private, no-cache",
		"Content-Security-Policy": filePolicy, "X-Content-Type-Options": "nosniff", "Content-Encoding": "",
	} {
		if got := a.header.Get(header); got != want {
			t.Errorf("%s: %s is %q, want %q", path, header, got, want)
		}
	}
	if got := b.get(path + "?download=1").header.Get("Content-Disposition"); got != "attachment; filename="+name {
		t.Errorf("%s to save: %q", path, got)
	}
	etag := a.header.Get("ETag")
	if !regexp.MustCompile(`^"[0-9a-f]{64}"$`).MatchString(etag) {
		t.Fatalf("ETag %s", etag)
	}
	r := b.request(http.MethodGet, path, nil)
	r.Header.Set("If-None-Match", etag)
	if again := b.send(r); again.status != http.StatusNotModified || again.body != "" {
		t.Errorf("%s again: %d, %d bytes", path, again.status, len(again.body))
	}
	if head := b.send(b.request(http.MethodHead, path, nil)); head.status != http.StatusOK || head.header.Get("Content-Length") == "" {
		t.Errorf("HEAD %s: %d", path, head.status)
	}
}

// The path of a QR code covers the dark squares, each once, and no other.
func TestSquares(t *testing.T) {
	t.Parallel()
	run := regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1H(\d+)z`)
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 12).Draw(t, "size")
		want := make([]bool, size*size)
		for i := range want {
			want[i] = rapid.Bool().Draw(t, "dark")
		}
		path := squares(size, func(x, y int) bool { return want[y*size+x] })
		got := make([]bool, size*size)
		for _, r := range run.FindAllStringSubmatch(path, -1) {
			if r[4] != r[1] {
				t.Fatalf("%s does not close where it began", r[0])
			}
			for x := atoi(r[1]); x < atoi(r[1])+atoi(r[3]); x++ {
				at := atoi(r[2])*size + x
				if got[at] {
					t.Fatalf("square %d twice in %s", at, path)
				}
				got[at] = true
			}
		}
		if rest := run.ReplaceAllString(path, ""); rest != "" || !slices.Equal(got, want) {
			t.Fatalf("%s draws %v, want %v; not understood: %q", path, got, want, rest)
		}
	})
}

func atoi(s string) int { return wholeNumber(url.Values{"n": {s}}, "n", impossible) }

func TestPriceChangedIsSaidOnlyOfAChange(t *testing.T) {
	t.Parallel()
	page := views.CalculatorPage{Page: views.Page{T: i18n.New("en")}, Price: &views.Price{}}
	q := app.Quote{Total: 100, Price: pricing.Price{Currency: "EUR"}}
	refusal(&page, q, priceChanged(money.Of(100, "EUR")))
	if page.PriceChanged != nil || len(page.Errors) != 1 {
		t.Errorf("the same price: %+v", page)
	}
	page.Errors = nil
	refusal(&page, q, priceChanged(money.Of(90, "EUR")))
	if page.PriceChanged == nil || page.PriceChanged.Old.Minor != 90 || len(page.Errors) != 0 {
		t.Errorf("another price: %+v", page)
	}
}
