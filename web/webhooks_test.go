package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/siptg/portal/internal/provider/sandbox"
)

// webhook sends a webhook as a provider would: no cookie, no origin, no form.
func (s *site) webhook(provider, body, signature string) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.ctx(), http.MethodPost, s.public+"/webhooks/"+provider, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(sandbox.SignatureHeader, signature)
	w := httptest.NewRecorder()
	s.served.ServeHTTP(w, r)
	return w
}

func (s *site) sign(body string) string {
	return sandbox.Sign(sandbox.DemoSecret, []byte(body), s.clock.Now())
}

func (s *site) inbox() (n int) {
	s.t.Helper()
	s.must(s.db.Pool().QueryRow(s.ctx(), `SELECT count(*) FROM webhook_inbox`).Scan(&n))
	return n
}

func TestWebhooks(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const event = `{"id":"evt_1","type":"payment.succeeded","account":"acct_demo","payment":{"id":"pay_1","reference":"x"}}`
	for range 3 { // the same event again is confirmed and kept once
		if w := s.webhook("sandbox", event, s.sign(event)); w.Code != http.StatusOK || w.Body.Len() != 0 {
			t.Errorf("signed: %d %q", w.Code, w.Body)
		}
	}
	if n := s.inbox(); n != 1 {
		t.Errorf("%d webhooks kept", n)
	}
	for name, signature := range map[string]string{
		"none": "", "of another body": s.sign(event + " "), "of another secret": sandbox.Sign("x", []byte(event), s.clock.Now()),
		"ten minutes old": sandbox.Sign(sandbox.DemoSecret, []byte(event), s.clock.Now().Add(-10*time.Minute)),
	} {
		if w := s.webhook("sandbox", event, signature); w.Code != http.StatusBadRequest || w.Body.Len() != 0 {
			t.Errorf("signature %s: %d %q", name, w.Code, w.Body)
		}
	}
	if w := s.webhook("stripe", event, s.sign(event)); w.Code != http.StatusNotFound {
		t.Errorf("a provider that is not configured: %d", w.Code)
	}
	// Larger than a form, smaller than a webhook may be; and larger than that.
	large := `{"id":"evt_2","account":"acct_demo","payment":{"id":"pay_1","reference":"` + strings.Repeat("x", 100<<10) + `"}}`
	if w := s.webhook("sandbox", large, s.sign(large)); w.Code != http.StatusOK {
		t.Errorf("100 KiB: %d", w.Code)
	}
	huge := strings.Repeat("x", maxWebhook+1)
	if w := s.webhook("sandbox", huge, s.sign(huge)); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("too large: %d", w.Code)
	}
	if n := s.inbox(); n != 2 {
		t.Errorf("%d webhooks kept", n)
	}
}

// Webhooks have a limit of their own: neither uses up the other's.
func TestWebhooksAreLimited(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *Config) { c.Limits.Webhooks, c.Limits.Requests = 3, 3 })
	for i := range 5 {
		want := http.StatusBadRequest
		if i >= 3 {
			want = http.StatusTooManyRequests
		}
		if w := s.webhook("sandbox", "{}", ""); w.Code != want {
			t.Errorf("webhook %d: %d", i, w.Code)
		}
	}
	b := s.browser()
	for i := range 3 {
		if a := b.get("/healthz"); a.status != http.StatusOK {
			t.Errorf("request %d: %d", i, a.status)
		}
	}
}
