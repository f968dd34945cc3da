package invoice

import (
	"errors"
	"fmt"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/money"
)

// Replacement is how an invoice differs from the one that it replaces.
type Replacement struct {
	IssueDate      civil.Date
	Buyer          Party
	POReference    string
	Net            money.Amount // of the other one's net, what no credit note had taken before
	CreditedBase   money.Amount // by the credit notes before
	CreditedAmount money.Amount // VAT, by them
	VAT            VATLine      // treatment of the sale to this buyer; its figures are worked out
	Description    string       // of the line, where a part is replaced; in the document's language
	Reason         string       // in the document's language

	DescriptionAlso, ReasonAlso string // both in its second language
}

// SameTax reports whether two treatments tax a net sum in the same way and for
// the same state: then an invoice can be replaced without any money moving.
func SameTax(a, b VATLine) bool {
	return a.Category == b.Category && a.RateSet == b.RateSet && a.Rate == b.Rate && a.Country == b.Country
}

// NewReplacement returns the invoice that replaces another one, complete but for
// its number and that of the credit note. It names another buyer, and may be
// taxed otherwise; lines, seller, dates of the service and the tax point are the
// other one's (vat.md 4.4), and it is paid as that one was. Where a part had been
// credited, the rest is one line. While the tax is the same, its VAT is to the
// cent what was left of the other one's.
func NewReplacement(of Document, r Replacement) (Document, error) {
	switch {
	case of.Kind != KindInvoice:
		return Document{}, fmt.Errorf("invoice: only an invoice is replaced, not a %s", of.Kind)
	case len(of.VAT) != 1:
		return Document{}, fmt.Errorf("invoice: %s has %d rates; replacing it is for a person", of.Number, len(of.VAT))
	case of.Due != 0:
		return Document{}, fmt.Errorf("invoice: %s is not paid", of.Number)
	case r.Reason == "":
		return Document{}, errors.New("invoice: a correction without a reason")
	case r.Net <= 0 || r.Net != of.Net+of.VAT[0].CreditedBase-r.CreditedBase:
		return Document{}, fmt.Errorf("invoice: %d is not what is left of %s, %d of %d are credited", r.Net, of.Number, r.CreditedBase, of.Net)
	}
	d := of
	d.Number, d.IssueDate, d.Buyer, d.POReference = "", r.IssueDate, r.Buyer, r.POReference
	d.Corrects = &Correction{Number: of.Number, IssueDate: of.IssueDate, Reason: r.Reason, Also: r.ReasonAlso}
	if r.Net < of.Net {
		d.Lines = []Line{{ID: 1, ItemCode: "REST", Description: r.Description, Also: r.DescriptionAlso, Quantity: 1, Unit: UnitPiece, UnitPrice: r.Net, Net: r.Net}}
		d.Discount, d.LinesNet, d.Net = nil, r.Net, r.Net
	}
	v := r.VAT
	v.Base, v.CreditedBase, v.CreditedAmount = d.Net, 0, 0
	if SameTax(v, of.VAT[0]) {
		v.CreditedBase, v.CreditedAmount = r.CreditedBase, r.CreditedAmount
	}
	var err error
	if v.Amount, err = CreditVAT(v.Rate, v.Base, v.CreditedBase, v.CreditedAmount); err != nil {
		return Document{}, err
	}
	d.VAT, d.VATTotal = []VATLine{v}, v.Amount
	if d.Total, err = money.Sum(d.Net, d.VATTotal); err != nil {
		return Document{}, err
	}
	d.Paid, d.Due = d.Total, 0
	if of.Exchange != nil {
		x := *of.Exchange
		if x.VAT, err = d.exchanged(x); err != nil {
			return Document{}, err
		}
		d.Exchange = &x
	}
	return d, d.Check()
}
