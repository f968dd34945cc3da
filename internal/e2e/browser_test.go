package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browsers bounds how many run at a time: each takes a core and more.
var browsers = make(chan struct{}, 2)

const (
	stepWithin    = 30 * time.Second // one click or one page on a busy machine
	browserWithin = 60 * time.Second // its start
)

// browser is Chromium with a fresh profile and one tab. It looks at what the
// pages do while the test works with them: see problems.
type browser struct {
	t      *testing.T
	ctx    context.Context
	base   string // the portal under test
	script bool   // JavaScript is on

	provider string // origin of the pages where people pay; empty until the test goes there

	mu       sync.Mutex
	problems []string
}

// newBrowser starts a browser with a window of this width. Names do not
// resolve in it, so no test depends on anybody's server.
func newBrowser(t *testing.T, base string, width int, script bool) *browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		missing(t, "chromium")
	}
	browsers <- struct{}{}
	t.Cleanup(func() { <-browsers })

	// Its profile is not in t.TempDir: helper processes write there while it is removed.
	profile, err := os.MkdirTemp("", "portal-e2e-browser-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(profile) })
	allocator, cancel := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.WindowSize(width, 900),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("force-color-profile", "srgb"),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"),
	)
	t.Cleanup(cancel)
	b := &browser{t: t, base: base, script: script}
	b.ctx, cancel = chromedp.NewContext(allocator, chromedp.WithListener(b.observe))
	t.Cleanup(func() {
		ctx, stop := context.WithTimeout(b.ctx, stepWithin)
		defer stop()
		_ = chromedp.Cancel(ctx) // it closes in good order, or is killed with its context
		cancel()
	})

	started := make(chan error, 1) // its context must have no deadline: the browser would end with it
	go func() { started <- chromedp.Do(b.ctx) }()
	select {
	case err = <-started:
	case <-time.After(browserWithin):
		err = fmt.Errorf("not started within %v", browserWithin)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	call(b, audits.Enable, cdp.Empty{})
	call(b, network.Enable, network.EnableParams{})
	call(b, log.Enable, cdp.Empty{})
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !script})
	b.resize(width)
	b.scheme("light")
	return b
}

// resize gives the window another width; up to 500 pixels it is a phone's.
func (b *browser) resize(width int) {
	b.t.Helper()
	if width > 500 {
		b.do(chromedp.EmulateViewport(int64(width), 900))
	} else {
		b.do(chromedp.EmulateViewport(int64(width), 780, chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulatePortrait))
	}
}

// scheme switches between light and dark. Nothing moves: a click must hit what
// was there when it was aimed, and colours must not be measured while they
// change.
func (b *browser) scheme(name string) {
	b.t.Helper()
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"}},
	})
}

// observe notes what must not happen: errors in the console, violations of the
// Content Security Policy, and requests to other hosts. The sign-in page loads
// Telegram's script, which does not resolve here.
func (b *browser) observe(event any) {
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" || e.Type == "assert" {
			text, _ := json.Marshal(e.Args)
			b.note("console %s: %s", e.Type, text)
		}
	case *runtime.EventExceptionThrown:
		b.note("exception: %s at %s", e.ExceptionDetails.Text, e.ExceptionDetails.URL)
	case *log.EventEntryAdded:
		if e.Entry.Level != log.EntryLevelError && e.Entry.Level != log.EntryLevelWarning || e.Entry.URL == widgetScript {
			return
		}
		b.note("log %s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL)
	case *audits.EventIssueAdded:
		detail, _ := json.Marshal(e.Issue.Details)
		b.note("issue %s: %s", e.Issue.Code, detail)
	case *network.EventRequestWillBeSent:
		// data: is the browser's own icon in a date field; a page's would violate the policy.
		if strings.HasPrefix(e.Request.URL, b.base+"/") || strings.HasPrefix(e.Request.URL, "data:") || e.Request.URL == widgetScript && pathOf(e.DocumentURL) == "/login" {
			return
		}
		if b.provider != "" && strings.HasPrefix(e.Request.URL, b.provider+"/") {
			return
		}
		b.note("request to another host: %s from %s", e.Request.URL, e.DocumentURL)
	}
}

const widgetScript = "https://telegram.org/js/telegram-widget.js?22"

func pathOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Path
}

func (b *browser) note(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.problems = append(b.problems, fmt.Sprintf(format, args...))
}

