package app

import (
	"context"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/store"
)

// maxTelegramID is the largest id: 52 significant bits (Bot API, type User).
const maxTelegramID = 1<<52 - 1

// StaffMember is somebody who may work in the back office.
type StaffMember struct {
	TelegramID account.TelegramID
	Name       string // empty for who has not signed in yet
	Role       account.StaffRole
	AddedAt    time.Time
}

// AddStaff lets a Telegram user work in the back office in a role, in place of
// the one they had. Who has not signed in yet gets an account without a name,
// which the first sign-in fills in.
func (a *App) AddStaff(ctx context.Context, id account.TelegramID, role account.StaffRole, by audit.Actor) error {
	if id < 1 || id > maxTelegramID {
		return fault.New(fault.Invalid, "error.staff.telegram_id")
	}
	if !role.Valid() {
		return fault.New(fault.Invalid, "error.staff.role")
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		person, err := tx.EnsureAccount(ctx, id)
		if err != nil {
			return err
		}
		if err := tx.SaveStaffMember(ctx, person, role, string(by)); err != nil {
			return err
		}
		return tx.AppendAudit(ctx, audit.Record{
			Actor: by, Action: "staff.added", ObjectKind: "account", ObjectID: string(person), Detail: map[string]any{"role": role},
		})
	})
}

// RemoveStaff ends somebody's work in the back office: their next request there
// finds nothing. NotFound for who does not work there.
func (a *App) RemoveStaff(ctx context.Context, id account.TelegramID, by audit.Actor) error {
	return a.db.Update(ctx, func(tx *store.Tx) error {
		person, err := tx.DeleteStaffMember(ctx, id)
		if fault.Is(err, fault.NotFound) {
			return fault.Wrap(fault.NotFound, "error.staff.unknown", err)
		} else if err != nil {
			return err
		}
		return tx.AppendAudit(ctx, audit.Record{Actor: by, Action: "staff.removed", ObjectKind: "account", ObjectID: string(person)})
	})
}

// Staff returns who may work in the back office, the longest-serving first.
func (a *App) Staff(ctx context.Context) ([]StaffMember, error) {
	var members []StaffMember
	err := a.db.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.StaffMembers(ctx)
		for _, r := range rows {
			members = append(members, StaffMember{
				TelegramID: account.TelegramID(r.TelegramID), Role: account.StaffRole(r.Role), AddedAt: r.AddedAt,
				Name: account.Account{FirstName: r.FirstName, LastName: r.LastName}.Name(),
			})
		}
		return err
	})
	return members, err
}

// staffNow fails with NotFound unless the actor works in the back office at this
// moment, whatever the request began with.
func staffNow(ctx context.Context, tx *store.Tx, actor account.Actor) error {
	if actor.AccountID == "" {
		return fault.Missing("staff member")
	}
	role, err := tx.StaffRole(ctx, actor.AccountID)
	if err == nil && role == "" {
		err = fault.Missing("staff member")
	}
	return err
}

// looked notes that a staff member looked at what belongs to payers.
func looked(ctx context.Context, tx *store.Tx, actor account.Actor, kind, id string, payer account.PayerID, detail map[string]any) error {
	return tx.AppendAudit(ctx, audit.Record{
		Actor: audit.ByAccount(actor.AccountID), Action: "staff.viewed", ObjectKind: kind, ObjectID: id, PayerID: payer, Detail: detail,
	})
}
