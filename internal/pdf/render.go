package pdf

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/money"
)

// How much of a field is drawn. Longer texts end in an ellipsis.
const (
	limitName   = 300
	limitField  = 200
	limitCode   = 64
	limitDetail = 600
	limitText   = 1200
)

// kinds are the documents that can be drawn.
var kinds = []invoice.Kind{invoice.KindBankInvoice, invoice.KindInvoice, invoice.KindCreditNote, invoice.KindReceipt}

// Render draws a document as a PDF file for archives (PDF/A-3U). The same document
// gives the same bytes. It fails on a document without number, day of issue or
// known kind.
func Render(doc invoice.Document) ([]byte, error) { return RenderHybrid(doc, nil) }

// RenderHybrid is Render with the XML of an invoice in the file (Factur-X).
func RenderHybrid(doc invoice.Document, cii []byte) ([]byte, error) {
	s, err := lay(doc)
	if err != nil {
		return nil, err
	}
	return s.bytes(s.meta(), cii)
}

// meta says in the file what the document is; its date is the day of issue.
func (s *sheet) meta() meta {
	on := s.d.IssueDate
	return meta{
		title: s.heading(), author: s.d.Seller.Name, lang: s.t.Lang(),
		date: time.Date(on.Year, on.Month, on.Day, 0, 0, 0, 0, time.UTC),
	}
}

// heading is the title with the number.
func (s *sheet) heading() string { return strings.TrimSpace(s.name.text + " " + s.d.Number) }

// lay sets a document on pages.
func lay(doc invoice.Document) (*sheet, error) {
	switch {
	case !slices.Contains(kinds, doc.Kind):
		return nil, fmt.Errorf("pdf: unknown kind of document %.40q", string(doc.Kind))
	case clean(doc.Number, limitCode) == "":
		return nil, errors.New("pdf: document without a number")
	case doc.IssueDate.Year < 1 || doc.IssueDate.Year > 9999:
		return nil, fmt.Errorf("pdf: document %.40q without a day of issue", doc.Number)
	}
	scrub(&doc)
	s := newSheet(doc, titleKey(doc))
	s.head()
	s.parties()
	if doc.Kind == invoice.KindReceipt {
		s.receipt()
	} else {
		s.table()
		s.payment()
		s.returned()
	}
	s.footers()
	return s, nil
}

// scrub cleans every text of the document once, so that nothing below has to
// think of it. Slices are copied: the caller's document stays as it is.
func scrub(d *invoice.Document) {
	clear := func(limit int, texts ...*string) {
		for _, s := range texts {
			*s = clean(*s, limit)
		}
	}
	for _, p := range []*invoice.Party{&d.Seller, &d.Buyer} {
		clear(limitName, &p.Name)
		clear(limitField, &p.Street, &p.City, &p.VATNote, &p.Email, &p.Website)
		clear(limitCode, &p.CompanyCode, &p.VATNumber, &p.Postcode, &p.Country, &p.Phone)
	}
	currency := string(d.Currency)
	clear(limitCode, &d.Number, &d.OrderNumber, &d.Reference, &currency)
	clear(limitField, &d.POReference, &d.Customer)
	d.Currency = money.Currency(currency)
	d.Lines = append([]invoice.Line(nil), d.Lines...)
	for i := range d.Lines {
		unit := string(d.Lines[i].Unit)
		clear(limitName, &d.Lines[i].Description, &d.Lines[i].Also)
		clear(limitDetail, &d.Lines[i].Detail)
		clear(20, &unit)
		d.Lines[i].Unit = invoice.Unit(unit)
	}
	d.VAT = append([]invoice.VATLine(nil), d.VAT...)
	for i := range d.VAT {
		clear(limitText, &d.VAT[i].Text)
		clear(limitCode, &d.VAT[i].Country, &d.VAT[i].Category)
	}
	if d.Discount != nil {
		discount := *d.Discount
		clear(limitField, &discount.Reason, &discount.Also)
		d.Discount = &discount
	}
	if d.Corrects != nil {
		corrects := *d.Corrects
		clear(limitText, &corrects.Reason, &corrects.Also)
		clear(limitCode, &corrects.Number, &corrects.CreditNote, &corrects.ReplacedBy)
		d.Corrects = &corrects
	}
	if d.Returned != nil {
		returned := *d.Returned
		clear(limitField, &returned.Label, &returned.Account)
		d.Returned = &returned
	}
	if d.Exchange != nil {
		exchange := *d.Exchange
		clear(limitField, &exchange.Source)
		d.Exchange = &exchange
	}
	clear(limitName, &d.Payment.From)
	clear(limitField, &d.Payment.Beneficiary, &d.Payment.Bank, &d.Payment.BankAddress)
	clear(limitCode, &d.Payment.IBAN, &d.Payment.BIC)
}

