package subscription_test

import (
	"strings"
	"testing"
	"time"

	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/subscription"
	"pgregory.net/rapid"
)

func value(t interface{ Fatal(...any) }, s string) subscription.Value {
	v, err := subscription.ParseValue(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestValueRoundsAndWritesExactly(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		value, text    string
		floor, rounded money.Amount
		decimal        string
	}{
		{"0/1", "0/1", 0, 0, "0.0000"},
		{"6/4", "3/2", 1, 2, "0.0150"}, // half up
		{"7/5", "7/5", 1, 1, "0.0140"},
		{"-3/2", "-3/2", -1, -2, "-0.0150"}, // away from zero, as money rounds
		{"32400", "32400/1", 32400, 32400, "324.0000"},
		{"32400/365", "6480/73", 88, 89, "0.8877"},
	} {
		v := value(t, tt.value)
		floor, err := v.Floor()
		if err != nil {
			t.Fatal(err)
		}
		rounded, err := v.Rounded()
		if err != nil {
			t.Fatal(err)
		}
		if v.String() != tt.text || floor != tt.floor || rounded != tt.rounded || v.Decimal(4) != tt.decimal {
			t.Errorf("%s: %s, floor %d, rounded %d, %s", tt.value, v, floor, rounded, v.Decimal(4))
		}
	}
}

func TestTheZeroValueIsNothing(t *testing.T) {
	t.Parallel()
	var zero subscription.Value
	if zero.String() != "0/1" || zero.Sign() != 0 || zero.Add(subscription.ValueOf(5)).Cmp(subscription.ValueOf(5)) != 0 {
		t.Errorf("%s %d", zero, zero.Sign())
	}
}

func TestParseValueRefuses(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "/", "1/0", "1/", "1e9", "1e999999999", "0x10", "1.5", " 1", "1_0", "+1", "--1", "1/-2", "１", strings.Repeat("9", 201)} {
		if v, err := subscription.ParseValue(s); err == nil {
			t.Errorf("%.40q was read as %s", s, v)
		}
	}
}

func TestValueTextRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, at := drawPaid(t)
		v := p.Unused(at)
		text, err := v.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back subscription.Value
		if err := back.UnmarshalText(text); err != nil || back.Cmp(v) != 0 {
			t.Fatalf("%s came back as %s: %v", v, back, err)
		}
	})
}

// drawPaid draws a period of any length and price, and an instant in it.
func drawPaid(t *rapid.T) (subscription.PaidPeriod, time.Time) {
	from := time.Unix(rapid.Int64Range(1_700_000_000, 2_200_000_000).Draw(t, "from"), 0).UTC()
	seconds := rapid.Int64Range(1, 200_000_000).Draw(t, "seconds")
	p, err := subscription.Paid(subscription.Period{Number: 1, From: from, Until: time.Unix(from.Unix()+seconds, 0).UTC()},
		money.Amount(rapid.Int64Range(1, 1_000_000_000).Draw(t, "net")), money.Amount(rapid.Int64Range(1, 10_000_000).Draw(t, "monthly")), "b")
	if err != nil {
		t.Fatal(err)
	}
	return p, time.Unix(from.Unix()+rapid.Int64Range(0, seconds-1).Draw(t, "gone"), 0).UTC()
}

func TestTimeIsUsedUpEvenly(t *testing.T) {
	t.Parallel()
	zone := vilnius(t)
	from := time.Date(2026, 3, 28, 12, 0, 0, 0, zone) // the clocks go forward in the night
	p, err := subscription.Paid(subscription.Period{Number: 1, From: from, Until: time.Date(2026, 3, 30, 12, 0, 0, 0, zone)}, 4700, 300, "b")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		at   time.Time
		used string
	}{
		{from.Add(-time.Hour), "0/1"},
		{from, "0/1"},
		{from.Add(time.Second), "1/36"},
		{time.Date(2026, 3, 29, 12, 0, 0, 0, zone), "2300/1"}, // 23 of 47 hours
		{p.Until, "4700/1"},
		{p.Until.Add(time.Hour), "4700/1"},
	} {
		if got := p.Used(tt.at).String(); got != tt.used {
			t.Errorf("used at %s: %s, want %s", tt.at, got, tt.used)
		}
	}
}

// What does not make up a second is used when the period is over.
func TestNothingIsLeftAtTheEnd(t *testing.T) {
	t.Parallel()
	s, periods := bought(t, gateway(1, 0, 12), instant(t, "2026-01-01T00:00:00Z"), time.UTC)
	c := preview(t, s, periods, softphone(12, true, 12), instant(t, "2026-07-02T12:00:00Z"))
	p := c.Periods[0]
	if c.Residue.Sign() == 0 || p.Unused(p.Until).Sign() != 0 || p.Used(p.Until).Cmp(p.Worth) != 0 {
		t.Errorf("residue %s, left %s, used %s of %s", c.Residue, p.Unused(p.Until), p.Used(p.Until), p.Worth)
	}
	if before := p.Unused(p.Until.Add(-time.Second)); before.Cmp(p.Rate.Add(c.Residue)) != 0 {
		t.Errorf("a second before the end %s is left", before)
	}
}

func TestPaidRefusesWhatCannotBeDivided(t *testing.T) {
	t.Parallel()
	from := time.Unix(1_790_000_000, 0)
	hour := subscription.Period{Number: 1, From: from, Until: from.Add(time.Hour)}
	for name, err := range map[string]error{
		"no price":         second(subscription.Paid(hour, 0, 300, "b")),
		"no monthly price": second(subscription.Paid(hour, 300, 0, "b")),
		"too much":         second(subscription.Paid(hour, money.Max+1, 300, "b")),
		"no time":          second(subscription.Paid(subscription.Period{From: from, Until: from}, 300, 300, "b")),
		"backwards":        second(subscription.Paid(subscription.Period{From: from, Until: from.Add(-time.Hour)}, 300, 300, "b")),
	} {
		if err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func second(_ subscription.PaidPeriod, err error) error { return err }
