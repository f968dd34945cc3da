package sandbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/provider/providertest"
	"github.com/siptg/portal/internal/provider/sandbox"
)

const (
	apiKey  = "sk_sandbox_canary"
	secret  = "whsec_sandbox_canary"
	account = "acct_portal"
)

var day = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// site is a sandbox, the portal's adapter, and a portal that takes webhooks.
type site struct {
	*testing.T
	*sandbox.Server
	adapter *sandbox.Adapter
	api     *httptest.Server
	log     *safeBuffer

	mu       sync.Mutex
	clock    time.Time
	received []payment.RawWebhook
	answer   int // to webhooks
	came     chan struct{}
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func (s *site) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clock
}

func (s *site) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock = s.clock.Add(d)
}

func newSite(t *testing.T) *site { return newSiteWith(t, "", 10*time.Second) }

// newSiteHolding has timeouts that are short.
func newSiteHolding(t *testing.T, hold time.Duration) *site { return newSiteWith(t, "", hold) }

func newSiteWith(t *testing.T, book string, hold time.Duration) *site {
	t.Helper()
	s := &site{T: t, clock: day, answer: http.StatusOK, log: &safeBuffer{}, came: make(chan struct{}, 100)}
	portal := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.received = append(s.received, payment.RawWebhook{Body: body, Header: r.Header, ReceivedAt: s.clock})
		w.WriteHeader(s.answer)
		s.came <- struct{}{}
	}))
	t.Cleanup(portal.Close)
	var handler http.Handler
	s.api = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(s.api.Close)
	server, err := sandbox.NewServer(sandbox.Options{
		Key: apiKey, Secret: secret, Account: account, WebhookURL: portal.URL + "/webhooks/sandbox", PublicURL: s.api.URL, Book: book,
		Client: portal.Client(), Now: s.now, Log: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Hold: hold, Slow: time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	handler, s.Server = server, server
	s.adapter = s.with(s.api.URL, apiKey)
	return s
}

func (s *site) with(address, key string) *sandbox.Adapter {
	return sandbox.New(sandbox.Config{
		BaseURL: address, Account: account, Key: key, WebhookSecret: secret, Client: &http.Client{Timeout: 5 * time.Second},
	})
}

// webhooks delivers and returns what came since the last call.
func (s *site) webhooks() []payment.RawWebhook {
	s.Deliver(s.Context())
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.received
	s.received = nil
	return out
}

func (s *site) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *site) card(c sandbox.Card) string {
	s.Helper()
	ref, err := s.SaveCard(c)
	s.must(err)
	return ref
}

func TestContract(t *testing.T) {
	t.Parallel()
	behaviours := map[providertest.Behaviour]sandbox.Card{
		providertest.Pays: sandbox.CardOK, providertest.Declines: sandbox.CardDeclines, providertest.Insufficient: sandbox.CardInsufficient,
		providertest.Confirms: sandbox.CardConfirm, providertest.Later: sandbox.CardLater,
	}
	troubles := map[providertest.Trouble]sandbox.FaultKind{
		providertest.TimeoutBefore: sandbox.TimeoutBefore, providertest.TimeoutAfter: sandbox.TimeoutAfter, providertest.ErrorAfter: sandbox.ErrorAfter,
		providertest.RateLimit: sandbox.RateLimit, providertest.Truncated: sandbox.Truncated, providertest.WrongBody: sandbox.WrongBody,
	}
	providertest.Run(t, func(t *testing.T) providertest.Fixture {
		s := newSite(t)
		closed := httptest.NewServer(http.NotFoundHandler())
		closed.Close()
		return providertest.Fixture{
			Provider: s.adapter, Unreachable: s.with(closed.URL, apiKey), Refused: s.with(s.api.URL, "sk_other"), Now: day,
			Pay: func(t *testing.T, c payment.Checkout) {
				if err := s.Press(path.Base(c.PayerURL), "pay", sandbox.CardOK, false); err != nil {
					t.Fatal(err)
				}
			},
			Method: func(_ *testing.T, b providertest.Behaviour) string { return s.card(behaviours[b]) },
			Trouble: func(t *testing.T, kind providertest.Trouble) {
				if err := s.Inject(sandbox.Fault{Kind: troubles[kind]}); err != nil {
					t.Fatal(err)
				}
			},
			Effect: func(_ *testing.T, id payment.ID) (e providertest.Effect) {
				for _, entry := range s.Book() {
					if entry.Reference == string(id) {
						e.Captures += len(entry.Captures)
						e.Captured += entry.Captured()
						e.Refunds += len(entry.Refunds)
						e.Refunded += entry.Refunded()
					}
				}
				return e
			},
			Webhooks: func(*testing.T) []payment.RawWebhook { return s.webhooks() },
			Forge: func(w payment.RawWebhook) payment.RawWebhook {
				w.Header = map[string][]string{sandbox.SignatureHeader: {sandbox.Sign("whsec_other", w.Body, w.ReceivedAt)}}
				return w
			},
			Output: s.log.String, Secrets: []string{apiKey, secret},
		}
	})
}

