package embeddedpg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// Database is the database that every start makes sure of.
	Database = "portal"
	// Role owns Database and is what DSN connects as: no superuser, but it may
	// create further databases.
	Role = "portal"

	superuser = "postgres"

	// startTimeout bounds one start, crash recovery included.
	startTimeout = 2 * time.Minute
	// stopTimeout bounds a stop whose caller set no deadline.
	stopTimeout = 30 * time.Second
	// refusedFor is how long a process that postmaster.pid names may leave its
	// socket closed before we take the file for stale, where the system does not
	// tell what the process is.
	refusedFor = 10 * time.Second
)

const (
	readPIDFileSQL    = `SELECT pg_read_file('postmaster.pid')`
	roleExistsSQL     = `SELECT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = @name)`
	databaseExistsSQL = `SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = @name)`
	createRoleSQL     = `CREATE ROLE portal LOGIN CREATEDB`
	createDatabaseSQL = `CREATE DATABASE portal OWNER portal`
)

// Options says where the cluster is.
type Options struct {
	// DataDir is the program's data directory; the cluster is its subdirectory
	// postgres. It is made when missing.
	DataDir string
	// Log receives starts, stops and crashes; nil discards them.
	Log *slog.Logger
	// Settings are server settings added to the defaults or put over them.
	// Clusters that hold anything of value leave fsync, synchronous_commit and
	// full_page_writes alone.
	Settings map[string]string
}

// defaultSettings hold for every cluster. They are given on the command line, so
// an edited postgresql.conf cannot open a port or switch off durability.
var defaultSettings = map[string]string{
	"listen_addresses":        "",
	"unix_socket_directories": "../sock", // relative to the data: never too long
	"unix_socket_permissions": "0700",
	"port":                    socketPort,
	"fsync":                   "on",
	"synchronous_commit":      "on",
	"full_page_writes":        "on",
	"max_connections":         "60",
	"shared_buffers":          "128MB",
	"timezone":                "UTC",
	"log_timezone":            "UTC",
	"logging_collector":       "off", // the log is the file we hand down
	"log_destination":         "stderr",
}

// Server is a running PostgreSQL that this program uses, alone or with others.
type Server struct {
	layout   layout
	who      identity
	bin      binaries
	host     string // the directory clients connect through
	log      *slog.Logger
	settings map[string]string
	users    *os.File // held shared while we use the server

	mu    sync.Mutex
	child *child // nil when another program started the server

	life     context.Context // ends when Stop begins
	end      context.CancelFunc
	watchers sync.WaitGroup
	stopOnce sync.Once
	stopErr  error
}

// child is a server process that this program started and waits for.
type child struct {
	process *os.Process
	pid     int
	done    chan struct{} // closed when the process has been waited for
	err     error         // how it ended; set before done is closed
}

