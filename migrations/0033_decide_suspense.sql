-- +goose Up

-- Of an entry that the import left in suspense, the order that it seems to be for.
ALTER TABLE bank_entry
    ADD COLUMN meant_order_id uuid REFERENCES orders,
    ADD CONSTRAINT bank_entry_means_while_in_suspense CHECK (meant_order_id IS NULL OR outcome = 'suspense');
CREATE INDEX bank_entry_meant ON bank_entry (meant_order_id) WHERE meant_order_id IS NOT NULL;

-- What becomes of an entry in suspense (I26). The entry keeps what the import said
-- of it; it has one decision that stands, at most.
CREATE TABLE suspense_decision (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    bank_entry_id uuid        NOT NULL REFERENCES bank_entry,
    kind          text        NOT NULL CHECK (kind IN ('order', 'balance', 'return', 'take_back', 'offset')),
    order_id      uuid        REFERENCES orders,     -- that it pays
    payer_id      uuid        REFERENCES payer,      -- whose balance it goes to, or is taken from
    against_id    uuid        REFERENCES bank_entry, -- the entry that it undoes
    currency      text        NOT NULL,
    amount_minor  bigint      NOT NULL CHECK (amount_minor > 0),
    reason        text        NOT NULL CHECK (reason <> ''),
    needs_two     boolean     NOT NULL, -- people to decide
    state         text        NOT NULL CHECK (state IN ('proposed', 'to_send', 'done', 'refused')),
    first_by      uuid        REFERENCES account,    -- nobody: the program, by a rule
    first_at      timestamptz NOT NULL,
    second_by     uuid        REFERENCES account,
    refused_by    uuid        REFERENCES account,
    refuse_reason text        NOT NULL DEFAULT '',
    sent_by       uuid        REFERENCES account,    -- who sent a return at the bank
    decided_at    timestamptz,
    CONSTRAINT suspense_decision_two_are_two CHECK (second_by <> first_by),
    CONSTRAINT suspense_decision_second_eyes CHECK (state NOT IN ('to_send', 'done') OR second_by IS NOT NULL OR NOT needs_two),
    CONSTRAINT suspense_decision_names_its_target CHECK (
        (order_id IS NOT NULL) = (kind = 'order') AND (payer_id IS NOT NULL) = (kind IN ('order', 'balance', 'take_back'))
        AND (against_id IS NOT NULL) = (kind IN ('take_back', 'offset'))),
    CONSTRAINT suspense_decision_return_is_sent_by_somebody CHECK ((sent_by IS NOT NULL) = (kind = 'return' AND state = 'done')),
    CONSTRAINT suspense_decision_refused_by_somebody CHECK ((refused_by IS NOT NULL) = (state = 'refused')),
    CONSTRAINT suspense_decision_closed_when_decided CHECK ((state IN ('done', 'refused')) = (decided_at IS NOT NULL)),
    CONSTRAINT suspense_decision_program_asks_nobody CHECK (first_by IS NOT NULL OR state = 'done' AND NOT needs_two)
);
CREATE UNIQUE INDEX suspense_decision_once ON suspense_decision (bank_entry_id) WHERE state <> 'refused';
CREATE UNIQUE INDEX suspense_decision_undoes_once ON suspense_decision (against_id) WHERE state <> 'refused' AND against_id IS NOT NULL;

