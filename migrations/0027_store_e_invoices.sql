-- +goose Up

-- The e-invoices of a document are stored beside its PDF, which has one of them
-- inside: what was issued is what is served for ever.
ALTER TABLE document_file
    DROP CONSTRAINT document_file_format_check,
    ADD CONSTRAINT document_file_format_check CHECK (format IN ('pdf', 'cii', 'ubl'));
