-- +goose Up

-- A Telegram user who has signed in. The numeric id is the identity; names are
-- decoration. At most 52 significant bits.
CREATE TABLE account (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    telegram_id  bigint      NOT NULL UNIQUE CHECK (telegram_id > 0 AND telegram_id < 4503599627370496),
    first_name   text        NOT NULL CHECK (length(first_name) <= 64),
    last_name    text        NOT NULL CHECK (length(last_name) <= 64),
    username     text        NOT NULL CHECK (length(username) <= 64),
    language     text        NOT NULL DEFAULT 'en',
    time_zone    text        NOT NULL DEFAULT '',
    created_at   timestamptz NOT NULL,
    signed_in_at timestamptz NOT NULL
);

-- Server-side sessions. Only the SHA-256 of the cookie's token is kept.
CREATE TABLE session (
    token_hash   bytea PRIMARY KEY CHECK (length(token_hash) = 32),
    id           uuid        NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    account_id   uuid        NOT NULL REFERENCES account ON DELETE CASCADE,
    user_agent   text        NOT NULL,
    ip           text        NOT NULL,
    created_at   timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL
);
CREATE INDEX session_account ON session (account_id, created_at);
CREATE INDEX session_expires ON session (expires_at);

-- A sign-in that has begun in one browser: the twin of its short-lived cookie,
-- and where the person was going.
CREATE TABLE login_state (
    state_hash bytea PRIMARY KEY CHECK (length(state_hash) = 32),
    return_to  text        NOT NULL CHECK (return_to ~ '^/' AND length(return_to) <= 2000),
    expires_at timestamptz NOT NULL
);
CREATE INDEX login_state_expires ON login_state (expires_at);

-- Sign-in proofs that were used; a second use is refused.
CREATE TABLE auth_nonce (
    kind       text        NOT NULL,
    digest     bytea       NOT NULL CHECK (length(digest) = 32),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (kind, digest)
);
CREATE INDEX auth_nonce_expires ON auth_nonce (expires_at);

-- Keys of the program's own making, one for each purpose.
CREATE TABLE app_key (
    purpose    text PRIMARY KEY,
    key        bytea       NOT NULL CHECK (length(key) = 32),
    created_at timestamptz NOT NULL DEFAULT now()
);

-- The party that pays and is named on invoices.
CREATE TABLE payer (
    id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    kind           text        NOT NULL CHECK (kind IN ('person', 'company')),
    name           text        NOT NULL CHECK (length(name) <= 200),
    company_code   text        NOT NULL DEFAULT '' CHECK (length(company_code) <= 50),
    vat_number     text        NOT NULL DEFAULT '' CHECK (length(vat_number) <= 20),
    street         text        NOT NULL DEFAULT '' CHECK (length(street) <= 200),
    city           text        NOT NULL DEFAULT '' CHECK (length(city) <= 100),
    postcode       text        NOT NULL DEFAULT '' CHECK (length(postcode) <= 20),
    country        text        NOT NULL DEFAULT '' CHECK (country ~ '^([A-Z]{2})?$'),
    email          text        NOT NULL DEFAULT '' CHECK (length(email) <= 254),
    po_reference   text        NOT NULL DEFAULT '' CHECK (length(po_reference) <= 50),
    language       text        NOT NULL DEFAULT 'en',
    currency       text        NOT NULL DEFAULT '' CHECK (currency ~ '^([A-Z]{3})?$'),
    currency_fixed boolean     NOT NULL DEFAULT false,
    created_at     timestamptz NOT NULL,
    CONSTRAINT payer_fixed_currency_named CHECK (NOT currency_fixed OR currency <> '')
);

-- +goose StatementBegin
CREATE FUNCTION payer_keep_currency() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.currency_fixed AND (NOT NEW.currency_fixed OR NEW.currency <> OLD.currency) THEN
        RAISE EXCEPTION 'the currency of payer % is fixed', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payer_currency_is_fixed';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER payer_currency_is_fixed BEFORE UPDATE ON payer
    FOR EACH ROW EXECUTE FUNCTION payer_keep_currency();

CREATE TABLE member (
    payer_id   uuid        NOT NULL REFERENCES payer,
    account_id uuid        NOT NULL REFERENCES account,
    role       text        NOT NULL CHECK (role IN ('owner', 'billing', 'accountant')),
    added_at   timestamptz NOT NULL,
    PRIMARY KEY (payer_id, account_id)
);
CREATE INDEX member_account ON member (account_id);

-- The people beside its members that a payer buys for.
CREATE TABLE payer_customer (
    payer_id   uuid        NOT NULL REFERENCES payer,
    account_id uuid        NOT NULL REFERENCES account,
    added_at   timestamptz NOT NULL,
    PRIMARY KEY (payer_id, account_id)
);

-- What a tax register said about a VAT number, and when.
CREATE TABLE vat_check (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    vat_number text        NOT NULL,
    result     text        NOT NULL CHECK (result IN ('valid', 'invalid')),
    source     text        NOT NULL,
    reference  text        NOT NULL DEFAULT '',
    checked_at timestamptz NOT NULL
);
CREATE INDEX vat_check_number ON vat_check (vat_number, checked_at DESC);
