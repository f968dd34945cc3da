package web

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/siptg/portal/internal/telegram"
	"github.com/siptg/portal/views"
)

func TestSignInAndOut(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser()
	if a := b.get("/account"); a.status != http.StatusSeeOther || a.location() != "/login" {
		t.Fatalf("anonymous: %d %q", a.status, a.location())
	}
	a := b.signIn(7_900_000_000_201, "Ona")
	if a.status != http.StatusOK || a.mark("session").Length() != 1 {
		t.Fatalf("after sign-in: %d %s", a.status, a.body)
	}
	if got := a.doc().Find(".who-name bdi").Text(); got != "Ona" {
		t.Errorf("name %q", got)
	}
	if b.cookie(loginCookie) != "" {
		t.Error("the sign-in's own cookie stays")
	}
	old := b.token()
	a = b.post("/logout", nil)
	if a.status != http.StatusSeeOther || b.token() != "" {
		t.Errorf("sign out: %d, token %q", a.status, b.token())
	}
	if _, err := s.app.ActorBySession(s.ctx(), old); err == nil {
		t.Error("the session lives on")
	}
	if a := b.post("/logout", nil); a.status != http.StatusSeeOther {
		t.Errorf("second sign out: %d", a.status)
	}
}

// A session id that somebody planted, or that was good before, is worth nothing
// after sign-in (ASVS 7.2.4).
func TestSignInRotatesTheSession(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser()
	planted := strings.Repeat("A", 43)
	u, err := url.Parse(s.public)
	s.must(err)
	b.jar.SetCookies(u, []*http.Cookie{{Name: "sid", Value: planted, Path: "/"}})
	b.signIn(7_900_000_000_202, "Ona")
	first := b.token()
	if first == planted || len(first) != 43 {
		t.Fatalf("token %q", first)
	}
	s.clock.Set(s.clock.Now().Add(time.Minute)) // another proof, and the browser goes to the address itself: the page needs no visit twice
	state, err := s.app.BeginSignIn(s.ctx(), "", "/account")
	s.must(err)
	b.jar.SetCookies(u, []*http.Cookie{{Name: "login", Value: state, Path: "/"}})
	q := telegram.Sign(telegram.Profile{ID: 7_900_000_000_202, FirstName: "Ona", AuthDate: s.clock.Now()}, testBotToken)
	q.Set("st", state)
	if a := b.get("/login/telegram?" + q.Encode()); a.status != http.StatusSeeOther || a.location() != "/account" {
		t.Fatalf("second sign-in: %d %q", a.status, a.location())
	}
	if b.token() == first {
		t.Error("the token stays the same")
	}
	for name, token := range map[string]string{"planted": planted, "first": first} {
		if _, err := s.app.ActorBySession(s.ctx(), token); err == nil {
			t.Errorf("the %s token still works", name)
		}
	}
}

// 60 minutes without a request, or 12 hours in all, end a session.
func TestSessionLimits(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.person(7_900_000_000_203, "Ona")
	began := s.clock.Now()
	step := func(d time.Duration, want int) {
		t.Helper()
		s.clock.Set(s.clock.Now().Add(d))
		if a := b.get("/account"); a.status != want {
			t.Fatalf("after %v: %d, want %d", s.clock.Now().Sub(began), a.status, want)
		}
	}
	step(59*time.Minute, http.StatusOK)
	step(61*time.Minute, http.StatusSeeOther)

	b = s.person(7_900_000_000_203, "Ona")
	began = s.clock.Now()
	for range 12 {
		step(59*time.Minute, http.StatusOK)
	}
	step(11*time.Minute, http.StatusOK) // 11 h 59 min
	step(2*time.Minute, http.StatusSeeOther)
}

