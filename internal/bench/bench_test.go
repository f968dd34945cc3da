package bench

import (
	"fmt"
	"net/url"
	"os"
	"path"
	"sort"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/siptg/portal/internal/storetest"
)

// The two sides take turns in short slices, so that whatever else the machine
// does hits both; a round is fifteen slices of each.
const (
	rounds = 3
	turns  = 15
	slice  = 300 * time.Millisecond
	warmUp = time.Second
)

func connect(tb testing.TB, dsn string) *pgxpool.Pool {
	tb.Helper()
	pool, err := pgxpool.New(tb.Context(), dsn)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(pool.Close)
	return pool
}

// deepPage is the address of the page nine tenths down the great payer's list.
func deepPage(tb testing.TB, pool *pgxpool.Pool) string {
	tb.Helper()
	var cursor string
	err := pool.QueryRow(tb.Context(), `
		SELECT issue_date || '~' || number FROM invoice WHERE payer_id = nth(2, 0) ORDER BY issue_date DESC, number DESC
		OFFSET (SELECT count(*) * 9 / 10 FROM invoice WHERE payer_id = nth(2, 0)) LIMIT 1`).Scan(&cursor)
	if err != nil {
		tb.Fatal(err)
	}
	return "/invoices?" + url.Values{"after": {cursor}}.Encode()
}

// side is one of the two things that a comparison measures.
type side struct {
	name     string
	addr     string
	requests [][]byte
}

// BenchmarkPages compares whole pages over HTTP and prints how they do. It takes
// its own time: -benchtime changes nothing.
func BenchmarkPages(b *testing.B) {
	dsn := storetest.Database(b)
	pool := connect(b, dsn)
	began := time.Now()
	fill(b, pool, usual)
	b.Logf("filled in %s", time.Since(began).Round(time.Millisecond))
	portal, bare := serve(b, newPortal(b, dsn, seller(b))), serve(b, newBare(b, dsn))
	var subscriptions [][]byte
	for i := range sessionCount {
		subscriptions = append(subscriptions, request("/subscriptions", tokenOf(i)))
	}
	first := [][]byte{request("/invoices", greatToken)}
	deep := [][]byte{request(deepPage(b, pool), greatToken)}
	for _, c := range []struct {
		name     string
		goal     float64
		measured side
		baseline side
	}{
		{"subscriptions", 0.85, side{"portal", portal, subscriptions}, side{"bare", bare, subscriptions}},
		{"invoices", 0.85, side{"portal", portal, first}, side{"bare", bare, first}},
		{"deep", 0.95, side{"deep page", portal, deep}, side{"first page", portal, first}},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				compare(b, pool, c.goal, c.measured, c.baseline)
			}
		})
	}
}

// compare loads two sides in turn. Requests a second and times are medians of
// the rounds; the ratio is the median of those of neighbouring slices.
func compare(b *testing.B, pool *pgxpool.Pool, goal float64, measured, baseline side) {
	b.Helper()
	sides := []side{baseline, measured}
	for _, s := range sides { // statements are prepared, buffers grow
		if _, err := load(b.Context(), s.addr, s.requests, warmUp); err != nil {
			b.Fatal(err)
		}
	}
	var byRound [2][]outcome
	var ratios, ofRounds []float64
	for range rounds {
		var round [2]outcome
		for range turns {
			var now [2]outcome
			for i, s := range sides {
				before := cpu(b, pool)
				var err error
				if now[i], err = load(b.Context(), s.addr, s.requests, slice); err != nil {
					b.Fatal(err)
				}
				now[i].cpu = cpu(b, pool) - before
				round[i].add(now[i])
			}
			ratios = append(ratios, now[1].perSecond()/now[0].perSecond())
		}
		for i := range round {
			byRound[i] = append(byRound[i], round[i])
		}
		ofRounds = append(ofRounds, round[1].perSecond()/round[0].perSecond())
	}
	ratio := median(ratios)
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintf(out, "\n%s\trequests/s\tp50 ms\tp99 ms\tCPU µs\t\n", path.Base(b.Name()))
	for i, s := range sides {
		_, _ = fmt.Fprintf(out, "%s\t%.0f\t%.2f\t%.2f\t%.0f\t\n", s.name, medianOf(byRound[i], outcome.perSecond),
			medianOf(byRound[i], func(o outcome) float64 { return o.milliseconds(50) }),
			medianOf(byRound[i], func(o outcome) float64 { return o.milliseconds(99) }), medianOf(byRound[i], outcome.microseconds))
	}
	verdict := "reached"
	if ratio < goal {
		verdict = "MISSED"
	}
	_, _ = fmt.Fprintf(out, "ratio\t%.2f\tgoal %.2f\t%s\t%.2f\t  rounds %.2f\n", ratio, goal, verdict,
		medianOf(byRound[0], outcome.microseconds)/medianOf(byRound[1], outcome.microseconds), ofRounds)
	_ = out.Flush()
	b.ReportMetric(ratio, "ratio")
	b.ReportMetric(goal, "goal")
	b.ReportMetric(0, "ns/op") // not what is measured
}

func medianOf(rounds []outcome, of func(outcome) float64) float64 {
	values := make([]float64, len(rounds))
	for i, o := range rounds {
		values[i] = of(o)
	}
	return median(values)
}

func median(values []float64) float64 {
	sort.Float64s(values)
	return values[len(values)/2]
}
