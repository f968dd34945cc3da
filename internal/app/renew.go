package app

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/failpoint"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/notice"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/subscription"
)

// byRenewal is who renews.
var byRenewal = audit.ByJob("renew")

// calendar is the seller's calendar of renewals.
func (s Seller) calendar() subscription.Calendar {
	return subscription.Calendar{
		Prepare: s.LeadDays, Remind: s.NoticeDays, FirstCharge: s.FirstChargeDays, Grace: s.GraceDays, GraceCharge: s.GraceChargeDays,
	}
}

// EnqueueRenewals enqueues a renewal of every subscription that may have one due,
// and returns how many. One that is enqueued already is not enqueued again.
func (a *App) EnqueueRenewals(ctx context.Context) (int, error) {
	return a.eachRenewing(ctx, func(ids []string) error {
		return a.db.Update(ctx, func(tx *store.Tx) error { return a.queue.Renew(ctx, tx, ids) })
	})
}

// RenewDue takes every subscription whose renewal is near one step further, and
// returns how many it looked at. A subscription that cannot be renewed does not
// keep the others from it; their errors are joined.
func (a *App) RenewDue(ctx context.Context) (int, error) {
	var failed []error
	looked, err := a.eachRenewing(ctx, func(ids []string) error {
		for _, id := range ids {
			if err := a.Renew(ctx, id); err != nil {
				failed = append(failed, fmt.Errorf("renew %s: %w", id, err))
			}
		}
		return nil
	})
	return looked, errors.Join(append(failed, err)...)
}

// eachRenewing calls f with the ids of subscriptions whose renewal is near, so
// many at a time, and returns how many there are.
func (a *App) eachRenewing(ctx context.Context, f func(ids []string) error) (int, error) {
	looked, after := 0, noPayer // the smallest id
	for {
		var ids []string
		err := a.db.View(ctx, func(tx *store.Tx) error {
			var err error
			ids, err = tx.Renewing(ctx, tx.Now().Add(time.Duration(a.seller.calendar().FirstLook()+1)*24*time.Hour), after)
			return err
		})
		if err != nil || len(ids) == 0 {
			return looked, err
		}
		if err := f(ids); err != nil {
			return looked, err
		}
		looked, after = looked+len(ids), ids[len(ids)-1]
	}
}

// Renew takes a subscription's renewal one step further, as far as its day has
// come (product.md, "Renewal"): it prepares the next bank invoice of a payer by
// transfer, reminds, pays from the balance once that covers the whole, and has
// the saved method charged on the days of the calendar. Doing it again on the
// same day changes nothing: a period is one renewal, which is paid once and
// tried once a day (I6).
//
// Whether auto-renewal is on is read under the subscription's lock, in the
// transaction that takes the money (I7); for a saved method that is the one of
// SendPayment.
func (a *App) Renew(ctx context.Context, id string) error {
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		r, due, err := a.lockRenewal(ctx, tx, id)
		if err != nil || due == (subscription.Due{}) {
			return err
		}
		if due.Prepare {
			if err := a.prepareRenewal(ctx, tx, r); err != nil {
				return err
			}
		}
		if due.Remind > 0 {
			if err := a.remind(ctx, tx, r, due.Remind); err != nil {
				return err
			}
		}
		if !due.Pay {
			return nil
		}
		if halted, err := tx.ChargingHalted(ctx); err != nil || halted {
			return err
		}
		if err := a.payRenewal(ctx, tx, r, due.Charge); err != nil {
			return err
		}
		failpoint.Here("renew.commit")
		return nil
	})
	if err == nil {
		failpoint.Here("renew.committed")
	}
	return err
}

// renewing is a renewal with everything that it can move, locked.
type renewing struct {
	payer  account.Payer
	sub    subscription.Subscription
	row    store.Renewal
	method payment.Method // that may be charged; without an id for none
	today  civil.Date
	end    civil.Date // on which the paid time ends
}

// byCard reports whether a saved method pays what the balance does not.
func (r renewing) byCard() bool { return r.method.ID != "" }

