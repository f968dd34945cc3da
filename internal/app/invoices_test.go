package app_test

import (
	"slices"
	"testing"

	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/bank/banktest"
	"github.com/siptg/portal/internal/invoice"
)

// A bank invoice stands on the list until the VAT invoice takes its place: an order
// is never without any document.
func TestBankInvoiceGivesWayToItsInvoice(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, _ := s.customer(7_900_000_009_000, "Ona")
	o := s.order(ona, softphone(2, false, 6))
	expect := func(when string, want ...app.InvoiceRow) {
		t.Helper()
		var got []app.InvoiceRow
		for _, r := range must(s.Invoices(s.ctx(), ona, app.InvoiceFilter{})).Items {
			got = append(got, app.InvoiceRow{Kind: r.Kind, OrderNumber: r.OrderNumber, Bank: r.Bank})
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %+v, want %+v", when, got, want)
		}
	}
	expect("ordered", app.InvoiceRow{Kind: invoice.KindBankInvoice, OrderNumber: o.Number, Bank: app.BankExpected})
	if done := s.importFile(s.camt(banktest.Version08, s.entry(o))); len(done) != 1 || done[0].Outcome != "matched" {
		t.Fatalf("%+v", done)
	}
	expect("paid", app.InvoiceRow{Kind: invoice.KindBankInvoice, OrderNumber: o.Number, Bank: app.BankMatched})
	s.must(s.IssueInvoice(s.ctx(), o.ID))
	expect("invoiced", app.InvoiceRow{Kind: invoice.KindInvoice, OrderNumber: o.Number})
	s.correct(ona, must(s.Invoices(s.ctx(), ona, app.InvoiceFilter{})).Items[0].Number, named("Ona Petrauskaitė"))
	if n := len(must(s.Invoices(s.ctx(), ona, app.InvoiceFilter{})).Items); n != 3 {
		t.Errorf("corrected: %d documents", n)
	}
}
