package app_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/bank/banktest"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/provider/sandbox"
	"github.com/siptg/portal/internal/subscription"
)

var byOperator = audit.ByCommand("test")

// behindTheBack changes rows as somebody does who may switch triggers off.
func (s *site) behindTheBack(tables, change string) {
	s.t.Helper()
	s.must(pgx.BeginFunc(s.ctx(), s.db.Pool(), func(tx pgx.Tx) error {
		for table := range strings.FieldsSeq(tables) {
			if _, err := tx.Exec(s.ctx(), `ALTER TABLE `+table+` DISABLE TRIGGER USER`); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(s.ctx(), change); err != nil {
			return err
		}
		for table := range strings.FieldsSeq(tables) {
			if _, err := tx.Exec(s.ctx(), `ALTER TABLE `+table+` ENABLE TRIGGER USER`); err != nil {
				return err
			}
		}
		return nil
	}))
}

// dueSite is a till where tomorrow a card is to be charged for Ona, which was
// intended already, and a renewal is to be paid from Jonas's balance.
type dueSite struct {
	*till
	ona, jonas       account.Actor
	onas, jonass     string // subscriptions
	end              time.Time
	charge           payment.ID
	capturesAtStart  int
	balanceAtStart   int
	ordersPaidBefore int
}

const balanceSQL = `SELECT (-sum(balance_minor))::bigint FROM ledger_account WHERE kind = 'balance'`

func newDueSite(t *testing.T) *dueSite {
	t.Helper()
	s := &dueSite{till: newTill(t)}
	var method string
	s.ona, s.onas, method = s.subscriber(7_900_000_003_000, sandbox.CardOK)
	s.jonas, _ = s.customer(7_900_000_003_001, "Jonas")
	o := s.order(s.jonas, softphone(1, false, 6))
	e := s.entry(o)
	e.Amount += 30_00
	s.importFile(s.camt(banktest.Version08, e))
	s.must(s.RunDue(s.ctx()))
	for _, item := range must(s.Subscriptions(s.ctx(), s.jonas)).Items {
		s.jonass, s.end = item.ID, item.PaidUntil
	}
	s.clock.Set(s.end.Add(-4 * 24 * time.Hour))
	s.must(s.RunDue(s.ctx()))
	var err error
	s.charge, _, err = s.ChargeSaved(s.ctx(), s.onas, method)
	s.must(err)
	s.agree()
	_, s.capturesAtStart = s.captured()
	s.balanceAtStart = s.count(balanceSQL)
	s.ordersPaidBefore = s.count(`SELECT count(*) FROM orders WHERE state = 'paid'`)
	return s
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// nothingTaken fails if anything was, from the card or from the balance.
func (s *dueSite) nothingTaken() {
	s.t.Helper()
	if _, times := s.captured(); times != s.capturesAtStart {
		s.t.Errorf("%d captures, %d before", times, s.capturesAtStart)
	}
	if b := s.count(balanceSQL); b != s.balanceAtStart {
		s.t.Errorf("balances %d, %d before", b, s.balanceAtStart)
	}
	if n := s.count(`SELECT count(*) FROM orders WHERE state = 'paid'`); n != s.ordersPaidBefore {
		s.t.Errorf("%d orders paid, %d before", n, s.ordersPaidBefore)
	}
}

// chargedOnce fails unless the card and the balance were charged once each.
func (s *dueSite) chargedOnce() {
	s.t.Helper()
	if _, times := s.captured(); times != s.capturesAtStart+1 {
		s.t.Errorf("%d captures, %d before", times, s.capturesAtStart)
	}
	if b := s.count(balanceSQL); b != s.balanceAtStart-21_78 {
		s.t.Errorf("balances %d, %d before", b, s.balanceAtStart)
	}
	if n := s.count(`SELECT count(*) FROM orders WHERE state = 'paid'`); n != s.ordersPaidBefore+2 {
		s.t.Errorf("%d orders paid, %d before", n, s.ordersPaidBefore)
	}
	if at := s.item(s.jonas, s.jonass).PaidUntil; !at.Equal(subscription.End(s.end, 6, 23, seller(s.t).Zone)) {
		s.t.Errorf("paid until %s", at)
	}
	if at := s.item(s.ona, s.onas).PaidUntil; !at.After(s.end.Add(30 * 24 * time.Hour)) {
		s.t.Errorf("paid by card until %s", at)
	}
}

// everything does what the jobs do, several times, through the next days.
func (s *dueSite) everything() {
	s.t.Helper()
	for range 3 {
		s.must(s.SendPayment(s.ctx(), s.charge))
		s.must(s.RunDue(s.ctx()))
		s.webhooks()
		s.clock.Set(s.clock.Now().Add(24 * time.Hour))
	}
}

// A violation of each invariant of the stop rules halts charging: what is due is
// not taken, neither from a card nor from a balance, and no new payment page is
// opened. Only a person lets it go on, and not before it is repaired. Then what
// was due is taken once.
func TestAViolationHaltsCharging(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ id, tables, tamper, repair string }{
		{"I1", "ledger_posting", `UPDATE ledger_posting SET amount_minor = amount_minor + 1 WHERE entry_id = 1 AND line = 1`,
			`UPDATE ledger_posting SET amount_minor = amount_minor - 1 WHERE entry_id = 1 AND line = 1`},
		{"I5", "payment", `UPDATE payment SET received_minor = received_minor + 1 WHERE method_id IS NOT NULL AND state = 'succeeded'`,
			`UPDATE payment SET received_minor = amount_minor WHERE method_id IS NOT NULL AND state = 'succeeded'`},
		{"I6", "settlement", `UPDATE settlement SET net_minor = net_minor + 1`, `UPDATE settlement SET net_minor = net_minor - 1`},
		{"I12", "series", `UPDATE series SET next = next + 1 WHERE kind = 'invoice'`, `UPDATE series SET next = next - 1 WHERE kind = 'invoice'`},
	} {
		t.Run(tt.id, func(t *testing.T) {
			t.Parallel()
			s := newDueSite(t)
			other := s.order(s.ona, pricing.Selection{Plan: pricing.Gateway, Options: pricing.Options{Lines: 1}, Period: 6})
			s.behindTheBack(tt.tables, tt.tamper)
			run, err := s.RunAudit(s.ctx())
			s.must(err)
			if run.Clean || !broken(run.Lines, tt.id) {
				t.Fatalf("not found by %s", tt.id)
			}
			status := must(s.ChargingStatus(s.ctx()))
			if len(status.Halts) == 0 || status.Halts[0].Invariant != tt.id || status.Violated == 0 {
				t.Fatalf("status %+v", status)
			}
			s.must(discard(s.RunAudit(s.ctx()))) // again: one halt
			if n := s.count(`SELECT count(*) FROM charging_halt WHERE invariant = $1`, tt.id); n != 1 {
				t.Errorf("%d halts", n)
			}
			s.everything()
			s.nothingTaken()
			if _, err := s.StartPayment(s.ctx(), s.ona, other.Number, app.StartPaymentInput{}); keyOf(err) != "error.charging.halted" {
				t.Errorf("a new checkout: %v", err)
			}
			payer := must(s.Payers(s.ctx(), s.ona))[0].ID
			if _, err := s.TopUpByCard(s.ctx(), s.ona, payer, 50_00, "en"); keyOf(err) != "error.charging.halted" {
				t.Errorf("a new top-up: %v", err)
			}
			if _, err := s.ResumeCharging(s.ctx(), byOperator); keyOf(err) != "error.charging.violated" {
				t.Errorf("resumed while %s is violated: %v", tt.id, err)
			}
			s.behindTheBack(tt.tables, tt.repair)
			if run, err := s.RunAudit(s.ctx()); err != nil || !run.Clean {
				t.Fatalf("after the repair: %+v, %v", run, err)
			}
			s.everything()
			s.nothingTaken() // a clean run lifts nothing
			s.must(discard(s.ResumeCharging(s.ctx(), byOperator)))
			if _, err := s.ResumeCharging(s.ctx(), byOperator); keyOf(err) != "error.charging.not_halted" {
				t.Errorf("resumed again: %v", err)
			}
			s.everything()
			s.chargedOnce()
			s.agree()
			if n := s.count(`SELECT count(*) FROM audit WHERE object_kind = 'charging' AND object_id = $1
				AND (action, actor) IN (('charging.halted', 'job:audit'), ('charging.resumed', 'command:test'))`, tt.id); n != 2 {
				t.Errorf("%d lines in the audit log", n)
			}
		})
	}
}

func discard[T any](_ T, err error) error { return err }

func keyOf(err error) string {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e.Key
	}
	return ""
}

