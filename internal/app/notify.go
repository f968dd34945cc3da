package app

import (
	"context"

	"github.com/siptg/portal/internal/notice"
	"github.com/siptg/portal/internal/store"
)

// notify tells the people of a payer something, in the transaction of what it
// tells of. Telling the same thing again does nothing.
func (a *App) notify(ctx context.Context, tx *store.Tx, n notice.Notice) error {
	_, err := tx.InsertNotice(ctx, n)
	return err
}
