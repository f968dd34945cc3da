package i18n

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/collate"
	"golang.org/x/text/currency"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"
)

const (
	nbsp      = "\u00a0"
	minusSign = "\u2212"
)

// format is the CLDR data of a language. Number symbols come from x/text;
// patterns and month names, which x/text does not have, from the language's
// file under "format.".
type format struct {
	months, monthsShort [12]string
	date, dateShort     string // CLDR date patterns: d dd M MM MMM MMMM y
	clock               string // CLDR time pattern: H HH h mm a
	dateTime            string // {1} is the date, {0} the time, {2} the zone
	money               string // ¤ is the symbol, 0 the number
	percent             string // 0 is the number
	decimal, minus      string
	grouping            grouping
	symbols             map[string]string // of common currencies
	printer             *message.Printer
}

// grouping is how a language splits the digits of a whole number.
type grouping struct {
	separator string
	least     int // digits from which on numbers are split at all
	size      int // of the groups beside the last, which has three
}

func newFormat(l *locale) (format, error) {
	var missing []string
	get := func(key string) string {
		m, _ := l.find("format." + key)
		s := m.other.fill(func(string) any { return nil })
		if s == "format."+key {
			missing = append(missing, s)
		}
		return s
	}
	f := format{
		date: get("date"), dateShort: get("date_short"), clock: get("time"),
		dateTime: get("date_time"), money: get("money"), percent: get("percent"),
		printer: message.NewPrinter(l.tag), symbols: map[string]string{},
	}
	for i := range 12 {
		n := strconv.Itoa(i + 1)
		f.months[i], f.monthsShort[i] = get("month."+n), get("month_short."+n)
	}
	// x/text knows the symbols of every language but does not export them:
	// they are read off what it prints.
	f.decimal = strings.Trim(f.printer.Sprint(number.Decimal(0, number.Scale(1))), "0")
	// English has the hyphen there, which is shorter than a digit, is easily
	// overlooked and may stay behind at the end of a line.
	f.minus = strings.ReplaceAll(strings.Trim(f.printer.Sprint(number.Decimal(-1)), "1"), "-", minusSign)
	f.grouping = readGrouping(f.printer)
	for _, code := range []string{"EUR", "USD", "GBP", "CHF", "PLN", "UAH", "CZK", "SEK", "NOK", "DKK"} {
		f.symbols[code] = f.symbol(code)
	}
	if len(missing) > 0 {
		return f, fmt.Errorf("no %s", strings.Join(missing, ", "))
	}
	return f, nil
}

func readGrouping(p *message.Printer) grouping {
	notDigit := func(r rune) bool { return r < '0' || r > '9' }
	g := grouping{size: 3, least: 1}
	for n := int64(1); n < 1_000_000_000; n *= 10 {
		s := p.Sprint(number.Decimal(n))
		if i := strings.IndexFunc(s, notDigit); i >= 0 {
			break
		}
		g.least++
	}
	groups := strings.FieldsFunc(p.Sprint(number.Decimal(1_111_111_111)), notDigit)
	if len(groups) > 2 {
		g.size = len(groups[1])
	}
	s := p.Sprint(number.Decimal(1_111_111_111))
	if i := strings.IndexFunc(s, notDigit); i >= 0 {
		_, width := utf8.DecodeRuneInString(s[i:])
		g.separator = s[i : i+width]
	}
	return g
}

// whole writes a whole number with the language's grouping.
func (f *format) whole(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	if len(digits) < f.grouping.least || len(digits) <= 3 || f.grouping.separator == "" {
		return digits
	}
	head, tail := digits[:len(digits)-3], digits[len(digits)-3:]
	first := (len(head)-1)%f.grouping.size + 1
	var b strings.Builder
	b.WriteString(head[:first])
	for i := first; i < len(head); i += f.grouping.size {
		b.WriteString(f.grouping.separator + head[i:i+f.grouping.size])
	}
	b.WriteString(f.grouping.separator + tail)
	return b.String()
}

// Number writes a whole number with the language's grouping: "12,500".
func (t Translator) Number(n int64) string {
	f := &t.locale().format
	sign, magnitude := f.sign(n)
	return sign + f.whole(magnitude)
}

// Percent writes a rate given in hundredths of a percent: 2100 is "21%", 1950
// "19.5%".
func (t Translator) Percent(basisPoints int64) string {
	f := &t.locale().format
	sign, n := f.sign(basisPoints)
	s := f.whole(n / 100)
	if rest := n % 100; rest != 0 {
		s += f.decimal + strings.TrimRight(twoDigits(rest), "0")
	}
	return sign + strings.Replace(f.percent, "0", s, 1)
}

// Money writes an amount of minor units (hundredths) with the currency's
// symbol: "€1,524.60", "−€10.00", "CHF 3.00".
func (t Translator) Money(minor int64, code string) string {
	f := &t.locale().format
	sign, n := f.sign(minor)
	symbol, ok := f.symbols[code]
	if !ok {
		symbol = f.symbol(code)
	}
	return sign + placeSymbol(f.money, symbol, f.whole(n/100)+f.decimal+twoDigits(n%100))
}

func twoDigits(n uint64) string { return string([]byte{'0' + byte(n/10), '0' + byte(n%10)}) }

