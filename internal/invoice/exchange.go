package invoice

import (
	"errors"
	"fmt"
	"strings"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/money"
)

// Rate is what one EUR was worth in another currency, as a central bank published
// it.
type Rate struct {
	Currency   money.Currency
	Millionths int64      // of a unit of Currency, for one EUR: 1_158_000 is 1.1580
	Day        civil.Date // of publication
	Source     string     // "ECB"
}

// oldest is how many days a rate is good for. The ECB publishes on working days;
// its longest pause, Easter, has four without. More means that a list is stale.
const oldest = 7

// RateOn returns the rate for VAT that became chargeable on a day: the one
// published that day, or else last before it (Directive 2006/112/EC art. 91(2),
// vat.md 4.5).
func RateOn(published []Rate, currency money.Currency, day civil.Date) (Rate, error) {
	var found Rate
	for _, r := range published {
		if r.Currency == currency && !r.Day.After(day) && (found.Day.IsZero() || r.Day.After(found.Day)) {
			found = r
		}
	}
	if found.Day.IsZero() || day.Sub(found.Day) > oldest {
		return Rate{}, fmt.Errorf("invoice: no rate of %s for %s", currency, day)
	}
	return found, nil
}

// Exchange states the VAT of a document in another currency than EUR in EUR as
// well: what is owed to a tax office (Directive 2006/112/EC art. 230; EN 16931
// BT-6 and BT-111). A credit note has the rate of its invoice.
type Exchange struct {
	Millionths int64        `json:"millionths"` // of a unit of the document's currency, for one EUR
	Day        civil.Date   `json:"day"`        // of the rate's publication
	Source     string       `json:"source"`
	VAT        money.Amount `json:"vat"` // VATTotal in EUR, half up; of a credit note, what that of all of them grows by
}

// toEUR turns an amount into EUR, half up.
func (x Exchange) toEUR(a money.Amount) (money.Amount, error) {
	return a.MulDiv(1_000_000, x.Millionths)
}

// Decimal is the rate in digits, at least four after the point as the ECB writes
// it: "1.1580".
func (x Exchange) Decimal() string {
	s := fmt.Sprintf("%d.%06d", x.Millionths/1_000_000, x.Millionths%1_000_000)
	return strings.TrimSuffix(strings.TrimSuffix(s, "0"), "0")
}

// exchanged returns the VAT of d in EUR. What earlier credit notes credited is
// turned with it, so that those of one invoice add up to its VAT in EUR.
func (d Document) exchanged(x Exchange) (money.Amount, error) {
	var before money.Amount
	for _, v := range d.VAT {
		before += v.CreditedAmount
	}
	all, err := x.toEUR(before + d.VATTotal)
	if err != nil {
		return 0, err
	}
	credited, err := x.toEUR(before)
	return all - credited, err
}

// checkExchange: VAT in another currency is stated in EUR too, at a rate of the
// tax point or before.
func (d Document) checkExchange() error {
	x := d.Exchange
	taxed := d.Kind == KindInvoice || d.Kind == KindCreditNote
	switch {
	case x == nil && d.Currency != money.EUR && d.VATTotal != 0 && taxed:
		return fmt.Errorf("invoice: VAT in %s that is not stated in EUR", d.Currency)
	case x == nil:
		return nil
	case d.Currency == money.EUR || !taxed:
		return errors.New("invoice: an exchange rate that nothing needs")
	case x.Millionths <= 0 || x.Source == "" || x.Day.IsZero() || x.Day.After(d.TaxPoint) || d.TaxPoint.Sub(x.Day) > oldest:
		return fmt.Errorf("invoice: a rate of %d by %q of %s for a tax point of %s", x.Millionths, x.Source, x.Day, d.TaxPoint)
	}
	if want, err := d.exchanged(*x); err != nil || want != x.VAT {
		return fmt.Errorf("invoice: VAT of %d %s is not %d EUR", d.VATTotal, d.Currency, x.VAT)
	}
	return nil
}
