package web

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/subscription"
	"github.com/siptg/portal/views"
)

// requestsPage is GET /requests.
func (s *server) requestsPage(c echo.Context) error {
	requests, err := s.app.RefundRequestsOf(c.Request().Context(), s.actor(c))
	if err != nil {
		return err
	}
	corrections, err := s.app.CorrectionRequestsOf(c.Request().Context(), s.actor(c))
	if err != nil {
		return err
	}
	page := requestsView(s.page(c), requests, s.app.Seller().RefundDays, s.zone(c))
	page.Corrections = correctionRows(page.T, corrections, s.zone(c))
	return s.render(c, http.StatusOK, views.Requests(page))
}

// refundForm is GET /requests/new/refund?subscription=.
func (s *server) refundForm(c echo.Context) error {
	values, err := query(c)
	if err != nil {
		return err
	}
	if values.Get("subscription") == "" {
		return s.chooseRefund(c)
	}
	return s.showRefundForm(c, url.Values{"subscription": {values.Get("subscription")}}, nil)
}

// chooseRefund lists the subscriptions that a refund can be asked of.
func (s *server) chooseRefund(c echo.Context) error {
	list, err := s.app.Subscriptions(c.Request().Context(), s.actor(c))
	if err != nil {
		return err
	}
	page := views.RefundChoicePage{Page: s.page(c)}
	for i, row := range subscriptionRows(page.T, list, s.zone(c)) {
		if list.Items[i].MayManage && list.Items[i].State == subscription.StateActive {
			row.URL = "/requests/new/refund?" + url.Values{"subscription": {row.ID}}.Encode()
			page.Items = append(page.Items, row)
		}
	}
	return s.render(c, http.StatusOK, views.RefundChoice(page))
}

// askRefund is POST /requests/new/refund.
func (s *server) askRefund(c echo.Context) error {
	values, err := form(c)
	if err != nil {
		return err
	}
	_, err = s.app.AskRefund(c.Request().Context(), s.actor(c), values.Get("subscription"), values.Get("target"), values.Get("reason"))
	switch {
	case err == nil:
		return s.redirect(c, "/requests", views.FlashRefundAsked)
	case fault.Is(err, fault.Invalid), fault.Is(err, fault.Conflict):
		return s.showRefundForm(c, values, err)
	}
	return err
}

// showRefundForm shows what a subscription would give back, and the form to ask
// for it. mistake is why it was refused; what was typed stays.
func (s *server) showRefundForm(c echo.Context, values url.Values, mistake error) error {
	ctx, actor, id := c.Request().Context(), s.actor(c), values.Get("subscription")
	// Whose it is comes first: to others it does not exist.
	item, err := s.app.Subscription(ctx, actor, id)
	if err != nil {
		return err
	}
	page := refundFormView(s.page(c), item, values)
	page.DecideDays = s.app.Seller().RefundDays
	offer, err := s.app.RefundOffer(ctx, actor, id)
	status := http.StatusOK
	switch {
	case err == nil:
		page.Offer = refundOfferView(page.T, offer)
		if offer.Open != nil {
			page.Blocked = page.T.T("error.refund.one_open")
		}
	case fault.Is(err, fault.Conflict):
		page.Blocked = faultText(page.T, err)
	default:
		return err
	}
	if mistake != nil {
		status = statusOf(mistake)
		page.Errors, _ = fieldErrors(page.T, mistake)
		if page.Blocked == "" && len(page.Errors) == 0 {
			page.Blocked = faultText(page.T, mistake)
		}
	}
	return s.render(c, status, views.RefundForm(page))
}

// staffRefundsPage is GET /staff/refunds.
func (s *server) staffRefundsPage(c echo.Context) error {
	requests, err := s.app.StaffRefunds(c.Request().Context(), s.actor(c))
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.StaffRefunds(staffRefundsView(s.page(c), requests, s.zone(c))))
}

// staffRefundPage is GET /staff/refunds/{id}.
func (s *server) staffRefundPage(c echo.Context) error { return s.showStaffRefund(c, "", nil) }

func (s *server) showStaffRefund(c echo.Context, typed string, mistake error) error {
	r, err := s.app.StaffRefund(c.Request().Context(), s.actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	page := staffRefundView(s.page(c), r, s.zone(c))
	page.Typed = typed
	status := http.StatusOK
	if mistake != nil {
		status, page.Errors = statusOf(mistake), errorList(page.T, mistake, "reason")
	}
	return s.render(c, status, views.StaffRefund(page))
}

func staffRefundURL(id string) string { return "/staff/refunds/" + url.PathEscape(id) }

// approveRefund is POST /staff/refunds/{id}/approve.
func (s *server) approveRefund(c echo.Context) error {
	id := c.Param("id")
	if err := s.app.ApproveRefund(c.Request().Context(), s.actor(c), id); err != nil {
		return err
	}
	return s.redirect(c, staffRefundURL(id), views.FlashRefundApproved)
}

// rejectRefund is POST /staff/refunds/{id}/reject.
func (s *server) rejectRefund(c echo.Context) error {
	values, err := form(c)
	if err != nil {
		return err
	}
	id, reason := c.Param("id"), values.Get("reason")
	err = s.app.RejectRefund(c.Request().Context(), s.actor(c), id, reason)
	switch {
	case err == nil:
		return s.redirect(c, staffRefundURL(id), views.FlashRefundRejected)
	case fault.Is(err, fault.Invalid):
		return s.showStaffRefund(c, reason, err)
	}
	return err
}
