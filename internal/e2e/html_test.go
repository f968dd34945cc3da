package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

// Every page that links lead to, for every kind of person, is there and is
// correct HTML; so are error pages, style sheets and pictures.
func TestPagesAreCorrectHTML(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("java"); err != nil {
		missing(t, "java")
	}
	jar := toolPath("PORTAL_TEST_VNU", filepath.Join("vnu-jar", "build", "dist", "vnu.jar"))
	if _, err := os.Stat(jar); err != nil {
		missing(t, "the Nu Html Checker")
	}
	base := demoPlace(t).serve().url
	pages := &collection{t: t, dir: t.TempDir(), names: map[string]string{}}
	for _, person := range []string{"", "max", "lena", "tomas", "nora", "olena", "rasa"} {
		c := newClient(t, base)
		if person != "" {
			c.signIn(person)
		}
		pages.crawl(c, person)
		pages.mistakes(c, person)
	}
	if n := len(pages.names); n < 60 {
		t.Errorf("only %d files were found", n)
	}
	for _, kind := range []string{"html", "css", "svg"} {
		for _, finding := range pages.validate(jar, kind) {
			t.Error(finding)
		}
	}

	planted := &collection{t: t, dir: t.TempDir(), names: map[string]string{"bad.html": "a planted page"}}
	if err := os.WriteFile(filepath.Join(planted.dir, "bad.html"), []byte("<!doctype html><title>x</title><img src=a><p><div></p>"), 0o600); err != nil {
		t.Fatal(err)
	}
	if found := planted.validate(jar, "html"); len(found) < 2 {
		t.Errorf("the checker finds only %q in a planted page", found)
	}
}

// collection keeps what was fetched, in files whose names tell their kind.
type collection struct {
	t     *testing.T
	dir   string
	names map[string]string // of a file: whose page it is
}

func (p *collection) add(a *answer, whose string) {
	p.t.Helper()
	kind, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	extension, checked := map[string]string{"text/html": "html", "text/css": "css", "image/svg+xml": "svg"}[kind]
	if !checked {
		return
	}
	name := fmt.Sprintf("%04d.%s", len(p.names), extension)
	p.names[name] = fmt.Sprintf("%s (%d, %q)", a.path, a.status, whose)
	if err := os.WriteFile(filepath.Join(p.dir, name), a.body, 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// enough bounds a crawl: combinations of filters and options have no end.
const enough = 80

// crawl follows every link of ours, breadth first.
func (p *collection) crawl(c *client, person string) {
	p.t.Helper()
	queue, seen := []string{"/"}, map[string]bool{"/": true}
	for i := 0; i < len(queue) && i < enough; i++ {
		a := c.send(queue[i], nil)
		if a.status == http.StatusSeeOther && person == "" || a.status == http.StatusSeeOther && queue[i] == "/login" {
			continue // nobody's way to a page of somebody leads to the sign-in
		}
		if a.status != http.StatusOK {
			p.t.Errorf("%s (%q): %d", queue[i], person, a.status)
			continue
		}
		if strings.HasPrefix(queue[i], "/static/") && person != "" {
			continue // the same for everybody
		}
		p.add(a, person)
		if !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
			continue
		}
		a.doc().Find("a[href], link[href]").Each(func(_ int, link *goquery.Selection) {
			href, _ := link.Attr("href")
			u, err := url.Parse(href)
			if err != nil || u.Host != "" || u.Scheme != "" {
				return
			}
			to := (&url.URL{Path: a.path}).ResolveReference(u)
			if u.Path == "" { // "#main" and "?payer=new"
				to.Path, _, _ = strings.Cut(a.path, "?")
			}
			if to.Fragment = ""; !seen[to.String()] {
				seen[to.String()] = true
				queue = append(queue, to.String())
			}
		})
	}
}

// mistakes collects the pages that say no.
func (p *collection) mistakes(c *client, person string) {
	p.t.Helper()
	refused := func(status int, path string, form url.Values) {
		p.t.Helper()
		a := c.send(path, form)
		if a.status != status {
			p.t.Errorf("%s %v (%q): %d, want %d", path, form, person, a.status, status)
		}
		p.add(a, person)
	}
	refused(http.StatusNotFound, "/no/such/page", nil)
	refused(http.StatusNotFound, "/plans/starter", nil)
	refused(http.StatusMethodNotAllowed, "/plans", url.Values{})
	refused(http.StatusUnprocessableEntity, "/plans/softphone?accounts=-1&period=7&country=XX", nil)
	refused(http.StatusUnprocessableEntity, "/plans/gateway?lines=%3Cb%3E&extra_accounts=2&period=6", nil)
	if person == "" {
		return
	}
	refused(http.StatusNotFound, "/orders/O-2026-999999", nil)
	refused(http.StatusNotFound, "/invoices/SIP-2026-999999", nil)
	if person != "max" {
		return
	}
	refused(http.StatusUnprocessableEntity, "/invoices?from=yesterday&to=2026-99-99", nil)
	details := c.get("/billing").form("/billing")
	for name := range details {
		if name != "payer" {
			details.Set(name, `"'<&`)
		}
	}
	refused(http.StatusUnprocessableEntity, "/billing", details)
	topUp := c.get("/balance").form("/balance/top-up")
	topUp.Set("amount", `"'<&`)
	topUp.Set("method", "card")
	refused(http.StatusUnprocessableEntity, "/balance/top-up", topUp)
	offer := c.get("/plans/gateway?lines=2&extra_accounts=0&period=12").form("/orders")
	offer.Set("lines", "3")
	refused(http.StatusConflict, "/orders", offer)
	c.origin = "https://elsewhere.example"
	refused(http.StatusForbidden, "/logout", url.Values{})
}

// validate returns what the Nu Html Checker finds in all files of a kind.
func (p *collection) validate(jar, kind string) (findings []string) {
	p.t.Helper()
	args := []string{"-Xss8m", "-jar", jar, "--format", "json", "--stdout", "--exit-zero-always", "--errors-only", "--" + kind}
	before := len(args)
	for _, name := range slices.Sorted(maps.Keys(p.names)) {
		if strings.HasSuffix(name, "."+kind) {
			args = append(args, filepath.Join(p.dir, name))
		}
	}
	p.t.Logf("%d %s files", len(args)-before, kind)
	if len(args) == before {
		return []string{"no " + kind + " was found"}
	}
	c := exec.Command("java", args...)
	out, err := c.Output()
	if err != nil {
		p.t.Fatalf("vnu: %v\n%s", err, out)
	}
	var report struct {
		Messages []struct {
			URL, Message, Extract string
			LastLine, LastColumn  int
		}
	}
	if err := json.Unmarshal(out, &report); err != nil {
		p.t.Fatalf("vnu printed no report: %v\n%s", err, out)
	}
	for _, m := range report.Messages {
		findings = append(findings, fmt.Sprintf("%s: %d:%d: %s: %s",
			p.names[filepath.Base(m.URL)], m.LastLine, m.LastColumn, m.Message, strings.Join(strings.Fields(m.Extract), " ")))
	}
	return findings
}
