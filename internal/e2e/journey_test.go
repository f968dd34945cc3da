package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/money"
)

// A person who has never bought anything does so in a browser: a large window
// and a phone's, with scripts and without.
func TestJourneyInBrowser(t *testing.T) {
	t.Parallel()
	for _, width := range []int{1280, 360} {
		for _, script := range []bool{true, false} {
			t.Run(fmt.Sprintf("width=%d,script=%t", width, script), func(t *testing.T) {
				t.Parallel()
				p := demoPlace(t)
				journey(t, p, newBrowser(t, p.serve().url, width, script))
			})
		}
	}
}

func journey(t *testing.T, p *place, b *browser) {
	// Before the sign-in: plans, the calculator, and the way back to it.
	b.open("/")
	b.check()
	b.click(`main a[href="/plans"]`)
	b.check()
	b.click(`#softphone a.button`)
	b.check()
	b.click(`main a[href^="/login"]`)
	b.check()
	if b.script {
		b.has(`script[src="` + widgetScript + `"]`)
	} else if text := b.text("noscript"); !strings.Contains(text, "JavaScript") {
		t.Errorf("without scripts the sign-in page says %q", text)
	}
	b.click(`form:has([name="person"][value="nora"]) button`)
	if got := pathOf(b.path()); got != "/plans/softphone" {
		t.Fatalf("the sign-in led to %s", got)
	}

	// Nothing can be ordered without billing details.
	b.has(mark("order-blocked"))
	b.check()
	b.click(`.price-box a[href^="/billing"]`)
	b.check()
	b.fill(`[name="name"]`, "Nora Nieminen")
	b.fill(`[name="email"]`, "not an address")
	b.lands(http.StatusUnprocessableEntity, chromedp.Click(chromedp.CSS(`form.billing button[type="submit"]`)))
	for _, field := range []string{"street", "city", "email"} {
		b.has(mark("error") + `[data-field="` + field + `"]`)
	}
	if got := b.value(`[name="email"]`); got != "not an address" {
		t.Errorf("what was typed is now %q", got)
	}
	b.rejected(http.StatusUnprocessableEntity)
	b.check()
	b.do(chromedp.Click(chromedp.CSS(`[name="kind"][value="person"]`)))
	b.fill(`[name="street"]`, "Gedimino pr. 9-1")
	b.fill(`[name="postcode"]`, "01103")
	b.fill(`[name="city"]`, "Vilnius")
	b.fill(`[name="email"]`, "nora@nieminen.example")
	b.do(chromedp.SetValue(chromedp.CSS(`[name="country"]`), "LT"))
	b.click(`form.billing button[type="submit"]`)
	if got := pathOf(b.path()); got != "/plans/softphone" {
		t.Fatalf("the billing page led to %s", got)
	}

	// The calculator, by its form and its links.
	b.fill(`[name="accounts"]`, "12")
	b.do(chromedp.Click(chromedp.CSS(`[name="recording"]`)))
	b.click(`form[action="/plans/softphone"] button[type="submit"]`)
	b.click(mark("period") + `[data-months="12"]`)
	b.check()
	for id, want := range map[string]string{"monthly": "21000", "discount": "25200", "net": "226800", "vat": "47628", "total": "274428"} {
		if got := b.attr(mark(id), "data-minor"); got != want {
			t.Errorf("%s is %s, want %s", id, got, want)
		}
	}
	total := b.text(mark("total"))

	// The order, and its bank invoice.
	b.click(mark("place-order"))
	b.check()
	o := order{
		number: b.text(mark("order-number")), rf: b.text(mark("rf")), iban: b.text(mark("iban")),
		amount: money.Of(amountOf(t, b.attr(mark("amount"), "data-minor")), money.Currency(b.attr(mark("amount"), "data-currency"))),
	}
	b.at("/orders/" + o.number)
	if got := b.text(mark("amount")); o.amount != money.Of(274428, "EUR") || got != total {
		t.Errorf("the order is of %v, shown as %s, not as %s", o.amount, got, total)
	}
	session := b.client()
	bankInvoice := session.get("/orders/" + o.number + "/bank-invoice.pdf")
	b.has(`a[href^="` + bankInvoice.path + `"]`)
	if !bytes.HasPrefix(bankInvoice.body, []byte("%PDF-")) || len(lines(pdfText(t, bankInvoice.body), o.number)) == 0 {
		t.Errorf("the bank invoice is %d bytes of %s", len(bankInvoice.body), bankInvoice.header.Get("Content-Type"))
	}

	// The operator imports the bank's file beside the running server.
	if r := p.run("bank", "import", statement(t, "NORA NIEMINEN", o)); r.code != 0 || !strings.Contains(r.stdout, "matched order "+o.number) {
		t.Fatalf("bank import ended with %d:\n%s%s", r.code, r.stdout, r.stderr)
	}
	b.open("/orders/" + o.number)
	b.check()
	if got := b.attr(mark("status"), "data-state"); got != "paid" {
		t.Fatalf("the order is %s", got)
	}

	// The subscription, and what switching auto-renewal off means.
	b.click(`main a[href^="/subscriptions/"]`)
	b.check()
	end := today().AddMonths(12, today().Day)
	until, err := time.Parse(time.RFC3339, b.attr(mark("paid-until"), "datetime"))
	if err != nil || until.In(vilnius).Format(time.DateOnly) != end.String() {
		t.Errorf("paid until %v (%v), want %s", until, err, end)
	}
	day := i18n.New("en").Date(end.Year, end.Month, end.Day)
	before := b.text("main")
	for _, said := range []string{"Everything works until " + day + ".", "Nothing more is charged", "is not returned by the switch"} {
		if !strings.Contains(before, said) {
			t.Errorf("before switching off the page does not say %q: %s", said, before)
		}
	}
	b.click(`form[action$="/auto-renew/off"] button`)
	b.check()
	after := b.text("main")
	for _, said := range []string{"Auto-renewal is off. Nothing will be charged.", "works until " + day + ".", "Turn auto-renewal on"} {
		if !strings.Contains(after, said) {
			t.Errorf("after switching off the page does not say %q: %s", said, after)
		}
	}
	if state, kind := b.attr(mark("auto-renew"), "data-state"), b.attr(mark("next-charge"), "data-kind"); state != "off" || kind != "end" {
		t.Errorf("auto-renewal is %s, next is %s", state, kind)
	}

	// The VAT invoice says what the quote said.
	b.click(`.nav a[href="/invoices"]`)
	b.check()
	number := b.attr(mark("invoice"), "data-number")
	b.click(mark("invoice") + ` th a`)
	b.at("/invoices/" + number)
	b.check()
	file := session.get(strings.SplitN(b.attr(`main .head a.button`, "href"), "?", 2)[0])
	checkInvoice(t, file.body, number, strings.TrimPrefix(total, "€"))

	for _, path := range []string{"/", "/subscriptions", "/account", "/notices", "/billing?payer=new", "/plans/gateway", "/help", "/seller", "/privacy", "/accessibility"} {
		b.open(path)
		b.check()
	}
	b.lands(http.StatusNotFound, chromedp.Navigate(b.base+"/orders/O-2026-999999"))
	b.rejected(http.StatusNotFound)
	b.check()
	b.click(`form[action="/logout"] button`)
	b.check()
	b.open("/orders/" + o.number)
	if got := pathOf(b.path()); got != "/login" {
		t.Errorf("after signing out the order's page is %s", got)
	}
	b.check()
	p.audit()
}

