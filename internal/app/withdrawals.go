package app

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/notice"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/subscription"
	"github.com/siptg/portal/internal/vat"
)

// withdrawalLife is how long a withdrawal can be confirmed as it was shown.
const withdrawalLife = time.Hour

// WithdrawalOffer is what a consumer in the EU may withdraw from: the orders that
// were concluded within the last 14 days. Each comes back in full. We do not ask
// for the express request to begin at once (Directive 2011/83/EU art. 7(3), 8(8)),
// so the consumer bears no cost of what was used meanwhile (art. 14(4)(a)(i)).
type WithdrawalOffer struct {
	Subscription subscription.Subscription
	Orders       []WithdrawnOrder // oldest first
	Total        money.Amount
	Currency     money.Currency
	ToMethod     money.Amount // to the cards that paid (art. 13(1): the same means of payment)
	ToTransfer   money.Amount // to the accounts that paid by transfer; people send it
	ToBalance    money.Amount // the rest: it came from the balance
	Last         civil.Date   // the first of their last days
	Ends         bool         // the subscription ends; else it is paid until Until
	Until        time.Time
	Token        string // of what is shown
}

// WithdrawnOrder is an order that is withdrawn from, as a receipt says.
type WithdrawnOrder struct {
	Number     string       `json:"number"`
	Invoice    string       `json:"invoice,omitzero"`
	CreditNote string       `json:"credit_note,omitzero"` // once it is done
	Concluded  time.Time    `json:"concluded"`
	Last       civil.Date   `json:"last"` // day on which it could be withdrawn from
	Total      money.Amount `json:"total"`
	ToMethod   money.Amount `json:"to_method"`
	Card       string       `json:"card,omitzero"`    // its label, where it is known
	Account    string       `json:"account,omitzero"` // of a transfer, where it is known
}

// Withdrawal is the receipt of a withdrawal, as it was given: what was withdrawn
// from and when it was declared (art. 11(3): on a durable medium).
type Withdrawal struct {
	ID             string           `json:"-"`
	SubscriptionID string           `json:"-"`
	At             time.Time        `json:"at"`
	By             string           `json:"by"` // who declared it
	Payer          string           `json:"payer"`
	Customer       string           `json:"customer"`
	Plan           string           `json:"plan"`
	Orders         []WithdrawnOrder `json:"orders"`
	Total          money.Amount     `json:"total"`
	ToMethod       money.Amount     `json:"to_method"`
	ToTransfer     money.Amount     `json:"to_transfer,omitzero"`
	ToBalance      money.Amount     `json:"to_balance"`
	Payouts        []Payout         `json:"-"` // what became of ToTransfer since
	Currency       money.Currency   `json:"currency"`
	Ended          bool             `json:"ended"`
	Until          time.Time        `json:"until"` // paid until afterwards
}

// withdrawable is what a subscription's payer may withdraw from now.
type withdrawable struct {
	offer   WithdrawalOffer
	periods []subscription.PaidPeriod
	shares  []share
	taken   map[int]money.Amount
}

// WithdrawalOffer works out what one of the actor's subscriptions can be
// withdrawn from now. Nothing happens yet.
//
// Errors: NotFound for what the actor does not see; Forbidden for the Customer
// who does not pay; Conflict for a subscription that is over, and where there is
// nothing to withdraw from (error.withdrawal.none): companies, payers outside
// the EU, and orders of longer ago. While a payment of an order is disputed it is
// Conflict too (error.refund.disputed): the same money may be on its way already.
func (a *App) WithdrawalOffer(ctx context.Context, actor account.Actor, subscriptionID string) (WithdrawalOffer, error) {
	if !isUUID(subscriptionID) {
		return WithdrawalOffer{}, fault.Missing("subscription")
	}
	var w withdrawable
	err := a.db.View(ctx, func(tx *store.Tx) error {
		seen, err := managed(ctx, tx, actor, subscriptionID)
		if err != nil {
			return err
		}
		if w, err = a.withdrawable(ctx, tx, seen.Subscription, false); err != nil {
			return err
		}
		w.offer.Token, err = a.sealWithdrawal(w.offer, tx.Now())
		return err
	})
	return w.offer, err
}

