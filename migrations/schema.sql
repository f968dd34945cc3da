-- The schema that the migrations make. Written by `make schema`; do not edit.

CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA public;

COMMENT ON EXTENSION btree_gist IS 'support for indexing common datatypes in GiST';

CREATE TYPE public.river_job_state AS ENUM (
    'available',
    'cancelled',
    'completed',
    'discarded',
    'pending',
    'retryable',
    'running',
    'scheduled'
);

CREATE FUNCTION public.api_key_only_ends() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.revoked_at IS NOT NULL
       OR (NEW.id, NEW.payer_id, NEW.name, NEW.key_sha256, NEW.ending, NEW.form, NEW.made_by, NEW.made_at)
          IS DISTINCT FROM (OLD.id, OLD.payer_id, OLD.name, OLD.key_sha256, OLD.ending, OLD.form, OLD.made_by, OLD.made_at) THEN
        RAISE EXCEPTION 'key % is only ever used and revoked', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'api_key_only_ends';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION public.bank_invoice_is_listed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    SELECT payer_id, number INTO NEW.payer_id, NEW.number FROM orders WHERE id = NEW.order_id;
    NEW.issue_date := (convert_from(NEW.content, 'UTF8')::jsonb->>'issue_date')::date;
    NEW.words := document_words(NEW.content, NEW.content_sha256);
    RETURN NEW;
END $$;

CREATE FUNCTION public.charge_keeps_its_moment() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF OLD.not_sent OR to_jsonb(NEW) - 'not_sent' <> to_jsonb(OLD) - 'not_sent' THEN
        RAISE EXCEPTION 'charge % of payment % has happened', OLD.attempt_no, OLD.payment_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'charge_keeps_its_moment';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION public.charging_halt_keep() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.lifted_at IS NOT NULL
       OR to_jsonb(NEW) - ARRAY['lifted_at', 'lifted_by'] <> to_jsonb(OLD) - ARRAY['lifted_at', 'lifted_by'] THEN
        RAISE EXCEPTION '% on % is refused: a halt is only lifted', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'charging_halt_is_only_lifted';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION public.consent_keeps_its_words() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF OLD.revoked_at IS NOT NULL OR to_jsonb(NEW) - 'revoked_at' IS DISTINCT FROM to_jsonb(OLD) - 'revoked_at' THEN
        RAISE EXCEPTION 'consent % can only be revoked, once', OLD.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'consent_keeps_its_words';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION public.correction_has_both_documents() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM invoice n JOIN invoice r ON r.replaces_id = n.corrects_id WHERE n.id = NEW.credit_note_id) THEN
        RAISE EXCEPTION 'ledger entry % is of a correction without its invoice', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'correction_has_both_documents';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION public.correction_request_keeps_its_word() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF OLD.state IN ('done', 'rejected', 'withdrawn') OR OLD.needs_two AND NOT NEW.needs_two OR OLD.first_by <> NEW.first_by
       OR (NEW.payer_id, NEW.invoice_id, NEW.asked_by, NEW.asked_at, NEW.buyer, NEW.currency, NEW.net_minor, NEW.old_vat_minor, NEW.new_vat_minor)
       IS DISTINCT FROM
       (OLD.payer_id, OLD.invoice_id, OLD.asked_by, OLD.asked_at, OLD.buyer, OLD.currency, OLD.net_minor, OLD.old_vat_minor, OLD.new_vat_minor) THEN
        RAISE EXCEPTION 'correction request % is decided once, as it was asked', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'correction_request_keeps_its_word';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION public.credit_note_is_of_its_invoice() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NEW.kind = 'credit_note' AND NOT EXISTS (
        SELECT FROM invoice i
        WHERE i.id = NEW.corrects_id AND i.kind = 'invoice' AND i.payer_id = NEW.payer_id AND i.order_id = NEW.order_id
          AND i.currency = NEW.currency AND i.tax_point = NEW.tax_point) THEN
        RAISE EXCEPTION 'credit note % is not of the invoice that it corrects', NEW.number
            USING ERRCODE = 'check_violation', CONSTRAINT = 'credit_note_is_of_its_invoice';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION public.dispute_takes_what_was_lost() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM dispute d JOIN payment p ON p.id = d.payment_id
        JOIN ledger_posting g ON g.entry_id = NEW.id AND g.amount_minor BETWEEN 1 AND d.amount_minor
        JOIN ledger_account a ON a.id = g.account_id AND a.kind = 'balance' AND a.payer_id = p.payer_id AND a.currency = d.currency
        WHERE d.id = NEW.dispute_id AND d.state = 'lost') THEN
        RAISE EXCEPTION 'dispute % takes what it was not lost about', NEW.dispute_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'dispute_takes_what_was_lost';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION public.document_is_mailed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.document_is_searched() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.words := document_words(NEW.content, NEW.content_sha256);
    RETURN NEW;
END $$;

CREATE FUNCTION public.document_view_is_append_only() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.at < now() - interval '1 year' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'view % stays as it is for a year', OLD.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'document_view_is_append_only';
END $$;

CREATE FUNCTION public.document_words(content bytea, content_sha256 bytea) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    AS $$
DECLARE
    d jsonb;
BEGIN
    IF content_sha256 <> sha256(content) THEN -- no document; a constraint refuses it
        RETURN '';
    END IF;
    d := convert_from(content, 'UTF8')::jsonb;
    RETURN lower(concat_ws(' ', d->>'number', d->>'order_number', d->>'po_reference', d->'buyer'->>'name', d->>'customer', d->'payment'->>'from'));
END $$;

CREATE FUNCTION public.invoice_adds_up() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.invoice_credit_only_grows() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'DELETE'
       OR to_jsonb(NEW) - 'credited_base_minor' - 'credited_vat_minor' <> to_jsonb(OLD) - 'credited_base_minor' - 'credited_vat_minor'
       OR NEW.credited_base_minor < OLD.credited_base_minor OR NEW.credited_vat_minor < OLD.credited_vat_minor THEN
        RAISE EXCEPTION 'what is credited of invoice % only grows', OLD.invoice_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'invoice_credit_only_grows';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION public.invoice_takes_its_number() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM series WHERE id = NEW.series_id AND next = NEW.seq + 1 AND kind = NEW.kind) THEN
        RAISE EXCEPTION 'number % is not the one just taken from series %', NEW.seq, NEW.series_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'invoice_takes_its_number';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION public.invoice_vat_counts() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    corrected uuid;
    replaced  uuid;
BEGIN
    SELECT i.corrects_id, i.replaces_id INTO corrected, replaced FROM invoice i WHERE i.id = NEW.invoice_id;
    IF corrected IS NOT NULL THEN
        UPDATE invoice_credit
        SET credited_base_minor = credited_base_minor + NEW.base_minor, credited_vat_minor = credited_vat_minor + NEW.vat_minor
        WHERE invoice_id = corrected AND category = NEW.category AND rate_bps IS NOT DISTINCT FROM NEW.rate_bps AND country = NEW.country
          AND credited_base_minor = NEW.base_before_minor AND credited_vat_minor = NEW.vat_before_minor;
    ELSE
        INSERT INTO invoice_credit (invoice_id, line, category, rate_bps, country, base_minor, vat_minor, credited_base_minor, credited_vat_minor)
        SELECT NEW.invoice_id, NEW.line, NEW.category, NEW.rate_bps, NEW.country, NEW.base_before_minor + NEW.base_minor,
               NEW.vat_before_minor + NEW.vat_minor, NEW.base_before_minor, NEW.vat_before_minor
        WHERE (NEW.base_before_minor, NEW.vat_before_minor) = (0, 0)
           OR EXISTS (SELECT FROM invoice_credit c
                      WHERE c.invoice_id = replaced AND c.category = NEW.category AND c.rate_bps IS NOT DISTINCT FROM NEW.rate_bps AND c.country = NEW.country
                        AND c.base_minor = NEW.base_before_minor + NEW.base_minor AND c.vat_minor = NEW.vat_before_minor + NEW.vat_minor);
    END IF;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'line % of document % does not go on from what was credited', NEW.line, NEW.invoice_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'credit_note_goes_on';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION public.ledger_entry_balances() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM (SELECT count(*) AS postings, sum(amount_minor) AS amount FROM ledger_posting WHERE entry_id = NEW.id GROUP BY currency) c
                   HAVING sum(c.postings) >= 2 AND bool_and(c.amount = 0)) THEN
        RAISE EXCEPTION 'ledger entry % does not balance', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_balances';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION public.ledger_keep_balance() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE ledger_account a SET balance_minor = a.balance_minor + w.amount
    FROM (SELECT account_id, sum(amount_minor)::bigint AS amount FROM written GROUP BY account_id) w
    WHERE a.id = w.account_id AND a.kind = 'balance';
    RETURN NULL;
END $$;

CREATE FUNCTION public.ledger_posting_comes_with_its_entry() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF EXISTS (SELECT FROM written w JOIN ledger_entry e ON e.id = w.entry_id WHERE e.xmin <> pg_current_xact_id()::xid) THEN
        RAISE EXCEPTION 'a posting comes with its entry, not after it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_posting_comes_with_its_entry';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION public.mail_document(of_payer uuid, of_kind text, of_number text, issued timestamp with time zone) RETURNS void
    LANGUAGE sql
    AS $$
    INSERT INTO mail (kind, recipient, payer_id, recipient_id, document_kind, document_number, next_try_at, created_at)
    SELECT 'document', r.email, r.payer_id, r.id, of_kind, of_number, issued, issued
    FROM recipient r
    WHERE r.payer_id = of_payer AND r.confirmed_at IS NOT NULL AND r.stopped_at IS NULL AND r.removed_at IS NULL
      AND CASE of_kind WHEN 'invoice' THEN r.invoices WHEN 'credit_note' THEN r.credit_notes
                       WHEN 'bank_invoice' THEN r.bank_invoices WHEN 'receipt' THEN r.receipts END
$$;

CREATE FUNCTION public.mail_only_to_confirmed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM recipient r WHERE r.id = NEW.recipient_id AND r.payer_id = NEW.payer_id AND r.email = NEW.recipient
                   AND r.confirmed_at IS NOT NULL AND r.stopped_at IS NULL AND r.removed_at IS NULL) THEN
        RAISE EXCEPTION 'recipient % has not confirmed', NEW.recipient_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'mail_only_to_confirmed';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION public.mail_stays_done() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.member_by_email_reads() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NEW.role <> 'accountant' AND EXISTS (SELECT FROM account WHERE id = NEW.account_id AND telegram_id IS NULL) THEN
        RAISE EXCEPTION 'account % signs in by e-mail, and such accounts only read', NEW.account_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'member_by_email_reads';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION public.notice_delivery_stays_done() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF OLD.state <> 'pending' OR (NEW.notice_id, NEW.channel, NEW.recipient) <> (OLD.notice_id, OLD.channel, OLD.recipient) THEN
        RAISE EXCEPTION 'delivery % is %, and to one recipient', OLD.id, OLD.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'notice_delivery_stays_done';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION public.orders_keep_price() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF OLD.state <> 'awaiting_payment' AND NOT (OLD.state = 'expired' AND NEW.state = 'paid') THEN
        RAISE EXCEPTION 'order % is closed', OLD.number
            USING ERRCODE = 'check_violation', CONSTRAINT = 'orders_closed_stays_closed';
    END IF;
    IF (NEW.number, NEW.reference, NEW.payer_id, NEW.customer_id, NEW.plan, NEW.accounts, NEW.recording, NEW.lines,
        NEW.extra_accounts, NEW.api, NEW.months, NEW.currency, NEW.monthly_minor, NEW.discount_minor, NEW.net_minor,
        NEW.vat_minor, NEW.total_minor, NEW.placed_at)
       IS DISTINCT FROM
       (OLD.number, OLD.reference, OLD.payer_id, OLD.customer_id, OLD.plan, OLD.accounts, OLD.recording, OLD.lines,
        OLD.extra_accounts, OLD.api, OLD.months, OLD.currency, OLD.monthly_minor, OLD.discount_minor, OLD.net_minor,
        OLD.vat_minor, OLD.total_minor, OLD.placed_at) THEN
        RAISE EXCEPTION 'what order % is for never changes', OLD.number
            USING ERRCODE = 'check_violation', CONSTRAINT = 'orders_price_never_changes';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION public.payer_keep_currency() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF OLD.currency_fixed AND (NOT NEW.currency_fixed OR NEW.currency <> OLD.currency) THEN
        RAISE EXCEPTION 'the currency of payer % is fixed', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payer_currency_is_fixed';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION public.payment_keeps_its_word() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF OLD.state IN ('succeeded', 'failed', 'canceled', 'expired') AND NEW.state <> OLD.state THEN
        RAISE EXCEPTION 'payment % is % and never moves', OLD.id, OLD.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_terminal_never_moves';
    END IF;
    IF (NEW.payer_id, NEW.payable_kind, NEW.payable_id, NEW.provider, NEW.provider_account, NEW.initiator, NEW.currency, NEW.amount_minor,
        NEW.may_underpay, NEW.tolerated_minor, NEW.parent_id, NEW.created_at, NEW.order_id, NEW.keep_method, NEW.language, NEW.return_url)
       IS DISTINCT FROM
       (OLD.payer_id, OLD.payable_kind, OLD.payable_id, OLD.provider, OLD.provider_account, OLD.initiator, OLD.currency, OLD.amount_minor,
        OLD.may_underpay, OLD.tolerated_minor, OLD.parent_id, OLD.created_at, OLD.order_id, OLD.keep_method, OLD.language, OLD.return_url) THEN
        RAISE EXCEPTION 'what payment % is for never changes', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_purpose_never_changes';
    END IF;
    IF NEW.received_minor < OLD.received_minor OR NEW.attempt_no < OLD.attempt_no OR NEW.declines < OLD.declines OR NEW.as_of < OLD.as_of THEN
        RAISE EXCEPTION 'payment % goes back', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_only_goes_on';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION public.payment_succeeds_later() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'payment % at % cannot begin as a success', NEW.id, NEW.provider
        USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_succeeds_later';
END $$;

CREATE FUNCTION public.receipt_takes_its_number() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM series WHERE id = NEW.series_id AND next = NEW.seq + 1 AND kind = 'receipt') THEN
        RAISE EXCEPTION 'number % is not the one just taken from series %', NEW.seq, NEW.series_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'receipt_takes_its_number';
    END IF;
    IF NOT EXISTS (SELECT FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id
                   WHERE p.entry_id = NEW.entry_id AND a.kind = 'balance' AND a.payer_id = NEW.payer_id
                     AND p.currency = NEW.currency AND p.amount_minor = -NEW.amount_minor) THEN
        RAISE EXCEPTION 'receipt % is not of what its entry booked', NEW.number
            USING ERRCODE = 'check_violation', CONSTRAINT = 'receipt_is_of_its_entry';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION public.refund_counts() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    before bigint := 0;
    after  bigint := CASE WHEN NEW.state = 'failed' THEN 0 ELSE NEW.amount_minor END;
    room   bigint;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.payment_id, NEW.request, NEW.currency, NEW.amount_minor) IS DISTINCT FROM (OLD.payment_id, OLD.request, OLD.currency, OLD.amount_minor) THEN
            RAISE EXCEPTION 'what refund % gives back never changes', OLD.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_purpose_never_changes';
        END IF;
        before := CASE WHEN OLD.state = 'failed' THEN 0 ELSE OLD.amount_minor END;
    END IF;
    IF after <> before THEN
        UPDATE payment SET asked_minor = asked_minor + after - before WHERE id = NEW.payment_id AND currency = NEW.currency
        RETURNING received_minor - disputed_minor - asked_minor INTO room;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'refund % is not in the currency of its payment', NEW.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_in_currency_of_payment';
        END IF;
        -- A dispute may be opened while a refund is on its way; none is asked for after it.
        IF TG_OP = 'INSERT' AND room < 0 THEN
            RAISE EXCEPTION 'refund % would give back what is disputed', NEW.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_leaves_disputed_money';
        END IF;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION public.refund_payout_ends_once() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'payout % has ended', OLD.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_payout_ends_once';
END $$;

CREATE FUNCTION public.refund_payout_is_booked() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    payout uuid := CASE TG_TABLE_NAME WHEN 'ledger_entry' THEN (to_jsonb(NEW)->>'refund_id')::uuid ELSE (to_jsonb(NEW)->>'id')::uuid END;
    broken boolean;
