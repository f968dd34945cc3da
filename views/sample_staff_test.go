package views_test

import (
	"github.com/a-h/templ"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/views"
)

func staffPage() views.Page {
	p := page(true, views.NavStaff)
	p.Staff, p.BackOffice, p.PersonName, p.Path = true, true, "Rasa Jankauskaitė", "/staff"
	return p
}

func refundOffer(two bool) *views.RefundOffer {
	return &views.RefundOffer{
		Days: 348, Net: eur(31059), VAT: eur(6522), Total: eur(37581), NeedsTwo: two, ToMethod: eur(20000), ToBalance: eur(17481), Forgiven: eur(100),
		Cards: "Visa •••• 4242",
		Lines: []views.RefundLine{
			{Number: "SIP-2026-000123", URL: "/invoices/SIP-2026-000123", Days: 166, Of: 184, Net: eur(14659), VAT: eur(3078), Total: eur(17737)},
			{Number: "SIP-2026-000140", Days: 181, Of: 181, Net: eur(16300), VAT: eur(3423), Total: eur(19723)},
			{Days: 1, Of: 1, Net: eur(100), VAT: eur(21), Total: eur(121)},
		},
	}
}

var refundRow = views.StaffRefundRow{
	ID: "1f1c8a52-1111-4222-8333-444455556666", URL: "/staff/refunds/1f1c8a52-1111-4222-8333-444455556666", State: "requested", PayerName: longName,
	Plan: "gateway", CustomerName: "Олександр Ковальчук", AskedAt: at(2026, 11, 23, 9, 30), Total: eur(37581), NeedsTwo: true,
}

func refundPage(state string) views.StaffRefundPage {
	row := refundRow
	row.State = state
	p := views.StaffRefundPage{
		Page: staffPage(), StaffRefundRow: row, AskedBy: "Ona Petrauskaitė", Reason: "We closed the office. " + longName, Target: "method", Days: 348,
		Country: "Germany", Email: "accounts@example.de", Selection: gateway, SubState: "active", PaidUntil: at(2027, 11, 22, 12, 5),
		History: subscriptionPage(true, true).History, Now: refundOffer(true), Limit: eur(15000), MayDecide: true,
	}
	switch state {
	case "approved_once":
		p.FirstBy, p.FirstAt, p.MayDecide, p.WhyNot = "Rasa Jankauskaitė", at(2026, 11, 24, 8, 0), false, "second"
	case "done":
		p.FirstBy, p.FirstAt, p.SecondBy, p.Now, p.SubState = "Rasa Jankauskaitė", at(2026, 11, 24, 8, 0), "Jonas Mikalauskas", nil, "ended"
		p.Credited, p.ToMethod, p.ToBalance, p.ByHand = eur(37481), eur(20000), eur(17481), true
	case "rejected":
		p.RejectedBy, p.DecidedAt, p.Refusal, p.Now = "Jonas Mikalauskas", at(2026, 11, 24, 9, 0), hostile, nil
	}
	return p
}

func refundForm() views.RefundFormPage {
	return views.RefundFormPage{
		Page: page(true, ""), Subscription: "6f1c8a52-1111-4222-8333-444455556666", SubscriptionURL: "/subscriptions/6f1c8a52-1111-4222-8333-444455556666",
		Selection: gateway, PayerName: longName, Offer: refundOffer(true), Target: "method", DecideDays: 3,
	}
}

var paymentRows = []views.StaffPaymentRow{
	{ID: "1", URL: "/staff/payments/1", At: at(2026, 11, 23, 9, 30), PayerName: longName, OrderNumber: "O-2026-000123", Provider: "sandbox", Method: "Visa •••• 4242", Amount: eur(7260), State: "unknown"},
	{ID: "2", URL: "/staff/payments/2", At: at(2026, 11, 23, 9, 0), PayerName: "Ona Petrauskaitė", Provider: "sandbox", Amount: eur(5000), State: "processing", Alert: "amount_mismatch"},
	{ID: "3", URL: "/staff/payments/3", Bank: true, At: day(2026, 11, 22), PayerName: hostile, NoPayer: true, Provider: "bank", Amount: eur(1234), State: "suspense", Alert: "unmatched"},
}

func staffPaymentPage() views.StaffPaymentPage {
	return views.StaffPaymentPage{
		Page: staffPage(), StaffPaymentRow: paymentRows[0], Ref: "pay_M32IBLZNCZ3O75ZOGVOXHY3UDXABCDEFGH", Initiator: "merchant", Kind: "renewal",
		Country: "Germany", Email: "accounts@example.de", Invoices: []string{"SIP-2026-000123", "SIPC-2026-000007"}, Received: eur(7260),
		Refunded: eur(1000), Disputed: eur(500), Declines: 2, NextLook: at(2026, 11, 23, 9, 32), ParentURL: "/staff/payments/0",
		Events: []views.StaffEvent{
			{At: at(2026, 11, 23, 9, 31), State: "unknown", Source: "api", Detail: "charge, unknown"}, {At: at(2026, 11, 23, 9, 30), State: "created", Source: "clock"},
		},
		Bookings: []views.StaffBooking{{At: at(2026, 11, 23, 9, 40), Kind: "captured", Amount: eur(7260)}},
		Refunds:  []views.StaffBooking{{At: at(2026, 11, 24, 9, 40), Kind: "pending", Amount: eur(1000), Note: hostile}},
		Disputes: []views.StaffBooking{{At: at(2026, 11, 25, 9, 40), Kind: "open", Amount: eur(500), Note: "fraudulent"}},
		TopUps:   paymentRows[1:2], Alerts: []views.StaffEvent{{At: at(2026, 11, 25, 9, 40), State: "undecided"}},
	}
}

