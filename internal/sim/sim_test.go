package sim

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/pricing"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "play this seed alone and print what happens")
	seedsFlag = flag.Int("seeds", 6, "how many seeds to play")
	stepsFlag = flag.Int("steps", 60, "how many steps a seed has")
	fromFlag  = flag.Uint64("from", 1, "the first seed")
)

// shrinkRuns bounds the search for fewer steps.
const shrinkRuns = 60

func paymentID(p pay) payment.ID { return payment.ID(p.ID) }

func planOfSub(s sub) pricing.Plan { return pricing.Plan(s.Plan) }

// TestSimulation plays seeds and fails with the fewest steps that it finds to
// break the same invariant.
func TestSimulation(t *testing.T) {
	seeds, from := *seedsFlag, *fromFlag
	if *seedFlag != 0 {
		seeds, from = 1, *seedFlag
	}
	var (
		mu    sync.Mutex
		tally = map[string]int{}
		done  int
		start = time.Now()
		told  = time.Now()
	)
	t.Cleanup(func() {
		seconds := time.Since(start).Seconds()
		fmt.Fprintf(os.Stderr, "sim: %d seeds of %d steps in %.0f s, %.0f steps/s\n", done, *stepsFlag, seconds, float64(done**stepsFlag)/seconds)
		if testing.Verbose() {
			fmt.Fprint(os.Stderr, counts(tally))
		}
	})
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i := range seeds {
		seed := from + uint64(i)
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			slots <- struct{}{}
			defer func() { <-slots }()
			r := playSeed(t, seed)
			mu.Lock()
			defer mu.Unlock()
			done++
			for what, n := range r.tally {
				tally[what] += n
			}
			if time.Since(told) > 10*time.Second {
				told = time.Now()
				fmt.Fprintf(os.Stderr, "sim: %d of %d seeds, %.2f seeds/s\n", done, seeds, float64(done)/time.Since(start).Seconds())
			}
		})
	}
}

// playSeed plays one seed, and shrinks it where it fails.
func playSeed(t *testing.T, seed uint64) result {
	p := newPlan(seed, *stepsFlag, true)
	r := run(t, p, mutant{})
	if *seedFlag != 0 {
		t.Logf("what happened:\n%s", strings.Join(r.trace, "\n"))
	}
	if !r.failed() {
		return r
	}
	t.Errorf("seed %d breaks %s; looking for fewer steps", seed, r.breaches[0])
	again := func(p plan) (out result) {
		t.Run("again", func(t *testing.T) { out = run(t, p, mutant{}) })
		return out
	}
	short := shrink(p, r.breaches[0], shrinkRuns, again)
	if last := again(short); last.failed() {
		t.Error(told(short, *stepsFlag, last))
	} else { // two of its steps race
		t.Error(told(p, *stepsFlag, r))
	}
	return r
}

// counts lists how often each thing happened.
func counts(tally map[string]int) string {
	var b strings.Builder
	for _, what := range slices.Sorted(maps.Keys(tally)) {
		fmt.Fprintf(&b, "%7d %s\n", tally[what], what)
	}
	return b.String()
}

// Same seed, same steps, same outcome.
func TestOneSeedIsOneStory(t *testing.T) {
	t.Parallel()
	p := newPlan(7, 50, false)
	first, second := run(t, p, mutant{}), run(t, p, mutant{})
	if !slices.Equal(first.trace, second.trace) {
		for i := range min(len(first.trace), len(second.trace)) {
			if first.trace[i] != second.trace[i] {
				t.Fatalf("the same seed went another way:\n%s\n%s", first.trace[i], second.trace[i])
			}
		}
		t.Fatal("the same seed was of another length")
	}
}
