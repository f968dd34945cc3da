package web

import (
	"errors"
	"net/url"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/views"
)

func payerLinks(payers []app.PayerOf, current int) []views.Link {
	var links []views.Link
	for i, p := range payers {
		links = append(links, views.Link{
			Text: p.Name, URL: "/billing?" + url.Values{"payer": {string(p.ID)}}.Encode(), Current: i == current,
		})
	}
	return links
}

// billingForm holds what is stored.
func billingForm(payers []app.PayerOf, current int) views.BillingForm {
	if current < 0 { // what a person adds is a company
		return views.BillingForm{Payer: newPayer, Kind: string(account.KindCompany)}
	}
	p := payers[current]
	return views.BillingForm{
		Payer: string(p.ID), Kind: string(p.Kind), Name: p.Name, CompanyCode: p.CompanyCode, VATNumber: p.VATNumber, Street: p.Street,
		City: p.City, Postcode: p.Postcode, Country: p.Country, Email: p.Email, POReference: p.POReference, Language: p.Language,
		Lithuanian: p.Lithuanian, Currency: string(p.Currency),
	}
}

// typedBilling holds what was typed.
func typedBilling(values url.Values, payers []app.PayerOf, current int) views.BillingForm {
	in := readPayer(values)
	f := views.BillingForm{
		Payer: newPayer, Kind: in.Kind, Name: in.Name, CompanyCode: in.CompanyCode, VATNumber: in.VATNumber, VATConfirm: in.VATNumberConfirm,
		Street: in.Street, City: in.City, Postcode: in.Postcode, Country: in.Country, Email: in.Email, POReference: in.POReference,
		Language: in.Language, Lithuanian: in.Lithuanian, Currency: in.Currency,
	}
	if current >= 0 {
		f.Payer = string(payers[current].ID)
		if payers[current].CurrencyFixed {
			f.Currency = string(payers[current].Currency)
		}
	}
	return f
}

// billingMistakes puts a refusal on the page. A number that only looks mistyped
// can be kept: the page then asks.
func billingMistakes(page *views.BillingPage, err error) {
	page.Errors = errorList(page.T, err, "payer")
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return
	}
	for _, f := range e.Fields {
		if f.Key == "error.vat_number.check_digit" {
			page.VATWarning = page.T.T("billing.vat_number.keep")
		}
	}
}
