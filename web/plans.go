package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/subscription"
	"github.com/siptg/portal/views"
)

// plansPage is GET /plans.
func (s *server) plansPage(c echo.Context) error {
	retired := ""
	if s.signedIn(c) {
		list, err := s.app.Subscriptions(c.Request().Context(), s.actor(c))
		if err != nil {
			return err
		}
		retired = retiredPlan(list.Items)
	}
	page, err := plansView(s.page(c), s.app.Seller(), s.app.Today())
	if err != nil {
		return err
	}
	page.RetiredPlan = retired
	return s.render(c, http.StatusOK, views.Plans(page))
}

// retiredPlan is the retired plan that one of the subscriptions still has, or "".
func retiredPlan(items []app.SubscriptionItem) string {
	for _, item := range items {
		if item.State == subscription.StateActive && item.Selection.Plan.Retired() {
			return string(item.Selection.Plan)
		}
	}
	return ""
}

// calculatorPage is GET /plans/{plan}.
func (s *server) calculatorPage(c echo.Context) error {
	plan := pricing.Plan(c.Param("plan"))
	if !plan.Orderable() {
		return fault.Missing("plan")
	}
	values, err := query(c)
	if err != nil {
		return err
	}
	return s.showCalculator(c, readConfiguration(plan, values), nil)
}

// configuration is the calculator's form: what was typed and what it means.
type configuration struct {
	typed     url.Values
	selection pricing.Selection
	mistakes  fault.Fields // that pricing cannot know of
}

// readConfiguration reads the parameters of contract and form. A number that is
// none becomes one that the plan's limits refuse, so that the person reads the
// limits.
func readConfiguration(plan pricing.Plan, values url.Values) configuration {
	f := configuration{typed: values, selection: pricing.Selection{Plan: plan}}
	accounts, lines := 0, 0
	if plan == pricing.Gateway {
		lines = 1
	} else {
		accounts = 1
	}
	f.selection.Accounts = wholeNumber(values, "accounts", accounts)
	f.selection.Lines = wholeNumber(values, "lines", lines)
	f.selection.ExtraAccounts = wholeNumber(values, "extra_accounts", 0)
	f.selection.Period = pricing.Period(wholeNumber(values, "period", defaultPeriod))
	f.selection.Recording = f.ticked("recording")
	f.selection.API = f.ticked("api")
	return f
}

// defaultPeriod is the period that the calculator opens with.
const defaultPeriod = 12

// impossible is a quantity that no plan has.
const impossible = -1

// wholeNumber reads ASCII digits, at most nine; anything else is impossible.
func wholeNumber(values url.Values, name string, absent int) int {
	if !values.Has(name) {
		return absent
	}
	typed := strings.TrimSpace(values.Get(name))
	if typed == "" || len(typed) > 9 || strings.Trim(typed, "0123456789") != "" {
		return impossible
	}
	n, err := strconv.Atoi(typed)
	if err != nil {
		return impossible
	}
	return n
}

// ticked reads a checkbox.
func (f *configuration) ticked(name string) bool {
	switch f.typed.Get(name) {
	case "on":
		return true
	case "":
		return false
	}
	f.mistakes.Add(name, "error.switch", nil)
	return false
}

// url is the calculator's address for a selection, with what else was asked.
func (f configuration) url(sel pricing.Selection) string {
	values := selectionValues(sel)
	for _, name := range []string{"country", "currency", "payer", "customer"} {
		if v := f.typed.Get(name); v != "" {
			values.Set(name, v)
		}
	}
	return calculatorURL(sel.Plan, values)
}

func calculatorURL(plan pricing.Plan, values url.Values) string {
	return "/plans/" + url.PathEscape(string(plan)) + "?" + values.Encode()
}

// selectionValues are the calculator's parameters for a selection; what is
// impossible is left out.
func selectionValues(sel pricing.Selection) url.Values {
	values := url.Values{}
	number := func(name string, n int) {
		if n > 0 {
			values.Set(name, strconv.Itoa(n))
		}
	}
	tick := func(name string, on bool) {
		if on {
			values.Set(name, "on")
		}
	}
	number("accounts", sel.Accounts)
	number("lines", sel.Lines)
	number("extra_accounts", sel.ExtraAccounts)
	number("period", int(sel.Period))
	tick("recording", sel.Recording)
	tick("api", sel.API)
	return values
}

// mayOrder reports whether a price is for the person and their payers. Who only
// reads sees those that everybody sees.
func (s *server) mayOrder(c echo.Context) bool { return s.signedIn(c) && !s.actor(c).OnlyReads() }

func (s *server) quote(c echo.Context, f configuration) (app.Quote, error) {
	var actor *account.Actor
	if s.mayOrder(c) {
		a := s.actor(c)
		actor = &a
	}
	return s.app.Quote(c.Request().Context(), actor, app.QuoteRequest{
		Selection: f.selection, Country: strings.TrimSpace(f.typed.Get("country")), Currency: money.Currency(f.typed.Get("currency")),
		Payer: account.PayerID(f.typed.Get("payer")), Customer: f.typed.Get("customer"),
	})
}

// showCalculator shows the price of a configuration, or its mistakes. refused
// is why an order at the price shown before was not taken; nil without one.
func (s *server) showCalculator(c echo.Context, f configuration, refused error) error {
	page := calculatorView(s.page(c), f, s.app.Seller())
	quote, err := s.quote(c, f)
	switch {
	case err != nil && !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.Conflict):
		return err
	case err != nil, len(f.mistakes) > 0:
		return s.showMistakes(c, page, f, err)
	}
	status := http.StatusOK
	price(&page, f, quote)
	if refused != nil {
		status = statusOf(refused)
		refusal(&page, quote, refused)
	}
	return s.render(c, status, views.Calculator(page))
}

// showMistakes shows the form without a price. err may be nil when the form's
// own mistakes are all there is.
func (s *server) showMistakes(c echo.Context, page views.CalculatorPage, f configuration, err error) error {
	mistakes := f.mistakes.Err()
	page.Errors = append(errorList(page.T, err, pricedFor(f, s.mayOrder(c))), errorList(page.T, mistakes, "")...)
	page.Currencies = currencyCodes(s.app.Seller().Books.Currencies(s.app.Today()))
	if s.mayOrder(c) && f.typed.Get("country") == "" {
		payers, err := s.app.Payers(c.Request().Context(), s.actor(c))
		if err != nil {
			return err
		}
		page.Payers = buyers(payers)
	}
	if err == nil {
		err = mistakes
	}
	return s.render(c, statusOf(err), views.Calculator(page))
}

// pricedFor is the field that a refusal to sell there is about.
func pricedFor(f configuration, signedIn bool) string {
	if signedIn && f.typed.Get("country") == "" {
		return "payer"
	}
	return "country"
}
