package app

import (
	"context"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/subscription"
	"github.com/siptg/portal/internal/support"
)

// RefundOffer is what would come back if a subscription ended now: the unused
// part, by days of which the one begun counts as used (product.md, question 3).
type RefundOffer struct {
	Subscription subscription.Subscription
	Days         int // unused, of all periods
	Net          money.Amount
	VAT          money.Amount
	Total        money.Amount
	Forgiven     money.Amount // of Total, what had not been paid: it does not come back
	Currency     money.Currency
	Parts        []RefundPart // by period, oldest first
	ToMethod     money.Amount // of Total, what can go back to the cards that paid
	ToTransfer   money.Amount // of Total, what came by transfer: people send it to the account that paid
	ToBalance    money.Amount // the rest: it came from the balance
	NeedsTwo     bool         // two people decide about such an amount
	Open         *RefundRequest
}

// RefundPart is what would come back of one paid period, and the invoice that
// would be corrected.
type RefundPart struct {
	subscription.Period

	Days     int // unused
	Of       int // days of the period
	Order    string
	Invoice  string // empty until it is issued
	Net      money.Amount
	VAT      money.Amount
	Total    money.Amount
	ToMethod money.Amount
	Cards    []string // labels, where they are known
	Accounts []string // of those that a transfer came from, where they are known
}

// RefundRequest is a request with the names that it is shown with.
type RefundRequest struct {
	support.RefundRequest

	PayerName    string
	Plan         string
	CustomerName string
	AskedByName  string
	FirstByName  string
	SecondByName string
	RejectedName string
	MayDecide    bool         // the actor may approve or reject it
	ToCards      money.Amount // of Credited, once done
	ToBalance    money.Amount // of Credited, once done
	Payouts      []Payout     // once done, what is sent by transfer
}

// RefundOffer works out what would come back if one of the actor's subscriptions
// ended now. Nothing happens yet.
//
// Errors: NotFound for what the actor does not see; Forbidden for the Customer
// who does not pay; Conflict for one that is over, with nothing unused
// (error.refund.nothing), or of which a payment is disputed (error.refund.disputed).
func (a *App) RefundOffer(ctx context.Context, actor account.Actor, subscriptionID string) (RefundOffer, error) {
	if !isUUID(subscriptionID) {
		return RefundOffer{}, fault.Missing("subscription")
	}
	var offer RefundOffer
	err := a.db.View(ctx, func(tx *store.Tx) error {
		seen, err := managed(ctx, tx, actor, subscriptionID)
		if err != nil {
			return err
		}
		offer, err = a.offer(ctx, tx, seen.Subscription)
		return err
	})
	return offer, err
}

// offer is the RefundOffer of a subscription.
func (a *App) offer(ctx context.Context, tx *store.Tx, s subscription.Subscription) (RefundOffer, error) {
	u, err := a.unused(ctx, tx, s, false)
	if err != nil {
		return RefundOffer{}, err
	}
	offer := RefundOffer{Subscription: s, Days: u.days, Currency: s.Currency}
	for _, x := range u.shares {
		cards, transfers := x.back()
		part := RefundPart{
			Period: x.part.Period, Days: x.part.Days, Of: x.part.Of, Order: x.order.Number, Net: x.net, VAT: x.vat, Total: x.total(), ToMethod: cards,
		}
		part.Cards, part.Accounts = x.labels()
		if part.Invoice, err = tx.InvoiceOfOrder(ctx, x.order.ID); err != nil && !fault.Is(err, fault.NotFound) {
			return RefundOffer{}, err
		}
		offer.Net, offer.VAT, offer.Total = offer.Net+x.net, offer.VAT+x.vat, offer.Total+x.total()
		offer.Forgiven, offer.ToMethod, offer.ToTransfer = offer.Forgiven+x.forgiven, offer.ToMethod+cards, offer.ToTransfer+transfers
		offer.Parts = append(offer.Parts, part)
	}
	offer.ToBalance = offer.Total - offer.Forgiven - offer.ToMethod - offer.ToTransfer
	offer.NeedsTwo = offer.Total > a.seller.SecondEyes
	open, err := tx.OpenRefundRequest(ctx, s.ID)
	if fault.Is(err, fault.NotFound) {
		return offer, nil
	}
	request := refundRequest(open, "", "")
	offer.Open = &request
	return offer, err
}

// unusedPart is what is unused of a subscription.
type unusedPart struct {
	periods []subscription.PaidPeriod
	shares  []share
	taken   map[int]money.Amount // all periods that are not over
	days    int
	total   money.Amount
}

