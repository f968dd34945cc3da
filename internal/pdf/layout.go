package pdf

import (
	"slices"
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
	bottom     = 786.0
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
	numberType = style{12, true, ink}
	amountType = style{24, true, ink}
	headType   = style{10.5, true, ink}
	nameType   = style{10, true, ink}
	bodyType   = style{9, false, ink}
	strongType = style{9, true, ink}
	noteType   = style{8.5, false, grey}
	labelType  = style{7.5, false, grey}
	totalType  = style{11, true, ink}
	codeType   = style{11, true, ink}
)

// leading returns the distance between the baselines of a style: small type,
// which is labels of a line or two, stands closer.
func (st style) leading() float64 {
	if st.size < 8 {
		return st.size * 1.28
	}
	return st.size * 1.4
}

// rise returns the height of figures and capitals above the baseline.
func (st style) rise() float64 { return st.size * 0.73 }

// sheet is a document being laid out; y is where the next thing begins.
type sheet struct {
	*canvas
	d    invoice.Document
	t    i18n.Translator
	also *i18n.Translator // the second language; nil for none
	name phrase           // the title
	y    float64
}

// newSheet begins a document with its first page.
func newSheet(d invoice.Document, title string) *sheet {
	s := &sheet{canvas: newCanvas(), d: d, t: i18n.ForDocument(d.Language)}
	if also := i18n.ForDocument(d.Also); d.Also != "" && also.Lang() != s.t.Lang() {
		s.also = &also
	}
	s.name = phrase{text: s.t.T(title)}
	if local := i18n.ForDocument(lithuanian).T(title); local != s.name.text {
		s.name.also = local
	}
	s.addPage()
	s.y = top
	return s
}

func (s *sheet) money(a money.Amount) string { return s.t.Money(int64(a), string(s.d.Currency)) }

func (s *sheet) date(d civil.Date) string { return date(s.t, d) }

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
	s.wordmark(left, top+10, 12)
	s.textRight(right, top+10, clean(s.heading(), 90), noteType, frameWidth-90)
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

// paragraphRight is a paragraph whose lines end at x.
func (s *sheet) paragraphRight(x float64, text string, st style, limit float64) block {
	lines := wrap(text, st, limit)
	return block{float64(len(lines)) * st.leading(), func(y float64) {
		for i, l := range lines {
			s.line(x-l.width, y+st.rise()+(st.leading()-st.size)/2+float64(i)*st.leading(), l, st)
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

// low puts blocks next to each other on the same lower edge.
func low(blocks ...block) block {
	tallest := beside(blocks...).height
	return block{tallest, func(y float64) {
		for _, b := range blocks {
			b.draw(y + tallest - b.height)
		}
	}}
}

func gap(h float64) block { return block{h, func(float64) {}} }

// fact is a small label with its value.
type fact struct {
	label, value phrase
	style        style
}

// Facts stand in four columns.
const (
	factColumns = 4
	factGutter  = 16.0
	factWidth   = (frameWidth - factGutter*(factColumns-1)) / factColumns
)

// column returns where the nth of the four columns begins.
func column(n int) float64 { return left + float64(n)*(factWidth+factGutter) }

// facts sets label and value pairs in columns, row by row. The last of a row has
// the rest of it, and what is very long a row to itself. Those without a value are
// left out.
func (s *sheet) facts(list []fact) block {
	list = slices.DeleteFunc(list, func(f fact) bool { return f.value.text == "" })
	long := func(f fact) bool { return width([]rune(f.value.text), f.style) > 3*factWidth }
	var rows []block
	for len(list) > 0 {
		n := 1
		for !long(list[0]) && n < min(factColumns, len(list)) && !long(list[n]) {
			n++
		}
		row := make([]block, n)
		for i, f := range list[:n] {
			x, limit := column(i), factWidth
			if i == n-1 {
				limit = right - x
			}
			row[i] = stack(s.phrase(x, f.label, labelType, limit), gap(1), s.phrase(x, f.value, f.style, limit))
		}
		list = list[n:]
		if len(rows) > 0 {
			rows = append(rows, gap(8))
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

// footers runs last, when the number of pages is known. Every page says which
// document it is of, so that a sheet that was printed alone finds its way back.
func (s *sheet) footers() {
	pages := s.pages
	owner := s.footer()
	for i := range pages {
		s.pages = pages[:i+1] // canvas draws on its last page
		s.rule(left, right, bottom+14, 0.5, pale)
		page := s.say("doc.page", "Page", i+1, "Pages", len(pages))
		l, st := fit(clean(strings.Join(nonEmpty(s.d.Number, page.text, page.also), "  ·  "), 120), labelType, frameWidth/2)
		s.line(right-l.width, bottom+26, l, st)
		s.text(left, bottom+26, owner, labelType, frameWidth-l.width-14)
	}
	s.pages = pages
}

func nonEmpty(texts ...string) []string {
	return slices.DeleteFunc(texts, func(s string) bool { return s == "" })
}
