package subscription_test

import (
	"math/big"
	"testing"
	"time"

	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/subscription"
	"pgregory.net/rapid"
)

// book is the price book of product.md.
var book = pricing.Book{
	ID: "2025-04", Currency: "EUR",
	Softphone: pricing.SoftphonePrices{Account: 3_00, AccountRecording: 5_00, Threshold: 10, Surcharge: 150_00, API: 150_00},
	Gateway:   pricing.GatewayPrices{Line: 15_00, MainAccount: 15_00, ExtraAccount: 150_00, Threshold: 5, Surcharge: 150_00, API: 150_00},
	Discounts: map[pricing.Period]money.BasisPoints{12: 1000, 36: 3000},
}

func prices(_ string, s pricing.Selection) (pricing.Price, error) { return book.Price(s) }

func gateway(lines, extra int, period pricing.Period) pricing.Selection {
	return pricing.Selection{Plan: pricing.Gateway, Options: pricing.Options{Lines: lines, ExtraAccounts: extra}, Period: period}
}

func softphone(accounts int, recording bool, period pricing.Period) pricing.Selection {
	return pricing.Selection{Plan: pricing.Softphone, Options: pricing.Options{Accounts: accounts, Recording: recording}, Period: period}
}

// fatal is what testing.T, testing.F and rapid.T have in common here.
type fatal interface {
	Fatal(...any)
	Fatalf(string, ...any)
}

// bought begins a subscription and its value account.
func bought(t fatal, sel pricing.Selection, at time.Time, zone *time.Location) (subscription.Subscription, []subscription.PaidPeriod) {
	s, p := subscription.Start("p", "c", sel, "EUR", at, zone)
	return s, []subscription.PaidPeriod{paid(t, p, sel)}
}

func paid(t fatal, p subscription.Period, sel pricing.Selection) subscription.PaidPeriod {
	price, err := book.Price(sel)
	if err != nil {
		t.Fatal(err)
	}
	account, err := subscription.Paid(p, price.Net, price.Monthly, book.ID)
	if err != nil {
		t.Fatal(err)
	}
	return account
}

// renewed buys another period of what the subscription is now.
func renewed(t fatal, s subscription.Subscription, periods []subscription.PaidPeriod, term pricing.Period, zone *time.Location) (subscription.Subscription, []subscription.PaidPeriod) {
	s, p, err := s.Extended(term, periods[len(periods)-1].Number+1, zone)
	if err != nil {
		t.Fatal(err)
	}
	return s, append(periods[:len(periods):len(periods)], paid(t, p, s.Selection))
}

func preview(t fatal, s subscription.Subscription, periods []subscription.PaidPeriod, to pricing.Selection, at time.Time) subscription.Change {
	c, err := subscription.Preview(s, periods, to, prices, at, time.UTC)
	if err != nil {
		t.Fatalf("%+v to %+v at %s: %v", s, to, at, err)
	}
	return c
}

