package web

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/views"
)

// subscriptionsPage is GET /subscriptions.
func (s *server) subscriptionsPage(c echo.Context) error {
	list, err := s.app.Subscriptions(c.Request().Context(), s.actor(c))
	if err != nil {
		return err
	}
	p := s.page(c)
	return s.render(c, http.StatusOK, views.Subscriptions(views.SubscriptionsPage{
		Page: p, OpenOrders: openOrderViews(p.T, list.OpenOrders), Items: subscriptionRows(p.T, list, s.zone(c)),
	}))
}

func subscriptionURL(id string) string { return "/subscriptions/" + url.PathEscape(id) }

// subscriptionPage is GET /subscriptions/{id}.
func (s *server) subscriptionPage(c echo.Context) error {
	ctx, actor := c.Request().Context(), s.actor(c)
	item, err := s.app.Subscription(ctx, actor, c.Param("id"))
	if err != nil {
		return err
	}
	var orders []app.OpenOrder
	if item.MayManage { // the renewal that waits for money, if there is one
		list, err := s.app.Subscriptions(ctx, actor)
		if err != nil {
			return err
		}
		orders = list.OpenOrders
	}
	return s.render(c, http.StatusOK, views.Subscription(subscriptionView(s.page(c), item, orders, s.now(), s.zone(c))))
}

// renewSubscription is POST /subscriptions/{id}/renew.
func (s *server) renewSubscription(c echo.Context) error {
	values, err := form(c)
	if err != nil {
		return err
	}
	period := pricing.Period(wholeNumber(values, "period", impossible))
	number, err := s.app.RenewEarly(c.Request().Context(), s.actor(c), c.Param("id"), period)
	if err != nil {
		return err
	}
	return s.redirect(c, orderURL(number), views.FlashOrderPlaced)
}

// turnAutoRenewOff is POST /subscriptions/{id}/auto-renew/off.
func (s *server) turnAutoRenewOff(c echo.Context) error {
	charging, err := s.app.TurnAutoRenewOff(c.Request().Context(), s.actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	flash := views.FlashAutoRenewOff
	if charging {
		flash = views.FlashAutoRenewOffCharging
	}
	return s.redirect(c, subscriptionURL(c.Param("id")), flash)
}

// turnAutoRenewOn is POST /subscriptions/{id}/auto-renew/on.
func (s *server) turnAutoRenewOn(c echo.Context) error {
	values, err := form(c)
	if err != nil {
		return err
	}
	t := s.page(c).T
	if err := s.app.TurnAutoRenewOn(c.Request().Context(), s.actor(c), c.Param("id"), app.Consent{
		MethodID: values.Get("method"), ConsentID: views.RenewalConsent, ConsentText: t.T(views.RenewalConsent), Language: t.Lang(),
		IP: s.ip(c.Request()), UserAgent: c.Request().UserAgent(),
	}); err != nil {
		return err
	}
	return s.redirect(c, subscriptionURL(c.Param("id")), views.FlashAutoRenewOn)
}