BEGIN
    SELECT l.asked <> r.amount_minor OR l.back <> CASE r.state WHEN 'failed' THEN r.amount_minor ELSE 0 END
        OR l.sent <> CASE r.state WHEN 'succeeded' THEN r.amount_minor ELSE 0 END
        INTO broken
    FROM refund r JOIN payment p ON p.id = r.payment_id
    CROSS JOIN LATERAL (
        SELECT COALESCE(sum(g.amount_minor) FILTER (WHERE e.kind = 'refund_asked' AND a.kind = 'balance' AND a.payer_id = p.payer_id), 0) AS asked,
               COALESCE(-sum(g.amount_minor) FILTER (WHERE e.kind = 'refund_failed' AND a.kind = 'balance' AND a.payer_id = p.payer_id), 0) AS back,
               COALESCE(-sum(g.amount_minor) FILTER (WHERE e.kind = 'refund_sent' AND a.kind = 'bank'), 0) AS sent
        FROM ledger_entry e JOIN ledger_posting g ON g.entry_id = e.id JOIN ledger_account a ON a.id = g.account_id
        WHERE e.refund_id = r.id) l
    WHERE r.id = payout AND r.provider = 'bank';
    IF broken THEN
        RAISE EXCEPTION 'payout % and the ledger say different things', payout
            USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_payout_is_booked';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION public.refund_request_keeps_its_word() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF OLD.state IN ('done', 'rejected', 'withdrawn') OR OLD.needs_two AND NOT NEW.needs_two OR OLD.first_by <> NEW.first_by
       OR (NEW.payer_id, NEW.subscription_id, NEW.asked_by, NEW.asked_at, NEW.reason, NEW.target, NEW.currency, NEW.days, NEW.net_minor, NEW.vat_minor, NEW.total_minor)
       IS DISTINCT FROM
       (OLD.payer_id, OLD.subscription_id, OLD.asked_by, OLD.asked_at, OLD.reason, OLD.target, OLD.currency, OLD.days, OLD.net_minor, OLD.vat_minor, OLD.total_minor) THEN
        RAISE EXCEPTION 'refund request % is decided once, as it was asked', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_request_keeps_its_word';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: its rows never change', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_TABLE_NAME || '_is_immutable';
END $$;

CREATE FUNCTION public.renewal_stays_paid() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF OLD.state = 'paid' AND NEW.state <> 'paid' OR (NEW.subscription_id, NEW.period_no) <> (OLD.subscription_id, OLD.period_no) THEN
        RAISE EXCEPTION 'renewal % is of one period, and stays paid', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'renewal_stays_paid';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION public.replaced_invoice_is_credited() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF EXISTS (SELECT FROM invoice_credit c
               WHERE c.invoice_id = NEW.replaces_id AND (c.credited_base_minor, c.credited_vat_minor) <> (c.base_minor, c.vat_minor))
       OR NOT EXISTS (SELECT FROM invoice n JOIN ledger_entry e ON e.credit_note_id = n.id AND e.kind = 'corrected'
                      WHERE n.corrects_id = NEW.replaces_id AND n.net_minor = NEW.net_minor) THEN
        RAISE EXCEPTION 'invoice % replaces one that is not credited', NEW.number
            USING ERRCODE = 'check_violation', CONSTRAINT = 'replaced_invoice_is_credited';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION public.replacement_has_its_proof() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.replacement_is_of_its_invoice() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM invoice i
        WHERE i.id = NEW.replaces_id AND i.kind = 'invoice' AND i.payer_id = NEW.payer_id AND i.order_id = NEW.order_id
          AND i.currency = NEW.currency AND i.tax_point = NEW.tax_point) THEN
        RAISE EXCEPTION 'invoice % is not of the invoice that it replaces', NEW.number
            USING ERRCODE = 'check_violation', CONSTRAINT = 'replacement_is_of_its_invoice';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION public.river_job_state_in_bitmask(bitmask bit, state public.river_job_state) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT CASE state
        WHEN 'available' THEN get_bit(bitmask, 7)
        WHEN 'cancelled' THEN get_bit(bitmask, 6)
        WHEN 'completed' THEN get_bit(bitmask, 5)
        WHEN 'discarded' THEN get_bit(bitmask, 4)
        WHEN 'pending'   THEN get_bit(bitmask, 3)
        WHEN 'retryable' THEN get_bit(bitmask, 2)
        WHEN 'running'   THEN get_bit(bitmask, 1)
        WHEN 'scheduled' THEN get_bit(bitmask, 0)
        ELSE 0
    END = 1;
$$;

CREATE FUNCTION public.series_number_is_used() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM invoice WHERE series_id = NEW.id AND seq = NEW.next - 1)
       AND NOT EXISTS (SELECT FROM receipt WHERE series_id = NEW.id AND seq = NEW.next - 1) THEN
        RAISE EXCEPTION 'number % of series % was taken and not issued', NEW.next - 1, NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'series_number_is_used';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION public.series_steps_by_one() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.settlement_has_its_proof() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NEW.treatment ->> 'Row' = 'R4' AND NOT EXISTS (
        SELECT FROM vat_check c JOIN orders o ON o.id = NEW.order_id
        WHERE c.vat_number = NEW.buyer ->> 'VATNumber' AND c.result = 'valid'
          AND (c.payer_id IS NULL OR c.payer_id = o.payer_id AND c.buyer_name = NEW.buyer ->> 'Name')
          AND c.checked_at <= NEW.settled_at AND c.checked_at >= NEW.settled_at - interval '720 hours'
          AND c.id = COALESCE(NEW.vat_check_id, c.id)) THEN
        RAISE EXCEPTION 'order % is settled without VAT and without a proof for it', NEW.order_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'settlement_has_its_proof';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION public.sign_in_link_once() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF OLD.used_at IS NOT NULL OR (NEW.email, NEW.browser_hash) <> (OLD.email, OLD.browser_hash) OR NEW.expires_at > OLD.expires_at THEN
        RAISE EXCEPTION 'sign-in link % is used once, by one browser, in its time', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'sign_in_link_once';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION public.statement_upload_keeps() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF OLD.done_at IS NOT NULL OR to_jsonb(NEW) - '{asked_by,asked_at,done_at,result}'::text[] <> to_jsonb(OLD) - '{asked_by,asked_at,done_at,result}'::text[]
       OR OLD.asked_by IS NOT NULL AND NEW.asked_by IS NOT NULL AND (NEW.asked_by, NEW.asked_at) IS DISTINCT FROM (OLD.asked_by, OLD.asked_at) THEN
        RAISE EXCEPTION 'upload % stays as it was', OLD.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'statement_upload_keeps';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION public.subscription_period_keep() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.superseded_at IS NOT NULL OR NEW.superseded_at IS NULL
       OR to_jsonb(NEW) - 'superseded_at' - 'taken_back' <> to_jsonb(OLD) - 'superseded_at' - 'taken_back' THEN
        RAISE EXCEPTION '% on % is refused: its rows never change', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'subscription_period_is_immutable';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION public.suspense_decision_is_booked() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    decision uuid := CASE TG_TABLE_NAME WHEN 'ledger_entry' THEN (to_jsonb(NEW)->>'suspense_decision_id')::uuid ELSE (to_jsonb(NEW)->>'id')::uuid END;
    broken boolean;
BEGIN
    SELECT d.state = 'done' AND d.kind <> 'offset' AND NOT EXISTS (
               SELECT FROM ledger_entry e JOIN ledger_posting p ON p.entry_id = e.id JOIN ledger_account a ON a.id = p.account_id AND a.kind = 'suspense'
               WHERE e.suspense_decision_id = d.id AND p.currency = d.currency
                 AND e.kind = CASE WHEN d.kind IN ('return', 'not_ours') THEN 'suspense_returned' WHEN d.kind = 'take_back' THEN 'suspense_taken_back' ELSE 'suspense_matched' END
                 AND p.amount_minor = CASE WHEN b.credit THEN d.amount_minor ELSE -d.amount_minor END)
        OR (d.state <> 'done' OR d.kind = 'offset') AND EXISTS (SELECT FROM ledger_entry e WHERE e.suspense_decision_id = d.id)
        OR d.state = 'done' AND d.kind = 'offset' AND NOT EXISTS (
               SELECT FROM suspense_decision o WHERE o.kind = 'offset' AND o.state = 'done' AND o.bank_entry_id = d.against_id AND o.against_id = d.bank_entry_id)
        INTO broken FROM suspense_decision d JOIN bank_entry b ON b.id = d.bank_entry_id WHERE d.id = decision;
    IF broken THEN
        RAISE EXCEPTION 'decision % and the ledger say different things', decision
            USING ERRCODE = 'check_violation', CONSTRAINT = 'suspense_decision_is_booked';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION public.suspense_decision_is_of_its_entry() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM bank_entry b WHERE b.id = NEW.bank_entry_id AND b.outcome = 'suspense' AND b.currency = NEW.currency
                     AND b.amount_minor = NEW.amount_minor AND (NEW.kind IN ('offset', 'not_ours') OR b.credit = (NEW.kind <> 'take_back')))
       OR NEW.against_id IS NOT NULL AND NOT EXISTS (
           SELECT FROM bank_entry b JOIN bank_entry a ON a.id = NEW.against_id AND a.credit <> b.credit AND a.currency = b.currency
             AND (a.amount_minor = b.amount_minor OR NEW.kind = 'take_back')
           WHERE b.id = NEW.bank_entry_id) THEN
        RAISE EXCEPTION 'decision % is not of what waits in suspense', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'suspense_decision_is_of_its_entry';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION public.suspense_decision_keeps_its_word() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF OLD.state IN ('done', 'refused') OR OLD.state = 'to_send' AND NEW.state NOT IN ('done', 'refused')
       OR to_jsonb(NEW) - '{state,second_by,refused_by,refuse_reason,sent_by,decided_at}'::text[]
       <> to_jsonb(OLD) - '{state,second_by,refused_by,refuse_reason,sent_by,decided_at}'::text[] THEN
        RAISE EXCEPTION 'decision % is made once, as it was proposed', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'suspense_decision_keeps_its_word';
    END IF;
    RETURN NEW;
END $$;

CREATE TABLE public.account (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    telegram_id bigint,
    first_name text NOT NULL,
    last_name text NOT NULL,
    username text NOT NULL,
    language text DEFAULT 'en'::text NOT NULL,
    time_zone text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    signed_in_at timestamp with time zone NOT NULL,
    email text,
    CONSTRAINT account_email_is_plain CHECK ((email ~ '^[!-@\[-~]{3,254}$'::text)),
    CONSTRAINT account_first_name_check CHECK ((length(first_name) <= 64)),
    CONSTRAINT account_last_name_check CHECK ((length(last_name) <= 64)),
    CONSTRAINT account_one_identity CHECK (((telegram_id IS NULL) <> (email IS NULL))),
    CONSTRAINT account_telegram_id_check CHECK (((telegram_id > 0) AND (telegram_id < '4503599627370496'::bigint))),
    CONSTRAINT account_username_check CHECK ((length(username) <= 64))
);

CREATE TABLE public.api_key (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    payer_id uuid NOT NULL,
    name text NOT NULL,
    key_sha256 bytea NOT NULL,
    ending text NOT NULL,
    form uuid NOT NULL,
    made_by uuid NOT NULL,
    made_at timestamp with time zone NOT NULL,
    last_used_at timestamp with time zone,
    revoked_at timestamp with time zone,
    revoked_by uuid,
    CONSTRAINT api_key_ending_check CHECK ((length(ending) = 4)),
    CONSTRAINT api_key_key_sha256_check CHECK ((length(key_sha256) = 32)),
    CONSTRAINT api_key_name_check CHECK (((length(name) >= 1) AND (length(name) <= 60))),
    CONSTRAINT api_key_revoked_by_somebody CHECK (((revoked_at IS NULL) = (revoked_by IS NULL)))
);

CREATE TABLE public.app_key (
    purpose text NOT NULL,
    key bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT app_key_key_check CHECK ((length(key) = 32))
);

CREATE TABLE public.audit (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    object_kind text NOT NULL,
    object_id text NOT NULL,
    payer_id uuid,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL
);

ALTER TABLE public.audit ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.audit_run (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    clean boolean NOT NULL,
    lines jsonb NOT NULL,
    duration_ms bigint NOT NULL,
    CONSTRAINT audit_run_takes_time CHECK ((duration_ms >= 0))
);

ALTER TABLE public.audit_run ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_run_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.auth_nonce (
    kind text NOT NULL,
    digest bytea NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT auth_nonce_digest_check CHECK ((length(digest) = 32))
);

CREATE TABLE public.bank_entry (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    key text NOT NULL,
    batch text NOT NULL,
    fingerprint text NOT NULL,
    statement_id uuid NOT NULL,
    iban text NOT NULL,
    booked_on date NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    credit boolean NOT NULL,
    reversal boolean NOT NULL,
    payer_name text NOT NULL,
    payer_iban text NOT NULL,
    reference text NOT NULL,
    remittance text NOT NULL,
    end_to_end text NOT NULL,
    outcome text NOT NULL,
    reason text NOT NULL,
    third_party boolean DEFAULT false NOT NULL,
    order_id uuid,
    imported_at timestamp with time zone NOT NULL,
    payer_id uuid,
    meant_order_id uuid,
    return_sent_id uuid,
    CONSTRAINT bank_entry_amount_minor_check CHECK ((amount_minor >= 0)),
    CONSTRAINT bank_entry_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT bank_entry_matched_once CHECK ((num_nonnulls(order_id, payer_id) =
CASE
    WHEN (outcome = 'matched'::text) THEN 1
    ELSE 0
END)),
    CONSTRAINT bank_entry_means_while_in_suspense CHECK (((meant_order_id IS NULL) OR (outcome = 'suspense'::text))),
    CONSTRAINT bank_entry_outcome_check CHECK ((outcome = ANY (ARRAY['matched'::text, 'suspense'::text, 'ignored'::text]))),
    CONSTRAINT bank_entry_return_is_noted CHECK (((return_sent_id IS NULL) OR ((outcome = 'ignored'::text) AND (NOT credit))))
);

CREATE TABLE public.bank_invoice (
    order_id uuid NOT NULL,
    content bytea NOT NULL,
    content_sha256 bytea NOT NULL,
    issued_at timestamp with time zone NOT NULL,
    words text DEFAULT ''::text NOT NULL,
    payer_id uuid NOT NULL,
    number text NOT NULL,
    issue_date date NOT NULL,
    CONSTRAINT bank_invoice_check CHECK ((content_sha256 = sha256(content)))
);

CREATE TABLE public.invoice (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    kind text NOT NULL,
    series_id bigint NOT NULL,
    seq bigint NOT NULL,
    number text NOT NULL,
    payer_id uuid NOT NULL,
    order_id uuid NOT NULL,
    issue_date date NOT NULL,
    tax_point date NOT NULL,
    currency text NOT NULL,
    net_minor bigint NOT NULL,
    vat_minor bigint NOT NULL,
    total_minor bigint NOT NULL,
    content bytea NOT NULL,
    content_sha256 bytea NOT NULL,
    issued_at timestamp with time zone NOT NULL,
    corrects_id uuid,
    replaces_id uuid,
    words text DEFAULT ''::text NOT NULL,
    CONSTRAINT invoice_check CHECK ((content_sha256 = sha256(content))),
    CONSTRAINT invoice_check1 CHECK ((issue_date >= tax_point)),
    CONSTRAINT invoice_corrects_one CHECK (((kind = 'credit_note'::text) = (corrects_id IS NOT NULL))),
    CONSTRAINT invoice_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT invoice_kind_check CHECK ((kind = ANY (ARRAY['invoice'::text, 'credit_note'::text]))),
    CONSTRAINT invoice_net_minor_check CHECK ((net_minor >= 0)),
    CONSTRAINT invoice_replaces_as_invoice CHECK (((replaces_id IS NULL) OR (kind = 'invoice'::text))),
    CONSTRAINT invoice_seq_check CHECK ((seq > 0)),
    CONSTRAINT invoice_total_adds_up CHECK ((total_minor = (net_minor + vat_minor))),
    CONSTRAINT invoice_vat_minor_check CHECK ((vat_minor >= 0))
);

