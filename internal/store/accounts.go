package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
)

const upsertAccountSQL = `
INSERT INTO account (telegram_id, first_name, last_name, username, language, created_at, signed_in_at)
VALUES (@telegram_id, @first_name, @last_name, @username, @language, @now, @now)
ON CONFLICT (telegram_id) DO UPDATE
   SET first_name = EXCLUDED.first_name, last_name = EXCLUDED.last_name,
       username = EXCLUDED.username, signed_in_at = EXCLUDED.signed_in_at
RETURNING id`

// UpsertAccount records a sign-in: it makes the account or brings its names up
// to date, and returns its id.
func (tx *Tx) UpsertAccount(ctx context.Context, a account.Account) (account.ID, error) {
	return value[account.ID](ctx, tx, "account", upsertAccountSQL, pgx.NamedArgs{
		"telegram_id": int64(a.TelegramID), "first_name": a.FirstName, "last_name": a.LastName,
		"username": a.Username, "language": a.Language, "now": tx.now,
	})
}

type accountRow struct {
	ID         string
	TelegramID int64
	Email      string
	FirstName  string
	LastName   string
	Username   string
	Language   string
	TimeZone   string
	CreatedAt  time.Time
}

func (r accountRow) account() account.Account {
	return account.Account{
		ID: account.ID(r.ID), TelegramID: account.TelegramID(r.TelegramID), Email: r.Email, FirstName: r.FirstName, LastName: r.LastName,
		Username: r.Username, Language: r.Language, TimeZone: r.TimeZone, CreatedAt: r.CreatedAt,
	}
}

const accountSQL = `
SELECT id, COALESCE(telegram_id, 0) AS telegram_id, COALESCE(email, '') AS email, first_name, last_name, username, language, time_zone, created_at
FROM account WHERE id = @id`

// Account returns an account by its id.
func (tx *Tx) Account(ctx context.Context, id account.ID) (account.Account, error) {
	r, err := one[accountRow](ctx, tx, "account", accountSQL, pgx.NamedArgs{"id": string(id)})
	return r.account(), err
}

const hasAccountSQL = `SELECT EXISTS (SELECT FROM account WHERE telegram_id = @telegram_id)`

// HasAccount reports whether a Telegram user has ever signed in.
func (tx *Tx) HasAccount(ctx context.Context, id account.TelegramID) (bool, error) {
	return value[bool](ctx, tx, "account", hasAccountSQL, pgx.NamedArgs{"telegram_id": int64(id)})
}

const customersOfSQL = `
SELECT a.id, COALESCE(a.telegram_id, 0) AS telegram_id, COALESCE(a.email, '') AS email, a.first_name, a.last_name, a.username, a.language, a.time_zone, a.created_at
FROM account a
WHERE a.id = @actor
   OR EXISTS (SELECT FROM payer_customer c JOIN member m USING (payer_id)
              WHERE c.account_id = a.id AND c.payer_id = @payer AND m.account_id = @actor AND m.role IN ('owner', 'billing'))
ORDER BY a.id <> @actor, a.first_name, a.telegram_id`

// CustomersOf returns the accounts that the actor may order for on a payer:
// first itself, then the people linked to the payer.
func (tx *Tx) CustomersOf(ctx context.Context, actor account.ID, payer account.PayerID) ([]account.Account, error) {
	rows, err := list[accountRow](ctx, tx, customersOfSQL, pgx.NamedArgs{"actor": string(actor), "payer": string(payer)})
	accounts := make([]account.Account, len(rows))
	for i, r := range rows {
		accounts[i] = r.account()
	}
	return accounts, err
}

const insertPayerCustomerSQL = `
INSERT INTO payer_customer (payer_id, account_id, added_at) VALUES (@payer, @account, @now) ON CONFLICT DO NOTHING`

// InsertPayerCustomer links a person to a payer that buys for them.
func (tx *Tx) InsertPayerCustomer(ctx context.Context, payer account.PayerID, customer account.ID) error {
	_, err := exec(ctx, tx, insertPayerCustomerSQL, pgx.NamedArgs{"payer": string(payer), "account": string(customer), "now": tx.now})
	return err
}

const saveProfileSQL = `UPDATE account SET language = @language, time_zone = @time_zone WHERE id = @id`

// SaveProfile stores a person's language and time zone.
func (tx *Tx) SaveProfile(ctx context.Context, id account.ID, language, timeZone string) error {
	_, err := exec(ctx, tx, saveProfileSQL, pgx.NamedArgs{"id": string(id), "language": language, "time_zone": timeZone})
	return err
}
