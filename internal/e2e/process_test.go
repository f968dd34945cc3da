package e2e

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/siptg/portal/internal/embeddedpg"
	"github.com/siptg/portal/internal/storetest"
)

const (
	// readyWithin is how long a start may take on a busy machine: a new cluster
	// and the demo's two years of history included.
	readyWithin = 90 * time.Second
	// stopsWithin is a little more than the program gives its running work.
	stopsWithin = 45 * time.Second
)

// root is the repository.
var root = func() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(filepath.Dir(file)))
}()

// binary is the program, built once for all tests of this run.
var binary string

func TestMain(m *testing.M) {
	if setting := os.Getenv(judgeVariable); setting != "" {
		if err := playJudge(setting); err != nil {
			fmt.Fprintln(os.Stderr, "e2e:", err)
			os.Exit(1)
		}
		return
	}
	if dir := os.Getenv(mailVariable); dir != "" {
		if err := playMailServer(dir); err != nil {
			fmt.Fprintln(os.Stderr, "e2e:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "portal-e2e-")
		if err != nil {
			fmt.Fprintln(os.Stderr, "e2e:", err)
			return 1
		}
		defer func() { _ = os.RemoveAll(dir) }()
		binary = filepath.Join(dir, "portal")
		build := exec.Command("go", "build", "-o", binary, "./cmd/portal")
		build.Dir = root
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "e2e: build the program: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// missing skips a test that needs a program which is not there, loudly; with
// PORTAL_TEST_REQUIRE=1, as in `make test`, it fails.
func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("PORTAL_TEST_REQUIRE") == "1" {
		t.Fatalf("%s is missing", what)
	}
	t.Skipf("SKIPPED, NOT TESTED: %s is missing (`make tools` installs it)", what)
}

// place is where a portal of its own lives: its data and its settings.
type place struct {
	t   testing.TB
	dir string
	env []string
}

// newPlace makes a data directory. settings are NAME=value; without a
// DATABASE_URL among them the program runs its own PostgreSQL there.
func newPlace(t testing.TB, settings ...string) *place {
	t.Helper()
	p := &place{t: t, dir: filepath.Join(t.TempDir(), "data")}
	p.env = []string{"PORTAL_DATA_DIR=" + p.dir, "PORTAL_ADDR=127.0.0.1:0"}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "LANG"} {
		p.env = append(p.env, name+"="+os.Getenv(name))
	}
	p.env = append(p.env, settings...)
	t.Cleanup(func() { // after the processes have ended, one that was killed may have left its server behind
		ctx, cancel := context.WithTimeout(context.Background(), stopsWithin)
		defer cancel()
		if err := embeddedpg.StopUnused(ctx, embeddedpg.Options{DataDir: p.dir}); err != nil {
			t.Errorf("stop PostgreSQL of %s: %v", p.dir, err)
		}
	})
	return p
}

// demoPlace is a place in demo mode with a database on the tests' server, which
// starts faster than a cluster of its own.
func demoPlace(t testing.TB) *place {
	t.Helper()
	return newPlace(t, "PORTAL_MODE=demo", "DATABASE_URL="+storetest.Database(t))
}

// result is how a command ended.
type result struct {
	code           int
	stdout, stderr string
}

// run carries out a command of the program to its end.
func (p *place) run(args ...string) result {
	p.t.Helper()
	return p.finish(p.begin(args...))
}

// begin starts a command.
func (p *place) begin(args ...string) *exec.Cmd {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), readyWithin)
	p.t.Cleanup(cancel)
	c := exec.CommandContext(ctx, binary, args...)
	c.Env, c.Dir = p.env, p.t.TempDir()
	c.Stdout, c.Stderr = &bytes.Buffer{}, &bytes.Buffer{}
	if err := c.Start(); err != nil {
		p.t.Fatal(err)
	}
	return c
}

func (p *place) finish(c *exec.Cmd) result {
	p.t.Helper()
	err := c.Wait()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		p.t.Fatal(err)
	}
	return result{c.ProcessState.ExitCode(), fmt.Sprint(c.Stdout), fmt.Sprint(c.Stderr)}
}

// audit fails the test unless every money invariant holds.
func (p *place) audit() {
	p.t.Helper()
	if r := p.run("audit"); r.code != 0 || strings.Count(r.stdout, "\n") < 10 {
		p.t.Errorf("audit ended with %d:\n%s%s", r.code, r.stdout, r.stderr)
	}
}

// process is a running `portal serve`.
type process struct {
	t     testing.TB
	cmd   *exec.Cmd
	url   string        // where it answers, without a slash at the end
	took  time.Duration // from its start until it was ready
	ended chan struct{} // closed when it has been waited for
	out   *output
}

// serve starts the server and returns when it says that it is ready. It is
// stopped when the test ends.
func (p *place) serve(args ...string) *process {
	p.t.Helper()
	s := &process{t: p.t, ended: make(chan struct{}), out: &output{}}
	s.cmd = exec.Command(binary, append([]string{"serve"}, args...)...)
	s.cmd.Env, s.cmd.Dir, s.cmd.Stderr = p.env, p.t.TempDir(), s.out
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	ready := make(chan string, 1)
	go func() {
		defer close(s.ended)
		lines := bufio.NewScanner(io.TeeReader(stdout, s.out))
		for lines.Scan() {
			if url, ok := strings.CutPrefix(lines.Text(), "portal: ready at "); ok {
				ready <- url
			}
		}
		_ = s.cmd.Wait() // how it ended is in ProcessState
	}()
	p.t.Cleanup(s.stop)
	select {
	case s.url = <-ready:
		s.took = time.Since(began)
	case <-s.ended:
		p.t.Fatalf("serve ended: %v\n%s", s.cmd.ProcessState, s.out)
	case <-time.After(readyWithin):
		s.kill()
		p.t.Fatalf("serve was not ready within %v\n%s", readyWithin, s.out)
	}
	return s
}

// stop asks the server to stop and waits until it has.
func (s *process) stop() {
	s.t.Helper()
	if s.over() {
		return
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Error(err)
	}
	select {
	case <-s.ended:
		if code := s.cmd.ProcessState.ExitCode(); code != 0 {
			s.t.Errorf("serve ended with %d\n%s", code, s.out)
		}
	case <-time.After(stopsWithin):
		s.t.Errorf("serve did not stop within %v\n%s", stopsWithin, s.out)
		s.kill()
	}
}

// kill ends the server as a power cut does: it gets no chance to tidy up.
func (s *process) kill() {
	s.t.Helper()
	if err := s.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Error(err)
	}
	<-s.ended
}

func (s *process) over() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// output keeps what a process prints.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}
