package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/failpoint"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/store"
)

// ReconcilePayment looks a payment up in its provider's book and applies what
// stands there. The return page, webhooks and the reconciler all end here, and
// the lock of the row puts them one after the other. A provider that does not
// answer is Unavailable.
func (a *App) ReconcilePayment(ctx context.Context, id payment.ID) error { return a.look(ctx, id, 0) }

func (a *App) look(ctx context.Context, id payment.ID, inbox int64) error {
	_, err := a.lookAt(ctx, id, inbox)
	return err
}

// lookAt is look that returns what was seen.
func (a *App) lookAt(ctx context.Context, id payment.ID, inbox int64) (payment.Snapshot, error) {
	p, err := a.payment(ctx, id)
	if err != nil {
		return payment.Snapshot{}, err
	}
	provider, err := a.provider(p)
	if err != nil {
		return payment.Snapshot{}, err
	}
	call, cancel := calling(ctx)
	snapshot, result := provider.Lookup(call, p.Ref, p.ID)
	cancel()
	if result.Outcome == payment.OutcomeUnknown || result.Outcome == payment.OutcomeNotSent {
		return snapshot, fault.Wrap(fault.Unavailable, "error.payment.unavailable", fmt.Errorf("look up payment %s: %s %s", id, result.Outcome, result.Detail))
	}
	failpoint.Here("look.answered")
	var again *request
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		again = nil
		s, err := a.lockPayment(ctx, tx, id)
		if err != nil {
			return err
		}
		seen, effects, err := payment.Apply(s.payment, snapshot)
		if err != nil {
			return err
		}
		if repeats(effects) {
			wanted, err := a.stillWanted(ctx, tx, s)
			if err != nil {
				return err
			}
			if !wanted { // the next look repeats it, or proves that it was not done
				effects = nil
			} else if again, err = a.request(ctx, tx, s.payment); err != nil {
				return err
			}
		}
		return a.applied(ctx, tx, s, seen, effects, origin{source: store.FromLookup, inbox: inbox, seen: &snapshot})
	})
	if err != nil || again == nil {
		return snapshot, err
	}
	// The provider does not know the request and remembers its key: the same bytes
	// under the same key cannot be done twice.
	result = again.call(ctx)
	if result.Outcome == payment.OutcomeNotSent { // the request before it may be on its way still
		return snapshot, nil
	}
	return snapshot, a.answered(ctx, id, again.op, result)
}

// stillWanted reports whether a request that never arrived may be sent again: it
// takes money now, so all that may have been taken back since it was sent first is
// asked anew. What is not repeated is lost to nobody: the provider will have
// proved in the end that it was not done.
func (a *App) stillWanted(ctx context.Context, tx *store.Tx, s scene) (bool, error) {
	halted, err := tx.ChargingHalted(ctx)
	if err != nil || halted || s.refused {
		return false, err
	}
	if s.payment.Initiator == payment.ByMerchant {
		ok, _, err := a.agreed(ctx, tx, s.live, s.order, s.payment)
		return ok, err
	}
	return s.payment.OrderID == "" || s.order.State == order.StateAwaitingPayment, nil
}

func repeats(effects []payment.Effect) bool {
	for _, e := range effects {
		if e.Kind == payment.Repeat {
			return true
		}
	}
	return false
}

// checksAtOnce bounds how many payments one run looks at.
const checksAtOnce = 50

