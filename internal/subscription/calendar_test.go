package subscription_test

import (
	"slices"
	"testing"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/subscription"
	"pgregory.net/rapid"
)

// calendar is that of product.md, "Renewal".
var calendar = subscription.Calendar{Prepare: 30, Remind: []int{14, 3}, FirstCharge: 3, Grace: 7, GraceCharge: []int{3, 7}}

func TestCalendar(t *testing.T) {
	t.Parallel()
	end := civil.MustParse("2027-05-23")
	for _, tt := range []struct {
		day, lastTry int // days from the end; 99 for never
		want         subscription.Due
	}{
		{-31, 99, subscription.Due{}},
		{-30, 99, subscription.Due{Prepare: true}},
		{-15, 99, subscription.Due{Prepare: true}},
		{-14, 99, subscription.Due{Prepare: true, Remind: 14}},
		{-4, 99, subscription.Due{Prepare: true, Remind: 14}},
		{-3, 99, subscription.Due{Prepare: true, Remind: 3, Pay: true, Charge: true}},
		{-3, -3, subscription.Due{Prepare: true, Remind: 3, Pay: true}},
		{-2, -3, subscription.Due{Prepare: true, Remind: 3, Pay: true, Charge: true}},
		{0, -1, subscription.Due{Prepare: true, Remind: 3, Pay: true, Charge: true}},
		{0, 0, subscription.Due{Prepare: true, Remind: 3, Pay: true}},
		{1, 0, subscription.Due{Prepare: true, Pay: true}},
		{2, 0, subscription.Due{Prepare: true, Pay: true}},
		{2, -1, subscription.Due{Prepare: true, Pay: true, Charge: true}}, // nobody looked on the last day
		{3, 0, subscription.Due{Prepare: true, Pay: true, Charge: true}},
		{4, 3, subscription.Due{Prepare: true, Pay: true}},
		{7, 3, subscription.Due{Prepare: true, Pay: true, Charge: true}},
		{7, 7, subscription.Due{Prepare: true, Pay: true}},
		{8, 99, subscription.Due{}},
	} {
		var last civil.Date
		if tt.lastTry != 99 {
			last = end.AddDays(tt.lastTry)
		}
		if got := calendar.Due(end.AddDays(tt.day), end, last); got != tt.want {
			t.Errorf("day %d, last try %d: %+v, want %+v", tt.day, tt.lastTry, got, tt.want)
		}
	}
}

func TestNextTry(t *testing.T) {
	t.Parallel()
	end := civil.MustParse("2027-03-01")
	for after, want := range map[int]int{-40: -3, -4: -3, -3: -2, -1: 0, 0: 3, 2: 3, 3: 7, 6: 7} {
		if got, ok := calendar.NextTry(end, end.AddDays(after)); !ok || got != end.AddDays(want) {
			t.Errorf("after day %d: %s %t, want day %d", after, got, ok, want)
		}
	}
	if got, ok := calendar.NextTry(end, end.AddDays(7)); ok {
		t.Errorf("after the last try: %s", got)
	}
}

func drawCalendar(t *rapid.T) subscription.Calendar {
	days := func(name string, least, most int) []int {
		if most < least {
			return nil
		}
		return rapid.SliceOfNDistinct(rapid.IntRange(least, most), 0, 5, rapid.ID[int]).Draw(t, name)
	}
	c := subscription.Calendar{
		Prepare: rapid.IntRange(1, 90).Draw(t, "prepare"), FirstCharge: rapid.IntRange(0, 30).Draw(t, "first charge"),
		Grace: rapid.IntRange(0, 60).Draw(t, "grace"), Remind: days("remind", 1, 90),
	}
	c.GraceCharge = days("grace charge", 1, c.Grace)
	slices.Sort(c.GraceCharge)
	slices.Sort(c.Remind)
	slices.Reverse(c.Remind)
	return c
}

// Lived through day by day with a card that always says no, a renewal is tried on
// just the days that NextTry foretells, and on no day twice.
func TestTriesAreThoseForetold(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := drawCalendar(t)
		end := civil.MustParse("2027-01-01").AddDays(rapid.IntRange(0, 1500).Draw(t, "end"))
		var tried, foretold []civil.Date
		for day, ok := c.NextTry(end, end.AddDays(-200)); ok; day, ok = c.NextTry(end, day) {
			foretold = append(foretold, day)
		}
		last := civil.Date{}
		for day := end.AddDays(-100); !day.After(end.AddDays(100)); day = day.AddDays(1) {
			for range rapid.IntRange(1, 3).Draw(t, "looks") {
				if d := c.Due(day, end, last); d.Charge {
					if !d.Pay {
						t.Fatalf("%s: to be tried, but nothing may be taken", day)
					}
					tried, last = append(tried, day), day
				}
			}
		}
		if !slices.Equal(tried, foretold) {
			t.Fatalf("tried on %v, foretold %v", tried, foretold)
		}
	})
}

// However irregularly somebody looks: never before the first day, never after the
// grace, never twice on a day, and each look takes at most one try.
func TestIrregularLooks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := drawCalendar(t)
		end := civil.MustParse("2027-01-01").AddDays(rapid.IntRange(0, 1500).Draw(t, "end"))
		looks := rapid.SliceOfN(rapid.IntRange(-100, 100), 0, 60).Draw(t, "looks")
		slices.Sort(looks)
		last, tries := civil.Date{}, 0
		for _, look := range looks {
			day := end.AddDays(look)
			d := c.Due(day, end, last)
			if -look > c.FirstLook() && d != (subscription.Due{}) {
				t.Fatalf("day %d, before anything is due: %+v", look, d)
			}
			if d.Charge && (-look > c.FirstCharge || look > c.Grace || day == last) || d.Remind > 0 && look > 0 {
				t.Fatalf("day %d: %+v", look, d)
			}
			if d.Charge {
				last = day
				tries++
			}
		}
		if tries > c.FirstCharge+1+len(c.GraceCharge) {
			t.Fatalf("%d tries", tries)
		}
	})
}
