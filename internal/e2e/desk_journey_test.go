package e2e

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/jackc/pgx/v5"

	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/storetest"
)

// An accountant without Telegram signs in by e-mail, finds last year's documents
// with the keyboard and a word, takes two of them away while their files are still
// drawn, and comes back to the same list; then the owner shuts the door. In a
// browser: a large window with scripts and a phone's without.
func TestDeskJourneyInBrowser(t *testing.T) {
	t.Parallel()
	for width, script := range map[int]bool{1280: true, 360: false} {
		t.Run(fmt.Sprintf("width=%d,script=%t", width, script), func(t *testing.T) {
			t.Parallel()
			dsn := storetest.Database(t)
			patient, err := url.Parse(dsn)
			if err != nil {
				t.Fatal(err)
			}
			settings := patient.Query()
			settings.Set("lock_timeout", "10s") // see slowly
			patient.RawQuery = settings.Encode()
			p := newPlace(t, "PORTAL_MODE=demo", "DATABASE_URL="+patient.String())
			s := p.serve("--no-jobs")
			deskJourney(t, s, dsn, newBrowser(t, s.url, width, script))
			p.audit()
		})
	}
}

func deskJourney(t *testing.T, s *process, dsn string, b *browser) {
	b.open("/login")
	b.click(`main a[href="/login/email"]`)
	b.check()
	b.fill(`[name="email"]`, app.DemoAccountant)
	b.click(`form[action="/login/email"] button`)
	b.check()
	b.click(mark("demo-link"))
	b.check()
	b.click(mark("sign-in") + ` button`)
	b.click(`.nav a[href="/invoices"]`)
	b.check()

	// There is nothing that an accountant could change but their own language and zone.
	for _, path := range []string{"/invoices/" + b.attr(mark("invoice"), "data-number"), "/statement", "/billing", "/account", "/invoices"} {
		b.open(path)
		b.check()
		writes := evaluate[[]string](b, `[...document.querySelectorAll('form[method="post"]')].filter(f => f.querySelector("button:not(:disabled)")).map(f => f.getAttribute("action"))`)
		writes = slices.DeleteFunc(writes, func(action string) bool {
			return action == "/logout" || action == "/demo/clock" || action == path && path == "/account"
		})
		if len(writes) > 0 {
			t.Errorf("an accountant on %s may send %q", path, writes)
		}
	}

	// Last year, by the keyboard alone.
	count := func() int {
		t.Helper()
		return evaluate[int](b, `document.querySelectorAll('[data-testid="invoice"]').length`)
	}
	from, to := fmt.Sprintf("%d-01-01", today().Year-1), fmt.Sprintf("%d-12-31", today().Year-1)
	preset := "/invoices?" + url.Values{"from": {from}, "to": {to}}.Encode()
	for presses := 0; evaluate[string](b, `document.activeElement.getAttribute("href") ?? ""`) != preset; presses++ {
		if presses == 40 {
			t.Fatalf("no key leads to %s", preset)
		}
		b.do(chromedp.KeyEvent(kb.Tab))
	}
	b.goes(chromedp.KeyEvent(kb.Enter))
	b.at(preset)
	b.check()

	// Its bank invoices: of two plans, each half a year. A word that is nowhere finds none.
	show := `form.filter button`
	b.do(chromedp.SetValue(chromedp.CSS(`[name="type"]`), "bank_invoice"))
	b.fill(`[name="q"]`, "nowhere")
	b.click(show)
	b.check()
	if n := count(); n != 0 || b.value(`form.filter [name="from"]`) != from || b.value(`form.filter [name="type"]`) != "bank_invoice" {
		t.Fatalf("%d documents from %s: %s", n, b.value(`form.filter [name="from"]`), b.path())
	}
	b.fill(`[name="q"]`, "po-4711")
	b.click(show)
	b.check()
	list := b.path()
	rows := evaluate[[]string](b, `[...document.querySelectorAll('[data-testid="invoice"]')].map(r => r.querySelector("time").dateTime + "_" + r.dataset.number)`)
	n := len(rows)
	if n < 3 || rows[0] > to+"_~" || rows[n-1] < from { // the newest first
		t.Fatalf("from %s to %s: %q", from, to, rows)
	}

	// The two oldest, as a ZIP. Their files take longer than people are kept waiting.
	var want []string
	for _, row := range []string{rows[n-1], rows[n-2]} {
		_, number, _ := strings.Cut(row, "_")
		want = append(want, row+"_Brenner-Söhne-Großhandel-GmbH.pdf")
		b.do(chromedp.Click(chromedp.CSS(`[name="pick.` + number + `"]`)))
	}
	want = append(want, "index.csv", "index.xlsx", "statement_"+from+"_"+to+"_Brenner-Söhne-Großhandel-GmbH.csv", "SHA256SUMS")
	dir, whole := b.downloads()
	drawn := slowly(t, dsn)
	b.lands(http.StatusAccepted, chromedp.Click(chromedp.CSS(`button[name="format"][value="zip"]`)))
	if err := <-drawn; err != nil {
		t.Fatal(err)
	}
	if done, of := b.attr(mark("progress"), "data-done"), b.attr(mark("progress"), "data-of"); done != "1" || of != "2" {
		t.Errorf("%s of %s files are ready", done, of)
	}
	b.check()
	name := "documents_" + from + "_" + to + ".zip"
	select {
	case got := <-whole:
		if got != name {
			t.Errorf("the file is %q", got)
		}
	case <-time.After(stepWithin):
		t.Fatalf("nothing is downloaded: %s", b.text("main"))
	}
	if names := zipNames(t, filepath.Join(dir, name)); !slices.Equal(names, want) {
		t.Errorf("the ZIP has %q, not %q", names, want)
	}

	// Back to the same list.
	b.back(list)
	if count() != n || b.value(`form.filter [name="q"]`) != "po-4711" || b.value(`form.filter [name="type"]`) != "bank_invoice" || b.value(`form.filter [name="to"]`) != to {
		t.Errorf("back again: %d documents, %s", count(), b.text("main"))
	}
	b.check()

	b.open(list) // chromedp finds nothing to click on a page that was kept

	// Max sees what was taken, and takes the seat away.
	owner := newClient(t, s.url)
	owner.signIn("max")
	if n := owner.get("/billing/views").find(mark("view") + `[data-kind="bank_invoice"][data-format="zip"]`).Length(); n != 2 {
		t.Errorf("the log has %d documents", n)
	}
	people := owner.get("/billing/members")
	revoke := "/billing/members/" + people.find(mark("member")+`[data-role="accountant"]`).AttrOr("data-id", "") + "/revoke"
	owner.post(revoke, people.form(revoke))
	b.click(mark("invoice") + ` th a`)
	b.at("/login")
	b.check()
}

