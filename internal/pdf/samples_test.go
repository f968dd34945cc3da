package pdf_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/money"
)

var day = civil.MustParse

func seller() invoice.Party {
	return invoice.Party{
		Name: "MB Pavyzdys", CompanyCode: "305000000", VATNumber: "LT100000000000", Street: "Gedimino pr. 1-2",
		City: "Vilnius", Postcode: "LT-01103", Country: "LT", Email: "billing@sip.tg", Phone: "+370 600 00000", Website: "https://sip.tg",
	}
}

func epc(amount money.Amount, beneficiary, iban, rf string) string {
	return strings.Join([]string{"BCD", "002", "1", "SCT", "", beneficiary, iban, "EUR" + amount.Decimal(), "", rf}, "\n")
}

// document completes a header with lines at a rate, as issuing does.
func document(t testing.TB, d invoice.Document, discount money.BasisPoints, vat invoice.VATLine) invoice.Document {
	t.Helper()
	d.Version, d.Language, d.Currency = 1, "en", "EUR"
	for i := range d.Lines {
		d.Lines[i].ID = i + 1
		d.Lines[i].Net = d.Lines[i].UnitPrice * money.Amount(d.Lines[i].Quantity)
		d.LinesNet += d.Lines[i].Net
	}
	d.Net = d.LinesNet
	if discount != 0 {
		off, err := d.LinesNet.Percent(discount)
		if err != nil {
			t.Fatal(err)
		}
		d.Discount = &invoice.Discount{Percent: discount, Base: d.LinesNet, Amount: off, Reason: "Discount 30% for 36 months"}
		d.Net -= off
	}
	vat.Base = d.Net
	amount, err := d.Net.Percent(vat.Rate)
	if err != nil {
		t.Fatal(err)
	}
	vat.Amount = amount
	d.VAT, d.VATTotal, d.Total = []invoice.VATLine{vat}, amount, d.Net+amount
	if d.Kind == invoice.KindInvoice {
		d.Paid = d.Total
	}
	if d.Kind == invoice.KindInvoice || d.Kind == invoice.KindCreditNote {
		d.VerifyURL = "https://billing.sip.tg/verify?number=" + d.Number
	}
	d.Due = d.Total - d.Paid
	if d.Kind == invoice.KindBankInvoice {
		d.Payment = invoice.Payment{
			Method: "bank", Beneficiary: "MB Pavyzdys", IBAN: "LT121000011101001000", BIC: "PAVZLT22XXX",
			Bank: "AB Pavyzdžio bankas", BankAddress: "Konstitucijos pr. 20, LT-09308 Vilnius, Lithuania",
		}
		d.Payment.EPC = epc(d.Due, d.Payment.Beneficiary, d.Payment.IBAN, d.Reference)
	}
	return d
}

var (
	standardLT = invoice.VATLine{Category: "S", RateSet: true, Rate: 2100, Country: "LT", Treatment: "R2"}
	reverse    = invoice.VATLine{Category: "AE", RateSet: true, VATEX: "VATEX-EU-AE", Treatment: "R4",
		Text: "Reverse charge, Art. 44 and 196 Directive 2006/112/EC / Atvirkštinis apmokestinimas, Direktyvos 2006/112/EB 44 ir 196 str."}
	outside = invoice.VATLine{Category: "O", VATEX: "VATEX-EU-O", Treatment: "R9",
		Text: "Outside the scope of EU VAT, Art. 58 Directive 2006/112/EC / Ne PVM objektas Lietuvoje"}
	exempt = invoice.VATLine{Category: "E", RateSet: true, Treatment: "R3",
		Text: "VAT exempt: small enterprises scheme, Art. 284 Directive 2006/112/EC / PVM neskaičiuojamas: smulkiojo verslo schema"}
)

func softphone(accounts int, months int64) []invoice.Line {
	return []invoice.Line{
		{ItemCode: "softphone", Description: fmt.Sprintf("Softphone, %d SIP accounts", accounts), Detail: "With call recording, €5.00 an account and month", Quantity: months, Unit: invoice.UnitMonth, UnitPrice: money.Amount(500 * accounts)},
		{ItemCode: "softphone.api", Description: "API access", Quantity: months, Unit: invoice.UnitMonth, UnitPrice: 15000},
	}
}

