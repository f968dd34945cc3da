package app_test

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/pricing"
)

// One movement that two statements show under two keys is booked once and left to
// a person the second time, also where both are imported at the same moment.
func TestTwoImportsAtOnceSeeEachOther(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, payer := s.customer(7_900_000_005_600, "Ona")
	e := s.transfer(s.reference(ona, payer), 50_00)
	e.ServicerRef = "" // nothing but its contents and the balance before it tell what it is
	other := s.stray(1_00)
	files := [][]byte{s.days(s.Today(), s.Today(), 1000_00, e), s.days(s.Today(), s.Today(), 1500_00, e, other)}

	// Both are under way before either has booked anything: the payer is held.
	tx, err := s.db.Pool().Begin(s.ctx())
	s.must(err)
	_, err = tx.Exec(s.ctx(), `SELECT FROM payer WHERE id = $1 FOR UPDATE`, string(payer))
	s.must(err)
	var wg sync.WaitGroup
	for _, file := range files {
		wg.Go(func() {
			if _, err := s.ImportStatement(s.ctx(), bytes.NewReader(file), audit.ByCommand("test")); err != nil {
				t.Error(err)
			}
		})
	}
	for waiting := 0; waiting < 2; time.Sleep(5 * time.Millisecond) {
		waiting = s.count(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
	}
	s.must(tx.Commit(s.ctx()))
	wg.Wait()
	if n := s.count(`SELECT count(*) FROM bank_entry WHERE reason = 'possible_repeat'`); n != 1 || s.balance(payer) != 50_00 {
		t.Errorf("%d are doubted, %s on the balance", n, s.balance(payer).Decimal())
	}
	s.must(s.IssueReceipts(s.ctx()))
	s.clean()
}

// The account of a payment service sends for many: without a name of the order it
// pays nobody's but that of who has its name. As evidence of where the buyer is
// it serves only when it is the buyer's.
func TestAccountsOfSomebodyElse(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	finance := s.staff(7_900_000_005_610, "Faustas", account.StaffFinance)
	ona, payer := s.customer(7_900_000_005_611, "Ona")
	evidence := func(o app.OrderDetail) int {
		return s.count(`SELECT count(*) FROM tax_evidence WHERE order_id = $1 AND kind = 'bank_account'`, o.ID)
	}
	first := s.order(ona, softphone(1, false, 6))
	s.pay(first) // from the account
	if evidence(first) != 1 {
		t.Error("the buyer's own account is no evidence")
	}
	gateway := pricing.Selection{Plan: pricing.Gateway, Options: pricing.Options{Lines: 1}, Period: 6}
	o := s.order(ona, gateway)
	e := s.entry(o)
	e.References, e.Payer = nil, "Jonas Jonaitis"
	if _, done := s.arrives(e); done.Outcome != "suspense" || done.Reason != string(bank.ReasonUnmatched) {
		t.Errorf("somebody else from the same account: %s", done)
	}
	if s.see(ona, o.Number).Money.Received != 0 {
		t.Error("Ona is told of somebody else's money")
	}
	again := s.entry(o)
	again.References = nil
	if _, done := s.arrives(again); done.Outcome != "matched" || done.OrderNumber != o.Number {
		t.Errorf("the buyer from the same account: %s", done)
	}
	if evidence(o) != 1 {
		t.Error("the buyer's own account is no evidence")
	}

	rasa, _ := s.customer(7_900_000_005_612, "Rasa")
	third := s.order(rasa, softphone(1, false, 6))
	e = s.entry(third)
	e.Payer = "Jonas Jonaitis"
	if _, done := s.arrives(e); done.Outcome != "matched" {
		t.Errorf("somebody else with the reference: %s", done)
	}
	if evidence(third) != 0 {
		t.Error("the account of somebody else is evidence of where the buyer is")
	}
	fourth := s.order(rasa, gateway)
	id, _ := s.arrives(s.stray(fourth.Total))
	s.must(s.DecideSuspense(s.ctx(), finance, id, app.SuspenseDecision{Kind: bank.DecideOrder, Order: fourth.Number, Reason: "she says so"}))
	s.must(s.ApproveSuspense(s.ctx(), s.staff(7_900_000_005_613, "Adomas", account.StaffAdmin), id))
	if evidence(fourth) != 0 {
		t.Error("the account of somebody else is evidence, by a person")
	}
	s.invoiceAll()
	if s.balance(payer) != 0 {
		t.Errorf("%s left", s.balance(payer).Decimal())
	}
	s.clean()
}
