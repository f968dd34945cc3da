package views_test

import "github.com/siptg/portal/views"

func withdrawal(moved bool) views.WithdrawalPage {
	p := views.WithdrawalPage{
		Page: page(true, views.NavSubscriptions), SubscriptionURL: subscriptionRows[0].URL, Plan: "softphone", Last: "8 December 2026",
		Orders: []views.WithdrawnOrder{
			{Number: "O-2026-000120", URL: "/orders/O-2026-000120", Concluded: at(2026, 11, 24, 8, 30), Total: eur(137214), Card: "Visa •••• 4242", Invoice: "SIP-2026-000118", InvoiceURL: "/invoices/SIP-2026-000118"},
			{Number: "O-2026-000123", URL: "/orders/O-2026-000123", Concluded: at(2026, 11, 25, 9, 0), Total: eur(274428), Account: "…3000", Invoice: "SIP-2026-000123", InvoiceURL: "/invoices/SIP-2026-000123"},
		},
		Total: eur(411642), ToMethod: eur(137214), ToTransfer: eur(200000), ToBalance: eur(74428), Ends: true, Token: "token", Moved: moved,
	}
	if moved {
		p.Ends, p.Until = false, "22 May 2027"
		p.Orders, p.Total, p.ToBalance = p.Orders[:1], eur(137214), views.Money{}
		p.ToTransfer = views.Money{}
	}
	return p
}

func withdrawn() views.WithdrawnPage {
	w := withdrawal(false)
	for i := range w.Orders {
		w.Orders[i].CreditNote, w.Orders[i].CreditNoteURL = "SIPC-2026-000007", "/invoices/SIPC-2026-000007"
	}
	return views.WithdrawnPage{
		Page: page(true, views.NavSubscriptions), SubscriptionURL: w.SubscriptionURL, At: at(2026, 11, 26, 12, 5), By: "Ona Petrauskaitė", Payer: longName,
		Customer: "Jonas Jonaitis (@jonas), Telegram 7000000002", Plan: "softphone", Orders: w.Orders, Total: w.Total, ToMethod: w.ToMethod, ToBalance: w.ToBalance, Transfers: transfers,
		Ended: true, Until: at(2026, 11, 26, 12, 5),
	}
}

// corrected is an invoice with credit notes.
func corrected() views.Document {
	d := document()
	d.CorrectedBy = []views.Link{{Text: "SIPC-2026-000007", URL: "/invoices/SIPC-2026-000007"}, {Text: "SIPC-2026-000008", URL: "/invoices/SIPC-2026-000008"}}
	return d
}
