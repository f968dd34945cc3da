package views

// WithdrawalPage is GET /subscriptions/{id}/withdraw: what can be withdrawn from,
// and what then happens.
type WithdrawalPage struct {
	Page
	SubscriptionURL string
	Plan            string
	Orders          []WithdrawnOrder
	Total           Money
	ToMethod        Money // absent: nothing goes back to a card
	ToTransfer      Money // absent: nothing goes back by transfer
	ToBalance       Money // absent: nothing goes to the balance
	Last            string
	Ends            bool
	Until           string // paid until afterwards, where it goes on
	Token           string
	Moved           bool   // what was shown before does not hold any more
	Refused         string // why nothing can be withdrawn from; then there is nothing else on the page
	Instead         string // and what can be done
}

// WithdrawnOrder is an order on the page and on the receipt.
type WithdrawnOrder struct {
	Number        string
	URL           string
	Concluded     Instant
	Total         Money
	Card          string // label; may be empty
	Account       string // that a transfer came from, "…1234"; may be empty
	Invoice       string
	InvoiceURL    string
	CreditNote    string // on the receipt
	CreditNoteURL string
}

// WithdrawnPage is GET /withdrawals/{id}: the receipt of a withdrawal, to keep.
type WithdrawnPage struct {
	Page
	SubscriptionURL string
	At              Instant // of the declaration, with the zone
	By              string
	Payer           string
	Customer        string
	Plan            string
	Orders          []WithdrawnOrder
	Total           Money
	ToMethod        Money
	Transfers       []TransferRow
	ToBalance       Money
	Ended           bool
	Until           Instant
}
