package app

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/url"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/store"
)

const (
	maxRecipients = 20 // of a payer
	confirmLife   = 7 * 24 * time.Hour
	sentShown     = 50 // mails with documents on the page
	maxSent       = 3  // mails a day with one document to one recipient
)

// Where the links of recipients' mails lead to.
const (
	confirmPath = "/recipients/confirm"
	stopPath    = "/recipients/stop"
)

// RecipientInput is the form of a recipient as typed.
type RecipientInput struct {
	Email                                         string // when it is added; it never changes
	Invoices, CreditNotes, BankInvoices, Receipts bool
	PDF, XML                                      bool
}

// Recipients are the addresses that get a payer's documents, and what was sent.
type Recipients struct {
	Payer   store.PayerOf
	Payers  []store.PayerOf // those that the actor may buy for
	List    []store.Recipient
	Sent    []store.SentDocument // newest first
	Now     time.Time
	MailOff bool // the operator has set up no mail: nothing is sent
}

// Recipients returns who gets the documents of one of the actor's payers; for no
// payer asked, of the first that the actor may buy for. Forbidden for who may
// not; a payer of others is NotFound.
func (a *App) Recipients(ctx context.Context, actor account.Actor, id account.PayerID) (Recipients, error) {
	r := Recipients{MailOff: !a.Mails()}
	err := a.db.View(ctx, func(tx *store.Tx) error {
		var err error
		if r.Payer, r.Payers, err = payerFor(ctx, tx, actor, id, account.Role.MayBuy, "error.payer.role"); err != nil {
			return err
		}
		r.Now = tx.Now()
		if r.List, err = tx.RecipientsOf(ctx, r.Payer.ID); err != nil {
			return err
		}
		r.Sent, err = tx.SentDocuments(ctx, r.Payer.ID, sentShown)
		return err
	})
	return r, err
}

// AddRecipient adds an address and asks its reader whether documents may come:
// none is sent before they have said so.
//
// Errors: Invalid for what is no address, for one that is there already, and for
// too many.
func (a *App) AddRecipient(ctx context.Context, actor account.Actor, id account.PayerID, in RecipientInput) error {
	email, fields := mailAddress(in.Email)
	if !in.PDF && !in.XML {
		fields.Add("pdf", "error.recipient.no_file", nil)
	}
	if err := fields.Err(); err != nil {
		return err
	}
	if !isUUID(string(id)) {
		return fault.Missing("payer")
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		payer, err := lockBought(ctx, tx, actor, id)
		if err != nil {
			return err
		}
		there, err := tx.RecipientsOf(ctx, payer.ID)
		if err != nil {
			return err
		}
		for _, r := range there {
			if r.Email == email {
				return mistakeAt("email", "error.recipient.there", nil)
			}
		}
		if len(there) >= maxRecipients {
			return mistakeAt("email", "error.recipient.too_many", fault.Args{"Count": maxRecipients})
		}
		if err := a.mayWrite(ctx, tx, actor, email); err != nil {
			return err
		}
		recipient := in.onto(store.Recipient{PayerID: string(payer.ID), Email: email, ConfirmUntil: tx.Now().Add(confirmLife)})
		if recipient.ID, err = tx.InsertRecipient(ctx, recipient, actor.AccountID); err != nil {
			return err
		}
		if err := a.askRecipient(ctx, tx, recipient); err != nil {
			return err
		}
		return a.auditRecipient(ctx, tx, audit.ByAccount(actor.AccountID), recipient, "recipient.added")
	})
}

