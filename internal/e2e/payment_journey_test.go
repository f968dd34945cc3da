package e2e

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// A person pays by card in a browser: a large window and a phone's, with scripts
// and without. The provider's pages are on another origin, and the portal's
// policy lets its forms lead there; the browser reports nothing.
func TestPaymentJourneyInBrowser(t *testing.T) {
	t.Parallel()
	for _, width := range []int{1280, 360} {
		for _, script := range []bool{true, false} {
			t.Run(fmt.Sprintf("width=%d,script=%t", width, script), func(t *testing.T) {
				t.Parallel()
				p := demoPlace(t)
				paymentJourney(t, p, newBrowser(t, p.serve().url, width, script))
			})
		}
	}
}

var formAction = regexp.MustCompile(`form-action 'self' (http://127\.0\.0\.1:\d+);`)

func paymentJourney(t *testing.T, p *place, b *browser) {
	b.become("ona")

	// The order, by card.
	b.open("/plans/gateway?lines=1&period=6")
	b.do(chromedp.Click(chromedp.CSS(`.order-form [name="method"][value="card"]`)))
	b.check()
	b.click(mark("place-order"))
	b.check()
	path := b.path()
	policy := formAction.FindStringSubmatch(b.client().get(path).header.Get("Content-Security-Policy"))
	if policy == nil {
		t.Fatal("the order's page may not lead to the provider")
	}
	b.provider = policy[1]
	if text := b.text(mark("consent")); !strings.Contains(text, "charges this card for each renewal of Gateway") || !strings.Contains(text, "How to stop") {
		t.Errorf("the consent says %q", text)
	}
	pay := func() { // the button, and the page that it leads to
		t.Helper()
		b.do(chromedp.Click(chromedp.CSS(`[name="keep"]`)))
		b.click(`button` + mark("pay-card"))
		if at := b.path(); !strings.HasPrefix(at, b.provider+"/v1/checkouts/") {
			t.Fatalf("the button leads to %s", at)
		}
		b.calm("on the way to the provider")
		if over := b.over(); over > 0 {
			t.Errorf("the provider's page is %d px too wide", over)
		}
	}
	state := func(want string) {
		t.Helper()
		b.at(path + "/payment")
		b.check()
		if got := b.attr(mark("payment-state"), "data-state"); got != want {
			t.Fatalf("the payment is %s, want %s: %s", got, want, b.text("main"))
		}
	}

	// Back and again is the same page; walking away is no failure.
	pay()
	checkout := b.path()
	b.back(path)
	b.has(`button` + mark("pay-card"))
	b.calm("after going back")
	b.open(path)
	if got := b.attr(mark("payment-state"), "data-state"); got != "awaiting_payer" {
		t.Errorf("after going back the payment is %s", got)
	}
	b.check()
	pay()
	if again := b.path(); again != checkout {
		t.Errorf("back and again led to %s, not to %s", again, checkout)
	}
	b.click(mark("sandbox-leave"))
	state("awaiting_payer")
	b.click(mark("go-on"))
	b.at(checkout)

	// Declined: words, and another card.
	b.click(mark("sandbox-decline"))
	b.click(mark("sandbox-return"))
	state("failed")
	if text := b.text("main"); !strings.Contains(text, "The card was not charged") || !strings.Contains(text, "Pay with another card") {
		t.Errorf("declined: %s", text)
	}
	b.click(`a[href="` + path + `#pay-card"]`)
	b.check()
	pay()
	if b.path() == checkout {
		t.Error("the declined page is used again")
	}
	b.click(mark("sandbox-pay"))
	b.click(mark("sandbox-return"))
	state("succeeded")

	// The invoice, as soon as it is issued.
	invoice := `main a[href^="/invoices/"]`
	b.await(path+"/payment", invoice)
	b.check()
	b.click(invoice)
	b.check()
	if text := b.text("main"); !strings.Contains(text, strings.TrimPrefix(path, "/orders/")) || !strings.Contains(text, "€217.80") {
		t.Errorf("the invoice: %s", text)
	}
	b.open(path)
	b.check()
	if got := b.attr(mark("status"), "data-state"); got != "paid" || b.there("main form") {
		t.Errorf("the order is %s, or can be paid", got)
	}

	// The card is kept, for this subscription.
	b.open("/billing")
	b.click(`a[href^="/billing/methods"]`)
	b.check()
	if text := b.text(mark("method")); !strings.Contains(text, "Sandbox card") || !strings.Contains(text, "Gateway Renews.") || !strings.Contains(text, "1 subscription is no longer renewed") {
		t.Errorf("the card: %s", text)
	}

	// A top-up by card, first with a mistake, pays the next period.
	b.open("/balance")
	b.check()
	b.fill(`[name="amount"]`, "1,000,00")
	b.lands(http.StatusUnprocessableEntity, chromedp.Click(chromedp.CSS(`button[name="method"][value="card"]`)))
	b.rejected(http.StatusUnprocessableEntity)
	b.has(mark("error") + `[data-field="amount"]`)
	b.check()
	b.fill(`[name="amount"]`, "250,50")
	b.click(`button[name="method"][value="card"]`)
	b.calm("on the way to the provider")
	b.click(mark("sandbox-pay"))
	b.click(mark("sandbox-return"))
	if got := b.attr(mark("payment-state"), "data-state"); got != "succeeded" || pathOf(b.path()) != "/balance/payment" {
		t.Fatalf("the top-up is %s on %s", got, b.path())
	}
	b.check()
	b.click(`main a[href^="/balance?payer="]`)
	if got := b.attr(mark("balance"), "data-minor"); got != "25050" {
		t.Errorf("the balance is %s", got)
	}
	b.check()
	b.open("/plans/gateway?lines=1&period=6")
	if text := b.text(".order-form"); !strings.Contains(text, "You can spend €250.50. Starts at once.") {
		t.Errorf("the order form: %s", text)
	}
	b.do(chromedp.Click(chromedp.CSS(`.order-form [name="method"][value="balance"]`)))
	b.click(mark("place-order"))
	b.check()
	if got := b.attr(mark("status"), "data-state"); got != "paid" {
		t.Errorf("paid from the balance, the order is %s", got)
	}

	// The card is removed.
	b.open("/billing/methods")
	b.click(`form[action$="/revoke"] button`)
	b.check()
	if text := b.text("main"); !strings.Contains(text, "No card is saved") {
		t.Errorf("removed: %s", text)
	}
	p.audit()
}
