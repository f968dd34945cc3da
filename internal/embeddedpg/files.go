package embeddedpg

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// socketPort is part of the socket's file name; no TCP port is opened.
	socketPort = "5432"
	socketFile = ".s.PGSQL." + socketPort
	// maxSocketPath is what fits into sockaddr_un on every system (104 bytes on
	// macOS, 108 on Linux, with the terminating zero).
	maxSocketPath = 103
	// maxLogSize is where the server's log is put aside at the next start.
	maxLogSize = 16 << 20
)

// layout is where everything lies; all paths are absolute.
//
//	<data dir>/postgres        0700, owned by the user that runs the server
//	<data dir>/postgres/data   the cluster
//	<data dir>/postgres/sock   the socket
//	<data dir>/postgres/server.log
//	<data dir>/postgres.lock, postgres.users   see lock.go; owned by us
type layout struct{ dataDir, root, data, sock, log, startLock, usersLock string }

func newLayout(dataDir string) (layout, error) {
	dataDir, err := filepath.Abs(dataDir)
	if err != nil {
		return layout{}, err
	}
	root := filepath.Join(dataDir, "postgres")
	return layout{
		dataDir:   dataDir,
		root:      root,
		data:      filepath.Join(root, "data"),
		sock:      filepath.Join(root, "sock"),
		log:       filepath.Join(root, "server.log"),
		startLock: filepath.Join(dataDir, "postgres.lock"),
		usersLock: filepath.Join(dataDir, "postgres.users"),
	}, nil
}

// identity is the operating system user that runs the server.
type identity struct {
	uid, gid int
	drop     bool // we are root and run the server as somebody else
}

// serverIdentity decides who runs the server, because PostgreSQL refuses to run
// as root: ourselves, or, as root, whoever owns the cluster already, or
// `postgres`, which the packages create, or `nobody`.
func serverIdentity(l layout) (identity, error) {
	euid := os.Geteuid()
	owner, ownerErr := ownerOf(l.root)
	if euid != 0 {
		if ownerErr == nil && owner.uid != euid {
			return identity{}, fmt.Errorf("embeddedpg: %s belongs to the user with id %d: start the program as that user or as root", l.root, owner.uid)
		}
		return identity{uid: euid, gid: os.Getegid()}, nil
	}
	if ownerErr == nil && owner.uid != 0 {
		owner.drop = true
		return owner, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err1 == nil && err2 == nil && uid != 0 {
			return identity{uid: uid, gid: gid, drop: true}, nil
		}
	}
	return identity{}, errors.New("embeddedpg: PostgreSQL does not run as root and there is no user `postgres` or `nobody` to run it")
}

func ownerOf(path string) (identity, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return identity{}, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return identity{}, fmt.Errorf("embeddedpg: no owner known for %s", path)
	}
	return identity{uid: int(stat.Uid), gid: int(stat.Gid)}, nil
}

// prepare makes the directories outside the cluster itself.
func (l layout) prepare(who identity) error {
	mode := fs.FileMode(0o700)
	if who.drop {
		mode = 0o711 // the server's user walks through; it lists nothing
	}
	if err := os.MkdirAll(l.dataDir, mode); err != nil {
		return err
	}
	for _, dir := range []string{l.root, l.sock} {
		if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		// Lstat: a link planted here must not make us chown what it points to.
		info, err := os.Lstat(dir)
		if err != nil {
			return err
		}
		if !info.IsDir() {
			return fmt.Errorf("embeddedpg: %s is not a directory", dir)
		}
		if who.drop {
			if err := os.Lchown(dir, who.uid, who.gid); err != nil {
				return err
			}
		}
		// Whoever may enter the socket's directory is a superuser of the
		// database, so nobody else may.
		if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // G302: a directory, which needs the x bit
			return err
		}
	}
	return nil
}

// reachable reports whether the server's user can walk to the cluster by its
// path. It reads mode bits only; a path that only an ACL opens counts as
// unreachable, which costs nothing but the detour of serverPath.
func (l layout) reachable(who identity) bool {
	if !who.drop {
		return true
	}
	for dir := l.dataDir; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return false
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			return false
		}
		bit := fs.FileMode(0o001)
		switch {
		case int(stat.Uid) == who.uid:
			bit = 0o100
		case int(stat.Gid) == who.gid:
			bit = 0o010
		}
		if info.Mode().Perm()&bit == 0 {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
	}
}

