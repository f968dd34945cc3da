package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/vat"
)

// VATProof is what a register said about a VAT number, as it was kept.
type VATProof struct {
	ID        int64
	VATNumber string `db:"vat_number"`
	Result    string // "valid" or "invalid"
	Source    string // "vies", or where an operator looked
	Reference string // consultation number
	Requester string
	Dated     string // as the register dates it
	Name      string // of the holder
	Address   string
	CheckedAt time.Time
}

// Valid reports whether the answer was yes.
func (p VATProof) Valid() bool { return p.Result == resultValid }

const resultValid = "valid"

func resultOf(valid bool) string {
	if valid {
		return resultValid
	}
	return "invalid"
}

const insertVATCheckSQL = `
INSERT INTO vat_check (vat_number, result, source, reference, checked_at, payer_id, buyer_name, requester, dated, name, address, program, raw)
VALUES (@vat_number, @result, @source, @reference, @now, @payer, @buyer, @requester, @dated, @name, @address, @program, @raw)
RETURNING id`

// ConfirmVATNumber records what an operator found in a register. It stands for
// everybody with the number.
func (tx *Tx) ConfirmVATNumber(ctx context.Context, number string, valid bool, source, reference string) (int64, error) {
	return tx.insertVATCheck(ctx, number, source, vat.Answer{Valid: valid, Consultation: reference}, "", "")
}

// InsertVATAnswer keeps a register's answer about a payer's number.
func (tx *Tx) InsertVATAnswer(ctx context.Context, p account.Payer, source string, a vat.Answer) (int64, error) {
	return tx.insertVATCheck(ctx, p.VATNumber, source, a, p.ID, p.Name)
}

func (tx *Tx) insertVATCheck(ctx context.Context, number, source string, a vat.Answer, payer account.PayerID, buyer string) (int64, error) {
	return value[int64](ctx, tx, "VAT check", insertVATCheckSQL, pgx.NamedArgs{
		"vat_number": number, "result": resultOf(a.Valid), "source": source, "reference": a.Consultation, "now": tx.now,
		"payer": nullable(string(payer)), "buyer": buyer, "requester": a.Requester, "dated": a.Dated, "name": a.Name, "address": a.Address,
		"program": a.Program, "raw": a.Raw,
	})
}

const lastVATProofSQL = `
SELECT c.id, c.vat_number, c.result, c.source, c.reference, c.requester, c.dated, c.name, c.address, c.checked_at
FROM vat_check c
WHERE c.vat_number = @vat_number AND c.checked_at >= @since AND c.checked_at <= @now
  AND (c.payer_id IS NULL OR c.payer_id = @payer AND c.buyer_name = @buyer)
ORDER BY c.checked_at DESC, c.id DESC LIMIT 1`

// LastVATProof returns the newest answer about a payer's number that is young
// enough to be relied on, or NotFound. One that was given when the payer had
// another name is none.
func (tx *Tx) LastVATProof(ctx context.Context, p account.Payer) (VATProof, error) {
	return one[VATProof](ctx, tx, "VAT proof", lastVATProofSQL, lastVATProofArgs(p, tx.now))
}

const vatProofBeforeSQL = `
SELECT c.id, c.vat_number, c.result, c.source, c.reference, c.requester, c.dated, c.name, c.address, c.checked_at
FROM vat_check c
WHERE c.vat_number = @vat_number AND c.checked_at >= @since AND c.checked_at <= @now AND c.id < @check
  AND (c.payer_id IS NULL OR c.payer_id = @payer AND c.buyer_name = @buyer)
ORDER BY c.checked_at DESC, c.id DESC LIMIT 1`

// VATProofBefore is LastVATProof as it was before an answer.
func (tx *Tx) VATProofBefore(ctx context.Context, p account.Payer, check int64) (VATProof, error) {
	args := lastVATProofArgs(p, tx.now)
	args["check"] = check
	return one[VATProof](ctx, tx, "VAT proof", vatProofBeforeSQL, args)
}

func lastVATProofArgs(p account.Payer, now time.Time) pgx.NamedArgs {
	return pgx.NamedArgs{
		"vat_number": p.VATNumber, "payer": string(p.ID), "buyer": p.Name, "since": now.Add(-vat.ProofLife), "now": now,
	}
}

// VATInquiry is a register that owes an answer.
type VATInquiry struct {
	VATNumber string `db:"vat_number"`
	BeganAt   time.Time
	Silent    int
	AskedAt   *time.Time
	Failure   string
	NextTryAt *time.Time // nil: left alone
}

