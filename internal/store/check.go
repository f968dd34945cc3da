package store

import (
	"context"
	"crypto/sha256"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/ledger"
	"github.com/siptg/portal/internal/money"
)

// Check is one money invariant as a pair of counts: how many things were looked
// at, and how many of them break it.
type Check struct {
	ID     string // of the list of invariants, "I12"
	Title  string
	Looked int64
	Broken int64
	// Doubtful is what a person looks at though it may be right: the books are not
	// wrong for it.
	Doubtful int64 `json:",omitempty"`
}

const checkBalancedSQL = `
SELECT count(*) AS looked,
       count(*) FILTER (WHERE postings < 2 OR unbalanced) AS broken
FROM (SELECT e.id, (SELECT count(*) FROM ledger_posting p WHERE p.entry_id = e.id) AS postings,
             EXISTS (SELECT FROM ledger_posting p WHERE p.entry_id = e.id GROUP BY p.currency HAVING sum(p.amount_minor) <> 0) AS unbalanced
      FROM ledger_entry e) entry`

const checkBalancesSQL = `
SELECT count(*) AS looked,
       count(*) FILTER (WHERE a.balance_minor <> COALESCE((SELECT sum(p.amount_minor) FROM ledger_posting p WHERE p.account_id = a.id), 0)) AS broken
FROM ledger_account a WHERE a.kind = 'balance'`

const checkCurrencySQL = `
SELECT count(*) AS looked,
       count(*) FILTER (WHERE p.currency <> a.currency OR (a.payer_id IS NOT NULL AND r.currency_fixed AND r.currency <> a.currency)) AS broken
FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id LEFT JOIN payer r ON r.id = a.payer_id`

const checkAppliedOnceSQL = `
SELECT count(*) AS looked,
       count(*) FILTER (WHERE (SELECT count(*) FROM ledger_entry e
                               JOIN ledger_posting p ON p.entry_id = e.id
                               JOIN ledger_account a ON a.id = p.account_id AND a.kind = 'bank'
                               WHERE e.bank_entry_id = b.id AND p.amount_minor = CASE WHEN b.credit THEN b.amount_minor ELSE -b.amount_minor END) <> 1) AS broken
FROM bank_entry b WHERE b.outcome IN ('matched', 'suspense')`

// What a payment received is booked once: on the payment itself, or, where it
// came after its end, on a payment of its own that names it as its parent.
const checkCapturedSQL = `
SELECT count(*) AS looked,
       count(*) FILTER (WHERE p.state IN ('succeeded', 'failed', 'canceled', 'expired')
                              AND p.received_minor <> (SELECT COALESCE(sum(l.amount_minor), 0) FROM payment c
                                                       JOIN ledger_entry e ON e.payment_id = c.id AND e.kind = 'captured'
                                                       JOIN ledger_posting l ON l.entry_id = e.id
                                                       JOIN ledger_account a ON a.id = l.account_id AND a.kind = 'provider'
                                                       WHERE c.id = p.id OR c.parent_id = p.id)
                           OR p.state NOT IN ('succeeded', 'failed', 'canceled', 'expired')
                              AND EXISTS (SELECT FROM ledger_entry e WHERE e.payment_id = p.id)
                           OR p.state = 'succeeded' AND p.received_minor < p.amount_minor - p.tolerated_minor
                           OR EXISTS (SELECT FROM ledger_entry e JOIN ledger_posting l ON l.entry_id = e.id
                                      JOIN ledger_account a ON a.id = l.account_id AND a.kind = 'balance'
                                      WHERE e.payment_id = p.id AND (a.payer_id <> p.payer_id OR a.currency <> p.currency))) AS broken
FROM payment p WHERE p.parent_id IS NULL AND p.provider NOT IN ('bank', 'balance')`

