package subscription_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/subscription"
	"pgregory.net/rapid"
)

// halfYears is a subscription with so many paid periods of six months at 36.00.
func halfYears(t fatal, periods int) (subscription.Subscription, []subscription.PaidPeriod) {
	at := time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC)
	s, p := subscription.Start("p", "c", pricing.Selection{Plan: pricing.Softphone, Period: 6}, "EUR", at, time.UTC)
	var out []subscription.PaidPeriod
	for i := range periods {
		if i > 0 {
			var err error
			if s, p, err = s.Extended(6, i+1, time.UTC); err != nil {
				t.Fatal(err)
			}
		}
		paid, err := subscription.Paid(p, 36_00, 6_00, "b")
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, paid)
	}
	return s, out
}

func TestWithout(t *testing.T) {
	t.Parallel()
	s, periods := halfYears(t, 3)
	start := s.StartedAt
	day := 24 * time.Hour
	length := func(i int) time.Duration { return periods[i].Until.Sub(periods[i].From) }
	for name, tt := range map[string]struct {
		taken    map[int]money.Amount
		at       time.Time
		until    time.Time
		ended    bool
		gone     int
		replaced int
	}{
		"everything":                   {map[int]money.Amount{1: 10_00, 2: 36_00, 3: 36_00}, start.Add(9 * day), start.Add(9 * day), true, 2, 1},
		"everything at once":           {map[int]money.Amount{1: 36_00, 2: 36_00, 3: 36_00}, start, start.Add(time.Second), true, 2, 1},
		"as a period begins":           {map[int]money.Amount{2: 36_00, 3: 36_00}, periods[1].From, periods[1].From.Add(time.Second), true, 1, 1},
		"the last":                     {map[int]money.Amount{3: 36_00}, start.Add(9 * day), periods[1].Until, false, 1, 0},
		"the running one":              {map[int]money.Amount{1: 0}, start.Add(9 * day), start.Add(9*day + length(1) + length(2)), false, 0, 3},
		"the middle":                   {map[int]money.Amount{2: 0}, start.Add(9 * day), periods[0].Until.Add(length(2)), false, 1, 1},
		"nothing":                      {nil, start.Add(9 * day), periods[2].Until, false, 0, 0},
		"one that is over":             {map[int]money.Amount{1: 0}, periods[1].From.Add(day), periods[2].Until, false, 0, 0},
		"a fraction of a second later": {map[int]money.Amount{1: 0, 2: 0, 3: 0}, start.Add(9*day + time.Millisecond), start.Add(9 * day), true, 2, 1},
	} {
		got, err := s.Without(periods, tt.taken, tt.at, time.UTC)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !got.PaidUntil.Equal(tt.until) || (got.State == subscription.StateEnded) != tt.ended || len(got.Gone) != tt.gone || len(got.Replaced) != tt.replaced {
			t.Errorf("%s: until %s, %s, gone %v, replaced %+v", name, got.PaidUntil, got.State, got.Gone, got.Replaced)
		}
		if n := len(got.Replaced); n > 0 && !got.Replaced[n-1].Until.Equal(got.PaidUntil) {
			t.Errorf("%s: the periods end at %s, the subscription at %s", name, got.Replaced[n-1].Until, got.PaidUntil)
		}
	}
	ended := s
	ended.State = subscription.StateEnded
	if _, err := ended.Without(periods, nil, start, time.UTC); !fault.Is(err, fault.Conflict) {
		t.Errorf("ended: %v", err)
	}
}

// Renewals keep the day on which the paid time ends: also where a change moved it,
// and the last period, bought after that, is taken back.
func TestWithoutKeepsTheDay(t *testing.T) {
	t.Parallel()
	s, periods := halfYears(t, 2)
	to := s.Selection
	to.Options = pricing.Options{Accounts: 2}
	c, err := subscription.Preview(s, periods, to, func(string, pricing.Selection) (pricing.Price, error) {
		return pricing.Price{Currency: "EUR", Monthly: 7_00}, nil
	}, s.StartedAt.Add(9*24*time.Hour), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	s, periods = s.Changed(c), c.Periods
	first, second := periods[0].Until, periods[1].Until
	if first.Day() == second.Day() {
		t.Fatalf("both periods end on day %d", first.Day())
	}
	short, err := s.Without(periods, map[int]money.Amount{2: 0}, c.At, time.UTC)
	if err != nil || !short.PaidUntil.Equal(first) {
		t.Fatalf("%+v, %v", short, err)
	}
	if short.AnchorDay != first.Day() {
		t.Errorf("it ends at %s, renewals on day %d", first, short.AnchorDay)
	}
	// The end of a short month is no other day.
	s, periods = halfYears(t, 2)
	s.AnchorDay = 31
	periods[0].Until = time.Date(2027, time.April, 30, 9, 0, 0, 0, time.UTC)
	periods[1].From = periods[0].Until
	short, err = s.Without(periods, map[int]money.Amount{2: 0}, s.StartedAt.Add(time.Hour), time.UTC)
	if err != nil || short.AnchorDay != 31 {
		t.Errorf("renewals on day %d, %v", short.AnchorDay, err)
	}
}

// Parts add up to the whole, none is more than its period is worth, rounded up,
// and what is left of the periods' worth is what was used.
func TestUnusedPartsAddUp(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Europe/Vilnius")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		s, periods := halfYears(t, rapid.IntRange(1, 4).Draw(t, "periods"))
		at := s.StartedAt.Add(time.Duration(rapid.Int64Range(0, int64(s.PaidUntil.Sub(s.StartedAt)/time.Second)).Draw(t, "at")) * time.Second)
		for i := range periods { // as a change would leave it: a fraction, at another rate
			num := rapid.Int64Range(1, 997).Draw(t, "num")
			worth, err := subscription.ParseValue("3600000/" + strconv.FormatInt(num+999, 10))
			if err != nil {
				t.Fatal(err)
			}
			periods[i].Worth = worth
		}
		parts, err := subscription.UnusedParts(periods, at, zone)
		if err != nil {
			t.Fatal(err)
		}
		whole, days, err := subscription.Unused(periods, at, zone)
		if err != nil {
			t.Fatal(err)
		}
		var sum money.Amount
		n := 0
		taken := map[int]money.Amount{}
		for _, p := range parts {
			sum, n = sum+p.Credit, n+p.Days
			taken[p.Number] = p.Credit
			if p.Credit < 0 || subscription.ValueOf(p.Credit).Sub(p.Worth).Cmp(subscription.ValueOf(1)) >= 0 || p.Days > p.Of {
				t.Fatalf("part %+v of %s", p, p.Worth)
			}
		}
		if sum != whole || n != days {
			t.Fatalf("parts make %d in %d days, the whole is %d in %d", sum, n, whole, days)
		}
		if len(parts) == 0 {
			return
		}
		short, err := s.Without(periods, taken, at, zone)
		if err != nil || short.State != subscription.StateEnded {
			t.Fatalf("%+v, %v", short, err)
		}
		for _, p := range short.Replaced {
			if p.Worth.Sign() < 0 || p.Unused(short.PaidUntil).Sign() != 0 {
				t.Fatalf("left: %+v", p)
			}
		}
	})
}