func instant(t fatal, s string) time.Time {
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// Gateway with 1 line costs 30.00 a month, and 324.00 for 12 months. Of the 365
// days of 2026 one half, 182.5 days, is left at noon of 2 July: 162.00.
func TestChangeByHand(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name             string
		to               pricing.Selection
		until            string
		monthly          money.Amount
		oldDaily, daily  string
		oldDays, newDays string
		days             int
		residue          string
		anchor           int
	}{
		{"twice the price, half the time", gateway(3, 0, 12), "2026-10-01T18:00:00Z", 60_00, "0.887671", "1.775342", "182.5000", "91.2500", -92, "0/1", 1},
		{"13.5 times the price", gateway(6, 1, 12), "2026-07-16T00:26:40Z", 405_00, "0.887671", "11.983562", "182.5000", "13.5185", -169, "0/1", 16},
		{"another plan, 5/6 of the price", softphone(5, true, 12), "2027-02-06T12:00:00Z", 25_00, "0.887671", "0.739726", "182.5000", "219.0000", 36, "0/1", 6},
		// 15,768,000 s x 30 / 210 = 2,252,571 3/7 s; 3/7 s x 7 x 32400 / 31,536,000 cents/s = 9/2920 cents
		{"7 times the price, not a whole second", softphone(12, true, 12), "2026-07-28T13:42:51Z", 210_00, "0.887671", "6.213699", "182.5000", "26.0714", -157, "9/2920", 28},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, periods := bought(t, gateway(1, 0, 12), instant(t, "2026-01-01T00:00:00Z"), time.UTC)
			c := preview(t, s, periods, tt.to, instant(t, "2026-07-02T12:00:00Z"))
			part := c.Parts[0]
			if c.OldUntil != s.PaidUntil || c.NewUntil != instant(t, tt.until) || c.OldMonthly != 30_00 || c.NewMonthly != tt.monthly ||
				c.Unused != 162_00 || c.Credit != 0 || c.Residue.String() != tt.residue || c.Days != tt.days || c.AnchorDay != tt.anchor {
				t.Errorf("%+v", c)
			}
			if part.OldPerDay.Decimal(6) != tt.oldDaily || part.NewPerDay.Decimal(6) != tt.daily || part.OldDays != tt.oldDays || part.NewDays != tt.newDays {
				t.Errorf("%s x %s = %s x %s", part.OldDays, part.OldPerDay.Decimal(6), part.NewDays, part.NewPerDay.Decimal(6))
			}
			after := s.Changed(c)
			if after.PaidUntil != c.NewUntil || after.Selection != tt.to || after.AnchorDay != tt.anchor || after.AutoRenew != s.AutoRenew {
				t.Errorf("%+v", after)
			}
		})
	}
}

// A change is at a whole second, and one by a clock that runs behind begins with
// the period.
func TestChangeIsAtAWholeSecond(t *testing.T) {
	t.Parallel()
	s, periods := bought(t, gateway(1, 0, 12), instant(t, "2026-01-01T00:00:00Z"), time.UTC)
	at := instant(t, "2026-07-02T12:00:00Z")
	if c := preview(t, s, periods, gateway(3, 0, 12), at.Add(999*time.Millisecond)); c.At != at || c.NewUntil != instant(t, "2026-10-01T18:00:00Z") {
		t.Errorf("%s until %s", c.At, c.NewUntil)
	}
	c := preview(t, s, periods, gateway(3, 0, 12), s.StartedAt.Add(-time.Minute))
	if c.Unused != 324_00 || c.Periods[0].From != s.StartedAt || c.NewUntil != instant(t, "2026-07-02T12:00:00Z") || c.Parts[0].OldDays != "365.0000" {
		t.Errorf("%+v", c)
	}
}

// The last second of the cheapest buys 1/135 s of something 135 times dearer,
// and gets one; not more than it was worth is used up in it.
func TestOneSecondIsAlwaysLeft(t *testing.T) {
	t.Parallel()
	s, periods := bought(t, softphone(1, false, 6), instant(t, "2026-01-01T00:00:00Z"), time.UTC)
	at := s.PaidUntil.Add(-time.Second)
	c := preview(t, s, periods, gateway(6, 1, 6), at)
	if !c.NewUntil.Equal(s.PaidUntil) || c.Credit != 0 || c.Residue.Sign() != 0 {
		t.Errorf("%+v", c)
	}
	p := c.Periods[0]
	p.Until = p.Until.Add(time.Hour)
	if left := p.Unused(at.Add(time.Minute)); left.Sign() != 0 {
		t.Errorf("%s is left of nothing", left)
	}
}

