package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/siptg/portal/internal/account"
)

// changeForm is the form of a preview, filled in by the page.
func changeForm(a *answer) (action string, values url.Values) {
	values = url.Values{}
	form := a.mark("change-form")
	for _, in := range form.Find("input").EachIter() {
		values.Set(in.AttrOr("name", ""), in.AttrOr("value", ""))
	}
	return form.AttrOr("action", ""), values
}

func (a *answer) instant(mark string) time.Time {
	a.t.Helper()
	at, err := time.Parse(time.RFC3339, a.mark(mark).AttrOr("datetime", ""))
	if err != nil {
		a.t.Errorf("%s: %v", mark, err)
	}
	return at
}

func (a *answer) has(mark string) bool { return a.doc().Find(`[data-testid="`+mark+`"]`).Length() > 0 }

func (a *answer) text(selector string) string {
	return strings.Join(strings.Fields(a.doc().Find(selector).Text()), " ")
}

// From the subscription by its link: the form as it is, a dearer configuration,
// its arithmetic, the change, what the subscription says then, and back again.
func TestChangeOptions(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, path := subscribed(s, 420, "Ona") // 2 accounts, 6 months: 23 November to 23 May
	s.clock.Set(s.clock.Now().Add(time.Hour))
	b.signIn(420, "Ona")
	link := b.get(path).mark("actions").Find(`[data-testid="change"]`).AttrOr("href", "")
	a := b.get(link)
	if a.status != http.StatusOK || a.doc().Find("#f-accounts").AttrOr("value", "") != "2" || a.has("change-form") {
		t.Fatalf("%q: %d\n%s", link, a.status, clip(a.body, 2000))
	}
	if a.doc().Find(`form[data-testid="change-options"]`).AttrOr("method", "") != "get" {
		t.Error("the options are no plain form")
	}

	// Twice the price: half of the time.
	a = b.get(link + "?accounts=4&recording=on")
	before, after := a.instant("old-until"), a.instant("new-until")
	left := before.Sub(s.clock.Now())
	if want := s.clock.Now().Add(left / 2); !after.Equal(want) {
		t.Errorf("until %s, want %s", after, want)
	}
	for mark, want := range map[string]string{"old-monthly": "1000", "new-monthly": "2000", "credit": "0"} {
		if got := a.mark(mark).AttrOr("data-minor", ""); got != want {
			t.Errorf("%s %q, want %q", mark, got, want)
		}
	}
	if got := a.mark("days").AttrOr("data-days", ""); got != "-90" && got != "-91" || !strings.Contains(a.mark("days").Text(), "days shorter") {
		t.Errorf("days %q: %q", got, a.mark("days").Text())
	}
	// 60.00 for 180 days and 23 hours, because the clocks change: an hour later 180.9167 days are left.
	if text := a.text("main"); !strings.Contains(text, "Nothing is charged") || !strings.Contains(text, "180.9167 days left at €0.331568 a day: they are worth €59.99") || !strings.Contains(text, "lasts for 90.4583 days") {
		t.Errorf("the arithmetic: %s", text)
	}
	if n := a.doc().Find(`.paid-time svg[role="img"]`).Length(); n != 2 {
		t.Errorf("%d drawings", n)
	}
	if s.count(`SELECT count(*) FROM subscription_event WHERE kind = 'changed'`) != 0 {
		t.Error("a look changed something")
	}
	action, values := changeForm(a)
	if posted := b.post(action, values); posted.status != http.StatusSeeOther || posted.location() != path {
		t.Fatalf("%d to %q: %s", posted.status, posted.location(), clip(posted.body, 2000))
	}
	done := b.get(path)
	if got := done.instant("paid-until"); !got.Equal(after) {
		t.Errorf("paid until %s, want %s", got, after)
	}
	if text := done.text(`[data-testid="notice-ok"]`); !strings.Contains(text, "Nothing was charged") {
		t.Errorf("said: %q", text)
	}
	row := strings.Join(strings.Fields(done.doc().Find(`[data-testid="history"] li[data-kind="changed"]`).First().Text()), " ")
	for _, want := range []string{"used up sooner", "By you", "23 May 2027", "days"} {
		if !strings.Contains(row, want) {
			t.Errorf("the history says %q, without %q", row, want)
		}
	}
	// The same form again changes nothing and says the same.
	if again := b.post(action, values); again.status != http.StatusSeeOther {
		t.Errorf("again: %d", again.status)
	}
	if n := s.count(`SELECT count(*) FROM notice WHERE kind = 'changed'`); n != 1 {
		t.Errorf("%d notices", n)
	}

	// Back again, within the same second: it lasts as long as before.
	a = b.get(link + "?accounts=2&recording=on")
	if got := a.instant("new-until"); before.Sub(got) < 0 || before.Sub(got) > 2*time.Second {
		t.Errorf("back again until %s, was %s", got, before)
	}
	if text := a.mark("days").Text(); !strings.Contains(text, "days longer") {
		t.Errorf("days: %q", text)
	}
	action, values = changeForm(a)
	b.post(action, values)
	row = strings.Join(strings.Fields(b.get(path).doc().Find(`[data-testid="history"] li[data-kind="changed"]`).First().Text()), " ")
	if !strings.Contains(row, "lasts longer") || !strings.Contains(row, "By you") {
		t.Errorf("the history says %q", row)
	}
}

