package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// Somebody has an invoice on paper: a camera reads where its code leads, and the
// page there says whether it is genuine, and no more. In a browser: a large window
// with scripts and a phone's without.
func TestVerifyJourneyInBrowser(t *testing.T) {
	t.Parallel()
	for width, script := range map[int]bool{1280: true, 360: false} {
		t.Run(fmt.Sprintf("width=%d,script=%t", width, script), func(t *testing.T) {
			t.Parallel()
			p := demoPlace(t)
			verifyJourney(t, p, newBrowser(t, p.serve().url, width, script))
		})
	}
}

func verifyJourney(t *testing.T, p *place, b *browser) {
	const row = `[data-testid="invoice"][data-type="invoice"]`
	b.become("ona")
	b.open("/invoices")
	number, date, total := b.attr(row, "data-number"), b.attr(row+` time`, "datetime"), amountOf(t, b.attr(row, "data-minor")).Decimal()
	address := codeOf(t, b.client().get("/invoices/"+number+".pdf").body)
	if want := b.base + "/verify?number=" + number; address != want {
		t.Fatalf("the code leads to %q, not to %q", address, want)
	}
	b.open("/invoices/" + number)
	order := b.text(`main a[href^="/orders/"]`)
	b.leave()

	secrets := []string{"Ona", "Kazlauskait", "Žvėryno", order, total}
	// ask types what stands on the paper and returns what the page says.
	ask := func(date, total, verdict string) string {
		t.Helper()
		b.do(chromedp.SetValue(chromedp.CSS(`[name="date"]`), date))
		b.fill(`[name="total"]`, total)
		b.click(`form[action="/verify"] button`)
		b.check()
		if got := b.attr(mark("verdict"), "data-verdict"); got != verdict {
			t.Errorf("%s of %s is %s, not %s", b.value(`[name="number"]`), date, got, verdict)
		}
		text := b.text("main")
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("the page tells %q: %s", secret, text)
			}
		}
		return text
	}
	follow := func() {
		t.Helper()
		b.open(strings.TrimPrefix(address, b.base))
		if b.value(`[name="number"]`) != number || b.value(`[name="date"]`) != "" || b.value(`[name="total"]`) != "" || b.there(mark("verdict")) {
			t.Errorf("the code tells more than the number: %s", b.text("main"))
		}
		b.check()
	}
	follow()
	ask(date, strings.ReplaceAll(total, ".", ",")+" EUR", "genuine")
	wrong := ask(date, "1"+total, "unknown")
	b.fill(`[name="number"]`, "SIP-2001-000001")
	if absent := ask(date, total, "unknown"); absent != wrong {
		t.Errorf("a wrong total: %s\na number that does not exist: %s", wrong, absent)
	}

	// Ona has her name corrected.
	b.become("ona")
	b.open("/requests/new/correction?invoice=" + number)
	b.fill(`[name="name"]`, "Ona Petrauskienė")
	b.click(mark("correction-form") + ` button`)
	b.click(mark("correction-confirm") + ` [value="confirm"]`)
	instead := strings.TrimPrefix(b.path(), "/invoices/")
	b.open("/invoices")
	row2 := mark("invoice") + `[data-number="` + instead + `"]`
	date2, total2 := b.attr(row2+` time`, "datetime"), amountOf(t, b.attr(row2, "data-minor")).Decimal()
	b.leave()

	// The old paper is no longer in force; nothing leads from it to the new one.
	secrets = append(secrets, "Petrauskien", instead, strings.Replace(instead, "SIP-", "SIPC-", 1))
	follow()
	ask(date, total, "corrected")
	ask(date, "1"+total, "unknown")
	b.fill(`[name="number"]`, instead)
	ask(date2, total2, "genuine")
	p.audit()
}

// codeOf is what a camera reads on the last page of a PDF file.
func codeOf(t *testing.T, file []byte) string {
	t.Helper()
	for _, name := range []string{"pdftoppm", "zbarimg"} {
		if _, err := exec.LookPath(name); err != nil {
			missing(t, name)
		}
	}
	dir := t.TempDir()
	pdf := filepath.Join(dir, "document.pdf")
	if err := os.WriteFile(pdf, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("pdftoppm", "-r", "150", "-png", pdf, filepath.Join(dir, "page")).CombinedOutput(); err != nil {
		t.Fatalf("pdftoppm: %v\n%s", err, out)
	}
	pages, err := filepath.Glob(filepath.Join(dir, "page*.png"))
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	read, err := exec.Command("zbarimg", "--raw", "--quiet", "-Sbinary", pages[len(pages)-1]).Output()
	if err != nil {
		t.Fatalf("no code is read: %v", err)
	}
	return strings.TrimSpace(string(read))
}
