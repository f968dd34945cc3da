package vat

import (
	"strings"
	"testing"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"pgregory.net/rapid"
)

// Both sides of each change, and the credit note of 2026 for an invoice of June
// 2025, which asks for the rate of the invoice's day.
func TestRateAtItsBoundaries(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		country, on string
		want        money.BasisPoints
	}{
		{"EE", "2023-12-31", 2000},
		{"EE", "2024-01-01", 2200},
		{"EE", "2025-06-30", 2200},
		{"EE", "2025-07-01", 2400},
		{"RO", "2025-07-31", 1900},
		{"RO", "2025-08-01", 2100},
		{"FI", "2024-08-31", 2400},
		{"FI", "2024-09-01", 2550},
		{"DE", "2020-06-30", 1900},
		{"DE", "2020-07-01", 1600},
		{"DE", "2020-12-31", 1600},
		{"DE", "2021-01-01", 1900},
		{"SK", "2025-01-01", 2300},
		{"LT", "2026-11-23", 2100},
		{"EL", "2026-11-23", 2400},
		{"gr", "2026-11-23", 2400},
	} {
		got, err := Rate(tt.country, civil.MustParse(tt.on))
		if err != nil || got != tt.want {
			t.Errorf("%s on %s: %d, %v; want %d", tt.country, tt.on, got, err, tt.want)
		}
	}
}

// The table of November 2026, as the Commission publishes it (TEDB).
func TestRatesOfToday(t *testing.T) {
	t.Parallel()
	want := map[money.BasisPoints]string{
		1700: "LU", 1800: "MT", 1900: "CY DE", 2000: "AT BG FR", 2100: "BE CZ ES LT LV NL RO", 2200: "IT SI",
		2300: "IE PL PT SK", 2400: "EE GR", 2500: "DK HR SE", 2550: "FI", 2700: "HU",
	}
	states := 0
	for rate, list := range want {
		for country := range strings.FieldsSeq(list) {
			states++
			if got, err := Rate(country, civil.MustParse("2026-11-23")); err != nil || got != rate {
				t.Errorf("%s: %d, %v; want %d", country, got, err, rate)
			}
		}
	}
	if got := len(Countries()); states != 27 || got != 27 {
		t.Errorf("%d member states expected, %d known", states, got)
	}
}

func TestRateRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ country, on string }{
		{"US", "2026-01-01"}, {"GB", "2026-01-01"}, {"XI", "2026-01-01"}, {"", "2026-01-01"},
		{"LT", "2009-08-31"}, // before the table begins
	} {
		if got, err := Rate(tt.country, civil.MustParse(tt.on)); !fault.Is(err, fault.Internal) {
			t.Errorf("%s on %s: %d, %v", tt.country, tt.on, got, err)
		}
	}
	if _, err := Rate("LT", civil.Date{}); err == nil {
		t.Error("no day, but a rate")
	}
}

// From the first day of a country on, every day has exactly one rate.
func TestRatesNeitherOverlapNorLeaveGaps(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		country := rapid.SampledFrom(Countries()).Draw(t, "country")
		known := rates[country]
		on := known[0].from.AddDays(rapid.IntRange(0, 20_000).Draw(t, "days"))
		covering := 0
		for _, v := range known {
			if !on.Before(v.from) && (v.to.IsZero() || !on.After(v.to)) {
				covering++
			}
		}
		if covering != 1 {
			t.Fatalf("%s on %s: %d rates", country, on, covering)
		}
	})
}

func TestParseRatesRefusesBadTables(t *testing.T) {
	t.Parallel()
	for name, rows := range map[string]string{
		"overlap":        "EE,20,2024-01-01,2024-12-31,\nEE,22,2024-12-31,,",
		"gap":            "EE,20,2024-01-01,2024-12-30,\nEE,22,2025-01-01,,",
		"open twice":     "EE,20,2024-01-01,,\nEE,22,2025-01-01,,",
		"ends":           "EE,20,2024-01-01,2024-12-31,",
		"backwards":      "EE,20,2024-01-01,2023-12-31,\nEE,22,2024-01-01,,",
		"no first day":   "EE,20,,,",
		"no rate":        "EE,,2024-01-01,,",
		"a bad rate":     "EE,20.555,2024-01-01,,",
		"a bad day":      "EE,20,2024-02-30,,",
		"missing column": "EE,20,2024-01-01,",
		"nothing":        "",
	} {
		if _, err := parseRates("country_code,rate_percent,valid_from,valid_to,source\n" + rows); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
