package web

import (
	"bytes"
	"crypto/sha256"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/provider/sandbox"
)

// checkout is the id of the sandbox's page that an answer leads to.
func (s *site) checkout(a *answer) string {
	s.t.Helper()
	id, ok := strings.CutPrefix(a.location(), s.sandboxSite.URL+"/v1/checkouts/")
	if a.status != http.StatusSeeOther || !ok {
		s.t.Fatalf("%d to %q, not to the page where payers pay\n%s", a.status, a.location(), clip(a.body, 1500))
	}
	return id
}

// opened is how many pages the sandbox opened.
func (s *site) opened() int { return len(s.sandbox.Book()) }

// orderBy places an order for one SIP account by the form and returns its path.
func (s *site) orderBy(b *browser, method string) string {
	s.t.Helper()
	form := b.get("/plans/softphone?accounts=1&period=6").filled(orderFormSelector)
	form.Set("method", method)
	a := b.post("/orders", form)
	if a.status != http.StatusSeeOther || !strings.HasPrefix(a.location(), "/orders/O-") {
		s.t.Fatalf("order by %s: %d to %q\n%s", method, a.status, a.location(), clip(a.body, 1500))
	}
	return a.location()
}

// fund tops a payer's balance up by card.
func (s *site) fund(b *browser, payer account.PayerID, amount string) {
	s.t.Helper()
	a := b.post("/balance/top-up", url.Values{"payer": {string(payer)}, "amount": {amount}, "method": {"card"}})
	s.must(s.sandbox.Press(s.checkout(a), "pay", sandbox.CardOK, false))
	if back := b.get(ofPayer(app.TopUpPaymentPath, payer)); back.mark("payment-state").AttrOr("data-state", "") != "succeeded" {
		s.t.Fatalf("the top-up: %s", back.mark("payment-state").Text())
	}
}

func (a *answer) state() string { return a.mark("payment-state").AttrOr("data-state", "") }

// said is what people read on the page, in one line.
func (a *answer) said() string { return strings.Join(strings.Fields(a.doc().Find("main").Text()), " ") }

func (s *site) countOf(sql string, args ...any) (n int) {
	s.t.Helper()
	s.must(s.db.Pool().QueryRow(s.ctx(), sql, args...).Scan(&n))
	return n
}

// clean fails unless every money invariant holds.
func (s *site) clean() {
	s.t.Helper()
	lines, clean, err := s.app.Audit(s.ctx())
	s.must(err)
	if !clean {
		s.t.Errorf("the audit is not clean: %v", lines)
	}
}

