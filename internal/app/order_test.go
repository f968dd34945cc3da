package app_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/bank/banktest"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/pricing"
)

// The main job: order, bank invoice, money, subscription, VAT invoice.
func TestOrderPaidByTransfer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, _ := s.customer(7_900_000_000_101, "Ona")
	o := s.order(ona, softphone(12, true, 12))
	if o.Number != "O-2026-000001" || o.Net != 2268_00 || o.VAT != 476_28 || o.Total != 2744_28 || o.State != order.StateAwaitingPayment {
		t.Fatalf("order %+v", o.Order)
	}
	if d := o.Document; d.Total != o.Total || d.Due != o.Total || d.ValidUntil.String() != "2026-12-07" || d.Payment.EPC == "" || len(d.Lines) != 2 ||
		d.Discount == nil || d.Discount.Amount != 252_00 {
		t.Fatalf("bank invoice %+v", d)
	}
	s.pay(o)
	list, err := s.Subscriptions(s.ctx(), ona)
	s.must(err)
	if len(list.Items) != 1 || len(list.OpenOrders) != 0 {
		t.Fatalf("%+v", list)
	}
	sub := list.Items[0]
	if !sub.AutoRenew || sub.PaidUntil.Format(time.RFC3339) != "2027-11-23T09:30:00Z" || !sub.MayManage || !sub.Self {
		t.Errorf("subscription %+v", sub)
	}
	if sub.Next == nil || sub.Next.Kind != app.NextBankInvoice || sub.Next.On.String() != "2027-10-24" || sub.Next.Amount != money.Of(2744_28, "EUR") {
		t.Errorf("next %+v", sub.Next)
	}
	o, err = s.Order(s.ctx(), ona, o.Number)
	s.must(err)
	if o.State != order.StatePaid || o.InvoiceNumber != "SIP-2026-000001" || o.SubscriptionID != sub.ID {
		t.Errorf("paid order %+v", o)
	}
	d, err := s.Invoice(s.ctx(), ona, o.InvoiceNumber)
	s.must(err)
	if d.Total != o.Total || d.Due != 0 || d.TaxPoint != s.Today() || d.ServiceFrom.String() != "2026-11-23" || d.ServiceTo.String() != "2027-11-22" {
		t.Errorf("invoice %+v", d)
	}
	one, err := s.InvoiceFile(s.ctx(), ona, o.InvoiceNumber)
	s.must(err)
	two, err := s.InvoiceFile(s.ctx(), ona, o.InvoiceNumber)
	s.must(err)
	if one.SHA256 != two.SHA256 || !bytes.Equal(one.Bytes, two.Bytes) || !strings.HasPrefix(string(one.Bytes), "%PDF-") {
		t.Error("the file is not the same twice")
	}
	s.clean()
}

func TestPlacingTheSameFormTwiceIsOneOrder(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, payer := s.customer(7_900_000_000_102, "Ona")
	sel := softphone(1, false, 6)
	q := s.quote(ona, sel)
	var wg sync.WaitGroup
	numbers := make([]string, 8)
	errs := make([]error, 8)
	for i := range numbers {
		wg.Go(func() {
			numbers[i], errs[i] = s.PlaceOrder(s.ctx(), ona, app.PlaceOrder{Selection: sel, Payer: payer, Method: "bank", Quote: q.Token})
		})
	}
	wg.Wait()
	for i, n := range numbers {
		if errs[i] != nil || n != "O-2026-000001" {
			t.Errorf("%d: %q, %v", i, n, errs[i])
		}
	}
	if n := s.count(`SELECT count(*) FROM orders`); n != 1 {
		t.Errorf("%d orders", n)
	}
}

func TestBadOrdersWriteNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, payer := s.customer(7_900_000_000_103, "Ona")
	stranger, strangersPayer := s.customer(7_900_000_000_104, "Jonas")
	newcomer := s.signIn(7_900_000_000_105, "Nora")
	sel := softphone(1, false, 6)
	token := func() string { return s.quote(ona, sel).Token }
	foreignToken := s.quote(stranger, sel).Token
	dearer := softphone(2, false, 6)
	for name, tt := range map[string]struct {
		actor account.Actor
		form  app.PlaceOrder
		kind  fault.Kind
		key   string
	}{
		"another's payer":        {ona, app.PlaceOrder{Selection: sel, Payer: strangersPayer, Method: "bank", Quote: token()}, fault.NotFound, ""},
		"no such payer":          {ona, app.PlaceOrder{Selection: sel, Payer: "00000000-0000-0000-0000-00000000000a", Method: "bank", Quote: token()}, fault.NotFound, ""},
		"another's customer":     {ona, app.PlaceOrder{Selection: sel, Payer: payer, Customer: stranger.TelegramID.String(), Method: "bank", Quote: token()}, fault.NotFound, ""},
		"customer of words":      {ona, app.PlaceOrder{Selection: sel, Payer: payer, Customer: "ona", Method: "bank", Quote: token()}, fault.NotFound, ""},
		"another's quote":        {ona, app.PlaceOrder{Selection: sel, Payer: payer, Method: "bank", Quote: foreignToken}, fault.Conflict, "error.price_changed"},
		"quote of other options": {ona, app.PlaceOrder{Selection: dearer, Payer: payer, Method: "bank", Quote: token()}, fault.Conflict, "error.price_changed"},
		"forged quote":           {ona, app.PlaceOrder{Selection: sel, Payer: payer, Method: "bank", Quote: "x" + token()[1:]}, fault.Invalid, "error.quote.invalid"},
		"no quote":               {ona, app.PlaceOrder{Selection: sel, Payer: payer, Method: "bank"}, fault.Invalid, "error.quote.invalid"},
		"unknown method":         {ona, app.PlaceOrder{Selection: sel, Payer: payer, Method: "gold", Quote: token()}, fault.Invalid, "error.form"},
		"ten million accounts":   {ona, app.PlaceOrder{Selection: softphone(10_000_000, false, 6), Payer: payer, Method: "bank", Quote: token()}, fault.Invalid, "error.form"},
		"no accounts":            {ona, app.PlaceOrder{Selection: softphone(0, false, 6), Payer: payer, Method: "bank", Quote: token()}, fault.Invalid, "error.form"},
		"period 7":               {ona, app.PlaceOrder{Selection: softphone(1, false, 7), Payer: payer, Method: "bank", Quote: token()}, fault.Invalid, "error.form"},
		"retired plan":           {ona, app.PlaceOrder{Selection: pricing.Selection{Plan: pricing.Starter, Period: 6}, Payer: payer, Method: "bank", Quote: token()}, fault.Invalid, "error.form"},
		"no billing details":     {newcomer, app.PlaceOrder{Selection: sel, Method: "bank", Quote: foreignToken}, fault.NotFound, ""},
	} {
		_, err := s.PlaceOrder(s.ctx(), tt.actor, tt.form)
		if !fault.Is(err, tt.kind) || tt.key != "" && !strings.Contains(err.Error(), tt.key) {
			t.Errorf("%s: %v, want %v %s", name, err, tt.kind, tt.key)
		}
	}
	if n := s.count(`SELECT (SELECT count(*) FROM orders) + (SELECT count(*) FROM bank_invoice) + (SELECT count(*) FROM audit WHERE object_kind = 'order')`); n != 0 {
		t.Errorf("%d rows were written", n)
	}
}

func TestAStaleQuoteIsAConflict(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, payer := s.customer(7_900_000_000_106, "Ona")
	sel := softphone(1, false, 6)
	q := s.quote(ona, sel)
	s.clock.Set(s.clock.Now().Add(25 * time.Hour))
	if _, err := s.PlaceOrder(s.ctx(), ona, app.PlaceOrder{Selection: sel, Payer: payer, Method: "bank", Quote: q.Token}); !fault.Is(err, fault.Conflict) {
		t.Errorf("a day later: %v", err)
	}
	// The payer moves to a country with another rate: the price shown no longer holds.
	q = s.quote(ona, sel)
	moved := lithuanian("Ona")
	moved.Country, moved.Postcode = "DE", "10119"
	s.bill(ona, moved)
	if _, err := s.PlaceOrder(s.ctx(), ona, app.PlaceOrder{Selection: sel, Payer: payer, Method: "bank", Quote: q.Token}); !fault.Is(err, fault.Conflict) {
		t.Errorf("after a move: %v", err)
	}
}

