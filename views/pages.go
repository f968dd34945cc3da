package views

import (
	"strings"

	"github.com/siptg/portal/internal/i18n"
)

// HomePage is "/": a short overview when signed in, else the welcome page.
type HomePage struct {
	Page
	// Signed in
	OpenOrders    []OpenOrder
	Subscriptions []SubscriptionRow
	Invoices      []InvoiceRow // the last three
	// Anonymous: the cheapest monthly prices
	SoftphoneFrom, GatewayFrom Money
}

// LoginPage is GET /login.
type LoginPage struct {
	Page
	BotName string // of the Telegram Login Widget; empty hides it
	AuthURL string // absolute address of /login/telegram, with the state
	Error   string // why a sign-in was refused, translated; may be empty
	People  []DemoPerson
	Email   string // of support, for those who cannot get in; may be empty
	ByEmail bool   // accountants can sign in by e-mail
}

// DemoPerson is one of the people of demo mode, a button on the sign-in page.
type DemoPerson struct {
	Key   string // value of the form field "person"
	Name  string
	About string // one line, translated
}

// PlansPage is GET /plans. Prices are per month and without VAT.
type PlansPage struct {
	Page
	Free              Money // 0 in the currency of the others
	SoftphoneFrom     Money // one account
	SoftphoneRecorded Money // one account with call recording
	GatewayFrom       Money // one line with the main account
	Discount12        string
	Discount36        string // "30%"
	RetiredPlan       string // "trial" or "starter" when the person holds one, else ""
	SupportURL        string // for "price on request"
	PartnerURL        string // who sells by the month; may be empty
}

// CalculatorPage is GET /plans/softphone and /plans/gateway, and what a refused
// POST /orders shows (422, or 409 with PriceChanged).
type CalculatorPage struct {
	Page
	Plan string // "softphone" or "gateway"

	// The form as typed; a wrong value stays in its field.
	Accounts      string
	Lines         string
	ExtraAccounts string
	Recording     bool
	API           bool
	Months        int // chosen period: 6, 12 or 36
	Country       string
	Currency      string
	Currencies    []string // more than one shows a select
	Payer         string   // chosen payer's id; "" where there are no Payers
	Payers        []Choice // of the signed-in person; empty shows the country select
	Errors        Errors

	Presets []Preset       // plain links to usual quantities
	Periods []PeriodChoice // 6, 12, 36 months; empty without a price
	WithVAT bool           // what is paid stands first: a consumer asks, and VAT is charged
	Price   *Price         // nil while the form has mistakes
	Hints   []Hint

	Order        *OrderForm // nil: anonymous, or no price
	PriceChanged *PriceChanged
	PartnerURL   string
}

// OptionFields are the options of a plan as typed in a form.
type OptionFields struct {
	Plan          string // "softphone" or "gateway"
	Accounts      string
	Lines         string
	ExtraAccounts string
	Recording     bool
	API           bool
	Errors        Errors
	Presets       []Preset
}

// Preset is a usual quantity, a link.
type Preset struct {
	Quantity int
	URL      string
	Current  bool
}

// PeriodChoice is one of the periods side by side.
type PeriodChoice struct {
	Months  int
	URL     string
	Current bool
	// With VAT where the page's WithVAT says so, else without:
	PerMonth Money
	Saving   Money // against the undiscounted price; absent for none

	Net     Money  // of the period, after the discount
	Total   Money  // with VAT; absent where none is charged
	Percent string // discount: "10%"; empty for none
}

// Price is a price with everything that explains it.
type Price struct {
	Lines       []PriceLine
	Monthly     Money  // before the discount
	Gross       Money  // monthly x months
	Percent     string // discount; empty for none
	Discount    Money  // shown with its minus; Minor is positive
	Net         Money
	VAT         Money
	Total       Money
	APIIncluded bool
	Tax         Tax
}

// PriceLine is one monthly position.
type PriceLine struct {
	Code     string // pricing's item code: "SOFT-ACC"
	Quantity int
	Unit     Money // monthly price of one
	Monthly  Money
}

