package web

import (
	"cmp"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/views"
)

// correctionForm is GET /requests/new/correction?invoice=.
func (s *server) correctionForm(c echo.Context) error {
	values, err := query(c)
	if err != nil {
		return err
	}
	number := values.Get("invoice")
	if number == "" { // each invoice has a link here
		return s.redirect(c, "/invoices", "")
	}
	of, err := s.app.Correctable(c.Request().Context(), s.actor(c), number)
	if err != nil {
		return err
	}
	page := correctionFormView(s.page(c), of)
	page.Form = payerForm(of.Payer)
	page.Form.POReference = cmp.Or(of.Payer.POReference, of.Document.POReference)
	return s.render(c, http.StatusOK, views.CorrectionForm(page))
}

// correctInvoice is POST /requests/new/correction: with "step" = "preview" it
// shows what would happen, with "confirm" it happens, with "edit" the form comes
// again.
func (s *server) correctInvoice(c echo.Context) error {
	values, err := form(c)
	if err != nil {
		return err
	}
	ctx, actor, number := c.Request().Context(), s.actor(c), values.Get("invoice")
	in := app.CorrectionInput{PayerInput: readPayer(values), Token: values.Get("token"), SaveProfile: values.Get("save_profile") == "on"}
	switch values.Get("step") {
	case "confirm":
		done, err := s.app.CorrectInvoice(ctx, actor, number, in)
		switch {
		case err == nil && done.Request != "":
			return s.redirect(c, "/requests", views.FlashCorrectionAsked)
		case err == nil:
			return s.redirect(c, invoiceURL(done.Invoice), views.FlashCorrected)
		case isKey(err, "error.correction.moved"):
			return s.previewCorrection(c, values, in, err)
		}
		return s.correctionMistake(c, values, err)
	case "edit":
		return s.correctionMistake(c, values, nil)
	}
	return s.previewCorrection(c, values, in, nil)
}

// isKey reports whether an error is a fault with a key.
func isKey(err error, key string) bool { return keyOf(err) == key }

// previewCorrection shows what the correction would do. moved is why it is shown
// again.
func (s *server) previewCorrection(c echo.Context, values url.Values, in app.CorrectionInput, moved error) error {
	ctx, actor, number := c.Request().Context(), s.actor(c), values.Get("invoice")
	preview, err := s.app.PreviewCorrection(ctx, actor, number, in)
	if err != nil {
		return s.correctionMistake(c, values, err)
	}
	page := s.correctionView(c, number, preview)
	for _, name := range correctionFields {
		if v := values.Get(name); v != "" {
			page.Fields = append(page.Fields, views.HiddenField{Name: name, Value: v})
		}
	}
	page.Fields = append(page.Fields, views.HiddenField{Name: "token", Value: preview.Token})
	page.SaveProfile = in.SaveProfile
	status := http.StatusOK
	if moved != nil {
		status, page.Changed = statusOf(moved), faultText(page.T, moved)
	}
	return s.render(c, status, views.CorrectionPreview(page))
}

// correctionFields are the fields that the preview sends again.
var correctionFields = []string{
	"invoice", "kind", "name", "company_code", "vat_number", "vat_number_confirm", "street", "postcode", "city", "country", "email", "po_reference", "save_profile",
}

// correctionMistake shows the form again with what was typed, and why it was
// refused.
func (s *server) correctionMistake(c echo.Context, values url.Values, mistake error) error {
	if mistake != nil && !fault.Is(mistake, fault.Invalid) && !fault.Is(mistake, fault.Conflict) {
		return mistake
	}
	of, err := s.app.Correctable(c.Request().Context(), s.actor(c), values.Get("invoice"))
	if err != nil {
		return err
	}
	page := correctionFormView(s.page(c), of)
	page.Form, page.SaveProfile = typedBilling(values, nil, -1), values.Get("save_profile") == "on"
	status := http.StatusOK
	if mistake != nil {
		status = statusOf(mistake)
		if fault.Is(mistake, fault.Invalid) {
			page.Errors, page.VATWarning = correctionErrors(page.T, mistake)
		} else {
			page.Blocked = faultText(page.T, mistake)
		}
	}
	return s.render(c, status, views.CorrectionForm(page))
}

// withdrawRequest is POST /requests/{id}/withdraw, for requests of every kind.
func (s *server) withdrawRequest(c echo.Context) error {
	ctx, actor, id := c.Request().Context(), s.actor(c), c.Param("id")
	err := s.app.WithdrawRefundRequest(ctx, actor, id)
	if fault.Is(err, fault.NotFound) {
		err = s.app.WithdrawCorrectionRequest(ctx, actor, id)
	}
	if err != nil {
		return err
	}
	return s.redirect(c, "/requests", views.FlashRequestWithdrawn)
}

// staffCorrectionsPage is GET /staff/corrections.
func (s *server) staffCorrectionsPage(c echo.Context) error {
	requests, err := s.app.StaffCorrections(c.Request().Context(), s.actor(c))
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.StaffCorrections(staffCorrectionsView(s.page(c), requests, s.zone(c))))
}

// staffCorrectionPage is GET /staff/corrections/{id}.
func (s *server) staffCorrectionPage(c echo.Context) error { return s.showStaffCorrection(c, "", nil) }

func (s *server) showStaffCorrection(c echo.Context, typed string, mistake error) error {
	r, err := s.app.StaffCorrection(c.Request().Context(), s.actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	page := s.staffCorrectionView(c, r)
	page.Typed = typed
	status := http.StatusOK
	if mistake != nil {
		status, page.Errors = statusOf(mistake), errorList(page.T, mistake, "reason")
	}
	return s.render(c, status, views.StaffCorrection(page))
}

func staffCorrectionURL(id string) string { return "/staff/corrections/" + url.PathEscape(id) }

// askVATCorrection is POST /staff/vat/correct.
func (s *server) askVATCorrection(c echo.Context) error {
	values, err := form(c)
	if err != nil {
		return err
	}
	id, err := s.app.AskVATCorrection(c.Request().Context(), s.actor(c), values.Get("invoice"))
	if err != nil {
		return err
	}
	return s.redirect(c, staffCorrectionURL(id), views.FlashCorrectionAsked)
}

// approveCorrection is POST /staff/corrections/{id}/approve.
func (s *server) approveCorrection(c echo.Context) error {
	id := c.Param("id")
	if err := s.app.ApproveCorrection(c.Request().Context(), s.actor(c), id); err != nil {
		return err
	}
	return s.redirect(c, staffCorrectionURL(id), views.FlashRefundApproved)
}

// rejectCorrection is POST /staff/corrections/{id}/reject.
func (s *server) rejectCorrection(c echo.Context) error {
	values, err := form(c)
	if err != nil {
		return err
	}
	id, reason := c.Param("id"), values.Get("reason")
	err = s.app.RejectCorrection(c.Request().Context(), s.actor(c), id, reason)
	switch {
	case err == nil:
		return s.redirect(c, staffCorrectionURL(id), views.FlashRefundRejected)
	case fault.Is(err, fault.Invalid):
		return s.showStaffCorrection(c, reason, err)
	}
	return err
}
