package web

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
)

type echoContext = echo.Context

func TestTimeoutsAreSet(t *testing.T) {
	t.Parallel()
	s := Server("127.0.0.1:0", http.NotFoundHandler())
	if s.ReadHeaderTimeout <= 0 || s.ReadTimeout <= 0 || s.WriteTimeout <= 0 || s.IdleTimeout <= 0 || s.MaxHeaderBytes <= 0 || s.MaxHeaderBytes > 64<<10 {
		t.Errorf("%+v", s)
	}
	if s.WriteTimeout <= handlerTime {
		t.Error("a page that runs out of time could not say so")
	}
}

func TestBadConfig(t *testing.T) {
	t.Parallel()
	for _, public := range []string{"", "billing.example", "ftp://billing.example", "https://", "https://billing.example/path", "://"} {
		if _, err := New(Config{PublicURL: public}); err == nil {
			t.Errorf("%q is taken", public)
		}
	}
}

// The client's address is the peer's unless a trusted proxy names another.
func TestClientAddress(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}
	for _, tt := range []struct {
		proxies               []netip.Prefix
		peer, forwarded, want string
	}{
		{nil, "203.0.113.5:1", "", "203.0.113.5"},
		{nil, "203.0.113.5:1", "198.51.100.1", "203.0.113.5"},
		{nil, "127.0.0.1:1", "198.51.100.1", "127.0.0.1"},
		{trusted, "10.1.2.3:1", "198.51.100.1", "198.51.100.1"},
		{trusted, "10.1.2.3:1", "6.6.6.6, 198.51.100.1", "198.51.100.1"},
		{trusted, "10.1.2.3:1", "198.51.100.1, 10.9.9.9", "198.51.100.1"},
		{trusted, "192.168.0.1:1", "198.51.100.1", "192.168.0.1"},
		{trusted, "203.0.113.5:1", "198.51.100.1", "203.0.113.5"},
		{trusted, "[2001:db8::1]:1", "198.51.100.1", "198.51.100.1"},
	} {
		r := &http.Request{RemoteAddr: tt.peer, Header: http.Header{}}
		if tt.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tt.forwarded)
		}
		r.Header.Set("X-Real-Ip", "7.7.7.7")
		if got := extractor(tt.proxies)(r); got != tt.want {
			t.Errorf("%+v: %s", tt, got)
		}
	}
}

func TestLimiter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC)
	l := newLimiter(2)
	for i, tt := range []struct {
		address string
		n       int
		want    bool
	}{
		{"192.0.2.1", 1, true}, {"192.0.2.1", 0, true}, {"192.0.2.1", 1, true}, {"192.0.2.1", 0, false}, {"192.0.2.1", 1, false},
		{"192.0.2.2", 1, true}, {"::ffff:192.0.2.2", 1, true}, {"192.0.2.2", 1, false},
		{"2001:db8::1", 1, true}, {"2001:db8::2", 1, true}, {"2001:db8::3", 1, false}, {"2001:db8:0:1::1", 1, true},
	} {
		if got := l.count(tt.address, tt.n, now); got != tt.want {
			t.Errorf("%d: %+v gives %v", i, tt, got)
		}
	}
	if !l.count("192.0.2.1", 1, now.Add(time.Minute)) {
		t.Error("the next minute is limited")
	}
	off := newLimiter(-1)
	for range 100 {
		if !off.count("192.0.2.1", 1, now) {
			t.Fatal("a limit that is off limits")
		}
	}
}

func TestRequestsAreLimited(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *Config) { c.Limits.Requests = 5 })
	b := s.browser()
	for i := range 5 {
		if a := b.get("/healthz"); a.status != http.StatusOK {
			t.Fatalf("%d: %d", i, a.status)
		}
	}
	if a := b.get("/healthz"); a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" {
		t.Errorf("sixth: %d", a.status)
	}
	other := s.browser()
	other.ip = "192.0.2.9"
	if a := other.get("/healthz"); a.status != http.StatusOK {
		t.Errorf("another address: %d", a.status)
	}
}

func TestForms(t *testing.T) {
	t.Parallel()
	many := make([]string, maxFields+1)
	for i := range many {
		many[i] = fmt.Sprintf("f%d=1", i)
	}
	for name, tt := range map[string]struct {
		encoded string
		ok      bool
	}{
		"empty":          {"", true},
		"plain":          {"a=1&b=%C5%BE", true},
		"200 fields":     {strings.Join(many[:maxFields], "&"), true},
		"201 fields":     {strings.Join(many, "&"), false},
		"200,000 commas": {strings.Repeat("&", 200_000), false},
		"twice":          {"a=1&a=2", false},
		"twice the same": {"a=1&a=1", false},
		"NUL":            {"a=%00", false},
		"bad UTF-8":      {"a=%ff", false},
		"bad name":       {"%ff=a", false},
		"bad escape":     {"a=%zz", false},
		"semicolon":      {"a=1;b=2", false},
		"line ends":      {"a=x%0D%0Ay", true},
	} {
		values, err := fields(tt.encoded)
		if (err == nil) != tt.ok || (err != nil && values != nil) {
			t.Errorf("%s: %v, %v", name, values, err)
		}
		if err != nil && statusOf(err) != http.StatusUnprocessableEntity {
			t.Errorf("%s: status %d", name, statusOf(err))
		}
	}
}

