package views_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/a-h/templ"
	"github.com/siptg/portal/static"
	"github.com/siptg/portal/views"
)

func render(t *testing.T, c templ.Component) string {
	t.Helper()
	var b bytes.Buffer
	if err := c.Render(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func parse(t *testing.T, html string) *goquery.Document {
	t.Helper()
	d, err := goquery.NewDocumentFromReader(strings.NewReader(html))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The marks of the contract, by page.
var marks = map[string][]string{
	"calculator":               {"monthly", "net", "discount", "vat", "total"},
	"calculator-order":         {"monthly", "net", "discount", "vat", "total", "place-order"},
	"calculator-bad":           {"error"},
	"calculator-changed":       {"price-changed"},
	"calculator-blocked":       {"order-blocked"},
	"billing-new":              {"error"},
	"order":                    {"order-number", "rf", "iban", "amount", "due-date", "status"},
	"order-card":               {"order-number", "rf", "iban", "amount", "due-date", "status", "chosen-method", "pay-card", "consent", "pay-balance"},
	"order-card-down":          {"not-taken", "pay-card", "iban"},
	"order-refused":            {"pay-problem"},
	"order-payment-failed":     {"payment-state", "pay-card", "iban"},
	"order-kept":               {"payment-state"},
	"payment-awaiting_payer":   {"amount", "payment-state", "go-on"},
	"payment-succeeded":        {"amount", "payment-state"},
	"balance-card-down":        {"balance", "not-taken"},
	"cards":                    {"method", "card-use", "card-too-late", "card-expired", "card-expires"},
	"order-paid":               {"order-number", "rf", "iban", "amount", "due-date", "status"},
	"order-expired":            {"order-number", "rf", "iban", "amount", "due-date", "status"},
	"order-canceled":           {"order-number", "rf", "iban", "amount", "due-date", "status"},
	"subscriptions":            {"subscription", "open-order"},
	"subscriptions-grace":      {"subscription", "grace"},
	"subscription-grace":       {"plan", "paid-until", "auto-renew", "next-charge", "history", "grace"},
	"subscription":             {"plan", "paid-until", "auto-renew", "next-charge", "history", "actions", "change"},
	"change-preview":           {"old-until", "new-until", "old-monthly", "new-monthly", "days", "credit", "renewal-canceled", "change-form"},
	"subscription-off":         {"plan", "paid-until", "auto-renew", "next-charge", "history"},
	"subscription-not-payer":   {"plan", "paid-until", "auto-renew", "next-charge", "history"},
	"subscription-ended":       {"plan", "paid-until", "auto-renew", "history"},
	"invoices":                 {"invoice"},
	"withdrawal":               {"withdrawn-order", "withdrawal-total", "withdraw"},
	"withdrawn":                {"withdrawal-receipt", "withdrawn-at", "withdrawn-order", "withdrawal-total"},
	"balance":                  {"balance", "movement"},
	"balance-top-up":           {"balance", "rf", "iban", "amount"},
	"balance-bad":              {"error"},
	"notices":                  {"notice", "delivery"},
	"statement":                {"opening", "closing", "movement"},
	"statement-bad":            {"error"},
	"login":                    {"telegram-widget", "error"},
	"failure-500":              {"request-id"},
	"staff":                    {"back-office", "waiting"},
	"staff-payments":           {"back-office", "payment"},
	"staff-payments-bad":       {"error"},
	"staff-payment":            {"state", "amount", "event", "alert", "bookings", "refunds", "disputes"},
	"staff-refunds":            {"request"},
	"staff-vat":                {"vat-proof", "vat-case"},
	"staff-vat-bad":            {"error"},
	"billing-vat-valid":        {"vat-status", "vat-checked"},
	"billing-vat-invalid":      {"vat-status", "vat-checked"},
	"billing-vat-waiting":      {"vat-status", "vat-asked", "vat-next"},
	"billing-vat-format":       {"vat-status"},
	"order-vat":                {"vat-status"},
	"invoice-proof":            {"vat-proof"},
	"staff-refund":             {"state", "refund-total", "refund-days", "refund-line", "to-method", "to-balance", "needs-two", "reason"},
	"staff-refund-once":        {"approved-by", "why-not"},
	"staff-refund-refused":     {"refusal"},
	"staff-refund-bad":         {"error"},
	"requests":                 {"request"},
	"refund":                   {"refund-total", "refund-line"},
	"refund-bad":               {"error"},
	"people":                   {"member", "invitation", "mail", "last-view"},
	"people-bad":               {"error"},
	"view-log":                 {"view"},
	"recipients":               {"recipient", "sent", "mail"},
	"recipients-bad":           {"error"},
	"seat-bad":                 {"error"},
	"seat-sent-demo":           {"demo-link"},
	"seat-link":                {"sign-in", "joins"},
	"seat-link-over":           {"link-problem"},
	"answer-confirm":           {"answer"},
	"answer-stopped":           {"answered"},
	"staff-corrections":        {"request"},
	"staff-correction":         {"state", "detail", "new-credit-note", "new-invoice", "back", "needs-two"},
	"staff-correction-once":    {"approved-by", "why-not"},
	"staff-correction-refused": {"refusal"},
	"correction":               {"correction-form"},
	"correction-bad":           {"error", "correction-blocked"},
	"correction-fixed":         {"correction-blocked"},
	"correction-preview":       {"detail", "new-credit-note", "new-invoice", "same-tax", "correction-confirm"},
	"correction-preview-tax":   {"back", "correction-confirm"},
	"correction-preview-extra": {"extra", "short", "correction-moved"},
	"order-part":               {"order-number", "rf", "iban", "amount", "missing", "bank-state", "third-party"},
	"staff-suspense":           {"suspense"},
	"staff-suspense-entry":     {"amount", "state", "third-party"},
	"staff-suspense-second":    {"why-not", "decision", "needs-two"},
	"staff-statement":          {"preview", "entries", "state"},
	"verify-genuine":           {"verdict"},
}

func TestEveryPage(t *testing.T) {
	t.Parallel()
	untranslated := regexp.MustCompile(`(^|[\s(])[a-z_]+(\.[a-z0-9_]+)+($|[\s)])`)
	for name, component := range samples() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			html := render(t, component)
			doc := parse(t, html)
			for _, mark := range marks[name] {
				if doc.Find(`[data-testid="`+mark+`"]`).Length() == 0 {
					t.Errorf("no data-testid %q", mark)
				}
			}
			if n := doc.Find("h1").Length(); n != 1 {
				t.Errorf("%d h1", n)
			}
			if doc.Find("title").Text() == "" || doc.Find("html").AttrOr("lang", "") != "en" {
				t.Error("no title or language")
			}
			doc.Find("*").Each(func(_ int, s *goquery.Selection) {
				for _, a := range s.Get(0).Attr {
					if a.Key == "style" || a.Key == "else" || strings.HasPrefix(a.Key, "on") {
						t.Errorf("attribute %s=%q", a.Key, a.Val)
					}
					if (a.Key == "href" || a.Key == "action") && strings.Contains(a.Val, "javascript:") {
						t.Errorf("%s=%q", a.Key, a.Val)
					}
				}
			})
			doc.Find("script").Each(func(_ int, s *goquery.Selection) {
				src := s.AttrOr("src", "")
				if s.Text() != "" || (!strings.HasPrefix(src, "/static/") && name != "login") {
					t.Errorf("script %q with %q", src, s.Text())
				}
			})
			if doc.Find("style").Length() > 0 {
				t.Error("an inline style sheet")
			}
			checkForms(t, doc)
			checkReferences(t, doc)
			text := doc.Find("body").Text()
			doc.Find("body *").Contents().Each(func(_ int, s *goquery.Selection) {
				if goquery.NodeName(s) != "#text" || name == "hostile" {
					return
				}
				if key := strings.TrimSpace(untranslated.FindString(s.Text())); key != "" && key != "telegram.org" {
					t.Errorf("a key instead of a text: %q", key)
				}
			})
			if strings.Contains(text, "<no value>") || strings.Contains(text, "{{") {
				t.Error("a message without its value")
			}
			signedIn := doc.Find(".who-name").Length() > 0
			if out := doc.Find(`form[method=post][action="/logout"] button`).Length(); signedIn != (out == 1) {
				t.Errorf("signed in %v, %d sign-out buttons", signedIn, out)
			}
		})
	}
}

