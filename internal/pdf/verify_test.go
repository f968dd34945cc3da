package pdf_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/pdf"
)

// A camera reads the address for checking a document from its last page; it
// carries the number and nothing else of the document.
func TestVerifyCodeReadsBack(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d invoice.Document) {
		if d.Kind != invoice.KindInvoice && d.Kind != invoice.KindCreditNote {
			return
		}
		image := filepath.Join(t.TempDir(), "page")
		tool(t, render(t, d), "pdftoppm", "poppler-utils", "-r", "300", "-png", "{}", image)
		pages, err := filepath.Glob(image + "*.png")
		if err != nil || len(pages) == 0 {
			t.Fatalf("no pages: %v", err)
		}
		last, err := os.ReadFile(pages[len(pages)-1])
		if err != nil {
			t.Fatal(err)
		}
		if got := string(tool(t, last, "zbarimg", "zbar-tools", "--raw", "--quiet", "-Sbinary", "{}")); got != d.VerifyURL {
			t.Errorf("read %q, want %q", got, d.VerifyURL)
		}
	})
}

func TestVerifyCodeIsLeftOut(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "https://" + strings.Repeat("long.", 60) + "example/verify"} {
		if pdf.VerifyCode(url) != nil {
			t.Errorf("a code for %q", url)
		}
	}
}
