-- +goose Up

-- The outbox of notices (I32), written with the notice that it sends. The id of a
-- row goes into the message: one that is sent again after a crash is the same.
CREATE TABLE notice_delivery (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    notice_id   uuid        NOT NULL REFERENCES notice,
    channel     text        NOT NULL CHECK (channel IN ('telegram', 'email')),
    recipient   text        NOT NULL CHECK (recipient <> ''), -- a Telegram id, or an address
    state       text        NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sent', 'failed', 'skipped')),
    attempts    integer     NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    last_error  text        NOT NULL DEFAULT '', -- for a skipped one: why
    next_try_at timestamptz,                     -- while somebody tries: when that is given up
    sent_at     timestamptz,
    CONSTRAINT notice_delivery_once UNIQUE (notice_id, channel, recipient),
    CONSTRAINT notice_delivery_is_due CHECK ((state = 'pending') = (next_try_at IS NOT NULL)),
    CONSTRAINT notice_delivery_is_dated CHECK ((state = 'sent') = (sent_at IS NOT NULL))
);
CREATE INDEX notice_delivery_due ON notice_delivery (next_try_at) WHERE state = 'pending';

-- +goose StatementBegin
CREATE FUNCTION notice_delivery_stays_done() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'pending' OR (NEW.notice_id, NEW.channel, NEW.recipient) <> (OLD.notice_id, OLD.channel, OLD.recipient) THEN
        RAISE EXCEPTION 'delivery % is %, and to one recipient', OLD.id, OLD.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'notice_delivery_stays_done';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER notice_delivery_stays_done BEFORE UPDATE ON notice_delivery FOR EACH ROW EXECUTE FUNCTION notice_delivery_stays_done();
CREATE TRIGGER notice_delivery_stays BEFORE DELETE ON notice_delivery FOR EACH ROW EXECUTE FUNCTION refuse_change();
