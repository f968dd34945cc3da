package bank_test

import (
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/fault"
	"pgregory.net/rapid"
)

func isKey(t *testing.T, err error, key string) {
	t.Helper()
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || e.Kind != fault.Invalid || e.Key != key || e.Err == nil {
		t.Errorf("got %v, want an invalid %s with a cause", err, key)
	}
}

func TestReferenceVectors(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bank.Reference{
		"SIP000101":  "RF30SIP000101",
		"2026000101": "RF582026000101",
		"1":          "RF741",
		"sip 000101": "RF30SIP000101",
	} {
		if got, err := bank.NewReference(body); err != nil || got != want {
			t.Errorf("%q gave %q, %v; want %q", body, got, err, want)
		}
	}
	for s, want := range map[string]bank.Reference{
		"RF18539007547034":             "RF18539007547034",
		"RF72YW":                       "RF72YW",
		"RF08P":                        "RF08P",
		"RF20AN1IJBLFGA":               "RF20AN1IJBLFGA",
		"rf18 5390 0754 7034":          "RF18539007547034",
		"RF18\u00a05390\u202f07547034": "RF18539007547034",
	} {
		if got, err := bank.ParseReference(s); err != nil || got != want {
			t.Errorf("%q gave %q, %v; want %q", s, got, err, want)
		}
	}
	for _, s := range []string{
		"", "RF", "RF18", "RF17539007547034", "RG18539007547034", "RF1853900754703４", "RF18-539007547034",
		"RF00" + "1", "RF98" + strings.Repeat("1", 22), "18539007547034",
	} {
		ref, err := bank.ParseReference(s)
		if ref != "" {
			t.Errorf("%q gave %q", s, ref)
		}
		isKey(t, err, "error.bank.reference")
	}
	for _, body := range []string{"", " ", "A-1", "Ä", strings.Repeat("1", 22)} {
		_, err := bank.NewReference(body)
		isKey(t, err, "error.bank.reference")
	}
	if got := bank.Reference("RF18539007547034").Print(); got != "RF18 5390 0754 7034" {
		t.Errorf("printed %q", got)
	}
	if got := bank.Reference("RF30SIP000101").Print(); got != "RF30 SIP0 0010 1" {
		t.Errorf("printed %q", got)
	}
}

const (
	figures = "0123456789"
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// A digit put for a digit, or a letter for a letter, and two neighbours of one
// kind exchanged, are always found (ISO 7064, MOD 97-10). A letter put for a
// digit makes a longer number, of which one in 97 passes.
func slip(t *rapid.T, s string, from int) string {
	i := rapid.IntRange(from, len(s)-1).Draw(t, "place")
	kind := figures
	if s[i] >= 'A' {
		kind = letters
	}
	c := rapid.SampledFrom([]byte(kind)).Draw(t, "typed")
	if j := i + 1; j < len(s) && (s[j] >= 'A') == (s[i] >= 'A') && rapid.Bool().Draw(t, "exchange") {
		return s[:i] + string(s[j]) + string(s[i]) + s[j+1:]
	}
	return s[:i] + string(c) + s[i+1:]
}

func TestReferenceFindsEverySlip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.StringMatching(`[A-Z0-9]{1,21}`).Draw(t, "body")
		ref, err := bank.NewReference(body)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := bank.ParseReference(strings.ToLower(ref.Print())); err != nil || got != ref {
			t.Fatalf("%q printed and read is %q, %v", ref, got, err)
		}
		wrong := slip(t, string(ref), 2)
		if got, err := bank.ParseReference(wrong); wrong != string(ref) && err == nil {
			t.Fatalf("%q passed for %q", got, ref)
		}
	})
}

// The second implementation: the whole number at once.
func remainder(id string) bool {
	var number strings.Builder
	for _, c := range id[4:] + id[:4] {
		switch {
		case '0' <= c && c <= '9':
			number.WriteRune(c)
		case 'A' <= c && c <= 'Z':
			number.WriteString(big.NewInt(int64(c - 'A' + 10)).String())
		default:
			return false
		}
	}
	n, ok := new(big.Int).SetString(number.String(), 10)
	return ok && new(big.Int).Mod(n, big.NewInt(97)).Int64() == 1
}

func FuzzRFRef(f *testing.F) {
	for _, s := range []string{"RF18539007547034", "RF17539007547034", "RF72YW", "RF08P", "rf20 an1i jblf ga", "RF741", "RF00", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ref, err := bank.ParseReference(s)
		if err != nil {
			return
		}
		if again, err := bank.ParseReference(string(ref)); err != nil || again != ref {
			t.Fatalf("%q -> %q -> %q, %v", s, ref, again, err)
		}
		if made, err := bank.NewReference(string(ref[4:])); err != nil || made != ref {
			t.Fatalf("%q, made from its body %q, %v", ref, made, err)
		}
		if !remainder(string(ref)) {
			t.Fatalf("%q has wrong check digits", ref)
		}
	})
}
