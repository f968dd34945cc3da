package app

import (
	"net/url"
	"strings"
	"time"

	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/notice"
)

// NoticeText is a notice in words.
type NoticeText struct {
	Subject string
	Body    []string // sentences
	Links   []NoticeLink
}

// NoticeLink is a page of the portal where the reader can act.
type NoticeLink struct{ Text, Path string }

// Plain is the notice as plain text, with whole addresses.
func (n NoticeText) Plain(publicURL string) string {
	var b strings.Builder
	b.WriteString(strings.Join(n.Body, " "))
	if len(n.Links) > 0 {
		b.WriteString("\n")
	}
	for _, l := range n.Links {
		b.WriteString("\n" + l.Text + ": " + publicURL + l.Path)
	}
	return b.String()
}

// given are the facts that a notice has. Some are not known for every occasion
// of a kind, and a sentence about them is then left out.
type given uint

const (
	hasAmount given = 1 << iota
	hasOn
	hasUntil
	hasMethod
	hasDocument
	hasOrder
	hasNumber
	hasCreditNote
	byBank    // the payer pays by transfer: nothing is taken by itself
	byBalance // from the payer's balance
)

// sentence is a message and the facts that it needs.
type sentence struct {
	key   string
	needs given
}

// noticeWords are the words of a kind: of each group in the body, the first
// sentence whose facts are there is told, if any.
type noticeWords struct {
	subject string
	body    [][]sentence
	links   []noticePage
}

// noticePage is a page that a notice can lead to.
type noticePage int

const (
	orderPage noticePage = iota
	subscriptionPage
	documentPage
	creditNotePage
	balancePage
	plansPage
	billingPage
)

func always(key string) []sentence { return []sentence{{key, 0}} }

