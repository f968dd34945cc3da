package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/BurntSushi/toml"

	"github.com/siptg/portal/internal/civil"
)

// mistakes keeps the first mistake of a file. A key that does not exist goes
// first: it is often the misspelling of one that is missed.
type mistakes struct{ unknown, wrong error }

func (m *mistakes) err() error {
	if m.unknown != nil {
		return m.unknown
	}
	return m.wrong
}

// table reads one TOML table key by key. Reading goes on after a mistake, with
// zero values; what was read counts only if mistakes.err is nil in the end.
type table struct {
	path  string         // "bank_account[2]."
	left  map[string]any // what was not read yet
	notes *mistakes
}

// parseTOML reads a file's syntax.
func parseTOML(text string) (table, error) {
	var values map[string]any
	if _, err := toml.Decode(text, &values); err != nil {
		if syntax, ok := errors.AsType[toml.ParseError](err); ok {
			return table{}, fmt.Errorf("line %d: %s", syntax.Position.Line, oneLine(syntax.Message))
		}
		return table{}, errors.New(oneLine(err.Error()))
	}
	return table{left: values, notes: &mistakes{}}, nil
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func (t table) fail(key string, what takes) {
	if t.notes.wrong == nil {
		t.notes.wrong = fmt.Errorf("%s%s %w", t.path, key, what)
	}
}

// has reports whether a key is there and still to be read.
func (t table) has(key string) bool {
	_, ok := t.left[key]
	return ok
}

func (t table) take(key string) any {
	value := t.left[key]
	delete(t.left, key)
	return value
}

// done refuses the keys that nobody has read.
func (t table) done() {
	for _, key := range slices.Sorted(maps.Keys(t.left)) {
		if t.notes.unknown == nil {
			t.notes.unknown = fmt.Errorf("%s%s is no key of a seller file", t.path, key)
		}
	}
}

// table returns a table inside this one, empty where it is missing.
func (t table) table(key string) table {
	inner := table{path: t.path + key + ".", notes: t.notes}
	value := t.take(key)
	values, ok := value.(map[string]any)
	if !ok && value != nil {
		t.fail(key, "a table: ["+takes(t.path+key)+"]")
	}
	inner.left = values
	return inner
}

// tables returns an array of tables that has at least one.
func (t table) tables(key string) []table {
	values, ok := t.take(key).([]map[string]any)
	if !ok || len(values) == 0 {
		t.fail(key, "one or more tables: [["+takes(key)+"]]")
	}
	all := make([]table, len(values))
	for i, v := range values {
		all[i] = table{path: fmt.Sprintf("%s%s[%d].", t.path, key, i+1), left: v, notes: t.notes}
	}
	return all
}

// parsed returns what parse makes of a text that must be there.
func parsed[T any](t table, key string, what takes, parse func(string) (T, error)) T {
	var zero T
	text, ok := t.take(key).(string)
	if !ok {
		t.fail(key, what)
		return zero
	}
	value, err := parse(text)
	if err != nil {
		t.fail(key, what)
		return zero
	}
	return value
}

// text is a line of up to most characters.
func (t table) text(key string, most int) string {
	return t.where(key, takes(fmt.Sprintf("a text of 1 to %d characters on one line", most)), func(s string) bool {
		return s != "" && s == oneLine(s) && utf8.RuneCountInString(s) <= most && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
	})
}

// where is a text that valid accepts.
func (t table) where(key string, what takes, valid func(string) bool) string {
	return parsed(t, key, what, func(s string) (string, error) {
		if !valid(s) {
			return "", what
		}
		return s, nil
	})
}

// optional reads a key that may be missing.
func optional[T any](t table, key string, read func() T) T {
	if t.has(key) {
		return read()
	}
	var zero T
	return zero
}

// absent refuses a key that has no meaning here.
func (t table) absent(key string, why takes) {
	if t.has(key) {
		t.take(key)
		t.fail(key, "nothing "+why)
	}
}

// flag is true or false; false where it is missing.
func (t table) flag(key string) bool {
	if !t.has(key) {
		return false
	}
	value, ok := t.take(key).(bool)
	if !ok {
		t.fail(key, "true or false")
	}
	return value
}

// number is a whole number from least to most; preset where it is missing. A
// preset below least is none: the key must be there.
func (t table) number(key string, preset, least, most int) int {
	if !t.has(key) && preset >= least {
		return preset
	}
	value, ok := t.take(key).(int64)
	if !ok || value < int64(least) || value > int64(most) {
		t.fail(key, takes(fmt.Sprintf("a whole number from %d to %d", least, most)))
		return preset
	}
	return int(value)
}

// numbers is a list of different whole numbers from least to most in ascending
// order, or descending order if down; preset where it is missing.
func (t table) numbers(key string, preset []int, least, most int, down bool) []int {
	if !t.has(key) {
		return preset
	}
	list, ok := t.take(key).([]any)
	var numbers []int
	for i, item := range list {
		n, whole := item.(int64)
		ok = ok && whole && n >= int64(least) && n <= int64(most) && (i == 0 || (down && int(n) < numbers[i-1]) || (!down && int(n) > numbers[i-1]))
		numbers = append(numbers, int(n))
	}
	if !ok {
		order := "smallest first"
		if down {
			order = "largest first"
		}
		t.fail(key, takes(fmt.Sprintf("a list of whole numbers from %d to %d, %s", least, most, order)))
	}
	return numbers
}

// words is a list of least or more texts that valid accepts, none twice.
func (t table) words(key string, least int, what takes, valid func(string) bool) []string {
	list, ok := t.take(key).([]any)
	ok = ok && len(list) >= least
	var words []string
	for _, item := range list {
		word, text := item.(string)
		ok = ok && text && valid(word) && !slices.Contains(words, word)
		words = append(words, word)
	}
	if !ok {
		t.fail(key, what)
	}
	return words
}

// date is a TOML local date, 2025-04-01 without quotes.
func (t table) date(key string) civil.Date {
	value, ok := t.take(key).(time.Time)
	// The TOML package marks the four kinds of time by the name of their zone.
	if !ok || value.Location().String() != "date-local" {
		t.fail(key, "a date without quotes, such as 2025-04-01")
		return civil.Date{}
	}
	return civil.DateOf(value, value.Location())
}
