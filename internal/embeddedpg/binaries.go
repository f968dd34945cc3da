package embeddedpg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// minMajor is the oldest PostgreSQL whose syntax the migrations may use.
const minMajor = 15

// ErrNoBinaries means that no usable PostgreSQL is installed. The message is
// one line that says what to install.
var ErrNoBinaries = errors.New("embeddedpg: no PostgreSQL binaries")

// binaries is one installed version of PostgreSQL.
type binaries struct {
	major    int
	initdb   string // absolute paths
	postgres string
}

// searchPatterns are the directories that packages of PostgreSQL use, besides
// PATH: Debian and Ubuntu; Fedora and RHEL with the PGDG repository; Homebrew on
// Apple silicon and on Intel; Postgres.app.
var searchPatterns = []string{
	"/usr/lib/postgresql/*/bin",
	"/usr/pgsql-*/bin",
	"/opt/homebrew/opt/postgresql*/bin",
	"/usr/local/opt/postgresql*/bin",
	"/Applications/Postgres.app/Contents/Versions/*/bin",
}

// Installed reports whether a PostgreSQL that Start could use is installed; the
// error is ErrNoBinaries with the line for people.
func Installed(ctx context.Context) error {
	_, err := findBinaries(ctx, searchDirs(), 0)
	return err
}

func searchDirs() []string {
	dirs := filepath.SplitList(os.Getenv("PATH"))
	for _, pattern := range searchPatterns {
		// The patterns are constants; Glob fails on a malformed one only.
		found, _ := filepath.Glob(pattern)
		dirs = append(dirs, found...)
	}
	return dirs
}

// findBinaries returns the newest PostgreSQL in dirs, or the one of the wanted
// major version: a data directory is readable by the version that made it only.
// want 0 takes any from minMajor on.
func findBinaries(ctx context.Context, dirs []string, want int) (binaries, error) {
	var found []binaries
	seen := map[string]bool{}
	for _, dir := range dirs {
		if !filepath.IsAbs(dir) { // a relative PATH entry must not decide what runs as another user
			continue
		}
		// PATH often holds links to the real directory (postgres looks for its
		// sibling programs there).
		real, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres"))
		if err != nil || seen[real] {
			continue
		}
		seen[real] = true
		b := binaries{postgres: real, initdb: filepath.Join(filepath.Dir(real), "initdb")}
		if _, err := os.Stat(b.initdb); err != nil {
			continue
		}
		if b.major, err = majorOf(ctx, b.postgres); err != nil {
			continue
		}
		found = append(found, b)
	}
	slices.SortStableFunc(found, func(a, b binaries) int { return cmp.Compare(b.major, a.major) })
	for _, b := range found {
		if b.major == want || want == 0 && b.major >= minMajor {
			return b, nil
		}
	}
	if want != 0 {
		return binaries{}, fmt.Errorf("%w of version %d, which made the data here: %s", ErrNoBinaries, want, installHint(want))
	}
	return binaries{}, fmt.Errorf("%w of version %d or later: %s, or set DATABASE_URL", ErrNoBinaries, minMajor, installHint(0))
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// majorOf asks a postgres binary for its major version.
func majorOf(ctx context.Context, postgres string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, postgres, "--version").Output()
	if err != nil {
		return 0, err
	}
	m := versionPattern.FindSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("embeddedpg: %s does not tell its version", postgres)
	}
	return strconv.Atoi(string(m[1]))
}

// installHint names the command that installs PostgreSQL here; major 0 is any.
func installHint(major int) string {
	version := ""
	if major != 0 {
		version = strconv.Itoa(major)
	}
	switch {
	case runtime.GOOS == "darwin":
		return "install it with `brew install postgresql@" + cmp.Or(version, "17") + "`"
	case exists("/usr/bin/apt-get"):
		return "install it with `apt-get install " + strings.TrimSuffix("postgresql-"+version, "-") + "`"
	case exists("/usr/bin/dnf"):
		return "install it with `dnf install postgresql-server`"
	}
	return "install the PostgreSQL server"
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