// Tax says how VAT was decided, one sentence on the page.
type Tax struct {
	// Case is one of
	//   charged         Rate and Country are set: VAT of that country
	//   reverse_charge  the buyer accounts for it (EU company with a valid number)
	//   outside         Country is outside the EU's VAT territory
	//   exempt          the seller is a small enterprise without VAT
	//   exempt_there    the seller is exempt as a small enterprise in Country
	//   exempt_body     the buyer is an embassy or an international body
	//   unavailable     the portal cannot sell there yet
	Case    string
	Rate    string // "21%"
	Country string // name
	// Estimate says that it was worked out from the country alone.
	Estimate bool
	Number   string // why the payer's VAT number does not help: number_invalid, number_waiting; "" otherwise
}

// Hint tells what one more account or line does to the price.
type Hint struct {
	// Kind is surcharge_next, surcharge_applies, api_free or api_free_next.
	Kind     string
	Quantity int   // from how many
	Delta    Money // change of the monthly price; absent where it says nothing
}

// OrderForm is the form that places the order of a calculator page.
type OrderForm struct {
	Quote     string
	PayerName string
	Customers []Choice // besides the person; may be empty
	Customer  string   // chosen Telegram id; "" is the person
	Methods   []string // codes: "bank", "card", "balance"
	Method    string
	Balance   Money  // what can be spent from the balance
	Currency  string // in which is paid
	// Blocked says why nothing can be ordered, translated; then no button is
	// shown. NeedsBilling adds the link to BillingURL.
	Blocked      string
	NeedsBilling bool
	BillingURL   string
}

// PriceChanged tells that the price changed since the page was shown.
type PriceChanged struct{ Old, New Money }

// BillingPage is GET and POST /billing. The form has the hidden field "payer"
// (its id, "new" for one that is being added) and, if set, "return_to".
type BillingPage struct {
	Page
	Payers        []Link // to /billing?payer=…; shown when there are several or one is being added
	Adding        bool
	ReadOnly      bool // the person may read but not change it
	Owner         bool // and invites people, and makes keys
	Form          BillingForm
	CurrencyFixed bool
	Currencies    []string
	Languages     []i18n.Language
	Errors        Errors
	// VATWarning is set when the number looks mistyped: the form then shows the
	// checkbox "vat_number_confirm" to keep it.
	VATWarning string
	VAT        *VATStatus // of the number that is stored; nil where there is none
	ReturnTo   string
}

// BillingForm holds the fields as typed, under the names of the contract.
type BillingForm struct {
	Payer       string // id, or "new"
	Kind        string // person, company
	Name        string
	CompanyCode string
	VATNumber   string
	VATConfirm  bool
	Street      string
	City        string
	Postcode    string
	Country     string
	Email       string
	POReference string
	Language    string
	Lithuanian  bool
	Currency    string
}

// OrderPage is GET /orders/{number}.
type OrderPage struct {
	Page
	Number       string
	Kind         string // new, renewal
	Status       string // awaiting_payment, paid, expired, canceled
	Selection    Selection
	CustomerName string
	CustomerSelf bool
	PayerName    string
	PlacedAt     Instant
	DueDate      Instant // last day to pay
	ClosedAt     Instant // paid, expired or canceled at

	Amount      Money  // to pay
	AmountRaw   string // "1524.60", to copy
	Beneficiary string
	IBAN        Copied
	BIC         string
	Bank        string
	Reference   Copied
	QR          *QR // nil where a code does not apply

	VATStatus *VATStatus // of the payer's number, while the order is open; nil for none

	Lines    []DocumentLine
	Discount *DocumentDiscount
	LinesNet Money
	VAT      []DocumentVAT
	Net      Money
	VATTotal Money

	Method   string       // chosen: bank, card, balance
	Card     *CardForm    // nil unless it can be paid by card
	Balance  *BalanceForm // nil unless the balance covers it
	Payment  *PaymentView // by card; nil where there is nothing to say about one
	Problem  string       // why paying was refused, translated; may be empty
	NotTaken bool         // the payment service did not answer

	PDFURL          string // bank invoice; empty where there is none
	MoneyState      string // of the transfer: expected, received, matched, invoiced, expired, canceled
	Received        Money  // came for it and waits; absent for none
	Missing         Money  // of the price, where a part of it came; absent for none
	ThirdParty      bool   // somebody else than the payer sent it
	MayCancel       bool
	InvoiceNumber   string // once paid
	InvoiceURL      string
	SubscriptionURL string
	AgainURL        string // the same configuration in the calculator, for expired and canceled
}

