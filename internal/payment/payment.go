package payment

import (
	"fmt"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
)

// ID names a Payment: a UUID in its text form. Providers are given it as our
// reference.
type ID string

// PayableKind is what sort of thing is paid for.
type PayableKind string

// The kinds of payable. A renewal is a period of a subscription, never the
// subscription, or the second renewal would be taken for paid.
const (
	PayableOrder   PayableKind = "order"
	PayableRenewal PayableKind = "renewal"
	PayableTopUp   PayableKind = "topup"
)

// Payable names what is paid for. At most one payment of it is alive or has
// succeeded.
type Payable struct {
	Kind PayableKind
	ID   string
}

// Initiator is who started a payment.
type Initiator string

// The initiators: the payer at a page, or we with a saved method.
const (
	ByPayer    Initiator = "payer"
	ByMerchant Initiator = "merchant"
)

// Payment is one attempt to get money for a payable. Amounts without a currency
// are in that of Amount.
type Payment struct {
	ID          ID
	PayerID     account.PayerID
	Payable     Payable
	OrderID     string // the order that is paid; empty for a top-up
	Provider    string // "sandbox", "stripe" …
	Account     string // our account at the provider
	Ref         string // the provider's id; empty until known
	PayerURL    string // where the payer goes on; empty for nowhere
	Initiator   Initiator
	KeepMethod  bool   // the payer agreed to later charges
	Language    string // of the provider's page
	ReturnURL   string // where that page leads to afterwards
	Amount      money.Money
	MayUnderpay bool         // the payer types the amount: it may differ
	Tolerated   money.Amount // shortfall that settles all the same, where it may differ
	Received    money.Amount
	Refunded    money.Amount
	Disputed    money.Amount
	State       State
	AttemptNo   int       // from 1; part of the idempotency key
	Declines    int       // definite ones
	Parked      AlertCode // why a person has to look; empty for not
	SentAt      time.Time // of this attempt; zero before
	RepeatUntil time.Time // the provider remembers this attempt's key until then
	AsOf        time.Time // of the last view, by the provider's clock
	ExpiresAt   time.Time // of the checkout; zero for never
	NextCheckAt time.Time // zero for none
	Checks      int       // looks since the last change of state
	MethodID    string    // our id of the saved method; empty for none
	ParentID    ID        // of a top-up: the ended payment that the money came for
	Version     int64     // of the stored row
	CreatedAt   time.Time
}

// Operation is what a provider is asked to do.
type Operation string

// The operations of the port that change something.
const (
	OpCheckout Operation = "checkout"
	OpCharge   Operation = "charge"
	OpCancel   Operation = "cancel"
	OpRefund   Operation = "refund"
)

// Limits of tries (card schemes ask for such caps).
const (
	MaxDeclines        = 3 // of one payment
	MaxDeclinesPerCard = 4 // within CardWindow
	MaxNotSent         = 5 // of one payment
	CardWindow         = 30 * 24 * time.Hour
)

// Key returns the idempotency key of an operation: the same one until the
// attempt got a definite answer.
func (p Payment) Key(op Operation) string { return Key(string(p.ID), op, p.AttemptNo) }

// Key returns the idempotency key of the nth attempt at an operation on the
// object with an id.
func Key(id string, op Operation, attempt int) string {
	return fmt.Sprintf("%s:%s:%d", id, op, attempt)
}

// MayRepeat reports whether the same bytes may be sent again under the same key;
// afterwards only a look-up is safe.
func (p Payment) MayRepeat(now time.Time) bool {
	return !p.SentAt.IsZero() && now.Before(p.RepeatUntil)
}

// Sent returns the payment as it is stored right before its request leaves.
// window is how long the provider remembers keys. It fails with Conflict where
// the attempt was sent before, or the payment went on.
func (p Payment) Sent(at time.Time, window time.Duration) (Payment, error) {
	if p.State != Created || !p.SentAt.IsZero() {
		return p, fault.Wrap(fault.Conflict, "", fmt.Errorf("payment %s is %s and was sent", p.ID, p.State))
	}
	p.SentAt, p.RepeatUntil = at, at.Add(window)
	return p, nil
}

// Superseded returns the payment canceled before it was sent. It fails with
// Conflict afterwards: then only the provider can cancel.
func (p Payment) Superseded() (Payment, []Effect, error) {
	if p.State != Created || !p.SentAt.IsZero() {
		return p, nil, fault.Wrap(fault.Conflict, "", fmt.Errorf("payment %s is %s and may be at the provider", p.ID, p.State))
	}
	var effects []Effect
	err := p.move(Canceled, &effects)
	return p, effects, err
}

// TopUp returns the payment that credits the balance with money that came for an
// ended one. Its Payable has no id yet: it pays for itself.
func (p Payment) TopUp(amount money.Amount, at time.Time) Payment {
	return Payment{
		PayerID: p.PayerID, Payable: Payable{Kind: PayableTopUp}, Provider: p.Provider, Account: p.Account, Initiator: p.Initiator,
		Amount: money.Of(amount, p.Amount.Currency), Received: amount, State: Succeeded, AttemptNo: 1, ParentID: p.ID, AsOf: p.AsOf, CreatedAt: at,
	}
}

// SavedMethod is a card or an account at the provider that may be charged while
// the payer is away.
type SavedMethod struct {
	Ref         string     // the provider's token
	Label       string     // for people: "Visa •••• 4242"
	Fingerprint string     // the same for the same card; empty where not told
	ExpiresOn   civil.Date // its last day; zero for never
}

// Method is a SavedMethod that a payer keeps with us.
type Method struct {
	ID        string
	PayerID   account.PayerID
	Provider  string
	Account   string
	CreatedAt time.Time
	RevokedAt time.Time // zero while it may be charged
	SavedMethod
}

// Consent is the payer's agreement to charges while away: what was shown, how
// the amount is set, and who agreed from where.
type Consent struct {
	ID         string
	PayerID    account.PayerID
	AccountID  account.ID // who agreed
	Subject    string     // what it is for: id of the order or subscription
	MethodID   string     // empty until the method is known
	TextID     string     // key of the text
	Language   string
	TextSHA256 []byte // of the text as shown
	AmountRule string // "the price of the period, VAT included"
	Months     int    // between charges
	IP         string
	UserAgent  string
	GivenAt    time.Time
	RevokedAt  time.Time // zero while it holds
}
