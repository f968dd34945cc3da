package app

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/store"
)

// DemoClock is the real clock, set forward. It is safe for concurrent use.
type DemoClock struct {
	real   func() time.Time
	offset atomic.Int64 // nanoseconds
}

// NewDemoClock returns a clock that shows the real time until it is set forward.
func NewDemoClock(real func() time.Time) *DemoClock { return &DemoClock{real: real} }

// Now is what the clock shows.
func (c *DemoClock) Now() time.Time { return c.real().Add(c.Offset()) }

// Offset is how far the clock is ahead.
func (c *DemoClock) Offset() time.Duration { return time.Duration(c.offset.Load()) }

// maxAdvance bounds one move of the demo's clock: each day of it is lived through.
const maxAdvance = 10 * 366 * 24 * time.Hour

// AdvanceDemo moves the demo's clock forward, to the beginning of each of the
// seller's days, and does there what falls due on it, as the jobs would have: the
// last day of a grace, too, has a morning. Outside demo mode there is no
// such clock: NotFound.
func (a *App) AdvanceDemo(ctx context.Context, by time.Duration) error {
	if a.demoClock == nil {
		return fault.Missing("demo clock")
	}
	if by <= 0 || by > maxAdvance {
		return fault.New(fault.Invalid, "error.clock.range")
	}
	if err := a.SyncDemoClock(ctx); err != nil {
		return err
	}
	for by > 0 {
		now := a.demoClock.Now()
		step := min(by, a.inZone(now).AddDays(1).In(a.seller.Zone).Sub(now))
		by -= step
		offset := a.demoClock.Offset() + step
		if err := a.db.Update(ctx, func(tx *store.Tx) error {
			if err := tx.CarrySessions(ctx, step); err != nil {
				return err
			}
			return tx.SaveDemoOffset(ctx, offset)
		}); err != nil {
			return err
		}
		a.demoClock.offset.Store(int64(offset))
		if err := a.RunDue(ctx); err != nil {
			return err
		}
		if err := a.auditDaily(ctx); err != nil {
			return err
		}
	}
	return nil
}

// SyncDemoClock sets this process's demo clock to where another process moved it.
func (a *App) SyncDemoClock(ctx context.Context) error {
	if a.demoClock == nil {
		return nil
	}
	return a.db.View(ctx, func(tx *store.Tx) error {
		offset, err := tx.DemoOffset(ctx)
		if err == nil && offset > a.demoClock.Offset() {
			a.demoClock.offset.Store(int64(offset))
		}
		return err
	})
}

// RunDue does everything that is due now and that jobs do otherwise, one after
// the other: VAT numbers, payments that wait, renewals, the charges that they ask for, what
// ran out, invoices that wait to be issued. What fails does not keep the rest
// from being done; the errors are joined.
func (a *App) RunDue(ctx context.Context) error {
	return a.inTurn(ctx, a.checkRenewing, a.checkAllPayments, a.renewAndSend, a.checkAllRefunds, a.CloseOverdue, a.IssuePending, a.IssueReceipts,
		a.DrawPending, a.CompareBooks)
}

// renewAndSend does what is due for renewals, and sends the charges at once.
func (a *App) renewAndSend(ctx context.Context) error {
	_, err := a.RenewDue(ctx)
	return errors.Join(err, a.checkAllPayments(ctx))
}

// ScanDue is RunDue as the jobs do it: renewals are only enqueued, and payments
// that wait have a job of their own.
func (a *App) ScanDue(ctx context.Context) error {
	return a.inTurn(ctx, a.InquireForRenewals, func(ctx context.Context) error {
		_, err := a.EnqueueRenewals(ctx)
		return err
	}, a.CloseOverdue, a.IssuePending, a.IssueReceipts, a.DrawPending)
}

// inTurn does one thing after another and joins their errors.
func (a *App) inTurn(ctx context.Context, steps ...func(context.Context) error) error {
	var failed []error
	for _, step := range steps {
		failed = append(failed, step(ctx))
	}
	return errors.Join(failed...)
}

// checkAllPayments is CheckPayments until nothing is due.
func (a *App) checkAllPayments(ctx context.Context) error {
	for {
		if n, err := a.CheckPayments(ctx); n < checksAtOnce || err != nil {
			return err
		}
	}
}

// checkAllRefunds is CheckRefunds until nothing is due.
func (a *App) checkAllRefunds(ctx context.Context) error {
	for {
		if n, err := a.CheckRefunds(ctx); n < checksAtOnce || err != nil {
			return err
		}
	}
}

// IssuePending issues the invoices of paid orders that have none, up to 500.
func (a *App) IssuePending(ctx context.Context) error {
	var ids []string
	err := a.db.View(ctx, func(tx *store.Tx) error {
		var err error
		ids, err = tx.UninvoicedOrders(ctx)
		return err
	})
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := a.IssueInvoice(ctx, id); err != nil {
			return err
		}
	}
	return nil
}
