package app_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/bank/banktest"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/store"
)

// receipts are those that a payer's balance names, newest first.
func (s *site) receipts(actor account.Actor, payer account.PayerID) []string {
	s.t.Helper()
	b, err := s.Balance(s.ctx(), actor, payer, 0)
	s.must(err)
	var numbers []string
	for _, m := range b.Last {
		if m.ReceiptNumber != "" {
			numbers = append(numbers, m.ReceiptNumber)
		}
	}
	return numbers
}

// Each top-up gets one receipt, however often they are issued; what pays an order
// gets an invoice and no receipt. What stands on it is frozen.
func TestReceiptOfATopUp(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, payer := s.customer(7_900_000_000_640, "Ona")
	petras, _ := s.customer(7_900_000_000_641, "Petras")
	s.pay(s.order(ona, softphone(1, false, 6)))
	reference := s.reference(ona, payer)
	s.importFile(s.camt(banktest.Version08, s.transfer(reference, 50_00)))
	for range 2 {
		s.must(s.IssueReceipts(s.ctx()))
	}
	numbers := s.receipts(ona, payer)
	if len(numbers) != 1 || numbers[0] != "R-2026-000001" {
		t.Fatalf("receipts %v", numbers)
	}
	var content []byte
	s.must(s.db.Pool().QueryRow(s.ctx(), `SELECT content FROM receipt`).Scan(&content))
	d, err := invoice.Unmarshal(content)
	s.must(err)
	if d.Kind != invoice.KindReceipt || d.Total != 50_00 || d.Currency != "EUR" || d.Buyer.Name != "Ona" || d.Seller.Name != "MB Pavyzdys" ||
		d.Payment.Method != "bank" || d.Payment.From != "Ona" || d.Payment.PaidOn != s.Today() || d.Reference != reference || len(d.VAT) != 0 {
		t.Errorf("%+v", d)
	}
	file, err := s.ReceiptFile(s.ctx(), ona, numbers[0])
	s.must(err)
	if !bytes.HasPrefix(file.Bytes, []byte("%PDF-")) || file.Name != "R-2026-000001.pdf" {
		t.Errorf("%s, %d bytes", file.Name, len(file.Bytes))
	}
	again, err := s.ReceiptFile(s.ctx(), ona, numbers[0])
	s.must(err)
	if again.SHA256 != file.SHA256 {
		t.Error("the file is not the same again")
	}
	if _, err := s.ReceiptFile(s.ctx(), petras, numbers[0]); !fault.Is(err, fault.NotFound) {
		t.Errorf("a stranger: %v", err)
	}
	if _, err := s.ReceiptFile(s.ctx(), ona, "R-2026-000002"); !fault.Is(err, fault.NotFound) {
		t.Errorf("none: %v", err)
	}
	if n := s.count(`SELECT count(*) FROM audit WHERE action = 'receipt.issued'`); n != 1 {
		t.Errorf("%d audit rows", n)
	}
	s.clean()
}

// A receipt whose file could not be drawn is drawn when what is missing is looked
// for, however long after: it has its number already, and the audit takes one
// without a file for tampered with.
func TestAReceiptIsDrawnLater(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, payer := s.customer(7_900_000_000_648, "Ona")
	s.importFile(s.camt(banktest.Version08, s.transfer(s.reference(ona, payer), 50_00)))
	_, err := s.db.Pool().Exec(s.ctx(), `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no space left'; END $$;
		CREATE TRIGGER full_disk BEFORE INSERT ON document_file EXECUTE FUNCTION full_disk()`)
	s.must(err)
	if err := s.IssueReceipts(s.ctx()); err == nil {
		t.Fatal("drawn on a full disk")
	}
	_, err = s.db.Pool().Exec(s.ctx(), `DROP TRIGGER full_disk ON document_file`)
	s.must(err)
	s.clock.Set(s.clock.Now().Add(400 * day))
	for range 2 {
		s.must(s.DrawPending(s.ctx()))
	}
	if n := s.count(`SELECT count(*) FROM document_file`); n != 1 || len(s.receipts(ona, payer)) != 1 {
		t.Errorf("%d files of receipts %v", n, s.receipts(ona, payer))
	}
	s.clean()
}

// A payer's card pays in: the receipt says so. What pays an order gets none.
func TestReceiptOfACard(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, payer, _ := s.toppedUp(7_900_000_000_642, 60_00)
	s.must(s.IssueReceipts(s.ctx()))
	numbers := s.receipts(ona, payer)
	if len(numbers) != 1 {
		t.Fatalf("receipts %v", numbers)
	}
	var content []byte
	s.must(s.db.Pool().QueryRow(s.ctx(), `SELECT content FROM receipt`).Scan(&content))
	d, err := invoice.Unmarshal(content)
	s.must(err)
	if d.Payment.Method != "card" || d.Payment.From != "" || d.Reference != "" || d.Total != 60_00 {
		t.Errorf("%+v", d)
	}
	s.clean()
}

// A top-up without a receipt for an hour is found.
func TestAuditMissesReceipts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, payer := s.customer(7_900_000_000_643, "Ona")
	s.importFile(s.camt(banktest.Version08, s.transfer(s.reference(ona, payer), 50_00)))
	s.clean() // within the hour
	s.later(61 * time.Minute)
	lines, clean, err := s.Audit(s.ctx())
	s.must(err)
	if clean || !broken(lines, "-") {
		t.Errorf("%v", lines)
	}
	s.must(s.RunDue(s.ctx()))
	s.clean()
}

// Receipts issued by many workers at once, with rollbacks after the number was
// taken: 1 to n, no gap, no duplicate (I12).
func TestReceiptNumbersUnderConcurrency(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	n := 60
	if testing.Short() {
		n = 12
	}
	var entries []bank.Entry
	for p := range 6 {
		actor, payer := s.customer(8_200_000_000_000+int64(p), fmt.Sprintf("Payer %d", p))
		reference := s.reference(actor, payer)
		for i := range n / 6 {
			e := s.transfer(reference, 10_00)
			e.EntryRef, e.ServicerRef = fmt.Sprintf("T-%d-%d", p, i), fmt.Sprintf("S-%d-%d", p, i)
			entries = append(entries, e)
		}
	}
	s.importFile(s.camt(banktest.Version08, entries...))
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for s.count(`SELECT count(*) FROM receipt`) < n {
				if rand.IntN(3) == 0 {
					err := s.db.Update(s.ctx(), func(tx *store.Tx) error {
						if _, err := tx.TakeNumber(s.ctx(), invoice.KindReceipt, s.Today(), "R"); err != nil {
							return err
						}
						return errInjected
					})
					if !errors.Is(err, errInjected) {
						t.Error(err)
					}
				}
				if err := s.IssueReceipts(context.WithoutCancel(s.ctx())); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	if got := s.count(`SELECT count(DISTINCT seq) FROM receipt WHERE seq BETWEEN 1 AND $1`, n); got != n {
		t.Errorf("%d numbers of 1..%d", got, n)
	}
	s.clean()
}
