-- +goose Up

-- A credit note corrects one invoice: of the same order, payer, currency and tax
-- point.
ALTER TABLE invoice
    ADD COLUMN corrects_id uuid REFERENCES invoice,
    ADD CONSTRAINT invoice_corrects_one CHECK ((kind = 'credit_note') = (corrects_id IS NOT NULL));
CREATE INDEX invoice_corrections ON invoice (corrects_id) WHERE corrects_id IS NOT NULL;

-- +goose StatementBegin
CREATE FUNCTION credit_note_is_of_its_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.kind = 'credit_note' AND NOT EXISTS (
        SELECT FROM invoice i
        WHERE i.id = NEW.corrects_id AND i.kind = 'invoice' AND i.payer_id = NEW.payer_id AND i.order_id = NEW.order_id
          AND i.currency = NEW.currency AND i.tax_point = NEW.tax_point) THEN
        RAISE EXCEPTION 'credit note % is not of the invoice that it corrects', NEW.number
            USING ERRCODE = 'check_violation', CONSTRAINT = 'credit_note_is_of_its_invoice';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER credit_note_is_of_its_invoice BEFORE INSERT ON invoice FOR EACH ROW EXECUTE FUNCTION credit_note_is_of_its_invoice();

-- The VAT of a credit note brings what was credited of the rate so far to the
-- rate of the base credited so far: after the last one nothing is left, whatever
-- was rounded before.
ALTER TABLE invoice_vat
    ADD COLUMN base_before_minor bigint NOT NULL DEFAULT 0, -- credited by earlier credit notes of the same invoice
    ADD COLUMN vat_before_minor  bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT invoice_vat_is_base_times_rate,
    ADD CONSTRAINT invoice_vat_is_base_times_rate
        CHECK (vat_before_minor + vat_minor = div((base_before_minor + base_minor)::numeric * coalesce(rate_bps, 0) + 5000, 10000));

-- How much of each rate of an invoice is credited (I16). The row is the lock that
-- credit notes of one invoice take in turn.
CREATE TABLE invoice_credit (
    invoice_id          uuid    NOT NULL REFERENCES invoice,
    line                integer NOT NULL, -- of its VAT
    category            text    NOT NULL,
    rate_bps            bigint,
    country             text    NOT NULL,
    base_minor          bigint  NOT NULL,
    vat_minor           bigint  NOT NULL,
    credited_base_minor bigint  NOT NULL DEFAULT 0,
    credited_vat_minor  bigint  NOT NULL DEFAULT 0,
    PRIMARY KEY (invoice_id, line),
    CONSTRAINT invoice_credit_rate_once UNIQUE NULLS NOT DISTINCT (invoice_id, category, rate_bps, country),
    CONSTRAINT invoice_credit_at_most_invoiced
        CHECK (credited_base_minor BETWEEN 0 AND base_minor AND credited_vat_minor BETWEEN 0 AND vat_minor)
);
INSERT INTO invoice_credit (invoice_id, line, category, rate_bps, country, base_minor, vat_minor)
SELECT v.invoice_id, v.line, v.category, v.rate_bps, v.country, v.base_minor, v.vat_minor
FROM invoice_vat v JOIN invoice i ON i.id = v.invoice_id AND i.kind = 'invoice';

-- +goose StatementBegin
CREATE FUNCTION invoice_credit_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE'
       OR to_jsonb(NEW) - 'credited_base_minor' - 'credited_vat_minor' <> to_jsonb(OLD) - 'credited_base_minor' - 'credited_vat_minor'
       OR NEW.credited_base_minor < OLD.credited_base_minor OR NEW.credited_vat_minor < OLD.credited_vat_minor THEN
        RAISE EXCEPTION 'what is credited of invoice % only grows', OLD.invoice_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'invoice_credit_only_grows';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION invoice_vat_counts() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    corrected uuid;
BEGIN
    SELECT i.corrects_id INTO corrected FROM invoice i WHERE i.id = NEW.invoice_id;
    IF corrected IS NULL THEN
        INSERT INTO invoice_credit (invoice_id, line, category, rate_bps, country, base_minor, vat_minor)
        VALUES (NEW.invoice_id, NEW.line, NEW.category, NEW.rate_bps, NEW.country, NEW.base_minor, NEW.vat_minor);
    ELSE
        UPDATE invoice_credit
        SET credited_base_minor = credited_base_minor + NEW.base_minor, credited_vat_minor = credited_vat_minor + NEW.vat_minor
        WHERE invoice_id = corrected AND category = NEW.category AND rate_bps IS NOT DISTINCT FROM NEW.rate_bps AND country = NEW.country
          AND credited_base_minor = NEW.base_before_minor AND credited_vat_minor = NEW.vat_before_minor;
    END IF;
    IF corrected IS NOT NULL AND NOT FOUND OR corrected IS NULL AND (NEW.base_before_minor, NEW.vat_before_minor) <> (0, 0) THEN
        RAISE EXCEPTION 'line % of document % does not go on from what was credited', NEW.line, NEW.invoice_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'credit_note_goes_on';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER invoice_credit_only_grows BEFORE UPDATE OR DELETE ON invoice_credit FOR EACH ROW EXECUTE FUNCTION invoice_credit_only_grows();
