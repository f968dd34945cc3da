-- +goose Up

-- An entry is checked once, at the end of its transaction, however many postings
-- it has: each came with a check of the whole entry. So that nothing escapes, a
-- posting is written in the transaction of its entry, or not at all.
DROP TRIGGER ledger_posting_balances ON ledger_posting;

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION ledger_entry_balances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM (SELECT count(*) AS postings, sum(amount_minor) AS amount FROM ledger_posting WHERE entry_id = NEW.id GROUP BY currency) c
                   HAVING sum(c.postings) >= 2 AND bool_and(c.amount = 0)) THEN
        RAISE EXCEPTION 'ledger entry % does not balance', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_balances';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION ledger_posting_comes_with_its_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM written w JOIN ledger_entry e ON e.id = w.entry_id WHERE e.xmin <> pg_current_xact_id()::xid) THEN
        RAISE EXCEPTION 'a posting comes with its entry, not after it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_posting_comes_with_its_entry';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER ledger_posting_comes_with_its_entry AFTER INSERT ON ledger_posting
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION ledger_posting_comes_with_its_entry();

-- The balance is kept once for a statement, too.
DROP TRIGGER ledger_keep_balance ON ledger_posting;
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION ledger_keep_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ledger_account a SET balance_minor = a.balance_minor + w.amount
    FROM (SELECT account_id, sum(amount_minor)::bigint AS amount FROM written GROUP BY account_id) w
    WHERE a.id = w.account_id AND a.kind = 'balance';
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER ledger_keep_balance AFTER INSERT ON ledger_posting
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION ledger_keep_balance();
