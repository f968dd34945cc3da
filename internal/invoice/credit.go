package invoice

import (
	"errors"
	"fmt"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/money"
)

// Credit is what of an invoice is credited.
type Credit struct {
	IssueDate      civil.Date
	Net            money.Amount // of the invoice's net, positive
	CreditedBase   money.Amount // by earlier credit notes of the invoice
	CreditedAmount money.Amount // VAT, by them
	ServiceFrom    civil.Date   // what is credited; zero for the invoice's own
	ServiceTo      civil.Date
	Description    string // of the line of a partial credit, in the document's language
	Reason         string // in the document's language

	DescriptionAlso, ReasonAlso string // both in its second language
	Returned                    Returned
}

// CreditVAT returns the VAT of a credit of net, on top of what was credited
// before: the VAT of everything credited so far less what was. So the credit
// notes of an invoice never exceed its VAT, and a last one that credits the rest
// leaves exactly nothing (I16).
func CreditVAT(rate money.BasisPoints, net, creditedBase, creditedAmount money.Amount) (money.Amount, error) {
	base, err := money.Sum(creditedBase, net)
	if err != nil {
		return 0, err
	}
	all, err := base.Percent(rate)
	return all - creditedAmount, err
}

// NewCreditNote returns the document that corrects an invoice, complete but for
// its number. Parties, customer, rate, treatment and tax point are the
// invoice's; amounts are positive (vat.md 4.4, PVM law art. 83). A credit of the
// whole copies the invoice's lines and discount; one of a part has one line.
func NewCreditNote(of Document, c Credit) (Document, error) {
	switch {
	case of.Kind != KindInvoice:
		return Document{}, fmt.Errorf("invoice: a credit note corrects an invoice, not a %s", of.Kind)
	case len(of.VAT) != 1:
		return Document{}, fmt.Errorf("invoice: %s has %d rates; a credit note of it is for a person", of.Number, len(of.VAT))
	case c.Reason == "":
		return Document{}, errors.New("invoice: a credit note without a reason")
	case c.Net <= 0 || c.CreditedBase < of.VAT[0].CreditedBase || c.Net > of.Net+of.VAT[0].CreditedBase-c.CreditedBase:
		return Document{}, fmt.Errorf("invoice: %d of %s cannot be credited, %d of %d are", c.Net, of.Number, c.CreditedBase, of.Net)
	}
	d := of
	d.Kind, d.Number, d.IssueDate = KindCreditNote, "", c.IssueDate
	d.Corrects = &Correction{Number: of.Number, IssueDate: of.IssueDate, Reason: c.Reason, Also: c.ReasonAlso}
	if !c.ServiceFrom.IsZero() {
		d.ServiceFrom, d.ServiceTo, d.ServiceMonths = c.ServiceFrom, c.ServiceTo, 0
	}
	if c.Net < of.Net {
		d.Lines = []Line{{ID: 1, ItemCode: "CREDIT", Description: c.Description, Also: c.DescriptionAlso, Quantity: 1, Unit: UnitPiece, UnitPrice: c.Net, Net: c.Net}}
		d.Discount, d.LinesNet, d.Net = nil, c.Net, c.Net
	}
	v := of.VAT[0]
	v.Base, v.CreditedBase, v.CreditedAmount = d.Net, c.CreditedBase, c.CreditedAmount
	var err error
	if v.Amount, err = CreditVAT(v.Rate, d.Net, c.CreditedBase, c.CreditedAmount); err != nil {
		return Document{}, err
	}
	d.VAT, d.VATTotal = []VATLine{v}, v.Amount
	if d.Total, err = money.Sum(d.Net, d.VATTotal); err != nil {
		return Document{}, err
	}
	d.Paid, d.Due = d.Total, 0
	d.Payment = Payment{Method: "balance"}
	switch {
	case c.Returned.Method > 0:
		d.Payment.Method = "card"
	case c.Returned.Transfer > 0:
		d.Payment.Method = "bank"
	}
	if of.Exchange != nil {
		x := *of.Exchange
		if x.VAT, err = d.exchanged(x); err != nil {
			return Document{}, err
		}
		d.Exchange = &x
	}
	returned := c.Returned
	d.Returned = &returned
	return d, d.Check()
}
