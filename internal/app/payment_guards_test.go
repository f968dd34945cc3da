package app_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/provider/sandbox"
)

// paymentGuards are the walls around payments, refunds, disputes and what they
// leave in the ledger.
var paymentGuards = []guard{
	{"one card kept twice", "payment_method_once", `INSERT INTO payment_method (payer_id, provider, provider_account, provider_ref, label, fingerprint, created_at)
		SELECT payer_id, provider, provider_account, provider_ref, label, fingerprint, created_at FROM payment_method`,
		`ALTER TABLE payment_method DROP CONSTRAINT payment_method_once`},
	{"other words for a consent", "consent_keeps_its_words", `UPDATE consent SET months = 36`,
		`DROP TRIGGER consent_keeps_its_words ON consent`},
	{"a consent given back (I8)", "consent_keeps_its_words", `UPDATE consent SET revoked_at = given_at; UPDATE consent SET revoked_at = NULL`,
		`DROP TRIGGER consent_keeps_its_words ON consent`},
	{"delete a consent", "consent_is_immutable", `DELETE FROM consent`, `DROP TRIGGER consent_stays ON consent`},

	{"a second live payment (I6)", "payment_one_live", newPayment(`p.payable_kind`, `p.payable_id`, `'created'`, `0`, `NULL`, `NULL`),
		`DROP INDEX payment_one_live`},
	{"a second payment that succeeds (I6)", "payment_one_live", newPayment(`p.payable_kind`, `p.payable_id`, `'succeeded'`, `p.amount_minor`, `NULL`, `NULL`),
		`DROP INDEX payment_one_live; DROP TRIGGER payment_succeeds_later ON payment`},
	{"a success that was never sent (I5)", "payment_succeeds_later", newPayment(`'topup'`, `gen_random_uuid()`, `'succeeded'`, `p.amount_minor`, `NULL`, `NULL`),
		`DROP TRIGGER payment_succeeds_later ON payment`},
	{"two payments of one reference", "payment_ref_once", newPayment(`'topup'`, `gen_random_uuid()`, `'failed'`, `0`, `p.provider_ref`, `NULL`),
		`ALTER TABLE payment DROP CONSTRAINT payment_ref_once`},
	{"success without money (I5)", "payment_succeeds_with_money", newPayment(`'topup'`, `gen_random_uuid()`, `'succeeded'`, `p.amount_minor - 1`, `NULL`, `NULL`),
		`ALTER TABLE payment DROP CONSTRAINT payment_succeeds_with_money; DROP TRIGGER payment_succeeds_later ON payment`},
	{"a top-up for an order", "payment_top_up_has_no_order", newPayment(`'topup'`, `gen_random_uuid()`, `'failed'`, `0`, `NULL`, `p.order_id`),
		`ALTER TABLE payment DROP CONSTRAINT payment_top_up_has_no_order`},
	{"delete a payment", "payment_is_immutable", newPayment(`'topup'`, `gen_random_uuid()`, `'failed'`, `0`, `'none'`, `NULL`) + `; DELETE FROM payment WHERE provider_ref = 'none'`,
		`DROP TRIGGER payment_stays ON payment`},
	{"more given back than received (I9)", "payment_refunded_at_most_received", `UPDATE payment SET refunded_minor = received_minor + 1`,
		`ALTER TABLE payment DROP CONSTRAINT payment_refunded_at_most_received, DROP CONSTRAINT payment_returned_at_most_received`},
	{"more given back and disputed than received (I9)", "payment_returned_at_most_received", `UPDATE payment SET disputed_minor = received_minor - refunded_minor + 1`,
		`ALTER TABLE payment DROP CONSTRAINT payment_returned_at_most_received`},
	{"more asked back than received (I9)", "payment_asked_at_most_received", newRefund(`'R-9'`, `p.currency`, `p.received_minor + 1`, `'requested'`, `NULL`),
		`ALTER TABLE payment DROP CONSTRAINT payment_asked_at_most_received; DROP TRIGGER refund_counts ON refund`},
	{"disputed money asked back (I9)", "refund_leaves_disputed_money", newRefund(`'R-9'`, `p.currency`, `p.received_minor - p.asked_minor - p.disputed_minor + 1`, `'requested'`, `NULL`),
		`DROP TRIGGER refund_counts ON refund`},
	{"a refund sent, and nobody knows until when", "refund_sent_is_remembered", `UPDATE refund SET sent_at = now(), repeat_until = NULL`,
		`ALTER TABLE refund DROP CONSTRAINT refund_sent_is_remembered`},
	{"an ended refund is looked at", "refund_ended_is_not_looked_at", `UPDATE refund SET next_check_at = now()`,
		`ALTER TABLE refund DROP CONSTRAINT refund_ended_is_not_looked_at`},
	{"sent, and nobody knows until when", "payment_sent_is_remembered", `UPDATE payment SET sent_at = NULL, repeat_until = now()`,
		`ALTER TABLE payment DROP CONSTRAINT payment_sent_is_remembered`},
	{"look at what has ended", "payment_ended_is_not_looked_at", `UPDATE payment SET next_check_at = now()`,
		`ALTER TABLE payment DROP CONSTRAINT payment_ended_is_not_looked_at`},
	{"an ended payment moves (I23)", "payment_terminal_never_moves", `UPDATE payment SET state = 'unknown'`,
		`DROP TRIGGER payment_keeps_its_word ON payment`},
	{"another amount", "payment_purpose_never_changes", `UPDATE payment SET amount_minor = amount_minor - 1`,
		`DROP TRIGGER payment_keeps_its_word ON payment`},
	{"other bytes of the request", "payment_purpose_never_changes", `UPDATE payment SET return_url = 'https://evil.example'`,
		`DROP TRIGGER payment_keeps_its_word ON payment`},
	{"an older view (I23)", "payment_only_goes_on", `UPDATE payment SET as_of = as_of - interval '1 hour'`,
		`DROP TRIGGER payment_keeps_its_word ON payment`},
	{"rewrite a payment's history", "payment_event_is_immutable", `UPDATE payment_event SET to_state = 'failed'`,
		`DROP TRIGGER payment_event_is_immutable ON payment_event`},
	{"delete a payment's history", "payment_event_is_immutable", `DELETE FROM payment_event`,
		`DROP TRIGGER payment_event_is_immutable ON payment_event`},

	{"one event kept twice (I5)", "webhook_inbox_once", `INSERT INTO webhook_inbox (provider, provider_account, event_key, event_type, payment_ref, payment_id, body, headers, body_sha256, received_at)
		SELECT provider, provider_account, event_key, event_type, payment_ref, payment_id, body, headers, body_sha256, received_at FROM webhook_inbox`,
		`ALTER TABLE webhook_inbox DROP CONSTRAINT webhook_inbox_once`},

	{"one request refunded twice (I10)", "refund_request_once", newRefund(`'R-1'`, `p.currency`, `1`, `'failed'`, `NULL`),
		`ALTER TABLE refund DROP CONSTRAINT refund_request_once`},
	{"two refunds of one reference", "refund_ref_once", newRefund(`'R-9'`, `p.currency`, `1`, `'failed'`, `(SELECT provider_ref FROM refund)`),
		`ALTER TABLE refund DROP CONSTRAINT refund_ref_once`},
	{"a refund of another amount (I10)", "refund_purpose_never_changes", `UPDATE refund SET amount_minor = amount_minor - 1`,
		`DROP TRIGGER refund_counts ON refund`},
	{"a refund in another currency (I4)", "refund_in_currency_of_payment", newRefund(`'R-9'`, `'USD'`, `1`, `'requested'`, `NULL`),
		`DROP TRIGGER refund_counts ON refund`},
	{"delete a refund", "refund_is_immutable", newRefund(`'R-9'`, `p.currency`, `1`, `'failed'`, `NULL`) + `; DELETE FROM refund WHERE request = 'R-9'`,
		`DROP TRIGGER refund_stays ON refund`},

	{"one dispute twice", "dispute_ref_once", newDispute(`d.provider_ref`), `ALTER TABLE dispute DROP CONSTRAINT dispute_ref_once`},
	{"delete a dispute", "dispute_is_immutable", newDispute(`'none'`) + `; DELETE FROM dispute WHERE provider_ref = 'none'`,
		`DROP TRIGGER dispute_stays ON dispute`},

	{"money from nowhere (I5)", "ledger_entry_names_its_source", `INSERT INTO ledger_entry (kind, at, hash) VALUES ('captured', now(), sha256('x'))`,
		`ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_names_its_source; DROP TRIGGER ledger_entry_balances ON ledger_entry`},
	{"a capture booked twice (I5)", "ledger_entry_payment_once", `INSERT INTO ledger_entry (kind, at, payment_id, hash) SELECT kind, at, payment_id, hash FROM ledger_entry WHERE kind = 'captured'`,
		`DROP INDEX ledger_entry_payment_once; DROP TRIGGER ledger_entry_balances ON ledger_entry`},
	{"a refund booked twice (I10)", "ledger_entry_refund_once", `INSERT INTO ledger_entry (kind, at, refund_id, hash) SELECT kind, at, refund_id, hash FROM ledger_entry WHERE kind = 'refund_sent'`,
		`DROP INDEX ledger_entry_refund_once; DROP TRIGGER ledger_entry_balances ON ledger_entry`},
	{"a dispute booked twice", "ledger_entry_dispute_once", `INSERT INTO ledger_entry (kind, at, dispute_id, hash) SELECT kind, at, dispute_id, hash FROM ledger_entry WHERE kind = 'disputed'`,
		`DROP INDEX ledger_entry_dispute_once; DROP TRIGGER ledger_entry_balances ON ledger_entry`},
	{"a credit note booked twice (I16)", "ledger_entry_credit_note_once", `INSERT INTO ledger_entry (kind, at, credit_note_id, hash)
		SELECT 'credited', now(), i.id, sha256('x') FROM invoice i, generate_series(1, 2)`,
		`DROP INDEX ledger_entry_credit_note_once; DROP TRIGGER ledger_entry_balances ON ledger_entry`},

	{"one period renewed twice (I6)", "renewal_once", `INSERT INTO renewal (subscription_id, period_no, created_at) SELECT subscription_id, period_no, created_at FROM renewal`,
		`ALTER TABLE renewal DROP CONSTRAINT renewal_once`},
	{"a paid renewal is open again (I6)", "renewal_stays_paid", `UPDATE renewal SET state = 'open'`,
		`DROP TRIGGER renewal_stays_paid ON renewal`},
	{"a renewal of another period (I6)", "renewal_stays_paid", `UPDATE renewal SET period_no = 9`,
		`DROP TRIGGER renewal_stays_paid ON renewal`},
	{"delete a renewal (I6)", "renewal_is_immutable", `DELETE FROM renewal`,
		`DROP TRIGGER renewal_stays ON renewal; ALTER TABLE charge DROP CONSTRAINT charge_renewal_id_fkey`},

	{"one attempt charged twice (I6)", "charge_attempt_once", newCharge(`c.payment_id`, `c.attempt_no`, `c.on_day + 1`),
		`ALTER TABLE charge DROP CONSTRAINT charge_attempt_once`},
	{"a renewal charged twice on a day (I6)", "charge_once_a_day", newCharge(`c.payment_id`, `c.attempt_no + 1`, `c.on_day`),
		`DROP INDEX charge_once_a_day`},
	{"a charge on another day (I33)", "charge_keeps_its_moment", `UPDATE charge SET on_day = on_day - 1`,
		`DROP TRIGGER charge_keeps_its_moment ON charge`},
	{"a charge that was sent after all (I6)", "charge_keeps_its_moment", `UPDATE charge SET not_sent = true; UPDATE charge SET not_sent = false`,
		`DROP TRIGGER charge_keeps_its_moment ON charge`},
	{"delete a charge (I33)", "charge_is_immutable", `DELETE FROM charge`, `DROP TRIGGER charge_stays ON charge`},
}

