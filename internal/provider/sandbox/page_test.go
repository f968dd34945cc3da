package sandbox_test

import (
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/provider/sandbox"
)

// browse gets a page, or presses a button on it, and returns what it shows.
func (s *site) browse(address string, form url.Values) *goquery.Document {
	s.Helper()
	verb := http.MethodGet
	if form != nil {
		verb = http.MethodPost
	}
	r, err := http.NewRequestWithContext(s.Context(), verb, address, strings.NewReader(form.Encode()))
	s.must(err)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	resp, err := s.api.Client().Do(r)
	s.must(err)
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		s.Fatalf("%s %s: %s", verb, address, resp.Status)
	}
	if csp := resp.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; style-src 'self'; form-action 'self'") {
		s.Errorf("policy %q", csp)
	}
	page, err := goquery.NewDocumentFromReader(resp.Body)
	s.must(err)
	if n := page.Find("script, style, [style], [onclick]").Length(); n != 0 {
		s.Errorf("%d inline scripts or styles", n)
	}
	return page
}

func (s *site) checkout(id payment.ID, keep bool) payment.Checkout {
	s.Helper()
	c, r := s.adapter.CreateCheckout(s.Context(), payment.CheckoutRequest{
		PaymentID: id, Key: payment.Key(string(id), payment.OpCheckout, 1), Amount: eur, Description: "<b>Softphone</b>", KeepMethod: keep,
		ReturnURL: "https://portal.example/pay/return", ExpiresAt: day.Add(30 * time.Minute),
	})
	if r.Outcome != payment.OutcomeActionRequired {
		s.Fatalf("%s %s", r.Outcome, r.Detail)
	}
	return c
}

func find(page *goquery.Document, testid string) *goquery.Selection {
	return page.Find(`[data-testid="` + testid + `"]`)
}

func TestThePage(t *testing.T) {
	t.Parallel()
	type step struct {
		action string
		card   sandbox.Card
	}
	for _, tt := range []struct {
		name     string
		steps    []step
		want     payment.State
		captures int
	}{
		{"pays", []step{{"pay", sandbox.CardOK}}, payment.Succeeded, 1},
		{"pays twice", []step{{"pay", sandbox.CardOK}, {"pay", sandbox.CardOK}}, payment.Succeeded, 1},
		{"declines", []step{{"decline", sandbox.CardOK}}, payment.Failed, 0},
		{"pays while there is money", []step{{"pay", sandbox.CardEmpties}}, payment.Succeeded, 1},
		{"tries another card", []step{{"pay", sandbox.CardDeclines}, {"pay", sandbox.CardInsufficient}, {"pay", sandbox.CardOK}}, payment.Succeeded, 1},
		{"a bad card only", []step{{"pay", sandbox.CardDeclines}}, payment.AwaitingPayer, 0},
		{"no card", []step{{"pay", ""}}, payment.AwaitingPayer, 0},
		{"is asked by the bank", []step{{"confirm", sandbox.CardOK}}, payment.ActionRequired, 0},
		{"confirms", []step{{"confirm", sandbox.CardOK}, {"confirmed", ""}}, payment.Succeeded, 1},
		{"confirms a card that asks for it", []step{{"pay", sandbox.CardConfirm}, {"confirmed", ""}}, payment.Succeeded, 1},
		{"refuses", []step{{"confirm", sandbox.CardOK}, {"refuse", ""}}, payment.Failed, 0},
		{"pays later", []step{{"pay", sandbox.CardLater}}, payment.Processing, 0},
		{"confirms out of turn", []step{{"confirmed", ""}}, payment.AwaitingPayer, 0},
		{"walks away", nil, payment.AwaitingPayer, 0},
	} {
		s := newSite(t)
		c := s.checkout("p", true)
		page := s.browse(c.PayerURL, nil)
		if got := find(page, "sandbox-amount").Text(); got != "25.00 EUR" {
			t.Errorf("amount %q", got)
		}
		if href, _ := find(page, "sandbox-leave").Attr("href"); href != "https://portal.example/pay/return" {
			t.Errorf("the way back is %q", href)
		}
		if page.Find("b").Length() != 0 || !strings.Contains(page.Text(), "<b>Softphone</b>") {
			t.Error("the description is not plain text")
		}
		for _, step := range tt.steps {
			page = s.browse(c.PayerURL, url.Values{"action": {step.action}, "card": {string(step.card)}, "keep": {"on"}})
		}
		if v := s.look("p"); v.State != tt.want || (v.Method != nil) != (tt.captures > 0 || tt.want == payment.Processing || tt.want == payment.ActionRequired || tt.name == "refuses") {
			t.Errorf("%s: %s with method %+v, want %s", tt.name, v.State, v.Method, tt.want)
		}
		entries := s.Book()
		if len(entries) != 1 || len(entries[0].Captures) != tt.captures {
			t.Errorf("%s: %+v", tt.name, entries)
		}
		shown, _ := find(page, "sandbox-state").Attr("data-state")
		if tt.want.Terminal() && (shown != string(tt.want) || find(page, "sandbox-return").Length() != 1) {
			t.Errorf("%s: the page shows %q", tt.name, shown)
		}
		if noted := find(page, "sandbox-note").Length() == 1; noted != (tt.name == "a bad card only" || tt.name == "no card") {
			t.Errorf("%s: a note is shown: %v", tt.name, noted)
		}
	}
}