// inheritedDir is how a child names a directory whose open descriptor it was
// given as its first extra file.
const inheritedDir = "/proc/self/fd/3"

// serverPath returns how the server names dir, and the open directory to hand
// down to it when that is not its path. Below /root or a private home directory
// the server's user may not walk to its own data; an inherited descriptor leads
// there without walking, and keeps the data where the operator put it.
func (l layout) serverPath(who identity, dir string) (string, *os.File, error) {
	if l.reachable(who) {
		return dir, nil, nil
	}
	if runtime.GOOS != "linux" {
		return "", nil, fmt.Errorf("embeddedpg: the user with id %d, who runs PostgreSQL, cannot enter %s: choose another PORTAL_DATA_DIR or do not start as root", who.uid, l.dataDir)
	}
	f, err := os.Open(dir)
	if err != nil {
		return "", nil, err
	}
	return inheritedDir, f, nil
}

// clientDir is the directory that clients give as `host`: the socket's own, or,
// where that path is too long for a socket address, a short link to it. The
// server is not concerned: it binds by a path relative to its data.
func (l layout) clientDir() (string, error) {
	if len(filepath.Join(l.sock, socketFile)) <= maxSocketPath && !strings.ContainsAny(l.sock, ",@") {
		return l.sock, nil
	}
	// Links of one user lie together in a directory that only that user can
	// write, so nobody can lead our connections elsewhere.
	base := filepath.Join(os.TempDir(), "portal-sock-"+strconv.Itoa(os.Geteuid()))
	if len(base) > maxSocketPath-40 {
		base = "/tmp/" + filepath.Base(base)
	}
	if err := os.Mkdir(base, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	info, err := os.Lstat(base)
	if err != nil {
		return "", err
	}
	owner, err := ownerOf(base)
	if err != nil {
		return "", err
	}
	if !info.IsDir() || owner.uid != os.Geteuid() || info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("embeddedpg: %s must be a directory of ours with mode 0700", base)
	}
	sum := sha256.Sum256([]byte(l.sock))
	link := filepath.Join(base, hex.EncodeToString(sum[:8]))
	if target, err := os.Readlink(link); err == nil && target == l.sock {
		return link, nil
	}
	if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err := os.Symlink(l.sock, link); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	return link, nil
}

// openLog opens the server's log for appending; a big one is put aside first.
func (l layout) openLog() (*os.File, error) {
	if info, err := os.Stat(l.log); err == nil && info.Size() > maxLogSize {
		if err := os.Rename(l.log, l.log+".1"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(l.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY|syscall.O_NOFOLLOW, 0o600)
}

// logTail returns what the server's log says from offset on, at most its last
// ten lines: what an operator needs to see when a start fails.
func (l layout) logTail(offset int64) string {
	f, err := os.Open(l.log)
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size()-offset > 16<<10 {
		offset = info.Size() - 16<<10
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return ""
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-10):], "\n")
}

// clusterMajor reads the version that made the cluster; 0 when there is none.
func (l layout) clusterMajor() (int, error) {
	text, err := os.ReadFile(filepath.Join(l.data, "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("embeddedpg: %s/PG_VERSION: %w", l.data, err)
	}
	return major, nil
}

// pidFile is what we read of postmaster.pid.
type pidFile struct {
	raw string
	pid int
}

// readPIDFile returns the zero value when there is no file, or one so new that
// its first line is not written yet.
func (l layout) readPIDFile() pidFile {
	text, err := os.ReadFile(filepath.Join(l.data, "postmaster.pid"))
	if err != nil {
		return pidFile{}
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 1 {
		return pidFile{}
	}
	return pidFile{raw: string(text), pid: pid}
}

// identical reports whether two readings are of the same server. Its state, the
// last line, changes during its life.
func (p pidFile) identical(other string) bool {
	head := func(s string) string {
		lines := strings.SplitN(s, "\n", 4)
		return strings.Join(lines[:min(3, len(lines))], "\n") // pid, directory, start time
	}
	return p.pid != 0 && head(p.raw) == head(other)
}

// alive reports whether a process with this id exists, whoever owns it.
func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

// pollEvery paces the loops that wait for a server to start or end.
const pollEvery = 20 * time.Millisecond
