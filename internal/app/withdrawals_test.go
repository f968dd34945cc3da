package app_test

import (
	"sync"
	"testing"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/provider/sandbox"
	"github.com/siptg/portal/internal/subscription"
)

// refunded is what went back to cards, by the sandbox's book.
func (s *till) refunded() (sum money.Amount) {
	for _, e := range s.Book() {
		sum += e.Refunded()
	}
	return sum
}

// A consumer withdraws within 14 days: the whole price goes back to the card that
// paid, whatever was used, and the subscription ends. Twice, and at once, is once.
func TestWithdrawal(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, id, o := s.paidByCard(7_900_000_003_200, "Ona", 2)
	s.wait(14)
	offer, err := s.WithdrawalOffer(s.ctx(), ona, id)
	s.must(err)
	if offer.Total != 43_56 || offer.ToMethod != 43_56 || offer.ToBalance != 0 || !offer.Ends || offer.Last.String() != "2026-12-07" || offer.Orders[0].Invoice != o.InvoiceNumber {
		t.Errorf("offer: %+v", offer)
	}
	request, err := s.AskRefund(s.ctx(), ona, id, "method", "x") // answered by the withdrawal
	s.must(err)
	var (
		wg  sync.WaitGroup
		ids [4]string
	)
	for i := range ids {
		wg.Go(func() {
			var err error
			if ids[i], err = s.Withdraw(s.ctx(), ona, id, offer.Token); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, other := range ids {
		if other == "" || other != ids[0] {
			t.Errorf("receipts %v", ids)
		}
	}
	receipt, err := s.Withdrawal(s.ctx(), ona, ids[0])
	s.must(err)
	if receipt.Total != 43_56 || receipt.ToMethod != 43_56 || !receipt.Ended || !receipt.At.Equal(s.clock.Now()) || receipt.By != "Ona" ||
		receipt.Orders[0].CreditNote != "SIPC-2026-000001" || receipt.Orders[0].Number != o.Number {
		t.Errorf("receipt: %+v", receipt)
	}
	d, err := s.Invoice(s.ctx(), ona, "SIPC-2026-000001")
	s.must(err)
	original, err := s.Invoice(s.ctx(), ona, o.InvoiceNumber)
	s.must(err)
	if d.Total != original.Total || len(d.Lines) != len(original.Lines) || d.VATTotal != original.VATTotal || d.Corrects.Number != original.Number {
		t.Errorf("credit note: %+v", d)
	}
	item := s.item(ona, id)
	if item.State != subscription.StateEnded || item.AutoRenew || item.History[len(item.History)-1].Kind != subscription.EventWithdrawn {
		t.Errorf("subscription: %+v", item)
	}
	if list, err := s.RefundRequestsOf(s.ctx(), ona); err != nil || list[0].ID != request || list[0].State != "withdrawn" {
		t.Errorf("request: %+v, %v", list, err)
	}
	s.sendRefunds()
	s.webhooks()
	if s.refunded() != 43_56 {
		t.Errorf("the card got %s", s.refunded().Decimal())
	}
	if n := s.count(`SELECT count(*) FROM notice WHERE kind = 'withdrawn'`); n != 1 {
		t.Errorf("%d notices", n)
	}
	jonas, _ := s.customer(7_900_000_003_201, "Jonas")
	for name, err := range map[string]error{
		"the stranger's look": errOf(s.WithdrawalOffer(s.ctx(), jonas, id)), "the stranger": errOf(s.Withdraw(s.ctx(), jonas, id, offer.Token)),
		"the receipt": errOf(s.Withdrawal(s.ctx(), jonas, ids[0])), "no receipt": errOf(s.Withdrawal(s.ctx(), ona, "x")),
	} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.WithdrawalOffer(s.ctx(), ona, id); !fault.Is(err, fault.Conflict) {
		t.Errorf("afterwards: %v", err)
	}
	s.agree()
}

// Withdrawing from a renewal leaves what was paid before it. Auto-renewal goes
// off, or the next charge would buy it again.
func TestWithdrawalOfARenewal(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, id, _ := s.paidByCard(7_900_000_003_210, "Ona", 2)
	until := s.item(ona, id).PaidUntil
	s.wait(100)
	number, err := s.RenewEarly(s.ctx(), ona, id, 12)
	s.must(err)
	o, err := s.Order(s.ctx(), ona, number)
	s.must(err)
	s.pay(o) // by transfer
	s.wait(3)
	offer, err := s.WithdrawalOffer(s.ctx(), ona, id)
	s.must(err)
	if offer.Ends || !offer.Until.Equal(until) || len(offer.Orders) != 1 || offer.Orders[0].Number != number || offer.ToMethod != 0 || offer.ToTransfer != 78_41 || offer.Total != 78_41 {
		t.Errorf("offer: %+v", offer)
	}
	// A change moves the end and not the price of what was ordered.
	s.change(ona, id, accounts(3))
	left := s.site.balance(o.PayerID) // of the change
	if _, err := s.Withdraw(s.ctx(), ona, id, offer.Token); err != nil {
		t.Errorf("after a change of options: %v", err)
	}
	item := s.item(ona, id)
	if item.State != subscription.StateActive || item.AutoRenew || !item.PaidUntil.Before(until) {
		t.Errorf("subscription: %+v", item.Subscription)
	}
	if sent := s.payOut(s.staff(7_900_000_003_211, "Rasa", account.StaffFinance)); sent != 78_41-left || s.site.balance(o.PayerID) != left {
		t.Errorf("sent %s, balance %s", sent.Decimal(), s.site.balance(o.PayerID).Decimal())
	}
	s.agree()
	// It can be renewed again: another period.
	number, err = s.RenewEarly(s.ctx(), ona, id, 6)
	s.must(err)
	if o, err = s.Order(s.ctx(), ona, number); err != nil || o.State != "awaiting_payment" {
		t.Fatalf("order: %+v, %v", o.State, err)
	}
	s.pay(o)
	if got := s.item(ona, id); !got.PaidUntil.After(item.PaidUntil.Add(170 * 24 * time.Hour)) {
		t.Errorf("paid until %s", got.PaidUntil)
	}
	s.agree()
}

// An order that the program renewed since was not shown, so it is not withdrawn
// from unseen.
func TestWithdrawalMoved(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, id, _ := s.paidByCard(7_900_000_003_220, "Ona", 2)
	offer, err := s.WithdrawalOffer(s.ctx(), ona, id)
	s.must(err)
	number, err := s.RenewEarly(s.ctx(), ona, id, 6)
	s.must(err)
	s.must(s.Press(s.open(ona, number, app.StartPaymentInput{}), "pay", sandbox.CardOK, false))
	s.must(s.returned(ona, number))
	if _, err := s.Withdraw(s.ctx(), ona, id, offer.Token); !fault.Is(err, fault.Conflict) {
		t.Errorf("what was shown does not hold: %v", err)
	}
	if offer, err = s.WithdrawalOffer(s.ctx(), ona, id); err != nil || len(offer.Orders) != 2 || offer.Total != 2*43_56 {
		t.Errorf("offer: %+v, %v", offer, err)
	}
	if _, err := s.Withdraw(s.ctx(), ona, id, offer.Token); err != nil {
		t.Error(err)
	}
	for _, wrong := range []string{"", "x", offer.Token[:len(offer.Token)-2]} {
		if _, err := s.Withdraw(s.ctx(), ona, id, wrong); !fault.Is(err, fault.Invalid) {
			t.Errorf("token %q: %v", wrong, err)
		}
	}
	s.sendRefunds()
	s.webhooks()
	if s.refunded() != 2*43_56 {
		t.Errorf("the cards got %s", s.refunded().Decimal())
	}
	s.agree()
}

// Companies and people outside the EU are offered nothing, and nobody after 14
// days.
func TestNoWithdrawal(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		in   app.PayerInput
		days int
	}{
		"a company": {app.PayerInput{Kind: "company", Name: "UAB Pavyzdys", CompanyCode: "119511515", Street: "Gedimino pr. 2", City: "Vilnius", Postcode: "01103", Country: "LT", Email: "x@example.lt", Language: "en", Currency: "EUR"}, 0},
		"outside":   {app.PayerInput{Kind: "person", Name: "Oleh", Street: "Khreshchatyk 1", City: "Kyiv", Postcode: "01001", Country: "UA", Email: "x@example.ua", Language: "en", Currency: "EUR"}, 0},
		"too late":  {lithuanian("Ona"), 15},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTill(t)
			actor := s.signIn(7_900_000_003_230, "Ona")
			s.bill(actor, tt.in)
			o := s.order(actor, softphone(2, false, 6))
			s.pay(o)
			s.wait(tt.days)
			o, err := s.Order(s.ctx(), actor, o.Number)
			s.must(err)
			if _, err := s.WithdrawalOffer(s.ctx(), actor, o.SubscriptionID); !fault.Is(err, fault.Conflict) {
				t.Errorf("offer: %v", err)
			}
			if item := s.item(actor, o.SubscriptionID); !item.Withdrawable.IsZero() {
				t.Errorf("the page offers it until %s", item.Withdrawable)
			}
		})
	}
}

