package web

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/bank/banktest"
	"github.com/siptg/portal/internal/money"
)

// stray is the id of a new transfer that names nothing.
func (w *world) stray(amount money.Amount) (id string) {
	w.t.Helper()
	w.strays++
	ref := fmt.Sprintf("STRAY-%d", w.strays)
	done := w.transfer(bank.Entry{
		EntryRef: ref, ServicerRef: ref, EndToEndID: ref, Amount: amount, Currency: "EUR", Credit: true, Payer: "Somebody Else", PayerIBAN: "GB82WEST12345698765432", Text: "thank you",
	})
	if done[0].Outcome != "suspense" {
		w.t.Fatalf("%+v", done[0])
	}
	w.must(w.db.Pool().QueryRow(w.ctx(), `SELECT id::text FROM bank_entry WHERE end_to_end = $1`, ref).Scan(&id))
	return id
}

// proposed is a stray transfer that finance has proposed to send back.
func (w *world) proposed(amount money.Amount) string {
	w.t.Helper()
	id := w.stray(amount)
	w.must(w.app.DecideSuspense(w.ctx(), w.finance.actor(), id, app.SuspenseDecision{Kind: bank.DecideReturn, Reason: "nobody knows it"}))
	return id
}

// statement is a camt.053 file of today.
func (w *world) statement(id string, entries ...bank.Entry) []byte {
	w.t.Helper()
	for i := range entries {
		entries[i].Booked, entries[i].Valued, entries[i].Currency = w.app.Today(), w.app.Today(), "EUR"
	}
	var file bytes.Buffer
	w.must(banktest.WriteCAMT053(&file, banktest.Version02, banktest.Closed(bank.Statement{
		ID: id, IBAN: testIBAN, Currency: "EUR", From: w.app.Today(), To: w.app.Today(), Entries: entries,
	})))
	return file.Bytes()
}

// uploaded is a new statement that finance has uploaded.
func (w *world) uploaded() string {
	w.t.Helper()
	w.strays++
	ref := fmt.Sprintf("UP-%d", w.strays)
	id, err := w.app.UploadStatement(w.ctx(), w.finance.actor(), ref+".xml", bytes.NewReader(w.statement(ref, bank.Entry{
		EntryRef: ref, ServicerRef: ref, Amount: 7_00, Credit: true, Payer: "Somebody Else", Text: "thank you",
	})))
	w.must(err)
	return id
}

