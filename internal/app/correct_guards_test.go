package app_test

import (
	"strings"
	"testing"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
)

// Invoices that corrections() makes: of one that was replaced, one that stands,
// and one that was withdrawn from.
const (
	theReplacement = `replaces_id IS NOT NULL AND NOT EXISTS (SELECT FROM correction_request q WHERE q.replacement_id = d.id)`
	theStanding    = `kind = 'invoice' AND replaces_id IS NULL AND EXISTS (SELECT FROM correction_request q WHERE q.invoice_id = d.id AND q.state = 'requested')`
	theWithdrawn   = `kind = 'invoice' AND EXISTS (SELECT FROM withdrawal_order w WHERE w.order_id = d.order_id)`
)

// replacing issues an invoice in the place of one, with the facts of another.
func replacing(replaced, like string) string {
	return strings.NewReplacer("REPLACED", replaced, "LIKE", like).Replace(`
		UPDATE series SET next = next + 1 WHERE kind = 'invoice';
		WITH n AS (INSERT INTO invoice (kind, series_id, seq, number, payer_id, order_id, replaces_id, issue_date, tax_point, currency, net_minor, vat_minor, total_minor, content, content_sha256, issued_at)
			SELECT 'invoice', s.id, s.next - 1, 'X', d.payer_id, d.order_id, (REPLACED), d.issue_date, d.tax_point, d.currency, d.net_minor, d.vat_minor, d.total_minor, d.content, d.content_sha256, now()
			FROM invoice d JOIN series s ON s.kind = 'invoice' WHERE d.LIKE LIMIT 1 RETURNING id)
		INSERT INTO invoice_vat (invoice_id, line, category, rate_bps, vat_row, country, base_minor, vat_minor)
		SELECT n.id, 1, v.category, v.rate_bps, v.vat_row, v.country, v.base_minor, v.vat_minor
		FROM n, invoice d JOIN invoice_vat v ON v.invoice_id = d.id WHERE d.LIKE LIMIT 1`)
}

// idOf reads the id of an invoice.
func idOf(which string) string { return `SELECT d.id FROM invoice d WHERE d.` + which + ` LIMIT 1` }

