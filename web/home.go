package web

import (
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/views"
)

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
	if s.actor(c).OnlyReads() {
		return c.Redirect(http.StatusSeeOther, "/invoices")
	}
	home, err := s.app.Home(c.Request().Context(), s.actor(c))
	if err != nil {
		return err
	}
	page.OpenOrders = openOrderViews(page.T, home.OpenOrders)
	page.Subscriptions = subscriptionRows(page.T, home.SubscriptionList, s.zone(c))
	page.Invoices = invoiceRows(page.T, home.Invoices)
	return s.render(c, http.StatusOK, views.Home(page))
}
