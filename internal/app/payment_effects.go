package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/failpoint"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/ledger"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/notice"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/store"
)

// origin is what made a payment move.
type origin struct {
	source  store.PaymentSource
	outcome payment.Outcome   // of an answer
	inbox   int64             // the webhook that made us look; 0 for none
	seen    *payment.Snapshot // the provider's view, where there was one
	detail  map[string]any
}

// alertNotSent is for a charge that the provider did not take, as often as it was
// tried.
const alertNotSent payment.AlertCode = "not_sent"

// alertMethodTaken is for a method that the provider shows kept by one payer and
// that another one keeps with us already.
const alertMethodTaken payment.AlertCode = "method_taken"

// alertNotSettled is for money that came for an order that cannot be paid any
// more. It stays on the balance.
const alertNotSettled payment.AlertCode = "not_settled"

// applied is the only place where a payment that changed is stored. In the
// caller's transaction it does everything that the change calls for: history,
// money to the payer's balance, the order paid from it, the saved method, and
// the audit log. s is how everything was before, locked; p is the payment now.
func (a *App) applied(ctx context.Context, tx *store.Tx, s scene, p payment.Payment, effects []payment.Effect, from origin) error {
	before := s.payment
	if p == before && len(effects) == 0 {
		return nil
	}
	p, more, err := rescheduled(before, p, tx)
	if err != nil {
		return err
	}
	effects = append(effects, more...)
	if err := a.history(ctx, tx, before, p, effects, from); err != nil {
		return err
	}
	failpoint.Here("applied.history")
	var own, late money.Amount
	notDone := false
	for _, e := range effects {
		switch {
		case e.Kind == payment.NotDone:
			notDone = true
		case e.Kind == payment.KeepMethod:
			id, err := a.keepMethod(ctx, tx, p, *e.Method)
			if fault.Is(err, fault.NotFound) { // another payer's: the money came all the same
				err = a.alert(ctx, tx, p, alertMethodTaken)
			} else if err == nil {
				p.MethodID = id
			}
			if err != nil {
				return err
			}
		case e.Kind == payment.Alert:
			if err := a.alert(ctx, tx, p, e.Code); err != nil {
				return err
			}
		case e.Kind == payment.CreditBalance && before.State.Terminal():
			late += e.Amount
		case e.Kind == payment.Settle || e.Kind == payment.CreditBalance:
			own += e.Amount
		}
	}
	if err := tx.SavePayment(ctx, p); err != nil {
		return err
	}
	failpoint.Here("applied.saved")
	if notDone {
		err = a.chargeNotDone(ctx, tx, s, p)
	} else {
		err = a.tellCharge(ctx, tx, s, p)
	}
	if err != nil {
		return err
	}
	if own > 0 {
		if err := a.capture(ctx, tx, s, p.ID, money.Of(own, p.Amount.Currency)); err != nil {
			return err
		}
	}
	if late > 0 { // the payment has ended and never moves: the money is one of its own
		child, err := tx.InsertPayment(ctx, p.TopUp(late, tx.Now()))
		if err != nil {
			return err
		}
		if err := a.capture(ctx, tx, s, child, money.Of(late, p.Amount.Currency)); err != nil {
			return err
		}
	}
	if late > 0 || own > 0 && p.Payable.Kind == payment.PayableTopUp {
		if err := a.queue.IssueReceipts(ctx, tx); err != nil {
			return err
		}
	}
	if own+late > 0 && p.OrderID != "" {
		if err := a.settleCaptured(ctx, tx, s, p, own+late); err != nil {
			return err
		}
	}
	// What is not believed is not booked.
	if from.seen == nil || !p.AsOf.Equal(from.seen.AsOf) || p.Doubted() {
		return nil
	}
	if err := a.moneyReturned(ctx, tx, p, *from.seen); err != nil {
		return err
	}
	return a.moneyDisputed(ctx, tx, p, *from.seen)
}