// wordsOf has the words of every kind of notice.
var wordsOf = map[notice.Kind]noticeWords{
	notice.BankInvoiceReady: {
		subject: "notice.bank_invoice_ready.subject",
		body: [][]sentence{
			{{"notice.bank_invoice_ready.amount", hasAmount}, {"notice.bank_invoice_ready.what", 0}},
			{{"notice.pay_by", hasOn}},
			{{"notice.paid_until_early", hasUntil}},
			always("notice.bank_invoice_ready.free"),
		},
		links: []noticePage{orderPage, subscriptionPage},
	},
	notice.RenewalAhead: {
		subject: "notice.renewal_ahead.subject",
		body:    renewalComes,
		links:   []noticePage{orderPage, subscriptionPage},
	},
	notice.RenewalSoon: {
		subject: "notice.renewal_soon.subject",
		body:    renewalComes,
		links:   []noticePage{orderPage, subscriptionPage},
	},
	notice.MethodExpires: {
		subject: "notice.method_expires.subject",
		body: [][]sentence{
			{{"notice.method_expires.method", hasMethod}, {"notice.method_expires.what", 0}},
			{{"notice.method_expires.on", hasOn}},
			{{"notice.paid_until", hasUntil}},
			always("notice.method_expires.do"),
		},
		links: []noticePage{subscriptionPage, billingPage},
	},
	notice.Renewed: {
		subject: "notice.renewed.subject",
		body: [][]sentence{
			{
				{"notice.renewed.bank", hasAmount | byBank}, {"notice.renewed.balance", hasAmount | byBalance},
				{"notice.renewed.method", hasAmount | hasMethod}, {"notice.renewed.amount", hasAmount}, {"notice.renewed.what", 0},
			},
			{{"notice.now_paid_until", hasUntil}},
			{{"notice.invoice", hasDocument}, {"notice.invoice_soon", 0}},
			always("notice.renewed.do"),
		},
		links: []noticePage{documentPage, orderPage, subscriptionPage},
	},
	notice.ChargeDeclined: {
		subject: "notice.charge_declined.subject",
		body: [][]sentence{
			{
				{"notice.charge_declined.method", hasAmount | hasMethod}, {"notice.charge_declined.amount", hasAmount},
				{"notice.charge_declined.what", 0},
			},
			{{"notice.charge_declined.again", hasOn}, {"notice.charge_declined.last", 0}},
			{{"notice.paid_until", hasUntil}},
			always("notice.charge_declined.do"),
		},
		links: []noticePage{orderPage, subscriptionPage, billingPage},
	},
	notice.ChargeConfirm: {
		subject: "notice.charge_confirm.subject",
		body: [][]sentence{
			{
				{"notice.charge_confirm.method", hasAmount | hasMethod}, {"notice.charge_confirm.amount", hasAmount},
				{"notice.charge_confirm.what", 0},
			},
			{{"notice.charge_confirm.by", hasOn}},
			{{"notice.paid_until", hasUntil}},
			always("notice.charge_confirm.until"),
		},
		links: []noticePage{orderPage, subscriptionPage},
	},
	notice.GraceBegun: {
		subject: "notice.grace_begun.subject",
		body: [][]sentence{
			{{"notice.grace_begun.until", hasUntil}, {"notice.grace_begun.what", 0}},
			{{"notice.grace_begun.works", hasOn}, {"notice.grace_begun.works_days", 0}},
			{{"notice.grace_begun.amount", hasAmount}},
			always("notice.grace_begun.do"),
		},
		links: []noticePage{orderPage, subscriptionPage},
	},
	notice.Ended: {
		subject: "notice.ended.subject",
		body: [][]sentence{
			{{"notice.ended.until", hasUntil}, {"notice.ended.what", 0}},
			always("notice.ended.nothing"),
			always("notice.ended.do"),
		},
		links: []noticePage{plansPage, subscriptionPage},
	},
	notice.AutoRenewOff: {
		subject: "notice.auto_renew_off.subject",
		body: [][]sentence{
			always("notice.auto_renew_off.what"),
			{{"notice.auto_renew_off.until", hasUntil}},
			always("notice.auto_renew_off.no_refund"),
			always("notice.auto_renew_off.do"),
		},
		links: []noticePage{subscriptionPage},
	},
	notice.AutoRenewOn: {
		subject: "notice.auto_renew_on.subject",
		body: [][]sentence{
			{
				{"notice.auto_renew_on.bank", byBank}, {"notice.renewal.method", hasAmount | hasOn | hasMethod},
				{"notice.renewal.amount", hasAmount | hasOn}, {"notice.auto_renew_on.what", 0},
			},
			{{"notice.paid_until", hasUntil}},
			always("notice.auto_renew_on.do"),
		},
		links: []noticePage{subscriptionPage},
	},
	notice.Changed: {
		subject: "notice.changed.subject",
		body: [][]sentence{
			always("notice.changed.what"),
			{{"notice.now_paid_until", hasUntil}},
			{{"notice.changed.credit", hasAmount}},
			always("notice.changed.do"),
		},
		links: []noticePage{subscriptionPage},
	},
	notice.OrderPaid: {
		subject: "notice.order_paid.subject",
		body: [][]sentence{
			{
				{"notice.order_paid.balance_order", hasAmount | hasOrder | byBalance}, {"notice.order_paid.balance", hasAmount | byBalance},
				{"notice.order_paid.balance_what", byBalance},
				{"notice.order_paid.order", hasAmount | hasOrder}, {"notice.order_paid.amount", hasAmount}, {"notice.order_paid.what", 0},
			},
			{{"notice.now_paid_until", hasUntil}},
			{{"notice.invoice", hasDocument}, {"notice.invoice_soon", 0}},
		},
		links: []noticePage{documentPage, orderPage, subscriptionPage},
	},
	notice.MoneyKept: {
		subject: "notice.money_kept.subject",
		body: [][]sentence{
			{{"notice.money_kept.amount", hasAmount}, {"notice.money_kept.what", 0}},
			{{"notice.money_kept.order", hasOrder}},
			always("notice.money_kept.yours"),
			always("notice.money_kept.do"),
		},
		links: []noticePage{balancePage, orderPage},
	},
	notice.BankInvoiceExpires: {
		subject: "notice.bank_invoice_expires.subject",
		body: [][]sentence{
			{{"notice.bank_invoice_expires.amount", hasAmount | hasOrder}, {"notice.bank_invoice_expires.what", 0}},
			{{"notice.pay_by", hasOn}},
			always("notice.bank_invoice_expires.sent"),
			always("notice.bank_invoice_expires.free"),
		},
		links: []noticePage{orderPage},
	},
	notice.PartReceived: {
		subject: "notice.part_received.subject",
		body: [][]sentence{
			{{"notice.part_received.amount", hasAmount | hasOrder}, {"notice.part_received.what", 0}},
			{{"notice.part_received.rest", hasOn}, {"notice.part_received.rest_soon", 0}},
			always("notice.part_received.kept"),
		},
		links: []noticePage{orderPage, balancePage},
	},
	notice.CreditNote: {
		subject: "notice.credit_note.subject",
		body: [][]sentence{
			{
				{"notice.credit_note.amount", hasAmount | hasDocument}, {"notice.credit_note.document", hasDocument},
				{"notice.credit_note.what", 0},
			},
			always("notice.credit_note.do"),
		},
		links: []noticePage{documentPage, subscriptionPage},
	},
	notice.RefundSent: {
		subject: "notice.refund_sent.subject",
		body: [][]sentence{
			{
				{"notice.refund_sent.bank", hasAmount | byBank}, {"notice.refund_sent.balance", hasAmount | byBalance},
				{"notice.refund_sent.method", hasAmount | hasMethod}, {"notice.refund_sent.amount", hasAmount}, {"notice.refund_sent.what", 0},
			},
			{{"", byBalance}, {"notice.refund_sent.days", 0}},
			{{"notice.credit_note.document", hasDocument}},
		},
		links: []noticePage{documentPage, balancePage},
	},
	notice.RefundFailed: {
		subject: "notice.refund_failed.subject",
		body: [][]sentence{
			{
				{"notice.refund_failed.method", hasAmount | hasMethod}, {"notice.refund_failed.amount", hasAmount}, {"notice.refund_failed.what", 0},
			},
			always("notice.refund_failed.kept"),
			always("notice.refund_failed.do"),
		},
		links: []noticePage{balancePage, orderPage},
	},
	notice.Withdrawn: {
		subject: "notice.withdrawn.subject",
		body: [][]sentence{
			{{"notice.withdrawn.order_on", hasOrder | hasOn}, {"notice.withdrawn.order", hasOrder}, {"notice.withdrawn.what", 0}},
			{{"notice.refund_sent.balance", hasAmount | byBalance}, {"notice.withdrawn.amount", hasAmount}},
			{{"notice.credit_note.document", hasDocument}},
			{{"notice.paid_until", hasUntil}, {"notice.withdrawn.free", 0}},
		},
		links: []noticePage{documentPage, orderPage, subscriptionPage},
	},
	notice.VATNumberInvalid: {
		subject: "notice.vat_number_invalid.subject",
		body: [][]sentence{
			{
				{"notice.vat_number_invalid.number_on", hasNumber | hasOn}, {"notice.vat_number_invalid.number", hasNumber},
				{"notice.vat_number_invalid.what", 0},
			},
			always("notice.vat_number_invalid.vat"),
			{{"notice.vat_number_invalid.document", hasDocument}},
			always("notice.vat_number_invalid.do"),
		},
		links: []noticePage{billingPage, documentPage},
	},
	notice.VATNumberValid: {
		subject: "notice.vat_number_valid.subject",
		body: [][]sentence{
			{{"notice.vat_number_valid.number_on", hasNumber | hasOn}, {"notice.vat_number_valid.number", hasNumber}, {"notice.vat_number_valid.what", 0}},
			always("notice.vat_number_valid.next"),
			{{"notice.vat_number_valid.document", hasDocument}},
		},
		links: []noticePage{billingPage, documentPage},
	},
	notice.ChargedBack: {
		subject: "notice.charged_back.subject",
		body: [][]sentence{
			{
				{"notice.charged_back.method", hasAmount | hasMethod}, {"notice.charged_back.amount", hasAmount}, {"notice.charged_back.what", 0},
			},
			{{"notice.paid_until", hasUntil}},
			always("notice.charged_back.do"),
		},
		links: []noticePage{orderPage, subscriptionPage, balancePage},
	},
	notice.InvoiceCorrected: {
		subject: "notice.invoice_corrected.subject",
		body: [][]sentence{
			{{"notice.invoice_corrected.order", hasOrder}, {"notice.invoice_corrected.what", 0}},
			{{"notice.invoice_corrected.both", hasDocument | hasCreditNote}, {"notice.invoice_corrected.document", hasDocument}},
			{{"notice.invoice_corrected.amount", hasAmount}},
			always("notice.invoice_corrected.do"),
		},
		links: []noticePage{documentPage, creditNotePage, orderPage},
	},
}

