package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/vat"
)

// Seller is what the seller file says. docs/seller.example.toml describes every
// key.
type Seller struct {
	Name         string
	CompanyCode  string
	Street       string
	City         string
	Postcode     string
	Country      string         // ISO 3166-1, a member state of the EU
	Zone         *time.Location // of business days and document dates
	ServiceClass ServiceClass
	Languages    []string // offered to people, the first by default
	Standings    []Standing
	Contacts     Contacts
	PartnerURL   string // who sells by the month; may be empty
	Series       Series
	Terms        Terms
	BankAccounts []BankAccount // one for each currency
	Books        pricing.Books
}

// ServiceClass is what the service is for VAT returns (Implementing Regulation
// (EU) 282/2011 art. 6a, 7).
type ServiceClass string

// The classes.
const (
	ServiceTelecom ServiceClass = "telecom"
	ServiceESS     ServiceClass = "ess" // electronically supplied service
)

// Standing is the seller's standing with the tax administration from a day on.
type Standing struct {
	ValidFrom civil.Date
	Number    string // VAT number with its prefix; empty for vat.SchemeNone
	Note      string // why there is no number, as documents print it
	Seller    vat.Seller
}

// Contacts are where people reach the seller.
type Contacts struct {
	Email         string
	Phone         string // may be empty
	Website       string // may be empty
	SupportPublic string // address of the group for everybody
	SupportDirect string // address for payers above Terms.DirectSupport
}

// Series are the prefixes of document numbers: SIP gives SIP-2026-000123.
type Series struct{ Invoice, CreditNote, Order, Receipt string }

// Terms are the operator's choices, in days unless said otherwise.
type Terms struct {
	BankInvoice     int          // that a bank invoice is valid
	BankInvoiceLead int          // before the end of a subscription at which the next one is sent
	Notice          []int        // before the end at which people are reminded, largest first
	FirstCharge     int          // before the end at which a saved method is charged first
	Grace           int          // after the end until the plan falls back to Free
	GraceCharge     []int        // after the end at which it is charged again, smallest first
	DirectSupport   money.Amount // monthly spending in EUR above which a payer gets the direct contact
	MaxCharges      int          // of saved methods, for one payer on one day
	MaxCharged      money.Amount // by them in all, in the payer's currency
	SecondEyes      money.Amount // refunds above it, VAT included, are decided by two people
	RefundDecision  int          // working days within which a refund is decided
}

// BankAccount is one of the seller's accounts.
type BankAccount struct {
	Currency    money.Currency
	Beneficiary string
	IBAN        bank.IBAN
	BIC         bank.BIC
	Bank        string
	Address     string // of the bank
}

// standing returns the one in force. The first also covers the days before it.
func (s Seller) standing(on civil.Date) Standing {
	for _, standing := range slices.Backward(s.Standings) {
		if !standing.ValidFrom.After(on) {
			return standing
		}
	}
	if len(s.Standings) == 0 {
		return Standing{}
	}
	return s.Standings[0]
}

// VAT returns the seller's standing on a day for vat.Decide.
func (s Seller) VAT(on civil.Date) vat.Seller { return s.standing(on).Seller }

// Party returns the seller's block on documents issued on a day.
func (s Seller) Party(on civil.Date) invoice.Party {
	standing := s.standing(on)
	return invoice.Party{
		Name: s.Name, CompanyCode: s.CompanyCode, VATNumber: standing.Number, VATNote: standing.Note,
		Street: s.Street, City: s.City, Postcode: s.Postcode, Country: s.Country,
		Email: s.Contacts.Email, Phone: s.Contacts.Phone, Website: s.Contacts.Website,
	}
}