// The scheme is that of Stripe, whose published vector it passes.
func TestSignatureVector(t *testing.T) {
	t.Parallel()
	got := sandbox.Sign("whsec_test_secret", []byte(`{"id":"evt_1","object":"event"}`), time.Unix(1795305600, 0))
	if want := "t=1795305600,v1=7c9e3913ab71cdfbf07b979dc9b167e850cd6a65b65d5d1fe457970fb956bf9a"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func (s *site) charge(id payment.ID, attempt int, card sandbox.Card) payment.Result {
	return s.adapter.ChargeSaved(s.Context(), payment.ChargeRequest{
		PaymentID: id, Key: payment.Key(string(id), payment.OpCharge, attempt), Amount: eur, MethodRef: s.card(card),
	})
}

func (s *site) look(id payment.ID) payment.Snapshot {
	s.Helper()
	v, r := s.adapter.Lookup(s.Context(), "", id)
	if r.Outcome != payment.OutcomeSucceeded {
		s.Fatalf("look-up: %s %s", r.Outcome, r.Detail)
	}
	return v
}

var eur = money.Of(2500, "EUR")

func TestCardsByName(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for i, tt := range []struct {
		card sandbox.Card
		want payment.Outcome
		code string
	}{
		{sandbox.CardOK, payment.OutcomeSucceeded, ""},
		{sandbox.CardDeclines, payment.OutcomeDeclined, "card_declined"},
		{sandbox.CardInsufficient, payment.OutcomeDeclined, "insufficient_funds"},
		{sandbox.CardEmpties, payment.OutcomeDeclined, "insufficient_funds"},
		{sandbox.CardConfirm, payment.OutcomeActionRequired, ""},
		{sandbox.CardExpires, payment.OutcomeSucceeded, ""},
		{sandbox.CardLater, payment.OutcomePending, ""},
	} {
		r := s.charge(payment.ID(fmt.Sprint("p", i)), 1, tt.card)
		if r.Outcome != tt.want || r.Decline != nil && r.Decline.Code != tt.code {
			t.Errorf("%s: %s %+v %s", tt.card, r.Outcome, r.Decline, r.Detail)
		}
	}
	// Until the last day of next month, 31 December.
	for passed, want := range map[time.Duration]payment.Outcome{38 * 24 * time.Hour: payment.OutcomeSucceeded, 39 * 24 * time.Hour: payment.OutcomeDeclined} {
		s := newSite(t)
		ref := s.card(sandbox.CardExpires)
		s.pass(passed)
		r := s.adapter.ChargeSaved(t.Context(), payment.ChargeRequest{PaymentID: "p", Key: "k", Amount: eur, MethodRef: ref})
		if r.Outcome != want {
			t.Errorf("after %s: %s, want %s", passed, r.Outcome, want)
		}
	}
	if _, err := s.SaveCard("gold"); err == nil {
		t.Error("a card of an unknown name was saved")
	}
}

// A declined charge is tried again under the next key; the view sums up.
func TestTheNextAttempt(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if r := s.charge("p", 1, sandbox.CardInsufficient); r.Outcome != payment.OutcomeDeclined || !r.Decline.Retryable {
		t.Fatalf("%s %s", r.Outcome, r.Detail)
	}
	if v := s.look("p"); v.State != payment.Failed {
		t.Errorf("%s", v.State)
	}
	r := s.charge("p", 2, sandbox.CardOK)
	if v := s.look("p"); r.Outcome != payment.OutcomeSucceeded || v.State != payment.Succeeded || v.Received != eur || v.Ref != r.Ref {
		t.Errorf("%s, %+v", r.Outcome, v)
	}
	// Two captures of one payment are not hidden: the portal has to see them.
	s.charge("p", 3, sandbox.CardOK)
	if v := s.look("p"); v.Received.Amount != 2*eur.Amount {
		t.Errorf("received %s", v.Received)
	}
}

func TestLaterAndChargebacks(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.charge("p", 1, sandbox.CardLater)
	s.charge("q", 1, sandbox.CardLater)
	s.must(s.Settle("p", true))
	s.must(s.Settle("q", false))
	if p, q := s.look("p"), s.look("q"); p.State != payment.Succeeded || p.Received != eur || q.State != payment.Failed {
		t.Errorf("%s, %s", p.State, q.State)
	}
	if err := s.Settle("p", true); err == nil {
		t.Error("settled twice")
	}
	if err := s.Chargeback("q", 0, ""); err == nil {
		t.Error("a chargeback of a payment without money")
	}
	s.must(s.Chargeback("p", 0, ""))
	if v := s.look("p"); v.State != payment.Succeeded || v.Disputed != eur || len(v.Disputes) != 1 || v.Disputes[0].State != payment.DisputeOpen {
		t.Errorf("%+v", v)
	}
	if r := s.adapter.Refund(t.Context(), payment.RefundRequest{PaymentID: "p", RefundID: "r", Key: "k", Amount: eur}); r.Outcome != payment.OutcomeDeclined {
		t.Errorf("a refund of what was charged back: %s %s", r.Outcome, r.Detail)
	}
	s.must(s.Chargeback("p", 0, payment.DisputeWon))
	if v := s.look("p"); v.Disputed.Amount != 0 || v.Disputes[0].State != payment.DisputeWon {
		t.Errorf("%+v", v)
	}
	if err := s.Chargeback("p", 0, payment.DisputeLost); err == nil {
		t.Error("lost after it was won")
	}
	s.charge("r", 1, sandbox.CardOK)
	if r := s.adapter.Refund(t.Context(), payment.RefundRequest{PaymentID: "r", RefundID: "all", Key: "all", Amount: eur}); r.Outcome != payment.OutcomeSucceeded {
		t.Fatalf("refund: %s %s", r.Outcome, r.Detail)
	}
	if err := s.Chargeback("r", 0, ""); err == nil {
		t.Error("a chargeback of what was given back")
	}
}

func TestWrongAmountsAreSeen(t *testing.T) {
	t.Parallel()
	for _, kind := range []sandbox.FaultKind{sandbox.WrongAmount, sandbox.WrongCurrency} {
		s := newSite(t)
		s.must(s.Inject(sandbox.Fault{Kind: kind, On: "charge"}))
		r := s.charge("p", 1, sandbox.CardOK)
		p := payment.Payment{ID: "p", State: payment.Created, Amount: eur, AttemptNo: 1, SentAt: day, RepeatUntil: day.Add(time.Hour)}
		p, effects, err := payment.ApplyResult(p, payment.OpCharge, r)
		if err != nil || p.State != payment.Created || p.Parked != payment.AlertAmountMismatch || len(effects) != 1 {
			t.Errorf("%s: %s, parked %q, %v", kind, p.State, p.Parked, err)
		}
		// The next look is right, and settles.
		if p, _, err = payment.Apply(p, s.look("p")); err != nil || p.State != payment.Succeeded {
			t.Errorf("%s: %s, %v", kind, p.State, err)
		}
	}
}

func TestSlowAnswersCome(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.must(s.Inject(sandbox.Fault{Kind: sandbox.Slow}))
	if r := s.charge("p", 1, sandbox.CardOK); r.Outcome != payment.OutcomeSucceeded {
		t.Errorf("%s %s", r.Outcome, r.Detail)
	}
}

func TestFaultsAreCheckedAndForgotten(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, f := range []sandbox.Fault{{Kind: "earthquake"}, {Kind: sandbox.RateLimit, On: "payday"}, {Kind: sandbox.WebhookLost, On: "charge"}} {
		if err := s.Inject(f); err == nil {
			t.Errorf("%+v was taken", f)
		}
	}
	s.must(s.Inject(sandbox.Fault{Kind: sandbox.RateLimit, On: "refund"})) // not for charges
	if r := s.charge("p", 1, sandbox.CardOK); r.Outcome != payment.OutcomeSucceeded {
		t.Errorf("%s %s", r.Outcome, r.Detail)
	}
	s.must(s.Inject(sandbox.Fault{Kind: sandbox.RateLimit, Times: 2}))
	for i, want := range []payment.Outcome{payment.OutcomeNotSent, payment.OutcomeNotSent, payment.OutcomeSucceeded} {
		if r := s.charge("q", i+1, sandbox.CardOK); r.Outcome != want {
			t.Errorf("request %d: %s %s", i, r.Outcome, r.Detail)
		}
	}
	s.must(s.Inject(sandbox.Fault{Kind: sandbox.RateLimit, Times: 5}))
	s.Heal()
	if r := s.charge("r", 1, sandbox.CardOK); r.Outcome != payment.OutcomeSucceeded {
		t.Errorf("healed: %s %s", r.Outcome, r.Detail)
	}
}

// accepted parses webhooks as the portal would and returns the keys of those it
// believes.
func (s *site) accepted(sent []payment.RawWebhook) (keys []string, refused int) {
	for _, w := range sent {
		events, err := s.adapter.ParseWebhook(s.Context(), w)
		if err != nil {
			refused++
		}
		for _, e := range events {
			keys = append(keys, e.Key)
		}
	}
	return keys, refused
}

func TestFaultsOfWebhooks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind                     sandbox.FaultKind
		sent, accepted, distinct int
		refused                  int
	}{
		{"", 1, 1, 1, 0},
		{sandbox.WebhookDuplicate, 2, 2, 1, 0},
		{sandbox.WebhookLost, 0, 0, 0, 0},
		{sandbox.WebhookWrongSignature, 1, 0, 0, 1},
		{sandbox.WebhookOld, 1, 0, 0, 1},
		{sandbox.WebhookOtherAccount, 2, 1, 1, 1},
		{sandbox.WebhookWrongAmount, 1, 1, 1, 0},
		{sandbox.WebhookReversed, 0, 0, 0, 0}, // waits for a second one
	} {
		s := newSite(t)
		if tt.kind != "" {
			s.must(s.Inject(sandbox.Fault{Kind: tt.kind}))
		}
		s.charge("p", 1, sandbox.CardOK)
		sent := s.webhooks()
		keys, refused := s.accepted(sent)
		distinct := map[string]bool{}
		for _, k := range keys {
			distinct[k] = true
		}
		if len(sent) != tt.sent || len(keys) != tt.accepted || len(distinct) != tt.distinct || refused != tt.refused {
			t.Errorf("%s: %d sent, %d accepted, %d distinct, %d refused; want %d, %d, %d, %d",
				tt.kind, len(sent), len(keys), len(distinct), refused, tt.sent, tt.accepted, tt.distinct, tt.refused)
		}
		if more := s.webhooks(); len(more) != 0 {
			t.Errorf("%s: %d more", tt.kind, len(more))
		}
	}
}