// upload sends a file as a browser does.
func (b *browser) upload(name string, content []byte) *answer {
	b.s.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	if content != nil {
		part, err := form.CreateFormFile("file", name)
		b.s.must(err)
		_, err = part.Write(content)
		b.s.must(err)
	}
	b.s.must(form.Close())
	r := httptest.NewRequestWithContext(b.s.ctx(), http.MethodPost, b.s.public+"/staff/statements", &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("Origin", b.s.public)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.RemoteAddr = b.ip + ":40000"
	return b.send(r)
}

// A statement is shown as it would be booked, and then booked once, however often
// its file is uploaded.
func TestUploadStatement(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	order := bank.Entry{ServicerRef: "U-1", EntryRef: "U-1", Amount: w.open.Total, Credit: true, Payer: "Ona", References: []string{w.open.Reference}}
	known := bank.Entry{
		EntryRef: "E-" + w.paid.Number, ServicerRef: "B-" + w.paid.Number, Amount: w.paid.Total, Credit: true,
		Payer: w.paid.Document.Buyer.Name, References: []string{w.paid.Reference},
	}
	file := w.statement("UP", order, known,
		bank.Entry{ServicerRef: "U-2", EntryRef: "U-2", Amount: 33_00, Credit: true, Payer: "<b>Bold</b>", Text: "thank you"},
		bank.Entry{ServicerRef: "U-3", EntryRef: "U-3", Amount: 5_00, Payer: "Bank", Text: "fee"})

	// Who may not, and what is refused.
	if a := w.support.upload("a.xml", file); a.status != http.StatusForbidden {
		t.Errorf("support: %d", a.status)
	}
	for _, b := range []*browser{w.owner, w.browser()} {
		if a := b.upload("a.xml", file); a.status != http.StatusNotFound {
			t.Errorf("somebody else: %d", a.status)
		}
	}
	for name, wrong := range map[string][]byte{
		"none": nil, "no XML": []byte("hello"), "another sum": bytes.Replace(file, []byte(">33.00<"), []byte(">34.00<"), 1),
		"a foreign account": bytes.ReplaceAll(file, []byte(testIBAN), []byte("DE89370400440532013000")),
		"too much":          append(bytes.Repeat([]byte(" "), 21<<20), file...),
	} {
		a := w.finance.upload("wrong.xml", wrong)
		if a.status != http.StatusUnprocessableEntity || a.mark("error").AttrOr("data-field", "") != "file" {
			t.Errorf("%s: %d, %s", name, a.status, clip(a.body, 300))
		}
	}
	if n := w.count(`SELECT count(*) FROM statement_upload`); n != 0 {
		t.Errorf("%d uploads of what was refused", n)
	}

	// Uploaded: nothing is booked, and the page says what would be.
	before := w.count(`SELECT (SELECT count(*) FROM bank_entry) + (SELECT count(*) FROM ledger_entry) + (SELECT count(*) FROM bank_statement) + (SELECT count(*) FROM notice) + (SELECT count(*) FROM payment)`)
	a := w.finance.upload(`C:\bank\november "1".xml`, file)
	if a.status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.status, clip(a.body, 500))
	}
	path := a.header.Get("Location")
	page := w.finance.get(path)
	want := []string{"matched no", "matched yes", "suspense no", "ignored no"}
	for i, row := range page.doc().Find(`[data-testid="preview"]`).EachIter() {
		if got := row.AttrOr("data-outcome", "") + " " + row.AttrOr("data-known", ""); i >= len(want) || got != want[i] {
			t.Errorf("row %d: %q", i, got)
		}
	}
	if n := page.doc().Find(`[data-testid="preview"]`).Length(); n != len(want) {
		t.Errorf("%d rows: %s", n, clip(page.body, 2000))
	}
	if !strings.Contains(page.body, "&lt;b&gt;Bold&lt;/b&gt;") || strings.Contains(page.body, "bank\\november") || page.mark("state").AttrOr("data-state", "") != "uploaded" {
		t.Errorf("the page: %s", clip(page.body, 2000))
	}
	after := w.count(`SELECT (SELECT count(*) FROM bank_entry) + (SELECT count(*) FROM ledger_entry) + (SELECT count(*) FROM bank_statement) + (SELECT count(*) FROM notice) + (SELECT count(*) FROM payment)`)
	if after != before {
		t.Errorf("looking wrote %d rows", after-before)
	}
	if again := w.admin.upload("the same.xml", file); again.header.Get("Location") != path {
		t.Errorf("the same file again leads to %q", again.header.Get("Location"))
	}
	if n := w.support.get(path).doc().Find(`form[action$="/import"]`).Length(); n != 0 {
		t.Error("support is offered the import")
	}

	// Who uploaded much money does not start its import, and is told so before.
	if page.mark("why-not").AttrOr("data-reason", "") != "second" || page.doc().Find(`form[action$="/import"]`).Length() != 0 {
		t.Errorf("who uploaded it: %s", clip(page.body, 2000))
	}
	if a := w.finance.post(path+"/import", url.Values{}); a.status != http.StatusForbidden || !strings.Contains(a.body, "Ask another person of finance") {
		t.Errorf("started by who uploaded it: %d, %s", a.status, clip(a.body, 1000))
	}
	if other := w.admin.get(path); other.doc().Find(`form[action$="/import"]`).Length() != 1 || other.doc().Find(`[data-testid="why-not"]`).Length() != 0 {
		t.Errorf("the second person: %s", clip(other.body, 2000))
	}

	// Imported by a job, once.
	for range 2 {
		if a := w.admin.post(path+"/import", url.Values{}); a.status != http.StatusSeeOther {
			t.Fatalf("import: %d", a.status)
		}
	}
	if n := w.count(`SELECT count(*) FROM river_job WHERE kind = 'import_statement'`); n != 1 {
		t.Errorf("%d jobs", n)
	}
	running := w.finance.get(path)
	if running.mark("state").AttrOr("data-state", "") != "running" || running.mark("progress").AttrOr("data-booked", "") != "1" {
		t.Errorf("while it runs: %s", clip(running.body, 1500))
	}
	id := path[strings.LastIndexByte(path, '/')+1:]
	w.must(w.app.ImportUploaded(w.ctx(), id))
	w.must(w.app.ImportUploaded(w.ctx(), id))
	done := w.finance.get(path)
	for kind, want := range map[string]string{"matched": "2", "suspense": "1", "ignored": "1", "known": "1"} {
		if got := done.mark("count-"+kind).AttrOr("data-count", ""); got != want {
			t.Errorf("%s: %s, want %s", kind, got, want)
		}
	}
	if done.mark("state").AttrOr("data-state", "") != "done" {
		t.Errorf("done: %s", clip(done.body, 1500))
	}
	if n := w.count(`SELECT count(*) FROM bank_entry WHERE payer_name IN ('<b>Bold</b>', 'Bank')`); n != 2 {
		t.Errorf("%d entries", n)
	}
	if got := w.owner.get("/orders/"+w.open.Number).mark("status").AttrOr("data-state", ""); got != "paid" {
		t.Errorf("the order is %s", got)
	}
	if n := w.finance.get("/staff/statements").doc().Find(`[data-testid="statement"]`).Length(); n != 1 {
		t.Errorf("%d statements in the list", n)
	}
}

