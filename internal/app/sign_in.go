package app

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/url"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/telegram"
)

// Limits of sign-in and sessions (ASVS 7.1.1, 7.3.1, 7.3.2; payments.md 1.3).
const (
	SessionIdle     = 60 * time.Minute
	SessionAbsolute = 12 * time.Hour
	StaffIdle       = 15 * time.Minute // of people who may work in the back office, on every page
	StaffAbsolute   = 8 * time.Hour
	sessionsKept    = 10
	loginStateLife  = 10 * time.Minute
	nonceLife       = 15 * time.Minute // longer than any proof stays fresh
	touchEvery      = time.Minute
)

// stateParameter is our own parameter beside Telegram's in the widget's return.
const stateParameter = "st"

// BeginSignIn notes that a browser begins to sign in and where it was going,
// and returns the state for its short-lived cookie and for the widget's
// address. A live existing state is used again when returnTo is empty.
func (a *App) BeginSignIn(ctx context.Context, existing, returnTo string) (string, error) {
	var state string
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		if existing != "" && returnTo == "" {
			if kept, err := tx.LoginState(ctx, hash(existing)); err == nil {
				state = existing
				return tx.SaveLoginState(ctx, hash(state), kept, tx.Now().Add(loginStateLife))
			} else if !fault.Is(err, fault.NotFound) {
				return err
			}
		}
		if returnTo == "" {
			returnTo = "/"
		}
		state = newToken()
		return tx.SaveLoginState(ctx, hash(state), returnTo, tx.Now().Add(loginStateLife))
	})
	return state, err
}

// TelegramReturn is what the Login Widget's return brought.
type TelegramReturn struct {
	Query       url.Values // Telegram's fields and our own state
	CookieState string     // the state's twin in the browser
	OldToken    string     // of the session the browser had, if any
	IP          string
	UserAgent   string
}

// SignedIn is a fresh session.
type SignedIn struct {
	Token     string
	ReturnTo  string
	ExpiresAt time.Time
}

// SignInTelegram checks the widget's return and opens a session under a new
// token; the old one ends. A refusal is Unauthenticated with a key that says why
// (error.login.state, .forged, .stale, .used) and nothing is written.
func (a *App) SignInTelegram(ctx context.Context, r TelegramReturn) (SignedIn, error) {
	state := r.Query.Get(stateParameter)
	if state == "" || len(r.Query[stateParameter]) != 1 || subtle.ConstantTimeCompare([]byte(state), []byte(r.CookieState)) != 1 {
		return SignedIn{}, fault.New(fault.Unauthenticated, "error.login.state")
	}
	profile, err := telegram.Verify(r.Query, a.botToken, []string{stateParameter}, a.now())
	switch {
	case errors.Is(err, telegram.ErrStale), errors.Is(err, telegram.ErrFuture):
		return SignedIn{}, fault.Wrap(fault.Unauthenticated, "error.login.stale", err)
	case err != nil:
		return SignedIn{}, fault.Wrap(fault.Unauthenticated, "error.login.forged", err)
	}
	signedIn := SignedIn{Token: newToken()}
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		returnTo, err := tx.TakeLoginState(ctx, hash(state))
		if fault.Is(err, fault.NotFound) {
			return fault.Wrap(fault.Unauthenticated, "error.login.state", err)
		} else if err != nil {
			return err
		}
		first, err := tx.UseNonce(ctx, "telegram_widget", profile.Digest[:], tx.Now().Add(nonceLife))
		if err != nil {
			return err
		}
		if !first {
			return fault.New(fault.Unauthenticated, "error.login.used")
		}
		signedIn.ReturnTo, signedIn.ExpiresAt = returnTo, tx.Now().Add(SessionAbsolute)
		id, err := a.saveAccount(ctx, tx, account.Account{
			TelegramID: account.TelegramID(profile.ID), FirstName: profile.FirstName, LastName: profile.LastName,
			Username: profile.Username, Language: "en",
		})
		if err != nil {
			return err
		}
		return a.openSession(ctx, tx, id, signedIn, r.OldToken, r.UserAgent, r.IP)
	})
	if err != nil {
		return SignedIn{}, err
	}
	return signedIn, nil
}

