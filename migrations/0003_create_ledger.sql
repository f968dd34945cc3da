-- +goose Up

-- Double entry. A positive amount is a debit, a negative one a credit; what a
-- payer has with us stands on the credit side of its balance account.
CREATE TABLE ledger_account (
    id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind               text    NOT NULL CHECK (kind IN ('bank', 'suspense', 'balance', 'revenue', 'vat', 'write_off')),
    payer_id           uuid    REFERENCES payer,
    currency           text    NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    balance_minor      bigint  NOT NULL DEFAULT 0, -- sum of the postings, kept for balance accounts only: the others would be hot rows
    credit_limit_minor bigint  NOT NULL DEFAULT 0 CHECK (credit_limit_minor >= 0),
    CONSTRAINT ledger_account_once UNIQUE NULLS NOT DISTINCT (kind, payer_id, currency),
    UNIQUE (id, currency),
    CHECK ((kind = 'balance') = (payer_id IS NOT NULL)),
    CONSTRAINT ledger_balance_within_limit CHECK (kind <> 'balance' OR balance_minor <= credit_limit_minor)
);

CREATE TABLE ledger_entry (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind          text        NOT NULL CHECK (kind IN ('bank_received', 'bank_suspense', 'order_paid')),
    at            timestamptz NOT NULL,
    order_id      uuid        REFERENCES orders,
    bank_entry_id uuid,
    hash          bytea       NOT NULL CHECK (length(hash) = 32)
);
-- An order is paid once; a bank entry is booked once.
CREATE UNIQUE INDEX ledger_entry_order_once ON ledger_entry (order_id) WHERE kind = 'order_paid';
CREATE UNIQUE INDEX ledger_entry_bank_once ON ledger_entry (bank_entry_id) WHERE bank_entry_id IS NOT NULL;
CREATE TRIGGER ledger_entry_is_immutable BEFORE UPDATE OR DELETE ON ledger_entry
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE ledger_posting (
    entry_id     bigint NOT NULL REFERENCES ledger_entry,
    line         integer NOT NULL CHECK (line > 0),
    account_id   bigint NOT NULL,
    currency     text   NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor <> 0 AND abs(amount_minor) <= 1000000000000),
    PRIMARY KEY (entry_id, line),
    CONSTRAINT ledger_posting_one_currency FOREIGN KEY (account_id, currency) REFERENCES ledger_account (id, currency)
);
CREATE INDEX ledger_posting_account ON ledger_posting (account_id, entry_id);
CREATE TRIGGER ledger_posting_is_immutable BEFORE UPDATE OR DELETE ON ledger_posting
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- +goose StatementBegin
CREATE FUNCTION ledger_entry_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    entry bigint := CASE TG_TABLE_NAME WHEN 'ledger_entry' THEN (to_jsonb(NEW)->>'id')::bigint
                                       ELSE (to_jsonb(NEW)->>'entry_id')::bigint END;
BEGIN
    IF (SELECT count(*) FROM ledger_posting WHERE entry_id = entry) < 2
       OR EXISTS (SELECT FROM ledger_posting WHERE entry_id = entry GROUP BY currency HAVING sum(amount_minor) <> 0) THEN
        RAISE EXCEPTION 'ledger entry % does not balance', entry
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_balances';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER ledger_entry_balances AFTER INSERT ON ledger_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_entry_balances();
CREATE CONSTRAINT TRIGGER ledger_posting_balances AFTER INSERT ON ledger_posting
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_entry_balances();

-- +goose StatementBegin
CREATE FUNCTION ledger_keep_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ledger_account SET balance_minor = balance_minor + NEW.amount_minor
    WHERE id = NEW.account_id AND kind = 'balance';
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER ledger_keep_balance AFTER INSERT ON ledger_posting
    FOR EACH ROW EXECUTE FUNCTION ledger_keep_balance();

-- How an order was settled: the tax decision and the buyer as they were at the
-- tax point. The invoice is drawn up from this row, whenever it is issued.
CREATE TABLE settlement (
    order_id        uuid PRIMARY KEY REFERENCES orders,
    tax_point       date   NOT NULL,
    treatment       jsonb  NOT NULL,
    buyer           jsonb  NOT NULL,
    net_minor       bigint NOT NULL,
    vat_minor       bigint NOT NULL CHECK (vat_minor >= 0),
    shortfall_minor bigint NOT NULL CHECK (shortfall_minor >= 0),
    settled_at      timestamptz NOT NULL
);
CREATE TRIGGER settlement_is_immutable BEFORE UPDATE OR DELETE ON settlement
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