const vatInquirySQL = `
SELECT vat_number, began_at, silent, asked_at, failure, next_try_at FROM vat_inquiry WHERE payer_id = @payer`

// VATInquiry returns what is being asked about a payer's number, or NotFound.
func (tx *Tx) VATInquiry(ctx context.Context, id account.PayerID) (VATInquiry, error) {
	return one[VATInquiry](ctx, tx, "VAT inquiry", vatInquirySQL, pgx.NamedArgs{"payer": string(id)})
}

const beginVATInquirySQL = `
INSERT INTO vat_inquiry (payer_id, vat_number, began_at, next_try_at) VALUES (@payer, @vat_number, @now, @at)
ON CONFLICT (payer_id) DO UPDATE
SET vat_number = EXCLUDED.vat_number, began_at = EXCLUDED.began_at, silent = 0, failure = '', asked_at = NULL, next_try_at = EXCLUDED.next_try_at
WHERE vat_inquiry.vat_number <> EXCLUDED.vat_number OR vat_inquiry.next_try_at IS NULL`

// BeginVATInquiry has a register asked about a payer's number from an instant on.
// One that is being asked already goes on.
func (tx *Tx) BeginVATInquiry(id account.PayerID, number string, at time.Time) {
	tx.later(beginVATInquirySQL, pgx.NamedArgs{"payer": string(id), "vat_number": number, "now": tx.now, "at": at})
}

const claimVATInquirySQL = `
UPDATE vat_inquiry SET next_try_at = @until
WHERE payer_id = @payer AND (asked_at IS NULL OR asked_at <= @asked_before)`

// ClaimVATInquiry keeps others from asking about a payer's number until an
// instant; false where it was asked after another one.
func (tx *Tx) ClaimVATInquiry(ctx context.Context, id account.PayerID, until, askedBefore time.Time) (bool, error) {
	n, err := exec(ctx, tx, claimVATInquirySQL, pgx.NamedArgs{"payer": string(id), "until": until, "asked_before": askedBefore})
	return n > 0, err
}

const claimDueVATInquiriesSQL = `
UPDATE vat_inquiry SET next_try_at = @until
WHERE payer_id IN (SELECT payer_id FROM vat_inquiry WHERE next_try_at <= @now
                   ORDER BY next_try_at LIMIT @limit FOR UPDATE SKIP LOCKED)
RETURNING payer_id`

// ClaimDueVATInquiries returns payers about whose numbers a register is to be
// asked now, and keeps others from it until an instant.
func (tx *Tx) ClaimDueVATInquiries(ctx context.Context, limit int, until time.Time) ([]account.PayerID, error) {
	return values[account.PayerID](ctx, tx, claimDueVATInquiriesSQL, pgx.NamedArgs{"now": tx.now, "until": until, "limit": limit})
}

const putOffVATInquirySQL = `
UPDATE vat_inquiry SET silent = silent + 1, next_try_at = @next, asked_at = CASE WHEN @asked::boolean THEN @now ELSE asked_at END,
                       failure = CASE WHEN @asked::boolean THEN @failure ELSE failure END
WHERE payer_id = @payer AND vat_number = @vat_number`

// PutOffVATInquiry notes that a register gave no answer, and when it is asked
// again: never for the zero time.
func (tx *Tx) PutOffVATInquiry(ctx context.Context, id account.PayerID, number string, silence vat.SilenceError, next time.Time) error {
	var at *time.Time
	if !next.IsZero() {
		at = &next
	}
	_, err := exec(ctx, tx, putOffVATInquirySQL, pgx.NamedArgs{
		"payer": string(id), "vat_number": number, "failure": silence.Code, "asked": !silence.NotAsked, "now": tx.now, "next": at,
	})
	return err
}

const inquiringSQL = `SELECT payer_id FROM vat_inquiry WHERE vat_number = @vat_number ORDER BY payer_id`

// Inquiring returns the payers about whose number, this one, a register owes an
// answer.
func (tx *Tx) Inquiring(ctx context.Context, number string) ([]account.PayerID, error) {
	return values[account.PayerID](ctx, tx, inquiringSQL, pgx.NamedArgs{"vat_number": number})
}

const endVATInquirySQL = `DELETE FROM vat_inquiry WHERE payer_id = @payer`

// EndVATInquiry notes that nothing is to be asked about a payer's number.
func (tx *Tx) EndVATInquiry(id account.PayerID) {
	tx.later(endVATInquirySQL, pgx.NamedArgs{"payer": string(id)})
}

