package views

import "github.com/siptg/portal/internal/i18n"

// Page is what every page has.
type Page struct {
	T          i18n.Translator
	Title      string // of the browser tab; empty takes the page's own heading
	Path       string // of this page, without the query
	SignedIn   bool
	PersonName string
	Reader     bool // signed in by e-mail: reads documents and does nothing else
	Demo       bool
	DemoNow    string // what the demo clock shows, ready to read; may be empty
	Active     string // the Nav… constant of the section, or ""
	Flash      string // the Flash… constant of what was just done, or ""
	SellerName string // for the footer; may be empty
	Staff      bool   // the person may work in the back office
	BackOffice bool   // this is one of its pages

	ChargingHalted bool // nothing is taken from anybody at present
	Assets         Assets
}

// Assets are the addresses of the static files.
type Assets struct {
	CSS, JS, Favicon, TouchIcon string
}

// Sections of the navigation, for Page.Active.
const (
	NavHome          = "home"
	NavSubscriptions = "subscriptions"
	NavInvoices      = "invoices"
	NavPlans         = "plans"
	NavBilling       = "billing"
	NavAccount       = "account"
	NavHelp          = "help"
	NavStaff         = "staff"
)

// Notices after a form was sent, for Page.Flash. Codes, not sentences: they
// may travel in a cookie. An unknown code shows nothing.
const (
	FlashSignedIn             = "signed_in"
	FlashSignedOut            = "signed_out"
	FlashOrderPlaced          = "order_placed"
	FlashOrderCanceled        = "order_canceled"
	FlashBillingSaved         = "billing_saved"
	FlashPayerAdded           = "payer_added"
	FlashAutoRenewOff         = "auto_renew_off"
	FlashAutoRenewOffCharging = "auto_renew_off_charging" // a charge was on its way already
	FlashAutoRenewOn          = "auto_renew_on"
	FlashProfileSaved         = "profile_saved"
	FlashSessionEnded         = "session_ended"
	FlashSessionsEnded        = "sessions_ended"
	FlashChanged              = "changed"
	FlashOrderByCard          = "order_by_card" // placed, to be paid by card
	FlashOrderPaid            = "order_paid"    // placed and paid, or paid, from the balance
	FlashCardRemoved          = "card_removed"
	FlashKeyRevoked           = "key_revoked"

	FlashCorrected        = "corrected"
	FlashCorrectionAsked  = "correction_asked"
	FlashRefundAsked      = "refund_asked"
	FlashRequestWithdrawn = "request_withdrawn"
	FlashRefundApproved   = "refund_approved"
	FlashRefundRejected   = "refund_rejected"

	FlashInvited           = "invited"
	FlashInvitationRevoked = "invitation_revoked"
	FlashMemberRevoked     = "member_revoked"
	FlashRecipientAdded    = "recipient_added" // and asked, or asked again
	FlashRecipientSaved    = "recipient_saved"
	FlashRecipientRemoved  = "recipient_removed"
	FlashSentAgain         = "sent_again"

	FlashSuspenseDecided = "suspense_decided"
	FlashStatementAsked  = "statement_asked"
	FlashPayoutSent      = "payout_sent"
	FlashPayoutFailed    = "payout_failed"
)

var flashes = map[string]bool{
	FlashSignedIn: true, FlashSignedOut: true, FlashOrderPlaced: true, FlashOrderCanceled: true,
	FlashBillingSaved: true, FlashPayerAdded: true, FlashAutoRenewOff: true, FlashAutoRenewOffCharging: true, FlashAutoRenewOn: true,
	FlashProfileSaved: true, FlashSessionEnded: true, FlashSessionsEnded: true, FlashChanged: true,
	FlashOrderByCard: true, FlashOrderPaid: true, FlashCardRemoved: true, FlashKeyRevoked: true,
	FlashCorrected: true, FlashCorrectionAsked: true,
	FlashRefundAsked: true, FlashRequestWithdrawn: true, FlashRefundApproved: true, FlashRefundRejected: true,
	FlashPayoutSent: true, FlashPayoutFailed: true,
	FlashInvited: true, FlashInvitationRevoked: true, FlashMemberRevoked: true,
	FlashRecipientAdded: true, FlashRecipientSaved: true, FlashRecipientRemoved: true, FlashSentAgain: true,
	FlashSuspenseDecided: true, FlashStatementAsked: true,
}

// Money is an amount to show, with the figures for machines. A Money without
// Text is absent.
type Money struct {
	Text     string // in the person's language: "€1,524.60"
	Minor    int64
	Currency string
}

// Instant is a moment or a day to show. An Instant without Text is absent.
type Instant struct {
	Text string // in the person's language; a moment names its time zone
	ISO  string // "2026-11-22" or "2026-11-22T12:05:00Z"
}

// Link is a link with its text. Current marks the one that is shown now.
type Link struct {
	Text    string
	URL     string
	Current bool
}

// Choice is an entry of a select or a radio group.
type Choice struct {
	Value string
	Text  string
	Hint  string // of a radio button: a second line; may be empty
}

// FieldError is a mistake in one form field, already translated.
type FieldError struct {
	Field string
	Text  string
}

// Errors are the mistakes of a form, in the order of its fields.
type Errors []FieldError

// Of returns the messages of one field.
func (e Errors) Of(field string) []string {
	var texts []string
	for _, x := range e {
		if x.Field == field {
			texts = append(texts, x.Text)
		}
	}
	return texts
}

// Selection is a configured plan, field for field pricing.Selection.
type Selection struct {
	Plan          string // pricing.Plan: free, softphone, gateway, softphone_provider, trial, starter
	Accounts      int
	Recording     bool
	Lines         int
	ExtraAccounts int
	API           bool
	Months        int // the period; 0 where there is none
}

// Copied is a value that people copy: shown in groups, copied without spaces.
type Copied struct {
	Text string // "LT12 1000 0111 0100 1000"
	Raw  string // "LT121000011101001000"
}

// Party is a seller's or a buyer's block.
type Party struct {
	Name        string
	CompanyCode string
	VATNumber   string
	VATNote     string   // why there is no VAT number, seller only
	Address     []string // lines, the country's name last
	Email       string
	Phone       string
	Website     string
}
