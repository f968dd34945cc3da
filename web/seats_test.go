package web

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
)

// invitation is the id of an open invitation of the payer.
func (w *world) invitation() (id string) {
	w.t.Helper()
	if w.count(`SELECT count(*) FROM invitation WHERE state = 'pending'`) == 0 {
		w.must(w.app.InviteAccountant(w.ctx(), w.owner.actor(), w.payer, "invited@example.lt"))
	}
	w.must(w.db.Pool().QueryRow(w.ctx(), `SELECT id::text FROM invitation WHERE state = 'pending' LIMIT 1`).Scan(&id))
	return id
}

// recipient is the id of an address that has not confirmed yet.
func (w *world) recipient() (id string) {
	w.t.Helper()
	const find = `SELECT id::text FROM recipient WHERE email = 'asked@example.lt' AND removed_at IS NULL ORDER BY added_at DESC LIMIT 1`
	if w.db.Pool().QueryRow(w.ctx(), find).Scan(&id) != nil {
		w.must(w.app.AddRecipient(w.ctx(), w.owner.actor(), w.payer, app.RecipientInput{Email: "asked@example.lt", Invoices: true, PDF: true, XML: true}))
		w.must(w.db.Pool().QueryRow(w.ctx(), find).Scan(&id))
	}
	return id
}

func (w *world) confirmLink() string {
	w.t.Helper()
	w.recipient()
	return w.mailedLink("asked@example.lt")
}

// stopLink is the other link of that mail.
func (w *world) stopLink() string {
	w.t.Helper()
	w.confirmLink()
	for _, m := range w.mailsTo("asked@example.lt") {
		parts, err := m.Parts()
		w.must(err)
		if _, link, ok := strings.Cut(string(parts[0].Bytes), w.public+"/recipients/stop"); ok {
			link, _, _ = strings.Cut(link, "\r\n")
			return "/recipients/stop" + link
		}
	}
	w.t.Fatal("no link to stop was mailed")
	return ""
}

// formOf is what the form of a link's page sends.
func formOf(link string) call {
	path, encoded, _ := strings.Cut(link, "?")
	values, _ := url.ParseQuery(encoded)
	return call{path, values}
}

// sentMail is the id of a mail that took a document to somebody.
func (w *world) sentMail() (id string) {
	w.t.Helper()
	const find = `SELECT id::text FROM mail WHERE kind = 'document' AND state = 'sent' ORDER BY created_at LIMIT 1`
	if w.db.Pool().QueryRow(w.ctx(), find).Scan(&id) != nil {
		w.confirmed("documents@example.lt")
		w.topUp(w.owner, w.payer, 10_00)
		w.must(w.app.DeliverMails(w.ctx()))
		w.must(w.db.Pool().QueryRow(w.ctx(), find).Scan(&id))
	}
	return id
}

// confirmed adds an address whose reader says yes.
func (w *world) confirmed(email string) {
	w.t.Helper()
	w.must(w.app.AddRecipient(w.ctx(), w.owner.actor(), w.payer, app.RecipientInput{
		Email: email, Invoices: true, CreditNotes: true, BankInvoices: true, Receipts: true, PDF: true, XML: true,
	}))
	yes := formOf(w.mailedLink(email))
	if a := w.browser().submit(yes.path, yes.form); a.status != http.StatusOK || a.doc().Find(`[data-testid="answered"]`).Length() != 1 {
		w.t.Fatalf("not confirmed: %d %s", a.status, a.body)
	}
}

