package web

import (
	"net/http"

	"github.com/siptg/portal/internal/fault"
)

// sameOrigin refuses what other sites send in a person's name (security.md
// 2.2). http.CrossOriginProtection lets a request pass that carries neither
// Sec-Fetch-Site nor Origin, for it is no browser's; with a cookie it is
// refused here.
func (s *server) sameOrigin(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(s.refuseOrigin))
	checked := protection.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodGet, http.MethodHead, http.MethodOptions:
		default:
			if r.Header.Get("Cookie") != "" && r.Header.Get("Origin") == "" && r.Header.Get("Sec-Fetch-Site") == "" {
				s.refuseOrigin(w, r)
				return
			}
		}
		checked.ServeHTTP(w, r)
	})
}

func (s *server) refuseOrigin(w http.ResponseWriter, r *http.Request) {
	s.fail(fault.New(fault.Forbidden, "error.request.origin"), s.echo.NewContext(r, w))
}
