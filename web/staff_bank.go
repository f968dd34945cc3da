package web

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/views"
)

const (
	staffSuspenseURL = "/staff/suspense"
	statementsPath   = "/staff/statements"
)

func suspenseURL(id string) string { return staffSuspenseURL + "/" + url.PathEscape(id) }

func statementUploadURL(id string) string { return statementsPath + "/" + url.PathEscape(id) }

// staffSuspensePage is GET /staff/suspense.
func (s *server) staffSuspensePage(c echo.Context) error {
	items, err := s.app.StaffSuspense(c.Request().Context(), s.actor(c))
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.StaffSuspense(staffSuspenseView(s.page(c), items)))
}

// staffSuspenseEntryPage is GET /staff/suspense/{id}.
func (s *server) staffSuspenseEntryPage(c echo.Context) error {
	return s.showSuspense(c, url.Values{}, nil)
}

// showSuspense shows an entry with what was typed, and why it was refused.
func (s *server) showSuspense(c echo.Context, typed url.Values, mistake error) error {
	e, err := s.app.StaffSuspenseEntry(c.Request().Context(), s.actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	page := staffSuspenseEntryView(s.page(c), e, s.zone(c))
	page.Choice, page.Order, page.Reason2, page.Refusal = typed.Get("choice"), typed.Get("order"), typed.Get("reason"), typed.Get("refusal")
	status := http.StatusOK
	if mistake != nil {
		status, page.Errors = statusOf(mistake), errorList(page.T, mistake, "choice")
		for i, f := range page.Errors { // what the choice stands for
			switch f.Field {
			case "kind", "payer", "against":
				page.Errors[i].Field = "choice"
			}
		}
	}
	return s.render(c, status, views.StaffSuspenseEntry(page))
}

// readChoice reads what a person chose: "order:O-2026-000001", "balance:<payer>",
// "undo:<entry>", "return", and "order" and "balance" with the number that was
// typed.
func readChoice(values url.Values) app.SuspenseDecision {
	in := app.SuspenseDecision{Reason: values.Get("reason")}
	kind, what, chosen := strings.Cut(values.Get("choice"), ":")
	typed := strings.TrimSpace(values.Get("order"))
	switch in.Kind = bank.DecisionKind(kind); {
	case kind == "order" && chosen:
		in.Order = what
	case kind == "balance" && chosen:
		in.Payer = account.PayerID(what)
	case kind == "order", kind == "balance":
		in.Order = typed
	case kind == "undo":
		in.Kind, in.Against = bank.DecideTakeBack, what
	}
	return in
}

// decideSuspense is POST /staff/suspense/{id}/decide.
func (s *server) decideSuspense(c echo.Context) error {
	values, err := form(c)
	if err != nil {
		return err
	}
	return s.afterDecision(c, values, s.app.DecideSuspense(c.Request().Context(), s.actor(c), c.Param("id"), readChoice(values)))
}

// approveSuspense is POST /staff/suspense/{id}/approve.
func (s *server) approveSuspense(c echo.Context) error {
	return s.afterDecision(c, url.Values{}, s.app.ApproveSuspense(c.Request().Context(), s.actor(c), c.Param("id")))
}

// refuseSuspense is POST /staff/suspense/{id}/refuse.
func (s *server) refuseSuspense(c echo.Context) error {
	values, err := form(c)
	if err != nil {
		return err
	}
	return s.afterDecision(c, values, s.app.RefuseSuspense(c.Request().Context(), s.actor(c), c.Param("id"), values.Get("refusal")))
}

// confirmReturn is POST /staff/suspense/{id}/sent.
func (s *server) confirmReturn(c echo.Context) error {
	return s.afterDecision(c, url.Values{}, s.app.ConfirmReturn(c.Request().Context(), s.actor(c), c.Param("id")))
}

func (s *server) afterDecision(c echo.Context, typed url.Values, err error) error {
	switch {
	case err == nil:
		return s.redirect(c, suspenseURL(c.Param("id")), views.FlashSuspenseDecided)
	case fault.Is(err, fault.Invalid), fault.Is(err, fault.Conflict):
		return s.showSuspense(c, typed, err)
	}
	return err
}

// staffStatementsPage is GET /staff/statements.
func (s *server) staffStatementsPage(c echo.Context) error { return s.showStatements(c, nil) }

func (s *server) showStatements(c echo.Context, mistake error) error {
	list, err := s.app.StaffStatements(c.Request().Context(), s.actor(c))
	if err != nil {
		return err
	}
	page := staffStatementsView(s.page(c), list, s.actor(c).Staff, s.zone(c))
	status := http.StatusOK
	if mistake != nil {
		status, page.Errors = statusOf(mistake), errorList(page.T, mistake, "file")
	}
	return s.render(c, status, views.StaffStatements(page))
}

// Limits of an upload (security.md 5); the form around the file is small.
const (
	maxUpload  = 20<<20 + 64<<10
	uploadTime = 60 * time.Second
)

func isUpload(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Path == statementsPath
}

// uploadStatement is POST /staff/statements.
func (s *server) uploadStatement(c echo.Context) error {
	// The server's own limits are those of small requests.
	control := http.NewResponseController(c.Response())
	for _, extend := range []func(time.Time) error{control.SetReadDeadline, control.SetWriteDeadline} {
		if err := extend(s.now().Add(uploadTime)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
	}
	if !s.actor(c).Staff.MayDecideMoney() { // nothing is read for nothing
		return fault.New(fault.Forbidden, "error.refund.role")
	}
	part, err := filePart(c.Request())
	if err != nil {
		return err
	}
	if part == nil {
		return s.showStatements(c, fault.Fields{{Name: "file", Key: "error.bank.read"}}.Err())
	}
	id, err := s.app.UploadStatement(c.Request().Context(), s.actor(c), part.FileName(), part)
	switch {
	case err == nil:
		return s.redirect(c, statementUploadURL(id), "")
	case fault.Is(err, fault.Invalid):
		return s.showStatements(c, err)
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return s.showStatements(c, fault.Fields{{Name: "file", Key: "error.bank.size"}}.Err())
	}
	return err
}

// filePart is the file of a form with one; nil where there is none.
func filePart(r *http.Request) (*multipart.Part, error) {
	reader, err := r.MultipartReader()
	if err != nil {
		return nil, echo.ErrUnsupportedMediaType
	}
	part, err := reader.NextPart()
	switch {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, fault.Wrap(fault.Invalid, "error.request.malformed", err)
	case part.FormName() != "file" || part.FileName() == "":
		return nil, nil
	}
	return part, nil
}

// staffStatementPage is GET /staff/statements/{id}.
func (s *server) staffStatementPage(c echo.Context) error {
	u, err := s.app.StaffStatement(c.Request().Context(), s.actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.StaffStatement(staffStatementView(s.page(c), u, s.zone(c))))
}

// bookStatement is POST /staff/statements/{id}/import.
func (s *server) bookStatement(c echo.Context) error {
	id := c.Param("id")
	if err := s.app.BookStatement(c.Request().Context(), s.actor(c), id); err != nil {
		return err
	}
	return s.redirect(c, statementUploadURL(id), views.FlashStatementAsked)
}