// rescheduled plans the next look at a payment that moved. One that is to be sent
// again after a decline waits for the renewal's calendar.
func rescheduled(before, p payment.Payment, tx *store.Tx) (payment.Payment, []payment.Effect, error) {
	switch {
	case p.State == payment.Created && p.SentAt.IsZero() && p.Declines > before.Declines:
		p.NextCheckAt = time.Time{}
	case p.State == payment.Created && p.SentAt.IsZero():
		p.NextCheckAt = tx.Now().Add(resendAfter)
	case p.State != before.State:
		return p.Scheduled(tx.Now())
	}
	return p, nil, nil
}

// history writes down each step that a payment took, and answers that moved
// nothing but count.
func (a *App) history(ctx context.Context, tx *store.Tx, before, p payment.Payment, effects []payment.Effect, from origin) error {
	line := store.PaymentEvent{Source: from.source, InboxID: from.inbox, Detail: maps.Clone(from.detail)}
	if slices.ContainsFunc(effects, func(e payment.Effect) bool { return e.Kind == payment.NotDone }) {
		if line.Detail == nil {
			line.Detail = map[string]any{}
		}
		line.Detail[store.DetailNotDone] = true // no decline
	}
	if from.source == store.FromAPI {
		line.Outcome = from.outcome.String()
	}
	steps := 0
	for _, e := range effects {
		if e.Kind != payment.Moved {
			continue
		}
		line.From, line.To = e.From, e.To
		if err := tx.AppendPaymentEvent(ctx, p.ID, line); err != nil {
			return err
		}
		line.Outcome, line.Detail = "", nil
		steps++
	}
	if steps > 0 || p.AttemptNo == before.AttemptNo {
		return nil
	}
	line.From, line.To = p.State, p.State
	return tx.AppendPaymentEvent(ctx, p.ID, line)
}

// capture books money that a provider took for us to the payer's balance: once
// for each payment (ledger_entry_payment_once, I5).
func (a *App) capture(ctx context.Context, tx *store.Tx, s scene, id payment.ID, amount money.Money) error {
	if !s.payer.CurrencyFixed {
		if err := tx.FixCurrency(ctx, s.payer.ID, amount.Currency); err != nil {
			return err
		}
	}
	if err := tx.AppendEntry(ctx, ledger.Captured(s.payer.ID, amount, string(id), tx.Now())); err != nil {
		return err
	}
	failpoint.Here("capture.ledger")
	return tx.AppendAudit(ctx, audit.Record{
		Actor: byPayments, Action: "payment.captured", ObjectKind: "payment", ObjectID: string(id), PayerID: s.payer.ID,
		Detail: map[string]any{"amount_minor": amount.Amount, "currency": amount.Currency, "provider": s.payment.Provider},
	})
}

// settleCaptured pays the order of a payment with the money that has just come
// to the balance. What cannot pay it any more stays there, and people are told.
func (a *App) settleCaptured(ctx context.Context, tx *store.Tx, s scene, p payment.Payment, captured money.Amount) error {
	today := a.inZone(tx.Now())
	o := s.order
	open := o.State == order.StateAwaitingPayment || o.State == order.StateExpired
	if late := !o.Open(today); s.refused || !open || late && a.priceMoved(o, today) {
		return a.moneyKept(ctx, tx, s, p, captured)
	}
	// A charge by ourselves pays the period that it was for, and no later one: that
	// period may have been paid in another way while nobody knew the answer.
	if p.Initiator == payment.ByMerchant {
		if payable, err := payableOf(ctx, tx, o, s.live); err != nil {
			return err
		} else if payable != p.Payable {
			return a.moneyKept(ctx, tx, s, p, captured)
		}
	}
	d, err := a.dueFor(ctx, tx, o, s.payer, today)
	if fault.Is(err, fault.Conflict) { // the seller may not make this sale now
		return a.moneyKept(ctx, tx, s, p, captured)
	} else if err != nil {
		return err
	}
	balance, err := tx.Balance(ctx, s.payer.ID, o.Currency)
	if err != nil {
		return err
	}
	if captured < d.total && balance < d.total {
		return a.moneyKept(ctx, tx, s, p, captured)
	}
	if err := a.settle(ctx, tx, o, s.live, d, today, 0, byPayments); err != nil {
		return err
	}
	return a.agreedFor(ctx, tx, p)
}

