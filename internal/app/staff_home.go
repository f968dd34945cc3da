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
	Role      account.StaffRole
	Strays    []StrayPayment // money at a provider that belongs to no payment of ours
	VAT       int            // invoices whose VAT a later answer of the register contradicts
	OldestVAT time.Time      // of those answers
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
		if home.Strays, err = tx.Strays(ctx); err != nil {
			return err
		}
		home.VAT, home.OldestVAT = 0, time.Time{}
		cases, err := tx.VATCases(ctx)
		for _, c := range cases {
			if c.InvoiceNumber == "" {
				continue
			}
			if home.VAT++; home.OldestVAT.IsZero() {
				home.OldestVAT = c.Since
			}
		}
		return err
	})
	return home, err
}

func alertsSince(now time.Time) time.Time { return now.Add(-StaffAlertDays * 24 * time.Hour) }