// Each paid period keeps its own discount: 12 months with 10 %, then 6 months at
// the list price, 181 days for 180.00, renewed early.
func TestChangeGoesThroughEveryPeriod(t *testing.T) {
	t.Parallel()
	s, periods := bought(t, gateway(1, 0, 12), instant(t, "2026-01-01T00:00:00Z"), time.UTC)
	s, periods = renewed(t, s, periods, 6, time.UTC)
	c := preview(t, s, periods, gateway(3, 0, 12), instant(t, "2026-07-02T12:00:00Z"))
	if c.Unused != 342_00 || c.OldUntil != instant(t, "2027-07-01T00:00:00Z") || c.NewUntil != instant(t, "2026-12-31T06:00:00Z") {
		t.Errorf("%+v", c)
	}
	if first := c.Periods[0]; first.From != c.At || first.Until != instant(t, "2026-10-01T18:00:00Z") || c.Periods[1].From != first.Until {
		t.Errorf("%+v", c.Periods)
	}
	if c.Parts[1].OldDays != "181.0000" || c.Parts[1].NewDays != "90.5000" || c.To.Period != 6 {
		t.Errorf("%+v", c.Parts[1])
	}
	// In the second period only it is left.
	if c = preview(t, s, periods, gateway(3, 0, 12), instant(t, "2027-03-01T00:00:00Z")); len(c.Periods) != 1 || c.Periods[0].Number != 2 {
		t.Errorf("%+v", c.Periods)
	}
}

// A period is changed by the book it was bought by, whatever is sold today.
func TestChangeKeepsTheBook(t *testing.T) {
	t.Parallel()
	s, periods := bought(t, gateway(1, 0, 12), instant(t, "2026-01-01T00:00:00Z"), time.UTC)
	var asked []string
	_, err := subscription.Preview(s, periods, gateway(3, 0, 12), func(id string, sel pricing.Selection) (pricing.Price, error) {
		asked = append(asked, id)
		return book.Price(sel)
	}, s.StartedAt, time.UTC)
	if err != nil || len(asked) != 1 || asked[0] != "2025-04" {
		t.Errorf("asked %v: %v", asked, err)
	}
}

// Above a cent a second whole cents can be left over. 86,400 s for 100,000.00,
// three times dearer: 28,800 s and nothing left; seven times: 12,342 6/7 s, and
// 6/7 s x 7 x 10^7 / 86,400 cents/s = 694 4/9 cents.
func TestWhatBuysNoSecondGoesToTheBalance(t *testing.T) {
	t.Parallel()
	from := instant(t, "2026-01-01T00:00:00Z")
	s := subscription.Subscription{State: subscription.StateActive, Currency: "EUR", Selection: gateway(1, 0, 12), StartedAt: from, PaidUntil: from.Add(24 * time.Hour)}
	account, err := subscription.Paid(subscription.Period{Number: 1, From: from, Until: s.PaidUntil}, 100_000_00, 30_00, "b")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		to      pricing.Selection
		seconds int64
		credit  money.Amount
		residue string
	}{
		{gateway(5, 0, 12), 28_800, 0, "0/1"},
		{softphone(12, true, 12), 12_342, 694, "4/9"},
	} {
		c := preview(t, s, []subscription.PaidPeriod{account}, tt.to, from)
		if got := c.NewUntil.Unix() - from.Unix(); got != tt.seconds || c.Credit != tt.credit || c.Residue.String() != tt.residue {
			t.Errorf("%d s, credit %d, residue %s", got, c.Credit, c.Residue)
		}
		if kept := subscription.UnusedValue(c.Periods, from).Add(subscription.ValueOf(c.Credit)); kept.Cmp(c.Value) != 0 {
			t.Errorf("%s became %s", c.Value, kept)
		}
	}
}