// newPayment copies the payment of the order with other facts.
func newPayment(kind, payable, state, received, ref, order string) string {
	return `INSERT INTO payment (payer_id, payable_kind, payable_id, provider, provider_account, provider_ref, initiator, currency, amount_minor, received_minor, state, order_id, created_at)
		SELECT p.payer_id, ` + kind + `, ` + payable + `, p.provider, p.provider_account, ` + ref + `, p.initiator, p.currency, p.amount_minor, ` + received + `, ` + state + `, ` + order + `, p.created_at
		FROM payment p WHERE p.payable_kind = 'order'`
}

// newCharge copies a charge moment.
func newCharge(payment, attempt, on string) string {
	return `INSERT INTO charge (payment_id, attempt_no, payer_id, renewal_id, on_day, currency, amount_minor, at)
		SELECT ` + payment + `, ` + attempt + `, c.payer_id, c.renewal_id, ` + on + `, c.currency, c.amount_minor, c.at FROM charge c`
}

// newRefund asks for money of the top-up.
func newRefund(request, currency, amount, state, ref string) string {
	return `INSERT INTO refund (payment_id, provider, provider_account, provider_ref, request, currency, amount_minor, state, reason, asked_by, created_at)
		SELECT p.id, p.provider, p.provider_account, ` + ref + `, ` + request + `, ` + currency + `, ` + amount + `, ` + state + `, '', 'test', now()
		FROM payment p WHERE p.payable_kind = 'topup'`
}

