package pdf

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"
)

const (
	replacement = '\uFFFD' // drawn as a square
	noJoiner    = '\u200C' // keeps two Arabic letters apart; never drawn
	ellipsis    = '…'
)

// clean makes a string safe to draw: composed, on one line, at most limit
// characters, without control, bidirectional and other invisible characters,
// with a replacement sign for what no font has (security: a name must not be
// able to reorder or hide what stands beside it).
func clean(s string, limit int) string {
	if len(s) > 16*limit { // before any work is spent on it
		cut := 16 * limit
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut]
	}
	s = norm.NFC.String(strings.ToValidUTF8(s, string(replacement)))
	out := make([]rune, 0, len(s))
	space, marks, glued := false, 0, false
	for _, r := range s {
		if unicode.IsSpace(r) && r != '\u00A0' && r != '\u202F' {
			space, glued = true, false
			continue
		}
		switch {
		case r == '\u200D': // an emoji made of several is one sign
			glued = len(out) > 0 && out[len(out)-1] == replacement
			continue
		case unicode.In(r, unicode.Variation_Selector), 0x1F3FB <= r && r <= 0x1F3FF:
			continue
		case r == noJoiner:
			if space || len(out) == 0 {
				continue
			}
		case unicode.In(r, unicode.Cc, unicode.Cf):
			continue
		case unicode.In(r, unicode.M):
			if marks++; marks > 2 || space || len(out) == 0 {
				continue
			}
		default:
			marks = 0
		}
		if r != noJoiner && faceFor(r, false) == nil {
			if r = replacement; glued {
				glued = false
				continue
			}
		}
		glued = false
		if space && len(out) > 0 {
			out = append(out, ' ')
		}
		space = false
		out = append(out, r)
	}
	// What stood between a letter and its accent may be gone now.
	if kept := string(out); !norm.NFC.IsNormalString(kept) {
		return clean(norm.NFC.String(kept), limit)
	}
	if len(out) > limit {
		out = append(out[:limit-1], ellipsis)
	}
	return string(out)
}

// style is how a text is set; size in points.
type style struct {
	size  float64
	bold  bool
	color color
}

// run is a stretch of one face, in the order it is drawn.
type run struct {
	face *face
	text string
}

// line is one drawn line; width in points.
type line struct {
	runs  []run
	width float64
}

func width(rs []rune, st style) float64 {
	w := 0
	for _, r := range rs {
		if f := faceFor(r, st.bold); f != nil {
			w += f.advance(r)
		}
	}
	return float64(w) * st.size / 1000
}

// wrap sets cleaned text in lines no wider than limit (points), breaking at
// spaces, hyphens and between East Asian characters, and inside a word only
// where the word alone is too long.
func wrap(s string, st style, limit float64) []line {
	rs := shape([]rune(s))
	var lines []line
	start, opportunity, w := 0, 0, 0.0
	for i, r := range rs {
		next := width(rs[i:i+1], st)
		for w+next > limit && i > start && r != ' ' {
			end := i
			if opportunity > start {
				end = opportunity
			}
			lines = append(lines, newLine(rs[start:end], st))
			for start = end; start < i && rs[start] == ' '; start++ {
			}
			w = width(rs[start:i], st)
		}
		w += next
		if breakAfter(rs, i) {
			opportunity = i + 1
		}
	}
	if start < len(rs) {
		lines = append(lines, newLine(rs[start:], st))
	}
	return lines
}

func breakAfter(rs []rune, i int) bool {
	r, next := rs[i], ' '
	if i+1 < len(rs) {
		next = rs[i+1]
	}
	switch r {
	case ' ', '–', '—':
		return true
	case '-', '/':
		return i > 0 && unicode.IsLetter(rs[i-1]) && unicode.IsLetter(next)
	}
	return eastAsian(r) && (eastAsian(next) || unicode.IsLetter(next))
}

func eastAsian(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul)
}

// newLine orders a line for drawing and splits it by face.
func newLine(rs []rune, st style) line {
	// A space that does not break has done its work; people who search the
	// file or copy from it expect an ordinary one.
	rs = visual([]rune(strings.Trim(strings.ReplaceAll(string(rs), "\u00A0", " "), " ")))
	l := line{width: width(rs, st)}
	start := 0
	for i := 1; i <= len(rs); i++ {
		f := faceFor(rs[start], st.bold)
		if i < len(rs) && faceFor(rs[i], st.bold) == f {
			continue
		}
		if f != nil {
			l.runs = append(l.runs, run{f, string(rs[start:i])})
		}
		start = i
	}
	return l
}

