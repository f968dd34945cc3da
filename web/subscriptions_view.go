package web

import (
	"slices"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/views"
)

// openOrderViews lists the orders that wait for money. The name of another
// person than the actor is known from what the actor already pays for.
func openOrderViews(t i18n.Translator, list app.SubscriptionList, actor account.Actor) []views.OpenOrder {
	names := map[account.ID]string{}
	for _, item := range list.Items {
		names[item.CustomerID] = item.CustomerName
	}
	names[actor.AccountID] = ""
	var out []views.OpenOrder
	for _, o := range list.OpenOrders {
		out = append(out, openOrderView(t, o, names[o.CustomerID]))
	}
	return out
}

// openRenewal is the newest order that waits for money to extend a subscription.
func openRenewal(t i18n.Translator, orders []order.Order, subscriptionID string) *views.OpenOrder {
	i := slices.IndexFunc(orders, func(o order.Order) bool { return o.SubscriptionID == subscriptionID })
	if i < 0 {
		return nil
	}
	o := openOrderView(t, orders[i], "")
	return &o
}

func subscriptionRows(t i18n.Translator, items []app.SubscriptionItem, zone *time.Location) []views.SubscriptionRow {
	rows := make([]views.SubscriptionRow, 0, len(items))
	for _, item := range items {
		rows = append(rows, views.SubscriptionRow{
			ID: item.ID, URL: subscriptionURL(item.ID), Selection: selectionView(item.Selection), State: string(item.State),
			CustomerName: item.CustomerName, CustomerSelf: item.Self, PayerName: item.PayerName,
			PaidUntil: dayOf(t, civil.DateOf(item.PaidUntil, zone)), AutoRenew: item.AutoRenew, Next: nextView(t, item.Next),
		})
	}
	return rows
}

func nextView(t i18n.Translator, n *app.Next) *views.NextCharge {
	if n == nil {
		return nil
	}
	next := &views.NextCharge{Kind: string(n.Kind), On: dayOf(t, n.On)}
	if n.Order != "" {
		next.URL = "/orders/" + n.Order
	}
	if n.Kind != app.NextEnd {
		next.Amount = moneyOf(t, n.Amount.Amount, n.Amount.Currency)
	}
	return next
}

func subscriptionView(p views.Page, item app.SubscriptionItem, zone *time.Location) views.SubscriptionPage {
	t := p.T
	page := views.SubscriptionPage{
		Page: p, ID: item.ID, Selection: selectionView(item.Selection), State: string(item.State),
		CustomerName: item.CustomerName, CustomerSelf: item.Self, PayerName: item.PayerName,
		StartedAt: instantOf(t, item.StartedAt, zone), PaidUntil: instantOf(t, item.PaidUntil, zone),
		PaidUntilDay: dayOf(t, civil.DateOf(item.PaidUntil, zone)).Text, AutoRenew: item.AutoRenew, MayManage: item.MayManage,
		Next: nextView(t, item.Next),
	}
	for _, r := range item.Renewals {
		page.Renewals = append(page.Renewals, views.RenewalPrice{
			Months: int(r.Period), Current: r.Period == item.Selection.Period, Total: moneyOf(t, r.Total, item.Currency), WithVAT: r.VAT > 0,
		})
	}
	for _, e := range slices.Backward(item.History) { // the newest first
		row := views.HistoryRow{
			At: instantOf(t, e.At, zone), Kind: string(e.Kind), Months: e.Months, OrderNumber: e.OrderNumber, PaidUntil: instantOf(t, e.PaidUntil, zone),
		}
		if e.OrderNumber != "" {
			row.OrderURL = orderURL(e.OrderNumber)
		}
		page.History = append(page.History, row)
	}
	return page
}