func FuzzForm(f *testing.F) {
	for _, s := range []string{"a=1&b=2", "a=1&a=2", "a=%00", "=", "&&&", "a=%u0041", "a+b=c+d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, encoded string) {
		values, err := fields(encoded)
		if err != nil {
			return
		}
		for name, v := range values {
			if len(v) != 1 || !storable(name) || !storable(v[0]) || len(values) > maxFields {
				t.Fatalf("%q gives %q = %q", encoded, name, v)
			}
		}
	})
}

// A form in the address is none: only the body counts.
func TestFormsComeFromTheBody(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.person(7_900_000_000_601, "Ona")
	if a := b.post("/account?language=en&time_zone=Asia/Tokyo", url.Values{}); a.status != http.StatusUnprocessableEntity {
		t.Errorf("%d", a.status)
	}
	if zone := b.actor().TimeZone; zone != "" {
		t.Errorf("zone %q", zone)
	}
}

// Pages are compressed for those who say that they read it.
func TestCompression(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	plain := s.browser().get("/help")
	if plain.header.Get("Content-Encoding") != "" || !strings.Contains(plain.header.Get("Vary"), "Accept-Encoding") {
		t.Errorf("%v", plain.header)
	}
	for accept, want := range map[string]bool{
		"gzip": true, "br, gzip;q=0.5": true, "GZIP": true, "gzip;q=0": false, "gzip;q=0.000": false, "identity": false, "xgzip": false,
	} {
		b := s.browser()
		b.header.Set("Accept-Encoding", accept)
		a := b.get("/help")
		if got := a.header.Get("Content-Encoding") == "gzip"; got != want {
			t.Errorf("%q: compressed %v", accept, got)
		}
		if !want {
			continue
		}
		r, err := gzip.NewReader(strings.NewReader(a.body))
		s.must(err)
		body, err := io.ReadAll(r)
		s.must(err)
		if string(body) != plain.body || len(a.body) > len(plain.body)/2 || a.header.Get("Content-Length") != fmt.Sprint(len(a.body)) {
			t.Errorf("%q: %d of %d bytes", accept, len(a.body), len(plain.body))
		}
	}
}

// Nothing that people or Telegram send stands in the log: not the query, not the
// form, not a cookie, not the referrer (security.md 2.8).
func TestLogHasNoSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const canary = "CANARY7f3a"
	login := w.browser()
	back := login.widgetReturn(login.get("/login"), 7_900_000_000_701, canary)
	login.header.Set("User-Agent", canary)
	login.header.Set("Referer", w.public+"/account?x="+canary)
	login.open(back)
	hash := back[strings.Index(back, "hash=")+5:][:64]
	state := login.cookie(loginCookie)
	token := login.token()
	if token == "" {
		t.Fatal("not signed in")
	}
	login.get(back) // again: refused
	b := w.owner
	for _, path := range []string{
		"/invoices?q=" + canary, "/invoices?from=" + canary, "/plans/softphone?accounts=" + canary, "/plans/softphone?country=" + canary, "/billing?payer=" + canary,
		"/login/telegram?hash=" + canary, "/invoices?after=" + canary,
	} {
		b.get(path)
		w.browser().get(path)
	}
	form := url.Values{
		"payer": {string(w.payer)}, "kind": {"company"}, "name": {canary}, "street": {canary}, "city": {canary}, "postcode": {canary}, "country": {"LT"},
		"vat_number": {canary}, "company_code": {canary}, "email": {canary + "@example.lt"}, "po_reference": {canary}, "language": {canary}, "currency": {canary},
	}
	b.post("/billing", form)
	b.post("/account", url.Values{"language": {canary}, "time_zone": {canary}})
	b.post("/account/sessions/end", url.Values{"session": {canary}})
	b.post("/login/demo", url.Values{"person": {canary}})
	b.post("/orders", url.Values{"plan": {"softphone"}, "accounts": {"1"}, "period": {"6"}, "payer": {canary}, "customer": {canary}, "quote": {canary}, "method": {canary}})
	b.cross("/logout?x=" + canary)
	log := w.log.String()
	if !strings.Contains(log, "/login/telegram") {
		t.Fatal("nothing was logged")
	}
	for name, secret := range map[string]string{"what was typed": canary, "proof": hash, "state": state, "token": token, "owner's token": w.owner.token(), "bot token": testBotToken} {
		if i := strings.Index(log, secret); secret != "" && i >= 0 {
			t.Errorf("%s is in the log: …%s…", name, log[max(0, i-200):min(len(log), i+100)])
		}
	}
}

// An unexpected failure gives a number that stands in the log beside its cause,
// and says nothing else.
func TestInternalErrors(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.web.echo.GET("/panic", func(echoContext) error { panic("the cause") })
	s.web.echo.GET("/broken", func(echoContext) error { return fmt.Errorf("the cause") })
	for _, path := range []string{"/panic", "/broken"} {
		a := s.browser().get(path)
		id := a.mark("request-id").Text()
		if a.status != http.StatusInternalServerError || len(id) != 16 || strings.Contains(a.body, "the cause") {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
		found := false
		for line := range strings.Lines(s.log.String()) {
			found = found || (strings.Contains(line, id) && strings.Contains(line, "the cause"))
		}
		if !found {
			t.Errorf("%s: %s is not in the log", path, id)
		}
	}
}
