package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/fault"
)

const demoOffsetSQL = `SELECT offset_seconds FROM demo_clock`

// DemoOffset returns how far the demo's clock is ahead of the real one.
func (tx *Tx) DemoOffset(ctx context.Context) (time.Duration, error) {
	seconds, err := value[int64](ctx, tx, "demo clock", demoOffsetSQL, nil)
	if fault.Is(err, fault.NotFound) {
		return 0, nil
	}
	return time.Duration(seconds) * time.Second, err
}

const carrySessionsSQL = `
UPDATE session SET last_seen_at = last_seen_at + make_interval(secs => @seconds), expires_at = expires_at + make_interval(secs => @seconds)`

// CarrySessions takes every session along into the future that the demo's clock
// is set to: whoever moves it stays signed in.
func (tx *Tx) CarrySessions(ctx context.Context, by time.Duration) error {
	_, err := exec(ctx, tx, carrySessionsSQL, pgx.NamedArgs{"seconds": int64(by / time.Second)})
	return err
}

const saveDemoOffsetSQL = `
INSERT INTO demo_clock (offset_seconds) VALUES (@seconds)
ON CONFLICT (only_row) DO UPDATE SET offset_seconds = greatest(demo_clock.offset_seconds, EXCLUDED.offset_seconds)`

// SaveDemoOffset moves the demo's clock forward; it never goes back.
func (tx *Tx) SaveDemoOffset(ctx context.Context, offset time.Duration) error {
	_, err := exec(ctx, tx, saveDemoOffsetSQL, pgx.NamedArgs{"seconds": int64(offset / time.Second)})
	return err
}
