package app_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/subscription"
)

// The same renewal asked for many times at once is one order, which continues
// from the end; another period is another one.
func TestRenewEarly(t *testing.T) {
	t.Parallel()
	s, ona, id, end := renewing(t, 0)
	var (
		wg      sync.WaitGroup
		numbers [8]string
	)
	for i := range numbers {
		wg.Go(func() {
			var err error
			if numbers[i], err = s.RenewEarly(s.ctx(), ona, id, 12); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, n := range numbers {
		if n == "" || n != numbers[0] {
			t.Fatalf("one form, these orders: %v", numbers)
		}
	}
	o, err := s.Order(s.ctx(), ona, numbers[0])
	s.must(err)
	if o.Kind != order.KindRenewal || o.PlacedBy != ona.AccountID || o.Total != 39_20 || o.Document.ServiceFrom.String() != "2027-05-23" {
		t.Errorf("%+v", o.Order)
	}
	if other, err := s.RenewEarly(s.ctx(), ona, id, 36); err != nil || other == o.Number {
		t.Errorf("36 months: %q %v", other, err)
	}
	prices := map[int]money.Amount{}
	for _, p := range s.item(ona, id).Renewals {
		prices[int(p.Period)] = p.Total
	}
	if prices[6] != 21_78 || prices[12] != o.Total || prices[36] != 91_48 {
		t.Errorf("prices %v", prices)
	}
	s.pay(o)
	item := s.item(ona, id)
	if want := subscription.End(end, 12, 23, seller(t).Zone); !item.PaidUntil.Equal(want) || item.Selection.Period != 12 {
		t.Errorf("paid until %s for %d, want %s", item.PaidUntil, item.Selection.Period, want)
	}
	if again, err := s.RenewEarly(s.ctx(), ona, id, 12); err != nil || again == o.Number {
		t.Errorf("the next period: %q %v", again, err)
	}
	s.clean()
}

// An early renewal that waits for money is the one that the job would prepare; a
// canceled one is not in its way.
func TestRenewEarlyBesideTheJob(t *testing.T) {
	t.Parallel()
	s, ona, id, end := renewing(t, 0)
	s.clock.Set(end.Add(-31 * 24 * time.Hour))
	early, err := s.RenewEarly(s.ctx(), ona, id, 12)
	s.must(err)
	s.clock.Set(end.Add(-29 * 24 * time.Hour))
	s.must(s.RunDue(s.ctx()))
	if open := s.openOrders(ona); len(open) != 1 || open[0].Number != early {
		t.Fatalf("orders %v", open)
	}
	s.must(s.CancelOrder(s.ctx(), ona, early))
	s.must(s.RunDue(s.ctx()))
	open := s.openOrders(ona)
	if len(open) != 1 || open[0].PlacedBy != "" || open[0].Selection.Period != 6 {
		t.Fatalf("orders %v", open)
	}
	if number, err := s.RenewEarly(s.ctx(), ona, id, 6); err != nil || number != open[0].Number {
		t.Errorf("%q %v, want what the job prepared", number, err)
	}
	s.clean()
}

func TestRenewEarlyIsRefused(t *testing.T) {
	t.Parallel()
	s, ona, id, end := renewing(t, 0)
	stranger, _ := s.customer(7_900_000_000_601, "Petras")
	clerk := s.signIn(7_900_000_000_602, "Rasa")
	payers, err := s.Payers(s.ctx(), ona)
	s.must(err)
	s.must(s.db.Update(s.ctx(), func(tx *store.Tx) error {
		return tx.InsertMember(s.ctx(), payers[0].ID, clerk.AccountID, account.RoleAccountant)
	}))
	try := func(name string, who account.Actor, id string, period int, want fault.Kind, key string) {
		t.Helper()
		_, err := s.RenewEarly(s.ctx(), who, id, pricing.Period(period))
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || f.Kind != want || f.Key != key {
			t.Errorf("%s: %v", name, err)
		}
	}
	try("a stranger", stranger, id, 6, fault.NotFound, "")
	try("an accountant", clerk, id, 6, fault.NotFound, "")
	try("no id", ona, "x", 6, fault.NotFound, "")
	for _, months := range []int{-1, 0, 1, 7, 60} {
		if _, err := s.RenewEarly(s.ctx(), ona, id, pricing.Period(months)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%d months: %v", months, err)
		}
	}
	s.must(s.turnOff(ona, id))
	s.clock.Set(end.Add(8 * 24 * time.Hour))
	s.must(s.RunDue(s.ctx()))
	try("an ended one", ona, id, 6, fault.Conflict, "error.subscription.ended")
	if item := s.item(ona, id); len(item.Renewals) != 0 {
		t.Error("an ended one has prices")
	}
}
