package sim

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/blob"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/jobs"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/provider/sandbox"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/storetest"
)

// world is one run: the portal on a database of its own, the sandbox, the people,
// and what the simulator knows of them.
type world struct {
	t     testing.TB
	ctx   context.Context // of the step at hand; a cut ends it
	app   *app.App
	db    *store.DB
	clock *app.Clock
	bank  *sandbox.Server // the judge
	card  *sandbox.Adapter
	wire  *wire

	people    []*person
	staff     []account.Actor
	sent      []*transfer             // everything that ever came to our account
	paidOut   map[string]money.Amount // what staff sent from it, by payout
	opened    map[string]*page        // checkouts at the sandbox by their id
	order     []string                // ids of opened as they came
	charges   map[string]charge       // by idempotency key
	daily     map[string][]charge     // by payer and day
	halted    bool                    // charging is, as far as the steps before went
	wasHalted bool                    // once: then nothing ran out for a while
	keysHeard map[string]bool         // keys of charges that the sandbox may have heard
	noCard    map[string]bool         // subscriptions for which nobody agreed to have a card charged
	revoked   map[string]bool         // methods that were taken back
	turned    map[string]string       // tokens of cards that turned bad, or good again, with their payer
	facts     facts
	at        int // number of the step
	step      step
	may       permits
	armed     int64 // what sim_write was set to

	mu       sync.Mutex // of what goroutines of a race, and webhooks within use cases, write
	heard    []payment.RawWebhook
	losing   int // so many webhooks get lost
	breaches []breach
	tally    map[string]int
}

// breach is a broken invariant.
type breach struct {
	ID   string // of security.md, or a word for what the model alone can tell
	What string
	Step int
}

// String says what is broken.
func (b breach) String() string { return fmt.Sprintf("%s after step %d: %s", b.ID, b.Step, b.What) }

// broke notes a broken invariant.
func (w *world) broke(id, format string, args ...any) {
	w.breaches = append(w.breaches, breach{ID: id, What: fmt.Sprintf(format, args...), Step: w.at})
}

const (
	botToken  = "7000000001:AAFakeTokenForVectorsOnly_0123456789ab"
	portalURL = "https://portal.example"
	payURL    = "https://pay.example"
)

// begin is the Monday on which every run starts.
var begin = time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC)

// prepareSQL makes ids that come out the same in each run, and a statement that
// writes fail on demand: the one at which sim_write reaches zero.
const prepareSQL = `
CREATE SEQUENCE sim_id;
CREATE SEQUENCE sim_write MINVALUE -1000000;
CREATE FUNCTION sim_crash() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('public.sim_write') = 0 THEN RAISE EXCEPTION 'sim: crash'; END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION public.gen_random_uuid() RETURNS uuid LANGUAGE sql AS $$ SELECT md5('sim ' || nextval('public.sim_id'))::uuid $$;
DO $$
DECLARE r record;
BEGIN
    FOR r IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname !~ '^(river|goose)' LOOP
        EXECUTE format('CREATE TRIGGER sim_crash BEFORE INSERT OR UPDATE OR DELETE ON %I FOR EACH STATEMENT EXECUTE FUNCTION sim_crash()', r.relname);
    END LOOP;
    FOR r IN SELECT c.relname, a.attname FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.adnum
             WHERE c.relnamespace = 'public'::regnamespace AND pg_get_expr(d.adbin, d.adrelid) = 'gen_random_uuid()' LOOP
        EXECUTE format('ALTER TABLE %I ALTER COLUMN %I SET DEFAULT public.gen_random_uuid()', r.relname, r.attname);
    END LOOP;
    EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', current_database());
END $$;
`