// checkForms: every field has a label, every error names its field, and the
// field points at it.
func checkForms(t *testing.T, doc *goquery.Document) {
	t.Helper()
	doc.Find("input:not([type=hidden]), select, textarea").Each(func(_ int, s *goquery.Selection) {
		id := s.AttrOr("id", "")
		if id == "" || (doc.Find(`label[for="`+id+`"]`).Length() == 0 && s.ParentsFiltered("label").Length() == 0) {
			t.Errorf("field %q has no label", s.AttrOr("name", ""))
		}
	})
	doc.Find(`[data-testid="error"]`).Each(func(_ int, s *goquery.Selection) {
		field := s.AttrOr("data-field", "")
		if field == "" || strings.TrimSpace(s.Text()) == "" {
			t.Errorf("error without a field or a text: %q", s.Text())
		}
		if id := s.AttrOr("id", ""); id != "" && doc.Find(`[aria-describedby~="`+id+`"]`).Length() == 0 {
			t.Errorf("no field is described by %q", id)
		}
	})
	doc.Find("form[method=post] button").Each(func(_ int, s *goquery.Selection) {
		if s.AttrOr("type", "") != "submit" {
			t.Errorf("button %q without type", s.Text())
		}
	})
}

// checkReferences: ids are unique and every reference leads somewhere.
func checkReferences(t *testing.T, doc *goquery.Document) {
	t.Helper()
	ids := map[string]int{}
	doc.Find("[id]").Each(func(_ int, s *goquery.Selection) { ids[s.AttrOr("id", "")]++ })
	for id, n := range ids {
		if n > 1 {
			t.Errorf("id %q stands %d times", id, n)
		}
	}
	for _, attribute := range []string{"aria-describedby", "aria-labelledby", "for"} {
		doc.Find("[" + attribute + "]").Each(func(_ int, s *goquery.Selection) {
			for _, id := range strings.Fields(s.AttrOr(attribute, "")) {
				if ids[id] == 0 {
					t.Errorf("%s=%q leads nowhere", attribute, id)
				}
			}
		})
	}
	doc.Find(`a[href^="#"]`).Each(func(_ int, s *goquery.Selection) {
		if id := strings.TrimPrefix(s.AttrOr("href", ""), "#"); ids[id] == 0 {
			t.Errorf("link to #%s leads nowhere", id)
		}
	})
}

