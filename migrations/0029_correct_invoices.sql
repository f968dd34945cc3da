-- +goose Up

-- An invoice whose buyer was not right is credited as far as it was not yet, and
-- replaced by another one of the same order
-- (docs/adr/0027-corrections-of-issued-invoices.md).
ALTER TABLE invoice
    ADD COLUMN replaces_id uuid REFERENCES invoice,
    ADD CONSTRAINT invoice_replaces_as_invoice CHECK (replaces_id IS NULL OR kind = 'invoice');
DROP INDEX invoice_order_once;
CREATE UNIQUE INDEX invoice_order_once ON invoice (order_id) WHERE kind = 'invoice' AND replaces_id IS NULL;
CREATE UNIQUE INDEX invoice_replaced_once ON invoice (replaces_id) WHERE replaces_id IS NOT NULL;
CREATE INDEX invoice_of_order ON invoice (order_id) WHERE kind = 'invoice';

-- +goose StatementBegin
CREATE FUNCTION replacement_is_of_its_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM invoice i
        WHERE i.id = NEW.replaces_id AND i.kind = 'invoice' AND i.payer_id = NEW.payer_id AND i.order_id = NEW.order_id
          AND i.currency = NEW.currency AND i.tax_point = NEW.tax_point) THEN
        RAISE EXCEPTION 'invoice % is not of the invoice that it replaces', NEW.number
            USING ERRCODE = 'check_violation', CONSTRAINT = 'replacement_is_of_its_invoice';
    END IF;
    RETURN NEW;
END $$;

-- At the end nothing of what was replaced is left: one credit note took all of
-- the rest, the replacement is of the same net sum, and both are one entry.
CREATE FUNCTION replaced_invoice_is_credited() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM invoice_credit c
               WHERE c.invoice_id = NEW.replaces_id AND (c.credited_base_minor, c.credited_vat_minor) <> (c.base_minor, c.vat_minor))
       OR NOT EXISTS (SELECT FROM invoice n JOIN ledger_entry e ON e.credit_note_id = n.id AND e.kind = 'corrected'
                      WHERE n.corrects_id = NEW.replaces_id AND n.net_minor = NEW.net_minor) THEN
        RAISE EXCEPTION 'invoice % replaces one that is not credited', NEW.number
            USING ERRCODE = 'check_violation', CONSTRAINT = 'replaced_invoice_is_credited';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION correction_has_both_documents() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM invoice n JOIN invoice r ON r.replaces_id = n.corrects_id WHERE n.id = NEW.credit_note_id) THEN
        RAISE EXCEPTION 'ledger entry % is of a correction without its invoice', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'correction_has_both_documents';
    END IF;
    RETURN NULL;
END $$;

-- The VAT of a replacement goes on from what was credited before of the invoice
-- that it replaces, as that of a credit note does, while the rate is the same:
-- so both have the same sum to the cent. Its counter then begins where that of
-- the other one stood.
CREATE OR REPLACE FUNCTION invoice_vat_counts() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    corrected uuid;
    replaced  uuid;
BEGIN
    SELECT i.corrects_id, i.replaces_id INTO corrected, replaced FROM invoice i WHERE i.id = NEW.invoice_id;
    IF corrected IS NOT NULL THEN
        UPDATE invoice_credit
        SET credited_base_minor = credited_base_minor + NEW.base_minor, credited_vat_minor = credited_vat_minor + NEW.vat_minor
        WHERE invoice_id = corrected AND category = NEW.category AND rate_bps IS NOT DISTINCT FROM NEW.rate_bps AND country = NEW.country
          AND credited_base_minor = NEW.base_before_minor AND credited_vat_minor = NEW.vat_before_minor;
    ELSE
        INSERT INTO invoice_credit (invoice_id, line, category, rate_bps, country, base_minor, vat_minor, credited_base_minor, credited_vat_minor)
        SELECT NEW.invoice_id, NEW.line, NEW.category, NEW.rate_bps, NEW.country, NEW.base_before_minor + NEW.base_minor,
               NEW.vat_before_minor + NEW.vat_minor, NEW.base_before_minor, NEW.vat_before_minor
        WHERE (NEW.base_before_minor, NEW.vat_before_minor) = (0, 0)
           OR EXISTS (SELECT FROM invoice_credit c
                      WHERE c.invoice_id = replaced AND c.category = NEW.category AND c.rate_bps IS NOT DISTINCT FROM NEW.rate_bps AND c.country = NEW.country
                        AND c.base_minor = NEW.base_before_minor + NEW.base_minor AND c.vat_minor = NEW.vat_before_minor + NEW.vat_minor);
    END IF;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'line % of document % does not go on from what was credited', NEW.line, NEW.invoice_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'credit_note_goes_on';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER replacement_is_of_its_invoice BEFORE INSERT ON invoice FOR EACH ROW WHEN (NEW.replaces_id IS NOT NULL)
    EXECUTE FUNCTION replacement_is_of_its_invoice();