func TestTreatmentsOfQuotes(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	company := func(country, number string) app.PayerInput {
		in := lithuanian("Firma")
		in.Kind, in.Country, in.VATNumber, in.Postcode = "company", country, number, "10119"
		return in
	}
	s.must(s.ConfirmVATNumber(s.ctx(), "DE136695976", true, "test", "", "command:test"))
	for i, tt := range []struct {
		in   app.PayerInput
		row  string
		rate money.BasisPoints
	}{
		{lithuanian("Ona"), "R2", 2100},
		{company("LT", "LT119511515"), "R1", 2100},
		{company("DE", "DE136695976"), "R4", 0},
		{company("DE", ""), "R7", 1900},
		{company("FR", "FR40303265045"), "R7", 2000}, // nobody confirmed it: never 0 % on a guess
		{company("UA", "3051407946"), "R9", 0},
	} {
		actor := s.signIn(7_900_000_000_200+int64(i), "P")
		s.bill(actor, tt.in)
		q := s.quote(actor, softphone(1, false, 6))
		if q.Treatment.Row != tt.row || q.Treatment.Rate != tt.rate {
			t.Errorf("%s %s: %s at %d, want %s at %d", tt.in.Country, tt.in.VATNumber, q.Treatment.Row, q.Treatment.Rate, tt.row, tt.rate)
		}
		s.pay(s.order(actor, softphone(1, false, 6)))
	}
	s.clean()
}

// What the bank brings and what becomes of it (I25, I26).
func TestImportOutcomes(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, _ := s.customer(7_900_000_000_107, "Ona")
	paid := s.order(ona, softphone(1, false, 6))
	short := s.order(ona, pricing.Selection{Plan: pricing.Gateway, Options: pricing.Options{Lines: 1}, Period: 6})
	change := func(e bank.Entry, f func(*bank.Entry)) bank.Entry { f(&e); return e }
	file := s.camt(banktest.Version02,
		s.entry(paid),
		change(s.entry(paid), func(e *bank.Entry) { e.Payer = "again" }),
		change(s.entry(short), func(e *bank.Entry) { e.Amount -= 1_01 }),
		change(s.entry(short), func(e *bank.Entry) { e.References, e.Text, e.PayerIBAN = nil, "thanks for the fish", "" }),
		change(s.entry(short), func(e *bank.Entry) { e.Credit = false }),
	)
	first := s.importFile(file)
	want := []string{"matched", "suspense", "suspense", "suspense", "ignored"}
	for i, e := range first {
		if e.Outcome != want[i] || e.Known {
			t.Errorf("entry %d: %s, want %s", i, e, want[i])
		}
	}
	before := s.count(`SELECT (SELECT count(*) FROM ledger_entry) + (SELECT count(*) FROM bank_entry) + (SELECT count(*) FROM audit)`)
	for i, e := range s.importFile(file) {
		if e.Outcome != want[i] || !e.Known {
			t.Errorf("second import, entry %d: %s", i, e)
		}
	}
	if after := s.count(`SELECT (SELECT count(*) FROM ledger_entry) + (SELECT count(*) FROM bank_entry) + (SELECT count(*) FROM audit)`); after != before {
		t.Errorf("the second import wrote %d rows", after-before)
	}
	s.must(s.IssueInvoice(s.ctx(), paid.ID))
	s.clean()
}

