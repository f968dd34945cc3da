package bench

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// bareConnections is how many connections the bound is measured with.
const bareConnections = 8

// bareTables is the least that a renewal paid from a balance can write.
const bareTables = `
CREATE TABLE bare_subscription (id integer PRIMARY KEY, payer integer NOT NULL, paid_until timestamptz NOT NULL);
CREATE TABLE bare_account (id integer PRIMARY KEY, balance bigint NOT NULL CHECK (balance >= 0));
CREATE TABLE bare_order (id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, subscription integer NOT NULL REFERENCES bare_subscription, net bigint NOT NULL, placed_at timestamptz NOT NULL);
CREATE TABLE bare_posting (order_id bigint NOT NULL REFERENCES bare_order, line integer NOT NULL, account integer NOT NULL, amount bigint NOT NULL, PRIMARY KEY (order_id, line));
CREATE TABLE bare_series (id integer PRIMARY KEY, next bigint NOT NULL);
CREATE TABLE bare_invoice (number bigint PRIMARY KEY, order_id bigint NOT NULL UNIQUE REFERENCES bare_order, total bigint NOT NULL);
INSERT INTO bare_series VALUES (1, 1);`

// bareRenewals renews n subscriptions by one transaction each and nothing else:
// order, two postings, extension, and an invoice whose gapless number is taken
// last. It is the bound of perf.md, and returns when all are done.
func bareRenewals(tb testing.TB, pool *pgxpool.Pool, from, to int) {
	tb.Helper()
	var (
		next   atomic.Int64
		failed atomic.Pointer[error]
		all    sync.WaitGroup
	)
	next.Store(int64(from))
	for range bareConnections {
		all.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= to || failed.Load() != nil {
					return
				}
				if err := bareRenewal(tb.Context(), pool, i); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		tb.Fatal(*err)
	}
}

func bareRenewal(ctx context.Context, pool *pgxpool.Pool, i int) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		var order, number int64
		if err := tx.QueryRow(ctx, `INSERT INTO bare_order (subscription, net, placed_at) VALUES ($1, $2, now()) RETURNING id`, i, renewalPrice).Scan(&order); err != nil {
			return err
		}
		for line, amount := range []int{renewalPrice, -renewalPrice} {
			if _, err := tx.Exec(ctx, `INSERT INTO bare_posting (order_id, line, account, amount) VALUES ($1, $2, $3, $4)`, order, line, i*line, amount); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `UPDATE bare_account SET balance = balance - $2 WHERE id = $1`, i, renewalPrice); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE bare_subscription SET paid_until = paid_until + interval '6 months' WHERE id = $1`, i); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `UPDATE bare_series SET next = next + 1 WHERE id = 1 RETURNING next - 1`).Scan(&number); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO bare_invoice (number, order_id, total) VALUES ($1, $2, $3)`, number, order, renewalPrice)
		return err
	})
}

// fillBare makes the tables of the bound and its rows from 1 to n.
func fillBare(tb testing.TB, pool *pgxpool.Pool, n int) {
	tb.Helper()
	for _, statement := range []string{
		bareTables,
		`INSERT INTO bare_subscription SELECT i, i, now() FROM generate_series(1, ` + strconv.Itoa(n) + `) i`,
		`INSERT INTO bare_account SELECT i, ` + strconv.Itoa(renewalPrice) + ` FROM generate_series(1, ` + strconv.Itoa(n) + `) i`,
		`VACUUM ANALYZE`,
	} {
		if _, err := pool.Exec(tb.Context(), statement); err != nil {
			tb.Fatal(err)
		}
	}
}
