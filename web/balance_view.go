package web

import (
	"net/url"
	"strings"

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
		Opening: moneyOf(t, st.Opening, st.Currency), In: moneyOf(t, st.In, st.Currency), Out: moneyOf(t, st.Out, st.Currency),
		Closing: moneyOf(t, st.Closing, st.Currency), Omitted: st.Omitted, Listed: moneyOf(t, st.Listed, st.Currency),
		Rows: movementRows(t, st.Lines, st.Currency, st.Payer.Role.MayBuy(), true), Period: periodText(t, st.From, st.To),
	}
	if page.From == "" && page.To == "" && !st.From.IsZero() {
		page.From, page.To = st.From.String(), st.To.String()
	}
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
		rows = append(rows, row)
	}
	return rows
}
