package einvoice_test

import (
	"encoding/csv"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/vat"
)

var day = civil.MustParse

// fatal is what both tests and properties can do.
type fatal interface {
	Helper()
	Fatalf(string, ...any)
}

// Sellers in the three states, and what differs between them.
var (
	std  = vat.Seller{Country: "LT", Scheme: vat.SchemeStd, OSS: true, DestSince: day("2021-07-01")}
	home = vat.Seller{Country: "LT", Scheme: vat.SchemeStd}
	svs  = vat.Seller{Country: "LT", Scheme: vat.SchemeSVS, ExStates: []string{"LV"}, ExNumber: "LT119511515-EX"}
	none = vat.Seller{Country: "LT", Scheme: vat.SchemeNone}
)

func sellerOf(s vat.Seller) invoice.Party {
	p := invoice.Party{
		Name: "MB Pavyzdys", CompanyCode: "119511515", VATNumber: "LT119511515", Street: "Gedimino pr. 1-2", City: "Vilnius",
		Postcode: "01103", Country: "LT", Email: "billing@sip.tg", Phone: "+370 600 00000", Website: "https://sip.tg",
	}
	if s.Scheme == vat.SchemeNone {
		p.VATNumber, p.VATNote = "", "Not registered for VAT: turnover below the threshold of PVMĮ art. 71"
	}
	return p
}

// sale is what a document is made of.
type sale struct {
	seller     vat.Seller
	buyer      invoice.Party
	manual     bool // the operator accepted a business without a number
	diplomatic bool
	lines      []invoice.Line
	discount   money.BasisPoints
	currency   money.Currency // EUR where empty
	rate       *invoice.Rate  // of it, where there is VAT
	method     string         // card where empty
	unpaid     money.Amount   // of the total; by transfer
	po         string
	language   string // en where empty
}

func month(code, name, detail string, months int64, price money.Amount) invoice.Line {
	return invoice.Line{ItemCode: code, Description: name, Detail: detail, Quantity: months, Unit: invoice.UnitMonth, UnitPrice: price}
}

func softphone(accounts, months int64) []invoice.Line {
	return []invoice.Line{
		month("SOFT-ACC", "Softphone: SIP accounts", fmt.Sprintf("%d × €5.00 a month", accounts), months, money.Amount(accounts)*5_00),
		month("SOFT-API", "Softphone: API access", "", months, 150_00),
	}
}

// issue makes a document as the use cases do: the treatment by the decision table,
// the totals by invoice.New.
func issue(t fatal, s sale) invoice.Document {
	t.Helper()
	status := vat.StatusNone
	if s.buyer.VATNumber != "" {
		status = vat.StatusValid
	}
	treatment, err := vat.Decide(s.seller, vat.Buyer{
		Country: s.buyer.Country, Postcode: s.buyer.Postcode, VATNumber: s.buyer.VATNumber, VIES: status, Company: !s.buyer.Person,
		ManualBusiness: s.manual, Diplomatic: s.diplomatic,
	}, day("2026-12-02"), vat.Turnover{})
	if err != nil {
		t.Fatalf("%+v: %v", s.buyer, err)
	}
	if s.lines == nil {
		s.lines = softphone(5, 6)
	}
	if s.currency == "" {
		s.currency = money.EUR
	}
	if s.language == "" {
		s.language = "en"
	}
	if s.method == "" {
		s.method = "card"
	}
	var gross money.Amount
	for _, l := range s.lines {
		gross += l.UnitPrice * money.Amount(l.Quantity)
	}
	off, err := gross.Percent(s.discount)
	if err != nil {
		t.Fatalf("%v", err)
	}
	d, err := invoice.New(invoice.Document{
		Kind: invoice.KindInvoice, Number: "SIP-2026-000042", Language: s.language, Currency: s.currency, IssueDate: day("2026-12-03"), TaxPoint: day("2026-12-02"),
		OrderNumber: "O-2026-000101", Reference: "RF582026000101", POReference: s.po, ServiceFrom: day("2026-12-02"), ServiceTo: day("2027-06-01"), ServiceMonths: 6,
		Seller: sellerOf(s.seller), Buyer: s.buyer, Customer: "Jonas (@jonas, 123456789)",
		Payment: invoice.Payment{Method: s.method, PaidOn: day("2026-12-02")},
	}, invoice.Terms{Lines: s.lines, Discount: s.discount, DiscountAmount: off, DiscountReason: "Discount for 6 months", Treatment: treatment, Prepaid: true, Rate: s.rate})
	if err != nil {
		t.Fatalf("%v", err)
	}
	if s.unpaid != 0 {
		d.Paid, d.Due, d.ValidUntil = d.Total-s.unpaid, s.unpaid, day("2026-12-17")
		d.Payment = invoice.Payment{Method: "bank", Beneficiary: "MB Pavyzdys", IBAN: "LT121000011101001000", BIC: "PAVZLT22XXX", Bank: "AB Bankas"}
	}
	return d
}

