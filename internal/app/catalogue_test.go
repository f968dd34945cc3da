package app_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/ledger"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/provider/sandbox"
	"github.com/siptg/portal/internal/store"
)

// Every rule that the database keeps is seen by a test: taken away, what it
// refuses succeeds. A rule is in one of these lists:
//
//   - guards, paymentGuards, refundGuards, correctionGuards, suspenseGuards, moreGuards: an attempt of its own for each;
//   - rowRules: a CHECK that one UPDATE breaks, whatever triggers stand before it;
//   - twins: a unique rule that refuses a copy of a row;
//   - foreign keys: all of them, tried by TestForeignKeys without a list;
//   - needNone: rules whose loss could not hurt, each with its reason.
//
// TestEveryRuleIsTried reads the schema and fails for a rule that is in none.

// rowRule is a CHECK and what breaks it.
type rowRule struct{ constraint, table, set string }

// rowRules are tried with the table's own triggers off, for most of these rows
// never change.
var rowRules = []rowRule{
	// Money.
	{"ledger_account_check", "ledger_account", `payer_id = NULL WHERE id = (SELECT id FROM ledger_account WHERE kind = 'balance' LIMIT 1)`},
	{"ledger_account_credit_limit_minor_check", "ledger_account", `credit_limit_minor = -1, balance_minor = least(balance_minor, -1)`},
	{"ledger_posting_amount_minor_check", "ledger_posting", `amount_minor = 0`},
	{"bank_entry_amount_minor_check", "bank_entry", `amount_minor = -1`},
	{"bank_entry_matched_once", "bank_entry", `order_id = NULL, payer_id = NULL`},
	{"bank_entry_return_is_noted", "bank_entry", `return_sent_id = (SELECT id FROM suspense_decision LIMIT 1) WHERE id = (SELECT id FROM bank_entry WHERE credit LIMIT 1)`},
	{"suspense_decision_not_ours_by_two", "suspense_decision", `kind = 'not_ours' WHERE kind = 'return' AND NOT needs_two AND state = 'to_send'`},
	{"bank_entry_means_while_in_suspense", "bank_entry", `meant_order_id = order_id WHERE order_id IS NOT NULL`},
	{"suspense_decision_amount_minor_check", "suspense_decision", `amount_minor = 0`},
	{"suspense_decision_reason_check", "suspense_decision", `reason = ''`},
	{"suspense_decision_two_are_two", "suspense_decision", `second_by = first_by`},
	{"suspense_decision_second_eyes", "suspense_decision", `needs_two = true, second_by = NULL WHERE state = 'done' AND first_by IS NOT NULL`},
	{"suspense_decision_names_its_target", "suspense_decision", `payer_id = NULL WHERE kind = 'balance'`},
	{"suspense_decision_return_is_sent_by_somebody", "suspense_decision", `sent_by = first_by WHERE kind = 'balance' AND state = 'done'`},
	{"suspense_decision_refused_by_somebody", "suspense_decision", `refused_by = first_by WHERE state = 'done'`},
	{"suspense_decision_closed_when_decided", "suspense_decision", `decided_at = NULL WHERE state = 'done'`},
	{"suspense_decision_program_asks_nobody", "suspense_decision", `first_by = NULL WHERE state = 'proposed'`},
	{"statement_upload_entries_check", "statement_upload", `entries = -1`},
	{"statement_upload_is_its_hash", "statement_upload", `content = content || ' '`},
	{"statement_upload_asked_by_somebody", "statement_upload", `asked_by = NULL WHERE asked_by IS NOT NULL`},
	{"statement_upload_done_when_asked", "statement_upload", `asked_by = NULL, asked_at = NULL WHERE done_at IS NOT NULL`},
	{"statement_upload_done_says_what", "statement_upload", `result = NULL WHERE done_at IS NOT NULL`},
	{"orders_net_adds_up", "orders", `net_minor = net_minor + 1, total_minor = total_minor + 1`},
	{"orders_total_adds_up", "orders", `total_minor = total_minor + 1`},
	{"orders_net_minor_check", "orders", `net_minor = 0, discount_minor = monthly_minor * months, total_minor = vat_minor`},
	{"orders_discount_minor_check", "orders", `discount_minor = -1, net_minor = monthly_minor * months + 1, total_minor = monthly_minor * months + 1 + vat_minor`},
	{"orders_vat_minor_check", "orders", `vat_minor = -1, total_minor = net_minor - 1`},
	{"orders_check", "orders", `closed_at = CASE WHEN closed_at IS NULL THEN now() END`},
	{"orders_check1", "orders", `subscription_id = NULL`},
	{"settlement_shortfall_minor_check", "settlement", `shortfall_minor = -1`},
	{"settlement_vat_minor_check", "settlement", `vat_minor = -1`},
	{"payment_check", "payment", `tolerated_minor = amount_minor`},
	{"payment_disputed_minor_check", "payment", `disputed_minor = -1`},
	{"payment_attempt_no_check", "payment", `attempt_no = 0`},
	{"refund_amount_minor_check", "refund", `amount_minor = 0`},
	{"refund_payout_is_of_a_credit_note", "refund", `credit_note_id = NULL WHERE provider = 'bank'`},
	{"refund_payout_is_sent_by_people", "refund", `attempt_no = 2 WHERE provider = 'bank'`},
	{"refund_payout_is_ended_by_somebody", "refund", `ended_by = NULL WHERE provider = 'bank' AND state = 'succeeded'`},
	{"refund_payout_failure_says_why", "refund", `failure = '' WHERE provider = 'bank' AND state = 'failed'`},
	{"dispute_amount_minor_check", "dispute", `amount_minor = 0`},
	{"payer_fixed_currency_named", "payer", `currency = ''`},
	{"vat_check_keeps_the_answer", "vat_check", `payer_id = (SELECT id FROM payer LIMIT 1)`},
	{"renewal_period_no_check", "renewal", `period_no = 1`},

	// What was bought.
	{"subscription_check", "subscription", `paid_until = started_at`},
	{"subscription_anchor_day_check", "subscription", `anchor_day = 32`},
	{"subscription_period_during_check", "subscription_period", `during = 'empty'`},
	{"subscription_period_number_check", "subscription_period", `number = -number`},
	{"subscription_period_change_check", "subscription_period", `change = -1 WHERE superseded_at IS NULL`},

	// Documents.
	{"bank_invoice_check", "bank_invoice", `content = content || ' '`},
	{"invoice_check", "invoice", `content = content || ' '`},
	{"invoice_check1", "invoice", `issue_date = tax_point - 1`},
	{"invoice_net_minor_check", "invoice", `net_minor = -1, total_minor = vat_minor - 1`},
	{"invoice_vat_minor_check", "invoice", `vat_minor = -1, total_minor = net_minor - 1`},
	{"invoice_seq_check", "invoice", `seq = -seq`},
	{"invoice_replaces_as_invoice", "invoice", `replaces_id = corrects_id WHERE kind = 'credit_note' AND NOT EXISTS (SELECT FROM invoice r WHERE r.replaces_id = invoice.corrects_id)`},
	{"receipt_amount_minor_check", "receipt", `amount_minor = 0`},
	{"receipt_seq_check", "receipt", `seq = -seq`},
	{"invoice_vat_check", "invoice_vat", `rate_bps = NULL, vat_minor = 0, base_minor = 0`},
	{"invoice_vat_check1", "invoice_vat", `category = 'AE'`},
	{"series_next_check", "series", `next = 0`},

	// What people ask for.
	{"refund_request_check", "refund_request", `first_at = CASE WHEN first_at IS NULL THEN now() END WHERE state = 'requested'`},
	{"refund_request_check1", "refund_request", `rejected_by = asked_by WHERE state = 'requested'`},
	{"refund_request_days_check", "refund_request", `days = 0`},
	{"refund_request_net_minor_check", "refund_request", `net_minor = 0, total_minor = vat_minor`},
	{"refund_request_vat_minor_check", "refund_request", `vat_minor = -1, total_minor = net_minor - 1`},
	{"refund_request_credited_minor_check", "refund_request", `credited_minor = 0, method_minor = 0 WHERE state = 'done'`},
	{"refund_request_method_minor_check", "refund_request", `method_minor = -1 WHERE state = 'done'`},

	{"correction_request_first_is_dated", "correction_request", `first_at = CASE WHEN first_at IS NULL THEN now() END WHERE state = 'requested'`},
	{"correction_request_rejected_by_somebody", "correction_request", `rejected_by = asked_by WHERE state = 'requested'`},
	{"correction_request_net_minor_check", "correction_request", `net_minor = 0`},
	{"correction_request_old_vat_minor_check", "correction_request", `old_vat_minor = -1`},
	{"correction_request_new_vat_minor_check", "correction_request", `new_vat_minor = -1`},

	// Access, and what people agreed to.
	{"login_state_return_to_check", "login_state", `return_to = 'https://evil.example/'`},
	{"login_state_state_hash_check", "login_state", `state_hash = 'short'`},
	{"session_token_hash_check", "session", `token_hash = 'short' WHERE id = (SELECT id FROM session LIMIT 1)`},
	{"auth_nonce_digest_check", "auth_nonce", `digest = 'short' WHERE digest = (SELECT digest FROM auth_nonce LIMIT 1)`},
	{"app_key_key_check", "app_key", `key = 'short'`},
	{"account_telegram_id_check", "account", `telegram_id = -telegram_id`},
	{"member_role_check", "member", `role = 'admin'`},
	{"account_one_identity", "account", `email = 'ona@example.lt' WHERE id = (SELECT id FROM account WHERE email IS NULL LIMIT 1)`},
	{"account_email_is_plain", "account", `email = 'Ona@example.lt' WHERE email IS NOT NULL`},
	{"invitation_email_is_plain", "invitation", `email = 'Ona@example.lt' WHERE id = (SELECT id FROM invitation LIMIT 1)`},
	{"invitation_is_closed", "invitation", `closed_at = CASE WHEN closed_at IS NULL THEN now() END`},
	{"sign_in_link_email_is_plain", "sign_in_link", `email = 'Ona@example.lt'`},
	{"sign_in_link_browser_hash_check", "sign_in_link", `browser_hash = 'short'`},
	{"sign_in_link_token_hash_check", "sign_in_link", `token_hash = 'short'`},
	{"sign_in_link_return_to_check", "sign_in_link", `return_to = 'https://evil.example/'`},
	{"recipient_email_is_plain", "recipient", `email = 'Ona@example.lt' WHERE id = (SELECT id FROM recipient LIMIT 1)`},
	{"recipient_gets_a_file", "recipient", `pdf = false, xml = false`},
	{"mail_is_due", "mail", `next_try_at = CASE WHEN state <> 'pending' THEN now() END`},
	{"mail_is_dated", "mail", `sent_at = CASE WHEN state <> 'sent' THEN now() END`},
	{"consent_check", "consent", `revoked_at = given_at - interval '1 second'`},
	{"consent_months_check", "consent", `months = 0`},

	// The stop of charging.
	{"api_key_revoked_by_somebody", "api_key", `revoked_at = now()`},
	{"charging_halt_lifted_by_somebody", "charging_halt", `lifted_at = now()`},
}