CREATE TRIGGER invoice_vat_counts AFTER INSERT ON invoice_vat FOR EACH ROW EXECUTE FUNCTION invoice_vat_counts();

-- The series is locked last, so the ledger's entry comes before its document.
ALTER TABLE ledger_entry ALTER CONSTRAINT ledger_entry_credit_note_id_fkey DEFERRABLE INITIALLY DEFERRED;

-- A period that was given back before it began is superseded by nothing.
ALTER TABLE subscription_period
    ADD COLUMN taken_back boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT subscription_period_taken_back_is_over CHECK (NOT taken_back OR superseded_at IS NOT NULL);
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION subscription_period_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.superseded_at IS NOT NULL OR NEW.superseded_at IS NULL
       OR to_jsonb(NEW) - 'superseded_at' - 'taken_back' <> to_jsonb(OLD) - 'superseded_at' - 'taken_back' THEN
        RAISE EXCEPTION '% on % is refused: its rows never change', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'subscription_period_is_immutable';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd

ALTER TABLE subscription_event
    DROP CONSTRAINT subscription_event_kind_check,
    ADD CONSTRAINT subscription_event_kind_check CHECK (kind IN ('started', 'extended', 'auto_renew_off', 'auto_renew_on', 'ended', 'changed',
                                                                 'withdrawn', 'refunded', 'charged_back'));

-- Refunds and chargebacks together never exceed what was received (I9): as the
-- provider shows them, and, where we ask for a refund, as we ask.
ALTER TABLE payment
    ADD CONSTRAINT payment_returned_at_most_received CHECK (refunded_minor + disputed_minor <= received_minor);
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION refund_counts() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before bigint := 0;
    after  bigint := CASE WHEN NEW.state = 'failed' THEN 0 ELSE NEW.amount_minor END;
    room   bigint;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.payment_id, NEW.request, NEW.currency, NEW.amount_minor) IS DISTINCT FROM (OLD.payment_id, OLD.request, OLD.currency, OLD.amount_minor) THEN
            RAISE EXCEPTION 'what refund % gives back never changes', OLD.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_purpose_never_changes';
        END IF;
        before := CASE WHEN OLD.state = 'failed' THEN 0 ELSE OLD.amount_minor END;
    END IF;
    IF after <> before THEN
        UPDATE payment SET asked_minor = asked_minor + after - before WHERE id = NEW.payment_id AND currency = NEW.currency
        RETURNING received_minor - disputed_minor - asked_minor INTO room;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'refund % is not in the currency of its payment', NEW.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_in_currency_of_payment';
        END IF;
        -- A dispute may be opened while a refund is on its way; none is asked for after it.
        IF TG_OP = 'INSERT' AND room < 0 THEN
            RAISE EXCEPTION 'refund % would give back what is disputed', NEW.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_leaves_disputed_money';
        END IF;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- As with payments: what was sent and not answered is only looked up, or repeated
-- while the provider remembers the key.
ALTER TABLE refund
    ADD COLUMN sent_at       timestamptz,
    ADD COLUMN repeat_until  timestamptz,
    ADD COLUMN next_check_at timestamptz,
    ADD COLUMN checks        integer NOT NULL DEFAULT 0 CHECK (checks >= 0),
    ADD CONSTRAINT refund_sent_is_remembered CHECK ((sent_at IS NULL) = (repeat_until IS NULL)),
    ADD CONSTRAINT refund_ended_is_not_looked_at CHECK (next_check_at IS NULL OR state IN ('requested', 'pending', 'unknown'));
CREATE INDEX refund_to_check ON refund (next_check_at) WHERE next_check_at IS NOT NULL;

