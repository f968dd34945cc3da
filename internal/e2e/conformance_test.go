package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
)

// validation is the folder of the official validators; without it tests say so
// and pass, and "make conformance" fails.
func validation(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("PORTAL_VALIDATION")
	if dir == "" {
		dir = filepath.Join(root, "..", "shared", "validation")
	}
	if _, err := os.Stat(filepath.Join(dir, "pdfa")); err != nil {
		if os.Getenv("PORTAL_CONFORMANCE") == "1" {
			t.Fatal(err)
		}
		t.Skipf("SKIPPED, NOT TESTED: the official validators of documents: %v", err)
	}
	return dir
}

// passes runs a validator, which must say PASS.
func passes(t *testing.T, command string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	run := exec.CommandContext(ctx, filepath.Join(validation(t), command), args...)
	run.WaitDelay = time.Second
	out, err := run.CombinedOutput()
	switch {
	case bytes.Contains(out, []byte("\nVERDICT PASS ")) && err == nil:
	case bytes.Contains(out, []byte("\nVERDICT FAIL ")) || os.Getenv("PORTAL_CONFORMANCE") == "1":
		t.Errorf("%s %v: %v\n%s", command, args, err, out)
	default:
		t.Skipf("SKIPPED, NOT TESTED: %s cannot tell: %v %s", command, err, out)
	}
}

// What the running program serves is what the validators want: PDF/A with the
// invoice inside that is served beside it, both syntaxes; the PDFs of bank invoices
// and receipts are for archives too, and have nothing inside.
func TestServedDocumentsConform(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the validators take their time")
	}
	validation(t)
	p := demoPlace(t)
	s := p.serve()
	defer s.stop()
	people, atMost := []string{"max"}, 2
	if os.Getenv("PORTAL_CONFORMANCE") == "1" {
		people, atMost = []string{"ona", "max", "olena", "lena", "tomas", "nora"}, 8
	}
	dir := t.TempDir()
	save := func(a *answer, name string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, a.body, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var drawings, cii, ubl, peppol []string
	kinds := map[string]int{}
	for _, person := range people {
		c := newClient(t, s.url)
		c.signIn(person)
		list := c.get("/invoices").doc().Find(mark("invoice") + "[data-type=invoice], " + mark("invoice") + "[data-type=credit_note]")
		for i := range min(atMost, list.Length()) {
			number := list.Eq(i).AttrOr("data-number", "")
			kinds[list.Eq(i).AttrOr("data-type", "")]++
			drawing := c.get("/invoices/" + number + ".pdf")
			if again := c.get("/invoices/" + number + ".pdf"); !bytes.Equal(again.body, drawing.body) {
				t.Errorf("%s is another file the second time", number)
			}
			path := save(drawing, number+".pdf")
			beside := c.get("/invoices/" + number + ".xml")
			passes(t, "facturx-extract", path, path+".inside.xml")
			if inside, err := os.ReadFile(path + ".inside.xml"); err != nil || !bytes.Equal(inside, beside.body) {
				t.Errorf("%s: inside is not what is beside it: %v", number, err)
			}
			drawings, cii = append(drawings, path), append(cii, save(beside, number+".cii.xml"))
			other := c.get("/invoices/" + number + ".ubl.xml")
			if file := save(other, number+".ubl.xml"); bytes.Contains(other.body, []byte("urn:fdc:peppol.eu")) {
				peppol = append(peppol, file)
			} else {
				ubl = append(ubl, file)
			}
		}
		// Orders and receipts: no tax invoices.
		for _, place := range []struct{ page, link string }{{"/subscriptions", `a[href^="/orders/"]`}, {"/balance", `a[href$=".pdf"]`}} {
			page := c.send(place.page, nil)
			if page.status != http.StatusOK {
				continue
			}
			page.doc().Find(place.link).EachWithBreak(func(_ int, a *goquery.Selection) bool {
				href := a.AttrOr("href", "")
				if order := regexp.MustCompile(`^/orders/O-[0-9-]+`).FindString(href); order != "" {
					href = order + "/bank-invoice.pdf"
				}
				file := c.send(href, nil)
				if file.status != http.StatusOK || !bytes.HasPrefix(file.body, []byte("%PDF-1.7\n")) {
					return true
				}
				if bytes.Contains(file.body, []byte("EmbeddedFile")) {
					t.Errorf("%s has something inside", href)
				}
				kinds[place.page]++
				drawings = append(drawings, save(file, fmt.Sprintf("%s-%d.pdf", strings.Trim(place.page, "/"), len(drawings))))
				return false
			})
		}
	}
	if len(cii) < 2 || len(drawings) <= len(cii) {
		t.Fatalf("%d invoices and %d files: %v", len(cii), len(drawings), kinds)
	}
	passes(t, "pdfa", drawings...)
	passes(t, "en16931", append([]string{"--facturx", "--warnings"}, cii...)...)
	if len(peppol) > 0 {
		passes(t, "en16931", append([]string{"--peppol", "--warnings"}, peppol...)...)
	}
	if len(ubl) > 0 {
		passes(t, "en16931", append([]string{"--warnings"}, ubl...)...)
	}
	t.Logf("%d PDFs, %d invoices: %v", len(drawings), len(cii), kinds)
}
