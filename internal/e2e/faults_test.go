package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/riverqueue/river"

	"github.com/siptg/portal/docs"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/provider/sandbox"
)

func civilToday(t time.Time, zone *time.Location) civil.Date { return civil.DateOf(t, zone) }

// failpoints are the names in the sources.
func failpoints(t testing.TB) (names []string) {
	t.Helper()
	here := regexp.MustCompile(`failpoint\.Here\("([a-z.]+)"\)`)
	files, err := filepath.Glob(filepath.Join(root, "internal", "app", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range here.FindAllSubmatch(content, -1) {
			names = append(names, string(m[1]))
		}
	}
	slices.Sort(names)
	if doubles := len(names) - len(slices.Compact(slices.Clone(names))); doubles > 0 || len(names) < 20 {
		t.Fatalf("%d points, %d names are used twice", len(names), doubles)
	}
	return names
}

// needsFault are points that are passed only after something else went wrong.
var needsFault = map[string]sandbox.Fault{
	"look.answered": {Kind: sandbox.ErrorAfter, On: "charge", Times: 2},
	"check.planned": {Kind: sandbox.TimeoutAfter, On: "charge", Times: 2},
}

// fault is one way in which a cycle goes wrong. It returns what it did.
type fault struct {
	name   string
	do     func(w *faultRun) string
	points bool // do is atPoints
}

// faults in the order of their turns: named points take half of them.
var faults = []fault{
	{"F2 killed at a point", (*faultRun).atPoints, true},
	{"F12 provider", (*faultRun).provider, false},
	{"F2 killed at a point", (*faultRun).atPoints, true},
	{"F5 PostgreSQL killed", (*faultRun).postgres, false},
	{"F2 killed at a point", (*faultRun).atPoints, true},
	{"F4 frozen", (*faultRun).frozen, false},
	{"F2 killed at a point", (*faultRun).atPoints, true},
	{"F11 database cut", (*faultRun).cut, false},
	{"F2 killed at a point", (*faultRun).atPoints, true},
	{"F6 backends ended", (*faultRun).backends, false},
	{"F2 killed at a point", (*faultRun).atPoints, true},
	{"F1 killed at a moment", (*faultRun).killed, false},
	{"F2 killed at a point", (*faultRun).atPoints, true},
	{"F3 killed in turn", (*faultRun).killedInTurn, false},
	{"F2 killed at a point", (*faultRun).atPoints, true},
	{"F11 slow database", (*faultRun).slow, false},
}

// faultRun is a run of cycles.
type faultRun struct {
	*world
	points []string       // whose turn has not come for longest, first
	armed  []string       // those of the cycle, in order
	fired  map[string]int // kills and stops at a point
	missed int            // points that were armed and not passed
	did    map[string]int // cycles by fault
}

// Charging bears every fault that we can make: killed programs, a frozen worker, a
// killed or slow or cut database, a provider that does not answer. The provider's
// book is the judge: nothing lost, nothing twice, nothing stuck.
func TestChargesUnderFaults(t *testing.T) {
	if runtime.GOOS != "linux" {
		missing(t, "/proc, which tells whose child a process is")
	}
	cycles := runs(t, 4)
	w := &faultRun{world: newWorld(t, 18, 2, nil), points: failpoints(t), fired: map[string]int{}, did: map[string]int{}}
	w.rnd.Shuffle(len(w.points), func(i, j int) { w.points[i], w.points[j] = w.points[j], w.points[i] })
	t.Logf("seed %d, %d points, %d subscriptions", w.seed, len(w.points), len(w.subs))
	began := time.Now()
	var recoveries []time.Duration
	done := 0
	for cycle := range cycles {
		recoveries = append(recoveries, w.cycle(cycle, faults[cycle%len(faults)]))
		done++
		if len(w.stuck) > 0 {
			break // what is stuck would be counted again in each cycle
		}
	}
	w.report(done, time.Since(began), recoveries)
	w.stop()
	if broken := w.audit(); len(broken) > 0 {
		t.Errorf("the audit: %s", strings.Join(broken, "\n"))
	}
}

// cycle has everything come due, things go wrong, and judges what is left.
func (w *faultRun) cycle(number int, f fault) time.Duration {
	w.t.Helper()
	w.startAll()
	w.periods++
	if f.points {
		w.armed = slices.Clone(w.points[:3])
		w.armNext()
	}
	w.duePeriod(-3)
	what := f.do(w)
	also := ""
	if w.rnd.IntN(3) == 0 {
		also = ", and " + w.provider()
	}
	w.did[f.name]++

	// All is well again, and what died is started.
	_ = os.Remove(w.failAt)
	w.proxy.heal()
	for _, c := range w.children {
		if c.frozen {
			c.signal(syscall.SIGCONT)
		}
	}
	healed := time.Now()
	w.startAll()
	left, _ := w.settle()
	took := time.Since(healed)
	w.judge.heal()
	w.slowest = max(w.slowest, took)
	v := w.judgement()
	broken := w.audit()
	w.t.Logf("cycle %d: %s: %s%s: settled after %v", number, f.name, what, also, took.Round(10*time.Millisecond))
	w.lost, w.doubled, w.stuck = append(w.lost, v.lost...), append(w.doubled, v.doubled...), append(w.stuck, left...)
	if bad := slices.Concat(v.lost, v.doubled, left, broken); len(bad) > 0 {
		w.t.Errorf("cycle %d, seed %d, %s: %s%s: lost %d, doubled %d, stuck %d; logs in %s\n%s", number, w.seed, f.name, what, also, len(v.lost),
			len(v.doubled), len(left), w.keepLogs(number), strings.Join(bad, "\n"))
	}
	return took
}

// arm has the next process that passes a point for the n-th time do something.
func (w *faultRun) arm(point string, n int, action string) {
	w.t.Helper()
	w.must(os.WriteFile(w.failAt+".new", fmt.Appendf(nil, "%s:%d:%s", point, n, action), 0o600))
	w.must(os.Rename(w.failAt+".new", w.failAt))
}

// awaitPoint lets the program work until an armed point was passed.
func (w *faultRun) awaitPoint(limit time.Duration) bool {
	for began := time.Now(); time.Since(began) < limit; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(w.failAt); err != nil {
			return true
		}
		if time.Since(began)%(200*time.Millisecond) < 25*time.Millisecond {
			_ = w.look()
		}
	}
	return os.Remove(w.failAt) != nil
}

