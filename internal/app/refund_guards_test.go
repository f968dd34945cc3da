package app_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/ledger"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/subscription"
)

// refundGuards are the walls around credit notes, requests for a refund and
// withdrawals.
var refundGuards = []guard{
	{"an invoice that corrects (I16)", "invoice_corrects_one", `UPDATE series SET next = next + 1 WHERE kind = 'invoice'; ` + copyDocument("invoice", map[string]string{
		"seq": `seq + 1`, "number": `number || 'X'`, "corrects_id": `id`, "order_id": `(SELECT id FROM orders WHERE state = 'awaiting_payment')`,
	}), `ALTER TABLE invoice DROP CONSTRAINT invoice_corrects_one; DROP TRIGGER invoice_adds_up ON invoice`},
	{"a credit note of another order (I16)", "credit_note_is_of_its_invoice", `UPDATE series SET next = next + 1 WHERE kind = 'credit_note'; ` + copyDocument("credit_note", map[string]string{
		"seq": `seq + 1`, "number": `number || 'X'`, "order_id": `(SELECT id FROM orders WHERE state = 'awaiting_payment')`,
	}), `DROP TRIGGER credit_note_is_of_its_invoice ON invoice; DROP TRIGGER invoice_adds_up ON invoice`},
	{"more credited than invoiced (I16)", "invoice_credit_at_most_invoiced", `UPDATE invoice_credit SET credited_base_minor = base_minor + 1`,
		`ALTER TABLE invoice_credit DROP CONSTRAINT invoice_credit_at_most_invoiced`},
	{"more VAT credited than invoiced (I16)", "invoice_credit_at_most_invoiced", `UPDATE invoice_credit SET credited_vat_minor = vat_minor + 1`,
		`ALTER TABLE invoice_credit DROP CONSTRAINT invoice_credit_at_most_invoiced`},
	{"forget what was credited (I16)", "invoice_credit_only_grows", `UPDATE invoice_credit SET credited_base_minor = 0`,
		`DROP TRIGGER invoice_credit_only_grows ON invoice_credit`},
	{"forget the counter (I16)", "invoice_credit_only_grows", `DELETE FROM invoice_credit`,
		`DROP TRIGGER invoice_credit_only_grows ON invoice_credit`},
	{"a second counter of a rate (I16)", "invoice_credit_rate_once", `INSERT INTO invoice_credit SELECT invoice_id, 9, category, rate_bps, country, base_minor, vat_minor FROM invoice_credit`,
		`ALTER TABLE invoice_credit DROP CONSTRAINT invoice_credit_rate_once`},
	{"a credit note that does not count (I16)", "credit_note_goes_on", `INSERT INTO invoice_vat (invoice_id, line, category, rate_bps, vat_row, country, base_minor, vat_minor)
		SELECT v.invoice_id, 9, v.category, v.rate_bps, v.vat_row, v.country, v.base_minor, v.vat_minor FROM invoice_vat v JOIN invoice i ON i.id = v.invoice_id AND i.kind = 'credit_note'
		WHERE v.base_before_minor = 0`,
		`DROP TRIGGER invoice_vat_counts ON invoice_vat; DROP TRIGGER invoice_vat_adds_up ON invoice_vat`},
	{"more than the rest in a document of its own (I16)", "invoice_credit_at_most_invoiced", `INSERT INTO invoice_vat (invoice_id, line, category, rate_bps, vat_row, country, base_minor, vat_minor, base_before_minor, vat_before_minor)
		SELECT n.id, 9, v.category, v.rate_bps, v.vat_row, v.country, c.base_minor, div(((c.credited_base_minor + c.base_minor)::numeric * v.rate_bps + 5000), 10000)::bigint - c.credited_vat_minor, c.credited_base_minor, c.credited_vat_minor
		FROM invoice n JOIN invoice_credit c ON c.invoice_id = n.corrects_id JOIN invoice_vat v ON v.invoice_id = c.invoice_id LIMIT 1`,
		`ALTER TABLE invoice_credit DROP CONSTRAINT invoice_credit_at_most_invoiced; DROP TRIGGER invoice_vat_adds_up ON invoice_vat`},
	{"a period taken back and in force (I20)", "subscription_period_taken_back_is_over", `INSERT INTO subscription_period (subscription_id, number, during, taken_back)
		SELECT id, 99, tstzrange(paid_until, paid_until + interval '1 day'), true FROM subscription`,
		`ALTER TABLE subscription_period DROP CONSTRAINT subscription_period_taken_back_is_over`},

	{"two open requests", "refund_request_one_open", copyRequest(`'requested'`, `NULL`), `DROP INDEX refund_request_one_open`},
	{"a request that does not add up", "refund_request_total_adds_up", copyRequest(`'withdrawn'`, `now()`, `total_minor`, `total_minor + 1`),
		`ALTER TABLE refund_request DROP CONSTRAINT refund_request_total_adds_up`},
	{"a decision about one's own request", "refund_request_is_decided_by_others", setRequest(`first_by = asked_by, first_at = now()`),
		`ALTER TABLE refund_request DROP CONSTRAINT refund_request_is_decided_by_others`},
	{"one person twice", "refund_request_two_are_two", setRequest(`first_by = ` + somebody + `, first_at = now(), second_by = ` + somebody),
		`ALTER TABLE refund_request DROP CONSTRAINT refund_request_two_are_two`},
	{"done by one where two are needed", "refund_request_second_eyes", setRequest(`needs_two = true, state = 'done', first_by = ` + somebody + `, first_at = now(), decided_at = now(), credited_minor = 1, method_minor = 0`),
		`ALTER TABLE refund_request DROP CONSTRAINT refund_request_second_eyes`},
	{"done, and nobody knows how much", "refund_request_done_says_how_much", setRequest(`state = 'done', needs_two = false, first_by = ` + somebody + `, first_at = now(), decided_at = now()`),
		`ALTER TABLE refund_request DROP CONSTRAINT refund_request_done_says_how_much`},
	{"decided, and nobody knows when", "refund_request_closed_when_decided", setRequest(`state = 'withdrawn'`),
		`ALTER TABLE refund_request DROP CONSTRAINT refund_request_closed_when_decided`},
	{"decide again", "refund_request_keeps_its_word", `UPDATE refund_request SET decided_at = now() WHERE state = 'done'`,
		`DROP TRIGGER refund_request_keeps_its_word ON refund_request`},
	{"ask for something else", "refund_request_keeps_its_word", setRequest(`net_minor = net_minor + 1, total_minor = total_minor + 1`),
		`DROP TRIGGER refund_request_keeps_its_word ON refund_request`},
	{"need only one after all", "refund_request_keeps_its_word", setRequest(`needs_two = true`) + `; ` + setRequest(`needs_two = false`),
		`DROP TRIGGER refund_request_keeps_its_word ON refund_request`},
	{"delete a request", "refund_request_is_immutable", `DELETE FROM refund_request`, `DROP TRIGGER refund_request_stays ON refund_request`},

	{"a payout to be sent again (I10)", "refund_payout_ends_once", `UPDATE refund SET state = 'requested', ended_by = NULL, ended_at = NULL WHERE provider = 'bank' AND state = 'succeeded'`,
		`DROP TRIGGER refund_payout_ends_once ON refund; DROP TRIGGER refund_payout_is_booked ON refund`},
	{"a payout that was sent from nowhere (I10)", "refund_payout_is_booked",
		`UPDATE refund SET state = 'succeeded', ended_by = ` + somebody + `, ended_at = now() WHERE provider = 'bank' AND state = 'requested'`,
		`DROP TRIGGER refund_payout_is_booked ON refund`},
	{"a payout that left the bank, and is to be sent (I10)", "refund_payout_is_booked",
		`INSERT INTO ledger_entry (kind, at, refund_id, hash) SELECT 'refund_sent', now(), id, sha256('x') FROM refund WHERE provider = 'bank' AND state = 'requested';
		INSERT INTO ledger_posting SELECT currval('ledger_entry_id_seq'), 1, id, 'EUR', 1 FROM ledger_account WHERE kind = 'refunds' AND currency = 'EUR';
		INSERT INTO ledger_posting SELECT currval('ledger_entry_id_seq'), 2, id, 'EUR', -1 FROM ledger_account WHERE kind = 'bank' AND currency = 'EUR'`,
		`DROP TRIGGER ledger_entry_payout_is_booked ON ledger_entry`},
	{"a dispute that takes what was not lost (I9)", "dispute_takes_what_was_lost",
		`INSERT INTO ledger_entry (kind, at, dispute_id, hash) SELECT 'dispute_taken', now(), id, sha256('x') FROM dispute WHERE state = 'open' AND amount_minor = 1500;
		INSERT INTO ledger_posting SELECT currval('ledger_entry_id_seq'), 1, a.id, 'EUR', 1 FROM ledger_account a JOIN payment p ON p.payer_id = a.payer_id
			JOIN dispute d ON d.payment_id = p.id AND d.state = 'open' AND d.amount_minor = 1500 WHERE a.kind = 'balance';
		INSERT INTO ledger_posting SELECT currval('ledger_entry_id_seq'), 2, id, 'EUR', -1 FROM ledger_account WHERE kind = 'disputed' AND currency = 'EUR'`,
		`DROP TRIGGER ledger_entry_takes_what_was_lost ON ledger_entry`},

	{"another receipt", "withdrawal_is_immutable", `UPDATE withdrawal SET receipt = '{}'`, `DROP TRIGGER withdrawal_is_immutable ON withdrawal`},
	{"a receipt of something else", "withdrawal_order_is_immutable", `DELETE FROM withdrawal_order`, `DROP TRIGGER withdrawal_order_is_immutable ON withdrawal_order`},
	{"an order withdrawn from twice", "withdrawal_order_once", `INSERT INTO withdrawal_order SELECT order_id, withdrawal_id FROM withdrawal_order`,
		`ALTER TABLE withdrawal_order DROP CONSTRAINT withdrawal_order_once`},
}

