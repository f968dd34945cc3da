package sandbox_test

import (
	"fmt"
	"path"
	"testing"
	"time"

	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/provider/sandbox"
	"pgregory.net/rapid"
)

// renewal drives one payment by the rules alone, as a worker and a reconciler
// would, whatever goes wrong.
type renewal struct {
	*rapid.T
	s      *site
	p      payment.Payment
	method string
	booked money.Amount
	url    string
}

func (r *renewal) apply(p payment.Payment, effects []payment.Effect, err error) (repeat bool) {
	if err != nil {
		r.Fatal(err)
	}
	r.p = p
	for _, e := range effects {
		switch e.Kind {
		case payment.Settle, payment.CreditBalance:
			r.booked += e.Amount
		case payment.Repeat:
			repeat = true
		default:
		}
	}
	return repeat
}

// send asks for the charge; a worker that dies forgets the answer.
func (r *renewal) send(dies bool) {
	res := r.s.adapter.ChargeSaved(r.s.Context(), payment.ChargeRequest{
		PaymentID: r.p.ID, Key: r.p.Key(payment.OpCharge), Amount: r.p.Amount, MethodRef: r.method,
	})
	if res.PayerURL != "" {
		r.url = res.PayerURL
	}
	if !dies {
		r.apply(payment.ApplyResult(r.p, payment.OpCharge, res))
	}
}

func (r *renewal) look() (repeat bool) {
	v, res := r.s.adapter.Lookup(r.s.Context(), r.p.Ref, r.p.ID)
	if res.Outcome == payment.OutcomeUnknown || res.Outcome == payment.OutcomeNotSent {
		return false
	}
	if v.PayerURL != "" {
		r.url = v.PayerURL
	}
	return r.apply(payment.Apply(r.p, v))
}

// I6, I10 and "every live payment ends", under random schedules of faults: the
// sandbox's book shows at most one capture, and the payment says the same as the
// book in the end.
func TestRandomFaultsNeverChargeTwice(t *testing.T) {
	t.Parallel()
	kinds := []sandbox.FaultKind{
		sandbox.TimeoutAfter, sandbox.ErrorBefore, sandbox.ErrorAfter, sandbox.RateLimit, sandbox.Truncated, sandbox.WrongBody, sandbox.WrongAmount,
		sandbox.WrongCurrency, sandbox.Slow,
	}
	rapid.Check(t, func(rt *rapid.T) {
		s := newSiteHolding(t, time.Millisecond)
		card := rapid.SampledFrom([]sandbox.Card{
			sandbox.CardOK, sandbox.CardOK, sandbox.CardInsufficient, sandbox.CardDeclines, sandbox.CardLater, sandbox.CardConfirm,
		}).Draw(rt, "card")
		r := &renewal{T: rt, s: s, method: s.card(card), p: payment.Payment{ID: "p", State: payment.Created, Amount: eur, AttemptNo: 1}}
		faults := rapid.SliceOfN(rapid.SampledFrom(kinds), 0, 8).Draw(rt, "faults")
		agrees := rapid.Bool().Draw(rt, "the payer agrees, the money comes")
		window := rapid.SampledFrom([]time.Duration{0, time.Hour, s.adapter.Capabilities().IdempotencyWindow}).Draw(rt, "window")
		for step := range 60 {
			if r.p.State.Terminal() {
				break
			}
			if len(faults) > 0 {
				s.must(s.Inject(sandbox.Fault{Kind: faults[0]}))
				faults = faults[1:]
			}
			if r.p.State == payment.Created && r.p.SentAt.IsZero() {
				sent, err := r.p.Sent(s.now(), window)
				s.must(err)
				r.p = sent
				r.send(rapid.Bool().Draw(rt, fmt.Sprint("dies at ", step)))
			} else if r.look() && r.p.MayRepeat(s.now()) {
				r.send(rapid.Bool().Draw(rt, fmt.Sprint("dies at ", step)))
			}
			if step == 20 { // now the outside world gets on
				_ = s.Settle("p", agrees) // of CardLater only
				if r.url != "" {
					s.must(s.Press(path.Base(r.url), map[bool]string{true: "confirmed", false: "refuse"}[agrees], "", false))
				}
			}
			if n := captures(s); n > 1 {
				rt.Fatalf("%d captures", n)
			}
			r.apply(r.p.Scheduled(s.now()))
			if !r.p.State.Terminal() && r.p.NextCheckAt.IsZero() && r.p.Parked == "" {
				rt.Fatalf("%s, and nobody will look", r.p.State)
			}
			if !r.p.NextCheckAt.IsZero() {
				s.pass(r.p.NextCheckAt.Sub(s.now()))
			}
		}
		n := captures(s)
		if !r.p.State.Terminal() || (r.p.State == payment.Succeeded) != (n == 1) || r.booked != money.Amount(n)*eur.Amount {
			rt.Errorf("%s (parked %q, attempt %d, %d checks), booked %s; the book has %d captures",
				r.p.State, r.p.Parked, r.p.AttemptNo, r.p.Checks, r.booked.Decimal(), n)
		}
	})
}

func captures(s *site) (n int) {
	for _, e := range s.Book() {
		n += len(e.Captures)
	}
	return n
}
