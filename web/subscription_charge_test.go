package web

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/blob"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/jobs"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/provider/sandbox"
)

// shop is a site that takes cards at a sandbox.
type shop struct {
	*site
	bank *sandbox.Server
	api  *httptest.Server
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{site: newSite(t)}
	s.api = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.bank.ServeHTTP(w, r) }))
	t.Cleanup(s.api.Close)
	var err error
	s.bank, err = sandbox.NewServer(sandbox.Options{
		Key: sandbox.DemoKey, Secret: sandbox.DemoSecret, Account: sandbox.DemoAccount, WebhookURL: s.api.URL, PublicURL: s.api.URL,
		Client: s.api.Client(), Now: s.clock.Now, Log: slog.New(slog.DiscardHandler),
	})
	s.must(err)
	queue, err := jobs.NewQueue(s.db.Pool(), slog.New(slog.DiscardHandler))
	s.must(err)
	blobs, err := blob.Open(t.Context(), "mem://")
	s.must(err)
	t.Cleanup(func() { _ = blobs.Close() })
	s.app, err = app.New(t.Context(), app.Config{
		DB: s.db, Blobs: blobs, Queue: queue, Now: s.clock.Now, Seller: testSeller(t), BotToken: testBotToken, Log: slog.New(slog.DiscardHandler),
		PublicURL: s.public, Providers: []app.PaymentProvider{sandbox.New(sandbox.Config{
			BaseURL: s.api.URL, Account: sandbox.DemoAccount, Key: sandbox.DemoKey, WebhookSecret: sandbox.DemoSecret, Client: &http.Client{Timeout: 5 * time.Second},
		})},
	})
	s.must(err)
	s.web, err = newServer(Config{Log: slog.New(slog.DiscardHandler), PublicURL: s.public, BotName: testBotName, Version: "test", Now: s.clock.Now, App: s.app})
	s.must(err)
	s.served = s.web.handler()
	return s
}

// subscriber is a payer whose subscription was paid with a card that is kept and
// does what its name says from then on.
func (s *shop) subscriber(id int64, card sandbox.Card) (b *browser, path string, end civil.Date) {
	s.t.Helper()
	b, payer := s.customer(id, "Ona")
	o := s.order(b, payer, nil, softphone(1, false, 6))
	address, err := s.app.StartPayment(s.ctx(), b.actor(), o.Number, app.StartPaymentInput{
		Keep: true, ConsentID: "x", ConsentText: "You may charge it.", Language: "en",
	})
	s.must(err)
	s.must(s.bank.Press(address[strings.LastIndex(address, "/")+1:], "pay", sandbox.CardOK, true))
	p, err := s.app.PaymentReturned(s.ctx(), b.actor(), o.Number)
	s.must(err)
	if p.State != payment.Succeeded {
		s.t.Fatalf("the first payment is %s", p.State)
	}
	token, err := s.bank.SaveCard(card)
	s.must(err)
	_, err = s.db.Pool().Exec(s.ctx(), `UPDATE payment_method SET provider_ref = $1, label = 'Visa •••• 4242' WHERE id = $2`, token, p.MethodID)
	s.must(err)
	path = "/subscriptions/" + b.get("/subscriptions").mark("subscription").AttrOr("data-id", "")
	return b, path, civil.MustParse("2027-05-23")
}

// on has a day come, and what is due on it done.
func (s *shop) on(b *browser, id int64, day civil.Date) {
	s.t.Helper()
	s.clock.Set(day.In(testSeller(s.t).Zone).Add(2 * time.Hour))
	s.must(s.app.RunDue(s.ctx()))
	b.signIn(id, "Ona")
}

// words are what a mark says, with single spaces; "" where there is none.
func (a *answer) words(mark string) string {
	a.t.Helper()
	html, err := a.doc().Find(`[data-testid="` + mark + `"]`).First().Html()
	if err != nil {
		a.t.Fatal(err)
	}
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(strings.ReplaceAll(html, "<", " <")))
	if err != nil {
		a.t.Fatal(err)
	}
	return strings.Join(strings.Fields(doc.Text()), " ")
}

