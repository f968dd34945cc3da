package invoice

import (
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/money"
)

// Kind is the sort of document.
type Kind string

// The kinds. A bank invoice (proforma) is no tax document and has no number of
// its own: it carries the order number.
const (
	KindBankInvoice Kind = "bank_invoice"
	KindInvoice     Kind = "invoice"
	KindCreditNote  Kind = "credit_note"
	KindReceipt     Kind = "receipt" // of money paid in to a balance; no tax document
)

// IsTax reports whether documents of the kind are tax documents, which VAT is
// declared by.
func (k Kind) IsTax() bool { return k == KindInvoice || k == KindCreditNote }

// Document is a document as it was issued: every word and figure that stands on
// it, frozen. Field order is the order of its JSON form, whose bytes are stored
// and hashed.
type Document struct {
	Version       int            `json:"version"` // of this structure, 1
	Kind          Kind           `json:"kind"`
	Number        string         `json:"number"`        // "SIP-2026-000123"; of a bank invoice the order number
	Language      string         `json:"language"`      // of the printed words, ISO 639-1
	Also          string         `json:"also,omitzero"` // second language of them; empty for none
	Currency      money.Currency `json:"currency"`
	IssueDate     civil.Date     `json:"issue_date"`
	TaxPoint      civil.Date     `json:"tax_point,omitzero"`    // the day the money was received (Dir. 2006/112/EC art. 65, 226(7)); none on a bank invoice
	ValidUntil    civil.Date     `json:"valid_until,omitzero"`  // last day to pay, bank invoice only
	OrderNumber   string         `json:"order_number"`          // "O-2026-000123"
	Reference     string         `json:"reference"`             // RF creditor reference (ISO 11649), no spaces
	POReference   string         `json:"po_reference,omitzero"` // the buyer's own purchase order
	ServiceFrom   civil.Date     `json:"service_from,omitzero"` // first day of the service; zero where it starts with the payment
	ServiceTo     civil.Date     `json:"service_to,omitzero"`   // last day, inclusive
	ServiceMonths int            `json:"service_months"`        // length of the service in whole months
	Seller        Party          `json:"seller"`
	Buyer         Party          `json:"buyer"`
	Customer      string         `json:"customer,omitzero"` // the Telegram account the service is for, as printed
	Lines         []Line         `json:"lines"`
	Discount      *Discount      `json:"discount,omitempty"`
	VAT           []VATLine      `json:"vat"` // one per rate, at least one
	LinesNet      money.Amount   `json:"lines_net"`
	Net           money.Amount   `json:"net"` // LinesNet less the discount
	VATTotal      money.Amount   `json:"vat_total"`
	Total         money.Amount   `json:"total"`
	Paid          money.Amount   `json:"paid"` // received before issue
	Due           money.Amount   `json:"due"`  // Total - Paid
	Payment       Payment        `json:"payment"`
	Corrects      *Correction    `json:"corrects,omitempty"`  // of a credit note, and of an invoice that replaces another
	Returned      *Returned      `json:"returned,omitempty"`  // credit note only
	Exchange      *Exchange      `json:"exchange,omitempty"`  // of VAT in another currency than EUR
	VerifyURL     string         `json:"verify_url,omitzero"` // of the page that tells whether the document is genuine; tax documents only
}

// Party is the seller's or buyer's block.
type Party struct {
	Name        string `json:"name"`
	CompanyCode string `json:"company_code,omitzero"`
	VATNumber   string `json:"vat_number,omitzero"`
	// VATNote is the legal reason why there is no VAT number, seller only.
	VATNote  string `json:"vat_note,omitzero"`
	Street   string `json:"street"`
	City     string `json:"city"`
	Postcode string `json:"postcode,omitzero"`
	Country  string `json:"country"` // ISO 3166-1 alpha-2
	Email    string `json:"email,omitzero"`
	Phone    string `json:"phone,omitzero"`
	Website  string `json:"website,omitzero"`
	Person   bool   `json:"person,omitzero"` // a private person
}

