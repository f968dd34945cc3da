package app_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/provider/sandbox"
	"github.com/siptg/portal/internal/store"
)

// A card pays an order: once at the provider, once in the ledger, and the
// subscription runs. The return page and the webhook both only look.
func TestACardPaysAnOrder(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, payer := s.customer(7_900_000_002_000, "Ona")
	o := s.order(ona, softphone(2, true, 6))
	checkout := s.open(ona, o.Number, keep())
	if again := s.open(ona, o.Number, keep()); again != checkout {
		t.Errorf("asked again: checkout %s, not %s", again, checkout)
	}
	s.must(s.Press(checkout, "pay", sandbox.CardOK, true))
	s.webhooks()
	p, err := s.PaymentReturned(s.ctx(), ona, o.Number)
	s.must(err)
	if p.State != payment.Succeeded || p.Received != o.Total || p.MethodID == "" || p.PayerURL != "" {
		t.Errorf("payment: %+v", p)
	}
	paid, err := s.Order(s.ctx(), ona, o.Number)
	s.must(err)
	if paid.State != order.StatePaid || paid.Service == nil {
		t.Errorf("order: %+v", paid.Order)
	}
	if total, times := s.captured(); total != o.Total || times != 1 {
		t.Errorf("the sandbox took %s in %d captures", total.Decimal(), times)
	}
	b, err := s.Balance(s.ctx(), ona, payer, 0)
	s.must(err)
	if b.Amount != 0 {
		t.Errorf("%s left on the balance", b.Amount.Decimal())
	}
	// The card may be charged for the subscription from now on.
	if n := s.count(`SELECT count(*) FROM consent c JOIN subscription s ON s.id = c.subject JOIN payment_method m ON m.id = c.method_id AND m.payer_id = s.payer_id`); n != 1 {
		t.Errorf("%d consents for the subscription", n)
	}
	if n := s.count(`SELECT count(*) FROM river_job WHERE kind = 'issue_invoice'`); n != 1 {
		t.Errorf("%d invoices to issue", n)
	}
	if _, err := s.StartPayment(s.ctx(), ona, o.Number, app.StartPaymentInput{}); !fault.Is(err, fault.Conflict) {
		t.Errorf("paying a paid order: %v", err)
	}
	if n := s.count(`SELECT count(*) FROM webhook_inbox WHERE state <> 'done'`); n != 0 || len(s.statuses) < 2 {
		t.Errorf("%d webhooks not done; answers %v", n, s.statuses)
	}
	s.agree()
}

// What a payer does who does not pay: the order stays open and can be paid anew.
func TestAPayerDeclinesAndPaysAnew(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, _ := s.customer(7_900_000_002_010, "Ona")
	o := s.order(ona, softphone(1, false, 6))
	first := s.open(ona, o.Number, app.StartPaymentInput{})
	s.must(s.Press(first, "decline", "", false))
	s.webhooks()
	if got := s.state(ona, o.Number); got != payment.Failed {
		t.Errorf("declined: %s", got)
	}
	second := s.open(ona, o.Number, app.StartPaymentInput{})
	if second == first {
		t.Fatal("the failed checkout is used again")
	}
	// Another choice on our page cancels the checkout that is open.
	third := s.open(ona, o.Number, keep())
	if third == second {
		t.Fatal("a checkout without the card kept is used for one with it")
	}
	s.must(s.Press(second, "pay", sandbox.CardOK, false)) // too late
	s.must(s.Press(third, "confirm", "", true))
	s.webhooks()
	if got := s.state(ona, o.Number); got != payment.ActionRequired {
		t.Errorf("at the bank: %s", got)
	}
	if again := s.open(ona, o.Number, keep()); again != third {
		t.Errorf("back from the bank's page: %s, not %s", again, third)
	}
	s.must(s.Press(third, "confirmed", "", false))
	s.webhooks()
	if got := s.state(ona, o.Number); got != payment.Succeeded {
		t.Errorf("confirmed: %s", got)
	}
	if _, times := s.captured(); times != 1 {
		t.Errorf("%d captures", times)
	}
	s.agree()
}

