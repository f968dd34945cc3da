-- +goose Up

-- Until when each provider's own list of payments was held against ours: up to
-- which of its changes, by its clock.
CREATE TABLE book_comparison (
    provider         text        NOT NULL,
    provider_account text        NOT NULL,
    compared_to      timestamptz NOT NULL,
    done_at          timestamptz NOT NULL,
    PRIMARY KEY (provider, provider_account)
);

-- Payments in a provider's list that are none of ours. A person finds out whose
-- money it is; a row follows what the provider shows of it.
CREATE TABLE stray_payment (
    provider         text        NOT NULL,
    provider_account text        NOT NULL,
    provider_ref     text        NOT NULL,
    reference        text        NOT NULL, -- what the provider took for our id
    currency         char(3)     NOT NULL,
    received_minor   bigint      NOT NULL,
    returned_minor   bigint      NOT NULL, -- refunded, and withdrawn by disputes
    as_of            timestamptz NOT NULL,
    first_seen_at    timestamptz NOT NULL,
    PRIMARY KEY (provider, provider_account, provider_ref),
    CONSTRAINT stray_payment_returns_what_came CHECK (returned_minor BETWEEN 0 AND received_minor)
);
CREATE INDEX stray_payment_left ON stray_payment (first_seen_at DESC) WHERE returned_minor < received_minor;