// RenewalWindows are the instants until which subscriptions are paid that will be
// charged, or prepared to be, soon, and before which an answer about their
// payers' numbers is too old then.
type RenewalWindows struct {
	Charge, ChargeBefore   time.Time
	Prepare, PrepareBefore time.Time
	ElseBefore             time.Time
}

const inquireForRenewalsSQL = `
INSERT INTO vat_inquiry (payer_id, vat_number, began_at, next_try_at)
SELECT p.id, p.vat_number, @now, @now
FROM (SELECT s.payer_id, min(s.paid_until) FILTER (WHERE s.auto_renew) AS ends FROM subscription s WHERE s.state = 'active' GROUP BY s.payer_id) n
JOIN payer p ON p.id = n.payer_id
WHERE p.kind = 'company' AND left(p.vat_number, 2) = ANY (@prefixes::text[])
  AND NOT EXISTS (SELECT FROM vat_check c
                  WHERE c.vat_number = p.vat_number AND (c.payer_id IS NULL OR c.payer_id = p.id AND c.buyer_name = p.name)
                    AND c.checked_at > CASE WHEN n.ends <= @charge THEN @charge_before::timestamptz
                                            WHEN n.ends <= @prepare THEN @prepare_before::timestamptz
                                            ELSE @else_before::timestamptz END)
  AND NOT EXISTS (SELECT FROM vat_inquiry i
                  WHERE i.payer_id = p.id AND i.vat_number = p.vat_number AND (i.next_try_at IS NOT NULL OR COALESCE(i.asked_at, i.began_at) > @given_up_before))
ORDER BY n.ends, p.id
LIMIT 1000
ON CONFLICT (payer_id) DO UPDATE
SET vat_number = EXCLUDED.vat_number, began_at = EXCLUDED.began_at, silent = 0, failure = '', asked_at = NULL, next_try_at = EXCLUDED.next_try_at`

// InquireForRenewals has a register asked about the numbers of payers whose
// subscriptions renew soon, or who have not been asked about for long. A register
// that was given up is asked again a day later. It returns how many there are.
func (tx *Tx) InquireForRenewals(ctx context.Context, w RenewalWindows, prefixes []string) (int64, error) {
	return exec(ctx, tx, inquireForRenewalsSQL, pgx.NamedArgs{
		"now": tx.now, "prefixes": prefixes, "charge": w.Charge, "charge_before": w.ChargeBefore, "prepare": w.Prepare,
		"prepare_before": w.PrepareBefore, "else_before": w.ElseBefore, "given_up_before": tx.now.Add(-24 * time.Hour),
	})
}

// What stands of an order is its invoice that nothing replaces, to the buyer that
// is on it.
const standsSQL = `NOT EXISTS (SELECT FROM invoice r WHERE r.replaces_id = i.id)
        AND i.total_minor > COALESCE((SELECT sum(n.total_minor) FROM invoice n WHERE n.corrects_id = i.id), 0)
        AND convert_from(i.content, 'UTF8')::jsonb #>> '{buyer,vat_number}' = c.vat_number`

const answerSettlementsSQL = `
WITH waits AS (
    SELECT s.order_id, s.treatment ->> 'Row' AS vat_row, s.vat_minor
    FROM settlement s
    WHERE s.vat_pending AND s.buyer ->> 'ID' = @payer AND s.buyer ->> 'VATNumber' = @vat_number AND s.buyer ->> 'Name' = @name
      AND s.settled_at >= @since AND NOT EXISTS (SELECT FROM settlement_answer a WHERE a.order_id = s.order_id)
), answered AS (
    INSERT INTO settlement_answer (order_id, vat_check_id, noted_at) SELECT order_id, @check, @now FROM waits
    ON CONFLICT DO NOTHING
    RETURNING order_id, vat_check_id
), sold AS (
    SELECT w.order_id, '' AS invoice_number, w.vat_row, w.vat_minor
    FROM answered a JOIN waits w USING (order_id)
    WHERE NOT EXISTS (SELECT FROM invoice i WHERE i.order_id = w.order_id AND i.kind = 'invoice')
    UNION ALL
    SELECT i.order_id, i.number, v.vat_row, v.vat_minor
    FROM answered a JOIN vat_check c ON c.id = a.vat_check_id
    JOIN invoice i ON i.order_id = a.order_id AND i.kind = 'invoice' JOIN invoice_vat v ON v.invoice_id = i.id
    WHERE ` + standsSQL + `
)
SELECT o.number AS order_number, x.invoice_number
FROM sold x JOIN orders o ON o.id = x.order_id
WHERE CASE WHEN @valid::boolean THEN x.vat_row <> 'R4' AND x.vat_minor > 0 ELSE x.vat_row = 'R4' END
ORDER BY o.number`

