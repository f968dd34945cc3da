-- +goose Up

-- What is given back of a transfer a person sends at the bank: a refund of the
-- provider "bank", a payout. It leaves the balance when it is asked for; somebody
-- says once that it was sent, or that it could not be.
ALTER TABLE refund
    ADD COLUMN credit_note_id uuid REFERENCES invoice DEFERRABLE INITIALLY DEFERRED, -- that it pays out; empty for refunds of before
    ADD COLUMN ended_by       uuid REFERENCES account,                               -- of a payout, who said what became of it
    ADD COLUMN ended_at       timestamptz,
    ADD COLUMN failure        text NOT NULL DEFAULT '',                              -- why it could not be sent
    ADD CONSTRAINT refund_payout_is_of_a_credit_note CHECK (provider <> 'bank' OR credit_note_id IS NOT NULL),
    ADD CONSTRAINT refund_payout_is_sent_by_people CHECK (
        provider <> 'bank' OR state IN ('requested', 'succeeded', 'failed') AND attempt_no = 1 AND num_nonnulls(sent_at, next_check_at, provider_ref) = 0),
    ADD CONSTRAINT refund_payout_is_ended_by_somebody CHECK (
        num_nonnulls(ended_by, ended_at) = CASE WHEN provider = 'bank' AND state <> 'requested' THEN 2 ELSE 0 END),
    ADD CONSTRAINT refund_payout_failure_says_why CHECK ((failure <> '') = (provider = 'bank' AND state = 'failed'));
CREATE INDEX refund_payout ON refund (created_at) WHERE provider = 'bank';
-- What paid an order, also in parts.
CREATE INDEX suspense_decision_order ON suspense_decision (order_id) WHERE order_id IS NOT NULL;

-- +goose StatementBegin
CREATE FUNCTION refund_payout_ends_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'payout % has ended', OLD.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_payout_ends_once';
END $$;

-- A payout has left its payer's balance; it is on its way, was sent from the bank,
-- or is on the balance again: in the ledger as on its row, and whole.
CREATE FUNCTION refund_payout_is_booked() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    payout uuid := CASE TG_TABLE_NAME WHEN 'ledger_entry' THEN (to_jsonb(NEW)->>'refund_id')::uuid ELSE (to_jsonb(NEW)->>'id')::uuid END;
    broken boolean;
BEGIN
    SELECT l.asked <> r.amount_minor OR l.back <> CASE r.state WHEN 'failed' THEN r.amount_minor ELSE 0 END
        OR l.sent <> CASE r.state WHEN 'succeeded' THEN r.amount_minor ELSE 0 END
        INTO broken
    FROM refund r JOIN payment p ON p.id = r.payment_id
    CROSS JOIN LATERAL (
        SELECT COALESCE(sum(g.amount_minor) FILTER (WHERE e.kind = 'refund_asked' AND a.kind = 'balance' AND a.payer_id = p.payer_id), 0) AS asked,
               COALESCE(-sum(g.amount_minor) FILTER (WHERE e.kind = 'refund_failed' AND a.kind = 'balance' AND a.payer_id = p.payer_id), 0) AS back,
               COALESCE(-sum(g.amount_minor) FILTER (WHERE e.kind = 'refund_sent' AND a.kind = 'bank'), 0) AS sent
        FROM ledger_entry e JOIN ledger_posting g ON g.entry_id = e.id JOIN ledger_account a ON a.id = g.account_id
        WHERE e.refund_id = r.id) l
    WHERE r.id = payout AND r.provider = 'bank';
    IF broken THEN
        RAISE EXCEPTION 'payout % and the ledger say different things', payout
            USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_payout_is_booked';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER refund_payout_ends_once BEFORE UPDATE ON refund
    FOR EACH ROW WHEN (OLD.provider = 'bank' AND OLD.state <> 'requested') EXECUTE FUNCTION refund_payout_ends_once();
CREATE CONSTRAINT TRIGGER refund_payout_is_booked AFTER INSERT OR UPDATE ON refund
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.provider = 'bank') EXECUTE FUNCTION refund_payout_is_booked();
CREATE CONSTRAINT TRIGGER ledger_entry_payout_is_booked AFTER INSERT ON ledger_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.refund_id IS NOT NULL) EXECUTE FUNCTION refund_payout_is_booked();

-- What a lost dispute took from us is taken from what is still on the balance of
-- the money that it was about.
ALTER TABLE ledger_entry
    DROP CONSTRAINT ledger_entry_kind_check,
    ADD CONSTRAINT ledger_entry_kind_check
        CHECK (kind IN ('bank_received', 'bank_suspense', 'order_paid', 'change_credit', 'captured', 'credited', 'refund_asked', 'refund_sent',
                        'refund_failed', 'disputed', 'dispute_won', 'dispute_taken', 'corrected', 'suspense_matched', 'suspense_returned',
                        'suspense_taken_back')),
    DROP CONSTRAINT ledger_entry_names_its_source,
    ADD CONSTRAINT ledger_entry_names_its_source CHECK (
        (payment_id IS NOT NULL) = (kind = 'captured') AND
        (refund_id IS NOT NULL) = (kind IN ('refund_asked', 'refund_sent', 'refund_failed')) AND
        (dispute_id IS NOT NULL) = (kind IN ('disputed', 'dispute_won', 'dispute_taken')) AND
        (credit_note_id IS NOT NULL) = (kind IN ('credited', 'corrected')) AND
        (suspense_decision_id IS NOT NULL) = (kind IN ('suspense_matched', 'suspense_returned', 'suspense_taken_back')));

-- +goose StatementBegin
CREATE FUNCTION dispute_takes_what_was_lost() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM dispute d JOIN payment p ON p.id = d.payment_id
        JOIN ledger_posting g ON g.entry_id = NEW.id AND g.amount_minor BETWEEN 1 AND d.amount_minor
        JOIN ledger_account a ON a.id = g.account_id AND a.kind = 'balance' AND a.payer_id = p.payer_id AND a.currency = d.currency
        WHERE d.id = NEW.dispute_id AND d.state = 'lost') THEN
        RAISE EXCEPTION 'dispute % takes what it was not lost about', NEW.dispute_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'dispute_takes_what_was_lost';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER ledger_entry_takes_what_was_lost AFTER INSERT ON ledger_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.kind = 'dispute_taken') EXECUTE FUNCTION dispute_takes_what_was_lost();
