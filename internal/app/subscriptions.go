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
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/subscription"
)

// NextKind is what happens next to a subscription.
type NextKind string

// What can happen next.
const (
	NextBankInvoice NextKind = "bank_invoice" // the next bank invoice is prepared; nothing is taken
	NextPayment     NextKind = "payment"      // the next bank invoice waits for its money; nothing is taken
	NextEnd         NextKind = "end"          // it ends and falls back to Free; nothing is charged
)

// Next is what happens next to a subscription, and when.
type Next struct {
	Kind   NextKind
	On     civil.Date  // the day on which it happens; of a payment, the last day to pay
	Order  string      // number of the order that waits for payment
	Amount money.Money // with VAT, at today's price and rate; zero for an end
}

// SubscriptionItem is a subscription as the actor may see it.
type SubscriptionItem struct {
	subscription.Subscription
	MayManage    bool   // the actor pays for it: sees the money, may switch auto-renewal
	PayerName    string // empty for the Customer who does not pay
	CustomerName string
	CustomerTG   account.TelegramID
	Self         bool           // the actor is the Customer
	Next         *Next          // nil for an ended one, or one whose plan is no longer sold
	InGrace      bool           // the paid time is over, the grace is not
	GraceUntil   time.Time      // zero unless InGrace
	Renewals     []PeriodPrice  // what each period costs today; of one subscription, for who pays it
	History      []HistoryEvent // oldest first; only of one subscription
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
	sold   *store.Turnover
}

func (l *subscriptionQuestions) ask(a *App, q *store.Questions, actor account.Actor) {
	l.now = q.Now()
	q.SubscriptionsOf(actor.AccountID, &l.rows)
	q.OpenOrdersOf(actor.AccountID, a.inZone(l.now), &l.orders)
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
		if out.Items[i], err = a.subscriptionItem(actor, row, l.orders, l.now, *l.sold); err != nil {
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
		sold    *store.Turnover
	)
	err := a.db.Ask(ctx, func(q *store.Questions) {
		now = q.Now()
		q.SubscriptionOf(actor.AccountID, id, &rows)
		q.SubscriptionEvents(id, &history)
		q.OpenOrdersOf(actor.AccountID, a.inZone(now), &orders)
		sold = a.askTurnover(q)
	})
	if err != nil {
		return SubscriptionItem{}, err
	}
	if len(rows) == 0 {
		return SubscriptionItem{}, fault.Missing("subscription")
	}
	item, err := a.subscriptionItem(actor, rows[0], orders, now, *sold)
	for _, e := range history {
		item.History = append(item.History, historyEvent(actor, e, item.MayManage))
	}
	if err != nil || !item.MayManage {
		return item, err
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

func (a *App) subscriptionItem(actor account.Actor, row store.SubscriptionOf, open []store.OpenOrder, now time.Time, sold store.Turnover) (SubscriptionItem, error) {
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
	for _, o := range open {
		if o.Kind == order.KindRenewal && o.SubscriptionID == row.ID && item.State == subscription.StateActive && sameService(row.Subscription, o.Order) {
			item.Next = &Next{Kind: NextPayment, On: o.ValidUntil, Order: o.Number, Amount: money.Of(o.Total, o.Currency)}
			return item, nil
		}
	}
	var err error
	item.Next, err = a.next(row, a.inZone(now), sold)
	return item, err
}

// next works out what happens next: with auto-renewal on, a payer by transfer
// gets the next bank invoice ahead of the end (product.md, "Renewal").
func (a *App) next(row store.SubscriptionOf, today civil.Date, sold store.Turnover) (*Next, error) {
	if row.State != subscription.StateActive {
		return nil, nil
	}
	end := a.inZone(row.PaidUntil)
	if !row.AutoRenew || !row.Selection.Plan.Orderable() {
		if !end.After(today) {
			end = a.inZone(row.PaidUntil.Add(a.grace()))
		}
		return &Next{Kind: NextEnd, On: end}, nil
	}
	book, err := a.seller.Books.For(row.Currency, today)
	if err != nil {
		return nil, err
	}
	price, err := book.Price(row.Selection)
	if err != nil {
		return nil, err
	}
	treatment, err := a.treatAfter(sold, row.Tax, price.Net, today)
	if err != nil {
		return nil, err
	}
	tax, err := treatment.Tax(price.Net)
	if err != nil {
		return nil, err
	}
	on := end.AddDays(-a.seller.LeadDays)
	if on.Before(today) {
		on = today
	}
	return &Next{Kind: NextBankInvoice, On: on, Amount: money.Of(price.Net+tax, row.Currency)}, nil
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
