package views_test

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/static"
	"github.com/siptg/portal/views"
)

var en = i18n.New("en")

const (
	longName = "Bendrovė „Šiaurės Lietuvos telekomunikacijų ir susirašinėjimo sprendimai“, uždaroji akcinė bendrovė"
	hostile  = `<script>alert(1)</script>"'&<img src=x onerror=alert(2)>`
)

func eur(minor int64) views.Money {
	return views.Money{Text: en.Money(minor, "EUR"), Minor: minor, Currency: "EUR"}
}

func day(y int, m time.Month, d int) views.Instant {
	return views.Instant{Text: en.Date(y, m, d), ISO: time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)}
}

func short(y int, m time.Month, d int) views.Instant {
	return views.Instant{Text: en.DateShort(y, m, d), ISO: time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)}
}

func at(y int, m time.Month, d, h, min int) views.Instant {
	t := time.Date(y, m, d, h, min, 0, 0, time.UTC)
	zone, err := time.LoadLocation("Europe/Vilnius")
	if err != nil {
		panic(err)
	}
	return views.Instant{Text: en.Time(t, zone), ISO: t.Format(time.RFC3339)}
}

func page(signedIn bool, active string) views.Page {
	p := views.Page{
		T: en, SignedIn: signedIn, Active: active, Path: "/",
		Demo: true, DemoNow: "23 November 2026, 10:15 (Europe/Vilnius)", SellerName: "SIP.TG Demo, MB",
		Assets: views.Assets{
			CSS: static.Path("app.css"), JS: static.Path("app.js"),
			Favicon: static.Path("favicon.svg"), TouchIcon: static.Path("touch-icon.png"),
		},
	}
	if signedIn {
		p.PersonName = "Ona Petrauskaitė"
	}
	return p
}

var seller = views.Party{
	Name: "SIP.TG Demo, MB", CompanyCode: "300000001", VATNumber: "LT119511515",
	Address: []string{"Gedimino pr. 1", "LT-01103 Vilnius", "Lithuania"},
	Email:   "billing@demo.example", Phone: "+370 5 000 0000", Website: "https://demo.example",
}

var buyer = views.Party{
	Name: longName, CompanyCode: "304512789", VATNumber: "DE136695976",
	Address: []string{"Unter den Linden 77", "10117 Berlin", "Germany"}, Email: "accounts@example.de",
}

var softphone = views.Selection{Plan: "softphone", Accounts: 12, Recording: true, Months: 12}
var gateway = views.Selection{Plan: "gateway", Lines: 6, ExtraAccounts: 1, API: true, Months: 36}

var openOrder = views.OpenOrder{
	Number: "O-2026-000123", URL: "/orders/O-2026-000123", Kind: "new", Selection: softphone,
	Amount: eur(274428), DueDate: day(2026, 12, 7), ForName: "Jonas",
}

var subscriptionRows = []views.SubscriptionRow{
	{
		ID: "6f1c8a52-1111-4222-8333-444455556666", URL: "/subscriptions/6f1c8a52-1111-4222-8333-444455556666",
		Selection: softphone, State: "active", CustomerName: "Ona Petrauskaitė", CustomerSelf: true, PayerName: longName,
		PaidUntil: day(2027, 5, 22), AutoRenew: true,
		Next:   &views.NextCharge{Kind: "charge", On: day(2027, 5, 20), Amount: eur(274428), Method: "Visa •••• 4242"},
		Charge: &views.Charge{State: "declined", On: "19 May 2027", Next: "20 May 2027", Reason: "insufficient_funds", Method: "Visa •••• 4242", URL: "/orders/O-2026-000123"},
	},
	{
		ID: "7f1c8a52-1111-4222-8333-444455556666", URL: "/subscriptions/7f1c8a52-1111-4222-8333-444455556666",
		Selection: gateway, State: "active", CustomerName: "Олександр Ковальчук", PayerName: "Ona Petrauskaitė",
		PaidUntil: day(2027, 1, 31), Next: &views.NextCharge{Kind: "end", On: day(2027, 1, 31)},
	},
	{
		ID: "8f1c8a52-1111-4222-8333-444455556666", URL: "/subscriptions/8f1c8a52-1111-4222-8333-444455556666",
		Selection: views.Selection{Plan: "softphone", Accounts: 1, Months: 6}, State: "active",
		CustomerName: "Ona Petrauskaitė", CustomerSelf: true, PaidUntil: day(2026, 12, 31), AutoRenew: true,
	},
	{
		ID: "9f1c8a52-1111-4222-8333-444455556666", URL: "/subscriptions/9f1c8a52-1111-4222-8333-444455556666",
		Selection: views.Selection{Plan: "starter"}, State: "ended", CustomerName: "Ona Petrauskaitė", CustomerSelf: true,
		PayerName: "Ona Petrauskaitė", PaidUntil: day(2025, 12, 31),
	},
}

