package web

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// healthz says that the process answers.
func (s *server) healthz(c echo.Context) error {
	return c.String(http.StatusOK, "ok\n")
}

// readyz says whether the portal can serve pages.
func (s *server) readyz(c echo.Context) error {
	if err := s.app.Ready(c.Request().Context()); err != nil {
		s.log.Error("not ready", "id", requestID(c.Request().Context()), "error", err)
		return c.String(http.StatusServiceUnavailable, "not ready\n")
	}
	return c.String(http.StatusOK, "ready\n")
}
