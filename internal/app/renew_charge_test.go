package app_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/provider/sandbox"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/subscription"
)

const day = 24 * time.Hour

// end is when the paid time of a subscription ends.
func (s *site) end(id string) (end time.Time) {
	s.t.Helper()
	s.must(s.db.Pool().QueryRow(s.ctx(), `SELECT paid_until FROM subscription WHERE id = $1`, id).Scan(&end))
	return end.UTC()
}

// told are the kinds of notice about a subscription, in order.
func (s *site) told(id string) string {
	s.t.Helper()
	rows, err := s.db.Pool().Query(s.ctx(), `SELECT kind FROM notice WHERE subscription_id = $1 ORDER BY at, kind`, id)
	s.must(err)
	var kinds []string
	for rows.Next() {
		var kind string
		s.must(rows.Scan(&kind))
		kinds = append(kinds, kind)
	}
	s.must(rows.Err())
	return strings.Join(kinds, " ")
}

// dayFrom is so many days from an instant, in the morning of that day.
func (s *site) dayFrom(end time.Time, days int) time.Time {
	return s.App.DayOf(end).AddDays(days).In(seller(s.t).Zone).Add(time.Hour)
}

// charges are the days, counted from an end, on which the sandbox was asked to
// charge a saved card.
func (s *till) charges(end time.Time) (days []int) {
	s.t.Helper()
	rows, err := s.db.Pool().Query(s.ctx(), `SELECT on_day - $1::date FROM charge ORDER BY on_day, at`, s.App.DayOf(end).String())
	s.must(err)
	for rows.Next() {
		var n int
		s.must(rows.Scan(&n))
		days = append(days, n)
	}
	s.must(rows.Err())
	asked := 0
	for _, e := range s.Book() {
		if !e.Checkout {
			asked++
		}
	}
	if asked != len(days) {
		s.t.Errorf("%d charge moments, but the sandbox was asked %d times", len(days), asked)
	}
	return days
}