CREATE TABLE public.orders (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    number text NOT NULL,
    reference text NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    payer_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    placed_by uuid,
    subscription_id uuid,
    plan text NOT NULL,
    accounts integer NOT NULL,
    recording boolean NOT NULL,
    lines integer NOT NULL,
    extra_accounts integer NOT NULL,
    api boolean NOT NULL,
    months integer NOT NULL,
    price_book text NOT NULL,
    currency text NOT NULL,
    monthly_minor bigint NOT NULL,
    discount_minor bigint NOT NULL,
    net_minor bigint NOT NULL,
    vat_minor bigint NOT NULL,
    total_minor bigint NOT NULL,
    vat_row text NOT NULL,
    method text NOT NULL,
    quote_sha256 bytea NOT NULL,
    placed_at timestamp with time zone NOT NULL,
    valid_until date NOT NULL,
    closed_at timestamp with time zone,
    CONSTRAINT orders_accounts_check CHECK (((accounts >= 0) AND (accounts <= 1000))),
    CONSTRAINT orders_check CHECK (((state = 'awaiting_payment'::text) = (closed_at IS NULL))),
    CONSTRAINT orders_check1 CHECK (((state <> 'paid'::text) OR (subscription_id IS NOT NULL))),
    CONSTRAINT orders_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT orders_discount_minor_check CHECK ((discount_minor >= 0)),
    CONSTRAINT orders_extra_accounts_check CHECK (((extra_accounts >= 0) AND (extra_accounts <= 1000))),
    CONSTRAINT orders_kind_check CHECK ((kind = ANY (ARRAY['new'::text, 'renewal'::text]))),
    CONSTRAINT orders_lines_check CHECK (((lines >= 0) AND (lines <= 1000))),
    CONSTRAINT orders_method_check CHECK ((method = ANY (ARRAY['bank'::text, 'card'::text, 'balance'::text]))),
    CONSTRAINT orders_monthly_minor_check CHECK ((monthly_minor > 0)),
    CONSTRAINT orders_months_check CHECK ((months = ANY (ARRAY[6, 12, 36]))),
    CONSTRAINT orders_net_adds_up CHECK ((net_minor = ((monthly_minor * months) - discount_minor))),
    CONSTRAINT orders_net_minor_check CHECK ((net_minor > 0)),
    CONSTRAINT orders_plan_check CHECK ((plan = ANY (ARRAY['softphone'::text, 'gateway'::text]))),
    CONSTRAINT orders_quote_sha256_check CHECK ((length(quote_sha256) = 32)),
    CONSTRAINT orders_reference_check CHECK ((reference ~ '^RF[0-9]{2}[0-9A-Z]{1,21}$'::text)),
    CONSTRAINT orders_state_check CHECK ((state = ANY (ARRAY['awaiting_payment'::text, 'paid'::text, 'expired'::text, 'canceled'::text]))),
    CONSTRAINT orders_total_adds_up CHECK ((total_minor = (net_minor + vat_minor))),
    CONSTRAINT orders_vat_minor_check CHECK ((vat_minor >= 0))
);

CREATE TABLE public.suspense_decision (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    bank_entry_id uuid NOT NULL,
    kind text NOT NULL,
    order_id uuid,
    payer_id uuid,
    against_id uuid,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    reason text NOT NULL,
    needs_two boolean NOT NULL,
    state text NOT NULL,
    first_by uuid,
    first_at timestamp with time zone NOT NULL,
    second_by uuid,
    refused_by uuid,
    refuse_reason text DEFAULT ''::text NOT NULL,
    sent_by uuid,
    decided_at timestamp with time zone,
    CONSTRAINT suspense_decision_amount_minor_check CHECK ((amount_minor > 0)),
    CONSTRAINT suspense_decision_closed_when_decided CHECK (((state = ANY (ARRAY['done'::text, 'refused'::text])) = (decided_at IS NOT NULL))),
    CONSTRAINT suspense_decision_kind_check CHECK ((kind = ANY (ARRAY['order'::text, 'balance'::text, 'return'::text, 'take_back'::text, 'offset'::text, 'not_ours'::text]))),
    CONSTRAINT suspense_decision_names_its_target CHECK ((((order_id IS NOT NULL) = (kind = 'order'::text)) AND ((payer_id IS NOT NULL) = (kind = ANY (ARRAY['order'::text, 'balance'::text, 'take_back'::text]))) AND ((against_id IS NOT NULL) = (kind = ANY (ARRAY['take_back'::text, 'offset'::text]))))),
    CONSTRAINT suspense_decision_not_ours_by_two CHECK (((kind <> 'not_ours'::text) OR needs_two)),
    CONSTRAINT suspense_decision_program_asks_nobody CHECK (((first_by IS NOT NULL) OR ((state = 'done'::text) AND (NOT needs_two)))),
    CONSTRAINT suspense_decision_reason_check CHECK ((reason <> ''::text)),
    CONSTRAINT suspense_decision_refused_by_somebody CHECK (((refused_by IS NOT NULL) = (state = 'refused'::text))),
    CONSTRAINT suspense_decision_return_is_sent_by_somebody CHECK (((sent_by IS NOT NULL) = ((kind = 'return'::text) AND (state = 'done'::text)))),
    CONSTRAINT suspense_decision_second_eyes CHECK (((state <> ALL (ARRAY['to_send'::text, 'done'::text])) OR (second_by IS NOT NULL) OR (NOT needs_two))),
    CONSTRAINT suspense_decision_state_check CHECK ((state = ANY (ARRAY['proposed'::text, 'to_send'::text, 'done'::text, 'refused'::text]))),
    CONSTRAINT suspense_decision_two_are_two CHECK ((second_by <> first_by))
);

CREATE VIEW public.bank_invoice_standing AS
 SELECT o.id AS order_id,
        CASE
            WHEN ((o.state = 'paid'::text) AND (EXISTS ( SELECT
               FROM public.invoice i
              WHERE ((i.order_id = o.id) AND (i.kind = 'invoice'::text))))) THEN 'invoiced'::text
            WHEN (o.state = 'paid'::text) THEN 'matched'::text
            WHEN (w.entries > 0) THEN 'received'::text
            WHEN (o.state = 'awaiting_payment'::text) THEN 'expected'::text
            ELSE o.state
        END AS standing,
    (COALESCE(w.minor, (0)::numeric))::bigint AS received_minor,
    (COALESCE(w.parts, (0)::numeric))::bigint AS parts_minor
   FROM (public.orders o
     LEFT JOIN LATERAL ( SELECT count(*) AS entries,
            sum(b.amount_minor) FILTER (WHERE (b.currency = o.currency)) AS minor,
            sum(b.amount_minor) FILTER (WHERE ((b.currency = o.currency) AND (b.reason = 'underpaid'::text) AND (NOT (EXISTS ( SELECT
                   FROM public.suspense_decision d
                  WHERE ((d.bank_entry_id = b.id) AND (d.state <> 'refused'::text))))))) AS parts
           FROM public.bank_entry b
          WHERE ((b.meant_order_id = o.id) AND b.credit AND (NOT (EXISTS ( SELECT
                   FROM public.suspense_decision d
                  WHERE ((d.bank_entry_id = b.id) AND (d.state = ANY (ARRAY['to_send'::text, 'done'::text])))))))) w ON (true));

CREATE TABLE public.bank_statement (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    iban text NOT NULL,
    statement_id text NOT NULL,
    currency text NOT NULL,
    from_date date,
    to_date date,
    opening_minor bigint NOT NULL,
    closing_minor bigint NOT NULL,
    file_sha256 bytea NOT NULL,
    imported_at timestamp with time zone NOT NULL,
    imported_by text NOT NULL,
    CONSTRAINT bank_statement_file_sha256_check CHECK ((length(file_sha256) = 32))
);

CREATE TABLE public.book_comparison (
    provider text NOT NULL,
    provider_account text NOT NULL,
    compared_to timestamp with time zone NOT NULL,
    done_at timestamp with time zone NOT NULL
);

CREATE TABLE public.charge (
    payment_id uuid NOT NULL,
    attempt_no integer NOT NULL,
    payer_id uuid NOT NULL,
    renewal_id uuid NOT NULL,
    on_day date NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    not_sent boolean DEFAULT false NOT NULL
);

CREATE TABLE public.charging_halt (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    since timestamp with time zone NOT NULL,
    invariant text NOT NULL,
    detail text NOT NULL,
    by text NOT NULL,
    lifted_at timestamp with time zone,
    lifted_by text,
    CONSTRAINT charging_halt_lifted_by_somebody CHECK ((((lifted_at IS NULL) = (lifted_by IS NULL)) AND (lifted_by <> ''::text)))
);

CREATE TABLE public.consent (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    payer_id uuid NOT NULL,
    account_id uuid NOT NULL,
    subject uuid NOT NULL,
    method_id uuid,
    text_id text NOT NULL,
    language text NOT NULL,
    text_sha256 bytea NOT NULL,
    amount_rule text NOT NULL,
    months integer NOT NULL,
    ip text NOT NULL,
    user_agent text NOT NULL,
    given_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    CONSTRAINT consent_check CHECK ((revoked_at >= given_at)),
    CONSTRAINT consent_months_check CHECK ((months > 0)),
    CONSTRAINT consent_text_sha256_check CHECK ((length(text_sha256) = 32))
);

CREATE TABLE public.correction_request (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    payer_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    asked_by uuid NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    buyer jsonb NOT NULL,
    currency text NOT NULL,
    net_minor bigint NOT NULL,
    old_vat_minor bigint NOT NULL,
    new_vat_minor bigint NOT NULL,
    needs_two boolean NOT NULL,
    state text NOT NULL,
    first_by uuid,
    first_at timestamp with time zone,
    second_by uuid,
    rejected_by uuid,
    reject_reason text DEFAULT ''::text NOT NULL,
    decided_at timestamp with time zone,
    replacement_id uuid,
    CONSTRAINT correction_request_closed_when_decided CHECK (((state = ANY (ARRAY['done'::text, 'rejected'::text, 'withdrawn'::text])) = (decided_at IS NOT NULL))),
    CONSTRAINT correction_request_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT correction_request_done_names_its_invoice CHECK (((state = 'done'::text) = (replacement_id IS NOT NULL))),
    CONSTRAINT correction_request_first_is_dated CHECK (((first_by IS NULL) = (first_at IS NULL))),
    CONSTRAINT correction_request_is_decided_by_others CHECK (((first_by <> asked_by) AND (second_by <> asked_by))),
    CONSTRAINT correction_request_net_minor_check CHECK ((net_minor > 0)),
    CONSTRAINT correction_request_new_vat_minor_check CHECK ((new_vat_minor >= 0)),
    CONSTRAINT correction_request_old_vat_minor_check CHECK ((old_vat_minor >= 0)),
    CONSTRAINT correction_request_rejected_by_somebody CHECK (((state = 'rejected'::text) = (rejected_by IS NOT NULL))),
    CONSTRAINT correction_request_second_eyes CHECK (((state <> 'done'::text) OR ((first_by IS NOT NULL) AND ((second_by IS NOT NULL) OR (NOT needs_two))))),
    CONSTRAINT correction_request_state_check CHECK ((state = ANY (ARRAY['requested'::text, 'approved_once'::text, 'done'::text, 'rejected'::text, 'withdrawn'::text]))),
    CONSTRAINT correction_request_two_are_two CHECK ((second_by <> first_by))
);

CREATE TABLE public.demo_clock (
    only_row boolean DEFAULT true NOT NULL,
    offset_seconds bigint NOT NULL,
    CONSTRAINT demo_clock_offset_seconds_check CHECK ((offset_seconds >= 0)),
    CONSTRAINT demo_clock_only_row_check CHECK (only_row)
);

CREATE TABLE public.dispute (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    payment_id uuid NOT NULL,
    provider text NOT NULL,
    provider_account text NOT NULL,
    provider_ref text NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    reason text NOT NULL,
    state text NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    CONSTRAINT dispute_amount_minor_check CHECK ((amount_minor > 0)),
    CONSTRAINT dispute_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT dispute_provider_ref_check CHECK ((provider_ref <> ''::text)),
    CONSTRAINT dispute_state_check CHECK ((state = ANY (ARRAY['open'::text, 'won'::text, 'lost'::text])))
);

CREATE TABLE public.document_file (
    content_sha256 bytea NOT NULL,
    format text NOT NULL,
    file_sha256 bytea NOT NULL,
    size bigint NOT NULL,
    blob_key text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT document_file_content_sha256_check CHECK ((length(content_sha256) = 32)),
    CONSTRAINT document_file_file_sha256_check CHECK ((length(file_sha256) = 32)),
    CONSTRAINT document_file_format_check CHECK ((format = ANY (ARRAY['pdf'::text, 'cii'::text, 'ubl'::text]))),
    CONSTRAINT document_file_size_check CHECK ((size > 0))
);

CREATE TABLE public.document_view (
    id bigint NOT NULL,
    payer_id uuid NOT NULL,
    account_id uuid NOT NULL,
    kind text NOT NULL,
    number text NOT NULL,
    format text NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT document_view_format_check CHECK ((format <> ''::text)),
    CONSTRAINT document_view_kind_check CHECK ((kind <> ''::text))
);

ALTER TABLE public.document_view ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.document_view_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.goose_db_version (
    id integer NOT NULL,
    version_id bigint NOT NULL,
    is_applied boolean NOT NULL,
    tstamp timestamp without time zone DEFAULT now() NOT NULL
);

ALTER TABLE public.goose_db_version ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.goose_db_version_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.invitation (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    payer_id uuid NOT NULL,
    email text NOT NULL,
    invited_by uuid NOT NULL,
    invited_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    closed_at timestamp with time zone,
    CONSTRAINT invitation_email_is_plain CHECK ((email ~ '^[!-@\[-~]{3,254}$'::text)),
    CONSTRAINT invitation_is_closed CHECK (((state = 'pending'::text) = (closed_at IS NULL))),
    CONSTRAINT invitation_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'accepted'::text, 'revoked'::text])))
);

CREATE TABLE public.invoice_credit (
    invoice_id uuid NOT NULL,
    line integer NOT NULL,
    category text NOT NULL,
    rate_bps bigint,
    country text NOT NULL,
    base_minor bigint NOT NULL,
    vat_minor bigint NOT NULL,
    credited_base_minor bigint DEFAULT 0 NOT NULL,
    credited_vat_minor bigint DEFAULT 0 NOT NULL,
    CONSTRAINT invoice_credit_at_most_invoiced CHECK ((((credited_base_minor >= 0) AND (credited_base_minor <= base_minor)) AND ((credited_vat_minor >= 0) AND (credited_vat_minor <= vat_minor))))
);

CREATE TABLE public.invoice_proof (
    invoice_id uuid NOT NULL,
    vat_check_id bigint NOT NULL
);

CREATE TABLE public.invoice_vat (
    invoice_id uuid NOT NULL,
    line integer NOT NULL,
    category text NOT NULL,
    rate_bps bigint,
    vat_row text NOT NULL,
    country text NOT NULL,
    base_minor bigint NOT NULL,
    vat_minor bigint NOT NULL,
    base_before_minor bigint DEFAULT 0 NOT NULL,
    vat_before_minor bigint DEFAULT 0 NOT NULL,
    CONSTRAINT invoice_vat_category_check CHECK ((category = ANY (ARRAY['S'::text, 'AE'::text, 'E'::text, 'O'::text]))),
    CONSTRAINT invoice_vat_check CHECK (((category = 'O'::text) = (rate_bps IS NULL))),
    CONSTRAINT invoice_vat_check1 CHECK (((category = 'S'::text) OR (vat_minor = 0))),
    CONSTRAINT invoice_vat_is_base_times_rate CHECK ((((vat_before_minor + vat_minor))::numeric = div(((((base_before_minor + base_minor))::numeric * (COALESCE(rate_bps, (0)::bigint))::numeric) + (5000)::numeric), (10000)::numeric))),
    CONSTRAINT invoice_vat_line_check CHECK ((line > 0))
);

CREATE TABLE public.ledger_account (
    id bigint NOT NULL,
    kind text NOT NULL,
    payer_id uuid,
    currency text NOT NULL,
    balance_minor bigint DEFAULT 0 NOT NULL,
    credit_limit_minor bigint DEFAULT 0 NOT NULL,
    CONSTRAINT ledger_account_check CHECK (((kind = 'balance'::text) = (payer_id IS NOT NULL))),
    CONSTRAINT ledger_account_credit_limit_minor_check CHECK ((credit_limit_minor >= 0)),
    CONSTRAINT ledger_account_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT ledger_account_kind_check CHECK ((kind = ANY (ARRAY['bank'::text, 'suspense'::text, 'balance'::text, 'revenue'::text, 'vat'::text, 'write_off'::text, 'provider'::text, 'refunds'::text, 'disputed'::text]))),
    CONSTRAINT ledger_balance_within_limit CHECK (((kind <> 'balance'::text) OR (balance_minor <= credit_limit_minor)))
);

ALTER TABLE public.ledger_account ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.ledger_account_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.ledger_entry (
    id bigint NOT NULL,
    kind text NOT NULL,
    at timestamp with time zone NOT NULL,
    order_id uuid,
    bank_entry_id uuid,
    hash bytea NOT NULL,
    payment_id uuid,
    refund_id uuid,
    dispute_id uuid,
    credit_note_id uuid,
    suspense_decision_id uuid,
    CONSTRAINT ledger_entry_hash_check CHECK ((length(hash) = 32)),
    CONSTRAINT ledger_entry_kind_check CHECK ((kind = ANY (ARRAY['bank_received'::text, 'bank_suspense'::text, 'order_paid'::text, 'change_credit'::text, 'captured'::text, 'credited'::text, 'refund_asked'::text, 'refund_sent'::text, 'refund_failed'::text, 'disputed'::text, 'dispute_won'::text, 'dispute_taken'::text, 'corrected'::text, 'suspense_matched'::text, 'suspense_returned'::text, 'suspense_taken_back'::text]))),
    CONSTRAINT ledger_entry_names_its_source CHECK ((((payment_id IS NOT NULL) = (kind = 'captured'::text)) AND ((refund_id IS NOT NULL) = (kind = ANY (ARRAY['refund_asked'::text, 'refund_sent'::text, 'refund_failed'::text]))) AND ((dispute_id IS NOT NULL) = (kind = ANY (ARRAY['disputed'::text, 'dispute_won'::text, 'dispute_taken'::text]))) AND ((credit_note_id IS NOT NULL) = (kind = ANY (ARRAY['credited'::text, 'corrected'::text]))) AND ((suspense_decision_id IS NOT NULL) = (kind = ANY (ARRAY['suspense_matched'::text, 'suspense_returned'::text, 'suspense_taken_back'::text])))))
);

