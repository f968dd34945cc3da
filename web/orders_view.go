package web

import (
	"cmp"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/views"
)

func orderView(p views.Page, o app.OrderDetail, actor account.Actor, zone *time.Location) views.OrderPage {
	d, t := documentView(p.T, o.Document), p.T
	page := views.OrderPage{
		Page: p, Number: o.Number, Kind: string(o.Kind), Status: string(o.State), Selection: selectionView(o.Selection),
		CustomerName: o.Document.Customer, CustomerSelf: o.CustomerID == actor.AccountID, PayerName: o.Document.Buyer.Name,
		PlacedAt: instantOf(t, o.PlacedAt, zone), DueDate: dayOf(t, o.ValidUntil), ClosedAt: instantOf(t, o.ClosedAt, zone),
		Amount: moneyOf(t, o.Total, o.Currency), AmountRaw: o.Total.Decimal(), Beneficiary: o.Document.Payment.Beneficiary,
		IBAN: ibanView(o.Document.Payment.IBAN), BIC: o.Document.Payment.BIC, Bank: o.Document.Payment.Bank,
		Reference: views.Copied{Text: bank.Reference(o.Reference).Print(), Raw: o.Reference},
		Lines:     d.Lines, Discount: d.Discount, LinesNet: d.LinesNet, VAT: d.VAT, Net: d.Net, VATTotal: d.VATTotal,
		MoneyState: string(o.Money.State), Received: unlessZero(t, cmp.Or(o.Money.Part, o.Money.Received), o.Currency), Missing: unlessZero(t, o.Money.Missing, o.Currency),
		ThirdParty: o.Money.ThirdParty,
	}
	if o.BankInvoice() {
		page.PDFURL = orderURL(o.Number) + "/bank-invoice.pdf"
	}
	if o.Money.Missing > 0 {
		page.AmountRaw = o.Money.Missing.Decimal()
	}
	switch o.State {
	case order.StateAwaitingPayment:
		page.MayCancel = true
		if o.VATNumber != nil {
			if page.VATStatus = vatView(t, *o.VATNumber, zone); page.VATStatus != nil {
				page.VATStatus.BillingURL = "/billing?" + url.Values{"payer": {string(o.PayerID)}}.Encode()
			}
		}
		if code := o.QR(); code != nil {
			page.QR = &views.QR{Size: code.Size, Path: squares(code.Size, code.Black)}
		}
	case order.StatePaid:
		if o.InvoiceNumber != "" {
			page.InvoiceNumber, page.InvoiceURL = o.InvoiceNumber, invoiceURL(o.InvoiceNumber)
		}
		if o.SubscriptionID != "" {
			page.SubscriptionURL = subscriptionURL(o.SubscriptionID)
		}
	case order.StateExpired, order.StateCanceled:
		values := selectionValues(o.Selection)
		values.Set("payer", string(o.PayerID))
		page.AgainURL = calculatorURL(o.Selection.Plan, values)
	}
	return page
}

func ibanView(iban string) views.Copied {
	return views.Copied{Text: bank.IBAN(iban).Print(), Raw: iban}
}

func selectionView(s pricing.Selection) views.Selection {
	return views.Selection{
		Plan: string(s.Plan), Accounts: s.Accounts, Recording: s.Recording, Lines: s.Lines, ExtraAccounts: s.ExtraAccounts, API: s.API,
		Months: int(s.Period),
	}
}

// openOrderView is an order in a list.
func openOrderView(t i18n.Translator, o app.OpenOrder) views.OpenOrder {
	return views.OpenOrder{
		Number: o.Number, URL: orderURL(o.Number), Kind: string(o.Kind), Selection: selectionView(o.Selection),
		Amount: moneyOf(t, o.Total, o.Currency), DueDate: dayOf(t, o.ValidUntil), ForName: o.CustomerName,
	}
}

// squares is the SVG path of the dark squares of a code, row by row.
func squares(size int, dark func(x, y int) bool) string {
	var path strings.Builder
	for y := range size {
		for x := 0; x < size; x++ {
			start := x
			for x < size && dark(x, y) {
				x++
			}
			if x > start {
				path.WriteString("M" + strconv.Itoa(start) + " " + strconv.Itoa(y) + "h" + strconv.Itoa(x-start) + "v1H" + strconv.Itoa(start) + "z")
			}
		}
	}
	return path.String()
}
