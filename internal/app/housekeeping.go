package app

import (
	"context"

	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/subscription"
)

// CloseOverdue closes what ran out: orders past their validity, and
// subscriptions past their grace, which fall back to Free. It removes expired
// sign-in records too. It goes on until nothing is left.
//
// Nobody loses anything because we stopped: while charging is halted, and for as
// long as a grace afterwards, no renewal runs out and no subscription ends.
func (a *App) CloseOverdue(ctx context.Context) error {
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
			return nil
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
		}
		return nil
	})
	return n, err
}
