package store_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/storetest"
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