// An accountant who was invited by e-mail signs in without Telegram, downloads,
// is seen to have done so, and is shut out on the next request after revocation.
func TestAccountantByEmail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const email = "Accountant@Office.example"
	if a := w.owner.submit("/billing/members", url.Values{"payer": {string(w.payer)}, "email": {" " + email + " "}}); a.status != http.StatusOK || a.mark("invitation").Length() != 1 {
		t.Fatalf("invited: %d %s", a.status, a.body)
	}
	w.must(w.app.DeliverMails(w.ctx()))
	invited := w.mailsTo("accountant@office.example")
	if len(invited) != 1 || invited[0].To != "accountant@office.example" || strings.Contains(invited[0].Raw, "token") {
		t.Fatalf("invitation: %+v", invited)
	}
	b := w.browser()
	b.get("/invoices?type=invoice") // where she comes back to
	if a := b.submit("/login/email", url.Values{"email": {email}}); a.status != http.StatusOK || strings.Contains(a.body, "office.example") {
		t.Fatalf("asked: %d %s", a.status, a.body)
	}
	link := w.mailedLink("accountant@office.example")
	if got := w.count(`SELECT count(*) FROM sign_in_link WHERE strpos($1, encode(token_hash, 'escape')) > 0`, link); got != 0 {
		t.Error("the token itself is stored")
	}
	// A scanner of the mail server opens the link, twice, from elsewhere.
	for range 2 {
		if a := w.browser().get(link); a.status != http.StatusConflict || a.mark("link-problem").AttrOr("data-problem", "") != "browser" {
			t.Errorf("in another browser: %d", a.status)
		}
	}
	use := formOf(link)
	if a := w.browser().post("/login/link", use.form); a.status != http.StatusConflict {
		t.Errorf("used in another browser: %d", a.status)
	}
	page := b.get(link)
	if page.status != http.StatusOK || page.mark("joins").Text() != "Ona" || b.token() != "" || page.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("the link's page: %d %s", page.status, page.body)
	}
	// Fifteen clicks at once are one session.
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		counts = map[int]int{}
	)
	for range 15 {
		wg.Go(func() {
			c := w.browser()
			c.jar = b.jar
			a := c.post("/login/link", use.form)
			mu.Lock()
			defer mu.Unlock()
			counts[a.status]++
		})
	}
	wg.Wait()
	if counts[http.StatusSeeOther] != 1 || counts[http.StatusGone] != 14 {
		t.Fatalf("fifteen uses at once: %v", counts)
	}
	if a := b.open("/"); a.status != http.StatusOK || a.doc().Find(`nav a[href="/subscriptions"]`).Length() != 0 || a.doc().Find(".who-name bdi").Text() != "accountant@office.example" {
		t.Errorf("signed in: %d %s", a.status, a.body)
	}
	number := w.paid.InvoiceNumber
	for _, path := range []string{"/invoices/" + number, "/invoices/" + number + ".pdf", "/invoices/" + number + ".xml", "/invoices/" + number + ".ubl.xml", receiptURL(w.receipt()), "/statement?payer=" + string(w.payer), "/statement.pdf?payer=" + string(w.payer), "/balance?payer=" + string(w.payer)} {
		if a := b.get(path); a.status != http.StatusOK {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	log := w.owner.get("/billing/views?payer=" + string(w.payer))
	var seen []string
	for _, v := range log.doc().Find(`[data-testid="view"]`).EachIter() {
		seen = append(seen, v.AttrOr("data-kind", "")+" "+v.AttrOr("data-number", "")+" "+v.AttrOr("data-format", ""))
	}
	if want := []string{"balance  page", "statement  pdf", "statement  page", "receipt " + w.receipt() + " pdf", "invoice " + number + " ubl.xml", "invoice " + number + " xml", "invoice " + number + " pdf", "invoice " + number + " page"}; !slices.Equal(seen, want) {
		t.Errorf("the log says %q, want %q", seen, want)
	}
	people := w.owner.get("/billing/members?payer=" + string(w.payer))
	member := people.doc().Find(`[data-testid="member"]`).FilterFunction(func(_ int, x *goquery.Selection) bool { return strings.Contains(x.Text(), "accountant@office.example") })
	if member.Find(`[data-testid="last-view"]`).Length() != 1 {
		t.Errorf("when she looked is not shown: %s", people.body)
	}
	// Thirty days, whether idle or not.
	w.clock.Set(w.clock.Now().Add(29 * 24 * time.Hour))
	if a := b.get("/invoices"); a.status != http.StatusOK {
		t.Errorf("after 29 days: %d", a.status)
	}
	w.owner = w.person(7_900_000_001_001, "Ona")
	if a := w.owner.post("/billing/members/"+member.AttrOr("data-id", "")+"/revoke", url.Values{"payer": {string(w.payer)}}); a.status != http.StatusSeeOther {
		t.Fatalf("revoked: %d", a.status)
	}
	for _, path := range []string{"/invoices", "/invoices/" + number + ".pdf", "/account"} {
		if a := b.get(path); a.status != http.StatusSeeOther || a.location() != "/login" {
			t.Errorf("%s after revocation: %d %q", path, a.status, a.location())
		}
	}
	w.must(w.app.DeliverMails(w.ctx()))
	before := len(w.mailsTo("accountant@office.example"))
	b.submit("/login/email", url.Values{"email": {email}})
	w.must(w.app.DeliverMails(w.ctx()))
	if n := len(w.mailsTo("accountant@office.example")); n != before {
		t.Error("who was shut out still gets links")
	}
}

// Whether an address is known shows nowhere: the answers have the same bytes, and
// so has what is written before anybody answers.
func TestEmailSignInTellsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ask := func(email string) (answers string) {
		b := w.browser()
		b.get("/login/email")
		a := b.post("/login/email", url.Values{"email": {email}})
		sent := b.get(a.location())
		var rows string
		w.must(w.db.Pool().QueryRow(w.ctx(), `SELECT concat_ws(' ', m.kind, m.state, m.attempts, l.used_at IS NULL, l.token_hash IS NULL)
			FROM mail m JOIN sign_in_link l ON l.id = m.link_id WHERE m.recipient = $1`, email).Scan(&rows))
		return fmt.Sprint(a.status, a.location(), len(b.cookie(linkCookie)), sent.status, sent.body, rows)
	}
	known, unknown := ask("books@example.lt"), ask("nobody@example.lt")
	if known != unknown {
		t.Errorf("they differ:\n%s\n%s", known, unknown)
	}
	w.must(w.app.DeliverMails(w.ctx()))
	if known, unknown := w.mailsTo("books@example.lt"), w.mailsTo("nobody@example.lt"); len(known) != 1 || len(unknown) != 0 {
		t.Errorf("mailed: %d, %d", len(known), len(unknown))
	}
	// The sixth of an hour is swallowed, and nothing says so.
	for range 6 {
		ask("books@example.lt")
	}
	w.must(w.app.DeliverMails(w.ctx()))
	if n := len(w.mailsTo("books@example.lt")); n != 5 {
		t.Errorf("%d mails", n)
	}
	for _, typed := range []string{"", "x", "a@b", "a@b.lt\r\nBcc: c@d.lt", "ž@example.lt", strings.Repeat("a", 250) + "@b.lt"} {
		a := w.browser().post("/login/email", url.Values{"email": {typed}})
		if a.status != http.StatusUnprocessableEntity || a.doc().Find(`[data-testid="error"][data-field="email"]`).Length() != 1 {
			t.Errorf("%q: %d", typed, a.status)
		}
	}
}

