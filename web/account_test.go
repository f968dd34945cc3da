package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/siptg/portal/internal/i18n"
)

func (s *site) text(key string) string { return i18n.New("en").T(key) }

func TestTimeZonesExist(t *testing.T) {
	t.Parallel()
	for _, name := range timeZones {
		if _, err := time.LoadLocation(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestProfile(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.person(7_900_000_000_401, "Ona")
	seen := func(a *answer) string { return a.mark("session").Find("time").First().Text() }
	if got := seen(b.get("/account")); got != "23 November 2026, 11:30 (Europe/Vilnius)" {
		t.Errorf("in the seller's zone: %q", got)
	}
	a := b.submit("/account", url.Values{"language": {"en"}, "time_zone": {"America/New_York"}})
	if got := seen(a); got != "23 November 2026, 04:30 (America/New_York)" {
		t.Errorf("in their own zone: %q", got)
	}
	if got := a.doc().Find("select[name=time_zone] option[selected]").AttrOr("value", ""); got != "America/New_York" {
		t.Errorf("selected %q", got)
	}
	for field, form := range map[string]url.Values{
		"time_zone": {"language": {"en"}, "time_zone": {"../../etc/passwd"}},
		"language":  {"language": {"xx"}, "time_zone": {""}},
	} {
		a := b.post("/account", form)
		if a.status != http.StatusUnprocessableEntity || a.doc().Find(`[data-testid="error"][data-field="`+field+`"]`).Length() == 0 {
			t.Errorf("%s: %d %s", field, a.status, a.body)
		}
	}
	if got := b.actor().TimeZone; got != "America/New_York" {
		t.Errorf("a refused form changed the zone to %q", got)
	}
}

func TestEndingSessions(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	here := s.person(7_900_000_000_402, "Ona")
	next := func() *browser {
		s.clock.Set(s.clock.Now().Add(time.Second))
		b := s.browser()
		b.header.Set("User-Agent", "Mozilla/5.0 (Android 14; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0")
		b.signIn(7_900_000_000_402, "Ona")
		return b
	}
	phone, tablet, laptop := next(), next(), next()
	s.clock.Set(s.clock.Now().Add(time.Second))
	stranger := s.person(7_900_000_000_403, "Jonas")

	id := func(b *browser) string {
		for _, row := range b.get("/account").mark("session").EachIter() {
			if row.Find("form").Length() == 0 { // the current one has no button
				return row.AttrOr("data-id", "")
			}
		}
		t.Fatal("no current session")
		return ""
	}
	if text := here.get("/account").mark("session").Text(); !strings.Contains(text, "Firefox") || !strings.Contains(text, "Android") {
		t.Errorf("devices: %s", text)
	}
	for name, session := range map[string]string{"another's": id(stranger), "none": "00000000-0000-0000-0000-000000000000", "no id": "x", "NUL": "\x00"} {
		if a := here.post("/account/sessions/end", url.Values{"session": {session}}); a.status != http.StatusNotFound && name != "NUL" {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	if a := here.post("/account/sessions/end", url.Values{"session": {id(phone)}}); a.status != http.StatusSeeOther {
		t.Fatalf("%d", a.status)
	}
	if a := phone.get("/account"); a.status != http.StatusSeeOther {
		t.Errorf("the phone is still signed in: %d", a.status)
	}
	if a := tablet.get("/account"); a.status != http.StatusOK {
		t.Errorf("the tablet is not: %d", a.status)
	}
	here.post("/account/sessions/end-others", nil)
	for name, b := range map[string]*browser{"tablet": tablet, "laptop": laptop} {
		if a := b.get("/account"); a.status != http.StatusSeeOther {
			t.Errorf("%s is still signed in: %d", name, a.status)
		}
	}
	for name, b := range map[string]*browser{"this browser": here, "the stranger": stranger} {
		if a := b.get("/account"); a.status != http.StatusOK {
			t.Errorf("%s: %d", name, a.status)
		}
	}
}

func TestDevice(t *testing.T) {
	t.Parallel()
	for agent, want := range map[string]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0": "Edge on Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/604.1":     "Safari on iOS",
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36":                         "Chrome on Linux",
		"Mozilla/5.0 (Linux; Android 14; SM-S911B) AppleWebKit/537.36 SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36":        "Samsung Internet on Android",
		"curl/8.5.0": "", "": "", "<script>": "",
	} {
		if got := device(i18n.New("en"), agent); got != want {
			t.Errorf("%q: %q, want %q", agent, got, want)
		}
	}
}
