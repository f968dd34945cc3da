package app

import (
	"context"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/store"
)

// Methods returns the cards that one of the actor's payers keeps with us, newest
// first. Who may not buy for the payer sees none: Forbidden.
func (a *App) Methods(ctx context.Context, actor account.Actor, id account.PayerID) (methods []payment.Method, err error) {
	if !isUUID(string(id)) {
		return nil, fault.Missing("payer")
	}
	err = a.db.View(ctx, func(tx *store.Tx) error {
		payer, err := tx.PayerOf(ctx, actor.AccountID, id)
		if err != nil {
			return err
		}
		if !payer.Role.MayBuy() {
			return fault.New(fault.Forbidden, "error.payer.role")
		}
		methods, err = tx.MethodsOf(ctx, id)
		return err
	})
	return methods, err
}

// Cards are the cards that a payer keeps with us.
type Cards struct {
	Payer  store.PayerOf
	Payers []store.PayerOf // those that the actor may buy for
	List   []SavedCard     // newest first
}

// SavedCard is a card with what it may be charged for.
type SavedCard struct {
	payment.Method
	Expired bool // its last day is over
	Uses    []CardUse
}

// CardUse is a subscription whose renewals a card may be charged for.
type CardUse struct {
	store.MethodUse
	Self        bool // the actor is the Customer
	CardIsOlder bool // it renews, and the card's last day is before the end of the paid time
}

// Cards returns the cards that one of the actor's payers keeps with us, and what
// each may be charged for; for no payer asked, those of the first whom the actor
// may buy for. Another's payer is NotFound; Forbidden for who may not buy.
func (a *App) Cards(ctx context.Context, actor account.Actor, id account.PayerID) (Cards, error) {
	var c Cards
	err := a.db.View(ctx, func(tx *store.Tx) error {
		all, err := tx.PayersOf(ctx, actor.AccountID)
		if err != nil {
			return err
		}
		member := false
		for _, p := range all {
			member = member || p.ID == id
			if !p.Role.MayBuy() {
				continue
			}
			c.Payers = append(c.Payers, p)
			if c.Payer.ID == "" && (id == "" || p.ID == id) {
				c.Payer = p
			}
		}
		switch {
		case c.Payer.ID == "" && member:
			return fault.New(fault.Forbidden, "error.payer.role")
		case c.Payer.ID == "":
			return fault.Missing("payer")
		}
		methods, err := tx.MethodsOf(ctx, c.Payer.ID)
		if err != nil {
			return err
		}
		uses, err := tx.MethodUsesOf(ctx, c.Payer.ID)
		if err != nil {
			return err
		}
		today := a.inZone(tx.Now())
		for _, m := range methods {
			card := SavedCard{Method: m, Expired: !m.ExpiresOn.IsZero() && m.ExpiresOn.Before(today)}
			for _, use := range uses {
				if use.MethodID == m.ID {
					card.Uses = append(card.Uses, CardUse{
						MethodUse: use, Self: use.CustomerID == actor.AccountID,
						CardIsOlder: use.AutoRenew && !m.ExpiresOn.IsZero() && m.ExpiresOn.Before(a.inZone(use.PaidUntil)),
					})
				}
			}
			c.List = append(c.List, card)
		}
		return nil
	})
	return c, err
}

// RevokeMethod makes sure that a card is not charged again. A charge whose
// moment has passed goes on. Doing it twice is one change; a card of somebody
// else's payer is NotFound.
func (a *App) RevokeMethod(ctx context.Context, actor account.Actor, methodID string) error {
	if !isUUID(methodID) {
		return fault.Missing("payment method")
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		method, err := tx.Method(ctx, methodID)
		if err != nil {
			return err
		}
		payer, err := tx.LockPayerOf(ctx, actor.AccountID, method.PayerID) // charges lock the payer, too
		if err != nil {
			return err
		}
		if !payer.Role.MayBuy() {
			return fault.New(fault.Forbidden, "error.payer.role")
		}
		changed, err := tx.RevokeMethod(ctx, method.PayerID, methodID)
		if err != nil || !changed {
			return err
		}
		return tx.AppendAudit(ctx, audit.Record{
			Actor: audit.ByAccount(actor.AccountID), Action: "method.revoked", ObjectKind: "payment_method", ObjectID: methodID, PayerID: method.PayerID,
			Detail: map[string]any{"label": method.Label},
		})
	})
}
