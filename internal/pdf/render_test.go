package pdf_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/pdf"
)

func render(t testing.TB, d invoice.Document) []byte {
	t.Helper()
	file, err := pdf.Render(d)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// each runs a test on every sample.
func each(t *testing.T, test func(t *testing.T, d invoice.Document)) {
	t.Helper()
	for name, d := range samples(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, d)
		})
	}
}

func TestSameDocumentSameBytes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d invoice.Document) {
		before, err := d.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		first := render(t, d)
		var wg sync.WaitGroup
		for range 4 { // side by side, because fpdf writes into font bytes
			wg.Go(func() {
				again, err := pdf.Render(d)
				if err != nil || !bytes.Equal(first, again) {
					t.Errorf("another file of the same document (%d and %d bytes, %v)", len(first), len(again), err)
				}
			})
		}
		wg.Wait()
		after, err := d.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(before), string(after)); diff != "" {
			t.Errorf("the document was changed:\n%s", diff)
		}
	})
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*invoice.Document){
		"unknown kind":   func(d *invoice.Document) { d.Kind = "postcard" },
		"no number":      func(d *invoice.Document) { d.Number = " \u202E" },
		"no day":         func(d *invoice.Document) { d.IssueDate = d.ServiceTo },
		"day far beyond": func(d *invoice.Document) { d.IssueDate.Year = 10_000 },
	} {
		d := samples(t)["bank-invoice-consumer"]
		spoil(&d)
		if file, err := pdf.Render(d); err == nil {
			t.Errorf("%s: %d bytes", name, len(file))
		}
	}
}

// squeeze takes out white space, which extraction puts where it likes.
func squeeze(s string) string { return strings.Join(strings.Fields(s), "") }

func TestEverythingIsOnThePage(t *testing.T) {
	t.Parallel()
	words := i18n.ForDocument("en")
	each(t, func(t *testing.T, d invoice.Document) {
		text := squeeze(string(tool(t, render(t, d), "pdftotext", "poppler-utils", "-raw", "{}", "-")))
		amount := func(n int64) string { return words.Money(n, string(d.Currency)) }
		want := []string{
			d.Number, d.OrderNumber, d.Seller.Name, d.Seller.CompanyCode, d.Seller.VATNumber, d.Seller.VATNote, d.Seller.Street,
			d.Buyer.CompanyCode, d.Buyer.VATNumber, d.POReference, amount(int64(d.Total)),
			words.Date(d.IssueDate.Year, d.IssueDate.Month, d.IssueDate.Day),
		}
		if d.Kind == invoice.KindReceipt {
			want = append(want, d.Payment.From, d.Reference, "This is not an invoice", "Top-up of the balance", "Mokėjimo patvirtinimas")
		} else {
			want = append(want, amount(int64(d.Net)), amount(int64(d.VATTotal)))
		}
		for _, l := range d.Lines {
			want = append(want, l.Description, l.Detail, amount(int64(l.UnitPrice)), amount(int64(l.Net)))
		}
		for _, v := range d.VAT {
			want = append(want, v.Text)
			if v.RateSet && d.Seller.VATNumber != "" {
				want = append(want, words.Percent(int64(v.Rate)))
			}
		}
		if d.Discount != nil {
			want = append(want, amount(-int64(d.Discount.Amount)), d.Discount.Reason)
		}
		if d.Corrects != nil {
			want = append(want, d.Corrects.Number, d.Corrects.Reason)
		}
		if d.Kind == invoice.KindBankInvoice {
			want = append(want, d.Payment.IBAN, d.Payment.BIC, d.Payment.Beneficiary, d.Payment.Bank, d.Payment.BankAddress, d.Reference,
				"This is not a VAT invoice", "How to pay", "Išankstinė sąskaita")
		}
		if d.Buyer.Country != "IL" { // the sample of odd characters: see below
			want = append(want, d.Buyer.Name, d.Buyer.Street, d.Buyer.City, d.Customer)
		}
		for _, w := range want {
			if !strings.Contains(text, squeeze(w)) {
				t.Errorf("no %q in\n%s", w, text)
			}
		}
		pages := strings.Count(text, "Page")
		for i := range pages {
			if w := squeeze(fmt.Sprintf("Page %d of %d", i+1, pages)); !strings.Contains(text, w) {
				t.Errorf("no %q", w)
			}
		}
	})
}

