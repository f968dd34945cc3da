package app

import (
	"context"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/store"
)

// ChargeSaved intends a charge of a saved method for the next period of a
// subscription, as its renewal does, and returns the payment.
func (a *App) ChargeSaved(ctx context.Context, subscriptionID, methodID string) (id payment.ID, orderID string, err error) {
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		facts, err := tx.LockRenewing(ctx, subscriptionID)
		if err != nil {
			return err
		}
		o, err := a.renewalOrder(ctx, tx, renewing{RenewalFacts: facts}, 0)
		if err != nil {
			return err
		}
		renewal, err := tx.LockRenewal(ctx, subscriptionID, facts.Periods+1)
		if err != nil {
			return err
		}
		method, err := tx.Method(ctx, methodID)
		if err != nil {
			return err
		}
		id, err = a.intendCharge(ctx, tx, facts.Subscription, o, renewal, method)
		orderID = o.ID
		return err
	})
	return id, orderID, err
}

// DayOf is the seller's business day of an instant.
func (a *App) DayOf(t time.Time) civil.Date { return a.inZone(t) }

// LinkCustomer lets a payer buy for another person.
func (a *App) LinkCustomer(ctx context.Context, payer account.PayerID, customer account.ID) error {
	return a.db.Update(ctx, func(tx *store.Tx) error { return tx.InsertPayerCustomer(ctx, payer, customer) })
}