// A dispute that is opened turns auto-renewal off, and nothing that the payment paid
// is given back, on no way: not to the card, which its bank may have paid already,
// and not to the balance, from where it could be spent a second time. One that
// is lost ends the time that the payment bought, and a person is told; one that
// is won changes nothing more.
func TestChargebackEndsThePaidTime(t *testing.T) {
	t.Parallel()
	for _, end := range []payment.DisputeState{payment.DisputeLost, payment.DisputeWon} {
		t.Run(string(end), func(t *testing.T) {
			t.Parallel()
			s := newTill(t)
			ona, id, method := s.subscriber(7_900_000_003_240, sandbox.CardOK)
			finance := s.staff(7_900_000_003_241, "Rasa", account.StaffFinance)
			s.must(s.IssuePending(s.ctx()))
			var first payment.ID
			s.must(s.db.Pool().QueryRow(s.ctx(), `SELECT id FROM payment`).Scan(&first))
			s.wait(30)
			request, err := s.AskRefund(s.ctx(), ona, id, "method", "x")
			s.must(err)
			s.must(s.Chargeback(string(first), 0, payment.DisputeOpen))
			for range 2 {
				s.webhooks()
				s.must(s.ReconcilePayment(s.ctx(), first))
			}
			item := s.item(ona, id)
			if item.AutoRenew || item.State != subscription.StateActive || s.count(`SELECT count(*) FROM consent WHERE subject = $1 AND revoked_at IS NULL`, id) != 0 {
				t.Errorf("opened: %+v", item.Subscription)
			}
			if _, _, err := s.ChargeSaved(s.ctx(), id, method); err == nil {
				s.must(s.RunDue(s.ctx()))
			}
			if _, times := s.captured(); times != 1 {
				t.Errorf("charged %d times", times)
			}
			for name, err := range map[string]error{
				"offer": errOf(s.RefundOffer(s.ctx(), ona, id)), "to the card": errOf(s.AskRefund(s.ctx(), ona, id, "method", "x")),
				"to the balance": errOf(s.AskRefund(s.ctx(), ona, id, "balance", "x")), "approved": s.ApproveRefund(s.ctx(), finance, request),
			} {
				if !fault.Is(err, fault.Conflict) || keyOf(err) != "error.refund.disputed" {
					t.Errorf("%s while disputed: %v", name, err)
				}
			}
			s.must(s.RejectRefund(s.ctx(), finance, request, "It is disputed."))
			s.must(s.Chargeback(string(first), 0, end))
			for range 2 {
				s.webhooks()
				s.must(s.ReconcilePayment(s.ctx(), first))
			}
			item = s.item(ona, id)
			lost := end == payment.DisputeLost
			if ended := item.State == subscription.StateEnded; ended != lost || lost && !item.PaidUntil.Equal(s.clock.Now()) {
				t.Errorf("decided: %+v", item.Subscription)
			}
			alerts := s.count(`SELECT count(*) FROM audit WHERE action = 'payment.alert' AND detail->>'why' = 'dispute_lost'`)
			notices := s.count(`SELECT count(*) FROM notice WHERE kind = 'charged_back'`)
			if want := map[bool]int{true: 1}[lost]; alerts != want || notices != want {
				t.Errorf("%d alerts, %d notices", alerts, notices)
			}
			if n := s.count(`SELECT count(*) FROM invoice WHERE kind = 'credit_note'`); n != 0 {
				t.Errorf("%d credit notes", n)
			}
			s.agree()
			if !lost { // the money is ours, and may go back now
				request, err := s.AskRefund(s.ctx(), ona, id, "method", "x")
				s.must(err)
				s.must(s.ApproveRefund(s.ctx(), finance, request))
				s.sendRefunds()
				s.webhooks()
				if s.refunded() == 0 {
					t.Error("nothing went back")
				}
				s.agree()
			}
		})
	}
}