// A bank entry that was matched, at once or by a decision, is one payment, which
// received its amount.
const checkTransfersSQL = `
SELECT count(*) AS looked,
       count(*) FILTER (WHERE (SELECT count(*) FROM payment p WHERE p.provider = 'bank' AND p.provider_account = b.iban AND p.provider_ref = b.key) <> 1
                           OR NOT EXISTS (SELECT FROM payment p
                                          WHERE p.provider = 'bank' AND p.provider_account = b.iban AND p.provider_ref = b.key AND p.state = 'succeeded'
                                            AND p.received_minor = b.amount_minor AND p.currency = b.currency
                                            AND p.payer_id = COALESCE(b.payer_id, d.payer_id, (SELECT o.payer_id FROM orders o WHERE o.id = b.order_id)))) AS broken
FROM bank_entry b
LEFT JOIN suspense_decision d ON d.bank_entry_id = b.id AND d.state = 'done' AND d.kind IN ('order', 'balance')
WHERE b.outcome = 'matched' OR d.id IS NOT NULL`

// Behind a paid order is a payment that succeeded, for it or for the period that
// it bought; or a top-up, where another payment of it was on its way: a transfer,
// or money that came late.
const checkPaymentBehindSQL = `
SELECT count(*) AS looked,
       count(*) FILTER (WHERE NOT EXISTS (SELECT FROM payment p WHERE p.state = 'succeeded' AND p.order_id = o.id)
                          AND NOT EXISTS (SELECT FROM payment p WHERE p.state = 'succeeded' AND p.payable_kind = 'renewal' AND p.payable_id = r.id)
                          AND NOT EXISTS (SELECT FROM payment p JOIN payment late ON late.parent_id = p.id AND late.state = 'succeeded' WHERE p.order_id = o.id)
                          AND NOT EXISTS (SELECT FROM bank_entry b
                                          JOIN payment p ON p.provider = 'bank' AND p.provider_account = b.iban AND p.provider_ref = b.key AND p.payable_kind = 'topup'
                                          LEFT JOIN suspense_decision d ON d.bank_entry_id = b.id AND d.state = 'done'
                                          WHERE o.id IN (b.order_id, d.order_id))) AS broken
FROM orders o
LEFT JOIN subscription_period s ON s.order_id = o.id AND s.change = 0
LEFT JOIN renewal r ON r.subscription_id = s.subscription_id AND r.period_no = s.number
WHERE o.state = 'paid'`

// A sale without VAT to a business in another member state.
const checkProofsSQL = `
SELECT count(*) AS looked, count(*) FILTER (WHERE NOT proven) AS broken
FROM (SELECT EXISTS (SELECT FROM vat_check c JOIN orders o ON o.id = s.order_id
                     WHERE c.vat_number = s.buyer ->> 'VATNumber' AND c.result = 'valid'
                       AND (c.payer_id IS NULL OR c.payer_id = o.payer_id)
                       AND c.checked_at <= s.settled_at AND c.checked_at >= s.settled_at - interval '720 hours'
                       AND c.id = COALESCE(s.vat_check_id, c.id)) AS proven
      FROM settlement s WHERE s.treatment ->> 'Row' = 'R4'
      UNION ALL
      SELECT EXISTS (SELECT FROM invoice_proof p JOIN vat_check c ON c.id = p.vat_check_id
                     WHERE p.invoice_id = i.id AND c.vat_number = convert_from(i.content, 'UTF8')::jsonb #>> '{buyer,vat_number}' AND c.result = 'valid'
                       AND (c.payer_id IS NULL OR c.payer_id = i.payer_id) AND c.checked_at <= i.issued_at)
      FROM invoice i JOIN invoice_vat v ON v.invoice_id = i.id
      WHERE i.replaces_id IS NOT NULL AND v.vat_row = 'R4') reverse`

const checkOneLiveSQL = `
SELECT count(*) AS looked, count(*) FILTER (WHERE n > 1) AS broken
FROM (SELECT count(*) AS n FROM payment WHERE state NOT IN ('failed', 'canceled', 'expired') GROUP BY payable_kind, payable_id) q`

const checkPaidOnceSQL = `
SELECT count(*) AS looked,
       count(*) FILTER (WHERE (SELECT count(*) FROM ledger_entry e WHERE e.order_id = o.id AND e.kind = 'order_paid') <> 1
                           OR (SELECT count(*) FROM subscription_period p WHERE p.order_id = o.id AND (p.superseded_at IS NULL OR p.taken_back)) <> 1
                           OR NOT EXISTS (SELECT FROM settlement s WHERE s.order_id = o.id AND s.net_minor = o.net_minor)) AS broken
FROM orders o WHERE o.state = 'paid'`

