package payment

import (
	"fmt"
	"slices"
	"time"

	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
)

// RefundState is where a refund stands.
type RefundState string

// The states of a refund.
const (
	RefundRequested RefundState = "requested"
	RefundPending   RefundState = "pending"
	RefundUnknown   RefundState = "unknown"
	RefundSucceeded RefundState = "succeeded"
	RefundFailed    RefundState = "failed"
)

// RefundStates returns all states of a refund.
func RefundStates() []RefundState {
	return []RefundState{RefundRequested, RefundPending, RefundUnknown, RefundSucceeded, RefundFailed}
}

// RefundEdge is a step that a refund may take.
type RefundEdge struct{ From, To RefundState }

var refundEdges = []RefundEdge{
	{RefundRequested, RefundPending},
	{RefundRequested, RefundUnknown},
	{RefundRequested, RefundSucceeded},
	{RefundRequested, RefundFailed},
	{RefundPending, RefundSucceeded},
	{RefundPending, RefundFailed},
	{RefundUnknown, RefundPending},
	{RefundUnknown, RefundSucceeded},
	{RefundUnknown, RefundFailed},
	// The card was closed: the money comes back to us after all.
	{RefundSucceeded, RefundFailed},
}

// RefundEdges returns every step that a refund may take.
func RefundEdges() []RefundEdge { return slices.Clone(refundEdges) }

// Refund is money on its way back. It never changes the payment's state.
type Refund struct {
	ID        string
	PaymentID ID
	Provider  string
	Account   string
	Request   string // of who asked; the same request is one refund
	Ref       string // the provider's id; empty until known
	Amount    money.Money
	State     RefundState
	AttemptNo int // from 1; part of the idempotency key
	Reason    string
	By        string // who asked, as in the audit log
	CreatedAt time.Time

	CreditNoteID string // that it pays out; empty where it is of none, and of refunds of before

	SentAt      time.Time // of this attempt; zero before
	RepeatUntil time.Time // the provider remembers this attempt's key until then
	NextCheckAt time.Time // zero for none
	Checks      int       // looks since the last change of state
}

// ByPeople reports whether the refund is a payout: money of a transfer, which a
// person sends at the bank. No program sends it or looks it up.
func (r Refund) ByPeople() bool { return r.Provider == ProviderBank }

// PaidOut returns a payout that somebody has sent at the bank, NotPaidOut one that
// could not be sent. Either happens once: Conflict for what is no payout or has
// ended.
func (r Refund) PaidOut() (Refund, error) { return r.endedByPeople(RefundSucceeded) }

// NotPaidOut is described at PaidOut.
func (r Refund) NotPaidOut() (Refund, error) { return r.endedByPeople(RefundFailed) }

func (r Refund) endedByPeople(state RefundState) (Refund, error) {
	if !r.ByPeople() || r.State != RefundRequested {
		return r, fault.New(fault.Conflict, "error.payout.ended")
	}
	return r.to(state), nil
}

// Key returns the idempotency key of the refund's present attempt.
func (r Refund) Key() string { return Key(r.ID, OpRefund, r.AttemptNo) }

// Ended reports whether nothing more is to be done about the refund. The provider
// may still say that one that succeeded came back.
func (r Refund) Ended() bool { return r.State == RefundSucceeded || r.State == RefundFailed }

// Sent returns the refund as it is stored right before its request leaves. window
// is how long the provider remembers keys.
func (r Refund) Sent(at time.Time, window time.Duration) Refund {
	r.SentAt, r.RepeatUntil = at, at.Add(window)
	return r
}

// Doubtful returns a refund that was sent and not answered as one that nobody
// knows about: only the provider's book, or the same bytes under the same key
// while it remembers it, moves it on.
func (r Refund) Doubtful() Refund {
	if !r.SentAt.IsZero() {
		r = r.to(RefundUnknown)
	}
	return r
}

