package web

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/siptg/portal/internal/audit"
)

const (
	correctionSelector = `form[data-testid="correction-form"]`
	confirmSelector    = `form[data-testid="correction-confirm"]`
)

// From the invoice over the form and the preview to the new invoice, by the forms
// of the pages alone.
func TestCorrectionInOneStep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	number := w.paid.InvoiceNumber
	link := "/requests/new/correction?invoice=" + number
	if n := w.owner.get("/invoices/" + number).doc().Find(`a[href="` + link + `"]`).Length(); n != 1 {
		t.Fatalf("%d links from the invoice", n)
	}
	if n := w.accountant.get("/invoices/" + number).doc().Find(`a[href^="/requests/new/correction"]`).Length(); n != 0 {
		t.Error("an accountant is offered to correct")
	}
	form := w.owner.get(link).filled(correctionSelector)
	if form.Get("name") != "Ona" || form.Get("country") != "LT" || form.Get("save_profile") != "" {
		t.Errorf("the form starts with %v", form)
	}

	// What is wrong is said at its field, and what was typed stays.
	bad := maps.Clone(form)
	bad.Set("name", "")
	bad.Set("street", "Elsewhere 1")
	a := w.owner.post("/requests/new/correction", bad)
	if a.status != http.StatusUnprocessableEntity || a.mark("error").AttrOr("data-field", "") != "name" || a.filled(correctionSelector).Get("street") != "Elsewhere 1" {
		t.Errorf("no name: %d %s", a.status, clip(a.body, 2000))
	}
	if a := w.owner.post("/requests/new/correction", form); a.status != http.StatusConflict || a.mark("correction-blocked").Length() != 1 || a.filled(correctionSelector).Get("name") != "Ona" {
		t.Errorf("nothing different: %d", a.status)
	}

	form.Set("name", "Ona <b>Petrauskaitė</b>")
	form.Set("po_reference", "PO 77")
	preview := w.owner.post("/requests/new/correction", form)
	changed := map[string]bool{}
	for _, d := range preview.mark("detail").EachIter() {
		changed[d.AttrOr("data-name", "")] = d.AttrOr("data-changed", "") == "yes"
	}
	if preview.status != http.StatusOK || !changed["name"] || !changed["po_reference"] || changed["street"] || preview.mark("same-tax").Length() != 1 ||
		preview.mark("new-invoice").AttrOr("data-minor", "") != preview.mark("new-credit-note").AttrOr("data-minor", "x") || strings.Contains(preview.body, "<b>Petr") {
		t.Errorf("preview: %d %s", preview.status, clip(preview.body, 4000))
	}
	if n := w.count(`SELECT count(*) FROM invoice WHERE replaces_id IS NOT NULL`); n != 0 {
		t.Fatal("the preview has issued something")
	}
	confirm := preview.filled(confirmSelector)
	edit := maps.Clone(confirm)
	edit.Set("step", "edit")
	if a := w.owner.post("/requests/new/correction", edit); a.status != http.StatusOK || a.filled(correctionSelector).Get("po_reference") != "PO 77" {
		t.Errorf("back to the form: %d", a.status)
	}
	confirm.Set("step", "confirm")
	stale := maps.Clone(confirm)
	stale.Set("token", "stale")
	if a := w.owner.post("/requests/new/correction", stale); a.status != http.StatusConflict || a.mark("correction-moved").Length() != 1 || a.filled(confirmSelector).Get("token") != confirm.Get("token") {
		t.Errorf("a stale preview: %d", a.status)
	}
	done := w.owner.post("/requests/new/correction", confirm)
	if done.status != http.StatusSeeOther || !strings.HasPrefix(done.location(), "/invoices/SIP-") {
		t.Fatalf("confirmed: %d to %q", done.status, done.location())
	}
	if again := w.owner.post("/requests/new/correction", confirm); again.location() != done.location() {
		t.Errorf("sent twice: %d to %q", again.status, again.location())
	}
	replacement := w.owner.get(done.location())
	if replacement.doc().Find(`[data-testid="notice-ok"]`).Length() == 0 || replacement.doc().Find(`a[href="/invoices/`+number+`"]`).Length() != 1 ||
		replacement.doc().Find(`a[href^="/invoices/SIPC-"]:not(.button)`).Length() == 0 {
		t.Errorf("the new invoice: %s", clip(replacement.body, 3000))
	}
	note := w.owner.get(replacement.doc().Find(`a[href^="/invoices/SIPC-"]:not(.button)`).AttrOr("href", ""))
	for page, key := range map[*answer]string{replacement: "document.tax_point", note: "document.tax_point.corrected"} {
		if label := page.doc().Find(".facts dt").Eq(1).Text(); label != w.text(key) {
			t.Errorf("the day of payment is labelled %q, not %q", label, w.text(key))
		}
	}
	old := w.owner.get("/invoices/" + number)
	if old.mark("replaced-by").Find(`a[href="`+done.location()+`"]`).Length() != 1 || old.doc().Find(`a[href^="/requests/new/correction"]`).Length() != 0 {
		t.Error("the old invoice does not lead to the new one, or can be corrected again")
	}
	if a := w.accountant.get("/invoices/" + number); a.mark("replaced-by").Length() != 1 {
		t.Error("an accountant does not see that it was replaced")
	}
	list := w.owner.get("/invoices")
	if list.mark("replaced-by").Length() != 1 || list.mark("replaces").Length() != 1 || list.mark("corrects").Length() != 1 {
		t.Error("the list does not show the chain")
	}
	if a := w.owner.get(link); a.status != http.StatusOK || a.mark("correction-blocked").Length() != 1 || a.doc().Find(correctionSelector).Length() != 0 {
		t.Errorf("the form of one that was replaced: %d", a.status)
	}
	if a := w.owner.get("/requests/new/correction"); a.status != http.StatusSeeOther || a.location() != "/invoices" {
		t.Errorf("of no invoice: %d to %q", a.status, a.location())
	}
}

