package views

// VATStatus is what is known about a payer's VAT number.
type VATStatus struct {
	State       string // valid, invalid, waiting, format
	Number      string
	At          Instant // of the answer
	Until       Instant // for how long it stands while nobody answers
	Register    string  // that answered: VIES, or where a person looked
	Holder      string  // whose the number is, as the register gives it; may be empty
	Proof       string  // number of the consultation; may be empty
	Charged     bool    // VAT is charged because of the state
	Free        bool    // no VAT is charged because of it
	Asked, Next Instant // when the register was asked last, and will be next; absent where it is not asked
	FormKnown   bool    // of format: the form was checked
	BillingURL  string  // where the number can be changed; empty on that page
}

// VATProof is an answer that an invoice's VAT stands on.
type VATProof struct {
	Number    string
	Valid     bool
	At        Instant
	Register  string
	Proof     string // number of the consultation
	Requester string
	Holder    string
	Address   string
	Later     bool // it came after the invoice
}

// StaffVATPage is GET /staff/vat, with the field "q".
type StaffVATPage struct {
	Page
	Query  string
	Errors Errors
	Cases  []StaffVATCase
	Proofs []StaffVATProof
}

// StaffVATCase is something about a VAT number that waits.
type StaffVATCase struct {
	Kind       string // charged, uncharged, exempt, silent
	PayerName  string
	Number     string
	Invoice    string // to be corrected
	RequestURL string // of the correction that waits for a decision; empty for none
	Since      Instant
	Failure    string // code of the register
}

// StaffVATProof is an answer as the back office sees it.
type StaffVATProof struct {
	VATProof
	PayerName string // empty: a person looked it up, for everybody with the number
	BuyerName string // as the payer was named then
	Program   string
	Orders    []string
}
