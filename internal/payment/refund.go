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
}

// Key returns the idempotency key of the refund's present attempt.
func (r Refund) Key() string { return Key(r.ID, OpRefund, r.AttemptNo) }

// Refundable returns Invalid unless amount may be asked back of p, of which
// asked is in refunds that have not failed (I9: refunds and chargebacks never
// exceed what was captured).
func Refundable(p Payment, asked money.Amount, amount money.Money) error {
	left, err := money.Sum(p.Received, -max(asked, p.Refunded), -p.Disputed)
	if err != nil {
		return err
	}
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
		r.State = state
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
