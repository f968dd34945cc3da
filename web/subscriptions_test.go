package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/subscription"
)

// subscribed is a payer with a paid Softphone subscription of their own.
func subscribed(s *site, id int64, name string) (b *browser, subscriptionPath string) {
	s.t.Helper()
	b, payer := s.customer(id, name)
	s.pay(s.order(b, payer, nil, softphone(2, true, 6)))
	list := b.get("/subscriptions")
	return b, "/subscriptions/" + list.mark("subscription").AttrOr("data-id", "")
}

func TestSubscriptions(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.person(401, "Nora")
	if a := b.get("/subscriptions"); a.status != http.StatusOK || a.doc().Find(`main a[href="/plans"]`).Length() == 0 {
		t.Errorf("a person without any: %d", a.status)
	}
	ona, path := subscribed(s, 402, "Ona")
	a := ona.get("/subscriptions")
	if n := a.mark("subscription").Length(); n != 1 {
		t.Fatalf("%d subscriptions", n)
	}
	if day := a.mark("subscription").Find("time").First().AttrOr("datetime", ""); day != "2027-05-23" {
		t.Errorf("paid until %q", day)
	}
	if a.doc().Find(`[data-testid="open-order"]`).Length() != 0 {
		t.Error("a paid order still waits")
	}
	if a := b.get(path); a.status != http.StatusNotFound {
		t.Errorf("a stranger's look: %d", a.status)
	}
}

func TestSubscription(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, path := subscribed(s, 403, "Ona")
	a := b.get(path)
	if plan := a.mark("plan").AttrOr("data-plan", ""); plan != "softphone" {
		t.Errorf("plan %q", plan)
	}
	until := a.mark("paid-until")
	if got := until.AttrOr("datetime", ""); got != "2027-05-23T08:30:00Z" { // 11:30 in Vilnius, in summer as in winter
		t.Errorf("paid until %q", got)
	}
	if text := until.Text(); !strings.Contains(text, "Europe/Vilnius") || !strings.Contains(text, "11:30") {
		t.Errorf("paid until %q", text)
	}
	next := a.mark("next-charge")
	if next.AttrOr("data-kind", "") != "bank_invoice" || next.AttrOr("data-minor", "") != "7260" || next.Find("time").AttrOr("datetime", "") != "2027-04-23" {
		t.Errorf("next: %q %q on %q", next.AttrOr("data-kind", ""), next.AttrOr("data-minor", ""), next.Find("time").AttrOr("datetime", ""))
	}
	history := a.mark("history")
	if history.Find("li").Length() != 1 || history.Find(`a[href^="/orders/O-2026-"]`).Length() != 1 || history.Find(`[data-minor="7260"]`).Length() != 1 ||
		!strings.Contains(history.Text(), "Ordered by you") {
		t.Errorf("history: %q", history.Text())
	}
	if drawings := a.doc().Find(`.paid-time svg[role="img"]`); drawings.Length() != 2 || !strings.Contains(drawings.Text(), "Paid until 23 May 2027") {
		t.Errorf("the picture: %q", drawings.Text())
	}

	s.must(s.app.SaveProfile(s.ctx(), b.actor(), "en", "America/New_York"))
	if text := b.get(path).mark("paid-until").Text(); !strings.Contains(text, "04:30") || !strings.Contains(text, "America/New_York") {
		t.Errorf("in another time zone: %q", text)
	}
}

