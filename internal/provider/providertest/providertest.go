package providertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
)

// Behaviour is what a saved method does when it is charged.
type Behaviour string

// The behaviours.
const (
	Pays         Behaviour = "pays"
	Declines     Behaviour = "declines"     // for good
	Insufficient Behaviour = "insufficient" // another day it may pay
	Confirms     Behaviour = "confirms"     // the payer has to come
	Later        Behaviour = "later"        // accepted, the end comes later
)

// Trouble is what happens to the next request.
type Trouble string

// The troubles.
const (
	TimeoutBefore Trouble = "timeout before processing"
	TimeoutAfter  Trouble = "timeout after success"
	ErrorAfter    Trouble = "500 after success"
	RateLimit     Trouble = "429"
	Truncated     Trouble = "truncated answer"
	WrongBody     Trouble = "somebody else's answer"
)

// Effect is what a provider's own book says about a payment.
type Effect struct {
	Captures int
	Captured money.Amount
	Refunds  int
	Refunded money.Amount
}

// Fixture is a provider that does what a test wants.
type Fixture struct {
	Provider    app.PaymentProvider
	Unreachable app.PaymentProvider // the same adapter, where nobody listens
	Refused     app.PaymentProvider // the same adapter with a key that is wrong
	Now         time.Time           // of the provider's clock

	Pay      func(t *testing.T, c payment.Checkout)        // the payer pays
	Method   func(t *testing.T, b Behaviour) (ref string)  // saved; nil without SavedCharge
	Trouble  func(t *testing.T, kind Trouble)              // nil where a provider cannot be made to fail
	Effect   func(t *testing.T, id payment.ID) Effect      // the judge
	Webhooks func(t *testing.T) []payment.RawWebhook       // sent since the last call
	Forge    func(w payment.RawWebhook) payment.RawWebhook // the same signed by somebody else
	Output   func() string                                 // all that was logged
	Secrets  []string                                      // that must not stand there
}

// amount is what the tests pay.
var amount = money.Of(2500, "EUR")

// Run tests an adapter. make is called for each test.
func Run(t *testing.T, make func(*testing.T) Fixture) {
	for name, test := range map[string]func(*suite){
		"capabilities tell the truth":          (*suite).capabilities,
		"a checkout from page to payment":      (*suite).checkout,
		"each outcome of a charge":             (*suite).outcomes,
		"the same key has one effect":          (*suite).sameKey,
		"troubles become the right outcomes":   (*suite).troubles,
		"nobody there, or wrong key":           (*suite).unreachable,
		"a payment that nobody knows":          (*suite).absent,
		"a view is the whole, again and again": (*suite).views,
		"refunds":                              (*suite).refunds,
		"a list of what changed":               (*suite).list,
		"cancel":                               (*suite).cancel,
		"webhooks":                             (*suite).webhooks,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &suite{T: t, f: make(t)}
			test(s)
			s.secrets()
		})
	}
}

type suite struct {
	*testing.T
	f    Fixture
	n    int
	seen []string // what came back, for the search for secrets
}

func (s *suite) saw(r payment.Result) payment.Result {
	s.seen = append(s.seen, fmt.Sprintf("%+v %+v %+v", r, r.Decline, r.Snapshot))
	return r
}

func (s *suite) id() payment.ID {
	s.n++
	return payment.ID(fmt.Sprintf("%08d-1111-4111-8111-111111111111", s.n))
}

func (s *suite) secrets() {
	s.Helper()
	all := strings.Join(s.seen, "\n") + s.f.Output() + fmt.Sprintf("%v %+v %#v", s.f.Provider, s.f.Provider, s.f.Provider)
	for _, secret := range s.f.Secrets {
		if strings.Contains(all, secret) {
			s.Errorf("the secret %.4s… stands in answers, logs or the printed adapter", secret)
		}
	}
}

func (s *suite) capabilities() {
	c := s.f.Provider.Capabilities()
	_, charges := s.f.Provider.(app.SavedCharger)
	_, refunds := s.f.Provider.(app.Refunder)
	_, cancels := s.f.Provider.(app.Canceler)
	if c.SavedCharge != charges || c.Refund != refunds || c.Cancel != cancels || c.PartialRefund && !c.Refund {
		s.Errorf("capabilities %+v, but the adapter charges: %v, refunds: %v, cancels: %v", c, charges, refunds, cancels)
	}
	if !slices.Contains(c.Currencies, amount.Currency) || c.WebhookOK/100 != 2 || s.f.Provider.Name() == "" || c.IdempotencyWindow < 0 {
		s.Errorf("%s: %+v", s.f.Provider.Name(), c)
	}
	// The portal's pages lead to these addresses and to no others.
	page, _ := s.open(s.id())
	if !slices.ContainsFunc(c.PayerOrigins, func(origin string) bool { return strings.HasPrefix(page.PayerURL, origin+"/") }) {
		s.Errorf("payers pay at %q, not at %q", page.PayerURL, c.PayerOrigins)
	}
}

