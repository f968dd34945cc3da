package support_test

import (
	"testing"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/support"
)

// Every state and every person: who may do what, and what becomes of it.
func TestDecisions(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for _, state := range []support.RefundState{support.RefundRequested, support.RefundApprovedOnce, support.RefundDone, support.RefundRejected, support.RefundWithdrawn} {
		for _, by := range []account.ID{"asker", "first", "second"} {
			r := support.RefundRequest{AskedBy: "asker", State: state, Total: 200_00}
			if state == support.RefundApprovedOnce {
				r.FirstBy, r.NeedsTwo = "first", true
			}
			next, last, err := r.Approved(by, 200_00, 150_00, at)
			var want error
			switch {
			case !state.Open():
				want = fault.New(fault.Conflict, "")
			case by == "asker", state == support.RefundApprovedOnce && by == "first":
				want = fault.New(fault.Forbidden, "")
			}
			if (err == nil) != (want == nil) || want != nil && fault.Is(err, fault.Conflict) != fault.Is(want, fault.Conflict) {
				t.Errorf("%s, by %s: %v", state, by, err)
			}
			if err != nil && next != r {
				t.Errorf("%s, by %s: changed %+v", state, by, next)
			}
			if err == nil && last != (state == support.RefundApprovedOnce) {
				t.Errorf("%s, by %s: last %t", state, by, last)
			}
			if _, err := r.Rejected(by, "no", at); (err == nil) != (state.Open() && by != "asker") {
				t.Errorf("%s, rejected by %s: %v", state, by, err)
			}
		}
		if _, err := (support.RefundRequest{State: state}).Withdrawn(at); (err == nil) != state.Open() {
			t.Errorf("%s, withdrawn: %v", state, err)
		}
	}
}

// Above the amount two people decide; either the amount that was shown or that of
// now is enough, and what needs two never needs one again.
func TestHowManyDecide(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		shown bool
		total money.Amount
		last  bool
	}{{false, 150_00, true}, {false, 150_01, false}, {true, 1, false}} {
		r := support.RefundRequest{AskedBy: "asker", State: support.RefundRequested, NeedsTwo: tt.shown}
		next, last, err := r.Approved("first", tt.total, 150_00, time.Time{})
		if err != nil || last != tt.last || (next.State == support.RefundApprovedOnce) == tt.last || next.FirstBy != "first" {
			t.Errorf("%+v: %+v, %t, %v", tt, next, last, err)
		}
	}
}

func TestDecisionsAboutCorrections(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for _, state := range []support.RefundState{support.RefundRequested, support.RefundApprovedOnce, support.RefundDone, support.RefundRejected, support.RefundWithdrawn} {
		for _, by := range []account.ID{"asker", "first", "second"} {
			r := support.CorrectionRequest{AskedBy: "asker", State: state, OldVAT: 0, NewVAT: 200_00}
			if state == support.RefundApprovedOnce {
				r.FirstBy, r.NeedsTwo = "first", true
			}
			next, last, err := r.Approved(by, r.Difference(), 150_00, at) // VAT to pay counts as much as VAT that comes back
			ok := state.Open() && by != "asker" && (state != support.RefundApprovedOnce || by != "first")
			if (err == nil) != ok || err != nil && fault.Is(err, fault.Conflict) == state.Open() {
				t.Errorf("%s, by %s: %v", state, by, err)
			}
			if err != nil && next != r {
				t.Errorf("%s, by %s: changed %+v", state, by, next)
			}
			if err == nil && last != (state == support.RefundApprovedOnce) {
				t.Errorf("%s, by %s: last %t", state, by, last)
			}
			if _, err := r.Rejected(by, "no", at); (err == nil) != (state.Open() && by != "asker") {
				t.Errorf("%s, rejected by %s: %v", state, by, err)
			}
			if _, err := r.Rejected("second", "", at); err == nil {
				t.Errorf("%s: refused without a reason", state)
			}
		}
		if _, err := (support.CorrectionRequest{State: state}).Withdrawn(at); (err == nil) != state.Open() {
			t.Errorf("%s, withdrawn: %v", state, err)
		}
	}
	if r := (support.CorrectionRequest{AskedBy: "a", State: support.RefundRequested}); r.Done("x", at).State != support.RefundDone {
		t.Error("done is not done")
	}
	for _, tt := range []struct{ was, is, back, extra money.Amount }{{21_00, 0, 21_00, 0}, {0, 21_00, 0, 21_00}, {21_00, 21_00, 0, 0}} {
		if r := (support.CorrectionRequest{OldVAT: tt.was, NewVAT: tt.is}); r.Back() != tt.back || r.Extra() != tt.extra {
			t.Errorf("%+v: %d back, %d extra", tt, r.Back(), r.Extra())
		}
	}
}
