package app_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/bank/banktest"
	"github.com/siptg/portal/internal/blob"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/jobs"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/storetest"
	"github.com/siptg/portal/internal/telegram"
	"github.com/siptg/portal/internal/vat"
)

const (
	botToken   = "7000000001:AAFakeTokenForVectorsOnly_0123456789ab"
	sellerIBAN = "LT121000011101001000"
)

// site is an App on a database of its own, with a clock that stands still.
type site struct {
	*app.App
	t     testing.TB
	db    *store.DB
	blobs *blob.Store
	queue *jobs.Queue
	clock *app.Clock
}

func newSite(t testing.TB) *site {
	t.Helper()
	s := &site{t: t, clock: app.NewClock(time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC))}
	var err error
	s.db, err = store.Open(t.Context(), storetest.Database(t), s.clock.Now)
	s.must(err)
	t.Cleanup(s.db.Close)
	s.queue, err = jobs.NewQueue(s.db.Pool(), slog.New(slog.DiscardHandler))
	s.must(err)
	s.blobs, err = blob.Open(t.Context(), "mem://")
	s.must(err)
	t.Cleanup(func() { _ = s.blobs.Close() })
	s.App, err = app.New(t.Context(), app.Config{
		DB: s.db, Blobs: s.blobs, Queue: s.queue, Now: s.clock.Now, Seller: seller(t), BotToken: botToken, Demo: true, Log: slog.New(slog.DiscardHandler),
	})
	s.must(err)
	return s
}

func seller(t testing.TB) app.Seller {
	zone, err := time.LoadLocation("Europe/Vilnius")
	if err != nil {
		t.Fatal(err)
	}
	prices := func(id, from string) pricing.Book {
		return pricing.Book{
			ID: id, Currency: "EUR", ValidFrom: civil.MustParse(from),
			Softphone: pricing.SoftphonePrices{Account: 300, AccountRecording: 500, Threshold: 10, Surcharge: 150_00, API: 150_00},
			Gateway:   pricing.GatewayPrices{Line: 1500, MainAccount: 1500, ExtraAccount: 150_00, Threshold: 5, Surcharge: 150_00, API: 150_00},
			Discounts: map[pricing.Period]money.BasisPoints{12: 1000, 36: 3000},
		}
	}
	books, err := pricing.NewBooks(prices("2023-07", "2023-07-01"), prices("2025-04", "2025-04-01"))
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
		Accounts:      []app.BankAccount{{Currency: "EUR", Beneficiary: "MB Pavyzdys", IBAN: sellerIBAN, BIC: "HABALT22", Bank: "Bank"}},
		InvoicePrefix: "SIP", CreditPrefix: "SIPC", OrderPrefix: "O", BankInvoice: 14, LeadDays: 30, GraceDays: 7, FirstChargeDays: 3,
		NoticeDays: []int{14, 3}, GraceChargeDays: []int{3, 7}, MaxChargesDaily: 10, MaxChargedDaily: 5000_00,
		SecondEyes: 150_00,
	}
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) ctx() context.Context { return s.t.Context() }

// signIn signs a Telegram user in through the widget's return.
func (s *site) signIn(id int64, name string) account.Actor {
	s.t.Helper()
	state, err := s.BeginSignIn(s.ctx(), "", "/subscriptions")
	s.must(err)
	in, err := s.SignInTelegram(s.ctx(), s.widgetReturn(id, name, state))
	s.must(err)
	actor, err := s.ActorBySession(s.ctx(), in.Token)
	s.must(err)
	return actor
}

func (s *site) widgetReturn(id int64, name, state string) app.TelegramReturn {
	q := telegram.Sign(telegram.Profile{ID: id, FirstName: name, AuthDate: s.clock.Now()}, botToken)
	q.Set("st", state)
	return app.TelegramReturn{Query: q, CookieState: state, IP: "127.0.0.1", UserAgent: "test"}
}

