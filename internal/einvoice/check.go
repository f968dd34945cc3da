package einvoice

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/vat"
)

// Check names the first thing that keeps a document from being an e-invoice. The
// official validators recompute neither VAT (they allow a whole unit of money)
// nor price times quantity, take credit notes with negative quantities and reverse
// charge for a buyer outside the EU (vat.md 5.6); nor can they know our rules. So
// figures are checked to the minor unit by invoice.Document.Check, and the rest
// here.
func Check(d invoice.Document) error { return check(scrub(d)) }

// check is Check of a document whose texts are clean.
func check(d invoice.Document) error {
	if d.Kind != invoice.KindInvoice && d.Kind != invoice.KindCreditNote {
		return fmt.Errorf("einvoice: a %s is no invoice", d.Kind)
	}
	if err := d.Check(); err != nil {
		return err
	}
	for _, rule := range []func(invoice.Document) error{checkHeader, checkLines, checkParties, checkVAT, checkPayment, checkCorrection} {
		if err := rule(d); err != nil {
			return fmt.Errorf("einvoice: %s: %w", d.Number, err)
		}
	}
	return nil
}

func checkHeader(d invoice.Document) error {
	switch {
	case d.Number == "":
		return errors.New("no number")
	case d.IssueDate.IsZero():
		return errors.New("no day of issue")
	case !d.Currency.Valid():
		return fmt.Errorf("currency %q", d.Currency)
	case d.TaxPoint.IsZero():
		return errors.New("no tax point")
	case d.TaxPoint.After(d.IssueDate):
		return fmt.Errorf("a tax point, %s, after the issue, %s", d.TaxPoint, d.IssueDate)
	case d.ServiceFrom.IsZero() != d.ServiceTo.IsZero():
		return errors.New("half a service period")
	case d.ServiceTo.Before(d.ServiceFrom):
		return errors.New("a service period that ends before it begins")
	case d.Total < 0 || d.Paid < 0 || d.Due < 0: // a credit note is 381 with positive amounts
		return errors.New("negative totals")
	case len(d.VAT) != 1: // lines do not say which rate is theirs
		return fmt.Errorf("%d VAT rates", len(d.VAT))
	}
	return nil
}

func checkLines(d invoice.Document) error {
	if len(d.Lines) == 0 {
		return errors.New("no lines")
	}
	for i, l := range d.Lines {
		switch {
		case l.ID != i+1:
			return fmt.Errorf("line %d is numbered %d", i+1, l.ID)
		case l.Description == "":
			return fmt.Errorf("line %d has no name", l.ID)
		case unitCodes[l.Unit] == "":
			return fmt.Errorf("line %d has unit %q", l.ID, l.Unit)
		case l.Quantity <= 0 || l.UnitPrice < 0:
			return fmt.Errorf("line %d has %d of %d", l.ID, l.Quantity, l.UnitPrice)
		}
	}
	if x := d.Discount; x != nil {
		off, err := x.Base.Percent(x.Percent)
		if diff := off - x.Amount; err != nil || diff < -1 || diff > 1 || x.Amount > x.Base {
			return fmt.Errorf("a discount of %d is not %d basis points of %d", x.Amount, x.Percent, x.Base)
		}
		if x.Reason == "" {
			return errors.New("a discount without a reason")
		}
	}
	return nil
}

func checkParties(d invoice.Document) error {
	for _, p := range []struct {
		who string
		invoice.Party
	}{{"seller", d.Seller}, {"buyer", d.Buyer}} {
		switch {
		case p.Name == "":
			return fmt.Errorf("the %s has no name", p.who)
		case vat.Territory(p.Country, p.Postcode).Country == "":
			return fmt.Errorf("the %s is in country %q", p.who, p.Country)
		}
	}
	switch id, err := vat.ParseID(d.Seller.VATNumber); {
	case d.Seller.CompanyCode == "" && (d.Seller.VATNumber == "" || d.VAT[0].Category == vat.CategoryOutside):
		return errors.New("nothing identifies the seller") // BR-CO-26
	case d.Seller.VATNumber != "" && (err != nil || !vat.MemberState(id.Country())):
		return fmt.Errorf("the seller's VAT number is %q", d.Seller.VATNumber)
	}
	if d.Buyer.Person && d.Buyer.VATNumber != "" {
		return errors.New("a private person with a VAT number")
	}
	return nil
}

