package web

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/siptg/portal/internal/account"
)

// program is an accounting program with a key; it has no cookies.
type program struct {
	s         *site
	key       string
	ip        string
	validator validator.Validator
}

func (s *site) program(key string) *program {
	s.t.Helper()
	document, err := libopenapi.NewDocument([]byte(s.browser().get(apiDescriptor).body))
	s.must(err)
	v, errs := validator.NewValidator(document)
	if len(errs) > 0 {
		s.t.Fatal(errs)
	}
	if ok, errs := v.ValidateDocument(); !ok {
		for _, e := range errs {
			s.t.Errorf("the description is none: %s %s", e.Message, e.Reason)
		}
	}
	return &program{s: s, key: key, ip: "192.0.2.7", validator: v}
}

// get asks, and holds the answer to the description.
func (p *program) get(path string, header ...string) *answer {
	p.s.t.Helper()
	r := httptest.NewRequestWithContext(p.s.ctx(), http.MethodGet, p.s.public+path, nil)
	r.RemoteAddr = p.ip + ":40000"
	if p.key != "" {
		r.Header.Set("Authorization", "Bearer "+p.key)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	p.s.served.ServeHTTP(w, r)
	result := w.Result()
	if result.StatusCode != http.StatusNotModified && strings.Contains(result.Header.Get("Content-Type"), "json") {
		if ok, errs := p.validator.ValidateHttpResponse(r, result); !ok {
			for _, e := range errs {
				p.s.t.Errorf("%s: %d: %s %s %v", path, result.StatusCode, e.Message, e.Reason, e.SchemaValidationErrors)
			}
		}
	}
	return &answer{t: p.s.t, status: result.StatusCode, header: result.Header, body: w.Body.String()}
}

type list struct {
	Data []struct {
		ID, Number, Type string
		TotalMinor       int64 `json:"total_minor"`
		Files            map[string]string
	}
	Next string
	More bool `json:"has_more"`
}

func (p *program) list(path string) (l list) {
	p.s.t.Helper()
	a := p.get(path)
	if a.status != http.StatusOK {
		p.s.t.Fatalf("%s: %d %s", path, a.status, a.body)
	}
	p.s.must(json.Unmarshal([]byte(a.body), &l))
	return l
}

// makeKey makes a key as its owner does, in the page.
func (b *browser) makeKey(payer account.PayerID, name string) string {
	b.s.t.Helper()
	page := b.get("/billing/keys?payer=" + string(payer))
	form := page.doc().Find(`form[action="/billing/keys"] input[name=form]`).AttrOr("value", "")
	a := b.post("/billing/keys", url.Values{"payer": {string(payer)}, "name": {name}, "form": {form}})
	return strings.TrimSpace(a.mark("api-key").Text())
}

func TestAPI(t *testing.T) {
	t.Parallel()
	s, b, payer := everyKind(t)
	p := s.program(b.makeKey(payer, "Accounts"))
	all := p.list(apiInvoices)
	if len(all.Data) != 3 || all.More || all.Data[0].Number != "SIP-2026-000001" || all.Data[2].Type != "credit_note" || all.Data[1].TotalMinor != 13068 {
		t.Fatalf("%+v", all)
	}
	// Nothing new: the cursor stays.
	if again := p.list(apiInvoices + "?since=" + all.Next); len(again.Data) != 0 || again.Next != all.Next {
		t.Errorf("%+v", again)
	}
	// One by one: each once, in the same order, ids the same.
	var got []string
	since := ""
	for range 10 {
		l := p.list(apiInvoices + "?limit=1&since=" + since)
		for _, d := range l.Data {
			got = append(got, d.ID+d.Number)
		}
		if since = l.Next; !l.More {
			break
		}
	}
	var want []string
	for _, d := range all.Data {
		want = append(want, d.ID+d.Number)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	// What is known costs a header.
	a := p.get(apiInvoices)
	if again := p.get(apiInvoices, "If-None-Match", a.header.Get("ETag")); again.status != http.StatusNotModified || again.body != "" {
		t.Errorf("asked with the ETag: %d", again.status)
	}
	// Its files are those of the portal.
	for kind, suffix := range map[string]string{"pdf": ".pdf", "xml": ".xml", "ubl": ".ubl.xml"} {
		path := all.Data[0].Files[kind]
		a := p.get(path)
		if a.status != http.StatusOK || a.body != b.get("/invoices/SIP-2026-000001"+suffix).body {
			t.Errorf("%s: %d", path, a.status)
		}
		if again := p.get(path, "If-None-Match", a.header.Get("ETag")); again.status != http.StatusNotModified {
			t.Errorf("%s with the ETag: %d", path, again.status)
		}
	}
	if a := p.get(apiInvoices + "/" + all.Data[2].ID); a.status != http.StatusOK || !strings.Contains(a.body, `"corrects":{"number":"SIP-2026-000001"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	for path, status := range map[string]int{
		apiInvoices + "?since=x": 422, apiInvoices + "?since=MTox": 200, apiInvoices + "?since=MToxLDE6Mg": 422, apiInvoices + "?limit=0": 422, apiInvoices + "?limit=501": 422,
		apiInvoices + "?limit=x": 422, apiInvoices + "?limit=1&limit=2": 422, apiInvoices + "/x": 404, apiInvoices + "/" + missingID: 404, apiInvoices + "/" + missingID + ".pdf": 404,
	} {
		if a := p.get(path); a.status != status || status != 200 && a.header.Get("Content-Type") != problemType {
			t.Errorf("%s: %d %s, want %d", path, a.status, a.header.Get("Content-Type"), status)
		}
	}
}

// A key sees exactly its payer; without one, with a cookie, with another's or a
// revoked one nothing is seen.
func TestAPIKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.owner.makeKey(w.payer, "Accounts")
	p, foreign := w.program(key), w.program(w.stranger.makeKey(w.strangersPayer, "Others"))
	mine := p.list(apiInvoices)
	if len(mine.Data) != 1 || mine.Data[0].Number != w.paid.InvoiceNumber {
		t.Fatalf("%+v", mine)
	}
	if l := foreign.list(apiInvoices); len(l.Data) != 0 {
		t.Errorf("a stranger's key sees %+v", l)
	}
	missing := foreign.get(apiInvoices + "/" + missingID)
	for _, path := range mine.Data[0].Files {
		if a := foreign.get(path); a.status != http.StatusNotFound || withoutID(a) != withoutID(missing) {
			t.Errorf("%s with a stranger's key: %d", path, a.status)
		}
	}
	if a := foreign.get(apiInvoices + "/" + mine.Data[0].ID); a.status != http.StatusNotFound || withoutID(a) != withoutID(missing) {
		t.Errorf("a document with a stranger's key: %d", a.status)
	}
	for _, wrong := range []string{"", "x", key + "x", key[:len(key)-1], "sipk_", strings.ToUpper(key)} {
		if a := (&program{s: w.site, key: wrong, ip: "192.0.2.8", validator: p.validator}).get(apiInvoices); a.status != http.StatusUnauthorized ||
			!strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") || strings.Contains(a.body, w.paid.InvoiceNumber) {
			t.Errorf("the key %q: %d", wrong, a.status)
		}
	}
	if a := w.owner.get(apiInvoices); a.status != http.StatusUnauthorized {
		t.Errorf("the owner's cookie: %d", a.status)
	}
	if n := w.count(`SELECT count(*) FROM api_key WHERE key_sha256 = sha256(convert_to($1, 'UTF8'))`, key); n != 1 {
		t.Errorf("%d keys are kept by their SHA-256", n)
	}
	if strings.Contains(w.log.String(), key) {
		t.Error("the log has the key")
	}
	page := w.owner.get("/billing/keys?payer=" + string(w.payer))
	if strings.Contains(page.body, key) || page.mark("key-used").Length() != 1 {
		t.Error("the page shows the key again, or not when it was used")
	}
	id := page.mark("key").AttrOr("data-id", "")
	if a := w.owner.post("/billing/keys/"+id+"/revoke", url.Values{"payer": {string(w.payer)}}); a.status != http.StatusSeeOther {
		t.Errorf("revoke: %d", a.status)
	}
	if a := p.get(apiInvoices); a.status != http.StatusForbidden || a.header.Get("Content-Type") != problemType {
		t.Errorf("a revoked key: %d", a.status)
	}
}

// withoutID is a problem without the number of the request.
func withoutID(a *answer) string {
	before, after, _ := strings.Cut(a.body, a.header.Get("X-Request-Id"))
	return before + after
}

func TestKeysPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	form := w.owner.get("/billing/keys?payer="+string(w.payer)).doc().Find("input[name=form]").AttrOr("value", "")
	send := func(name, form string) *answer {
		return w.owner.post("/billing/keys", url.Values{"payer": {string(w.payer)}, "name": {name}, "form": {form}})
	}
	for _, name := range []string{"", strings.Repeat("x", 61)} {
		if a := send(name, form); a.status != http.StatusUnprocessableEntity || a.mark("error").AttrOr("data-field", "") != "name" || a.doc().Find("input[name=name]").AttrOr("value", "x") != name {
			t.Errorf("the name %q: %d", name, a.status)
		}
	}
	if a := send("Accounts", "x"); a.status != http.StatusUnprocessableEntity {
		t.Errorf("a form that is none: %d", a.status)
	}
	first := send("Accounts", form)
	if first.status != http.StatusOK || !strings.HasPrefix(first.mark("api-key").Text(), "sipk_") {
		t.Fatalf("%d %s", first.status, first.body)
	}
	// Sent again, as by the button "reload": no second key.
	if a := send("Accounts", form); a.status != http.StatusConflict || a.doc().Find(`[data-testid="api-key"]`).Length() != 0 {
		t.Errorf("sent again: %d", a.status)
	}
	if n := w.count(`SELECT count(*) FROM api_key`); n != 1 {
		t.Errorf("%d keys", n)
	}
	for range 19 {
		w.owner.makeKey(w.payer, "More")
	}
	form = w.owner.get("/billing/keys?payer="+string(w.payer)).doc().Find("input[name=form]").AttrOr("value", "")
	if a := send("Too many", form); a.status != http.StatusConflict {
		t.Errorf("the 21st key: %d", a.status)
	}
	if n := w.count(`SELECT count(*) FROM audit WHERE action = 'api_key.made' AND payer_id = $1`, string(w.payer)); n != 20 {
		t.Errorf("%d audit rows", n)
	}
}

func TestAPILimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.program(w.owner.makeKey(w.payer, "Accounts"))
	for i := range apiPerMinute + 1 {
		if a := p.get(apiInvoices + "?limit=1"); (i < apiPerMinute) != (a.status == http.StatusOK) {
			t.Fatalf("request %d: %d", i+1, a.status)
		} else if a.status != http.StatusOK && (a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" || a.header.Get("Content-Type") != problemType) {
			t.Errorf("%d %v", a.status, a.header)
		}
	}
	w.clock.Set(w.clock.Now().Add(time.Minute))
	if a := p.get(apiInvoices); a.status != http.StatusOK {
		t.Errorf("a minute later: %d", a.status)
	}
	guessing := &program{s: w.site, key: "sipk_guess", ip: "192.0.2.9", validator: p.validator}
	for i := range apiWrongKeys + 1 {
		want := http.StatusUnauthorized
		if i == apiWrongKeys {
			want = http.StatusTooManyRequests
		}
		if a := guessing.get(apiInvoices); a.status != want {
			t.Errorf("guess %d: %d", i+1, a.status)
		}
	}
}
