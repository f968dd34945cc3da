package views_test

import (
	"github.com/a-h/templ"
	"github.com/siptg/portal/views"
)

// vatStatuses are the four states, and a "valid" that is being asked about again.
func vatStatuses() map[string]views.VATStatus {
	proof := views.VATStatus{
		Number: "DE136695976", At: at(2026, 11, 23, 9, 30), Until: at(2026, 12, 23, 9, 30), Register: "VIES", Proof: "WAPIAAAAY1aBcDeF", Holder: longName,
	}
	valid, invalid, again := proof, proof, proof
	valid.State, valid.Free = "valid", true
	invalid.State, invalid.Charged, invalid.Holder = "invalid", true, ""
	again.State, again.Free, again.Asked, again.Next = "valid", true, at(2026, 11, 24, 9, 30), at(2026, 11, 24, 11, 30)
	return map[string]views.VATStatus{
		"valid": valid, "invalid": invalid, "again": again,
		"waiting":  {State: "waiting", Number: "DE136695976", Charged: true, Asked: at(2026, 11, 23, 9, 30), Next: at(2026, 11, 23, 9, 31)},
		"given-up": {State: "waiting", Number: "DE136695976", Charged: true, Asked: at(2026, 11, 23, 9, 30)},
		"format":   {State: "format", Number: "GB980780684", FormKnown: true},
		"free":     {State: "format", Number: hostile},
	}
}

func vatProofOf(valid, later bool) views.VATProof {
	return views.VATProof{
		Number: "DE136695976", Valid: valid, At: at(2026, 11, 23, 9, 30), Register: "VIES", Proof: "WAPIAAAAY1aBcDeF", Requester: "LT119511515",
		Holder: longName, Address: "Torstraße 140\n10119 Berlin", Later: later,
	}
}

func vatSamples() map[string]templ.Component {
	all := map[string]templ.Component{}
	for name, status := range vatStatuses() {
		p := billing()
		p.Form.VATNumber, p.VAT = status.Number, &status
		all["billing-vat-"+name] = views.Billing(p)
	}
	waiting := vatStatuses()["waiting"]
	waiting.BillingURL = "/billing?payer=p1"
	o := orderPage("awaiting_payment")
	o.VATStatus = &waiting
	all["order-vat"] = views.Order(o)
	all["invoice-proof"] = views.InvoiceDocument(views.DocumentPage{
		Page: page(true, views.NavInvoices), Document: document(), PDFURL: "/x.pdf", Proofs: []views.VATProof{vatProofOf(true, false), vatProofOf(false, true)},
	})
	cases := []views.StaffVATCase{
		{Kind: "uncharged", PayerName: longName, Number: "DE136695976", Invoice: "SIP-2026-000123", Since: at(2026, 11, 23, 9, 30)},
		{Kind: "charged", PayerName: "Brenner GmbH", Number: "DE136695976", Invoice: "SIP-2026-000124", RequestURL: "/staff/corrections/q1", Since: at(2026, 11, 23, 9, 30)},
		{Kind: "exempt", PayerName: "Brenner GmbH", Number: "DE136695976", Invoice: "SIP-2026-000125", Since: at(2026, 11, 23, 9, 30)},
		{Kind: "silent", PayerName: "Brenner GmbH", Number: "DE136695976", Since: at(2026, 11, 23, 9, 30), Failure: "GLOBAL_MAX_CONCURRENT_REQ"},
	}
	all["staff-vat"] = views.StaffVAT(views.StaffVATPage{Page: staffPage(), Query: "DE136695976", Cases: cases, Proofs: []views.StaffVATProof{
		{VATProof: vatProofOf(true, false), PayerName: longName, BuyerName: "Brenner GmbH", Program: "sip.tg-portal/1.0", Orders: []string{"O-2026-000001", "O-2026-000002"}},
		{VATProof: views.VATProof{Number: "DE136695976", At: at(2026, 11, 23, 9, 30), Register: "the tax office by telephone"}},
	}})
	all["staff-vat-none"] = views.StaffVAT(views.StaffVATPage{Page: staffPage(), Query: "FR23334175221"})
	all["staff-vat-bad"] = views.StaffVAT(views.StaffVATPage{Page: staffPage(), Query: hostile, Errors: views.Errors{{Field: "q", Text: "There is no such number."}}})
	return all
}