var invoiceRows = []views.InvoiceRow{
	{Number: "SIP-2026-000123", Kind: "invoice", URL: "/invoices/SIP-2026-000123", PDFURL: "/invoices/SIP-2026-000123.pdf", IssueDate: short(2026, 11, 22), PayerName: longName, CustomerName: "Jonas", OrderNumber: "O-2026-000123", Net: eur(226800), VAT: eur(47628), Total: eur(274428)},
	{Number: "SIPC-2026-000007", Kind: "credit_note", URL: "/invoices/SIPC-2026-000007", PDFURL: "/invoices/SIPC-2026-000007.pdf", IssueDate: short(2026, 9, 3), PayerName: "Ona Petrauskaitė", Of: "SIP-2026-000098", Net: eur(-1500), VAT: eur(-315), Total: eur(-1815)},
	{Number: "SIP-2026-000098", Kind: "invoice", URL: "/invoices/SIP-2026-000098", PDFURL: "/invoices/SIP-2026-000098.pdf", IssueDate: short(2026, 8, 31), PayerName: "Ona Petrauskaitė", Of: "SIP-2026-000090", ReplacedBy: "SIP-2026-000122", Net: eur(1800), VAT: eur(378), Total: eur(2178)},
}

var lines = []views.DocumentLine{
	{Description: "Softphone, SIP accounts with call recording", Detail: "12 accounts × €5.00", Quantity: "12", Unit: "month", UnitPrice: eur(6000), Net: eur(72000)},
	{Description: "Softphone, more than 10 accounts", Quantity: "12", Unit: "month", UnitPrice: eur(15000), Net: eur(180000)},
}

// qr is not a real code: finder patterns and some squares.
func qr() *views.QR {
	var b strings.Builder
	for i := 0; i < 37*37; i++ {
		x, y := i%37, i/37
		finder := func(x, y int) bool {
			return x >= 0 && y >= 0 && x < 7 && y < 7 && (x == 0 || y == 0 || x == 6 || y == 6 || (x > 1 && x < 5 && y > 1 && y < 5))
		}
		corner := (x < 8 && y < 8) || (x > 28 && y < 8) || (x < 8 && y > 28)
		if finder(x, y) || finder(x-30, y) || finder(x, y-30) || (!corner && (x*7+y*13+x*y)%5 < 2) {
			b.WriteString("M" + en.Number(int64(x)) + " " + en.Number(int64(y)) + "h1v1h-1z")
		}
	}
	return &views.QR{Size: 37, Path: b.String()}
}

func orderPage(status string) views.OrderPage {
	p := views.OrderPage{
		Page: page(true, views.NavSubscriptions), Number: "O-2026-000123", Kind: "new", Status: status, Selection: softphone,
		CustomerName: "Jonas Jonaitis", PayerName: longName,
		PlacedAt: at(2026, 11, 23, 8, 15), DueDate: day(2026, 12, 7),
		Amount: eur(274428), AmountRaw: "2744.28", Beneficiary: "SIP.TG Demo, MB", BIC: "HABALT22", Bank: "Demo Bank AB",
		IBAN:      views.Copied{Text: "LT12 1000 0111 0100 1000", Raw: "LT121000011101001000"},
		Reference: views.Copied{Text: "RF86 2026 0001 23", Raw: "RF862026000123"},
		QR:        qr(),
		Lines:     lines, LinesNet: eur(252000), Discount: &views.DocumentDiscount{Reason: "Discount 10% for 12 months", Amount: eur(-25200)},
		Net: eur(226800), VAT: []views.DocumentVAT{{Rate: "21%", Base: eur(226800), Amount: eur(47628)}}, VATTotal: eur(47628),
		PDFURL: "/orders/O-2026-000123/bank-invoice.pdf", AgainURL: "/plans/softphone?accounts=12&recording=on&period=12",
	}
	switch status {
	case "awaiting_payment":
		p.MayCancel = true
		p.Flash = views.FlashOrderPlaced
	case "paid":
		p.ClosedAt = at(2026, 11, 25, 7, 30)
		p.InvoiceNumber, p.InvoiceURL = "SIP-2026-000123", "/invoices/SIP-2026-000123"
		p.SubscriptionURL = subscriptionRows[0].URL
	default:
		p.ClosedAt = at(2026, 12, 8, 0, 0)
	}
	return p
}

