package app

import (
	"context"
	"strconv"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/store"
)

// viewPageSize is how many views a page of the log holds.
const viewPageSize = 50

// noteView writes down that an accountant looks at a document, before they see
// it. Owners read their own documents, so theirs is not noted.
func (a *App) noteView(ctx context.Context, actor account.Actor, d store.ReadDocument, number, format string) error {
	if d.Role != account.RoleAccountant {
		return nil
	}
	return a.db.Note(ctx, func(tx *store.Tx) error {
		return tx.AppendView(ctx, actor.AccountID, d.PayerID, d.Kind, number, format)
	})
}

// ViewLog is a page of what accountants looked at, newest first.
type ViewLog struct {
	Payer  store.PayerOf
	Payers []store.PayerOf // those that the actor owns
	Items  []store.DocumentView
	Next   string // cursor of the next page; empty on the last one
}

// ViewLog returns a page of what accountants looked at of one of the payers that
// the actor owns. Forbidden for members who are no owner; a payer of others is
// NotFound.
func (a *App) ViewLog(ctx context.Context, actor account.Actor, id account.PayerID, after string) (ViewLog, error) {
	var (
		l      ViewLog
		before int64
	)
	if after != "" {
		var err error
		if before, err = strconv.ParseInt(after, 10, 64); err != nil || before < 1 {
			return ViewLog{}, mistakeAt("after", "error.cursor", nil)
		}
	}
	err := a.db.View(ctx, func(tx *store.Tx) error {
		var err error
		owns := func(r account.Role) bool { return r == account.RoleOwner }
		if l.Payer, l.Payers, err = payerFor(ctx, tx, actor, id, owns, "error.payer.owner"); err != nil {
			return err
		}
		l.Items, err = tx.ViewsOf(ctx, l.Payer.ID, before, viewPageSize+1)
		return err
	})
	if len(l.Items) > viewPageSize {
		l.Items = l.Items[:viewPageSize]
		l.Next = strconv.FormatInt(l.Items[viewPageSize-1].ID, 10)
	}
	return l, err
}

// AsReader is a context for what is done for somebody who only reads: whatever
// would write for them is Forbidden.
func AsReader(ctx context.Context) context.Context { return store.AsReader(ctx) }
