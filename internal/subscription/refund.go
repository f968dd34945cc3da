package subscription

import (
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
)

// UnusedPart is what is unused of one paid period, by calendar days.
type UnusedPart struct {
	PaidPeriod

	Days   int          // whole unused days
	Of     int          // days of the period as documents print them
	Credit money.Amount // net
}

// UnusedParts returns what is credited of each period when a subscription ends
// at an instant, net, and the whole days it is for. It is worked out by calendar
// days in the seller's zone: of each period the days that documents print
// (ServiceDays), of which the day begun counts as used. The sum is rounded half
// up once, and is never more than the periods are worth, nor than was paid for
// them; a part is what the sum grows by, so that the parts are whole minor units
// that add up, and none is more than its period's order cost.
//
// A change counts value by the second, a refund by the day: a refund is read and
// checked by people, and the part of the day begun was there to be used.
func UnusedParts(periods []PaidPeriod, at time.Time, zone *time.Location) ([]UnusedPart, error) {
	if err := checkAccount(periods); err != nil {
		return nil, err
	}
	var byDay, worth Value
	var credited money.Amount
	tomorrow := civil.DateOf(at, zone).AddDays(1)
	left := after(periods, at)
	for _, p := range left {
		worth = worth.Add(p.Worth)
	}
	most, err := worth.Floor()
	if err != nil {
		return nil, err
	}
	parts := make([]UnusedPart, len(left))
	for i, p := range left {
		first, last := p.ServiceDays(zone)
		part := UnusedPart{PaidPeriod: p, Of: max(0, daysBetween(first, last)+1)}
		part.Days = max(0, min(part.Of, daysBetween(tomorrow, last)+1))
		if part.Days > 0 {
			byDay = byDay.Add(p.Worth.times(int64(part.Days), int64(part.Of)))
		}
		sum, err := byDay.Rounded()
		if err != nil {
			return nil, err
		}
		sum = min(sum, most)
		part.Credit, credited = sum-credited, sum
		parts[i] = part
	}
	return parts, nil
}

// Unused returns the sum of UnusedParts, and their days.
func Unused(periods []PaidPeriod, at time.Time, zone *time.Location) (money.Amount, int, error) {
	parts, err := UnusedParts(periods, at, zone)
	var sum money.Amount
	days := 0
	for _, p := range parts {
		sum, days = sum+p.Credit, days+p.Days
	}
	return sum, days, err
}

// Shortened is a subscription of which paid time was taken away.
type Shortened struct {
	Subscription
	First    int          // number of the first period that is other than before; 0 for none
	Replaced []PaidPeriod // in place of those from First on
	Gone     []int        // numbers of the periods that had not begun and are replaced by nothing
}

// Without takes periods away at an instant: by their numbers, with the net amount
// that was credited for each, which it is worth less now. The one that runs is
// closed at that instant, a second after its beginning at least, for paid time is
// never empty; those that have not begun are gone; paid time behind them moves
// forward, as long as it was. Where the new end is not the one that the anchor day
// asks for, renewals keep its day from now on. A subscription without time left
// ends there, as EndedEarly does.
//
// periods is the whole value account or what is left of it, oldest first.
func (s Subscription) Without(periods []PaidPeriod, taken map[int]money.Amount, at time.Time, zone *time.Location) (Shortened, error) {
	if s.State != StateActive {
		return Shortened{}, fault.New(fault.Conflict, "error.subscription.ended")
	}
	if err := checkAccount(periods); err != nil {
		return Shortened{}, err
	}
	out := Shortened{Subscription: s}
	at = at.UTC().Truncate(time.Second)
	closed := at
	var end time.Time // of what stays, once something is taken
	moved := false
	for _, p := range after(periods, at) {
		credit, take := taken[p.Number]
		from := p.From
		if !end.IsZero() {
			from = end
		}
		if out.First == 0 && take {
			out.First = p.Number
		}
		switch {
		case take && !p.From.After(at):
			p.Worth = p.Worth.Sub(ValueOf(credit))
			if p.Worth.Sign() < 0 { // the credit was rounded up
				p.Worth = Value{}
			}
			closed = laterOf(at, from.Add(time.Second))
			p.From, p.Until, end = from, closed, closed
			out.Replaced = append(out.Replaced, p)
		case take:
			out.Gone, end = append(out.Gone, p.Number), from
		case !end.IsZero():
			p.Until = time.Unix(from.Unix()+p.Until.Unix()-p.From.Unix(), 0).UTC()
			p.From, end, moved = from, p.Until, true
			out.Replaced = append(out.Replaced, p)
		}
	}
	if end.IsZero() { // nothing of it was left
		return out, nil
	}
	out.PaidUntil = end
	if !end.After(closed) {
		out.State, out.AutoRenew = StateEnded, false
	}
	day := civil.DateOf(end, zone)
	if moved || out.State == StateActive && day.AddMonths(0, s.AnchorDay) != day {
		out.AnchorDay = day.Day
	}
	return out, nil
}

// EndedEarly returns the subscription ended at an instant before its time, by a
// withdrawal, a refund or a transfer. Paid time is closed there.
func (s Subscription) EndedEarly(at time.Time) (Subscription, error) {
	if s.State != StateActive {
		return s, fault.New(fault.Conflict, "error.subscription.ended")
	}
	at = laterOf(at.UTC().Truncate(time.Second), s.StartedAt.Add(time.Second)) // paid time is never empty
	if at.Before(s.PaidUntil) {
		s.PaidUntil = at
	}
	s.State, s.AutoRenew = StateEnded, false
	return s, nil
}

// withdrawalDays is the period of Directive 2011/83/EU, article 9(1).
const withdrawalDays = 14

// Withdrawable reports whether a payer may still withdraw from an order, and the
// last day on which that is possible. Only consumers in the EU may: persons, in
// the product's words. For anybody else the day is the zero Date.
//
// The 14 days begin after the day on which the contract was concluded (art. 9(2)(a)
// for services) and end with the last hour of the last day; if that is a
// Saturday or a Sunday, with the next working day (Regulation 1182/71, art. 3(1),
// 3(2)(b) and 3(4)). Public holidays, which move it too, differ by country and are
// not known here: staff accept a withdrawal on the working day after one.
// concluded is the order's or the payment's instant; the later one is never
// worse for the consumer.
func Withdrawable(kind account.Kind, inEU bool, concluded, now time.Time, zone *time.Location) (bool, civil.Date) {
	if kind != account.KindPerson || !inEU {
		return false, civil.Date{}
	}
	last := civil.DateOf(concluded, zone).AddDays(withdrawalDays)
	for weekend(last) {
		last = last.AddDays(1)
	}
	return !civil.DateOf(now, zone).After(last), last
}

func weekend(d civil.Date) bool {
	w := d.In(time.UTC).Weekday()
	return w == time.Saturday || w == time.Sunday
}
