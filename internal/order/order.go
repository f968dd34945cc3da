package order

import (
	"fmt"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/pricing"
)

// State is where an order stands.
type State string

// The states of an order.
const (
	StateAwaitingPayment State = "awaiting_payment"
	StatePaid            State = "paid"
	StateExpired         State = "expired"
	StateCanceled        State = "canceled"
)

// Kind is what an order buys.
type Kind string

// The kinds of order.
const (
	KindNew     Kind = "new"     // starts a subscription
	KindRenewal Kind = "renewal" // extends one
)

// Method is how an order is to be paid.
type Method string

// The methods.
const (
	MethodBank    Method = "bank"    // a transfer against a bank invoice
	MethodCard    Method = "card"    // a card, at a payment provider
	MethodBalance Method = "balance" // what the payer has with us
)

// Order is a priced intent to pay. Amounts are minor units of Currency.
type Order struct {
	ID             string
	Number         string // "O-2026-000123"
	Reference      string // RF creditor reference (ISO 11649)
	Kind           Kind
	State          State
	PayerID        account.PayerID
	CustomerID     account.ID
	PlacedBy       account.ID // empty for a renewal that the program prepared
	SubscriptionID string     // the one it extends; of a new order, known once paid
	Selection      pricing.Selection
	PriceBook      string
	Currency       money.Currency
	Monthly        money.Amount // before the discount
	Discount       money.Amount
	Net            money.Amount
	VAT            money.Amount
	Total          money.Amount
	VATRow         string // the row of the VAT decision table expected at placing
	Method         Method
	PlacedAt       time.Time
	ValidUntil     civil.Date // last day on which price and rate are promised
	ClosedAt       time.Time  // zero while it waits for payment
}

// Number returns the printed order number of the nth order of a year.
func Number(prefix string, year int, n int64) string {
	return fmt.Sprintf("%s-%d-%06d", prefix, year, n)
}

// ReferenceBody returns what the RF reference of the nth order of a year is made
// of: digits only, so that it can be typed on a phone.
func ReferenceBody(year int, n int64) string { return fmt.Sprintf("%d%06d", year, n) }

// Open reports whether the order still waits for money on day on.
func (o Order) Open(on civil.Date) bool {
	return o.State == StateAwaitingPayment && !on.After(o.ValidUntil)
}