// moneyKept tells a person of ours and the payer's people that money which came
// for an order pays nothing: it is on the balance.
func (a *App) moneyKept(ctx context.Context, tx *store.Tx, s scene, p payment.Payment, captured money.Amount) error {
	if err := a.alert(ctx, tx, p, alertNotSettled); err != nil {
		return err
	}
	return a.notify(ctx, tx, notice.Notice{
		Key: fmt.Sprintf("money_kept %s %d", p.ID, p.Received), Kind: notice.MoneyKept, PayerID: p.PayerID, OrderNumber: s.order.Number,
		Facts: notice.Facts{Amount: captured, Currency: p.Amount.Currency},
	})
}

// keepMethod stores a method that the payer keeps with us.
func (a *App) keepMethod(ctx context.Context, tx *store.Tx, p payment.Payment, m payment.SavedMethod) (string, error) {
	id, err := tx.KeepMethod(ctx, payment.Method{PayerID: p.PayerID, Provider: p.Provider, Account: p.Account, SavedMethod: m})
	if err != nil {
		return "", err
	}
	return id, tx.AppendAudit(ctx, audit.Record{
		Actor: byPayments, Action: "method.kept", ObjectKind: "payment_method", ObjectID: id, PayerID: p.PayerID,
		Detail: map[string]any{"label": m.Label},
	})
}

// agreedFor carries the consent that was given with an order over to the
// subscription that the order paid for, now that the method is known.
func (a *App) agreedFor(ctx context.Context, tx *store.Tx, p payment.Payment) error {
	if !p.KeepMethod || p.MethodID == "" {
		return nil
	}
	consent, err := tx.ConsentOf(ctx, p.OrderID)
	if fault.Is(err, fault.NotFound) {
		return nil
	} else if err != nil {
		return err
	}
	o, err := tx.Order(ctx, p.OrderID)
	if err != nil {
		return err
	}
	consent.Subject, consent.MethodID = o.SubscriptionID, p.MethodID
	_, err = tx.InsertConsent(ctx, consent)
	return err
}

// alert calls a person.
func (a *App) alert(ctx context.Context, tx *store.Tx, p payment.Payment, code payment.AlertCode) error {
	a.log.Warn("a payment needs a person", "payment", p.ID, "state", p.State, "why", code)
	return tx.AppendAudit(ctx, audit.Record{
		Actor: byPayments, Action: "payment.alert", ObjectKind: "payment", ObjectID: string(p.ID), PayerID: p.PayerID,
		Detail: map[string]any{"why": code},
	})
}

// moneyReturned brings the refunds of a payment to what its provider shows. One
// that was asked for here has left the balance already. One that was made at the
// provider's own page is booked against the account of refunds, where it stands
// until a person explains it.
func (a *App) moneyReturned(ctx context.Context, tx *store.Tx, p payment.Payment, seen payment.Snapshot) error {
	if len(seen.Refunds) == 0 {
		return nil
	}
	known, err := tx.RefundsOf(ctx, p.ID)
	if err != nil {
		return err
	}
	var foreign []payment.RefundView
	for _, v := range seen.Refunds {
		i := slices.IndexFunc(known, func(r payment.Refund) bool { return r.ID == v.RefundID || v.Ref != "" && r.Ref == v.Ref })
		if i < 0 {
			foreign = append(foreign, v)
		} else if err := a.refundSeen(ctx, tx, p, known[i], known[i].Seen(v)); err != nil {
			return err
		}
	}
	for _, v := range foreign { // after ours: one that failed leaves room
		if v.State == payment.RefundFailed {
			continue // it came back before we heard of it: nothing has left, and the money may be disputed by now
		}
		if err := a.foreignRefund(ctx, tx, p, v); err != nil {
			return err
		}
	}
	return nil
}

