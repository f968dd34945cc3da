package taxreport

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/sheet"
)

// Quarter is a period of the One Stop Shop.
type Quarter struct{ Year, Number int }

// QuarterOf is the quarter of a day.
func QuarterOf(d civil.Date) Quarter { return Quarter{d.Year, (int(d.Month)-1)/3 + 1} }

// ParseQuarter reads "2026Q4".
func ParseQuarter(s string) (Quarter, error) {
	if len(s) == 6 && s[4] == 'Q' && s[5] >= '1' && s[5] <= '4' {
		if year, err := strconv.Atoi(s[:4]); err == nil && year >= 2000 {
			return Quarter{year, int(s[5] - '0')}, nil
		}
	}
	return Quarter{}, fmt.Errorf("taxreport: %q is no quarter", s)
}

// String writes "2026Q4".
func (q Quarter) String() string { return fmt.Sprintf("%04dQ%d", q.Year, q.Number) }

// From is the first day.
func (q Quarter) From() civil.Date {
	return civil.Date{Year: q.Year, Month: time.Month(q.Number*3 - 2), Day: 1}
}

// To is the last day.
func (q Quarter) To() civil.Date { return q.From().AddMonths(3, 1).AddDays(-1) }

// Sold is what documents of one kind with tax points in one quarter add up to, in
// one member state at one rate.
type Sold struct {
	Period   Quarter // of the tax points
	Country  string
	Rate     money.BasisPoints
	Base     money.Amount
	VAT      money.Amount
	Credited bool // by credit notes
	Replaces bool // by invoices that replace others, which credit notes took back
}

// OSS are the figures of a return.
type OSS struct {
	Period      Quarter
	Seller      string // member state of identification, which services are supplied from
	Lines       []OSSLine
	Corrections []OSSCorrection
}

// OSSLine is what was sold in a member state at a rate, with what was credited and
// invoiced anew of it in the same quarter.
type OSSLine struct {
	Country   string
	Rate      money.BasisPoints
	Base, VAT money.Amount
}

// OSSCorrection is what the VAT of an earlier return changes by (Directive
// 2006/112/EC art. 369g(4)): credit notes of this quarter take back, invoices of
// this quarter that replace others add. It is not 0.
type OSSCorrection struct {
	Period  Quarter
	Country string
	VAT     money.Amount
}

// NewOSS sorts what was sold and credited into the return of a quarter: invoices
// whose tax point is in it, and credit notes and replacements issued in it. A
// replacement has the tax point of the first invoice, but goes with the credit note
// that it was issued with: the return of that tax point may be filed.
func NewOSS(period Quarter, seller string, sold []Sold) (OSS, error) {
	r := OSS{Period: period, Seller: seller}
	for _, s := range sold {
		sign := money.Amount(1)
		if s.Credited {
			sign = -1
		}
		switch {
		case s.Period == period:
			i := slices.IndexFunc(r.Lines, func(l OSSLine) bool { return l.Country == s.Country && l.Rate == s.Rate })
			if i < 0 {
				r.Lines = append(r.Lines, OSSLine{Country: s.Country, Rate: s.Rate})
				i = len(r.Lines) - 1
			}
			var err error
			if r.Lines[i].Base, err = money.Sum(r.Lines[i].Base, sign*s.Base); err != nil {
				return OSS{}, err
			}
			if r.Lines[i].VAT, err = money.Sum(r.Lines[i].VAT, sign*s.VAT); err != nil {
				return OSS{}, err
			}
		case s.Credited || s.Replaces:
			i := slices.IndexFunc(r.Corrections, func(c OSSCorrection) bool { return c.Period == s.Period && c.Country == s.Country })
			if i < 0 {
				r.Corrections = append(r.Corrections, OSSCorrection{Period: s.Period, Country: s.Country})
				i = len(r.Corrections) - 1
			}
			var err error
			if r.Corrections[i].VAT, err = money.Sum(r.Corrections[i].VAT, sign*s.VAT); err != nil {
				return OSS{}, err
			}
		default:
			return OSS{}, fmt.Errorf("taxreport: a sale of %s in the return of %s", s.Period, period)
		}
	}
	r.Corrections = slices.DeleteFunc(r.Corrections, func(c OSSCorrection) bool { return c.VAT == 0 })
	slices.SortFunc(r.Lines, func(a, b OSSLine) int {
		return cmp.Or(cmp.Compare(a.Country, b.Country), cmp.Compare(b.Rate, a.Rate))
	})
	slices.SortFunc(r.Corrections, func(a, b OSSCorrection) int {
		return cmp.Or(cmp.Compare(a.Period.String(), b.Period.String()), cmp.Compare(a.Country, b.Country))
	})
	return r, nil
}

// WriteLines writes the sales of the return as CSV.
func (r OSS) WriteLines(w io.Writer) error {
	t, err := sheet.CSV(w, []sheet.Column{{Name: "period"}, {Name: "msc"}, {Name: "service_country"}, {Name: "rate_type"}, {Name: "rate"}, {Name: "net_eur"}, {Name: "vat_eur"}})
	for _, l := range r.Lines {
		if err == nil {
			err = t.Row([]sheet.Cell{
				sheet.Text(r.Period.String()), sheet.Text(l.Country), sheet.Text(r.Seller), sheet.Text("STANDARD"), sheet.Percent(l.Rate), sheet.Amount(l.Base), sheet.Amount(l.VAT),
			})
		}
	}
	if err != nil {
		return err
	}
	return t.Close()
}

// WriteCorrections writes its corrections of earlier returns as CSV.
func (r OSS) WriteCorrections(w io.Writer) error {
	t, err := sheet.CSV(w, []sheet.Column{{Name: "corr_period"}, {Name: "msc"}, {Name: "vat_diff_eur"}})
	for _, c := range r.Corrections {
		if err == nil {
			err = t.Row([]sheet.Cell{sheet.Text(c.Period.String()), sheet.Text(c.Country), sheet.Amount(c.VAT)})
		}
	}
	if err != nil {
		return err
	}
	return t.Close()
}
