package storetest

import (
	"testing"
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