// QR is a QR code as the path of dark squares in a Size x Size box.
type QR struct {
	Size int
	Path string // SVG path data
}

// OpenOrder is an order that waits for payment, in lists.
type OpenOrder struct {
	Number    string
	URL       string
	Kind      string
	Selection Selection
	Amount    Money
	DueDate   Instant
	ForName   string // customer, when it is somebody else
}

// SubscriptionsPage is GET /subscriptions.
type SubscriptionsPage struct {
	Page
	OpenOrders []OpenOrder
	Items      []SubscriptionRow
}

// SubscriptionRow is one subscription in a list.
type SubscriptionRow struct {
	ID           string
	URL          string
	Selection    Selection
	State        string // active, ended
	CustomerName string
	CustomerSelf bool
	PayerName    string // empty when the person may not see the money
	PaidUntil    Instant
	AutoRenew    bool
	Next         *NextCharge // nil when the person may not see the money, or there is none
	Charge       *Charge     // nil while there is nothing to say about it
	Grace        *Grace      // nil unless the paid time is over
}

// Charge is what people have to know about the charge of a saved card.
type Charge struct {
	State  string // declined, stopped, confirm, running, expires
	On     string // day: of the decline, or the card's last one
	Next   string // day of the next try
	Reason string // code of a decline: insufficient_funds …; one without words is left out
	Method string
	URL    string // of the order, where it can be paid or confirmed; empty for none
}

// Grace is the time after the paid one in which everything still works.
type Grace struct {
	Until  string // day
	PayURL string // empty where the person cannot pay
}

// NextCharge is what happens next to a subscription.
type NextCharge struct {
	Kind   string // charge, balance, bank_invoice, payment, canceled, end
	On     Instant
	Amount Money  // absent for "canceled" and "end"
	URL    string // of the order that waits for payment; empty for none
	Method string // the saved card of a "charge"
}

// SubscriptionPage is GET /subscriptions/{id}.
type SubscriptionPage struct {
	Page
	ID           string
	Selection    Selection
	State        string
	CustomerName string
	CustomerSelf bool
	PayerName    string // empty when the person may not see the money
	StartedAt    Instant
	PaidUntil    Instant // the instant, with the zone
	WorksUntil   string  // the day, for sentences: of the paid time, or of the grace
	AutoRenew    bool
	MayManage    bool // may switch auto-renewal and sees the money
	Next         *NextCharge
	Charge       *Charge        // nil while there is nothing to say about it
	Methods      []Choice       // saved cards that may be charged for it
	AgainURL     string         // where an ended one is ordered again
	OpenOrder    *OpenOrder     // a renewal that waits for payment
	Renewals     []RenewalPrice // empty when it cannot be renewed
	History      []HistoryRow
	Timeline     *Timeline // nil where there is nothing to draw
	Grace        *Grace    // nil unless the paid time is over
	ChangeURL    string    // empty for what cannot be changed, and for who may not

	WithdrawUntil string // last day to withdraw from an order; empty when there is none
}

// RenewalPrice is what a period costs when the subscription is renewed today.
type RenewalPrice struct {
	Months  int
	Current bool // the period that it has now
	Total   Money
	WithVAT bool // VAT is charged and in Total
}

// HistoryRow is one line of "Why this date?".
type HistoryRow struct {
	At          Instant
	Kind        string // started, extended, changed, withdrawn, refunded, auto_renew_off, auto_renew_on, ended
	Months      int
	Paid        Money  // absent where nothing was paid, or the person may not see it
	By          string // self, person, payer, command, job
	ByName      string // of a person
	OrderNumber string
	OrderURL    string  // empty when the person may not see the order
	Before      Instant // the day before the event; absent for the first
	PaidUntil   Instant
	Days        int // that the date moved: given, or taken when negative
}

// Timeline is the paid time as a picture, drawn twice: lying in thousandths of
// the width, and standing in pixels.
type Timeline struct {
	Title string
	About string   // the picture in a sentence
	Keys  []string // kinds of bars and marks to explain
	Wide  TimelineDrawing
	Tall  TimelineDrawing
}

