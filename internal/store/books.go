package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
)

const comparedToSQL = `SELECT compared_to FROM book_comparison WHERE provider = @provider AND provider_account = @account`

// ComparedTo returns up to which of its changes a provider's list was compared;
// the zero time where it never was.
func (tx *Tx) ComparedTo(ctx context.Context, provider, providerAccount string) (time.Time, error) {
	at, err := value[time.Time](ctx, tx, "comparison", comparedToSQL, pgx.NamedArgs{"provider": provider, "account": providerAccount})
	if fault.Is(err, fault.NotFound) {
		return time.Time{}, nil
	}
	return at.UTC(), err
}

const saveComparisonSQL = `
INSERT INTO book_comparison (provider, provider_account, compared_to, done_at) VALUES (@provider, @account, @to, @now)
ON CONFLICT (provider, provider_account) DO UPDATE
SET compared_to = greatest(book_comparison.compared_to, EXCLUDED.compared_to), done_at = EXCLUDED.done_at`

// SaveComparison notes that a provider's list was compared up to a change of its.
func (tx *Tx) SaveComparison(ctx context.Context, provider, providerAccount string, to time.Time) error {
	_, err := exec(ctx, tx, saveComparisonSQL, pgx.NamedArgs{"provider": provider, "account": providerAccount, "to": to, "now": tx.now})
	return err
}

// StrayPayment is a payment in a provider's list that is none of ours.
type StrayPayment struct {
	Provider    string
	Account     string // ours at the provider
	Ref         string // the provider's id
	Reference   string // what the provider took for our id
	Received    money.Money
	Returned    money.Amount // refunded, and withdrawn by disputes
	AsOf        time.Time
	FirstSeenAt time.Time
}

// Left is what of it is still at the provider.
func (s StrayPayment) Left() money.Money {
	return money.Of(s.Received.Amount-s.Returned, s.Received.Currency)
}

const saveStraySQL = `
INSERT INTO stray_payment (provider, provider_account, provider_ref, reference, currency, received_minor, returned_minor, as_of, first_seen_at)
VALUES (@provider, @account, @ref, @reference, @currency, @received, @returned, @as_of, @now)
ON CONFLICT (provider, provider_account, provider_ref) DO UPDATE
SET received_minor = EXCLUDED.received_minor, returned_minor = EXCLUDED.returned_minor, as_of = EXCLUDED.as_of
WHERE stray_payment.as_of < EXCLUDED.as_of
RETURNING (xmax = 0)`

// SaveStray notes a payment that is none of ours, or what became of it since. It
// reports whether it was seen for the first time.
func (tx *Tx) SaveStray(ctx context.Context, provider, providerAccount string, s payment.Snapshot) (first bool, err error) {
	first, err = value[bool](ctx, tx, "stray payment", saveStraySQL, pgx.NamedArgs{
		"provider": provider, "account": providerAccount, "ref": s.Ref, "reference": string(s.PaymentID), "currency": string(s.Amount.Currency),
		"received": int64(s.Received.Amount), "returned": int64(s.Refunded.Amount + s.Disputed.Amount), "as_of": s.AsOf, "now": tx.now,
	})
	if fault.Is(err, fault.NotFound) { // a newer view was there
		return false, nil
	}
	return first, err
}

const straysSQL = `
SELECT provider, provider_account, provider_ref, reference, currency, received_minor, returned_minor, as_of, first_seen_at
FROM stray_payment WHERE returned_minor < received_minor ORDER BY first_seen_at DESC, provider_ref LIMIT 100`

// Strays returns up to 100 payments that are none of ours and whose money is
// still at the provider, newest first.
func (tx *Tx) Strays(ctx context.Context) ([]StrayPayment, error) {
	rows, err := list[struct {
		Provider        string
		ProviderAccount string
		ProviderRef     string
		Reference       string
		Currency        string
		ReceivedMinor   int64
		ReturnedMinor   int64
		AsOf            time.Time
		FirstSeenAt     time.Time
	}](ctx, tx, straysSQL, pgx.NamedArgs{})
	out := make([]StrayPayment, len(rows))
	for i, r := range rows {
		out[i] = StrayPayment{
			Provider: r.Provider, Account: r.ProviderAccount, Ref: r.ProviderRef, Reference: r.Reference,
			Received: money.Of(money.Amount(r.ReceivedMinor), money.Currency(r.Currency)), Returned: money.Amount(r.ReturnedMinor),
			AsOf: r.AsOf.UTC(), FirstSeenAt: r.FirstSeenAt.UTC(),
		}
	}
	return out, err
}
