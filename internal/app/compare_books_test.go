package app_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/provider/sandbox"
	"github.com/siptg/portal/internal/store"
)

// strays are the payments that wait for a person because they are none of ours.
func (s *till) strays() (out []store.StrayPayment) {
	s.t.Helper()
	s.must(s.db.View(s.ctx(), func(tx *store.Tx) (err error) {
		out, err = tx.Strays(s.ctx())
		return err
	}))
	return out
}

// elsewhere opens a checkout at the sandbox with our key, and not by us.
func (s *till) elsewhere(reference string, amount money.Amount) payment.Checkout {
	s.t.Helper()
	c, r := s.adapter.CreateCheckout(s.ctx(), payment.CheckoutRequest{
		PaymentID: payment.ID(reference), Key: "elsewhere " + reference, Amount: money.Of(amount, "EUR"), Description: "?", Language: "en",
		ReturnURL: "https://portal.example/", ExpiresAt: s.clock.Now().Add(time.Hour),
	})
	if r.Outcome != payment.OutcomeActionRequired {
		s.t.Fatalf("%+v", r)
	}
	return c
}

func (s *till) audited(action string) int {
	return s.count(`SELECT count(*) FROM audit WHERE action = '` + action + `'`)
}

// Money that came back at the provider's own page, of which no webhook ever told,
// is found in the provider's list, booked once, and a person is told.
func TestTheListFindsWhatNoWebhookTold(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	_, _, p := s.toppedUp(7_900_000_003_900, 50_00)
	s.webhooks()
	s.must(s.CompareBooks(s.ctx()))
	s.holding = true // and never sent again: these are lost
	if r := s.sendRefund(p, "theirs", 20_00); r.Outcome != payment.OutcomeSucceeded {
		t.Fatalf("%+v", r)
	}
	s.must(s.Chargeback(string(p.ID), 10_00, payment.DisputeLost))
	s.Deliver(s.ctx())

	for i, f := range []sandbox.FaultKind{sandbox.TimeoutBefore, sandbox.Truncated, sandbox.WrongBody, sandbox.ErrorAfter, sandbox.RateLimit} {
		s.must(s.Inject(sandbox.Fault{Kind: f, On: "list"}))
		if err := s.CompareBooks(s.ctx()); !fault.Is(err, fault.Unavailable) {
			t.Fatalf("fault %d, %s: %v", i, f, err)
		}
	}
	// Wrong figures in the list book nothing: they only have the payment looked up.
	s.must(s.Inject(sandbox.Fault{Kind: sandbox.WrongAmount, On: "list"}))
	for range 2 {
		s.must(s.CompareBooks(s.ctx()))
		if now := s.paymentByID(p.ID); now.Received != 50_00 || now.Refunded != 20_00 || now.Disputed != 10_00 || now.Parked != "" {
			t.Fatalf("%+v", now)
		}
	}
	if n := s.audited("payment.stray"); n != 0 || len(s.strays()) != 0 {
		t.Errorf("%d strays: %v", n, s.strays())
	}
	s.agree()
	s.clean()
}

// A payment at the provider that is none of ours waits for a person, is told of
// once, and goes when its money has gone.
func TestMoneyWithoutAPayment(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	s.holding = true
	const stray = "00000000-0000-4000-8000-00000000beef"
	c := s.elsewhere(stray, 12_34)
	s.must(s.CompareBooks(s.ctx()))
	if n := s.audited("payment.stray"); n != 0 || len(s.strays()) != 0 {
		t.Errorf("a page that nobody paid on: %d, %v", n, s.strays())
	}
	s.must(s.Press(c.Ref, "pay", sandbox.CardOK, false))
	s.must(s.Press(s.elsewhere("not an id", 7_00).Ref, "pay", sandbox.CardOK, false))
	for range 3 {
		s.must(s.CompareBooks(s.ctx()))
	}
	found := s.strays()
	if len(found) != 2 || s.audited("payment.stray") != 2 {
		t.Fatalf("%d told of: %+v", s.audited("payment.stray"), found)
	}
	for _, f := range found {
		if want := map[string]string{stray: "12.34 EUR", "not an id": "7.00 EUR"}[f.Reference]; f.Left().String() != want || f.Provider != sandbox.Name || f.Ref == "" {
			t.Errorf("%+v, want %s", f, want)
		}
	}
	if n := s.count(`SELECT count(*) FROM ledger_entry`); n != 0 {
		t.Errorf("%d entries were booked for it", n)
	}
	r := s.adapter.Refund(s.ctx(), payment.RefundRequest{PaymentID: stray, RefundID: "back", Key: "back", Amount: money.Of(12_34, "EUR")})
	if r.Outcome != payment.OutcomeSucceeded {
		t.Fatalf("%+v", r)
	}
	s.must(s.CompareBooks(s.ctx()))
	if found := s.strays(); len(found) != 1 || found[0].Reference != "not an id" {
		t.Errorf("after it was returned: %+v", found)
	}
	s.clean()
}