// armNext arms the next point of the cycle.
func (w *faultRun) armNext() {
	w.t.Helper()
	if f, ok := needsFault[w.armed[0]]; ok {
		w.judge.inject(f)
	}
	w.arm(w.armed[0], 1+w.rnd.IntN(2), "kill")
}

// atPoints (F2) kills a process at each of the cycle's points, one after the
// other: the next one is armed while the dead one still lies.
func (w *faultRun) atPoints() string {
	var did []string
	for len(w.armed) > 0 {
		point := w.armed[0]
		w.armed = w.armed[1:]
		passed := w.awaitPoint(3 * time.Second)
		if len(w.armed) > 0 {
			w.armNext()
		}
		if !passed { // it is the first to come in the next cycle
			did = append(did, point+" not passed")
			w.missed++
			continue
		}
		w.fired[point]++
		did = append(did, point)
		i := slices.Index(w.points, point)
		w.points = append(slices.Delete(w.points, i, i+1), point)
		w.startAll()
	}
	return strings.Join(did, ", ")
}

// killed (F1) kills one of the programs at a random moment.
func (w *faultRun) killed() string {
	w.during(w.moment(1500 * time.Millisecond))
	c := pick(w.world, w.children)
	c.kill()
	return c.name
}

// killedInTurn (F3) kills one, then the other, then both.
func (w *faultRun) killedInTurn() string {
	pairs := [][2]*child{{w.children[0], w.children[1]}, {w.children[2], w.children[3]}, {w.children[1], w.children[2]}}
	pair := pick(w.world, pairs)
	w.during(w.moment(800 * time.Millisecond))
	pair[0].kill()
	w.during(w.moment(800 * time.Millisecond))
	pair[1].kill()
	pair[0].start()
	w.during(w.moment(800 * time.Millisecond))
	pair[0].kill()
	return pair[0].name + ", " + pair[1].name + ", both"
}

