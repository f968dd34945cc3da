package i18n

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/BurntSushi/toml"
	goi18n "github.com/nicksnyder/go-i18n/v2/i18n"
)

// dynamicPrefixes are the keys that sources build from a value, such as
// "order.status." + status. Everything else stands in a source as a literal.
var dynamicPrefixes = []string{
	"subscription.charge.", "subscription.charge.because.",
	"calc.hint.", "calc.method.", "calc.tax.", "correction.detail.", "demo.", "doc.item.", "doc.reason.", "doc.statement.kind.", "document.kind.", "failure.", "flash.",
	"help.a.", "help.q.", "invoices.preset.", "invoices.quarters.", "invoices.state.", "item.", "method.", "notices.delivery.",
	"order.status.", "orders.line.", "pay.about.", "pay.again.", "pay.chosen.", "pay.state.", "plan.", "subscription.by.", "subscription.history.",
	"refund.", "requests.next.", "staff.refund.", "requests.state.", "staff.refund.state.", "staff.refund.wants.", "staff.refund.why_not.",
	"staff.alert.", "staff.booking.", "staff.dispute.", "staff.entry.", "staff.initiator.", "staff.payable.", "staff.payment.",
	"staff.reason.", "staff.refund_state.", "staff.role.", "staff.source.", "staff.state.", "staff.waits.",
	"staff.statement.count.", "staff.statement.state.", "staff.suspense.kind.", "staff.suspense.state.", "staff.payout.state.", "transfer.",
	"subscription.next.", "subscription.next_long.", "subscription.not_payer.", "subscription.ordered.",
	"subscription.state.", "subscription.switch.", "timeline.", "timeline.key.", "timeline.mark.",
	"timeline.stretch.", "unit.", "vat_status.", "verify.", "staff.vat.",
	"mail.document.", "mail.state.", "people.role.", "recipients.about.", "recipients.sent.", "recipients.state.", "seat.link.",
}

// messagesOf reads files of messages.
func messagesOf(t *testing.T, names ...string) map[string]*goi18n.Message {
	t.Helper()
	all := map[string]*goi18n.Message{}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := goi18n.ParseMessageFileBytes(data, filepath.Base(name), map[string]goi18n.UnmarshalFunc{"toml": toml.Unmarshal})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range file.Messages {
			if all[m.ID] != nil {
				t.Errorf("%q stands in two of %v", m.ID, names)
			}
			all[m.ID] = m
		}
	}
	return all
}

func englishMessages(t *testing.T) map[string]*goi18n.Message {
	t.Helper()
	return messagesOf(t, "locales/en.toml", "documents/en.toml")
}

// literals returns every string literal of the program's .go and .templ
// sources that looks like a key, with the files it stands in.
func literals(t *testing.T) map[string][]string {
	t.Helper()
	literal := regexp.MustCompile(`"([a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*\.|[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+)"`)
	found := map[string][]string{}
	for _, top := range []string{"cmd", "internal", "views", "web"} {
		root := filepath.Join("..", "..", top)
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			name := d.Name()
			if d.IsDir() {
				if name == "testdata" {
					return fs.SkipDir
				}
				return nil
			}
			source := strings.HasSuffix(name, ".templ") || strings.HasSuffix(name, ".go")
			if !source || strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, "_templ.go") {
				return nil
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, m := range literal.FindAllStringSubmatch(string(data), -1) {
				if !slices.Contains(found[m[1]], path) {
					found[m[1]] = append(found[m[1]], path)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// Every literal whose first word is the first word of some key must be a key:
// "order.statsu" is a mistake as long as any "order." key exists. Outside of
// views and web only keys of errors and documents are used.
func TestEveryUsedKeyExists(t *testing.T) {
	t.Parallel()
	messages := englishMessages(t)
	areas := map[string]bool{"error": true, "doc": true}
	for key := range messages {
		area, _, _ := strings.Cut(key, ".")
		areas[area] = true
	}
	for key, where := range literals(t) {
		area, _, _ := strings.Cut(key, ".")
		if area != "error" && area != "doc" && !slices.ContainsFunc(where, isPage) {
			continue
		}
		switch {
		case !areas[area] || messages[key] != nil || notKeys[key]:
		case strings.HasSuffix(key, "."):
			if !slices.Contains(dynamicPrefixes, key) {
				t.Errorf("prefix %q in %v is not declared in dynamicPrefixes", key, where)
			}
		default:
			t.Errorf("no %q, used in %v", key, where)
		}
	}
}

func isPage(path string) bool {
	return strings.HasPrefix(path, "../../views/") || strings.HasPrefix(path, "../../web/")
}

// notKeys are literals that look like keys and are something else.
var notKeys = map[string]bool{"consent.renewal": true} // a name in the records

func TestNoKeyIsUnused(t *testing.T) {
	t.Parallel()
	used := literals(t)
	for key := range englishMessages(t) {
		if used[key] != nil || strings.HasPrefix(key, "format.") {
			continue
		}
		if !slices.ContainsFunc(dynamicPrefixes, func(p string) bool { return strings.HasPrefix(key, p) && used[p] != nil }) {
			t.Errorf("%q is used nowhere", key)
		}
	}
}

// Every message parses, has an "other" form, and plural messages use the count.
func TestMessagesParse(t *testing.T) {
	t.Parallel()
	for key, m := range englishMessages(t) {
		if m.Other == "" {
			t.Errorf("%q has no text", key)
		}
		for _, text := range []string{m.One, m.Other} {
			if _, err := template.New("").Parse(text); err != nil {
				t.Errorf("%q: %v", key, err)
			}
			if strings.TrimSpace(text) != text && key != "common.list_separator" {
				t.Errorf("%q has spaces around its text", key)
			}
		}
		if m.One != "" && !strings.Contains(m.Other, "{{.Count}}") {
			t.Errorf("%q has plural forms but no {{.Count}}", key)
		}
	}
}

// Keys stand once: TOML refuses a repeated key, but only one that is spelled
// the same way; go-i18n would take the last of two spellings.
func TestKeysAreFlatAndQuoted(t *testing.T) {
	t.Parallel()
	line := regexp.MustCompile(`^"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+" = ["{]`)
	names, err := filepath.Glob("*/*.toml")
	if err != nil || len(names) < 2 {
		t.Fatalf("%v, %v", names, err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, l := range strings.Split(string(data), "\n") {
			if l != "" && !strings.HasPrefix(l, "#") && !line.MatchString(l) {
				t.Errorf("%s: line %d is no quoted key with a text: %s", name, i+1, l)
			}
		}
	}
}
