package app

import (
	"fmt"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/subscription"
	"github.com/siptg/portal/internal/vat"
)

// bankInvoice freezes the bank invoice of an order. service is the period that
// a renewal pays for; that of a new subscription begins with the payment.
func (a *App) bankInvoice(o order.Order, payer account.Payer, customer account.Account, p priced, service *subscription.Period, today civil.Date) (invoice.Document, error) {
	header := a.header(o, payer, customer, today)
	header.Kind, header.Number, header.IssueDate, header.ValidUntil = invoice.KindBankInvoice, o.Number, today, o.ValidUntil
	if service != nil {
		header.ServiceFrom, header.ServiceTo = service.ServiceDays(a.seller.Zone)
	}
	pay, err := a.seller.accountFor(o.Currency)
	if err != nil {
		return invoice.Document{}, err
	}
	header.Payment = invoice.Payment{
		Method: string(o.Method), Beneficiary: pay.Beneficiary, IBAN: pay.IBAN, BIC: pay.BIC, Bank: pay.Bank, BankAddress: pay.BankAddress,
	}
	if o.Currency == money.EUR { // the EPC code is for SEPA transfers in EUR only
		header.Payment.EPC, err = bank.EPC(bank.EPCData{
			BIC: bank.BIC(pay.BIC), Name: pay.Beneficiary, IBAN: bank.IBAN(pay.IBAN), Amount: money.Of(o.Total, o.Currency), Reference: bank.Reference(o.Reference),
		})
		if err != nil {
			return invoice.Document{}, err
		}
	}
	return a.complete(header, o, p.price, p.treatment, false)
}

// taxInvoice draws up the invoice of an order that was settled by a method; its
// number is taken last.
func (a *App) taxInvoice(o order.Order, s store.Settlement, customer account.Account, service subscription.Period, method order.Method, today civil.Date) (invoice.Document, error) {
	book, ok := a.seller.Books.ByID(o.PriceBook)
	if !ok {
		return invoice.Document{}, fmt.Errorf("app: order %s was priced by book %q, which the seller file no longer has", o.Number, o.PriceBook)
	}
	price, err := book.Price(o.Selection)
	if err != nil {
		return invoice.Document{}, err
	}
	if price.Net != o.Net || price.Discount != o.Discount {
		return invoice.Document{}, fmt.Errorf("app: price book %q changed after order %s: net %d, was %d", o.PriceBook, o.Number, price.Net, o.Net)
	}
	header := a.header(o, s.Buyer, customer, today)
	header.Kind, header.IssueDate, header.TaxPoint = invoice.KindInvoice, today, s.TaxPoint
	header.ServiceFrom, header.ServiceTo = service.ServiceDays(a.seller.Zone)
	header.Payment = invoice.Payment{Method: string(method), PaidOn: s.TaxPoint}
	return a.complete(header, o, price, s.Treatment, true)
}

// header is what both documents of an order have in common.
func (a *App) header(o order.Order, buyer account.Payer, customer account.Account, issued civil.Date) invoice.Document {
	return invoice.Document{
		Language: buyer.Language, Also: secondLanguage(buyer), Currency: o.Currency, OrderNumber: o.Number, Reference: o.Reference,
		POReference: buyer.POReference, ServiceMonths: int(o.Selection.Period), Seller: a.seller.partyOn(issued),
		Customer: customerLabel(customer), Buyer: partyOf(buyer),
	}
}

// lithuanian is the second language that documents can have: that of the law
// they are issued under.
const lithuanian = "lt"

// secondLanguage is the language that a payer's documents are in beside its own.
func secondLanguage(p account.Payer) string {
	if !p.Lithuanian || p.Language == lithuanian {
		return ""
	}
	return lithuanian
}

// inBoth writes a text in a document's language and, where it has one, in its
// second language.
func inBoth(d invoice.Document, write func(i18n.Translator) string) (text, also string) {
	if d.Also != "" {
		also = write(i18n.ForDocument(d.Also))
	}
	return write(i18n.ForDocument(d.Language)), also
}

// partyOf is a payer as a document names it.
func partyOf(p account.Payer) invoice.Party {
	return invoice.Party{
		Name: p.Name, CompanyCode: p.CompanyCode, VATNumber: p.VATNumber, Street: p.Street, City: p.City,
		Postcode: p.Postcode, Country: p.Country, Email: p.Email, Person: p.Kind == account.KindPerson,
	}
}

func (a *App) complete(header invoice.Document, o order.Order, price pricing.Price, t vat.Treatment, prepaid bool) (invoice.Document, error) {
	words := i18n.ForDocument(header.Language)
	months := int(price.Period)
	lines := make([]invoice.Line, len(price.Lines))
	for i, l := range price.Lines {
		lines[i] = invoice.Line{ItemCode: l.Code, Quantity: int64(months), Unit: invoice.UnitMonth, UnitPrice: l.Monthly}
		lines[i].Description, lines[i].Also = inBoth(header, func(t i18n.Translator) string { return t.T("doc.item." + itemKeys[l.Code]) })
		if l.Quantity > 1 {
			lines[i].Detail = words.T("doc.item.each", "Quantity", words.Number(l.Quantity), "Price", words.Money(int64(l.UnitMonthly), string(o.Currency)))
		}
	}
	terms := invoice.Terms{Lines: lines, Discount: price.Percent, DiscountAmount: price.Discount, Treatment: t, Prepaid: prepaid}
	terms.DiscountReason, terms.DiscountAlso = inBoth(header, func(t i18n.Translator) string { return t.N("doc.discount.reason", months) })
	return invoice.New(header, terms)
}

// itemKeys are the translation keys of the price book's items.
var itemKeys = map[string]string{
	"SOFT-ACC": "soft_acc", "SOFT-REC": "soft_rec", "SOFT-SUR": "soft_sur", "SOFT-API": "soft_api",
	"GW-LINE": "gw_line", "GW-MAIN": "gw_main", "GW-EXTRA": "gw_extra", "GW-SUR": "gw_sur", "GW-API": "gw_api",
}
