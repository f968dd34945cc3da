package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/siptg/portal/docs"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/blob"
	"github.com/siptg/portal/internal/config"
	"github.com/siptg/portal/internal/embeddedpg"
	"github.com/siptg/portal/internal/jobs"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/provider/sandbox"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/telegram"
)

const (
	// settledWithin is how long after the last fault everything must be done.
	settledWithin = 60 * time.Second
	// rescuedAfter is when the runs take a running job for one whose program died;
	// the program itself waits for minutes.
	rescuedAfter = 3 * time.Second
	// lookEvery is how often the runs look and have the program look for what is due.
	lookEvery = 300 * time.Millisecond
	// harness is the name of the runs' own connections.
	harness       = "harness"
	faultBotToken = "7000000001:AAFaultRunsTokenOfNoBot_0000000000000"
)

// faultBinary is the program built for fault runs.
var faultBinary = sync.OnceValues(func() (string, error) {
	name := filepath.Join(filepath.Dir(binary), "portal-failpoint")
	build := exec.Command("go", "build", "-tags", "failpoint", "-o", name, "./cmd/portal")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the program for fault runs: %w\n%s", err, out)
	}
	return name, nil
})

// child is a program that we started.
type child struct {
	w     *world
	name  string
	args  []string
	ready string // the beginning of the line that says so
	port  int    // 0: it listens nowhere

	cmd    *exec.Cmd
	ended  chan struct{}
	frozen bool
}

// start starts the child, which has been waited for, and returns when it is ready.
func (c *child) start() {
	c.w.t.Helper()
	if c.running() {
		return
	}
	log, err := os.OpenFile(filepath.Join(c.w.logs, c.name+".log"), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		c.w.t.Fatal(err)
	}
	for attempt := 0; ; attempt++ {
		if c.try(log) {
			break
		}
		if attempt == 20 {
			c.w.t.Fatalf("%s does not start\n%s", c.name, c.w.tail(c.name))
		}
		time.Sleep(lookEvery) // its database may be on its way back
	}
	_ = log.Close()
}

func (c *child) try(log *os.File) bool {
	c.cmd = exec.Command(c.w.binary, c.args...)
	c.cmd.Env, c.cmd.Dir, c.cmd.Stderr = c.w.environment(c), c.w.dir, log
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		c.w.t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		c.w.t.Fatal(err)
	}
	ended := make(chan struct{})
	c.ended, c.frozen = ended, false
	ready := make(chan struct{}, 1)
	go func() {
		defer close(ended)
		lines := bufio.NewScanner(io.TeeReader(stdout, log))
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), c.ready) {
				ready <- struct{}{}
			}
		}
		_ = c.cmd.Wait()
	}()
	select {
	case <-ready:
		return true
	case <-ended:
		return false
	case <-time.After(readyWithin):
		c.signal(syscall.SIGKILL)
		<-ended
		return false
	}
}

func (c *child) running() bool {
	if c.ended == nil {
		return false
	}
	select {
	case <-c.ended:
		return false
	default:
		return true
	}
}

// signal signals the child, if it still is ours: a process that was waited for
// has given its number to others.
func (c *child) signal(s syscall.Signal) {
	c.w.t.Helper()
	if !c.running() {
		return
	}
	if parent, state := c.process(); parent != os.Getpid() || state == "" {
		return // it has just ended
	}
	if err := c.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		c.w.t.Error(err)
	}
	switch s {
	case syscall.SIGSTOP:
		c.frozen = true
	case syscall.SIGCONT:
		c.frozen = false
	default:
	}
}

// process reads whose child the process is, and its state.
func (c *child) process() (parent int, state string) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.cmd.Process.Pid))
	if err != nil {
		return 0, ""
	}
	_, rest, _ := strings.Cut(string(content), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 2 {
		return 0, ""
	}
	parent, _ = strconv.Atoi(fields[1])
	return parent, fields[0]
}

