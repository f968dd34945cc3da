-- +goose Up

-- An answer about a VAT number is the proof of it, and never changes. One that a
-- register gave belongs to the payer it was asked for, under the name that the
-- payer had; without a payer it is an operator's look-up, which stands for
-- everybody with the number.
ALTER TABLE vat_check
    ADD COLUMN payer_id   uuid REFERENCES payer,
    ADD COLUMN buyer_name text  NOT NULL DEFAULT '',
    ADD COLUMN requester  text  NOT NULL DEFAULT '', -- who asked, as the register was told
    ADD COLUMN dated      text  NOT NULL DEFAULT '', -- as the register dates its answer
    ADD COLUMN name       text  NOT NULL DEFAULT '', -- of the holder; empty where the register hides it
    ADD COLUMN address    text  NOT NULL DEFAULT '',
    ADD COLUMN program    text  NOT NULL DEFAULT '', -- that asked
    ADD COLUMN raw        bytea,                     -- the answer, byte for byte
    ADD CONSTRAINT vat_check_keeps_the_answer CHECK (payer_id IS NULL OR raw IS NOT NULL);
CREATE INDEX vat_check_payer ON vat_check (payer_id, id DESC) WHERE payer_id IS NOT NULL;
CREATE TRIGGER vat_check_is_immutable BEFORE UPDATE OR DELETE ON vat_check
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- A register that owes an answer about a payer's number: when it is asked next.
CREATE TABLE vat_inquiry (
    payer_id    uuid PRIMARY KEY REFERENCES payer,
    vat_number  text        NOT NULL,
    began_at    timestamptz NOT NULL,
    silent      integer     NOT NULL DEFAULT 0,  -- how often it gave no answer
    asked_at    timestamptz,
    failure     text        NOT NULL DEFAULT '', -- code of the last silence
    next_try_at timestamptz                      -- null: left alone until there is a reason
);
CREATE INDEX vat_inquiry_due ON vat_inquiry (next_try_at) WHERE next_try_at IS NOT NULL;

-- What the VAT of a settled order stands on. pending: the answer was not of the
-- day, so that a later one may show that the VAT has to be corrected.
ALTER TABLE settlement
    ADD COLUMN vat_check_id bigint REFERENCES vat_check,
    ADD COLUMN vat_pending  boolean NOT NULL DEFAULT false;
CREATE INDEX settlement_pending ON settlement ((buyer ->> 'ID')) WHERE vat_pending;

-- The answer that a pending settlement waited for.
CREATE TABLE settlement_answer (
    order_id     uuid   CONSTRAINT settlement_answer_once PRIMARY KEY REFERENCES orders,
    vat_check_id bigint NOT NULL REFERENCES vat_check,
    noted_at     timestamptz NOT NULL
);
CREATE TRIGGER settlement_answer_is_immutable BEFORE UPDATE OR DELETE ON settlement_answer
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- No reverse charge without a register's "valid" about the buyer's number, given
-- for this payer or looked up by an operator, at most 30 days before (I28). A
-- program that does not name the answer needs one all the same.
-- +goose StatementBegin
CREATE FUNCTION settlement_has_its_proof() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.treatment ->> 'Row' = 'R4' AND NOT EXISTS (
        SELECT FROM vat_check c JOIN orders o ON o.id = NEW.order_id
        WHERE c.vat_number = NEW.buyer ->> 'VATNumber' AND c.result = 'valid'
          AND (c.payer_id IS NULL OR c.payer_id = o.payer_id AND c.buyer_name = NEW.buyer ->> 'Name')
          AND c.checked_at <= NEW.settled_at AND c.checked_at >= NEW.settled_at - interval '720 hours'
          AND c.id = COALESCE(NEW.vat_check_id, c.id)) THEN
        RAISE EXCEPTION 'order % is settled without VAT and without a proof for it', NEW.order_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'settlement_has_its_proof';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER settlement_has_its_proof BEFORE INSERT ON settlement
    FOR EACH ROW EXECUTE FUNCTION settlement_has_its_proof();