// errNoRoomYet says that a refund cannot be booked beside one of ours that was sent
// and that nobody knows about yet. Once that is decided it can.
var errNoRoomYet = errors.New("app: a refund on its way leaves no room for another")

// foreignRefund books a refund that was made at the provider's own page. It has
// been made: what was asked for here, not sent yet, and does not fit beside it any
// more, fails.
func (a *App) foreignRefund(ctx context.Context, tx *store.Tx, p payment.Payment, v payment.RefundView) error {
	dropped, err := a.dropHeld(ctx, tx, p, v.Amount.Amount)
	if err != nil {
		return err
	}
	for _, r := range dropped {
		if err := a.tellRefund(ctx, tx, p, r, notice.RefundFailed); err != nil {
			return err
		}
	}
	r := payment.Refund{PaymentID: p.ID, Request: "provider " + p.Provider + " " + v.Ref, Amount: v.Amount, Reason: "made at the provider", By: string(byPayments)}
	if r.ID, _, err = tx.InsertRefund(ctx, r); fault.Is(err, fault.Conflict) {
		return fault.Wrap(fault.Unavailable, "error.payment.unavailable", fmt.Errorf("%w: %w", errNoRoomYet, err))
	} else if err != nil {
		return err
	}
	if r, err = tx.LockRefund(ctx, r.ID); err != nil {
		return err
	}
	return a.refundSeen(ctx, tx, p, r, r.Seen(v))
}

// refundSeen stores a refund that moved, books that it was sent, or that it came
// back, and tells the payer.
func (a *App) refundSeen(ctx context.Context, tx *store.Tx, p payment.Payment, before, r payment.Refund) error {
	told, err := a.refundMoved(ctx, tx, p, before, r)
	if err != nil || told == "" {
		return err
	}
	return a.tellRefund(ctx, tx, p, r, told)
}

// refundMoved is refundSeen without telling anybody: it returns what there is to
// tell.
func (a *App) refundMoved(ctx context.Context, tx *store.Tx, p payment.Payment, before, r payment.Refund) (told notice.Kind, err error) {
	if r == before {
		return "", nil
	}
	if err := tx.SaveRefund(ctx, r); err != nil {
		return "", err
	}
	if r.State == before.State {
		return "", nil
	}
	asked, err := tx.IsBooked(ctx, ledger.EntryRefundAsked, r.ID)
	if err != nil {
		return "", err
	}
	var entry ledger.Entry
	switch {
	case r.State == payment.RefundSucceeded:
		entry, told = ledger.RefundSent(ledger.Provider, r.Amount, r.ID, tx.Now()), notice.RefundSent
	case r.State == payment.RefundFailed && before.State == payment.RefundSucceeded: // the card was closed
		payer := p.PayerID
		if !asked {
			payer = ""
		}
		entry, told = ledger.RefundReturned(payer, r.Amount, r.ID, tx.Now()), notice.RefundFailed
	case r.State == payment.RefundFailed && asked:
		entry, told = ledger.RefundFailed(p.PayerID, r.Amount, r.ID, tx.Now()), notice.RefundFailed
	default:
		return "", nil
	}
	if err := tx.AppendEntry(ctx, entry); err != nil {
		return "", err
	}
	if !asked {
		if err := a.alert(ctx, tx, p, alertForeignRefund); err != nil {
			return "", err
		}
	}
	return told, auditRefund(ctx, tx, byPayments, p, r, "")
}