ALTER TABLE public.ledger_entry ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.ledger_entry_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.ledger_posting (
    entry_id bigint NOT NULL,
    line integer NOT NULL,
    account_id bigint NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    CONSTRAINT ledger_posting_amount_minor_check CHECK (((amount_minor <> 0) AND (abs(amount_minor) <= '1000000000000'::bigint))),
    CONSTRAINT ledger_posting_line_check CHECK ((line > 0))
);

CREATE TABLE public.login_state (
    state_hash bytea NOT NULL,
    return_to text NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT login_state_return_to_check CHECK (((return_to ~ '^/'::text) AND (length(return_to) <= 2000))),
    CONSTRAINT login_state_state_hash_check CHECK ((length(state_hash) = 32))
);

CREATE TABLE public.mail (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    kind text NOT NULL,
    recipient text NOT NULL,
    payer_id uuid,
    link_id uuid,
    invitation_id uuid,
    state text DEFAULT 'pending'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    last_error text DEFAULT ''::text NOT NULL,
    next_try_at timestamp with time zone,
    sent_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    recipient_id uuid,
    document_kind text DEFAULT ''::text NOT NULL,
    document_number text DEFAULT ''::text NOT NULL,
    round integer DEFAULT 1 NOT NULL,
    CONSTRAINT mail_attempts_check CHECK ((attempts >= 0)),
    CONSTRAINT mail_is_dated CHECK (((state = 'sent'::text) = (sent_at IS NOT NULL))),
    CONSTRAINT mail_is_due CHECK (((state = 'pending'::text) = (next_try_at IS NOT NULL))),
    CONSTRAINT mail_kind_check CHECK ((kind = ANY (ARRAY['sign_in'::text, 'invitation'::text, 'confirmation'::text, 'document'::text]))),
    CONSTRAINT mail_recipient_check CHECK ((recipient <> ''::text)),
    CONSTRAINT mail_round_check CHECK ((round > 0)),
    CONSTRAINT mail_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'sent'::text, 'failed'::text, 'skipped'::text])))
);

CREATE TABLE public.member (
    payer_id uuid NOT NULL,
    account_id uuid NOT NULL,
    role text NOT NULL,
    added_at timestamp with time zone NOT NULL,
    CONSTRAINT member_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'billing'::text, 'accountant'::text])))
);

CREATE TABLE public.notice (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    key text NOT NULL,
    kind text NOT NULL,
    payer_id uuid NOT NULL,
    subscription_id uuid,
    order_number text NOT NULL,
    facts jsonb NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT notice_key_check CHECK ((key <> ''::text)),
    CONSTRAINT notice_kind_check CHECK ((kind <> ''::text))
);

CREATE TABLE public.notice_delivery (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    notice_id uuid NOT NULL,
    channel text NOT NULL,
    recipient text NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    last_error text DEFAULT ''::text NOT NULL,
    next_try_at timestamp with time zone,
    sent_at timestamp with time zone,
    CONSTRAINT notice_delivery_attempts_check CHECK ((attempts >= 0)),
    CONSTRAINT notice_delivery_channel_check CHECK ((channel = ANY (ARRAY['telegram'::text, 'email'::text]))),
    CONSTRAINT notice_delivery_is_dated CHECK (((state = 'sent'::text) = (sent_at IS NOT NULL))),
    CONSTRAINT notice_delivery_is_due CHECK (((state = 'pending'::text) = (next_try_at IS NOT NULL))),
    CONSTRAINT notice_delivery_recipient_check CHECK ((recipient <> ''::text)),
    CONSTRAINT notice_delivery_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'sent'::text, 'failed'::text, 'skipped'::text])))
);

CREATE TABLE public.order_number (
    year integer NOT NULL,
    next bigint NOT NULL,
    CONSTRAINT order_number_next_check CHECK ((next > 0))
);

CREATE SEQUENCE public.order_number_taken
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    MAXVALUE 999999999
    CACHE 1;

CREATE TABLE public.payer (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    company_code text DEFAULT ''::text NOT NULL,
    vat_number text DEFAULT ''::text NOT NULL,
    street text DEFAULT ''::text NOT NULL,
    city text DEFAULT ''::text NOT NULL,
    postcode text DEFAULT ''::text NOT NULL,
    country text DEFAULT ''::text NOT NULL,
    email text DEFAULT ''::text NOT NULL,
    po_reference text DEFAULT ''::text NOT NULL,
    language text DEFAULT 'en'::text NOT NULL,
    currency text DEFAULT ''::text NOT NULL,
    currency_fixed boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone NOT NULL,
    also_lithuanian boolean DEFAULT false NOT NULL,
    CONSTRAINT payer_city_check CHECK ((length(city) <= 100)),
    CONSTRAINT payer_company_code_check CHECK ((length(company_code) <= 50)),
    CONSTRAINT payer_country_check CHECK ((country ~ '^([A-Z]{2})?$'::text)),
    CONSTRAINT payer_currency_check CHECK ((currency ~ '^([A-Z]{3})?$'::text)),
    CONSTRAINT payer_email_check CHECK ((length(email) <= 254)),
    CONSTRAINT payer_fixed_currency_named CHECK (((NOT currency_fixed) OR (currency <> ''::text))),
    CONSTRAINT payer_kind_check CHECK ((kind = ANY (ARRAY['person'::text, 'company'::text]))),
    CONSTRAINT payer_name_check CHECK ((length(name) <= 200)),
    CONSTRAINT payer_po_reference_check CHECK ((length(po_reference) <= 50)),
    CONSTRAINT payer_postcode_check CHECK ((length(postcode) <= 20)),
    CONSTRAINT payer_street_check CHECK ((length(street) <= 200)),
    CONSTRAINT payer_vat_number_check CHECK ((length(vat_number) <= 20))
);

CREATE TABLE public.payer_customer (
    payer_id uuid NOT NULL,
    account_id uuid NOT NULL,
    added_at timestamp with time zone NOT NULL
);

CREATE TABLE public.payer_reference (
    payer_id uuid NOT NULL,
    reference text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT payer_reference_reference_check CHECK ((reference ~ '^RF[0-9]{2}9[0-9]{9}$'::text))
);

CREATE SEQUENCE public.payer_reference_number
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    MAXVALUE 999999999
    CACHE 1;

CREATE TABLE public.payment (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    payer_id uuid NOT NULL,
    payable_kind text NOT NULL,
    payable_id uuid NOT NULL,
    provider text NOT NULL,
    provider_account text NOT NULL,
    provider_ref text,
    payer_url text DEFAULT ''::text NOT NULL,
    initiator text NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    may_underpay boolean DEFAULT false NOT NULL,
    tolerated_minor bigint DEFAULT 0 NOT NULL,
    received_minor bigint DEFAULT 0 NOT NULL,
    refunded_minor bigint DEFAULT 0 NOT NULL,
    disputed_minor bigint DEFAULT 0 NOT NULL,
    asked_minor bigint DEFAULT 0 NOT NULL,
    state text NOT NULL,
    attempt_no integer DEFAULT 1 NOT NULL,
    declines integer DEFAULT 0 NOT NULL,
    parked text DEFAULT ''::text NOT NULL,
    sent_at timestamp with time zone,
    repeat_until timestamp with time zone,
    as_of timestamp with time zone,
    expires_at timestamp with time zone,
    next_check_at timestamp with time zone,
    checks integer DEFAULT 0 NOT NULL,
    method_id uuid,
    parent_id uuid,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    order_id uuid,
    keep_method boolean DEFAULT false NOT NULL,
    language text DEFAULT ''::text NOT NULL,
    return_url text DEFAULT ''::text NOT NULL,
    CONSTRAINT payment_amount_minor_check CHECK ((amount_minor > 0)),
    CONSTRAINT payment_asked_at_most_received CHECK (((asked_minor >= 0) AND (asked_minor <= received_minor))),
    CONSTRAINT payment_attempt_no_check CHECK ((attempt_no > 0)),
    CONSTRAINT payment_check CHECK (((tolerated_minor >= 0) AND (tolerated_minor < amount_minor))),
    CONSTRAINT payment_checks_check CHECK ((checks >= 0)),
    CONSTRAINT payment_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT payment_declines_check CHECK ((declines >= 0)),
    CONSTRAINT payment_disputed_minor_check CHECK ((disputed_minor >= 0)),
    CONSTRAINT payment_ended_is_not_looked_at CHECK (((next_check_at IS NULL) OR (state <> ALL (ARRAY['succeeded'::text, 'failed'::text, 'canceled'::text, 'expired'::text])))),
    CONSTRAINT payment_initiator_check CHECK ((initiator = ANY (ARRAY['payer'::text, 'merchant'::text]))),
    CONSTRAINT payment_payable_kind_check CHECK ((payable_kind = ANY (ARRAY['order'::text, 'renewal'::text, 'topup'::text]))),
    CONSTRAINT payment_provider_ref_check CHECK ((provider_ref <> ''::text)),
    CONSTRAINT payment_received_minor_check CHECK ((received_minor >= 0)),
    CONSTRAINT payment_refunded_at_most_received CHECK (((refunded_minor >= 0) AND (refunded_minor <= received_minor))),
    CONSTRAINT payment_returned_at_most_received CHECK (((refunded_minor + disputed_minor) <= received_minor)),
    CONSTRAINT payment_sent_is_remembered CHECK (((sent_at IS NULL) = (repeat_until IS NULL))),
    CONSTRAINT payment_state_check CHECK ((state = ANY (ARRAY['created'::text, 'awaiting_payer'::text, 'action_required'::text, 'processing'::text, 'partially_paid'::text, 'unknown'::text, 'succeeded'::text, 'failed'::text, 'canceled'::text, 'expired'::text]))),
    CONSTRAINT payment_succeeds_with_money CHECK (((state <> 'succeeded'::text) OR (received_minor >= (amount_minor - tolerated_minor)))),
    CONSTRAINT payment_top_up_has_no_order CHECK (((payable_kind <> 'topup'::text) OR (order_id IS NULL)))
);

CREATE TABLE public.payment_event (
    payment_id uuid NOT NULL,
    seq integer NOT NULL,
    from_state text NOT NULL,
    to_state text NOT NULL,
    source text NOT NULL,
    outcome text DEFAULT ''::text NOT NULL,
    inbox_id bigint,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT payment_event_outcome_check CHECK ((outcome = ANY (ARRAY[''::text, 'unknown'::text, 'succeeded'::text, 'pending'::text, 'action_required'::text, 'declined'::text, 'not_sent'::text]))),
    CONSTRAINT payment_event_seq_check CHECK ((seq > 0)),
    CONSTRAINT payment_event_source_check CHECK ((source = ANY (ARRAY['api'::text, 'lookup'::text, 'operator'::text, 'clock'::text])))
);

CREATE TABLE public.payment_method (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    payer_id uuid NOT NULL,
    provider text NOT NULL,
    provider_account text NOT NULL,
    provider_ref text NOT NULL,
    label text NOT NULL,
    fingerprint text NOT NULL,
    expires_on date,
    created_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    CONSTRAINT payment_method_provider_ref_check CHECK ((provider_ref <> ''::text))
);

CREATE TABLE public.receipt (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    series_id bigint NOT NULL,
    seq bigint NOT NULL,
    number text NOT NULL,
    entry_id bigint NOT NULL,
    payer_id uuid NOT NULL,
    issue_date date NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    content bytea NOT NULL,
    content_sha256 bytea NOT NULL,
    issued_at timestamp with time zone NOT NULL,
    words text DEFAULT ''::text NOT NULL,
    CONSTRAINT receipt_amount_minor_check CHECK ((amount_minor > 0)),
    CONSTRAINT receipt_content_is_hashed CHECK ((content_sha256 = sha256(content))),
    CONSTRAINT receipt_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT receipt_seq_check CHECK ((seq > 0))
);

CREATE TABLE public.recipient (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    payer_id uuid NOT NULL,
    email text NOT NULL,
    invoices boolean DEFAULT true NOT NULL,
    credit_notes boolean DEFAULT true NOT NULL,
    bank_invoices boolean DEFAULT true NOT NULL,
    receipts boolean DEFAULT true NOT NULL,
    pdf boolean DEFAULT true NOT NULL,
    xml boolean DEFAULT true NOT NULL,
    added_by uuid NOT NULL,
    added_at timestamp with time zone NOT NULL,
    confirm_until timestamp with time zone NOT NULL,
    confirmed_at timestamp with time zone,
    stopped_at timestamp with time zone,
    removed_at timestamp with time zone,
    CONSTRAINT recipient_email_is_plain CHECK ((email ~ '^[!-@\[-~]{3,254}$'::text)),
    CONSTRAINT recipient_gets_a_file CHECK ((pdf OR xml))
);

CREATE TABLE public.refund (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    payment_id uuid NOT NULL,
    provider text NOT NULL,
    provider_account text NOT NULL,
    provider_ref text,
    request text NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    state text NOT NULL,
    attempt_no integer DEFAULT 1 NOT NULL,
    reason text NOT NULL,
    asked_by text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    sent_at timestamp with time zone,
    repeat_until timestamp with time zone,
    next_check_at timestamp with time zone,
    checks integer DEFAULT 0 NOT NULL,
    credit_note_id uuid,
    ended_by uuid,
    ended_at timestamp with time zone,
    failure text DEFAULT ''::text NOT NULL,
    CONSTRAINT refund_amount_minor_check CHECK ((amount_minor > 0)),
    CONSTRAINT refund_attempt_no_check CHECK ((attempt_no > 0)),
    CONSTRAINT refund_checks_check CHECK ((checks >= 0)),
    CONSTRAINT refund_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT refund_ended_is_not_looked_at CHECK (((next_check_at IS NULL) OR (state = ANY (ARRAY['requested'::text, 'pending'::text, 'unknown'::text])))),
    CONSTRAINT refund_payout_failure_says_why CHECK (((failure <> ''::text) = ((provider = 'bank'::text) AND (state = 'failed'::text)))),
    CONSTRAINT refund_payout_is_ended_by_somebody CHECK ((num_nonnulls(ended_by, ended_at) =
CASE
    WHEN ((provider = 'bank'::text) AND (state <> 'requested'::text)) THEN 2
    ELSE 0
END)),
    CONSTRAINT refund_payout_is_of_a_credit_note CHECK (((provider <> 'bank'::text) OR (credit_note_id IS NOT NULL))),
    CONSTRAINT refund_payout_is_sent_by_people CHECK (((provider <> 'bank'::text) OR ((state = ANY (ARRAY['requested'::text, 'succeeded'::text, 'failed'::text])) AND (attempt_no = 1) AND (num_nonnulls(sent_at, next_check_at, provider_ref) = 0)))),
    CONSTRAINT refund_provider_ref_check CHECK ((provider_ref <> ''::text)),
    CONSTRAINT refund_sent_is_remembered CHECK (((sent_at IS NULL) = (repeat_until IS NULL))),
    CONSTRAINT refund_state_check CHECK ((state = ANY (ARRAY['requested'::text, 'pending'::text, 'unknown'::text, 'succeeded'::text, 'failed'::text])))
);

CREATE TABLE public.refund_request (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    payer_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    asked_by uuid NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    reason text NOT NULL,
    target text NOT NULL,
    currency text NOT NULL,
    days integer NOT NULL,
    net_minor bigint NOT NULL,
    vat_minor bigint NOT NULL,
    total_minor bigint NOT NULL,
    needs_two boolean NOT NULL,
    state text NOT NULL,
    first_by uuid,
    first_at timestamp with time zone,
    second_by uuid,
    rejected_by uuid,
    reject_reason text DEFAULT ''::text NOT NULL,
    decided_at timestamp with time zone,
    credited_minor bigint,
    method_minor bigint,
    CONSTRAINT refund_request_check CHECK (((first_by IS NULL) = (first_at IS NULL))),
    CONSTRAINT refund_request_check1 CHECK (((state = 'rejected'::text) = (rejected_by IS NOT NULL))),
    CONSTRAINT refund_request_closed_when_decided CHECK (((state = ANY (ARRAY['done'::text, 'rejected'::text, 'withdrawn'::text])) = (decided_at IS NOT NULL))),
    CONSTRAINT refund_request_credited_minor_check CHECK ((credited_minor > 0)),
    CONSTRAINT refund_request_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT refund_request_days_check CHECK ((days > 0)),
    CONSTRAINT refund_request_done_says_how_much CHECK ((((state = 'done'::text) = (credited_minor IS NOT NULL)) AND (num_nulls(credited_minor, method_minor) = ANY (ARRAY[0, 2])) AND (method_minor <= credited_minor))),
    CONSTRAINT refund_request_is_decided_by_others CHECK (((first_by <> asked_by) AND (second_by <> asked_by))),
    CONSTRAINT refund_request_method_minor_check CHECK ((method_minor >= 0)),
    CONSTRAINT refund_request_net_minor_check CHECK ((net_minor > 0)),
    CONSTRAINT refund_request_second_eyes CHECK (((state <> 'done'::text) OR ((first_by IS NOT NULL) AND ((second_by IS NOT NULL) OR (NOT needs_two))))),
    CONSTRAINT refund_request_state_check CHECK ((state = ANY (ARRAY['requested'::text, 'approved_once'::text, 'done'::text, 'rejected'::text, 'withdrawn'::text]))),
    CONSTRAINT refund_request_target_check CHECK ((target = ANY (ARRAY['method'::text, 'balance'::text]))),
    CONSTRAINT refund_request_total_adds_up CHECK ((total_minor = (net_minor + vat_minor))),
    CONSTRAINT refund_request_two_are_two CHECK ((second_by <> first_by)),
    CONSTRAINT refund_request_vat_minor_check CHECK ((vat_minor >= 0))
);

