package app

import (
	"bytes"
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/notice"
	"github.com/siptg/portal/internal/store"
)

// Limits of signing in by e-mail.
const (
	EmailSession  = 30 * 24 * time.Hour // of who only reads, and can be shut out at any time
	EmailLinkLife = 15 * time.Minute
	linksAnHour   = 5 // for one address, known or not
)

// linkPath is where the link of the mail leads to.
const linkPath = "/login/link"

// to is the delivery of a fresh mail to an address.
func to(email string) notice.Delivery { return notice.Delivery{Recipient: email} }

// AskSignInLink has a link mailed to an address, if that has a seat. What is done
// here is the same for every address, and so is the answer: whether there is a
// seat is only looked up by the job that sends. browser is the token of the
// browser's cookie, or "" for a fresh one; state is that of a sign-in that had
// begun, which knows where the person was going. Beyond a few links an hour
// nothing is sent, and nothing says so.
func (a *App) AskSignInLink(ctx context.Context, typed, browser, state string) (token string, err error) {
	email, fields := mailAddress(typed)
	if err := fields.Err(); err != nil {
		return "", err
	}
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		token = newToken()
		if browser != "" { // a link that was asked for before stays good
			if _, err := tx.LiveLinkOf(ctx, hash(browser)); err == nil {
				token = browser
			} else if !fault.Is(err, fault.NotFound) {
				return err
			}
		}
		target := "/"
		if state != "" {
			if kept, err := tx.LoginState(ctx, hash(state)); err == nil {
				target = kept
			} else if !fault.Is(err, fault.NotFound) {
				return err
			}
		}
		if err := tx.LockAddress(ctx, email); err != nil {
			return err
		}
		id, err := tx.InsertSignInLink(ctx, store.SignInLink{
			Email: email, BrowserHash: hash(token), ReturnTo: target, ExpiresAt: tx.Now().Add(EmailLinkLife),
		}, tx.Now().Add(-time.Hour), linksAnHour)
		if fault.Is(err, fault.NotFound) {
			return nil
		} else if err != nil {
			return err
		}
		if err := tx.InsertMail(ctx, store.Mail{Kind: store.MailSignIn, Delivery: to(email), LinkID: id}); err != nil {
			return err
		}
		return a.queue.DeliverMails(ctx, tx)
	})
	return token, err
}

// LinkOffer is what a link lets its holder do.
type LinkOffer struct {
	Email string
	Joins []string // names of the payers whose invitations are accepted
}

// Why a link does not work.
var (
	ErrLinkOver         = errors.New("the link is unknown, used, or out of time")
	ErrLinkOtherBrowser = errors.New("the link was asked for in another browser")
)

// SignInOffer looks at a link and changes nothing: the scanners of mail servers
// open links, too. A link that does not work is Unauthenticated, of ErrLinkOver or
// ErrLinkOtherBrowser.
func (a *App) SignInOffer(ctx context.Context, token, browser string) (LinkOffer, error) {
	var offer LinkOffer
	err := a.db.View(ctx, func(tx *store.Tx) error {
		link, err := goodLink(ctx, tx, token, browser)
		if err != nil {
			return err
		}
		offer.Email = link.Email
		invitations, err := tx.LiveInvitations(ctx, link.Email)
		for _, i := range invitations {
			offer.Joins = append(offer.Joins, i.PayerName)
		}
		return err
	})
	return offer, err
}

func goodLink(ctx context.Context, tx *store.Tx, token, browser string) (store.SignInLink, error) {
	link, err := tx.SignInLink(ctx, hash(token))
	switch {
	case fault.Is(err, fault.NotFound), err == nil && (link.UsedAt != nil || !link.ExpiresAt.After(tx.Now())):
		return link, fault.Wrap(fault.Unauthenticated, "error.link.over", ErrLinkOver)
	case err == nil && !bytes.Equal(link.BrowserHash, hash(browser)):
		return link, fault.Wrap(fault.Unauthenticated, "error.link.browser", ErrLinkOtherBrowser)
	}
	return link, err
}

// EmailReturn is what the form of a link's page brought.
type EmailReturn struct {
	Token     string // of the mail
	Browser   string // of the cookie of the browser that asked
	OldToken  string // of the session the browser had, if any
	Language  string // of a new account
	UserAgent string
	IP        string
}

// SignInByLink uses a link up, accepts the invitations of its address and opens
// a session that only reads. Refusals are those of SignInOffer, and nothing is
// used up then.
func (a *App) SignInByLink(ctx context.Context, r EmailReturn) (SignedIn, error) {
	var signedIn SignedIn
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		link, err := tx.UseSignInLink(ctx, hash(r.Token), hash(r.Browser))
		if fault.Is(err, fault.NotFound) {
			if _, err := goodLink(ctx, tx, r.Token, r.Browser); err != nil {
				return err
			}
			return fault.Wrap(fault.Unauthenticated, "error.link.over", ErrLinkOver) // used in this instant
		} else if err != nil {
			return err
		}
		seat, err := tx.HasSeat(ctx, link.Email)
		if err == nil && !seat { // revoked since the mail was sent
			return fault.Wrap(fault.Unauthenticated, "error.link.over", ErrLinkOver)
		} else if err != nil {
			return err
		}
		id, err := tx.UpsertEmailAccount(ctx, link.Email, r.Language)
		if err != nil {
			return err
		}
		by := audit.ByAccount(id)
		joined, err := tx.AcceptInvitations(ctx, id, link.Email)
		if err != nil {
			return err
		}
		for _, payer := range joined {
			if err := tx.AppendAudit(ctx, audit.Record{
				Actor: by, Action: "member.joined", ObjectKind: "account", ObjectID: string(id), PayerID: payer,
				Detail: map[string]any{"role": account.RoleAccountant},
			}); err != nil {
				return err
			}
		}
		signedIn = SignedIn{Token: newToken(), ReturnTo: link.ReturnTo, ExpiresAt: tx.Now().Add(EmailSession)}
		return a.openSession(ctx, tx, id, signedIn, r.OldToken, r.UserAgent, r.IP)
	})
	if err != nil {
		return SignedIn{}, err
	}
	return signedIn, nil
}

// DemoLink returns, in demo mode, where the link of the mail leads to that this
// browser asked for last: nothing leaves the machine, so nobody could read it.
// NotFound elsewhere, and for an address without a seat.
func (a *App) DemoLink(ctx context.Context, browser string) (string, error) {
	if !a.demo || browser == "" {
		return "", fault.Missing("demo")
	}
	var path string
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		link, err := tx.LiveLinkOf(ctx, hash(browser))
		if err != nil {
			return err
		}
		seat, err := tx.HasSeat(ctx, link.Email)
		if err == nil && !seat {
			return fault.Missing("seat")
		} else if err != nil {
			return err
		}
		token := newToken()
		if _, err := tx.SetLinkToken(ctx, link.ID, hash(token)); err != nil {
			return err
		}
		path = linkPath + "?" + url.Values{"token": {token}}.Encode()
		return nil
	})
	return path, err
}
