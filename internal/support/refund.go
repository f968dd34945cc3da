package support

import (
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
)

// RefundTarget is where a payer wants the money.
type RefundTarget string

// The targets. What did not come by card cannot go back to one: it stays on the
// balance, from where people send it by hand.
const (
	TargetMethod  RefundTarget = "method"
	TargetBalance RefundTarget = "balance"
)

// RefundState is where a request stands.
type RefundState string

// The states of a request.
const (
	RefundRequested    RefundState = "requested"
	RefundApprovedOnce RefundState = "approved_once" // waits for a second person
	RefundDone         RefundState = "done"
	RefundRejected     RefundState = "rejected"
	RefundWithdrawn    RefundState = "withdrawn" // by who asked, or because the subscription ended otherwise
)

// Open reports whether the request waits for a decision.
func (s RefundState) Open() bool { return s == RefundRequested || s == RefundApprovedOnce }

// RefundRequest is a payer's request for the unused part of a subscription.
// Amounts are as they were shown when it was asked; what is credited is worked
// out again at the decision.
type RefundRequest struct {
	ID             string
	PayerID        account.PayerID
	SubscriptionID string
	AskedBy        account.ID
	AskedAt        time.Time
	Reason         string
	Target         RefundTarget
	Currency       money.Currency
	Days           int // unused
	Net            money.Amount
	VAT            money.Amount
	Total          money.Amount
	NeedsTwo       bool // people to approve
	State          RefundState
	FirstBy        account.ID // who approved, first; empty for nobody
	FirstAt        time.Time
	SecondBy       account.ID
	RejectedBy     account.ID
	RejectReason   string
	DecidedAt      time.Time    // zero while it is open
	Credited       money.Amount // what came back, VAT included, once done
	ToMethod       money.Amount // of that, back the way it came: to cards, and by transfer
}

// mayDecide refuses who may not decide about this request, whatever the role.
func (r RefundRequest) mayDecide(by account.ID) error {
	switch {
	case !r.State.Open():
		return fault.New(fault.Conflict, "error.refund.decided")
	case by == r.AskedBy:
		return fault.New(fault.Forbidden, "error.refund.own")
	}
	return nil
}

// Approved returns the request with one more approval, and whether that was the
// last one needed. total is what would be credited now, second the amount above
// which two people decide: if either the amount shown or that of now is above it,
// they do.
//
// Errors: Conflict for a request that is decided; Forbidden for who asked, and
// for the second approval by the person of the first.
func (r RefundRequest) Approved(by account.ID, total, second money.Amount, at time.Time) (next RefundRequest, last bool, err error) {
	if err := r.mayDecide(by); err != nil {
		return r, false, err
	}
	r.NeedsTwo = r.NeedsTwo || total > second
	if r.State == RefundApprovedOnce {
		if by == r.FirstBy {
			return r, false, fault.New(fault.Forbidden, "error.refund.second_person")
		}
		r.SecondBy = by
		return r, true, nil
	}
	r.FirstBy, r.FirstAt = by, at
	if r.NeedsTwo {
		r.State = RefundApprovedOnce
	}
	return r, !r.NeedsTwo, nil
}

// Done returns the request carried out.
func (r RefundRequest) Done(credited, toMethod money.Amount, at time.Time) RefundRequest {
	r.State, r.Credited, r.ToMethod, r.DecidedAt = RefundDone, credited, toMethod, at
	return r
}

// Rejected returns the request refused, for a reason that the payer is told.
func (r RefundRequest) Rejected(by account.ID, reason string, at time.Time) (RefundRequest, error) {
	if err := r.mayDecide(by); err != nil {
		return r, err
	}
	if reason == "" {
		return r, fault.Fields{{Name: "reason", Key: "error.refund.reason"}}.Err()
	}
	r.State, r.RejectedBy, r.RejectReason, r.DecidedAt = RefundRejected, by, reason, at
	return r, nil
}

// Withdrawn returns the request taken back.
func (r RefundRequest) Withdrawn(at time.Time) (RefundRequest, error) {
	if !r.State.Open() {
		return r, fault.New(fault.Conflict, "error.refund.decided")
	}
	r.State, r.DecidedAt = RefundWithdrawn, at
	return r, nil
}
