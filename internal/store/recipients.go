package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
)

// Recipient is an address that gets a payer's documents by mail.
type Recipient struct {
	ID           string
	PayerID      string
	PayerName    string
	Language     string // of the payer's documents
	Email        string
	Invoices     bool
	CreditNotes  bool
	BankInvoices bool
	Receipts     bool
	PDF          bool `db:"pdf"`
	XML          bool `db:"xml"`
	AddedAt      time.Time
	ConfirmUntil time.Time
	ConfirmedAt  *time.Time
	StoppedAt    *time.Time
	RemovedAt    *time.Time
	Mail         string // state of the question that was sent last; empty for none
}

// Active reports whether documents go to the recipient.
func (r Recipient) Active() bool {
	return r.ConfirmedAt != nil && r.StoppedAt == nil && r.RemovedAt == nil
}

// Wants reports whether the recipient gets documents of a kind.
func (r Recipient) Wants(kind string) bool {
	switch kind {
	case "invoice":
		return r.Invoices
	case "credit_note":
		return r.CreditNotes
	case "bank_invoice":
		return r.BankInvoices
	case "receipt":
		return r.Receipts
	}
	return false
}

const recipientColumnsSQL = `
SELECT r.id, r.payer_id, p.name AS payer_name, p.language, r.email, r.invoices, r.credit_notes, r.bank_invoices, r.receipts, r.pdf, r.xml,
       r.added_at, r.confirm_until, r.confirmed_at, r.stopped_at, r.removed_at,
       COALESCE((SELECT x.state FROM mail x WHERE x.recipient_id = r.id AND x.kind = 'confirmation' ORDER BY x.created_at DESC, x.id LIMIT 1), '') AS mail
FROM recipient r JOIN payer p ON p.id = r.payer_id `

const recipientsOfSQL = recipientColumnsSQL + `WHERE r.payer_id = @payer AND r.removed_at IS NULL ORDER BY r.added_at, r.id`

// RecipientsOf returns a payer's recipients, in the order of coming.
func (tx *Tx) RecipientsOf(ctx context.Context, payer account.PayerID) ([]Recipient, error) {
	return list[Recipient](ctx, tx, recipientsOfSQL, pgx.NamedArgs{"payer": string(payer)})
}

const wasRecipientSQL = `SELECT EXISTS (SELECT FROM recipient WHERE payer_id = @payer AND email = @email)`

// WasRecipient reports whether an address is or was a recipient of a payer.
func (tx *Tx) WasRecipient(ctx context.Context, payer account.PayerID, email string) (bool, error) {
	return value[bool](ctx, tx, "recipient", wasRecipientSQL, pgx.NamedArgs{"payer": string(payer), "email": email})
}

const recipientSQL = recipientColumnsSQL + `WHERE r.id = @id`

// Recipient returns a recipient for the program's own work and for who has its
// link.
func (tx *Tx) Recipient(ctx context.Context, id string) (Recipient, error) {
	return one[Recipient](ctx, tx, "recipient", recipientSQL, pgx.NamedArgs{"id": id})
}

const lockRecipientSQL = recipientColumnsSQL + `WHERE r.id = @id AND r.removed_at IS NULL FOR NO KEY UPDATE OF r`

// LockRecipient returns and locks a recipient that was not removed.
func (tx *Tx) LockRecipient(ctx context.Context, id string) (Recipient, error) {
	return one[Recipient](ctx, tx, "recipient", lockRecipientSQL, pgx.NamedArgs{"id": id})
}

const insertRecipientSQL = `
INSERT INTO recipient (payer_id, email, invoices, credit_notes, bank_invoices, receipts, pdf, xml, added_by, added_at, confirm_until)
VALUES (@payer, @email, @invoices, @credit_notes, @bank_invoices, @receipts, @pdf, @xml, @by, @now, @confirm_until)
RETURNING id`

// InsertRecipient writes an address that has not confirmed yet. One that is there
// is a Conflict.
func (tx *Tx) InsertRecipient(ctx context.Context, r Recipient, by account.ID) (string, error) {
	args := recipientArgs(r, tx.now)
	args["by"] = string(by)
	return value[string](ctx, tx, "recipient", insertRecipientSQL, args)
}

const saveRecipientSQL = `
UPDATE recipient
   SET invoices = @invoices, credit_notes = @credit_notes, bank_invoices = @bank_invoices, receipts = @receipts, pdf = @pdf, xml = @xml,
       confirm_until = @confirm_until, confirmed_at = @confirmed_at, stopped_at = @stopped_at, removed_at = @removed_at
WHERE id = @id`

