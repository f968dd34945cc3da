package app_test

import (
	"context"
	"io/fs"
	"testing"
	"time"

	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/bank/banktest"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/provider/sandbox"
	"github.com/siptg/portal/migrations"
)

// A transfer is a payment of the order, then of the renewal; what is paid from
// the balance is one, too; money that names the balance is a top-up.
func TestTransfersAndTheBalanceArePayments(t *testing.T) {
	t.Parallel()
	s, ona, id, end := renewing(t, 30_00) // the first order, overpaid by more than a period costs
	if n := s.count(`SELECT count(*) FROM payment p JOIN bank_entry b ON b.key = p.provider_ref AND b.iban = p.provider_account JOIN orders o ON o.id = p.order_id AND o.id = p.payable_id
		WHERE p.provider = 'bank' AND p.payable_kind = 'order' AND p.state = 'succeeded' AND p.may_underpay AND p.tolerated_minor = 100
		  AND p.amount_minor = 2178 AND p.received_minor = 5178`); n != 1 {
		t.Errorf("%d payments by bank", n)
	}
	if n := s.count(`SELECT count(*) FROM payment_event WHERE (seq, from_state, to_state, source) = (1, '', 'succeeded', 'lookup')`); n != 1 {
		t.Errorf("%d lines of history", n)
	}
	s.clock.Set(end.Add(-3 * day))
	s.must(s.RunDue(s.ctx()))
	if n := s.count(`SELECT count(*) FROM payment p JOIN renewal r ON r.id = p.payable_id AND r.period_no = 2 AND r.state = 'paid'
		WHERE p.provider = 'balance' AND p.payable_kind = 'renewal' AND p.state = 'succeeded' AND p.amount_minor = 2178 AND p.received_minor = 2178`); n != 1 {
		t.Errorf("%d payments from the balance", n)
	}
	second := s.end(id)
	s.clock.Set(second.Add(-20 * day))
	s.must(s.RunDue(s.ctx()))
	o, err := s.Order(s.ctx(), ona, s.openOrders(ona)[0].Number)
	s.must(err)
	short := s.entry(o)
	short.Amount -= 99 // forgiven
	file := s.camt(banktest.Version08, short)
	s.importFile(file)
	s.importFile(file)
	if n := s.count(`SELECT count(*) FROM payment p JOIN renewal r ON r.id = p.payable_id AND r.period_no = 3 AND r.state = 'paid'
		WHERE p.provider = 'bank' AND p.payable_kind = 'renewal' AND p.state = 'succeeded' AND p.received_minor = 2079`); n != 1 {
		t.Errorf("%d payments of the second renewal", n)
	}
	s.must(s.IssuePending(s.ctx()))
	s.clean()
}

// A transfer for an order whose card checkout is open: the order is paid, the
// checkout closed; and where the payer was quicker at the card, too, all of the
// money is there.
func TestATransferBesideACheckout(t *testing.T) {
	t.Parallel()
	for _, both := range []bool{false, true} {
		s := newTill(t)
		ona, payer := s.customer(7_900_000_003_200, "Ona")
		o := s.order(ona, softphone(1, false, 6))
		checkout := s.open(ona, o.Number, app.StartPaymentInput{})
		if both {
			s.holding = true
			s.must(s.Press(checkout, "pay", sandbox.CardOK, false))
		}
		s.pay(o)
		s.clock.Set(s.clock.Now().Add(time.Minute))
		s.must(s.RunDue(s.ctx()))
		want, left := payment.Canceled, 0
		if both {
			want, left = payment.Succeeded, int(o.Total)
		}
		if n := s.count(`SELECT count(*) FROM payment WHERE provider = 'sandbox' AND state = $1`, string(want)); n != 1 {
			t.Errorf("both %t: the checkout is not %s", both, want)
		}
		if n := s.count(`SELECT count(*) FROM payment WHERE provider = 'bank' AND payable_kind = 'topup' AND state = 'succeeded'`); n != 1 {
			t.Errorf("both %t: %d top-ups by bank", both, n)
		}
		b, err := s.Balance(s.ctx(), ona, payer, 0)
		s.must(err)
		if int(b.Amount) != left {
			t.Errorf("both %t: %s on the balance", both, b.Amount.Decimal())
		}
		s.agree()
	}
}

// A transfer ends the wait of a card that was declined: nothing is charged beside
// it.
func TestATransferAfterADecline(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, id, _ := s.subscriber(7_900_000_003_210, sandbox.CardInsufficient)
	end := s.end(id)
	s.live(end, -3, -3)
	o, err := s.Order(s.ctx(), ona, s.openOrders(ona)[0].Number)
	s.must(err)
	s.pay(o)
	s.live(end, -2, 8)
	if item := s.item(ona, id); !item.PaidUntil.After(end) {
		t.Error("not renewed")
	}
	if n := s.count(`SELECT count(*) FROM payment WHERE provider = 'bank' AND payable_kind = 'renewal' AND state = 'succeeded'`); n != 1 {
		t.Errorf("%d payments by bank", n)
	}
	if got := s.charges(end); len(got) != 1 {
		t.Errorf("charged on %v", got)
	}
	s.agree()
}

