package app_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/bank/banktest"
)

// paidSite is a site on which something was ordered, paid and invoiced.
func paidSite(t *testing.T) *site {
	s := newSite(t)
	ona, payer := s.customer(7_900_000_000_400, "Ona")
	s.pay(s.order(ona, softphone(2, true, 6)))
	s.importFile(s.camt(banktest.Version08, s.transfer(s.reference(ona, payer), 50_00)))
	s.must(s.IssueReceipts(s.ctx()))
	s.clean()
	return s
}

// guard is a wall in the database: what a program gone wrong might try, the
// constraint that refuses it, and how to take that wall away.
type guard struct{ name, constraint, attempt, remove string }

// guards are those around orders, invoices and the ledger.
var guards = []guard{
	{"change a posting (I2)", "ledger_posting_is_immutable", `UPDATE ledger_posting SET amount_minor = amount_minor + 1 WHERE line = 1`,
		`DROP TRIGGER ledger_posting_is_immutable ON ledger_posting`},
	{"delete a posting (I2)", "ledger_posting_is_immutable", `DELETE FROM ledger_posting`,
		`DROP TRIGGER ledger_posting_is_immutable ON ledger_posting`},
	{"change a ledger entry (I2)", "ledger_entry_is_immutable", `UPDATE ledger_entry SET at = at + interval '1 day'`,
		`DROP TRIGGER ledger_entry_is_immutable ON ledger_entry`},
	{"unbalanced entry (I1)", "ledger_entry_balances", `INSERT INTO ledger_entry (kind, at, hash) VALUES ('bank_suspense', now(), sha256('x'))`,
		`DROP TRIGGER ledger_entry_balances ON ledger_entry`},
	{"an entry of one side more than the other (I1)", "ledger_entry_balances", `WITH e AS (INSERT INTO ledger_entry (kind, at, hash) VALUES ('bank_suspense', now(), sha256('x')) RETURNING id)
		INSERT INTO ledger_posting SELECT e.id, n, a.id, 'EUR', n FROM e, (SELECT min(id) AS id FROM ledger_account WHERE kind <> 'balance') a, generate_series(1, 2) n`,
		`DROP TRIGGER ledger_entry_balances ON ledger_entry`},
	{"an entry of one posting (I1)", "ledger_entry_balances", `WITH e AS (INSERT INTO ledger_entry (kind, at, hash) VALUES ('bank_suspense', now(), sha256('x')) RETURNING id)
		INSERT INTO ledger_posting SELECT e.id, 1, (SELECT min(id) FROM ledger_account WHERE kind <> 'balance'), 'EUR', 1 FROM e`,
		`DROP TRIGGER ledger_entry_balances ON ledger_entry`},
	{"a posting too many (I1)", "ledger_posting_comes_with_its_entry", `INSERT INTO ledger_posting SELECT max(entry_id), 9, min(account_id), 'EUR', 1 FROM ledger_posting`,
		`DROP TRIGGER ledger_posting_comes_with_its_entry ON ledger_posting`},
	{"two postings too many that balance (I1)", "ledger_posting_comes_with_its_entry", `INSERT INTO ledger_posting SELECT max(entry_id), 8 + n, min(account_id), 'EUR', 1 - 2 * n FROM ledger_posting, generate_series(0, 1) n GROUP BY n`,
		`DROP TRIGGER ledger_posting_comes_with_its_entry ON ledger_posting`},
	{"a posting of another currency (I4)", "ledger_posting_one_currency", `INSERT INTO ledger_posting SELECT max(entry_id), 9, min(account_id), 'USD', 1 FROM ledger_posting`,
		`ALTER TABLE ledger_posting DROP CONSTRAINT ledger_posting_one_currency; DROP TRIGGER ledger_posting_comes_with_its_entry ON ledger_posting`},
	{"a balance below its limit (I11)", "ledger_balance_within_limit", `UPDATE ledger_account SET balance_minor = 1 WHERE kind = 'balance'`,
		`ALTER TABLE ledger_account DROP CONSTRAINT ledger_balance_within_limit`},
	{"an order paid twice (I5)", "ledger_entry_order_once", `INSERT INTO ledger_entry (kind, at, order_id, hash) SELECT kind, at, order_id, hash FROM ledger_entry WHERE kind = 'order_paid'`,
		`DROP INDEX ledger_entry_order_once; DROP TRIGGER ledger_entry_balances ON ledger_entry`},
	{"a bank entry booked twice (I5)", "ledger_entry_bank_once", `INSERT INTO ledger_entry (kind, at, bank_entry_id, hash) SELECT kind, at, bank_entry_id, hash FROM ledger_entry WHERE kind = 'bank_received'`,
		`DROP INDEX ledger_entry_bank_once; DROP TRIGGER ledger_entry_balances ON ledger_entry`},
	{"a bank entry known twice (I25)", "bank_entry_once", `INSERT INTO bank_entry SELECT gen_random_uuid(), key, batch, fingerprint, statement_id, iban, booked_on, amount_minor, currency, credit, reversal, payer_name, payer_iban, reference, remittance, end_to_end, outcome, reason, third_party, order_id, imported_at, payer_id FROM bank_entry`,
		`ALTER TABLE bank_entry DROP CONSTRAINT bank_entry_once`},
	{"an order buys two periods (I6)", "subscription_period_order_once", `INSERT INTO subscription_period SELECT subscription_id, 2, tstzrange(upper(during), upper(during) + interval '1 day'), order_id FROM subscription_period`,
		`DROP INDEX subscription_period_order_once; DROP INDEX subscription_period_bought_once`},
	{"overlapping periods (I20)", "subscription_period_no_overlap", `INSERT INTO subscription_period SELECT subscription_id, 2, during, NULL FROM subscription_period`,
		`ALTER TABLE subscription_period DROP CONSTRAINT subscription_period_no_overlap`},
	{"a period's value (I18)", "subscription_period_is_immutable", `UPDATE subscription_period SET worth = '1/1'`,
		`DROP TRIGGER subscription_period_is_immutable ON subscription_period`},
	{"a superseded period back in force (I20)", "subscription_period_is_immutable", `UPDATE subscription_period SET superseded_at = now(); UPDATE subscription_period SET superseded_at = NULL`,
		`DROP TRIGGER subscription_period_is_immutable ON subscription_period`},
	{"a value that is no fraction (I18)", "subscription_period_account_is_exact", `INSERT INTO subscription_period SELECT subscription_id, 2, tstzrange(upper(during), upper(during) + interval '1 day'), NULL, price_book, monthly_minor, '0.5', rate FROM subscription_period`,
		`ALTER TABLE subscription_period DROP CONSTRAINT subscription_period_account_is_exact`},
	{"half an account (I18)", "subscription_period_account_is_whole", `INSERT INTO subscription_period SELECT subscription_id, 2, tstzrange(upper(during), upper(during) + interval '1 day'), NULL, price_book FROM subscription_period`,
		`ALTER TABLE subscription_period DROP CONSTRAINT subscription_period_account_is_whole`},
	{"one number twice (I20)", "subscription_period_number_once", `INSERT INTO subscription_period SELECT subscription_id, 1, tstzrange(upper(during), upper(during) + interval '1 day'), NULL, price_book, monthly_minor, worth, rate, 1 FROM subscription_period`,
		`DROP INDEX subscription_period_number_once`},
	{"two subscriptions to one plan", "subscription_one_live", `INSERT INTO subscription SELECT gen_random_uuid(), payer_id, customer_id, plan, accounts, recording, lines, extra_accounts, api, months, currency, state, auto_renew, anchor_day, started_at, paid_until FROM subscription`,
		`DROP INDEX subscription_one_live`},
	{"rewrite history", "subscription_event_is_immutable", `UPDATE subscription_event SET months = 36`,
		`DROP TRIGGER subscription_event_is_immutable ON subscription_event`},
	{"change an invoice (I13)", "invoice_is_immutable", `UPDATE invoice SET issued_at = now()`,
		`DROP TRIGGER invoice_is_immutable ON invoice`},
	{"delete an invoice (I12)", "invoice_is_immutable", `DELETE FROM invoice`,
		`DROP TRIGGER invoice_is_immutable ON invoice; ALTER TABLE invoice_vat DROP CONSTRAINT invoice_vat_invoice_id_fkey; ALTER TABLE invoice_credit DROP CONSTRAINT invoice_credit_invoice_id_fkey`},
	{"change a VAT breakdown (I14)", "invoice_vat_is_immutable", `UPDATE invoice_vat SET base_minor = base_minor, country = 'DE'`,
		`DROP TRIGGER invoice_vat_is_immutable ON invoice_vat`},
	{"take a number and issue nothing (I12)", "series_number_is_used", `UPDATE series SET next = next + 1`,
		`DROP TRIGGER series_number_is_used ON series`},
	{"skip a number (I12)", "series_steps_by_one", `UPDATE series SET next = next + 2`,
		`DROP TRIGGER series_steps_by_one ON series; DROP TRIGGER series_number_is_used ON series`},
	{"date a series back (I12)", "series_dates_never_go_back", `UPDATE series SET next = next + 1, last_issue_date = last_issue_date - 1`,
		`DROP TRIGGER series_steps_by_one ON series; DROP TRIGGER series_number_is_used ON series`},
	{"invent an invoice number (I12)", "invoice_takes_its_number", copyInvoice(`seq + 5`, `number || 'X'`, `total_minor`),
		`DROP TRIGGER invoice_takes_its_number ON invoice; DROP INDEX invoice_order_once; DROP TRIGGER invoice_adds_up ON invoice`},
	{"an invoice without its VAT (I14)", "invoice_adds_up", `UPDATE series SET next = next + 1 WHERE kind = 'invoice'; ` + copyInvoice(`seq + 1`, `number || 'X'`, `total_minor`),
		`DROP TRIGGER invoice_adds_up ON invoice`},
	{"a total that is off (I14)", "invoice_total_adds_up", `UPDATE series SET next = next + 1 WHERE kind = 'invoice'; ` + copyInvoice(`seq + 1`, `number || 'X'`, `total_minor + 1`),
		`ALTER TABLE invoice DROP CONSTRAINT invoice_total_adds_up; DROP TRIGGER invoice_adds_up ON invoice`},
	{"VAT that is not its rate (I14)", "invoice_vat_is_base_times_rate", `INSERT INTO invoice_vat SELECT invoice_id, 2, category, rate_bps, vat_row, country, base_minor, vat_minor + 1 FROM invoice_vat`,
		`ALTER TABLE invoice_vat DROP CONSTRAINT invoice_vat_is_base_times_rate; DROP TRIGGER invoice_vat_adds_up ON invoice_vat; DROP TRIGGER invoice_vat_counts ON invoice_vat`},
	{"change a settlement (I28)", "settlement_is_immutable", `UPDATE settlement SET vat_minor = 0`,
		`DROP TRIGGER settlement_is_immutable ON settlement`},
	{"change evidence (I28)", "tax_evidence_is_immutable", `UPDATE tax_evidence SET country = 'FR'`,
		`DROP TRIGGER tax_evidence_is_immutable ON tax_evidence`},
	{"change a bank invoice", "bank_invoice_is_immutable", `DELETE FROM bank_invoice`,
		`DROP TRIGGER bank_invoice_is_immutable ON bank_invoice`},
	{"change what was drawn", "document_file_is_immutable", `UPDATE document_file SET size = 1`,
		`DROP TRIGGER document_file_is_immutable ON document_file`},
	{"change a receipt", "receipt_is_immutable", `UPDATE receipt SET issued_at = now()`,
		`DROP TRIGGER receipt_is_immutable ON receipt`},
	{"delete a receipt (I12)", "receipt_is_immutable", `DELETE FROM receipt`,
		`DROP TRIGGER receipt_is_immutable ON receipt`},
	{"a second receipt of one top-up", "receipt_entry_once", `UPDATE series SET next = next + 1 WHERE kind = 'receipt'; ` + copyReceipt(`seq + 1`, `number || 'X'`, `amount_minor`, `content`),
		`ALTER TABLE receipt DROP CONSTRAINT receipt_entry_once`},
	{"invent a receipt number (I12)", "receipt_takes_its_number", copyReceipt(`seq + 5`, `number || 'X'`, `amount_minor`, `content`),
		`DROP TRIGGER receipt_takes_its_number ON receipt; ALTER TABLE receipt DROP CONSTRAINT receipt_entry_once`},
	{"a receipt of more than was booked", "receipt_is_of_its_entry", `UPDATE series SET next = next + 1 WHERE kind = 'receipt'; ` + copyReceipt(`seq + 1`, `number || 'X'`, `amount_minor + 1`, `content`),
		`DROP TRIGGER receipt_takes_its_number ON receipt; ALTER TABLE receipt DROP CONSTRAINT receipt_entry_once`},
	{"other words under a receipt's hash (I13)", "receipt_content_is_hashed", `UPDATE series SET next = next + 1 WHERE kind = 'receipt'; ` + copyReceipt(`seq + 1`, `number || 'X'`, `amount_minor`, `content || 'x'`),
		`ALTER TABLE receipt DROP CONSTRAINT receipt_content_is_hashed, DROP CONSTRAINT receipt_entry_once`},
	{"reopen a paid order", "orders_closed_stays_closed", `UPDATE orders SET state = 'canceled' WHERE state = 'paid'`,
		`DROP TRIGGER orders_keep_price ON orders`},
	{"change a payer's currency (I4)", "payer_currency_is_fixed", `UPDATE payer SET currency = 'USD'`,
		`DROP TRIGGER payer_currency_is_fixed ON payer`},
	{"change what was told (I32)", "notice_is_immutable", tellOnce + `UPDATE notice SET at = now() + interval '1 day'`,
		`DROP TRIGGER notice_is_immutable ON notice`},
	{"tell it twice (I32)", "notice_once", tellOnce + tellOnce,
		`ALTER TABLE notice DROP CONSTRAINT notice_once`},
	{"send again what was sent (I32)", "notice_delivery_stays_done", tellOnce + sendOnce + `UPDATE notice_delivery SET state = 'pending', sent_at = NULL, next_try_at = now()`,
		`DROP TRIGGER notice_delivery_stays_done ON notice_delivery`},
	{"forget what was sent (I32)", "notice_delivery_is_immutable", tellOnce + sendOnce + `DELETE FROM notice_delivery`,
		`DROP TRIGGER notice_delivery_stays ON notice_delivery`},
	{"send it to somebody twice (I32)", "notice_delivery_once", tellOnce + sendOnce + sendOnce,
		`ALTER TABLE notice_delivery DROP CONSTRAINT notice_delivery_once`},
	{"a delivery that nobody makes (I32)", "notice_delivery_is_due", tellOnce + `INSERT INTO notice_delivery (notice_id, channel, recipient) SELECT id, 'email', 'a@b.example' FROM notice`,
		`ALTER TABLE notice_delivery DROP CONSTRAINT notice_delivery_is_due`},
	{"sent, but never (I32)", "notice_delivery_is_dated", tellOnce + `INSERT INTO notice_delivery (notice_id, channel, recipient, state) SELECT id, 'email', 'a@b.example', 'sent' FROM notice`,
		`ALTER TABLE notice_delivery DROP CONSTRAINT notice_delivery_is_dated`},
	{"change the audit log (I31)", "audit_is_immutable", `UPDATE audit SET actor = 'nobody'`,
		`DROP TRIGGER audit_is_immutable ON audit`},
	{"empty the audit log (I31)", "audit_is_immutable", `DELETE FROM audit`,
		`DROP TRIGGER audit_is_immutable ON audit`},
}

