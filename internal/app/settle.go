package app

import (
	"context"
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
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/subscription"
	"github.com/siptg/portal/internal/vat"
)

// due is what an order costs at its tax point: the net price is binding, the
// VAT is that of the day the money was received (README of the rules).
type due struct {
	payer     account.Payer
	treatment vat.Treatment
	vat       money.Amount
	total     money.Amount

	standing
}

// standing is the answer about a payer's VAT number that VAT stands on.
type standing struct {
	proof   int64 // 0 for none
	pending bool  // it is not of the day, and another one would change the VAT
}

func standingOf(buyer store.PayerTax, t vat.Treatment, now time.Time) standing {
	return standing{buyer.CheckID, buyer.Kind == account.KindCompany && t.Hangs(buyer.VATNumber) && !freshCheck(buyer, now)}
}

// dueFor works out what an order costs on the day of its tax point. The payer
// is locked already.
func (a *App) dueFor(ctx context.Context, tx *store.Tx, o order.Order, payer account.Payer, taxPoint civil.Date) (due, error) {
	buyer, err := taxOf(ctx, tx, payer)
	if err != nil {
		return due{}, err
	}
	treatment, err := a.treat(ctx, tx, buyer, o.Net, taxPoint)
	if err != nil {
		return due{}, err
	}
	tax, err := taxOn(treatment, o.Net, o.Currency)
	return due{
		payer: payer, treatment: treatment, vat: tax, total: o.Net + tax, standing: standingOf(buyer, treatment, tx.Now()),
	}, err
}