// kill ends the child without a chance to tidy up, and waits until it has ended.
func (c *child) kill() {
	c.w.t.Helper()
	if !c.running() {
		return
	}
	c.signal(syscall.SIGKILL)
	<-c.ended
	c.w.kills[c.name]++
}

// world is everything that charging needs, in processes of its own, and who is
// charged.
type world struct {
	t      testing.TB
	dir    string // of the data
	logs   string
	binary string
	seed   uint64
	rnd    *rand.Rand

	pg     *embeddedpg.Server
	proxy  *dbProxy
	judge  *judge
	db     *store.DB // past the proxy, as the harness
	app    *app.App
	river  *river.Client[pgx.Tx]
	pool   *pgxpool.Pool
	blobs  *blob.Store
	ahead  time.Duration // of the demo's clock
	zone   *time.Location
	public string
	failAt string   // the file that arms a point
	extra  []string // of the programs' environment

	children []*child // two that serve, two that work
	subs     []string // subscriptions
	balance  int      // so many of them, the first, are paid from the balance
	periods  int      // that each has by now

	kills   map[string]int // by child
	slowest time.Duration
	lost    []string
	doubled []string
	stuck   []string
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

// newWorld starts PostgreSQL with all its durability, the provider, and makes so
// many subscriptions, of which some are paid from the balance and the others by a
// kept card, all due on one day. alter changes the world before its programs start.
func newWorld(t testing.TB, cards, balances int, alter func(*world)) *world {
	t.Helper()
	if err := embeddedpg.Installed(t.Context()); err != nil {
		missing(t, "PostgreSQL")
	}
	w := &world{t: t, dir: t.TempDir(), seed: rand.Uint64(), kills: map[string]int{}, balance: balances, periods: 1}
	if s := os.Getenv("PORTAL_CRASH_SEED"); s != "" {
		var err error
		if w.seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	w.rnd = rand.New(rand.NewPCG(w.seed, 0))
	var err error
	if w.binary, err = faultBinary(); err != nil {
		t.Fatal(err)
	}
	w.logs = filepath.Join(w.dir, "logs")
	w.must(os.Mkdir(w.logs, 0o700))
	w.failAt = filepath.Join(w.dir, "armed")

	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	w.pg, err = embeddedpg.Start(t.Context(), embeddedpg.Options{DataDir: w.dir, Log: log})
	w.must(err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), stopsWithin)
		defer cancel()
		if err := w.pg.Stop(ctx); err != nil {
			t.Errorf("stop PostgreSQL: %v", err)
		}
	})
	dsn := w.pg.DSN(embeddedpg.Database)
	w.must(store.Migrate(t.Context(), dsn))
	w.proxy = newDBProxy(t, dsn)
	serving := freePort(t)
	w.public = fmt.Sprintf("http://127.0.0.1:%d", serving)
	w.judge = newJudge(t, judgeSetting{
		Addr: fmt.Sprintf("127.0.0.1:%d", freePort(t)), WebhookURL: w.public + "/webhooks/" + sandbox.Name, Book: filepath.Join(w.dir, "judge.jsonl"),
	})
	w.open(dsn)
	w.people(cards)
	if alter != nil {
		alter(w)
	}
	w.children = []*child{
		{w: w, name: "serve-1", args: []string{"serve", "--no-jobs"}, ready: "portal: ready at ", port: serving},
		{w: w, name: "serve-2", args: []string{"serve"}, ready: "portal: ready at ", port: freePort(t)},
		{w: w, name: "work-1", args: []string{"work"}, ready: "portal: working"},
		{w: w, name: "work-2", args: []string{"work"}, ready: "portal: working"},
	}
	t.Cleanup(w.stop)
	w.startAll()
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) environment(c *child) []string {
	env := []string{
		"PORTAL_MODE=demo", "PORTAL_DATA_DIR=" + filepath.Join(w.dir, "portal"), "DATABASE_URL=" + w.proxy.dsn(), "PORTAL_PUBLIC_URL=" + w.public,
		"PORTAL_SANDBOX_URL=" + w.judge.base, "PORTAL_TELEGRAM_API_URL=http://127.0.0.1:9", "PORTAL_FAILPOINTS=@" + w.failAt,
	}
	if c.port > 0 {
		env = append(env, fmt.Sprintf("PORTAL_ADDR=127.0.0.1:%d", c.port))
	}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "LANG"} {
		env = append(env, name+"="+os.Getenv(name))
	}
	return append(env, w.extra...)
}

