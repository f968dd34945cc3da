package money

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// Amount is a number of minor units (cents) of the currency of the document
// or account it belongs to.
type Amount int64

// Max is the largest magnitude an Amount may take: 10^12 minor units. It keeps
// sums of many amounts far from the limits of int64.
const Max Amount = 1_000_000_000_000

// ErrOverflow reports a result beyond ±Max.
var ErrOverflow = errors.New("money: amount out of range")

// BasisPoints is a rate in hundredths of a percent: 2100 is 21 %.
type BasisPoints int64

// Currency is an ISO 4217 code in upper case. Every currency of the product
// has two decimals.
type Currency string

// EUR is the currency that VAT is reported in.
const EUR Currency = "EUR"

// Valid reports whether c has the form of an ISO 4217 code.
func (c Currency) Valid() bool {
	if len(c) != 3 {
		return false
	}
	for i := range len(c) {
		if c[i] < 'A' || c[i] > 'Z' {
			return false
		}
	}
	return true
}

// Money is an amount together with its currency.
type Money struct {
	Amount   Amount
	Currency Currency
}

// Of returns a Money of minor units.
func Of(minor Amount, currency Currency) Money { return Money{minor, currency} }

// String writes the amount with a decimal point and the currency code, for
// logs and machine-readable output: "12.30 EUR".
func (m Money) String() string { return m.Amount.Decimal() + " " + string(m.Currency) }

func checked(a Amount) (Amount, error) {
	if a > Max || a < -Max {
		return 0, ErrOverflow
	}
	return a, nil
}

// Sum adds amounts; it fails with ErrOverflow beyond ±Max.
func Sum(amounts ...Amount) (Amount, error) {
	var total Amount
	for _, a := range amounts {
		if _, err := checked(a); err != nil {
			return 0, err
		}
		var err error
		if total, err = checked(total + a); err != nil {
			return 0, err
		}
	}
	return total, nil
}

// Times multiplies by a whole number; it fails with ErrOverflow beyond ±Max.
func (a Amount) Times(n int64) (Amount, error) { return a.MulDiv(n, 1) }

// Percent returns a × rate, rounded half up.
func (a Amount) Percent(rate BasisPoints) (Amount, error) { return a.MulDiv(int64(rate), 10_000) }

// MulDiv returns a × num / den, computed in 128 bits and rounded half up (away
// from zero for a negative result). den must be positive.
func (a Amount) MulDiv(num, den int64) (Amount, error) {
	if den <= 0 {
		return 0, fmt.Errorf("money: denominator %d is not positive", den)
	}
	negative := (a < 0) != (num < 0)
	hi, lo := bits.Mul64(magnitude(int64(a)), magnitude(num))
	lo, carry := bits.Add64(lo, uint64(den)/2, 0)
	hi += carry
	if hi >= uint64(den) {
		return 0, ErrOverflow
	}
	quotient, _ := bits.Div64(hi, lo, uint64(den))
	// With an odd denominator, den/2 was rounded down: adding it and flooring
	// still rounds half up, because no remainder can be exactly one half.
	if quotient > uint64(Max) {
		return 0, ErrOverflow
	}
	if negative {
		return -Amount(quotient), nil
	}
	return Amount(quotient), nil
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return uint64(-(n + 1)) + 1
	}
	return uint64(n)
}

// Decimal writes the amount in major units with a point and two decimals, as
// XML, CSV and bank files want it: "-1234.50".
func (a Amount) Decimal() string {
	n := magnitude(int64(a))
	s := strconv.FormatUint(n/100, 10) + "." + fmt.Sprintf("%02d", n%100)
	if a < 0 {
		return "-" + s
	}
	return s
}

// ParseDecimal reads what Decimal writes: an optional minus, ASCII digits, and
// at most two decimals after a point. Anything else is an error, exponents,
// commas, spaces and other digits included.
func ParseDecimal(s string) (Amount, error) {
	bad := func() (Amount, error) { return 0, fmt.Errorf("money: %q is not an amount", clip(s)) }
	digits, negative := strings.CutPrefix(s, "-")
	whole, fraction, pointed := strings.Cut(digits, ".")
	if whole == "" || len(whole) > 13 || len(fraction) > 2 || (pointed && fraction == "") {
		return bad()
	}
	for len(fraction) < 2 {
		fraction += "0"
	}
	var n int64
	for _, c := range []byte(whole + fraction) {
		if c < '0' || c > '9' {
			return bad()
		}
		n = n*10 + int64(c-'0')
	}
	if negative {
		n = -n
	}
	return checked(Amount(n))
}

func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}
