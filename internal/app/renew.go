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
	"github.com/siptg/portal/internal/ledger"
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
// tried once a day (I6). What is paid at once is neither prepared nor reminded of
// for days that have gone by: the notice that it was renewed says all of it.
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
		due.Pay = due.Pay && !r.Halted
		paid := false
		if due.Pay {
			if paid, err = a.payAtOnce(ctx, tx, r, due.Remind); err != nil {
				return err
			}
		}
		if !paid {
			if err := a.stepOn(ctx, tx, r, due); err != nil {
				return err
			}
		}
		failpoint.Here("renew.commit")
		return nil
	})
	if err == nil {
		failpoint.Here("renew.committed")
	}
	return err
}

// stepOn does what is due for a renewal that is not paid at once.
func (a *App) stepOn(ctx context.Context, tx *store.Tx, r renewing, due subscription.Due) error {
	if r.Renewal.ID == "" {
		var err error
		if r.Renewal, err = tx.LockRenewal(ctx, r.Subscription.ID, r.Periods+1); err != nil {
			return err
		}
	}
	if due.Prepare || due.Remind > 0 {
		if err := a.announce(ctx, tx, &r, due); err != nil {
			return err
		}
	}
	if !due.Pay {
		return nil
	}
	return a.payRenewal(ctx, tx, r, due.Charge)
}

// announce prepares a renewal and reminds of it, unless the payer has canceled it.
func (a *App) announce(ctx context.Context, tx *store.Tx, r *renewing, due subscription.Due) error {
	o, err := tx.OrderByQuote(ctx, r.orderKey())
	if err == nil && o.State == order.StateCanceled {
		return nil
	} else if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	if r.byCard() {
		live, err := a.liveOf(ctx, tx, *r, tx.Payment)
		if err != nil {
			return err
		}
		if live.paid { // the card was charged, and the money is on the balance: it is not charged for this period again
			r.method = payment.Method{}
		}
	}
	if due.Prepare {
		if err := a.prepareRenewal(ctx, tx, r); err != nil {
			return err
		}
	}
	if due.Remind == 0 {
		return nil
	}
	return a.remind(ctx, tx, *r, due.Remind)
}

// renewing is a renewal with everything that it can move, locked.
type renewing struct {
	store.RenewalFacts
	method payment.Method // that may be charged; without an id for none
	today  civil.Date
	end    civil.Date // on which the paid time ends
}

// byCard reports whether a saved method pays what the balance does not.
func (r renewing) byCard() bool { return r.method.ID != "" }

