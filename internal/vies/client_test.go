package vies_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/siptg/portal/internal/vat"
	"github.com/siptg/portal/internal/vies"
	"github.com/siptg/portal/internal/vies/fake"
)

var (
	seller = vat.ID{Prefix: "LT", Number: "119511515"}
	buyer  = vat.ID{Prefix: "DE", Number: "136695976"}
)

// at is a clock of a test.
type at struct{ nanos atomic.Int64 }

func (a *at) Now() time.Time          { return time.Unix(0, a.nanos.Load()) }
func (a *at) advance(d time.Duration) { a.nanos.Add(int64(d)) }

// asking returns a client of a server, which waits by moving the clock.
func asking(t *testing.T, h http.Handler) (*vies.Client, *at) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	clock := &at{}
	clock.nanos.Store(time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC).UnixNano())
	c, err := vies.New(vies.Config{
		BaseURL: server.URL, Requester: seller, Program: "portal/test", Now: clock.Now,
		Wait: func(ctx context.Context, d time.Duration) error { clock.advance(d); return ctx.Err() },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c, clock
}

// answering answers everything with the same bytes.
func answering(status int, kind string, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}
}

func recorded(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func codeOf(err error) string {
	if silence, ok := errors.AsType[*vat.SilenceError](err); ok {
		return silence.Code
	}
	return ""
}

// The request is that of vat.md 3.2, and the answer is read as it stands there.
func TestTheRecordedAnswer(t *testing.T) {
	t.Parallel()
	var sent map[string]string
	var header http.Header
	c, _ := asking(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/check-vat-number" {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		header = r.Header
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
			t.Error(err)
		}
		answering(http.StatusOK, "application/json", recorded(t, "valid"))(w, r)
	}))
	got, err := c.Check(t.Context(), vat.Inquiry{Number: buyer, Name: "Brenner GmbH", Street: "Torstraße 140", Postcode: "10119", City: "Berlin"})
	if err != nil {
		t.Fatal(err)
	}
	want := vat.Answer{
		Valid: true, Consultation: "WAPIAAAAY1aBcDeF", Requester: "LT119511515", Dated: "2026-11-22T10:00:00.000Z", Raw: recorded(t, "valid"),
		Program: "portal/test",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]string{
		"countryCode": "DE", "vatNumber": "136695976", "requesterMemberStateCode": "LT", "requesterNumber": "119511515",
		"traderName": "Brenner GmbH", "traderStreet": "Torstraße 140", "traderPostalCode": "10119", "traderCity": "Berlin",
	}, sent); d != "" {
		t.Error(d)
	}
	if header.Get("Content-Type") != "application/json" || header.Get("User-Agent") != "portal/test" || header.Get("Cookie") != "" {
		t.Errorf("headers %v", header)
	}
}

