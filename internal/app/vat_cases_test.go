package app_test

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/bank/banktest"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/vat"
)

// answered has the register say what it has not said before.
func (s *site) answered(r *register, says string) {
	s.t.Helper()
	r.say(says)
	s.later(3 * time.Hour)
	s.must(discardInt(s.CheckVATNumbers(s.ctx())))
}

func (s *site) cases(staff account.Actor) []store.VATCase {
	s.t.Helper()
	seen, err := s.StaffVAT(s.ctx(), staff, "")
	s.must(err)
	return seen.Cases
}

// paidWith pays an order with more than it costs, which stays on the balance, and
// has its invoice issued.
func (s *site) paidWith(o app.OrderDetail, more money.Amount) app.OrderDetail {
	s.t.Helper()
	e := s.entry(o)
	e.Amount += more
	s.importFile(s.camt(banktest.Version08, e))
	s.must(s.IssueInvoice(s.ctx(), o.ID))
	return o
}

// An invoice that was taxed otherwise than the register says later is corrected to
// the buyer that is on it: VAT that was not due goes back, VAT that was due is
// taken, and what was sold without VAT as to a consumer gets reverse charge. The
// back office asks for it, another colleague decides, and the case is over.
func TestAnAnswerThatContradictsAnInvoice(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what, before, after string // what the register says
		small               bool   // the seller charges nobody VAT
		kind, row, next     string
		balance             money.Amount
	}{
		{"charged", "MS_UNAVAILABLE", "valid", false, "charged", "R7", "R4", 40_00 + 3_42},
		{"not charged", "valid", "invalid", false, "uncharged", "R4", "R7", 40_00 - 3_42},
		{"exempt", "MS_UNAVAILABLE", "valid", true, "exempt", "R8b", "R4", 40_00},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			s, r := withRegister(t, c.before)
			if c.small {
				small := seller(t)
				small.VAT = vat.Seller{Country: "LT", Scheme: vat.SchemeSVS}
				s.sellsWith(r, small)
			}
			max, payer := s.company(7_900_000_013_200)
			if c.before == "valid" { // for so long that the answer is not of the day
				s.wait(20)
				r.say("MS_UNAVAILABLE")
			}
			o := s.paidWith(s.order(max, softphone(1, false, 6)), 40_00)
			if row, pending := s.settled(o.Number); row != c.row || !pending {
				t.Fatalf("settled by %s, pending %t", row, pending)
			}
			old := s.document(max, s.newest(max))
			saul := s.colleague(7_900_000_013_201, "Saulė", account.StaffSupport)
			if cases := s.cases(saul); len(cases) != 1 || cases[0].Kind != "silent" {
				t.Errorf("before the answer: %+v", cases)
			}
			if _, err := s.AskVATCorrection(s.ctx(), saul, old.Number); !isFault(err, fault.Conflict, "error.correction.nothing") {
				t.Errorf("before the answer: %v", err)
			}
			s.answered(r, c.after)
			cases := s.cases(saul)
			if len(cases) != 1 || cases[0].Kind != c.kind || cases[0].InvoiceNumber != old.Number || cases[0].RequestID != "" || cases[0].PayerName != "Brenner GmbH" {
				t.Fatalf("%+v", cases)
			}
			if n := s.count(`SELECT count(*) FROM notice WHERE kind IN ('vat_number_valid', 'vat_number_invalid') AND facts ->> 'document' = $1`, old.Number); n != map[bool]int{false: 1}[c.small] {
				t.Errorf("the invoice is named in %d notices", n)
			}

			// Its own people see what it would do; others are told nothing.
			in := app.CorrectionInput{PayerInput: german()}
			preview, err := s.PreviewCorrection(s.ctx(), max, old.Number, in)
			if err != nil || preview.SameTax || preview.Pending || preview.VAT.Treatment != c.next {
				t.Errorf("the preview: %+v, %v", preview, err)
			}
			if _, err := s.AskVATCorrection(s.ctx(), max, old.Number); !fault.Is(err, fault.NotFound) {
				t.Errorf("by a customer: %v", err)
			}

			rasa := s.colleague(7_900_000_013_202, "Rasa", account.StaffFinance)
			id, err := s.AskVATCorrection(s.ctx(), rasa, old.Number)
			s.must(err)
			if again, err := s.AskVATCorrection(s.ctx(), saul, old.Number); err != nil || again != id {
				t.Errorf("asked again: %s, %v", again, err)
			}
			if cases := s.cases(saul); len(cases) != 1 || cases[0].RequestID != id {
				t.Errorf("%+v", cases)
			}
			if err := s.ApproveCorrection(s.ctx(), rasa, id); !fault.Is(err, fault.Forbidden) && !fault.Is(err, fault.Conflict) {
				t.Errorf("who asked decides: %v", err)
			}
			s.must(s.ApproveCorrection(s.ctx(), s.colleague(7_900_000_013_203, "Tomas", account.StaffAdmin), id))
			now := s.document(max, s.newest(max))
			if now.VAT[0].Treatment != c.next || now.Buyer != old.Buyer || now.Corrects == nil || now.Corrects.Number != old.Number {
				t.Errorf("%+v", now)
			}
			if got := s.balance(payer); got != c.balance {
				t.Errorf("the balance is %d, want %d", got, c.balance)
			}
			if cases := s.cases(saul); len(cases) != 0 {
				t.Errorf("the case stays: %+v", cases)
			}
			if _, err := s.AskVATCorrection(s.ctx(), rasa, now.Number); !isFault(err, fault.Conflict, "error.correction.nothing") {
				t.Errorf("of the new one: %v", err)
			}
			s.clean()
		})
	}
}

