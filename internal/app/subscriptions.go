package app

import (
	"context"
	"strings"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/subscription"
)

// NextKind is what happens next to a subscription.
type NextKind string

// What can happen next.
const (
	NextBankInvoice NextKind = "bank_invoice" // the next bank invoice is prepared; nothing is taken
	NextPayment     NextKind = "payment"      // the next bank invoice waits for its money; nothing is taken
	NextCharge      NextKind = "charge"       // the saved method is charged
	NextBalance     NextKind = "balance"      // the balance pays
	NextCanceled    NextKind = "canceled"     // it ends: the order of the next period was canceled
	NextEnd         NextKind = "end"          // it ends and falls back to Free; nothing is charged
)

// Next is what happens next to a subscription, and when.
type Next struct {
	Kind   NextKind
	On     civil.Date  // the day on which it happens; of a payment, the last day to pay
	Order  string      // number of the order that waits for payment
	Amount money.Money // with VAT, at the price and rate of that day; zero for an end
	Method string      // of a charge: the saved method
}

// ChargeState is where a charge stands that is not simply to come.
type ChargeState string

// Where it can stand.
const (
	ChargeDeclined ChargeState = "declined" // it is tried again on Next
	ChargeStopped  ChargeState = "stopped"  // declined, and not tried again by itself
	ChargeConfirm  ChargeState = "confirm"  // the method's bank wants to see the payer
	ChargeRunning  ChargeState = "running"
	ChargeExpires  ChargeState = "expires" // the method ends on On, before it would be charged
)

// Charge is what people have to know about the charge of a renewal.
type Charge struct {
	State  ChargeState
	On     civil.Date // of the decline, or on which the method ends
	Next   civil.Date
	Reason string // the provider's code of a decline; empty where not told
	Method string
	Order  string // number of the order, where it can be paid or confirmed; empty for none
}

// SubscriptionItem is a subscription as the actor may see it.
type SubscriptionItem struct {
	subscription.Subscription
	MayManage    bool   // the actor pays for it: sees the money, may switch auto-renewal
	PayerName    string // empty for the Customer who does not pay
	CustomerName string
	CustomerTG   account.TelegramID
	Self         bool             // the actor is the Customer
	Next         *Next            // nil for an ended one, or one whose plan is no longer sold
	Charge       *Charge          // nil while there is nothing to say
	Methods      []payment.Method // that may renew it; of one subscription
	InGrace      bool             // the paid time is over, the grace is not
	GraceUntil   time.Time        // zero unless InGrace
	Withdrawable civil.Date       // last day to withdraw from an order; zero for not. Only of one subscription, for who pays it
	Renewals     []PeriodPrice    // what each period costs today; of one subscription, for who pays it
	History      []HistoryEvent   // oldest first; only of one subscription
}

// By is who did something to a subscription, as the actor may know it.
type By string

// Who can have done it.
const (
	BySelf    By = "self"
	ByPerson  By = "person"  // named
	ByPayer   By = "payer"   // somebody of the payer's, whom the Customer does not see
	ByCommand By = "command" // staff, with a command of the program
	ByJob     By = "job"     // the program by itself
)

// HistoryEvent is a line of the answer to "Why this date?".
type HistoryEvent struct {
	subscription.Event
	By     By          // who ordered what was paid, or acted
	ByName string      // for ByPerson
	Paid   money.Money // with VAT; zero where nothing was paid, or the actor may not see it
}

// SubscriptionList is what the subscriptions page shows.
type SubscriptionList struct {
	Items      []SubscriptionItem
	OpenOrders []OpenOrder
}

// OpenOrder is an order that waits for money.
type OpenOrder struct {
	order.Order
	CustomerName string // empty for the actor
}

// Subscriptions returns what the actor pays for or uses, and the orders that
// wait for money.
func (a *App) Subscriptions(ctx context.Context, actor account.Actor) (SubscriptionList, error) {
	var list subscriptionQuestions
	if err := a.db.Ask(ctx, func(q *store.Questions) { list.ask(a, q, actor) }); err != nil {
		return SubscriptionList{}, err
	}
	return list.answer(a, actor)
}

// subscriptionQuestions is what a list of subscriptions is made of.
type subscriptionQuestions struct {
	now    time.Time
	rows   []store.SubscriptionOf
	orders []store.OpenOrder
	next   []store.NextPayment
	sold   *store.Turnover
}

func (l *subscriptionQuestions) ask(a *App, q *store.Questions, actor account.Actor) {
	l.now = q.Now()
	q.SubscriptionsOf(actor.AccountID, &l.rows)
	q.OpenOrdersOf(actor.AccountID, a.inZone(l.now), &l.orders)
	q.NextPayments(actor.AccountID, "", &l.next)
	l.sold = a.askTurnover(q)
}