func (s *suite) open(id payment.ID) (payment.Checkout, payment.Result) {
	s.Helper()
	c, r := s.f.Provider.CreateCheckout(s.Context(), payment.CheckoutRequest{
		PaymentID: id, Key: payment.Key(string(id), payment.OpCheckout, 1), Amount: amount, Description: "Softphone, 12 months",
		Language: "en", ReturnURL: "https://portal.example/pay/return", ExpiresAt: s.f.Now.Add(30 * time.Minute),
	})
	return c, s.saw(r)
}

func (s *suite) lookup(ref string, id payment.ID) payment.Snapshot {
	s.Helper()
	v, r := s.f.Provider.Lookup(s.Context(), ref, id)
	s.saw(r)
	if r.Outcome == payment.OutcomeUnknown || r.Outcome == payment.OutcomeNotSent {
		s.Fatalf("look-up: %s, %s", r.Outcome, r.Detail)
	}
	if v.PaymentID != id || v.AsOf.IsZero() {
		s.Errorf("look-up of %s shows %q as of %s", id, v.PaymentID, v.AsOf)
	}
	return v
}

func (s *suite) effect(id payment.ID, want Effect) {
	s.Helper()
	if got := s.f.Effect(s.T, id); got != want {
		s.Errorf("the provider's book says %+v, want %+v", got, want)
	}
}

func (s *suite) checkout() {
	id := s.id()
	c, r := s.open(id)
	if r.Outcome != payment.OutcomeActionRequired || c.Ref == "" || c.PayerURL == "" {
		s.Fatalf("%+v, %s %s", c, r.Outcome, r.Detail)
	}
	if v := s.lookup(c.Ref, id); v.State != payment.AwaitingPayer || v.Received.Amount != 0 || v.Amount != amount || v.PayerURL == "" {
		s.Errorf("before the payer came: %+v", v)
	}
	s.f.Pay(s.T, c)
	if v := s.lookup(c.Ref, id); v.State != payment.Succeeded || v.Received != amount {
		s.Errorf("after the payer paid: %+v", v)
	}
	s.effect(id, Effect{Captures: 1, Captured: amount.Amount})
}

func (s *suite) charger() app.SavedCharger {
	charger, ok := s.f.Provider.(app.SavedCharger)
	if !ok {
		s.Skip("no saved charges")
	}
	return charger
}

func (s *suite) charge(ctx context.Context, id payment.ID, method string) payment.Result {
	s.Helper()
	return s.saw(s.charger().ChargeSaved(ctx, payment.ChargeRequest{
		PaymentID: id, Key: payment.Key(string(id), payment.OpCharge, 1), Amount: amount, MethodRef: method, ReturnURL: "https://portal.example/pay/return",
	}))
}

func (s *suite) outcomes() {
	s.charger()
	for _, tt := range []struct {
		does      Behaviour
		want      payment.Outcome
		state     payment.State
		retryable bool
		captures  int
	}{
		{Pays, payment.OutcomeSucceeded, payment.Succeeded, false, 1},
		{Later, payment.OutcomePending, payment.Processing, false, 0},
		{Confirms, payment.OutcomeActionRequired, payment.ActionRequired, false, 0},
		{Declines, payment.OutcomeDeclined, payment.Failed, false, 0},
		{Insufficient, payment.OutcomeDeclined, payment.Failed, true, 0},
	} {
		id := s.id()
		r := s.charge(s.Context(), id, s.f.Method(s.T, tt.does))
		if r.Outcome != tt.want {
			s.Errorf("%s: %s %s, want %s", tt.does, r.Outcome, r.Detail, tt.want)
		}
		if (r.Decline != nil) != (tt.want == payment.OutcomeDeclined) || r.Decline != nil && (r.Decline.Retryable != tt.retryable || r.Decline.Code == "") {
			s.Errorf("%s: decline %+v", tt.does, r.Decline)
		}
		if tt.want == payment.OutcomeActionRequired && r.PayerURL == "" {
			s.Errorf("%s: no address for the payer", tt.does)
		}
		if v := s.lookup(r.Ref, id); v.State != tt.state {
			s.Errorf("%s: the book says %s, want %s", tt.does, v.State, tt.state)
		}
		if got := s.f.Effect(s.T, id).Captures; got != tt.captures {
			s.Errorf("%s: %d captures, want %d", tt.does, got, tt.captures)
		}
	}
	id := s.id()
	if r := s.charge(s.Context(), id, "no-such-method"); r.Outcome != payment.OutcomeNotSent && r.Outcome != payment.OutcomeDeclined {
		s.Errorf("a method that does not exist: %s %s", r.Outcome, r.Detail)
	}
	s.effect(id, Effect{})
}