func entryPage() views.StaffPaymentPage {
	return views.StaffPaymentPage{
		Page: staffPage(), StaffPaymentRow: paymentRows[2], SuspenseOf: "unmatched",
		Entry: &views.StaffBankEntry{
			From: hostile, IBAN: "DE89 3704 0044 0532 0130 00", Reference: "RF18539007547034", Remittance: longName, EndToEnd: "NOTPROVIDED",
			ImportedAt: at(2026, 11, 23, 6, 0), ThirdParty: true,
		},
	}
}

func requestRows() []views.RequestRow {
	row := views.RequestRow{
		ID: refundRow.ID, State: "requested", Plan: "gateway", CustomerName: "Олександр Ковальчук", PayerName: longName, SubscriptionURL: "/subscriptions/1",
		AskedAt: at(2026, 11, 23, 9, 30), Total: eur(37581), WithdrawURL: "/requests/1/withdraw",
	}
	once, done, rejected, withdrawn := row, row, row, row
	once.State = "approved_once"
	done.State, done.Credited, done.ToMethod, done.ToBalance, done.ByHand, done.WithdrawURL = "done", eur(37481), eur(20000), eur(17481), true, ""
	rejected.State, rejected.RejectReason, rejected.WithdrawURL = "rejected", hostile, ""
	withdrawn.State, withdrawn.WithdrawURL = "withdrawn", ""
	return []views.RequestRow{row, once, done, rejected, withdrawn}
}

// staffSamples are the pages of the back office, and of what is asked of it.
func staffSamples() map[string]templ.Component {
	badForm := refundForm()
	badForm.Reason, badForm.Target = hostile, ""
	badForm.Errors = views.Errors{{Field: "target", Text: "Choose one."}, {Field: "reason", Text: "Say why."}}
	blocked := refundForm()
	blocked.Offer, blocked.Blocked = nil, "Nothing is unused."
	badRefund := refundPage("requested")
	badRefund.Errors = views.Errors{{Field: "reason", Text: "Say why."}}
	stuck := refundPage("requested")
	stuck.Now, stuck.Block = nil, "Nothing is unused any more."
	badSearch := views.StaffPaymentsPage{Page: staffPage(), Query: hostile, Asked: true, Errors: views.Errors{{Field: "q", Text: i18n.New("en").T("error.staff.search")}}}
	return map[string]templ.Component{
		"staff": views.StaffHome(views.StaffHomePage{Page: staffPage(), Role: "finance", Waiting: []views.StaffCount{
			{Kind: "refunds", Count: 2, URL: "/staff/refunds", Since: at(2026, 11, 23, 9, 30)}, {Kind: "parked", URL: "/staff/payments?show=parked"},
			{Kind: "unknown", Count: 1, URL: "/staff/payments?show=unknown"}, {Kind: "alerted", URL: "/staff/payments?show=alerted"},
			{Kind: "suspense", Count: 14, URL: "/staff/payments?show=suspense", Since: day(2026, 11, 3)},
		}, Strays: []views.StaffStray{
			{Provider: "sandbox", Ref: "pay_7ON7HDCYBRHI6FIIDEER767O7Z", Reference: hostile, Left: eur(12_34), Since: at(2026, 11, 23, 9, 30)},
		}}),
		"staff-payments":       views.StaffPayments(views.StaffPaymentsPage{Page: staffPage(), Query: "72.60 2026-11-23", Asked: true, Rows: paymentRows, More: true}),
		"staff-payments-none":  views.StaffPayments(views.StaffPaymentsPage{Page: staffPage(), Show: "parked", Asked: true}),
		"staff-payments-bad":   views.StaffPayments(badSearch),
		"staff-payment":        views.StaffPayment(staffPaymentPage()),
		"staff-payment-bank":   views.StaffPayment(entryPage()),
		"staff-refunds":        views.StaffRefunds(views.StaffRefundsPage{Page: staffPage(), Open: []views.StaffRefundRow{refundRow, refundPage("approved_once").StaffRefundRow}, Decided: []views.StaffRefundRow{refundPage("done").StaffRefundRow, refundPage("rejected").StaffRefundRow}}),
		"staff-refunds-none":   views.StaffRefunds(views.StaffRefundsPage{Page: staffPage()}),
		"staff-refund":         views.StaffRefund(refundPage("requested")),
		"staff-refund-once":    views.StaffRefund(refundPage("approved_once")),
		"staff-refund-done":    views.StaffRefund(refundPage("done")),
		"staff-refund-refused": views.StaffRefund(refundPage("rejected")),
		"staff-refund-bad":     views.StaffRefund(badRefund),
		"staff-refund-stuck":   views.StaffRefund(stuck),
		"requests":             views.Requests(views.RequestsPage{Page: page(true, ""), Rows: requestRows(), DecideDays: 3}),
		"requests-empty":       views.Requests(views.RequestsPage{Page: page(true, "")}),
		"refund":               views.RefundForm(refundForm()),
		"refund-choice":        views.RefundChoice(views.RefundChoicePage{Page: page(true, ""), Items: subscriptionRows[:2]}),
		"refund-none":          views.RefundChoice(views.RefundChoicePage{Page: page(true, "")}),
		"refund-bad":           views.RefundForm(badForm),
		"refund-blocked":       views.RefundForm(blocked),
	}
}
