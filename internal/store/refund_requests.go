package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/support"
)

const insertRefundRequestSQL = `
INSERT INTO refund_request (payer_id, subscription_id, asked_by, asked_at, reason, target, currency, days, net_minor, vat_minor, total_minor, needs_two, state)
VALUES (@payer, @subscription, @asked_by, @now, @reason, @target, @currency, @days, @net, @vat, @total, @needs_two, 'requested')
RETURNING id`

// InsertRefundRequest stores a new request and returns its id. It fails with
// Conflict while another one of the subscription is open.
func (tx *Tx) InsertRefundRequest(ctx context.Context, r support.RefundRequest) (string, error) {
	return value[string](ctx, tx, "refund request", insertRefundRequestSQL, pgx.NamedArgs{
		"payer": string(r.PayerID), "subscription": r.SubscriptionID, "asked_by": string(r.AskedBy), "now": tx.now, "reason": r.Reason,
		"target": string(r.Target), "currency": string(r.Currency), "days": r.Days, "net": int64(r.Net), "vat": int64(r.VAT),
		"total": int64(r.Total), "needs_two": r.NeedsTwo,
	})
}

// RefundRequestOf is a request with the names that it is shown with.
type RefundRequestOf struct {
	support.RefundRequest
	PayerName    string
	Plan         string
	CustomerName string
	AskedByName  string
	FirstByName  string
	SecondByName string
	RejectedName string
	MayBuy       bool // the person who looks may buy for the payer
}

type refundRequestRow struct {
	ID             string
	PayerID        string
	SubscriptionID string
	AskedBy        string
	AskedAt        time.Time
	Reason         string
	Target         string
	Currency       string
	Days           int
	NetMinor       int64
	VATMinor       int64 `db:"vat_minor"`
	TotalMinor     int64
	NeedsTwo       bool
	State          string
	FirstBy        *string
	FirstAt        *time.Time
	SecondBy       *string
	RejectedBy     *string
	RejectReason   string
	DecidedAt      *time.Time
	CreditedMinor  int64
	MethodMinor    int64
	PayerName      string
	Plan           string
	CustomerName   string
	AskedByName    string
	FirstByName    string
	SecondByName   string
	RejectedName   string
	MayBuy         bool
}

func (r refundRequestRow) of() RefundRequestOf {
	return RefundRequestOf{
		RefundRequest: support.RefundRequest{
			ID: r.ID, PayerID: account.PayerID(r.PayerID), SubscriptionID: r.SubscriptionID, AskedBy: account.ID(r.AskedBy), AskedAt: r.AskedAt.UTC(),
			Reason: r.Reason, Target: support.RefundTarget(r.Target), Currency: money.Currency(r.Currency), Days: r.Days, Net: money.Amount(r.NetMinor),
			VAT: money.Amount(r.VATMinor), Total: money.Amount(r.TotalMinor), NeedsTwo: r.NeedsTwo, State: support.RefundState(r.State),
			FirstBy: account.ID(text(r.FirstBy)), FirstAt: moment(r.FirstAt), SecondBy: account.ID(text(r.SecondBy)),
			RejectedBy: account.ID(text(r.RejectedBy)), RejectReason: r.RejectReason, DecidedAt: moment(r.DecidedAt),
			Credited: money.Amount(r.CreditedMinor), ToMethod: money.Amount(r.MethodMinor),
		},
		PayerName: r.PayerName, Plan: r.Plan, CustomerName: r.CustomerName, AskedByName: r.AskedByName, FirstByName: r.FirstByName,
		SecondByName: r.SecondByName, RejectedName: r.RejectedName, MayBuy: r.MayBuy,
	}
}

const refundRequestColumnsSQL = `
SELECT r.id, r.payer_id, r.subscription_id, r.asked_by, r.asked_at, r.reason, r.target, r.currency, r.days, r.net_minor, r.vat_minor,
       r.total_minor, r.needs_two, r.state, r.first_by, r.first_at, r.second_by, r.rejected_by, r.reject_reason, r.decided_at,
       COALESCE(r.credited_minor, 0) AS credited_minor, COALESCE(r.method_minor, 0) AS method_minor, p.name AS payer_name, s.plan,
       trim(c.first_name || ' ' || c.last_name) AS customer_name, trim(a.first_name || ' ' || a.last_name) AS asked_by_name,
       COALESCE(trim(f.first_name || ' ' || f.last_name), '') AS first_by_name,
       COALESCE(trim(g.first_name || ' ' || g.last_name), '') AS second_by_name,
       COALESCE(trim(j.first_name || ' ' || j.last_name), '') AS rejected_name,
       EXISTS (SELECT FROM member m WHERE m.payer_id = r.payer_id AND m.account_id = @actor AND m.role IN ('owner', 'billing')) AS may_buy
FROM refund_request r
JOIN payer p ON p.id = r.payer_id
JOIN subscription s ON s.id = r.subscription_id
JOIN account c ON c.id = s.customer_id
JOIN account a ON a.id = r.asked_by
LEFT JOIN account f ON f.id = r.first_by
LEFT JOIN account g ON g.id = r.second_by
LEFT JOIN account j ON j.id = r.rejected_by `

