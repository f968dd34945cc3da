package subscription

import (
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/siptg/portal/internal/money"
)

// Value is an exact number of minor units, a fraction where it has to be. It
// never changes once made; the zero Value is nothing.
type Value struct{ r *big.Rat }

// maxValueText bounds what ParseValue reads. A value has at most the digits of
// a net price, a length in seconds and two monthly prices.
const maxValueText = 200

// ValueOf returns a whole number of minor units.
func ValueOf(a money.Amount) Value { return Value{big.NewRat(int64(a), 1)} }

// ParseValue reads what String writes: "123/456", lowest terms or not.
func ParseValue(s string) (Value, error) {
	bad := func() (Value, error) { return Value{}, fmt.Errorf("subscription: %.40q is no exact value", s) }
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && c != '/' && c != '-' { // big.Rat also reads exponents, of any size
			return bad()
		}
	}
	if len(s) > maxValueText {
		return bad()
	}
	if r, ok := new(big.Rat).SetString(s); ok {
		return Value{r}, nil
	}
	return bad()
}

// String writes the fraction in lowest terms, "123/456", as it is stored.
func (v Value) String() string { return v.rat().String() }

// MarshalText writes the value as String does.
func (v Value) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (v *Value) UnmarshalText(b []byte) error {
	parsed, err := ParseValue(string(b))
	*v = parsed
	return err
}

// rat returns the number, which nobody may write to.
func (v Value) rat() *big.Rat {
	if v.r == nil {
		return new(big.Rat)
	}
	return v.r
}

// Add returns v + w.
func (v Value) Add(w Value) Value { return Value{new(big.Rat).Add(v.rat(), w.rat())} }

// Sub returns v - w.
func (v Value) Sub(w Value) Value { return Value{new(big.Rat).Sub(v.rat(), w.rat())} }

// Cmp is negative when v is less than w, zero when they are equal.
func (v Value) Cmp(w Value) int { return v.rat().Cmp(w.rat()) }

// Sign is -1, 0 or 1.
func (v Value) Sign() int { return v.rat().Sign() }

// times returns v x num / den; den is not zero.
func (v Value) times(num, den int64) Value {
	return Value{new(big.Rat).Mul(v.rat(), big.NewRat(num, den))}
}

// Decimal writes the value in major units with that many decimals, half away
// from zero, for the arithmetic that a preview shows: "0.164384". No sum is
// worked out from it.
func (v Value) Decimal(places int) string {
	return new(big.Rat).Quo(v.rat(), big.NewRat(100, 1)).FloatString(places)
}

// Rounded returns the nearest whole minor unit, half up; ErrOverflow beyond
// ±money.Max.
func (v Value) Rounded() (money.Amount, error) {
	half := big.NewRat(1, 2)
	if v.Sign() < 0 {
		half.Neg(half)
	}
	return whole(half.Add(half, v.rat()))
}

// Floor returns the whole minor units in a value that is not negative;
// ErrOverflow beyond money.Max.
func (v Value) Floor() (money.Amount, error) { return whole(v.rat()) }

// whole cuts the fraction off.
func whole(r *big.Rat) (money.Amount, error) {
	n := new(big.Int).Quo(r.Num(), r.Denom())
	if !n.IsInt64() || n.Int64() > int64(money.Max) || n.Int64() < -int64(money.Max) {
		return 0, money.ErrOverflow
	}
	return money.Amount(n.Int64()), nil
}

// PaidPeriod is a paid period in the value account of a subscription.
//
// Time is used up evenly, second by second: a second costs Rate. So a day on
// which the clocks change costs what its hours cost, and nobody gains by
// waiting for midnight.
//
// A change in the midst of a period leaves a PaidPeriod with the same Number
// that begins at the change.
type PaidPeriod struct {
	Period

	Book    string       // id of the price book it was bought by, which prices its changes too
	Monthly money.Amount // list price a month, by Book, of the configuration from From on
	Worth   Value        // net value at From; at the purchase, the net price
	Rate    Value        // net price of one second; the discount is in it
}

// Paid opens the account of a period that was bought for a net price. Monthly is
// the list price a month of what was bought, before the discount. All three have
// to be positive: time that cost nothing has no value to keep.
func Paid(p Period, net, monthly money.Amount, book string) (PaidPeriod, error) {
	seconds := p.Until.Unix() - p.From.Unix()
	if net <= 0 || net > money.Max || monthly <= 0 || monthly > money.Max || seconds <= 0 {
		return PaidPeriod{}, fmt.Errorf("subscription: period %d: %s net, %s a month, %d s cannot be accounted for", p.Number, net.Decimal(), monthly.Decimal(), seconds)
	}
	worth := ValueOf(net)
	return PaidPeriod{Period: p, Book: book, Monthly: monthly, Worth: worth, Rate: worth.times(1, seconds)}, nil
}

// Unused returns the exact value that is left at an instant: Worth before the
// period, nothing after it. What does not make up a whole second at the end
// counts as used when the period is over, so that used + unused = Worth always.
func (p PaidPeriod) Unused(at time.Time) Value {
	switch {
	case !at.After(p.From):
		return p.Worth
	case !at.Before(p.Until):
		return Value{}
	}
	left := p.Worth.Sub(p.Rate.times(at.Unix()-p.From.Unix(), 1))
	if left.Sign() < 0 {
		return Value{}
	}
	return left
}

// Used returns the exact value that is gone at an instant.
func (p PaidPeriod) Used(at time.Time) Value { return p.Worth.Sub(p.Unused(at)) }

// UnusedValue returns the exact value that is left of all periods.
func UnusedValue(periods []PaidPeriod, at time.Time) Value {
	var sum Value
	for _, p := range periods {
		sum = sum.Add(p.Unused(at))
	}
	return sum
}

// errAccount reports a value account that cannot be: a mistake in what was
// stored, not in what a person asked for.
var errAccount = errors.New("subscription: the value account does not add up")

// checkAccount makes sure that periods follow each other and can be divided by.
func checkAccount(periods []PaidPeriod) error {
	for i, p := range periods {
		if !p.From.Before(p.Until) || p.Monthly <= 0 || p.Rate.Sign() <= 0 || p.Worth.Sign() < 0 ||
			i > 0 && p.From.Before(periods[i-1].Until) {
			return fmt.Errorf("%w: period %d", errAccount, p.Number)
		}
	}
	return nil
}
