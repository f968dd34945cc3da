package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
)

// A refund above the limit: asked on the page of the subscription, approved by
// two people, never by the same twice.
func TestRefundByTwoPeople(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	link := w.owner.get("/subscriptions/"+w.subscription).mark("ask-refund").AttrOr("href", "")
	page := w.owner.get(link)
	// 12 months from 23 November 2026, of which that day is used: 364 of 365 days of
	// 270.00 are 269.26, with 21 % VAT 325.80.
	if page.status != http.StatusOK || page.mark("refund-total").AttrOr("data-minor", "") != "32580" || page.mark("refund-days").AttrOr("data-days", "") != "364" ||
		page.mark("refund-line").Length() != 1 || page.mark("refund-line").AttrOr("data-number", "") != w.paid.InvoiceNumber ||
		page.mark("to-transfer").AttrOr("data-minor", "") != "32580" || page.doc().Find(`[data-testid="to-method"], [data-testid="to-balance"]`).Length() != 0 {
		t.Fatalf("%d %s", page.status, clip(page.body, 3000))
	}
	if got := w.owner.get("/requests/new/refund").mark("subscription").Find("a").AttrOr("href", ""); got != link {
		t.Errorf("the choice leads to %q", got)
	}
	for _, b := range []*browser{w.customer, w.accountant, w.stranger} {
		if n := b.get("/requests/new/refund").doc().Find(`[data-testid="subscription"]`).Length(); n != 0 {
			t.Errorf("somebody else can choose among %d", n)
		}
	}
	if n := page.doc().Find(`form[action="/requests/new/refund"] textarea[name="reason"]`).Length(); n != 1 {
		t.Errorf("%d fields for the reason", n)
	}

	// A mistake keeps what was typed.
	ask := url.Values{"subscription": {w.subscription}, "target": {"the moon"}, "reason": {"We <b>moved</b>."}}
	a := w.owner.post("/requests/new/refund", ask)
	if a.status != http.StatusUnprocessableEntity || a.mark("error").AttrOr("data-field", "") != "target" || a.doc().Find("textarea").Text() != "We <b>moved</b>." {
		t.Errorf("a wrong target: %d %s", a.status, clip(a.body, 2000))
	}
	ask.Set("target", "balance")
	ask.Set("reason", " \t ")
	if a := w.owner.post("/requests/new/refund", ask); a.status != http.StatusUnprocessableEntity || a.mark("error").AttrOr("data-field", "") != "reason" ||
		a.doc().Find(`input[name="target"][checked]`).AttrOr("value", "") != "balance" {
		t.Errorf("no reason: %d %s", a.status, clip(a.body, 2000))
	}
	ask.Set("reason", "We <b>moved</b>.")
	a = w.owner.submit("/requests/new/refund", ask)
	row := a.mark("request")
	if row.Length() != 1 || row.AttrOr("data-state", "") != "requested" {
		t.Fatalf("the list: %s", clip(a.body, 2000))
	}
	id := row.AttrOr("data-id", "")
	if a := w.owner.post("/requests/new/refund", ask); a.status != http.StatusConflict || a.mark("refund-blocked").Length() != 1 {
		t.Errorf("asked twice: %d", a.status)
	}
	if a := w.owner.get(link); a.status != http.StatusOK || a.mark("refund-blocked").Length() != 1 || a.doc().Find(`form[action="/requests/new/refund"]`).Length() != 0 {
		t.Errorf("the form while one waits: %d", a.status)
	}
	for _, b := range []*browser{w.customer, w.accountant, w.stranger} {
		if n := b.get("/requests").doc().Find(`[data-testid="request"]`).Length(); n != 0 {
			t.Errorf("somebody else sees %d requests", n)
		}
	}

	// The back office. Support sees, and decides nothing.
	path := "/staff/refunds/" + id
	if got := w.support.get("/staff").doc().Find(`[data-testid="waiting"][data-kind="refunds"]`).AttrOr("data-count", ""); got != "1" {
		t.Errorf("%s requests wait", got)
	}
	seen := w.support.get(path)
	if seen.mark("reason").Text() != "We <b>moved</b>." || seen.mark("back-office").Length() != 1 || seen.mark("needs-two").Length() != 1 ||
		seen.mark("why-not").AttrOr("data-reason", "") != "role" || seen.doc().Find(`form[action^="`+path+`"]`).Length() != 0 ||
		seen.mark("refund-total").AttrOr("data-minor", "") != "32580" || seen.mark("history").Length() != 1 {
		t.Errorf("support sees %s", clip(seen.body, 3000))
	}
	if a := w.support.post(path+"/approve", nil); a.status != http.StatusForbidden {
		t.Errorf("support approves: %d", a.status)
	}

	// The first, twice.
	first := w.finance.submit(path+"/approve", nil)
	if first.mark("state").AttrOr("data-state", "") != "approved_once" || !strings.Contains(first.mark("approved-by").Text(), "Faustas") ||
		first.mark("why-not").AttrOr("data-reason", "") != "second" || first.doc().Find(`form[action^="`+path+`"]`).Length() != 0 {
		t.Errorf("after the first approval: %s", clip(first.body, 3000))
	}
	if a := w.finance.post(path+"/approve", nil); a.status != http.StatusForbidden {
		t.Errorf("the same person approves twice: %d", a.status)
	}
	if got := w.owner.get("/requests").mark("request").AttrOr("data-state", ""); got != "approved_once" {
		t.Errorf("the owner sees %s", got)
	}
	if n := w.count(`SELECT count(*) FROM invoice WHERE kind = 'credit_note'`); n != 0 {
		t.Errorf("%d credit notes after one approval", n)
	}

	// The second.
	second := w.admin.submit(path+"/approve", nil)
	if second.mark("state").AttrOr("data-state", "") != "done" || second.mark("approved-by").Length() != 2 {
		t.Errorf("after the second approval: %s", clip(second.body, 3000))
	}
	if a := w.admin.post(path+"/approve", nil); a.status != http.StatusConflict {
		t.Errorf("approved once more: %d", a.status)
	}
	notes := w.owner.get("/invoices?type=credit_note").mark("invoice")
	if notes.Length() != 1 || notes.AttrOr("data-minor", "") != "32580" && notes.AttrOr("data-minor", "") != "-32580" {
		t.Errorf("credit notes: %d, of %s", notes.Length(), notes.AttrOr("data-minor", ""))
	}
	if got := w.owner.get("/balance?payer="+string(w.payer)).mark("balance").AttrOr("data-minor", ""); got != "32580" {
		t.Errorf("on the balance: %s", got)
	}
	if got := w.owner.get("/requests").mark("request").AttrOr("data-state", ""); got != "done" {
		t.Errorf("the owner sees %s", got)
	}
	if a := w.owner.get("/subscriptions/" + w.subscription); a.doc().Find(`[data-testid="ask-refund"]`).Length() != 0 {
		t.Error("a refund of what has ended is offered")
	}
	if a := w.owner.get(link); a.status != http.StatusOK || a.mark("refund-blocked").Length() != 1 {
		t.Errorf("the form for what has ended: %d", a.status)
	}
}