// Nobody pays: the checkout runs out and the reconciler notes it, without a
// webhook.
func TestACheckoutRunsOut(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, _ := s.customer(7_900_000_002_020, "Ona")
	o := s.order(ona, softphone(1, false, 6))
	s.open(ona, o.Number, app.StartPaymentInput{})
	s.clock.Set(s.clock.Now().Add(time.Hour + 4*time.Minute))
	if n, err := s.CheckPayments(s.ctx()); n != 0 || err != nil {
		t.Errorf("too early: %d, %v", n, err)
	}
	s.clock.Set(s.clock.Now().Add(2 * time.Minute))
	if n, err := s.CheckPayments(s.ctx()); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if got := s.state(ona, o.Number); got != payment.Expired {
		t.Errorf("state %s", got)
	}
	s.agree()
}

// Every answer of the provider may be lost, wrong or late, before and after it
// did what was asked: one checkout is paid once, whatever was seen of it.
func TestCheckoutsWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	faults, _ := sandbox.FaultKinds()
	for _, kind := range faults {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := newTill(t)
			ona, _ := s.customer(7_900_000_002_030, "Ona")
			o := s.order(ona, softphone(1, false, 6))
			s.must(s.Inject(sandbox.Fault{Kind: kind, On: "checkout"}))
			address, err := s.StartPayment(s.ctx(), ona, o.Number, app.StartPaymentInput{})
			if err != nil && !fault.Is(err, fault.Unavailable) {
				t.Fatal(err)
			}
			for range 4 { // the payer tries again, the reconciler goes on
				if err == nil {
					break
				}
				s.clock.Set(s.clock.Now().Add(time.Minute))
				if _, err := s.CheckPayments(s.ctx()); err != nil {
					t.Fatal(err)
				}
				address, err = s.StartPayment(s.ctx(), ona, o.Number, app.StartPaymentInput{})
			}
			s.must(err)
			book := s.Book()
			if len(book) != 1 || address != s.api.URL+"/v1/checkouts/"+book[0].ID {
				t.Fatalf("%d checkouts at the sandbox, the payer is at %s", len(book), address)
			}
			s.must(s.Press(book[0].ID, "pay", sandbox.CardOK, false))
			s.webhooks()
			if _, err := s.PaymentReturned(s.ctx(), ona, o.Number); err != nil {
				t.Error(err)
			}
			if got := s.state(ona, o.Number); got != payment.Succeeded {
				t.Errorf("state %s", got)
			}
			s.agree()
		})
	}
}

// The capture's webhook may come twice, before the answer, reversed, late, or
// from somebody else: it is a hint, and one capture is booked.
func TestWebhooksOfEveryKind(t *testing.T) {
	t.Parallel()
	_, faults := sandbox.FaultKinds()
	for _, kind := range faults {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := newTill(t)
			ona, _ := s.customer(7_900_000_002_040, "Ona")
			o := s.order(ona, softphone(1, false, 6))
			checkout := s.open(ona, o.Number, app.StartPaymentInput{})
			s.must(s.Inject(sandbox.Fault{Kind: kind, Times: 2}))
			s.must(s.Press(checkout, "pay", sandbox.CardOK, false))
			for range 3 {
				s.webhooks()
				s.clock.Set(s.clock.Now().Add(time.Minute))
			}
			if got := s.state(ona, o.Number); got != payment.Succeeded && kind != sandbox.WebhookLost {
				t.Errorf("state %s after the webhooks; answers %v", got, s.statuses)
			}
			if _, err := s.PaymentReturned(s.ctx(), ona, o.Number); err != nil {
				t.Error(err)
			}
			if got := s.state(ona, o.Number); got != payment.Succeeded {
				t.Errorf("state %s", got)
			}
			s.agree()
		})
	}
}

// webhook is a signed one about a payment.
func (s *till) signed(body string) payment.RawWebhook {
	return payment.RawWebhook{Body: []byte(body), Header: http.Header{sandbox.SignatureHeader: {sandbox.Sign(sandbox.DemoSecret, []byte(body), s.clock.Now())}}}
}