// twin is a unique rule and the second row that it refuses: a copy of a row with
// other values in what has to differ anyway.
type twin struct{ constraint, table, but string }

const (
	anotherID    = `'id', gen_random_uuid()`
	anotherOrder = `'order_id', (SELECT id FROM orders WHERE state = 'awaiting_payment' LIMIT 1)`
	anotherEntry = `'entry_id', (SELECT max(id) FROM ledger_entry)`
	anotherHash  = `'\x' || repeat('ab', 32)`
)

// twins are tried with the table's own triggers off.
var twins = []twin{
	{"account_telegram_id_key", "account", anotherID},
	{"account_email_once", "account", anotherID + `, 'telegram_id', NULL, 'email', 'books@example.lt'`},
	{"invitation_one_open", "invitation", anotherID + `, 'state', 'pending', 'closed_at', NULL, 'email', 'open@example.lt'`},
	{"recipient_once", "recipient", anotherID},
	{"sign_in_link_token_once", "sign_in_link", anotherID},
	{"mail_document_once", "mail", anotherID},
	{"session_id_key", "session", `'token_hash', ` + anotherHash},
	{"bank_statement_once", "bank_statement", anotherID},
	{"ledger_account_once", "ledger_account", `'id', 99`},
	{"orders_number_key", "orders", anotherID + `, 'reference', 'RF00X', 'quote_sha256', ` + anotherHash},
	{"orders_reference_key", "orders", anotherID + `, 'number', 'X', 'quote_sha256', ` + anotherHash},
	{"orders_quote_once", "orders", anotherID + `, 'number', 'X', 'reference', 'RF00X'`},
	{"payer_reference_once", "payer_reference", `'payer_id', (SELECT p.id FROM payer p WHERE p.id <> r.payer_id LIMIT 1)`},
	{"invoice_number_key", "invoice", anotherID + `, 'seq', 999, ` + anotherOrder},
	{"invoice_number_once", "invoice", anotherID + `, 'number', 'X', ` + anotherOrder},
	{"invoice_order_once", "invoice", anotherID + `, 'seq', 999, 'number', 'X'`},
	{"receipt_number_key", "receipt", anotherID + `, 'seq', 999, ` + anotherEntry},
	{"receipt_number_once", "receipt", anotherID + `, 'number', 'X', ` + anotherEntry},
	{"series_once", "series", `'id', 99, 'prefix', 'X'`},
	{"series_prefix_year_key", "series", `'id', 99, 'kind', 'credit_note'`},
	{"subscription_period_bought_once", "subscription_period", `'number', 99, 'superseded_at', now()`},
	{"notice_once", "notice", anotherID},
	{"statement_upload_once", "statement_upload", anotherID},
	{"charging_halt_once", "charging_halt", anotherID},
	{"api_key_once", "api_key", anotherID + `, 'form', gen_random_uuid()`},
	{"api_key_form_once", "api_key", anotherID + `, 'key_sha256', ` + anotherHash},
}

