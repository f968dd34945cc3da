package app

import (
	"context"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/notice"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/subscription"
)

// Ways are the ways to pay an open order besides a transfer, which is always
// one. None costs a fee, and each is in the currency of the order.
type Ways struct {
	Due         money.Amount // today, with today's VAT; zero where the sale cannot be made now
	Card        bool
	Available   money.Amount // what can be spent from the balance
	FromBalance bool         // that covers the whole
}

// ways finds out how an open order can be paid now.
func (a *App) ways(ctx context.Context, tx *store.Tx, actor account.Actor, o order.Order) (*Ways, error) {
	payer, err := tx.PayerOf(ctx, actor.AccountID, o.PayerID)
	if err != nil {
		return nil, err
	}
	w := &Ways{}
	if w.Available, err = tx.Available(ctx, o.PayerID, o.Currency); err != nil {
		return nil, err
	}
	d, err := a.dueFor(ctx, tx, o, payer.Payer, a.inZone(tx.Now()))
	if fault.Is(err, fault.Conflict) { // the seller may not make this sale now
		return w, nil
	} else if err != nil {
		return nil, err
	}
	_, noCard := a.cardsFor(money.Of(d.total, o.Currency))
	w.Due, w.Card, w.FromBalance = d.total, noCard == nil, w.Available >= d.total
	return w, nil
}

// offerMethods says how the payer of a quote may pay it.
func (a *App) offerMethods(ctx context.Context, tx *store.Tx, q *Quote) error {
	if q.Payer == nil {
		return nil
	}
	var err error
	if q.Available, err = tx.Available(ctx, q.Payer.ID, q.Price.Currency); err != nil {
		return err
	}
	q.Methods = []order.Method{order.MethodBank}
	if _, noCard := a.cardsFor(money.Of(q.Total, q.Price.Currency)); noCard == nil {
		q.Methods = append(q.Methods, order.MethodCard)
	}
	if q.Available >= q.Total {
		q.Methods = append(q.Methods, order.MethodBalance)
	}
	return nil
}

// ChooseMethod stores how the payer of an open order wants to pay it: by
// transfer or by card. Every way stays open. A closed order is a Conflict.
func (a *App) ChooseMethod(ctx context.Context, actor account.Actor, number string, method order.Method) error {
	return a.db.Update(ctx, func(tx *store.Tx) error {
		o, err := tx.LockOrderOf(ctx, actor.AccountID, number)
		if err != nil {
			return err
		}
		if !o.Open(a.inZone(tx.Now())) {
			return fault.New(fault.Conflict, "error.order.closed")
		}
		if method != order.MethodBank && (method != order.MethodCard || a.cards == nil) {
			return fault.Fields{{Name: "method", Key: "error.order.method"}}.Err()
		}
		changed, err := tx.SetOrderMethod(ctx, o.ID, method)
		if err != nil || !changed {
			return err
		}
		return tx.AppendAudit(ctx, audit.Record{
			Actor: audit.ByAccount(actor.AccountID), Action: "order.method", ObjectKind: "order", ObjectID: o.ID, PayerID: o.PayerID,
			Detail: map[string]any{"number": o.Number, "method": method},
		})
	})
}

// PayOrderFromBalance pays an open order of one of the actor's payers from what
// the payer has with us, at once. Asking again for a paid order changes nothing.
//
// Errors: NotFound for what is not the actor's to pay; Conflict for an order that
// is closed (error.order.closed), whose payment by card is on its way
// (error.payment.in_progress), or that costs more than can be spent from the
// balance (error.balance.too_low); and while charging is halted
// (error.charging.halted).
func (a *App) PayOrderFromBalance(ctx context.Context, actor account.Actor, number string) error {
	return a.db.Update(ctx, func(tx *store.Tx) error {
		seen, err := tx.OrderOf(ctx, actor.AccountID, number)
		if err != nil || seen.State == order.StatePaid {
			return err
		}
		payer, err := tx.LockPayer(ctx, seen.PayerID)
		if err != nil {
			return err
		}
		live, err := liveFor(ctx, tx, seen)
		if err != nil {
			return err
		}
		o, err := tx.LockOrder(ctx, seen.ID)
		if err != nil || o.State == order.StatePaid {
			return err
		}
		if !o.Open(a.inZone(tx.Now())) {
			return fault.New(fault.Conflict, "error.order.closed")
		}
		return a.payNow(ctx, tx, o, live, payer, audit.ByAccount(actor.AccountID))
	})
}

// payNow pays an open order from the balance. Payer, subscription and order are
// locked.
func (a *App) payNow(ctx context.Context, tx *store.Tx, o order.Order, live *subscription.Subscription, payer account.Payer, by audit.Actor) error {
	if err := mayTake(ctx, tx); err != nil {
		return err
	}
	if err := a.noneOnItsWay(ctx, tx, o, live); err != nil {
		return err
	}
	today := a.inZone(tx.Now())
	d, err := a.dueFor(ctx, tx, o, payer, today)
	if err != nil {
		return err
	}
	available, err := tx.Available(ctx, o.PayerID, o.Currency)
	if err != nil {
		return err
	}
	if available < d.total {
		return fault.New(fault.Conflict, "error.balance.too_low")
	}
	if _, err := tx.SetOrderMethod(ctx, o.ID, order.MethodBalance); err != nil {
		return err
	}
	return a.settle(ctx, tx, o, live, d, today, 0, by)
}

// noneOnItsWay makes sure that no payment by card pays what an order pays: one
// that was not sent is dropped; a page that waits for its payer is closed once
// the order is paid. What may have been paid is a Conflict.
func (a *App) noneOnItsWay(ctx context.Context, tx *store.Tx, o order.Order, live *subscription.Subscription) error {
	payable, err := payableOf(ctx, tx, o, live)
	if err != nil {
		return err
	}
	p, err := tx.LivePaymentOf(ctx, payable)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err == nil {
		p, err = tx.LockPayment(ctx, p.ID)
	}
	if err != nil {
		return err
	}
	switch {
	case p.State.Terminal() && p.State != payment.Succeeded, p.State == payment.AwaitingPayer, p.State == payment.ActionRequired:
		return nil
	case p.State == payment.Created && p.SentAt.IsZero():
		return a.supersede(ctx, tx, p, "paid_from_balance")
	}
	return fault.New(fault.Conflict, "error.payment.in_progress")
}

// tellPaid tells the payer's people that a first order was paid. Renewals are
// told as such.
func (a *App) tellPaid(ctx context.Context, tx *store.Tx, o order.Order, subscriptionID string, paid money.Money) error {
	if o.Kind != order.KindNew {
		return nil
	}
	s, err := tx.Subscription(ctx, subscriptionID)
	if err != nil {
		return err
	}
	return a.notify(ctx, tx, notice.Notice{
		Key: "order_paid " + o.ID, Kind: notice.OrderPaid, PayerID: o.PayerID, SubscriptionID: subscriptionID, OrderNumber: o.Number,
		Facts: notice.Facts{Plan: string(o.Selection.Plan), Amount: paid.Amount, Currency: paid.Currency, Until: s.PaidUntil},
	})
}