// shape joins Arabic letters: fpdf reads no layout tables, so the joined forms
// are picked here, by the joining rules of the Unicode standard, section 9.2.
func shape(rs []rune) []rune {
	if !slices.ContainsFunc(rs, func(r rune) bool { return r == noJoiner || arabic(r) }) {
		return rs
	}
	neighbour := func(i, step int) rune {
		for i += step; i >= 0 && i < len(rs); i += step {
			if !unicode.In(rs[i], unicode.Mn) {
				return rs[i]
			}
		}
		return 0
	}
	out := make([]rune, 0, len(rs))
	for i := 0; i < len(rs); i++ {
		r := rs[i]
		forms, ok := arabicForms[r]
		if !ok {
			if r != noJoiner {
				out = append(out, r)
			}
			continue
		}
		before := arabicForms[neighbour(i, -1)][2] != 0 || neighbour(i, -1) == 'ـ'
		if i+1 < len(rs) && r == 'ل' {
			if ligature, ok := arabicLamAlef[rs[i+1]]; ok {
				out = append(out, ligature[index(before)])
				i++
				continue
			}
		}
		after := forms[2] != 0 && (arabic(neighbour(i, 1)) || neighbour(i, 1) == 'ـ')
		form := forms[index(before)|index(after)<<1]
		if form == 0 {
			form = r
		}
		out = append(out, form)
	}
	return out
}

func arabic(r rune) bool {
	forms, ok := arabicForms[r]
	return ok && forms[1] != 0
}

func index(b bool) int {
	if b {
		return 1
	}
	return 0
}

// visual puts the right-to-left stretches of a line into the order in which
// they are drawn from left to right. It is the Unicode bidirectional algorithm
// for a left-to-right paragraph without embeddings (clean removed them), where
// a number inside such a stretch keeps its own direction.
func visual(rs []rune) []rune {
	class := func(i int) bidi.Class {
		p, _ := bidi.LookupRune(rs[i])
		return p.Class()
	}
	rightward := func(c bidi.Class) bool { return c == bidi.R || c == bidi.AL }
	for i := 0; i < len(rs); i++ {
		if !rightward(class(i)) {
			continue
		}
		end := i
		for j := i; j < len(rs); j++ {
			c := class(j)
			if c == bidi.L {
				break
			}
			if rightward(c) || c == bidi.NSM || c == bidi.EN || c == bidi.AN {
				end = j
			}
		}
		end = closing(rs, i, end)
		part := rs[i : end+1]
		slices.Reverse(part)
		for k := 0; k < len(part); k++ { // numbers and marks were turned with the rest
			c, _ := bidi.LookupRune(part[k])
			first := k
			switch c.Class() {
			case bidi.EN, bidi.AN:
				for k+1 < len(part) && numeric(part, k+1) {
					k++
				}
				slices.Reverse(part[first : k+1])
			case bidi.NSM:
				for k+1 < len(part) && unicode.In(part[k], unicode.M) {
					k++
				}
				slices.Reverse(part[first : k+1])
			default:
				if m, ok := mirrored[part[k]]; ok {
					part[k] = m
				}
			}
		}
		i = end
	}
	return rs
}

// closing moves the end of a stretch behind the brackets that close one opened
// within it.
func closing(rs []rune, start, end int) int {
	open := 0
	for _, r := range rs[start : end+1] {
		open += bracket(r)
	}
	for i := end + 1; i < len(rs) && open > 0 && bracket(rs[i]) < 0; i++ {
		open--
		end = i
	}
	return end
}

func bracket(r rune) int {
	switch r {
	case '(', '[', '{', '«':
		return 1
	case ')', ']', '}', '»':
		return -1
	}
	return 0
}

func numeric(rs []rune, i int) bool {
	is := func(i int) bool {
		p, _ := bidi.LookupRune(rs[i])
		return p.Class() == bidi.EN || p.Class() == bidi.AN
	}
	if is(i) {
		return true
	}
	p, _ := bidi.LookupRune(rs[i])
	return (p.Class() == bidi.CS || p.Class() == bidi.ES) && i+1 < len(rs) && is(i+1)
}

var mirrored = map[rune]rune{
	'(': ')', ')': '(', '[': ']', ']': '[', '{': '}', '}': '{', '<': '>', '>': '<', '«': '»', '»': '«',
}
