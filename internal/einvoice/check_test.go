package einvoice_test

import (
	"testing"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/einvoice"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/money"
)

// brokenDocuments are mistakes in a document, most of which the official
// validators would pass in the file that came of it.
var brokenDocuments = []struct {
	name  string
	of    string // a document of everyDocument
	spoil func(d *invoice.Document)
}{
	{"VAT is off by a cent", "R1", func(d *invoice.Document) { d.VAT[0].Amount++; d.VATTotal++; d.Total++; d.Paid++ }},
	{"VAT is off by 0.90", "R1", func(d *invoice.Document) { d.VAT[0].Amount += 90; d.VATTotal += 90; d.Total += 90; d.Paid += 90 }},
	{"price times quantity is not the line", "R2", func(d *invoice.Document) { d.Lines[0].UnitPrice += 1 }},
	{"a credit note with negative quantities", "credit-whole-standard", func(d *invoice.Document) { d.Lines[0].Quantity, d.Lines[0].UnitPrice = -12, -60_00 }},
	{"a negative credit note", "credit-part-standard", func(d *invoice.Document) {
		d.Lines[0].UnitPrice, d.Lines[0].Net, d.LinesNet, d.Net = -63_00, -63_00, -63_00, -63_00
	}},
	{"reverse charge for a buyer outside the EU", "R4", func(d *invoice.Document) { d.Buyer.Country, d.Buyer.VATNumber = "CH", "CHE107787577MWST" }},
	{"reverse charge at home", "R4", func(d *invoice.Document) { d.Buyer.Country, d.Buyer.VATNumber = "LT", "LT100009999914" }},
	{"reverse charge for a number of another kind", "R4", func(d *invoice.Document) { d.Buyer.VATNumber = "EU372022452" }},
	{"reverse charge without any number", "R4", func(d *invoice.Document) { d.Buyer.VATNumber, d.Buyer.CompanyCode = "", "" }},
	{"reverse charge that is not called so", "R4", func(d *invoice.Document) { d.VAT[0].Text = "No VAT" }},
	{"reverse charge by a seller without a number", "R4", func(d *invoice.Document) { d.Seller.VATNumber = "" }},
	{"outside the scope inside the EU", "R9-business", func(d *invoice.Document) { d.Buyer.Country = "DE" }},
	{"outside the scope with a rate of nought", "R9-business", func(d *invoice.Document) { d.VAT[0].RateSet = true }},
	{"exempt without a reason", "R3-none", func(d *invoice.Document) { d.VAT[0].Text = " \u202E\x07" }},
	{"the code of another category", "R3-none", func(d *invoice.Document) { d.VAT[0].VATEX = "VATEX-EU-AE" }},
	{"a category that never applies", "R4", func(d *invoice.Document) { d.VAT[0].Category = "K" }},
	{"VAT with a reason for none", "R1", func(d *invoice.Document) { d.VAT[0].Text = "Reverse charge" }},
	{"VAT by a seller without a number", "R1", func(d *invoice.Document) { d.Seller.VATNumber = "" }},
	{"VAT of no member state", "R1", func(d *invoice.Document) { d.VAT[0].Country = "US" }},
	{"a consumer with a VAT number", "R2", func(d *invoice.Document) { d.Buyer.VATNumber = "LT100009999914" }},
	{"no buyer", "R2", func(d *invoice.Document) { d.Buyer.Name = "" }},
	{"a country that does not exist", "R2", func(d *invoice.Document) { d.Buyer.Country = "QQ" }},
	{"nothing identifies the seller", "R9-business", func(d *invoice.Document) { d.Seller.CompanyCode = "" }},
	{"a discount that is not its percentage", "discount-12", func(d *invoice.Document) { d.Discount.Percent = 2000 }},
	{"a transfer to nowhere", "due-by-transfer", func(d *invoice.Document) { d.Payment.IBAN = "" }},
	{"a transfer to a mistyped account", "due-by-transfer", func(d *invoice.Document) { d.Payment.IBAN = "LT611000011101001000" }},
	{"a reference with wrong digits", "R1", func(d *invoice.Document) { d.Reference = "RF592026000101" }},
	{"the day of receipt after the issue", "R1", func(d *invoice.Document) { d.TaxPoint = day("2026-12-04") }},
	{"no day of receipt", "R1", func(d *invoice.Document) { d.TaxPoint = civil.Date{} }},
	{"a period that ends before it begins", "R1", func(d *invoice.Document) { d.ServiceTo = day("2026-12-01") }},
	{"a credit note of nothing", "credit-whole-standard", func(d *invoice.Document) { d.Corrects = nil }},
	{"a credit note of itself", "credit-whole-standard", func(d *invoice.Document) { d.Corrects.Number = d.Number }},
	{"a credit note before its invoice", "credit-whole-standard", func(d *invoice.Document) { d.Corrects.IssueDate = day("2027-01-01") }},
	{"an invoice that corrects", "R1", func(d *invoice.Document) {
		d.Corrects = &invoice.Correction{Number: "SIP-1", IssueDate: day("2026-01-01"), Reason: "x"}
	}},
	{"an invoice in the place of itself", "replaces-whole", func(d *invoice.Document) { d.Corrects.Number = d.Number }},
	{"an invoice in the place of a later one", "replaces-whole", func(d *invoice.Document) { d.Corrects.IssueDate = day("2027-01-01") }},
	{"a replacement that goes on from nothing", "replaces-rest", func(d *invoice.Document) { d.Corrects = nil }},
	{"two rates", "a-line-for-nothing", func(d *invoice.Document) {
		zero := d.VAT[0]
		zero.Base, zero.Amount = 0, 0
		d.VAT = append(d.VAT, zero)
	}},
	{"a line without a name", "R1", func(d *invoice.Document) { d.Lines[1].Description = "\u202E" }},
	{"lines numbered twice", "R1", func(d *invoice.Document) { d.Lines[1].ID = 1 }},
	{"a unit that has no code", "R1", func(d *invoice.Document) { d.Lines[0].Unit = "fortnight" }},
	{"a currency that is none", "R1", func(d *invoice.Document) { d.Currency = "EURO" }},
	{"VAT in dollars alone", "usd-with-VAT", func(d *invoice.Document) { d.Exchange = nil }},
	{"VAT in EUR off by a cent", "usd-with-VAT", func(d *invoice.Document) { d.Exchange.VAT++ }},
	{"a rate of another day", "usd-with-VAT", func(d *invoice.Document) { d.Exchange.Day = day("2026-12-03") }},
	{"a rate that is stale", "usd-with-VAT", func(d *invoice.Document) { d.Exchange.Day = day("2026-11-24") }},
	{"a rate without a source", "usd-with-VAT", func(d *invoice.Document) { d.Exchange.Source = "" }},
	{"a rate of nought", "usd-with-VAT", func(d *invoice.Document) { d.Exchange.Millionths = 0 }},
	{"a rate of EUR", "R1", func(d *invoice.Document) {
		d.Exchange = &invoice.Exchange{Millionths: 1_000_000, Day: d.TaxPoint, Source: "ECB", VAT: d.VATTotal}
	}},
	{"a bank invoice", "R1", func(d *invoice.Document) { d.Kind = invoice.KindBankInvoice }},
}