func TestWebhooksComeInReverse(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.must(s.Inject(sandbox.Fault{Kind: sandbox.WebhookReversed}))
	s.charge("p", 1, sandbox.CardOK)
	s.charge("q", 1, sandbox.CardOK)
	var order []string
	for _, w := range s.webhooks() {
		events, err := s.adapter.ParseWebhook(t.Context(), w)
		s.must(err)
		order = append(order, string(events[0].PaymentID))
	}
	if got := strings.Join(order, " "); got != "q p" {
		t.Errorf("order %q", got)
	}
}

func TestAWebhookMayComeBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.must(s.Inject(sandbox.Fault{Kind: sandbox.WebhookFirst}))
	s.charge("p", 1, sandbox.CardOK)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.received) != 1 {
		t.Errorf("%d webhooks before the answer", len(s.received))
	}
}

func TestWebhooksAreSentUntilConfirmed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.answer = http.StatusServiceUnavailable
	s.charge("p", 1, sandbox.CardOK)
	total := 0
	for range 20 {
		total += len(s.webhooks())
		s.pass(49 * time.Hour)
	}
	if total != 8 {
		t.Errorf("sent %d times, want 8: then it is given up", total)
	}
	s.charge("q", 1, sandbox.CardOK)
	s.webhooks()
	s.mu.Lock()
	s.answer = http.StatusOK
	s.mu.Unlock()
	s.pass(time.Minute)
	if n := len(s.webhooks()); n != 1 {
		t.Errorf("%d after a failure", n)
	}
	s.pass(time.Hour)
	if n := len(s.webhooks()); n != 0 {
		t.Errorf("%d after it was confirmed", n)
	}
}

