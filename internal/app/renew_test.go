package app_test

import (
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/bank/banktest"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/subscription"
)

// renewing is a site with a paid Softphone and where its paid time ends.
func renewing(t *testing.T, overpaid money.Amount) (s *site, ona account.Actor, id string, end time.Time) {
	s = newSite(t)
	ona, _ = s.customer(7_900_000_000_600, "Ona")
	o := s.order(ona, softphone(1, false, 6))
	e := s.entry(o)
	e.Amount += overpaid
	s.importFile(s.camt(banktest.Version08, e))
	s.must(s.IssueInvoice(s.ctx(), o.ID))
	list, err := s.Subscriptions(s.ctx(), ona)
	s.must(err)
	return s, ona, list.Items[0].ID, list.Items[0].PaidUntil
}

func (s *site) item(actor account.Actor, id string) app.SubscriptionItem {
	s.t.Helper()
	item, err := s.Subscription(s.ctx(), actor, id)
	s.must(err)
	return item
}

// turnOff turns auto-renewal off, whatever is on its way.
func (s *site) turnOff(actor account.Actor, id string) error {
	_, err := s.TurnAutoRenewOff(s.ctx(), actor, id)
	return err
}

func (s *site) openOrders(actor account.Actor) []app.OpenOrder {
	s.t.Helper()
	list, err := s.Subscriptions(s.ctx(), actor)
	s.must(err)
	return list.OpenOrders
}

// For a payer by transfer the next bank invoice is prepared 30 days ahead, once,
// and nothing is taken by itself; paid, it continues from the end.
func TestRenewalByTransfer(t *testing.T) {
	t.Parallel()
	s, ona, id, end := renewing(t, 0)
	s.clock.Set(end.Add(-31 * 24 * time.Hour))
	s.must(s.RunDue(s.ctx()))
	if open := s.openOrders(ona); len(open) != 0 {
		t.Fatalf("31 days ahead: %v", open)
	}
	s.clock.Set(end.Add(-30 * 24 * time.Hour))
	for range 3 {
		s.must(s.RunDue(s.ctx()))
	}
	open := s.openOrders(ona)
	if len(open) != 1 || open[0].Kind != order.KindRenewal || open[0].PlacedBy != "" {
		t.Fatalf("30 days ahead: %+v", open)
	}
	o, err := s.Order(s.ctx(), ona, open[0].Number)
	s.must(err)
	if o.Document.ServiceFrom.String() != "2027-05-23" || o.ValidUntil.String() != "2027-05-30" {
		t.Errorf("bank invoice from %s, valid until %s", o.Document.ServiceFrom, o.ValidUntil)
	}
	s.clock.Set(end.Add(-time.Hour))
	s.must(s.RunDue(s.ctx()))
	if item := s.item(ona, id); !item.PaidUntil.Equal(end) {
		t.Error("something was taken by itself")
	}
	s.clock.Set(end.Add(3 * 24 * time.Hour)) // in the grace
	s.pay(o)
	item := s.item(ona, id)
	if want := subscription.End(end, 6, 23, seller(t).Zone); !item.PaidUntil.Equal(want) || item.State != subscription.StateActive {
		t.Errorf("paid until %s, want %s", item.PaidUntil, want)
	}
	s.clean()
}

// A balance that covers the whole pays three days before the end, once, whoever
// looks and however often.
func TestRenewalFromTheBalance(t *testing.T) {
	t.Parallel()
	s, ona, id, end := renewing(t, 30_00) // more than the 21.78 of the next period
	s.clock.Set(end.Add(-4 * 24 * time.Hour))
	s.must(s.RunDue(s.ctx()))
	if item := s.item(ona, id); !item.PaidUntil.Equal(end) {
		t.Fatal("charged four days ahead")
	}
	s.clock.Set(end.Add(-3 * 24 * time.Hour))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := s.Renew(s.ctx(), id); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s.must(s.RunDue(s.ctx()))
	item := s.item(ona, id)
	if want := subscription.End(end, 6, 23, seller(t).Zone); !item.PaidUntil.Equal(want) {
		t.Errorf("paid until %s, want %s", item.PaidUntil, want)
	}
	if n := s.count(`SELECT count(*) FROM ledger_entry WHERE kind = 'order_paid'`); n != 2 {
		t.Errorf("%d orders paid", n)
	}
	if n := s.count(`SELECT -balance_minor FROM ledger_account WHERE kind = 'balance'`); n != 8_22 {
		t.Errorf("balance %d", n)
	}
	if n := s.count(`SELECT count(*) FROM invoice`); n != 2 {
		t.Errorf("%d invoices", n)
	}
	s.clean()
}

