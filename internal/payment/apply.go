package payment

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/siptg/portal/internal/money"
)

// EffectKind is what the caller has to do in the same transaction.
type EffectKind string

// The effects.
const (
	Moved         EffectKind = "moved"          // append From -> To to the payment's history
	Settle        EffectKind = "settle"         // Amount has come: pay the payable with it
	CreditBalance EffectKind = "credit_balance" // Amount has come and pays nothing: a top-up
	MoneyReturned EffectKind = "money_returned" // Amount more was refunded; below zero: a refund came back
	MoneyDisputed EffectKind = "money_disputed" // Amount more was withdrawn; below zero: given back
	KeepMethod    EffectKind = "keep_method"    // Method may be charged later
	Repeat        EffectKind = "repeat"         // send the same bytes under the same key again
	NotDone       EffectKind = "not_done"       // the attempt surely was not executed: nobody refused it
	Alert         EffectKind = "alert"          // a person has to look: Code
)

// AlertCode says why a person has to look.
type AlertCode string

// The alerts.
const (
	AlertAmountMismatch AlertCode = "amount_mismatch" // amount or currency is not ours
	AlertContradiction  AlertCode = "contradiction"   // state and money of a view do not fit
	AlertVanished       AlertCode = "vanished"        // the provider forgot a payment that it knew
	AlertMoneyAfterEnd  AlertCode = "money_after_end" // money came for an ended payment
	AlertUndecided      AlertCode = "undecided"       // the reconciler has looked often enough
)

// Effect is one thing to do about a change. Amount is in the payment's currency.
type Effect struct {
	Kind     EffectKind
	From, To State
	Amount   money.Amount
	Code     AlertCode
	Method   *SavedMethod
}

// ErrOtherPayment reports a view of another payment.
var ErrOtherPayment = errors.New("payment: the view is of another payment")

// Doubted reports whether the last view of the payment that came was not believed.
// Nothing that comes with it is booked.
func (p Payment) Doubted() bool { return p.Parked != "" && p.Parked != AlertUndecided }

// absenceGrace is longer than any request of ours can be on its way.
const absenceGrace = 10 * time.Minute

// Apply brings p to what the provider shows. Doing so again changes nothing, and
// of several views the newest counts in whatever order they come. A view that
// is not believed parks the payment with an Alert and changes nothing else.
func Apply(p Payment, s Snapshot) (Payment, []Effect, error) {
	if s.PaymentID != p.ID {
		return p, nil, fmt.Errorf("%w: %s, not %s", ErrOtherPayment, s.PaymentID, p.ID)
	}
	// Money only ever adds up, so of two views of one instant the smaller is older.
	if same := s.AsOf.Equal(p.AsOf); s.AsOf.Before(p.AsOf) || same && (s.Received.Amount < p.Received || s.Refunded.Amount < p.Refunded) {
		return p, nil, nil
	}
	if s.State == Absent {
		return absent(p, s)
	}
	to, doubt := judge(p, s)
	if doubt != "" {
		return park(p, doubt)
	}
	if s.AsOf.Equal(p.AsOf) && to.rank() < p.State.rank() {
		return p, nil, nil
	}
	// The failure of an attempt that was counted already says nothing about the
	// next one.
	if asked := p.State == Created || p.State == Unknown; asked && to == Failed && p.Declines > 0 && s.Ref == p.Ref {
		return notThere(p, s)
	}

	before := p
	var effects []Effect
	p.AsOf = s.AsOf
	if p.Parked != AlertUndecided || to != p.State { // the same once more decides nothing
		p.Parked = ""
	}
	p.Received, p.Refunded, p.Disputed = s.Received.Amount, s.Refunded.Amount, s.Disputed.Amount
	if s.Ref != "" {
		p.Ref = s.Ref
	}
	if s.PayerURL != "" {
		p.PayerURL = s.PayerURL
	}
	if !p.State.Terminal() {
		if to == Expired && p.Received > 0 {
			if err := p.move(PartiallyPaid, &effects); err != nil {
				return before, nil, err
			}
		}
		if err := p.move(to, &effects); err != nil {
			return before, nil, err
		}
	}
	effects = append(effects, book(before, p)...)
	if s.Method != nil && p.State == Succeeded && before.State != Succeeded {
		effects = append(effects, Effect{Kind: KeepMethod, Method: s.Method})
	}
	return p, effects, nil
}

