package bank

import (
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
)

// DecisionKind is what becomes of an entry in suspense.
type DecisionKind string

// The kinds of decision.
const (
	DecideOrder    DecisionKind = "order"     // it pays an order
	DecideBalance  DecisionKind = "balance"   // it goes to a payer's balance
	DecideReturn   DecisionKind = "return"    // somebody sends it back at the bank
	DecideTakeBack DecisionKind = "take_back" // a reversal undoes what an entry had paid
	DecideOffset   DecisionKind = "offset"    // a reversal undoes an entry that waited itself
	DecideNotOurs  DecisionKind = "not_ours"  // no customer's money, or an entry that is booked already
)

// DecisionState is where a decision stands.
type DecisionState string

// The states. Only money of a decision that is done has left suspense.
const (
	DecisionProposed DecisionState = "proposed" // waits for a second person
	DecisionToSend   DecisionState = "to_send"  // a return that is approved and not sent yet
	DecisionDone     DecisionState = "done"
	DecisionRefused  DecisionState = "refused" // another one may follow
)

// Decision is what somebody, or the program by a rule, decided about an entry in
// suspense.
type Decision struct {
	ID           string
	EntryID      string
	Kind         DecisionKind
	OrderID      string          // of DecideOrder
	PayerID      account.PayerID // whose balance it goes to, or is taken from
	AgainstID    string          // the entry that it undoes
	Amount       money.Money     // of the entry, positive
	Reason       string
	NeedsTwo     bool
	State        DecisionState
	FirstBy      account.ID // empty for the program
	FirstAt      time.Time
	SecondBy     account.ID
	RefusedBy    account.ID
	RefuseReason string
	SentBy       account.ID // who sent a return
	DecidedAt    time.Time  // zero while it is open
}

// Proposed returns a new decision as its first person leaves it: above second,
// another one has to agree before anything moves; always where money leaves the
// books to nobody. An offset moves nobody's money.
func (d Decision) Proposed(second money.Amount, at time.Time) Decision {
	d.NeedsTwo = d.Kind == DecideNotOurs || d.FirstBy != "" && d.Kind != DecideOffset && d.Amount.Amount > second
	d.FirstAt = at
	if d.NeedsTwo {
		d.State = DecisionProposed
		return d
	}
	return d.agreed(at)
}

func (d Decision) agreed(at time.Time) Decision {
	if d.Kind == DecideReturn {
		d.State = DecisionToSend
		return d
	}
	d.State, d.DecidedAt = DecisionDone, at
	return d
}

// Approved returns the decision with its second person. Errors: Conflict where
// none is waited for; Forbidden for the first person.
func (d Decision) Approved(by account.ID, at time.Time) (Decision, error) {
	switch {
	case d.State != DecisionProposed:
		return d, fault.New(fault.Conflict, "error.suspense.decided")
	case by == d.FirstBy:
		return d, fault.New(fault.Forbidden, "error.suspense.second_person")
	}
	d.SecondBy = by
	return d.agreed(at), nil
}

// Refused returns the decision not made: by the second person, or taken back by
// the first; a return also while it is not sent. Errors: Conflict where nothing
// waits; Invalid without a reason.
func (d Decision) Refused(by account.ID, reason string, at time.Time) (Decision, error) {
	if d.State != DecisionProposed && d.State != DecisionToSend {
		return d, fault.New(fault.Conflict, "error.suspense.decided")
	}
	if reason == "" {
		return d, fault.Fields{{Name: "refusal", Key: "error.suspense.reason"}}.Err()
	}
	d.State, d.RefusedBy, d.RefuseReason, d.DecidedAt = DecisionRefused, by, reason, at
	return d, nil
}

// Sent returns a return that somebody has sent at the bank. Conflict for anything
// else.
func (d Decision) Sent(by account.ID, at time.Time) (Decision, error) {
	if d.State != DecisionToSend {
		return d, fault.New(fault.Conflict, "error.suspense.decided")
	}
	d.State, d.SentBy, d.DecidedAt = DecisionDone, by, at
	return d, nil
}