// correctionGuards are the walls around corrected invoices and requests for them.
var correctionGuards = []guard{
	{"replaced twice (I13)", "invoice_replaced_once", replacing(`SELECT d2.replaces_id FROM invoice d2 WHERE d2.id = d.id`, theReplacement),
		`DROP INDEX invoice_replaced_once`},
	{"in the place of another order's invoice (I13)", "replacement_is_of_its_invoice", replacing(idOf(theWithdrawn), theStanding),
		`DROP TRIGGER replacement_is_of_its_invoice ON invoice; DROP TRIGGER replaced_invoice_is_credited ON invoice`},
	{"in the place of one that was not credited (I16)", "replaced_invoice_is_credited", replacing(`d.id`, theStanding),
		`DROP TRIGGER replaced_invoice_is_credited ON invoice`},
	{"in the place of one that was given back (I16)", "replaced_invoice_is_credited", replacing(`d.id`, theWithdrawn),
		`DROP TRIGGER replaced_invoice_is_credited ON invoice`},
	{"a correction without its invoice (I16)", "correction_has_both_documents", `UPDATE series SET next = next + 1 WHERE kind = 'credit_note';
		WITH n AS (INSERT INTO invoice (kind, series_id, seq, number, payer_id, order_id, corrects_id, issue_date, tax_point, currency, net_minor, vat_minor, total_minor, content, content_sha256, issued_at)
			SELECT 'credit_note', s.id, s.next - 1, 'X', d.payer_id, d.order_id, d.id, d.issue_date, d.tax_point, d.currency, d.net_minor, d.vat_minor, d.total_minor, d.content, d.content_sha256, now()
			FROM invoice d JOIN series s ON s.kind = 'credit_note' WHERE d.` + theStanding + ` LIMIT 1 RETURNING id),
		v AS (INSERT INTO invoice_vat (invoice_id, line, category, rate_bps, vat_row, country, base_minor, vat_minor)
			SELECT n.id, 1, v.category, v.rate_bps, v.vat_row, v.country, v.base_minor, v.vat_minor FROM n, invoice d JOIN invoice_vat v ON v.invoice_id = d.id WHERE d.` + theStanding + ` LIMIT 1),
		e AS (INSERT INTO ledger_entry (kind, at, credit_note_id, hash) SELECT 'corrected', now(), n.id, sha256('x') FROM n RETURNING id)
		INSERT INTO ledger_posting (entry_id, line, account_id, currency, amount_minor)
		SELECT e.id, g.n, a.id, a.currency, 2 * g.n - 3 FROM e, ledger_account a, generate_series(1, 2) g(n) WHERE a.kind = 'revenue'`,
		`DROP TRIGGER correction_has_both_documents ON ledger_entry`},

	{"reverse charge on a new invoice without a proof (I28)", "replacement_has_its_proof", `INSERT INTO invoice_vat (invoice_id, line, category, rate_bps, vat_row, country, base_minor, vat_minor)
		SELECT d.id, 2, 'AE', 0, 'R4', 'DE', 0, 0 FROM invoice d WHERE d.` + theReplacement + ` LIMIT 1`,
		`DROP TRIGGER replacement_has_its_proof ON invoice_vat`},
	{"two proofs of one invoice (I28)", "invoice_proof_once", `INSERT INTO invoice_proof SELECT invoice_id, vat_check_id FROM invoice_proof LIMIT 1`,
		`ALTER TABLE invoice_proof DROP CONSTRAINT invoice_proof_once`},
	{"another proof of an invoice (I28)", "invoice_proof_is_immutable", `UPDATE invoice_proof SET vat_check_id = vat_check_id`, `DROP TRIGGER invoice_proof_is_immutable ON invoice_proof`},
	{"forget the proof of an invoice (I28)", "invoice_proof_is_immutable", `DELETE FROM invoice_proof`, `DROP TRIGGER invoice_proof_is_immutable ON invoice_proof`},

	{"two open requests for one invoice", "correction_request_one_open", `INSERT INTO correction_request (payer_id, invoice_id, asked_by, asked_at, buyer, currency, net_minor, old_vat_minor, new_vat_minor, needs_two, state)
		SELECT payer_id, invoice_id, asked_by, asked_at, buyer, currency, net_minor, old_vat_minor, new_vat_minor, needs_two, state FROM correction_request WHERE state = 'requested'`,
		`DROP INDEX correction_request_one_open`},
	{"a decision about one's own correction", "correction_request_is_decided_by_others", setCorrection(`first_by = asked_by, first_at = now()`),
		`ALTER TABLE correction_request DROP CONSTRAINT correction_request_is_decided_by_others`},
	{"one person twice", "correction_request_two_are_two", setCorrection(`first_by = ` + somebody + `, first_at = now(), second_by = ` + somebody),
		`ALTER TABLE correction_request DROP CONSTRAINT correction_request_two_are_two`},
	{"corrected by one where two are needed", "correction_request_second_eyes", setCorrection(`needs_two = true, state = 'done', first_by = ` + somebody + `, first_at = now(), decided_at = now(), replacement_id = invoice_id`),
		`ALTER TABLE correction_request DROP CONSTRAINT correction_request_second_eyes`},
	{"corrected, and nobody knows by what", "correction_request_done_names_its_invoice", setCorrection(`state = 'done', needs_two = false, first_by = ` + somebody + `, first_at = now(), decided_at = now()`),
		`ALTER TABLE correction_request DROP CONSTRAINT correction_request_done_names_its_invoice`},
	{"decided, and nobody knows when", "correction_request_closed_when_decided", setCorrection(`state = 'withdrawn'`),
		`ALTER TABLE correction_request DROP CONSTRAINT correction_request_closed_when_decided`},
	{"decide about a correction again", "correction_request_keeps_its_word", `UPDATE correction_request SET decided_at = now() WHERE state = 'done'`,
		`DROP TRIGGER correction_request_keeps_its_word ON correction_request`},
	{"ask for another buyer", "correction_request_keeps_its_word", setCorrection(`buyer = '{}'`),
		`DROP TRIGGER correction_request_keeps_its_word ON correction_request`},
	{"need only one after all", "correction_request_keeps_its_word", setCorrection(`needs_two = true`) + `; ` + setCorrection(`needs_two = false`),
		`DROP TRIGGER correction_request_keeps_its_word ON correction_request`},
	{"delete a request for a correction", "correction_request_is_immutable", `DELETE FROM correction_request`, `DROP TRIGGER correction_request_stays ON correction_request`},
}