func TestRefundRejected(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := "/staff/refunds/" + w.refundRequest()
	a := w.finance.post(path+"/reject", url.Values{"reason": {"  "}})
	if a.status != http.StatusUnprocessableEntity || a.mark("error").AttrOr("data-field", "") != "reason" || a.doc().Find(`form[action="`+path+`/reject"]`).Length() != 1 {
		t.Fatalf("without a reason: %d %s", a.status, clip(a.body, 2000))
	}
	a = w.finance.submit(path+"/reject", url.Values{"reason": {"It was <i>used</i>."}})
	if a.mark("state").AttrOr("data-state", "") != "rejected" || a.mark("refusal").Text() != "It was <i>used</i>." {
		t.Errorf("refused: %s", clip(a.body, 2000))
	}
	row := w.owner.get("/requests").mark("request")
	if row.AttrOr("data-state", "") != "rejected" || !strings.Contains(row.Text(), "It was <i>used</i>.") {
		t.Errorf("the owner reads %s", row.Text())
	}
	for _, what := range []string{"/approve", "/reject"} {
		if a := w.admin.post(path+what, url.Values{"reason": {"No."}}); a.status != http.StatusConflict {
			t.Errorf("%s of what is decided: %d", what, a.status)
		}
	}
	if got := w.owner.get("/subscriptions/"+w.subscription).mark("auto-renew").AttrOr("data-state", ""); got != "on" {
		t.Errorf("the subscription renews: %s", got)
	}

	// Who buys for the payer does not decide, whatever the role.
	w.must(w.app.AddStaff(w.ctx(), w.owner.actor().TelegramID, account.StaffAdmin, audit.ByCommand("test")))
	own := "/staff/refunds/" + w.refundRequest()
	if got := w.owner.get(own).mark("why-not").AttrOr("data-reason", ""); got != "own" {
		t.Errorf("why not: %q", got)
	}
	for _, what := range []string{"/approve", "/reject"} {
		if a := w.owner.post(own+what, url.Values{"reason": {"Yes."}}); a.status != http.StatusForbidden {
			t.Errorf("%s of one's own: %d", what, a.status)
		}
	}
}

