package pdf

import (
	"strings"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/money"
)

// The frame of a page, in points. Text never leaves it; the running head stands
// above it and the footer below.
const (
	left       = 56.0
	right      = pageWidth - 56
	frameWidth = right - left
	top        = 50.0
	nextTop    = 86.0 // of the pages after the first, below the running head
	bottom     = 778.0
)

// The inks. Everything that carries meaning is dark enough to survive a black
// and white printer; blue is for the wordmark and for rules.
var (
	ink   = color{16, 32, 47}
	grey  = color{87, 103, 118}
	pale  = color{214, 222, 230}
	tint  = color{241, 247, 253}
	brand = color{0, 152, 255} // #0098FF
	white = color{255, 255, 255}
)

// The sizes of type.
var (
	titleType  = style{22, true, ink}
	amountType = style{24, true, ink}
	headType   = style{10.5, true, ink}
	bodyType   = style{9, false, ink}
	strongType = style{9, true, ink}
	noteType   = style{8.5, false, grey}
	labelType  = style{7.5, false, grey}
	totalType  = style{11, true, ink}
	codeType   = style{11, true, ink}
)

// leading returns the distance between the baselines of a style.
func (st style) leading() float64 { return st.size * 1.42 }

// rise returns the height of figures and capitals above the baseline.
func (st style) rise() float64 { return st.size * 0.73 }

// sheet is a document being laid out; y is where the next thing begins.
type sheet struct {
	*canvas
	d invoice.Document
	t i18n.Translator
	y float64
}

func (s *sheet) money(a money.Amount) string { return s.t.Money(int64(a), string(s.d.Currency)) }

// date writes a day so that it is not divided between lines.
func (s *sheet) date(d civil.Date) string {
	return strings.ReplaceAll(s.t.Date(d.Year, d.Month, d.Day), " ", "\u00A0")
}

// block is a piece of a page that is not divided.
type block struct {
	height float64
	draw   func(y float64) // y is its upper edge
}

// room starts a new page unless h points are free on this one. It reports
// whether it did.
func (s *sheet) room(h float64) bool {
	if s.y+h <= bottom {
		return false
	}
	s.turn()
	return true
}

// turn starts a page with the running head.
func (s *sheet) turn() {
	s.addPage()
	s.wordmark(left, top+10, 13)
	s.textRight(right, top+10, clean(s.title()+" "+s.d.Number, 90), noteType, frameWidth-90)
	s.rule(left, right, top+20, 0.5, pale)
	s.y = nextTop
}

func (s *sheet) place(b block) {
	s.room(b.height)
	b.draw(s.y)
	s.y += b.height
}

// wordmark draws the name of the service with its baseline at y.
func (s *sheet) wordmark(x, y, size float64) {
	st := style{size, true, brand}
	s.line(x, y, newLine([]rune("SIP.TG"), st), st)
}

// text draws cleaned text on one line with its baseline at y, smaller where it
// is wider than limit.
func (s *sheet) text(x, y float64, text string, st style, limit float64) {
	l, st := fit(text, st, limit)
	s.line(x, y, l, st)
}

// textRight is text that ends at x.
func (s *sheet) textRight(x, y float64, text string, st style, limit float64) {
	l, st := fit(text, st, limit)
	s.line(x-l.width, y, l, st)
}

func fit(text string, st style, limit float64) (line, style) {
	rs := shape([]rune(text))
	if w := width(rs, st); w > limit {
		st.size *= limit / w
	}
	return newLine(rs, st), st
}

// paragraph is wrapped text as a block.
func (s *sheet) paragraph(x float64, text string, st style, limit float64) block {
	lines := wrap(text, st, limit)
	return block{float64(len(lines)) * st.leading(), func(y float64) {
		for i, l := range lines {
			s.line(x, y+st.rise()+(st.leading()-st.size)/2+float64(i)*st.leading(), l, st)
		}
	}}
}

// stack puts blocks under each other.
func stack(blocks ...block) block {
	total := 0.0
	for _, b := range blocks {
		total += b.height
	}
	return block{total, func(y float64) {
		for _, b := range blocks {
			b.draw(y)
			y += b.height
		}
	}}
}

// beside puts blocks next to each other; they know their own x.
func beside(blocks ...block) block {
	tallest := 0.0
	for _, b := range blocks {
		tallest = max(tallest, b.height)
	}
	return block{tallest, func(y float64) {
		for _, b := range blocks {
			b.draw(y)
		}
	}}
}

func gap(h float64) block { return block{h, func(float64) {}} }

// fact is a small label with its value.
type fact struct {
	label, value string
	strong       bool
}

// Facts stand in four columns.
const (
	factColumns = 4
	factGutter  = 16.0
	factWidth   = (frameWidth - factGutter*(factColumns-1)) / factColumns
)

// facts sets label and value pairs in columns, row by row.
func (s *sheet) facts(list []fact) block {
	var rows []block
	for len(list) > 0 {
		n := min(factColumns, len(list))
		var row []block
		for i, f := range list[:n] {
			x := left + float64(i)*(factWidth+factGutter)
			st := bodyType
			if f.strong {
				st = strongType
			}
			row = append(row, stack(s.paragraph(x, f.label, labelType, factWidth), gap(1), s.paragraph(x, f.value, st, factWidth)))
		}
		list = list[n:]
		if len(rows) > 0 {
			rows = append(rows, gap(9))
		}
		rows = append(rows, beside(row...))
	}
	return stack(rows...)
}

// background draws fill behind a block, padded.
func (s *sheet) background(x, w, padding float64, fill color, b block) block {
	return block{b.height + 2*padding, func(y float64) {
		s.panel(x, y, w, b.height+2*padding, 6, fill)
		b.draw(y + padding)
	}}
}

// footers runs last, when the number of pages is known.
func (s *sheet) footers() {
	pages := s.pages
	owner := s.footer()
	for i := range pages {
		s.pages = pages[:i+1] // canvas draws on its last page
		s.rule(left, right, bottom+22, 0.5, pale)
		s.text(left, bottom+34, owner, labelType, frameWidth-110)
		s.textRight(right, bottom+34, s.t.T("doc.page", "Page", i+1, "Pages", len(pages)), labelType, 100)
	}
	s.pages = pages
}
