package e2e

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/siptg/portal/internal/mail/mailtest"
)

// linkIn is where a mail leads to: its first link whose path begins so.
func linkIn(t testing.TB, m mailtest.Received, base, path string) string {
	t.Helper()
	parts, err := m.Parts()
	if err != nil || len(parts) == 0 {
		t.Fatalf("%d parts, %v", len(parts), err)
	}
	for line := range strings.Lines(string(parts[0].Bytes)) {
		if link, ok := strings.CutPrefix(strings.TrimSpace(line), base); ok && strings.HasPrefix(link, path) {
			return link
		}
	}
	t.Fatalf("no link to %s in\n%s", base+path, parts[0].Bytes)
	return ""
}

// mailingPlace is a place as an operator makes it, whose mails go to a server.
func mailingPlace(t *testing.T, mails *mailServer) *place {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	p := productionPlace(t)
	p.env = append(p.env, "PORTAL_SMTP_URL=smtp://"+mails.address, "PORTAL_ADDR="+address, "PORTAL_PUBLIC_URL=http://"+address)
	return p
}

// ownerAt is somebody with Telegram whose billing details are there.
func ownerAt(t *testing.T, s *process) *client {
	t.Helper()
	owner := newClient(t, s.url)
	owner.telegramSignIn(710_000_101, "Rasa")
	details := owner.get("/billing").form("/billing")
	for name, values := range lithuanian("Rasa Rasaitė") {
		details[name] = values
	}
	owner.post("/billing", details)
	return owner
}

// An accountant without Telegram, by the program, a mail server and browsers as
// they are: invited by e-mail, signed in by a link, downloading, and shut out.
// Another address gets the documents by mail as soon as they are issued.
func TestAccountantWithoutTelegram(t *testing.T) {
	t.Parallel()
	mails := newMailServer(t)
	p := mailingPlace(t, mails)
	s := p.serve()
	owner := ownerAt(t, s)

	add := owner.get("/billing/recipients").form("/billing/recipients")
	add.Set("email", "archive@office.example")
	owner.post("/billing/recipients", add)
	question := mails.wait("archive@office.example", 1)[0]
	reader := newClient(t, s.url)
	yes := linkIn(t, question, s.url, "/recipients/confirm?")
	reader.post("/recipients/confirm", reader.get(yes).form("/recipients/confirm"))

	to := owner.post("/orders", owner.get("/plans/softphone?accounts=2&period=6").form("/orders"))
	o := readOrder(owner.get(to))
	if r := p.run("bank", "import", statement(t, "RASA RASAITE", o)); r.code != 0 {
		t.Fatalf("bank import: %s%s", r.stdout, r.stderr)
	}
	number := owner.get("/invoices").attr("invoice", "data-number")

	invite := owner.get("/billing/members").form("/billing/members")
	invite.Set("email", "accountant@office.example")
	owner.post("/billing/members", invite)
	mails.wait("accountant@office.example", 1)
	accountant, thief := newClient(t, s.url), newClient(t, s.url)
	if a := accountant.send("/invoices/"+number, nil); a.status != http.StatusSeeOther {
		t.Errorf("before signing in: %d", a.status)
	}
	accountant.get("/login/email")
	accountant.post("/login/email", url.Values{"email": {"accountant@office.example"}})
	link := linkIn(t, mails.wait("accountant@office.example", 2)[1], s.url, "/login/link?")
	if a := thief.send(link, nil); a.status != http.StatusConflict {
		t.Errorf("the link in another browser: %d", a.status)
	}
	form := accountant.get(link).form("/login/link")
	if to := accountant.post("/login/link", form); to != "/invoices/"+number {
		t.Errorf("the sign-in led to %s", to)
	}
	for _, c := range []*client{accountant, thief} {
		if a := c.send("/login/link", form); a.status != http.StatusGone {
			t.Errorf("the link a second time: %d", a.status)
		}
	}
	pdf := accountant.get("/invoices/" + number + ".pdf").body
	xml := accountant.get("/invoices/" + number + ".xml").body
	for _, path := range []string{"/billing", "/orders", to + "/cancel", "/billing/members"} {
		if a := accountant.send(path, url.Values{"email": {"x@example.lt"}}); a.status != http.StatusForbidden {
			t.Errorf("the accountant sends a form to %s: %d", path, a.status)
		}
	}
	views := owner.get("/billing/views").find(mark("view"))
	if views.Length() < 2 || views.First().AttrOr("data-number", "") != number {
		t.Errorf("the log has %d lines", views.Length())
	}

	// The bank invoice, and then the invoice: the bytes that the portal serves.
	sent := mails.wait("archive@office.example", 3)
	var files []mailtest.Part
	for _, m := range sent[1:] {
		parts, err := m.Parts()
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, parts[2:]...)
	}
	slices.SortFunc(files, func(a, b mailtest.Part) int { return strings.Compare(a.Name, b.Name) }) // the mails come in either order
	if len(files) != 3 || !bytes.Equal(files[0].Bytes, pdf) || !bytes.Equal(files[1].Bytes, xml) || !strings.HasPrefix(files[2].Name, "bank-invoice-") {
		t.Errorf("%d files, the first is %q", len(files), files[0].Name)
	}

	member := owner.get("/billing/members").find(mark("member")+`[data-role="accountant"]`).AttrOr("data-id", "")
	owner.post("/billing/members/"+member+"/revoke", url.Values{"payer": {invite.Get("payer")}})
	for _, path := range []string{"/invoices/" + number + ".pdf", "/invoices", "/account"} {
		if a := accountant.send(path, nil); a.status != http.StatusSeeOther || a.header.Get("Location") != "/login" {
			t.Errorf("%s after revocation: %d", path, a.status)
		}
	}
	p.audit()
}

