package app

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/subscription"
)

// byRenewal is who renews.
var byRenewal = audit.ByJob("renew")

// RenewDue takes every subscription whose renewal is near one step further, and
// returns how many it looked at. A subscription that cannot be renewed does not
// keep the others from it; their errors are joined.
func (a *App) RenewDue(ctx context.Context) (int, error) {
	var (
		looked int
		failed []error
		after  = noPayer // the smallest id
	)
	for {
		var ids []string
		err := a.db.View(ctx, func(tx *store.Tx) error {
			var err error
			ids, err = tx.Renewing(ctx, tx.Now().Add(time.Duration(a.seller.LeadDays+1)*24*time.Hour), after)
			return err
		})
		if err != nil {
			return looked, err
		}
		for _, id := range ids {
			if err := a.Renew(ctx, id); err != nil {
				failed = append(failed, fmt.Errorf("renew %s: %w", id, err))
			}
			looked, after = looked+1, id
		}
		if len(ids) == 0 {
			return looked, errors.Join(failed...)
		}
	}
}

// Renew takes a subscription's renewal one step further, as far as its day has
// come (product.md, "Renewal"): ahead of the end it prepares the next order with
// its bank invoice; near the end it pays the order from the payer's balance when
// that covers the whole. Doing it again on the same day changes nothing: an
// order is unique per subscription and period, and it is paid once.
//
// Whether auto-renewal is on is read under the subscription's lock, in the
// transaction that takes the money (I7).
func (a *App) Renew(ctx context.Context, id string) error {
	return a.db.Update(ctx, func(tx *store.Tx) error {
		seen, err := tx.Subscription(ctx, id)
		if err != nil {
			return err
		}
		payer, err := tx.LockPayer(ctx, seen.PayerID)
		if err != nil {
			return err
		}
		s, err := tx.LockSubscription(ctx, id)
		if err != nil {
			return err
		}
		if !s.Renews() {
			return nil
		}
		today, end := a.inZone(tx.Now()), a.inZone(s.PaidUntil)
		daysLeft := end.Sub(today)
		if daysLeft > a.seller.LeadDays {
			return nil
		}
		o, err := a.renewalOrder(ctx, tx, s, payer)
		if err != nil || o.State != order.StateAwaitingPayment || daysLeft > a.seller.FirstChargeDays {
			return err
		}
		if halted, err := tx.ChargingHalted(ctx); err != nil || halted {
			return err
		}
		return a.payFromBalance(ctx, tx, o, s, payer)
	})
}

// renewalOrder returns the order of the subscription's next period, preparing it
// where there is none.
func (a *App) renewalOrder(ctx context.Context, tx *store.Tx, s subscription.Subscription, payer account.Payer) (order.Order, error) {
	last, err := tx.PeriodCount(ctx, s.ID)
	if err != nil {
		return order.Order{}, err
	}
	name := fmt.Appendf(nil, "renewal of %s, period %d", s.ID, last+1)
	changes, err := tx.ChangeCount(ctx, s.ID)
	if err != nil {
		return order.Order{}, err
	}
	if changes > 0 { // a renewal ordered before the change was for other options
		name = fmt.Appendf(name, ", change %d", changes)
	}
	key := sha256.Sum256(name)
	o, err := tx.OrderByQuote(ctx, key[:])
	if !fault.Is(err, fault.NotFound) {
		return o, err
	}
	// What the payer ordered early is this renewal, too, as long as it can be paid.
	if open, ok, err := a.openRenewal(ctx, tx, s, 0); err != nil || ok {
		return open, err
	}
	// It stays payable as long as the paid time and its grace last.
	until := a.inZone(s.PaidUntil).AddDays(a.seller.GraceDays)
	if least := a.seller.validUntil(a.inZone(tx.Now())); until.Before(least) {
		until = least
	}
	return a.placeRenewal(ctx, tx, byRenewal, s, payer, order.Order{ValidUntil: until}, key[:])
}

// openRenewal is the newest order that waits for money to extend the
// subscription as it is, by that period; any period for 0.
func (a *App) openRenewal(ctx context.Context, tx *store.Tx, s subscription.Subscription, period pricing.Period) (order.Order, bool, error) {
	open, err := tx.OpenRenewals(ctx, s.ID)
	for _, o := range open {
		if o.Open(a.inZone(tx.Now())) && sameService(s, o) && (period == 0 || o.Selection.Period == period) {
			return o, true, nil
		}
	}
	return order.Order{}, false, err
}

// placeRenewal prices the next period of a subscription and places its order,
// of which o says who placed it and until when it can be paid. The payer and the
// subscription are locked.
func (a *App) placeRenewal(ctx context.Context, tx *store.Tx, by audit.Actor, s subscription.Subscription, payer account.Payer, o order.Order, key []byte) (order.Order, error) {
	customer, err := tx.Account(ctx, s.CustomerID)
	if err != nil {
		return order.Order{}, err
	}
	today := a.inZone(tx.Now())
	book, err := a.seller.Books.For(s.Currency, today)
	if err != nil {
		return order.Order{}, err
	}
	price, err := book.Price(s.Selection)
	if err != nil {
		return order.Order{}, err
	}
	buyer, err := taxOf(ctx, tx, payer)
	if err != nil {
		return order.Order{}, err
	}
	treatment, err := a.treat(ctx, tx, buyer, price.Net, today)
	if err != nil {
		return order.Order{}, err
	}
	tax, err := treatment.Tax(price.Net)
	if err != nil {
		return order.Order{}, err
	}
	_, period, err := s.Extended(s.Selection.Period, 0, a.seller.Zone)
	if err != nil {
		return order.Order{}, err
	}
	o.Kind, o.Method, o.State = order.KindRenewal, order.MethodBank, order.StateAwaitingPayment
	o.PayerID, o.CustomerID, o.SubscriptionID, o.Selection = s.PayerID, s.CustomerID, s.ID, s.Selection
	return a.placeOrder(ctx, tx, by, o, priced{price, treatment, tax}, payer, customer, &period, key)
}

// payFromBalance pays a renewal from what the payer has with us and may owe us,
// when that covers the whole. The payer's lock keeps two orders from spending it twice.
func (a *App) payFromBalance(ctx context.Context, tx *store.Tx, o order.Order, s subscription.Subscription, payer account.Payer) error {
	today := a.inZone(tx.Now())
	d, err := a.dueFor(ctx, tx, o, payer, today)
	if err != nil {
		return err
	}
	available, err := tx.Available(ctx, o.PayerID, o.Currency)
	if err != nil || available < d.total {
		return err
	}
	if !sameService(s, o) { // the subscription was changed after the order was prepared
		return nil
	}
	return a.settle(ctx, tx, o, &s, d, today, 0, byRenewal)
}
