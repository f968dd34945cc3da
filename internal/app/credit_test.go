package app_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/ledger"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/store"
	"pgregory.net/rapid"
)

// balanceOf is what a payer has with us.
func (s *site) balanceOf(payer account.PayerID) (balance, available money.Amount) {
	s.t.Helper()
	s.must(s.db.View(s.ctx(), func(tx *store.Tx) error {
		var err error
		if balance, err = tx.Balance(s.ctx(), payer, "EUR"); err != nil {
			return err
		}
		available, err = tx.Available(s.ctx(), payer, "EUR")
		return err
	}))
	return balance, available
}

func TestSetCreditLimit(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, payer := s.customer(7_900_000_000_620, "Ona")
	set, err := s.SetCreditLimit(s.ctx(), payer, "250", "command:credit_set")
	s.must(err)
	if set.Payer != "Ona" || set.Limit != money.Of(250_00, "EUR") || set.Before != 0 || !set.FixCurrency {
		t.Errorf("%+v", set)
	}
	b, err := s.Balance(s.ctx(), ona, payer, 0)
	s.must(err)
	st, err := s.Statement(s.ctx(), ona, app.StatementFilter{Payer: payer})
	s.must(err)
	if b.Limit != 250_00 || b.Available() != 250_00 || st.Limit != 250_00 || st.Available() != 250_00 {
		t.Errorf("shown: %d %d, %d %d", b.Limit, b.Available(), st.Limit, st.Available())
	}
	set, err = s.SetCreditLimit(s.ctx(), payer, "99.50", "command:credit_set")
	s.must(err)
	if set.Before != 250_00 || set.FixCurrency {
		t.Errorf("%+v", set)
	}
	if n := s.count(`SELECT count(*) FROM audit WHERE action = 'payer.credit_limit' AND actor = 'command:credit_set' AND payer_id = $1`, payer); n != 2 {
		t.Errorf("%d audit rows", n)
	}
	for _, amount := range []string{"", "-1", "1e3", "12.345", "1000000.01", "x"} {
		if _, err := s.SetCreditLimit(s.ctx(), payer, amount, "command:credit_set"); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", amount, err)
		}
	}
	for _, id := range []account.PayerID{"", "x", "00000000-0000-0000-0000-000000000000"} {
		if _, err := s.SetCreditLimit(s.ctx(), id, "1", "command:credit_set"); !fault.Is(err, fault.NotFound) {
			t.Errorf("%q: %v", id, err)
		}
	}
	s.clean()
}

// A renewal may be paid on credit, never beyond the limit, and the limit never
// falls below what is owed.
func TestRenewOnCredit(t *testing.T) {
	t.Parallel()
	s, ona, id, end := renewing(t, 0)
	payer := s.item(ona, id).PayerID
	_, err := s.SetCreditLimit(s.ctx(), payer, "21.77", "command:credit_set") // a cent too little
	s.must(err)
	s.clock.Set(end.Add(-2 * 24 * time.Hour))
	s.must(s.RunDue(s.ctx()))
	if got := s.item(ona, id).PaidUntil; !got.Equal(end) {
		t.Fatalf("beyond the limit: paid until %s", got)
	}
	_, err = s.SetCreditLimit(s.ctx(), payer, "21.78", "command:credit_set")
	s.must(err)
	s.must(s.RunDue(s.ctx()))
	if got := s.item(ona, id).PaidUntil; !got.After(end) {
		t.Fatalf("within the limit: paid until %s", got)
	}
	if balance, available := s.balanceOf(payer); balance != -21_78 || available != 0 {
		t.Errorf("balance %d, available %d", balance, available)
	}
	if _, err := s.SetCreditLimit(s.ctx(), payer, "21.77", "command:credit_set"); !fault.Is(err, fault.Conflict) {
		t.Errorf("less than is owed: %v", err)
	}
	s.clean()
}

