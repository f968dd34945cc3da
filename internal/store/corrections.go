package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/support"
)

// ToCorrect is a document that somebody wants to have corrected, and what became
// of it.
type ToCorrect struct {
	ID         string
	PayerID    account.PayerID
	OrderID    string
	Number     string
	Kind       invoice.Kind
	Content    []byte       // the frozen document
	ReplacedBy string       // number of the invoice that replaces it; empty for none
	Base       money.Amount // net that credit notes are counted of
	VAT        money.Amount
	Credited   money.Amount // of Base
	VATBefore  money.Amount // of VAT
}

type toCorrectRow struct {
	ID           string
	PayerID      string
	OrderID      string
	Number       string
	Kind         string
	Content      []byte
	ReplacedBy   string
	BaseMinor    int64
	VATMinor     int64 `db:"vat_minor"`
	CreditedBase int64
	CreditedVAT  int64 `db:"credited_vat"`
}

func (r toCorrectRow) of() ToCorrect {
	return ToCorrect{
		ID: r.ID, PayerID: account.PayerID(r.PayerID), OrderID: r.OrderID, Number: r.Number, Kind: invoice.Kind(r.Kind), Content: r.Content,
		ReplacedBy: r.ReplacedBy, Base: money.Amount(r.BaseMinor), VAT: money.Amount(r.VATMinor), Credited: money.Amount(r.CreditedBase),
		VATBefore: money.Amount(r.CreditedVAT),
	}
}

const toCorrectColumnsSQL = `
SELECT i.id, i.payer_id, i.order_id, i.number, i.kind, i.content,
       COALESCE((SELECT r.number FROM invoice r WHERE r.replaces_id = i.id), '') AS replaced_by,
       COALESCE(c.base_minor, 0) AS base_minor, COALESCE(c.vat_minor, 0) AS vat_minor,
       COALESCE(c.credited_base_minor, 0) AS credited_base, COALESCE(c.credited_vat_minor, 0) AS credited_vat
FROM invoice i
LEFT JOIN invoice_credit c ON c.invoice_id = i.id AND c.line = 1 `

const toCorrectOfSQL = toCorrectColumnsSQL + `
JOIN member m ON m.payer_id = i.payer_id AND m.account_id = @actor
WHERE i.number = @number`

// ToCorrectOf returns a document of one of the actor's payers, or NotFound.
func (tx *Tx) ToCorrectOf(ctx context.Context, actor account.ID, number string) (ToCorrect, error) {
	r, err := one[toCorrectRow](ctx, tx, "invoice", toCorrectOfSQL, pgx.NamedArgs{"actor": string(actor), "number": number})
	return r.of(), err
}

const toCorrectSQL = toCorrectColumnsSQL + `WHERE i.id = @id`

// ToCorrect returns a document for the program's own work and for staff.
func (tx *Tx) ToCorrect(ctx context.Context, id string) (ToCorrect, error) {
	r, err := one[toCorrectRow](ctx, tx, "invoice", toCorrectSQL, pgx.NamedArgs{"id": id})
	return r.of(), err
}

const toCorrectNumberedSQL = toCorrectColumnsSQL + `WHERE i.number = @number`

// ToCorrectNumbered is ToCorrect by the document's number.
func (tx *Tx) ToCorrectNumbered(ctx context.Context, number string) (ToCorrect, error) {
	r, err := one[toCorrectRow](ctx, tx, "invoice", toCorrectNumberedSQL, pgx.NamedArgs{"number": number})
	return r.of(), err
}

const insertCorrectionRequestSQL = `
INSERT INTO correction_request (payer_id, invoice_id, asked_by, asked_at, buyer, currency, net_minor, old_vat_minor, new_vat_minor, needs_two, state)
VALUES (@payer, @invoice, @asked_by, @now, @buyer, @currency, @net, @old_vat, @new_vat, @needs_two, 'requested')
RETURNING id`

// InsertCorrectionRequest stores a new request and returns its id. It fails with
// Conflict while another one of the invoice is open.
func (tx *Tx) InsertCorrectionRequest(ctx context.Context, r support.CorrectionRequest) (string, error) {
	return value[string](ctx, tx, "correction request", insertCorrectionRequestSQL, pgx.NamedArgs{
		"payer": string(r.PayerID), "invoice": r.InvoiceID, "asked_by": string(r.AskedBy), "now": tx.now, "buyer": r.Buyer,
		"currency": string(r.Currency), "net": int64(r.Net), "old_vat": int64(r.OldVAT), "new_vat": int64(r.NewVAT), "needs_two": r.NeedsTwo,
	})
}

