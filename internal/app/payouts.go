package app

import (
	"context"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/ledger"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/notice"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/store"
)

// Payout is money of a transfer on its way back, as its payer sees it.
type Payout struct {
	State   payment.RefundState // requested: it is to be sent; succeeded; failed: it is on the balance
	Amount  money.Money
	Account string    // the end of the account's number; empty where it is not known
	EndedAt time.Time // when it was sent, or could not be
}

func payout(p store.Payout) Payout {
	return Payout{State: p.State, Amount: p.Amount, Account: accountLabel(p.FromIBAN), EndedAt: p.EndedAt}
}

// StaffPayout is a payout with what somebody needs to send it.
type StaffPayout struct {
	store.Payout

	Reference string // what to write on the transfer: the credit note's number
	Days      int    // since it was asked for, while it is to be sent
	MayEnd    bool   // the actor may say what became of it
	WhyNot    NotDeciding
}

// StaffPayouts returns what is to be sent by transfer, the oldest first, then what
// was sent or could not be. What was shown is written to the audit log. For who is
// not staff: NotFound.
func (a *App) StaffPayouts(ctx context.Context, actor account.Actor) ([]StaffPayout, error) {
	var out []StaffPayout
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		out = nil
		if err := staffNow(ctx, tx, actor); err != nil {
			return err
		}
		rows, err := tx.Payouts(ctx, actor.AccountID)
		if err != nil {
			return err
		}
		ids := make([]string, len(rows))
		for i, r := range rows {
			ids[i] = r.ID
			out = append(out, a.staffPayout(tx, actor, r))
		}
		return looked(ctx, tx, actor, "page", "payouts", "", map[string]any{"shown": ids})
	})
	return out, err
}

// StaffPayout returns one of them, or NotFound. That it was looked at is written to
// the audit log.
func (a *App) StaffPayout(ctx context.Context, actor account.Actor, id string) (StaffPayout, error) {
	var out StaffPayout
	if !isUUID(id) {
		return out, fault.Missing("payout")
	}
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		if err := staffNow(ctx, tx, actor); err != nil {
			return err
		}
		row, err := tx.Payout(ctx, actor.AccountID, id)
		if err != nil {
			return err
		}
		out = a.staffPayout(tx, actor, row)
		return looked(ctx, tx, actor, "refund", row.ID, row.PayerID, nil)
	})
	return out, err
}

func (a *App) staffPayout(tx *store.Tx, actor account.Actor, r store.Payout) StaffPayout {
	p := StaffPayout{Payout: r, Reference: r.Document}
	if r.State != payment.RefundRequested {
		return p
	}
	p.Days = max(0, a.inZone(tx.Now()).Sub(a.inZone(r.AskedAt)))
	switch {
	case !actor.Staff.MayDecideMoney():
		p.WhyNot = NotDecidingRole
	case r.MayBuy:
		p.WhyNot = NotDecidingOwn
	default:
		p.MayEnd = true
	}
	return p
}

// ConfirmPayout books that somebody has sent a payout at the bank. Who decided
// that the money goes back were two people above the amount of the seller file;
// one of finance or an administrator sends it, never to a payer that they buy for.
//
// Errors: NotFound and Forbidden as of refunds; Conflict for one that has ended,
// and where the bank has taken the transfer back that it returns.
func (a *App) ConfirmPayout(ctx context.Context, staff account.Actor, id string) error {
	return a.onPayout(ctx, staff, id, func(tx *store.Tx, p payment.Payment, r payment.Refund, undone bool) error {
		r, err := r.PaidOut()
		if err != nil {
			return err
		}
		if undone {
			return fault.New(fault.Conflict, "error.payout.undone")
		}
		p.Refunded += r.Amount.Amount
		if err := tx.SavePayment(ctx, p); err != nil {
			return err
		}
		return a.endPayout(ctx, tx, staff, p, r, "", ledger.RefundSent(ledger.Bank, r.Amount, r.ID, tx.Now()), notice.RefundSent)
	})
}

// FailPayout puts a payout that could not be sent on the payer's balance again,
// for a reason that staff can read. Errors as of ConfirmPayout; Invalid without a
// reason.
func (a *App) FailPayout(ctx context.Context, staff account.Actor, id, reason string) error {
	reason = clip(CleanText(reason), maxRefundReason)
	return a.onPayout(ctx, staff, id, func(tx *store.Tx, p payment.Payment, r payment.Refund, _ bool) error {
		r, err := r.NotPaidOut()
		if err != nil {
			return err
		}
		if reason == "" {
			return fault.Fields{{Name: "reason", Key: "error.payout.reason"}}.Err()
		}
		return a.endPayout(ctx, tx, staff, p, r, reason, ledger.RefundFailed(p.PayerID, r.Amount, r.ID, tx.Now()), notice.RefundFailed)
	})
}

// endPayout stores, books, audits and tells what became of a payout.
func (a *App) endPayout(ctx context.Context, tx *store.Tx, staff account.Actor, p payment.Payment, r payment.Refund, reason string, e ledger.Entry, told notice.Kind) error {
	if err := tx.EndPayout(ctx, r, staff.AccountID, reason); err != nil {
		return err
	}
	if err := tx.AppendEntry(ctx, e); err != nil {
		return err
	}
	if err := auditRefund(ctx, tx, audit.ByAccount(staff.AccountID), p, r, reason); err != nil {
		return err
	}
	return a.tellRefund(ctx, tx, p, r, told)
}

// onPayout runs f with a payout and its payment locked, for staff who may say what
// became of it.
func (a *App) onPayout(ctx context.Context, staff account.Actor, id string, f func(*store.Tx, payment.Payment, payment.Refund, bool) error) error {
	if !isUUID(id) {
		return fault.Missing("payout")
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		if err := a.mayDecide(ctx, tx, staff); err != nil {
			return err
		}
		s, r, err := a.lockRefund(ctx, tx, id)
		if err != nil {
			return err
		}
		seen, err := tx.Payout(ctx, staff.AccountID, id) // under the locks: the bank may be taking its money back
		if err != nil {
			return err
		}
		if seen.MayBuy {
			return fault.New(fault.Forbidden, "error.refund.own")
		}
		return f(tx, s.payment, r, seen.Undone)
	})
}
