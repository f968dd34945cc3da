package app

import (
	"context"

	"github.com/siptg/portal/internal/notice"
	"github.com/siptg/portal/internal/store"
)

// Tell tells people something in a transaction of its own, which does what it
// tells of by and.
func (a *App) Tell(ctx context.Context, n notice.Notice, and func(*store.Tx) error) error {
	return a.db.Update(ctx, func(tx *store.Tx) error {
		if err := a.notify(ctx, tx, n); err != nil || and == nil {
			return err
		}
		return and(tx)
	})
}

// TellIn is notify.
func (a *App) TellIn(ctx context.Context, tx *store.Tx, n notice.Notice) error {
	return a.notify(ctx, tx, n)
}