-- +goose StatementBegin
CREATE FUNCTION suspense_decision_is_of_its_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM bank_entry b WHERE b.id = NEW.bank_entry_id AND b.outcome = 'suspense' AND b.currency = NEW.currency
                     AND b.amount_minor = NEW.amount_minor AND (NEW.kind = 'offset' OR b.credit = (NEW.kind <> 'take_back')))
       OR NEW.against_id IS NOT NULL AND NOT EXISTS (
           SELECT FROM bank_entry b JOIN bank_entry a ON a.id = NEW.against_id AND a.credit <> b.credit AND a.currency = b.currency
             AND (a.amount_minor = b.amount_minor OR NEW.kind = 'take_back')
           WHERE b.id = NEW.bank_entry_id) THEN
        RAISE EXCEPTION 'decision % is not of what waits in suspense', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'suspense_decision_is_of_its_entry';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION suspense_decision_keeps_its_word() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('done', 'refused') OR OLD.state = 'to_send' AND NEW.state <> 'done'
       OR to_jsonb(NEW) - '{state,second_by,refused_by,refuse_reason,sent_by,decided_at}'::text[]
       <> to_jsonb(OLD) - '{state,second_by,refused_by,refuse_reason,sent_by,decided_at}'::text[] THEN
        RAISE EXCEPTION 'decision % is made once, as it was proposed', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'suspense_decision_keeps_its_word';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER suspense_decision_is_of_its_entry BEFORE INSERT ON suspense_decision FOR EACH ROW EXECUTE FUNCTION suspense_decision_is_of_its_entry();
CREATE TRIGGER suspense_decision_keeps_its_word BEFORE UPDATE ON suspense_decision FOR EACH ROW EXECUTE FUNCTION suspense_decision_keeps_its_word();
CREATE TRIGGER suspense_decision_stays BEFORE DELETE ON suspense_decision FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Money leaves suspense by a decision, once and whole.
ALTER TABLE ledger_entry
    ADD COLUMN suspense_decision_id uuid REFERENCES suspense_decision,
    DROP CONSTRAINT ledger_entry_kind_check,
    ADD CONSTRAINT ledger_entry_kind_check
        CHECK (kind IN ('bank_received', 'bank_suspense', 'order_paid', 'change_credit', 'captured', 'credited', 'refund_asked', 'refund_sent',
                        'refund_failed', 'disputed', 'dispute_won', 'corrected', 'suspense_matched', 'suspense_returned', 'suspense_taken_back')),
    DROP CONSTRAINT ledger_entry_names_its_source,
    ADD CONSTRAINT ledger_entry_names_its_source CHECK (
        (payment_id IS NOT NULL) = (kind = 'captured') AND
        (refund_id IS NOT NULL) = (kind IN ('refund_asked', 'refund_sent', 'refund_failed')) AND
        (dispute_id IS NOT NULL) = (kind IN ('disputed', 'dispute_won')) AND
        (credit_note_id IS NOT NULL) = (kind IN ('credited', 'corrected')) AND
        (suspense_decision_id IS NOT NULL) = (kind IN ('suspense_matched', 'suspense_returned', 'suspense_taken_back')));
CREATE UNIQUE INDEX ledger_entry_suspense_once ON ledger_entry (suspense_decision_id) WHERE suspense_decision_id IS NOT NULL;

-- +goose StatementBegin
CREATE FUNCTION suspense_decision_is_booked() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    decision uuid := CASE TG_TABLE_NAME WHEN 'ledger_entry' THEN (to_jsonb(NEW)->>'suspense_decision_id')::uuid ELSE (to_jsonb(NEW)->>'id')::uuid END;
    broken boolean;
BEGIN
    SELECT d.state = 'done' AND d.kind <> 'offset' AND NOT EXISTS (
               SELECT FROM ledger_entry e JOIN ledger_posting p ON p.entry_id = e.id JOIN ledger_account a ON a.id = p.account_id AND a.kind = 'suspense'
               WHERE e.suspense_decision_id = d.id AND p.currency = d.currency
                 AND e.kind = CASE d.kind WHEN 'return' THEN 'suspense_returned' WHEN 'take_back' THEN 'suspense_taken_back' ELSE 'suspense_matched' END
                 AND p.amount_minor = CASE d.kind WHEN 'take_back' THEN -d.amount_minor ELSE d.amount_minor END)
        OR (d.state <> 'done' OR d.kind = 'offset') AND EXISTS (SELECT FROM ledger_entry e WHERE e.suspense_decision_id = d.id)
        OR d.state = 'done' AND d.kind = 'offset' AND NOT EXISTS (
               SELECT FROM suspense_decision o WHERE o.kind = 'offset' AND o.state = 'done' AND o.bank_entry_id = d.against_id AND o.against_id = d.bank_entry_id)
        INTO broken FROM suspense_decision d WHERE d.id = decision;
    IF broken THEN
        RAISE EXCEPTION 'decision % and the ledger say different things', decision
            USING ERRCODE = 'check_violation', CONSTRAINT = 'suspense_decision_is_booked';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER suspense_decision_is_booked AFTER INSERT OR UPDATE ON suspense_decision
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION suspense_decision_is_booked();
CREATE CONSTRAINT TRIGGER ledger_entry_decision_is_booked AFTER INSERT ON ledger_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.suspense_decision_id IS NOT NULL) EXECUTE FUNCTION suspense_decision_is_booked();

