package pdf_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/ledger"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/pdf"
	"github.com/siptg/portal/internal/vat"
)

var update = flag.Bool("update", false, "write the golden files of testdata")

// languages are those that documents come in.
func languages() []string {
	var codes []string
	for _, l := range i18n.DocumentLanguages() {
		codes = append(codes, l.Code)
	}
	return codes
}

var allKinds = []invoice.Kind{invoice.KindBankInvoice, invoice.KindInvoice, invoice.KindCreditNote, invoice.KindReceipt}

// family is every document of the family in a language, by its name.
func family(t testing.TB, language, also string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, kind := range allKinds {
		files[string(kind)] = render(t, inLanguage(t, kind, language, also))
	}
	file, err := pdf.RenderStatement(statement(language, also))
	if err != nil {
		t.Fatal(err)
	}
	files["statement"] = file
	return files
}

// What stands on each document in each language, and in German and Lithuanian:
// read it to see what people read. go test -run TestGolden -update writes it anew.
func TestGoldenWords(t *testing.T) {
	t.Parallel()
	for _, language := range append(languages(), "de+lt") {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			first, also, _ := strings.Cut(language, "+")
			files := family(t, first, also)
			var b strings.Builder
			for _, name := range slices.Sorted(maps.Keys(files)) {
				text := tool(t, files[name], "pdftotext", "poppler-utils", "-raw", "-nopgbrk", "{}", "-")
				fmt.Fprintf(&b, "=== %s\n%s\n", name, strings.TrimSpace(strings.ReplaceAll(string(text), "\u00A0", " ")))
			}
			golden := filepath.Join("testdata", language+".txt")
			if *update {
				if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The sums on the page are the document's, written as the language writes them.
func TestSumsInEveryLanguage(t *testing.T) {
	t.Parallel()
	for _, language := range languages() {
		words := i18n.ForDocument(language)
		for _, kind := range allKinds {
			d := inLanguage(t, kind, language, "")
			text := squeeze(string(tool(t, render(t, d), "pdftotext", "poppler-utils", "-raw", "{}", "-")))
			for _, amount := range []money.Amount{d.Net, d.VATTotal, d.Total, -d.Paid, d.Due} {
				zero := kind == invoice.KindReceipt || (amount == d.Due && kind == invoice.KindCreditNote) || (amount == -d.Paid && kind != invoice.KindInvoice)
				if want := squeeze(words.Money(int64(amount), "EUR")); !zero && !strings.Contains(text, want) {
					t.Errorf("%s, %s: no %s", language, kind, want)
				}
			}
			if n, want := strings.Count(text, squeeze(words.Money(int64(d.Total), "EUR"))), 2; n < want {
				t.Errorf("%s, %s: the total stands there %d times", language, kind, n)
			}
		}
	}
}

// A document in two languages has each of its headings in both, and the file
// names the first.
func TestBothLanguages(t *testing.T) {
	t.Parallel()
	for _, language := range languages() {
		for _, kind := range allKinds {
			file := render(t, inLanguage(t, kind, language, "lt"))
			text := squeeze(string(tool(t, file, "pdftotext", "poppler-utils", "-raw", "{}", "-")))
			for _, code := range []string{language, "lt"} {
				words := i18n.ForDocument(code)
				for _, key := range []string{"doc.issued", "doc.line.description", "doc.sum.net", "doc.vat.reverse_charge", "doc.seller", "doc.item.soft_rec"} {
					receipt := kind == invoice.KindReceipt && key != "doc.issued"
					part := kind == invoice.KindCreditNote && strings.HasPrefix(key, "doc.item.")
					if want := squeeze(words.T(key)); !receipt && !part && !strings.Contains(text, want) {
						t.Errorf("%s, %s: no %q", language, kind, words.T(key))
					}
				}
			}
			if want := "/Lang (" + language + ")"; !bytes.Contains(file, []byte(want)) {
				t.Errorf("%s, %s: no %s", language, kind, want)
			}
		}
		// Lithuanian and Lithuanian is Lithuanian.
		if language == "lt" && !bytes.Equal(render(t, inLanguage(t, invoice.KindReceipt, "lt", "lt")), render(t, inLanguage(t, invoice.KindReceipt, "lt", ""))) {
			t.Error("a second language that is the first one is drawn")
		}
	}
}

// Every font is embedded once, cut to the characters in use.
func TestFontsAreCut(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"en", "ru"} {
		for name, file := range family(t, language, "lt") {
			table := strings.Split(strings.TrimSpace(string(tool(t, file, "pdffonts", "poppler-utils", "{}"))), "\n")[2:]
			fonts := strings.ToLower(strings.Join(table, "\n"))
			if len(table) != 2 || strings.Count(fonts, "inter-regular") != 1 || strings.Count(fonts, "inter-semibold") != 1 {
				t.Errorf("%s, %s: %q", language, name, table)
			}
			if len(file) > 64<<10 { // the two fonts alone have 210 KiB
				t.Errorf("%s, %s: %d bytes", language, name, len(file))
			}
		}
	}
}

// A statement of many movements repeats its head, keeps its sums with the last
// movements, and is the same file each time.
func TestStatementOfManyPages(t *testing.T) {
	t.Parallel()
	base := statement("lt", "")
	line := base.Lines[1]
	for _, n := range []int{0, 1, 20, 21, 22, 23, 24, 25, 26, 120} {
		st := base
		st.Lines = slices.Repeat([]pdf.StatementLine{line}, n)
		st.Omitted = n / 100
		file, err := pdf.RenderStatement(st)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := pdf.RenderStatement(st); err != nil || !bytes.Equal(file, again) {
			t.Errorf("%d movements: another file (%v)", n, err)
		}
		pages := strings.Split(strings.TrimSuffix(string(tool(t, file, "pdftotext", "poppler-utils", "-layout", "{}", "-")), "\f"), "\f")
		for i, page := range pages {
			if heads, lines := strings.Count(page, "Operacija"), strings.Count(page, "O-2026-000101"); heads != 1 || (n > 0 && lines == 0) {
				t.Errorf("%d movements, page %d of %d: %d heads, %d lines\n%s", n, i+1, len(pages), heads, lines, page)
			}
		}
		if last := pages[len(pages)-1]; !strings.Contains(last, "Likutis pabaigoje") || !strings.Contains(last, "nėra PVM dokumentas") {
			t.Errorf("%d movements: no sums on the last page", n)
		}
	}
	if _, err := pdf.RenderStatement(pdf.Statement{}); err == nil {
		t.Error("a statement without a day was drawn")
	}
}

// inLanguage is a document of a kind in a language, as issuing draws it up.
func inLanguage(t testing.TB, kind invoice.Kind, language, also string) invoice.Document {
	t.Helper()
	words := i18n.ForDocument(language)
	line := func(code, key string, price money.Amount) invoice.Line {
		l := invoice.Line{ItemCode: code, Description: words.T("doc.item." + key), Quantity: 36, Unit: invoice.UnitMonth, UnitPrice: price,
			Detail: words.T("doc.item.each", "Quantity", "12", "Price", words.Money(500, "EUR"))}
		if also != "" {
			l.Also = i18n.ForDocument(also).T("doc.item." + key)
		}
		return l
	}
	d := invoice.Document{
		Kind: kind, Number: "SIP-2026-000042", Language: language, Also: also, Currency: "EUR", OrderNumber: "O-2026-000101", Reference: "RF582026000101",
		POReference: "4500-1187-B", IssueDate: day("2026-12-02"), ServiceMonths: 36, Seller: seller(), Customer: "Jürgen Müller (@jmueller, 987654321)",
		Buyer: invoice.Party{Name: "Müller & Söhne Fernsprechtechnik GmbH", CompanyCode: "HRB 12345", VATNumber: "DE136695976", Street: "Königstraße 27",
			City: "Stuttgart", Postcode: "70173", Country: "DE", Email: "rechnung@example.de"},
	}
	terms := invoice.Terms{
		Lines: []invoice.Line{line("SOFT-REC", "soft_rec", 60_00), line("SOFT-SUR", "soft_sur", 150_00)}, Discount: 3000, DiscountAmount: 2268_00,
		DiscountReason: words.N("doc.discount.reason", 36), Prepaid: kind == invoice.KindInvoice,
		Treatment: treatment("DE"),
	}
	if also != "" {
		terms.DiscountAlso = i18n.ForDocument(also).N("doc.discount.reason", 36)
	}
	if kind == invoice.KindBankInvoice {
		d.Number, d.ValidUntil = d.OrderNumber, day("2026-12-16")
		d.Payment = invoice.Payment{
			Method: "bank", Beneficiary: "MB Pavyzdys", IBAN: "LT121000011101001000", BIC: "PAVZLT22XXX",
			Bank: "AB Pavyzdžio bankas", BankAddress: "Konstitucijos pr. 20, LT-09308 Vilnius",
		}
		d.Payment.EPC = epc(5292_00, d.Payment.Beneficiary, d.Payment.IBAN, d.Reference)
	} else {
		d.TaxPoint, d.ServiceFrom, d.ServiceTo = d.IssueDate, d.IssueDate, day("2029-12-01")
		d.Payment = invoice.Payment{Method: "bank", PaidOn: d.IssueDate}
	}
	if kind == invoice.KindReceipt {
		receipt, err := invoice.NewReceipt(invoice.Document{
			Number: "R-2026-000123", Language: language, Also: also, IssueDate: d.IssueDate, Reference: d.Reference, Seller: d.Seller, Buyer: d.Buyer,
			Payment: invoice.Payment{Method: "bank", PaidOn: d.IssueDate, From: "MUELLER UND SOEHNE"},
		}, money.Of(50_00, "EUR"))
		if err != nil {
			t.Fatal(err)
		}
		return receipt
	}
	credit := kind == invoice.KindCreditNote
	if credit {
		d.Kind = invoice.KindInvoice
	}
	document, err := invoice.New(d, terms)
	if err != nil {
		t.Fatal(err)
	}
	if !credit {
		return document
	}
	c := invoice.Credit{
		IssueDate: day("2027-03-05"), Net: 1000_00, ServiceFrom: day("2027-03-05"), ServiceTo: day("2029-12-01"),
		Description: words.N("doc.credit.days", 1095, "Days", words.Number(1003)), Reason: words.T("doc.credit.reason.refund"),
		Returned: invoice.Returned{Balance: 1000_00},
	}
	if also != "" {
		second := i18n.ForDocument(also)
		c.DescriptionAlso, c.ReasonAlso = second.N("doc.credit.days", 1095, "Days", second.Number(1003)), second.T("doc.credit.reason.refund")
	}
	note, err := invoice.NewCreditNote(document, c)
	if err != nil {
		t.Fatal(err)
	}
	note.Number = "SIPC-2027-000001"
	return note
}

// treatment is that of a business with a valid number in another member state.
func treatment(country string) vat.Treatment {
	t, err := vat.Decide(vat.Seller{Country: "LT", Scheme: vat.SchemeStd},
		vat.Buyer{Country: country, VATNumber: "DE136695976", VIES: vat.StatusValid, Company: true}, civil.MustParse("2026-12-02"), vat.Turnover{})
	if err != nil {
		panic(err)
	}
	return t
}

// statement is an account statement in a language.
func statement(language, also string) pdf.Statement {
	st := pdf.Statement{
		Language: language, Also: also, Currency: "EUR", Seller: seller(), Made: day("2026-12-02"), From: day("2026-01-01"), To: day("2026-12-31"),
		Payer: invoice.Party{Name: "Müller & Söhne Fernsprechtechnik GmbH", CompanyCode: "HRB 12345", VATNumber: "DE136695976", Street: "Königstraße 27",
			City: "Stuttgart", Postcode: "70173", Country: "DE", Email: "rechnung@example.de"},
		Sums: ledger.Totals{Opening: 12_50},
	}
	balance := st.Sums.Opening
	for i, kind := range []ledger.EntryKind{ // all that move a balance
		ledger.EntryBankReceived, ledger.EntryOrderPaid, ledger.EntryCaptured, ledger.EntryChangeCredit, ledger.EntryCredited, ledger.EntryRefundAsked, ledger.EntryRefundFailed,
		ledger.EntryCorrected, ledger.EntrySuspenseMatched, ledger.EntrySuspenseTakenBack, ledger.EntryDisputeTaken,
	} {
		l := pdf.StatementLine{On: st.From.AddDays(9 * i), Kind: kind, Amount: money.Amount(1000_00 + 7*i)}
		switch kind {
		case ledger.EntryBankReceived:
			l.Sender, l.ReceiptNumber = "MUELLER UND SOEHNE", "R-2026-000007"
		case ledger.EntryOrderPaid:
			l.Amount, l.OrderNumber, l.InvoiceNumber = -l.Amount, "O-2026-000101", "SIP-2026-000042"
		case ledger.EntryCredited, ledger.EntryCorrected:
			l.InvoiceNumber = "SIPC-2026-000003"
		case ledger.EntrySuspenseMatched:
			l.Sender = "MUELLER UND SOEHNE"
		case ledger.EntryRefundAsked, ledger.EntrySuspenseTakenBack:
			l.Amount = -l.Amount
		default:
		}
		if balance += l.Amount; l.Amount > 0 {
			st.Sums.In += l.Amount
		} else {
			st.Sums.Out -= l.Amount
		}
		l.After = balance
		st.Lines = append(st.Lines, l)
	}
	st.Sums.Closing, st.Sums.Count = balance, len(st.Lines)
	return st
}