// A link works for fifteen minutes; asking twice in a browser leaves both links
// good there; a link sent before a revocation is worth nothing after it.
func TestLinksEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	ask := func() call {
		b.post("/login/email", url.Values{"email": {"books@example.lt"}})
		return formOf(w.mailedLink("books@example.lt"))
	}
	first := ask()
	w.clock.Set(w.clock.Now().Add(5 * time.Minute))
	second := ask()
	w.clock.Set(w.clock.Now().Add(9 * time.Minute))
	if a := b.post("/login/link", first.form); a.status != http.StatusSeeOther {
		t.Errorf("the first link: %d", a.status)
	}
	b.post("/logout", nil)
	w.clock.Set(w.clock.Now().Add(6 * time.Minute))
	if a := b.post("/login/link", second.form); a.status != http.StatusGone {
		t.Errorf("the second after fifteen minutes: %d", a.status)
	}
	third := ask()
	w.must(w.app.RevokeMember(w.ctx(), w.owner.actor(), w.payer, w.seat.actor().AccountID))
	if a := b.post("/login/link", third.form); a.status != http.StatusGone || b.token() != "" {
		t.Errorf("after revocation: %d", a.status)
	}
}

// The billing address is asked once; a question is good for a week.
func TestTheBillingAddressIsAsked(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, payer := s.customer(7_900_000_001_101, "Ona")
	_, err := s.app.SavePayer(s.ctx(), ona.actor(), payer, lithuanian("Ona"))
	s.must(err)
	yes := s.mailedLink("payer@example.lt")
	if n := len(s.mailsTo("payer@example.lt")); n != 1 {
		t.Errorf("asked %d times", n)
	}
	s.clock.Set(s.clock.Now().Add(8 * 24 * time.Hour))
	if a := s.browser().get(yes); a.status != http.StatusGone || a.mark("over").Length() != 1 {
		t.Errorf("after a week: %d", a.status)
	}
	use := formOf(yes)
	if a := s.browser().submit(use.path, use.form); a.status != http.StatusGone {
		t.Errorf("said yes after a week: %d", a.status)
	}
	ona = s.person(7_900_000_001_101, "Ona")
	id := ona.get("/billing/recipients").mark("recipient").AttrOr("data-id", "")
	ona.post("/billing/recipients/"+id+"/again", nil)
	if a := s.browser().submit(use.path, use.form); a.status != http.StatusOK {
		t.Errorf("asked again: %d", a.status)
	}
}

