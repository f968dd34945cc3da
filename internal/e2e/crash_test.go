package e2e

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A crash is one of three: of the program, of both, of PostgreSQL.
type crash int

const (
	crashProgram crash = iota // PostgreSQL runs on and is adopted at the next start
	crashBoth
	crashPostgres // the program starts it again by itself
	crashes
)

func (c crash) String() string { return []string{"program", "program and PostgreSQL", "PostgreSQL"}[c] }

const (
	usualRounds = 6
	// backWithin is how long people wait after a crash on a busy machine.
	backWithin = 30 * time.Second
)

// What the portal has confirmed survives its sudden end at any moment: orders,
// payments, and nothing twice.
func TestKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		missing(t, "/proc, which tells whose PostgreSQL a process is")
	}
	rounds := runs(t, usualRounds)
	p := newPlace(t, "PORTAL_MODE=demo") // with PostgreSQL of its own, and all its durability
	w := &work{t: t, place: p, orders: map[string]*placed{}}
	s := p.serve()
	for person, calculator := range map[string]string{ // what each of them has already, so their orders renew it
		"ona": "/plans/softphone?accounts=2&recording=on&period=", "max": "/plans/gateway?lines=3&period=", "olena": "/plans/gateway?lines=1&period=",
	} {
		c := newClient(t, s.url)
		c.signIn(person)
		w.people = append(w.people, &worker{c, calculator})
	}
	for round := range rounds {
		s = w.round(s, crash(round)%crashes)
		if t.Failed() {
			t.Fatalf("in round %d\n%s", round, s.out)
		}
	}
	t.Logf("%d orders and %d payments in %d rounds", len(w.orders), w.paid, rounds)
	if len(w.orders) < rounds || w.paid < rounds/2 {
		t.Error("too little work was done to prove anything")
	}
	s.stop()
	p.audit()
}

// work is what people do while the portal dies.
type work struct {
	t      *testing.T
	place  *place
	people []*worker
	paid   int

	mu     sync.Mutex
	orders map[string]*placed // every order that was confirmed, by its path
}

type worker struct {
	*client
	calculator string // up to the period
}

// placed is what a person was told about an order.
type placed struct {
	order
	by    *worker
	state string // "" when a request about it got no answer
}

// round has people at work, lets the crash happen among them, and looks at what
// is left. It returns the server that runs afterwards.
func (w *work) round(s *process, kind crash) *process {
	w.t.Helper()
	// The orders that the last round left open are paid meanwhile.
	var pay []order
	for _, o := range w.orders {
		if o.state == "awaiting_payment" && o.number != "" {
			pay = append(pay, o.order)
			o.state = ""
		}
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	begun := make(chan struct{}, 1)
	var busy sync.WaitGroup
	for i := range w.people {
		busy.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				if err := w.buy(ctx, w.people[i], n == 0); err != nil {
					return // the end has come
				}
				select {
				case begun <- struct{}{}:
				default:
				}
			}
		})
	}
	file := ""
	if len(pay) > 0 {
		file = statement(w.t, "PAYER", pay...)
		command := w.place.begin("bank", "import", file)
		busy.Go(func() { _ = command.Wait() }) // it may fail: it is imported again below
		if kind == crashBoth {
			busy.Go(func() {
				<-time.After(moment())
				_ = command.Process.Kill()
			})
		}
	}
	select {
	case <-begun: // at least one order has been confirmed
	case <-time.After(backWithin):
		w.t.Errorf("no order within %v", backWithin)
	}
	<-time.After(moment())

	killed := 0
	if kind != crashProgram {
		killed = killPostgres(w.t, w.place.dir)
	}
	if kind != crashPostgres {
		s.kill()
	}
	if kind == crashPostgres {
		w.awaitAnother(killed)
		w.awaitReady(s)
	}
	cancel()
	busy.Wait()
	if kind != crashPostgres {
		s = w.place.serve()
		if s.took > backWithin {
			w.t.Errorf("the portal was back after %v", s.took)
		}
	}
	for _, person := range w.people {
		person.base, person.origin = s.url, s.url // a start takes any free port; cookies are the host's
	}
	if file != "" {
		r := w.place.run("bank", "import", file)
		for _, o := range pay {
			if !strings.Contains(r.stdout, "matched order "+o.number) {
				w.t.Errorf("the payment of %s: bank import ended with %d:\n%s%s", o.number, r.code, r.stdout, r.stderr)
			}
			w.orders["/orders/"+o.number].state = "paid"
			w.paid++
		}
	}
	w.verify()
	w.t.Logf("crash of %v: back after %v, %d orders so far", kind, s.took.Round(time.Millisecond), len(w.orders))
	return s
}