const checkUnpaidSQL = `
SELECT count(*) AS looked,
       count(*) FILTER (WHERE EXISTS (SELECT FROM ledger_entry e WHERE e.order_id = o.id)
                           OR EXISTS (SELECT FROM subscription_period p WHERE p.order_id = o.id)
                           OR EXISTS (SELECT FROM invoice i WHERE i.order_id = o.id)) AS broken
FROM orders o WHERE o.state <> 'paid'`

// Refunds and chargebacks stay within what was captured, on the payment and in the
// ledger, and the payment counts what was asked for. A dispute that was opened
// while a refund was on its way leaves both until the provider refuses one. From
// balances no more is taken than disputes were lost about.
const checkReturnedSQL = `
SELECT count(*) AS looked,
       count(*) FILTER (WHERE p.refunded_minor + p.disputed_minor > p.received_minor
                           OR p.asked_minor > p.received_minor OR p.asked_minor <> r.asked
                           OR l.sent + l.disputed > p.received_minor OR l.sent > p.asked_minor OR l.disputed <> d.withdrawn
                           OR l.taken > d.lost OR p.provider = 'bank' AND p.refunded_minor <> l.sent) AS broken
FROM payment p
CROSS JOIN LATERAL (SELECT COALESCE(sum(amount_minor) FILTER (WHERE state <> 'failed'), 0) AS asked FROM refund WHERE payment_id = p.id) r
CROSS JOIN LATERAL (SELECT COALESCE(sum(amount_minor) FILTER (WHERE state <> 'won'), 0) AS withdrawn,
                           COALESCE(sum(amount_minor) FILTER (WHERE state = 'lost'), 0) AS lost FROM dispute WHERE payment_id = p.id) d
CROSS JOIN LATERAL (SELECT COALESCE(-sum(g.amount_minor) FILTER (WHERE e.refund_id IS NOT NULL AND a.kind IN ('provider', 'bank')), 0) AS sent,
                           COALESCE(-sum(g.amount_minor) FILTER (WHERE e.dispute_id IS NOT NULL AND a.kind = 'provider'), 0) AS disputed,
                           COALESCE(sum(g.amount_minor) FILTER (WHERE e.kind = 'dispute_taken' AND a.kind = 'balance'), 0) AS taken
                    FROM ledger_entry e
                    JOIN ledger_posting g ON g.entry_id = e.id
                    JOIN ledger_account a ON a.id = g.account_id
                    WHERE e.refund_id IN (SELECT id FROM refund WHERE payment_id = p.id)
                       OR e.dispute_id IN (SELECT id FROM dispute WHERE payment_id = p.id)) l`

// What a refund asked for left the balance; it was sent, came back, or is on its
// way: never twice. A payout leaves from the bank, everything else from a provider.
const checkRefundsSQL = `
SELECT count(*) AS looked,
       count(*) FILTER (WHERE l.asked NOT IN (0, r.amount_minor) OR r.provider = 'bank' AND l.asked = 0
                           OR l.moved <> CASE r.state WHEN 'succeeded' THEN r.amount_minor ELSE 0 END
                           OR l.open <> CASE r.state WHEN 'succeeded' THEN l.asked - r.amount_minor WHEN 'failed' THEN 0 ELSE l.asked END) AS broken
FROM refund r
CROSS JOIN LATERAL (SELECT COALESCE(-sum(g.amount_minor) FILTER (WHERE e.kind = 'refund_asked' AND a.kind = 'refunds'), 0) AS asked,
                           COALESCE(-sum(g.amount_minor) FILTER (WHERE a.kind = CASE r.provider WHEN 'bank' THEN 'bank' ELSE 'provider' END), 0) AS moved,
                           COALESCE(-sum(g.amount_minor) FILTER (WHERE a.kind = 'refunds'), 0) AS open
                    FROM ledger_entry e
                    JOIN ledger_posting g ON g.entry_id = e.id
                    JOIN ledger_account a ON a.id = g.account_id
                    WHERE e.refund_id = r.id) l`

const checkLimitSQL = `
SELECT count(*) AS looked, count(*) FILTER (WHERE balance_minor > credit_limit_minor) AS broken
FROM ledger_account WHERE kind = 'balance'`