// unused works out what is unused of a subscription now. With lock, its orders
// and their payments are locked.
func (a *App) unused(ctx context.Context, tx *store.Tx, s subscription.Subscription, lock bool) (unusedPart, error) {
	var u unusedPart
	if s.State != subscription.StateActive {
		return u, fault.New(fault.Conflict, "error.subscription.ended")
	}
	var err error
	if u.periods, err = tx.PaidPeriods(ctx, s.ID); err != nil {
		return u, err
	}
	parts, err := subscription.UnusedParts(u.periods, tx.Now(), a.seller.Zone)
	if err != nil {
		return u, err
	}
	if u.shares, err = a.shares(ctx, tx, parts, lock); err != nil {
		return u, err
	}
	u.taken = map[int]money.Amount{}
	for _, p := range u.periods {
		u.taken[p.Number] = 0
	}
	back := money.Amount(0)
	for _, x := range u.shares {
		u.taken[x.part.Number], u.days, u.total = x.net, u.days+x.part.Days, u.total+x.total()
		back += x.total() - x.forgiven
	}
	if back == 0 {
		return u, fault.New(fault.Conflict, "error.refund.nothing")
	}
	return u, nil
}

// maxRefundReason bounds what somebody writes.
const maxRefundReason = 1000

// AskRefund asks for the unused part of one of the actor's subscriptions, to the
// method that paid or to the balance, and returns the request's id. People decide
// about it; until then nothing happens.
//
// Errors: as of RefundOffer; Conflict while another request of the subscription
// is open (error.refund.one_open); Invalid for a target or reason that is none.
func (a *App) AskRefund(ctx context.Context, actor account.Actor, subscriptionID, target, reason string) (id string, err error) {
	if !isUUID(subscriptionID) {
		return "", fault.Missing("subscription")
	}
	reason = clip(CleanText(reason), maxRefundReason)
	var fields fault.Fields
	if reason == "" {
		fields.Add("reason", "error.refund.reason", nil)
	}
	where := support.RefundTarget(target)
	if where != support.TargetMethod && where != support.TargetBalance {
		fields.Add("target", "error.refund.target", nil)
	}
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		seen, err := a.lockRefundable(ctx, tx, actor, subscriptionID)
		if err != nil {
			return err
		}
		if err := fields.Err(); err != nil {
			return err
		}
		offer, err := a.offer(ctx, tx, seen)
		if err != nil {
			return err
		}
		if offer.Open != nil {
			return fault.New(fault.Conflict, "error.refund.one_open")
		}
		if id, err = tx.InsertRefundRequest(ctx, support.RefundRequest{
			PayerID: seen.PayerID, SubscriptionID: seen.ID, AskedBy: actor.AccountID, Reason: reason, Target: where, Currency: seen.Currency,
			Days: offer.Days, Net: offer.Net, VAT: offer.VAT, Total: offer.Total, NeedsTwo: offer.NeedsTwo,
		}); err != nil {
			return err
		}
		return tx.AppendAudit(ctx, audit.Record{
			Actor: audit.ByAccount(actor.AccountID), Action: "refund_request.asked", ObjectKind: "refund_request", ObjectID: id, PayerID: seen.PayerID,
			Detail: map[string]any{"total_minor": offer.Total, "currency": seen.Currency, "target": where},
		})
	})
	return id, err
}

// lockRefundable locks the payer and one of the actor's subscriptions.
func (a *App) lockRefundable(ctx context.Context, tx *store.Tx, actor account.Actor, id string) (subscription.Subscription, error) {
	seen, err := managed(ctx, tx, actor, id)
	if err != nil {
		return subscription.Subscription{}, err
	}
	if _, err := tx.LockPayer(ctx, seen.PayerID); err != nil {
		return subscription.Subscription{}, err
	}
	return tx.LockSubscription(ctx, id)
}

// mayDecide refuses who may not decide about money: Forbidden for staff of
// another role, NotFound for everybody else.
func (a *App) mayDecide(ctx context.Context, tx *store.Tx, actor account.Actor) error {
	role, err := tx.StaffRole(ctx, actor.AccountID)
	switch {
	case err != nil:
		return err
	case role == "":
		return fault.Missing("refund request")
	case !role.MayDecideMoney():
		return fault.New(fault.Forbidden, "error.refund.role")
	}
	return nil
}

