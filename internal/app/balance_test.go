package app_test

import (
	"testing"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/bank/banktest"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/ledger"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/store"
	"pgregory.net/rapid"
)

func (s *site) statement(actor account.Actor, from, to string) app.Statement {
	s.t.Helper()
	f := app.StatementFilter{}
	if from != "" {
		f.From, f.To = civil.MustParse(from), civil.MustParse(to)
	}
	st, err := s.Statement(s.ctx(), actor, f)
	s.must(err)
	return st
}

// An overpaid order leaves two lines: the money, and the order with its invoice.
func TestStatement(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, _ := s.customer(7_900_000_000_700, "Ona")
	if st := s.statement(ona, "", ""); len(st.Lines) != 0 || st.Closing != 0 || st.From.String() != "2026-01-01" || st.To.String() != "2026-12-31" {
		t.Errorf("before anything: %+v", st)
	}
	o := s.order(ona, softphone(1, false, 6))
	e := s.entry(o)
	e.Amount += 5_00
	s.importFile(s.camt(banktest.Version08, e))
	s.must(s.IssueInvoice(s.ctx(), o.ID))
	st := s.statement(ona, "", "")
	if len(st.Lines) != 2 || st.Opening != 0 || st.Closing != 5_00 || st.In != o.Total+5_00 || st.Out != o.Total || st.Omitted != 0 {
		t.Fatalf("%+v", st)
	}
	in, out := st.Lines[0], st.Lines[1]
	if in.Kind != ledger.EntryBankReceived || in.Amount != o.Total+5_00 || in.After != in.Amount || in.From != "Ona" || in.On != s.Today() {
		t.Errorf("in: %+v", in)
	}
	if out.Kind != ledger.EntryOrderPaid || out.Amount != -o.Total || out.After != 5_00 || out.OrderNumber != o.Number || out.InvoiceNumber != "SIP-2026-000001" {
		t.Errorf("out: %+v", out)
	}
	// Next year begins with what is left.
	if next := s.statement(ona, "2027-01-01", "2027-12-31"); next.Opening != 5_00 || next.Closing != 5_00 || len(next.Lines) != 0 {
		t.Errorf("next year: %+v", next)
	}
	if before := s.statement(ona, "2025-01-01", "2026-11-22"); before.Closing != 0 || len(before.Lines) != 0 {
		t.Errorf("before: %+v", before)
	}
	s.clean()
}

// The days of a statement are the seller's: 23:30 UTC on the 31st is the 1st in
// Vilnius.
func TestStatementDays(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, _ := s.customer(7_900_000_000_701, "Ona")
	s.clock.Set(time.Date(2026, 12, 31, 23, 30, 0, 0, time.UTC))
	s.pay(s.order(ona, softphone(1, false, 6)))
	if st := s.statement(ona, "2026-12-31", "2026-12-31"); len(st.Lines) != 0 {
		t.Errorf("on the 31st: %+v", st.Lines)
	}
	if st := s.statement(ona, "2027-01-01", "2027-01-01"); len(st.Lines) != 2 || st.Lines[0].On.String() != "2027-01-01" {
		t.Errorf("on the 1st: %+v", st.Lines)
	}
}

func TestStatementsOfOthers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, payer := s.customer(7_900_000_000_710, "Ona")
	stranger, _ := s.customer(7_900_000_000_711, "Jonas")
	clerk, helper := s.signIn(7_900_000_000_712, "Clerk"), s.signIn(7_900_000_000_713, "Helper")
	s.must(s.db.Update(s.ctx(), func(tx *store.Tx) error {
		if err := tx.InsertMember(s.ctx(), payer, clerk.AccountID, account.RoleAccountant); err != nil {
			return err
		}
		return tx.InsertMember(s.ctx(), payer, helper.AccountID, account.RoleBilling)
	}))
	for _, who := range []account.Actor{ona, clerk, helper} {
		if st, err := s.Statement(s.ctx(), who, app.StatementFilter{Payer: payer}); err != nil || st.Payer.ID != payer {
			t.Errorf("%s: %+v %v", who.Name, st.Payer, err)
		}
	}
	for _, id := range []account.PayerID{payer, "11111111-2222-3333-4444-555555555555", "x"} {
		if _, err := s.Statement(s.ctx(), stranger, app.StatementFilter{Payer: id}); !fault.Is(err, fault.NotFound) {
			t.Errorf("the stranger asks for %s: %v", id, err)
		}
	}
	_, err := s.Statement(s.ctx(), ona, app.StatementFilter{From: civil.MustParse("2026-12-01"), To: civil.MustParse("2026-11-01")})
	if !fault.Is(err, fault.Invalid) {
		t.Errorf("backwards: %v", err)
	}
}

// Whatever happened on whatever days, each period adds up, and one period goes
// on where the one before it ended.
func TestStatementsOfRandomHistories(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, payer := s.customer(7_900_000_000_720, "Ona")
	start := s.clock.Now()
	var balance money.Amount
	rapid.Check(t, func(r *rapid.T) {
		for range rapid.IntRange(0, 4).Draw(r, "movements") {
			s.clock.Set(s.clock.Now().Add(time.Duration(rapid.IntRange(1, 60*24*3).Draw(r, "minutes")) * time.Minute))
			amount := money.Amount(rapid.Int64Range(1, 300_00).Draw(r, "amount"))
			entry := ledger.BankReceived(payer, money.Of(amount, "EUR"), "", s.clock.Now())
			if amount < balance && rapid.Bool().Draw(r, "out") {
				amount = -amount
				entry = ledger.BankReceived(payer, money.Of(amount, "EUR"), "", s.clock.Now())
			}
			balance += amount
			s.must(s.db.Update(s.ctx(), func(tx *store.Tx) error { return tx.AppendEntry(s.ctx(), entry) }))
		}
		first := civil.DateOf(start, time.UTC).AddDays(-1)
		last := civil.DateOf(s.clock.Now(), time.UTC).AddDays(2)
		cut := first.AddDays(rapid.IntRange(0, last.Sub(first)).Draw(r, "cut"))
		read := func(from, to civil.Date) app.Statement {
			st, err := s.Statement(s.ctx(), ona, app.StatementFilter{Payer: payer, From: from, To: to})
			if err != nil {
				r.Fatal(err)
			}
			sum := st.Opening
			for _, l := range st.Lines {
				if sum += l.Amount; sum != l.After || l.On.Before(from) || l.On.After(to) {
					r.Fatalf("%s to %s: %+v, the sum is %d", from, to, l, sum)
				}
			}
			if st.Omitted == 0 && (sum != st.Closing || st.Opening+st.In-st.Out != st.Closing) {
				r.Fatalf("%s to %s: %+v", from, to, st.Totals)
			}
			return st
		}
		all, left, right := read(first, last), read(first, cut), read(cut.AddDays(1), last.AddDays(1))
		if all.Opening != 0 || all.Closing != balance || left.Closing != right.Opening || right.Closing != balance || left.Count+right.Count != all.Count {
			r.Fatalf("balance %d: all %+v, to %s %+v, after it %+v", balance, all.Totals, cut, left.Totals, right.Totals)
		}
	})
}
