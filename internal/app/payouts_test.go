package app_test

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/bank/banktest"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/store"
)

// payOut sends everything that is to be sent by transfer, and returns how much.
func (s *site) payOut(staff account.Actor) (sum money.Amount) {
	s.t.Helper()
	for _, p := range must(s.StaffPayouts(s.ctx(), staff)) {
		if p.State == payment.RefundRequested {
			s.must(s.ConfirmPayout(s.ctx(), staff, p.ID))
			sum += p.Amount.Amount
		}
	}
	return sum
}

// refundByTransfer is a refund, approved, of what came by transfer and may be 60
// cents short.
func (s *site) refundByTransfer(id int64, finance account.Actor, short money.Amount) (ona account.Actor, payer account.PayerID, o app.OrderDetail) {
	s.t.Helper()
	ona, payer = s.customer(id, "Ona")
	o = s.order(ona, softphone(2, false, 6))
	entry := s.entry(o)
	entry.Amount -= short
	s.importFile(s.camt(banktest.Version08, entry))
	o, err := s.Order(s.ctx(), ona, o.Number)
	s.must(err)
	request, err := s.AskRefund(s.ctx(), ona, o.SubscriptionID, "method", "x")
	s.must(err)
	s.must(s.ApproveRefund(s.ctx(), finance, request))
	return ona, payer, o
}

