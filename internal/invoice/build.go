package invoice

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/vat"
)

// Terms are what the totals of a document follow from.
type Terms struct {
	Lines          []Line // with Quantity and UnitPrice; New fills ID and Net
	Discount       money.BasisPoints
	DiscountAmount money.Amount // of the price calculation: it must equal Discount of the lines to the minor unit
	DiscountReason string
	DiscountAlso   string // the reason in the document's second language
	Treatment      vat.Treatment
	Prepaid        bool  // received in full before issue
	Rate           *Rate // of the tax point, for VAT in another currency than EUR
}

// New returns header completed with lines, discount, VAT and totals. The VAT is
// computed once on the net of its rate, half up (vat.md 4.6), never per line.
func New(header Document, terms Terms) (Document, error) {
	d := header
	d.Version = 1
	if len(terms.Lines) == 0 {
		return Document{}, errors.New("invoice: a document without lines")
	}
	d.Lines = make([]Line, len(terms.Lines))
	for i, line := range terms.Lines {
		net, err := line.UnitPrice.Times(line.Quantity)
		if err != nil {
			return Document{}, fmt.Errorf("invoice: line %d: %w", i+1, err)
		}
		line.ID, line.Net = i+1, net
		d.Lines[i] = line
		if d.LinesNet, err = money.Sum(d.LinesNet, net); err != nil {
			return Document{}, fmt.Errorf("invoice: line %d: %w", i+1, err)
		}
	}
	d.Net = d.LinesNet - terms.DiscountAmount
	if terms.DiscountAmount != 0 {
		amount, err := d.LinesNet.Percent(terms.Discount)
		if err != nil {
			return Document{}, err
		}
		// The net is what is rounded half up (product.md, "Pricing"); the discount
		// is the rest, and may so differ from its own rounding by a minor unit.
		if diff := amount - terms.DiscountAmount; diff < -1 || diff > 1 {
			return Document{}, fmt.Errorf("invoice: a discount of %d is not %d basis points of %d", terms.DiscountAmount, terms.Discount, d.LinesNet)
		}
		d.Discount = &Discount{Percent: terms.Discount, Base: d.LinesNet, Amount: terms.DiscountAmount, Reason: terms.DiscountReason, Also: terms.DiscountAlso}
	}
	t := terms.Treatment
	tax, err := t.Tax(d.Net)
	if err != nil {
		return Document{}, err
	}
	line := LineOf(t, d.Language)
	line.Base, line.Amount = d.Net, tax
	d.VAT = []VATLine{line}
	d.VATTotal = tax
	if d.Total, err = money.Sum(d.Net, d.VATTotal); err != nil {
		return Document{}, err
	}
	if terms.Prepaid {
		d.Paid = d.Total
	}
	d.Due = d.Total - d.Paid
	if r := terms.Rate; r != nil {
		if r.Currency != d.Currency || r.Millionths <= 0 {
			return Document{}, fmt.Errorf("invoice: a rate of %d %s for a document in %s", r.Millionths, r.Currency, d.Currency)
		}
		x := Exchange{Millionths: r.Millionths, Day: r.Day, Source: r.Source}
		if x.VAT, err = d.exchanged(x); err != nil {
			return Document{}, err
		}
		d.Exchange = &x
	}
	return d, d.Check()
}

// LineOf is a treatment as a document in a language states it, without its
// figures.
func LineOf(t vat.Treatment, language string) VATLine {
	return VATLine{Category: t.Category, RateSet: t.HasRate, Rate: t.Rate, Country: t.Place, Text: reason(t, language), VATEX: t.VATEX, Treatment: t.Row}
}

// NewReceipt returns header completed for money that was paid in to a balance:
// nothing is sold, so there are neither lines nor VAT.
func NewReceipt(header Document, amount money.Money) (Document, error) {
	d := header
	d.Version, d.Kind, d.Currency = 1, KindReceipt, amount.Currency
	d.Lines, d.VAT = []Line{}, []VATLine{}
	d.Total, d.Paid = amount.Amount, amount.Amount
	return d, d.Check()
}

