package app

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/ledger"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/notice"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/subscription"
)

// changeLife is how long a change can be confirmed as it was shown. The new end
// moves while the page is open: time goes by at the old price.
const changeLife = time.Hour

// ChangePreview is what a change would do if it were made now.
type ChangePreview struct {
	Subscription subscription.Subscription // as it is
	Change       subscription.Change
	Renewals     []order.Order // that wait for money and would be canceled: they are for the old options
	Token        string        // of what is shown
}

// ChangeableSubscription returns a subscription that the actor may change now,
// with its history.
//
// Errors: NotFound and Forbidden as for every change; Conflict for a subscription
// that is over, whose plan is no longer sold, or that has no paid time left.
func (a *App) ChangeableSubscription(ctx context.Context, actor account.Actor, id string) (SubscriptionItem, error) {
	item, err := a.Subscription(ctx, actor, id)
	switch {
	case err != nil:
		return SubscriptionItem{}, err
	case !item.MayManage:
		return SubscriptionItem{}, fault.New(fault.Forbidden, "error.subscription.not_payer")
	case item.InGrace:
		return SubscriptionItem{}, fault.New(fault.Conflict, "error.change.nothing_left")
	}
	return item, changeable(item.Subscription)
}

// PreviewChange works out the change of a subscription to other options. Nothing
// happens yet.
//
// Errors: NotFound and Forbidden as for every change; Invalid for options that
// are not sold or the same as now; Conflict for a subscription that is over, has
// no paid time left, would last too long, or of which a payment is disputed while
// something would go to the balance.
func (a *App) PreviewChange(ctx context.Context, actor account.Actor, id string, options pricing.Options) (ChangePreview, error) {
	if !isUUID(id) {
		return ChangePreview{}, fault.Missing("subscription")
	}
	var p ChangePreview
	err := a.db.View(ctx, func(tx *store.Tx) error {
		seen, err := managed(ctx, tx, actor, id)
		if err != nil {
			return err
		}
		if err := changeable(seen.Subscription); err != nil {
			return err
		}
		p, err = a.previewChange(ctx, tx, seen.Subscription, options)
		return err
	})
	return p, err
}

func (a *App) previewChange(ctx context.Context, tx *store.Tx, s subscription.Subscription, options pricing.Options) (ChangePreview, error) {
	to := s.Selection
	to.Options = options
	if err := pricing.Check(to).Err(); err != nil {
		return ChangePreview{}, err
	}
	periods, err := tx.PaidPeriods(ctx, s.ID)
	if err != nil {
		return ChangePreview{}, err
	}
	p := ChangePreview{Subscription: s}
	if p.Change, err = subscription.Preview(s, periods, to, a.priceBy, tx.Now(), a.seller.Zone); err != nil {
		return ChangePreview{}, err
	}
	if p.Change.Credit > 0 { // to the balance, of what a disputed payment paid: it waits, as refunds do
		for _, period := range p.Change.Periods {
			if period.OrderID == "" {
				continue
			}
			if disputed, err := tx.OrderDisputed(ctx, period.OrderID); err != nil {
				return ChangePreview{}, err
			} else if disputed {
				return ChangePreview{}, fault.New(fault.Conflict, "error.change.disputed")
			}
		}
	}
	changes, err := tx.ChangeCount(ctx, s.ID)
	if err != nil {
		return ChangePreview{}, err
	}
	open, err := tx.OpenRenewals(ctx, s.ID)
	if err != nil {
		return ChangePreview{}, err
	}
	for _, o := range open {
		if sameService(s, o) {
			p.Renewals = append(p.Renewals, o)
		}
	}
	p.Token, err = a.sealChange(p, changes, tx.Now())
	return p, err
}

// priceBy prices a selection by the book with that id.
func (a *App) priceBy(id string, s pricing.Selection) (pricing.Price, error) {
	book, ok := a.seller.Books.ByID(id)
	if !ok {
		return pricing.Price{}, fmt.Errorf("price book %q, by which time was paid, is not configured", id)
	}
	return book.Price(s)
}

// ChangeSubscription changes a subscription to other options at no charge, as it
// was shown under the token: the value of the unused time is kept
// (product.md, "Change of an active subscription"). The same form sent twice is
// one change.
//
// Errors: as of PreviewChange; Invalid for a token that is none, Conflict with
// key error.change.moved when what was shown no longer holds.
func (a *App) ChangeSubscription(ctx context.Context, actor account.Actor, id string, options pricing.Options, token string) error {
	if !isUUID(id) {
		return fault.Missing("subscription")
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		s, _, err := a.lockForChange(ctx, tx, actor, id)
		if err != nil {
			return err
		}
		shown, err := a.openChange(token)
		if err != nil {
			return err
		}
		if shown.ID != s.ID || shown.To != options {
			return fault.New(fault.Conflict, "error.change.moved")
		}
		changes, err := tx.ChangeCount(ctx, s.ID)
		if err != nil {
			return err
		}
		if changes == shown.Changes+1 && s.Selection.Options == options { // the same form again
			return nil
		}
		if changes != shown.Changes || tx.Now().Unix() > shown.Until || !s.PaidUntil.Equal(time.Unix(shown.OldUntil, 0)) {
			return fault.New(fault.Conflict, "error.change.moved")
		}
		p, err := a.previewChange(ctx, tx, s, options)
		if err != nil {
			return err
		}
		if a.contentOf(p, changes, shown.Until) != shown {
			return fault.New(fault.Conflict, "error.change.moved")
		}
		return a.change(ctx, tx, p, changes+1, audit.ByAccount(actor.AccountID))
	})
}

