package invoice_test

import (
	"strings"
	"testing"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/money"
	"pgregory.net/rapid"
)

func rate(day string, millionths int64) invoice.Rate {
	return invoice.Rate{Currency: "USD", Millionths: millionths, Day: civil.MustParse(day), Source: "ECB"}
}

// VAT chargeable on a day without a rate takes the one before (Directive
// 2006/112/EC art. 91(2)): a Saturday has Friday's.
func TestRateOn(t *testing.T) {
	t.Parallel()
	published := []invoice.Rate{
		rate("2026-12-04", 1_160_000), rate("2026-12-01", 1_158_000), rate("2026-12-07", 1_170_000),
		{Currency: "GBP", Millionths: 876_550, Day: civil.MustParse("2026-12-05"), Source: "ECB"},
	}
	for day, want := range map[string]int64{
		"2026-12-01": 1_158_000, "2026-12-03": 1_158_000, "2026-12-04": 1_160_000, "2026-12-05": 1_160_000, "2026-12-06": 1_160_000, "2026-12-07": 1_170_000, "2026-12-14": 1_170_000,
	} {
		got, err := invoice.RateOn(published, "USD", civil.MustParse(day))
		if err != nil || got.Millionths != want {
			t.Errorf("%s: %+v, %v", day, got, err)
		}
	}
	for _, day := range []string{"2026-11-30", "2026-12-15"} { // before the first, and of a list that is stale
		if got, err := invoice.RateOn(published, "USD", civil.MustParse(day)); err == nil {
			t.Errorf("%s: %+v", day, got)
		}
	}
}

// dollars is an invoice in USD at a rate; nil for none.
func dollars(of *invoice.Rate, rateOfVAT money.BasisPoints, price money.Amount) (invoice.Document, error) {
	return invoice.New(invoice.Document{
		Kind: invoice.KindInvoice, Number: "SIP-2026-000042", Currency: "USD", IssueDate: civil.MustParse("2026-12-03"), TaxPoint: civil.MustParse("2026-12-02"),
	}, invoice.Terms{Lines: []invoice.Line{line(1, price)}, Treatment: standard(rateOfVAT), Prepaid: true, Rate: of})
}

func TestExchange(t *testing.T) {
	t.Parallel()
	of := rate("2026-12-01", 1_158_000)
	d, err := dollars(&of, 2100, 1260_00)
	if err != nil {
		t.Fatal(err)
	}
	// The vector of vat.md 4.5.
	if x := d.Exchange; d.VATTotal != 264_60 || x.VAT != 228_50 || x.Decimal() != "1.1580" || x.Source != "ECB" || x.Day.String() != "2026-12-01" {
		t.Fatalf("%+v", x)
	}
	for millionths, want := range map[int64]string{1_158_000: "1.1580", 1_158_050: "1.15805", 171_230_000: "171.2300", 1_000_001: "1.000001", 876_550: "0.87655"} {
		if got := (invoice.Exchange{Millionths: millionths}).Decimal(); got != want {
			t.Errorf("%d: %s", millionths, got)
		}
	}
	content, err := d.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if back, err := invoice.Unmarshal(content); err != nil || back.Exchange == nil || *back.Exchange != *d.Exchange {
		t.Errorf("%v, %+v", err, back.Exchange)
	}
	if _, err := dollars(nil, 2100, 1260_00); err == nil || !strings.Contains(err.Error(), "not stated in EUR") {
		t.Errorf("VAT in dollars alone: %v", err)
	}
	for name, bad := range map[string]invoice.Rate{
		"of another currency": {Currency: "GBP", Millionths: 1, Day: of.Day, Source: "ECB"}, "of nought": {Currency: "USD", Day: of.Day, Source: "ECB"},
		"of a later day": rate("2026-12-03", 1_158_000), "that is stale": rate("2026-11-24", 1_158_000), "by nobody": {Currency: "USD", Millionths: 1_158_000, Day: of.Day},
	} {
		if d, err := dollars(&bad, 2100, 1260_00); err == nil {
			t.Errorf("a rate %s: %+v", name, d.Exchange)
		}
	}
	euros := issued(t, invoice.Terms{Lines: []invoice.Line{line(1, 100_00)}, Treatment: standard(2100)})
	content, err = euros.Marshal()
	if err != nil || strings.Contains(string(content), "exchange") {
		t.Errorf("a document in EUR changed its form: %s", content)
	}
}

// However an invoice in dollars is credited, its VAT in EUR is credited to the
// cent.
func TestCreditsInPartsAddUpInEUR(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		of := rate("2026-12-01", rapid.Int64Range(500_000, 200_000_000).Draw(t, "rate"))
		d, err := dollars(&of, money.BasisPoints(rapid.SampledFrom([]int64{1700, 2100, 2550}).Draw(t, "VAT")), money.Amount(rapid.Int64Range(1, 5000_00).Draw(t, "price")))
		if err != nil {
			t.Fatal(err)
		}
		var base, tax, inEUR money.Amount
		for base < d.Net {
			net := min(d.Net-base, money.Amount(rapid.Int64Range(1, int64(d.Net)).Draw(t, "net")))
			amount, err := invoice.CreditVAT(d.VAT[0].Rate, net, base, tax)
			if err != nil {
				t.Fatal(err)
			}
			note, err := invoice.NewCreditNote(d, invoice.Credit{
				IssueDate: civil.MustParse("2027-01-20"), Net: net, CreditedBase: base, CreditedAmount: tax, Description: "x", Reason: "x", Returned: invoice.Returned{Balance: net + amount},
			})
			if err != nil {
				t.Fatal(err)
			}
			x := note.Exchange
			if x.Millionths != d.Exchange.Millionths || x.Day != d.Exchange.Day || x == d.Exchange || x.VAT < 0 {
				t.Fatalf("%+v", x)
			}
			base, tax, inEUR = base+net, tax+amount, inEUR+x.VAT
		}
		if inEUR != d.Exchange.VAT {
			t.Fatalf("%d of %d EUR are credited", inEUR, d.Exchange.VAT)
		}
	})
}
