package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Halt is why charging is halted.
type Halt struct {
	Since     time.Time
	Invariant string // "I5"; HaltOperator for a person's halt
	Detail    string
	By        string // an audit.Actor
}

// HaltOperator stands for the invariant where a person halted charging.
const HaltOperator = "operator"

const (
	lockChargingShareSQL = `LOCK TABLE charging_halt IN ROW SHARE MODE`
	chargingHaltedSQL    = `SELECT EXISTS (SELECT FROM charging_halt WHERE lifted_at IS NULL) AS halted`
)

// ChargingHalted reports whether nothing may be taken from anybody. Until the
// transaction ends nobody can halt charging: what it decides is decided before
// the halt.
func (tx *Tx) ChargingHalted(ctx context.Context) (bool, error) {
	// A statement of its own: the next one sees what was committed while this one waited.
	tx.later(lockChargingShareSQL, nil)
	return value[bool](ctx, tx, "halt", chargingHaltedSQL, nil)
}

const chargingWasHaltedSQL = `SELECT EXISTS (SELECT FROM charging_halt WHERE lifted_at IS NULL OR lifted_at > @since)`

// ChargingWasHalted reports whether charging is halted or was at any time after
// since.
func (tx *Tx) ChargingWasHalted(ctx context.Context, since time.Time) (bool, error) {
	return value[bool](ctx, tx, "halt", chargingWasHaltedSQL, pgx.NamedArgs{"since": since})
}

// LockCharging keeps everybody from deciding about a charge until the transaction
// ends. Who halts charging, or lifts a halt, holds it and no other lock.
func (tx *Tx) LockCharging() { tx.later(`LOCK TABLE charging_halt IN EXCLUSIVE MODE`, nil) }

const haltsSQL = `SELECT since, invariant, detail, by FROM charging_halt WHERE lifted_at IS NULL ORDER BY since, invariant`

// Halts returns what charging is halted for, the oldest first.
func (tx *Tx) Halts(ctx context.Context) ([]Halt, error) { return list[Halt](ctx, tx, haltsSQL, nil) }

const insertHaltSQL = `
INSERT INTO charging_halt (since, invariant, detail, by) VALUES (@now, @invariant, @detail, @by)
ON CONFLICT (invariant) WHERE lifted_at IS NULL DO NOTHING`

// InsertHalt halts charging and reports whether it was not halted for the same
// reason already.
func (tx *Tx) InsertHalt(ctx context.Context, h Halt) (isNew bool, err error) {
	n, err := exec(ctx, tx, insertHaltSQL, pgx.NamedArgs{"now": tx.now, "invariant": h.Invariant, "detail": h.Detail, "by": h.By})
	return n == 1, err
}

const liftHaltsSQL = `
UPDATE charging_halt SET lifted_at = @now, lifted_by = @by WHERE lifted_at IS NULL AND since <= @seen
RETURNING since, invariant, detail, by`

// LiftHalts lifts what charging was halted for until seen, and returns it.
func (tx *Tx) LiftHalts(ctx context.Context, seen time.Time, by string) ([]Halt, error) {
	return list[Halt](ctx, tx, liftHaltsSQL, pgx.NamedArgs{"now": tx.now, "seen": seen, "by": by})
}

// AuditRun is one run of the audit and what it found.
type AuditRun struct {
	At         time.Time
	Clean      bool
	Lines      []Check
	DurationMs int64
}

const appendAuditRunSQL = `INSERT INTO audit_run (at, clean, lines, duration_ms) VALUES (@at, @clean, @lines, @duration_ms)`

// AppendAuditRun keeps what the audit found.
func (tx *Tx) AppendAuditRun(ctx context.Context, r AuditRun) error {
	_, err := exec(ctx, tx, appendAuditRunSQL, pgx.NamedArgs{"at": r.At, "clean": r.Clean, "lines": r.Lines, "duration_ms": r.DurationMs})
	return err
}

const lastAuditRunSQL = `SELECT at, clean, lines, duration_ms FROM audit_run ORDER BY at DESC, id DESC LIMIT 1`

// LastAuditRun returns the newest run of the audit, or NotFound.
func (tx *Tx) LastAuditRun(ctx context.Context) (AuditRun, error) {
	return one[AuditRun](ctx, tx, "audit run", lastAuditRunSQL, nil)
}
