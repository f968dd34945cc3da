package bank

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// SameName reports whether two names of a person or company are likely the
// same: case, diacritics, punctuation, order of words and the legal form do not
// count, and German umlauts may be written out. It is for flagging, never for
// finding an order.
func SameName(a, b string) bool {
	for _, umlaut := range []*strings.Replacer{umlautsPlain, umlautsWritten} {
		for _, other := range []*strings.Replacer{umlautsPlain, umlautsWritten} {
			if x := nameWords(a, umlaut); len(x) > 0 && slices.Equal(x, nameWords(b, other)) {
				return true
			}
		}
	}
	return false
}

var (
	umlautsPlain   = strings.NewReplacer("ä", "a", "ö", "o", "ü", "u")
	umlautsWritten = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue")
	// letters that do not fall apart into a letter and a mark
	strokes = strings.NewReplacer("ł", "l", "ø", "o", "đ", "d", "ð", "d", "þ", "th", "ß", "ss", "æ", "ae", "œ", "oe", "ı", "i", "ħ", "h")
	// The dots of "S.A." go, so that it is one word; other marks part words.
	dots = strings.NewReplacer(".", "", "'", "", "’", "", "`", "")
)

func nameWords(s string, umlauts *strings.Replacer) []string {
	s = umlauts.Replace(strings.ToLower(norm.NFKC.String(s)))
	s = strokes.Replace(s)
	s = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFKD.String(s))
	words := initialsJoined(strings.FieldsFunc(dots.Replace(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }))
	slices.Sort(words)
	// A company may be called like a legal form; a name of nothing else stays.
	named := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return legalForms[w] })
	if len(named) == 0 {
		return words
	}
	return named
}

// initialsJoined makes one word of single letters in a row: "s r o", "z o o".
func initialsJoined(words []string) []string {
	var out []string
	single := false
	for _, w := range words {
		before := single
		first, size := utf8.DecodeRuneInString(w)
		single = size == len(w) && !unicode.IsDigit(first)
		if single && before {
			out[len(out)-1] += w
		} else {
			out = append(out, w)
		}
	}
	return out
}

// legalForms as they stand after nameWords took dots and diacritics away.
// "sp", "z" and "oo" are of "sp. z o.o.", "co" of "GmbH & Co. KG".
var legalForms = setOf(`uab mb ab vsi ii tub kub bendrija sia ik as ou fie gmbh mbh ggmbh ag kg kgaa ohg gbr ug ek ev co
	oy oyj aps is hf ehf ltd limited plc llp lp llc inc corp corporation company bv nv vof sa sas sasu sarl eurl sl slu slne
	srl srls spa snc lda sp z oo zoo spzoo sc sk spk sro sr vos kft zrt nyrt bt doo dd ood eood ad ead sca scs
	тов ооо ао ип фоп зао пао`)
