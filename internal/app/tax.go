package app

import (
	"context"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
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

// turnoverCounts reports whether VAT on day on follows from what was sold to
// consumers in other member states before.
func (a *App) turnoverCounts(on civil.Date) bool {
	return a.seller.VAT.DestSince.IsZero() || on.Before(a.seller.VAT.DestSince)
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
	return vat.Decide(a.seller.VAT, buyerOf(buyer), on, turnover)
}

func buyerOf(t store.PayerTax) vat.Buyer {
	b := vat.Buyer{Country: t.Country, Postcode: t.Postcode, Company: t.Kind == account.KindCompany}
	if b.Company && t.VATNumber != "" {
		b.VATNumber = t.VATNumber
		switch t.VATCheck {
		case "valid":
			b.VIES = vat.StatusValid
		case "invalid":
			b.VIES = vat.StatusInvalid
		default:
			// Nobody could be asked yet: never 0 % on a guess (vat.md 3.5).
			b.VIES = vat.StatusUnknown
		}
	}
	return b
}

// taxOf gathers what a payer's VAT treatment follows from.
func taxOf(ctx context.Context, tx *store.Tx, p account.Payer) (store.PayerTax, error) {
	t := store.PayerTax{Kind: p.Kind, Country: p.Country, Postcode: p.Postcode, VATNumber: p.VATNumber}
	if p.VATNumber == "" {
		return t, nil
	}
	check, err := tx.LastVATCheck(ctx, p.VATNumber, tx.Now().Add(-store.VATCheckLife))
	if fault.Is(err, fault.NotFound) {
		return t, nil
	}
	t.VATCheck = check
	return t, err
}

// ConfirmVATNumber records an operator's look-up of a VAT number in its tax
// register: whether it is valid, and the proof. It stands for 30 days.
func (a *App) ConfirmVATNumber(ctx context.Context, number string, valid bool, source, reference string, by audit.Actor) error {
	id, err := vat.ParseID(number)
	if err != nil {
		return err
	}
	result := "invalid"
	if valid {
		result = "valid"
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		if err := tx.InsertVATCheck(ctx, id.String(), result, source, reference); err != nil {
			return err
		}
		return tx.AppendAudit(ctx, audit.Record{
			Actor: by, Action: "vat_number." + result, ObjectKind: "vat_number", ObjectID: id.String(),
			Detail: map[string]any{"source": source, "reference": reference},
		})
	})
}

// inZone is the business day of an instant.
func (a *App) inZone(t time.Time) civil.Date { return civil.DateOf(t, a.seller.Zone) }
