package views_test

import (
	"strings"
	"testing"

	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/subscription"
	"github.com/siptg/portal/views"
)

// Pages take codes as the domain spells them and look their words up; each
// code must have words.
func TestEveryCodeHasWords(t *testing.T) {
	t.Parallel()
	states := []string{"checked", "kept"}
	for _, s := range payment.States() {
		states = append(states, string(s))
	}
	codes := map[string][]string{
		"order.status.":           {string(order.StateAwaitingPayment), string(order.StatePaid), string(order.StateExpired), string(order.StateCanceled)},
		"orders.line.":            {string(order.KindNew), string(order.KindRenewal)},
		"method.":                 {string(order.MethodBank), string(order.MethodCard), string(order.MethodBalance)},
		"calc.method.":            {string(order.MethodBank), string(order.MethodCard), string(order.MethodBalance)},
		"pay.chosen.":             {string(order.MethodBank), string(order.MethodCard), string(order.MethodBalance)},
		"pay.state.":              states,
		"pay.about.":              states,
		"pay.again.":              {string(payment.Created), string(payment.Failed), string(payment.Expired), string(payment.Canceled)},
		"subscription.state.":     {string(subscription.StateActive), string(subscription.StateEnded)},
		"subscription.history.":   {string(subscription.EventStarted), string(subscription.EventExtended), string(subscription.EventAutoRenewOff), string(subscription.EventAutoRenewOn), string(subscription.EventEnded)},
		"document.kind.":          {string(invoice.KindBankInvoice), string(invoice.KindInvoice), string(invoice.KindCreditNote), string(invoice.KindReceipt)},
		"unit.":                   {string(invoice.UnitMonth), string(invoice.UnitPiece)},
		"plan.":                   {string(pricing.Free), string(pricing.Softphone), string(pricing.Gateway), string(pricing.SoftphoneProvider), string(pricing.Trial), string(pricing.Starter)},
		"item.":                   {"soft_acc", "soft_rec", "soft_sur", "soft_api", "gw_line", "gw_main", "gw_extra", "gw_sur", "gw_api"},
		"flash.":                  {views.FlashSignedIn, views.FlashSignedOut, views.FlashOrderPlaced, views.FlashOrderCanceled, views.FlashBillingSaved, views.FlashPayerAdded, views.FlashAutoRenewOff, views.FlashAutoRenewOffCharging, views.FlashAutoRenewOn, views.FlashProfileSaved, views.FlashSessionEnded, views.FlashSessionsEnded, views.FlashOrderByCard, views.FlashOrderPaid, views.FlashCardRemoved, views.FlashKeyRevoked, views.FlashChanged, views.FlashRefundAsked, views.FlashRequestWithdrawn, views.FlashRefundApproved, views.FlashRefundRejected, views.FlashCorrected, views.FlashCorrectionAsked, views.FlashSuspenseDecided, views.FlashStatementAsked, views.FlashPayoutSent, views.FlashPayoutFailed},
		"subscription.next.":      {"charge", "balance", "bank_invoice", "payment", "canceled", "end"},
		"subscription.next_long.": {"charge", "balance", "bank_invoice", "payment", "canceled", "end", "none"},
		"subscription.charge.":    {"declined", "confirm", "running", "expires"},
	}
	for prefix, list := range codes {
		for _, code := range list {
			if key := prefix + code; en.T(key) == key {
				t.Errorf("no text for %q", key)
			}
		}
	}
}

// A notice shows for each code, once, and nothing for a code from elsewhere.
func TestFlash(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]int{views.FlashBillingSaved: 1, "<b>": 0, "": 0, "no_such": 0} {
		p := views.HelpPage{Page: page(true, "")}
		p.Flash = code
		html := render(t, views.Help(p))
		if got := strings.Count(html, `role="status"`); got != want {
			t.Errorf("flash %q: %d notices, want %d", code, got, want)
		}
	}
}