// calm fails the test for everything that observe noted since the last time.
func (b *browser) calm(where string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.problems {
		b.t.Errorf("%s: %s", where, p)
	}
	b.problems = nil
}

func call[P, R any](b *browser, command cdp.Command[P, R], params P) R {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepWithin)
	defer cancel()
	r, err := chromedp.Call(ctx, command, params)
	if err != nil {
		b.t.Fatalf("%s: %v", command.Method, err)
	}
	return r
}

// do carries out steps on the page.
func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepWithin)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("on %s: %v", b.path(), err)
	}
}

// goes carries out steps that end on another page, which must answer 200.
func (b *browser) goes(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	b.lands(http.StatusOK, steps...)
}

// lands carries out steps that end on another page, which answers this status.
func (b *browser) lands(status int64, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepWithin)
	defer cancel()
	response, err := chromedp.RunResponse(ctx, steps...)
	if err != nil {
		b.t.Fatalf("from %s: %v", b.path(), err)
	}
	if response.Status != status {
		b.t.Fatalf("%s: %d, not %d", response.URL, response.Status, status)
	}
}

// open goes to a path by its address.
func (b *browser) open(path string) { b.t.Helper(); b.goes(chromedp.Navigate(b.base + path)) }

// click follows a link or sends a form.
func (b *browser) click(selector string) {
	b.t.Helper()
	b.has(selector)
	b.goes(chromedp.Click(chromedp.CSS(selector)))
}

// fill replaces what a text field holds, key by key.
func (b *browser) fill(selector, text string) {
	b.t.Helper()
	b.has(selector)
	evaluate[chromedp.Void](b, `document.querySelector(`+quote(selector)+`).value = ""`)
	b.do(chromedp.SendKeys(chromedp.CSS(selector), text))
}

// evaluate returns the value of an expression in the page. It works where the
// page itself may run no script.
func evaluate[T any](b *browser, expression string, options ...chromedp.EvaluateOption) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepWithin)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, options...))
	if err != nil {
		b.t.Fatalf("on %s: %.200s: %v", b.path(), expression, err)
	}
	return value
}

// quote makes a string of JavaScript.
func quote(s string) string {
	text, _ := json.Marshal(s) // a string is always fit for JSON
	return string(text)
}

func (b *browser) path() string {
	ctx, cancel := context.WithTimeout(b.ctx, stepWithin)
	defer cancel()
	address, err := chromedp.Run(ctx, chromedp.Location())
	if err != nil {
		return err.Error()
	}
	return strings.TrimPrefix(address, b.base)
}

// at fails the test unless the page is this one.
func (b *browser) at(path string) {
	b.t.Helper()
	if got := b.path(); got != path {
		b.t.Fatalf("the browser is at %s, not at %s", got, path)
	}
}

// there reports whether a selector matches.
func (b *browser) there(selector string) bool {
	b.t.Helper()
	return evaluate[bool](b, `document.querySelector(`+quote(selector)+`) !== null`)
}

// has fails the test unless a selector matches; waiting for it would not help.
func (b *browser) has(selector string) {
	b.t.Helper()
	if !b.there(selector) {
		b.t.Fatalf("no %s on %s", selector, b.path())
	}
}

// await opens a page again and again until a selector matches on it.
func (b *browser) await(path, selector string) {
	b.t.Helper()
	for began := time.Now(); ; {
		b.open(path)
		if b.there(selector) {
			return
		}
		if time.Since(began) > stepWithin {
			b.t.Fatalf("no %s on %s: %s", selector, path, b.text("main"))
		}
	}
}

// back presses the browser's button, which leads to this page. chromedp would
// wait for a load, which a page that was kept has not.
func (b *browser) back(path string) {
	b.t.Helper()
	evaluate[chromedp.Void](b, `history.back()`)
	for began := time.Now(); b.path() != path && time.Since(began) < stepWithin; {
	}
	b.at(path)
}

// become signs a demo person in, after whoever was.
func (b *browser) become(person string) {
	b.t.Helper()
	b.leave()
	b.open("/login")
	b.click(`form:has([name="person"][value="` + person + `"]) button`)
	b.calm("at the sign-in of " + person)
}

// leave signs out whoever is signed in.
func (b *browser) leave() {
	b.t.Helper()
	if out := `form[action="/logout"] button`; b.there(out) {
		b.click(out)
	}
}