CREATE TABLE public.renewal (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    subscription_id uuid NOT NULL,
    period_no integer NOT NULL,
    state text DEFAULT 'open'::text NOT NULL,
    tries integer DEFAULT 0 NOT NULL,
    last_try_on date,
    next_try_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT renewal_period_no_check CHECK ((period_no > 1)),
    CONSTRAINT renewal_state_check CHECK ((state = ANY (ARRAY['open'::text, 'paid'::text, 'gave_up'::text]))),
    CONSTRAINT renewal_tries_check CHECK ((tries >= 0))
);

CREATE TABLE public.river_job (
    id bigint NOT NULL,
    state public.river_job_state DEFAULT 'available'::public.river_job_state NOT NULL,
    attempt smallint DEFAULT 0 NOT NULL,
    max_attempts smallint DEFAULT 25 NOT NULL,
    attempted_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    finalized_at timestamp with time zone,
    scheduled_at timestamp with time zone DEFAULT now() NOT NULL,
    priority smallint DEFAULT 1 NOT NULL,
    args jsonb NOT NULL,
    attempted_by text[],
    errors jsonb[],
    kind text NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    queue text DEFAULT 'default'::text NOT NULL,
    tags character varying(255)[] DEFAULT '{}'::character varying[] NOT NULL,
    unique_key bytea,
    unique_states bit(8),
    CONSTRAINT finalized_or_finalized_at_null CHECK ((((finalized_at IS NULL) AND (state <> ALL (ARRAY['cancelled'::public.river_job_state, 'completed'::public.river_job_state, 'discarded'::public.river_job_state]))) OR ((finalized_at IS NOT NULL) AND (state = ANY (ARRAY['cancelled'::public.river_job_state, 'completed'::public.river_job_state, 'discarded'::public.river_job_state]))))),
    CONSTRAINT kind_length CHECK (((char_length(kind) > 0) AND (char_length(kind) < 128))),
    CONSTRAINT max_attempts_is_positive CHECK ((max_attempts > 0)),
    CONSTRAINT priority_in_range CHECK (((priority >= 1) AND (priority <= 4))),
    CONSTRAINT queue_length CHECK (((char_length(queue) > 0) AND (char_length(queue) < 128)))
);

CREATE SEQUENCE public.river_job_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.river_job_id_seq OWNED BY public.river_job.id;

CREATE UNLOGGED TABLE public.river_leader (
    elected_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    leader_id text NOT NULL,
    name text DEFAULT 'default'::text NOT NULL,
    CONSTRAINT leader_id_length CHECK (((char_length(leader_id) > 0) AND (char_length(leader_id) < 128))),
    CONSTRAINT name_length CHECK ((name = 'default'::text))
);

CREATE TABLE public.river_migration (
    line text NOT NULL,
    version bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT line_length CHECK (((char_length(line) > 0) AND (char_length(line) < 128))),
    CONSTRAINT version_gte_1 CHECK ((version >= 1))
);

CREATE TABLE public.river_notification (
    id bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    payload text NOT NULL,
    topic text NOT NULL,
    CONSTRAINT topic_length CHECK (((length(topic) > 0) AND (length(topic) < 128)))
);

CREATE SEQUENCE public.river_notification_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.river_notification_id_seq OWNED BY public.river_notification.id;

CREATE TABLE public.river_queue (
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    paused_at timestamp with time zone,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL
);

CREATE TABLE public.series (
    id bigint NOT NULL,
    kind text NOT NULL,
    year integer NOT NULL,
    prefix text NOT NULL,
    next bigint DEFAULT 1 NOT NULL,
    last_issue_date date,
    CONSTRAINT series_kind_check CHECK ((kind = ANY (ARRAY['invoice'::text, 'credit_note'::text, 'receipt'::text]))),
    CONSTRAINT series_next_check CHECK ((next > 0))
);

ALTER TABLE public.series ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.series_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.session (
    token_hash bytea NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    account_id uuid NOT NULL,
    user_agent text NOT NULL,
    ip text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    last_seen_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT session_token_hash_check CHECK ((length(token_hash) = 32))
);

CREATE TABLE public.settlement (
    order_id uuid NOT NULL,
    tax_point date NOT NULL,
    treatment jsonb NOT NULL,
    buyer jsonb NOT NULL,
    net_minor bigint NOT NULL,
    vat_minor bigint NOT NULL,
    shortfall_minor bigint NOT NULL,
    settled_at timestamp with time zone NOT NULL,
    vat_check_id bigint,
    vat_pending boolean DEFAULT false NOT NULL,
    CONSTRAINT settlement_shortfall_minor_check CHECK ((shortfall_minor >= 0)),
    CONSTRAINT settlement_vat_minor_check CHECK ((vat_minor >= 0))
);

CREATE TABLE public.settlement_answer (
    order_id uuid NOT NULL,
    vat_check_id bigint NOT NULL,
    noted_at timestamp with time zone NOT NULL
);

CREATE TABLE public.sign_in_link (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    email text NOT NULL,
    browser_hash bytea NOT NULL,
    token_hash bytea,
    return_to text NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    CONSTRAINT sign_in_link_browser_hash_check CHECK ((length(browser_hash) = 32)),
    CONSTRAINT sign_in_link_email_is_plain CHECK ((email ~ '^[!-@\[-~]{3,254}$'::text)),
    CONSTRAINT sign_in_link_return_to_check CHECK (((return_to ~ '^/'::text) AND (length(return_to) <= 2000))),
    CONSTRAINT sign_in_link_token_hash_check CHECK ((length(token_hash) = 32))
);

CREATE TABLE public.staff_member (
    account_id uuid NOT NULL,
    role text NOT NULL,
    added_at timestamp with time zone NOT NULL,
    added_by text NOT NULL,
    CONSTRAINT staff_member_role_check CHECK ((role = ANY (ARRAY['support'::text, 'finance'::text, 'admin'::text])))
);

CREATE TABLE public.statement_upload (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    sha256 bytea NOT NULL,
    content bytea NOT NULL,
    name text NOT NULL,
    entries integer NOT NULL,
    uploaded_by uuid NOT NULL,
    uploaded_at timestamp with time zone NOT NULL,
    asked_by uuid,
    asked_at timestamp with time zone,
    done_at timestamp with time zone,
    result jsonb,
    needs_two boolean NOT NULL,
    CONSTRAINT statement_upload_asked_by_somebody CHECK (((asked_by IS NULL) = (asked_at IS NULL))),
    CONSTRAINT statement_upload_done_says_what CHECK (((done_at IS NULL) OR (result IS NOT NULL))),
    CONSTRAINT statement_upload_done_when_asked CHECK (((done_at IS NULL) OR (asked_at IS NOT NULL))),
    CONSTRAINT statement_upload_entries_check CHECK ((entries >= 0)),
    CONSTRAINT statement_upload_is_its_hash CHECK ((sha256 = sha256(content))),
    CONSTRAINT statement_upload_second_eyes CHECK (((NOT needs_two) OR (asked_by <> uploaded_by)))
);

CREATE TABLE public.stray_payment (
    provider text NOT NULL,
    provider_account text NOT NULL,
    provider_ref text NOT NULL,
    reference text NOT NULL,
    currency character(3) NOT NULL,
    received_minor bigint NOT NULL,
    returned_minor bigint NOT NULL,
    as_of timestamp with time zone NOT NULL,
    first_seen_at timestamp with time zone NOT NULL,
    CONSTRAINT stray_payment_returns_what_came CHECK (((returned_minor >= 0) AND (returned_minor <= received_minor)))
);

CREATE TABLE public.subscription (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    payer_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    plan text NOT NULL,
    accounts integer DEFAULT 0 NOT NULL,
    recording boolean DEFAULT false NOT NULL,
    lines integer DEFAULT 0 NOT NULL,
    extra_accounts integer DEFAULT 0 NOT NULL,
    api boolean DEFAULT false NOT NULL,
    months integer NOT NULL,
    currency text NOT NULL,
    state text NOT NULL,
    auto_renew boolean NOT NULL,
    anchor_day integer NOT NULL,
    started_at timestamp with time zone NOT NULL,
    paid_until timestamp with time zone NOT NULL,
    CONSTRAINT subscription_accounts_check CHECK ((accounts >= 0)),
    CONSTRAINT subscription_anchor_day_check CHECK (((anchor_day >= 1) AND (anchor_day <= 31))),
    CONSTRAINT subscription_check CHECK ((paid_until > started_at)),
    CONSTRAINT subscription_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT subscription_extra_accounts_check CHECK ((extra_accounts >= 0)),
    CONSTRAINT subscription_lines_check CHECK ((lines >= 0)),
    CONSTRAINT subscription_months_check CHECK ((months > 0)),
    CONSTRAINT subscription_plan_check CHECK ((plan = ANY (ARRAY['softphone'::text, 'gateway'::text, 'softphone_provider'::text, 'trial'::text, 'starter'::text]))),
    CONSTRAINT subscription_state_check CHECK ((state = ANY (ARRAY['active'::text, 'ended'::text])))
);

CREATE TABLE public.subscription_event (
    id bigint NOT NULL,
    subscription_id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    actor text NOT NULL,
    months integer DEFAULT 0 NOT NULL,
    order_number text DEFAULT ''::text NOT NULL,
    paid_until timestamp with time zone NOT NULL,
    days integer DEFAULT 0 NOT NULL,
    CONSTRAINT subscription_event_kind_check CHECK ((kind = ANY (ARRAY['started'::text, 'extended'::text, 'auto_renew_off'::text, 'auto_renew_on'::text, 'ended'::text, 'changed'::text, 'withdrawn'::text, 'refunded'::text, 'charged_back'::text])))
);

ALTER TABLE public.subscription_event ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.subscription_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.subscription_period (
    subscription_id uuid NOT NULL,
    number integer NOT NULL,
    during tstzrange NOT NULL,
    order_id uuid,
    price_book text,
    monthly_minor bigint,
    worth text,
    rate text,
    change integer DEFAULT 0 NOT NULL,
    superseded_at timestamp with time zone,
    taken_back boolean DEFAULT false NOT NULL,
    CONSTRAINT subscription_period_account_is_exact CHECK (((monthly_minor > 0) AND (worth ~ '^[0-9]+/[1-9][0-9]*$'::text) AND (rate ~ '^[1-9][0-9]*/[1-9][0-9]*$'::text))),
    CONSTRAINT subscription_period_account_is_whole CHECK ((num_nulls(price_book, monthly_minor, worth, rate) = ANY (ARRAY[0, 4]))),
    CONSTRAINT subscription_period_change_check CHECK ((change >= 0)),
    CONSTRAINT subscription_period_during_check CHECK (((NOT isempty(during)) AND lower_inc(during) AND (NOT upper_inc(during)))),
    CONSTRAINT subscription_period_number_check CHECK ((number > 0)),
    CONSTRAINT subscription_period_taken_back_is_over CHECK (((NOT taken_back) OR (superseded_at IS NOT NULL)))
);

CREATE TABLE public.tax_evidence (
    order_id uuid NOT NULL,
    kind text NOT NULL,
    country text NOT NULL,
    detail text NOT NULL,
    collected_at timestamp with time zone NOT NULL,
    CONSTRAINT tax_evidence_kind_check CHECK ((kind = ANY (ARRAY['billing_address'::text, 'ip'::text, 'bank_account'::text, 'vat_number'::text])))
);

CREATE TABLE public.vat_check (
    id bigint NOT NULL,
    vat_number text NOT NULL,
    result text NOT NULL,
    source text NOT NULL,
    reference text DEFAULT ''::text NOT NULL,
    checked_at timestamp with time zone NOT NULL,
    payer_id uuid,
    buyer_name text DEFAULT ''::text NOT NULL,
    requester text DEFAULT ''::text NOT NULL,
    dated text DEFAULT ''::text NOT NULL,
    name text DEFAULT ''::text NOT NULL,
    address text DEFAULT ''::text NOT NULL,
    program text DEFAULT ''::text NOT NULL,
    raw bytea,
    CONSTRAINT vat_check_keeps_the_answer CHECK (((payer_id IS NULL) OR (raw IS NOT NULL))),
    CONSTRAINT vat_check_result_check CHECK ((result = ANY (ARRAY['valid'::text, 'invalid'::text])))
);

ALTER TABLE public.vat_check ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.vat_check_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.vat_inquiry (
    payer_id uuid NOT NULL,
    vat_number text NOT NULL,
    began_at timestamp with time zone NOT NULL,
    silent integer DEFAULT 0 NOT NULL,
    asked_at timestamp with time zone,
    failure text DEFAULT ''::text NOT NULL,
    next_try_at timestamp with time zone
);

CREATE TABLE public.webhook_inbox (
    id bigint NOT NULL,
    provider text NOT NULL,
    provider_account text NOT NULL,
    event_key text NOT NULL,
    event_type text NOT NULL,
    payment_ref text NOT NULL,
    payment_id text NOT NULL,
    occurred_at timestamp with time zone,
    body bytea NOT NULL,
    headers jsonb NOT NULL,
    body_sha256 bytea NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    last_error text DEFAULT ''::text NOT NULL,
    received_at timestamp with time zone NOT NULL,
    processed_at timestamp with time zone,
    CONSTRAINT webhook_inbox_attempts_check CHECK ((attempts >= 0)),
    CONSTRAINT webhook_inbox_body_sha256_check CHECK ((length(body_sha256) = 32)),
    CONSTRAINT webhook_inbox_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'done'::text, 'ignored'::text, 'failed'::text])))
);

ALTER TABLE public.webhook_inbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.webhook_inbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.withdrawal (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    payer_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    account_id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    receipt jsonb NOT NULL
);

CREATE TABLE public.withdrawal_order (
    order_id uuid NOT NULL,
    withdrawal_id uuid NOT NULL
);

ALTER TABLE ONLY public.river_job ALTER COLUMN id SET DEFAULT nextval('public.river_job_id_seq'::regclass);

ALTER TABLE ONLY public.river_notification ALTER COLUMN id SET DEFAULT nextval('public.river_notification_id_seq'::regclass);

ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_email_once UNIQUE (email);

ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_telegram_id_key UNIQUE (telegram_id);

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_form_once UNIQUE (form);

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_once UNIQUE (key_sha256);

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.app_key
    ADD CONSTRAINT app_key_pkey PRIMARY KEY (purpose);

ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.audit_run
    ADD CONSTRAINT audit_run_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.auth_nonce
    ADD CONSTRAINT auth_nonce_pkey PRIMARY KEY (kind, digest);

ALTER TABLE ONLY public.bank_entry
    ADD CONSTRAINT bank_entry_once UNIQUE (key);

ALTER TABLE ONLY public.bank_entry
    ADD CONSTRAINT bank_entry_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.bank_invoice
    ADD CONSTRAINT bank_invoice_pkey PRIMARY KEY (order_id);

ALTER TABLE ONLY public.bank_statement
    ADD CONSTRAINT bank_statement_once UNIQUE (file_sha256, iban, statement_id);

ALTER TABLE ONLY public.bank_statement
    ADD CONSTRAINT bank_statement_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.book_comparison
    ADD CONSTRAINT book_comparison_pkey PRIMARY KEY (provider, provider_account);

ALTER TABLE ONLY public.charge
    ADD CONSTRAINT charge_attempt_once PRIMARY KEY (payment_id, attempt_no);

ALTER TABLE ONLY public.charging_halt
    ADD CONSTRAINT charging_halt_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.consent
    ADD CONSTRAINT consent_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.correction_request
    ADD CONSTRAINT correction_request_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.demo_clock
    ADD CONSTRAINT demo_clock_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY public.dispute
    ADD CONSTRAINT dispute_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.dispute
    ADD CONSTRAINT dispute_ref_once UNIQUE (provider, provider_account, provider_ref);

ALTER TABLE ONLY public.document_file
    ADD CONSTRAINT document_file_pkey PRIMARY KEY (content_sha256, format);

