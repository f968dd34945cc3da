package i18n

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/BurntSushi/toml"
	goi18n "github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// Fallback is the language that has every key.
const Fallback = "en"

//go:embed locales/*.toml documents/*.toml
var files embed.FS

// The folders of files: what pages say, and what documents say. Both of one
// language make one locale.
const (
	pageFolder     = "locales"
	documentFolder = "documents"
)

// Translator writes for one language. It is a small value and safe for
// concurrent use; the zero Translator writes English.
type Translator struct{ l *locale }

// Language is an available language under its own name.
type Language struct{ Code, Name string }

// locale is one loaded language, immutable but for its caches.
type locale struct {
	code      string
	tag       language.Tag
	pages     bool // pages are offered in it, not only documents
	messages  map[string]text
	fallback  *locale // nil for English
	plurals   *goi18n.Localizer
	forms     sync.Map // of small counts: int to plural form
	format    format
	regions   display.Namer
	countries func() []Country
}

var load = sync.OnceValue(func() map[string]*locale {
	all, err := loadFrom(files)
	if err != nil {
		panic(err) // the files are part of the program
	}
	return all
})

func loadFrom(source fs.FS) (map[string]*locale, error) {
	bundle := goi18n.NewBundle(language.English)
	bundle.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	all := map[string]*locale{}
	for _, folder := range []string{documentFolder, pageFolder} {
		names, err := fs.Glob(source, folder+"/*.toml")
		if err != nil {
			return nil, fmt.Errorf("i18n: list languages: %w", err)
		}
		for _, name := range names {
			if err := loadFile(source, name, bundle, all); err != nil {
				return nil, fmt.Errorf("i18n: %s: %w", name, err)
			}
		}
	}
	var err error
	english := all[Fallback]
	if english == nil {
		return nil, fmt.Errorf("i18n: no language %q", Fallback)
	}
	for _, l := range all {
		if l != english {
			l.fallback = english
		}
		l.plurals = goi18n.NewLocalizer(bundle, l.code)
		if l.regions = display.Regions(l.tag); l.regions == nil {
			l.regions = display.Regions(english.tag)
		}
		if l.format, err = newFormat(l); err != nil {
			return nil, fmt.Errorf("i18n: language %s: %w", l.code, err)
		}
		l.countries = sync.OnceValue(l.listCountries)
	}
	return all, nil
}

// loadFile adds the messages of a file to the locale of its language.
func loadFile(source fs.FS, name string, bundle *goi18n.Bundle, all map[string]*locale) error {
	data, err := fs.ReadFile(source, name)
	if err != nil {
		return err
	}
	file, err := bundle.ParseMessageFileBytes(data, path.Base(name))
	if err != nil {
		return err
	}
	code := strings.TrimSuffix(path.Base(name), ".toml")
	l := all[code]
	if l == nil {
		l = &locale{code: code, tag: file.Tag, messages: map[string]text{}}
		all[code] = l
	}
	l.pages = l.pages || path.Dir(name) == pageFolder
	for _, m := range file.Messages {
		if l.messages[m.ID], err = newText(m); err != nil {
			return err
		}
	}
	return bundle.AddMessages(l.tag, &pluralForms)
}

// New returns the Translator of a language code such as "lt" or "pt-BR". A
// language without a file of its own gets its base language, else English.
func New(lang string) Translator {
	return pick(lang, func(l *locale) bool { return l.pages })
}

// ForDocument is New for the words of documents, which come in more languages
// than pages do.
func ForDocument(lang string) Translator {
	return pick(lang, func(*locale) bool { return true })
}

func pick(lang string, offered func(*locale) bool) Translator {
	all := load()
	base, _, _ := strings.Cut(lang, "-")
	for _, code := range []string{lang, base} {
		if l := all[code]; l != nil && offered(l) {
			return Translator{l}
		}
	}
	return Translator{all[Fallback]}
}

// Match picks the available language that suits an Accept-Language header
// best; an empty or odd header gives English.
func Match(header string) string {
	tags, _, err := language.ParseAcceptLanguage(header)
	if err != nil || len(tags) == 0 {
		return Fallback
	}
	codes := []string{Fallback} // the matcher's default is its first tag
	for _, l := range Languages() {
		if l.Code != Fallback {
			codes = append(codes, l.Code)
		}
	}
	supported := make([]language.Tag, len(codes))
	for i, c := range codes {
		supported[i] = language.Make(c)
	}
	_, index, confidence := language.NewMatcher(supported).Match(tags...)
	if confidence == language.No {
		return Fallback
	}
	return codes[index]
}

// Languages lists the languages of pages, by code.
func Languages() []Language { return languages(func(l *locale) bool { return l.pages }) }

// DocumentLanguages lists the languages of documents, by code.
func DocumentLanguages() []Language { return languages(func(*locale) bool { return true }) }

func languages(offered func(*locale) bool) []Language {
	var list []Language
	for code, l := range load() {
		if offered(l) {
			list = append(list, Language{code, display.Self.Name(l.tag)})
		}
	}
	slices.SortFunc(list, func(a, b Language) int { return strings.Compare(a.Code, b.Code) })
	return list
}

func (t Translator) locale() *locale {
	if t.l == nil {
		return load()[Fallback]
	}
	return t.l
}

// Lang returns the language code, for the lang attribute of a page.
func (t Translator) Lang() string { return t.locale().code }

// T returns the message of a key. The arguments are names and values in turn:
// T("plans.from", "Amount", "€3.00") fills {{.Amount}}. A key that exists in no
// file comes back as it is.
func (t Translator) T(key string, args ...any) string {
	m, _ := t.locale().find(key)
	if len(m.other) == 1 && m.other[0].name == "" {
		return m.other[0].literal
	}
	return m.other.fill(func(name string) any {
		for i := 0; i+1 < len(args); i += 2 {
			if args[i] == name {
				return args[i+1]
			}
		}
		return nil
	})
}

// N is T for a message with plural forms; the count is {{.Count}} in it.
func (t Translator) N(key string, count int, args ...any) string {
	m, l := t.locale().find(key)
	parts, ok := m.plural[l.form(count)]
	if !ok {
		parts = m.other
	}
	return parts.fill(func(name string) any {
		if name == "Count" {
			return t.Number(int64(count))
		}
		for i := 0; i+1 < len(args); i += 2 {
			if args[i] == name {
				return args[i+1]
			}
		}
		return nil
	})
}

// Err is T for the keys of faults, whose values come as a map.
func (t Translator) Err(key string, args map[string]any) string {
	m, _ := t.locale().find(key)
	return m.other.fill(func(name string) any { return args[name] })
}

// find returns a message and the language that it is in.
func (l *locale) find(key string) (text, *locale) {
	if m, ok := l.messages[key]; ok {
		return m, l
	}
	if l.fallback != nil {
		return l.fallback.find(key)
	}
	return text{other: parts{{literal: key}}}, l
}
