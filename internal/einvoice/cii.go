package einvoice

import (
	"strconv"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/money"
)

// guideline is BT-24. The same file stands alone and as factur-x.xml in a PDF.
const guideline = "urn:cen.eu:en16931:2017"

// CII writes an invoice or credit note in the syntax UN/CEFACT Cross Industry
// Invoice D16B. The order of elements is the schema's.
func CII(d invoice.Document) ([]byte, error) {
	t, err := read(d)
	if err != nil {
		return nil, err
	}
	c := cii{newWriter(), t}
	c.in("rsm:CrossIndustryInvoice", func() {
		c.in("rsm:ExchangedDocumentContext", func() {
			c.in("ram:GuidelineSpecifiedDocumentContextParameter", func() { c.leaf("ram:ID", guideline) })
		})
		c.in("rsm:ExchangedDocument", func() {
			c.leaf("ram:ID", t.Number)
			c.leaf("ram:TypeCode", t.typ)
			c.day("ram:IssueDateTime", "udt:DateTimeString", t.IssueDate)
			c.in("ram:IncludedNote", func() { c.leaf("ram:Content", t.note) })
		})
		c.in("rsm:SupplyChainTradeTransaction", func() {
			for _, l := range t.Lines {
				c.line(l)
			}
			c.agreement()
			c.in("ram:ApplicableHeaderTradeDelivery", func() {
				c.in("ram:ActualDeliverySupplyChainEvent", func() { c.day("ram:OccurrenceDateTime", "udt:DateTimeString", t.TaxPoint) })
			})
			c.in("ram:ApplicableHeaderTradeSettlement", c.settlement)
		})
	},
		"xmlns:rsm", "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
		"xmlns:ram", "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
		"xmlns:udt", "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
		"xmlns:qdt", "urn:un:unece:uncefact:data:standard:QualifiedDataType:100")
	return c.b.Bytes(), nil
}

type cii struct {
	*writer
	t terms
}

func (c cii) amount(name string, a money.Amount) { c.leaf(name, a.Decimal()) }

// day writes a date inside of its element; without one, nothing.
func (c cii) day(name, inner string, d civil.Date) {
	if !d.IsZero() {
		c.in(name, func() { c.leaf(inner, compact(d), "format", "102") })
	}
}

func (c cii) line(l invoice.Line) {
	c.in("ram:IncludedSupplyChainTradeLineItem", func() {
		c.in("ram:AssociatedDocumentLineDocument", func() { c.leaf("ram:LineID", strconv.Itoa(l.ID)) })
		c.in("ram:SpecifiedTradeProduct", func() {
			c.leaf("ram:SellerAssignedID", l.ItemCode)
			c.leaf("ram:Name", l.Description)
			c.leaf("ram:Description", l.Detail)
		})
		c.in("ram:SpecifiedLineTradeAgreement", func() {
			c.in("ram:NetPriceProductTradePrice", func() { c.amount("ram:ChargeAmount", l.UnitPrice) })
		})
		c.in("ram:SpecifiedLineTradeDelivery", func() {
			c.leaf("ram:BilledQuantity", strconv.FormatInt(l.Quantity, 10), "unitCode", unitCodes[l.Unit])
		})
		c.in("ram:SpecifiedLineTradeSettlement", func() {
			c.in("ram:ApplicableTradeTax", c.category)
			c.in("ram:SpecifiedTradeSettlementLineMonetarySummation", func() { c.amount("ram:LineTotalAmount", l.Net) })
		})
	})
}

// category is the VAT category of a line or of the discount.
func (c cii) category() {
	c.leaf("ram:TypeCode", "VAT")
	c.leaf("ram:CategoryCode", c.t.vat.Category)
	c.t.ratio(c.writer, "ram:RateApplicablePercent")
}

func (c cii) agreement() {
	c.in("ram:ApplicableHeaderTradeAgreement", func() {
		c.in("ram:SellerTradeParty", func() { c.party(c.t.seller) })
		c.in("ram:BuyerTradeParty", func() { c.party(c.t.buyer) })
		c.in("ram:SellerOrderReferencedDocument", func() { c.leaf("ram:IssuerAssignedID", c.t.OrderNumber) })
		c.in("ram:BuyerOrderReferencedDocument", func() { c.leaf("ram:IssuerAssignedID", c.t.POReference) })
	})
}

