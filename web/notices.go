package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/notice"
	"github.com/siptg/portal/views"
)

// noticesPage is GET /notices.
func (s *server) noticesPage(c echo.Context) error {
	values, err := query(c)
	if err != nil {
		return err
	}
	list, err := s.app.Notices(c.Request().Context(), s.actor(c), values.Get("after"))
	if err != nil {
		return err
	}
	page := views.NoticesPage{Page: s.page(c)}
	for _, n := range list.Items {
		text := app.NoticeIn(page.T, n.Notice, s.zone(c))
		row := views.NoticeRow{
			Key: n.Key, Kind: string(n.Kind), At: instantOf(page.T, n.At, s.zone(c)), Subject: text.Subject, Body: strings.Join(text.Body, " "),
			Delivery: deliveryViews(n.Deliveries),
		}
		if list.Payers > 1 {
			row.PayerName = n.PayerName
		}
		for _, l := range text.Links {
			row.Links = append(row.Links, views.Link{Text: l.Text, URL: l.Path})
		}
		page.Rows = append(page.Rows, row)
	}
	if values.Get("after") != "" {
		page.FirstURL = "/notices"
	}
	if list.Next != "" {
		page.NextURL = "/notices?" + url.Values{"after": {list.Next}}.Encode()
	}
	return s.render(c, http.StatusOK, views.Notices(page))
}

// deliveryViews tells for each channel the best that became of it: a payer may
// have several people on Telegram. What was not meant to go out is left out.
func deliveryViews(deliveries []notice.Delivery) []views.NoticeDelivery {
	states := []string{string(notice.Sent), string(notice.Pending), string(notice.Failed), notice.SkipUnreachable}
	var list []views.NoticeDelivery
	for _, channel := range []notice.Channel{notice.Telegram, notice.Email} {
		best := len(states)
		for _, d := range deliveries {
			state := string(d.State)
			if d.State == notice.Skipped {
				state = d.Why
			}
			if i := slices.Index(states, state); d.Channel == channel && i >= 0 {
				best = min(best, i)
			}
		}
		if best < len(states) {
			list = append(list, views.NoticeDelivery{Channel: string(channel), State: states[best]})
		}
	}
	return list
}