// Other violations are reported and kept, and charging goes on.
func TestOtherViolationsDoNotHalt(t *testing.T) {
	t.Parallel()
	s := newDueSite(t)
	s.behindTheBack("invoice", `UPDATE invoice SET net_minor = net_minor + 100, total_minor = total_minor + 100`)
	run, err := s.RunAudit(s.ctx())
	s.must(err)
	if run.Clean || !broken(run.Lines, "I13") {
		t.Fatal("not found by I13")
	}
	status := must(s.ChargingStatus(s.ctx()))
	if len(status.Halts) != 0 || status.Violated != 2 { // I13 and I14
		t.Fatalf("status %+v", status)
	}
	s.everything()
	s.chargedOnce()
	if n := s.count(`SELECT count(*) FROM audit_run WHERE NOT clean AND lines @> '[{"ID": "I13", "Broken": 2}]'`); n != 1 {
		t.Errorf("%d runs were kept", n)
	}
}

// Nobody falls to Free because we stopped: the grace lasts as long as the halt
// and begins anew after it, and the renewal can still be paid.
func TestAHaltEndsNoSubscription(t *testing.T) {
	t.Parallel()
	s := newDueSite(t)
	s.must(s.HaltCharging(s.ctx(), "restored from backup", byOperator))
	if err := s.HaltCharging(s.ctx(), "  ", byOperator); keyOf(err) != "error.charging.reason" {
		t.Errorf("halted for nothing: %v", err)
	}
	for s.clock.Now().Before(s.end.Add(20 * 24 * time.Hour)) {
		s.must(s.RunDue(s.ctx()))
		s.clock.Set(s.clock.Now().Add(time.Hour))
	}
	s.nothingTaken()
	for _, item := range []app.SubscriptionItem{s.item(s.ona, s.onas), s.item(s.jonas, s.jonass)} {
		if item.State != subscription.StateActive {
			t.Errorf("%s is %s", item.ID, item.State)
		}
	}
	if n := s.count(`SELECT count(*) FROM orders WHERE kind = 'renewal' AND state = 'awaiting_payment'`); n != 1 { // whose balance covers it has no order yet
		t.Errorf("%d renewals wait", n)
	}
	s.must(discard(s.ResumeCharging(s.ctx(), byOperator)))
	s.clock.Set(s.clock.Now().Add(10 * time.Minute)) // what waited is tried again
	s.must(s.RunDue(s.ctx()))
	s.webhooks()
	s.chargedOnce()
	s.agree()
}

