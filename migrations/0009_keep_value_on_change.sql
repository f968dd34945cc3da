-- +goose Up

-- The value account of paid periods: exact fractions "num/den", in minor units
-- and minor units a second. All four or none: a period without them cannot be
-- changed. A change replaces periods: the earlier row stays, superseded.
ALTER TABLE subscription_period
    ADD COLUMN price_book    text,
    ADD COLUMN monthly_minor bigint,
    ADD COLUMN worth         text,
    ADD COLUMN rate          text,
    ADD COLUMN change        integer NOT NULL DEFAULT 0 CHECK (change >= 0), -- 0: as bought
    ADD COLUMN superseded_at timestamptz;

DROP TRIGGER subscription_period_is_immutable ON subscription_period;

-- What was bought was used up evenly; ends of a fraction of a second have no exact rate here.
UPDATE subscription_period p
SET price_book = o.price_book, monthly_minor = o.monthly_minor, worth = o.net_minor || '/1',
    rate = o.net_minor || '/' || (extract(epoch FROM upper(p.during)) - extract(epoch FROM lower(p.during)))::bigint
FROM orders o
WHERE o.id = p.order_id AND date_trunc('second', lower(p.during)) = lower(p.during)
  AND date_trunc('second', upper(p.during)) = upper(p.during);

ALTER TABLE subscription_period
    ADD CONSTRAINT subscription_period_account_is_whole CHECK (num_nulls(price_book, monthly_minor, worth, rate) IN (0, 4)),
    ADD CONSTRAINT subscription_period_account_is_exact CHECK (monthly_minor > 0 AND worth ~ '^[0-9]+/[1-9][0-9]*$' AND rate ~ '^[1-9][0-9]*/[1-9][0-9]*$'),
    DROP CONSTRAINT subscription_period_pkey,
    ADD PRIMARY KEY (subscription_id, number, change),
    DROP CONSTRAINT subscription_period_order_once,
    DROP CONSTRAINT subscription_period_no_overlap,
    ADD CONSTRAINT subscription_period_no_overlap EXCLUDE USING gist (subscription_id WITH =, during WITH &&) WHERE (superseded_at IS NULL);
CREATE UNIQUE INDEX subscription_period_order_once ON subscription_period (order_id) WHERE superseded_at IS NULL;
CREATE UNIQUE INDEX subscription_period_bought_once ON subscription_period (order_id) WHERE change = 0;
CREATE UNIQUE INDEX subscription_period_number_once ON subscription_period (subscription_id, number) WHERE superseded_at IS NULL;

-- A period is superseded once; nothing else of it ever changes.
-- +goose StatementBegin
CREATE FUNCTION subscription_period_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.superseded_at IS NOT NULL OR NEW.superseded_at IS NULL
       OR to_jsonb(NEW) - 'superseded_at' <> to_jsonb(OLD) - 'superseded_at' THEN
        RAISE EXCEPTION '% on % is refused: its rows never change', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'subscription_period_is_immutable';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER subscription_period_is_immutable BEFORE UPDATE OR DELETE ON subscription_period
    FOR EACH ROW EXECUTE FUNCTION subscription_period_keep();

-- How many days a change gave, or took when negative.
ALTER TABLE subscription_event
    ADD COLUMN days integer NOT NULL DEFAULT 0,
    DROP CONSTRAINT subscription_event_kind_check,
    ADD CONSTRAINT subscription_event_kind_check
        CHECK (kind IN ('started', 'extended', 'auto_renew_off', 'auto_renew_on', 'ended', 'changed', 'withdrawn', 'refunded'));

-- What a change leaves that buys no second goes back to the balance.
ALTER TABLE ledger_entry
    DROP CONSTRAINT ledger_entry_kind_check,
    ADD CONSTRAINT ledger_entry_kind_check CHECK (kind IN ('bank_received', 'bank_suspense', 'order_paid', 'change_credit'));
