package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
)

// Member is somebody with a role on a payer.
type Member struct {
	AccountID string
	Role      string
	Name      string // or the e-mail address
	Email     string // of who signs in by e-mail; empty for a Telegram user
	AddedAt   time.Time
	LastView  *time.Time // when an accountant last looked at a document of this payer
}

const membersOfSQL = `
SELECT a.id AS account_id, m.role, COALESCE(a.email, trim(a.first_name || ' ' || a.last_name)) AS name, COALESCE(a.email, '') AS email, m.added_at,
       (SELECT max(v.at) FROM document_view v WHERE v.payer_id = m.payer_id AND v.account_id = m.account_id) AS last_view
FROM member m JOIN account a ON a.id = m.account_id
WHERE m.payer_id = @payer
ORDER BY m.added_at, a.id`

// MembersOf returns who has a role on a payer, in the order of coming.
func (tx *Tx) MembersOf(ctx context.Context, payer account.PayerID) ([]Member, error) {
	return list[Member](ctx, tx, membersOfSQL, pgx.NamedArgs{"payer": string(payer)})
}

const deleteMemberSQL = `DELETE FROM member WHERE payer_id = @payer AND account_id = @account AND role <> 'owner'`

// DeleteMember takes the role of a member who is no owner away, and reports
// whether there was one.
func (tx *Tx) DeleteMember(ctx context.Context, payer account.PayerID, member account.ID) (bool, error) {
	n, err := exec(ctx, tx, deleteMemberSQL, pgx.NamedArgs{"payer": string(payer), "account": string(member)})
	return n > 0, err
}

// Invitation is an owner's invitation to read a payer's documents.
type Invitation struct {
	ID        string
	PayerID   string
	PayerName string
	Email     string
	InvitedAt time.Time
	ExpiresAt time.Time
	InvitedBy string // name of the owner
	State     string // pending, accepted, revoked
	Mail      string // state of the mail that was sent last; empty for none
	MailError string
}

const invitationColumnsSQL = `
SELECT i.id, i.payer_id, p.name AS payer_name, i.email, i.invited_at, i.expires_at, trim(a.first_name || ' ' || a.last_name) AS invited_by, i.state,
       COALESCE(l.state, '') AS mail, COALESCE(l.last_error, '') AS mail_error
FROM invitation i JOIN payer p ON p.id = i.payer_id JOIN account a ON a.id = i.invited_by
LEFT JOIN LATERAL (SELECT x.state, x.last_error FROM mail x WHERE x.invitation_id = i.id ORDER BY x.created_at DESC, x.id LIMIT 1) l ON true `

const invitationsOfSQL = invitationColumnsSQL + `WHERE i.payer_id = @payer AND i.state = 'pending' ORDER BY i.invited_at, i.id`

// InvitationsOf returns the open invitations of a payer, also those out of time.
func (tx *Tx) InvitationsOf(ctx context.Context, payer account.PayerID) ([]Invitation, error) {
	return list[Invitation](ctx, tx, invitationsOfSQL, pgx.NamedArgs{"payer": string(payer)})
}

const invitationSQL = invitationColumnsSQL + `WHERE i.id = @id`

// Invitation returns an invitation for the program's own work.
func (tx *Tx) Invitation(ctx context.Context, id string) (Invitation, error) {
	return one[Invitation](ctx, tx, "invitation", invitationSQL, pgx.NamedArgs{"id": id})
}

const liveInvitationsSQL = invitationColumnsSQL + `WHERE i.email = @email AND i.state = 'pending' AND i.expires_at > @now ORDER BY i.invited_at, i.id`

// LiveInvitations returns the invitations that an address can accept.
func (tx *Tx) LiveInvitations(ctx context.Context, email string) ([]Invitation, error) {
	return list[Invitation](ctx, tx, liveInvitationsSQL, pgx.NamedArgs{"email": email, "now": tx.now})
}

const insertInvitationSQL = `
INSERT INTO invitation (payer_id, email, invited_by, invited_at, expires_at) VALUES (@payer, @email, @by, @now, @expires_at) RETURNING id`

