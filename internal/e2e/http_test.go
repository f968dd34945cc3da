package e2e

import (
	"bytes"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/storetest"
	"github.com/siptg/portal/internal/telegram"
)

const testBotToken = "7000000001:AAFakeTokenForVectorsOnly_0123456789ab"

// productionPlace is a place as an operator makes it: nothing of the demo.
func productionPlace(t *testing.T) *place {
	t.Helper()
	example, err := os.ReadFile(filepath.Join(root, "docs", "seller.example.toml"))
	if err != nil {
		t.Fatal(err)
	}
	seller := filepath.Join(t.TempDir(), "seller.toml")
	if err := os.WriteFile(seller, example, 0o600); err != nil {
		t.Fatal(err)
	}
	return newPlace(t,
		"DATABASE_URL="+storetest.Database(t), "PORTAL_SELLER_FILE="+seller,
		"PORTAL_TELEGRAM_BOT_TOKEN="+testBotToken, "PORTAL_TELEGRAM_BOT_NAME=example_bot",
	)
}

// telegramSignIn goes through the sign-in page as Telegram's widget does.
func (c *client) telegramSignIn(id int64, name string) (to string) {
	c.t.Helper()
	login := c.get("/login")
	address, ok := login.find("script[data-auth-url]").Attr("data-auth-url")
	if !ok || !strings.HasPrefix(address, c.base+"/login/telegram?st=") {
		c.t.Fatalf("the widget returns to %q", address)
	}
	signed := telegram.Sign(telegram.Profile{ID: id, FirstName: name, AuthDate: time.Now()}, testBotToken)
	back := c.send(strings.TrimPrefix(address, c.base)+"&"+signed.Encode(), nil)
	if back.status != http.StatusSeeOther {
		c.t.Fatalf("the widget's return: %d\n%s", back.status, back.body)
	}
	return back.header.Get("Location")
}

// lithuanian are the billing details of a private person in Lithuania, who pays
// VAT of 21 %.
func lithuanian(name string) url.Values {
	return url.Values{
		"kind": {"person"}, "name": {name}, "street": {"Gedimino pr. 9-1"}, "city": {"Vilnius"}, "postcode": {"01103"}, "country": {"LT"},
		"email": {"payer@example.lt"}, "language": {"en"}, "currency": {"EUR"},
	}
}

