package web

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/support"
	"github.com/siptg/portal/views"
)

func requestsView(p views.Page, requests []app.RefundRequest, days int, zone *time.Location) views.RequestsPage {
	t, page := p.T, views.RequestsPage{Page: p, DecideDays: days}
	for _, r := range requests {
		row := views.RequestRow{
			ID: r.ID, State: string(r.State), Plan: r.Plan, CustomerName: r.CustomerName, PayerName: r.PayerName, SubscriptionURL: subscriptionURL(r.SubscriptionID),
			AskedAt: dayOf(t, civil.DateOf(r.AskedAt, zone)), Total: moneyOf(t, r.Total, r.Currency), Credited: unlessZero(t, r.Credited, r.Currency),
			ToMethod: unlessZero(t, r.ToCards, r.Currency), ToBalance: unlessZero(t, r.ToBalance, r.Currency), RejectReason: r.RejectReason,
			Transfers: transferRows(t, r.Payouts, zone),
		}
		if !r.DecidedAt.IsZero() {
			row.DecidedAt = dayOf(t, civil.DateOf(r.DecidedAt, zone))
		}
		if r.State.Open() {
			row.WithdrawURL = withdrawURL(r.ID)
		}
		page.Rows = append(page.Rows, row)
	}
	return page
}

func withdrawURL(id string) string { return "/requests/" + url.PathEscape(id) + "/withdraw" }

func refundFormView(p views.Page, item app.SubscriptionItem, values url.Values) views.RefundFormPage {
	page := views.RefundFormPage{
		Page: p, Subscription: item.ID, SubscriptionURL: subscriptionURL(item.ID), Selection: selectionView(item.Selection), PayerName: item.PayerName,
		Target: values.Get("target"), Reason: values.Get("reason"),
	}
	if !values.Has("target") {
		page.Target = string(support.TargetMethod)
	}
	return page
}

// refundOfferView shows an offer to who asks for it, and may see the invoices.
func refundOfferView(t i18n.Translator, o app.RefundOffer) *views.RefundOffer {
	offer := staffOfferView(t, o)
	for i, l := range offer.Lines {
		if l.Number != "" {
			offer.Lines[i].URL = invoiceURL(l.Number)
		}
	}
	return offer
}

func staffOfferView(t i18n.Translator, o app.RefundOffer) *views.RefundOffer {
	show := func(a money.Amount) views.Money { return moneyOf(t, a, o.Currency) }
	offer := &views.RefundOffer{
		Days: o.Days, Net: show(o.Net), VAT: show(o.VAT), Total: show(o.Total), Forgiven: unlessZero(t, o.Forgiven, o.Currency),
		ToMethod: unlessZero(t, o.ToMethod, o.Currency), ToTransfer: unlessZero(t, o.ToTransfer, o.Currency), ToBalance: unlessZero(t, o.ToBalance, o.Currency),
		NeedsTwo: o.NeedsTwo,
	}
	var cards, accounts []string
	for _, part := range o.Parts {
		offer.Lines = append(offer.Lines, views.RefundLine{
			Number: part.Invoice, Days: part.Days, Of: part.Of, Net: show(part.Net), VAT: show(part.VAT), Total: show(part.Total),
		})
		cards, accounts = append(cards, part.Cards...), append(accounts, part.Accounts...)
	}
	offer.Cards, offer.Accounts = named(t, cards), named(t, accounts)
	return offer
}

// named lists names once each, in order.
func named(t i18n.Translator, names []string) string {
	var out []string
	for _, name := range names {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return strings.Join(out, t.T("common.list_separator"))
}

func staffRefundRow(t i18n.Translator, r app.RefundRequest, zone *time.Location) views.StaffRefundRow {
	return views.StaffRefundRow{
		ID: r.ID, URL: staffRefundURL(r.ID), State: string(r.State), PayerName: r.PayerName, Plan: r.Plan, CustomerName: r.CustomerName,
		AskedAt: dayOf(t, civil.DateOf(r.AskedAt, zone)), Total: moneyOf(t, r.Total, r.Currency), FirstBy: r.FirstByName, NeedsTwo: r.NeedsTwo,
	}
}

func staffRefundsView(p views.Page, requests []app.RefundRequest, zone *time.Location) views.StaffRefundsPage {
	page := views.StaffRefundsPage{Page: p}
	for _, r := range requests {
		row := staffRefundRow(p.T, r, zone)
		if r.State.Open() {
			page.Open = append(page.Open, row)
		} else {
			page.Decided = append(page.Decided, row)
		}
	}
	return page
}

func staffRefundView(p views.Page, r app.StaffRefund, zone *time.Location) views.StaffRefundPage {
	t := p.T
	show := func(a money.Amount) views.Money { return moneyOf(t, a, r.Currency) }
	page := views.StaffRefundPage{
		Page: p, StaffRefundRow: staffRefundRow(t, r.RefundRequest, zone), AskedBy: r.AskedByName, Reason: r.Reason, Target: string(r.Target), Days: r.Days,
		Net: show(r.Net), VAT: show(r.VAT), PayerKind: string(r.Payer.Kind), Email: r.Payer.Email,
		Selection: selectionView(r.Subscription.Selection), SubState: string(r.Subscription.State), PaidUntil: instantOf(t, r.Subscription.PaidUntil, zone),
		History: historyRows(t, r.History, zone), Block: faultText(t, r.Blocked), FirstAt: instantOf(t, r.FirstAt, zone), SecondBy: r.SecondByName,
		RejectedBy: r.RejectedName, DecidedAt: instantOf(t, r.DecidedAt, zone), Refusal: r.RejectReason, Credited: unlessZero(t, r.Credited, r.Currency),
		ToMethod: unlessZero(t, r.ToCards, r.Currency), ToBalance: unlessZero(t, r.ToBalance, r.Currency), Transfers: transferRows(t, r.Payouts, zone),
		Limit: show(r.SecondEyes), MayDecide: r.MayDecide, WhyNot: string(r.WhyNot),
	}
	page.AskedAt = instantOf(t, r.AskedAt, zone)
	if r.Payer.Country != "" {
		page.Country = t.Country(r.Payer.Country)
	}
	for i := range page.History { // orders are the payer's pages
		page.History[i].OrderURL = ""
	}
	if r.Offer != nil {
		page.Now = staffOfferView(t, *r.Offer)
	}
	return page
}
