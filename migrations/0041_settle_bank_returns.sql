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

-- Of a debit that the import noted: the return that it shows leaving, once.
ALTER TABLE bank_entry
    ADD COLUMN return_sent_id uuid REFERENCES suspense_decision,
    ADD CONSTRAINT bank_entry_return_is_noted CHECK (return_sent_id IS NULL OR outcome = 'ignored' AND NOT credit);
CREATE UNIQUE INDEX bank_entry_return_once ON bank_entry (return_sent_id) WHERE return_sent_id IS NOT NULL;

-- not_ours: an entry that moves no customer's money, or shows again what is booked,
-- leaves suspense against the bank. Two people always.
ALTER TABLE suspense_decision
    DROP CONSTRAINT suspense_decision_kind_check,
    ADD CONSTRAINT suspense_decision_kind_check CHECK (kind IN ('order', 'balance', 'return', 'take_back', 'offset', 'not_ours')),
    ADD CONSTRAINT suspense_decision_not_ours_by_two CHECK (kind <> 'not_ours' OR needs_two);

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION suspense_decision_is_of_its_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM bank_entry b WHERE b.id = NEW.bank_entry_id AND b.outcome = 'suspense' AND b.currency = NEW.currency
                     AND b.amount_minor = NEW.amount_minor AND (NEW.kind IN ('offset', 'not_ours') OR b.credit = (NEW.kind <> 'take_back')))
       OR NEW.against_id IS NOT NULL AND NOT EXISTS (
           SELECT FROM bank_entry b JOIN bank_entry a ON a.id = NEW.against_id AND a.credit <> b.credit AND a.currency = b.currency
             AND (a.amount_minor = b.amount_minor OR NEW.kind = 'take_back')
           WHERE b.id = NEW.bank_entry_id) THEN
        RAISE EXCEPTION 'decision % is not of what waits in suspense', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'suspense_decision_is_of_its_entry';
    END IF;
    RETURN NEW;
END $$;

-- A return that was not sent yet may be taken back.
CREATE OR REPLACE FUNCTION suspense_decision_keeps_its_word() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('done', 'refused') OR OLD.state = 'to_send' AND NEW.state NOT IN ('done', 'refused')
       OR to_jsonb(NEW) - '{state,second_by,refused_by,refuse_reason,sent_by,decided_at}'::text[]
       <> to_jsonb(OLD) - '{state,second_by,refused_by,refuse_reason,sent_by,decided_at}'::text[] THEN
        RAISE EXCEPTION 'decision % is made once, as it was proposed', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'suspense_decision_keeps_its_word';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION suspense_decision_is_booked() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    decision uuid := CASE TG_TABLE_NAME WHEN 'ledger_entry' THEN (to_jsonb(NEW)->>'suspense_decision_id')::uuid ELSE (to_jsonb(NEW)->>'id')::uuid END;
    broken boolean;
BEGIN
    SELECT d.state = 'done' AND d.kind <> 'offset' AND NOT EXISTS (
               SELECT FROM ledger_entry e JOIN ledger_posting p ON p.entry_id = e.id JOIN ledger_account a ON a.id = p.account_id AND a.kind = 'suspense'
               WHERE e.suspense_decision_id = d.id AND p.currency = d.currency
                 AND e.kind = CASE WHEN d.kind IN ('return', 'not_ours') THEN 'suspense_returned' WHEN d.kind = 'take_back' THEN 'suspense_taken_back' ELSE 'suspense_matched' END
                 AND p.amount_minor = CASE WHEN b.credit THEN d.amount_minor ELSE -d.amount_minor END)
        OR (d.state <> 'done' OR d.kind = 'offset') AND EXISTS (SELECT FROM ledger_entry e WHERE e.suspense_decision_id = d.id)
        OR d.state = 'done' AND d.kind = 'offset' AND NOT EXISTS (
               SELECT FROM suspense_decision o WHERE o.kind = 'offset' AND o.state = 'done' AND o.bank_entry_id = d.against_id AND o.against_id = d.bank_entry_id)
        INTO broken FROM suspense_decision d JOIN bank_entry b ON b.id = d.bank_entry_id WHERE d.id = decision;
    IF broken THEN
        RAISE EXCEPTION 'decision % and the ledger say different things', decision
            USING ERRCODE = 'check_violation', CONSTRAINT = 'suspense_decision_is_booked';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
