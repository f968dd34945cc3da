package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/siptg/portal/internal/provider/sandbox"
)

// judgeVariable is set where the test binary plays the payment provider: a
// process of its own with its own book on the disk, which no fault ends.
const judgeVariable = "PORTAL_E2E_JUDGE"

// judgeSetting is what the provider's process is told.
type judgeSetting struct{ Addr, WebhookURL, Book string }

// playJudge is that process. It ends when whoever started it does.
func playJudge(setting string) error {
	var s judgeSetting
	if err := json.Unmarshal([]byte(setting), &s); err != nil {
		return err
	}
	var ahead atomic.Int64 // nanoseconds: how far the demo's clock is ahead
	server, err := sandbox.NewServer(sandbox.Options{
		Key: sandbox.DemoKey, Secret: sandbox.DemoSecret, Account: sandbox.DemoAccount, WebhookURL: s.WebhookURL, PublicURL: "http://" + s.Addr,
		Book: s.Book, Client: &http.Client{Timeout: 5 * time.Second}, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }, CardMonths: 12 * 900, Hold: 2 * time.Second, Slow: time.Second,
	})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/", server)
	mux.HandleFunc("POST /clock", func(w http.ResponseWriter, r *http.Request) {
		var by int64
		if err := json.NewDecoder(r.Body).Decode(&by); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		ahead.Store(by)
	})
	listener, err := net.Listen("tcp", s.Addr)
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		end()
	}()
	go server.Run(ctx)
	go func() { _ = (&http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}).Serve(listener) }()
	fmt.Println("judge: ready")
	<-ctx.Done()
	return nil
}

// judge is the provider's process as the tests see it.
type judge struct {
	t    testing.TB
	base string
	http *http.Client
}

func newJudge(t testing.TB, s judgeSetting) *judge {
	t.Helper()
	setting, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), judgeVariable+"="+string(setting))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	log := &output{}
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the provider's process: %v\n%s", err, log)
		}
	})
	line := make([]byte, len("judge: ready\n"))
	if _, err := io.ReadFull(out, line); err != nil {
		t.Fatalf("the provider's process did not start: %v\n%s", err, log)
	}
	return &judge{t: t, base: "http://" + s.Addr, http: &http.Client{Timeout: 10 * time.Second}}
}

// tell calls the provider's control API.
func (j *judge) tell(method, path string, body, into any) {
	j.t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		j.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(context.Background(), method, j.base+path, bytes.NewReader(data))
	if err != nil {
		j.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+sandbox.DemoKey)
	response, err := j.http.Do(r)
	if err != nil {
		j.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		j.t.Fatalf("%s %s: %d %s %v", method, path, response.StatusCode, answer, err)
	}
	if into != nil {
		if err := json.Unmarshal(answer, into); err != nil {
			j.t.Fatal(err)
		}
	}
}

func (j *judge) inject(f sandbox.Fault) {
	j.t.Helper()
	j.tell(http.MethodPost, "/_ctl/faults", f, nil)
}

func (j *judge) heal() { j.t.Helper(); j.tell(http.MethodDelete, "/_ctl/faults", struct{}{}, nil) }

func (j *judge) clock(ahead time.Duration) {
	j.t.Helper()
	j.tell(http.MethodPost, "/clock", int64(ahead), nil)
}

// book is everything that the provider did.
func (j *judge) book() []sandbox.Entry {
	j.t.Helper()
	var b struct{ Entries []sandbox.Entry }
	j.tell(http.MethodGet, "/v1/book", struct{}{}, &b)
	return b.Entries
}