// Whose balance covers the renewal needs no bank invoice: it is reminded of on the
// days of the calendar, also on the day on which it is paid, and the order is
// stored as paid, with one payment that began as it ended.
func TestRenewalFromTheBalanceDayByDay(t *testing.T) {
	t.Parallel()
	s, ona, id, end := renewing(t, 30_00)
	for d := -32; d <= 0; d++ {
		s.clock.Set(maxTime(s.clock.Now().Add(time.Minute), end.Add(time.Duration(d)*24*time.Hour)))
		for range 2 {
			s.must(s.RunDue(s.ctx()))
		}
		if open := s.openOrders(ona); len(open) != 0 {
			t.Fatalf("%d days from the end: %+v", d, open)
		}
	}
	if got := s.told(id); got != "order_paid renewal_ahead renewal_soon renewed" {
		t.Errorf("told: %s", got)
	}
	if n := s.count(`SELECT count(*) FROM notice WHERE kind IN ('renewal_ahead', 'renewal_soon') AND facts->>'method' = 'balance' AND facts->>'amount' = '2178'`); n != 2 {
		t.Errorf("%d reminders say what will be taken, and from where", n)
	}
	s.paidAtOnce(ona, id)
	s.clean()
}

// A renewal that nobody looked at before its day is told of once, when it is paid.
func TestRenewalFromTheBalanceMadeUpFor(t *testing.T) {
	t.Parallel()
	s, ona, id, end := renewing(t, 30_00)
	s.clock.Set(end.Add(-2 * 24 * time.Hour))
	s.must(s.Renew(s.ctx(), id))
	s.must(s.Renew(s.ctx(), id))
	if got := s.told(id); got != "order_paid renewed" {
		t.Errorf("told: %s", got)
	}
	number := s.paidAtOnce(ona, id)
	o, err := s.Order(s.ctx(), ona, number) // before its invoice is issued
	s.must(err)
	if o.InvoiceNumber != "" || o.Document.Total != 21_78 || o.Document.ServiceFrom.String() != "2027-05-23" {
		t.Errorf("the order shows %+v", o.Document)
	}
	s.must(s.IssuePending(s.ctx()))
	if o, err = s.Order(s.ctx(), ona, number); err != nil || o.InvoiceNumber == "" || o.Document.Number != o.InvoiceNumber {
		t.Errorf("after its invoice: %v, %+v", err, o.Document)
	}
	s.clean()
}

