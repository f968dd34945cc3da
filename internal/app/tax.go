package app

import (
	"context"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/vat"
)

// treat decides the VAT of a sale of net to a buyer on day on.
func (a *App) treat(ctx context.Context, tx *store.Tx, buyer store.PayerTax, net money.Amount, on civil.Date) (vat.Treatment, error) {
	sold, err := a.turnover(ctx, tx, on)
	if err != nil {
		return vat.Treatment{}, err
	}
	return a.treatAfter(sold, buyer, net, on)
}

// taxOn is the VAT of a sale of net. In another currency than EUR the invoice
// would have to state it in EUR as well (Directive 2006/112/EC art. 230), at a rate
// that nothing here knows (invoice.Exchange): such a sale is a Conflict, before
// anything of it is paid.
func taxOn(t vat.Treatment, net money.Amount, currency money.Currency) (money.Amount, error) {
	tax, err := t.Tax(net)
	if err == nil && tax != 0 && currency != money.EUR {
		err = fault.New(fault.Conflict, "order.blocked.currency")
	}
	return tax, err
}

// turnoverCounts reports whether VAT on day on follows from what was sold to
// consumers in other member states before.
func (a *App) turnoverCounts(on civil.Date) bool {
	since := a.seller.vatOn(on).DestSince
	return since.IsZero() || on.Before(since)
}

// turnover is what counts on day on; it is the same for every sale of a page.
func (a *App) turnover(ctx context.Context, tx *store.Tx, on civil.Date) (store.Turnover, error) {
	if !a.turnoverCounts(on) {
		return store.Turnover{}, nil
	}
	return tx.ConsumerTurnover(ctx, on.Year)
}

// askTurnover asks for the turnover of today where it counts.
func (a *App) askTurnover(q *store.Questions) *store.Turnover {
	sold, today := new(store.Turnover), a.inZone(q.Now())
	if a.turnoverCounts(today) {
		q.ConsumerTurnover(today.Year, sold)
	}
	return sold
}

// treatAfter is treat for a seller who has sold so much.
func (a *App) treatAfter(sold store.Turnover, buyer store.PayerTax, net money.Amount, on civil.Date) (vat.Treatment, error) {
	var turnover vat.Turnover
	if a.turnoverCounts(on) {
		turnover = vat.Turnover{YearToDate: money.Amount(sold.ThisYear), PreviousYear: money.Amount(sold.LastYear), Sale: net}
	}
	return vat.Decide(a.seller.vatOn(on), buyerOf(buyer), on, turnover)
}

func buyerOf(t store.PayerTax) vat.Buyer {
	b := vat.Buyer{Country: t.Country, Postcode: t.Postcode, Company: t.Kind == account.KindCompany}
	if b.Company && t.VATNumber != "" {
		b.VATNumber, b.VIES = t.VATNumber, statusOf(t.VATCheck)
	}
	return b
}

// statusOf is what an answer that is kept means; without one nobody could be
// asked yet: never 0 % on a guess (vat.md 3.5).
func statusOf(result string) vat.Status {
	switch result {
	case "valid":
		return vat.StatusValid
	case "invalid":
		return vat.StatusInvalid
	}
	return vat.StatusUnknown
}

// taxOf gathers what a payer's VAT treatment follows from.
func taxOf(ctx context.Context, tx *store.Tx, p account.Payer) (store.PayerTax, error) {
	t := store.PayerTax{Kind: p.Kind, Country: p.Country, Postcode: p.Postcode, VATNumber: p.VATNumber}
	if p.VATNumber == "" {
		return t, nil
	}
	proof, err := tx.LastVATProof(ctx, p)
	if fault.Is(err, fault.NotFound) {
		return t, nil
	}
	t.VATCheck, t.CheckID, t.CheckedAt = proof.Result, proof.ID, proof.CheckedAt
	return t, err
}

// inZone is the business day of an instant.
func (a *App) inZone(t time.Time) civil.Date { return civil.DateOf(t, a.seller.Zone) }