// An accountant reads mails on a page of another site and follows their links in a
// browser: to where a link is asked for, and by it into the portal. A large window
// with scripts and a phone's without.
func TestMailedLinkInBrowser(t *testing.T) {
	t.Parallel()
	for width, script := range map[int]bool{1280: true, 360: false} {
		t.Run(fmt.Sprintf("width=%d,script=%t", width, script), func(t *testing.T) {
			t.Parallel()
			mails := newMailServer(t)
			s := mailingPlace(t, mails).serve()
			mailedLink(t, s, mails, newBrowser(t, s.url, width, script))
		})
	}
}

func mailedLink(t *testing.T, s *process, mails *mailServer, b *browser) {
	owner := ownerAt(t, s)
	o := readOrder(owner.get(owner.post("/orders", owner.get("/plans/softphone?accounts=2&period=6").form("/orders"))))
	invite := owner.get("/billing/members").form("/billing/members")
	invite.Set("email", "accountant@office.example")
	owner.post("/billing/members", invite)

	// follow presses a link in the mail that came as the n-th.
	follow := func(n int, path string) {
		t.Helper()
		link := linkIn(t, mails.wait("accountant@office.example", n)[n-1], s.url, path)
		b.do(chromedp.Navigate("data:text/html,<!doctype html><title>Mail</title><a href='" + url.PathEscape(s.url+link) + "'>link</a>"))
		b.click("a")
		b.at(link)
		b.check()
	}
	follow(1, "/login/email")
	b.fill(`[name="email"]`, "accountant@office.example")
	b.click(`form[action="/login/email"] button`)
	b.check()
	follow(2, "/login/link?")
	if text := b.text(mark("joins")); text != "Rasa Rasaitė" {
		t.Errorf("the link joins %q", text)
	}
	b.click(mark("sign-in") + ` button`)
	b.check()
	b.click(`.nav a[href="/invoices"]`)
	b.check()
	if got := b.attr(mark("invoice"), "data-number"); got != o.number {
		t.Errorf("the first document is %s, not %s", got, o.number)
	}
	b.click(mark("invoice") + ` th a`)
	b.check()

	member := owner.get("/billing/members").find(mark("member")+`[data-role="accountant"]`).AttrOr("data-id", "")
	owner.post("/billing/members/"+member+"/revoke", url.Values{"payer": {invite.Get("payer")}})
	b.click(`.nav a[href="/invoices"]`)
	b.at("/login")
}