// From the order form to the card that is kept: declined, left, paid, removed.
func TestPayByCard(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, payer := s.customer(7_900_000_003_001, "Ona")
	calculator := b.get("/plans/softphone?accounts=1&period=6")
	for _, said := range []string{"No way of paying costs extra.", "You pay in EUR", "Starts at once.", "Starts when the money arrives"} {
		if !strings.Contains(calculator.said(), said) {
			t.Errorf("before ordering the page does not say %q", said)
		}
	}
	if calculator.doc().Find(orderFormSelector+` [name=method][value=balance]`).Length() != 0 {
		t.Error("an empty balance is offered")
	}
	path := s.orderBy(b, "card")
	page := b.get(path)
	if page.mark("chosen-method").AttrOr("data-method", "") != "card" || page.mark("rf").Length() != 1 {
		t.Error("the order does not show how to pay")
	}
	consent := strings.Join(strings.Fields(page.mark("consent").Text()), " ")
	for _, said := range []string{"MB Pavyzdys charges this card for each renewal of Softphone", "3 days before the paid time ends", "with VAT. Today it is €21.78 for 6 months", "switch auto-renewal off"} {
		if !strings.Contains(consent, said) {
			t.Errorf("the consent does not say %q: %s", said, consent)
		}
	}
	if _, ticked := page.mark("consent").Closest("form").Find("#f-keep").Attr("checked"); ticked {
		t.Error("the box is ticked before anybody ticks it")
	}
	form := page.filled(`form[action="` + path + `/pay"]`)
	form.Set("keep", "on")
	b.header.Set("User-Agent", "Test \xff browser")

	// A double click opens one page.
	var wg sync.WaitGroup
	answers := make([]*answer, 2)
	for i := range answers {
		wg.Go(func() { answers[i] = b.post(path+"/pay", form) })
	}
	wg.Wait()
	first := s.checkout(answers[0])
	if s.checkout(answers[1]) != first || s.opened() != 1 {
		t.Fatalf("two clicks opened %d pages", s.opened())
	}

	// Walking away is no failure, and there is a way back.
	back := b.get(path + "/payment")
	if back.state() != "awaiting_payer" || back.mark("go-on").AttrOr("href", "") != answers[0].location() || !strings.Contains(back.said(), "Nothing was charged") {
		t.Errorf("walked away: %s", back.said())
	}
	if page := b.get(path); page.mark("go-on").AttrOr("href", "") != answers[0].location() || page.doc().Find(`form[action="`+path+`/pay"]`).Length() != 1 {
		t.Error("the order's page does not lead back")
	}

	// Declined: words, what to do, and every way is open.
	s.must(s.sandbox.Press(first, "decline", "", false))
	back = b.get(path + "/payment")
	if back.state() != "failed" || !strings.Contains(back.said(), "was not charged") || back.doc().Find(`a[href="`+path+`#pay-card"]`).Length() != 1 {
		t.Errorf("declined: %s", back.said())
	}
	if page := b.get(path); page.state() != "failed" || page.mark("pay-card").Length() != 1 || page.mark("iban").Length() != 1 {
		t.Error("after a decline something cannot be paid")
	}

	second := s.checkout(b.post(path+"/pay", form))
	s.must(s.sandbox.Press(second, "pay", sandbox.CardExpires, true))
	back = b.get(path + "/payment")
	if back.state() != "succeeded" || back.doc().Find(`a[href^="/subscriptions/"]`).Length() != 1 || back.header.Get("Refresh") != "" {
		t.Errorf("paid: %s", back.said())
	}
	o, err := s.app.Order(s.ctx(), b.actor(), strings.TrimPrefix(path, "/orders/"))
	s.must(err)
	s.must(s.app.IssueInvoice(s.ctx(), o.ID))
	back = b.get(path + "/payment")
	if back.doc().Find(`a[href^="/invoices/SIP-2026-"]`).Length() != 1 {
		t.Error("no way to the invoice")
	}
	page = b.get(path)
	if page.doc().Find("main form").Length() != 0 || page.doc().Find(`[data-testid="payment-state"]`).Length() != 0 {
		t.Error("a paid order can be paid")
	}
	if a := b.post(path+"/pay", nil); a.status != http.StatusConflict || s.opened() != 2 {
		t.Errorf("paying a paid order: %d, %d pages", a.status, s.opened())
	}

	// What was agreed to is what was shown.
	var digest []byte
	var agent string
	s.must(s.db.Pool().QueryRow(s.ctx(), `SELECT text_sha256, user_agent FROM consent WHERE subject = $1 AND text_id = 'consent.renewal' AND ip = '192.0.2.1' ORDER BY given_at LIMIT 1`, o.ID).Scan(&digest, &agent))
	shown := renewalConsent(i18n.New("en"), o, s.app.Seller())
	if want := sha256.Sum256([]byte(shown.text())); !bytes.Equal(digest, want[:]) || agent != "Test ? browser" {
		t.Errorf("recorded %x of %q", digest, agent)
	}
	for _, sentence := range shown {
		if !strings.Contains(consent, sentence) {
			t.Errorf("recorded, but not shown: %s", sentence)
		}
	}

	// The card is listed with what it pays, and warns: it ends before the renewal.
	cards := b.get(ofPayer("/billing/methods", payer))
	if cards.mark("method").Length() != 1 || cards.mark("card-use").Length() != 1 || cards.mark("card-too-late").Length() != 1 ||
		!strings.Contains(cards.said(), "If you remove it: 1 subscription is no longer renewed by this card.") {
		t.Errorf("cards: %s", cards.said())
	}
	revoke := `form[action$="/revoke"]`
	action := cards.doc().Find(revoke).AttrOr("action", "")
	sent := cards.filled(revoke)
	for range 2 {
		if a := b.submit(action, sent); a.status != http.StatusOK || a.doc().Find(`[data-testid="method"]`).Length() != 0 || !strings.Contains(a.said(), "No card is saved") {
			t.Errorf("removed: %d %s", a.status, a.said())
		}
	}
	if n := s.countOf(`SELECT count(*) FROM audit WHERE action = 'method.revoked'`); n != 1 {
		t.Errorf("%d removals in the audit log", n)
	}
	s.clean()
}

