package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
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