// newDispute copies the dispute.
func newDispute(ref string) string {
	return `INSERT INTO dispute (payment_id, provider, provider_account, provider_ref, currency, amount_minor, reason, state, opened_at)
		SELECT d.payment_id, d.provider, d.provider_account, ` + ref + `, d.currency, d.amount_minor, d.reason, d.state, d.opened_at FROM dispute d`
}

// A site with an order and a renewal paid by card, and a top-up of which a part
// was refunded and a part is disputed.
func TestGuardsOfPayments(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	_, subscription, method := s.subscriber(7_900_000_002_300, sandbox.CardOK)
	id, orderID, err := s.ChargeSaved(s.ctx(), subscription, method)
	s.must(err)
	s.must(s.SendPayment(s.ctx(), id))
	s.must(s.IssueInvoice(s.ctx(), orderID))
	_, _, p := s.toppedUp(7_900_000_002_301, 50_00)
	refund := s.askRefund(p, 20_00, "R-1")
	if r := s.sendRefund(p, refund, 20_00); r.Outcome != payment.OutcomeSucceeded {
		t.Fatalf("refund: %+v", r)
	}
	s.must(s.Chargeback(string(p.ID), 10_00, payment.DisputeOpen))
	s.webhooks()
	s.agree()
	s.guarded(paymentGuards)
	s.agree()
}