// lockRenewal locks the payer, the subscription and its next period, and returns
// what is due for it: nothing for a subscription that does not renew.
func (a *App) lockRenewal(ctx context.Context, tx *store.Tx, id string) (r renewing, due subscription.Due, err error) {
	seen, err := tx.Subscription(ctx, id)
	if err != nil {
		return r, due, err
	}
	if r.payer, err = tx.LockPayer(ctx, seen.PayerID); err != nil {
		return r, due, err
	}
	if r.sub, err = tx.LockSubscription(ctx, id); err != nil {
		return r, due, err
	}
	r.today, r.end = a.inZone(tx.Now()), a.inZone(r.sub.PaidUntil)
	calendar := a.seller.calendar()
	day, renews, err := a.renewalDay(ctx, tx, r.sub)
	if err != nil || !renews || calendar.Due(day, r.end, civil.Date{}) == (subscription.Due{}) {
		return r, due, err
	}
	last, err := tx.PeriodCount(ctx, id)
	if err != nil {
		return r, due, err
	}
	if r.row, err = tx.LockRenewal(ctx, id, last+1); err != nil {
		return r, due, err
	}
	due = calendar.Due(day, r.end, r.row.LastTryOn)
	if next := r.row.NextTryAt; !next.IsZero() { // one that a bound stopped is tried on the next day, whatever day that is
		due.Charge = due.Pay && !tx.Now().Before(next)
	}
	r.method, err = a.chargeable(ctx, tx, r.sub)
	return r, due, err
}

// renewalDay returns the day of the calendar on which the renewal of a
// subscription is, and whether it renews by itself at all. After the grace it does
// not: it has fallen back to Free, though the job that says so has yet to run (I8).
// Where charging was halted meanwhile, subscriptions last longer, and what was
// missed is made up for as if it were the last day of the grace.
func (a *App) renewalDay(ctx context.Context, tx *store.Tx, s subscription.Subscription) (civil.Date, bool, error) {
	if !s.Renews() {
		return civil.Date{}, false, nil
	}
	if tx.Now().Before(s.PaidUntil.Add(a.grace())) {
		return a.inZone(tx.Now()), true, nil
	}
	held, err := tx.ChargingWasHalted(ctx, tx.Now().Add(-a.grace()))
	return a.inZone(s.PaidUntil).AddDays(a.seller.GraceDays), held, err
}

// chargeable returns the saved method that the payer agreed to have charged for a
// subscription; one without an id where there is none.
func (a *App) chargeable(ctx context.Context, tx *store.Tx, s subscription.Subscription) (payment.Method, error) {
	consent, err := tx.ConsentOf(ctx, s.ID)
	if fault.Is(err, fault.NotFound) || err == nil && !agrees(consent, s) {
		return payment.Method{}, nil
	} else if err != nil {
		return payment.Method{}, err
	}
	m, err := tx.MethodOf(ctx, s.PayerID, consent.MethodID)
	if fault.Is(err, fault.NotFound) {
		return payment.Method{}, nil
	}
	if provider := a.providers[m.Provider]; provider == nil || provider.Account() != m.Account || !provider.Capabilities().SavedCharge {
		return payment.Method{}, err
	}
	return m, err
}

// agrees reports whether a consent covers what a renewal of a subscription
// charges: by the same payer, for a saved method, at the same interval.
func agrees(c payment.Consent, s subscription.Subscription) bool {
	return c.MethodID != "" && c.PayerID == s.PayerID && c.Months == int(s.Selection.Period)
}

// prepareRenewal does what comes first: the bank invoice of a payer by transfer,
// or a word about a card that ends before it would be charged.
func (a *App) prepareRenewal(ctx context.Context, tx *store.Tx, r renewing) error {
	if r.byCard() {
		if ends := r.method.ExpiresOn; ends.IsZero() || !ends.Before(a.chargeDay(r)) {
			return nil
		}
		return a.tellRenewal(ctx, tx, r, notice.MethodExpires, r.method.ID, notice.Facts{On: r.method.ExpiresOn, Method: r.method.Label})
	}
	o, err := a.renewalOrder(ctx, tx, r.sub, r.payer, 0)
	if err != nil || o.State != order.StateAwaitingPayment || o.PlacedBy != "" {
		return err
	}
	n := a.noticeOf(r.sub, notice.BankInvoiceReady, fmt.Sprintf("%d", r.row.PeriodNo))
	n.OrderNumber = o.Number
	n.Facts.Amount, n.Facts.Currency, n.Facts.On, n.Facts.Method = o.Total, o.Currency, o.ValidUntil, payment.ProviderBank
	return a.notify(ctx, tx, n)
}

// chargeDay is the next day on which the renewal is paid.
func (a *App) chargeDay(r renewing) civil.Date {
	if day, ok := a.seller.calendar().NextTry(r.end, r.today.AddDays(-1)); ok {
		return day
	}
	return r.today
}

