package web

import (
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/notice"
	"github.com/siptg/portal/views"
)

// recipientsPage is GET /billing/recipients.
func (s *server) recipientsPage(c echo.Context) error {
	values, err := query(c)
	if err != nil {
		return err
	}
	return s.showRecipients(c, http.StatusOK, values.Get("payer"), "", everything, nil)
}

// everything is what a new recipient gets, unless somebody chooses.
var everything = app.RecipientInput{Invoices: true, CreditNotes: true, BankInvoices: true, Receipts: true, PDF: true, XML: true}

// showRecipients renders the page with the form of a recipient, or for none that of
// a new one, as typed.
func (s *server) showRecipients(c echo.Context, status int, payer, of string, typed app.RecipientInput, mistakes views.Errors) error {
	all, err := s.app.Recipients(c.Request().Context(), s.actor(c), account.PayerID(payer))
	if err != nil {
		return err
	}
	page := recipientsView(s.page(c), all, s.zone(c))
	page.Form, page.Errors = recipientForm(typed), mistakes
	if of != "" {
		page.Form = recipientForm(everything)
		for i := range page.Errors {
			page.Errors[i].Field += "-" + of
		}
		for i, r := range page.Rows {
			if r.ID == of {
				typed.Email = r.Email
				page.Rows[i].RecipientForm = recipientForm(typed)
			}
		}
	}
	return s.render(c, status, views.Recipients(page))
}

func recipientsView(p views.Page, all app.Recipients, zone *time.Location) views.RecipientsPage {
	id := all.Payer.ID
	page := views.RecipientsPage{
		Page: p, PayerName: all.Payer.Name, Payer: string(id), Payers: payerPages("/billing/recipients", all.Payers, id), BillingURL: ofPayer("/billing", id),
		MailOff: all.MailOff,
	}
	for _, r := range all.List {
		row := views.RecipientRow{ID: r.ID, RecipientForm: views.RecipientForm{
			Email: r.Email, Invoices: r.Invoices, CreditNotes: r.CreditNotes, BankInvoices: r.BankInvoices, Receipts: r.Receipts, PDF: r.PDF, XML: r.XML,
		}}
		since := r.AddedAt
		switch {
		case r.StoppedAt != nil:
			row.State, since = "stopped", *r.StoppedAt
		case r.ConfirmedAt != nil:
			row.State, since = "active", *r.ConfirmedAt
		case !r.ConfirmUntil.After(all.Now):
			row.State = "expired"
		default:
			row.State, row.Mail = "asked", r.Mail
		}
		row.Since = instantOf(p.T, since, zone)
		page.Rows = append(page.Rows, row)
	}
	for _, d := range all.Sent {
		row := views.SentRow{
			ID: d.ID, Number: d.Number, URL: documentURL(d.Kind, d.Number), Email: d.Email, State: d.State, At: instantOf(p.T, d.CreatedAt, zone), MayAgain: d.MayAgain,
		}
		switch notice.DeliveryState(d.State) {
		case notice.Sent:
			row.At = instantOf(p.T, *d.SentAt, zone)
		case notice.Pending:
			row.State = "waiting"
			if d.LastError != "" {
				row.State, row.Why = "trying", p.T.T("recipients.sent.why.next", "At", p.T.Time(*d.NextTryAt, zone))
			}
		case notice.Failed:
			row.Why = p.T.T("recipients.sent.why.failed", "Why", clip(d.LastError, 120))
		case notice.Skipped:
			row.Why = p.T.T("recipients.sent.why.skipped")
		}
		page.Sent = append(page.Sent, row)
	}
	return page
}

func recipientForm(in app.RecipientInput) views.RecipientForm {
	return views.RecipientForm{
		Email: in.Email, Invoices: in.Invoices, CreditNotes: in.CreditNotes, BankInvoices: in.BankInvoices, Receipts: in.Receipts, PDF: in.PDF, XML: in.XML,
	}
}

func readRecipient(f url.Values) app.RecipientInput {
	on := func(name string) bool { return f.Get(name) == "on" }
	return app.RecipientInput{
		Email: f.Get("email"), Invoices: on("invoices"), CreditNotes: on("credit_notes"), BankInvoices: on("bank_invoices"), Receipts: on("receipts"),
		PDF: on("pdf"), XML: on("xml"),
	}
}

// addRecipient is POST /billing/recipients.
func (s *server) addRecipient(c echo.Context) error {
	f, err := form(c)
	if err != nil {
		return err
	}
	payer, in := f.Get("payer"), readRecipient(f)
	err = s.app.AddRecipient(c.Request().Context(), s.actor(c), account.PayerID(payer), in)
	if mistakes, ok := fieldErrors(s.translator(c), err); ok {
		return s.showRecipients(c, statusOf(err), payer, "", in, mistakes)
	}
	if err != nil {
		return err
	}
	return s.redirect(c, ofPayer("/billing/recipients", account.PayerID(payer)), views.FlashRecipientAdded)
}