// paidAtOnce looks at the one renewal of a subscription, which was paid from the
// balance without a bank invoice, and returns the number of its order.
func (s *site) paidAtOnce(actor account.Actor, id string) (number string) {
	s.t.Helper()
	s.must(s.db.Pool().QueryRow(s.ctx(), `SELECT number FROM orders WHERE subscription_id = $1 AND kind = 'renewal' AND state = 'paid' AND method = 'balance' AND closed_at = placed_at`, id).Scan(&number))
	if _, err := s.BankInvoiceFile(s.ctx(), actor, number); !fault.Is(err, fault.NotFound) {
		s.t.Errorf("a bank invoice: %v", err)
	}
	for what, n := range map[string]int{
		`payment p JOIN orders o ON o.id = p.order_id JOIN renewal r ON r.id = p.payable_id AND r.state = 'paid' AND r.period_no = 2
		 JOIN payment_event e ON e.payment_id = p.id AND (e.seq, e.from_state, e.to_state, e.source) = (1, '', 'succeeded', 'clock')
		 WHERE o.number = $1 AND p.provider = 'balance' AND p.initiator = 'merchant' AND p.state = 'succeeded' AND p.received_minor = o.total_minor`: 1,
		`payment_event e JOIN payment p ON p.id = e.payment_id JOIN orders o ON o.id = p.order_id WHERE o.number = $1`:                                   1,
		`audit a JOIN orders o ON a.object_id = o.id::text WHERE o.number = $1 AND a.action IN ('order.placed', 'order.paid') AND a.actor = 'job:renew'`: 2,
		`tax_evidence e JOIN orders o ON o.id = e.order_id WHERE o.number = $1`:                                                                          1,
		`subscription_event e WHERE e.order_number = $1 AND e.kind = 'extended' AND e.actor = 'job:renew'`:                                               1,
	} {
		if got := s.count(`SELECT count(*) FROM `+what, number); got != n {
			s.t.Errorf("%d, want %d: %s", got, n, what)
		}
	}
	return number
}

// A balance that covered the renewal and is spent before its day: the bank invoice
// is prepared then.
func TestRenewalWhoseBalanceIsGone(t *testing.T) {
	t.Parallel()
	s, ona, id, end := renewing(t, 0)
	payer := s.item(ona, id).PayerID
	_, err := s.SetCreditLimit(s.ctx(), payer, "25", "command:credit_set")
	s.must(err)
	s.clock.Set(end.Add(-29 * 24 * time.Hour))
	s.must(s.RunDue(s.ctx()))
	if open := s.openOrders(ona); len(open) != 0 {
		t.Fatalf("while the balance covers it: %+v", open)
	}
	_, err = s.SetCreditLimit(s.ctx(), payer, "0", "command:credit_set")
	s.must(err)
	s.must(s.RunDue(s.ctx()))
	if open := s.openOrders(ona); len(open) != 1 || open[0].PlacedBy != "" {
		t.Fatalf("once it is gone: %+v", open)
	}
	if got := s.told(id); got != "bank_invoice_ready order_paid" && got != "order_paid bank_invoice_ready" {
		t.Errorf("told: %s", got)
	}
	s.clean()
}

// Auto-renewal off, committed before the charge, and nothing is charged (I7).
func TestOffBeforeTheCharge(t *testing.T) {
	t.Parallel()
	rounds := 300
	if testing.Short() {
		rounds = 20
	}
	s, ona, id, end := renewing(t, money.Amount(rounds+1)*21_78)
	s.clock.Set(end.Add(-2 * 24 * time.Hour))
	for range rounds {
		before := s.item(ona, id).PaidUntil
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := s.turnOff(ona, id); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			if err := s.Renew(s.ctx(), id); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		item := s.item(ona, id)
		charged := !item.PaidUntil.Equal(before)
		// The history is in the order of commits: what happened first decides.
		last := item.History[len(item.History)-1]
		if charged && last.Kind != subscription.EventAutoRenewOff {
			t.Fatalf("charged after off: %+v", item.History)
		}
		s.must(s.TurnAutoRenewOn(s.ctx(), ona, id, app.Consent{}))
		// It is switched on so many times in a day and no more.
		s.clock.Set(maxTime(s.clock.Now().Add(75*time.Minute), s.end(id).Add(-2*day)))
	}
	s.must(s.IssuePending(s.ctx()))
	s.clean()
}

// Off, or a plan that is no longer sold, and the subscription runs out.
func TestWithoutRenewalItFallsToFree(t *testing.T) {
	t.Parallel()
	s, ona, id, end := renewing(t, 100_00)
	s.must(s.turnOff(ona, id))
	s.clock.Set(end.Add(8 * 24 * time.Hour))
	s.must(s.RunDue(s.ctx()))
	if item := s.item(ona, id); item.State != subscription.StateEnded || !item.PaidUntil.Equal(end) {
		t.Errorf("%+v", item.Subscription)
	}
	if open := s.openOrders(ona); len(open) != 0 {
		t.Errorf("orders %v", open)
	}
	s.clean()
}