func (c *child) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// Start returns when the server of options.DataDir accepts connections and the
// database Database exists. It makes the cluster at the first start, recovers it
// after a crash, and uses a server that already runs there, whether another
// program started it or one that was killed left it behind.
//
// ErrNoBinaries means that PostgreSQL is not installed. Every other error ends
// with the last lines of the server's log, if it wrote any.
func Start(ctx context.Context, options Options) (_ *Server, err error) {
	s, err := newServer(options)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil && s.users != nil {
			s.users.Close()
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()

	if s.who, err = serverIdentity(s.layout); err != nil {
		return nil, err
	}
	major, err := s.layout.clusterMajor()
	if err != nil {
		return nil, err
	}
	if s.bin, err = findBinaries(ctx, searchDirs(), major); err != nil {
		return nil, err
	}
	if err := s.layout.prepare(s.who); err != nil {
		return nil, fmt.Errorf("embeddedpg: %w", err)
	}
	if s.host, err = s.layout.clientDir(); err != nil {
		return nil, err
	}

	release, err := holdLock(ctx, s.layout.startLock)
	if err != nil {
		return nil, err
	}
	defer release()
	if s.users, err = openLock(s.layout.usersLock); err != nil {
		return nil, fmt.Errorf("embeddedpg: %w", err)
	}
	// It is taken exclusively only under the lock that we hold.
	if ok, err := tryLock(s.users, syscall.LOCK_SH); err != nil || !ok {
		return nil, errors.Join(fmt.Errorf("embeddedpg: %s is locked by a program that does not play by its rules", s.layout.usersLock), err)
	}
	if err := s.initialise(ctx); err != nil {
		return nil, err
	}
	if err := s.ensure(ctx); err != nil {
		return nil, err
	}
	if err := s.ensureDatabase(ctx); err != nil {
		return nil, fmt.Errorf("embeddedpg: make the database: %w", err)
	}
	return s, nil
}

// StopUnused stops the server of options.DataDir unless a program uses it. It is
// for servers that were left running on purpose, as those of tests are.
func StopUnused(ctx context.Context, options Options) error {
	s, err := newServer(options)
	if err != nil {
		return err
	}
	if _, err := os.Stat(s.layout.data); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if s.host, err = s.layout.clientDir(); err != nil {
		return err
	}
	if s.users, err = openLock(s.layout.usersLock); err != nil {
		return fmt.Errorf("embeddedpg: %w", err)
	}
	return s.Stop(ctx)
}

func newServer(options Options) (*Server, error) {
	if options.DataDir == "" {
		return nil, errors.New("embeddedpg: no data directory given")
	}
	l, err := newLayout(options.DataDir)
	if err != nil {
		return nil, fmt.Errorf("embeddedpg: %w", err)
	}
	s := &Server{layout: l, log: options.Log, settings: maps.Clone(defaultSettings)}
	maps.Copy(s.settings, options.Settings)
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.life, s.end = context.WithCancel(context.Background())
	return s, nil
}

// DSN is the connection string of a database on the server, as the role Role.
func (s *Server) DSN(database string) string { return s.dsn(Role, database) }

func (s *Server) dsn(role, database string) string {
	u := url.URL{
		Scheme: "postgres",
		User:   url.User(role),
		Path:   "/" + database,
		RawQuery: url.Values{
			"host":    {s.host},
			"port":    {socketPort},
			"sslmode": {"disable"},
		}.Encode(),
	}
	return u.String()
}

// BinDir is the directory of the installed programs (psql, pg_dump) that match
// the server. It is empty after StopUnused only.
func (s *Server) BinDir() string { return filepath.Dir(s.bin.postgres) }

// Stop gives up the server. The last program to do so stops it and returns when
// it has written everything and ended; open connections are cut. Calling it
// again returns the first result.
func (s *Server) Stop(ctx context.Context) error {
	s.stopOnce.Do(func() { s.stopErr = s.stop(ctx) })
	return s.stopErr
}

func (s *Server) stop(ctx context.Context) error {
	if _, limited := ctx.Deadline(); !limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, stopTimeout)
		defer cancel()
	}
	s.end()
	s.watchers.Wait() // nobody restarts what we are about to stop

	release, err := holdLock(ctx, s.layout.startLock)
	if err != nil {
		return err
	}
	defer release()
	defer s.users.Close()
	last, err := tryLock(s.users, syscall.LOCK_EX)
	if err != nil {
		return err
	}
	if !last {
		s.log.InfoContext(ctx, "postgres: left running for the other programs that use it")
		return nil
	}
	return s.terminate(ctx)
}

// terminate ends the server by a fast shutdown: it waits for no client but for
// every write.
func (s *Server) terminate(ctx context.Context) error {
	pid, done, err := s.provenProcess(ctx)
	if err != nil || pid == 0 {
		return err
	}
	if err := syscall.Kill(pid, syscall.SIGINT); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("embeddedpg: stop server process %d: %w", pid, err)
	}
	for !done() {
		if err := pause(ctx, pollEvery); err != nil {
			return fmt.Errorf("embeddedpg: server process %d is still shutting down: %w", pid, err)
		}
	}
	s.log.InfoContext(ctx, "postgres: stopped", "pid", pid)
	return nil
}

