package app

import (
	"context"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/store"
)

// StaffAlertDays is for how long an alert about a payment counts as waiting.
const StaffAlertDays = 14

// StaffHome is what waits for people of the back office.
type StaffHome struct {
	store.Waiting
	Role account.StaffRole
}

// StaffHome returns what waits. It is figures only, so nobody's data is looked at.
func (a *App) StaffHome(ctx context.Context, actor account.Actor) (StaffHome, error) {
	home := StaffHome{Role: actor.Staff}
	err := a.db.View(ctx, func(tx *store.Tx) error {
		if err := staffNow(ctx, tx, actor); err != nil {
			return err
		}
		var err error
		home.Waiting, err = tx.Waiting(ctx, alertsSince(tx.Now()))
		return err
	})
	return home, err
}

func alertsSince(now time.Time) time.Time { return now.Add(-StaffAlertDays * 24 * time.Hour) }
