package app_test

import (
	"encoding/csv"
	"encoding/xml"
	"strings"
	"testing"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/pricing"
)

// register is what a reader of i.SAF takes from it.
type salesRegister struct {
	Invoices []struct {
		Number string `xml:"InvoiceNo"`
		Type   string `xml:"InvoiceType"`
		Totals []struct {
			Base string `xml:"TaxableValue"`
			Code string `xml:"TaxCode"`
			VAT  string `xml:"Amount"`
		} `xml:"DocumentTotals>DocumentTotal"`
	} `xml:"SourceDocuments>SalesInvoices>Invoice"`
}

// The reports of all months and quarters add up to the books: nothing is left out,
// nothing comes twice. Lithuanian VAT is in i.SAF, that of others in the One Stop
// Shop, a credit note of a later quarter and the invoice it comes with among the
// corrections: they change no return that is filed.
func TestReportsEqualTheBooks(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	finance := s.staff(7_900_000_005_000, "Faustas", account.StaffFinance)
	gateway := pricing.Selection{Plan: pricing.Gateway, Options: pricing.Options{Lines: 1}, Period: 6}
	german := func(in app.PayerInput) app.PayerInput {
		in.Country, in.Postcode, in.City = "DE", "10115", "Berlin"
		return in
	}
	ona, _ := s.customer(7_900_000_005_001, "Ona")
	s.pay(s.order(ona, softphone(2, true, 12)))
	hans := s.signIn(7_900_000_005_002, "Hans")
	s.bill(hans, german(lithuanian("Hans")))
	s.pay(s.order(hans, softphone(1, false, 6)))
	s.pay(s.order(hans, gateway))
	firm := s.signIn(7_900_000_005_003, "Greta")
	in := german(lithuanian("Greta GmbH"))
	in.Kind, in.CompanyCode, in.VATNumber = "company", "HRB 1", "DE136695976"
	s.must(s.ConfirmVATNumber(s.ctx(), in.VATNumber, true, "vies", "", audit.ByCommand("test")))
	s.bill(firm, in)
	s.pay(s.order(firm, gateway))
	withdraw := func(who account.Actor, plan pricing.Plan) {
		t.Helper()
		list := must(s.Subscriptions(s.ctx(), who))
		for _, sub := range list.Items {
			if sub.Selection.Plan == plan {
				offer := must(s.WithdrawalOffer(s.ctx(), who, sub.ID))
				s.must(discard(s.Withdraw(s.ctx(), who, sub.ID, offer.Token)))
				return
			}
		}
		t.Fatal("nothing to withdraw from")
	}
	withdraw(ona, pricing.Softphone)
	withdraw(hans, pricing.Gateway)
	s.clock.Set(time.Date(2026, 12, 29, 9, 0, 0, 0, time.UTC))
	petras, _ := s.customer(7_900_000_005_004, "Petras")
	s.pay(s.order(petras, gateway))
	anna := s.signIn(7_900_000_005_005, "Anna")
	s.bill(anna, german(lithuanian("Anna")))
	s.pay(s.order(anna, gateway))
	bert := s.signIn(7_900_000_005_006, "Bert")
	s.bill(bert, german(lithuanian("Bert")))
	s.pay(s.order(bert, softphone(1, false, 6)))
	list := must(s.Invoices(s.ctx(), bert, app.InvoiceFilter{Type: invoice.KindInvoice}))
	renamed := func(name string) app.CorrectionInput {
		return app.CorrectionInput{PayerInput: german(lithuanian(name))}
	}
	first := s.correct(bert, list.Items[0].Number, renamed("Bertram")) // in the quarter of the sale
	s.clock.Set(time.Date(2027, 1, 4, 9, 0, 0, 0, time.UTC))
	filed := must(s.Report(s.ctx(), finance, app.ReportOSS, "2026Q4"))
	s.correct(bert, first.Invoice, renamed("Bertold")) // of what the quarter before reports
	if file := must(s.Report(s.ctx(), finance, app.ReportOSSCorrections, "2027Q1")); strings.Count(string(file.Bytes), "\n") != 1 {
		t.Errorf("a correction that changes no VAT: %s", file.Bytes)
	}
	withdraw(anna, pricing.Gateway)
	s.must(s.DrawPending(s.ctx()))
	s.clean()
	if now := must(s.Report(s.ctx(), finance, app.ReportOSS, "2026Q4")); now.SHA256 != filed.SHA256 {
		t.Errorf("the return that was filed has changed:\n%s\n%s", filed.Bytes, now.Bytes)
	}

	var base, vat, lithuanianVAT, foreign, corrected money.Amount
	documents := 0
	for _, month := range []string{"2026-10", "2026-11", "2026-12", "2027-01"} {
		file := must(s.Report(s.ctx(), finance, app.ReportISAF, month))
		var r salesRegister
		s.must(xml.Unmarshal(file.Bytes, &r))
		for _, i := range r.Invoices {
			documents++
			for _, x := range i.Totals {
				base += must(money.ParseDecimal(x.Base))
				lithuanianVAT += must(money.ParseDecimal(x.VAT))
			}
		}
	}
	read := func(kind app.ReportKind, period, column string) (sum money.Amount) {
		t.Helper()
		rows := must(csv.NewReader(strings.NewReader(string(must(s.Report(s.ctx(), finance, kind, period)).Bytes))).ReadAll())
		for _, r := range rows[1:] {
			for i, name := range rows[0] {
				if name == column {
					sum += must(money.ParseDecimal(r[i]))
				}
			}
		}
		return sum
	}
	for _, quarter := range []string{"2026Q3", "2026Q4", "2027Q1"} {
		foreign += read(app.ReportOSS, quarter, "vat_eur")
		corrected += read(app.ReportOSSCorrections, quarter, "vat_diff_eur")
	}
	vat = lithuanianVAT + foreign + corrected
	if want := s.count(`SELECT count(*) FROM invoice`); documents != want || want != 14 {
		t.Errorf("%d documents are reported of %d", documents, want)
	}
	if want := money.Amount(-s.count(`SELECT sum(p.amount_minor) FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id WHERE a.kind = 'vat'`)); vat != want {
		t.Errorf("VAT reported is %s, in the books %s", vat.Decimal(), want.Decimal())
	}
	if want := money.Amount(-s.count(`SELECT sum(p.amount_minor) FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id WHERE a.kind = 'revenue'`)); base != want {
		t.Errorf("sales reported are %s, in the books %s", base.Decimal(), want.Decimal())
	}
	if foreign <= 0 || corrected >= 0 || lithuanianVAT <= 0 {
		t.Errorf("Lithuania %d, others %d, corrections %d", lithuanianVAT, foreign, corrected)
	}
	if n := s.count(`SELECT count(*) FROM audit WHERE action = 'staff.viewed' AND object_kind = 'report'`); n != 13 {
		t.Errorf("%d reports are in the audit log", n)
	}
}