func (s *suite) sameKey() {
	id := s.id()
	first, _ := s.open(id)
	if second, r := s.open(id); r.Outcome != payment.OutcomeActionRequired || second.Ref != first.Ref {
		s.Errorf("the same checkout is %q and %q, %s %s", first.Ref, second.Ref, r.Outcome, r.Detail)
	}
	s.charger()
	id, method := s.id(), s.f.Method(s.T, Pays)
	for range 3 {
		if r := s.charge(s.Context(), id, method); r.Outcome != payment.OutcomeSucceeded {
			s.Errorf("%s %s", r.Outcome, r.Detail)
		}
	}
	s.effect(id, Effect{Captures: 1, Captured: amount.Amount})
	// The key for something else: nobody can say what that means.
	if r := s.charge(s.Context(), id, s.f.Method(s.T, Declines)); r.Outcome != payment.OutcomeUnknown {
		s.Errorf("the same key with another method: %s %s", r.Outcome, r.Detail)
	}
	s.effect(id, Effect{Captures: 1, Captured: amount.Amount})
	// A declined one stays declined under its key.
	id, method = s.id(), s.f.Method(s.T, Insufficient)
	for range 2 {
		if r := s.charge(s.Context(), id, method); r.Outcome != payment.OutcomeDeclined {
			s.Errorf("%s %s", r.Outcome, r.Detail)
		}
	}
}

// short is a request whose answer does not come.
func (s *suite) short() context.Context {
	ctx, cancel := context.WithTimeout(s.Context(), 100*time.Millisecond)
	s.Cleanup(cancel)
	return ctx
}

func (s *suite) troubles() {
	if s.f.Trouble == nil {
		s.Skip("this provider cannot be made to fail")
	}
	s.charger()
	for _, tt := range []struct {
		kind     Trouble
		want     payment.Outcome
		captures int
	}{
		{TimeoutBefore, payment.OutcomeUnknown, 0},
		{TimeoutAfter, payment.OutcomeUnknown, 1},
		{ErrorAfter, payment.OutcomeUnknown, 1},
		{RateLimit, payment.OutcomeNotSent, 0},
		{Truncated, payment.OutcomeUnknown, 1},
		{WrongBody, payment.OutcomeUnknown, 1},
	} {
		id, method := s.id(), s.f.Method(s.T, Pays)
		ctx := s.Context()
		if tt.kind == TimeoutBefore || tt.kind == TimeoutAfter {
			ctx = s.short()
		}
		s.f.Trouble(s.T, tt.kind)
		r := s.charge(ctx, id, method)
		if r.Outcome != tt.want || r.Snapshot != nil {
			s.Errorf("%s: %s %s, want %s", tt.kind, r.Outcome, r.Detail, tt.want)
		}
		if got := s.f.Effect(s.T, id).Captures; got != tt.captures {
			s.Fatalf("%s: %d captures, want %d: the fixture does not do what it is told", tt.kind, got, tt.captures)
		}
		// Our id finds what the answer would have said.
		want := map[int]payment.State{0: payment.Absent, 1: payment.Succeeded}[tt.captures]
		if v := s.lookup("", id); v.State != want {
			s.Errorf("%s: the look-up says %s, want %s", tt.kind, v.State, want)
		}
		// And the same request again does it once.
		if r := s.charge(s.Context(), id, method); r.Outcome != payment.OutcomeSucceeded {
			s.Errorf("%s, then again: %s %s", tt.kind, r.Outcome, r.Detail)
		}
		s.effect(id, Effect{Captures: 1, Captured: amount.Amount})
	}
}

