package app

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/mail"
	"github.com/siptg/portal/internal/notice"
	"github.com/siptg/portal/internal/store"
)

// Why a mail of the outbox was not sent, beside the reasons of package notice.
const (
	skipNoSeat  = "no_seat" // nobody reads at that address
	skipOver    = "over"    // what it is about is over
	skipStopped = "stopped" // the recipient gets no such documents any more
)

// errSkip has a mail skipped.
type errSkip string

func (e errSkip) Error() string { return string(e) }

// Mails reports whether mails are sent; in demo mode pages show what would be.
func (a *App) Mails() bool { return a.mailer != nil || a.demo }

// DeliverMails sends the mails of the outbox that are due. As with notices each
// is sent outside of any transaction and marked then.
func (a *App) DeliverMails(ctx context.Context) error {
	for {
		var m store.Mail
		err := a.db.Update(ctx, func(tx *store.Tx) error {
			var err error
			m, err = tx.ClaimMail(ctx)
			return err
		})
		if fault.Is(err, fault.NotFound) {
			return nil
		} else if err != nil {
			return err
		}
		ended := a.deliverMail(ctx, m)
		// A program that is being stopped still writes down what it has sent.
		saving, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTime)
		err = a.db.Update(saving, func(tx *store.Tx) error { return tx.SaveMail(saving, ended) })
		cancel()
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
	}
}

// deliverMail sends a mail and returns how it ended.
func (a *App) deliverMail(ctx context.Context, m store.Mail) notice.Delivery {
	switch {
	case a.demo:
		return m.Skip(notice.SkipDemo)
	case a.mailer == nil:
		return m.Skip(notice.SkipOff)
	}
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	message, err := a.compose(ctx, m)
	if err == nil {
		message.ID, message.To, message.Date = m.ID, m.Recipient, m.CreatedAt
		message.FromName, message.From = a.seller.Party.Name, a.seller.Party.Email
		err = a.mailer.Send(ctx, message)
	}
	now := a.now()
	skip, isSkip := errors.AsType[errSkip](err)
	d := m.Delivery
	switch {
	case err == nil:
		return d.Done(now)
	case isSkip:
		return d.Skip(string(skip))
	case errors.Is(err, mail.ErrRefused):
		d = d.GiveUp(clip(err.Error(), maxReason))
	default:
		d = d.Fail(clip(err.Error(), maxReason), now)
	}
	a.log.Warn("a mail was not delivered", "mail", d.ID, "kind", m.Kind, "attempts", d.Attempts, "state", d.State, "error", err)
	return d
}

// compose writes a mail as it stands now, or says by errSkip why there is none to
// send any more.
func (a *App) compose(ctx context.Context, m store.Mail) (mail.Message, error) {
	switch m.Kind {
	case store.MailSignIn:
		return a.composeSignIn(ctx, m)
	case store.MailInvitation:
		return a.composeInvitation(ctx, m)
	case store.MailConfirmation:
		return a.composeConfirmation(ctx, m)
	case store.MailDocument:
		return a.composeDocument(ctx, m)
	}
	return mail.Message{}, errSkip(skipOver)
}

// composeSignIn makes the token only now, so that it is nowhere but in the mail.
// A mail that is sent again has a new one, and the one before is worth nothing.
func (a *App) composeSignIn(ctx context.Context, m store.Mail) (mail.Message, error) {
	token, good, language := newToken(), false, ""
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		seat, err := tx.HasSeat(ctx, m.Recipient)
		if err == nil && !seat {
			return errSkip(skipNoSeat)
		} else if err != nil {
			return err
		}
		if language, err = tx.LanguageOfEmail(ctx, m.Recipient); err != nil {
			return err
		}
		good, err = tx.SetLinkToken(ctx, m.LinkID, hash(token))
		return err
	})
	if err == nil && !good {
		err = errSkip(skipOver)
	}
	if err != nil {
		return mail.Message{}, err
	}
	t := i18n.New(language)
	return letter(t.T("mail.sign_in.subject", "Seller", a.seller.Party.Name), mail.Letter{
		Language:   t.Lang(),
		Paragraphs: []string{t.T("mail.sign_in.text", "Seller", a.seller.Party.Name), t.T("mail.sign_in.browser", "Minutes", int(EmailLinkLife/time.Minute))},
		Action:     mail.Link{Text: t.T("mail.sign_in.action"), URL: a.linkURL(linkPath, url.Values{"token": {token}})},
		Notes:      []string{t.T("mail.sign_in.not_you")},
		Foot:       []mail.Line{{Text: a.seller.Party.Name}},
	}), nil
}

func (a *App) composeInvitation(ctx context.Context, m store.Mail) (mail.Message, error) {
	var (
		i     store.Invitation
		payer account.Payer
		now   time.Time
	)
	err := a.db.View(ctx, func(tx *store.Tx) error {
		var err error
		now = tx.Now()
		if i, err = tx.Invitation(ctx, m.InvitationID); err != nil {
			return err
		}
		payer, err = tx.Payer(ctx, m.PayerID)
		return err
	})
	if err == nil && (i.State != "pending" || !i.ExpiresAt.After(now)) {
		err = errSkip(skipOver)
	}
	if err != nil {
		return mail.Message{}, err
	}
	t := i18n.New(payer.Language)
	name := shortName(i.PayerName)
	return letter(t.T("mail.invitation.subject", "Payer", name), mail.Letter{
		Language: t.Lang(),
		Paragraphs: []string{
			t.T("mail.invitation.text", "Who", shortName(i.InvitedBy), "Payer", name, "Seller", a.seller.Party.Name),
			t.T("mail.invitation.how", "Address", i.Email, "Until", t.Time(i.ExpiresAt, a.seller.Zone)),
		},
		Action: mail.Link{Text: t.T("mail.invitation.action"), URL: a.publicURL + signInPath},
		Notes:  []string{t.T("mail.invitation.may"), t.T("mail.invitation.not_you")},
		Foot:   []mail.Line{{Text: a.seller.Party.Name}},
	}), nil
}