// No wall around payments is left out: every trigger, unique rule and named check
// of these tables is taken away by some line of the list.
func TestEveryGuardOfPaymentsIsTried(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	rows, err := s.db.Pool().Query(s.ctx(), `
		WITH tables AS (SELECT c.oid, c.relname FROM pg_class c
			WHERE c.relname IN ('payment_method', 'consent', 'payment', 'webhook_inbox', 'payment_event', 'refund', 'dispute', 'renewal', 'charge'))
		SELECT t.relname, g.tgname FROM tables t JOIN pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal
		UNION SELECT t.relname, k.conname FROM tables t JOIN pg_constraint k ON k.conrelid = t.oid
			WHERE k.contype = 'u' OR k.contype = 'c' AND k.conname !~ '_check[0-9]*$'
		UNION SELECT t.relname, i.relname FROM tables t JOIN pg_index x ON x.indrelid = t.oid AND x.indisunique AND NOT x.indisprimary
			JOIN pg_class i ON i.oid = x.indexrelid
		UNION SELECT 'ledger_entry', i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
			WHERE x.indrelid = 'ledger_entry'::regclass AND x.indisunique AND i.relname ~ '(payment|refund|dispute|credit_note)'`)
	s.must(err)
	seen := 0
	for rows.Next() {
		var table, name string
		s.must(rows.Scan(&table, &name))
		seen++
		listed := slices.ContainsFunc(slices.Concat(paymentGuards, refundGuards), func(g guard) bool { return strings.Contains(g.remove, name) }) ||
			slices.ContainsFunc(rowRules, func(r rowRule) bool { return r.constraint == name })
		if !listed {
			t.Errorf("%s of %s is not in the list", name, table)
		}
	}
	s.must(rows.Err())
	if seen < 25 {
		t.Errorf("only %d guards were found", seen)
	}
}

// What gets past the walls around payments, the audit finds.
func TestTheAuditFindsTamperingWithPayments(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, id, tamper string }{
		{"more received than booked", "I5", `UPDATE payment SET received_minor = received_minor + 1`},
		{"an ended payment that was booked", "I5", `UPDATE payment SET received_minor = 0, state = 'failed'`},
		{"a capture that is not booked", "I5", `DELETE FROM ledger_posting p USING ledger_entry e WHERE e.id = p.entry_id AND e.kind = 'captured';
			DELETE FROM ledger_entry WHERE kind = 'captured'`},
		{"a capture on another's balance", "I5", `UPDATE payment SET payer_id = (SELECT id FROM payer WHERE id <> payment.payer_id LIMIT 1)`},
		{"two live payments", "I6", `DROP INDEX payment_one_live; ` + newPayment(`p.payable_kind`, `p.payable_id`, `'created'`, `0`, `NULL`, `NULL`)},
		{"the audit log", "I31", `DELETE FROM audit WHERE action = 'payment.captured'`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newTill(t)
			s.subscriber(7_900_000_002_310, sandbox.CardOK)
			s.customer(7_900_000_002_311, "Jonas")
			s.agree()
			s.tampered(tt.id, tt.tamper, "payment", "ledger_entry", "ledger_posting", "audit")
		})
	}
}
