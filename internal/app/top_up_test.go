package app_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/bank/banktest"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/ledger"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/store"
)

// reference gives the payer a reference for topping up, and returns it.
func (s *site) reference(actor account.Actor, payer account.PayerID) string {
	s.t.Helper()
	s.must(s.PrepareTopUp(s.ctx(), actor, payer))
	b, err := s.Balance(s.ctx(), actor, payer, 50_00)
	s.must(err)
	return string(b.TopUp.Reference)
}

// transfer is a credit of an amount with a structured reference.
func (s *site) transfer(reference string, amount money.Amount) bank.Entry {
	e := s.entry(app.OrderDetail{})
	e.Amount, e.Currency, e.Payer, e.References = amount, "EUR", "Ona", []string{reference}
	return e
}

// The money of a transfer with the payer's reference is on its balance, once,
// and a renewal can be paid from it; there is no invoice for it.
func TestTopUpByTransfer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, payer := s.customer(7_900_000_000_800, "Ona")
	b, err := s.Balance(s.ctx(), ona, "", 0)
	s.must(err)
	if b.TopUp != nil || !b.MayTopUp || b.Amount != 0 || b.Payer.ID != payer {
		t.Errorf("before: %+v", b)
	}
	reference := s.reference(ona, payer)
	if again := s.reference(ona, payer); again != reference {
		t.Errorf("the reference was %s, now %s", reference, again)
	}
	file := s.camt(banktest.Version08, s.transfer(reference, 50_00))
	for i, known := range []bool{false, true, true} {
		done := s.importFile(file)
		if len(done) != 1 || done[0].Outcome != "matched" || done[0].Balance != "Ona" || done[0].OrderID != "" || done[0].Known != known {
			t.Fatalf("import %d: %+v", i, done)
		}
		if line := done[0].String(); !strings.Contains(line, "+50.00 EUR matched balance of Ona") {
			t.Errorf("line %q", line)
		}
	}
	b, err = s.Balance(s.ctx(), ona, payer, 50_00)
	s.must(err)
	if b.Amount != 50_00 || len(b.Last) != 1 || b.Last[0].Kind != ledger.EntryBankReceived || !b.Payer.CurrencyFixed {
		t.Errorf("after: %+v", b)
	}
	if b.TopUp.Account.IBAN != sellerIBAN || !strings.Contains(b.TopUp.EPC, "\nEUR50.00\n\n"+reference) || b.TopUp.QR() == nil {
		t.Errorf("details: %+v", b.TopUp)
	}
	if st := s.statement(ona, "", ""); st.Closing != 50_00 || len(st.Lines) != 1 {
		t.Errorf("statement: %+v", st)
	}
	if n := s.count(`SELECT count(*) FROM invoice`); n != 0 {
		t.Errorf("%d invoices", n)
	}
	s.clean()
}

// A reference of an order goes first; a payer's reference goes before the guess
// by the account; several payers, and a currency that is not the payer's, wait
// for a person.
func TestTopUpAmongOrders(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, payer := s.customer(7_900_000_000_810, "Ona")
	jonas, other := s.customer(7_900_000_000_811, "Jonas")
	mine, his := s.reference(ona, payer), s.reference(jonas, other)
	if mine == his {
		t.Fatal("two payers have one reference")
	}
	s.pay(s.order(ona, softphone(1, false, 6))) // the account is known from here
	o := s.order(ona, softphone(1, false, 6))
	one := func(e bank.Entry) app.ImportedEntry { return s.importFile(s.camt(banktest.Version08, e))[0] }

	if done := one(s.transfer(mine, o.Total)); done.Balance != "Ona" {
		t.Errorf("the amount of the open order, with the payer's reference: %+v", done)
	}
	both := s.transfer(mine, o.Total)
	both.References = append(both.References, o.Reference)
	if done := one(both); done.OrderNumber != o.Number || done.Balance != "" {
		t.Errorf("both references: %+v", done)
	}
	two := s.transfer(mine, 7_00)
	two.References = append(two.References, his)
	if done := one(two); done.Outcome != "suspense" || done.Reason != "several_orders" {
		t.Errorf("two payers: %+v", done)
	}
	text := s.transfer("", 7_00)
	text.References, text.Text = nil, mine
	if done := one(text); done.Outcome != "suspense" || done.Reason != "unmatched" {
		t.Errorf("in free text: %+v", done)
	}
	unknown, err := bank.TopUpReference(999_999)
	s.must(err)
	if done := one(s.transfer(string(unknown), 7_00)); done.Outcome != "suspense" {
		t.Errorf("nobody's reference: %+v", done)
	}
	back := s.transfer(mine, 7_00)
	back.Reversal = true
	if done := one(back); done.Outcome != "suspense" || done.Reason != "reversal" {
		t.Errorf("taken back: %+v", done)
	}
	b, err := s.Balance(s.ctx(), ona, payer, 0)
	s.must(err)
	if b.Amount != o.Total {
		t.Errorf("Ona has %s, want %s", b.Amount.Decimal(), o.Total.Decimal())
	}
	s.clean()
}