CREATE CONSTRAINT TRIGGER replaced_invoice_is_credited AFTER INSERT ON invoice
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.replaces_id IS NOT NULL) EXECUTE FUNCTION replaced_invoice_is_credited();

-- One entry books both documents of a correction: where the VAT stays the same it
-- moves nothing on the payer's balance.
ALTER TABLE ledger_entry
    DROP CONSTRAINT ledger_entry_kind_check,
    ADD CONSTRAINT ledger_entry_kind_check
        CHECK (kind IN ('bank_received', 'bank_suspense', 'order_paid', 'change_credit', 'captured', 'credited', 'refund_asked', 'refund_sent',
                        'refund_failed', 'disputed', 'dispute_won', 'corrected')),
    DROP CONSTRAINT ledger_entry_names_its_source,
    ADD CONSTRAINT ledger_entry_names_its_source CHECK (
        (payment_id IS NOT NULL) = (kind = 'captured') AND
        (refund_id IS NOT NULL) = (kind IN ('refund_asked', 'refund_sent', 'refund_failed')) AND
        (dispute_id IS NOT NULL) = (kind IN ('disputed', 'dispute_won')) AND
        (credit_note_id IS NOT NULL) = (kind IN ('credited', 'corrected')));
CREATE CONSTRAINT TRIGGER correction_has_both_documents AFTER INSERT ON ledger_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.kind = 'corrected') EXECUTE FUNCTION correction_has_both_documents();

-- A correction that changes the VAT: people decide about it.
CREATE TABLE correction_request (
    id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    payer_id       uuid        NOT NULL REFERENCES payer,
    invoice_id     uuid        NOT NULL REFERENCES invoice,
    asked_by       uuid        NOT NULL REFERENCES account,
    asked_at       timestamptz NOT NULL,
    buyer          jsonb       NOT NULL, -- as it is to stand on the new invoice
    currency       text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    net_minor      bigint      NOT NULL CHECK (net_minor > 0), -- what was shown when it was asked
    old_vat_minor  bigint      NOT NULL CHECK (old_vat_minor >= 0),
    new_vat_minor  bigint      NOT NULL CHECK (new_vat_minor >= 0),
    needs_two      boolean     NOT NULL, -- people to decide
    state          text        NOT NULL CHECK (state IN ('requested', 'approved_once', 'done', 'rejected', 'withdrawn')),
    first_by       uuid        REFERENCES account,
    first_at       timestamptz,
    second_by      uuid        REFERENCES account,
    rejected_by    uuid        REFERENCES account,
    reject_reason  text        NOT NULL DEFAULT '',
    decided_at     timestamptz,
    replacement_id uuid        REFERENCES invoice, -- the new invoice
    CONSTRAINT correction_request_is_decided_by_others CHECK (first_by <> asked_by AND second_by <> asked_by),
    CONSTRAINT correction_request_two_are_two CHECK (second_by <> first_by),
    CONSTRAINT correction_request_second_eyes CHECK (state <> 'done' OR first_by IS NOT NULL AND (second_by IS NOT NULL OR NOT needs_two)),
    CONSTRAINT correction_request_done_names_its_invoice CHECK ((state = 'done') = (replacement_id IS NOT NULL)),
    CONSTRAINT correction_request_closed_when_decided CHECK ((state IN ('done', 'rejected', 'withdrawn')) = (decided_at IS NOT NULL)),
    CONSTRAINT correction_request_first_is_dated CHECK ((first_by IS NULL) = (first_at IS NULL)),
    CONSTRAINT correction_request_rejected_by_somebody CHECK ((state = 'rejected') = (rejected_by IS NOT NULL))
);
CREATE UNIQUE INDEX correction_request_one_open ON correction_request (invoice_id) WHERE state IN ('requested', 'approved_once');
CREATE INDEX correction_request_payer ON correction_request (payer_id, asked_at DESC);

-- +goose StatementBegin
CREATE FUNCTION correction_request_keeps_its_word() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('done', 'rejected', 'withdrawn') OR OLD.needs_two AND NOT NEW.needs_two OR OLD.first_by <> NEW.first_by
       OR (NEW.payer_id, NEW.invoice_id, NEW.asked_by, NEW.asked_at, NEW.buyer, NEW.currency, NEW.net_minor, NEW.old_vat_minor, NEW.new_vat_minor)
       IS DISTINCT FROM
       (OLD.payer_id, OLD.invoice_id, OLD.asked_by, OLD.asked_at, OLD.buyer, OLD.currency, OLD.net_minor, OLD.old_vat_minor, OLD.new_vat_minor) THEN
        RAISE EXCEPTION 'correction request % is decided once, as it was asked', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'correction_request_keeps_its_word';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER correction_request_keeps_its_word BEFORE UPDATE ON correction_request FOR EACH ROW EXECUTE FUNCTION correction_request_keeps_its_word();
CREATE TRIGGER correction_request_stays BEFORE DELETE ON correction_request FOR EACH ROW EXECUTE FUNCTION refuse_change();