// A shortfall up to 1 EUR is accepted and booked, an excess goes to the balance.
func TestTolerances(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for i, delta := range []money.Amount{-1_00, 0, 5_00} {
		actor, payer := s.customer(7_900_000_000_300+int64(i), "Ona")
		o := s.order(actor, softphone(1, false, 6))
		e := s.entry(o)
		e.Amount += delta
		if done := s.importFile(s.camt(banktest.Version08, e)); done[0].Outcome != "matched" {
			t.Fatalf("%d: %s", delta, done[0])
		}
		s.must(s.IssueInvoice(s.ctx(), o.ID))
		balance := s.count(`SELECT -balance_minor FROM ledger_account WHERE kind = 'balance' AND payer_id = $1`, string(payer))
		if want := int(max(delta, 0)); balance != want {
			t.Errorf("%d over: balance %d", delta, balance)
		}
	}
	s.clean()
}

func TestAForeignStatementIsRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	file := strings.ReplaceAll(string(s.camt(banktest.Version08)), sellerIBAN, "DE89370400440532013000")
	if _, err := s.ImportStatement(s.ctx(), strings.NewReader(file), "command:test"); !fault.Is(err, fault.Invalid) {
		t.Fatalf("got %v", err)
	}
	if n := s.count(`SELECT count(*) FROM bank_statement`); n != 0 {
		t.Errorf("%d statements were stored", n)
	}
}

// Paying again for the same thing extends; another configuration is refused.
func TestASecondOrderExtends(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, payer := s.customer(7_900_000_000_108, "Ona")
	s.pay(s.order(ona, softphone(3, false, 6)))
	s.clock.Set(s.clock.Now().Add(30 * 24 * time.Hour))
	o := s.order(ona, softphone(3, false, 12))
	if o.Kind != order.KindRenewal || o.Document.ServiceFrom.String() != "2027-05-23" || o.Document.ServiceTo.String() != "2028-05-22" {
		t.Errorf("%s from %s to %s", o.Kind, o.Document.ServiceFrom, o.Document.ServiceTo)
	}
	s.pay(o)
	list, err := s.Subscriptions(s.ctx(), ona)
	s.must(err)
	if len(list.Items) != 1 || !strings.HasPrefix(list.Items[0].PaidUntil.Format(time.RFC3339), "2028-05-23") {
		t.Errorf("%+v", list.Items)
	}
	sel := softphone(4, false, 6)
	q := s.quote(ona, sel)
	if _, err := s.PlaceOrder(s.ctx(), ona, app.PlaceOrder{Selection: sel, Payer: payer, Method: "bank", Quote: q.Token}); !fault.Is(err, fault.Conflict) {
		t.Errorf("another configuration: %v", err)
	}
	s.clean()
}

// VAT in another currency has to be stated in EUR (Directive 2006/112/EC art. 230),
// at a rate that nobody gives the portal: such an order is refused before it is
// paid. Without VAT it is one like any other.
func TestNoVATInAnotherCurrency(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	sells := seller(t)
	dollars, err := sells.Books.For("EUR", civil.MustParse("2026-11-23"))
	s.must(err)
	euros := dollars
	dollars.ID, dollars.Currency = "2025-04-USD", "USD"
	sells.Books, err = pricing.NewBooks(euros, dollars)
	s.must(err)
	s.App, err = app.New(t.Context(), app.Config{
		DB: s.db, Blobs: s.blobs, Queue: s.queue, Now: s.clock.Now, Seller: sells, BotToken: botToken, Demo: true, Log: slog.New(slog.DiscardHandler),
	})
	s.must(err)
	for i, tt := range []struct {
		country, currency, blocked string
	}{{"LT", "USD", "order.blocked.currency"}, {"LT", "EUR", ""}, {"US", "USD", ""}} {
		actor := s.signIn(7_900_000_000_660+int64(i), "Ona")
		s.bill(actor, app.PayerInput{Kind: "person", Name: "Ona", Street: "g. 1", City: "Vilnius", Postcode: "01103", Country: tt.country, Email: "ona@example.lt", Currency: tt.currency})
		q, err := s.Quote(s.ctx(), &actor, app.QuoteRequest{Selection: softphone(1, false, 6), Currency: money.Currency(tt.currency)})
		s.must(err)
		if q.Blocked != tt.blocked || (q.Token == "") != (tt.blocked != "") {
			t.Errorf("%+v: %q, %d %s of VAT", tt, q.Blocked, q.VAT, q.Price.Currency)
		}
	}
}