// What came by transfer and is wanted back leaves the balance with the decision, so
// that it cannot be spent while somebody sends it. What had been forgiven is not
// given back. It is sent once, and no job has a part in it.
func TestRefundOfATransfer(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, payer := s.customer(7_900_000_003_030, "Ona")
	finance := s.staff(7_900_000_003_031, "Rasa", account.StaffFinance)
	finance.Staff = account.StaffFinance // of the session
	o := s.order(ona, softphone(2, false, 6))
	entry := s.entry(o)
	entry.Amount -= 60
	s.importFile(s.camt(banktest.Version08, entry))
	o, err := s.Order(s.ctx(), ona, o.Number)
	s.must(err)
	// The invoice is issued by the decision where its job has yet to run.
	offer, err := s.RefundOffer(s.ctx(), ona, o.SubscriptionID)
	s.must(err)
	if offer.Total != 43_32 || offer.Forgiven != 60 || offer.ToMethod != 0 || offer.ToTransfer != 42_72 || offer.ToBalance != 0 || offer.Parts[0].Invoice != "" ||
		len(offer.Parts[0].Accounts) != 1 || offer.Parts[0].Accounts[0] != "…3000" {
		t.Errorf("offer: %+v", offer)
	}
	request, err := s.AskRefund(s.ctx(), ona, o.SubscriptionID, "method", "x")
	s.must(err)
	s.must(s.ApproveRefund(s.ctx(), finance, request))
	if got := s.site.balance(payer); got != 0 {
		t.Errorf("%s can be spent and is sent", got.Decimal())
	}
	s.sendRefunds()
	_, err = s.CheckRefunds(s.ctx())
	s.must(err)
	s.agree()
	list, err := s.RefundRequestsOf(s.ctx(), ona)
	s.must(err)
	if r := list[0]; r.ToMethod != 42_72 || r.ToCards != 0 || r.Credited != 42_72 || r.ToBalance != 0 || len(r.Payouts) != 1 ||
		r.Payouts[0] != (app.Payout{State: payment.RefundRequested, Amount: money.Of(42_72, "EUR"), Account: "…3000"}) {
		t.Errorf("request: %+v", r)
	}
	note, err := s.Invoice(s.ctx(), ona, "SIPC-2026-000001")
	s.must(err)
	if note.Returned.Transfer != 42_72 || note.Returned.Account != "…3000" || note.Returned.Balance != 0 || note.Returned.Forgiven != 60 || note.Payment.Method != "bank" {
		t.Errorf("credit note: %+v", note.Returned)
	}
	s.must(s.DrawPending(s.ctx()))
	s.wait(3)
	all, err := s.StaffPayouts(s.ctx(), finance)
	s.must(err)
	if p := all[0]; len(all) != 1 || p.From != "Ona" || p.FromIBAN != "DE89370400440532013000" || p.Amount.Amount != 42_72 || p.Reference != note.Number || p.Order != o.Number ||
		p.Days != 3 || !p.MayEnd || p.ThirdParty || len(p.OtherIBANs) != 0 {
		t.Errorf("to be sent: %+v", all)
	}
	s.must(s.ConfirmPayout(s.ctx(), finance, all[0].ID))
	for name, err := range map[string]error{
		"sent again": s.ConfirmPayout(s.ctx(), finance, all[0].ID), "failed afterwards": s.FailPayout(s.ctx(), finance, all[0].ID, "x"),
	} {
		if !fault.Is(err, fault.Conflict) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := s.count(`SELECT sum(p.amount_minor)::bigint FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id WHERE a.kind = 'bank'`); n != 42_96-42_72 {
		t.Errorf("%d is at the bank", n)
	}
	if p, err := s.OrderPayment(s.ctx(), ona, o.Number); err != nil || p.Refunded != 42_72 || p.State != payment.Succeeded {
		t.Errorf("payment: %+v, %v", p, err)
	}
	list, err = s.RefundRequestsOf(s.ctx(), ona)
	s.must(err)
	if p := list[0].Payouts[0]; p.State != payment.RefundSucceeded || !p.EndedAt.Equal(s.clock.Now()) || s.site.balance(payer) != 0 || s.notices("refund_sent") != 1 {
		t.Errorf("sent: %+v", p)
	}
	s.agree()
}

// A payout that cannot be sent is on the balance again, once, and the payer is
// told; a withdrawal's is one like any other.
func TestAPayoutThatCannotBeSent(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	finance := s.staff(7_900_000_003_801, "Rasa", account.StaffFinance)
	ona, payer := s.customer(7_900_000_003_800, "Ona")
	o := s.order(ona, softphone(2, false, 6))
	s.pay(o)
	o, err := s.Order(s.ctx(), ona, o.Number)
	s.must(err)
	offer, err := s.WithdrawalOffer(s.ctx(), ona, o.SubscriptionID)
	s.must(err)
	if offer.ToTransfer != 43_56 || offer.ToMethod+offer.ToBalance != 0 || offer.Orders[0].Account != "…3000" {
		t.Errorf("offer: %+v", offer)
	}
	id, err := s.Withdraw(s.ctx(), ona, o.SubscriptionID, offer.Token)
	s.must(err)
	receipt := func() app.Withdrawal {
		t.Helper()
		return must(s.Withdrawal(s.ctx(), ona, id))
	}
	if r := receipt(); r.ToTransfer != 43_56 || r.ToBalance != 0 || len(r.Payouts) != 1 || r.Payouts[0].State != payment.RefundRequested || s.site.balance(payer) != 0 {
		t.Errorf("receipt: %+v", r)
	}
	p := must(s.StaffPayouts(s.ctx(), finance))[0]
	if err := s.FailPayout(s.ctx(), finance, p.ID, " "); !fault.Is(err, fault.Invalid) {
		t.Errorf("without a reason: %v", err)
	}
	s.must(s.FailPayout(s.ctx(), finance, p.ID, "The account is closed."))
	for _, err := range []error{s.FailPayout(s.ctx(), finance, p.ID, "x"), s.ConfirmPayout(s.ctx(), finance, p.ID)} {
		if !fault.Is(err, fault.Conflict) {
			t.Errorf("afterwards: %v", err)
		}
	}
	if r := receipt(); r.Payouts[0].State != payment.RefundFailed || s.site.balance(payer) != 43_56 || s.notices("refund_failed") != 1 {
		t.Errorf("receipt: %+v, balance %s", r, s.site.balance(payer).Decimal())
	}
	if p := must(s.StaffPayouts(s.ctx(), finance))[0]; p.Failure != "The account is closed." || p.EndedByName != "Rasa" || p.MayEnd {
		t.Errorf("payout: %+v", p)
	}
	s.agree()
}

// An order that was paid in parts goes back to the accounts that the parts came
// from; where the bank does not say from which, the payer's others are named.
func TestPayoutsOfAnOrderPaidInParts(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	finance := s.staff(7_900_000_003_811, "Rasa", account.StaffFinance)
	ona, payer := s.customer(7_900_000_003_810, "Ona")
	o := s.order(ona, softphone(2, false, 6))
	first, second := s.entry(o), s.entry(o)
	first.Amount, second.Amount = 40_00, o.Total-40_00
	second.PayerIBAN = ""
	s.importFile(s.camt(banktest.Version08, first))
	s.importFile(s.camt(banktest.Version08, second))
	o, err := s.Order(s.ctx(), ona, o.Number)
	s.must(err)
	request, err := s.AskRefund(s.ctx(), ona, o.SubscriptionID, "method", "x")
	s.must(err)
	s.must(s.ApproveRefund(s.ctx(), finance, request))
	all := must(s.StaffPayouts(s.ctx(), finance))
	var sum money.Amount
	for _, p := range all {
		sum += p.Amount.Amount
		if known := p.FromIBAN != ""; known == (len(p.OtherIBANs) == 1) || !known && p.OtherIBANs[0] != "DE89370400440532013000" {
			t.Errorf("payout: %+v", p)
		}
	}
	if len(all) != 2 || sum != 43_32 || s.site.balance(payer) != 0 {
		t.Errorf("%d payouts of %s, balance %s", len(all), sum.Decimal(), s.site.balance(payer).Decimal())
	}
	if sent := s.payOut(finance); sent != sum {
		t.Errorf("sent %s", sent.Decimal())
	}
	s.agree()
}

// What was paid from the balance goes back to it, also where it was wanted back the
// way it came: that is the way.
func TestRefundOfWhatTheBalancePaid(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	finance := s.staff(7_900_000_003_821, "Rasa", account.StaffFinance)
	ona, payer := s.customer(7_900_000_003_820, "Ona")
	s.importFile(s.camt(banktest.Version08, s.transfer(s.reference(ona, payer), 50_00)))
	o := s.order(ona, softphone(2, false, 6))
	s.must(s.PayOrderFromBalance(s.ctx(), ona, o.Number))
	o, err := s.Order(s.ctx(), ona, o.Number)
	s.must(err)
	request, err := s.AskRefund(s.ctx(), ona, o.SubscriptionID, "method", "x")
	s.must(err)
	s.must(s.ApproveRefund(s.ctx(), finance, request))
	if all := must(s.StaffPayouts(s.ctx(), finance)); len(all) != 0 || s.site.balance(payer) != 50_00-43_56+43_32 {
		t.Errorf("%+v, balance %s", all, s.site.balance(payer).Decimal())
	}
	s.must(s.IssueReceipts(s.ctx()))
	s.agree()
}

// Support and who buys for the payer send nothing; to others a payout is not there.
// Of several who say so at once, one has sent it (I10).
func TestWhoSendsPayouts(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	finance := s.staff(7_900_000_003_831, "Rasa", account.StaffFinance)
	admin := s.staff(7_900_000_003_832, "Tomas", account.StaffAdmin)
	helper := s.staff(7_900_000_003_833, "Saulius", account.StaffSupport)
	helper.Staff = account.StaffSupport // of the session
	ona, payer, _ := s.refundByTransfer(7_900_000_003_830, finance, 0)
	id := must(s.StaffPayouts(s.ctx(), finance))[0].ID
	refused := func(who account.Actor, kind fault.Kind) {
		t.Helper()
		for _, err := range []error{s.ConfirmPayout(s.ctx(), who, id), s.FailPayout(s.ctx(), who, id, "x")} {
			if !fault.Is(err, kind) {
				t.Errorf("%s: %v", who.Name, err)
			}
		}
	}
	refused(ona, fault.NotFound)
	refused(helper, fault.Forbidden)
	if _, err := s.StaffPayouts(s.ctx(), ona); !fault.Is(err, fault.NotFound) {
		t.Errorf("the payer's look: %v", err)
	}
	if p := must(s.StaffPayouts(s.ctx(), helper))[0]; p.MayEnd || p.WhyNot != app.NotDecidingRole {
		t.Errorf("support: %+v", p)
	}
	own := ona
	own.Staff = account.StaffFinance
	s.must(s.db.Update(s.ctx(), func(tx *store.Tx) error { return tx.SaveStaffMember(s.ctx(), own.AccountID, own.Staff, "command:test") }))
	refused(own, fault.Forbidden)
	if p := must(s.StaffPayouts(s.ctx(), own))[0]; p.MayEnd || p.WhyNot != app.NotDecidingOwn {
		t.Errorf("own: %+v", p)
	}
	for _, wrong := range []string{"", "x", "00000000-0000-4000-8000-000000000000"} {
		if err := s.ConfirmPayout(s.ctx(), finance, wrong); !fault.Is(err, fault.NotFound) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	var (
		wg   sync.WaitGroup
		done atomic.Int32
	)
	for i := range 6 {
		who, f := []account.Actor{finance, admin}[i%2], func(a account.Actor) error { return s.ConfirmPayout(s.ctx(), a, id) }
		if i%3 == 0 {
			f = func(a account.Actor) error { return s.FailPayout(s.ctx(), a, id, "x") }
		}
		wg.Go(func() {
			if err := f(who); err == nil {
				done.Add(1)
			} else if !fault.Is(err, fault.Conflict) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	sent := s.count(`SELECT count(*) FROM refund WHERE provider = 'bank' AND state = 'succeeded'`)
	if n := done.Load(); n != 1 || (s.site.balance(payer) == 0) != (sent == 1) {
		t.Errorf("%d have said so, %d sent, balance %s", n, sent, s.site.balance(payer).Decimal())
	}
	s.agree()
}

// A transfer that the bank has taken back is not sent back as well.
func TestAPayoutOfWhatTheBankTookBack(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	finance := s.staff(7_900_000_003_841, "Rasa", account.StaffFinance)
	ona, payer := s.customer(7_900_000_003_840, "Ona")
	o := s.order(ona, softphone(2, false, 6))
	paid := s.entry(o)
	entry, _ := s.arrives(paid)
	o, err := s.Order(s.ctx(), ona, o.Number)
	s.must(err)
	request, err := s.AskRefund(s.ctx(), ona, o.SubscriptionID, "method", "x")
	s.must(err)
	s.must(s.ApproveRefund(s.ctx(), finance, request))
	back := paid
	back.Credit, back.Reversal, back.ServicerRef = false, true, "R1"
	reversal, _ := s.arrives(back)
	if err := s.ConfirmPayout(s.ctx(), finance, must(s.StaffPayouts(s.ctx(), finance))[0].ID); !fault.Is(err, fault.Conflict) || keyOf(err) != "error.payout.undone" {
		t.Errorf("sent while its reversal waits: %v", err)
	}
	takeBack := app.SuspenseDecision{Kind: bank.DecideTakeBack, Against: entry, Reason: "x"}
	if err := s.DecideSuspense(s.ctx(), finance, reversal, takeBack); !fault.Is(err, fault.Conflict) || keyOf(err) != "error.suspense.payout" {
		t.Errorf("while it waits to be sent: %v", err)
	}
	p := must(s.StaffPayouts(s.ctx(), finance))[0]
	s.must(s.FailPayout(s.ctx(), finance, p.ID, "its bank took it back"))
	s.must(s.DecideSuspense(s.ctx(), finance, reversal, takeBack))
	if err := s.ConfirmPayout(s.ctx(), finance, p.ID); !fault.Is(err, fault.Conflict) {
		t.Errorf("sent all the same: %v", err)
	}
	if got := s.site.balance(payer); got != 0 {
		t.Errorf("balance %s", got.Decimal())
	}

	// Where the reversal was there first nothing is sent; it is taken from the balance.
	o = s.order(ona, softphone(2, false, 6))
	paid = s.entry(o)
	entry, _ = s.arrives(paid)
	back = paid
	back.Credit, back.Reversal, back.ServicerRef = false, true, "R2"
	reversal, _ = s.arrives(back)
	o, err = s.Order(s.ctx(), ona, o.Number)
	s.must(err)
	request, err = s.AskRefund(s.ctx(), ona, o.SubscriptionID, "method", "x")
	s.must(err)
	s.must(s.ApproveRefund(s.ctx(), finance, request))
	if n, got := len(must(s.StaffPayouts(s.ctx(), finance))), s.site.balance(payer); n != 1 || got <= 0 {
		t.Errorf("%d payouts, balance %s", n, got.Decimal())
	}
	s.must(s.DecideSuspense(s.ctx(), finance, reversal, app.SuspenseDecision{Kind: bank.DecideTakeBack, Against: entry, Reason: "x"}))
	if got := s.site.balance(payer); got != 0 {
		t.Errorf("in the end: balance %s", got.Decimal())
	}
	s.agree()
}

// A reversal that arrives while somebody says that a payout was sent is seen: what
// the bank has taken back is read under the locks, not before them.
func TestAPayoutWhileTheBankTakesItBack(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	finance := s.staff(7_900_000_003_843, "Rasa", account.StaffFinance)
	_, payer, o := s.refundByTransfer(7_900_000_003_842, finance, 0)
	payout := must(s.StaffPayouts(s.ctx(), finance))[0].ID

	lock, err := s.db.Pool().Begin(s.ctx())
	s.must(err)
	defer func() { _ = lock.Rollback(context.WithoutCancel(s.ctx())) }()
	s.must(discard(lock.Exec(s.ctx(), `SELECT FROM payer WHERE id = $1 FOR UPDATE`, string(payer))))
	late := time.Now().Add(2 * time.Second) // they give up waiting for the lock after four
	waiting := func(n int) {
		for time.Now().Before(late) && s.count(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) < n {
			time.Sleep(time.Millisecond)
		}
	}
	file := s.camt(banktest.Version08, reversed(s.entry(o)))
	imported, said := make(chan error), make(chan error)
	go func() {
		_, err := s.ImportStatement(s.ctx(), bytes.NewReader(file), audit.ByCommand("test"))
		imported <- err
	}()
	waiting(1)
	go func() { said <- s.ConfirmPayout(s.ctx(), finance, payout) }()
	waiting(2)
	s.must(lock.Rollback(s.ctx()))
	s.must(<-imported)
	if err := <-said; !fault.Is(err, fault.Conflict) || keyOf(err) != "error.payout.undone" {
		t.Errorf("sent while its reversal arrived: %v", err)
	}
	s.agree()
}
