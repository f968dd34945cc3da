package app_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/notice"
)

// noticeKinds are the constants of notice.Kind, read from the source so that a
// new one cannot be forgotten.
func noticeKinds(t *testing.T) []notice.Kind {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../notice/notice.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []notice.Kind
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if of, ok := spec.Type.(*ast.Ident); ok && of.Name == "Kind" {
			kind, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			kinds = append(kinds, notice.Kind(kind))
		}
		return true
	})
	if len(kinds) < 19 {
		t.Fatalf("only %d kinds were found", len(kinds))
	}
	return kinds
}

// Every kind reads well with every set of facts that it may have: no message is
// missing, no value is empty, nothing is told twice.
func TestEveryNoticeHasWords(t *testing.T) {
	t.Parallel()
	vilnius, err := time.LoadLocation("Europe/Vilnius")
	if err != nil {
		t.Fatal(err)
	}
	facts := map[string]func(*notice.Notice){
		"plan":         func(n *notice.Notice) { n.Facts.Plan = "softphone" },
		"amount":       func(n *notice.Notice) { n.Facts.Amount, n.Facts.Currency = 1234_56, "EUR" },
		"on":           func(n *notice.Notice) { n.Facts.On = civil.MustParse("2027-05-20") },
		"until":        func(n *notice.Notice) { n.Facts.Until = time.Date(2027, 5, 23, 9, 30, 0, 0, time.UTC) },
		"document":     func(n *notice.Notice) { n.Facts.Document = "SIP-2026-000123" },
		"number":       func(n *notice.Notice) { n.Facts.Number = "DE136695976" },
		"credit note":  func(n *notice.Notice) { n.Facts.CreditNote = "SIPC-2026-000045" },
		"order":        func(n *notice.Notice) { n.OrderNumber = "O-2026-000777" },
		"subscription": func(n *notice.Notice) { n.SubscriptionID = "5ad1c1b8-9b1c-4f6e-8b7c-111111111111" },
	}
	names := []string{"plan", "amount", "on", "until", "document", "credit note", "order", "subscription", "number"}
	methods := []string{"", "Visa •••• 4242", "card", "bank", "balance"}
	for _, kind := range noticeKinds(t) {
		said := map[string]bool{} // the facts that some text of the kind tells
		for set := range 1 << len(names) {
			for _, method := range methods {
				n := notice.Notice{Key: "k", Kind: kind, PayerID: "7ad1c1b8-9b1c-4f6e-8b7c-222222222222", Facts: notice.Facts{Method: method}}
				for i, name := range names {
					if set&(1<<i) != 0 {
						facts[name](&n)
					}
				}
				text := app.NoticeIn(i18n.New("en"), n, vilnius)
				whole := text.Subject + "\n" + text.Plain("https://portal.example")
				for _, wrong := range []string{"<no value>", "notice.", "plan.", "  ", " ,", " .", "..", "()", "{{", "<nil>", " 0001", "€0.00"} {
					if strings.Contains(whole, wrong) {
						t.Errorf("%s, facts %08b, method %q: %q in\n%s", kind, set, method, wrong, whole)
					}
				}
				if text.Subject == "" || len(text.Subject) > 78 || len(text.Body) == 0 || len(whole) > 1200 {
					t.Errorf("%s, facts %08b, method %q: an odd size:\n%s", kind, set, method, whole)
				}
				seen := map[string]bool{}
				for _, sentence := range text.Body {
					if seen[sentence] || !startsWell(sentence) || !strings.HasSuffix(sentence, ".") {
						t.Errorf("%s, facts %08b, method %q: %q", kind, set, method, sentence)
					}
					seen[sentence] = true
				}
				if strings.Contains(whole, "€1,234.56") {
					said["amount"] = true
				}
				for fact, mark := range map[string]string{
					"plan": "Softphone", "on": "20 May 2027", "until": "23 May 2027, 12:30 (Europe/Vilnius)", "document": "https://portal.example/invoices/SIP-2026-000123",
					"credit note": "https://portal.example/invoices/SIPC-2026-000045",
					"order":       "https://portal.example/orders/O-2026-000777", "method": "Visa •••• 4242",
					"number":       "DE136695976",
					"subscription": "https://portal.example/subscriptions/5ad1c1b8-9b1c-4f6e-8b7c-111111111111",
				} {
					said[fact] = said[fact] || strings.Contains(whole, mark)
				}
			}
		}
		for fact, kinds := range mustSay {
			for _, k := range strings.Fields(kinds) {
				if k == string(kind) && !said[fact] {
					t.Errorf("%s never tells the %s", kind, fact)
				}
			}
		}
	}
}