// Who has lost the role finds nothing with the next request: the bytes of a page
// that does not exist.
func TestRevokedStaff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	request := w.refundRequest()
	if a := w.finance.get("/staff/refunds/" + request); a.status != http.StatusOK {
		t.Fatalf("before: %d", a.status)
	}
	w.must(w.app.RemoveStaff(w.ctx(), w.finance.actor().TelegramID, audit.ByCommand("test")))
	missing := w.finance.get("/nowhere")
	for _, path := range []string{"/staff", "/staff/refunds", "/staff/refunds/" + request, "/staff/payments?q=1", "/staff/payments/" + w.bankEntry(w.paid)} {
		if a := w.finance.get(path); a.status != http.StatusNotFound || a.body != missing.body {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	if a := w.finance.post("/staff/refunds/"+request+"/approve", nil); a.status != http.StatusNotFound {
		t.Errorf("approves: %d", a.status)
	}
	if strings.Contains(w.finance.get("/subscriptions").body, `href="/staff"`) {
		t.Error("the menu still leads to the back office")
	}
}

// Staff who were idle for a quarter of an hour, or have worked for eight hours,
// are asked to sign in again, and come back to where they were.
func TestStaffSessionsOnPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	begin := w.clock.Now()
	w.clock.Set(begin.Add(14 * time.Minute))
	if a := w.support.get("/staff"); a.status != http.StatusOK {
		t.Fatalf("after 14 minutes: %d", a.status)
	}
	w.clock.Set(begin.Add(29 * time.Minute))
	for range 2 { // the refused try does not wake the session
		if a := w.support.get("/staff/payments?q=1"); a.status != http.StatusSeeOther || a.location() != "/login" {
			t.Fatalf("idle for 15 minutes: %d %q", a.status, a.location())
		}
		if a := w.support.get("/subscriptions"); a.status != http.StatusSeeOther || a.location() != "/login" {
			t.Fatalf("the pages for customers are a way around: %d %q", a.status, a.location())
		}
	}
	if a := w.owner.get("/subscriptions"); a.status != http.StatusOK {
		t.Errorf("a customer, idle for 29 minutes: %d", a.status)
	}
	w.support.get("/staff/payments?q=1")
	if back := w.support.signIn(7_900_000_001_005, "Saulė"); back.status != http.StatusOK || back.doc().Find(`input[name="q"]`).AttrOr("value", "") != "1" {
		t.Errorf("signed in again: %d", back.status)
	}
	begin = w.clock.Now()
	for after := 10 * time.Minute; after < 8*time.Hour; after += 10 * time.Minute {
		w.clock.Set(begin.Add(after))
		if a := w.support.get("/staff"); a.status != http.StatusOK {
			t.Fatalf("after %s: %d", after, a.status)
		}
	}
	w.clock.Set(begin.Add(8 * time.Hour))
	if a := w.support.get("/staff"); a.status != http.StatusSeeOther {
		t.Errorf("after eight hours: %d", a.status)
	}
	// Without any session the back office does not exist.
	if a := w.browser().get("/staff"); a.status != http.StatusNotFound {
		t.Errorf("nobody: %d", a.status)
	}
}

