package store

import "testing"

func TestUnderscored(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"PaidUntil": "paid_until", "PayerID": "payer_id", "ID": "id", "NetMinor": "net_minor"} {
		if got := underscored(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestNamed(t *testing.T) {
	t.Parallel()
	const statement = `SELECT @b::int, @a::int, @b::int, '@c'`
	for range 2 { // read, then remembered
		sql, values, err := named{"a": 1, "b": 2, "unused": 3}.RewriteQuery(t.Context(), nil, statement, nil)
		if err != nil || sql != `SELECT $1::int, $2::int, $1::int, '@c'` || len(values) != 2 || values[0] != 2 || values[1] != 1 {
			t.Errorf("%s %v %v", sql, values, err)
		}
	}
	for _, sql := range []string{statement, `SELECT @b::bigint, @a::bigint`} {
		if _, _, err := (named{"b": 2}).RewriteQuery(t.Context(), nil, sql, nil); err == nil {
			t.Errorf("%s: an argument that nobody gave went unnoticed", sql)
		}
	}
}
