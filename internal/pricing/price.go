package pricing

import (
	"slices"

	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
)

// Limits of what the portal sells by itself; more is a matter for a talk.
const (
	MaxAccounts      = 1000
	MaxLines         = 1000
	MaxExtraAccounts = 100
)

// Check returns the mistakes of a selection, under the names of the form's
// fields.
func Check(s Selection) fault.Fields {
	var fields fault.Fields
	between := func(name string, n, from, to int) {
		if n < from || n > to {
			fields.Add(name, "error.plan.range", fault.Args{"From": from, "To": to})
		}
	}
	foreign := func(name string, set bool) {
		if set {
			fields.Add(name, "error.plan.option", nil)
		}
	}
	switch s.Plan {
	case Softphone:
		between("accounts", s.Accounts, 1, MaxAccounts)
		foreign("lines", s.Lines != 0)
		foreign("extra_accounts", s.ExtraAccounts != 0)
	case Gateway:
		between("lines", s.Lines, 1, MaxLines)
		between("extra_accounts", s.ExtraAccounts, 0, MaxExtraAccounts)
		foreign("accounts", s.Accounts != 0)
		foreign("recording", s.Recording)
	case Free, SoftphoneProvider, Trial, Starter:
		fields.Add("plan", "error.plan.not_sold", nil)
	default:
		fields.Add("plan", "error.plan.unknown", nil)
	}
	if !slices.Contains(Periods[:], s.Period) {
		fields.Add("period", "error.plan.period", nil)
	}
	return fields
}

// Line is one position of a monthly price. Monthly = Quantity x UnitMonthly.
type Line struct {
	Code        string // stable item code, "SOFT-ACC"
	Quantity    int64
	UnitMonthly money.Amount
	Monthly     money.Amount
}

// Price is what a selection costs, net.
type Price struct {
	BookID      string
	Currency    money.Currency
	Lines       []Line
	Monthly     money.Amount // sum of the lines
	Period      Period
	Gross       money.Amount // Monthly x months, before the discount
	Percent     money.BasisPoints
	Discount    money.Amount // Gross - Net
	Net         money.Amount // Gross x (100 % - Percent), half up once
	APIIncluded bool         // API access was asked for and costs nothing
}

// Price prices a selection; one that Check refuses is Invalid.
func (b Book) Price(s Selection) (Price, error) {
	if err := Check(s).Err(); err != nil {
		return Price{}, err
	}
	p := Price{BookID: b.ID, Currency: b.Currency, Period: s.Period, Percent: b.Discounts[s.Period]}
	p.Lines, p.APIIncluded = b.lines(s)
	for i, l := range p.Lines {
		monthly, err := l.UnitMonthly.Times(l.Quantity)
		if err != nil {
			return Price{}, err
		}
		p.Lines[i].Monthly = monthly
		if p.Monthly, err = money.Sum(p.Monthly, monthly); err != nil {
			return Price{}, err
		}
	}
	var err error
	if p.Gross, err = p.Monthly.Times(int64(s.Period)); err != nil {
		return Price{}, err
	}
	if p.Net, err = p.Gross.Percent(10_000 - p.Percent); err != nil {
		return Price{}, err
	}
	p.Discount = p.Gross - p.Net
	return p, nil
}

// lines takes the rules of product.md one by one.
func (b Book) lines(s Selection) (lines []Line, apiIncluded bool) {
	add := func(code string, quantity int, unit money.Amount) {
		if quantity > 0 && unit > 0 {
			lines = append(lines, Line{Code: code, Quantity: int64(quantity), UnitMonthly: unit})
		}
	}
	above := b.above(s)
	var surcharge, api money.Amount
	prefix := "SOFT"
	if s.Plan == Softphone {
		surcharge, api = b.Softphone.Surcharge, b.Softphone.API
		if s.Recording {
			add("SOFT-REC", s.Accounts, b.Softphone.AccountRecording)
		} else {
			add("SOFT-ACC", s.Accounts, b.Softphone.Account)
		}
	} else {
		surcharge, api, prefix = b.Gateway.Surcharge, b.Gateway.API, "GW"
		add("GW-LINE", s.Lines, b.Gateway.Line)
		add("GW-MAIN", 1, b.Gateway.MainAccount)
		add("GW-EXTRA", s.ExtraAccounts, b.Gateway.ExtraAccount)
	}
	if above {
		add(prefix+"-SUR", 1, surcharge)
	}
	if s.API && !above {
		add(prefix+"-API", 1, api)
	}
	return lines, s.API && (above || api == 0)
}

// above reports whether a selection is past its plan's threshold.
func (b Book) above(s Selection) bool {
	n, threshold := b.size(s)
	return n > threshold
}

// size returns the quantity that a plan's threshold is about, and the threshold.
func (b Book) size(s Selection) (n, threshold int) {
	if s.Plan == Softphone {
		return s.Accounts, b.Softphone.Threshold
	}
	return s.Lines, b.Gateway.Threshold
}

// HintKind says what is worth knowing about a quantity near the threshold.
type HintKind string

// The hints.
const (
	HintSurchargeNext HintKind = "surcharge_next" // one more starts the surcharge
	HintSurcharge     HintKind = "surcharge"      // the surcharge is in the price; API access is free
	HintAPIFreeNext   HintKind = "api_free_next"  // one more starts the surcharge and frees the API fee
)

// Hint tells where one more account or line changes the price by a step.
type Hint struct {
	Kind      HintKind
	Threshold int
	Surcharge money.Amount // a month
	API       money.Amount // the fee that is or would be free, a month
	Delta     money.Amount // what one more account or line adds to the monthly price; 0 past the limit
}

// Hints returns what is worth knowing about a selection; nothing far from the
// threshold, or in a book without a surcharge.
func (b Book) Hints(s Selection) []Hint {
	price, err := b.Price(s)
	if err != nil {
		return nil
	}
	n, threshold := b.size(s)
	h := Hint{Threshold: threshold, Surcharge: b.Softphone.Surcharge, API: b.Softphone.API}
	more := s
	if s.Plan == Softphone {
		more.Accounts++
	} else {
		more.Lines++
		h.Surcharge, h.API = b.Gateway.Surcharge, b.Gateway.API
	}
	next, err := b.Price(more)
	onSale := err == nil // one more may be past the limit
	if onSale {
		h.Delta = next.Monthly - price.Monthly
	}
	switch {
	case h.Surcharge == 0:
		return nil
	case n > threshold:
		h.Kind = HintSurcharge
	case n < threshold || !onSale:
		return nil
	case s.API:
		h.Kind = HintAPIFreeNext
	default:
		h.Kind = HintSurchargeNext
	}
	return []Hint{h}
}
