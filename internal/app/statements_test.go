package app_test

import (
	"bytes"
	"log/slog"
	"slices"
	"testing"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/bank/banktest"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
)

// days writes a statement of some days with an opening balance.
func (s *site) days(from, to civil.Date, opening money.Amount, entries ...bank.Entry) []byte {
	s.t.Helper()
	for i := range entries {
		entries[i].Booked, entries[i].Valued = from, from
	}
	var b bytes.Buffer
	s.must(banktest.WriteCAMT053(&b, banktest.Version08, banktest.Closed(bank.Statement{
		ID: "S-" + from.String(), IBAN: sellerIBAN, Currency: "EUR", From: from, To: to, Opening: opening, Entries: entries,
	})))
	return b.Bytes()
}

// Anybody can write a statement: by whose file much money comes in, somebody else
// starts its import.
func TestUploadedStatementsNeedASecondPerson(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	first := s.staff(7_900_000_005_500, "Faustas", account.StaffFinance)
	second := s.staff(7_900_000_005_501, "Adomas", account.StaffAdmin)
	first.Staff, second.Staff = account.StaffFinance, account.StaffAdmin
	upload := func(amounts ...money.Amount) string {
		t.Helper()
		var entries []bank.Entry
		for _, amount := range amounts {
			e := s.stray(max(amount, -amount))
			e.Credit = amount > 0
			entries = append(entries, e)
		}
		id, err := s.UploadStatement(s.ctx(), first, "bank.xml", bytes.NewReader(s.days(s.Today(), s.Today(), 1000_00, entries...)))
		s.must(err)
		return id
	}
	for _, tt := range []struct {
		amounts []money.Amount
		two     bool
	}{{[]money.Amount{150_00}, false}, {[]money.Amount{150_01}, true}, {[]money.Amount{100_00, 51_00}, true}, {[]money.Amount{100_00, -60_00, 50_01}, true}, {[]money.Amount{-200_00}, false}} {
		id := upload(tt.amounts...)
		seen, err := s.StaffStatement(s.ctx(), first, id)
		s.must(err)
		if seen.NeedsTwo != tt.two || seen.MayBook == tt.two || (seen.WhyNot == app.NotDecidingSecond) != tt.two {
			t.Errorf("%d: %+v", tt.amounts, seen.StatementUpload)
		}
		err = s.BookStatement(s.ctx(), first, id)
		if tt.two != fault.Is(err, fault.Forbidden) || !tt.two && err != nil {
			t.Errorf("%d, by who uploaded it: %v", tt.amounts, err)
		}
		if !tt.two {
			continue
		}
		if seen, err = s.StaffStatement(s.ctx(), second, id); err != nil || !seen.MayBook || seen.WhyNot != "" {
			t.Errorf("%d, the second person: %+v, %v", tt.amounts, seen.WhyNot, err)
		}
		s.must(s.BookStatement(s.ctx(), second, id))
		s.must(s.BookStatement(s.ctx(), first, id)) // it is started: nothing changes
		s.must(s.ImportUploaded(s.ctx(), id))
	}
	if n := s.count(`SELECT count(*) FROM statement_upload WHERE needs_two AND done_at IS NOT NULL AND asked_by <> uploaded_by`); n != 3 {
		t.Errorf("%d were imported by two people", n)
	}
	s.clean()
}