// Where the VAT changes, people decide.
func TestCorrectionByRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(w.app.ConfirmVATNumber(w.ctx(), "DE136695976", true, "vies", "x", audit.ByCommand("test")))
	form := germanCompany()
	form.Set("invoice", w.paid.InvoiceNumber)
	form.Set("step", "preview")
	preview := w.owner.post("/requests/new/correction", form)
	if preview.mark("back").AttrOr("data-minor", "") == "" || preview.doc().Find(`[data-testid="same-tax"]`).Length() != 0 {
		t.Fatalf("preview: %d %s", preview.status, clip(preview.body, 3000))
	}
	back := preview.mark("back").AttrOr("data-minor", "")
	confirm := preview.filled(confirmSelector)
	confirm.Set("step", "confirm")
	list := w.owner.submit("/requests/new/correction", confirm)
	id := list.mark("request").AttrOr("data-id", "")
	if id == "" || list.mark("request").AttrOr("data-state", "") != "requested" {
		t.Fatalf("the list: %s", clip(list.body, 2000))
	}
	for _, b := range []*browser{w.accountant, w.customer, w.stranger} {
		if b.get("/requests").doc().Find(`[data-testid="request"]`).Length() != 0 {
			t.Error("somebody else sees the request")
		}
	}
	path := "/staff/corrections/" + id
	if got := w.support.get("/staff").doc().Find(`[data-testid="waiting"][data-kind="corrections"]`).AttrOr("data-count", ""); got != "1" {
		t.Errorf("%s wait", got)
	}
	if n := w.support.get("/staff/corrections").mark("request").Length(); n != 1 {
		t.Errorf("%d in the list", n)
	}
	seen := w.support.get(path)
	if seen.mark("why-not").AttrOr("data-reason", "") != "role" || seen.doc().Find(`form[action^="`+path+`"]`).Length() != 0 || seen.mark("detail").Length() == 0 {
		t.Errorf("support sees %s", clip(seen.body, 3000))
	}
	if a := w.finance.post(path+"/reject", url.Values{"reason": {" "}}); a.status != http.StatusUnprocessableEntity || a.mark("error").AttrOr("data-field", "") != "reason" {
		t.Errorf("refused without a reason: %d", a.status)
	}
	if a := w.finance.submit(path+"/approve", nil); a.mark("state").AttrOr("data-state", "") != "done" {
		t.Errorf("approved: %s", clip(a.body, 3000))
	}
	done := w.owner.get("/requests")
	if done.mark("request").AttrOr("data-state", "") != "done" || done.mark("request").Find(`a[href^="/invoices/SIP-"]`).Length() != 2 {
		t.Errorf("afterwards: %s", clip(done.body, 2000))
	}
	if got := w.owner.get("/balance?payer="+string(w.payer)).mark("balance").AttrOr("data-minor", ""); got != back {
		t.Errorf("on the balance: %s, not %s", got, back)
	}
	if text := w.owner.get("/statement?payer=" + string(w.payer)).doc().Text(); !strings.Contains(text, "VAT of a corrected invoice") {
		t.Error("the statement does not name it")
	}

	// Where VAT is to be paid, the list leads to the balance of who pays it.
	for field, v := range map[string]string{"kind": "person", "company_code": "", "vat_number": ""} {
		form.Set(field, v)
	}
	form.Set("invoice", strings.TrimPrefix(done.mark("request").Find(`a[href^="/invoices/SIP-"]`).Last().AttrOr("href", ""), "/invoices/"))
	confirm = w.owner.post("/requests/new/correction", form).filled(confirmSelector)
	confirm.Set("step", "confirm")
	list = w.owner.submit("/requests/new/correction", confirm)
	if n := list.mark("request").Find(`a[href="` + ofPayer("/balance", w.payer) + `"]`).Length(); n != 1 {
		t.Errorf("%d links to the payer's balance: %s", n, clip(list.body, 3000))
	}
}