// The judge survives: its book is on the disk before it answers.
func TestTheBookSurvives(t *testing.T) {
	t.Parallel()
	book := t.TempDir() + "/book"
	s := newSiteWith(t, book, time.Second)
	card := s.card(sandbox.CardOK)
	request := payment.ChargeRequest{PaymentID: "p", Key: "k", Amount: eur, MethodRef: card}
	first := s.adapter.ChargeSaved(t.Context(), request)
	// A line that a crash cut off.
	file, err := os.OpenFile(book, os.O_APPEND|os.O_WRONLY, 0)
	s.must(err)
	_, err = file.WriteString(`{"entry":{"id":"pay_torn","ref`)
	s.must(err)
	s.must(file.Close())

	again := newSiteWith(t, book, time.Second) // the first one never closed it
	r := again.adapter.ChargeSaved(t.Context(), request)
	if r.Outcome != payment.OutcomeSucceeded || r.Ref != first.Ref || len(again.Book()) != 1 {
		t.Errorf("%s %s: %q and %q, %d entries", r.Outcome, r.Detail, first.Ref, r.Ref, len(again.Book()))
	}
	if v := again.look("p"); !v.AsOf.After(day) || v.Received != eur {
		t.Errorf("%+v", v)
	}
	if n := len(again.webhooks()); n != 1 {
		t.Errorf("%d webhooks after the restart", n)
	}
	request.PaymentID, request.Key = "q", "k2"
	if r := again.adapter.ChargeSaved(t.Context(), request); r.Outcome != payment.OutcomeSucceeded {
		t.Errorf("the saved card is gone: %s %s", r.Outcome, r.Detail)
	}
}