func TestAutoRenewal(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, path := subscribed(s, 404, "Ona")
	state := func(a *answer) string { return a.mark("auto-renew").AttrOr("data-state", "") }
	a := b.get(path)
	if state(a) != "on" {
		t.Fatalf("after the first payment it is %q", state(a))
	}
	s.clock.Set(s.clock.Now().Add(time.Minute))
	off := a.doc().Find("form[action$='/auto-renew/off']").AttrOr("action", "")
	if posted := b.post(off, url.Values{}); posted.status != http.StatusSeeOther || posted.location() != path {
		t.Fatalf("%d to %q", posted.status, posted.location())
	}
	a = b.get(path)
	if state(a) != "off" || a.mark("next-charge").AttrOr("data-kind", "") != "end" || a.doc().Find(`[data-testid="notice-ok"]`).Length() == 0 {
		t.Errorf("off: %q, next %q", state(a), a.mark("next-charge").AttrOr("data-kind", ""))
	}
	b.post(off, url.Values{}) // once more changes nothing
	a = b.submit(strings.TrimSuffix(off, "off")+"on", url.Values{})
	if state(a) != "on" {
		t.Errorf("on again: %q", state(a))
	}
	var kinds []string
	for _, li := range a.mark("history").Find("li").EachIter() {
		kinds = append(kinds, li.AttrOr("data-kind", ""))
	}
	if got := strings.Join(kinds, " "); got != "auto_renew_on auto_renew_off started" {
		t.Errorf("history %q, the newest first", got)
	}
	for _, id := range []string{missingID, "x"} {
		for _, way := range []string{"on", "off"} {
			if a := b.post("/subscriptions/"+id+"/auto-renew/"+way, url.Values{}); a.status != http.StatusNotFound {
				t.Errorf("%s of %s: %d", way, id, a.status)
			}
		}
	}
}

// The form on the page orders the next period, once however often it is sent.
func TestRenewNow(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, path := subscribed(s, 407, "Ona")
	form := b.get(path).mark("renew")
	if got := form.Find("input[name=period]").Length(); got != 3 {
		t.Fatalf("%d periods", got)
	}
	if got := form.Find("input[checked]").AttrOr("value", ""); got != "6" {
		t.Errorf("chosen at first: %q", got)
	}
	if text := form.Text(); !strings.Contains(text, "€72.60 with VAT") || !strings.Contains(text, "€304.92 with VAT") {
		t.Errorf("prices: %s", text)
	}
	action := form.AttrOr("action", "")
	first := b.post(action, url.Values{"period": {"36"}})
	if again := b.post(action, url.Values{"period": {"36"}}); first.status != http.StatusSeeOther || again.location() != first.location() {
		t.Errorf("twice: %d %q, %d %q", first.status, first.location(), again.status, again.location())
	}
	if a := b.get(first.location()); a.mark("amount").AttrOr("data-minor", "") != "30492" {
		t.Errorf("the order: %d %q", a.status, a.mark("amount").AttrOr("data-minor", ""))
	}
	for _, period := range []string{"", "7", "-6", "6.0", "x"} {
		if a := b.post(action, url.Values{"period": {period}}); a.status != http.StatusUnprocessableEntity {
			t.Errorf("period %q: %d", period, a.status)
		}
	}
	s.clock.Set(s.clock.Now().Add(200 * 24 * time.Hour))
	s.must(s.app.RunDue(s.ctx()))
	b.signIn(407, "Ona")
	if a := b.post(action, url.Values{"period": {"6"}}); a.status != http.StatusConflict {
		t.Errorf("an ended one: %d", a.status)
	}
	if b.get(path).doc().Find(`[data-testid="renew"]`).Length() != 0 {
		t.Error("an ended one can be renewed")
	}
}

