package web

import (
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func verifyForm(number, date, total string) url.Values {
	return url.Values{"number": {number}, "date": {date}, "total": {total}}
}

// Who has the document before them learns that it is genuine. Whatever is wrong,
// the answer is the same bytes: nobody learns which numbers exist.
func TestVerify(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) { c.Limits.Checks = -1 })
	visitor := w.browser()
	number, date := w.paid.InvoiceNumber, w.app.Today().String()

	page := visitor.get("/verify?number=" + number + "&date=" + date + "&total=326.70")
	if got := page.doc().Find("#field-number").AttrOr("value", page.doc().Find(`[name="number"]`).AttrOr("value", "")); got != number {
		t.Errorf("the number is %q", got)
	}
	for _, field := range []string{"date", "total"} {
		if got := page.doc().Find(`[name="`+field+`"]`).AttrOr("value", ""); got != "" {
			t.Errorf("%s was taken from the address: %q", field, got)
		}
	}
	for header, want := range map[string]string{"X-Robots-Tag": "noindex", "Cache-Control": "no-store"} {
		if got := page.header.Get(header); !strings.Contains(got, want) {
			t.Errorf("%s: %q", header, got)
		}
	}
	if page.doc().Find(`[data-testid="verdict"]`).Length() != 0 {
		t.Error("a verdict before anything was asked")
	}

	d, err := w.app.Invoice(w.ctx(), w.owner.actor(), number)
	w.must(err)
	if want := "http://127.0.0.1:8080/verify?number=" + number; d.VerifyURL != want {
		t.Errorf("the document leads to %q, not %q", d.VerifyURL, want)
	}

	verdict := func(form url.Values) string {
		t.Helper()
		a := visitor.post("/verify", form)
		if a.status != http.StatusOK || !strings.Contains(a.header.Get("X-Robots-Tag"), "noindex") {
			t.Errorf("%v: %d", form, a.status)
		}
		return a.mark("verdict").AttrOr("data-verdict", "")
	}
	total := w.paid.Total.Decimal()
	for _, typed := range []string{total, strings.ReplaceAll(total, ".", ","), "€" + total, " " + total + " EUR", "-" + total} {
		if got := verdict(verifyForm(" "+strings.ToLower(number)+" ", date, typed)); got != "genuine" {
			t.Errorf("%q is %s", typed, got)
		}
	}

	// One thing wrong at a time, and nothing tells which.
	var bodies []string
	for _, wrong := range []url.Values{
		verifyForm(number, "2026-01-01", total), verifyForm(number, date, "1.00"), verifyForm("SIP-2099-000001", date, total),
		verifyForm(w.paid.Number, date, total), verifyForm(w.open.Number, date, w.open.Total.Decimal()), // an order has no tax document's number
	} {
		a := visitor.post("/verify", wrong)
		if got := a.mark("verdict").AttrOr("data-verdict", ""); got != "unknown" {
			t.Errorf("%v is %q", wrong, got)
		}
		body := a.body
		for name, v := range wrong { // what was typed stays in the form
			body = strings.ReplaceAll(body, `value="`+v[0]+`"`, `value="`+name+`"`)
		}
		bodies = append(bodies, body)
	}
	if slices.ContainsFunc(bodies, func(b string) bool { return b != bodies[0] }) {
		t.Error("the answers differ")
	}
	for _, secret := range []string{"Ona", w.paid.Number, "326"} {
		if strings.Contains(bodies[0], secret) {
			t.Errorf("the answer has %q", secret)
		}
	}

	// What is missing is asked for, and what was typed stays.
	for field, form := range map[string]url.Values{
		"number": verifyForm("", date, total), "date": verifyForm(number, "yesterday", total), "total": verifyForm(number, date, "a lot"),
	} {
		a := visitor.post("/verify", form)
		if a.status != http.StatusUnprocessableEntity || a.mark("error").AttrOr("data-field", "") != field ||
			a.doc().Find(`[name="number"]`).AttrOr("value", "") != form.Get("number") {
			t.Errorf("without %s: %d, %s", field, a.status, a.mark("error").AttrOr("data-field", ""))
		}
	}

	// A credit note corrects it, and is itself genuine.
	id := w.refundRequest()
	w.must(w.app.ApproveRefund(w.ctx(), w.finance.actor(), id))
	w.must(w.app.ApproveRefund(w.ctx(), w.admin.actor(), id))
	if got := verdict(verifyForm(number, date, total)); got != "corrected" {
		t.Errorf("after a credit note it is %s", got)
	}
	note := w.owner.get("/invoices?type=credit_note").mark("invoice")
	minor := strings.TrimPrefix(note.AttrOr("data-minor", ""), "-")
	if got := verdict(verifyForm(note.AttrOr("data-number", ""), date, minor[:len(minor)-2]+"."+minor[len(minor)-2:])); got != "genuine" {
		t.Errorf("the credit note is %s", got)
	}
}

// A number is asked for so many times an hour, from wherever; an address so many
// times a minute, for whatever. Numbers that do not exist are counted alike.
func TestVerifyIsLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) { c.Limits.Checks = 3 })
	date := w.app.Today().String()
	try := func(number string) int {
		return w.browser().post("/verify", verifyForm(number, date, "1.00")).status
	}
	for _, number := range []string{w.paid.InvoiceNumber, "SIP-2099-000001"} {
		for i, want := range []int{200, 200, 200, 429} {
			if got := try(number); got != want {
				t.Errorf("%s, try %d: %d", number, i+1, got)
			}
			if i == 2 {
				w.clock.Set(w.clock.Now().Add(time.Minute)) // another minute for the address, the same hour for the number
			}
		}
		w.clock.Set(w.clock.Now().Add(time.Minute))
	}
	for i, want := range []int{200, 200, 200, 429} {
		if got := try("SIP-2098-00000" + string(rune('1'+i))); got != want {
			t.Errorf("another number, try %d: %d", i+1, got)
		}
	}
	w.clock.Set(w.clock.Now().Add(time.Hour))
	if got := try(w.paid.InvoiceNumber); got != 200 {
		t.Errorf("an hour later: %d", got)
	}
}

// Made-up numbers neither fill the memory nor use up the tries of others.
func TestMadeUpNumbersAreForgotten(t *testing.T) {
	n, now := newNumberCounter(20), time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range 1000 { // 64 MB
		n.count(strings.Repeat("9", 64<<10)+strconv.Itoa(i), now)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("1000 long numbers hold %d MiB", grown>>20)
	}
	for i := range 3 * maxKeys {
		n.count("SIP-2026-"+strconv.Itoa(i), now)
	}
	if len(n.counts) > maxKeys {
		t.Errorf("%d counts", len(n.counts))
	}
	refused := 0
	for i := range 100 {
		if !n.count("SIP-2027-"+strconv.Itoa(i), now) {
			refused++
		}
	}
	if refused > 1 {
		t.Errorf("%d of 100 others are refused", refused)
	}
	tries := 0
	for n.count("SIP-2028-000001", now) {
		tries++
	}
	if tries < 5 || tries > 20 {
		t.Errorf("one number is tried %d times", tries)
	}
}