// Every look at a payer's data is one row of the audit log.
func TestLooksAreWrittenDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	request, entry := w.refundRequest(), w.bankEntry(w.paid)
	looks := func() int { return w.count(`SELECT count(*) FROM audit WHERE action = 'staff.viewed'`) }
	for _, tt := range []struct {
		path string
		rows int
	}{
		{"/staff", 0}, {"/staff/payments", 0}, {"/staff/payments?q=1+2", 0}, {"/staff/payments?q=" + strconv.Itoa(326), 1}, {"/staff/payments?show=suspense", 1},
		{"/staff/payments/" + entry, 1}, {"/staff/refunds", 1}, {"/staff/refunds/" + request, 1}, {"/staff/refunds/" + entry, 0}, {"/subscriptions", 0},
	} {
		before := looks()
		w.support.get(tt.path)
		if got := looks() - before; got != tt.rows {
			t.Errorf("%s: %d rows, want %d", tt.path, got, tt.rows)
		}
	}
	if n := w.count(`SELECT count(*) FROM audit WHERE action = 'staff.viewed' AND payer_id = $1`, string(w.payer)); n != 2 {
		t.Errorf("%d rows name the payer", n)
	}
}

func TestStaffSearchPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.support.get("/staff/payments?q=" + url.QueryEscape("326.70 "+w.paid.Number))
	if row := a.mark("payment"); row.Length() != 1 || row.AttrOr("data-minor", "") != "32670" {
		t.Fatalf("%s", clip(a.body, 2000))
	}
	page := w.support.get(a.mark("payment").Find("a").AttrOr("href", ""))
	if page.mark("state").AttrOr("data-state", "") != "matched" || page.mark("amount").AttrOr("data-minor", "") != "32670" || !strings.Contains(page.body, w.paid.Number) {
		t.Errorf("%s", clip(page.body, 2000))
	}
	a = w.support.get("/staff/payments?q=" + url.QueryEscape("<b> <i>"))
	if a.status != http.StatusUnprocessableEntity || a.mark("error").AttrOr("data-field", "") != "q" || a.doc().Find(`input[name="q"]`).AttrOr("value", "") != "<b> <i>" {
		t.Errorf("two references: %d %s", a.status, clip(a.body, 2000))
	}
	if a := w.support.get("/staff/payments?show=everything"); a.status != http.StatusNotFound {
		t.Errorf("a list that there is not: %d", a.status)
	}
}

// A report that is refused says so at its field; what was chosen stays.
func TestReportRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.clock.Set(time.Date(2027, 7, 5, 9, 0, 0, 0, time.UTC))
	finance := w.colleague(7_900_000_001_016, "Fausta", account.StaffFinance)
	if got := finance.get("/staff/reports").doc().Find("#f-quarter option").First().AttrOr("value", ""); got != "2027Q2" {
		t.Errorf("%s is offered first", got)
	}
	_, err := w.db.Pool().Exec(w.ctx(), `ALTER TABLE invoice DISABLE TRIGGER USER; ALTER TABLE invoice_vat DISABLE TRIGGER USER;
		UPDATE invoice_vat SET vat_row = 'R7'; UPDATE invoice SET currency = 'USD'`)
	w.must(err)
	a := finance.get("/staff/reports/oss.csv?download=1&quarter=2026Q4")
	if a.status != http.StatusConflict || a.mark("error").AttrOr("data-field", "") != "quarter" || a.doc().Find("#f-quarter option[selected]").AttrOr("value", "") != "2026Q4" {
		t.Errorf("%d %s", a.status, clip(a.doc().Find("main").Text(), 2000))
	}
}