// judge returns the state that a view calls for, or why it is not believed.
func judge(p Payment, s Snapshot) (to State, doubt AlertCode) {
	for _, m := range []money.Money{s.Amount, s.Received, s.Refunded, s.Disputed} {
		if m.Amount < 0 || m.Amount > money.Max || m.Currency != p.Amount.Currency && m != (money.Money{}) {
			return "", AlertAmountMismatch
		}
	}
	if s.Amount != (money.Money{}) && s.Amount != p.Amount {
		return "", AlertAmountMismatch
	}
	received, due := s.Received.Amount, p.Amount.Amount
	if received < p.Received || s.Refunded.Amount+s.Disputed.Amount > received { // payment_returned_at_most_received
		return "", AlertContradiction
	}
	if p.State.Terminal() {
		return p.State, ""
	}
	enough := received == due
	if p.MayUnderpay {
		enough = received > 0 && received >= due-p.Tolerated
	}
	switch s.State {
	case Succeeded:
		switch {
		case enough:
			return Succeeded, ""
		case p.MayUnderpay && received > 0:
			return PartiallyPaid, ""
		}
		return "", AlertAmountMismatch
	case PartiallyPaid:
		switch {
		case !p.MayUnderpay || received == 0:
			return "", AlertContradiction
		case enough:
			return Succeeded, ""
		}
		return PartiallyPaid, ""
	case Failed, Canceled, Expired:
		switch {
		case received == 0:
			return s.State, ""
		case !p.MayUnderpay:
			return "", AlertContradiction
		case enough:
			return Succeeded, ""
		}
		return Expired, ""
	case AwaitingPayer, ActionRequired:
		switch {
		case received == 0:
			return s.State, ""
		case !p.MayUnderpay:
			return "", AlertContradiction
		}
		return PartiallyPaid, ""
	case Processing:
		if received > 0 && !p.MayUnderpay {
			return "", AlertContradiction
		}
		return Processing, ""
	default: // created and unknown are ours; a provider has neither
		return "", AlertContradiction
	}
}

// book returns what the movement of money between two versions of a payment
// calls for. Over the life of a payment that has ended, what was settled and
// credited is what was received.
func book(before, after Payment) (effects []Effect) {
	add := func(kind EffectKind, amount money.Amount) {
		if amount != 0 {
			effects = append(effects, Effect{Kind: kind, Amount: amount})
		}
	}
	switch {
	case before.State.Terminal():
		add(CreditBalance, after.Received-before.Received)
		if after.Received > before.Received {
			effects = append(effects, Effect{Kind: Alert, Code: AlertMoneyAfterEnd})
		}
	case after.State == Succeeded:
		settled := min(after.Received, after.Amount.Amount)
		add(Settle, settled)
		add(CreditBalance, after.Received-settled)
	case after.State.Terminal():
		add(CreditBalance, after.Received)
	}
	add(MoneyReturned, after.Refunded-before.Refunded)
	add(MoneyDisputed, after.Disputed-before.Disputed)
	return effects
}

// absent applies that the provider does not know the payment.
func absent(p Payment, s Snapshot) (Payment, []Effect, error) {
	switch {
	case p.State == Failed, p.State == Canceled:
		return p, nil, nil
	case p.State != Created && p.State != Unknown, p.Ref != "", p.Received > 0:
		return park(p, AlertVanished)
	}
	return notThere(p, s)
}

// notThere applies that the provider does not know this attempt. That proves a
// failure only once a request that is still on its way could not be taken any
// more; before, the same request may be repeated.
func notThere(p Payment, s Snapshot) (Payment, []Effect, error) {
	switch {
	case p.SentAt.IsZero():
		return p, nil, nil
	case s.AsOf.Before(p.RepeatUntil):
		return p, []Effect{{Kind: Repeat}}, nil
	case s.AsOf.Before(p.SentAt.Add(absenceGrace)):
		return p, nil, nil
	}
	effects := []Effect{{Kind: NotDone}}
	p.AsOf = s.AsOf
	err := p.move(Failed, &effects)
	return p, effects, err
}

// park notes why a person has to look, once.
func park(p Payment, why AlertCode) (Payment, []Effect, error) {
	if p.Parked == why {
		return p, nil, nil
	}
	p.Parked = why
	return p, []Effect{{Kind: Alert, Code: why}}, nil
}

