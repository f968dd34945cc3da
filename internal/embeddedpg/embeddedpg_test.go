package embeddedpg

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// helperDir is set when the test binary plays a program that uses a server and
// does not stop it by itself.
const helperDir = "EMBEDDEDPG_TEST_HELPER_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(helperDir); dir != "" {
		helper(dir)
		return
	}
	os.Exit(m.Run())
}

// helper starts a server, says so, and stops when its input ends.
func helper(dir string) {
	s, err := Start(context.Background(), Options{DataDir: dir})
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Println("ready")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		continue
	}
	if err := s.Stop(context.Background()); err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

func TestFirstStartStopAndStartAgain(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	s := start(t, dir)
	remember(t, s, 1)
	if tcp := setting(t, s, "listen_addresses"); tcp != "" {
		t.Errorf("listens on %q, want no TCP at all", tcp)
	}
	for _, name := range []string{"fsync", "synchronous_commit", "full_page_writes", "data_checksums"} {
		if got := setting(t, s, name); got != "on" {
			t.Errorf("%s = %s, want on", name, got)
		}
	}
	info, err := os.Stat(s.layout.sock)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("socket directory has mode %v (%v), want 0700", info.Mode().Perm(), err)
	}
	pid := serverPID(t, s)
	stop(t, s)
	if alive(pid) {
		t.Errorf("server process %d is alive after Stop", pid)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Errorf("second Stop: %v", err)
	}

	s = start(t, dir)
	wantRows(t, s, 1)
	stop(t, s)
}

func TestSuperuserIsNotWhatTheProgramGets(t *testing.T) {
	t.Parallel()
	s := start(t, dataDir(t))
	defer stop(t, s)
	conn := connect(t, s)
	var super, createDB bool
	err := conn.QueryRow(t.Context(), `SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user`).Scan(&super, &createDB)
	if err != nil || super || !createDB {
		t.Errorf("superuser %v, may create databases %v (%v); want false, true", super, createDB, err)
	}
}

// The server is killed while nobody watches it (its program ended with it).
func TestKilledServerRecovers(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	program := startHelper(t, dir)
	s := start(t, dir)
	remember(t, s, 1)
	pid := serverPID(t, s)
	s.end() // this program watches no more
	s.watchers.Wait()
	program.kill(t)
	mustServeHere(t, s, pid)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.users.Close()

	again := start(t, dir)
	defer stop(t, again)
	if serverPID(t, again) == pid {
		t.Error("the killed server still runs")
	}
	wantRows(t, again, 1)
}

func TestKilledServerIsStartedAgain(t *testing.T) {
	t.Parallel()
	s := start(t, dataDir(t))
	defer stop(t, s)
	remember(t, s, 1)
	for round := range 3 { // the server that was started again is watched too
		pid := serverPID(t, s)
		mustServeHere(t, s, pid)
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, fmt.Sprintf("round %d: a new server answers", round), func(ctx context.Context) error {
			return newServerAnswers(ctx, s, pid)
		})
		wantRows(t, s, 1)
	}
}

func TestKilledProgramLeavesAServerThatTheNextOneAdopts(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	program := startHelper(t, dir)
	program.kill(t)

	s := start(t, dir)
	pid := serverPID(t, s)
	remember(t, s, 1)
	if s.child != nil {
		t.Fatal("a second server was started beside the orphan")
	}
	stop(t, s)
	if pidNow := s.layout.readPIDFile().pid; pidNow != 0 {
		t.Fatalf("the adopted server %d runs after the last program stopped (postmaster.pid names %d)", pid, pidNow)
	}
	s = start(t, dir)
	wantRows(t, s, 1)
	stop(t, s)
}

func TestAdoptedServerIsWatchedToo(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	startHelper(t, dir).kill(t)
	s := start(t, dir)
	defer stop(t, s)
	remember(t, s, 1)
	pid := serverPID(t, s)
	mustServeHere(t, s, pid)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a new server answers", func(ctx context.Context) error { return newServerAnswers(ctx, s, pid) })
	wantRows(t, s, 1)
}

func TestServerShutDownByAnOperatorStaysDown(t *testing.T) {
	t.Parallel()
	s := start(t, dataDir(t))
	c := s.child
	if err := c.process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	<-c.done
	s.watchers.Wait() // its watcher has decided
	if p := s.layout.readPIDFile(); p.pid != 0 {
		t.Errorf("server %d runs", p.pid)
	}
	stop(t, s)
}

func TestTheLastOfTwoProgramsStopsTheServer(t *testing.T) {
	t.Parallel()
	for name, starterFirst := range map[string]bool{"the starter leaves first": true, "the starter leaves last": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := dataDir(t)
			program := startHelper(t, dir)
			s := start(t, dir)
			pid := serverPID(t, s)
			remember(t, s, 1)
			if starterFirst {
				program.finish(t)
				wantRows(t, s, 1)
				stop(t, s)
			} else {
				stop(t, s)
				if p := s.layout.readPIDFile(); p.pid != pid {
					t.Fatalf("the server went although its starter uses it")
				}
				program.finish(t)
			}
			if p := s.layout.readPIDFile(); p.pid != 0 {
				t.Errorf("server %d runs after both programs ended", p.pid)
			}
		})
	}
}

