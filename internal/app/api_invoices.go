package app

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/store"
)

// Sizes of a page that a program asks for.
const (
	FeedDefault = 100
	FeedMax     = 500
)

// FeedDocument is a tax document as a program gets it.
type FeedDocument struct {
	ID       string // never changes, nor is it used again
	IssuedAt time.Time
	invoice.Document
}

// Feed is a page of what was issued.
type Feed struct {
	Items []FeedDocument
	Next  string // the cursor after the last item; the one asked with where there is none
	More  bool   // there is more than this page
}

// InvoiceFeed returns what was issued to a payer after a cursor, which is empty
// for the beginning: each document once, also those whose transactions end late
// (see store.InvoiceFeed). Documents come by series and number.
//
// Errors: Invalid for a cursor that is none.
func (a *App) InvoiceFeed(ctx context.Context, h KeyHolder, since string, limit int) (Feed, error) {
	after, err := readCursor(since)
	if err != nil {
		return Feed{}, fault.Fields{{Name: "since", Key: "error.api.cursor"}}.Err()
	}
	if limit < 1 || limit > FeedMax {
		return Feed{}, fault.Fields{{Name: "limit", Key: "error.api.limit", Args: fault.Args{"Max": FeedMax}}}.Err()
	}
	var rows []store.FeedRow
	if err := a.db.Ask(ctx, func(q *store.Questions) { q.InvoiceFeed(h.Payer, after, limit+1, &rows) }); err != nil {
		return Feed{}, err
	}
	feed := Feed{More: len(rows) > limit}
	for _, r := range rows[:min(len(rows), limit)] {
		d, err := feedDocument(r)
		if err != nil {
			return Feed{}, err
		}
		after[r.SeriesID] = r.Seq
		feed.Items = append(feed.Items, d)
	}
	feed.Next = writeCursor(after)
	return feed, nil
}

func feedDocument(r store.FeedRow) (FeedDocument, error) {
	d, err := invoice.Unmarshal(r.Content)
	return FeedDocument{ID: r.ID, IssuedAt: r.IssuedAt, Document: d}, err
}

// FeedDocument returns one document of a key's payer, or NotFound.
func (a *App) FeedDocument(ctx context.Context, h KeyHolder, id string) (FeedDocument, error) {
	r, err := a.feedRow(ctx, h, id)
	if err != nil {
		return FeedDocument{}, err
	}
	return feedDocument(r)
}

func (a *App) feedRow(ctx context.Context, h KeyHolder, id string) (store.FeedRow, error) {
	if !isUUID(id) {
		return store.FeedRow{}, fault.Missing("document")
	}
	var rows []store.FeedRow
	err := a.db.Ask(ctx, func(q *store.Questions) { q.InvoiceByID(h.Payer, id, &rows) })
	if err == nil && len(rows) == 0 {
		err = fault.Missing("document")
	}
	if err != nil {
		return store.FeedRow{}, err
	}
	return rows[0], nil
}

// FeedPDF returns the PDF of a document of a key's payer: the bytes that the
// portal serves, as are the others.
func (a *App) FeedPDF(ctx context.Context, h KeyHolder, id string) (File, error) {
	return a.feedFile(ctx, h, id, pdfFormat)
}

// FeedCII returns its e-invoice in the syntax CII.
func (a *App) FeedCII(ctx context.Context, h KeyHolder, id string) (File, error) {
	return a.feedFile(ctx, h, id, ciiFormat)
}

// FeedUBL returns its e-invoice in the syntax UBL.
func (a *App) FeedUBL(ctx context.Context, h KeyHolder, id string) (File, error) {
	return a.feedFile(ctx, h, id, ublFormat)
}

func (a *App) feedFile(ctx context.Context, h KeyHolder, id string, want format) (File, error) {
	r, err := a.feedRow(ctx, h, id)
	if err != nil {
		return File{}, err
	}
	return a.file(ctx, r.Content, want)
}

// maxSeries bounds a cursor: two series a year.
const maxSeries = 200

// readCursor reads what writeCursor wrote: the last number seen of each series.
func readCursor(s string) (map[int64]int64, error) {
	after := map[int64]int64{}
	if s == "" {
		return after, nil
	}
	plain, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(s) > 8000 {
		return nil, fmt.Errorf("app: no cursor: %w", err)
	}
	for pair := range strings.SplitSeq(string(plain), ",") {
		series, seq, _ := strings.Cut(pair, ":")
		id, err1 := strconv.ParseInt(series, 10, 64)
		n, err2 := strconv.ParseInt(seq, 10, 64)
		if _, twice := after[id]; err1 != nil || err2 != nil || id < 1 || n < 1 || twice || len(after) == maxSeries {
			return nil, fmt.Errorf("app: no cursor: %q", pair)
		}
		after[id] = n
	}
	return after, nil
}

func writeCursor(after map[int64]int64) string {
	pairs := make([]string, 0, len(after))
	ids := make([]int64, 0, len(after))
	for id := range after {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		pairs = append(pairs, strconv.FormatInt(id, 10)+":"+strconv.FormatInt(after[id], 10))
	}
	return base64.RawURLEncoding.EncodeToString([]byte(strings.Join(pairs, ",")))
}