// somebody is staff.
const somebody = `(SELECT account_id FROM staff_member LIMIT 1)`

func setRequest(set string) string {
	return `UPDATE refund_request SET ` + set + ` WHERE state = 'requested'`
}

// copyRequest copies the open request with another state, and one column of
// another value.
func copyRequest(state, decided string, but ...string) string {
	columns := []string{"payer_id", "subscription_id", "asked_by", "asked_at", "reason", "target", "currency", "days", "net_minor", "vat_minor", "total_minor", "needs_two"}
	values := slices.Clone(columns)
	if len(but) > 0 {
		values[slices.Index(columns, but[0])] = but[1]
	}
	return `INSERT INTO refund_request (` + strings.Join(columns, ", ") + `, state, decided_at) SELECT ` + strings.Join(values, ", ") + `, ` + state + `, ` + decided +
		` FROM refund_request WHERE state = 'requested'`
}

// copyDocument copies a document of a kind with other facts.
func copyDocument(kind string, but map[string]string) string {
	columns := []string{"kind", "series_id", "seq", "number", "payer_id", "order_id", "corrects_id", "issue_date", "tax_point", "currency", "net_minor", "vat_minor", "total_minor", "content", "content_sha256", "issued_at"}
	values := slices.Clone(columns)
	for i, c := range columns {
		if v, ok := but[c]; ok {
			values[i] = v
		}
	}
	return `INSERT INTO invoice (` + strings.Join(columns, ", ") + `) SELECT ` + strings.Join(values, ", ") + ` FROM invoice WHERE kind = '` + kind + `' ORDER BY seq DESC LIMIT 1`
}

