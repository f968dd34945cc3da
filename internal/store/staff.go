package store

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
)

const staffRoleSQL = `SELECT COALESCE((SELECT role FROM staff_member WHERE account_id = @account), '')`

// StaffRole returns what an account may do in the back office; empty for
// nothing.
func (tx *Tx) StaffRole(ctx context.Context, id account.ID) (account.StaffRole, error) {
	role, err := value[string](ctx, tx, "staff member", staffRoleSQL, pgx.NamedArgs{"account": string(id)})
	return account.StaffRole(role), err
}

const saveStaffMemberSQL = `
INSERT INTO staff_member (account_id, role, added_at, added_by) VALUES (@account, @role, @now, @by)
ON CONFLICT (account_id) DO UPDATE SET role = EXCLUDED.role, added_at = EXCLUDED.added_at, added_by = EXCLUDED.added_by`

// SaveStaffMember gives an account a role in the back office, in place of the
// one it had. by is as in the audit log.
func (tx *Tx) SaveStaffMember(ctx context.Context, id account.ID, role account.StaffRole, by string) error {
	_, err := exec(ctx, tx, saveStaffMemberSQL, pgx.NamedArgs{"account": string(id), "role": string(role), "now": tx.now, "by": by})
	return err
}
