package payment

import "slices"

// State is where a payment stands.
type State string

// The states. The last four are terminal: they never move.
const (
	Created        State = "created"         // not sent, or sent and not answered yet
	AwaitingPayer  State = "awaiting_payer"  // a checkout is open
	ActionRequired State = "action_required" // the payer's bank wants to see the payer
	Processing     State = "processing"      // accepted, the end comes later
	PartiallyPaid  State = "partially_paid"  // less than asked for has come
	Unknown        State = "unknown"         // it may have happened
	Succeeded      State = "succeeded"
	Failed         State = "failed"
	Canceled       State = "canceled"
	Expired        State = "expired"
)

// Absent is no state of ours: a provider shows it for a payment that it does not
// know.
const Absent State = "absent"

// States returns all states of a payment.
func States() []State {
	return []State{Created, AwaitingPayer, ActionRequired, Processing, PartiallyPaid, Unknown, Succeeded, Failed, Canceled, Expired}
}

// Terminal reports whether the state never moves.
func (s State) Terminal() bool {
	return s == Succeeded || s == Failed || s == Canceled || s == Expired
}

// Edge is a step that a payment may take.
type Edge struct{ From, To State }

// edges is the whole machine. Where two ways lead to a state, the one that is
// listed first is taken.
var edges = []Edge{
	{Created, AwaitingPayer},  // checkout created
	{Created, Processing},     // charge accepted
	{Created, Succeeded},      // charge done
	{Created, ActionRequired}, // the bank wants the payer
	{Created, Failed},         // definite decline, or never sent after all tries
	{Created, Unknown},        // ambiguous answer
	{Created, Canceled},       // superseded before it was sent

	{AwaitingPayer, Processing},
	{AwaitingPayer, Succeeded},
	{AwaitingPayer, PartiallyPaid},
	{AwaitingPayer, Failed},   // the provider said so and nothing was received
	{AwaitingPayer, Expired},  // likewise
	{AwaitingPayer, Canceled}, // the provider confirmed
	{AwaitingPayer, Unknown},  // capture or cancel was ambiguous

	{ActionRequired, Processing},
	{ActionRequired, Succeeded},
	{ActionRequired, Failed},
	{ActionRequired, Expired},
	{ActionRequired, Canceled},
	{ActionRequired, Unknown},

	{Processing, Succeeded},
	{Processing, Failed},
	{Processing, PartiallyPaid},
	{Processing, ActionRequired},

	{PartiallyPaid, Processing}, // the rest was seen
	{PartiallyPaid, Succeeded},  // settled, or the shortfall tolerated
	{PartiallyPaid, Expired},    // window closed: what came goes to the balance

	// By a look at the provider's book only.
	{Unknown, AwaitingPayer},
	{Unknown, ActionRequired},
	{Unknown, Processing},
	{Unknown, PartiallyPaid},
	{Unknown, Succeeded},
	{Unknown, Failed}, // needs proof of absence
	{Unknown, Canceled},
}

// Edges returns the machine: every step that there is.
func Edges() []Edge { return slices.Clone(edges) }

// MayMove reports whether one step leads from a state to another.
func MayMove(from, to State) bool { return slices.Contains(edges, Edge{from, to}) }

// way returns the shortest chain of edges between two states; ok is false
// without one. A provider's view may be more than one step ahead of ours, or
// back at an earlier one. Our ignorance (unknown) is passed through only where
// there is no other way.
func way(from, to State) (chain []Edge, ok bool) {
	if from == to {
		return nil, true
	}
	for _, avoid := range []State{Unknown, ""} {
		if chain := search(from, to, avoid); chain != nil {
			return chain, true
		}
	}
	return nil, false
}

func search(from, to, avoid State) []Edge {
	came := map[State]Edge{}
	for queue := []State{from}; len(queue) > 0; queue = queue[1:] {
		for _, e := range edges {
			if _, seen := came[e.To]; e.From != queue[0] || seen || e.To == from || e.To == avoid && e.To != to {
				continue
			}
			came[e.To] = e
			queue = append(queue, e.To)
		}
	}
	if _, reached := came[to]; !reached {
		return nil
	}
	var chain []Edge
	for at := to; at != from; at = came[at].From {
		chain = append(chain, came[at])
	}
	slices.Reverse(chain)
	return chain
}

// rank orders views of one instant: the one that is further on counts.
func (s State) rank() int {
	if s.Terminal() {
		return 4
	}
	return slices.Index([]State{AwaitingPayer, ActionRequired, Processing, PartiallyPaid}, s)
}
