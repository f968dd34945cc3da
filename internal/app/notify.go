package app

import (
	"context"

	"github.com/siptg/portal/internal/notice"
	"github.com/siptg/portal/internal/store"
)

// notify tells the people of a payer something, in the transaction of what it
// tells of: the notice, its deliveries, and the job that sends them are there
// when that is committed, and only then. Telling the same thing again does
// nothing.
func (a *App) notify(ctx context.Context, tx *store.Tx, n notice.Notice) error {
	skip := ""
	if a.demo {
		skip = notice.SkipDemo
	}
	id, err := tx.InsertNotice(ctx, n, skip)
	if err != nil || id == "" {
		return err
	}
	return a.queue.DeliverNotice(ctx, tx, id)
}
