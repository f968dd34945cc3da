package taxreport

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/money"
)

// Register is a month of issued invoices.
type Register struct {
	Seller  invoice.Party
	From    civil.Date // first day of the month
	To      civil.Date // last day
	Created time.Time
	Version string // of this program
}

// isNil is an element that has to be there and says nothing.
const isNil = ` xsi:nil="true"/>`

// ISAF writes the register of a month; each gives it every document issued in it,
// in order. A document that has no place in it ends the file with an *Unfit error.
func ISAF(w io.Writer, r Register, each func(func(invoice.Document) error) error) error {
	if strings.Trim(r.Seller.CompanyCode, "0123456789") != "" || r.Seller.CompanyCode == "" || len(r.Seller.CompanyCode) > 11 {
		return fmt.Errorf("taxreport: the seller's company code %q is not of 11 digits at most", r.Seller.CompanyCode)
	}
	x := &out{w: w}
	x.put(xml.Header, `<iSAFFile xmlns="http://www.vmi.lt/cms/imas/isaf" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">`, "\n<Header><FileDescription>")
	x.leaf("FileVersion", "iSAF1.2")
	x.leaf("FileDateCreated", r.Created.UTC().Format("2006-01-02T15:04:05Z"))
	x.leaf("DataType", "S") // sales alone; purchases are kept elsewhere
	x.leaf("SoftwareCompanyName", clip(r.Seller.Name, 256))
	x.leaf("SoftwareName", "SIP.TG portal")
	x.leaf("SoftwareVersion", clip(r.Version, 24))
	x.leaf("RegistrationNumber", r.Seller.CompanyCode)
	x.leaf("NumberOfParts", "1")
	x.leaf("PartNumber", "1")
	x.put("<SelectionCriteria>")
	x.leaf("SelectionStartDate", r.From.String())
	x.leaf("SelectionEndDate", r.To.String())
	x.put("</SelectionCriteria></FileDescription></Header>\n<SourceDocuments><SalesInvoices>\n")
	err := each(func(d invoice.Document) error {
		if d.IssueDate.Before(r.From) || d.IssueDate.After(r.To) {
			return fmt.Errorf("taxreport: %s is not of the month", d.Number)
		}
		return x.sale(d)
	})
	if err != nil {
		return err
	}
	x.put("</SalesInvoices></SourceDocuments>\n</iSAFFile>\n")
	return x.err
}

// Unfit is a document that a report has no rule for: a person has to decide.
type Unfit struct {
	Number string
	Why    string // for the log
}

// Error says which document and why.
func (u *Unfit) Error() string { return fmt.Sprintf("taxreport: %s: %s", u.Number, u.Why) }

func (x *out) sale(d invoice.Document) error {
	kind, sign := "SF", money.Amount(1)
	switch d.Kind {
	case invoice.KindInvoice:
	case invoice.KindCreditNote:
		kind, sign = "KS", -1 // minus signs on what is credited
	default:
		return &Unfit{d.Number, "no tax document"}
	}
	x.put("<Invoice>")
	x.leaf("InvoiceNo", clip(d.Number, 70))
	x.put("<CustomerInfo>")
	x.leaf("VATRegistrationNumber", or(clip(d.Buyer.VATNumber, 35), "ND"))
	if d.Buyer.VATNumber == "" {
		x.leaf("RegistrationNumber", or(clip(d.Buyer.CompanyCode, 35), "ND"))
	}
	x.leaf("Country", d.Buyer.Country)
	x.leaf("Name", or(clip(d.Buyer.Name, 256), "ND"))
	x.put("</CustomerInfo>")
	x.leaf("InvoiceDate", d.IssueDate.String())
	x.leaf("InvoiceType", kind)
	x.put("<SpecialTaxation></SpecialTaxation><References>")
	if d.Corrects != nil {
		x.put("<Reference>")
		x.leaf("ReferenceNo", clip(d.Corrects.Number, 70))
		x.leaf("ReferenceDate", d.Corrects.IssueDate.String())
		x.put("</Reference>")
	}
	x.put("</References>")
	// A credit note, and the invoice that replaces what it credits, carry the tax
	// point of the first invoice, but count in the period in which they were issued.
	if d.Corrects == nil && d.TaxPoint != d.IssueDate {
		x.leaf("VATPointDate", d.TaxPoint.String())
	} else {
		x.put("<VATPointDate", isNil)
	}
	x.put("<DocumentTotals>")
	for _, v := range d.VAT {
		t, err := taxed(d, v)
		if err != nil {
			return err
		}
		x.put("<DocumentTotal>")
		x.leaf("TaxableValue", (sign * t.base).Decimal())
		x.leaf("TaxCode", t.code)
		if t.rated {
			x.leaf("TaxPercentage", money.Amount(v.Rate).Decimal())
		} else {
			x.put("<TaxPercentage", isNil)
		}
		x.leaf("Amount", (sign * t.vat).Decimal())
		x.put("<VATPointDate2", isNil, "</DocumentTotal>")
	}
	x.put("</DocumentTotals></Invoice>\n")
	return x.err
}

type total struct {
	code      string
	rated     bool
	base, vat money.Amount
}

// taxed is a VAT line as the Lithuanian register has it, by the row of the
// decision table (vat.md 1.3). VAT of another member state is no Lithuanian VAT.
func taxed(d invoice.Document, v invoice.VATLine) (total, error) {
	if d.Currency != money.EUR {
		return total{}, &Unfit{d.Number, "not in EUR: its VAT in EUR is not known here"}
	}
	switch v.Treatment {
	case "R1", "R2", "R8a":
		if v.Country != "LT" || v.Rate != 2100 {
			return total{}, &Unfit{d.Number, fmt.Sprintf("no tax code for %d of %s", v.Rate, v.Country)}
		}
		return total{code: "PVM1", rated: true, base: v.Base, vat: v.Amount}, nil
	case "R3", "R8b":
		return total{code: "PVM5", base: v.Base}, nil
	case "R4", "R6b", "R7", "R7c", "R9", "R10":
		return total{code: "PVM15", base: v.Base}, nil
	}
	return total{}, &Unfit{d.Number, "no tax code for the treatment " + v.Treatment}
}

// out writes XML and keeps the first error.
type out struct {
	w   io.Writer
	err error
}

func (x *out) put(texts ...string) {
	for _, s := range texts {
		if x.err == nil {
			_, x.err = io.WriteString(x.w, s)
		}
	}
}

func (x *out) leaf(name, text string) {
	x.put("<", name, ">")
	if x.err == nil {
		x.err = xml.EscapeText(x.w, []byte(text))
	}
	x.put("</", name, ">")
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// clip is the start of s, at most n characters.
func clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n])
}
