package app_test

import (
	"testing"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/bank"
)

// What is missing from a price is the price less the parts that the import counts:
// not money that a person looks at, nor what somebody is about to send back.
func TestWhatIsMissingIsWhatTheImportAsksFor(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	finance := s.staff(7_900_000_005_700, "Faustas", account.StaffFinance)
	ona, _ := s.customer(7_900_000_005_701, "Ona")
	o := s.order(ona, softphone(10, true, 12)) // more than one person decides about
	bundle := s.entry(o)
	bundle.Amount = 300_00
	id, _ := s.arrives(bundle)
	if n := s.count(`SELECT count(*) FROM bank_entry WHERE id = $1 AND reason = 'underpaid'`, id); n != 1 || o.Total < 400_00 {
		t.Fatalf("no part of %s", o.Total.Decimal())
	}
	if m := s.see(ona, o.Number).Money; m.Missing != o.Total-300_00 || m.Part != 300_00 {
		t.Errorf("a part: %+v", m)
	}
	s.must(s.DecideSuspense(s.ctx(), finance, id, app.SuspenseDecision{Kind: bank.DecideReturn, Reason: "x"}))
	seen := s.see(ona, o.Number)
	if m := seen.Money; m.Missing != 0 || m.Part != 0 || m.Received != 300_00 || m.State != app.BankReceived {
		t.Errorf("a part that somebody wants to send back: %+v", m)
	}
	for range 12 { // the reminder, three days before the last one
		s.wait(1)
		s.must(s.CloseOverdue(s.ctx()))
	}
	if n := s.count(`SELECT count(*) FROM notice WHERE kind = 'bank_invoice_expires' AND (facts->>'amount')::bigint = $1`, int64(o.Total)); n != 1 {
		t.Error("the reminder asks for less than the import does")
	}
	rest := s.entry(o)
	rest.Amount = o.Total - 300_00
	if _, done := s.arrives(rest); done.Outcome != "suspense" {
		t.Errorf("what seemed to be missing: %s", done)
	}
	if m := s.see(ona, o.Number).Money; m.Part != rest.Amount || m.Missing != 300_00 {
		t.Errorf("in the end: %+v", m)
	}

	// Money in another currency is no part, and is not added to one.
	jonas, _ := s.customer(7_900_000_005_702, "Jonas")
	other := s.order(jonas, softphone(10, true, 12))
	part := s.entry(other)
	part.Amount = 10_00
	id, _ = s.arrives(part)
	s.exec(`ALTER TABLE bank_entry DISABLE TRIGGER USER`)
	s.exec(`UPDATE bank_entry SET currency = 'USD', reason = 'wrong_currency' WHERE id = '` + id + `'`)
	if m := s.see(jonas, other.Number).Money; m.State != app.BankReceived || m.Received != 0 || m.Missing != 0 {
		t.Errorf("another currency: %+v", m)
	}
}
