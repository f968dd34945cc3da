package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/bank/banktest"
	"github.com/siptg/portal/internal/blob"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/jobs"
	"github.com/siptg/portal/internal/mail"
	"github.com/siptg/portal/internal/mail/mailtest"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/provider/sandbox"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/storetest"
	"github.com/siptg/portal/internal/telegram"
	"github.com/siptg/portal/internal/vat"
)

const (
	testBotToken = "7000000001:AAFakeTokenForVectorsOnly_0123456789ab"
	testBotName  = "example_bot"
	testIBAN     = "LT121000011101001000"
)

// site is the whole portal on a database of its own, with a clock that stands
// still. Requests are served in the goroutine that makes them.
type site struct {
	t      testing.TB
	app    *app.App
	db     *store.DB
	clock  *app.Clock
	web    *server
	log    *lockedBuffer
	public string // the address people see
	served http.Handler

	mail        *mailtest.Server // gets what the portal sends
	sandbox     *sandbox.Server  // takes the cards
	sandboxSite *httptest.Server // where it answers
	sandboxDown atomic.Bool      // it hangs up instead
}

// newSite makes a site. Each change may alter the configuration before it is
// used: func(c *Config) { c.Demo = true }.
func newSite(t testing.TB, changes ...func(*Config)) *site {
	t.Helper()
	s := &site{t: t, clock: app.NewClock(time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC)), log: &lockedBuffer{}}
	log := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	config := Config{Log: log, PublicURL: "http://127.0.0.1:8080", BotName: testBotName, Version: "test", Now: s.clock.Now}
	for _, change := range changes {
		change(&config)
	}
	var err error
	s.db, err = store.Open(t.Context(), storetest.Database(t), s.clock.Now)
	s.must(err)
	t.Cleanup(s.db.Close)
	queue, err := jobs.NewQueue(s.db.Pool(), slog.New(slog.DiscardHandler))
	s.must(err)
	blobs, err := blob.Open(t.Context(), "mem://")
	s.must(err)
	t.Cleanup(func() { _ = blobs.Close() })
	s.sandboxSite = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.sandboxDown.Load() {
			panic(http.ErrAbortHandler)
		}
		s.sandbox.ServeHTTP(w, r)
	}))
	t.Cleanup(s.sandboxSite.Close)
	s.sandbox, err = sandbox.NewServer(sandbox.Options{
		Key: sandbox.DemoKey, Secret: sandbox.DemoSecret, Account: sandbox.DemoAccount, WebhookURL: "http://127.0.0.1:1/", PublicURL: s.sandboxSite.URL,
		Client: s.sandboxSite.Client(), Now: s.clock.Now, Log: slog.New(slog.DiscardHandler), Hold: 5 * time.Second, Slow: time.Millisecond,
	})
	s.must(err)
	s.mail = mailtest.Start(t)
	sender, err := mail.NewSender("smtp://" + s.mail.Addr())
	s.must(err)
	s.app, err = app.New(t.Context(), app.Config{
		Mailer: sender, DB: s.db, Blobs: blobs, Queue: queue, Now: s.clock.Now, Seller: testSeller(t), BotToken: testBotToken, Demo: config.Demo, Log: log,
		PublicURL: config.PublicURL,
		Providers: []app.PaymentProvider{sandbox.New(sandbox.Config{
			BaseURL: s.sandboxSite.URL, Account: sandbox.DemoAccount, Key: sandbox.DemoKey, WebhookSecret: sandbox.DemoSecret,
			Client: &http.Client{Timeout: 300 * time.Millisecond},
		})},
	})
	s.must(err)
	config.App = s.app
	s.web, err = newServer(config)
	s.must(err)
	s.public, s.served = config.PublicURL, s.web.handler()
	return s
}