func TestOddCharacters(t *testing.T) {
	t.Parallel()
	d := samples(t)["odd-characters"]
	text := squeeze(string(tool(t, render(t, d), "pdftotext", "poppler-utils", "-raw", "{}", "-")))
	for _, want := range []string{
		"Ada\uFFFD\uFFFDevilLovelace", // signs that no font has show as squares
		"山田太郎김철수Թովմասგიორგი☎", "הרצל", "רחוב", "ﻣﺤﻤﺪ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.ContainsAny(text, "\x00\x07") {
		t.Errorf("control characters in\n%q", text)
	}
}

func TestTotalsAreNotAlone(t *testing.T) {
	t.Parallel()
	base := samples(t)["lines-120"]
	for n := 1; n <= 26; n++ { // every way the table can meet the foot of the page
		d := base
		d.Lines = base.Lines[:n]
		pages := strings.Split(strings.TrimSuffix(string(tool(t, render(t, d), "pdftotext", "poppler-utils", "-layout", "{}", "-")), "\f"), "\f")
		for i, page := range pages {
			header, lines := strings.Count(page, "Unit price"), strings.Count(page, "Softphone of employee")
			if header != 1 || lines == 0 || (strings.Contains(page, "VAT by rate") && lines < min(2, n)) {
				t.Errorf("%d lines, page %d of %d: %d headers, %d lines", n, i+1, len(pages), header, lines)
			}
		}
		if last := pages[len(pages)-1]; !strings.Contains(last, "VAT by rate") {
			t.Errorf("%d lines: no totals on the last page", n)
		}
	}
}

func TestStructure(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d invoice.Document) {
		file := render(t, d)
		if name := activeName(file); name != "" {
			t.Errorf("the file has %s", name)
		}
		if !bytes.Contains(file, []byte("/ID [<")) {
			t.Error("no file identifier")
		}
		if out := tool(t, file, "qpdf", "qpdf", "--check", "{}"); bytes.Contains(out, []byte("WARNING")) {
			t.Errorf("%s", out)
		}
		fonts := strings.Split(strings.TrimSpace(string(tool(t, file, "pdffonts", "poppler-utils", "{}"))), "\n")[2:]
		for _, font := range fonts { // ... encoding, embedded, subset, unicode, object
			if !regexp.MustCompile(`Identity-H +yes +\S+ +yes `).MatchString(font) {
				t.Errorf("not embedded, or without Unicode: %s", font)
			}
		}
		if len(fonts) < 2 {
			t.Errorf("fonts: %q", fonts)
		}
		info := string(tool(t, file, "pdfinfo", "poppler-utils", "-rawdates", "{}"))
		for _, want := range []string{d.Number, d.Seller.Name, "D:" + strings.ReplaceAll(d.IssueDate.String(), "-", "")} {
			if !strings.Contains(info, want) {
				t.Errorf("no %q in\n%s", want, info)
			}
		}
	})
}

// activeName finds a name that has no place in a document: an action, a script,
// a link, an annotation. Streams are data and are left out.
func activeName(file []byte) string {
	outside := regexp.MustCompile(`(?s)stream\r?\n.*?endstream`).ReplaceAll(file, nil)
	return string(regexp.MustCompile(`/(JS|JavaScript|AA|OpenAction|Launch|URI|GoTo[RE]?|SubmitForm|ImportData|RichMedia|Annots|Annot|EmbeddedFile|Encrypt)\b`).Find(outside))
}

