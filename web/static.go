package web

import (
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/static"
)

var files = static.Handler()

// static serves the files of the pages under their hashed names.
func (s *server) static(c echo.Context) error {
	files.ServeHTTP(c.Response(), c.Request())
	return nil
}

// favicon answers browsers that ask for one without reading a page.
func (s *server) favicon(c echo.Context) error {
	data, contentType, ok := static.Bytes("favicon.svg")
	if !ok {
		return fault.Missing("favicon")
	}
	c.Response().Header().Set("Cache-Control", "public, max-age=86400")
	return c.Blob(http.StatusOK, contentType, data)
}
