package sheet

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/money"
)

// Cell is one cell; the zero Cell is empty.
type Cell struct {
	kind   kind
	text   string
	amount money.Amount
	day    civil.Date
	count  int64
}

type kind int

const (
	empty kind = iota
	text
	amount
	day
	count
)

// Text is a cell of text; an empty text is an empty cell.
func Text(s string) Cell {
	if s == "" {
		return Cell{}
	}
	return Cell{kind: text, text: s}
}

// Amount is a figure with two decimals.
func Amount(a money.Amount) Cell { return Cell{kind: amount, amount: a} }

// Percent is a rate in percent, with two decimals: 21.00.
func Percent(rate money.BasisPoints) Cell { return Amount(money.Amount(rate)) }

// Day is a date; the zero Date is an empty cell.
func Day(d civil.Date) Cell {
	if d.IsZero() {
		return Cell{}
	}
	return Cell{kind: day, day: d}
}

// Count is a whole number.
func Count(n int64) Cell { return Cell{kind: count, count: n} }

// Writer takes a table row by row.
type Writer interface {
	Row(cells []Cell) error
	Close() error // ends the table, not what it is written to
}

// plain is a cell as CSV has it.
func (c Cell) plain() string {
	switch c.kind {
	case text:
		return safe(c.text)
	case amount:
		return c.amount.Decimal()
	case day:
		return c.day.String()
	case count:
		return strconv.FormatInt(c.count, 10)
	case empty:
	}
	return ""
}

// safe puts an apostrophe before what a spreadsheet would take for a formula
// (security.md 2.1, OWASP "CSV injection"): a text that begins with one of
// = + - @, a tab or a line break, full-width forms and leading spaces included.
// A text that begins with an apostrophe gets one too, so that restored gives
// every text back.
func safe(s string) string {
	if formula(s) || strings.HasPrefix(s, "'") {
		return "'" + s
	}
	return s
}

// restored is what safe was given.
func restored(cell string) string { return strings.TrimPrefix(cell, "'") }

// formula reports whether some spreadsheet may evaluate a text. Spaces, quotes
// and marks that cannot be seen before the sign do not make it harmless: programs
// differ in what they trim.
func formula(s string) bool {
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case strings.ContainsRune("=+-@＝＋－＠−﹢﹣﹦﹫|%", r), r < ' ':
			return true
		case unicode.IsSpace(r), r == '"', r == utf8.RuneError, unicode.In(r, unicode.Cf, unicode.Mn, unicode.Zs):
			s = s[size:]
		default:
			return false
		}
	}
	return false
}
