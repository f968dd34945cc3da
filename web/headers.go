package web

import (
	"maps"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// policy is the Content Security Policy of every page (security.md 2.3).
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'; require-trusted-types-for 'script'"

// widgetPolicy lets the sign-in page, and no other, run Telegram's widget. In
// redirect mode its script neither evaluates strings nor writes HTML, so trusted
// types stay on.
var widgetPolicy = strings.Replace(policy, "script-src 'self'", "script-src 'self' https://telegram.org; frame-src https://oauth.telegram.org", 1)

// paymentPolicy lets the forms of a page lead to the providers' pages, by the
// redirect that answers them: browsers ask form-action again there.
func paymentPolicy(origins []string) string {
	return strings.Replace(policy, "form-action 'self'", strings.Join(append([]string{"form-action 'self'"}, origins...), " "), 1)
}

// filePolicy is the policy of downloaded documents. They are our own drawings;
// "sandbox" would keep browsers' PDF viewers from showing them.
const filePolicy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// secureHeaders sets what holds for every answer, errors and redirects too.
// Handlers may only narrow it, but for the sign-in page; they replace a value
// and never write into it, for all answers share it.
func (s *server) secureHeaders(next http.Handler) http.Handler {
	always := http.Header{}
	always.Set("Content-Security-Policy", policy)
	always.Set("X-Content-Type-Options", "nosniff")
	always.Set("Referrer-Policy", "same-origin")
	always.Set("Cross-Origin-Opener-Policy", "same-origin")
	always.Set("Cross-Origin-Resource-Policy", "same-origin")
	always.Set("Permissions-Policy", "browsing-topics=(), camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	always.Set("Cache-Control", "no-store")
	if s.secure {
		always.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		maps.Copy(w.Header(), always)
		next.ServeHTTP(w, r)
	})
}

// admitPayment relaxes the headers of a page that has a form to pay by card.
func (s *server) admitPayment(c echo.Context) {
	c.Response().Header().Set("Content-Security-Policy", s.paymentPolicy)
}

// admitWidget relaxes the headers of the sign-in page for the widget: its
// script and frame, its check of our origin by the referrer, and the window
// that its frame opens.
func admitWidget(c echo.Context) {
	h := c.Response().Header()
	h.Set("Content-Security-Policy", widgetPolicy)
	h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin-allow-popups")
}