// InsertInvitation writes an invitation. A second open one of the same address is
// a Conflict.
func (tx *Tx) InsertInvitation(ctx context.Context, payer account.PayerID, email string, by account.ID, expiresAt time.Time) (string, error) {
	return value[string](ctx, tx, "invitation", insertInvitationSQL, pgx.NamedArgs{
		"payer": string(payer), "email": email, "by": string(by), "now": tx.now, "expires_at": expiresAt,
	})
}

const extendInvitationSQL = `UPDATE invitation SET expires_at = @expires_at WHERE id = @id AND payer_id = @payer AND state = 'pending' RETURNING email`

// ExtendInvitation gives an open invitation of a payer more time and returns its
// address, or NotFound.
func (tx *Tx) ExtendInvitation(ctx context.Context, payer account.PayerID, id string, expiresAt time.Time) (string, error) {
	return value[string](ctx, tx, "invitation", extendInvitationSQL, pgx.NamedArgs{"payer": string(payer), "id": id, "expires_at": expiresAt})
}

const revokeInvitationSQL = `
UPDATE invitation SET state = 'revoked', closed_at = @now WHERE payer_id = @payer AND state = 'pending' AND (id = @id::uuid OR email = @email)`

// RevokeInvitation closes open invitations of a payer, by id or by address, and
// reports whether there was one. Leave the other one empty.
func (tx *Tx) RevokeInvitation(ctx context.Context, payer account.PayerID, id, email string) (bool, error) {
	n, err := exec(ctx, tx, revokeInvitationSQL, pgx.NamedArgs{"payer": string(payer), "id": nullable(id), "email": email, "now": tx.now})
	return n > 0, err
}

const acceptInvitationsSQL = `
WITH accepted AS (
    UPDATE invitation SET state = 'accepted', closed_at = @now
    WHERE email = @email AND state = 'pending' AND expires_at > @now
    RETURNING payer_id
)
INSERT INTO member (payer_id, account_id, role, added_at)
SELECT payer_id, @account::uuid, 'accountant', @now FROM accepted
ON CONFLICT (payer_id, account_id) DO NOTHING
RETURNING payer_id`

// AcceptInvitations makes an account an accountant of the payers that invited its
// address, and returns those where it was none.
func (tx *Tx) AcceptInvitations(ctx context.Context, id account.ID, email string) ([]account.PayerID, error) {
	return values[account.PayerID](ctx, tx, acceptInvitationsSQL, pgx.NamedArgs{"account": string(id), "email": email, "now": tx.now})
}

const hasSeatSQL = `
SELECT EXISTS (SELECT FROM invitation WHERE email = @email AND state = 'pending' AND expires_at > @now)
    OR EXISTS (SELECT FROM account a JOIN member m ON m.account_id = a.id WHERE a.email = @email)`

// HasSeat reports whether an address may sign in: it reads for some payer, or is
// invited to.
func (tx *Tx) HasSeat(ctx context.Context, email string) (bool, error) {
	return value[bool](ctx, tx, "seat", hasSeatSQL, pgx.NamedArgs{"email": email, "now": tx.now})
}

const upsertEmailAccountSQL = `
INSERT INTO account (email, first_name, last_name, username, language, created_at, signed_in_at)
VALUES (@email, '', '', '', @language, @now, @now)
ON CONFLICT (email) DO UPDATE SET signed_in_at = EXCLUDED.signed_in_at
RETURNING id`

// UpsertEmailAccount records a sign-in by e-mail: it makes the account where
// there was none, in the language given, and returns its id.
func (tx *Tx) UpsertEmailAccount(ctx context.Context, email, language string) (account.ID, error) {
	return value[account.ID](ctx, tx, "account", upsertEmailAccountSQL, pgx.NamedArgs{"email": email, "language": language, "now": tx.now})
}

const languageOfEmailSQL = `
SELECT COALESCE((SELECT language FROM account WHERE email = @email),
                (SELECT p.language FROM invitation i JOIN payer p ON p.id = i.payer_id WHERE i.email = @email AND i.state = 'pending' ORDER BY i.invited_at LIMIT 1),
                'en')`

