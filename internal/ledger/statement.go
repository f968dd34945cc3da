package ledger

import (
	"errors"
	"fmt"
	"time"

	"github.com/siptg/portal/internal/money"
)

// Movement is one posting on a payer's balance account, as the payer sees it.
type Movement struct {
	At     time.Time
	Kind   EntryKind
	Amount money.Amount // positive in the payer's favour
	After  money.Amount // what the payer has after it; set by NewStatement
}

// Totals are what the store adds up by itself, apart from the list of
// movements: before the period, in it, and up to its end.
type Totals struct {
	Opening money.Amount
	In      money.Amount // what came in during the period; never negative
	Out     money.Amount // what went out during the period; never negative
	Closing money.Amount
	Count   int // movements in the period
}

// Statement is a payer's account over a period. Opening plus the movements, in
// their order, is Listed; Listed plus what is left out is Closing.
type Statement struct {
	Totals
	Movements []Movement   // oldest first; the first ones where there are too many
	Listed    money.Amount // what the payer has after the last movement of the list
	Omitted   int          // how many movements are left out at the end
}

// ErrStatement reports a statement that does not add up.
var ErrStatement = errors.New("ledger: statement does not add up")

// NewStatement works out the balance after each movement. It returns
// ErrStatement unless the totals and the movements say the same.
func NewStatement(t Totals, movements []Movement) (Statement, error) {
	s := Statement{Totals: t, Movements: movements, Listed: t.Opening, Omitted: t.Count - len(movements)}
	var in, out money.Amount
	for i := range movements {
		m := &movements[i]
		var err error
		if s.Listed, err = money.Sum(s.Listed, m.Amount); err != nil {
			return Statement{}, err
		}
		m.After = s.Listed
		if m.Amount > 0 {
			in += m.Amount
		} else {
			out -= m.Amount
		}
	}
	closing, err := money.Sum(t.Opening, t.In, -t.Out)
	switch {
	case err != nil:
		return Statement{}, err
	case closing != t.Closing:
		return Statement{}, fmt.Errorf("%w: opening %s, in %s, out %s, closing %s", ErrStatement, t.Opening.Decimal(), t.In.Decimal(), t.Out.Decimal(), t.Closing.Decimal())
	case s.Omitted < 0, in > t.In, out > t.Out:
		return Statement{}, fmt.Errorf("%w: %d movements are listed, %d are counted", ErrStatement, len(movements), t.Count)
	case s.Omitted == 0 && (in != t.In || out != t.Out):
		return Statement{}, fmt.Errorf("%w: the list has in %s, out %s; the totals in %s, out %s", ErrStatement, in.Decimal(), out.Decimal(), t.In.Decimal(), t.Out.Decimal())
	}
	return s, nil
}