// moneyBack makes a refund that is done, one that was asked for, a withdrawal, a
// payout of each state, a dispute that was lost and one that is open, and an order
// that waits.
func (s *till) moneyBack() {
	s.t.Helper()
	finance := s.staff(7_900_000_003_300, "Rasa", account.StaffFinance)
	ona, id, _ := s.paidByCard(7_900_000_003_301, "Ona", 2)
	s.wait(5)
	request, err := s.AskRefund(s.ctx(), ona, id, "method", "x")
	s.must(err)
	s.must(s.ApproveRefund(s.ctx(), finance, request))
	jonas, other, _ := s.paidByCard(7_900_000_003_302, "Jonas", 3)
	_, err = s.AskRefund(s.ctx(), jonas, other, "balance", "x")
	s.must(err)
	petras, third, _ := s.paidByCard(7_900_000_003_303, "Petras", 1)
	offer, err := s.WithdrawalOffer(s.ctx(), petras, third)
	s.must(err)
	_, err = s.Withdraw(s.ctx(), petras, third, offer.Token)
	s.must(err)
	for i := range 3 {
		s.refundByTransfer(int64(7_900_000_003_304+i), finance, 0)
	}
	payouts := must(s.StaffPayouts(s.ctx(), finance))
	s.must(s.ConfirmPayout(s.ctx(), finance, payouts[0].ID))
	s.must(s.FailPayout(s.ctx(), finance, payouts[1].ID, "x"))
	for i, end := range []payment.DisputeState{payment.DisputeLost, payment.DisputeOpen} {
		_, _, p := s.toppedUp(int64(7_900_000_003_307+i), 50_00)
		s.must(s.Chargeback(string(p.ID), 15_00, end))
	}
	s.sendRefunds()
	s.webhooks()
	s.must(s.IssueReceipts(s.ctx()))
	s.order(ona, softphone(1, false, 6))
	s.must(s.DrawPending(s.ctx()))
	s.agree()
}