// renewalComes are the words of both reminders.
var renewalComes = [][]sentence{
	{
		{"notice.renewal.bank", hasAmount | byBank}, {"notice.renewal.bank_what", byBank},
		{"notice.renewal.balance", hasAmount | hasOn | byBalance}, {"notice.renewal.method", hasAmount | hasOn | hasMethod},
		{"notice.renewal.amount", hasAmount | hasOn}, {"notice.renewal.on", hasOn}, {"notice.renewal.what", 0},
	},
	{{"notice.renewal.bank_by", hasOn | byBank}},
	{{"notice.renewal.continues", hasUntil}},
	{{"notice.renewal.bank_do", byBank}, {"notice.renewal.do", 0}},
}

// unknownWords are for a notice of another version of the program.
var unknownWords = noticeWords{
	subject: "notice.unknown.subject", body: [][]sentence{always("notice.unknown.what")}, links: []noticePage{orderPage, subscriptionPage},
}

// NoticeIn returns a notice in the words of a language; moments are told in the
// reader's time zone.
func NoticeIn(t i18n.Translator, n notice.Notice, zone *time.Location) NoticeText {
	words, known := wordsOf[n.Kind]
	if !known {
		words = unknownWords
	}
	facts, args := factsOf(t, n, zone)
	text := NoticeText{Subject: t.T(words.subject, args...)}
	for _, group := range words.body {
		for _, s := range group {
			if s.needs&^facts != 0 {
				continue
			}
			if s.key != "" {
				text.Body = append(text.Body, t.T(s.key, args...))
			}
			break
		}
	}
	for _, page := range words.links {
		if link, ok := linkTo(t, n, page); ok {
			text.Links = append(text.Links, link)
		}
	}
	return text
}