// provenProcess returns the process that serves our cluster and how to see that
// it has ended; 0 when none runs. Ids are reused, so a process counts only when
// it is our own child, answers on our socket, or works in our directory.
func (s *Server) provenProcess(ctx context.Context) (pid int, done func() bool, err error) {
	s.mu.Lock()
	c := s.child
	s.mu.Unlock()
	if c != nil && !c.ended() {
		return c.pid, c.ended, nil
	}
	p := s.layout.readPIDFile()
	if p.pid == 0 || !alive(p.pid) {
		return 0, nil, nil
	}
	serves, known := s.layout.servesHere(p.pid)
	if known && !serves {
		return 0, nil, nil
	}
	if !known {
		if err := s.probe(ctx, p); err != nil {
			return 0, nil, fmt.Errorf("embeddedpg: process %d does not prove to be our server and is left alone: %w", p.pid, err)
		}
	}
	return p.pid, func() bool {
		// A dead process whose parent does not wait for it stays "alive"; the
		// server removes its file as the last thing it does.
		return !alive(p.pid) || s.layout.readPIDFile().pid != p.pid
	}, nil
}

// initialise makes the cluster, if there is none, under another name and moves
// it into place complete: a program killed half way leaves no half cluster.
func (s *Server) initialise(ctx context.Context) error {
	major, err := s.layout.clusterMajor()
	if err != nil || major != 0 {
		return err
	}
	if entries, err := os.ReadDir(s.layout.data); err == nil && len(entries) > 0 {
		return fmt.Errorf("embeddedpg: %s holds something that is not a PostgreSQL cluster", s.layout.data)
	}
	leftovers, err := filepath.Glob(filepath.Join(s.layout.root, "init-*"))
	if err != nil {
		return fmt.Errorf("embeddedpg: %w", err)
	}
	for _, dir := range leftovers {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("embeddedpg: %w", err)
		}
	}
	dir, err := os.MkdirTemp(s.layout.root, "init-")
	if err != nil {
		return fmt.Errorf("embeddedpg: %w", err)
	}
	if s.who.drop {
		if err := os.Lchown(dir, s.who.uid, s.who.gid); err != nil {
			return fmt.Errorf("embeddedpg: %w", err)
		}
	}
	name, inherited, err := s.layout.serverPath(s.who, dir)
	if err != nil {
		return err
	}
	// Bytes decide the order of text everywhere alike, and upper and lower case
	// are those of Unicode.
	ctype := "C.UTF-8"
	if runtime.GOOS == "darwin" {
		ctype = "UTF-8"
	}
	args := []string{
		"-D", name, "-U", superuser, "--encoding=UTF8", "--locale=C", "--lc-ctype=" + ctype,
		// Who can enter the socket's directory is us; nobody else gets that far.
		"--auth-local=trust", "--auth-host=reject", "--data-checksums",
	}
	if s.settings["fsync"] == "off" {
		args = append(args, "--no-sync")
	}
	var out strings.Builder
	cmd := s.command(ctx, s.bin.initdb, inherited, &out, args...)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("embeddedpg: initdb: %w\n%s", err, strings.TrimSpace(out.String()))
	}
	if err := os.Remove(s.layout.data); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("embeddedpg: %w", err)
	}
	if err := os.Rename(dir, s.layout.data); err != nil {
		return fmt.Errorf("embeddedpg: %w", err)
	}
	s.log.InfoContext(ctx, "postgres: made a new cluster", "dir", s.layout.data, "version", s.bin.major)
	return syncDir(s.layout.root)
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("embeddedpg: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("embeddedpg: %w", err)
	}
	return nil
}