// withoutVAT says that the seller has no VAT number: the document then is a
// plain invoice and has no columns of VAT.
func withoutVAT(d invoice.Document) bool { return d.Seller.VATNumber == "" && d.VATTotal == 0 }

// titleKey is what the document is called.
func titleKey(d invoice.Document) string {
	switch {
	case d.Kind == invoice.KindBankInvoice:
		return "doc.title.bank_invoice"
	case d.Kind == invoice.KindReceipt:
		return "doc.title.receipt"
	case d.Kind == invoice.KindCreditNote && withoutVAT(d):
		return "doc.title.credit_note"
	case d.Kind == invoice.KindCreditNote:
		return "doc.title.vat_credit_note"
	case withoutVAT(d):
		return "doc.title.invoice"
	}
	return "doc.title.vat_invoice"
}

// numberLabel says what the number is. A bank invoice has none of its own.
func (s *sheet) numberLabel() phrase {
	switch s.d.Kind {
	case invoice.KindBankInvoice:
		return s.say("doc.order")
	case invoice.KindReceipt:
		return s.say("doc.number.receipt")
	case invoice.KindCreditNote:
		return s.say("doc.number.credit_note")
	case invoice.KindInvoice:
	}
	return s.say("doc.number.invoice")
}

// head draws the wordmark, title and number, and beside them what the eye shall
// land on; under both the dates and references.
func (s *sheet) head() {
	label, amount, sub := s.headline()
	s.letterhead(label, amount, sub, s.notes())

	d := s.d
	tax := "doc.tax_point"
	if d.Kind == invoice.KindCreditNote {
		tax = "doc.tax_point.corrected"
	}
	order := phrase{text: d.OrderNumber}
	if d.OrderNumber == d.Number {
		order.text = ""
	}
	s.divide()
	s.place(s.facts([]fact{
		{s.say("doc.issued"), s.day(d.IssueDate), bodyType},
		{s.say(tax), s.day(d.TaxPoint), bodyType},
		{s.say("doc.period"), s.period(), bodyType},
		{s.say("doc.order"), order, bodyType},
		{s.say("doc.po"), phrase{text: d.POReference}, bodyType},
		{s.say("doc.customer"), phrase{text: d.Customer}, bodyType},
	}))
	s.y += 11
}

// letterhead draws the title with the number, on the right the panel with the
// amount, and notes under both.
func (s *sheet) letterhead(label phrase, amount string, sub phrase, notes []block) {
	const panelWidth, padding, bar = right - sumsStart, 13.0, 4.0
	const limit = frameWidth - panelWidth - 24
	title := titleType
	for title.size > 17 && width([]rune(s.name.text), title) > limit { // on one line, if it can be
		title.size--
	}
	words := []block{
		{34, func(y float64) { s.wordmark(left, y+13, 17) }},
		s.phrase(left, s.name, title, limit),
	}
	if s.d.Number != "" {
		words = append(words, gap(7), s.phrase(left, s.numberLabel(), labelType, limit), gap(1), s.paragraph(left, s.d.Number, numberType, limit))
	}
	x, inner := right-panelWidth+bar+padding, panelWidth-bar-2*padding
	panel := s.background(right-panelWidth, panelWidth, padding, tint, stack(
		s.phrase(x, label, headType, inner),
		gap(3),
		block{amountType.size * 1.2, func(y float64) { s.text(x, y+amountType.size*0.93, amount, amountType, inner) }},
		gap(3),
		s.phrase(x, sub, bodyType, inner),
	))
	s.place(beside(stack(words...), block{panel.height, func(y float64) {
		panel.draw(y)
		s.panel(right-panelWidth, y, bar, panel.height, 2, brand)
	}}))
	s.place(stack(notes...))
	s.y += 14
}

