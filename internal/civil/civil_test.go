package civil_test

import (
	"testing"
	"time"

	"github.com/siptg/portal/internal/civil"
	"pgregory.net/rapid"
)

func TestAddMonthsClampsAndKeepsTheAnchor(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		from   string
		months int
		anchor int
		want   string
	}{
		{"2026-01-31", 6, 31, "2026-07-31"},
		{"2026-08-31", 6, 31, "2027-02-28"},
		{"2027-08-31", 6, 31, "2028-02-29"},
		{"2026-08-31", 12, 31, "2027-08-31"},
		{"2028-02-29", 12, 29, "2029-02-28"},
		{"2028-02-29", 48, 29, "2032-02-29"},
		{"2027-02-28", 6, 31, "2027-08-31"}, // the clipped month did not move the anchor
		{"2026-11-22", 36, 22, "2029-11-22"},
		{"2026-12-15", 1, 15, "2027-01-15"},
		{"2026-03-31", -1, 31, "2026-02-28"},
	} {
		if got := civil.MustParse(tt.from).AddMonths(tt.months, tt.anchor); got != civil.MustParse(tt.want) {
			t.Errorf("%s + %d months (anchor %d) = %s, want %s", tt.from, tt.months, tt.anchor, got, tt.want)
		}
	}
}

// Two half-years from an anchor land where one year does (I21: no drift).
func TestAddMonthsDoesNotDrift(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		start := civil.MustParse("2000-01-01").AddDays(rapid.IntRange(0, 20_000).Draw(t, "day"))
		a := rapid.IntRange(0, 60).Draw(t, "a")
		b := rapid.IntRange(0, 60).Draw(t, "b")
		if two, one := start.AddMonths(a, start.Day).AddMonths(b, start.Day), start.AddMonths(a+b, start.Day); two != one {
			t.Fatalf("%s + %d + %d = %s, + %d = %s", start, a, b, two, a+b, one)
		}
	})
}

func TestParseRefusesDaysThatDoNotExist(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "2026-02-29", "2026-13-01", "2026-1-1", "22.11.2026", "2026-11-22T00:00:00Z"} {
		if d, err := civil.Parse(s); err == nil {
			t.Errorf("%q gave %s", s, d)
		}
	}
}

func TestDaysAndInstants(t *testing.T) {
	t.Parallel()
	vilnius, err := time.LoadLocation("Europe/Vilnius")
	if err != nil {
		t.Fatal(err)
	}
	late := time.Date(2026, 11, 22, 22, 30, 0, 0, time.UTC) // 00:30 of the 23rd in Vilnius
	if got := civil.DateOf(late, vilnius); got != civil.MustParse("2026-11-23") {
		t.Errorf("got %s", got)
	}
	if got := civil.MustParse("2027-03-01").Sub(civil.MustParse("2027-02-01")); got != 28 {
		t.Errorf("got %d days", got)
	}
	if got := civil.MustParse("2026-12-31").AddDays(1); got != civil.MustParse("2027-01-01") {
		t.Errorf("got %s", got)
	}
}