// moreGuards are around what is not in the other lists.
var moreGuards = []guard{
	{"delete a bank entry (I25)", "bank_entry_is_immutable", `DELETE FROM bank_entry b WHERE NOT EXISTS (SELECT FROM suspense_decision d WHERE b.id IN (d.bank_entry_id, d.against_id))`,
		`DROP TRIGGER bank_entry_stays ON bank_entry; ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_bank_entry_id_fkey`},
	{"delete a number series (I12)", "series_is_immutable", `DELETE FROM series`,
		`DROP TRIGGER series_stays ON series; ALTER TABLE invoice DROP CONSTRAINT invoice_series_id_fkey; ALTER TABLE receipt DROP CONSTRAINT receipt_series_id_fkey`},
	{"give a reference to another payer (I26)", "payer_reference_is_immutable", `UPDATE payer_reference SET created_at = now()`,
		`DROP TRIGGER payer_reference_is_immutable ON payer_reference`},
	{"change an order's price (I17)", "orders_price_never_changes",
		`UPDATE orders SET discount_minor = 1, net_minor = monthly_minor * months - 1, total_minor = monthly_minor * months - 1 + vat_minor WHERE state = 'awaiting_payment'`,
		`DROP TRIGGER orders_keep_price ON orders`},
	{"change a proof (I28)", "vat_check_is_immutable", `UPDATE vat_check SET result = 'invalid'`, `DROP TRIGGER vat_check_is_immutable ON vat_check`},
	{"delete a proof (I28)", "vat_check_is_immutable", `DELETE FROM vat_check`,
		`DROP TRIGGER vat_check_is_immutable ON vat_check; ALTER TABLE settlement_answer DROP CONSTRAINT settlement_answer_vat_check_id_fkey;
		 ALTER TABLE invoice_proof DROP CONSTRAINT invoice_proof_vat_check_id_fkey`},
	{"forget a register's answer (I28)", "settlement_answer_is_immutable", `DELETE FROM settlement_answer`,
		`DROP TRIGGER settlement_answer_is_immutable ON settlement_answer`},
	{"reverse charge without a proof (I28)", "settlement_has_its_proof", `INSERT INTO settlement (order_id, tax_point, treatment, buyer, net_minor, vat_minor, shortfall_minor, settled_at)
		SELECT id, current_date, '{"Row": "R4"}', '{"VATNumber": "DE136695976", "Name": "X"}', 1, 0, 0, now() FROM orders WHERE state = 'awaiting_payment' LIMIT 1`,
		`DROP TRIGGER settlement_has_its_proof ON settlement`},
	{"rewrite what was told (I32)", "notice_is_immutable", `UPDATE notice SET facts = '{"a": 1}'`, `DROP TRIGGER notice_is_immutable ON notice`},
	{"rewrite what an accountant looked at", "document_view_is_append_only", `UPDATE document_view SET number = 'x'`,
		`DROP TRIGGER document_view_is_append_only ON document_view`},
	{"delete what an accountant looked at", "document_view_is_append_only", `DELETE FROM document_view`,
		`DROP TRIGGER document_view_is_append_only ON document_view`},
	{"somebody by e-mail who may buy", "member_by_email_reads", `UPDATE member SET role = 'billing' WHERE account_id IN (SELECT id FROM account WHERE telegram_id IS NULL)`,
		`DROP TRIGGER member_by_email_reads ON member`},
	{"use a sign-in link twice", "sign_in_link_once", `UPDATE sign_in_link SET used_at = now(); UPDATE sign_in_link SET used_at = NULL`,
		`DROP TRIGGER sign_in_link_once ON sign_in_link`},
	{"give a sign-in link more time", "sign_in_link_once", `UPDATE sign_in_link SET expires_at = expires_at + interval '1 hour'`,
		`DROP TRIGGER sign_in_link_once ON sign_in_link`},
	{"give a sign-in link to another browser", "sign_in_link_once", `UPDATE sign_in_link SET browser_hash = sha256('x')`,
		`DROP TRIGGER sign_in_link_once ON sign_in_link`},
	{"send what is sent again", "mail_stays_done", `UPDATE mail SET state = 'pending', next_try_at = now(), sent_at = NULL`,
		`DROP TRIGGER mail_stays_done ON mail`},
	{"another recipient for a mail", "mail_stays_done", `UPDATE mail SET recipient = 'thief@example.com'`, `DROP TRIGGER mail_stays_done ON mail`},
	{"delete a mail", "mail_stays_done", `DELETE FROM mail`, `DROP TRIGGER mail_stays_done ON mail`},
	{"a document to who has not confirmed", "mail_only_to_confirmed",
		`UPDATE recipient SET confirmed_at = NULL; INSERT INTO mail (kind, recipient, payer_id, recipient_id, next_try_at, created_at) SELECT 'document', email, payer_id, id, now(), now() FROM recipient LIMIT 1`,
		`DROP TRIGGER mail_only_to_confirmed ON mail`},
	{"rewrite what the audit found", "audit_run_is_immutable", `UPDATE audit_run SET clean = true`,
		`DROP TRIGGER audit_run_is_immutable ON audit_run`},
	{"more of a stranger's money returned than came", "stray_payment_returns_what_came",
		`INSERT INTO stray_payment VALUES ('sandbox', 'acct', 'pay_1', 'x', 'EUR', 1, 2, now(), now())`,
		`ALTER TABLE stray_payment DROP CONSTRAINT stray_payment_returns_what_came`},
	{"delete a halt", "charging_halt_is_only_lifted", `DELETE FROM charging_halt`,
		`DROP TRIGGER charging_halt_is_only_lifted ON charging_halt`},
	{"another reason for a halt", "charging_halt_is_only_lifted", `UPDATE charging_halt SET detail = ''`,
		`DROP TRIGGER charging_halt_is_only_lifted ON charging_halt`},
	{"give a key another payer", "api_key_only_ends", `UPDATE api_key SET payer_id = (SELECT p.id FROM payer p WHERE p.id <> payer_id LIMIT 1)`,
		`DROP TRIGGER api_key_only_ends ON api_key`},
	{"use a key after its end", "api_key_only_ends", `UPDATE api_key SET revoked_at = now(), revoked_by = made_by; UPDATE api_key SET revoked_at = NULL, revoked_by = NULL`,
		`DROP TRIGGER api_key_only_ends ON api_key`},
	{"delete a key", "api_key_only_ends", `DELETE FROM api_key`, `DROP TRIGGER api_key_only_ends ON api_key`},
	{"lift a halt twice", "charging_halt_is_only_lifted", `UPDATE charging_halt SET lifted_at = now(), lifted_by = 'a'; UPDATE charging_halt SET lifted_by = 'b'`,
		`DROP TRIGGER charging_halt_is_only_lifted ON charging_halt`},
}