// factsOf says which facts a notice has, and writes them in the language.
func factsOf(t i18n.Translator, n notice.Notice, zone *time.Location) (given, []any) {
	f := n.Facts
	var has given
	what := t.T("notice.your_subscription")
	if f.Plan != "" {
		what = t.T("plan." + f.Plan)
	}
	args := []any{"What", what}
	add := func(fact given, name, value string) {
		has |= fact
		args = append(args, name, value)
	}
	if f.Amount != 0 && f.Currency != "" {
		add(hasAmount, "Amount", t.Money(int64(f.Amount), string(f.Currency)))
	}
	if !f.On.IsZero() {
		add(hasOn, "On", t.Date(f.On.Year, f.On.Month, f.On.Day))
	}
	if !f.Until.IsZero() {
		add(hasUntil, "Until", t.Time(f.Until, zone))
	}
	switch f.Method {
	case "":
	case methodBank:
		add(byBank, "Method", t.T("notice.method.bank"))
	case methodBalance:
		add(byBalance, "Method", t.T("notice.method.balance"))
	case methodCard:
		add(hasMethod, "Method", t.T("notice.method.card"))
	default:
		add(hasMethod, "Method", CleanText(f.Method))
	}
	if f.Document != "" {
		add(hasDocument, "Document", f.Document)
	}
	if f.Number != "" {
		add(hasNumber, "Number", f.Number)
	}
	if f.CreditNote != "" {
		add(hasCreditNote, "CreditNote", f.CreditNote)
	}
	if n.OrderNumber != "" {
		add(hasOrder, "Order", n.OrderNumber)
	}
	return has, args
}

// What Facts.Method says where it is not the name of a saved method.
const (
	methodBank    = "bank"
	methodBalance = "balance"
	methodCard    = "card"
)

// linkTo returns the link to a page, where the notice has one.
func linkTo(t i18n.Translator, n notice.Notice, page noticePage) (NoticeLink, bool) {
	switch page {
	case orderPage:
		return NoticeLink{t.T("notice.link.order", "Order", n.OrderNumber), "/orders/" + url.PathEscape(n.OrderNumber)}, n.OrderNumber != ""
	case subscriptionPage:
		return NoticeLink{t.T("notice.link.subscription"), "/subscriptions/" + url.PathEscape(n.SubscriptionID)}, n.SubscriptionID != ""
	case documentPage:
		return NoticeLink{t.T("notice.link.document", "Document", n.Facts.Document), "/invoices/" + url.PathEscape(n.Facts.Document)}, n.Facts.Document != ""
	case creditNotePage:
		return NoticeLink{t.T("notice.link.document", "Document", n.Facts.CreditNote), "/invoices/" + url.PathEscape(n.Facts.CreditNote)}, n.Facts.CreditNote != ""
	case balancePage:
		return NoticeLink{t.T("notice.link.balance"), "/balance?" + url.Values{"payer": {string(n.PayerID)}}.Encode()}, true
	case plansPage:
		return NoticeLink{t.T("notice.link.plans"), "/plans"}, true
	case billingPage:
		return NoticeLink{t.T("notice.link.billing"), "/billing?" + url.Values{"payer": {string(n.PayerID)}}.Encode()}, true
	}
	return NoticeLink{}, false
}
