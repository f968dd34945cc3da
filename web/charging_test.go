package web

import (
	"net/http"
	"strings"
	"testing"

	"github.com/siptg/portal/internal/audit"
)

// While charging is halted every page of a signed-in person stays up and says so;
// nobody else is told, and afterwards nobody is.
func TestPagesSayThatChargingIsHalted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const banner, words = `data-testid="charging-halted"`, "Charging is paused while we check our books; nothing will be taken. Your service goes on."
	pages := 0
	look := func(b *browser, halted bool) {
		for _, r := range w.web.routes() {
			line := matrix[r.Name]
			if r.Method != http.MethodGet || line.call == nil || line.want[4] != found || r.Guard == bare {
				continue
			}
			path := line.call(w).path
			a := b.get(path)
			if b == w.owner && a.status != http.StatusOK {
				t.Errorf("%s: %d", path, a.status)
			}
			if !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
				continue
			}
			pages++
			if strings.Contains(a.body, banner) != halted || strings.Contains(a.body, words) != halted {
				t.Errorf("%s: the banner is not as it should be (%t)", path, halted)
			}
		}
	}
	look(w.owner, false)
	w.must(w.app.HaltCharging(w.ctx(), "test", audit.ByCommand("test")))
	look(w.owner, true)
	look(w.browser(), false)
	if a := w.owner.get("/nowhere"); a.status != http.StatusNotFound || !strings.Contains(a.body, banner) {
		t.Errorf("a missing page: %d", a.status)
	}
	_, err := w.app.ResumeCharging(w.ctx(), audit.ByCommand("test"))
	w.must(err)
	look(w.owner, false)
	if pages < 30 {
		t.Errorf("only %d pages were looked at", pages)
	}
}
