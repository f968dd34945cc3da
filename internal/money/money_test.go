package money_test

import (
	"errors"
	"math/big"
	"testing"

	"github.com/siptg/portal/internal/money"
	"pgregory.net/rapid"
)

func TestMulDivRoundsHalfUp(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a        money.Amount
		num, den int64
		want     money.Amount
	}{
		{2997, 2100, 10_000, 629}, // 29.97 at 21 % (vat.md 4.6)
		{10050, 2500, 10_000, 2513},
		{-10050, 2500, 10_000, -2513}, // the credit note mirrors the invoice
		{5, 1, 10, 1},
		{4, 1, 10, 0},
		{-5, 1, 10, -1},
		{1, 1, 3, 0},
		{2, 1, 3, 1},
		{252000, 90, 100, 226800},
	} {
		got, err := tt.a.MulDiv(tt.num, tt.den)
		if err != nil || got != tt.want {
			t.Errorf("%d*%d/%d = %d, %v; want %d", tt.a, tt.num, tt.den, got, err, tt.want)
		}
	}
}

// Against exact rationals: the error is at most half a minor unit (I15), and
// a tie goes away from zero.
func TestMulDivAgainstRationals(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Int64Range(-int64(money.Max), int64(money.Max)).Draw(t, "a")
		num := rapid.Int64Range(-1_000_000, 1_000_000).Draw(t, "num")
		den := rapid.Int64Range(1, 1_000_000).Draw(t, "den")
		got, err := money.Amount(a).MulDiv(num, den)
		exact := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(a), big.NewInt(num)), big.NewInt(den))
		if errors.Is(err, money.ErrOverflow) {
			if new(big.Rat).Abs(exact).Cmp(new(big.Rat).SetInt64(int64(money.Max))) < 0 {
				t.Fatalf("refused %v, which fits", exact)
			}
			return
		}
		diff := new(big.Rat).Sub(new(big.Rat).SetInt64(int64(got)), exact)
		switch new(big.Rat).Abs(diff).Cmp(big.NewRat(1, 2)) {
		case 1:
			t.Fatalf("%v rounded to %d", exact, got)
		case 0:
			if diff.Sign() != exact.Sign() {
				t.Fatalf("tie %v went towards zero: %d", exact, got)
			}
		}
	})
}

func TestDecimalRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := money.Amount(rapid.Int64Range(-int64(money.Max), int64(money.Max)).Draw(t, "a"))
		got, err := money.ParseDecimal(a.Decimal())
		if err != nil || got != a {
			t.Fatalf("%d -> %q -> %d, %v", a, a.Decimal(), got, err)
		}
	})
}

func FuzzParseDecimal(f *testing.F) {
	for _, s := range []string{"1", "1.2", "-1.23", "1e9", "０", "-0", "−1", "1,00", "", ".", "1.", "99999999999999999999", " 1", "1.005"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := money.ParseDecimal(s)
		if err != nil {
			return
		}
		again, err := money.ParseDecimal(a.Decimal())
		if err != nil || again != a {
			t.Fatalf("%q -> %d -> %q -> %d, %v", s, a, a.Decimal(), again, err)
		}
	})
}

func TestParseDecimalRefuses(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"1e9", "０", "−1", "1,00", "", ".", "1.", ".5", "+1", " 1", "1 ", "1.005", "1.2.3", "--1", "10000000000.01", "99999999999999999999"} {
		if a, err := money.ParseDecimal(s); err == nil {
			t.Errorf("%q gave %d", s, a)
		}
	}
}

func TestSumRefusesOverflow(t *testing.T) {
	t.Parallel()
	if _, err := money.Sum(money.Max, 1); !errors.Is(err, money.ErrOverflow) {
		t.Fatalf("got %v", err)
	}
	if got, err := money.Sum(3, -5); got != -2 || err != nil {
		t.Fatalf("got %d, %v", got, err)
	}
}