func subscriptionPage(auto, manage bool) views.SubscriptionPage {
	p := views.SubscriptionPage{
		Page: page(true, views.NavSubscriptions), ID: subscriptionRows[0].ID, Selection: softphone, State: "active",
		CustomerName: "Jonas Jonaitis", StartedAt: day(2025, 11, 22),
		PaidUntil: at(2027, 5, 22, 7, 30), WorksUntil: "22 May 2027", AutoRenew: auto, MayManage: manage,
		History: []views.HistoryRow{
			{At: at(2026, 12, 1, 10, 0), Kind: "changed", By: "payer", Before: day(2027, 5, 25), PaidUntil: at(2027, 5, 22, 7, 30), Days: -3},
			{At: at(2026, 11, 22, 7, 30), Kind: "extended", Months: 6, By: "payer", Before: day(2026, 11, 22), PaidUntil: at(2027, 5, 25, 7, 30), Days: 184},
			{At: at(2026, 3, 2, 12, 0), Kind: "auto_renew_on", By: "payer", Before: day(2026, 11, 22), PaidUntil: at(2026, 11, 22, 7, 30)},
			{At: at(2026, 2, 1, 9, 0), Kind: "auto_renew_off", By: "payer", Before: day(2026, 11, 22), PaidUntil: at(2026, 11, 22, 7, 30)},
			{At: at(2025, 11, 22, 7, 30), Kind: "started", By: "payer", Months: 12, PaidUntil: at(2026, 11, 22, 7, 30)},
		},
		Timeline: timeline(""),
	}
	if manage {
		p.PayerName = longName
		p.Renewals = []views.RenewalPrice{
			{Months: 6, Total: eur(152460), WithVAT: true},
			{Months: 12, Total: eur(274428), WithVAT: true, Current: true},
			{Months: 36, Total: eur(640332)},
		}
		p.Next = &views.NextCharge{Kind: "bank_invoice", On: day(2027, 4, 22), Amount: eur(274428)}
		p.History[0].By = "self"
		p.History[1].By, p.History[1].OrderNumber, p.History[1].OrderURL, p.History[1].Paid = "job", "O-2026-000120", "/orders/O-2026-000120", eur(137214)
		p.History[2].By, p.History[2].ByName = "person", longName
		p.History[3].By = "command"
		p.History[4].By, p.History[4].OrderNumber, p.History[4].OrderURL, p.History[4].Paid = "self", "O-2025-000007", "/orders/O-2025-000007", eur(274428)
		p.Timeline = timeline("O-2026-000120")
		if !auto {
			p.Next = &views.NextCharge{Kind: "end", On: day(2027, 5, 22)}
		}
	}
	return p
}

// timeline is a picture with every kind of bar and mark in it.
func timeline(order string) *views.Timeline {
	bars := []views.TimelineBar{
		{Kind: "used", Name: "12 months paid", At: 0, Length: 450}, {Kind: "ahead", Name: "6 months paid", At: 450, Length: 200},
		{Kind: "given", Name: "Days given", At: 650, Length: 40}, {Kind: "grace", Name: "Payment is due", At: 690, Length: 10},
		{Kind: "taken", Name: "Days taken", At: 700, Length: 40}, {Kind: "next", Name: "6 months more", At: 740, Length: 260},
	}
	drawing := views.TimelineDrawing{
		Size: 1060, Bars: bars, End: 700, Today: 450,
		Marks: []views.TimelineMark{{Kind: "auto_renew_off", At: 100}, {Kind: "auto_renew_on", At: 130}, {Kind: "invoice", At: 600}},
		Ticks: []views.TimelineTick{{Text: "Jan 2026", At: 70, Year: true}, {Text: "Jul", At: 400}, {Text: "Jan 2027", At: 750, Year: true}},
		Labels: []views.TimelineLabel{
			{Kind: "today", Text: "Today, 23 Nov 2026", At: 450, Place: 450, Anchor: "middle"},
			{Kind: "end", Text: "Paid until 22 May 2027", At: 700, Place: 700, Row: 1, Anchor: "end"},
			{Kind: "term", Text: "12 months", Second: order, At: 225, Place: 225, Row: 2, Anchor: "middle"},
		},
	}
	return &views.Timeline{
		Title: "Paid time", About: "Paid time from 22 November 2025 until 22 May 2027.", Wide: drawing, Tall: drawing,
		Keys: []string{"used", "ahead", "given", "taken", "grace", "next", "auto_renew_off", "auto_renew_on", "invoice"},
	}
}

