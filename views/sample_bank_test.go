package views_test

import (
	"github.com/a-h/templ"
	"github.com/siptg/portal/views"
)

var suspenseRow = views.StaffSuspenseRow{
	ID: "1", URL: "/staff/suspense/1", Booked: day(2026, 11, 16), Days: 7, Late: true, From: hostile, Amount: eur(217_80), Reason: "underpaid",
	OrderNumber: "O-2026-000123", ThirdParty: true,
}

func suspensePage(state string) views.StaffSuspenseEntryPage {
	row := suspenseRow
	row.State = state
	p := views.StaffSuspenseEntryPage{
		Page: staffPage(), StaffSuspenseRow: row, IBAN: "DE89 3704 0044 0532 0130 00", Reference: "RF18539007547034", EndToEnd: "NOTPROVIDED", Remittance: longName,
		NeedsTwo: true, Limit: eur(150_00), MayDecide: state == "",
		Choices: []views.Choice{
			{Value: "order:O-2026-000123", Text: "It pays order O-2026-000123 of " + longName + ": €217.80", Hint: "The transfer names it."},
			{Value: "balance:1", Text: "To the balance of " + hostile}, {Value: "return", Text: "Send it back to the account that it came from"},
		},
	}
	if state != "" {
		p.MayApprove = state != "done"
		p.Decisions = []views.StaffDecision{
			{Kind: "return", State: "refused", Reason: hostile, By: "Rasa Jankauskaitė", At: at(2026, 11, 20, 9, 30), RefusedBy: "Jonas Petraitis", Refusal: longName},
			{Kind: "order", State: state, OrderNumber: "O-2026-000123", PayerName: longName, Reason: longName, By: "Rasa Jankauskaitė", At: at(2026, 11, 23, 9, 30)},
		}
	}
	return p
}

func statementPage(state string) views.StaffStatementPage {
	p := views.StaffStatementPage{
		Page: staffPage(), StaffStatementRow: views.StaffStatementRow{
			ID: "1", URL: "/staff/statements/1", Name: "2026-11-" + longName + ".xml", Entries: 214, UploadedBy: "Rasa Jankauskaitė", UploadedAt: at(2026, 11, 23, 9, 30),
			State: state, Matched: 200, Suspense: 3, Ignored: 11, Known: 4,
		},
		Booked: 30, MayBook: state == "uploaded" || state == "failed", More: 210,
		Preview: []views.StaffPreviewRow{
			{Booked: day(2026, 11, 23), From: hostile, Amount: eur(217_80), Credit: true, Outcome: "matched", Reason: "paid", OrderNumber: "O-2026-000123"},
			{Booked: day(2026, 11, 23), From: longName, Amount: eur(50_00), Credit: true, Outcome: "matched", Reason: "paid", Balance: longName, Known: true},
			{Booked: day(2026, 11, 23), From: longName, Amount: eur(33_00), Credit: true, Outcome: "suspense", Reason: "unmatched"},
			{Booked: day(2026, 11, 23), From: "Bank", Amount: eur(-5_00), Outcome: "ignored", Reason: "debit"},
		},
	}
	if state != "uploaded" {
		p.AskedBy, p.AskedAt = "Rasa Jankauskaitė", at(2026, 11, 23, 9, 40)
	}
	if state == "failed" {
		p.Failed, p.Second = "The statement is of another account.", true
	}
	return p
}

// bankSamples are the pages of the bank side, and of checking a document.
func bankSamples() map[string]templ.Component {
	bad := suspensePage("")
	bad.Choice, bad.Order, bad.Reason2 = "order", hostile, ""
	bad.Errors = views.Errors{{Field: "choice", Text: "Choose."}, {Field: "order", Text: "No such order."}, {Field: "reason", Text: "Say why."}}
	second := suspensePage("proposed")
	second.MayApprove, second.WhyNot, second.Errors = false, "second", views.Errors{{Field: "refusal", Text: "Say why."}}
	reversal := suspensePage("")
	reversal.Back, reversal.Amount, reversal.Reason = true, eur(-217_80), "reversal"
	waiting := suspenseRow
	waiting.Late, waiting.Days, waiting.State, waiting.OrderNumber, waiting.ThirdParty, waiting.Reason = false, 1, "proposed", "", false, "unmatched"
	verify := func(verdict string, errors ...views.FieldError) templ.Component {
		return views.Verify(views.VerifyPage{Page: page(false, ""), Number: "SIP-2026-000123", Date: "2026-11-23", Total: hostile, Verdict: verdict, Errors: errors})
	}
	statements := views.StaffStatementsPage{Page: staffPage(), MayUpload: true, Rows: []views.StaffStatementRow{
		statementPage("uploaded").StaffStatementRow, statementPage("running").StaffStatementRow, statementPage("done").StaffStatementRow, statementPage("failed").StaffStatementRow,
	}}
	own := statementPage("uploaded")
	own.Second, own.MayBook, own.WhyNot = true, false, "second"
	own.Gaps = []views.StatementGap{{IBAN: "LT12 1000 0111 0100 1000", From: "23 November 2026", Opening: eur(1110_00), Before: "20 November 2026", Closing: eur(1010_00)}}
	badFile := statements
	badFile.Errors = views.Errors{{Field: "file", Text: "The file could not be read."}}
	return map[string]templ.Component{
		"staff-suspense":          views.StaffSuspense(views.StaffSuspensePage{Page: staffPage(), Rows: []views.StaffSuspenseRow{suspenseRow, waiting}}),
		"staff-suspense-none":     views.StaffSuspense(views.StaffSuspensePage{Page: staffPage()}),
		"staff-suspense-entry":    views.StaffSuspenseEntry(suspensePage("")),
		"staff-suspense-bad":      views.StaffSuspenseEntry(bad),
		"staff-suspense-reversal": views.StaffSuspenseEntry(reversal),
		"staff-suspense-proposed": views.StaffSuspenseEntry(suspensePage("proposed")),
		"staff-suspense-second":   views.StaffSuspenseEntry(second),
		"staff-suspense-to-send":  views.StaffSuspenseEntry(suspensePage("to_send")),
		"staff-suspense-done":     views.StaffSuspenseEntry(suspensePage("done")),
		"staff-statements":        views.StaffStatements(statements),
		"staff-statements-bad":    views.StaffStatements(badFile),
		"staff-statements-none":   views.StaffStatements(views.StaffStatementsPage{Page: staffPage()}),
		"staff-statement":         views.StaffStatement(statementPage("uploaded")),
		"staff-statement-second":  views.StaffStatement(own),
		"staff-statement-running": views.StaffStatement(statementPage("running")),
		"staff-statement-done":    views.StaffStatement(statementPage("done")),
		"staff-statement-failed":  views.StaffStatement(statementPage("failed")),
		"verify":                  verify(""),
		"verify-genuine":          verify("genuine"),
		"verify-corrected":        verify("corrected"),
		"verify-unknown":          verify("unknown"),
		"verify-bad":              verify("", views.FieldError{Field: "number", Text: "Fill in."}, views.FieldError{Field: "date", Text: "Fill in."}, views.FieldError{Field: "total", Text: "Fill in."}),
	}
}
