package web

import (
	"bytes"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/views"
)

// placeOrder is POST /orders. A refusal shows the calculator again, with the
// price that holds now.
func (s *server) placeOrder(c echo.Context) error {
	values, err := form(c)
	if err != nil {
		return err
	}
	plan := pricing.Plan(values.Get("plan"))
	if !plan.Orderable() { // no calculator to go back to
		return pricing.Check(pricing.Selection{Plan: plan}).Err()
	}
	f := readConfiguration(plan, values)
	if err := f.mistakes.Err(); err != nil {
		return s.showCalculator(c, f, err)
	}
	number, err := s.app.PlaceOrder(c.Request().Context(), s.actor(c), app.PlaceOrder{
		Selection: f.selection, Payer: account.PayerID(values.Get("payer")), Customer: values.Get("customer"),
		Method: values.Get("method"), Quote: values.Get("quote"),
	})
	switch {
	case err == nil:
		return s.redirect(c, orderURL(number), views.FlashOrderPlaced)
	case fault.Is(err, fault.Invalid), fault.Is(err, fault.Conflict):
		return s.showCalculator(c, f, err)
	}
	return err
}

func orderURL(number string) string { return "/orders/" + url.PathEscape(number) }

// orderPage is GET /orders/{number}.
func (s *server) orderPage(c echo.Context) error {
	actor := s.actor(c)
	o, err := s.app.Order(c.Request().Context(), actor, c.Param("number"))
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.Order(orderView(s.page(c), o, actor, s.zone(c))))
}

// cancelOrder is POST /orders/{number}/cancel.
func (s *server) cancelOrder(c echo.Context) error {
	number := c.Param("number")
	if err := s.app.CancelOrder(c.Request().Context(), s.actor(c), number); err != nil {
		return err
	}
	return s.redirect(c, orderURL(number), views.FlashOrderCanceled)
}

// bankInvoiceFile is GET /orders/{number}/bank-invoice.pdf.
func (s *server) bankInvoiceFile(c echo.Context) error {
	file, err := s.app.BankInvoiceFile(c.Request().Context(), s.actor(c), c.Param("number"))
	if err != nil {
		return err
	}
	return sendFile(c, file)
}

// sendFile answers with a file: shown in the browser, or saved with
// ?download=1. The same bytes are not sent twice to a browser that has them,
// but it must ask each time, because the right to see them can end.
func sendFile(c echo.Context, f app.File) error {
	disposition := "inline"
	if c.QueryParam("download") == "1" {
		disposition = "attachment"
	}
	h := c.Response().Header()
	h.Set("Content-Type", f.ContentType)
	h.Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": f.Name}))
	h.Set("Content-Security-Policy", filePolicy)
	h.Set("Cache-Control", "private, no-cache")
	h.Set("ETag", `"`+f.SHA256+`"`)
	http.ServeContent(c.Response(), c.Request(), "", time.Time{}, bytes.NewReader(f.Bytes))
	return nil
}
