package web

import (
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/views"
)

const staffPayoutsURL = "/staff/payouts"

func payoutURL(id string) string { return staffPayoutsURL + "/" + url.PathEscape(id) }

// staffPayoutsPage is GET /staff/payouts.
func (s *server) staffPayoutsPage(c echo.Context) error {
	payouts, err := s.app.StaffPayouts(c.Request().Context(), s.actor(c))
	if err != nil {
		return err
	}
	page := views.StaffPayoutsPage{Page: s.page(c)}
	for _, p := range payouts {
		row := payoutRow(page.T, p, s.zone(c))
		if p.State == payment.RefundRequested {
			page.Open = append(page.Open, row)
		} else {
			page.Ended = append(page.Ended, row)
		}
	}
	return s.render(c, http.StatusOK, views.StaffPayouts(page))
}

// staffPayoutPage is GET /staff/payouts/{id}.
func (s *server) staffPayoutPage(c echo.Context) error { return s.showPayout(c, "", nil) }

// showPayout shows a payout with what was typed, and why it was refused.
func (s *server) showPayout(c echo.Context, typed string, mistake error) error {
	p, err := s.app.StaffPayout(c.Request().Context(), s.actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	page := staffPayoutView(s.page(c), p, s.zone(c))
	page.Typed = typed
	status := http.StatusOK
	if mistake != nil {
		status, page.Errors = statusOf(mistake), errorList(page.T, mistake, "reason")
	}
	return s.render(c, status, views.StaffPayout(page))
}

// confirmPayout is POST /staff/payouts/{id}/sent.
func (s *server) confirmPayout(c echo.Context) error {
	return s.afterPayout(c, "", views.FlashPayoutSent, s.app.ConfirmPayout(c.Request().Context(), s.actor(c), c.Param("id")))
}

// failPayout is POST /staff/payouts/{id}/failed.
func (s *server) failPayout(c echo.Context) error {
	values, err := form(c)
	if err != nil {
		return err
	}
	reason := values.Get("reason")
	return s.afterPayout(c, reason, views.FlashPayoutFailed, s.app.FailPayout(c.Request().Context(), s.actor(c), c.Param("id"), reason))
}

func (s *server) afterPayout(c echo.Context, typed, flash string, err error) error {
	switch {
	case err == nil:
		return s.redirect(c, payoutURL(c.Param("id")), flash)
	case fault.Is(err, fault.Invalid), fault.Is(err, fault.Conflict):
		return s.showPayout(c, typed, err)
	}
	return err
}

func payoutRow(t i18n.Translator, p app.StaffPayout, zone *time.Location) views.StaffPayoutRow {
	return views.StaffPayoutRow{
		ID: p.ID, URL: payoutURL(p.ID), State: string(p.State), PayerName: p.PayerName, Beneficiary: p.From, Amount: moneyOf(t, p.Amount.Amount, p.Amount.Currency),
		AskedAt: dayOf(t, civil.DateOf(p.AskedAt, zone)), Days: p.Days, EndedAt: instantOf(t, p.EndedAt, zone),
	}
}

func staffPayoutView(page views.Page, p app.StaffPayout, zone *time.Location) views.StaffPayoutPage {
	out := views.StaffPayoutPage{
		Page: page, StaffPayoutRow: payoutRow(page.T, p, zone), ThirdParty: p.ThirdParty, Undone: p.Undone, AmountRaw: p.Amount.Amount.Decimal(),
		Reference: p.Reference, Order: p.Order, EndedBy: p.EndedByName, Failure: p.Failure, MayEnd: p.MayEnd, WhyNot: string(p.WhyNot),
	}
	if p.FromIBAN != "" {
		out.IBAN = ibanView(string(p.FromIBAN))
	}
	for _, iban := range p.OtherIBANs {
		out.Others = append(out.Others, ibanView(string(iban)).Text)
	}
	return out
}

// transferRows are payouts as their payer sees them.
func transferRows(t i18n.Translator, payouts []app.Payout, zone *time.Location) []views.TransferRow {
	out := make([]views.TransferRow, len(payouts))
	for i, p := range payouts {
		out[i] = views.TransferRow{State: string(p.State), Amount: moneyOf(t, p.Amount.Amount, p.Amount.Currency), Account: p.Account}
		if !p.EndedAt.IsZero() {
			out[i].On = dayOf(t, civil.DateOf(p.EndedAt, zone))
		}
	}
	return out
}
