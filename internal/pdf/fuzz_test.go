package pdf

import (
	"bytes"
	"compress/zlib"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/ledger"
	"github.com/siptg/portal/internal/money"
)

// FuzzInvoicePDF draws documents of hostile text and figures (security: clean
// input for dangerous contexts). Whatever stands in a document, the file is
// whole, has no actions and shows the cleaned text.
func FuzzInvoicePDF(f *testing.F) {
	for _, s := range []string{
		"", "Žygimantė", "Олександр", "(a) \\ ) Tj ET", "/JS (app.alert(1)) /AA /OpenAction /Launch /URI", "endstream endobj trailer",
		"\u202Eevil\u202C", "a\x00b", "🚀👩\u200D💻", "שלום (3)", "محمد لا", "山田 김", strings.Repeat("W", 500), strings.Repeat("a ", 500), "\xff\xfe", "{{.Number}}", "ไ", "e\u0301\u0301\u0301\u0301",
	} {
		f.Add(uint8(len(s)), s, s, s, int64(len(s)), uint8(3))
	}
	f.Add(uint8(1), "n", "name", "text", int64(-1<<63), uint8(255))
	f.Add(uint8(2), "n", "name", "text", int64(1<<63-1), uint8(60))
	f.Fuzz(func(t *testing.T, pick uint8, number, name, text string, figure int64, lines uint8) {
		d := invoice.Document{
			Kind:   []invoice.Kind{invoice.KindBankInvoice, invoice.KindInvoice, invoice.KindCreditNote, invoice.KindReceipt}[pick%4],
			Number: number, Language: []string{text, "lt", "ru", "fr"}[pick/4%4], Also: []string{"", text, "lt"}[pick%3], Currency: money.Currency(name), IssueDate: civil.Date{Year: 2026, Month: time.November, Day: 23},
			OrderNumber: text, Reference: text, POReference: text, ServiceMonths: int(figure), Customer: name,
			Seller: invoice.Party{Name: text, CompanyCode: text, VATNote: text, Street: text, City: text, Country: text, Website: text},
			Buyer:  invoice.Party{Name: name, Street: text, City: text, Postcode: text, Country: text, Email: text, VATNumber: text},
			Total:  money.Amount(figure), Due: money.Amount(figure), Paid: money.Amount(-figure), Net: money.Amount(figure),
			Payment: invoice.Payment{Method: text, Beneficiary: name, IBAN: text, BIC: text, Bank: text, BankAddress: text, EPC: text, PaidOn: civil.Date{Year: 1, Month: 1, Day: 1}},
		}
		for i := range lines {
			d.Lines = append(d.Lines, invoice.Line{ID: int(i), Description: name, Detail: text, Also: text, Quantity: figure, Unit: invoice.Unit(text), UnitPrice: money.Amount(figure), Net: money.Amount(figure)})
		}
		for range pick % 23 {
			d.VAT = append(d.VAT, invoice.VATLine{Category: text, RateSet: true, Rate: money.BasisPoints(figure), Country: text, Text: text, Base: money.Amount(figure)})
		}
		if pick%2 == 0 {
			d.Discount = &invoice.Discount{Amount: money.Amount(figure), Percent: money.BasisPoints(figure), Reason: text, Also: name}
			d.Corrects = &invoice.Correction{Number: number, Reason: text, Also: name}
		}
		file, err := Render(d)
		if clean(number, limitCode) == "" {
			if err == nil {
				t.Fatal("drawn without a number")
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		st := Statement{
			Language: text, Also: name, Currency: d.Currency, Seller: d.Seller, Payer: d.Buyer, Made: d.IssueDate, From: d.Payment.PaidOn,
			Omitted: int(pick), Listed: d.Total,
		}
		for range lines / 8 {
			st.Lines = append(st.Lines, StatementLine{On: d.IssueDate, Kind: ledger.EntryKind(text), OrderNumber: name, InvoiceNumber: text, Sender: name, Amount: d.Total})
		}
		if drawn, err := RenderStatement(st); err != nil || !bytes.HasSuffix(drawn, []byte("%%EOF\n")) {
			t.Fatalf("a statement of %d bytes, %v", len(drawn), err)
		}
		if !bytes.HasPrefix(file, []byte("%PDF-1.")) || !bytes.HasSuffix(file, []byte("%%EOF\n")) {
			t.Fatal("not whole")
		}
		outside := regexp.MustCompile(`(?s)stream\n.*?endstream`).ReplaceAll(file, nil)
		if found := regexp.MustCompile(`/(JS|JavaScript|AA|OpenAction|Launch|URI|GoTo|Annots|Encrypt)\b`).Find(outside); found != nil {
			t.Fatalf("the file has %s", found)
		}
		shown := drawn(t, file)
		for _, want := range []string{clean(name, limitName), clean(number, limitCode)} {
			if want = string(shape([]rune(want))); string(visual([]rune(want))) != want {
				continue // turned round line by line; TestWrapKeepsAll has it
			}
			if want = strings.NewReplacer(" ", "", "\u00A0", "").Replace(want); !strings.Contains(shown, want) {
				t.Fatalf("no %q in %q", want, shown)
			}
		}
	})
}

// drawn is all text of a file without its spaces: the strings of its pages.
func drawn(t *testing.T, file []byte) string {
	var b strings.Builder
	for _, m := range regexp.MustCompile(`(?s)/Filter /FlateDecode /Length \d+>>\nstream\n(.*?)\nendstream`).FindAllSubmatch(file, -1) {
		r, err := zlib.NewReader(bytes.NewReader(m[1]))
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(r)
		if err != nil || !bytes.Contains(page, []byte(" Tj ET")) {
			continue // a font
		}
		for _, s := range regexp.MustCompile(`(?s)Td \((.*?)\) Tj ET`).FindAllSubmatch(page, -1) {
			var units []uint16
			raw := unescape(s[1])
			for i := 0; i+1 < len(raw); i += 2 {
				units = append(units, be16(raw, i))
			}
			b.WriteString(string(utf16.Decode(units)))
		}
	}
	return strings.ReplaceAll(b.String(), " ", "")
}

// unescape undoes the escapes of a PDF string.
func unescape(s []byte) []byte {
	var out []byte
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
			if s[i] == 'r' {
				out = append(out, '\r')
				continue
			}
		}
		out = append(out, s[i])
	}
	return out
}
