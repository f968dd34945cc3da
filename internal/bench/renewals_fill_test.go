package bench

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// renewalPrice is what each renewal of dueFilling takes: five accounts with
// recording for six months, 150.00 and 21 % VAT.
const renewalPrice = 181_50

// fillDue writes payers who may spend the price of a renewal, with a subscription
// each that ends in two days.
func fillDue(tb testing.TB, pool *pgxpool.Pool, n int, now time.Time) {
	tb.Helper()
	args := pgx.NamedArgs{"n": n, "now": now.UTC().Truncate(time.Second), "price": renewalPrice}
	err := pgx.BeginFunc(tb.Context(), pool, func(tx pgx.Tx) error {
		for _, statement := range dueFilling {
			if _, err := tx.Exec(tb.Context(), statement, args); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		_, err = pool.Exec(tb.Context(), `VACUUM ANALYZE`)
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// dueFilling is in the order of the foreign keys, as filling.
var dueFilling = []string{
	filling[0],

	`INSERT INTO account (id, telegram_id, first_name, last_name, username, created_at, signed_in_at)
	 SELECT nth(1, i), 100000000 + i, 'Vardenė ' || i, 'Pavardenytė', 'person' || i, @now, @now
	 FROM generate_series(1, @n::integer) i`,

	`INSERT INTO payer (id, kind, name, street, city, postcode, country, email, currency, currency_fixed, created_at)
	 SELECT nth(2, i), 'person', 'Vardenė ' || i || ' Pavardenytė', 'Žvėryno g. ' || i, 'Vilnius', '08117', 'LT',
	        'payer' || i || '@example.lt', 'EUR', true, @now
	 FROM generate_series(1, @n::integer) i`,

	`INSERT INTO member (payer_id, account_id, role, added_at) SELECT nth(2, i), nth(1, i), 'owner', @now FROM generate_series(1, @n::integer) i`,

	// The first period came from elsewhere, as those of plans that were imported.
	`INSERT INTO subscription (id, payer_id, customer_id, plan, accounts, recording, months, currency, state, auto_renew, anchor_day, started_at, paid_until)
	 SELECT nth(3, i), nth(2, i), nth(1, i), 'softphone', 5, true, 6, 'EUR', 'active', true, 10, @now::timestamptz - interval '180 days', @now::timestamptz + interval '2 days'
	 FROM generate_series(1, @n::integer) i`,

	`INSERT INTO subscription_period (subscription_id, number, during, price_book, monthly_minor, worth, rate)
	 SELECT id, 1, tstzrange(started_at, paid_until), '2025-04', 2500, '15000/1', '15000/' || extract(epoch FROM paid_until - started_at)::bigint
	 FROM subscription`,

	// What each may spend: a credit limit is available like money, and needs no
	// receipts behind it.
	`INSERT INTO ledger_account (kind, payer_id, currency, credit_limit_minor)
	 SELECT 'balance', nth(2, i), 'EUR', @price::bigint FROM generate_series(1, @n::integer) i`,
}