// ParseSeller reads a seller file (TOML). Unknown keys are refused. The error
// names the first wrong key and what it takes.
func ParseSeller(text string) (Seller, error) {
	file, err := parseTOML(text)
	if err != nil {
		return Seller{}, err
	}
	var s Seller
	s.identity(file.table("seller"))
	for _, t := range file.tables("vat") {
		s.Standings = append(s.Standings, standingOf(t, s.Country))
	}
	s.Contacts = contactsOf(file.table("contacts"))
	partner := file.table("partner")
	s.PartnerURL = optional(partner, "url", func() string { return partner.url("url") })
	partner.done()
	s.Series = seriesOf(file.table("series"))
	s.Terms = termsOf(file.table("terms"))
	for _, t := range file.tables("bank_account") {
		s.BankAccounts = append(s.BankAccounts, bankAccountOf(t))
	}
	var books []pricing.Book
	for _, t := range file.tables("price_book") {
		books = append(books, bookOf(t))
	}
	file.done()
	if err := file.notes.err(); err != nil {
		return Seller{}, err
	}
	if s.Books, err = pricing.NewBooks(books...); err != nil {
		return Seller{}, err
	}
	return s, s.together()
}

// together refuses what is right alone but does not fit.
func (s Seller) together() error {
	for i := 1; i < len(s.Standings); i++ {
		if !s.Standings[i-1].ValidFrom.Before(s.Standings[i].ValidFrom) {
			return fmt.Errorf("vat[%d].valid_from takes a day after that of the entry before", i+1)
		}
	}
	prefixes := map[string]bool{s.Series.Invoice: true, s.Series.CreditNote: true, s.Series.Order: true, s.Series.Receipt: true}
	if len(prefixes) < 4 {
		return errors.New("series takes prefixes that differ")
	}
	takesMoney := map[money.Currency]bool{}
	for i, account := range s.BankAccounts {
		if takesMoney[account.Currency] {
			return fmt.Errorf("bank_account[%d].currency takes a currency that no other account has", i+1)
		}
		takesMoney[account.Currency] = true
	}
	for _, book := range s.Books {
		if !takesMoney[book.Currency] {
			return fmt.Errorf("bank_account takes an account for %s, the currency of price book %s", book.Currency, book.ID)
		}
	}
	return nil
}

func (s *Seller) identity(t table) {
	s.Name = t.text("name", 200)
	s.CompanyCode = t.text("company_code", 50)
	s.Street = t.text("street", 200)
	s.City = t.text("city", 100)
	s.Postcode = optional(t, "postcode", func() string { return t.text("postcode", 20) })
	s.Country = t.where("country", "the code of a member state of the EU, such as LT", isMemberState)
	s.Zone = parsed(t, "time_zone", "a time zone by its IANA name, such as Europe/Vilnius", func(name string) (*time.Location, error) {
		if name == "" || name == "Local" { // which would differ from machine to machine
			return nil, takes("")
		}
		return time.LoadLocation(name)
	})
	s.ServiceClass = ServiceClass(t.where("service_class", "telecom or ess", func(class string) bool {
		return class == string(ServiceTelecom) || class == string(ServiceESS)
	}))
	var available []string
	for _, language := range i18n.Languages() {
		available = append(available, language.Code)
	}
	s.Languages = t.words("languages", 1, takes("a list of one or more of "+strings.Join(available, ", ")), func(code string) bool {
		return slices.Contains(available, code)
	})
	t.done()
}