// Each state has words that say what happened to the money, on both pages.
func TestEveryPaymentState(t *testing.T) {
	t.Parallel()
	for want, tt := range map[string]struct {
		reach   func(s *site, checkout, reference string)
		said    string
		goOn    bool // there is a link to the provider's page
		reloads bool
	}{
		"awaiting_payer":  {func(*site, string, string) {}, "You have not finished paying. Nothing was charged.", true, false},
		"action_required": {func(s *site, id, _ string) { s.must(s.sandbox.Press(id, "confirm", "", false)) }, "Nothing is charged until you confirm.", true, false},
		"processing":      {func(s *site, id, _ string) { s.must(s.sandbox.Press(id, "pay", sandbox.CardLater, false)) }, "is on its way. Please do not pay again.", false, true},
		"failed":          {func(s *site, id, _ string) { s.must(s.sandbox.Press(id, "decline", "", false)) }, "the card was not charged", false, false},
		"expired":         {func(s *site, _, _ string) { s.clock.Set(s.clock.Now().Add(61 * time.Minute)) }, "is closed now. Nothing was charged.", false, false},
		"unknown": {func(s *site, _, reference string) {
			// Nobody knows, and the provider does not tell.
			_, err := s.db.Pool().Exec(s.ctx(), `UPDATE payment SET state = 'unknown', version = version + 1 WHERE id = $1`, reference)
			s.must(err)
			s.sandboxDown.Store(true)
		}, "We are checking; you are not charged twice.", false, true},
		"checked": {func(s *site, _, _ string) {
			s.must(s.sandbox.Inject(sandbox.Fault{Kind: sandbox.WrongAmount, On: "lookup", Times: 10}))
		}, "a person of ours looks at it", true, false},
		"canceled": {func(s *site, _, reference string) {
			_, err := s.db.Pool().Exec(s.ctx(), `UPDATE payment SET state = 'canceled', next_check_at = NULL, payer_url = '', version = version + 1 WHERE id = $1`, reference)
			s.must(err)
		}, "The payment by card was stoppedNothing was charged.", false, false},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			b, _ := s.customer(7_900_000_003_010, "Ona")
			path := s.orderBy(b, "card")
			id := s.checkout(b.post(path+"/pay", url.Values{}))
			tt.reach(s, id, s.sandbox.Book()[0].Reference)
			if want == "expired" { // so is the session
				b.signIn(7_900_000_003_010, "Ona")
			}
			back := b.get(path + "/payment")
			if back.status != http.StatusOK || back.state() != want || !strings.Contains(back.said(), tt.said) {
				t.Errorf("%d, state %s: %s", back.status, back.state(), back.said())
			}
			if reloads := back.header.Get("Refresh") != ""; reloads != tt.reloads {
				t.Errorf("reloads: %t", reloads)
			}
			if want != "failed" && strings.Contains(strings.ToLower(back.said()), "fail") {
				t.Errorf("it says that something failed: %s", back.said())
			}
			page := b.get(path)
			if page.state() != want || !strings.Contains(page.said(), tt.said) || page.mark("iban").Length() != 1 || page.mark("pay-card").Length() != 1 {
				t.Errorf("the order's page, state %s: %s", page.state(), page.said())
			}
			if goOn := page.doc().Find(`[data-testid="go-on"]`).Length() == 1; goOn != tt.goOn && want != "checked" {
				t.Errorf("leads on: %t", goOn)
			}
		})
	}
}