func setCorrection(set string) string {
	return `UPDATE correction_request SET ` + set + ` WHERE state = 'requested'`
}

// corrections makes an invoice that was corrected in one step, one by a request,
// one that a request waits for, and one that was withdrawn from.
func (s *till) corrections() {
	s.t.Helper()
	finance := s.staff(7_900_000_005_100, "Rasa", account.StaffFinance)
	s.confirmed()
	ona, _, o := s.invoiced(7_900_000_005_101, "Ona", 2)
	s.correct(ona, o.InvoiceNumber, named("Ona Petrauskaitė"))
	jonas, _, p := s.invoiced(7_900_000_005_102, "Jonas", 3)
	s.must(s.ApproveCorrection(s.ctx(), finance, s.correct(jonas, p.InvoiceNumber, app.CorrectionInput{PayerInput: berlin()}).Request))
	rasa, _, q := s.invoiced(7_900_000_005_103, "Rasa", 4)
	s.correct(rasa, q.InvoiceNumber, app.CorrectionInput{PayerInput: berlin()})
	petras, id, _ := s.paidByCard(7_900_000_005_104, "Petras", 1)
	offer, err := s.WithdrawalOffer(s.ctx(), petras, id)
	s.must(err)
	_, err = s.Withdraw(s.ctx(), petras, id, offer.Token)
	s.must(err)
	s.sendRefunds()
	s.webhooks()
	s.must(s.DrawPending(s.ctx()))
	s.agree()
}

func TestGuardsOfCorrections(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	s.corrections()
	s.guarded(correctionGuards)
	s.agree()
}

// What gets past the walls, the audit finds.
func TestTheAuditFindsTamperingWithCorrections(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, tamper string }{
		{"an invoice that replaces nothing any more", `UPDATE invoice SET replaces_id = NULL`},
		{"a correction booked as a refund", `UPDATE ledger_entry SET kind = 'credited' WHERE kind = 'corrected'`},
		{"another net sum", `UPDATE invoice SET net_minor = net_minor + 1, total_minor = total_minor + 1 WHERE replaces_id IS NOT NULL`},
		{"of another payer", `UPDATE invoice SET payer_id = (SELECT p.id FROM payer p WHERE p.id <> invoice.payer_id LIMIT 1) WHERE replaces_id IS NOT NULL`},
		{"money that moved", `UPDATE ledger_posting p SET account_id = (SELECT id FROM ledger_account WHERE kind = 'write_off' OR kind = 'bank' ORDER BY kind LIMIT 1)
			FROM ledger_entry e, ledger_account a WHERE e.id = p.entry_id AND e.kind = 'corrected' AND a.id = p.account_id AND a.kind = 'balance'`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newTill(t)
			s.corrections()
			s.tampered("corrected invoices are replaced once, by what was credited", `ALTER TABLE invoice DROP CONSTRAINT invoice_total_adds_up; DROP INDEX invoice_order_once; `+tt.tamper, "invoice", "ledger_entry", "ledger_posting")
		})
	}
}