// Each of the two walls before writing holds by itself: the matrix shows the one
// in front, and without it nothing is written either.
func TestReadersCannotWriteBehindTheWall(t *testing.T) {
	t.Parallel()
	for _, r := range routesOnly().routes() {
		if r.Method == http.MethodGet || r.Guard != signedIn || ownAffairs[r.Name] {
			continue
		}
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			request, _, _ := wantOf(r)
			c := request(w)
			w.web.readersWallDown = true
			before := w.count(`SELECT (SELECT count(*) FROM audit) + (SELECT count(*) FROM mail) + (SELECT count(*) FROM orders) + (SELECT count(*) FROM payment) + (SELECT count(*) FROM river_job)`)
			if a := w.seat.post(c.path, c.form); a.status < 400 || a.status >= 500 {
				t.Errorf("%d %q", a.status, a.location())
			}
			if after := w.count(`SELECT (SELECT count(*) FROM audit) + (SELECT count(*) FROM mail) + (SELECT count(*) FROM orders) + (SELECT count(*) FROM payment) + (SELECT count(*) FROM river_job)`); after != before {
				t.Errorf("%d rows were written", after-before)
			}
		})
	}
	// Even as the owner of the account's own making it could not: no transaction
	// that writes begins.
	w := newWorld(t)
	ctx := app.AsReader(w.ctx())
	if err := w.app.InviteAccountant(ctx, w.owner.actor(), w.payer, "x@example.lt"); statusOf(err) != http.StatusForbidden {
		t.Errorf("the owner's own invitation in a reader's context: %v", err)
	}
}

// Who reads for several payers loses the one that revokes, and stays signed in.
func TestOneSeatOfSeveralPayers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.member(w.strangersPayer, w.seat.actor().AccountID, account.RoleAccountant)
	w.must(w.app.RevokeMember(w.ctx(), w.owner.actor(), w.payer, w.seat.actor().AccountID))
	if a := w.seat.get("/statement?payer=" + string(w.strangersPayer)); a.status != http.StatusOK {
		t.Errorf("the other payer: %d", a.status)
	}
	for _, path := range []string{"/statement?payer=" + string(w.payer), "/invoices/" + w.paid.InvoiceNumber, "/invoices/" + w.paid.InvoiceNumber + ".pdf"} {
		if a := w.seat.get(path); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	w.clock.Set(w.clock.Now().Add(app.EmailSession - time.Minute))
	if a := w.seat.get("/invoices"); a.status != http.StatusOK {
		t.Errorf("idle for a month: %d", a.status)
	}
	w.clock.Set(w.clock.Now().Add(2 * time.Minute))
	if a := w.seat.get("/invoices"); a.status != http.StatusSeeOther || a.location() != "/login" {
		t.Errorf("after 30 days: %d", a.status)
	}
}

