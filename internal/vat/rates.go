package vat

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
)

//go:embed rates.csv
var ratesCSV string

// validity is one standard rate with its first and last day; a zero last day
// is open.
type validity struct {
	from, to civil.Date
	rate     money.BasisPoints
}

// rates holds the standard rates of each member state, oldest first.
var rates = must(parseRates(ratesCSV))

// Rate returns the standard VAT rate of a member state (Directive 2006/112/EC
// art. 96, 97) on a day, in basis points: Finland's 25.5 % is 2550. It fails
// for a country outside the EU and for a day before the table begins.
func Rate(country string, on civil.Date) (money.BasisPoints, error) {
	for _, v := range rates[normalCountry(country)] {
		if !on.Before(v.from) && (v.to.IsZero() || !on.After(v.to)) {
			return v.rate, nil
		}
	}
	return 0, fault.Wrap(fault.Internal, "", fmt.Errorf("vat: no standard rate of %.8q on %s", country, on))
}

// MemberState reports whether country is a member state of the EU, by its
// ISO 3166-1 code or by the tax administrations' "EL". Parts of member states
// that are outside the EU VAT territory are Territory's business.
func MemberState(country string) bool {
	_, ok := rates[normalCountry(country)]
	return ok
}

// Countries returns the ISO 3166-1 codes of the member states in order.
func Countries() []string {
	codes := make([]string, 0, len(rates))
	for code := range rates {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	return codes
}

// parseRates reads country,rate in percent,first day,last day,source, sorted by
// first day within a country. It refuses ranges that overlap or leave a gap.
func parseRates(text string) (map[string][]validity, error) {
	rows, err := table(text, 5)
	if err != nil {
		return nil, err
	}
	parsed := map[string][]validity{}
	for _, row := range rows {
		percent, err := money.ParseDecimal(row[1])
		if err != nil {
			return nil, fmt.Errorf("vat: rates of %s: %w", row[0], err)
		}
		// A percentage with two decimals is a number of basis points.
		v := validity{rate: money.BasisPoints(percent)}
		if err := v.from.UnmarshalText([]byte(row[2])); err != nil || v.from.IsZero() {
			return nil, fmt.Errorf("vat: rates of %s: first day %q", row[0], row[2])
		}
		if err := v.to.UnmarshalText([]byte(row[3])); err != nil || !v.to.IsZero() && v.to.Before(v.from) {
			return nil, fmt.Errorf("vat: rates of %s: last day %q", row[0], row[3])
		}
		known := parsed[row[0]]
		if n := len(known); n > 0 && (known[n-1].to.IsZero() || known[n-1].to.AddDays(1) != v.from) {
			return nil, fmt.Errorf("vat: rates of %s: %s does not follow the day before", row[0], v.from)
		}
		parsed[row[0]] = append(known, v)
	}
	for country, known := range parsed {
		if !known[len(known)-1].to.IsZero() {
			return nil, fmt.Errorf("vat: rates of %s: the last one ends", country)
		}
	}
	return parsed, nil
}

// table reads CSV with one heading line.
func table(text string, columns int) ([][]string, error) {
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = columns
	rows, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("vat: %w", err)
	}
	if len(rows) < 2 {
		return nil, fmt.Errorf("vat: an empty table")
	}
	return rows[1:], nil
}

// must is for the embedded tables, which are part of the program.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
