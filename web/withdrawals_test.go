package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Two clicks: the link on the subscription's page, and the confirmation. The
// receipt says what was withdrawn from and when, and stays; the invoice and its
// credit note name each other.
func TestWithdraw(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, path := subscribed(s, 440, "Ona")
	link := ona.get(path).mark("withdraw-link")
	if got := link.AttrOr("href", ""); got != path+"/withdraw" {
		t.Fatalf("link %q", got)
	}
	page := ona.get(path + "/withdraw")
	if page.status != http.StatusOK || page.mark("withdrawal-total").AttrOr("data-minor", "") != "7260" {
		t.Fatalf("page: %d\n%s", page.status, clip(page.body, 500))
	}
	token := page.doc().Find(`[data-testid="withdraw"] input[name="token"]`).AttrOr("value", "")
	for _, wrong := range []string{"", "x", token + "A"} {
		if a := ona.post(path+"/withdraw", url.Values{"token": {wrong}}); a.status != http.StatusUnprocessableEntity || a.mark("withdrawal-total").Length() != 1 {
			t.Errorf("token %q: %d", wrong, a.status)
		}
	}
	first := ona.post(path+"/withdraw", url.Values{"token": {token}})
	again := ona.post(path+"/withdraw", url.Values{"token": {token}})
	if first.status != http.StatusSeeOther || first.location() != again.location() {
		t.Fatalf("%d %q, then %d %q", first.status, first.location(), again.status, again.location())
	}
	receipt := ona.get(first.location())
	if got := receipt.mark("withdrawn-at").AttrOr("datetime", ""); got != s.clock.Now().UTC().Format(time.RFC3339) {
		t.Errorf("withdrawn at %q", got)
	}
	order := receipt.mark("withdrawn-order")
	if n := order.Length(); n != 1 || order.Find(`a[href^="/invoices/SIP-"]`).Length() != 1 || order.Find(`a[href^="/invoices/SIPC-"]`).Length() != 1 {
		t.Errorf("%d orders: %s", n, order.Text())
	}
	if got := receipt.mark("transfer"); got.AttrOr("data-state", "") != "requested" || got.AttrOr("data-minor", "") != "7260" || !strings.Contains(got.Text(), "…3000") {
		t.Errorf("nothing of the transfer: %s", receipt.mark("withdrawal-receipt").Text())
	}
	if a := ona.get(path); a.doc().Find(`[data-testid="withdraw-link"]`).Length() != 0 || !strings.Contains(a.mark("history").Text(), "withdrawn") {
		t.Errorf("afterwards: %s", a.mark("history").Text())
	}
	if a := ona.get(path + "/withdraw"); a.status != http.StatusConflict {
		t.Errorf("the page afterwards: %d", a.status)
	}
	note := order.Find(`a[href^="/invoices/SIPC-"]`).AttrOr("href", "")
	credit := ona.get(note)
	corrected := credit.doc().Find(`a[href^="/invoices/SIP-"]`).AttrOr("href", "")
	if credit.mark("document").AttrOr("data-type", "") != "credit_note" || corrected == "" || ona.get(corrected).doc().Find(`a[href="`+note+`"]`).Length() == 0 {
		t.Errorf("%s and %q do not name each other", note, corrected)
	}
	if a := ona.get(note + ".pdf"); a.status != http.StatusOK || !strings.HasPrefix(a.body, "%PDF") {
		t.Errorf("file: %d", a.status)
	}
	list := ona.get("/invoices?type=credit_note").mark("invoice")
	if list.Length() != 1 || list.AttrOr("data-minor", "") != "7260" || list.Find(`[data-label="Total"]`).Text() != "−€72.60" {
		t.Errorf("list: %d %q", list.Length(), list.AttrOr("data-minor", ""))
	}
	if statement := ona.get("/statement").mark("movement"); !strings.Contains(statement.Text(), "Credited to you") {
		t.Errorf("statement: %s", statement.Text())
	}
}

// Who may not withdraw sees no link, and the page says that there is nothing.
func TestNoWithdrawal(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	_, path := subscribed(s, 441, "Ona")
	s.clock.Set(s.clock.Now().Add(15 * 24 * time.Hour))
	ona := s.person(441, "Ona") // who was signed out meanwhile
	if a := ona.get(path); a.doc().Find(`[data-testid="withdraw-link"]`).Length() != 0 || a.status != http.StatusOK {
		t.Error("after 15 days the link is there")
	}
	a := ona.get(path + "/withdraw")
	if text := a.mark("withdrawal-refused").Text(); a.status != http.StatusConflict || !strings.Contains(text, "within 14 days") {
		t.Errorf("after 15 days: %d %q", a.status, text)
	}
}
