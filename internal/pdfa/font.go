package pdfa

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
)

// Font is a font that a drawing writes in.
type Font struct {
	Name           string // that the drawing calls it by
	PostScriptName string // "Inter-Regular"
	Program        []byte // TrueType, cut to what the drawing shows
	Glyphs         []Glyph
	// In thousandths of the size.
	Ascent, Descent, CapHeight int
	Box                        [4]int
	Weight                     int // 400 is regular
}

// Glyph is a character of a font; those of a Font are sorted by Char, which is of
// the basic plane.
type Glyph struct {
	Char  rune
	ID    uint16 // in the program
	Width int    // in thousandths of the size
}

// fontName returns the name of a simple font that fpdf wrote.
func fontName(body []byte) (string, bool) {
	rest, isFont := bytes.CutPrefix(body, []byte("<</Type /Font\n/BaseFont /"))
	name, _, _ := bytes.Cut(rest, []byte("\n"))
	return string(name), isFont
}

func find(fonts []Font, name string) *Font {
	for i := range fonts {
		if fonts[i].Name == name {
			return &fonts[i]
		}
	}
	return nil
}

// font writes a composite font as object n (ISO 32000-1, 9.7). Codes are
// characters, so that mapping them to Unicode, which level U wants (6.2.11.7), is
// mapping each to itself.
func (w *writer) font(n int, f *Font) error {
	if len(f.Glyphs) == 0 || f.PostScriptName == "" {
		return fmt.Errorf("pdfa: the font %s without characters or a name", f.Name)
	}
	last := rune(0)
	for _, g := range f.Glyphs {
		if g.Char <= last || g.Char > 0xFFFF || g.Char == 0xFEFF || g.Char == 0xFFFE || g.ID == 0 {
			return fmt.Errorf("pdfa: the font %s with %U as glyph %d", f.Name, g.Char, g.ID)
		}
		last = g.Char
	}
	name := f.subset() + "+" + f.PostScriptName
	program := w.stream("/Length1 "+strconv.Itoa(len(f.Program)), f.Program)
	places := w.stream("", f.places())
	characters := w.stream("", f.characters(name))

	descriptor := w.next()
	w.begin(descriptor)
	// StemV is not in a TrueType program; this is the usual guess from its weight.
	fmt.Fprintf(&w.b, "<</Type /FontDescriptor /FontName /%s /Flags 4 /FontBBox [%d %d %d %d] /ItalicAngle 0 /Ascent %d /Descent %d /CapHeight %d /StemV %d /FontFile2 %d 0 R>>\n",
		name, f.Box[0], f.Box[1], f.Box[2], f.Box[3], f.Ascent, f.Descent, f.CapHeight, 50+f.Weight*f.Weight/4225, program)
	w.end()

	child := w.next()
	w.begin(child)
	fmt.Fprintf(&w.b, "<</Type /Font /Subtype /CIDFontType2 /BaseFont /%s\n/CIDSystemInfo <</Registry (Adobe) /Ordering (Identity) /Supplement 0>>\n/FontDescriptor %d 0 R /CIDToGIDMap %d 0 R\n/W [", name, descriptor, places)
	f.widths(&w.b)
	w.b.WriteString("]>>\n")
	w.end()

	w.begin(n)
	fmt.Fprintf(&w.b, "<</Type /Font /Subtype /Type0 /BaseFont /%s /Encoding /Identity-H\n/DescendantFonts [%d 0 R] /ToUnicode %d 0 R>>\n", name, child, characters)
	w.end()
	return nil
}

// subset is the tag of a font that has only some characters: six letters, which
// differ between different choices (ISO 32000-1, 9.6.4).
func (f *Font) subset() string {
	sum := sha256.Sum256(f.Program)
	tag := make([]byte, 6)
	for i := range tag {
		tag[i] = 'A' + sum[i]%26
	}
	return string(tag)
}

// places is the /CIDToGIDMap: the glyph of each character up to the last.
func (f *Font) places() []byte {
	m := make([]byte, 2*(f.Glyphs[len(f.Glyphs)-1].Char+1))
	for _, g := range f.Glyphs {
		binary.BigEndian.PutUint16(m[2*g.Char:], g.ID)
	}
	return m
}

// widths writes the entries of /W: characters that follow each other share an
// array.
func (f *Font) widths(b *bytes.Buffer) {
	for i, g := range f.Glyphs {
		switch {
		case i == 0:
			fmt.Fprintf(b, "%d [%d", g.Char, g.Width)
		case g.Char == f.Glyphs[i-1].Char+1:
			fmt.Fprintf(b, " %d", g.Width)
		default:
			fmt.Fprintf(b, "] %d [%d", g.Char, g.Width)
		}
	}
	b.WriteByte(']')
}

// characters is the /ToUnicode map (ISO 32000-1, 9.10.3), of ranges that stay
// within 256 codes.
func (f *Font) characters(name string) []byte {
	type span struct{ first, last rune }
	var spans []span
	for _, g := range f.Glyphs {
		if n := len(spans); n > 0 && spans[n-1].last+1 == g.Char && spans[n-1].first>>8 == g.Char>>8 {
			spans[n-1].last = g.Char
			continue
		}
		spans = append(spans, span{g.Char, g.Char})
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def\n/CMapName /%s-UCS def\n/CMapType 2 def\n1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n", name)
	for len(spans) > 0 {
		n := min(100, len(spans)) // as many as one section may have
		fmt.Fprintf(&b, "%d beginbfrange\n", n)
		for _, s := range spans[:n] {
			fmt.Fprintf(&b, "<%04X> <%04X> <%04X>\n", s.first, s.last, s.first)
		}
		b.WriteString("endbfrange\n")
		spans = spans[n:]
	}
	b.WriteString("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n")
	return b.Bytes()
}
