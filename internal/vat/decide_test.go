package vat

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"pgregory.net/rapid"
)

var (
	today  = civil.MustParse("2026-11-23")
	sellNo = Seller{Country: "LT", Scheme: SchemeNone}
	sellSV = Seller{Country: "LT", Scheme: SchemeSVS}
	sell   = Seller{Country: "LT", Scheme: SchemeStd}
	// Destination taxation with OSS, as from the day itself.
	sellOSS   = Seller{Country: "LT", Scheme: SchemeStd, OSS: true, DestSince: today}
	sellDest  = Seller{Country: "LT", Scheme: SchemeStd, DestSince: today}
	sellSVOSS = Seller{Country: "LT", Scheme: SchemeSVS, OSS: true, DestSince: today}
	// No Union scheme without a VAT number, whatever the configuration says.
	sellNoOSS = Seller{Country: "LT", Scheme: SchemeNone, OSS: true, DestSince: today}

	below = Turnover{Sale: 100_00}
)

func keyOf(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Key
	}
	return ""
}

// Every seller state against every kind of buyer, one answer each: the row, or
// the key of the refusal.
func TestDecisionTable(t *testing.T) {
	t.Parallel()
	sellers := []Seller{sellNo, sellSV, sell, sellOSS, sellDest, sellSVOSS, sellNoOSS}
	const (
		mismatch = "error.vat.country_mismatch"
		register = "error.vat.seller_not_registered"
		noOSS    = "error.vat.no_oss"
		review   = "error.vat.review"
	)
	same := func(s string) [7]string { return [7]string{s, s, s, s, s, s, s} }
	consumer := [7]string{"R8b", "R8b", "R8a", "R7", noOSS, "R7", noOSS}
	reverse := [7]string{register, "R4", "R4", "R4", "R4", "R4", register}
	for name, tt := range map[string]struct {
		buyer Buyer
		want  [7]string // none, svs, std, std+oss, std+dest, svs+oss, none+oss
	}{
		"LT consumer":             {Buyer{Country: "LT"}, [7]string{"R3", "R3", "R2", "R2", "R2", "R3", "R3"}},
		"LT company":              {Buyer{Country: "LT", Company: true}, [7]string{"R3", "R3", "R1", "R1", "R1", "R3", "R3"}},
		"LT business, valid":      {Buyer{Country: "LT", VATNumber: "LT119511515", VIES: StatusValid}, [7]string{"R3", "R3", "R1", "R1", "R1", "R3", "R3"}},
		"LT person, unknown":      {Buyer{Country: "LT", VATNumber: "LT119511515", VIES: StatusUnknown}, [7]string{"R3", "R3", "R2", "R2", "R2", "R3", "R3"}},
		"LT embassy":              {Buyer{Country: "LT", Diplomatic: true}, [7]string{"R3", "R3", "R12", "R12", "R12", "R3", "R3"}},
		"DE business, valid":      {Buyer{Country: "DE", VATNumber: "DE136695976", VIES: StatusValid, Company: true}, reverse},
		"DE valid, mistyped":      {Buyer{Country: "DE", VATNumber: "DE136695978", VIES: StatusValid}, reverse}, // VIES overrides our check digit
		"GR business, valid":      {Buyer{Country: "GR", VATNumber: "EL094259216", VIES: StatusValid}, reverse},
		"EL business, valid":      {Buyer{Country: "EL", VATNumber: "EL094259216", VIES: StatusValid}, reverse},
		"MC business, valid":      {Buyer{Country: "MC", VATNumber: "FR23000047372", VIES: StatusValid}, reverse},
		"DE business, invalid":    {Buyer{Country: "DE", VATNumber: "DE136695976", VIES: StatusInvalid, Company: true}, consumer},
		"DE business, unknown":    {Buyer{Country: "DE", VATNumber: "DE136695976", VIES: StatusUnknown, Company: true}, consumer},
		"DE business, not asked":  {Buyer{Country: "DE", VATNumber: "DE136695976", VIES: StatusNone, Company: true}, consumer},
		"DE business, zero state": {Buyer{Country: "DE", VATNumber: "DE136695976", Company: true}, consumer},
		"DE business, no number":  {Buyer{Country: "DE", Company: true}, consumer},
		"DE valid, no number":     {Buyer{Country: "DE", VIES: StatusValid, Company: true}, consumer},
		"DE valid, no VAT number": {Buyer{Country: "DE", VATNumber: "EU372000041", VIES: StatusValid}, consumer},
		"DE consumer":             {Buyer{Country: "DE"}, consumer},
		"MC consumer":             {Buyer{Country: "MC"}, consumer},
		"DE approved by hand":     {Buyer{Country: "DE", ManualBusiness: true}, [7]string{register, "R6b", "R6b", "R6b", "R6b", "R6b", register}},
		"LT approved by hand":     {Buyer{Country: "LT", ManualBusiness: true}, [7]string{"R3", "R3", "R1", "R1", "R1", "R3", "R3"}},
		"DE with FR, valid":       {Buyer{Country: "DE", VATNumber: "FR40303265045", VIES: StatusValid}, same(mismatch)},
		"DE with FR, unknown":     {Buyer{Country: "DE", VATNumber: "FR40303265045", VIES: StatusUnknown}, same(mismatch)},
		"DE with FR, invalid":     {Buyer{Country: "DE", VATNumber: "FR40303265045", VIES: StatusInvalid}, consumer},
		"DE with XI, valid":       {Buyer{Country: "DE", VATNumber: "XI432525179", VIES: StatusValid}, same(mismatch)},
		"LT with DE, valid":       {Buyer{Country: "LT", VATNumber: "DE136695976", VIES: StatusValid}, same(mismatch)},
		"EU institution":          {Buyer{Country: "BE", Diplomatic: true}, [7]string{"R8b", "R8b", "R12", "R12", "R12", "R7", noOSS}},
		"US consumer":             {Buyer{Country: "US"}, same("R9")},
		"CH company":              {Buyer{Country: "CH", VATNumber: "CHE107787577IVA", Company: true}, same("R9")},
		"GB with GB number":       {Buyer{Country: "GB", VATNumber: "GB980780684", Company: true}, same("R9")},
		"US embassy in the US":    {Buyer{Country: "US", Diplomatic: true}, same("R9")},
		"XI with valid number":    {Buyer{Country: "XI", VATNumber: "XI432525179", VIES: StatusValid, Company: true}, same("R10")},
		"Belfast":                 {Buyer{Country: "GB", Postcode: "BT1 5GS", VATNumber: "XI432525179", VIES: StatusValid}, same("R10")},
		"Canary Islands, valid":   {Buyer{Country: "ES", Postcode: "35001", VATNumber: "ESB58378431", VIES: StatusValid}, same("R9")},
		"Büsingen":                {Buyer{Country: "DE", Postcode: "78266"}, same("R9")},
		"Åland in FI":             {Buyer{Country: "FI", Postcode: "22100"}, same("R9")},
		"Réunion in FR":           {Buyer{Country: "FR", Postcode: "97400"}, same("R9")},
		"IM":                      {Buyer{Country: "IM"}, same("R9")},
		"GG":                      {Buyer{Country: "GG"}, same("R9")},
		"AX":                      {Buyer{Country: "AX"}, same("R9")},
		"Northern Cyprus":         {Buyer{Country: "CY", Postcode: "99010"}, same(review)},
		"nowhere":                 {Buyer{Country: "ZZ"}, same("error.vat.country")},
		"no country":              {Buyer{}, same("error.vat.country")},
	} {
		for i, seller := range sellers {
			got, err := Decide(seller, tt.buyer, today, below)
			answer := got.Row
			if err != nil {
				answer = keyOf(err)
			}
			if answer != tt.want[i] {
				t.Errorf("%s, seller %d: %s, want %s", name, i, answer, tt.want[i])
			}
		}
	}
}

