package views

import (
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"
	"github.com/siptg/portal/internal/i18n"
)

// planName names a plan; a plan of no known name shows its code.
func planName(t i18n.Translator, plan string) string { return t.T("plan." + plan) }

// optionTexts are the options of a selection in words, largest first.
func optionTexts(t i18n.Translator, s Selection) []string {
	var list []string
	if s.Accounts > 0 {
		list = append(list, t.N("option.accounts", s.Accounts))
	}
	if s.Lines > 0 {
		list = append(list, t.N("option.lines", s.Lines))
	}
	if s.ExtraAccounts > 0 {
		list = append(list, t.N("option.extra_accounts", s.ExtraAccounts))
	}
	if s.Recording {
		list = append(list, t.T("option.recording"))
	}
	if s.API {
		list = append(list, t.T("option.api"))
	}
	return list
}

// optionsLine joins the options for one line: "5 SIP accounts, call recording".
func optionsLine(t i18n.Translator, s Selection) string {
	return strings.Join(optionTexts(t, s), t.T("common.list_separator"))
}

// itemText describes a price line by its item code: "SOFT-ACC" has the key
// "item.soft_acc".
func itemText(t i18n.Translator, code string) string {
	return t.T("item." + strings.ToLower(strings.ReplaceAll(code, "-", "_")))
}

func months(t i18n.Translator, n int) string { return t.N("common.months", n) }

func itoa(n int) string       { return strconv.Itoa(n) }
func minor(m Money) string    { return strconv.FormatInt(m.Minor, 10) }
func present(m Money) bool    { return m.Text != "" }
func shown(i Instant) bool    { return i.Text != "" }
func fieldID(n string) string { return "f-" + n }

// pageTitle is the text of the browser tab.
func pageTitle(p Page, heading string) string {
	if p.Title != "" {
		heading = p.Title
	}
	if heading == "" {
		return brand
	}
	return heading + " · " + brand
}

// brand is a name, the same in every language.
const brand = "SIP.TG"

// signInURL is where "Sign in" leads; from there the person comes back to the
// page with the link.
const signInURL = "/login?from=link"

// describedBy lists the elements that explain a field.
func describedBy(name, hint string, errors int) string {
	var ids []string
	if hint != "" {
		ids = append(ids, fieldID(name)+"-hint")
	}
	for i := range errors {
		ids = append(ids, errorID(name, i))
	}
	return strings.Join(ids, " ")
}

// explained ties a field to its hint and mistakes for screen readers.
func explained(name, hint string, errors int) templ.Attributes {
	a := templ.Attributes{}
	if ids := describedBy(name, hint, errors); ids != "" {
		a["aria-describedby"] = ids
	}
	if errors > 0 {
		a["aria-invalid"] = "true"
	}
	return a
}

func has(list []string, s string) bool { return slices.Contains(list, s) }

func errorID(name string, i int) string { return fieldID(name) + "-error-" + itoa(i) }

// badge colours by state of an order, a subscription or a document.
func stateColour(state string) string {
	switch state {
	case "paid", "active", "on", "invoice", "matched", "invoiced":
		return "ok"
	case "awaiting_payment", "expected", "unsettled":
		return "wait"
	case "expired", "canceled", "ended", "off":
		return "off"
	}
	return "info"
}
