package web

import (
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/views"
)

// emailSignInPage is GET /login/email.
func (s *server) emailSignInPage(c echo.Context) error {
	if s.signedIn(c) {
		return c.Redirect(http.StatusSeeOther, "/")
	}
	return s.render(c, http.StatusOK, views.EmailSignIn(s.emailSignIn(c)))
}

func (s *server) emailSignIn(c echo.Context) views.EmailSignInPage {
	page := views.EmailSignInPage{Page: s.page(c), MailOff: !s.app.Mails()}
	if s.demo {
		page.DemoEmail = app.DemoAccountant
	}
	return page
}

// askSignInLink is POST /login/email. The answer is the same for every address.
func (s *server) askSignInLink(c echo.Context) error {
	f, err := form(c)
	if err != nil {
		return err
	}
	r := c.Request()
	if !s.signIns.count(s.ip(r), 1, s.now()) {
		return tooMany(c)
	}
	token, err := s.app.AskSignInLink(r.Context(), f.Get("email"), s.cookie(r, linkCookie), s.cookie(r, loginCookie))
	if fault.Is(err, fault.Invalid) {
		page := s.emailSignIn(c)
		page.Email = f.Get("email")
		page.Errors, _ = fieldErrors(page.T, err)
		return s.render(c, statusOf(err), views.EmailSignIn(page))
	}
	if err != nil {
		return err
	}
	s.setCookie(c, linkCookie, token, app.EmailLinkLife)
	return c.Redirect(http.StatusSeeOther, "/login/email/sent")
}

// emailSentPage is GET /login/email/sent.
func (s *server) emailSentPage(c echo.Context) error {
	page := views.EmailSentPage{Page: s.page(c), Minutes: int(app.EmailLinkLife / time.Minute)}
	if s.demo {
		c.Set(notKeptKey, true) // the link is on the page
		address, err := s.app.DemoLink(c.Request().Context(), s.cookie(c.Request(), linkCookie))
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		page.DemoURL = address
	}
	return s.render(c, http.StatusOK, views.EmailSent(page))
}

// signInLinkPage is GET /login/link, where the mail leads to. It only looks: the
// scanners of mail servers follow links, and none presses a button.
func (s *server) signInLinkPage(c echo.Context) error {
	values, err := query(c)
	if err != nil {
		return err
	}
	return s.showLink(c, values.Get("token"))
}

func (s *server) showLink(c echo.Context, token string) error {
	r := c.Request()
	c.Set(notKeptKey, true)
	offer, err := s.app.SignInOffer(r.Context(), token, s.cookie(r, linkCookie))
	if fault.Is(err, fault.Unauthenticated) {
		return s.showBadLink(c, err)
	}
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.SignInLink(views.LinkPage{Page: s.page(c), Token: token, Email: offer.Email, Joins: offer.Joins}))
}

// showBadLink says why a link does not work, and counts it.
func (s *server) showBadLink(c echo.Context, err error) error {
	r := c.Request()
	if !s.signIns.count(s.ip(r), 1, s.now()) {
		return tooMany(c)
	}
	s.log.Info("sign-in refused", "id", requestID(r.Context()), "key", keyOf(err), "ip", s.ip(r))
	page, status := views.LinkPage{Page: s.page(c), Problem: "over"}, http.StatusGone
	if keyOf(err) == "error.link.browser" {
		page.Problem, status = "browser", http.StatusConflict
	}
	return s.render(c, status, views.SignInLink(page))
}

// signInByLink is POST /login/link.
func (s *server) signInByLink(c echo.Context) error {
	f, err := form(c)
	if err != nil {
		return err
	}
	r := c.Request()
	if !s.signIns.count(s.ip(r), 0, s.now()) {
		return tooMany(c)
	}
	signedIn, err := s.app.SignInByLink(r.Context(), app.EmailReturn{
		Token: f.Get("token"), Browser: s.cookie(r, linkCookie), OldToken: s.token(c), Language: s.page(c).T.Lang(), IP: s.ip(r), UserAgent: r.UserAgent(),
	})
	if fault.Is(err, fault.Unauthenticated) {
		return s.showBadLink(c, err)
	}
	if err != nil {
		return err
	}
	if err := s.openSession(c, signedIn.Token, signedIn.ExpiresAt.Sub(s.now())); err != nil {
		return err
	}
	s.setCookie(c, linkCookie, "", -time.Second)
	s.setCookie(c, loginCookie, "", -time.Second)
	return s.redirect(c, s.returnPath(signedIn.ReturnTo), views.FlashSignedIn)
}

// peoplePage is GET /billing/members.
func (s *server) peoplePage(c echo.Context) error {
	values, err := query(c)
	if err != nil {
		return err
	}
	return s.showPeople(c, http.StatusOK, values.Get("payer"), "", nil)
}

// showPeople renders the page; typed is an address that was not invited, and
// mistakes say why.
func (s *server) showPeople(c echo.Context, status int, payer, typed string, mistakes views.Errors) error {
	people, err := s.app.People(c.Request().Context(), s.actor(c), account.PayerID(payer))
	if err != nil {
		return err
	}
	page := peopleView(s.page(c), people, s.zone(c))
	page.Email, page.Errors = typed, mistakes
	return s.render(c, status, views.People(page))
}

