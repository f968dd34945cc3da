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
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/views"
)

func withdrawalURL(id string) string { return "/withdrawals/" + url.PathEscape(id) }

// withdrawalPage is GET /subscriptions/{id}/withdraw.
func (s *server) withdrawalPage(c echo.Context) error {
	offer, err := s.app.WithdrawalOffer(c.Request().Context(), s.actor(c), c.Param("id"))
	if err != nil {
		return s.noWithdrawal(c, err)
	}
	return s.render(c, http.StatusOK, views.Withdrawal(withdrawalView(s.page(c), offer, s.zone(c))))
}

// noWithdrawal shows why nothing can be withdrawn from, or not now, and what can be
// done instead. Any other error passes.
func (s *server) noWithdrawal(c echo.Context, err error) error {
	instead := map[string]string{"error.refund.disputed": "withdrawal.waits", "error.withdrawal.none": "withdrawal.over"}[keyOf(err)]
	if instead == "" {
		return err
	}
	page := s.page(c)
	return s.render(c, statusOf(err), views.Withdrawal(views.WithdrawalPage{
		Page: page, SubscriptionURL: subscriptionURL(c.Param("id")), Refused: faultText(page.T, err), Instead: page.T.T(instead),
	}))
}

// withdraw is POST /subscriptions/{id}/withdraw. Where something has changed since
// the page was shown, it is shown again with what holds now.
func (s *server) withdraw(c echo.Context) error {
	values, err := form(c)
	if err != nil {
		return err
	}
	ctx, actor, id := c.Request().Context(), s.actor(c), c.Param("id")
	receipt, err := s.app.Withdraw(ctx, actor, id, values.Get("token"))
	if keyOf(err) == "error.withdrawal.moved" || fault.Is(err, fault.Invalid) {
		offer, nothing := s.app.WithdrawalOffer(ctx, actor, id)
		if nothing != nil {
			return s.noWithdrawal(c, nothing)
		}
		page := withdrawalView(s.page(c), offer, s.zone(c))
		page.Moved = true
		return s.render(c, statusOf(err), views.Withdrawal(page))
	}
	if err != nil {
		return s.noWithdrawal(c, err)
	}
	return s.redirect(c, withdrawalURL(receipt), "")
}

// receiptPage is GET /withdrawals/{id}.
func (s *server) withdrawnPage(c echo.Context) error {
	w, err := s.app.Withdrawal(c.Request().Context(), s.actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.Withdrawn(withdrawnView(s.page(c), w, s.zone(c))))
}

func withdrawalView(p views.Page, o app.WithdrawalOffer, zone *time.Location) views.WithdrawalPage {
	return views.WithdrawalPage{
		Page: p, SubscriptionURL: subscriptionURL(o.Subscription.ID), Plan: string(o.Subscription.Selection.Plan),
		Orders: withdrawnOrders(p.T, o.Orders, o.Currency, zone), Total: moneyOf(p.T, o.Total, o.Currency),
		ToMethod: someMoney(p.T, o.ToMethod, o.Currency), ToTransfer: someMoney(p.T, o.ToTransfer, o.Currency),
		ToBalance: someMoney(p.T, o.ToBalance, o.Currency), Last: dayOf(p.T, o.Last).Text,
		Ends: o.Ends, Until: dayOf(p.T, civil.DateOf(o.Until, zone)).Text, Token: o.Token,
	}
}

func withdrawnView(p views.Page, w app.Withdrawal, zone *time.Location) views.WithdrawnPage {
	return views.WithdrawnPage{
		Page: p, SubscriptionURL: subscriptionURL(w.SubscriptionID), At: instantOf(p.T, w.At, zone), By: w.By, Payer: w.Payer, Customer: w.Customer,
		Plan: w.Plan, Orders: withdrawnOrders(p.T, w.Orders, w.Currency, zone), Total: moneyOf(p.T, w.Total, w.Currency),
		ToMethod: someMoney(p.T, w.ToMethod, w.Currency), ToBalance: someMoney(p.T, w.ToBalance, w.Currency), Ended: w.Ended,
		Transfers: transferRows(p.T, w.Payouts, zone),
		Until:     instantOf(p.T, w.Until, zone),
	}
}

func withdrawnOrders(t i18n.Translator, orders []app.WithdrawnOrder, currency money.Currency, zone *time.Location) []views.WithdrawnOrder {
	out := make([]views.WithdrawnOrder, len(orders))
	for i, o := range orders {
		out[i] = views.WithdrawnOrder{
			Number: o.Number, URL: orderURL(o.Number), Concluded: instantOf(t, o.Concluded, zone), Total: moneyOf(t, o.Total, currency), Card: o.Card,
			Account: o.Account, Invoice: o.Invoice, CreditNote: o.CreditNote,
		}
		if o.Invoice != "" {
			out[i].InvoiceURL = invoiceURL(o.Invoice)
		}
		if o.CreditNote != "" {
			out[i].CreditNoteURL = invoiceURL(o.CreditNote)
		}
	}
	return out
}

// someMoney is an amount, or the absent one for nothing.
func someMoney(t i18n.Translator, a money.Amount, currency money.Currency) views.Money {
	if a == 0 {
		return views.Money{}
	}
	return moneyOf(t, a, currency)
}