// sellsWith replaces the seller of a site that asks a register.
func (s *site) sellsWith(r *register, seller app.Seller) {
	s.t.Helper()
	var err error
	s.App, err = app.New(s.ctx(), app.Config{
		DB: s.db, Blobs: s.blobs, Queue: s.queue, Now: s.clock.Now, Seller: seller, BotToken: botToken, Demo: true, Log: slog.New(slog.DiscardHandler),
		Register: r,
	})
	s.must(err)
}

// A case is about the invoice that stands. One that was replaced by an invoice to
// somebody else before the answer came, or after, is none.
func TestACaseIsAboutTheInvoiceThatStands(t *testing.T) {
	t.Parallel()
	for _, early := range []bool{true, false} {
		s, r := withRegister(t, "MS_UNAVAILABLE")
		max, _ := s.company(7_900_000_013_210)
		s.paidWith(s.order(max, softphone(1, false, 6)), 0)
		old := s.document(max, s.newest(max))
		rasa := s.colleague(7_900_000_013_211, "Rasa", account.StaffFinance)
		if !early {
			s.answered(r, "valid")
		}
		other := german()
		other.Name, other.VATNumber, other.CompanyCode, other.Kind = "Max Brenner", "", "", "person"
		done := s.correct(max, old.Number, app.CorrectionInput{PayerInput: other})
		if done.Invoice == "" {
			t.Fatalf("%+v", done)
		}
		if early {
			s.answered(r, "valid")
		}
		if cases := s.cases(rasa); len(cases) != 0 {
			t.Errorf("replaced early %t: %+v", early, cases)
		}
		if n := s.count(`SELECT count(*) FROM notice WHERE facts ->> 'document' = $1 AND kind = 'vat_number_valid'`, old.Number); early && n != 0 {
			t.Error("told of an invoice that was replaced")
		}
		s.must(s.DrawPending(s.ctx()))
		s.clean()
	}

	// One that was replaced under the same number goes on as a case, by its own number.
	s, r := withRegister(t, "MS_UNAVAILABLE")
	max, _ := s.company(7_900_000_013_220)
	s.paidWith(s.order(max, softphone(1, false, 6)), 0)
	in := app.CorrectionInput{PayerInput: german()}
	in.Street = "Torstraße 141"
	done := s.correct(max, s.newest(max), in)
	s.answered(r, "valid")
	rasa := s.colleague(7_900_000_013_221, "Rasa", account.StaffFinance)
	if cases := s.cases(rasa); len(cases) != 1 || cases[0].InvoiceNumber != done.Invoice || cases[0].Kind != "charged" {
		t.Errorf("%+v", cases)
	}
}

// The reverse charge of a new invoice names what it stands on: the answer it was
// decided on, or that of the invoice it replaces, which its own people and the back
// office see.
func TestANewInvoiceKeepsItsProof(t *testing.T) {
	t.Parallel()
	s, r := withRegister(t, "valid")
	max, payer := s.company(7_900_000_013_230)
	s.paidWith(s.order(max, softphone(1, false, 6)), 0)
	first := s.newest(max)
	reference := func(number string, want ...string) {
		t.Helper()
		proofs, err := s.InvoiceProofs(s.ctx(), max, number)
		s.must(err)
		var got []string
		for _, p := range proofs {
			got = append(got, p.Reference)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s stands on %v, want %v", number, got, want)
		}
	}
	reference(first, "WAPI0001")

	// Another name, another street: nothing is decided anew, and its proof stays,
	// whatever the register says by now.
	r.say("invalid")
	s.wait(40)
	in := app.CorrectionInput{PayerInput: german(), SaveProfile: true}
	in.Name, in.Street = "Brenner und Söhne GmbH", "Torstraße 141"
	second := s.correct(max, first, in).Invoice
	reference(second, "WAPI0001")

	// Another number, which is confirmed: that is what the next one stands on.
	in.VATNumber, in.VATNumberConfirm, in.SaveProfile = "DE129273398", true, false
	s.must(s.ConfirmVATNumber(s.ctx(), in.VATNumber, true, "vies", "WAPIOTHER", audit.ByCommand("test")))
	third := s.correct(max, second, in)
	if third.Invoice == "" { // the same treatment
		t.Fatalf("%+v", third)
	}
	reference(third.Invoice, "WAPIOTHER")
	reference(first, "WAPI0001")
	rasa := s.colleague(7_900_000_013_231, "Rasa", account.StaffFinance)
	for number, want := range map[string]string{second: "WAPI0001", third.Invoice: "WAPIOTHER"} {
		seen, err := s.StaffVAT(s.ctx(), rasa, number)
		s.must(err)
		if !slices.ContainsFunc(seen.Proofs, func(p store.SeenProof) bool { return p.Reference == want }) {
			t.Errorf("staff sees of %s: %+v", number, seen.Proofs)
		}
	}
	if n := s.count(`SELECT count(*) FROM invoice_proof p JOIN invoice i ON i.id = p.invoice_id WHERE i.payer_id = $1`, string(payer)); n != 2 {
		t.Errorf("%d proofs", n)
	}
	s.must(s.DrawPending(s.ctx()))
	s.clean()

	// Without it the audit finds the invoice.
	s.behindTheBack("invoice_proof", `DELETE FROM invoice_proof WHERE invoice_id = (SELECT id FROM invoice WHERE number = '`+third.Invoice+`')`)
	lines, _, err := s.Audit(s.ctx())
	s.must(err)
	if !slices.ContainsFunc(lines, func(l app.AuditLine) bool { return l.ID == "I28" && l.Broken == 1 }) {
		t.Errorf("the audit: %v", lines)
	}
}