// Who cannot pay falls to Free after a halt, a grace later.
func TestAfterAHaltTheGraceRunsOut(t *testing.T) {
	t.Parallel()
	s, ona, id, end := renewing(t, 0)
	s.clock.Set(end.Add(-30 * 24 * time.Hour))
	s.must(s.RunDue(s.ctx()))
	s.must(s.HaltCharging(s.ctx(), "test", byOperator))
	s.clock.Set(end.Add(8 * 24 * time.Hour))
	s.must(s.RunDue(s.ctx()))
	s.must(discard(s.ResumeCharging(s.ctx(), byOperator)))
	s.clock.Set(end.Add(14 * 24 * time.Hour))
	s.must(s.RunDue(s.ctx()))
	if got := s.item(ona, id).State; got != subscription.StateActive {
		t.Errorf("six days after the halt: %s", got)
	}
	s.clock.Set(end.Add(15*24*time.Hour + time.Minute))
	s.must(s.RunDue(s.ctx()))
	if got := s.item(ona, id).State; got != subscription.StateEnded {
		t.Errorf("a grace after the halt: %s", got)
	}
	if n := s.count(`SELECT count(*) FROM orders WHERE kind = 'renewal' AND state = 'expired'`); n != 1 {
		t.Errorf("%d renewals ran out", n)
	}
}