// While a payment is disputed its order cannot be withdrawn from.
func TestNoWithdrawalWhileDisputed(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, id, o := s.paidByCard(7_900_000_003_260, "Ona", 2)
	offer, err := s.WithdrawalOffer(s.ctx(), ona, id)
	s.must(err)
	p, err := s.OrderPayment(s.ctx(), ona, o.Number)
	s.must(err)
	s.must(s.Chargeback(string(p.ID), 0, payment.DisputeOpen))
	s.webhooks()
	for name, err := range map[string]error{
		"offer": errOf(s.WithdrawalOffer(s.ctx(), ona, id)), "withdrawal": errOf(s.Withdraw(s.ctx(), ona, id, offer.Token)),
	} {
		if !fault.Is(err, fault.Conflict) || keyOf(err) != "error.refund.disputed" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := s.count(`SELECT count(*) FROM ledger_entry WHERE kind = 'credited'`); n != 0 {
		t.Errorf("%d credits", n)
	}
	s.must(s.Chargeback(string(p.ID), 0, payment.DisputeWon))
	s.webhooks()
	if offer, err = s.WithdrawalOffer(s.ctx(), ona, id); err != nil || offer.ToMethod != 43_56 {
		t.Errorf("after the end: %+v, %v", offer, err)
	}
	s.must(errOf(s.Withdraw(s.ctx(), ona, id, offer.Token)))
	s.sendRefunds()
	s.webhooks()
	if s.refunded() != 43_56 {
		t.Errorf("the card got %s", s.refunded().Decimal())
	}
	s.agree()
}

// What a change would leave on the balance of what a disputed payment paid waits
// with the change; one that leaves nothing there is made.
func TestChangeWhileDisputed(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, _ := s.customer(7_900_000_003_265, "Ona")
	o := s.order(ona, pricing.Selection{Plan: pricing.Gateway, Options: pricing.Options{Lines: 7}, Period: 6})
	s.must(s.Press(s.open(ona, o.Number, app.StartPaymentInput{}), "pay", sandbox.CardOK, false))
	s.must(s.returned(ona, o.Number))
	s.must(s.IssueInvoice(s.ctx(), o.ID))
	o, err := s.Order(s.ctx(), ona, o.Number)
	s.must(err)
	id, largest := o.SubscriptionID, pricing.Options{Lines: pricing.MaxLines, ExtraAccounts: pricing.MaxExtraAccounts}
	var preview app.ChangePreview
	for range 100 {
		s.later(time.Second)
		if preview = must(s.PreviewChange(s.ctx(), ona, id, largest)); preview.Change.Credit > 0 {
			break
		}
	}
	p, err := s.OrderPayment(s.ctx(), ona, o.Number)
	s.must(err)
	s.must(s.Chargeback(string(p.ID), 0, payment.DisputeOpen))
	s.webhooks()
	for name, err := range map[string]error{
		"preview": errOf(s.PreviewChange(s.ctx(), ona, id, largest)), "change": s.ChangeSubscription(s.ctx(), ona, id, largest, preview.Token),
	} {
		if !fault.Is(err, fault.Conflict) || keyOf(err) != "error.change.disputed" {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.change(ona, id, pricing.Options{Lines: 8})
	if n := s.count(`SELECT count(*) FROM ledger_entry WHERE kind = 'change_credit'`); n != 0 {
		t.Errorf("%d credits", n)
	}
	s.agree()
}

// A dispute about a top-up that is lost takes what is still on the balance of it,
// once; what was spent stays disputed.
func TestALostDisputeTakesATopUpBack(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ spent, disputed, left, taken money.Amount }{
		"whole":         {0, 50_00, 0, 50_00},
		"a part":        {0, 20_00, 30_00, 20_00},
		"some is spent": {21_78, 50_00, 0, 28_22},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTill(t)
			ona, payer, p := s.toppedUp(7_900_000_003_270, 50_00)
			if tt.spent > 0 {
				s.must(s.PayOrderFromBalance(s.ctx(), ona, s.order(ona, softphone(1, false, 6)).Number))
			}
			s.must(s.Chargeback(string(p.ID), tt.disputed, payment.DisputeOpen))
			s.webhooks()
			if got := s.site.balance(payer); got != 50_00-tt.spent {
				t.Errorf("while it is open: %s", got.Decimal())
			}
			s.must(s.Chargeback(string(p.ID), tt.disputed, payment.DisputeLost))
			for range 2 {
				s.webhooks()
				s.must(s.ReconcilePayment(s.ctx(), p.ID))
			}
			if got := s.site.balance(payer); got != tt.left || money.Amount(s.takenByDisputes()) != tt.taken {
				t.Errorf("%s is left, %d were taken", got.Decimal(), s.takenByDisputes())
			}
			if got := s.count(`SELECT sum(p.amount_minor)::bigint FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id WHERE a.kind = 'disputed'`); money.Amount(got) != tt.disputed-tt.taken {
				t.Errorf("%d is disputed", got)
			}
			s.agree()
		})
	}
}

// Time that another payment paid for stays whole, and moves to where the lost one
// began.
func TestChargebackOfOnePeriod(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, id, o := s.paidByCard(7_900_000_003_250, "Ona", 2)
	p, err := s.OrderPayment(s.ctx(), ona, o.Number)
	s.must(err)
	number, err := s.RenewEarly(s.ctx(), ona, id, 6)
	s.must(err)
	renewal, err := s.Order(s.ctx(), ona, number)
	s.must(err)
	s.pay(renewal)
	before := s.account(id)
	s.wait(10)
	s.must(s.Chargeback(string(p.ID), 0, payment.DisputeLost))
	s.webhooks()
	item, after := s.item(ona, id), s.account(id)
	length := before[1].Until.Sub(before[1].From)
	if item.State != subscription.StateActive || item.AutoRenew || !item.PaidUntil.Equal(s.clock.Now().Add(length)) || len(after) != 1 || after[0].OrderID != renewal.ID ||
		after[0].Worth.Cmp(before[1].Worth) != 0 || item.History[len(item.History)-1].Kind != subscription.EventChargedBack {
		t.Errorf("%+v\n%+v", item.Subscription, after)
	}
	s.agree()
}
