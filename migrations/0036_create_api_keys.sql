-- +goose Up

-- A key with which a payer's accounting program reads its documents. The key
-- itself is shown once and not kept.
CREATE TABLE api_key (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    payer_id     uuid        NOT NULL REFERENCES payer,
    name         text        NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
    key_sha256   bytea       NOT NULL CONSTRAINT api_key_once UNIQUE CHECK (length(key_sha256) = 32),
    ending       text        NOT NULL CHECK (length(ending) = 4), -- of the key, to tell it by
    form         uuid        NOT NULL CONSTRAINT api_key_form_once UNIQUE, -- sent twice, it makes one key
    made_by      uuid        NOT NULL REFERENCES account,
    made_at      timestamptz NOT NULL,
    last_used_at timestamptz,
    revoked_at   timestamptz,
    revoked_by   uuid REFERENCES account,
    CONSTRAINT api_key_revoked_by_somebody CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);
CREATE INDEX api_key_payer ON api_key (payer_id, made_at DESC);

-- Of a key only its use is noted and that it ended: it never gets another payer,
-- and what was revoked stays so.
-- +goose StatementBegin
CREATE FUNCTION api_key_only_ends() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.revoked_at IS NOT NULL
       OR (NEW.id, NEW.payer_id, NEW.name, NEW.key_sha256, NEW.ending, NEW.form, NEW.made_by, NEW.made_at)
          IS DISTINCT FROM (OLD.id, OLD.payer_id, OLD.name, OLD.key_sha256, OLD.ending, OLD.form, OLD.made_by, OLD.made_at) THEN
        RAISE EXCEPTION 'key % is only ever used and revoked', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'api_key_only_ends';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER api_key_only_ends BEFORE UPDATE OR DELETE ON api_key FOR EACH ROW EXECUTE FUNCTION api_key_only_ends();
