package bank

import (
	"errors"
	"fmt"
	"strings"

	"github.com/siptg/portal/internal/fault"
)

// IBAN is an international bank account number (ISO 13616) in its electronic
// form: upper case, no spaces. A value made by ParseIBAN is valid.
type IBAN string

// ParseIBAN reads an IBAN with or without spaces, in any case. It checks the
// check digits and, for countries of the SWIFT IBAN registry, the length and
// where digits and letters stand. Failure is fault.Invalid with key
// error.bank.iban.
func ParseIBAN(s string) (IBAN, error) {
	id := compact(s)
	bad := func(why string) (IBAN, error) {
		return "", fault.Wrap(fault.Invalid, "error.bank.iban", fmt.Errorf("bank: IBAN %.40q: %s", s, why))
	}
	if len(id) < 15 || len(id) > 34 {
		return bad("not 15 to 34 characters")
	}
	if !isLetter(id[0]) || !isLetter(id[1]) {
		return bad("no country code")
	}
	if err := checkDigits(id); err != nil {
		return bad(err.Error())
	}
	if form, known := bban[id[:2]]; known && !fits(id[4:], form) {
		return bad("not the form " + form + " of its country")
	}
	return IBAN(id), nil
}

// Country returns the ISO 3166-1 code the IBAN begins with.
func (n IBAN) Country() string {
	if len(n) < 2 {
		return ""
	}
	return string(n[:2])
}

// Print writes the IBAN in groups of four, as ISO 13616 wants it on paper.
func (n IBAN) Print() string { return inFours(string(n)) }

// SEPA reports whether the account is in a country of the geographical scope
// of the SEPA schemes (EPC409-09).
func (n IBAN) SEPA() bool {
	return strings.Contains(eeaCountries+sepaOutsideEEA, " "+n.Country()+" ")
}

// eea reports whether the account is in the European Economic Area, where a
// SEPA payment needs no BIC.
func (n IBAN) eea() bool { return strings.Contains(eeaCountries, " "+n.Country()+" ") }

const (
	eeaCountries   = " AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK "
	sepaOutsideEEA = "AD AL CH GB GI MC MD ME MK RS SM VA "
)

// BIC is a business identifier code (ISO 9362) of 8 or 11 characters.
type BIC string

// ParseBIC checks the form of a BIC: four characters of the party, two letters
// of the country, two of the place, and optionally three of the branch. It
// cannot tell whether the code was ever issued. Failure is fault.Invalid with
// key error.bank.bic.
func ParseBIC(s string) (BIC, error) {
	id := compact(s)
	if (len(id) == 8 && fits(id, "4c2a2c")) || (len(id) == 11 && fits(id, "4c2a5c")) {
		return BIC(id), nil
	}
	return "", fault.Wrap(fault.Invalid, "error.bank.bic", fmt.Errorf("bank: %.40q is not a BIC", s))
}

// compact removes spaces, those of fixed width included, and turns ASCII
// letters to upper case. Nothing else changes, so other characters are refused
// later instead of being read as something they are not.
func compact(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '\t' || r == '\u00a0' || r == '\u202f':
			return -1
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		}
		return r
	}, s)
}

func inFours(s string) string {
	var b strings.Builder
	for len(s) > 4 {
		b.WriteString(s[:4])
		b.WriteByte(' ')
		s = s[4:]
	}
	b.WriteString(s)
	return b.String()
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'A' <= c && c <= 'Z' }

// checkDigits verifies the two check digits in third and fourth place (ISO
// 7064, MOD 97-10). 00, 01 and 99 are congruent to digits that the rule of
// making gives, but are never made: taking them would give one number two forms.
func checkDigits(id string) error {
	if len(id) < 5 || !isDigit(id[2]) || !isDigit(id[3]) {
		return errors.New("no check digits")
	}
	rest, ok := mod97(id[4:] + id[:4])
	switch {
	case !ok:
		return errors.New("not only letters A to Z and digits")
	case rest != 1 || id[2:4] == "00" || id[2:4] == "01" || id[2:4] == "99":
		return errors.New("wrong check digits")
	}
	return nil
}

// mod97 reads letters as 10 to 35 and returns the remainder of the number;
// false when another character is met.
func mod97(s string) (int, bool) {
	rest := 0
	for i := range len(s) {
		switch c := s[i]; {
		case isDigit(c):
			rest = (rest*10 + int(c-'0')) % 97
		case isLetter(c):
			rest = (rest*100 + int(c-'A') + 10) % 97
		default:
			return 0, false
		}
	}
	return rest, true
}

// fits compares s with a form of the IBAN registry such as "4a6n8c": so many
// letters (a), digits (n), letters or digits (c).
func fits(s, form string) bool {
	for form != "" {
		n := 0
		for isDigit(form[0]) {
			n = n*10 + int(form[0]-'0')
			form = form[1:]
		}
		kind := form[0]
		form = form[1:]
		if len(s) < n {
			return false
		}
		for i := range n {
			digit, letter := isDigit(s[i]), isLetter(s[i])
			if (!digit || kind == 'a') && (!letter || kind == 'n') {
				return false
			}
		}
		s = s[n:]
	}
	return s == ""
}

// bban is what follows the check digits, by country (SWIFT IBAN registry).
// A country that is not here has only its check digits verified.
var bban = map[string]string{
	"AD": "8n12c", "AE": "19n", "AL": "8n16c", "AT": "16n", "AZ": "4a20c", "BA": "16n", "BE": "12n",
	"BG": "4a6n8c", "BH": "4a14c", "BI": "23n", "BR": "23n1a1c", "BY": "4c4n16c", "CH": "5n12c", "CR": "18n",
	"CY": "8n16c", "CZ": "20n", "DE": "18n", "DJ": "23n", "DK": "14n", "DO": "4c20n", "EE": "16n", "EG": "25n",
	"ES": "20n", "FI": "14n", "FK": "2a12n", "FO": "14n", "FR": "10n11c2n", "GB": "4a14n", "GE": "2a16n",
	"GI": "4a15c", "GL": "14n", "GR": "7n16c", "GT": "24c", "HN": "4a20n", "HR": "17n", "HU": "24n",
	"IE": "4a14n", "IL": "19n", "IQ": "4a15n", "IS": "22n", "IT": "1a10n12c", "JO": "4a4n18c", "KW": "4a22c",
	"KZ": "3n13c", "LB": "4n20c", "LC": "4a24c", "LI": "5n12c", "LT": "16n", "LU": "3n13c", "LV": "4a13c",
	"LY": "21n", "MC": "10n11c2n", "MD": "20c", "ME": "18n", "MK": "3n10c2n", "MN": "16n", "MR": "23n",
	"MT": "4a5n18c", "MU": "4a19n3a", "NI": "4a20n", "NL": "4a10n", "NO": "11n", "OM": "3n16c", "PK": "4a16c",
	"PL": "24n", "PS": "4a21c", "PT": "21n", "QA": "4a21c", "RO": "4a16c", "RS": "18n", "RU": "14n15c",
	"SA": "2n18c", "SC": "4a20n3a", "SD": "14n", "SE": "20n", "SI": "15n", "SK": "20n", "SM": "1a10n12c",
	"SO": "19n", "ST": "21n", "SV": "4a20n", "TL": "19n", "TN": "20n", "TR": "6n16c", "UA": "6n19c",
	"VA": "18n", "VG": "4a16n", "XK": "16n", "YE": "4a4n18c",
}
