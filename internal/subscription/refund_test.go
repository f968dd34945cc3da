package subscription_test

import (
	"testing"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/subscription"
	"pgregory.net/rapid"
)

// 324.00 for the 365 days of 1 January to 31 December 2026 in Vilnius.
func TestUnusedByDay(t *testing.T) {
	t.Parallel()
	zone := vilnius(t)
	_, periods := bought(t, gateway(1, 0, 12), time.Date(2026, 1, 1, 10, 0, 0, 0, zone), zone)
	for _, tt := range []struct {
		at     string // in Vilnius
		days   int
		amount money.Amount
	}{
		{"2025-12-31 23:59", 365, 324_00},
		{"2026-01-01 10:00", 364, 323_11}, // 323.1123
		{"2026-01-01 23:59", 364, 323_11},
		{"2026-01-02 00:00", 363, 322_22}, // 322.2247
		{"2026-07-01 12:00", 183, 162_44}, // 162.4438
		{"2026-12-30 12:00", 1, 89},       // 0.8877
		{"2026-12-31 00:00", 0, 0},
		{"2027-01-01 09:59", 0, 0},
		{"2027-01-01 10:00", 0, 0},
		{"2030-01-01 00:00", 0, 0},
	} {
		at, err := time.ParseInLocation("2006-01-02 15:04", tt.at, zone)
		if err != nil {
			t.Fatal(err)
		}
		if amount, days, err := subscription.Unused(periods, at, zone); err != nil || amount != tt.amount || days != tt.days {
			t.Errorf("%s: %d for %d days, %v; want %d for %d", tt.at, amount, days, err, tt.amount, tt.days)
		}
	}
}

// It is a matter of the seller's day, not of the day in UTC.
func TestUnusedGoesByTheSellersDay(t *testing.T) {
	t.Parallel()
	zone := vilnius(t)
	_, periods := bought(t, gateway(1, 0, 12), time.Date(2026, 1, 1, 10, 0, 0, 0, zone), zone)
	at := time.Date(2026, 7, 1, 22, 30, 0, 0, time.UTC) // 01:30 on 2 July in Vilnius
	if _, days, err := subscription.Unused(periods, at, zone); err != nil || days != 182 {
		t.Errorf("%d days, %v", days, err)
	}
}

// A period that was renewed early and has not begun is credited whole.
func TestUnusedOfSeveralPeriods(t *testing.T) {
	t.Parallel()
	zone := vilnius(t)
	s, periods := bought(t, gateway(1, 0, 12), time.Date(2026, 1, 1, 10, 0, 0, 0, zone), zone)
	_, periods = renewed(t, s, periods, 6, zone)
	amount, days, err := subscription.Unused(periods, time.Date(2026, 12, 30, 12, 0, 0, 0, zone), zone)
	if err != nil || amount != 180_89 || days != 182 {
		t.Errorf("%d for %d days, %v", amount, days, err)
	}
}

// Rounding up never gives more than there is: of one and a half cents, one.
func TestUnusedIsNeverMoreThanThereIs(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	p, err := subscription.Paid(subscription.Period{Number: 1, From: from, Until: from.Add(72 * time.Hour)}, 2, 300, "b")
	if err != nil {
		t.Fatal(err)
	}
	p.Worth = value(t, "3/2")
	if amount, days, err := subscription.Unused([]subscription.PaidPeriod{p}, from.Add(-24*time.Hour), time.UTC); err != nil || amount != 1 || days != 3 {
		t.Errorf("%d for %d days, %v", amount, days, err)
	}
}

