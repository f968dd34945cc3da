package sim

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// result is what became of a run.
type result struct {
	breaches []breach
	trace    []string
	tally    map[string]int
}

// failed reports whether an invariant is broken.
func (r result) failed() bool { return len(r.breaches) > 0 }

// run plays a plan to its end, or to the first broken invariant.
func run(t testing.TB, p plan, m mutant) result {
	w := newWorld(t, p.seed, m)
	var trace []string
	for i, s := range p.steps {
		trace = append(trace, fmt.Sprintf("%3d %s | %s: %s", i, w.clock.Now().Format(time.DateTime), s, w.play(i, s)))
		if len(w.breaches) > 0 {
			return result{w.breaches, trace, w.tally}
		}
	}
	w.at = len(p.steps)
	w.drain()
	return result{w.breaches, trace, w.tally}
}

// shrink returns fewer steps that break the same invariant, by leaving ever
// smaller parts of the list away. play runs a plan.
func shrink(p plan, first breach, budget int, play func(plan) result) plan {
	fails := func(steps []step) bool {
		if budget--; budget < 0 {
			return false
		}
		r := play(plan{seed: p.seed, steps: steps, races: p.races})
		return r.failed() && r.breaches[0].ID == first.ID
	}
	steps := p.steps[:min(len(p.steps), first.Step+1)]
	for part := (len(steps) + 1) / 2; part > 0 && budget > 0; {
		shorter := false
		for from := 0; from < len(steps) && budget > 0; {
			without := append(append([]step(nil), steps[:from]...), steps[min(from+part, len(steps)):]...)
			if fails(without) {
				steps, shorter = without, true
			} else {
				from += part
			}
		}
		if part == 1 && !shorter {
			break
		}
		if !shorter || part > 1 {
			part = max(1, part/2)
		}
		if part == 1 && len(steps) == 0 {
			break
		}
	}
	return plan{seed: p.seed, steps: steps, races: p.races}
}

// told is a failure as it is printed.
func told(p plan, length int, r result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d breaks\n", p.seed)
	for _, x := range r.breaches {
		fmt.Fprintf(&b, "  %s\n", x)
	}
	fmt.Fprintf(&b, "with %d steps (again: make sim SEED=%d STEPS=%d)\n%s", len(p.steps), p.seed, length, strings.Join(r.trace, "\n"))
	return b.String()
}
