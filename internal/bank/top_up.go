package bank

import (
	"fmt"

	"github.com/siptg/portal/internal/money"
)

// maxTopUpNumber is the last payer that gets a reference.
const maxTopUpNumber = 999_999_999

// TopUpReference is the reference of the nth payer, 1 to 999,999,999, by which
// its money reaches its balance: a nine and nine digits, where the references
// of orders begin with a year.
func TopUpReference(n int64) (Reference, error) {
	if n < 1 || n > maxTopUpNumber {
		return "", fmt.Errorf("bank: the number of a payer, %d, is not 1 to %d", n, maxTopUpNumber)
	}
	return NewReference(fmt.Sprintf("9%09d", n))
}

// TopUps returns the valid references of the structured remittance information:
// only those may name a payer's balance.
func TopUps(e Entry) []Reference {
	var out []Reference
	for _, c := range References(e) {
		if c.Rule == RuleReference {
			out = append(out, c.Reference)
		}
	}
	return out
}

// TopUp decides on an entry that names a payer's balance, which is kept in
// currency. Any amount will do; all else is as for orders.
func TopUp(e Entry, currency money.Currency, payer string) Outcome {
	o := Decide(e, &Order{State: OrderOpen, Due: money.Of(e.Amount, currency), Buyer: payer})
	o.Rule = RuleReference
	return o
}