func testSeller(t testing.TB) app.Seller {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Vilnius")
	if err != nil {
		t.Fatal(err)
	}
	books, err := pricing.NewBooks(pricing.Book{
		ID: "2025-04", Currency: "EUR", ValidFrom: civil.MustParse("2025-04-01"),
		Softphone: pricing.SoftphonePrices{Account: 300, AccountRecording: 500, Threshold: 10, Surcharge: 150_00, API: 150_00},
		Gateway:   pricing.GatewayPrices{Line: 1500, MainAccount: 1500, ExtraAccount: 150_00, Threshold: 5, Surcharge: 150_00, API: 150_00},
		Discounts: map[pricing.Period]money.BasisPoints{12: 1000, 36: 3000},
	})
	if err != nil {
		t.Fatal(err)
	}
	return app.Seller{
		Party: invoice.Party{
			Name: "MB Pavyzdys", CompanyCode: "119511515", VATNumber: "LT119511515", Street: "Gedimino pr. 1", City: "Vilnius",
			Postcode: "01103", Country: "LT", Email: "billing@example.lt",
		},
		VAT:   vat.Seller{Country: "LT", Scheme: vat.SchemeStd, OSS: true, DestSince: civil.MustParse("2021-07-01")},
		Books: books, Zone: zone,
		Accounts:      []app.BankAccount{{Currency: "EUR", Beneficiary: "MB Pavyzdys", IBAN: testIBAN, BIC: "HABALT22", Bank: "Bank"}},
		InvoicePrefix: "SIP", CreditPrefix: "SIPC", OrderPrefix: "O", BankInvoice: 14, LeadDays: 30, GraceDays: 7, FirstChargeDays: 3, SecondEyes: 150_00, RefundDays: 3,
		NoticeDays: []int{14, 3}, GraceChargeDays: []int{3, 7}, MaxChargesDaily: 10, MaxChargedDaily: 5000_00,
		DirectSupport: 150_00, SupportPublic: "https://t.me/example_public", SupportDirect: "https://t.me/example_direct",
		PartnerURL: "https://partner.example/",
	}
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) ctx() context.Context { return s.t.Context() }

// browser is somebody's browser: it keeps cookies and sends what browsers send.
type browser struct {
	s      *site
	jar    http.CookieJar
	header http.Header // sent with every request
	ip     string
}

func (s *site) browser() *browser {
	jar, err := cookiejar.New(nil)
	s.must(err)
	return &browser{s: s, jar: jar, header: http.Header{}, ip: "192.0.2.1"}
}

// person signs a Telegram user in through the Login Widget's return.
func (s *site) person(id int64, name string) *browser {
	s.t.Helper()
	b := s.browser()
	b.signIn(id, name)
	return b
}

// signIn goes through the sign-in page and returns where that ends.
func (b *browser) signIn(id int64, name string) *answer {
	b.s.t.Helper()
	back := b.open(b.widgetReturn(b.get("/login"), id, name))
	if b.actor().TelegramID != account.TelegramID(id) {
		b.s.t.Fatalf("not signed in: %d %s", back.status, back.body)
	}
	return back
}

// widgetReturn is where Telegram's widget on the sign-in page leads to.
func (b *browser) widgetReturn(login *answer, id int64, name string) string {
	b.s.t.Helper()
	address, ok := login.doc().Find("script[data-auth-url]").Attr("data-auth-url")
	if !ok {
		b.s.t.Fatalf("no widget on the page: %d %s", login.status, login.body)
	}
	u, err := url.Parse(address)
	b.s.must(err)
	signed := telegram.Sign(telegram.Profile{ID: id, FirstName: name, AuthDate: b.s.clock.Now()}, testBotToken)
	return u.RequestURI() + "&" + signed.Encode()
}

// token is that of the browser's session, or "".
func (b *browser) token() string { return b.cookie(sessionCookie) }

func (b *browser) cookie(name string) string {
	u, err := url.Parse(b.s.public)
	b.s.must(err)
	for _, c := range b.jar.Cookies(u) {
		if strings.TrimPrefix(c.Name, "__Host-") == name {
			return c.Value
		}
	}
	return ""
}

// actor is who the browser is signed in as.
func (b *browser) actor() account.Actor {
	b.s.t.Helper()
	actor, err := b.s.app.ActorBySession(b.s.ctx(), b.token())
	b.s.must(err)
	return actor
}

// answer is what came back.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	body   string
	parsed *goquery.Document
}

// doc is the page, parsed.
func (a *answer) doc() *goquery.Document {
	a.t.Helper()
	if a.parsed == nil {
		doc, err := goquery.NewDocumentFromReader(strings.NewReader(a.body))
		if err != nil {
			a.t.Fatal(err)
		}
		a.parsed = doc
	}
	return a.parsed
}

// mark is the element with a data-testid; the test fails when there is none.
func (a *answer) mark(id string) *goquery.Selection {
	a.t.Helper()
	found := a.doc().Find(`[data-testid="` + id + `"]`)
	if found.Length() == 0 {
		a.t.Fatalf("no %q on the page (%d): %s", id, a.status, a.body)
	}
	return found
}

// location is where a redirect leads to.
func (a *answer) location() string { return a.header.Get("Location") }

// get requests a path.
func (b *browser) get(path string) *answer { return b.send(b.request(http.MethodGet, path, nil)) }