ALTER TABLE ONLY public.document_view
    ADD CONSTRAINT document_view_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.goose_db_version
    ADD CONSTRAINT goose_db_version_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.invitation
    ADD CONSTRAINT invitation_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.invoice_credit
    ADD CONSTRAINT invoice_credit_pkey PRIMARY KEY (invoice_id, line);

ALTER TABLE ONLY public.invoice_credit
    ADD CONSTRAINT invoice_credit_rate_once UNIQUE NULLS NOT DISTINCT (invoice_id, category, rate_bps, country);

ALTER TABLE ONLY public.invoice
    ADD CONSTRAINT invoice_number_key UNIQUE (number);

ALTER TABLE ONLY public.invoice
    ADD CONSTRAINT invoice_number_once UNIQUE (series_id, seq);

ALTER TABLE ONLY public.invoice
    ADD CONSTRAINT invoice_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.invoice_proof
    ADD CONSTRAINT invoice_proof_once PRIMARY KEY (invoice_id);

ALTER TABLE ONLY public.invoice_vat
    ADD CONSTRAINT invoice_vat_pkey PRIMARY KEY (invoice_id, line);

ALTER TABLE ONLY public.ledger_account
    ADD CONSTRAINT ledger_account_id_currency_key UNIQUE (id, currency);

ALTER TABLE ONLY public.ledger_account
    ADD CONSTRAINT ledger_account_once UNIQUE NULLS NOT DISTINCT (kind, payer_id, currency);

ALTER TABLE ONLY public.ledger_account
    ADD CONSTRAINT ledger_account_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.ledger_entry
    ADD CONSTRAINT ledger_entry_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.ledger_posting
    ADD CONSTRAINT ledger_posting_pkey PRIMARY KEY (entry_id, line);

ALTER TABLE ONLY public.login_state
    ADD CONSTRAINT login_state_pkey PRIMARY KEY (state_hash);

ALTER TABLE ONLY public.mail
    ADD CONSTRAINT mail_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.member
    ADD CONSTRAINT member_pkey PRIMARY KEY (payer_id, account_id);

ALTER TABLE ONLY public.notice_delivery
    ADD CONSTRAINT notice_delivery_once UNIQUE (notice_id, channel, recipient);

ALTER TABLE ONLY public.notice_delivery
    ADD CONSTRAINT notice_delivery_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.notice
    ADD CONSTRAINT notice_once UNIQUE (key);

ALTER TABLE ONLY public.notice
    ADD CONSTRAINT notice_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.order_number
    ADD CONSTRAINT order_number_pkey PRIMARY KEY (year);

ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_number_key UNIQUE (number);

ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_quote_once UNIQUE (quote_sha256);

ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_reference_key UNIQUE (reference);

ALTER TABLE ONLY public.payer_customer
    ADD CONSTRAINT payer_customer_pkey PRIMARY KEY (payer_id, account_id);

ALTER TABLE ONLY public.payer
    ADD CONSTRAINT payer_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.payer_reference
    ADD CONSTRAINT payer_reference_once UNIQUE (reference);

ALTER TABLE ONLY public.payer_reference
    ADD CONSTRAINT payer_reference_pkey PRIMARY KEY (payer_id);

ALTER TABLE ONLY public.payment_event
    ADD CONSTRAINT payment_event_pkey PRIMARY KEY (payment_id, seq);

ALTER TABLE ONLY public.payment_method
    ADD CONSTRAINT payment_method_once UNIQUE (provider, provider_account, provider_ref);

ALTER TABLE ONLY public.payment_method
    ADD CONSTRAINT payment_method_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.payment
    ADD CONSTRAINT payment_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.payment
    ADD CONSTRAINT payment_ref_once UNIQUE (provider, provider_account, provider_ref);

ALTER TABLE ONLY public.receipt
    ADD CONSTRAINT receipt_entry_once UNIQUE (entry_id);

ALTER TABLE ONLY public.receipt
    ADD CONSTRAINT receipt_number_key UNIQUE (number);

ALTER TABLE ONLY public.receipt
    ADD CONSTRAINT receipt_number_once UNIQUE (series_id, seq);

ALTER TABLE ONLY public.receipt
    ADD CONSTRAINT receipt_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.recipient
    ADD CONSTRAINT recipient_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.refund
    ADD CONSTRAINT refund_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.refund
    ADD CONSTRAINT refund_ref_once UNIQUE (provider, provider_account, provider_ref);

ALTER TABLE ONLY public.refund
    ADD CONSTRAINT refund_request_once UNIQUE (request);

ALTER TABLE ONLY public.refund_request
    ADD CONSTRAINT refund_request_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.renewal
    ADD CONSTRAINT renewal_once UNIQUE (subscription_id, period_no);

ALTER TABLE ONLY public.renewal
    ADD CONSTRAINT renewal_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.river_job
    ADD CONSTRAINT river_job_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.river_leader
    ADD CONSTRAINT river_leader_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.river_migration
    ADD CONSTRAINT river_migration_pkey1 PRIMARY KEY (line, version);

ALTER TABLE ONLY public.river_notification
    ADD CONSTRAINT river_notification_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.river_queue
    ADD CONSTRAINT river_queue_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.series
    ADD CONSTRAINT series_once UNIQUE (kind, year);

ALTER TABLE ONLY public.series
    ADD CONSTRAINT series_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.series
    ADD CONSTRAINT series_prefix_year_key UNIQUE (prefix, year);

ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_id_key UNIQUE (id);

ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_pkey PRIMARY KEY (token_hash);

ALTER TABLE ONLY public.settlement_answer
    ADD CONSTRAINT settlement_answer_once PRIMARY KEY (order_id);

ALTER TABLE ONLY public.settlement
    ADD CONSTRAINT settlement_pkey PRIMARY KEY (order_id);

ALTER TABLE ONLY public.sign_in_link
    ADD CONSTRAINT sign_in_link_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.sign_in_link
    ADD CONSTRAINT sign_in_link_token_once UNIQUE (token_hash);

ALTER TABLE ONLY public.staff_member
    ADD CONSTRAINT staff_member_pkey PRIMARY KEY (account_id);

ALTER TABLE ONLY public.statement_upload
    ADD CONSTRAINT statement_upload_once UNIQUE (sha256);

ALTER TABLE ONLY public.statement_upload
    ADD CONSTRAINT statement_upload_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.stray_payment
    ADD CONSTRAINT stray_payment_pkey PRIMARY KEY (provider, provider_account, provider_ref);

ALTER TABLE ONLY public.subscription_event
    ADD CONSTRAINT subscription_event_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.subscription_period
    ADD CONSTRAINT subscription_period_no_overlap EXCLUDE USING gist (subscription_id WITH =, during WITH &&) WHERE ((superseded_at IS NULL));

ALTER TABLE ONLY public.subscription_period
    ADD CONSTRAINT subscription_period_pkey PRIMARY KEY (subscription_id, number, change);

ALTER TABLE ONLY public.subscription
    ADD CONSTRAINT subscription_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.suspense_decision
    ADD CONSTRAINT suspense_decision_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.tax_evidence
    ADD CONSTRAINT tax_evidence_pkey PRIMARY KEY (order_id, kind);

ALTER TABLE ONLY public.vat_check
    ADD CONSTRAINT vat_check_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.vat_inquiry
    ADD CONSTRAINT vat_inquiry_pkey PRIMARY KEY (payer_id);

ALTER TABLE ONLY public.webhook_inbox
    ADD CONSTRAINT webhook_inbox_once UNIQUE (provider, provider_account, event_key);

ALTER TABLE ONLY public.webhook_inbox
    ADD CONSTRAINT webhook_inbox_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.withdrawal_order
    ADD CONSTRAINT withdrawal_order_once PRIMARY KEY (order_id);

ALTER TABLE ONLY public.withdrawal
    ADD CONSTRAINT withdrawal_pkey PRIMARY KEY (id);

CREATE INDEX api_key_payer ON public.api_key USING btree (payer_id, made_at DESC);

CREATE INDEX audit_object ON public.audit USING btree (object_kind, object_id, id);

CREATE INDEX audit_payment_alert ON public.audit USING btree (object_id, id) WHERE (action = 'payment.alert'::text);

CREATE INDEX audit_run_at ON public.audit_run USING btree (at DESC);

CREATE INDEX auth_nonce_expires ON public.auth_nonce USING btree (expires_at);

CREATE INDEX bank_entry_batch ON public.bank_entry USING btree (batch) WHERE (batch <> ''::text);

CREATE INDEX bank_entry_fingerprint ON public.bank_entry USING btree (fingerprint) WHERE (fingerprint <> ''::text);

CREATE INDEX bank_entry_meant ON public.bank_entry USING btree (meant_order_id) WHERE (meant_order_id IS NOT NULL);

CREATE INDEX bank_entry_order ON public.bank_entry USING btree (order_id) WHERE (order_id IS NOT NULL);

CREATE UNIQUE INDEX bank_entry_return_once ON public.bank_entry USING btree (return_sent_id) WHERE (return_sent_id IS NOT NULL);

CREATE INDEX bank_entry_suspense ON public.bank_entry USING btree (imported_at) WHERE (outcome = 'suspense'::text);

CREATE INDEX bank_invoice_payer_page ON public.bank_invoice USING btree (payer_id, issue_date DESC, number DESC);

CREATE UNIQUE INDEX charge_once_a_day ON public.charge USING btree (renewal_id, on_day) WHERE (NOT not_sent);

CREATE INDEX charge_payer ON public.charge USING btree (payer_id, on_day);

CREATE UNIQUE INDEX charging_halt_once ON public.charging_halt USING btree (invariant) WHERE (lifted_at IS NULL);

CREATE INDEX consent_subject ON public.consent USING btree (subject, given_at);

CREATE UNIQUE INDEX correction_request_one_open ON public.correction_request USING btree (invoice_id) WHERE (state = ANY (ARRAY['requested'::text, 'approved_once'::text]));

CREATE INDEX correction_request_payer ON public.correction_request USING btree (payer_id, asked_at DESC);

CREATE INDEX dispute_payment ON public.dispute USING btree (payment_id);

CREATE INDEX document_view_at ON public.document_view USING btree (at);

CREATE INDEX document_view_payer ON public.document_view USING btree (payer_id, id DESC);

CREATE INDEX invitation_email ON public.invitation USING btree (email) WHERE (state = 'pending'::text);

CREATE UNIQUE INDEX invitation_one_open ON public.invitation USING btree (payer_id, email) WHERE (state = 'pending'::text);

CREATE INDEX invoice_corrections ON public.invoice USING btree (corrects_id) WHERE (corrects_id IS NOT NULL);

CREATE INDEX invoice_issued ON public.invoice USING btree (issue_date);

CREATE INDEX invoice_of_order ON public.invoice USING btree (order_id) WHERE (kind = 'invoice'::text);

CREATE UNIQUE INDEX invoice_order_once ON public.invoice USING btree (order_id) WHERE ((kind = 'invoice'::text) AND (replaces_id IS NULL));

CREATE INDEX invoice_payer_feed ON public.invoice USING btree (payer_id, series_id, seq);

CREATE INDEX invoice_payer_page ON public.invoice USING btree (payer_id, issue_date DESC, number DESC);

CREATE UNIQUE INDEX invoice_replaced_once ON public.invoice USING btree (replaces_id) WHERE (replaces_id IS NOT NULL);

CREATE INDEX invoice_vat_consumers ON public.invoice_vat USING btree (invoice_id) WHERE (vat_row = ANY (ARRAY['R7'::text, 'R7c'::text, 'R8a'::text, 'R8b'::text]));

CREATE UNIQUE INDEX ledger_entry_bank_once ON public.ledger_entry USING btree (bank_entry_id) WHERE (bank_entry_id IS NOT NULL);

CREATE UNIQUE INDEX ledger_entry_credit_note_once ON public.ledger_entry USING btree (credit_note_id) WHERE (credit_note_id IS NOT NULL);

CREATE UNIQUE INDEX ledger_entry_dispute_once ON public.ledger_entry USING btree (dispute_id, kind) WHERE (dispute_id IS NOT NULL);

CREATE UNIQUE INDEX ledger_entry_order_once ON public.ledger_entry USING btree (order_id) WHERE (kind = 'order_paid'::text);

CREATE UNIQUE INDEX ledger_entry_payment_once ON public.ledger_entry USING btree (payment_id) WHERE (payment_id IS NOT NULL);

CREATE UNIQUE INDEX ledger_entry_refund_once ON public.ledger_entry USING btree (refund_id, kind) WHERE (refund_id IS NOT NULL);

CREATE UNIQUE INDEX ledger_entry_suspense_once ON public.ledger_entry USING btree (suspense_decision_id) WHERE (suspense_decision_id IS NOT NULL);

CREATE INDEX ledger_posting_account ON public.ledger_posting USING btree (account_id, entry_id);

CREATE INDEX login_state_expires ON public.login_state USING btree (expires_at);

CREATE UNIQUE INDEX mail_document_once ON public.mail USING btree (recipient_id, document_kind, document_number, round) WHERE (kind = 'document'::text);

CREATE INDEX mail_due ON public.mail USING btree (next_try_at) WHERE (state = 'pending'::text);

CREATE INDEX mail_link ON public.mail USING btree (link_id);

CREATE INDEX mail_payer ON public.mail USING btree (payer_id, created_at DESC, id);

CREATE INDEX mail_recipient ON public.mail USING btree (recipient, created_at);

CREATE INDEX member_account ON public.member USING btree (account_id);

CREATE INDEX notice_delivery_due ON public.notice_delivery USING btree (next_try_at) WHERE (state = 'pending'::text);

CREATE INDEX notice_payer ON public.notice USING btree (payer_id, at DESC, id);

CREATE INDEX orders_open ON public.orders USING btree (valid_until) WHERE (state = 'awaiting_payment'::text);

CREATE INDEX orders_open_payer ON public.orders USING btree (payer_id, placed_at DESC) WHERE (state = 'awaiting_payment'::text);

CREATE INDEX orders_payer ON public.orders USING btree (payer_id, placed_at DESC);

CREATE INDEX payment_method_payer ON public.payment_method USING btree (payer_id);

CREATE INDEX payment_method_used ON public.payment USING btree (method_id) WHERE (method_id IS NOT NULL);

CREATE UNIQUE INDEX payment_one_live ON public.payment USING btree (payable_kind, payable_id) WHERE (state = ANY (ARRAY['created'::text, 'awaiting_payer'::text, 'action_required'::text, 'processing'::text, 'partially_paid'::text, 'unknown'::text, 'succeeded'::text]));

CREATE INDEX payment_order ON public.payment USING btree (order_id) WHERE (order_id IS NOT NULL);

CREATE INDEX payment_parent ON public.payment USING btree (parent_id) WHERE (parent_id IS NOT NULL);

CREATE INDEX payment_parked ON public.payment USING btree (created_at) WHERE (parked <> ''::text);

CREATE INDEX payment_payer ON public.payment USING btree (payer_id, created_at DESC);

CREATE INDEX payment_renewals ON public.payment USING btree (payable_id, created_at) WHERE (payable_kind = 'renewal'::text);

CREATE INDEX payment_to_check ON public.payment USING btree (next_check_at) WHERE (next_check_at IS NOT NULL);

CREATE INDEX payment_unknown ON public.payment USING btree (created_at) WHERE (state = 'unknown'::text);

CREATE INDEX receipt_payer_page ON public.receipt USING btree (payer_id, issue_date DESC, number DESC);

CREATE UNIQUE INDEX recipient_once ON public.recipient USING btree (payer_id, email) WHERE (removed_at IS NULL);

CREATE INDEX refund_payment ON public.refund USING btree (payment_id);

CREATE INDEX refund_payout ON public.refund USING btree (created_at) WHERE (provider = 'bank'::text);

CREATE UNIQUE INDEX refund_request_one_open ON public.refund_request USING btree (subscription_id) WHERE (state = ANY (ARRAY['requested'::text, 'approved_once'::text]));

CREATE INDEX refund_request_payer ON public.refund_request USING btree (payer_id, asked_at DESC);

CREATE INDEX refund_to_check ON public.refund USING btree (next_check_at) WHERE (next_check_at IS NOT NULL);

CREATE INDEX renewal_due ON public.renewal USING btree (next_try_at) WHERE ((state = 'open'::text) AND (next_try_at IS NOT NULL));

CREATE INDEX river_job_args_index ON public.river_job USING gin (args);

CREATE INDEX river_job_kind ON public.river_job USING btree (kind);

CREATE INDEX river_job_metadata_index ON public.river_job USING gin (metadata);

CREATE INDEX river_job_prioritized_fetching_index ON public.river_job USING btree (state, queue, priority, scheduled_at, id);

CREATE INDEX river_job_state_and_finalized_at_index ON public.river_job USING btree (state, finalized_at) WHERE (finalized_at IS NOT NULL);

CREATE UNIQUE INDEX river_job_unique_idx ON public.river_job USING btree (unique_key) WHERE ((unique_key IS NOT NULL) AND (unique_states IS NOT NULL) AND public.river_job_state_in_bitmask(unique_states, state));

