package vat

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/siptg/portal/internal/fault"
)

// ID is a VAT number of the right form. Only VIES says whether it is in force.
type ID struct {
	Prefix   string // as on documents and in VIES: "EL" for Greece, "CHE" for Switzerland
	Number   string // what follows the prefix, normalised
	Mistyped bool   // the check digit is wrong: warn and ask VIES, whose answer overrides ours
}

// String writes the number as documents and VIES want it: "EL094259216".
func (id ID) String() string { return id.Prefix + id.Number }

// Country returns the ISO 3166-1 code of the country that gave the number, "XI"
// for Northern Ireland, and "" for the zero ID. Numbers of Monaco are French.
func (id ID) Country() string {
	if len(id.Prefix) < 2 {
		return ""
	}
	return formats[id.Prefix[:2]].country
}

// InVIES reports whether VIES knows numbers of this kind.
func (id ID) InVIES() bool { return id.Country() == "XI" || MemberState(id.Country()) }

// Prefixes are those of the numbers that VIES knows.
func Prefixes() []string {
	var all []string
	for prefix := range formats {
		if (ID{Prefix: prefix}).InVIES() {
			all = append(all, prefix)
		}
	}
	slices.Sort(all)
	return all
}

// format is the syntax of one country's numbers after the prefix.
type format struct {
	prefix  string
	country string // ISO 3166-1
	pattern *regexp.Regexp
	check   func(number string) bool // of a number that the pattern matches
}

// maxIDLength is more than any VAT number with separators needs.
const maxIDLength = 64

// ParseID reads a VAT number with its country prefix, in any case and with
// spaces, dots, dashes and slashes. A wrong form is an Invalid error with key
// "error.vat_number.format"; a wrong check digit is no error but ID.Mistyped.
// The numbers "EU…" and "IM…" of the special schemes are refused: they say
// nothing about a buyer.
func ParseID(s string) (ID, error) { return parseID(squeeze(s)) }

// CheckID is ParseID for a number that may lack its prefix, which country (ISO
// 3166-1, "EL" or "UK") then supplies. A prefix of another country is kept: that
// the two differ is for Decide to judge.
func CheckID(country, s string) (ID, error) {
	s = squeeze(s)
	typed, err := parseID(s)
	// French numbers may begin with any two letters, so a text can have two
	// readings; the right check digit tells, and in doubt the prefix typed.
	if f, known := formatOf(country); known && (err != nil || typed.Mistyped) {
		if own, ownErr := f.read(s); ownErr == nil && (err != nil || !own.Mistyped) {
			return own, nil
		}
	}
	return typed, err
}

// HasIDFormat reports whether CheckID knows the VAT numbers of country. Those of
// other countries are free text.
func HasIDFormat(country string) bool {
	_, known := formatOf(country)
	return known
}

func formatOf(country string) (format, bool) {
	country = normalCountry(country)
	switch country {
	case "GR":
		country = "EL"
	case "MC":
		country = "FR"
	}
	f, known := formats[country]
	return f, known
}

func parseID(s string) (ID, error) {
	if len(s) > 2 {
		prefix := s[:2]
		switch prefix {
		case "GR":
			s = "EL" + s[2:]
		case "UK":
			s = "GB" + s[2:]
		}
		if f, known := formats[s[:2]]; known && strings.HasPrefix(s, f.prefix) {
			return f.read(s[len(f.prefix):])
		}
	}
	return ID{}, malformed("no country prefix")
}

func (f format) read(number string) (ID, error) {
	if f.country == "BE" && len(number) == 9 { // as written before 2005
		number = "0" + number
	}
	if !f.pattern.MatchString(number) {
		return ID{}, malformed("no number of " + f.country)
	}
	return ID{Prefix: f.prefix, Number: number, Mistyped: !f.check(number)}, nil
}

func malformed(why string) error {
	return fault.Wrap(fault.Invalid, "error.vat_number.format", fmt.Errorf("vat: %s", why))
}

