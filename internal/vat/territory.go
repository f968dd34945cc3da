package vat

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/siptg/portal/internal/money"
	"golang.org/x/text/language"
)

//go:embed territories.csv
var territoriesCSV string

// Place is an address as VAT law sees it (Directive 2006/112/EC art. 5 to 7).
type Place struct {
	Country string            // ISO 3166-1, or "XI" for Northern Ireland; empty: no such country
	State   string            // member state whose VAT territory this is; empty outside the EU VAT territory
	Name    string            // of a territory with rules of its own; empty elsewhere
	Rate    money.BasisPoints // standard rate of the territory; 0: the State's
	Alert   string            // key of what the operator should look at; empty for nothing
	Review  bool              // nothing may be decided without a person
}

// territory is a row of territories.csv. In a postcode, x is any digit.
type territory struct {
	postcode string
	place    Place
}

var territories = must(parseTerritories(territoriesCSV))

// Territory returns the place of a country code and a postcode. It accepts "EL"
// and "UK", lower case, and postcodes with spaces or a country prefix ("D-78266").
// An empty postcode is an ordinary place of the country. Services to Northern
// Ireland are outside: its protocol covers goods only.
func Territory(country, postcode string) Place {
	country = normalCountry(country)
	postcode = normalPostcode(postcode)
	for _, t := range territories[country] {
		if t.covers(postcode) {
			return t.place
		}
	}
	if MemberState(country) {
		return Place{Country: country, State: country}
	}
	// Canonicalize shows withdrawn codes: "FX" and "DD" are no way out of the EU.
	region, err := language.ParseRegion(country)
	if err != nil || !region.IsCountry() || region.Canonicalize() != region || len(country) != 2 {
		return Place{}
	}
	return Place{Country: country}
}

func (t territory) covers(postcode string) bool {
	if t.postcode == "" {
		return true
	}
	if t.postcode[0] < 'A' { // digits: a country prefix may precede them
		postcode = strings.TrimLeft(postcode, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	}
	if len(postcode) < len(t.postcode) {
		return false
	}
	for i, want := range []byte(t.postcode) {
		got := postcode[i]
		if got != want && (want != 'x' || got < '0' || got > '9') {
			return false
		}
	}
	return true
}

// normalCountry returns the ISO code of a country as typed or as tax
// administrations write it. It keeps what it does not know.
func normalCountry(country string) string {
	switch country = strings.ToUpper(strings.TrimSpace(country)); country {
	case "EL":
		return "GR"
	case "UK":
		return "GB"
	}
	return country
}

func normalPostcode(postcode string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, postcode)
}

func parseTerritories(text string) (map[string][]territory, error) {
	rows, err := table(text, 8)
	if err != nil {
		return nil, err
	}
	parsed := map[string][]territory{}
	for _, row := range rows {
		t := territory{postcode: row[1], place: Place{Country: row[0], Name: row[2], State: row[4], Alert: row[6], Review: row[7] == "yes"}}
		if row[3] != "" {
			t.place.Country = row[3]
		}
		if row[5] != "" {
			percent, err := money.ParseDecimal(row[5])
			if err != nil {
				return nil, fmt.Errorf("vat: territory %s: %w", row[2], err)
			}
			t.place.Rate = money.BasisPoints(percent)
		}
		parsed[row[0]] = append(parsed[row[0]], t)
	}
	return parsed, nil
}