func calculator(signedIn bool) views.CalculatorPage {
	p := views.CalculatorPage{
		Page: page(signedIn, views.NavPlans), Plan: "softphone", Accounts: "12", Recording: true, API: true, Months: 12,
		Country: "LT", Currency: "EUR", Currencies: []string{"EUR"}, PartnerURL: "https://partner.example/",
		WithVAT: !signedIn,
		Periods: []views.PeriodChoice{
			{Months: 6, URL: "/plans/softphone?accounts=12&recording=on&period=6", PerMonth: eur(21000), Net: eur(126000), Total: eur(152460)},
			{Months: 12, URL: "/plans/softphone?accounts=12&recording=on&period=12", Current: true, PerMonth: eur(18900), Net: eur(226800), Total: eur(274428), Saving: eur(25200), Percent: "10%"},
			{Months: 36, URL: "/plans/softphone?accounts=12&recording=on&period=36", PerMonth: eur(14700), Net: eur(529200), Total: eur(640332), Saving: eur(226800), Percent: "30%"},
		},
		Price: &views.Price{
			Lines: []views.PriceLine{
				{Code: "SOFT-REC", Quantity: 12, Unit: eur(500), Monthly: eur(6000)},
				{Code: "SOFT-SUR", Quantity: 1, Unit: eur(15000), Monthly: eur(15000)},
			},
			Monthly: eur(21000), Gross: eur(252000), Percent: "10%", Discount: views.Money{Text: en.Money(-25200, "EUR"), Minor: 25200, Currency: "EUR"}, Net: eur(226800), VAT: eur(47628), Total: eur(274428),
			APIIncluded: true, Tax: views.Tax{Case: "charged", Rate: "21%", Country: "Lithuania", Estimate: !signedIn},
		},
		Hints: []views.Hint{{Kind: "surcharge_applies", Quantity: 11, Delta: eur(15000)}, {Kind: "api_free", Quantity: 11}},
	}
	for _, n := range []int{1, 3, 5, 10, 12, 25} {
		p.Presets = append(p.Presets, views.Preset{Quantity: n, URL: "/plans/softphone?accounts=" + en.Number(int64(n)), Current: n == 12})
	}
	if signedIn {
		p.Payer = "p1"
		p.Payers = []views.Choice{{Value: "p1", Text: longName}, {Value: "p2", Text: "Ona Petrauskaitė"}}
		p.Order = &views.OrderForm{
			Quote: "quote-token", PayerName: longName, Methods: []string{"bank", "card", "balance"}, Method: "bank", Balance: eur(300000), Currency: "EUR",
			Customers: []views.Choice{{Value: "7000000002", Text: "Jonas Jonaitis"}},
		}
	}
	return p
}

func gatewayCalculator() views.CalculatorPage {
	p := calculator(false)
	p.Plan, p.Accounts, p.Recording = "gateway", "", false
	p.Lines, p.ExtraAccounts = "5", "0"
	p.Currencies = []string{"EUR", "USD"}
	p.Price.Lines = []views.PriceLine{
		{Code: "GW-LINE", Quantity: 5, Unit: eur(1500), Monthly: eur(7500)},
		{Code: "GW-MAIN", Quantity: 1, Unit: eur(1500), Monthly: eur(1500)},
		{Code: "GW-API", Quantity: 1, Unit: eur(15000), Monthly: eur(15000)},
	}
	p.Price.APIIncluded = false
	p.Price.Tax = views.Tax{Case: "outside", Country: "Switzerland"}
	p.WithVAT = false
	for i := range p.Periods {
		p.Periods[i].Total = views.Money{}
	}
	p.Hints = []views.Hint{{Kind: "surcharge_next", Quantity: 6, Delta: eur(16500)}, {Kind: "api_free_next", Quantity: 6}}
	return p
}

func badCalculator() views.CalculatorPage {
	p := calculator(false)
	p.Accounts = "100000000000"
	p.Price, p.Periods, p.Hints = nil, nil, nil
	p.Errors = views.Errors{{Field: "accounts", Text: "Enter a whole number from 1 to 1,000."}, {Field: "period", Text: "Choose 6, 12 or 36 months."}}
	return p
}

func changedCalculator() views.CalculatorPage {
	p := calculator(true)
	p.PriceChanged = &views.PriceChanged{Old: eur(260000), New: eur(274428)}
	return p
}