// What could not be matched is decided in the back office: alone up to the limit,
// by two above it.
func TestSuspenseByTwoPeople(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	small, large := w.stray(w.open.Total), w.stray(200_00)
	if got := w.support.get("/staff").doc().Find(`[data-testid="waiting"][data-kind="suspense"]`).AttrOr("data-count", ""); got != "2" {
		t.Errorf("%s wait", got)
	}
	list := w.support.get("/staff/suspense")
	if n := list.doc().Find(`[data-testid="suspense"]`).Length(); n != 2 {
		t.Errorf("%d in the list", n)
	}

	// One's choice is kept where the reason is missing.
	path := "/staff/suspense/" + small
	page := w.finance.get(path)
	choice := "order:" + w.open.Number
	if page.doc().Find(`input[name="choice"][value="`+choice+`"]`).Length() != 1 {
		t.Fatalf("the order of the same amount is not proposed: %s", clip(page.body, 3000))
	}
	a := w.finance.post(path+"/decide", url.Values{"choice": {choice}, "reason": {" "}})
	if a.status != http.StatusUnprocessableEntity || a.mark("error").AttrOr("data-field", "") != "reason" || a.doc().Find(`input[name="choice"][checked]`).AttrOr("value", "") != choice {
		t.Errorf("no reason: %d %s", a.status, clip(a.body, 2000))
	}
	for field, form := range map[string]url.Values{
		"choice": {"choice": {""}, "reason": {"x"}}, "order": {"choice": {"order"}, "order": {"O-2026-999999"}, "reason": {"x"}},
	} {
		if a := w.finance.post(path+"/decide", form); a.status != http.StatusUnprocessableEntity || a.mark("error").AttrOr("data-field", "") != field {
			t.Errorf("%s: %d %s", field, a.status, a.mark("error").AttrOr("data-field", ""))
		}
	}
	done := w.finance.submit(path+"/decide", url.Values{"choice": {choice}, "reason": {"<i>The name</i> fits"}})
	if done.mark("state").AttrOr("data-state", "") != "done" || done.mark("decision").Length() != 1 || !strings.Contains(done.body, "&lt;i&gt;The name") {
		t.Errorf("decided: %s", clip(done.body, 3000))
	}
	order := w.owner.get("/orders/" + w.open.Number)
	if order.mark("status").AttrOr("data-state", "") != "paid" {
		t.Errorf("the order: %s", order.mark("status").AttrOr("data-state", ""))
	}
	if a := w.finance.post(path+"/decide", url.Values{"choice": {"return"}, "reason": {"x"}}); a.status != http.StatusConflict {
		t.Errorf("decided twice: %d", a.status)
	}

	// Two people.
	path = "/staff/suspense/" + large
	first := w.finance.submit(path+"/decide", url.Values{"choice": {"balance"}, "order": {w.paid.Number}, "reason": {"her letter"}})
	if first.mark("state").AttrOr("data-state", "") != "proposed" || first.mark("why-not").AttrOr("data-reason", "") != "second" ||
		first.doc().Find(`form[action$="/approve"]`).Length() != 0 || first.doc().Find(`form[action$="/refuse"]`).Length() != 1 {
		t.Errorf("after the first: %s", clip(first.body, 3000))
	}
	if got := w.owner.get("/balance?payer="+string(w.payer)).mark("balance").AttrOr("data-minor", ""); got != "0" {
		t.Errorf("on the balance after one: %s", got)
	}
	if n := w.admin.get(path).doc().Find(`form[action$="/approve"]`).Length(); n != 1 {
		t.Errorf("%d ways to agree", n)
	}
	second := w.admin.submit(path+"/approve", url.Values{})
	if second.mark("state").AttrOr("data-state", "") != "done" {
		t.Errorf("after the second: %s", clip(second.body, 3000))
	}
	if got := w.owner.get("/balance?payer="+string(w.payer)).mark("balance").AttrOr("data-minor", ""); got != "20000" {
		t.Errorf("on the balance: %s", got)
	}
	if got := w.support.get("/staff").doc().Find(`[data-testid="waiting"][data-kind="suspense"]`).AttrOr("data-count", ""); got != "0" {
		t.Errorf("%s wait in the end", got)
	}
	if n := w.count(`SELECT count(*) FROM audit WHERE action = 'staff.viewed' AND object_kind = 'bank_entry' AND object_id IN ($1, $2)`, small, large); n < 4 {
		t.Errorf("only %d looks are written down", n)
	}
}

