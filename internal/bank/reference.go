package bank

import (
	"errors"
	"fmt"

	"github.com/siptg/portal/internal/fault"
)

// Reference is an RF creditor reference (ISO 11649) without spaces: "RF", two
// check digits, 1 to 21 letters and digits. A value made by NewReference or
// ParseReference is valid. Its check digits keep a slip of the pen from
// reaching somebody else's order.
type Reference string

// maxBody is the longest body of a reference (ISO 11649).
const maxBody = 21

// NewReference puts check digits before a body of 1 to 21 letters and digits;
// spaces are dropped and letters turned to upper case. A body of digits only
// is the easiest to type. Failure is fault.Invalid with key
// error.bank.reference.
func NewReference(body string) (Reference, error) {
	b := compact(body)
	rest, ok := mod97(b + "RF00")
	if !ok || b == "" || len(b) > maxBody {
		return "", badReference(body, errors.New("the body is not 1 to 21 letters A to Z and digits"))
	}
	return Reference(fmt.Sprintf("RF%02d%s", 98-rest, b)), nil
}

// ParseReference reads a reference with or without spaces, in any case, and
// verifies its check digits. Failure is fault.Invalid with key
// error.bank.reference.
func ParseReference(s string) (Reference, error) {
	id := compact(s)
	if len(id) < 5 || len(id) > 4+maxBody || id[:2] != "RF" {
		return "", badReference(s, errors.New("not RF, two digits and 1 to 21 characters"))
	}
	if err := checkDigits(id); err != nil {
		return "", badReference(s, err)
	}
	return Reference(id), nil
}

// Print writes the reference in groups of four, as ISO 11649 wants it on paper.
func (r Reference) Print() string { return inFours(string(r)) }

func badReference(s string, err error) error {
	return fault.Wrap(fault.Invalid, "error.bank.reference", fmt.Errorf("bank: creditor reference %.60q: %w", s, err))
}
