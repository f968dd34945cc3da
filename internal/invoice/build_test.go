package invoice_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/vat"
	"pgregory.net/rapid"
)

func standard(rate money.BasisPoints) vat.Treatment {
	return vat.Treatment{Row: "R2", Place: "LT", Category: vat.CategoryStandard, HasRate: true, Rate: rate}
}

var reverse = vat.Treatment{
	Row: "R4", Place: "DE", Category: vat.CategoryReverse, HasRate: true, VATEX: "VATEX-EU-AE", ReasonEN: "Reverse charge", ReasonLT: "Atvirkštinis apmokestinimas",
}

func line(quantity int64, price money.Amount) invoice.Line {
	return invoice.Line{ItemCode: "X", Description: "x", Quantity: quantity, Unit: invoice.UnitMonth, UnitPrice: price}
}

func build(t *testing.T, terms invoice.Terms) invoice.Document {
	t.Helper()
	d, err := invoice.New(invoice.Document{Kind: invoice.KindInvoice, Number: "SIP-2026-000001", Currency: "EUR", IssueDate: civil.MustParse("2026-11-22")}, terms)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The published sums of vat.md 4.6 and 5.5.
func TestPublishedSums(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name            string
		terms           invoice.Terms
		net, vat, total money.Amount
	}{
		{"six months of 210", invoice.Terms{Lines: []invoice.Line{line(6, 210_00)}, Treatment: standard(2100)}, 1260_00, 264_60, 1524_60},
		{"a year less a tenth", invoice.Terms{Lines: []invoice.Line{line(12, 60_00), line(12, 150_00)}, Discount: 1000, DiscountAmount: 252_00, Treatment: standard(2100)}, 2268_00, 476_28, 2744_28},
		{"VAT per rate, not per line", invoice.Terms{Lines: []invoice.Line{line(1, 9_99), line(1, 9_99), line(1, 9_99)}, Treatment: standard(2100)}, 29_97, 6_29, 36_26},
		{"half up", invoice.Terms{Lines: []invoice.Line{line(1, 100_50)}, Treatment: standard(2500)}, 100_50, 25_13, 125_63},
		{"a rate with a half", invoice.Terms{Lines: []invoice.Line{line(1, 100_00)}, Treatment: standard(2550)}, 100_00, 25_50, 125_50},
		{"reverse charge", invoice.Terms{Lines: []invoice.Line{line(6, 60_00)}, Treatment: reverse}, 360_00, 0, 360_00},
	} {
		d := build(t, tt.terms)
		if d.Net != tt.net || d.VATTotal != tt.vat || d.Total != tt.total || d.Due != tt.total {
			t.Errorf("%s: %d + %d = %d, want %d + %d = %d", tt.name, d.Net, d.VATTotal, d.Total, tt.net, tt.vat, tt.total)
		}
	}
	if d := build(t, invoice.Terms{Lines: []invoice.Line{line(6, 210_00)}, Treatment: standard(2100), Prepaid: true}); d.Paid != d.Total || d.Due != 0 {
		t.Errorf("prepaid: paid %d, due %d", d.Paid, d.Due)
	}
	if d := build(t, invoice.Terms{Lines: []invoice.Line{line(1, 1)}, Treatment: reverse}); d.VAT[0].Text != "Reverse charge / Atvirkštinis apmokestinimas" {
		t.Errorf("reason %q", d.VAT[0].Text)
	}
}

// Whatever the lines, rates and discounts: a document adds up, and reads back as
// it was frozen (I13, I14).
func TestDocumentsAddUpAndReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		terms := invoice.Terms{Treatment: standard(money.BasisPoints(rapid.Int64Range(0, 3000).Draw(t, "rate"))), Prepaid: rapid.Bool().Draw(t, "prepaid")}
		var gross money.Amount
		for range rapid.IntRange(1, 20).Draw(t, "lines") {
			l := line(rapid.Int64Range(1, 36).Draw(t, "quantity"), money.Amount(rapid.Int64Range(0, 1_000_000).Draw(t, "price")))
			gross += l.UnitPrice * money.Amount(l.Quantity)
			terms.Lines = append(terms.Lines, l)
		}
		if percent := money.BasisPoints(rapid.SampledFrom([]int64{0, 1000, 3000}).Draw(t, "discount")); percent > 0 {
			net, err := gross.Percent(10_000 - percent)
			if err != nil {
				t.Fatal(err)
			}
			terms.Discount, terms.DiscountAmount = percent, gross-net
		}
		d, err := invoice.New(invoice.Document{Kind: invoice.KindInvoice, Number: "N", Currency: "EUR", IssueDate: civil.MustParse("2026-11-22")}, terms)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Check(); err != nil {
			t.Fatal(err)
		}
		content, err := d.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		back, err := invoice.Unmarshal(content)
		if err != nil || cmp.Diff(d, back) != "" {
			t.Fatalf("%v\n%s", err, cmp.Diff(d, back))
		}
	})
}

