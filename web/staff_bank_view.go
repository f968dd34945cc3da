package web

import (
	"cmp"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/views"
)

// lateInSuspense is for how many days money may wait (security.md 6, G8).
const lateInSuspense = 5

func suspenseRow(t i18n.Translator, e app.SuspenseItem) views.StaffSuspenseRow {
	amount := e.Amount.Amount
	if !e.Credit {
		amount = -amount
	}
	return views.StaffSuspenseRow{
		ID: e.ID, URL: suspenseURL(e.ID), Booked: dayOf(t, e.Booked), Days: e.Days, Late: e.Days > lateInSuspense, From: e.From,
		Amount: moneyOf(t, amount, e.Amount.Currency), Back: !e.Credit, Reason: string(e.Reason), OrderNumber: e.MeantNumber,
		State: string(e.DecisionState), ThirdParty: e.ThirdParty,
	}
}

func staffSuspenseView(p views.Page, items []app.SuspenseItem) views.StaffSuspensePage {
	page := views.StaffSuspensePage{Page: p}
	for _, e := range items {
		page.Rows = append(page.Rows, suspenseRow(p.T, e))
	}
	return page
}

func staffSuspenseEntryView(p views.Page, e app.StaffSuspenseEntry, zone *time.Location) views.StaffSuspenseEntryPage {
	t := p.T
	page := views.StaffSuspenseEntryPage{
		Page: p, StaffSuspenseRow: suspenseRow(t, e.SuspenseItem), IBAN: ibanView(string(e.FromIBAN)).Text, Reference: e.Reference, EndToEnd: e.EndToEnd,
		Remittance: e.Text, MayDecide: e.MayDecide, MayApprove: e.MayApprove, WhyNot: string(e.WhyNot),
		NeedsTwo: e.Amount.Amount > e.SecondEyes, Limit: moneyOf(t, e.SecondEyes, e.Amount.Currency),
	}
	for _, d := range e.Decisions {
		page.Decisions = append(page.Decisions, views.StaffDecision{
			Kind: string(d.Kind), State: string(d.State), OrderNumber: d.OrderNumber, PayerName: d.PayerName, Reason: d.Reason, By: d.FirstName,
			At: instantOf(t, d.FirstAt, zone), SecondBy: d.SecondName, RefusedBy: d.RefusedName, Refusal: d.RefuseReason, SentBy: d.SentName,
			DecidedAt: instantOf(t, d.DecidedAt, zone),
		})
	}
	likely := func(meant, sameIBAN, sameAmount bool) string {
		switch {
		case meant:
			return t.T("staff.suspense.likely.meant")
		case sameIBAN:
			return t.T("staff.suspense.likely.iban")
		case sameAmount:
			return t.T("staff.suspense.likely.amount")
		}
		return ""
	}
	for _, o := range e.Orders {
		page.Choices = append(page.Choices, views.Choice{
			Value: "order:" + o.Number, Text: t.T("staff.suspense.choice.order", "Number", o.Number, "Payer", o.PayerName, "Amount", t.Money(o.Minor, o.Currency)),
			Hint: likely(o.Meant, o.SameIBAN, money.Amount(o.Minor) == e.Amount.Amount),
		})
	}
	for _, payer := range e.Payers {
		page.Choices = append(page.Choices, views.Choice{
			Value: "balance:" + payer.ID, Text: t.T("staff.suspense.choice.balance", "Payer", payer.PayerName), Hint: likely(payer.Meant, payer.SameIBAN, false),
		})
	}
	for _, u := range e.Undone {
		day := civil.DateOf(u.Day, time.UTC)
		page.Choices = append(page.Choices, views.Choice{
			Value: "undo:" + u.ID,
			Text:  t.T("staff.suspense.choice.undo", "Amount", t.Money(u.Minor, u.Currency), "Payer", cmp.Or(u.PayerName, u.Number), "Date", t.Date(day.Year, day.Month, day.Day)),
			Hint:  likely(u.Meant, u.SameIBAN, false),
		})
	}
	if e.Credit {
		page.Choices = append(page.Choices,
			views.Choice{Value: "order", Text: t.T("staff.suspense.choice.order_typed")},
			views.Choice{Value: "balance", Text: t.T("staff.suspense.choice.balance_typed")},
			views.Choice{Value: string(bank.DecideReturn), Text: t.T("staff.suspense.choice.return")})
	}
	page.Choices = append(page.Choices, views.Choice{
		Value: string(bank.DecideNotOurs), Text: t.T("staff.suspense.choice.not_ours"), Hint: t.T("staff.suspense.choice.not_ours.hint"),
	})
	return page
}

func statementRow(t i18n.Translator, u app.StatementUpload, zone *time.Location) views.StaffStatementRow {
	row := views.StaffStatementRow{
		ID: u.ID, URL: statementUploadURL(u.ID), Name: u.Name, Entries: u.Entries, UploadedBy: u.UploadedBy, UploadedAt: instantOf(t, u.UploadedAt, zone),
		AskedBy: u.AskedBy, AskedAt: instantOf(t, u.AskedAt, zone), DoneAt: instantOf(t, u.DoneAt, zone), State: "uploaded",
		Matched: u.Result.Matched, Suspense: u.Result.Suspense, Ignored: u.Result.Ignored, Known: u.Result.Known,
	}
	switch {
	case u.Result.Failed != "":
		row.State, row.Failed = "failed", t.Err(u.Result.Failed, nil)
	case !u.DoneAt.IsZero():
		row.State = "done"
	case u.AskedBy != "":
		row.State = "running"
	}
	return row
}

func staffStatementsView(p views.Page, list []app.StatementUpload, role account.StaffRole, zone *time.Location) views.StaffStatementsPage {
	page := views.StaffStatementsPage{Page: p, MayUpload: role.MayDecideMoney()}
	for _, u := range list {
		page.Rows = append(page.Rows, statementRow(p.T, u, zone))
	}
	return page
}

func staffStatementView(p views.Page, u app.UploadedStatement, zone *time.Location) views.StaffStatementPage {
	page := views.StaffStatementPage{
		Page: p, StaffStatementRow: statementRow(p.T, u.StatementUpload, zone), More: u.More, Booked: u.Booked, MayBook: u.MayBook,
		Second: u.NeedsTwo, WhyNot: string(u.WhyNot),
	}
	if u.Refused != nil && page.State != "done" {
		page.State, page.Failed = "failed", faultText(p.T, u.Refused)
	}
	for _, g := range u.Gaps {
		page.Gaps = append(page.Gaps, views.StatementGap{
			IBAN: g.IBAN.Print(), From: p.T.Date(g.From.Year, g.From.Month, g.From.Day), Opening: moneyOf(p.T, g.Opening.Amount, g.Opening.Currency),
			Before: p.T.Date(g.Before.Year, g.Before.Month, g.Before.Day), Closing: moneyOf(p.T, g.Closing.Amount, g.Closing.Currency),
		})
	}
	for _, e := range u.Preview {
		amount := e.Amount.Amount
		if !e.Credit {
			amount = -amount
		}
		page.Preview = append(page.Preview, views.StaffPreviewRow{
			Booked: dayShort(p.T, e.Booked), From: e.Payer, Amount: moneyOf(p.T, amount, e.Amount.Currency), Credit: e.Credit, Outcome: e.Outcome,
			Reason: e.Reason, OrderNumber: e.OrderNumber, Balance: e.Balance, Known: e.Known,
		})
	}
	return page
}