func (l *subscriptionQuestions) answer(a *App, actor account.Actor) (SubscriptionList, error) {
	out := SubscriptionList{Items: make([]SubscriptionItem, len(l.rows)), OpenOrders: make([]OpenOrder, len(l.orders))}
	for i, o := range l.orders {
		out.OpenOrders[i] = OpenOrder(o)
		if o.CustomerID == actor.AccountID {
			out.OpenOrders[i].CustomerName = ""
		}
	}
	for i, row := range l.rows {
		var err error
		if out.Items[i], err = a.subscriptionItem(actor, row, l.orders, l.next, l.now, *l.sold); err != nil {
			return SubscriptionList{}, err
		}
	}
	return out, nil
}

// Subscription returns one subscription with its history, or NotFound.
func (a *App) Subscription(ctx context.Context, actor account.Actor, id string) (SubscriptionItem, error) {
	if !isUUID(id) {
		return SubscriptionItem{}, fault.Missing("subscription")
	}
	var (
		now     time.Time
		rows    []store.SubscriptionOf
		history []store.EventOf
		orders  []store.OpenOrder
		next    []store.NextPayment
		methods []payment.Method
		sold    *store.Turnover
	)
	err := a.db.Ask(ctx, func(q *store.Questions) {
		now = q.Now()
		q.SubscriptionOf(actor.AccountID, id, &rows)
		q.SubscriptionEvents(id, &history)
		q.OpenOrdersOf(actor.AccountID, a.inZone(now), &orders)
		q.NextPayments(actor.AccountID, id, &next)
		q.MethodsFor(actor.AccountID, id, &methods)
		sold = a.askTurnover(q)
	})
	if err != nil {
		return SubscriptionItem{}, err
	}
	if len(rows) == 0 {
		return SubscriptionItem{}, fault.Missing("subscription")
	}
	item, err := a.subscriptionItem(actor, rows[0], orders, next, now, *sold)
	for _, e := range history {
		item.History = append(item.History, historyEvent(actor, e, item.MayManage))
	}
	if err != nil || !item.MayManage {
		return item, err
	}
	if item.Renews() || changeable(item.Subscription) == nil {
		item.Methods = methods
	}
	if last, ok := a.mayWithdraw(rows[0], history, now); ok {
		item.Withdrawable = last
	}
	item.Renewals, err = a.renewalPrices(rows[0], a.inZone(now), *sold)
	return item, err
}

// historyEvent is a line of the history as the actor may see it: orders, money
// and names are the payer's business.
func historyEvent(actor account.Actor, e store.EventOf, mayManage bool) HistoryEvent {
	out := HistoryEvent{Event: e.Event, By: ByPerson}
	switch {
	case e.By == actor.AccountID:
		out.By = BySelf
	case e.By == "" && strings.HasPrefix(e.Actor, string(audit.ByJob(""))):
		out.By = ByJob
	case e.By == "":
		out.By = ByCommand
	case !mayManage:
		out.By = ByPayer
	default:
		out.ByName = e.ByName
	}
	if mayManage {
		out.Paid = e.Paid
	} else {
		out.OrderNumber = ""
	}
	return out
}

func (a *App) subscriptionItem(actor account.Actor, row store.SubscriptionOf, open []store.OpenOrder, next []store.NextPayment, now time.Time, sold store.Turnover) (SubscriptionItem, error) {
	item := SubscriptionItem{
		Subscription: row.Subscription, MayManage: row.Role.MayBuy(), CustomerName: row.CustomerName, CustomerTG: row.CustomerTG,
		Self: row.CustomerID == actor.AccountID,
	}
	if item.InGrace = item.State == subscription.StateActive && !now.Before(item.PaidUntil); item.InGrace {
		item.GraceUntil = item.PaidUntil.Add(a.grace())
	}
	if !item.MayManage {
		return item, nil
	}
	item.PayerName = row.PayerName
	if item.State != subscription.StateActive {
		return item, nil
	}
	var waits *store.OpenOrder
	for i, o := range open {
		if o.Kind == order.KindRenewal && o.SubscriptionID == row.ID && sameService(row.Subscription, o.Order) {
			waits = &open[i]
			break
		}
	}
	var pays store.NextPayment
	for _, n := range next {
		if n.SubscriptionID == row.ID && (a.providers[n.Provider] != nil || n.MethodID == "") {
			pays = n
		}
	}
	item.Charge = a.chargeOf(row.Subscription, pays, waits, now)
	var err error
	item.Next, err = a.next(row, pays, waits, now, sold)
	return item, err
}

// chargeOf tells where the charge of a saved method stands; nil where there is
// nothing to say. waits is the order that can be paid by hand; nil for none.
func (a *App) chargeOf(s subscription.Subscription, pays store.NextPayment, waits *store.OpenOrder, now time.Time) *Charge {
	if (!s.Renews() || pays.Canceled) && pays.Live == "" {
		return nil
	}
	c := &Charge{Method: pays.Method, Reason: pays.Decline, Order: pays.LiveOrder}
	if c.Order == "" && waits != nil {
		c.Order = waits.Number
	}
	today, end := a.inZone(now), a.inZone(s.PaidUntil)
	switch {
	case pays.Live == payment.ActionRequired:
		c.State = ChargeConfirm
	case pays.Live != "":
		c.State = ChargeRunning
	case !pays.DeclinedAt.IsZero():
		c.State, c.On = ChargeStopped, a.inZone(pays.DeclinedAt)
		if pays.MethodID != "" && !pays.Refused && !pays.NextTryAt.IsZero() {
			c.State, c.Next = ChargeDeclined, a.inZone(pays.NextTryAt)
			if c.Next.Before(today) {
				c.Next = today
			}
		}
	case pays.MethodID != "" && !pays.ExpiresOn.IsZero() && end.Sub(today) <= a.seller.LeadDays && pays.ExpiresOn.Before(end.AddDays(-a.seller.FirstChargeDays)):
		c.State, c.On = ChargeExpires, pays.ExpiresOn
	default:
		return nil
	}
	return c
}

