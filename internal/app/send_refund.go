package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/store"
)

// alertRefundUndecided is for a refund that was looked up often enough.
const alertRefundUndecided payment.AlertCode = "refund_undecided"

// heldFor is until when a refund waits whose payment is disputed, before it is
// looked at again. The end of the dispute does not wait for that.
const heldFor = 24 * time.Hour

// SendRefund sends a refund to its provider, once (I10): the transaction that
// writes sent_at comes before the call, and the call is outside any transaction.
// What was sent and not answered is looked up in the provider's book, and repeated
// only under the same key while the provider remembers it. Doing it again
// changes nothing. Payouts are sent by people, and nothing here touches them.
func (a *App) SendRefund(ctx context.Context, id string) error {
	if !isUUID(id) {
		return fault.Missing("refund")
	}
	r, err := a.refund(ctx, id)
	if err != nil || r.Ended() || r.ByPeople() {
		return err
	}
	if !r.SentAt.IsZero() || r.State != payment.RefundRequested {
		if r, err = a.lookUpRefund(ctx, r); err != nil || r.State != payment.RefundUnknown || !r.MayRepeat(a.now()) {
			return err
		}
	}
	return a.requestRefund(ctx, id)
}

func (a *App) refund(ctx context.Context, id string) (r payment.Refund, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) error {
		r, err = tx.Refund(ctx, id)
		return err
	})
	return r, err
}

// requestRefund notes that a refund is sent, sends it, and applies the answer.
func (a *App) requestRefund(ctx context.Context, id string) error {
	var (
		send    func(context.Context) payment.Result
		attempt int
	)
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		send = nil
		s, r, err := a.lockRefund(ctx, tx, id)
		if err != nil {
			return err
		}
		fresh := r.State == payment.RefundRequested && r.SentAt.IsZero()
		if !fresh && (r.State != payment.RefundUnknown || !r.MayRepeat(tx.Now())) {
			return nil
		}
		if held, err := tx.IsDisputed(ctx, s.payment.ID); err != nil {
			return err
		} else if held && fresh { // it waits for the end of the dispute (refundsAfter)
			r.NextCheckAt = tx.Now().Add(heldFor)
			return tx.SaveRefund(ctx, r)
		}
		provider, err := a.provider(s.payment)
		if err != nil {
			return err
		}
		refunder, ok := provider.(Refunder)
		if !ok {
			return fmt.Errorf("app: %s sends nothing back", s.payment.Provider)
		}
		if fresh {
			r = r.Sent(tx.Now(), provider.Capabilities().IdempotencyWindow)
			r, _ = r.Scheduled(tx.Now())
			if err := tx.SaveRefund(ctx, r); err != nil {
				return err
			}
		}
		request := payment.RefundRequest{
			PaymentID: r.PaymentID, Ref: s.payment.Ref, RefundID: r.ID, Key: r.Key(), Amount: r.Amount, Reason: "requested_by_customer",
		}
		attempt = r.AttemptNo
		send = func(ctx context.Context) payment.Result {
			ctx, cancel := calling(ctx) // leaves time to store the answer
			defer cancel()
			return refunder.Refund(ctx, request)
		}
		return nil
	})
	if err != nil || send == nil {
		return err
	}
	result := send(ctx)
	return a.db.Update(ctx, func(tx *store.Tx) error {
		s, r, err := a.lockRefund(ctx, tx, id)
		if err != nil {
			return err
		}
		// A webhook may have been quicker, and the answer is that of one attempt only.
		if r.AttemptNo != attempt || r.State != payment.RefundRequested && r.State != payment.RefundUnknown {
			return nil
		}
		p, effects := s.payment, []payment.Effect(nil)
		if result.Snapshot != nil {
			if p, effects, err = payment.Apply(s.payment, *result.Snapshot); err != nil {
				return err
			}
			if p.Doubted() { // then the rest of the answer is not believed either
				result.Outcome, result.Ref = payment.OutcomeUnknown, ""
			}
		}
		next := r.Answered(result)
		if next.State == payment.RefundRequested { // surely not executed
			next.NextCheckAt = tx.Now().Add(resendAfter)
		} else {
			next, _ = next.Scheduled(tx.Now())
		}
		if err := a.refundSeen(ctx, tx, s.payment, r, next); err != nil {
			return err
		}
		// Nobody looks at an ended payment again unless a webhook says so: what the
		// answer shows of it counts now.
		return a.applied(ctx, tx, s, p, effects, origin{
			source: store.FromAPI, outcome: result.Outcome, seen: result.Snapshot, detail: map[string]any{"operation": payment.OpRefund},
		})
	})
}

// lockRefund locks a refund with its payment and what that can move.
func (a *App) lockRefund(ctx context.Context, tx *store.Tx, id string) (scene, payment.Refund, error) {
	r, err := tx.Refund(ctx, id)
	if err != nil {
		return scene{}, r, err
	}
	s, err := a.lockPayment(ctx, tx, r.PaymentID)
	if err != nil {
		return s, r, err
	}
	r, err = tx.LockRefund(ctx, id)
	return s, r, err
}

// lookUpRefund looks at the provider's book for a refund that is on its way, and
// returns it as it is afterwards. What the book does not show long enough after
// it was sent has failed. That it leaves no room for another is no reason to wait.
func (a *App) lookUpRefund(ctx context.Context, r payment.Refund) (payment.Refund, error) {
	snapshot, err := a.lookAt(ctx, r.PaymentID, 0)
	if err != nil && !errors.Is(err, errNoRoomYet) {
		return r, err
	}
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		s, before, err := a.lockRefund(ctx, tx, r.ID)
		if err != nil {
			return err
		}
		next := before.Doubtful()
		shown := slices.ContainsFunc(snapshot.Refunds, func(v payment.RefundView) bool {
			return v.RefundID == before.ID || v.Ref != "" && v.Ref == before.Ref
		})
		if !shown && snapshot.State != payment.Absent {
			next = next.Absent(snapshot.AsOf)
		}
		undecided := false
		if next, undecided = next.Scheduled(tx.Now()); undecided {
			if err := a.alert(ctx, tx, s.payment, alertRefundUndecided); err != nil {
				return err
			}
		}
		r = next
		return a.refundSeen(ctx, tx, s.payment, before, next)
	})
	return r, err
}

// CheckRefunds sends what was not sent and looks up what nobody knows, as far as
// it is due. A refund that cannot be looked at keeps nobody else from it.
func (a *App) CheckRefunds(ctx context.Context) (int, error) {
	var due []string
	if len(a.providers) == 0 {
		return 0, nil
	}
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		var err error
		due, err = tx.RefundsToCheck(ctx, checksAtOnce, tx.Now().Add(resendAfter))
		return err
	})
	if err != nil {
		return 0, err
	}
	var failed []error
	for _, id := range due {
		if err := a.SendRefund(ctx, id); fault.Is(err, fault.Unavailable) {
			a.log.Warn("a refund could not be looked at", "refund", id, "error", err)
		} else if err != nil {
			failed = append(failed, fmt.Errorf("refund %s: %w", id, err))
		}
	}
	return len(due), errors.Join(failed...)
}
