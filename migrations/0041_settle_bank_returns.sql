-- +goose Up

-- parts_minor is what the import counts to the price: parts of it that came in the
-- order's currency and that nobody has decided about. received_minor is of that
-- currency too: sums of two currencies say nothing.
CREATE OR REPLACE VIEW bank_invoice_standing AS
SELECT o.id AS order_id,
       CASE WHEN o.state = 'paid' AND EXISTS (SELECT FROM invoice i WHERE i.order_id = o.id AND i.kind = 'invoice') THEN 'invoiced'
            WHEN o.state = 'paid' THEN 'matched'
            WHEN w.entries > 0 THEN 'received'
            WHEN o.state = 'awaiting_payment' THEN 'expected'
            ELSE o.state END AS standing,
       COALESCE(w.minor, 0)::bigint AS received_minor,
       COALESCE(w.parts, 0)::bigint AS parts_minor
FROM orders o
LEFT JOIN LATERAL (
    SELECT count(*) AS entries, sum(b.amount_minor) FILTER (WHERE b.currency = o.currency) AS minor,
           sum(b.amount_minor) FILTER (WHERE b.currency = o.currency AND b.reason = 'underpaid'
               AND NOT EXISTS (SELECT FROM suspense_decision d WHERE d.bank_entry_id = b.id AND d.state <> 'refused')) AS parts
    FROM bank_entry b
    WHERE b.meant_order_id = o.id AND b.credit AND NOT EXISTS (
        SELECT FROM suspense_decision d WHERE d.bank_entry_id = b.id AND d.state IN ('to_send', 'done'))) w ON true;