func TestProgramsThatStartAtOnceShareOneServer(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	type result struct {
		s   *Server
		err error
	}
	results := make(chan result)
	const programs = 4
	for range programs {
		go func() {
			s, err := Start(context.Background(), Options{DataDir: dir})
			results <- result{s, err}
		}()
	}
	children, pids := 0, map[int]bool{}
	var servers []*Server
	for range programs {
		r := <-results
		if r.err != nil {
			t.Error(r.err)
			continue
		}
		servers = append(servers, r.s)
		if r.s.child != nil {
			children++
		}
		pids[serverPID(t, r.s)] = true
	}
	if children != 1 || len(pids) != 1 {
		t.Errorf("%d server processes started, %d seen; want one", children, len(pids))
	}
	for _, s := range servers {
		stop(t, s)
	}
}

func TestLongAndPrivatePaths(t *testing.T) {
	t.Parallel()
	// Deeper than a socket address is long, below a directory that only its
	// owner may enter.
	private := filepath.Join(dataDir(t), "private")
	if err := os.Mkdir(private, 0o700); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(private, strings.Repeat("long/", 30), "data with a space, a comma & more")
	s := start(t, dir)
	defer stop(t, s)
	remember(t, s, 1)
	wantRows(t, s, 1)
	if os.Geteuid() == 0 && s.layout.reachable(s.who) {
		t.Error("the test did not reach the case of a private parent")
	}
	if s.host == s.layout.sock {
		t.Error("the test did not reach the case of a long path")
	}
	t.Cleanup(func() {
		if err := os.Remove(s.host); err != nil {
			t.Error(err)
		}
	})
}

func TestStopUnused(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	if err := StopUnused(t.Context(), Options{DataDir: dir}); err != nil {
		t.Errorf("where there is no cluster: %v", err)
	}
	program := startHelper(t, dir)
	l, err := newLayout(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := StopUnused(t.Context(), Options{DataDir: dir}); err != nil || l.readPIDFile().pid == 0 {
		t.Errorf("a server in use: stopped, or %v", err)
	}
	program.kill(t)
	if err := StopUnused(t.Context(), Options{DataDir: dir}); err != nil || l.readPIDFile().pid != 0 {
		t.Errorf("an unused server: runs, or %v", err)
	}
}

func TestFailedStartShowsTheServersLog(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	_, err := Start(t.Context(), Options{DataDir: dir, Settings: map[string]string{"shared_buffers": "much"}})
	if err == nil || !strings.Contains(err.Error(), "shared_buffers") {
		t.Errorf("error %v, want the server's own words about shared_buffers", err)
	}
}

// A postmaster.pid left by a power cut may name a process of today.
func TestStaleProcessFileOfALiveStranger(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	s := start(t, dir)
	remember(t, s, 1)
	stop(t, s)
	stranger := exec.CommandContext(t.Context(), "sleep", "60")
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stranger.Process.Kill(); err != nil {
			t.Errorf("the stranger was hurt: %v", err)
		}
		_ = stranger.Wait()
	}()
	text := fmt.Sprintf("%d\n%s\n1700000000\n5432\n../sock\n", stranger.Process.Pid, s.layout.data)
	file := filepath.Join(s.layout.data, "postmaster.pid")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if s.who.drop {
		if err := os.Lchown(file, s.who.uid, s.who.gid); err != nil {
			t.Fatal(err)
		}
	}
	if err := StopUnused(t.Context(), Options{DataDir: dir}); err != nil {
		t.Errorf("StopUnused: %v", err)
	}
	if !s.who.drop {
		return // the stranger runs as the server's user: PostgreSQL rightly refuses
	}
	s = start(t, dir)
	wantRows(t, s, 1)
	stop(t, s)
}

