package einvoice

import (
	"strconv"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/money"
)

// BT-24 and BT-23 of Peppol BIS Billing 3.
const (
	peppolGuideline = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
	peppolProcess   = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
)

// UBL writes an invoice or credit note in the syntax UBL 2.1. It is a Peppol BIS
// Billing 3 document where both parties have an address in Peppol, and else one
// of plain EN 16931. The order of elements is the schema's.
func UBL(d invoice.Document) ([]byte, error) {
	t, err := read(d)
	if err != nil {
		return nil, err
	}
	u := ubl{writer: newWriter(), t: t, root: "Invoice", typeCode: "cbc:InvoiceTypeCode", line: "cac:InvoiceLine", quantity: "cbc:InvoicedQuantity"}
	if t.Kind == invoice.KindCreditNote {
		u.root, u.typeCode, u.line, u.quantity = "CreditNote", "cbc:CreditNoteTypeCode", "cac:CreditNoteLine", "cbc:CreditedQuantity"
	}
	u.in(u.root, u.document,
		"xmlns", "urn:oasis:names:specification:ubl:schema:xsd:"+u.root+"-2",
		"xmlns:cac", "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
		"xmlns:cbc", "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2")
	return u.b.Bytes(), nil
}

type ubl struct {
	*writer
	t                              terms
	root, typeCode, line, quantity string
}

func (u ubl) amount(name string, a money.Amount) {
	u.leaf(name, a.Decimal(), "currencyID", string(u.t.Currency))
}

func (u ubl) day(name string, d civil.Date) {
	if !d.IsZero() {
		u.leaf(name, d.String())
	}
}

func (u ubl) document() {
	t := u.t
	if t.routable() {
		u.leaf("cbc:CustomizationID", peppolGuideline)
		u.leaf("cbc:ProfileID", peppolProcess)
	} else {
		u.leaf("cbc:CustomizationID", guideline)
	}
	u.leaf("cbc:ID", t.Number)
	u.day("cbc:IssueDate", t.IssueDate)
	if t.Kind == invoice.KindCreditNote { // the two schemas put the tax point in different places
		u.day("cbc:TaxPointDate", t.TaxPoint)
	} else if t.Due > 0 {
		u.day("cbc:DueDate", t.ValidUntil)
	}
	u.leaf(u.typeCode, t.typ)
	u.leaf("cbc:Note", t.note) // one: PEPPOL-EN16931-R002
	if t.Kind != invoice.KindCreditNote {
		u.day("cbc:TaxPointDate", t.TaxPoint)
	}
	u.leaf("cbc:DocumentCurrencyCode", string(t.Currency))
	if t.Exchange != nil {
		u.leaf("cbc:TaxCurrencyCode", string(money.EUR))
	}
	u.in("cac:InvoicePeriod", func() {
		u.day("cbc:StartDate", t.ServiceFrom)
		u.day("cbc:EndDate", t.ServiceTo)
	})
	u.order()
	if x := t.Corrects; x != nil {
		u.in("cac:BillingReference", func() {
			u.in("cac:InvoiceDocumentReference", func() {
				u.leaf("cbc:ID", x.Number)
				u.day("cbc:IssueDate", x.IssueDate)
			})
		})
	}
	u.in("cac:AccountingSupplierParty", func() { u.in("cac:Party", func() { u.party(t.seller) }) })
	u.in("cac:AccountingCustomerParty", func() { u.in("cac:Party", func() { u.party(t.buyer) }) })
	u.in("cac:Delivery", func() { u.day("cbc:ActualDeliveryDate", t.TaxPoint) })
	u.in("cac:PaymentMeans", func() {
		u.leaf("cbc:PaymentMeansCode", t.pay.code)
		u.leaf("cbc:PaymentID", t.pay.reference)
		u.in("cac:PayeeFinancialAccount", func() {
			u.leaf("cbc:ID", t.pay.iban)
			u.leaf("cbc:Name", t.pay.accountName)
			u.in("cac:FinancialInstitutionBranch", func() { u.leaf("cbc:ID", t.pay.bic) })
		})
	})
	u.in("cac:PaymentTerms", func() { u.leaf("cbc:Note", t.terms) })
	if x := t.Discount; x != nil {
		u.in("cac:AllowanceCharge", func() {
			u.leaf("cbc:ChargeIndicator", "false")
			u.leaf("cbc:AllowanceChargeReasonCode", reasonDiscount)
			u.leaf("cbc:AllowanceChargeReason", x.Reason)
			u.leaf("cbc:MultiplierFactorNumeric", percent(x.Percent))
			u.amount("cbc:Amount", x.Amount)
			u.amount("cbc:BaseAmount", x.Base)
			u.in("cac:TaxCategory", u.category)
		})
	}
	u.in("cac:TaxTotal", func() {
		u.amount("cbc:TaxAmount", t.VATTotal)
		u.in("cac:TaxSubtotal", func() {
			u.amount("cbc:TaxableAmount", t.vat.Base)
			u.amount("cbc:TaxAmount", t.vat.Amount)
			u.in("cac:TaxCategory", func() {
				u.leaf("cbc:ID", t.vat.Category)
				t.ratio(u.writer, "cbc:Percent")
				u.leaf("cbc:TaxExemptionReasonCode", t.vat.VATEX)
				u.leaf("cbc:TaxExemptionReason", t.vat.Text)
				u.taxScheme("VAT")
			})
		})
	})
	if t.Exchange != nil {
		u.in("cac:TaxTotal", func() { u.leaf("cbc:TaxAmount", t.Exchange.VAT.Decimal(), "currencyID", string(money.EUR)) })
	}
	u.in("cac:LegalMonetaryTotal", func() {
		u.amount("cbc:LineExtensionAmount", t.LinesNet)
		u.amount("cbc:TaxExclusiveAmount", t.Net)
		u.amount("cbc:TaxInclusiveAmount", t.Total)
		if t.Discount != nil {
			u.amount("cbc:AllowanceTotalAmount", t.Discount.Amount)
		}
		if t.Paid != 0 {
			u.amount("cbc:PrepaidAmount", t.Paid)
		}
		u.amount("cbc:PayableAmount", t.Due)
	})
	for _, l := range t.Lines {
		u.position(l)
	}
}

