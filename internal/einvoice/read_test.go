package einvoice_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/money"
)

// node is an element as a reader sees it.
type node struct {
	name       string // without its prefix
	attributes map[string]string
	text       string
	kids       []*node
}

// parse reads a file with the standard library's parser, which refuses what is
// not well-formed.
func parse(t fatal, file []byte) *node {
	t.Helper()
	root := &node{}
	stack := []*node{root}
	d := xml.NewDecoder(bytes.NewReader(file))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, file)
		}
		top := stack[len(stack)-1]
		switch x := token.(type) {
		case xml.StartElement:
			n := &node{name: x.Name.Local, attributes: map[string]string{}}
			for _, a := range x.Attr {
				n.attributes[a.Name.Local] = a.Value
			}
			top.kids = append(top.kids, n)
			stack = append(stack, n)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			if len(top.kids) == 0 {
				top.text += string(x)
			}
		}
	}
	if len(root.kids) != 1 {
		t.Fatalf("%d roots", len(root.kids))
	}
	return root.kids[0]
}

// all returns what stands at a path such as "Item/Name".
func (n *node) all(path string) []*node {
	list := []*node{n}
	for name := range strings.SplitSeq(path, "/") {
		var next []*node
		for _, x := range list {
			for _, kid := range x.kids {
				if kid.name == name {
					next = append(next, kid)
				}
			}
		}
		list = next
	}
	return list
}

// get returns the text at a path, and "2 of them" where there are several.
func (n *node) get(path string) string {
	switch list := n.all(path); len(list) {
	case 0:
		return ""
	case 1:
		return strings.TrimSpace(list[0].text)
	default:
		return fmt.Sprintf("%d of them", len(list))
	}
}

// with returns the text at a path whose attribute, or whose element by, is value.
func (n *node) with(path, by, value string) string {
	for _, x := range n.all(path) {
		if x.attributes[by] == value || x.get(by) == value {
			if got := x.get("CompanyID"); got != "" {
				return got
			}
			return x.text
		}
	}
	return ""
}

// facts are the terms of a document by names of our own.
type facts map[string]string

// put keeps what is not empty.
func (f facts) put(name, value string) {
	if value != "" {
		f[name] = value
	}
}

func isoDay(cii string) string {
	if len(cii) != 8 {
		return cii
	}
	return cii[:4] + "-" + cii[4:6] + "-" + cii[6:]
}