// next works out what happens next (product.md, "Renewal"): with auto-renewal on
// the balance pays, or the saved method, from a few days before the end; a payer
// by transfer gets the next bank invoice ahead of that.
func (a *App) next(row store.SubscriptionOf, pays store.NextPayment, waits *store.OpenOrder, now time.Time, sold store.Turnover) (*Next, error) {
	today, end := a.inZone(now), a.inZone(row.PaidUntil)
	byHand := func() *Next {
		return &Next{Kind: NextPayment, On: waits.ValidUntil, Order: waits.Number, Amount: money.Of(waits.Total, waits.Currency)}
	}
	over := end
	if !over.After(today) {
		over = a.inZone(row.PaidUntil.Add(a.grace()))
	}
	if !row.Renews() {
		if waits != nil {
			return byHand(), nil
		}
		return &Next{Kind: NextEnd, On: over}, nil
	}
	if pays.Canceled { // given up by the payer: what they order now they pay by hand
		if waits != nil {
			return byHand(), nil
		}
		return &Next{Kind: NextCanceled, On: over}, nil
	}
	calendar := a.seller.calendar()
	first := end.AddDays(-a.seller.FirstChargeDays)
	if first.Before(today) {
		first = today
	}
	amount, err := a.renewalAmount(row, waits, first, sold)
	if err != nil {
		return nil, err
	}
	card := pays.MethodID != "" && !pays.Refused
	switch {
	case pays.Balance >= amount.Amount && pays.Live == "":
		return &Next{Kind: NextBalance, On: first, Amount: amount}, nil
	case card && pays.Live != "":
		return &Next{Kind: NextCharge, On: today, Amount: amount, Method: pays.Method}, nil
	case card:
		after := today.AddDays(-1)
		if !pays.LastTryOn.IsZero() && pays.LastTryOn.After(after) {
			after = pays.LastTryOn
		}
		on, ok := calendar.NextTry(end, after)
		if next := a.inZone(pays.NextTryAt); !pays.NextTryAt.IsZero() && !next.Before(today) {
			on, ok = next, true
		}
		if waits != nil && waits.Selection.Period != row.Selection.Period { // ordered to be paid by hand
			if amount, err = a.renewalAmount(row, nil, on, sold); err != nil {
				return nil, err
			}
		}
		if ok {
			return &Next{Kind: NextCharge, On: on, Amount: amount, Method: pays.Method}, nil
		}
	}
	if waits != nil {
		return byHand(), nil
	}
	on := end.AddDays(-a.seller.LeadDays)
	if on.Before(today) {
		on = today
	}
	return &Next{Kind: NextBankInvoice, On: on, Amount: amount}, nil
}

// renewalAmount is what a renewal costs on a day, with VAT: what its order says
// where there is one.
func (a *App) renewalAmount(row store.SubscriptionOf, waits *store.OpenOrder, on civil.Date, sold store.Turnover) (money.Money, error) {
	if waits != nil {
		return money.Of(waits.Total, waits.Currency), nil
	}
	book, err := a.seller.Books.For(row.Currency, on)
	if err != nil {
		return money.Money{}, err
	}
	price, err := book.Price(row.Selection)
	if err != nil {
		return money.Money{}, err
	}
	treatment, err := a.treatAfter(sold, row.Tax, price.Net, on)
	if err != nil {
		return money.Money{}, err
	}
	tax, err := treatment.Tax(price.Net)
	return money.Of(price.Net+tax, row.Currency), err
}

// grace is for how long a subscription works after the paid time.
func (a *App) grace() time.Duration { return time.Duration(a.seller.GraceDays) * 24 * time.Hour }

// isUUID reports whether s has the form of an id; what has not names nothing.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range strings.ToLower(s) {
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case (c < '0' || c > '9') && (c < 'a' || c > 'f'):
			return false
		}
	}
	return true
}

// managed returns a subscription that the actor may act on: of a payer that they
// buy for. Who may only see it is Forbidden, anybody else NotFound.
func managed(ctx context.Context, tx *store.Tx, actor account.Actor, id string) (store.SubscriptionOf, error) {
	seen, err := tx.SubscriptionOf(ctx, actor.AccountID, id)
	if err == nil && !seen.Role.MayBuy() {
		err = fault.New(fault.Forbidden, "error.subscription.not_payer")
	}
	return seen, err
}
