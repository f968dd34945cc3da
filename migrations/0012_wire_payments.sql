-- +goose Up

-- The next period of a subscription as something that is paid for: once (I6).
-- Every payment of an order that renews is for its row.
CREATE TABLE renewal (
    id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    subscription_id uuid        NOT NULL REFERENCES subscription,
    period_no       integer     NOT NULL CHECK (period_no > 1),
    state           text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'paid', 'gave_up')),
    tries           integer     NOT NULL DEFAULT 0 CHECK (tries >= 0), -- charges of a saved method
    last_try_on     date,
    next_try_at     timestamptz,
    created_at      timestamptz NOT NULL,
    CONSTRAINT renewal_once UNIQUE (subscription_id, period_no)
);
CREATE INDEX renewal_due ON renewal (next_try_at) WHERE state = 'open' AND next_try_at IS NOT NULL;

-- +goose StatementBegin
CREATE FUNCTION renewal_stays_paid() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'paid' AND NEW.state <> 'paid' OR (NEW.subscription_id, NEW.period_no) <> (OLD.subscription_id, OLD.period_no) THEN
        RAISE EXCEPTION 'renewal % is of one period, and stays paid', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'renewal_stays_paid';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER renewal_stays_paid BEFORE UPDATE ON renewal FOR EACH ROW EXECUTE FUNCTION renewal_stays_paid();
CREATE TRIGGER renewal_stays BEFORE DELETE ON renewal FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- What a payment's request says has to be the same each time it is sent, and the
-- order that the money is for has to be known where the payable is a renewal.
ALTER TABLE payment
    ADD COLUMN order_id    uuid REFERENCES orders,
    ADD COLUMN keep_method boolean NOT NULL DEFAULT false, -- the payer agreed to later charges
    ADD COLUMN language    text    NOT NULL DEFAULT '',    -- of the provider's page
    ADD COLUMN return_url  text    NOT NULL DEFAULT '',    -- where the provider's page leads to afterwards
    ADD CONSTRAINT payment_top_up_has_no_order CHECK (payable_kind <> 'topup' OR order_id IS NULL);
CREATE INDEX payment_order ON payment (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX payment_parent ON payment (parent_id) WHERE parent_id IS NOT NULL;

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION payment_keeps_its_word() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('succeeded', 'failed', 'canceled', 'expired') AND NEW.state <> OLD.state THEN
        RAISE EXCEPTION 'payment % is % and never moves', OLD.id, OLD.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_terminal_never_moves';
    END IF;
    IF (NEW.payer_id, NEW.payable_kind, NEW.payable_id, NEW.provider, NEW.provider_account, NEW.initiator, NEW.currency, NEW.amount_minor,
        NEW.may_underpay, NEW.tolerated_minor, NEW.parent_id, NEW.created_at, NEW.order_id, NEW.keep_method, NEW.language, NEW.return_url)
       IS DISTINCT FROM
       (OLD.payer_id, OLD.payable_kind, OLD.payable_id, OLD.provider, OLD.provider_account, OLD.initiator, OLD.currency, OLD.amount_minor,
        OLD.may_underpay, OLD.tolerated_minor, OLD.parent_id, OLD.created_at, OLD.order_id, OLD.keep_method, OLD.language, OLD.return_url) THEN
        RAISE EXCEPTION 'what payment % is for never changes', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_purpose_never_changes';
    END IF;
    IF NEW.received_minor < OLD.received_minor OR NEW.attempt_no < OLD.attempt_no OR NEW.declines < OLD.declines OR NEW.as_of < OLD.as_of THEN
        RAISE EXCEPTION 'payment % goes back', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_only_goes_on';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