func TestMarksCarryTheirData(t *testing.T) {
	t.Parallel()
	calc := parse(t, render(t, views.Calculator(calculator(false))))
	for id, want := range map[string]string{"monthly": "21000", "discount": "25200", "net": "226800", "vat": "47628", "total": "274428"} {
		s := calc.Find(`[data-testid="` + id + `"]`)
		if s.AttrOr("data-minor", "") != want || s.AttrOr("data-currency", "") != "EUR" {
			t.Errorf("%s: data-minor=%q data-currency=%q", id, s.AttrOr("data-minor", ""), s.AttrOr("data-currency", ""))
		}
	}
	pay := parse(t, render(t, views.Order(orderPage("awaiting_payment"))))
	if got := pay.Find(`[data-testid="due-date"]`).AttrOr("datetime", ""); got != "2026-12-07" {
		t.Errorf("due-date %q", got)
	}
	if got := pay.Find(`[data-testid="rf"]`).Text(); got != "RF86 2026 0001 23" {
		t.Errorf("rf %q", got)
	}
	if got := pay.Find(`[data-testid="order-number"]`).Text(); got != "O-2026-000123" {
		t.Errorf("order-number %q", got)
	}
	if got := pay.Find(`[data-testid="status"]`).AttrOr("data-state", ""); got != "awaiting_payment" {
		t.Errorf("status %q", got)
	}
	for _, auto := range []bool{true, false} {
		sub := parse(t, render(t, views.Subscription(subscriptionPage(auto, true))))
		want, action := "off", "on"
		if auto {
			want, action = "on", "off"
		}
		if got := sub.Find(`[data-testid="auto-renew"]`).AttrOr("data-state", ""); got != want {
			t.Errorf("auto-renew %q, want %q", got, want)
		}
		if sub.Find(`form[method=post][action$="/auto-renew/`+action+`"]`).Length() != 1 {
			t.Errorf("no form to turn it %s", action)
		}
		if got := sub.Find(`[data-testid="paid-until"]`).AttrOr("datetime", ""); got != "2027-05-22T07:30:00Z" {
			t.Errorf("paid-until %q", got)
		}
	}
	row := parse(t, render(t, views.Invoices(invoices()))).Find(`[data-testid="invoice"]`).Eq(1)
	if row.AttrOr("data-number", "") != "SIPC-2026-000007" || row.AttrOr("data-type", "") != "credit_note" || row.AttrOr("data-minor", "") != "1815" {
		t.Errorf("invoice row %v", row.Get(0).Attr)
	}
	if parse(t, render(t, samples()["subscriptions"])).Find(`[data-testid="subscription"][data-id]`).Length() != len(subscriptionRows) {
		t.Error("subscription rows without data-id")
	}
}