// A card that was kept at the page is charged later.
func TestKeepThisCard(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := s.checkout("p", true)
	if find(s.browse(c.PayerURL, nil), "sandbox-form").Find(`input[name="keep"]`).Length() != 1 {
		t.Error("keeping is not offered")
	}
	s.must(s.Press(path.Base(c.PayerURL), "pay", sandbox.CardOK, true))
	m := s.look("p").Method
	if m == nil || m.Label == "" || m.Fingerprint == "" || m.ExpiresOn.IsZero() {
		t.Fatalf("%+v", m)
	}
	r := s.adapter.ChargeSaved(t.Context(), payment.ChargeRequest{PaymentID: "q", Key: "k", Amount: eur, MethodRef: m.Ref})
	if r.Outcome != payment.OutcomeSucceeded {
		t.Errorf("%s %s", r.Outcome, r.Detail)
	}
	// Who was not asked did not agree.
	c = s.checkout("r", false)
	s.must(s.Press(path.Base(c.PayerURL), "pay", sandbox.CardOK, true))
	if m := s.look("r").Method; m != nil {
		t.Errorf("kept without being offered: %+v", m)
	}
}

// A renewal that the bank wants to see the payer for is confirmed at a page.
func TestConfirmARenewal(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := s.charge("p", 1, sandbox.CardConfirm)
	page := s.browse(r.PayerURL, nil)
	if find(page, "sandbox-bank").Length() != 1 || find(page, "sandbox-form").Length() != 0 {
		t.Error("the bank does not ask")
	}
	s.browse(r.PayerURL, url.Values{"action": {"confirmed"}})
	if v := s.look("p"); v.State != payment.Succeeded || v.Received != eur {
		t.Errorf("%+v", v)
	}
}

func TestACheckoutExpires(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := s.checkout("p", false)
	s.pass(31 * time.Minute)
	page := s.browse(c.PayerURL, url.Values{"action": {"pay"}, "card": {"ok"}})
	if state, _ := find(page, "sandbox-state").Attr("data-state"); state != "expired" {
		t.Errorf("the page shows %q", state)
	}
	if v := s.look("p"); v.State != payment.Expired || v.Received.Amount != 0 {
		t.Errorf("%+v", v)
	}
}

// Another site cannot press the buttons.
func TestThePageKnowsItsOwnForms(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := s.checkout("p", false)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.PayerURL, strings.NewReader("action=pay&card=ok"))
	s.must(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	resp, err := s.api.Client().Do(r)
	s.must(err)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden || len(s.Book()[0].Captures) != 0 {
		t.Errorf("%s", resp.Status)
	}
}
