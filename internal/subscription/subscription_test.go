package subscription_test

import (
	"testing"
	"time"

	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/subscription"
	"pgregory.net/rapid"
)

func vilnius(t interface{ Fatal(...any) }) *time.Location {
	zone, err := time.LoadLocation("Europe/Vilnius")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func start(at time.Time, months int, zone *time.Location) (subscription.Subscription, subscription.Period) {
	return subscription.Start("p", "c", pricing.Selection{Plan: pricing.Softphone, Options: pricing.Options{Accounts: 1}, Period: pricing.Period(months)}, "EUR", at, zone)
}

func TestPeriodsEndOnTheAnchorDayInTheSellersZone(t *testing.T) {
	t.Parallel()
	zone := vilnius(t)
	for _, tt := range []struct {
		start  string // in Vilnius
		months []int
		want   string
	}{
		{"2026-01-31 10:00", []int{6}, "2026-07-31 10:00"},
		{"2026-08-31 10:00", []int{6}, "2027-02-28 10:00"},
		{"2026-08-31 10:00", []int{6, 6}, "2027-08-31 10:00"}, // the clipped February does not move the anchor
		{"2028-02-29 23:59", []int{12}, "2029-02-28 23:59"},
		{"2028-02-29 23:59", []int{12, 36}, "2032-02-29 23:59"},
		{"2026-12-01 00:30", []int{6}, "2027-06-01 00:30"}, // still 30 November in UTC
		{"2026-11-22 12:00", []int{36}, "2029-11-22 12:00"},
	} {
		at, err := time.ParseInLocation("2006-01-02 15:04", tt.start, zone)
		if err != nil {
			t.Fatal(err)
		}
		s, p := start(at, tt.months[0], zone)
		for i, months := range tt.months[1:] {
			before := p
			if s, p, err = s.Extended(pricing.Period(months), i+2, zone); err != nil {
				t.Fatal(err)
			}
			if !p.From.Equal(before.Until) {
				t.Errorf("period %d begins at %s, the one before ends at %s", i+2, p.From, before.Until)
			}
		}
		if got := s.PaidUntil.In(zone).Format("2006-01-02 15:04"); got != tt.want {
			t.Errorf("from %s, %v months: until %s, want %s", tt.start, tt.months, got, tt.want)
		}
	}
}

// Any sequence of renewals ends where one period of their sum would, but for
// the clock's change of hour between them.
func TestRenewalsDoNotDrift(t *testing.T) {
	t.Parallel()
	zone := vilnius(t)
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(1_700_000_000, 2_200_000_000).Draw(t, "start"), 0)
		terms := rapid.SliceOfN(rapid.SampledFrom([]int{6, 12, 36}), 1, 6).Draw(t, "terms")
		s, _ := start(at, terms[0], zone)
		sum := terms[0]
		for i, months := range terms[1:] {
			s, _, _ = s.Extended(pricing.Period(months), i+2, zone)
			sum += months
		}
		one, _ := start(at, sum, zone)
		if d := s.PaidUntil.Sub(one.PaidUntil).Abs(); d > time.Hour {
			t.Fatalf("%v from %s: %s, at once %s", terms, at, s.PaidUntil, one.PaidUntil)
		}
	})
}

func TestAutoRenewSwitch(t *testing.T) {
	t.Parallel()
	s, _ := start(time.Unix(1_790_000_000, 0), 6, time.UTC)
	if !s.AutoRenew {
		t.Fatal("auto-renewal is on after the first payment")
	}
	off, changed, err := s.WithoutAutoRenew()
	if err != nil || !changed || off.AutoRenew {
		t.Fatalf("off: %+v %v %v", off, changed, err)
	}
	if _, changed, _ = off.WithoutAutoRenew(); changed {
		t.Error("off twice is one change")
	}
	on, changed, err := off.WithAutoRenew()
	if err != nil || !changed || !on.AutoRenew {
		t.Fatalf("on: %+v %v %v", on, changed, err)
	}
	s.State = subscription.StateEnded
	if _, _, err := s.WithAutoRenew(); !fault.Is(err, fault.Conflict) {
		t.Errorf("an ended subscription cannot be switched on: %v", err)
	}
	if _, _, err := s.Extended(6, 2, time.UTC); !fault.Is(err, fault.Conflict) {
		t.Errorf("an ended subscription cannot be extended: %v", err)
	}
}

func TestServiceDaysLeaveTheEndDayToTheNextPeriod(t *testing.T) {
	t.Parallel()
	zone := vilnius(t)
	_, p := start(time.Date(2026, 12, 1, 9, 0, 0, 0, zone), 6, zone)
	first, last := p.ServiceDays(zone)
	if first.String() != "2026-12-01" || last.String() != "2027-05-31" {
		t.Errorf("got %s to %s", first, last)
	}
}

// What no page can print is not sold.
func TestNoEndBeyondTheYear9999(t *testing.T) {
	t.Parallel()
	s, _ := subscription.Start("p", "c", pricing.Selection{Plan: pricing.Softphone, Period: 6}, "EUR", time.Date(9998, 1, 31, 0, 0, 0, 0, time.UTC), time.UTC)
	if _, _, err := s.Extended(12, 2, time.UTC); err != nil {
		t.Errorf("an end in 9999: %v", err)
	}
	if _, _, err := s.Extended(36, 2, time.UTC); !fault.Is(err, fault.Conflict) {
		t.Errorf("an end after it: %v", err)
	}
}