// lithuanian are the billing details of a private person in Lithuania.
func lithuanian(name string) app.PayerInput {
	return app.PayerInput{
		Kind: "person", Name: name, Street: "Žvėryno g. 7", City: "Vilnius", Postcode: "08117", Country: "LT",
		Email: "person@example.lt", Language: "en", Currency: "EUR",
	}
}

// customer signs in with complete billing details.
func (s *site) customer(id int64, name string) (account.Actor, account.PayerID) {
	s.t.Helper()
	actor := s.signIn(id, name)
	return actor, s.bill(actor, lithuanian(name))
}

func (s *site) bill(actor account.Actor, in app.PayerInput) account.PayerID {
	s.t.Helper()
	payers, err := s.Payers(s.ctx(), actor)
	s.must(err)
	id, err := s.SavePayer(s.ctx(), actor, payers[0].ID, in)
	s.must(err)
	return id
}

func softphone(accounts int, recording bool, months pricing.Period) pricing.Selection {
	return pricing.Selection{Plan: pricing.Softphone, Options: pricing.Options{Accounts: accounts, Recording: recording}, Period: months}
}

func (s *site) quote(actor account.Actor, sel pricing.Selection) app.Quote {
	s.t.Helper()
	q, err := s.Quote(s.ctx(), &actor, app.QuoteRequest{Selection: sel})
	s.must(err)
	return q
}

func (s *site) order(actor account.Actor, sel pricing.Selection) app.OrderDetail {
	s.t.Helper()
	q := s.quote(actor, sel)
	number, err := s.PlaceOrder(s.ctx(), actor, app.PlaceOrder{Selection: sel, Payer: q.Payer.ID, Method: "bank", Quote: q.Token})
	s.must(err)
	o, err := s.Order(s.ctx(), actor, number)
	s.must(err)
	return o
}

// entry is a credit that pays an order by its reference.
func (s *site) entry(o app.OrderDetail) bank.Entry {
	ref := make([]byte, 8)
	_, _ = rand.Read(ref)
	return bank.Entry{
		Amount: o.Total, Currency: o.Currency, Credit: true, Booked: s.Today(), Valued: s.Today(), ServicerRef: hex.EncodeToString(ref),
		Payer: o.Document.Buyer.Name, PayerIBAN: "DE89370400440532013000", References: []string{o.Reference},
	}
}

// camt writes a statement with these entries.
func (s *site) camt(version banktest.Version, entries ...bank.Entry) []byte {
	s.t.Helper()
	var b bytes.Buffer
	s.must(banktest.WriteCAMT053(&b, version, banktest.Closed(bank.Statement{
		ID: "S-1", IBAN: sellerIBAN, Currency: "EUR", From: s.Today(), To: s.Today(), Opening: 1000_00, Entries: entries,
	})))
	return b.Bytes()
}

func (s *site) importFile(file []byte) []app.ImportedEntry {
	s.t.Helper()
	done, err := s.ImportStatement(s.ctx(), bytes.NewReader(file), audit.ByCommand("test"))
	s.must(err)
	return done
}

// pay has the whole amount of an order arrive and its invoice issued.
func (s *site) pay(o app.OrderDetail) {
	s.t.Helper()
	done := s.importFile(s.camt(banktest.Version08, s.entry(o)))
	if len(done) != 1 || done[0].Outcome != "matched" || done[0].OrderNumber != o.Number {
		s.t.Fatalf("import of %s: %+v", o.Number, done)
	}
	s.must(s.IssueInvoice(s.ctx(), o.ID))
}

// clean fails unless every money invariant holds.
func (s *site) clean() {
	s.t.Helper()
	lines, clean, err := s.Audit(s.ctx())
	s.must(err)
	if !clean {
		var b strings.Builder
		for _, l := range lines {
			b.WriteString(l.String() + "\n")
		}
		s.t.Fatalf("the audit is not clean:\n%s", b.String())
	}
}

// count counts rows by a statement of the test's own.
func (s *site) count(sql string, args ...any) int {
	s.t.Helper()
	var n int
	s.must(s.db.Pool().QueryRow(s.ctx(), sql, args...).Scan(&n))
	return n
}