func blockedCalculator() views.CalculatorPage {
	p := calculator(true)
	p.Order = &views.OrderForm{Blocked: "Before you order, we need your name and address for the invoice.", NeedsBilling: true, BillingURL: "/billing"}
	return p
}

func billing() views.BillingPage {
	return views.BillingPage{
		Page: page(true, views.NavBilling), Currencies: []string{"EUR", "USD"}, Languages: i18n.DocumentLanguages(),
		Payers: []views.Link{{Text: "Ona Petrauskaitė", URL: "/billing?payer=p2"}, {Text: longName, URL: "/billing?payer=p1", Current: true}},
		Form: views.BillingForm{
			Payer: "p1", Kind: "company", Name: longName, CompanyCode: "304512789", VATNumber: "LT100001738313", Street: "Gedimino pr. 1",
			City: "Vilnius", Postcode: "LT-01103", Country: "LT", Email: "accounts@example.lt", Language: "de", Lithuanian: true, Currency: "EUR",
		},
		CurrencyFixed: true,
	}
}

func newBilling() views.BillingPage {
	p := billing()
	p.Payers, p.Adding, p.CurrencyFixed = p.Payers[:1], true, false
	p.Form = views.BillingForm{Payer: "new", Kind: "company", Name: "", VATNumber: "LT123", Email: "not an address", Currency: "EUR", Language: "en"}
	p.VATWarning = "This number does not pass the check that LT numbers have. Is it mistyped?"
	p.Errors = views.Errors{
		{Field: "name", Text: "Please enter a name."}, {Field: "street", Text: "Please enter the street."},
		{Field: "city", Text: "Please enter the city."}, {Field: "country", Text: "Please choose a country."},
		{Field: "email", Text: "Please enter an address like name@example.com."},
	}
	return p
}

func personBilling() views.BillingPage {
	p := billing()
	p.Payers, p.CurrencyFixed = p.Payers[:1], false
	p.Form = views.BillingForm{Payer: "p2", Kind: "person", Name: "Ona Petrauskaitė", Currency: "EUR", Language: "en"}
	p.Flash = views.FlashBillingSaved
	p.ReturnTo = "/plans/softphone?accounts=5"
	return p
}

func invoices() views.InvoicesPage {
	return views.InvoicesPage{
		Page: page(true, views.NavInvoices), Rows: invoiceRows, NextURL: "/invoices?after=x",
		Payers: []views.Choice{{Value: "p1", Text: longName}, {Value: "p2", Text: "Ona Petrauskaitė"}},
		Presets: []views.PeriodPreset{
			{Kind: "this_quarter", URL: "/invoices?from=2026-10-01&to=2026-12-31"}, {Kind: "last_quarter", URL: "/invoices?from=2026-07-01&to=2026-09-30"},
			{Kind: "this_year", URL: "/invoices?from=2026-01-01&to=2026-12-31"}, {Kind: "last_year", URL: "/invoices?from=2025-01-01&to=2025-12-31"},
			{Kind: "all", URL: "/invoices", Current: true},
		},
	}
}

func document() views.Document {
	return views.Document{
		Kind: "invoice", Number: "SIP-2026-000123", IssueDate: day(2026, 11, 25), TaxPoint: day(2026, 11, 25),
		OrderNumber: "O-2026-000123", OrderURL: "/orders/O-2026-000123", Reference: "RF862026000123", POReference: "PO-4711",
		Service: "25 November 2026 – 24 November 2027", Months: 12, Seller: seller, Buyer: buyer, Customer: "Jonas Jonaitis (@jonas)",
		Lines: lines, LinesNet: eur(252000), Discount: &views.DocumentDiscount{Reason: "Discount 10%", Amount: eur(-25200)},
		Net: eur(226800), VAT: []views.DocumentVAT{{Rate: "", Base: eur(226800), Amount: eur(0), Text: "Reverse charge / Atvirkštinis apmokestinimas. Art. 44 and 196 Directive 2006/112/EC"}},
		VATTotal: eur(0), Total: eur(226800), Paid: eur(226800), Due: eur(0), PaidOn: day(2026, 11, 25),
	}
}

func bankInvoice() views.Document {
	d := document()
	d.Kind, d.Number, d.State, d.TaxPoint, d.ValidUntil, d.Service = "bank_invoice", d.OrderNumber, "expected", views.Instant{}, day(2026, 12, 9), ""
	d.Pay = &views.PayDetails{
		Reference: views.Copied{Text: "RF86 2026 0001 23", Raw: "RF862026000123"}, IBAN: views.Copied{Text: "LT12 1000 0111 0100 1000", Raw: "LT121000011101001000"},
		Beneficiary: seller.Name, BIC: "HABALT22", Bank: "Demo Bank AB",
	}
	return d
}

