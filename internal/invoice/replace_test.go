package invoice_test

import (
	"testing"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/money"
	"pgregory.net/rapid"
)

var brenner = invoice.Party{Name: "Brenner GmbH", VATNumber: "DE136695976", Country: "DE"}

// However much was credited before, and however often an invoice is replaced: of
// the same tax, credit note and new invoice have the same sum to the cent, and
// crediting the last one leaves nothing of the first one's VAT (I16).
func TestReplacementsKeepTheSum(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rate := money.BasisPoints(rapid.Int64Range(0, 3000).Draw(t, "rate"))
		of := issued(t, invoice.Terms{Lines: []invoice.Line{line(rapid.Int64Range(1, 36).Draw(t, "months"), money.Amount(rapid.Int64Range(1, 10_000).Draw(t, "price")))}, Treatment: standard(rate), Prepaid: true})
		first := of
		var base, tax, documents money.Amount // credited of the invoice that stands; VAT of all documents
		documents = of.VATTotal
		credit := func(net money.Amount) invoice.Document {
			vat, err := invoice.CreditVAT(rate, net, base, tax)
			if err != nil {
				t.Fatal(err)
			}
			n, err := invoice.NewCreditNote(of, invoice.Credit{IssueDate: of.IssueDate, Net: net, CreditedBase: base, CreditedAmount: tax, Reason: "x", Returned: invoice.Returned{Balance: net + vat}})
			if err != nil {
				t.Fatal(err)
			}
			documents -= n.VATTotal
			return n
		}
		for range rapid.IntRange(1, 5).Draw(t, "steps") {
			left := of.Net + of.VAT[0].CreditedBase - base
			if part := money.Amount(rapid.Int64Range(0, int64(left)-1).Draw(t, "credited")); part > 0 {
				n := credit(part)
				base, tax = base+part, tax+n.VATTotal
				left -= part
			}
			note := credit(left)
			v := of.VAT[0]
			r, err := invoice.NewReplacement(of, invoice.Replacement{IssueDate: of.IssueDate, Buyer: brenner, Net: left, CreditedBase: base, CreditedAmount: tax, VAT: v, Reason: "x"})
			if err != nil {
				t.Fatal(err)
			}
			if r.Total != note.Total || r.Net != left || r.Paid != r.Total {
				t.Fatalf("credited %d, invoiced %d", note.Total, r.Total)
			}
			documents += r.VATTotal
			r.Number, r.Corrects.CreditNote = of.Number+"'", "SIPC-1"
			of = r
		}
		if left := of.Net + of.VAT[0].CreditedBase - base; left > 0 {
			credit(left)
		}
		if documents != 0 {
			t.Fatalf("%d of VAT is left of %d", documents, first.VATTotal)
		}
	})
}

func TestReplacementTaxedOtherwise(t *testing.T) {
	t.Parallel()
	of := issued(t, invoice.Terms{Lines: []invoice.Line{line(12, 60_00)}, Discount: 1000, DiscountAmount: 72_00, Treatment: standard(2100), Prepaid: true})
	r, err := invoice.NewReplacement(of, invoice.Replacement{IssueDate: civil.MustParse("2026-12-01"), Buyer: brenner, Net: of.Net, VAT: invoice.LineOf(reverse, "en"), Reason: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if r.VATTotal != 0 || r.Total != 648_00 || r.VAT[0].Category != "AE" || r.VAT[0].Text == "" || r.TaxPoint != of.TaxPoint || r.Discount == nil || r.Lines[0] != of.Lines[0] {
		t.Errorf("%+v", r)
	}
	if of.Buyer.Name != "Ona" || of.Corrects != nil || of.VAT[0].Category != "S" {
		t.Errorf("the invoice itself has changed: %+v", of)
	}
}

func TestReplacementsThatAreNone(t *testing.T) {
	t.Parallel()
	of := issued(t, invoice.Terms{Lines: []invoice.Line{line(1, 100_00)}, Treatment: standard(2100), Prepaid: true})
	good := invoice.Replacement{IssueDate: of.IssueDate, Buyer: brenner, Net: of.Net, VAT: of.VAT[0], Reason: "x"}
	if _, err := invoice.NewReplacement(of, good); err != nil {
		t.Fatal(err)
	}
	note, two, unpaid := of, of, of
	note.Kind = invoice.KindCreditNote
	two.VAT = append([]invoice.VATLine(nil), of.VAT[0], of.VAT[0])
	unpaid.Paid, unpaid.Due = 0, unpaid.Total
	with := func(f func(*invoice.Replacement)) invoice.Replacement {
		r := good
		f(&r)
		return r
	}
	for name, tt := range map[string]struct {
		of invoice.Document
		r  invoice.Replacement
	}{
		"a credit note": {note, good}, "two rates": {two, good}, "not paid": {unpaid, good},
		"no reason":   {of, with(func(r *invoice.Replacement) { r.Reason = "" })},
		"another sum": {of, with(func(r *invoice.Replacement) { r.Net-- })},
		"nothing":     {of, with(func(r *invoice.Replacement) { r.Net, r.CreditedBase = 0, of.Net })},
	} {
		if _, err := invoice.NewReplacement(tt.of, tt.r); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
