package taxreport

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/money"
	"pgregory.net/rapid"
)

var november = Register{
	Seller: invoice.Party{Name: "MB Pavyzdys", CompanyCode: "119511515", Country: "LT"},
	From:   civil.MustParse("2026-11-01"), To: civil.MustParse("2026-11-30"), Created: time.Date(2026, 12, 2, 10, 0, 0, 0, time.FixedZone("", 7200)), Version: "1",
}

func sale(number string, row, country string, rate money.BasisPoints, base, vat money.Amount) invoice.Document {
	return invoice.Document{
		Kind: invoice.KindInvoice, Number: number, Currency: "EUR", IssueDate: civil.MustParse("2026-11-22"), TaxPoint: civil.MustParse("2026-11-21"),
		Buyer: invoice.Party{Name: "Žalgiris & <Co>", Country: "LT"}, VAT: []invoice.VATLine{{Treatment: row, Country: country, RateSet: true, Rate: rate, Base: base, Amount: vat}},
	}
}

func write(r Register, documents ...invoice.Document) (string, error) {
	var b strings.Builder
	err := ISAF(&b, r, func(use func(invoice.Document) error) error {
		for _, d := range documents {
			if err := use(d); err != nil {
				return err
			}
		}
		return nil
	})
	return b.String(), err
}

// What follows what, as the schema orders it (vat.md 4.8 and its sources).
func TestISAF(t *testing.T) {
	t.Parallel()
	company := sale("SIP-2026-000002", "R4", "", 0, 200_00, 0)
	company.Buyer = invoice.Party{Name: "Müller GmbH", VATNumber: "DE136695976", CompanyCode: "HRB 1", Country: "DE"}
	company.TaxPoint = company.IssueDate
	note := sale("SIPC-2026-000001", "R1", "LT", 2100, 50_00, 10_50)
	note.Kind, note.Corrects = invoice.KindCreditNote, &invoice.Correction{Number: "SIP-2026-000001", IssueDate: civil.MustParse("2026-10-05")}
	note.TaxPoint = civil.MustParse("2026-10-05")
	replacement := sale("SIP-2026-000003", "R1", "LT", 2100, 50_00, 10_50)
	replacement.Corrects = &invoice.Correction{Number: "SIP-2026-000001", IssueDate: civil.MustParse("2026-10-05"), CreditNote: note.Number}
	replacement.TaxPoint = note.TaxPoint
	got, err := write(november, sale("SIP-2026-000001", "R1", "LT", 2100, 100_00, 21_00), company, note, replacement)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`<iSAFFile xmlns="http://www.vmi.lt/cms/imas/isaf" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">`,
		`<FileVersion>iSAF1.2</FileVersion><FileDateCreated>2026-12-02T08:00:00Z</FileDateCreated><DataType>S</DataType>`,
		`<RegistrationNumber>119511515</RegistrationNumber><NumberOfParts>1</NumberOfParts><PartNumber>1</PartNumber>` +
			`<SelectionCriteria><SelectionStartDate>2026-11-01</SelectionStartDate><SelectionEndDate>2026-11-30</SelectionEndDate></SelectionCriteria>`,
		`<Invoice><InvoiceNo>SIP-2026-000001</InvoiceNo><CustomerInfo><VATRegistrationNumber>ND</VATRegistrationNumber><RegistrationNumber>ND</RegistrationNumber>` +
			`<Country>LT</Country><Name>Žalgiris &amp; &lt;Co&gt;</Name></CustomerInfo><InvoiceDate>2026-11-22</InvoiceDate><InvoiceType>SF</InvoiceType>` +
			`<SpecialTaxation></SpecialTaxation><References></References><VATPointDate>2026-11-21</VATPointDate><DocumentTotals><DocumentTotal>` +
			`<TaxableValue>100.00</TaxableValue><TaxCode>PVM1</TaxCode><TaxPercentage>21.00</TaxPercentage><Amount>21.00</Amount><VATPointDate2 xsi:nil="true"/></DocumentTotal></DocumentTotals></Invoice>`,
		`<VATRegistrationNumber>DE136695976</VATRegistrationNumber><Country>DE</Country>`,
		`<VATPointDate xsi:nil="true"/><DocumentTotals><DocumentTotal><TaxableValue>200.00</TaxableValue><TaxCode>PVM15</TaxCode><TaxPercentage xsi:nil="true"/><Amount>0.00</Amount>`,
		`<InvoiceType>KS</InvoiceType><SpecialTaxation></SpecialTaxation><References><Reference><ReferenceNo>SIP-2026-000001</ReferenceNo><ReferenceDate>2026-10-05</ReferenceDate></Reference></References>` +
			`<VATPointDate xsi:nil="true"/><DocumentTotals><DocumentTotal><TaxableValue>-50.00</TaxableValue><TaxCode>PVM1</TaxCode><TaxPercentage>21.00</TaxPercentage><Amount>-10.50</Amount>`,
		`<VATPointDate xsi:nil="true"/><DocumentTotals><DocumentTotal><TaxableValue>50.00</TaxableValue><TaxCode>PVM1</TaxCode><TaxPercentage>21.00</TaxPercentage><Amount>10.50</Amount>`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s\nin %s", want, got)
		}
	}
	d := xml.NewDecoder(strings.NewReader(got))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if empty, err := write(november); err != nil || !strings.Contains(empty, "<SalesInvoices>\n</SalesInvoices>") {
		t.Errorf("a month without sales: %v %s", err, empty)
	}
}