// A notice, and that it was sent.
const (
	tellOnce = `INSERT INTO notice (key, kind, payer_id, order_number, facts, at) SELECT 'k', 'renewed', id, '', '{}', now() FROM payer LIMIT 1; `
	sendOnce = `INSERT INTO notice_delivery (notice_id, channel, recipient, state, sent_at) SELECT id, 'email', 'a@b.example', 'sent', now() FROM notice WHERE key = 'k'; `
)

func copyInvoice(seq, number, total string) string {
	return strings.NewReplacer("SEQ", seq, "NUMBER", number, "TOTAL", total).Replace(`
		INSERT INTO invoice (kind, series_id, seq, number, payer_id, order_id, issue_date, tax_point, currency, net_minor, vat_minor, total_minor, content, content_sha256, issued_at)
		SELECT kind, series_id, SEQ, NUMBER, payer_id, o.id, issue_date, tax_point, currency, net_minor, vat_minor, TOTAL, content, content_sha256, issued_at
		FROM invoice, LATERAL (SELECT id FROM orders ORDER BY number DESC LIMIT 1) o`)
}

func copyReceipt(seq, number, amount, content string) string {
	return strings.NewReplacer("SEQ", seq, "NUMBER", number, "AMOUNT", amount, "CONTENT", content).Replace(`
		INSERT INTO receipt (series_id, seq, number, entry_id, payer_id, issue_date, currency, amount_minor, content, content_sha256, issued_at)
		SELECT series_id, SEQ, NUMBER, entry_id, payer_id, issue_date, currency, AMOUNT, CONTENT, content_sha256, issued_at FROM receipt`)
}

