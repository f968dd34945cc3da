package pdfa

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
)

// drawing is what fpdf wrote, taken apart: numbered objects, the text between
// "n 0 obj" and "endobj" of each. It reads the one form that fpdf 0.9 has: a table
// of offsets in one section, generation 0 everywhere, nothing compressed but
// streams.
type drawing struct {
	objects [][]byte // by number; 0 is unused
	root    int      // the catalogue
	info    int
}

// read takes a drawing apart. What it returns lies in file.
func read(file []byte) (drawing, error) {
	bad := func(what string) (drawing, error) { return drawing{}, fmt.Errorf("pdfa: a drawing with %s", what) }
	if !bytes.HasPrefix(file, []byte("%PDF-1.")) || !bytes.HasSuffix(file, []byte("\n%%EOF\n")) {
		return bad("another beginning or end than a PDF file's")
	}
	at := bytes.LastIndex(file, []byte("\nstartxref\n"))
	if at < 0 {
		return bad("no startxref")
	}
	start, ok := number(file[at+len("\nstartxref\n"):])
	if !ok || start >= at {
		return bad("startxref beyond its table")
	}
	table, found := bytes.CutPrefix(file[start:at], []byte("xref\n0 "))
	count, ok := number(table)
	if !found || !ok {
		return bad("another table of offsets")
	}
	_, table, _ = bytes.Cut(table, []byte("\n"))
	const entry = len("0000000000 65535 f \n")
	if count < 2 || count > len(table)/entry {
		return bad("a table of offsets that is too short")
	}
	trailer := table[count*entry:]
	d := drawing{objects: make([][]byte, count)}
	for _, key := range []struct {
		name string
		to   *int
	}{{"\n/Root ", &d.root}, {"\n/Info ", &d.info}} {
		_, value, found := bytes.Cut(trailer, []byte(key.name))
		n, ok := number(value)
		if !found || !ok || n < 1 || n >= count {
			return bad("no" + key.name[1:])
		}
		*key.to = n
	}

	type place struct{ offset, number int }
	places := make([]place, 0, count)
	for n := 1; n < count; n++ {
		offset, ok := number(table[n*entry:])
		if !ok || offset >= start {
			return bad("an offset beyond the objects")
		}
		places = append(places, place{offset, n})
	}
	slices.SortFunc(places, func(a, b place) int { return a.offset - b.offset })
	for i, p := range places {
		end := start
		if i+1 < len(places) {
			end = places[i+1].offset
		}
		body, begins := bytes.CutPrefix(file[p.offset:end], []byte(strconv.Itoa(p.number)+" 0 obj\n"))
		body, ends := bytes.CutSuffix(body, []byte("endobj\n"))
		if !begins || !ends {
			return bad(fmt.Sprintf("object %d not where it should be", p.number))
		}
		d.objects[p.number] = body
	}
	return d, nil
}

// number reads the digits at the beginning of b.
func number(b []byte) (int, bool) {
	n := 0
	for n < len(b) && n < 11 && '0' <= b[n] && b[n] <= '9' {
		n++
	}
	v, err := strconv.Atoi(string(b[:n]))
	return v, err == nil
}