// askBillingAddress asks the billing address of a payer, once, whether documents
// may come: people type it as the one for invoices. Nothing is asked where it was
// a recipient before, in whatever state, or is not fit to be one, and beyond the
// limits of AddRecipient: the billing details are saved all the same.
func (a *App) askBillingAddress(ctx context.Context, tx *store.Tx, actor account.Actor, payer account.Payer) error {
	email, fields := mailAddress(payer.Email)
	if a.mailer == nil || len(fields) > 0 {
		return nil
	}
	known, err := tx.WasRecipient(ctx, payer.ID, email)
	if err != nil || known {
		return err
	}
	there, err := tx.RecipientsOf(ctx, payer.ID)
	if err != nil || len(there) >= maxRecipients {
		return err
	}
	if err := a.mayWrite(ctx, tx, actor, email); fault.Is(err, fault.Invalid) {
		return nil
	} else if err != nil {
		return err
	}
	r := store.Recipient{PayerID: string(payer.ID), Email: email, ConfirmUntil: tx.Now().Add(confirmLife)}
	r = RecipientInput{Invoices: true, CreditNotes: true, BankInvoices: true, Receipts: true, PDF: true, XML: true}.onto(r)
	if r.ID, err = tx.InsertRecipient(ctx, r, actor.AccountID); err != nil {
		return err
	}
	if err := a.askRecipient(ctx, tx, r); err != nil {
		return err
	}
	return a.auditRecipient(ctx, tx, audit.ByAccount(actor.AccountID), r, "recipient.added")
}

// onto is the recipient with what was typed.
func (in RecipientInput) onto(r store.Recipient) store.Recipient {
	r.Invoices, r.CreditNotes, r.BankInvoices, r.Receipts, r.PDF, r.XML = in.Invoices, in.CreditNotes, in.BankInvoices, in.Receipts, in.PDF, in.XML
	return r
}

func (a *App) askRecipient(ctx context.Context, tx *store.Tx, r store.Recipient) error {
	if err := tx.InsertMail(ctx, store.Mail{
		Kind: store.MailConfirmation, Delivery: to(r.Email), PayerID: account.PayerID(r.PayerID), RecipientID: r.ID,
	}); err != nil {
		return err
	}
	return a.queue.DeliverMails(ctx, tx)
}

func (a *App) auditRecipient(ctx context.Context, tx *store.Tx, by audit.Actor, r store.Recipient, action string) error {
	return tx.AppendAudit(ctx, audit.Record{
		Actor: by, Action: action, ObjectKind: "recipient", ObjectID: r.ID, PayerID: account.PayerID(r.PayerID),
	})
}

// lockBought returns and locks a payer that the actor may buy for.
func lockBought(ctx context.Context, tx *store.Tx, actor account.Actor, id account.PayerID) (store.PayerOf, error) {
	payer, err := tx.LockPayerOf(ctx, actor.AccountID, id)
	if err == nil && !payer.Role.MayBuy() {
		err = fault.New(fault.Forbidden, "error.payer.role")
	}
	return payer, err
}

// changeRecipient locks a recipient of a payer that the actor may buy for, has it
// changed, and returns whose it is.
func (a *App) changeRecipient(ctx context.Context, actor account.Actor, id, action string, change func(*store.Tx, *store.Recipient) error) (payer account.PayerID, err error) {
	if !isUUID(id) {
		return "", fault.Missing("recipient")
	}
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		known, err := tx.Recipient(ctx, id)
		if err != nil {
			return err
		}
		payer = account.PayerID(known.PayerID)
		if _, err := lockBought(ctx, tx, actor, account.PayerID(known.PayerID)); err != nil {
			return err
		}
		r, err := tx.LockRecipient(ctx, id)
		if err != nil {
			return err
		}
		if err := change(tx, &r); err != nil {
			return err
		}
		if err := tx.SaveRecipient(ctx, r); err != nil {
			return err
		}
		return a.auditRecipient(ctx, tx, audit.ByAccount(actor.AccountID), r, action)
	})
	return payer, err
}