CREATE INDEX river_notification_created_at_idx ON public.river_notification USING btree (created_at);

CREATE INDEX river_notification_topic_id_idx ON public.river_notification USING btree (topic, id);

CREATE INDEX session_account ON public.session USING btree (account_id, created_at);

CREATE INDEX session_expires ON public.session USING btree (expires_at);

CREATE INDEX settlement_consumer ON public.settlement USING btree (tax_point) WHERE ((treatment ->> 'Row'::text) = ANY (ARRAY['R7'::text, 'R7c'::text, 'R8a'::text, 'R8b'::text]));

CREATE INDEX settlement_pending ON public.settlement USING btree (((buyer ->> 'ID'::text))) WHERE vat_pending;

CREATE INDEX sign_in_link_asked ON public.sign_in_link USING btree (asked_at);

CREATE INDEX sign_in_link_email ON public.sign_in_link USING btree (email, asked_at);

CREATE INDEX stray_payment_left ON public.stray_payment USING btree (first_seen_at DESC) WHERE (returned_minor < received_minor);

CREATE INDEX subscription_customer ON public.subscription USING btree (customer_id);

CREATE INDEX subscription_event_of ON public.subscription_event USING btree (subscription_id, id);

CREATE UNIQUE INDEX subscription_one_live ON public.subscription USING btree (customer_id, plan) WHERE (state = 'active'::text);

CREATE INDEX subscription_payer ON public.subscription USING btree (payer_id);

CREATE UNIQUE INDEX subscription_period_bought_once ON public.subscription_period USING btree (order_id) WHERE (change = 0);

CREATE UNIQUE INDEX subscription_period_number_once ON public.subscription_period USING btree (subscription_id, number) WHERE (superseded_at IS NULL);

CREATE UNIQUE INDEX subscription_period_order_once ON public.subscription_period USING btree (order_id) WHERE (superseded_at IS NULL);

CREATE INDEX subscription_renewing ON public.subscription USING btree (paid_until) WHERE ((state = 'active'::text) AND auto_renew);

CREATE UNIQUE INDEX suspense_decision_once ON public.suspense_decision USING btree (bank_entry_id) WHERE (state <> 'refused'::text);

CREATE INDEX suspense_decision_order ON public.suspense_decision USING btree (order_id) WHERE (order_id IS NOT NULL);

CREATE UNIQUE INDEX suspense_decision_undoes_once ON public.suspense_decision USING btree (against_id) WHERE ((state <> 'refused'::text) AND (against_id IS NOT NULL));

CREATE INDEX vat_check_number ON public.vat_check USING btree (vat_number, checked_at DESC);

CREATE INDEX vat_check_payer ON public.vat_check USING btree (payer_id, id DESC) WHERE (payer_id IS NOT NULL);

CREATE INDEX vat_inquiry_due ON public.vat_inquiry USING btree (next_try_at) WHERE (next_try_at IS NOT NULL);

CREATE INDEX webhook_inbox_pending ON public.webhook_inbox USING btree (received_at) WHERE (state = 'pending'::text);

CREATE INDEX webhook_inbox_received ON public.webhook_inbox USING btree (received_at);

CREATE INDEX withdrawal_subscription ON public.withdrawal USING btree (subscription_id);

CREATE TRIGGER api_key_only_ends BEFORE DELETE OR UPDATE ON public.api_key FOR EACH ROW EXECUTE FUNCTION public.api_key_only_ends();

CREATE TRIGGER audit_is_immutable BEFORE DELETE OR UPDATE ON public.audit FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER audit_run_is_immutable BEFORE DELETE OR UPDATE ON public.audit_run FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER bank_entry_stays BEFORE DELETE ON public.bank_entry FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER bank_invoice_is_immutable BEFORE DELETE OR UPDATE ON public.bank_invoice FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER bank_invoice_is_mailed AFTER INSERT ON public.bank_invoice FOR EACH ROW EXECUTE FUNCTION public.document_is_mailed();

CREATE TRIGGER bank_invoice_words BEFORE INSERT ON public.bank_invoice FOR EACH ROW EXECUTE FUNCTION public.bank_invoice_is_listed();

CREATE TRIGGER charge_keeps_its_moment BEFORE UPDATE ON public.charge FOR EACH ROW EXECUTE FUNCTION public.charge_keeps_its_moment();

CREATE TRIGGER charge_stays BEFORE DELETE ON public.charge FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER charging_halt_is_only_lifted BEFORE DELETE OR UPDATE ON public.charging_halt FOR EACH ROW EXECUTE FUNCTION public.charging_halt_keep();

CREATE TRIGGER consent_keeps_its_words BEFORE UPDATE ON public.consent FOR EACH ROW EXECUTE FUNCTION public.consent_keeps_its_words();

CREATE TRIGGER consent_stays BEFORE DELETE ON public.consent FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

CREATE CONSTRAINT TRIGGER correction_has_both_documents AFTER INSERT ON public.ledger_entry DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.kind = 'corrected'::text)) EXECUTE FUNCTION public.correction_has_both_documents();

CREATE TRIGGER correction_request_keeps_its_word BEFORE UPDATE ON public.correction_request FOR EACH ROW EXECUTE FUNCTION public.correction_request_keeps_its_word();

CREATE TRIGGER correction_request_stays BEFORE DELETE ON public.correction_request FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER credit_note_is_of_its_invoice BEFORE INSERT ON public.invoice FOR EACH ROW EXECUTE FUNCTION public.credit_note_is_of_its_invoice();

CREATE TRIGGER dispute_stays BEFORE DELETE ON public.dispute FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER document_file_is_immutable BEFORE DELETE OR UPDATE ON public.document_file FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER document_view_is_append_only BEFORE DELETE OR UPDATE ON public.document_view FOR EACH ROW EXECUTE FUNCTION public.document_view_is_append_only();

CREATE CONSTRAINT TRIGGER invoice_adds_up AFTER INSERT ON public.invoice DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.invoice_adds_up();

CREATE TRIGGER invoice_credit_only_grows BEFORE DELETE OR UPDATE ON public.invoice_credit FOR EACH ROW EXECUTE FUNCTION public.invoice_credit_only_grows();

CREATE TRIGGER invoice_is_immutable BEFORE DELETE OR UPDATE ON public.invoice FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER invoice_is_mailed AFTER INSERT ON public.invoice FOR EACH ROW EXECUTE FUNCTION public.document_is_mailed();

CREATE TRIGGER invoice_proof_is_immutable BEFORE DELETE OR UPDATE ON public.invoice_proof FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER invoice_takes_its_number BEFORE INSERT ON public.invoice FOR EACH ROW EXECUTE FUNCTION public.invoice_takes_its_number();

CREATE CONSTRAINT TRIGGER invoice_vat_adds_up AFTER INSERT ON public.invoice_vat DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.invoice_adds_up();

CREATE TRIGGER invoice_vat_counts AFTER INSERT ON public.invoice_vat FOR EACH ROW EXECUTE FUNCTION public.invoice_vat_counts();

CREATE TRIGGER invoice_vat_is_immutable BEFORE DELETE OR UPDATE ON public.invoice_vat FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER invoice_words BEFORE INSERT ON public.invoice FOR EACH ROW EXECUTE FUNCTION public.document_is_searched();

CREATE CONSTRAINT TRIGGER ledger_entry_balances AFTER INSERT ON public.ledger_entry DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.ledger_entry_balances();

CREATE CONSTRAINT TRIGGER ledger_entry_decision_is_booked AFTER INSERT ON public.ledger_entry DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.suspense_decision_id IS NOT NULL)) EXECUTE FUNCTION public.suspense_decision_is_booked();

CREATE TRIGGER ledger_entry_is_immutable BEFORE DELETE OR UPDATE ON public.ledger_entry FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

CREATE CONSTRAINT TRIGGER ledger_entry_payout_is_booked AFTER INSERT ON public.ledger_entry DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.refund_id IS NOT NULL)) EXECUTE FUNCTION public.refund_payout_is_booked();

CREATE CONSTRAINT TRIGGER ledger_entry_takes_what_was_lost AFTER INSERT ON public.ledger_entry DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.kind = 'dispute_taken'::text)) EXECUTE FUNCTION public.dispute_takes_what_was_lost();

CREATE TRIGGER ledger_keep_balance AFTER INSERT ON public.ledger_posting REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION public.ledger_keep_balance();

CREATE TRIGGER ledger_posting_comes_with_its_entry AFTER INSERT ON public.ledger_posting REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION public.ledger_posting_comes_with_its_entry();

CREATE TRIGGER ledger_posting_is_immutable BEFORE DELETE OR UPDATE ON public.ledger_posting FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER mail_only_to_confirmed BEFORE INSERT ON public.mail FOR EACH ROW WHEN ((new.kind = 'document'::text)) EXECUTE FUNCTION public.mail_only_to_confirmed();

CREATE TRIGGER mail_stays_done BEFORE DELETE OR UPDATE ON public.mail FOR EACH ROW EXECUTE FUNCTION public.mail_stays_done();

CREATE TRIGGER member_by_email_reads BEFORE INSERT OR UPDATE ON public.member FOR EACH ROW EXECUTE FUNCTION public.member_by_email_reads();

CREATE TRIGGER notice_delivery_stays BEFORE DELETE ON public.notice_delivery FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER notice_delivery_stays_done BEFORE UPDATE ON public.notice_delivery FOR EACH ROW EXECUTE FUNCTION public.notice_delivery_stays_done();

CREATE TRIGGER notice_is_immutable BEFORE DELETE OR UPDATE ON public.notice FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER orders_keep_price BEFORE UPDATE ON public.orders FOR EACH ROW EXECUTE FUNCTION public.orders_keep_price();

CREATE TRIGGER payer_currency_is_fixed BEFORE UPDATE ON public.payer FOR EACH ROW EXECUTE FUNCTION public.payer_keep_currency();

CREATE TRIGGER payer_reference_is_immutable BEFORE DELETE OR UPDATE ON public.payer_reference FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER payment_event_is_immutable BEFORE DELETE OR UPDATE ON public.payment_event FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER payment_keeps_its_word BEFORE UPDATE ON public.payment FOR EACH ROW EXECUTE FUNCTION public.payment_keeps_its_word();

CREATE TRIGGER payment_stays BEFORE DELETE ON public.payment FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER payment_succeeds_later AFTER INSERT ON public.payment FOR EACH ROW WHEN (((new.state = 'succeeded'::text) AND (new.provider <> ALL (ARRAY['bank'::text, 'balance'::text])) AND (new.parent_id IS NULL))) EXECUTE FUNCTION public.payment_succeeds_later();

CREATE TRIGGER receipt_is_immutable BEFORE DELETE OR UPDATE ON public.receipt FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER receipt_is_mailed AFTER INSERT ON public.receipt FOR EACH ROW EXECUTE FUNCTION public.document_is_mailed();

CREATE TRIGGER receipt_takes_its_number BEFORE INSERT ON public.receipt FOR EACH ROW EXECUTE FUNCTION public.receipt_takes_its_number();

CREATE TRIGGER receipt_words BEFORE INSERT ON public.receipt FOR EACH ROW EXECUTE FUNCTION public.document_is_searched();

CREATE TRIGGER refund_counts AFTER INSERT OR UPDATE ON public.refund FOR EACH ROW EXECUTE FUNCTION public.refund_counts();

CREATE TRIGGER refund_payout_ends_once BEFORE UPDATE ON public.refund FOR EACH ROW WHEN (((old.provider = 'bank'::text) AND (old.state <> 'requested'::text))) EXECUTE FUNCTION public.refund_payout_ends_once();

CREATE CONSTRAINT TRIGGER refund_payout_is_booked AFTER INSERT OR UPDATE ON public.refund DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.provider = 'bank'::text)) EXECUTE FUNCTION public.refund_payout_is_booked();

CREATE TRIGGER refund_request_keeps_its_word BEFORE UPDATE ON public.refund_request FOR EACH ROW EXECUTE FUNCTION public.refund_request_keeps_its_word();

CREATE TRIGGER refund_request_stays BEFORE DELETE ON public.refund_request FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER refund_stays BEFORE DELETE ON public.refund FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER renewal_stays BEFORE DELETE ON public.renewal FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER renewal_stays_paid BEFORE UPDATE ON public.renewal FOR EACH ROW EXECUTE FUNCTION public.renewal_stays_paid();

CREATE CONSTRAINT TRIGGER replaced_invoice_is_credited AFTER INSERT ON public.invoice DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.replaces_id IS NOT NULL)) EXECUTE FUNCTION public.replaced_invoice_is_credited();

CREATE CONSTRAINT TRIGGER replacement_has_its_proof AFTER INSERT ON public.invoice_vat DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.vat_row = 'R4'::text)) EXECUTE FUNCTION public.replacement_has_its_proof();

CREATE TRIGGER replacement_is_of_its_invoice BEFORE INSERT ON public.invoice FOR EACH ROW WHEN ((new.replaces_id IS NOT NULL)) EXECUTE FUNCTION public.replacement_is_of_its_invoice();

CREATE CONSTRAINT TRIGGER series_number_is_used AFTER UPDATE ON public.series DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.series_number_is_used();

CREATE TRIGGER series_stays BEFORE DELETE ON public.series FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER series_steps_by_one BEFORE UPDATE ON public.series FOR EACH ROW EXECUTE FUNCTION public.series_steps_by_one();

CREATE TRIGGER settlement_answer_is_immutable BEFORE DELETE OR UPDATE ON public.settlement_answer FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER settlement_has_its_proof BEFORE INSERT ON public.settlement FOR EACH ROW EXECUTE FUNCTION public.settlement_has_its_proof();

CREATE TRIGGER settlement_is_immutable BEFORE DELETE OR UPDATE ON public.settlement FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER sign_in_link_once BEFORE UPDATE ON public.sign_in_link FOR EACH ROW EXECUTE FUNCTION public.sign_in_link_once();

CREATE TRIGGER statement_upload_keeps BEFORE UPDATE ON public.statement_upload FOR EACH ROW EXECUTE FUNCTION public.statement_upload_keeps();

CREATE TRIGGER statement_upload_stays BEFORE DELETE ON public.statement_upload FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER subscription_event_is_immutable BEFORE DELETE OR UPDATE ON public.subscription_event FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER subscription_period_is_immutable BEFORE DELETE OR UPDATE ON public.subscription_period FOR EACH ROW EXECUTE FUNCTION public.subscription_period_keep();

CREATE CONSTRAINT TRIGGER suspense_decision_is_booked AFTER INSERT OR UPDATE ON public.suspense_decision DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.suspense_decision_is_booked();

CREATE TRIGGER suspense_decision_is_of_its_entry BEFORE INSERT ON public.suspense_decision FOR EACH ROW EXECUTE FUNCTION public.suspense_decision_is_of_its_entry();

CREATE TRIGGER suspense_decision_keeps_its_word BEFORE UPDATE ON public.suspense_decision FOR EACH ROW EXECUTE FUNCTION public.suspense_decision_keeps_its_word();

CREATE TRIGGER suspense_decision_stays BEFORE DELETE ON public.suspense_decision FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER tax_evidence_is_immutable BEFORE DELETE OR UPDATE ON public.tax_evidence FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER vat_check_is_immutable BEFORE DELETE OR UPDATE ON public.vat_check FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER withdrawal_is_immutable BEFORE DELETE OR UPDATE ON public.withdrawal FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER withdrawal_order_is_immutable BEFORE DELETE OR UPDATE ON public.withdrawal_order FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_made_by_fkey FOREIGN KEY (made_by) REFERENCES public.account(id);

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_payer_id_fkey FOREIGN KEY (payer_id) REFERENCES public.payer(id);

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_revoked_by_fkey FOREIGN KEY (revoked_by) REFERENCES public.account(id);

ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_payer_id_fkey FOREIGN KEY (payer_id) REFERENCES public.payer(id);

ALTER TABLE ONLY public.bank_entry
    ADD CONSTRAINT bank_entry_meant_order_id_fkey FOREIGN KEY (meant_order_id) REFERENCES public.orders(id);

ALTER TABLE ONLY public.bank_entry
    ADD CONSTRAINT bank_entry_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders(id);

ALTER TABLE ONLY public.bank_entry
    ADD CONSTRAINT bank_entry_payer_id_fkey FOREIGN KEY (payer_id) REFERENCES public.payer(id);

ALTER TABLE ONLY public.bank_entry
    ADD CONSTRAINT bank_entry_return_sent_id_fkey FOREIGN KEY (return_sent_id) REFERENCES public.suspense_decision(id);

ALTER TABLE ONLY public.bank_entry
    ADD CONSTRAINT bank_entry_statement_id_fkey FOREIGN KEY (statement_id) REFERENCES public.bank_statement(id);

ALTER TABLE ONLY public.bank_invoice
    ADD CONSTRAINT bank_invoice_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders(id);

