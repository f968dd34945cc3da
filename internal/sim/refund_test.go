package sim

import (
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
)

// hire makes two people staff who decide about money. They pay for nothing here.
func (w *world) hire() {
	for i := range 2 {
		actor := w.signIn(int64(7_900_000_200_000+i), "Staff")
		w.exec(`INSERT INTO staff_member (account_id, role, added_at, added_by) VALUES ($1, $2, $3, 'sim')`, string(actor.AccountID), string(account.StaffFinance), w.clock.Now())
		w.staff = append(w.staff, actor)
	}
}

// askRefund asks for the unused part of a subscription.
func askRefund(w *world, s step) string {
	p, target, ok := having(w, s, w.subsOf)
	if !ok {
		return "no subscription"
	}
	offer, err := w.app.RefundOffer(w.ctx, p.actor, target.ID)
	if err != nil {
		return w.answer(err)
	}
	if offer.ToMethod+offer.ToTransfer+offer.ToBalance+offer.Forgiven != offer.Total || min(offer.ToMethod, offer.ToTransfer, offer.ToBalance) < 0 {
		w.broke("I19", "offered %s, of which %s to the card, %s by transfer, %s to the balance, %s forgiven", offer.Total.Decimal(), offer.ToMethod.Decimal(),
			offer.ToTransfer.Decimal(), offer.ToBalance.Decimal(), offer.Forgiven.Decimal())
	}
	_, err = w.app.AskRefund(w.ctx, p.actor, target.ID, []string{"method", "balance"}[s.B%2], "It is not what I thought.")
	return w.answer(err)
}

// decideRefund has staff decide about a request, or its payer take it back.
func decideRefund(w *world, s step) string {
	staff := w.staff[s.B%len(w.staff)]
	all, err := w.app.RefundRequests(w.ctx, staff)
	if err != nil {
		return w.answer(err)
	}
	var open []app.RefundRequest
	for _, r := range all {
		if r.State.Open() {
			open = append(open, r)
		}
	}
	r, ok := pick(open, s.A)
	if !ok {
		return "nothing to decide"
	}
	switch s.C % 8 {
	case 0:
		return "rejected " + w.answer(w.app.RejectRefund(w.ctx, staff, r.ID, "no"))
	case 1:
		return "taken back " + w.answer(w.app.WithdrawRefundRequest(w.ctx, w.payerOf(string(r.PayerID)).actor, r.ID))
	}
	w.may.refund = map[string]bool{r.SubscriptionID: true}
	err = w.app.ApproveRefund(w.ctx, staff, r.ID)
	if err == nil && s.C/8%3 == 0 { // pressed twice
		if again := w.app.ApproveRefund(w.ctx, staff, r.ID); again == nil || fault.Is(again, fault.Internal) {
			w.broke("I10", "approved twice by one person: %v", again)
		}
	}
	return w.answer(err)
}

// withdraw withdraws from an order of the last two weeks.
func withdraw(w *world, s step) string {
	p, target, ok := having(w, s, w.subsOf)
	if !ok {
		return "no subscription"
	}
	offer, err := w.app.WithdrawalOffer(w.ctx, p.actor, target.ID)
	if err != nil {
		return w.answer(err)
	}
	w.may.refund = map[string]bool{target.ID: true}
	id, err := w.app.Withdraw(w.ctx, p.actor, target.ID, offer.Token)
	out := w.answer(err)
	if out == "ok" && s.B%3 == 0 {
		if again, err := w.app.Withdraw(w.ctx, p.actor, target.ID, offer.Token); err != nil || again != id {
			w.broke("I10", "withdrawn twice: %s, then %s: %v", id, again, err)
		}
	}
	if out != "ok" {
		return out
	}
	receipt, err := w.app.Withdrawal(w.ctx, p.actor, id)
	if err != nil {
		return w.answer(err)
	}
	if receipt.Total != offer.Total || receipt.ToMethod+receipt.ToTransfer+receipt.ToBalance != receipt.Total {
		w.broke("answer", "offered %s; the receipt says %s = %s + %s + %s", offer.Total.Decimal(), receipt.Total.Decimal(), receipt.ToMethod.Decimal(),
			receipt.ToTransfer.Decimal(), receipt.ToBalance.Decimal())
	}
	return out
}

// payOut has staff send what is to be sent by transfer, or fail to. What is sent
// leaves our account once, whatever the portal then says.
func payOut(w *world, s step) string {
	staff := w.staff[s.B%len(w.staff)]
	all, err := w.app.StaffPayouts(w.ctx, staff)
	if err != nil {
		return w.answer(err)
	}
	var open []app.StaffPayout
	for _, p := range all {
		if p.State == payment.RefundRequested {
			open = append(open, p)
		}
	}
	p, ok := pick(open, s.A)
	if !ok {
		return "nothing to send"
	}
	_, sent := w.paidOut[p.ID]
	if !sent && s.C%3 == 0 {
		return "failed " + w.answer(w.app.FailPayout(w.ctx, staff, p.ID, "The account is closed."))
	}
	w.paidOut[p.ID] = p.Amount.Amount // who sent it says so until the portal has heard
	err = w.app.ConfirmPayout(w.ctx, staff, p.ID)
	if err == nil && s.C%2 == 0 { // pressed twice
		if again := w.app.ConfirmPayout(w.ctx, staff, p.ID); !fault.Is(again, fault.Conflict) && !w.crashed(again) {
			w.broke("I10", "a payout was sent twice: %v", again)
		}
	}
	return "sent " + w.answer(err)
}

// paidOutOnce holds what the portal says of payouts against what was sent, and
// returns how much of it has left our account.
func (w *world) paidOutOnce(f facts) (sum money.Amount) {
	for id, p := range f.payouts {
		amount, sent := w.paidOut[id]
		switch {
		case p.State == string(payment.RefundSucceeded) && (!sent || amount != p.Amount):
			w.broke("I10", "a payout of %s is said to be sent; %s were", p.Amount.Decimal(), amount.Decimal())
		case p.State == string(payment.RefundFailed) && sent:
			w.broke("I10", "%s were sent, and are on the balance", amount.Decimal())
		case p.State == string(payment.RefundSucceeded):
			sum += p.Amount
		}
	}
	return sum
}

// returnRefund has a refund come back from a card that was closed.
func returnRefund(w *world, s step) string {
	p, ok := pick(w.paid(), s.A)
	if !ok || w.bank.ReturnRefund(p.ID) != nil {
		return "nothing to return"
	}
	return "ok"
}

// refundedOnce looks for a refund that the sandbox sent twice.
func (w *world) refundedOnce() {
	seen := map[string]bool{}
	for _, e := range w.bank.Book() {
		for _, r := range e.Refunds {
			if r.State == "succeeded" && seen[r.Refund] {
				w.broke("I10", "the refund %s was sent twice", r.Refund)
			}
			seen[r.Refund] = true
		}
		if e.Refunded()+e.Disputed() > e.Captured() {
			w.broke("I9", "the sandbox took %s, gave %s back and lost %s", e.Captured().Decimal(), e.Refunded().Decimal(), e.Disputed().Decimal())
		}
	}
}