// credit makes the credit note of a document: of the whole where net is 0, or of
// net, after others that credited as much already.
func credit(t fatal, of invoice.Document, net, before money.Amount) invoice.Document {
	t.Helper()
	if net == 0 {
		net = of.Net
	}
	c := invoice.Credit{
		IssueDate: day("2026-12-20"), Net: net, CreditedBase: before, Description: "Unused part of the service", Reason: "Ended before its time.",
	}
	var err error
	if c.CreditedAmount, err = invoice.CreditVAT(of.VAT[0].Rate, before, 0, 0); err != nil {
		t.Fatalf("%v", err)
	}
	tax, err := invoice.CreditVAT(of.VAT[0].Rate, net, before, c.CreditedAmount)
	if err != nil {
		t.Fatalf("%v", err)
	}
	if c.Returned.Method = net + tax; of.Payment.Method == "balance" {
		c.Returned = invoice.Returned{Balance: net + tax}
	}
	d, err := invoice.NewCreditNote(of, c)
	if err != nil {
		t.Fatalf("%v", err)
	}
	d.Number = "SIPC-2026-000007"
	return d
}

// corrected makes the two documents of a correction: of the whole, or of what is
// left after before was credited.
func corrected(t fatal, of invoice.Document, before money.Amount, line invoice.VATLine) (note, replacement invoice.Document) {
	t.Helper()
	tax, err := invoice.CreditVAT(of.VAT[0].Rate, before, 0, 0)
	if err != nil {
		t.Fatalf("%v", err)
	}
	buyer := of.Buyer
	if buyer.Name += " (corrected)"; line.Category == "AE" {
		buyer = gmbh
	}
	note = credit(t, of, of.Net-before, before)
	note.Corrects.ReplacedBy, note.Returned = "SIP-2026-000124", &invoice.Returned{Applied: note.Total}
	replacement, err = invoice.NewReplacement(of, invoice.Replacement{
		IssueDate: day("2026-12-20"), Buyer: buyer, POReference: "PO 77", Net: of.Net - before, CreditedBase: before, CreditedAmount: tax, VAT: line,
		Description: "The services of an invoice, as far as they were not credited", Reason: "The details of the buyer are corrected.",
	})
	if err != nil {
		t.Fatalf("%v", err)
	}
	replacement.Number, replacement.Corrects.CreditNote = note.Corrects.ReplacedBy, note.Number
	return note, replacement
}

func person(name, street, city, postcode, country string) invoice.Party {
	return invoice.Party{Name: name, Street: street, City: city, Postcode: postcode, Country: country, Email: "person@example.com", Person: true}
}

func company(name, code, number, city, postcode, country string) invoice.Party {
	return invoice.Party{Name: name, CompanyCode: code, VATNumber: number, Street: "Main street 27", City: city, Postcode: postcode, Country: country, Email: "ap@example.com"}
}