// readCII reads a CII file as a receiver does.
func readCII(t fatal, file []byte) facts {
	t.Helper()
	root, f := parse(t, file), facts{}
	put := func(name, path string) { f.put(name, root.get(path)) }
	date := func(name, path string) { f.put(name, isoDay(root.get(path))) }
	const (
		trade      = "SupplyChainTradeTransaction/"
		agreement  = trade + "ApplicableHeaderTradeAgreement/"
		settlement = trade + "ApplicableHeaderTradeSettlement/"
		means      = settlement + "SpecifiedTradeSettlementPaymentMeans/"
		tax        = settlement + "ApplicableTradeTax/"
		allowance  = settlement + "SpecifiedTradeAllowanceCharge/"
		sums       = settlement + "SpecifiedTradeSettlementHeaderMonetarySummation/"
	)
	put("type", "ExchangedDocument/TypeCode")
	put("number", "ExchangedDocument/ID")
	date("issued", "ExchangedDocument/IssueDateTime/DateTimeString")
	put("note", "ExchangedDocument/IncludedNote/Content")
	put("currency", settlement+"InvoiceCurrencyCode")
	put("order", agreement+"SellerOrderReferencedDocument/IssuerAssignedID")
	put("po", agreement+"BuyerOrderReferencedDocument/IssuerAssignedID")
	for who, path := range map[string]string{"seller": agreement + "SellerTradeParty/", "buyer": agreement + "BuyerTradeParty/"} {
		put(who+" name", path+"Name")
		put(who+" number", path+"ID")
		put(who+" note", path+"Description")
		put(who+" code", path+"SpecifiedLegalOrganization/ID")
		f.put(who+" VAT", root.with(path+"SpecifiedTaxRegistration/ID", "schemeID", "VA"))
		f.put(who+" tax", root.with(path+"SpecifiedTaxRegistration/ID", "schemeID", "FC"))
		put(who+" street", path+"PostalTradeAddress/LineOne")
		put(who+" city", path+"PostalTradeAddress/CityName")
		put(who+" postcode", path+"PostalTradeAddress/PostcodeCode")
		put(who+" country", path+"PostalTradeAddress/CountryID")
		put(who+" phone", path+"DefinedTradeContact/TelephoneUniversalCommunication/CompleteNumber")
		put(who+" email", path+"DefinedTradeContact/EmailURIUniversalCommunication/URIID")
	}
	for i, l := range root.all(trade + "IncludedSupplyChainTradeLineItem") {
		at := fmt.Sprintf("line %d ", i+1)
		f.put(at+"id", l.get("AssociatedDocumentLineDocument/LineID"))
		f.put(at+"code", l.get("SpecifiedTradeProduct/SellerAssignedID"))
		f.put(at+"name", l.get("SpecifiedTradeProduct/Name"))
		f.put(at+"detail", l.get("SpecifiedTradeProduct/Description"))
		f.put(at+"quantity", l.get("SpecifiedLineTradeDelivery/BilledQuantity"))
		f.put(at+"unit", l.all("SpecifiedLineTradeDelivery/BilledQuantity")[0].attributes["unitCode"])
		f.put(at+"price", l.get("SpecifiedLineTradeAgreement/NetPriceProductTradePrice/ChargeAmount"))
		f.put(at+"net", l.get("SpecifiedLineTradeSettlement/SpecifiedTradeSettlementLineMonetarySummation/LineTotalAmount"))
		f.put(at+"category", l.get("SpecifiedLineTradeSettlement/ApplicableTradeTax/CategoryCode"))
		f.put(at+"rate", l.get("SpecifiedLineTradeSettlement/ApplicableTradeTax/RateApplicablePercent"))
	}
	put("discount percent", allowance+"CalculationPercent")
	put("discount base", allowance+"BasisAmount")
	put("discount", allowance+"ActualAmount")
	put("discount reason", allowance+"Reason")
	put("discount category", allowance+"CategoryTradeTax/CategoryCode")
	put("discount rate", allowance+"CategoryTradeTax/RateApplicablePercent")
	put("VAT category", tax+"CategoryCode")
	put("VAT rate", tax+"RateApplicablePercent")
	put("VAT base", tax+"BasisAmount")
	put("VAT amount", tax+"CalculatedAmount")
	put("VAT text", tax+"ExemptionReason")
	put("VAT code", tax+"ExemptionReasonCode")
	date("tax point", tax+"TaxPointDate/DateString")
	date("supplied", trade+"ApplicableHeaderTradeDelivery/ActualDeliverySupplyChainEvent/OccurrenceDateTime/DateTimeString")
	date("from", settlement+"BillingSpecifiedPeriod/StartDateTime/DateTimeString")
	date("to", settlement+"BillingSpecifiedPeriod/EndDateTime/DateTimeString")
	put("lines net", sums+"LineTotalAmount")
	put("discounts", sums+"AllowanceTotalAmount")
	put("net", sums+"TaxBasisTotalAmount")
	f.put("VAT total", root.with(sums+"TaxTotalAmount", "currencyID", f["currency"]))
	if put("VAT currency", settlement+"TaxCurrencyCode"); f["VAT currency"] != "" {
		f.put("VAT in EUR", root.with(sums+"TaxTotalAmount", "currencyID", f["VAT currency"]))
	}
	f.put("sums of VAT", fmt.Sprint(len(root.all(sums+"TaxTotalAmount"))))
	put("total", sums+"GrandTotalAmount")
	put("paid", sums+"TotalPrepaidAmount")
	put("due", sums+"DuePayableAmount")
	put("means", means+"TypeCode")
	put("reference", settlement+"PaymentReference")
	put("IBAN", means+"PayeePartyCreditorFinancialAccount/IBANID")
	put("account", means+"PayeePartyCreditorFinancialAccount/AccountName")
	put("BIC", means+"PayeeSpecifiedCreditorFinancialInstitution/BICID")
	put("terms", settlement+"SpecifiedTradePaymentTerms/Description")
	date("due on", settlement+"SpecifiedTradePaymentTerms/DueDateDateTime/DateTimeString")
	put("corrects", settlement+"InvoiceReferencedDocument/IssuerAssignedID")
	date("corrected of", settlement+"InvoiceReferencedDocument/FormattedIssueDateTime/DateTimeString")
	return f
}

