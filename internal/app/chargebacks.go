package app

import (
	"context"
	"slices"

	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/ledger"
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
// the agreement to be charged ends. As long as the dispute is open nothing that
// the payment paid is given back (shares), and a refund that was asked for and not
// sent waits (SendRefund).
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

// disputeLost ends the paid time that a payment bought, takes what is still on the
// balance of its money, and calls a person. The revenue stands until that person
// decides: a credit note is for money that we give back, not for money that was
// taken.
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
	if err := a.takeLost(ctx, tx, p, dispute, amount); err != nil {
		return err
	}
	if err := a.alert(ctx, tx, p, alertDisputeLost); err != nil {
		return err
	}
	return a.notify(ctx, tx, n)
}

// takeLost takes from the payer's balance what is still there of the money that a
// dispute was lost about: of a top-up, of a payment whose order was paid otherwise,
// of what was given back and could not be sent to the card. What was spent stays
// disputed.
func (a *App) takeLost(ctx context.Context, tx *store.Tx, p payment.Payment, dispute string, lost money.Money) error {
	if _, err := a.dropHeld(ctx, tx, p, 0); err != nil { // that its bank has given the money back is what the payer is told
		return err
	}
	still, err := stillOnBalance(ctx, tx, p)
	if err != nil {
		return err
	}
	balance, err := tx.Balance(ctx, p.PayerID, lost.Currency)
	if err != nil {
		return err
	}
	taken := min(lost.Amount, still, balance)
	if taken <= 0 {
		return nil
	}
	if err := tx.AppendEntry(ctx, ledger.DisputeTaken(p.PayerID, money.Of(taken, lost.Currency), dispute, tx.Now())); err != nil {
		return err
	}
	return tx.AppendAudit(ctx, audit.Record{
		Actor: byPayments, Action: "dispute.taken", ObjectKind: "dispute", ObjectID: dispute, PayerID: p.PayerID,
		Detail: map[string]any{"amount_minor": taken, "currency": lost.Currency, "lost_minor": lost.Amount},
	})
}

// stillOnBalance is what a payment has brought to its payer's balance, less what
// its order holds of it, what went or goes back, and what lost disputes have taken.
// Whether it was spent since on something else the balance itself has to say.
func stillOnBalance(ctx context.Context, tx *store.Tx, p payment.Payment) (money.Amount, error) {
	asked, err := tx.RefundAsked(ctx, p.ID)
	if err != nil {
		return 0, err
	}
	taken, err := tx.TakenByDisputes(ctx, p.ID)
	if err != nil {
		return 0, err
	}
	held, err := heldByOrder(ctx, tx, p)
	return max(0, p.Received-max(asked, p.Refunded)-taken-held), err
}

// heldByOrder is what the order of a payment took of its money: the price, less
// what was credited of it, and less what other payments brought for it.
func heldByOrder(ctx context.Context, tx *store.Tx, p payment.Payment) (money.Amount, error) {
	if p.OrderID == "" {
		return 0, nil
	}
	settled, err := tx.Settlement(ctx, p.OrderID)
	if fault.Is(err, fault.NotFound) { // it was never paid
		return 0, nil
	} else if err != nil {
		return 0, err
	}
	before, err := tx.Credited(ctx, p.OrderID)
	if err != nil {
		return 0, err
	}
	held := settled.Net + settled.VAT - settled.Shortfall - (before.Base + before.VAT - before.Forgiven) - before.Change
	payments, err := tx.PaymentsThatPaid(ctx, p.OrderID)
	if err != nil {
		return 0, err
	}
	for _, other := range payments {
		if other.ID == p.ID {
			continue
		}
		asked, err := tx.RefundAsked(ctx, other.ID)
		if err != nil {
			return 0, err
		}
		held -= other.Received - asked
	}
	return max(0, held), nil
}

// heldRefunds are refunds of a payment that were asked for and not sent, because a
// dispute was opened before. They are locked.
func heldRefunds(ctx context.Context, tx *store.Tx, p payment.Payment) (held []payment.Refund, err error) {
	all, err := tx.RefundsOf(ctx, p.ID)
	for _, r := range all {
		if r.State != payment.RefundRequested || !r.SentAt.IsZero() || r.ByPeople() {
			continue
		}
		if r, err = tx.LockRefund(ctx, r.ID); err != nil {
			return nil, err
		}
		held = append(held, r)
	}
	return held, err
}

// sendHeld sends the refunds of a payment that waited for the end of a dispute,
// which was won.
func (a *App) sendHeld(ctx context.Context, tx *store.Tx, p payment.Payment) error {
	held, err := heldRefunds(ctx, tx, p)
	if err != nil {
		return err
	}
	for _, r := range held {
		r.NextCheckAt = tx.Now().Add(resendAfter)
		if err := tx.SaveRefund(ctx, r); err != nil {
			return err
		}
		if err := a.queue.SendRefund(ctx, tx, r.ID); err != nil {
			return err
		}
	}
	return nil
}

// dropHeld puts refunds that were not sent yet back on the balance, the newest
// first, until those that are left fit beside what was lost and what goes back
// besides. It returns those that it put back; nobody is told of them yet.
func (a *App) dropHeld(ctx context.Context, tx *store.Tx, p payment.Payment, besides money.Amount) (dropped []payment.Refund, err error) {
	held, err := heldRefunds(ctx, tx, p)
	if err != nil {
		return nil, err
	}
	for _, r := range slices.Backward(held) {
		asked, err := tx.RefundAsked(ctx, p.ID)
		if err != nil || asked+besides+p.Disputed <= p.Received {
			return dropped, err
		}
		next := r.Answered(payment.Result{Outcome: payment.OutcomeDeclined})
		if _, err := a.refundMoved(ctx, tx, p, r, next); err != nil {
			return nil, err
		}
		dropped = append(dropped, next)
	}
	return dropped, nil
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
