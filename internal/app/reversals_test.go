package app_test

import (
	"strings"
	"testing"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
)

// reversed is what the bank shows when it takes a credit back.
func reversed(e bank.Entry) bank.Entry {
	e.Credit, e.Reversal, e.ServicerRef = false, true, e.ServicerRef+"R"
	return e
}

// disputed is what the ledger has in dispute.
func (s *site) disputed() money.Amount {
	return money.Amount(s.count(`SELECT COALESCE(sum(p.amount_minor), 0) FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id WHERE a.kind = 'disputed'`))
}

// offsets is how many reversals were settled without a person.
func (s *site) offsets() int {
	return s.count(`SELECT count(*) / 2 FROM suspense_decision WHERE kind = 'offset' AND state = 'done' AND first_by IS NULL`)
}

// A reversal that may be of money that was booked cancels nobody's money that
// waits; and two texts that are not there are not the same text.
func TestReversalsOffsetOnlyWhatIsCertain(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, payer := s.customer(7_900_000_005_300, "Ona")
	booked := s.transfer(s.reference(ona, payer), 50_00)
	booked.EndToEndID = "PAYMENT"
	s.arrives(booked)
	s.must(s.IssueReceipts(s.ctx()))
	waits := s.stray(50_00) // somebody else's, whose bank writes the same
	waits.EndToEndID = "PAYMENT"
	id, _ := s.arrives(waits)
	s.arrives(reversed(booked))
	if s.offsets() != 0 {
		t.Error("money that waits was canceled by the reversal of what was booked")
	}
	finance := s.staff(7_900_000_005_301, "Faustas", account.StaffFinance)
	s.must(s.DecideSuspense(s.ctx(), finance, id, app.SuspenseDecision{Kind: bank.DecideReturn, Reason: "x"}))
	again := reversed(waits)
	again.ServicerRef += "R"
	s.arrives(again) // of one that is to be sent back, or of the one that was booked
	if s.offsets() != 0 {
		t.Error("a decision was passed by")
	}

	// One account of a payment service sends for many.
	silent := s.stray(60_00)
	silent.Text = ""
	s.arrives(silent)
	other := reversed(s.stray(60_00))
	other.Text = ""
	s.arrives(other)
	if s.offsets() != 0 {
		t.Error("an account and no text say who it was")
	}

	// What undoes the only credit that fits is settled as before, once; a credit
	// that came afterwards is not what was taken back.
	only := s.stray(70_00)
	s.arrives(only)
	s.wait(1)
	later := s.stray(70_00)
	later.Text, later.EndToEndID = "later", "E2E-1"
	s.arrives(reversed(only))
	if s.offsets() != 1 {
		t.Errorf("%d are settled", s.offsets())
	}
	early := reversed(later)
	early.Booked, early.Valued = s.Today(), s.Today()
	s.arrives(early)
	s.wait(1)
	later.Booked, later.Valued = s.Today(), s.Today()
	s.arrives(later)
	early.ServicerRef += "R"
	s.arrives(early)
	if s.offsets() != 1 {
		t.Error("a reversal undoes what came after it")
	}
	s.clean()
}

// What was given back before the bank takes a payment back stands on the balance,
// and is taken from there.
func TestReversalAfterMoneyWasGivenBack(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	finance := s.staff(7_900_000_005_310, "Faustas", account.StaffFinance)
	ona, payer := s.customer(7_900_000_005_312, "Ona")
	takeBack := func(e bank.Entry, of string) {
		t.Helper()
		id, _ := s.arrives(reversed(e))
		s.must(s.DecideSuspense(s.ctx(), finance, id, app.SuspenseDecision{Kind: bank.DecideTakeBack, Against: of, Reason: "recalled"}))
	}
	o := s.order(ona, softphone(2, false, 6)) // 43.56
	paid := s.entry(o)
	credit, _ := s.arrives(paid)
	s.invoiceAll()
	o = s.see(ona, o.Number)
	offer, err := s.WithdrawalOffer(s.ctx(), ona, o.SubscriptionID)
	s.must(err)
	_, err = s.Withdraw(s.ctx(), ona, o.SubscriptionID, offer.Token)
	s.must(err)
	payouts, err := s.StaffPayouts(s.ctx(), finance)
	s.must(err)
	s.must(s.FailPayout(s.ctx(), finance, payouts[0].ID, "its bank takes it back"))
	if s.balance(payer) != 43_56 {
		t.Fatalf("given back %s", s.balance(payer).Decimal())
	}
	takeBack(paid, credit)
	if s.balance(payer) != 0 || s.disputed() != 0 || s.suspense() != 0 {
		t.Errorf("balance %s, disputed %s", s.balance(payer).Decimal(), s.disputed().Decimal())
	}
	s.clean()

	// The parts of a price are taken back one after the other: what was over is
	// the balance's, whichever comes last.
	o = s.order(ona, softphone(2, false, 6))
	first, rest := s.entry(o), s.entry(o)
	first.Amount, rest.Amount = 20_00, 30_00
	part, _ := s.arrives(first)
	last, _ := s.arrives(rest)
	s.invoiceAll()
	if s.balance(payer) != 6_44 {
		t.Fatalf("over: %s", s.balance(payer).Decimal())
	}
	takeBack(first, part)
	if s.balance(payer) != 6_44 || s.disputed() != 20_00 {
		t.Errorf("after the first part: balance %s, disputed %s", s.balance(payer).Decimal(), s.disputed().Decimal())
	}
	takeBack(rest, last)
	if s.balance(payer) != 0 || s.disputed() != 43_56 || s.suspense() != 0 {
		t.Errorf("after the last part: balance %s, disputed %s", s.balance(payer).Decimal(), s.disputed().Decimal())
	}
	s.clean()
}

