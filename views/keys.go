package views

// KeysPage is GET /billing/keys, and POST /billing/keys, which alone has Fresh.
type KeysPage struct {
	Page
	Payer          string // id
	PayerName      string
	Payers         []Link // shown when there are several
	Keys           []KeyRow
	Fresh          string // the key that was just made; shown once
	Form           string // makes one key, however often it is sent
	Name           string // as typed
	Errors         Errors
	Address        string // of the list for programs
	DescriptionURL string
	BillingURL     string
}

// KeyRow is a key of a payer.
type KeyRow struct {
	ID      string
	Name    string
	Ending  string // "…x3Fg"
	Made    Instant
	Used    Instant // absent for never
	Revoked Instant // absent for one that holds
}
