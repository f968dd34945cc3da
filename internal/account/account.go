package account

import (
	"strconv"
	"time"

	"github.com/siptg/portal/internal/money"
)

// ID names an Account: a UUID in its text form.
type ID string

// PayerID names a Payer: a UUID in its text form.
type PayerID string

// TelegramID is the numeric id of a Telegram user; at most 52 significant bits.
type TelegramID int64

// String writes the id in decimal digits.
func (id TelegramID) String() string { return strconv.FormatInt(int64(id), 10) }

// Role is what a Member may do on a Payer.
type Role string

// The roles of product.md, "Rights".
const (
	RoleOwner      Role = "owner"      // everything
	RoleBilling    Role = "billing"    // everything but members and closing
	RoleAccountant Role = "accountant" // reads and downloads documents
)

// MayBuy reports whether the role may order, pay and switch auto-renewal.
func (r Role) MayBuy() bool { return r == RoleOwner || r == RoleBilling }

// Actor is the signed-in person that a request comes from.
type Actor struct {
	AccountID  ID
	TelegramID TelegramID
	Email      string // of who signed in by e-mail and has no Telegram; empty for all others
	Name       string
	Language   string
	TimeZone   string    // IANA name; empty until the person chose one
	Staff      StaffRole // read with the session on every request, never kept
}

// OnlyReads reports whether the actor may change nothing but what is their own:
// their session, language and time zone. It is so for everybody who signed in by
// e-mail, whatever payer they look at.
func (a Actor) OnlyReads() bool { return a.Email != "" }

// Account is a Telegram user who has signed in, or an accountant who signs in by
// e-mail.
type Account struct {
	ID         ID
	TelegramID TelegramID // 0 for who signs in by e-mail
	Email      string     // empty for a Telegram user
	FirstName  string
	LastName   string
	Username   string
	Language   string
	TimeZone   string
	CreatedAt  time.Time
}

// Name returns what to call the person: first and last name as Telegram gave
// them, or the e-mail address.
func (a Account) Name() string {
	switch {
	case a.Email != "":
		return a.Email
	case a.LastName == "":
		return a.FirstName
	case a.FirstName == "":
		return a.LastName
	}
	return a.FirstName + " " + a.LastName
}

// Kind tells a private person from a company.
type Kind string

// The two kinds of Payer.
const (
	KindPerson  Kind = "person"
	KindCompany Kind = "company"
)

// Payer is the party that pays and is named on the invoice.
type Payer struct {
	ID            PayerID
	Kind          Kind
	Name          string
	CompanyCode   string
	VATNumber     string // normalised, with its country prefix; empty for none
	Street        string
	City          string
	Postcode      string
	Country       string // ISO 3166-1 alpha-2; Greece is GR
	Email         string
	POReference   string
	Language      string // of documents
	Lithuanian    bool   // documents also in Lithuanian
	Currency      money.Currency
	CurrencyFixed bool // true from the first order on
}

// Complete reports whether the details suffice for an order and an invoice
// (Directive 2006/112/EC art. 226(5): full name and address of the customer).
func (p Payer) Complete() bool {
	return p.Name != "" && p.Street != "" && p.City != "" && p.Country != "" && p.Email != "" && p.Currency != ""
}
