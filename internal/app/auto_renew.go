package app

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/notice"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/subscription"
)

// maxSwitchedOn is how often auto-renewal of one subscription is switched on in a
// day: each time people are told. Off it goes whenever somebody says so.
const maxSwitchedOn = 20

// TurnAutoRenewOff switches auto-renewal off at once, and ends the consent to
// charge a saved method. charging says that such a charge was on its way already:
// what was let go before is not called back. Doing it twice is one change. The
// Customer who is not the Payer is Forbidden, anybody else NotFound.
func (a *App) TurnAutoRenewOff(ctx context.Context, actor account.Actor, id string) (charging bool, err error) {
	err = a.switchAutoRenew(ctx, actor, id, func(tx *store.Tx, s subscription.Subscription) error {
		var err error
		// The charge moment takes the subscription's lock, too: it was before or will see this.
		if charging, err = tx.ChargeUnderWay(ctx, id); err != nil {
			return err
		}
		off, changed, err := s.WithoutAutoRenew()
		if err != nil || !changed {
			return err
		}
		if err := tx.RevokeConsent(ctx, id); err != nil {
			return err
		}
		if err := tx.CheckChargesOf(ctx, id); err != nil {
			return err
		}
		return a.switched(ctx, tx, actor, off, subscription.EventAutoRenewOff, notice.AutoRenewOff, nil)
	})
	return charging, err
}

// Consent is what a payer agreed to on a page: that a saved method is charged.
type Consent struct {
	MethodID    string // empty for none: the balance pays, or a transfer
	ConsentID   string // key of the text
	ConsentText string // the text as it was shown
	IP          string
	UserAgent   string
	Language    string
}

// TurnAutoRenewOn switches auto-renewal back on. Renewals are paid from the
// balance or by transfer, or by the saved method that the payer agrees to have
// charged; what was agreed to before is over. Where it is on already only the
// method changes. A plan that is no longer sold
// cannot be renewed: Conflict, as is switching on too often in a day. A method
// that is not the payer's is Invalid on the field "method".
func (a *App) TurnAutoRenewOn(ctx context.Context, actor account.Actor, id string, c Consent) error {
	return a.switchAutoRenew(ctx, actor, id, func(tx *store.Tx, s subscription.Subscription) error {
		if !s.Selection.Plan.Orderable() {
			return fault.New(fault.Conflict, "error.subscription.retired")
		}
		on, changed, err := s.WithAutoRenew()
		if err != nil {
			return err
		}
		if !changed { // the same form again, or another card
			consent, err := tx.ConsentOf(ctx, id)
			if err != nil && !fault.Is(err, fault.NotFound) {
				return err
			}
			held, err := a.chargeable(ctx, tx, s, consent)
			if err != nil || c.MethodID == "" || held.ID == c.MethodID {
				return err
			}
		}
		if changed { // the subscription is locked, so what is counted stays counted
			n, err := tx.SwitchedOn(ctx, id, tx.Now().Add(-24*time.Hour))
			if err != nil {
				return err
			}
			if n >= maxSwitchedOn {
				return &fault.Error{Kind: fault.Conflict, Key: "error.subscription.switched", Args: fault.Args{"Count": maxSwitchedOn}}
			}
		}
		if err := tx.RevokeConsent(ctx, id); err != nil {
			return err
		}
		detail := map[string]any{}
		if c.MethodID != "" {
			if detail["consent"], err = a.agreeTo(ctx, tx, actor, s, c); err != nil {
				return err
			}
		}
		if !changed {
			return tx.AppendAudit(ctx, audit.Record{
				Actor: audit.ByAccount(actor.AccountID), Action: "subscription.method", ObjectKind: "subscription", ObjectID: id, PayerID: s.PayerID, Detail: detail,
			})
		}
		return a.switched(ctx, tx, actor, on, subscription.EventAutoRenewOn, notice.AutoRenewOn, detail)
	})
}

// agreeTo records a consent to charge a saved method for a subscription, and
// returns its id.
func (a *App) agreeTo(ctx context.Context, tx *store.Tx, actor account.Actor, s subscription.Subscription, c Consent) (string, error) {
	var method payment.Method
	err := error(fault.Missing("payment method"))
	if isUUID(c.MethodID) {
		method, err = tx.MethodOf(ctx, s.PayerID, c.MethodID)
	}
	if fault.Is(err, fault.NotFound) {
		return "", fault.Fields{{Name: "method", Key: "error.method.unknown"}}.Err()
	} else if err != nil {
		return "", err
	}
	if c.ConsentText == "" || c.ConsentID == "" {
		return "", fault.Wrap(fault.Invalid, "", fmt.Errorf("subscription %s: a card is to be charged without a consent", s.ID))
	}
	digest := sha256.Sum256([]byte(c.ConsentText))
	return tx.InsertConsent(ctx, payment.Consent{
		PayerID: s.PayerID, AccountID: actor.AccountID, Subject: s.ID, MethodID: method.ID, TextID: c.ConsentID, Language: c.Language,
		TextSHA256: digest[:], AmountRule: amountRule, Months: int(s.Selection.Period), IP: c.IP, UserAgent: c.UserAgent,
	})
}

// switchAutoRenew locks a subscription for somebody who pays for it, and has
// change switch it.
func (a *App) switchAutoRenew(ctx context.Context, actor account.Actor, id string, change func(*store.Tx, subscription.Subscription) error) error {
	if !isUUID(id) {
		return fault.Missing("subscription")
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		row, err := tx.LockSubscriptionOf(ctx, actor.AccountID, id)
		if err != nil {
			return err
		}
		if !row.Role.MayBuy() {
			return fault.New(fault.Forbidden, "error.subscription.not_payer")
		}
		return change(tx, row.Subscription)
	})
}

// switched stores a subscription that was switched, with its history.
func (a *App) switched(ctx context.Context, tx *store.Tx, actor account.Actor, s subscription.Subscription, kind subscription.EventKind, tell notice.Kind,
	detail map[string]any,
) error {
	if err := tx.SaveSubscription(ctx, s); err != nil {
		return err
	}
	by := audit.ByAccount(actor.AccountID)
	if err := tx.AppendSubscriptionEvent(ctx, s.ID, subscription.Event{At: tx.Now(), Kind: kind, Actor: string(by), PaidUntil: s.PaidUntil}); err != nil {
		return err
	}
	if err := a.notify(ctx, tx, a.noticeOf(s, tell, newToken())); err != nil {
		return err
	}
	return tx.AppendAudit(ctx, audit.Record{
		Actor: by, Action: "subscription." + string(kind), ObjectKind: "subscription", ObjectID: s.ID, PayerID: s.PayerID, Detail: detail,
	})
}