// Two renewals of one payer do not spend one balance twice (I11).
func TestOneBalanceIsSpentOnce(t *testing.T) {
	t.Parallel()
	s, ona, soft, end := renewing(t, 0)
	gate := s.order(ona, pricing.Selection{Plan: pricing.Gateway, Options: pricing.Options{Lines: 1}, Period: 6})
	e := s.entry(gate)
	e.Amount += 217_80 // enough for either, not for both
	s.importFile(s.camt(banktest.Version08, e))
	list, err := s.Subscriptions(s.ctx(), ona)
	s.must(err)
	s.clock.Set(end.Add(-24 * time.Hour))
	var wg sync.WaitGroup
	for _, item := range list.Items {
		for range 4 {
			wg.Go(func() {
				if err := s.Renew(s.ctx(), item.ID); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	_ = soft
	if n := s.count(`SELECT count(*) FROM ledger_entry WHERE kind = 'order_paid'`); n != 3 {
		t.Errorf("%d orders were paid, want the two first ones and one renewal", n)
	}
	s.must(s.RunDue(s.ctx()))
	s.clean()
}

// The demo's clock goes forward day by day, and whoever moves it stays signed in.
func TestTheDemoClock(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if err := s.AdvanceDemo(s.ctx(), time.Hour); !fault.Is(err, fault.NotFound) {
		t.Fatalf("without a demo clock: %v", err)
	}
	clock := app.NewDemoClock(s.clock.Now)
	var err error
	s.App, err = app.New(t.Context(), app.Config{
		DB: s.db.OnClock(clock.Now), Blobs: s.blobs, Queue: s.queue, Now: clock.Now, Seller: seller(t), BotToken: botToken, Demo: true,
		Clock: clock, Log: slog.New(slog.DiscardHandler),
	})
	s.must(err)
	s.must(s.SeedDemo(s.ctx(), s.clock))
	state, err := s.BeginSignIn(s.ctx(), "", "/")
	s.must(err)
	q, err := s.DemoReturn("ona", state)
	s.must(err)
	in, err := s.SignInTelegram(s.ctx(), app.TelegramReturn{Query: q, CookieState: state})
	s.must(err)
	for _, by := range []time.Duration{0, -time.Hour, 20 * 366 * 24 * time.Hour} {
		if err := s.AdvanceDemo(s.ctx(), by); !fault.Is(err, fault.Invalid) {
			t.Errorf("by %s: %v", by, err)
		}
	}
	before := clock.Now()
	s.must(s.AdvanceDemo(s.ctx(), 400*24*time.Hour+time.Minute))
	if got := clock.Now().Sub(before); got != 400*24*time.Hour+time.Minute {
		t.Errorf("moved by %s", got)
	}
	ona, err := s.ActorBySession(s.ctx(), in.Token)
	s.must(err)
	list, err := s.Subscriptions(s.ctx(), ona)
	s.must(err)
	if list.Items[0].State != subscription.StateEnded {
		t.Errorf("nobody paid, and it is %s", list.Items[0].State)
	}
	s.clean()
}

// Nobody is reminded of a renewal whose order they canceled.
func TestNoReminderOfACanceledRenewal(t *testing.T) {
	t.Parallel()
	s, ona, id, end := renewing(t, 0)
	s.clock.Set(end.Add(-29 * 24 * time.Hour))
	s.must(s.RunDue(s.ctx()))
	open := s.openOrders(ona)
	if len(open) != 1 {
		t.Fatalf("orders %v", open)
	}
	s.must(s.CancelOrder(s.ctx(), ona, open[0].Number))
	for _, days := range []int{-20, -13, -3, -1} {
		s.clock.Set(end.Add(time.Duration(days) * day))
		s.must(s.RunDue(s.ctx()))
	}
	if got := s.told(id); strings.Contains(got, "renewal_") {
		t.Errorf("told: %s", got)
	}
	if open := s.openOrders(ona); len(open) != 0 {
		t.Errorf("orders %v", open)
	}
}
