package web

import (
	"time"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
)

// advanceDemo moves the demo's clock and comes back to the page.
func (s *server) advanceDemo(c echo.Context) error {
	f, err := form(c)
	if err != nil {
		return err
	}
	now := s.now()
	today := civil.DateOf(now, s.seller)
	var target civil.Date
	switch f.Get("by") {
	case "1d":
		target = today.AddDays(1)
	case "1m":
		target = today.AddMonths(1, today.Day)
	case "6m":
		target = today.AddMonths(6, today.Day)
	default:
		return fault.New(fault.Invalid, "error.clock.range")
	}
	by := time.Duration(target.Sub(today)) * 24 * time.Hour
	if err := s.app.AdvanceDemo(c.Request().Context(), by); err != nil {
		return err
	}
	return s.redirect(c, s.refererPath(c.Request()), "")
}