// pay is what a payer does on the provider's page.
func (j *judge) pay(address string) {
	j.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, address, strings.NewReader("action=pay&card=ok&keep=on"))
	if err != nil {
		j.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := j.http.Do(r)
	if err != nil {
		j.t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK { // after the redirect
		j.t.Fatalf("the provider's page: %d", response.StatusCode)
	}
}

// ourPayment is a payment as the portal's database has it.
type ourPayment struct {
	ID      string // that of the payment whose money it is: a child has its parent's
	Renewal string // "subscription period", or empty
	Entries int    // in the ledger
	Booked  int64  // at the provider, by them
}

// verdict is what the provider's book and the ledger say of each other.
type verdict struct{ lost, doubled []string }

// compare goes through both, both ways: each capture is in the ledger, once, and
// the ledger has no other; a renewal was captured once at most.
func compare(book []sandbox.Entry, ours []ourPayment) (v verdict) {
	captured, times := map[string]int64{}, map[string]int{}
	for _, e := range book {
		captured[e.Reference] += int64(e.Captured())
		times[e.Reference] += len(e.Captures)
	}
	booked, of, renewals := map[string]int64{}, map[string]string{}, map[string]int{}
	for _, p := range ours {
		booked[p.ID] += p.Booked
		if p.Entries > 1 {
			v.doubled = append(v.doubled, fmt.Sprintf("payment %s is booked %d times", p.ID, p.Entries))
		}
	}
	for _, p := range ours {
		if p.Renewal != "" {
			of[p.ID] = p.Renewal
		}
	}
	for id, renewal := range of {
		renewals[renewal] += times[id]
	}
	for id, amount := range captured {
		switch {
		case booked[id] < amount:
			v.lost = append(v.lost, fmt.Sprintf("payment %s: %d captured, %d booked", id, amount, booked[id]))
		case booked[id] > amount:
			v.doubled = append(v.doubled, fmt.Sprintf("payment %s: %d captured, %d booked", id, amount, booked[id]))
		}
	}
	for id, amount := range booked {
		if amount != 0 && captured[id] == 0 {
			v.doubled = append(v.doubled, fmt.Sprintf("payment %s: nothing captured, %d booked", id, amount))
		}
	}
	for renewal, n := range renewals {
		if n > 1 {
			v.doubled = append(v.doubled, fmt.Sprintf("renewal %s was captured %d times", renewal, n))
		}
	}
	slices.Sort(v.lost)
	slices.Sort(v.doubled)
	return v
}

// The judge sees each thing that can be wrong, and nothing where all is right.
func TestCompareBooks(t *testing.T) {
	t.Parallel()
	took := func(reference string, amounts ...int64) (out []sandbox.Entry) {
		for _, a := range amounts {
			var e sandbox.Entry
			if err := json.Unmarshal(fmt.Appendf(nil, `{"reference": %q, "captures": [{"amount_minor": %d}]}`, reference, a), &e); err != nil {
				t.Fatal(err)
			}
			out = append(out, e)
		}
		return out
	}
	for _, tt := range []struct {
		name          string
		book          []sandbox.Entry
		ours          []ourPayment
		lost, doubled int
	}{
		{"right", took("p", 100), []ourPayment{{"p", "s 2", 1, 100}, {"q", "s 2", 0, 0}}, 0, 0},
		{"lost", took("p", 100), []ourPayment{{"p", "s 2", 0, 0}}, 1, 0},
		{"of nobody", took("x", 100), nil, 1, 0},
		{"less", took("p", 100), []ourPayment{{"p", "s 2", 1, 99}}, 1, 0},
		{"applied twice", took("p", 100), []ourPayment{{"p", "s 2", 2, 200}}, 0, 2},
		{"captured twice, booked to a child", took("p", 100, 100), []ourPayment{{"p", "s 2", 1, 100}, {"p", "", 1, 100}}, 0, 1},
		{"two payments of one renewal", append(took("p", 100), took("q", 100)...), []ourPayment{{"p", "s 2", 1, 100}, {"q", "s 2", 1, 100}}, 0, 1},
		{"invented", nil, []ourPayment{{"p", "s 2", 1, 100}}, 0, 1},
	} {
		if v := compare(tt.book, tt.ours); len(v.lost) != tt.lost || len(v.doubled) != tt.doubled {
			t.Errorf("%s: %+v", tt.name, v)
		}
	}
}