func TestSignInLeadsBack(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for name, tt := range map[string]struct {
		ask  func(b *browser) *answer
		want string
	}{
		"page with a query": {func(b *browser) *answer { return b.get("/account?x=1&y=%22") }, "/account?x=1&y=%22"},
		"form of our page": {func(b *browser) *answer {
			b.header.Set("Referer", s.public+"/account?x=2")
			return b.post("/account", url.Values{"language": {"en"}})
		}, "/account?x=2"},
		"form of another site's page": {func(b *browser) *answer {
			b.header.Set("Referer", "https://evil.example/account")
			return b.post("/account", url.Values{"language": {"en"}})
		}, "/"},
		"form of no page of ours": {func(b *browser) *answer {
			b.header.Set("Referer", s.public+"/logout")
			return b.post("/account", url.Values{"language": {"en"}})
		}, "/"},
		"link on a page": {func(b *browser) *answer {
			b.header.Set("Referer", s.public+"/account")
			a := b.get("/login")
			a.status, a.header = http.StatusSeeOther, http.Header{"Location": {"/login"}}
			return a
		}, "/account"},
	} {
		t.Run(name, func(t *testing.T) {
			b := s.browser()
			a := tt.ask(b)
			if a.status != http.StatusSeeOther || a.location() != "/login" {
				t.Fatalf("%d %q", a.status, a.location())
			}
			b.header.Del("Referer")
			back := b.get(b.widgetReturn(b.get("/login"), 7_900_000_000_204, "Ona"))
			if back.status != http.StatusSeeOther || back.location() != tt.want {
				t.Errorf("leads to %q, want %q", back.location(), tt.want)
			}
			s.clock.Set(s.clock.Now().Add(time.Second)) // the same second would be the same proof
		})
	}
}

// Whatever is wrong with a return, the browser ends on a clean address that says
// why, and is signed in nowhere.
func TestRefusedSignIn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	change := func(name, value string) func(url.Values) { return func(q url.Values) { q.Set(name, value) } }
	for name, tt := range map[string]struct {
		change func(q url.Values)
		age    time.Duration
		key    string
	}{
		"another id":         {change("id", "7900000000001"), 0, "error.login.forged"},
		"another hash":       {change("hash", strings.Repeat("0", 64)), 0, "error.login.forged"},
		"a field more":       {change("admin", "1"), 0, "error.login.forged"},
		"twice":              {func(q url.Values) { q["id"] = append(q["id"], q.Get("id")) }, 0, "error.login.forged"},
		"another state":      {change("st", strings.Repeat("A", 43)), 0, "error.login.state"},
		"no state":           {func(q url.Values) { q.Del("st") }, 0, "error.login.state"},
		"six minutes old":    {func(url.Values) {}, 6 * time.Minute, "error.login.stale"},
		"from the future":    {func(url.Values) {}, -time.Minute, "error.login.stale"},
		"state with NUL":     {change("st", "\x00"), 0, "error.login.state"},
		"name with NUL":      {change("first_name", "\x00"), 0, "error.login.forged"},
		"state of bad UTF-8": {change("st", "\xff"), 0, "error.login.state"},
	} {
		t.Run(name, func(t *testing.T) {
			b := s.browser()
			b.ip = "192.0.2.77"
			login := b.get("/login")
			began := s.clock.Now()
			s.clock.Set(began.Add(-tt.age))
			u, err := url.Parse(b.widgetReturn(login, 7_900_000_000_205, "Ona"))
			s.must(err)
			s.clock.Set(began)
			q := u.Query()
			tt.change(q)
			a := b.get(u.Path + "?" + q.Encode())
			if a.status != http.StatusSeeOther || a.location() != "/login" || b.token() != "" {
				t.Fatalf("%d %q", a.status, a.location())
			}
			page := b.get("/login")
			if got, want := page.mark("error").Text(), s.text(tt.key); got != want {
				t.Errorf("error %q, want %q", got, want)
			}
			if again := b.get("/login"); again.doc().Find(`[data-testid="error"]`).Length() != 0 {
				t.Error("the error is shown twice")
			}
		})
	}
	var n int
	s.must(s.db.Pool().QueryRow(s.ctx(), `SELECT count(*) FROM session`).Scan(&n))
	if n != 0 {
		t.Errorf("%d sessions", n)
	}
}