// move takes the payment along the edges to a state.
func (p *Payment) move(to State, effects *[]Effect) error {
	chain, ok := way(p.State, to)
	if !ok {
		return fmt.Errorf("payment %s: no way from %s to %s", p.ID, p.State, to)
	}
	for _, e := range chain {
		*effects = append(*effects, Effect{Kind: Moved, From: e.From, To: e.To})
		p.State, p.Checks = e.To, 0
	}
	if p.State.Terminal() {
		p.NextCheckAt, p.PayerURL = time.Time{}, ""
	}
	return nil
}

// ApplyResult brings p to what the provider answered to an operation. Where the
// answer carries a view, the view counts.
func ApplyResult(p Payment, op Operation, r Result) (Payment, []Effect, error) {
	view := r.Snapshot
	if r.Outcome == OutcomeDeclined && op != OpCancel {
		view = nil // the view would end the payment; whether it has ended is decided below
	}
	if view != nil && r.Outcome != OutcomeUnknown && r.Outcome != OutcomeNotSent {
		return Apply(p, *view)
	}
	// Without a view, an answer counts until the first look; that of a cancel says
	// nothing but that nobody knows.
	asked := p.State == Created || p.State == Unknown
	doubtful := op == OpCancel && r.Outcome == OutcomeUnknown && MayMove(p.State, Unknown)
	if !doubtful && (!asked || op != OpCheckout && op != OpCharge) {
		return p, nil, nil
	}
	if r.Ref != "" {
		p.Ref = r.Ref
	}
	if r.PayerURL != "" {
		p.PayerURL = r.PayerURL
	}
	var effects []Effect
	to := p.State
	switch r.Outcome {
	case OutcomeSucceeded, OutcomeUnknown:
		to = Unknown // done without a view: only a look tells how much
	case OutcomePending:
		to = Processing
	case OutcomeActionRequired:
		if to = ActionRequired; op == OpCheckout {
			to = AwaitingPayer
		}
	case OutcomeDeclined:
		to = p.declined(r.Decline)
	case OutcomeNotSent:
		if p.State == Created {
			effects = append(effects, Effect{Kind: NotDone})
		}
		to = p.notSent()
	}
	if to == p.State {
		return p, effects, nil
	}
	err := p.move(to, &effects)
	return p, effects, err
}

// declined counts a definite no. One that a later try may turn into a yes leaves
// a payment that we sent where it was, with a new key.
func (p *Payment) declined(d *Decline) State {
	p.Declines++
	if d == nil || !d.Retryable || p.Declines >= MaxDeclines || p.State != Created {
		return Failed
	}
	p.nextAttempt()
	return p.State
}

// notSent gives the next try a new key: this one surely was not executed. Where
// an earlier request may have been, it proves nothing.
func (p *Payment) notSent() State {
	if p.State != Created {
		return p.State
	}
	if p.AttemptNo-p.Declines >= MaxNotSent {
		return Failed
	}
	p.nextAttempt()
	return p.State
}

func (p *Payment) nextAttempt() {
	p.AttemptNo++
	p.SentAt, p.RepeatUntil, p.PayerURL = time.Time{}, time.Time{}, ""
}

// The reconciler's calendar.
var (
	unknownChecks    = append([]time.Duration{30 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour}, slices.Repeat([]time.Duration{24 * time.Hour}, 7)...)
	processingChecks = slices.Repeat([]time.Duration{time.Hour}, 7*24)
)

// expiryGrace is how long after its end a checkout is looked at.
const expiryGrace = 5 * time.Minute

// Scheduled returns the payment with the time of its next look: after 30 s,
// 2 min, 10 min, 1 h and then daily for a week while nobody knows, hourly while
// it is processed, after its end where the payer is awaited. Then a person is
// called, once.
func (p Payment) Scheduled(now time.Time) (Payment, []Effect, error) {
	p.NextCheckAt = time.Time{}
	if p.State.Terminal() {
		return p, nil, nil
	}
	waits := p.State == AwaitingPayer || p.State == ActionRequired || p.State == PartiallyPaid
	if end := p.ExpiresAt.Add(expiryGrace); waits && !p.ExpiresAt.IsZero() && now.Before(end) {
		p.NextCheckAt = end
		return p, nil, nil
	}
	calendar := unknownChecks
	if p.State == Processing || waits && p.ExpiresAt.IsZero() {
		calendar = processingChecks
	}
	if p.Checks >= len(calendar) {
		return park(p, AlertUndecided)
	}
	p.NextCheckAt = now.Add(calendar[p.Checks])
	p.Checks++
	return p, nil, nil
}