// placeSymbol fills the money pattern. CLDR's currencySpacing: a symbol that
// touches the number with a letter gets a space that does not break.
func placeSymbol(pattern, symbol, s string) string {
	before, after, _ := strings.Cut(pattern, "0")
	if strings.HasSuffix(before, "¤") {
		if last, _ := utf8.DecodeLastRuneInString(symbol); unicode.IsLetter(last) {
			symbol += nbsp
		}
	}
	return strings.Replace(before, "¤", symbol, 1) + s + strings.Replace(after, "¤", symbol, 1)
}

func (f *format) symbol(code string) string {
	unit, err := currency.ParseISO(code)
	if err != nil {
		return code
	}
	return f.printer.Sprint(currency.Symbol(unit))
}

// sign splits off the minus; a uint64 holds the magnitude of every int64.
func (f *format) sign(n int64) (string, uint64) {
	if n < 0 {
		return f.minus, uint64(-(n + 1)) + 1
	}
	return "", uint64(n)
}

// Date writes a day in full: "22 November 2026".
func (t Translator) Date(year int, month time.Month, day int) string {
	l := t.locale()
	return l.format.write(l.format.date, time.Date(year, month, day, 0, 0, 0, 0, time.UTC))
}

// DateShort writes a day for tables: "22 Nov 2026".
func (t Translator) DateShort(year int, month time.Month, day int) string {
	l := t.locale()
	return l.format.write(l.format.dateShort, time.Date(year, month, day, 0, 0, 0, 0, time.UTC))
}

// Time writes an instant in a zone and names the zone: "22 November 2026,
// 14:05 (Europe/Vilnius)".
func (t Translator) Time(instant time.Time, zone *time.Location) string {
	f := &t.locale().format
	at := instant.In(zone)
	s := strings.Replace(f.dateTime, "{1}", f.write(f.date, at), 1)
	s = strings.Replace(s, "{0}", f.write(f.clock, at), 1)
	return strings.Replace(s, "{2}", zone.String(), 1)
}

// write fills a CLDR pattern; text in single quotes stands for itself.
func (f *format) write(pattern string, at time.Time) string {
	var b strings.Builder
	for i := 0; i < len(pattern); {
		c := pattern[i]
		if c == '\'' {
			text, _, _ := strings.Cut(pattern[i+1:], "'")
			b.WriteString(text)
			i += len(text) + 2
			continue
		}
		n := 1
		for i+n < len(pattern) && pattern[i+n] == c {
			n++
		}
		if s, ok := f.field(c, n, at); ok {
			b.WriteString(s)
		} else {
			b.WriteString(pattern[i : i+n])
		}
		i += n
	}
	return b.String()
}

func (f *format) field(c byte, n int, at time.Time) (string, bool) {
	digits := func(v int) string {
		if n == 2 {
			return fmt.Sprintf("%02d", v)
		}
		return strconv.Itoa(v)
	}
	switch c {
	case 'y':
		return strconv.Itoa(at.Year()), true
	case 'M':
		switch n {
		case 4:
			return f.months[at.Month()-1], true
		case 3:
			return f.monthsShort[at.Month()-1], true
		}
		return digits(int(at.Month())), true
	case 'd':
		return digits(at.Day()), true
	case 'H':
		return digits(at.Hour()), true
	case 'h':
		return digits((at.Hour()+11)%12 + 1), true
	case 'm':
		return digits(at.Minute()), true
	case 'a':
		return at.Format("PM"), true
	}
	return "", false
}

// Country is a country with its name in the Translator's language.
type Country struct{ Code, Name string }

// Country names a country by its ISO 3166-1 alpha-2 code; a code that is none
// comes back as it is.
func (t Translator) Country(iso2 string) string {
	l := t.locale()
	region, err := language.ParseRegion(iso2)
	if err != nil || len(iso2) != 2 {
		return iso2
	}
	if name := l.regions.Name(region); name != "" {
		return name
	}
	return iso2
}

// Countries lists every country in the alphabetic order of the language.
func (t Translator) Countries() []Country { return t.locale().countries() }

func (l *locale) listCountries() []Country {
	var codes, names []string
	byName := map[string]string{}
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			code := string([]rune{a, b})
			region, err := language.ParseRegion(code)
			// Codes that were replaced (BU, SU, UK) and groups (EU) are no addresses.
			if err != nil || !region.IsCountry() || region.Canonicalize().String() != code || noAddress[code] {
				continue
			}
			if name := l.regions.Name(region); name != "" && byName[name] == "" {
				byName[name] = code
				codes, names = append(codes, code), append(names, name)
			}
		}
	}
	collate.New(l.tag).SortStrings(names)
	list := make([]Country, len(codes))
	for i, name := range names {
		list[i] = Country{byName[name], name}
	}
	return list
}

// noAddress are codes of CLDR for unions of countries, for places without
// inhabitants and for what ISO 3166-1 does not assign: nobody has a postal
// address there (Kosovo is kept: XK is in use).
var noAddress = map[string]bool{
	"AC": true, "AN": true, "AQ": true, "BV": true, "CP": true, "DG": true, "EA": true, "EU": true, "EZ": true, "HM": true,
	"IC": true, "QO": true, "TA": true, "TF": true, "UM": true, "UN": true, "XA": true, "XB": true, "ZZ": true,
}
