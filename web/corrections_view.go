package web

import (
	"fmt"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/views"
)

func correctionFormView(p views.Page, of app.Correctable) views.CorrectionFormPage {
	page := views.CorrectionFormPage{Page: p, Number: of.Document.Number, InvoiceURL: invoiceURL(of.Document.Number)}
	switch {
	case of.Blocked != nil:
		page.Blocked, page.Fixed = faultText(p.T, of.Blocked), true
	case of.Open != "":
		page.Blocked, page.Fixed = p.T.T("error.correction.one_open"), true
	}
	return page
}

// correctionErrors are the messages of a mistake, and the question whether a
// number that looks mistyped is kept.
func correctionErrors(t i18n.Translator, err error) (views.Errors, string) {
	page := views.BillingPage{Page: views.Page{T: t}}
	billingMistakes(&page, err)
	return page.Errors, page.VATWarning
}

// payerForm holds the details of a payer.
func payerForm(p account.Payer) views.BillingForm { return billingForm([]app.PayerOf{{Payer: p}}, 0) }

// correctionView shows a correction that was worked out.
func (s *server) correctionView(c echo.Context, number string, x app.Correction) views.CorrectionPage {
	p, d := s.page(c), x.Document
	t, seller := p.T, s.app.Seller()
	show := func(a money.Amount) views.Money { return moneyOf(t, a, d.Currency) }
	year := s.app.Today().Year
	page := views.CorrectionPage{
		Page: p, Number: number, InvoiceURL: invoiceURL(number), Details: correctedDetails(t, d, x.Buyer, x.POReference),
		NotePrefix: fmt.Sprintf("%s-%d", seller.CreditPrefix, year), Prefix: fmt.Sprintf("%s-%d", seller.InvoicePrefix, year),
		Net: show(x.Net), OldVAT: show(x.OldVAT), NewVAT: show(x.NewVAT), OldTotal: show(x.OldTotal()), NewTotal: show(x.NewTotal()),
		OldRate: rateOf(t, d.VAT[0]), NewRate: rateOf(t, x.VAT), OldReason: d.VAT[0].Text, NewReason: x.VAT.Text,
		Rest: x.Rest, SameTax: x.SameTax, Pending: x.Pending, NeedsTwo: x.NeedsTwo, Forgiven: unlessZero(t, x.Forgiven, d.Currency),
		Back: unlessZero(t, x.Back(), d.Currency), Extra: unlessZero(t, x.Extra(), d.Currency),
		Short: unlessZero(t, x.Short, d.Currency), TopUpURL: "/balance?" + url.Values{"payer": {string(x.Payer)}}.Encode(), DecideDays: seller.RefundDays,
	}
	return page
}

// rateOf is a rate as it is shown; "" where none applies.
func rateOf(t i18n.Translator, v invoice.VATLine) string {
	if !v.RateSet {
		return ""
	}
	return t.Percent(int64(v.Rate))
}

// correctedDetails puts the buyer of an invoice and another one side by side.
func correctedDetails(t i18n.Translator, d invoice.Document, buyer invoice.Party, po string) []views.CorrectedDetail {
	kind := func(p invoice.Party) string {
		if p.Person {
			return t.T("billing.kind.person")
		}
		return t.T("billing.kind.company")
	}
	old := d.Buyer
	list := []views.CorrectedDetail{
		{Name: "name", Old: old.Name, New: buyer.Name},
		{Name: "kind", Old: kind(old), New: kind(buyer)},
		{Name: "company_code", Old: old.CompanyCode, New: buyer.CompanyCode},
		{Name: "vat_number", Old: old.VATNumber, New: buyer.VATNumber},
		{Name: "street", Old: old.Street, New: buyer.Street},
		{Name: "postcode", Old: old.Postcode, New: buyer.Postcode},
		{Name: "city", Old: old.City, New: buyer.City},
		{Name: "country", Old: t.Country(old.Country), New: t.Country(buyer.Country)},
		{Name: "email", Old: old.Email, New: buyer.Email},
		{Name: "po_reference", Old: d.POReference, New: po},
	}
	shown := list[:0]
	for _, x := range list {
		x.Changed = x.Old != x.New
		if x.Old != "" || x.New != "" {
			shown = append(shown, x)
		}
	}
	return shown
}

func correctionRow(t i18n.Translator, r app.CorrectionRequest, zone *time.Location) views.CorrectionRow {
	row := views.CorrectionRow{
		ID: r.ID, State: string(r.State), Number: r.Invoice, URL: invoiceURL(r.Invoice), PayerName: r.PayerName,
		AskedAt: dayOf(t, civil.DateOf(r.AskedAt, zone)), Back: unlessZero(t, r.Back(), r.Currency),
		Extra: unlessZero(t, r.Extra(), r.Currency), BalanceURL: ofPayer("/balance", r.PayerID), RejectReason: r.RejectReason, FirstBy: r.FirstByName,
	}
	if r.ReplacementNumber != "" {
		row.Replacement = views.Link{Text: r.ReplacementNumber, URL: invoiceURL(r.ReplacementNumber)}
	}
	return row
}

func correctionRows(t i18n.Translator, requests []app.CorrectionRequest, zone *time.Location) []views.CorrectionRow {
	var rows []views.CorrectionRow
	for _, r := range requests {
		row := correctionRow(t, r, zone)
		if r.State.Open() {
			row.WithdrawURL = withdrawURL(r.ID)
		}
		rows = append(rows, row)
	}
	return rows
}

func staffCorrectionsView(p views.Page, requests []app.CorrectionRequest, zone *time.Location) views.StaffCorrectionsPage {
	page := views.StaffCorrectionsPage{Page: p}
	for _, r := range requests {
		row := correctionRow(p.T, r, zone)
		row.URL = staffCorrectionURL(r.ID)
		if r.State.Open() {
			page.Open = append(page.Open, row)
		} else {
			page.Decided = append(page.Decided, row)
		}
	}
	return page
}

func (s *server) staffCorrectionView(c echo.Context, r app.StaffCorrection) views.StaffCorrectionPage {
	p, zone := s.page(c), s.zone(c)
	t := p.T
	page := views.StaffCorrectionPage{
		Page: p, CorrectionRow: correctionRow(t, r.CorrectionRequest, zone), Self: staffCorrectionURL(r.ID), AskedBy: r.AskedByName,
		AskedOn: instantOf(t, r.AskedAt, zone), Details: correctedDetails(t, r.Document, r.To, r.Buyer.POReference), Block: faultText(t, r.Blocked),
		FirstAt: instantOf(t, r.FirstAt, zone), SecondBy: r.SecondByName, RejectedBy: r.RejectedName, DecidedAt: instantOf(t, r.DecidedAt, zone),
		NeedsTwo: r.NeedsTwo, Limit: moneyOf(t, r.SecondEyes, r.Currency), MayDecide: r.MayDecide, WhyNot: string(r.WhyNot),
	}
	if r.Offer != nil {
		offer := s.correctionView(c, r.Invoice, *r.Offer)
		page.Offer = &offer
	}
	return page
}
