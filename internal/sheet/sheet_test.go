package sheet

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/money"
	"pgregory.net/rapid"
)

var columns = []Column{{Name: "number", Width: 18}, {Name: "date"}, {Name: "total"}, {Name: "lines"}}

// hostile are texts that spreadsheets evaluate, or that break a writer.
var hostile = []string{
	`=1+1`, `+1+1`, `-1+1`, `@SUM(A1)`, "\t=1+1", "\r=1+1", "\n=1+1", ` =1+1`, "\u00a0=1", "\u200b=1", "\ufeff=1", `＝1+1`, `－1`, `'=1+1`, `"=1+1"`, `=HYPERLINK("http://x","y")`,
	`=cmd|' /C calc'!A0`, "|calc", "a\nb", "a\"b,c;d", "_x000D_", "\x00", "\x1b[31m", "\xff\xfe", "<&>", "]]>", "", "Ąžuolas, UAB", strings.Repeat("é", 40_000),
}

func table(t testing.TB, make func(io.Writer) (Writer, error), texts ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := make(&b)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range texts {
		if err := w.Row([]Cell{Text(s), Day(civil.MustParse("2026-11-22").AddDays(i)), Amount(money.Amount(-123450 + i)), Count(int64(i))}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asCSV(w io.Writer) (Writer, error)  { return CSV(w, columns) }
func asXLSX(w io.Writer) (Writer, error) { return XLSX(w, "Documents: 2026/Q4", columns) }

// A spreadsheet sees no formula in a cell of text, and a program gets every text
// back.
func checkCSV(t interface {
	Helper()
	Fatalf(string, ...any)
}, s, cell string) {
	t.Helper()
	trimmed := strings.TrimLeftFunc(strings.TrimLeft(cell, "\ufeff\u200b\" "), func(r rune) bool { return r == '\u00a0' })
	if trimmed != "" && strings.ContainsAny(trimmed[:1], "=+-@\t\r\n") {
		t.Fatalf("%q is written as %q, which may be evaluated", s, cell)
	}
	if got := restored(cell); got != s {
		t.Fatalf("%q comes back as %q", s, got)
	}
}

func TestNoTextIsAFormula(t *testing.T) {
	t.Parallel()
	for _, s := range hostile {
		checkCSV(t, s, Text(s).plain())
	}
	for s, want := range map[string]string{"Ona": "Ona", "=1": "'=1", "'x": "''x", "-5": "'-5", "a=1": "a=1", "": ""} {
		if got := Text(s).plain(); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
	// An amount is a figure, also below nothing.
	if got := Amount(-1_00).plain(); got != "-1.00" {
		t.Errorf("an amount: %q", got)
	}
}

func FuzzCSVCell(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		checkCSV(t, s, Text(s).plain())
		if !utf8.ValidString(s) || strings.Contains(s, "\r") {
			return // texts from the database are valid; encoding/csv reads CRLF as LF
		}
		rows, err := csv.NewReader(bytes.NewReader(table(t, asCSV, s, "next"))).ReadAll()
		if err != nil || len(rows) != 3 || restored(rows[1][0]) != s {
			t.Fatalf("%q: %v, %v", s, rows, err)
		}
	})
}

func TestCSVReadsBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		texts := rapid.SliceOfN(rapid.String().Filter(func(s string) bool { return !strings.Contains(s, "\r") }), 1, 5).Draw(rt, "texts")
		rows, err := csv.NewReader(bytes.NewReader(table(t, asCSV, texts...))).ReadAll()
		if err != nil || len(rows) != len(texts)+1 {
			rt.Fatalf("%d rows, %v", len(rows), err)
		}
		for i, s := range texts {
			if got := restored(rows[i+1][0]); got != s || rows[i+1][2] != money.Amount(-123450+i).Decimal() {
				rt.Fatalf("row %d: %q, want %q", i, rows[i+1], s)
			}
		}
	})
}

