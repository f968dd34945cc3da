package vat

import (
	"encoding/csv"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/siptg/portal/internal/fault"
	"pgregory.net/rapid"
)

type vector struct {
	country, number string
	valid           bool
	why             string
}

func vectors(t testing.TB) []vector {
	t.Helper()
	f, err := os.Open("testdata/vat_ids.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var list []vector
	for _, row := range rows[1:] {
		list = append(list, vector{row[0], row[1], row[2] == "true", row[3]})
	}
	return list
}

// fine reports whether nothing is wrong with a number.
func fine(s string) bool {
	id, err := ParseID(s)
	return err == nil && !id.Mistyped
}

func TestPublishedNumbers(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, v := range vectors(t) {
		seen[v.country] = true
		id, err := ParseID(v.number)
		if got := err == nil && !id.Mistyped; got != v.valid {
			t.Errorf("%s: %+v, %v; want valid %v (%s)", v.number, id, err, v.valid, v.why)
		}
		if strings.HasSuffix(v.why, "wrong format") && err == nil {
			t.Errorf("%s has a wrong form but was not refused", v.number)
		}
		if err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", v.number, err)
		}
		if v.valid && id.String() != v.number {
			t.Errorf("%s became %s", v.number, id)
		}
		if bare, err := CheckID(v.country, strings.TrimPrefix(strings.TrimPrefix(v.number, "CHE"), v.country)); v.valid && (err != nil || bare != id) {
			t.Errorf("%s without its prefix: %+v, %v", v.number, bare, err)
		}
	}
	for prefix := range formats {
		if !seen[prefix] {
			t.Errorf("no number of %s was tried", prefix)
		}
	}
	if len(formats) != 31 || len(seen) != 31 {
		t.Errorf("%d formats, %d countries with numbers", len(formats), len(seen))
	}
}

func TestParseIDNormalises(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ country, in, want string }{
		{"", "lt 119 511 515", "LT119511515"},
		{"", "GR 094259216", "EL094259216"},
		{"", "uk980780684", "GB980780684"},
		{"", "BE 428.759.497", "BE0428759497"},
		{"", "BE0428.759.497", "BE0428759497"},
		{"", "CHE-107.787.577 IVA", "CHE107787577IVA"},
		{"", "DE\u00a0136\u2013695\u200b976", "DE136695976"},
		{"", "PL 856-734-62-15", "PL8567346215"},
		{"", "NL 0044.95.445.B.01", "NL004495445B01"},
		{"GR", "094259216", "EL094259216"},
		{"EL", "094259216", "EL094259216"},
		{"gr", "GR094259216", "EL094259216"},
		{"BE", "428759497", "BE0428759497"},
		{"AT", "u13585627", "ATU13585627"},
		{"AT", "ATU13585627", "ATU13585627"},
		{"ES", "B58378431", "ESB58378431"},
		{"MC", "23000047372", "FR23000047372"},
		{"CH", "107.787.577 MWST", "CHE107787577MWST"},
		{"GB", "XI432525179", "XI432525179"},
		{"FR", "DE136695976", "DE136695976"}, // two letters and nine digits is French form, too
		{"FR", "K7399859412", "FRK7399859412"},
		{"LT", "DE136695976", "DE136695976"},
		{"US", "DE136695976", "DE136695976"},
	} {
		id, err := CheckID(tt.country, tt.in)
		if err != nil || id.Mistyped || id.String() != tt.want {
			t.Errorf("%s %q: %+v, %v; want %s", tt.country, tt.in, id, err, tt.want)
		}
	}
}

func TestIDsRefused(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", "LT", "119511515", "12-3456789", "EU372000041", "IM0350000015", "US123456789", "LT11951151", "DE١٣٦٦٩٥٩٧٦",
		"ſK2022749619", "CH107787577IVA", "LT119511515\x00", "ESI1234567A", "LT119511515" + strings.Repeat(" ", 60),
	} {
		if id, err := ParseID(s); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %+v, %v", s, id, err)
		}
	}
}

func TestIDCountry(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]struct {
		country string
		vies    bool
	}{
		"EL094259216": {"GR", true}, "FR23000047372": {"FR", true}, "XI432525179": {"XI", true},
		"CHE107787577IVA": {"CH", false}, "GB980780684": {"GB", false}, "NO995525828MVA": {"NO", false},
	} {
		id, err := ParseID(in)
		if err != nil || id.Country() != want.country || id.InVIES() != want.vies {
			t.Errorf("%s: %s, %v, %v", in, id.Country(), id.InVIES(), err)
		}
	}
	if (ID{}).Country() != "" || (ID{}).InVIES() {
		t.Error("the zero ID has a country")
	}
	for country, want := range map[string]bool{"GR": true, "EL": true, "MC": true, "GB": true, "CH": true, "US": false, "": false} {
		if HasIDFormat(country) != want {
			t.Errorf("HasIDFormat(%q) is %v", country, !want)
		}
	}
}

