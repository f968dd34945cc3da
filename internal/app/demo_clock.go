package app

import (
	"context"
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

// AdvanceDemo moves the demo's clock forward, a day at a time, and does on each
// day what falls due on it, as the jobs would have. Outside demo mode there is no
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
		step := min(by, 24*time.Hour)
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

// RunDue does everything that is due now and that jobs do otherwise: renewals,
// payments that wait, what ran out, invoices that wait to be issued.
func (a *App) RunDue(ctx context.Context) error {
	if _, err := a.RenewDue(ctx); err != nil {
		return err
	}
	if _, err := a.CheckPayments(ctx); err != nil {
		return err
	}
	if err := a.CloseOverdue(ctx); err != nil {
		return err
	}
	if err := a.IssuePending(ctx); err != nil {
		return err
	}
	return a.IssueReceipts(ctx)
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
