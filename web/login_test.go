package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/siptg/portal/internal/telegram"
)

func TestSignInAndOut(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser()
	if a := b.get("/account"); a.status != http.StatusSeeOther || a.location() != "/login" {
		t.Fatalf("anonymous: %d %q", a.status, a.location())
	}
	a := b.signIn(7_900_000_000_201, "Ona")
	if a.status != http.StatusOK || a.mark("session").Length() != 1 {
		t.Fatalf("after sign-in: %d %s", a.status, a.body)
	}
	if got := a.doc().Find(".who-name bdi").Text(); got != "Ona" {
		t.Errorf("name %q", got)
	}
	old := b.token()
	a = b.post("/logout", nil)
	if a.status != http.StatusSeeOther || b.token() != "" {
		t.Errorf("sign out: %d, token %q", a.status, b.token())
	}
	if _, err := s.app.ActorBySession(s.ctx(), old); err == nil {
		t.Error("the session lives on")
	}
}