// samples are the documents that every test below goes through.
func samples(t testing.TB) map[string]invoice.Document {
	t.Helper()
	consumer := document(t, invoice.Document{
		Kind: invoice.KindBankInvoice, Number: "O-2026-000123", OrderNumber: "O-2026-000123", Reference: "RF712026000123",
		IssueDate: day("2026-11-23"), ValidUntil: day("2026-12-07"), ServiceMonths: 12, Seller: seller(),
		Buyer:    invoice.Party{Name: "Žygimantė Ąžuolaitė-Šimkūnienė", Street: "Ežero g. 5-12", City: "Šiauliai", Postcode: "LT-77141", Country: "LT", Email: "zygimante@example.lt", Person: true},
		Customer: "Žygimantė (@zygimante, 123456789)", Lines: softphone(5, 12),
	}, 0, standardLT)

	gmbh := document(t, invoice.Document{
		Kind: invoice.KindInvoice, Number: "SIP-2026-000042", OrderNumber: "O-2026-000101", Reference: "RF582026000101", POReference: "4500-1187-B",
		IssueDate: day("2026-12-02"), TaxPoint: day("2026-12-02"), ServiceFrom: day("2026-12-02"), ServiceTo: day("2027-06-01"), ServiceMonths: 6, Seller: seller(),
		Buyer:    invoice.Party{Name: "Müller & Söhne Fernsprechtechnik GmbH", CompanyCode: "HRB 12345", VATNumber: "DE136695976", Street: "Königstraße 27", City: "Stuttgart", Postcode: "70173", Country: "DE", Email: "rechnung@example.de"},
		Customer: "Jürgen Müller (@jmueller, 987654321)",
		Lines: []invoice.Line{
			{ItemCode: "gateway.line", Description: "Gateway, 6 lines", Detail: "€15.00 a line and month", Quantity: 6, Unit: invoice.UnitMonth, UnitPrice: 9000},
			{ItemCode: "gateway.main", Description: "Main Telegram account", Quantity: 6, Unit: invoice.UnitMonth, UnitPrice: 1500},
			{ItemCode: "gateway.extra", Description: "1 extra Telegram account", Quantity: 6, Unit: invoice.UnitMonth, UnitPrice: 15000},
			{ItemCode: "gateway.surcharge", Description: "More than 5 lines", Quantity: 6, Unit: invoice.UnitMonth, UnitPrice: 15000},
		},
	}, 0, reverse)
	gmbh.Payment = invoice.Payment{Method: "bank", PaidOn: day("2026-12-02")}

	ukrainian := document(t, invoice.Document{
		Kind: invoice.KindBankInvoice, Number: "O-2026-000124", OrderNumber: "O-2026-000124", Reference: "RF442026000124",
		IssueDate: day("2026-11-23"), ValidUntil: day("2026-12-07"), ServiceMonths: 6, Seller: seller(),
		Buyer:    invoice.Party{Name: "Олександр Ґжицький-Їжакевич", Street: "вул. Хрещатик, буд. 22, кв. 7", City: "Київ", Postcode: "01001", Country: "UA", Person: true},
		Customer: "Олександр (@gzhytskyi, 555000111)", Lines: softphone(1, 6)[:1],
	}, 0, outside)

	discount := document(t, invoice.Document{
		Kind: invoice.KindInvoice, Number: "SIP-2026-000043", OrderNumber: "O-2026-000102", Reference: "RF312026000102",
		IssueDate: day("2026-12-03"), TaxPoint: day("2026-12-02"), ServiceFrom: day("2026-12-02"), ServiceTo: day("2029-12-01"), ServiceMonths: 36, Seller: seller(),
		Buyer:    invoice.Party{Name: "UAB „Vėjo malūnai“", CompanyCode: "304111222", VATNumber: "LT100009999914", Street: "Savanorių pr. 178", City: "Kaunas", Postcode: "LT-44150", Country: "LT"},
		Customer: "Vėjo malūnai (@vejo, 777000222)", Lines: softphone(12, 36),
	}, 3000, invoice.VATLine{Category: "S", RateSet: true, Rate: 2100, Country: "LT", Treatment: "R1"})
	discount.Payment = invoice.Payment{Method: "balance", PaidOn: day("2026-12-02")}

	many := gmbh
	many.Number, many.Lines, many.LinesNet = "SIP-2026-000044", nil, 0
	for i := range 120 {
		many.Lines = append(many.Lines, invoice.Line{ItemCode: "softphone", Description: fmt.Sprintf("Softphone of employee %03d", i+1), Detail: "1 SIP account", Quantity: 6, Unit: invoice.UnitMonth, UnitPrice: money.Amount(300 + i)})
	}
	many = document(t, many, 0, reverse)
	many.Payment = invoice.Payment{Method: "card", PaidOn: day("2026-12-02")}

	credit := gmbh
	credit.Kind, credit.Number, credit.IssueDate = invoice.KindCreditNote, "SIPC-2026-000001", day("2026-12-20")
	credit.Lines, credit.LinesNet = append([]invoice.Line(nil), gmbh.Lines[:1]...), 0
	credit = document(t, credit, 0, reverse)
	credit.Payment = invoice.Payment{Method: "card"}
	credit.Paid, credit.Due = credit.Total, 0
	credit.Returned = &invoice.Returned{Method: credit.Total - 10_00, Balance: 9_50, Forgiven: 50, Label: "Visa •••• 4242"}
	credit.Corrects = &invoice.Correction{Number: gmbh.Number, IssueDate: gmbh.IssueDate, Reason: "The service was ended before its time; the unused part is credited."}

	long := consumer
	long.Number, long.OrderNumber = "O-2026-000125", "O-2026-000125"
	long.Buyer.Name = strings.Repeat("Gesellschaft für internationale Fernsprechvermittlung ", 3) + "und Donaudampfschifffahrtselektrizitätenhauptbetriebs"[:38]
	long.Buyer.Street = strings.Repeat("W", 200)
	long.Customer = strings.Repeat("M", 200)
	long.POReference = strings.Repeat("PO/2026-11/", 18)

	odd := consumer
	odd.Number, odd.OrderNumber = "O-2026-000126", "O-2026-000126"
	odd.Buyer.Name = "Ada 🚀👩‍💻 \u202Eevil\u202C\x00\x07\r\n Lovelace"
	odd.Buyer.Street = "רחוב הרצל 12 (קומה 3)"
	odd.Buyer.City = "محمد بن سلمان"
	odd.Buyer.Country = "IL"
	odd.Customer = "山田太郎 김철수 Թովմաս გიორგი ☎"

	plain := document(t, invoice.Document{
		Kind: invoice.KindInvoice, Number: "SIP-2026-000045", OrderNumber: "O-2026-000103", Reference: "RF042026000103",
		IssueDate: day("2026-12-03"), TaxPoint: day("2026-12-03"), ServiceFrom: day("2026-12-03"), ServiceTo: day("2027-06-02"), ServiceMonths: 6, Seller: seller(),
		Buyer: consumer.Buyer, Customer: consumer.Customer, Lines: softphone(2, 6)[:1],
	}, 0, exempt)
	plain.Seller.VATNumber, plain.Seller.VATNote = "", "Not registered for VAT: turnover below the threshold of PVMĮ art. 71"
	plain.Payment = invoice.Payment{Method: "card", PaidOn: day("2026-12-03")}

	receipt, err := invoice.NewReceipt(invoice.Document{
		Number: "R-2026-000123", Language: "en", IssueDate: day("2026-11-23"), Reference: "RF349000000001", Seller: seller(), Buyer: consumer.Buyer,
		Payment: invoice.Payment{Method: "bank", PaidOn: day("2026-11-20"), From: "ŽYGIMANTĖ ĄŽUOLAITĖ"},
	}, money.Of(50_00, "EUR"))
	if err != nil {
		t.Fatal(err)
	}
	card := receipt
	card.Number, card.Seller, card.Reference, card.Payment = "R-2026-000124", plain.Seller, "", invoice.Payment{Method: "card", PaidOn: day("2026-11-23")}

	return map[string]invoice.Document{
		"receipt": receipt, "receipt-card": card,
		"bank-invoice-consumer": consumer, "reverse-charge": gmbh, "outside-eu": ukrainian, "discount-36": discount,
		"lines-120": many, "credit-note": credit, "long-names": long, "odd-characters": odd, "seller-without-vat": plain,
	}
}