// paymentEvent is the body of a webhook that says that a payment was captured.
func paymentEvent(id, account string, p payment.ID, amount money.Amount, currency string) string {
	return `{"id":"` + id + `","type":"payment.succeeded","account":"` + account + `","created":"2026-11-23T09:30:00Z","payment":{"id":"pay_x","reference":"` +
		string(p) + `","account":"` + account + `","state":"succeeded","amount_minor":` + strconv.FormatInt(int64(amount), 10) + `,"currency":"` + currency +
		`","received_minor":` + strconv.FormatInt(int64(amount), 10) + `,"as_of":"2026-11-23T09:30:00Z"}}`
}

// Whatever a webhook says, and whoever signed it: without money in the provider's
// book there is none in ours (I24).
func TestForgedWebhooksMoveNothing(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, _ := s.customer(7_900_000_002_050, "Ona")
	o := s.order(ona, softphone(1, false, 6))
	s.open(ona, o.Number, app.StartPaymentInput{})
	p, err := s.OrderPayment(s.ctx(), ona, o.Number)
	s.must(err)
	right := s.signed(paymentEvent("evt_1", sandbox.DemoAccount, p.ID, o.Total, "EUR"))
	// Each byte of the body altered: refused, and nothing is kept.
	for i := range right.Body {
		forged := right
		forged.Body = bytes.Clone(right.Body)
		forged.Body[i] ^= 1
		if status := s.receive(forged); status != http.StatusBadRequest {
			t.Fatalf("byte %d: %d", i, status)
		}
	}
	header := right.Header[sandbox.SignatureHeader][0]
	for i := range header {
		forged := []byte(header)
		forged[i] ^= 1
		raw := payment.RawWebhook{Body: right.Body, Header: http.Header{sandbox.SignatureHeader: {string(forged)}}}
		if status := s.receive(raw); status != http.StatusBadRequest {
			t.Fatalf("signature's byte %d: %d", i, status)
		}
	}
	if n := s.count(`SELECT count(*) FROM webhook_inbox`); n != 0 {
		t.Errorf("%d forged webhooks are kept", n)
	}
	// Rightly signed, and still not true.
	for i, body := range []string{
		string(right.Body),
		paymentEvent("evt_2", sandbox.DemoAccount, p.ID, o.Total+1, "EUR"),
		paymentEvent("evt_3", sandbox.DemoAccount, p.ID, o.Total, "USD"),
		paymentEvent("evt_4", "acct_other", p.ID, o.Total, "EUR"),
		paymentEvent("evt_5", sandbox.DemoAccount, "11111111-2222-4333-8444-555555555555", o.Total, "EUR"),
		paymentEvent("evt_6", sandbox.DemoAccount, "no payment", o.Total, "EUR"),
		"{}", "not JSON",
	} {
		if status := s.receive(s.signed(body)); status != http.StatusOK {
			t.Errorf("%d: %d", i, status)
		}
		s.work()
	}
	if n := s.count(`SELECT count(*) FROM ledger_entry`); n != 0 {
		t.Errorf("%d entries", n)
	}
	if n := s.count(`SELECT count(*) FROM webhook_inbox WHERE state = 'ignored'`); n != 5 {
		t.Errorf("%d ignored", n)
	}
	if got := s.state(ona, o.Number); got != payment.AwaitingPayer {
		t.Errorf("state %s", got)
	}
	if _, err := s.ReceiveWebhook(s.ctx(), "nobody", right); !fault.Is(err, fault.NotFound) {
		t.Errorf("a provider that is none: %v", err)
	}
	s.agree()
}

