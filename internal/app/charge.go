package app

import (
	"context"
	"fmt"
	"time"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/notice"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/subscription"
)

// Why a charge may not go now, where that does not end it like any other reason.
const (
	whyTriedToday = "tried_today" // it waits for the calendar
	whyOverLimit  = "over_limit"  // a person is called; the next day is tried
)

// agreed reports whether what a charge of a saved method is for is still wanted,
// and the payer still agrees to it (I7, I8), and in a word for the payment's
// history why not. Everything it looks at is locked.
func (a *App) agreed(ctx context.Context, tx *store.Tx, s *subscription.Subscription, o order.Order, p payment.Payment) (ok bool, why string, err error) {
	if s == nil || s.State != subscription.StateActive {
		return false, "ended", nil
	}
	if !s.Renews() {
		return false, "auto_renew_off", nil
	}
	day, renews, err := a.renewalDay(ctx, tx, *s)
	switch {
	case err != nil:
		return false, "", err
	case !renews:
		return false, "ended", nil
	case !a.seller.calendar().Due(day, a.inZone(s.PaidUntil), civil.Date{}).Pay:
		return false, "too_early", nil
	case o.State != order.StateAwaitingPayment:
		return false, "order_closed", nil
	case !sameService(*s, o):
		return false, "changed", nil
	}
	payable, err := payableOf(ctx, tx, o, s)
	if err != nil || payable != p.Payable {
		return false, "another_period", err
	}
	method, err := tx.Method(ctx, p.MethodID)
	if err != nil || !method.RevokedAt.IsZero() {
		return false, "method_revoked", err
	}
	consent, err := tx.ConsentOf(ctx, s.ID)
	if fault.Is(err, fault.NotFound) || err == nil && !agrees(consent, *s) {
		return false, "no_consent", nil
	} else if err != nil {
		return false, "", err
	}
	if consent.MethodID != p.MethodID {
		return false, "another_method", nil
	}
	return true, "", nil
}

// mayCharge is the last look before a saved method is charged (I7, I8, I33): the
// transaction that it is part of is the charge moment. It reports why not, as
// agreed does.
func (a *App) mayCharge(ctx context.Context, tx *store.Tx, s *subscription.Subscription, o order.Order, p payment.Payment) (ok bool, why string, err error) {
	if ok, why, err = a.agreed(ctx, tx, s, o, p); err != nil || !ok {
		return ok, why, err
	}
	refused, err := tx.RefusedForGood(ctx, p.Payable.ID, p.MethodID)
	if err != nil || refused {
		return false, "declined_for_good", err
	}
	declines, err := tx.DeclinesOfMethod(ctx, p.MethodID, tx.Now().Add(-payment.CardWindow))
	if err != nil || declines >= payment.MaxDeclinesPerCard {
		return false, "declined_too_often", err
	}
	charged, err := tx.ChargedOn(ctx, p, a.inZone(tx.Now()))
	switch {
	case err != nil:
		return false, "", err
	case charged.OfRenewal > 0:
		return false, whyTriedToday, nil
	case charged.OfPayer >= a.seller.MaxChargesDaily || charged.AmountMinor+p.Amount.Amount > a.seller.MaxChargedDaily:
		return false, whyOverLimit, nil
	}
	return true, "", nil
}

// notNow keeps a payment from being sent, and says why in its history.
func (a *App) notNow(ctx context.Context, tx *store.Tx, s scene, why string) error {
	switch why {
	case whyTriedToday:
		p := s.payment
		p.NextCheckAt = time.Time{}
		return tx.SavePayment(ctx, p)
	case whyOverLimit:
		if err := a.alert(ctx, tx, s.payment, whyOverLimit); err != nil {
			return err
		}
		row, err := tx.LockRenewalByID(ctx, s.payment.Payable.ID)
		if err != nil {
			return err
		}
		row.LastTryOn = a.inZone(tx.Now())
		row.NextTryAt = row.LastTryOn.AddDays(1).In(a.seller.Zone)
		if err := tx.SaveRenewal(ctx, row); err != nil {
			return err
		}
	}
	return a.supersede(ctx, tx, s.payment, why)
}

// chargeMoment writes down that a saved method is charged now: in the log of
// charges, which holds the bounds, and on the renewal, which plans the next try.
// A second one for the renewal on one day is a Conflict.
func (a *App) chargeMoment(ctx context.Context, tx *store.Tx, s scene) error {
	today := a.inZone(tx.Now())
	if err := tx.InsertCharge(ctx, s.payment, today); err != nil {
		return err
	}
	row, err := tx.LockRenewalByID(ctx, s.payment.Payable.ID)
	if err != nil {
		return err
	}
	if row.LastTryOn != today {
		row.Tries++
	}
	row.LastTryOn, row.NextTryAt = today, time.Time{}
	if next, ok := a.seller.calendar().NextTry(a.inZone(s.live.PaidUntil), today); ok {
		row.NextTryAt = next.In(a.seller.Zone)
	}
	return tx.SaveRenewal(ctx, row)
}