// change does what a preview says. The payer and the subscription are locked.
func (a *App) change(ctx context.Context, tx *store.Tx, p ChangePreview, number int, by audit.Actor) error {
	c, id := p.Change, p.Subscription.ID
	if err := tx.SupersedePeriods(ctx, id, c.Periods[0].Number); err != nil {
		return err
	}
	for _, period := range c.Periods {
		if err := tx.AppendPeriod(ctx, id, period, number); err != nil {
			return err
		}
	}
	s := p.Subscription.Changed(c)
	if err := tx.SaveSubscription(ctx, s); err != nil {
		return err
	}
	if c.Credit > 0 {
		credit := ledger.ChangeCredit(s.PayerID, money.Of(c.Credit, s.Currency), c.Periods[0].OrderID, tx.Now())
		if err := tx.AppendEntry(ctx, credit); err != nil {
			return err
		}
	}
	for _, o := range p.Renewals {
		if err := a.cancelForChange(ctx, tx, o, by); err != nil {
			return err
		}
	}
	if err := a.notify(ctx, tx, notice.Notice{
		Key: fmt.Sprintf("changed %s %d", id, number), Kind: notice.Changed, PayerID: s.PayerID, SubscriptionID: id,
		Facts: notice.Facts{Plan: string(s.Selection.Plan), Until: s.PaidUntil, Amount: c.Credit, Currency: s.Currency},
	}); err != nil {
		return err
	}
	if err := tx.AppendSubscriptionEvent(ctx, id, subscription.Event{
		At: tx.Now(), Kind: subscription.EventChanged, Actor: string(by), Days: c.Days, PaidUntil: s.PaidUntil,
	}); err != nil {
		return err
	}
	return tx.AppendAudit(ctx, audit.Record{
		Actor: by, Action: "subscription." + string(subscription.EventChanged), ObjectKind: "subscription", ObjectID: id, PayerID: s.PayerID,
		Detail: map[string]any{
			"from": c.From.Options, "to": c.To.Options, "value": c.Value, "old_until": c.OldUntil, "new_until": c.NewUntil,
			"credit_minor": c.Credit, "currency": s.Currency,
		},
	})
}

// cancelForChange withdraws a renewal's order that is for the options before a
// change.
func (a *App) cancelForChange(ctx context.Context, tx *store.Tx, o order.Order, by audit.Actor) error {
	locked, err := tx.LockOrder(ctx, o.ID)
	if err != nil || locked.State != order.StateAwaitingPayment {
		return err
	}
	if err := tx.CloseOrder(ctx, o.ID, order.StateCanceled, ""); err != nil {
		return err
	}
	if err := tx.CheckPaymentsOf(ctx, o.ID); err != nil {
		return err
	}
	return tx.AppendAudit(ctx, audit.Record{
		Actor: by, Action: "order.canceled", ObjectKind: "order", ObjectID: o.ID, PayerID: o.PayerID, Detail: map[string]any{"number": o.Number},
	})
}

// shownChange is the content of a preview's token: what the person was shown.
// The end is held to the day, because it moves by the second.
type shownChange struct {
	ID                     string
	To                     pricing.Options
	Changes                int // how many there were before
	OldUntil               int64
	NewDay                 string
	OldMonthly, NewMonthly money.Amount
	Credit                 money.Amount
	Until                  int64 // Unix seconds
}

func (a *App) contentOf(p ChangePreview, changes int, until int64) shownChange {
	c := p.Change
	return shownChange{
		ID: p.Subscription.ID, To: c.To.Options, Changes: changes, OldUntil: c.OldUntil.Unix(), NewDay: a.inZone(c.NewUntil).String(),
		OldMonthly: c.OldMonthly, NewMonthly: c.NewMonthly, Credit: c.Credit, Until: until,
	}
}

func (a *App) sealChange(p ChangePreview, changes int, now time.Time) (string, error) {
	body, err := json.Marshal(a.contentOf(p, changes, now.Add(changeLife).Unix()))
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(append(body, a.macOfChange(body)...)), nil
}

// macOfChange is not the mac of a quote with the same bytes.
func (a *App) macOfChange(body []byte) []byte { return mac(mac(a.quoteKey, []byte("change")), body) }

func (a *App) openChange(token string) (shownChange, error) {
	var s shownChange
	body, err := opened(token, a.macOfChange)
	if err != nil {
		return s, err
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if decoder.Decode(&s) != nil {
		return shownChange{}, fault.New(fault.Invalid, "error.quote.invalid")
	}
	return s, nil
}