// open is get that follows redirects.
func (b *browser) open(path string) *answer {
	b.s.t.Helper()
	for range 10 {
		a := b.get(path)
		if a.status < 300 || a.status >= 400 {
			return a
		}
		path = a.location()
	}
	b.s.t.Fatalf("redirects without an end at %s", path)
	return nil
}

// post sends a form as a browser does from one of our pages.
func (b *browser) post(path string, form url.Values) *answer {
	return b.send(b.request(http.MethodPost, path, form))
}

// submit is post that follows the redirect.
func (b *browser) submit(path string, form url.Values) *answer {
	b.s.t.Helper()
	a := b.post(path, form)
	if a.status == http.StatusSeeOther {
		return b.open(a.location())
	}
	return a
}

func (b *browser) request(method, path string, form url.Values) *http.Request {
	var r *http.Request
	if method == http.MethodPost {
		r = httptest.NewRequestWithContext(b.s.ctx(), method, b.s.public+path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", b.s.public)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	} else {
		r = httptest.NewRequestWithContext(b.s.ctx(), method, b.s.public+path, nil)
	}
	r.RemoteAddr = b.ip + ":40000"
	return r
}

// send adds the browser's cookies and keeps those that come back.
func (b *browser) send(r *http.Request) *answer {
	b.s.t.Helper()
	for _, c := range b.jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	for name, values := range b.header {
		r.Header[name] = slices.Clone(values)
	}
	w := httptest.NewRecorder()
	b.s.served.ServeHTTP(w, r)
	result := w.Result()
	b.jar.SetCookies(r.URL, result.Cookies())
	return &answer{t: b.s.t, status: result.StatusCode, header: result.Header, body: w.Body.String()}
}

// lithuanian are the billing details of a private person in Lithuania.
func lithuanian(name string) app.PayerInput {
	return app.PayerInput{
		Kind: "person", Name: name, Street: "Gedimino pr. 9", City: "Vilnius", Postcode: "01103", Country: "LT",
		Email: "payer@example.lt", Language: "en", Currency: "EUR",
	}
}

// customer signs a person in and fills in their billing details.
func (s *site) customer(id int64, name string) (*browser, account.PayerID) {
	s.t.Helper()
	b := s.person(id, name)
	payers, err := s.app.Payers(s.ctx(), b.actor())
	s.must(err)
	_, err = s.app.SavePayer(s.ctx(), b.actor(), payers[0].ID, lithuanian(name))
	s.must(err)
	return b, payers[0].ID
}

// link lets a payer buy for another person, as staff would.
func (s *site) link(payer account.PayerID, customer account.ID) {
	s.t.Helper()
	s.must(s.db.Update(s.ctx(), func(tx *store.Tx) error { return tx.InsertPayerCustomer(s.ctx(), payer, customer) }))
}

// member gives a person a role on a payer, as staff would.
func (s *site) member(payer account.PayerID, person account.ID, role account.Role) {
	s.t.Helper()
	s.must(s.db.Update(s.ctx(), func(tx *store.Tx) error { return tx.InsertMember(s.ctx(), payer, person, role) }))
}

// seat signs an accountant in who comes by e-mail and reads for a payer.
func (s *site) seat(payer account.PayerID, email string) *browser {
	s.t.Helper()
	b := s.browser()
	token := strings.Repeat("s", 43-len(email)) + strings.Map(func(r rune) rune {
		if r == '@' || r == '.' {
			return '-'
		}
		return r
	}, email)
	hash := sha256.Sum256([]byte(token))
	s.must(s.db.Update(s.ctx(), func(tx *store.Tx) error {
		id, err := tx.UpsertEmailAccount(s.ctx(), email, "en")
		if err != nil {
			return err
		}
		return errors.Join(tx.InsertMember(s.ctx(), payer, id, account.RoleAccountant), tx.InsertSession(s.ctx(), store.Session{
			TokenHash: hash[:], AccountID: string(id), ExpiresAt: tx.Now().Add(app.EmailSession),
		}))
	}))
	u, err := url.Parse(s.public)
	s.must(err)
	b.jar.SetCookies(u, []*http.Cookie{{Name: sessionCookie, Value: token, Path: "/"}})
	return b
}

// mailedLink sends what is due and returns where the newest mail to an address
// leads: its first link with a query.
func (s *site) mailedLink(to string) string {
	s.t.Helper()
	s.must(s.app.DeliverMails(s.ctx()))
	received := s.mail.Received()
	for i := len(received) - 1; i >= 0; i-- {
		if received[i].To != to {
			continue
		}
		parts, err := received[i].Parts()
		s.must(err)
		for line := range strings.Lines(string(parts[0].Bytes)) {
			if path, ok := strings.CutPrefix(strings.TrimSpace(line), s.public); ok && strings.Contains(path, "?") {
				return path
			}
		}
	}
	s.t.Fatalf("no link was mailed to %s", to)
	return ""
}

// mailsTo are the mails that an address got.
func (s *site) mailsTo(email string) []mailtest.Received {
	return slices.DeleteFunc(s.mail.Received(), func(m mailtest.Received) bool { return m.To != email })
}

// colleague signs somebody in who works in the back office.
func (s *site) colleague(id int64, name string, role account.StaffRole) *browser {
	s.t.Helper()
	s.must(s.app.AddStaff(s.ctx(), account.TelegramID(id), role, audit.ByCommand("test")))
	return s.person(id, name)
}

// bankEntry is the id of the transfer that paid an order.
func (s *site) bankEntry(o app.OrderDetail) (id string) {
	s.t.Helper()
	s.must(s.db.Pool().QueryRow(s.ctx(), `SELECT id::text FROM bank_entry WHERE order_id = $1`, o.ID).Scan(&id))
	return id
}

func softphone(accounts int, recording bool, months int) pricing.Selection {
	return pricing.Selection{
		Plan: pricing.Softphone, Options: pricing.Options{Accounts: accounts, Recording: recording}, Period: pricing.Period(months),
	}
}

// order places an order for a customer by its use case; nil orders for oneself.
func (s *site) order(b *browser, payer account.PayerID, customer *browser, sel pricing.Selection) app.OrderDetail {
	s.t.Helper()
	who := ""
	if customer != nil {
		who = customer.actor().TelegramID.String()
	}
	actor := b.actor()
	q, err := s.app.Quote(s.ctx(), &actor, app.QuoteRequest{Selection: sel, Payer: payer, Customer: who})
	s.must(err)
	number, err := s.app.PlaceOrder(s.ctx(), actor, app.PlaceOrder{Selection: sel, Payer: payer, Customer: who, Method: "bank", Quote: q.Token})
	s.must(err)
	o, err := s.app.Order(s.ctx(), actor, number)
	s.must(err)
	return o
}

// topUp has a payer's money arrive on its balance, and issues the receipt.
func (s *site) topUp(b *browser, payer account.PayerID, amount money.Amount) {
	s.t.Helper()
	s.must(s.app.PrepareTopUp(s.ctx(), b.actor(), payer))
	balance, err := s.app.Balance(s.ctx(), b.actor(), payer, amount)
	s.must(err)
	reference := string(balance.TopUp.Reference)
	entries := s.transfer(bank.Entry{
		EntryRef: "E-" + reference, ServicerRef: "B-" + reference, Amount: amount, Currency: balance.Currency, Credit: true,
		Payer: "Ona", References: []string{reference},
	})
	if entries[0].Balance == "" {
		s.t.Fatalf("the top-up: %+v", entries[0])
	}
	s.must(s.app.IssueReceipts(s.ctx()))
}

// pay has an order's money arrive in a bank statement and issues the invoice.
func (s *site) pay(o app.OrderDetail) {
	s.t.Helper()
	entries := s.transfer(bank.Entry{
		EntryRef: "E-" + o.Number, ServicerRef: "B-" + o.Number, Amount: o.Total, Currency: o.Currency, Credit: true,
		Payer: o.Document.Buyer.Name, PayerIBAN: "DE89370400440532013000", References: []string{o.Reference},
	})
	if entries[0].Outcome != string(bank.Matched) {
		s.t.Fatalf("the payment of %s: %+v", o.Number, entries[0])
	}
	s.must(s.app.IssueInvoice(s.ctx(), o.ID))
}

// transfer imports a bank statement of today with one entry.
func (s *site) transfer(e bank.Entry) []app.ImportedEntry {
	s.t.Helper()
	e.Booked, e.Valued = s.app.Today(), s.app.Today()
	var file bytes.Buffer
	s.must(banktest.WriteCAMT053(&file, banktest.Version08, banktest.Closed(bank.Statement{
		ID: "S-" + e.EntryRef, IBAN: testIBAN, Currency: e.Currency, From: e.Booked, To: e.Booked, Entries: []bank.Entry{e},
	})))
	entries, err := s.app.ImportStatement(s.ctx(), &file, audit.ByCommand("test"))
	s.must(err)
	return entries
}

// lockedBuffer collects the log.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// count is the number that a query finds.
func (s *site) count(sql string, args ...any) (n int) {
	s.t.Helper()
	s.must(s.db.Pool().QueryRow(s.ctx(), sql, args...).Scan(&n))
	return n
}