// reason is the legal text of a supply without VAT, in the document's language
// and in Lithuanian (vat.md 1.3: show both).
func reason(t vat.Treatment, language string) string {
	text := t.ReasonEN
	switch name, number := t.Reason(); {
	case language == lithuanian && t.ReasonLT != "":
		text = t.ReasonLT
	case language != "" && language != i18n.Fallback && name != "":
		words := i18n.ForDocument(language)
		if text = words.T("doc.reason." + name); number != "" {
			text = words.T("doc.reason.numbered", "Reason", text, "Number", number)
		}
	}
	if t.ReasonLT == "" || t.ReasonLT == text {
		return text
	}
	return text + " / " + t.ReasonLT
}

// lithuanian is the language of the law that documents are issued under.
const lithuanian = "lt"

// Check adds the document up again and names the first figure that is off: what
// official validators let pass (vat.md 5.6), we do not.
func (d Document) Check() error {
	if d.Kind == KindReceipt {
		if len(d.Lines)+len(d.VAT) > 0 || d.LinesNet != 0 || d.Net != 0 || d.VATTotal != 0 || d.Discount != nil || d.Total <= 0 || d.Paid != d.Total || d.Due != 0 {
			return errors.New("invoice: a receipt is of money, and of nothing else")
		}
		return nil
	}
	var lines, base, tax money.Amount
	for _, l := range d.Lines {
		if net, err := l.UnitPrice.Times(l.Quantity); err != nil || net != l.Net {
			return fmt.Errorf("invoice: line %d: %d x %d is not %d", l.ID, l.Quantity, l.UnitPrice, l.Net)
		}
		if l.Net < 0 {
			return fmt.Errorf("invoice: line %d is negative", l.ID)
		}
		lines += l.Net
	}
	if lines != d.LinesNet {
		return fmt.Errorf("invoice: lines sum to %d, not %d", lines, d.LinesNet)
	}
	discount := money.Amount(0)
	if d.Discount != nil {
		discount = d.Discount.Amount
		if d.Discount.Base != d.LinesNet || discount <= 0 {
			return errors.New("invoice: the discount does not fit the lines")
		}
	}
	if d.Net != d.LinesNet-discount {
		return fmt.Errorf("invoice: %d less %d is not %d", d.LinesNet, discount, d.Net)
	}
	for _, v := range d.VAT {
		if want, err := (v.CreditedBase + v.Base).Percent(v.Rate); err != nil || want != v.CreditedAmount+v.Amount {
			return fmt.Errorf("invoice: VAT of %d at %d basis points is not %d", v.Base, v.Rate, v.Amount)
		}
		if d.Corrects == nil && (v.CreditedBase != 0 || v.CreditedAmount != 0) {
			return errors.New("invoice: only a correction goes on from others")
		}
		if v.Category != "S" && (v.Amount != 0 || v.Text == "") {
			return fmt.Errorf("invoice: category %s needs no VAT and a reason", v.Category)
		}
		base, tax = base+v.Base, tax+v.Amount
	}
	if err := d.checkExchange(); err != nil {
		return err
	}
	if r := d.Returned; r != nil && r.Method+r.Transfer+r.Balance+r.Forgiven+r.Applied != d.Total {
		return fmt.Errorf("invoice: %d is not what is returned of %d", r.Method+r.Transfer+r.Balance+r.Forgiven+r.Applied, d.Total)
	}
	switch {
	case base != d.Net:
		return fmt.Errorf("invoice: the VAT bases sum to %d, the net is %d", base, d.Net)
	case tax != d.VATTotal:
		return fmt.Errorf("invoice: the VAT sums to %d, not %d", tax, d.VATTotal)
	case d.Total != d.Net+d.VATTotal:
		return fmt.Errorf("invoice: %d and %d are not %d", d.Net, d.VATTotal, d.Total)
	case d.Due != d.Total-d.Paid:
		return fmt.Errorf("invoice: %d less %d is not %d", d.Total, d.Paid, d.Due)
	}
	return nil
}

// Number returns the printed number of the nth document of a year's series.
func Number(prefix string, year int, n int64) string {
	return fmt.Sprintf("%s-%d-%06d", prefix, year, n)
}

// Marshal returns the frozen form of the document: the bytes that are stored,
// hashed and drawn from.
func (d Document) Marshal() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(d); err != nil {
		return nil, fmt.Errorf("invoice: %w", err)
	}
	return b.Bytes(), nil
}

// Unmarshal reads what Marshal wrote; unknown fields are an error.
func Unmarshal(content []byte) (Document, error) {
	var d Document
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		return Document{}, fmt.Errorf("invoice: frozen content: %w", err)
	}
	return d, nil
}