const checkGaplessSQL = `
SELECT count(*) AS looked,
       count(*) FILTER (WHERE s.next - 1 <> n.numbers OR n.numbers <> n.last OR n.backwards > 0) AS broken
FROM series s CROSS JOIN LATERAL (
    SELECT count(*) AS numbers, COALESCE(max(i.seq), 0) AS last,
           count(*) FILTER (WHERE i.issue_date < i.before) AS backwards
    FROM (SELECT v.seq, v.issue_date, lag(v.issue_date) OVER (ORDER BY v.seq) AS before
          FROM (SELECT seq, issue_date FROM invoice WHERE series_id = s.id
                UNION ALL SELECT seq, issue_date FROM receipt WHERE series_id = s.id) v) i) n`

const checkFrozenSQL = `
SELECT count(*) AS looked,
       count(*) FILTER (WHERE sha256(i.content) <> i.content_sha256 OR d.number <> i.number OR d.net <> i.net_minor
                           OR d.vat_total <> i.vat_minor OR d.total <> i.total_minor OR d.currency <> i.currency OR d.issue_date <> i.issue_date
                           OR i.issued_at < @now::timestamptz - interval '1 hour' -- content and hash replaced together: nothing was drawn from it
                              AND NOT EXISTS (SELECT FROM document_file f WHERE f.content_sha256 = i.content_sha256)) AS broken
FROM invoice i
CROSS JOIN LATERAL (SELECT j->>'number', (j->>'net')::bigint, (j->>'vat_total')::bigint, (j->>'total')::bigint, j->>'currency', (j->>'issue_date')::date
                    FROM (SELECT convert_from(i.content, 'UTF8')::jsonb AS j) c) AS d(number, net, vat_total, total, currency, issue_date)`

const checkReceiptsSQL = `
SELECT count(*) AS looked,
       count(*) FILTER (WHERE sha256(r.content) <> r.content_sha256 OR d.number <> r.number OR d.total <> r.amount_minor OR d.currency <> r.currency
                           OR d.issue_date <> r.issue_date
                           OR r.issued_at < @now::timestamptz - interval '1 hour' -- content and hash replaced together: nothing was drawn from it
                              AND NOT EXISTS (SELECT FROM document_file f WHERE f.content_sha256 = r.content_sha256)
                           OR NOT EXISTS (SELECT FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id
                                          WHERE p.entry_id = r.entry_id AND a.kind = 'balance' AND a.payer_id = r.payer_id
                                            AND p.currency = r.currency AND p.amount_minor = -r.amount_minor)) AS broken
FROM receipt r
CROSS JOIN LATERAL (SELECT j->>'number', (j->>'total')::bigint, j->>'currency', (j->>'issue_date')::date
                    FROM (SELECT convert_from(r.content, 'UTF8')::jsonb AS j) c) AS d(number, total, currency, issue_date)`

const checkAddsUpSQL = `
SELECT count(*) AS looked,
       count(*) FILTER (WHERE i.total_minor <> i.net_minor + i.vat_minor OR v.base IS DISTINCT FROM i.net_minor OR v.vat IS DISTINCT FROM i.vat_minor) AS broken
FROM invoice i LEFT JOIN LATERAL (SELECT sum(base_minor) AS base, sum(vat_minor) AS vat FROM invoice_vat WHERE invoice_id = i.id) v ON true`

// The credit notes of an invoice stay within it, per rate; the counters say what
// the documents say; and each is booked once, as it stands.
const checkNotesSQL = `
SELECT count(*) AS looked,
       count(*) FILTER (WHERE c.invoice_id IS NULL OR c.base_minor <> v.base_before_minor + v.base_minor OR c.vat_minor <> v.vat_before_minor + v.vat_minor
                           OR n.base > v.base_minor OR n.vat > v.vat_minor
                           OR v.base_before_minor + n.base <> c.credited_base_minor OR v.vat_before_minor + n.vat <> c.credited_vat_minor) AS broken
FROM invoice i
JOIN invoice_vat v ON v.invoice_id = i.id
LEFT JOIN invoice_credit c ON c.invoice_id = v.invoice_id AND c.line = v.line
CROSS JOIN LATERAL (SELECT COALESCE(sum(w.base_minor), 0) AS base, COALESCE(sum(w.vat_minor), 0) AS vat
                    FROM invoice x JOIN invoice_vat w ON w.invoice_id = x.id
                    WHERE x.corrects_id = i.id AND w.category = v.category AND w.rate_bps IS NOT DISTINCT FROM v.rate_bps AND w.country = v.country) n
WHERE i.kind = 'invoice'`