// What does not say yes or no in so many words is silence, whatever it looks like.
func TestNoAnswerIsSilence(t *testing.T) {
	t.Parallel()
	valid, invalid := string(recorded(t, "valid")), string(recorded(t, "invalid"))
	for name, x := range map[string]struct {
		status     int
		kind, body string
		code       string
		valid      bool
	}{
		"valid":                 {200, "application/json", valid, "", true},
		"invalid":               {200, "application/json", invalid, "", false},
		"with a charset":        {200, "application/json;charset=UTF-8", valid, "", true},
		"the number left out":   {200, "application/json", `{"valid":false}`, "", false},
		"silence with 200":      {200, "application/json", string(recorded(t, "silent")), "MS_UNAVAILABLE", false},
		"silence beside a true": {200, "application/json", `{"valid":true,"actionSucceed":false,"errorWrappers":[{"error":"MS_MAX_CONCURRENT_REQ","message":"x"}]}`, "MS_MAX_CONCURRENT_REQ", false},
		"silence with 500":      {500, "application/json", `{"actionSucceed":false,"errorWrappers":[{"error":"TIMEOUT"}]}`, "TIMEOUT", false},
		"no code":               {200, "application/json", `{"actionSucceed":false}`, "REFUSED", false},
		"a code of tomorrow":    {200, "application/json", `{"actionSucceed":false,"errorWrappers":[{"error":"NEW\n<b>"}]}`, "REFUSED", false},
		"several codes":         {200, "application/json", `{"actionSucceed":false,"errorWrappers":[{"error":"?"},{"error":"IP_BLOCKED"}]}`, "IP_BLOCKED", false},
		"no verdict":            {200, "application/json", strings.Replace(valid, `"valid":true,`, "", 1), "NO_VERDICT", false},
		"a null verdict":        {200, "application/json", strings.Replace(valid, `"valid":true`, `"valid":null`, 1), "NO_VERDICT", false},
		"a verdict in words":    {200, "application/json", strings.Replace(valid, `"valid":true`, `"valid":"true"`, 1), "NOT_JSON", false},
		"the other interface":   {200, "application/json", `{"isValid":true,"userError":"VALID"}`, "NO_VERDICT", false},
		"false that is none":    {200, "application/json", `{"valid":false,"userError":"MS_UNAVAILABLE"}`, "MS_UNAVAILABLE", false},
		"yes and no":            {200, "application/json", `{"valid":true,"userError":"INVALID"}`, "REFUSED", false},
		"another number":        {200, "application/json", strings.Replace(valid, "136695976", "136695977", 1), "OTHER_NUMBER", false},
		"another state":         {200, "application/json", strings.Replace(valid, `"DE"`, `"AT"`, 1), "OTHER_NUMBER", false},
		"an error page":         {200, "text/html", "<html>valid</html>", "NOT_JSON", false},
		"JSON that says HTML":   {200, "text/html", valid, "NOT_JSON", false},
		"no kind":               {200, "", valid, "NOT_JSON", false},
		"half":                  {200, "application/json", valid[:len(valid)/2], "NOT_JSON", false},
		"two":                   {200, "application/json", valid + valid, "NOT_JSON", false},
		"nothing":               {200, "application/json", "", "NOT_JSON", false},
		"a list":                {200, "application/json", "[]", "NOT_JSON", false},
		"true with 500":         {500, "application/json", valid, "HTTP_500", false},
		"true with 202":         {202, "application/json", valid, "HTTP_202", false},
		"a proxy's page":        {503, "text/html", "<html>", "HTTP_503", false},
		"too long":              {200, "application/json", valid + strings.Repeat(" ", 64<<10), "TOO_LONG", false},
	} {
		c, _ := asking(t, answering(x.status, x.kind, []byte(x.body)))
		got, err := c.Check(t.Context(), vat.Inquiry{Number: buyer})
		if codeOf(err) != x.code || got.Valid != x.valid || (err == nil) != (x.code == "") {
			t.Errorf("%s: %v, %v; want %t, %q", name, got.Valid, err, x.valid, x.code)
		}
	}
}

