package app

import (
	"context"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
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
	for range 2 {
		open, err := a.payOrderFromBalance(ctx, actor, number)
		if err != nil || open == "" {
			return err
		}
		if err := a.cancelPayment(ctx, open); err != nil { // or the payer was quicker there
			return err
		}
	}
	return fault.New(fault.Conflict, "error.payment.in_progress")
}

// payOrderFromBalance returns the open checkout that has to be canceled first; ""
// for none.
func (a *App) payOrderFromBalance(ctx context.Context, actor account.Actor, number string) (open payment.ID, err error) {
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		open = ""
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
		open, err = a.payNow(ctx, tx, o, live, payer, audit.ByAccount(actor.AccountID))
		return err
	})
	return open, err
}

// payNow pays an open order from the balance, unless a checkout of it has to be
// canceled first, which it returns. Payer, subscription and order are locked.
func (a *App) payNow(ctx context.Context, tx *store.Tx, o order.Order, live *subscription.Subscription, payer account.Payer, by audit.Actor) (open payment.ID, err error) {
	if err := mayTake(ctx, tx); err != nil {
		return "", err
	}
	today := a.inZone(tx.Now())
	d, err := a.dueFor(ctx, tx, o, payer, today)
	if err != nil {
		return "", err
	}
	available, err := tx.Available(ctx, o.PayerID, o.Currency)
	if err != nil {
		return "", err
	}
	if available < d.total {
		return "", fault.New(fault.Conflict, "error.balance.too_low")
	}
	payable, err := payableOf(ctx, tx, o, live)
	if err != nil {
		return "", err
	}
	open, kept, err := a.openCheckout(ctx, tx, payable)
	if err == nil && kept && payable != orderPayable(o) { // a page may be open for the order itself, as checkoutOf opens it
		open, _, err = a.openCheckout(ctx, tx, orderPayable(o))
	}
	if err != nil || open != "" {
		return open, err
	}
	if _, err := tx.SetOrderMethod(ctx, o.ID, order.MethodBalance); err != nil {
		return "", err
	}
	if !kept {
		if err := enterBalance(tx, o, payable, d.total, payment.ByPayer); err != nil {
			return "", err
		}
	}
	return "", a.settle(ctx, tx, o, live, d, today, 0, by)
}

// openCheckout returns the payment of a payable, which was not bought yet, that
// waits for its payer; "" for none. One that was not sent makes way. What may have
// been paid is a Conflict. kept is for one that succeeded, but could not buy it:
// its money went to the balance, and stands behind what is paid from there.
func (a *App) openCheckout(ctx context.Context, tx *store.Tx, payable payment.Payable) (open payment.ID, kept bool, err error) {
	free, err := a.free(ctx, tx, payable)
	if err != nil || free {
		return "", false, err
	}
	p, err := tx.LivePaymentOf(ctx, payable)
	switch {
	case err != nil:
		return "", false, err
	case p.State == payment.Succeeded:
		return "", true, nil
	case p.State != payment.AwaitingPayer && p.State != payment.ActionRequired:
		return "", false, fault.New(fault.Conflict, "error.payment.in_progress")
	}
	return p.ID, false, nil
}
