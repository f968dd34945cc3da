package pdf

import (
	"embed"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"github.com/siptg/portal/internal/pdfa"
)

//go:embed fonts/*.ttf
var fontFiles embed.FS

// face is a TrueType font, parsed once and shared by all documents, so that text
// can be measured, and missing characters found, before anything is written.
// fpdf would parse and cut a font anew for each document and write into its bytes
// while it does; so it is given names, and pdfa a font of the characters in use.
type face struct {
	name    string // the family name given to fpdf
	tables  map[string][]byte
	glyphs  [1 << 16]uint16 // glyph of a character, 0 where there is none
	widths  []int           // of a glyph, in thousandths of the font size
	offsets []uint32        // into glyf, one more than there are glyphs
}

// The faces in the order in which a character is looked up. The two fallbacks
// are parsed when a document first needs them.
var (
	faceRegular = sync.OnceValue(func() *face { return mustFace("inter-regular") })
	faceBold    = sync.OnceValue(func() *face { return mustFace("inter-semibold") })
	faceWide    = sync.OnceValue(func() *face { return mustFace("dejavu-sans") })
	faceEast    = sync.OnceValue(func() *face { return mustFace("droid-fallback") })
)

func mustFace(name string) *face {
	data, err := fontFiles.ReadFile("fonts/" + name + ".ttf")
	if err == nil {
		var f *face
		if f, err = parseFace(name, data); err == nil {
			return f
		}
	}
	panic(fmt.Sprintf("pdf: font %s: %v", name, err)) // the files are part of the program
}

// faceFor returns the face that draws r, nil when none has it.
func faceFor(r rune, bold bool) *face {
	if r < 0 || r > 0xFFFF {
		return nil // fpdf cannot write beyond the basic plane
	}
	first := faceRegular
	if bold {
		first = faceBold
	}
	for _, get := range []func() *face{first, faceWide, faceEast} {
		if f := get(); f.glyphs[r] != 0 {
			return f
		}
	}
	return nil
}

// advance returns the width of r in thousandths of the font size.
func (f *face) advance(r rune) int { return f.widths[f.glyphs[r]] }

// parseFace reads the tables that measuring and cutting need. The layout of
// the tables is that of the OpenType specification.
func parseFace(name string, data []byte) (f *face, err error) {
	defer func() {
		if r := recover(); r != nil {
			f, err = nil, fmt.Errorf("malformed font: %v", r)
		}
	}()
	data = data[:len(data):len(data)] // what is read beyond it panics
	f = &face{name: name, tables: map[string][]byte{}}
	for i := range int(be16(data, 4)) {
		record := data[12+16*i:]
		start, size := be32(record, 8), be32(record, 12)
		f.tables[string(record[:4])] = data[start : start+size : start+size]
	}
	unitsPerEm := int(be16(f.tables["head"], 18))
	count := int(be16(f.tables["maxp"], 4))

	metrics := int(be16(f.tables["hhea"], 34))
	f.widths = make([]int, count)
	for i := range f.widths {
		units := int(be16(f.tables["hmtx"], 4*min(i, metrics-1)))
		f.widths[i] = (units*1000 + unitsPerEm/2) / unitsPerEm // as fpdf rounds
	}

	f.offsets = make([]uint32, count+1)
	for i := range f.offsets {
		if be16(f.tables["head"], 50) == 0 {
			f.offsets[i] = 2 * uint32(be16(f.tables["loca"], 2*i))
		} else {
			f.offsets[i] = be32(f.tables["loca"], 4*i)
		}
	}
	if err := f.parseCharacters(); err != nil {
		return nil, err
	}
	return f, nil
}

