-- +goose Up

-- The reference by which a payer's bank transfers reach its balance. It is the
-- payer's for good.
CREATE SEQUENCE payer_reference_number AS integer MINVALUE 1 MAXVALUE 999999999;
CREATE TABLE payer_reference (
    payer_id   uuid PRIMARY KEY REFERENCES payer,
    reference  text        NOT NULL CONSTRAINT payer_reference_once UNIQUE CHECK (reference ~ '^RF[0-9]{2}9[0-9]{9}$'),
    created_at timestamptz NOT NULL
);
CREATE TRIGGER payer_reference_is_immutable BEFORE UPDATE OR DELETE ON payer_reference
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- What is matched pays an order, or goes to a payer's balance.
ALTER TABLE bank_entry
    ADD COLUMN payer_id uuid REFERENCES payer,
    DROP CONSTRAINT bank_entry_check,
    ADD CONSTRAINT bank_entry_matched_once CHECK (num_nonnulls(order_id, payer_id) = CASE WHEN outcome = 'matched' THEN 1 ELSE 0 END);