// Whom a subscription is for sees it, but neither money nor the switch.
func TestSubscriptionOfCustomer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	max, payer := s.customer(405, "Max")
	lena := s.person(406, "Lena")
	s.link(payer, lena.actor().AccountID)
	o := s.order(max, payer, lena, softphone(5, true, 6))
	if waiting := max.get("/subscriptions").mark("open-order"); waiting.Length() != 1 || !strings.Contains(waiting.Text(), "for Lena") {
		t.Errorf("%d orders wait: %q", waiting.Length(), waiting.Text())
	}
	s.pay(o)
	path := "/subscriptions/" + lena.get("/subscriptions").mark("subscription").AttrOr("data-id", "")
	a := lena.get(path)
	if a.status != http.StatusOK || a.mark("paid-until").AttrOr("datetime", "") == "" {
		t.Fatalf("%d", a.status)
	}
	if a.doc().Find("main form").Length() != 0 || strings.Contains(a.doc().Find("main").Text(), "€") || strings.Contains(a.body, "Max") || strings.Contains(a.body, o.Number) {
		t.Error("the Customer sees the payer's business")
	}
	if a := lena.post(path+"/auto-renew/off", url.Values{}); a.status != http.StatusForbidden {
		t.Errorf("the Customer's switch: %d", a.status)
	}
	if a := lena.get(orderURL(o.Number)); a.status != http.StatusNotFound {
		t.Errorf("the Customer reads the order: %d", a.status)
	}

	// The renewal that waits stands on the payer's page and not on the Customer's.
	s.clock.Set(s.clock.Now().Add(time.Hour))
	max.signIn(405, "Max")
	lena.signIn(406, "Lena")
	renewal := s.order(max, payer, lena, softphone(5, true, 12))
	if got := max.get(path).mark("open-order").AttrOr("data-number", ""); got != renewal.Number {
		t.Errorf("the renewal shown is %q", got)
	}
	if lena.get(path).doc().Find(`[data-testid="open-order"]`).Length() != 0 {
		t.Error("the Customer sees the renewal's price")
	}
}

// When the paid time is over, who pays reads until when it works and how to pay;
// whom it is for reads the day alone.
func TestGrace(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	max, payer := s.customer(407, "Max")
	lena := s.person(408, "Lena")
	s.link(payer, lena.actor().AccountID)
	s.pay(s.order(max, payer, lena, softphone(5, true, 6)))
	path := "/subscriptions/" + lena.get("/subscriptions").mark("subscription").AttrOr("data-id", "")
	if max.get(path).doc().Find(`[data-testid="grace"]`).Length() != 0 {
		t.Error("payment is due at once")
	}
	until, err := time.Parse(time.RFC3339, max.get(path).mark("paid-until").AttrOr("datetime", ""))
	s.must(err)
	s.clock.Set(until.Add(24 * time.Hour))
	max.signIn(407, "Max")
	lena.signIn(408, "Lena")
	for _, page := range []string{path, "/subscriptions", "/"} {
		due := max.get(page).mark("grace")
		link := due.Find("a").AttrOr("href", "")
		if !strings.Contains(due.Text(), "30 May 2027") || !strings.HasPrefix(link, "/plans/softphone?") || !strings.Contains(link, "customer=408") {
			t.Errorf("%s: %q, pay at %q", page, due.Text(), link)
		}
		if max.get(link).mark("place-order").Length() != 1 {
			t.Errorf("%s: nothing to order at %q", page, link)
		}
		if other := lena.get(page).mark("grace"); !strings.Contains(other.Text(), "30 May 2027") || other.Find("a").Length() != 0 {
			t.Errorf("%s: Lena reads %q", page, other.Text())
		}
	}
	renewal := s.order(max, payer, lena, softphone(5, true, 6))
	if link := max.get("/subscriptions").mark("grace").Find("a").AttrOr("href", ""); link != orderURL(renewal.Number) {
		t.Errorf("with an order that waits, pay at %q", link)
	}
	if a := max.get(path); a.mark("grace").Find("a").Length() != 0 || a.mark("open-order").Length() != 1 {
		t.Error("the order is offered twice")
	}
}

func TestRetiredPlan(t *testing.T) {
	t.Parallel()
	item := func(plan pricing.Plan, state subscription.State) app.SubscriptionItem {
		return app.SubscriptionItem{Subscription: subscription.Subscription{State: state, Selection: pricing.Selection{Plan: plan}}}
	}
	for want, items := range map[string][]app.SubscriptionItem{
		"starter": {item(pricing.Gateway, subscription.StateActive), item(pricing.Starter, subscription.StateActive)},
		"trial":   {item(pricing.Starter, subscription.StateEnded), item(pricing.Trial, subscription.StateActive)},
		"":        {item(pricing.Softphone, subscription.StateActive), item(pricing.Trial, subscription.StateEnded)},
	} {
		if got := retiredPlan(items); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
