package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/provider/sandbox"
)

// A customer pays by card and asks for the unused part; two people of the back
// office approve it; the credit note stands among the invoices, and the money is
// on the card. In a browser: a large window and a phone's, with scripts and
// without.
func TestRefundJourneyInBrowser(t *testing.T) {
	t.Parallel()
	for _, width := range []int{1280, 360} {
		for _, script := range []bool{true, false} {
			t.Run(fmt.Sprintf("width=%d,script=%t", width, script), func(t *testing.T) {
				t.Parallel()
				p := demoPlace(t)
				refundJourney(t, p, newBrowser(t, p.serve().url, width, script))
			})
		}
	}
}

// leadsTo finds the provider's origin in the policy of an order's page.
var leadsTo = regexp.MustCompile(`form-action 'self' (http://127\.0\.0\.1:\d+);`)

func refundJourney(t *testing.T, p *place, b *browser) {
	// Ona buys by card: 12 months at 27.00 and 21 % VAT are 392.04.
	b.become("ona")
	b.open("/plans/gateway?lines=1&period=12")
	b.do(chromedp.Click(chromedp.CSS(`.order-form [name="method"][value="card"]`)))
	b.click(mark("place-order"))
	order := b.path()
	policy := leadsTo.FindStringSubmatch(b.client().get(order).header.Get("Content-Security-Policy"))
	if policy == nil {
		t.Fatal("the order's page may not lead to the provider")
	}
	b.provider = policy[1]
	b.do(chromedp.Click(chromedp.CSS(`[name="keep"]`)))
	b.click(`button` + mark("pay-card"))
	b.click(mark("sandbox-pay"))
	b.click(mark("sandbox-return"))
	if got := b.attr(mark("payment-state"), "data-state"); got != "succeeded" {
		t.Fatalf("the payment is %s", got)
	}

	// The words beside the switch lead to the offer: all days but the first one.
	b.open(order)
	b.click(`main a[href^="/subscriptions/"]`)
	subscription := b.path()
	b.click(`a` + mark("ask-refund"))
	b.check()
	total, shown := b.attr(mark("refund-total"), "data-minor"), b.text(mark("refund-total"))
	days := today().AddMonths(12, today().Day).Sub(today()) - 1
	if got := amountOf(t, total); got < 390_00 || got >= 392_04 || b.attr(mark("refund-days"), "data-days") != strconv.Itoa(days) || b.attr(mark("to-method"), "data-minor") != total {
		t.Fatalf("offered: %s", b.text("main"))
	}
	if text := b.text("main"); !strings.Contains(text, "Two people of ours look at it") {
		t.Errorf("what happens next: %s", text)
	}
	b.lands(http.StatusUnprocessableEntity, chromedp.Click(chromedp.CSS(`form[action="/requests/new/refund"] button`)))
	b.rejected(http.StatusUnprocessableEntity)
	b.has(mark("error") + `[data-field="reason"]`)
	b.check()
	b.do(chromedp.SendKeys(chromedp.CSS(`[name="reason"]`), "We moved our office."))
	b.click(`form[action="/requests/new/refund"] button`)
	b.at("/requests")
	b.check()
	id := b.attr(mark("request"), "data-id")

	// Rasa approves as the first, and cannot be the second.
	b.become("rasa")
	b.open("/staff")
	b.check()
	if got := b.attr(mark("waiting")+`[data-kind="refunds"]`, "data-count"); got != "2" { // and Olena's
		t.Errorf("%s requests wait", got)
	}
	b.click(mark("waiting") + `[data-kind="refunds"] a`)
	b.check()
	request := "/staff/refunds/" + id
	b.click(`main a[href="` + request + `"]`)
	b.check()
	b.has(mark("needs-two"))
	b.click(`form[action="` + request + `/approve"] button`)
	b.check()
	if got := b.attr(mark("why-not"), "data-reason"); got != "second" || b.there("main form") {
		t.Errorf("after the first approval: %s", b.text("main"))
	}

	// Jonas is the second, and finds the payment by what stands on a statement.
	b.become("jonas")
	b.open(request)
	b.click(`form[action="` + request + `/approve"] button`)
	b.check()
	if got := b.attr(mark("state"), "data-state"); got != "done" {
		t.Fatalf("after the second approval the request is %s", got)
	}
	b.open("/staff/payments")
	b.check()
	b.fill(`[name="q"]`, "392.04 "+today().String())
	b.click(`form[action="/staff/payments"] button`)
	b.check()
	b.click(mark("payment") + ` a`)
	b.check()
	b.has(mark("event") + `[data-state="succeeded"]`)
	payment := b.path()
	b.await(payment, mark("refunds")+`[data-kind="succeeded"][data-minor="`+total+`"]`)
	b.check()

	// The sandbox's own book has it.
	if refunded := refundedAt(t, b.provider); refunded != amountOf(t, total) {
		t.Errorf("the card got %s", refunded.Decimal())
	}

	// Ona sees the credit note, and that the subscription has ended.
	b.become("ona")
	b.open("/invoices?type=credit_note")
	b.check()
	if got := strings.TrimPrefix(b.attr(mark("invoice"), "data-minor"), "-"); got != total {
		t.Errorf("the credit note is of %s", got)
	}
	b.open("/requests")
	b.check()
	if got := b.attr(mark("request"), "data-state"); got != "done" || !strings.Contains(b.text(mark("request")), shown+" goes back to the card") {
		t.Errorf("the request: %s", b.text(mark("request")))
	}
	b.open(subscription)
	b.check()
	if text := b.text("main"); !strings.Contains(text, "This subscription has ended.") {
		t.Errorf("the subscription: %s", text)
	}
	if a := b.client().send("/staff", nil); a.status != http.StatusNotFound {
		t.Errorf("a customer in the back office: %d", a.status)
	}
	p.audit()
}

// refundedAt is how much the sandbox's book has given back.
func refundedAt(t testing.TB, provider string) (total money.Amount) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, provider+"/v1/book", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+sandbox.DemoKey)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var book struct {
		Entries []sandbox.Entry `json:"entries"`
	}
	if err := json.NewDecoder(response.Body).Decode(&book); err != nil {
		t.Fatal(err)
	}
	for _, e := range book.Entries {
		total += e.Refunded()
	}
	return total
}
