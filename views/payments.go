package views

// CardForm is the form POST /orders/{number}/pay with the fields "keep" and
// "consent".
type CardForm struct {
	Amount  Money
	Keep    bool     // ticked
	Consent []string // what ticking agrees to, sentence by sentence
	Digest  string   // of that text, so that what was shown is what is agreed to
}

// BalanceForm is the form POST /orders/{number}/pay-from-balance.
type BalanceForm struct {
	Amount  Money
	Balance Money // what can be spent from the balance
	After   Money // what will be left of that
}

// PaymentView is where a payment by card stands.
type PaymentView struct {
	// State is created, awaiting_payer, action_required, processing,
	// partially_paid, unknown, succeeded, failed, expired or canceled, as the
	// domain spells them; or checked, while a person of ours looks at it; or kept,
	// for money that came and pays no order.
	State    string
	Amount   Money
	GoOnURL  string // the provider's page, where the payer goes on; may be empty
	CheckURL string // our page that asks the provider
}

// PaymentPage is GET /orders/{number}/payment and GET /balance/payment: where
// the provider's page leads back to.
type PaymentPage struct {
	Page
	Payment         PaymentView
	OrderNumber     string // empty for a top-up
	OrderURL        string
	Open            bool // the order can still be paid
	SubscriptionURL string
	InvoiceNumber   string // empty until it is issued
	InvoiceURL      string
	BalanceURL      string
	Reloads         bool // the page asks again by itself
}

// CardsPage is GET /billing/methods, with the forms POST
// /billing/methods/{id}/revoke (field "payer").
type CardsPage struct {
	Page
	PayerName  string
	Payer      string // id
	Payers     []Link // shown when there are several
	Cards      []CardRow
	BillingURL string
}

// CardRow is a card that is kept for renewals.
type CardRow struct {
	ID      string
	Label   string  // "Visa •••• 4242"
	Added   Instant // day
	Expires Instant // its last day; absent for never
	Expired bool
	Uses    []CardUse
}

// CardUse is a subscription whose renewals a card pays for.
type CardUse struct {
	Selection Selection
	URL       string
	ForName   string // customer, when it is somebody else
	PaidUntil Instant
	AutoRenew bool
	TooLate   bool // the card ends before the next renewal
}
