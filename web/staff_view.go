package web

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/views"
)

const staffPaymentsURL = "/staff/payments"

func staffPaymentURL(id string) string { return staffPaymentsURL + "/" + url.PathEscape(id) }

func staffHomeView(p views.Page, home app.StaffHome, zone *time.Location) views.StaffHomePage {
	show := func(f app.PaymentFilter) string { return staffPaymentsURL + "?show=" + string(f) }
	refunds := views.StaffCount{Kind: "refunds", Count: home.Refunds, URL: "/staff/refunds"}
	if !home.OldestAsked.IsZero() {
		refunds.Since = dayOf(p.T, civil.DateOf(home.OldestAsked, zone))
	}
	var strays []views.StaffStray
	for _, s := range home.Strays {
		left := s.Left()
		strays = append(strays, views.StaffStray{
			Provider: s.Provider, Ref: s.Ref, Reference: s.Reference, Left: moneyOf(p.T, left.Amount, left.Currency), Since: instantOf(p.T, s.FirstSeenAt, zone),
		})
	}
	vatCases := views.StaffCount{Kind: "vat", Count: home.VAT, URL: "/staff/vat"}
	if !home.OldestVAT.IsZero() {
		vatCases.Since = dayOf(p.T, civil.DateOf(home.OldestVAT, zone))
	}
	payouts := views.StaffCount{Kind: "payouts", Count: home.Payouts, URL: staffPayoutsURL}
	if !home.OldestPayout.IsZero() {
		payouts.Since = dayOf(p.T, civil.DateOf(home.OldestPayout, zone))
	}
	corrections := views.StaffCount{Kind: "corrections", Count: home.Corrections, URL: "/staff/corrections"}
	if !home.OldestCorrection.IsZero() {
		corrections.Since = dayOf(p.T, civil.DateOf(home.OldestCorrection, zone))
	}
	return views.StaffHomePage{Page: p, Role: string(home.Role), Strays: strays, Waiting: []views.StaffCount{
		refunds,
		payouts,
		corrections,
		vatCases,
		{Kind: string(app.PaymentsParked), Count: home.Parked, URL: show(app.PaymentsParked)},
		{Kind: string(app.PaymentsUnknown), Count: home.Unknown, URL: show(app.PaymentsUnknown)},
		{Kind: string(app.PaymentsAlerted), Count: home.Alerted, URL: show(app.PaymentsAlerted)},
		{Kind: string(app.PaymentsSuspense), Count: home.Suspense, URL: staffSuspenseURL, Since: dayOf(p.T, home.OldestEntry)},
	}}
}

func staffPaymentsView(p views.Page, found app.FoundPayments, zone *time.Location) views.StaffPaymentsPage {
	page := views.StaffPaymentsPage{Page: p, More: found.More}
	for _, f := range found.Items {
		row := views.StaffPaymentRow{
			ID: f.ID, URL: staffPaymentURL(f.ID), Bank: f.Bank, At: dayShort(p.T, civil.DateOf(f.At, zone)), PayerName: f.Payer, NoPayer: f.PayerID == "",
			OrderNumber: f.Order, Provider: f.Provider, Method: f.Method, Amount: moneyOf(p.T, f.Amount.Amount, f.Amount.Currency),
			State: f.State, Alert: f.Alert,
		}
		if f.Bank { // the bank knows the day alone
			row.At = dayShort(p.T, civil.DateOf(f.At, time.UTC))
		}
		page.Rows = append(page.Rows, row)
	}
	return page
}