// From the day on which nothing is wrong until Free, somebody whose card has no
// money on it reads each day how things are.
func TestDecliningCardDayByDay(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	const id = 501
	b, path, end := s.subscriber(id, sandbox.CardInsufficient)
	for _, tt := range []struct {
		day                 int
		next, charge, grace string // what the page says there; "" for nothing
		list                string // what the list says in all
	}{
		{-40, "20 May 2027 We charge €21.78 with VAT to your card for the next period: Visa •••• 4242.", "", "", "Next charge: 20 May 2027, €21.78, Visa •••• 4242"},
		{-4, "20 May 2027 We charge €21.78 with VAT to your card for the next period: Visa •••• 4242.", "", "", "Next charge: 20 May 2027, €21.78, Visa •••• 4242"},
		{-3, "21 May 2027 We charge €21.78", "Your card was declined on 20 May 2027: there was not enough money on it. We try again on 21 May 2027.", "", "Next charge: 21 May 2027"},
		{-2, "22 May 2027 We charge €21.78", "Your card was declined on 21 May 2027: there was not enough money on it. We try again on 22 May 2027.", "", "Next charge: 22 May 2027"},
		{-1, "23 May 2027 We charge €21.78", "Your card was declined on 22 May 2027: there was not enough money on it. We try again on 23 May 2027.", "", "Next charge: 23 May 2027"},
		{0, "Until this day you can pay the bank invoice of €21.78", "Your card was declined on 23 May 2027: there was not enough money on it. We do not try this card again", "", "We do not try this card again"},
		{1, "Until this day you can pay", "declined on 23 May 2027", "Paid time is over. Everything still works until 30 May 2027.", "Everything still works until 30 May 2027"},
		{3, "Until this day you can pay", "declined on 23 May 2027", "Everything still works until 30 May 2027.", "We do not try this card again"},
		{7, "Until this day you can pay", "declined on 23 May 2027", "Everything still works until 30 May 2027.", "Everything still works until 30 May 2027"},
	} {
		s.on(b, id, end.AddDays(tt.day))
		a := b.get(path)
		for mark, want := range map[string]string{"next-charge": tt.next, "charge": tt.charge, "grace": tt.grace} {
			if got := a.words(mark); want == "" && got != "" || !strings.Contains(got, want) {
				t.Errorf("day %d, %s: %q, want %q", tt.day, mark, got, want)
			}
		}
		if got := b.get("/subscriptions").words("subscription"); !strings.Contains(got, tt.list) {
			t.Errorf("day %d, list: %q, want %q", tt.day, got, tt.list)
		}
		if pay := a.doc().Find(`main a.primary[href^="/orders/"]`).Length(); (pay > 0) != (tt.charge != "") {
			t.Errorf("day %d: %d buttons to pay", tt.day, pay)
		}
	}
	s.on(b, id, end.AddDays(8))
	a := b.get(path)
	if got := a.words("auto-renew"); got != "This subscription has ended. The Free plan applies now." {
		t.Errorf("after the grace: %q", got)
	}
	again := a.doc().Find(`section[aria-labelledby="renewal"] a.primary`).AttrOr("href", "")
	if !strings.HasPrefix(again, "/plans/softphone?") || b.get(again).mark("place-order").Length() != 1 {
		t.Errorf("ordering again leads to %q", again)
	}
}

// A card that is refused for good is not tried again, and the page says so at
// once; the payer pays by transfer, and all is well.
func TestStolenCard(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	const id = 502
	b, path, end := s.subscriber(id, sandbox.CardDeclines)
	s.on(b, id, end.AddDays(-3))
	a := b.get(path)
	if got := a.words("charge"); got != "Your card was declined on 20 May 2027: the bank refused it. We do not try this card again for this renewal. Pay now with another card or by bank transfer." {
		t.Errorf("%q", got)
	}
	number := a.mark("open-order").AttrOr("data-number", "")
	o, err := s.app.Order(s.ctx(), b.actor(), number)
	s.must(err)
	s.pay(o)
	if a := b.get(path); a.words("charge") != "" || !strings.HasPrefix(a.mark("paid-until").AttrOr("datetime", ""), "2027-11-23") {
		t.Errorf("paid: %q, until %q", a.words("charge"), a.words("paid-until"))
	}
}

// The card's bank wants the payer: the page says so and leads to where.
func TestConfirmCharge(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	const id = 503
	b, path, end := s.subscriber(id, sandbox.CardConfirm)
	s.on(b, id, end.AddDays(-3))
	for _, page := range []string{path, "/subscriptions", "/"} {
		charge := b.get(page).mark("charge")
		if charge.AttrOr("data-state", "") != "confirm" || !strings.Contains(charge.Text(), "wants you to confirm") || !strings.HasPrefix(charge.Find("a").AttrOr("href", ""), "/orders/O-2027-") {
			t.Errorf("%s: %q to %q", page, charge.Text(), charge.Find("a").AttrOr("href", ""))
		}
	}
	s.on(b, id, end.AddDays(-2))
	s.clock.Set(s.clock.Now().Add(2 * time.Hour))
	s.must(s.app.RunDue(s.ctx()))
	b.signIn(id, "Ona")
	if got := b.get(path).words("charge"); !strings.Contains(got, "confirm") {
		t.Errorf("the next day: %q", got)
	}
}

