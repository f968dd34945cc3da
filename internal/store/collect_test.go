package store_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/storetest"
)

func TestCollect(t *testing.T) {
	t.Parallel()
	pool := storetest.Pool(t)
	query := func(sql string) pgx.Rows {
		rows, err := pool.Query(t.Context(), sql)
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	type ID struct{ OrderID string }
	type row struct {
		ID
		VATMinor  int64 `db:"vat_minor"`
		PaidUntil *string
		Hash      []byte
	}
	got, err := store.Collect[row](query(`SELECT * FROM (VALUES ('a', 1::bigint, 'x', '\x01'::bytea), ('b', 2, NULL, NULL)) AS v (order_id, vat_minor, paid_until, hash)`))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].OrderID != "a" || got[0].VATMinor != 1 || *got[0].PaidUntil != "x" || got[0].Hash[0] != 1 {
		t.Errorf("%+v", got)
	}
	if got[1].OrderID != "b" || got[1].PaidUntil != nil || got[1].Hash != nil {
		t.Errorf("of the row before: %+v", got[1])
	}
	for name, sql := range map[string]string{
		"an unknown column": `SELECT 'a' AS order_id, 1::bigint AS vat_minor, 'x' AS paid_until, NULL::bytea AS hush`,
		"a column too many": `SELECT 'a' AS order_id, 1::bigint AS vat_minor, 'x' AS paid_until, NULL::bytea AS hash, 1 AS more`,
		"a column too few":  `SELECT 'a' AS order_id, 1::bigint AS vat_minor, 'x' AS paid_until`,
		"NULL for a string": `SELECT NULL::text AS order_id, 1::bigint AS vat_minor, 'x' AS paid_until, NULL::bytea AS hash`,
		"a failing query":   `SELECT 'a' AS order_id, 1 / 0::bigint AS vat_minor, 'x' AS paid_until, NULL::bytea AS hash`,
	} {
		if got, err := store.Collect[row](query(sql)); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
