package web

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/views"
)

const (
	returnField = "return_to" // where a person who was sent to /billing came from
	newPayer    = "new"       // in place of a payer's id: one that is being added
)

// billingPage is GET /billing.
func (s *server) billingPage(c echo.Context) error {
	values, err := query(c)
	if err != nil {
		return err
	}
	payers, current, err := s.payersAnd(c, values.Get("payer"))
	if err != nil {
		return err
	}
	if current < 0 && s.actor(c).OnlyReads() {
		return fault.Missing("payer to add")
	}
	page := s.billingView(c, payers, current, values)
	page.Form = billingForm(payers, current)
	s.billingDefaults(&page)
	if current >= 0 && page.Form.Kind == string(account.KindCompany) && page.Form.VATNumber != "" {
		state, err := s.app.VATState(c.Request().Context(), s.actor(c), payers[current].ID)
		if err != nil {
			return err
		}
		page.VAT = vatView(page.T, state, s.zone(c))
	}
	return s.render(c, http.StatusOK, views.Billing(page))
}

// payersAnd returns the person's payers and the position of the one asked for:
// the first when none is named, -1 for a new one.
func (s *server) payersAnd(c echo.Context, asked string) ([]app.PayerOf, int, error) {
	payers, err := s.app.Payers(c.Request().Context(), s.actor(c))
	switch {
	case err != nil:
		return nil, 0, err
	case asked == newPayer, len(payers) == 0:
		return payers, -1, nil
	case asked == "":
		return payers, 0, nil
	}
	i := slices.IndexFunc(payers, func(p app.PayerOf) bool { return string(p.ID) == asked })
	if i < 0 {
		return nil, 0, fault.Missing("payer")
	}
	return payers, i, nil
}

// saveBilling is POST /billing.
func (s *server) saveBilling(c echo.Context) error {
	values, err := form(c)
	if err != nil {
		return err
	}
	payers, current, err := s.payersAnd(c, values.Get("payer"))
	if err != nil {
		return err
	}
	var id account.PayerID
	flash := views.FlashPayerAdded
	if current >= 0 {
		id, flash = payers[current].ID, views.FlashBillingSaved
	}
	id, err = s.app.SavePayer(c.Request().Context(), s.actor(c), id, readPayer(values))
	switch {
	case err == nil:
		target := s.returnTo(values)
		if target == "" {
			target = "/billing?" + url.Values{"payer": {string(id)}}.Encode()
		}
		return s.redirect(c, target, flash)
	case !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.Conflict):
		return err
	}
	page := s.billingView(c, payers, current, values)
	page.Form = typedBilling(values, payers, current)
	s.billingDefaults(&page)
	billingMistakes(&page, err)
	return s.render(c, statusOf(err), views.Billing(page))
}

// returnTo is where the person was sent here from, or "".
func (s *server) returnTo(values url.Values) string {
	target := values.Get(returnField)
	if target == "" || target == "/" {
		return ""
	}
	if target = s.returnPath(target); target == "/" {
		return ""
	}
	return target
}

func readPayer(values url.Values) app.PayerInput {
	return app.PayerInput{
		Kind: values.Get("kind"), Name: values.Get("name"), CompanyCode: values.Get("company_code"), VATNumber: values.Get("vat_number"),
		VATNumberConfirm: values.Get("vat_number_confirm") == "on", Street: values.Get("street"), City: values.Get("city"),
		Postcode: values.Get("postcode"), Country: values.Get("country"), Email: values.Get("email"), POReference: values.Get("po_reference"),
		Language: values.Get("language"), Lithuanian: values.Get("lithuanian") == "on", Currency: values.Get("currency"),
	}
}

// billingView is the page around the form.
func (s *server) billingView(c echo.Context, payers []app.PayerOf, current int, values url.Values) views.BillingPage {
	p := s.page(c)
	page := views.BillingPage{
		Page: p, Payers: payerLinks(payers, current), Adding: current < 0, Languages: i18n.DocumentLanguages(), ReturnTo: s.returnTo(values),
		Currencies: currencyCodes(s.app.Seller().Books.Currencies(s.app.Today())),
	}
	if current >= 0 {
		page.ReadOnly, page.CurrencyFixed = !payers[current].Role.MayBuy(), payers[current].CurrencyFixed
		page.Owner = payers[current].Role == account.RoleOwner
	}
	return page
}

// billingDefaults fills what a form starts with.
func (s *server) billingDefaults(page *views.BillingPage) {
	if page.Form.Kind == "" {
		page.Form.Kind = string(account.KindPerson)
	}
	if page.Form.Language == "" {
		page.Form.Language = page.T.Lang()
	}
	if page.Form.Currency == "" && len(page.Currencies) > 0 {
		page.Form.Currency = page.Currencies[0]
	}
}
