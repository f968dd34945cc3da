package app

import (
	"context"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/store"
)

// SuspenseItem is an entry that waits, with how long it does.
type SuspenseItem struct {
	store.SuspenseEntry

	Days int // since it was booked
}

// StaffSuspense returns what waits in suspense, the oldest first. What was shown
// is written to the audit log. For who is not staff: NotFound.
func (a *App) StaffSuspense(ctx context.Context, actor account.Actor) ([]SuspenseItem, error) {
	var out []SuspenseItem
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		out = nil
		if err := staffNow(ctx, tx, actor); err != nil {
			return err
		}
		entries, err := tx.WaitingInSuspense(ctx)
		if err != nil {
			return err
		}
		today := a.inZone(tx.Now())
		ids := make([]string, len(entries))
		for i, e := range entries {
			ids[i] = e.ID
			out = append(out, SuspenseItem{e, max(0, today.Sub(e.Booked))})
		}
		return looked(ctx, tx, actor, "page", "suspense", "", map[string]any{"shown": ids})
	})
	return out, err
}

// StaffSuspenseEntry is an entry in suspense with everything that the people who
// decide about it look at.
type StaffSuspenseEntry struct {
	SuspenseItem

	Orders     []store.SuspenseCandidate // that it may pay, the likeliest first
	Payers     []store.SuspenseCandidate // to whose balance it may go
	Undone     []store.SuspenseCandidate // that it may undo, of a reversal
	Decisions  []store.SuspenseDecision  // oldest first
	Standing   *store.SuspenseDecision   // the one that stands; nil for none
	MayDecide  bool
	MayApprove bool
	WhyNot     NotDeciding
	SecondEyes money.Amount // above which two people decide
	Parts      money.Amount // that came before for the order it names, and wait
}

// StaffSuspenseEntry returns an entry in suspense, or NotFound. That it was
// looked at is written to the audit log.
func (a *App) StaffSuspenseEntry(ctx context.Context, actor account.Actor, id string) (StaffSuspenseEntry, error) {
	var out StaffSuspenseEntry
	if !isUUID(id) {
		return out, fault.Missing("entry in suspense")
	}
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		if err := staffNow(ctx, tx, actor); err != nil {
			return err
		}
		e, err := tx.SuspenseEntry(ctx, id)
		if err != nil {
			return err
		}
		out = StaffSuspenseEntry{SuspenseItem: SuspenseItem{e, max(0, a.inZone(tx.Now()).Sub(e.Booked))}, SecondEyes: a.seller.SecondEyes}
		if out.Decisions, err = tx.DecisionsOf(ctx, id); err != nil {
			return err
		}
		about := bank.Decision{}
		for i, d := range out.Decisions {
			if d.State != bank.DecisionRefused {
				out.Standing, about = &out.Decisions[i], d.Decision
			}
		}
		if e.Credit {
			if out.Orders, err = tx.OrderCandidates(ctx, id, bank.ShortfallAccepted); err != nil {
				return err
			}
			if out.Payers, err = tx.PayerCandidates(ctx, id); err != nil {
				return err
			}
		} else if out.Undone, err = tx.UndoneCandidates(ctx, id); err != nil {
			return err
		}
		own := fault.Is(ownMoney(ctx, tx, actor, about, e), fault.Forbidden)
		switch {
		case !actor.Staff.MayDecideMoney():
			out.WhyNot = NotDecidingRole
		case own:
			out.WhyNot = NotDecidingOwn
		case out.Standing == nil:
			out.MayDecide = true
		case about.State == bank.DecisionProposed && about.FirstBy == actor.AccountID:
			out.WhyNot = NotDecidingSecond
		case about.State == bank.DecisionProposed, about.State == bank.DecisionToSend:
			out.MayApprove = true
		}
		return looked(ctx, tx, actor, "bank_entry", e.ID, e.MeantPayer, nil)
	})
	return out, err
}
