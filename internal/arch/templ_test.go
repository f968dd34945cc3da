package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	templ "github.com/a-h/templ/parser/v2"
	"github.com/a-h/templ/parser/v2/visitor"
)

// unescaped are the ways of templ to write something as it is.
var unescaped = []string{"Raw", "SafeURL", "SafeCSS", "SafeCSSProperty", "JSUnsafeFuncCall", "JSExpression", "FromGoHTML", "UnsafeURL"}

var unescapedUse = regexp.MustCompile(`\btempl\.(` + strings.Join(unescaped, "|") + `)\b`)

// readByPeople are the attributes whose values are spoken or shown.
var readByPeople = []string{"title", "alt", "placeholder", "label", "summary", "aria-label", "aria-description", "aria-roledescription", "aria-valuetext"}

// names are words that are the same in every language.
var names = []string{"SIP.TG", "Telegram", "PDF", "XML", "IBAN", "BIC", "CSV", "VAT"}

// checkTemplates reads templates as templ does.
func checkTemplates(t *tree) (broken []finding) {
	for _, f := range t.templ {
		found, err := templateFindings(f)
		if err != nil {
			broken = append(broken, finding{f.name, err.Error()})
		}
		broken = append(broken, found...)
	}
	return broken
}

func templateFindings(f templFile) (broken []finding, err error) {
	file, err := templ.ParseString(f.text)
	if err != nil {
		return nil, err
	}
	at := func(r templ.Range, format string, args ...any) {
		broken = append(broken, finding{fmt.Sprintf("%s:%d", f.name, r.From.Line+1), fmt.Sprintf(format, args...)})
	}
	for number, line := range strings.Split(f.text, "\n") {
		if use := unescapedUse.FindString(line); use != "" {
			broken = append(broken, finding{fmt.Sprintf("%s:%d", f.name, number+1), use + " switches escaping off"})
		}
	}
	attributeKey := func(key templ.AttributeKey) {
		constant, ok := key.(templ.ConstantAttributeKey)
		if !ok {
			at(templ.Range{}, "the name of an attribute is written out, not computed")
			return
		}
		name := strings.ToLower(constant.Name)
		switch {
		case name == "style":
			at(constant.NameRange, "style=: the policy of the site forbids inline styles; use a class")
		case strings.HasPrefix(name, "on"), strings.HasPrefix(name, "hx-on"):
			at(constant.NameRange, "%s=: the policy of the site forbids inline scripts", constant.Name)
		}
	}

	v := visitor.New()
	v.Text = func(n *templ.Text) error {
		if words := sentence(n.Value); words != "" {
			at(n.Range, "%q: text of pages belongs into internal/i18n/locales", words)
		}
		return nil
	}
	v.StringExpression = func(n *templ.StringExpression) error {
		for _, words := range spokenLiterals(n.Expression.Value) {
			at(n.Expression.Range, "%q: text of pages belongs into internal/i18n/locales", words)
		}
		return nil
	}
	v.ConstantAttribute = func(n *templ.ConstantAttribute) error {
		attributeKey(n.Key)
		key, ok := n.Key.(templ.ConstantAttributeKey)
		if ok && slices.Contains(readByPeople, strings.ToLower(key.Name)) {
			if words := sentence(n.Value); words != "" {
				at(key.NameRange, "%s=%q: text of pages belongs into internal/i18n/locales", key.Name, words)
			}
		}
		if ok && strings.HasPrefix(strings.ToLower(strings.TrimSpace(n.Value)), "javascript:") {
			at(key.NameRange, "javascript: addresses are scripts")
		}
		return nil
	}
	v.ExpressionAttribute = func(n *templ.ExpressionAttribute) error {
		attributeKey(n.Key)
		key, ok := n.Key.(templ.ConstantAttributeKey)
		if ok && slices.Contains(readByPeople, strings.ToLower(key.Name)) {
			for _, words := range spokenLiterals(n.Expression.Value) {
				at(key.NameRange, "%s=%q: text of pages belongs into internal/i18n/locales", key.Name, words)
			}
		}
		return nil
	}
	v.BoolConstantAttribute = func(n *templ.BoolConstantAttribute) error { attributeKey(n.Key); return nil }
	v.BoolExpressionAttribute = func(n *templ.BoolExpressionAttribute) error { attributeKey(n.Key); return nil }
	v.SpreadAttributes = func(n *templ.SpreadAttributes) error {
		// A function's attributes are checked where it makes them
		// (checkAttributes); a value's could come from anywhere.
		if parsed, err := parser.ParseExpr(n.Expression.Value); err != nil || !isCall(parsed) {
			at(n.Expression.Range, "{ %s... }: attributes are written out or made by a function here", n.Expression.Value)
		}
		return nil
	}
	v.ScriptElement = func(n *templ.ScriptElement) error {
		written := slices.ContainsFunc(n.Contents, func(c templ.ScriptContents) bool {
			return c.GoCode != nil || c.Value != nil && strings.TrimSpace(*c.Value) != ""
		})
		sourced := slices.ContainsFunc(n.Attributes, func(a templ.Attribute) bool {
			switch a := a.(type) {
			case *templ.ConstantAttribute:
				return a.Key.String() == "src"
			case *templ.ExpressionAttribute:
				return a.Key.String() == "src"
			}
			return false
		})
		if written || !sourced {
			at(n.Range, "<script> without src: the policy of the site forbids inline scripts")
		}
		for _, a := range n.Attributes {
			if err := a.Visit(v); err != nil {
				return err
			}
		}
		return nil
	}
	v.RawElement = func(n *templ.RawElement) error {
		at(n.Range, "<%s>: the policy of the site forbids inline styles and scripts", n.Name)
		return nil
	}
	v.ScriptTemplate = func(n *templ.ScriptTemplate) error {
		at(n.Range, "script %s(): the policy of the site forbids inline scripts", n.Name.Value)
		return nil
	}
	v.CSSTemplate = func(n *templ.CSSTemplate) error {
		at(n.Range, "css %s(): the policy of the site forbids inline styles", n.Name)
		return nil
	}
	v.HTMLComment = func(n *templ.HTMLComment) error {
		at(n.Range, "an HTML comment is sent to everybody: use //")
		return nil
	}
	return broken, file.Visit(v)
}