// A return without data is no attack: who refuses at Telegram comes back so.
func TestReturnWithoutData(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser()
	if a := b.open("/login/telegram"); a.status != http.StatusOK || a.doc().Find(`[data-testid="error"]`).Length() != 0 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestReplayedSignIn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser()
	back := b.widgetReturn(b.get("/login"), 7_900_000_000_206, "Ona")
	state := b.cookie(loginCookie)
	b.open(back)
	if b.token() == "" {
		t.Fatal("not signed in")
	}
	thief := s.browser()
	u, err := url.Parse(s.public)
	s.must(err)
	thief.jar.SetCookies(u, []*http.Cookie{{Name: "login", Value: state, Path: "/"}})
	if a := thief.get(back); a.location() != "/login" || thief.token() != "" {
		t.Errorf("the return works twice: %d %q", a.status, a.location())
	}
	// With a state of their own the proof is still used up.
	login := thief.get("/login")
	own, err := url.Parse(login.doc().Find("script[data-auth-url]").AttrOr("data-auth-url", ""))
	s.must(err)
	used, err := url.Parse(back)
	s.must(err)
	q := used.Query()
	q.Set("st", own.Query().Get("st"))
	thief.get("/login/telegram?" + q.Encode())
	if got := thief.get("/login").mark("error").Text(); got != s.text("error.login.used") || thief.token() != "" {
		t.Errorf("error %q", got)
	}
}

func TestRefusedSignInsAreLimited(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser()
	for i := range 20 {
		if a := b.get("/login/telegram?hash=00&id=1"); a.status != http.StatusSeeOther {
			t.Fatalf("%d: %d", i, a.status)
		}
	}
	a := b.get("/login/telegram?hash=00&id=1")
	if a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" || a.mark("failure").Length() != 1 {
		t.Errorf("21st: %d", a.status)
	}
	other := s.browser()
	other.ip = "192.0.2.2"
	if a := other.signIn(7_900_000_000_207, "Ona"); a.status != http.StatusOK && a.status != http.StatusNotFound {
		t.Errorf("from another address: %d", a.status)
	}
	s.clock.Set(s.clock.Now().Add(time.Minute))
	if a := b.get("/login/telegram?hash=00&id=1"); a.status != http.StatusSeeOther {
		t.Errorf("a minute later: %d", a.status)
	}
}

func TestDemoSignIn(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *Config) { c.Demo, c.BotName = true, "" })
	b := s.browser()
	b.get("/account")
	page := b.get("/login")
	var people []string
	for _, n := range page.doc().Find(`form[action="/login/demo"] input[name=person]`).EachIter() {
		people = append(people, n.AttrOr("value", ""))
	}
	if len(people) != 8 || page.doc().Find("script[data-auth-url]").Length() != 0 {
		t.Fatalf("people %v", people)
	}
	a := b.post("/login/demo", url.Values{"person": {people[0]}})
	if a.status != http.StatusSeeOther || a.location() != "/account" || b.token() == "" {
		t.Fatalf("%d %q", a.status, a.location())
	}
	// A client that brings no cookie is signed in as well.
	for _, p := range people[1:] {
		b := s.browser()
		if a := b.post("/login/demo", url.Values{"person": {p}}); a.status != http.StatusSeeOther || b.token() == "" {
			t.Errorf("%s: %d", p, a.status)
		}
	}
	if a := s.browser().post("/login/demo", url.Values{"person": {"nobody"}}); a.status != http.StatusNotFound {
		t.Errorf("nobody: %d", a.status)
	}
}

func TestNoDemoSignInOutsideDemoMode(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser()
	if a := b.post("/login/demo", url.Values{"person": {"ona"}}); a.status != http.StatusNotFound || b.token() != "" {
		t.Errorf("%d", a.status)
	}
	if n := b.get("/login").doc().Find(`form[action="/login/demo"]`).Length(); n != 0 {
		t.Errorf("%d buttons", n)
	}
}

