-- +goose Up

-- A card or an account at a provider that a payer keeps with us.
CREATE TABLE payment_method (
    id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    payer_id         uuid        NOT NULL REFERENCES payer,
    provider         text        NOT NULL,
    provider_account text        NOT NULL,
    provider_ref     text        NOT NULL CHECK (provider_ref <> ''), -- the provider's token
    label            text        NOT NULL, -- for people: "Visa •••• 4242"
    fingerprint      text        NOT NULL, -- the same for the same card; empty where not told
    expires_on       date,
    created_at       timestamptz NOT NULL,
    revoked_at       timestamptz, -- never charged afterwards
    CONSTRAINT payment_method_once UNIQUE (provider, provider_account, provider_ref)
);
CREATE INDEX payment_method_payer ON payment_method (payer_id);

-- The payer's agreement to be charged while away: what was shown, and who agreed
-- from where. Rows only ever gain the instant of revocation.
CREATE TABLE consent (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    payer_id    uuid        NOT NULL REFERENCES payer,
    account_id  uuid        NOT NULL REFERENCES account,
    subject     uuid        NOT NULL, -- the order or subscription that it is for
    method_id   uuid        REFERENCES payment_method,
    text_id     text        NOT NULL,
    language    text        NOT NULL,
    text_sha256 bytea       NOT NULL CHECK (length(text_sha256) = 32),
    amount_rule text        NOT NULL,
    months      integer     NOT NULL CHECK (months > 0),
    ip          text        NOT NULL,
    user_agent  text        NOT NULL,
    given_at    timestamptz NOT NULL,
    revoked_at  timestamptz CHECK (revoked_at >= given_at)
);
CREATE INDEX consent_subject ON consent (subject, given_at);

-- +goose StatementBegin
CREATE FUNCTION consent_keeps_its_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.revoked_at IS NOT NULL OR to_jsonb(NEW) - 'revoked_at' IS DISTINCT FROM to_jsonb(OLD) - 'revoked_at' THEN
        RAISE EXCEPTION 'consent % can only be revoked, once', OLD.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'consent_keeps_its_words';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER consent_keeps_its_words BEFORE UPDATE ON consent FOR EACH ROW EXECUTE FUNCTION consent_keeps_its_words();
CREATE TRIGGER consent_stays BEFORE DELETE ON consent FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- One attempt to get money for a payable.
CREATE TABLE payment (
    id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    payer_id         uuid        NOT NULL REFERENCES payer,
    payable_kind     text        NOT NULL CHECK (payable_kind IN ('order', 'renewal', 'topup')),
    payable_id       uuid        NOT NULL, -- the order, or the period of a renewal: never the subscription
    provider         text        NOT NULL,
    provider_account text        NOT NULL,
    provider_ref     text        CHECK (provider_ref <> ''),
    payer_url        text        NOT NULL DEFAULT '',
    initiator        text        NOT NULL CHECK (initiator IN ('payer', 'merchant')),
    currency         text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount_minor     bigint      NOT NULL CHECK (amount_minor > 0),
    may_underpay     boolean     NOT NULL DEFAULT false,
    tolerated_minor  bigint      NOT NULL DEFAULT 0 CHECK (tolerated_minor >= 0 AND tolerated_minor < amount_minor),
    received_minor   bigint      NOT NULL DEFAULT 0 CHECK (received_minor >= 0),
    refunded_minor   bigint      NOT NULL DEFAULT 0, -- as the provider shows it
    disputed_minor   bigint      NOT NULL DEFAULT 0 CHECK (disputed_minor >= 0),
    asked_minor      bigint      NOT NULL DEFAULT 0, -- in refunds of ours that have not failed; kept by a trigger
    state            text        NOT NULL CHECK (state IN ('created', 'awaiting_payer', 'action_required', 'processing', 'partially_paid', 'unknown',
                                                          'succeeded', 'failed', 'canceled', 'expired')),
    attempt_no       integer     NOT NULL DEFAULT 1 CHECK (attempt_no > 0),
    declines         integer     NOT NULL DEFAULT 0 CHECK (declines >= 0),
    parked           text        NOT NULL DEFAULT '', -- why a person has to look
    sent_at          timestamptz,
    repeat_until     timestamptz,
    as_of            timestamptz, -- of the last view, by the provider's clock
    expires_at       timestamptz,
    next_check_at    timestamptz,
    checks           integer     NOT NULL DEFAULT 0 CHECK (checks >= 0),
    method_id        uuid        REFERENCES payment_method,
    parent_id        uuid        REFERENCES payment,
    version          bigint      NOT NULL DEFAULT 1,
    created_at       timestamptz NOT NULL,
    CONSTRAINT payment_ref_once UNIQUE (provider, provider_account, provider_ref),
    CONSTRAINT payment_refunded_at_most_received CHECK (refunded_minor BETWEEN 0 AND received_minor),
    CONSTRAINT payment_asked_at_most_received CHECK (asked_minor BETWEEN 0 AND received_minor),
    CONSTRAINT payment_succeeds_with_money CHECK (state <> 'succeeded' OR received_minor >= amount_minor - tolerated_minor),
    CONSTRAINT payment_sent_is_remembered CHECK ((sent_at IS NULL) = (repeat_until IS NULL)),
    CONSTRAINT payment_ended_is_not_looked_at CHECK (next_check_at IS NULL OR state NOT IN ('succeeded', 'failed', 'canceled', 'expired'))
);
-- A payable is paid once: no second payment while one is alive or has succeeded.
CREATE UNIQUE INDEX payment_one_live ON payment (payable_kind, payable_id)
    WHERE state IN ('created', 'awaiting_payer', 'action_required', 'processing', 'partially_paid', 'unknown', 'succeeded');
