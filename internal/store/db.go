package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/siptg/portal/internal/fault"
)

// DB is the PostgreSQL database of the portal.
type DB struct {
	pool   *pgxpool.Pool
	reader *pgxpool.Pool // for what pages read: each transaction is a snapshot and cannot write
	now    func() time.Time
}

// Open connects to the database at dsn. now is the clock that every transaction
// takes its time from. The caller closes the DB.
func Open(ctx context.Context, dsn string, now func() time.Time) (*DB, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("store: DATABASE_URL cannot be read: %w", redact(err))
	}
	// Limits of security.md 5: nothing waits for ever.
	for name, value := range map[string]string{
		"application_name":                    "portal",
		"timezone":                            "UTC",
		"statement_timeout":                   "5s",
		"lock_timeout":                        "2s",
		"idle_in_transaction_session_timeout": "10s",
	} {
		if _, set := config.ConnConfig.RuntimeParams[name]; !set {
			config.ConnConfig.RuntimeParams[name] = value
		}
	}
	reading := config.Copy()
	reading.ConnConfig.RuntimeParams["default_transaction_isolation"] = "repeatable read"
	reading.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	db := &DB{now: now}
	if db.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, fmt.Errorf("store: %w", redact(err))
	}
	if db.reader, err = pgxpool.NewWithConfig(ctx, reading); err != nil {
		db.pool.Close()
		return nil, fmt.Errorf("store: %w", redact(err))
	}
	if err := db.pool.Ping(ctx); err != nil {
		db.Close()
		return nil, fmt.Errorf("store: the database does not answer: %w", redact(err))
	}
	return db, nil
}

// OnClock returns the same database under another clock. Closing the original
// closes both.
func (db *DB) OnClock(now func() time.Time) *DB {
	return &DB{pool: db.pool, reader: db.reader, now: now}
}

// redact drops what pgx quotes of the connection string.
func redact(err error) error {
	if parse, ok := errors.AsType[*pgconn.ParseConfigError](err); ok {
		return errors.New(parse.Error())
	}
	return err
}

// Close ends all connections.
func (db *DB) Close() {
	db.reader.Close()
	db.pool.Close()
}

// Pool gives the job library, which speaks pgx itself, its connections.
func (db *DB) Pool() *pgxpool.Pool { return db.pool }

// Ping reports whether the database answers.
func (db *DB) Ping(ctx context.Context) error { return mapError(db.pool.Ping(ctx)) }

// Tx is a transaction. Every query is a method on it.
//
// Statements whose result nobody needs wait and go out together with the next
// one whose result somebody does, or with the commit: a renewal is a quarter of
// the round trips so. An error of theirs comes with that one; the transaction
// has failed either way.
type Tx struct {
	tx      pgx.Tx
	now     time.Time
	waiting *pgx.Batch
}

// Now is the instant at which the transaction began, in whole microseconds, as
// PostgreSQL keeps them.
func (tx *Tx) Now() time.Time { return tx.now }

// PGX gives the job library the transaction to enqueue in.
func (tx *Tx) PGX() pgx.Tx { return tx.tx }

// View runs f in a read-only snapshot of the whole database.
func (db *DB) View(ctx context.Context, f func(*Tx) error) error {
	return db.run(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, f)
}

// Update runs f in a read-write transaction and commits it. It runs f again, up
// to three times in all, when PostgreSQL broke a deadlock or could not
// serialise; f must have no effects outside the transaction.
//
// For a context of AsReader it is Forbidden and f is not run.
func (db *DB) Update(ctx context.Context, f func(*Tx) error) error {
	if only, _ := ctx.Value(readerKey{}).(bool); only {
		return fault.New(fault.Forbidden, "error.read_only")
	}
	return db.Note(ctx, f)
}

type readerKey struct{}

// AsReader is a context for what is done in the name of somebody who only reads:
// Update refuses to work in it. It is the one place that all use cases pass which
// write.
func AsReader(ctx context.Context) context.Context { return context.WithValue(ctx, readerKey{}, true) }

// Note is Update for what also somebody who only reads may cause: to note that
// they read, to keep a file that was drawn for them, to change or end their own
// session.
func (db *DB) Note(ctx context.Context, f func(*Tx) error) error {
	var err error
	for range 3 {
		err = db.run(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, f)
		if pg, ok := errors.AsType[*pgconn.PgError](err); !ok || (pg.Code != "40001" && pg.Code != "40P01") {
			return err
		}
	}
	return err
}