// withdrawable works out what can be withdrawn from. With lock, orders and their
// payments are locked.
func (a *App) withdrawable(ctx context.Context, tx *store.Tx, s subscription.Subscription, lock bool) (withdrawable, error) {
	w := withdrawable{offer: WithdrawalOffer{Subscription: s, Currency: s.Currency}, taken: map[int]money.Amount{}}
	if s.State != subscription.StateActive {
		return w, fault.New(fault.Conflict, "error.subscription.ended")
	}
	var err error
	if w.periods, err = tx.PaidPeriods(ctx, s.ID); err != nil {
		return w, err
	}
	var parts []subscription.UnusedPart
	last := map[string]civil.Date{}
	for _, p := range w.periods {
		if p.OrderID == "" {
			continue
		}
		settled, err := tx.Settlement(ctx, p.OrderID)
		if err != nil {
			return w, err
		}
		may, day := subscription.Withdrawable(settled.Buyer.Kind, vat.MemberState(settled.Buyer.Country), settled.At, tx.Now(), a.seller.Zone)
		if !may {
			continue
		}
		last[p.OrderID] = day
		parts = append(parts, subscription.UnusedPart{PaidPeriod: p, Credit: settled.Net})
	}
	if w.shares, err = a.shares(ctx, tx, parts, lock); err != nil {
		return w, err
	}
	if len(w.shares) == 0 {
		return w, fault.New(fault.Conflict, "error.withdrawal.none")
	}
	for _, x := range w.shares {
		cards, transfers := x.back()
		o := WithdrawnOrder{
			Number: x.order.Number, Concluded: x.settled.At, Last: last[x.order.ID], Total: x.total() - x.forgiven, ToMethod: cards,
		}
		if o.Invoice, err = tx.InvoiceOfOrder(ctx, x.order.ID); err != nil && !fault.Is(err, fault.NotFound) {
			return w, err
		}
		labels, accounts := x.labels()
		o.Card, o.Account = strings.Join(labels, ", "), strings.Join(accounts, ", ")
		if w.offer.Last.IsZero() || o.Last.Before(w.offer.Last) {
			w.offer.Last = o.Last
		}
		w.offer.Orders = append(w.offer.Orders, o)
		w.offer.Total, w.offer.ToMethod, w.offer.ToTransfer = w.offer.Total+o.Total, w.offer.ToMethod+cards, w.offer.ToTransfer+transfers
		w.taken[x.part.Number] = x.net
	}
	w.offer.ToBalance = w.offer.Total - w.offer.ToMethod - w.offer.ToTransfer
	short, err := s.Without(w.periods, w.taken, tx.Now(), a.seller.Zone)
	w.offer.Ends, w.offer.Until = short.State == subscription.StateEnded, short.PaidUntil
	return w, err
}

// Withdraw withdraws from what an offer's token names, and returns the id of the
// receipt. Nobody has to agree. The same form sent twice is one withdrawal.
//
// Errors: as of WithdrawalOffer; Invalid for a token that is none; Conflict with
// key error.withdrawal.moved where what was shown no longer holds.
func (a *App) Withdraw(ctx context.Context, actor account.Actor, subscriptionID, token string) (id string, err error) {
	if !isUUID(subscriptionID) {
		return "", fault.Missing("subscription")
	}
	// What is not the actor's is told apart before invoices are issued.
	err = a.db.View(ctx, func(tx *store.Tx) error {
		_, err := managed(ctx, tx, actor, subscriptionID)
		return err
	})
	if err != nil {
		return "", err
	}
	shown, err := a.openWithdrawal(token)
	if err != nil {
		return "", err
	}
	if shown.ID != subscriptionID {
		return "", fault.New(fault.Conflict, "error.withdrawal.moved")
	}
	if err := a.issueInvoices(ctx, subscriptionID); err != nil {
		return "", err
	}
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		s, err := a.lockRefundable(ctx, tx, actor, subscriptionID)
		if err != nil {
			return err
		}
		if id, err = a.withdrawnBefore(ctx, tx, shown); err != nil || id != "" {
			return err
		}
		w, err := a.withdrawable(ctx, tx, s, true)
		if err != nil {
			return err
		}
		if tx.Now().Unix() > shown.Until || !contentOfWithdrawal(w.offer, shown.Until).equal(shown) {
			return fault.New(fault.Conflict, "error.withdrawal.moved")
		}
		id, err = a.withdraw(ctx, tx, actor, s, w)
		return err
	})
	return id, err
}