// RefundRequests returns requests for the back office: those that wait, the
// oldest first, then those decided last. For who is not staff: NotFound.
func (a *App) RefundRequests(ctx context.Context, staff account.Actor) ([]RefundRequest, error) {
	var out []RefundRequest
	err := a.db.View(ctx, func(tx *store.Tx) error {
		var rows []store.RefundRequestOf
		role, err := tx.StaffRole(ctx, staff.AccountID)
		if err != nil {
			return err
		}
		if role == "" {
			return fault.Missing("refund requests")
		}
		if rows, err = tx.RefundRequests(ctx, staff.AccountID); err != nil {
			return err
		}
		out, err = refundRequests(ctx, tx, rows, staff.AccountID, role)
		return err
	})
	return out, err
}

// RefundRequestsOf returns the requests of the payers that the actor buys for,
// newest first.
func (a *App) RefundRequestsOf(ctx context.Context, actor account.Actor) ([]RefundRequest, error) {
	var out []RefundRequest
	err := a.db.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.RefundRequestsOf(ctx, actor.AccountID)
		if err != nil {
			return err
		}
		out, err = refundRequests(ctx, tx, rows, "", "")
		return err
	})
	return out, err
}

// refundRequests are requests as they are shown, with what of them is sent by
// transfer.
func refundRequests(ctx context.Context, tx *store.Tx, rows []store.RefundRequestOf, staff account.ID, role account.StaffRole) ([]RefundRequest, error) {
	out := make([]RefundRequest, len(rows))
	var done []string
	at := map[string]int{}
	for i, r := range rows {
		out[i] = refundRequest(r, staff, role)
		if r.ToMethod > 0 {
			done = append(done, occasionOf(r.RefundRequest))
			at[occasionOf(r.RefundRequest)] = i
		}
	}
	payouts, err := tx.PayoutsFor(ctx, done, nil)
	for _, p := range payouts {
		r := &out[at[p.Occasion]]
		r.Payouts = append(r.Payouts, payout(p))
		r.ToCards -= p.Amount.Amount
	}
	return out, err
}

// occasionOf names a request where money is sent back because of it.
func occasionOf(r support.RefundRequest) string { return "refund_request " + r.ID }

func refundRequest(r store.RefundRequestOf, staff account.ID, role account.StaffRole) RefundRequest {
	out := RefundRequest{
		RefundRequest: r.RefundRequest, PayerName: r.PayerName, Plan: r.Plan, CustomerName: r.CustomerName, AskedByName: r.AskedByName,
		FirstByName: r.FirstByName, SecondByName: r.SecondByName, RejectedName: r.RejectedName, ToCards: r.ToMethod, ToBalance: r.Credited - r.ToMethod,
	}
	out.MayDecide = role.MayDecideMoney() && r.State.Open() && r.AskedBy != staff && r.FirstBy != staff && !r.MayBuy
	return out
}

// ApproveRefund approves a request. Finance and admin decide; above the amount of
// the seller file two of them, and never who asked or buys for the payer. With
// the last approval everything happens in one transaction: the unused part is
// worked out again, the subscription ends, credit notes are issued, the money
// goes to the balance and from there, where that was asked, back the way it came:
// to cards by itself, and as payouts that people send.
//
// Errors: NotFound and Forbidden as of mayDecide, Forbidden also for the second
// approval by the same person; Conflict for a request that is decided, and where
// nothing is unused any more: such a request can only be rejected.
func (a *App) ApproveRefund(ctx context.Context, staff account.Actor, id string) error {
	request, err := a.requestForDecision(ctx, staff, id)
	if err != nil {
		return err
	}
	if err := a.issueInvoices(ctx, request.SubscriptionID); err != nil {
		return err
	}
	return a.decide(ctx, staff, id, func(tx *store.Tx, r support.RefundRequest, payer account.Payer, s subscription.Subscription) error {
		u, err := a.unused(ctx, tx, s, true)
		if err != nil {
			return err
		}
		r, last, err := r.Approved(staff.AccountID, u.total, a.seller.SecondEyes, tx.Now())
		if err != nil {
			return err
		}
		by := audit.ByAccount(staff.AccountID)
		if !last {
			if err := tx.SaveRefundRequest(ctx, r); err != nil {
				return err
			}
			return auditRequest(ctx, tx, by, "refund_request.approved_once", r, u.total)
		}
		done, err := a.giveBack(ctx, tx, giveBack{
			subscription: s, payer: payer, periods: u.periods, shares: u.shares, taken: u.taken, toMethod: r.Target == support.TargetMethod,
			event: subscription.EventRefunded, reason: "doc.credit.reason.refund", request: occasionOf(r), by: by, days: u.days,
		})
		if err != nil {
			return err
		}
		r = r.Done(done.toMethod+done.toTransfer+done.toBalance, done.toMethod+done.toTransfer, tx.Now())
		if err := tx.SaveRefundRequest(ctx, r); err != nil {
			return err
		}
		return auditRequest(ctx, tx, by, "refund_request.done", r, done.total())
	})
}