func TestGuardsInTheDatabase(t *testing.T) {
	t.Parallel()
	s := paidSite(t)
	// An order without an invoice, for attempts that need one.
	jonas, _ := s.customer(7_900_000_000_401, "Jonas")
	s.order(jonas, softphone(1, false, 6))
	s.guarded(guards)
	s.clean()
}

// guarded fails unless every wall refuses what it is for; and with the wall gone
// the same attempt succeeds, so that it is this wall that the test sees.
func (s *site) guarded(walls []guard) {
	s.t.Helper()
	for _, g := range walls {
		try := func(prepare string) error {
			tx, err := s.db.Pool().Begin(s.ctx())
			s.must(err)
			defer func() { _ = tx.Rollback(context.WithoutCancel(s.ctx())) }()
			if prepare != "" {
				_, err := tx.Exec(s.ctx(), prepare)
				s.must(err)
			}
			if _, err := tx.Exec(s.ctx(), g.attempt); err != nil {
				return err
			}
			_, err = tx.Exec(s.ctx(), `SET CONSTRAINTS ALL IMMEDIATE`)
			return err
		}
		pg, refused := errors.AsType[*pgconn.PgError](try(""))
		if !refused || pg.ConstraintName != g.constraint {
			s.t.Errorf("%s: %v, want a violation of %s", g.name, pg, g.constraint)
		}
		if err := try(g.remove); err != nil {
			s.t.Errorf("%s: refused without %s too, so the test would not miss it: %v", g.name, g.constraint, err)
		}
	}
}