// CorrectionRequestOf is a request with the names that it is shown with.
type CorrectionRequestOf struct {
	support.CorrectionRequest
	Invoice           string // number
	ReplacementNumber string // once done
	PayerName         string
	AskedByName       string
	FirstByName       string
	SecondByName      string
	RejectedName      string
	MayBuy            bool // the person who looks may buy for the payer
}

type correctionRequestRow struct {
	ID                string
	PayerID           string
	InvoiceID         string
	AskedBy           string
	AskedAt           time.Time
	Buyer             []byte
	Currency          string
	NetMinor          int64
	OldVATMinor       int64 `db:"old_vat_minor"`
	NewVATMinor       int64 `db:"new_vat_minor"`
	NeedsTwo          bool
	State             string
	FirstBy           *string
	FirstAt           *time.Time
	SecondBy          *string
	RejectedBy        *string
	RejectReason      string
	DecidedAt         *time.Time
	ReplacementID     *string
	InvoiceNumber     string
	ReplacementNumber string
	PayerName         string
	AskedByName       string
	FirstByName       string
	SecondByName      string
	RejectedName      string
	MayBuy            bool
}

func (r correctionRequestRow) of() (CorrectionRequestOf, error) {
	out := CorrectionRequestOf{
		CorrectionRequest: support.CorrectionRequest{
			ID: r.ID, PayerID: account.PayerID(r.PayerID), InvoiceID: r.InvoiceID, AskedBy: account.ID(r.AskedBy), AskedAt: r.AskedAt.UTC(),
			Currency: money.Currency(r.Currency), Net: money.Amount(r.NetMinor), OldVAT: money.Amount(r.OldVATMinor), NewVAT: money.Amount(r.NewVATMinor),
			NeedsTwo: r.NeedsTwo, State: support.RefundState(r.State), FirstBy: account.ID(text(r.FirstBy)), FirstAt: moment(r.FirstAt),
			SecondBy: account.ID(text(r.SecondBy)), RejectedBy: account.ID(text(r.RejectedBy)), RejectReason: r.RejectReason,
			DecidedAt: moment(r.DecidedAt), Replacement: text(r.ReplacementID),
		},
		Invoice: r.InvoiceNumber, ReplacementNumber: r.ReplacementNumber, PayerName: r.PayerName, AskedByName: r.AskedByName,
		FirstByName: r.FirstByName, SecondByName: r.SecondByName, RejectedName: r.RejectedName, MayBuy: r.MayBuy,
	}
	return out, json.Unmarshal(r.Buyer, &out.Buyer)
}

const correctionRequestColumnsSQL = `
SELECT r.id, r.payer_id, r.invoice_id, r.asked_by, r.asked_at, r.buyer, r.currency, r.net_minor, r.old_vat_minor, r.new_vat_minor, r.needs_two,
       r.state, r.first_by, r.first_at, r.second_by, r.rejected_by, r.reject_reason, r.decided_at, r.replacement_id,
       i.number AS invoice_number, COALESCE(n.number, '') AS replacement_number, p.name AS payer_name,
       trim(a.first_name || ' ' || a.last_name) AS asked_by_name,
       COALESCE(trim(f.first_name || ' ' || f.last_name), '') AS first_by_name,
       COALESCE(trim(g.first_name || ' ' || g.last_name), '') AS second_by_name,
       COALESCE(trim(j.first_name || ' ' || j.last_name), '') AS rejected_name,
       EXISTS (SELECT FROM member m WHERE m.payer_id = r.payer_id AND m.account_id = @actor AND m.role IN ('owner', 'billing')) AS may_buy
FROM correction_request r
JOIN payer p ON p.id = r.payer_id
JOIN invoice i ON i.id = r.invoice_id
LEFT JOIN invoice n ON n.id = r.replacement_id
JOIN account a ON a.id = r.asked_by
LEFT JOIN account f ON f.id = r.first_by
LEFT JOIN account g ON g.id = r.second_by
LEFT JOIN account j ON j.id = r.rejected_by `

