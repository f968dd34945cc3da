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
	monthYear           string
	clock               string // CLDR time pattern: H HH h mm a
	dateTime            string // {1} is the date, {0} the time, {2} the zone
	money               string // ¤ is the symbol, 0 the number
	percent             string // 0 is the number
	decimal, minus      string
	grouping            grouping
	symbols             map[string]affixes // of common currencies
	printer             *message.Printer
}

// affixes are what stands before and after an amount: the symbol of its
// currency, and spaces.
type affixes struct{ before, after string }

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
		date: get("date"), dateShort: get("date_short"), monthYear: get("month_year"), clock: get("time"),
		dateTime: get("date_time"), money: get("money"), percent: get("percent"),
		printer: message.NewPrinter(l.tag), symbols: map[string]affixes{},
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
		f.symbols[code] = f.affixes(code)
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

// whole appends a whole number with the language's grouping. Lists format
// hundreds of amounts and days for a page, so all of this appends to a buffer.
func (f *format) whole(b []byte, n uint64) []byte {
	start := len(b)
	b = strconv.AppendUint(b, n, 10)
	count := len(b) - start
	if count < f.grouping.least || count <= 3 || f.grouping.separator == "" {
		return b
	}
	var kept [20]byte // digits of the greatest uint64
	digits := kept[:copy(kept[:], b[start:])]
	head, tail := digits[:count-3], digits[count-3:]
	first := (len(head)-1)%f.grouping.size + 1
	b = append(b[:start], head[:first]...)
	for i := first; i < len(head); i += f.grouping.size {
		b = append(b, f.grouping.separator...)
		b = append(b, head[i:i+f.grouping.size]...)
	}
	b = append(b, f.grouping.separator...)
	return append(b, tail...)
}

// Number writes a whole number with the language's grouping: "12,500".
func (t Translator) Number(n int64) string {
	f := &t.locale().format
	sign, magnitude := f.sign(n)
	return string(f.whole(append(make([]byte, 0, 32), sign...), magnitude))
}

// Percent writes a rate given in hundredths of a percent: 2100 is "21%", 1950
// "19.5%".
func (t Translator) Percent(basisPoints int64) string {
	f := &t.locale().format
	sign, n := f.sign(basisPoints)
	s := string(f.whole(nil, n/100))
	if rest := n % 100; rest != 0 {
		s += f.decimal + strings.TrimRight(string(twoDigits(nil, rest)), "0")
	}
	return sign + strings.Replace(f.percent, "0", s, 1)
}

// Money writes an amount of minor units (hundredths) with the currency's
// symbol: "€1,524.60", "-€10.00", "CHF 3.00".
func (t Translator) Money(minor int64, code string) string {
	f := &t.locale().format
	sign, n := f.sign(minor)
	around, ok := f.symbols[code]
	if !ok {
		around = f.affixes(code)
	}
	b := append(make([]byte, 0, 48), sign...)
	b = append(b, around.before...)
	b = f.whole(b, n/100)
	b = append(b, f.decimal...)
	b = twoDigits(b, n%100)
	return string(append(b, around.after...))
}

// Decimal writes a plain decimal ("1234.5678", as Go writes numbers) the
// language's way, with all of its decimals: "1,234.5678".
func (t Translator) Decimal(plain string) string {
	f := &t.locale().format
	sign, digits := "", plain
	if strings.HasPrefix(plain, "-") {
		sign, digits = f.minus, plain[1:]
	}
	whole, fraction, found := strings.Cut(digits, ".")
	n, err := strconv.ParseUint(whole, 10, 64)
	if err != nil {
		return plain
	}
	s := sign + string(f.whole(nil, n))
	if found {
		s += f.decimal + fraction
	}
	return s
}

// Price writes a plain decimal of major units with the currency's symbol and all
// of its decimals, for the price of a day: "€0.887671".
func (t Translator) Price(plain, code string) string {
	f := &t.locale().format
	around, ok := f.symbols[code]
	if !ok {
		around = f.affixes(code)
	}
	return around.before + t.Decimal(plain) + around.after
}

func twoDigits(b []byte, n uint64) []byte { return append(b, '0'+byte(n/10), '0'+byte(n%10)) }

// affixes fills the money pattern for a currency. CLDR's currencySpacing: a
// symbol that touches the number with a letter gets a space that does not break.
func (f *format) affixes(code string) affixes {
	symbol := f.symbol(code)
	before, after, _ := strings.Cut(f.money, "0")
	if strings.HasSuffix(before, "¤") {
		if last, _ := utf8.DecodeLastRuneInString(symbol); unicode.IsLetter(last) {
			symbol += nbsp
		}
	}
	return affixes{strings.Replace(before, "¤", symbol, 1), strings.Replace(after, "¤", symbol, 1)}
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

// MonthYear writes a month for the scale of a chart: "Nov 2026".
func (t Translator) MonthYear(year int, month time.Month) string {
	f := &t.locale().format
	return f.write(f.monthYear, time.Date(year, month, 1, 0, 0, 0, 0, time.UTC))
}

// MonthShort writes the name of a month where its year is known: "Nov".
func (t Translator) MonthShort(month time.Month) string {
	return t.locale().format.monthsShort[month-1]
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
	b := make([]byte, 0, 48)
	for i := 0; i < len(pattern); {
		c := pattern[i]
		if c == '\'' {
			text, _, _ := strings.Cut(pattern[i+1:], "'")
			b = append(b, text...)
			i += len(text) + 2
			continue
		}
		n := 1
		for i+n < len(pattern) && pattern[i+n] == c {
			n++
		}
		if filled, ok := f.field(b, c, n, at); ok {
			b = filled
		} else {
			b = append(b, pattern[i:i+n]...)
		}
		i += n
	}
	return string(b)
}

// field appends a field of a pattern: c, n times.
func (f *format) field(b []byte, c byte, n int, at time.Time) ([]byte, bool) {
	digits := func(v int) ([]byte, bool) {
		if n == 2 {
			return twoDigits(b, uint64(v)), true
		}
		return strconv.AppendInt(b, int64(v), 10), true
	}
	switch c {
	case 'y':
		return strconv.AppendInt(b, int64(at.Year()), 10), true
	case 'M':
		switch n {
		case 4:
			return append(b, f.months[at.Month()-1]...), true
		case 3:
			return append(b, f.monthsShort[at.Month()-1]...), true
		}
		return digits(int(at.Month()))
	case 'd':
		return digits(at.Day())
	case 'H':
		return digits(at.Hour())
	case 'h':
		return digits((at.Hour()+11)%12 + 1)
	case 'm':
		return digits(at.Minute())
	case 'a':
		return at.AppendFormat(b, "PM"), true
	}
	return b, false
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