// Line is one position. Net = Quantity x UnitPrice, exactly.
type Line struct {
	ID          int          `json:"id"` // 1, 2, 3 …
	ItemCode    string       `json:"item_code"`
	Description string       `json:"description"` // in the document's language
	Detail      string       `json:"detail,omitzero"`
	Also        string       `json:"also,omitzero"` // the description in the document's second language
	Quantity    int64        `json:"quantity"`
	Unit        Unit         `json:"unit"`
	UnitPrice   money.Amount `json:"unit_price"` // net, of one unit
	Net         money.Amount `json:"net"`
}

// Unit is the unit of a quantity.
type Unit string

// Units, with their UN/ECE Recommendation 20 codes for e-invoices.
const (
	UnitMonth Unit = "month" // MON
	UnitPiece Unit = "piece" // C62
)

// Discount is an allowance on the whole document (EN 16931 BG-20).
type Discount struct {
	Percent money.BasisPoints `json:"percent"`
	Base    money.Amount      `json:"base"`
	Amount  money.Amount      `json:"amount"`        // positive; subtracted
	Reason  string            `json:"reason"`        // in the document's language
	Also    string            `json:"also,omitzero"` // the reason in its second language
}

// VATLine is the VAT breakdown of one rate and category (EN 16931 BG-23).
type VATLine struct {
	Category  string            `json:"category"`           // S, AE, E or O (UNTDID 5305)
	RateSet   bool              `json:"rate_set"`           // false for O: the rate is absent, not zero
	Rate      money.BasisPoints `json:"rate"`               // 2100 is 21 %
	Country   string            `json:"country,omitzero"`   // whose VAT it is, for S
	Base      money.Amount      `json:"base"`               // taxable amount
	Amount    money.Amount      `json:"amount"`             // Base x Rate, half up; of a credit note, what that of all of them grows by
	Text      string            `json:"text,omitzero"`      // reason for no VAT, in the document's language and Lithuanian
	VATEX     string            `json:"vatex,omitzero"`     // code of the reason
	Treatment string            `json:"treatment,omitzero"` // row of the decision table, "R4"

	// What earlier credit notes of the same invoice credited of the rate; of an
	// invoice that replaces another, those of that one.
	CreditedBase   money.Amount `json:"credited_base,omitzero"`
	CreditedAmount money.Amount `json:"credited_amount,omitzero"`
}

// Payment says how to pay, or how it was paid.
type Payment struct {
	Method      string     `json:"method"`           // bank, card, balance …
	PaidOn      civil.Date `json:"paid_on,omitzero"` // credited
	From        string     `json:"from,omitzero"`    // who sent a transfer, receipts only
	Beneficiary string     `json:"beneficiary,omitzero"`
	IBAN        string     `json:"iban,omitzero"` // no spaces
	BIC         string     `json:"bic,omitzero"`
	Bank        string     `json:"bank,omitzero"`
	BankAddress string     `json:"bank_address,omitzero"`
	EPC         string     `json:"epc,omitzero"` // payload of the EPC QR code; empty where it does not apply
}

// Correction names the invoice that a credit note corrects or that an invoice
// replaces, and why. Of the two documents that correct an invoice in one step each
// names the other.
type Correction struct {
	Number     string     `json:"number"`
	IssueDate  civil.Date `json:"issue_date"`
	Reason     string     `json:"reason"`
	Also       string     `json:"also,omitzero"`        // the reason in the document's second language
	CreditNote string     `json:"credit_note,omitzero"` // of an invoice: number of the credit note that took the other one back
	ReplacedBy string     `json:"replaced_by,omitzero"` // of a credit note: number of the invoice in place of the one that it takes back
}

// Returned says where the money of a credit note goes: Total = Method + Transfer +
// Balance + Forgiven + Applied.
type Returned struct {
	Method   money.Amount `json:"method"`            // to the card that paid
	Transfer money.Amount `json:"transfer,omitzero"` // to the bank account that paid
	Balance  money.Amount `json:"balance"`           // to what the buyer has with the seller
	Forgiven money.Amount `json:"forgiven,omitzero"` // had not been paid
	Applied  money.Amount `json:"applied,omitzero"`  // to the invoice that replaces the other one
	Label    string       `json:"label,omitzero"`    // of the card, where it is known
	Account  string       `json:"account,omitzero"`  // the end of the account's number, where it is known
}
