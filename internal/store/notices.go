package store

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/notice"
)

const insertNoticeSQL = `
INSERT INTO notice (key, kind, payer_id, subscription_id, order_number, facts, at)
VALUES (@key, @kind, @payer, @subscription, @order_number, @facts, @now)
ON CONFLICT (key) DO NOTHING`

// InsertNotice writes a notice and reports whether it is told for the first time.
func (tx *Tx) InsertNotice(ctx context.Context, n notice.Notice) (isNew bool, err error) {
	rows, err := exec(ctx, tx, insertNoticeSQL, pgx.NamedArgs{
		"key": n.Key, "kind": string(n.Kind), "payer": string(n.PayerID), "subscription": nullable(n.SubscriptionID),
		"order_number": n.OrderNumber, "facts": n.Facts, "now": tx.now,
	})
	return rows == 1, err
}
