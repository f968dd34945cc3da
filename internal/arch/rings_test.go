package arch

import (
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// place is what one package may import besides its ring's due.
type place struct {
	ring int
	// own are further packages of this module, by their path in it.
	own []string
	// libs are foreign modules or packages; their subpackages are meant too.
	libs []string
}

// places is the table of rings. A package that is not in it fails the test, so
// that somebody decides where a new one belongs.
//
//	ring 0  values: the standard library, x/text, go-i18n
//	ring 1  rules: ring 0, account ids, and sideways only what is listed
//	ring 2  edges out: rings 0-1 and their own library
//	ring 3  use cases: rings 0-2
//	ring 4  edges in: use cases, rings 0-1
//	ring 5  commands and tests' helpers: everything
var places = map[string]place{
	"internal/money": {ring: 0},
	"internal/civil": {ring: 0},
	"internal/fault": {ring: 0},
	// go-i18n is given the decoder of its TOML files by its user.
	"internal/i18n": {ring: 0, libs: []string{"github.com/nicksnyder/go-i18n/v2", "github.com/BurntSushi/toml"}},

	"internal/account":      {ring: 1},
	"internal/pricing":      {ring: 1},
	"internal/order":        {ring: 1, own: []string{"internal/pricing"}},
	"internal/subscription": {ring: 1, own: []string{"internal/pricing"}},
	"internal/ledger":       {ring: 1},
	"internal/vat":          {ring: 1},
	"internal/invoice":      {ring: 1, own: []string{"internal/vat"}},
	"internal/payment":      {ring: 1},
	"internal/bank":         {ring: 1},
	"internal/support":      {ring: 1},
	"internal/notice":       {ring: 1},
	"internal/audit":        {ring: 1},
	"internal/sheet":        {ring: 1},

	// The table of jobs is part of the schema, hence River's migrations.
	"internal/store": {ring: 2, own: []string{"migrations"}, libs: []string{
		"github.com/jackc/pgx/v5", "github.com/pressly/goose/v3",
		"github.com/riverqueue/river/rivermigrate", "github.com/riverqueue/river/riverdriver/riverpgxv5",
	}},
	"internal/pdf":       {ring: 2, own: []string{"internal/pdfa"}, libs: []string{"github.com/go-pdf/fpdf", "rsc.io/qr"}},
	"internal/einvoice":  {ring: 2},
	"internal/telegram":  {ring: 2, libs: []string{"github.com/go-telegram/bot"}},
	"internal/mail":      {ring: 2, libs: []string{"github.com/wneessen/go-mail"}},
	"internal/blob":      {ring: 2, libs: []string{"gocloud.dev"}},
	"internal/vies":      {ring: 2}, // implements a port of app's, as providers do: cmd passes it in
	"internal/vies/fake": {ring: 2},
	"internal/bundle":    {ring: 2},
	// Its CSV is written as all tables are.
	"internal/taxreport": {ring: 2, own: []string{"internal/sheet"}},

	// It names interfaces, not providers: cmd passes those in.
	"internal/app": {ring: 3, own: []string{"internal/store", "internal/pdf", "internal/einvoice", "internal/sheet", "internal/bundle", "internal/taxreport", "internal/telegram", "internal/mail", "internal/blob", "internal/failpoint"}},

	// River's client is typed by the driver's transaction.
	"internal/jobs": {ring: 4, own: []string{"internal/app"}, libs: []string{"github.com/riverqueue/river", "github.com/jackc/pgx/v5"}},
	"web": {ring: 4, own: []string{"internal/app", "views", "static"}, libs: []string{
		"github.com/labstack/echo/v4", "github.com/gorilla/sessions", "github.com/a-h/templ", "github.com/klauspost/compress",
	}},
	// Pages get text that is ready to show, so no rule can creep into them.
	"views": {ring: -1, own: []string{"internal/i18n"}, libs: []string{"github.com/a-h/templ"}},

	// Files that are compiled in.
	"static":     {ring: -1},
	"migrations": {ring: -1},
	"docs":       {ring: -1},

	"internal/config":     {ring: 2, own: []string{"docs"}, libs: []string{"github.com/BurntSushi/toml", "github.com/caarlos0/env/v11"}},
	"internal/pdfa":       {ring: -1, libs: []string{"github.com/klauspost/compress"}}, // a file format, as a library would have it
	"internal/failpoint":  {ring: -1},                                                  // empty but in builds for fault runs
	"internal/embeddedpg": {ring: -1, libs: []string{"github.com/jackc/pgx/v5"}},

	"cmd/portal":                     {ring: 5},
	"internal/storetest":             {ring: 5},
	"internal/storetest/cmd/stop":    {ring: 5},
	"internal/storetest/cmd/schema":  {ring: 5},
	"internal/bank/banktest":         {ring: 5}, // makes statements for tests
	"internal/mail/mailtest":         {ring: 5}, // a mail server for tests
	"internal/provider/providertest": {ring: 5}, // the contract of providers, for tests
	"internal/e2e":                   {ring: 5},
	"internal/bench":                 {ring: 5},
	"internal/sim":                   {ring: 5},
	"internal/arch":                  {ring: 5},
}

// notInRules are the parts of the standard library that reach outside or tell
// the time of a request; rules and values are plain functions.
var notInRules = []string{"context", "database", "log", "net", "os", "testing", "time/tzdata"}

// notInRulesBut lists the harmless parts of those.
var notInRulesBut = []string{"net/mail", "net/url", "net/netip"}

// textLibrary belongs to ring 0.
const textLibrary = "golang.org/x/text"

func mayImport(pkg, imported string) (why string) {
	p, known := places[pkg]
	provider := strings.HasPrefix(pkg, "internal/provider/")
	if provider && !known {
		p, known = place{ring: 2}, true
	}
	if !known {
		return "the package is not in the table of rings: decide where it belongs"
	}
	if p.ring == 5 {
		return ""
	}
	if own, ok := strings.CutPrefix(imported, module+"/"); ok {
		if slices.Contains(p.own, own) {
			return ""
		}
		target, known := places[own]
		switch {
		case !known:
			return "the imported package is not in the table of rings"
		case p.ring < 0 || target.ring < 0:
		case target.ring == 0 && p.ring > 0:
			return ""
		case target.ring == 1 && p.ring > 1:
			return ""
		case own == "internal/account" && p.ring == 1:
			return ""
		}
		return "its ring may not import this package"
	}
	if isStandard(imported) {
		if (p.ring == 0 || p.ring == 1) && within(imported, notInRules) && !slices.Contains(notInRulesBut, imported) {
			return "rules and values need no part of the library that reaches outside"
		}
		return ""
	}
	if p.ring >= 0 && within(imported, []string{textLibrary}) || within(imported, p.libs) {
		return ""
	}
	// A provider brings the library of its service.
	if provider && !within(imported, databaseLibraries) {
		return ""
	}
	return "this library belongs to another ring"
}

var databaseLibraries = []string{"github.com/jackc", "github.com/labstack", "github.com/gorilla", "github.com/a-h", "github.com/riverqueue"}

// within reports whether pkg is one of the roots or below one.
func within(pkg string, roots []string) bool {
	return slices.ContainsFunc(roots, func(root string) bool {
		return pkg == root || strings.HasPrefix(pkg, root+"/")
	})
}

// isStandard: packages of the standard library have no domain in their path.
func isStandard(pkg string) bool {
	first, _, _ := strings.Cut(pkg, "/")
	return !strings.Contains(first, ".")
}

// checkRings applies the table to what is compiled into the program.
func checkRings(t *tree) (broken []finding) {
	for _, f := range t.files {
		if f.test {
			continue
		}
		for _, spec := range f.imports() {
			if why := mayImport(path.Dir(f.name), spec.path); why != "" {
				broken = append(broken, f.at(spec.pos, "imports %s: %s", spec.path, why))
			}
		}
	}
	return broken
}

// checkEveryPackageHasAPlace also finds a package without imports.
func checkEveryPackageHasAPlace(t *tree) (broken []finding) {
	seen := map[string]bool{}
	for _, f := range t.files {
		dir := path.Dir(f.name)
		if seen[dir] || strings.HasPrefix(dir, "internal/provider/") {
			continue
		}
		seen[dir] = true
		if _, known := places[dir]; !known {
			broken = append(broken, finding{dir, "the package is not in the table of rings: decide where it belongs"})
		}
	}
	return broken
}

// checkSessionsLibrary: one file knows the library, the rest knows sessions.
func checkSessionsLibrary(t *tree) (broken []finding) {
	for _, f := range t.files {
		for _, spec := range f.imports() {
			if within(spec.path, []string{"github.com/gorilla"}) && f.name != "web/session.go" && !f.test {
				broken = append(broken, f.at(spec.pos, "only web/session.go imports gorilla/sessions"))
			}
		}
	}
	return broken
}

// checkTopLevel: the folders of the repository are fixed.
func checkTopLevel(t *tree) (broken []finding) {
	fixed := []string{"cmd", "web", "views", "internal", "static", "migrations", "docs"}
	seen := map[string]bool{}
	for _, f := range t.files {
		top, _, below := strings.Cut(f.name, "/")
		if !below {
			broken = append(broken, finding{f.name, "no Go source at the top of the repository"})
		} else if !slices.Contains(fixed, top) && !seen[top] {
			seen[top] = true
			broken = append(broken, finding{top, "the top-level folders are fixed"})
		}
	}
	return broken
}

func TestRings(t *testing.T) {
	t.Parallel()
	report(t, checkRings, checkEveryPackageHasAPlace, checkSessionsLibrary, checkTopLevel)
}

// The table must not allow a circle of rings by a slip.
func TestPlacesListOnlyPackagesFurtherIn(t *testing.T) {
	t.Parallel()
	for _, pkg := range slices.Sorted(maps.Keys(places)) {
		for _, own := range places[pkg].own {
			target, known := places[own]
			if !known {
				t.Errorf("%s: %s is not in the table", pkg, own)
			}
			sideways := places[pkg].ring == 1 && target.ring == 1
			assets := target.ring == -1
			if !sideways && !assets && target.ring >= places[pkg].ring && places[pkg].ring >= 0 {
				t.Errorf("%s (ring %d) lists %s (ring %d)", pkg, places[pkg].ring, own, target.ring)
			}
		}
	}
}

func TestRingRulesFire(t *testing.T) {
	t.Parallel()
	imports := func(names ...string) string {
		return "package p\nimport (\n_ \"" + strings.Join(names, "\"\n_ \"") + "\"\n)\n"
	}
	own := func(name string) string { return module + "/" + name }
	tests := []struct {
		name  string
		check check
		files map[string]string
		want  int
	}{
		{"rules without context", checkRings, map[string]string{"internal/vat/a.go": imports("context")}, 1},
		{"rules without the web", checkRings, map[string]string{"internal/vat/a.go": imports("net/http")}, 1},
		{"rules without a log", checkRings, map[string]string{"internal/order/a.go": imports("log/slog")}, 1},
		{"rules without files", checkRings, map[string]string{"internal/bank/a.go": imports("os")}, 1},
		{"rules without SQL", checkRings, map[string]string{"internal/ledger/a.go": imports("github.com/jackc/pgx/v5", "database/sql")}, 2},
		{"values without rules", checkRings, map[string]string{"internal/money/a.go": imports(own("internal/order"))}, 1},
		{"values apart", checkRings, map[string]string{"internal/money/a.go": imports(own("internal/civil"))}, 1},
		{"rules sideways", checkRings, map[string]string{"internal/pricing/a.go": imports(own("internal/order"))}, 1},
		{"rules sideways as listed", checkRings, map[string]string{"internal/order/a.go": imports(own("internal/pricing"), own("internal/account"), "time")}, 0},
		{"rules outwards", checkRings, map[string]string{"internal/order/a.go": imports(own("internal/store"))}, 1},
		{"store without use cases", checkRings, map[string]string{"internal/store/a.go": imports(own("internal/app"))}, 1},
		{"edges apart", checkRings, map[string]string{"internal/pdf/a.go": imports(own("internal/store"))}, 1},
		{"edges without foreign libraries", checkRings, map[string]string{"internal/pdf/a.go": imports("github.com/labstack/echo/v4")}, 1},
		{"use cases without the web", checkRings, map[string]string{"internal/app/a.go": imports("github.com/labstack/echo/v4", own("web"))}, 2},
		{"use cases without providers", checkRings, map[string]string{"internal/app/a.go": imports(own("internal/provider/stripe"))}, 1},
		{"web without SQL", checkRings, map[string]string{"web/a.go": imports("github.com/jackc/pgx/v5", own("internal/store"))}, 2},
		{"views without rules", checkRings, map[string]string{"views/a.go": imports(own("internal/money"), "github.com/labstack/echo/v4")}, 2},
		{"views as they may be", checkRings, map[string]string{"views/a.go": imports(own("internal/i18n"), "github.com/a-h/templ/runtime")}, 0},
		{"a provider and its library", checkRings, map[string]string{"internal/provider/stripe/a.go": imports("github.com/stripe/stripe-go", own("internal/payment"))}, 0},
		{"a provider without SQL", checkRings, map[string]string{"internal/provider/stripe/a.go": imports("github.com/jackc/pgx/v5")}, 1},
		{"a similar name is another package", checkRings, map[string]string{"internal/telegram/a.go": imports("github.com/go-telegram/botany")}, 1},
		{"commands know everything", checkRings, map[string]string{"cmd/portal/a.go": imports(own("web"), own("internal/store"), "os")}, 0},
		{"tests are free", checkRings, map[string]string{"internal/vat/a_test.go": imports("context", own("internal/storetest"))}, 0},
		{"a new package", checkRings, map[string]string{"internal/helpers/a.go": imports("fmt")}, 1},
		{"a new package without imports", checkEveryPackageHasAPlace, map[string]string{"internal/helpers/a.go": "package helpers\n"}, 1},
		{"sessions elsewhere", checkSessionsLibrary, map[string]string{"web/guard.go": imports("github.com/gorilla/sessions")}, 1},
		{"sessions at home", checkSessionsLibrary, map[string]string{"web/session.go": imports("github.com/gorilla/sessions")}, 0},
		{"a new folder", checkTopLevel, map[string]string{"pkg/a.go": "package pkg\n"}, 1},
		{"a source at the top", checkTopLevel, map[string]string{"main.go": "package main\n"}, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			fires(t, test.check, test.files, test.want)
		})
	}
}

// fires runs a check on a small tree and compares the number of its findings.
func fires(t *testing.T, c check, files map[string]string, want int) {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	planted, err := readTree(fsys)
	if err != nil {
		t.Fatal(err)
	}
	if got := c(planted); len(got) != want {
		t.Errorf("%d findings %v, want %d", len(got), got, want)
	}
}
