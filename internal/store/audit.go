package store

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/audit"
)

const appendAuditSQL = `
INSERT INTO audit (at, actor, action, object_kind, object_id, payer_id, detail)
VALUES (@now, @actor, @action, @object_kind, @object_id, @payer, @detail)`

// AppendAudit writes a line of the audit log in the transaction of the change.
func (tx *Tx) AppendAudit(ctx context.Context, r audit.Record) error {
	detail := r.Detail
	if detail == nil {
		detail = map[string]any{}
	}
	tx.later(appendAuditSQL, pgx.NamedArgs{
		"now": tx.now, "actor": string(r.Actor), "action": r.Action, "object_kind": r.ObjectKind, "object_id": r.ObjectID,
		"payer": nullable(string(r.PayerID)), "detail": detail,
	})
	return nil
}