// WronglyTaxed is an order whose VAT a later answer contradicts.
type WronglyTaxed struct{ OrderNumber, InvoiceNumber string }

// AnswerSettlements notes an answer with the settlements of a payer that waited
// for it, and returns those whose VAT it contradicts, as they were invoiced last.
// An answer long after the tax point says nothing about it.
func (tx *Tx) AnswerSettlements(ctx context.Context, p account.Payer, check int64, valid bool) ([]WronglyTaxed, error) {
	return list[WronglyTaxed](ctx, tx, answerSettlementsSQL, pgx.NamedArgs{
		"payer": string(p.ID), "vat_number": p.VATNumber, "name": p.Name, "check": check, "valid": valid, "now": tx.now,
		"since": tx.now.Add(-vat.ProofLife),
	})
}

const settledOnInvalidSQL = `
SELECT EXISTS (SELECT FROM settlement_answer a JOIN vat_check c ON c.id = a.vat_check_id
               WHERE a.order_id = @order AND c.vat_number = @vat_number AND c.result = 'invalid')`

// SettledOnInvalid reports whether the answer that an order's settlement waited for
// was that this number is not valid.
func (tx *Tx) SettledOnInvalid(ctx context.Context, orderID, vatNumber string) (bool, error) {
	return value[bool](ctx, tx, "VAT answer", settledOnInvalidSQL, pgx.NamedArgs{"order": orderID, "vat_number": vatNumber})
}

// InvoiceProof is an answer that an invoice's VAT stands on, or waited for.
type InvoiceProof struct {
	VATProof
	Later bool // it came after the tax point
}

const insertInvoiceProofSQL = `INSERT INTO invoice_proof (invoice_id, vat_check_id) VALUES (@invoice, @check)`

// InsertInvoiceProof notes the answer that the reverse charge of a replacement
// stands on.
func (tx *Tx) InsertInvoiceProof(invoiceID string, check int64) {
	tx.later(insertInvoiceProofSQL, pgx.NamedArgs{"invoice": invoiceID, "check": check})
}

const proofOfInvoiceSQL = `
SELECT c.id
FROM invoice i
JOIN vat_check c ON c.vat_number = @vat_number AND c.result = 'valid' AND (c.payer_id IS NULL OR c.payer_id = i.payer_id) AND c.checked_at <= i.issued_at
LEFT JOIN invoice_proof p ON p.invoice_id = i.id
LEFT JOIN settlement s ON s.order_id = i.order_id
WHERE i.id = @invoice
ORDER BY c.id IS NOT DISTINCT FROM p.vat_check_id DESC, c.id IS NOT DISTINCT FROM s.vat_check_id DESC, c.checked_at DESC, c.id DESC
LIMIT 1`

// ProofOfInvoice returns the id of the answer about a number that an invoice with
// reverse charge stands on, or NotFound.
func (tx *Tx) ProofOfInvoice(ctx context.Context, invoiceID, vatNumber string) (int64, error) {
	return value[int64](ctx, tx, "VAT proof", proofOfInvoiceSQL, pgx.NamedArgs{"invoice": invoiceID, "vat_number": vatNumber})
}

// What a replacement stands on is its own; a later answer to what was sold to the
// buyer that is on it is shown where it has none.
const invoiceProofsSQL = `
SELECT c.id, c.vat_number, c.result, c.source, c.reference, c.requester, c.dated, c.name, c.address, c.checked_at, q.later
FROM invoice i
JOIN member m ON m.payer_id = i.payer_id AND m.account_id = @actor
JOIN settlement s ON s.order_id = i.order_id
LEFT JOIN settlement_answer a ON a.order_id = s.order_id
LEFT JOIN invoice_proof p ON p.invoice_id = i.id
CROSS JOIN LATERAL (VALUES (CASE WHEN i.replaces_id IS NULL THEN s.vat_check_id ELSE p.vat_check_id END, false),
                           (CASE WHEN p.invoice_id IS NULL THEN a.vat_check_id END, true)) q (id, later)
JOIN vat_check c ON c.id = q.id AND (i.replaces_id IS NULL OR c.vat_number = convert_from(i.content, 'UTF8')::jsonb #>> '{buyer,vat_number}')
WHERE i.number = @number AND i.kind = 'invoice'
ORDER BY q.later`

