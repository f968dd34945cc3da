package app_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/bank/banktest"
	"github.com/siptg/portal/internal/jobs"
	"github.com/siptg/portal/internal/store"
)

var errInjected = errors.New("injected rollback")

// flakyQueue is the real queue, but that its transaction is thrown away one time
// in three.
type flakyQueue struct {
	*jobs.Queue
	thrown atomic.Int64
}

func (q *flakyQueue) IssueInvoice(ctx context.Context, tx *app.Tx, orderID string) error {
	if err := q.Queue.IssueInvoice(ctx, tx, orderID); err != nil {
		return err
	}
	if rand.IntN(3) == 0 {
		q.thrown.Add(1)
		return errInjected
	}
	return nil
}

// 50 goroutines settle 1,000 orders and issue their invoices, with rollbacks
// injected into both: numbers run from 1 to n without a gap or a duplicate (I12),
// and every other invariant holds.
func TestInvoiceNumbersUnderConcurrency(t *testing.T) {
	t.Parallel()
	const payers, workers = 50, 50
	perPayer := 20
	if testing.Short() {
		perPayer = 2
	}
	s := newSite(t)
	queue, err := jobs.NewQueue(s.db.Pool(), slog.New(slog.DiscardHandler))
	s.must(err)
	flaky := &flakyQueue{Queue: queue}
	s.App, err = app.New(t.Context(), app.Config{
		DB: s.db, Blobs: s.blobs, Queue: flaky, Now: s.clock.Now, Seller: seller(t), BotToken: botToken, Log: slog.New(slog.DiscardHandler),
	})
	s.must(err)

	type job struct {
		actor account.Actor
		id    string
		file  []byte
	}
	var (
		work  []job
		mu    sync.Mutex
		group sync.WaitGroup
	)
	for p := range payers {
		group.Go(func() {
			actor, _ := s.customer(8_000_000_000_000+int64(p), fmt.Sprintf("Payer %d", p))
			for range perPayer {
				o := s.order(actor, softphone(1+p%10, false, 6))
				e := s.entry(o)
				mu.Lock()
				work = append(work, job{actor, o.ID, s.camt(banktest.Version08, []bank.Entry{e}...)})
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if t.Failed() {
		return
	}
	todo := make(chan job, len(work))
	for _, j := range work {
		todo <- j
	}
	close(todo)
	for range workers {
		group.Go(func() {
			for j := range todo {
				if err := untilDone(func() error {
					_, err := s.ImportStatement(s.ctx(), bytes.NewReader(j.file), "command:test")
					return err
				}); err != nil {
					t.Errorf("settle %s: %v", j.id, err)
					return
				}
				if err := untilDone(func() error { return s.issueOrThrowAway(j.id) }); err != nil {
					t.Errorf("issue %s: %v", j.id, err)
					return
				}
			}
		})
	}
	group.Wait()
	n := payers * perPayer
	if got := s.count(`SELECT count(*) FROM invoice`); got != n {
		t.Errorf("%d invoices, want %d", got, n)
	}
	if got := s.count(`SELECT count(DISTINCT seq) FROM invoice WHERE seq BETWEEN 1 AND $1`, n); got != n {
		t.Errorf("%d numbers of 1..%d", got, n)
	}
	if flaky.thrown.Load() == 0 {
		t.Error("no rollback was injected: the test shows nothing")
	}
	s.clean()
}

// untilDone repeats what was thrown away, as a job queue does.
func untilDone(f func() error) error {
	for {
		if err := f(); !errors.Is(err, errInjected) {
			return err
		}
	}
}

// issueOrThrowAway issues an invoice, but that a transaction that has taken a
// number and issued is thrown away first, one time in three.
func (s *site) issueOrThrowAway(orderID string) error {
	if rand.IntN(3) == 0 {
		return s.db.Update(s.ctx(), func(tx *store.Tx) error {
			if _, err := tx.TakeNumber(s.ctx(), "invoice", s.Today(), "SIP"); err != nil {
				return err
			}
			return errInjected
		})
	}
	return s.IssueInvoice(s.ctx(), orderID)
}