// needNone are the rules whose loss no test sees, by the reason why that is so.
var needNone = map[string]string{
	"the value of an enumeration: what is none cannot be read back as one": `
		bank_entry_outcome_check dispute_state_check document_file_format_check invoice_kind_check invoice_vat_category_check
		ledger_account_kind_check ledger_entry_kind_check orders_kind_check orders_method_check orders_plan_check orders_state_check
		orders_months_check payer_kind_check payment_initiator_check payment_payable_kind_check payment_state_check
		payment_event_outcome_check payment_event_source_check refund_state_check renewal_state_check series_kind_check
		subscription_plan_check subscription_state_check subscription_event_kind_check tax_evidence_kind_check vat_check_result_check
		webhook_inbox_state_check notice_delivery_channel_check notice_delivery_state_check refund_request_state_check refund_request_target_check
		correction_request_state_check staff_member_role_check invitation_state_check mail_kind_check mail_state_check
		suspense_decision_kind_check suspense_decision_state_check`,
	"the form of a code or the length of a hash, made and checked by the program": `
		bank_entry_currency_check dispute_currency_check invoice_currency_check receipt_currency_check ledger_account_currency_check orders_currency_check
		payment_currency_check refund_currency_check subscription_currency_check payer_currency_check payer_country_check
		api_key_key_sha256_check api_key_ending_check orders_reference_check payer_reference_reference_check orders_quote_sha256_check bank_statement_file_sha256_check
		consent_text_sha256_check document_file_content_sha256_check document_file_file_sha256_check ledger_entry_hash_check
		webhook_inbox_body_sha256_check dispute_provider_ref_check payment_provider_ref_check payment_method_provider_ref_check
		refund_provider_ref_check refund_request_currency_check correction_request_currency_check notice_key_check notice_kind_check
		notice_delivery_recipient_check mail_recipient_check document_view_kind_check document_view_format_check`,
	"the length of a text that people type: forms refuse it with a message": `
		api_key_name_check account_first_name_check account_last_name_check account_username_check payer_city_check payer_company_code_check payer_email_check
		payer_name_check payer_po_reference_check payer_postcode_check payer_street_check payer_vat_number_check`,
	"a count that only grows, or a quantity that the price book bounds": `
		payment_checks_check payment_declines_check refund_attempt_no_check refund_checks_check renewal_tries_check webhook_inbox_attempts_check notice_delivery_attempts_check mail_attempts_check mail_round_check
		payment_event_seq_check ledger_posting_line_check invoice_vat_line_check document_file_size_check demo_clock_offset_seconds_check
		orders_accounts_check orders_extra_accounts_check orders_lines_check subscription_accounts_check
		subscription_extra_accounts_check subscription_lines_check subscription_months_check audit_run_takes_time`,
	"follows from others: a net price above 0 with a discount of 0 or more; 0 <= tolerated < amount; 0 <= asked <= received": `
		orders_monthly_minor_check payment_amount_minor_check payment_received_minor_check`,
	"of a counter that only programs before migration 0023 use":                                 `order_number_next_check`,
	"the demo's clock is one row":                                                               `demo_clock_only_row_check`,
	"names the pair that ledger_posting_one_currency refers to; the id alone is unique already": `ledger_account_id_currency_key`,
	"keeps a figure and refuses nothing; TestTheCachedBalanceIsKept misses it":                  `ledger_keep_balance`,
	"writes mails and refuses nothing; TestDocumentsAreMailed misses each":                      `invoice_is_mailed receipt_is_mailed bank_invoice_is_mailed`,
	"fill in what lists are searched by, and refuse nothing; TestDocuments misses them":         `invoice_words receipt_words bank_invoice_words`,
}

