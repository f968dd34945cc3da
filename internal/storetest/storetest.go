package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/siptg/portal/internal/embeddedpg"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/migrations"
)

// keptTemplates is how many states of the migrations stay ready to copy.
const keptTemplates = 16

// setupLock is the advisory lock, in the maintenance database, under which
// templates are made and remains are cleared away.
const setupLock int64 = 0x73746573

// Database makes a database with the current schema and returns how to connect
// to it. It belongs to the test alone and is dropped when the test ends.
func Database(t testing.TB) (dsn string) {
	t.Helper()
	s, err := shared()
	if errors.Is(err, embeddedpg.ErrNoBinaries) && os.Getenv("PORTAL_TEST_REQUIRE") != "1" {
		t.Skipf("SKIPPED, NOT TESTED: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	dsn, drop, err := s.copyTemplate(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := drop(context.Background()); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	return dsn
}

// Pool is Database with connections to it, which are closed when the test ends.
func Pool(t testing.TB) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(Database(t))
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = 8 // many tests run at once on one server
	// A test that deadlocks says so instead of running into the timeout of go test.
	config.ConnConfig.RuntimeParams["lock_timeout"] = "10s"
	config.ConnConfig.RuntimeParams["statement_timeout"] = "30s"
	config.ConnConfig.RuntimeParams["timezone"] = "UTC"
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// schemaHeader stands above the dump.
const schemaHeader = "-- The schema that the migrations make. Written by `make schema`; do not edit.\n\n"

// Schema is what migrations/schema.sql has to hold: a dump of the schema that
// the migrations make, River's tables included.
func Schema(ctx context.Context) (string, error) {
	s, err := shared()
	if err != nil {
		return "", err
	}
	dsn, drop, err := s.copyTemplate(ctx)
	if err != nil {
		return "", err
	}
	dump, err := embeddedpg.DumpSchema(ctx, dsn)
	if err := errors.Join(err, drop(context.WithoutCancel(ctx))); err != nil {
		return "", err
	}
	return schemaHeader + dump, nil
}

// Options is where the tests' server of this user lives. TMPDIR moves it.
func Options() embeddedpg.Options {
	return embeddedpg.Options{
		DataDir: filepath.Join(os.TempDir(), "portal-test-postgres-"+strconv.Itoa(os.Geteuid())),
		Settings: map[string]string{
			// Nothing here outlives a test, so nothing needs to reach the disk;
			// tests of crashes run a server of their own with fsync on.
			"fsync":              "off",
			"synchronous_commit": "off",
			"full_page_writes":   "off",
			"max_connections":    "200", // several test processes at once
			"autovacuum":         "off", // tables live for seconds
			"max_wal_size":       "2GB",
		},
	}
}

// server is the PostgreSQL of this test process.
type server struct {
	template string
	admin    *pgxpool.Pool // the maintenance database
	dsn      func(database string) string
}

// shared connects once per test process.
var shared = sync.OnceValues(func() (*server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	s, err := connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("storetest: %w", err)
	}
	if err := s.setUp(ctx); err != nil {
		return nil, fmt.Errorf("storetest: %w", err)
	}
	return s, nil
})

func connect(ctx context.Context) (*server, error) {
	s := &server{}
	maintenance := ""
	if given := os.Getenv("TEST_DATABASE_URL"); given != "" {
		u, err := url.Parse(given)
		if err != nil {
			return nil, errors.New("TEST_DATABASE_URL is not a postgres:// address")
		}
		s.dsn = func(database string) string {
			copied := *u
			copied.Path = "/" + database
			return copied.String()
		}
		maintenance = given
	} else {
		// The server is never stopped from here: the process ends without a
		// moment that comes after the last test, and the next one uses it.
		cluster, err := embeddedpg.Start(ctx, Options())
		if err != nil {
			return nil, err
		}
		s.dsn = cluster.DSN
		maintenance = cluster.DSN(embeddedpg.Database)
	}
	config, err := pgxpool.ParseConfig(maintenance)
	if err != nil {
		return nil, err
	}
	config.MaxConns = 4
	s.admin, err = pgxpool.NewWithConfig(ctx, config)
	return s, err
}

// setUp makes sure of the template.
func (s *server) setUp(ctx context.Context) error {
	version, err := schemaVersion()
	if err != nil {
		return err
	}
	s.template = "template_" + version
	conn, err := s.admin.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, setupLock); err != nil {
		return err
	}
	defer func() {
		_, _ = conn.Exec(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, setupLock)
	}()
	if err := clearRemains(ctx, conn.Conn(), s.template); err != nil {
		return err
	}
	var ready bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)`, s.template).Scan(&ready); err != nil || ready {
		return err
	}
	// Made under another name: a template with its own name is a whole one.
	unfinished := fmt.Sprintf("test_%d_template", os.Getpid())
	if err := s.exec(ctx, conn.Conn(), `CREATE DATABASE %s`, unfinished); err != nil {
		return err
	}
	if err := store.Migrate(ctx, s.dsn(unfinished)); err != nil {
		return errors.Join(err, s.exec(ctx, conn.Conn(), `DROP DATABASE %s WITH (FORCE)`, unfinished))
	}
	// A database with a session in it cannot be copied, so nobody gets in.
	if err := s.exec(ctx, conn.Conn(), `ALTER DATABASE %s WITH ALLOW_CONNECTIONS false`, unfinished); err != nil {
		return err
	}
	return s.exec(ctx, conn.Conn(), `ALTER DATABASE %s RENAME TO %s`, unfinished, s.template)
}

// copyTemplate makes a database and returns its connection string and how to
// drop it. A run of hours may outlive its template, where many others are made
// meanwhile; then it is made again.
func (s *server) copyTemplate(ctx context.Context) (dsn string, drop func(context.Context) error, err error) {
	dsn, drop, err = s.tryCopy(ctx)
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok && refused.Code == noSuchDatabase {
		if err := s.setUp(ctx); err != nil {
			return "", nil, err
		}
		return s.tryCopy(ctx)
	}
	return dsn, drop, err
}

const noSuchDatabase = "3D000"

func (s *server) tryCopy(ctx context.Context) (dsn string, drop func(context.Context) error, err error) {
	name := fmt.Sprintf("test_%d_%d", os.Getpid(), copies.Add(1))
	conn, err := s.admin.Acquire(ctx)
	if err != nil {
		return "", nil, fmt.Errorf("storetest: %w", err)
	}
	defer conn.Release()
	// Copying files instead of writing the copy to the log costs two checkpoints,
	// which are nearly free where nothing is synced to disk; it takes half the time.
	if err := s.exec(ctx, conn.Conn(), `CREATE DATABASE %s TEMPLATE %s STRATEGY FILE_COPY`, name, s.template); err != nil {
		return "", nil, fmt.Errorf("storetest: %w", err)
	}
	return s.dsn(name), func(ctx context.Context) error {
		conn, err := s.admin.Acquire(ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
		return s.exec(ctx, conn.Conn(), `DROP DATABASE IF EXISTS %s WITH (FORCE)`, name)
	}, nil
}

var copies atomic.Int64

// exec runs a statement about databases, whose names cannot be arguments.
func (s *server) exec(ctx context.Context, conn *pgx.Conn, statement string, names ...string) error {
	quoted := make([]any, len(names))
	for i, name := range names {
		quoted[i] = pgx.Identifier{name}.Sanitize()
	}
	_, err := conn.Exec(ctx, fmt.Sprintf(statement, quoted...))
	return err
}

// clearRemains drops the databases of test processes that were killed, and the
// templates of older migrations. On a server that other machines use too,
// process ids say nothing, and nothing is dropped.
func clearRemains(ctx context.Context, conn *pgx.Conn, keep string) error {
	if os.Getenv("TEST_DATABASE_URL") != "" {
		return nil
	}
	rows, err := conn.Query(ctx, `SELECT datname FROM pg_database WHERE datname ~ '^(test|template)_' ORDER BY oid DESC`)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	templates := 0
	for _, name := range names {
		if strings.HasPrefix(name, "template_") {
			if templates++; name == keep || templates <= keptTemplates {
				continue
			}
		} else {
			_, rest, _ := strings.Cut(name, "_")
			number, _, _ := strings.Cut(rest, "_")
			pid, err := strconv.Atoi(number)
			if err == nil && pid != os.Getpid() && !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
				continue
			}
		}
		// One that is being copied or used at this moment stays for next time.
		_, _ = conn.Exec(ctx, fmt.Sprintf(`DROP DATABASE IF EXISTS %s`, pgx.Identifier{name}.Sanitize()))
	}
	return nil
}

// schemaVersion names the state of all migrations: ours by content, River's by
// the version of the library that brings them.
func schemaVersion() (string, error) {
	sum := sha256.New()
	names, err := fs.Glob(migrations.FS, "*.sql")
	if err != nil {
		return "", err
	}
	for _, name := range names {
		text, err := fs.ReadFile(migrations.FS, name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "%s %d\n", name, len(text))
		sum.Write(text)
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if strings.HasPrefix(module.Path, "github.com/riverqueue/river") || strings.HasPrefix(module.Path, "github.com/pressly/goose") {
				fmt.Fprintf(sum, "%s %s\n", module.Path, module.Version)
			}
		}
	}
	return hex.EncodeToString(sum.Sum(nil))[:16], nil
}