// readUBL reads a UBL file as a receiver does.
func readUBL(t fatal, file []byte) facts {
	t.Helper()
	root, f := parse(t, file), facts{}
	put := func(name, path string) { f.put(name, root.get(path)) }
	put("type", root.name+"TypeCode")
	put("number", "ID")
	put("issued", "IssueDate")
	put("note", "Note")
	put("currency", "DocumentCurrencyCode")
	put("order", "OrderReference/SalesOrderID")
	if po := root.get("OrderReference/ID"); po != "NA" {
		f.put("po", po)
	}
	for who, path := range map[string]string{"seller": "AccountingSupplierParty/Party/", "buyer": "AccountingCustomerParty/Party/"} {
		put(who+" name", path+"PartyLegalEntity/RegistrationName")
		put(who+" number", path+"PartyIdentification/ID")
		put(who+" note", path+"PartyLegalEntity/CompanyLegalForm")
		put(who+" code", path+"PartyLegalEntity/CompanyID")
		f.put(who+" VAT", root.with(path+"PartyTaxScheme", "TaxScheme/ID", "VAT"))
		f.put(who+" tax", root.with(path+"PartyTaxScheme", "TaxScheme/ID", "TAX"))
		put(who+" street", path+"PostalAddress/StreetName")
		put(who+" city", path+"PostalAddress/CityName")
		put(who+" postcode", path+"PostalAddress/PostalZone")
		put(who+" country", path+"PostalAddress/Country/IdentificationCode")
		put(who+" phone", path+"Contact/Telephone")
		put(who+" email", path+"Contact/ElectronicMail")
	}
	quantity := map[string]string{"Invoice": "InvoicedQuantity", "CreditNote": "CreditedQuantity"}[root.name]
	for i, l := range root.all(root.name + "Line") {
		at := fmt.Sprintf("line %d ", i+1)
		f.put(at+"id", l.get("ID"))
		f.put(at+"code", l.get("Item/SellersItemIdentification/ID"))
		f.put(at+"name", l.get("Item/Name"))
		f.put(at+"detail", l.get("Item/Description"))
		f.put(at+"quantity", l.get(quantity))
		f.put(at+"unit", l.all(quantity)[0].attributes["unitCode"])
		f.put(at+"price", l.get("Price/PriceAmount"))
		f.put(at+"net", l.get("LineExtensionAmount"))
		f.put(at+"category", l.get("Item/ClassifiedTaxCategory/ID"))
		f.put(at+"rate", l.get("Item/ClassifiedTaxCategory/Percent"))
	}
	put("discount percent", "AllowanceCharge/MultiplierFactorNumeric")
	put("discount base", "AllowanceCharge/BaseAmount")
	put("discount", "AllowanceCharge/Amount")
	put("discount reason", "AllowanceCharge/AllowanceChargeReason")
	put("discount category", "AllowanceCharge/TaxCategory/ID")
	put("discount rate", "AllowanceCharge/TaxCategory/Percent")
	const tax = "TaxTotal/TaxSubtotal/"
	put("VAT category", tax+"TaxCategory/ID")
	put("VAT rate", tax+"TaxCategory/Percent")
	put("VAT base", tax+"TaxableAmount")
	put("VAT amount", tax+"TaxAmount")
	put("VAT text", tax+"TaxCategory/TaxExemptionReason")
	put("VAT code", tax+"TaxCategory/TaxExemptionReasonCode")
	put("tax point", "TaxPointDate")
	put("supplied", "Delivery/ActualDeliveryDate")
	put("from", "InvoicePeriod/StartDate")
	put("to", "InvoicePeriod/EndDate")
	put("lines net", "LegalMonetaryTotal/LineExtensionAmount")
	put("discounts", "LegalMonetaryTotal/AllowanceTotalAmount")
	put("net", "LegalMonetaryTotal/TaxExclusiveAmount")
	f.put("VAT total", root.with("TaxTotal/TaxAmount", "currencyID", f["currency"]))
	if put("VAT currency", "TaxCurrencyCode"); f["VAT currency"] != "" {
		f.put("VAT in EUR", root.with("TaxTotal/TaxAmount", "currencyID", f["VAT currency"]))
	}
	f.put("sums of VAT", fmt.Sprint(len(root.all("TaxTotal/TaxAmount"))))
	put("total", "LegalMonetaryTotal/TaxInclusiveAmount")
	put("paid", "LegalMonetaryTotal/PrepaidAmount")
	put("due", "LegalMonetaryTotal/PayableAmount")
	put("means", "PaymentMeans/PaymentMeansCode")
	put("reference", "PaymentMeans/PaymentID")
	put("IBAN", "PaymentMeans/PayeeFinancialAccount/ID")
	put("account", "PaymentMeans/PayeeFinancialAccount/Name")
	put("BIC", "PaymentMeans/PayeeFinancialAccount/FinancialInstitutionBranch/ID")
	put("terms", "PaymentTerms/Note")
	put("due on", "DueDate")
	put("corrects", "BillingReference/InvoiceDocumentReference/ID")
	put("corrected of", "BillingReference/InvoiceDocumentReference/IssueDate")
	return f
}