// notes stand under the title and the amount: what a document is not, and the
// documents that it refers to.
func (s *sheet) notes() []block {
	var notes []block
	add := func(p phrase, st style) { notes = append(notes, gap(5), s.phrase(left, p, st, frameWidth)) }
	switch s.d.Kind {
	case invoice.KindBankInvoice:
		add(s.say("doc.bank_invoice.not_vat"), strongType)
	case invoice.KindReceipt:
		add(s.say("doc.receipt.no_invoice"), strongType)
	case invoice.KindInvoice, invoice.KindCreditNote:
	}
	if c := s.d.Corrects; c != nil {
		if c.CreditNote != "" {
			add(s.say("doc.replaces", "Number", c.Number, "Date", c.IssueDate, "CreditNote", c.CreditNote), strongType)
		} else {
			add(s.say("doc.corrects", "Number", c.Number, "Date", c.IssueDate), strongType)
		}
		if c.ReplacedBy != "" {
			add(s.say("doc.replaced_by", "Number", c.ReplacedBy), strongType)
		}
		if c.Reason != "" {
			add(s.frozen(c.Reason, c.Also), bodyType)
		}
	}
	return notes
}

// day is a day as a value; none is left out.
func (s *sheet) day(d civil.Date) phrase {
	if d.IsZero() {
		return phrase{}
	}
	return phrase{text: s.date(d)}
}

// divide draws a hairline across the page.
func (s *sheet) divide() {
	s.rule(left, right, s.y, 0.5, pale)
	s.y += 10
}

// headline is what the eye lands on: what is to be paid, or what was.
func (s *sheet) headline() (label phrase, amount string, sub phrase) {
	d := s.d
	switch {
	case d.Kind == invoice.KindCreditNote:
		return s.say("doc.headline.credited"), s.money(d.Total), phrase{}
	case d.Kind == invoice.KindReceipt:
		return s.say("doc.headline.received"), s.money(d.Total), s.paidBy()
	case d.Kind == invoice.KindInvoice && d.Due <= 0:
		return s.say("doc.headline.paid"), s.money(d.Total), s.paidBy()
	}
	return s.say("doc.headline.due"), s.money(d.Due), s.payBy()
}

// payBy says until when to pay.
func (s *sheet) payBy() phrase {
	if s.d.ValidUntil.IsZero() {
		return phrase{}
	}
	return s.say("doc.headline.pay_by", "Date", s.d.ValidUntil)
}

// paidBy says how and when the money came.
func (s *sheet) paidBy() phrase {
	p := s.d.Payment
	if p.PaidOn.IsZero() {
		return phrase{}
	}
	switch p.Method {
	case "bank":
		return s.say("doc.paid.bank", "Date", p.PaidOn)
	case "card":
		return s.say("doc.paid.card", "Date", p.PaidOn)
	case "balance":
		return s.say("doc.paid.balance", "Date", p.PaidOn)
	}
	return s.say("doc.paid.other", "Date", p.PaidOn)
}

// parties draws seller and buyer side by side, on the columns of the facts.
func (s *sheet) parties() {
	seller, buyer := "doc.seller", "doc.buyer"
	if s.d.Kind == invoice.KindReceipt { // nothing is sold
		seller, buyer = "doc.receipt.by", "doc.receipt.payer"
	}
	s.bothParties(s.say(seller), s.say(buyer))
}

func (s *sheet) bothParties(seller, buyer phrase) {
	const limit = 2*factWidth + factGutter
	s.divide()
	s.place(beside(s.party(left, limit, seller, s.d.Seller), s.party(column(2), limit, buyer, s.d.Buyer)))
	s.y += 16
}

