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
	In, Out       Money // one of them is absent; both without a sign
	After         Money
}