const checkNotesBookedSQL = `
SELECT count(*) AS looked,
       count(*) FILTER (WHERE l.entries <> 1 OR l.revenue <> n.net_minor OR l.vat <> n.vat_minor OR l.others > 0
                           OR i.payer_id IS DISTINCT FROM n.payer_id OR i.order_id IS DISTINCT FROM n.order_id OR i.kind IS DISTINCT FROM 'invoice') AS broken
FROM invoice n
LEFT JOIN invoice i ON i.id = n.corrects_id
CROSS JOIN LATERAL (SELECT count(DISTINCT e.id) FILTER (WHERE e.kind IN ('credited', 'corrected')) AS entries,
                           COALESCE(sum(g.amount_minor) FILTER (WHERE a.kind = 'revenue' AND g.amount_minor > 0), 0) AS revenue,
                           COALESCE(sum(g.amount_minor) FILTER (WHERE a.kind = 'vat' AND g.amount_minor > 0), 0) AS vat,
                           count(*) FILTER (WHERE a.kind = 'balance' AND a.payer_id <> n.payer_id) AS others
                    FROM ledger_entry e
                    JOIN ledger_posting g ON g.entry_id = e.id
                    JOIN ledger_account a ON a.id = g.account_id
                    WHERE e.credit_note_id = n.id) l
WHERE n.kind = 'credit_note'`

// What replaces an invoice is of what one credit note credited of it, which left
// nothing, and is booked with that in one entry, which moves the difference of
// the VAT on the payer's balance and nothing else. No such entry is without it.
const checkReplacedSQL = `
SELECT count(*) AS looked,
       count(*) FILTER (WHERE r.id IS NULL OR n.id IS NULL OR i.kind <> 'invoice' OR i.payer_id <> r.payer_id OR i.order_id <> r.order_id
                           OR i.currency <> r.currency OR i.tax_point <> r.tax_point OR n.net_minor <> r.net_minor
                           OR EXISTS (SELECT FROM invoice_credit c WHERE c.invoice_id = i.id AND (c.credited_base_minor, c.credited_vat_minor) <> (c.base_minor, c.vat_minor))
                           OR n.revenue <> r.net_minor OR n.vat <> r.vat_minor OR n.moved <> r.vat_minor - n.vat_minor
                           OR (SELECT count(*) FROM invoice x WHERE x.replaces_id = r.replaces_id) <> 1) AS broken
FROM (SELECT x.id, x.replaces_id, x.payer_id, x.order_id, x.currency, x.tax_point, x.net_minor, x.vat_minor FROM invoice x WHERE x.replaces_id IS NOT NULL) r
FULL JOIN (SELECT x.id, x.corrects_id, x.net_minor, x.vat_minor,
                  COALESCE(-sum(g.amount_minor) FILTER (WHERE a.kind = 'revenue' AND g.amount_minor < 0), 0) AS revenue,
                  COALESCE(-sum(g.amount_minor) FILTER (WHERE a.kind = 'vat' AND g.amount_minor < 0), 0) AS vat,
                  COALESCE(sum(g.amount_minor) FILTER (WHERE a.kind IN ('balance', 'write_off')), 0) AS moved
           FROM ledger_entry e
           JOIN invoice x ON x.id = e.credit_note_id
           JOIN ledger_posting g ON g.entry_id = e.id
           JOIN ledger_account a ON a.id = g.account_id
           WHERE e.kind = 'corrected' GROUP BY x.id) n ON n.corrects_id = r.replaces_id
LEFT JOIN invoice i ON i.id = r.replaces_id`

