package web

import (
	"net/http"
	"testing"
)

// Every route that changes something refuses what another site may have sent,
// and changes nothing.
func TestCrossOriginRequestsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cases := map[string]map[string]string{
		"cross-site":          {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
		"cross-site, no more": {"Sec-Fetch-Site": "cross-site"},
		"same-site":           {"Sec-Fetch-Site": "same-site", "Origin": "https://sub.127.0.0.1"},
		"null origin":         {"Origin": "null"},
		"foreign origin":      {"Origin": "https://evil.example"},
		"foreign port":        {"Origin": "http://127.0.0.1:9090"},
		"no headers":          {},
	}
	changing := 0
	for _, r := range w.web.routes() {
		if r.Method == http.MethodGet {
			continue
		}
		changing++
		request, _, _ := wantOf(r)
		c := request(w)
		for name, headers := range cases {
			for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch} {
				q := w.owner.request(http.MethodPost, c.path, c.form)
				q.Method = method
				q.Header.Del("Origin")
				q.Header.Del("Sec-Fetch-Site")
				for k, v := range headers {
					q.Header.Set(k, v)
				}
				if a := w.owner.send(q); a.status != http.StatusForbidden || len(a.header["Set-Cookie"]) != 0 {
					t.Errorf("%s %s, %s: %d", method, r.Name, name, a.status)
				}
			}
		}
	}
	if changing == 0 {
		t.Fatal("no route was tried")
	}
	// The owner is still signed in, the order still open, the name unchanged.
	if a := w.owner.get("/orders/" + w.open.Number); a.status != http.StatusOK || a.mark("status").Length() == 0 {
		t.Errorf("%d", a.status)
	}
	if o, err := w.app.Order(w.ctx(), w.owner.actor(), w.open.Number); err != nil || o.State != w.open.State {
		t.Errorf("%+v, %v", o.State, err)
	}
	var orders, payers int
	w.must(w.db.Pool().QueryRow(w.ctx(), `SELECT count(*) FROM orders WHERE payer_id = $1`, w.payer).Scan(&orders)) // others' are made for the routes about them
	w.must(w.db.Pool().QueryRow(w.ctx(), `SELECT count(*) FROM payer WHERE name = 'Changed'`).Scan(&payers))
	if orders != 3 || payers != 0 {
		t.Errorf("%d orders, %d changed payers", orders, payers)
	}
}

// What a browser sends from our own page passes, with either header alone.
func TestSameOriginRequestsPass(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for name, headers := range map[string]map[string]string{
		"fetch metadata":      {"Sec-Fetch-Site": "same-origin"},
		"origin":              {"Origin": s.public},
		"typed by the person": {"Sec-Fetch-Site": "none"},
	} {
		b := s.person(7_900_000_000_501, "Ona")
		r := b.request(http.MethodPost, "/logout", nil)
		r.Header.Del("Origin")
		r.Header.Del("Sec-Fetch-Site")
		for k, v := range headers {
			r.Header.Set(k, v)
		}
		if a := b.send(r); a.status != http.StatusSeeOther || b.token() != "" {
			t.Errorf("%s: %d", name, a.status)
		}
		s.clock.Set(s.clock.Now().Add(1e9))
	}
}