func TestGuardsOfMoneyBack(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	s.moneyBack()
	s.guarded(refundGuards)
	s.agree()
}

// What gets past the walls, the audit finds.
func TestTheAuditFindsTamperingWithMoneyBack(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, id, tamper string }{
		{"more refunded than asked", "I9", `UPDATE payment SET asked_minor = asked_minor - 1 WHERE asked_minor > 0`},
		{"a dispute nobody booked", "I9", `INSERT INTO dispute (payment_id, provider, provider_account, provider_ref, currency, amount_minor, reason, state, opened_at)
			SELECT id, provider, provider_account, 'x', currency, 1, '', 'open', now() FROM payment LIMIT 1`},
		{"given back and disputed", "I9", `ALTER TABLE payment DROP CONSTRAINT payment_returned_at_most_received; UPDATE payment SET disputed_minor = received_minor WHERE refunded_minor > 0`},
		{"a refund that was sent is called failed", "I10", `UPDATE refund SET state = 'failed' WHERE provider <> 'bank'`},
		{"a payout that was sent is to be sent", "I10", `UPDATE refund SET state = 'requested', ended_by = NULL, ended_at = NULL WHERE provider = 'bank' AND state = 'succeeded'`},
		{"a payout that never left the balance", "I10", `DELETE FROM ledger_posting p USING ledger_entry e WHERE e.id = p.entry_id AND e.kind = 'refund_asked' AND e.refund_id IN (SELECT id FROM refund WHERE provider = 'bank' AND state = 'requested');
			DELETE FROM ledger_entry WHERE kind = 'refund_asked' AND refund_id IN (SELECT id FROM refund WHERE provider = 'bank' AND state = 'requested')`},
		{"a payment of which more was sent than is booked", "I9", `UPDATE payment SET refunded_minor = refunded_minor + 1 WHERE provider = 'bank' AND refunded_minor > 0`},
		{"taken for a dispute that was won", "I9", `UPDATE dispute SET state = 'won' WHERE state = 'lost'`},
		{"a credit note over its invoice", "I16", `ALTER TABLE invoice_vat DROP CONSTRAINT invoice_vat_is_base_times_rate; UPDATE invoice_vat SET base_minor = base_minor * 9 WHERE invoice_id IN (SELECT id FROM invoice WHERE kind = 'credit_note')`},
		{"a counter", "I16", `UPDATE invoice_credit SET credited_base_minor = 0, credited_vat_minor = 0`},
		{"a credit note that was not booked", "I16", `DELETE FROM ledger_posting p USING ledger_entry e WHERE e.id = p.entry_id AND e.kind = 'credited'; DELETE FROM ledger_entry WHERE kind = 'credited'`},
		{"a period that was taken back twice", "I20", `UPDATE subscription_period SET taken_back = true WHERE superseded_at IS NOT NULL`},
		{"the audit log of refunds", "I31", `DELETE FROM audit WHERE action LIKE 'refund.%'`},
		{"the audit log of credit notes", "I31", `DELETE FROM audit WHERE action = 'credit_note.issued'`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newTill(t)
			s.moneyBack()
			s.tampered(tt.id, tt.tamper, "payment", "refund", "dispute", "invoice", "invoice_vat", "invoice_credit", "ledger_entry", "ledger_posting", "subscription_period", "audit")
		})
	}
}