// liveFor returns the customer's active subscription to the ordered plan,
// locked, or nil. A subscription to something else, or paid by somebody else,
// is a Conflict.
func liveFor(ctx context.Context, tx *store.Tx, o order.Order) (*subscription.Subscription, error) {
	live, err := tx.LockLiveSubscription(ctx, o.CustomerID, o.Selection.Plan)
	switch {
	case fault.Is(err, fault.NotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case !sameService(live, o):
		return nil, fault.New(fault.Conflict, "error.order.already_subscribed")
	}
	return &live, nil
}

// settle pays an order that waits from the payer's balance, where the money
// already stands: ledger, subscription, history, order, audit and the job that
// issues the invoice, in the caller's transaction. payer, subscription and order
// are locked, in this order.
func (a *App) settle(ctx context.Context, tx *store.Tx, o order.Order, live *subscription.Subscription, d due, taxPoint civil.Date, shortfall money.Amount, by audit.Actor) error {
	if err := tx.AppendEntry(ctx, ledger.OrderPaid(o.PayerID, o.Currency, o.Net, d.vat, shortfall, o.ID, tx.Now())); err != nil {
		return err
	}
	failpoint.Here("settle.ledger")
	s, err := a.grant(ctx, tx, o, live, by)
	if err != nil {
		return err
	}
	failpoint.Here("settle.granted")
	if err := tx.CloseOrder(ctx, o.ID, order.StatePaid, s.ID); err != nil {
		return err
	}
	failpoint.Here("settle.order")
	// Checkouts that are still open for it are closed.
	if err := tx.CheckPaymentsOf(ctx, o.ID); err != nil {
		return err
	}
	method, err := paidBy(ctx, tx, o.ID)
	if err != nil {
		return err
	}
	return a.settled(ctx, tx, o, s, d, taxPoint, shortfall, method, by)
}

// settled writes down how an order was settled that has just been paid, booked
// and granted, tells it, and has the invoice issued. method is what it was paid
// with, as notices name it.
func (a *App) settled(ctx context.Context, tx *store.Tx, o order.Order, s subscription.Subscription, d due, taxPoint civil.Date, shortfall money.Amount, method string, by audit.Actor) error {
	if err := tx.InsertSettlement(ctx, store.Settlement{
		OrderID: o.ID, TaxPoint: taxPoint, Treatment: d.treatment, Buyer: d.payer, Net: o.Net, VAT: d.vat, Shortfall: shortfall,
		VATCheck: d.proof, Pending: d.pending,
	}); err != nil {
		return err
	}
	if d.pending { // paid all the same; the answer may ask for a correction
		tx.BeginVATInquiry(o.PayerID, d.payer.VATNumber, tx.Now())
	}
	if err := tx.AppendAudit(ctx, audit.Record{
		Actor: by, Action: "order.paid", ObjectKind: "order", ObjectID: o.ID, PayerID: o.PayerID,
		Detail: map[string]any{"number": o.Number, "total_minor": d.total, "currency": o.Currency, "shortfall_minor": shortfall},
	}); err != nil {
		return err
	}
	failpoint.Here("settle.audit")
	if err := a.tellPaid(ctx, tx, o, s, d, method); err != nil {
		return err
	}
	failpoint.Here("settle.notice")
	if err := a.queue.IssueInvoice(ctx, tx, o.ID); err != nil {
		return err
	}
	failpoint.Here("settle.job")
	return nil
}

// tellPaid tells that an order was paid, and until when its subscription runs now.
func (a *App) tellPaid(ctx context.Context, tx *store.Tx, o order.Order, s subscription.Subscription, d due, method string) error {
	kind := notice.Renewed
	if o.Kind == order.KindNew {
		kind = notice.OrderPaid
	}
	n := a.noticeOf(s, kind, "")
	n.Key, n.OrderNumber = string(kind)+" "+o.ID, o.Number
	n.Facts.Amount, n.Facts.Currency, n.Facts.Method = d.total, o.Currency, method
	return a.notify(ctx, tx, n)
}

// paidBy names what an order was paid with, as notices do.
func paidBy(ctx context.Context, tx *store.Tx, orderID string) (string, error) {
	p, err := tx.PaymentOfOrder(ctx, orderID)
	switch {
	case fault.Is(err, fault.NotFound) || err == nil && p.State != payment.Succeeded: // money that came as a top-up
		return payment.ProviderBalance, nil
	case err != nil:
		return "", err
	case p.MethodID == "":
		if _, own := payment.OwnCapabilities(p.Provider); own {
			return p.Provider, nil
		}
		return "card", nil
	}
	method, err := tx.Method(ctx, p.MethodID)
	return method.Label, err
}

// grant starts or extends the subscription that an order pays for, and returns it.
func (a *App) grant(ctx context.Context, tx *store.Tx, o order.Order, live *subscription.Subscription, by audit.Actor) (subscription.Subscription, error) {
	if live != nil {
		last, err := tx.PeriodCount(ctx, live.ID)
		if err != nil {
			return *live, err
		}
		return a.extend(ctx, tx, o, *live, last, by)
	}
	s, period := subscription.Start(o.PayerID, o.CustomerID, o.Selection, o.Currency, tx.Now(), a.seller.Zone)
	var err error
	if s.ID, err = tx.InsertSubscription(ctx, s); err != nil {
		return s, err
	}
	return s, a.keepPeriod(ctx, tx, o, s, period, subscription.EventStarted, by)
}

// extend adds what an order pays for to a subscription that has had so many
// periods.
func (a *App) extend(ctx context.Context, tx *store.Tx, o order.Order, s subscription.Subscription, periods int, by audit.Actor) (subscription.Subscription, error) {
	s, period, err := s.Extended(o.Selection.Period, periods+1, a.seller.Zone)
	if err != nil {
		return s, err
	}
	if err := tx.SaveSubscription(ctx, s); err != nil {
		return s, err
	}
	failpoint.Here("grant.subscription")
	if err := tx.RenewalPaid(ctx, s.ID, period.Number); err != nil {
		return s, err
	}
	return s, a.keepPeriod(ctx, tx, o, s, period, subscription.EventExtended, by)
}

// keepPeriod stores a period that an order paid for, with its value and a line of
// the subscription's history.
func (a *App) keepPeriod(ctx context.Context, tx *store.Tx, o order.Order, s subscription.Subscription, period subscription.Period, kind subscription.EventKind, by audit.Actor) error {
	period.OrderID = o.ID
	paid, err := subscription.Paid(period, o.Net, o.Monthly, o.PriceBook)
	if err != nil {
		return err
	}
	if err := tx.AppendPeriod(ctx, s.ID, paid, 0); err != nil {
		return err
	}
	failpoint.Here("grant.period")
	return tx.AppendSubscriptionEvent(ctx, s.ID, subscription.Event{
		Kind: kind, At: tx.Now(), Actor: string(by), Months: int(o.Selection.Period), OrderNumber: o.Number, PaidUntil: s.PaidUntil,
	})
}