// withdrawnBefore returns the id of the withdrawal from all the orders shown; ""
// for none.
func (a *App) withdrawnBefore(ctx context.Context, tx *store.Tx, shown shownWithdrawal) (id string, err error) {
	for _, number := range shown.Orders {
		o, err := tx.OrderByReference(ctx, number)
		if err != nil {
			return "", err
		}
		if o.SubscriptionID != shown.ID {
			return "", fault.New(fault.Conflict, "error.withdrawal.moved")
		}
		of, err := tx.WithdrawalOfOrder(ctx, o.ID)
		if fault.Is(err, fault.NotFound) {
			return "", nil
		} else if err != nil {
			return "", err
		}
		if id != "" && of != id {
			return "", fault.New(fault.Conflict, "error.withdrawal.moved")
		}
		id = of
	}
	return id, nil
}

// withdraw does what an offer says. The payer and the subscription are locked.
func (a *App) withdraw(ctx context.Context, tx *store.Tx, actor account.Actor, s subscription.Subscription, w withdrawable) (string, error) {
	payer, err := tx.LockPayer(ctx, s.PayerID)
	if err != nil {
		return "", err
	}
	customer, err := tx.Account(ctx, s.CustomerID)
	if err != nil {
		return "", err
	}
	by := audit.ByAccount(actor.AccountID)
	if w.offer.Ends { // what was asked of people is answered by this
		open, err := tx.OpenRefundRequest(ctx, s.ID)
		if err == nil {
			err = a.withdrawRequest(ctx, tx, open.RefundRequest, by)
		}
		if err != nil && !fault.Is(err, fault.NotFound) {
			return "", err
		}
	}
	done, err := a.giveBack(ctx, tx, giveBack{
		subscription: s, payer: payer, periods: w.periods, shares: w.shares, taken: w.taken, toMethod: true, event: subscription.EventWithdrawn,
		reason: "doc.credit.reason.withdrawal", whole: true, request: "withdrawal " + w.shares[0].order.ID, by: by,
	})
	if err != nil {
		return "", err
	}
	receipt := Withdrawal{
		At: tx.Now(), By: actor.Name, Payer: payer.Name, Customer: customerLabel(customer), Plan: string(s.Selection.Plan),
		Orders: w.offer.Orders, Total: w.offer.Total, ToMethod: done.toMethod, ToTransfer: done.toTransfer, ToBalance: done.toBalance,
		Currency: s.Currency,
		Ended:    done.subscription.State == subscription.StateEnded, Until: done.subscription.PaidUntil,
	}
	orders := make([]string, len(w.shares))
	for i, x := range w.shares {
		receipt.Orders[i].CreditNote, orders[i] = done.documents[i], x.order.ID
	}
	content, err := json.Marshal(receipt)
	if err != nil {
		return "", err
	}
	id, err := tx.InsertWithdrawal(ctx, store.Withdrawal{PayerID: payer.ID, SubscriptionID: s.ID, AccountID: actor.AccountID, Receipt: content}, orders)
	if err != nil {
		return "", err
	}
	if err := tx.AppendAudit(ctx, audit.Record{
		Actor: by, Action: "withdrawal.declared", ObjectKind: "withdrawal", ObjectID: id, PayerID: payer.ID,
		Detail: map[string]any{"orders": done.orders, "total_minor": w.offer.Total, "currency": s.Currency},
	}); err != nil {
		return "", err
	}
	method := methodBalance
	switch {
	case done.toMethod > 0:
		method = methodCard
	case done.toTransfer > 0:
		method = methodBank
	}
	return id, a.notify(ctx, tx, notice.Notice{
		Key: "withdrawn " + id, Kind: notice.Withdrawn, PayerID: payer.ID, SubscriptionID: s.ID, OrderNumber: done.orders[0],
		Facts: notice.Facts{
			Plan: receipt.Plan, Amount: receipt.Total, Currency: s.Currency, On: a.inZone(tx.Now()), Until: receipt.Until, Method: method,
			Document: done.documents[0],
		},
	})
}

