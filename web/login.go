package web

import (
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/views"
)

// loginPage shows the ways to sign in.
func (s *server) loginPage(c echo.Context) error {
	if s.signedIn(c) {
		return c.Redirect(http.StatusSeeOther, "/")
	}
	r := c.Request()
	existing, target := s.cookie(r, loginCookie), ""
	if existing == "" || c.QueryParam("from") == "link" {
		target = s.refererPath(r) // the page with the link "Sign in"
	}
	state, err := s.app.BeginSignIn(r.Context(), existing, target)
	if err != nil {
		return err
	}
	s.setLoginCookie(c, state)
	p := views.LoginPage{Page: s.page(c), BotName: s.botName, Email: s.app.Seller().Party.Email, ByEmail: s.app.Mails()}
	p.Error = s.takeRefusal(c, p.T)
	if s.botName != "" {
		admitWidget(c)
		p.AuthURL = s.absolute("/login/telegram", url.Values{"st": {state}})
	}
	for _, person := range s.app.DemoPeople() {
		p.People = append(p.People, views.DemoPerson{Key: person.Key, Name: person.Name, About: p.T.T(person.About)})
	}
	return s.render(c, http.StatusOK, views.Login(p))
}

// loginTelegram is the widget's return. Its query is a credential: whatever
// comes of it, the browser goes on to a clean address.
func (s *server) loginTelegram(c echo.Context) error {
	q, err := url.ParseQuery(c.Request().URL.RawQuery)
	if err != nil {
		return s.refuseSignIn(c, fault.Wrap(fault.Unauthenticated, "error.login.forged", err))
	}
	if !q.Has("hash") { // refused at Telegram, or a button without data: the plain page
		return c.Redirect(http.StatusSeeOther, "/login")
	}
	return s.signIn(c, q, s.cookie(c.Request(), loginCookie))
}

// loginDemo signs a demo person in. The proof is made here and checked like
// Telegram's.
func (s *server) loginDemo(c echo.Context) error {
	f, err := form(c)
	if err != nil {
		return err
	}
	r := c.Request()
	state, err := s.app.BeginSignIn(r.Context(), s.cookie(r, loginCookie), "")
	if err != nil {
		return err
	}
	q, err := s.app.DemoReturn(f.Get("person"), state)
	if err != nil {
		return err
	}
	return s.signIn(c, q, state)
}

func (s *server) signIn(c echo.Context, q url.Values, state string) error {
	r := c.Request()
	if !s.signIns.count(s.ip(r), 0, s.now()) {
		return tooMany(c)
	}
	signedIn, err := s.app.SignInTelegram(r.Context(), app.TelegramReturn{
		Query: q, CookieState: state, OldToken: s.token(c), IP: s.ip(r), UserAgent: r.UserAgent(),
	})
	if fault.Is(err, fault.Unauthenticated) {
		return s.refuseSignIn(c, err)
	}
	if err != nil {
		return err
	}
	if err := s.openSession(c, signedIn.Token, signedIn.ExpiresAt.Sub(s.now())); err != nil {
		return err
	}
	s.setCookie(c, loginCookie, "", -time.Second)
	return s.redirect(c, s.returnPath(signedIn.ReturnTo), views.FlashSignedIn)
}

// refuseSignIn counts a refused sign-in and has the sign-in page say why.
func (s *server) refuseSignIn(c echo.Context, err error) error {
	r := c.Request()
	if !s.signIns.count(s.ip(r), 1, s.now()) {
		return tooMany(c)
	}
	s.log.Info("sign-in refused", "id", requestID(r.Context()), "key", keyOf(err), "ip", s.ip(r))
	s.setCookie(c, flashCookie, refusalOf(err), flashLife)
	return c.Redirect(http.StatusSeeOther, "/login")
}

// logout ends the session. It needs none: a second click is no mistake.
func (s *server) logout(c echo.Context) error {
	if s.signedIn(c) {
		if err := s.app.SignOut(c.Request().Context(), s.token(c)); err != nil {
			return err
		}
	}
	if err := s.closeSession(c); err != nil {
		return err
	}
	return s.redirect(c, "/", views.FlashSignedOut)
}

// absolute is an address of ours as the world sees it.
func (s *server) absolute(path string, q url.Values) string {
	u := *s.public
	u.Path, u.RawQuery = path, q.Encode()
	return u.String()
}
