package web

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/vat"
	"github.com/siptg/portal/views"
)

// Usual quantities, offered as links: small ones, and those around the step in
// the price.
var (
	usualAccounts = []int{1, 3, 5, 10, 11, 25}
	usualLines    = []int{1, 2, 3, 5, 6, 10}
)

// startingPrices are the least monthly prices, in the first currency on sale.
type startingPrices struct {
	currency                              money.Currency
	softphone, softphoneRecorded, gateway money.Amount
	discount12, discount36                money.BasisPoints
}

func startingPricesOf(books pricing.Books, today civil.Date) (startingPrices, error) {
	currencies := books.Currencies(today)
	if len(currencies) == 0 {
		return startingPrices{}, fault.New(fault.Unavailable, "error.price_book.none")
	}
	book, err := books.For(currencies[0], today)
	if err != nil {
		return startingPrices{}, err
	}
	p := startingPrices{currency: book.Currency, discount12: book.Discounts[12], discount36: book.Discounts[36]}
	for _, x := range []struct {
		to   *money.Amount
		plan pricing.Plan
		pricing.Options
	}{
		{&p.softphone, pricing.Softphone, pricing.Options{Accounts: 1}},
		{&p.softphoneRecorded, pricing.Softphone, pricing.Options{Accounts: 1, Recording: true}},
		{&p.gateway, pricing.Gateway, pricing.Options{Lines: 1}},
	} {
		price, err := book.Price(pricing.Selection{Plan: x.plan, Options: x.Options, Period: pricing.Periods[0]})
		if err != nil {
			return startingPrices{}, err
		}
		*x.to = price.Monthly
	}
	return p, nil
}

func plansView(p views.Page, seller app.Seller, today civil.Date) (views.PlansPage, error) {
	from, err := startingPricesOf(seller.Books, today)
	if err != nil {
		return views.PlansPage{}, err
	}
	show := func(a money.Amount) views.Money { return moneyOf(p.T, a, from.currency) }
	return views.PlansPage{
		Page: p, Free: show(0), SoftphoneFrom: show(from.softphone), SoftphoneRecorded: show(from.softphoneRecorded), GatewayFrom: show(from.gateway),
		Discount12: p.T.Percent(int64(from.discount12)), Discount36: p.T.Percent(int64(from.discount36)),
		SupportURL: seller.SupportPublic, PartnerURL: seller.PartnerURL,
	}, nil
}

// calculatorView is the form as typed.
func calculatorView(p views.Page, f configuration, seller app.Seller) views.CalculatorPage {
	page := views.CalculatorPage{
		Page: p, Plan: string(f.selection.Plan), Recording: f.selection.Recording, API: f.selection.API,
		Accounts: f.asTyped("accounts", f.selection.Accounts), Lines: f.asTyped("lines", f.selection.Lines),
		ExtraAccounts: f.asTyped("extra_accounts", f.selection.ExtraAccounts), Months: int(f.selection.Period),
		Country: strings.ToUpper(f.typed.Get("country")), Currency: f.typed.Get("currency"), Payer: f.typed.Get("payer"), PartnerURL: seller.PartnerURL,
	}
	if page.Country == "" {
		page.Country = seller.Party.Country
	}
	if !slices.Contains(pricing.Periods[:], f.selection.Period) {
		page.Months = defaultPeriod // a hidden field, which nobody could correct
	}
	quantities := usualAccounts
	if f.selection.Plan == pricing.Gateway {
		quantities = usualLines
	}
	for _, n := range quantities {
		sel, current := f.selection, n == f.selection.Accounts
		if sel.Plan == pricing.Gateway {
			sel.Lines, current = n, n == sel.Lines
		} else {
			sel.Accounts = n
		}
		page.Presets = append(page.Presets, views.Preset{Quantity: n, URL: f.url(sel), Current: current})
	}
	return page
}

func (f configuration) asTyped(name string, n int) string {
	if f.typed.Has(name) {
		return f.typed.Get(name)
	}
	return strconv.Itoa(n)
}

