package support

import (
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
)

// CorrectionRequest is a payer's request for a corrected invoice where the other
// buyer is taxed otherwise. People decide about it as about a refund.
type CorrectionRequest struct {
	ID           string
	PayerID      account.PayerID
	InvoiceID    string
	AskedBy      account.ID
	AskedAt      time.Time
	Buyer        account.Payer // as it is to stand on the new invoice
	Currency     money.Currency
	Net          money.Amount // of what is corrected, as it was shown
	OldVAT       money.Amount
	NewVAT       money.Amount
	NeedsTwo     bool // people to approve
	State        RefundState
	FirstBy      account.ID // who approved, first; empty for nobody
	FirstAt      time.Time
	SecondBy     account.ID
	RejectedBy   account.ID
	RejectReason string
	DecidedAt    time.Time // zero while it is open
	Replacement  string    // id of the new invoice, once done
}

// Difference is how much less VAT there is, as it was shown: what would come back.
// It is below zero where VAT is to be paid.
func (r CorrectionRequest) Difference() money.Amount { return r.OldVAT - r.NewVAT }

// Back is how much less VAT there is, as it was shown; 0 where there is not less.
func (r CorrectionRequest) Back() money.Amount { return max(0, r.Difference()) }

// Extra is how much more there is.
func (r CorrectionRequest) Extra() money.Amount { return max(0, -r.Difference()) }

func (r CorrectionRequest) mayDecide(by account.ID) error {
	switch {
	case !r.State.Open():
		return fault.New(fault.Conflict, "error.refund.decided")
	case by == r.AskedBy:
		return fault.New(fault.Forbidden, "error.correction.own")
	}
	return nil
}

// Approved returns the request with another approval, and whether it was the last
// one: then it is carried out. difference is that of now; above second, either way,
// two people approve, and so they do if it was above it when it was asked for.
func (r CorrectionRequest) Approved(by account.ID, difference, second money.Amount, at time.Time) (next CorrectionRequest, last bool, err error) {
	if err := r.mayDecide(by); err != nil {
		return r, false, err
	}
	r.NeedsTwo = r.NeedsTwo || max(difference, -difference) > second
	if r.State == RefundApprovedOnce {
		if by == r.FirstBy {
			return r, false, fault.New(fault.Forbidden, "error.correction.second_person")
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

// Done returns the request carried out, with the id of the new invoice.
func (r CorrectionRequest) Done(replacement string, at time.Time) CorrectionRequest {
	r.State, r.Replacement, r.DecidedAt = RefundDone, replacement, at
	return r
}

// Rejected returns the request refused, for a reason that the payer is told.
func (r CorrectionRequest) Rejected(by account.ID, reason string, at time.Time) (CorrectionRequest, error) {
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
func (r CorrectionRequest) Withdrawn(at time.Time) (CorrectionRequest, error) {
	if !r.State.Open() {
		return r, fault.New(fault.Conflict, "error.refund.decided")
	}
	r.State, r.DecidedAt = RefundWithdrawn, at
	return r, nil
}
