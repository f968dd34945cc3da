package i18n

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"
)

// A language is only a file: here Polish, with three plural forms, its own
// patterns and most keys missing.
const polish = `
"format.date" = "d MMMM y 'r.'"
"format.date_short" = "dd.MM.y"
"format.month_year" = "MM.y"
"format.money" = "0\u00a0¤"
"format.month.11" = "listopada"
"x.accounts" = {one = "{{.Count}} konto", few = "{{.Count}} konta", many = "{{.Count}} kont", other = "{{.Count}} konta"}
`

func polishTranslator(t *testing.T) Translator {
	t.Helper()
	english, err := os.ReadFile("locales/en.toml")
	if err != nil {
		t.Fatal(err)
	}
	extra := "\n\"x.only_english\" = \"Only {{.What}}\"\n\"x.accounts\" = {one = \"{{.Count}} account\", other = \"{{.Count}} accounts\"}\n"
	all, err := loadFrom(fstest.MapFS{
		"locales/en.toml": {Data: append(english, extra...)},
		"locales/pl.toml": {Data: []byte(polish)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return Translator{all["pl"]}
}

func TestAnotherLanguage(t *testing.T) {
	t.Parallel()
	pl := polishTranslator(t)
	for _, tt := range []struct{ got, want string }{
		{pl.N("x.accounts", 1), "1 konto"},
		{pl.N("x.accounts", 3), "3 konta"},
		{pl.N("x.accounts", 12), "12 kont"},
		{pl.T("x.only_english", "What", "this"), "Only this"},
		{pl.T("no.such"), "no.such"},
		{pl.Date(2026, time.November, 2), "2 listopada 2026 r."},
		{pl.DateShort(2026, time.November, 2), "02.11.2026"},
		{pl.Money(1234560, "EUR"), "12\u00a0345,60\u00a0€"},
		{pl.Percent(850), "8,5%"},
		{pl.Country("DE"), "Niemcy"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
	// Polish sorts Łotwa (LV) before Makau (MO); byte order would put it last.
	place := map[string]int{}
	for i, c := range pl.Countries() {
		place[c.Code] = i
	}
	if place["LV"] > place["MG"] || place["LV"] < place["LI"] {
		t.Errorf("Łotwa stands at %d, Liechtenstein at %d, Madagaskar at %d", place["LV"], place["LI"], place["MG"])
	}
}

func TestBrokenFilesAreNamed(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]string{
		"locales/en.toml": `"a" = "b"`, // no patterns
		"locales/de.toml": `"a" = `,    // no TOML
		"locales/fr.toml": `"a" = "{{if .A}}b{{end}}"`,
		"locales/es.toml": `"a" = {one = "b"}`,
	} {
		_, err := loadFrom(fstest.MapFS{name: {Data: []byte(data)}})
		if err == nil || !strings.Contains(err.Error(), name[8:10]) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Our own grouping is the one that x/text prints.
func TestNumbersAsXTextPrintsThem(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"en", "lt", "ru", "uk", "de", "pl", "es", "fr", "hi"} {
		p := message.NewPrinter(language.MustParse(code))
		f := format{grouping: readGrouping(p)}
		for n := uint64(1); n < 1_000_000_000_000; n = n*7 + 3 {
			if got, want := string(f.whole(nil, n)), p.Sprint(number.Decimal(n)); got != want {
				t.Errorf("%s: %q, x/text prints %q", code, got, want)
			}
		}
	}
}