// What official validators let pass, Check does not.
func TestCheckFindsWhatIsOff(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*invoice.Document){
		"VAT by a cent":           func(d *invoice.Document) { d.VAT[0].Amount++; d.VATTotal++; d.Total++; d.Due++ },
		"VAT by 90 cents":         func(d *invoice.Document) { d.VAT[0].Amount += 90; d.VATTotal += 90; d.Total += 90; d.Due += 90 },
		"price x quantity":        func(d *invoice.Document) { d.Lines[0].Quantity++ },
		"a negative line":         func(d *invoice.Document) { d.Lines[0].UnitPrice, d.Lines[0].Net = -60_00, -720_00 },
		"sum of lines":            func(d *invoice.Document) { d.LinesNet++ },
		"discount's base":         func(d *invoice.Document) { d.Discount.Base++ },
		"net":                     func(d *invoice.Document) { d.Net++ },
		"base of the VAT":         func(d *invoice.Document) { d.VAT[0].Base -= 100; d.VAT[0].Amount -= 21 },
		"total":                   func(d *invoice.Document) { d.Total++ },
		"due":                     func(d *invoice.Document) { d.Due++ },
		"exempt without a reason": func(d *invoice.Document) { d.VAT[0].Category = "AE" },
	} {
		d := build(t, invoice.Terms{Lines: []invoice.Line{line(12, 60_00), line(12, 150_00)}, Discount: 1000, DiscountAmount: 252_00, Treatment: standard(2100)})
		spoil(&d)
		if err := d.Check(); err == nil {
			t.Errorf("%s: not found", name)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, terms := range map[string]invoice.Terms{
		"no lines":            {Treatment: standard(2100)},
		"a wrong discount":    {Lines: []invoice.Line{line(1, 100_00)}, Discount: 1000, DiscountAmount: 11_00, Treatment: standard(2100)},
		"more than money has": {Lines: []invoice.Line{line(1<<40, 1<<40)}, Treatment: standard(2100)},
		"no reason":           {Lines: []invoice.Line{line(1, 1_00)}, Treatment: vat.Treatment{Category: vat.CategoryExempt, HasRate: true}},
	} {
		if d, err := invoice.New(invoice.Document{}, terms); err == nil {
			t.Errorf("%s: %+v", name, d)
		}
	}
	if _, err := invoice.Unmarshal([]byte(`{"version":1,"unknown":true}`)); err == nil || !strings.Contains(err.Error(), "unknown") {
		t.Errorf("an unknown field: %v", err)
	}
}

// The legal texts are those of package vat in English and Lithuanian, and in
// every other language that of the document before the Lithuanian one.
func TestReasonsInEveryLanguage(t *testing.T) {
	t.Parallel()
	on := civil.MustParse("2026-11-22")
	seen := map[string]bool{}
	for _, tt := range []struct {
		seller vat.Seller
		buyer  vat.Buyer
	}{
		{vat.Seller{Country: "LT", Scheme: vat.SchemeSVS}, vat.Buyer{Country: "LT"}},
		{vat.Seller{Country: "LT", Scheme: vat.SchemeSVS}, vat.Buyer{Country: "DE"}},
		{vat.Seller{Country: "LT", Scheme: vat.SchemeStd}, vat.Buyer{Country: "DE", VATNumber: "DE136695976", VIES: vat.StatusValid}},
		{vat.Seller{Country: "LT", Scheme: vat.SchemeStd}, vat.Buyer{Country: "DE", ManualBusiness: true}},
		{vat.Seller{Country: "LT", Scheme: vat.SchemeStd, ExStates: []string{"LV"}}, vat.Buyer{Country: "LV"}},
		{vat.Seller{Country: "LT", Scheme: vat.SchemeStd, ExStates: []string{"LV"}, ExNumber: "LT119511515-EX"}, vat.Buyer{Country: "LV"}},
		{vat.Seller{Country: "LT", Scheme: vat.SchemeStd}, vat.Buyer{Country: "US"}},
		{vat.Seller{Country: "LT", Scheme: vat.SchemeStd}, vat.Buyer{Country: "US", Company: true}},
		{vat.Seller{Country: "LT", Scheme: vat.SchemeStd}, vat.Buyer{Country: "XI"}},
		{vat.Seller{Country: "LT", Scheme: vat.SchemeStd}, vat.Buyer{Country: "LT", Diplomatic: true}},
	} {
		treatment, err := vat.Decide(tt.seller, tt.buyer, on, vat.Turnover{})
		if err != nil {
			t.Fatal(err)
		}
		name, number := treatment.Reason()
		seen[treatment.Row+" "+name] = true
		texts := map[string]bool{}
		for _, l := range i18n.DocumentLanguages() {
			d, err := invoice.New(invoice.Document{Kind: invoice.KindInvoice, Number: "N", Language: l.Code, Currency: "EUR", IssueDate: on},
				invoice.Terms{Lines: []invoice.Line{line(1, 1_00)}, Treatment: treatment})
			if err != nil {
				t.Fatal(err)
			}
			words := i18n.ForDocument(l.Code)
			want := words.T("doc.reason." + name)
			if number != "" {
				want = words.T("doc.reason.numbered", "Reason", want, "Number", number)
			}
			if l.Code != "lt" {
				want += " / " + treatment.ReasonLT
			}
			if l.Code == "en" && want != treatment.ReasonEN+" / "+treatment.ReasonLT || l.Code == "lt" && want != treatment.ReasonLT {
				t.Errorf("%s in %s: package vat has %q and %q", treatment.Row, l.Code, treatment.ReasonEN, treatment.ReasonLT)
			}
			if got := d.VAT[0].Text; got != want {
				t.Errorf("%s in %s: %q, want %q", treatment.Row, l.Code, got, want)
			}
			texts[d.VAT[0].Text] = true
		}
		if len(texts) != 8 {
			t.Errorf("%s: %d texts in 8 languages", treatment.Row, len(texts))
		}
	}
	if len(seen) != 9 {
		t.Errorf("reasons seen: %v", seen)
	}
	if name, _ := standard(2100).Reason(); name != "" {
		t.Errorf("a standard rate needs the reason %q", name)
	}
}
