package web

import (
	"slices"
	"time"

	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/subscription"
	"github.com/siptg/portal/views"
)

// openOrderViews lists the orders that wait for money.
func openOrderViews(t i18n.Translator, orders []app.OpenOrder) []views.OpenOrder {
	out := make([]views.OpenOrder, 0, len(orders))
	for _, o := range orders {
		out = append(out, openOrderView(t, o))
	}
	return out
}

// openRenewal is the newest order that waits for money to extend a subscription;
// nil for none.
func openRenewal(orders []app.OpenOrder, subscriptionID string) *app.OpenOrder {
	i := slices.IndexFunc(orders, func(o app.OpenOrder) bool { return o.SubscriptionID == subscriptionID })
	if i < 0 {
		return nil
	}
	return &orders[i]
}

// graceView tells that the paid time is over; nil while it is not.
func graceView(t i18n.Translator, item app.SubscriptionItem, orders []app.OpenOrder, zone *time.Location) *views.Grace {
	if !item.InGrace {
		return nil
	}
	grace := &views.Grace{Until: dayOf(t, civil.DateOf(item.GraceUntil, zone)).Text}
	renewal := openRenewal(orders, item.ID)
	switch {
	case !item.MayManage:
	case renewal != nil:
		grace.PayURL = orderURL(renewal.Number)
	case item.Selection.Plan.Orderable():
		grace.PayURL = againURL(item)
	}
	return grace
}

func subscriptionRows(t i18n.Translator, list app.SubscriptionList, zone *time.Location) []views.SubscriptionRow {
	rows := make([]views.SubscriptionRow, 0, len(list.Items))
	for _, item := range list.Items {
		rows = append(rows, views.SubscriptionRow{
			ID: item.ID, URL: subscriptionURL(item.ID), Selection: selectionView(item.Selection), State: string(item.State),
			CustomerName: item.CustomerName, CustomerSelf: item.Self, PayerName: item.PayerName,
			PaidUntil: dayOf(t, civil.DateOf(item.PaidUntil, zone)), AutoRenew: item.AutoRenew, Next: nextView(t, item.Next),
			Charge: chargeView(t, item.Charge), Grace: graceView(t, item, list.OpenOrders, zone),
		})
	}
	return rows
}

func nextView(t i18n.Translator, n *app.Next) *views.NextCharge {
	if n == nil {
		return nil
	}
	next := &views.NextCharge{Kind: string(n.Kind), On: dayOf(t, n.On), Method: n.Method}
	if n.Order != "" {
		next.URL = "/orders/" + n.Order
	}
	if n.Kind != app.NextEnd && n.Kind != app.NextCanceled {
		next.Amount = moneyOf(t, n.Amount.Amount, n.Amount.Currency)
	}
	return next
}

// chargeView tells where the charge of a saved card stands; nil where there is
// nothing to say.
func chargeView(t i18n.Translator, c *app.Charge) *views.Charge {
	if c == nil {
		return nil
	}
	charge := &views.Charge{State: string(c.State), Reason: c.Reason, Method: c.Method}
	if !c.On.IsZero() {
		charge.On = dayOf(t, c.On).Text
	}
	if !c.Next.IsZero() {
		charge.Next = dayOf(t, c.Next).Text
	}
	if c.Order != "" {
		charge.URL = orderURL(c.Order)
	}
	return charge
}

// againURL is where what a subscription was is ordered once more.
func againURL(item app.SubscriptionItem) string {
	if !item.Selection.Plan.Orderable() {
		return "/plans"
	}
	values := selectionValues(item.Selection)
	if item.MayManage {
		values.Set("payer", string(item.PayerID))
		if !item.Self {
			values.Set("customer", item.CustomerTG.String())
		}
	}
	return calculatorURL(item.Selection.Plan, values)
}

func subscriptionView(p views.Page, item app.SubscriptionItem, orders []app.OpenOrder, now time.Time, zone *time.Location) views.SubscriptionPage {
	t := p.T
	page := views.SubscriptionPage{
		Page: p, ID: item.ID, Selection: selectionView(item.Selection), State: string(item.State),
		CustomerName: item.CustomerName, CustomerSelf: item.Self, PayerName: item.PayerName,
		StartedAt: instantOf(t, item.StartedAt, zone), PaidUntil: instantOf(t, item.PaidUntil, zone),
		WorksUntil: dayOf(t, civil.DateOf(later(item.PaidUntil, item.GraceUntil), zone)).Text, AutoRenew: item.AutoRenew, MayManage: item.MayManage,
		Next: nextView(t, item.Next), History: historyRows(t, item.History, zone), Timeline: timelineView(t, item, now, zone),
		Grace: graceView(t, item, orders, zone), Charge: chargeView(t, item.Charge), AgainURL: againURL(item),
	}
	for _, m := range item.Methods {
		page.Methods = append(page.Methods, views.Choice{Value: m.ID, Text: m.Label})
	}
	if item.MayManage && !item.InGrace && item.State == subscription.StateActive && item.Selection.Plan.Orderable() {
		page.ChangeURL = subscriptionURL(item.ID) + "/change"
	}
	if !item.Withdrawable.IsZero() {
		page.WithdrawUntil = dayOf(t, item.Withdrawable).Text
	}
	for _, r := range item.Renewals {
		page.Renewals = append(page.Renewals, views.RenewalPrice{
			Months: int(r.Period), Current: r.Period == item.Selection.Period, Total: moneyOf(t, r.Total, item.Currency), WithVAT: r.VAT > 0,
		})
	}
	if o := openRenewal(orders, item.ID); o != nil {
		renewal := openOrderView(t, *o)
		renewal.ForName = "" // the page says so
		page.OpenOrder = &renewal
	}
	return page
}

// historyRows are the events in words, the newest first.
func historyRows(t i18n.Translator, history []app.HistoryEvent, zone *time.Location) []views.HistoryRow {
	rows := make([]views.HistoryRow, 0, len(history))
	for i, e := range history {
		row := views.HistoryRow{
			At: instantOf(t, e.At, zone), Kind: string(e.Kind), Months: e.Months, By: string(e.By), ByName: e.ByName,
			OrderNumber: e.OrderNumber, PaidUntil: instantOf(t, e.PaidUntil, zone),
		}
		if e.OrderNumber != "" {
			row.OrderURL = orderURL(e.OrderNumber)
		}
		if e.Paid.Currency != "" {
			row.Paid = moneyOf(t, e.Paid.Amount, e.Paid.Currency)
		}
		if i > 0 {
			before := civil.DateOf(history[i-1].PaidUntil, zone)
			row.Before, row.Days = dayOf(t, before), civil.DateOf(e.PaidUntil, zone).Sub(before)
		}
		rows = append(rows, row)
	}
	slices.Reverse(rows)
	return rows
}
