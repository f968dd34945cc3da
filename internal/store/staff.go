package store

import (
	"context"
	"time"

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

// StaffMember is somebody who may work in the back office.
type StaffMember struct {
	TelegramID int64
	FirstName  string
	LastName   string
	Role       string
	AddedAt    time.Time
}

const staffMembersSQL = `
SELECT a.telegram_id, a.first_name, a.last_name, s.role, s.added_at
FROM staff_member s JOIN account a ON a.id = s.account_id ORDER BY s.added_at, a.telegram_id`

// StaffMembers returns everybody who may work in the back office, the
// longest-serving first.
func (tx *Tx) StaffMembers(ctx context.Context) ([]StaffMember, error) {
	return list[StaffMember](ctx, tx, staffMembersSQL, nil)
}

const deleteStaffMemberSQL = `
DELETE FROM staff_member s USING account a WHERE a.id = s.account_id AND a.telegram_id = @telegram_id RETURNING s.account_id`

// DeleteStaffMember takes a Telegram user's role away and returns their account,
// or NotFound where they had none.
func (tx *Tx) DeleteStaffMember(ctx context.Context, id account.TelegramID) (account.ID, error) {
	return value[account.ID](ctx, tx, "staff member", deleteStaffMemberSQL, pgx.NamedArgs{"telegram_id": int64(id)})
}

const ensureAccountSQL = `
INSERT INTO account (telegram_id, first_name, last_name, username, created_at, signed_in_at)
VALUES (@telegram_id, '', '', '', @now, @now)
ON CONFLICT (telegram_id) DO UPDATE SET telegram_id = EXCLUDED.telegram_id
RETURNING id`

// EnsureAccount returns the account of a Telegram user, making one without a
// name for who has not signed in yet.
func (tx *Tx) EnsureAccount(ctx context.Context, id account.TelegramID) (account.ID, error) {
	return value[account.ID](ctx, tx, "account", ensureAccountSQL, pgx.NamedArgs{"telegram_id": int64(id), "now": tx.now})
}