// newWorld makes a run's world, with the bugs of a mutant; the zero one has none.
func newWorld(t testing.TB, seed uint64, m mutant) *world {
	t.Helper()
	w := &world{
		t: t, ctx: t.Context(), clock: app.NewClock(begin), wire: &wire{}, opened: map[string]*page{}, charges: map[string]charge{},
		tally: map[string]int{}, facts: facts{},
		daily: map[string][]charge{}, noCard: map[string]bool{}, keysHeard: map[string]bool{}, revoked: map[string]bool{}, turned: map[string]string{}, paidOut: map[string]money.Amount{},
	}
	dsn := storetest.Database(t)
	conn, err := pgx.Connect(w.ctx, dsn)
	w.must(err)
	_, err = conn.Exec(w.ctx, prepareSQL+m.sql)
	w.must(err)
	w.must(conn.Close(w.ctx))

	w.db, err = store.Open(w.ctx, dsn, w.clock.Now)
	w.must(err)
	t.Cleanup(w.db.Close)
	log := slog.New(slog.DiscardHandler)
	queue, err := jobs.NewQueue(w.db.Pool(), log)
	w.must(err)
	blobs, err := blob.Open(w.ctx, "mem://")
	w.must(err)
	t.Cleanup(func() { _ = blobs.Close() })
	w.bank, err = sandbox.NewServer(sandbox.Options{
		Key: sandbox.DemoKey, Secret: sandbox.DemoSecret, Account: sandbox.DemoAccount, WebhookURL: portalURL + "/webhooks/" + sandbox.Name,
		PublicURL: payURL, Client: &http.Client{Transport: back{w}}, Now: w.clock.Now, Log: log, Hold: 1, Slow: 1,
	})
	w.must(err)
	w.wire.far = w.bank
	w.card = sandbox.New(sandbox.Config{
		BaseURL: payURL, Account: sandbox.DemoAccount, Key: sandbox.DemoKey, WebhookSecret: sandbox.DemoSecret, Client: &http.Client{Transport: w.wire},
	})
	provider := app.PaymentProvider(counter{w.card, w})
	if m.hears != nil {
		provider = believer{counter{w.card, w}, m.hears}
	}
	w.app, err = app.New(w.ctx, app.Config{
		DB: w.db, Blobs: blobs, Queue: queue, Now: w.clock.Now, Seller: newSeller(t), BotToken: botToken, Demo: true, Log: log,
		Providers: []app.PaymentProvider{provider}, PublicURL: portalURL,
	})
	w.must(err)
	w.settle(seed)
	w.hire()
	w.must(w.look())
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// play does one step and looks at everything. It returns what happened, for the
// trace.
func (w *world) play(at int, s step) string {
	w.at, w.step, w.may = at, s, permits{}
	w.start()
	w.wire.cut, w.wire.cutHit = s.Cut, false
	w.arm(s.Crash)
	happened := actionOf(s.Do)(w, s)
	w.wire.kill()
	w.ctx = w.t.Context()
	if w.wire.cut = cutNever; w.wire.cutHit {
		w.fallSilent()
	}
	head, _, _ := strings.Cut(happened, ",")
	w.tally[s.Do+": "+head]++
	w.check()
	return happened
}

// fallSilent waits until the database has done what a killed process had sent it:
// a COMMIT on its way still counts, and belongs to the step that sent it.
func (w *world) fallSilent() {
	for range 500 {
		var busy int
		w.must(w.db.Pool().QueryRow(w.t.Context(), `
			SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND state <> 'idle'`).Scan(&busy))
		if busy == 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	w.t.Fatal("the database does not fall silent")
}

// start begins a process of the portal: the first one of a step, and the next
// one where it was killed.
func (w *world) start() {
	w.ctx, w.wire.kill = context.WithCancel(w.t.Context())
}

// arm has the n-th statement from now that writes fail; none for 0. The ids of
// each step are its own, whatever the one before used up.
func (w *world) arm(n int) {
	next := 1
	if n > 0 {
		next = -n
	}
	w.armed = int64(next)
	_, err := w.db.Pool().Exec(w.t.Context(), `SELECT setval('sim_write', $1), setval('sim_id', $2)`, next, (w.at+2)*100_000)
	w.must(err)
}

// crashed reports whether an error is one that the step itself made.
func (w *world) crashed(err error) bool {
	if err == nil {
		return false
	}
	text := err.Error()
	return strings.Contains(text, "sim: crash") || w.wire.cutHit && strings.Contains(text, context.Canceled.Error())
}

// answer is what a use case said, in a word. Whoever asks gets one that is meant
// for people; anything else is a bug.
func (w *world) answer(err error) string {
	switch {
	case err == nil:
		return "ok"
	case w.crashed(err):
		return "crashed"
	case fault.KindOf(err) == fault.Internal:
		w.unanswered(w.step.Do, err)
		return "internal"
	}
	e := asFault(err)
	out := e.Kind.String()
	if e.Key != "" {
		out += " " + e.Key
	}
	for _, f := range e.Fields {
		out += " " + f.Name
	}
	return out
}

// unanswered notes an error that nobody should get.
func (w *world) unanswered(what string, err error) {
	if err != nil && !w.crashed(err) && fault.KindOf(err) == fault.Internal {
		w.broke("answer", "%s: %v", what, err)
	}
}
