-- +goose Up

-- What a person uses without paying for it; the unique index has only active
-- ones.
CREATE INDEX subscription_customer ON subscription (customer_id);

-- A payer with thousands of paid orders has a few open ones, and every page of
-- subscriptions asks for them.
CREATE INDEX orders_open_payer ON orders (payer_id, placed_at DESC) WHERE state = 'awaiting_payment';

-- Sales to consumers in other member states, counted against the threshold of
-- Directive 2006/112/EC art. 59c while there are few of them.
CREATE INDEX invoice_vat_consumers ON invoice_vat (invoice_id) WHERE vat_row IN ('R7', 'R7c', 'R8a', 'R8b');
