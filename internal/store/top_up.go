package store

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
)

const topUpReferenceSQL = `SELECT reference FROM payer_reference WHERE payer_id = @payer`

// TopUpReference returns the reference by which a payer's transfers reach its
// balance, or NotFound where it has none yet.
func (tx *Tx) TopUpReference(ctx context.Context, payer account.PayerID) (string, error) {
	return value[string](ctx, tx, "reference", topUpReferenceSQL, pgx.NamedArgs{"payer": string(payer)})
}

const nextTopUpNumberSQL = `SELECT nextval('payer_reference_number')`

// NextTopUpNumber takes the number of a payer's reference; numbers may be left
// out.
func (tx *Tx) NextTopUpNumber(ctx context.Context) (int64, error) {
	return value[int64](ctx, tx, "number", nextTopUpNumberSQL, pgx.NamedArgs{})
}

const insertTopUpReferenceSQL = `
INSERT INTO payer_reference (payer_id, reference, created_at) VALUES (@payer, @reference, @now)`

// InsertTopUpReference gives a payer its reference. The payer is locked.
func (tx *Tx) InsertTopUpReference(ctx context.Context, payer account.PayerID, reference string) error {
	_, err := exec(ctx, tx, insertTopUpReferenceSQL, pgx.NamedArgs{"payer": string(payer), "reference": reference, "now": tx.now})
	return err
}

const payersByReferenceSQL = `SELECT r.payer_id::text FROM payer_reference r WHERE r.reference = ANY(@references)`

// PayersByReference returns the payers whose references are among these.
func (tx *Tx) PayersByReference(ctx context.Context, references []string) ([]account.PayerID, error) {
	rows, err := list[struct{ PayerID string }](ctx, tx, payersByReferenceSQL, pgx.NamedArgs{"references": references})
	payers := make([]account.PayerID, len(rows))
	for i, r := range rows {
		payers[i] = account.PayerID(r.PayerID)
	}
	return payers, err
}

const payerNameSQL = `SELECT name FROM payer WHERE id = @payer`

// PayerName is a payer's name.
func (tx *Tx) PayerName(ctx context.Context, payer account.PayerID) (string, error) {
	return value[string](ctx, tx, "payer", payerNameSQL, pgx.NamedArgs{"payer": string(payer)})
}
