package views

// CorrectionFormPage is GET and POST /requests/new/correction, with the fields
// "invoice", those of the buyer as on /billing, and "save_profile".
type CorrectionFormPage struct {
	Page
	Number      string // of the invoice
	InvoiceURL  string
	Form        BillingForm
	SaveProfile bool
	VATWarning  string // asks whether a number that looks mistyped is kept; empty where none does
	Blocked     string // why it cannot be corrected, or not like this; empty where it can
	Fixed       bool   // Blocked for good: the form is not shown
	Errors      Errors
}

// CorrectionPage is the preview of a correction: POST /requests/new/correction
// with "step" = "preview". Its form confirms what it shows, or goes back.
type CorrectionPage struct {
	Page
	Number      string
	InvoiceURL  string
	Details     []CorrectedDetail
	Fields      []HiddenField // of the form, as they were typed
	Changed     string        // why this is a second look; empty for the first one
	NotePrefix  string        // "SIPC-2026"
	Prefix      string        // "SIP-2026"
	Net         Money
	OldVAT      Money
	NewVAT      Money
	OldTotal    Money
	NewTotal    Money
	OldRate     string // "21%"; empty where no rate applies
	NewRate     string
	OldReason   string // for no VAT; may be empty
	NewReason   string
	Rest        bool // a part was credited before
	SameTax     bool
	Pending     bool
	NeedsTwo    bool
	Back        Money // to the balance; absent for nothing
	Extra       Money // to be paid; absent for nothing
	Forgiven    Money // absent for nothing
	Short       Money // what the balance lacks; absent for nothing
	TopUpURL    string
	DecideDays  int
	SaveProfile bool
}

// CorrectedDetail is one detail of the buyer, as it stands and as it is to be.
type CorrectedDetail struct {
	Name     string // key after "correction.detail."
	Old, New string // empty for none
	Changed  bool
}

// HiddenField is what a form sends again.
type HiddenField struct{ Name, Value string }

// CorrectionRow is a request for a corrected invoice, in a list.
type CorrectionRow struct {
	ID           string
	State        string // requested, approved_once, done, rejected, withdrawn
	Number       string // of the invoice
	URL          string // of the invoice; of the request, for staff
	PayerName    string
	AskedAt      Instant
	Back         Money  // VAT that comes back; absent for none
	Extra        Money  // VAT that is to be paid; absent for none
	BalanceURL   string // of the payer who pays it
	Replacement  Link   // the new invoice, once done
	RejectReason string
	FirstBy      string
	WithdrawURL  string // takes it back; empty once it is decided
}

// StaffCorrectionsPage is GET /staff/corrections.
type StaffCorrectionsPage struct {
	Page
	Open    []CorrectionRow
	Decided []CorrectionRow
}

// StaffCorrectionPage is GET /staff/corrections/{id}, with the forms POST …/approve
// and …/reject ("reason").
type StaffCorrectionPage struct {
	Page
	CorrectionRow
	Self       string // address of the page
	AskedBy    string
	AskedOn    Instant
	Details    []CorrectedDetail
	Offer      *CorrectionPage // what would be done now; nil once decided, or where Block says why not
	Block      string
	FirstAt    Instant
	SecondBy   string
	RejectedBy string
	DecidedAt  Instant
	NeedsTwo   bool
	Limit      Money
	MayDecide  bool
	WhyNot     string // role, own, second; empty for who may
	Typed      string
	Errors     Errors
}
