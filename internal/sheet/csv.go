package sheet

import (
	"encoding/csv"
	"io"
	"strings"
)

// CSV writes a table as text/csv. It begins with the names of the columns.
func CSV(w io.Writer, columns []Column) (Writer, error) {
	c := csv.NewWriter(w)
	c.UseCRLF = true // RFC 4180
	t := &csvTable{w: c, record: make([]string, len(columns))}
	for i, column := range columns {
		t.record[i] = column.Name
	}
	return t, c.Write(t.record)
}

// Column is a column of a table.
type Column struct {
	Name  string
	Width int // in characters, in XLSX
}

type csvTable struct {
	w      *csv.Writer
	record []string
}

// Row writes a row.
func (t *csvTable) Row(cells []Cell) error {
	for i, c := range cells {
		// encoding/csv writes a line break in a field as it is, and reads CRLF back
		// as LF: an address of two lines stays two lines in both.
		t.record[i] = strings.ReplaceAll(c.plain(), "\r\n", "\n")
	}
	return t.w.Write(t.record)
}

// Close writes what is left.
func (t *csvTable) Close() error {
	t.w.Flush()
	return t.w.Error()
}
