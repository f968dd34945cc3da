package notice

import (
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/money"
)

// Kind is what a notice tells.
type Kind string

// The kinds of notice. Days are those of the seller file's [terms].
const (
	BankInvoiceReady Kind = "bank_invoice_ready" // the next bank invoice of a payer by transfer
	RenewalAhead     Kind = "renewal_ahead"      // first reminder: what will be taken, when, and how to switch it off
	RenewalSoon      Kind = "renewal_soon"       // last reminder
	MethodExpires    Kind = "method_expires"     // the saved card ends before the renewal
	Renewed          Kind = "renewed"            // the renewal was paid
	ChargeDeclined   Kind = "charge_declined"    // the saved card was refused; On is the next try
	ChargeConfirm    Kind = "charge_confirm"     // the card's bank wants to see the payer
	GraceBegun       Kind = "grace_begun"        // the paid time is over; everything works until On
	Ended            Kind = "ended"              // fell back to Free
	AutoRenewOff     Kind = "auto_renew_off"
	AutoRenewOn      Kind = "auto_renew_on"
	Changed          Kind = "changed"     // other options; Until is the new end, Amount what went to the balance
	OrderPaid        Kind = "order_paid"  // a first order was paid
	MoneyKept        Kind = "money_kept"  // money came that pays nothing: it is on the balance
	CreditNote       Kind = "credit_note" // a credit note was issued
	RefundSent       Kind = "refund_sent" // money is on its way back
	RefundFailed     Kind = "refund_failed"
	Withdrawn        Kind = "withdrawn" // receipt of a withdrawal
	ChargedBack      Kind = "charged_back"
	VATNumberInvalid Kind = "vat_number_invalid" // the register says so; Document is an invoice that was issued without VAT meanwhile
	VATNumberValid   Kind = "vat_number_valid"   // the answer that was waited for; Document is an invoice with VAT that was not due
	InvoiceCorrected Kind = "invoice_corrected"  // Document replaces an invoice that CreditNote took back; Amount came to the balance

	BankInvoiceExpires Kind = "bank_invoice_expires" // can be paid until On; Amount is what is missing
	PartReceived       Kind = "part_received"        // Amount came for an order, less than its price
)

// Notice is one thing that the people of a payer are told.
type Notice struct {
	Key            string // names the occasion: "renewal_soon <subscription> <period>"; the same key is told once
	Kind           Kind
	PayerID        account.PayerID
	SubscriptionID string // empty for none
	OrderNumber    string // empty for none
	Facts          Facts
}

// Facts are what the words of a notice are made of, frozen.
type Facts struct {
	Plan     string         `json:"plan,omitzero"`
	Amount   money.Amount   `json:"amount,omitzero"`
	Currency money.Currency `json:"currency,omitzero"`
	On       civil.Date     `json:"on,omitzero"`       // the day that the notice is about: of a charge, the last day to pay, the card's last day, the end of the grace
	Until    time.Time      `json:"until,omitzero"`    // paid until
	Method   string         `json:"method,omitzero"`   // the saved method's name, "Visa •••• 4242"; or card, bank, balance
	Document string         `json:"document,omitzero"` // number of an invoice or credit note
	Number   string         `json:"number,omitzero"`   // VAT number
	// CreditNote is the number of the one that comes with Document.
	CreditNote string `json:"credit_note,omitzero"`
}
