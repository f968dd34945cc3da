package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// hostile are texts that have broken programs before.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `'><svg/onload=alert(1)>`, `javascript:alert(1)`, `</textarea><script>`, `{{.}}`, `${7*7}`, `%s%n`,
	"a\x00b", "\xff\xfe", "\u202eabc", "\u2028", "\ufeff", "é", "𝕺𝖓𝖆", "👩‍👩‍👧", "Z̷a̷l̷g̷o̷", "'", `"`, "' OR 1=1 --", `\`, "../../etc/passwd",
	"-1", "0", "1e9", "0x10", "٣", "１", "9223372036854775808", "-9223372036854775809", "1.5", " 5", "5 ", "+5", "NaN", "2026-02-30", "0000-00-00", "+2026-11-23", "99999-01-01",
	strings.Repeat("x", 5000), strings.Repeat("ž", 3000), strings.Repeat(" ", 100), "\r\nSet-Cookie: x=1", "=1+1", "", "null", "undefined",
}

// Every text field of every form and query takes every hostile text: no
// failure of ours, no markup from outside, no header from outside.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	billing := url.Values{
		"payer": {string(w.payer)}, "kind": {"company"}, "name": {"UAB Pavyzdys"}, "company_code": {"1"}, "vat_number": {""}, "street": {"Gedimino pr. 9"}, "city": {"Vilnius"},
		"postcode": {"01103"}, "country": {"LT"}, "email": {"payer@example.lt"}, "po_reference": {"1"}, "language": {"en"}, "currency": {"EUR"}, "return_to": {"/billing"},
		"vat_number_confirm": {"1"},
	}
	order := url.Values{
		"plan": {"softphone"}, "accounts": {"2"}, "recording": {""}, "api": {""}, "period": {"6"}, "payer": {string(w.payer)}, "customer": {""}, "method": {"bank"}, "quote": {"x"},
		"lines": {""}, "extra_accounts": {""}, "country": {""}, "currency": {""},
	}
	for _, target := range []struct {
		method, path string
		form         url.Values
	}{
		{http.MethodPost, "/billing", billing},
		{http.MethodPost, "/orders", order},
		{http.MethodPost, "/account", url.Values{"language": {"en"}, "time_zone": {"UTC"}}},
		{http.MethodPost, "/account/sessions/end", url.Values{"session": {"x"}}},
		{http.MethodPost, "/login/demo", url.Values{"person": {"ona"}}},
		{http.MethodGet, "/plans/softphone", url.Values{
			"accounts": {"2"}, "recording": {"on"}, "api": {"on"}, "period": {"12"}, "country": {"DE"}, "currency": {"EUR"}, "payer": {""}, "customer": {""},
		}},
		{http.MethodGet, "/plans/gateway", url.Values{"lines": {"2"}, "extra_accounts": {"1"}, "api": {"on"}, "period": {"12"}, "country": {"DE"}}},
		{http.MethodGet, "/invoices", url.Values{"from": {"2026-01-01"}, "to": {"2026-12-31"}, "type": {"invoice"}, "q": {"x"}, "payer": {""}, "after": {""}}},
		{http.MethodGet, "/billing", url.Values{"payer": {"new"}, "return_to": {"/billing"}}},
		{http.MethodGet, "/login/telegram", url.Values{"hash": {"00"}, "id": {"1"}, "st": {"x"}}},
		{http.MethodGet, "/invoices/x", url.Values{"download": {"1"}}},
	} {
		for field := range target.form {
			for i, text := range hostile {
				if len(text) > 1000 && i%2 == 0 && field != "name" {
					continue
				}
				form := url.Values{}
				for k, v := range target.form {
					form[k] = v
				}
				form.Set(field, text)
				var a *answer
				if target.method == http.MethodGet {
					a = w.owner.get(target.path + "?" + form.Encode())
				} else {
					a = w.owner.post(target.path, form)
				}
				what := target.method + " " + target.path + " " + field + " = " + clip(text, 40)
				if a.status >= 500 {
					t.Errorf("%s: %d", what, a.status)
				}
				if l := a.location(); l != "" && (!strings.HasPrefix(l, "/") || strings.HasPrefix(l, "//") || strings.Contains(l, `\`)) {
					t.Errorf("%s: leads to %q", what, l)
				}
				for _, c := range (&http.Response{Header: a.header}).Cookies() {
					if c.Name == "x" {
						t.Errorf("%s: sets a cookie", what)
					}
				}
				// A field shows what was typed into it; nothing else does.
				if strings.Contains(a.body, "\x00") || (strings.Contains(a.body, "\u202e") && strings.Contains(a.doc().Find("body").Text(), "\u202e")) {
					t.Errorf("%s: control characters on the page", what)
				}
				if strings.Contains(a.header.Get("Content-Type"), "html") && strings.ContainsAny(text, "<>") {
					if n := a.doc().Find("main script, main img, svg[onload], [onerror], a[href^=javascript]").Length(); n != 0 {
						t.Errorf("%s: %d elements from outside", what, n)
					}
				}
			}
		}
	}
}