// What was taken back leaves a gap in the numbers where the subscription went on
// afterwards.
const checkPeriodsSQL = `
SELECT count(*) AS looked,
       count(*) FILTER (WHERE p.n > 0 AND (p.overlaps > 0 OR p.n + (SELECT count(*) FROM subscription_period g
                                             WHERE g.subscription_id = s.id AND g.taken_back AND g.number < p.last) <> p.last OR p.until <> s.paid_until)) AS broken
FROM subscription s CROSS JOIN LATERAL (
    SELECT count(*) AS n, COALESCE(max(number), 0) AS last, max(upper(during)) AS until,
           count(*) FILTER (WHERE starts < before_ends) AS overlaps
    FROM (SELECT number, during, lower(during) AS starts, lag(upper(during)) OVER (ORDER BY number) AS before_ends
          FROM subscription_period WHERE subscription_id = s.id AND superseded_at IS NULL) q) p`

// What a change replaced is in the past of the change, and its successor says so:
// each number has its changes one after the other, all but the last superseded,
// and that one too where the period was taken back.
const checkSupersededSQL = `
SELECT count(*) AS looked,
       count(*) FILTER (WHERE (p.superseded_at IS NULL OR p.taken_back) <> (p.change = (SELECT max(q.change) FROM subscription_period q
                                                              WHERE q.subscription_id = p.subscription_id AND q.number = p.number))) AS broken
FROM subscription_period p`

const checkBookedOnceSQL = `
SELECT count(*) AS looked, count(*) - count(DISTINCT key) AS broken FROM bank_entry`

const checkOutcomeSQL = `
SELECT count(*) AS looked,
       count(*) FILTER (WHERE b.outcome = 'ignored'
                           OR b.outcome = 'matched' AND b.payer_id IS NULL AND NOT EXISTS (SELECT FROM orders o WHERE o.id = b.order_id AND o.state = 'paid')
                           OR b.payer_id IS NOT NULL AND NOT EXISTS (SELECT FROM ledger_entry e
                                          JOIN ledger_posting p ON p.entry_id = e.id AND p.amount_minor = -b.amount_minor
                                          JOIN ledger_account a ON a.id = p.account_id AND a.kind = 'balance' AND a.payer_id = b.payer_id
                                          WHERE e.bank_entry_id = b.id)
                           OR NOT EXISTS (SELECT FROM ledger_entry e WHERE e.bank_entry_id = b.id
                                          AND e.kind = CASE b.outcome WHEN 'matched' THEN 'bank_received' ELSE 'bank_suspense' END)) AS broken
FROM bank_entry b WHERE b.credit AND b.amount_minor > 0`

// What stands on the account is what came and was not decided; what the bank took
// back and nobody decided is owed to it.
const checkSuspenseSQL = `
SELECT (SELECT count(*) FROM bank_entry WHERE outcome = 'suspense') AS looked,
       count(*) FILTER (WHERE l.minor <> w.minor) AS broken
FROM (SELECT DISTINCT currency FROM ledger_account WHERE kind = 'suspense') c
CROSS JOIN LATERAL (SELECT COALESCE(-sum(p.amount_minor), 0) AS minor FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id
                    WHERE a.kind = 'suspense' AND a.currency = c.currency) l
CROSS JOIN LATERAL (SELECT COALESCE(sum(CASE WHEN b.credit THEN b.amount_minor ELSE -b.amount_minor END), 0) AS minor FROM bank_entry b
                    WHERE b.outcome = 'suspense' AND b.currency = c.currency
                      AND NOT EXISTS (SELECT FROM suspense_decision d WHERE d.bank_entry_id = b.id AND d.state = 'done')) w`

const checkAuditedSQL = `
SELECT count(*) AS looked,
       count(*) FILTER (WHERE NOT EXISTS (
           SELECT FROM audit a WHERE a.actor <> ''
              AND (a.object_kind = 'bank_entry' AND a.object_id = e.bank_entry_id::text
                OR a.object_kind = 'order' AND a.action = 'order.paid' AND a.object_id = e.order_id::text AND e.kind <> 'change_credit'
                OR a.object_kind = 'payment' AND a.action = 'payment.captured' AND a.object_id = e.payment_id::text
                OR a.object_kind = 'refund' AND a.object_id = e.refund_id::text
                   AND a.action = CASE e.kind WHEN 'refund_asked' THEN 'refund.requested' WHEN 'refund_sent' THEN 'refund.succeeded' ELSE 'refund.failed' END
                OR a.object_kind = 'credit_note' AND a.action = 'credit_note.issued' AND a.object_id = e.credit_note_id::text
                OR a.object_kind = 'suspense_decision' AND a.action = 'suspense.done' AND a.object_id = e.suspense_decision_id::text
                OR a.object_kind = 'dispute' AND a.object_id = e.dispute_id::text
                OR a.object_kind = 'subscription' AND a.action = 'subscription.changed' AND e.kind = 'change_credit'
                   AND a.object_id = (SELECT o.subscription_id::text FROM orders o WHERE o.id = e.order_id)))) AS broken
FROM ledger_entry e`