// CheckPayments does what is due for payments that wait: sends what was not
// sent, looks up what nobody knows, closes checkouts of orders that were closed
// meanwhile. Each is planned anew before it is looked at, so that two workers
// take different ones and a payment that cannot be looked at keeps nobody else
// from it. It returns how many it looked at; their errors are joined.
func (a *App) CheckPayments(ctx context.Context) (int, error) {
	var due []payment.Payment
	if len(a.providers) == 0 {
		return 0, nil
	}
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		var err error
		if due, err = tx.PaymentsToCheck(ctx, checksAtOnce); err != nil {
			return err
		}
		for _, p := range due {
			planned, effects, err := p.Scheduled(tx.Now())
			if err != nil {
				return err
			}
			for _, e := range effects {
				if e.Kind == payment.Alert {
					if err := a.alert(ctx, tx, p, e.Code); err != nil {
						return err
					}
				}
			}
			if err := tx.SavePayment(ctx, planned); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	failpoint.Here("check.planned")
	var failed []error
	for _, p := range due {
		if err := a.check(ctx, p); fault.Is(err, fault.Unavailable) {
			a.log.Info("a payment's provider does not answer; it is looked at again", "payment", p.ID, "error", err)
		} else if err != nil {
			failed = append(failed, fmt.Errorf("payment %s: %w", p.ID, err))
		}
	}
	return len(due), errors.Join(failed...)
}

// check takes a payment that is due one step further.
func (a *App) check(ctx context.Context, p payment.Payment) error {
	if p.State == payment.Created && p.SentAt.IsZero() {
		if p.Initiator == payment.ByMerchant {
			return a.SendPayment(ctx, p.ID)
		}
		// The payer who asked for this page has gone.
		return a.db.Update(ctx, func(tx *store.Tx) error {
			current, err := tx.LockPayment(ctx, p.ID)
			if err != nil || current.State != payment.Created || !current.SentAt.IsZero() {
				return err
			}
			return a.supersede(ctx, tx, current, "not_sent")
		})
	}
	closed, err := a.unwanted(ctx, p)
	if err != nil {
		return err
	}
	if closed {
		return a.cancelPayment(ctx, p.ID)
	}
	return a.ReconcilePayment(ctx, p.ID)
}

// PaymentReturned looks up the payment of an order, for the page that the
// provider leads back to, and returns it. Without an answer from the provider it
// is as it was. An order that nobody started to pay is NotFound.
func (a *App) PaymentReturned(ctx context.Context, actor account.Actor, number string) (payment.Payment, error) {
	p, err := a.OrderPayment(ctx, actor, number)
	if err != nil || p.State.Terminal() || p.State == payment.Created && p.SentAt.IsZero() {
		return p, err
	}
	if err := a.ReconcilePayment(ctx, p.ID); err != nil && !fault.Is(err, fault.Unavailable) {
		return p, err
	}
	return a.payment(ctx, p.ID)
}

// OrderPayment returns the payment of one of the actor's orders: the one that is
// alive or has succeeded, else the last one; or NotFound.
func (a *App) OrderPayment(ctx context.Context, actor account.Actor, number string) (p payment.Payment, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) error {
		o, err := tx.OrderOf(ctx, actor.AccountID, number)
		if err != nil {
			return err
		}
		p, err = tx.PaymentOfOrder(ctx, o.ID)
		return err
	})
	return p, err
}

// TopUpReturned looks at the newest top-up by card of one of the actor's payers
// and returns it, or NotFound. Who may not buy for the payer is Forbidden.
func (a *App) TopUpReturned(ctx context.Context, actor account.Actor, id account.PayerID) (p payment.Payment, err error) {
	if !isUUID(string(id)) {
		return p, fault.Missing("payer")
	}
	if err := a.db.View(ctx, func(tx *store.Tx) error {
		payer, err := tx.PayerOf(ctx, actor.AccountID, id)
		if err != nil {
			return err
		}
		if !payer.Role.MayBuy() {
			return fault.New(fault.Forbidden, "error.payer.role")
		}
		p, err = tx.NewestTopUpOf(ctx, payer.ID)
		return err
	}); err != nil || p.State.Terminal() {
		return p, err
	}
	if err := a.ReconcilePayment(ctx, p.ID); err != nil && !fault.Is(err, fault.Unavailable) {
		return p, err
	}
	return a.payment(ctx, p.ID)
}
