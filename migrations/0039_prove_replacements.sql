-- +goose Up

-- How a settled order was paid is asked for each of its invoices.
CREATE INDEX bank_entry_order ON bank_entry (order_id) WHERE order_id IS NOT NULL;

-- What the reverse charge of an invoice that replaces another stands on: the
-- register's "valid" that it was decided on, or that of the invoice it replaces.
CREATE TABLE invoice_proof (
    invoice_id   uuid   CONSTRAINT invoice_proof_once PRIMARY KEY REFERENCES invoice,
    vat_check_id bigint NOT NULL REFERENCES vat_check
);
INSERT INTO invoice_proof (invoice_id, vat_check_id)
SELECT i.id, c.id
FROM invoice i
LEFT JOIN settlement s ON s.order_id = i.order_id
CROSS JOIN LATERAL (
    SELECT c.id FROM vat_check c
    WHERE c.result = 'valid' AND c.vat_number = convert_from(i.content, 'UTF8')::jsonb #>> '{buyer,vat_number}'
      AND (c.payer_id IS NULL OR c.payer_id = i.payer_id) AND c.checked_at <= i.issued_at
    ORDER BY c.id IS NOT DISTINCT FROM s.vat_check_id DESC, c.checked_at DESC, c.id DESC LIMIT 1) c
WHERE i.replaces_id IS NOT NULL AND EXISTS (SELECT FROM invoice_vat v WHERE v.invoice_id = i.id AND v.vat_row = 'R4');
CREATE TRIGGER invoice_proof_is_immutable BEFORE UPDATE OR DELETE ON invoice_proof
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- No reverse charge on such an invoice without it, about the number that is on it,
-- given for its payer or looked up by an operator (I28). Its buyer may have another
-- name by now.
-- +goose StatementBegin
CREATE FUNCTION replacement_has_its_proof() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM invoice i WHERE i.id = NEW.invoice_id AND i.replaces_id IS NOT NULL) AND NOT EXISTS (
        SELECT FROM invoice i JOIN invoice_proof p ON p.invoice_id = i.id JOIN vat_check c ON c.id = p.vat_check_id
        WHERE i.id = NEW.invoice_id AND c.result = 'valid' AND c.vat_number = convert_from(i.content, 'UTF8')::jsonb #>> '{buyer,vat_number}'
          AND (c.payer_id IS NULL OR c.payer_id = i.payer_id) AND c.checked_at <= i.issued_at) THEN
        RAISE EXCEPTION 'invoice % replaces another one without VAT and without a proof for it', NEW.invoice_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'replacement_has_its_proof';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER replacement_has_its_proof AFTER INSERT ON invoice_vat
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.vat_row = 'R4') EXECUTE FUNCTION replacement_has_its_proof();

-- Sales to consumers in other member states, of which those that are not invoiced
-- yet count, too (Directive 2006/112/EC art. 59c).
CREATE INDEX settlement_consumer ON settlement (tax_point) WHERE treatment ->> 'Row' IN ('R7', 'R7c', 'R8a', 'R8b');
