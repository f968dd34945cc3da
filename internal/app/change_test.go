package app_test

import (
	"errors"
	"math/big"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/subscription"
	"pgregory.net/rapid"
)

func accounts(n int) pricing.Options { return pricing.Options{Accounts: n} }

// change makes a change as its preview shows it.
func (s *site) change(actor account.Actor, id string, to pricing.Options) subscription.Change {
	s.t.Helper()
	p, err := s.PreviewChange(s.ctx(), actor, id, to)
	s.must(err)
	s.must(s.ChangeSubscription(s.ctx(), actor, id, to, p.Token))
	return p.Change
}

// account is what the database has of the value account.
func (s *site) account(id string) []subscription.PaidPeriod {
	s.t.Helper()
	var periods []subscription.PaidPeriod
	s.must(s.db.View(s.ctx(), func(tx *store.Tx) error {
		var err error
		periods, err = tx.PaidPeriods(s.ctx(), id)
		return err
	}))
	return periods
}

func (s *site) later(d time.Duration) { s.clock.Set(s.clock.Now().Add(d)) }

// A dearer configuration shortens the term, a cheaper one lengthens it, and the
// value stays; the history says how many days it was.
func TestChangeKeepsTheValue(t *testing.T) {
	t.Parallel()
	s, ona, id, end := renewing(t, 0)
	s.later(30 * 24 * time.Hour)
	before := subscription.UnusedValue(s.account(id), s.clock.Now())
	c := s.change(ona, id, accounts(2))
	left := end.Sub(s.clock.Now())
	if want := s.clock.Now().Add(left / 2).Truncate(time.Second); !c.NewUntil.Equal(want) || c.OldMonthly != 3_00 || c.NewMonthly != 6_00 {
		t.Errorf("expanded until %s, want %s; %d -> %d", c.NewUntil, want, c.OldMonthly, c.NewMonthly)
	}
	item := s.item(ona, id)
	if !item.PaidUntil.Equal(c.NewUntil) || item.Selection.Accounts != 2 || item.AnchorDay != c.AnchorDay {
		t.Errorf("%+v", item.Subscription)
	}
	if after := subscription.UnusedValue(s.account(id), s.clock.Now()); after.Cmp(before) != 0 {
		t.Errorf("worth %s before, %s after", before, after)
	}
	last := item.History[len(item.History)-1]
	if last.Kind != subscription.EventChanged || last.Days != c.Days || last.Days > -75 || last.Days < -77 {
		t.Errorf("history %+v", last)
	}
	s.later(24 * time.Hour)
	c = s.change(ona, id, accounts(1))
	if !c.NewUntil.After(c.OldUntil) || c.Days <= 0 {
		t.Errorf("reduced from %s to %s, %d days", c.OldUntil, c.NewUntil, c.Days)
	}
	// The day at the double price is gone, and nothing else.
	if lost := end.Sub(c.NewUntil); lost < 24*time.Hour || lost > 24*time.Hour+2*time.Second {
		t.Errorf("lost %s", lost)
	}
	if n := s.count(`SELECT count(*) FROM audit WHERE action = 'subscription.changed'`); n != 2 {
		t.Errorf("%d audit rows", n)
	}
	if n := s.count(`SELECT count(*) FROM notice WHERE kind = 'changed' AND subscription_id = $1`, id); n != 2 {
		t.Errorf("%d notices", n)
	}
	s.clean()
}

// There and back at one instant is no change at all, over two paid periods.
func TestChangeThereAndBack(t *testing.T) {
	t.Parallel()
	s, ona, id, _ := renewing(t, 0)
	number, err := s.RenewEarly(s.ctx(), ona, id, 12)
	s.must(err)
	o, err := s.Order(s.ctx(), ona, number)
	s.must(err)
	s.pay(o)
	s.later(17*24*time.Hour + 5*time.Hour)
	before, value := s.item(ona, id), subscription.UnusedValue(s.account(id), s.clock.Now())
	s.change(ona, id, pricing.Options{Accounts: 12, Recording: true})
	s.change(ona, id, accounts(5))
	c := s.change(ona, id, accounts(1))
	after := s.item(ona, id)
	if lost := before.PaidUntil.Sub(after.PaidUntil); lost < 0 || lost > 4*time.Second { // a second of each period at the dearest, at most
		t.Errorf("until %s, then %s", before.PaidUntil, after.PaidUntil)
	}
	if c.Value.Cmp(value) != 0 || subscription.UnusedValue(s.account(id), s.clock.Now()).Cmp(value) != 0 {
		t.Errorf("worth %s, then %s", value, c.Value)
	}
	o, err = s.Order(s.ctx(), ona, number) // what was bought stays as it was bought
	s.must(err)
	if o.Service.Number != 2 || !o.Service.Until.Equal(before.PaidUntil) {
		t.Errorf("the order's period %+v", o.Service)
	}
	s.clean()
}

