package i18n

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	goi18n "github.com/nicksnyder/go-i18n/v2/i18n"
)

// documentLanguages are those that documents come in.
var documentLanguages = []string{"de", "en", "es", "fr", "lt", "pl", "ru", "uk"}

// Every language of documents has every word of them, and no other.
func TestDocumentsAreWholeInEveryLanguage(t *testing.T) {
	t.Parallel()
	var codes []string
	for _, l := range DocumentLanguages() {
		codes = append(codes, l.Code)
	}
	if diff := cmp.Diff(documentLanguages, codes); diff != "" {
		t.Fatal(diff)
	}
	for key := range messagesOf(t, "locales/en.toml") {
		if strings.HasPrefix(key, "doc.") {
			t.Errorf("%q is a word of documents: it belongs in documents/, in every language", key)
		}
	}
	english := messagesOf(t, "documents/en.toml")
	for key, m := range messagesOf(t, "locales/en.toml") {
		if strings.HasPrefix(key, "format.") {
			english[key] = m
		}
	}
	for _, code := range documentLanguages {
		if code == Fallback {
			continue
		}
		words := messagesOf(t, "documents/"+code+".toml")
		l := load()[code]
		for key, m := range english {
			w := words[key]
			if w == nil {
				t.Errorf("%s: no %q", code, key)
				continue
			}
			if !strings.HasPrefix(key, "format.") {
				sameValues(t, code, m, w)
			}
			allForms(t, l, m, w)
		}
		for key := range words {
			if english[key] == nil {
				t.Errorf("%s: %q is not in English", code, key)
			}
		}
	}
}

// forms are the texts of a message by plural form.
func forms(m *goi18n.Message) map[string]string {
	all := map[string]string{"zero": m.Zero, "one": m.One, "two": m.Two, "few": m.Few, "many": m.Many, "other": m.Other}
	for form, s := range all {
		if s == "" {
			delete(all, form)
		}
	}
	return all
}

// sameValues says that a translation has the values of the English text, in
// each of its forms.
func sameValues(t *testing.T, code string, english, w *goi18n.Message) {
	t.Helper()
	values := func(s string) []string {
		var names []string
		for _, m := range placeholder.FindAllStringSubmatch(s, -1) {
			names = append(names, m[1])
		}
		slices.Sort(names)
		return names
	}
	for form, s := range forms(w) {
		if want, got := values(english.Other), values(s); !slices.Equal(want, got) {
			t.Errorf("%s: %q (%s) has the values %v, not %v", code, w.ID, form, got, want)
		}
		if strings.TrimSpace(s) != s || strings.Contains(s, "  ") {
			t.Errorf("%s: %q (%s) has spaces too many: %q", code, w.ID, form, s)
		}
	}
}

// allForms says that a message with plural forms has each form that its language
// needs for a count, and one without has none.
func allForms(t *testing.T, l *locale, english, w *goi18n.Message) {
	t.Helper()
	has := forms(w)
	if english.One == "" {
		if len(has) != 1 {
			t.Errorf("%s: %q has plural forms, the English text has none", l.code, w.ID)
		}
		return
	}
	for _, count := range []int{0, 1, 2, 3, 5, 10, 11, 12, 21, 22, 25, 36, 100, 101, 112, 1000, 1_000_000} {
		if form := l.form(count); has[form] == "" {
			t.Errorf("%s: %q has no form %q, for %d", l.code, w.ID, form, count)
		}
	}
}

// Two languages that say the same may have been copied and not translated.
func TestDocumentsAreTranslated(t *testing.T) {
	t.Parallel()
	english := messagesOf(t, "documents/en.toml")
	for _, code := range documentLanguages {
		if code == Fallback {
			continue
		}
		same := 0
		for key, m := range messagesOf(t, "documents/"+code+".toml") {
			if e := english[key]; e != nil && e.Other == m.Other && strings.ContainsAny(m.Other, "abcdefghijklmnopqrstuvwxyz") {
				same++
			}
		}
		if same > 8 { // "Total", "Date", "Page" and the like
			t.Errorf("%s: %d texts are the English ones", code, same)
		}
	}
}

// Dates, sums, rates and countries as each language writes them.
func TestDocumentFormats(t *testing.T) {
	t.Parallel()
	var got []string
	for _, code := range documentLanguages {
		d := ForDocument(code)
		got = append(got, strings.ReplaceAll(strings.Join([]string{
			d.Lang(), d.Date(2026, time.November, 2), d.DateShort(2026, time.March, 2), d.Money(1234560, "EUR"), d.Money(-205, "EUR"), d.Percent(2550),
			d.Country("DE"), d.N("doc.unit.month", 1), d.N("doc.unit.month", 3), d.N("doc.unit.month", 6), d.N("doc.unit.month", 12), d.N("doc.unit.month", 36),
			d.T("doc.page", "Page", 1, "Pages", 2),
		}, " | "), "\u00a0", "_"))
	}
	want := strings.Split(strings.TrimSpace(`
de | 2. November 2026 | 02.03.2026 | 12.345,60_€ | −2,05_€ | 25,5_% | Deutschland | 1 Monat | 3 Monate | 6 Monate | 12 Monate | 36 Monate | Seite 1 von 2
en | 2 November 2026 | 2 Mar 2026 | €12,345.60 | −€2.05 | 25.5% | Germany | 1 month | 3 months | 6 months | 12 months | 36 months | Page 1 of 2
es | 2 de noviembre de 2026 | 2 mar 2026 | 12.345,60_€ | −2,05_€ | 25,5_% | Alemania | 1 mes | 3 meses | 6 meses | 12 meses | 36 meses | Página 1 de 2
fr | 2 novembre 2026 | 2 mars 2026 | 12_345,60_€ | −2,05_€ | 25,5_% | Allemagne | 1 mois | 3 mois | 6 mois | 12 mois | 36 mois | Page 1 sur 2
lt | 2026 m. lapkričio 2 d. | 2026-03-02 | 12_345,60_€ | −2,05_€ | 25,5_% | Vokietija | 1 mėnuo | 3 mėnesiai | 6 mėnesiai | 12 mėnesių | 36 mėnesiai | 1 puslapis iš 2
pl | 2 listopada 2026 | 02.03.2026 | 12_345,60_€ | −2,05_€ | 25,5% | Niemcy | 1 miesiąc | 3 miesiące | 6 miesięcy | 12 miesięcy | 36 miesięcy | Strona 1 z 2
ru | 2 ноября 2026_г. | 02.03.2026 | 12_345,60_€ | −2,05_€ | 25,5_% | Германия | 1 месяц | 3 месяца | 6 месяцев | 12 месяцев | 36 месяцев | Страница 1 из 2
uk | 2 листопада 2026_р. | 02.03.2026 | 12_345,60_EUR | −2,05_EUR | 25,5% | Німеччина | 1 місяць | 3 місяці | 6 місяців | 12 місяців | 36 місяців | Сторінка 1 з 2
`), "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A language of documents is not one of pages.
func TestPagesStayInTheirLanguages(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{"de": "de", "de-AT": "de", "xx": "en", "": "en", "en": "en"} {
		if got := ForDocument(code).Lang(); got != want {
			t.Errorf("ForDocument(%q) is %q", code, got)
		}
	}
	if got := New("de").Lang(); got != Fallback {
		t.Errorf("pages in %q, which have no words", got)
	}
	if got := Match("de-DE,de;q=0.9"); got != Fallback {
		t.Errorf("matched %q", got)
	}
	if got := ForDocument("de").T("common.close"); got != New("en").T("common.close") {
		t.Errorf("a word that documents lack: %q", got)
	}
}
