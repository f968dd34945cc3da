package web

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/views"
)

// consent is a text that people agree to, sentence by sentence.
type consent []string

// renewalConsentID names the text in the records. Another meaning needs another
// name; another wording does not, for the text itself is recorded, too.
const renewalConsentID = "consent.renewal"

// renewalConsent is what somebody agrees to who lets a card be kept while paying
// an order: what is charged, when, how the amount is set, and how to stop it. It
// follows from the order alone.
func renewalConsent(t i18n.Translator, o app.OrderDetail, seller app.Seller) consent {
	return consent{
		t.T("consent.renewal.what", "Seller", seller.Party.Name, "Plan", t.T("plan."+string(o.Selection.Plan))),
		t.N("consent.renewal.when", seller.FirstChargeDays, "Grace", t.N("common.days", seller.GraceDays)),
		t.T("consent.renewal.amount", "Amount", t.Money(int64(o.Total), string(o.Currency)), "Months", t.N("common.months", int(o.Selection.Period))),
		t.T("consent.renewal.stop"),
	}
}

func (c consent) text() string { return strings.Join(c, "\n") }

// digest tells whether a text is the one that was shown.
func (c consent) digest() string {
	sum := sha256.Sum256([]byte(c.text()))
	return hex.EncodeToString(sum[:])
}

// payView puts the ways to pay an order on its page, and where a payment by card
// stands.
func payView(page *views.OrderPage, o app.OrderDetail, seller app.Seller) {
	t := page.T
	page.Method = string(o.Method)
	if o.Payment != nil && o.State != order.StatePaid {
		if v := paymentView(t, *o.Payment, o); v.State != string(payment.Created) {
			page.Payment = &v
		}
	}
	if o.Ways == nil {
		return
	}
	due := moneyOf(t, o.Ways.Due, o.Currency)
	if o.Ways.Card {
		shown := renewalConsent(t, o, seller)
		page.Card = &views.CardForm{Amount: due, Consent: shown, Digest: shown.digest()}
	}
	if o.Ways.FromBalance {
		page.Balance = &views.BalanceForm{
			Amount: due, Balance: moneyOf(t, o.Ways.Available, o.Currency), After: moneyOf(t, o.Ways.Available-o.Ways.Due, o.Currency),
		}
	}
}

// paymentView says where the payment of an order stands.
func paymentView(t i18n.Translator, p payment.Payment, o app.OrderDetail) views.PaymentView {
	v := views.PaymentView{State: paymentState(p), Amount: moneyOf(t, p.Amount.Amount, p.Amount.Currency)}
	if p.State == payment.Succeeded && o.State != order.StatePaid {
		v.State = "kept"
	}
	if p.State.Terminal() {
		return v
	}
	v.CheckURL = app.OrderPaymentPath(o.Number)
	if o.State == order.StateAwaitingPayment {
		v.GoOnURL = goOnURL(p)
	}
	return v
}

// paymentState is the state of a payment in the words of the pages.
func paymentState(p payment.Payment) string {
	switch {
	case p.Parked != "" && p.Parked != payment.AlertUndecided && !p.State.Terminal():
		return "checked"
	case p.State == payment.Created && !p.SentAt.IsZero(): // sent, and nobody knows what became of it
		return string(payment.Unknown)
	}
	return string(p.State)
}

// goOnURL is the provider's page where a payer goes on, or "".
func goOnURL(p payment.Payment) string {
	if p.State == payment.AwaitingPayer || p.State == payment.ActionRequired {
		return p.PayerURL
	}
	return ""
}

// undecided reports whether the answer is still to come without the payer.
func undecided(v views.PaymentView) bool {
	switch v.State {
	case string(payment.Processing), string(payment.PartiallyPaid), string(payment.Unknown):
		return true
	}
	return false
}

func orderPaymentView(p views.Page, o app.OrderDetail, paid payment.Payment) views.PaymentPage {
	page := views.PaymentPage{
		Page: p, Payment: paymentView(p.T, paid, o), OrderNumber: o.Number, OrderURL: orderURL(o.Number), Open: o.Ways != nil,
		BalanceURL: ofPayer("/balance", o.PayerID),
	}
	page.Reloads = undecided(page.Payment)
	if o.State == order.StatePaid {
		if o.SubscriptionID != "" {
			page.SubscriptionURL = subscriptionURL(o.SubscriptionID)
		}
		if o.InvoiceNumber != "" {
			page.InvoiceNumber, page.InvoiceURL = o.InvoiceNumber, invoiceURL(o.InvoiceNumber)
		}
	}
	return page
}

func topUpPaymentView(p views.Page, payer account.PayerID, paid payment.Payment) views.PaymentPage {
	v := views.PaymentView{State: paymentState(paid), Amount: moneyOf(p.T, paid.Amount.Amount, paid.Amount.Currency), GoOnURL: goOnURL(paid)}
	if !paid.State.Terminal() {
		v.CheckURL = ofPayer(app.TopUpPaymentPath, payer)
	}
	return views.PaymentPage{Page: p, Payment: v, BalanceURL: ofPayer("/balance", payer), Reloads: undecided(v)}
}

func cardsView(p views.Page, cards app.Cards, zone *time.Location) views.CardsPage {
	t := p.T
	page := views.CardsPage{Page: p, PayerName: cards.Payer.Name, Payer: string(cards.Payer.ID), BillingURL: ofPayer("/billing", cards.Payer.ID)}
	for _, payer := range cards.Payers {
		page.Payers = append(page.Payers, views.Link{Text: payer.Name, URL: ofPayer("/billing/methods", payer.ID), Current: payer.ID == cards.Payer.ID})
	}
	for _, c := range cards.List {
		row := views.CardRow{
			ID: c.ID, Label: c.Label, Added: dayOf(t, civil.DateOf(c.CreatedAt, zone)), Expires: dayOf(t, c.ExpiresOn), Expired: c.Expired,
		}
		for _, u := range c.Uses {
			use := views.CardUse{
				Selection: selectionView(u.Selection), URL: subscriptionURL(u.SubscriptionID), PaidUntil: dayOf(t, civil.DateOf(u.PaidUntil, zone)),
				AutoRenew: u.AutoRenew, TooLate: u.CardIsOlder,
			}
			if !u.Self {
				use.ForName = u.CustomerName
			}
			row.Uses = append(row.Uses, use)
		}
		page.Cards = append(page.Cards, row)
	}
	return page
}
