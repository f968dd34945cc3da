-- +goose Up

-- Money at payment providers, refunds that are on their way, and what a card
-- holder's bank has withdrawn have accounts of their own.
ALTER TABLE ledger_account
    DROP CONSTRAINT ledger_account_kind_check,
    ADD CONSTRAINT ledger_account_kind_check
        CHECK (kind IN ('bank', 'suspense', 'balance', 'revenue', 'vat', 'write_off', 'provider', 'refunds', 'disputed'));

-- Each movement names what it comes from; that is booked once.
ALTER TABLE ledger_entry
    ADD COLUMN payment_id     uuid REFERENCES payment,
    ADD COLUMN refund_id      uuid REFERENCES refund,
    ADD COLUMN dispute_id     uuid REFERENCES dispute,
    ADD COLUMN credit_note_id uuid REFERENCES invoice,
    DROP CONSTRAINT ledger_entry_kind_check,
    ADD CONSTRAINT ledger_entry_kind_check
        CHECK (kind IN ('bank_received', 'bank_suspense', 'order_paid', 'change_credit', 'captured', 'credited', 'refund_asked', 'refund_sent',
                        'refund_failed', 'disputed', 'dispute_won')),
    ADD CONSTRAINT ledger_entry_names_its_source CHECK (
        (payment_id IS NOT NULL) = (kind = 'captured') AND
        (refund_id IS NOT NULL) = (kind IN ('refund_asked', 'refund_sent', 'refund_failed')) AND
        (dispute_id IS NOT NULL) = (kind IN ('disputed', 'dispute_won')) AND
        (credit_note_id IS NOT NULL) = (kind = 'credited'));
CREATE UNIQUE INDEX ledger_entry_payment_once ON ledger_entry (payment_id) WHERE payment_id IS NOT NULL;
CREATE UNIQUE INDEX ledger_entry_refund_once ON ledger_entry (refund_id, kind) WHERE refund_id IS NOT NULL;
CREATE UNIQUE INDEX ledger_entry_dispute_once ON ledger_entry (dispute_id, kind) WHERE dispute_id IS NOT NULL;
CREATE UNIQUE INDEX ledger_entry_credit_note_once ON ledger_entry (credit_note_id) WHERE credit_note_id IS NOT NULL;

-- An order may also be paid by card, or from the balance.
ALTER TABLE orders
    DROP CONSTRAINT orders_method_check,
    ADD CONSTRAINT orders_method_check CHECK (method IN ('bank', 'card', 'balance'));