// price puts a quote on the page.
func price(page *views.CalculatorPage, f configuration, q app.Quote) {
	t, currency := page.T, q.Price.Currency
	show := func(a money.Amount) views.Money { return moneyOf(t, a, currency) }
	page.Country, page.Currency, page.Currencies = q.Country, string(currency), currencyCodes(q.Currencies)
	page.Payer = ""
	if q.Payer != nil {
		page.Payer = string(q.Payer.ID)
	}
	// An only payer who has not given an address yet asks by country.
	if q.Payer == nil || q.Payer.Country != "" || len(q.Payers) > 1 {
		page.Payers = payerChoices(q.Payers)
	}
	page.WithVAT = q.VAT > 0 && (q.Payer == nil || q.Payer.Kind == account.KindPerson)
	for _, a := range q.Alternatives {
		sel := f.selection
		sel.Period = a.Period
		page.Periods = append(page.Periods, periodChoice(f.url(sel), a, a.Period == q.Selection.Period, page.WithVAT, t, show))
	}
	discount := show(-q.Price.Discount)
	discount.Minor = int64(q.Price.Discount)
	page.Price = &views.Price{
		Monthly: show(q.Price.Monthly), Gross: show(q.Price.Gross), Percent: discountPercent(t, q.Price.Percent), Discount: discount,
		Net: show(q.Price.Net), VAT: show(q.VAT), Total: show(q.Total), APIIncluded: q.Price.APIIncluded, Tax: taxView(t, q),
	}
	for _, l := range q.Price.Lines {
		page.Price.Lines = append(page.Price.Lines, views.PriceLine{
			Code: l.Code, Quantity: int(l.Quantity), Unit: show(l.UnitMonthly), Monthly: show(l.Monthly),
		})
	}
	for _, h := range q.Hints {
		page.Hints = append(page.Hints, hintViews(h, show)...)
	}
	if page.SignedIn {
		page.Order = orderForm(t, f, q)
	}
}

// periodChoice is a period beside the others. Who buys as a consumer compares
// what is paid; a company compares prices without VAT.
func periodChoice(link string, a app.PeriodPrice, current, withVAT bool, t i18n.Translator, show func(money.Amount) views.Money) views.PeriodChoice {
	choice := views.PeriodChoice{
		Months: int(a.Period), URL: link, Current: current, PerMonth: show(a.PerMonth), Net: show(a.Price.Net),
		Percent: discountPercent(t, a.Price.Percent),
	}
	saving := a.Saving
	if withVAT {
		choice.PerMonth, saving = show(a.PerMonthTotal), a.SavingTotal
	}
	if a.VAT > 0 {
		choice.Total = show(a.Total)
	}
	if saving > 0 {
		choice.Saving = show(saving)
	}
	return choice
}

func discountPercent(t i18n.Translator, p money.BasisPoints) string {
	if p == 0 {
		return ""
	}
	return t.Percent(int64(p))
}

// taxView says how VAT was decided.
func taxView(t i18n.Translator, q app.Quote) views.Tax {
	x := views.Tax{Country: t.Country(q.Country), Estimate: q.Payer == nil || q.Payer.Country == ""}
	if q.Treatment.Hangs(q.VATNumber) && (q.VATState == vat.StateInvalid || q.VATState == vat.StateWaiting) {
		x.Number = "number_" + string(q.VATState)
	}
	switch q.Treatment.Category {
	case vat.CategoryStandard:
		x.Case, x.Rate, x.Country = "charged", t.Percent(int64(q.Treatment.Rate)), t.Country(q.Treatment.Place)
	case vat.CategoryReverse:
		x.Case = "reverse_charge"
	case vat.CategoryOutside:
		x.Case, x.Estimate = "outside", false // no detail would change it
	default:
		x.Case = "exempt"
		switch q.Treatment.Row {
		case "R7c": // the exemption of another member state (Dir. art. 284a)
			x.Case, x.Country = "exempt_there", t.Country(q.Treatment.Place)
		case "R12": // decided by staff, for this payer
			x.Case, x.Estimate = "exempt_body", false
		}
	}
	return x
}

