package views_test

import (
	"maps"

	"github.com/a-h/templ"
	"github.com/siptg/portal/views"
)

const checkoutURL = "http://127.0.0.1:8081/v1/checkouts/co_1"

func cardForm() *views.CardForm {
	return &views.CardForm{
		Amount: eur(274428), Digest: "0123456789abcdef",
		Consent: []string{
			en.T("consent.renewal.what", "Seller", "SIP.TG Demo, MB", "Plan", en.T("plan.softphone")), en.N("consent.renewal.when", 3, "Grace", en.N("common.days", 7)),
			en.T("consent.renewal.amount", "Amount", "€2,744.28", "Months", en.N("common.months", 12)), en.T("consent.renewal.stop"),
		},
	}
}

// payableOrder is an open order with every way to pay, the chosen one first.
func payableOrder(method string) views.OrderPage {
	p := orderPage("awaiting_payment")
	p.Method, p.Card, p.Flash = method, cardForm(), ""
	p.Balance = &views.BalanceForm{Amount: eur(274428), Balance: eur(300000), After: eur(25572)}
	return p
}

func paymentOf(state string) views.PaymentView {
	v := views.PaymentView{State: state, Amount: eur(274428)}
	switch state {
	case "awaiting_payer", "action_required":
		v.GoOnURL = checkoutURL
		v.CheckURL = "/orders/O-2026-000123/payment"
	case "processing", "partially_paid", "unknown", "checked":
		v.CheckURL = "/orders/O-2026-000123/payment"
	}
	return v
}

func paymentPage(state string) views.PaymentPage {
	p := views.PaymentPage{
		Page: page(true, views.NavSubscriptions), Payment: paymentOf(state), OrderNumber: "O-2026-000123", OrderURL: "/orders/O-2026-000123",
		Open: state != "succeeded" && state != "kept", BalanceURL: "/balance?payer=p1", Reloads: state == "processing" || state == "unknown",
	}
	if state == "succeeded" {
		p.SubscriptionURL = subscriptionRows[0].URL
	}
	return p
}

func cardsPage() views.CardsPage {
	return views.CardsPage{
		Page: page(true, views.NavBilling), PayerName: longName, Payer: "p1", BillingURL: "/billing?payer=p1",
		Payers: []views.Link{{Text: "Ona Petrauskaitė", URL: "/billing/methods?payer=p2"}, {Text: longName, URL: "/billing/methods?payer=p1", Current: true}},
		Cards: []views.CardRow{
			{ID: "m1", Label: "Visa •••• 4242", Added: day(2026, 11, 23), Expires: day(2027, 2, 28), Uses: []views.CardUse{
				{Selection: softphone, URL: subscriptionRows[0].URL, PaidUntil: day(2027, 5, 22), AutoRenew: true, TooLate: true},
				{Selection: gateway, URL: subscriptionRows[1].URL, ForName: "Олександр Ковальчук", PaidUntil: day(2027, 1, 31)},
			}},
			{ID: "m2", Label: hostile, Added: day(2023, 1, 2), Expires: day(2026, 1, 31), Expired: true},
			{ID: "m3", Label: "SEPA •••• 1000", Added: day(2026, 1, 2)},
		},
	}
}

// paymentSamples are the pages with which people pay, in all their states.
func paymentSamples() map[string]templ.Component {
	down := payableOrder("card")
	down.NotTaken, down.Card.Keep = true, true
	refused := payableOrder("bank")
	refused.Problem = en.T("error.payment.in_progress")
	kept := orderPage("expired")
	kept.Payment = &views.PaymentView{State: "kept", Amount: eur(274428)}
	topUp := paymentPage("succeeded")
	topUp.OrderNumber, topUp.OrderURL, topUp.SubscriptionURL = "", "", ""
	invoiced := paymentPage("succeeded")
	invoiced.InvoiceNumber, invoiced.InvoiceURL = "SIP-2026-000123", "/invoices/SIP-2026-000123"
	byCard, cardDown := topUpBalance(), balance()
	byCard.ByCard, cardDown.ByCard, cardDown.NotTaken, cardDown.Typed = true, true, true, "50,00"
	noCards := cardsPage()
	noCards.Payers, noCards.Cards = nil, nil
	all := map[string]templ.Component{
		"order-card": views.Order(payableOrder("card")), "order-bank": views.Order(payableOrder("bank")), "order-balance": views.Order(payableOrder("balance")),
		"order-card-down": views.Order(down), "order-refused": views.Order(refused), "order-kept": views.Order(kept),
		"payment-top-up": views.Payment(topUp), "payment-invoiced": views.Payment(invoiced),
		"balance-card": views.Balance(byCard), "balance-card-down": views.Balance(cardDown),
		"cards": views.Cards(cardsPage()), "cards-empty": views.Cards(noCards),
	}
	for _, state := range paymentStates {
		all["payment-"+state] = views.Payment(paymentPage(state))
		p := payableOrder("card")
		v := paymentOf(state)
		p.Payment = &v
		all["order-payment-"+state] = views.Order(p)
	}
	return all
}

// paymentStates are those of the domain, and the pages' own two.
var paymentStates = []string{
	"created", "awaiting_payer", "action_required", "processing", "partially_paid", "unknown", "succeeded", "failed", "expired", "canceled", "checked", "kept",
}

func withPayments(all map[string]templ.Component) map[string]templ.Component {
	maps.Copy(all, paymentSamples())
	return all
}
