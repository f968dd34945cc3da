package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/siptg/portal/internal/bank"
)

// Two transfers come that name nothing. Finance uploads the bank's file, finds
// them in suspense and decides: one person about the small one, two about the
// large one. The customer sees the money. In a browser: a large window with
// scripts and a phone's without.
func TestSuspenseJourneyInBrowser(t *testing.T) {
	t.Parallel()
	for width, script := range map[int]bool{1280: true, 360: false} {
		t.Run(fmt.Sprintf("width=%d,script=%t", width, script), func(t *testing.T) {
			t.Parallel()
			p := demoPlace(t)
			suspenseJourney(t, p, newBrowser(t, p.serve().url, width, script))
		})
	}
}

func suspenseJourney(t *testing.T, p *place, b *browser) {
	// Ona's order: 180.00 and 21 % VAT are 217.80.
	b.become("ona")
	b.open("/plans/gateway?lines=1&period=6")
	b.do(chromedp.Click(chromedp.CSS(`.order-form [name="method"][value="bank"]`)))
	b.click(mark("place-order"))
	page := b.path()
	o := readOrder(b.client().get(page))

	// Whoever paid it wrote neither a number nor her name; nor did who sent 40.00.
	entry := func(ref string) bank.Entry {
		return bank.Entry{
			EntryRef: ref, ServicerRef: ref, Amount: o.amount.Amount, Currency: o.amount.Currency, Credit: true, Booked: today(), Valued: today(),
			Payer: "Statyba ir partneriai UAB", PayerIBAN: "LT601010012345678901", Text: "už telefoną, ačiū",
		}
	}
	large, small := entry("STRAY-1"), entry("STRAY-2")
	small.Amount = 40_00
	file := statementFile(t, bank.Statement{
		ID: "STRAY", IBAN: compact(o.iban), Currency: o.amount.Currency, From: today(), To: today(), Entries: []bank.Entry{large, small},
	})
	waits := func(e bank.Entry) string { return mark("suspense") + fmt.Sprintf(`[data-minor="%d"]`, int64(e.Amount)) }

	// Rasa uploads the file, first forgetting to choose it.
	b.become("rasa")
	b.open("/staff")
	b.click(`main a[href="/staff/statements"]`)
	b.check()
	upload := `form[action="/staff/statements"] button`
	b.lands(http.StatusUnprocessableEntity, chromedp.Click(chromedp.CSS(upload)))
	b.rejected(http.StatusUnprocessableEntity)
	b.has(mark("error") + `[data-field="file"]`)
	b.check()
	b.do(chromedp.SetUploadFiles(chromedp.CSS(`[name="file"]`), []string{file}))
	b.click(upload)
	b.check()
	statement := b.path()
	if n := evaluate[int](b, `document.querySelectorAll('[data-testid="preview"][data-outcome="suspense"][data-known="no"]').length`); n != 2 {
		t.Fatalf("%d of 2 would wait: %s", n, b.text("main"))
	}
	// So much money somebody else has to let in: Jonas.
	b.has(mark("why-not"))
	b.become("jonas")
	b.open(statement)
	b.check()
	b.click(`form[action="` + statement + `/import"] button`)
	b.await(statement, mark("state")+`[data-state="done"]`)
	b.check()
	b.become("rasa")
	b.open(statement)
	if got := b.attr(mark("count-suspense"), "data-count"); got != "2" {
		t.Errorf("%s wait: %s", got, b.text("main"))
	}
	b.click(`main a[href="/staff/suspense"]`)
	b.check()

	// The small one is for Ona's balance. The reason is asked for, and the choice stays.
	choose := func(choice string) string { return `[name="choice"][value="` + choice + `"]` }
	decide := `form[action$="/decide"] button`
	b.click(waits(small) + ` a`)
	if b.there(mark("needs-two")) {
		t.Error("two people are to decide about 40.00")
	}
	b.do(chromedp.Click(chromedp.CSS(choose("balance"))))
	b.fill(`[name="order"]`, o.number)
	b.lands(http.StatusUnprocessableEntity, chromedp.Click(chromedp.CSS(decide)))
	b.rejected(http.StatusUnprocessableEntity)
	b.has(mark("error") + `[data-field="reason"]`)
	b.has(choose("balance") + `:checked`)
	b.check()
	b.fill(`[name="reason"]`, "She wrote that her uncle pays.")
	b.click(decide)
	b.has(mark("state") + `[data-state="done"]`)
	b.check()

	// The large one is of her order's amount: Rasa proposes it, and that is all she can do.
	b.open("/staff/suspense")
	if b.there(waits(small)) {
		t.Error("what was decided still waits")
	}
	b.click(waits(large) + ` a`)
	entryPage := b.path()
	b.has(mark("needs-two"))
	b.do(chromedp.Click(chromedp.CSS(choose("order:" + o.number))))
	b.fill(`[name="reason"]`, "The same amount on the same day.")
	b.click(decide)
	b.has(mark("state") + `[data-state="proposed"]`)
	b.has(mark("why-not") + `[data-reason="second"]`)
	b.check()
	if approve := entryPage + "/approve"; b.there(`form[action="` + approve + `"]`) {
		t.Error("the first person is offered to be the second")
	} else if a := b.client().send(approve, url.Values{}); a.status != http.StatusForbidden {
		t.Errorf("the first person as the second: %d", a.status)
	}
	b.open(entryPage)
	b.has(mark("state") + `[data-state="proposed"]`)

	// Jonas finds it among what waits, and agrees.
	b.become("jonas")
	b.open("/staff")
	b.click(mark("waiting") + `[data-kind="suspense"] a`)
	b.click(waits(large) + `[data-state="proposed"] a`)
	b.at(entryPage)
	b.check()
	b.click(`form[action="` + entryPage + `/approve"] button`)
	b.has(mark("state") + `[data-state="done"]`)
	b.check()

	// Ona sees both.
	b.become("ona")
	b.open(page)
	b.has(mark("status") + `[data-state="paid"]`)
	b.check()
	b.open("/balance")
	if got := b.attr(mark("balance"), "data-minor"); got != "4000" {
		t.Errorf("the balance is %s", got)
	}
	b.check()
	p.audit()
}
