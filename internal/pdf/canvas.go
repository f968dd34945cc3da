package pdf

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode/utf16"

	"github.com/go-pdf/fpdf"
	"github.com/siptg/portal/internal/pdfa"
)

// A4 in points, the unit of every length in this package. y grows downwards.
const (
	pageWidth  = 595.28
	pageHeight = 841.89
)

type color struct{ r, g, b int }

// canvas records what stands on each page. Only when all is laid out are the
// number of pages and the characters in use known, and the fonts cut.
type canvas struct {
	pages  [][]func(*fpdf.Fpdf)
	used   map[*face]map[rune]bool
	encode func(string) string // what a text is in the font that fpdf was given
}

func newCanvas() *canvas { return &canvas{used: map[*face]map[rune]bool{}, encode: codes} }

func (c *canvas) addPage() { c.pages = append(c.pages, nil) }

func (c *canvas) draw(op func(*fpdf.Fpdf)) {
	last := len(c.pages) - 1
	c.pages[last] = append(c.pages[last], op)
}

// line draws a line of text with its baseline at y.
func (c *canvas) line(x, y float64, l line, st style) {
	for _, r := range l.runs {
		used := c.used[r.face]
		if used == nil {
			used = map[rune]bool{}
			c.used[r.face] = used
		}
		w := 0
		for _, char := range r.text {
			used[char] = true
			w += r.face.advance(char)
		}
		at := x
		c.draw(func(f *fpdf.Fpdf) {
			f.SetFont(r.face.name, "", st.size)
			f.SetTextColor(st.color.r, st.color.g, st.color.b)
			f.Text(at, y, c.encode(r.text))
		})
		x += float64(w) * st.size / 1000
	}
}

// rule draws a horizontal line.
func (c *canvas) rule(x1, x2, y, thickness float64, ink color) {
	c.draw(func(f *fpdf.Fpdf) {
		f.SetDrawColor(ink.r, ink.g, ink.b)
		f.SetLineWidth(thickness)
		f.Line(x1, y, x2, y)
	})
}

// panel draws a filled rectangle with round corners.
func (c *canvas) panel(x, y, w, h, radius float64, fill color) {
	c.draw(func(f *fpdf.Fpdf) {
		f.SetFillColor(fill.r, fill.g, fill.b)
		f.RoundedRect(x, y, w, h, radius, "1234", "F")
		f.RawWriteStr("Q") // fpdf saves the graphics state for it and never restores it
	})
}

// modules draws the black squares of a code as one path of horizontal runs, so
// that no viewer leaves seams between them.
func (c *canvas) modules(x, y, size float64, count int, black func(col, row int) bool) {
	var path []byte
	unit := size / float64(count)
	for row := range count {
		for col := 0; col < count; col++ {
			first := col
			for col < count && black(col, row) {
				col++
			}
			if col > first {
				for _, v := range []float64{x + float64(first)*unit, pageHeight - y - float64(row+1)*unit, float64(col-first) * unit, unit} {
					path = append(strconv.AppendFloat(path, v, 'f', 3, 64), ' ')
				}
				path = append(path, "re\n"...)
			}
		}
	}
	c.draw(func(f *fpdf.Fpdf) { f.RawWriteStr("q 0 g\n" + string(path) + "f Q") })
}

// meta is what the file says about itself.
type meta struct {
	title, author, lang string
	date                time.Time
}

// bytes writes the file, with the XML of an invoice in it unless that is nil. The
// same records give the same bytes: the dates are the document's, the catalogue is
// sorted, the file identifier is a hash.
func (c *canvas) bytes(m meta, invoice []byte) ([]byte, error) {
	var fonts []pdfa.Font
	drawn, err := c.output(func(f *fpdf.Fpdf, face *face, chars []rune) {
		f.SetCompression(false) // pdfa does it
		// Of the font fpdf learns the name alone. It would parse and cut it once more,
		// and write it in a form that archives refuse.
		f.AddFontFromBytes(face.name, "", []byte(`{"Tp":"Core","Name":"`+face.name+`"}`), nil)
		fonts = append(fonts, face.embedded(chars))
	})
	if err != nil {
		return nil, err
	}
	file, err := pdfa.Finish(drawn, pdfa.Options{
		Title: m.title, Author: m.author, Producer: "sip.tg portal", Language: m.lang, Date: m.date, Fonts: fonts, Invoice: invoice,
	})
	if err != nil {
		return nil, fmt.Errorf("pdf: %w", err)
	}
	return file, nil
}

// output has fpdf draw the pages. addFont gives it a face, of which the document
// draws chars (sorted).
func (c *canvas) output(addFont func(f *fpdf.Fpdf, face *face, chars []rune)) ([]byte, error) {
	f := fpdf.New("P", "pt", "A4", "")
	f.SetCatalogSort(true)
	f.SetCreationDate(time.Unix(0, 0)) // pdfa writes another
	f.SetModificationDate(time.Unix(0, 0))
	f.SetAutoPageBreak(false, 0)
	f.SetMargins(0, 0, 0)
	for face, used := range c.used {
		chars := make([]rune, 0, len(used))
		for r := range used {
			chars = append(chars, r)
		}
		slices.Sort(chars)
		addFont(f, face, chars)
	}
	for _, ops := range c.pages {
		f.AddPage()
		for _, op := range ops {
			op(f)
		}
	}
	var out bytes.Buffer
	if err := f.Output(&out); err != nil {
		return nil, fmt.Errorf("pdf: write: %w", err)
	}
	return out.Bytes(), nil
}

// codes writes a text as package pdfa has it: characters of the basic plane, which
// is all that faces have, in UTF-16.
func codes(text string) string {
	b := make([]byte, 0, 2*len(text))
	for _, unit := range utf16.Encode([]rune(text)) {
		b = append(b, byte(unit>>8), byte(unit))
	}
	return string(b)
}