func (s *sheet) party(x, limit float64, label phrase, p invoice.Party) block {
	blocks := []block{s.phrase(x, label, labelType, limit), gap(2), s.paragraph(x, p.Name, nameType, limit)}
	add := func(words phrase) {
		if words.text != "" {
			blocks = append(blocks, s.inline(x, words, bodyType, limit))
		}
	}
	country := p.Country
	if country != "" {
		country = clean(s.t.Country(country), limitCode)
	}
	add(phrase{text: p.Street})
	add(phrase{text: strings.Join(nonEmpty(cityLine(p), country), ", ")})
	if p.CompanyCode != "" {
		add(s.say("doc.company_code", "Code", p.CompanyCode))
	}
	switch {
	case p.VATNumber != "":
		add(s.say("doc.vat_number", "Number", p.VATNumber))
	case p.VATNote != "":
		add(phrase{text: p.VATNote})
	}
	add(phrase{text: strings.Join(nonEmpty(p.Email, p.Phone, strings.TrimPrefix(p.Website, "https://")), "  ·  ")})
	return stack(blocks...)
}

// cityLine puts the postcode where the country's post wants it.
func cityLine(p invoice.Party) string {
	switch p.Country {
	case "GB", "US", "CA", "AU", "NZ", "IE", "IN", "UA", "LV":
		if p.Postcode != "" && p.City != "" {
			return p.City + ", " + p.Postcode
		}
	}
	return strings.TrimSpace(p.Postcode + " " + p.City)
}

// period is the time the service is for.
func (s *sheet) period() phrase {
	d := s.d
	switch {
	case !d.ServiceFrom.IsZero() && !d.ServiceTo.IsZero():
		return phrase{text: s.t.T("doc.period.dates", "From", s.date(d.ServiceFrom), "To", s.date(d.ServiceTo))}
	case d.ServiceMonths > 0:
		return s.count("doc.period.from_payment", d.ServiceMonths)
	}
	return phrase{}
}

// cell is a column of a table: from x, w wide, figures and what belongs to them on
// the right.
type cell struct {
	head    phrase
	x, w    float64
	figures bool
}

func (s *sheet) cell(c cell, p phrase, st style) block {
	if c.figures {
		return s.phraseRight(c.x+c.w, p, st, c.w)
	}
	return s.phrase(c.x, p, st, c.w)
}

// figure is an amount or a number on the first line of a row, smaller where the
// column is narrower.
func (s *sheet) figure(c cell, text string, st style) block {
	return block{st.leading(), func(y float64) {
		s.textRight(c.x+c.w, y+st.rise()+(st.leading()-st.size)/2, text, st, c.w)
	}}
}

// tableHead is the row of column names with a rule under it.
func (s *sheet) tableHead(cells []cell) block {
	heads := make([]block, len(cells))
	for i, c := range cells {
		heads[i] = s.cell(c, c.head, labelType)
	}
	row := low(heads...)
	return block{row.height + 4, func(y float64) {
		row.draw(y)
		s.rule(left, right, y+row.height+4, 1, ink)
	}}
}

// tableRow pads a row and draws a hairline under it.
func (s *sheet) tableRow(cells ...block) block {
	const space = 5.0
	row := beside(cells...)
	return block{row.height + 2*space, func(y float64) {
		row.draw(y + space)
		s.rule(left, right, y+row.height+2*space, 0.5, pale)
	}}
}

// flow draws a table: its head again on each page, and the tail, of which the
// first block is never alone on a page: it takes the last two rows along, of a
// short table the last one.
func (s *sheet) flow(head block, rows, tail []block) {
	taken := 2
	if len(rows) <= 3 {
		taken = 1
	}
	need := func(i int) float64 {
		if i < len(rows)-taken {
			return rows[i].height
		}
		rest := tail[0].height
		for _, b := range rows[i:] {
			rest += b.height
		}
		if rest > bottom-nextTop-head.height {
			return rows[i].height
		}
		return rest
	}
	if len(rows) > 0 {
		s.room(head.height + need(0))
	}
	s.place(head)
	for i, b := range rows {
		if i > 0 && s.room(need(i)) {
			s.place(head)
		}
		s.place(b)
	}
	for _, b := range tail {
		s.place(b)
	}
}

