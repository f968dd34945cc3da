package e2e

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// A customer changes the options of a running subscription in a browser: with a
// look before, in both directions, in a large window and a phone's, with scripts
// and without.
func TestChangeInBrowser(t *testing.T) {
	t.Parallel()
	for _, width := range []int{1280, 360} {
		for _, script := range []bool{true, false} {
			t.Run(fmt.Sprintf("width=%d,script=%t", width, script), func(t *testing.T) {
				t.Parallel()
				p := demoPlace(t)
				changeOptions(t, newBrowser(t, p.serve().url, width, script))
				p.audit()
			})
		}
	}
}

func changeOptions(t *testing.T, b *browser) {
	instant := func(id string) time.Time {
		t.Helper()
		at, err := time.Parse(time.RFC3339, b.attr(mark(id), "datetime"))
		if err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		return at
	}
	b.open("/login")
	b.click(`form:has([name="person"][value="ona"]) button`) // 2 accounts with recording
	b.open("/subscriptions")
	b.click(mark("subscription") + ` a[href^="/subscriptions/"]`)
	page, end := b.path(), instant("paid-until")
	b.check()
	b.click(mark("change"))
	b.at(page + "/change")
	b.check()
	if got := b.value(`[name="accounts"]`); got != "2" {
		t.Errorf("the form begins with %q accounts", got)
	}

	// A mistake is told at its field, and what was typed stays.
	b.fill(`[name="accounts"]`, "0")
	show := mark("change-options") + ` button[type="submit"]`
	b.lands(http.StatusUnprocessableEntity, chromedp.Click(chromedp.CSS(show)))
	b.rejected(http.StatusUnprocessableEntity)
	b.has(mark("error") + `[data-field="accounts"]`)
	b.check()

	// Dearer: sooner. Twice the price is half of the time, to the second.
	b.fill(`[name="accounts"]`, "4")
	b.click(show)
	b.check()
	if b.attr(mark("old-monthly"), "data-minor") != "1000" || b.attr(mark("new-monthly"), "data-minor") != "2000" || b.attr(mark("credit"), "data-minor") != "0" {
		t.Errorf("prices: %s", b.text("#preview"))
	}
	if days, err := strconv.Atoi(b.attr(mark("days"), "data-days")); err != nil || days >= 0 {
		t.Errorf("days %d, %v", days, err)
	}
	half := end.Sub(instant("new-until"))
	if left := time.Until(instant("new-until")); !instant("old-until").Equal(end) || (half-left).Abs() > time.Minute {
		t.Errorf("%v are left and %v are taken", left, half)
	}
	if text := b.text("main"); !strings.Contains(text, "Nothing is charged") || !strings.Contains(text, "€0.00") {
		t.Errorf("the preview says: %s", text)
	}
	b.click(mark("change-form") + ` button`)
	b.at(page)
	b.check()
	if got := instant("paid-until"); (end.Sub(got) - half).Abs() > time.Minute {
		t.Errorf("paid until %v", got)
	}
	if row := b.text(mark("history") + ` li[data-kind="changed"]`); !strings.Contains(row, "used up sooner") || !strings.Contains(row, "By you") {
		t.Errorf("the history says %q", row)
	}

	// Cheaper: later again.
	b.click(mark("change"))
	b.fill(`[name="accounts"]`, "1")
	b.click(show)
	if days, err := strconv.Atoi(b.attr(mark("days"), "data-days")); err != nil || days <= 0 {
		t.Errorf("days %d, %v", days, err)
	}
	b.check()
	b.click(mark("change-form") + ` button`)
	b.at(page)
	if row := b.text(mark("history") + ` li[data-kind="changed"]`); !strings.Contains(row, "lasts longer") {
		t.Errorf("the history says %q", row)
	}
	b.check()
}
