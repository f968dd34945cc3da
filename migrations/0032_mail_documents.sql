-- +goose Up

-- An address that gets a payer's documents by mail, once its reader has said so:
-- a mistyped one must not get somebody's invoices.
CREATE TABLE recipient (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    payer_id      uuid        NOT NULL REFERENCES payer,
    email         text        NOT NULL CONSTRAINT recipient_email_is_plain CHECK (email ~ '^[!-@\[-~]{3,254}$'),
    invoices      boolean     NOT NULL DEFAULT true,
    credit_notes  boolean     NOT NULL DEFAULT true,
    bank_invoices boolean     NOT NULL DEFAULT true,
    receipts      boolean     NOT NULL DEFAULT true,
    pdf           boolean     NOT NULL DEFAULT true,
    xml           boolean     NOT NULL DEFAULT true,
    added_by      uuid        NOT NULL REFERENCES account,
    added_at      timestamptz NOT NULL,
    confirm_until timestamptz NOT NULL, -- a later one when the question is sent again
    confirmed_at  timestamptz,
    stopped_at    timestamptz,          -- by the reader, with the link in a mail
    removed_at    timestamptz,          -- by the payer
    CONSTRAINT recipient_gets_a_file CHECK (pdf OR xml)
);
CREATE UNIQUE INDEX recipient_once ON recipient (payer_id, email) WHERE removed_at IS NULL;

ALTER TABLE mail
    DROP CONSTRAINT mail_kind_check,
    ADD CONSTRAINT mail_kind_check CHECK (kind IN ('sign_in', 'invitation', 'confirmation', 'document')),
    ADD COLUMN recipient_id    uuid REFERENCES recipient,
    ADD COLUMN document_kind   text NOT NULL DEFAULT '', -- invoice, credit_note, bank_invoice, receipt
    ADD COLUMN document_number text NOT NULL DEFAULT '',
    ADD COLUMN round           integer NOT NULL DEFAULT 1 CONSTRAINT mail_round_check CHECK (round > 0); -- how often people had it sent
CREATE UNIQUE INDEX mail_document_once ON mail (recipient_id, document_kind, document_number, round) WHERE kind = 'document';

-- No document goes to an address whose reader has not confirmed it, or has stopped it.
-- +goose StatementBegin
CREATE FUNCTION mail_only_to_confirmed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM recipient r WHERE r.id = NEW.recipient_id AND r.payer_id = NEW.payer_id AND r.email = NEW.recipient
                   AND r.confirmed_at IS NOT NULL AND r.stopped_at IS NULL AND r.removed_at IS NULL) THEN
        RAISE EXCEPTION 'recipient % has not confirmed', NEW.recipient_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'mail_only_to_confirmed';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER mail_only_to_confirmed BEFORE INSERT ON mail FOR EACH ROW WHEN (NEW.kind = 'document') EXECUTE FUNCTION mail_only_to_confirmed();

-- Whoever issues a document has it mailed in the same transaction: no use case can
-- forget it.
-- +goose StatementBegin
CREATE FUNCTION mail_document(of_payer uuid, of_kind text, of_number text, issued timestamptz) RETURNS void LANGUAGE sql AS $$
    INSERT INTO mail (kind, recipient, payer_id, recipient_id, document_kind, document_number, next_try_at, created_at)
    SELECT 'document', r.email, r.payer_id, r.id, of_kind, of_number, issued, issued
    FROM recipient r
    WHERE r.payer_id = of_payer AND r.confirmed_at IS NOT NULL AND r.stopped_at IS NULL AND r.removed_at IS NULL
      AND CASE of_kind WHEN 'invoice' THEN r.invoices WHEN 'credit_note' THEN r.credit_notes
                       WHEN 'bank_invoice' THEN r.bank_invoices WHEN 'receipt' THEN r.receipts END
$$;

CREATE FUNCTION document_is_mailed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    CASE TG_TABLE_NAME
    WHEN 'invoice' THEN
        PERFORM mail_document(NEW.payer_id, NEW.kind, NEW.number, NEW.issued_at);
    WHEN 'receipt' THEN
        PERFORM mail_document(NEW.payer_id, 'receipt', NEW.number, NEW.issued_at);
    WHEN 'bank_invoice' THEN
        PERFORM mail_document(o.payer_id, 'bank_invoice', o.number, NEW.issued_at) FROM orders o WHERE o.id = NEW.order_id;
    END CASE;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER invoice_is_mailed AFTER INSERT ON invoice FOR EACH ROW EXECUTE FUNCTION document_is_mailed();
CREATE TRIGGER receipt_is_mailed AFTER INSERT ON receipt FOR EACH ROW EXECUTE FUNCTION document_is_mailed();
CREATE TRIGGER bank_invoice_is_mailed AFTER INSERT ON bank_invoice FOR EACH ROW EXECUTE FUNCTION document_is_mailed();
