package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"net/http"

	"github.com/siptg/portal/internal/failpoint"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/store"
)

// ReceiveWebhook verifies a webhook, keeps it once, and enqueues what it asks
// for. status is what the provider wants to hear. A signature that does not fit
// is Invalid, and nothing is kept; a provider that we do not have is NotFound.
func (a *App) ReceiveWebhook(ctx context.Context, providerName string, raw payment.RawWebhook) (status int, err error) {
	provider := a.providers[providerName]
	if provider == nil {
		return 0, fault.Missing("provider")
	}
	raw.ReceivedAt = a.now()
	digest := sha256.Sum256(raw.Body)
	state := store.WebhookPending
	events, err := provider.ParseWebhook(ctx, raw)
	switch {
	case errors.Is(err, payment.ErrBadSignature):
		return 0, fault.Wrap(fault.Invalid, "", err)
	case errors.Is(err, payment.ErrIgnored):
		state, events = store.WebhookIgnored, []payment.Event{{Key: "ignored " + hex.EncodeToString(digest[:])}}
	case err != nil:
		return 0, err
	}
	headers := maps.Clone(raw.Header)
	for _, secret := range []string{"Cookie", "Authorization"} {
		delete(headers, secret)
	}
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		for _, e := range events {
			id, isNew, err := tx.InsertInbox(ctx, store.Webhook{
				Provider: providerName, Account: provider.Account(), Key: e.Key, Type: e.Type, Ref: e.Ref, PaymentID: string(e.PaymentID),
				OccurredAt: e.OccurredAt, Body: raw.Body, Headers: headers, BodySHA256: digest[:], State: state,
			})
			if err != nil {
				return err
			}
			if isNew && state == store.WebhookPending {
				failpoint.Here("webhook.kept")
				if err := a.queue.ProcessWebhook(ctx, tx, id); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	failpoint.Here("webhook.committed")
	if status = provider.Capabilities().WebhookOK; status == 0 {
		status = http.StatusOK
	}
	return status, nil
}

// ProcessWebhook looks at the payment that a kept webhook names. The webhook is
// a hint; only the provider's answer to our own question counts (I24). last says
// that nobody tries again.
func (a *App) ProcessWebhook(ctx context.Context, inboxID int64, last bool) error {
	w, id, err := a.webhook(ctx, inboxID)
	if err != nil || w.State != store.WebhookPending {
		return err
	}
	state := store.WebhookDone
	var cause error
	if id == "" {
		state = store.WebhookIgnored
	} else if cause = a.look(ctx, id, inboxID); cause != nil {
		state = store.WebhookPending
		if last {
			state = store.WebhookFailed
		}
	}
	failpoint.Here("webhook.looked")
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		current, err := tx.LockInbox(ctx, inboxID)
		if err != nil || current.State != store.WebhookPending {
			return err
		}
		if state == store.WebhookFailed {
			if err := a.webhookFailed(ctx, tx, id, inboxID); err != nil {
				return err
			}
		}
		return tx.SaveInbox(ctx, inboxID, state, cause)
	})
	return errors.Join(cause, err)
}

// webhookFailed calls a person. Nobody looks at a payment that has ended unless a
// webhook says so: what it was about, a dispute perhaps, is not in the ledger.
func (a *App) webhookFailed(ctx context.Context, tx *store.Tx, id payment.ID, inboxID int64) error {
	p, err := tx.Payment(ctx, id)
	if err != nil {
		return err
	}
	a.log.Error("a webhook could not be worked off", "inbox", inboxID, "payment", id)
	return a.alert(ctx, tx, p, alertWebhookFailed)
}

// alertWebhookFailed is for a payment that could not be looked at when its
// provider asked for it.
const alertWebhookFailed payment.AlertCode = "webhook_failed"

// webhook returns a kept webhook and the payment of ours that it is about; ""
// for none.
func (a *App) webhook(ctx context.Context, inboxID int64) (w store.Webhook, id payment.ID, err error) {
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		if w, err = tx.LockInbox(ctx, inboxID); err != nil {
			return err
		}
		var p payment.Payment
		err := error(fault.Missing("payment"))
		if isUUID(w.PaymentID) {
			p, err = tx.Payment(ctx, payment.ID(w.PaymentID))
		} else if w.Ref != "" {
			p, err = tx.PaymentByRef(ctx, w.Provider, w.Account, w.Ref)
		}
		if err == nil && p.Provider == w.Provider && p.Account == w.Account {
			id = p.ID
		}
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		return err
	})
	return w, id, err
}