func TestChangeRefuses(t *testing.T) {
	t.Parallel()
	s, periods := bought(t, gateway(1, 0, 12), instant(t, "2026-01-01T00:00:00Z"), time.UTC)
	middle := instant(t, "2026-07-02T12:00:00Z")
	ended, moved, dollars := s, s, s
	ended.State = subscription.StateEnded
	moved.PaidUntil = moved.PaidUntil.Add(time.Second)
	dollars.Currency = "USD"
	broken := []subscription.PaidPeriod{periods[0], periods[0]}
	for _, tt := range []struct {
		name    string
		s       subscription.Subscription
		periods []subscription.PaidPeriod
		to      pricing.Selection
		at      time.Time
		kind    fault.Kind
	}{
		{"ended", ended, periods, gateway(3, 0, 12), middle, fault.Conflict},
		{"in grace", s, periods, gateway(3, 0, 12), s.PaidUntil, fault.Conflict},
		{"nothing paid", s, nil, gateway(3, 0, 12), middle, fault.Conflict},
		{"the same", s, periods, gateway(1, 0, 12), middle, fault.Invalid},
		{"the same for another period", s, periods, gateway(1, 0, 36), middle, fault.Invalid},
		{"not sold", s, periods, pricing.Selection{Plan: pricing.Free}, middle, fault.Invalid},
		{"another currency", dollars, periods, gateway(3, 0, 12), middle, fault.Internal},
		{"an account that ends elsewhere", moved, periods, gateway(3, 0, 12), middle, fault.Internal},
		{"an account that overlaps", s, broken, gateway(3, 0, 12), middle, fault.Internal},
		{"an account of nothing", s, make([]subscription.PaidPeriod, 1), gateway(3, 0, 12), middle, fault.Internal},
	} {
		if _, err := subscription.Preview(tt.s, tt.periods, tt.to, prices, tt.at, time.UTC); err == nil || fault.KindOf(err) != tt.kind {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	// 36 months of the dearest for the cheapest: 3 x 30,180 / 3 years.
	s, periods = bought(t, gateway(1000, 100, 36), middle, time.UTC)
	if _, err := subscription.Preview(s, periods, softphone(1, false, 36), prices, middle, time.UTC); !fault.Is(err, fault.Conflict) {
		t.Errorf("an end after the year 9999: %v", err)
	}
}

// drawSelection draws what can be on sale.
func drawSelection(t *rapid.T, label string) pricing.Selection {
	term := rapid.SampledFrom(pricing.Periods[:]).Draw(t, label+" term")
	if rapid.Bool().Draw(t, label+" gateway") {
		return gateway(rapid.IntRange(1, 30).Draw(t, label+" lines"), rapid.IntRange(0, 3).Draw(t, label+" extra"), term)
	}
	return softphone(rapid.IntRange(1, 30).Draw(t, label+" accounts"), rapid.Bool().Draw(t, label+" recording"), term)
}

// drawAccount draws a subscription with a few paid periods and an instant at
// which something is left.
func drawAccount(t *rapid.T, zone *time.Location) (subscription.Subscription, []subscription.PaidPeriod, time.Time) {
	s, periods := bought(t, drawSelection(t, "bought"), time.Unix(rapid.Int64Range(1_700_000_000, 2_200_000_000).Draw(t, "start"), 0), zone)
	for range rapid.IntRange(0, 3).Draw(t, "renewals") {
		s, periods = renewed(t, s, periods, rapid.SampledFrom(pricing.Periods[:]).Draw(t, "term"), zone)
	}
	left := s.PaidUntil.Unix() - s.StartedAt.Unix()
	at := time.Unix(s.StartedAt.Unix()+rapid.Int64Range(0, left-1).Draw(t, "gone"), 0).UTC()
	return s, periods, at
}

// other draws a selection that is not the current one.
func other(t *rapid.T, s subscription.Subscription, label string) pricing.Selection {
	to := drawSelection(t, label)
	to.Period = s.Selection.Period
	if to == s.Selection {
		return gateway(31, 0, to.Period)
	}
	return to
}

// spent is what running to the end costs by the clock: seconds times the rate.
func spent(periods []subscription.PaidPeriod) *big.Rat {
	sum := new(big.Rat)
	for _, p := range periods {
		sum.Add(sum, new(big.Rat).Mul(exact(p.Rate), big.NewRat(p.Until.Unix()-p.From.Unix(), 1)))
	}
	return sum
}

func exact(v subscription.Value) *big.Rat {
	r, ok := new(big.Rat).SetString(v.String())
	if !ok {
		panic(v.String())
	}
	return r
}

// I18: value before = value after, exactly in the account and to less than a
// cent for each period in the time that it buys; the new end is in the future.
func TestChangeKeepsTheValue(t *testing.T) {
	t.Parallel()
	zone := vilnius(t)
	rapid.Check(t, func(t *rapid.T) {
		s, periods, at := drawAccount(t, zone)
		c := preview(t, s, periods, other(t, s, "to"), at)
		if kept := subscription.UnusedValue(c.Periods, at).Add(subscription.ValueOf(c.Credit)); kept.Cmp(c.Value) != 0 || c.Value.Cmp(subscription.UnusedValue(periods, at)) != 0 {
			t.Fatalf("%s became %s", c.Value, kept)
		}
		delta := new(big.Rat).Sub(exact(c.Value), spent(c.Periods))
		delta.Sub(delta, big.NewRat(int64(c.Credit), 1))
		if delta.Abs(delta).Cmp(big.NewRat(int64(len(c.Periods)), 1)) >= 0 {
			t.Fatalf("differs by %s cents", delta.FloatString(6))
		}
		if !c.NewUntil.After(at) {
			t.Fatalf("changed at %s, ends at %s", at, c.NewUntil)
		}
		for i, p := range c.Periods {
			if !p.Until.After(p.From) || i > 0 && !p.From.Equal(c.Periods[i-1].Until) {
				t.Fatalf("%+v", c.Periods)
			}
		}
		dearer, shorter := c.NewMonthly > c.OldMonthly, c.NewUntil.Before(c.OldUntil)
		if dearer && !shorter && c.OldUntil.Sub(at) > time.Minute || c.NewMonthly < c.OldMonthly && c.NewUntil.Before(c.OldUntil) {
			t.Fatalf("%s to %s a month: %s to %s", c.OldMonthly.Decimal(), c.NewMonthly.Decimal(), c.OldUntil, c.NewUntil)
		}
	})
}

// I19: there and back at one instant is neutral, to the second and exactly in
// value; and any way to a configuration is the same as the direct one.
func TestThereAndBackIsNeutral(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, periods, at := drawAccount(t, time.UTC)
		var last subscription.Change
		now, account := s, periods
		for range rapid.IntRange(1, 20).Draw(t, "changes") {
			last = preview(t, now, account, other(t, now, "to"), at)
			now, account = now.Changed(last), last.Periods
		}
		if now.Selection != s.Selection {
			c := preview(t, s, periods, now.Selection, at)
			if !c.NewUntil.Equal(now.PaidUntil) || c.Value.Cmp(last.Value) != 0 {
				t.Fatalf("step by step %s worth %s, at once %s worth %s", now.PaidUntil, last.Value, c.NewUntil, c.Value)
			}
			back := preview(t, now, account, s.Selection, at)
			now, account = now.Changed(back), back.Periods
		}
		if !now.PaidUntil.Equal(s.PaidUntil) {
			t.Fatalf("back again it ends at %s, not at %s", now.PaidUntil, s.PaidUntil)
		}
		if got, want := subscription.UnusedValue(account, at), subscription.UnusedValue(periods, at); got.Cmp(want) != 0 {
			t.Fatalf("%s became %s", want, got)
		}
	})
}