func (c cii) party(p party) {
	c.leaf("ram:ID", p.otherID)
	c.leaf("ram:Name", p.Name)
	c.leaf("ram:Description", p.VATNote)
	c.in("ram:SpecifiedLegalOrganization", func() { c.leaf("ram:ID", p.CompanyCode, scheme(p.legalScheme)...) })
	c.in("ram:DefinedTradeContact", func() {
		c.in("ram:TelephoneUniversalCommunication", func() { c.leaf("ram:CompleteNumber", p.Phone) })
		c.in("ram:EmailURIUniversalCommunication", func() { c.leaf("ram:URIID", p.Email) })
	})
	c.in("ram:PostalTradeAddress", func() {
		c.leaf("ram:PostcodeCode", p.Postcode)
		c.leaf("ram:LineOne", p.Street)
		c.leaf("ram:CityName", p.City)
		c.leaf("ram:CountryID", p.Country)
	})
	c.in("ram:URIUniversalCommunication", func() { c.leaf("ram:URIID", p.addr, "schemeID", p.scheme) })
	c.in("ram:SpecifiedTaxRegistration", func() { c.leaf("ram:ID", p.vatID, "schemeID", "VA") })
	c.in("ram:SpecifiedTaxRegistration", func() { c.leaf("ram:ID", p.taxID, "schemeID", "FC") })
}

// scheme is the attribute of an identifier, where it has a scheme.
func scheme(id string) []string {
	if id == "" {
		return nil
	}
	return []string{"schemeID", id}
}

func (c cii) settlement() {
	t := c.t
	c.leaf("ram:PaymentReference", t.pay.reference)
	if t.Exchange != nil {
		c.leaf("ram:TaxCurrencyCode", string(money.EUR))
	}
	c.leaf("ram:InvoiceCurrencyCode", string(t.Currency))
	c.in("ram:SpecifiedTradeSettlementPaymentMeans", func() {
		c.leaf("ram:TypeCode", t.pay.code)
		c.in("ram:PayeePartyCreditorFinancialAccount", func() {
			c.leaf("ram:IBANID", t.pay.iban)
			c.leaf("ram:AccountName", t.pay.accountName)
		})
		c.in("ram:PayeeSpecifiedCreditorFinancialInstitution", func() { c.leaf("ram:BICID", t.pay.bic) })
	})
	c.in("ram:ApplicableTradeTax", func() {
		c.amount("ram:CalculatedAmount", t.vat.Amount)
		c.leaf("ram:TypeCode", "VAT")
		c.leaf("ram:ExemptionReason", t.vat.Text)
		c.amount("ram:BasisAmount", t.vat.Base)
		c.leaf("ram:CategoryCode", t.vat.Category)
		c.leaf("ram:ExemptionReasonCode", t.vat.VATEX)
		c.day("ram:TaxPointDate", "udt:DateString", t.TaxPoint)
		t.ratio(c.writer, "ram:RateApplicablePercent")
	})
	c.in("ram:BillingSpecifiedPeriod", func() {
		c.day("ram:StartDateTime", "udt:DateTimeString", t.ServiceFrom)
		c.day("ram:EndDateTime", "udt:DateTimeString", t.ServiceTo)
	})
	if x := t.Discount; x != nil {
		c.in("ram:SpecifiedTradeAllowanceCharge", func() {
			c.in("ram:ChargeIndicator", func() { c.leaf("udt:Indicator", "false") })
			c.leaf("ram:CalculationPercent", percent(x.Percent))
			c.amount("ram:BasisAmount", x.Base)
			c.amount("ram:ActualAmount", x.Amount)
			c.leaf("ram:ReasonCode", reasonDiscount)
			c.leaf("ram:Reason", x.Reason)
			c.in("ram:CategoryTradeTax", c.category)
		})
	}
	c.in("ram:SpecifiedTradePaymentTerms", func() {
		c.leaf("ram:Description", t.terms)
		if t.Due > 0 {
			c.day("ram:DueDateDateTime", "udt:DateTimeString", t.ValidUntil)
		}
	})
	c.in("ram:SpecifiedTradeSettlementHeaderMonetarySummation", func() {
		c.amount("ram:LineTotalAmount", t.LinesNet)
		if t.Discount != nil {
			c.amount("ram:AllowanceTotalAmount", t.Discount.Amount)
		}
		c.amount("ram:TaxBasisTotalAmount", t.Net)
		c.leaf("ram:TaxTotalAmount", t.VATTotal.Decimal(), "currencyID", string(t.Currency)) // without it BR-CO-15 fails
		if t.Exchange != nil {
			c.leaf("ram:TaxTotalAmount", t.Exchange.VAT.Decimal(), "currencyID", string(money.EUR))
		}
		c.amount("ram:GrandTotalAmount", t.Total)
		if t.Paid != 0 {
			c.amount("ram:TotalPrepaidAmount", t.Paid)
		}
		c.amount("ram:DuePayableAmount", t.Due)
	})
	if x := t.Corrects; x != nil {
		c.in("ram:InvoiceReferencedDocument", func() {
			c.leaf("ram:IssuerAssignedID", x.Number)
			c.day("ram:FormattedIssueDateTime", "qdt:DateTimeString", x.IssueDate)
		})
	}
}
