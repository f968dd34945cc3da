package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/views"
)

// accountPage shows the person, what they chose, and where they are signed in.
func (s *server) accountPage(c echo.Context) error {
	return s.showAccount(c, http.StatusOK, nil, nil)
}

// saveAccount stores language and time zone.
func (s *server) saveAccount(c echo.Context) error {
	f, err := form(c)
	if err != nil {
		return err
	}
	err = s.app.SaveProfile(c.Request().Context(), s.actor(c), f.Get("language"), f.Get("time_zone"))
	if mistakes, ok := fieldErrors(s.translator(c), err); ok {
		return s.showAccount(c, http.StatusUnprocessableEntity, f, mistakes)
	}
	if err != nil {
		return err
	}
	return s.redirect(c, "/account", views.FlashProfileSaved)
}

// showAccount renders the page; typed holds the form when it had mistakes.
func (s *server) showAccount(c echo.Context, status int, typed url.Values, mistakes views.Errors) error {
	ctx := c.Request().Context()
	profile, err := s.app.Profile(ctx, s.actor(c))
	if err != nil {
		return err
	}
	sessions, err := s.app.Sessions(ctx, s.actor(c), s.token(c))
	if err != nil {
		return err
	}
	p := views.AccountPage{
		Page: s.page(c), Name: profile.Name(), Username: profile.Username, TelegramID: profile.TelegramID.String(), Email: profile.Email,
		Language: profile.Language, Languages: i18n.Languages(), TimeZone: profile.TimeZone, Errors: mistakes,
	}
	if typed != nil {
		p.Language, p.TimeZone = typed.Get("language"), typed.Get("time_zone")
	}
	p.TimeZones = timeZones
	if profile.TimeZone != "" && !slices.Contains(timeZones, profile.TimeZone) {
		p.TimeZones = append([]string{profile.TimeZone}, timeZones...)
	}
	for _, x := range sessions {
		p.Sessions = append(p.Sessions, views.SessionRow{
			ID: x.ID, Current: x.Current, Device: device(p.T, x.UserAgent), IP: x.IP,
			CreatedAt: instantOf(p.T, x.CreatedAt, s.zone(c)), LastSeenAt: instantOf(p.T, x.LastSeenAt, s.zone(c)),
		})
	}
	return s.render(c, status, views.Account(p))
}

// endSession ends one of the person's sessions.
func (s *server) endSession(c echo.Context) error {
	f, err := form(c)
	if err != nil {
		return err
	}
	id := f.Get("session")
	if !isUUID(id) {
		return fault.Missing("session")
	}
	if err := s.app.EndSession(c.Request().Context(), s.actor(c), id); err != nil {
		return err
	}
	return s.redirect(c, "/account", views.FlashSessionEnded)
}

// endOtherSessions ends all but the current one.
func (s *server) endOtherSessions(c echo.Context) error {
	if err := s.app.EndOtherSessions(c.Request().Context(), s.actor(c), s.token(c)); err != nil {
		return err
	}
	return s.redirect(c, "/account", views.FlashSessionsEnded)
}

// isUUID reports whether s has the form of our ids, in lower case.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case (c < '0' || c > '9') && (c < 'a' || c > 'f'):
			return false
		}
	}
	return true
}

// Names that browsers and systems go by, in the order in which to look for
// them: most browsers call themselves by several.
var (
	browsers = [][2]string{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"}, {"YaBrowser/", "Yandex Browser"},
		{"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"}, {"CriOS/", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"},
	}
	systems = [][2]string{
		{"Android", "Android"}, {"iPhone", "iOS"}, {"iPad", "iPadOS"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"},
		{"CrOS", "ChromeOS"}, {"Linux", "Linux"},
	}
)

// device names a browser and its system; empty when either is unknown.
func device(t i18n.Translator, userAgent string) string {
	name := func(list [][2]string) string {
		for _, x := range list {
			if strings.Contains(userAgent, x[0]) {
				return x[1]
			}
		}
		return ""
	}
	browser, system := name(browsers), name(systems)
	if browser == "" || system == "" {
		return ""
	}
	return t.T("account.session.device", "Browser", browser, "System", system)
}