// A refund is never more than was paid, never grows with time, and never leaves
// less than what was really used, but for the hour of a change of the clocks.
func TestUnusedNeverGrows(t *testing.T) {
	t.Parallel()
	zone := vilnius(t)
	rapid.Check(t, func(t *rapid.T) {
		s, periods, at := drawAccount(t, zone)
		if rapid.Bool().Draw(t, "change") {
			c := preview(t, s, periods, other(t, s, "to"), at)
			s, periods = s.Changed(c), c.Periods
		}
		amount, days, err := subscription.Unused(periods, at, zone)
		if err != nil {
			t.Fatal(err)
		}
		left, hour := subscription.UnusedValue(periods, at), subscription.Value{}
		for _, p := range periods {
			hour = hour.Add(p.Used(p.From.Add(time.Hour)))
		}
		hour = hour.Add(subscription.ValueOf(1)) // the rounding
		if subscription.ValueOf(amount).Cmp(left.Add(hour)) > 0 {
			t.Fatalf("%d for %d days, but %s is left", amount, days, left.Decimal(2))
		}
		later := at.Add(time.Duration(rapid.Int64Range(0, 400*24).Draw(t, "hours")) * time.Hour)
		if less, fewer, err := subscription.Unused(periods, later, zone); err != nil || less > amount || fewer > days {
			t.Fatalf("%d for %d days at %s, %d for %d at %s, %v", amount, days, at, less, fewer, later, err)
		}
		if none, zero, err := subscription.Unused(periods, s.PaidUntil, zone); err != nil || none != 0 || zero != 0 {
			t.Fatalf("%d for %d days at the end, %v", none, zero, err)
		}
	})
}

func TestEndedEarly(t *testing.T) {
	t.Parallel()
	s, _ := bought(t, gateway(1, 0, 12), time.Date(2026, 1, 1, 10, 0, 0, 0, time.UTC), time.UTC)
	at := s.StartedAt.Add(48 * time.Hour)
	ended, err := s.EndedEarly(at)
	if err != nil || ended.State != subscription.StateEnded || ended.AutoRenew || !ended.PaidUntil.Equal(at) {
		t.Errorf("%+v, %v", ended, err)
	}
	if _, err := ended.EndedEarly(at); !fault.Is(err, fault.Conflict) {
		t.Errorf("ended twice: %v", err)
	}
	if at, err := s.EndedEarly(s.StartedAt); err != nil || !at.PaidUntil.After(s.StartedAt) {
		t.Errorf("ended at once: %+v, %v", at, err)
	}
	if late, err := s.EndedEarly(s.PaidUntil.Add(time.Hour)); err != nil || !late.PaidUntil.Equal(s.PaidUntil) {
		t.Errorf("ended in grace: %+v, %v", late, err)
	}
}

func TestWithdrawalWithin14Days(t *testing.T) {
	t.Parallel()
	zone := vilnius(t)
	for _, tt := range []struct {
		concluded, last string
	}{
		{"2026-11-23 00:00", "2026-12-07"}, // Monday to Monday
		{"2026-11-23 23:59", "2026-12-07"},
		{"2026-11-20 12:00", "2026-12-04"}, // Friday to Friday
		{"2026-11-21 12:00", "2026-12-07"}, // the 14th day is a Saturday
		{"2026-11-22 12:00", "2026-12-07"}, // a Sunday
		{"2026-02-15 12:00", "2026-03-02"}, // Sunday, 1 March
	} {
		at, err := time.ParseInLocation("2006-01-02 15:04", tt.concluded, zone)
		if err != nil {
			t.Fatal(err)
		}
		ok, last := subscription.Withdrawable(account.KindPerson, true, at, at, zone)
		if !ok || last.String() != tt.last {
			t.Errorf("%s: %v until %s, want %s", tt.concluded, ok, last, tt.last)
		}
		end := last.AddDays(1).In(zone)
		if ok, _ := subscription.Withdrawable(account.KindPerson, true, at, end.Add(-time.Second), zone); !ok {
			t.Errorf("%s: refused in the last second of %s", tt.concluded, last)
		}
		if ok, _ := subscription.Withdrawable(account.KindPerson, true, at, end, zone); ok {
			t.Errorf("%s: still possible after %s", tt.concluded, last)
		}
	}
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, zone)
	if ok, last := subscription.Withdrawable(account.KindCompany, true, now, now, zone); ok || !last.IsZero() {
		t.Error("a company is no consumer")
	}
	if ok, last := subscription.Withdrawable(account.KindPerson, false, now, now, zone); ok || !last.IsZero() {
		t.Error("outside the EU the directive gives no right")
	}
}
