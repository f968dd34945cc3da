package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/notice"
)

// MailKind is what a mail of the outbox is.
type MailKind string

// The kinds of mail that are no notices.
const (
	MailSignIn       MailKind = "sign_in"      // the link of an accountant
	MailInvitation   MailKind = "invitation"   // to become one
	MailConfirmation MailKind = "confirmation" // asks the reader of an address whether documents may come
	MailDocument     MailKind = "document"     // a document to a recipient who has confirmed
)

// Mail is a mail on its way.
type Mail struct {
	notice.Delivery
	Kind           MailKind
	PayerID        account.PayerID
	LinkID         string
	InvitationID   string
	RecipientID    string
	DocumentKind   string
	DocumentNumber string
	CreatedAt      time.Time
}

type mailRow struct {
	ID             string
	Kind           string
	Recipient      string
	PayerID        string
	LinkID         string
	InvitationID   string
	RecipientID    string
	DocumentKind   string
	DocumentNumber string
	Attempts       int
	CreatedAt      time.Time
}

func (r mailRow) mail() Mail {
	return Mail{
		Delivery: notice.Delivery{ID: r.ID, Channel: notice.Email, Recipient: r.Recipient, State: notice.Pending, Attempts: r.Attempts},
		Kind:     MailKind(r.Kind), PayerID: account.PayerID(r.PayerID), LinkID: r.LinkID, InvitationID: r.InvitationID, RecipientID: r.RecipientID,
		DocumentKind: r.DocumentKind, DocumentNumber: r.DocumentNumber, CreatedAt: r.CreatedAt,
	}
}

const insertMailSQL = `
INSERT INTO mail (kind, recipient, payer_id, link_id, invitation_id, recipient_id, document_kind, document_number, round, next_try_at, created_at)
VALUES (@kind, @recipient, @payer, @link, @invitation, @to, @document_kind, @document_number,
        (SELECT COALESCE(max(round), 0) + 1 FROM mail
         WHERE kind = 'document' AND recipient_id = @to AND document_kind = @document_kind AND document_number = @document_number),
        @now, @now)`

// InsertMail puts a mail into the outbox.
func (tx *Tx) InsertMail(ctx context.Context, m Mail) error {
	_, err := exec(ctx, tx, insertMailSQL, pgx.NamedArgs{
		"kind": string(m.Kind), "recipient": m.Recipient, "payer": nullable(string(m.PayerID)), "link": nullable(m.LinkID),
		"invitation": nullable(m.InvitationID), "to": nullable(m.RecipientID), "document_kind": m.DocumentKind, "document_number": m.DocumentNumber, "now": tx.now,
	})
	return err
}

const mailsToSQL = `
SELECT count(*) FROM mail WHERE recipient = @email AND kind IN ('invitation', 'confirmation') AND created_at > @since`

// MailsTo counts the invitations and questions that an address, which has agreed
// to nothing yet, was sent since an instant, by whomever.
func (tx *Tx) MailsTo(ctx context.Context, email string, since time.Time) (int, error) {
	n, err := value[int64](ctx, tx, "mail", mailsToSQL, pgx.NamedArgs{"email": email, "since": since})
	return int(n), err
}

const mailsBySQL = `
SELECT count(*)
FROM member b JOIN mail m ON m.payer_id = b.payer_id
WHERE b.account_id = @actor AND b.role IN ('owner', 'billing') AND m.kind IN ('invitation', 'confirmation') AND m.created_at > @since`

// MailsBy counts the invitations and questions that were sent since an instant for
// the payers that an account may buy for.
func (tx *Tx) MailsBy(ctx context.Context, actor account.ID, since time.Time) (int, error) {
	n, err := value[int64](ctx, tx, "mail", mailsBySQL, pgx.NamedArgs{"actor": string(actor), "since": since})
	return int(n), err
}

const lockSenderSQL = `SELECT pg_advisory_xact_lock(hashtextextended('sender ' || @actor::text, 0))`

// LockSender has transactions that send for one account wait for each other, so
// that what is counted of it stays counted. It comes before LockAddress.
func (tx *Tx) LockSender(ctx context.Context, actor account.ID) error {
	_, err := exec(ctx, tx, lockSenderSQL, pgx.NamedArgs{"actor": string(actor)})
	return err
}

const claimMailSQL = `
UPDATE mail SET attempts = attempts + 1, next_try_at = @until
WHERE id = (SELECT id FROM mail WHERE state = 'pending' AND next_try_at <= @now
            ORDER BY kind <> 'sign_in', kind = 'document', next_try_at, id
            LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, kind, recipient, COALESCE(payer_id::text, '') AS payer_id, COALESCE(link_id::text, '') AS link_id,
          COALESCE(invitation_id::text, '') AS invitation_id, COALESCE(recipient_id::text, '') AS recipient_id, document_kind, document_number,
          attempts, created_at`

// ClaimMail takes a mail that is due, so that nobody else sends it for
// notice.DeliveryLease; NotFound where none is. Who signs in waits before the
// page, so theirs comes first however many others there are; documents come last.
func (tx *Tx) ClaimMail(ctx context.Context) (Mail, error) {
	r, err := one[mailRow](ctx, tx, "mail", claimMailSQL, pgx.NamedArgs{"now": tx.now, "until": tx.now.Add(notice.DeliveryLease)})
	return r.mail(), err
}

const saveMailSQL = `
UPDATE mail SET state = @state, attempts = @attempts, last_error = @error, next_try_at = @next_try_at, sent_at = @sent_at
WHERE id = @id AND state = 'pending'`

// SaveMail stores how an attempt ended, unless another one has ended it meanwhile.
func (tx *Tx) SaveMail(ctx context.Context, d notice.Delivery) error {
	_, err := exec(ctx, tx, saveMailSQL, pgx.NamedArgs{
		"id": d.ID, "state": string(d.State), "attempts": d.Attempts, "error": d.Why, "next_try_at": instant(d.NextTry), "sent_at": instant(d.SentAt),
	})
	return err
}