func (w *world) now() time.Time { return time.Now().Add(w.ahead) }

// open connects the harness itself, as an App of its own.
func (w *world) open(dsn string) {
	w.t.Helper()
	ctx := w.t.Context()
	var err error
	w.db, err = store.Open(ctx, dsn+"&application_name="+harness, w.now)
	w.must(err)
	w.t.Cleanup(w.db.Close)
	w.pool = w.db.Pool()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	queue, err := jobs.NewQueue(w.pool, log)
	w.must(err)
	w.river, err = river.NewClient(riverpgxv5.New(w.pool), &river.Config{Logger: log})
	w.must(err)
	files := filepath.Join(w.dir, "portal", "files")
	w.must(os.MkdirAll(files, 0o700))
	address, err := blob.DirectoryURL(files)
	w.must(err)
	w.blobs, err = blob.Open(ctx, address)
	w.must(err)
	w.t.Cleanup(func() { _ = w.blobs.Close() })
	s, err := config.ParseSeller(docs.SellerExample)
	w.must(err)
	w.zone = s.Zone
	seller := app.Seller{
		Party: s.Party(civilToday(w.now(), s.Zone)), VAT: s.VAT(civilToday(w.now(), s.Zone)), Books: s.Books, Zone: s.Zone,
		InvoicePrefix: s.Series.Invoice, CreditPrefix: s.Series.CreditNote, OrderPrefix: s.Series.Order, BankInvoice: s.Terms.BankInvoice,
		LeadDays: s.Terms.BankInvoiceLead, GraceDays: s.Terms.Grace, FirstChargeDays: s.Terms.FirstCharge, NoticeDays: s.Terms.Notice,
		GraceChargeDays: s.Terms.GraceCharge, MaxChargesDaily: s.Terms.MaxCharges, MaxChargedDaily: s.Terms.MaxCharged,
	}
	for _, a := range s.BankAccounts {
		seller.Accounts = append(seller.Accounts, app.BankAccount{Currency: a.Currency, Beneficiary: a.Beneficiary, IBAN: string(a.IBAN), BIC: string(a.BIC), Bank: a.Bank})
	}
	w.app, err = app.New(ctx, app.Config{
		DB: w.db, Blobs: w.blobs, Queue: queue, Now: w.now, Seller: seller, BotToken: faultBotToken, Demo: true, Log: log, PublicURL: w.public,
		Providers: []app.PaymentProvider{sandbox.New(sandbox.Config{
			BaseURL: w.judge.base, Account: sandbox.DemoAccount, Key: sandbox.DemoKey, WebhookSecret: sandbox.DemoSecret,
			Client: &http.Client{Timeout: 10 * time.Second},
		})},
	})
	w.must(err)
}