ALTER TABLE ONLY public.bank_invoice
    ADD CONSTRAINT bank_invoice_payer_id_fkey FOREIGN KEY (payer_id) REFERENCES public.payer(id);

ALTER TABLE ONLY public.charge
    ADD CONSTRAINT charge_payer_id_fkey FOREIGN KEY (payer_id) REFERENCES public.payer(id);

ALTER TABLE ONLY public.charge
    ADD CONSTRAINT charge_payment_id_fkey FOREIGN KEY (payment_id) REFERENCES public.payment(id);

ALTER TABLE ONLY public.charge
    ADD CONSTRAINT charge_renewal_id_fkey FOREIGN KEY (renewal_id) REFERENCES public.renewal(id);

ALTER TABLE ONLY public.consent
    ADD CONSTRAINT consent_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.account(id);

ALTER TABLE ONLY public.consent
    ADD CONSTRAINT consent_method_id_fkey FOREIGN KEY (method_id) REFERENCES public.payment_method(id);

ALTER TABLE ONLY public.consent
    ADD CONSTRAINT consent_payer_id_fkey FOREIGN KEY (payer_id) REFERENCES public.payer(id);

ALTER TABLE ONLY public.correction_request
    ADD CONSTRAINT correction_request_asked_by_fkey FOREIGN KEY (asked_by) REFERENCES public.account(id);

ALTER TABLE ONLY public.correction_request
    ADD CONSTRAINT correction_request_first_by_fkey FOREIGN KEY (first_by) REFERENCES public.account(id);

ALTER TABLE ONLY public.correction_request
    ADD CONSTRAINT correction_request_invoice_id_fkey FOREIGN KEY (invoice_id) REFERENCES public.invoice(id);

ALTER TABLE ONLY public.correction_request
    ADD CONSTRAINT correction_request_payer_id_fkey FOREIGN KEY (payer_id) REFERENCES public.payer(id);

ALTER TABLE ONLY public.correction_request
    ADD CONSTRAINT correction_request_rejected_by_fkey FOREIGN KEY (rejected_by) REFERENCES public.account(id);

ALTER TABLE ONLY public.correction_request
    ADD CONSTRAINT correction_request_replacement_id_fkey FOREIGN KEY (replacement_id) REFERENCES public.invoice(id);

ALTER TABLE ONLY public.correction_request
    ADD CONSTRAINT correction_request_second_by_fkey FOREIGN KEY (second_by) REFERENCES public.account(id);

ALTER TABLE ONLY public.dispute
    ADD CONSTRAINT dispute_payment_id_fkey FOREIGN KEY (payment_id) REFERENCES public.payment(id);

ALTER TABLE ONLY public.document_view
    ADD CONSTRAINT document_view_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.account(id);

ALTER TABLE ONLY public.document_view
    ADD CONSTRAINT document_view_payer_id_fkey FOREIGN KEY (payer_id) REFERENCES public.payer(id);

ALTER TABLE ONLY public.invitation
    ADD CONSTRAINT invitation_invited_by_fkey FOREIGN KEY (invited_by) REFERENCES public.account(id);

ALTER TABLE ONLY public.invitation
    ADD CONSTRAINT invitation_payer_id_fkey FOREIGN KEY (payer_id) REFERENCES public.payer(id);

ALTER TABLE ONLY public.invoice
    ADD CONSTRAINT invoice_corrects_id_fkey FOREIGN KEY (corrects_id) REFERENCES public.invoice(id);

ALTER TABLE ONLY public.invoice_credit
    ADD CONSTRAINT invoice_credit_invoice_id_fkey FOREIGN KEY (invoice_id) REFERENCES public.invoice(id);

ALTER TABLE ONLY public.invoice
    ADD CONSTRAINT invoice_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders(id);

ALTER TABLE ONLY public.invoice
    ADD CONSTRAINT invoice_payer_id_fkey FOREIGN KEY (payer_id) REFERENCES public.payer(id);

ALTER TABLE ONLY public.invoice_proof
    ADD CONSTRAINT invoice_proof_invoice_id_fkey FOREIGN KEY (invoice_id) REFERENCES public.invoice(id);

ALTER TABLE ONLY public.invoice_proof
    ADD CONSTRAINT invoice_proof_vat_check_id_fkey FOREIGN KEY (vat_check_id) REFERENCES public.vat_check(id);

ALTER TABLE ONLY public.invoice
    ADD CONSTRAINT invoice_replaces_id_fkey FOREIGN KEY (replaces_id) REFERENCES public.invoice(id);

ALTER TABLE ONLY public.invoice
    ADD CONSTRAINT invoice_series_id_fkey FOREIGN KEY (series_id) REFERENCES public.series(id);

ALTER TABLE ONLY public.invoice_vat
    ADD CONSTRAINT invoice_vat_invoice_id_fkey FOREIGN KEY (invoice_id) REFERENCES public.invoice(id);

ALTER TABLE ONLY public.ledger_account
    ADD CONSTRAINT ledger_account_payer_id_fkey FOREIGN KEY (payer_id) REFERENCES public.payer(id);

ALTER TABLE ONLY public.ledger_entry
    ADD CONSTRAINT ledger_entry_bank_entry_id_fkey FOREIGN KEY (bank_entry_id) REFERENCES public.bank_entry(id);

ALTER TABLE ONLY public.ledger_entry
    ADD CONSTRAINT ledger_entry_credit_note_id_fkey FOREIGN KEY (credit_note_id) REFERENCES public.invoice(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.ledger_entry
    ADD CONSTRAINT ledger_entry_dispute_id_fkey FOREIGN KEY (dispute_id) REFERENCES public.dispute(id);

ALTER TABLE ONLY public.ledger_entry
    ADD CONSTRAINT ledger_entry_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders(id);

ALTER TABLE ONLY public.ledger_entry
    ADD CONSTRAINT ledger_entry_payment_id_fkey FOREIGN KEY (payment_id) REFERENCES public.payment(id);

ALTER TABLE ONLY public.ledger_entry
    ADD CONSTRAINT ledger_entry_refund_id_fkey FOREIGN KEY (refund_id) REFERENCES public.refund(id);

ALTER TABLE ONLY public.ledger_entry
    ADD CONSTRAINT ledger_entry_suspense_decision_id_fkey FOREIGN KEY (suspense_decision_id) REFERENCES public.suspense_decision(id);

ALTER TABLE ONLY public.ledger_posting
    ADD CONSTRAINT ledger_posting_entry_id_fkey FOREIGN KEY (entry_id) REFERENCES public.ledger_entry(id);

ALTER TABLE ONLY public.ledger_posting
    ADD CONSTRAINT ledger_posting_one_currency FOREIGN KEY (account_id, currency) REFERENCES public.ledger_account(id, currency);

ALTER TABLE ONLY public.mail
    ADD CONSTRAINT mail_invitation_id_fkey FOREIGN KEY (invitation_id) REFERENCES public.invitation(id);

ALTER TABLE ONLY public.mail
    ADD CONSTRAINT mail_link_id_fkey FOREIGN KEY (link_id) REFERENCES public.sign_in_link(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.mail
    ADD CONSTRAINT mail_payer_id_fkey FOREIGN KEY (payer_id) REFERENCES public.payer(id);

ALTER TABLE ONLY public.mail
    ADD CONSTRAINT mail_recipient_id_fkey FOREIGN KEY (recipient_id) REFERENCES public.recipient(id);

ALTER TABLE ONLY public.member
    ADD CONSTRAINT member_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.account(id);

ALTER TABLE ONLY public.member
    ADD CONSTRAINT member_payer_id_fkey FOREIGN KEY (payer_id) REFERENCES public.payer(id);

ALTER TABLE ONLY public.notice_delivery
    ADD CONSTRAINT notice_delivery_notice_id_fkey FOREIGN KEY (notice_id) REFERENCES public.notice(id);

ALTER TABLE ONLY public.notice
    ADD CONSTRAINT notice_payer_id_fkey FOREIGN KEY (payer_id) REFERENCES public.payer(id);

ALTER TABLE ONLY public.notice
    ADD CONSTRAINT notice_subscription_id_fkey FOREIGN KEY (subscription_id) REFERENCES public.subscription(id);

ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.account(id);

ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_payer_id_fkey FOREIGN KEY (payer_id) REFERENCES public.payer(id);

ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_placed_by_fkey FOREIGN KEY (placed_by) REFERENCES public.account(id);

ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_subscription_id_fkey FOREIGN KEY (subscription_id) REFERENCES public.subscription(id);

ALTER TABLE ONLY public.payer_customer
    ADD CONSTRAINT payer_customer_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.account(id);

ALTER TABLE ONLY public.payer_customer
    ADD CONSTRAINT payer_customer_payer_id_fkey FOREIGN KEY (payer_id) REFERENCES public.payer(id);

ALTER TABLE ONLY public.payer_reference
    ADD CONSTRAINT payer_reference_payer_id_fkey FOREIGN KEY (payer_id) REFERENCES public.payer(id);

ALTER TABLE ONLY public.payment_event
    ADD CONSTRAINT payment_event_payment_id_fkey FOREIGN KEY (payment_id) REFERENCES public.payment(id);

ALTER TABLE ONLY public.payment
    ADD CONSTRAINT payment_method_id_fkey FOREIGN KEY (method_id) REFERENCES public.payment_method(id);

ALTER TABLE ONLY public.payment_method
    ADD CONSTRAINT payment_method_payer_id_fkey FOREIGN KEY (payer_id) REFERENCES public.payer(id);

ALTER TABLE ONLY public.payment
    ADD CONSTRAINT payment_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders(id);

ALTER TABLE ONLY public.payment
    ADD CONSTRAINT payment_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES public.payment(id);

ALTER TABLE ONLY public.payment
    ADD CONSTRAINT payment_payer_id_fkey FOREIGN KEY (payer_id) REFERENCES public.payer(id);

ALTER TABLE ONLY public.receipt
    ADD CONSTRAINT receipt_entry_id_fkey FOREIGN KEY (entry_id) REFERENCES public.ledger_entry(id);

ALTER TABLE ONLY public.receipt
    ADD CONSTRAINT receipt_payer_id_fkey FOREIGN KEY (payer_id) REFERENCES public.payer(id);

ALTER TABLE ONLY public.receipt
    ADD CONSTRAINT receipt_series_id_fkey FOREIGN KEY (series_id) REFERENCES public.series(id);

ALTER TABLE ONLY public.recipient
    ADD CONSTRAINT recipient_added_by_fkey FOREIGN KEY (added_by) REFERENCES public.account(id);

ALTER TABLE ONLY public.recipient
    ADD CONSTRAINT recipient_payer_id_fkey FOREIGN KEY (payer_id) REFERENCES public.payer(id);

ALTER TABLE ONLY public.refund
    ADD CONSTRAINT refund_credit_note_id_fkey FOREIGN KEY (credit_note_id) REFERENCES public.invoice(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.refund
    ADD CONSTRAINT refund_ended_by_fkey FOREIGN KEY (ended_by) REFERENCES public.account(id);

ALTER TABLE ONLY public.refund
    ADD CONSTRAINT refund_payment_id_fkey FOREIGN KEY (payment_id) REFERENCES public.payment(id);

ALTER TABLE ONLY public.refund_request
    ADD CONSTRAINT refund_request_asked_by_fkey FOREIGN KEY (asked_by) REFERENCES public.account(id);

ALTER TABLE ONLY public.refund_request
    ADD CONSTRAINT refund_request_first_by_fkey FOREIGN KEY (first_by) REFERENCES public.account(id);

ALTER TABLE ONLY public.refund_request
    ADD CONSTRAINT refund_request_payer_id_fkey FOREIGN KEY (payer_id) REFERENCES public.payer(id);

ALTER TABLE ONLY public.refund_request
    ADD CONSTRAINT refund_request_rejected_by_fkey FOREIGN KEY (rejected_by) REFERENCES public.account(id);

ALTER TABLE ONLY public.refund_request
    ADD CONSTRAINT refund_request_second_by_fkey FOREIGN KEY (second_by) REFERENCES public.account(id);

ALTER TABLE ONLY public.refund_request
    ADD CONSTRAINT refund_request_subscription_id_fkey FOREIGN KEY (subscription_id) REFERENCES public.subscription(id);

ALTER TABLE ONLY public.renewal
    ADD CONSTRAINT renewal_subscription_id_fkey FOREIGN KEY (subscription_id) REFERENCES public.subscription(id);

ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.account(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.settlement_answer
    ADD CONSTRAINT settlement_answer_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders(id);

ALTER TABLE ONLY public.settlement_answer
    ADD CONSTRAINT settlement_answer_vat_check_id_fkey FOREIGN KEY (vat_check_id) REFERENCES public.vat_check(id);

ALTER TABLE ONLY public.settlement
    ADD CONSTRAINT settlement_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders(id);

ALTER TABLE ONLY public.settlement
    ADD CONSTRAINT settlement_vat_check_id_fkey FOREIGN KEY (vat_check_id) REFERENCES public.vat_check(id);

ALTER TABLE ONLY public.staff_member
    ADD CONSTRAINT staff_member_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.account(id);

ALTER TABLE ONLY public.statement_upload
    ADD CONSTRAINT statement_upload_asked_by_fkey FOREIGN KEY (asked_by) REFERENCES public.account(id);

ALTER TABLE ONLY public.statement_upload
    ADD CONSTRAINT statement_upload_uploaded_by_fkey FOREIGN KEY (uploaded_by) REFERENCES public.account(id);

ALTER TABLE ONLY public.subscription
    ADD CONSTRAINT subscription_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.account(id);

ALTER TABLE ONLY public.subscription_event
    ADD CONSTRAINT subscription_event_subscription_id_fkey FOREIGN KEY (subscription_id) REFERENCES public.subscription(id);

ALTER TABLE ONLY public.subscription
    ADD CONSTRAINT subscription_payer_id_fkey FOREIGN KEY (payer_id) REFERENCES public.payer(id);

ALTER TABLE ONLY public.subscription_period
    ADD CONSTRAINT subscription_period_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders(id);

ALTER TABLE ONLY public.subscription_period
    ADD CONSTRAINT subscription_period_subscription_id_fkey FOREIGN KEY (subscription_id) REFERENCES public.subscription(id);

ALTER TABLE ONLY public.suspense_decision
    ADD CONSTRAINT suspense_decision_against_id_fkey FOREIGN KEY (against_id) REFERENCES public.bank_entry(id);

ALTER TABLE ONLY public.suspense_decision
    ADD CONSTRAINT suspense_decision_bank_entry_id_fkey FOREIGN KEY (bank_entry_id) REFERENCES public.bank_entry(id);

ALTER TABLE ONLY public.suspense_decision
    ADD CONSTRAINT suspense_decision_first_by_fkey FOREIGN KEY (first_by) REFERENCES public.account(id);

ALTER TABLE ONLY public.suspense_decision
    ADD CONSTRAINT suspense_decision_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders(id);

ALTER TABLE ONLY public.suspense_decision
    ADD CONSTRAINT suspense_decision_payer_id_fkey FOREIGN KEY (payer_id) REFERENCES public.payer(id);

ALTER TABLE ONLY public.suspense_decision
    ADD CONSTRAINT suspense_decision_refused_by_fkey FOREIGN KEY (refused_by) REFERENCES public.account(id);

ALTER TABLE ONLY public.suspense_decision
    ADD CONSTRAINT suspense_decision_second_by_fkey FOREIGN KEY (second_by) REFERENCES public.account(id);

ALTER TABLE ONLY public.suspense_decision
    ADD CONSTRAINT suspense_decision_sent_by_fkey FOREIGN KEY (sent_by) REFERENCES public.account(id);

ALTER TABLE ONLY public.tax_evidence
    ADD CONSTRAINT tax_evidence_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders(id);

ALTER TABLE ONLY public.vat_check
    ADD CONSTRAINT vat_check_payer_id_fkey FOREIGN KEY (payer_id) REFERENCES public.payer(id);

ALTER TABLE ONLY public.vat_inquiry
    ADD CONSTRAINT vat_inquiry_payer_id_fkey FOREIGN KEY (payer_id) REFERENCES public.payer(id);

ALTER TABLE ONLY public.withdrawal
    ADD CONSTRAINT withdrawal_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.account(id);

ALTER TABLE ONLY public.withdrawal_order
    ADD CONSTRAINT withdrawal_order_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders(id);

ALTER TABLE ONLY public.withdrawal_order
    ADD CONSTRAINT withdrawal_order_withdrawal_id_fkey FOREIGN KEY (withdrawal_id) REFERENCES public.withdrawal(id);

ALTER TABLE ONLY public.withdrawal
    ADD CONSTRAINT withdrawal_payer_id_fkey FOREIGN KEY (payer_id) REFERENCES public.payer(id);

ALTER TABLE ONLY public.withdrawal
    ADD CONSTRAINT withdrawal_subscription_id_fkey FOREIGN KEY (subscription_id) REFERENCES public.subscription(id);
