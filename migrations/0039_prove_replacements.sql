-- +goose Up

-- How a settled order was paid is asked for each of its invoices.
CREATE INDEX bank_entry_order ON bank_entry (order_id) WHERE order_id IS NOT NULL;