func TestForeignDirectoryIsRefused(t *testing.T) {
	t.Parallel()
	requirePostgreSQL(t)
	dir := dataDir(t)
	data := filepath.Join(dir, "postgres", "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	precious := filepath.Join(data, "precious")
	if err := os.WriteFile(precious, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := Start(t.Context(), Options{DataDir: dir}); err == nil {
		stop(t, s)
		t.Error("started over a directory that is not a cluster")
	}
	if _, err := os.Stat(precious); err != nil {
		t.Error(err)
	}
}

func TestFindBinaries(t *testing.T) {
	t.Parallel()
	install := func(version string, complete bool) string {
		dir := t.TempDir()
		script := "#!/bin/sh\necho 'postgres (PostgreSQL) " + version + "'\n"
		if err := os.WriteFile(filepath.Join(dir, "postgres"), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
		if complete {
			if err := os.WriteFile(filepath.Join(dir, "initdb"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	old, fifteen, eighteen, client := install("13.4", true), install("15.18 (Debian 15.18-0+deb12u1)", true), install("18beta1", true), install("17.2", false)
	tests := []struct {
		name string
		dirs []string
		want int
		got  int // 0: ErrNoBinaries
	}{
		{"nothing", nil, 0, 0},
		{"too old", []string{old}, 0, 0},
		{"no initdb", []string{client}, 0, 0},
		{"newest", []string{old, fifteen, eighteen}, 0, 18},
		{"newest in any order", []string{eighteen, fifteen}, 0, 18},
		{"that of the data", []string{eighteen, fifteen}, 15, 15},
		{"not that of the data", []string{eighteen}, 15, 0},
		{"relative directory", []string{"."}, 0, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b, err := findBinaries(t.Context(), test.dirs, test.want)
			if b.major != test.got || errors.Is(err, ErrNoBinaries) != (test.got == 0) {
				t.Errorf("version %d, error %v; want version %d", b.major, err, test.got)
			}
			if err != nil && (strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "install")) {
				t.Errorf("%q is not one line that says what to install", err)
			}
		})
	}
}

func requirePostgreSQL(t *testing.T) {
	t.Helper()
	err := Installed(t.Context())
	if err == nil {
		return
	}
	if os.Getenv("PORTAL_TEST_REQUIRE") == "1" {
		t.Fatal(err)
	}
	t.Skipf("SKIPPED, NOT TESTED: %v", err)
}

// dataDir is a short path, unlike t.TempDir, and may be walked through.
func dataDir(t *testing.T) string {
	t.Helper()
	requirePostgreSQL(t)
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := StopUnused(context.Background(), Options{DataDir: dir}); err != nil {
			t.Errorf("clean up: %v", err)
			return
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func start(t *testing.T, dir string) *Server {
	t.Helper()
	s, err := Start(t.Context(), Options{DataDir: dir, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func stop(t *testing.T, s *Server) {
	t.Helper()
	if err := s.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}

func connect(t *testing.T, s *Server) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.DSN(Database))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func remember(t *testing.T, s *Server, row int) {
	t.Helper()
	conn := connect(t, s)
	if _, err := conn.Exec(t.Context(), `CREATE TABLE IF NOT EXISTS memory (row int)`); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), `INSERT INTO memory (row) VALUES ($1)`, row); err != nil {
		t.Fatal(err)
	}
}

func wantRows(t *testing.T, s *Server, want int) {
	t.Helper()
	var got int
	if err := connect(t, s).QueryRow(t.Context(), `SELECT count(*) FROM memory`).Scan(&got); err != nil || got != want {
		t.Errorf("%d rows (%v), want %d", got, err, want)
	}
}

func setting(t *testing.T, s *Server, name string) (value string) {
	t.Helper()
	if err := connect(t, s).QueryRow(t.Context(), `SELECT current_setting($1)`, name).Scan(&value); err != nil {
		t.Error(err)
	}
	return value
}

func serverPID(t *testing.T, s *Server) int {
	t.Helper()
	pid := s.layout.readPIDFile().pid
	if pid == 0 {
		t.Fatal("no postmaster.pid")
	}
	return pid
}

// mustServeHere stands before every signal: ids are reused, and other servers
// may run on the machine.
func mustServeHere(t *testing.T, s *Server, pid int) {
	t.Helper()
	p := s.layout.readPIDFile()
	if p.pid != pid {
		t.Fatalf("process %d is not the server (postmaster.pid names %d)", pid, p.pid)
	}
	if err := s.probe(t.Context(), p); err != nil {
		t.Fatalf("process %d does not prove to be our server: %v", pid, err)
	}
}

func newServerAnswers(ctx context.Context, s *Server, old int) error {
	p := s.layout.readPIDFile()
	if p.pid == 0 || p.pid == old {
		return fmt.Errorf("postmaster.pid names %d", p.pid)
	}
	return s.probe(ctx, p)
}

// eventually waits for f to succeed, for as long as a recovery may take.
func eventually(t *testing.T, what string, f func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		err := f(ctx)
		if err == nil {
			return
		}
		if pause(ctx, pollEvery) != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
}

// program is another process that uses a server.
type program struct {
	cmd   *exec.Cmd
	stdin interface{ Close() error }
	out   *bufio.Scanner
}

func startHelper(t *testing.T, dir string) *program {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.Background(), self)
	cmd.Env = append(os.Environ(), helperDir+"="+dir)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &program{cmd: cmd, stdin: stdin, out: bufio.NewScanner(stdout)}
	if !p.out.Scan() || p.out.Text() != "ready" {
		p.kill(t)
		t.Fatalf("the other program says %q", p.out.Text())
	}
	t.Cleanup(func() { p.kill(t) })
	return p
}

// kill is kill -9 of our own child, and waits for it.
func (p *program) kill(t *testing.T) {
	t.Helper()
	if p.cmd.ProcessState != nil {
		return
	}
	if err := p.cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = p.cmd.Wait() // "signal: killed" is what we want
}

// finish lets the program end in good order.
func (p *program) finish(t *testing.T) {
	t.Helper()
	if err := p.stdin.Close(); err != nil {
		t.Error(err)
	}
	for p.out.Scan() {
		t.Error(p.out.Text())
	}
	if err := p.cmd.Wait(); err != nil {
		t.Error(err)
	}
}