// What gets past the walls, the audit finds: each kind of tampering by somebody
// who can switch triggers off.
func TestTheAuditFindsTampering(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, id, tamper string }{
		{"an amount on both sides", "I2", `UPDATE ledger_posting SET amount_minor = amount_minor * 2`},
		{"an amount on one side", "I1", `UPDATE ledger_posting SET amount_minor = amount_minor + 1 WHERE line = 1`},
		{"a posting gone", "I1", `DELETE FROM ledger_posting WHERE line = 2`},
		{"the time of an entry", "I2", `UPDATE ledger_entry SET at = at - interval '1 year'`},
		{"a cached balance", "I3", `UPDATE ledger_account SET balance_minor = -100 WHERE kind = 'balance'`},
		{"a currency", "I4", `ALTER TABLE ledger_posting DROP CONSTRAINT ledger_posting_one_currency; UPDATE ledger_account SET currency = 'USD' WHERE kind = 'balance'`},
		{"an entry of the bank gone", "I5", `UPDATE bank_entry SET amount_minor = amount_minor + 1`},
		{"an order marked paid", "I6", `UPDATE orders SET state = 'paid', closed_at = now(), subscription_id = (SELECT id FROM subscription LIMIT 1) WHERE state = 'awaiting_payment'`},
		{"a paid order marked open", "I6", `UPDATE orders SET state = 'awaiting_payment', closed_at = NULL WHERE state = 'paid'`},
		{"an invoice gone", "I12", `DELETE FROM invoice_credit; DELETE FROM invoice_vat; DELETE FROM invoice`},
		{"a counter ahead", "I12", `UPDATE series SET next = 99`},
		{"an invoice's total", "I13", `UPDATE invoice SET net_minor = net_minor + 100, total_minor = total_minor + 100`},
		{"an invoice's words", "I13", `UPDATE invoice SET content = content || ' ', content_sha256 = sha256(content || ' '), number = 'SIP-2026-000009'`},
		{"an invoice's buyer, with its hash", "I13", `UPDATE invoice SET issued_at = issued_at - interval '2 hours',
			content = replace(convert_from(content, 'UTF8'), 'Vilnius', 'Kaunas')::bytea, content_sha256 = sha256(replace(convert_from(content, 'UTF8'), 'Vilnius', 'Kaunas')::bytea)`},
		{"a receipt gone", "I12", `DELETE FROM receipt`},
		{"a receipt's amount", "I13", `UPDATE receipt SET amount_minor = amount_minor + 100`},
		{"a receipt's payer, with its hash", "I13", `UPDATE receipt SET issued_at = issued_at - interval '2 hours',
			content = replace(convert_from(content, 'UTF8'), 'Vilnius', 'Kaunas')::bytea, content_sha256 = sha256(replace(convert_from(content, 'UTF8'), 'Vilnius', 'Kaunas')::bytea)`},
		{"a top-up without a receipt", "-", `DELETE FROM receipt; DELETE FROM series WHERE kind = 'receipt'; UPDATE ledger_entry SET at = at - interval '2 hours'`},
		{"a VAT amount", "I14", `UPDATE invoice_vat SET base_minor = 0, vat_minor = 0`},
		{"paid until", "I20", `UPDATE subscription SET paid_until = paid_until + interval '1 year'`},
		{"a period superseded by nothing", "I20", `UPDATE subscription_period SET superseded_at = now()`},
		{"reverse charge on nothing", "I28", `UPDATE settlement SET treatment = jsonb_set(treatment, '{Row}', '"R4"')`},
		{"an entry called ignored", "I26", `UPDATE bank_entry SET outcome = 'ignored', order_id = NULL, payer_id = NULL`},
		{"the audit log", "I31", `DELETE FROM audit WHERE action LIKE 'order.paid' OR action LIKE 'bank.%'`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := paidSite(t)
			jonas, _ := s.customer(7_900_000_000_401, "Jonas")
			s.order(jonas, softphone(1, false, 6))
			s.tampered(tt.id, tt.tamper, "ledger_entry", "ledger_posting", "invoice", "invoice_vat", "invoice_credit", "receipt", "series", "orders", "subscription", "bank_entry", "settlement", "audit")
		})
	}
}

// tampered changes rows as somebody can who may switch the guards of their tables
// off, and expects a line of the audit, by its id or title, to find it.
func (s *site) tampered(line, change string, tables ...string) {
	s.t.Helper()
	tx, err := s.db.Pool().Begin(s.ctx())
	s.must(err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(s.ctx())) }()
	for _, table := range tables {
		s.must(discard(tx.Exec(s.ctx(), `ALTER TABLE `+table+` DISABLE TRIGGER USER`)))
	}
	s.must(discard(tx.Exec(s.ctx(), change)))
	s.must(tx.Commit(s.ctx()))
	lines, clean, err := s.Audit(s.ctx())
	s.must(err)
	if clean || !broken(lines, line) {
		s.t.Errorf("not found by %q: %v", line, lines)
	}
}

func broken(lines []app.AuditLine, line string) bool {
	return slices.ContainsFunc(lines, func(l app.AuditLine) bool { return (l.ID == line || l.Title == line) && l.Broken > 0 })
}