// What is not over is not offered: the first of the list is chosen by itself.
func TestReportPeriodsAreOver(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	finance := s.staff(7_900_000_005_020, "Faustas", account.StaffFinance)
	for now, want := range map[string][2]string{
		"2026-12-31T21:59:59Z": {"2026-11-01", "2026Q3"}, "2026-12-31T22:00:00Z": {"2026-12-01", "2026Q4"}, "2027-05-31T12:00:00Z": {"2027-04-01", "2027Q1"},
	} {
		s.clock.Set(must(time.Parse(time.RFC3339, now)))
		p := must(s.Reports(s.ctx(), finance))
		if got := [2]string{p.Months[0].String(), p.Quarters[0].String()}; got != want {
			t.Errorf("at %s: %v, want %v", now, got, want)
		}
		if len(p.Months) != 12 || len(p.Quarters) != 8 || !p.Months[11].Before(p.Months[10]) || !p.Quarters[7].From().Before(p.Quarters[6].From()) {
			t.Errorf("at %s: %v", now, p)
		}
	}
}

func TestReportsAreForFinance(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	support, finance := s.staff(7_900_000_005_010, "Saulė", account.StaffSupport), s.staff(7_900_000_005_011, "Faustas", account.StaffFinance)
	ona, _ := s.customer(7_900_000_005_012, "Ona")
	for who, want := range map[*account.Actor]fault.Kind{&support: fault.Forbidden, &ona: fault.NotFound, {}: fault.NotFound} {
		for _, kind := range []app.ReportKind{app.ReportISAF, app.ReportOSS, app.ReportOSSCorrections} {
			period := "2026Q4"
			if kind == app.ReportISAF {
				period = "2026-11"
			}
			if _, err := s.Report(s.ctx(), *who, kind, period); !fault.Is(err, want) {
				t.Errorf("%s for %q: %v", kind, who.Staff, err)
			}
		}
		if _, err := s.Reports(s.ctx(), *who); !fault.Is(err, want) {
			t.Errorf("the page for %q: %v", who.Staff, err)
		}
	}
	for kind, periods := range map[app.ReportKind][]string{app.ReportISAF: {"", "2026", "2026-13", "1999-01", "2026Q4"}, app.ReportOSS: {"", "2026-11", "2026Q5"}} {
		for _, period := range periods {
			if _, err := s.Report(s.ctx(), finance, kind, period); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s of %q: %v", kind, period, err)
			}
		}
	}
}