// parseCharacters reads the cmap subtable of format 4 (the basic plane).
func (f *face) parseCharacters() error {
	cmap := f.tables["cmap"]
	for i := range int(be16(cmap, 2)) {
		sub := cmap[be32(cmap, 4+8*i+4):]
		if be16(sub, 0) != 4 {
			continue
		}
		double := int(be16(sub, 6)) // twice the number of segments
		ends, starts, deltas, ranges := sub[14:], sub[16+double:], sub[16+2*double:], sub[16+3*double:]
		for s := 0; s < double; s += 2 {
			for r := int(be16(starts, s)); r <= int(be16(ends, s)) && r < 0xFFFF; r++ {
				glyph := uint16(r)
				if offset := int(be16(ranges, s)); offset != 0 {
					if glyph = be16(ranges, s+offset+2*(r-int(be16(starts, s)))); glyph == 0 {
						continue
					}
				}
				f.glyphs[r] = glyph + be16(deltas, s)
			}
		}
		return nil
	}
	return fmt.Errorf("no characters of the basic plane")
}

// postScriptNames are the names that the fonts themselves have.
var postScriptNames = map[string]string{
	"inter-regular": "Inter-Regular", "inter-semibold": "Inter-SemiBold", "dejavu-sans": "DejaVuSans", "droid-fallback": "DroidSansFallback",
}

// embedded is the face cut to the given characters, which must be sorted.
func (f *face) embedded(chars []rune) pdfa.Font {
	program, number := f.cut(chars)
	thousandths := func(table string, at int) int {
		if at+2 > len(f.tables[table]) {
			return 0
		}
		return int(int16(be16(f.tables[table], at))) * 1000 / int(be16(f.tables["head"], 18))
	}
	cut := pdfa.Font{
		Name: f.name, PostScriptName: postScriptNames[f.name], Program: program, Glyphs: make([]pdfa.Glyph, len(chars)),
		Ascent: thousandths("hhea", 4), Descent: thousandths("hhea", 6), CapHeight: thousandths("OS/2", 88), Weight: int(be16(f.tables["OS/2"], 4)),
	}
	for i := range cut.Box {
		cut.Box[i] = thousandths("head", 36+2*i)
	}
	for i, r := range chars {
		cut.Glyphs[i] = pdfa.Glyph{Char: r, ID: number[f.glyphs[r]], Width: f.advance(r)}
	}
	return cut
}

// cut builds a font of glyph 0 and the glyphs of the given characters, which
// must be sorted, and returns the new number of each old glyph. Composite glyphs
// bring their components along. There are no more tables than an embedded font
// must have (ISO 32000-1, 9.9), and cmap.
func (f *face) cut(chars []rune) (program []byte, number map[uint16]uint16) {
	old := []uint16{0} // old glyph of each new one
	number = map[uint16]uint16{0: 0}
	add := func(glyph uint16) uint16 {
		n, ok := number[glyph]
		if !ok {
			n = uint16(len(old))
			old, number[glyph] = append(old, glyph), n
		}
		return n
	}
	type segment struct{ first, last, glyph uint16 }
	var segments []segment
	for _, r := range chars {
		glyph := add(f.glyphs[r])
		if n := len(segments); n > 0 && segments[n-1].last+1 == uint16(r) &&
			segments[n-1].glyph+uint16(r)-segments[n-1].first == glyph {
			segments[n-1].last = uint16(r)
			continue
		}
		segments = append(segments, segment{uint16(r), uint16(r), glyph})
	}
	segments = append(segments, segment{0xFFFF, 0xFFFF, 0}) // the format wants it last

	var glyf, loca, hmtx []byte
	for i := 0; i < len(old); i++ { // grows while components are found
		loca = binary.BigEndian.AppendUint32(loca, uint32(len(glyf)))
		start := len(glyf)
		glyf = append(glyf, f.tables["glyf"][f.offsets[old[i]]:f.offsets[old[i]+1]]...)
		eachComponent(glyf[start:], func(at []byte) {
			binary.BigEndian.PutUint16(at, add(binary.BigEndian.Uint16(at)))
		})
		for len(glyf)%4 != 0 {
			glyf = append(glyf, 0)
		}
		metrics := int(be16(f.tables["hhea"], 34))
		hmtx = binary.BigEndian.AppendUint16(hmtx, be16(f.tables["hmtx"], 4*min(int(old[i]), metrics-1)))
		if g := int(old[i]); g < metrics {
			hmtx = append(hmtx, f.tables["hmtx"][4*g+2:4*g+4]...)
		} else {
			hmtx = append(hmtx, f.tables["hmtx"][4*metrics+2*(g-metrics):][:2]...)
		}
	}
	loca = binary.BigEndian.AppendUint32(loca, uint32(len(glyf)))

	double := uint16(2 * len(segments))
	cmap := []byte{0, 0, 0, 1, 0, 3, 0, 1, 0, 0, 0, 12} // one table, Windows, Unicode BMP
	put := func(values ...uint16) {
		for _, v := range values {
			cmap = binary.BigEndian.AppendUint16(cmap, v)
		}
	}
	put(4, 16+4*double, 0, double, 0, 0, 0)
	for _, s := range segments {
		put(s.last)
	}
	put(0)
	for _, s := range segments {
		put(s.first)
	}
	for _, s := range segments {
		put(s.glyph - s.first)
	}
	for range segments {
		put(0)
	}

	head, hhea, maxp := slices.Clone(f.tables["head"]), slices.Clone(f.tables["hhea"]), slices.Clone(f.tables["maxp"])
	binary.BigEndian.PutUint16(head[50:], 1) // long offsets
	binary.BigEndian.PutUint16(hhea[34:], uint16(len(old)))
	binary.BigEndian.PutUint16(maxp[4:], uint16(len(old)))
	return assemble(map[string][]byte{
		"cmap": cmap, "glyf": glyf, "head": head, "hhea": hhea, "hmtx": hmtx, "loca": loca, "maxp": maxp,
	}), number
}