// people makes payers with a subscription each: the first pay from the balance,
// the others by a kept card.
func (w *world) people(cards int) {
	w.t.Helper()
	ctx := w.t.Context()
	first := int64(7_900_000_000_001) // one that the demo has, so that it adds no history of its own
	for i := range w.balance + cards {
		state, err := w.app.BeginSignIn(ctx, "", "/subscriptions")
		w.must(err)
		q := telegram.Sign(telegram.Profile{ID: first + int64(i)*1000, FirstName: fmt.Sprintf("Payer %d", i), AuthDate: w.now()}, faultBotToken)
		q.Set("st", state)
		in, err := w.app.SignInTelegram(ctx, app.TelegramReturn{Query: q, CookieState: state, IP: "127.0.0.1", UserAgent: "fault run"})
		w.must(err)
		actor, err := w.app.ActorBySession(ctx, in.Token)
		w.must(err)
		payers, err := w.app.Payers(ctx, actor)
		w.must(err)
		payer, err := w.app.SavePayer(ctx, actor, payers[0].ID, app.PayerInput{
			Kind: "person", Name: fmt.Sprintf("Payer %d", i), Street: "Žvėryno g. 7", City: "Vilnius", Postcode: "08117", Country: "LT",
			Email: "payer@example.lt", Language: "en", Currency: "EUR",
		})
		w.must(err)
		sel := pricing.Selection{Plan: pricing.Softphone, Options: pricing.Options{Accounts: 1 + i%5}, Period: 6}
		quote, err := w.app.Quote(ctx, &actor, app.QuoteRequest{Selection: sel})
		w.must(err)
		number, err := w.app.PlaceOrder(ctx, actor, app.PlaceOrder{Selection: sel, Payer: payer, Method: "bank", Quote: quote.Token})
		w.must(err)
		start := app.StartPaymentInput{Language: "en"}
		if i >= w.balance {
			start = app.StartPaymentInput{Keep: true, ConsentID: "consent.text", ConsentText: "You may charge it.", IP: "192.0.2.1", UserAgent: "fault run", Language: "en"}
		}
		address, err := w.app.StartPayment(ctx, actor, number, start)
		w.must(err)
		w.judge.pay(address)
		_, err = w.app.PaymentReturned(ctx, actor, number)
		w.must(err)
		if i < w.balance {
			w.topUp(actor, payer)
		}
		var id string
		w.must(w.pool.QueryRow(ctx, `SELECT id FROM subscription WHERE payer_id = $1`, string(payer)).Scan(&id))
		w.subs = append(w.subs, id)
	}
	w.must(w.app.IssuePending(ctx))
}

// topUp pays in as much as may be: enough for many renewals.
func (w *world) topUp(actor account.Actor, payer account.PayerID) {
	w.t.Helper()
	address, err := w.app.TopUpByCard(w.t.Context(), actor, payer, money.Amount(10_000_00), "en")
	w.must(err)
	w.judge.pay(address)
	_, err = w.app.TopUpReturned(w.t.Context(), actor, payer)
	w.must(err)
}

// retry does something in the database until it works: it may be on its way back.
func (w *world) retry(what string, f func(ctx context.Context) error) {
	w.t.Helper()
	began := time.Now()
	for {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // an audit reads everything
		err := f(ctx)
		cancel()
		if err == nil {
			return
		}
		if time.Since(began) > backWithin {
			w.t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(lookEvery / 3)
	}
}

// advance sets the demo's clock forward, the provider's with it. What became due
// is left to the jobs.
func (w *world) advance(by time.Duration) {
	w.t.Helper()
	w.ahead += by.Round(time.Second)
	w.judge.clock(w.ahead)
	w.retry("set the clock", func(ctx context.Context) error {
		return w.db.Update(ctx, func(tx *store.Tx) error { return tx.SaveDemoOffset(ctx, w.ahead) })
	})
}

// duePeriod sets the clock to the morning of a day, counted from the end of the
// paid time: -3 is the first on which the next period is charged.
func (w *world) duePeriod(days int) {
	w.t.Helper()
	var end time.Time
	w.retry("read the end", func(ctx context.Context) error {
		return w.pool.QueryRow(ctx, `SELECT min(paid_until) FROM subscription WHERE id = ANY($1::uuid[])`, w.subs).Scan(&end)
	})
	w.advance(civilToday(end, w.zone).AddDays(days).In(w.zone).Add(6 * time.Hour).Sub(w.now()))
}

type dueJob struct{}

func (dueJob) Kind() string { return "run_due" }

type checkJob struct{}

func (checkJob) Kind() string { return "check_payments" }

func (checkJob) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: "payments", MaxAttempts: 1}
}

// look has the program look for what is due, as its own timers do less often. It
// tells whether the database took it.
func (w *world) look() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	for _, job := range []river.JobArgs{dueJob{}, checkJob{}} {
		var waiting int
		if err := w.pool.QueryRow(ctx, `SELECT count(*) FROM river_job WHERE kind = $1 AND state = 'available'`, job.Kind()).Scan(&waiting); err != nil {
			return err
		}
		if waiting > 0 {
			continue
		}
		if _, err := w.river.Insert(ctx, job, nil); err != nil {
			return err
		}
	}
	return nil
}

