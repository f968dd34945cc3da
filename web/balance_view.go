package web

import (
	"net/url"
	"strings"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/views"
)

func statementView(p views.Page, values url.Values, st app.Statement, today civil.Date) views.StatementPage {
	t := p.T
	page := views.StatementPage{
		Page: p, PayerName: st.Payer.Name, Payer: string(st.Payer.ID), From: values.Get("from"), To: values.Get("to"),
		BalanceURL: ofPayer("/balance", st.Payer.ID),
		Opening:    moneyOf(t, st.Opening, st.Currency), In: moneyOf(t, st.In, st.Currency), Out: moneyOf(t, st.Out, st.Currency),
		Closing: moneyOf(t, st.Closing, st.Currency), Omitted: st.Omitted, Listed: moneyOf(t, st.Listed, st.Currency),
		Rows: movementRows(t, st.Lines, st.Currency, st.Payer.Role.MayBuy(), true), Period: periodText(t, st.From, st.To),
	}
	if page.From == "" && page.To == "" && !st.From.IsZero() {
		page.From, page.To = st.From.String(), st.To.String()
	}
	page.PDFURL = "/statement" + pdfSuffix + "?" + url.Values{"payer": {page.Payer}, "from": {page.From}, "to": {page.To}}.Encode()
	page.Credit = creditView(t, st.Limit, st.Available(), st.Currency)
	for _, payer := range st.Payers {
		page.Payers = append(page.Payers, views.Choice{Value: string(payer.ID), Text: payer.Name})
	}
	kept := url.Values{"from": {page.From}, "to": {page.To}}
	if id := values.Get("payer"); id != "" {
		kept.Set("payer", id)
	}
	for _, preset := range periodPresets(kept, today) {
		if preset.Kind == "all" { // no days stand for this year
			continue
		}
		preset.URL = "/statement" + strings.TrimPrefix(preset.URL, "/invoices")
		page.Presets = append(page.Presets, preset)
	}
	return page
}

func balanceView(p views.Page, b app.Balance) views.BalancePage {
	t := p.T
	page := views.BalancePage{
		Page: p, PayerName: b.Payer.Name, Payer: string(b.Payer.ID), Amount: moneyOf(t, b.Amount, b.Currency),
		Rows: movementRows(t, b.Last, b.Currency, b.Payer.Role.MayBuy(), false), StatementURL: ofPayer("/statement", b.Payer.ID),
		MayTopUp: b.MayTopUp, ByCard: b.ByCard,
	}
	page.Credit = creditView(t, b.Limit, b.Available(), b.Currency)
	for _, payer := range b.Payers {
		page.Payers = append(page.Payers, views.Link{Text: payer.Name, URL: ofPayer("/balance", payer.ID), Current: payer.ID == b.Payer.ID})
	}
	if b.TopUp == nil {
		return page
	}
	page.HowTo = &views.TopUp{
		Reference: views.Copied{Text: b.TopUp.Reference.Print(), Raw: string(b.TopUp.Reference)}, IBAN: ibanView(b.TopUp.Account.IBAN),
		Beneficiary: b.TopUp.Account.Beneficiary, BIC: b.TopUp.Account.BIC, Bank: b.TopUp.Account.Bank,
	}
	if b.TopUp.Amount != 0 {
		page.HowTo.Amount, page.HowTo.AmountRaw = moneyOf(t, b.TopUp.Amount, b.Currency), b.TopUp.Amount.Decimal()
	}
	if code := b.TopUp.QR(); code != nil {
		page.HowTo.QR = &views.QR{Size: code.Size, Path: squares(code.Size, code.Black)}
	}
	return page
}

// creditView is a credit limit; nil for none.
func creditView(t i18n.Translator, limit, available money.Amount, currency money.Currency) *views.Credit {
	if limit == 0 {
		return nil
	}
	return &views.Credit{Limit: moneyOf(t, limit, currency), Available: moneyOf(t, available, currency)}
}

// ofPayer is a page of one payer.
func ofPayer(path string, id account.PayerID) string {
	return path + "?" + url.Values{"payer": {string(id)}}.Encode()
}

// periodText is a period in words; an end that is open is left out.
func periodText(t i18n.Translator, from, to civil.Date) string {
	return strings.TrimSpace(dayOf(t, from).Text + " – " + dayOf(t, to).Text)
}

// movementRows shows movements; after says whether with the balance after each.
func movementRows(t i18n.Translator, lines []app.Movement, currency money.Currency, orders, after bool) []views.MovementRow {
	rows := make([]views.MovementRow, 0, len(lines))
	for _, l := range lines {
		row := views.MovementRow{
			Date: dayShort(t, l.On), Kind: string(l.Kind), From: l.From, OrderNumber: l.OrderNumber, InvoiceNumber: l.InvoiceNumber,
		}
		if l.Amount > 0 {
			row.In = moneyOf(t, l.Amount, currency)
		} else {
			row.Out = moneyOf(t, -l.Amount, currency)
		}
		if after {
			row.After = moneyOf(t, l.After, currency)
		}
		if l.OrderNumber != "" && orders { // an accountant sees no orders
			row.OrderURL = orderURL(l.OrderNumber)
		}
		if l.InvoiceNumber != "" {
			row.InvoiceURL = invoiceURL(l.InvoiceNumber)
		}
		if l.ReceiptNumber != "" {
			row.ReceiptNumber, row.ReceiptURL = l.ReceiptNumber, receiptURL(l.ReceiptNumber)
		}
		rows = append(rows, row)
	}
	return rows
}
