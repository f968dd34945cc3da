package sim

import (
	"context"
	"time"

	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/ledger"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
)

// drain ends a run: nothing fails any more, every webhook and job arrives, and
// two weeks pass. Then nothing may be left in between, unless a person was told.
func (w *world) drain() {
	w.step, w.may = step{Do: "drain"}, permits{}
	w.arm(0)
	heal(w, step{})
	if w.halted {
		_, err := w.app.ResumeCharging(w.ctx, audit.ByCommand("sim"))
		w.unanswered("resume", err)
		w.halted = false
	}
	for _, by := range []time.Duration{0, time.Minute, 5 * time.Minute, time.Hour, 2 * time.Hour} {
		w.tick(by)
	}
	for range 15 {
		w.tick(24 * time.Hour)
	}
	w.check()
	w.audited(true)
	w.ended()
}

// tick lets time pass and does everything that is due.
func (w *world) tick(by time.Duration) {
	w.clock.Set(w.clock.Now().Add(by))
	for _, e := range w.bank.Book() {
		if e.State == payment.Processing {
			w.must(w.bank.Settle(e.Reference, true))
		}
	}
	w.hear()
	w.due("everything", w.app.RunDue)
	w.jobs(nil)
}

// hear takes in what the provider knows by now, and looks: what is charged after
// that is judged by it.
func (w *world) hear() {
	w.bank.Deliver(w.ctx)
	w.jobs(nil)
	w.due("payments", func(ctx context.Context) error { _, err := w.app.CheckPayments(ctx); return err })
	w.check()
}

// agreed holds each payment against the sandbox's book, and the ledger against the
// payments.
func (w *world) agreed(f facts) {
	type moved struct{ in, back, withdrawn money.Amount }
	book := map[string]moved{}
	for _, e := range w.bank.Book() {
		m := book[e.Reference]
		book[e.Reference] = moved{m.in + e.Captured(), m.back + e.Refunded(), m.withdrawn + e.Disputed()}
	}
	var ours money.Amount
	for _, p := range sorted(f.pays, func(p pay) string { return p.ID }) {
		if p.Parent != "" {
			continue // its money is counted where it came
		}
		ours += p.Received - p.Refunded - p.Disputed
		seen := moved{p.Received, p.Refunded, p.Disputed}
		switch there := book[p.ID]; {
		case seen == there, p.Parked != "":
		default:
			w.broke("I29", "a payment (%s): received %s, returned %s, withdrawn %s; the sandbox: %s, %s, %s", p.State, seen.in.Decimal(),
				seen.back.Decimal(), seen.withdrawn.Decimal(), there.in.Decimal(), there.back.Decimal(), there.withdrawn.Decimal())
		}
	}
	if booked := f.held[string(ledger.Provider)]; booked != ours {
		w.broke("I29", "the ledger has %s at the provider, the payments %s", booked.Decimal(), ours.Decimal())
	}
}

// ended looks for what is stuck, and for any difference between the ledger and
// the sandbox's book.
func (w *world) ended() {
	f := w.facts
	for _, p := range sorted(f.pays, func(p pay) string { return p.ID }) {
		recent := f.at.Sub(p.Sent) < 2*24*time.Hour || f.at.Sub(p.Created) < 2*24*time.Hour
		renews := p.Initiator == string(payment.ByMerchant) && f.subs[f.orders[p.Order].Subscription].State == "active" // it has its calendar
		if p.live() && p.Parked == "" && !recent && !renews {
			w.broke("stuck", "a payment of %s is %s after two weeks, and nobody was told", p.Amount.Decimal(), p.State)
		}
	}
	for _, q := range []struct{ what, sql string }{
		{"webhooks that are not done", `SELECT count(*) FROM webhook_inbox WHERE state IN ('pending', 'failed')`},
		{"jobs that are not done", `SELECT count(*) FROM river_job`},
		{"paid orders without an invoice", `SELECT count(*) FROM orders o WHERE state = 'paid' AND NOT EXISTS (SELECT FROM invoice i WHERE i.order_id = o.id)`},
	} {
		var n int
		w.must(w.db.Pool().QueryRow(w.t.Context(), q.sql).Scan(&n))
		if n > 0 {
			w.broke("stuck", "%d %s after two weeks", n, q.what)
		}
	}
	w.agreed(f)
	var inSuspense money.Amount
	for _, t := range w.sent {
		if t.outcome == "" || t.outcome[:4] == "susp" {
			inSuspense -= t.entry.Amount
		}
	}
	for _, p := range w.people { // the parts of a price that came, and that a closed order left over
		inSuspense += f.booked[string(p.payer)][string(ledger.EntrySuspenseMatched)]
	}
	if got := f.held[string(ledger.Suspense)]; got != inSuspense {
		w.broke("I26", "%s wait in suspense, %s should", got.Decimal(), inSuspense.Decimal())
	}
}
