// Command portal is the SIP.TG customer portal.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
	_ "time/tzdata" // business days need the seller's zone, also where the system has none

	"github.com/alecthomas/kong"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/i18n"
)

// Set by the build.
var (
	version = "dev"
	commit  = "unknown"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, errFound) {
			fmt.Fprintln(os.Stderr, "portal:", forOperator(err))
		}
		stop()
		os.Exit(1)
	}
	stop()
}

// errFound ends a command that has already printed what is wrong.
var errFound = errors.New("violations were found")

// forOperator is one line for the person at the command line, who may see causes.
func forOperator(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Key != "" {
		text := i18n.New("en").Err(f.Key, f.Args)
		if f.Err != nil {
			text += " (" + f.Err.Error() + ")"
		}
		return text
	}
	return err.Error()
}

// cli is the command line.
type cli struct {
	Serve   serveCommand   `cmd:"" help:"Run the web server and, unless --no-jobs, the job workers."`
	Work    workCommand    `cmd:"" help:"Run the job workers alone."`
	Migrate migrateCommand `cmd:"" help:"Apply migrations and stop."`
	Bank    struct {
		Import bankImportCommand `cmd:"" help:"Read camt.053 statements; running it twice changes nothing."`
	} `cmd:"" help:"Bank statements."`
	VAT struct {
		Confirm vatConfirmCommand `cmd:"" help:"Record a look-up of a VAT number in its tax register."`
	} `cmd:"" name:"vat" help:"VAT numbers."`
	Credit struct {
		Set creditSetCommand `cmd:"" help:"Set how far a payer's balance may go below nothing."`
	} `cmd:"" help:"Credit limits of payers."`
	Staff struct {
		Add    staffAddCommand    `cmd:"" help:"Let a Telegram user work in the back office, or change the role."`
		List   staffListCommand   `cmd:"" help:"Show who may work in the back office."`
		Remove staffRemoveCommand `cmd:"" help:"End somebody's work in the back office, at once."`
	} `cmd:"" help:"People of the back office."`
	Clock struct {
		Advance clockAdvanceCommand `cmd:"" help:"Move the demo clock and do what became due: 170d, 24h."`
		Show    clockShowCommand    `cmd:"" help:"Show the demo clock."`
	} `cmd:"" help:"The clock of demo mode."`
	Charging struct {
		Status chargingStatusCommand `cmd:"" help:"Show whether charging is halted and why."`
		Halt   chargingHaltCommand   `cmd:"" help:"Halt charging: nothing is taken from anybody until 'charging resume'."`
		Resume chargingResumeCommand `cmd:"" help:"Audit the books and let charging go on, unless an invariant that stops it does not hold."`
	} `cmd:"" help:"Whether money is taken: the audit halts it where the books are wrong."`
	Audit   auditCommand   `cmd:"" help:"Check every money invariant in the database; exit 1 on a violation."`
	Version versionCommand `cmd:"" help:"Show version, commit and Go version."`
}

// environment is what a command works in.
type environment struct {
	ctx    context.Context
	getenv func(string) string
	stdout io.Writer
	stderr io.Writer
	now    func() time.Time
}

// run carries out one command line.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	var c cli
	exited := false
	parser, err := kong.New(&c, kong.Name("portal"), kong.Description("The SIP.TG customer portal."),
		kong.Writers(stdout, stderr), kong.Exit(func(int) { exited = true }), kong.UsageOnError())
	if err != nil {
		return err
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if exited { // help was shown
		return nil
	}
	if err != nil {
		return err
	}
	return parsed.Run(&environment{ctx: ctx, getenv: getenv, stdout: stdout, stderr: stderr, now: time.Now})
}

type versionCommand struct{}

// Run prints what this program is.
func (versionCommand) Run(e *environment) error {
	_, err := fmt.Fprintf(e.stdout, "portal %s (commit %s, %s)\n", version, commit, runtime.Version())
	return err
}