// 64 renewals of one payer at once: as many are paid as the balance and the
// limit cover, and none more (I11).
func Test64RenewalsOnOneBalance(t *testing.T) {
	t.Parallel()
	clients := 64
	if testing.Short() {
		clients = 16
	}
	const price = 21_78
	s := newSite(t)
	max, payer := s.customer(7_900_000_000_630, "Max")
	ids := make([]string, clients)
	var end time.Time
	for i := range ids {
		customer := s.signIn(8_100_000_000_000+int64(i), fmt.Sprintf("Customer %d", i))
		s.must(s.db.Update(s.ctx(), func(tx *store.Tx) error { return tx.InsertPayerCustomer(s.ctx(), payer, customer.AccountID) }))
		q, err := s.Quote(s.ctx(), &max, app.QuoteRequest{Selection: softphone(1, false, 6), Payer: payer, Customer: customer.TelegramID.String()})
		s.must(err)
		number, err := s.PlaceOrder(s.ctx(), max, app.PlaceOrder{Selection: softphone(1, false, 6), Payer: payer, Customer: customer.TelegramID.String(), Method: "bank", Quote: q.Token})
		s.must(err)
		o, err := s.Order(s.ctx(), max, number)
		s.must(err)
		s.pay(o)
		o, err = s.Order(s.ctx(), max, number)
		s.must(err)
		ids[i], end = o.SubscriptionID, s.item(max, o.SubscriptionID).PaidUntil
	}
	s.clock.Set(end.Add(-2 * 24 * time.Hour))
	s.importFile(s.camt("08", s.transfer(s.reference(max, payer), 50_00)))
	rounds := 0
	spendable := money.Amount(50_00)
	var limit money.Amount
	for _, more := range []money.Amount{0, 100_00, 4*price - 1} {
		limit += more
		spendable += more
		_, err := s.SetCreditLimit(s.ctx(), payer, limit.Decimal(), "command:credit_set")
		s.must(err)
		before := s.count(`SELECT count(*) FROM orders WHERE kind = 'renewal' AND state = 'paid'`)
		var group sync.WaitGroup
		for _, id := range ids {
			group.Go(func() {
				if err := s.Renew(s.ctx(), id); err != nil {
					t.Errorf("renew %s: %v", id, err)
				}
			})
		}
		group.Wait()
		paid := s.count(`SELECT count(*) FROM orders WHERE kind = 'renewal' AND state = 'paid'`) - before
		if want := int(spendable / price); paid != want {
			t.Errorf("limit %s: %d renewals were paid, want %d", limit.Decimal(), paid, want)
		}
		spendable %= price
		if balance, available := s.balanceOf(payer); balance < -limit || available != spendable {
			t.Errorf("limit %s: balance %s, available %s, want %s", limit.Decimal(), balance.Decimal(), available.Decimal(), spendable.Decimal())
		}
		rounds++
	}
	if rounds != 3 {
		t.Error("nothing was tried")
	}
	s.clean()
}

// Without the payer's lock and without a look at the balance, the database alone
// keeps 64 clients within the limit: what was refused would have broken it.
func TestTheLimitHoldsWithoutALock(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, payer := s.customer(7_900_000_000_631, "Ona")
	o := s.order(ona, softphone(1, false, 6))
	s.pay(o)
	var taken atomic.Int64
	rapid.Check(t, func(r *rapid.T) {
		limit := money.Amount(taken.Load()) + money.Amount(rapid.Int64Range(0, 500_00).Draw(r, "limit"))
		_, err := s.SetCreditLimit(s.ctx(), payer, limit.Decimal(), "command:credit_set")
		s.must(err)
		seed := rapid.Uint64().Draw(r, "seed")
		clients := 64
		if testing.Short() {
			clients = 8
		}
		var (
			group sync.WaitGroup
			least atomic.Int64 // refused
		)
		least.Store(int64(money.Max))
		for i := range clients {
			amount := money.Amount(1 + rand.New(rand.NewPCG(seed, uint64(i))).Int64N(50_00))
			group.Go(func() {
				err := s.db.Update(s.ctx(), func(tx *store.Tx) error {
					return tx.AppendEntry(s.ctx(), ledger.ChangeCredit(payer, money.Of(-amount, "EUR"), o.ID, tx.Now()))
				})
				switch {
				case err == nil:
					taken.Add(int64(amount))
				case fault.Is(err, fault.Conflict):
					for old := least.Load(); int64(amount) < old && !least.CompareAndSwap(old, int64(amount)); old = least.Load() {
					}
				default:
					t.Error(err)
				}
			})
		}
		group.Wait()
		balance, available := s.balanceOf(payer)
		if balance != -money.Amount(taken.Load()) || balance < -limit {
			r.Fatalf("balance %d, taken %d, limit %d", balance, taken.Load(), limit)
		}
		if least.Load() <= int64(available) { // the balance only fell, so it would fit now only if it had fitted then
			r.Fatalf("%d was refused, and %d is available", least.Load(), available)
		}
	})
}
