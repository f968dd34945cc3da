package views

// StatementPage is GET /statement: a payer's account over a period.
type StatementPage struct {
	Page
	PayerName  string
	Payer      string   // id
	Payers     []Choice // more than one shows a select
	From, To   string   // as typed, or of the period shown
	Errors     Errors   // with them there is no statement
	Presets    []PeriodPreset
	Period     string // "1 January 2026 – 31 December 2026"
	Opening    Money
	In, Out    Money
	Closing    Money
	Rows       []MovementRow // oldest first
	Omitted    int           // movements after the last row
	Listed     Money         // balance after the last row, where some are omitted
	BalanceURL string
	PDFURL     string
	Credit     *Credit // nil without a credit limit
}

// Credit is how far a balance may go below nothing, as of now.
type Credit struct {
	Limit     Money
	Available Money // balance and limit
}

// BalancePage is GET /balance and a refused POST /balance/top-up, whose form has
// the fields "payer" and "amount".
type BalancePage struct {
	Page
	PayerName    string
	Payer        string        // id
	Payers       []Link        // shown when there are several
	Amount       Money         // what the payer has with us
	Credit       *Credit       // nil without a credit limit
	Rows         []MovementRow // newest first, without After
	StatementURL string
	MayTopUp     bool
	ByCard       bool   // the field "method" may be "card"
	NotTaken     bool   // the payment service did not answer
	Typed        string // amount, as typed
	Errors       Errors
	HowTo        *TopUp // nil until the payer has its reference
}

// TopUp is how to pay money in by bank transfer.
type TopUp struct {
	Amount      Money  // absent: any
	AmountRaw   string // "50.00", to copy
	Reference   Copied
	IBAN        Copied
	Beneficiary string
	BIC         string
	Bank        string
	QR          *QR // nil without an amount
}

// MovementRow is a movement of a payer's balance.
type MovementRow struct {
	Date          Instant
	Kind          string // ledger.EntryKind
	From          string // who sent money; may be empty
	OrderNumber   string
	OrderURL      string // empty for those who see no orders
	InvoiceNumber string // empty until it is issued
	InvoiceURL    string
	ReceiptNumber string // empty until it is issued
	ReceiptURL    string
	In, Out       Money // one of them is absent; both without a sign
	After         Money
}
