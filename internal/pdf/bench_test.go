package pdf

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-pdf/fpdf"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/invoice"
)

// benchDocument is one page: three lines, the VAT, a QR code.
func benchDocument() invoice.Document {
	line := invoice.Line{Description: "Softphone, 5 SIP accounts", Detail: "With call recording", Quantity: 12, Unit: invoice.UnitMonth, UnitPrice: 2500, Net: 30000}
	return invoice.Document{
		Kind: invoice.KindBankInvoice, Number: "O-2026-000123", Language: "en", Currency: "EUR", OrderNumber: "O-2026-000123", Reference: "RF712026000123",
		IssueDate: civil.MustParse("2026-11-23"), ValidUntil: civil.MustParse("2026-12-07"), ServiceMonths: 12,
		Seller:   invoice.Party{Name: "MB Pavyzdys", CompanyCode: "305000000", VATNumber: "LT100000000000", Street: "Gedimino pr. 1-2", City: "Vilnius", Postcode: "LT-01103", Country: "LT"},
		Buyer:    invoice.Party{Name: "Žygimantė Ąžuolaitė", Street: "Хрещатик 22", City: "Київ", Country: "UA"},
		Customer: "Žygimantė (@zygimante)", Lines: []invoice.Line{line, line, line},
		VAT:      []invoice.VATLine{{Category: "S", RateSet: true, Rate: 2100, Country: "LT", Base: 90000, Amount: 18900}},
		LinesNet: 90000, Net: 90000, VATTotal: 18900, Total: 108900, Due: 108900,
		Payment: invoice.Payment{Method: "bank", Beneficiary: "MB Pavyzdys", IBAN: "LT121000011101001000", BIC: "PAVZLT22XXX", Bank: "AB Pavyzdžio bankas",
			EPC: "BCD\n002\n1\nSCT\n\nMB Pavyzdys\nLT121000011101001000\nEUR1089.00\n\nRF712026000123"},
	}
}

func report(b *testing.B, size int) {
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "docs/s")
	b.ReportMetric(float64(size), "bytes/doc")
}

func BenchmarkRender(b *testing.B) {
	d, size := benchDocument(), 0
	for b.Loop() {
		file, err := Render(d)
		if err != nil {
			b.Fatal(err)
		}
		size = len(file)
	}
	report(b, size)
}

// dejavu is where the whole font is.
const dejavu = "/usr/share/fonts/truetype/dejavu/"

// renderNaive draws the same page with a whole font read from a file for each
// document, as the manual of fpdf shows it.
func renderNaive(b *testing.B, d invoice.Document) []byte {
	b.Helper()
	if _, err := os.Stat(dejavu + "DejaVuSans-Bold.ttf"); err != nil {
		b.Skip("NOT MEASURED: fonts-dejavu-core is not installed")
	}
	whole := func(f *fpdf.Fpdf, face *face, _ []rune) {
		file := "DejaVuSans.ttf"
		if strings.Contains(face.name, "bold") {
			file = "DejaVuSans-Bold.ttf"
		}
		data, err := os.ReadFile(dejavu + file)
		if err != nil {
			b.Fatal(err)
		}
		f.AddUTF8FontFromBytes(face.name, "", data)
	}
	s, err := lay(d)
	if err != nil {
		b.Fatal(err)
	}
	s.encode = func(text string) string { return text }
	file, err := s.output(whole)
	if err != nil {
		b.Fatal(err)
	}
	return file
}

func BenchmarkRenderNaive(b *testing.B) {
	d, size := benchDocument(), 0
	for b.Loop() {
		size = len(renderNaive(b, d))
	}
	report(b, size)
}

// BenchmarkRenderAgainstNaive draws by turns, so that whatever else the machine
// does hits both, and reports how many times faster we are. The goal is 1.9.
func BenchmarkRenderAgainstNaive(b *testing.B) {
	d := benchDocument()
	var ours, naive time.Duration
	for b.Loop() {
		began := time.Now()
		renderNaive(b, d)
		between := time.Now()
		if _, err := Render(d); err != nil {
			b.Fatal(err)
		}
		naive += between.Sub(began)
		ours += time.Since(between)
	}
	b.ReportMetric(naive.Seconds()/ours.Seconds(), "ratio")
	b.ReportMetric(1.9, "goal")
}
