package einvoice

import (
	"bytes"
	"encoding/xml"
	"strings"
	"unicode"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/money"
)

// writer writes elements, one a line. Elements that would be empty are left out:
// receivers take an empty one for a mistake (PEPPOL-EN16931-R008).
type writer struct {
	b     bytes.Buffer
	depth int
}

// newWriter begins a file in UTF-8.
func newWriter() *writer {
	w := &writer{}
	w.b.WriteString(xml.Header)
	return w
}

// in writes an element with what content writes; attributes are pairs of name
// and value.
func (w *writer) in(name string, content func(), attributes ...string) {
	start := w.b.Len()
	w.open(name, attributes)
	w.b.WriteByte('\n')
	inside := w.b.Len()
	w.depth++
	content()
	w.depth--
	if w.b.Len() == inside {
		w.b.Truncate(start)
		return
	}
	w.indent()
	w.close(name)
}

// leaf writes an element with a text, unless that is blank.
func (w *writer) leaf(name, text string, attributes ...string) {
	text = plain(text)
	if text == "" {
		return
	}
	w.open(name, attributes)
	w.escape(text)
	w.close(name)
}

func (w *writer) open(name string, attributes []string) {
	w.indent()
	w.b.WriteString("<" + name)
	for i := 0; i+1 < len(attributes); i += 2 {
		w.b.WriteString(" " + attributes[i] + `="`)
		w.escape(plain(attributes[i+1]))
		w.b.WriteByte('"')
	}
	w.b.WriteByte('>')
}

func (w *writer) close(name string) { w.b.WriteString("</" + name + ">\n") }

func (w *writer) indent() {
	for range w.depth {
		w.b.WriteByte(' ')
	}
}

func (w *writer) escape(text string) {
	_ = xml.EscapeText(&w.b, []byte(text)) // fails only where the buffer does, which cannot
}

// plain takes out of a text what XML 1.0 forbids (section 2.2), the other control
// characters, and those that turn the direction of what stands beside them. Lines
// stay lines.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == '\uFFFE', r == '\uFFFF':
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	return strings.TrimSpace(text)
}

// line is plain for what is one line.
func line(text string) string {
	return strings.ReplaceAll(plain(text), "\n", " ")
}

// compact is a date as CII writes it (format 102 of UN/EDIFACT 2379).
func compact(d civil.Date) string { return strings.ReplaceAll(d.String(), "-", "") }

// percent writes a rate without zeros that say nothing: 21, 25.5.
func percent(rate money.BasisPoints) string {
	text := money.Amount(rate).Decimal()
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}