// moment is when a process is killed.
func moment() time.Duration { return time.Duration(rand.IntN(300)) * time.Millisecond }

// buy places an order and notes what the portal confirms. One that is not kept
// is canceled, for only so many may wait for money.
func (w *work) buy(ctx context.Context, person *worker, keep bool) error {
	period := []string{"6", "12", "36"}[rand.IntN(3)]
	page, err := person.expect(ctx, http.StatusOK, person.calculator+period, nil)
	if err != nil {
		return err
	}
	done, err := person.expect(ctx, http.StatusSeeOther, "/orders", page.form("/orders"))
	if err != nil {
		return err
	}
	path := done.header.Get("Location")
	o := &placed{by: person, state: "awaiting_payment"}
	w.mu.Lock()
	w.orders[path] = o
	w.mu.Unlock()
	shown, err := person.expect(ctx, http.StatusOK, path, nil)
	if err != nil {
		return err
	}
	o.order = readOrder(shown)
	if keep {
		return nil
	}
	o.state = ""
	if _, err = person.expect(ctx, http.StatusSeeOther, path+"/cancel", url.Values{}); err == nil {
		o.state = "canceled"
	}
	return err
}

func (c *client) expect(ctx context.Context, status int, path string, form url.Values) (*answer, error) {
	a, err := c.try(ctx, path, form)
	if err == nil && a.status != status {
		err = fmt.Errorf("%s: %d", path, a.status)
	}
	return a, err
}

// verify fails the test unless everything that was confirmed is there, and the
// books are right. It clears away what nobody was told about.
func (w *work) verify() {
	w.t.Helper()
	for path, o := range w.orders {
		state := o.by.get(path).attr("status", "data-state")
		if o.state != "" && o.state != state {
			w.t.Errorf("%s was %s and is %s", path, o.state, state)
		}
		if o.number == "" && state == "awaiting_payment" {
			o.state = "canceled" // below
		}
	}
	for _, person := range w.people {
		open := person.get("/subscriptions").doc().Find(mark("open-order"))
		for i := range open.Length() {
			path := "/orders/" + open.Eq(i).AttrOr("data-number", "")
			o := w.orders[path]
			if o != nil && o.number != "" && o.state == "awaiting_payment" {
				continue // the next round pays it
			}
			person.post(path+"/cancel", url.Values{})
			if o != nil {
				o.state = "canceled"
			}
		}
	}
	w.place.audit()
}

// awaitAnother returns when another server has taken the place of one that was
// killed: until then its connections may live on for a moment, and answer.
func (w *work) awaitAnother(pid int) {
	w.t.Helper()
	for began := time.Now(); time.Since(began) < backWithin; <-time.After(20 * time.Millisecond) {
		content, err := os.ReadFile(filepath.Join(w.place.dir, "postgres", "data", "postmaster.pid"))
		first, _, whole := strings.Cut(string(content), "\n")
		if err == nil && whole && first != strconv.Itoa(pid) {
			return
		}
	}
	w.t.Errorf("no other server %v after PostgreSQL was killed", backWithin)
}

// awaitReady returns when the server has its database back.
func (w *work) awaitReady(s *process) {
	w.t.Helper()
	c := newClient(w.t, s.url)
	for began := time.Now(); time.Since(began) < backWithin; <-time.After(100 * time.Millisecond) {
		if a, err := c.try(w.t.Context(), "/readyz", url.Values(nil)); err == nil && a.status == http.StatusOK {
			return
		}
	}
	w.t.Errorf("not ready %v after PostgreSQL was killed\n%s", backWithin, s.out)
}

// killPostgres ends the server of a data directory, and of no other, without a
// chance to tidy up, and returns its number.
func killPostgres(t testing.TB, dir string) (pid int) {
	t.Helper()
	data := filepath.Join(dir, "postgres", "data")
	content, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(content), "\n")
	pid, err = strconv.Atoi(first)
	if err != nil || pid < 2 {
		t.Fatalf("postmaster.pid begins with %q", first)
	}
	works, err := os.Stat(fmt.Sprintf("/proc/%d/cwd", pid))
	if errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("process %d of postmaster.pid does not run", pid)
	}
	ours, err2 := os.Stat(data)
	if err := errors.Join(err, err2); err != nil || !os.SameFile(works, ours) {
		t.Fatalf("process %d does not work in %s (%v)", pid, data, err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	return pid
}