// toRecipients ends a form of the page of recipients: back to that of the payer.
func (s *server) toRecipients(c echo.Context, payer account.PayerID, flash string, err error) error {
	if err != nil {
		return err
	}
	return s.redirect(c, ofPayer("/billing/recipients", payer), flash)
}

// saveRecipient is POST /billing/recipients/{id}.
func (s *server) saveRecipient(c echo.Context) error {
	f, err := form(c)
	if err != nil {
		return err
	}
	id, in := c.Param("id"), readRecipient(f)
	payer, err := s.app.SaveRecipient(c.Request().Context(), s.actor(c), id, in)
	if mistakes, ok := fieldErrors(s.translator(c), err); ok {
		return s.showRecipients(c, statusOf(err), string(payer), id, in, mistakes)
	}
	return s.toRecipients(c, payer, views.FlashRecipientSaved, err)
}

// askRecipientAgain is POST /billing/recipients/{id}/again.
func (s *server) askRecipientAgain(c echo.Context) error {
	payer, err := s.app.AskRecipientAgain(c.Request().Context(), s.actor(c), c.Param("id"))
	return s.toRecipients(c, payer, views.FlashRecipientAdded, err)
}

// removeRecipient is POST /billing/recipients/{id}/remove.
func (s *server) removeRecipient(c echo.Context) error {
	payer, err := s.app.RemoveRecipient(c.Request().Context(), s.actor(c), c.Param("id"))
	return s.toRecipients(c, payer, views.FlashRecipientRemoved, err)
}

// sendDocumentAgain is POST /billing/sent/{id}/again.
func (s *server) sendDocumentAgain(c echo.Context) error {
	payer, err := s.app.SendDocumentAgain(c.Request().Context(), s.actor(c), c.Param("id"))
	return s.toRecipients(c, payer, views.FlashSentAgain, err)
}

// confirmRecipientPage is GET /recipients/confirm, where a mail leads to. It only
// looks, as signInLinkPage does.
func (s *server) confirmRecipientPage(c echo.Context) error { return s.showAnswer(c, false) }

// stopRecipientPage is GET /recipients/stop.
func (s *server) stopRecipientPage(c echo.Context) error { return s.showAnswer(c, true) }

func (s *server) showAnswer(c echo.Context, stop bool) error {
	c.Set(notKeptKey, true)
	values, err := query(c)
	if err != nil {
		return err
	}
	link := recipientLink(values)
	r, err := s.app.RecipientOf(c.Request().Context(), link, stop)
	if fault.Is(err, fault.Conflict) {
		return s.render(c, http.StatusGone, views.RecipientAnswer(views.AnswerPage{Page: s.page(c), Over: true, PayerName: r.PayerName, Email: r.Email}))
	}
	if err != nil {
		return err
	}
	page := views.AnswerPage{
		Page: s.page(c), Stop: stop, Action: c.Request().URL.Path, Recipient: link.Recipient, Seal: link.Seal, PayerName: r.PayerName, Email: r.Email,
	}
	page.Done = !stop && r.Active() || stop && (r.StoppedAt != nil || r.RemovedAt != nil)
	return s.render(c, http.StatusOK, views.RecipientAnswer(page))
}

func recipientLink(values url.Values) app.RecipientLink {
	return app.RecipientLink{Recipient: values.Get("r"), Seal: values.Get("s")}
}

// confirmRecipient is POST /recipients/confirm.
func (s *server) confirmRecipient(c echo.Context) error {
	f, err := form(c)
	if err != nil {
		return err
	}
	link := recipientLink(f)
	if err := s.app.ConfirmRecipient(c.Request().Context(), link); err != nil && !fault.Is(err, fault.Conflict) {
		return err // too late says the page
	}
	return c.Redirect(http.StatusSeeOther, answerURL(c, link))
}

// stopRecipient is POST /recipients/stop: by the page's form, or by a mail
// program's button, which sends the address of the link with a body of its own
// (RFC 8058, 3.2).
func (s *server) stopRecipient(c echo.Context) error {
	f, err := formOfAnyKind(c)
	if err != nil {
		return err
	}
	if f.Get("List-Unsubscribe") == "One-Click" {
		if f, err = query(c); err != nil {
			return err
		}
		if err := s.app.StopRecipient(c.Request().Context(), recipientLink(f)); err != nil {
			return err
		}
		return c.NoContent(http.StatusNoContent)
	}
	link := recipientLink(f)
	if err := s.app.StopRecipient(c.Request().Context(), link); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, answerURL(c, link))
}

func answerURL(c echo.Context, l app.RecipientLink) string {
	return c.Request().URL.Path + "?" + url.Values{"r": {l.Recipient}, "s": {l.Seal}}.Encode()
}