// RejectRefund refuses a request, for a reason that the payer is shown. Who may
// approve it may reject it, alone.
func (a *App) RejectRefund(ctx context.Context, staff account.Actor, id, reason string) error {
	if _, err := a.requestForDecision(ctx, staff, id); err != nil {
		return err
	}
	return a.decide(ctx, staff, id, func(tx *store.Tx, r support.RefundRequest, _ account.Payer, _ subscription.Subscription) error {
		r, err := r.Rejected(staff.AccountID, clip(CleanText(reason), maxRefundReason), tx.Now())
		if err != nil {
			return err
		}
		if err := tx.SaveRefundRequest(ctx, r); err != nil {
			return err
		}
		return auditRequest(ctx, tx, audit.ByAccount(staff.AccountID), "refund_request.rejected", r, r.Total)
	})
}

// WithdrawRefundRequest takes a request back before it is decided. Who buys for
// the payer may; for everybody else it is NotFound.
func (a *App) WithdrawRefundRequest(ctx context.Context, actor account.Actor, id string) error {
	if !isUUID(id) {
		return fault.Missing("refund request")
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		seen, err := tx.RefundRequest(ctx, actor.AccountID, id)
		if err != nil {
			return err
		}
		if !seen.MayBuy {
			return fault.Missing("refund request")
		}
		if _, err := tx.LockPayer(ctx, seen.PayerID); err != nil {
			return err
		}
		locked, err := tx.LockRefundRequest(ctx, actor.AccountID, id)
		if err != nil {
			return err
		}
		return a.withdrawRequest(ctx, tx, locked.RefundRequest, audit.ByAccount(actor.AccountID))
	})
}

func (a *App) withdrawRequest(ctx context.Context, tx *store.Tx, r support.RefundRequest, by audit.Actor) error {
	r, err := r.Withdrawn(tx.Now())
	if err != nil {
		return err
	}
	if err := tx.SaveRefundRequest(ctx, r); err != nil {
		return err
	}
	return auditRequest(ctx, tx, by, "refund_request.withdrawn", r, r.Total)
}

// requestForDecision returns a request that staff is about to decide.
func (a *App) requestForDecision(ctx context.Context, staff account.Actor, id string) (store.RefundRequestOf, error) {
	var r store.RefundRequestOf
	if !isUUID(id) {
		return r, fault.Missing("refund request")
	}
	err := a.db.View(ctx, func(tx *store.Tx) error {
		if err := a.mayDecide(ctx, tx, staff); err != nil {
			return err
		}
		var err error
		r, err = tx.RefundRequest(ctx, staff.AccountID, id)
		return err
	})
	return r, err
}

// decide runs f with the payer, the subscription and the request locked, for
// staff who may decide about it.
func (a *App) decide(ctx context.Context, staff account.Actor, id string, f func(*store.Tx, support.RefundRequest, account.Payer, subscription.Subscription) error) error {
	return a.db.Update(ctx, func(tx *store.Tx) error {
		if err := a.mayDecide(ctx, tx, staff); err != nil {
			return err
		}
		seen, err := tx.RefundRequest(ctx, staff.AccountID, id)
		if err != nil {
			return err
		}
		payer, err := tx.LockPayer(ctx, seen.PayerID)
		if err != nil {
			return err
		}
		s, err := tx.LockSubscription(ctx, seen.SubscriptionID)
		if err != nil {
			return err
		}
		r, err := tx.LockRefundRequest(ctx, staff.AccountID, id)
		if err != nil {
			return err
		}
		if !r.State.Open() {
			return fault.New(fault.Conflict, "error.refund.decided")
		}
		if r.MayBuy { // one's own money
			return fault.New(fault.Forbidden, "error.refund.own")
		}
		return f(tx, r.RefundRequest, payer, s)
	})
}

func auditRequest(ctx context.Context, tx *store.Tx, by audit.Actor, action string, r support.RefundRequest, total money.Amount) error {
	return tx.AppendAudit(ctx, audit.Record{
		Actor: by, Action: action, ObjectKind: "refund_request", ObjectID: r.ID, PayerID: r.PayerID,
		Detail: map[string]any{"total_minor": total, "to_method_minor": r.ToMethod, "currency": r.Currency, "reason": r.RejectReason},
	})
}
