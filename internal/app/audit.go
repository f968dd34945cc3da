package app

import (
	"context"
	"fmt"

	"github.com/siptg/portal/internal/store"
)

// AuditLine is one money invariant and what the audit found.
type AuditLine store.Check

// String is the line that `portal audit` prints.
func (l AuditLine) String() string {
	verdict := "ok"
	if l.Broken > 0 {
		verdict = fmt.Sprintf("VIOLATED by %d", l.Broken)
	}
	return fmt.Sprintf("%-4s %-62s %9d checked  %s", l.ID, l.Title, l.Looked, verdict)
}

// Audit checks every money invariant in one snapshot of the database and
// reports whether all hold.
func (a *App) Audit(ctx context.Context) (lines []AuditLine, clean bool, err error) {
	clean = true
	err = a.db.View(ctx, func(tx *store.Tx) error {
		checks, err := tx.Checks(ctx)
		for _, c := range checks {
			lines = append(lines, AuditLine(c))
			clean = clean && c.Broken == 0
		}
		return err
	})
	return lines, clean && err == nil, err
}