// frozen (F4) stops a worker at a point, has its jobs given to another, and lets
// it go on after that.
func (w *faultRun) frozen() string {
	point := pick(w.world, []string{"intent.checked", "intent.inserted", "send.checked", "send.committed", "send.answered", "answer.commit", "renew.commit", "settle.order"})
	w.arm(point, 1+w.rnd.IntN(3), "freeze")
	if !w.awaitPoint(3 * time.Second) {
		w.missed++
		return point + " not passed"
	}
	w.fired[point]++
	var who *child
	for began := time.Now(); who == nil && time.Since(began) < 2*time.Second; time.Sleep(10 * time.Millisecond) {
		for _, c := range w.children {
			if c.running() {
				if _, state := c.process(); state == "T" {
					who = c
				}
			}
		}
	}
	if who == nil {
		w.t.Error("no process is frozen")
		return point
	}
	who.frozen = true
	time.Sleep(500 * time.Millisecond)
	w.rescue(0)
	d := 2*time.Second + w.moment(2*time.Second)
	if w.rnd.IntN(3) == 0 {
		d = 11 * time.Second // PostgreSQL gives up a transaction that idles for ten
	}
	w.during(d)
	who.signal(syscall.SIGCONT)
	return fmt.Sprintf("%s at %s for %v", who.name, point, d.Round(time.Millisecond))
}

// postgres (F5) kills the server, of this cluster and no other.
func (w *faultRun) postgres() string {
	w.during(w.moment(1500 * time.Millisecond))
	killPostgres(w.t, w.dir)
	w.kills["postgres"]++
	return "the server"
}

// backends (F6) ends connections of the program in the middle of what they do.
func (w *faultRun) backends() string {
	ended := 0
	for began := time.Now(); time.Since(began) < 2*time.Second; time.Sleep(w.moment(60 * time.Millisecond)) {
		_ = w.look()
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		var n int
		err := w.pool.QueryRow(ctx, `
			SELECT count(pg_terminate_backend(pid)) FROM (
			    SELECT pid FROM pg_stat_activity
			    WHERE application_name = 'portal' AND datname = current_database() AND state IN ('active', 'idle in transaction')
			    ORDER BY random() LIMIT 1) busy`).Scan(&n)
		cancel()
		if err == nil {
			ended += n
		}
	}
	w.kills["backends"] += ended
	return fmt.Sprintf("%d of them", ended)
}

// cut (F11) breaks the way to the database, some of it just after COMMIT was sent.
func (w *faultRun) cut() string {
	after, before := int64(3+w.rnd.IntN(10)), int64(w.rnd.IntN(4))
	w.proxy.afterSent.Store(after)
	w.proxy.before.Store(before)
	w.during(1500 * time.Millisecond)
	after, before = after-w.proxy.afterSent.Load(), before-w.proxy.before.Load()
	w.proxy.refuse.Store(true)
	w.proxy.cut()
	w.during(w.moment(1500 * time.Millisecond))
	w.kills["answers to COMMIT"] += int(after)
	return fmt.Sprintf("%d after COMMIT was sent, %d before, then all", after, before)
}

// slow (F11) makes each way to the database long.
func (w *faultRun) slow() string {
	d := pick(w.world, []time.Duration{25 * time.Millisecond, 50 * time.Millisecond, 500 * time.Millisecond, 5 * time.Second})
	w.proxy.latency.Store(int64(d))
	w.during(3 * time.Second)
	if w.rnd.IntN(2) == 0 {
		c := pick(w.world, w.children)
		c.kill()
		return fmt.Sprintf("%v each way, and %s killed", d, c.name)
	}
	return fmt.Sprintf("%v each way", d)
}

