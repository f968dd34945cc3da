package sheet

import (
	"archive/zip"
	"bufio"
	"encoding/xml"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/siptg/portal/internal/civil"
)

// epoch is day 0 of spreadsheets, as they count after 1 March 1900.
var epoch = civil.MustParse("1899-12-30")

// written is the time of all parts of a file: a date that does not change, the
// first that ZIP can hold.
var written = time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC)

// Styles, by their place in cellXfs.
const (
	styleHead   = "1"
	styleAmount = "2"
	styleDay    = "3"
	styleCount  = "4"
	styleQuoted = "5" // text that would be a formula if somebody typed it
)

const (
	declaration = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	mainNS      = `http://schemas.openxmlformats.org/spreadsheetml/2006/main`
	relsNS      = `http://schemas.openxmlformats.org/officeDocument/2006/relationships`
	packageNS   = `http://schemas.openxmlformats.org/package/2006/`
	typesMain   = `application/vnd.openxmlformats-officedocument.spreadsheetml.`
)

// parts are the fixed parts of the file (ECMA-376, part 1), without the sheet.
var parts = []struct{ name, content string }{
	{"[Content_Types].xml", `<Types xmlns="` + packageNS + `content-types">` +
		`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
		`<Default Extension="xml" ContentType="application/xml"/>` +
		`<Override PartName="/xl/workbook.xml" ContentType="` + typesMain + `sheet.main+xml"/>` +
		`<Override PartName="/xl/worksheets/sheet1.xml" ContentType="` + typesMain + `worksheet+xml"/>` +
		`<Override PartName="/xl/styles.xml" ContentType="` + typesMain + `styles+xml"/></Types>`},
	{"_rels/.rels", `<Relationships xmlns="` + packageNS + `relationships">` +
		`<Relationship Id="rId1" Type="` + relsNS + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
	{"xl/_rels/workbook.xml.rels", `<Relationships xmlns="` + packageNS + `relationships">` +
		`<Relationship Id="rId1" Type="` + relsNS + `/worksheet" Target="worksheets/sheet1.xml"/>` +
		`<Relationship Id="rId2" Type="` + relsNS + `/styles" Target="styles.xml"/></Relationships>`},
	{"xl/styles.xml", `<styleSheet xmlns="` + mainNS + `"><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\-mm\-dd"/></numFmts>` +
		`<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts>` +
		`<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>` +
		`<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>` +
		`<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>` +
		`<cellXfs count="6"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>` +
		`<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>` +
		`<xf numFmtId="4" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>` +
		`<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>` +
		`<xf numFmtId="1" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>` +
		`<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" quotePrefix="1" applyNumberFormat="1"/></cellXfs>` +
		`<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`},
}

// XLSX writes a table as an Excel workbook of one sheet. Its first row are the
// names of the columns. Texts are inline strings, which no program evaluates.
func XLSX(w io.Writer, name string, columns []Column) (Writer, error) {
	z := zip.NewWriter(w)
	part := func(name, content string) error {
		p, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: written})
		if err == nil {
			_, err = io.WriteString(p, declaration+content)
		}
		return err
	}
	for _, p := range parts {
		if err := part(p.name, p.content); err != nil {
			return nil, err
		}
	}
	workbook := `<workbook xmlns="` + mainNS + `" xmlns:r="` + relsNS + `"><sheets><sheet name="` + escaped(sheetName(name)) +
		`" sheetId="1" r:id="rId1"/></sheets></workbook>`
	if err := part("xl/workbook.xml", workbook); err != nil {
		return nil, err
	}
	s, err := z.CreateHeader(&zip.FileHeader{Name: "xl/worksheets/sheet1.xml", Method: zip.Deflate, Modified: written})
	if err != nil {
		return nil, err
	}
	t := &xlsxTable{z: z, w: bufio.NewWriter(s)}
	t.put(declaration, `<worksheet xmlns="`, mainNS, `"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>`,
		`</sheetView></sheetViews><cols>`)
	for i, c := range columns {
		n := strconv.Itoa(i + 1)
		t.put(`<col min="`, n, `" max="`, n, `" width="`, strconv.Itoa(max(c.Width, 8)), `" customWidth="1"/>`)
	}
	t.put(`</cols><sheetData><row r="1">`)
	for i, c := range columns {
		t.string(i, styleHead, c.Name)
	}
	t.put(`</row>`)
	t.rows = 1
	return t, t.err
}

type xlsxTable struct {
	z    *zip.Writer
	w    *bufio.Writer
	rows int
	err  error // the first
}

// Row writes a row.
func (t *xlsxTable) Row(cells []Cell) error {
	t.rows++
	t.put(`<row r="`, strconv.Itoa(t.rows), `">`)
	for i, c := range cells {
		switch c.kind {
		case text:
			style := ""
			if formula(c.text) {
				style = styleQuoted
			}
			t.string(i, style, c.text)
		case amount:
			t.number(i, styleAmount, c.amount.Decimal())
		case day:
			t.number(i, styleDay, strconv.Itoa(c.day.Sub(epoch)))
		case count:
			t.number(i, styleCount, strconv.FormatInt(c.count, 10))
		case empty:
		}
	}
	t.put(`</row>`)
	return t.err
}

// Close ends the workbook.
func (t *xlsxTable) Close() error {
	t.put(`</sheetData></worksheet>`)
	if t.err == nil {
		t.err = t.w.Flush()
	}
	if t.err == nil {
		t.err = t.z.Close()
	}
	return t.err
}

func (t *xlsxTable) put(texts ...string) {
	for _, s := range texts {
		if t.err == nil {
			_, t.err = t.w.WriteString(s)
		}
	}
}

func (t *xlsxTable) cell(column int, style, of string) {
	t.put(`<c r="`, letters(column), strconv.Itoa(max(t.rows, 1)), `"`)
	if style != "" {
		t.put(` s="`, style, `"`)
	}
	t.put(of)
}

func (t *xlsxTable) string(column int, style, s string) {
	t.cell(column, style, ` t="inlineStr"><is><t xml:space="preserve">`)
	t.put(escaped(clipped(s)), `</t></is></c>`)
}

func (t *xlsxTable) number(column int, style, plain string) {
	t.cell(column, style, `><v>`)
	t.put(plain, `</v></c>`)
}

// letters names a column: A, B … Z, AA.
func letters(column int) string {
	name := ""
	for column++; column > 0; column = (column - 1) / 26 {
		name = string(rune('A'+(column-1)%26)) + name
	}
	return name
}

// underscored is how Excel writes characters that XML has no place for
// (ECMA-376, 22.9.2.19); a text that only looks like that gets its first sign
// written so.
var underscored = regexp.MustCompile(`_(x[0-9A-Fa-f]{4}_)`)

// escaped is a text as XML has it; what XML 1.0 forbids becomes U+FFFD.
func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(underscored.ReplaceAllString(s, "_x005F_$1"))) // a Builder takes everything
	return b.String()
}

// clipped is a text that a cell can hold: 32,767 characters.
func clipped(s string) string {
	const most = 32_767 / 2 // characters outside the first plane count twice
	if len(s) <= most {
		return s
	}
	if r := []rune(s); len(r) > most {
		return string(r[:most])
	}
	return s
}

// sheetName is a name that Excel takes: 31 characters, none of []:*?/\ .
func sheetName(s string) string {
	r := []rune(strings.NewReplacer("[", " ", "]", " ", ":", " ", "*", " ", "?", " ", "/", " ", `\`, " ", "'", " ").Replace(s))
	if len(r) > 31 {
		r = r[:31]
	}
	return string(r)
}