func (s *suite) unreachable() {
	request := payment.CheckoutRequest{PaymentID: s.id(), Key: "k", Amount: amount, ReturnURL: "https://portal.example/", ExpiresAt: s.f.Now.Add(time.Hour)}
	for name, p := range map[string]app.PaymentProvider{"nobody there": s.f.Unreachable, "wrong key": s.f.Refused} {
		if _, r := p.CreateCheckout(s.Context(), request); s.saw(r).Outcome != payment.OutcomeNotSent {
			s.Errorf("%s: a checkout is %s %s", name, r.Outcome, r.Detail)
		}
		if _, r := p.Lookup(s.Context(), "", request.PaymentID); s.saw(r).Outcome != payment.OutcomeNotSent {
			s.Errorf("%s: a look-up is %s %s", name, r.Outcome, r.Detail)
		}
	}
	s.effect(request.PaymentID, Effect{})
}

func (s *suite) absent() {
	if v := s.lookup("", s.id()); v.State != payment.Absent || v.Received.Amount != 0 {
		s.Errorf("%+v", v)
	}
}

func (s *suite) views() {
	id := s.id()
	c, _ := s.open(id)
	s.f.Pay(s.T, c)
	first := s.lookup(c.Ref, id)
	for _, ref := range []string{c.Ref, ""} {
		again := s.lookup(ref, id)
		if again.AsOf.Before(first.AsOf) {
			s.Errorf("the clock of views went back from %s to %s", first.AsOf, again.AsOf)
		}
		again.AsOf = first.AsOf
		if diff := cmp.Diff(first, again); diff != "" {
			s.Errorf("two looks differ: %s", diff)
		}
	}
	p := payment.Payment{ID: id, State: payment.AwaitingPayer, Amount: amount, AttemptNo: 1}
	p, effects, err := payment.Apply(p, first)
	if err != nil || p.State != payment.Succeeded || len(effects) == 0 {
		s.Errorf("%s, %v, %v", p.State, effects, err)
	}
	if after, more, err := payment.Apply(p, s.lookup(c.Ref, id)); err != nil || len(more) != 0 || after.State != p.State {
		s.Errorf("again: %s, %v, %v", after.State, more, err)
	}
}

func (s *suite) refunds() {
	refunder, ok := s.f.Provider.(app.Refunder)
	if !ok {
		s.Skip("no refunds")
	}
	id := s.id()
	c, _ := s.open(id)
	s.f.Pay(s.T, c)
	ref := s.lookup(c.Ref, id).Ref
	ask := func(ctx context.Context, refund string, minor money.Amount) payment.Result {
		return s.saw(refunder.Refund(ctx, payment.RefundRequest{
			PaymentID: id, Ref: ref, RefundID: refund, Key: payment.Key(refund, payment.OpRefund, 1), Amount: money.Of(minor, "EUR"),
		}))
	}
	part := amount.Amount
	if s.f.Provider.Capabilities().PartialRefund {
		part = 1000
	}
	// I10: the answer is lost, and the refund is asked for again.
	if s.f.Trouble != nil {
		s.f.Trouble(s.T, TimeoutAfter)
		if r := ask(s.short(), "r1", part); r.Outcome != payment.OutcomeUnknown {
			s.Errorf("a lost answer: %s %s", r.Outcome, r.Detail)
		}
	}
	if r := ask(s.Context(), "r1", part); r.Outcome != payment.OutcomeSucceeded && r.Outcome != payment.OutcomePending || r.Ref == "" {
		s.Errorf("%s %q %s", r.Outcome, r.Ref, r.Detail)
	}
	s.effect(id, Effect{Captures: 1, Captured: amount.Amount, Refunds: 1, Refunded: part})
	v := s.lookup(ref, id)
	if v.State != payment.Succeeded || v.Received != amount || v.Refunded.Amount != part || len(v.Refunds) != 1 || v.Refunds[0].RefundID != "r1" {
		s.Errorf("%+v", v)
	}
	// I9: no more than was paid.
	if r := ask(s.Context(), "r2", amount.Amount-part+1); r.Outcome != payment.OutcomeDeclined && r.Outcome != payment.OutcomeNotSent {
		s.Errorf("too much: %s %s", r.Outcome, r.Detail)
	}
	s.effect(id, Effect{Captures: 1, Captured: amount.Amount, Refunds: 1, Refunded: part})
}