func standingOf(t table, country string) Standing {
	standing := Standing{ValidFrom: t.date("valid_from")}
	v := vat.Seller{Country: country}
	v.Scheme = vat.Scheme(t.where("scheme", "none, svs or std", func(scheme string) bool {
		return slices.Contains([]vat.Scheme{vat.SchemeNone, vat.SchemeSVS, vat.SchemeStd}, vat.Scheme(scheme))
	}))
	// Directive 2006/112/EC art. 226(3), (11): a document carries the number, or
	// the reason why there is none.
	if v.Scheme == vat.SchemeNone {
		standing.Note = t.text("note", 300)
		t.absent("number", "with scheme none")
	} else {
		standing.Number = parsed(t, "number", "a VAT number of the seller's country with its prefix and the right check digit, such as LT119511515", func(s string) (string, error) {
			id, err := vat.ParseID(s)
			if err != nil || id.Mistyped || id.Country() != country {
				return "", cmp.Or[error](err, takes(""))
			}
			return id.String(), nil
		})
		t.absent("note", "where there is a number")
	}
	v.OSS = t.flag("oss")
	if v.OSS && v.Scheme == vat.SchemeNone {
		t.fail("oss", "only false with scheme none: the Union scheme needs a VAT number")
	}
	v.DestSince = optional(t, "dest_since", func() civil.Date { return t.date("dest_since") })
	v.ExStates = optional(t, "ex_states", func() []string {
		return t.words("ex_states", 0, "a list of other member states of the EU, such as [\"LV\", \"EE\"]", func(code string) bool {
			return isMemberState(code) && code != country
		})
	})
	if len(v.ExStates) > 0 {
		v.ExNumber = t.where("ex_number", "the number of the exemption, with EX at its end", func(s string) bool {
			return len(s) > 4 && len(s) <= 30 && strings.HasSuffix(s, "EX") && only(s, isVisible)
		})
	}
	t.absent("ex_number", "without ex_states")
	standing.Seller = v
	t.done()
	return standing
}

// isMemberState wants the ISO 3166-1 code: GR, not the tax administrations' EL.
func isMemberState(code string) bool { return slices.Contains(vat.Countries(), code) }

func contactsOf(t table) Contacts {
	c := Contacts{
		Email: t.where("email", "an e-mail address", func(s string) bool {
			a, err := mail.ParseAddress(s)
			return err == nil && a.Address == s
		}),
		Phone: optional(t, "phone", func() string {
			return t.where("phone", "a phone number with + and its country code", func(s string) bool {
				digits := strings.ReplaceAll(strings.TrimPrefix(s, "+"), " ", "")
				return strings.HasPrefix(s, "+") && len(digits) >= 6 && len(digits) <= 15 && only(digits, isASCIIDigit)
			})
		}),
		Website:       optional(t, "website", func() string { return t.url("website") }),
		SupportPublic: t.url("support_public"),
		SupportDirect: t.url("support_direct"),
	}
	t.done()
	return c
}

// url is the address of a page.
func (t table) url(key string) string {
	return t.where(key, "an address such as https://t.me/example", func(s string) bool {
		u, ok := parseURL(s)
		return ok && u.Scheme == "https"
	})
}

func seriesOf(t table) Series {
	prefix := func(key string) string {
		return t.where(key, "1 to 8 capital letters and digits, a letter first, such as SIP", func(s string) bool {
			return len(s) <= 8 && only(s, func(c byte) bool { return isASCIIDigit(c) || 'A' <= c && c <= 'Z' }) && !isASCIIDigit(s[0])
		})
	}
	s := Series{Invoice: prefix("invoice"), CreditNote: prefix("credit_note"), Order: prefix("order"), Receipt: "R"}
	if t.has("receipt") {
		s.Receipt = prefix("receipt")
	}
	t.done()
	return s
}