-- Where the money of a bank invoice stands. received_minor is what came for it and
-- waits: parts of the amount, or money that a person looks at.
CREATE VIEW bank_invoice_standing AS
SELECT o.id AS order_id,
       CASE WHEN o.state = 'paid' AND EXISTS (SELECT FROM invoice i WHERE i.order_id = o.id AND i.kind = 'invoice') THEN 'invoiced'
            WHEN o.state = 'paid' THEN 'matched'
            WHEN w.minor > 0 THEN 'received'
            WHEN o.state = 'awaiting_payment' THEN 'expected'
            ELSE o.state END AS standing,
       COALESCE(w.minor, 0)::bigint AS received_minor
FROM orders o
LEFT JOIN LATERAL (
    SELECT sum(b.amount_minor) AS minor FROM bank_entry b
    WHERE b.meant_order_id = o.id AND b.credit AND NOT EXISTS (
        SELECT FROM suspense_decision d WHERE d.bank_entry_id = b.id AND d.state IN ('to_send', 'done'))) w ON true;

-- A statement that was uploaded in the back office. It is read again when it is
-- imported, so what was shown and what is booked are of the same bytes.
CREATE TABLE statement_upload (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    sha256      bytea       NOT NULL CONSTRAINT statement_upload_once UNIQUE,
    content     bytea       NOT NULL,
    name        text        NOT NULL,
    entries     integer     NOT NULL CHECK (entries >= 0),
    uploaded_by uuid        NOT NULL REFERENCES account,
    uploaded_at timestamptz NOT NULL,
    asked_by    uuid        REFERENCES account, -- who had it imported
    asked_at    timestamptz,
    done_at     timestamptz,
    result      jsonb,                          -- counts, once done
    CONSTRAINT statement_upload_is_its_hash CHECK (sha256 = sha256(content)),
    CONSTRAINT statement_upload_asked_by_somebody CHECK ((asked_by IS NULL) = (asked_at IS NULL)),
    CONSTRAINT statement_upload_done_when_asked CHECK (done_at IS NULL OR asked_at IS NOT NULL),
    CONSTRAINT statement_upload_done_says_what CHECK ((done_at IS NULL) = (result IS NULL))
);
-- +goose StatementBegin
CREATE FUNCTION statement_upload_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.done_at IS NOT NULL OR to_jsonb(NEW) - '{asked_by,asked_at,done_at,result}'::text[] <> to_jsonb(OLD) - '{asked_by,asked_at,done_at,result}'::text[]
       OR OLD.asked_by IS NOT NULL AND (NEW.asked_by, NEW.asked_at) IS DISTINCT FROM (OLD.asked_by, OLD.asked_at) THEN
        RAISE EXCEPTION 'upload % stays as it was', OLD.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'statement_upload_keeps';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER statement_upload_keeps BEFORE UPDATE ON statement_upload FOR EACH ROW EXECUTE FUNCTION statement_upload_keeps();
CREATE TRIGGER statement_upload_stays BEFORE DELETE ON statement_upload FOR EACH ROW EXECUTE FUNCTION refuse_change();
