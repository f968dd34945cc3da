package bench

import (
	"fmt"
	"net/url"
	"os"
	"slices"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/siptg/portal/internal/storetest"
)

// Rounds alternate, so that whatever else the machine does hits both sides.
const (
	rounds = 3
	warmUp = 500 * time.Millisecond
	long   = 3 * time.Second
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
				compare(b, c.goal, c.measured, c.baseline)
			}
		})
	}
}

// compare loads two sides in turn and reports the medians of the rounds and the
// median of their ratios.
func compare(b *testing.B, goal float64, measured, baseline side) {
	b.Helper()
	sides := []side{baseline, measured}
	results := make([][]outcome, len(sides))
	for round := range rounds + 1 {
		for i, s := range sides {
			d := long
			if round == 0 { // statements are prepared, buffers grow
				d = warmUp
			}
			o, err := load(b.Context(), s.addr, s.requests, d)
			if err != nil {
				b.Fatal(err)
			}
			if round > 0 {
				results[i] = append(results[i], o)
			}
		}
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(out, "\nside\trequests/s\tp50 ms\tp99 ms\t\n")
	for i, s := range sides {
		fmt.Fprintf(out, "%s\t%.0f\t%.2f\t%.2f\t\n", s.name,
			median(results[i], outcome.perSecond),
			median(results[i], func(o outcome) float64 { return o.percentile(50).Seconds() * 1000 }),
			median(results[i], func(o outcome) float64 { return o.percentile(99).Seconds() * 1000 }))
	}
	ratios := make([]float64, rounds)
	for i := range rounds {
		ratios[i] = results[1][i].perSecond() / results[0][i].perSecond()
	}
	slices.Sort(ratios)
	verdict := "reached"
	if ratios[rounds/2] < goal {
		verdict = "MISSED"
	}
	fmt.Fprintf(out, "ratio\t%.2f\t(%.2f to %.2f)\tgoal %.2f %s\t\n", ratios[rounds/2], ratios[0], ratios[rounds-1], goal, verdict)
	_ = out.Flush()
	b.ReportMetric(ratios[rounds/2], "ratio")
	b.ReportMetric(goal, "goal")
	b.ReportMetric(0, "ns/op") // not what is measured
}

func median(rounds []outcome, of func(outcome) float64) float64 {
	values := make([]float64, len(rounds))
	for i, o := range rounds {
		values[i] = of(o)
	}
	slices.Sort(values)
	return values[len(values)/2]
}