// What is typed wrong stays, with the reason at its field; the options of now
// and a form from elsewhere are refused in words.
func TestChangeRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, path := subscribed(s, 421, "Ona")
	for query, field := range map[string]string{
		"accounts=0": "accounts", "accounts=x": "accounts", "accounts=": "accounts", "accounts=1001": "accounts", "accounts=2&recording=on": "accounts",
		"recording=yes": "recording", "accounts=5&lines=3": "lines",
	} {
		typed, err := url.ParseQuery(query)
		s.must(err)
		for i, a := range []*answer{b.get(path + "/change?" + query), b.post(path+"/change", typed)} {
			want := http.StatusUnprocessableEntity
			if i == 0 && query == "accounts=2&recording=on" { // to look at the options of now is no mistake
				want = http.StatusOK
			}
			if a.status != want || a.doc().Find(`[data-testid="error"][data-field="`+field+`"]`).Length() == 0 {
				t.Errorf("%s: %d", query, a.status)
			}
			if typed.Has("accounts") && a.doc().Find("#f-accounts").AttrOr("value", "") != typed.Get("accounts") {
				t.Errorf("%s: typed %q", query, a.doc().Find("#f-accounts").AttrOr("value", ""))
			}
			if a.has("change-form") {
				t.Errorf("%s can be confirmed", query)
			}
		}
	}
	for _, token := range []string{"", "x", "AAAA"} {
		a := b.post(path+"/change", url.Values{"accounts": {"3"}, "token": {token}})
		if a.status != http.StatusUnprocessableEntity || !a.has("refused") || !a.has("change-form") {
			t.Errorf("token %q: %d", token, a.status)
		}
	}
	if a := b.get(path + "/change?accounts=3&accounts=4"); a.status != http.StatusUnprocessableEntity {
		t.Errorf("twice: %d", a.status)
	}
}

// A preview that no longer holds: 409, with what holds now, which can be
// confirmed.
func TestChangeGoneStale(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, path := subscribed(s, 422, "Ona")
	action, stale := changeForm(b.get(path + "/change?accounts=3&recording=on"))
	other, values := changeForm(b.get(path + "/change?accounts=7"))
	b.post(other, values)
	a := b.post(action, stale)
	if a.status != http.StatusConflict || !strings.Contains(a.mark("refused").Text(), "changed since this was shown") {
		t.Fatalf("%d: %s", a.status, a.mark("refused").Text())
	}
	if a.mark("old-monthly").AttrOr("data-minor", "") != "2100" || a.mark("new-monthly").AttrOr("data-minor", "") != "1500" || a.doc().Find("#f-recording").Filter("[checked]").Length() != 1 {
		t.Error("the page shows what held before")
	}
	action, fresh := changeForm(a)
	if fresh.Get("token") == stale.Get("token") || b.post(action, fresh).status != http.StatusSeeOther {
		t.Error("what holds now cannot be confirmed")
	}
	action, old := changeForm(b.get(path + "/change?accounts=1"))
	s.clock.Set(s.clock.Now().Add(61 * time.Minute)) // shown too long ago
	b.signIn(422, "Ona")
	if a := b.post(action, old); a.status != http.StatusConflict {
		t.Errorf("an hour later: %d", a.status)
	}
}

// A renewal that waits is named before it is canceled.
func TestChangeNamesTheRenewal(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, path := subscribed(s, 423, "Ona")
	b.post(path+"/renew", url.Values{"period": {"12"}})
	number := b.get(path).mark("open-order").AttrOr("data-number", "")
	a := b.get(path + "/change?accounts=1")
	if text := a.mark("renewal-canceled").Text(); number == "" || !strings.Contains(text, number) || !strings.Contains(text, "do not pay it") {
		t.Errorf("order %q: %q", number, text)
	}
	action, values := changeForm(a)
	b.post(action, values)
	if got := b.get(orderURL(number)).mark("status").AttrOr("data-state", ""); got != "canceled" {
		t.Errorf("the order is %q", got)
	}
}

// Who does not pay, a plan that is no longer sold, grace, and the end.
func TestChangeForbidden(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	max, payer := s.customer(424, "Max")
	lena, rasa := s.person(425, "Lena"), s.person(426, "Rasa")
	s.link(payer, lena.actor().AccountID)
	s.member(payer, rasa.actor().AccountID, account.RoleAccountant)
	s.pay(s.order(max, payer, lena, softphone(5, true, 6)))
	path := "/subscriptions/" + lena.get("/subscriptions").mark("subscription").AttrOr("data-id", "")
	everywhere := func(name string, b *browser, want int) {
		t.Helper()
		for _, a := range []*answer{b.get(path + "/change"), b.get(path + "/change?accounts=6"), b.post(path+"/change", url.Values{"accounts": {"6"}, "token": {"x"}})} {
			if a.status != want || a.has("change-form") {
				t.Errorf("%s: %d, want %d", name, a.status, want)
			}
		}
		if b.get(path).doc().Find(`[data-testid="change"]`).Length() != 0 {
			t.Errorf("%s: a link leads there", name)
		}
	}
	everywhere("whom it is for", lena, http.StatusForbidden)
	everywhere("the accountant", rasa, http.StatusNotFound)

	retire := func(plan string) {
		_, err := s.db.Pool().Exec(s.ctx(), `UPDATE subscription SET plan = $1`, plan)
		s.must(err)
	}
	retire("starter")
	everywhere("a retired plan", max, http.StatusConflict)
	if text := max.get(path + "/change").text("main"); !strings.Contains(text, "no longer sold") {
		t.Errorf("of a retired plan: %q", text)
	}
	retire("softphone")
	until := max.get(path).instant("paid-until")
	s.clock.Set(until.Add(24 * time.Hour))
	max.signIn(424, "Max")
	everywhere("in grace", max, http.StatusConflict)
	s.clock.Set(until.Add(9 * 24 * time.Hour))
	s.must(s.app.RunDue(s.ctx()))
	max.signIn(424, "Max")
	everywhere("ended", max, http.StatusConflict)
}
