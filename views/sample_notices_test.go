package views_test

import "github.com/siptg/portal/views"

func notices() views.NoticesPage {
	at := views.Instant{Text: "23 November 2026, 11:30 (Europe/Vilnius)", ISO: "2026-11-23T09:30:00Z"}
	subscription := views.Link{Text: "The subscription", URL: "/subscriptions/5ad1c1b8-9b1c-4f6e-8b7c-111111111111"}
	order := views.Link{Text: "Order O-2026-000777", URL: "/orders/O-2026-000777"}
	return views.NoticesPage{
		Page: page(true, views.NavAccount), NextURL: "/notices?after=1~2",
		Rows: []views.NoticeRow{
			{
				Key: "renewal_ahead 1 2", Kind: "renewal_ahead", At: at, PayerName: longName, Subject: "Softphone will be renewed",
				Body:  "On 20 May 2027 we take €217.80, VAT included, for the next period from Visa •••• 4242. Your subscription is paid until 23 May 2027, 09:30 (UTC).",
				Links: []views.Link{order, subscription}, Delivery: []views.NoticeDelivery{{Channel: "telegram", State: "sent"}, {Channel: "email", State: "pending"}},
			},
			{
				Key: "charge_declined 1 2", Kind: "charge_declined", At: at, PayerName: hostile, Subject: hostile, Body: hostile,
				Delivery: []views.NoticeDelivery{{Channel: "telegram", State: "unreachable"}, {Channel: "email", State: "failed"}},
			},
			{Key: "ended 1", Kind: "ended", At: at, Subject: "Gateway has ended", Body: "The Free plan applies now.", Links: []views.Link{subscription}},
		},
	}
}