// No word stands on another, and none outside the frame.
func TestNothingOverlaps(t *testing.T) {
	t.Parallel()
	type word struct {
		XMin float64 `xml:"xMin,attr"`
		YMin float64 `xml:"yMin,attr"`
		XMax float64 `xml:"xMax,attr"`
		YMax float64 `xml:"yMax,attr"`
		Text string  `xml:",chardata"`
	}
	type page struct {
		Words []word `xml:"word"`
	}
	each(t, func(t *testing.T, d invoice.Document) {
		var html struct {
			Pages []page `xml:"body>doc>page"`
		}
		out := tool(t, render(t, d), "pdftotext", "poppler-utils", "-bbox", "{}", "-")
		if err := xml.Unmarshal(out, &html); err != nil {
			t.Fatal(err)
		}
		if len(html.Pages) == 0 || len(html.Pages[0].Words) < 50 {
			t.Fatalf("%s", out)
		}
		for n, p := range html.Pages {
			for i, a := range p.Words {
				if a.XMin < 55 || a.XMax > 540.5 || a.YMin < 40 || a.YMax > 820 {
					t.Errorf("page %d: %+v is outside the frame", n+1, a)
				}
				for _, b := range p.Words[i+1:] {
					// A box is as high as the whole font; letters take up the middle.
					lap := min(a.YMax, b.YMax) - max(a.YMin, b.YMin)
					if min(a.XMax, b.XMax)-max(a.XMin, b.XMin) > 0.5 && lap > 0.35*min(a.YMax-a.YMin, b.YMax-b.YMin) {
						t.Errorf("page %d: %+v and %+v", n+1, a, b)
					}
				}
			}
		}
	})
}

// A camera reads what the bank gets: the payload, byte for byte.
func TestEPCCodeReadsBack(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d invoice.Document) {
		if d.Kind != invoice.KindBankInvoice {
			return
		}
		readBack(t, d)
	})
	for name, payload := range map[string]string{
		// The two published vectors, and the longest that EPC069-12 allows.
		"guideline": "BCD\n001\n1\nSCT\nBHBLDEHHXXX\nFranz Mustermänn\nDE71110220330123456789\nEUR12.3\nGDDS\nRF18539007547034",
		"ours":      "BCD\n002\n1\nSCT\n\nMB Pavyzdys\nLT121000011101001000\nEUR1524.60\n\nRF18539007547034",
		"longest":   "BCD\n002\n1\nSCT\nPAVZLT22XXX\n" + strings.Repeat("Ž", 70) + "\nLT121000011101001000\nEUR999999999.99\nGDDS\n\n" + strings.Repeat("x", 113),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := samples(t)["bank-invoice-consumer"]
			d.Payment.EPC = payload
			readBack(t, d)
		})
	}
}

func readBack(t *testing.T, d invoice.Document) {
	t.Helper()
	image := filepath.Join(t.TempDir(), "page")
	tool(t, render(t, d), "pdftoppm", "poppler-utils", "-r", "300", "-png", "{}", image)
	pages, err := filepath.Glob(image + "*.png")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	last, err := os.ReadFile(pages[len(pages)-1])
	if err != nil {
		t.Fatal(err)
	}
	got := tool(t, last, "zbarimg", "zbar-tools", "--raw", "--quiet", "-Sbinary", "{}")
	if want := d.Payment.EPC; string(got) != want {
		t.Errorf("read %q, want %q", got, want)
	}
}

func TestNoCodeWithoutPayload(t *testing.T) {
	t.Parallel()
	with := samples(t)["bank-invoice-consumer"]
	without, over := with, with
	without.Payment.EPC, over.Payment.EPC = "", strings.Repeat("x", 332)
	if a, b := len(render(t, without)), len(render(t, with)); a >= b {
		t.Errorf("%d bytes without a code, %d with one", a, b)
	}
	if !bytes.Equal(render(t, without), render(t, over)) {
		t.Error("a payload that is too long for EPC069-12 was drawn")
	}
}
