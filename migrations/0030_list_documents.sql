-- +goose Up

-- All documents of a payer stand in one list, newest first, and are searched by
-- what is printed on them. What that needs is taken from the frozen document when
-- it is issued; nobody has to remember to write it.
-- +goose StatementBegin
CREATE FUNCTION document_words(content bytea, content_sha256 bytea) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    d jsonb;
BEGIN
    IF content_sha256 <> sha256(content) THEN -- no document; a constraint refuses it
        RETURN '';
    END IF;
    d := convert_from(content, 'UTF8')::jsonb;
    RETURN lower(concat_ws(' ', d->>'number', d->>'order_number', d->>'po_reference', d->'buyer'->>'name', d->>'customer', d->'payment'->>'from'));
END $$;

CREATE FUNCTION document_is_searched() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.words := document_words(NEW.content, NEW.content_sha256);
    RETURN NEW;
END $$;

CREATE FUNCTION bank_invoice_is_listed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT payer_id, number INTO NEW.payer_id, NEW.number FROM orders WHERE id = NEW.order_id;
    NEW.issue_date := (convert_from(NEW.content, 'UTF8')::jsonb->>'issue_date')::date;
    NEW.words := document_words(NEW.content, NEW.content_sha256);
    RETURN NEW;
END $$;
-- +goose StatementEnd

ALTER TABLE invoice ADD COLUMN words text NOT NULL DEFAULT ''; -- what a search looks in, in small letters
ALTER TABLE receipt ADD COLUMN words text NOT NULL DEFAULT '';
ALTER TABLE bank_invoice
    ADD COLUMN words      text NOT NULL DEFAULT '',
    ADD COLUMN payer_id   uuid REFERENCES payer,
    ADD COLUMN number     text, -- of the order
    ADD COLUMN issue_date date;

ALTER TABLE invoice DISABLE TRIGGER invoice_is_immutable;
ALTER TABLE receipt DISABLE TRIGGER receipt_is_immutable;
ALTER TABLE bank_invoice DISABLE TRIGGER bank_invoice_is_immutable;
UPDATE invoice SET words = document_words(content, content_sha256);
UPDATE receipt SET words = document_words(content, content_sha256);
UPDATE bank_invoice b
SET words = document_words(b.content, b.content_sha256), payer_id = o.payer_id, number = o.number,
    issue_date = (convert_from(b.content, 'UTF8')::jsonb->>'issue_date')::date
FROM orders o WHERE o.id = b.order_id;
ALTER TABLE invoice ENABLE TRIGGER invoice_is_immutable;
ALTER TABLE receipt ENABLE TRIGGER receipt_is_immutable;
ALTER TABLE bank_invoice ENABLE TRIGGER bank_invoice_is_immutable;

ALTER TABLE bank_invoice
    ALTER COLUMN payer_id SET NOT NULL,
    ALTER COLUMN number SET NOT NULL,
    ALTER COLUMN issue_date SET NOT NULL;

CREATE TRIGGER invoice_words BEFORE INSERT ON invoice FOR EACH ROW EXECUTE FUNCTION document_is_searched();
CREATE TRIGGER receipt_words BEFORE INSERT ON receipt FOR EACH ROW EXECUTE FUNCTION document_is_searched();
CREATE TRIGGER bank_invoice_words BEFORE INSERT ON bank_invoice FOR EACH ROW EXECUTE FUNCTION bank_invoice_is_listed();

-- Keyset pages of one payer, newest first, as invoices have.
CREATE INDEX bank_invoice_payer_page ON bank_invoice (payer_id, issue_date DESC, number DESC);
CREATE INDEX receipt_payer_page ON receipt (payer_id, issue_date DESC, number DESC);

-- The same, in the order of issue, for programs that ask what is new.
CREATE INDEX invoice_payer_feed ON invoice (payer_id, series_id, seq);

-- What the seller reports for a month.
CREATE INDEX invoice_issued ON invoice (issue_date);