// copyOf copies what lies behind slices and pointers.
func copyOf(t *testing.T, d invoice.Document) invoice.Document {
	t.Helper()
	content, err := d.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if d, err = invoice.Unmarshal(content); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestCheck(t *testing.T) {
	t.Parallel()
	good := map[string]invoice.Document{}
	for _, x := range everyDocument(t) {
		good[x.name] = x.d
		if err := einvoice.Check(x.d); err != nil {
			t.Errorf("%s: %v", x.name, err)
		}
	}
	for _, tt := range brokenDocuments {
		d, ok := good[tt.of]
		if !ok {
			t.Fatalf("no document %s", tt.of)
		}
		d = copyOf(t, d)
		tt.spoil(&d)
		if err := einvoice.Check(d); err == nil {
			t.Errorf("%s: passes", tt.name)
		}
		for _, s := range syntaxes {
			if file, err := s.write(d); err == nil {
				t.Errorf("%s: written as %s\n%s", tt.name, s.name, file)
			}
		}
	}
	receipt, err := invoice.NewReceipt(invoice.Document{Number: "R-2026-000001", Seller: sellerOf(std), Buyer: ona, IssueDate: day("2026-12-01")}, money.Of(50_00, money.EUR))
	if err != nil {
		t.Fatal(err)
	}
	if err := einvoice.Check(receipt); err == nil {
		t.Error("a receipt passes")
	}
}
