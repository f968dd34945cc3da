package bench

import (
	"context"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// size is how much stands in the database.
type size struct {
	customers     int // each pays for itself
	subscriptions int // every customer has one, some have two
	invoices      int // a tenth of them is the great payer's
}

// smallest is enough to see every page with something on it.
var smallest = size{customers: 20, subscriptions: 30, invoices: 2000}

// usual is the size that the goals speak of.
var usual = size{customers: 10_000, subscriptions: 15_000, invoices: 100_000}

const (
	greatToken = "token-of-the-great-payer" // its person has an own payer and the great one
	firstDay   = "2024-01-01"               // of the invoices
)

// tokenOf is that of customer i's session.
func tokenOf(i int) string { return "token-" + time.Duration(i).String() }

// fill writes the data by the table: rows of that many customers one by one
// would take minutes. The triggers check what people do one thing at a time, so
// they rest meanwhile; the constraints and foreign keys hold.
func fill(tb testing.TB, pool *pgxpool.Pool, n size) {
	tb.Helper()
	ctx := tb.Context()
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		for _, table := range []string{"orders", "series", "invoice", "invoice_vat"} {
			if _, err := tx.Exec(ctx, `ALTER TABLE `+table+` DISABLE TRIGGER USER`); err != nil {
				return err
			}
		}
		args := pgx.NamedArgs{"customers": n.customers, "subscriptions": n.subscriptions, "invoices": n.invoices, "first_day": firstDay}
		for _, statement := range filling {
			if _, err := tx.Exec(ctx, statement, args); err != nil {
				return err
			}
		}
		for _, table := range []string{"orders", "series", "invoice", "invoice_vat"} {
			if _, err := tx.Exec(ctx, `ALTER TABLE `+table+` ENABLE TRIGGER USER`); err != nil {
				return err
			}
		}
		return openSessions(ctx, tx, n)
	})
	if err == nil {
		_, err = pool.Exec(ctx, `VACUUM ANALYZE`)
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// filling is in the order of the foreign keys. Ids are made of numbers, so that
// statements can name each other's rows.
var filling = []string{
	`CREATE FUNCTION nth(kind integer, i integer) RETURNS uuid IMMUTABLE LANGUAGE sql
	 AS $$ SELECT (lpad(to_hex(kind), 8, '0') || '-0000-4000-8000-' || lpad(to_hex(i), 12, '0'))::uuid $$`,

	`INSERT INTO account (id, telegram_id, first_name, last_name, username, created_at, signed_in_at)
	 SELECT nth(1, i), 100000000 + i, 'Vardenė ' || i, 'Pavardenytė', 'person' || i, now(), now()
	 FROM generate_series(0, @customers::integer - 1) i`,

	// Payer 0 is the great one, kept by customer 0; payer i + 1 is customer i.
	`INSERT INTO payer (id, kind, name, street, city, postcode, country, email, currency, currency_fixed, created_at)
	 SELECT nth(2, i), CASE i WHEN 0 THEN 'company' ELSE 'person' END,
	        CASE i WHEN 0 THEN 'UAB Didelis' ELSE 'Vardenė ' || i - 1 || ' Pavardenytė' END,
	        'Žvėryno g. ' || i, 'Vilnius', '08117', 'LT', 'payer' || i || '@example.lt', 'EUR', true, now() + i * interval '1 second'
	 FROM generate_series(0, @customers::integer) i`,

	`INSERT INTO member (payer_id, account_id, role, added_at)
	 SELECT nth(2, i), nth(1, greatest(i - 1, 0)), 'owner', now() FROM generate_series(0, @customers::integer) i`,

	`INSERT INTO subscription (id, payer_id, customer_id, plan, accounts, recording, lines, months, currency, state, auto_renew,
	                           anchor_day, started_at, paid_until)
	 SELECT nth(3, i), nth(2, c + 1), nth(1, c), CASE WHEN second THEN 'gateway' ELSE 'softphone' END,
	        CASE WHEN second THEN 0 ELSE 1 + i % 9 END, NOT second AND i % 2 = 0, CASE WHEN second THEN 1 + i % 5 ELSE 0 END,
	        12, 'EUR', 'active', i % 4 > 0, 10, now() - interval '100 days', now() + interval '265 days' + i * interval '1 second'
	 FROM generate_series(0, @subscriptions::integer - 1) i,
	      LATERAL (SELECT i % @customers::integer AS c, i >= @customers::integer AS second) x`,

	// The paid orders, each with an invoice, and an open one of every tenth
	// customer. An invoice in ten is the great payer's.
	`INSERT INTO orders (id, number, reference, kind, state, payer_id, customer_id, placed_by, subscription_id, plan, accounts, recording,
	                     lines, extra_accounts, api, months, price_book, currency, monthly_minor, discount_minor, net_minor, vat_minor,
	                     total_minor, vat_row, method, quote_sha256, placed_at, valid_until, closed_at)
	 SELECT nth(4, i), 'O-2026-' || lpad(i::text, 6, '0'), 'RF18' || lpad(i::text, 10, '0'), 'new',
	        CASE WHEN paid THEN 'paid' ELSE 'awaiting_payment' END,
	        nth(2, CASE WHEN paid AND i % 10 = 0 THEN 0 ELSE c + 1 END), nth(1, c), nth(1, c),
	        CASE WHEN paid THEN nth(3, c) END, 'softphone', 5, true, 0, 0, false, 12, '2025-04', 'EUR', monthly, monthly * 12 / 10,
	        net, vat, net + vat, 'R1', 'bank', sha256(i::text::bytea), now(), current_date + 10, CASE WHEN paid THEN now() END
	 FROM generate_series(1, @invoices::integer + @customers::integer / 10) i,
	      LATERAL (SELECT i <= @invoices AS paid, CASE WHEN i <= @invoices THEN i % @customers::integer
	                      ELSE (i - @invoices::integer - 1) * 10 END AS c, 2500 + i % 5000 AS monthly) x,
	      LATERAL (SELECT monthly * 12 - monthly * 12 / 10 AS net) n,
	      LATERAL (SELECT (net * 2100 + 5000) / 10000 AS vat) y`,

	`INSERT INTO series (kind, year, prefix, next, last_issue_date) VALUES ('invoice', 2026, 'SIP', @invoices::integer + 1, current_date)`,

	// The content is about as long as that of a real invoice.
	`INSERT INTO invoice (id, kind, series_id, seq, number, payer_id, order_id, issue_date, tax_point, currency, net_minor, vat_minor,
	                      total_minor, content, content_sha256, issued_at)
	 SELECT nth(5, i), 'invoice', s.id, i, 'SIP-2026-' || lpad(i::text, 6, '0'), o.payer_id, o.id, on_day, on_day, 'EUR',
	        o.net_minor, o.vat_minor, o.total_minor, content, sha256(content), now()
	 FROM generate_series(1, @invoices::integer) i
	 CROSS JOIN series s
	 JOIN orders o ON o.id = nth(4, i),
	      LATERAL (SELECT @first_day::date + i * 1000 / @invoices::integer AS on_day,
	                      convert_to(repeat('{"number":"SIP-2026-' || lpad(i::text, 6, '0') || '","lines":[]}', 30), 'UTF8') AS content) x`,

	`INSERT INTO invoice_vat (invoice_id, line, category, rate_bps, vat_row, country, base_minor, vat_minor)
	 SELECT i.id, 1, 'S', 2100, 'R1', 'LT', i.net_minor, i.vat_minor FROM invoice i`,
}

// sessionCount is how many people are signed in.
const sessionCount = 1000

// openSessions signs in the first customers, and the person of the great payer
// once more.
func openSessions(ctx context.Context, tx pgx.Tx, n size) error {
	var rows [][]any
	open := func(token string, account int) {
		hash := sha256.Sum256([]byte(token))
		rows = append(rows, []any{hash[:], account})
	}
	for i := range min(n.customers, sessionCount) {
		open(tokenOf(i), i)
	}
	open(greatToken, 0)
	for _, row := range rows {
		_, err := tx.Exec(ctx, `
			INSERT INTO session (token_hash, account_id, user_agent, ip, created_at, last_seen_at, expires_at)
			VALUES ($1, nth(1, $2), 'Mozilla/5.0', '127.0.0.1', now(), now() + interval '10 minutes', now() + interval '12 hours')`, row...)
		if err != nil {
			return err
		}
	}
	return nil
}
