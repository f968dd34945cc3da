package app_test

import (
	"bytes"
	"testing"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/bank/banktest"
	"github.com/siptg/portal/internal/money"
)

// Parts of attempts: an entry that nobody decided about, and somebody else.
const (
	undecided   = ` FROM bank_entry b WHERE b.outcome = 'suspense' AND b.credit AND NOT EXISTS (SELECT FROM suspense_decision d WHERE d.bank_entry_id = b.id AND d.state <> 'refused') LIMIT 1`
	toSend      = `INSERT INTO suspense_decision (bank_entry_id, kind, currency, amount_minor, reason, needs_two, state, first_by, first_at) SELECT b.id, 'return', b.currency, `
	anybodyElse = `(SELECT a.id FROM account a WHERE a.id <> d.first_by LIMIT 1)`
)

// suspenseGuards are the walls around what leaves suspense.
var suspenseGuards = []guard{
	{"a decision about more than came (I26)", "suspense_decision_is_of_its_entry", toSend + `b.amount_minor + 1, 'x', false, 'to_send', ` + somebody + `, now()` + undecided,
		`DROP TRIGGER suspense_decision_is_of_its_entry ON suspense_decision`},
	{"a decision about what was matched (I26)", "suspense_decision_is_of_its_entry",
		toSend + `b.amount_minor, 'x', false, 'to_send', ` + somebody + `, now() FROM bank_entry b WHERE b.outcome = 'matched' LIMIT 1`,
		`DROP TRIGGER suspense_decision_is_of_its_entry ON suspense_decision`},
	{"an entry given away twice (I26)", "suspense_decision_once",
		toSend + `b.amount_minor, 'x', false, 'to_send', ` + somebody + `, now() FROM bank_entry b JOIN suspense_decision d ON d.bank_entry_id = b.id AND d.state = 'done' AND b.credit LIMIT 1`,
		`DROP INDEX suspense_decision_once`},
	{"an entry undone twice (I26)", "suspense_decision_undoes_once",
		`INSERT INTO suspense_decision (bank_entry_id, kind, payer_id, against_id, currency, amount_minor, reason, needs_two, state, first_by, first_at)
		SELECT b.id, 'take_back', d.payer_id, d.against_id, d.currency, d.amount_minor, 'x', true, 'proposed', ` + somebody + `, now()
		FROM suspense_decision d JOIN bank_entry b ON b.outcome = 'suspense' AND NOT b.credit AND b.id <> d.bank_entry_id AND b.amount_minor = d.amount_minor
		WHERE d.kind = 'take_back' LIMIT 1`,
		`DROP INDEX suspense_decision_undoes_once`},
	{"another reason for a decision", "suspense_decision_keeps_its_word", `UPDATE suspense_decision SET reason = 'y'`,
		`DROP TRIGGER suspense_decision_keeps_its_word ON suspense_decision`},
	{"a decision after it was made", "suspense_decision_keeps_its_word", `UPDATE suspense_decision d SET second_by = ` + anybodyElse + ` WHERE state = 'done' AND first_by IS NOT NULL`,
		`DROP TRIGGER suspense_decision_keeps_its_word ON suspense_decision`},
	{"delete a decision", "suspense_decision_is_immutable", `DELETE FROM suspense_decision WHERE state = 'refused'`,
		`DROP TRIGGER suspense_decision_stays ON suspense_decision`},
	{"done, and nothing was booked (I26)", "suspense_decision_is_booked",
		`UPDATE suspense_decision d SET state = 'done', second_by = ` + anybodyElse + `, sent_by = first_by, decided_at = now() WHERE state = 'proposed'`,
		`DROP TRIGGER suspense_decision_is_booked ON suspense_decision`},
	{"booked, and nobody decided (I26)", "suspense_decision_is_booked",
		`INSERT INTO ledger_entry (kind, at, suspense_decision_id, hash) SELECT 'suspense_returned', now(), id, sha256('x') FROM suspense_decision WHERE state = 'proposed' LIMIT 1;
		INSERT INTO ledger_posting SELECT currval('ledger_entry_id_seq'), 1, id, 'EUR', 1 FROM ledger_account WHERE kind = 'suspense' AND currency = 'EUR';
		INSERT INTO ledger_posting SELECT currval('ledger_entry_id_seq'), 2, id, 'EUR', -1 FROM ledger_account WHERE kind = 'bank' AND currency = 'EUR'`,
		`DROP TRIGGER ledger_entry_decision_is_booked ON ledger_entry`},
	{"a decision booked twice (I26)", "ledger_entry_suspense_once",
		`INSERT INTO ledger_entry (kind, at, suspense_decision_id, hash) SELECT kind, at, suspense_decision_id, hash FROM ledger_entry WHERE kind = 'suspense_matched'`,
		`DROP INDEX ledger_entry_suspense_once; DROP TRIGGER ledger_entry_balances ON ledger_entry`},
	{"a return that left twice", "bank_entry_return_once",
		`INSERT INTO bank_entry SELECT (jsonb_populate_record(b, jsonb_build_object('id', gen_random_uuid(), 'key', b.key || 'x'))).* FROM bank_entry b WHERE b.return_sent_id IS NOT NULL`,
		`DROP INDEX bank_entry_return_once`},
	{"another statement under its name", "statement_upload_keeps", `UPDATE statement_upload SET name = 'x'`,
		`DROP TRIGGER statement_upload_keeps ON statement_upload`},
	{"a statement imported again", "statement_upload_keeps", `UPDATE statement_upload SET result = '{"matched": 9}' WHERE done_at IS NOT NULL`,
		`DROP TRIGGER statement_upload_keeps ON statement_upload`},
	{"a statement started by who uploaded it", "statement_upload_second_eyes", `UPDATE statement_upload SET asked_by = uploaded_by, asked_at = now() WHERE needs_two`,
		`ALTER TABLE statement_upload DROP CONSTRAINT statement_upload_second_eyes`},
	{"another person for a statement that is being imported", "statement_upload_keeps",
		`UPDATE statement_upload SET asked_by = (SELECT id FROM account a WHERE a.id <> asked_by LIMIT 1) WHERE asked_by IS NOT NULL AND done_at IS NULL`,
		`DROP TRIGGER statement_upload_keeps ON statement_upload`},
	{"delete an upload", "statement_upload_is_immutable", `DELETE FROM statement_upload`,
		`DROP TRIGGER statement_upload_stays ON statement_upload`},
}