// table draws the lines, and under them the totals.
func (s *sheet) table() {
	d := s.d
	number := cell{head: s.say("doc.line.number"), x: left, w: 20}
	if len(d.Lines) > 99 {
		number.w = 25
	}
	net := cell{s.say("doc.line.net"), right - 72, 72, true}
	vat := cell{s.say("doc.line.vat"), net.x - 36, 30, true}
	price := cell{s.say("doc.line.price"), vat.x - 70, 64, true}
	rate := ""
	if len(d.VAT) == 1 && d.VAT[0].RateSet && !withoutVAT(d) { // of several rates the lines do not say theirs
		rate = s.t.Percent(int64(d.VAT[0].Rate))
	} else {
		price.x = net.x - 72
	}
	quantity := cell{s.say("doc.line.quantity"), price.x - 66, 62, true}
	words := cell{head: s.say("doc.line.description"), x: left + number.w, w: quantity.x - left - number.w - 8}
	cells := []cell{number, words, quantity, price, vat, net}
	if rate == "" {
		cells = slices.Delete(cells, 4, 5)
	}
	rows := make([]block, len(d.Lines))
	for i, l := range d.Lines {
		text := []block{s.phrase(words.x, s.frozen(l.Description, l.Also), strongType, words.w)}
		if l.Detail != "" {
			text = append(text, s.paragraph(words.x, l.Detail, noteType, words.w))
		}
		rows[i] = s.tableRow(
			s.cell(number, phrase{text: s.t.Number(int64(l.ID))}, style{strongType.size, false, grey}), stack(text...),
			s.cell(quantity, s.quantity(l), bodyType), s.figure(price, s.money(l.UnitPrice), bodyType),
			s.figure(vat, rate, bodyType), s.figure(net, s.money(l.Net), bodyType),
		)
	}
	s.flow(s.tableHead(cells), rows, s.totals())
}

// quantity is the number of units with their name.
func (s *sheet) quantity(l invoice.Line) phrase {
	switch l.Unit {
	case invoice.UnitMonth:
		return s.count("doc.unit.month", int(l.Quantity))
	case invoice.UnitPiece:
		return s.count("doc.unit.piece", int(l.Quantity))
	}
	return phrase{text: strings.TrimSpace(s.t.Number(l.Quantity) + " " + string(l.Unit))}
}

// The columns under the table: the VAT ends at vatEnd, the sums begin at
// sumsStart.
const (
	sumsStart = right - 224.0
	vatEnd    = sumsStart - 24
)

// totals draws the sums on the right and the VAT of each rate on the left, then
// the sentences that the law wants where there is no VAT: one block, unless it
// is very long. The first block is kept together with the end of the table.
func (s *sheet) totals() []block {
	sums := s.sums()
	var first []block
	var rest []block
	if rates := s.rates(); len(rates) > 0 && !withoutVAT(s.d) {
		if len(rates) <= 8 {
			if s.d.Kind == invoice.KindBankInvoice {
				rates = append(rates, gap(6), s.phrase(left, s.say("doc.vat.expected_note"), labelType, vatEnd-left))
			}
			first = append(first, stack(rates...))
		} else { // nobody has so many; but nothing may fall off the page
			rest = append(rest, rates...)
		}
	}
	first = append(first, sums)
	blocks := append([]block{stack(gap(12), beside(first...))}, rest...)
	for _, v := range s.d.VAT {
		if v.Text != "" {
			blocks = append(blocks, stack(gap(10), s.paragraph(left, v.Text, strongType, frameWidth)))
		}
	}
	if x := s.d.Exchange; x != nil {
		words := s.each(func(t i18n.Translator) string {
			return t.T("doc.vat.in_eur", "Amount", t.Money(int64(x.VAT), string(money.EUR)), "Rate", t.Decimal(x.Decimal()),
				"Currency", s.d.Currency, "Source", x.Source, "Date", date(t, x.Day))
		})
		blocks = append(blocks, stack(gap(8), s.phrase(left, words, bodyType, frameWidth)))
	}
	if s.d.Returned == nil { // else it comes after where the money goes
		blocks = append(blocks, s.verify())
	}
	if whole := stack(blocks...); whole.height < (bottom-nextTop)/2 {
		return []block{whole}
	}
	return blocks
}

