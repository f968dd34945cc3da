package web

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

var providersOrigin = regexp.MustCompile(`form-action 'self' http://127\.0\.0\.1:[0-9]+;`)

// checkHeaders fails on an answer that lacks what every answer has.
func checkHeaders(t *testing.T, what string, a *answer, https, login bool) {
	t.Helper()
	want := map[string]string{
		"Content-Security-Policy":      policy,
		"X-Content-Type-Options":       "nosniff",
		"Referrer-Policy":              "same-origin",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Strict-Transport-Security":    "",
	}
	if https {
		want["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
	}
	if login {
		want["Content-Security-Policy"] = widgetPolicy
		want["Referrer-Policy"] = "strict-origin-when-cross-origin"
		want["Cross-Origin-Opener-Policy"] = "same-origin-allow-popups"
	}
	for name, value := range want {
		got := a.header.Get(name)
		if kind := a.header.Get("Content-Type"); name == "Content-Security-Policy" && (strings.HasPrefix(kind, "application/pdf") || strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment")) {
			if got != filePolicy {
				t.Errorf("%s: a file's policy is %q", what, got)
			}
			continue
		}
		// A page with a form to pay by card, and no other, leads to the provider's, too.
		if pays := strings.Contains(a.body, `data-testid="pay-card"`) || strings.Contains(a.body, `type="submit" name="method" value="card"`); name == "Content-Security-Policy" && pays {
			got = providersOrigin.ReplaceAllString(got, "form-action 'self'<provider>;")
			value = strings.Replace(policy, "form-action 'self';", "form-action 'self'<provider>;", 1)
		}
		if got != value {
			t.Errorf("%s: %s is %q, want %q", what, name, got, value)
		}
	}
	if a.header.Get("Permissions-Policy") == "" || a.header.Get("Cache-Control") == "" || len(a.header.Get("X-Request-Id")) != 16 {
		t.Errorf("%s: %v", what, a.header)
	}
	if a.body != "" && a.status != http.StatusSeeOther && a.header.Get("Content-Type") == "" {
		t.Errorf("%s: no Content-Type", what)
	}
	if kind := a.header.Get("Content-Type"); strings.HasPrefix(kind, "text/") && !strings.Contains(strings.ToLower(kind), "charset=utf-8") {
		t.Errorf("%s: Content-Type %q", what, kind)
	}
	for name := range a.header {
		if strings.HasPrefix(name, "Access-Control-") || name == "Server" {
			t.Errorf("%s: header %s", what, name)
		}
	}
}

// Every route, as nobody and as the owner, and every class of status carries the
// security headers.
func TestHeaders(t *testing.T) {
	t.Parallel()
	for _, public := range []string{"http://127.0.0.1:8080", "https://billing.example"} {
		t.Run(public, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c *Config) { c.PublicURL = public })
			https := strings.HasPrefix(public, "https:")
			w.correctionRequest() // before the invoice is given back
			w.web.echo.GET("/panic", func(c echoContext) error { panic("canary") })
			last := []string{"logout", "sessions-end", "session-end"}
			for _, r := range w.web.routes() {
				if r.Name == last[0] || r.Name == last[1] || r.Name == last[2] {
					continue
				}
				request, _, _ := wantOf(r)
				c := request(w)
				for who, b := range map[string]*browser{"nobody": w.browser(), "owner": w.owner} {
					var a *answer
					if r.Method == http.MethodGet {
						a = b.get(c.path)
					} else {
						a = b.post(c.path, c.form)
					}
					checkHeaders(t, r.Name+" as "+who, a, https, r.Name == "login" && who == "nobody")
					if cache := a.header.Get("Cache-Control"); who == "owner" && r.Guard != bare && !strings.Contains(cache, "no-store") && !strings.Contains(a.header.Get("Content-Type"), "pdf") {
						t.Errorf("%s as %s: Cache-Control %q", r.Name, who, cache)
					}
				}
			}
			b := w.browser()
			big := url.Values{"language": {strings.Repeat("x", maxBody)}}
			for _, tt := range []struct {
				what string
				a    *answer
				want int
			}{
				{"missing", b.get("/nowhere"), http.StatusNotFound},
				{"wrong method", b.send(b.request(http.MethodDelete, "/login", nil)), http.StatusMethodNotAllowed},
				{"trace", b.send(b.request(http.MethodTrace, "/", nil)), http.StatusMethodNotAllowed},
				{"cross-site", b.cross("/logout"), http.StatusForbidden},
				{"too large", w.owner.post("/account", big), http.StatusRequestEntityTooLarge},
				{"other type", w.owner.json("/account"), http.StatusUnsupportedMediaType},
				{"refused form", w.owner.post("/account", url.Values{"language": {"xx"}}), http.StatusUnprocessableEntity},
				{"panic", b.get("/panic"), http.StatusInternalServerError},
			} {
				if tt.a.status != tt.want {
					t.Errorf("%s: %d, want %d", tt.what, tt.a.status, tt.want)
				}
				checkHeaders(t, tt.what, tt.a, https, false)
			}
			w.db.Close()
			if a := w.owner.get("/account"); a.status < 500 || strings.Contains(a.body, "closed pool") || !strings.Contains(a.body, a.header.Get("X-Request-Id")) {
				t.Errorf("without a database: %d %s", a.status, a.body)
			} else {
				checkHeaders(t, "without a database", a, https, false)
			}
			if a := b.get("/readyz"); a.status != http.StatusServiceUnavailable {
				t.Errorf("readyz without a database: %d", a.status)
			}
			if a := b.get("/healthz"); a.status != http.StatusOK {
				t.Errorf("healthz without a database: %d", a.status)
			}
		})
	}
}

// cross sends a form from another site.
func (b *browser) cross(path string) *answer {
	r := b.request(http.MethodPost, path, url.Values{})
	r.Header.Set("Origin", "https://evil.example")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	return b.send(r)
}

// json sends what no form sends.
func (b *browser) json(path string) *answer {
	r := b.request(http.MethodPost, path, url.Values{"a": {"b"}})
	r.Header.Set("Content-Type", "application/json")
	return b.send(r)
}

// The policies hold what security.md 2.3 asks for, and the second differs from
// the first by the widget alone.
func TestPolicies(t *testing.T) {
	t.Parallel()
	for _, want := range []string{
		"default-src 'none'", "script-src 'self'", "style-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'",
		"object-src 'none'", "require-trusted-types-for 'script'",
	} {
		if !strings.Contains(policy, want) || strings.Contains(policy+widgetPolicy, "unsafe") {
			t.Errorf("policy %q", policy)
		}
	}
	widget := strings.NewReplacer(" https://telegram.org", "", "; frame-src https://oauth.telegram.org", "").Replace(widgetPolicy)
	if widget != policy || widgetPolicy == policy {
		t.Errorf("the widget's policy is %q", widgetPolicy)
	}
}
