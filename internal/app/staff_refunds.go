package app

import (
	"context"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/subscription"
)

// StaffRefund is a refund request with everything that the people who decide
// about it look at.
type StaffRefund struct {
	RefundRequest

	Payer        account.Payer
	Subscription subscription.Subscription
	History      []HistoryEvent // of the subscription, oldest first
	Offer        *RefundOffer   // what would be done now; nil once decided, or where Blocked says why nothing can be
	Blocked      error
	WhyNot       NotDeciding
	SecondEyes   money.Amount // above which two people decide
}

// NotDeciding says why a staff member may not decide about a request.
type NotDeciding string

// The reasons. The zero value is for who may, and for what is decided.
const (
	NotDecidingRole   NotDeciding = "role"   // support moves no money
	NotDecidingOwn    NotDeciding = "own"    // asked for it, or buys for the payer
	NotDecidingSecond NotDeciding = "second" // has approved as the first of two
)

// StaffRefunds returns refund requests for the back office: those that wait, the
// oldest first, then those decided last. Whose were shown is written to the
// audit log. For who is not staff: NotFound.
func (a *App) StaffRefunds(ctx context.Context, actor account.Actor) ([]RefundRequest, error) {
	var out []RefundRequest
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		if err := staffNow(ctx, tx, actor); err != nil {
			return err
		}
		rows, err := tx.RefundRequests(ctx, actor.AccountID)
		if err != nil {
			return err
		}
		if out, err = refundRequests(ctx, tx, rows, actor.AccountID, actor.Staff); err != nil {
			return err
		}
		ids := make([]string, len(rows))
		for i, r := range rows {
			ids[i] = r.ID
		}
		return looked(ctx, tx, actor, "page", "refunds", "", map[string]any{"shown": ids})
	})
	return out, err
}

// StaffRefund returns one refund request, or NotFound. That it was looked at is
// written to the audit log.
func (a *App) StaffRefund(ctx context.Context, actor account.Actor, id string) (StaffRefund, error) {
	var out StaffRefund
	if !isUUID(id) {
		return out, fault.Missing("refund request")
	}
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		if err := staffNow(ctx, tx, actor); err != nil {
			return err
		}
		row, err := tx.RefundRequest(ctx, actor.AccountID, id)
		if err != nil {
			return err
		}
		shown, err := refundRequests(ctx, tx, []store.RefundRequestOf{row}, actor.AccountID, actor.Staff)
		if err != nil {
			return err
		}
		out = StaffRefund{RefundRequest: shown[0], WhyNot: whyNot(actor, row), SecondEyes: a.seller.SecondEyes}
		if out.Payer, err = tx.Payer(ctx, row.PayerID); err != nil {
			return err
		}
		if out.Subscription, err = tx.Subscription(ctx, row.SubscriptionID); err != nil {
			return err
		}
		events, err := tx.SubscriptionEvents(ctx, row.SubscriptionID)
		if err != nil {
			return err
		}
		for _, e := range events {
			out.History = append(out.History, historyEvent(actor, e, true))
		}
		if row.State.Open() {
			offer, err := a.offer(ctx, tx, out.Subscription)
			switch {
			case err == nil:
				out.Offer, out.NeedsTwo = &offer, out.NeedsTwo || offer.NeedsTwo
			case fault.Is(err, fault.Conflict):
				out.Blocked = err
			default:
				return err
			}
		}
		return looked(ctx, tx, actor, "refund_request", row.ID, row.PayerID, nil)
	})
	return out, err
}

func whyNot(actor account.Actor, r store.RefundRequestOf) NotDeciding {
	switch {
	case !r.State.Open():
		return ""
	case !actor.Staff.MayDecideMoney():
		return NotDecidingRole
	case r.AskedBy == actor.AccountID || r.MayBuy:
		return NotDecidingOwn
	case r.FirstBy == actor.AccountID:
		return NotDecidingSecond
	}
	return ""
}