// squeeze upper-cases ASCII letters and drops separators, whatever keyboard or
// web page they come from. Other letters and digits stay, and match nothing.
func squeeze(s string) string {
	if len(s) > maxIDLength {
		return ""
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r == '.', r == '/', unicode.IsSpace(r), unicode.In(r, unicode.Z, unicode.Pd, unicode.Cf):
			return -1
		}
		return r
	}, s)
}

// formats holds every format under the first two letters of its prefix. The
// rules are those of python-stdnum, stricter for BE, MT, NL, RO and SK.
var formats = func() map[string]format {
	byPrefix := map[string]format{}
	for _, row := range []struct {
		prefix, country, pattern string
		check                    func(string) bool
	}{
		{"AT", "AT", `U\d{8}`, checkAT},
		{"BE", "BE", `[01]\d{9}`, checkBE},
		{"BG", "BG", `\d{9,10}`, checkBG},
		{"CY", "CY", `(?:[02-9]\d|1[013-9])\d{6}[A-Z]`, checkCY},
		{"CZ", "CZ", `\d{8,10}`, checkCZ},
		{"DE", "DE", `[1-9]\d{8}`, mod11and10},
		{"DK", "DK", `[1-9]\d{7}`, divisible(11, 2, 7, 6, 5, 4, 3, 2, 1)},
		{"EE", "EE", `\d{9}`, divisible(10, 3, 7, 1, 3, 7, 1, 3, 7, 1)},
		{"EL", "GR", `\d{9}`, checkEL},
		{"ES", "ES", `[A-HJNP-SUVW]\d{7}[0-9A-J]|[0-9KLMXYZ]\d{7}[A-HJ-NP-TV-Z]`, checkES},
		{"FI", "FI", `\d{8}`, divisible(11, 7, 9, 10, 5, 8, 4, 2, 1)},
		{"FR", "FR", `[0-9A-HJ-NP-Z]{2}\d{9}`, checkFR},
		{"HR", "HR", `\d{11}`, mod11and10},
		{"HU", "HU", `\d{8}`, divisible(10, 9, 7, 3, 1, 9, 7, 3, 1)},
		{"IE", "IE", `\d{7}[A-W][A-W]?|\d[A-Z+*]\d{5}[A-W]`, checkIE},
		{"IT", "IT", `\d{11}`, checkIT},
		{"LT", "LT", `\d{9}|\d{12}`, checkLT},
		{"LU", "LU", `\d{8}`, checkLU},
		{"LV", "LV", `\d{11}`, checkLV},
		{"MT", "MT", `[1-9]\d{7}`, checkMT},
		{"NL", "NL", `\d{9}B(?:0[1-9]|[1-9]\d)`, checkNL},
		{"PL", "PL", `\d{10}`, checkPL},
		{"PT", "PT", `[1-9]\d{8}`, checkPT},
		{"RO", "RO", `[1-9]\d{1,9}`, checkRO},
		{"SE", "SE", `\d{10}01`, checkSE},
		{"SI", "SI", `[1-9]\d{7}`, checkSI},
		{"SK", "SK", `[1-9]\d[2-4789]\d{7}`, checkSK},
		{"GB", "GB", `\d{9}|\d{12}|GD[0-4]\d{2}|HA[5-9]\d{2}`, checkGB},
		{"XI", "XI", `\d{9}|\d{12}|GD[0-4]\d{2}|HA[5-9]\d{2}`, checkGB},
		{"CHE", "CH", `\d{9}(?:MWST|TVA|IVA|TPV)`, checkCH},
		{"NO", "NO", `\d{9}MVA`, divisible(11, 3, 2, 7, 6, 5, 4, 3, 2, 1)},
	} {
		byPrefix[row.prefix[:2]] = format{row.prefix, row.country, regexp.MustCompile(`^(?:` + row.pattern + `)$`), row.check}
	}
	return byPrefix
}()
