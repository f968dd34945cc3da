package pdfa

import (
	"bytes"
	"crypto/md5" //nolint:gosec // ISO 32000-1, 7.11.4 wants it as the check sum of an embedded file; it protects nothing
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf16"
)

// Options are what a file says about itself, and what comes with it.
type Options struct {
	Title, Author, Producer string
	Language                string    // of the pages, BCP 47
	Date                    time.Time // of creation and change
	Fonts                   []Font    // of the drawing, in any order
	Invoice                 []byte    // factur-x.xml in the profile EN 16931; nil for a file without it
}

// InvoiceName is the name of the attached file (Factur-X 1.0.x, 6.2.2).
const InvoiceName = "factur-x.xml"

// Finish makes a PDF/A-3 file of what fpdf drew, of level U: every glyph has its
// character. Text of the drawing is written in Fonts, each as a simple font whose
// BaseFont is the font's Name; its strings are characters in UTF-16.
func Finish(drawn []byte, o Options) ([]byte, error) {
	if o.Title == "" || o.Date.IsZero() || o.Language == "" {
		return nil, errors.New("pdfa: a file without title, date or language")
	}
	d, err := read(drawn)
	if err != nil {
		return nil, err
	}
	w := &writer{offsets: make([]int, len(d.objects), len(d.objects)+6*len(o.Fonts)+6)}
	w.b.Grow(len(drawn) + 2*len(o.Invoice) + 8192)
	// 6.1.2: four characters above 127, so that nobody takes the file for text
	w.b.WriteString("%PDF-1.7\n%\xE2\xE3\xCF\xD3\n")
	placed := 0
	for n, body := range d.objects {
		switch name, isFont := fontName(body); {
		case n == 0 || n == d.root || n == d.info:
		case isFont:
			f := find(o.Fonts, name)
			if f == nil {
				return nil, fmt.Errorf("pdfa: the drawing has the font %q", name)
			}
			placed++
			if err := w.font(n, f); err != nil {
				return nil, err
			}
		default:
			w.begin(n)
			w.copy(body)
			w.end()
		}
	}
	if placed != len(o.Fonts) {
		return nil, fmt.Errorf("pdfa: the drawing has %d fonts, not %d", placed, len(o.Fonts))
	}
	w.begin(d.info)
	w.info(o)
	w.end()
	profile := w.stream("/N 3", sRGB())
	metadata := w.plainStream("/Type /Metadata /Subtype /XML", xmp(o)) // not compressed: readers look for it without a PDF parser
	attachment := 0
	if o.Invoice != nil {
		attachment = w.invoice(o)
	}
	w.begin(d.root)
	fmt.Fprintf(&w.b, "<</Type /Catalog\n/Pages 1 0 R\n/Lang %s\n/Metadata %d 0 R\n/ViewerPreferences <</DisplayDocTitle true>>\n", text(o.Language), metadata)
	fmt.Fprintf(&w.b, "/OutputIntents [<</Type /OutputIntent /S /GTS_PDFA1 /OutputConditionIdentifier (sRGB IEC61966-2.1) /Info (sRGB IEC61966-2.1) /DestOutputProfile %d 0 R>>]\n", profile)
	if attachment != 0 {
		fmt.Fprintf(&w.b, "/AF [%d 0 R]\n/Names <</EmbeddedFiles <</Names [(%s) %d 0 R]>>>>\n", attachment, InvoiceName, attachment)
	}
	w.b.WriteString(">>\n")
	w.end()
	return w.close(d.root, d.info), nil
}

// writer writes numbered objects and remembers where they stand.
type writer struct {
	b       bytes.Buffer
	offsets []int // by number
}

// next returns the number of an object that begin is to begin.
func (w *writer) next() int {
	w.offsets = append(w.offsets, 0)
	return len(w.offsets) - 1
}

func (w *writer) begin(n int) {
	w.offsets[n] = w.b.Len()
	w.b.WriteString(strconv.Itoa(n) + " 0 obj\n")
}

func (w *writer) end() { w.b.WriteString("endobj\n") }