// Off says that a charge was on its way already; on again takes a new consent to
// the card that was chosen, or none.
func TestSwitchWithACard(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	const id = 504
	b, path, end := s.subscriber(id, sandbox.CardLater)
	s.on(b, id, end.AddDays(-3))
	if got := b.get(path).words("charge"); !strings.Contains(got, "being charged now") {
		t.Errorf("on its way: %q", got)
	}
	a := b.submit(path+"/auto-renew/off", url.Values{})
	if text := a.doc().Find(`[data-testid="notice-wait"]`).Text(); !strings.Contains(text, "already on its way") || !strings.Contains(text, "If it fails, nothing is charged at all") {
		t.Errorf("off: %q", text)
	}
	form := a.doc().Find(`form[action$="/auto-renew/on"]`)
	if form.Find(`input[name=method]`).Length() != 2 || form.Find(`input[name=method][checked]`).AttrOr("value", "x") != "" || !strings.Contains(form.Text(), "I agree that it is charged") {
		t.Errorf("the form: %q", form.Text())
	}
	consents := func() (n int) {
		s.must(s.db.Pool().QueryRow(s.ctx(), `SELECT count(*) FROM consent c JOIN subscription s ON s.id = c.subject WHERE c.revoked_at IS NULL AND c.text_id = 'subscription.on.consent'
			AND c.ip <> '' AND c.method_id IS NOT NULL AND c.account_id = (SELECT id FROM account WHERE telegram_id = $1)`, id).Scan(&n))
		return n
	}
	if a := b.post(path+"/auto-renew/on", url.Values{"method": {missingID}}); a.status != http.StatusUnprocessableEntity || consents() != 0 {
		t.Errorf("somebody else's card: %d", a.status)
	}
	method := form.Find(`input[name=method]`).Last().AttrOr("value", "")
	b.submit(path+"/auto-renew/on", url.Values{"method": {method}})
	if n := consents(); n != 1 {
		t.Errorf("%d consents", n)
	}
	b.submit(path+"/auto-renew/off", url.Values{})
	b.submit(path+"/auto-renew/on", url.Values{"method": {""}})
	if n := consents(); n != 0 {
		t.Errorf("%d consents without a card", n)
	}
	if b.get(path).mark("auto-renew").AttrOr("data-state", "") != "on" {
		t.Error("still off")
	}
}

// What the balance covers is taken from there, and the page says so.
func TestNextFromTheBalance(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	const id = 505
	b, path, _ := s.subscriber(id, sandbox.CardOK)
	payers, err := s.app.Payers(s.ctx(), b.actor())
	s.must(err)
	address, err := s.app.TopUpByCard(s.ctx(), b.actor(), payers[0].ID, 30_00, "en")
	s.must(err)
	s.must(s.bank.Press(address[strings.LastIndex(address, "/")+1:], "pay", sandbox.CardOK, false))
	_, err = s.app.TopUpReturned(s.ctx(), b.actor(), payers[0].ID)
	s.must(err)
	if got := b.get(path).mark("next-charge"); got.AttrOr("data-kind", "") != "balance" || got.AttrOr("data-minor", "") != "2178" || !strings.Contains(got.Text(), "from the balance") {
		t.Errorf("%q %q", got.AttrOr("data-kind", ""), got.Text())
	}
}

// Who cancels the order of the coming period is not charged for it, and the page
// says so; what is ordered again can be paid.
func TestCanceledRenewal(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	const id = 506
	b, path, end := s.subscriber(id, sandbox.CardInsufficient)
	s.on(b, id, end.AddDays(-3))
	s.must(s.app.CancelOrder(s.ctx(), b.actor(), b.get(path).mark("open-order").AttrOr("data-number", "")))
	s.on(b, id, end.AddDays(-2))
	a := b.get(path)
	if next := a.mark("next-charge"); next.AttrOr("data-kind", "") != "canceled" || next.Find("time").AttrOr("datetime", "") != end.String() {
		t.Errorf("%q on %q", next.AttrOr("data-kind", ""), next.Find("time").AttrOr("datetime", ""))
	}
	if got := a.words("charge"); got != "" {
		t.Errorf("and yet: %q", got)
	}
	asked := 0
	for _, e := range s.bank.Book() {
		if !e.Checkout {
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("the card was charged %d times", asked)
	}
	renewal := b.post(path+"/renew", url.Values{"period": {"6"}}).location()
	if a := b.get(path); a.mark("next-charge").Find("a").AttrOr("href", "") != renewal {
		t.Errorf("ordered again: %q", a.words("next-charge"))
	}
}