// InvoiceProofs returns the answers that an invoice of one of the actor's payers
// stands on, the one of its tax point first.
func (tx *Tx) InvoiceProofs(ctx context.Context, actor account.ID, number string) ([]InvoiceProof, error) {
	return list[InvoiceProof](ctx, tx, invoiceProofsSQL, pgx.NamedArgs{"actor": string(actor), "number": number})
}

// SeenProof is an answer as the back office sees it.
type SeenProof struct {
	VATProof
	PayerID   string // empty for an operator's look-up
	PayerName string
	BuyerName string
	Program   string
	Orders    []string // numbers of the orders that were settled on it
}

const findVATProofsSQL = `
SELECT c.id, c.vat_number, c.result, c.source, c.reference, c.requester, c.dated, c.name, c.address, c.checked_at,
       COALESCE(c.payer_id::text, '') AS payer_id, COALESCE(p.name, '') AS payer_name, c.buyer_name, c.program,
       ARRAY(SELECT o.number FROM settlement s JOIN orders o ON o.id = s.order_id WHERE s.vat_check_id = c.id
             UNION SELECT o.number FROM settlement_answer a JOIN orders o ON o.id = a.order_id WHERE a.vat_check_id = c.id
             UNION SELECT o.number FROM invoice_proof p JOIN invoice i ON i.id = p.invoice_id JOIN orders o ON o.id = i.order_id WHERE p.vat_check_id = c.id
             ORDER BY 1) AS orders
FROM vat_check c LEFT JOIN payer p ON p.id = c.payer_id
WHERE c.vat_number = @vat_number
   OR c.id IN (SELECT x.id FROM invoice i JOIN settlement s ON s.order_id = i.order_id LEFT JOIN settlement_answer a ON a.order_id = s.order_id
               LEFT JOIN invoice_proof p ON p.invoice_id = i.id
               CROSS JOIN LATERAL (VALUES (s.vat_check_id), (a.vat_check_id), (p.vat_check_id)) x (id) WHERE i.number = @number)
ORDER BY c.checked_at DESC, c.id DESC
LIMIT 50`

// FindVATProofs returns the newest answers about a VAT number, or those that an
// invoice stands on.
func (tx *Tx) FindVATProofs(ctx context.Context, vatNumber, invoiceNumber string) ([]SeenProof, error) {
	return list[SeenProof](ctx, tx, findVATProofsSQL, pgx.NamedArgs{"vat_number": vatNumber, "number": invoiceNumber})
}

// VATCase is something about a VAT number that waits: for the register, or for a
// person who corrects an invoice.
type VATCase struct {
	Kind          string // "silent", "charged" (VAT that was not due), "uncharged" (VAT that was due), "exempt" (no VAT, but as to a consumer)
	PayerID       string
	PayerName     string
	VATNumber     string `db:"vat_number"`
	InvoiceNumber string
	RequestID     string // of the correction that people decide about; empty for none
	Since         time.Time
	Failure       string
}

const vatCasesSQL = `
SELECT kind, payer_id, payer_name, vat_number, invoice_number, request_id, since, failure
FROM (SELECT CASE WHEN v.vat_row = 'R4' THEN 'uncharged' WHEN v.vat_minor > 0 THEN 'charged' ELSE 'exempt' END AS kind,
             i.payer_id::text AS payer_id, convert_from(i.content, 'UTF8')::jsonb #>> '{buyer,name}' AS payer_name, c.vat_number,
             i.number AS invoice_number, COALESCE(q.id::text, '') AS request_id, a.noted_at AS since, '' AS failure
      FROM settlement_answer a
      JOIN vat_check c ON c.id = a.vat_check_id
      JOIN invoice i ON i.order_id = a.order_id AND i.kind = 'invoice'
      JOIN invoice_vat v ON v.invoice_id = i.id
      LEFT JOIN correction_request q ON q.invoice_id = i.id AND q.state IN ('requested', 'approved_once')
      WHERE v.vat_row IN ('R4', 'R7', 'R7c', 'R8a', 'R8b') AND (v.vat_row = 'R4') <> (c.result = 'valid') AND ` + standsSQL + `
      UNION ALL
      SELECT 'silent', q.payer_id::text, p.name, q.vat_number, '', '', q.began_at, q.failure
      FROM vat_inquiry q JOIN payer p ON p.id = q.payer_id
      WHERE q.silent > 0) waits
ORDER BY kind = 'silent', since, vat_number
LIMIT 200`

// VATCases returns what waits, invoices to correct first.
func (tx *Tx) VATCases(ctx context.Context) ([]VATCase, error) {
	return list[VATCase](ctx, tx, vatCasesSQL, nil)
}
