package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
)

type migrateCommand struct{}

// Run applies migrations.
func (migrateCommand) Run(e *environment) error {
	p, err := open(e, "migrate")
	if err != nil {
		return err
	}
	defer p.Close()
	_, err = fmt.Fprintln(e.stdout, "portal: the database is up to date")
	return err
}

type bankImportCommand struct {
	Files []string `arg:"" name:"file" type:"existingfile" help:"camt.053.001.02 or .08 files."`
}

// Run imports statements and prints a line for each entry. A file that is
// refused does not keep the others from being imported.
func (c bankImportCommand) Run(e *environment) error {
	p, err := open(e, "bank import")
	if err != nil {
		return err
	}
	defer p.Close()
	var failed []error
	for _, name := range c.Files {
		if err := p.importFile(e, name); err != nil {
			failed = append(failed, fmt.Errorf("%s: %s", name, forOperator(err)))
		}
	}
	return errors.Join(failed...)
}

func (p *portal) importFile(e *environment, name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	entries, err := p.app.ImportStatement(e.ctx, file, audit.ByCommand("bank_import"))
	toppedUp := false
	defer func() {
		if !toppedUp {
			return
		}
		if err := p.app.IssueReceipts(e.ctx); err != nil {
			p.log.Error("issue the receipts; the job will try again", "error", err)
		}
	}()
	for _, entry := range entries {
		if _, err := fmt.Fprintln(e.stdout, entry); err != nil {
			return err
		}
		toppedUp = toppedUp || entry.Balance != ""
		if entry.OrderID == "" {
			continue
		}
		// The job is queued already; an import without a running server should not
		// leave the customer waiting for the invoice all the same.
		if err := p.app.IssueInvoice(e.ctx, entry.OrderID); err != nil {
			p.log.Error("issue the invoice; the job will try again", "order", entry.OrderNumber, "error", err)
		}
	}
	return err
}

type vatConfirmCommand struct {
	Number  string `arg:"" help:"VAT number with its country prefix, as DE136695976."`
	Invalid bool   `help:"The register says that the number is not valid."`
	Source  string `help:"Where it was looked up." default:"vies"`
	Proof   string `help:"Consultation number or other proof."`
}

// Run records an operator's look-up of a VAT number.
func (c vatConfirmCommand) Run(e *environment) error {
	p, err := open(e, "vat confirm")
	if err != nil {
		return err
	}
	defer p.Close()
	if err := p.app.ConfirmVATNumber(e.ctx, c.Number, !c.Invalid, c.Source, c.Proof, audit.ByCommand("vat_confirm")); err != nil {
		return err
	}
	_, err = fmt.Fprintln(e.stdout, "portal: recorded; it stands for 30 days")
	return err
}

type creditSetCommand struct {
	Payer  string `arg:"" name:"payer_id" help:"Id of the payer, as in the address of its balance."`
	Amount string `arg:"" help:"In the payer's currency, as 250 or 250.00; 0 for none."`
}

// Run sets a payer's credit limit.
func (c creditSetCommand) Run(e *environment) error {
	p, err := open(e, "credit set")
	if err != nil {
		return err
	}
	defer p.Close()
	set, err := p.app.SetCreditLimit(e.ctx, account.PayerID(c.Payer), c.Amount, audit.ByCommand("credit_set"))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.stdout, "portal: %s may owe up to %s (it was %s); the balance is %s\n",
		set.Payer, set.Limit, set.Before.Decimal(), set.Balance.Decimal())
	return err
}

type clockAdvanceCommand struct {
	By string `arg:"" name:"duration" help:"As 170d or 24h."`
}

// Run moves the demo clock, a day at a time.
func (c clockAdvanceCommand) Run(e *environment) error {
	by, err := parseDays(c.By)
	if err != nil {
		return err
	}
	p, err := open(e, "clock advance")
	if err != nil {
		return err
	}
	defer p.Close()
	if p.clock == nil {
		return errNoDemoClock
	}
	if err := p.app.AdvanceDemo(e.ctx, by); err != nil {
		return err
	}
	return p.showClock(e)
}

type clockShowCommand struct{}

// Run prints what the demo clock shows.
func (clockShowCommand) Run(e *environment) error {
	p, err := open(e, "clock show")
	if err != nil {
		return err
	}
	defer p.Close()
	if p.clock == nil {
		return errNoDemoClock
	}
	return p.showClock(e)
}

var errNoDemoClock = errors.New("the clock can be moved in demo mode only: PORTAL_MODE=demo")

func (p *portal) showClock(e *environment) error {
	_, err := fmt.Fprintln(e.stdout, p.clock.Now().In(p.config.Seller.Zone).Format(time.RFC3339))
	return err
}

// parseDays reads a duration that may be in days: "170d", "24h".
func parseDays(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n < 1 || n > 3660 {
			return 0, fmt.Errorf("a duration is like 170d or 24h, up to 3660d, not %.20q", s)
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("a duration is like 170d or 24h, not %.20q", s)
	}
	return d, nil
}

type auditCommand struct{}

type chargingStatusCommand struct{}

// Run prints whether charging is halted and why.
func (chargingStatusCommand) Run(e *environment) error {
	p, err := open(e, "charging status")
	if err != nil {
		return err
	}
	defer p.Close()
	return p.showCharging(e)
}

func (p *portal) showCharging(e *environment) error {
	s, err := p.app.ChargingStatus(e.ctx)
	if err != nil {
		return err
	}
	audited := "never"
	if !s.AuditedAt.IsZero() {
		audited = fmt.Sprintf("%s, %d violated", s.AuditedAt.Format(time.RFC3339), s.Violated)
	}
	if len(s.Halts) == 0 {
		_, err = fmt.Fprintf(e.stdout, "charging goes on; last audit: %s\n", audited)
		return err
	}
	if _, err := fmt.Fprintf(e.stdout, "charging is HALTED; last audit: %s\n", audited); err != nil {
		return err
	}
	for _, h := range s.Halts {
		if _, err := fmt.Fprintf(e.stdout, "%-8s since %s by %s: %s\n", h.Invariant, h.Since.Format(time.RFC3339), h.By, h.Detail); err != nil {
			return err
		}
	}
	return nil
}

type chargingHaltCommand struct {
	Why string `arg:"" help:"Why, for those who come later: 'restored from backup'."`
}

// Run halts charging at a person's word.
func (c chargingHaltCommand) Run(e *environment) error {
	p, err := open(e, "charging halt")
	if err != nil {
		return err
	}
	defer p.Close()
	if err := p.app.HaltCharging(e.ctx, c.Why, audit.ByCommand("charging_halt")); err != nil {
		return err
	}
	return p.showCharging(e)
}

type chargingResumeCommand struct{}

// Run audits the books, prints what was found, and lets charging go on unless an
// invariant that stops it does not hold.
func (chargingResumeCommand) Run(e *environment) error {
	p, err := open(e, "charging resume")
	if err != nil {
		return err
	}
	defer p.Close()
	run, err := p.app.ResumeCharging(e.ctx, audit.ByCommand("charging_resume"))
	for _, line := range run.Lines {
		if _, err := fmt.Fprintln(e.stdout, line); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	return p.showCharging(e)
}

// Run prints every invariant with its count.
func (auditCommand) Run(e *environment) error {
	p, err := open(e, "audit")
	if err != nil {
		return err
	}
	defer p.Close()
	lines, clean, err := p.app.Audit(e.ctx)
	for _, line := range lines {
		if _, err := fmt.Fprintln(e.stdout, line); err != nil {
			return err
		}
	}
	if err == nil && !clean {
		err = errFound
	}
	return err
}