CREATE INDEX payment_payer ON payment (payer_id, created_at DESC);
CREATE INDEX payment_to_check ON payment (next_check_at) WHERE next_check_at IS NOT NULL;
CREATE INDEX payment_method_used ON payment (method_id) WHERE method_id IS NOT NULL;

-- +goose StatementBegin
CREATE FUNCTION payment_keeps_its_word() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('succeeded', 'failed', 'canceled', 'expired') AND NEW.state <> OLD.state THEN
        RAISE EXCEPTION 'payment % is % and never moves', OLD.id, OLD.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_terminal_never_moves';
    END IF;
    IF (NEW.payer_id, NEW.payable_kind, NEW.payable_id, NEW.provider, NEW.provider_account, NEW.initiator, NEW.currency, NEW.amount_minor,
        NEW.may_underpay, NEW.tolerated_minor, NEW.parent_id, NEW.created_at)
       IS DISTINCT FROM
       (OLD.payer_id, OLD.payable_kind, OLD.payable_id, OLD.provider, OLD.provider_account, OLD.initiator, OLD.currency, OLD.amount_minor,
        OLD.may_underpay, OLD.tolerated_minor, OLD.parent_id, OLD.created_at) THEN
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
CREATE TRIGGER payment_keeps_its_word BEFORE UPDATE ON payment FOR EACH ROW EXECUTE FUNCTION payment_keeps_its_word();
CREATE TRIGGER payment_stays BEFORE DELETE ON payment FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Webhooks as they came. Bodies hold personal data and go after 90 days.
CREATE TABLE webhook_inbox (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    provider         text        NOT NULL,
    provider_account text        NOT NULL,
    event_key        text        NOT NULL,
    event_type       text        NOT NULL,
    payment_ref      text        NOT NULL, -- the provider's id of the payment; empty where not told
    payment_id       text        NOT NULL, -- ours, as the provider says it: not checked
    occurred_at      timestamptz,
    body             bytea       NOT NULL,
    headers          jsonb       NOT NULL,
    body_sha256      bytea       NOT NULL CHECK (length(body_sha256) = 32),
    state            text        NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'ignored', 'failed')),
    attempts         integer     NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    last_error       text        NOT NULL DEFAULT '',
    received_at      timestamptz NOT NULL,
    processed_at     timestamptz,
    CONSTRAINT webhook_inbox_once UNIQUE (provider, provider_account, event_key)
);
CREATE INDEX webhook_inbox_pending ON webhook_inbox (received_at) WHERE state = 'pending';
CREATE INDEX webhook_inbox_received ON webhook_inbox (received_at);