// remind tells what will be taken, when, and from where. days is how far ahead.
func (a *App) remind(ctx context.Context, tx *store.Tx, r renewing, days int) error {
	kind := notice.RenewalAhead
	if n := len(a.seller.NoticeDays); n > 1 && days == a.seller.NoticeDays[n-1] {
		kind = notice.RenewalSoon
	}
	on := a.chargeDay(r)
	total, err := a.renewalTotal(ctx, tx, r, on)
	if err != nil {
		return err
	}
	balance, err := tx.Available(ctx, r.payer.ID, r.sub.Currency)
	if err != nil {
		return err
	}
	facts := notice.Facts{Amount: total, Currency: r.sub.Currency, On: on, Method: payment.ProviderBank}
	switch {
	case balance >= total:
		facts.Method = payment.ProviderBalance
	case r.byCard():
		facts.Method = r.method.Label
	default:
		facts.On = r.end // the last day for a transfer
	}
	suffix := ""
	if kind == notice.RenewalAhead && days != a.seller.NoticeDays[0] {
		suffix = fmt.Sprintf("%d days", days)
	}
	return a.tellRenewal(ctx, tx, r, kind, suffix, facts)
}

// renewalTotal is what a renewal costs on a day, VAT included: what its order says
// where there is one.
func (a *App) renewalTotal(ctx context.Context, tx *store.Tx, r renewing, on civil.Date) (money.Amount, error) {
	if o, ok, err := a.openRenewal(ctx, tx, r.sub, 0); err != nil || ok {
		return o.Total, err
	}
	book, err := a.seller.Books.For(r.sub.Currency, on)
	if err != nil {
		return 0, err
	}
	price, err := book.Price(r.sub.Selection)
	if err != nil {
		return 0, err
	}
	buyer, err := taxOf(ctx, tx, r.payer)
	if err != nil {
		return 0, err
	}
	treatment, err := a.treat(ctx, tx, buyer, price.Net, on)
	if err != nil {
		return 0, err
	}
	tax, err := treatment.Tax(price.Net)
	return price.Net + tax, err
}

// tellRenewal tells the people of a payer something about a renewal, once for
// each suffix.
func (a *App) tellRenewal(ctx context.Context, tx *store.Tx, r renewing, kind notice.Kind, suffix string, facts notice.Facts) error {
	key := fmt.Sprintf("%d", r.row.PeriodNo)
	if suffix != "" {
		key += " " + suffix
	}
	n := a.noticeOf(r.sub, kind, key)
	facts.Plan, facts.Until = n.Facts.Plan, n.Facts.Until
	n.Facts = facts
	return a.notify(ctx, tx, n)
}

// noticeOf is a notice about a subscription. suffix tells occasions apart.
func (a *App) noticeOf(s subscription.Subscription, kind notice.Kind, suffix string) notice.Notice {
	return notice.Notice{
		Key: strings.TrimSpace(fmt.Sprintf("%s %s %s", kind, s.ID, suffix)), Kind: kind, PayerID: s.PayerID, SubscriptionID: s.ID,
		Facts: notice.Facts{Plan: string(s.Selection.Plan), Until: s.PaidUntil},
	}
}

