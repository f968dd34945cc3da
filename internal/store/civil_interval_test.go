package store_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/storetest"
	"github.com/siptg/portal/internal/subscription"
)

const intervalsSQL = `
SELECT (anchor + make_interval(months => n))::date AS direct, (day + make_interval(months => n))::date AS unanchored
FROM unnest(@anchors::date[], @days::date[], @months::integer[]) WITH ORDINALITY AS drawn(anchor, day, n, place)
ORDER BY place`

// Month arithmetic is that of PostgreSQL for 100,000 random days: date + interval
// clips to the last day of a shorter month, and from the first day of all, which
// bears the anchor, it never drifts (I21).
func TestMonthsAreThoseOfPostgreSQL(t *testing.T) {
	t.Parallel()
	const n = 100_000
	random := rand.New(rand.NewPCG(20261123, 21))
	first, last := civil.MustParse("1900-01-01"), civil.MustParse("2199-12-31")
	anchors, days, months := make([]time.Time, n), make([]time.Time, n), make([]int32, n)
	direct, unanchored := make([]civil.Date, n), make([]civil.Date, n)
	clipped := 0
	for i := range n {
		anchor := first.AddDays(random.IntN(last.Sub(first) + 1))
		if i%4 == 0 { // the days that can be clipped, more often than chance
			anchor = civil.Date{Year: anchor.Year, Month: anchor.Month, Day: civil.DaysIn(anchor.Year, anchor.Month)}
		}
		passed, more := random.IntN(241)-120, random.IntN(241)-120
		// A period that is already clipped must reach the same end as one step.
		between := anchor.AddMonths(passed, anchor.Day)
		anchors[i], days[i], months[i] = anchor.In(time.UTC), between.In(time.UTC), int32(passed+more)
		direct[i], unanchored[i] = between.AddMonths(more, anchor.Day), between.AddMonths(passed+more, between.Day)
		if direct[i].Day != anchor.Day {
			clipped++
		}
	}
	if clipped < n/100 {
		t.Fatalf("only %d of the days are clipped", clipped)
	}
	rows, err := storetest.Pool(t).Query(t.Context(), intervalsSQL, pgx.NamedArgs{"anchors": anchors, "days": days, "months": months})
	if err != nil {
		t.Fatal(err)
	}
	i, wrong := 0, 0
	var a, b time.Time
	_, err = pgx.ForEachRow(rows, []any{&a, &b}, func() error {
		if got := [2]civil.Date{civil.DateOf(a, time.UTC), civil.DateOf(b, time.UTC)}; got != [2]civil.Date{direct[i], unanchored[i]} && wrong < 10 {
			wrong++
			t.Errorf("%s and %s, %d months: PostgreSQL %v, here %v and %v", civil.DateOf(anchors[i], time.UTC), civil.DateOf(days[i], time.UTC), months[i], got, direct[i], unanchored[i])
		}
		i++
		return nil
	})
	if err != nil || i != n {
		t.Fatalf("%d rows: %v", i, err)
	}
}

const endsSQL = `
SELECT ((start AT TIME ZONE @zone) + make_interval(months => n))::date AS day,
       ((start AT TIME ZONE 'UTC') + make_interval(months => n)) AT TIME ZONE 'UTC' AS instant
FROM unnest(@starts::timestamptz[], @months::integer[]) WITH ORDINALITY AS drawn(start, n, place)
ORDER BY place`

// The ends of paid periods, one after the other, are those of PostgreSQL in one
// step from the start: the anchor day is kept, whatever months it was clipped in
// (I21). Some starts are those that are clipped most; the others are random.
func TestPeriodsEndWherePostgreSQLSays(t *testing.T) {
	t.Parallel()
	const n = 100_000
	zone, err := time.LoadLocation("Europe/Vilnius")
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(20261125, 21))
	fixed := []string{"2027-01-31", "2027-08-31", "2028-02-29", "2026-12-31", "2027-03-31", "2027-11-30"}
	starts, months := make([]time.Time, n), make([]int32, n)
	local, utc := make([]civil.Date, n), make([]time.Time, n)
	for i := range n {
		day := civil.MustParse("2020-01-01").AddDays(random.IntN(36_525))
		if i%3 == 0 {
			day = civil.MustParse(fixed[random.IntN(len(fixed))])
		}
		starts[i] = day.In(time.UTC).Add(time.Duration(random.IntN(24*60*60)) * time.Second)
		there, here := starts[i], starts[i]
		anchorThere, anchorHere := civil.DateOf(there, zone).Day, civil.DateOf(here, time.UTC).Day
		for range 1 + random.IntN(6) {
			term := []int{6, 12, 36}[random.IntN(3)]
			months[i] += int32(term)
			there, here = subscription.End(there, term, anchorThere, zone), subscription.End(here, term, anchorHere, time.UTC)
		}
		local[i], utc[i] = civil.DateOf(there, zone), here
	}
	rows, err := storetest.Pool(t).Query(t.Context(), endsSQL, pgx.NamedArgs{"zone": zone.String(), "starts": starts, "months": months})
	if err != nil {
		t.Fatal(err)
	}
	i, wrong := 0, 0
	var day, instant time.Time
	_, err = pgx.ForEachRow(rows, []any{&day, &instant}, func() error {
		if (civil.DateOf(day, time.UTC) != local[i] || !instant.Equal(utc[i])) && wrong < 10 {
			wrong++
			t.Errorf("%s and %d months: PostgreSQL %s and %s, here %s and %s", starts[i], months[i], civil.DateOf(day, time.UTC), instant.UTC(), local[i], utc[i])
		}
		i++
		return nil
	})
	if err != nil || i != n {
		t.Fatalf("%d rows: %v", i, err)
	}
}