// Webhooks go out by themselves.
func TestRun(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Server.Run(ctx)
	}()
	s.charge("p", 1, sandbox.CardOK)
	<-s.came
	cancel()
	<-done
}

// call is a request that no adapter makes.
func (s *site) call(verb, path, key, idempotency, body string) (int, string) {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), verb, s.api.URL+path, strings.NewReader(body))
	s.must(err)
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Idempotency-Key", idempotency)
	resp, err := s.api.Client().Do(r)
	s.must(err)
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	s.must(err)
	return resp.StatusCode, string(data)
}

func TestTheAPIRefuses(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	charge := `{"reference":"p","amount_minor":2500,"currency":"EUR","method":"` + s.card(sandbox.CardOK) + `"}`
	checkout := `{"reference":"p","amount_minor":2500,"currency":"EUR","return_url":"%s"}`
	for _, tt := range []struct {
		verb, path, key, idempotency, body string
		want                               int
	}{
		{"POST", "/v1/charges", "", "k", charge, 401},
		{"POST", "/v1/charges", apiKey + "x", "k", charge, 401},
		{"POST", "/v1/charges", apiKey, "", charge, 400},
		{"POST", "/v1/charges", apiKey, "k", strings.Replace(charge, "2500", "0", 1), 400},
		{"POST", "/v1/charges", apiKey, "k", strings.Replace(charge, "2500", "25.5", 1), 400},
		{"POST", "/v1/charges", apiKey, "k", strings.Replace(charge, "EUR", "eur", 1), 400},
		{"POST", "/v1/charges", apiKey, "k", strings.Replace(charge, "method", "card", 1), 400},
		{"POST", "/v1/charges", apiKey, "k", strings.Replace(charge, "card_", "bank_", 1), 400},
		{"POST", "/v1/checkouts", apiKey, "k", fmt.Sprintf(checkout, "javascript:alert(1)"), 400},
		{"POST", "/v1/checkouts", apiKey, "k", fmt.Sprintf(checkout, ""), 400},
		{"POST", "/v1/refunds", apiKey, "k", `{"reference":"p","amount_minor":1,"currency":"EUR"}`, 400},
		{"POST", "/v1/refunds", apiKey, "k", `{"reference":"p","amount_minor":1,"currency":"EUR","refund":"r"}`, 402},
		{"POST", "/v1/cancel", apiKey, "k2", `{"id":"pay_none"}`, 404},
		{"GET", "/v1/payments?reference=p", apiKey, "", "", 404},
		{"GET", "/v1/payments?reference=p", "", "", "", 401},
		{"GET", "/v1/book", "", "", "", 401},
		{"GET", "/v1/checkouts/pay_none", "", "", "", 404},
		{"POST", "/v1/checkouts/pay_none", "", "", "", 404},
		{"POST", "/_ctl/faults", "", "", `{"kind":"rate_limit"}`, 401},
		{"POST", "/_ctl/faults", apiKey, "", `{"kind":"earthquake"}`, 400},
		{"POST", "/_ctl/faults", apiKey, "", `{`, 400},
		{"DELETE", "/_ctl/faults", "", "", "", 401},
		{"POST", "/_ctl/methods", apiKey, "", `{"card":"gold"}`, 400},
		{"POST", "/_ctl/settle", apiKey, "", `{"reference":"p"}`, 400},
		{"POST", "/_ctl/chargebacks", apiKey, "", `{"reference":"p"}`, 400},
		// The refund was answered; its key means that and nothing else.
		{"POST", "/v1/charges", apiKey, "k", charge, 409},
	} {
		if got, body := s.call(tt.verb, tt.path, tt.key, tt.idempotency, tt.body); got != tt.want {
			t.Errorf("%s %s %s: %d %s, want %d", tt.verb, tt.path, tt.body, got, body, tt.want)
		}
	}
	if len(s.Book()) != 0 {
		t.Errorf("the book has %d entries", len(s.Book()))
	}
}