// Money that comes by itself is booked while charging is halted: by transfer, and
// on a payment page that was open.
func TestIncomingMoneyIsBookedDuringAHalt(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, _ := s.customer(7_900_000_003_100, "Ona")
	byCard := s.order(ona, softphone(1, false, 6))
	checkout := s.open(ona, byCard.Number, app.StartPaymentInput{})
	jonas, _ := s.customer(7_900_000_003_101, "Jonas")
	byTransfer := s.order(jonas, softphone(1, false, 6))
	s.must(s.HaltCharging(s.ctx(), "test", byOperator))
	s.must(s.Press(checkout, "pay", sandbox.CardOK, false))
	s.webhooks()
	s.pay(byTransfer)
	for _, o := range []app.OrderDetail{must(s.Order(s.ctx(), ona, byCard.Number)), must(s.Order(s.ctx(), jonas, byTransfer.Number))} {
		if o.State != order.StatePaid {
			t.Errorf("%s is %s", o.Number, o.State)
		}
	}
	s.agree()
}

// A charge whose answer nobody saw is not sent again during a halt.
func TestAHaltRepeatsNothing(t *testing.T) {
	t.Parallel()
	s := newDueSite(t)
	s.must(s.Inject(sandbox.Fault{Kind: sandbox.TimeoutBefore, On: "charge"}))
	s.must(s.SendPayment(s.ctx(), s.charge))
	if got := s.paymentByID(s.charge).State; got != payment.Unknown {
		t.Fatalf("without an answer: %s", got)
	}
	s.must(s.HaltCharging(s.ctx(), "test", byOperator))
	s.must(s.ReconcilePayment(s.ctx(), s.charge))
	s.nothingTaken()
	s.must(discard(s.ResumeCharging(s.ctx(), byOperator)))
	s.must(s.ReconcilePayment(s.ctx(), s.charge))
	if _, times := s.captured(); times != s.capturesAtStart+1 {
		t.Errorf("%d captures", times)
	}
	s.agree()
}

// A charge that never arrived is not sent again once it is not wanted any more:
// in the end it is proved that it was not done.
func TestWhatIsNotWantedIsNotRepeated(t *testing.T) {
	t.Parallel()
	for name, giveUp := range map[string]func(s *dueSite, number, method string) error{
		"order canceled":   func(s *dueSite, number, _ string) error { return s.CancelOrder(s.ctx(), s.ona, number) },
		"auto-renewal off": func(s *dueSite, _, _ string) error { return discard(s.TurnAutoRenewOff(s.ctx(), s.ona, s.onas)) },
		"card removed":     func(s *dueSite, _, method string) error { return s.RevokeMethod(s.ctx(), s.ona, method) },
		"paid by transfer": func(s *dueSite, number, _ string) error { s.pay(must(s.Order(s.ctx(), s.ona, number))); return nil },
		"other options":    func(s *dueSite, _, _ string) error { s.change(s.ona, s.onas, accounts(2)); return nil },
		"another card": func(s *dueSite, _, method string) error {
			other := s.anotherCard(s.ona, method, sandbox.CardOK)
			return s.TurnAutoRenewOn(s.ctx(), s.ona, s.onas, s.consentTo(other))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newDueSite(t)
			s.must(s.Inject(sandbox.Fault{Kind: sandbox.TimeoutBefore, On: "charge"}))
			s.must(s.SendPayment(s.ctx(), s.charge))
			p := s.paymentByID(s.charge)
			if p.State != payment.Unknown {
				t.Fatalf("without an answer: %s", p.State)
			}
			s.must(giveUp(s, s.numberOf(p.OrderID), p.MethodID))
			for range 3 {
				s.must(s.ReconcilePayment(s.ctx(), s.charge))
				s.must(discard(s.CheckPayments(s.ctx())))
			}
			if _, times := s.captured(); times != s.capturesAtStart {
				t.Fatalf("%d captures", times)
			}
			s.clock.Set(s.clock.Now().Add(2 * day))
			s.must(discard(s.CheckPayments(s.ctx())))
			if got := s.paymentByID(s.charge).State; got != payment.Failed {
				t.Errorf("two days later: %s", got)
			}
			if n := s.declines(p.MethodID); n != 0 {
				t.Errorf("%d declines", n)
			}
			if got := s.told(s.onas); strings.Contains(got, "charge_declined") {
				t.Errorf("told: %s", got)
			}
			if n := s.count(`SELECT count(*) FROM charge WHERE NOT not_sent`); n != 0 {
				t.Errorf("%d charges count", n)
			}
			if _, times := s.captured(); times != s.capturesAtStart {
				t.Errorf("%d captures", times)
			}
			s.agree()
		})
	}
}