// A recipient without any file is a mistake at the field; what was ticked stays,
// and nothing is saved.
func TestRecipientWithoutAFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.recipient()
	path := "/billing/recipients/" + id
	a := w.owner.post(path, url.Values{"receipts": {"on"}})
	panel := a.doc().Find(`[data-testid="recipient"][data-id="` + id + `"]`)
	var ticked []string
	for _, x := range panel.Find("input:checked").EachIter() {
		ticked = append(ticked, x.AttrOr("name", ""))
	}
	if a.status != http.StatusUnprocessableEntity || panel.Find(`[data-testid="error"][data-field="pdf-`+id+`"]`).Length() != 1 || !slices.Equal(ticked, []string{"receipts"}) {
		t.Errorf("%d, ticked %q: %s", a.status, ticked, clip(panel.Text(), 1000))
	}
	if n := a.doc().Find("#f-pdf-" + id + `[aria-invalid="true"]`).Length(); n != 1 || a.doc().Find(`.notice a[href="#f-pdf-`+id+`"]`).Length() != 1 {
		t.Errorf("%d fields are marked, or the summary does not lead there", n)
	}
	if n := a.doc().Find("#f-xml:checked, #f-pdf:checked").Length(); n != 2 {
		t.Error("the form of a new one has lost its ticks")
	}
	if n := w.count(`SELECT count(*) FROM recipient WHERE id = $1 AND invoices AND pdf`, id); n != 1 {
		t.Error("it was saved")
	}
	if a := w.stranger.post(path, nil); a.status != http.StatusNotFound {
		t.Errorf("a stranger: %d", a.status)
	}
}

