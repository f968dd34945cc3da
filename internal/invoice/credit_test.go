package invoice_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/vat"
	"pgregory.net/rapid"
)

func issued(t fatal, terms invoice.Terms) invoice.Document {
	d, err := invoice.New(invoice.Document{
		Kind: invoice.KindInvoice, Number: "SIP-2026-000001", Currency: "EUR", IssueDate: civil.MustParse("2026-11-22"), TaxPoint: civil.MustParse("2026-11-21"),
		Buyer: invoice.Party{Name: "Ona"}, Customer: "Jonas",
	}, terms)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

type fatal interface{ Fatal(...any) }

// A credit of the whole is the invoice again; the rest is as on the invoice.
func TestCreditOfTheWhole(t *testing.T) {
	t.Parallel()
	of := issued(t, invoice.Terms{Lines: []invoice.Line{line(12, 60_00), line(12, 150_00)}, Discount: 1000, DiscountAmount: 252_00, Treatment: standard(2100), Prepaid: true})
	got, err := invoice.NewCreditNote(of, invoice.Credit{IssueDate: civil.MustParse("2026-12-01"), Net: of.Net, Reason: "withdrawn", Returned: invoice.Returned{Method: of.Total}})
	if err != nil {
		t.Fatal(err)
	}
	want := of
	want.Kind, want.Number, want.IssueDate = invoice.KindCreditNote, "", civil.MustParse("2026-12-01")
	want.Corrects = &invoice.Correction{Number: of.Number, IssueDate: of.IssueDate, Reason: "withdrawn"}
	want.Payment, want.Returned = invoice.Payment{Method: "card"}, &invoice.Returned{Method: of.Total}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCreditsThatAreNone(t *testing.T) {
	t.Parallel()
	of := issued(t, invoice.Terms{Lines: []invoice.Line{line(1, 100_50)}, Treatment: standard(2500)})
	if of.VATTotal != 25_13 {
		t.Fatalf("VAT %d", of.VATTotal)
	}
	two := of
	two.VAT = append([]invoice.VATLine(nil), of.VAT[0], of.VAT[0])
	note := of
	note.Kind = invoice.KindCreditNote
	for name, tt := range map[string]struct {
		of invoice.Document
		c  invoice.Credit
	}{
		"nothing":                 {of, invoice.Credit{Reason: "x"}},
		"below nothing":           {of, invoice.Credit{Net: -1, Reason: "x"}},
		"too much":                {of, invoice.Credit{Net: of.Net + 1, Reason: "x"}},
		"more than is left":       {of, invoice.Credit{Net: 1, CreditedBase: of.Net, CreditedAmount: of.VATTotal, Reason: "x"}},
		"without a reason":        {of, invoice.Credit{Net: 1}},
		"two rates":               {two, invoice.Credit{Net: 1, Reason: "x"}},
		"a credit note":           {note, invoice.Credit{Net: 1, Reason: "x"}},
		"money that goes nowhere": {of, invoice.Credit{Net: 100, Reason: "x"}},
	} {
		if d, err := invoice.NewCreditNote(tt.of, tt.c); err == nil {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

// However an invoice is credited in parts, its VAT is credited to the cent, never
// more on the way, and each document adds up and reads back as it was frozen.
func TestCreditsInPartsAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		treatment := standard(money.BasisPoints(rapid.SampledFrom([]int64{1700, 1900, 2100, 2550, 2700}).Draw(t, "rate")))
		if rapid.Bool().Draw(t, "exempt") {
			treatment = vat.Treatment{Category: vat.CategoryReverse, HasRate: true, ReasonEN: "Reverse charge"}
		}
		of := issued(t, invoice.Terms{Lines: []invoice.Line{line(6, money.Amount(rapid.Int64Range(1, 500_00).Draw(t, "price")))}, Treatment: treatment})
		var base, tax money.Amount
		for base < of.Net {
			net := min(of.Net-base, money.Amount(rapid.Int64Range(1, int64(of.Net)).Draw(t, "net")))
			amount, err := invoice.CreditVAT(of.VAT[0].Rate, net, base, tax)
			if err != nil {
				t.Fatal(err)
			}
			d, err := invoice.NewCreditNote(of, invoice.Credit{
				Net: net, CreditedBase: base, CreditedAmount: tax, Description: "x", Reason: "x", Returned: invoice.Returned{Balance: net + amount},
			})
			if err != nil {
				t.Fatal(err)
			}
			if d.VATTotal != amount || d.VATTotal < 0 || d.Buyer != of.Buyer || d.Customer != of.Customer || d.TaxPoint != of.TaxPoint {
				t.Fatalf("%+v", d)
			}
			content, err := d.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			if back, err := invoice.Unmarshal(content); err != nil || cmp.Diff(d, back) != "" {
				t.Fatalf("%v\n%s", err, cmp.Diff(d, back))
			}
			base, tax = base+net, tax+amount
			if tax > of.VATTotal {
				t.Fatalf("%d of %d is credited", tax, of.VATTotal)
			}
		}
		if tax != of.VATTotal {
			t.Fatalf("%d of %d is credited in the end", tax, of.VATTotal)
		}
	})
}