func (s *suite) list() {
	lister, ok := s.f.Provider.(app.Lister)
	if !ok {
		s.Skip("no list")
	}
	var to time.Time
	changed := func() (ids []payment.ID) {
		s.Helper()
		for {
			page, next, r := lister.List(s.Context(), to)
			if s.saw(r).Outcome != payment.OutcomeSucceeded {
				s.Fatalf("list: %s %s", r.Outcome, r.Detail)
			}
			if len(page) == 0 {
				return ids
			}
			if !next.After(to) {
				s.Fatalf("the list goes on from %s, not after %s", next, to)
			}
			to = next
			for _, v := range page {
				ids = append(ids, v.PaymentID)
				looked := s.lookup("", v.PaymentID)
				looked.AsOf = v.AsOf
				if diff := cmp.Diff(looked, v); diff != "" {
					s.Errorf("the list shows another view than a look-up: %s", diff)
				}
			}
		}
	}
	first, second := s.id(), s.id()
	c, _ := s.open(first)
	s.open(second)
	if got := changed(); !slices.Equal(got, []payment.ID{first, second}) {
		s.Errorf("listed %v", got)
	}
	if got := changed(); len(got) != 0 {
		s.Errorf("listed again: %v", got)
	}
	s.f.Pay(s.T, c)
	if got := changed(); !slices.Equal(got, []payment.ID{first}) {
		s.Errorf("after one was paid: %v", got)
	}
	if s.f.Trouble != nil {
		s.f.Trouble(s.T, Truncated)
		if list, _, r := lister.List(s.Context(), time.Time{}); r.Outcome != payment.OutcomeUnknown || len(list) != 0 {
			s.Errorf("a list that broke off: %s, %d", r.Outcome, len(list))
		}
	}
}

func (s *suite) cancel() {
	canceler, ok := s.f.Provider.(app.Canceler)
	if !ok {
		s.Skip("nothing can be canceled")
	}
	id := s.id()
	c, _ := s.open(id)
	for range 2 {
		r := s.saw(canceler.Cancel(s.Context(), c.Ref, payment.Key(string(id), payment.OpCancel, 1)))
		if r.Outcome != payment.OutcomeSucceeded || r.Snapshot == nil || r.Snapshot.State != payment.Canceled {
			s.Errorf("%s %s, %+v", r.Outcome, r.Detail, r.Snapshot)
		}
	}
	id = s.id()
	c, _ = s.open(id)
	s.f.Pay(s.T, c)
	r := s.saw(canceler.Cancel(s.Context(), c.Ref, payment.Key(string(id), payment.OpCancel, 1)))
	if r.Outcome != payment.OutcomeDeclined || r.Snapshot == nil || r.Snapshot.State != payment.Succeeded {
		s.Errorf("too late: %s %s, %+v", r.Outcome, r.Detail, r.Snapshot)
	}
	s.effect(id, Effect{Captures: 1, Captured: amount.Amount})
}

func (s *suite) webhooks() {
	id := s.id()
	c, _ := s.open(id)
	s.f.Webhooks(s.T)
	s.f.Pay(s.T, c)
	sent := s.f.Webhooks(s.T)
	if len(sent) == 0 {
		s.Fatal("no webhook came")
	}
	w := sent[len(sent)-1]
	events, err := s.f.Provider.ParseWebhook(s.Context(), w)
	if err != nil || len(events) != 1 || events[0].PaymentID != id || events[0].Key == "" || events[0].Type == "" {
		s.Fatalf("%+v, %v", events, err)
	}
	again, err := s.f.Provider.ParseWebhook(s.Context(), w)
	if err != nil || !slices.Equal(again, events) {
		s.Errorf("the same bytes are %+v and %+v, %v", events, again, err)
	}
	refused := func(name string, w payment.RawWebhook) {
		s.Helper()
		if events, err := s.f.Provider.ParseWebhook(s.Context(), w); !errors.Is(err, payment.ErrBadSignature) || len(events) != 0 {
			s.Errorf("%s: %+v, %v", name, events, err)
		}
	}
	// I24: each byte counts.
	for i := range w.Body {
		changed := w
		changed.Body = slices.Clone(w.Body)
		changed.Body[i] ^= 1
		refused(fmt.Sprintf("byte %d changed", i), changed)
	}
	bare := w
	bare.Header = map[string][]string{}
	refused("no signature", bare)
	refused("another's signature", s.f.Forge(w))
	late := w
	late.ReceivedAt = w.ReceivedAt.Add(6 * time.Minute)
	refused("too old", late)
	late.ReceivedAt = w.ReceivedAt.Add(-6 * time.Minute)
	refused("of tomorrow", late)
}
