package i18n

import (
	"fmt"
	"regexp"
	"strings"

	goi18n "github.com/nicksnyder/go-i18n/v2/i18n"
)

// text is a message, taken apart once: pages show hundreds of them.
type text struct {
	other  parts
	plural map[string]parts // by CLDR plural form; nil without
}

// parts are literals and the values between them.
type parts []part

type part struct{ literal, name string } // one of the two

var placeholder = regexp.MustCompile(`\{\{\s*\.([A-Z][A-Za-z0-9]*)\s*\}\}`)

func newText(m *goi18n.Message) (text, error) {
	var t text
	for form, s := range map[string]string{"zero": m.Zero, "one": m.One, "two": m.Two, "few": m.Few, "many": m.Many, "other": m.Other} {
		if s == "" {
			continue
		}
		p, err := newParts(s)
		if err != nil {
			return text{}, fmt.Errorf("message %q: %w", m.ID, err)
		}
		if form == "other" {
			t.other = p
			continue
		}
		if t.plural == nil {
			t.plural = map[string]parts{}
		}
		t.plural[form] = p
	}
	if t.other == nil {
		return text{}, fmt.Errorf("message %q has no text", m.ID)
	}
	return t, nil
}

// newParts reads "Hello, {{.Name}}". Values are all that go-i18n's templates
// are used for here; anything else is a mistake of a translator.
func newParts(s string) (parts, error) {
	var p parts
	at := 0
	for _, m := range placeholder.FindAllStringSubmatchIndex(s, -1) {
		if m[0] > at {
			p = append(p, part{literal: s[at:m[0]]})
		}
		p = append(p, part{name: s[m[2]:m[3]]})
		at = m[1]
	}
	if at < len(s) {
		p = append(p, part{literal: s[at:]})
	}
	for _, x := range p {
		if strings.Contains(x.literal, "{{") || strings.Contains(x.literal, "}}") {
			return nil, fmt.Errorf("%q is no value: write {{.Name}}", x.literal)
		}
	}
	return p, nil
}

// fill puts the values in; one that is missing shows as "<no value>".
func (p parts) fill(value func(name string) any) string {
	var b strings.Builder
	for _, x := range p {
		if x.name == "" {
			b.WriteString(x.literal)
			continue
		}
		switch v := value(x.name).(type) {
		case nil:
			b.WriteString("<no value>")
		case string:
			b.WriteString(v)
		default:
			fmt.Fprint(&b, v)
		}
	}
	return b.String()
}

// pluralForms is a message whose text in each plural form is the form's name:
// go-i18n knows CLDR's rules but does not export them.
var pluralForms = goi18n.Message{
	ID: "plural form", Zero: "zero", One: "one", Two: "two", Few: "few", Many: "many", Other: "other",
}

// knownForms is how many counts have their form remembered.
const knownForms = 1000

// form returns the CLDR plural form of a count.
func (l *locale) form(count int) string {
	known := count >= 0 && count < knownForms
	if known {
		if form, ok := l.forms.Load(count); ok {
			return form.(string)
		}
	}
	form, err := l.plurals.Localize(&goi18n.LocalizeConfig{MessageID: pluralForms.ID, PluralCount: count})
	if err != nil {
		return "other"
	}
	if known {
		l.forms.Store(count, form)
	}
	return form
}
