package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/store"
)

// byAudit is who finds that the books are wrong.
var byAudit = audit.ByJob("audit")

// AuditLine is one money invariant and what the audit found.
type AuditLine store.Check

// String is the line that `portal audit` prints.
func (l AuditLine) String() string {
	verdict := "ok"
	if l.Broken > 0 {
		verdict = fmt.Sprintf("VIOLATED by %d", l.Broken)
	} else if l.Doubtful > 0 {
		verdict = fmt.Sprintf("LOOK AT %d", l.Doubtful)
	}
	return fmt.Sprintf("%-4s %-62s %9d checked  %s", l.ID, l.Title, l.Looked, verdict)
}

// stopsCharging are the invariants whose violation halts charging (security.md 6,
// "Stop rules"): the ledger does not balance, money is applied twice or not at
// all, a period is charged twice, an invoice number is missing.
var stopsCharging = []string{"I1", "I5", "I6", "I12"}

// stops reports whether charging halts for what the line found.
func (l AuditLine) stops() bool { return l.Broken > 0 && slices.Contains(stopsCharging, l.ID) }

// Audit checks every money invariant in one snapshot of the database and
// reports whether all hold.
func (a *App) Audit(ctx context.Context) (lines []AuditLine, clean bool, err error) {
	run, err := a.audit(ctx)
	return run.Lines, run.Clean && err == nil, err
}

// AuditRun is one run of the audit and what it found.
type AuditRun struct {
	At    time.Time // of the snapshot
	Clean bool
	Lines []AuditLine
	Took  time.Duration
}

// violated counts the invariants that do not hold.
func (r AuditRun) violated() int {
	n := 0
	for _, l := range r.Lines {
		if l.Broken > 0 {
			n++
		}
	}
	return n
}

func (a *App) audit(ctx context.Context) (AuditRun, error) {
	run := AuditRun{Clean: true}
	started := a.now()
	err := a.db.View(ctx, func(tx *store.Tx) error {
		run.At = tx.Now()
		checks, err := tx.Checks(ctx)
		for _, c := range checks {
			run.Lines = append(run.Lines, AuditLine(c))
			run.Clean = run.Clean && c.Broken == 0
		}
		return err
	})
	run.Took = max(0, a.now().Sub(started))
	return run, err
}

// RunAudit audits the books, keeps what it found, and halts charging where an
// invariant of the stop rules does not hold. Halted stays halted, also when a
// later run finds nothing: a person lifts it (ResumeCharging). Other violations
// are reported to the log, the metrics and whoever reads the runs.
func (a *App) RunAudit(ctx context.Context) (AuditRun, error) {
	run, err := a.audit(ctx)
	if err != nil {
		return run, err
	}
	kept := store.AuditRun{At: run.At, Clean: run.Clean, DurationMs: run.Took.Milliseconds()}
	for _, l := range run.Lines {
		kept.Lines = append(kept.Lines, store.Check(l))
	}
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		if slices.ContainsFunc(run.Lines, AuditLine.stops) {
			tx.LockCharging()
		}
		for _, l := range run.Lines {
			if l.stops() {
				if err := a.halt(ctx, tx, store.Halt{Invariant: l.ID, Detail: fmt.Sprintf("%s: broken by %d", l.Title, l.Broken), By: string(byAudit)}); err != nil {
					return err
				}
			}
		}
		return tx.AppendAuditRun(ctx, kept)
	})
	for _, l := range run.Lines {
		if l.Broken > 0 {
			a.log.Error("the books are wrong", "invariant", l.ID, "what", l.Title, "broken", l.Broken, "charging_halted", l.stops())
		} else if l.Doubtful > 0 {
			a.log.Warn("somebody should look at the books", "what", l.Title, "doubtful", l.Doubtful)
		}
	}
	return run, err
}

// halt stops charging, unless it is halted for the same reason already. Charging
// is locked.
func (a *App) halt(ctx context.Context, tx *store.Tx, h store.Halt) error {
	isNew, err := tx.InsertHalt(ctx, h)
	if err != nil || !isNew {
		return err
	}
	return tx.AppendAudit(ctx, audit.Record{
		Actor: audit.Actor(h.By), Action: "charging.halted", ObjectKind: "charging", ObjectID: h.Invariant, Detail: map[string]any{"detail": h.Detail},
	})
}

// auditDaily audits the books of the demo, whose clock is moved a day at a time,
// once a day.
func (a *App) auditDaily(ctx context.Context) error {
	last, err := a.lastRun(ctx)
	if err == nil && a.now().Sub(last.At) < 24*time.Hour {
		return nil
	} else if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	_, err = a.RunAudit(ctx)
	return err
}

func (a *App) lastRun(ctx context.Context) (run store.AuditRun, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) error {
		run, err = tx.LastAuditRun(ctx)
		return err
	})
	return run, err
}

// Halt is why charging is halted.
type Halt = store.Halt

// ChargingStatus is whether money is taken, and what the last audit found.
type ChargingStatus struct {
	Halts     []Halt    // none: charging goes on
	AuditedAt time.Time // zero: never
	Violated  int       // invariants that did not hold then
}

// ChargingStatus returns whether charging is halted and why.
func (a *App) ChargingStatus(ctx context.Context) (s ChargingStatus, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) error {
		if s.Halts, err = tx.Halts(ctx); err != nil {
			return err
		}
		last, err := tx.LastAuditRun(ctx)
		if fault.Is(err, fault.NotFound) {
			return nil
		} else if err != nil {
			return err
		}
		run := AuditRun{}
		for _, l := range last.Lines {
			run.Lines = append(run.Lines, AuditLine(l))
		}
		s.AuditedAt, s.Violated = last.At, run.violated()
		return nil
	})
	return s, err
}

// HaltCharging stops charging at a person's word, as after a restore, until
// ResumeCharging.
func (a *App) HaltCharging(ctx context.Context, why string, by audit.Actor) error {
	if why = strings.TrimSpace(why); why == "" {
		return fault.New(fault.Invalid, "error.charging.reason")
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		tx.LockCharging()
		return a.halt(ctx, tx, store.Halt{Invariant: store.HaltOperator, Detail: clip(why, 500), By: string(by)})
	})
}

// ResumeCharging audits the books and lifts every halt that stood before. It is
// a Conflict while an invariant of the stop rules does not hold, and where
// nothing is halted.
func (a *App) ResumeCharging(ctx context.Context, by audit.Actor) (AuditRun, error) {
	run, err := a.RunAudit(ctx)
	if err != nil {
		return run, err
	}
	if slices.ContainsFunc(run.Lines, AuditLine.stops) {
		return run, fault.New(fault.Conflict, "error.charging.violated")
	}
	return run, a.db.Update(ctx, func(tx *store.Tx) error {
		tx.LockCharging()
		lifted, err := tx.LiftHalts(ctx, run.At, string(by))
		if err != nil {
			return err
		}
		if len(lifted) == 0 {
			return fault.New(fault.Conflict, "error.charging.not_halted")
		}
		for _, h := range lifted {
			if err := tx.AppendAudit(ctx, audit.Record{
				Actor: by, Action: "charging.resumed", ObjectKind: "charging", ObjectID: h.Invariant,
				Detail: map[string]any{"detail": h.Detail, "since": h.Since},
			}); err != nil {
				return err
			}
		}
		return nil
	})
}