// A dearer configuration never ends later, a longer paid time never earlier, and
// less is left the later it is.
func TestChangeIsMonotone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, periods, at := drawAccount(t, time.UTC)
		n := rapid.IntRange(31, 900).Draw(t, "lines")
		less, more := preview(t, s, periods, gateway(n, 0, 6), at), preview(t, s, periods, gateway(n+1, 0, 6), at)
		if more.NewUntil.After(less.NewUntil) {
			t.Fatalf("%d lines until %s, one more until %s", n, less.NewUntil, more.NewUntil)
		}
		longer, account := renewed(t, s, periods, 6, time.UTC)
		if c := preview(t, longer, account, gateway(n, 0, 6), at); !c.NewUntil.After(less.NewUntil) || c.Value.Cmp(less.Value) <= 0 {
			t.Fatalf("with another period: until %s, without: %s", c.NewUntil, less.NewUntil)
		}
		if later := at.Add(time.Second); later.Before(s.PaidUntil) && subscription.UnusedValue(periods, later).Cmp(less.Value) >= 0 {
			t.Fatalf("as much is left a second later")
		}
	})
}

// I19: whatever is done, what was paid is what was used, what is left and what
// was credited. What was used is counted here by the clock: for each second the
// net price paid, over the seconds bought, in the ratio of the list prices.
func TestNothingIsLostOverTime(t *testing.T) {
	t.Parallel()
	zone := vilnius(t)
	rapid.Check(t, func(t *rapid.T) {
		start := time.Unix(rapid.Int64Range(1_700_000_000, 1_900_000_000).Draw(t, "start"), 0).UTC()
		s, account := bought(t, drawSelection(t, "bought"), start, zone)
		purchases := map[int]subscription.PaidPeriod{1: account[0]}
		total := exact(account[0].Worth)
		usedByClock, used := new(big.Rat), new(big.Rat)
		var credited money.Amount
		at, seams := start, int64(0)

		pass := func(to time.Time) { // time goes by, at the rates of the account
			for _, p := range account {
				from, until := p.From, p.Until
				if from.Before(at) {
					from = at
				}
				if until.After(to) {
					until = to
				}
				if from.Before(until) {
					b := purchases[p.Number]
					second := new(big.Rat).Mul(exact(b.Worth), big.NewRat(int64(p.Monthly), int64(b.Monthly)*(b.Until.Unix()-b.From.Unix())))
					usedByClock.Add(usedByClock, second.Mul(second, big.NewRat(until.Unix()-from.Unix(), 1)))
				}
			}
			at = to
		}
		close := func(periods []subscription.PaidPeriod) { // what the account says is gone
			for _, p := range periods {
				used.Add(used, exact(p.Used(at)))
			}
			seams += int64(len(periods))
		}
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			if s.PaidUntil.Unix()-at.Unix() < 2 {
				break
			}
			pass(time.Unix(at.Unix()+rapid.Int64Range(0, min(40_000_000, s.PaidUntil.Unix()-at.Unix()-1)).Draw(t, "pass"), 0).UTC())
			if rapid.Bool().Draw(t, "renew") && s.PaidUntil.Year() < 2100 {
				s, account = renewed(t, s, account, rapid.SampledFrom(pricing.Periods[:]).Draw(t, "term"), zone)
				last := account[len(account)-1]
				purchases[last.Number] = last
				total.Add(total, exact(last.Worth))
				continue
			}
			c, err := subscription.Preview(s, account, other(t, s, "to"), prices, at, zone)
			if fault.Is(err, fault.Conflict) {
				continue // beyond the year 9999
			} else if err != nil {
				t.Fatal(err)
			}
			close(account)
			s, account, credited = s.Changed(c), c.Periods, credited+c.Credit
			for _, p := range account {
				if n := len(p.Worth.String()) + len(p.Rate.String()); n > 120 {
					t.Fatalf("the account grows: %d digits", n)
				}
			}
		}
		amount, _, err := subscription.Unused(account, at, zone)
		if err != nil {
			t.Fatal(err)
		}
		left := exact(subscription.UnusedValue(account, at))
		if exact(subscription.ValueOf(amount)).Cmp(total) > 0 {
			t.Fatalf("%d credited of %s paid", amount, total)
		}
		close(account)
		sum := new(big.Rat).Add(used, left)
		if sum.Add(sum, big.NewRat(int64(credited), 1)).Cmp(total) != 0 {
			t.Fatalf("paid %s, used + left + credited is %s", total, sum)
		}
		// By the clock it is less than a second for each period's end that passed,
		// at no more than 0.05 cents a second.
		difference := new(big.Rat).Sub(used, usedByClock)
		if difference.Abs(difference).Cmp(big.NewRat(seams, 20)) > 0 {
			t.Fatalf("used %s, by the clock %s", used.FloatString(6), usedByClock.FloatString(6))
		}
	})
}