func creditNote() views.Document {
	d := document()
	d.Kind, d.Number = "credit_note", "SIPC-2026-000007"
	d.Corrects = &views.Correction{
		Number: "SIP-2026-000123", URL: "/invoices/SIP-2026-000123", Date: day(2026, 11, 25), Reason: "The VAT number was missing.",
		With: &views.Link{Text: "SIP-2026-000140", URL: "/invoices/SIP-2026-000140"},
	}
	d.Returned = []string{"€1,000.00 goes back to the card that paid: Visa •••• 4242.", "€1,268.00 is on your balance with us."}
	return d
}

func account() views.AccountPage {
	return views.AccountPage{
		Page: page(true, views.NavAccount), Name: "Ona Petrauskaitė", Username: "ona", TelegramID: "7000000001", Language: "en",
		Languages: []i18n.Language{{Code: "en", Name: "English"}}, TimeZones: []string{"Europe/Berlin", "Europe/Kyiv", "Europe/Vilnius"},
		Sessions: []views.SessionRow{
			{ID: "s1", Current: true, Device: "Firefox on Android", IP: "192.0.2.7", CreatedAt: at(2026, 11, 23, 7, 0), LastSeenAt: at(2026, 11, 23, 8, 15)},
			{ID: "s2", IP: "2001:db8::1234:5678:9abc:def0", CreatedAt: at(2026, 11, 22, 7, 0), LastSeenAt: at(2026, 11, 22, 9, 0)},
		},
	}
}

func login() views.LoginPage {
	p := page(false, "")
	p.Path = "/login"
	return views.LoginPage{
		Page: p, BotName: "siptg_demo_bot", AuthURL: "http://127.0.0.1:8080/login/telegram?st=abc", Email: "help@demo.example",
		Error: "This sign-in is too old. It is valid for five minutes.",
		People: []views.DemoPerson{
			{Key: "ona", Name: "Ona", About: "A private person with one Softphone subscription."},
			{Key: "jonas", Name: "Jonas", About: "Buys for a company in Germany, pays by bank transfer."},
		},
	}
}

func plans() views.PlansPage {
	return views.PlansPage{
		Page: page(false, views.NavPlans), Free: eur(0), SoftphoneFrom: eur(300), SoftphoneRecorded: eur(500), GatewayFrom: eur(3000),
		Discount12: "10%", Discount36: "30%", RetiredPlan: "starter", SupportURL: "https://t.me/example", PartnerURL: "https://partner.example/",
	}
}

func changePage(preview bool) views.ChangePage {
	p := views.ChangePage{
		Page: page(true, views.NavSubscriptions), ID: "s1", Current: views.Selection{Plan: "softphone", Accounts: 5, Months: 12}, Until: at(2027, 5, 22, 10, 30),
		Options: views.OptionFields{Plan: "softphone", Accounts: "12", Recording: true, Presets: []views.Preset{{Quantity: 5, URL: "/subscriptions/s1/change?accounts=5", Current: true}}},
	}
	if preview {
		p.Preview = &views.ChangePreview{
			To:         views.Selection{Plan: "softphone", Accounts: 12, Recording: true, Months: 12},
			OldMonthly: eur(1500), NewMonthly: eur(21000), OldUntil: p.Until, NewUntil: at(2026, 12, 6, 3, 17), Days: -167, Value: eur(8100), Credit: eur(0),
			Parts: []views.ChangePart{
				{Number: 1, OldDays: "182.5", NewDays: "13.0357", OldPrice: "€0.443836", NewPrice: "€6.213699", Before: "€81.00", After: "€81.00"},
				{Number: 2, OldDays: "365", NewDays: "26.0714", OldPrice: "€0.443836", NewPrice: "€6.213699", Before: "€162.00", After: "€162.00"},
			},
			Renewals: []views.OpenOrder{openOrder}, Timeline: timeline(""), Token: "change-token",
		}
	}
	return p
}

func badChange() views.ChangePage {
	p := changePage(false)
	p.Options.Accounts = hostile
	p.Options.Errors = views.Errors{{Field: "accounts", Text: "Enter a number from 1 to 1,000."}}
	return p
}

func movedChange() views.ChangePage {
	p := changePage(true)
	p.Current = views.Selection{Plan: "gateway", Lines: 2, ExtraAccounts: 1, API: true}
	p.Options = views.OptionFields{Plan: "gateway", Lines: "3", ExtraAccounts: "0", API: true}
	p.Preview.To, p.Preview.Days, p.Preview.Parts, p.Preview.Renewals = views.Selection{Plan: "gateway", Lines: 3}, 12, p.Preview.Parts[:1], nil
	p.Refused = en.T("error.change.moved")
	return p
}