// startsWell reports whether a sentence begins as sentences do.
func startsWell(sentence string) bool {
	first, _ := utf8.DecodeRuneInString(sentence)
	return unicode.IsUpper(first) || first == '€'
}

// mustSay are the facts that people need to act on a notice.
var mustSay = map[string]string{
	"amount": `bank_invoice_ready renewal_ahead renewal_soon renewed charge_declined charge_confirm grace_begun auto_renew_on changed
		order_paid money_kept credit_note refund_sent refund_failed withdrawn charged_back invoice_corrected`,
	"on":           "bank_invoice_ready renewal_ahead renewal_soon method_expires charge_declined charge_confirm grace_begun auto_renew_on withdrawn vat_number_invalid vat_number_valid",
	"until":        "bank_invoice_ready renewal_ahead renewal_soon renewed grace_begun ended auto_renew_off changed order_paid",
	"method":       "renewal_ahead renewal_soon method_expires renewed charge_declined charge_confirm refund_sent refund_failed charged_back",
	"document":     "renewed order_paid credit_note refund_sent withdrawn invoice_corrected vat_number_invalid vat_number_valid",
	"number":       "vat_number_invalid vat_number_valid",
	"credit note":  "invoice_corrected",
	"order":        "bank_invoice_ready order_paid charge_confirm grace_begun withdrawn money_kept invoice_corrected",
	"subscription": "bank_invoice_ready renewal_ahead renewal_soon charge_declined grace_begun ended auto_renew_off auto_renew_on changed",
	"plan":         "renewal_ahead renewal_soon renewed grace_begun ended auto_renew_off auto_renew_on changed order_paid",
}

// The exact words where money is about to be taken.
func TestWordsOfAReminder(t *testing.T) {
	t.Parallel()
	n := notice.Notice{
		Kind: notice.RenewalAhead, SubscriptionID: "5ad1c1b8-9b1c-4f6e-8b7c-111111111111",
		Facts: notice.Facts{Plan: "softphone", Amount: 21780, Currency: "EUR", On: civil.MustParse("2027-05-20"), Until: time.Date(2027, 5, 23, 9, 30, 0, 0, time.UTC), Method: "Visa\n•••• 4242"},
	}
	got := app.NoticeIn(i18n.New("en"), n, time.UTC)
	want := "On 20 May 2027 we take €217.80, VAT included, for the next period from Visa •••• 4242. Your subscription is paid until 23 May 2027, 09:30 (UTC). " +
		"The next period continues from there. You do not need to do anything. If you do not want it, turn auto-renewal off before that day: then nothing is taken.\n\n" +
		"The subscription: https://p.example/subscriptions/5ad1c1b8-9b1c-4f6e-8b7c-111111111111"
	if got.Subject != "Softphone will be renewed" || got.Plain("https://p.example") != want {
		t.Errorf("%s\n%s", got.Subject, got.Plain("https://p.example"))
	}
	n.Facts.Method = "bank"
	if got := app.NoticeIn(i18n.New("en"), n, time.UTC).Plain(""); strings.Contains(got, "we take") || !strings.Contains(got, "Please pay it by 20 May 2027.") {
		t.Errorf("a payer by transfer reads: %s", got)
	}
	n.Kind = "from_the_future"
	if got := app.NoticeIn(i18n.New("en"), n, time.UTC); got.Subject != "News about your subscription" {
		t.Errorf("%+v", got)
	}
}

// Nothing arrives where an order is paid from money that was there.
func TestWordsOfAnOrderPaidFromTheBalance(t *testing.T) {
	t.Parallel()
	n := notice.Notice{
		Kind: notice.OrderPaid, OrderNumber: "O-2026-000777", Facts: notice.Facts{Plan: "softphone", Amount: 21780, Currency: "EUR", Method: "balance"},
	}
	got := app.NoticeIn(i18n.New("en"), n, time.UTC)
	if want := "We took €217.80, VAT included, for order O-2026-000777 from your balance."; got.Body[0] != want {
		t.Errorf("%q, want %q", got.Body[0], want)
	}
	n.Facts.Method = "bank"
	transfer := app.NoticeIn(i18n.New("en"), n, time.UTC)
	if want := "We received €217.80, VAT included, for order O-2026-000777. Thank you."; transfer.Body[0] != want {
		t.Errorf("%q, want %q", transfer.Body[0], want)
	}
	if strings.Contains(got.Subject+strings.Join(got.Body, " "), "arrived") || got.Subject != "Softphone: your order is paid" {
		t.Errorf("%s: %s", got.Subject, got.Body)
	}
}