// A statement that does not go on where the one before ended is pointed out, on
// its page and by the audit, whose books are right all the same.
func TestGapsBetweenStatements(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	finance := s.staff(7_900_000_005_510, "Faustas", account.StaffFinance)
	finance.Staff = account.StaffFinance
	day := s.Today().AddDays(-10)
	s.importFile(s.days(day, day, 1000_00, s.stray(10_00))) // ends with 1010
	doubtful := func() int64 {
		t.Helper()
		lines, clean, err := s.Audit(s.ctx())
		s.must(err)
		i := slices.IndexFunc(lines, func(l app.AuditLine) bool { return l.Title == "bank statements begin where the one before ended" })
		if i < 0 || !clean || lines[i].Broken != 0 {
			t.Fatalf("the audit: %v", lines)
		}
		return lines[i].Doubtful
	}
	upload := func(file []byte) app.UploadedStatement {
		t.Helper()
		id, err := s.UploadStatement(s.ctx(), finance, "bank.xml", bytes.NewReader(file))
		s.must(err)
		seen, err := s.StaffStatement(s.ctx(), finance, id)
		s.must(err)
		return seen
	}
	if seen := upload(s.days(day.AddDays(1), day.AddDays(1), 1010_00, s.stray(5_00))); len(seen.Gaps) != 0 || seen.Preview == nil {
		t.Errorf("what follows: %+v", seen.Gaps)
	}
	forged := s.days(day.AddDays(2), day.AddDays(2), 1110_00, s.stray(7_00))
	seen := upload(forged)
	if len(seen.Gaps) != 1 || seen.Gaps[0] != (app.StatementGap{
		IBAN: sellerIBAN, From: day.AddDays(2), Opening: money.Of(1110_00, "EUR"), Before: day, Closing: money.Of(1010_00, "EUR"),
	}) {
		t.Errorf("after a gap: %+v", seen.Gaps)
	}
	if doubtful() != 0 { // nothing of it is imported
		t.Error("the audit sees what was only uploaded")
	}
	s.must(s.BookStatement(s.ctx(), finance, seen.ID))
	s.must(s.ImportUploaded(s.ctx(), seen.ID))
	if n := doubtful(); n != 1 {
		t.Errorf("the audit points at %d", n)
	}
	if seen, _ = s.StaffStatement(s.ctx(), finance, seen.ID); len(seen.Gaps) != 1 || seen.Booked != 1 {
		t.Errorf("once imported: %+v", seen.Gaps)
	}
	// Of two of one day the one that does not fit counts: one of them is false.
	s.importFile(s.days(day.AddDays(2), day.AddDays(2), 1010_00, s.stray(1_00)))
	s.importFile(s.days(day.AddDays(3), day.AddDays(3), 1011_00, s.stray(2_00)))
	if n := doubtful(); n != 2 {
		t.Errorf("the audit points at %d", n)
	}
	s.clean()
}

// An import that the file stopped says why, and can be started again.
func TestAnImportThatStopped(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	finance := s.staff(7_900_000_005_520, "Faustas", account.StaffFinance)
	finance.Staff = account.StaffFinance
	id, err := s.UploadStatement(s.ctx(), finance, "bank.xml", bytes.NewReader(s.camt(banktest.Version08, s.stray(20_00))))
	s.must(err)
	s.must(s.BookStatement(s.ctx(), finance, id))
	right, sells := s.App, seller(t)
	sells.Accounts[0].IBAN = "LT601010012345678901"
	s.App, err = app.New(s.ctx(), app.Config{
		DB: s.db, Blobs: s.blobs, Queue: s.queue, Now: s.clock.Now, Seller: sells, BotToken: botToken, Demo: true, Log: slog.New(slog.DiscardHandler),
	})
	s.must(err)
	s.must(s.ImportUploaded(s.ctx(), id))
	seen, err := s.StaffStatement(s.ctx(), finance, id)
	s.must(err)
	if seen.Result.Failed != "error.bank.foreign_account" || !fault.Is(seen.Refused, fault.Invalid) || seen.MayBook || !seen.DoneAt.IsZero() {
		t.Errorf("stopped: %+v", seen)
	}
	s.must(s.ImportUploaded(s.ctx(), id)) // nobody asked for it
	s.App = right
	if seen, err = s.StaffStatement(s.ctx(), finance, id); err != nil || seen.Result.Failed == "" || !seen.MayBook {
		t.Errorf("to start again: %+v, %v", seen, err)
	}
	s.must(s.BookStatement(s.ctx(), finance, id))
	s.must(s.ImportUploaded(s.ctx(), id))
	if seen, err = s.StaffStatement(s.ctx(), finance, id); err != nil || seen.Result.Failed != "" || seen.Result.Suspense != 1 || seen.DoneAt.IsZero() || s.suspense() != 20_00 {
		t.Errorf("in the end: %+v, %v", seen, err)
	}
	s.clean()
}
