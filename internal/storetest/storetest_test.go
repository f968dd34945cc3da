package storetest

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/siptg/portal/internal/embeddedpg"
	"github.com/siptg/portal/internal/store"
)

func TestDatabasesAreMigratedAndApart(t *testing.T) {
	t.Parallel()
	a, b := Pool(t), Pool(t)
	for _, table := range []string{"account", "river_job", "goose_db_version"} {
		var n int
		if err := a.QueryRow(t.Context(), `SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename = $1`, table).Scan(&n); err != nil || n != 1 {
			t.Errorf("table %s: found %d (%v), want 1", table, n, err)
		}
	}
	if _, err := a.Exec(t.Context(), `CREATE TABLE only_here ()`); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := b.QueryRow(t.Context(), `SELECT count(*) FROM pg_tables WHERE tablename = 'only_here'`).Scan(&n); err != nil || n != 0 {
		t.Errorf("the other database sees %d tables of this one (%v)", n, err)
	}
}

func TestSchemaFileIsWhatTheMigrationsMake(t *testing.T) {
	t.Parallel()
	Database(t) // skips where there is no PostgreSQL
	want, err := Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../migrations/schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("migrations/schema.sql is out of date, run `make schema` (-migrations +file):\n%s", diff)
	}
}

func TestMigratingAgainChangesNothing(t *testing.T) {
	t.Parallel()
	dsn := Database(t)
	before, err := embeddedpg.DumpSchema(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	// Two programs that start at once.
	results := make(chan error)
	for range 2 {
		go func() { results <- store.Migrate(t.Context(), dsn) }()
	}
	for range 2 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	after, err := embeddedpg.DumpSchema(t.Context(), dsn)
	if diff := cmp.Diff(before, after); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestProgramsThatMigrateAnEmptyDatabaseAtOnceWaitForOneAnother(t *testing.T) {
	t.Parallel()
	Database(t) // skips where there is no PostgreSQL
	s, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("test_%d_empty", os.Getpid())
	conn, err := s.admin.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = s.exec(t.Context(), conn.Conn(), `CREATE DATABASE %s`, name)
	conn.Release()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn, err := s.admin.Acquire(context.Background())
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Release()
		if err := s.exec(context.Background(), conn.Conn(), `DROP DATABASE %s WITH (FORCE)`, name); err != nil {
			t.Error(err)
		}
	})
	const programs = 3
	results := make(chan error)
	for range programs {
		go func() { results <- store.Migrate(t.Context(), s.dsn(name)) }()
	}
	for range programs {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}
