-- +goose Up

-- Charge moments: each time that the charge of a saved method was let go, in the
-- transaction that lets it (security.md 3). A renewal has one a day; a request
-- that surely was not executed does not count.
CREATE TABLE charge (
    payment_id   uuid        NOT NULL REFERENCES payment,
    attempt_no   integer     NOT NULL,
    payer_id     uuid        NOT NULL REFERENCES payer,
    renewal_id   uuid        NOT NULL REFERENCES renewal,
    on_day       date        NOT NULL, -- the seller's business day
    currency     text        NOT NULL, -- as of the payment, like what else it repeats
    amount_minor bigint      NOT NULL,
    at           timestamptz NOT NULL,
    not_sent     boolean     NOT NULL DEFAULT false, -- as the answer said
    CONSTRAINT charge_attempt_once PRIMARY KEY (payment_id, attempt_no)
);
CREATE UNIQUE INDEX charge_once_a_day ON charge (renewal_id, on_day) WHERE NOT not_sent;
CREATE INDEX charge_payer ON charge (payer_id, on_day);

-- +goose StatementBegin
CREATE FUNCTION charge_keeps_its_moment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.not_sent OR to_jsonb(NEW) - 'not_sent' <> to_jsonb(OLD) - 'not_sent' THEN
        RAISE EXCEPTION 'charge % of payment % has happened', OLD.attempt_no, OLD.payment_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'charge_keeps_its_moment';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER charge_keeps_its_moment BEFORE UPDATE ON charge FOR EACH ROW EXECUTE FUNCTION charge_keeps_its_moment();
CREATE TRIGGER charge_stays BEFORE DELETE ON charge FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE INDEX payment_renewals ON payment (payable_id, created_at) WHERE payable_kind = 'renewal';