const checkInvoicedSQL = `
SELECT count(*) AS looked,
       count(*) FILTER (WHERE NOT EXISTS (SELECT FROM invoice i WHERE i.order_id = o.id AND i.kind = 'invoice')
                          AND o.closed_at < @now::timestamptz - interval '1 hour') AS broken
FROM orders o WHERE o.state = 'paid'`

const checkReceivedSQL = `
SELECT count(*) AS looked,
       count(*) FILTER (WHERE NOT EXISTS (SELECT FROM receipt r WHERE r.entry_id = e.id)
                          AND e.at < @now::timestamptz - interval '1 hour') AS broken
FROM ledger_entry e
LEFT JOIN bank_entry b ON b.id = e.bank_entry_id
LEFT JOIN payment y ON y.id = e.payment_id
LEFT JOIN suspense_decision d ON d.id = e.suspense_decision_id
WHERE e.kind = 'bank_received' AND b.payer_id IS NOT NULL OR e.kind = 'suspense_matched' AND d.kind = 'balance' OR e.kind = 'captured' AND y.payable_kind = 'topup'`

// A statement begins with the balance that the one before it ended with. Else a
// statement is missing, or one of the two was not written by the bank.
const checkContinuousSQL = `
SELECT count(*) AS looked,
       count(*) FILTER (WHERE EXISTS (
           SELECT FROM bank_statement p
           WHERE p.iban = s.iban AND p.currency = s.currency AND p.from_date < s.from_date AND p.closing_minor <> s.opening_minor
             AND p.to_date = (SELECT max(q.to_date) FROM bank_statement q
                              WHERE q.iban = s.iban AND q.currency = s.currency AND q.to_date <= s.from_date AND q.from_date < s.from_date))) AS broken
FROM bank_statement s`

// doubts is the check whose findings are Doubtful.
const doubts = "bank statements begin where the one before ended"

// checks are the invariants that one statement each can judge.
var checks = []struct{ id, title, sql string }{
	{"I1", "ledger entries balance", checkBalancedSQL},
	{"I3", "cached balances equal their postings", checkBalancesSQL},
	{"I4", "one account, one currency", checkCurrencySQL},
	{"I5", "bank entries are applied exactly once", checkAppliedOnceSQL},
	{"I5", "captured payments are applied exactly once", checkCapturedSQL},
	{"I26", "matched bank entries are one payment each", checkTransfersSQL},
	{"I29", "paid orders have a payment behind them, or a top-up", checkPaymentBehindSQL},
	{"I6", "payables have one live payment at most", checkOneLiveSQL},
	{"I6", "paid orders are paid, granted and settled exactly once", checkPaidOnceSQL},
	{"I6", "unpaid orders have moved nothing", checkUnpaidSQL},
	{"I9", "refunds and chargebacks stay within what was captured", checkReturnedSQL},
	{"I10", "refunds leave the balance and the provider once", checkRefundsSQL},
	{"I11", "balances keep their credit limit", checkLimitSQL},
	{"I12", "number series have no gap, no duplicate, no date going back", checkGaplessSQL},
	{"I13", "issued documents are as they were issued", checkFrozenSQL},
	{"I13", "receipts are as they were issued, of what was booked", checkReceiptsSQL},
	{"I14", "documents add up to the cent", checkAddsUpSQL},
	{"I16", "credit notes stay within their invoice, per rate", checkNotesSQL},
	{"I16", "credit notes are booked once, as they stand", checkNotesBookedSQL},
	{"I16", "corrected invoices are replaced once, by what was credited", checkReplacedSQL},
	{"I20", "periods touch, never overlap, and end at paid_until", checkPeriodsSQL},
	{"I20", "of each period the last change is in force", checkSupersededSQL},
	{"I25", "bank entries are booked once", checkBookedOnceSQL},
	{"I26", "bank money is matched or in suspense", checkOutcomeSQL},
	{"I28", "reverse charge stands on a valid answer of a register", checkProofsSQL},
	{"I26", "money in suspense is what came and was not decided", checkSuspenseSQL},
	{"I31", "every movement of money has an audit row", checkAuditedSQL},
	{"-", doubts, checkContinuousSQL},
	{"-", "paid orders have an invoice within the hour", checkInvoicedSQL},
	{"-", "top-ups have a receipt within the hour", checkReceivedSQL},
}