// What there is no rule for is named, not guessed.
func TestISAFRefuses(t *testing.T) {
	t.Parallel()
	dollars := sale("X", "R1", "LT", 2100, 1_00, 21)
	dollars.Currency = "USD"
	receipt := sale("X", "R1", "LT", 2100, 1_00, 21)
	receipt.Kind = invoice.KindReceipt
	for name, d := range map[string]invoice.Document{
		"another currency": dollars, "a receipt": receipt, "another rate": sale("X", "R1", "LT", 900, 1_00, 9), "another country": sale("X", "R8a", "DE", 2100, 1_00, 21),
		"an embassy": sale("X", "R12", "LT", 0, 1_00, 0), "no row": sale("X", "", "LT", 2100, 1_00, 21),
	} {
		_, err := write(november, d)
		if unfit, ok := errors.AsType[*Unfit](err); !ok || unfit.Number != "X" {
			t.Errorf("%s: %v", name, err)
		}
	}
	december := sale("X", "R1", "LT", 2100, 1_00, 21)
	december.IssueDate = civil.MustParse("2026-12-01")
	if _, err := write(november, december); err == nil {
		t.Error("a document of another month was taken")
	}
	nobody := november
	nobody.Seller.CompanyCode = "LT1"
	if _, err := write(nobody); err == nil {
		t.Error("a seller without a code was taken")
	}
}

func TestQuarter(t *testing.T) {
	t.Parallel()
	for day, want := range map[string]string{"2026-01-01": "2026Q1", "2026-03-31": "2026Q1", "2026-04-01": "2026Q2", "2026-12-31": "2026Q4"} {
		q := QuarterOf(civil.MustParse(day))
		if back, err := ParseQuarter(q.String()); q.String() != want || err != nil || back != q {
			t.Errorf("%s is in %s (%v, %v)", day, q, back, err)
		}
		if q.From().After(civil.MustParse(day)) || q.To().Before(civil.MustParse(day)) {
			t.Errorf("%s: %s to %s", q, q.From(), q.To())
		}
	}
	for _, s := range []string{"", "2026", "2026Q0", "2026Q5", "2026-4", "xxxxQ1", "1999Q1", "2026Q41"} {
		if _, err := ParseQuarter(s); err == nil {
			t.Errorf("%q is a quarter", s)
		}
	}
}