// copy writes an object of the drawing, its stream compressed: fpdf makes a new
// compressor for each, which takes a quarter of the time of a document.
func (w *writer) copy(body []byte) {
	rest, plain := bytes.CutPrefix(body, []byte("<</Length "))
	_, data, isStream := bytes.Cut(rest, []byte(">>\nstream\n"))
	data, whole := bytes.CutSuffix(data, []byte("\nendstream\n"))
	if !plain || !isStream || !whole {
		w.b.Write(body)
		return
	}
	data = deflate(data)
	fmt.Fprintf(&w.b, "<</Filter /FlateDecode /Length %d>>\nstream\n", len(data))
	w.b.Write(data)
	w.b.WriteString("\nendstream\n")
}

// stream writes a compressed stream with the entries in its dictionary and
// returns its number.
func (w *writer) stream(entries string, data []byte) int {
	return w.plainStream(entries+" /Filter /FlateDecode", deflate(data))
}

func (w *writer) plainStream(entries string, data []byte) int {
	n := w.next()
	w.begin(n)
	fmt.Fprintf(&w.b, "<<%s /Length %d>>\nstream\n", entries, len(data))
	w.b.Write(data)
	w.b.WriteString("\nendstream\n")
	w.end()
	return n
}

// info writes the document information dictionary, which must say what the XMP
// says.
func (w *writer) info(o Options) {
	fmt.Fprintf(&w.b, "<</Title %s\n", text(o.Title))
	if o.Author != "" {
		fmt.Fprintf(&w.b, "/Author %s\n", text(o.Author))
	}
	if o.Producer != "" {
		fmt.Fprintf(&w.b, "/Producer %s\n", text(o.Producer))
	}
	fmt.Fprintf(&w.b, "/CreationDate %s\n/ModDate %s>>\n", date(o.Date), date(o.Date))
}

// invoice writes the attached file and its specification, whose number it
// returns. /Alternative says that the file is the document once more; it is the
// one relation that both the French and the German rules take (vat.md 5.7).
func (w *writer) invoice(o Options) int {
	sum := md5.Sum(o.Invoice) //nolint:gosec // as above
	file := w.stream(fmt.Sprintf("/Type /EmbeddedFile /Subtype /text#2Fxml /Params <</Size %d /CreationDate %s /ModDate %s /CheckSum <%x>>>",
		len(o.Invoice), date(o.Date), date(o.Date), sum), o.Invoice)
	n := w.next()
	w.begin(n)
	fmt.Fprintf(&w.b, "<</Type /Filespec /F (%s) /UF (%s) /Desc (Factur-X invoice, EN 16931) /AFRelationship /Alternative /EF <</F %d 0 R /UF %d 0 R>>>>\n",
		InvoiceName, InvoiceName, file, file)
	w.end()
	return n
}

// close writes the table of offsets and the trailer. The identifier is a hash of
// all that stands before it (ISO 32000-1, 14.4).
func (w *writer) close(root, info int) []byte {
	sum := sha256.Sum256(w.b.Bytes())
	start := w.b.Len()
	fmt.Fprintf(&w.b, "xref\n0 %d\n0000000000 65535 f \n", len(w.offsets))
	for _, offset := range w.offsets[1:] {
		fmt.Fprintf(&w.b, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(&w.b, "trailer\n<<\n/Size %d\n/Root %d 0 R\n/Info %d 0 R\n/ID [<%x> <%x>]\n>>\nstartxref\n%d\n%%%%EOF\n",
		len(w.offsets), root, info, sum[:16], sum[:16], start)
	return w.b.Bytes()
}

// text is a text string: as it is where it is plain ASCII, else in UTF-16, in hex
// (ISO 32000-1, 7.9.2.2).
func text(s string) string {
	plain := true
	for _, r := range s {
		plain = plain && ' ' <= r && r <= '~' && r != '(' && r != ')' && r != '\\'
	}
	if plain {
		return "(" + s + ")"
	}
	var b bytes.Buffer
	b.WriteString("<FEFF")
	for _, unit := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&b, "%04X", unit)
	}
	b.WriteByte('>')
	return b.String()
}

// date is a point in time (ISO 32000-1, 7.9.4).
func date(t time.Time) string { return "(D:" + t.UTC().Format("20060102150405") + "Z)" }