// eachComponent calls fn with the place of every component's glyph number in a
// composite glyph.
func eachComponent(glyph []byte, fn func(at []byte)) {
	if len(glyph) < 10 || int16(be16(glyph, 0)) >= 0 {
		return
	}
	const words, scale, more, twoScales, matrix = 1, 8, 32, 64, 128
	for at := 10; ; {
		flags := be16(glyph, at)
		fn(glyph[at+2:])
		at += 6
		if flags&words != 0 {
			at += 2
		}
		switch {
		case flags&scale != 0:
			at += 2
		case flags&twoScales != 0:
			at += 4
		case flags&matrix != 0:
			at += 8
		}
		if flags&more == 0 {
			return
		}
	}
}

// assemble writes the table directory and the tables, with their check sums.
func assemble(tables map[string][]byte) []byte {
	names := make([]string, 0, len(tables))
	size := 12
	for name, data := range tables {
		names = append(names, name)
		size += 16 + len(data) + 3
	}
	slices.Sort(names)
	exponent := uint16(0)
	for 2<<exponent <= len(names) {
		exponent++
	}
	out := append(make([]byte, 0, size), 0, 1, 0, 0)
	for _, v := range []uint16{uint16(len(names)), 16 << exponent, exponent, uint16(16*len(names)) - 16<<exponent} {
		out = binary.BigEndian.AppendUint16(out, v)
	}
	binary.BigEndian.PutUint32(tables["head"][8:], 0)
	at, head := uint32(12+16*len(names)), 0
	for _, name := range names {
		if name == "head" {
			head = int(at)
		}
		out = append(out, name...)
		out = binary.BigEndian.AppendUint32(out, checkSum(tables[name]))
		out = binary.BigEndian.AppendUint32(out, at)
		out = binary.BigEndian.AppendUint32(out, uint32(len(tables[name])))
		at += uint32(len(tables[name])+3) &^ 3
	}
	for _, name := range names {
		out = append(out, tables[name]...)
		for len(out)%4 != 0 {
			out = append(out, 0)
		}
	}
	binary.BigEndian.PutUint32(out[head+8:], 0xB1B0AFBA-checkSum(out)) // of the whole font
	return out
}

// checkSum adds up big-endian words, the last filled up with zeros.
func checkSum(b []byte) uint32 {
	sum := uint32(0)
	for ; len(b) >= 4; b = b[4:] {
		sum += binary.BigEndian.Uint32(b)
	}
	var last [4]byte
	copy(last[:], b)
	return sum + binary.BigEndian.Uint32(last[:])
}

func be16(b []byte, at int) uint16 { return binary.BigEndian.Uint16(b[at:]) }
func be32(b []byte, at int) uint32 { return binary.BigEndian.Uint32(b[at:]) }
