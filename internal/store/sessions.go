package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
)

// Session is a signed-in browser. The token itself is never stored.
type Session struct {
	ID         string
	TokenHash  []byte // SHA-256 of the cookie's token
	AccountID  string
	UserAgent  string
	IP         string
	CreatedAt  time.Time
	LastSeenAt time.Time
	ExpiresAt  time.Time
}

const insertSessionSQL = `
INSERT INTO session (token_hash, account_id, user_agent, ip, created_at, last_seen_at, expires_at)
VALUES (@token_hash, @account, @user_agent, @ip, @now, @now, @expires_at)`

// InsertSession opens a session.
func (tx *Tx) InsertSession(ctx context.Context, s Session) error {
	_, err := exec(ctx, tx, insertSessionSQL, pgx.NamedArgs{
		"token_hash": s.TokenHash, "account": s.AccountID, "user_agent": s.UserAgent, "ip": s.IP, "now": tx.now, "expires_at": s.ExpiresAt,
	})
	return err
}

const trimSessionsSQL = `
DELETE FROM session WHERE account_id = @account AND token_hash NOT IN (
    SELECT token_hash FROM session WHERE account_id = @account ORDER BY created_at DESC, token_hash LIMIT @keep)`

// TrimSessions ends an account's oldest sessions beyond keep.
func (tx *Tx) TrimSessions(ctx context.Context, id account.ID, keep int) error {
	_, err := exec(ctx, tx, trimSessionsSQL, pgx.NamedArgs{"account": string(id), "keep": keep})
	return err
}

type actorRow struct {
	ID         string
	TelegramID int64
	Email      string
	FirstName  string
	LastName   string
	Language   string
	TimeZone   string
	LastSeenAt time.Time
	Staff      string
	Over       bool
	Halted     bool
}

const actorBySessionSQL = `
SELECT a.id, COALESCE(a.telegram_id, 0) AS telegram_id, COALESCE(a.email, '') AS email, a.first_name, a.last_name, a.language, a.time_zone,
       s.last_seen_at, COALESCE(m.role, '') AS staff,
       m.role IS NOT NULL AND (s.expires_at <= @staff_expires_after OR s.last_seen_at <= @staff_idle_since) AS over,
       EXISTS (SELECT FROM charging_halt WHERE lifted_at IS NULL) AS halted
FROM session s JOIN account a ON a.id = s.account_id
LEFT JOIN staff_member m ON m.account_id = a.id
WHERE s.token_hash = @token_hash
  AND (m.role IS NOT NULL
       OR s.expires_at > @now AND CASE WHEN a.email IS NULL THEN s.last_seen_at > @idle_since
                                       ELSE EXISTS (SELECT FROM member r WHERE r.account_id = a.id) END)`

// SessionLimits are the instants that decide whether a session still holds. One
// that was opened by e-mail is never idle, and holds while there is a payer whose
// documents its person may read.
type SessionLimits struct {
	Now               time.Time // it expires after that
	IdleSince         time.Time // it was seen after that
	StaffExpiresAfter time.Time // the same two for staff
	StaffIdleSince    time.Time
}

// Signed is what is known of a session beside whose it is.
type Signed struct {
	SeenAt         time.Time // when it was used last
	ChargingHalted bool      // pages say so; charges ask again (Tx.ChargingHalted)
	StaffOver      bool      // a staff member's session beyond its limits: nobody's, but they are asked to sign in again
}

// ActorBySession returns who a session's token belongs to, unless the session is
// beyond its limits, and what every page of theirs has to know. It is one
// statement outside any transaction: every page pays for it.
func (db *DB) ActorBySession(ctx context.Context, tokenHash []byte, l SessionLimits) (account.Actor, Signed, error) {
	rows, err := db.reader.Query(ctx, actorBySessionSQL, named{
		"token_hash": tokenHash, "now": l.Now, "idle_since": l.IdleSince, "staff_expires_after": l.StaffExpiresAfter, "staff_idle_since": l.StaffIdleSince,
	})
	if err != nil {
		return account.Actor{}, Signed{}, mapError(err)
	}
	found, err := collect[actorRow](rows)
	if err != nil || len(found) == 0 {
		return account.Actor{}, Signed{}, mapError(err)
	}
	r := found[0]
	if r.Over {
		return account.Actor{}, Signed{StaffOver: true}, nil
	}
	a := account.Account{FirstName: r.FirstName, LastName: r.LastName, Email: r.Email}
	return account.Actor{
		AccountID: account.ID(r.ID), TelegramID: account.TelegramID(r.TelegramID), Email: r.Email,
		Name: a.Name(), Language: r.Language, TimeZone: r.TimeZone, Staff: account.StaffRole(r.Staff),
	}, Signed{SeenAt: r.LastSeenAt, ChargingHalted: r.Halted}, nil
}

const touchSessionSQL = `UPDATE session SET last_seen_at = @now WHERE token_hash = @token_hash`

// TouchSession notes that a session was used now.
func (tx *Tx) TouchSession(ctx context.Context, tokenHash []byte) error {
	_, err := exec(ctx, tx, touchSessionSQL, pgx.NamedArgs{"token_hash": tokenHash, "now": tx.now})
	return err
}

const deleteSessionSQL = `DELETE FROM session WHERE token_hash = @token_hash`

// DeleteSession ends a session; one that is gone already is no error.
func (tx *Tx) DeleteSession(ctx context.Context, tokenHash []byte) error {
	_, err := exec(ctx, tx, deleteSessionSQL, pgx.NamedArgs{"token_hash": tokenHash})
	return err
}