var (
	ona  = person("Ona Petrauskaitė", "Gedimino pr. 9-3", "Vilnius", "01103", "LT")
	uab  = company("UAB „Vėjo malūnai“", "304111222", "LT100009999914", "Kaunas", "44150", "LT")
	gmbh = company("Müller & Söhne <Fernsprechtechnik> GmbH", "HRB 12345", "DE136695976", "Stuttgart", "70173", "DE")
	inc  = company("Acme Widgets, Inc.", "C1234567", "", "San Francisco", "94105", "US")
)

// named is a document and what it is a case of.
type named struct {
	name string
	d    invoice.Document
}

// everyDocument returns documents of every kind that is issued: all rows of the
// decision table that do not refuse, every member state, discounts, ways to pay,
// credit notes, long and foreign texts, many lines.
func everyDocument(t testing.TB) []named {
	t.Helper()
	var list []named
	add := func(name string, d invoice.Document) {
		d.Number = fmt.Sprintf("%s%06d", d.Number[:strings.LastIndexByte(d.Number, '-')+1], len(list)+1)
		list = append(list, named{name, d})
	}
	rows := map[string]sale{
		"R1":              {seller: std, buyer: uab, po: "4500-1187-B"},
		"R1-no-number":    {seller: std, buyer: company("UAB Be numerio", "302570120", "", "Kaunas", "44150", "LT")},
		"R2":              {seller: std, buyer: ona},
		"R3-svs":          {seller: svs, buyer: ona},
		"R3-svs-company":  {seller: svs, buyer: uab},
		"R3-none":         {seller: none, buyer: ona},
		"R3-none-company": {seller: none, buyer: uab, po: "PO-9"},
		"R4":              {seller: std, buyer: gmbh, po: "4500-1187-B"},
		"R4-svs":          {seller: svs, buyer: gmbh},
		"R4-no-code":      {seller: std, buyer: company("Solo SARL", "", "FR40303265045", "Paris", "75001", "FR")},
		"R6b":             {seller: std, buyer: company("Nová s.r.o.", "12345678", "", "Praha", "11000", "CZ"), manual: true},
		"R7c":             {seller: svs, buyer: person("Jānis Bērziņš", "Brīvības iela 1", "Rīga", "LV-1010", "LV")},
		"R8a":             {seller: home, buyer: person("Jürgen Groß", "Königstraße 27", "Stuttgart", "70173", "DE")},
		"R8b":             {seller: none, buyer: person("Jürgen Groß", "Königstraße 27", "Stuttgart", "70173", "DE")},
		"R9-consumer":     {seller: std, buyer: person("John Smith", "1 Main St", "Boston", "02108", "US")},
		"R9-business":     {seller: std, buyer: inc},
		"R9-none":         {seller: none, buyer: inc},
		"R9-svs":          {seller: svs, buyer: person("Олександр Ґжицький-Їжакевич", "вул. Хрещатик, буд. 22, кв. 7", "Київ", "01001", "UA")},
		"R9-swiss":        {seller: std, buyer: company("Käse AG", "CHE-107.787.577", "CHE107787577MWST", "Zürich", "8001", "CH")},
		"R9-foreign-id":   {seller: std, buyer: company("Perusahaan", "", "01.234.567.8-901", "Jakarta", "10110", "ID")},
		"R9-kosovo":       {seller: std, buyer: person("Arta Krasniqi", "Rruga 1", "Prishtina", "10000", "XK")},
		"R9-british":      {seller: std, buyer: company("Crown Ltd", "01234567", "GB980780684", "London", "SW1A 1AA", "GB")},
		"R10":             {seller: std, buyer: company("Belfast Ltd", "NI123456", "XI980780684", "Belfast", "BT1 1AA", "XI")},
		"R11-canary":      {seller: std, buyer: person("María Pérez", "Calle Mayor 1", "Las Palmas", "35001", "ES")},
		"R11-aland":       {seller: std, buyer: person("Åsa Öberg", "Torggatan 1", "Mariehamn", "22100", "AX")},
		"R11-jungholz":    {seller: std, buyer: person("Hans Huber", "Nr. 5", "Jungholz", "6691", "AT")},
		"R11-monaco":      {seller: std, buyer: person("Louis Noir", "1 rue Grimaldi", "Monaco", "98000", "MC")},
		"R12":             {seller: std, buyer: company("Embassy of Ruritania", "", "", "Vilnius", "01103", "LT"), diplomatic: true},
	}
	names := make([]string, 0, len(rows))
	for name := range rows {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		d := issue(t, rows[name])
		if row, _, _ := strings.Cut(name, "-"); row != "R11" && d.VAT[0].Treatment != row {
			t.Fatalf("%s is treated as %s", name, d.VAT[0].Treatment)
		}
		add(name, d)
	}
	for _, row := range memberStates(t) {
		add("R7-"+row.country, issue(t, sale{seller: std, buyer: person("Consumer "+row.country, "Street 1", "City", "", row.country)}))
		add("R4-"+row.country, issue(t, sale{seller: std, buyer: company("Business "+row.country, "", row.number, "City", "", row.country)}))
	}

	year := issue(t, sale{seller: std, buyer: uab, lines: softphone(12, 12), discount: 1000})
	three := issue(t, sale{seller: std, buyer: gmbh, lines: softphone(12, 36), discount: 3000, method: "balance", po: "PO 1 & 2"})
	usd := issue(t, sale{seller: std, buyer: inc, currency: "USD"})
	add("discount-12", year)
	add("discount-36-reverse", three)
	add("discount-outside", issue(t, sale{seller: std, buyer: inc, lines: softphone(7, 12), discount: 1000}))
	add("discount-rounded", issue(t, sale{seller: std, buyer: ona, lines: []invoice.Line{month("X", "Odd price", "", 1, 33_33)}, discount: 1000}))
	add("balance", issue(t, sale{seller: std, buyer: ona, method: "balance"}))
	add("paid-by-transfer", issue(t, sale{seller: std, buyer: uab, method: "bank"}))
	add("other-method", issue(t, sale{seller: std, buyer: uab, method: "paypal"}))
	add("due-by-transfer", issue(t, sale{seller: std, buyer: uab, unpaid: 1089_00 + 181_50}))
	add("due-in-part", issue(t, sale{seller: std, buyer: gmbh, unpaid: 50_00, po: "PO-7"}))
	add("due-usd", issue(t, sale{seller: std, buyer: inc, currency: "USD", unpaid: 10_00}))
	add("usd", usd)
	dollar := &invoice.Rate{Currency: "USD", Millionths: 1_158_000, Day: day("2026-12-01"), Source: "ECB"}
	taxed := issue(t, sale{seller: std, buyer: uab, currency: "USD", rate: dollar, lines: []invoice.Line{month("SOFT-12", "Softphone", "12 accounts", 6, 210_00)}})
	if taxed.VATTotal != 264_60 || taxed.Exchange.VAT != 228_50 { // the vector of vat.md 4.5
		t.Fatalf("%+v", taxed.Exchange)
	}
	add("usd-with-VAT", taxed)
	add("usd-with-VAT-credited", credit(t, taxed, 0, 0))
	add("usd-with-VAT-credited-in-part", credit(t, taxed, 100_01, 33_33))
	add("usd-with-VAT-unpaid", issue(t, sale{seller: std, buyer: person("Jürgen Groß", "Königstraße 27", "Stuttgart", "70173", "DE"), currency: "USD", rate: dollar, discount: 1000, unpaid: 10_00}))
	add("usd-reverse-with-rate", issue(t, sale{seller: std, buyer: gmbh, currency: "USD", rate: dollar}))
	add("gbp-with-VAT", issue(t, sale{seller: std, buyer: ona, currency: "GBP", rate: &invoice.Rate{Currency: "GBP", Millionths: 876_550, Day: day("2026-12-02"), Source: "ECB"}}))
	add("three-of-9.99", issue(t, sale{seller: std, buyer: ona, lines: []invoice.Line{
		month("A", "One", "", 1, 9_99), month("B", "Two", "", 1, 9_99), month("C", "Three", "", 1, 9_99),
	}}))
	free := issue(t, sale{seller: std, buyer: uab, lines: []invoice.Line{month("A", "Paid", "", 6, 10_00), month("B", "Included", "At no extra charge", 6, 0)}})
	add("a-line-for-nothing", free)
	add("one-cent", issue(t, sale{seller: std, buyer: ona, lines: []invoice.Line{month("A", "Cent", "", 1, 1)}}))
	add("large", issue(t, sale{seller: std, buyer: uab, lines: []invoice.Line{month("A", "Large", "", 36, 27_777_777_77)}}))

	var many []invoice.Line
	for i := range 120 {
		many = append(many, month("SOFT-ACC", fmt.Sprintf("Softphone of employee %03d", i+1), "1 SIP account", 6, money.Amount(300+i)))
	}
	add("120-lines", issue(t, sale{seller: std, buyer: gmbh, lines: many}))

	long := uab
	long.Name = strings.Repeat("Gesellschaft für internationale Fernsprechvermittlung ", 3) + "mbH"
	long.Street, long.City = strings.Repeat("W", 200), strings.Repeat("Llanfair", 12)
	add("long-names", issue(t, sale{seller: std, buyer: long, po: strings.Repeat("PO/2026-11/", 4)}))
	odd := gmbh
	odd.Name = "Ada 🚀👩‍💻 \u202Eevil\u202C\x00\x07\r\n Lovelace ]]> &amp; <b>\"'\uFFFE"
	odd.Street, odd.City = "רחוב הרצל 12 (קומה 3)", "محمد بن سلمان"
	add("odd-characters", issue(t, sale{seller: std, buyer: odd}))
	cyrillic := company("ТОВ «Їжак і партнери»", "40123456", "", "Київ", "01001", "UA")
	add("cyrillic", issue(t, sale{seller: std, buyer: cyrillic, lines: []invoice.Line{month("SOFT-ACC", "Софтфон: акаунти SIP", "5 × 5,00 € на місяць", 6, 25_00)}}))
	bare := ona
	bare.Email, bare.Postcode, bare.Street = "", "", ""
	plain := issue(t, sale{seller: std, buyer: bare})
	plain.Customer, plain.Reference, plain.ServiceFrom, plain.ServiceTo, plain.OrderNumber = "", "", civil.Date{}, civil.Date{}, ""
	add("as-little-as-possible", plain)

	for _, of := range []named{
		{"standard", year}, {"reverse", three}, {"outside", usd}, {"exempt", issue(t, rows["R3-none"])}, {"oss", issue(t, rows["R8a"])}, {"po", issue(t, rows["R1"])},
	} {
		add("credit-whole-"+of.name, credit(t, of.d, 0, 0))
		add("credit-part-"+of.name, credit(t, of.d, 63_00, 0))
		add("credit-more-"+of.name, credit(t, of.d, 10_02, 10_02)) // of whose VAT, at 21 %, 2.11 are left after 2.10
	}
	for _, of := range []struct {
		name   string
		of     invoice.Document
		before money.Amount
		line   invoice.VATLine
	}{
		{"whole", year, 0, year.VAT[0]}, {"rest", year, 10_02, year.VAT[0]}, {"reverse", three, 0, three.VAT[0]}, {"outside", usd, 0, usd.VAT[0]},
		{"taxed-otherwise", year, 0, three.VAT[0]},
	} {
		note, replacement := corrected(t, of.of, of.before, of.line)
		add("corrected-"+of.name, note)
		add("replaces-"+of.name, replacement)
	}
	return list
}

type state struct{ country, number string }

// memberStates returns a valid VAT number of each member state but Lithuania.
func memberStates(t testing.TB) []state {
	t.Helper()
	f, err := os.Open("../vat/testdata/vat_ids.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var list []state
	for _, row := range rows {
		id, err := vat.ParseID(row[1])
		if row[2] != "true" || err != nil || !vat.MemberState(id.Country()) || id.Country() == "LT" ||
			slices.ContainsFunc(list, func(s state) bool { return s.country == id.Country() }) {
			continue
		}
		list = append(list, state{id.Country(), row[1]})
	}
	if len(list) != 26 {
		t.Fatalf("%d member states", len(list))
	}
	return list
}
