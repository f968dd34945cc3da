-- +goose Up

CREATE EXTENSION IF NOT EXISTS btree_gist;

-- Refuses any change of a row that was written once and for all.
-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: its rows never change', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_TABLE_NAME || '_is_immutable';
END $$;
-- +goose StatementEnd

CREATE TABLE subscription (
    id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    payer_id       uuid        NOT NULL REFERENCES payer,
    customer_id    uuid        NOT NULL REFERENCES account,
    plan           text        NOT NULL CHECK (plan IN ('softphone', 'gateway', 'softphone_provider', 'trial', 'starter')),
    accounts       integer     NOT NULL DEFAULT 0 CHECK (accounts >= 0),
    recording      boolean     NOT NULL DEFAULT false,
    lines          integer     NOT NULL DEFAULT 0 CHECK (lines >= 0),
    extra_accounts integer     NOT NULL DEFAULT 0 CHECK (extra_accounts >= 0),
    api            boolean     NOT NULL DEFAULT false,
    months         integer     NOT NULL CHECK (months > 0), -- the period that a renewal buys
    currency       text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    state          text        NOT NULL CHECK (state IN ('active', 'ended')),
    auto_renew     boolean     NOT NULL,
    anchor_day     integer     NOT NULL CHECK (anchor_day BETWEEN 1 AND 31),
    started_at     timestamptz NOT NULL,
    paid_until     timestamptz NOT NULL,
    CHECK (paid_until > started_at)
);
CREATE UNIQUE INDEX subscription_one_live ON subscription (customer_id, plan) WHERE state = 'active';
CREATE INDEX subscription_payer ON subscription (payer_id);

CREATE TABLE order_number (
    year integer PRIMARY KEY,
    next bigint NOT NULL CHECK (next > 0)
);

-- A priced intent to pay.
CREATE TABLE orders (
    id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    number          text        NOT NULL UNIQUE,
    reference       text        NOT NULL UNIQUE CHECK (reference ~ '^RF[0-9]{2}[0-9A-Z]{1,21}$'),
    kind            text        NOT NULL CHECK (kind IN ('new', 'renewal')),
    state           text        NOT NULL CHECK (state IN ('awaiting_payment', 'paid', 'expired', 'canceled')),
    payer_id        uuid        NOT NULL REFERENCES payer,
    customer_id     uuid        NOT NULL REFERENCES account,
    placed_by       uuid        NOT NULL REFERENCES account,
    subscription_id uuid        REFERENCES subscription,
    plan            text        NOT NULL CHECK (plan IN ('softphone', 'gateway')),
    accounts        integer     NOT NULL CHECK (accounts BETWEEN 0 AND 1000),
    recording       boolean     NOT NULL,
    lines           integer     NOT NULL CHECK (lines BETWEEN 0 AND 1000),
    extra_accounts  integer     NOT NULL CHECK (extra_accounts BETWEEN 0 AND 1000),
    api             boolean     NOT NULL,
    months          integer     NOT NULL CHECK (months IN (6, 12, 36)),
    price_book      text        NOT NULL,
    currency        text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    monthly_minor   bigint      NOT NULL CHECK (monthly_minor > 0),
    discount_minor  bigint      NOT NULL CHECK (discount_minor >= 0),
    net_minor       bigint      NOT NULL CHECK (net_minor > 0),
    vat_minor       bigint      NOT NULL CHECK (vat_minor >= 0),
    total_minor     bigint      NOT NULL,
    vat_row         text        NOT NULL, -- row of the decision table, as expected when the order was placed
    method          text        NOT NULL CHECK (method IN ('bank')),
    quote_sha256    bytea       NOT NULL CONSTRAINT orders_quote_once UNIQUE CHECK (length(quote_sha256) = 32), -- a form sent twice is one order
    placed_at       timestamptz NOT NULL,
    valid_until     date        NOT NULL,
    closed_at       timestamptz, -- paid, expired or canceled
    CONSTRAINT orders_net_adds_up CHECK (net_minor = monthly_minor * months - discount_minor),
    CONSTRAINT orders_total_adds_up CHECK (total_minor = net_minor + vat_minor),
    CHECK ((state = 'awaiting_payment') = (closed_at IS NULL)),
    CHECK (state <> 'paid' OR subscription_id IS NOT NULL)
);
CREATE INDEX orders_payer ON orders (payer_id, placed_at DESC);
CREATE INDEX orders_open ON orders (valid_until) WHERE state = 'awaiting_payment';

