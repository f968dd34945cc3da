package bench

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// cpu is the processor time that this process and the database's connections
// have used. On a busy machine it says more than the clock. Linux keeps it for
// each process; elsewhere, or with PostgreSQL on another machine, it is
// incomplete for both sides alike.
func cpu(tb testing.TB, pool *pgxpool.Pool) time.Duration {
	tb.Helper()
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		tb.Fatal(err)
	}
	used := time.Duration(own.Utime.Nano() + own.Stime.Nano())
	rows, err := pool.Query(tb.Context(), `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	if err != nil {
		tb.Fatal(err)
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		tb.Fatal(err)
	}
	for _, pid := range pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
		if err != nil {
			continue
		}
		var nanoseconds int64
		if _, err := fmt.Sscan(string(text), &nanoseconds); err == nil {
			used += time.Duration(nanoseconds)
		}
	}
	return used
}
