-- +goose Up

-- A renewal order is prepared by the program itself: nobody placed it.
ALTER TABLE orders ALTER COLUMN placed_by DROP NOT NULL;

-- What renews soon is looked for often.
CREATE INDEX subscription_renewing ON subscription (paid_until) WHERE state = 'active' AND auto_renew;

-- How far the demo's clock is ahead of the real one. Production never has a row.
CREATE TABLE demo_clock (
    only_row       boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    offset_seconds bigint NOT NULL CHECK (offset_seconds >= 0)
);