const refundRequestSQL = refundRequestColumnsSQL + `WHERE r.id = @id`

// RefundRequest returns a request. MayBuy is the actor's.
func (tx *Tx) RefundRequest(ctx context.Context, actor account.ID, id string) (RefundRequestOf, error) {
	r, err := one[refundRequestRow](ctx, tx, "refund request", refundRequestSQL, pgx.NamedArgs{"id": id, "actor": string(actor)})
	return r.of(), err
}

const lockRefundRequestSQL = refundRequestSQL + ` FOR NO KEY UPDATE OF r`

// LockRefundRequest is RefundRequest with the row locked. The payer and the
// subscription are locked before.
func (tx *Tx) LockRefundRequest(ctx context.Context, actor account.ID, id string) (RefundRequestOf, error) {
	r, err := one[refundRequestRow](ctx, tx, "refund request", lockRefundRequestSQL, pgx.NamedArgs{"id": id, "actor": string(actor)})
	return r.of(), err
}

const openRefundRequestSQL = refundRequestColumnsSQL + `WHERE r.subscription_id = @subscription AND r.state IN ('requested', 'approved_once')`

// OpenRefundRequest returns the request of a subscription that waits for a
// decision, or NotFound.
func (tx *Tx) OpenRefundRequest(ctx context.Context, subscriptionID string) (RefundRequestOf, error) {
	r, err := one[refundRequestRow](ctx, tx, "refund request", openRefundRequestSQL, pgx.NamedArgs{"subscription": subscriptionID, "actor": nil})
	return r.of(), err
}

const refundRequestsSQL = refundRequestColumnsSQL + `
ORDER BY r.state IN ('requested', 'approved_once') DESC, CASE WHEN r.decided_at IS NULL THEN r.asked_at END, r.decided_at DESC, r.id
LIMIT 500`

// RefundRequests returns requests for the back office: those that wait, the
// oldest first, then those decided last.
func (tx *Tx) RefundRequests(ctx context.Context, actor account.ID) ([]RefundRequestOf, error) {
	return tx.refundRequests(ctx, refundRequestsSQL, pgx.NamedArgs{"actor": string(actor)})
}

const refundRequestsOfSQL = refundRequestColumnsSQL + `
JOIN member k ON k.payer_id = r.payer_id AND k.account_id = @actor AND k.role IN ('owner', 'billing')
ORDER BY r.asked_at DESC, r.id
LIMIT 100`

// RefundRequestsOf returns the requests of the payers that the actor buys for,
// newest first.
func (tx *Tx) RefundRequestsOf(ctx context.Context, actor account.ID) ([]RefundRequestOf, error) {
	return tx.refundRequests(ctx, refundRequestsOfSQL, pgx.NamedArgs{"actor": string(actor)})
}

func (tx *Tx) refundRequests(ctx context.Context, sql string, args pgx.NamedArgs) ([]RefundRequestOf, error) {
	rows, err := list[refundRequestRow](ctx, tx, sql, args)
	out := make([]RefundRequestOf, len(rows))
	for i, r := range rows {
		out[i] = r.of()
	}
	return out, err
}

const saveRefundRequestSQL = `
UPDATE refund_request
SET needs_two = @needs_two, state = @state, first_by = @first_by, first_at = @first_at, second_by = @second_by, rejected_by = @rejected_by,
    reject_reason = @reject_reason, decided_at = @decided_at, credited_minor = @credited, method_minor = @method
WHERE id = @id`

// SaveRefundRequest stores where a request stands.
func (tx *Tx) SaveRefundRequest(ctx context.Context, r support.RefundRequest) error {
	var credited, method *int64
	if r.State == support.RefundDone {
		c, m := int64(r.Credited), int64(r.ToMethod)
		credited, method = &c, &m
	}
	_, err := exec(ctx, tx, saveRefundRequestSQL, pgx.NamedArgs{
		"id": r.ID, "needs_two": r.NeedsTwo, "state": string(r.State), "first_by": nullable(string(r.FirstBy)), "first_at": instant(r.FirstAt),
		"second_by": nullable(string(r.SecondBy)), "rejected_by": nullable(string(r.RejectedBy)), "reject_reason": r.RejectReason,
		"decided_at": instant(r.DecidedAt), "credited": credited, "method": method,
	})
	return err
}