// auditRefund writes down what became of a refund.
func auditRefund(ctx context.Context, tx *store.Tx, by audit.Actor, p payment.Payment, r payment.Refund, why string) error {
	detail := map[string]any{"amount_minor": r.Amount.Amount, "currency": r.Amount.Currency}
	if why != "" {
		detail["reason"] = why
	}
	return tx.AppendAudit(ctx, audit.Record{
		Actor: by, Action: "refund." + string(r.State), ObjectKind: "refund", ObjectID: r.ID, PayerID: p.PayerID, Detail: detail,
	})
}

// tellRefund tells a payer what became of a refund.
func (a *App) tellRefund(ctx context.Context, tx *store.Tx, p payment.Payment, r payment.Refund, kind notice.Kind) error {
	n := notice.Notice{
		Key: string(kind) + " " + r.ID, Kind: kind, PayerID: p.PayerID,
		Facts: notice.Facts{Amount: r.Amount.Amount, Currency: r.Amount.Currency, On: a.inZone(tx.Now()), Method: methodCard},
	}
	if r.ByPeople() {
		n.Facts.Method = methodBank
	}
	if p.OrderID != "" {
		o, err := tx.Order(ctx, p.OrderID)
		if err != nil {
			return err
		}
		n.OrderNumber, n.SubscriptionID, n.Facts.Plan = o.Number, o.SubscriptionID, string(o.Selection.Plan)
	}
	if p.MethodID != "" {
		method, err := tx.Method(ctx, p.MethodID)
		if err != nil {
			return err
		}
		n.Facts.Method = method.Label
	}
	return a.notify(ctx, tx, n)
}

// alertForeignRefund is for money that was sent back without our asking.
const alertForeignRefund payment.AlertCode = "refund_not_asked"

// moneyDisputed books what the payer's bank has withdrawn from us, and what it
// gave back.
func (a *App) moneyDisputed(ctx context.Context, tx *store.Tx, p payment.Payment, seen payment.Snapshot) error {
	for _, v := range seen.Disputes {
		before, err := tx.DisputeState(ctx, p.ID, v.Ref)
		if err != nil {
			return err
		}
		id, err := tx.SaveDispute(ctx, p.ID, v)
		if err != nil {
			return err
		}
		opened, err := tx.IsBooked(ctx, ledger.EntryDisputed, id)
		if err != nil {
			return err
		}
		won, err := tx.IsBooked(ctx, ledger.EntryDisputeWon, id)
		if err != nil {
			return err
		}
		lost := v.State == payment.DisputeLost && before != payment.DisputeLost
		var entry ledger.Entry
		switch {
		case !opened && v.State != payment.DisputeWon:
			entry = ledger.DisputeOpened(v.Amount, id, tx.Now())
		case opened && !won && v.State == payment.DisputeWon:
			entry = ledger.DisputeWon(v.Amount, id, tx.Now())
		}
		if entry.Kind == ledger.EntryDisputed {
			if err := a.disputeOpened(ctx, tx, p, id); err != nil {
				return err
			}
		}
		if entry.Kind == "" && !lost {
			continue
		}
		if entry.Kind != "" {
			if err := tx.AppendEntry(ctx, entry); err != nil {
				return err
			}
		}
		if lost {
			if err := a.disputeLost(ctx, tx, p, id, v.Amount); err != nil {
				return err
			}
		}
		if v.State == payment.DisputeWon && before == payment.DisputeOpen {
			if err := a.sendHeld(ctx, tx, p); err != nil {
				return err
			}
		}
		if err := tx.AppendAudit(ctx, audit.Record{
			Actor: byPayments, Action: "dispute." + string(v.State), ObjectKind: "dispute", ObjectID: id, PayerID: p.PayerID,
			Detail: map[string]any{"amount_minor": v.Amount.Amount, "currency": v.Amount.Currency, "reason": v.Reason},
		}); err != nil {
			return err
		}
	}
	return nil
}
