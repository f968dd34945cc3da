package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/money"
)

// PayerOf is a Payer together with a member's role on it.
type PayerOf struct {
	account.Payer
	Role account.Role
}

type payerRow struct {
	ID            string
	Kind          string
	Name          string
	CompanyCode   string
	VATNumber     string `db:"vat_number"`
	Street        string
	City          string
	Postcode      string
	Country       string
	Email         string
	POReference   string `db:"po_reference"`
	Language      string
	Lithuanian    bool `db:"also_lithuanian"`
	Currency      string
	CurrencyFixed bool
	Role          string
}

func (r payerRow) payer() PayerOf {
	return PayerOf{Role: account.Role(r.Role), Payer: account.Payer{
		ID: account.PayerID(r.ID), Kind: account.Kind(r.Kind), Name: r.Name, CompanyCode: r.CompanyCode, VATNumber: r.VATNumber,
		Street: r.Street, City: r.City, Postcode: r.Postcode, Country: r.Country, Email: r.Email, POReference: r.POReference,
		Language: r.Language, Lithuanian: r.Lithuanian, Currency: money.Currency(r.Currency), CurrencyFixed: r.CurrencyFixed,
	}}
}

const payersOfSQL = `
SELECT p.id, p.kind, p.name, p.company_code, p.vat_number, p.street, p.city, p.postcode, p.country, p.email,
       p.po_reference, p.language, p.also_lithuanian, p.currency, p.currency_fixed, m.role
FROM member m JOIN payer p ON p.id = m.payer_id
WHERE m.account_id = @actor
ORDER BY p.created_at, p.id`

// PayersOf returns the payers that an account is a member of, oldest first.
func (tx *Tx) PayersOf(ctx context.Context, actor account.ID) ([]PayerOf, error) {
	rows, err := list[payerRow](ctx, tx, payersOfSQL, pgx.NamedArgs{"actor": string(actor)})
	payers := make([]PayerOf, len(rows))
	for i, r := range rows {
		payers[i] = r.payer()
	}
	return payers, err
}

// PayersOf asks for what Tx.PayersOf returns.
func (q *Questions) PayersOf(actor account.ID, to *[]PayerOf) {
	askAs(q, payersOfSQL, pgx.NamedArgs{"actor": string(actor)}, to, payerRow.payer)
}

const payerOfSQL = `
SELECT p.id, p.kind, p.name, p.company_code, p.vat_number, p.street, p.city, p.postcode, p.country, p.email,
       p.po_reference, p.language, p.also_lithuanian, p.currency, p.currency_fixed, m.role
FROM payer p JOIN member m ON m.payer_id = p.id AND m.account_id = @actor
WHERE p.id = @id`

// PayerOf returns a payer that the account is a member of, or NotFound.
func (tx *Tx) PayerOf(ctx context.Context, actor account.ID, id account.PayerID) (PayerOf, error) {
	r, err := one[payerRow](ctx, tx, "payer", payerOfSQL, pgx.NamedArgs{"actor": string(actor), "id": string(id)})
	return r.payer(), err
}

const lockPayerOfSQL = payerOfSQL + ` FOR NO KEY UPDATE OF p`

// LockPayerOf is PayerOf with the payer's row locked.
func (tx *Tx) LockPayerOf(ctx context.Context, actor account.ID, id account.PayerID) (PayerOf, error) {
	r, err := one[payerRow](ctx, tx, "payer", lockPayerOfSQL, pgx.NamedArgs{"actor": string(actor), "id": string(id)})
	return r.payer(), err
}

const payerColumnsSQL = `
SELECT p.id, p.kind, p.name, p.company_code, p.vat_number, p.street, p.city, p.postcode, p.country, p.email,
       p.po_reference, p.language, p.also_lithuanian, p.currency, p.currency_fixed, '' AS role
FROM payer p `

const payerSQL = payerColumnsSQL + `WHERE p.id = @id`

// Payer returns a payer for the program's own work and for staff.
func (tx *Tx) Payer(ctx context.Context, id account.PayerID) (account.Payer, error) {
	r, err := one[payerRow](ctx, tx, "payer", payerSQL, pgx.NamedArgs{"id": string(id)})
	return r.payer().Payer, err
}

const lockPayerSQL = payerSQL + ` FOR NO KEY UPDATE`

// LockPayer returns and locks a payer for the program's own work.
func (tx *Tx) LockPayer(ctx context.Context, id account.PayerID) (account.Payer, error) {
	r, err := one[payerRow](ctx, tx, "payer", lockPayerSQL, pgx.NamedArgs{"id": string(id)})
	return r.payer().Payer, err
}

const insertPayerSQL = `
INSERT INTO payer (kind, name, company_code, vat_number, street, city, postcode, country, email, po_reference, language, also_lithuanian, currency, created_at)
VALUES (@kind, @name, @company_code, @vat_number, @street, @city, @postcode, @country, @email, @po_reference, @language, @lithuanian, @currency, @now)
RETURNING id`

const insertMemberSQL = `INSERT INTO member (payer_id, account_id, role, added_at) VALUES (@payer, @account, @role, @now)`

// InsertPayer makes a payer with its owner and returns its id.
func (tx *Tx) InsertPayer(ctx context.Context, p account.Payer, owner account.ID) (account.PayerID, error) {
	id, err := value[account.PayerID](ctx, tx, "payer", insertPayerSQL, payerArgs(p, tx.now))
	if err != nil {
		return "", err
	}
	return id, tx.InsertMember(ctx, id, owner, account.RoleOwner)
}

// InsertMember gives an account a role on a payer.
func (tx *Tx) InsertMember(ctx context.Context, id account.PayerID, member account.ID, role account.Role) error {
	_, err := exec(ctx, tx, insertMemberSQL, pgx.NamedArgs{"payer": string(id), "account": string(member), "role": string(role), "now": tx.now})
	return err
}

const savePayerSQL = `
UPDATE payer
SET kind = @kind, name = @name, company_code = @company_code, vat_number = @vat_number, street = @street, city = @city,
    postcode = @postcode, country = @country, email = @email, po_reference = @po_reference, language = @language,
    also_lithuanian = @lithuanian, currency = @currency
WHERE id = @id`

// SavePayer stores a payer's details; whether its currency is fixed stays.
func (tx *Tx) SavePayer(ctx context.Context, p account.Payer) error {
	_, err := exec(ctx, tx, savePayerSQL, payerArgs(p, tx.now))
	return err
}

const fixCurrencySQL = `UPDATE payer SET currency = @currency, currency_fixed = true WHERE id = @id`

// FixCurrency fixes a payer's currency for good; a fixed one that differs is a
// Conflict.
func (tx *Tx) FixCurrency(ctx context.Context, id account.PayerID, currency money.Currency) error {
	tx.later(fixCurrencySQL, pgx.NamedArgs{"id": string(id), "currency": string(currency)})
	return nil
}

func payerArgs(p account.Payer, now time.Time) pgx.NamedArgs {
	return pgx.NamedArgs{
		"id": string(p.ID), "kind": string(p.Kind), "name": p.Name, "company_code": p.CompanyCode, "vat_number": p.VATNumber,
		"street": p.Street, "city": p.City, "postcode": p.Postcode, "country": p.Country, "email": p.Email,
		"po_reference": p.POReference, "language": p.Language, "lithuanian": p.Lithuanian, "currency": string(p.Currency), "now": now,
	}
}