// Withdrawal returns the receipt of a withdrawal of a payer that the actor buys
// for, or NotFound.
func (a *App) Withdrawal(ctx context.Context, actor account.Actor, id string) (Withdrawal, error) {
	if !isUUID(id) {
		return Withdrawal{}, fault.Missing("withdrawal")
	}
	var w Withdrawal
	err := a.db.View(ctx, func(tx *store.Tx) error {
		row, err := tx.WithdrawalOf(ctx, actor.AccountID, id)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(row.Receipt, &w); err != nil {
			return fmt.Errorf("app: receipt %s: %w", id, err)
		}
		w.ID, w.SubscriptionID = row.ID, row.SubscriptionID
		if w.ToTransfer == 0 {
			return nil
		}
		notes := make([]string, len(w.Orders))
		for i, o := range w.Orders {
			notes[i] = o.CreditNote
		}
		payouts, err := tx.PayoutsFor(ctx, nil, notes)
		for _, p := range payouts {
			w.Payouts = append(w.Payouts, payout(p))
		}
		return err
	})
	return w, err
}

// mayWithdraw reports whether the history of a subscription shows an order that
// its payer may still withdraw from, and until which day: what its page needs to
// know to show the link. WithdrawalOffer decides by what each order was settled as.
func (a *App) mayWithdraw(row store.SubscriptionOf, history []store.EventOf, now time.Time) (last civil.Date, ok bool) {
	if row.State != subscription.StateActive {
		return last, false
	}
	for _, e := range history {
		if e.Kind == subscription.EventWithdrawn { // from everything that was possible then
			ok = false
		}
		if e.Kind == subscription.EventStarted || e.Kind == subscription.EventExtended {
			may, day := subscription.Withdrawable(row.Tax.Kind, vat.MemberState(row.Tax.Country), e.At, now, a.seller.Zone)
			if ok = may; may {
				last = day
			}
		}
	}
	return last, ok
}

// shownWithdrawal is the content of an offer's token: what the person was shown.
type shownWithdrawal struct {
	ID     string
	Orders []string
	Total  money.Amount
	Ends   bool
	Until  int64 // Unix seconds
}

func (w shownWithdrawal) equal(x shownWithdrawal) bool {
	return w.ID == x.ID && slices.Equal(w.Orders, x.Orders) && w.Total == x.Total && w.Ends == x.Ends && w.Until == x.Until
}

func contentOfWithdrawal(o WithdrawalOffer, until int64) shownWithdrawal {
	shown := shownWithdrawal{ID: o.Subscription.ID, Total: o.Total, Ends: o.Ends, Until: until}
	for _, x := range o.Orders {
		shown.Orders = append(shown.Orders, x.Number)
	}
	return shown
}

func (a *App) sealWithdrawal(o WithdrawalOffer, now time.Time) (string, error) {
	body, err := json.Marshal(contentOfWithdrawal(o, now.Add(withdrawalLife).Unix()))
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(append(body, a.macOfWithdrawal(body)...)), nil
}

// macOfWithdrawal is not the mac of a quote or a change with the same bytes.
func (a *App) macOfWithdrawal(body []byte) []byte {
	return mac(mac(a.quoteKey, []byte("withdrawal")), body)
}

func (a *App) openWithdrawal(token string) (shownWithdrawal, error) {
	var w shownWithdrawal
	body, err := opened(token, a.macOfWithdrawal)
	if err != nil {
		return w, err
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if decoder.Decode(&w) != nil || len(w.Orders) == 0 {
		return shownWithdrawal{}, fault.New(fault.Invalid, "error.quote.invalid")
	}
	return w, nil
}