// everything is a site with a row in every table of the portal's.
func everything(t *testing.T) *till {
	t.Helper()
	s := newTill(t)
	_, subscription, method := s.subscriber(7_900_000_004_000, sandbox.CardOK)
	id, orderID, err := s.ChargeSaved(s.ctx(), subscription, method)
	s.must(err)
	s.must(s.SendPayment(s.ctx(), id))
	s.must(s.IssueInvoice(s.ctx(), orderID))
	jonas, payer, p := s.toppedUp(7_900_000_004_001, 50_00)
	refund := s.askRefund(p, 20_00, "R-1")
	if r := s.sendRefund(p, refund, 20_00); r.Outcome != payment.OutcomeSucceeded {
		t.Fatalf("refund: %+v", r)
	}
	s.must(s.Chargeback(string(p.ID), 10_00, payment.DisputeOpen))
	s.webhooks()
	s.must(s.PrepareTopUp(s.ctx(), jonas, payer))
	s.must(s.IssueReceipts(s.ctx()))
	rasa, _ := s.customer(7_900_000_004_002, "Rasa")
	s.pay(s.order(rasa, softphone(2, true, 6)))
	list := must(s.Invoices(s.ctx(), rasa, app.InvoiceFilter{}))
	s.must(discard(s.InvoiceFile(s.ctx(), rasa, list.Items[0].Number)))
	s.order(rasa, pricing.Selection{Plan: pricing.Gateway, Options: pricing.Options{Lines: 1}, Period: 6})
	s.must(s.ConfirmVATNumber(s.ctx(), "DE136695976", true, "vies", "", audit.ByCommand("test")))
	s.must(discard(s.BeginSignIn(s.ctx(), "", "/plans")))
	s.must(s.IssuePending(s.ctx()))
	s.clock.Set(time.Date(2028, 2, 1, 9, 30, 0, 0, time.UTC)) // the series of credit notes is of another year
	s.moneyBack()
	s.corrections()
	s.bankSide()
	s.must(s.HaltCharging(s.ctx(), "test", byOperator))
	keys := must(s.APIKeys(s.ctx(), rasa, ""))
	s.must(discard(s.MakeAPIKey(s.ctx(), rasa, keys.Payer.ID, "Accounts", keys.Form)))
	s.must(discard(s.RunAudit(s.ctx())))
	s.exec(`INSERT INTO notice (key, kind, payer_id, order_number, facts, at) SELECT 'k', 'k', id, '', '{}', now() FROM payer LIMIT 1`)
	s.exec(`INSERT INTO account (email, first_name, last_name, username, created_at, signed_in_at) VALUES ('books@example.lt', '', '', '', now(), now())`)
	s.exec(`INSERT INTO member (payer_id, account_id, role, added_at) SELECT p.id, a.id, 'accountant', now() FROM payer p, account a WHERE a.email IS NOT NULL LIMIT 1`)
	s.exec(`INSERT INTO document_view (payer_id, account_id, kind, number, format, at) SELECT payer_id, account_id, 'invoice', 'x', 'pdf', now() FROM member LIMIT 1`)
	s.exec(`INSERT INTO invitation (payer_id, email, invited_by, invited_at, expires_at) SELECT payer_id, 'open@example.lt', account_id, now(), now() FROM member LIMIT 1`)
	s.exec(`INSERT INTO sign_in_link (email, browser_hash, token_hash, return_to, asked_at, expires_at) VALUES ('books@example.lt', sha256('b'), sha256('t'), '/', now(), now())`)
	s.exec(`INSERT INTO recipient (payer_id, email, added_by, added_at, confirm_until, confirmed_at) SELECT payer_id, 'books@example.lt', account_id, now(), now(), now() FROM member LIMIT 1`)
	s.exec(`INSERT INTO mail (kind, recipient, payer_id, link_id, invitation_id, recipient_id, document_number, state, sent_at, created_at)
		SELECT 'document', r.email, r.payer_id, l.id, i.id, r.id, 'x', 'sent', now(), now() FROM recipient r, sign_in_link l, invitation i`)
	s.exec(`INSERT INTO mail (kind, recipient, payer_id, next_try_at, created_at) SELECT 'confirmation', email, payer_id, now(), now() FROM recipient`)
	s.exec(`INSERT INTO payer_customer (payer_id, account_id, added_at) SELECT payer_id, account_id, added_at FROM member LIMIT 1`)
	s.exec(`INSERT INTO settlement_answer SELECT order_id, (SELECT min(id) FROM vat_check), now() FROM settlement LIMIT 1`)
	s.exec(`INSERT INTO vat_inquiry (payer_id, vat_number, began_at) SELECT id, 'DE136695976', now() FROM payer LIMIT 1`)
	s.exec(`INSERT INTO demo_clock (offset_seconds) VALUES (1) ON CONFLICT DO NOTHING`)
	return s
}

