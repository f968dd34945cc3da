package views_test

import (
	"maps"
	"time"

	"github.com/a-h/templ"
	"github.com/siptg/portal/views"
)

// stamp is a moment in UTC.
func stamp(day, clock string) views.Instant {
	at, _ := time.Parse("2006-01-02 15:04", day+" "+clock)
	return views.Instant{Text: en.Time(at, time.UTC), ISO: day + "T" + clock + ":00Z"}
}

const longEmail = "buhalterija.saskaitos.faktura@a-very-long-name-of-an-accounting-office.example"

func peoplePage() views.PeoplePage {
	return views.PeoplePage{
		Page: page(true, views.NavBilling), PayerName: longName, Payer: "p1", BillingURL: "/billing?payer=p1", ViewsURL: "/billing/views?payer=p1",
		RecipientsURL: "/billing/recipients?payer=p1",
		Payers:        []views.Link{{Text: "Ona Petrauskaitė", URL: "/billing/members?payer=p2"}, {Text: longName, URL: "/billing/members?payer=p1", Current: true}},
		Members: []views.MemberRow{
			{ID: "a1", Name: "Ona Petrauskaitė", Role: "owner", Added: stamp("2026-01-02", "08:00")},
			{ID: "a2", Name: hostile, Role: "billing", Added: stamp("2026-02-02", "08:00"), MayRevoke: true},
			{ID: "a3", Name: longEmail, Role: "accountant", ByEmail: true, Added: stamp("2026-03-02", "08:00"), LastView: stamp("2026-11-22", "12:05"), MayRevoke: true},
			{ID: "a4", Name: "b@c.lt", Role: "accountant", ByEmail: true, Added: stamp("2026-03-02", "08:00"), MayRevoke: true},
		},
		Invitations: []views.InvitationRow{
			{ID: "i1", Email: longEmail, Sent: stamp("2026-11-20", "08:00"), Expires: stamp("2026-11-27", "08:00"), Mail: "sent"},
			{ID: "i2", Email: "typo@office.example", Sent: stamp("2026-11-20", "08:00"), Expires: stamp("2026-11-27", "08:00"), Mail: "failed"},
			{ID: "i3", Email: "old@office.example", Sent: stamp("2026-10-20", "08:00"), Expires: stamp("2026-10-27", "08:00"), Expired: true, Mail: "sent"},
		},
	}
}

func recipientsPage() views.RecipientsPage {
	all := views.RecipientForm{Invoices: true, CreditNotes: true, BankInvoices: true, Receipts: true, PDF: true, XML: true}
	of := func(email string) views.RecipientForm { f := all; f.Email = email; return f }
	return views.RecipientsPage{
		Page: page(true, views.NavBilling), PayerName: longName, Payer: "p1", BillingURL: "/billing?payer=p1", Form: all,
		Rows: []views.RecipientRow{
			{ID: "r1", State: "active", Since: stamp("2026-11-20", "08:00"), RecipientForm: of(longEmail)},
			{ID: "r2", State: "asked", Since: stamp("2026-11-22", "08:00"), Mail: "sent", RecipientForm: of("office@example.lt")},
			{ID: "r3", State: "stopped", Since: stamp("2026-11-21", "08:00"), RecipientForm: of("stop@example.lt")},
			{ID: "r4", State: "expired", Since: stamp("2026-10-21", "08:00"), RecipientForm: of("late@example.lt")},
		},
		Sent: []views.SentRow{
			{ID: "m1", Number: "SIP-2026-000123", URL: "/invoices/SIP-2026-000123", Email: longEmail, State: "sent", At: stamp("2026-11-22", "12:05"), MayAgain: true},
			{ID: "m2", Number: "O-2026-000124", URL: "/orders/O-2026-000124", Email: "office@example.lt", State: "failed", At: stamp("2026-11-22", "12:05"), Why: en.T("recipients.sent.why.failed", "Why", "550 5.1.1 no such user"), MayAgain: true},
			{ID: "m3", Number: "R-2026-000001", URL: "/balance/receipts/R-2026-000001.pdf", Email: "office@example.lt", State: "trying", At: stamp("2026-11-22", "12:05"), Why: en.T("recipients.sent.why.next", "At", "22 Nov 2026, 14:10 EET")},
			{ID: "m4", Number: "SIPC-2026-000001", URL: "/invoices/SIPC-2026-000001", Email: "office@example.lt", State: "waiting", At: stamp("2026-11-22", "12:05")},
			{ID: "m5", Number: "SIP-2026-000001", URL: "/invoices/SIP-2026-000001", Email: "stop@example.lt", State: "skipped", At: stamp("2026-11-22", "12:05"), Why: en.T("recipients.sent.why.skipped")},
		},
	}
}

