package web

import (
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/views"
)

// notKeptKey marks the answer to a request that no browser may keep, though
// everybody may see it, or whoever has the link of a mail.
const notKeptKey = "not-kept"

// verifyPage is GET /verify?number=, where the code on a document leads. Date and
// total are never taken from the address.
func (s *server) verifyPage(c echo.Context) error {
	values, err := query(c)
	if err != nil {
		return err
	}
	return s.showVerify(c, http.StatusOK, views.VerifyPage{Page: s.page(c), Number: app.VerifyInput{Number: values.Get("number")}.DocumentNumber()})
}

// verifyDocument is POST /verify. It changes nothing, so it answers itself: a
// redirect would carry what was typed in its address.
func (s *server) verifyDocument(c echo.Context) error {
	values, err := form(c)
	if err != nil {
		return err
	}
	in := app.VerifyInput{Number: values.Get("number"), Date: values.Get("date"), Total: values.Get("total")}
	// Known or not, a number is asked for so many times and no more: nobody tries
	// dates and totals until they fit.
	if !s.checks.count(s.ip(c.Request()), 1, s.now()) || !s.numbers.count(in.DocumentNumber(), s.now()) {
		return tooMany(c)
	}
	page := views.VerifyPage{Page: s.page(c), Number: in.Number, Date: in.Date, Total: in.Total}
	verdict, err := s.app.Verify(c.Request().Context(), in)
	if fault.Is(err, fault.Invalid) {
		page.Errors = errorList(page.T, err, "number")
		return s.showVerify(c, statusOf(err), page)
	} else if err != nil {
		return err
	}
	page.Verdict = string(verdict)
	return s.showVerify(c, http.StatusOK, page)
}

func (s *server) showVerify(c echo.Context, status int, page views.VerifyPage) error {
	c.Response().Header().Set("X-Robots-Tag", "noindex, nofollow")
	c.Set(notKeptKey, true)
	return s.render(c, status, views.Verify(page))
}
