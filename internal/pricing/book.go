package pricing

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
)

// Book is a dated, immutable set of prices: net minor units of one currency a
// month.
type Book struct {
	ID        string // "2025-04"
	Currency  money.Currency
	ValidFrom civil.Date
	Softphone SoftphonePrices
	Gateway   GatewayPrices
	Discounts map[Period]money.BasisPoints // of the periods that have one
}

// SoftphonePrices are the monthly prices of Softphone.
type SoftphonePrices struct {
	Account          money.Amount // a SIP account without call recording
	AccountRecording money.Amount // a SIP account with call recording
	Threshold        int          // accounts up to which there is no surcharge
	Surcharge        money.Amount // above the threshold
	API              money.Amount // free above the threshold
}

// GatewayPrices are the monthly prices of Gateway.
type GatewayPrices struct {
	Line         money.Amount
	MainAccount  money.Amount // the main Telegram account
	ExtraAccount money.Amount // each further Telegram account
	Threshold    int          // lines up to which there is no surcharge
	Surcharge    money.Amount // above the threshold
	API          money.Amount // free above the threshold
}

// MaxPrice bounds a single price, so that the dearest selection for the longest
// period stays below money.Max with VAT.
const MaxPrice money.Amount = 100_000_00

// Validate returns an error that names the first entry that makes no sense.
func (b Book) Validate() error {
	if b.ID == "" || !b.Currency.Valid() || b.ValidFrom.IsZero() {
		return errors.New("price book: id, currency and valid_from are required")
	}
	prices := []struct {
		name  string
		price money.Amount
		least money.Amount
	}{
		{"softphone.account", b.Softphone.Account, 1}, {"softphone.account_recording", b.Softphone.AccountRecording, 1},
		{"softphone.surcharge", b.Softphone.Surcharge, 0}, {"softphone.api", b.Softphone.API, 0},
		{"gateway.line", b.Gateway.Line, 1}, {"gateway.main_account", b.Gateway.MainAccount, 0},
		{"gateway.extra_account", b.Gateway.ExtraAccount, 0}, {"gateway.surcharge", b.Gateway.Surcharge, 0}, {"gateway.api", b.Gateway.API, 0},
	}
	for _, p := range prices {
		if p.price < p.least || p.price > MaxPrice {
			return fmt.Errorf("price book %s: %s is %s, must be from %s to %s", b.ID, p.name, p.price.Decimal(), p.least.Decimal(), MaxPrice.Decimal())
		}
	}
	if b.Softphone.AccountRecording < b.Softphone.Account {
		return fmt.Errorf("price book %s: softphone.account_recording is less than softphone.account", b.ID)
	}
	if b.Softphone.Threshold < 1 || b.Gateway.Threshold < 1 {
		return fmt.Errorf("price book %s: a threshold is at least 1", b.ID)
	}
	for period, discount := range b.Discounts {
		if !slices.Contains(Periods[:], period) || discount < 0 || discount >= 10_000 {
			return fmt.Errorf("price book %s: discount of %s %% for %d months", b.ID, money.Amount(discount).Decimal(), period)
		}
	}
	return nil
}

// Books are all price books, past and present.
type Books []Book

// NewBooks checks each book and that no two of one currency begin on one day or
// share an id.
func NewBooks(books ...Book) (Books, error) {
	sorted := slices.Clone(books)
	slices.SortStableFunc(sorted, func(a, b Book) int {
		return cmp.Or(cmp.Compare(a.Currency, b.Currency), a.ValidFrom.Compare(b.ValidFrom))
	})
	ids := map[string]bool{}
	for i, b := range sorted {
		if err := b.Validate(); err != nil {
			return nil, err
		}
		if ids[b.ID] {
			return nil, fmt.Errorf("price book %s: the id is used twice", b.ID)
		}
		ids[b.ID] = true
		if i > 0 && sorted[i-1].Currency == b.Currency && sorted[i-1].ValidFrom == b.ValidFrom {
			return nil, fmt.Errorf("price book %s: another %s book begins on %s too", b.ID, b.Currency, b.ValidFrom)
		}
	}
	if len(sorted) == 0 {
		return nil, errors.New("price book: there is none")
	}
	return sorted, nil
}

// For returns the book of a currency that is in force on day on; none is
// Unavailable.
func (bs Books) For(currency money.Currency, on civil.Date) (Book, error) {
	for _, b := range slices.Backward(bs) {
		if b.Currency == currency && !b.ValidFrom.After(on) {
			return b, nil
		}
	}
	return Book{}, fault.Wrap(fault.Unavailable, "error.price_book.none", fmt.Errorf("pricing: no %s price book on %s", currency, on))
}

// ByID returns the book that an order was priced by.
func (bs Books) ByID(id string) (Book, bool) {
	i := slices.IndexFunc(bs, func(b Book) bool { return b.ID == id })
	if i < 0 {
		return Book{}, false
	}
	return bs[i], true
}

// Currencies returns the currencies in which something is on sale on day on,
// EUR first, then by the alphabet.
func (bs Books) Currencies(on civil.Date) []money.Currency {
	var out []money.Currency
	for _, b := range bs {
		if !b.ValidFrom.After(on) && !slices.Contains(out, b.Currency) {
			out = append(out, b.Currency)
		}
	}
	slices.SortFunc(out, func(a, b money.Currency) int {
		return cmp.Or(-cmp.Compare(btoi(a == money.EUR), btoi(b == money.EUR)), cmp.Compare(a, b))
	})
	return out
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