// However a number is typed, it comes out the same, and once normalised it stays.
func TestNormalisationIsIdempotent(t *testing.T) {
	t.Parallel()
	all := vectors(t)
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SampledFrom(all).Draw(t, "number")
		want, wantErr := ParseID(v.number)
		var typed strings.Builder
		for _, c := range v.number {
			typed.WriteString(rapid.SampledFrom([]string{"", "", "", " ", ".", "-", "/", "\t", "\u00a0", "–"}).Draw(t, "separator"))
			letter := string(c)
			if rapid.Bool().Draw(t, "lower") {
				letter = strings.ToLower(letter)
			}
			typed.WriteString(letter)
		}
		got, err := ParseID(typed.String())
		if got != want || (err == nil) != (wantErr == nil) {
			t.Fatalf("%q: %+v, %v; want %+v, %v", typed.String(), got, err, want, wantErr)
		}
		if err == nil {
			if again, err := ParseID(got.String()); err != nil || again != got {
				t.Fatalf("%+v, then %+v, %v", got, again, err)
			}
		}
	})
}

// One mistyped digit is always found in the countries whose check promises it.
// LV stays a company's number: persons have no check digit here.
func TestOneWrongDigitIsFound(t *testing.T) {
	t.Parallel()
	const promised = "AT BE CHE CY DE DK EE ES FI HR HU IE IT LU LV MT NO PL SE SI SK"
	random := rand.New(rand.NewPCG(2006, 112))
	byPrefix := map[string][]string{}
	for _, v := range vectors(t) {
		if v.valid {
			prefix := formats[v.country].prefix
			byPrefix[prefix] = append(byPrefix[prefix], v.number)
		}
	}
	for prefix := range strings.FieldsSeq(promised) {
		samples := append([]string(nil), byPrefix[prefix]...)
		for tries := 0; len(samples) < 60; tries++ {
			if tries > 200_000 {
				t.Fatalf("%s: only %d numbers found", prefix, len(samples))
			}
			number := []byte(samples[random.IntN(len(byPrefix[prefix]))])
			for i := len(prefix); i < len(number); i++ {
				if isDigit(number[i]) && (prefix != "SE" || i < len(number)-2) {
					number[i] = '0' + byte(random.IntN(10))
				}
			}
			if fine(string(number)) && !isPerson(string(number)) {
				samples = append(samples, string(number))
			}
		}
		for _, sample := range samples {
			for i := len(prefix); i < len(sample); i++ {
				for d := byte('0'); d <= '9' && isDigit(sample[i]); d++ {
					wrong := sample[:i] + string(d) + sample[i+1:]
					if d != sample[i] && !isPerson(wrong) && fine(wrong) {
						t.Errorf("%s passes as %s", sample, wrong)
					}
				}
			}
		}
	}
}

func isDigit(c byte) bool     { return c >= '0' && c <= '9' }
func isPerson(id string) bool { return strings.HasPrefix(id, "LV") && id[2] <= '3' }

func FuzzVATID(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.country, v.number)
	}
	for _, s := range []string{"", "GR094259216", "EU372000041", "CHE", "BE 428.759.497", "DE١٣٦٦٩٥٩٧٦", "LT\xff119511515"} {
		f.Add("LT", s)
	}
	f.Fuzz(func(t *testing.T, country, s string) {
		for _, read := range []func(string) (ID, error){ParseID, func(s string) (ID, error) { return CheckID(country, s) }} {
			id, err := read(s)
			if err != nil {
				continue
			}
			if again, err := ParseID(id.String()); err != nil || again != id {
				t.Fatalf("%q: %+v, then %+v, %v", s, id, again, err)
			}
			if id.Country() == "" || len(id.String()) > 16 {
				t.Fatalf("%q: %+v", s, id)
			}
		}
	})
}

func BenchmarkCheckID(b *testing.B) {
	for b.Loop() {
		if id, err := CheckID("FR", "FR 40 303 265 045"); err != nil || id.Mistyped {
			b.Fatal(id, err)
		}
	}
}
