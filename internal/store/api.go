package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
)

// APIKey is a key with which a program reads a payer's documents; the key itself
// is not kept.
type APIKey struct {
	ID         string
	PayerID    string
	Name       string
	Ending     string // its last four characters
	MadeAt     time.Time
	LastUsedAt *time.Time
	RevokedAt  *time.Time
}

const insertKeySQL = `
INSERT INTO api_key (payer_id, name, key_sha256, ending, form, made_by, made_at)
VALUES (@payer, @name, @sha256, @ending, @form, @by, @now) RETURNING id`

// InsertAPIKey keeps a key by its SHA-256 and returns its id. form is that of the
// form it was made with, which makes one key.
func (tx *Tx) InsertAPIKey(ctx context.Context, payer account.PayerID, name string, sha256 []byte, ending, form string, by account.ID) (string, error) {
	return value[string](ctx, tx, "api key", insertKeySQL, pgx.NamedArgs{
		"payer": string(payer), "name": name, "sha256": sha256, "ending": ending, "form": form, "by": string(by), "now": tx.now,
	})
}

const keysOfSQL = `
SELECT id, payer_id, name, ending, made_at, last_used_at, revoked_at FROM api_key WHERE payer_id = @payer
ORDER BY revoked_at IS NOT NULL, made_at DESC, id LIMIT 200`

// APIKeysOf returns the keys of a payer: those that hold, then those revoked, the
// newest first.
func (tx *Tx) APIKeysOf(ctx context.Context, payer account.PayerID) ([]APIKey, error) {
	return list[APIKey](ctx, tx, keysOfSQL, pgx.NamedArgs{"payer": string(payer)})
}

const programKeySQL = `SELECT id, payer_id, name, ending, made_at, last_used_at, revoked_at FROM api_key WHERE id = @id`

// APIKey returns a key by its id, or NotFound.
func (tx *Tx) APIKey(ctx context.Context, id string) (APIKey, error) {
	return one[APIKey](ctx, tx, "api key", programKeySQL, pgx.NamedArgs{"id": id})
}

const keyBySHA256SQL = `SELECT id, payer_id, name, ending, made_at, last_used_at, revoked_at FROM api_key WHERE key_sha256 = @sha256`

// APIKeyBySHA256 asks for the key with that SHA-256: one, or none.
func (q *Questions) APIKeyBySHA256(sha256 []byte, to *[]APIKey) {
	ask(q, keyBySHA256SQL, pgx.NamedArgs{"sha256": sha256}, to)
}

const revokeKeySQL = `UPDATE api_key SET revoked_at = @now, revoked_by = @by WHERE id = @id AND revoked_at IS NULL`

// RevokeAPIKey ends a key and reports whether it had not ended before.
func (tx *Tx) RevokeAPIKey(ctx context.Context, id string, by account.ID) (bool, error) {
	n, err := exec(ctx, tx, revokeKeySQL, pgx.NamedArgs{"id": id, "by": string(by), "now": tx.now})
	return n > 0, err
}

const touchKeySQL = `UPDATE api_key SET last_used_at = @now WHERE id = @id AND revoked_at IS NULL`

// TouchAPIKey notes that a key was used now.
func (tx *Tx) TouchAPIKey(ctx context.Context, id string) error {
	_, err := exec(ctx, tx, touchKeySQL, pgx.NamedArgs{"id": id, "now": tx.now})
	return err
}

// FeedRow is a tax document as programs are given it.
type FeedRow struct {
	ID       string
	SeriesID int64
	Seq      int64
	IssuedAt time.Time
	Content  []byte
}

// Within a series the numbers are in the order of the commits: whoever takes one
// holds the series' row until the end (I12), so nothing that commits later has a
// lower number. Between series there is no such order; hence a mark for each.
const invoiceFeedSQL = `
SELECT i.id, i.series_id, i.seq, i.issued_at, i.content
FROM series s
CROSS JOIN LATERAL (
    SELECT v.id, v.series_id, v.seq, v.issued_at, v.content
    FROM invoice v
    WHERE v.payer_id = @payer AND v.series_id = s.id
      AND v.seq > COALESCE((SELECT max(c.seq) FROM unnest(@series::bigint[], @seqs::bigint[]) AS c (series, seq) WHERE c.series = s.id), 0)
    ORDER BY v.seq LIMIT @limit) i
WHERE s.kind IN ('invoice', 'credit_note')
ORDER BY i.series_id, i.seq LIMIT @limit`

// InvoiceFeed asks for the tax documents of a payer after a mark in each series,
// by series and number, at most limit.
func (q *Questions) InvoiceFeed(payer account.PayerID, after map[int64]int64, limit int, to *[]FeedRow) {
	series, seqs := make([]int64, 0, len(after)), make([]int64, 0, len(after))
	for id, seq := range after {
		series, seqs = append(series, id), append(seqs, seq)
	}
	ask(q, invoiceFeedSQL, pgx.NamedArgs{"payer": string(payer), "series": series, "seqs": seqs, "limit": limit}, to)
}

const invoiceByIDSQL = `SELECT id, series_id, seq, issued_at, content FROM invoice WHERE id = @id AND payer_id = @payer`

// InvoiceByID asks for a tax document of a payer: one, or none.
func (q *Questions) InvoiceByID(payer account.PayerID, id string, to *[]FeedRow) {
	ask(q, invoiceByIDSQL, pgx.NamedArgs{"payer": string(payer), "id": id}, to)
}