// chargeNotDone does what follows where an attempt at a charge surely was not
// executed: it does not count for the bounds, nobody is told of a refusal, for
// there was none, and where the payment has ended by it another one is begun
// within the hour: no day is lost. A person is called, once a day, where the
// provider took none of the tries. p is the payment now.
func (a *App) chargeNotDone(ctx context.Context, tx *store.Tx, s scene, p payment.Payment) error {
	before := s.payment
	if p.Initiator != payment.ByMerchant {
		return nil
	}
	if err := tx.ChargeNotSent(ctx, p.ID, before.AttemptNo); err != nil || p.State != payment.Failed {
		return err
	}
	row, err := tx.LockRenewalByID(ctx, p.Payable.ID)
	if err != nil {
		return err
	}
	tries, err := tx.ChargesNotSent(ctx, row.ID, a.inZone(tx.Now()))
	if err == nil && tries == payment.MaxNotSent {
		err = a.alert(ctx, tx, p, alertNotSent)
	}
	if soon := tx.Now().Add(rechargeIn); err == nil && row.State == store.RenewalOpen && (row.NextTryAt.IsZero() || soon.Before(row.NextTryAt)) {
		row.NextTryAt = soon
		err = tx.SaveRenewal(ctx, row)
	}
	return err
}

// tellCharge tells the people of a payer what became of a charge: that the card's
// bank wants to see them, or that the card was refused and when it is tried
// again. p is the payment now, saved.
func (a *App) tellCharge(ctx context.Context, tx *store.Tx, s scene, p payment.Payment) error {
	before := s.payment
	confirm := p.State == payment.ActionRequired && before.State != payment.ActionRequired
	ended := p.State == payment.Failed || p.State == payment.Expired
	declined := p.Declines > before.Declines || ended && before.State != p.State && !before.SentAt.IsZero()
	if p.Initiator != payment.ByMerchant || s.live == nil || !confirm && !declined {
		return nil
	}
	method, err := tx.Method(ctx, p.MethodID)
	if err != nil {
		return err
	}
	kind := notice.ChargeDeclined
	if confirm {
		kind = notice.ChargeConfirm
	}
	n := a.noticeOf(*s.live, kind, fmt.Sprintf("%s %d", p.ID, before.AttemptNo))
	n.OrderNumber = s.order.Number
	n.Facts.Amount, n.Facts.Currency, n.Facts.Method = p.Amount.Amount, p.Amount.Currency, method.Label
	if declined {
		if n.Facts.On, err = a.nextTry(ctx, tx, *s.live, p); err != nil {
			return err
		}
	}
	return a.notify(ctx, tx, n)
}

// nextTry is the day on which the card of a declined payment is tried again; zero
// where it is not.
func (a *App) nextTry(ctx context.Context, tx *store.Tx, s subscription.Subscription, p payment.Payment) (civil.Date, error) {
	row, err := tx.LockRenewalByID(ctx, p.Payable.ID)
	if err != nil || row.NextTryAt.IsZero() || !s.Renews() {
		return civil.Date{}, err
	}
	refused, err := a.cardRefused(ctx, tx, renewing{RenewalFacts: store.RenewalFacts{Subscription: s, Renewal: row}, method: payment.Method{ID: p.MethodID}})
	if err != nil || refused {
		return civil.Date{}, err
	}
	return a.inZone(row.NextTryAt), nil
}

// unwanted reports whether a payment that waits for its payer is for something
// that was paid or given up meanwhile.
func (a *App) unwanted(ctx context.Context, p payment.Payment) (bool, error) {
	if p.OrderID == "" {
		return false, nil
	}
	unwanted := false
	err := a.db.View(ctx, func(tx *store.Tx) error {
		o, err := tx.Order(ctx, p.OrderID)
		if err != nil {
			return err
		}
		unwanted = o.State == order.StatePaid || o.State == order.StateCanceled
		if unwanted || p.Initiator != payment.ByMerchant {
			return nil
		}
		s, err := tx.Subscription(ctx, o.SubscriptionID)
		if err != nil {
			return err
		}
		_, renews, err := a.renewalDay(ctx, tx, s)
		unwanted = !renews
		return err
	})
	return unwanted, err
}
