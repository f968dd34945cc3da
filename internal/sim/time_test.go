package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/provider/sandbox"
)

// wait lets time pass without anybody doing anything.
func wait(w *world, s step) string {
	by := []time.Duration{time.Second, 40 * time.Second, 11 * time.Minute, time.Hour, 5 * time.Hour, 26 * time.Hour}[s.A%6]
	w.clock.Set(w.clock.Now().Add(by))
	return "ok, " + by.String()
}

// liveOn lets days pass, on each of which everything that is due is done.
func liveOn(w *world, s step) string {
	days := 1 + s.A%4
	if s.B%8 == 0 {
		days += 20
	}
	for day := range days {
		w.clock.Set(w.clock.Now().Add(24 * time.Hour))
		if day == 0 { // it may be the first one after a long outage
			w.hear()
		} else {
			w.bank.Deliver(w.ctx)
			w.jobs(nil)
		}
		w.due("everything", w.app.RunDue)
	}
	return fmt.Sprintf("ok, %d days", days)
}

// leap goes to shortly before, at or after a subscription's next end, after an
// outage of everything.
func leap(w *world, s step) string {
	var live []sub
	for _, x := range sorted(w.facts.subs, func(x sub) string { return x.PaidUntil.Format(time.RFC3339) + x.ID }) {
		if x.State == "active" {
			live = append(live, x)
		}
	}
	target, ok := pick(live[:min(len(live), 1+s.A%2*8)], s.A/2) // the one that ends first, or any
	if !ok {
		return "nowhere"
	}
	to := target.PaidUntil.Add(time.Duration([]int{-31, -4, -3, -2, -1, 0, 1, 3, 6, 7, 8}[s.B%11]) * 24 * time.Hour).Add(time.Duration(s.C%48-24) * time.Hour)
	if !to.After(w.clock.Now()) {
		return "nowhere"
	}
	w.clock.Set(to)
	return "leapt"
}

// due does one thing that is due.
func (w *world) due(what string, do func(context.Context) error) {
	defer w.restart()
	if err := do(w.ctx); err != nil && !fault.Is(err, fault.Unavailable) && !w.crashed(err) {
		w.broke("answer", "%s: %v", what, err)
	}
}

// dueNow does what is due, one kind at a time, in some order.
func dueNow(w *world, s step) string {
	kinds := []struct {
		name string
		do   func(context.Context) error
	}{
		{"a scan", w.app.ScanDue},
		{"renewals", func(ctx context.Context) error { _, err := w.app.RenewDue(ctx); return err }},
		{"payments", func(ctx context.Context) error { _, err := w.app.CheckPayments(ctx); return err }},
		{"refunds", func(ctx context.Context) error { _, err := w.app.CheckRefunds(ctx); return err }},
		{"overdue", w.app.CloseOverdue},
		{"invoices", w.app.IssuePending},
		{"receipts", w.app.IssueReceipts},
		{"drawing", w.app.DrawPending},
	}
	first := s.A % len(kinds)
	for i := range 1 + s.B%len(kinds) {
		k := kinds[(first+i)%len(kinds)]
		w.due(k.name, k.do)
	}
	return "ok"
}

// work has the sandbox send its webhooks and works jobs off, in some order.
func work(w *world, s step) string {
	n := w.bank.Deliver(w.ctx)
	w.jobs(rand.New(rand.NewPCG(uint64(s.A), uint64(s.B))))
	return fmt.Sprintf("ok, %d webhooks", n)
}

// job is a row of the queue's table.
type job struct {
	id      int64
	kind    string
	args    []byte
	attempt int
}

// jobs works off what is in the queue, until it is empty or only fails. order
// mixes it; nil leaves it as it is.
func (w *world) jobs(order *rand.Rand) {
	failed := map[int64]bool{}
	for {
		rows, err := w.db.Pool().Query(w.t.Context(), `SELECT id, kind, args, attempt FROM river_job WHERE state = 'available' ORDER BY id`)
		w.must(err)
		waiting, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (j job, err error) {
			err = r.Scan(&j.id, &j.kind, &j.args, &j.attempt)
			return j, err
		})
		w.must(err)
		if order != nil {
			order.Shuffle(len(waiting), func(i, j int) { waiting[i], waiting[j] = waiting[j], waiting[i] })
		}
		done := 0
		for _, j := range waiting {
			if failed[j.id] {
				continue
			}
			if err := w.do(j); err != nil {
				failed[j.id] = true
				w.unanswered(j.kind, err)
				w.exec(`UPDATE river_job SET attempt = attempt + 1 WHERE id = $1`, j.id)
				continue
			}
			w.exec(`DELETE FROM river_job WHERE id = $1`, j.id)
			done++
		}
		if done == 0 {
			return
		}
	}
}

