package pdf

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

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

// Render draws a document as a PDF file. The same document gives the same
// bytes. It fails on a document without number, day of issue or known kind.
func Render(doc invoice.Document) ([]byte, error) {
	s, err := lay(doc)
	if err != nil {
		return nil, err
	}
	return s.bytes(meta{
		title:  s.title() + " " + s.d.Number,
		author: s.d.Seller.Name,
		lang:   s.t.Lang(),
		date:   time.Date(doc.IssueDate.Year, doc.IssueDate.Month, doc.IssueDate.Day, 0, 0, 0, 0, time.UTC),
	}, addCut)
}

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
	s := &sheet{canvas: newCanvas(), d: doc, t: i18n.New(doc.Language)}
	s.addPage()
	s.y = top
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
		clear(limitName, &d.Lines[i].Description)
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
		clear(limitField, &discount.Reason)
		d.Discount = &discount
	}
	if d.Corrects != nil {
		corrects := *d.Corrects
		clear(limitText, &corrects.Reason)
		clear(limitCode, &corrects.Number)
		d.Corrects = &corrects
	}
	if d.Returned != nil {
		returned := *d.Returned
		clear(limitField, &returned.Label)
		d.Returned = &returned
	}
	clear(limitName, &d.Payment.From)
	clear(limitField, &d.Payment.Beneficiary, &d.Payment.Bank, &d.Payment.BankAddress)
	clear(limitCode, &d.Payment.IBAN, &d.Payment.BIC)
}

// withoutVAT says that the seller has no VAT number: the document then is a
// plain invoice and has no columns of VAT.
func (s *sheet) withoutVAT() bool { return s.d.Seller.VATNumber == "" && s.d.VATTotal == 0 }

func (s *sheet) title() string {
	switch {
	case s.d.Kind == invoice.KindBankInvoice:
		return s.t.T("doc.title.bank_invoice")
	case s.d.Kind == invoice.KindReceipt:
		return s.t.T("doc.title.receipt")
	case s.d.Kind == invoice.KindCreditNote:
		return s.t.T("doc.title.credit_note")
	case s.withoutVAT():
		return s.t.T("doc.title.invoice")
	}
	return s.t.T("doc.title.vat_invoice")
}

// localTitle is the name that Lithuanian accounting knows the document by.
func (s *sheet) localTitle() string {
	switch {
	case s.d.Kind == invoice.KindBankInvoice:
		return "Išankstinė sąskaita"
	case s.d.Kind == invoice.KindReceipt:
		return "Mokėjimo patvirtinimas"
	case s.d.Kind == invoice.KindCreditNote && s.withoutVAT():
		return "Kreditinė sąskaita"
	case s.d.Kind == invoice.KindCreditNote:
		return "Kreditinė PVM sąskaita faktūra"
	case s.withoutVAT():
		return "Sąskaita faktūra"
	}
	return "PVM sąskaita faktūra"
}

// head draws the wordmark, the title, the amount and the numbers and dates.
func (s *sheet) head() {
	const panelWidth, padding = right - sumsStart, 14.0
	titleWidth := frameWidth - panelWidth - 24
	words := []block{
		{46, func(y float64) { s.wordmark(left, y+16, 21) }},
		s.paragraph(left, s.title(), titleType, titleWidth),
		s.paragraph(left, s.localTitle(), style{10, false, grey}, titleWidth),
	}
	if s.d.Kind == invoice.KindBankInvoice {
		words = append(words, gap(6), s.paragraph(left, s.t.T("doc.bank_invoice.not_vat"), strongType, titleWidth))
	}
	if s.d.Kind == invoice.KindReceipt {
		words = append(words, gap(6), s.paragraph(left, s.t.T("doc.receipt.no_invoice"), strongType, titleWidth))
	}
	if c := s.d.Corrects; c != nil {
		words = append(words, gap(6), s.paragraph(left, s.t.T("doc.corrects", "Number", c.Number, "Date", s.t.DateShort(c.IssueDate.Year, c.IssueDate.Month, c.IssueDate.Day)), strongType, titleWidth))
		if c.Reason != "" {
			words = append(words, s.paragraph(left, c.Reason, bodyType, titleWidth))
		}
	}

	label, amount, sub := s.headline()
	x := right - panelWidth
	inner := panelWidth - 2*padding - 4
	text := stack(
		s.paragraph(x+padding+4, label, style{9, false, grey}, inner),
		gap(2),
		block{amountType.size * 1.2, func(y float64) { s.text(x+padding+4, y+amountType.size*0.93, amount, amountType, inner) }},
		gap(4),
		s.paragraph(x+padding+4, sub, bodyType, inner),
	)
	panel := s.background(x, panelWidth, padding, tint, text)
	s.place(beside(stack(words...), block{panel.height, func(y float64) {
		panel.draw(y)
		s.panel(x, y, 4, panel.height, 2, brand)
	}}))
	s.y += 20

	number := s.t.T("doc.number")
	if s.d.Kind == invoice.KindBankInvoice { // it has no number of its own
		number = s.t.T("doc.order")
	}
	list := []fact{
		{number, s.d.Number, true},
		{s.t.T("doc.issued"), s.date(s.d.IssueDate), false},
	}
	if !s.d.TaxPoint.IsZero() {
		label := s.t.T("doc.tax_point")
		if s.d.Kind == invoice.KindCreditNote {
			label = s.t.T("doc.tax_point.corrected")
		}
		list = append(list, fact{label, s.date(s.d.TaxPoint), false})
	}
	if !s.d.ValidUntil.IsZero() {
		list = append(list, fact{s.t.T("doc.valid_until"), s.date(s.d.ValidUntil), false})
	}
	if s.d.OrderNumber != "" && s.d.OrderNumber != s.d.Number {
		list = append(list, fact{s.t.T("doc.order"), s.d.OrderNumber, false})
	}
	s.divide()
	s.place(s.facts(list))
	s.y += 12
}

