package views

// PeoplePage is GET /billing/members, with the forms POST /billing/members
// (payer, email), /billing/members/{account}/revoke and
// /billing/members/invitations/{id}/again and /revoke (payer).
type PeoplePage struct {
	Page
	PayerName     string
	Payer         string // id
	Payers        []Link // shown when there are several
	BillingURL    string
	ViewsURL      string
	RecipientsURL string
	Members       []MemberRow
	Invitations   []InvitationRow
	Email         string // as typed
	Errors        Errors
	MailOff       bool // no mail is sent here
}

// MemberRow is somebody with a role on a payer.
type MemberRow struct {
	ID        string // of the account
	Name      string
	Role      string // owner, billing, accountant
	ByEmail   bool   // signs in by e-mail
	Added     Instant
	LastView  Instant // absent for never; of accountants alone
	MayRevoke bool
}

// InvitationRow is an invitation that was not accepted yet.
type InvitationRow struct {
	ID      string
	Email   string
	Sent    Instant
	Expires Instant
	Expired bool
	Mail    string // state of the mail: pending, sent, failed, skipped; empty for none
}

// ViewLogPage is GET /billing/views.
type ViewLogPage struct {
	Page
	PayerName string
	Payers    []Link // shown when there are several
	PeopleURL string
	Rows      []ViewRow
	FirstURL  string // empty on the first page
	NextURL   string // empty on the last one
}

// ViewRow is one time that an accountant looked at something.
type ViewRow struct {
	At     Instant
	Who    string
	Kind   string // invoice, credit_note, receipt, statement
	Number string // empty for a statement
	URL    string // of the document; empty for none
	Format string // page, pdf, xml …
}

// RecipientsPage is GET /billing/recipients, with the forms POST
// /billing/recipients (payer, email and the choices),
// /billing/recipients/{id}, /billing/recipients/{id}/remove and /again, and
// /billing/sent/{id}/again.
type RecipientsPage struct {
	Page
	PayerName  string
	Payer      string // id
	Payers     []Link // shown when there are several
	BillingURL string
	Rows       []RecipientRow
	Sent       []SentRow
	Form       RecipientForm
	Errors     Errors
	MailOff    bool // no mail is sent here
}

// RecipientForm is what a recipient gets, as typed.
type RecipientForm struct {
	Email                                         string
	Invoices, CreditNotes, BankInvoices, Receipts bool
	PDF, XML                                      bool
}

// RecipientRow is an address that gets documents.
type RecipientRow struct {
	ID    string
	State string // active, asked, expired, stopped
	Since Instant
	Mail  string // state of the question's mail, while it is not answered
	RecipientForm
}

// SentRow is a document that was sent, or was to be.
type SentRow struct {
	ID       string
	Number   string
	URL      string
	Email    string
	State    string // sent, waiting, trying, failed, skipped
	At       Instant
	Why      string // of a failure
	MayAgain bool
}

// EmailSignInPage is GET and POST /login/email.
type EmailSignInPage struct {
	Page
	Email     string // as typed
	Errors    Errors
	MailOff   bool   // no mail is sent here
	DemoEmail string // demo mode: somebody who can sign in so
}

// EmailSentPage is GET /login/email/sent. It is the same for every address.
type EmailSentPage struct {
	Page
	Minutes int
	DemoURL string // demo mode: where the mail's link leads to
}

// LinkPage is GET and POST /login/link.
type LinkPage struct {
	Page
	Problem string // "", over or browser
	Token   string
	Email   string
	Joins   []string // payers whose invitations are accepted
}

// AnswerPage is GET and POST /recipients/confirm and /recipients/stop: what
// somebody who gets documents by mail answers.
type AnswerPage struct {
	Page
	Stop      bool // they want no more; else they want them
	Done      bool
	Over      bool   // it is too late to confirm
	Action    string // of the form
	Recipient string
	Seal      string
	PayerName string
	Email     string
}