// lockRenewal locks the payer, the subscription and its next period, and returns
// what is due for it: nothing for a subscription that does not renew.
func (a *App) lockRenewal(ctx context.Context, tx *store.Tx, id string) (r renewing, due subscription.Due, err error) {
	if r.RenewalFacts, err = tx.LockRenewing(ctx, id); err != nil {
		return r, due, err
	}
	r.today, r.end = a.inZone(tx.Now()), a.inZone(r.Subscription.PaidUntil)
	day, renews, err := a.renewalDay(ctx, tx, r.Subscription)
	if err != nil || !renews {
		return r, due, err
	}
	due = a.seller.calendar().Due(day, r.end, r.Renewal.LastTryOn)
	if due == (subscription.Due{}) {
		return r, due, nil
	}
	if next := r.Renewal.NextTryAt; !next.IsZero() { // one that a bound stopped is tried on the next day, whatever day that is
		due.Charge = due.Pay && !tx.Now().Before(next)
	}
	r.method, err = a.chargeable(ctx, tx, r.Subscription, r.Consent)
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
func (a *App) chargeable(ctx context.Context, tx *store.Tx, s subscription.Subscription, consent payment.Consent) (payment.Method, error) {
	if !agrees(consent, s) {
		return payment.Method{}, nil
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
// or a word about a card that ends before it would be charged. Whose balance
// covers the renewal needs neither.
func (a *App) prepareRenewal(ctx context.Context, tx *store.Tx, r *renewing) error {
	total, err := a.renewalTotal(ctx, tx, *r, a.chargeDay(*r))
	if err != nil || r.Available >= total {
		return err
	}
	if r.byCard() {
		if ends := r.method.ExpiresOn; ends.IsZero() || !ends.Before(a.chargeDay(*r)) {
			return nil
		}
		return a.tellRenewal(ctx, tx, *r, notice.MethodExpires, r.method.ID, notice.Facts{On: r.method.ExpiresOn, Method: r.method.Label})
	}
	o, err := a.renewalOrder(ctx, tx, *r, 0)
	if err != nil || o.State != order.StateAwaitingPayment || o.PlacedBy != "" {
		return err
	}
	r.Open = append(r.Open, o)
	n := a.noticeOf(r.Subscription, notice.BankInvoiceReady, fmt.Sprintf("%d", r.Renewal.PeriodNo))
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
	facts := notice.Facts{Amount: total, Currency: r.Subscription.Currency, On: on, Method: payment.ProviderBank}
	switch {
	case r.Available >= total:
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
	if o, ok := openAmong(r.Open, r.Subscription, 0, r.today); ok {
		return o.Total, nil
	}
	p, err := a.priceRenewal(ctx, tx, r.Subscription, r.Payer, on)
	return p.price.Net + p.tax, err
}

// priceRenewal prices the next period of a subscription on a day.
func (a *App) priceRenewal(ctx context.Context, tx *store.Tx, s subscription.Subscription, payer account.Payer, on civil.Date) (p priced, err error) {
	book, err := a.seller.Books.For(s.Currency, on)
	if err != nil {
		return p, err
	}
	if p.price, err = book.Price(s.Selection); err != nil {
		return p, err
	}
	buyer, err := taxOf(ctx, tx, payer)
	if err != nil {
		return p, err
	}
	if p.treatment, err = a.treat(ctx, tx, buyer, p.price.Net, on); err != nil {
		return p, err
	}
	p.standing = standingOf(buyer, p.treatment, tx.Now())
	p.tax, err = taxOn(p.treatment, p.price.Net, s.Currency)
	return p, err
}

// tellRenewal tells the people of a payer something about a renewal, once for
// each suffix.
func (a *App) tellRenewal(ctx context.Context, tx *store.Tx, r renewing, kind notice.Kind, suffix string, facts notice.Facts) error {
	key := fmt.Sprintf("%d", r.Renewal.PeriodNo)
	if suffix != "" {
		key += " " + suffix
	}
	n := a.noticeOf(r.Subscription, kind, key)
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
	o, err := a.renewalOrder(ctx, tx, r, 0)
	if err != nil {
		return err
	}
	if o, err = tx.LockOrder(ctx, o.ID); err != nil || o.State != order.StateAwaitingPayment || !sameService(r.Subscription, o) {
		return err
	}
	live, err := a.liveOf(ctx, tx, r, tx.LockPayment)
	if err != nil || live.waits {
		return err
	}
	if live.paid { // a page may be open for the order itself
		open, _, err := a.openCheckout(ctx, tx, orderPayable(o))
		if fault.Is(err, fault.Conflict) || err == nil && open != "" {
			return nil
		} else if err != nil {
			return err
		}
	}
	d, err := a.dueFor(ctx, tx, o, r.Payer, r.today)
	if err != nil {
		return err
	}
	if r.Available >= d.total {
		if err := a.clear(ctx, tx, live.intent, "balance"); err != nil {
			return err
		}
		if !live.paid {
			if err := enterBalance(tx, o, r.Renewal.Payable(), d.total, payment.ByMerchant); err != nil {
				return err
			}
		}
		return a.settle(ctx, tx, o, &r.Subscription, d, r.today, 0, byRenewal)
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
	if o.Selection.Period != r.Subscription.Selection.Period { // ordered by the payer, to be paid by hand: nobody agreed to have it charged
		if o, err = a.renewalOrder(ctx, tx, r, r.Subscription.Selection.Period); err != nil {
			return err
		}
		if o, err = tx.LockOrder(ctx, o.ID); err != nil || o.State != order.StateAwaitingPayment {
			return err
		}
		if d, err = a.dueFor(ctx, tx, o, r.Payer, r.today); err != nil {
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
	_, err = a.intendCharge(ctx, tx, r.Subscription, o, r.Renewal, r.method)
	return err
}

// payAtOnce pays a renewal from a balance that covers the whole, where nothing
// stands of it yet that has to be looked at, an order or a payment, and reports
// whether it did. The order needs no bank invoice and is stored as paid, the
// payment as it ends. remind is the reminder that is due: on its own day people
// get it, whatever is paid.
func (a *App) payAtOnce(ctx context.Context, tx *store.Tx, r renewing, remind int) (bool, error) {
	if len(r.Open) > 0 {
		return false, nil
	}
	if r.Renewal.ID != "" { // else nothing was ever ordered for it
		_, err := tx.LivePaymentOf(ctx, r.Renewal.Payable())
		if fault.Is(err, fault.NotFound) {
			_, err = tx.OrderByQuote(ctx, r.orderKey())
		}
		if !fault.Is(err, fault.NotFound) {
			return false, err
		}
	}
	p, err := a.priceRenewal(ctx, tx, r.Subscription, r.Payer, r.today)
	d := due{payer: r.Payer, treatment: p.treatment, vat: p.tax, total: p.price.Net + p.tax, standing: p.standing}
	if err != nil || r.Available < d.total {
		return false, err
	}
	if remind > 0 && remind == r.end.Sub(r.today) {
		if err := a.remind(ctx, tx, r, remind); err != nil {
			return false, err
		}
	}
	o, err := a.storeOrder(ctx, tx, byRenewal, order.Order{
		Kind: order.KindRenewal, Method: order.MethodBalance, State: order.StatePaid, ClosedAt: tx.Now(), ValidUntil: r.today,
		PayerID: r.Payer.ID, CustomerID: r.Subscription.CustomerID, SubscriptionID: r.Subscription.ID, Selection: r.Subscription.Selection,
	}, p, r.Payer, r.orderKey())
	if err != nil {
		return false, err
	}
	failpoint.Here("renew.ordered")
	if r.Renewal.ID == "" {
		r.Renewal = store.Renewal{ID: store.NewID(), SubscriptionID: r.Subscription.ID, PeriodNo: r.Periods + 1}
		tx.InsertPaidRenewal(r.Renewal)
	}
	if err := enterBalance(tx, o, r.Renewal.Payable(), d.total, payment.ByMerchant); err != nil {
		return false, err
	}
	failpoint.Here("renew.entered")
	if err := tx.AppendEntry(ctx, ledger.OrderPaid(o.PayerID, o.Currency, o.Net, d.vat, 0, o.ID, tx.Now())); err != nil {
		return false, err
	}
	failpoint.Here("renew.booked")
	s, err := a.extend(ctx, tx, o, r.Subscription, r.Periods, byRenewal)
	if err != nil {
		return false, err
	}
	failpoint.Here("renew.granted")
	return true, a.settled(ctx, tx, o, s, d, r.today, 0, payment.ProviderBalance, byRenewal)
}

// liveRenewal is the payment of a renewal that is alive or has succeeded.
type liveRenewal struct {
	intent payment.Payment // a charge of ours that is not at the provider; without an id for none
	waits  bool            // the payer or the provider has it: nothing else may be taken
	paid   bool            // it succeeded, but could not pay the renewal: its money is on the balance
}

func (a *App) liveOf(ctx context.Context, tx *store.Tx, r renewing, read func(context.Context, payment.ID) (payment.Payment, error)) (liveRenewal, error) {
	p, err := tx.LivePaymentOf(ctx, r.Renewal.Payable())
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
	refused, err := tx.RefusedForGood(ctx, r.Renewal.ID, r.method.ID)
	if err != nil || refused {
		return refused, err
	}
	declines, err := tx.DeclinesOfMethod(ctx, r.method.ID, tx.Now().Add(-payment.CardWindow))
	return declines >= payment.MaxDeclinesPerCard, err
}

// renewalOrder returns the order of the subscription's next period, preparing it
// where there is none. One that the payer ordered early counts if it is of that
// period; of any for 0.
func (a *App) renewalOrder(ctx context.Context, tx *store.Tx, r renewing, period pricing.Period) (order.Order, error) {
	key, s := r.orderKey(), r.Subscription
	o, err := tx.OrderByQuote(ctx, key)
	if !fault.Is(err, fault.NotFound) {
		return o, err
	}
	// What the payer ordered early is this renewal, too, as long as it can be paid.
	if open, ok := openAmong(r.Open, s, period, a.inZone(tx.Now())); ok {
		return open, nil
	}
	// It stays payable as long as the paid time and its grace last.
	until := a.inZone(s.PaidUntil).AddDays(a.seller.GraceDays)
	if least := a.seller.validUntil(a.inZone(tx.Now())); until.Before(least) {
		until = least
	}
	return a.placeRenewal(ctx, tx, byRenewal, s, r.Payer, order.Order{ValidUntil: until}, key)
}

// orderKey is the quote of the order that the program places for a renewal, which
// makes it one order.
func (r renewing) orderKey() []byte {
	name := fmt.Appendf(nil, "renewal of %s, period %d", r.Subscription.ID, r.Periods+1)
	if r.Changes > 0 { // a renewal ordered before the change was for other options
		name = fmt.Appendf(name, ", change %d", r.Changes)
	}
	key := sha256.Sum256(name)
	return key[:]
}

// openRenewal is the newest order that waits for money to extend the
// subscription as it is, by that period; any period for 0.
func (a *App) openRenewal(ctx context.Context, tx *store.Tx, s subscription.Subscription, period pricing.Period) (order.Order, bool, error) {
	open, err := tx.OpenRenewals(ctx, s.ID)
	o, ok := openAmong(open, s, period, a.inZone(tx.Now()))
	return o, ok, err
}

// openAmong is openRenewal among orders that wait for money, the newest first.
func openAmong(open []order.Order, s subscription.Subscription, period pricing.Period, today civil.Date) (order.Order, bool) {
	for _, o := range open {
		if o.Open(today) && sameService(s, o) && (period == 0 || o.Selection.Period == period) {
			return o, true
		}
	}
	return order.Order{}, false
}

// placeRenewal prices the next period of a subscription and places its order,
// of which o says who placed it and until when it can be paid. The payer and the
// subscription are locked.
func (a *App) placeRenewal(ctx context.Context, tx *store.Tx, by audit.Actor, s subscription.Subscription, payer account.Payer, o order.Order, key []byte) (order.Order, error) {
	customer, err := tx.Account(ctx, s.CustomerID)
	if err != nil {
		return order.Order{}, err
	}
	p, err := a.priceRenewal(ctx, tx, s, payer, a.inZone(tx.Now()))
	if err != nil {
		return order.Order{}, err
	}
	_, period, err := s.Extended(s.Selection.Period, 0, a.seller.Zone)
	if err != nil {
		return order.Order{}, err
	}
	o.Kind, o.Method, o.State = order.KindRenewal, order.MethodBank, order.StateAwaitingPayment
	o.PayerID, o.CustomerID, o.SubscriptionID, o.Selection = s.PayerID, s.CustomerID, s.ID, s.Selection
	return a.placeOrder(ctx, tx, by, o, p, payer, customer, &period, key)
}
