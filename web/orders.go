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
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/order"
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
		return s.redirect(c, orderURL(number), placedFlash(order.Method(values.Get("method"))))
	case fault.Is(err, fault.Invalid), fault.Is(err, fault.Conflict):
		return s.showCalculator(c, f, err)
	}
	return err
}

// placedFlash says what comes after placing an order.
func placedFlash(method order.Method) string {
	switch method {
	case order.MethodCard:
		return views.FlashOrderByCard
	case order.MethodBalance:
		return views.FlashOrderPaid
	default:
		return views.FlashOrderPlaced
	}
}

func orderURL(number string) string { return "/orders/" + url.PathEscape(number) }

// orderPage is GET /orders/{number}.
func (s *server) orderPage(c echo.Context) error { return s.showOrder(c, c.Param("number"), nil, nil) }

// showOrder shows an order. refused is why paying it, with the form sent, was
// refused; nil without one.
func (s *server) showOrder(c echo.Context, number string, sent url.Values, refused error) error {
	actor := s.actor(c)
	o, err := s.app.Order(c.Request().Context(), actor, number)
	if err != nil {
		return err
	}
	page := orderView(s.page(c), o, actor, s.zone(c))
	payView(&page, o, s.app.Seller())
	status := http.StatusOK
	if refused != nil {
		if status = statusOf(refused); status == http.StatusServiceUnavailable {
			s.log.Warn("a payment was not started", "id", requestID(c.Request().Context()), "order", number, "error", refused)
			page.NotTaken = true
		}
		page.Problem = problemOf(page.T, refused)
		if page.Card != nil {
			page.Card.Keep = sent.Get("keep") == "on"
		}
	}
	if page.Card != nil {
		s.admitPayment(c)
	}
	return s.render(c, status, views.Order(page))
}

// problemOf is the message of a refusal: of its first field, or its own.
func problemOf(t i18n.Translator, err error) string {
	if list, ok := fieldErrors(t, err); ok {
		return list[0].Text
	}
	return faultText(t, err)
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
