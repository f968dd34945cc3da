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
	Role   account.StaffRole
	Strays []StrayPayment // money at a provider that belongs to no payment of ours
}

// StrayPayment is a payment in a provider's list that is none of ours, for
// packages that may not see the store.
type StrayPayment = store.StrayPayment

// StaffHome returns what waits. It is figures only, so nobody's data is looked at.
func (a *App) StaffHome(ctx context.Context, actor account.Actor) (StaffHome, error) {
	home := StaffHome{Role: actor.Staff}
	err := a.db.View(ctx, func(tx *store.Tx) error {
		if err := staffNow(ctx, tx, actor); err != nil {
			return err
		}
		var err error
		if home.Waiting, err = tx.Waiting(ctx, alertsSince(tx.Now())); err != nil {
			return err
		}
		home.Strays, err = tx.Strays(ctx)
		return err
	})
	return home, err
}

func alertsSince(now time.Time) time.Time { return now.Add(-StaffAlertDays * 24 * time.Hour) }
