package pdf

import (
	"errors"
	"strings"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/ledger"
	"github.com/siptg/portal/internal/money"
)

// Statement is a payer's account over a period, as it is drawn. It is no issued
// document: it is made anew from the ledger, and says when.
type Statement struct {
	Language, Also string // of the printed words; Also is empty for none
	Currency       money.Currency
	Seller, Payer  invoice.Party
	From, To       civil.Date // zero for an open end
	Made           civil.Date
	Sums           ledger.Totals
	Lines          []StatementLine // oldest first
	Omitted        int             // movements after the last line
	Listed         money.Amount    // balance after the last line
}

// StatementLine is one movement. The InvoiceNumber of what was credited or
// corrected is that of the credit note.
type StatementLine struct {
	On                                                civil.Date
	Kind                                              ledger.EntryKind
	OrderNumber, InvoiceNumber, ReceiptNumber, Sender string // empty where there is none
	Amount, After                                     money.Amount
}

// RenderStatement draws an account statement as a PDF file; the same statement
// gives the same bytes. It fails on one without the day it was made.
func RenderStatement(st Statement) ([]byte, error) {
	s, err := layStatement(st)
	if err != nil {
		return nil, err
	}
	return s.bytes(s.meta(), nil)
}

func layStatement(st Statement) (*sheet, error) {
	if st.Made.Year < 1 || st.Made.Year > 9999 {
		return nil, errors.New("pdf: statement without the day it was made")
	}
	d := invoice.Document{
		Language: st.Language, Also: st.Also, Currency: st.Currency, IssueDate: st.Made, Seller: st.Seller, Buyer: st.Payer,
	}
	scrub(&d)
	s := newSheet(d, "doc.title.statement")
	on := st.To
	if on.IsZero() || st.Made.Before(on) {
		on = st.Made
	}
	s.letterhead(s.say("doc.headline.balance", "Date", on), s.money(st.Sums.Closing), phrase{}, nil)
	s.divide()
	s.place(s.facts([]fact{
		{s.say("doc.statement.made"), s.day(st.Made), bodyType},
		{s.say("doc.statement.period"), s.span(st.From, on), bodyType},
	}))
	s.y += 11
	s.bothParties(s.say("doc.statement.by"), s.say("doc.statement.payer"))
	s.movements(st)
	s.footers()
	return s, nil
}

// span is a period; an end that is open is left out.
func (s *sheet) span(from, to civil.Date) phrase {
	if from.IsZero() {
		return phrase{text: "– " + s.date(to)}
	}
	return phrase{text: s.t.T("doc.period.dates", "From", s.date(from), "To", s.date(to))}
}

// movements draws the list with the balance after each, between the opening and
// the closing balance.
func (s *sheet) movements(st Statement) {
	after := cell{s.say("doc.statement.balance"), right - 70, 70, true}
	out := cell{s.say("doc.statement.out"), after.x - 76, 70, true}
	in := cell{s.say("doc.statement.in"), out.x - 76, 70, true}
	on := cell{head: s.say("doc.statement.date"), x: left, w: 60}
	what := cell{head: s.say("doc.statement.what"), x: on.x + on.w + 6, w: in.x - on.x - on.w - 12}

	rows := []block{s.tableRow(s.cell(what, s.say("doc.statement.opening"), strongType), s.figure(after, s.money(st.Sums.Opening), strongType))}
	for _, l := range st.Lines {
		amount := s.figure(in, s.money(l.Amount), bodyType)
		if l.Amount < 0 {
			amount = s.figure(out, s.money(-l.Amount), bodyType)
		}
		rows = append(rows, s.tableRow(
			s.cell(on, phrase{text: s.t.DateShort(l.On.Year, l.On.Month, l.On.Day)}, bodyType), s.movement(what, l), amount,
			s.figure(after, s.money(l.After), bodyType),
		))
	}
	if len(st.Lines) == 0 {
		rows = append(rows, s.tableRow(s.cell(what, s.say("doc.statement.empty"), noteType)))
	}
	total := func(label string, amount money.Amount, st style) block {
		row := beside(s.inline(sumsStart, s.say(label), st, 122), s.figure(cell{x: right - 96, w: 96}, s.money(amount), st))
		return stack(row, gap(3))
	}
	tail := []block{
		gap(10), total("doc.statement.opening", st.Sums.Opening, bodyType), total("doc.statement.in", st.Sums.In, bodyType),
		total("doc.statement.out", -st.Sums.Out, bodyType),
		{6, func(y float64) { s.rule(sumsStart, right, y+2, 1, ink) }}, total("doc.statement.closing", st.Sums.Closing, totalType),
	}
	if st.Omitted > 0 {
		tail = append(tail, gap(8), s.phrase(left, s.count("doc.statement.omitted", st.Omitted, "Amount", st.Listed), strongType, frameWidth))
	}
	tail = append(tail, gap(8), s.phrase(left, s.say("doc.statement.note"), noteType, frameWidth))
	s.flow(s.tableHead([]cell{on, what, in, out, after}), rows, []block{stack(tail...)})
}

// movement says what a movement is, and under that the documents that it names.
func (s *sheet) movement(c cell, l StatementLine) block {
	kind, document := string(l.Kind), "doc.statement.invoice"
	switch l.Kind {
	case ledger.EntryBankReceived, ledger.EntryCaptured, ledger.EntryChangeCredit, ledger.EntryOrderPaid, ledger.EntryRefundAsked,
		ledger.EntryRefundFailed, ledger.EntrySuspenseTakenBack, ledger.EntryDisputeTaken:
	case ledger.EntryCredited, ledger.EntryCorrected:
		document = "doc.statement.credit_note"
	case ledger.EntrySuspenseMatched: // a transfer all the same
		kind = string(ledger.EntryBankReceived)
	default:
		kind = "other"
	}
	var details []string
	add := func(key, name, value string) {
		if value = clean(value, limitField); value != "" {
			details = append(details, s.t.T(key, name, value))
		}
	}
	add("doc.statement.from", "Name", l.Sender)
	add(document, "Number", l.InvoiceNumber)
	add("doc.statement.receipt", "Number", l.ReceiptNumber)
	text := s.cell(c, s.say("doc.statement.kind."+kind, "Number", clean(l.OrderNumber, limitCode)), bodyType)
	if len(details) == 0 {
		return text
	}
	return stack(text, s.paragraph(c.x, strings.Join(details, "  ·  "), noteType, c.w))
}