// What each row says, in full.
func TestTreatments(t *testing.T) {
	t.Parallel()
	const (
		reverse   = "Reverse charge. Art. 44 and 196 Directive 2006/112/EC"
		reverseLT = "Atvirkštinis apmokestinimas. Direktyvos 2006/112/EB 44 ir 196 straipsniai"
		small     = "VAT exempt: small enterprises scheme, Art. 284 Directive 2006/112/EC"
		smallLT   = "PVM neskaičiuojamas: smulkiojo verslo schema"
	)
	sellEX := Seller{Country: "LT", Scheme: SchemeSVS, ExStates: []string{"LV", "GR"}, ExNumber: "LT123-EX"}
	for name, tt := range map[string]struct {
		seller Seller
		buyer  Buyer
		want   Treatment
	}{
		"R1": {sell, Buyer{Country: "LT", Company: true},
			Treatment{Row: "R1", Place: "LT", Category: "S", HasRate: true, Rate: 2100, Report: "lt"}},
		"R2": {sell, Buyer{Country: "LT"},
			Treatment{Row: "R2", Place: "LT", Category: "S", HasRate: true, Rate: 2100, Report: "lt"}},
		"R3": {sellSV, Buyer{Country: "LT"},
			Treatment{Row: "R3", Place: "LT", Category: "E", HasRate: true, Report: "none", ReasonEN: small, ReasonLT: smallLT}},
		"R4": {sell, Buyer{Country: "EL", VATNumber: "EL094259216", VIES: StatusValid},
			Treatment{Row: "R4", Place: "GR", Category: "AE", HasRate: true, VATEX: "VATEX-EU-AE", Report: "ecsl", ReasonEN: reverse, ReasonLT: reverseLT}},
		"R6b": {sellSV, Buyer{Country: "DE", ManualBusiness: true},
			Treatment{Row: "R6b", Place: "DE", Category: "AE", HasRate: true, VATEX: "VATEX-EU-AE", Report: "ecsl", ReasonEN: reverse, ReasonLT: reverseLT}},
		"R6, pending": {sellOSS, Buyer{Country: "DE", VATNumber: "DE136695976", VIES: StatusUnknown},
			Treatment{Row: "R7", Place: "DE", Category: "S", HasRate: true, Rate: 1900, Report: "oss", Alerts: []string{AlertPending}}},
		"R6, not asked": {sellOSS, Buyer{Country: "DE", VATNumber: "DE136695976"},
			Treatment{Row: "R7", Place: "DE", Category: "S", HasRate: true, Rate: 1900, Report: "oss", Alerts: []string{AlertPending}}},
		"R6, invalid": {sellOSS, Buyer{Country: "DE", VATNumber: "DE136695976", VIES: StatusInvalid},
			Treatment{Row: "R7", Place: "DE", Category: "S", HasRate: true, Rate: 1900, Report: "oss"}},
		"R7": {sellOSS, Buyer{Country: "FI"},
			Treatment{Row: "R7", Place: "FI", Category: "S", HasRate: true, Rate: 2550, Report: "oss"}},
		"R7, svs": {sellSVOSS, Buyer{Country: "FI"},
			Treatment{Row: "R7", Place: "FI", Category: "S", HasRate: true, Rate: 2550, Report: "oss", Alerts: []string{AlertSVSWithOSS}}},
		"R7, Monaco": {sellOSS, Buyer{Country: "MC"},
			Treatment{Row: "R7", Place: "FR", Category: "S", HasRate: true, Rate: 2000, Report: "oss"}},
		"R7, Jungholz": {sellOSS, Buyer{Country: "AT", Postcode: "6691"},
			Treatment{Row: "R7", Place: "AT", Category: "S", HasRate: true, Rate: 1900, Report: "oss"}},
		"R7, Azores": {sellOSS, Buyer{Country: "PT", Postcode: "9500-123"},
			Treatment{Row: "R7", Place: "PT", Category: "S", HasRate: true, Rate: 2300, Report: "oss", Alerts: []string{"vat.portugal_region"}}},
		"R7, Rhodes": {sellOSS, Buyer{Country: "GR", Postcode: "85100"},
			Treatment{Row: "R7", Place: "GR", Category: "S", HasRate: true, Rate: 2400, Report: "oss"}},
		"R7c": {sellEX, Buyer{Country: "EL"},
			Treatment{Row: "R7c", Place: "GR", Category: "E", HasRate: true, Report: "none",
				ReasonEN: "VAT exempt: SME scheme, Art. 284(2) Directive 2006/112/EC, no. LT123-EX",
				ReasonLT: "PVM neskaičiuojamas: smulkiojo verslo schema, Direktyvos 2006/112/EB 284 straipsnio 2 dalis, Nr. LT123-EX"}},
		"R8b beside R7c": {sellEX, Buyer{Country: "EE"},
			Treatment{Row: "R8b", Place: "LT", Category: "E", HasRate: true, Report: "none", ReasonEN: small, ReasonLT: smallLT}},
		"R8a": {sell, Buyer{Country: "HU"},
			Treatment{Row: "R8a", Place: "LT", Category: "S", HasRate: true, Rate: 2100, Report: "lt"}},
		"R8a, Jungholz": {sell, Buyer{Country: "AT", Postcode: "6691"},
			Treatment{Row: "R8a", Place: "LT", Category: "S", HasRate: true, Rate: 2100, Report: "lt"}},
		"R8b": {sellNo, Buyer{Country: "HU"},
			Treatment{Row: "R8b", Place: "LT", Category: "E", HasRate: true, Report: "none", ReasonEN: small, ReasonLT: smallLT}},
		"R9, company": {sell, Buyer{Country: "US", Company: true},
			Treatment{Row: "R9", Category: "O", VATEX: "VATEX-EU-O", Report: "none",
				ReasonEN: "Outside the scope of EU VAT, Art. 44 Directive 2006/112/EC", ReasonLT: "Ne PVM objektas Lietuvoje"}},
		"R9, consumer": {sell, Buyer{Country: "NO"},
			Treatment{Row: "R9", Category: "O", VATEX: "VATEX-EU-O", Report: "none", Alerts: []string{AlertForeignDuty},
				ReasonEN: "Outside the scope of EU VAT, Art. 58 Directive 2006/112/EC", ReasonLT: "Ne PVM objektas Lietuvoje"}},
		"R9, registered in the EU": {sell, Buyer{Country: "US", Company: true, VATNumber: "DE136695976", VIES: StatusValid},
			Treatment{Row: "R9", Category: "O", VATEX: "VATEX-EU-O", Report: "none", Alerts: []string{AlertNumberInside},
				ReasonEN: "Outside the scope of EU VAT, Art. 44 Directive 2006/112/EC", ReasonLT: "Ne PVM objektas Lietuvoje"}},
		"R9, Canary company": {sell, Buyer{Country: "ES", Postcode: "35001", Company: true, VATNumber: "ESB58378431", VIES: StatusValid},
			Treatment{Row: "R9", Category: "O", VATEX: "VATEX-EU-O", Report: "none",
				ReasonEN: "Outside the scope of EU VAT, Art. 44 Directive 2006/112/EC", ReasonLT: "Ne PVM objektas Lietuvoje"}},
		"R9, Réunion": {sell, Buyer{Country: "FR", Postcode: "97400", Company: true},
			Treatment{Row: "R9", Category: "O", VATEX: "VATEX-EU-O", Report: "none", Alerts: []string{"vat.french_overseas"},
				ReasonEN: "Outside the scope of EU VAT, Art. 44 Directive 2006/112/EC", ReasonLT: "Ne PVM objektas Lietuvoje"}},
		"R10": {sell, Buyer{Country: "XI", Company: true, VATNumber: "XI432525179", VIES: StatusValid},
			Treatment{Row: "R10", Category: "O", VATEX: "VATEX-EU-O", Report: "none",
				ReasonEN: "Outside the scope of EU VAT, Art. 44 Directive 2006/112/EC", ReasonLT: "Ne PVM objektas Lietuvoje"}},
		"R12": {sell, Buyer{Country: "LT", Diplomatic: true},
			Treatment{Row: "R12", Place: "LT", Category: "E", HasRate: true, VATEX: "VATEX-EU-151", Report: "lt",
				ReasonEN: "VAT exempt: Art. 151 Directive 2006/112/EC", ReasonLT: "Neapmokestinama PVM: Direktyvos 2006/112/EB 151 straipsnis"}},
	} {
		got, err := Decide(tt.seller, tt.buyer, today, below)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.Legal == "" {
			t.Errorf("%s names no source", name)
		}
		got.Legal = ""
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Art. 59c: EUR 10 000.00 is still within; a cent more, or last year, is not.
func TestThreshold(t *testing.T) {
	t.Parallel()
	for at, tt := range map[string]struct {
		turnover Turnover
		passed   bool
	}{
		"9 999.99":                {Turnover{YearToDate: 9_000_00, Sale: 999_99}, false},
		"10 000.00":               {Turnover{YearToDate: 9_000_00, Sale: 1_000_00}, false},
		"10 000.01":               {Turnover{YearToDate: 9_000_00, Sale: 1_000_01}, true},
		"10 000.01 at once":       {Turnover{Sale: 10_000_01}, true},
		"10 000.01 before":        {Turnover{YearToDate: 10_000_01}, true},
		"10 000.00 the year past": {Turnover{PreviousYear: 10_000_00, Sale: 1}, false},
		"10 000.01 the year past": {Turnover{PreviousYear: 10_000_01, Sale: 1}, true},
	} {
		for _, s := range []struct {
			name        string
			seller      Seller
			below, past string
		}{
			{"none", sellNo, "R8b", "error.vat.no_oss"},
			{"svs", sellSV, "R8b", "error.vat.no_oss"},
			{"std", sell, "R8a", "error.vat.no_oss"},
			{"none, OSS", Seller{Country: "LT", Scheme: SchemeNone, OSS: true}, "R8b", "error.vat.no_oss"},
			{"svs, OSS", Seller{Country: "LT", Scheme: SchemeSVS, OSS: true}, "R8b", "R7"},
			{"std, OSS", Seller{Country: "LT", Scheme: SchemeStd, OSS: true}, "R8a", "R7"},
			{"std, OSS, later", Seller{Country: "LT", Scheme: SchemeStd, OSS: true, DestSince: today.AddDays(1)}, "R8a", "R7"},
			{"std, OSS, exempt there", Seller{Country: "LT", Scheme: SchemeStd, OSS: true, ExStates: []string{"DE"}}, "R7c", "R7c"},
			{"std, OSS, already", sellOSS, "R7", "R7"},
		} {
			for _, status := range []Status{StatusNone, StatusInvalid, StatusUnknown, StatusValid} {
				buyer := Buyer{Country: "DE", VATNumber: "DE136695976", VIES: status}
				want, passes := s.below, tt.passed
				switch {
				case status == StatusValid && s.seller.Scheme == SchemeNone:
					want, passes = "error.vat.seller_not_registered", false
				case status == StatusValid:
					want, passes = "R4", false // a business does not count
				case s.below == s.past:
					passes = false // the threshold decides nothing there
				case tt.passed:
					want = s.past
				}
				got, err := Decide(s.seller, buyer, today, tt.turnover)
				answer := got.Row
				if err != nil {
					answer = keyOf(err)
				}
				if answer != want || got.DestinationFromNow != passes {
					t.Errorf("%s, %s, VIES %s: %s, from now %v; want %s, %v", at, s.name, status, answer, got.DestinationFromNow, want, passes)
				}
				if err == nil && slices.Contains(got.Alerts, AlertDestination) != passes {
					t.Errorf("%s, %s, VIES %s: alerts %v", at, s.name, status, got.Alerts)
				}
			}
		}
		// Sales at home and outside the EU do not count.
		for _, country := range []string{"LT", "US"} {
			if got, err := Decide(sellOSS, Buyer{Country: country}, today, tt.turnover); err != nil || got.DestinationFromNow {
				t.Errorf("%s, %s: %+v, %v", at, country, got, err)
			}
		}
	}
	if _, err := Decide(sell, Buyer{Country: "DE"}, today, Turnover{YearToDate: money.Max, Sale: 1}); !errors.Is(err, money.ErrOverflow) {
		t.Errorf("overflow: %v", err)
	}
}

// The day before Seller.DestSince is still taxed at home.
func TestDestinationSince(t *testing.T) {
	t.Parallel()
	for day, want := range map[string]string{"2026-11-22": "R8a", "2026-11-23": "R7", "2027-01-01": "R7"} {
		if got, err := Decide(sellOSS, Buyer{Country: "DE"}, civil.MustParse(day), below); err != nil || got.Row != want {
			t.Errorf("%s: %s, %v; want %s", day, got.Row, err, want)
		}
	}
}

// The rate is the one of the tax point.
func TestDecideTakesTheRateOfTheDay(t *testing.T) {
	t.Parallel()
	seller := Seller{Country: "LT", Scheme: SchemeStd, OSS: true, DestSince: civil.MustParse("2020-01-01")}
	for _, tt := range []struct {
		country, on string
		want        money.BasisPoints
	}{
		{"EE", "2025-06-30", 2200}, {"EE", "2025-07-01", 2400},
		{"RO", "2025-07-31", 1900}, {"RO", "2025-08-01", 2100},
		{"FI", "2024-08-31", 2400}, {"FI", "2024-09-01", 2550},
	} {
		if got, err := Decide(seller, Buyer{Country: tt.country}, civil.MustParse(tt.on), below); err != nil || got.Rate != tt.want {
			t.Errorf("%s on %s: %d, %v; want %d", tt.country, tt.on, got.Rate, err, tt.want)
		}
	}
}

func TestDecideRefusesABadSeller(t *testing.T) {
	t.Parallel()
	for _, seller := range []Seller{{}, {Country: "LT"}, {Scheme: SchemeStd}, {Country: "US", Scheme: SchemeStd}, {Country: "LT", Scheme: "oss"}} {
		if got, err := Decide(seller, Buyer{Country: "US"}, today, below); !fault.Is(err, fault.Internal) {
			t.Errorf("%+v: %+v, %v", seller, got, err)
		}
	}
	if got, err := Decide(sell, Buyer{Country: "LT"}, civil.Date{}, below); !fault.Is(err, fault.Internal) {
		t.Errorf("no day: %+v, %v", got, err)
	}
}

// Whatever comes in: without a "valid" of VIES or the operator's word, an
// ordinary VAT payer's sale inside the EU carries a positive rate or is refused;
// every answer is consistent in itself; alerts are never shared between calls.
func TestDecideNeverLowersTheTaxInDoubt(t *testing.T) {
	t.Parallel()
	countries := append(Countries(), "EL", "UK", "XI", "MC", "AX", "US", "CH", "GP", "ZZ", "")
	numbers := []string{"", "DE136695976", "DE136695978", "FR40303265045", "EL094259216", "LT119511515", "XI432525179", "garbage", "EU372000041"}
	rapid.Check(t, func(t *rapid.T) {
		seller := Seller{
			Country: "LT",
			Scheme:  rapid.SampledFrom([]Scheme{SchemeNone, SchemeSVS, SchemeStd}).Draw(t, "scheme"),
			OSS:     rapid.Bool().Draw(t, "oss"),
		}
		if rapid.Bool().Draw(t, "destination") {
			seller.DestSince = today.AddDays(rapid.IntRange(-1, 1).Draw(t, "since"))
		}
		buyer := Buyer{
			Country:        rapid.SampledFrom(countries).Draw(t, "country"),
			Postcode:       rapid.SampledFrom([]string{"", "35001", "22100", "97400", "9500", "6691", "10115", "BT1"}).Draw(t, "postcode"),
			VATNumber:      rapid.SampledFrom(numbers).Draw(t, "number"),
			VIES:           rapid.SampledFrom([]Status{StatusNone, StatusValid, StatusInvalid, StatusUnknown, ""}).Draw(t, "vies"),
			Company:        rapid.Bool().Draw(t, "company"),
			ManualBusiness: rapid.Bool().Draw(t, "manual"),
		}
		turnover := Turnover{
			YearToDate:   money.Amount(rapid.Int64Range(0, 20_000_00).Draw(t, "year")),
			PreviousYear: money.Amount(rapid.Int64Range(0, 20_000_00).Draw(t, "before")),
			Sale:         money.Amount(rapid.Int64Range(1, 20_000_00).Draw(t, "sale")),
		}
		got, err := Decide(seller, buyer, today, turnover)
		if err != nil {
			if fault.KindOf(err) == fault.Internal {
				t.Fatal(err)
			}
			return
		}
		place := Territory(buyer.Country, buyer.Postcode)
		if (got.Category == "O") != (place.State == "") || got.HasRate == (got.Category == "O") || (got.Place == "") != (got.Category == "O") {
			t.Fatalf("%+v for %+v", got, place)
		}
		if (got.Category == "S") != (got.Rate > 0) || (got.Category == "S") != (got.ReasonEN == "") || (got.ReasonEN == "") != (got.ReasonLT == "") {
			t.Fatalf("%+v", got)
		}
		if got.Category == "AE" && buyer.VIES != StatusValid && !buyer.ManualBusiness {
			t.Fatalf("reverse charge on VIES %q", buyer.VIES)
		}
		if seller.Scheme == SchemeStd && place.State != "" && got.Category != "S" && buyer.VIES != StatusValid && !buyer.ManualBusiness {
			t.Fatalf("no VAT: %+v", got)
		}
		tax, err := got.Tax(turnover.Sale)
		if err != nil || (tax > 0) != (got.Category == "S" && turnover.Sale*money.Amount(got.Rate) >= 5000) {
			t.Fatalf("tax %d on %d, %v: %+v", tax, turnover.Sale, err, got)
		}
		if len(got.Alerts) > 0 {
			first := got.Alerts[0]
			got.Alerts[0] = "changed"
			if again, _ := Decide(seller, buyer, today, turnover); again.Alerts[0] != first {
				t.Fatal("alerts are shared")
			}
		}
	})
}

func TestTax(t *testing.T) {
	t.Parallel()
	standard := func(rate money.BasisPoints) Treatment {
		return Treatment{Category: CategoryStandard, HasRate: true, Rate: rate}
	}
	for name, tt := range map[string]struct {
		treatment Treatment
		net, want money.Amount
	}{
		"three of 9.99 at 21 %":      {standard(2100), 3 * 9_99, 6_29},
		"100.50 at 25 %":             {standard(2500), 100_50, 25_13},
		"its credit note":            {standard(2500), -100_50, -25_13},
		"1260.00 at 21 %":            {standard(2100), 1260_00, 264_60},
		"100.00 at 25.5 %":           {standard(2550), 100_00, 25_50},
		"reverse charge":             {rows["R4"], 100_00, 0},
		"exempt":                     {rows["R3"], 100_00, 0},
		"outside":                    {rows["R9"], 100_00, 0},
		"nothing":                    {standard(2100), 0, 0},
		"the tie of 0.02 at 25.00 %": {standard(2500), 2, 1},
	} {
		if got, err := tt.treatment.Tax(tt.net); err != nil || got != tt.want {
			t.Errorf("%s: %d, %v; want %d", name, got, err, tt.want)
		}
	}
	if _, err := standard(2_000_000).Tax(money.Max); !errors.Is(err, money.ErrOverflow) {
		t.Errorf("overflow: %v", err)
	}
}

func BenchmarkDecide(b *testing.B) {
	for name, buyer := range map[string]Buyer{
		"consumer": {Country: "AT", Postcode: "1010"},
		"business": {Country: "DE", Postcode: "10115", VATNumber: "DE136695976", VIES: StatusValid},
		"outside":  {Country: "US", Postcode: "10001"},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := Decide(sellOSS, buyer, today, below); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func ExampleDecide() {
	treatment, err := Decide(
		Seller{Country: "LT", Scheme: SchemeStd},
		Buyer{Country: "DE", VATNumber: "DE136695976", VIES: StatusValid},
		civil.MustParse("2026-11-23"),
		Turnover{Sale: 100_00},
	)
	fmt.Println(treatment.Row, treatment.Category, treatment.ReasonEN, err)
	// Output: R4 AE Reverse charge. Art. 44 and 196 Directive 2006/112/EC <nil>
}