// MayRepeat reports whether the same bytes may be sent again under the same key.
func (r Refund) MayRepeat(now time.Time) bool { return !r.SentAt.IsZero() && now.Before(r.RepeatUntil) }

// Absent applies that the provider's book, as of an instant of its clock, does
// not show the refund. That proves a failure only once a request that is still on
// its way could not be taken any more.
func (r Refund) Absent(asOf time.Time) Refund {
	if r.State == RefundUnknown && !asOf.Before(r.RepeatUntil) && !asOf.Before(r.SentAt.Add(absenceGrace)) {
		r = r.to(RefundFailed)
	}
	return r
}

// Scheduled returns the refund with the time of its next look, and whether it was
// looked at so often that a person is called.
func (r Refund) Scheduled(now time.Time) (next Refund, undecided bool) {
	r.NextCheckAt = time.Time{}
	if r.Ended() {
		return r, false
	}
	calendar := unknownChecks
	if r.State == RefundPending {
		calendar = processingChecks
	}
	if r.Checks >= len(calendar) {
		return r, true
	}
	r.NextCheckAt = now.Add(calendar[r.Checks])
	r.Checks++
	return r, false
}

// Left returns how much of p may still be asked back, where asked is in refunds
// that have not failed: refunds and chargebacks never exceed what was captured
// (I9).
func Left(p Payment, asked money.Amount) money.Amount {
	return max(0, p.Received-max(asked, p.Refunded)-p.Disputed)
}

// Refundable returns Invalid unless amount may be asked back of p, of which
// asked is in refunds that have not failed (I9: refunds and chargebacks never
// exceed what was captured).
func Refundable(p Payment, asked money.Amount, amount money.Money) error {
	left := Left(p, asked)
	if amount.Currency != p.Amount.Currency || amount.Amount <= 0 || amount.Amount > left {
		return fault.Wrap(fault.Invalid, "", fmt.Errorf("payment %s: %s of %s cannot be refunded", p.ID, amount, left.Decimal()))
	}
	return nil
}

// Answered applies the provider's answer to the request for the refund. After
// NotSent it is asked again under the next key, after Unknown under the same.
func (r Refund) Answered(res Result) Refund {
	to := map[Outcome]RefundState{
		OutcomeSucceeded: RefundSucceeded, OutcomePending: RefundPending, OutcomeActionRequired: RefundPending,
		OutcomeDeclined: RefundFailed, OutcomeUnknown: RefundUnknown,
	}[res.Outcome]
	if res.Outcome == OutcomeNotSent && r.State == RefundRequested {
		r.SentAt, r.RepeatUntil = time.Time{}, time.Time{}
		if r.AttemptNo++; r.AttemptNo > MaxNotSent {
			to = RefundFailed
		}
	}
	if res.Ref != "" {
		r.Ref = res.Ref
	}
	return r.to(to)
}

// Seen applies what the provider's book shows of the refund.
func (r Refund) Seen(v RefundView) Refund {
	if v.Amount != r.Amount {
		return r // not this refund, or not believed: the nightly comparison tells
	}
	if v.Ref != "" {
		r.Ref = v.Ref
	}
	return r.to(v.State)
}

func (r Refund) to(state RefundState) Refund {
	if slices.Contains(refundEdges, RefundEdge{r.State, state}) {
		r.State, r.Checks = state, 0
		if r.Ended() {
			r.NextCheckAt = time.Time{}
		}
	}
	return r
}

// DisputeState is where a chargeback stands.
type DisputeState string

// The states of a dispute.
const (
	DisputeOpen DisputeState = "open" // the money is withdrawn, evidence is due
	DisputeWon  DisputeState = "won"
	DisputeLost DisputeState = "lost"
)

// Dispute is a payer's bank taking money back.
type Dispute struct {
	ID        string
	PaymentID ID
	Provider  string
	Account   string
	Ref       string
	Amount    money.Money
	Reason    string
	State     DisputeState
	OpenedAt  time.Time
}