// What tests do in the same process, another process does by HTTP.
func TestControlByHTTP(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	status, body := s.call("POST", "/_ctl/methods", apiKey, "", `{"card":"later"}`)
	var saved struct{ Result string }
	if err := json.Unmarshal([]byte(body), &saved); err != nil || status != http.StatusOK || saved.Result == "" {
		t.Fatalf("%d %s", status, body)
	}
	s.adapter.ChargeSaved(t.Context(), payment.ChargeRequest{PaymentID: "p", Key: "k", Amount: eur, MethodRef: saved.Result})
	for _, tt := range []struct{ verb, path, body string }{
		{"POST", "/_ctl/settle", `{"reference":"p","succeed":true}`},
		{"POST", "/_ctl/chargebacks", `{"reference":"p","amount_minor":500}`},
		{"POST", "/_ctl/faults", `{"kind":"rate_limit","on":"lookup","times":9}`},
		{"DELETE", "/_ctl/faults", ""},
	} {
		if status, body := s.call(tt.verb, tt.path, apiKey, "", tt.body); status != http.StatusOK {
			t.Errorf("%s %s: %d %s", tt.verb, tt.path, status, body)
		}
	}
	if v := s.look("p"); v.Received != eur || v.Disputed.Amount != 500 {
		t.Errorf("%+v", v)
	}
	if status, body := s.call("GET", "/v1/book", apiKey, "", ""); status != http.StatusOK || !strings.Contains(body, `"reference":"p"`) {
		t.Errorf("%d %s", status, body)
	}
}