// text is what people read in the first element that a selector matches.
func (b *browser) text(selector string) string {
	b.t.Helper()
	b.has(selector)
	return evaluate[string](b, `document.querySelector(`+quote(selector)+`).innerText.replace(/\s+/g, " ").trim()`)
}

// attr is an attribute of the first element that a selector matches.
func (b *browser) attr(selector, name string) string {
	b.t.Helper()
	b.has(selector)
	return evaluate[string](b, `document.querySelector(`+quote(selector)+`).getAttribute(`+quote(name)+`) ?? ""`)
}

// value is what a field holds.
func (b *browser) value(selector string) string {
	b.t.Helper()
	b.has(selector)
	return evaluate[string](b, `document.querySelector(`+quote(selector)+`).value`)
}

// rejected forgives the page the one thing that the browser logs about a page
// with an error status, and nothing else.
func (b *browser) rejected(status int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	said := fmt.Sprintf("status of %d ", status)
	b.problems = slices.DeleteFunc(b.problems, func(p string) bool { return strings.HasPrefix(p, "log network: ") && strings.Contains(p, said) })
}

// client is an HTTP client with the browser's session.
func (b *browser) client() *client {
	b.t.Helper()
	c := newClient(b.t, b.base)
	u, err := url.Parse(b.base)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, cookie := range call(b, network.GetCookies, network.GetCookiesParams{URLs: []string{b.base + "/"}}).Cookies {
		if !cookie.HTTPOnly || cookie.SameSite == network.CookieSameSiteNone {
			b.t.Errorf("cookie %s is open to scripts or other sites", cookie.Name)
		}
		c.http.Jar.SetCookies(u, []*http.Cookie{{Name: cookie.Name, Value: cookie.Value}})
	}
	return c
}

// check judges the page that the browser shows: what it did while it loaded, its
// width, and where scripts run its accessibility in both colour schemes.
func (b *browser) check() {
	b.t.Helper()
	where := b.path()
	b.calm(where)
	if over := b.over(); over > 0 {
		b.t.Errorf("%s is %d px wider than its window, by %s", where, over, evaluate[string](b, widest))
	}
	if !b.script {
		return
	}
	for _, scheme := range []string{"light", "dark"} {
		b.scheme(scheme)
		for _, violation := range b.axe() {
			b.t.Errorf("%s, %s: %s", where, scheme, violation)
		}
	}
	b.scheme("light")
	b.mu.Lock()
	b.problems = nil // those of axe itself: it asks for nothing but what the page has
	b.mu.Unlock()
}

// over is by how many pixels the page is wider than its window.
func (b *browser) over() int {
	b.t.Helper()
	return evaluate[int](b, `document.documentElement.scrollWidth - document.documentElement.clientWidth`)
}

// widest names the first element that stands out of the window.
const widest = `(() => {
	const out = [...document.querySelectorAll("body *")].find(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5);
	return out ? out.outerHTML.slice(0, 200) : "nothing that stands out";
})()`

// axe returns the violations of WCAG 2.2, levels A and AA, that axe-core finds.
func (b *browser) axe() []string {
	b.t.Helper()
	evaluate[chromedp.Void](b, axeSource(b.t))
	return evaluate[[]string](b, `axe.run(document, {
		runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
		resultTypes: ["violations"],
	}).then(found => {
		if (found.passes.length < 5) return ["axe-core looked at nothing"];
		return found.violations.map(v => v.id + ": " + v.help + ": " + v.nodes.map(n => n.html.slice(0, 160) + " " + n.any.map(a => a.message).join(" ")).join(" | "));
	})`, chromedp.EvalAwaitPromise)
}

// axeSource is axe-core, which PORTAL_TEST_AXE names.
func axeSource(t testing.TB) string {
	t.Helper()
	return string(tool(t, "PORTAL_TEST_AXE", filepath.Join("axe-core", "axe.min.js"), "axe-core"))
}

// tool reads the file that a variable names, or the one that `make tools`
// installs.
func tool(t testing.TB, variable, installed, what string) []byte {
	t.Helper()
	content, err := os.ReadFile(toolPath(variable, installed))
	if err != nil {
		missing(t, what)
	}
	return content
}

func toolPath(variable, installed string) string {
	if name := os.Getenv(variable); name != "" {
		return name
	}
	return filepath.Join(root, ".cache", "npm", "node_modules", installed)
}