// sums is the column from the net of the lines to what is due.
func (s *sheet) sums() block {
	const start = sumsStart
	amounts := cell{x: right - 96, w: 96, figures: true}
	d := s.d
	var rows []block
	add := func(label phrase, amount money.Amount, st style, space float64) {
		row := beside(s.inline(start, label, st, amounts.x-start-6), s.figure(amounts, s.money(amount), st))
		rows = append(rows, block{row.height + space, func(y float64) { row.draw(y + space/2) }})
	}
	line := func(ink color, thickness float64) {
		rows = append(rows, block{5, func(y float64) { s.rule(start, right, y+2.5, thickness, ink) }})
	}
	if d.Discount != nil {
		add(s.say("doc.sum.lines"), d.LinesNet, bodyType, 3)
		label := s.frozen(d.Discount.Reason, d.Discount.Also)
		if label.text == "" {
			label = s.say("doc.sum.discount", "Percent", s.t.Percent(int64(d.Discount.Percent)))
		}
		add(label, -d.Discount.Amount, bodyType, 3)
	}
	if !withoutVAT(d) {
		add(s.say("doc.sum.net"), d.Net, bodyType, 3)
		add(s.say("doc.sum.vat"), d.VATTotal, bodyType, 3)
	}
	if len(rows) > 0 {
		line(ink, 1)
	}
	switch d.Kind {
	case invoice.KindCreditNote:
		add(s.say("doc.sum.credited"), d.Total, totalType, 4)
	case invoice.KindBankInvoice:
		if d.Paid != 0 {
			add(s.say("doc.sum.total"), d.Total, strongType, 4)
			add(s.say("doc.sum.paid"), -d.Paid, bodyType, 3)
			line(pale, 0.5)
		}
		add(s.say("doc.sum.to_pay"), d.Due, totalType, 4)
	default:
		add(s.say("doc.sum.total"), d.Total, totalType, 4)
		add(s.say("doc.sum.paid"), -d.Paid, bodyType, 3)
		line(pale, 0.5)
		add(s.say("doc.sum.due"), d.Due, strongType, 3)
	}
	return stack(rows...)
}

// rates is the VAT of each rate and category (Dir. 2006/112/EC art. 226(8)-(10)).
func (s *sheet) rates() []block {
	d := s.d
	title := "doc.vat.title"
	if d.Kind == invoice.KindBankInvoice {
		title = "doc.vat.title_expected"
	}
	tax := cell{s.say("doc.vat.amount"), vatEnd - 58, 58, true}
	base := cell{s.say("doc.vat.base"), tax.x - 66, 60, true}
	words := cell{head: s.say(title), x: left, w: base.x - left - 6}
	head := low(s.cell(words, words.head, labelType), s.cell(base, base.head, labelType), s.cell(tax, tax.head, labelType))
	blocks := []block{{head.height + 7, func(y float64) {
		head.draw(y)
		s.rule(left, vatEnd, y+head.height+3, 0.5, pale)
	}}}
	for _, v := range d.VAT {
		blocks = append(blocks, beside(s.cell(words, s.rate(v), bodyType), s.figure(base, s.money(v.Base), bodyType), s.figure(tax, s.money(v.Amount), bodyType)), gap(3))
	}
	return blocks
}

// rate names a category and its rate; a rate that is absent is not zero.
func (s *sheet) rate(v invoice.VATLine) phrase {
	var name phrase
	switch v.Category {
	case "AE":
		name = s.say("doc.vat.reverse_charge")
	case "E":
		name = s.say("doc.vat.exempt")
	case "O":
		name = s.say("doc.vat.outside")
	default:
		name = s.say("doc.vat.standard", "Country", v.Country)
	}
	if v.RateSet {
		name.text += " " + s.t.Percent(int64(v.Rate))
	}
	return phrase{clean(name.text, limitField), clean(name.also, limitField)}
}

// footer names the seller on every page.
func (s *sheet) footer() string {
	p := s.d.Seller
	parts := []string{p.Name}
	if p.CompanyCode != "" {
		parts = append(parts, s.t.T("doc.company_code", "Code", p.CompanyCode))
	}
	if p.VATNumber != "" {
		parts = append(parts, s.t.T("doc.vat_number", "Number", p.VATNumber))
	}
	return clean(strings.Join(parts, "  ·  "), 140)
}

// groups writes an IBAN or a reference in groups of four.
func groups(code string) string {
	var b strings.Builder
	for i, r := range []rune(code) {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}
