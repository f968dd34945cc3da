package bench

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/blob"
	"github.com/siptg/portal/internal/embeddedpg"
	"github.com/siptg/portal/internal/jobs"
	"github.com/siptg/portal/internal/store"
)

const (
	// renewalGoal is of the bare bound.
	renewalGoal = 0.6
	// workers renew at once, each with its own connections, half of the bound's.
	workers = 2
)

// dueSizes are how many subscriptions are due. Of each database so many are
// renewed: what one costs must not depend on how many wait.
var (
	dueSizes = []int{10_000, 100_000}
	measured = 4_000
)

// BenchmarkRenewals renews subscriptions from their payers' balances, the day
// after their last reminder's: order, evidence, ledger, payment, extension,
// history, audit, notice, and the job of the invoice. It is compared with the bare bound on the
// same server in the same run. Then it issues invoices, which are numbered,
// frozen and drawn, each in a transaction of its own.
func BenchmarkRenewals(b *testing.B) {
	switch os.Getenv("PORTAL_BENCH_RENEWALS") {
	case "1":
	case "quick":
		dueSizes, measured = dueSizes[:1], 2_000
	default:
		b.Skip("make bench-renewals")
	}
	for _, n := range dueSizes {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			for b.Loop() {
				renewals(b, n)
			}
		})
	}
}

func renewals(b *testing.B, n int) {
	b.Helper()
	must := func(err error) {
		if err != nil {
			b.Helper()
			b.Fatal(err)
		}
	}
	// A server of the benchmark's own, with everything on that keeps what was
	// committed.
	server, err := embeddedpg.Start(b.Context(), embeddedpg.Options{DataDir: b.TempDir()})
	must(err)
	defer func() { must(server.Stop(context.WithoutCancel(b.Context()))) }()
	dsn := server.DSN(embeddedpg.Database)
	must(store.Migrate(b.Context(), dsn))
	pool := connect(b, dsn)
	fillBare(b, pool, n)
	fillDue(b, pool, n, time.Now())
	config, err := pgxpool.ParseConfig(dsn)
	must(err)
	config.MaxConns = bareConnections
	bare, err := pgxpool.NewWithConfig(b.Context(), config)
	must(err)
	defer bare.Close()
	apps := make([]*app.App, workers)
	for i := range apps {
		apps[i] = renewer(b, dsn)
	}
	each := func(from, to int, do func(a *app.App, i int) error) {
		next := atomic.Int64{}
		next.Store(int64(from))
		var all sync.WaitGroup
		for i := range bareConnections {
			all.Go(func() {
				for {
					k := int(next.Add(1)) - 1
					if k >= to {
						return
					}
					if err := do(apps[i%workers], k); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
	}
	renew := func(from, to int) {
		each(from, to, func(a *app.App, i int) error {
			return a.Renew(b.Context(), fmt.Sprintf("00000003-0000-4000-8000-%012x", i))
		})
	}
	type outcome struct {
		name      string
		perSecond float64
		cpu       time.Duration
	}
	var table []outcome
	measure := func(name string, count int, f func()) {
		before, began := cpu(b, pool), time.Now()
		f()
		took := time.Since(began)
		table = append(table, outcome{name, float64(count) / took.Seconds(), (cpu(b, pool) - before) / time.Duration(count)})
	}
	const warm = 1000 // statements are prepared, tables are no longer empty
	bareRenewals(b, bare, 1, 1+warm)
	renew(1, 1+warm)
	from := 1 + warm
	turns := 4 // in turn, so that what else the machine does hits both
	step := measured / turns
	var bareRate, ourRate, bareCPU, ourCPU []float64
	for range turns {
		// What autovacuum does in time: statements that were planned for empty tables
		// are planned anew.
		_, err := pool.Exec(b.Context(), `ANALYZE`)
		must(err)
		measure("bare", step, func() { bareRenewals(b, bare, from, from+step) })
		measure("renewed", step, func() { renew(from, from+step) })
		l := len(table)
		bareRate, ourRate = append(bareRate, table[l-2].perSecond), append(ourRate, table[l-1].perSecond)
		bareCPU, ourCPU = append(bareCPU, float64(table[l-2].cpu.Microseconds())), append(ourCPU, float64(table[l-1].cpu.Microseconds()))
		from += step
	}
	var orders []string
	rows, err := pool.Query(b.Context(), `SELECT id::text FROM orders WHERE state = 'paid' ORDER BY closed_at LIMIT 400`)
	must(err)
	for rows.Next() {
		var id string
		must(rows.Scan(&id))
		orders = append(orders, id)
	}
	must(rows.Err())
	measure("invoices", len(orders), func() {
		each(0, len(orders), func(a *app.App, i int) error { return a.IssueInvoice(b.Context(), orders[i]) })
	})
	ratio := median(ourRate) / median(bareRate)
	verdict := "reached"
	if ratio < renewalGoal {
		verdict = "MISSED"
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintf(out, "\n%d due\ta second\tCPU µs\t\nbare\t%.0f\t%.0f\t\nrenewed\t%.0f\t%.0f\t\nratio\t%.2f\tgoal %.2f\t%s\ninvoices issued and drawn\t%.0f\t%d\t\n", n,
		median(bareRate), median(bareCPU), median(ourRate), median(ourCPU), ratio, renewalGoal, verdict, table[len(table)-1].perSecond, table[len(table)-1].cpu.Microseconds())
	must(out.Flush())
	b.ReportMetric(ratio, "ratio")
	b.ReportMetric(median(ourRate), "renewals/s")
	b.ReportMetric(0, "ns/op") // not what is measured
	var paid int
	must(pool.QueryRow(b.Context(), `SELECT count(*) FROM orders WHERE state = 'paid'`).Scan(&paid))
	lines, clean, err := apps[0].Audit(b.Context())
	must(err)
	if paid != measured+warm || !clean {
		b.Errorf("%d of %d renewed\n%v", paid, measured+warm, lines)
	}
}

// renewer is what a worker renews with.
func renewer(b *testing.B, dsn string) *app.App {
	b.Helper()
	db, err := store.Open(b.Context(), dsn+"&pool_max_conns="+strconv.Itoa(bareConnections/workers), time.Now)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(db.Close)
	queue, err := jobs.NewQueue(db.Pool(), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	blobs, err := blob.Open(b.Context(), "mem://")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = blobs.Close() })
	s := seller(b)
	s.NoticeDays, s.FirstChargeDays, s.GraceChargeDays = []int{14, 3}, 3, []int{3, 7}
	a, err := app.New(b.Context(), app.Config{DB: db, Blobs: blobs, Queue: queue, Now: time.Now, Seller: s, BotToken: "1:AA", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	return a
}
