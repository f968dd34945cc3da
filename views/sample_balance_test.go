package views_test

import "github.com/siptg/portal/views"

var movementRows = []views.MovementRow{
	{Date: short(2026, 3, 2), Kind: "bank_received", From: longName, In: eur(274428), After: eur(277428)},
	{Date: short(2026, 3, 2), Kind: "order_paid", OrderNumber: "O-2026-000041", OrderURL: "/orders/O-2026-000041", InvoiceNumber: "SIP-2026-000039", InvoiceURL: "/invoices/SIP-2026-000039", Out: eur(274428), After: eur(3000)},
	{Date: short(2026, 9, 1), Kind: "bank_received", From: hostile, In: eur(2178), After: eur(5178)},
	{Date: short(2026, 9, 2), Kind: "order_paid", OrderNumber: "O-2026-000101", Out: eur(2178), After: eur(3000)},
	{Date: short(2026, 9, 3), Kind: "something_new", OrderNumber: "O-2026-000101", In: eur(1), After: eur(3001)},
}

func statement() views.StatementPage {
	return views.StatementPage{
		Page: page(true, views.NavInvoices), PayerName: longName, Payer: "p1", From: "2026-01-01", To: "2026-12-31",
		Payers: []views.Choice{{Value: "p1", Text: longName}, {Value: "p2", Text: "Ona Petrauskaitė"}},
		Presets: []views.PeriodPreset{
			{Kind: "this_quarter", URL: "/statement?from=2026-10-01&to=2026-12-31"},
			{Kind: "this_year", URL: "/statement?from=2026-01-01&to=2026-12-31", Current: true},
		},
		Period: "1 January 2026 – 31 December 2026", Opening: eur(3000), In: eur(276707), Out: eur(276606), Closing: eur(3101),
		Rows: movementRows, Omitted: 2, Listed: eur(3001), Credit: &views.Credit{Limit: eur(25000), Available: eur(28101)},
		PDFURL: "/statement.pdf?from=2026-01-01&payer=p1&to=2026-12-31",
	}
}

func badStatement() views.StatementPage {
	p := statement()
	p.From, p.Rows, p.Omitted = "2026-13-01", nil, 0
	p.Errors = views.Errors{{Field: "from", Text: "Enter a day like 2026-11-22."}}
	return p
}

func emptyStatement() views.StatementPage {
	p := statement()
	p.Payers, p.Rows, p.Omitted = nil, nil, 0
	p.In, p.Out, p.Opening, p.Closing = eur(0), eur(0), eur(0), eur(0)
	return p
}

func balance() views.BalancePage {
	p := views.BalancePage{
		Page: page(true, views.NavBilling), PayerName: longName, Payer: "p1", Amount: eur(3000), StatementURL: "/statement?payer=p1", MayTopUp: true,
		Payers: []views.Link{{Text: "Ona Petrauskaitė", URL: "/balance?payer=p2"}, {Text: longName, URL: "/balance?payer=p1", Current: true}},
	}
	for _, r := range movementRows {
		r.After = views.Money{}
		p.Rows = append(p.Rows, r)
	}
	return p
}

func topUpBalance() views.BalancePage {
	p := balance()
	p.Typed, p.Credit = "50.00", &views.Credit{Limit: eur(25000), Available: eur(28000)}
	p.HowTo = &views.TopUp{
		Amount: eur(5000), AmountRaw: "50.00", Beneficiary: "SIP.TG Demo, MB", BIC: "HABALT22", Bank: "Demo Bank AB", QR: qr(),
		IBAN:      views.Copied{Text: "LT12 1000 0111 0100 1000", Raw: "LT121000011101001000"},
		Reference: views.Copied{Text: "RF34 9000 0000 01", Raw: "RF349000000001"},
	}
	return p
}

func badBalance() views.BalancePage {
	p := balance()
	p.Typed = hostile
	p.Errors = views.Errors{{Field: "amount", Text: "Enter an amount from 1.00 to 10,000.00."}}
	return p
}

func emptyBalance() views.BalancePage {
	p := balance()
	p.Payers, p.Rows, p.MayTopUp, p.Amount = nil, nil, false, eur(0)
	return p
}
