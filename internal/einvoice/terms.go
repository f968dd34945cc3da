package einvoice

import (
	"strings"

	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/vat"
)

// terms are the business terms of a document that both syntaxes share, apart
// from those that are plainly its fields.
type terms struct {
	invoice.Document
	vat    invoice.VATLine // the one breakdown; lines and discount have its category
	seller party
	buyer  party
	typ    string // BT-3: code of UNTDID 1001
	note   string // BT-22
	pay    means
	terms  string // BT-20: how it was paid, or what is due
}

// party is a party with its identifiers in their places.
type party struct {
	invoice.Party
	vatID        string // BT-31, BT-48
	taxID        string // BT-32: the seller's number where a VAT number may not stand
	otherID      string // BT-46: the buyer's number, likewise
	legalScheme  string // of CompanyCode (BT-30, BT-47), ISO 6523
	scheme, addr string // BT-34, BT-49: where e-invoices are sent to
}

// means is how it is paid, or was (BG-16).
type means struct {
	code        string // BT-81: code of UNTDID 4461
	reference   string // BT-83
	iban        string // BT-84
	accountName string // BT-85
	bic         string // BT-86
}

// eas are the schemes of electronic addresses for VAT numbers, by the number's
// prefix (code list EAS).
var eas = map[string]string{
	"AT": "9914", "BE": "9925", "BG": "9926", "CY": "9928", "CZ": "9929", "DE": "9930", "EE": "9931", "EL": "9933", "ES": "9920",
	"FR": "9957", "GB": "9932", "HR": "9934", "HU": "9910", "IE": "9935", "IT": "0211", "LT": "9937", "LU": "9938",
	"LV": "9939", "MT": "9943", "NL": "9944", "PL": "9945", "PT": "9946", "RO": "9947", "SI": "9949", "SK": "9950",
}

const (
	lithuanian = "0200" // code of a Lithuanian legal entity (ISO 6523)
	byMail     = "EM"   // an e-mail address; not in Peppol
)

// read returns the terms of a document that passes Check.
func read(d invoice.Document) (terms, error) {
	d = scrub(d)
	if err := check(d); err != nil {
		return terms{}, err
	}
	t := terms{Document: d, vat: d.VAT[0], typ: "380", pay: meansOf(d)}
	if d.Kind == invoice.KindCreditNote {
		t.typ = "381"
	}
	t.seller, t.buyer = t.party(d.Seller), t.party(d.Buyer)
	t.identify()
	words := i18n.ForDocument(d.Language)
	var notes []string
	if x := d.Corrects; x != nil {
		notes = append(notes, x.Reason)
		if x.CreditNote != "" {
			notes = append(notes, words.T("doc.replaces", "Number", x.Number, "Date", words.DateShort(x.IssueDate.Year, x.IssueDate.Month, x.IssueDate.Day), "CreditNote", x.CreditNote))
		}
		if x.ReplacedBy != "" {
			notes = append(notes, words.T("doc.replaced_by", "Number", x.ReplacedBy))
		}
	}
	if d.Customer != "" {
		notes = append(notes, words.T("doc.customer")+": "+d.Customer)
	}
	if x := d.Exchange; x != nil { // the standard has no term for the rate
		notes = append(notes, words.T("doc.vat.in_eur", "Amount", words.Money(int64(x.VAT), string(money.EUR)), "Rate", words.Decimal(x.Decimal()),
			"Currency", d.Currency, "Source", x.Source, "Date", words.Date(x.Day.Year, x.Day.Month, x.Day.Day)))
	}
	t.note = strings.Join(notes, "\n")
	t.terms = termsOf(d, words)
	return t, nil
}

// countries are the codes of places that addresses know and the standard's list
// does not, which has Kosovo under a code of its own (BR-CL-14).
var countries = map[string]string{"XK": "1A", "AC": "SH", "TA": "SH", "IC": "ES", "EA": "ES", "CP": "FR", "CQ": "GG", "DG": "IO"}

func (t *terms) party(p invoice.Party) party {
	q := party{Party: p}
	if code := countries[p.Country]; code != "" {
		q.Country = code
	}
	if p.Country == "LT" && p.CompanyCode != "" {
		q.legalScheme = lithuanian
	}
	id, err := vat.ParseID(p.VATNumber)
	number := err == nil && !p.Person
	switch {
	case q.legalScheme != "" && onlyDigits(p.CompanyCode) && !p.Person:
		q.scheme, q.addr = lithuanian, p.CompanyCode
	case number && eas[id.Prefix] != "":
		q.scheme, q.addr = eas[id.Prefix], id.String()
	case p.Email != "":
		q.scheme, q.addr = byMail, p.Email
	}
	return q
}

