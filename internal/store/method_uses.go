package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/pricing"
)

// MethodUse is an active subscription whose renewals a saved method may be
// charged for.
type MethodUse struct {
	MethodID       string
	SubscriptionID string
	Selection      pricing.Selection
	AutoRenew      bool
	PaidUntil      time.Time
	CustomerID     account.ID
	CustomerName   string
}

type methodUseRow struct {
	MethodID       string
	SubscriptionID string
	Plan           string
	Accounts       int
	Recording      bool
	Lines          int
	ExtraAccounts  int
	API            bool `db:"api"`
	Months         int
	AutoRenew      bool
	PaidUntil      time.Time
	CustomerID     string
	FirstName      string
	LastName       string
}

func (r methodUseRow) of() MethodUse {
	return MethodUse{
		MethodID: r.MethodID, SubscriptionID: r.SubscriptionID, AutoRenew: r.AutoRenew, PaidUntil: r.PaidUntil.UTC(), CustomerID: account.ID(r.CustomerID),
		Selection: pricing.Selection{
			Plan: pricing.Plan(r.Plan), Period: pricing.Period(r.Months),
			Options: pricing.Options{Accounts: r.Accounts, Recording: r.Recording, Lines: r.Lines, ExtraAccounts: r.ExtraAccounts, API: r.API},
		},
		CustomerName: account.Account{FirstName: r.FirstName, LastName: r.LastName}.Name(),
	}
}

const methodUsesOfSQL = `
SELECT method_id, subscription_id, plan, accounts, recording, lines, extra_accounts, api, months, auto_renew, paid_until, customer_id,
       first_name, last_name
FROM (SELECT DISTINCT ON (s.id) COALESCE(c.method_id::text, '') AS method_id, s.id AS subscription_id, s.plan, s.accounts, s.recording, s.lines,
             s.extra_accounts, s.api, s.months, s.auto_renew, s.paid_until, s.customer_id, a.first_name, a.last_name
      FROM subscription s
      JOIN consent c ON c.subject = s.id AND c.payer_id = s.payer_id AND c.revoked_at IS NULL
      JOIN account a ON a.id = s.customer_id
      WHERE s.payer_id = @payer AND s.state = 'active'
      ORDER BY s.id, c.given_at DESC, c.id) newest
WHERE method_id <> '' ORDER BY paid_until, subscription_id LIMIT 500`

// MethodUsesOf returns what the saved methods of a payer may be charged for: by
// the newest consent to each subscription that holds, as ConsentOf takes it; the
// next to run out first.
func (tx *Tx) MethodUsesOf(ctx context.Context, payer account.PayerID) ([]MethodUse, error) {
	rows, err := list[methodUseRow](ctx, tx, methodUsesOfSQL, pgx.NamedArgs{"payer": string(payer)})
	out := make([]MethodUse, len(rows))
	for i, r := range rows {
		out[i] = r.of()
	}
	return out, err
}