// bankSide makes decisions of every kind and state, and three uploads.
func (s *site) bankSide() {
	s.t.Helper()
	finance := s.staff(7_900_000_009_100, "Faustas", account.StaffFinance)
	admin := s.staff(7_900_000_009_101, "Adomas", account.StaffAdmin)
	ona, payer := s.customer(7_900_000_009_102, "Ona")
	decide := func(id string, in app.SuspenseDecision) {
		in.Reason = "x"
		s.must(s.DecideSuspense(s.ctx(), finance, id, in))
	}
	stray := func(e bank.Entry) string { id, _ := s.arrives(e); return id }
	decide(stray(s.stray(10_00)), app.SuspenseDecision{Kind: bank.DecideBalance, Payer: payer})
	decide(stray(s.stray(5_00)), app.SuspenseDecision{Kind: bank.DecideReturn})
	decide(stray(s.stray(200_00)), app.SuspenseDecision{Kind: bank.DecideReturn})
	refused := stray(s.stray(300_00))
	decide(refused, app.SuspenseDecision{Kind: bank.DecideReturn})
	s.must(s.RefuseSuspense(s.ctx(), admin, refused, "x"))
	sent := stray(s.stray(400_00))
	decide(sent, app.SuspenseDecision{Kind: bank.DecideReturn})
	s.must(s.ApproveSuspense(s.ctx(), admin, sent))
	s.must(s.ConfirmReturn(s.ctx(), finance, sent))
	left := s.stray(400_00)
	left.Credit, left.Return = false, true
	stray(left)
	topUp := s.transfer(s.reference(ona, payer), 7_00)
	paidIn := stray(topUp)
	for i := range 2 {
		back := topUp
		back.Credit, back.Reversal, back.ServicerRef = false, true, []string{"R1", "R2"}[i]
		if id := stray(back); i == 0 {
			decide(id, app.SuspenseDecision{Kind: bank.DecideTakeBack, Against: paidIn})
		}
	}
	part := s.entry(s.order(ona, softphone(1, false, 6)))
	part.Amount = 1_00
	stray(part)
	stray(s.stray(11_00))
	for name, amount := range map[string]money.Amount{"done.xml": 12_00, "running.xml": 13_00, "waits.xml": 160_00} {
		e := s.stray(amount)
		e.ServicerRef = name
		id, err := s.UploadStatement(s.ctx(), finance, name, bytes.NewReader(s.camt(banktest.Version02, e)))
		s.must(err)
		if name != "waits.xml" {
			s.must(s.BookStatement(s.ctx(), finance, id))
		}
		if name == "done.xml" {
			s.must(s.ImportUploaded(s.ctx(), id))
		}
	}
	s.must(s.IssueReceipts(s.ctx()))
}

func TestGuardsOfSuspense(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.bankSide()
	s.clean()
	s.guarded(suspenseGuards)
	s.clean()
}

// What gets past the walls, the audit finds.
func TestTheAuditFindsTamperingWithSuspense(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, id, tamper string }{
		{"money that left and stays", "I26", `UPDATE suspense_decision SET state = 'to_send', sent_by = NULL, decided_at = NULL WHERE kind = 'return' AND state = 'done'`},
		{"money that stays and left", "I26", `UPDATE suspense_decision SET state = 'done', sent_by = first_by, decided_at = now() WHERE state = 'to_send'`},
		{"a payment that a decision made", "I26", `DELETE FROM payment_event WHERE payment_id IN (SELECT id FROM payment WHERE provider = 'bank'); DELETE FROM payment WHERE provider = 'bank' AND amount_minor = 1000`},
		{"the audit log of decisions", "I31", `DELETE FROM audit WHERE action = 'suspense.done'`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.bankSide()
			s.tampered(tt.id, tt.tamper, "suspense_decision", "payment", "payment_event", "audit")
		})
	}
}
