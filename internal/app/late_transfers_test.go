package app_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/pricing"
)

// dearer has everything of the softphone plan cost a euro more from a day on.
func (s *site) dearer(from civil.Date) {
	s.t.Helper()
	sells := seller(s.t)
	book, err := sells.Books.For("EUR", from)
	s.must(err)
	next := book
	next.ID, next.ValidFrom = "2026-12", from
	next.Softphone.Account, next.Softphone.AccountRecording = 400, 600
	sells.Books, err = pricing.NewBooks(book, next)
	s.must(err)
	s.App, err = app.New(s.ctx(), app.Config{
		DB: s.db, Blobs: s.blobs, Queue: s.queue, Now: s.clock.Now, Seller: sells, BotToken: botToken, Demo: true, Log: slog.New(slog.DiscardHandler),
	})
	s.must(err)
}

// Money is in time by the day on which the bank credited it, whenever its
// statement is imported and whatever the jobs have made of the order: the price is
// promised until the last day (vat.md 6.3).
func TestMoneyIsLateByItsDay(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	finance := s.staff(7_900_000_005_400, "Faustas", account.StaffFinance)
	last := s.Today().AddDays(14)
	s.dearer(last.AddDays(1))
	var orders []app.OrderDetail
	for i := range 6 {
		ona, _ := s.customer(7_900_000_005_401+int64(i), "Ona")
		orders = append(orders, s.order(ona, softphone(2, false, 6)))
		if orders[i].ValidUntil != last {
			t.Fatalf("valid until %s", orders[i].ValidUntil)
		}
	}
	on := func(e bank.Entry, day civil.Date) bank.Entry {
		e.Booked, e.Valued = day, day
		return e
	}
	part := s.entry(orders[2])
	part.Amount = 20_00
	s.arrives(part)
	s.wait(17)
	late := orders[5]
	if _, done := s.arrives(on(s.entry(late), last.AddDays(1))); done.Reason != string(bank.ReasonCanceled) { // no job has closed it yet
		t.Errorf("late: %s", done)
	}
	stray, _ := s.arrives(on(s.stray(late.Total), last.AddDays(1)))
	pays := func(o app.OrderDetail) app.SuspenseDecision {
		return app.SuspenseDecision{Kind: bank.DecideOrder, Order: o.Number, Reason: "x"}
	}
	if err := s.DecideSuspense(s.ctx(), finance, stray, pays(late)); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "price") {
		t.Errorf("late, by a person: %v", err)
	}
	s.must(s.RunDue(s.ctx()))
	if n := s.count(`SELECT count(*) FROM orders WHERE state = 'expired'`); n != len(orders) {
		t.Fatalf("%d orders ran out", n)
	}

	if _, done := s.arrives(on(s.entry(orders[0]), last)); done.Outcome != "matched" || done.OrderNumber != orders[0].Number {
		t.Errorf("in time: %s", done)
	}
	if _, done := s.arrives(on(s.entry(orders[1]), last.AddDays(1))); done.Outcome != "suspense" || done.Reason != string(bank.ReasonCanceled) {
		t.Errorf("late: %s", done)
	}
	rest := s.entry(orders[2])
	rest.Amount = orders[2].Total - 20_00
	if _, done := s.arrives(on(rest, last)); done.Outcome != "matched" {
		t.Errorf("the rest, in time: %s", done)
	}
	stray, _ = s.arrives(on(s.stray(orders[3].Total), last))
	s.must(s.DecideSuspense(s.ctx(), finance, stray, pays(orders[3])))
	// The rest of a price is shown before the part that came later: that was late.
	first, second := s.entry(orders[4]), s.entry(orders[4])
	first.Amount, second.Amount = 20_00, orders[4].Total-20_00
	if _, done := s.arrives(on(first, last.AddDays(1))); done.Reason != string(bank.ReasonUnderpaid) && done.Reason != string(bank.ReasonCanceled) {
		t.Errorf("a late part: %s", done)
	}
	if _, done := s.arrives(on(second, last)); done.Outcome != "suspense" {
		t.Errorf("the price was never there in time: %s", done)
	}
	s.invoiceAll()
	for i, want := range []order.State{order.StatePaid, order.StateExpired, order.StatePaid, order.StatePaid, order.StateExpired, order.StateExpired} {
		if n := s.count(`SELECT count(*) FROM orders WHERE number = $1 AND state = $2`, orders[i].Number, string(want)); n != 1 {
			t.Errorf("order %d is not %s", i, want)
		}
	}
	if n := s.count(`SELECT count(*) FROM settlement WHERE tax_point <> $1`, last.String()); n != 0 {
		t.Errorf("%d were settled on another day", n)
	}
	s.clean()
}