// The fake speaks the recorded shapes: the same keys, of the same kinds.
func TestTheFakeSpeaksTheRecordedShapes(t *testing.T) {
	t.Parallel()
	f := fake.NewServer(fake.Options{Now: time.Now, Prefix: "/vies"})
	for _, x := range []struct{ method, path, body, shape string }{
		{"POST", "/check-vat-number", `{"countryCode":"DE","vatNumber":"136695976","requesterMemberStateCode":"LT","requesterNumber":"119511515"}`, "valid"},
		{"POST", "/check-vat-number", `{"countryCode":"DE","vatNumber":"136695978"}`, "invalid"},
		{"POST", "/check-vat-test-service", `{"countryCode":"LT","vatNumber":"100"}`, "test_service"},
		{"POST", "/check-vat-test-service", `{"countryCode":"LT","vatNumber":"200"}`, "invalid"},
		{"POST", "/check-vat-test-service", `{"countryCode":"LT","vatNumber":"301"}`, "silent"},
		{"GET", "/check-status", "", "status"},
	} {
		w := httptest.NewRecorder()
		f.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), x.method, "/vies"+x.path, strings.NewReader(x.body)))
		if d := cmp.Diff(shapeOf(t, recorded(t, x.shape)), shapeOf(t, w.Body.Bytes())); d != "" {
			t.Errorf("%s %s: %s", x.path, x.body, d)
		}
	}
	// The test service's numbers (vat.md 3.2).
	for number, code := range map[string]string{
		"100": "", "200": "", "201": "INVALID_INPUT", "202": "INVALID_REQUESTER_INFO", "300": "SERVICE_UNAVAILABLE", "301": "MS_UNAVAILABLE",
		"302": "TIMEOUT", "400": "VAT_BLOCKED", "401": "IP_BLOCKED", "500": "GLOBAL_MAX_CONCURRENT_REQ", "501": "GLOBAL_MAX_CONCURRENT_REQ_TIME",
		"600": "MS_MAX_CONCURRENT_REQ", "601": "MS_MAX_CONCURRENT_REQ_TIME",
	} {
		w := httptest.NewRecorder()
		f.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "POST", "/vies/check-vat-test-service", strings.NewReader(`{"countryCode":"LT","vatNumber":"`+number+`"}`)))
		body := w.Body.Bytes()
		c, _ := asking(t, answering(w.Code, w.Header().Get("Content-Type"), bytes.ReplaceAll(body, []byte(`"`+number+`"`), []byte(`"119511515"`))))
		got, err := c.Check(t.Context(), vat.Inquiry{Number: seller})
		if codeOf(err) != code || got.Valid != (number == "100") || got.Consultation != "" {
			t.Errorf("%s: %+v, %v", number, got, err)
		}
	}
}

// shapeOf replaces the values of a document by their kinds.
func shapeOf(t *testing.T, body []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	var shape func(any) any
	shape = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			for k := range v {
				v[k] = shape(v[k])
			}
			return v
		case []any:
			return []any{shape(v[0])}
		case string:
			return "text"
		}
		return v != nil
	}
	return shape(v)
}

// However the register misbehaves, the client says neither yes nor no, and finds
// back as soon as it is healed.
func TestNoFaultBecomesAnAnswer(t *testing.T) {
	t.Parallel()
	for _, kind := range fake.Kinds() {
		if kind == fake.Hang { // TestAPersonDoesNotWaitLonger
			continue
		}
		f := fake.NewServer(fake.Options{Now: time.Now, Late: time.Millisecond})
		c, clock := asking(t, f)
		if err := f.Inject(fake.Fault{Kind: kind}); err != nil {
			t.Fatal(err)
		}
		got, err := c.Check(t.Context(), vat.Inquiry{Number: buyer, Urgent: true})
		if silent := codeOf(err) != ""; silent == (kind == fake.Slow) || got.Valid != (kind == fake.Slow) {
			t.Errorf("%s: %+v, %v", kind, got, err)
		}
		final := kind == "INVALID_INPUT" || kind == "VAT_BLOCKED"
		asked := len(f.Asked())
		if want := map[bool]int{true: 1, false: 3}[final || kind == fake.Slow || kind == "IP_BLOCKED"]; asked != want {
			t.Errorf("%s: asked %d times, want %d", kind, asked, want)
		}
		f.Heal()
		clock.advance(2 * time.Hour)
		if got, err := c.Check(t.Context(), vat.Inquiry{Number: buyer}); err != nil || !got.Valid {
			t.Errorf("%s, healed: %+v, %v", kind, got, err)
		}
	}
}

// A register that hangs keeps a person for five seconds, not for longer.
func TestAPersonDoesNotWaitLonger(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes five seconds")
	}
	f := fake.NewServer(fake.Options{Now: time.Now})
	c, _ := asking(t, f)
	if err := f.Inject(fake.Fault{Kind: fake.Hang}); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	_, err := c.Check(t.Context(), vat.Inquiry{Number: buyer, Urgent: true})
	if took := time.Since(began); codeOf(err) != vies.CodeNoTime || took > 6*time.Second {
		t.Errorf("%v after %s", err, took)
	}
}

