package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/views"
)

// statementPage is GET /statement.
func (s *server) statementPage(c echo.Context) error {
	values, err := query(c)
	if err != nil {
		return err
	}
	payers, current, err := s.payersAnd(c, values.Get("payer"))
	if err != nil {
		return err
	}
	if current < 0 {
		return fault.Missing("payer")
	}
	filter, err := readStatementFilter(values)
	filter.Payer = payers[current].ID
	var st app.Statement
	if err == nil {
		st, err = s.app.Statement(c.Request().Context(), s.actor(c), filter)
	}
	status := http.StatusOK
	if fault.Is(err, fault.Invalid) {
		status = statusOf(err)
		st = app.Statement{Payer: payers[current], Payers: payers}
	} else if err != nil {
		return err
	}
	page := statementView(s.page(c), values, st, s.app.Today())
	page.Errors = errorList(page.T, err, "from")
	return s.render(c, status, views.Statement(page))
}

// statementFile is GET /statement.pdf, of the same payer and days as the page.
func (s *server) statementFile(c echo.Context) error {
	values, err := query(c)
	if err != nil {
		return err
	}
	payers, current, err := s.payersAnd(c, values.Get("payer"))
	if err != nil {
		return err
	}
	if current < 0 {
		return fault.Missing("payer")
	}
	filter, err := readStatementFilter(values)
	if err != nil {
		return err
	}
	filter.Payer = payers[current].ID
	file, err := s.app.StatementFile(c.Request().Context(), s.actor(c), filter)
	if err != nil {
		return err
	}
	return sendFile(c, file)
}

// readStatementFilter reads the days of the filter form.
func readStatementFilter(values url.Values) (app.StatementFilter, error) {
	var fields fault.Fields
	day := func(name string) civil.Date {
		typed := strings.TrimSpace(values.Get(name))
		if typed == "" {
			return civil.Date{}
		}
		d, err := civil.Parse(typed)
		if err != nil {
			fields.Add(name, "error.date", nil)
		}
		return d
	}
	f := app.StatementFilter{From: day("from"), To: day("to")}
	return f, fields.Err()
}

// balancePage is GET /balance, with ?amount= the details to pay that in.
func (s *server) balancePage(c echo.Context) error {
	values, err := query(c)
	if err != nil {
		return err
	}
	var amount money.Amount
	if values.Has("amount") {
		amount, err = app.ParseTopUp(values.Get("amount"))
	}
	return s.showBalance(c, values, amount, err)
}

func receiptURL(number string) string {
	return "/balance/receipts/" + url.PathEscape(number) + pdfSuffix
}

// receiptFile is GET /balance/receipts/{number}.pdf.
func (s *server) receiptFile(c echo.Context) error {
	number, ok := strings.CutSuffix(c.Param("number"), pdfSuffix)
	if !ok {
		return fault.Missing("receipt")
	}
	file, err := s.app.ReceiptFile(c.Request().Context(), s.actor(c), number)
	if err != nil {
		return err
	}
	return sendFile(c, file)
}

// topUp is POST /balance/top-up. By card it leads to the provider's page; else
// the payer gets its reference, and the page of the balance then tells how to pay
// the amount in.
func (s *server) topUp(c echo.Context) error {
	values, err := form(c)
	if err != nil {
		return err
	}
	id := account.PayerID(values.Get("payer"))
	if id == "" {
		return fault.Missing("payer")
	}
	amount, mistake := app.ParseTopUp(values.Get("amount"))
	if mistake != nil {
		return s.showBalance(c, values, 0, mistake)
	}
	switch order.Method(values.Get("method")) {
	case "", order.MethodBank:
	case order.MethodCard:
		address, err := s.app.TopUpByCard(c.Request().Context(), s.actor(c), id, amount, s.translator(c).Lang())
		switch {
		case err == nil:
		case statusOf(err) == http.StatusServiceUnavailable, fault.Is(err, fault.Conflict):
			return s.showBalance(c, values, 0, err)
		default:
			return err
		}
		return s.toProvider(c, address)
	default:
		return fault.New(fault.Invalid, "error.order.method")
	}
	if err := s.app.PrepareTopUp(c.Request().Context(), s.actor(c), id); err != nil {
		return err
	}
	target := url.Values{"payer": {string(id)}, "amount": {amount.Decimal()}}
	return s.redirect(c, "/balance?"+target.Encode()+"#top-up", "")
}

// showBalance shows the page, and on it what is wrong with the amount.
func (s *server) showBalance(c echo.Context, values url.Values, amount money.Amount, mistake error) error {
	b, err := s.app.Balance(c.Request().Context(), s.actor(c), account.PayerID(values.Get("payer")), amount)
	if err != nil {
		return err
	}
	if mistake != nil && !b.Payer.Role.MayBuy() {
		return fault.New(fault.Forbidden, "error.payer.role")
	}
	page := balanceView(s.page(c), b)
	page.Typed = values.Get("amount")
	status := http.StatusOK
	if mistake != nil {
		if status = statusOf(mistake); status == http.StatusServiceUnavailable {
			s.log.Warn("a top-up was not started", "id", requestID(c.Request().Context()), "error", mistake)
			page.NotTaken = true
		} else {
			page.Errors = errorList(page.T, mistake, "amount")
		}
	}
	if b.ByCard {
		s.admitPayment(c)
	}
	return s.render(c, status, views.Balance(page))
}
