package app

import (
	"context"
	"time"

	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/notice"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/subscription"
)

// CloseOverdue closes what ran out: orders past their validity, and
// subscriptions past their grace, which fall back to Free. It tells whose paid
// time is over, and removes expired sign-in records too. It goes on until nothing
// is left.
//
// Nobody loses anything because we stopped: while charging is halted, and for as
// long as a grace afterwards, no renewal runs out and no subscription ends.
func (a *App) CloseOverdue(ctx context.Context) error {
	if err := a.tellGrace(ctx); err != nil {
		return err
	}
	if err := a.RemindOfBankInvoices(ctx); err != nil {
		return err
	}
	for {
		more := false
		err := a.db.Update(ctx, func(tx *store.Tx) error {
			if err := tx.PurgeSignIn(ctx); err != nil {
				return err
			}
			held, err := tx.ChargingWasHalted(ctx, tx.Now().Add(-a.grace()))
			if err != nil {
				return err
			}
			expired, err := tx.ExpireOrders(ctx, a.inZone(tx.Now()), held)
			if err != nil {
				return err
			}
			by := audit.ByJob("close_overdue")
			for _, id := range expired {
				if err := tx.AppendAudit(ctx, audit.Record{Actor: by, Action: "order.expired", ObjectKind: "order", ObjectID: id}); err != nil {
					return err
				}
			}
			more = len(expired) > 0
			return nil
		})
		if err != nil {
			return err
		}
		ended, err := a.endSubscriptions(ctx)
		if err != nil {
			return err
		}
		if !more && ended == 0 {
			return a.ReleaseParts(ctx)
		}
	}
}

func (a *App) endSubscriptions(ctx context.Context) (int, error) {
	n := 0
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		if held, err := tx.ChargingWasHalted(ctx, tx.Now().Add(-a.grace())); err != nil || held {
			n = 0
			return err
		}
		overdue, err := tx.LockOverdue(ctx, tx.Now().Add(-a.grace()))
		if err != nil {
			return err
		}
		n = len(overdue)
		by := audit.ByJob("close_overdue")
		for _, s := range overdue {
			s.State = subscription.StateEnded
			if err := tx.SaveSubscription(ctx, s); err != nil {
				return err
			}
			if err := tx.AppendSubscriptionEvent(ctx, s.ID, subscription.Event{
				At: tx.Now(), Kind: subscription.EventEnded, Actor: string(by), PaidUntil: s.PaidUntil,
			}); err != nil {
				return err
			}
			if err := tx.AppendAudit(ctx, audit.Record{
				Actor: by, Action: "subscription.ended", ObjectKind: "subscription", ObjectID: s.ID, PayerID: s.PayerID,
			}); err != nil {
				return err
			}
			if err := tx.GiveUpRenewals(ctx, s.ID); err != nil {
				return err
			}
			if err := tx.CheckChargesOf(ctx, s.ID); err != nil {
				return err
			}
			if err := a.notify(ctx, tx, a.noticeOf(s, notice.Ended, "")); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

// tellGrace tells the payers of subscriptions whose paid time is over until when
// everything still works: once for each end.
func (a *App) tellGrace(ctx context.Context) error {
	for after := noPayer; ; {
		n := 0
		err := a.db.Update(ctx, func(tx *store.Tx) error {
			over, err := tx.InGrace(ctx, tx.Now().Add(-a.grace()), after)
			n = len(over)
			for _, s := range over {
				after = s.ID
				tell := a.noticeOf(s.Subscription, notice.GraceBegun, s.PaidUntil.Format(time.RFC3339))
				tell.Facts.On = a.inZone(s.PaidUntil.Add(a.grace()))
				if err := a.notify(ctx, tx, tell); err != nil {
					return err
				}
			}
			return err
		})
		if err != nil || n == 0 {
			return err
		}
	}
}