// LanguageOfEmail is the language to write to an address in: that of its account,
// or that of the payer who invited it.
func (tx *Tx) LanguageOfEmail(ctx context.Context, email string) (string, error) {
	return value[string](ctx, tx, "language", languageOfEmailSQL, pgx.NamedArgs{"email": email})
}

// SignInLink is a sign-in that somebody asked for by e-mail.
type SignInLink struct {
	ID          string
	Email       string
	BrowserHash []byte // SHA-256 of the cookie of the browser that asked
	ReturnTo    string
	ExpiresAt   time.Time
	UsedAt      *time.Time
}

const insertLinkSQL = `
INSERT INTO sign_in_link (email, browser_hash, return_to, asked_at, expires_at)
SELECT @email, @browser_hash, @return_to, @now, @expires_at
WHERE (SELECT count(*) FROM sign_in_link WHERE email = @email AND asked_at > @since) < @most
RETURNING id`

// InsertSignInLink writes that a link was asked for, unless there are most of the
// address since an instant: NotFound.
func (tx *Tx) InsertSignInLink(ctx context.Context, l SignInLink, since time.Time, most int) (string, error) {
	return value[string](ctx, tx, "room for a link", insertLinkSQL, pgx.NamedArgs{
		"email": l.Email, "browser_hash": l.BrowserHash, "return_to": l.ReturnTo, "now": tx.now, "expires_at": l.ExpiresAt, "since": since, "most": most,
	})
}

const lockAddressSQL = `SELECT pg_advisory_xact_lock(hashtextextended('address ' || @email::text, 0))`

// LockAddress has transactions about one address wait for each other, so that
// what is counted of it stays counted.
func (tx *Tx) LockAddress(ctx context.Context, email string) error {
	_, err := exec(ctx, tx, lockAddressSQL, pgx.NamedArgs{"email": email})
	return err
}

const sealLinkSQL = `UPDATE sign_in_link SET token_hash = @token_hash WHERE id = @id AND used_at IS NULL AND expires_at > @now`

// SetLinkToken gives a link that is still good its token and reports whether it
// is.
func (tx *Tx) SetLinkToken(ctx context.Context, id string, tokenHash []byte) (bool, error) {
	n, err := exec(ctx, tx, sealLinkSQL, pgx.NamedArgs{"id": id, "token_hash": tokenHash, "now": tx.now})
	return n > 0, err
}

const signInLinkSQL = `
SELECT id, email, browser_hash, return_to, expires_at, used_at FROM sign_in_link WHERE token_hash = @token_hash`

// SignInLink returns the link of a token, used or not, or NotFound.
func (tx *Tx) SignInLink(ctx context.Context, tokenHash []byte) (SignInLink, error) {
	return one[SignInLink](ctx, tx, "sign-in link", signInLinkSQL, pgx.NamedArgs{"token_hash": tokenHash})
}

const useLinkSQL = `
UPDATE sign_in_link SET used_at = @now
WHERE token_hash = @token_hash AND browser_hash = @browser_hash AND used_at IS NULL AND expires_at > @now
RETURNING id, email, browser_hash, return_to, expires_at, used_at`

// UseSignInLink uses a link up in the browser that asked for it, or is NotFound.
func (tx *Tx) UseSignInLink(ctx context.Context, tokenHash, browserHash []byte) (SignInLink, error) {
	return one[SignInLink](ctx, tx, "sign-in link", useLinkSQL, pgx.NamedArgs{"token_hash": tokenHash, "browser_hash": browserHash, "now": tx.now})
}

const liveLinkSQL = `
SELECT id, email, browser_hash, return_to, expires_at, used_at FROM sign_in_link
WHERE browser_hash = @browser_hash AND used_at IS NULL AND expires_at > @now
ORDER BY asked_at DESC, id LIMIT 1`

// LiveLinkOf returns the newest link that a browser asked for and can use, or
// NotFound.
func (tx *Tx) LiveLinkOf(ctx context.Context, browserHash []byte) (SignInLink, error) {
	return one[SignInLink](ctx, tx, "sign-in link", liveLinkSQL, pgx.NamedArgs{"browser_hash": browserHash, "now": tx.now})
}