-- A payer's request for the unused part of a subscription.
CREATE TABLE refund_request (
    id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    payer_id        uuid        NOT NULL REFERENCES payer,
    subscription_id uuid        NOT NULL REFERENCES subscription,
    asked_by        uuid        NOT NULL REFERENCES account,
    asked_at        timestamptz NOT NULL,
    reason          text        NOT NULL,
    target          text        NOT NULL CHECK (target IN ('method', 'balance')),
    currency        text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    days            integer     NOT NULL CHECK (days > 0), -- what was shown when it was asked
    net_minor       bigint      NOT NULL CHECK (net_minor > 0),
    vat_minor       bigint      NOT NULL CHECK (vat_minor >= 0),
    total_minor     bigint      NOT NULL,
    needs_two       boolean     NOT NULL, -- people to decide
    state           text        NOT NULL CHECK (state IN ('requested', 'approved_once', 'done', 'rejected', 'withdrawn')),
    first_by        uuid        REFERENCES account,
    first_at        timestamptz,
    second_by       uuid        REFERENCES account,
    rejected_by     uuid        REFERENCES account,
    reject_reason   text        NOT NULL DEFAULT '',
    decided_at      timestamptz,
    credited_minor  bigint      CHECK (credited_minor > 0), -- what came back, VAT included
    method_minor    bigint      CHECK (method_minor >= 0),  -- of that, to the cards that paid
    CONSTRAINT refund_request_total_adds_up CHECK (total_minor = net_minor + vat_minor),
    CONSTRAINT refund_request_is_decided_by_others CHECK (first_by <> asked_by AND second_by <> asked_by),
    CONSTRAINT refund_request_two_are_two CHECK (second_by <> first_by),
    CONSTRAINT refund_request_second_eyes CHECK (state <> 'done' OR first_by IS NOT NULL AND (second_by IS NOT NULL OR NOT needs_two)),
    CONSTRAINT refund_request_done_says_how_much CHECK ((state = 'done') = (credited_minor IS NOT NULL) AND num_nulls(credited_minor, method_minor) IN (0, 2)
                                                       AND method_minor <= credited_minor),
    CONSTRAINT refund_request_closed_when_decided CHECK ((state IN ('done', 'rejected', 'withdrawn')) = (decided_at IS NOT NULL)),
    CHECK ((first_by IS NULL) = (first_at IS NULL)),
    CHECK ((state = 'rejected') = (rejected_by IS NOT NULL))
);
CREATE UNIQUE INDEX refund_request_one_open ON refund_request (subscription_id) WHERE state IN ('requested', 'approved_once');
CREATE INDEX refund_request_payer ON refund_request (payer_id, asked_at DESC);

-- +goose StatementBegin
CREATE FUNCTION refund_request_keeps_its_word() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('done', 'rejected', 'withdrawn') OR OLD.needs_two AND NOT NEW.needs_two OR OLD.first_by <> NEW.first_by
       OR (NEW.payer_id, NEW.subscription_id, NEW.asked_by, NEW.asked_at, NEW.reason, NEW.target, NEW.currency, NEW.days, NEW.net_minor, NEW.vat_minor, NEW.total_minor)
       IS DISTINCT FROM
       (OLD.payer_id, OLD.subscription_id, OLD.asked_by, OLD.asked_at, OLD.reason, OLD.target, OLD.currency, OLD.days, OLD.net_minor, OLD.vat_minor, OLD.total_minor) THEN
        RAISE EXCEPTION 'refund request % is decided once, as it was asked', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_request_keeps_its_word';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER refund_request_keeps_its_word BEFORE UPDATE ON refund_request FOR EACH ROW EXECUTE FUNCTION refund_request_keeps_its_word();
CREATE TRIGGER refund_request_stays BEFORE DELETE ON refund_request FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- A consumer's withdrawal, with the receipt as it was given (Directive 2011/83/EU
-- art. 11(3)). An order is withdrawn from once.
CREATE TABLE withdrawal (
    id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    payer_id        uuid        NOT NULL REFERENCES payer,
    subscription_id uuid        NOT NULL REFERENCES subscription,
    account_id      uuid        NOT NULL REFERENCES account,
    at              timestamptz NOT NULL,
    receipt         jsonb       NOT NULL
);
CREATE INDEX withdrawal_subscription ON withdrawal (subscription_id);
CREATE TRIGGER withdrawal_is_immutable BEFORE UPDATE OR DELETE ON withdrawal FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TABLE withdrawal_order (
    order_id      uuid NOT NULL REFERENCES orders CONSTRAINT withdrawal_order_once PRIMARY KEY,
    withdrawal_id uuid NOT NULL REFERENCES withdrawal
);
CREATE TRIGGER withdrawal_order_is_immutable BEFORE UPDATE OR DELETE ON withdrawal_order FOR EACH ROW EXECUTE FUNCTION refuse_change();
