package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"
)

// maxReturn is how long a return path may be.
const maxReturn = 1000

// returnPath returns where a sign-in may lead to: target when it is the path
// of one of our pages, else "/". It must start with one slash, have no
// backslash and no control character (browsers read "/\" and "/<tab>/" as
// "//"), parse without scheme and host, and be a GET route of the table.
func (s *server) returnPath(target string) string {
	if len(target) > maxReturn || !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "//") ||
		strings.Contains(target, `\`) || !printable(target) {
		return "/"
	}
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || !s.isPage(u) {
		return "/"
	}
	u.Fragment, u.RawFragment = "", ""
	if clean := u.String(); strings.HasPrefix(clean, "/") && !strings.HasPrefix(clean, "//") {
		return clean
	}
	return "/"
}

// isPage reports whether a GET route serves the path.
func (s *server) isPage(u *url.URL) bool {
	c := s.echo.AcquireContext()
	defer s.echo.ReleaseContext(c)
	r := &http.Request{Method: http.MethodGet, URL: u}
	c.Reset(r, nil)
	s.echo.Router().Find(http.MethodGet, echo.GetPath(r), c)
	return s.targets[c.Path()]
}

// refererPath is the page of ours that a request comes from, else "/".
func (s *server) refererPath(r *http.Request) string {
	u, err := url.Parse(r.Referer())
	if err != nil || u.Host == "" || (u.Host != r.Host && u.Host != s.public.Host) {
		return "/"
	}
	return s.returnPath((&url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}).String())
}