// A payment service that is down takes nothing: the page says so, keeps the tick
// and offers what else there is. Trying again works.
func TestTheProviderIsDown(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, payer := s.customer(7_900_000_003_020, "Ona")
	path := s.orderBy(b, "bank")
	form := b.get(path).filled(`form[action="` + path + `/pay"]`)
	form.Set("keep", "on")
	s.sandboxDown.Store(true)
	a := b.post(path+"/pay", form)
	if a.status != http.StatusServiceUnavailable || !strings.Contains(a.said(), "Nothing was taken from your card.") || a.mark("not-taken").Length() != 1 || a.mark("iban").Length() != 1 {
		t.Fatalf("%d %s", a.status, a.said())
	}
	if _, ticked := a.doc().Find("#f-keep").Attr("checked"); !ticked {
		t.Error("the tick is lost")
	}
	if policy := a.header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self' "+s.sandboxSite.URL+";") {
		t.Errorf("the form cannot be sent again: %s", policy)
	}
	topUp := url.Values{"payer": {string(payer)}, "amount": {"50,00"}, "method": {"card"}}
	if a := b.post("/balance/top-up", topUp); a.status != http.StatusServiceUnavailable || a.mark("not-taken").Length() != 1 || a.doc().Find("#f-amount").AttrOr("value", "") != "50,00" {
		t.Errorf("top-up: %d %s", a.status, a.said())
	}
	if back := b.get(path + "/payment"); back.state() != "unknown" && back.state() != "created" {
		t.Errorf("meanwhile it is %s", back.state())
	}
	s.sandboxDown.Store(false)
	s.must(s.sandbox.Press(s.checkout(b.post(path+"/pay", form)), "pay", sandbox.CardOK, true))
	if back := b.get(path + "/payment"); back.state() != "succeeded" {
		t.Errorf("then: %s", back.said())
	}
	s.checkout(b.post("/balance/top-up", topUp))
	if n := s.opened(); n != 2 {
		t.Errorf("%d pages were opened for an order and a top-up", n)
	}
	if n := s.countOf(`SELECT count(*) FROM consent c JOIN orders o ON o.id = c.subject`); n != 1 {
		t.Errorf("%d consents to one text", n)
	}
	s.clean()
}

// A consent is to the text that was shown, and to no other.
func TestAnotherConsent(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, _ := s.customer(7_900_000_003_030, "Ona")
	path := s.orderBy(b, "card")
	for _, digest := range []string{"", "x", strings.Repeat("0", 64)} {
		a := b.post(path+"/pay", url.Values{"keep": {"on"}, "consent": {digest}})
		if a.status != http.StatusConflict || !strings.Contains(a.mark("pay-problem").Text(), "has changed since you opened the page") {
			t.Errorf("%q: %d", digest, a.status)
		}
	}
	if a := b.post(path+"/pay", url.Values{"keep": {"yes"}}); a.status != http.StatusUnprocessableEntity {
		t.Errorf("keep=yes: %d", a.status)
	}
	if s.opened() != 0 || s.countOf(`SELECT count(*) FROM consent`) != 0 {
		t.Error("something was begun")
	}
}