// divide draws a hairline across the page.
func (s *sheet) divide() {
	s.rule(left, right, s.y, 0.5, pale)
	s.y += 12
}

// headline is what the eye lands on: what is to be paid, or what was.
func (s *sheet) headline() (label, amount, sub string) {
	d := s.d
	switch {
	case d.Kind == invoice.KindCreditNote:
		return s.t.T("doc.headline.credited"), s.money(d.Total), ""
	case d.Kind == invoice.KindReceipt:
		return s.t.T("doc.headline.received"), s.money(d.Total), s.paidBy()
	case d.Kind == invoice.KindInvoice && d.Due <= 0:
		return s.t.T("doc.headline.paid"), s.money(d.Total), s.paidBy()
	}
	if !d.ValidUntil.IsZero() {
		sub = s.t.T("doc.headline.pay_by", "Date", s.date(d.ValidUntil))
	}
	return s.t.T("doc.headline.due"), s.money(d.Due), sub
}

// paidBy says how and when the money came.
func (s *sheet) paidBy() string {
	p := s.d.Payment
	if p.PaidOn.IsZero() {
		return ""
	}
	day := s.date(p.PaidOn)
	switch p.Method {
	case "bank":
		return s.t.T("doc.paid.bank", "Date", day)
	case "card":
		return s.t.T("doc.paid.card", "Date", day)
	case "balance":
		return s.t.T("doc.paid.balance", "Date", day)
	}
	return s.t.T("doc.paid.other", "Date", day)
}

// parties draws seller and buyer, and what and whom the service is for.
func (s *sheet) parties() {
	const gutter, sellerWidth = 18.0, 158.0
	const x = left + 3*(factWidth+factGutter) // under the fourth fact
	const buyerWidth = x - left - sellerWidth - 2*gutter
	var service []block
	for _, f := range []fact{
		{s.t.T("doc.customer"), s.d.Customer, false},
		{s.t.T("doc.period"), s.period(), false},
		{s.t.T("doc.po"), s.d.POReference, false},
	} {
		if f.value == "" {
			continue
		}
		if len(service) > 0 {
			service = append(service, gap(7))
		}
		service = append(service, s.paragraph(x, f.label, labelType, right-x), gap(1), s.paragraph(x, f.value, bodyType, right-x))
	}
	seller, buyer := "doc.seller", "doc.buyer"
	if s.d.Kind == invoice.KindReceipt { // nothing is sold
		seller, buyer = "doc.receipt.by", "doc.receipt.payer"
	}
	s.divide()
	s.place(beside(
		s.party(left, sellerWidth, s.t.T(seller), s.d.Seller),
		s.party(left+sellerWidth+gutter, buyerWidth, s.t.T(buyer), s.d.Buyer),
		stack(service...),
	))
	s.y += 22
}

