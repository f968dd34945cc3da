package payment_test

import (
	"slices"
	"testing"

	"github.com/siptg/portal/internal/payment"
)

func TestTheMachine(t *testing.T) {
	t.Parallel()
	edges := payment.Edges()
	if len(edges) != 34 {
		t.Errorf("%d edges, want 34", len(edges))
	}
	for i, e := range edges {
		if slices.Contains(edges[:i], e) {
			t.Errorf("%v is listed twice", e)
		}
		if !slices.Contains(payment.States(), e.From) || !slices.Contains(payment.States(), e.To) {
			t.Errorf("%v joins no states of ours", e)
		}
		if e.From.Terminal() {
			t.Errorf("%v leads out of a terminal state", e)
		}
		if e.To == payment.Created {
			t.Errorf("%v leads back to the beginning", e)
		}
	}
	if n := len(payment.States()); n != 10 {
		t.Errorf("%d states, want 10", n)
	}
}

// reach returns the states that edges lead to from one.
func reach(from payment.State) map[payment.State]bool {
	seen := map[payment.State]bool{}
	for queue := []payment.State{from}; len(queue) > 0; queue = queue[1:] {
		for _, e := range payment.Edges() {
			if e.From == queue[0] && !seen[e.To] {
				seen[e.To] = true
				queue = append(queue, e.To)
			}
		}
	}
	return seen
}

func TestEveryStateIsReachableAndEveryLiveStateCanEnd(t *testing.T) {
	t.Parallel()
	for _, s := range payment.States() {
		if s != payment.Created && !reach(payment.Created)[s] {
			t.Errorf("%s cannot be reached", s)
		}
		if s.Terminal() {
			continue
		}
		ends := reach(s)
		if !ends[payment.Succeeded] || !ends[payment.Failed] || !ends[payment.Expired] || !ends[payment.Canceled] {
			t.Errorf("%s cannot end in every way: %v", s, ends)
		}
	}
}

func TestRefundMachine(t *testing.T) {
	t.Parallel()
	reached := map[payment.RefundState]bool{payment.RefundRequested: true}
	for _, e := range payment.RefundEdges() {
		if e.From == payment.RefundFailed || e.To == payment.RefundRequested {
			t.Errorf("%v leads out of the end or back to the beginning", e)
		}
		reached[e.To] = true
	}
	for _, s := range payment.RefundStates() {
		if !reached[s] {
			t.Errorf("%s cannot be reached", s)
		}
	}
}
