package bench

import (
	"testing"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/vat"
)

// BenchmarkQuote is what the calculator works out for one look at it: the price
// of each period and its VAT, without the database.
func BenchmarkQuote(b *testing.B) {
	s, today := seller(b), civil.MustParse("2026-11-23")
	book, err := s.Books.For("EUR", today)
	if err != nil {
		b.Fatal(err)
	}
	selection := pricing.Selection{Plan: pricing.Softphone, Options: pricing.Options{Accounts: 12, Recording: true}}
	buyer := vat.Buyer{Country: "AT", Postcode: "1010"}
	b.ReportAllocs()
	for b.Loop() {
		for _, period := range pricing.Periods {
			selection.Period = period
			price, err := book.Price(selection)
			if err != nil {
				b.Fatal(err)
			}
			treatment, err := vat.Decide(s.VAT, buyer, today, vat.Turnover{Sale: price.Net})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := treatment.Tax(price.Net); err != nil {
				b.Fatal(err)
			}
		}
	}
}