-- +goose StatementBegin
CREATE FUNCTION orders_keep_price() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'awaiting_payment' AND NOT (OLD.state = 'expired' AND NEW.state = 'paid') THEN
        RAISE EXCEPTION 'order % is closed', OLD.number
            USING ERRCODE = 'check_violation', CONSTRAINT = 'orders_closed_stays_closed';
    END IF;
    IF (NEW.number, NEW.reference, NEW.payer_id, NEW.customer_id, NEW.plan, NEW.accounts, NEW.recording, NEW.lines,
        NEW.extra_accounts, NEW.api, NEW.months, NEW.currency, NEW.monthly_minor, NEW.discount_minor, NEW.net_minor,
        NEW.vat_minor, NEW.total_minor, NEW.placed_at)
       IS DISTINCT FROM
       (OLD.number, OLD.reference, OLD.payer_id, OLD.customer_id, OLD.plan, OLD.accounts, OLD.recording, OLD.lines,
        OLD.extra_accounts, OLD.api, OLD.months, OLD.currency, OLD.monthly_minor, OLD.discount_minor, OLD.net_minor,
        OLD.vat_minor, OLD.total_minor, OLD.placed_at) THEN
        RAISE EXCEPTION 'what order % is for never changes', OLD.number
            USING ERRCODE = 'check_violation', CONSTRAINT = 'orders_price_never_changes';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER orders_keep_price BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION orders_keep_price();

-- Where the buyer is, as known when the order was placed and when it was paid
-- (Reg. 282/2011 art. 24b, 24f); kept ten years.
CREATE TABLE tax_evidence (
    order_id     uuid        NOT NULL REFERENCES orders,
    kind         text        NOT NULL CHECK (kind IN ('billing_address', 'ip', 'bank_account', 'vat_number')),
    country      text        NOT NULL,
    detail       text        NOT NULL,
    collected_at timestamptz NOT NULL,
    PRIMARY KEY (order_id, kind)
);
CREATE TRIGGER tax_evidence_is_immutable BEFORE UPDATE OR DELETE ON tax_evidence
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Paid periods. Those of one subscription may touch and never overlap; one
-- order buys one period.
CREATE TABLE subscription_period (
    subscription_id uuid      NOT NULL REFERENCES subscription,
    number          integer   NOT NULL CHECK (number > 0),
    during          tstzrange NOT NULL CHECK (NOT isempty(during) AND lower_inc(during) AND NOT upper_inc(during)),
    order_id        uuid      REFERENCES orders,
    PRIMARY KEY (subscription_id, number),
    CONSTRAINT subscription_period_order_once UNIQUE (order_id),
    CONSTRAINT subscription_period_no_overlap EXCLUDE USING gist (subscription_id WITH =, during WITH &&)
);
CREATE TRIGGER subscription_period_is_immutable BEFORE UPDATE OR DELETE ON subscription_period
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Everything that ever happened to a subscription: the answer to "Why this date?".
CREATE TABLE subscription_event (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subscription_id uuid        NOT NULL REFERENCES subscription,
    at              timestamptz NOT NULL,
    kind            text        NOT NULL CHECK (kind IN ('started', 'extended', 'auto_renew_off', 'auto_renew_on', 'ended')),
    actor           text        NOT NULL,
    months          integer     NOT NULL DEFAULT 0,
    order_number    text        NOT NULL DEFAULT '',
    paid_until      timestamptz NOT NULL
);
CREATE INDEX subscription_event_of ON subscription_event (subscription_id, id);
CREATE TRIGGER subscription_event_is_immutable BEFORE UPDATE OR DELETE ON subscription_event
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
