package pdf

import (
	"strings"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/money"
)

// lithuanian is the language whose name of a document stands under its title in
// every language: documents are issued under Lithuanian law (vat.md 4.1).
const lithuanian = "lt"

// phrase is a text in the document's language and, where the document has one,
// in its second language: that stands under the first, smaller and grey.
type phrase struct{ text, also string }

// say is a phrase by its key. Days and amounts among the values are written as
// each language writes them.
func (s *sheet) say(key string, args ...any) phrase {
	return s.each(func(t i18n.Translator) string { return t.T(key, s.values(t, args)...) })
}

// count is say for a text with plural forms.
func (s *sheet) count(key string, n int, args ...any) phrase {
	return s.each(func(t i18n.Translator) string { return t.N(key, n, s.values(t, args)...) })
}

// frozen is a phrase whose texts stand in the document.
func (s *sheet) frozen(text, also string) phrase {
	if s.also == nil {
		also = ""
	}
	return phrase{text, also}
}

func (s *sheet) each(write func(i18n.Translator) string) phrase {
	p := phrase{text: write(s.t)}
	if s.also != nil {
		if p.also = write(*s.also); p.also == p.text {
			p.also = ""
		}
	}
	return p
}

func (s *sheet) values(t i18n.Translator, args []any) []any {
	out := make([]any, len(args))
	for i, a := range args {
		switch v := a.(type) {
		case civil.Date:
			a = date(t, v)
		case money.Amount:
			a = t.Money(int64(v), string(s.d.Currency))
		}
		out[i] = a
	}
	return out
}

// date writes a day so that it is not divided between lines.
func date(t i18n.Translator, d civil.Date) string {
	return strings.ReplaceAll(t.Date(d.Year, d.Month, d.Day), " ", "\u00A0")
}

// second is the style of the second language under text of a style.
func (st style) second() style { return style{max(6.5, min(9, st.size*0.82)), false, grey} }

// phrase sets a phrase as a block.
func (s *sheet) phrase(x float64, p phrase, st style, limit float64) block {
	first := s.paragraph(x, p.text, st, limit)
	if p.also == "" {
		return first
	}
	return stack(first, s.paragraph(x, p.also, st.second(), limit))
}

// inline is a phrase whose second language stands behind the first where there is
// room for it, and under it elsewhere.
func (s *sheet) inline(x float64, p phrase, st style, limit float64) block {
	const space = 6.0
	first, also := shape([]rune(p.text)), shape([]rune(p.also))
	w := width(first, st)
	if p.also == "" || w+space+width(also, st.second()) > limit {
		return s.phrase(x, p, st, limit)
	}
	return block{st.leading(), func(y float64) {
		base := y + st.rise() + (st.leading()-st.size)/2
		s.line(x, base, newLine(first, st), st)
		s.line(x+w+space, base, newLine(also, st.second()), st.second())
	}}
}

// phraseRight is a phrase that ends at x.
func (s *sheet) phraseRight(x float64, p phrase, st style, limit float64) block {
	first := s.paragraphRight(x, p.text, st, limit)
	if p.also == "" {
		return first
	}
	return stack(first, s.paragraphRight(x, p.also, st.second(), limit))
}
