-- +goose Up

CREATE TABLE bank_statement (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    iban          text        NOT NULL,
    statement_id  text        NOT NULL,
    currency      text        NOT NULL,
    from_date     date,
    to_date       date,
    opening_minor bigint      NOT NULL,
    closing_minor bigint      NOT NULL,
    file_sha256   bytea       NOT NULL CHECK (length(file_sha256) = 32),
    imported_at   timestamptz NOT NULL,
    imported_by   text        NOT NULL,
    CONSTRAINT bank_statement_once UNIQUE (file_sha256, iban, statement_id)
);

-- One bank entry, booked once whatever statements it stands in. Every credit
-- is matched or in suspense; debits are recorded and ignored.
CREATE TABLE bank_entry (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    key          text        NOT NULL CONSTRAINT bank_entry_once UNIQUE,
    batch        text        NOT NULL, -- key of the bank's entry that this is a part of; empty for none
    fingerprint  text        NOT NULL, -- what entries that look alike share; empty where the bank gave a reference
    statement_id uuid        NOT NULL REFERENCES bank_statement,
    iban         text        NOT NULL,
    booked_on    date        NOT NULL,
    amount_minor bigint      NOT NULL CHECK (amount_minor >= 0),
    currency     text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    credit       boolean     NOT NULL,
    reversal     boolean     NOT NULL,
    payer_name   text        NOT NULL,
    payer_iban   text        NOT NULL,
    reference    text        NOT NULL,
    remittance   text        NOT NULL,
    end_to_end   text        NOT NULL,
    outcome      text        NOT NULL CHECK (outcome IN ('matched', 'suspense', 'ignored')),
    reason       text        NOT NULL,
    third_party  boolean     NOT NULL DEFAULT false, -- the payer's name is not the buyer's
    order_id     uuid        REFERENCES orders,
    imported_at  timestamptz NOT NULL,
    CHECK ((outcome = 'matched') = (order_id IS NOT NULL))
);
CREATE INDEX bank_entry_batch ON bank_entry (batch) WHERE batch <> '';
CREATE INDEX bank_entry_fingerprint ON bank_entry (fingerprint) WHERE fingerprint <> '';
CREATE INDEX bank_entry_suspense ON bank_entry (imported_at) WHERE outcome = 'suspense';
CREATE TRIGGER bank_entry_stays BEFORE DELETE ON bank_entry FOR EACH ROW EXECUTE FUNCTION refuse_change();

ALTER TABLE ledger_entry ADD FOREIGN KEY (bank_entry_id) REFERENCES bank_entry;

CREATE TABLE audit (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL,
    actor       text        NOT NULL, -- account:<uuid>, command:<name>, job:<name>
    action      text        NOT NULL,
    object_kind text        NOT NULL,
    object_id   text        NOT NULL,
    payer_id    uuid        REFERENCES payer,
    detail      jsonb       NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_object ON audit (object_kind, object_id, id);
CREATE TRIGGER audit_is_immutable BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