func (db *DB) run(ctx context.Context, options pgx.TxOptions, f func(*Tx) error) error {
	return mapError(pgx.BeginTxFunc(ctx, db.pool, options, func(tx pgx.Tx) error {
		t := &Tx{tx: tx, now: db.time()}
		if err := f(t); err != nil {
			return err
		}
		return t.flush(ctx)
	}))
}

// time is now as PostgreSQL keeps it.
func (db *DB) time() time.Time { return db.now().UTC().Truncate(time.Microsecond) }

// query runs a statement, after those that wait, and has its rows read.
func (tx *Tx) query(ctx context.Context, sql string, args pgx.NamedArgs, read func(pgx.Rows) error) error {
	if tx.waiting == nil {
		rows, err := tx.tx.Query(ctx, sql, named(args))
		if err != nil {
			return err
		}
		return read(rows)
	}
	tx.waiting.Queue(sql, named(args)).Query(read)
	return tx.flush(ctx)
}

// later has a statement run before the next query, at the latest before the
// commit.
func (tx *Tx) later(sql string, args pgx.NamedArgs) {
	if tx.waiting == nil {
		tx.waiting = &pgx.Batch{}
	}
	tx.waiting.Queue(sql, named(args))
}

// NewID returns an id (a UUID of version 4) for something that others refer to
// before it is stored.
func NewID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // it never fails, by its documentation
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// ask sends the questions that f puts, after the statements that wait, in one
// round trip. Each sees what was committed when its turn came, as statements that
// are sent one by one do.
func (tx *Tx) ask(ctx context.Context, f func(*Questions)) error {
	q := &Questions{now: tx.now}
	if tx.waiting != nil {
		q.batch, tx.waiting = *tx.waiting, nil
	}
	f(q)
	return tx.tx.SendBatch(ctx, &q.batch).Close()
}

// flush sends the statements that wait.
func (tx *Tx) flush(ctx context.Context) error {
	if tx.waiting == nil {
		return nil
	}
	batch := tx.waiting
	tx.waiting = nil
	return tx.tx.SendBatch(ctx, batch).Close()
}

// one returns the row that a query finds, or NotFound.
func one[T any](ctx context.Context, tx *Tx, what, sql string, args pgx.NamedArgs) (T, error) {
	return single(ctx, tx, what, sql, args, pgx.RowToStructByName[T])
}

// value returns the single value that a query finds, or NotFound.
func value[T any](ctx context.Context, tx *Tx, what, sql string, args pgx.NamedArgs) (T, error) {
	return single(ctx, tx, what, sql, args, pgx.RowTo[T])
}

func single[T any](ctx context.Context, tx *Tx, what, sql string, args pgx.NamedArgs, read pgx.RowToFunc[T]) (T, error) {
	var row T
	found := true
	err := tx.query(ctx, sql, args, func(rows pgx.Rows) error {
		var err error
		row, err = pgx.CollectExactlyOneRow(rows, read)
		if errors.Is(err, pgx.ErrNoRows) {
			found, err = false, nil
		}
		return err
	})
	if err == nil && !found {
		return row, fault.Missing(what)
	}
	return row, err
}

// list returns all rows that a query finds.
func list[T any](ctx context.Context, tx *Tx, sql string, args pgx.NamedArgs) ([]T, error) {
	var all []T
	err := tx.query(ctx, sql, args, func(rows pgx.Rows) error {
		var err error
		all, err = collect[T](rows)
		return err
	})
	return all, err
}

// values returns the first column of all rows that a query finds.
func values[T any](ctx context.Context, tx *Tx, sql string, args pgx.NamedArgs) ([]T, error) {
	var all []T
	err := tx.query(ctx, sql, args, func(rows pgx.Rows) error {
		var err error
		all, err = pgx.CollectRows(rows, pgx.RowTo[T])
		return err
	})
	return all, err
}

// exec runs a statement and returns how many rows it touched.
func exec(ctx context.Context, tx *Tx, sql string, args pgx.NamedArgs) (int64, error) {
	var touched int64
	err := tx.query(ctx, sql, args, func(rows pgx.Rows) error {
		rows.Close()
		touched = rows.CommandTag().RowsAffected()
		return rows.Err()
	})
	return touched, err
}
