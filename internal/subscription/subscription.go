package subscription

import (
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/pricing"
)

// State is where a subscription stands.
type State string

// The states. An ended subscription has fallen back to Free.
const (
	StateActive State = "active"
	StateEnded  State = "ended"
)

// Subscription is a plan with options for one Customer, paid by one Payer.
type Subscription struct {
	ID         string
	PayerID    account.PayerID
	CustomerID account.ID
	Selection  pricing.Selection // Period is what a renewal buys
	Currency   money.Currency
	State      State
	AutoRenew  bool
	AnchorDay  int // day of the month that periods end on
	StartedAt  time.Time
	PaidUntil  time.Time
}

// Period is one paid stretch of time, from From (inclusive) to Until (exclusive).
type Period struct {
	Number  int // 1, 2, 3 … within the subscription
	From    time.Time
	Until   time.Time
	OrderID string
}

// EventKind names something that happened to a subscription.
type EventKind string

// The events of a subscription's history.
const (
	EventStarted      EventKind = "started"
	EventExtended     EventKind = "extended"
	EventAutoRenewOff EventKind = "auto_renew_off"
	EventAutoRenewOn  EventKind = "auto_renew_on"
	EventEnded        EventKind = "ended"
)

// Event is one line of the answer to "Why this date?".
type Event struct {
	At          time.Time
	Kind        EventKind
	Actor       string // who did it, as in the audit log
	Months      int    // paid for, started and extended only
	Days        int    // calendar days that a change gave; taken when negative
	OrderNumber string
	PaidUntil   time.Time // after the event
}

// End returns the instant at which months paid from instant from run out: the
// same clock time in zone on the anchor day of the month so many months later,
// or on that month's last day where it is shorter.
func End(from time.Time, months, anchorDay int, zone *time.Location) time.Time {
	local := from.In(zone)
	day := civil.DateOf(local, zone).AddMonths(months, anchorDay)
	return time.Date(day.Year, day.Month, day.Day, local.Hour(), local.Minute(), local.Second(), local.Nanosecond(), zone).UTC()
}

// Start returns a new subscription that begins at instant at, with its first
// period. Auto-renewal is on after the first payment (product.md, "Renewal").
func Start(payer account.PayerID, customer account.ID, sel pricing.Selection, currency money.Currency, at time.Time, zone *time.Location) (Subscription, Period) {
	at = at.UTC().Truncate(time.Second) // whole seconds: what a page shows is what is stored
	anchor := civil.DateOf(at, zone).Day
	s := Subscription{
		PayerID: payer, CustomerID: customer, Selection: sel, Currency: currency,
		State: StateActive, AutoRenew: true, AnchorDay: anchor,
		StartedAt: at, PaidUntil: End(at, int(sel.Period), anchor, zone),
	}
	return s, Period{Number: 1, From: s.StartedAt, Until: s.PaidUntil}
}

// Extended returns the subscription with another paid period, the number-th. It
// continues from paid_until, not from the day of payment. A Conflict is what is
// over, and an end beyond the year 9999, which a change to a cheap configuration
// can bring near.
func (s Subscription) Extended(period pricing.Period, number int, zone *time.Location) (Subscription, Period, error) {
	if s.State != StateActive {
		return s, Period{}, fault.New(fault.Conflict, "error.subscription.ended")
	}
	from := s.PaidUntil
	s.Selection.Period = period
	s.PaidUntil = End(from, int(period), s.AnchorDay, zone)
	if s.PaidUntil.Unix() > lastSecond {
		return s, Period{}, fault.New(fault.Conflict, "error.change.too_far")
	}
	return s, Period{Number: number, From: from, Until: s.PaidUntil}, nil
}

// WithoutAutoRenew returns the subscription with auto-renewal off, and whether
// that changes anything.
func (s Subscription) WithoutAutoRenew() (Subscription, bool, error) { return s.withAutoRenew(false) }

// WithAutoRenew returns the subscription with auto-renewal on, and whether that
// changes anything.
func (s Subscription) WithAutoRenew() (Subscription, bool, error) { return s.withAutoRenew(true) }

// Renews reports whether the subscription renews by itself: it is active,
// auto-renewal is on, and its plan is still sold.
func (s Subscription) Renews() bool {
	return s.State == StateActive && s.AutoRenew && s.Selection.Plan.Orderable()
}

func (s Subscription) withAutoRenew(on bool) (Subscription, bool, error) {
	if s.State != StateActive {
		return s, false, fault.New(fault.Conflict, "error.subscription.ended")
	}
	changed := s.AutoRenew != on
	s.AutoRenew = on
	return s, changed, nil
}

// ServiceDays returns the first and the last day of a period as printed on
// documents: the day on which it ends belongs to the next one.
func (p Period) ServiceDays(zone *time.Location) (first, last civil.Date) {
	return civil.DateOf(p.From, zone), civil.DateOf(p.Until, zone).AddDays(-1)
}
