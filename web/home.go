package web

import (
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/views"
)

// homeInvoices is how many documents the overview shows.
const homeInvoices = 3

// homePage is GET /: an overview when signed in, else the welcome page.
func (s *server) homePage(c echo.Context) error {
	page := views.HomePage{Page: s.page(c)}
	if !s.signedIn(c) {
		from, err := startingPricesOf(s.app.Seller().Books, s.app.Today())
		if err != nil {
			return err
		}
		page.SoftphoneFrom, page.GatewayFrom = moneyOf(page.T, from.softphone, from.currency), moneyOf(page.T, from.gateway, from.currency)
		return s.render(c, http.StatusOK, views.Home(page))
	}
	ctx, actor := c.Request().Context(), s.actor(c)
	list, err := s.app.Subscriptions(ctx, actor)
	if err != nil {
		return err
	}
	invoices, err := s.app.Invoices(ctx, actor, app.InvoiceFilter{})
	if err != nil {
		return err
	}
	page.OpenOrders = openOrderViews(page.T, list, actor)
	page.Subscriptions = subscriptionRows(page.T, list.Items, s.zone(c))
	page.Invoices = invoiceRows(page.T, invoices.Items[:min(homeInvoices, len(invoices.Items))])
	return s.render(c, http.StatusOK, views.Home(page))
}