// command prepares a program of PostgreSQL: as the server's user, with nothing
// of our environment, which may hold secrets and PG* variables.
func (s *Server) command(ctx context.Context, program string, inherited *os.File, out io.Writer, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...) //nolint:gosec // G204: an installed binary and settings of our own
	cmd.Dir = "/"                                     // it must be able to return to where it was started
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	cmd.Stdout, cmd.Stderr = out, out
	// Its own session: Ctrl-C at our terminal is for us, and we stop it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if s.who.drop {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(s.who.uid), Gid: uint32(s.who.gid)}
	}
	if inherited != nil {
		cmd.ExtraFiles = []*os.File{inherited}
	}
	return cmd
}

// ensure returns when a server of our cluster answers, and starts one if none
// runs. The caller holds the start lock.
func (s *Server) ensure(ctx context.Context) error {
	refused := time.Duration(0)
	for {
		p := s.layout.readPIDFile()
		if p.pid == 0 || !alive(p.pid) || refused > refusedFor {
			return s.launch(ctx)
		}
		serves, known := s.layout.servesHere(p.pid)
		if known && !serves {
			return s.launch(ctx)
		}
		err := s.probe(ctx, p)
		if err == nil {
			s.watchers.Go(func() { s.watchAdopted(p.pid) })
			s.log.InfoContext(ctx, "postgres: uses the server that runs here", "pid", p.pid)
			return nil
		}
		if !known && errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist) {
			refused += pollEvery
		}
		// It is starting, recovering or shutting down.
		if pause(ctx, pollEvery) != nil {
			return s.withLog(fmt.Errorf("embeddedpg: server process %d does not accept connections: %w", p.pid, err), 0)
		}
	}
}

// launch starts a server and returns when it answers.
func (s *Server) launch(ctx context.Context) error {
	for {
		offset := int64(0)
		if info, err := os.Stat(s.layout.log); err == nil && info.Size() <= maxLogSize {
			offset = info.Size()
		}
		c, err := s.spawn()
		if err != nil {
			return fmt.Errorf("embeddedpg: start the server: %w", err)
		}
		err = s.awaitReady(ctx, c)
		if err == nil {
			s.mu.Lock()
			s.child = c
			s.mu.Unlock()
			s.watchers.Go(func() { s.watch(c) })
			s.log.InfoContext(ctx, "postgres: started", "pid", c.pid, "version", s.bin.major, "dir", s.layout.data)
			return nil
		}
		if !c.ended() || ctx.Err() != nil || !passing(s.layout.logTail(offset)) || pause(ctx, 10*pollEvery) != nil {
			if !c.ended() {
				_ = c.process.Signal(syscall.SIGINT)
			}
			return s.withLog(err, offset)
		}
	}
}

// passing reports whether a start failed because remains of a killed server are
// still going away: its sessions end a moment after it, and until its parent has
// waited for it its id is taken. PostgreSQL itself sees to it that nothing runs
// beside them; we only try again.
func passing(log string) bool {
	return strings.Contains(log, "is still in use") || strings.Contains(log, "already exists")
}

func (s *Server) withLog(err error, offset int64) error {
	if tail := s.layout.logTail(offset); tail != "" {
		return fmt.Errorf("%w\nlast lines of %s:\n%s", err, s.layout.log, tail)
	}
	return err
}

// spawn starts the server process and the goroutine that waits for it.
func (s *Server) spawn() (*child, error) {
	logFile, err := s.layout.openLog()
	if err != nil {
		return nil, err
	}
	defer logFile.Close()
	name, inherited, err := s.layout.serverPath(s.who, s.layout.data)
	if err != nil {
		return nil, err
	}
	if inherited != nil {
		defer inherited.Close()
	}
	args := []string{"-D", name}
	for _, key := range slices.Sorted(maps.Keys(s.settings)) {
		args = append(args, "-c", key+"="+s.settings[key])
	}
	// Without a context: the server outlives the call, and a program that is
	// killed must leave it running rather than tear it down.
	cmd := s.command(context.Background(), s.bin.postgres, inherited, logFile, args...)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &child{process: cmd.Process, pid: cmd.Process.Pid, done: make(chan struct{})}
	go func() {
		c.err = cmd.Wait()
		close(c.done)
	}()
	return c, nil
}