// The balance is offered when it covers the whole, and pays at once and once.
func TestPayFromBalance(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, payer := s.customer(7_900_000_003_040, "Ona")
	form := b.get("/plans/softphone?accounts=1&period=6").filled(orderFormSelector)
	form.Set("method", "balance")
	if a := b.post("/orders", form); a.status != http.StatusUnprocessableEntity || a.mark("error").AttrOr("data-field", "") != "method" {
		t.Errorf("an empty balance: %d %s", a.status, a.said())
	}
	form.Set("method", "coins")
	if a := b.post("/orders", form); a.status != http.StatusUnprocessableEntity || a.mark("error").AttrOr("data-field", "") != "method" {
		t.Errorf("no method: %d", a.status)
	}
	open := s.orderBy(b, "bank")
	if a := b.post(open+"/pay-from-balance", nil); a.status != http.StatusConflict || !strings.Contains(a.mark("pay-problem").Text(), "too low") {
		t.Errorf("too little: %d", a.status)
	}
	s.fund(b, payer, "50.00")

	// At placing. The same form again is the same order.
	calculator := b.get("/plans/softphone?accounts=1&period=6&method=balance")
	if !strings.Contains(calculator.said(), "You can spend €50.00. Starts at once.") {
		t.Errorf("the balance is not shown: %s", calculator.said())
	}
	form = calculator.filled(orderFormSelector)
	if form.Get("method") != "balance" {
		t.Errorf("the choice is lost: %s", form.Get("method"))
	}
	placed := b.post("/orders", form)
	if again := b.post("/orders", form); placed.status != http.StatusSeeOther || again.location() != placed.location() {
		t.Fatalf("%d %q, again %d %q", placed.status, placed.location(), again.status, again.location())
	}
	if a := b.get(placed.location()); a.mark("status").AttrOr("data-state", "") != "paid" || !strings.Contains(a.said(), "paid from the balance") {
		t.Errorf("%s", a.said())
	}

	// Later: the open order is a renewal now. A page of the card that waits is no
	// obstacle, and is closed.
	id := s.checkout(b.post(open+"/pay", url.Values{}))
	page := b.get(open)
	if page.mark("pay-balance").Length() == 0 || !strings.Contains(page.said(), "You can spend €28.22 from your balance.") || !strings.Contains(page.said(), "€6.44 is left") {
		t.Errorf("offer: %s", page.said())
	}
	for range 2 {
		if a := b.submit(open+"/pay-from-balance", url.Values{}); a.status != http.StatusOK || a.mark("status").AttrOr("data-state", "") != "paid" {
			t.Errorf("%d %s", a.status, a.said())
		}
	}
	if _, err := s.app.CheckPayments(s.ctx()); err != nil {
		t.Fatal(err)
	}
	for _, e := range s.sandbox.Book() {
		if e.ID == id && e.State != payment.Canceled {
			t.Errorf("the card's page is %s", e.State)
		}
	}
	if got := b.get("/balance").mark("balance").AttrOr("data-minor", ""); got != "644" {
		t.Errorf("%s is left", got)
	}
	for what, sql := range map[string]string{
		"paid orders":    `SELECT count(*) FROM orders WHERE state = 'paid' AND method = 'balance'`,
		"entries":        `SELECT count(*) FROM ledger_entry WHERE kind = 'order_paid'`,
		"lines of audit": `SELECT count(*) FROM audit WHERE action = 'order.paid' AND actor LIKE 'account:%'`,
		"notices":        `SELECT count(*) FROM notice WHERE kind = 'order_paid'`,
		"jobs":           `SELECT count(*) FROM river_job WHERE kind = 'issue_invoice'`,
	} {
		if n := s.countOf(sql); n != 2 {
			t.Errorf("%s: %d", what, n)
		}
	}
	s.clean()
}

// Money that may be on its way by card is not paid from the balance, too.
func TestBalanceWhileACardIsCharged(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, payer := s.customer(7_900_000_003_050, "Ona")
	s.fund(b, payer, "50")
	path := s.orderBy(b, "card")
	s.must(s.sandbox.Press(s.checkout(b.post(path+"/pay", url.Values{})), "pay", sandbox.CardLater, false))
	if back := b.get(path + "/payment"); back.state() != "processing" {
		t.Fatalf("%s", back.state())
	}
	for _, way := range []string{"/pay-from-balance", "/pay"} {
		if a := b.post(path+way, url.Values{}); a.status != http.StatusConflict || !strings.Contains(a.mark("pay-problem").Text(), "on its way") {
			t.Errorf("%s: %d %s", way, a.status, a.said())
		}
	}
	s.must(s.sandbox.Settle(s.sandbox.Book()[1].Reference, true))
	if back := b.get(path + "/payment"); back.state() != "succeeded" {
		t.Errorf("settled: %s", back.said())
	}
	s.clean()
}

// The chosen way can be changed while the order is open.
func TestChooseMethod(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, _ := s.customer(7_900_000_003_060, "Ona")
	path := s.orderBy(b, "bank")
	choose := func(method string) *answer { return b.submit(path+"/method", url.Values{"method": {method}}) }
	for _, method := range []string{"card", "card", "bank"} {
		if got := choose(method).mark("chosen-method").AttrOr("data-method", ""); got != method {
			t.Errorf("%s: chosen is %s", method, got)
		}
	}
	for _, method := range []string{"", "balance", "coins"} {
		if a := choose(method); a.status != http.StatusUnprocessableEntity || a.mark("pay-problem").Length() != 1 || a.mark("chosen-method").AttrOr("data-method", "") != "bank" {
			t.Errorf("%q: %d", method, a.status)
		}
	}
	if n := s.countOf(`SELECT count(*) FROM audit WHERE action = 'order.method'`); n != 2 {
		t.Errorf("%d changes", n)
	}
	if a := b.submit(path+"/cancel", url.Values{}); a.status != http.StatusOK {
		t.Fatal(a.status)
	}
	if a := choose("card"); a.status != http.StatusConflict {
		t.Errorf("of a canceled order: %d", a.status)
	}
}