func (s *site) exec(sql string) {
	s.t.Helper()
	if _, err := s.db.Pool().Exec(s.ctx(), sql); err != nil {
		s.t.Fatalf("%s: %v", sql, err)
	}
}

// try does what steps say in a transaction that is rolled back, and returns what
// the last of them is refused for: by the name of the constraint.
func (s *site) try(steps ...string) (refused string) {
	s.t.Helper()
	tx, err := s.db.Pool().Begin(s.ctx())
	s.must(err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(s.ctx())) }()
	for i, step := range append(steps, `SET CONSTRAINTS ALL IMMEDIATE`) {
		if _, err := tx.Exec(s.ctx(), step); err != nil {
			pg, ok := errors.AsType[*pgconn.PgError](err)
			if !ok || i < len(steps)-1 || pg.ConstraintName == "" {
				s.t.Errorf("%s: %v", step, err)
				return "an error"
			}
			return pg.ConstraintName
		}
	}
	return ""
}

func TestRowRules(t *testing.T) {
	t.Parallel()
	s := everything(t)
	for _, r := range rowRules {
		off, update := `ALTER TABLE `+r.table+` DISABLE TRIGGER USER`, `UPDATE `+r.table+` SET `+r.set
		if got := s.try(off, update); got != r.constraint {
			t.Errorf("%s: refused for %q", r.constraint, got)
		}
		if got := s.try(off, `ALTER TABLE `+r.table+` DROP CONSTRAINT `+r.constraint, update); got != "" {
			t.Errorf("%s: refused for %s too, so the test would not miss it", r.constraint, got)
		}
	}
}

