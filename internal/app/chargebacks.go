package app

import (
	"context"

	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/notice"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/subscription"
)

// alertDisputeLost is for money that a card holder's bank took back for good. The
// paid time has ended; what became of the revenue a person decides.
const alertDisputeLost payment.AlertCode = "dispute_lost"

// disputedSubscription returns the subscription that a disputed payment paid for
// while it is active, or nil. lockPayment has locked it: it is the customer's one
// active subscription to the plan of the order.
func (a *App) disputedSubscription(ctx context.Context, tx *store.Tx, p payment.Payment) (*subscription.Subscription, error) {
	if p.OrderID == "" {
		return nil, nil
	}
	o, err := tx.Order(ctx, p.OrderID)
	if err != nil || o.SubscriptionID == "" {
		return nil, err
	}
	s, err := tx.LockSubscription(ctx, o.SubscriptionID)
	if err != nil || s.State != subscription.StateActive {
		return nil, err
	}
	return &s, nil
}

// disputeOpened stops charging who disputes a charge: auto-renewal goes off and
// the agreement to be charged ends. Refunds of the payment wait as long as the
// dispute is open (cardShares, refund_leaves_disputed_money).
func (a *App) disputeOpened(ctx context.Context, tx *store.Tx, p payment.Payment, dispute string) error {
	s, err := a.disputedSubscription(ctx, tx, p)
	if err != nil || s == nil {
		return err
	}
	if err := tx.RevokeConsent(ctx, s.ID); err != nil {
		return err
	}
	off, changed, err := s.WithoutAutoRenew()
	if err != nil || !changed {
		return err
	}
	if err := tx.SaveSubscription(ctx, off); err != nil {
		return err
	}
	if err := tx.AppendSubscriptionEvent(ctx, s.ID, subscription.Event{
		At: tx.Now(), Kind: subscription.EventAutoRenewOff, Actor: string(byPayments), PaidUntil: s.PaidUntil,
	}); err != nil {
		return err
	}
	if err := tx.AppendAudit(ctx, audit.Record{
		Actor: byPayments, Action: "subscription." + string(subscription.EventAutoRenewOff), ObjectKind: "subscription", ObjectID: s.ID, PayerID: s.PayerID,
		Detail: map[string]any{"dispute": dispute},
	}); err != nil {
		return err
	}
	return a.notify(ctx, tx, notice.Notice{
		Key: "auto_renew_off dispute " + dispute, Kind: notice.AutoRenewOff, PayerID: s.PayerID, SubscriptionID: s.ID,
		Facts: notice.Facts{Plan: string(s.Selection.Plan), On: a.inZone(tx.Now()), Until: s.PaidUntil},
	})
}

// disputeLost ends the paid time that a payment bought, and calls a person. The
// revenue stands until that person decides: a credit note is for money that we
// give back, not for money that was taken.
func (a *App) disputeLost(ctx context.Context, tx *store.Tx, p payment.Payment, dispute string, amount money.Money) error {
	n := notice.Notice{
		Key: "charged_back " + dispute, Kind: notice.ChargedBack, PayerID: p.PayerID,
		Facts: notice.Facts{Amount: amount.Amount, Currency: amount.Currency, On: a.inZone(tx.Now()), Method: "card"},
	}
	s, err := a.disputedSubscription(ctx, tx, p)
	if err != nil {
		return err
	}
	if s != nil {
		short, err := a.endTimeOf(ctx, tx, *s, p.OrderID, byPayments)
		if err != nil {
			return err
		}
		n.SubscriptionID, n.Facts.Plan, n.Facts.Until = s.ID, string(s.Selection.Plan), short.PaidUntil
	}
	if p.OrderID != "" {
		o, err := tx.Order(ctx, p.OrderID)
		if err != nil {
			return err
		}
		n.OrderNumber = o.Number
	}
	if err := a.alert(ctx, tx, p, alertDisputeLost); err != nil {
		return err
	}
	return a.notify(ctx, tx, n)
}

// endTimeOf ends the paid time that an order bought, because its money was taken
// back. The subscription is locked and active.
func (a *App) endTimeOf(ctx context.Context, tx *store.Tx, s subscription.Subscription, orderID string, by audit.Actor) (subscription.Shortened, error) {
	periods, err := tx.PaidPeriods(ctx, s.ID)
	if err != nil {
		return subscription.Shortened{}, err
	}
	taken := map[int]money.Amount{}
	for _, period := range periods {
		if period.OrderID == orderID {
			taken[period.Number] = 0
		}
	}
	short, err := s.Without(periods, taken, tx.Now(), a.seller.Zone)
	if err != nil || short.First == 0 {
		return short, err
	}
	return short, a.shorten(ctx, tx, s, short, subscription.EventChargedBack, by)
}