// The job that the portal is for, by HTTP alone, in production mode: from
// "Sign in with Telegram" to the VAT invoice of a paid order.
func TestFromSignInToInvoice(t *testing.T) {
	t.Parallel()
	p := productionPlace(t)
	s := p.serve()
	c := newClient(t, s.url)

	const configured = "/plans/softphone?accounts=12&period=12&recording=on"
	anonymous := c.get(configured + "&country=LT")
	if a := c.send("/orders/O-2026-000001", nil); a.status != http.StatusSeeOther && a.status != http.StatusNotFound {
		t.Fatalf("an order page for nobody: %d", a.status)
	}
	if to := c.telegramSignIn(710_000_001, "Rasa"); !strings.HasPrefix(to, "/") || strings.Contains(to, "hash") {
		t.Fatalf("the sign-in led to %s", to)
	}

	blocked := c.get(configured)
	if blocked.text("order-blocked") == "" {
		t.Error("an order without billing details is offered")
	}
	details := c.get("/billing").form("/billing")
	for name, values := range lithuanian("Rasa Rasaitė") {
		details[name] = values
	}
	c.post("/billing", details)

	// 12 accounts at 5.00 and the surcharge of 150.00, a year, less 10 %, and 21 %.
	calculator := c.get(configured)
	for id, want := range map[string]string{"monthly": "21000", "discount": "25200", "net": "226800", "vat": "47628", "total": "274428"} {
		if got := calculator.attr(id, "data-minor"); got != want {
			t.Errorf("%s is %s, want %s", id, got, want)
		}
		if got := anonymous.attr(id, "data-minor"); got != want {
			t.Errorf("%s is %s before the sign-in, want %s", id, got, want)
		}
	}
	offer := calculator.form("/orders")
	to := c.post("/orders", offer)
	if again := c.post("/orders", offer); again != to {
		t.Errorf("the same form sent twice made %s and %s", to, again)
	}
	placed := c.get(to)
	o := readOrder(placed)
	if o.amount != money.Of(274428, "EUR") || !strings.HasSuffix(to, o.number) || placed.attr("status", "data-state") != "awaiting_payment" {
		t.Errorf("order %+v, %s", o, placed.text("status"))
	}
	bankInvoice := c.get(to + "/bank-invoice.pdf")
	if got := bankInvoice.header.Get("Content-Type"); got != "application/pdf" || !bytes.HasPrefix(bankInvoice.body, []byte("%PDF-")) {
		t.Errorf("the bank invoice is %s", got)
	}
	for _, text := range []string{o.number, o.rf, o.iban} {
		if len(lines(pdfText(t, bankInvoice.body), text)) == 0 {
			t.Errorf("the bank invoice lacks %q", text)
		}
	}

	file := statement(t, "RASA RASAITE", o)
	for _, want := range []string{"matched order " + o.number + " from", "matched order " + o.number + " (already known)"} {
		if r := p.run("bank", "import", file); r.code != 0 || !strings.Contains(r.stdout, want) {
			t.Fatalf("bank import ended with %d, without %q:\n%s%s", r.code, want, r.stdout, r.stderr)
		}
	}
	paid := c.get(to)
	if got := paid.attr("status", "data-state"); got != "paid" {
		t.Errorf("the order is %s", got)
	}

	list := c.get("/subscriptions")
	page := "/subscriptions/" + list.attr("subscription", "data-id")
	subscription := c.get(page)
	until, err := time.Parse(time.RFC3339, subscription.attr("paid-until", "datetime"))
	if want := today().AddMonths(12, today().Day); err != nil || until.In(vilnius).Format(time.DateOnly) != want.String() {
		t.Errorf("paid until %v (%v), want %s", until, err, want)
	}
	if got := subscription.attr("auto-renew", "data-state"); got != "on" {
		t.Errorf("auto-renewal begins %s", got)
	}
	if got := subscription.attr("next-charge", "data-minor"); got != "274428" {
		t.Errorf("the next charge is %s", got)
	}
	if to := c.post(page+"/auto-renew/off", url.Values{}); to != page {
		t.Errorf("auto-renewal off leads to %s", to)
	}
	off := c.get(page)
	if state, kind := off.attr("auto-renew", "data-state"), off.attr("next-charge", "data-kind"); state != "off" || kind != "end" {
		t.Errorf("auto-renewal is %s, next is %s", state, kind)
	}
	if got := off.attr("paid-until", "datetime"); got != subscription.attr("paid-until", "datetime") {
		t.Errorf("switching off moved the end to %s", got)
	}

	invoices := c.get("/invoices")
	if n := invoices.find(mark("invoice")).Length(); n != 1 {
		t.Fatalf("%d invoices", n)
	}
	number := invoices.attr("invoice", "data-number")
	checkInvoice(t, c.get("/invoices/"+number+".pdf").body, number, "2,744.28")
	c.get("/invoices/" + number)
	for _, suffix := range []string{".xml", ".ubl.xml"} {
		if file := c.get("/invoices/" + number + suffix).body; !bytes.Contains(file, []byte(">2744.28<")) {
			t.Errorf("%s has another total: %s", suffix, file)
		}
	}
	p.audit()

	// What is mine is nobody else's.
	other := newClient(t, s.url)
	other.telegramSignIn(710_000_002, "Kita")
	for _, path := range []string{to, to + "/bank-invoice.pdf", page, "/invoices/" + number, "/invoices/" + number + ".pdf", "/invoices/" + number + ".xml", "/invoices/" + number + ".ubl.xml"} {
		if a, absent := other.send(path, nil), other.send(path+"9", nil); a.status != http.StatusNotFound || a.status != absent.status {
			t.Errorf("somebody else gets %d at %s", a.status, path)
		}
	}
	c.post("/logout", url.Values{})
	if a := c.send(to, nil); a.status == http.StatusOK {
		t.Error("the order is shown after signing out")
	}
}

// checkInvoice reads the total from the invoice's PDF.
func checkInvoice(t testing.TB, file []byte, number, total string) {
	t.Helper()
	text := pdfText(t, file)
	if len(lines(text, number)) == 0 {
		t.Errorf("the PDF does not say %s:\n%s", number, text)
	}
	for _, line := range lines(text, "Total") {
		if strings.HasSuffix(line, total) {
			return
		}
	}
	t.Errorf("the PDF has no total of %s:\n%s", total, text)
}
