package views

// StaffNavItem is an entry of the back office's own menu.
type StaffNavItem string

// Sections of the back office.
const (
	StaffNavHome        StaffNavItem = "home"
	StaffNavRefunds     StaffNavItem = "refunds"
	StaffNavPayouts     StaffNavItem = "payouts"
	StaffNavPayments    StaffNavItem = "payments"
	StaffNavVAT         StaffNavItem = "vat"
	StaffNavCorrections StaffNavItem = "corrections"
	StaffNavSuspense    StaffNavItem = "suspense"
	StaffNavStatements  StaffNavItem = "statements"
)

// StaffHomePage is GET /staff.
type StaffHomePage struct {
	Page
	Role    string // support, finance, admin
	Waiting []StaffCount
	Strays  []StaffStray // absent where there are none
}

// StaffStray is money at a provider that belongs to no payment of ours.
type StaffStray struct {
	Provider  string
	Ref       string // the provider's id
	Reference string // what the provider took for our id
	Left      Money
	Since     Instant
}

// StaffCount is how much of one kind waits for a person.
type StaffCount struct {
	Kind  string // refunds, payouts, corrections, parked, unknown, alerted, suspense, vat
	Count int
	URL   string
	Since Instant // of the oldest; absent where nothing waits or nobody counts
}

// StaffPaymentsPage is GET /staff/payments: the form with the field "q", and
// what was found.
type StaffPaymentsPage struct {
	Page
	Query  string
	Show   string // the list that was opened: parked, unknown, alerted, suspense, or ""
	Asked  bool   // something was looked for
	Errors Errors
	Rows   []StaffPaymentRow
	More   bool // there are more than are shown
}

// StaffPaymentRow is a payment through a provider, or a transfer.
type StaffPaymentRow struct {
	ID          string
	URL         string
	Bank        bool
	At          Instant
	PayerName   string
	NoPayer     bool // money without an owner; PayerName is what the bank says
	OrderNumber string
	Provider    string
	Method      string // "Visa •••• 4242"; may be empty
	Amount      Money
	State       string // of a payment, or what became of a bank entry
	Alert       string // code of why a person has to look; empty for none
}

// StaffPaymentPage is GET /staff/payments/{id}.
type StaffPaymentPage struct {
	Page
	StaffPaymentRow
	Ref        string // the provider's id
	Initiator  string // payer, merchant
	Kind       string // order, renewal, topup
	PayerKind  string // person, company
	Country    string
	Email      string
	Invoices   []string
	Received   Money
	Refunded   Money // absent for none
	Disputed   Money // absent for none
	Declines   int
	NextLook   Instant // absent for none
	ParentURL  string  // of a top-up: the ended payment that the money came for
	Events     []StaffEvent
	Bookings   []StaffBooking
	Refunds    []StaffBooking // Kind is the refund's state
	Disputes   []StaffBooking // Kind is the dispute's state
	TopUps     []StaffPaymentRow
	Alerts     []StaffEvent // State is the alert's code
	Entry      *StaffBankEntry
	SuspenseOf string // why a bank entry waits; its code
}

// StaffEvent is a line of a payment's history.
type StaffEvent struct {
	At     Instant
	State  string
	Source string // api, lookup, operator, clock
	Detail string // codes of the provider's, as they are; may be empty
}

// StaffBooking is money that moved.
type StaffBooking struct {
	At     Instant
	Kind   string
	Amount Money
	Note   string // reason or reference, as given; may be empty
}

// StaffBankEntry is what the bank says of a transfer.
type StaffBankEntry struct {
	From       string
	IBAN       string
	Reference  string
	Remittance string
	EndToEnd   string
	ImportedAt Instant
	ThirdParty bool // somebody else paid than the one who ordered
}
