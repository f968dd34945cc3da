package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/siptg/portal/migrations"
)

const (
	lockMigrationSQL   = `SELECT pg_advisory_lock(@key)`
	unlockMigrationSQL = `SELECT pg_advisory_unlock(@key)`
)

// migrationLockKey is the session advisory lock that migrating programs hold.
// Its only demand is that nothing else in the database takes the same key.
const migrationLockKey int64 = 0x73697074676d6967

// Migrate brings the database that dsn names to the schema of this build: our
// own migrations by goose, then River's job tables. Running it again changes
// nothing. Programs that start together wait for one another, because goose
// guards only its own table and River guards none.
//
// Errors are for the log: none of them is a mistake that a person on a page
// could correct.
func Migrate(ctx context.Context, dsn string) (err error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	// One connection holds the lock while the others work.
	config.MaxConns = 4
	config.MinConns = 0
	// A migration may rightly take longer than a page may.
	config.ConnConfig.RuntimeParams["statement_timeout"] = "0"
	config.ConnConfig.RuntimeParams["lock_timeout"] = "0"
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	defer pool.Close()

	unlock, err := lockMigration(ctx, pool)
	if err != nil {
		return fmt.Errorf("migrate: lock: %w", err)
	}
	defer func() { err = errors.Join(err, unlock()) }()

	if err := migrateOwn(ctx, pool); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if err := migrateRiver(ctx, pool); err != nil {
		return fmt.Errorf("migrate: river: %w", err)
	}
	return nil
}

func lockMigration(ctx context.Context, pool *pgxpool.Pool) (unlock func() error, err error) {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	key := pgx.NamedArgs{"key": migrationLockKey}
	if _, err := conn.Exec(ctx, lockMigrationSQL, key); err != nil {
		conn.Release()
		return nil, err
	}
	return func() error {
		defer conn.Release()
		// The lock must also go when ctx has ended; closing the pool would
		// release it too, but only after the server has noticed.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_, err := conn.Exec(ctx, unlockMigrationSQL, key)
		return err
	}, nil
}

func migrateOwn(ctx context.Context, pool *pgxpool.Pool) error {
	db := stdlib.OpenDBFromPool(pool)
	defer db.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, migrations.FS,
		goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

func migrateRiver(ctx context.Context, pool *pgxpool.Pool) error {
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), nil)
	if err != nil {
		return err
	}
	_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}