// provider (F12) has the provider answer wrongly, late or not at all, and its
// webhooks come twice, in the wrong order, forged or never.
func (w *faultRun) provider() string {
	ofRequests, ofWebhooks := sandbox.FaultKinds()
	var did []string
	for range 1 + w.rnd.IntN(4) {
		f := sandbox.Fault{Kind: pick(w.world, ofRequests), On: pick(w.world, []string{"charge", "charge", "lookup"}), Times: 1 + w.rnd.IntN(3)}
		w.judge.inject(f)
		did = append(did, fmt.Sprintf("%d %s of %s", f.Times, f.Kind, f.On))
	}
	for range 1 + w.rnd.IntN(3) {
		f := sandbox.Fault{Kind: pick(w.world, ofWebhooks), Times: 1 + w.rnd.IntN(3)}
		w.judge.inject(f)
		did = append(did, fmt.Sprintf("%d %s", f.Times, f.Kind))
	}
	w.during(time.Second + w.moment(time.Second))
	return strings.Join(did, ", ")
}

// report prints the figures.
func (w *faultRun) report(cycles int, took time.Duration, recoveries []time.Duration) {
	w.t.Helper()
	slices.Sort(recoveries)
	hits := w.hits()
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: %d cycles in %v, %d renewals due; lost %d, doubled %d, stuck %d; recovery: median %v, slowest %v\n", w.seed, cycles,
		took.Round(time.Second), cycles*len(w.subs), len(w.lost), len(w.doubled), len(w.stuck), recoveries[len(recoveries)/2].Round(10*time.Millisecond),
		w.slowest.Round(10*time.Millisecond))
	for _, name := range sortedKeys(w.did) {
		fmt.Fprintf(&b, "%4d cycles of %s\n", w.did[name], name)
	}
	for _, name := range sortedKeys(w.kills) {
		fmt.Fprintf(&b, "%4d times ended: %s\n", w.kills[name], name)
	}
	slices.Sort(w.points)
	total, least := 0, -1
	for _, point := range w.points {
		fmt.Fprintf(&b, "%4d kills and stops at %-20s passed %d times\n", w.fired[point], point, hits[point])
		total += w.fired[point]
		if least < 0 || w.fired[point] < least {
			least = w.fired[point]
		}
		if cycles >= 2*len(w.points) && w.fired[point] == 0 {
			w.t.Errorf("nothing was killed at %s", point)
		}
	}
	fmt.Fprintf(&b, "%4d kills and stops at points, %d at least at each; %d times one was armed and not passed", total, least, w.missed)
	w.t.Log(b.String())
}

type anotherRenewal struct {
	SubscriptionID string `json:"subscription_id"`
}

func (anotherRenewal) Kind() string { return "renew" }

func (anotherRenewal) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: "payments", MaxAttempts: 1}
}

// walls are what keeps a renewal from being charged twice where two workers meet
// between the check and the insert. One renew job for a subscription is one more,
// and where the row of the next period, its order or the notice of the day are new,
// renewal_once, orders_quote_once and notice_once.
var walls = map[string]func(*world){
	"row locks": func(w *world) { w.proxy.noLocks = true },
	"payment_one_live": func(w *world) {
		_, err := w.pool.Exec(w.t.Context(), `DROP INDEX payment_one_live`)
		w.must(err)
	},
	"charge_once_a_day": func(w *world) {
		_, err := w.pool.Exec(w.t.Context(), `DROP INDEX charge_once_a_day`)
		w.must(err)
	},
}

