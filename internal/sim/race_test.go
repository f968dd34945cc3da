package sim

import (
	"bytes"
	"context"
	"sync"

	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/fault"
)

// race does two things at once. Which of them was quicker must not matter.
func race(w *world, s step) string {
	pairs := []struct {
		name string
		of   func(*world, step) (a, b func(context.Context) error)
	}{
		{"two workers", twoWorkers},
		{"two reconcilers", twoReconcilers},
		{"off while it renews", offWhileItRenews},
		{"canceled while it is paid", canceledWhilePaid},
		{"two tabs", twoTabs},
		{"one balance for two", oneBalanceForTwo},
		{"one statement twice", oneStatementTwice},
		{"changed while it renews", changedWhileItRenews},
		{"corrected twice", correctedTwice},
	}
	pair := pairs[s.C%len(pairs)]
	a, b := pair.of(w, s)
	if a == nil {
		return "nobody"
	}
	w.may.any = true
	var g sync.WaitGroup
	for _, f := range []func(context.Context) error{a, b} {
		g.Go(func() {
			if err := f(w.ctx); err != nil && fault.Is(err, fault.Internal) {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.unanswered(pair.name, err)
			}
		})
	}
	g.Wait()
	return pair.name
}

func twoWorkers(w *world, _ step) (a, b func(context.Context) error) {
	return w.app.RunDue, w.app.RunDue
}

func twoReconcilers(w *world, s step) (a, b func(context.Context) error) {
	var live []pay
	for _, p := range sorted(w.facts.pays, func(p pay) string { return p.ID }) {
		if p.live() {
			live = append(live, p)
		}
	}
	p, ok := pick(live, s.B)
	if !ok {
		return nil, nil
	}
	a = func(ctx context.Context) error { return w.app.ReconcilePayment(ctx, paymentID(p)) }
	return a, a
}

func offWhileItRenews(w *world, s step) (a, b func(context.Context) error) {
	p, target, ok := having(w, s, w.subsOf)
	if !ok {
		return nil, nil
	}
	return func(context.Context) error {
		err := w.switchTo(p, target.ID, false, "")
		if err == nil { // who may not switch it has agreed to nothing less
			w.mu.Lock()
			w.noCard[target.ID] = true
			w.mu.Unlock()
		}
		return err
	}, w.app.RunDue
}

func canceledWhilePaid(w *world, s step) (a, b func(context.Context) error) {
	p, o, ok := having(w, s, w.inState("awaiting_payment"))
	if !ok {
		return nil, nil
	}
	return func(ctx context.Context) error { return w.app.CancelOrder(ctx, p.actor, o.Number) },
		func(ctx context.Context) error { _, err := w.app.PaymentReturned(ctx, p.actor, o.Number); return err }
}

func twoTabs(w *world, s step) (a, b func(context.Context) error) {
	p, o, ok := having(w, s, w.inState("awaiting_payment"))
	if !ok {
		return nil, nil
	}
	open := func(ctx context.Context) error {
		address, err := w.app.StartPayment(ctx, p.actor, o.Number, app.StartPaymentInput{Language: "en"})
		if err == nil {
			w.led(p, address, false)
		}
		return err
	}
	return open, open
}

func oneBalanceForTwo(w *world, s step) (a, b func(context.Context) error) {
	p, o, ok := having(w, s, w.inState("awaiting_payment"))
	if !ok {
		return nil, nil
	}
	other, _ := pick(w.ordersOf(p, "awaiting_payment"), s.A+1)
	return func(ctx context.Context) error { return w.app.PayOrderFromBalance(ctx, p.actor, o.Number) },
		func(ctx context.Context) error { return w.app.PayOrderFromBalance(ctx, p.actor, other.Number) }
}

func oneStatementTwice(w *world, s step) (a, b func(context.Context) error) {
	t := w.transfer(w.who(s), s.B, s.C)
	if t == nil {
		return nil, nil
	}
	w.sent = append(w.sent, t)
	file := w.statement([]*transfer{t}, s.C)
	bring := func(ctx context.Context) error {
		done, err := w.app.ImportStatement(ctx, bytes.NewReader(file), audit.ByCommand("sim"))
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(done) == 1 && t.outcome == "" {
			w.arrived(t, done[0])
			t.outcome = outcomeOf(done[0])
		}
		return err
	}
	return bring, bring
}

func changedWhileItRenews(w *world, s step) (a, b func(context.Context) error) {
	p, target, ok := having(w, s, w.subsOf)
	if !ok {
		return nil, nil
	}
	options := optionsOf(planOfSub(target), s.C)
	shown, err := w.app.PreviewChange(w.ctx, p.actor, target.ID, options)
	if err != nil {
		return nil, nil
	}
	return func(ctx context.Context) error {
		return w.app.ChangeSubscription(ctx, p.actor, target.ID, options, shown.Token)
	}, w.app.RunDue
}
