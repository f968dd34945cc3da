package app

import (
	"context"
	"crypto/sha256"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/subscription"
)

// RenewEarly places the order of a subscription's next period ahead of time, to
// be paid by transfer, and returns its number. The same period asked for again
// while that order waits for money is the same order, so a form sent twice
// orders once.
//
// Errors: Invalid for a period that is not sold; NotFound for what is not the
// actor's, Forbidden for the Customer who does not pay; Conflict for a
// subscription that is over or whose plan is no longer sold.
func (a *App) RenewEarly(ctx context.Context, actor account.Actor, id string, period pricing.Period) (string, error) {
	if !isUUID(id) {
		return "", fault.Missing("subscription")
	}
	var number string
	a.askFirst(ctx, actor, func(tx *store.Tx) (account.PayerID, error) {
		seen, err := managed(ctx, tx, actor, id)
		return seen.PayerID, err
	})
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		s, payer, err := a.lockForChange(ctx, tx, actor, id)
		if err != nil {
			return err
		}
		s.Selection.Period = period
		if err := pricing.Check(s.Selection).Err(); err != nil {
			return err
		}
		if !payer.Complete() {
			return fault.New(fault.Conflict, "order.blocked.billing")
		}
		o, ok, err := a.openRenewal(ctx, tx, s, period)
		if err != nil || ok {
			number = o.Number
			return err
		}
		open, err := tx.OpenOrderCount(ctx, s.PayerID)
		if err != nil {
			return err
		}
		if open >= maxOpenOrders {
			return &fault.Error{Kind: fault.Conflict, Key: "error.order.too_many", Args: fault.Args{"Count": maxOpenOrders}}
		}
		key := sha256.Sum256([]byte(newToken())) // the lock makes it one order, not the key
		o, err = a.placeRenewal(ctx, tx, audit.ByAccount(actor.AccountID), s, payer,
			order.Order{PlacedBy: actor.AccountID, ValidUntil: a.seller.validUntil(a.inZone(tx.Now()))}, key[:])
		number = o.Number
		return err
	})
	return number, err
}

// lockForChange locks the payer and then the subscription, for a person who pays
// for it. Everybody who may only see it is Forbidden, anybody else NotFound; a
// subscription that is over or whose plan is no longer sold is a Conflict.
func (a *App) lockForChange(ctx context.Context, tx *store.Tx, actor account.Actor, id string) (subscription.Subscription, account.Payer, error) {
	var none subscription.Subscription
	seen, err := managed(ctx, tx, actor, id)
	if err != nil {
		return none, account.Payer{}, err
	}
	payer, err := tx.LockPayer(ctx, seen.PayerID)
	if err != nil {
		return none, account.Payer{}, err
	}
	s, err := tx.LockSubscription(ctx, id)
	if err != nil {
		return none, account.Payer{}, err
	}
	return s, payer, changeable(s)
}

// changeable returns a Conflict for a subscription that can be neither renewed
// nor changed.
func changeable(s subscription.Subscription) error {
	switch {
	case s.State != subscription.StateActive:
		return fault.New(fault.Conflict, "error.subscription.ended")
	case !s.Selection.Plan.Orderable():
		return fault.New(fault.Conflict, "error.subscription.retired")
	}
	return nil
}

// renewalPrices is what each period costs when it is renewed today; nil for what
// cannot be renewed.
func (a *App) renewalPrices(row store.SubscriptionOf, today civil.Date, sold store.Turnover) ([]PeriodPrice, error) {
	if changeable(row.Subscription) != nil {
		return nil, nil
	}
	book, err := a.seller.Books.For(row.Currency, today)
	if err != nil {
		return nil, err
	}
	var out []PeriodPrice
	for _, period := range pricing.Periods {
		sel := row.Selection
		sel.Period = period
		price, err := book.Price(sel)
		if err != nil {
			return nil, err
		}
		treatment, err := a.treatAfter(sold, row.Tax, price.Net, today)
		if err != nil {
			return nil, err
		}
		p, err := periodPriceOf(period, price, treatment)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}
