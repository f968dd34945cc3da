-- +goose Up

-- A number series of tax documents. The counter is a row, updated in the
-- transaction that issues: a rollback leaves no hole, as a sequence would.
CREATE TABLE series (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind            text    NOT NULL CHECK (kind IN ('invoice', 'credit_note')),
    year            integer NOT NULL,
    prefix          text    NOT NULL,
    next            bigint  NOT NULL DEFAULT 1 CHECK (next > 0),
    last_issue_date date,
    CONSTRAINT series_once UNIQUE (kind, year),
    UNIQUE (prefix, year)
);

-- A tax document as it was issued. content is the frozen document, from which
-- the page and the files are drawn.
CREATE TABLE invoice (
    id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    kind           text        NOT NULL CHECK (kind IN ('invoice', 'credit_note')),
    series_id      bigint      NOT NULL REFERENCES series,
    seq            bigint      NOT NULL CHECK (seq > 0),
    number         text        NOT NULL UNIQUE,
    payer_id       uuid        NOT NULL REFERENCES payer,
    order_id       uuid        NOT NULL REFERENCES orders,
    issue_date     date        NOT NULL,
    tax_point      date        NOT NULL,
    currency       text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    net_minor      bigint      NOT NULL CHECK (net_minor >= 0),
    vat_minor      bigint      NOT NULL CHECK (vat_minor >= 0),
    total_minor    bigint      NOT NULL,
    content        bytea       NOT NULL,
    content_sha256 bytea       NOT NULL CHECK (content_sha256 = sha256(content)),
    issued_at      timestamptz NOT NULL,
    CONSTRAINT invoice_number_once UNIQUE (series_id, seq),
    CONSTRAINT invoice_total_adds_up CHECK (total_minor = net_minor + vat_minor),
    CHECK (issue_date >= tax_point)
);
CREATE UNIQUE INDEX invoice_order_once ON invoice (order_id) WHERE kind = 'invoice';
-- Keyset pages of one payer, newest first.
CREATE INDEX invoice_payer_page ON invoice (payer_id, issue_date DESC, number DESC);
CREATE TRIGGER invoice_is_immutable BEFORE UPDATE OR DELETE ON invoice
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE invoice_vat (
    invoice_id uuid    NOT NULL REFERENCES invoice,
    line       integer NOT NULL CHECK (line > 0),
    category   text    NOT NULL CHECK (category IN ('S', 'AE', 'E', 'O')),
    rate_bps   bigint, -- null for O: no rate at all
    vat_row    text    NOT NULL, -- of the decision table
    country    text    NOT NULL, -- whose VAT it is; empty outside the EU
    base_minor bigint  NOT NULL,
    vat_minor  bigint  NOT NULL,
    PRIMARY KEY (invoice_id, line),
    CHECK ((category = 'O') = (rate_bps IS NULL)),
    CHECK (category = 'S' OR vat_minor = 0),
    -- Half up per rate (base and rate are never negative here).
    CONSTRAINT invoice_vat_is_base_times_rate CHECK (vat_minor = div(base_minor::numeric * coalesce(rate_bps, 0) + 5000, 10000))
);
CREATE TRIGGER invoice_vat_is_immutable BEFORE UPDATE OR DELETE ON invoice_vat
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- +goose StatementBegin
CREATE FUNCTION invoice_adds_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_invoice uuid := CASE TG_TABLE_NAME WHEN 'invoice' THEN (to_jsonb(NEW)->>'id')::uuid
                                          ELSE (to_jsonb(NEW)->>'invoice_id')::uuid END;
BEGIN
    IF NOT EXISTS (
        SELECT FROM invoice i
        JOIN (SELECT sum(base_minor) AS base, sum(vat_minor) AS vat FROM invoice_vat WHERE invoice_id = of_invoice) v
          ON v.base = i.net_minor AND v.vat = i.vat_minor
        WHERE i.id = of_invoice) THEN
        RAISE EXCEPTION 'invoice % does not equal its VAT breakdown', of_invoice
            USING ERRCODE = 'check_violation', CONSTRAINT = 'invoice_adds_up';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER invoice_adds_up AFTER INSERT ON invoice
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION invoice_adds_up();
CREATE CONSTRAINT TRIGGER invoice_vat_adds_up AFTER INSERT ON invoice_vat
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION invoice_adds_up();

-- A counter moves by one, its dates never go back, and whoever takes a number
-- issues it in the same transaction.
-- +goose StatementBegin
CREATE FUNCTION series_steps_by_one() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.next <> OLD.next + 1 OR NEW.kind <> OLD.kind OR NEW.year <> OLD.year OR NEW.prefix <> OLD.prefix THEN
        RAISE EXCEPTION 'series % only ever steps by one', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'series_steps_by_one';
    END IF;
    IF NEW.last_issue_date IS NULL OR NEW.last_issue_date < OLD.last_issue_date THEN
        RAISE EXCEPTION 'issue dates of series % never go back', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'series_dates_never_go_back';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER series_steps_by_one BEFORE UPDATE ON series FOR EACH ROW EXECUTE FUNCTION series_steps_by_one();
CREATE TRIGGER series_stays BEFORE DELETE ON series FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- +goose StatementBegin
CREATE FUNCTION series_number_is_used() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM invoice WHERE series_id = NEW.id AND seq = NEW.next - 1) THEN
        RAISE EXCEPTION 'number % of series % was taken and not issued', NEW.next - 1, NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'series_number_is_used';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION invoice_takes_its_number() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM series WHERE id = NEW.series_id AND next = NEW.seq + 1 AND kind = NEW.kind) THEN
        RAISE EXCEPTION 'number % is not the one just taken from series %', NEW.seq, NEW.series_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'invoice_takes_its_number';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER series_number_is_used AFTER UPDATE ON series
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION series_number_is_used();
CREATE TRIGGER invoice_takes_its_number BEFORE INSERT ON invoice FOR EACH ROW EXECUTE FUNCTION invoice_takes_its_number();

-- The bank invoice of an order: no tax document, numbered as the order.
CREATE TABLE bank_invoice (
    order_id       uuid PRIMARY KEY REFERENCES orders,
    content        bytea       NOT NULL,
    content_sha256 bytea       NOT NULL CHECK (content_sha256 = sha256(content)),
    issued_at      timestamptz NOT NULL
);
CREATE TRIGGER bank_invoice_is_immutable BEFORE UPDATE OR DELETE ON bank_invoice
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Files drawn from a frozen document, drawn once and served again byte for byte.
CREATE TABLE document_file (
    content_sha256 bytea       NOT NULL CHECK (length(content_sha256) = 32),
    format         text        NOT NULL CHECK (format IN ('pdf')),
    file_sha256    bytea       NOT NULL CHECK (length(file_sha256) = 32),
    size           bigint      NOT NULL CHECK (size > 0),
    blob_key       text        NOT NULL,
    created_at     timestamptz NOT NULL,
    PRIMARY KEY (content_sha256, format)
);
CREATE TRIGGER document_file_is_immutable BEFORE UPDATE OR DELETE ON document_file
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
