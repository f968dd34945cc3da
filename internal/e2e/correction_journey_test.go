package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// A customer corrects the name on an invoice in one step; then her company is to
// stand on it, which takes the VAT away: a person of the back office approves. In
// a browser: a large window and a phone's, with scripts and without.
func TestCorrectionJourneyInBrowser(t *testing.T) {
	t.Parallel()
	for _, width := range []int{1280, 360} {
		for _, script := range []bool{true, false} {
			t.Run(fmt.Sprintf("width=%d,script=%t", width, script), func(t *testing.T) {
				t.Parallel()
				p := demoPlace(t)
				correctionJourney(t, p, newBrowser(t, p.serve().url, width, script))
			})
		}
	}
}

func correctionJourney(t *testing.T, p *place, b *browser) {
	b.become("ona")
	b.open("/invoices")
	b.click(mark("invoice") + `[data-type="invoice"] a`)
	old := strings.TrimPrefix(b.path(), "/invoices/")
	b.click(`main a[href^="/requests/new/correction"]`)
	b.check()
	b.fill(`[name="name"]`, "Ona Kazlauskaitė-Petrauskienė")
	b.fill(`[name="po_reference"]`, "PO 77")
	b.click(mark("correction-form") + ` button`)
	b.check()
	if got := b.attr(mark("detail")+`[data-name="name"]`, "data-changed"); got != "yes" || !strings.Contains(b.text(mark("detail")+`[data-name="name"]`), "Changed") {
		t.Errorf("the change of the name: %s", b.text("main"))
	}
	if one, other := b.attr(mark("new-credit-note"), "data-minor"), b.attr(mark("new-invoice"), "data-minor"); one != other {
		t.Errorf("credited %s, invoiced %s", one, other)
	}
	b.click(mark("correction-confirm") + ` [value="confirm"]`)
	b.check()
	first := strings.TrimPrefix(b.path(), "/invoices/")
	if !strings.Contains(b.text(mark("document")), "Ona Kazlauskaitė-Petrauskienė") || first == old {
		t.Fatalf("the new invoice: %s", b.text("main"))
	}
	b.open("/invoices/" + old)
	b.check()
	b.click(mark("replaced-by") + ` a`)
	b.at("/invoices/" + first)
	b.open("/invoices")
	b.check()
	b.has(mark("replaces"))
	b.has(mark("corrects"))

	// Her company.
	b.open("/invoices/" + first)
	b.click(`main a[href^="/requests/new/correction"]`)
	b.do(chromedp.Click(chromedp.CSS(`[name="kind"][value="company"]`)))
	for name, text := range map[string]string{"name": "Kazlauskaitė Consulting GmbH", "vat_number": "DE136695976", "street": "Torstraße 140", "city": "Berlin", "postcode": "10119"} {
		b.fill(`[name="`+name+`"]`, text)
	}
	b.do(chromedp.SendKeys(chromedp.CSS(`[name="country"]`), "Germany"))
	b.click(mark("correction-form") + ` button`)
	b.check()
	back := b.attr(mark("back"), "data-minor")
	b.click(mark("correction-confirm") + ` [value="confirm"]`)
	b.at("/requests")
	b.check()

	b.become("rasa")
	b.open("/staff")
	b.click(mark("waiting") + `[data-kind="corrections"] a`)
	b.check()
	b.click(mark("request") + ` a`)
	b.check()
	b.click(`form[action$="/approve"] button`)
	b.check()
	if got := b.attr(mark("state"), "data-state"); got != "done" {
		t.Fatalf("the request is %s: %s", got, b.text("main"))
	}

	b.become("ona")
	b.open("/balance")
	if got := b.attr(mark("balance"), "data-minor"); got != back {
		t.Errorf("the balance is %s, not %s", got, back)
	}
	b.open("/statement")
	b.check()
	b.open("/notices")
	b.check()
	if text := b.text("main"); !strings.Contains(text, "An invoice was corrected") {
		t.Errorf("the notices: %s", text)
	}
	p.audit()
}
