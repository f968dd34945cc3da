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
		Days: 348, Net: eur(31059), VAT: eur(6522), Total: eur(37581), NeedsTwo: two, ToMethod: eur(20000), ToTransfer: eur(14000), ToBalance: eur(3481), Forgiven: eur(100),
		Cards: "Visa •••• 4242", Accounts: "…3000",
		Lines: []views.RefundLine{
			{Number: "SIP-2026-000123", URL: "/invoices/SIP-2026-000123", Days: 166, Of: 184, Net: eur(14659), VAT: eur(3078), Total: eur(17737)},
			{Number: "SIP-2026-000140", Days: 181, Of: 181, Net: eur(16300), VAT: eur(3423), Total: eur(19723)},
			{Days: 1, Of: 1, Net: eur(100), VAT: eur(21), Total: eur(121)},
		},
	}
}

// transfers are payouts as their payer sees them.
var transfers = []views.TransferRow{
	{State: "requested", Amount: eur(10000), Account: "…3000"}, {State: "succeeded", Amount: eur(8000), On: at(2026, 11, 25, 9, 0)},
	{State: "failed", Amount: eur(6000), Account: "…1234", On: at(2026, 11, 25, 9, 0)},
}

func payoutRow(state string) views.StaffPayoutRow {
	return views.StaffPayoutRow{
		ID: refundRow.ID, URL: "/staff/payouts/" + refundRow.ID, State: state, PayerName: longName, Beneficiary: hostile, Amount: eur(14000),
		AskedAt: at(2026, 11, 23, 9, 30), Days: 3,
	}
}

func payoutPage(state string) views.StaffPayoutPage {
	p := views.StaffPayoutPage{
		Page: staffPage(), StaffPayoutRow: payoutRow(state), IBAN: views.Copied{Text: "DE89 3704 0044 0532 0130 00", Raw: "DE89370400440532013000"},
		AmountRaw: "140.00", Reference: "SIPC-2026-000007", Order: "O-2026-000123", MayEnd: state == "requested",
	}
	if state != "requested" {
		p.EndedBy, p.EndedAt = "Rasa Jankauskaitė", at(2026, 11, 25, 9, 0)
	}
	if state == "failed" {
		p.Failure = longName
	}
	return p
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
		p.Credited, p.ToMethod, p.ToBalance, p.Transfers = eur(37481), eur(10000), eur(3481), transfers
	case "rejected":
		p.RejectedBy, p.DecidedAt, p.Refusal, p.Now = "Jonas Mikalauskas", at(2026, 11, 24, 9, 0), hostile, nil
	}
	return p
}

var correctedDetails = []views.CorrectedDetail{
	{Name: "name", Old: "Ona Petrauskaite", New: longName, Changed: true},
	{Name: "kind", Old: "A private person", New: "A company", Changed: true},
	{Name: "vat_number", New: "DE136695976", Changed: true},
	{Name: "street", Old: "Gedimino pr. 9-3", New: "Gedimino pr. 9-3"},
	{Name: "po_reference", Old: hostile, Changed: true},
}

func correction(same bool) views.CorrectionPage {
	p := views.CorrectionPage{
		Page: page(true, ""), Number: "SIP-2026-000123", InvoiceURL: "/invoices/SIP-2026-000123", Details: correctedDetails, NotePrefix: "SIPC-2026", Prefix: "SIP-2026",
		Fields: []views.HiddenField{{Name: "invoice", Value: "SIP-2026-000123"}, {Name: "token", Value: "t"}},
		Net:    eur(226800), OldVAT: eur(47628), NewVAT: eur(47628), OldTotal: eur(274428), NewTotal: eur(274428), OldRate: "21%", NewRate: "21%",
		SameTax: same, SaveProfile: same, DecideDays: 3, TopUpURL: "/balance?payer=p1",
	}
	if !same {
		p.NewVAT, p.NewTotal, p.NewRate = eur(0), eur(226800), "0%"
		p.NewReason = "Reverse charge. Art. 44 and 196 Directive 2006/112/EC / Atvirkštinis apmokestinimas. Direktyvos 2006/112/EB 44 ir 196 straipsniai"
		p.Rest, p.Pending, p.NeedsTwo, p.Back, p.Forgiven = true, true, true, eur(47568), eur(60)
	}
	return p
}

func dearerCorrection() views.CorrectionPage {
	p := correction(false)
	p.Back, p.Forgiven, p.Extra, p.Short, p.Changed = views.Money{}, views.Money{}, eur(47628), eur(10000), "Something has changed since this page was made. Please look at it again."
	return p
}

func correctionForm(bad bool) views.CorrectionFormPage {
	p := views.CorrectionFormPage{Page: page(true, ""), Number: "SIP-2026-000123", InvoiceURL: "/invoices/SIP-2026-000123", Form: billing().Form}
	if bad {
		p.Errors, p.VATWarning, p.Blocked = newBilling().Errors, "Is it right?", "These are the details on the invoice already. Nothing is different."
	}
	return p
}

func correctionRow(state string) views.CorrectionRow {
	r := views.CorrectionRow{
		ID: "2f1c8a52-1111-4222-8333-444455556666", State: state, Number: "SIP-2026-000123", URL: "/staff/corrections/2f1c8a52-1111-4222-8333-444455556666",
		PayerName: longName, AskedAt: day(2026, 11, 23), Back: eur(47628), BalanceURL: "/balance?payer=p1",
	}
	switch state {
	case "approved_once":
		r.FirstBy = "Rasa Jankauskaitė"
	case "done":
		r.FirstBy, r.Replacement, r.Back, r.Extra = "Rasa Jankauskaitė", views.Link{Text: "SIP-2026-000140", URL: "/invoices/SIP-2026-000140"}, views.Money{}, eur(100)
	case "rejected":
		r.RejectReason, r.Back = hostile, views.Money{}
	case "requested":
		r.WithdrawURL = "/requests/2f1c8a52-1111-4222-8333-444455556666/withdraw"
	}
	return r
}