func isCall(n ast.Node) bool {
	_, ok := n.(*ast.CallExpr)
	return ok
}

// sentence returns text that somebody has to translate: two words or more, or
// one that is not a name. A single letter or a number is neither.
func sentence(text string) string {
	text = strings.Join(strings.Fields(html.UnescapeString(text)), " ")
	rest := text
	for _, name := range names {
		rest = strings.ReplaceAll(rest, name, "")
	}
	words := strings.FieldsFunc(rest, func(r rune) bool { return !unicode.IsLetter(r) })
	if slices.ContainsFunc(words, func(w string) bool { return len([]rune(w)) >= 2 }) {
		return text
	}
	return ""
}

// spokenLiterals returns the sentences that stand in a Go expression as such.
// Arguments of calls are keys, not text.
func spokenLiterals(expression string) (found []string) {
	parsed, err := parser.ParseExpr(expression)
	if err != nil {
		return nil // templ expressions such as `a, err` have two values
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		if _, call := n.(*ast.CallExpr); call {
			return false
		}
		if text, ok := literal(n); ok {
			if words := sentence(text); words != "" {
				found = append(found, words)
			}
		}
		return true
	})
	return found
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	report(t, checkTemplates)
}

func TestTemplateRulesFire(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		body string
		want int
	}{
		{"a page as it should be", `<a class="link" href={ p.URL } data-testid="x">{ p.T.T("a.b") }</a>`, 0},
		{"a sentence", `<p>Your invoice is ready</p>`, 1},
		{"a word", `<p>Home</p>`, 1},
		{"a sentence beside an expression", `<p>{ p.Name } owes us</p>`, 1},
		{"a sentence in an expression", `<p>{ "Your invoice" }</p>`, 1},
		{"a sentence added in an expression", `<p>{ "Hello " + p.Name }</p>`, 1},
		{"a sentence deep inside", "if p.OK {\n<p>\nfor _, x := range p.XS {\n<b>not paid</b>\n}\n</p>\n}", 1},
		{"a sentence as an attribute", `<img src="/a.png" alt="Our logo"/>`, 1},
		{"a sentence as a computed attribute", `<nav aria-label={ "Main menu" }></nav>`, 1},
		{"an escaped sentence", `<p>&nbsp;gar&ccedil;on</p>`, 1},
		{"a name", `<a href="/">SIP.TG</a>`, 0},
		{"signs and numbers", `<p>&nbsp;— 1.2 · % ×</p>`, 0},
		{"raw HTML", `@templ.Raw(p.Text)`, 1},
		{"an unchecked address", `<a href={ templ.SafeURL(p.URL) }></a>`, 1},
		{"a script", `<script>alert(1)</script>`, 1},
		{"a script that was forgotten", `<script></script>`, 1},
		{"a script with both", `<script src="/a.js">alert(1)</script>`, 1},
		{"a script file", `<script src="/a.js" defer></script>`, 0},
		{"a computed script file", `<script src={ p.JS }></script>`, 0},
		{"a style", `<style>p { color: red }</style>`, 1},
		{"an inline style", `<p style="color: red"></p>`, 1},
		{"a computed inline style", `<p style={ p.Style }></p>`, 1},
		{"a handler", `<p onclick="go()"></p>`, 1},
		{"a computed handler", `<p onmouseover={ p.JS }></p>`, 1},
		{"a handler sometimes", "<p\nif p.OK {\nonclick=\"go()\"\n}\n></p>", 1},
		{"a handler of htmx", `<p hx-on:click="go()"></p>`, 1},
		{"a script address", `<a href="javascript:go()"></a>`, 1},
		{"attributes of a page", `<p { p.Attributes... }></p>`, 1},
		{"attributes of a function", `<p { explained(p.Name)... }></p>`, 0},
		{"a comment for everybody", `<!-- remember me -->`, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			text := "package views\n\ntempl X(p XPage) {\n" + test.body + "\n}\n"
			fires(t, checkTemplates, map[string]string{"views/x.templ": text}, test.want)
		})
	}
	for name, text := range map[string]string{
		"a css block":         "package views\n\ncss red() {\n\tcolor: red;\n}\n",
		"a script block":      "package views\n\nscript go() {\n\talert(1);\n}\n",
		"what templ rejects":  "package views\n\ntempl X() {\n<p>\n}\n",
		"raw HTML in Go code": "package views\n\nvar a = templ.Raw(\"\")\n\ntempl X() {\n<p></p>\n}\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fires(t, checkTemplates, map[string]string{"views/x.templ": text}, 1)
		})
	}
}
