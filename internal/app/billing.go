package app

import (
	"context"
	"net/mail"
	"slices"
	"strings"
	"unicode"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/vat"
	"golang.org/x/text/unicode/norm"
)

// maxPayers bounds how many payers one account may own.
const maxPayers = 20

// PayerInput is the billing form as typed.
type PayerInput struct {
	Kind             string
	Name             string
	CompanyCode      string
	VATNumber        string
	VATNumberConfirm bool // keep a number whose check digit looks mistyped
	Street           string
	City             string
	Postcode         string
	Country          string
	Email            string
	POReference      string
	Language         string // of documents
	Lithuanian       bool   // documents also in Lithuanian
	Currency         string
}

// Payers returns the payers that the actor is a member of, oldest first, and
// the actor's role on each.
func (a *App) Payers(ctx context.Context, actor account.Actor) ([]store.PayerOf, error) {
	var payers []store.PayerOf
	err := a.db.View(ctx, func(tx *store.Tx) error {
		var err error
		payers, err = tx.PayersOf(ctx, actor.AccountID)
		return err
	})
	return payers, err
}

// SavePayer stores billing details; an empty id adds a company. Mistakes are
// Invalid with every field's message; nothing is then written. The register is
// asked about a VAT number that it has not just answered about, first while the
// person waits, then by a job.
func (a *App) SavePayer(ctx context.Context, actor account.Actor, id account.PayerID, in PayerInput) (account.PayerID, error) {
	payer, fields := a.parsePayer(in)
	if err := fields.Err(); err != nil {
		return "", err
	}
	ask := false
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		var err error
		if payer.ID, err = a.savePayer(ctx, tx, actor, id, payer); err != nil {
			return err
		}
		ask, err = a.inquire(ctx, tx, payer)
		return err
	})
	if err != nil {
		return payer.ID, err
	}
	if ask {
		a.askNow(ctx, actor, payer.ID)
	}
	return payer.ID, nil
}

// savePayer writes a payer and returns its id.
func (a *App) savePayer(ctx context.Context, tx *store.Tx, actor account.Actor, id account.PayerID, payer account.Payer) (account.PayerID, error) {
	if id == "" {
		existing, err := tx.PayersOf(ctx, actor.AccountID)
		if err != nil {
			return "", err
		}
		if len(existing) >= maxPayers {
			return "", &fault.Error{Kind: fault.Conflict, Key: "error.payer.too_many", Args: fault.Args{"Count": maxPayers}}
		}
		if payer.ID, err = tx.InsertPayer(ctx, payer, actor.AccountID); err != nil {
			return "", err
		}
		if err := a.askBillingAddress(ctx, tx, actor, payer); err != nil {
			return payer.ID, err
		}
		return payer.ID, a.auditPayer(ctx, tx, actor, payer.ID, "payer.added")
	}
	old, err := tx.LockPayerOf(ctx, actor.AccountID, id)
	if err != nil {
		return id, err
	}
	if !old.Role.MayBuy() {
		return id, fault.New(fault.Forbidden, "error.payer.role")
	}
	payer.ID = id
	if old.CurrencyFixed {
		payer.Currency = old.Currency
	}
	if err := tx.SavePayer(ctx, payer); err != nil {
		return id, err
	}
	if err := a.askBillingAddress(ctx, tx, actor, payer); err != nil {
		return id, err
	}
	return id, a.auditPayer(ctx, tx, actor, id, "payer.changed")
}

func (a *App) auditPayer(ctx context.Context, tx *store.Tx, actor account.Actor, id account.PayerID, action string) error {
	return tx.AppendAudit(ctx, audit.Record{
		Actor: audit.ByAccount(actor.AccountID), Action: action, ObjectKind: "payer", ObjectID: string(id), PayerID: id,
	})
}