// cellsOf reads the sheet of a workbook as a reader of XML does.
func cellsOf(t testing.TB, workbook []byte) (cells []struct {
	Ref     string `xml:"r,attr"`
	Type    string `xml:"t,attr"`
	Style   string `xml:"s,attr"`
	Value   string `xml:"v"`
	Inline  string `xml:"is>t"`
	Formula string `xml:"f"`
}) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(workbook), int64(len(workbook)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		var any struct {
			XMLName xml.Name
		}
		if err := xml.Unmarshal(content, &any); err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		if f.Name != "xl/worksheets/sheet1.xml" {
			continue
		}
		var sheet struct {
			Rows []struct {
				Cells []struct {
					Ref     string `xml:"r,attr"`
					Type    string `xml:"t,attr"`
					Style   string `xml:"s,attr"`
					Value   string `xml:"v"`
					Inline  string `xml:"is>t"`
					Formula string `xml:"f"`
				} `xml:"c"`
			} `xml:"sheetData>row"`
		}
		if err := xml.Unmarshal(content, &sheet); err != nil {
			t.Fatal(err)
		}
		for _, r := range sheet.Rows {
			cells = append(cells, r.Cells...)
		}
	}
	return cells
}

func TestXLSX(t *testing.T) {
	t.Parallel()
	first := table(t, asXLSX, hostile...)
	if !bytes.Equal(first, table(t, asXLSX, hostile...)) {
		t.Error("the same rows give other bytes")
	}
	cells := cellsOf(t, first)
	if cells[0].Inline != "number" || cells[0].Ref != "A1" || cells[4].Ref != "A2" || cells[5].Value != "46348" || cells[6].Value != "-1234.50" {
		t.Errorf("%+v", cells[:8])
	}
	for _, c := range cells {
		if c.Formula != "" || c.Type != "inlineStr" && strings.Trim(c.Value, "-.0123456789") != "" {
			t.Errorf("%s may be evaluated: %+v", c.Ref, c)
		}
		if formula(c.Inline) && c.Style != styleQuoted {
			t.Errorf("%s becomes a formula when somebody edits it: %+v", c.Ref, c)
		}
	}
	for column, want := range map[int]string{0: "A", 25: "Z", 26: "AA", 51: "AZ", 52: "BA", 701: "ZZ", 702: "AAA"} {
		if got := letters(column); got != want {
			t.Errorf("column %d is %s, want %s", column, got, want)
		}
	}
}

// What LibreOffice reads is what was written: no formula ran, no day moved.
func TestLibreOfficeReadsIt(t *testing.T) {
	office, err := exec.LookPath("soffice")
	if err != nil {
		t.Skip("LibreOffice is not installed")
	}
	if testing.Short() {
		t.Skip("LibreOffice takes seconds to start")
	}
	dir := t.TempDir()
	texts := []string{"=1+1", "+1", "@x", "'=1", "Ąžuolas, UAB", "SIP-2026-000123", "_x000D_", "0012"}
	if err := os.WriteFile(filepath.Join(dir, "index.xlsx"), table(t, asXLSX, texts...), 0o600); err != nil {
		t.Fatal(err)
	}
	// Field separator 44, text quoted by 34, UTF-8, figures as they are kept.
	out, err := exec.CommandContext(t.Context(), office, "-env:UserInstallation=file://"+dir+"/profile", "--headless",
		"--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false", "--outdir", dir, filepath.Join(dir, "index.xlsx")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	file, err := os.Open(filepath.Join(dir, "index.csv"))
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	defer func() { _ = file.Close() }()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil || len(rows) != len(texts)+1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for i, s := range texts {
		r := rows[i+1]
		if r[0] != s || r[1] != civil.MustParse("2026-11-22").AddDays(i).String() || r[2] != strings.TrimRight(money.Amount(-123450+i).Decimal(), "0") {
			t.Errorf("row %d is %q, want %q", i, r, s)
		}
	}
}
