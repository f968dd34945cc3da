package pricing_test

import (
	"math/big"
	"testing"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/pricing"
	"pgregory.net/rapid"
)

// book is price book 2025-04 of product.md.
func book() pricing.Book {
	return pricing.Book{
		ID: "2025-04", Currency: "EUR", ValidFrom: civil.MustParse("2025-04-01"),
		Softphone: pricing.SoftphonePrices{Account: 300, AccountRecording: 500, Threshold: 10, Surcharge: 150_00, API: 150_00},
		Gateway:   pricing.GatewayPrices{Line: 1500, MainAccount: 1500, ExtraAccount: 150_00, Threshold: 5, Surcharge: 150_00, API: 150_00},
		Discounts: map[pricing.Period]money.BasisPoints{12: 1000, 36: 3000},
	}
}

func soft(accounts int, recording, api bool, months int) pricing.Selection {
	return pricing.Selection{Plan: pricing.Softphone, Options: pricing.Options{Accounts: accounts, Recording: recording, API: api}, Period: pricing.Period(months)}
}

func gate(lines, extra int, api bool, months int) pricing.Selection {
	return pricing.Selection{Plan: pricing.Gateway, Options: pricing.Options{Lines: lines, ExtraAccounts: extra, API: api}, Period: pricing.Period(months)}
}

// The worked examples of product.md, and the steps around the thresholds.
func TestWorkedExamples(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name         string
		sel          pricing.Selection
		monthly, net money.Amount
		apiIncluded  bool
	}{
		{"one account", soft(1, false, false, 6), 3_00, 18_00, false},
		{"five with recording", soft(5, true, false, 6), 25_00, 150_00, false},
		{"twelve with recording", soft(12, true, false, 6), 210_00, 1260_00, false},
		{"twelve with recording, a year", soft(12, true, false, 12), 210_00, 2268_00, false},
		{"twelve with recording, three years", soft(12, true, false, 36), 210_00, 5292_00, false},
		{"ten: no surcharge", soft(10, false, false, 6), 30_00, 180_00, false},
		{"eleven: surcharge", soft(11, false, false, 6), 183_00, 1098_00, false},
		{"ten with API", soft(10, false, true, 6), 180_00, 1080_00, false},
		{"eleven with API: free", soft(11, false, true, 6), 183_00, 1098_00, true},
		{"one line", gate(1, 0, false, 6), 30_00, 180_00, false},
		{"three lines", gate(3, 0, false, 6), 60_00, 360_00, false},
		{"six lines and one extra account", gate(6, 1, false, 6), 405_00, 2430_00, false},
		{"six lines, one extra, API free, three years", gate(6, 1, true, 36), 405_00, 10206_00, true},
		{"five lines with API", gate(5, 0, true, 6), 240_00, 1440_00, false},
	} {
		p, err := book().Price(tt.sel)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if p.Monthly != tt.monthly || p.Net != tt.net || p.APIIncluded != tt.apiIncluded {
			t.Errorf("%s: monthly %d net %d API free %v, want %d, %d, %v", tt.name, p.Monthly, p.Net, p.APIIncluded, tt.monthly, tt.net, tt.apiIncluded)
		}
	}
}

func selection(t *rapid.T) pricing.Selection {
	period := int(rapid.SampledFrom(pricing.Periods[:]).Draw(t, "period"))
	if rapid.Bool().Draw(t, "softphone") {
		return soft(rapid.IntRange(1, pricing.MaxAccounts).Draw(t, "accounts"), rapid.Bool().Draw(t, "recording"), rapid.Bool().Draw(t, "api"), period)
	}
	return gate(rapid.IntRange(1, pricing.MaxLines).Draw(t, "lines"), rapid.IntRange(0, pricing.MaxExtraAccounts).Draw(t, "extra"), rapid.Bool().Draw(t, "api"), period)
}