// A payer sees what came of the price and what is missing, and that somebody else
// paid, without being told who.
func TestPartsOnTheOrdersPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := "/orders/" + w.open.Number
	listed := func(want string) {
		t.Helper()
		if rows := rowsOf(w.owner.get("/invoices?type=bank_invoice&q=" + w.open.Number)); !slices.Equal(rows, []string{"bank_invoice " + w.open.Number + " " + want}) {
			t.Errorf("listed: %q, want %s", rows, want)
		}
	}
	listed("expected")
	if got := w.owner.get(path).mark("bank-state").AttrOr("data-state", ""); got != "expected" {
		t.Errorf("before: %s", got)
	}
	w.transfer(bank.Entry{
		EntryRef: "P-1", ServicerRef: "P-1", Amount: 10_00, Currency: "EUR", Credit: true, Payer: "Rich Uncle", PayerIBAN: "GB82WEST12345698765432",
		References: []string{w.open.Reference},
	})
	listed("unsettled")
	if a := w.owner.get("/invoices/" + w.open.Number); a.doc().Find(".document .badge.is-wait").Length() != 1 || a.doc().Find(`[data-testid="iban"]`).Length() != 0 {
		t.Error("the page of the bank invoice takes it for settled")
	}
	page := w.owner.get(path)
	missing := w.open.Total - 10_00
	if page.mark("bank-state").AttrOr("data-state", "") != "received" || page.mark("missing").AttrOr("data-minor", "") != fmt.Sprint(int64(missing)) ||
		!strings.Contains(page.body, `data-copy="`+missing.Decimal()+`"`) || page.mark("third-party").Length() != 1 || strings.Contains(page.body, "Rich Uncle") {
		t.Errorf("after a part: %s", clip(page.body, 3000))
	}
	seen, err := w.app.Order(w.ctx(), w.owner.actor(), w.open.Number)
	w.must(err)
	if full, rest := w.open.QR(), seen.QR(); full == nil || rest == nil || bytes.Equal(full.Bitmap, rest.Bitmap) {
		t.Error("the code still asks for the whole amount")
	}
}