// zipNames are the names in a ZIP, in its order.
func zipNames(t *testing.T, file string) (names []string) {
	t.Helper()
	packed, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range packed.File {
		names = append(names, f.Name)
	}
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
	return names
}

// slowly has the next file that is drawn take longer than one look at the page of
// progress (web.drawTime): its record waits for a lock until that is over. The
// channel says when. Jobs, which draw too, must not run.
func slowly(t *testing.T, dsn string) <-chan error {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), stepWithin)
	db, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(ctx, `BEGIN; LOCK TABLE document_file IN SHARE MODE`); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		defer cancel()
		for range time.Tick(20 * time.Millisecond) {
			over := false
			err := db.QueryRow(ctx, `
				SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND clock_timestamp() - waitstart > interval '2.2 seconds'
				    AND relation = 'document_file'::regclass AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`).Scan(&over)
			if err != nil || over {
				done <- errors.Join(err, db.Close(ctx)) // which lets go
				return
			}
		}
	}()
	return done
}

// downloads has the browser keep what it downloads in a directory. The channel
// gives the names of files that are whole.
func (b *browser) downloads() (dir string, whole <-chan string) {
	b.t.Helper()
	dir = b.t.TempDir()
	names, suggested := make(chan string, 10), map[string]string{}
	if err := chromedp.Listen(b.ctx, func(event any) {
		switch e := event.(type) {
		case *cdpbrowser.EventDownloadWillBegin:
			suggested[e.GUID] = e.SuggestedFilename
		case *cdpbrowser.EventDownloadProgress:
			if e.State == cdpbrowser.DownloadProgressStateCompleted {
				names <- suggested[e.GUID]
			}
		}
	}); err != nil {
		b.t.Fatal(err)
	}
	events := true
	call(b, cdpbrowser.SetDownloadBehavior, cdpbrowser.SetDownloadBehaviorParams{
		Behavior: cdpbrowser.SetDownloadBehaviorBehaviorAllow, DownloadPath: dir, EventsEnabled: &events,
	})
	return dir, names
}
