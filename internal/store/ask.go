package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Questions are statements that are sent together. Each has its own method, and
// none depends on another's answer.
type Questions struct {
	batch pgx.Batch
	now   time.Time
}

// Now is the instant at which the questions are asked, as Tx.Now.
func (q *Questions) Now() time.Time { return q.now }

// Ask sends the questions that f puts in one round trip and returns when their
// answers are where they were asked to go. Like those of View, they are of one
// snapshot; a page whose statements are known beforehand costs a fraction of
// what View's steps cost (docs/adr/0015-pages-ask-once.md).
func (db *DB) Ask(ctx context.Context, f func(*Questions)) error {
	q := &Questions{now: db.time()}
	f(q)
	// What is sent at once is one transaction to PostgreSQL, and the reader's
	// transactions are read-only snapshots by default.
	return mapError(db.reader.SendBatch(ctx, &q.batch).Close())
}

// ask queues a statement whose rows are the answer at to.
func ask[T any](q *Questions, sql string, args pgx.NamedArgs, to *[]T) {
	q.batch.Queue(sql, named(args)).Query(func(rows pgx.Rows) error {
		var err error
		*to, err = collect[T](rows)
		return err
	})
}

// askAs is ask for rows that become something else.
func askAs[R, T any](q *Questions, sql string, args pgx.NamedArgs, to *[]T, as func(R) T) {
	q.batch.Queue(sql, named(args)).Query(func(rows pgx.Rows) error {
		var err error
		*to, err = collectAs(rows, as)
		return err
	})
}

// askOne is ask for a statement that always has one row.
func askOne[T any](q *Questions, sql string, args pgx.NamedArgs, to *T) {
	q.batch.Queue(sql, named(args)).Query(func(rows pgx.Rows) error {
		var err error
		*to, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[T])
		return err
	})
}