// openSession opens a session of an account; the one that the browser had ends.
func (a *App) openSession(ctx context.Context, tx *store.Tx, id account.ID, s SignedIn, oldToken, userAgent, ip string) error {
	if oldToken != "" {
		if err := tx.DeleteSession(ctx, hash(oldToken)); err != nil {
			return err
		}
	}
	if err := tx.InsertSession(ctx, store.Session{
		TokenHash: hash(s.Token), AccountID: string(id), UserAgent: clip(userAgent, 300), IP: ip, ExpiresAt: s.ExpiresAt,
	}); err != nil {
		return err
	}
	if err := tx.TrimSessions(ctx, id, sessionsKept); err != nil {
		return err
	}
	return tx.AppendAudit(ctx, audit.Record{Actor: audit.ByAccount(id), Action: "account.signed_in", ObjectKind: "account", ObjectID: string(id)})
}

// saveAccount makes the account or brings it up to date; a new one starts with
// one Payer (product.md, "Words").
func (a *App) saveAccount(ctx context.Context, tx *store.Tx, person account.Account) (account.ID, error) {
	id, err := tx.UpsertAccount(ctx, person)
	if err != nil {
		return "", err
	}
	payers, err := tx.PayersOf(ctx, id)
	if err != nil || len(payers) > 0 {
		return id, err
	}
	_, err = tx.InsertPayer(ctx, account.Payer{Kind: account.KindPerson, Name: person.Name(), Language: "en"}, id)
	return id, err
}

// Visitor is who opens a page, with what each of their pages says.
type Visitor struct {
	account.Actor
	ChargingHalted bool
}

// ActorBySession returns who a session's token belongs to. An unknown, idle or
// expired session is Unauthenticated.
func (a *App) ActorBySession(ctx context.Context, token string) (account.Actor, error) {
	v, err := a.VisitorBySession(ctx, token)
	return v.Actor, err
}

// VisitorBySession is ActorBySession for pages, in the same round trip.
func (a *App) VisitorBySession(ctx context.Context, token string) (Visitor, error) {
	now := a.now()
	actor, signed, err := a.db.ActorBySession(ctx, hash(token), store.SessionLimits{
		Now: now, IdleSince: now.Add(-SessionIdle),
		// A session ends SessionAbsolute after it began.
		StaffExpiresAfter: now.Add(SessionAbsolute - StaffAbsolute), StaffIdleSince: now.Add(-StaffIdle),
	})
	if err != nil {
		return Visitor{}, err
	}
	if signed.StaffOver {
		return Visitor{}, fault.Wrap(fault.Unauthenticated, "error.login.expired", ErrStaffSessionOver)
	}
	if actor.AccountID == "" {
		return Visitor{}, fault.New(fault.Unauthenticated, "error.login.expired")
	}
	if now.Sub(signed.SeenAt) >= touchEvery {
		if err := a.db.Note(ctx, func(tx *store.Tx) error { return tx.TouchSession(ctx, hash(token)) }); err != nil {
			return Visitor{}, err
		}
	}
	return Visitor{Actor: actor, ChargingHalted: signed.ChargingHalted}, nil
}

// ErrStaffSessionOver tells the session of a staff member that went beyond its
// limits from one that nobody knows.
var ErrStaffSessionOver = errors.New("session of staff is over")

// SignOut ends the session of a token.
func (a *App) SignOut(ctx context.Context, token string) error {
	return a.db.Note(ctx, func(tx *store.Tx) error { return tx.DeleteSession(ctx, hash(token)) })
}

func hash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// newToken returns 256 random bits in 43 characters.
func newToken() string { return base64.RawURLEncoding.EncodeToString(randomBytes()) }

func clip(s string, n int) string {
	for i := range s {
		if i > n {
			return s[:i]
		}
	}
	return s
}
