-- +goose Up

-- What waits for a person is counted on the first page of the back office, and
-- a payment's alerts stand on its page.
CREATE INDEX payment_parked ON payment (created_at) WHERE parked <> '';
CREATE INDEX payment_unknown ON payment (created_at) WHERE state = 'unknown';
CREATE INDEX audit_payment_alert ON audit (object_id, id) WHERE action = 'payment.alert';
