package i18n_test

import (
	"testing"
	"time"

	"github.com/siptg/portal/internal/i18n"
)

func TestMoney(t *testing.T) {
	t.Parallel()
	en := i18n.New("en")
	for _, tt := range []struct {
		minor int64
		code  string
		want  string
	}{
		{0, "EUR", "€0.00"},
		{5, "EUR", "€0.05"},
		{152460, "EUR", "€1,524.60"},
		{-1000, "EUR", "−€10.00"},
		{100_000_000_000, "EUR", "€1,000,000,000.00"},
		{300, "CHF", "CHF\u00a03.00"},
		{300, "GBP", "£3.00"},
		{300, "???", "???3.00"},
		{-9223372036854775808, "EUR", "−€92,233,720,368,547,758.08"},
	} {
		if got := en.Money(tt.minor, tt.code); got != tt.want {
			t.Errorf("Money(%d, %s) = %q, want %q", tt.minor, tt.code, got, tt.want)
		}
	}
}

func TestPercent(t *testing.T) {
	t.Parallel()
	en := i18n.New("en")
	for bp, want := range map[int64]string{2100: "21%", 1950: "19.5%", 2: "0.02%", 0: "0%", -500: "−5%", 2510: "25.1%"} {
		if got := en.Percent(bp); got != want {
			t.Errorf("Percent(%d) = %q, want %q", bp, got, want)
		}
	}
}

func TestDates(t *testing.T) {
	t.Parallel()
	en := i18n.New("en")
	if got := en.Date(2026, time.November, 2); got != "2 November 2026" {
		t.Errorf("Date = %q", got)
	}
	if got := en.DateShort(2028, time.February, 29); got != "29 Feb 2028" {
		t.Errorf("DateShort = %q", got)
	}
	if got := en.MonthYear(2026, time.March) + ", " + en.MonthShort(time.December); got != "Mar 2026, Dec" {
		t.Errorf("months = %q", got)
	}
	vilnius, err := time.LoadLocation("Europe/Vilnius")
	if err != nil {
		t.Fatal(err)
	}
	// Late evening in UTC is the next day in Vilnius.
	at := time.Date(2026, time.November, 22, 22, 5, 0, 0, time.UTC)
	if got := en.Time(at, vilnius); got != "23 November 2026, 00:05 (Europe/Vilnius)" {
		t.Errorf("Time = %q", got)
	}
	if got := en.Number(12500); got != "12,500" {
		t.Errorf("Number = %q", got)
	}
}

func TestCountries(t *testing.T) {
	t.Parallel()
	en := i18n.New("en")
	for code, want := range map[string]string{"LT": "Lithuania", "GR": "Greece", "GB": "United Kingdom", "q": "q", "": "", "12": "12"} {
		if got := en.Country(code); got != want {
			t.Errorf("Country(%q) = %q, want %q", code, got, want)
		}
	}
	list := en.Countries()
	seen := map[string]bool{}
	for _, c := range list {
		if seen[c.Code] || len(c.Code) != 2 || c.Name == "" || c.Name == c.Code {
			t.Errorf("bad entry %+v", c)
		}
		seen[c.Code] = true
	}
	if len(list) < 240 || len(list) > 255 {
		t.Errorf("%d countries", len(list))
	}
	for _, code := range []string{"AX", "DE", "LT", "GR", "GB", "US", "TR", "XK", "UA", "CZ"} {
		if !seen[code] {
			t.Errorf("no %s in the list", code)
		}
	}
	for _, code := range []string{"EU", "UK", "EL", "SU", "DD", "ZZ", "XA", "EZ", "UN", "AQ"} {
		if seen[code] {
			t.Errorf("%s in the list", code)
		}
	}
}

func TestFallback(t *testing.T) {
	t.Parallel()
	if got := i18n.New("xx").Lang(); got != "en" {
		t.Errorf("New(xx).Lang() = %q", got)
	}
	if got := i18n.New("en-AU").Lang(); got != "en" {
		t.Errorf("New(en-AU).Lang() = %q", got)
	}
	var zero i18n.Translator
	if got := zero.T("no.such.key"); got != "no.such.key" {
		t.Errorf("a missing key gave %q", got)
	}
	for header, want := range map[string]string{"": "en", "xx": "en", "en-GB,en;q=0.8": "en", ";;;": "en"} {
		if got := i18n.Match(header); got != want {
			t.Errorf("Match(%q) = %q, want %q", header, got, want)
		}
	}
	if l := i18n.Languages(); len(l) == 0 || l[0].Code != "en" || l[0].Name != "English" {
		t.Errorf("Languages = %v", l)
	}
}