// Of changes that race, one is made; each form makes its change once.
func TestChangesRace(t *testing.T) {
	t.Parallel()
	s, ona, id, _ := renewing(t, 0)
	s.later(24 * time.Hour)
	var (
		tokens       [2]string
		wg           sync.WaitGroup
		done, denied atomic.Int32
	)
	for i := range tokens {
		p, err := s.PreviewChange(s.ctx(), ona, id, accounts(2+i))
		s.must(err)
		tokens[i] = p.Token
	}
	for range 4 {
		for i, token := range tokens {
			wg.Go(func() {
				switch err := s.ChangeSubscription(s.ctx(), ona, id, accounts(2+i), token); {
				case err == nil:
					done.Add(1)
				case fault.Is(err, fault.Conflict):
					denied.Add(1)
				default:
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	if done.Load() != 4 || denied.Load() != 4 {
		t.Errorf("%d done, %d denied", done.Load(), denied.Load())
	}
	if n := s.count(`SELECT count(*) FROM subscription_event WHERE kind = 'changed'`); n != 1 {
		t.Errorf("%d changes", n)
	}
	s.clean()
}

// What was shown is what is done: another end, another subscription, other
// options, too late, and it is shown again.
func TestChangeAsShown(t *testing.T) {
	t.Parallel()
	s, ona, id, end := renewing(t, 0)
	petras, _ := s.customer(7_900_000_000_603, "Petras")
	s.later(24 * time.Hour)
	p, err := s.PreviewChange(s.ctx(), ona, id, accounts(3))
	s.must(err)
	refused := func(name string, err error, kind fault.Kind, key string) {
		t.Helper()
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || f.Kind != kind || f.Key != key {
			t.Errorf("%s: %v", name, err)
		}
	}
	try := func(who account.Actor, to pricing.Options, token string) error {
		return s.ChangeSubscription(s.ctx(), who, id, to, token)
	}
	refused("other options", try(ona, accounts(4), p.Token), fault.Conflict, "error.change.moved")
	refused("no token", try(ona, accounts(3), ""), fault.Invalid, "error.quote.invalid")
	refused("a quote's token", try(ona, accounts(3), s.quote(ona, softphone(3, false, 6)).Token), fault.Invalid, "error.quote.invalid")
	refused("a stranger", try(petras, accounts(3), p.Token), fault.NotFound, "")
	_, err = s.PreviewChange(s.ctx(), petras, id, accounts(3))
	refused("a stranger's look", err, fault.NotFound, "")
	_, err = s.PreviewChange(s.ctx(), ona, id, accounts(1))
	refused("the same", err, fault.Invalid, "error.change.same")
	if _, err = s.PreviewChange(s.ctx(), ona, id, accounts(0)); !fault.Is(err, fault.Invalid) {
		t.Errorf("impossible: %v", err)
	}
	s.later(2 * time.Hour)
	refused("an old page", try(ona, accounts(3), p.Token), fault.Conflict, "error.change.moved")
	p, err = s.PreviewChange(s.ctx(), ona, id, accounts(3))
	s.must(err)
	number, err := s.RenewEarly(s.ctx(), ona, id, 6)
	s.must(err)
	o, err := s.Order(s.ctx(), ona, number)
	s.must(err)
	s.pay(o)
	refused("renewed since", try(ona, accounts(3), p.Token), fault.Conflict, "error.change.moved")
	s.must(s.turnOff(ona, id))
	s.clock.Set(s.item(ona, id).PaidUntil.Add(24 * time.Hour)) // in the grace
	_, err = s.PreviewChange(s.ctx(), ona, id, accounts(3))
	refused("in the grace", err, fault.Conflict, "error.change.nothing_left")
	s.later(8 * 24 * time.Hour)
	s.must(s.RunDue(s.ctx()))
	_, err = s.PreviewChange(s.ctx(), ona, id, accounts(3))
	refused("ended", err, fault.Conflict, "error.subscription.ended")
	if end.After(s.clock.Now()) {
		t.Error("the renewal did nothing")
	}
	s.clean()
}

// A renewal that waits is for the old options: a change withdraws it, and the
// next one is for the new ones and continues from the new end.
func TestChangeThenRenew(t *testing.T) {
	t.Parallel()
	s, ona, id, end := renewing(t, 0)
	s.clock.Set(end.Add(-20 * 24 * time.Hour))
	s.must(s.RunDue(s.ctx()))
	old := s.openOrders(ona)
	if len(old) != 1 {
		t.Fatalf("orders %v", old)
	}
	s.change(ona, id, accounts(2))
	if open := s.openOrders(ona); len(open) != 0 {
		t.Fatalf("still open: %v", open)
	}
	s.must(s.RunDue(s.ctx()))
	open := s.openOrders(ona)
	if len(open) != 1 || open[0].Selection.Accounts != 2 || open[0].Number == old[0].Number {
		t.Fatalf("orders %v", open)
	}
	item := s.item(ona, id)
	o, err := s.Order(s.ctx(), ona, open[0].Number)
	s.must(err)
	s.pay(o)
	renewed := s.item(ona, id)
	if want := subscription.End(item.PaidUntil, 6, item.AnchorDay, seller(t).Zone); !renewed.PaidUntil.Equal(want) {
		t.Errorf("until %s, want %s", renewed.PaidUntil, want)
	}
	s.change(ona, id, accounts(7))
	s.clean()
}

// Whatever happens in whatever order, the audit is clean and no change changes
// the value.
func TestChangesInAnyOrder(t *testing.T) {
	t.Parallel()
	steps := 8 // of each of a hundred runs, all on one subscription
	if testing.Short() {
		steps = 2
	}
	s, ona, id, _ := renewing(t, 0)
	rapid.Check(t, func(r *rapid.T) {
		for range rapid.IntRange(1, steps).Draw(r, "steps") {
			switch rapid.IntRange(0, 3).Draw(r, "what") {
			case 0:
				number, err := s.RenewEarly(s.ctx(), ona, id, rapid.SampledFrom(pricing.Periods[:]).Draw(r, "period"))
				if fault.Is(err, fault.Conflict) { // beyond the year 9999
					continue
				}
				s.must(err)
				o, err := s.Order(s.ctx(), ona, number)
				s.must(err)
				s.pay(o)
			case 1:
				if d := time.Duration(rapid.IntRange(1, 30*24*3600).Draw(r, "seconds")) * time.Second; s.item(ona, id).PaidUntil.After(s.clock.Now().Add(d)) {
					s.later(d)
				}
			default:
				to := pricing.Options{Accounts: rapid.IntRange(1, 60).Draw(r, "accounts"), Recording: rapid.Bool().Draw(r, "recording")}
				before := subscription.UnusedValue(s.account(id), s.clock.Now())
				p, err := s.PreviewChange(s.ctx(), ona, id, to)
				if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) {
					continue
				}
				s.must(err)
				s.must(s.ChangeSubscription(s.ctx(), ona, id, to, p.Token))
				after := subscription.UnusedValue(s.account(id), s.clock.Now()).Add(subscription.ValueOf(p.Change.Credit))
				if before.Cmp(after) != 0 {
					r.Fatalf("to %+v: worth %s before, %s after", to, before, after)
				}
			}
		}
		s.paidIsKept(r, id)
	})
	s.clean()
}

// Only what costs more than a cent a second leaves whole cents over: they go to
// the balance, and the sum stays.
func TestChangeCreditsTheRest(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, payer := s.customer(7_900_000_000_610, "Ona")
	o := s.order(ona, pricing.Selection{Plan: pricing.Gateway, Options: pricing.Options{Lines: 7}, Period: 6})
	s.pay(o)
	o, err := s.Order(s.ctx(), ona, o.Number)
	s.must(err)
	id, largest := o.SubscriptionID, pricing.Options{Lines: pricing.MaxLines, ExtraAccounts: pricing.MaxExtraAccounts}
	var p app.ChangePreview
	for range 100 {
		s.later(time.Second)
		if p, err = s.PreviewChange(s.ctx(), ona, id, largest); err != nil || p.Change.Credit > 0 {
			break
		}
	}
	s.must(err)
	if p.Change.Credit <= 0 {
		t.Fatal("no second leaves a cent over")
	}
	s.must(s.ChangeSubscription(s.ctx(), ona, id, largest, p.Token))
	b, err := s.Balance(s.ctx(), ona, payer, 0)
	s.must(err)
	if b.Amount != p.Change.Credit {
		t.Errorf("the balance has %d, the preview said %d", b.Amount, p.Change.Credit)
	}
	s.paidIsKept(t, id)
	s.later(13 * time.Second)
	s.change(ona, id, pricing.Options{Lines: 1})
	s.paidIsKept(t, id)
	s.clean()
}

// paidIsKept adds up what the database has of a subscription: what was paid is
// what is used, what is left and what was credited (I18, I19), to the cent and
// beyond. It reads the rows and the ledger, by no code of the program.
func (s *site) paidIsKept(t interface{ Fatalf(string, ...any) }, id string) {
	s.t.Helper()
	rows, err := s.db.Pool().Query(s.ctx(), `
		SELECT worth, rate, extract(epoch FROM lower(during))::bigint, extract(epoch FROM upper(during))::bigint,
		       floor(extract(epoch FROM superseded_at))::bigint
		FROM subscription_period WHERE subscription_id = $1`, id)
	s.must(err)
	fraction := func(text string) *big.Rat {
		r, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatalf("%q is no fraction", text)
		}
		return r
	}
	now := s.clock.Now().Unix()
	used, left := new(big.Rat), new(big.Rat)
	for rows.Next() {
		var (
			worth, rate string
			from, until int64
			superseded  *int64
		)
		s.must(rows.Scan(&worth, &rate, &from, &until, &superseded))
		upTo := now
		if superseded != nil {
			upTo = *superseded
		}
		gone := new(big.Rat).Mul(fraction(rate), big.NewRat(max(0, upTo-from), 1))
		if all := fraction(worth); upTo >= until || gone.Cmp(all) > 0 {
			gone = all
		}
		used.Add(used, gone)
		if superseded == nil {
			left.Add(left, new(big.Rat).Sub(fraction(worth), gone))
		}
	}
	s.must(rows.Err())
	paid := s.count(`SELECT -sum(p.amount_minor)::bigint FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id AND a.kind = 'revenue'
		JOIN ledger_entry e ON e.id = p.entry_id AND e.kind = 'order_paid' JOIN orders o ON o.id = e.order_id WHERE o.subscription_id = $1`, id)
	credited := s.count(`SELECT COALESCE(-sum(p.amount_minor), 0)::bigint FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id AND a.kind = 'balance'
		JOIN ledger_entry e ON e.id = p.entry_id AND e.kind = 'change_credit' JOIN orders o ON o.id = e.order_id WHERE o.subscription_id = $1`, id)
	sum := new(big.Rat).Add(used, left)
	sum.Add(sum, big.NewRat(int64(credited), 1))
	if sum.Cmp(big.NewRat(int64(paid), 1)) != 0 {
		t.Fatalf("%d was paid; %s is used, %s is left and %d was credited: %s", paid, used.FloatString(4), left.FloatString(4), credited, sum.FloatString(4))
	}
}

// Periods that were stored before they had an account get the one that they
// would have today.
func TestAccountsOfEarlierPeriods(t *testing.T) {
	t.Parallel()
	s, _, id, _ := renewing(t, 0)
	want := s.account(id)
	migration, err := os.ReadFile("../../migrations/0009_keep_value_on_change.sql")
	s.must(err)
	_, update, _ := strings.Cut(string(migration), "UPDATE subscription_period p")
	update, _, _ = strings.Cut(update, ";")
	run := func(sql string) {
		t.Helper()
		_, err := s.db.Pool().Exec(s.ctx(), sql)
		s.must(err)
	}
	run(`ALTER TABLE subscription_period DISABLE TRIGGER USER`)
	run(`UPDATE subscription_period SET price_book = NULL, monthly_minor = NULL, worth = NULL, rate = NULL`)
	if got := s.account(id); len(got) != 0 {
		t.Fatalf("without an account: %+v", got)
	}
	run(`UPDATE subscription_period p` + update)
	got := s.account(id)
	if len(got) != 1 || got[0].Worth.Cmp(want[0].Worth) != 0 || got[0].Rate.Cmp(want[0].Rate) != 0 || got[0].Monthly != want[0].Monthly || got[0].Book != want[0].Book {
		t.Errorf("%+v, want %+v", got, want)
	}
}