// Whatever is sold, credited and invoiced anew: lines and corrections add up to all
// of it, each member state and rate comes once.
func TestOSSAddsUp(t *testing.T) {
	t.Parallel()
	q := Quarter{2026, 4}
	rapid.Check(t, func(rt *rapid.T) {
		sold := rapid.SliceOf(rapid.Custom(func(rt *rapid.T) Sold {
			s := Sold{Period: q, Country: rapid.SampledFrom([]string{"DE", "FR", "EE"}).Draw(rt, "msc"), Rate: rapid.SampledFrom([]money.BasisPoints{1900, 2000}).Draw(rt, "rate"),
				Base: money.Amount(rapid.Int64Range(0, 1e9).Draw(rt, "base")), VAT: money.Amount(rapid.Int64Range(0, 1e8).Draw(rt, "vat"))}
			s.Credited = rapid.Bool().Draw(rt, "credited")
			s.Replaces = !s.Credited && rapid.Bool().Draw(rt, "replaces")
			if (s.Credited || s.Replaces) && rapid.Bool().Draw(rt, "earlier") {
				s.Period = Quarter{2026, rapid.IntRange(1, 3).Draw(rt, "quarter")}
			}
			return s
		})).Draw(rt, "sold")
		var want, got money.Amount
		for _, s := range sold {
			if s.Credited {
				want -= s.VAT
			} else {
				want += s.VAT
			}
		}
		r, err := NewOSS(q, "LT", sold)
		if err != nil {
			rt.Fatal(err)
		}
		seen := map[string]bool{}
		for _, l := range r.Lines {
			got += l.VAT
			key := fmt.Sprint(l.Country, l.Rate)
			if seen[key] {
				rt.Fatalf("%s comes twice", key)
			}
			seen[key] = true
		}
		for _, c := range r.Corrections {
			got += c.VAT
			if c.Period == q || c.VAT == 0 {
				rt.Fatalf("%+v is no correction", c)
			}
		}
		if got != want {
			rt.Fatalf("%d, want %d", got, want)
		}
	})
	if _, err := NewOSS(q, "LT", []Sold{{Period: Quarter{2026, 3}, Country: "DE", VAT: 1}}); err == nil {
		t.Error("a sale of another quarter was taken")
	}
}

func TestOSSFiles(t *testing.T) {
	t.Parallel()
	r, err := NewOSS(Quarter{2026, 4}, "LT", []Sold{
		{Period: Quarter{2026, 4}, Country: "FR", Rate: 2000, Base: 100_00, VAT: 20_00}, {Period: Quarter{2026, 4}, Country: "DE", Rate: 1900, Base: 200_00, VAT: 38_00},
		{Period: Quarter{2026, 4}, Country: "DE", Rate: 1900, Base: 50_00, VAT: 9_50, Credited: true}, {Period: Quarter{2026, 2}, Country: "DE", Rate: 1900, Base: 10_00, VAT: 1_90, Credited: true},
		{Period: Quarter{2026, 3}, Country: "FR", Rate: 2000, Base: 10_00, VAT: 2_00, Credited: true}, {Period: Quarter{2026, 3}, Country: "FR", Rate: 2000, Base: 10_00, VAT: 2_00, Replaces: true},
		{Period: Quarter{2026, 3}, Country: "EE", Rate: 2400, Base: 10_00, VAT: 2_40, Replaces: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	var lines, corrections strings.Builder
	if err := errors.Join(r.WriteLines(&lines), r.WriteCorrections(&corrections)); err != nil {
		t.Fatal(err)
	}
	if got := lines.String(); got != "period,msc,service_country,rate_type,rate,net_eur,vat_eur\r\n2026Q4,DE,LT,STANDARD,19.00,150.00,28.50\r\n2026Q4,FR,LT,STANDARD,20.00,100.00,20.00\r\n" {
		t.Errorf("%s", got)
	}
	if got := corrections.String(); got != "corr_period,msc,vat_diff_eur\r\n2026Q2,DE,-1.90\r\n2026Q3,EE,2.40\r\n" {
		t.Errorf("%s", got)
	}
	if !slices.IsSortedFunc(r.Lines, func(a, b OSSLine) int { return strings.Compare(a.Country, b.Country) }) {
		t.Error("not in order")
	}
}