// SaveRecipient stores what a recipient gets and where it stands.
func (tx *Tx) SaveRecipient(ctx context.Context, r Recipient) error {
	_, err := exec(ctx, tx, saveRecipientSQL, recipientArgs(r, tx.now))
	return err
}

func recipientArgs(r Recipient, now time.Time) pgx.NamedArgs {
	return pgx.NamedArgs{
		"id": nullable(r.ID), "payer": nullable(r.PayerID), "email": r.Email, "invoices": r.Invoices, "credit_notes": r.CreditNotes,
		"bank_invoices": r.BankInvoices, "receipts": r.Receipts, "pdf": r.PDF, "xml": r.XML, "now": now,
		"confirm_until": r.ConfirmUntil, "confirmed_at": r.ConfirmedAt, "stopped_at": r.StoppedAt, "removed_at": r.RemovedAt,
	}
}

// SentDocument is a document on its way to a recipient, or sent.
type SentDocument struct {
	ID        string
	Email     string
	Kind      string `db:"document_kind"`
	Number    string `db:"document_number"`
	State     string
	LastError string
	NextTryAt *time.Time
	SentAt    *time.Time
	CreatedAt time.Time
	MayAgain  bool // to an address that still gets documents
}

const sentDocumentsSQL = `
SELECT m.id, m.recipient AS email, m.document_kind, m.document_number, m.state, m.last_error, m.next_try_at, m.sent_at, m.created_at,
       m.state <> 'pending' AND r.confirmed_at IS NOT NULL AND r.stopped_at IS NULL AND r.removed_at IS NULL AS may_again
FROM mail m JOIN recipient r ON r.id = m.recipient_id
WHERE m.payer_id = @payer AND m.kind = 'document'
ORDER BY m.created_at DESC, m.id LIMIT @limit`

// SentDocuments returns a payer's newest mails with documents.
func (tx *Tx) SentDocuments(ctx context.Context, payer account.PayerID, limit int) ([]SentDocument, error) {
	return list[SentDocument](ctx, tx, sentDocumentsSQL, pgx.NamedArgs{"payer": string(payer), "limit": limit})
}

const sentDocumentSQL = `
SELECT id, kind, recipient, COALESCE(payer_id::text, '') AS payer_id, '' AS link_id, '' AS invitation_id, recipient_id::text AS recipient_id,
       document_kind, document_number, attempts, created_at
FROM mail WHERE id = @id AND kind = 'document' AND state <> 'pending'`

// SentDocument returns a mail with a document that is done, or NotFound.
func (tx *Tx) SentDocument(ctx context.Context, id string) (Mail, error) {
	r, err := one[mailRow](ctx, tx, "mail", sentDocumentSQL, pgx.NamedArgs{"id": id})
	return r.mail(), err
}

// MailCount is how many mails took one document to one recipient.
type MailCount struct {
	Waiting int // on their way
	Recent  int // since an instant, these included
}

const mailsWithSQL = `
SELECT count(*) FILTER (WHERE state = 'pending') AS waiting, count(*) FILTER (WHERE created_at > @since) AS recent
FROM mail
WHERE kind = 'document' AND recipient_id = @recipient AND document_kind = @document_kind AND document_number = @document_number`

// MailsWith counts the mails with a document to a recipient.
func (tx *Tx) MailsWith(ctx context.Context, recipient, documentKind, documentNumber string, since time.Time) (MailCount, error) {
	return one[MailCount](ctx, tx, "mail", mailsWithSQL, pgx.NamedArgs{
		"recipient": recipient, "document_kind": documentKind, "document_number": documentNumber, "since": since,
	})
}

const documentContentSQL = `
SELECT content FROM invoice WHERE number = @number AND kind = @kind
UNION ALL SELECT content FROM receipt WHERE number = @number AND @kind = 'receipt'
UNION ALL SELECT b.content FROM bank_invoice b JOIN orders o ON o.id = b.order_id WHERE o.number = @number AND @kind = 'bank_invoice'`

// DocumentContent returns the frozen content of a document of any kind for the
// program's own work.
func (tx *Tx) DocumentContent(ctx context.Context, kind, number string) ([]byte, error) {
	return value[[]byte](ctx, tx, "document", documentContentSQL, pgx.NamedArgs{"kind": kind, "number": number})
}
