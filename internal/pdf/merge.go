package pdf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf16"
)

// Merger writes several PDFs as one, page by page as they are: nothing is drawn
// again, so what people see is what was issued. It holds one document at a time.
//
// It reads what this program writes (a table of cross-references, no object
// streams) and refuses all else. pdfcpu reads every PDF, but keeps all of them in
// memory and writes the time and a random ID into the result (docs/adr/0028).
type Merger struct {
	w       io.Writer
	err     error // the first
	at      int64
	offsets []int64 // of the objects, by number - 1; 0 for one that is not written yet
	roots   []int   // of the page trees that were added
	pages   int
	marks   []mark
}

// mark is an entry of the outline.
type mark struct {
	title string
	page  int // object
}

// Numbers of the objects that every result has.
const (
	mergedPages = iota + 1
	mergedCatalog
	mergedOutline
)

// NewMerger begins a PDF.
func NewMerger(w io.Writer) *Merger {
	m := &Merger{w: w, offsets: make([]int64, mergedOutline)}
	m.put("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	return m
}

// Add appends the pages of a PDF, under a title in the outline.
func (m *Merger) Add(title string, pdf []byte) error {
	source, err := readPDF(pdf)
	if err != nil {
		return err
	}
	root, err := source.pageTree()
	if err != nil {
		return err
	}
	copied := map[int]int{root: m.number()} // numbers here, by those there
	for queue := []int{root}; len(queue) > 0; queue = queue[1:] {
		object, err := source.object(queue[0])
		if err != nil {
			return err
		}
		object = renumbered(object, func(old int) int {
			if _, ok := copied[old]; !ok {
				copied[old] = m.number()
				queue = append(queue, old)
			}
			return copied[old]
		})
		if queue[0] == root { // the tree becomes a branch, so that what pages inherit stays
			object = bytes.Replace(object, []byte("<<"), fmt.Appendf(nil, "<</Parent %d 0 R ", mergedPages), 1)
		}
		m.object(copied[queue[0]], object)
	}
	first, count, err := source.firstPage(root)
	if err != nil {
		return err
	}
	if copied[first] == 0 {
		return errors.New("pdf: a page that is not in the tree")
	}
	m.roots, m.pages = append(m.roots, copied[root]), m.pages+count
	m.marks = append(m.marks, mark{title, copied[first]})
	return m.err
}

// Close writes the end.
func (m *Merger) Close() error {
	if len(m.roots) == 0 {
		return errors.New("pdf: nothing to merge")
	}
	var kids bytes.Buffer
	for _, r := range m.roots {
		fmt.Fprintf(&kids, "%d 0 R ", r)
	}
	m.object(mergedPages, fmt.Appendf(nil, "<</Type /Pages /Kids [%s] /Count %d>>", kids.Bytes(), m.pages))
	m.object(mergedCatalog, fmt.Appendf(nil, "<</Type /Catalog /Pages %d 0 R /Outlines %d 0 R /PageMode /UseOutlines>>", mergedPages, mergedOutline))
	first := len(m.offsets) + 1
	last := first + len(m.marks) - 1
	m.object(mergedOutline, fmt.Appendf(nil, "<</Type /Outlines /First %d 0 R /Last %d 0 R /Count %d>>", first, last, len(m.marks)))
	for i, x := range m.marks {
		item := fmt.Appendf(nil, "<</Title %s /Parent %d 0 R /Dest [%d 0 R /Fit]", textString(x.title), mergedOutline, x.page)
		if i > 0 {
			item = fmt.Appendf(item, " /Prev %d 0 R", first+i-1)
		}
		if i < len(m.marks)-1 {
			item = fmt.Appendf(item, " /Next %d 0 R", first+i+1)
		}
		m.object(m.number(), append(item, ">>"...))
	}
	table := m.at
	m.put(fmt.Sprintf("xref\n0 %d\n0000000000 65535 f \n", len(m.offsets)+1))
	for _, at := range m.offsets {
		m.put(fmt.Sprintf("%010d 00000 n \n", at))
	}
	m.put(fmt.Sprintf("trailer\n<</Size %d /Root %d 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(m.offsets)+1, mergedCatalog, table))
	return m.err
}

// number is that of a new object.
func (m *Merger) number() int {
	m.offsets = append(m.offsets, 0)
	return len(m.offsets)
}

func (m *Merger) object(number int, content []byte) {
	m.offsets[number-1] = m.at
	m.put(strconv.Itoa(number) + " 0 obj\n")
	m.put(string(content))
	m.put("\nendobj\n")
}

func (m *Merger) put(s string) {
	if m.err == nil {
		var n int
		n, m.err = io.WriteString(m.w, s)
		m.at += int64(n)
	}
}

// textString is a text as PDF has it: UTF-16 with a mark, in hexadecimal.
func textString(s string) string {
	var b bytes.Buffer
	b.WriteString("<FEFF")
	for _, u := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&b, "%04X", u)
	}
	return b.String() + ">"
}

// source is a PDF that is read.
type source struct {
	pdf     []byte
	offsets map[int]int
	trailer []byte
}

var errForeign = errors.New("pdf: not as this program writes them")

// readPDF reads the table of cross-references (ISO 32000-1, 7.5.4).
func readPDF(pdf []byte) (*source, error) {
	s := &source{pdf: pdf, offsets: map[int]int{}}
	at := bytes.LastIndex(pdf, []byte("startxref"))
	if at < 0 {
		return nil, errForeign
	}
	l := lexer{b: pdf, at: at}
	l.next()
	start, ok := number(l.next())
	if !ok || start >= len(pdf) {
		return nil, errForeign
	}
	l.at = start
	if string(l.next()) != "xref" {
		return nil, errForeign
	}
	for {
		word := l.next()
		if string(word) == "trailer" {
			s.trailer = pdf[l.at:at]
			for _, key := range []string{"/Prev", "/Encrypt"} { // changed afterwards, or locked
				if _, ok := valueOf(s.trailer, key); ok {
					return nil, errForeign
				}
			}
			return s, nil
		}
		first, ok1 := number(word)
		count, ok2 := number(l.next())
		if !ok1 || !ok2 {
			return nil, errForeign
		}
		for i := range count {
			offset, ok := number(l.next())
			l.next() // the generation
			switch used := string(l.next()); {
			case !ok || used != "n" && used != "f":
				return nil, errForeign
			case used == "n":
				s.offsets[first+i] = offset
			}
		}
	}
}

// object returns what stands between "obj" and "endobj".
func (s *source) object(n int) ([]byte, error) {
	at, ok := s.offsets[n]
	if !ok || at >= len(s.pdf) {
		return nil, fmt.Errorf("pdf: object %d is missing", n)
	}
	l := lexer{b: s.pdf, at: at}
	if got, ok := number(l.next()); !ok || got != n {
		return nil, fmt.Errorf("pdf: object %d is not where the table says", n)
	}
	l.next()
	if string(l.next()) != "obj" {
		return nil, errForeign
	}
	begin := l.at
	for {
		switch word := l.next(); string(word) {
		case "":
			return nil, errForeign
		case "endobj":
			return bytes.TrimSpace(s.pdf[begin : l.at-len("endobj")]), nil
		case "stream":
			dict := s.pdf[begin : l.at-len("stream")]
			length, err := s.length(dict)
			if err != nil {
				return nil, err
			}
			if l.at < len(l.b) && l.b[l.at] == '\r' {
				l.at++
			}
			l.at += 1 + length // the line break after the word
			if l.at > len(l.b) || string(l.next()) != "endstream" {
				return nil, errForeign
			}
		}
	}
}

// length is that of a stream, which may stand in an object of its own.
func (s *source) length(dict []byte) (int, error) {
	value, ok := valueOf(dict, "/Length")
	if !ok {
		return 0, errForeign
	}
	if n, ok := reference(value); ok {
		object, err := s.object(n)
		if err != nil {
			return 0, err
		}
		value = object
	}
	n, ok := number(bytes.TrimSpace(value))
	if !ok {
		return 0, errForeign
	}
	return n, nil
}

// pageTree is the number of the root of the pages.
func (s *source) pageTree() (int, error) {
	n, err := s.follow(s.trailer, "/Root")
	if err != nil {
		return 0, err
	}
	catalog, err := s.object(n)
	if err != nil {
		return 0, err
	}
	return s.follow(catalog, "/Pages")
}

func (s *source) follow(dict []byte, key string) (int, error) {
	value, _ := valueOf(dict, key)
	n, ok := reference(value)
	if !ok {
		return 0, errForeign
	}
	return n, nil
}

// firstPage is the number of the first page below a root, and how many there are.
func (s *source) firstPage(root int) (first, count int, err error) {
	for first = root; ; {
		node, err := s.object(first)
		if err != nil {
			return 0, 0, err
		}
		kids, ok := valueOf(node, "/Kids")
		if !ok {
			return first, count, nil
		}
		if first == root {
			value, _ := valueOf(node, "/Count")
			if count, ok = number(value); !ok {
				return 0, 0, errForeign
			}
		}
		next, ok := reference(bytes.TrimLeft(kids, "[ \r\n\t"))
		if !ok || next == first || next == root {
			return 0, 0, errForeign
		}
		first = next
	}
}

// renumbered is an object whose references point elsewhere. Strings, comments and
// streams are left as they are.
func renumbered(object []byte, to func(int) int) []byte {
	out := make([]byte, 0, len(object)+64)
	l := lexer{b: object}
	for {
		from := l.at
		word := l.next()
		if len(word) == 0 || string(word) == "stream" {
			return append(out, object[from:]...)
		}
		if n, ok := number(word); ok {
			after := l.at
			if _, ok := number(l.next()); ok && string(l.next()) == "R" {
				out = append(out, object[from:after-len(word)]...)
				out = fmt.Appendf(out, "%d 0 R", to(n))
				continue
			}
			l.at = after
		}
		out = append(out, object[from:l.at]...)
	}
}

// valueOf returns what follows a key of a dictionary, up to the next key of it.
func valueOf(dict []byte, key string) ([]byte, bool) {
	l := lexer{b: dict}
	depth := 0
	for {
		word := l.next()
		switch string(word) {
		case "", "stream":
			return nil, false
		case "<<", "[":
			depth++
		case ">>", "]":
			depth--
		case key:
			if depth != 1 {
				continue
			}
			begin := l.at
			for nested := 0; ; {
				before := l.at
				switch word := l.next(); {
				case len(word) == 0:
					return nil, false
				case string(word) == "<<" || string(word) == "[":
					nested++
				case nested == 0 && (word[0] == '/' && before > begin || string(word) == ">>"):
					return bytes.TrimSpace(dict[begin:before]), true
				case string(word) == ">>" || string(word) == "]":
					nested--
				}
			}
		}
	}
}

// reference is the object that "12 0 R" points to.
func reference(value []byte) (int, bool) {
	l := lexer{b: value}
	n, ok := number(l.next())
	_, generation := number(l.next())
	return n, ok && generation && string(l.next()) == "R"
}

func number(word []byte) (int, bool) {
	if len(word) == 0 || len(word) > 10 {
		return 0, false
	}
	n := 0
	for _, c := range word {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// lexer reads the words of PDF's syntax (ISO 32000-1, 7.2).
type lexer struct {
	b  []byte
	at int
}

// next returns the next word, empty at the end. Strings are one word, comments
// none.
func (l *lexer) next() []byte {
	for l.at < len(l.b) {
		switch c := l.b[l.at]; {
		case isSpace(c):
			l.at++
		case c == '%':
			for l.at < len(l.b) && l.b[l.at] != '\n' && l.b[l.at] != '\r' {
				l.at++
			}
		default:
			return l.word(c)
		}
	}
	return nil
}

func (l *lexer) word(c byte) []byte {
	from := l.at
	two := string(l.b[from:min(from+2, len(l.b))])
	switch {
	case two == "<<" || two == ">>":
		l.at += 2
	case c == '(':
		for depth := 0; l.at < len(l.b); l.at++ {
			switch l.b[l.at] {
			case '\\':
				l.at++
			case '(':
				depth++
			case ')':
				depth--
			}
			if depth == 0 {
				break
			}
		}
		l.at = min(l.at+1, len(l.b))
	case c == '<':
		for l.at < len(l.b) && l.b[l.at] != '>' {
			l.at++
		}
		l.at = min(l.at+1, len(l.b))
	case isDelimiter(c) && c != '/':
		l.at++
	default:
		for l.at++; l.at < len(l.b) && !isSpace(l.b[l.at]) && !isDelimiter(l.b[l.at]); l.at++ {
		}
	}
	return l.b[from:l.at]
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0
}

func isDelimiter(c byte) bool { return bytes.IndexByte([]byte("()<>[]{}/%"), c) >= 0 }