// TimelineDrawing is one of the drawings.
type TimelineDrawing struct {
	Size   int // along the time; the lying one has none
	Bars   []TimelineBar
	Marks  []TimelineMark
	Ticks  []TimelineTick
	Labels []TimelineLabel
	End    int // of the paid time
	Today  int // negative where it is not shown
}

// TimelineBar is a stretch of time.
type TimelineBar struct {
	Kind       string // used, ahead, given, taken, grace, next
	Name       string
	At, Length int
}

// TimelineMark is something that happened.
type TimelineMark struct {
	Kind string // auto_renew_off, auto_renew_on, invoice
	Name string
	At   int
}

// TimelineTick is a month or a year of the scale.
type TimelineTick struct {
	Text string
	At   int
	Year bool // it begins a year
}

// TimelineLabel is a text beside the time.
type TimelineLabel struct {
	Kind   string // today, end, term, order
	Text   string
	Second string // a line below; standing only
	At     int    // what it is about
	Place  int    // where it stands, which may be further down; standing only
	Row    int    // lying only
	Anchor string // start, middle, end; lying only
}

// InvoicesPage is GET /invoices.
type InvoicesPage struct {
	Page
	Filter   InvoiceFilter
	Errors   Errors
	Filtered bool // some filter is set
	Presets  []PeriodPreset
	Payers   []Choice // more than one shows a select
	Rows     []InvoiceRow
	NextURL  string // older rows; empty at the end
	FirstURL string // the newest rows; empty on the first page

	Totalled bool // the filter bounds the list, so Totals is what it adds up to
	Totals   []VATTotalRow
	Quarters []QuarterFile // whole quarters to download by one click; on the unfiltered list
}

// ExportPage is GET /invoices/export while files are still drawn; it asks again
// by itself.
type ExportPage struct {
	Page
	URL              string // of the same export
	ListURL          string
	Done, Of         int
	DoneText, OfText string
}

// InvoiceFilter is the filter form as typed.
type InvoiceFilter struct {
	From, To string // 2026-11-22
	Type     string // "", invoice, credit_note, bank_invoice, receipt
	Query    string
	Payer    string
	Picked   bool // some documents are ticked, and the list shows them alone
}

// VATTotalRow is what tax documents add up to at one rate, in one currency.
type VATTotalRow struct {
	Rate      string // "21%", empty for sales without VAT
	Country   string // whose VAT it is, in words; may be empty
	Documents string
	Net       Money
	VAT       Money
	Total     Money
}

// QuarterFile is a link to a quarter's documents in one file.
type QuarterFile struct {
	Kind string // this_quarter or last_quarter
	Days string // "1 July – 30 September 2026"
	URL  string
}

// PeriodPreset is a link to an often used stretch of time.
type PeriodPreset struct {
	// Kind is this_month, last_month, this_quarter, last_quarter, this_year,
	// last_year or all.
	Kind    string
	URL     string
	Current bool
}

// InvoiceRow is one document in a list.
type InvoiceRow struct {
	Number       string
	Kind         string // invoice, credit_note, bank_invoice, receipt
	State        string // paid, partly_credited, credited, received; of a bank invoice expected, unsettled, matched, invoiced, expired, canceled; may be empty
	Picked       bool   // ticked
	URL          string
	PDFURL       string
	IssueDate    Instant
	PayerName    string
	CustomerName string
	OrderNumber  string
	Of           string // number of the invoice that a credit note corrects or an invoice replaces; empty for none
	ReplacedBy   string // number of the invoice that replaces an invoice; empty for none
	Net          Money  // absent on a receipt, as VAT is; below zero on a credit note
	VAT          Money
	Total        Money
}

// ownTotal is the total that a document itself states, in minor units: a credit
// note's is above zero.
func (r InvoiceRow) ownTotal() string { return strings.TrimPrefix(minor(r.Total), "-") }