-- Everything that ever happened to a payment. inbox_id references webhooks that
-- are deleted long before.
CREATE TABLE payment_event (
    payment_id uuid        NOT NULL REFERENCES payment,
    seq        integer     NOT NULL CHECK (seq > 0),
    from_state text        NOT NULL, -- empty for the first
    to_state   text        NOT NULL,
    source     text        NOT NULL CHECK (source IN ('api', 'lookup', 'operator', 'clock')),
    outcome    text        NOT NULL DEFAULT '' CHECK (outcome IN ('', 'unknown', 'succeeded', 'pending', 'action_required', 'declined', 'not_sent')),
    inbox_id   bigint,
    detail     jsonb       NOT NULL DEFAULT '{}',
    at         timestamptz NOT NULL,
    PRIMARY KEY (payment_id, seq)
);
CREATE TRIGGER payment_event_is_immutable BEFORE UPDATE OR DELETE ON payment_event
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE refund (
    id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    payment_id       uuid        NOT NULL REFERENCES payment,
    provider         text        NOT NULL,
    provider_account text        NOT NULL,
    provider_ref     text        CHECK (provider_ref <> ''),
    request          text        NOT NULL CONSTRAINT refund_request_once UNIQUE, -- the same request is one refund
    currency         text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount_minor     bigint      NOT NULL CHECK (amount_minor > 0),
    state            text        NOT NULL CHECK (state IN ('requested', 'pending', 'unknown', 'succeeded', 'failed')),
    attempt_no       integer     NOT NULL DEFAULT 1 CHECK (attempt_no > 0),
    reason           text        NOT NULL,
    asked_by         text        NOT NULL, -- as in the audit log
    created_at       timestamptz NOT NULL,
    CONSTRAINT refund_ref_once UNIQUE (provider, provider_account, provider_ref)
);
CREATE INDEX refund_payment ON refund (payment_id);

-- What is asked back of a payment is counted on its row, under its lock: two
-- refunds at once cannot exceed what was received.
-- +goose StatementBegin
CREATE FUNCTION refund_counts() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before bigint := 0;
    after  bigint := CASE WHEN NEW.state = 'failed' THEN 0 ELSE NEW.amount_minor END;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.payment_id, NEW.request, NEW.currency, NEW.amount_minor) IS DISTINCT FROM (OLD.payment_id, OLD.request, OLD.currency, OLD.amount_minor) THEN
            RAISE EXCEPTION 'what refund % gives back never changes', OLD.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_purpose_never_changes';
        END IF;
        before := CASE WHEN OLD.state = 'failed' THEN 0 ELSE OLD.amount_minor END;
    END IF;
    IF after <> before THEN
        UPDATE payment SET asked_minor = asked_minor + after - before WHERE id = NEW.payment_id AND currency = NEW.currency;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'refund % is not in the currency of its payment', NEW.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_in_currency_of_payment';
        END IF;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER refund_counts AFTER INSERT OR UPDATE ON refund FOR EACH ROW EXECUTE FUNCTION refund_counts();
CREATE TRIGGER refund_stays BEFORE DELETE ON refund FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE dispute (
    id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    payment_id       uuid        NOT NULL REFERENCES payment,
    provider         text        NOT NULL,
    provider_account text        NOT NULL,
    provider_ref     text        NOT NULL CHECK (provider_ref <> ''),
    currency         text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount_minor     bigint      NOT NULL CHECK (amount_minor > 0),
    reason           text        NOT NULL,
    state            text        NOT NULL CHECK (state IN ('open', 'won', 'lost')),
    opened_at        timestamptz NOT NULL,
    CONSTRAINT dispute_ref_once UNIQUE (provider, provider_account, provider_ref)
);
CREATE INDEX dispute_payment ON dispute (payment_id);
CREATE TRIGGER dispute_stays BEFORE DELETE ON dispute FOR EACH ROW EXECUTE FUNCTION refuse_change();