func termsOf(t table) Terms {
	terms := Terms{
		BankInvoice:     t.number("bank_invoice_days", 14, 1, 90),
		BankInvoiceLead: t.number("bank_invoice_lead_days", 30, 1, 90),
		Notice:          t.numbers("notice_days", []int{14, 3}, 1, 90, true),
		FirstCharge:     t.number("first_charge_days", 3, 0, 30),
		Grace:           t.number("grace_days", 7, 0, 60),
		DirectSupport:   150_00,
		MaxCharges:      t.number("max_charges_per_day", 10, 1, 1000),
		MaxCharged:      5000_00,
		SecondEyes:      150_00,
		RefundDecision:  t.number("refund_decision_days", 3, 1, 60),
	}
	// A charge after the grace would pay for a plan that has already ended.
	terms.GraceCharge = t.numbers("grace_charge_days", []int{3, 7}, 1, max(1, terms.Grace), false)
	if n := len(terms.GraceCharge); n > 0 && terms.GraceCharge[n-1] > terms.Grace {
		t.fail("grace_charge_days", takes(fmt.Sprintf("only days within grace_days, %d", terms.Grace)))
	}
	if t.has("direct_support_above") {
		terms.DirectSupport = t.price("direct_support_above")
	}
	if t.has("max_charged_per_day") {
		terms.MaxCharged = t.price("max_charged_per_day")
	}
	if t.has("refund_second_eyes_above") {
		terms.SecondEyes = t.price("refund_second_eyes_above")
	}
	t.done()
	return terms
}

func bankAccountOf(t table) BankAccount {
	a := BankAccount{
		Currency:    t.currency("currency"),
		Beneficiary: t.text("beneficiary", 70), // EPC069-12
		IBAN:        parsed(t, "iban", "an IBAN with the right check digits", bank.ParseIBAN),
		BIC:         parsed(t, "bic", "a BIC of 8 or 11 characters", bank.ParseBIC),
		Bank:        t.text("bank", 140),
		Address:     optional(t, "bank_address", func() string { return t.text("bank_address", 200) }),
	}
	t.done()
	return a
}

func bookOf(t table) pricing.Book {
	b := pricing.Book{
		ID: t.where("id", "1 to 32 letters, digits, dots and dashes, such as 2025-04", func(s string) bool {
			return len(s) <= 32 && only(s, func(c byte) bool { return isWord(c) || c == '-' || c == '.' })
		}),
		Currency: t.currency("currency"), ValidFrom: t.date("valid_from"),
	}
	softphone := t.table("softphone")
	b.Softphone = pricing.SoftphonePrices{
		Account: softphone.price("account"), AccountRecording: softphone.price("account_recording"),
		Threshold: softphone.number("threshold", 0, 1, 1000), Surcharge: softphone.price("surcharge"), API: softphone.price("api"),
	}
	softphone.done()
	gateway := t.table("gateway")
	b.Gateway = pricing.GatewayPrices{
		Line: gateway.price("line"), MainAccount: gateway.price("main_account"), ExtraAccount: gateway.price("extra_account"),
		Threshold: gateway.number("threshold", 0, 1, 1000), Surcharge: gateway.price("surcharge"), API: gateway.price("api"),
	}
	gateway.done()
	discounts := t.table("discount_percent")
	b.Discounts = map[pricing.Period]money.BasisPoints{}
	for _, months := range slices.Sorted(maps.Keys(discounts.left)) {
		n, err := strconv.Atoi(months)
		if err != nil || strconv.Itoa(n) != months || !slices.Contains(pricing.Periods[:], pricing.Period(n)) {
			continue // done refuses it
		}
		percent := parsed(discounts, months, `a percentage in quotes below 100, such as "10"`, func(s string) (money.Amount, error) {
			percent, err := money.ParseDecimal(s)
			if err == nil && (percent < 0 || percent >= 100_00) {
				err = takes("")
			}
			return percent, err
		})
		// A percentage with two decimals is a number of basis points.
		b.Discounts[pricing.Period(n)] = money.BasisPoints(percent)
	}
	discounts.done()
	t.done()
	return b
}

// price is a sum of money in quotes, of the currency of its book.
func (t table) price(key string) money.Amount {
	return parsed(t, key, `a price in quotes, such as "15.00"`, func(s string) (money.Amount, error) {
		price, err := money.ParseDecimal(s)
		if err == nil && price < 0 {
			err = takes("")
		}
		return price, err
	})
}

func (t table) currency(key string) money.Currency {
	return money.Currency(t.where(key, "the code of a currency with two decimals, such as EUR", func(s string) bool { return money.Currency(s).Valid() }))
}