func TestTwins(t *testing.T) {
	t.Parallel()
	s := everything(t)
	for _, w := range twins {
		off := `ALTER TABLE ` + w.table + ` DISABLE TRIGGER USER`
		insert := `INSERT INTO ` + w.table + ` OVERRIDING SYSTEM VALUE
			SELECT (jsonb_populate_record(r, jsonb_build_object(` + w.but + `))).* FROM ` + w.table + ` r LIMIT 1`
		if got := s.try(off, insert); got != w.constraint {
			t.Errorf("%s: refused for %q", w.constraint, got)
		}
		gone := `ALTER TABLE ` + w.table + ` DROP CONSTRAINT IF EXISTS ` + w.constraint + `; DROP INDEX IF EXISTS ` + w.constraint
		if got := s.try(off, gone, insert); got != "" {
			t.Errorf("%s: refused for %s too, so the test would not miss it", w.constraint, got)
		}
	}
}

// What refers to something refers to something that exists. Each foreign key is
// tried alone: the other rules of its table are switched off.
func TestForeignKeys(t *testing.T) {
	t.Parallel()
	s := everything(t)
	type key struct{ Table, Name, Column, Type string }
	keys, err := pgx.CollectRows(must(s.db.Pool().Query(s.ctx(), `
		SELECT c.relname::text AS "table", k.conname::text AS name, a.attname::text AS "column", format_type(a.atttypid, NULL) AS type
		FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
		WHERE k.contype = 'f' AND c.relnamespace = 'public'::regnamespace AND c.relname !~ '^river_' ORDER BY 1, 2`)), pgx.RowToStructByName[key])
	s.must(err)
	if len(keys) < 40 {
		t.Errorf("only %d foreign keys were found", len(keys))
	}
	for _, k := range keys {
		if s.count(`SELECT count(*) FROM `+k.Table) == 0 {
			t.Errorf("%s has no row to try %s with: have everything() of this file make one", k.Table, k.Name)
			continue
		}
		nobody := `'00000000-0000-4000-8000-000000000000'`
		if k.Type == "bigint" {
			nobody = `-1`
		}
		alone := fmt.Sprintf(`DO $$ DECLARE k record; BEGIN
			ALTER TABLE %[1]s DISABLE TRIGGER USER;
			FOR k IN SELECT conname FROM pg_constraint WHERE conrelid = '%[1]s'::regclass AND contype = 'c' LOOP
				EXECUTE format('ALTER TABLE %[1]s DROP CONSTRAINT %%I', k.conname);
			END LOOP; END $$`, k.Table)
		update := fmt.Sprintf(`UPDATE %[1]s SET %[2]s = %[3]s WHERE ctid = (SELECT ctid FROM %[1]s LIMIT 1)`, k.Table, k.Column, nobody)
		if got := s.try(alone, update); got != k.Name {
			t.Errorf("%s of %s: refused for %q", k.Name, k.Table, got)
		}
		if got := s.try(alone, `ALTER TABLE `+k.Table+` DROP CONSTRAINT `+k.Name, update); got != "" {
			t.Errorf("%s: refused for %s too, so the test would not miss it", k.Name, got)
		}
	}
}

func TestMoreGuards(t *testing.T) {
	t.Parallel()
	everything(t).guarded(moreGuards)
}

