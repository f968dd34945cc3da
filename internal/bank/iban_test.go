package bank_test

import (
	"testing"

	"github.com/siptg/portal/internal/bank"
	"pgregory.net/rapid"
)

func TestIBANVectors(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bank.IBAN{
		"LT121000011101001000":            "LT121000011101001000",
		"lt12 1000 0111 0100 1000":        "LT121000011101001000",
		"DE89370400440532013000":          "DE89370400440532013000",
		"GB82WEST12345698765432":          "GB82WEST12345698765432",
		"NO9386011117947":                 "NO9386011117947", // the shortest
		"MT84MALT011000012345MTLCAST001S": "MT84MALT011000012345MTLCAST001S",
	} {
		if got, err := bank.ParseIBAN(s); err != nil || got != want {
			t.Errorf("%q gave %q, %v; want %q", s, got, err, want)
		}
	}
	for _, s := range []string{
		"", "LT", "LT611000011101001000", "LT1210000111010010001", "LT12100001110100100", "LT12100001110100100O",
		"12LT1000011101001000", "LT12-1000-0111-0100-1000", "ＬT121000011101001000", "DE89370400440532013000DE89370400440532013000",
	} {
		id, err := bank.ParseIBAN(s)
		if id != "" {
			t.Errorf("%q gave %q", s, id)
		}
		isKey(t, err, "error.bank.iban")
	}
	id := bank.IBAN("LT121000011101001000")
	if id.Print() != "LT12 1000 0111 0100 1000" || id.Country() != "LT" || !id.SEPA() {
		t.Errorf("%s %s %v", id.Print(), id.Country(), id.SEPA())
	}
	if bank.IBAN("").Country() != "" || bank.IBAN("").SEPA() || bank.IBAN("TR330006100519786457841326").SEPA() {
		t.Error("a country that is none, or not in SEPA")
	}
}

// In an account of digits alone every wrong character is found, a letter
// included: the registry says that none may stand there.
func TestIBANFindsEverySlip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.SampledFrom([]string{"LT121000011101001000", "DE89370400440532013000", "GB82WEST12345698765432"}).Draw(t, "iban")
		wrong := slip(t, id, 2)
		if id[0] != 'G' && rapid.Bool().Draw(t, "letter") {
			i := rapid.IntRange(2, len(id)-1).Draw(t, "where")
			wrong = id[:i] + string(rapid.SampledFrom([]byte(letters)).Draw(t, "letter")) + id[i+1:]
		}
		if got, err := bank.ParseIBAN(wrong); wrong != id && err == nil {
			t.Fatalf("%q passed for %q", got, id)
		}
	})
}

func TestBIC(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bank.BIC{
		"BHBLDEHHXXX": "BHBLDEHHXXX", "cbvi lt 2x": "CBVILT2X", "REVOLT21": "REVOLT21",
	} {
		if got, err := bank.ParseBIC(s); err != nil || got != want {
			t.Errorf("%q gave %q, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "CBVILT2", "CBVILT2XX", "CBVI12XX", "CBVILT2X-XX", "CBVILT2XXXXX", "ÄBVILT2X"} {
		_, err := bank.ParseBIC(s)
		isKey(t, err, "error.bank.bic")
	}
}

func FuzzIBAN(f *testing.F) {
	for _, s := range []string{"LT121000011101001000", "LT611000011101001000", "de89 3704 0044 0532 0130 00", "GB82WEST12345698765432", "XX", "ZZ00000000000000"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := bank.ParseIBAN(s)
		if err != nil {
			return
		}
		if again, err := bank.ParseIBAN(id.Print()); err != nil || again != id {
			t.Fatalf("%q -> %q -> %q, %v", s, id, again, err)
		}
		if !remainder(string(id)) {
			t.Fatalf("%q has wrong check digits", id)
		}
	})
}
