package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/views"
)

// maxUserAgent is how much of a browser's name is kept with a consent.
const maxUserAgent = 300

// payOrder is POST /orders/{number}/pay: it leads to the provider's page. The
// field "keep" lets the card be charged for renewals; "consent" is then the
// digest of the text that the person was shown.
func (s *server) payOrder(c echo.Context) error {
	values, err := form(c)
	if err != nil {
		return err
	}
	r, number, t := c.Request(), c.Param("number"), s.translator(c)
	in := app.StartPaymentInput{IP: s.ip(r), UserAgent: clipped(r.UserAgent(), maxUserAgent), Language: t.Lang()}
	switch values.Get("keep") {
	case "":
	case "on":
		o, err := s.app.Order(r.Context(), s.actor(c), number)
		if err != nil {
			return err
		}
		shown := renewalConsent(t, o, s.app.Seller())
		if shown.digest() != values.Get("consent") {
			return s.showOrder(c, number, values, fault.New(fault.Conflict, "error.consent.changed"))
		}
		in.Keep, in.ConsentID, in.ConsentText = true, renewalConsentID, shown.text()
	default:
		return fault.New(fault.Invalid, "error.request.malformed")
	}
	address, err := s.app.StartPayment(r.Context(), s.actor(c), number, in)
	if err != nil {
		return s.notPaid(c, number, values, err)
	}
	return s.toProvider(c, address)
}

// toProvider leads to the provider's page. An address on an origin that the
// provider does not name is an error of ours, which browsers would not say: the
// page's policy keeps the form from leading there.
func (s *server) toProvider(c echo.Context, address string) error {
	if !slices.ContainsFunc(s.app.PayerOrigins(), func(origin string) bool { return strings.HasPrefix(address, origin+"/") }) {
		return fmt.Errorf("web: payers pay at %q, which is on none of the providers' origins %q", address, s.app.PayerOrigins())
	}
	return c.Redirect(http.StatusSeeOther, address)
}

// payOrderFromBalance is POST /orders/{number}/pay-from-balance.
func (s *server) payOrderFromBalance(c echo.Context) error {
	values, err := form(c)
	if err != nil {
		return err
	}
	number := c.Param("number")
	if err := s.app.PayOrderFromBalance(c.Request().Context(), s.actor(c), number); err != nil {
		return s.notPaid(c, number, values, err)
	}
	return s.redirect(c, orderURL(number), "")
}

// chooseMethod is POST /orders/{number}/method.
func (s *server) chooseMethod(c echo.Context) error {
	values, err := form(c)
	if err != nil {
		return err
	}
	number := c.Param("number")
	if err := s.app.ChooseMethod(c.Request().Context(), s.actor(c), number, order.Method(values.Get("method"))); err != nil {
		return s.notPaid(c, number, values, err)
	}
	return s.redirect(c, orderURL(number), "")
}

// notPaid shows the order with the reason why it was not paid.
func (s *server) notPaid(c echo.Context, number string, values url.Values, why error) error {
	switch statusOf(why) {
	case http.StatusConflict, http.StatusUnprocessableEntity, http.StatusServiceUnavailable:
		return s.showOrder(c, number, values, why)
	}
	return why
}

// orderPaymentPage is GET /orders/{number}/payment, where the provider's page
// leads back to. It asks the provider, and books nothing by itself.
func (s *server) orderPaymentPage(c echo.Context) error {
	ctx, actor, number := c.Request().Context(), s.actor(c), c.Param("number")
	p, err := s.app.PaymentReturned(ctx, actor, number)
	if err != nil {
		return err
	}
	o, err := s.app.Order(ctx, actor, number)
	if err != nil {
		return err
	}
	if o.Payment != nil {
		p = *o.Payment // as of the same moment as the order
	}
	page := orderPaymentView(s.page(c), o, p)
	s.reload(c, page.Reloads)
	return s.render(c, http.StatusOK, views.Payment(page))
}

// topUpPaymentPage is GET /balance/payment, the same for a top-up.
func (s *server) topUpPaymentPage(c echo.Context) error {
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
	payer := payers[current].ID
	p, err := s.app.TopUpReturned(c.Request().Context(), s.actor(c), payer)
	if err != nil {
		return err
	}
	page := topUpPaymentView(s.page(c), payer, p)
	s.reload(c, page.Reloads)
	return s.render(c, http.StatusOK, views.Payment(page))
}

// reloadAfter is when a page that waits for the provider asks again, in seconds.
const reloadAfter = 10

// reload has the browser ask for the page again, without any script.
func (s *server) reload(c echo.Context, again bool) {
	if again {
		c.Response().Header().Set("Refresh", strconv.Itoa(reloadAfter))
	}
}

// cardsPage is GET /billing/methods.
func (s *server) cardsPage(c echo.Context) error {
	values, err := query(c)
	if err != nil {
		return err
	}
	cards, err := s.app.Cards(c.Request().Context(), s.actor(c), account.PayerID(values.Get("payer")))
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.Cards(cardsView(s.page(c), cards, s.zone(c))))
}

// revokeCard is POST /billing/methods/{id}/revoke. The field "payer" says which
// page of cards to go back to.
func (s *server) revokeCard(c echo.Context) error {
	values, err := form(c)
	if err != nil {
		return err
	}
	if err := s.app.RevokeMethod(c.Request().Context(), s.actor(c), c.Param("id")); err != nil {
		return err
	}
	target := "/billing/methods"
	if payer := values.Get("payer"); payer != "" {
		target = ofPayer(target, account.PayerID(payer))
	}
	return s.redirect(c, target, views.FlashCardRemoved)
}

// clipped is the start of a text that came from outside, fit to be stored.
func clipped(text string, most int) string {
	if len(text) > most {
		text = text[:most]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, "?"), "\x00", "?")
}