// A repetition that did not get through proves nothing about the request before
// it, which may be executed at that moment: no new key.
func TestARepetitionThatWasNotSent(t *testing.T) {
	t.Parallel()
	s := newDueSite(t)
	now := s.clock.Now()
	s.must(discard(s.db.Pool().Exec(s.ctx(), `UPDATE payment SET sent_at = $2, repeat_until = $3 WHERE id = $1`, string(s.charge), now, now.Add(day)))) // and then the program stopped
	s.must(s.Inject(sandbox.Fault{Kind: sandbox.RateLimit, On: "charge"}))
	s.must(s.ReconcilePayment(s.ctx(), s.charge))
	if p := s.paymentByID(s.charge); p.AttemptNo != 1 || p.SentAt.IsZero() || p.State != payment.Created {
		t.Errorf("attempt %d, sent at %s, %s", p.AttemptNo, p.SentAt, p.State)
	}
	s.must(s.ReconcilePayment(s.ctx(), s.charge))
	if p := s.paymentByID(s.charge); p.AttemptNo != 1 || p.State != payment.Succeeded {
		t.Errorf("attempt %d, %s", p.AttemptNo, p.State)
	}
}

// A payment page that was asked for and is not there is not opened for an order
// that was canceled meanwhile.
func TestNoPageForACanceledOrder(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, _ := s.customer(7_900_000_003_220, "Ona")
	o := s.order(ona, softphone(1, false, 6))
	s.must(s.Inject(sandbox.Fault{Kind: sandbox.TimeoutBefore, On: "checkout"}))
	s.must(s.Inject(sandbox.Fault{Kind: sandbox.TimeoutBefore, On: "lookup"}))
	if _, err := s.StartPayment(s.ctx(), ona, o.Number, app.StartPaymentInput{}); !fault.Is(err, fault.Unavailable) {
		t.Fatalf("no answer: %v", err)
	}
	s.must(s.CancelOrder(s.ctx(), ona, o.Number))
	s.must(discard(s.CheckPayments(s.ctx())))
	if book := s.Book(); len(book) != 0 {
		t.Errorf("opened: %+v", book)
	}
}

// numberOf is the number of an order.
func (s *site) numberOf(id string) (number string) {
	s.t.Helper()
	s.must(s.db.Pool().QueryRow(s.ctx(), `SELECT number FROM orders WHERE id = $1`, id).Scan(&number))
	return number
}

// Who halts waits for charges that are being decided, and who charges waits for
// the halt: a charge is never decided beside it.
func TestAChargeWaitsForTheHalt(t *testing.T) {
	t.Parallel()
	s := newDueSite(t)
	tx, err := s.db.Pool().Begin(s.ctx())
	s.must(err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(s.ctx())) }()
	_, err = tx.Exec(s.ctx(), `LOCK TABLE charging_halt IN EXCLUSIVE MODE`)
	s.must(err)
	_, err = tx.Exec(s.ctx(), `INSERT INTO charging_halt (since, invariant, detail, by) VALUES (now(), 'I5', '', 'test')`)
	s.must(err)
	done := make(chan error, 1)
	go func() { done <- s.SendPayment(s.ctx(), s.charge) }()
	for waiting := 0; waiting == 0; {
		select {
		case err := <-done:
			t.Fatalf("the charge did not wait: %v", err)
		default:
		}
		waiting = s.count(`SELECT count(*) FROM pg_locks WHERE relation = 'charging_halt'::regclass AND NOT granted`)
	}
	s.must(tx.Commit(s.ctx()))
	s.must(<-done)
	s.nothingTaken()
}

// The page about the audit explains each line that it prints.
func TestEveryLineOfTheAuditIsExplained(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	lines, _, err := s.Audit(s.ctx())
	s.must(err)
	page := string(must(os.ReadFile("../../docs/audit.md")))
	for _, l := range lines {
		if line := strings.TrimPrefix(l.ID+" "+l.Title, "- "); !strings.Contains(page, "| "+line+" |") {
			t.Errorf("docs/audit.md has no line %q", line)
		}
	}
	for _, id := range []string{"I1", "I2", "I3", "I4", "I5", "I6", "I11", "I12", "I13", "I14", "I20", "I25", "I26", "I31"} {
		if !slices.ContainsFunc(lines, func(l app.AuditLine) bool { return l.ID == id }) {
			t.Errorf("the audit has no line for %s", id)
		}
	}
}

