package app

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/store"
)

// noticePageSize is how many notices a page of the list holds.
const noticePageSize = 30

// NoticePage is a page of notices, newest first.
type NoticePage struct {
	Items  []store.NoticeOf
	Next   string // cursor of the next page; empty on the last one
	Payers int    // how many payers' money the actor manages
}

// Notices returns a page of the notices of the payers whose money the actor
// manages: an accountant reads documents alone, and the customer of a
// subscription who does not pay sees no money. after is the cursor of the page
// before.
func (a *App) Notices(ctx context.Context, actor account.Actor, after string) (NoticePage, error) {
	q := store.NoticeQuery{Limit: noticePageSize + 1}
	if after != "" {
		micros, id, _ := strings.Cut(after, "~")
		n, err := strconv.ParseInt(micros, 10, 64)
		if err != nil || n < 0 || n > maxMicros || !isUUID(id) {
			var fields fault.Fields
			fields.Add("after", "error.cursor_notices", nil)
			return NoticePage{}, fields.Err()
		}
		q.AfterAt, q.AfterID = time.UnixMicro(n), id
	}
	var page NoticePage
	err := a.db.View(ctx, func(tx *store.Tx) error {
		payers, err := tx.PayersOf(ctx, actor.AccountID)
		if err != nil {
			return err
		}
		for _, p := range payers {
			if p.Role.MayBuy() {
				page.Payers++
			}
		}
		page.Items, err = tx.NoticesOf(ctx, actor.AccountID, q)
		return err
	})
	if len(page.Items) > noticePageSize {
		page.Items = page.Items[:noticePageSize]
		last := page.Items[noticePageSize-1]
		page.Next = strconv.FormatInt(last.At.UnixMicro(), 10) + "~" + last.ID
	}
	return page, err
}

// maxMicros is the end of the year 9999, in microseconds of Unix time.
const maxMicros = 253_402_300_799_999_999