// parsePayer checks the billing form.
func (a *App) parsePayer(in PayerInput) (account.Payer, fault.Fields) {
	var fields fault.Fields
	text := func(field, value string, limit int, required bool) string {
		value = CleanText(value)
		switch {
		case value == "" && required:
			fields.Add(field, "error.required", nil)
		case len([]rune(value)) > limit:
			fields.Add(field, "error.too_long", fault.Args{"Limit": limit})
		}
		return value
	}
	p := account.Payer{
		Kind:        account.Kind(in.Kind),
		Name:        text("name", in.Name, 200, true),
		Street:      text("street", in.Street, 200, true),
		City:        text("city", in.City, 100, true),
		Postcode:    text("postcode", in.Postcode, 20, false),
		POReference: text("po_reference", in.POReference, 50, false),
		Country:     strings.ToUpper(strings.TrimSpace(in.Country)),
		Email:       strings.TrimSpace(in.Email),
		Language:    in.Language,
		Lithuanian:  in.Lithuanian,
		Currency:    money.Currency(in.Currency),
	}
	if p.Kind != account.KindPerson && p.Kind != account.KindCompany {
		fields.Add("kind", "error.payer.kind", nil)
	}
	switch {
	case p.Country == "":
		fields.Add("country", "error.required", nil)
	case !knownCountry(p.Country):
		fields.Add("country", "error.country.unknown", nil)
	}
	if !validEmail(p.Email) {
		fields.Add("email", "error.email", nil)
	}
	if p.Language == "" {
		p.Language = "en"
	}
	if i18n.ForDocument(p.Language).Lang() != p.Language {
		fields.Add("language", "error.language.unknown", nil)
	}
	currencies := a.seller.Books.Currencies(a.Today())
	if p.Currency == "" && len(currencies) > 0 {
		p.Currency = currencies[0]
	}
	if !slices.Contains(currencies, p.Currency) {
		fields.Add("currency", "error.currency.unknown", nil)
	}
	if p.Kind == account.KindCompany {
		p.CompanyCode = text("company_code", in.CompanyCode, 50, false)
		p.VATNumber = parseVATNumber(in, p.Country, &fields)
	}
	return p, fields
}

// parseVATNumber checks syntax and check digit (vat.md 3.1): a wrong form is
// refused, a wrong check digit only warned of, once. The tax numbers of countries
// without a known form are taken as they are.
func parseVATNumber(in PayerInput, country string, fields *fault.Fields) string {
	typed := CleanText(in.VATNumber)
	if typed == "" {
		return ""
	}
	if !vat.HasIDFormat(country) {
		if len(typed) > 20 {
			fields.Add("vat_number", "error.too_long", fault.Args{"Limit": 20})
		}
		return typed
	}
	number, err := vat.CheckID(country, typed)
	switch {
	case err != nil:
		fields.Add("vat_number", "error.vat_number.format", nil)
	case number.Mistyped && !in.VATNumberConfirm:
		fields.Add("vat_number", "error.vat_number.check_digit", nil)
	}
	return number.String()
}

// knownCountry reports whether code is the ISO 3166-1 code of a country.
func knownCountry(code string) bool {
	return len(code) == 2 && vat.Territory(code, "").Country == code
}

func validEmail(s string) bool {
	if len(s) > 254 || CleanText(s) != s {
		return false
	}
	address, err := mail.ParseAddress(s)
	if err != nil || address.Address != s {
		return false
	}
	_, domain, _ := strings.Cut(s, "@")
	return strings.Contains(domain, ".") && !strings.HasPrefix(domain, "[") // no address of a machine (RFC 5321, 4.1.3)
}

// CleanText makes typed text fit for pages, documents and logs: NFC, without
// control and bidirectional-override characters or invalid UTF-8, white space
// folded.
func CleanText(s string) string {
	s = norm.NFC.String(strings.ToValidUTF8(s, ""))
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), r == unicode.ReplacementChar,
			r >= 0x200B && r <= 0x200F, r >= 0x202A && r <= 0x202E, r >= 0x2060 && r <= 0x206F, r == 0xFEFF,
			r >= 0xFFF9 && r <= 0xFFFB, r >= 0xE0000 && r <= 0xE007F:
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}