// Prices add up, and follow the discount to half a minor unit (I15, I17).
func TestPriceAddsUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := selection(t)
		p, err := book().Price(s)
		if err != nil {
			t.Fatal(err)
		}
		var sum money.Amount
		for _, l := range p.Lines {
			if l.Monthly != money.Amount(l.Quantity)*l.UnitMonthly || l.Monthly <= 0 {
				t.Fatalf("line %+v", l)
			}
			sum += l.Monthly
		}
		if sum != p.Monthly || p.Gross != p.Monthly*money.Amount(s.Period) || p.Net+p.Discount != p.Gross || p.Net <= 0 {
			t.Fatalf("%+v does not add up", p)
		}
		// 2 x |net x 10000 - gross x (10000 - percent)| <= 10000: at most half a minor unit.
		if d := 2 * (p.Net*10_000 - p.Gross*money.Amount(10_000-p.Percent)); d > 10_000 || d <= -10_000 {
			t.Fatalf("%+v: discount is off", p)
		}
	})
}

// anyBook is a book that Validate accepts, with prices up to the highest.
func anyBook(t *rapid.T) pricing.Book {
	price := func(name string, least money.Amount) money.Amount {
		return money.Amount(rapid.OneOf(rapid.Just(int64(pricing.MaxPrice)), rapid.Int64Range(int64(least), 10_000), rapid.Int64Range(int64(least), int64(pricing.MaxPrice))).Draw(t, name))
	}
	b := book()
	b.Softphone = pricing.SoftphonePrices{Account: price("account", 1), AccountRecording: price("recording", 1), Threshold: rapid.IntRange(1, 1000).Draw(t, "accounts up to"), Surcharge: price("surcharge", 0), API: price("api", 0)}
	b.Softphone.AccountRecording = max(b.Softphone.Account, b.Softphone.AccountRecording)
	b.Gateway = pricing.GatewayPrices{Line: price("line", 1), MainAccount: price("main", 0), ExtraAccount: price("extra", 0), Threshold: rapid.IntRange(1, 1000).Draw(t, "lines up to"), Surcharge: price("surcharge", 0), API: price("api", 0)}
	b.Discounts = map[pricing.Period]money.BasisPoints{}
	for _, period := range pricing.Periods {
		b.Discounts[period] = money.BasisPoints(rapid.Int64Range(0, 9999).Draw(t, "discount"))
	}
	return b
}

// With any prices the operator may set, no selection overflows, and the net is
// the exact product of the rules rounded half up once.
func TestPriceOfAnyBookIsRoundedOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b, s := anyBook(t), selection(t)
		if err := b.Validate(); err != nil {
			t.Fatal(err)
		}
		p, err := b.Price(s)
		if err != nil {
			t.Fatalf("%+v: %v", s, err)
		}
		exact := big.NewInt(int64(p.Monthly))
		exact.Mul(exact, big.NewInt(int64(s.Period)))
		exact.Mul(exact, big.NewInt(int64(10_000-b.Discounts[s.Period])))
		exact.Add(exact, big.NewInt(5_000)).Quo(exact, big.NewInt(10_000))
		if !exact.IsInt64() || money.Amount(exact.Int64()) != p.Net || p.Net+p.Discount != p.Gross || p.Discount < 0 {
			t.Fatalf("%+v: net %d, want %s", p, p.Net, exact)
		}
	})
}

// The dearest configuration at the highest prices is still a price.
func TestTheHighestPriceDoesNotOverflow(t *testing.T) {
	t.Parallel()
	b := book()
	b.Softphone = pricing.SoftphonePrices{Account: pricing.MaxPrice, AccountRecording: pricing.MaxPrice, Threshold: 1, Surcharge: pricing.MaxPrice, API: pricing.MaxPrice}
	b.Gateway = pricing.GatewayPrices{Line: pricing.MaxPrice, MainAccount: pricing.MaxPrice, ExtraAccount: pricing.MaxPrice, Threshold: 1, Surcharge: pricing.MaxPrice, API: pricing.MaxPrice}
	if err := b.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, s := range []pricing.Selection{soft(pricing.MaxAccounts, true, true, 36), gate(pricing.MaxLines, pricing.MaxExtraAccounts, true, 36)} {
		p, err := b.Price(s)
		if err != nil {
			t.Errorf("%+v: %v", s, err)
			continue
		}
		// VAT at the highest rate of the EU comes on top.
		vat, err := p.Gross.Percent(2700)
		if err == nil {
			_, err = money.Sum(p.Gross, vat)
		}
		if err != nil {
			t.Errorf("%+v with VAT: %v", s, err)
		}
	}
}