func (tx *Tx) correctionRequest(ctx context.Context, sql string, args pgx.NamedArgs) (CorrectionRequestOf, error) {
	r, err := one[correctionRequestRow](ctx, tx, "correction request", sql, args)
	if err != nil {
		return CorrectionRequestOf{}, err
	}
	return r.of()
}

const correctionRequestSQL = correctionRequestColumnsSQL + `WHERE r.id = @id`

// CorrectionRequest returns a request. MayBuy is the actor's.
func (tx *Tx) CorrectionRequest(ctx context.Context, actor account.ID, id string) (CorrectionRequestOf, error) {
	return tx.correctionRequest(ctx, correctionRequestSQL, pgx.NamedArgs{"id": id, "actor": string(actor)})
}

const lockCorrectionRequestSQL = correctionRequestSQL + ` FOR NO KEY UPDATE OF r`

// LockCorrectionRequest is CorrectionRequest with the row locked. The payer and
// the order are locked before.
func (tx *Tx) LockCorrectionRequest(ctx context.Context, actor account.ID, id string) (CorrectionRequestOf, error) {
	return tx.correctionRequest(ctx, lockCorrectionRequestSQL, pgx.NamedArgs{"id": id, "actor": string(actor)})
}

const openCorrectionRequestSQL = correctionRequestColumnsSQL + `WHERE r.invoice_id = @invoice AND r.state IN ('requested', 'approved_once')`

// OpenCorrectionRequest returns the request about an invoice that waits for a
// decision, or NotFound.
func (tx *Tx) OpenCorrectionRequest(ctx context.Context, invoiceID string) (CorrectionRequestOf, error) {
	return tx.correctionRequest(ctx, openCorrectionRequestSQL, pgx.NamedArgs{"invoice": invoiceID, "actor": nil})
}

const correctionRequestsSQL = correctionRequestColumnsSQL + `
ORDER BY r.state IN ('requested', 'approved_once') DESC, CASE WHEN r.decided_at IS NULL THEN r.asked_at END, r.decided_at DESC, r.id
LIMIT 500`

// CorrectionRequests returns requests for the back office: those that wait, the
// oldest first, then those decided last.
func (tx *Tx) CorrectionRequests(ctx context.Context, actor account.ID) ([]CorrectionRequestOf, error) {
	return tx.correctionRequests(ctx, correctionRequestsSQL, pgx.NamedArgs{"actor": string(actor)})
}

const correctionRequestsOfSQL = correctionRequestColumnsSQL + `
JOIN member k ON k.payer_id = r.payer_id AND k.account_id = @actor AND k.role IN ('owner', 'billing')
ORDER BY r.asked_at DESC, r.id
LIMIT 100`

// CorrectionRequestsOf returns the requests of the payers that the actor buys
// for, newest first.
func (tx *Tx) CorrectionRequestsOf(ctx context.Context, actor account.ID) ([]CorrectionRequestOf, error) {
	return tx.correctionRequests(ctx, correctionRequestsOfSQL, pgx.NamedArgs{"actor": string(actor)})
}

func (tx *Tx) correctionRequests(ctx context.Context, sql string, args pgx.NamedArgs) ([]CorrectionRequestOf, error) {
	rows, err := list[correctionRequestRow](ctx, tx, sql, args)
	out := make([]CorrectionRequestOf, len(rows))
	for i, r := range rows {
		if err == nil {
			out[i], err = r.of()
		}
	}
	return out, err
}

const saveCorrectionRequestSQL = `
UPDATE correction_request
SET needs_two = @needs_two, state = @state, first_by = @first_by, first_at = @first_at, second_by = @second_by, rejected_by = @rejected_by,
    reject_reason = @reject_reason, decided_at = @decided_at, replacement_id = @replacement
WHERE id = @id`

// SaveCorrectionRequest stores where a request stands.
func (tx *Tx) SaveCorrectionRequest(ctx context.Context, r support.CorrectionRequest) error {
	_, err := exec(ctx, tx, saveCorrectionRequestSQL, pgx.NamedArgs{
		"id": r.ID, "needs_two": r.NeedsTwo, "state": string(r.State), "first_by": nullable(string(r.FirstBy)), "first_at": instant(r.FirstAt),
		"second_by": nullable(string(r.SecondBy)), "rejected_by": nullable(string(r.RejectedBy)), "reject_reason": r.RejectReason,
		"decided_at": instant(r.DecidedAt), "replacement": nullable(r.Replacement),
	})
	return err
}