// hintViews tells a step of the price in one or two sentences.
func hintViews(h pricing.Hint, show func(money.Amount) views.Money) []views.Hint {
	from := h.Threshold + 1
	surcharge := views.Hint{Kind: "surcharge_applies", Quantity: from, Delta: show(h.Surcharge)}
	switch h.Kind {
	case pricing.HintSurchargeNext:
		return []views.Hint{{Kind: "surcharge_next", Quantity: from, Delta: show(h.Delta)}}
	case pricing.HintAPIFreeNext:
		return []views.Hint{surcharge, {Kind: "api_free_next", Quantity: from}}
	case pricing.HintSurcharge:
		return []views.Hint{surcharge, {Kind: "api_free", Quantity: from}}
	}
	return nil
}

const blockedByBilling = "order.blocked.billing"

func orderForm(t i18n.Translator, f configuration, q app.Quote) *views.OrderForm {
	form := &views.OrderForm{
		Quote: q.Token, Method: f.typed.Get("method"), Balance: moneyOf(t, q.Available, q.Price.Currency), Currency: string(q.Price.Currency),
	}
	for _, m := range q.Methods {
		form.Methods = append(form.Methods, string(m))
	}
	if !slices.Contains(form.Methods, form.Method) {
		form.Method = string(order.MethodBank)
	}
	if q.Payer != nil {
		form.PayerName = q.Payer.Name
	}
	for _, c := range q.Customers {
		if c.Self { // the page has a choice of its own for the person
			continue
		}
		form.Customers = append(form.Customers, views.Choice{Value: c.TelegramID.String(), Text: c.Name})
		if c.TelegramID == q.Customer {
			form.Customer = c.TelegramID.String()
		}
	}
	if q.Blocked != "" {
		form.Blocked = t.T(q.Blocked)
		form.NeedsBilling = q.Blocked == blockedByBilling
		form.BillingURL = billingURL(q.Payer, f.url(f.selection))
	}
	return form
}

// billingURL leads to the form of a payer's details and from there back.
func billingURL(p *account.Payer, back string) string {
	values := url.Values{returnField: {back}}
	if p != nil {
		values.Set("payer", string(p.ID))
	}
	return "/billing?" + values.Encode()
}

// refusal says why an order was not taken beside the price that holds now.
func refusal(page *views.CalculatorPage, q app.Quote, refused error) {
	e, ok := errors.AsType[*fault.Error](refused)
	if !ok {
		return
	}
	if old, ok := e.Args["Old"].(money.Money); ok && old != money.Of(q.Total, q.Price.Currency) {
		page.PriceChanged = &views.PriceChanged{Old: moneyOf(page.T, old.Amount, old.Currency), New: page.Price.Total}
		return
	}
	if e.Key != q.Blocked || e.Key == "" { // the reason for a block stands on the page already
		page.Errors = errorList(page.T, refused, "order")
	}
}

// errorList are the messages of a refusal: those of the fields, or its own
// under the name field.
func errorList(t i18n.Translator, err error, field string) views.Errors {
	if list, ok := fieldErrors(t, err); ok {
		return list
	}
	if text := faultText(t, err); text != "" {
		return views.Errors{{Field: field, Text: text}}
	}
	return nil
}

func payerChoices(payers []account.Payer) []views.Choice {
	var list []views.Choice
	for _, p := range payers {
		list = append(list, views.Choice{Value: string(p.ID), Text: p.Name})
	}
	return list
}

// buyers are the payers that the person may buy for.
func buyers(payers []app.PayerOf) []views.Choice {
	var list []account.Payer
	for _, p := range payers {
		if p.Role.MayBuy() {
			list = append(list, p.Payer)
		}
	}
	return payerChoices(list)
}

func currencyCodes(currencies []money.Currency) []string {
	list := make([]string, len(currencies))
	for i, c := range currencies {
		list[i] = string(c)
	}
	return list
}
