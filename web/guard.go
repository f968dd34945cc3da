package web

import (
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/fault"
)

// guard says who gets to a handler. What they may see there is decided by the
// use case.
type guard int

const (
	bare      guard = iota // anybody; no session is looked up
	public                 // anybody; a signed-in person is known
	signedIn               // signed-in people; others are sent to sign in
	staffOnly              // people of the back office; to all others the page does not exist
	keyed                  // programs with a payer's key; cookies count for nothing
)

const (
	actorKey      = "actor"
	tokenKey      = "token"
	recognisedKey = "recognised"
	staffOverKey  = "staff-over"
)

// guarded puts a route's guard before its handler.
func (s *server) guarded(r route) echo.HandlerFunc {
	return func(c echo.Context) error {
		for _, p := range c.ParamValues() {
			if !printable(p) {
				return fault.Missing("path parameter")
			}
		}
		switch r.Guard {
		case bare:
			return r.Handler(c)
		case keyed:
			return s.byKey(r.Handler)(c)
		case public, signedIn, staffOnly:
		}
		if err := s.recognise(c); err != nil {
			return err
		}
		if r.Guard == signedIn && !s.signedIn(c) {
			return s.askToSignIn(c)
		}
		if r.Guard == staffOnly && s.actor(c).Staff == "" {
			if s.sessions.staffOver(c.Request()) { // who left for too long, and knows the page
				return s.askToSignIn(c)
			}
			return fault.Missing("staff member")
		}
		if s.actor(c).OnlyReads() {
			return s.asReader(c, r)
		}
		return r.Handler(c)
	}
}

// ownAffairs are the routes by which also somebody who only reads changes
// something: what is theirs alone.
var ownAffairs = map[string]bool{"account-save": true, "session-end": true, "sessions-end": true}

// asReader serves somebody who signed in by e-mail. There are two walls: nothing
// is sent to the pages of signed-in people, whatever it is about, and whatever is
// done for them cannot write (app.AsReader). What is open to everybody is so to
// them.
func (s *server) asReader(c echo.Context, r route) error {
	reads := r.Method == http.MethodGet
	if r.Guard == public && !reads {
		return r.Handler(c)
	}
	if !reads && !ownAffairs[r.Name] && !s.readersWallDown {
		return fault.New(fault.Forbidden, "error.read_only")
	}
	c.SetRequest(c.Request().WithContext(app.AsReader(c.Request().Context())))
	return r.Handler(c)
}

// recognise finds out who sends the request. An unknown or expired session is
// nobody's.
func (s *server) recognise(c echo.Context) error {
	c.Set(recognisedKey, true)
	visitor, token, err := s.sessions.visitor(c.Request())
	if err != nil {
		return err
	}
	if visitor.AccountID != "" {
		c.Set(actorKey, visitor)
		c.Set(tokenKey, token)
	}
	return nil
}

// actor is the signed-in person; the zero Actor when there is none.
func (s *server) actor(c echo.Context) account.Actor { return s.visitor(c).Actor }

// visitor is the signed-in person with what each of their pages says.
func (s *server) visitor(c echo.Context) app.Visitor {
	visitor, _ := c.Get(actorKey).(app.Visitor)
	return visitor
}

// token is that of the request's session; empty when nobody is signed in.
func (s *server) token(c echo.Context) string {
	token, _ := c.Get(tokenKey).(string)
	return token
}

// signedIn reports whether the request comes from a signed-in person.
func (s *server) signedIn(c echo.Context) bool { return s.actor(c).AccountID != "" }

// askToSignIn notes where the person was going and leads to the sign-in page.
// A form that was sent is lost; its page is where the person comes back to.
func (s *server) askToSignIn(c echo.Context) error {
	r := c.Request()
	target := s.refererPath(r)
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		target = s.returnPath(r.URL.RequestURI())
	}
	state, err := s.app.BeginSignIn(r.Context(), "", target)
	if err != nil {
		return err
	}
	s.setLoginCookie(c, state)
	return c.Redirect(http.StatusSeeOther, "/login")
}

// printable refuses what PostgreSQL cannot store and nobody types.
func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}