// Answers of the provider's book that are not about our amount, currency or
// payment never settle: a person is called, once, and the truth settles later.
func TestAViewThatIsNotBelieved(t *testing.T) {
	t.Parallel()
	for _, kind := range []sandbox.FaultKind{sandbox.WrongAmount, sandbox.WrongCurrency} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := newTill(t)
			ona, _ := s.customer(7_900_000_002_060, "Ona")
			o := s.order(ona, softphone(1, false, 6))
			checkout := s.open(ona, o.Number, app.StartPaymentInput{})
			s.must(s.Press(checkout, "pay", sandbox.CardOK, false))
			s.must(s.Inject(sandbox.Fault{Kind: kind, On: "lookup", Times: 3}))
			for range 3 {
				p, err := s.PaymentReturned(s.ctx(), ona, o.Number)
				s.must(err)
				if p.Parked != payment.AlertAmountMismatch || p.State != payment.AwaitingPayer || p.Received != 0 {
					t.Errorf("payment: %+v", p)
				}
			}
			if n := s.count(`SELECT count(*) FROM audit WHERE action = 'payment.alert'`); n != 1 {
				t.Errorf("%d alerts", n)
			}
			if n := s.count(`SELECT count(*) FROM ledger_entry`); n != 0 {
				t.Errorf("%d entries", n)
			}
			p, err := s.PaymentReturned(s.ctx(), ona, o.Number)
			s.must(err)
			if p.State != payment.Succeeded || p.Parked != "" {
				t.Errorf("payment: %+v", p)
			}
			s.agree()
		})
	}
}

// Money for a payment that has ended goes to the balance, on a payment of its
// own; an order that is still open is paid from it.
func TestLateMoney(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, payer := s.customer(7_900_000_002_070, "Ona")
	balance := func() money.Amount {
		b, err := s.Balance(s.ctx(), ona, payer, 0)
		s.must(err)
		return b.Amount
	}
	// The payment of a closed order: nothing is left to pay.
	o := s.order(ona, softphone(1, false, 6))
	checkout := s.open(ona, o.Number, app.StartPaymentInput{})
	s.must(s.Press(checkout, "pay", sandbox.CardLater, false))
	s.webhooks()
	if got := s.state(ona, o.Number); got != payment.Processing {
		t.Fatalf("state %s", got)
	}
	if _, err := s.StartPayment(s.ctx(), ona, o.Number, app.StartPaymentInput{}); !fault.Is(err, fault.Conflict) {
		t.Errorf("paid twice at once: %v", err)
	}
	s.must(s.CancelOrder(s.ctx(), ona, o.Number))
	p, err := s.OrderPayment(s.ctx(), ona, o.Number)
	s.must(err)
	s.must(s.Settle(string(p.ID), true))
	s.webhooks()
	if got := s.state(ona, o.Number); got != payment.Succeeded || balance() != o.Total {
		t.Errorf("state %s, balance %s", got, balance().Decimal())
	}
	if n := s.count(`SELECT count(*) FROM audit WHERE action = 'payment.alert' AND detail->>'why' = 'not_settled'`); n != 1 {
		t.Errorf("%d alerts", n)
	}
	s.agree()

	// A payment that had failed is captured after all; the order is open.
	second := s.order(ona, softphone(2, false, 6))
	checkout = s.open(ona, second.Number, app.StartPaymentInput{})
	s.must(s.Press(checkout, "pay", sandbox.CardLater, false))
	s.webhooks()
	p, err = s.OrderPayment(s.ctx(), ona, second.Number)
	s.must(err)
	s.must(s.Settle(string(p.ID), false))
	s.webhooks()
	if got := s.state(ona, second.Number); got != payment.Failed {
		t.Fatalf("state %s", got)
	}
	s.captureLate(p)
	for range 2 {
		s.must(s.ReconcilePayment(s.ctx(), p.ID))
	}
	paid, err := s.Order(s.ctx(), ona, second.Number)
	s.must(err)
	if paid.State != order.StatePaid || balance() != o.Total {
		t.Errorf("order %s, balance %s", paid.State, balance().Decimal())
	}
	if n := s.count(`SELECT count(*) FROM payment WHERE parent_id = $1 AND state = 'succeeded' AND payable_kind = 'topup'`, string(p.ID)); n != 1 {
		t.Errorf("%d payments of the late money", n)
	}
	s.agree()
}

// captureLate has the sandbox take the money of a payment that it had given up:
// a second attempt under the same reference.
func (s *till) captureLate(p payment.Payment) {
	s.t.Helper()
	token, err := s.SaveCard(sandbox.CardOK)
	s.must(err)
	r := s.adapter.ChargeSaved(s.ctx(), payment.ChargeRequest{PaymentID: p.ID, Key: "late", Amount: p.Amount, MethodRef: token})
	if r.Outcome != payment.OutcomeSucceeded {
		s.t.Fatalf("late capture: %+v", r)
	}
}

