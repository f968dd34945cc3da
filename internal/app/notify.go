package app

import (
	"context"

	"github.com/siptg/portal/internal/notice"
	"github.com/siptg/portal/internal/store"
)

// notify tells the people of a payer something, in the transaction of what it
// tells of: the notice, its deliveries, and the job that sends them are there
// when that is committed, and only then. Telling the same thing again does
// nothing. It waits for no answer: what the database refuses shows with the
// transaction's next statement.
func (a *App) notify(_ context.Context, tx *store.Tx, n notice.Notice) error {
	skip := ""
	if a.demo {
		skip = notice.SkipDemo
	}
	tx.InsertNotice(n, skip, a.queue.NoticeJob())
	return nil
}
