package payment

import (
	"errors"
	"fmt"
	"time"

	"github.com/siptg/portal/internal/money"
)

// Outcome is what a provider's answer means. Go's error is for our own faults;
// what the provider says, or fails to say, is an Outcome.
type Outcome int

// The outcomes.
const (
	OutcomeUnknown        Outcome = iota // timeout after the request left, 5xx, unreadable answer
	OutcomeSucceeded                     // done; Result.Snapshot has the amounts
	OutcomePending                       // accepted; the end comes by webhook or look-up
	OutcomeActionRequired                // the payer must go to Result.PayerURL
	OutcomeDeclined                      // definite; Result.Decline says whether another try may help
	OutcomeNotSent                       // surely not executed: dial error, 4xx on our parameters
)

// String names the outcome as it is stored.
func (o Outcome) String() string {
	names := [...]string{"unknown", "succeeded", "pending", "action_required", "declined", "not_sent"}
	if o < 0 || int(o) >= len(names) {
		return fmt.Sprintf("outcome %d", int(o))
	}
	return names[o]
}

// Decline is a definite no.
type Decline struct {
	Code      string // the provider's, for the log and the person who asks
	Retryable bool   // another try may help: too little money, not a stolen card
}

// Result is a provider's answer to one operation.
type Result struct {
	Outcome  Outcome
	Ref      string // the provider's id of what was made: payment or refund
	PayerURL string
	Decline  *Decline  // of OutcomeDeclined
	Snapshot *Snapshot // where the answer carried the whole view
	Detail   string    // for the log; no secrets, no personal data
}

// Snapshot is the provider's whole view of a payment, never a difference.
type Snapshot struct {
	Ref       string
	PaymentID ID
	State     State // Absent: the provider does not know the payment
	Amount    money.Money
	Received  money.Money
	Refunded  money.Money
	Disputed  money.Money // withdrawn by open and lost disputes
	PayerURL  string
	Method    *SavedMethod // kept for later charges
	Refunds   []RefundView
	Disputes  []DisputeView
	AsOf      time.Time // by the provider's clock
}

// RefundView is what a provider shows of one refund.
type RefundView struct {
	Ref      string
	RefundID string // ours; empty where the refund was made elsewhere
	Amount   money.Money
	State    RefundState
}

// DisputeView is what a provider shows of one dispute.
type DisputeView struct {
	Ref    string
	Amount money.Money
	Reason string
	State  DisputeState
}

// Event is what a webhook says: a hint to look, never a booking.
type Event struct {
	Key        string // unique per provider and account
	Type       string // the provider's own name
	Ref        string
	PaymentID  ID
	OccurredAt time.Time
}

// RawWebhook is a request as it came in. Header has canonical names.
type RawWebhook struct {
	Body       []byte
	Header     map[string][]string
	ReceivedAt time.Time
}

// What ParseWebhook answers besides events.
var (
	ErrBadSignature = errors.New("payment: the webhook is not signed by the provider, or too old")
	ErrIgnored      = errors.New("payment: the webhook is none of ours, or of a type that says nothing to us")
)

// Capabilities is what a provider can do. They must agree with the interfaces
// that its adapter implements.
type Capabilities struct {
	SavedCharge, Refund, PartialRefund, Cancel bool

	AsyncSettlement bool // success may come days later
	MayUnderpay     bool // the payer types the amount

	Currencies        []money.Currency
	Min               map[money.Currency]money.Amount
	IdempotencyWindow time.Duration // 0: look up before any repeat
	WebhookOK         int           // status that confirms a webhook
	PayerOrigins      []string      // of the pages where payers pay: "https://checkout.example"
}

// CheckoutRequest asks for a page where the payer pays.
type CheckoutRequest struct {
	PaymentID   ID
	Key         string // idempotency key
	Amount      money.Money
	Description string
	Language    string
	ReturnURL   string
	KeepMethod  bool // the payer agreed to later charges
	ExpiresAt   time.Time
}

// Checkout is a page where the payer pays.
type Checkout struct {
	Ref       string
	PayerURL  string
	ExpiresAt time.Time
}

// ChargeRequest asks to charge a saved method while the payer is away.
type ChargeRequest struct {
	PaymentID   ID
	Key         string
	Amount      money.Money
	Description string
	MethodRef   string
	ReturnURL   string // for a payer who has to confirm
}

// RefundRequest asks for a part or all of a payment back.
type RefundRequest struct {
	PaymentID ID
	Ref       string // the provider's id of the payment
	RefundID  string // ours
	Key       string
	Amount    money.Money
	Reason    string
}