// live goes through the days from one to another, both counted from an end, with
// three looks a day.
func (s *till) live(end time.Time, from, to int) {
	s.t.Helper()
	for d := from; d <= to; d++ {
		for range 3 {
			s.clock.Set(maxTime(s.clock.Now().Add(time.Minute), s.dayFrom(end, d)))
			s.must(s.RunDue(s.ctx()))
			s.webhooks()
		}
	}
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// A kept card: no bank invoice 30 days ahead, two reminders with amount, day and
// card, one charge three days before the end, and the time goes on from the end.
func TestRenewalByCard(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, id, _ := s.subscriber(7_900_000_003_000, sandbox.CardOK)
	end := s.end(id)
	s.live(end, -32, -4)
	if open := s.openOrders(ona); len(open) != 0 {
		t.Errorf("orders ahead of the charge: %+v", open)
	}
	if n := len(s.charges(end)); n != 0 {
		t.Errorf("%d charges before the day", n)
	}
	if got := s.told(id); got != "order_paid renewal_ahead" {
		t.Errorf("told: %s", got)
	}
	var on, method string
	var amount int
	s.must(s.db.Pool().QueryRow(s.ctx(), `SELECT facts->>'on', facts->>'method', (facts->>'amount')::int FROM notice WHERE kind = 'renewal_ahead'`).Scan(&on, &method, &amount))
	if on != s.App.DayOf(end).AddDays(-3).String() || method != "Sandbox card: Always pays" || amount != 21_78 {
		t.Errorf("reminder: %s, %s, %d", on, method, amount)
	}
	s.live(end, -3, 8)
	if got := s.charges(end); !slices.Equal(got, []int{-3}) {
		t.Errorf("charged on %v", got)
	}
	item := s.item(ona, id)
	if want := subscription.End(end, 6, 23, seller(t).Zone); !item.PaidUntil.Equal(want) || item.State != subscription.StateActive {
		t.Errorf("paid until %s, want %s", item.PaidUntil, want)
	}
	if got := s.told(id); got != "order_paid renewal_ahead renewal_soon renewed" {
		t.Errorf("told: %s", got)
	}
	if n := s.count(`SELECT count(*) FROM notice WHERE kind = 'renewed' AND facts->>'method' = 'Sandbox card: Always pays' AND facts->>'amount' = '2178'`); n != 1 {
		t.Error("the receipt does not say what paid")
	}
	if _, times := s.captured(); times != 2 {
		t.Errorf("%d captures", times)
	}
	s.agree()
}

// A card without money is tried on the days of the calendar, once a day, until
// the limit for cards ends that; what the payer pays in meanwhile renews.
func TestACardThatIsDeclinedDayByDay(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, id, _ := s.subscriber(7_900_000_003_010, sandbox.CardInsufficient)
	end := s.end(id)
	for _, step := range []struct{ day, charges int }{{-4, 0}, {-3, 1}, {-2, 2}, {-1, 3}, {0, 4}, {1, 4}, {3, 4}, {6, 4}} {
		s.live(end, step.day, step.day)
		if got := s.charges(end); len(got) != step.charges {
			t.Fatalf("day %d: charged on %v", step.day, got)
		}
	}
	if got := s.charges(end); !slices.Equal(got, []int{-3, -2, -1, 0}) { // four declines in 30 days are the most
		t.Errorf("charged on %v", got)
	}
	if n := s.count(`SELECT count(*) FROM payment WHERE payable_kind = 'renewal'`); n != 2 {
		t.Errorf("%d payments: three declines end one", n)
	}
	if n := s.count(`SELECT tries FROM renewal`); n != 4 {
		t.Errorf("%d tries", n)
	}
	if n := s.count(`SELECT count(*) FROM notice WHERE kind = 'charge_declined'`); n != 4 {
		t.Errorf("%d notices", n)
	}
	if n := s.count(`SELECT count(*) FROM notice WHERE kind = 'charge_declined' AND facts ? 'on'`); n != 3 {
		t.Errorf("%d notices foretell another try", n)
	}
	s.live(end, 8, 8)
	if item := s.item(ona, id); item.State != subscription.StateEnded || !item.PaidUntil.Equal(end) {
		t.Errorf("after the grace: %+v", item.Subscription)
	}
	if got := s.told(id); !strings.HasSuffix(got, "grace_begun ended") {
		t.Errorf("told: %s", got)
	}
	if n := s.count(`SELECT count(*) FROM payment WHERE state NOT IN ('succeeded', 'failed', 'canceled', 'expired')`); n != 0 {
		t.Errorf("%d payments still live", n)
	}
	s.agree()
}

// When another card is chosen, it is tried on the days that are left of the
// calendar: the last one in the grace.
func TestTheLastDaysOfTheGrace(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, id, old := s.subscriber(7_900_000_003_015, sandbox.CardDeclines)
	end := s.end(id)
	s.live(end, -3, 1)
	if got := s.charges(end); !slices.Equal(got, []int{-3}) {
		t.Fatalf("a card that was refused for good: charged on %v", got)
	}
	s.must(s.TurnAutoRenewOn(s.ctx(), ona, id, s.consentTo(s.anotherCard(ona, old, sandbox.CardInsufficient))))
	s.live(end, 2, 6)
	if got := s.charges(end); !slices.Equal(got, []int{-3, 2, 3}) { // made up for, once
		t.Fatalf("charged on %v", got)
	}
	s.must(s.TurnAutoRenewOn(s.ctx(), ona, id, s.consentTo(s.anotherCard(ona, old, sandbox.CardOK))))
	s.live(end, 6, 7)
	if got := s.charges(end); !slices.Equal(got, []int{-3, 2, 3, 7}) {
		t.Fatalf("charged on %v", got)
	}
	if item := s.item(ona, id); item.State != subscription.StateActive || !item.PaidUntil.Equal(subscription.End(end, 6, 23, seller(t).Zone)) {
		t.Errorf("%+v", item.Subscription)
	}
	s.agree()
}

// anotherCard gives a payer another card of a kind.
func (s *till) anotherCard(actor account.Actor, like string, card sandbox.Card) (method string) {
	s.t.Helper()
	token, err := s.SaveCard(card)
	s.must(err)
	s.must(s.db.Pool().QueryRow(s.ctx(), `INSERT INTO payment_method (payer_id, provider, provider_account, provider_ref, label, fingerprint, expires_on, created_at)
		SELECT payer_id, provider, provider_account, $2, $3, $3, '2040-12-31', now() FROM payment_method WHERE id = $1 RETURNING id`, like, token, string(card)).Scan(&method))
	return method
}

// consentTo is what somebody sends who agrees to have a card charged.
func (s *till) consentTo(method string) app.Consent {
	return app.Consent{MethodID: method, ConsentID: "consent.text", ConsentText: "You may charge it.", IP: "192.0.2.1", UserAgent: "test", Language: "en"}
}

// The card's bank wants to see the payer: nothing else is taken meanwhile, not
// even from the balance; when nobody came, the calendar goes on.
func TestACardThatWantsThePayer(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, id, _ := s.subscriber(7_900_000_003_020, sandbox.CardConfirm)
	end := s.end(id)
	s.live(end, -3, -3)
	if got := s.told(id); !strings.Contains(got, "charge_confirm") {
		t.Errorf("told: %s", got)
	}
	if n := s.count(`SELECT count(*) FROM notice WHERE kind = 'charge_confirm' AND order_number = (SELECT number FROM orders WHERE kind = 'renewal')`); n != 1 {
		t.Error("the notice does not say where to confirm")
	}
	s.topUp(ona, 100_00)
	s.must(s.RunDue(s.ctx()))
	if item := s.item(ona, id); !item.PaidUntil.Equal(end) {
		t.Fatal("the balance paid while a card was being charged")
	}
	s.clock.Set(s.dayFrom(end, -2).Add(time.Hour)) // the bank has waited a day
	s.must(s.RunDue(s.ctx()))
	if n := s.count(`SELECT count(*) FROM payment WHERE state = 'expired'`); n != 1 {
		t.Errorf("%d expired", n)
	}
	if item := s.item(ona, id); !item.PaidUntil.After(end) {
		t.Error("after its end the balance does not pay")
	}
	if got := s.charges(end); !slices.Equal(got, []int{-3}) {
		t.Errorf("charged on %v", got)
	}
	s.agree()
}

// The payer comes and confirms.
func TestAConfirmedCharge(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, id, _ := s.subscriber(7_900_000_003_025, sandbox.CardConfirm)
	end := s.end(id)
	s.live(end, -3, -3)
	book := s.Book()
	s.must(s.Press(book[len(book)-1].ID, "confirmed", "", false))
	s.webhooks()
	if item := s.item(ona, id); !item.PaidUntil.After(end) {
		t.Error("confirmed, and not renewed")
	}
	s.live(end, -2, 8)
	if _, times := s.captured(); times != 2 {
		t.Errorf("%d captures", times)
	}
	s.agree()
}

// topUp has money of a payer arrive.
func (s *till) topUp(actor account.Actor, amount money.Amount) {
	s.t.Helper()
	payers, err := s.Payers(s.ctx(), actor)
	s.must(err)
	address, err := s.TopUpByCard(s.ctx(), actor, payers[0].ID, amount, "en")
	s.must(err)
	s.must(s.Press(strings.TrimPrefix(address, s.api.URL+"/v1/checkouts/"), "pay", sandbox.CardOK, false))
	s.webhooks()
	if _, err := s.TopUpReturned(s.ctx(), actor, payers[0].ID); err != nil {
		s.t.Error(err)
	}
}

// An answer that gets lost, or a provider that is away, takes no second charge
// and loses no day.
func TestRenewalsWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	faults, _ := sandbox.FaultKinds()
	for _, kind := range faults {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := newTill(t)
			ona, id, _ := s.subscriber(7_900_000_003_030, sandbox.CardOK)
			end := s.end(id)
			s.must(s.Inject(sandbox.Fault{Kind: kind, On: "charge", Times: 2}))
			s.live(end, -3, 8)
			if item := s.item(ona, id); !item.PaidUntil.Equal(subscription.End(end, 6, 23, seller(t).Zone)) {
				t.Errorf("paid until %s", item.PaidUntil)
			}
			if _, times := s.captured(); times != 2 {
				t.Errorf("%d captures", times)
			}
			s.agree()
		})
	}
}

