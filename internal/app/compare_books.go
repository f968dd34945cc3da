package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/store"
)

// Lister is a provider that lists the payments in its book.
type Lister interface {
	// List returns some payments that changed after an instant of the provider's
	// clock, those that changed first, and up to which change these are all. None
	// were the last. The list counts where the outcome is succeeded.
	List(ctx context.Context, after time.Time) ([]payment.Snapshot, time.Time, payment.Result)
}

// CompareBooks holds what changed in the providers' books since the last time
// against our payments, every night (payments.md 6.3, rule 6). It finds what no
// webhook told: money returned at the provider's own page is looked up and
// booked; money that belongs to no payment of ours is noted and waits for a
// person. A provider that does not answer is asked again the next time, from
// where this time ended. A payment that cannot be looked up keeps no other from
// being compared, and is compared again the next time; where that is not for want
// of an answer, a person is told.
func (a *App) CompareBooks(ctx context.Context) error {
	var failed []error
	for _, p := range a.providers {
		if lister, ok := p.(Lister); ok {
			if err := a.compareBook(ctx, p, lister); err != nil {
				failed = append(failed, fmt.Errorf("compare the book of %s: %w", p.Name(), err))
			}
		}
	}
	return errors.Join(failed...)
}

func (a *App) compareBook(ctx context.Context, p PaymentProvider, lister Lister) error {
	var after time.Time
	if err := a.db.View(ctx, func(tx *store.Tx) error {
		var err error
		after, err = tx.ComparedTo(ctx, p.Name(), p.Account())
		return err
	}); err != nil {
		return err
	}
	var failed []error
	held := false // the next time goes on from here, too
	for {
		call, cancel := calling(ctx)
		page, to, result := lister.List(call, after)
		cancel()
		if result.Outcome != payment.OutcomeSucceeded {
			err := fault.Wrap(fault.Unavailable, "error.payment.unavailable", fmt.Errorf("%s %s", result.Outcome, result.Detail))
			return errors.Join(append(failed, err)...)
		}
		for _, seen := range page {
			err := a.compare(ctx, p, seen)
			if err == nil {
				continue
			}
			failed, held = append(failed, fmt.Errorf("payment %s: %w", seen.PaymentID, err)), true
			if !fault.Is(err, fault.Unavailable) {
				failed = append(failed, a.notCompared(ctx, seen.PaymentID))
			}
		}
		if len(page) == 0 {
			return errors.Join(failed...)
		}
		if !to.After(after) {
			return errors.Join(append(failed, fmt.Errorf("the list goes on from %s, which is not after %s", to, after))...)
		}
		after = to
		if held {
			continue
		}
		if err := a.db.Update(ctx, func(tx *store.Tx) error { return tx.SaveComparison(ctx, p.Name(), p.Account(), after) }); err != nil {
			return errors.Join(append(failed, err)...)
		}
	}
}

// compare holds one payment in a provider's list against ours.
func (a *App) compare(ctx context.Context, provider PaymentProvider, seen payment.Snapshot) error {
	if !isUUID(string(seen.PaymentID)) {
		return a.stray(ctx, provider, seen)
	}
	known, err := a.payment(ctx, seen.PaymentID)
	switch {
	case fault.Is(err, fault.NotFound) || err == nil && known.Provider != provider.Name():
		return a.stray(ctx, provider, seen)
	case err != nil:
		return err
	case agree(known, seen) && !known.Doubted():
		return nil
	}
	a.log.Warn("the provider's list shows a payment otherwise than we know it; it is looked up", "payment", known.ID, "state", known.State, "there", seen.State)
	return a.ReconcilePayment(ctx, known.ID)
}

// alertNotCompared is for a payment that differs from the provider's list and
// cannot be brought to what stands there.
const alertNotCompared payment.AlertCode = "not_compared"

// notCompared calls a person.
func (a *App) notCompared(ctx context.Context, id payment.ID) error {
	return a.db.Update(ctx, func(tx *store.Tx) error {
		p, err := tx.Payment(ctx, id)
		if err != nil {
			return err
		}
		return a.alert(ctx, tx, p, alertNotCompared)
	})
}

// agree reports whether a payment is in a provider's list as we know it.
func agree(p payment.Payment, seen payment.Snapshot) bool {
	return p.Received == seen.Received.Amount && p.Refunded == seen.Refunded.Amount && p.Disputed == seen.Disputed.Amount &&
		(p.State.Terminal() || p.State == seen.State)
}

// stray notes money of a payment that is none of ours.
func (a *App) stray(ctx context.Context, provider PaymentProvider, seen payment.Snapshot) error {
	if seen.Received.Amount == 0 {
		return nil
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		first, err := tx.SaveStray(ctx, provider.Name(), provider.Account(), seen)
		if err != nil || !first {
			return err
		}
		a.log.Error("a provider has money that belongs to no payment of ours", "provider", provider.Name(), "ref", seen.Ref, "amount", seen.Received)
		return tx.AppendAudit(ctx, audit.Record{
			Actor: byPayments, Action: "payment.stray", ObjectKind: "provider", ObjectID: provider.Name(),
			Detail: map[string]any{"ref": seen.Ref, "amount_minor": seen.Received.Amount, "currency": seen.Received.Currency},
		})
	})
}