// sentBack is a debit of the bank's that shows a return of what an entry brought.
func sentBack(e bank.Entry) bank.Entry {
	e.Credit, e.Return, e.ServicerRef = false, true, e.ServicerRef+"B"
	return e
}

// A return that a person has confirmed is no other money when the bank shows it;
// money that the bank has taken back itself is not sent once more.
func TestReturnsLeaveOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	finance := s.staff(7_900_000_005_320, "Faustas", account.StaffFinance)
	admin := s.staff(7_900_000_005_321, "Adomas", account.StaffAdmin)
	giveBack := func(id string) {
		t.Helper()
		s.must(s.DecideSuspense(s.ctx(), finance, id, app.SuspenseDecision{Kind: bank.DecideReturn, Reason: "nobody knows it"}))
	}
	first := s.stray(30_00)
	id, _ := s.arrives(first)
	giveBack(id)
	s.must(s.ConfirmReturn(s.ctx(), finance, id))
	if _, done := s.arrives(sentBack(first)); done.Outcome != "ignored" || done.Reason != string(bank.ReasonReturnSent) {
		t.Errorf("the return, as the bank shows it: %s", done)
	}
	again := sentBack(first)
	again.ServicerRef += "B"
	if _, done := s.arrives(again); done.Outcome != "suspense" || s.suspense() != -30_00 {
		t.Errorf("a second one: %s, %s in suspense", done, s.suspense().Decimal())
	}
	s.clean()

	// The sender's bank recalls it before anybody has sent it.
	recalled := s.stray(45_00)
	id, _ = s.arrives(recalled)
	giveBack(id)
	recall, _ := s.arrives(reversed(recalled))
	if s.offsets() != 0 {
		t.Error("a decision was passed by")
	}
	if err := s.ConfirmReturn(s.ctx(), finance, id); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "left") {
		t.Errorf("sent once more: %v", err)
	}
	s.must(s.RefuseSuspense(s.ctx(), admin, id, "its bank called it back"))
	s.must(s.DecideSuspense(s.ctx(), finance, recall, app.SuspenseDecision{Kind: bank.DecideTakeBack, Against: id, Reason: "recalled"}))
	if s.suspense() != -30_00 {
		t.Errorf("%s in suspense", s.suspense().Decimal())
	}
	s.clean()
}

// What is no customer's leaves the books by the word of two people, whatever its
// amount and direction; nothing waits for ever.
func TestEntriesThatAreNotOurs(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	finance := s.staff(7_900_000_005_330, "Faustas", account.StaffFinance)
	admin := s.staff(7_900_000_005_331, "Adomas", account.StaffAdmin)
	interest, _ := s.arrives(s.stray(12))
	charged, _ := s.arrives(reversed(s.stray(13_00)))
	if s.suspense() != 12-13_00 {
		t.Fatalf("%s in suspense", s.suspense().Decimal())
	}
	for _, id := range []string{interest, charged} {
		before := s.suspense()
		s.must(s.DecideSuspense(s.ctx(), finance, id, app.SuspenseDecision{Kind: bank.DecideNotOurs, Reason: "of the bank's own"}))
		if err := s.ApproveSuspense(s.ctx(), finance, id); !fault.Is(err, fault.Forbidden) || s.suspense() != before {
			t.Errorf("one person was enough: %v", err)
		}
		s.clean()
		s.must(s.ApproveSuspense(s.ctx(), admin, id))
		s.clean()
	}
	if s.suspense() != 0 {
		t.Errorf("%s in suspense", s.suspense().Decimal())
	}
	if n := s.count(`SELECT COALESCE(sum(balance_minor), 0) FROM ledger_account WHERE kind = 'bank'`); n != 0 {
		t.Errorf("%d at the bank of nobody's", n)
	}
	if items, err := s.StaffSuspense(s.ctx(), finance); err != nil || len(items) != 0 {
		t.Errorf("%v wait, %v", items, err)
	}
}
