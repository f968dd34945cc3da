package subscription

import (
	"fmt"
	"math/big"
	"time"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/pricing"
)

// What a change, a withdrawal, a refund and a chargeback are called in the history.
const (
	EventChanged   EventKind = "changed"   // another configuration for the same money
	EventWithdrawn EventKind = "withdrawn" // a consumer withdrew within 14 days
	EventRefunded  EventKind = "refunded"  // the unused part was credited or paid back

	EventChargedBack EventKind = "charged_back" // the card holder's bank took the payment back
)

// lastSecond is the last one that paid time may reach: pages and documents can
// print years of four digits. It is a day early, so that it is still that year in
// every zone.
var lastSecond = time.Date(9999, time.December, 30, 0, 0, 0, 0, time.UTC).Unix()

// day is in seconds: the arithmetic that a preview shows is by 24 hours.
const day = 24 * 60 * 60

// Prices prices a selection by the price book with that id.
type Prices func(book string, s pricing.Selection) (pricing.Price, error)

// Part is the arithmetic of a change for one paid period:
// OldDays x OldPerDay = Value = NewDays x NewPerDay + Credit + Residue.
type Part struct {
	Number                 int
	OldMonthly, NewMonthly money.Amount // list price, net
	OldPerDay, NewPerDay   Value        // net price of 24 hours, with the discount of the period
	OldDays, NewDays       string       // of 24 hours, with four decimals
	Value                  Value        // unused at the change
	Credit                 money.Amount
	Residue                Value // stays in the account: less than a cent, and than a second's price
}

// Change is what a preview shows and what is then done.
type Change struct {
	At                     time.Time
	From, To               pricing.Selection
	OldUntil, NewUntil     time.Time
	OldMonthly, NewMonthly money.Amount // list price of the running period, net
	Value                  Value        // unused before = Unused after + Credit
	Unused                 money.Amount // Value, rounded half up
	Days                   int          // calendar days given; taken when negative
	Credit                 money.Amount // to the balance, net
	Residue                Value        // the parts' together
	AnchorDay              int          // that renewals keep from now on
	Parts                  []Part
	Periods                []PaidPeriod // the account from At on, in place of what was left
}

// Preview works out the change of an active subscription to another
// configuration, at no charge (product.md, "Change of an active subscription").
// The period of the selection is not changed: it is what a renewal buys. periods
// is the whole value account or what is left of it, oldest first.
//
// The rate. A paid period keeps the price book and the discount that it was
// bought with; its price of a second changes in the ratio of the two list prices
// in that book:
//
//	new rate = rate x (new monthly price / old monthly price)
//	new end  = At + unused value / new rate
//
// The ratio of A to B times that of B to C is that of A to C, and A to B to A is
// one. So any number of changes at one instant is the same as one change, and
// back again is no change at all, to the second (I18, I19). A rate from today's
// prices, or from an average month, would not have this property: it would give
// or take value when prices or months differ from those that were paid.
//
// The end is rounded down to a whole second. What buys no second is credited as
// far as it makes up whole cents, which takes a price of more than a cent a
// second, and stays in the account exactly for the rest. At least one second is
// left of each period, so that the new end is after At.
//
// Errors: Conflict for a subscription that is over or has no paid time left, or
// an end beyond the year 9999; Invalid for the same configuration and for one
// that is not sold.
func Preview(s Subscription, periods []PaidPeriod, to pricing.Selection, prices Prices, at time.Time, zone *time.Location) (Change, error) {
	at = at.UTC().Truncate(time.Second)
	to.Period = s.Selection.Period
	if s.State != StateActive {
		return Change{}, fault.New(fault.Conflict, "error.subscription.ended")
	}
	if to == s.Selection {
		return Change{}, fault.New(fault.Invalid, "error.change.same")
	}
	if err := checkAccount(periods); err != nil {
		return Change{}, err
	}
	periods = after(periods, at)
	if len(periods) == 0 {
		return Change{}, fault.New(fault.Conflict, "error.change.nothing_left")
	}
	if last := periods[len(periods)-1].Until; !last.Equal(s.PaidUntil) {
		return Change{}, fmt.Errorf("%w: it ends at %s, the subscription at %s", errAccount, last, s.PaidUntil)
	}
	c := Change{At: at, From: s.Selection, To: to, OldUntil: s.PaidUntil}
	for _, p := range periods {
		price, err := prices(p.Book, to)
		if err != nil {
			return Change{}, err
		}
		if price.Currency != s.Currency || price.Monthly <= 0 {
			return Change{}, fmt.Errorf("%w: period %d: a price of %s %s", errAccount, p.Number, price.Monthly.Decimal(), price.Currency)
		}
		from := laterOf(at, p.From)
		if n := len(c.Periods); n > 0 {
			from = c.Periods[n-1].Until
		}
		part, next, err := p.changed(at, from, price.Monthly)
		if err != nil {
			return Change{}, err
		}
		c.Parts, c.Periods = append(c.Parts, part), append(c.Periods, next)
		c.Value, c.Residue = c.Value.Add(part.Value), c.Residue.Add(part.Residue)
		if c.Credit, err = money.Sum(c.Credit, part.Credit); err != nil {
			return Change{}, err
		}
	}
	var err error
	if c.Unused, err = c.Value.Rounded(); err != nil {
		return Change{}, err
	}
	c.OldMonthly, c.NewMonthly = c.Parts[0].OldMonthly, c.Parts[0].NewMonthly
	c.NewUntil = c.Periods[len(c.Periods)-1].Until
	end := civil.DateOf(c.NewUntil, zone)
	c.AnchorDay = end.Day
	c.Days = daysBetween(civil.DateOf(c.OldUntil, zone), end)
	return c, nil
}