// Two orders' worth of people press at once: one checkout is live, and however
// many workers look at the capture, it is applied once (I5, I6).
func TestOneLivePaymentUnderConcurrency(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, _ := s.customer(7_900_000_002_080, "Ona")
	o := s.order(ona, softphone(1, false, 6))
	at := func(f func() error) {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if err := f(); err != nil && !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.Unavailable) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	at(func() error {
		_, err := s.StartPayment(s.ctx(), ona, o.Number, app.StartPaymentInput{})
		return err
	})
	checkout := s.open(ona, o.Number, app.StartPaymentInput{})
	if n := len(s.Book()); n != 1 {
		t.Errorf("%d checkouts at the sandbox", n)
	}
	s.must(s.Press(checkout, "pay", sandbox.CardOK, false))
	p, err := s.OrderPayment(s.ctx(), ona, o.Number)
	s.must(err)
	at(func() error { return s.ReconcilePayment(s.ctx(), p.ID) })
	if n := s.count(`SELECT count(*) FROM ledger_entry WHERE kind = 'captured'`); n != 1 {
		t.Errorf("%d captures booked", n)
	}
	s.agree()
}

// subscriber has a subscription that was paid with a card that is kept.
func (s *till) subscriber(id int64, card sandbox.Card) (actor account.Actor, subscription, method string) {
	s.t.Helper()
	actor, _ = s.customer(id, "Ona")
	o := s.order(actor, softphone(1, false, 6))
	checkout := s.open(actor, o.Number, keep())
	s.must(s.Press(checkout, "pay", sandbox.CardOK, true))
	s.webhooks()
	s.must(s.db.Pool().QueryRow(s.ctx(), `SELECT subject, method_id FROM consent JOIN subscription s ON s.id = subject WHERE s.payer_id = $1`,
		string(o.PayerID)).Scan(&subscription, &method))
	if card != sandbox.CardOK { // the same method, but the card does something else now
		token, err := s.SaveCard(card)
		s.must(err)
		_, err = s.db.Pool().Exec(s.ctx(), `UPDATE payment_method SET provider_ref = $1 WHERE id = $2`, token, method)
		s.must(err)
	}
	return actor, subscription, method
}

// A card that another payer keeps with us already is not kept a second time: the
// money is booked all the same, and a person is called.
func TestACardOfAnotherPayer(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	s.holding = true
	_, other := s.customer(7_900_000_002_310, "Jonas")
	ona, payer := s.customer(7_900_000_002_311, "Ona")
	o := s.order(ona, softphone(1, false, 6))
	checkout := s.open(ona, o.Number, keep())
	s.must(s.Press(checkout, "pay", sandbox.CardOK, true))
	s.must(discard(s.db.Pool().Exec(s.ctx(), `INSERT INTO payment_method (payer_id, provider, provider_account, provider_ref, label, fingerprint, created_at)
		VALUES ($1, $2, $3, $4, 'card', '', now())`, string(other), sandbox.Name, sandbox.DemoAccount, s.Book()[0].Method.Token)))
	s.must(s.returned(ona, o.Number))
	if got := must(s.Order(s.ctx(), ona, o.Number)).State; got != order.StatePaid {
		t.Errorf("the order is %s", got)
	}
	if methods := must(s.Methods(s.ctx(), ona, payer)); len(methods) != 0 {
		t.Errorf("methods %+v", methods)
	}
	if n := s.count(`SELECT count(*) FROM audit WHERE action = 'payment.alert' AND detail->>'why' = 'method_taken'`); n != 1 {
		t.Errorf("%d alerts", n)
	}
	s.must(s.IssuePending(s.ctx()))
	s.agree()
}

// ChargeSaved is that of the App, within the days on which a charge may be.
func (s *till) ChargeSaved(ctx context.Context, subscriptionID, method string) (payment.ID, string, error) {
	s.t.Helper()
	if due := s.end(subscriptionID).Add(-2 * 24 * time.Hour); s.clock.Now().Before(due) {
		s.clock.Set(due)
	}
	s.must(s.IssuePending(s.ctx()))
	return s.App.ChargeSaved(ctx, subscriptionID, method)
}