// A register that is down is asked five times, then left alone: once after a
// minute, then ever more rarely. Other member states are not.
func TestAStormCannotOccur(t *testing.T) {
	t.Parallel()
	f := fake.NewServer(fake.Options{Now: time.Now})
	c, clock := asking(t, f)
	if err := f.Inject(fake.Fault{Kind: "MS_UNAVAILABLE", State: "DE"}); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		_, _ = c.Check(t.Context(), vat.Inquiry{Number: buyer, Urgent: true})
	}
	if n := len(f.Asked()); n < 5 || n > 25 { // urgent ones wait, by the clock that they move
		t.Errorf("1000 questions: asked %d times", n)
	}
	if got, err := c.Check(t.Context(), vat.Inquiry{Number: seller}); err != nil || !got.Valid {
		t.Errorf("another member state: %+v, %v", got, err)
	}
	clock.advance(time.Hour)
	before := len(f.Asked())
	for range 24 * 60 { // a day, once a minute
		_, _ = c.Check(t.Context(), vat.Inquiry{Number: buyer})
		clock.advance(time.Minute)
	}
	if n := len(f.Asked()) - before; n > 24*4+5 {
		t.Errorf("in a day: asked %d times", n)
	}
	f.Heal()
	clock.advance(15 * time.Minute)
	if got, err := c.Check(t.Context(), vat.Inquiry{Number: buyer}); err != nil || !got.Valid {
		t.Errorf("healed: %+v, %v", got, err)
	}
}

// What concerns the register as a whole rests for all member states, and a block
// for an hour.
func TestABlockIsRespected(t *testing.T) {
	t.Parallel()
	f := fake.NewServer(fake.Options{Now: time.Now})
	c, clock := asking(t, f)
	if err := f.Inject(fake.Fault{Kind: "IP_BLOCKED", Times: 1}); err != nil {
		t.Fatal(err)
	}
	_, _ = c.Check(t.Context(), vat.Inquiry{Number: buyer})
	for range 59 {
		clock.advance(time.Minute)
		if _, err := c.Check(t.Context(), vat.Inquiry{Number: seller}); codeOf(err) != vies.CodeResting {
			t.Fatal(err)
		}
	}
	clock.advance(2 * time.Minute)
	if got, err := c.Check(t.Context(), vat.Inquiry{Number: seller}); err != nil || !got.Valid {
		t.Errorf("%+v, %v", got, err)
	}
	if n := len(f.Asked()); n != 2 {
		t.Errorf("asked %d times", n)
	}
}

// Two requests about numbers of one member state run at a time.
func TestTwoAtATime(t *testing.T) {
	t.Parallel()
	var now, most atomic.Int64
	release := make(chan struct{})
	c, _ := asking(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		_, _ = io.Copy(io.Discard, r.Body)
		<-release
		answering(http.StatusOK, "application/json", recorded(t, "valid"))(w, r)
	}))
	var all sync.WaitGroup
	answers := make([]vat.Answer, 8)
	for i := range answers {
		all.Go(func() { answers[i], _ = c.Check(t.Context(), vat.Inquiry{Number: buyer}) })
	}
	for range answers {
		release <- struct{}{}
	}
	all.Wait()
	if most.Load() > 2 || slices.ContainsFunc(answers, func(a vat.Answer) bool { return !a.Valid }) {
		t.Errorf("%d at a time; %+v", most.Load(), answers)
	}
}

// Nobody is asked about a number that VIES does not know.
func TestOtherNumbersAreNotAsked(t *testing.T) {
	t.Parallel()
	c, _ := asking(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("asked") }))
	for _, number := range []string{"GB980780684", "CHE107787577IVA", "NO995525828MVA"} {
		id, err := vat.ParseID(number)
		if err != nil {
			t.Fatal(number, err)
		}
		if _, err := c.Check(t.Context(), vat.Inquiry{Number: id}); codeOf(err) != vies.CodeInvalidInput {
			t.Errorf("%s: %v", number, err)
		}
	}
}

func TestABadAddressIsRefused(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "ftp://ec.europa.eu", "https://", "ec.europa.eu"} {
		if _, err := vies.New(vies.Config{BaseURL: address, Now: time.Now}); err == nil {
			t.Errorf("%q was taken", address)
		}
	}
}
