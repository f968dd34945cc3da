package store

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/notice"
)

// Job is how the job library knows a kind of job.
type Job struct {
	Kind        string
	Queue       string
	MaxAttempts int
}

const enqueueSQL = `INSERT INTO river_job (kind, queue, max_attempts, args) VALUES (@kind, @queue, @attempts, @args)`

// Enqueue enqueues a job with its arguments, without asking anything.
func (tx *Tx) Enqueue(job Job, args any) {
	tx.later(enqueueSQL, pgx.NamedArgs{"kind": job.Kind, "queue": job.Queue, "attempts": job.MaxAttempts, "args": args})
}

// Renewals write a hundred thousand of these in a row. So all of it is one
// statement, whose answer nobody waits for; the job library, whose client would
// ask several questions to enqueue, is content with a row in its table.
const insertNoticeSQL = `
WITH told AS (
    INSERT INTO notice (key, kind, payer_id, subscription_id, order_number, facts, at)
    VALUES (@key, @kind, @payer, @subscription, @order_number, @facts, @now)
    ON CONFLICT (key) DO NOTHING
    RETURNING id
), deliveries AS (
    INSERT INTO notice_delivery (notice_id, channel, recipient, state, last_error, next_try_at)
    SELECT r.id, r.channel, r.recipient, CASE WHEN @skip::text = '' THEN 'pending' ELSE 'skipped' END, @skip,
           CASE WHEN @skip = '' THEN @now::timestamptz END
    FROM (SELECT t.id, 'telegram' AS channel, a.telegram_id::text AS recipient
          FROM told t CROSS JOIN member m JOIN account a ON a.id = m.account_id
          WHERE m.payer_id = @payer::uuid AND m.role IN ('owner', 'billing')
          UNION ALL
          SELECT t.id, 'email', p.email FROM told t CROSS JOIN payer p WHERE p.id = @payer::uuid AND p.email <> '') r
    RETURNING state
)
INSERT INTO river_job (kind, queue, max_attempts, args)
SELECT @job_kind, @job_queue, @job_attempts, jsonb_build_object('notice_id', t.id)
FROM told t
WHERE EXISTS (SELECT FROM deliveries d WHERE d.state = 'pending')`

// InsertNotice writes a notice that was not written before, with a delivery to
// each owner and billing member of the payer by Telegram, and to the payer's
// billing address, and enqueues the job that sends them. skip is why none is
// sent, or empty.
func (tx *Tx) InsertNotice(n notice.Notice, skip string, job Job) {
	tx.later(insertNoticeSQL, pgx.NamedArgs{
		"key": n.Key, "kind": string(n.Kind), "payer": string(n.PayerID), "subscription": nullable(n.SubscriptionID),
		"order_number": n.OrderNumber, "facts": n.Facts, "now": tx.now, "skip": skip,
		"job_kind": job.Kind, "job_queue": job.Queue, "job_attempts": job.MaxAttempts,
	})
}

type noticeRow struct {
	ID             string
	Key            string
	Kind           string
	PayerID        string
	SubscriptionID string
	OrderNumber    string
	Facts          []byte
	At             time.Time
}

func (r noticeRow) notice() (notice.Notice, error) {
	n := notice.Notice{
		Key: r.Key, Kind: notice.Kind(r.Kind), PayerID: account.PayerID(r.PayerID), SubscriptionID: r.SubscriptionID, OrderNumber: r.OrderNumber,
	}
	return n, json.Unmarshal(r.Facts, &n.Facts)
}

const noticeSQL = `
SELECT id, key, kind, payer_id, COALESCE(subscription_id::text, '') AS subscription_id, order_number, facts, at
FROM notice WHERE id = @id`

// Notice returns a notice and when it was written.
func (tx *Tx) Notice(ctx context.Context, id string) (notice.Notice, time.Time, error) {
	r, err := one[noticeRow](ctx, tx, "notice", noticeSQL, pgx.NamedArgs{"id": id})
	if err != nil {
		return notice.Notice{}, time.Time{}, err
	}
	n, err := r.notice()
	return n, r.At, err
}

// NoticeReader is who a delivery is for.
type NoticeReader struct {
	Language  string
	TimeZone  string // empty for the seller's
	PayerName string
	MayRead   bool // still manages the payer's money
}

const claimDeliverySQL = `
WITH claimed AS (
    UPDATE notice_delivery SET attempts = attempts + 1, next_try_at = @until
    WHERE id = (SELECT id FROM notice_delivery
                WHERE notice_id = @notice AND state = 'pending' AND next_try_at <= @now
                ORDER BY channel DESC, recipient
                LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id, notice_id, channel, recipient, attempts, next_try_at
)
SELECT c.id, c.channel, c.recipient, c.attempts, c.next_try_at, p.name AS payer_name,
       COALESCE(a.language, p.language) AS language, COALESCE(a.time_zone, '') AS time_zone,
       c.channel = 'email' OR EXISTS (SELECT FROM member m WHERE m.payer_id = p.id AND m.account_id = a.id AND m.role IN ('owner', 'billing')) AS may_read
FROM claimed c
JOIN notice n ON n.id = c.notice_id
JOIN payer p ON p.id = n.payer_id
LEFT JOIN account a ON a.telegram_id = CASE WHEN c.channel = 'telegram' THEN c.recipient::bigint END`