const sessionsOfSQL = `
SELECT id, token_hash, account_id, user_agent, ip, created_at, last_seen_at, expires_at
FROM session WHERE account_id = @account AND expires_at > @now ORDER BY last_seen_at DESC, id`

// SessionsOf returns an account's sessions, last used first.
func (tx *Tx) SessionsOf(ctx context.Context, id account.ID) ([]Session, error) {
	return list[Session](ctx, tx, sessionsOfSQL, pgx.NamedArgs{"account": string(id), "now": tx.now})
}

const deleteSessionByIDSQL = `DELETE FROM session WHERE id = @id AND account_id = @account`

// DeleteSessionByID ends one of an account's sessions and reports whether there
// was one.
func (tx *Tx) DeleteSessionByID(ctx context.Context, owner account.ID, id string) (bool, error) {
	n, err := exec(ctx, tx, deleteSessionByIDSQL, pgx.NamedArgs{"id": id, "account": string(owner)})
	return n > 0, err
}

const deleteSessionsSQL = `DELETE FROM session WHERE account_id = @account`

// DeleteSessions ends all of an account's sessions.
func (tx *Tx) DeleteSessions(ctx context.Context, owner account.ID) error {
	_, err := exec(ctx, tx, deleteSessionsSQL, pgx.NamedArgs{"account": string(owner)})
	return err
}

const deleteOtherSessionsSQL = `DELETE FROM session WHERE account_id = @account AND token_hash <> @token_hash`

// DeleteOtherSessions ends all of an account's sessions but one.
func (tx *Tx) DeleteOtherSessions(ctx context.Context, owner account.ID, tokenHash []byte) error {
	_, err := exec(ctx, tx, deleteOtherSessionsSQL, pgx.NamedArgs{"account": string(owner), "token_hash": tokenHash})
	return err
}

const insertLoginStateSQL = `
INSERT INTO login_state (state_hash, return_to, expires_at) VALUES (@state_hash, @return_to, @expires_at)
ON CONFLICT (state_hash) DO UPDATE SET return_to = EXCLUDED.return_to, expires_at = EXCLUDED.expires_at`

// SaveLoginState keeps where a browser that begins to sign in was going.
func (tx *Tx) SaveLoginState(ctx context.Context, stateHash []byte, returnTo string, expiresAt time.Time) error {
	_, err := exec(ctx, tx, insertLoginStateSQL, pgx.NamedArgs{"state_hash": stateHash, "return_to": returnTo, "expires_at": expiresAt})
	return err
}

const loginStateSQL = `SELECT return_to FROM login_state WHERE state_hash = @state_hash AND expires_at > @now`

// LoginState returns where a browser was going, or NotFound.
func (tx *Tx) LoginState(ctx context.Context, stateHash []byte) (string, error) {
	return value[string](ctx, tx, "login state", loginStateSQL, pgx.NamedArgs{"state_hash": stateHash, "now": tx.now})
}

const takeLoginStateSQL = `DELETE FROM login_state WHERE state_hash = @state_hash AND expires_at > @now RETURNING return_to`

// TakeLoginState uses up a login state and returns where the browser was going.
func (tx *Tx) TakeLoginState(ctx context.Context, stateHash []byte) (string, error) {
	return value[string](ctx, tx, "login state", takeLoginStateSQL, pgx.NamedArgs{"state_hash": stateHash, "now": tx.now})
}

const useNonceSQL = `
INSERT INTO auth_nonce (kind, digest, expires_at) VALUES (@kind, @digest, @expires_at) ON CONFLICT DO NOTHING`

// UseNonce notes that a sign-in proof was used and reports whether this was the
// first time.
func (tx *Tx) UseNonce(ctx context.Context, kind string, digest []byte, expiresAt time.Time) (bool, error) {
	n, err := exec(ctx, tx, useNonceSQL, pgx.NamedArgs{"kind": kind, "digest": digest, "expires_at": expiresAt})
	return n == 1, err
}

const purgeSessionsSQL = `DELETE FROM session WHERE expires_at < @now`
const purgeLoginStatesSQL = `DELETE FROM login_state WHERE expires_at < @now`
const purgeNoncesSQL = `DELETE FROM auth_nonce WHERE expires_at < @now`
const purgeLinksSQL = `DELETE FROM sign_in_link WHERE asked_at < @now::timestamptz - interval '1 hour'`

// The real clock has its say, too: the database keeps views for a year of it.
const purgeViewsSQL = `DELETE FROM document_view WHERE at < least(@now::timestamptz, now()) - interval '1 year'`

// PurgeSignIn removes what has expired: sessions, login states, nonces, links
// asked for an hour ago, and the log of views after a year.
func (tx *Tx) PurgeSignIn(ctx context.Context) error {
	for _, sql := range []string{purgeSessionsSQL, purgeLoginStatesSQL, purgeNoncesSQL, purgeLinksSQL, purgeViewsSQL} {
		if _, err := exec(ctx, tx, sql, pgx.NamedArgs{"now": tx.now}); err != nil {
			return err
		}
	}
	return nil
}

const keySQL = `
INSERT INTO app_key (purpose, key) VALUES (@purpose, @fresh)
ON CONFLICT (purpose) DO UPDATE SET key = app_key.key
RETURNING key`

// Key returns the program's key for a purpose; fresh becomes that key where
// there was none.
func (tx *Tx) Key(ctx context.Context, purpose string, fresh []byte) ([]byte, error) {
	return value[[]byte](ctx, tx, "key", keySQL, pgx.NamedArgs{"purpose": purpose, "fresh": fresh})
}