func staffPaymentView(p views.Page, seen app.StaffPayment, zone *time.Location) views.StaffPaymentPage {
	if seen.Entry != nil {
		return staffEntryView(p, *seen.Entry, zone)
	}
	t, currency := p.T, seen.Amount.Currency
	page := views.StaffPaymentPage{
		Page: p, StaffPaymentRow: staffPaymentRow(t, seen.Payment, zone), Ref: seen.Ref, Initiator: string(seen.Initiator), Kind: string(seen.Payable.Kind),
		PayerKind: seen.Kind, Email: seen.Email, Invoices: seen.Invoices, Received: moneyOf(t, seen.Received, currency),
		Refunded: unlessZero(t, seen.Refunded, currency), Disputed: unlessZero(t, seen.Disputed, currency), Declines: seen.Declines,
		NextLook: instantOf(t, seen.NextCheckAt, zone),
	}
	page.PayerName, page.OrderNumber, page.Method = seen.Payer, seen.Order, seen.Method
	if seen.Country != "" {
		page.Country = t.Country(seen.Country)
	}
	if seen.ParentID != "" {
		page.ParentURL = staffPaymentURL(string(seen.ParentID))
	}
	for _, e := range seen.Events {
		page.Events = append(page.Events, views.StaffEvent{At: instantOf(t, e.At, zone), State: string(e.To), Source: string(e.Source), Detail: codesOf(e)})
	}
	slices.Reverse(page.Events)
	for _, b := range seen.Bookings {
		page.Bookings = append(page.Bookings, views.StaffBooking{At: instantOf(t, b.At, zone), Kind: string(b.Kind), Amount: moneyOf(t, b.Amount.Amount, b.Amount.Currency)})
	}
	for _, r := range seen.Refunds {
		page.Refunds = append(page.Refunds, views.StaffBooking{
			At: instantOf(t, r.CreatedAt, zone), Kind: string(r.State), Amount: moneyOf(t, r.Amount.Amount, r.Amount.Currency), Note: r.Reason,
		})
	}
	for _, d := range seen.Disputes {
		page.Disputes = append(page.Disputes, views.StaffBooking{
			At: instantOf(t, d.OpenedAt, zone), Kind: string(d.State), Amount: moneyOf(t, d.Amount.Amount, d.Amount.Currency), Note: d.Reason,
		})
	}
	for _, topUp := range seen.TopUps {
		row := staffPaymentRow(t, topUp, zone)
		row.PayerName, row.Method = seen.Payer, seen.Method
		page.TopUps = append(page.TopUps, row)
	}
	for _, a := range seen.Alerts {
		page.Alerts = append(page.Alerts, views.StaffEvent{At: instantOf(t, a.At, zone), State: a.Why})
	}
	return page
}

func staffPaymentRow(t i18n.Translator, p payment.Payment, zone *time.Location) views.StaffPaymentRow {
	return views.StaffPaymentRow{
		ID: string(p.ID), URL: staffPaymentURL(string(p.ID)), At: instantOf(t, p.CreatedAt, zone), Provider: p.Provider,
		Amount: moneyOf(t, p.Amount.Amount, p.Amount.Currency), State: string(p.State), Alert: string(p.Parked),
	}
}

func staffEntryView(p views.Page, e app.BankEntrySeen, zone *time.Location) views.StaffPaymentPage {
	t := p.T
	page := views.StaffPaymentPage{
		Page: p,
		StaffPaymentRow: views.StaffPaymentRow{
			ID: e.ID, URL: staffPaymentURL(e.ID), Bank: true, At: dayOf(t, civil.DateOf(e.BookedOn, time.UTC)), PayerName: cmp.Or(e.Payer, e.From), NoPayer: e.PayerID == "",
			OrderNumber: e.Order, Amount: moneyOf(t, money.Amount(e.Minor), money.Currency(e.Currency)), State: e.Outcome,
		},
		Entry: &views.StaffBankEntry{
			From: e.From, IBAN: ibanView(e.IBAN).Text, Reference: e.Reference, Remittance: e.Remittance, EndToEnd: e.EndToEnd,
			ImportedAt: instantOf(t, e.ImportedAt, zone), ThirdParty: e.ThirdParty,
		},
	}
	if e.Outcome == "suspense" {
		page.SuspenseOf = e.Reason
	}
	return page
}

// unlessZero is an amount to show, absent where it is zero.
func unlessZero(t i18n.Translator, amount money.Amount, currency money.Currency) views.Money {
	if amount == 0 {
		return views.Money{}
	}
	return moneyOf(t, amount, currency)
}

// codesOf are the codes that a line of a payment's history carries, as the
// provider and the program write them.
func codesOf(e app.PaymentEvent) string {
	var codes []string
	for _, name := range []string{"operation", "code", "detail", "why"} {
		if code, ok := e.Detail[name].(string); ok && code != "" {
			codes = append(codes, code)
		}
	}
	if e.Outcome != "" {
		codes = append(codes, e.Outcome)
	}
	return strings.Join(codes, ", ")
}
