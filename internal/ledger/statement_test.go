package ledger_test

import (
	"errors"
	"testing"

	"github.com/siptg/portal/internal/ledger"
	"github.com/siptg/portal/internal/money"
	"pgregory.net/rapid"
)

// history draws movements and what they add up to.
func history(t *rapid.T) (ledger.Totals, []ledger.Movement) {
	opening := money.Amount(rapid.Int64Range(-1_000_000, 1_000_000).Draw(t, "opening"))
	totals := ledger.Totals{Opening: opening, Closing: opening}
	var list []ledger.Movement
	for _, a := range rapid.SliceOfN(rapid.Int64Range(-500_000, 500_000).Filter(func(a int64) bool { return a != 0 }), 0, 30).Draw(t, "amounts") {
		amount := money.Amount(a)
		list = append(list, ledger.Movement{Amount: amount})
		totals.Closing += amount
		totals.Count++
		totals.In += max(amount, 0)
		totals.Out += max(-amount, 0)
	}
	return totals, list
}

// Whatever happened, opening plus the movements is closing, and each movement
// leads from the balance before it to the one after it.
func TestStatementsAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		totals, list := history(t)
		s, err := ledger.NewStatement(totals, list)
		if err != nil {
			t.Fatal(err)
		}
		balance := s.Opening
		for i, m := range s.Movements {
			balance += m.Amount
			if m.After != balance {
				t.Fatalf("movement %d: after it %d, want %d", i, m.After, balance)
			}
		}
		if balance != s.Closing || s.Listed != s.Closing || s.Omitted != 0 {
			t.Fatalf("%+v", s)
		}
		// A list that was cut off says how much is missing.
		n := rapid.IntRange(0, len(list)).Draw(t, "shown")
		cut, err := ledger.NewStatement(totals, list[:n])
		if err != nil || cut.Omitted != len(list)-n || cut.Closing != s.Closing {
			t.Fatalf("cut to %d: %+v %v", n, cut, err)
		}
	})
}

// A cent more or less anywhere is an error, not a page.
func TestStatementsThatDoNotAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		totals, list := history(t)
		list = append(list, ledger.Movement{Amount: 1}) // there is one to change
		totals.In, totals.Closing, totals.Count = totals.In+1, totals.Closing+1, totals.Count+1
		off := money.Amount(rapid.SampledFrom([]int64{-2, -1, 1, 2}).Draw(t, "off"))
		switch rapid.SampledFrom([]string{"opening", "in", "out", "closing", "movement", "count"}).Draw(t, "where") {
		case "opening":
			totals.Opening += off
		case "in":
			totals.In += off
		case "out":
			totals.Out += off
		case "closing":
			totals.Closing += off
		case "movement":
			list[rapid.IntRange(0, len(list)-1).Draw(t, "which")].Amount += off
		case "count":
			totals.Count = len(list) - 1
		}
		if _, err := ledger.NewStatement(totals, list); !errors.Is(err, ledger.ErrStatement) {
			t.Fatalf("%+v %+v: %v", totals, list, err)
		}
	})
}