// Who does not pay sees neither the money nor the switch.
func TestCustomerWhoDoesNotPay(t *testing.T) {
	t.Parallel()
	doc := parse(t, render(t, views.Subscription(subscriptionPage(true, false))))
	if doc.Find(`form[action*="auto-renew"]`).Length() != 0 || doc.Find("[data-minor]").Length() != 0 {
		t.Error("the money or the switch is shown")
	}
	if text := doc.Text(); strings.Contains(text, "€") || strings.Contains(text, longName) || strings.Contains(text, "O-20") {
		t.Error("an amount, the payer or an order is shown")
	}
}

// The picture is drawn twice, and each names itself.
func TestTimeline(t *testing.T) {
	t.Parallel()
	doc := parse(t, render(t, views.Subscription(subscriptionPage(true, true))))
	pictures := doc.Find(`.paid-time svg[role="img"][aria-labelledby]`)
	if pictures.Length() != 2 {
		t.Fatalf("%d drawings", pictures.Length())
	}
	for _, svg := range pictures.EachIter() {
		if got := svg.Find("rect.bar").Length(); got != 6 {
			t.Errorf("%d bars", got)
		}
		for _, id := range strings.Fields(svg.AttrOr("aria-labelledby", "")) {
			if svg.Find("#"+id).Text() == "" {
				t.Errorf("no text of %s", id)
			}
		}
	}
	if got := pictures.First().Find("rect.bar").Eq(1).AttrOr("x", ""); got != "45.0%" {
		t.Errorf("the second bar begins at %q", got)
	}
	moved := doc.Find(`[data-testid="history"] li`).Eq(0).Find(".moved")
	if text := strings.Join(strings.Fields(moved.Text()), " "); !strings.Contains(text, "25 May 2027 → to 22 May 2027") || !strings.Contains(text, "−3 days") {
		t.Errorf("a change that took days: %q", text)
	}
}

// Who has paid a part is asked for the rest in large figures, not for the price.
func TestRestOfThePrice(t *testing.T) {
	t.Parallel()
	doc := parse(t, render(t, samples()["order-part"]))
	missing := doc.Find(`[data-testid="missing"]`).AttrOr("data-minor", "none")
	if got := doc.Find(".pay-amount [data-minor]"); got.Length() != 1 || got.AttrOr("data-minor", "") != missing {
		t.Errorf("the large amount is %q, missing is %s", got.Text(), missing)
	}
	if doc.Find(`[data-testid="amount"]`).AttrOr("data-minor", "") == missing {
		t.Error("the price is not there")
	}
}

