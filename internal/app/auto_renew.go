package app

import (
	"context"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/subscription"
)

// TurnAutoRenewOff switches auto-renewal off at once. Doing it twice is one
// change. The Customer who is not the Payer is Forbidden, anybody else NotFound.
func (a *App) TurnAutoRenewOff(ctx context.Context, actor account.Actor, id string) error {
	return a.switchAutoRenew(ctx, actor, id, subscription.EventAutoRenewOff, subscription.Subscription.WithoutAutoRenew)
}

// TurnAutoRenewOn switches auto-renewal back on: the next bank invoice will be
// prepared again. A plan that is no longer sold cannot be renewed: Conflict.
func (a *App) TurnAutoRenewOn(ctx context.Context, actor account.Actor, id string) error {
	return a.switchAutoRenew(ctx, actor, id, subscription.EventAutoRenewOn,
		func(s subscription.Subscription) (subscription.Subscription, bool, error) {
			if !s.Selection.Plan.Orderable() {
				return s, false, fault.New(fault.Conflict, "error.subscription.retired")
			}
			return s.WithAutoRenew()
		})
}

func (a *App) switchAutoRenew(ctx context.Context, actor account.Actor, id string, kind subscription.EventKind,
	change func(subscription.Subscription) (subscription.Subscription, bool, error),
) error {
	if !isUUID(id) {
		return fault.Missing("subscription")
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		row, err := tx.LockSubscriptionOf(ctx, actor.AccountID, id)
		if err != nil {
			return err
		}
		if !row.Role.MayBuy() {
			return fault.New(fault.Forbidden, "error.subscription.not_payer")
		}
		s, changed, err := change(row.Subscription)
		if err != nil || !changed {
			return err
		}
		if err := tx.SaveSubscription(ctx, s); err != nil {
			return err
		}
		by := audit.ByAccount(actor.AccountID)
		if err := tx.AppendSubscriptionEvent(ctx, id, subscription.Event{At: tx.Now(), Kind: kind, Actor: string(by), PaidUntil: s.PaidUntil}); err != nil {
			return err
		}
		return tx.AppendAudit(ctx, audit.Record{
			Actor: by, Action: "subscription." + string(kind), ObjectKind: "subscription", ObjectID: id, PayerID: s.PayerID,
		})
	})
}