func (a *App) composeConfirmation(ctx context.Context, m store.Mail) (mail.Message, error) {
	r, err := a.recipient(ctx, m.RecipientID)
	if err == nil && (r.ConfirmedAt != nil || r.RemovedAt != nil || r.StoppedAt != nil || !r.ConfirmUntil.After(a.now())) {
		err = errSkip(skipOver)
	}
	if err != nil {
		return mail.Message{}, err
	}
	t := i18n.New(r.Language)
	name := shortName(r.PayerName)
	return letter(t.T("mail.confirmation.subject", "Payer", name), mail.Letter{
		Language: t.Lang(),
		Paragraphs: []string{
			t.T("mail.confirmation.text", "Payer", name, "Seller", a.seller.Party.Name, "Address", r.Email),
			t.T("mail.confirmation.how", "Until", t.Time(r.ConfirmUntil, a.seller.Zone)),
		},
		Action: mail.Link{Text: t.T("mail.confirmation.action"), URL: a.recipientURL(confirmPath, sealConfirm, r.ID)},
		Notes:  []string{t.T("mail.confirmation.not_you")},
		Foot:   []mail.Line{{Text: a.seller.Party.Name, Link: mail.Link{Text: t.T("mail.stop"), URL: a.recipientURL(stopPath, sealStop, r.ID)}}},
	}), nil
}

// shortName is a name in a mail to somebody who has agreed to nothing. People
// choose their names, and a name has no room for a message of theirs.
func shortName(name string) string {
	letters := []rune(CleanText(name))
	if len(letters) <= maxMailedName {
		return string(letters)
	}
	return strings.TrimSpace(string(letters[:maxMailedName-1])) + "…"
}

func (a *App) recipient(ctx context.Context, id string) (r store.Recipient, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) error {
		r, err = tx.Recipient(ctx, id)
		return err
	})
	return r, err
}

// composeDocument attaches the same bytes that the portal serves.
func (a *App) composeDocument(ctx context.Context, m store.Mail) (mail.Message, error) {
	r, err := a.recipient(ctx, m.RecipientID)
	if err == nil && (!r.Active() || !r.Wants(m.DocumentKind)) {
		err = errSkip(skipStopped)
	}
	if err != nil {
		return mail.Message{}, err
	}
	var content []byte
	err = a.db.View(ctx, func(tx *store.Tx) error {
		content, err = tx.DocumentContent(ctx, m.DocumentKind, m.DocumentNumber)
		return err
	})
	if err != nil {
		return mail.Message{}, err
	}
	d, err := invoice.Unmarshal(content)
	if err != nil {
		return mail.Message{}, err
	}
	files, err := a.filesFor(ctx, d, content, r)
	if err != nil {
		return mail.Message{}, err
	}
	t := i18n.New(d.Language)
	name := CleanText(d.Buyer.Name)
	message := letter(t.T("mail.document."+m.DocumentKind+".subject", "Number", d.Number, "Seller", a.seller.Party.Name), mail.Letter{
		Language: t.Lang(),
		Paragraphs: []string{
			t.T("mail.document."+m.DocumentKind+".text", "Number", d.Number, "Payer", name, "Seller", a.seller.Party.Name,
				"Date", t.Date(d.IssueDate.Year, d.IssueDate.Month, d.IssueDate.Day), "Total", t.Money(int64(d.Total), string(d.Currency))),
			t.N("mail.document.files", len(files)),
		},
		Foot: []mail.Line{
			{Text: t.T("mail.document.why", "Payer", name, "Seller", a.seller.Party.Name)},
			{Link: mail.Link{Text: t.T("mail.stop"), URL: a.recipientURL(stopPath, sealStop, r.ID)}},
		},
	})
	for _, f := range files {
		message.Files = append(message.Files, mail.Attachment{Name: f.Name, ContentType: f.ContentType, Bytes: f.Bytes})
	}
	message.StopURL = a.recipientURL(stopPath, sealStop, r.ID)
	return message, nil
}

// filesFor are the files of a document that a recipient gets. Bank invoices and
// receipts are no tax documents and have no e-invoice: they come as PDF whatever
// was chosen.
func (a *App) filesFor(ctx context.Context, d invoice.Document, content []byte, r store.Recipient) ([]File, error) {
	var files []File
	taxDocument := d.Kind == invoice.KindInvoice || d.Kind == invoice.KindCreditNote
	if r.PDF || !taxDocument {
		f, err := a.drawn(ctx, content)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	if r.XML && taxDocument {
		f, err := a.file(ctx, content, ciiFormat)
		switch {
		case fault.Is(err, fault.NotFound): // the PDF alone is an invoice all the same
		case err != nil:
			return nil, err
		default:
			files = append(files, f)
		}
	}
	return files, nil
}

func letter(subject string, l mail.Letter) mail.Message {
	return mail.Message{Subject: subject, Body: l.Plain(), HTML: l.HTML()}
}
