-- +goose Up

-- An account has one identity: a Telegram user, or the e-mail address of an
-- accountant whom an owner has invited. Addresses are kept in lower case, in ASCII.
ALTER TABLE account
    ALTER COLUMN telegram_id DROP NOT NULL,
    ADD COLUMN email text CONSTRAINT account_email_is_plain CHECK (email ~ '^[!-@\[-~]{3,254}$'),
    ADD CONSTRAINT account_email_once UNIQUE (email),
    ADD CONSTRAINT account_one_identity CHECK ((telegram_id IS NULL) <> (email IS NULL));

-- Who signs in by e-mail reads documents and does nothing else.
-- +goose StatementBegin
CREATE FUNCTION member_by_email_reads() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.role <> 'accountant' AND EXISTS (SELECT FROM account WHERE id = NEW.account_id AND telegram_id IS NULL) THEN
        RAISE EXCEPTION 'account % signs in by e-mail, and such accounts only read', NEW.account_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'member_by_email_reads';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER member_by_email_reads BEFORE INSERT OR UPDATE ON member FOR EACH ROW EXECUTE FUNCTION member_by_email_reads();

-- An owner's invitation to read the documents of a payer. Whoever signs in by that
-- address accepts it.
CREATE TABLE invitation (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    payer_id   uuid        NOT NULL REFERENCES payer,
    email      text        NOT NULL CONSTRAINT invitation_email_is_plain CHECK (email ~ '^[!-@\[-~]{3,254}$'),
    invited_by uuid        NOT NULL REFERENCES account,
    invited_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL, -- a later one when it is sent again
    state      text        NOT NULL DEFAULT 'pending' CONSTRAINT invitation_state_check CHECK (state IN ('pending', 'accepted', 'revoked')),
    closed_at  timestamptz,
    CONSTRAINT invitation_is_closed CHECK ((state = 'pending') = (closed_at IS NULL))
);
CREATE UNIQUE INDEX invitation_one_open ON invitation (payer_id, email) WHERE state = 'pending';
CREATE INDEX invitation_email ON invitation (email) WHERE state = 'pending';

-- Somebody asked for a sign-in link, whether their address is known or not. The
-- token is that of the mail that was sent last; only its SHA-256 is kept, and that
-- of the cookie of the browser that asked.
CREATE TABLE sign_in_link (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email        text        NOT NULL CONSTRAINT sign_in_link_email_is_plain CHECK (email ~ '^[!-@\[-~]{3,254}$'),
    browser_hash bytea       NOT NULL CONSTRAINT sign_in_link_browser_hash_check CHECK (length(browser_hash) = 32),
    token_hash   bytea       CONSTRAINT sign_in_link_token_hash_check CHECK (length(token_hash) = 32)
                             CONSTRAINT sign_in_link_token_once UNIQUE,
    return_to    text        NOT NULL CONSTRAINT sign_in_link_return_to_check CHECK (return_to ~ '^/' AND length(return_to) <= 2000),
    asked_at     timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    used_at      timestamptz
);
CREATE INDEX sign_in_link_email ON sign_in_link (email, asked_at);
CREATE INDEX sign_in_link_asked ON sign_in_link (asked_at);

-- +goose StatementBegin
CREATE FUNCTION sign_in_link_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.used_at IS NOT NULL OR (NEW.email, NEW.browser_hash) <> (OLD.email, OLD.browser_hash) OR NEW.expires_at > OLD.expires_at THEN
        RAISE EXCEPTION 'sign-in link % is used once, by one browser, in its time', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'sign_in_link_once';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER sign_in_link_once BEFORE UPDATE ON sign_in_link FOR EACH ROW EXECUTE FUNCTION sign_in_link_once();

-- The outbox of mails that are no notices. As in notice_delivery the id goes into
-- the message, and what is done stays.
CREATE TABLE mail (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    kind          text        NOT NULL CHECK (kind IN ('sign_in', 'invitation')),
    recipient     text        NOT NULL CHECK (recipient <> ''),
    payer_id      uuid        REFERENCES payer,
    link_id       uuid        REFERENCES sign_in_link ON DELETE CASCADE,
    invitation_id uuid        REFERENCES invitation,
    state         text        NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sent', 'failed', 'skipped')),
    attempts      integer     NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    last_error    text        NOT NULL DEFAULT '', -- for a skipped one: why
    next_try_at   timestamptz,                     -- while somebody tries: when that is given up
    sent_at       timestamptz,
    created_at    timestamptz NOT NULL,
    CONSTRAINT mail_is_due CHECK ((state = 'pending') = (next_try_at IS NOT NULL)),
    CONSTRAINT mail_is_dated CHECK ((state = 'sent') = (sent_at IS NOT NULL))
);
CREATE INDEX mail_due ON mail (next_try_at) WHERE state = 'pending';
CREATE INDEX mail_payer ON mail (payer_id, created_at DESC, id);
CREATE INDEX mail_recipient ON mail (recipient, created_at);
CREATE INDEX mail_link ON mail (link_id);

-- +goose StatementBegin
CREATE FUNCTION mail_stays_done() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.kind = 'sign_in' THEN -- goes with its link
            RETURN OLD;
        END IF;
    ELSIF OLD.state = 'pending' AND (NEW.kind, NEW.recipient) = (OLD.kind, OLD.recipient) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'mail % is %, and to one recipient', OLD.id, OLD.state
        USING ERRCODE = 'check_violation', CONSTRAINT = 'mail_stays_done';
END $$;
-- +goose StatementEnd
CREATE TRIGGER mail_stays_done BEFORE UPDATE OR DELETE ON mail FOR EACH ROW EXECUTE FUNCTION mail_stays_done();

-- What accountants looked at, for the owner to read. It is kept for a year.
CREATE TABLE document_view (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payer_id   uuid        NOT NULL REFERENCES payer,
    account_id uuid        NOT NULL REFERENCES account,
    kind       text        NOT NULL CONSTRAINT document_view_kind_check CHECK (kind <> ''), -- invoice, credit_note, receipt, statement
    number     text        NOT NULL, -- empty for a statement
    format     text        NOT NULL CONSTRAINT document_view_format_check CHECK (format <> ''), -- page, pdf, xml, ubl.xml and so on
    at         timestamptz NOT NULL
);
CREATE INDEX document_view_payer ON document_view (payer_id, id DESC);
CREATE INDEX document_view_at ON document_view (at);

-- +goose StatementBegin
CREATE FUNCTION document_view_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.at < now() - interval '1 year' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'view % stays as it is for a year', OLD.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'document_view_is_append_only';
END $$;
-- +goose StatementEnd
CREATE TRIGGER document_view_is_append_only BEFORE UPDATE OR DELETE ON document_view
    FOR EACH ROW EXECUTE FUNCTION document_view_is_append_only();