// One more account or line never costs less, but where it frees the API fee;
// and it costs a step more only past the threshold (I17).
func TestPriceIsMonotoneButForTheDocumentedSteps(t *testing.T) {
	t.Parallel()
	b := book()
	rapid.Check(t, func(t *rapid.T) {
		s := selection(t)
		more, n, threshold, unit := s, s.Accounts, b.Softphone.Threshold, b.Softphone.Account
		if s.Recording {
			unit = b.Softphone.AccountRecording
		}
		if s.Plan == pricing.Gateway {
			n, threshold, unit = s.Lines, b.Gateway.Threshold, b.Gateway.Line
			more.Lines++
		} else {
			more.Accounts++
		}
		before, err := b.Price(s)
		after, err2 := b.Price(more)
		if err != nil || err2 != nil {
			return // past the limit
		}
		want := unit
		if n == threshold {
			want += 150_00
			if s.API {
				want -= 150_00
			}
		}
		if got := after.Monthly - before.Monthly; got != want {
			t.Fatalf("%+v: one more adds %d, want %d", s, got, want)
		}
	})
}

func TestHints(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		sel   pricing.Selection
		kind  pricing.HintKind
		delta money.Amount
	}{
		{soft(9, true, false, 6), "", 0},
		{soft(10, true, false, 6), pricing.HintSurchargeNext, 155_00},
		{soft(10, true, true, 6), pricing.HintAPIFreeNext, 5_00},
		{soft(11, true, true, 6), pricing.HintSurcharge, 5_00},
		{gate(5, 0, false, 6), pricing.HintSurchargeNext, 165_00},
		{gate(4, 0, true, 6), "", 0},
	} {
		hints := book().Hints(tt.sel)
		if tt.kind == "" {
			if len(hints) != 0 {
				t.Errorf("%+v: %+v", tt.sel, hints)
			}
			continue
		}
		if len(hints) != 1 || hints[0].Kind != tt.kind || hints[0].Delta != tt.delta {
			t.Errorf("%+v: %+v, want %s with %d", tt.sel, hints, tt.kind, tt.delta)
		}
	}
}

// A book without a surcharge has no step to warn of, a book without an API fee
// includes the API, and what cannot be ordered is not hinted at.
func TestBooksWithoutAStep(t *testing.T) {
	t.Parallel()
	flat := book()
	flat.Softphone.Surcharge = 0
	for _, s := range []pricing.Selection{soft(10, false, false, 6), soft(10, false, true, 6), soft(11, false, true, 6)} {
		if hints := flat.Hints(s); len(hints) != 0 {
			t.Errorf("no surcharge, %+v: %+v", s, hints)
		}
	}
	flat.Softphone.API = 0
	if p, err := flat.Price(soft(2, false, true, 6)); err != nil || !p.APIIncluded || p.Monthly != 600 {
		t.Errorf("a free API: %+v, %v", p, err)
	}
	far := book()
	far.Gateway.Threshold = pricing.MaxLines
	if hints := far.Hints(gate(pricing.MaxLines, 0, true, 6)); len(hints) != 0 {
		t.Errorf("the last line on sale: %+v", hints)
	}
	if hints := book().Hints(gate(pricing.MaxLines, 0, false, 6)); len(hints) != 1 || hints[0].Kind != pricing.HintSurcharge {
		t.Errorf("the surcharge of the largest gateway: %+v", hints)
	}
	if hints := book().Hints(soft(0, false, false, 6)); hints != nil {
		t.Errorf("nothing ordered: %+v", hints)
	}
}