// payRenewal pays a renewal, first from the balance if that covers the whole, or
// has the saved method charged when a try is due. While a payment of the renewal
// is on its way it waits for the end of it.
func (a *App) payRenewal(ctx context.Context, tx *store.Tx, r renewing, try bool) error {
	// A first look without a lock: the order is locked before the payment.
	if live, err := a.liveOf(ctx, tx, r, tx.Payment); err != nil || live.waits {
		return err
	}
	o, err := a.renewalOrder(ctx, tx, r.sub, r.payer, 0)
	if err != nil {
		return err
	}
	if o, err = tx.LockOrder(ctx, o.ID); err != nil || o.State != order.StateAwaitingPayment || !sameService(r.sub, o) {
		return err
	}
	live, err := a.liveOf(ctx, tx, r, tx.LockPayment)
	if err != nil || live.waits {
		return err
	}
	d, err := a.dueFor(ctx, tx, o, r.payer, r.today)
	if err != nil {
		return err
	}
	balance, err := tx.Available(ctx, o.PayerID, o.Currency) // with the credit limit
	if err != nil {
		return err
	}
	if balance >= d.total {
		if err := a.clear(ctx, tx, live.intent, "balance"); err != nil {
			return err
		}
		if !live.paid {
			if err := a.enterBalance(ctx, tx, o, r.row.Payable(), d.total, payment.ByMerchant); err != nil {
				return err
			}
			failpoint.Here("balance.entered")
		}
		return a.settle(ctx, tx, o, &r.sub, d, r.today, 0, byRenewal)
	}
	if live.paid || !try {
		return nil
	}
	refused, err := a.cardRefused(ctx, tx, r)
	if err != nil {
		return err
	}
	if refused || !r.byCard() {
		return a.clear(ctx, tx, live.intent, "no_method")
	}
	if o.Selection.Period != r.sub.Selection.Period { // ordered by the payer, to be paid by hand: nobody agreed to have it charged
		if o, err = a.renewalOrder(ctx, tx, r.sub, r.payer, r.sub.Selection.Period); err != nil {
			return err
		}
		if o, err = tx.LockOrder(ctx, o.ID); err != nil || o.State != order.StateAwaitingPayment {
			return err
		}
		if d, err = a.dueFor(ctx, tx, o, r.payer, r.today); err != nil {
			return err
		}
	}
	if p := live.intent; p.ID != "" {
		if p.OrderID == o.ID && p.MethodID == r.method.ID && p.Amount == money.Of(d.total, o.Currency) {
			if !p.NextCheckAt.IsZero() { // about to be sent
				return nil
			}
			p.NextCheckAt = tx.Now() // its day has come again
			if err := tx.SavePayment(ctx, p); err != nil {
				return err
			}
			return a.queue.SendPayment(ctx, tx, p.ID)
		}
		if err := a.clear(ctx, tx, p, "replaced"); err != nil {
			return err
		}
	}
	_, err = a.intendCharge(ctx, tx, r.sub, o, r.row, r.method)
	return err
}

// liveRenewal is the payment of a renewal that is alive or has succeeded.
type liveRenewal struct {
	intent payment.Payment // a charge of ours that is not at the provider; without an id for none
	waits  bool            // the payer or the provider has it: nothing else may be taken
	paid   bool            // it succeeded, but could not pay the renewal: its money is on the balance
}

func (a *App) liveOf(ctx context.Context, tx *store.Tx, r renewing, read func(context.Context, payment.ID) (payment.Payment, error)) (liveRenewal, error) {
	p, err := tx.LivePaymentOf(ctx, r.row.Payable())
	if fault.Is(err, fault.NotFound) {
		return liveRenewal{}, nil
	} else if err != nil {
		return liveRenewal{}, err
	}
	if p, err = read(ctx, p.ID); err != nil {
		return liveRenewal{}, err
	}
	switch {
	case p.State == payment.Succeeded:
		return liveRenewal{paid: true}, nil
	case p.State == payment.Created && p.SentAt.IsZero() && p.Initiator == payment.ByMerchant:
		return liveRenewal{intent: p}, nil
	case p.State.Terminal():
		return liveRenewal{}, nil
	}
	return liveRenewal{waits: true}, nil
}

// clear ends a charge that was not sent; one without an id is none.
func (a *App) clear(ctx context.Context, tx *store.Tx, intent payment.Payment, why string) error {
	if intent.ID == "" {
		return nil
	}
	return a.supersede(ctx, tx, intent, why)
}

// cardRefused reports whether the saved method is not to be tried for this
// renewal any more: it was refused for good, or too often (payment.MaxDeclines
// and so on win over the calendar).
func (a *App) cardRefused(ctx context.Context, tx *store.Tx, r renewing) (bool, error) {
	if !r.byCard() {
		return false, nil
	}
	refused, err := tx.RefusedForGood(ctx, r.row.ID, r.method.ID)
	if err != nil || refused {
		return refused, err
	}
	declines, err := tx.DeclinesOfMethod(ctx, r.method.ID, tx.Now().Add(-payment.CardWindow))
	return declines >= payment.MaxDeclinesPerCard, err
}

// renewalOrder returns the order of the subscription's next period, preparing it
// where there is none. One that the payer ordered early counts if it is of that
// period; of any for 0.
func (a *App) renewalOrder(ctx context.Context, tx *store.Tx, s subscription.Subscription, payer account.Payer, period pricing.Period) (order.Order, error) {
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
	if open, ok, err := a.openRenewal(ctx, tx, s, period); err != nil || ok {
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