func (s *sheet) party(x, limit float64, label string, p invoice.Party) block {
	country := p.Country
	if country != "" {
		country = s.t.Country(country)
	}
	lines := []string{p.Street, cityLine(p), clean(country, limitCode)}
	if p.CompanyCode != "" {
		lines = append(lines, s.t.T("doc.company_code", "Code", p.CompanyCode))
	}
	switch {
	case p.VATNumber != "":
		lines = append(lines, s.t.T("doc.vat_number", "Number", p.VATNumber))
	case p.VATNote != "":
		lines = append(lines, p.VATNote)
	}
	lines = append(lines, p.Email, p.Phone, strings.TrimPrefix(p.Website, "https://"))
	blocks := []block{
		s.paragraph(x, label, labelType, limit), gap(2),
		s.paragraph(x, p.Name, style{10, true, ink}, limit),
	}
	for _, text := range lines {
		if text != "" {
			blocks = append(blocks, s.paragraph(x, text, bodyType, limit))
		}
	}
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
func (s *sheet) period() string {
	d := s.d
	switch {
	case !d.ServiceFrom.IsZero() && !d.ServiceTo.IsZero():
		return s.t.T("doc.period.dates", "From", s.date(d.ServiceFrom), "To", s.date(d.ServiceTo))
	case d.ServiceMonths > 0:
		return s.t.N("doc.period.from_payment", d.ServiceMonths)
	}
	return ""
}

// table draws the lines, and under them, never alone on a page, the totals.
func (s *sheet) table() {
	const priceEnd, quantityEnd = right - 96.0, right - 186.0
	const words = quantityEnd - 88 - left
	const headerHeight = 15.0
	header := func() {
		y := s.y + 8
		s.text(left, y, s.t.T("doc.line.description"), labelType, words)
		s.textRight(quantityEnd, y, s.t.T("doc.line.quantity"), labelType, 84)
		s.textRight(priceEnd, y, s.t.T("doc.line.price"), labelType, 84)
		s.textRight(right, y, s.t.T("doc.line.net"), labelType, 90)
		s.rule(left, right, s.y+headerHeight, 1, ink)
		s.y += headerHeight
	}
	row := func(l invoice.Line) block {
		text := []block{s.paragraph(left, l.Description, strongType, words)}
		if l.Detail != "" {
			text = append(text, s.paragraph(left, l.Detail, noteType, words))
		}
		body := stack(text...)
		return block{body.height + 11, func(y float64) {
			body.draw(y + 6)
			base := y + 6 + bodyType.rise() + (bodyType.leading()-bodyType.size)/2
			s.textRight(quantityEnd, base, s.quantity(l), bodyType, 84)
			s.textRight(priceEnd, base, s.money(l.UnitPrice), bodyType, 86)
			s.textRight(right, base, s.money(l.Net), bodyType, 92)
			s.rule(left, right, y+body.height+11, 0.5, pale)
		}}
	}

	rows := make([]block, len(s.d.Lines))
	for i, l := range s.d.Lines {
		rows[i] = row(l)
	}
	totals := s.totals()
	// The totals take the last two lines along to the next page.
	need := func(i int) float64 {
		if i < len(rows)-2 {
			return rows[i].height
		}
		tail := totals[0].height
		for _, b := range rows[i:] {
			tail += b.height
		}
		if tail > bottom-nextTop-headerHeight {
			return rows[i].height
		}
		return tail
	}
	if len(rows) > 0 {
		s.room(headerHeight + need(0))
	}
	header()
	for i, b := range rows {
		if i > 0 && s.room(need(i)) {
			header()
		}
		b.draw(s.y)
		s.y += b.height
	}
	for _, b := range totals {
		s.place(b)
	}
}

// quantity is the number of units with their name.
func (s *sheet) quantity(l invoice.Line) string {
	switch l.Unit {
	case invoice.UnitMonth:
		return s.t.N("doc.unit.month", int(l.Quantity))
	case invoice.UnitPiece:
		return s.t.N("doc.unit.piece", int(l.Quantity))
	}
	return strings.TrimSpace(s.t.Number(l.Quantity) + " " + string(l.Unit))
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
	if rates := s.rates(); len(rates) > 0 && !s.withoutVAT() {
		if len(rates) <= 8 {
			if s.d.Kind == invoice.KindBankInvoice {
				rates = append(rates, gap(6), s.paragraph(left, s.t.T("doc.vat.expected_note"), style{7.5, false, grey}, vatEnd-left))
			}
			first = append(first, stack(rates...))
		} else { // nobody has so many; but nothing may fall off the page
			rest = append(rest, rates...)
		}
	}
	first = append(first, sums)
	blocks := append([]block{stack(gap(14), beside(first...))}, rest...)
	for _, v := range s.d.VAT {
		if v.Text != "" {
			blocks = append(blocks, stack(gap(8), s.paragraph(left, v.Text, bodyType, frameWidth)))
		}
	}
	if whole := stack(blocks...); whole.height < (bottom-nextTop)/2 {
		return []block{whole}
	}
	return blocks
}

// sums is the column from the net of the lines to what is due.
func (s *sheet) sums() block {
	const start = sumsStart
	d := s.d
	var rows []block
	add := func(label string, amount money.Amount, st style, space float64) {
		value := s.money(amount)
		text := s.paragraph(start, label, st, 122)
		rows = append(rows, block{text.height + space, func(y float64) {
			text.draw(y + space/2)
			s.textRight(right, y+space/2+st.rise()+(st.leading()-st.size)/2, value, st, 90)
		}})
	}
	line := func(ink color, thickness float64) {
		rows = append(rows, block{5, func(y float64) { s.rule(start, right, y+2.5, thickness, ink) }})
	}
	if d.Discount != nil {
		add(s.t.T("doc.sum.lines"), d.LinesNet, bodyType, 3)
		label := d.Discount.Reason
		if label == "" {
			label = s.t.T("doc.sum.discount", "Percent", s.t.Percent(int64(d.Discount.Percent)))
		}
		add(label, -d.Discount.Amount, bodyType, 3)
	}
	if !s.withoutVAT() {
		add(s.t.T("doc.sum.net"), d.Net, bodyType, 3)
		add(s.t.T("doc.sum.vat"), d.VATTotal, bodyType, 3)
	}
	if len(rows) > 0 {
		line(ink, 1)
	}
	switch d.Kind {
	case invoice.KindCreditNote:
		add(s.t.T("doc.sum.credited"), d.Total, totalType, 4)
	case invoice.KindBankInvoice:
		if d.Paid != 0 {
			add(s.t.T("doc.sum.total"), d.Total, strongType, 4)
			add(s.t.T("doc.sum.paid"), -d.Paid, bodyType, 3)
			line(pale, 0.5)
		}
		add(s.t.T("doc.sum.to_pay"), d.Due, totalType, 4)
	default:
		add(s.t.T("doc.sum.total"), d.Total, totalType, 4)
		add(s.t.T("doc.sum.paid"), -d.Paid, bodyType, 3)
		line(pale, 0.5)
		add(s.t.T("doc.sum.due"), d.Due, strongType, 3)
	}
	return stack(rows...)
}

// rates is the VAT of each rate and category (Dir. 2006/112/EC art. 226(8)-(10)).
func (s *sheet) rates() []block {
	const baseEnd = vatEnd - 66
	const words = baseEnd - 62 - left
	d := s.d
	title := s.t.T("doc.vat.title")
	if d.Kind == invoice.KindBankInvoice {
		title = s.t.T("doc.vat.title_expected")
	}
	blocks := []block{{18, func(y float64) {
		s.text(left, y+8, title, labelType, words)
		s.textRight(baseEnd, y+8, s.t.T("doc.vat.base"), labelType, 60)
		s.textRight(vatEnd, y+8, s.t.T("doc.vat.amount"), labelType, 60)
		s.rule(left, vatEnd, y+14, 0.5, pale)
	}}}
	for _, v := range d.VAT {
		text := s.paragraph(left, s.rate(v), bodyType, words)
		blocks = append(blocks, block{text.height + 3, func(y float64) {
			text.draw(y)
			base := y + bodyType.rise() + (bodyType.leading()-bodyType.size)/2
			s.textRight(baseEnd, base, s.money(v.Base), bodyType, 62)
			s.textRight(vatEnd, base, s.money(v.Amount), bodyType, 62)
		}})
	}
	return blocks
}

// rate names a category and its rate; a rate that is absent is not zero.
func (s *sheet) rate(v invoice.VATLine) string {
	var name string
	switch v.Category {
	case "AE":
		name = s.t.T("doc.vat.reverse_charge")
	case "E":
		name = s.t.T("doc.vat.exempt")
	case "O":
		name = s.t.T("doc.vat.outside")
	default:
		name = s.t.T("doc.vat.standard", "Country", v.Country)
	}
	if v.RateSet {
		name += " " + s.t.Percent(int64(v.Rate))
	}
	return clean(name, limitField)
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