// factsOf is what a receiver must read out of a document, worked out from the
// document alone.
func factsOf(d invoice.Document) facts {
	f := facts{}
	v := d.VAT[0]
	rate := ""
	if v.RateSet {
		rate = fmt.Sprintf("%d.%02d", v.Rate/100, v.Rate%100)
		rate = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(rate, "0"), "0"), ".")
	}
	sum := func(name string, a money.Amount) { f[name] = fmt.Sprintf("%d.%02d", a/100, a%100) }
	f["type"] = map[invoice.Kind]string{invoice.KindInvoice: "380", invoice.KindCreditNote: "381"}[d.Kind]
	f["number"], f["issued"], f["tax point"], f["currency"] = d.Number, d.IssueDate.String(), d.TaxPoint.String(), string(d.Currency)
	f["supplied"] = f["tax point"] // a payment in advance (vat.md 4.2)
	f.put("order", d.OrderNumber)
	f.put("po", d.POReference)
	f.put("reference", d.Reference)
	if !d.ServiceFrom.IsZero() {
		f["from"], f["to"] = d.ServiceFrom.String(), d.ServiceTo.String()
	}
	note := ""
	if d.Corrects != nil {
		f["corrects"], f["corrected of"] = d.Corrects.Number, d.Corrects.IssueDate.String()
		note = d.Corrects.Reason
		if x := d.Corrects; x.CreditNote != "" {
			note += "\nReplaces invoice " + x.Number + " of 3 Dec 2026, which credit note " + x.CreditNote + " took back."
		}
		if x := d.Corrects.ReplacedBy; x != "" {
			note += "\nIn its place there is invoice " + x + "."
		}
	}
	if d.Customer != "" {
		note = strings.TrimPrefix(note+"\nTelegram account: "+d.Customer, "\n")
	}
	f["sums of VAT"] = "1"
	if x := d.Exchange; x != nil {
		f["VAT currency"], f["sums of VAT"] = "EUR", "2"
		sum("VAT in EUR", x.VAT)
		rate := fmt.Sprintf("%d.%06d", x.Millionths/1_000_000, x.Millionths%1_000_000)
		for range 2 { // four decimals at least
			rate = strings.TrimSuffix(rate, "0")
		}
		note = strings.TrimPrefix(fmt.Sprintf("%s\nVAT in EUR: %s, at the rate of 1 EUR = %s %s (%s, %s)", note, i18n.New("en").Money(int64(x.VAT), "EUR"), rate, d.Currency, x.Source,
			i18n.New("en").Date(x.Day.Year, x.Day.Month, x.Day.Day)), "\n")
	}
	f.put("note", note)
	for who, p := range map[string]invoice.Party{"seller": d.Seller, "buyer": d.Buyer} {
		f.put(who+" name", p.Name)
		f.put(who+" note", p.VATNote)
		f.put(who+" code", p.CompanyCode)
		f.put(who+" street", p.Street)
		f.put(who+" city", p.City)
		f.put(who+" postcode", p.Postcode)
		f.put(who+" country", strings.Replace(p.Country, "XK", "1A", 1))
		f.put(who+" phone", p.Phone)
		f.put(who+" email", p.Email)
	}
	switch {
	case d.Seller.VATNumber == "":
		f["seller tax"] = d.Seller.CompanyCode
	case v.Category == "O":
		f["seller tax"] = d.Seller.VATNumber
	default:
		f["seller VAT"] = d.Seller.VATNumber
	}
	if v.Category == "O" {
		f.put("buyer number", d.Buyer.VATNumber)
	} else {
		f.put("buyer VAT", d.Buyer.VATNumber)
	}
	for i, l := range d.Lines {
		at := fmt.Sprintf("line %d ", i+1)
		f.put(at+"id", fmt.Sprint(l.ID))
		f.put(at+"code", l.ItemCode)
		f.put(at+"name", l.Description)
		f.put(at+"detail", l.Detail)
		f.put(at+"quantity", fmt.Sprint(l.Quantity))
		f.put(at+"unit", map[invoice.Unit]string{invoice.UnitMonth: "MON", invoice.UnitPiece: "C62"}[l.Unit])
		sum(at+"price", l.UnitPrice)
		sum(at+"net", l.Net)
		f.put(at+"category", v.Category)
		f.put(at+"rate", rate)
	}
	if x := d.Discount; x != nil {
		f["discount percent"] = strings.TrimSuffix(strings.TrimSuffix(fmt.Sprintf("%d.%02d", x.Percent/100, x.Percent%100), "00"), ".")
		sum("discount base", x.Base)
		sum("discount", x.Amount)
		sum("discounts", x.Amount)
		f["discount reason"], f["discount category"] = x.Reason, v.Category
		f.put("discount rate", rate)
	}
	f["VAT category"] = v.Category
	f.put("VAT rate", rate)
	f.put("VAT text", v.Text)
	f.put("VAT code", v.VATEX)
	sum("VAT base", v.Base)
	sum("VAT amount", v.Amount)
	sum("lines net", d.LinesNet)
	sum("net", d.Net)
	sum("VAT total", d.VATTotal)
	sum("total", d.Total)
	sum("due", d.Due)
	if d.Paid != 0 {
		sum("paid", d.Paid)
	}
	words := i18n.ForDocument(d.Language)
	date := func(y int, m, dd int) string { return fmt.Sprintf("%04d-%02d-%02d", y, m, dd) }
	switch {
	case d.Due > 0:
		f["means"] = "30"
		if d.Currency == "EUR" {
			f["means"] = "58"
		}
		f["IBAN"], f["account"], f["BIC"] = d.Payment.IBAN, d.Payment.Beneficiary, d.Payment.BIC
		f["due on"] = date(d.ValidUntil.Year, int(d.ValidUntil.Month), d.ValidUntil.Day)
		f["terms"] = "Please pay by " + words.Date(d.ValidUntil.Year, d.ValidUntil.Month, d.ValidUntil.Day)
	default:
		on := " on " + words.Date(d.Payment.PaidOn.Year, d.Payment.PaidOn.Month, d.Payment.PaidOn.Day)
		switch d.Payment.Method {
		case "bank":
			f["means"], f["terms"] = "42", "Paid by bank transfer"+on
		case "card":
			f["means"], f["terms"] = "48", "Paid by card"+on
		case "balance":
			f["means"], f["terms"] = "97", "Paid from the balance"+on
		default:
			f["means"], f["terms"] = "ZZZ", "Paid"+on
		}
	}
	if d.Kind == invoice.KindCreditNote {
		f["terms"] = "Amount credited"
	}
	return f
}
