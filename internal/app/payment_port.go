package app

import (
	"context"
	"time"

	"github.com/siptg/portal/internal/payment"
)

// PaymentProvider is somebody who takes payments for us: a card processor, the
// bank, the payer's balance. What it says is an Outcome; an error is a fault of
// ours. It is never called inside a transaction.
type PaymentProvider interface {
	Name() string
	Account() string // ours at the provider
	Capabilities() payment.Capabilities
	CreateCheckout(ctx context.Context, r payment.CheckoutRequest) (payment.Checkout, payment.Result)
	// Lookup returns the provider's whole view, by its id or, where that was lost,
	// by ours. The view counts unless the outcome is unknown or not sent.
	Lookup(ctx context.Context, ref string, id payment.ID) (payment.Snapshot, payment.Result)
	// ParseWebhook verifies first. It fails with payment.ErrBadSignature or
	// payment.ErrIgnored.
	ParseWebhook(ctx context.Context, w payment.RawWebhook) ([]payment.Event, error)
}

// storeTime is what the call of a provider leaves of a request's time, so that
// what came of it can still be written down and told.
const storeTime = 3 * time.Second

// calling is the context of a provider's call within ctx.
func calling(ctx context.Context) (context.Context, context.CancelFunc) {
	if end, ok := ctx.Deadline(); ok {
		return context.WithDeadline(ctx, end.Add(-storeTime))
	}
	return context.WithCancel(ctx)
}

// SavedCharger is a provider that charges a saved method while the payer is away.
type SavedCharger interface {
	ChargeSaved(ctx context.Context, r payment.ChargeRequest) payment.Result
}

// Refunder is a provider that sends money back.
type Refunder interface {
	Refund(ctx context.Context, r payment.RefundRequest) payment.Result
}

// Canceler is a provider that ends a payment that nobody has paid.
type Canceler interface {
	Cancel(ctx context.Context, ref, idempotencyKey string) payment.Result
}