// SaveRecipient changes which documents a recipient gets, and in which files, and
// returns whose it is, also with Invalid for no file at all.
func (a *App) SaveRecipient(ctx context.Context, actor account.Actor, id string, in RecipientInput) (account.PayerID, error) {
	return a.changeRecipient(ctx, actor, id, "recipient.changed", func(_ *store.Tx, r *store.Recipient) error {
		if !in.PDF && !in.XML {
			return mistakeAt("pdf", "error.recipient.no_file", nil)
		}
		*r = in.onto(*r)
		return nil
	})
}

// RemoveRecipient ends the sending to an address.
func (a *App) RemoveRecipient(ctx context.Context, actor account.Actor, id string) (account.PayerID, error) {
	return a.changeRecipient(ctx, actor, id, "recipient.removed", func(tx *store.Tx, r *store.Recipient) error {
		now := tx.Now()
		r.RemovedAt = &now
		return nil
	})
}

// AskRecipientAgain sends the question again to an address that has not answered,
// or has stopped the mails; until the answer nothing else goes there.
func (a *App) AskRecipientAgain(ctx context.Context, actor account.Actor, id string) (account.PayerID, error) {
	return a.changeRecipient(ctx, actor, id, "recipient.asked_again", func(tx *store.Tx, r *store.Recipient) error {
		if r.Active() {
			return fault.New(fault.Conflict, "error.recipient.confirmed")
		}
		if err := a.mayWrite(ctx, tx, actor, r.Email); err != nil {
			return conflictOf(err)
		}
		r.ConfirmUntil, r.ConfirmedAt, r.StoppedAt = tx.Now().Add(confirmLife), nil, nil
		return a.askRecipient(ctx, tx, *r)
	})
}

// conflictOf is a Conflict with the message of the field that a mistake is at, for
// forms that have no such field; any other error is as it was.
func conflictOf(err error) error {
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Kind == fault.Invalid && len(f.Fields) > 0 {
		return &fault.Error{Kind: fault.Conflict, Key: f.Fields[0].Key, Args: f.Fields[0].Args}
	}
	return err
}

// SendDocumentAgain sends a document again to a recipient who got it, or did not,
// and returns whose it is. While it is on its way, and a few times in a day, it is
// a Conflict.
func (a *App) SendDocumentAgain(ctx context.Context, actor account.Actor, mail string) (payer account.PayerID, err error) {
	if !isUUID(mail) {
		return "", fault.Missing("mail")
	}
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		old, err := tx.SentDocument(ctx, mail)
		if err != nil {
			return err
		}
		payer = old.PayerID
		if _, err := lockBought(ctx, tx, actor, payer); err != nil {
			return err
		}
		r, err := tx.LockRecipient(ctx, old.RecipientID)
		if fault.Is(err, fault.NotFound) || err == nil && !r.Active() {
			return fault.New(fault.Conflict, "error.recipient.not_active")
		} else if err != nil {
			return err
		}
		// The recipient is locked, so what is counted stays counted.
		count, err := tx.MailsWith(ctx, r.ID, old.DocumentKind, old.DocumentNumber, tx.Now().Add(-24*time.Hour))
		switch {
		case err != nil:
			return err
		case count.Waiting > 0:
			return fault.New(fault.Conflict, "error.mail.waiting")
		case count.Recent >= maxSent:
			return &fault.Error{Kind: fault.Conflict, Key: "error.mail.too_many_today", Args: fault.Args{"Count": maxSent}}
		}
		if err := tx.InsertMail(ctx, store.Mail{
			Kind: store.MailDocument, Delivery: to(r.Email), PayerID: old.PayerID, RecipientID: r.ID,
			DocumentKind: old.DocumentKind, DocumentNumber: old.DocumentNumber,
		}); err != nil {
			return err
		}
		if err := a.queue.DeliverMails(ctx, tx); err != nil {
			return err
		}
		return tx.AppendAudit(ctx, audit.Record{
			Actor: audit.ByAccount(actor.AccountID), Action: "recipient.sent_again", ObjectKind: "recipient", ObjectID: r.ID, PayerID: payer,
			Detail: map[string]any{"kind": old.DocumentKind, "number": old.DocumentNumber},
		})
	})
	return payer, err
}

