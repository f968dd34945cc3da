package web

import (
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/views"
)

// staffHomePage is GET /staff.
func (s *server) staffHomePage(c echo.Context) error {
	home, err := s.app.StaffHome(c.Request().Context(), s.actor(c))
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.StaffHome(staffHomeView(s.page(c), home, s.zone(c))))
}

// staffPaymentsPage is GET /staff/payments?q=, and with ?show= the payments that
// wait for a person.
func (s *server) staffPaymentsPage(c echo.Context) error {
	values, err := query(c)
	if err != nil {
		return err
	}
	typed, show := values.Get("q"), values.Get("show")
	found, err := s.app.SearchPayments(c.Request().Context(), s.actor(c), typed, app.PaymentFilter(show))
	if err != nil && !fault.Is(err, fault.Invalid) {
		return err
	}
	page := staffPaymentsView(s.page(c), found, s.zone(c))
	page.Query, page.Show, page.Asked = typed, show, typed != "" || show != ""
	status := http.StatusOK
	if err != nil {
		status, page.Errors = statusOf(err), errorList(page.T, err, "q")
	}
	return s.render(c, status, views.StaffPayments(page))
}

// staffVATPage is GET /staff/vat?q=.
func (s *server) staffVATPage(c echo.Context) error {
	values, err := query(c)
	if err != nil {
		return err
	}
	seen, err := s.app.StaffVAT(c.Request().Context(), s.actor(c), values.Get("q"))
	if err != nil && !fault.Is(err, fault.Invalid) {
		return err
	}
	page := staffVATView(s.page(c), seen, s.zone(c))
	page.Query = values.Get("q")
	status := http.StatusOK
	if err != nil {
		status, page.Errors = statusOf(err), errorList(page.T, err, "q")
	}
	return s.render(c, status, views.StaffVAT(page))
}

// staffPaymentPage is GET /staff/payments/{id}.
func (s *server) staffPaymentPage(c echo.Context) error {
	p, err := s.app.StaffPayment(c.Request().Context(), s.actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.StaffPayment(staffPaymentView(s.page(c), p, s.zone(c))))
}