// An empty list of what waits gives no advice about searching.
func TestNothingWaits(t *testing.T) {
	t.Parallel()
	text := parse(t, render(t, samples()["staff-payments-none"])).Find(".empty").Text()
	if !strings.Contains(text, "Nothing waits") || strings.Contains(text, "Try with less") {
		t.Errorf("%q", text)
	}
}

func TestBillingFields(t *testing.T) {
	t.Parallel()
	want := []string{"city", "company_code", "country", "currency", "email", "kind", "language", "lithuanian", "name", "payer", "po_reference", "postcode", "street", "vat_number"}
	for _, p := range []views.BillingPage{billing(), personBilling()} {
		var got []string
		parse(t, render(t, views.Billing(p))).Find(`form[action="/billing"]`).Find("input, select").Each(func(_ int, s *goquery.Selection) {
			if name := s.AttrOr("name", ""); !slices.Contains(got, name) && name != "return_to" {
				got = append(got, name)
			}
		})
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("fields %v, want %v", got, want)
		}
	}
	doc := parse(t, render(t, views.Billing(newBilling())))
	if doc.Find(`input[name="vat_number_confirm"]`).Length() != 1 {
		t.Error("no checkbox to keep the VAT number")
	}
	for _, e := range newBilling().Errors {
		if doc.Find(`[data-testid="error"][data-field="`+e.Field+`"]`).Length() != 1 {
			t.Errorf("no error of %s", e.Field)
		}
	}
	if doc.Find("#f-name").AttrOr("aria-invalid", "") != "true" {
		t.Error("the wrong field is not marked")
	}
}

func TestOrderFormFields(t *testing.T) {
	t.Parallel()
	form := parse(t, render(t, views.Calculator(calculator(true)))).Find(`form[action="/orders"]`)
	for name, want := range map[string]string{"plan": "softphone", "accounts": "12", "recording": "on", "api": "on", "period": "12", "payer": "p1", "quote": "quote-token", "method": "bank"} {
		if got := form.Find(`input[name="`+name+`"]`).AttrOr("value", ""); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if form.Find(`input[name="customer"]`).Length() != 2 {
		t.Error("no choice of the customer")
	}
	g := gatewayCalculator()
	g.SignedIn, g.Order = true, &views.OrderForm{Quote: "q", Methods: []string{"bank"}}
	form = parse(t, render(t, views.Calculator(g))).Find(`form[action="/orders"]`)
	if form.Find(`input[name="lines"]`).AttrOr("value", "") != "5" || form.Find(`input[name="accounts"], input[name="recording"]`).Length() != 0 {
		t.Error("gateway form has the wrong options")
	}
}

// Errors of fields that a form does not show are told all the same.
func TestErrorsWithoutAField(t *testing.T) {
	t.Parallel()
	doc := parse(t, render(t, views.Calculator(badCalculator())))
	if doc.Find(`[data-testid="error"][data-field="period"]`).Length() != 1 {
		t.Error("the error of the period is not shown")
	}
	if got := doc.Find("#f-accounts").AttrOr("value", ""); got != "100000000000" {
		t.Errorf("the typed value is %q", got)
	}
}

// Two people who may not see two things get the same page.
func TestNotFoundTellsNothing(t *testing.T) {
	t.Parallel()
	one := views.Failure(views.ErrorPage{Page: page(true, ""), Status: 404, RequestID: "a"})
	two := views.Failure(views.ErrorPage{Page: page(true, ""), Status: 404, RequestID: "b"})
	if render(t, one) != render(t, two) {
		t.Error("404 pages differ")
	}
}

// With PORTAL_GALLERY=dir the pages are written to look at, with their files.
func TestGallery(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("PORTAL_GALLERY")
	if dir == "" {
		dir = t.TempDir()
	}
	write := func(name string, data []byte) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"app.css", "app.js", "favicon.svg", "touch-icon.png"} {
		data, _, _ := static.Bytes(name)
		write(static.Path(name), data)
	}
	for name, component := range samples() {
		write(name+".html", []byte(render(t, component)))
	}
}
