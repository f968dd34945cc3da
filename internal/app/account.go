package app

import (
	"bytes"
	"context"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/store"
)

// SessionInfo is one of a person's signed-in browsers.
type SessionInfo struct {
	ID         string
	Current    bool
	UserAgent  string
	IP         string
	CreatedAt  time.Time
	LastSeenAt time.Time
}

// Sessions lists the actor's sessions, last used first. token is the current one.
func (a *App) Sessions(ctx context.Context, actor account.Actor, token string) ([]SessionInfo, error) {
	var out []SessionInfo
	err := a.db.View(ctx, func(tx *store.Tx) error {
		sessions, err := tx.SessionsOf(ctx, actor.AccountID)
		for _, s := range sessions {
			if !actor.OnlyReads() && tx.Now().Sub(s.LastSeenAt) >= SessionIdle {
				continue
			}
			out = append(out, SessionInfo{
				ID: s.ID, Current: bytes.Equal(s.TokenHash, hash(token)), UserAgent: s.UserAgent, IP: s.IP,
				CreatedAt: s.CreatedAt, LastSeenAt: s.LastSeenAt,
			})
		}
		return err
	})
	return out, err
}

// EndSession ends one of the actor's sessions.
func (a *App) EndSession(ctx context.Context, actor account.Actor, id string) error {
	return a.db.Note(ctx, func(tx *store.Tx) error {
		ended, err := tx.DeleteSessionByID(ctx, actor.AccountID, id)
		if err == nil && !ended {
			return fault.Missing("session")
		}
		if err != nil {
			return err
		}
		return tx.AppendAudit(ctx, audit.Record{Actor: audit.ByAccount(actor.AccountID), Action: "session.ended", ObjectKind: "session", ObjectID: id})
	})
}

// EndOtherSessions ends all of the actor's sessions but the current one.
func (a *App) EndOtherSessions(ctx context.Context, actor account.Actor, token string) error {
	return a.db.Note(ctx, func(tx *store.Tx) error {
		if err := tx.DeleteOtherSessions(ctx, actor.AccountID, hash(token)); err != nil {
			return err
		}
		return tx.AppendAudit(ctx, audit.Record{
			Actor: audit.ByAccount(actor.AccountID), Action: "session.ended_others", ObjectKind: "account", ObjectID: string(actor.AccountID),
		})
	})
}

// Profile returns the actor's account.
func (a *App) Profile(ctx context.Context, actor account.Actor) (account.Account, error) {
	var out account.Account
	err := a.db.View(ctx, func(tx *store.Tx) error {
		var err error
		out, err = tx.Account(ctx, actor.AccountID)
		return err
	})
	return out, err
}

// SaveProfile stores the actor's language and time zone (an IANA name, or empty
// for the seller's).
func (a *App) SaveProfile(ctx context.Context, actor account.Actor, language, timeZone string) error {
	var fields fault.Fields
	if i18n.New(language).Lang() != language {
		fields.Add("language", "error.language.unknown", nil)
	}
	if _, err := time.LoadLocation(timeZone); err != nil || timeZone == "Local" {
		fields.Add("time_zone", "error.time_zone.unknown", nil)
	}
	if err := fields.Err(); err != nil {
		return err
	}
	return a.db.Note(ctx, func(tx *store.Tx) error { return tx.SaveProfile(ctx, actor.AccountID, language, timeZone) })
}
