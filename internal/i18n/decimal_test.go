package i18n_test

import (
	"testing"

	"github.com/siptg/portal/internal/i18n"
)

func TestDecimal(t *testing.T) {
	t.Parallel()
	en := i18n.New("en")
	for plain, want := range map[string]string{
		"0": "0", "182.5": "182.5", "1234567.8901": "1,234,567.8901", "0.887671": "0.887671", "-12.50": "−12.50", "x": "x", "": "",
	} {
		if got := en.Decimal(plain); got != want {
			t.Errorf("%q: %q, want %q", plain, got, want)
		}
	}
	for _, tt := range [][3]string{{"0.887671", "EUR", "€0.887671"}, {"1234.50", "CHF", "CHF\u00a01,234.50"}, {"1", "XYZ", "XYZ\u00a01"}} {
		if got := en.Price(tt[0], tt[1]); got != tt[2] {
			t.Errorf("%v: %q", tt, got)
		}
	}
}
