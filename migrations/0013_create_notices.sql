-- +goose Up

-- What people are told, written with what it tells of (I32). A key is told once.
CREATE TABLE notice (
    id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    key             text        NOT NULL CHECK (key <> ''),
    kind            text        NOT NULL CHECK (kind <> ''),
    payer_id        uuid        NOT NULL REFERENCES payer,
    subscription_id uuid        REFERENCES subscription,
    order_number    text        NOT NULL,
    facts           jsonb       NOT NULL,
    at              timestamptz NOT NULL,
    CONSTRAINT notice_once UNIQUE (key)
);
CREATE INDEX notice_payer ON notice (payer_id, at DESC, id);
CREATE TRIGGER notice_is_immutable BEFORE UPDATE OR DELETE ON notice FOR EACH ROW EXECUTE FUNCTION refuse_change();