// What the walls let through the audit finds.
func TestTheAuditFindsEntriesWithoutPayments(t *testing.T) {
	t.Parallel()
	for name, tamper := range map[string]string{
		"no payment":      `DELETE FROM payment_event; DELETE FROM payment`,
		"another payer":   `UPDATE payment SET payer_id = (SELECT id FROM payer WHERE id <> payment.payer_id LIMIT 1)`,
		"another amount":  `UPDATE payment SET received_minor = received_minor + 1`,
		"not succeeded":   `UPDATE payment SET state = 'failed'`,
		"a second entry":  `INSERT INTO bank_entry SELECT gen_random_uuid(), key || 'x', batch, fingerprint, statement_id, iban, booked_on, amount_minor, currency, credit, reversal, payer_name, payer_iban, reference, remittance, end_to_end, outcome, reason, third_party, order_id, imported_at, payer_id FROM bank_entry`,
		"nothing is paid": `UPDATE payment SET order_id = NULL, state = 'expired'`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := paidSite(t)
			s.customer(7_900_000_003_220, "Jonas")
			tx, err := s.db.Pool().Begin(s.ctx())
			s.must(err)
			defer func() { _ = tx.Rollback(context.WithoutCancel(s.ctx())) }()
			for _, table := range []string{"payment", "payment_event", "bank_entry"} {
				_, err = tx.Exec(s.ctx(), `ALTER TABLE `+table+` DISABLE TRIGGER USER`)
				s.must(err)
			}
			_, err = tx.Exec(s.ctx(), tamper)
			s.must(err)
			s.must(tx.Commit(s.ctx()))
			lines, clean, err := s.Audit(s.ctx())
			s.must(err)
			if clean || !broken(lines, "I26") && !broken(lines, "I29") {
				t.Errorf("not found: %v", lines)
			}
		})
	}
}

// What was settled before payments were written down for it is written down by the
// migration, as it would have been.
func TestOldSettlementsBecomePayments(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, payer := s.customer(7_900_000_003_230, "Ona")
	o := s.order(ona, softphone(1, false, 6))
	e := s.entry(o)
	e.Amount += 30_00
	s.importFile(s.camt(banktest.Version08, e)) // by transfer
	s.must(s.PrepareTopUp(s.ctx(), ona, payer))
	b, err := s.Balance(s.ctx(), ona, payer, 0)
	s.must(err)
	topUp := s.entry(o)
	topUp.References, topUp.Amount = []string{string(b.TopUp.Reference)}, 5_00
	s.importFile(s.camt(banktest.Version08, topUp)) // to the balance
	s.subscriber(7_900_000_003_231, sandbox.CardOK) // by card
	var id string
	s.must(s.db.Pool().QueryRow(s.ctx(), `SELECT id FROM subscription WHERE payer_id = $1`, string(payer)).Scan(&id))
	s.clock.Set(s.end(id).Add(-2 * day))
	s.must(s.Renew(s.ctx(), id)) // from the balance
	s.must(s.IssuePending(s.ctx()))
	s.must(s.IssueReceipts(s.ctx()))
	s.clean()
	const shape = `SELECT md5(string_agg(concat_ws(' ', payer_id, payable_kind, CASE payable_kind WHEN 'order' THEN payable_id END, order_id, provider, provider_account, provider_ref,
		initiator, currency, amount_minor, may_underpay, tolerated_minor, received_minor, state), ',' ORDER BY provider, provider_ref, order_id)) FROM payment`
	var before, after string
	s.must(s.db.Pool().QueryRow(s.ctx(), shape).Scan(&before))

	migration, err := fs.ReadFile(migrations.FS, "0015_pay_by_bank_and_balance.sql")
	s.must(err)
	tx, err := s.db.Pool().Begin(s.ctx())
	s.must(err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(s.ctx())) }()
	for _, sql := range []string{
		`ALTER TABLE payment DISABLE TRIGGER USER`, `ALTER TABLE payment_event DISABLE TRIGGER USER`, `ALTER TABLE renewal DISABLE TRIGGER USER`,
		`DELETE FROM payment_event WHERE payment_id IN (SELECT id FROM payment WHERE provider IN ('bank', 'balance'))`,
		`DELETE FROM payment WHERE provider IN ('bank', 'balance')`, `DELETE FROM renewal`, string(migration),
	} {
		_, err := tx.Exec(s.ctx(), sql)
		s.must(err)
	}
	s.must(tx.Commit(s.ctx()))
	s.must(s.db.Pool().QueryRow(s.ctx(), shape).Scan(&after))
	if before != after {
		t.Error("the payments are not as they would have been")
	}
	if n := s.count(`SELECT count(*) FROM payment_event e JOIN payment p ON p.id = e.payment_id AND p.provider IN ('bank', 'balance')`); n != 2*3 {
		t.Errorf("%d lines of history", n)
	}
	s.clean()
}