// A charge whose answer came late does not buy a period that nobody asked for:
// the payer renewed by transfer meanwhile, so the money waits on the balance.
func TestALateChargeBuysNoLaterPeriod(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, id, method := s.subscriber(7_900_000_003_200, sandbox.CardOK)
	charge, _, err := s.ChargeSaved(s.ctx(), id, method)
	s.must(err)
	s.must(s.Inject(sandbox.Fault{Kind: sandbox.TimeoutAfter, On: "charge"}))
	s.must(s.SendPayment(s.ctx(), charge))
	number := must(s.RenewEarly(s.ctx(), ona, id, 12))
	s.pay(must(s.Order(s.ctx(), ona, number)))
	before := s.item(ona, id).PaidUntil
	s.must(s.ReconcilePayment(s.ctx(), charge))
	if p := s.paymentByID(charge); p.State != payment.Succeeded {
		t.Fatalf("the charge is %s", p.State)
	}
	if at := s.item(ona, id).PaidUntil; !at.Equal(before) {
		t.Errorf("paid until %s, not %s", at, before)
	}
	if b := s.count(balanceSQL); b != 21_78 {
		t.Errorf("balance %d", b)
	}
	if n := s.count(`SELECT count(*) FROM audit WHERE action = 'payment.alert' AND object_id = $1 AND detail->>'why' = 'not_settled'`, string(charge)); n != 1 {
		t.Errorf("%d alerts", n)
	}
	if n := s.count(`SELECT count(*) FROM notice WHERE kind = 'money_kept' AND facts->>'amount' = '2178' AND order_number = (SELECT number FROM orders WHERE id = $1)`,
		s.paymentByID(charge).OrderID); n != 1 {
		t.Errorf("the payer was told %d times", n)
	}
	s.agree()
}

// lateCharge has a card charged for a renewal, and nobody see the answer before
// giveUp has closed the order: the money is on the balance and buys nothing.
func (s *till) lateCharge(id int64, giveUp func(actor account.Actor, subscription, number string)) (ona account.Actor, subscription string, charge payment.ID) {
	s.t.Helper()
	ona, subscription, method := s.subscriber(id, sandbox.CardOK)
	charge, _, err := s.ChargeSaved(s.ctx(), subscription, method)
	s.must(err)
	s.must(s.Inject(sandbox.Fault{Kind: sandbox.TimeoutAfter, On: "charge"}))
	s.must(s.SendPayment(s.ctx(), charge))
	giveUp(ona, subscription, s.numberOf(s.paymentByID(charge).OrderID))
	s.must(s.ReconcilePayment(s.ctx(), charge))
	if p := s.paymentByID(charge); p.State != payment.Succeeded {
		s.t.Fatalf("the charge is %s", p.State)
	}
	if b := s.count(balanceSQL); b != 21_78 {
		s.t.Fatalf("balance %d", b)
	}
	return ona, subscription, charge
}

func (s *till) cancelOrder(actor account.Actor, _, number string) {
	s.must(s.CancelOrder(s.ctx(), actor, number))
}