// Checks counts the things that every money invariant speaks of, and those that
// break it.
func (tx *Tx) Checks(ctx context.Context) ([]Check, error) {
	// An audit reads everything; the limits of page queries do not fit it.
	if _, err := tx.tx.Exec(ctx, `SET LOCAL statement_timeout = '10min'`); err != nil {
		return nil, err
	}
	var out []Check
	for _, c := range checks {
		row, err := one[struct{ Looked, Broken int64 }](ctx, tx, c.title, c.sql, pgx.NamedArgs{"now": tx.now})
		if err != nil {
			return nil, err
		}
		check := Check{ID: c.id, Title: c.title, Looked: row.Looked, Broken: row.Broken}
		if c.title == doubts {
			check.Broken, check.Doubtful = 0, row.Broken
		}
		out = append(out, check)
		if c.id == "I1" {
			sealed, err := tx.checkHashes(ctx)
			if err != nil {
				return nil, err
			}
			out = append(out, sealed)
		}
	}
	return out, nil
}

const ledgerRowsSQL = `
SELECT e.id, e.kind, e.at, COALESCE(e.order_id::text, '') AS order_id, COALESCE(e.bank_entry_id::text, '') AS bank_entry_id,
       COALESCE(e.payment_id::text, '') AS payment_id, COALESCE(e.refund_id::text, '') AS refund_id,
       COALESCE(e.dispute_id::text, '') AS dispute_id, COALESCE(e.credit_note_id::text, '') AS credit_note_id,
       COALESCE(e.suspense_decision_id::text, '') AS decision_id, e.hash,
       COALESCE(a.kind, '') AS account_kind, COALESCE(a.payer_id::text, '') AS payer_id, COALESCE(p.currency, '') AS currency,
       COALESCE(p.amount_minor, 0) AS amount_minor
FROM ledger_entry e
LEFT JOIN ledger_posting p ON p.entry_id = e.id
LEFT JOIN ledger_account a ON a.id = p.account_id
ORDER BY e.id, p.line`

// checkHashes computes the seal of every ledger entry again (I2).
func (tx *Tx) checkHashes(ctx context.Context) (Check, error) {
	c := Check{ID: "I2", Title: "ledger rows are as they were written"}
	rows, err := tx.tx.Query(ctx, ledgerRowsSQL)
	if err != nil {
		return c, err
	}
	var (
		entry, head ledger.Entry // head is what the row at hand says of its entry
		id          int64
		sum         []byte
	)
	judge := func() {
		if id == 0 {
			return
		}
		c.Looked++
		if want := entry.Hash(); [sha256.Size]byte(sum) != want {
			c.Broken++
		}
	}
	var row struct {
		ID          int64
		Hash        []byte
		AccountKind string
		PayerID     string
		Currency    string
		AmountMinor int64
	}
	_, err = pgx.ForEachRow(rows, []any{
		&row.ID, &head.Kind, &head.At, &head.OrderID, &head.BankEntryID, &head.PaymentID, &head.RefundID, &head.DisputeID, &head.CreditNoteID, &head.DecisionID,
		&row.Hash, &row.AccountKind, &row.PayerID, &row.Currency, &row.AmountMinor,
	}, func() error {
		if row.ID != id {
			judge()
			id, sum = row.ID, row.Hash
			entry = head
		}
		entry.Postings = append(entry.Postings, ledger.Posting{
			Account: ledger.Account{Kind: ledger.AccountKind(row.AccountKind), Payer: account.PayerID(row.PayerID), Currency: money.Currency(row.Currency)},
			Amount:  money.Amount(row.AmountMinor),
		})
		return nil
	})
	judge()
	return c, err
}