// What the link of a recipient's mail is for.
const (
	sealConfirm = "confirm"
	sealStop    = "stop"
)

// sealOf is what makes a recipient's link impossible to guess. It is the same in
// each mail, and worth nothing but the one answer.
func (a *App) sealOf(purpose, recipient string) string {
	mac := hmac.New(sha256.New, a.linkKey)
	mac.Write([]byte(purpose + " " + recipient))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (a *App) recipientURL(path, purpose, recipient string) string {
	return a.linkURL(path, url.Values{"r": {recipient}, "s": {a.sealOf(purpose, recipient)}})
}

// RecipientLink is a link out of a recipient's mail.
type RecipientLink struct{ Recipient, Seal string }

// RecipientOf is who the link to confirm or to stop was mailed to; it changes
// nothing. Links that nobody was sent are NotFound; one that comes too late to
// confirm is Conflict (error.link.over).
func (a *App) RecipientOf(ctx context.Context, l RecipientLink, stop bool) (store.Recipient, error) {
	var r store.Recipient
	err := a.db.View(ctx, func(tx *store.Tx) error {
		var err error
		r, err = a.linked(ctx, l, stop, tx.Recipient)
		if err == nil && !stop && r.ConfirmedAt == nil && !r.ConfirmUntil.After(tx.Now()) {
			err = fault.New(fault.Conflict, "error.link.over")
		}
		return err
	})
	return r, err
}

func (a *App) linked(ctx context.Context, l RecipientLink, stop bool, find func(context.Context, string) (store.Recipient, error)) (store.Recipient, error) {
	purpose := sealConfirm
	if stop {
		purpose = sealStop
	}
	if !isUUID(l.Recipient) || !hmac.Equal([]byte(l.Seal), []byte(a.sealOf(purpose, l.Recipient))) {
		return store.Recipient{}, fault.Missing("recipient")
	}
	r, err := find(ctx, l.Recipient)
	if err == nil && r.RemovedAt != nil && !stop {
		return store.Recipient{}, fault.Missing("recipient")
	}
	return r, err
}

// ConfirmRecipient is the reader's yes: from now on documents are sent. Saying so
// twice is one change.
func (a *App) ConfirmRecipient(ctx context.Context, l RecipientLink) error {
	return a.db.Update(ctx, func(tx *store.Tx) error {
		r, err := a.linked(ctx, l, false, tx.LockRecipient)
		switch {
		case err != nil:
			return err
		case r.Active():
			return nil
		case !r.ConfirmUntil.After(tx.Now()):
			return fault.New(fault.Conflict, "error.link.over")
		}
		now := tx.Now()
		r.ConfirmedAt, r.StoppedAt = &now, nil
		if err := tx.SaveRecipient(ctx, r); err != nil {
			return err
		}
		return a.auditRecipient(ctx, tx, byRecipient, r, "recipient.confirmed")
	})
}

// StopRecipient is the reader's no: nothing is sent any more. Saying so twice, or
// of what the payer removed meanwhile, is no mistake.
func (a *App) StopRecipient(ctx context.Context, l RecipientLink) error {
	return a.db.Update(ctx, func(tx *store.Tx) error {
		r, err := a.linked(ctx, l, true, tx.LockRecipient)
		if fault.Is(err, fault.NotFound) {
			_, err := a.linked(ctx, l, true, tx.Recipient) // removed already
			return err
		}
		if err != nil || r.StoppedAt != nil {
			return err
		}
		now := tx.Now()
		r.StoppedAt = &now
		if err := tx.SaveRecipient(ctx, r); err != nil {
			return err
		}
		return a.auditRecipient(ctx, tx, byRecipient, r, "recipient.stopped")
	})
}

// byRecipient is who has the link of a recipient's mail.
const byRecipient audit.Actor = "link:recipient"