// rescue gives jobs that have been running for so long to whoever comes first,
// dead their programs or not, and does not wait to try failed ones again.
func (w *world) rescue(after time.Duration) {
	w.t.Helper()
	w.retry("rescue jobs", func(ctx context.Context) error {
		_, err := w.pool.Exec(ctx, `UPDATE river_job SET state = 'available', scheduled_at = now(), max_attempts = greatest(max_attempts, attempt + 1)
			WHERE state = 'retryable' OR state = 'running' AND attempted_at < now() - make_interval(secs => $1)`, after.Seconds())
		return err
	})
}

// unsettled says what is not done yet.
func (w *world) unsettled() (what []string) {
	w.t.Helper()
	w.retry("look", func(ctx context.Context) error {
		what = nil
		rows, err := w.pool.Query(ctx, `
			SELECT 'payment ' || id || ' is ' || state FROM payment WHERE state NOT IN ('succeeded', 'failed', 'canceled', 'expired')
			UNION ALL
			SELECT 'subscription ' || s.id || ' has ' || n.periods || ' periods' FROM subscription s
			JOIN LATERAL (SELECT count(*) AS periods FROM subscription_period p WHERE p.subscription_id = s.id AND p.superseded_at IS NULL) n ON true
			WHERE s.id = ANY($1::uuid[]) AND n.periods <> $2
			UNION ALL
			SELECT 'order ' || o.number || ' has no invoice' FROM orders o
			WHERE o.state = 'paid' AND NOT EXISTS (SELECT FROM invoice i WHERE i.order_id = o.id AND i.kind = 'invoice')
			UNION ALL
			SELECT 'job ' || id || ' ' || kind || ' is ' || state || ': ' || COALESCE(errors[array_upper(errors, 1)]->>'error', '') FROM river_job
			WHERE kind IN ('renew', 'send_payment', 'process_webhook', 'issue_invoice') AND state NOT IN ('completed', 'discarded', 'cancelled')
			UNION ALL
			SELECT 'webhook ' || id || ' is ' || state FROM webhook_inbox WHERE state = 'pending'`, w.subs, w.periods)
		if err != nil {
			return err
		}
		what, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return what
}

// settle waits until everything is done, and returns what is not after a minute.
func (w *world) settle() (what []string, took time.Duration) {
	w.t.Helper()
	began := time.Now()
	for n := 0; ; n++ {
		if what = w.unsettled(); len(what) == 0 {
			return nil, time.Since(began)
		}
		if took = time.Since(began); took > settledWithin {
			return what, took
		}
		if err := w.look(); err != nil {
			w.t.Logf("look: %v", err)
		}
		w.rescue(rescuedAfter)
		if n%3 == 2 { // what is looked at again in minutes
			w.advance(time.Minute)
		}
		time.Sleep(lookEvery)
	}
}

// judgement compares the books after a cycle.
func (w *world) judgement() verdict {
	w.t.Helper()
	var ours []ourPayment
	w.retry("read the payments", func(ctx context.Context) error {
		rows, err := w.pool.Query(ctx, `
			SELECT COALESCE(p.parent_id, p.id)::text AS id, COALESCE(r.subscription_id || ' ' || r.period_no, '') AS renewal,
			       count(DISTINCT e.id)::int AS entries, COALESCE(sum(l.amount_minor) FILTER (WHERE a.kind = 'provider'), 0)::bigint AS booked
			FROM payment p
			LEFT JOIN renewal r ON p.payable_kind = 'renewal' AND r.id = p.payable_id
			LEFT JOIN ledger_entry e ON e.payment_id = p.id
			LEFT JOIN ledger_posting l ON l.entry_id = e.id
			LEFT JOIN ledger_account a ON a.id = l.account_id
			WHERE p.provider = 'sandbox'
			GROUP BY p.id, r.id`)
		if err != nil {
			return err
		}
		ours, err = pgx.CollectRows(rows, pgx.RowToStructByName[ourPayment])
		return err
	})
	return compare(w.judge.book(), ours)
}

// audit returns the invariants that do not hold.
func (w *world) audit() (broken []string) {
	w.t.Helper()
	w.retry("audit", func(ctx context.Context) error {
		broken = nil
		lines, _, err := w.app.Audit(ctx)
		for _, l := range lines {
			if l.Broken > 0 {
				broken = append(broken, l.String())
			}
		}
		return err
	})
	return broken
}

func (w *world) startAll() {
	w.t.Helper()
	var wg sync.WaitGroup
	for _, c := range w.children {
		wg.Go(c.start)
	}
	wg.Wait()
}

// stop ends the children in good order.
func (w *world) stop() {
	_ = os.Remove(w.failAt)
	w.proxy.heal()
	for _, c := range w.children {
		c.signal(syscall.SIGCONT)
		c.signal(syscall.SIGTERM)
	}
	for _, c := range w.children {
		if c.ended == nil {
			continue
		}
		select {
		case <-c.ended:
			if code := c.cmd.ProcessState.ExitCode(); code != 0 && code != -1 {
				w.t.Errorf("%s ended with %d\n%s", c.name, code, w.tail(c.name))
			}
		case <-time.After(stopsWithin):
			w.t.Errorf("%s did not stop within %v", c.name, stopsWithin)
			c.kill()
		}
	}
}

func (w *world) tail(name string) string {
	content, _ := os.ReadFile(filepath.Join(w.logs, name+".log"))
	lines := strings.Split(string(content), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}

// keepLogs leaves what the programs said about a failed cycle.
func (w *world) keepLogs(cycle int) string {
	dir := filepath.Join(root, ".cache", "crash", fmt.Sprintf("seed-%d-cycle-%d", w.seed, cycle))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		w.t.Error(err)
	}
	for _, name := range []string{"logs", "judge.jsonl"} {
		from := filepath.Join(w.dir, name)
		if info, err := os.Stat(from); err == nil && info.IsDir() {
			_ = os.CopyFS(dir, os.DirFS(from))
		} else if content, err := os.ReadFile(from); err == nil {
			_ = os.WriteFile(filepath.Join(dir, name), content, 0o600)
		}
	}
	return dir
}

// hits counts the lines that the points have written.
func (w *world) hits() map[string]int {
	out := map[string]int{}
	content, _ := os.ReadFile(w.failAt + ".hits")
	for line := range strings.Lines(string(content)) {
		out[strings.TrimSpace(line)]++
	}
	return out
}

// pick returns one of some things.
func pick[T any](w *world, of []T) T { return of[w.rnd.IntN(len(of))] }

// moment is a random time up to a limit.
func (w *world) moment(limit time.Duration) time.Duration {
	return time.Duration(w.rnd.Int64N(int64(limit)))
}

// during lets the program work for a while, looking for what is due.
func (w *world) during(d time.Duration) {
	for began := time.Now(); time.Since(began) < d; time.Sleep(min(lookEvery, d)) {
		_ = w.look() // the database may be down: that is the fault
	}
}

// runs is how many cycles a fault run has.
func runs(t testing.TB, usual int) int {
	t.Helper()
	s := os.Getenv("PORTAL_CRASH_RUNS")
	if s == "" {
		return usual
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		t.Fatalf("RUNS takes a number of cycles, not %q", s)
	}
	return n
}

func sortedKeys(m map[string]int) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// ownerOf is who pays for a subscription.
func (w *world) ownerOf(id string) (a account.Actor, err error) {
	err = w.pool.QueryRow(w.t.Context(), `SELECT a.id, a.telegram_id FROM subscription s JOIN member m ON m.payer_id = s.payer_id AND m.role = 'owner'
		JOIN account a ON a.id = m.account_id WHERE s.id = $1`, id).Scan(&a.AccountID, &a.TelegramID)
	return a, err
}