func (s *till) paymentByID(id payment.ID) (p payment.Payment) {
	s.t.Helper()
	s.must(s.db.View(s.ctx(), func(tx *store.Tx) error {
		var err error
		p, err = tx.Payment(s.ctx(), id)
		return err
	}))
	return p
}

// A saved card is charged once for a period, whatever was seen of the answer,
// however often the job runs, by as many workers as there are.
func TestASavedCardIsChargedOnce(t *testing.T) {
	t.Parallel()
	faults, _ := sandbox.FaultKinds()
	for _, kind := range append(faults, "none") {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := newTill(t)
			_, subscription, method := s.subscriber(7_900_000_002_100, sandbox.CardOK)
			id, orderID, err := s.ChargeSaved(s.ctx(), subscription, method)
			s.must(err)
			if _, _, err := s.ChargeSaved(s.ctx(), subscription, method); !fault.Is(err, fault.Conflict) {
				t.Errorf("a second charge of the period: %v", err)
			}
			if kind != "none" {
				s.must(s.Inject(sandbox.Fault{Kind: kind, On: "charge"}))
			}
			var wg sync.WaitGroup
			for range 2 {
				wg.Go(func() {
					if err := s.SendPayment(s.ctx(), id); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			s.webhooks()
			for range 3 {
				s.clock.Set(s.clock.Now().Add(11 * time.Minute))
				if _, err := s.CheckPayments(s.ctx()); err != nil {
					t.Error(err)
				}
			}
			p := s.paymentByID(id)
			if p.State != payment.Succeeded || p.OrderID != orderID || p.Payable.Kind != payment.PayableRenewal {
				t.Errorf("payment: %+v", p)
			}
			if _, times := s.captured(); times != 2 { // the order and its renewal
				t.Errorf("%d captures", times)
			}
			if n := s.count(`SELECT count(*) FROM subscription_period WHERE subscription_id = $1`, subscription); n != 2 {
				t.Errorf("%d periods", n)
			}
			if n := s.count(`SELECT count(*) FROM renewal WHERE state = 'paid' AND period_no = 2`); n != 1 {
				t.Errorf("%d renewals paid", n)
			}
			s.agree()
		})
	}
}

// What was decided before the charge moment counts: the intent ends unsent, and
// nothing reaches the provider (I7, I8).
func TestAChargeThatMayNoLongerBe(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		why    string
		before func(s *till, actor account.Actor, subscription, method string)
	}{
		{"auto_renew_off", func(s *till, actor account.Actor, subscription, _ string) {
			s.must(s.turnOff(actor, subscription))
		}},
		{"order_closed", func(s *till, actor account.Actor, _, _ string) {
			_, err := s.db.Pool().Exec(s.ctx(), `UPDATE orders SET state = 'canceled', closed_at = now() WHERE state = 'awaiting_payment'`)
			s.must(err)
		}},
		{"ended", func(s *till, _ account.Actor, _, _ string) {
			_, err := s.db.Pool().Exec(s.ctx(), `UPDATE subscription SET state = 'ended'`)
			s.must(err)
		}},
		{"method_revoked", func(s *till, actor account.Actor, _, method string) {
			s.must(s.RevokeMethod(s.ctx(), actor, method))
		}},
		{"no_consent", func(s *till, _ account.Actor, subscription, _ string) {
			_, err := s.db.Pool().Exec(s.ctx(), `UPDATE consent SET revoked_at = given_at WHERE subject = $1`, subscription)
			s.must(err)
		}},
		{"amount_changed", func(s *till, actor account.Actor, _, _ string) { // another rate of VAT
			in := lithuanian("Ona")
			in.Country, in.Postcode = "DE", "10115"
			s.bill(actor, in)
		}},
		{"changed", func(s *till, _ account.Actor, _, _ string) {
			_, err := s.db.Pool().Exec(s.ctx(), `UPDATE subscription SET accounts = accounts + 1`)
			s.must(err)
		}},
	} {
		t.Run(tt.why, func(t *testing.T) {
			t.Parallel()
			s := newTill(t)
			actor, subscription, method := s.subscriber(7_900_000_002_110, sandbox.CardOK)
			id, _, err := s.ChargeSaved(s.ctx(), subscription, method)
			s.must(err)
			tt.before(s, actor, subscription, method)
			s.must(s.SendPayment(s.ctx(), id))
			if p := s.paymentByID(id); p.State != payment.Canceled {
				t.Errorf("state %s", p.State)
			}
			if n := s.count(`SELECT count(*) FROM payment_event WHERE payment_id = $1 AND detail->>'why' = $2`, string(id), tt.why); n != 1 {
				t.Error("the history does not say why")
			}
			if n := len(s.Book()); n != 1 {
				t.Errorf("%d entries at the sandbox", n)
			}
		})
	}
}