// withoutWalls is a world in which two workers meet without any wall but one; ""
// for none.
func withoutWalls(t testing.TB, but string) *faultRun {
	t.Helper()
	return &faultRun{world: newWorld(t, 5, 0, func(w *world) {
		for name, remove := range walls {
			if name != but {
				remove(w)
			}
		}
		// No word on the day of the charge: it is told once, and who tells it first has
		// the other wait.
		file := filepath.Join(w.dir, "seller.toml")
		terms := regexp.MustCompile(`(?m)^notice_days .*$`).ReplaceAllString(docs.SellerExample, "notice_days = [14, 10]")
		w.must(os.WriteFile(file, []byte(terms), 0o600))
		w.extra = []string{"PORTAL_SELLER_FILE=" + file}
		w.must(os.WriteFile(w.failAt, []byte("intent.checked:0:sleep=2500ms,send.checked:0:sleep=2s"), 0o600))
	})}
}

// provoke has two jobs renew each subscription at once, in so many cycles at most,
// and returns what was charged twice.
func (w *faultRun) provoke(cycles int) []string {
	w.t.Helper()
	for cycle := range cycles {
		w.duePeriod(-10) // the jobs look ahead: each has its row of the next period
		w.await("rows of the next period", `SELECT count(*) FROM renewal WHERE state = 'open'`, len(w.subs))
		w.prepareOrders()
		w.duePeriod(-3)
		time.Sleep(1500 * time.Millisecond) // the programs read the clock each second
		var both []river.InsertManyParams
		for range 2 {
			for _, id := range w.subs {
				both = append(both, river.InsertManyParams{Args: anotherRenewal{SubscriptionID: id}})
			}
		}
		_, err := w.river.InsertMany(w.t.Context(), both)
		w.must(err)
		w.await("charges", `SELECT count(*) FROM payment WHERE initiator = 'merchant' AND state = 'succeeded'`, (cycle+1)*len(w.subs))
		w.during(2 * time.Second)
		if v := w.judgement(); len(v.doubled) > 0 {
			w.t.Logf("cycle %d: %s", cycle, strings.Join(v.doubled, "\n"))
			return v.doubled
		}
	}
	return nil
}

// The harness sees what it is for: without the walls of I6 a renewal is charged
// twice, and it says so.
func TestFaultRunsSeeDoubledCharges(t *testing.T) {
	if runtime.GOOS != "linux" {
		missing(t, "/proc, which tells whose child a process is")
	}
	onlyCrash(t)
	const most = 100
	if len(withoutWalls(t, "").provoke(most)) == 0 {
		t.Errorf("no doubled charge in %d cycles without the walls", most)
	}
}

// onlyCrash skips what takes minutes.
func onlyCrash(t testing.TB) {
	t.Helper()
	if os.Getenv("PORTAL_CRASH_RUNS") == "" {
		t.Skip("part of make crash")
	}
}

// Each wall of I6 holds by itself.
func TestOneWallIsEnough(t *testing.T) {
	onlyCrash(t)
	for name := range walls {
		t.Run(name, func(t *testing.T) {
			if doubled := withoutWalls(t, name).provoke(2); len(doubled) > 0 {
				t.Errorf("%s alone: %s", name, strings.Join(doubled, "\n"))
			}
		})
	}
}

// await lets the program work until a statement counts so many, or some seconds.
func (w *world) await(what, sql string, want int) {
	w.t.Helper()
	for began := time.Now(); ; w.during(lookEvery) {
		var n int
		w.must(w.pool.QueryRow(w.t.Context(), sql).Scan(&n))
		if n >= want {
			return
		}
		if time.Since(began) > 15*time.Second {
			w.t.Logf("%d %s, not %d", n, what, want)
			return
		}
	}
}

// prepareOrders places the orders of the next period, so that two workers find the
// same one.
func (w *world) prepareOrders() {
	w.t.Helper()
	for _, id := range w.subs {
		actor, err := w.ownerOf(id)
		w.must(err)
		if _, err = w.app.RenewEarly(w.t.Context(), actor, id, 6); err != nil {
			w.t.Log(err)
		}
	}
}
