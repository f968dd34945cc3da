package sandbox

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"

	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS []byte

var page = template.Must(template.New("page").Parse(pageHTML))

// pageView is what the page shows.
type pageView struct {
	Amount, Description, Note, ReturnURL, State string
	Choose, Confirm, Keep                       bool
	Cards                                       any
}

// policy is as strict as the portal's own; the page has no script at all.
const policy = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

func style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(pageCSS) // the browser is gone
}

func (s *Server) showPage(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	err := s.book.expire(s.o.Account)
	found := s.book.entries[r.PathValue("id")]
	var e Entry
	if found != nil {
		e = *found
	}
	s.mu.Unlock()
	switch {
	case err != nil:
		s.failed(err)
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	case found == nil:
		http.NotFound(w, r)
		return
	}
	var b bytes.Buffer
	if err := page.Execute(&b, pageView{
		Amount: money.Of(e.AmountMinor, e.Currency).String(), Description: e.Description, Note: e.Note, ReturnURL: e.ReturnURL,
		State: string(e.State), Choose: e.State == payment.AwaitingPayer, Confirm: e.State == payment.ActionRequired, Keep: e.KeepOffered,
		Cards: cards,
	}); err != nil {
		s.o.Log.Error("sandbox: page", "error", err)
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	_, _ = b.WriteTo(w) // the browser is gone
}

// usePage is a button on the page. The address of the page is the right to press
// it, but not from another site.
func (s *Server) usePage(w http.ResponseWriter, r *http.Request) {
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		http.Error(w, "Forbidden", http.StatusForbidden)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "Bad Request", http.StatusBadRequest)
		return
	}
	found, err := s.press(r.PathValue("id"), r.PostForm.Get("action"), Card(r.PostForm.Get("card")), r.PostForm.Get("keep") == "on")
	switch {
	case err != nil:
		s.failed(err)
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	case !found:
		http.NotFound(w, r)
		return
	}
	s.stir()
	http.Redirect(w, r, r.URL.Path, http.StatusSeeOther) //nolint:gosec // the path is that of an entry in the book
}

// Press is what a payer does on the page of a checkout: pay, decline or confirm
// with a card, which may be kept.
func (s *Server) Press(id, action string, card Card, keep bool) error {
	found, err := s.press(id, action, card, keep)
	if err == nil && !found {
		return errNoPayment
	}
	s.stir()
	return err
}

func (s *Server) press(id, action string, card Card, keep bool) (found bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.book.expire(s.o.Account); err != nil {
		return true, err
	}
	if s.book.entries[id] == nil {
		return false, nil
	}
	e := *s.book.entries[id]
	e.Note = ""
	switch {
	case e.State == payment.AwaitingPayer && action == "decline", e.State == payment.ActionRequired && action == "refuse":
		e.State = payment.Failed
	case e.State == payment.ActionRequired && action == "confirmed":
		s.book.capture(&e)
	case e.State == payment.AwaitingPayer && (action == "pay" || action == "confirm"):
		if action == "confirm" {
			card = CardConfirm
		}
		if card.label() == "" {
			e.Note = "Choose a card."
			break
		}
		m, err := s.book.keep(card)
		if err != nil {
			return true, err
		}
		if no := s.book.pay(&e, m, false); no != nil {
			e.Note = no.Message
		} else if keep && e.KeepOffered {
			e.Method = &m
		}
	default:
		return true, nil // pressed twice, or too late: the page shows how things are
	}
	return true, s.book.save(e, s.o.Account, "payment."+string(e.State))
}
