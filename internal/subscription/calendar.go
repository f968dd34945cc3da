package subscription

import "github.com/siptg/portal/internal/civil"

// Calendar says on which days a renewal is prepared, reminded of and paid
// (product.md, "Renewal"). Its numbers are days before the end of the paid time,
// or after it.
type Calendar struct {
	Prepare     int   // before: the next bank invoice, a look at the saved card
	Remind      []int // before, largest first
	FirstCharge int   // before; from then on daily until the end
	Grace       int   // after: as long as everything still works
	GraceCharge []int // after, smallest first: the last tries
}

// Due is what a renewal asks for on a day.
type Due struct {
	Prepare bool
	Remind  int  // of the latest reminder whose day has come, its days before the end; 0 for none
	Pay     bool // money may be taken: what is on the balance, whenever it covers the whole
	Charge  bool // a saved method is to be tried now
}

// Due returns what is due today for a paid time that ends on a day. lastTry is
// the day on which a saved method was tried last; zero for never. A day on which
// nobody looked is made up for, once: after it at most one try is due.
func (c Calendar) Due(today, end, lastTry civil.Date) Due {
	left := end.Sub(today)
	if left < -c.Grace {
		return Due{}
	}
	d := Due{Prepare: left <= c.Prepare, Pay: left <= c.FirstCharge}
	for _, days := range c.Remind {
		if left <= days && left >= 0 {
			d.Remind = days
		}
	}
	for _, day := range c.tries(end) {
		d.Charge = d.Charge || !day.After(today) && (lastTry.IsZero() || day.After(lastTry))
	}
	return d
}

// NextTry returns the first day of trying after a day; ok is false without one.
func (c Calendar) NextTry(end, after civil.Date) (day civil.Date, ok bool) {
	for _, day := range c.tries(end) {
		if day.After(after) {
			return day, true
		}
	}
	return civil.Date{}, false
}

// FirstLook is how many days before the end a renewal first asks for anything.
func (c Calendar) FirstLook() int {
	most := max(c.Prepare, c.FirstCharge)
	for _, days := range c.Remind {
		most = max(most, days)
	}
	return most
}

// tries are the days on which a saved method is tried, in order.
func (c Calendar) tries(end civil.Date) []civil.Date {
	days := make([]civil.Date, 0, c.FirstCharge+1+len(c.GraceCharge))
	for left := c.FirstCharge; left >= 0; left-- {
		days = append(days, end.AddDays(-left))
	}
	for _, after := range c.GraceCharge {
		days = append(days, end.AddDays(after))
	}
	return days
}
