package e2e

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/siptg/portal/internal/embeddedpg"
)

// Whoever changes a row behind the program's back is found out, and what was
// changed is named.
func TestAuditFindsTampering(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "PORTAL_MODE=demo")
	p.serve() // fills the database
	p.audit()

	// The portal's own server, as the role that the portal connects as.
	server, err := embeddedpg.Start(t.Context(), embeddedpg.Options{DataDir: p.dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop(t.Context()) })
	db, err := pgx.Connect(t.Context(), server.DSN(embeddedpg.Database))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close(t.Context()) })
	exec := func(statement string) {
		t.Helper()
		if _, err := db.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}

	for _, tamper := range []struct {
		name       string
		table      string
		guarded    bool // a trigger refuses the change
		do, undo   string
		invariants []string
	}{
		{
			"one side of a ledger entry", "ledger_posting", true,
			`UPDATE ledger_posting SET amount_minor = amount_minor + 1 WHERE entry_id = 1 AND line = 1`,
			`UPDATE ledger_posting SET amount_minor = amount_minor - 1 WHERE entry_id = 1 AND line = 1`,
			[]string{"I1", "I2"},
		},
		{
			"both sides of a ledger entry", "ledger_posting", true,
			`UPDATE ledger_posting SET amount_minor = amount_minor * 2 WHERE entry_id = 2`,
			`UPDATE ledger_posting SET amount_minor = amount_minor / 2 WHERE entry_id = 2`,
			[]string{"I2"},
		},
		{
			"a balance", "ledger_account", false,
			`UPDATE ledger_account SET balance_minor = balance_minor - 100 WHERE kind = 'balance'`,
			`UPDATE ledger_account SET balance_minor = balance_minor + 100 WHERE kind = 'balance'`,
			[]string{"I3"},
		},
		{
			"an issued document", "invoice", true,
			`UPDATE invoice SET total_minor = total_minor + 100, net_minor = net_minor + 100`,
			`UPDATE invoice SET total_minor = total_minor - 100, net_minor = net_minor - 100`,
			[]string{"I13", "I14"},
		},
		{
			"the next invoice number", "series", false,
			`UPDATE series SET next = next + 1`, `UPDATE series SET next = next - 1`,
			[]string{"I12"},
		},
		{
			"the end of a subscription", "subscription", false,
			`UPDATE subscription SET paid_until = paid_until + interval '720 hours' WHERE plan = 'gateway'`,
			`UPDATE subscription SET paid_until = paid_until - interval '720 hours' WHERE plan = 'gateway'`,
			[]string{"I20"},
		},
	} {
		if tamper.guarded {
			if _, err := db.Exec(t.Context(), tamper.do); err == nil {
				t.Fatalf("%s: no trigger refuses it", tamper.name)
			}
		}
		exec(`ALTER TABLE ` + tamper.table + ` DISABLE TRIGGER USER`)
		exec(tamper.do)
		r := p.run("audit")
		if r.code != 1 {
			t.Errorf("%s: audit ended with %d:\n%s%s", tamper.name, r.code, r.stdout, r.stderr)
		}
		for _, id := range tamper.invariants {
			if !violated(r.stdout, id) {
				t.Errorf("%s: audit does not name %s:\n%s", tamper.name, id, r.stdout)
			}
		}
		exec(tamper.undo)
		exec(`ALTER TABLE ` + tamper.table + ` ENABLE TRIGGER USER`)
		p.audit() // nothing but the change was found
	}

	// The commands that halt charging and let it go on.
	charging := func(code int, says string, args ...string) {
		t.Helper()
		r := p.run(append([]string{"charging"}, args...)...)
		if r.code != code || !strings.Contains(r.stdout+r.stderr, says) {
			t.Errorf("charging %v ended with %d, want %d and %q:\n%s%s", args, r.code, code, says, r.stdout, r.stderr)
		}
	}
	p.run("charging", "resume") // the server's own audit may have come between
	charging(0, "charging goes on", "status")
	charging(0, "restored", "halt", "restored from a backup")
	charging(0, "charging is HALTED", "status")
	exec(`ALTER TABLE series DISABLE TRIGGER USER`)
	exec(`UPDATE series SET next = next + 1`)
	charging(1, "an invariant that stops it does not hold", "resume")
	charging(0, "I12", "status")
	exec(`UPDATE series SET next = next - 1`)
	exec(`ALTER TABLE series ENABLE TRIGGER USER`)
	charging(0, "charging goes on", "resume")
	charging(1, "Charging is not halted", "resume")
}

func violated(report, id string) bool {
	for line := range strings.Lines(report) {
		if strings.HasPrefix(line, id+" ") && strings.Contains(line, "VIOLATED") {
			return true
		}
	}
	return false
}