// The checks of every page find what they are for.
func TestBrowserFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src *")
		_, _ = io.WriteString(w, `<!doctype html><html lang="en"><title>Bad</title>
			<main><h1>Bad</h1><p style="color: #ccc; background: #fff">pale</p><input><div style="width: 3000px">wide</div></main>
			<img alt="" src="http://elsewhere.example/x.png"><script>var blocked;</script>`)
	}))
	t.Cleanup(bad.Close)
	b := newBrowser(t, bad.URL, 1280, true)
	b.open("/")
	evaluate[chromedp.Void](b, `console.error("planted"); setTimeout(() => { throw new Error("planted") })`)
	evaluate[chromedp.Void](b, `new Promise(done => setTimeout(done, 50))`, chromedp.EvalAwaitPromise)
	b.mu.Lock()
	seen := strings.Join(b.problems, "\n")
	b.problems = nil
	b.mu.Unlock()
	for _, want := range []string{"console error", "exception", "issue ContentSecurityPolicyIssue", "log security", "request to another host: http://elsewhere.example/x.png"} {
		if !strings.Contains(seen, want) {
			t.Errorf("the browser did not notice %q:\n%s", want, seen)
		}
	}
	violations := strings.Join(b.axe(), "\n")
	for _, want := range []string{"color-contrast: ", "label: "} {
		if !strings.Contains(violations, want) {
			t.Errorf("axe-core did not notice %q:\n%s", want, violations)
		}
	}
	if b.over() < 1000 || !strings.Contains(evaluate[string](b, widest), "3000px") {
		t.Errorf("the page is %d px too wide, by %s", b.over(), evaluate[string](b, widest))
	}
}