// A top-up by card: mistakes at the field, one page for a double click, and the
// money on the balance.
func TestTopUpByCard(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, payer := s.customer(7_900_000_003_070, "Ona")
	send := func(amount string) *answer {
		return b.post("/balance/top-up", url.Values{"payer": {string(payer)}, "amount": {amount}, "method": {"card"}})
	}
	for _, typed := range []string{"", "0,99", "10000.01", "1,000.00", "fifty", "-5", "5.005"} {
		a := send(typed)
		if a.status != http.StatusUnprocessableEntity || a.mark("error").AttrOr("data-field", "") != "amount" || a.doc().Find("#f-amount").AttrOr("value", "") != typed {
			t.Errorf("%q: %d", typed, a.status)
		}
	}
	if a := b.post("/balance/top-up", url.Values{"payer": {string(payer)}, "amount": {"5"}, "method": {"balance"}}); a.status != http.StatusUnprocessableEntity {
		t.Errorf("from the balance to itself: %d", a.status)
	}
	if s.opened() != 0 {
		t.Fatalf("%d pages for mistakes", s.opened())
	}
	var wg sync.WaitGroup
	ids := make([]*answer, 2)
	for i := range ids {
		wg.Go(func() { ids[i] = send("50,00") })
	}
	wg.Wait()
	id := s.checkout(ids[0])
	if s.checkout(ids[1]) != id || s.opened() != 1 {
		t.Fatalf("two clicks opened %d pages", s.opened())
	}
	if e := s.sandbox.Book()[0]; e.AmountMinor != 5000 || e.ReturnURL != s.public+ofPayer(app.TopUpPaymentPath, payer) {
		t.Errorf("the page asks for %d and leads to %s", e.AmountMinor, e.ReturnURL)
	}
	back := ofPayer(app.TopUpPaymentPath, payer)
	if a := b.get(back); a.state() != "awaiting_payer" || a.mark("go-on").AttrOr("href", "") != ids[0].location() {
		t.Errorf("walked away: %s", a.said())
	}
	s.must(s.sandbox.Press(id, "pay", sandbox.CardOK, false))
	for range 2 {
		if a := b.get(back); a.state() != "succeeded" || a.doc().Find(`main a[href="`+ofPayer("/balance", payer)+`"]`).Length() == 0 {
			t.Errorf("paid: %s", a.said())
		}
	}
	a := b.get("/balance")
	if a.mark("balance").AttrOr("data-minor", "") != "5000" || !strings.Contains(a.mark("movement").Text(), "Card payment received") {
		t.Errorf("%s", a.said())
	}
	// Another amount, and the same amount again, are further top-ups.
	if next := s.checkout(send("20")); next == id || s.opened() != 2 {
		t.Error("a paid page was used again")
	}
	s.clean()
}

// Who may not pay gets nowhere, and moves nothing.
func TestWhoMayPay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.opened()
	for who, b := range map[string]*browser{"customer": w.customer, "accountant": w.accountant, "stranger": w.stranger} {
		for _, path := range []string{"/orders/" + w.open.Number + "/pay", "/orders/" + w.open.Number + "/pay-from-balance", "/orders/" + w.open.Number + "/method", "/billing/methods/" + w.card + "/revoke"} {
			if a := b.post(path, url.Values{"method": {"card"}}); a.status != http.StatusNotFound && (who != "accountant" || a.status != http.StatusForbidden) {
				t.Errorf("%s as %s: %d", path, who, a.status)
			}
		}
		a := b.post("/balance/top-up", url.Values{"payer": {string(w.payer)}, "amount": {"5"}, "method": {"card"}})
		if want := map[string]int{"accountant": http.StatusForbidden}[who]; a.status != max(want, http.StatusForbidden) && a.status != http.StatusNotFound {
			t.Errorf("top-up as %s: %d", who, a.status)
		}
	}
	page := w.accountant.get(ofPayer("/balance", w.payer))
	if page.status != http.StatusOK || page.doc().Find("main form").Length() != 0 {
		t.Error("an accountant sees a form to pay")
	}
	if w.opened() != before || w.countOf(`SELECT count(*) FROM payment_method WHERE revoked_at IS NOT NULL`) != 0 {
		t.Error("something was moved")
	}
}