// ClaimDelivery takes a delivery of a notice that is due, so that nobody else
// sends it for notice.DeliveryLease; NotFound where none is.
func (tx *Tx) ClaimDelivery(ctx context.Context, noticeID string) (notice.Delivery, NoticeReader, error) {
	r, err := one[struct {
		ID        string
		Channel   string
		Recipient string
		Attempts  int
		NextTryAt time.Time
		PayerName string
		Language  string
		TimeZone  string
		MayRead   bool
	}](ctx, tx, "delivery", claimDeliverySQL, pgx.NamedArgs{"notice": noticeID, "now": tx.now, "until": tx.now.Add(notice.DeliveryLease)})
	return notice.Delivery{
		ID: r.ID, Channel: notice.Channel(r.Channel), Recipient: r.Recipient, State: notice.Pending, Attempts: r.Attempts, NextTry: r.NextTryAt,
	}, NoticeReader{Language: r.Language, TimeZone: r.TimeZone, PayerName: r.PayerName, MayRead: r.MayRead}, err
}

const saveDeliverySQL = `
UPDATE notice_delivery
   SET state = @state, attempts = @attempts, last_error = @error, next_try_at = @next_try_at, sent_at = @sent_at
WHERE id = @id AND state = 'pending'`

// SaveDelivery stores how an attempt ended, unless another one has ended it
// meanwhile.
func (tx *Tx) SaveDelivery(ctx context.Context, d notice.Delivery) error {
	_, err := exec(ctx, tx, saveDeliverySQL, pgx.NamedArgs{
		"id": d.ID, "state": string(d.State), "attempts": d.Attempts, "error": d.Why,
		"next_try_at": instant(d.NextTry), "sent_at": instant(d.SentAt),
	})
	return err
}

const nextDeliverySQL = `
SELECT next_try_at FROM notice_delivery WHERE notice_id = @notice AND state = 'pending' ORDER BY next_try_at LIMIT 1`

// NextDelivery returns when a delivery of a notice is due, or NotFound where
// none is pending.
func (tx *Tx) NextDelivery(ctx context.Context, noticeID string) (time.Time, error) {
	return value[time.Time](ctx, tx, "delivery", nextDeliverySQL, pgx.NamedArgs{"notice": noticeID})
}

const undeliveredSQL = `
SELECT notice_id FROM notice_delivery WHERE state = 'pending' AND next_try_at < @before
GROUP BY notice_id ORDER BY min(next_try_at) LIMIT 500`

// Undelivered returns notices with deliveries that were due before an instant,
// longest waiting first, up to 500.
func (tx *Tx) Undelivered(ctx context.Context, before time.Time) ([]string, error) {
	rows, err := list[struct{ NoticeID string }](ctx, tx, undeliveredSQL, pgx.NamedArgs{"before": before})
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.NoticeID
	}
	return ids, err
}

// NoticeQuery is a page of the notices that an account may read.
type NoticeQuery struct {
	AfterAt time.Time // keyset: notices older than this one; zero for the newest
	AfterID string
	Limit   int
}

// NoticeOf is a notice in a list.
type NoticeOf struct {
	notice.Notice
	ID         string
	At         time.Time
	PayerName  string
	Deliveries []notice.Delivery // state, channel and reason alone; no two alike
}

// As listInvoicesSQL: one page of each payer by its index, then the newest.
const noticesOfSQL = `
SELECT x.id, x.key, x.kind, x.payer_id, x.subscription_id, x.order_number, x.facts, x.at, p.name AS payer_name,
       ARRAY(SELECT DISTINCT d.channel || ' ' || d.state || ' ' || CASE WHEN d.state = 'skipped' THEN d.last_error ELSE '' END
             FROM notice_delivery d WHERE d.notice_id = x.id
             ORDER BY 1) AS deliveries
FROM member m
JOIN payer p ON p.id = m.payer_id
CROSS JOIN LATERAL (
    SELECT n.id, n.key, n.kind, n.payer_id, COALESCE(n.subscription_id::text, '') AS subscription_id, n.order_number, n.facts, n.at
    FROM notice n
    WHERE n.payer_id = m.payer_id AND n.at <= COALESCE(@after_at::timestamptz, 'infinity')
      AND (@after_at IS NULL OR (n.at, n.id) < (@after_at, @after_id::uuid))
    ORDER BY n.at DESC, n.id DESC
    LIMIT @limit) x
WHERE m.account_id = @actor AND m.role IN ('owner', 'billing')
ORDER BY x.at DESC, x.id DESC
LIMIT @limit`

// NoticesOf returns notices of the payers whose money an account manages,
// newest first.
func (tx *Tx) NoticesOf(ctx context.Context, actor account.ID, q NoticeQuery) ([]NoticeOf, error) {
	rows, err := list[struct {
		noticeRow
		PayerName  string
		Deliveries []string
	}](ctx, tx, noticesOfSQL, pgx.NamedArgs{
		"actor": string(actor), "after_at": instant(q.AfterAt), "after_id": nullable(q.AfterID), "limit": q.Limit,
	})
	if err != nil {
		return nil, err
	}
	out := make([]NoticeOf, len(rows))
	for i, r := range rows {
		n, err := r.notice()
		if err != nil {
			return nil, fault.Wrap(fault.Internal, "", err)
		}
		out[i] = NoticeOf{Notice: n, ID: r.ID, At: r.At, PayerName: r.PayerName, Deliveries: deliveriesOf(r.Deliveries)}
	}
	return out, nil
}

// deliveriesOf reads "channel state reason".
func deliveriesOf(texts []string) []notice.Delivery {
	out := make([]notice.Delivery, len(texts))
	for i, text := range texts {
		channel, rest, _ := strings.Cut(text, " ")
		state, why, _ := strings.Cut(rest, " ")
		out[i] = notice.Delivery{Channel: notice.Channel(channel), State: notice.DeliveryState(state), Why: why}
	}
	return out
}