func correctionRequestPage(state string) views.StaffCorrectionPage {
	offer := correction(false)
	p := views.StaffCorrectionPage{
		Page: staffPage(), CorrectionRow: correctionRow(state), Self: "/staff/corrections/2f1c8a52-1111-4222-8333-444455556666", AskedBy: "Ona Petrauskaitė",
		AskedOn: at(2026, 11, 23, 9, 30), Details: correctedDetails, Offer: &offer, NeedsTwo: true, Limit: eur(15000), MayDecide: true,
	}
	switch state {
	case "approved_once":
		p.FirstAt, p.MayDecide, p.WhyNot = at(2026, 11, 24, 8, 0), false, "second"
	case "done":
		p.FirstAt, p.SecondBy, p.Offer = at(2026, 11, 24, 8, 0), "Jonas Mikalauskas", nil
	case "rejected":
		p.RejectedBy, p.DecidedAt, p.Offer = "Jonas Mikalauskas", at(2026, 11, 24, 9, 0), nil
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
	done.State, done.Credited, done.ToMethod, done.ToBalance, done.Transfers, done.WithdrawURL = "done", eur(37481), eur(10000), eur(3481), transfers, ""
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
	unknownAccount := payoutPage("requested")
	unknownAccount.IBAN, unknownAccount.ThirdParty, unknownAccount.Others = views.Copied{}, true, []string{"DE89 3704 0044 0532 0130 00", "GB82 WEST 1234 5698 7654 32"}
	badPayout := payoutPage("requested")
	badPayout.Undone, badPayout.Typed, badPayout.Errors = true, hostile, views.Errors{{Field: "reason", Text: "Say why."}}
	foreignPayout := payoutPage("requested")
	foreignPayout.MayEnd, foreignPayout.WhyNot = false, "own"
	badSearch := views.StaffPaymentsPage{Page: staffPage(), Query: hostile, Asked: true, Errors: views.Errors{{Field: "q", Text: i18n.New("en").T("error.staff.search")}}}
	return map[string]templ.Component{
		"staff": views.StaffHome(views.StaffHomePage{Page: staffPage(), Role: "finance", Waiting: []views.StaffCount{
			{Kind: "refunds", Count: 2, URL: "/staff/refunds", Since: at(2026, 11, 23, 9, 30)}, {Kind: "parked", URL: "/staff/payments?show=parked"},
			{Kind: "payouts", Count: 1, URL: "/staff/payouts", Since: at(2026, 11, 23, 9, 30)},
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
		"staff-payouts":        views.StaffPayouts(views.StaffPayoutsPage{Page: staffPage(), Open: []views.StaffPayoutRow{payoutRow("requested")}, Ended: []views.StaffPayoutRow{payoutRow("succeeded"), payoutRow("failed")}}),
		"staff-payouts-none":   views.StaffPayouts(views.StaffPayoutsPage{Page: staffPage()}),
		"staff-payout":         views.StaffPayout(payoutPage("requested")),
		"staff-payout-unknown": views.StaffPayout(unknownAccount),
		"staff-payout-bad":     views.StaffPayout(badPayout),
		"staff-payout-own":     views.StaffPayout(foreignPayout),
		"staff-payout-sent":    views.StaffPayout(payoutPage("succeeded")),
		"staff-payout-failed":  views.StaffPayout(payoutPage("failed")),
		"staff-corrections": views.StaffCorrections(views.StaffCorrectionsPage{
			Page: staffPage(), Open: []views.CorrectionRow{correctionRow("requested"), correctionRow("approved_once")}, Decided: []views.CorrectionRow{correctionRow("done"), correctionRow("rejected")},
		}),
		"staff-corrections-none":   views.StaffCorrections(views.StaffCorrectionsPage{Page: staffPage()}),
		"staff-correction":         views.StaffCorrection(correctionRequestPage("requested")),
		"staff-correction-once":    views.StaffCorrection(correctionRequestPage("approved_once")),
		"staff-correction-done":    views.StaffCorrection(correctionRequestPage("done")),
		"staff-correction-refused": views.StaffCorrection(correctionRequestPage("rejected")),
		"correction":               views.CorrectionForm(correctionForm(false)),
		"correction-bad":           views.CorrectionForm(correctionForm(true)),
		"correction-fixed":         views.CorrectionForm(views.CorrectionFormPage{Page: page(true, ""), Number: "SIP-2026-000123", InvoiceURL: "/invoices/SIP-2026-000123", Blocked: "It was corrected.", Fixed: true}),
		"correction-preview":       views.CorrectionPreview(correction(true)),
		"correction-preview-tax":   views.CorrectionPreview(correction(false)),
		"correction-preview-extra": views.CorrectionPreview(dearerCorrection()),
		"requests": views.Requests(views.RequestsPage{
			Page: page(true, ""), Rows: requestRows(), DecideDays: 3,
			Corrections: []views.CorrectionRow{correctionRow("requested"), correctionRow("done"), correctionRow("rejected"), correctionRow("withdrawn")},
		}),
		"requests-empty": views.Requests(views.RequestsPage{Page: page(true, "")}),
		"refund":         views.RefundForm(refundForm()),
		"refund-choice":  views.RefundChoice(views.RefundChoicePage{Page: page(true, ""), Items: subscriptionRows[:2]}),
		"refund-none":    views.RefundChoice(views.RefundChoicePage{Page: page(true, "")}),
		"refund-bad":     views.RefundForm(badForm),
		"refund-blocked": views.RefundForm(blocked),
	}
}