func peopleView(p views.Page, people app.People, zone *time.Location) views.PeoplePage {
	id := people.Payer.ID
	page := views.PeoplePage{
		Page: p, PayerName: people.Payer.Name, Payer: string(id), Payers: payerPages("/billing/members", people.Payers, id),
		BillingURL: ofPayer("/billing", id), ViewsURL: ofPayer("/billing/views", id), RecipientsURL: ofPayer("/billing/recipients", id), MailOff: people.MailOff,
	}
	for _, m := range people.Members {
		row := views.MemberRow{
			ID: m.AccountID, Name: m.Name, Role: m.Role, ByEmail: m.Email != "", Added: instantOf(p.T, m.AddedAt, zone),
			MayRevoke: account.Role(m.Role) != account.RoleOwner,
		}
		if m.LastView != nil {
			row.LastView = instantOf(p.T, *m.LastView, zone)
		}
		page.Members = append(page.Members, row)
	}
	for _, i := range people.Invitations {
		page.Invitations = append(page.Invitations, views.InvitationRow{
			ID: i.ID, Email: i.Email, Sent: instantOf(p.T, i.InvitedAt, zone), Expires: instantOf(p.T, i.ExpiresAt, zone),
			Expired: !i.ExpiresAt.After(people.Now), Mail: i.Mail,
		})
	}
	return page
}

// payerPages are the links to the same page of each payer.
func payerPages(path string, payers []app.PayerOf, current account.PayerID) []views.Link {
	list := make([]views.Link, len(payers))
	for i, p := range payers {
		list[i] = views.Link{Text: p.Name, URL: ofPayer(path, p.ID), Current: p.ID == current}
	}
	return list
}

// inviteAccountant is POST /billing/members.
func (s *server) inviteAccountant(c echo.Context) error {
	f, err := form(c)
	if err != nil {
		return err
	}
	payer := f.Get("payer")
	err = s.app.InviteAccountant(c.Request().Context(), s.actor(c), account.PayerID(payer), f.Get("email"))
	if mistakes, ok := fieldErrors(s.translator(c), err); ok {
		return s.showPeople(c, statusOf(err), payer, f.Get("email"), mistakes)
	}
	return s.toPeople(c, payer, views.FlashInvited, err)
}

// toPeople ends a form of the page of people.
func (s *server) toPeople(c echo.Context, payer, flash string, err error) error {
	if err != nil {
		return err
	}
	return s.redirect(c, ofPayer("/billing/members", account.PayerID(payer)), flash)
}

// inviteAgain is POST /billing/members/invitations/{id}/again.
func (s *server) inviteAgain(c echo.Context) error {
	f, err := form(c)
	if err != nil {
		return err
	}
	payer := f.Get("payer")
	err = s.app.InviteAgain(c.Request().Context(), s.actor(c), account.PayerID(payer), c.Param("id"))
	if mistakes, ok := fieldErrors(s.translator(c), err); ok {
		return s.showPeople(c, statusOf(err), payer, "", mistakes)
	}
	return s.toPeople(c, payer, views.FlashInvited, err)
}

// revokeInvitation is POST /billing/members/invitations/{id}/revoke.
func (s *server) revokeInvitation(c echo.Context) error {
	f, err := form(c)
	if err != nil {
		return err
	}
	payer := f.Get("payer")
	err = s.app.RevokeInvitation(c.Request().Context(), s.actor(c), account.PayerID(payer), c.Param("id"))
	return s.toPeople(c, payer, views.FlashInvitationRevoked, err)
}

// revokeMember is POST /billing/members/{account}/revoke.
func (s *server) revokeMember(c echo.Context) error {
	f, err := form(c)
	if err != nil {
		return err
	}
	payer := f.Get("payer")
	err = s.app.RevokeMember(c.Request().Context(), s.actor(c), account.PayerID(payer), account.ID(c.Param("id")))
	return s.toPeople(c, payer, views.FlashMemberRevoked, err)
}

// viewLogPage is GET /billing/views.
func (s *server) viewLogPage(c echo.Context) error {
	values, err := query(c)
	if err != nil {
		return err
	}
	log, err := s.app.ViewLog(c.Request().Context(), s.actor(c), account.PayerID(values.Get("payer")), values.Get("after"))
	if err != nil {
		return err
	}
	p := s.page(c)
	page := views.ViewLogPage{
		Page: p, PayerName: log.Payer.Name, Payers: payerPages("/billing/views", log.Payers, log.Payer.ID), PeopleURL: ofPayer("/billing/members", log.Payer.ID),
	}
	for _, v := range log.Items {
		row := views.ViewRow{At: instantOf(p.T, v.At, s.zone(c)), Who: v.Who, Kind: v.Kind, Number: v.Number, Format: v.Format}
		if v.Number != "" {
			row.URL = documentURL(v.Kind, v.Number)
		}
		page.Rows = append(page.Rows, row)
	}
	if values.Get("after") != "" {
		page.FirstURL = ofPayer("/billing/views", log.Payer.ID)
	}
	if log.Next != "" {
		page.NextURL = "/billing/views?" + url.Values{"payer": {string(log.Payer.ID)}, "after": {log.Next}}.Encode()
	}
	return s.render(c, http.StatusOK, views.ViewLog(page))
}

// documentURL is where a document of a kind is read.
func documentURL(kind, number string) string {
	switch kind {
	case "receipt":
		return receiptURL(number)
	case "bank_invoice":
		return orderURL(number)
	}
	return invoiceURL(number)
}
