package app

import (
	"context"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/store"
)

// maxCreditLimit bounds what an operator may trust a payer with.
const maxCreditLimit money.Amount = 1_000_000_00

// CreditLimit is a payer's limit as it was set.
type CreditLimit struct {
	Payer       string // its name
	Limit       money.Money
	Before      money.Amount
	Balance     money.Amount // what the payer has with us; negative for what it owes
	FixCurrency bool         // the currency was open before and is fixed now
}

// SetCreditLimit sets how far a payer's balance may go below nothing, in major
// units of the payer's currency as people type them. A limit is in one currency,
// so it fixes that of a payer who has never paid.
//
// Errors: NotFound for no payer; Invalid for an amount that is none; Conflict
// for a payer without a currency, and for a limit below what is owed.
func (a *App) SetCreditLimit(ctx context.Context, id account.PayerID, typed string, by audit.Actor) (CreditLimit, error) {
	if !isUUID(string(id)) {
		return CreditLimit{}, fault.New(fault.NotFound, "error.credit.payer")
	}
	limit, err := money.ParseDecimal(typed)
	if err != nil || limit < 0 || limit > maxCreditLimit {
		return CreditLimit{}, fault.New(fault.Invalid, "error.credit.amount")
	}
	var set CreditLimit
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		payer, err := tx.LockPayer(ctx, id)
		if fault.Is(err, fault.NotFound) {
			return fault.New(fault.NotFound, "error.credit.payer")
		} else if err != nil {
			return err
		}
		if payer.Currency == "" {
			return fault.New(fault.Conflict, "error.credit.no_currency")
		}
		set = CreditLimit{Payer: payer.Name, Limit: money.Of(limit, payer.Currency), FixCurrency: !payer.CurrencyFixed}
		if set.FixCurrency {
			if err := tx.FixCurrency(ctx, id, payer.Currency); err != nil {
				return err
			}
		}
		if set.Before, err = tx.CreditLimit(ctx, id, payer.Currency); err != nil {
			return err
		}
		if err := tx.SetCreditLimit(ctx, id, set.Limit); err != nil {
			if fault.Is(err, fault.Conflict) {
				return fault.Wrap(fault.Conflict, "error.credit.owed", err)
			}
			return err
		}
		if set.Balance, err = tx.Balance(ctx, id, payer.Currency); err != nil {
			return err
		}
		return tx.AppendAudit(ctx, audit.Record{
			Actor: by, Action: "payer.credit_limit", ObjectKind: "payer", ObjectID: string(id), PayerID: id,
			Detail: map[string]any{"from_minor": set.Before, "to_minor": limit, "currency": payer.Currency},
		})
	})
	return set, err
}