func TestCheckNamesEveryMistake(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		sel    pricing.Selection
		fields []string
	}{
		{"nothing", soft(0, false, false, 6), []string{"accounts"}},
		{"ten million", soft(10_000_000, false, false, 6), []string{"accounts"}},
		{"negative", soft(-1, false, false, 6), []string{"accounts"}},
		{"period 7", soft(1, false, false, 7), []string{"period"}},
		{"unknown plan", pricing.Selection{Plan: "gold", Period: 6}, []string{"plan"}},
		{"retired plan", pricing.Selection{Plan: pricing.Starter, Period: 6}, []string{"plan"}},
		{"another plan's options", pricing.Selection{Plan: pricing.Gateway, Options: pricing.Options{Lines: 1, Accounts: 2, Recording: true}, Period: 6}, []string{"accounts", "recording"}},
		{"lines of a softphone", pricing.Selection{Plan: pricing.Softphone, Options: pricing.Options{Accounts: 1, Lines: 2, ExtraAccounts: 1}, Period: 0}, []string{"lines", "extra_accounts", "period"}},
		{"too many extras", gate(1, 101, false, 6), []string{"extra_accounts"}},
	} {
		var got []string
		for _, f := range pricing.Check(tt.sel) {
			got = append(got, f.Name)
		}
		if len(got) != len(tt.fields) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.fields)
			continue
		}
		for i := range got {
			if got[i] != tt.fields[i] {
				t.Errorf("%s: %v, want %v", tt.name, got, tt.fields)
			}
		}
		if _, err := book().Price(tt.sel); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: priced all the same: %v", tt.name, err)
		}
	}
}

func TestBooks(t *testing.T) {
	t.Parallel()
	old := book()
	old.ID, old.ValidFrom = "2023-07", civil.MustParse("2023-07-01")
	usd := book()
	usd.ID, usd.Currency = "2025-04-USD", "USD"
	books, err := pricing.NewBooks(book(), usd, old)
	if err != nil {
		t.Fatal(err)
	}
	for day, want := range map[string]string{"2025-03-31": "2023-07", "2025-04-01": "2025-04", "2030-01-01": "2025-04"} {
		if b, err := books.For("EUR", civil.MustParse(day)); err != nil || b.ID != want {
			t.Errorf("%s: %s, %v", day, b.ID, err)
		}
	}
	if _, err := books.For("EUR", civil.MustParse("2023-06-30")); !fault.Is(err, fault.Unavailable) {
		t.Errorf("before the first book: %v", err)
	}
	if b, ok := books.ByID("2023-07"); !ok || b.ValidFrom != old.ValidFrom {
		t.Errorf("by id: %+v, %v", b, ok)
	}
	if b, ok := books.ByID("2024-07"); ok {
		t.Errorf("a book nobody wrote: %+v", b)
	}
	if got := books.Currencies(civil.MustParse("2026-01-01")); len(got) != 2 || got[0] != "EUR" || got[1] != "USD" {
		t.Errorf("currencies %v", got)
	}
	if got := books.Currencies(civil.MustParse("2024-01-01")); len(got) != 1 {
		t.Errorf("currencies of 2024 %v", got)
	}
	for name, spoil := range map[string]func(*pricing.Book){
		"no id":               func(b *pricing.Book) { b.ID = "" },
		"free account":        func(b *pricing.Book) { b.Softphone.Account = 0 },
		"negative surcharge":  func(b *pricing.Book) { b.Gateway.Surcharge = -1 },
		"absurd price":        func(b *pricing.Book) { b.Gateway.Line = 1 << 40 },
		"no threshold":        func(b *pricing.Book) { b.Gateway.Threshold = 0 },
		"free by discount":    func(b *pricing.Book) { b.Discounts = map[pricing.Period]money.BasisPoints{12: 10_000} },
		"unknown period":      func(b *pricing.Book) { b.Discounts = map[pricing.Period]money.BasisPoints{7: 100} },
		"recording cheaper":   func(b *pricing.Book) { b.Softphone.AccountRecording = 1 },
		"bad currency":        func(b *pricing.Book) { b.Currency = "eur" },
		"same day, same coin": func(b *pricing.Book) { b.ID = "other" },
		"same id":             func(b *pricing.Book) { b.ValidFrom = civil.MustParse("2026-01-01") },
	} {
		bad := book()
		spoil(&bad)
		if _, err := pricing.NewBooks(book(), bad); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func BenchmarkPrice(b *testing.B) {
	prices := book()
	s := gate(6, 1, true, 36)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := prices.Price(s); err != nil {
			b.Fatal(err)
		}
	}
}