// Two programs at once, each with its own workers, charge once: the sandbox's
// book is the judge.
func TestTwoWorkersChargeOnce(t *testing.T) {
	t.Parallel()
	rounds := 4
	if long() {
		rounds = 100
	}
	s := newTill(t)
	ona, id, _ := s.subscriber(7_900_000_003_040, sandbox.CardOK)
	other := s.second()
	for round := range rounds {
		end := s.end(id)
		s.clock.Set(s.dayFrom(end, -3))
		var wg sync.WaitGroup
		for _, a := range []*app.App{s.App, other, s.App, other} {
			wg.Go(func() {
				if err := a.Renew(s.ctx(), id); err != nil {
					t.Error(err)
				}
				if err := a.RunDue(s.ctx()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		s.webhooks()
		if item := s.item(ona, id); !item.PaidUntil.After(end) {
			t.Fatalf("round %d: not renewed", round)
		}
		if _, times := s.captured(); times != round+2 {
			t.Fatalf("round %d: %d captures", round, times)
		}
	}
	s.agree()
}

// second is another program on the same database and the same provider.
func (s *till) second() *app.App {
	s.t.Helper()
	a, err := app.New(s.ctx(), s.config())
	s.must(err)
	return a
}

// A mistake in the scheduler that charges whatever it finds runs into the bounds
// for one payer and day (I33): a person is called, and the next day goes on.
func TestBoundsForOnePayer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		charges int          // that the bound allows
		most    money.Amount // that it allows in all
		want    int
	}{{"number", 3, 5000_00, 3}, {"amount", 10, 50_00, 2}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newTill(t)
			c := s.config()
			c.Seller.MaxChargesDaily, c.Seller.MaxChargedDaily = tt.charges, tt.most
			var err error
			s.App, err = app.New(s.ctx(), c)
			s.must(err)
			ona, first, method := s.subscriber(7_900_000_003_050, sandbox.CardOK)
			subs := []string{first}
			payers, err := s.Payers(s.ctx(), ona)
			s.must(err)
			for i := range 4 { // for other customers, paid by the same card
				who := s.signIn(7_900_000_003_060+int64(i), fmt.Sprintf("Customer %d", i))
				subs = append(subs, s.subscribedFor(payers[0].ID, who, method))
			}
			s.clock.Set(s.dayFrom(s.end(first), -2))
			for _, id := range subs { // the mistake: everything at once, again and again
				for range 3 {
					charge, _, err := s.App.ChargeSaved(s.ctx(), id, method)
					if err == nil {
						err = s.SendPayment(s.ctx(), charge)
					}
					if err != nil {
						t.Log(err)
					}
				}
			}
			if got := s.charges(s.end(first)); len(got) != tt.want {
				t.Errorf("charged %d times, want %d", len(got), tt.want)
			}
			if n := s.count(`SELECT count(*) FROM audit WHERE action = 'payment.alert' AND detail->>'why' = 'over_limit'`); n == 0 {
				t.Error("nobody was called")
			}
			for range 3 { // the scheduler that is right neither insists nor calls again
				s.must(s.RunDue(s.ctx()))
			}
			if got := s.charges(s.end(first)); len(got) != tt.want {
				t.Errorf("charged %d times, want %d", len(got), tt.want)
			}
			s.clock.Set(s.clock.Now().Add(day))
			s.must(s.RunDue(s.ctx()))
			if n := s.count(`SELECT count(*) FROM renewal WHERE state = 'paid'`); n != min(5, 2*tt.want) {
				t.Errorf("%d renewals paid on the next day", n)
			}
			s.agree()
		})
	}
}