func TestWhoMayTopUp(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, payer := s.customer(7_900_000_000_820, "Ona")
	stranger, _ := s.customer(7_900_000_000_821, "Jonas")
	clerk := s.signIn(7_900_000_000_822, "Clerk")
	s.must(s.db.Update(s.ctx(), func(tx *store.Tx) error {
		return tx.InsertMember(s.ctx(), payer, clerk.AccountID, account.RoleAccountant)
	}))
	for _, id := range []account.PayerID{payer, "11111111-2222-3333-4444-555555555555", "x", ""} {
		if err := s.PrepareTopUp(s.ctx(), stranger, id); !fault.Is(err, fault.NotFound) {
			t.Errorf("the stranger, %q: %v", id, err)
		}
		if _, err := s.Balance(s.ctx(), stranger, id, 0); id != "" && !fault.Is(err, fault.NotFound) {
			t.Errorf("the stranger reads %q: %v", id, err)
		}
	}
	if err := s.PrepareTopUp(s.ctx(), clerk, payer); !fault.Is(err, fault.Forbidden) {
		t.Errorf("the accountant: %v", err)
	}
	if n := s.count(`SELECT count(*) FROM payer_reference`); n != 0 {
		t.Errorf("%d references", n)
	}
	s.reference(ona, payer)
	if b, err := s.Balance(s.ctx(), clerk, payer, 50_00); err != nil || b.TopUp != nil || b.MayTopUp {
		t.Errorf("the accountant reads %+v, %v", b, err)
	}
}

// Many requests at once give a payer one reference.
func TestOneReferenceUnderConcurrency(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, payer := s.customer(7_900_000_000_830, "Ona")
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if err := s.PrepareTopUp(s.ctx(), ona, payer); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := s.count(`SELECT count(*) FROM payer_reference`); n != 1 {
		t.Errorf("%d references", n)
	}
	if n := s.count(`SELECT count(*) FROM audit WHERE action = 'payer.reference'`); n != 1 {
		t.Errorf("%d audit rows", n)
	}
}

func TestParseTopUp(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]money.Amount{
		"1": 1_00, "50": 50_00, "50,00": 50_00, "50.5": 50_50, "10000": 10_000_00, "10000,00": 10_000_00, "0001.00": 1_00,
	} {
		if got, err := app.ParseTopUp(" " + typed + "\t"); err != nil || got != want {
			t.Errorf("%q: %d, %v", typed, got, err)
		}
	}
	for _, typed := range []string{"", "0", "0.99", "-5", "10000.01", "1,000", "1.000,00", "1 000", "50.", ".5", "5e3", "٥", "50 EUR", "1.005", strings.Repeat("9", 60)} {
		if got, err := app.ParseTopUp(typed); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %d, %v", typed, got, err)
		}
	}
}

// Money that was turned to another payer's balance is found.
func TestTheAuditFindsATurnedTopUp(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, payer := s.customer(7_900_000_000_840, "Ona")
	_, other := s.customer(7_900_000_000_841, "Jonas")
	s.importFile(s.camt(banktest.Version08, s.transfer(s.reference(ona, payer), 50_00)))
	s.clean()
	_, err := s.db.Pool().Exec(s.ctx(), `UPDATE bank_entry SET payer_id = $1`, string(other))
	s.must(err)
	lines, clean, err := s.Audit(s.ctx())
	s.must(err)
	if clean || !broken(lines, "I26") {
		t.Errorf("not found: %v", lines)
	}
}