// Cookies carry what they must and nothing more, on plain http and on https.
func TestCookies(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		public, prefix string
		secure         bool
	}{{"http://127.0.0.1:8080", "", false}, {"https://billing.example", "__Host-", true}} {
		t.Run(tt.public, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, func(c *Config) { c.PublicURL = tt.public })
			seen := map[string]bool{}
			check := func(a *answer) *answer {
				t.Helper()
				for _, c := range (&http.Response{Header: a.header}).Cookies() {
					name, ok := strings.CutPrefix(c.Name, tt.prefix)
					if !ok || !slices.Contains([]string{sessionCookie, loginCookie, flashCookie}, name) {
						t.Errorf("cookie %q", c.Name)
					}
					if !c.HttpOnly || c.Secure != tt.secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
						t.Errorf("attributes of %s", c.Raw)
					}
					if c.MaxAge == 0 || c.MaxAge > int((12*time.Hour).Seconds()) {
						t.Errorf("life of %s", c.Raw)
					}
					seen[name] = true
				}
				return a
			}
			b := s.browser()
			back := check(b.get(b.widgetReturn(check(b.get("/login")), 7_900_000_000_208, "Ona")))
			if back.status != http.StatusSeeOther || len(b.token()) != 43 {
				t.Fatalf("%d, token %q", back.status, b.token())
			}
			check(b.get("/account"))
			check(b.post("/account", url.Values{"language": {"en"}, "time_zone": {"Asia/Tokyo"}}))
			check(b.post("/logout", nil))
			if len(seen) != 3 {
				t.Errorf("saw %v", slices.Collect(maps.Keys(seen)))
			}
		})
	}
}

// A browser that is signed in everywhere keeps its ten latest sessions.
func TestTenSessions(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	first := s.person(7_900_000_000_209, "Ona")
	for range 10 {
		s.clock.Set(s.clock.Now().Add(time.Second))
		s.person(7_900_000_000_209, "Ona")
	}
	if a := first.get("/account"); a.status != http.StatusSeeOther {
		t.Errorf("the eleventh sign-in leaves the first session: %d", a.status)
	}
}

// A cookie can only choose among our own notices.
func TestFlashIsShownOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.person(7_900_000_000_210, "Ona")
	b.open("/account") // shows what the sign-in left
	if a := b.submit("/account", url.Values{"language": {"en"}, "time_zone": {""}}); !strings.Contains(a.body, s.text("flash."+views.FlashProfileSaved)) {
		t.Errorf("no notice: %s", a.body)
	}
	if a := b.get("/account"); strings.Contains(a.body, s.text("flash."+views.FlashProfileSaved)) {
		t.Error("the notice comes twice")
	}
	u, err := url.Parse(s.public)
	s.must(err)
	b.jar.SetCookies(u, []*http.Cookie{{Name: "flash", Value: "send-money-to-me", Path: "/"}})
	if a := b.get("/account"); a.status != http.StatusOK || strings.Contains(a.body, "send-money-to-me") {
		t.Errorf("%d", a.status)
	}
}

func TestHostileNames(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for i, name := range []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, "\u202eanO", "a\x00b", "{{.}}", strings.Repeat("ž", 500), "' OR 1=1 --", "𝕺𝖓𝖆",
	} {
		s.clock.Set(s.clock.Now().Add(time.Second))
		b := s.browser()
		b.signIn(7_900_000_000_300+int64(i), name)
		a := b.get("/account")
		if a.status != http.StatusOK || a.doc().Find("main script, main img, [onerror]").Length() != 0 || strings.ContainsAny(a.body, "\x00\u202e") {
			t.Errorf("%s: %d", strconv.Quote(name), a.status)
		}
	}
}

// A link "Sign in" brings the person back to its page, even when an earlier
// sign-in was begun elsewhere and left.
func TestSignInLinkComesBackToItsPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser()
	b.get("/subscriptions") // sent to sign in, and left
	const page = "/plans/gateway?lines=3&period=36"
	r := b.request(http.MethodGet, "/login?from=link", nil)
	r.Header.Set("Referer", s.public+page)
	if got := b.get(b.widgetReturn(b.send(r), 7_900_000_000_900, "Ona")).header.Get("Location"); got != page {
		t.Errorf("came back to %q, want %q", got, page)
	}
}