// Without its trigger the cached balance is not kept, and the audit says so.
func TestTheCachedBalanceIsKept(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	_, payer, p := s.toppedUp(7_900_000_004_010, 50_00)
	rollback := errors.New("roll back")
	err := s.db.Update(s.ctx(), func(tx *store.Tx) error {
		if _, err := tx.PGX().Exec(s.ctx(), `DROP TRIGGER ledger_keep_balance ON ledger_posting; DROP INDEX ledger_entry_payment_once`); err != nil {
			return err
		}
		if err := tx.AppendEntry(s.ctx(), ledger.Captured(payer, money.Of(1_00, "EUR"), string(p.ID), tx.Now())); err != nil {
			return err
		}
		checks, err := tx.Checks(s.ctx())
		if !slices.ContainsFunc(checks, func(c store.Check) bool { return c.ID == "I3" && c.Broken == 1 }) {
			t.Errorf("the audit does not see it: %v", checks)
		}
		return errors.Join(err, rollback)
	})
	if !errors.Is(err, rollback) {
		t.Error(err)
	}
}

var word = regexp.MustCompile(`\w+`)

// No rule is left out: every check, unique rule, exclusion and trigger of the
// migrated schema is tried by some test, or says why not.
func TestEveryRuleIsTried(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	tried := map[string]bool{}
	for _, g := range slices.Concat(guards, paymentGuards, refundGuards, correctionGuards, suspenseGuards, moreGuards) {
		for _, name := range word.FindAllString(g.remove, -1) {
			tried[name] = true
		}
	}
	for _, r := range rowRules {
		tried[r.constraint] = true
	}
	for _, w := range twins {
		tried[w.constraint] = true
	}
	excused := map[string]bool{}
	for _, names := range needNone {
		for name := range strings.FieldsSeq(names) {
			excused[name] = true
		}
	}
	type rule struct{ Table, Name, Definition string }
	rules, err := pgx.CollectRows(must(s.db.Pool().Query(s.ctx(), `
		WITH tables AS (SELECT oid, relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname !~ '^(river|goose)_') -- not ours
		SELECT t.relname::text AS "table", k.conname::text AS name, pg_get_constraintdef(k.oid) AS definition
		FROM tables t JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype IN ('c', 'u', 'x')
		UNION ALL SELECT t.relname::text, i.relname::text, pg_get_indexdef(i.oid)
		FROM tables t JOIN pg_index x ON x.indrelid = t.oid AND x.indisunique AND NOT x.indisprimary JOIN pg_class i ON i.oid = x.indexrelid
		WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.oid AND k.contype IN ('u', 'x'))
		UNION ALL SELECT t.relname::text, g.tgname::text, pg_get_triggerdef(g.oid)
		FROM tables t JOIN pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal
		ORDER BY 1, 2`)), pgx.RowToStructByName[rule])
	s.must(err)
	for _, r := range rules {
		switch {
		case tried[r.Name] && excused[r.Name]:
			t.Errorf("%s is tried: take it out of needNone", r.Name)
		case !tried[r.Name] && !excused[r.Name]:
			t.Errorf(`no test misses %s of %s: %s
	If an UPDATE of one row breaks it, add {%q, %q, "column = value"} to rowRules in catalogue_test.go.
	If it refuses a copy of a row, add {name, table, what differs anyway} to twins there.
	Otherwise add to guards, paymentGuards, refundGuards, correctionGuards, suspenseGuards or moreGuards what it is for, the name it is refused under, an attempt, and how it is taken away.
	If its loss could not hurt, put its name into needNone with the reason.`, r.Name, r.Table, r.Definition, r.Name, r.Table)
		}
		delete(excused, r.Name)
	}
	for name := range excused {
		t.Errorf("needNone has %s, which is no rule of the schema", name)
	}
	// A trigger may keep several rules, each refused under its own name.
	refused := map[string]bool{}
	for _, g := range slices.Concat(guards, paymentGuards, refundGuards, correctionGuards, suspenseGuards, moreGuards) {
		refused[g.constraint] = true
	}
	names, err := pgx.CollectRows(must(s.db.Pool().Query(s.ctx(), `
		SELECT DISTINCT m[1] FROM pg_proc p, regexp_matches(p.prosrc, 'CONSTRAINT = ''([a-z_]+)''', 'g') m
		WHERE p.pronamespace = 'public'::regnamespace AND p.prorettype = 'trigger'::regtype`)), pgx.RowTo[string])
	s.must(err)
	for _, name := range names {
		if !refused[name] {
			t.Errorf("no test is refused under %s, which a trigger raises: add a line to guards, paymentGuards, refundGuards, correctionGuards, suspenseGuards or moreGuards", name)
		}
	}
	if len(names) < 10 {
		t.Errorf("only %d names of triggers were found", len(names))
	}
	if len(rules) < 200 {
		t.Errorf("only %d rules were found", len(rules))
	}
}