// codes are the reasons for no VAT that a category may have (code list VATEX;
// PEPPOL-EN16931-P0104 to P0107). The small-business schemes have none.
var codes = map[string][]string{
	vat.CategoryReverse: {"VATEX-EU-AE"},
	vat.CategoryOutside: {"VATEX-EU-O"},
	vat.CategoryExempt:  {"", "VATEX-EU-151"},
}

func checkVAT(d invoice.Document) error {
	v := d.VAT[0]
	if v.Category == vat.CategoryStandard {
		switch {
		case !v.RateSet || v.Rate <= 0:
			return errors.New("standard VAT without a rate")
		case v.Text != "" || v.VATEX != "": // BR-S-10
			return errors.New("standard VAT with a reason for none")
		case d.Seller.VATNumber == "":
			return errors.New("VAT by a seller without a VAT number")
		case !vat.MemberState(v.Country):
			return fmt.Errorf("VAT of country %q", v.Country)
		}
		return nil
	}
	allowed, known := codes[v.Category]
	switch {
	case !known:
		return fmt.Errorf("VAT category %q", v.Category)
	case !slices.Contains(allowed, v.VATEX):
		return fmt.Errorf("VAT category %s for reason %q", v.Category, v.VATEX)
	case v.Text == "":
		return fmt.Errorf("VAT category %s without a reason", v.Category)
	case v.Rate != 0 || v.RateSet != (v.Category != vat.CategoryOutside):
		return fmt.Errorf("VAT category %s with rate %d, set: %t", v.Category, v.Rate, v.RateSet)
	}
	inside := vat.Territory(d.Buyer.Country, d.Buyer.Postcode).State != ""
	switch v.Category {
	case vat.CategoryOutside:
		if inside {
			return fmt.Errorf("outside the scope of VAT for a buyer in %s", d.Buyer.Country)
		}
	case vat.CategoryReverse:
		return checkReverse(d, inside)
	}
	return nil
}

// checkReverse: reverse charge is for a business of another member state (Dir.
// 2006/112/EC art. 44, 196), which its VAT number proves. One that has only
// applied for a number has its company code instead (BR-AE-02).
func checkReverse(d invoice.Document, inside bool) error {
	id, err := vat.ParseID(d.Buyer.VATNumber)
	switch {
	case d.Seller.VATNumber == "":
		return errors.New("reverse charge by a seller without a VAT number")
	case !inside || d.Buyer.Country == d.Seller.Country || d.Buyer.Person:
		return fmt.Errorf("reverse charge for a buyer in %s", d.Buyer.Country)
	case d.Buyer.VATNumber == "" && d.Buyer.CompanyCode == "":
		return errors.New("reverse charge for a buyer without any number")
	case d.Buyer.VATNumber != "" && (err != nil || !vat.MemberState(id.Country())):
		return fmt.Errorf("reverse charge for VAT number %q", d.Buyer.VATNumber)
	case !saysReverse(strings.ToLower(d.VAT[0].Text)):
		return errors.New("reverse charge that is not called so")
	}
	return nil
}

// saysReverse reports whether a text, in small letters, calls reverse charge so
// (Dir. 226(11a)): in the words of all languages of the Union's forms, or of the law
// that the seller invoices under.
func saysReverse(text string) bool {
	return strings.Contains(text, "reverse charge") || strings.Contains(text, "atvirkštinis apmokestinimas")
}

func checkPayment(d invoice.Document) error {
	if d.Reference != "" {
		if r, err := bank.ParseReference(d.Reference); err != nil || string(r) != d.Reference {
			return fmt.Errorf("reference %q", d.Reference)
		}
	}
	p := d.Payment
	if d.Due > 0 && p.Method == "bank" && p.IBAN == "" {
		return errors.New("a transfer without an account")
	}
	if p.IBAN != "" {
		if n, err := bank.ParseIBAN(p.IBAN); err != nil || string(n) != p.IBAN {
			return fmt.Errorf("account %q", p.IBAN)
		}
	}
	return nil
}

func checkCorrection(d invoice.Document) error {
	x := d.Corrects
	switch {
	case x == nil && d.Kind == invoice.KindCreditNote:
		return errors.New("a credit note that corrects nothing")
	case x == nil:
	case d.Kind == invoice.KindInvoice && x.CreditNote == "":
		return errors.New("an invoice that corrects another one without a credit note")
	case x.Number == "" || x.Number == d.Number || x.IssueDate.IsZero() || d.IssueDate.Before(x.IssueDate):
		return fmt.Errorf("it corrects %q of %s", x.Number, x.IssueDate)
	case x.Reason == "":
		return errors.New("a credit note without a reason")
	}
	return nil
}