// subscribedFor gives a customer a subscription of a payer that a card renews.
func (s *till) subscribedFor(payer account.PayerID, customer account.Actor, method string) (id string) {
	s.t.Helper()
	s.must(s.LinkCustomer(s.ctx(), payer, customer.AccountID))
	var owner account.Actor
	s.must(s.db.Pool().QueryRow(s.ctx(), `SELECT a.id, a.telegram_id FROM member m JOIN account a ON a.id = m.account_id WHERE m.payer_id = $1`, string(payer)).Scan(&owner.AccountID, &owner.TelegramID))
	sel := softphone(1, false, 6)
	q, err := s.Quote(s.ctx(), &owner, app.QuoteRequest{Selection: sel, Payer: payer, Customer: customer.TelegramID.String()})
	s.must(err)
	number, err := s.PlaceOrder(s.ctx(), owner, app.PlaceOrder{Selection: sel, Payer: payer, Customer: customer.TelegramID.String(), Method: "bank", Quote: q.Token})
	s.must(err)
	o, err := s.Order(s.ctx(), owner, number)
	s.must(err)
	s.pay(o)
	s.must(s.db.Pool().QueryRow(s.ctx(), `SELECT id FROM subscription WHERE customer_id = $1`, string(customer.AccountID)).Scan(&id))
	s.must(s.TurnAutoRenewOn(s.ctx(), owner, id, s.consentTo(method)))
	return id
}

// long reports whether tests may take their time.
func long() bool { return os.Getenv("PORTAL_LONG") == "1" }

// Charging that was halted for the whole time of the calendar takes nothing from
// anybody: once it goes on, what was missed is made up for, with one charge, also
// when the grace is over.
func TestAHaltOverTheGrace(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, id, _ := s.subscriber(7_900_000_003_070, sandbox.CardOK)
	end := s.end(id)
	s.live(end, -4, -4)
	s.must(s.HaltCharging(s.ctx(), "a test", byOperator))
	s.live(end, -3, 9)
	if got := s.charges(end); len(got) != 0 {
		t.Fatalf("charged on %v", got)
	}
	s.must(discard(s.ResumeCharging(s.ctx(), byOperator)))
	s.live(end, 10, 12)
	if got := s.charges(end); !slices.Equal(got, []int{10}) {
		t.Errorf("charged on %v", got)
	}
	if item := s.item(ona, id); item.State != subscription.StateActive || !item.PaidUntil.Equal(subscription.End(end, 6, 23, seller(t).Zone)) {
		t.Errorf("%+v", item.Subscription)
	}
	s.agree()
}