// Documents go to those who confirmed, with their files; who stops them gets no
// more, by the page or by the mail program's own button.
func TestRecipients(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	page := "/billing/recipients?payer=" + string(w.payer)
	state := func(email string) string {
		panel := w.owner.get(page).doc().Find(`[data-testid="recipient"]`).FilterFunction(func(_ int, x *goquery.Selection) bool { return strings.Contains(x.Find("h2").Text(), email) })
		return panel.AttrOr("data-state", "")
	}
	a := w.owner.submit("/billing/recipients", url.Values{"payer": {string(w.payer)}, "email": {"Books@Office.example"}, "invoices": {"on"}, "receipts": {"on"}, "pdf": {"on"}, "xml": {"on"}})
	if a.status != http.StatusOK || state("books@office.example") != "asked" {
		t.Fatalf("added: %d %s", a.status, a.body)
	}
	w.topUp(w.owner, w.payer, 10_00)
	w.must(w.app.DeliverMails(w.ctx()))
	if n := len(w.mailsTo("books@office.example")); n != 1 {
		t.Fatalf("%d mails to somebody who has not confirmed", n)
	}
	yes := formOf(w.mailedLink("books@office.example"))
	if a := w.browser().get(w.mailedLink("books@office.example")); a.status != http.StatusOK || state("books@office.example") != "asked" {
		t.Errorf("looking at the question: %d", a.status)
	}
	w.browser().post(yes.path, yes.form)
	if got := state("books@office.example"); got != "active" {
		t.Fatalf("confirmed: %q", got)
	}
	w.topUp(w.owner, w.payer, 20_00)
	w.pay(w.open) // its bank invoice was not wanted
	w.must(w.app.DeliverMails(w.ctx()))
	var names []string
	for _, m := range w.mailsTo("books@office.example")[1:] {
		parts, err := m.Parts()
		w.must(err)
		for _, p := range parts[2:] {
			names = append(names, p.Name)
			if got := w.owner.get(map[bool]string{true: "/invoices/" + p.Name, false: "/balance/receipts/" + p.Name}[strings.HasPrefix(p.Name, "SIP")]); got.body != string(p.Bytes) {
				t.Errorf("%s differs from what the portal serves", p.Name)
			}
		}
	}
	slices.Sort(names)
	if want := []string{"R-2026-000002.pdf", "SIP-2026-000002.pdf", "SIP-2026-000002.xml"}; !slices.Equal(names, want) {
		t.Errorf("files %q, want %q", names, want)
	}
	sent := w.owner.get(page).mark("sent")
	if sent.Length() != 2 || sent.First().AttrOr("data-state", "") != "sent" {
		t.Errorf("shown as sent: %s", w.owner.get(page).body)
	}
	if a := w.owner.post("/billing/sent/"+sent.First().AttrOr("data-id", "")+"/again", nil); a.status != http.StatusSeeOther {
		t.Errorf("again: %d", a.status)
	}
	w.must(w.app.DeliverMails(w.ctx()))
	last := w.mailsTo("books@office.example")
	if len(last) != 4 {
		t.Fatalf("%d mails", len(last))
	}
	stop := strings.TrimPrefix(strings.Trim(last[3].Header.Get("List-Unsubscribe"), "<>"), w.public)
	for _, link := range []string{w.confirmLink(), stop} {
		if a := w.browser().get(link); a.status != http.StatusOK || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d, %q", link, a.status, a.header.Get("Cache-Control"))
		}
	}
	click := func(contentType, body string) int {
		r := w.browser().request(http.MethodPost, stop, nil)
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		r.Header.Set("Content-Type", contentType)
		r.Header.Del("Origin")
		r.Header.Del("Sec-Fetch-Site") // a mail program is no browser
		return w.browser().send(r).status
	}
	part := func(disposition, text string) string {
		return "--b\r\nContent-Disposition: form-data; " + disposition + "\r\n\r\n" + text + "\r\n"
	}
	const parts, one = "multipart/form-data; boundary=b", `name="List-Unsubscribe"`
	for body, want := range map[string]int{
		part(one, "One-Click"): http.StatusUnprocessableEntity, // without an end
		"One-Click":            http.StatusNotFound,
		part(one+`; filename="x"`, "One-Click") + "--b--":             http.StatusUnprocessableEntity,
		part(one, "One-Click") + part(one, "One-Click") + "--b--":     http.StatusUnprocessableEntity,
		part(one, "No-Click") + "--b--":                               http.StatusNotFound, // as the page's form, which says whose it is
		part(one, strings.Repeat("x", maxBody)) + "--b--":             http.StatusRequestEntityTooLarge,
		strings.Repeat(part(one, "One-Click"), maxFields+1) + "--b--": http.StatusUnprocessableEntity,
	} {
		if got := click(parts, body); got != want || state("books@office.example") != "active" {
			t.Errorf("%.80q: %d, want %d", body, got, want)
		}
	}
	if got := click("multipart/form-data", part(one, "One-Click")+"--b--"); got != http.StatusUnprocessableEntity {
		t.Errorf("without a boundary: %d", got)
	}
	// The two encodings that mail programs may choose.
	if got := click(parts, part(one, "One-Click")+"--b--\r\n"); got != http.StatusNoContent || state("books@office.example") != "stopped" {
		t.Errorf("one click, in parts: %d, %s", got, state("books@office.example"))
	}
	if got := click("application/x-www-form-urlencoded", "List-Unsubscribe=One-Click"); got != http.StatusNoContent || state("books@office.example") != "stopped" {
		t.Errorf("one click: %d, %s", got, state("books@office.example"))
	}
	w.topUp(w.owner, w.payer, 30_00)
	w.must(w.app.DeliverMails(w.ctx()))
	if n := len(w.mailsTo("books@office.example")); n != 4 {
		t.Errorf("%d mails after the stop", n)
	}
	if a := w.owner.submit("/billing/recipients", url.Values{"payer": {string(w.payer)}, "email": {"books@office.example"}}); a.status != http.StatusUnprocessableEntity || a.doc().Find(`[data-testid="error"]`).Length() != 1 {
		t.Errorf("no file chosen: %d", a.status)
	}
}
