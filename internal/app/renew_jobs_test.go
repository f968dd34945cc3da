package app_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/jobs"
	"github.com/siptg/portal/internal/provider/sandbox"
)

// The scan enqueues a renewal once, however often it runs; two programs with
// workers of their own work it off and charge once, and go on to issue the
// invoice.
func TestRenewalsAreJobs(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, id, _ := s.subscriber(7_900_000_003_400, sandbox.CardOK)
	end := s.end(id)
	s.must(s.IssuePending(s.ctx()))
	s.clock.Set(s.dayFrom(end, -3))
	other := s.second()
	for range 3 {
		s.must(s.ScanDue(s.ctx()))
		s.must(other.ScanDue(s.ctx()))
	}
	if n := s.count(`SELECT count(*) FROM river_job WHERE kind = 'renew' AND args->>'subscription_id' = $1`, id); n != 1 {
		t.Errorf("%d jobs", n)
	}
	if len(s.charges(end)) != 0 {
		t.Error("the scan charges")
	}
	for _, a := range []*app.App{s.App, other} {
		worker, err := jobs.NewWorker(s.db.Pool(), a, slog.New(slog.DiscardHandler))
		s.must(err)
		s.must(worker.Start(context.WithoutCancel(s.ctx())))
		t.Cleanup(func() {
			if err := worker.Stop(context.WithoutCancel(s.ctx())); err != nil {
				t.Error(err)
			}
		})
	}
	s.until(`SELECT count(*) FROM invoice`, 2)
	if item := s.item(ona, id); !item.PaidUntil.After(end) {
		t.Error("not renewed")
	}
	s.must(s.ScanDue(s.ctx()))
	s.until(`SELECT count(*) FROM river_job WHERE kind IN ('renew', 'send_payment') AND state = 'completed'`, 2)
	if _, times := s.captured(); times != 2 {
		t.Errorf("%d captures", times)
	}
	s.agree()
}

// until waits until a count is reached: others are at work.
func (s *site) until(sql string, want int) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.ctx(), time.Minute)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for s.count(sql) < want {
		select {
		case <-ctx.Done():
			s.t.Fatalf("%d, want %d: %s", s.count(sql), want, sql)
		case <-ticker.C:
		}
	}
}