// seatSamples are the pages of accountants by e-mail and of documents by mail.
func seatSamples() map[string]templ.Component {
	out, in := page(false, ""), page(true, views.NavBilling)
	bad, off := peoplePage(), peoplePage()
	bad.Email, bad.Errors = "x", views.Errors{{Field: "email", Text: en.T("error.email")}}
	off.MailOff, off.Payers, off.Invitations = true, nil, nil
	badRecipient, badRow, none := recipientsPage(), recipientsPage(), recipientsPage()
	badRecipient.Form = views.RecipientForm{Email: "x"}
	badRecipient.Errors = views.Errors{{Field: "email", Text: en.T("error.email")}, {Field: "pdf", Text: en.T("error.recipient.no_file")}}
	badRow.Rows[1].PDF, badRow.Rows[1].XML = false, false
	badRow.Errors = views.Errors{{Field: "pdf-r2", Text: en.T("error.recipient.no_file")}}
	none.Rows, none.Sent, none.MailOff = nil, nil, true
	log := views.ViewLogPage{
		Page: in, PayerName: longName, PeopleURL: "/billing/members?payer=p1", NextURL: "/billing/views?payer=p1&after=1", FirstURL: "/billing/views?payer=p1",
		Rows: []views.ViewRow{
			{At: stamp("2026-11-22", "12:05"), Who: longEmail, Kind: "invoice", Number: "SIP-2026-000123", URL: "/invoices/SIP-2026-000123", Format: "page"},
			{At: stamp("2026-11-22", "12:04"), Who: "b@c.lt", Kind: "credit_note", Number: "SIPC-2026-000007", URL: "/invoices/SIPC-2026-000007", Format: "ubl.xml"},
			{At: stamp("2026-11-22", "12:03"), Who: hostile, Kind: "statement", Format: "page"},
		},
	}
	noLog := log
	noLog.Rows, noLog.NextURL, noLog.FirstURL = nil, "", ""
	reader := account()
	reader.Reader, reader.Email, reader.PersonName = true, longEmail, longEmail
	readerBilling := billing()
	readerBilling.Reader, readerBilling.ReadOnly, readerBilling.PersonName = true, true, longEmail
	answer := views.AnswerPage{Page: out, Action: "/recipients/confirm", Recipient: "r1", Seal: "s", PayerName: longName, Email: longEmail}
	stop, done := answer, answer
	stop.Stop, stop.Action, done.Done = true, "/recipients/stop", true
	over := answer
	over.Over = true
	stopped := stop
	stopped.Done = true
	return map[string]templ.Component{
		"people": views.People(peoplePage()), "people-bad": views.People(bad), "people-off": views.People(off),
		"view-log": views.ViewLog(log), "view-log-empty": views.ViewLog(noLog),
		"recipients": views.Recipients(recipientsPage()), "recipients-bad": views.Recipients(badRecipient), "recipients-bad-row": views.Recipients(badRow), "recipients-none": views.Recipients(none),
		"seat-ask": views.EmailSignIn(views.EmailSignInPage{Page: out, DemoEmail: "accountant@office.example"}), "seat-off": views.EmailSignIn(views.EmailSignInPage{Page: out, MailOff: true}),
		"seat-bad":          views.EmailSignIn(views.EmailSignInPage{Page: out, Email: "x", Errors: views.Errors{{Field: "email", Text: en.T("error.email")}}}),
		"seat-sent":         views.EmailSent(views.EmailSentPage{Page: out, Minutes: 15}),
		"seat-sent-demo":    views.EmailSent(views.EmailSentPage{Page: out, Minutes: 15, DemoURL: "/login/link?token=x"}),
		"seat-link":         views.SignInLink(views.LinkPage{Page: out, Token: "t", Email: longEmail, Joins: []string{longName, "MB Pavyzdys"}}),
		"seat-link-over":    views.SignInLink(views.LinkPage{Page: out, Problem: "over"}),
		"seat-link-browser": views.SignInLink(views.LinkPage{Page: out, Problem: "browser"}),
		"seat-account":      views.Account(reader), "seat-billing": views.Billing(readerBilling),
		"answer-confirm": views.RecipientAnswer(answer), "answer-over": views.RecipientAnswer(over), "answer-stop": views.RecipientAnswer(stop),
		"answer-confirmed": views.RecipientAnswer(done), "answer-stopped": views.RecipientAnswer(stopped),
	}
}

func withSeats(all map[string]templ.Component) map[string]templ.Component {
	maps.Copy(all, seatSamples())
	return all
}