// After a change renewals keep the day of the new end.
func TestRenewalAfterAChangeKeepsTheNewDay(t *testing.T) {
	t.Parallel()
	zone := vilnius(t)
	s, periods := bought(t, gateway(1, 0, 12), time.Date(2026, 8, 31, 10, 0, 0, 0, zone), zone)
	at := time.Date(2026, 8, 31, 10, 0, 0, 0, zone)
	c, err := subscription.Preview(s, periods, softphone(5, true, 12), prices, at, zone) // 365 x 6/5 = 438 days
	if err != nil {
		t.Fatal(err)
	}
	s = s.Changed(c)
	if got := s.PaidUntil.In(zone).Format("2006-01-02 15:04"); got != "2027-11-12 09:00" || s.AnchorDay != 12 || c.Days != 73 {
		t.Fatalf("until %s, anchor %d, %d days", got, s.AnchorDay, c.Days)
	}
	if s, _, err = s.Extended(6, 2, zone); err != nil || s.PaidUntil.In(zone).Format("2006-01-02 15:04") != "2028-05-12 09:00" {
		t.Errorf("renewed until %s: %v", s.PaidUntil.In(zone), err)
	}
}

// The model needs no money: the seconds that are left, in the ratio of the list
// prices, rounded down.
func FuzzProrate(f *testing.F) {
	f.Add(int64(1_767_225_600), int64(31_536_000), int64(15_768_000), int64(324_00), int64(30_00), int64(60_00))
	f.Add(int64(0), int64(1), int64(0), int64(1), int64(1), int64(1_000_000_000_000))
	f.Add(int64(253_402_000_000), int64(94_608_000), int64(3), int64(1_000_000_000_000), int64(1_000_000_000_000), int64(1))
	f.Add(int64(-62_135_596_800), int64(1)<<62, int64(1)<<61, int64(7), int64(3), int64(11))
	f.Fuzz(func(t *testing.T, from, length, gone, net, was, is int64) {
		if from < -1<<40 || from > 1<<40 || length > 1<<40 || gone < 0 {
			t.Skip("no calendar has such years")
		}
		p := subscription.Period{Number: 1, From: time.Unix(from, 0).UTC(), Until: time.Unix(from+length, 0).UTC()}
		account, err := subscription.Paid(p, money.Amount(net), money.Amount(was), "b")
		if err != nil {
			return
		}
		s := subscription.Subscription{State: subscription.StateActive, Currency: "EUR", Selection: gateway(1, 0, 6), StartedAt: p.From, PaidUntil: p.Until}
		at := time.Unix(from+gone%length, 0).UTC()
		c, err := subscription.Preview(s, []subscription.PaidPeriod{account}, gateway(2, 0, 6), func(string, pricing.Selection) (pricing.Price, error) {
			return pricing.Price{Currency: "EUR", Monthly: money.Amount(is)}, nil
		}, at, time.UTC)
		want := new(big.Int).Mul(big.NewInt(p.Until.Unix()-at.Unix()), big.NewInt(was))
		if is > 0 {
			want.Quo(want, big.NewInt(is))
		}
		switch {
		case err != nil:
			late := new(big.Int).Add(want, big.NewInt(at.Unix()))
			if is > 0 && late.Cmp(big.NewInt(time.Date(9999, 12, 29, 0, 0, 0, 0, time.UTC).Unix())) < 0 {
				t.Fatalf("refused: %v", err)
			}
			return
		case want.Sign() == 0:
			want.SetInt64(1) // at least a second
		}
		if got := c.NewUntil.Unix() - at.Unix(); want.Cmp(big.NewInt(got)) != 0 {
			t.Fatalf("%d s, want %s", got, want)
		}
		if c.Credit < 0 || c.Residue.Sign() < 0 || c.Residue.Cmp(subscription.ValueOf(1)) >= 0 {
			t.Fatalf("credit %d, residue %s", c.Credit, c.Residue)
		}
		if kept := subscription.UnusedValue(c.Periods, at).Add(subscription.ValueOf(c.Credit)); kept.Cmp(c.Value) != 0 {
			t.Fatalf("%s became %s", c.Value, kept)
		}
		if refund, days, err := subscription.Unused(c.Periods, at, time.UTC); err != nil || refund < 0 || int64(refund) > net || days < 0 {
			t.Fatalf("refund %d for %d days: %v", refund, days, err)
		}
	})
}
