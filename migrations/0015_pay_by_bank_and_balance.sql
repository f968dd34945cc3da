-- +goose Up

-- Bank entries and the balance are payments like any other
-- (docs/adr/0018-bank-and-balance-are-payments.md). What was settled before is
-- written down the same way.

-- The renewal that each later period was.
INSERT INTO renewal (subscription_id, period_no, state, created_at)
SELECT p.subscription_id, p.number, 'paid', lower(p.during)
FROM subscription_period p WHERE p.number > 1 AND p.change = 0
ON CONFLICT ON CONSTRAINT renewal_once DO NOTHING;

-- What an order's money was for: the renewal, else the order.
CREATE TEMPORARY TABLE paid_order ON COMMIT DROP AS
SELECT o.id AS order_id, o.payer_id, o.currency, s.net_minor + s.vat_minor AS due_minor, s.settled_at,
       CASE WHEN r.id IS NULL THEN 'order' ELSE 'renewal' END AS payable_kind, COALESCE(r.id, o.id) AS payable_id
FROM orders o
JOIN settlement s ON s.order_id = o.id
LEFT JOIN subscription_period p ON p.order_id = o.id AND p.change = 0
LEFT JOIN renewal r ON r.subscription_id = p.subscription_id AND r.period_no = p.number
WHERE o.state = 'paid' AND s.net_minor + s.vat_minor > 0;

-- Entries that paid an order whose money came by no other payment.
INSERT INTO payment (payer_id, payable_kind, payable_id, order_id, provider, provider_account, provider_ref, initiator, currency, amount_minor,
                     may_underpay, tolerated_minor, received_minor, state, as_of, created_at)
SELECT q.payer_id, q.payable_kind, q.payable_id, q.order_id, 'bank', b.iban, b.key, 'payer', b.currency, q.due_minor,
       true, LEAST(100, q.due_minor - 1), b.amount_minor, 'succeeded', b.imported_at, b.imported_at
FROM bank_entry b
JOIN paid_order q ON q.order_id = b.order_id
WHERE b.outcome = 'matched' AND NOT EXISTS (
    SELECT FROM payment p WHERE p.payable_kind = q.payable_kind AND p.payable_id = q.payable_id AND p.state NOT IN ('failed', 'canceled', 'expired'));

-- All other matched entries credited the balance.
INSERT INTO payment (payer_id, payable_kind, payable_id, provider, provider_account, provider_ref, initiator, currency, amount_minor,
                     may_underpay, received_minor, state, as_of, created_at)
SELECT COALESCE(b.payer_id, o.payer_id), 'topup', gen_random_uuid(), 'bank', b.iban, b.key, 'payer', b.currency, b.amount_minor,
       true, b.amount_minor, 'succeeded', b.imported_at, b.imported_at
FROM bank_entry b
LEFT JOIN orders o ON o.id = b.order_id
WHERE b.outcome = 'matched' AND NOT EXISTS (
    SELECT FROM payment p WHERE p.provider = 'bank' AND p.provider_account = b.iban AND p.provider_ref = b.key);

-- Orders that no money of their own paid were paid from the balance.
INSERT INTO payment (payer_id, payable_kind, payable_id, order_id, provider, provider_account, initiator, currency, amount_minor,
                     received_minor, state, as_of, created_at)
SELECT q.payer_id, q.payable_kind, q.payable_id, q.order_id, 'balance', 'internal', 'merchant', q.currency, q.due_minor,
       q.due_minor, 'succeeded', q.settled_at, q.settled_at
FROM paid_order q
WHERE NOT EXISTS (SELECT FROM payment p WHERE p.payable_kind = q.payable_kind AND p.payable_id = q.payable_id AND p.state NOT IN ('failed', 'canceled', 'expired'))
  AND NOT EXISTS (SELECT FROM payment p JOIN payment c ON c.parent_id = p.id AND c.state = 'succeeded' WHERE p.order_id = q.order_id)
  AND NOT EXISTS (SELECT FROM bank_entry b WHERE b.order_id = q.order_id);

INSERT INTO payment_event (payment_id, seq, from_state, to_state, source, detail, at)
SELECT p.id, n.seq, n.from_state, n.to_state, 'operator', '{"why": "written down later"}', p.created_at
FROM payment p CROSS JOIN (VALUES (1, '', 'created'), (2, 'created', 'succeeded')) AS n(seq, from_state, to_state)
WHERE p.provider IN ('bank', 'balance');

DROP TABLE paid_order;