func (s *Server) awaitReady(ctx context.Context, c *child) error {
	err := errors.New("embeddedpg: the server has not written its process id")
	for {
		if p := s.layout.readPIDFile(); p.pid == c.pid {
			if err = s.probe(ctx, p); err == nil {
				return nil
			}
		}
		select {
		case <-c.done:
			return fmt.Errorf("embeddedpg: the server ended while it started: %w", cmp.Or(c.err, errors.New("exit status 0")))
		case <-ctx.Done():
			return fmt.Errorf("embeddedpg: the server is not ready: %w (%w)", ctx.Err(), err)
		case <-time.After(pollEvery):
		}
	}
}

// watch starts the server again when it crashed, so that killing it costs
// requests but not the service. A server that somebody shut down in good order
// (exit status 0) stays down.
func (s *Server) watch(c *child) {
	select {
	case <-c.done:
	case <-s.life.Done():
		return
	}
	if c.err == nil {
		s.log.Warn("postgres: was shut down by somebody else", "pid", c.pid)
		return
	}
	s.log.Error("postgres: crashed; starting it again", "pid", c.pid, "error", c.err)
	s.reviveUntilUp()
}

// watchAdopted does the same for a server that is not our child. One that was
// shut down in good order has removed its postmaster.pid.
func (s *Server) watchAdopted(pid int) {
	for pause(s.life, 10*pollEvery) == nil {
		serves, known := s.layout.servesHere(pid)
		if alive(pid) && (serves || !known) {
			continue
		}
		if s.layout.readPIDFile().pid != pid {
			s.log.Warn("postgres: was shut down or replaced by another program", "pid", pid)
			return
		}
		s.log.Error("postgres: crashed; starting it again", "pid", pid)
		s.reviveUntilUp()
		return
	}
}

func (s *Server) reviveUntilUp() {
	for wait := pollEvery; ; wait = min(2*wait, 5*time.Second) {
		err := s.revive()
		if err == nil || s.life.Err() != nil {
			return
		}
		s.log.Error("postgres: did not start again", "error", err)
		if pause(s.life, wait) != nil {
			return
		}
	}
}

func (s *Server) revive() error {
	ctx, cancel := context.WithTimeout(s.life, startTimeout)
	defer cancel()
	release, err := holdLock(ctx, s.layout.startLock)
	if err != nil {
		return err
	}
	defer release()
	return s.ensure(ctx)
}

// probe connects and makes sure that who answers runs in our data directory as
// process p: it reads us its postmaster.pid, and that must be ours.
func (s *Server) probe(ctx context.Context, p pidFile) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.dsn(superuser, "postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	var text string
	if err := conn.QueryRow(ctx, readPIDFileSQL).Scan(&text); err != nil {
		return err
	}
	if !p.identical(text) {
		return fmt.Errorf("embeddedpg: another server answers on %s", s.layout.sock)
	}
	return nil
}

// ensureDatabase makes the role and the database of the program.
func (s *Server) ensureDatabase(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.dsn(superuser, "postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, step := range []struct{ name, existsSQL, createSQL string }{
		{Role, roleExistsSQL, createRoleSQL},
		{Database, databaseExistsSQL, createDatabaseSQL},
	} {
		var exists bool
		if err := conn.QueryRow(ctx, step.existsSQL, pgx.NamedArgs{"name": step.name}).Scan(&exists); err != nil {
			return err
		}
		if exists {
			continue
		}
		if _, err := conn.Exec(ctx, step.createSQL); err != nil {
			return err
		}
	}
	return nil
}