// Nobody falls to Free while a card is being charged: the money may have been
// taken. When the charge ends, or nobody will ever know, it goes on.
func TestNobodyFallsToFreeDuringACharge(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		end  func(s *till, reference string)
		want subscription.State
	}{
		"taken":     {func(s *till, reference string) { s.must(s.Settle(reference, true)) }, subscription.StateActive},
		"refused":   {func(s *till, reference string) { s.must(s.Settle(reference, false)) }, subscription.StateEnded},
		"undecided": {func(s *till, _ string) { s.clock.Set(s.clock.Now().Add(6 * day)) }, subscription.StateEnded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTill(t)
			ona, id, _ := s.subscriber(7_900_000_003_080, sandbox.CardLater)
			end := s.end(id)
			s.live(end, 6, 6)
			if got := s.charges(end); !slices.Equal(got, []int{6}) {
				t.Fatalf("charged on %v", got)
			}
			s.live(end, 7, 9)
			if item := s.item(ona, id); item.State != subscription.StateActive {
				t.Fatalf("%s during the charge", item.State)
			}
			book := s.Book()
			tt.end(s, book[len(book)-1].Reference)
			s.webhooks()
			for range 8 * 24 { // one look an hour
				s.clock.Set(s.clock.Now().Add(time.Hour))
				s.must(discard(s.CheckPayments(s.ctx())))
			}
			s.must(s.CloseOverdue(s.ctx()))
			s.must(s.IssuePending(s.ctx()))
			item := s.item(ona, id)
			if item.State != tt.want {
				t.Errorf("afterwards: %s", item.State)
			}
			if tt.want == subscription.StateActive && !item.PaidUntil.Equal(subscription.End(end, 6, 23, seller(t).Zone)) {
				t.Errorf("paid until %s", item.PaidUntil)
			}
			if parked := s.count(`SELECT count(*) FROM payment WHERE parked = 'undecided'`); (parked > 0) != (name == "undecided") {
				t.Errorf("%d payments wait for a person", parked)
			}
			s.agree()
		})
	}
}

// A provider that takes no request for forty minutes has refused no card: nobody
// is told so, and the card is charged on the same day, once the provider is back.
func TestAProviderThatIsAway(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, id, method := s.subscriber(7_900_000_003_081, sandbox.CardOK)
	end := s.end(id)
	s.clock.Set(s.dayFrom(end, -3))
	s.must(s.Inject(sandbox.Fault{Kind: sandbox.RateLimit, On: "charge", Times: 2 * payment.MaxNotSent}))
	for s.clock.Now().Before(s.dayFrom(end, -3).Add(150 * time.Minute)) { // the second payment fails, too
		s.must(s.RunDue(s.ctx()))
		s.clock.Set(s.clock.Now().Add(10 * time.Minute))
	}
	if n := s.count(`SELECT count(*) FROM payment WHERE initiator = 'merchant' AND state = 'failed'`); n != 2 {
		t.Fatalf("%d payments failed", n)
	}
	if item := s.item(ona, id); item.Charge != nil || item.Next.On != s.DayOf(s.clock.Now()) {
		t.Errorf("the page says %+v, %+v", item.Charge, item.Next)
	}
	s.clock.Set(s.clock.Now().Add(time.Hour))
	s.must(s.RunDue(s.ctx()))
	if item := s.item(ona, id); !item.PaidUntil.Equal(subscription.End(end, 6, 23, seller(t).Zone)) {
		t.Errorf("paid until %s", item.PaidUntil)
	}
	if got := s.told(id); strings.Contains(got, "charge_declined") {
		t.Errorf("told: %s", got)
	}
	if n := s.count(`SELECT count(*) FROM charge WHERE NOT not_sent`); n != 1 {
		t.Errorf("%d charges count", n)
	}
	if n := s.declines(method); n != 0 {
		t.Errorf("%d declines", n)
	}
	if n := s.count(`SELECT count(*) FROM audit WHERE action = 'payment.alert' AND detail->>'why' = 'not_sent'`); n != 1 {
		t.Errorf("a person was called %d times", n)
	}
	s.agree()
}

// declines is how often a card was declined of late.
func (s *site) declines(method string) (n int) {
	s.t.Helper()
	s.must(s.db.View(s.ctx(), func(tx *store.Tx) (err error) {
		n, err = tx.DeclinesOfMethod(s.ctx(), method, s.clock.Now().Add(-payment.CardWindow))
		return err
	}))
	return n
}
