-- +goose Up

-- A receipt of money that a payer paid in to its balance, as it was issued. It is
-- no tax document, but it is numbered as one: a series of its own kind, without
-- a gap, of which the number is taken in the transaction that issues.
ALTER TABLE series
    DROP CONSTRAINT series_kind_check,
    ADD CONSTRAINT series_kind_check CHECK (kind IN ('invoice', 'credit_note', 'receipt'));

CREATE TABLE receipt (
    id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    series_id      bigint      NOT NULL REFERENCES series,
    seq            bigint      NOT NULL CHECK (seq > 0),
    number         text        NOT NULL UNIQUE,
    entry_id       bigint      NOT NULL CONSTRAINT receipt_entry_once UNIQUE REFERENCES ledger_entry,
    payer_id       uuid        NOT NULL REFERENCES payer,
    issue_date     date        NOT NULL,
    currency       text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount_minor   bigint      NOT NULL CHECK (amount_minor > 0),
    content        bytea       NOT NULL,
    content_sha256 bytea       NOT NULL CONSTRAINT receipt_content_is_hashed CHECK (content_sha256 = sha256(content)),
    issued_at      timestamptz NOT NULL,
    CONSTRAINT receipt_number_once UNIQUE (series_id, seq)
);
CREATE TRIGGER receipt_is_immutable BEFORE UPDATE OR DELETE ON receipt
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- +goose StatementBegin
CREATE FUNCTION receipt_takes_its_number() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM series WHERE id = NEW.series_id AND next = NEW.seq + 1 AND kind = 'receipt') THEN
        RAISE EXCEPTION 'number % is not the one just taken from series %', NEW.seq, NEW.series_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'receipt_takes_its_number';
    END IF;
    IF NOT EXISTS (SELECT FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id
                   WHERE p.entry_id = NEW.entry_id AND a.kind = 'balance' AND a.payer_id = NEW.payer_id
                     AND p.currency = NEW.currency AND p.amount_minor = -NEW.amount_minor) THEN
        RAISE EXCEPTION 'receipt % is not of what its entry booked', NEW.number
            USING ERRCODE = 'check_violation', CONSTRAINT = 'receipt_is_of_its_entry';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION series_number_is_used() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM invoice WHERE series_id = NEW.id AND seq = NEW.next - 1)
       AND NOT EXISTS (SELECT FROM receipt WHERE series_id = NEW.id AND seq = NEW.next - 1) THEN
        RAISE EXCEPTION 'number % of series % was taken and not issued', NEW.next - 1, NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'series_number_is_used';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER receipt_takes_its_number BEFORE INSERT ON receipt FOR EACH ROW EXECUTE FUNCTION receipt_takes_its_number();