// samples are all pages in all their states.
func samples() map[string]templ.Component {
	hostilePage := page(true, "")
	hostilePage.PersonName = hostile
	hostilePage.Title = hostile
	flashed := subscriptionPage(false, true)
	flashed.Flash = views.FlashAutoRenewOff
	flashed.Methods = []views.Choice{{Value: "1", Text: "Visa •••• 4242"}, {Value: "2", Text: "Mastercard •••• 4444"}}
	renewing := subscriptionPage(true, true)
	renewal := openOrder
	renewal.Kind = "renewal"
	renewing.OpenOrder, renewing.ChangeURL = &renewal, "/subscriptions/s1/change"
	renewing.WithdrawUntil = "8 December 2026"
	ended := subscriptionPage(false, true)
	ended.State, ended.Next, ended.Renewals = "ended", nil, nil
	ended.AgainURL = "/plans/softphone?accounts=1&period=6"
	late := subscriptionPage(true, true)
	late.Charge = &views.Charge{State: "stopped", On: "22 May 2027", Reason: "insufficient_funds", Method: "Visa •••• 4242", URL: "/orders/O-2027-000001"}
	late.Grace = &views.Grace{Until: "29 May 2027", PayURL: "/plans/softphone?accounts=12"}
	lateCustomer := subscriptionPage(true, false)
	lateCustomer.Grace = &views.Grace{Until: "29 May 2027"}
	lateRows := slices.Clone(subscriptionRows)
	lateRows[0].Grace, lateRows[2].Grace = late.Grace, lateCustomer.Grace
	none := invoices()
	none.Rows, none.NextURL, none.Filtered, none.Filter = nil, "", true, views.InvoiceFilter{From: "2026-13-01", Query: hostile}
	none.Errors = views.Errors{{Field: "from", Text: "Enter a date like 2026-11-22."}}
	readOnly := billing()
	readOnly.ReadOnly = true
	all := map[string]templ.Component{
		"home-welcome":           views.Home(views.HomePage{Page: page(false, views.NavHome), SoftphoneFrom: eur(300), GatewayFrom: eur(3000)}),
		"home":                   views.Home(views.HomePage{Page: page(true, views.NavHome), OpenOrders: []views.OpenOrder{openOrder}, Subscriptions: subscriptionRows[:2], Invoices: invoiceRows}),
		"home-empty":             views.Home(views.HomePage{Page: page(true, views.NavHome)}),
		"login":                  views.Login(login()),
		"plans":                  views.Plans(plans()),
		"calculator":             views.Calculator(calculator(false)),
		"calculator-order":       views.Calculator(calculator(true)),
		"calculator-gateway":     views.Calculator(gatewayCalculator()),
		"calculator-bad":         views.Calculator(badCalculator()),
		"calculator-changed":     views.Calculator(changedCalculator()),
		"calculator-blocked":     views.Calculator(blockedCalculator()),
		"billing":                views.Billing(billing()),
		"billing-new":            views.Billing(newBilling()),
		"billing-person":         views.Billing(personBilling()),
		"billing-read-only":      views.Billing(readOnly),
		"order":                  views.Order(orderPage("awaiting_payment")),
		"order-paid":             views.Order(orderPage("paid")),
		"order-expired":          views.Order(orderPage("expired")),
		"order-canceled":         views.Order(orderPage("canceled")),
		"subscriptions":          views.Subscriptions(views.SubscriptionsPage{Page: page(true, views.NavSubscriptions), OpenOrders: []views.OpenOrder{openOrder}, Items: subscriptionRows}),
		"subscriptions-empty":    views.Subscriptions(views.SubscriptionsPage{Page: page(true, views.NavSubscriptions)}),
		"subscription":           views.Subscription(renewing),
		"change":                 views.Change(changePage(false)),
		"change-preview":         views.Change(changePage(true)),
		"change-moved":           views.Change(movedChange()),
		"change-bad":             views.Change(badChange()),
		"subscription-off":       views.Subscription(flashed),
		"subscription-not-payer": views.Subscription(subscriptionPage(true, false)),
		"subscription-ended":     views.Subscription(ended),
		"subscription-grace":     views.Subscription(late),
		"subscription-late-user": views.Subscription(lateCustomer),
		"subscriptions-grace":    views.Subscriptions(views.SubscriptionsPage{Page: page(true, views.NavSubscriptions), Items: lateRows}),
		"invoices":               views.Invoices(invoices()),
		"invoices-picked":        views.Invoices(picked()),
		"invoices-no-totals":     views.Invoices(noTotals()),
		"invoices-quarters":      views.Invoices(quarterly()),
		"export-progress":        views.ExportProgress(progress()),
		"keys":                   views.Keys(keys("sipk_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG")),
		"keys-empty":             views.Keys(keys("")),
		"staff-reports":          views.StaffReports(reports(false)),
		"staff-reports-bad":      views.StaffReports(reports(true)),
		"invoices-none":          views.Invoices(none),
		"invoices-empty":         views.Invoices(views.InvoicesPage{Page: page(true, views.NavInvoices)}),
		"invoice":                views.InvoiceDocument(views.DocumentPage{Page: page(true, views.NavInvoices), Document: document(), PDFURL: "/invoices/SIP-2026-000123.pdf", CIIURL: "/invoices/SIP-2026-000123.xml?download=1", UBLURL: "/invoices/SIP-2026-000123.ubl.xml?download=1"}),
		"credit-note":            views.InvoiceDocument(views.DocumentPage{Page: page(true, views.NavInvoices), Document: creditNote(), PDFURL: "/x.pdf"}),
		"bank-invoice":           views.InvoiceDocument(views.DocumentPage{Page: page(true, views.NavInvoices), Document: bankInvoice(), PDFURL: "/x.pdf"}),
		"invoice-corrected":      views.InvoiceDocument(views.DocumentPage{Page: page(true, views.NavInvoices), Document: corrected(), PDFURL: "/x.pdf"}),
		"withdrawal":             views.Withdrawal(withdrawal(false)),
		"withdrawal-moved":       views.Withdrawal(withdrawal(true)),
		"withdrawal-refused": views.Withdrawal(views.WithdrawalPage{
			Page: page(true, views.NavSubscriptions), SubscriptionURL: subscriptionRows[0].URL, Refused: i18n.New("en").T("error.refund.disputed"),
			Instead: i18n.New("en").T("withdrawal.waits"),
		}),
		"withdrawn":       views.Withdrawn(withdrawn()),
		"account":         views.Account(account()),
		"balance":         views.Balance(balance()),
		"balance-top-up":  views.Balance(topUpBalance()),
		"balance-bad":     views.Balance(badBalance()),
		"balance-empty":   views.Balance(emptyBalance()),
		"statement":       views.Statement(statement()),
		"statement-bad":   views.Statement(badStatement()),
		"notices":         views.Notices(notices()),
		"notices-empty":   views.Notices(views.NoticesPage{Page: page(true, views.NavAccount), FirstURL: "/notices"}),
		"statement-empty": views.Statement(emptyStatement()),
		"seller":          views.SellerDetails(views.SellerPage{Page: page(false, ""), Seller: seller, SupportURL: "https://t.me/example", Accounts: []views.BankAccount{{Currency: "EUR", Beneficiary: seller.Name, IBAN: views.Copied{Text: "LT12 1000 0111 0100 1000", Raw: "LT121000011101001000"}, BIC: "HABALT22", Bank: "Demo Bank AB", BankAddress: "Konstitucijos pr. 20A, Vilnius"}}}),
		"help":            views.Help(views.HelpPage{Page: page(true, views.NavHelp), SupportURL: "https://t.me/example", Email: "help@demo.example", PartnerURL: "https://partner.example/"}),
		"privacy":         views.Privacy(views.PrivacyPage{Page: page(false, ""), Seller: seller}),
		"accessibility":   views.Accessibility(views.AccessibilityPage{Page: page(false, ""), Email: "help@demo.example"}),
		"hostile":         views.Failure(views.ErrorPage{Page: hostilePage, Status: 422, Text: hostile, BackURL: "javascript:alert(1)"}),
	}
	maps.Copy(all, staffSamples())
	maps.Copy(all, vatSamples())
	maps.Copy(all, bankSamples())
	part := orderPage("awaiting_payment")
	part.MoneyState, part.Received, part.Missing, part.ThirdParty = "received", eur(100_00), eur(17_50), true
	all["order-part"] = views.Order(part)
	for _, status := range []int{403, 404, 409, 422, 429, 500, 503} {
		all["failure-"+en.Number(int64(status))] = views.Failure(views.ErrorPage{Page: page(true, ""), Status: status, RequestID: "01JD9Z8Q7R", BackURL: "/plans"})
	}
	return withSeats(withPayments(all))
}
