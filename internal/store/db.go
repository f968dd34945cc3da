package store

import (
	"context"
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
type Tx struct {
	tx  pgx.Tx
	now time.Time
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
func (db *DB) Update(ctx context.Context, f func(*Tx) error) error {
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
		return f(&Tx{tx: tx, now: db.time()})
	}))
}

// time is now as PostgreSQL keeps it.
func (db *DB) time() time.Time { return db.now().UTC().Truncate(time.Microsecond) }

// one returns the row that a query finds, or NotFound.
func one[T any](ctx context.Context, tx *Tx, what, sql string, args pgx.NamedArgs) (T, error) {
	rows, err := tx.tx.Query(ctx, sql, named(args))
	if err != nil {
		var zero T
		return zero, err
	}
	row, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[T])
	if errors.Is(err, pgx.ErrNoRows) {
		return row, fault.Missing(what)
	}
	return row, err
}

// list returns all rows that a query finds.
func list[T any](ctx context.Context, tx *Tx, sql string, args pgx.NamedArgs) ([]T, error) {
	rows, err := tx.tx.Query(ctx, sql, named(args))
	if err != nil {
		return nil, err
	}
	return collect[T](rows)
}

// value returns the single value that a query finds, or NotFound.
func value[T any](ctx context.Context, tx *Tx, what, sql string, args pgx.NamedArgs) (T, error) {
	rows, err := tx.tx.Query(ctx, sql, named(args))
	if err != nil {
		var zero T
		return zero, err
	}
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	if errors.Is(err, pgx.ErrNoRows) {
		return v, fault.Missing(what)
	}
	return v, err
}

// exec runs a statement and returns how many rows it touched.
func exec(ctx context.Context, tx *Tx, sql string, args pgx.NamedArgs) (int64, error) {
	tag, err := tx.tx.Exec(ctx, sql, named(args))
	return tag.RowsAffected(), err
}