// Money that came too late to buy a period is on the balance, and the period can
// be bought: from the balance, or at the provider's page.
func TestALateChargeBlocksNoPeriod(t *testing.T) {
	t.Parallel()
	t.Run("balance", func(t *testing.T) {
		t.Parallel()
		s := newTill(t)
		ona, id, _ := s.lateCharge(7_900_000_003_230, s.cancelOrder)
		end := s.end(id)
		number := must(s.RenewEarly(s.ctx(), ona, id, 6))
		s.must(s.PayOrderFromBalance(s.ctx(), ona, number))
		if got := s.end(id); !got.Equal(subscription.End(end, 6, 23, seller(t).Zone)) {
			t.Errorf("paid until %s", got)
		}
		if b := s.count(balanceSQL); b != 0 {
			t.Errorf("balance %d", b)
		}
		s.must(s.IssuePending(s.ctx()))
		s.agree()
	})
	t.Run("card", func(t *testing.T) {
		t.Parallel()
		s := newTill(t)
		ona, id, _ := s.lateCharge(7_900_000_003_231, s.cancelOrder)
		end := s.end(id)
		number := must(s.RenewEarly(s.ctx(), ona, id, 12)) // more than is on the balance
		checkout := s.open(ona, number, app.StartPaymentInput{})
		if again := s.open(ona, number, app.StartPaymentInput{}); again != checkout {
			t.Errorf("two pages: %s, %s", checkout, again)
		}
		s.must(s.Press(checkout, "pay", sandbox.CardOK, false))
		s.webhooks()
		if got := s.end(id); !got.Equal(subscription.End(end, 12, 23, seller(t).Zone)) {
			t.Errorf("paid until %s", got)
		}
		if b := s.count(balanceSQL); b != 21_78 {
			t.Errorf("balance %d", b)
		}
		s.must(s.IssuePending(s.ctx()))
		s.agree()
	})
	t.Run("balance beside an open page", func(t *testing.T) {
		t.Parallel()
		s := newTill(t)
		ona, id, _ := s.lateCharge(7_900_000_003_232, s.cancelOrder)
		number := must(s.RenewEarly(s.ctx(), ona, id, 6))
		checkout := s.open(ona, number, app.StartPaymentInput{})
		s.must(s.PayOrderFromBalance(s.ctx(), ona, number))
		s.must(s.Press(checkout, "pay", sandbox.CardOK, false)) // too late
		if _, times := s.captured(); times != 2 {
			t.Errorf("%d captures", times)
		}
		s.must(s.IssuePending(s.ctx()))
		s.agree()
	})
}

// A period for which a card was charged already is not announced as one that the
// card will pay.
func TestNoSecondChargeIsAnnounced(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, id, _ := s.lateCharge(7_900_000_003_233, func(actor account.Actor, subscription, _ string) {
		s.change(actor, subscription, accounts(2))
	})
	s.must(s.RunDue(s.ctx()))
	if n := s.count(`SELECT count(*) FROM notice WHERE kind IN ('renewal_ahead', 'renewal_soon') AND facts->>'method' <> 'bank'`); n != 0 {
		t.Errorf("%d notices name the card", n)
	}
	if got := s.told(id); !strings.Contains(got, "bank_invoice_ready") || !strings.Contains(got, "renewal_") {
		t.Errorf("told: %s", got)
	}
	if open := s.openOrders(ona); len(open) != 1 {
		t.Errorf("orders %v", open)
	}
}

// The pages of orders that a change cancels are closed.
func TestAChangeClosesPages(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, id, _ := s.subscriber(7_900_000_003_234, sandbox.CardOK)
	number := must(s.RenewEarly(s.ctx(), ona, id, 6))
	checkout := s.open(ona, number, app.StartPaymentInput{})
	s.change(ona, id, accounts(2))
	s.must(discard(s.CheckPayments(s.ctx())))
	if got := s.state(ona, number); got != payment.Canceled {
		t.Errorf("the page is %s", got)
	}
	s.must(s.Press(checkout, "pay", sandbox.CardOK, false)) // too late
	if _, times := s.captured(); times != 1 {
		t.Errorf("%d captures", times)
	}
}

// A webhook that cannot be worked off calls a person: nobody else looks at a
// payment that has ended.
func TestAWebhookThatFailedCallsAPerson(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	_, _, p := s.toppedUp(7_900_000_003_210, 50_00)
	s.webhooks()
	s.must(s.Chargeback(string(p.ID), 10_00, payment.DisputeOpen))
	s.Deliver(s.ctx())
	pending := s.pending()
	s.must(s.Inject(sandbox.Fault{Kind: sandbox.TimeoutBefore, On: "lookup", Times: len(pending)}))
	for _, id := range pending {
		if err := s.ProcessWebhook(s.ctx(), id, true); !fault.Is(err, fault.Unavailable) {
			t.Errorf("webhook %d: %v", id, err)
		}
	}
	if n := s.count(`SELECT count(*) FROM audit WHERE action = 'payment.alert' AND object_id = $1 AND detail->>'why' = 'webhook_failed'`, string(p.ID)); n == 0 || n != len(pending) {
		t.Errorf("%d alerts, %d webhooks", n, len(pending))
	}
}