// changed is the change of one period at an instant, to begin at from.
func (p PaidPeriod) changed(at, from time.Time, monthly money.Amount) (Part, PaidPeriod, error) {
	value := p.Unused(at)
	next := p
	next.Monthly = monthly
	next.Rate = p.Rate.times(int64(monthly), int64(p.Monthly))
	seconds := new(big.Rat).Quo(value.rat(), next.Rate.rat())
	whole := new(big.Int).Quo(seconds.Num(), seconds.Denom())
	limit := lastSecond - from.Unix()
	if !whole.IsInt64() || whole.Int64() > limit {
		return Part{}, PaidPeriod{}, fault.New(fault.Conflict, "error.change.too_far")
	}
	n := max(1, whole.Int64())
	next.From, next.Until = from, time.Unix(from.Unix()+n, 0).UTC()
	residue := value.Sub(next.Rate.times(n, 1))
	if residue.Sign() < 0 { // the one second that is always left
		residue = Value{}
	}
	credit, err := residue.Floor()
	if err != nil {
		return Part{}, PaidPeriod{}, err
	}
	next.Worth = value.Sub(ValueOf(credit))
	return Part{
		Number:     p.Number,
		OldMonthly: p.Monthly, NewMonthly: monthly,
		OldPerDay: p.Rate.times(day, 1), NewPerDay: next.Rate.times(day, 1),
		OldDays: days(p.Until.Unix() - laterOf(at, p.From).Unix()), NewDays: days(n),
		Value: value, Credit: credit, Residue: residue.Sub(ValueOf(credit)),
	}, next, nil
}

// Changed returns the subscription after the change.
func (s Subscription) Changed(c Change) Subscription {
	s.Selection, s.PaidUntil, s.AnchorDay = c.To, c.NewUntil, c.AnchorDay
	return s
}

// after returns the periods that are not over at an instant.
func after(periods []PaidPeriod, at time.Time) []PaidPeriod {
	for i, p := range periods {
		if p.Until.After(at) {
			return periods[i:]
		}
	}
	return nil
}

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// days writes a length in days of 24 hours.
func days(seconds int64) string { return big.NewRat(seconds, day).FloatString(4) }

// daysBetween counts calendar days. Date.Sub goes by time.Duration, which ends
// at 292 years, and a long term at a small price can be longer.
func daysBetween(from, to civil.Date) int {
	return int((to.In(time.UTC).Unix() - from.In(time.UTC).Unix()) / day)
}