// order is the buyer's purchase order and ours. UBL wants the first where there
// is the second; Peppol BIS Billing says "NA" for one that does not exist.
func (u ubl) order() {
	u.in("cac:OrderReference", func() {
		switch {
		case u.t.POReference != "":
			u.leaf("cbc:ID", u.t.POReference)
		case u.t.OrderNumber != "":
			u.leaf("cbc:ID", "NA")
		}
		u.leaf("cbc:SalesOrderID", u.t.OrderNumber)
	})
}

func (u ubl) party(p party) {
	u.leaf("cbc:EndpointID", p.addr, "schemeID", p.scheme)
	u.in("cac:PartyIdentification", func() { u.leaf("cbc:ID", p.otherID) })
	u.in("cac:PostalAddress", func() {
		u.leaf("cbc:StreetName", p.Street)
		u.leaf("cbc:CityName", p.City)
		u.leaf("cbc:PostalZone", p.Postcode)
		u.in("cac:Country", func() { u.leaf("cbc:IdentificationCode", p.Country) })
	})
	u.registration(p.vatID, "VAT")
	u.registration(p.taxID, "TAX")
	u.in("cac:PartyLegalEntity", func() {
		u.leaf("cbc:RegistrationName", p.Name)
		u.leaf("cbc:CompanyID", p.CompanyCode, scheme(p.legalScheme)...)
		u.leaf("cbc:CompanyLegalForm", p.VATNote)
	})
	u.in("cac:Contact", func() {
		u.leaf("cbc:Telephone", p.Phone)
		u.leaf("cbc:ElectronicMail", p.Email)
	})
}

func (u ubl) registration(id, scheme string) {
	if id == "" {
		return
	}
	u.in("cac:PartyTaxScheme", func() {
		u.leaf("cbc:CompanyID", id)
		u.taxScheme(scheme)
	})
}

func (u ubl) taxScheme(id string) {
	u.in("cac:TaxScheme", func() { u.leaf("cbc:ID", id) })
}

// category is the VAT category of a line or of the discount.
func (u ubl) category() {
	u.leaf("cbc:ID", u.t.vat.Category)
	u.t.ratio(u.writer, "cbc:Percent")
	u.taxScheme("VAT")
}

func (u ubl) position(l invoice.Line) {
	u.in(u.line, func() {
		u.leaf("cbc:ID", strconv.Itoa(l.ID))
		u.leaf(u.quantity, strconv.FormatInt(l.Quantity, 10), "unitCode", unitCodes[l.Unit])
		u.amount("cbc:LineExtensionAmount", l.Net)
		u.in("cac:Item", func() {
			u.leaf("cbc:Description", l.Detail)
			u.leaf("cbc:Name", l.Description)
			u.in("cac:SellersItemIdentification", func() { u.leaf("cbc:ID", l.ItemCode) })
			u.in("cac:ClassifiedTaxCategory", u.category)
		})
		u.in("cac:Price", func() { u.amount("cbc:PriceAmount", l.UnitPrice) })
	})
}
