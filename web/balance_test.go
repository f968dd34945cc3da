package web

import (
	"net/http"
	"strings"
	"testing"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/i18n"
)

func TestStatementPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.owner.open("/statement")
	if n := a.mark("movement").Length(); n != 2 {
		t.Fatalf("%d movements\n%s", n, clip(a.body, 2000))
	}
	for mark, want := range map[string]string{"opening": "0", "closing": "0", "in": w.paidMinor(), "out": w.paidMinor()} {
		if got := a.mark(mark).AttrOr("data-minor", ""); got != want {
			t.Errorf("%s: %s, want %s", mark, got, want)
		}
	}
	row := a.mark("movement").Last()
	for _, link := range []string{"/orders/" + w.paid.Number, "/invoices/" + w.paid.InvoiceNumber} {
		if row.Find(`a[href="`+link+`"]`).Length() != 1 {
			t.Errorf("no link to %s", link)
		}
	}
	if got := a.doc().Find("#f-from").AttrOr("value", ""); got != "2026-01-01" {
		t.Errorf("from %q", got)
	}
	current := a.doc().Find(".chips a[aria-current]")
	if current.Length() != 1 || !strings.HasPrefix(current.AttrOr("href", ""), "/statement?from=2026-01-01") {
		t.Errorf("chosen period: %v", current.AttrOr("href", ""))
	}
	// An accountant reads it, and sees no orders.
	path := "/statement?payer=" + string(w.payer)
	a = w.accountant.open(path)
	if a.mark("movement").Length() != 2 || a.doc().Find(`a[href^="/orders/"]`).Length() != 0 {
		t.Errorf("the accountant: %s", clip(a.body, 2000))
	}
	if w.owner.open("/statement?from=2025-01-01&to=2025-12-31").doc().Find(`[data-testid="movement"]`).Length() != 0 {
		t.Error("movements of this year stand in last year's statement")
	}
	if w.owner.open("/invoices").doc().Find(`a[href="/statement"]`).Length() != 1 {
		t.Error("no way from the invoices")
	}
}

// paidMinor is the total of the paid order in cents.
func (w *world) paidMinor() string { return strings.Replace(w.paid.Total.Decimal(), ".", "", 1) }

func TestStatementMistakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for query, field := range map[string]string{
		"from=2026-13-01":               "from",
		"to=x":                          "to",
		"from=2026-12-01&to=2026-11-01": "to",
	} {
		a := w.owner.get("/statement?" + query)
		if a.status != http.StatusUnprocessableEntity || a.mark("error").AttrOr("data-field", "") != field {
			t.Errorf("%s: %d %s", query, a.status, a.mark("error").Text())
		}
	}
	if a := w.owner.get("/statement?payer=a&payer=b"); a.status != http.StatusUnprocessableEntity {
		t.Errorf("two payers: %d", a.status)
	}
	if got := periodText(i18n.New("en"), civil.Date{}, civil.MustParse("2026-12-31")); got != "– 31 December 2026" {
		t.Errorf("an open period: %q", got)
	}
}
