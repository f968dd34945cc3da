package sim

import (
	"fmt"
	"math/rand/v2"
)

// step is one thing that happens. It is data: a seed makes a list of them, and a
// list without some of them can be played as well. The numbers are read by what
// is done, each modulo what there is at that moment.
type step struct {
	Do      string
	Who     int
	A, B, C int
	Crash   int // the how-manieth statement that writes fails; 0 for none
	Cut     cut // the use case ends at the provider's door
}

// cut is where a use case is killed that calls the provider.
type cut int

const (
	cutNever  cut = iota
	cutBefore     // the request never leaves
	cutAfter      // done there, and nobody here has heard
)

// String is the step as a failure prints it.
func (s step) String() string {
	out := fmt.Sprintf("%s who=%d a=%d b=%d c=%d", s.Do, s.Who, s.A, s.B, s.C)
	if s.Crash > 0 {
		out += fmt.Sprintf(" crash=%d", s.Crash)
	}
	if s.Cut != cutNever {
		out += " cut=" + [...]string{"", "before", "after"}[s.Cut]
	}
	return out
}

// action is something that can be done, and how often it is relative to others.
type action struct {
	name   string
	weight int
	do     func(*world, step) string
}

// plan is what a run is made of.
type plan struct {
	seed  uint64
	steps []step
	races bool // two use cases at once: the outcome may depend on which is quicker
}

// numbers are the seed's random numbers.
func numbers(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x51b0)) }

// newPlan draws the steps of a seed.
func newPlan(seed uint64, length int, races bool) plan {
	r, total := numbers(seed), 0
	for _, a := range actions {
		total += a.weight
	}
	p := plan{seed: seed, races: races}
	for range length {
		s := step{Do: pickAction(r.IntN(total)), Who: r.IntN(64), A: r.IntN(1 << 16), B: r.IntN(1 << 16), C: r.IntN(1 << 16)}
		switch r.IntN(16) {
		case 0:
			s.Crash = 1 + r.IntN(40)
		case 1:
			s.Cut = cut(1 + r.IntN(2))
		}
		if s.Do == "race" && !races {
			s.Do = "work"
		}
		p.steps = append(p.steps, s)
	}
	return p
}

func pickAction(n int) string {
	for _, a := range actions {
		if n -= a.weight; n < 0 {
			return a.name
		}
	}
	return actions[0].name
}

func actionOf(name string) func(*world, step) string {
	for _, a := range actions {
		if a.name == name {
			return a.do
		}
	}
	return func(*world, step) string { return "no such thing" }
}
