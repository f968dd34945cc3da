package payment

import (
	"fmt"
	"time"

	"github.com/siptg/portal/internal/money"
)

// The providers that are no service of others: what they do is done in the
// transaction that moves the money, so nobody has to be asked
// (docs/adr/0018-bank-and-balance-are-payments.md).
const (
	ProviderBank    = "bank"    // a transfer, on an imported statement
	ProviderBalance = "balance" // what the payer has with us
)

// AccountBalance is our account at ProviderBalance. At the bank it is the IBAN.
const AccountBalance = "internal"

// OwnCapabilities returns what one of these can do; ok is false for any other.
func OwnCapabilities(provider string) (c Capabilities, ok bool) {
	switch provider {
	case ProviderBank: // refunds are transfers that a person makes
		return Capabilities{AsyncSettlement: true, MayUnderpay: true}, true
	case ProviderBalance:
		return Capabilities{SavedCharge: true, Refund: true, PartialRefund: true}, true
	}
	return Capabilities{}, false
}

// Entered brings a payment at one of these to its end, with received of its
// amount there at an instant: by the same rules as any other provider's view.
func Entered(p Payment, received money.Amount, at time.Time) (Payment, []Effect, error) {
	if _, own := OwnCapabilities(p.Provider); !own {
		return p, nil, fmt.Errorf("payment %s is at %s, which has to be asked", p.ID, p.Provider)
	}
	p, effects, err := Apply(p, Snapshot{
		Ref: p.Ref, PaymentID: p.ID, State: Succeeded, Amount: p.Amount, Received: money.Of(received, p.Amount.Currency), AsOf: at,
	})
	if err == nil && p.State != Succeeded {
		err = fmt.Errorf("payment %s of %s is %s with %s: %v", p.ID, p.Amount, p.State, received.Decimal(), effects)
	}
	return p, effects, err
}