// A long list is read to its end, and a list that broke off is read on from where
// it did.
func TestALongListIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	s.holding = true
	const many = 230
	for i := range many {
		s.must(s.Press(s.elsewhere(fmt.Sprintf("order %d", i), 1_00).Ref, "pay", sandbox.CardOK, false))
	}
	s.must(s.Inject(sandbox.Fault{Kind: sandbox.Slow, On: "list"}))
	s.must(s.Inject(sandbox.Fault{Kind: sandbox.Truncated, On: "list"}))
	if err := s.CompareBooks(s.ctx()); !fault.Is(err, fault.Unavailable) {
		t.Fatalf("the second page broke off: %v", err)
	}
	if n := s.count(`SELECT count(*) FROM stray_payment`); n != 100 {
		t.Errorf("%d of the first page", n)
	}
	s.must(s.CompareBooks(s.ctx()))
	if n := s.count(`SELECT count(*) FROM stray_payment`); n != many {
		t.Errorf("%d of %d were read", n, many)
	}
}

// A refund at the provider's page came back before anybody heard of it, and then
// the whole payment was disputed: what has left is the dispute alone (simulator,
// seed 869).
func TestARefundThatCameBackUnheard(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	_, _, p := s.toppedUp(7_900_000_003_950, 50_00)
	s.webhooks()
	s.holding = true
	if r := s.sendRefund(p, "theirs", 20_00); r.Outcome != payment.OutcomeSucceeded {
		t.Fatalf("%+v", r)
	}
	s.must(s.ReturnRefund(string(p.ID)))
	s.must(s.Chargeback(string(p.ID), 0, payment.DisputeLost))
	s.Deliver(s.ctx())
	s.must(s.CompareBooks(s.ctx()))
	if now := s.paymentByID(p.ID); now.Refunded != 0 || now.Disputed != 50_00 || now.Parked != "" {
		t.Errorf("%+v", now)
	}
	s.agree()
	s.clean()
}

// A payment that cannot be looked up keeps no other from being compared, and is
// compared again the next time; where it cannot be booked a person is told
// (simulator, seed 204: the connection broke off while a refund was booked).
func TestOnePaymentKeepsNoOther(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	_, _, first := s.toppedUp(7_900_000_003_960, 50_00)
	_, _, second := s.toppedUp(7_900_000_003_961, 50_00)
	s.webhooks()
	s.must(s.CompareBooks(s.ctx()))
	s.holding = true
	disputed := func(p payment.Payment) money.Amount { return s.paymentByID(p.ID).Disputed }
	for _, p := range []payment.Payment{first, second} {
		s.must(s.Chargeback(string(p.ID), 10_00, payment.DisputeOpen))
	}
	s.Deliver(s.ctx())
	s.must(s.Inject(sandbox.Fault{Kind: sandbox.TimeoutBefore, On: "lookup"}))
	if err := s.CompareBooks(s.ctx()); !fault.Is(err, fault.Unavailable) {
		t.Errorf("without an answer: %v", err)
	}
	if disputed(first) != 0 || disputed(second) != 10_00 {
		t.Errorf("without an answer: %d, %d", disputed(first), disputed(second))
	}
	s.must(discard(s.db.Pool().Exec(s.ctx(), `
		CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken'; END $$;
		CREATE TRIGGER broken BEFORE UPDATE ON payment FOR EACH ROW WHEN (OLD.id = '`+string(first.ID)+`') EXECUTE FUNCTION broken()`)))
	_, _, third := s.toppedUp(7_900_000_003_962, 50_00)
	s.must(s.Chargeback(string(third.ID), 10_00, payment.DisputeOpen))
	if err := s.CompareBooks(s.ctx()); err == nil || fault.Is(err, fault.Unavailable) {
		t.Errorf("with a payment that cannot be stored: %v", err)
	}
	if disputed(first) != 0 || disputed(third) != 10_00 {
		t.Errorf("with a payment that cannot be stored: %d, %d", disputed(first), disputed(third))
	}
	s.must(discard(s.db.Pool().Exec(s.ctx(), `DROP TRIGGER broken ON payment`)))
	s.must(s.CompareBooks(s.ctx()))
	if disputed(first) != 10_00 {
		t.Errorf("once it can be stored: %d", disputed(first))
	}
	if n := s.count(`SELECT count(*) FROM audit WHERE action = 'payment.alert' AND object_id = $1 AND detail->>'why' = 'not_compared'`, string(first.ID)); n != 1 {
		t.Errorf("a person was called %d times", n)
	}
}
