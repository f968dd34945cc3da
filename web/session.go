package web

import (
	"errors"
	"net/http"
	"time"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/fault"
)

// Names of our cookies. On https they take the prefix __Host-, with which a
// browser refuses any that another host or plain http has set.
const (
	sessionCookie = "sid"
	loginCookie   = "login"
	flashCookie   = "flash"
	linkCookie    = "link" // of the browser that asked for a sign-in link
)

// loginCookieLife is as long as the state that the cookie is the twin of.
const loginCookieLife = 10 * time.Minute

// tokenStore is a sessions.Store whose sessions live in the database: the
// cookie carries a random token and nothing else, so a session that was ended
// there is over at once.
type tokenStore struct {
	app    *app.App
	secure bool
}

var _ sessions.Store = (*tokenStore)(nil)

// Get returns the request's session, looked up once.
func (t *tokenStore) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(t, name)
}

// New looks the session up. One that is unknown or over comes back new.
func (t *tokenStore) New(r *http.Request, name string) (*sessions.Session, error) {
	session := sessions.NewSession(t, name)
	session.Options = t.options(0)
	session.IsNew = true
	cookie, err := r.Cookie(t.name(name))
	if err != nil || cookie.Value == "" || len(cookie.Value) > 100 {
		return session, nil
	}
	visitor, err := t.app.VisitorBySession(r.Context(), cookie.Value)
	if fault.Is(err, fault.Unauthenticated) {
		session.Values[staffOverKey] = errors.Is(err, app.ErrStaffSessionOver)
		return session, nil
	}
	if err != nil {
		return session, err
	}
	session.ID, session.IsNew = cookie.Value, false
	session.Values[actorKey] = visitor
	return session, nil
}

// Save sends the session's token to the browser, or takes it away when MaxAge
// is negative. The session itself was written by the use case.
func (t *tokenStore) Save(_ *http.Request, w http.ResponseWriter, session *sessions.Session) error {
	http.SetCookie(w, sessions.NewCookie(t.name(session.Name()), session.ID, session.Options))
	return nil
}

func (t *tokenStore) options(maxAge int) *sessions.Options {
	// Lax, for the return from Telegram comes from another site.
	return &sessions.Options{Path: "/", MaxAge: maxAge, Secure: t.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

func (t *tokenStore) name(name string) string {
	if t.secure {
		return "__Host-" + name
	}
	return name
}

// visitor returns who sends the request and the token that says so.
func (t *tokenStore) visitor(r *http.Request) (app.Visitor, string, error) {
	session, err := t.Get(r, sessionCookie)
	if err != nil {
		return app.Visitor{}, "", err
	}
	visitor, _ := session.Values[actorKey].(app.Visitor)
	return visitor, session.ID, nil
}

// staffOver reports whether the request comes with a staff member's session that
// went beyond its limits.
func (t *tokenStore) staffOver(r *http.Request) bool {
	session, err := t.Get(r, sessionCookie)
	over, _ := session.Values[staffOverKey].(bool)
	return err == nil && over
}

// openSession gives the browser the token of a fresh session.
func (s *server) openSession(c echo.Context, token string, life time.Duration) error {
	session := sessions.NewSession(s.sessions, sessionCookie)
	session.ID, session.Options = token, s.sessions.options(max(1, int(life/time.Second)))
	return session.Save(c.Request(), c.Response())
}

// closeSession takes the token away.
func (s *server) closeSession(c echo.Context) error {
	session := sessions.NewSession(s.sessions, sessionCookie)
	session.Options = s.sessions.options(-1)
	return session.Save(c.Request(), c.Response())
}

// setCookie sets one of our other cookies; a negative life takes it away.
func (s *server) setCookie(c echo.Context, name, value string, life time.Duration) {
	http.SetCookie(c.Response(), sessions.NewCookie(s.sessions.name(name), value, s.sessions.options(int(life/time.Second))))
}

// cookie returns the value of one of our cookies, or "".
func (s *server) cookie(r *http.Request, name string) string {
	cookie, err := r.Cookie(s.sessions.name(name))
	if err != nil || len(cookie.Value) > 100 {
		return ""
	}
	return cookie.Value
}

func (s *server) setLoginCookie(c echo.Context, state string) {
	s.setCookie(c, loginCookie, state, loginCookieLife)
}