// Random partial credits of one invoice: together they never exceed it, per rate;
// the one that credits the rest leaves exactly nothing; and the database refuses
// a cent more, also where the program does not (I16).
func TestCreditNotesStayWithinTheirInvoice(t *testing.T) {
	t.Parallel()
	seeds := 8
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			t.Parallel()
			s := newTill(t)
			random := rand.New(rand.NewPCG(uint64(seed), 16))
			ona, _, o := s.paidByCard(7_900_000_003_400, "Ona", 1+random.IntN(12))
			original, err := s.Invoice(s.ctx(), ona, o.InvoiceNumber)
			s.must(err)
			credit := func(net money.Amount, force bool) error {
				return s.db.Update(s.ctx(), func(tx *store.Tx) error {
					before, err := tx.Credited(s.ctx(), o.ID)
					s.must(err)
					tax, err := invoice.CreditVAT(original.VAT[0].Rate, net, before.Base, before.VAT)
					s.must(err)
					of := original
					if force { // a program gone wrong takes the invoice for a larger one
						of.Net += net
					}
					d, err := invoice.NewCreditNote(of, invoice.Credit{
						IssueDate: s.Today(), Net: net, CreditedBase: before.Base, CreditedAmount: before.VAT, Description: "x", Reason: "x",
						Returned: invoice.Returned{Balance: net + tax},
					})
					if err != nil {
						return err
					}
					id := store.NewID()
					s.must(err)
					corrects, _, err := tx.InvoiceToCredit(s.ctx(), o.ID)
					s.must(err)
					s.must(tx.AppendEntry(s.ctx(), ledger.Credited(o.PayerID, "EUR", d.Net, d.VATTotal, 0, id, tx.Now())))
					taken, err := tx.TakeNumber(s.ctx(), invoice.KindCreditNote, d.IssueDate, "SIPC")
					s.must(err)
					d.Number = invoice.Number(taken.Prefix, d.IssueDate.Year, taken.Seq)
					if err := tx.InsertCreditNote(s.ctx(), taken, id, corrects, o.PayerID, o.ID, d); err != nil {
						return err
					}
					return auditCreditNote(s, tx, id)
				})
			}
			left := original.Net
			for left > 0 {
				net := min(left, money.Amount(1+random.IntN(int(original.Net)/3)))
				if random.IntN(3) == 0 {
					net = min(left, money.Amount(1+random.IntN(5)))
				}
				s.must(credit(net, false))
				left -= net
				if n := s.count(`SELECT count(*) FROM invoice_credit WHERE credited_vat_minor > vat_minor OR credited_base_minor > base_minor`); n != 0 {
					t.Fatal("over the invoice")
				}
			}
			if n := s.count(`SELECT count(*) FROM invoice_credit WHERE credited_vat_minor = vat_minor AND credited_base_minor = base_minor`); n != 1 {
				t.Error("something of the invoice is left")
			}
			if err := credit(1, false); err == nil {
				t.Error("the program credits a cent more")
			}
			if err := credit(1, true); !store.IsConstraint(err, "invoice_credit_at_most_invoiced") {
				t.Errorf("the database: %v", err)
			}
			s.clean()
		})
	}
}

func auditCreditNote(s *till, tx *store.Tx, id string) error {
	_, err := tx.PGX().Exec(s.ctx(), `INSERT INTO audit (at, actor, action, object_kind, object_id) VALUES (now(), 'command:test', 'credit_note.issued', 'credit_note', $1)`, id)
	return err
}

// Nobody is told what they may not see, and a subscription that ended by itself
// has nothing to give back.
func TestNothingToRefund(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, id, _ := s.paidByCard(7_900_000_003_500, "Ona", 2)
	s.later(s.item(ona, id).PaidUntil.Sub(s.clock.Now()))
	if _, err := s.RefundOffer(s.ctx(), ona, id); !fault.Is(err, fault.Conflict) {
		t.Errorf("in grace: %v", err)
	}
	s.wait(20)
	s.must(s.CloseOverdue(s.ctx()))
	if item := s.item(ona, id); item.State != subscription.StateEnded {
		t.Fatalf("state %s", item.State)
	}
	if _, err := s.AskRefund(s.ctx(), ona, id, "method", "x"); !fault.Is(err, fault.Conflict) {
		t.Errorf("ended: %v", err)
	}
	s.agree()
}