// identify puts the tax numbers where the category lets them stand. What is
// outside the scope of VAT must not name a VAT number (BR-O-02), while the law
// wants the seller's on every invoice: it then is a registration (BT-32).
func (t *terms) identify() {
	outside := t.vat.Category == vat.CategoryOutside
	switch {
	case t.seller.VATNumber == "":
		t.seller.taxID = t.seller.CompanyCode
	case outside:
		t.seller.taxID = t.seller.VATNumber
	default:
		t.seller.vatID = t.seller.VATNumber
	}
	switch _, err := vat.ParseID(t.buyer.VATNumber); {
	case outside || err != nil: // a tax number of a country whose form is not known may have no prefix (BR-CO-09)
		t.buyer.otherID = t.buyer.VATNumber
	default:
		t.buyer.vatID = t.buyer.VATNumber
	}
}

// routable reports whether Peppol can carry the document: consumers have no
// address there, and those of many countries have none that we know.
func (t *terms) routable() bool {
	return t.seller.addr != "" && t.seller.scheme != byMail && t.buyer.addr != "" && t.buyer.scheme != byMail
}

func meansOf(d invoice.Document) means {
	p := d.Payment
	m := means{reference: d.Reference}
	switch {
	case p.Method == "bank" && d.Due > 0 && p.IBAN != "":
		m.code, m.iban, m.accountName, m.bic = "30", p.IBAN, p.Beneficiary, p.BIC
		if d.Currency == money.EUR {
			m.code = "58" // SEPA
		}
	case p.Method == "bank":
		m.code = "42" // to a bank account: 30 and 58 would have to name it (BR-50, BR-61)
	case p.Method == "card":
		m.code = "48"
	case p.Method == "balance":
		m.code = "97" // clearing between the parties
	default:
		m.code = "ZZZ"
	}
	return m
}

func termsOf(d invoice.Document, words i18n.Translator) string {
	paid := d.Payment.PaidOn
	switch {
	case d.Kind == invoice.KindCreditNote:
		return words.T("doc.headline.credited")
	case d.Due > 0 && d.ValidUntil.IsZero():
		return words.T("doc.headline.due")
	case d.Due > 0:
		return words.T("doc.headline.pay_by", "Date", words.Date(d.ValidUntil.Year, d.ValidUntil.Month, d.ValidUntil.Day))
	case paid.IsZero():
		return words.T("doc.headline.paid")
	}
	key := "doc.paid.other"
	switch d.Payment.Method {
	case "bank":
		key = "doc.paid.bank"
	case "card":
		key = "doc.paid.card"
	case "balance":
		key = "doc.paid.balance"
	}
	return words.T(key, "Date", words.Date(paid.Year, paid.Month, paid.Day))
}

// unitCodes are the codes of UN/ECE Recommendation 20.
var unitCodes = map[invoice.Unit]string{invoice.UnitMonth: "MON", invoice.UnitPiece: "C62"}

// reasonDiscount is the code of a discount (UNTDID 5189).
const reasonDiscount = "95"

// ratio writes the VAT rate where the category has one.
func (t *terms) ratio(w *writer, name string) {
	if t.vat.RateSet {
		w.leaf(name, percent(t.vat.Rate))
	}
}

// scrub cleans every text of the document once. What lies behind pointers and
// slices is copied: the caller's document stays as it is.
func scrub(d invoice.Document) invoice.Document {
	clean := func(texts ...*string) {
		for _, s := range texts {
			*s = line(*s)
		}
	}
	clean(&d.Number, &d.OrderNumber, &d.Reference, &d.POReference, &d.Customer)
	for _, p := range []*invoice.Party{&d.Seller, &d.Buyer} {
		clean(&p.Name, &p.CompanyCode, &p.VATNumber, &p.VATNote, &p.Street, &p.City, &p.Postcode, &p.Country, &p.Email, &p.Phone)
	}
	d.Lines = append([]invoice.Line(nil), d.Lines...)
	for i := range d.Lines {
		clean(&d.Lines[i].ItemCode, &d.Lines[i].Description, &d.Lines[i].Detail)
	}
	d.VAT = append([]invoice.VATLine(nil), d.VAT...)
	for i := range d.VAT {
		clean(&d.VAT[i].Text, &d.VAT[i].VATEX, &d.VAT[i].Category)
	}
	if d.Discount != nil {
		discount := *d.Discount
		clean(&discount.Reason)
		d.Discount = &discount
	}
	if d.Corrects != nil {
		corrects := *d.Corrects
		clean(&corrects.Number, &corrects.Reason, &corrects.CreditNote, &corrects.ReplacedBy)
		d.Corrects = &corrects
	}
	clean(&d.Payment.Beneficiary, &d.Payment.IBAN, &d.Payment.BIC)
	if d.Exchange != nil {
		exchange := *d.Exchange
		clean(&exchange.Source)
		d.Exchange = &exchange
	}
	return d
}

func onlyDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }
