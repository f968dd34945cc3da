package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/views"
)

// statusOf is the map from errors to statuses, the only one.
func statusOf(err error) int {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		switch e.Kind {
		case fault.Invalid:
			return http.StatusUnprocessableEntity
		case fault.Unauthenticated:
			return http.StatusSeeOther // to the sign-in page
		case fault.Forbidden:
			return http.StatusForbidden
		case fault.NotFound:
			return http.StatusNotFound
		case fault.Conflict:
			return http.StatusConflict
		case fault.Unavailable:
			return http.StatusServiceUnavailable
		case fault.Internal:
			return http.StatusInternalServerError
		}
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return http.StatusRequestEntityTooLarge
	}
	if e, ok := errors.AsType[*echo.HTTPError](err); ok {
		return e.Code
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// fail answers a request that failed. What a person reads comes from a key of
// the fault; what went wrong inside goes to the log.
func (s *server) fail(err error, c echo.Context) {
	status := statusOf(err)
	id := requestID(c.Request().Context())
	if status >= http.StatusInternalServerError && !errors.Is(err, context.Canceled) {
		s.log.Error("request failed", "id", id, "route", c.Path(), "error", err)
	} else { // the error's text may quote what was typed
		s.log.Debug("request refused", "id", id, "route", c.Path(), "status", status, "key", keyOf(err))
	}
	if c.Response().Committed {
		return
	}
	if isAPI(c.Request()) {
		s.failAPI(c, status, err)
		return
	}
	if status != http.StatusTooManyRequests && status < http.StatusInternalServerError && c.Get(recognisedKey) == nil {
		_ = s.recognise(c) // the page of a missing route is the same as that of a missing thing
	}
	if status == http.StatusSeeOther {
		if err := s.askToSignIn(c); err == nil {
			return
		}
		status = http.StatusServiceUnavailable
	}
	page := views.ErrorPage{Page: s.page(c), Status: status}
	page.Active, page.Path, page.BackOffice = "", "", false
	switch {
	case status == http.StatusNotFound: // the same bytes whether it is missing or not theirs
	case status >= http.StatusInternalServerError:
		page.RequestID = id
	default:
		page.Text = faultText(page.T, err)
		if page.BackURL = s.refererPath(c.Request()); page.BackURL == "/" {
			page.BackURL = "" // every failure has a link there
		}
	}
	if err := s.render(c, status, views.Failure(page)); err != nil {
		s.log.Error("error page not sent", "id", id, "error", err)
	}
}

// keyOf is the key of a fault, or "".
func keyOf(err error) string {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e.Key
	}
	return ""
}
