package app

import (
	"context"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/store"
)

// Methods returns the cards that one of the actor's payers keeps with us, newest
// first. Who may not buy for the payer sees none: Forbidden.
func (a *App) Methods(ctx context.Context, actor account.Actor, id account.PayerID) (methods []payment.Method, err error) {
	if !isUUID(string(id)) {
		return nil, fault.Missing("payer")
	}
	err = a.db.View(ctx, func(tx *store.Tx) error {
		payer, err := tx.PayerOf(ctx, actor.AccountID, id)
		if err != nil {
			return err
		}
		if !payer.Role.MayBuy() {
			return fault.New(fault.Forbidden, "error.payer.role")
		}
		methods, err = tx.MethodsOf(ctx, id)
		return err
	})
	return methods, err
}

// RevokeMethod makes sure that a card is not charged again. A charge whose
// moment has passed goes on. Doing it twice is one change; a card of somebody
// else's payer is NotFound.
func (a *App) RevokeMethod(ctx context.Context, actor account.Actor, methodID string) error {
	if !isUUID(methodID) {
		return fault.Missing("payment method")
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		method, err := tx.Method(ctx, methodID)
		if err != nil {
			return err
		}
		payer, err := tx.LockPayerOf(ctx, actor.AccountID, method.PayerID) // charges lock the payer, too
		if err != nil {
			return err
		}
		if !payer.Role.MayBuy() {
			return fault.New(fault.Forbidden, "error.payer.role")
		}
		changed, err := tx.RevokeMethod(ctx, method.PayerID, methodID)
		if err != nil || !changed {
			return err
		}
		return tx.AppendAudit(ctx, audit.Record{
			Actor: audit.ByAccount(actor.AccountID), Action: "method.revoked", ObjectKind: "payment_method", ObjectID: methodID, PayerID: method.PayerID,
			Detail: map[string]any{"label": method.Label},
		})
	})
}