// exec does something that is not the portal's doing. A crash that was due is
// spent on it.
func (w *world) exec(sql string, args ...any) {
	if _, err := w.db.Pool().Exec(w.t.Context(), sql, args...); !w.crashed(err) {
		w.must(err)
	}
}

// lastAttempt is what the queue gives a webhook.
const lastAttempt = 7

// restart begins another process where the one at work was killed.
func (w *world) restart() {
	if w.ctx.Err() != nil {
		w.start()
	}
}

// do works one job, as package jobs does.
func (w *world) do(j job) error {
	defer w.restart()
	var args struct {
		OrderID      string     `json:"order_id"`
		PaymentID    payment.ID `json:"payment_id"`
		InboxID      int64      `json:"inbox_id"`
		Subscription string     `json:"subscription_id"`
		RefundID     string     `json:"refund_id"`
		Number       string     `json:"number"`
		UploadID     string     `json:"upload_id"`
	}
	w.must(json.Unmarshal(j.args, &args))
	switch j.kind {
	case "issue_invoice":
		return w.app.IssueInvoice(w.ctx, args.OrderID)
	case "send_payment":
		return w.app.SendPayment(w.ctx, args.PaymentID)
	case "issue_receipts":
		return w.app.IssueReceipts(w.ctx)
	case "send_refund":
		return w.app.SendRefund(w.ctx, args.RefundID)
	case "draw_document":
		return w.app.DrawDocument(w.ctx, args.Number)
	case "deliver_mails":
		return w.app.DeliverMails(w.ctx)
	case "import_statement":
		return w.app.ImportUploaded(w.ctx, args.UploadID)
	case "renew":
		return w.app.Renew(w.ctx, args.Subscription)
	case "process_webhook":
		err := w.app.ProcessWebhook(w.ctx, args.InboxID, j.attempt >= lastAttempt)
		if j.attempt >= lastAttempt {
			return nil
		}
		return err
	}
	w.t.Fatalf("a job of a kind that the simulator does not know: %s", j.kind)
	return nil
}

// storm sends webhooks that came before once more, backwards, and forged ones.
func storm(w *world, s step) string {
	r := rand.New(rand.NewPCG(uint64(s.A), uint64(s.B)))
	w.mu.Lock()
	heard := append([]payment.RawWebhook(nil), w.heard...)
	w.mu.Unlock()
	r.Shuffle(len(heard), func(i, j int) { heard[i], heard[j] = heard[j], heard[i] })
	for i, raw := range heard[:min(len(heard), 6)] {
		if i%3 == 2 { // a byte of somebody else's
			raw.Body = append([]byte(nil), raw.Body...)
			raw.Body[r.IntN(len(raw.Body))] ^= 1
			if status := w.receive(raw); status == 200 {
				w.broke("I24", "a forged webhook was taken")
			}
			continue
		}
		w.receive(raw)
	}
	w.jobs(r)
	return fmt.Sprintf("ok, %d again", min(len(heard), 6))
}

// inject has the provider fail in some way, soon.
func inject(w *world, s step) string {
	ofRequests, ofWebhooks := sandbox.FaultKinds()
	if s.A%8 == 0 {
		w.wire.down = 1 + s.B%4
		return "nobody there"
	}
	f := sandbox.Fault{Times: 1 + s.C%2}
	ofWebhooks = slices.DeleteFunc(ofWebhooks, func(k sandbox.FaultKind) bool { return k == sandbox.WebhookLost })
	if s.A%8 == 1 {
		w.losing = f.Times
		return "webhooks get lost"
	}
	if s.A%3 == 0 {
		f.Kind = ofWebhooks[s.B%len(ofWebhooks)]
	} else {
		f.Kind = ofRequests[s.B%len(ofRequests)]
		f.On = []string{"", "checkout", "charge", "refund", "cancel", "lookup"}[s.C/2%6]
	}
	w.must(w.bank.Inject(f))
	return fmt.Sprintf("%s, on %q", f.Kind, f.On)
}

// halt stops all charging at a person's word, or lets it go on.
func halt(w *world, s step) string {
	by, before := audit.ByCommand("sim"), w.halted
	var err error
	if s.A%6 == 0 {
		err = w.app.HaltCharging(w.ctx, "sim", by)
	} else {
		_, err = w.app.ResumeCharging(w.ctx, by)
	}
	out := w.answer(err)
	status, err := w.app.ChargingStatus(w.t.Context())
	w.must(err)
	w.halted = len(status.Halts) > 0
	if want := s.A%6 == 0; out == "ok" && w.halted != want || out != "ok" && out != "crashed" && w.halted != before {
		w.broke("answer", "charging halted: %t after %q", w.halted, out)
	}
	w.wasHalted = w.wasHalted || w.halted
	return out
}

// heal ends all faults that have not happened yet.
func heal(w *world, _ step) string {
	w.bank.Heal()
	w.wire.down, w.losing = 0, 0
	return "ok"
}
