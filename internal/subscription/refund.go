package subscription

import (
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
)

// Unused returns what is credited when a subscription ends at an instant, net,
// and the whole days it is for. It is worked out by calendar days in the
// seller's zone: of each period the days that documents print (ServiceDays), of
// which the day begun counts as used. The sum is rounded half up once, and is
// never more than the periods are worth, nor than was paid for them.
//
// A change counts value by the second, a refund by the day: a refund is read and
// checked by people, and the part of the day begun was there to be used.
func Unused(periods []PaidPeriod, at time.Time, zone *time.Location) (money.Amount, int, error) {
	if err := checkAccount(periods); err != nil {
		return 0, 0, err
	}
	var byDay, worth Value
	total := 0
	tomorrow := civil.DateOf(at, zone).AddDays(1)
	for _, p := range after(periods, at) {
		worth = worth.Add(p.Worth)
		first, last := p.ServiceDays(zone)
		whole := daysBetween(first, last) + 1
		unused := min(whole, daysBetween(tomorrow, last)+1)
		if unused <= 0 {
			continue
		}
		total += unused
		byDay = byDay.Add(p.Worth.times(int64(unused), int64(whole)))
	}
	most, err := worth.Floor()
	if err != nil {
		return 0, 0, err
	}
	amount, err := byDay.Rounded()
	if err != nil {
		return 0, 0, err
	}
	return min(amount, most), total, nil
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
