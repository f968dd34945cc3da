package web

import (
	"strings"
	"time"

	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/vat"
	"github.com/siptg/portal/views"
)

// vatView says what is known about a payer's VAT number; nil where there is none.
func vatView(t i18n.Translator, s app.VATState, zone *time.Location) *views.VATStatus {
	if s.State == vat.StateNone {
		return nil
	}
	v := views.VATStatus{
		State: string(s.State), Number: s.Number, Charged: s.Matters && s.State != vat.StateValid, Free: s.Matters && s.State == vat.StateValid,
		Asked: instantOf(t, s.AskedAt, zone), Next: instantOf(t, s.NextAt, zone),
	}
	if s.Proof.ID != 0 {
		v.At, v.Until = instantOf(t, s.Proof.CheckedAt, zone), instantOf(t, s.Proof.CheckedAt.Add(vat.ProofLife), zone)
		v.Register, v.Holder, v.Proof = registerName(s.Proof.Source), s.Proof.Name, s.Proof.Reference
	}
	_, err := vat.ParseID(s.Number)
	v.FormKnown = err == nil
	return &v
}

// registerName is how a register is called where an answer came from.
func registerName(source string) string {
	if strings.EqualFold(source, "vies") {
		return "VIES"
	}
	return source
}

func proofView(t i18n.Translator, p app.VATProof, later bool, zone *time.Location) views.VATProof {
	return views.VATProof{
		Number: p.VATNumber, Valid: p.Valid(), At: instantOf(t, p.CheckedAt, zone), Register: registerName(p.Source), Proof: p.Reference,
		Requester: p.Requester, Holder: p.Name, Address: p.Address, Later: later,
	}
}

func staffVATView(p views.Page, seen app.StaffVAT, zone *time.Location) views.StaffVATPage {
	page := views.StaffVATPage{Page: p}
	for _, c := range seen.Cases {
		requestURL := ""
		if c.RequestID != "" {
			requestURL = staffCorrectionURL(c.RequestID)
		}
		page.Cases = append(page.Cases, views.StaffVATCase{
			Kind: c.Kind, PayerName: c.PayerName, Number: c.VATNumber, Invoice: c.InvoiceNumber, Since: instantOf(p.T, c.Since, zone), Failure: c.Failure,
			RequestURL: requestURL,
		})
	}
	for _, x := range seen.Proofs {
		page.Proofs = append(page.Proofs, views.StaffVATProof{
			VATProof: proofView(p.T, x.VATProof, false, zone), PayerName: x.PayerName, BuyerName: x.BuyerName, Program: x.Program, Orders: x.Orders,
		})
	}
	return page
}