// A card that says no for today is not asked again today, whoever asks for that:
// the charge waits for the calendar.
func TestADeclinedChargeWaits(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	_, subscription, method := s.subscriber(7_900_000_002_120, sandbox.CardInsufficient)
	id, _, err := s.ChargeSaved(s.ctx(), subscription, method)
	s.must(err)
	for range 3 { // the job, again and again
		s.must(s.SendPayment(s.ctx(), id))
		p := s.paymentByID(id)
		if p.State != payment.Created || p.Declines != 1 || p.AttemptNo != 2 || !p.NextCheckAt.IsZero() {
			t.Fatalf("declined: %+v", p)
		}
		if n, err := s.CheckPayments(s.ctx()); n != 0 || err != nil {
			t.Errorf("sent again by itself: %d, %v", n, err)
		}
	}
	_, err = s.db.Pool().Exec(s.ctx(), `UPDATE payment SET next_check_at = $2 WHERE id = $1`, string(id), s.clock.Now())
	s.must(err)
	s.must(s.SendPayment(s.ctx(), id))
	if p := s.paymentByID(id); p.State != payment.Created || p.Declines != 1 || !p.NextCheckAt.IsZero() {
		t.Errorf("planned for today by mistake: %+v", p)
	}
	if n := len(s.Book()); n != 2 {
		t.Errorf("%d entries at the sandbox", n)
	}
	s.webhooks()
	s.agree()
}

// A provider that does not answer in a request's time leaves enough of it to
// write down that nobody knows.
func TestAnAnswerThatDoesNotComeIsWrittenDown(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, _ := s.customer(7_900_000_002_090, "Ona")
	o := s.order(ona, softphone(1, false, 6))
	patient := sandbox.New(sandbox.Config{
		BaseURL: s.api.URL, Account: sandbox.DemoAccount, Key: sandbox.DemoKey, WebhookSecret: sandbox.DemoSecret, Client: &http.Client{},
	})
	portal, err := app.New(s.ctx(), app.Config{
		DB: s.db, Blobs: s.blobs, Queue: s.queue, Now: s.clock.Now, Seller: seller(t), BotToken: botToken, Log: slog.New(slog.DiscardHandler),
		Providers: []app.PaymentProvider{patient}, PublicURL: "https://portal.example",
	})
	s.must(err)
	s.must(s.Inject(sandbox.Fault{Kind: sandbox.TimeoutAfter, On: "checkout"}))
	request, cancel := context.WithTimeout(s.ctx(), 3500*time.Millisecond) // of which the call has half a second
	defer cancel()
	if _, err := portal.StartPayment(request, ona, o.Number, app.StartPaymentInput{}); !fault.Is(err, fault.Unavailable) || request.Err() != nil {
		t.Errorf("%v, the request %v", err, request.Err())
	}
	if got := s.state(ona, o.Number); got != payment.Unknown {
		t.Errorf("the payment is %s", got)
	}
	s.must(s.returned(ona, o.Number)) // and a look tells
	if got := s.state(ona, o.Number); got != payment.AwaitingPayer || len(s.Book()) != 1 {
		t.Errorf("then it is %s, with %d pages", got, len(s.Book()))
	}
}