// DocumentPage is GET /invoices/{number}: a document as a page.
type DocumentPage struct {
	Page
	Document Document
	PDFURL   string
	CIIURL   string // e-invoices; empty for none
	UBLURL   string
	Proofs   []VATProof // that its VAT stands on
	FixURL   string     // corrects the buyer; empty where that cannot be done, or not by this person
}

// Document is an issued document, drawn from its frozen form.
type Document struct {
	Kind        string // bank_invoice, invoice, credit_note
	Number      string
	State       string // of a bank invoice, as in the list
	IssueDate   Instant
	TaxPoint    Instant
	ValidUntil  Instant
	OrderNumber string
	OrderURL    string
	Reference   string
	POReference string
	Service     string // "22 November 2026 – 21 May 2027"; may be empty
	Months      int
	Seller      Party
	Buyer       Party
	Customer    string
	Lines       []DocumentLine
	Discount    *DocumentDiscount
	LinesNet    Money
	Net         Money
	VAT         []DocumentVAT
	VATTotal    Money
	Total       Money
	Paid        Money
	Due         Money
	PaidOn      Instant
	Corrects    *Correction
	CorrectedBy []Link   // credit notes of an invoice
	ReplacedBy  *Link    // the invoice in its place
	Returned    []string // of a credit note: what happens with the money
	Pay         *PayDetails
}

// Payable reports whether money is expected for a bank invoice.
func (d Document) Payable() bool { return d.State == "expected" || d.State == "unsettled" }

// payableWhole reports whether all of it is: of a part that came, the order's page
// says what is missing.
func (d Document) payableWhole() bool { return d.State == "expected" }

// PayDetails say how a bank invoice is paid.
type PayDetails struct {
	Reference, IBAN        Copied
	Beneficiary, BIC, Bank string // the last two may be empty
}

// DocumentLine is one position of a document or an order.
type DocumentLine struct {
	Description string
	Detail      string
	Quantity    string
	Unit        string // month, piece
	UnitPrice   Money
	Net         Money
}

// DocumentDiscount is the allowance on a whole document.
type DocumentDiscount struct {
	Reason string
	Amount Money // negative, as shown
}

// DocumentVAT is the VAT of one rate.
type DocumentVAT struct {
	Rate   string // "21%"; empty where no rate applies
	Base   Money
	Amount Money
	Text   string // legal reason for no VAT; may be empty
}

// Correction names the invoice that a credit note corrects, or an invoice
// replaces, and the document that was issued with it.
type Correction struct {
	Number string
	URL    string
	Date   Instant
	Reason string
	With   *Link // of an invoice the credit note, of a credit note the new invoice; nil for none
}

// AccountPage is GET and POST /account (fields "language", "time_zone"), with
// the forms POST /account/sessions/end (field "session") and POST
// /account/sessions/end-others.
type AccountPage struct {
	Page
	Name       string
	Username   string
	TelegramID string
	Email      string // of who signs in by it and has no Telegram
	Language   string
	Languages  []i18n.Language
	TimeZone   string
	TimeZones  []string
	Errors     Errors
	Sessions   []SessionRow
}

// SessionRow is a browser that is signed in.
type SessionRow struct {
	ID         string
	Current    bool
	Device     string // "Firefox on Android"; empty when unknown
	IP         string
	CreatedAt  Instant
	LastSeenAt Instant
}

// SellerPage is GET /seller.
type SellerPage struct {
	Page
	Seller     Party
	Accounts   []BankAccount
	SupportURL string
}

// BankAccount is one of the seller's accounts.
type BankAccount struct {
	Currency    string
	Beneficiary string
	IBAN        Copied
	BIC         string
	Bank        string
	BankAddress string
}

// HelpPage is GET /help.
type HelpPage struct {
	Page
	SupportURL string
	Email      string
	PartnerURL string
}

// PrivacyPage is GET /privacy.
type PrivacyPage struct {
	Page
	Seller Party
}

// AccessibilityPage is GET /accessibility.
type AccessibilityPage struct {
	Page
	Email string
}

// ErrorPage is the page of a failed request.
type ErrorPage struct {
	Page
	Status    int    // 400, 403, 404, 405, 409, 413, 422, 429, 500, 503; others read as 500
	Text      string // a message of its own, translated; may be empty
	RequestID string // shown for 500 and 503
	BackURL   string // may be empty
}
