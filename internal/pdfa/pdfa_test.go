package pdfa_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-pdf/fpdf"
	"github.com/siptg/portal/internal/pdfa"
	"pgregory.net/rapid"
)

// drawing is a page by fpdf with "AB" in a font called face.
func drawing(t testing.TB, pages int) []byte {
	t.Helper()
	f := fpdf.New("P", "pt", "A4", "")
	f.SetCatalogSort(true)
	f.SetCreationDate(time.Unix(0, 0))
	f.SetModificationDate(time.Unix(0, 0))
	f.AddFontFromBytes("face", "", []byte(`{"Tp":"Core","Name":"face"}`), nil)
	for range pages {
		f.AddPage()
		f.SetFont("face", "", 12)
		f.Text(100, 100, "\x00A\x00B")
	}
	var b bytes.Buffer
	if err := f.Output(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func options() pdfa.Options {
	return pdfa.Options{
		Title: "VAT invoice SIP-2026-000042", Author: "MB „Pavyzdys“ & Co. <1>", Producer: "test", Language: "en", Date: time.Date(2026, 12, 3, 0, 0, 0, 0, time.UTC),
		Fonts: []pdfa.Font{{
			Name: "face", PostScriptName: "Face-Regular", Program: []byte("not read here"), Ascent: 900, Descent: -200, CapHeight: 700, Weight: 400,
			Glyphs: []pdfa.Glyph{{Char: 'A', ID: 1, Width: 600}, {Char: 'B', ID: 2, Width: 650}},
		}},
		Invoice: []byte("<?xml version=\"1.0\"?><x>Ž</x>"),
	}
}

func finish(t testing.TB, o pdfa.Options) []byte {
	t.Helper()
	file, err := pdfa.Finish(drawing(t, 2), o)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// fatal is what both tests and properties can do.
type fatal interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

// objects reads a file by its own table of offsets.
func objects(t fatal, file []byte) map[int]string {
	t.Helper()
	m := regexp.MustCompile(`startxref\n(\d+)\n%%EOF\n$`).FindSubmatch(file)
	if m == nil {
		t.Fatal("no startxref")
	}
	at, _ := strconv.Atoi(string(m[1]))
	lines := strings.Split(string(file[at:]), "\n")
	if lines[0] != "xref" {
		t.Fatalf("startxref points at %q", lines[0])
	}
	var count int
	if _, err := fmt.Sscanf(lines[1], "0 %d", &count); err != nil {
		t.Fatal(err)
	}
	all := map[int]string{}
	for n := 1; n < count; n++ {
		offset, err := strconv.Atoi(lines[2+n][:10])
		if err != nil || lines[2+n][10:] != " 00000 n " {
			t.Fatalf("entry %q: %v", lines[2+n], err)
		}
		body, ok := strings.CutPrefix(string(file[offset:at]), strconv.Itoa(n)+" 0 obj\n")
		end := strings.Index(body, "\nendobj\n")
		if !ok || end < 0 {
			t.Fatalf("object %d is not at %d", n, offset)
		}
		all[n] = body[:end]
	}
	return all
}

// content inflates the stream of an object.
func content(t fatal, object string) []byte {
	t.Helper()
	dictionary, data, ok := strings.Cut(object, "\nstream\n")
	data, ended := strings.CutSuffix(data, "\nendstream")
	if !ok || !ended || !strings.Contains(dictionary, fmt.Sprintf("/Length %d>>", len(data))) {
		t.Fatalf("no stream: %s", dictionary)
	}
	if !strings.Contains(dictionary, "/FlateDecode") {
		return []byte(data)
	}
	r, err := zlib.NewReader(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// one returns the only object with a mark.
func one(t fatal, all map[int]string, mark string) (int, string) {
	t.Helper()
	found := 0
	for n, o := range all {
		if strings.Contains(o, mark) {
			if found != 0 {
				t.Fatalf("%s: objects %d and %d", mark, found, n)
			}
			found = n
		}
	}
	if found == 0 {
		t.Fatalf("no object with %s", mark)
	}
	return found, all[found]
}

func TestSameBytes(t *testing.T) {
	t.Parallel()
	if !bytes.Equal(finish(t, options()), finish(t, options())) {
		t.Error("two files of one drawing differ")
	}
	other := options()
	other.Invoice = []byte("<?xml version=\"1.0\"?><x>Z</x>")
	id := regexp.MustCompile(`/ID \[<([0-9a-f]{32})> <([0-9a-f]{32})>\]`)
	a, b := id.FindStringSubmatch(string(finish(t, options()))), id.FindStringSubmatch(string(finish(t, other)))
	if a == nil || b == nil || a[1] != a[2] || a[1] == b[1] {
		t.Errorf("identifiers %v and %v", a, b)
	}
}

// What ISO 19005-3 and Factur-X want, entry by entry.
func TestEntries(t *testing.T) {
	t.Parallel()
	file := finish(t, options())
	if !bytes.HasPrefix(file, []byte("%PDF-1.7\n%\xE2\xE3\xCF\xD3\n")) {
		t.Errorf("header %q", file[:20])
	}
	all := objects(t, file)
	_, root := one(t, all, "/Type /Catalog")
	spec, specification := one(t, all, "/Type /Filespec")
	attached, embedded := one(t, all, "/Type /EmbeddedFile")
	metadata, packet := one(t, all, "/Type /Metadata")
	profile, icc := one(t, all, "/N 3")
	for _, want := range []string{
		"/Lang (en)", fmt.Sprintf("/Metadata %d 0 R", metadata), fmt.Sprintf("/AF [%d 0 R]", spec), fmt.Sprintf("/EmbeddedFiles <</Names [(factur-x.xml) %d 0 R]>>", spec),
		"/S /GTS_PDFA1", fmt.Sprintf("/DestOutputProfile %d 0 R", profile),
	} {
		if !strings.Contains(root, want) {
			t.Errorf("no %s in %s", want, root)
		}
	}
	for _, want := range []string{"/F (factur-x.xml) /UF (factur-x.xml)", "/AFRelationship /Alternative", fmt.Sprintf("/EF <</F %d 0 R /UF %d 0 R>>", attached, attached)} {
		if !strings.Contains(specification, want) {
			t.Errorf("no %s in %s", want, specification)
		}
	}
	for _, want := range []string{"/Subtype /text#2Fxml", fmt.Sprintf("/Size %d", len(options().Invoice)), "/ModDate (D:20261203000000Z)", "/CheckSum <" + md5Of(t, options().Invoice) + ">"} {
		if !strings.Contains(embedded, want) {
			t.Errorf("no %s in %.300s", want, embedded)
		}
	}
	if got := content(t, embedded); !bytes.Equal(got, options().Invoice) {
		t.Errorf("attached is %q", got)
	}
	if dictionary, _, _ := strings.Cut(packet, "stream"); strings.Contains(dictionary, "/Filter") {
		t.Error("the metadata are compressed")
	}
	if p := content(t, icc); len(p) > 1024 {
		t.Errorf("a profile of %d bytes", len(p))
	}
	for _, o := range all {
		if regexp.MustCompile(`/(JS|JavaScript|AA|OpenAction|Launch|URI|Encrypt|LZWDecode)\b`).MatchString(strings.Split(o, "\nstream\n")[0]) {
			t.Errorf("an action, or what PDF/A forbids: %.200s", o)
		}
	}
}

// md5Of has another program work it out.
func md5Of(t *testing.T, data []byte) string {
	t.Helper()
	run := exec.Command("md5sum")
	run.Stdin = bytes.NewReader(data)
	out, err := run.Output()
	if err != nil {
		t.Skipf("NOT TESTED: md5sum: %v", err)
	}
	return strings.Fields(string(out))[0]
}

func TestWithoutInvoice(t *testing.T) {
	t.Parallel()
	o := options()
	o.Invoice = nil
	file := string(finish(t, o))
	for _, name := range []string{"EmbeddedFile", "Filespec", "/AF", "/Names", "factur-x", "pdfaExtension"} {
		if strings.Contains(file, name) {
			t.Errorf("%s in a file without an invoice", name)
		}
	}
	if !strings.Contains(file, "<pdfaid:part>3</pdfaid:part>") {
		t.Error("no archive file")
	}
}

// packet is what a reader of XMP makes of it.
type packet struct {
	Descriptions []struct {
		Part        string `xml:"http://www.aiim.org/pdfa/ns/id/ part"`
		Conformance string `xml:"http://www.aiim.org/pdfa/ns/id/ conformance"`
		Title       struct {
			Lang string `xml:"lang,attr"`
			Text string `xml:",chardata"`
		} `xml:"title>Alt>li"`
		Creator  []string `xml:"creator>Seq>li"`
		Created  string   `xml:"http://ns.adobe.com/xap/1.0/ CreateDate"`
		Modified string   `xml:"http://ns.adobe.com/xap/1.0/ ModifyDate"`
		Producer string   `xml:"http://ns.adobe.com/pdf/1.3/ Producer"`
		Type     string   `xml:"urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0# DocumentType"`
		FileName string   `xml:"urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0# DocumentFileName"`
		Version  string   `xml:"urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0# Version"`
		Level    string   `xml:"urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0# ConformanceLevel"`
		Schemas  []struct {
			URI   string   `xml:"http://www.aiim.org/pdfa/ns/schema# namespaceURI"`
			Names []string `xml:"property>Seq>li>name"`
		} `xml:"schemas>Bag>li"`
	} `xml:"RDF>Description"`
}

// The metadata say what the Info dictionary says, and describe the properties that
// PDF/A does not know.
func TestMetadata(t *testing.T) {
	t.Parallel()
	all := objects(t, finish(t, options()))
	_, object := one(t, all, "/Type /Metadata")
	data := content(t, object)
	var p packet
	if err := xml.Unmarshal(data, &p); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	got := map[string]string{}
	for _, d := range p.Descriptions {
		for name, value := range map[string]string{
			"part": d.Part, "conformance": d.Conformance, "title": d.Title.Text, "lang": d.Title.Lang, "creator": strings.Join(d.Creator, ";"),
			"created": d.Created, "modified": d.Modified, "producer": d.Producer, "type": d.Type, "file": d.FileName, "version": d.Version, "level": d.Level,
		} {
			got[name] += value
		}
		for _, s := range d.Schemas {
			got["schema"] += s.URI + " " + strings.Join(s.Names, " ")
		}
	}
	o := options()
	for name, want := range map[string]string{
		"part": "3", "conformance": "U", "title": o.Title, "lang": "x-default", "creator": o.Author, "created": "2026-12-03T00:00:00Z", "modified": "2026-12-03T00:00:00Z",
		"producer": "test", "type": "INVOICE", "file": "factur-x.xml", "version": "1.0", "level": "EN 16931",
		"schema": "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0# DocumentFileName DocumentType Version ConformanceLevel",
	} {
		if got[name] != want {
			t.Errorf("%s %q, want %q", name, got[name], want)
		}
	}
	_, info := one(t, all, "/CreationDate (D:20261203000000Z)\n/ModDate (D:20261203000000Z)>>")
	author := "<FEFF" // UTF-16, as the author is no ASCII
	for _, r := range o.Author {
		author += fmt.Sprintf("%04X", r)
	}
	if !strings.Contains(info, "/Title ("+o.Title+")\n/Author "+author+">") {
		t.Errorf("Info %s", info)
	}
}

// The profile is sRGB: read back, white is white, and each step of a channel is as
// light as IEC 61966-2-1 has it.
func TestProfile(t *testing.T) {
	t.Parallel()
	_, object := one(t, objects(t, finish(t, options())), "/N 3")
	p := content(t, object)
	fixed := func(at int) float64 { return float64(int32(binary.BigEndian.Uint32(p[at:]))) / 65536 }
	if int(binary.BigEndian.Uint32(p)) != len(p) || string(p[12:24]) != "mntrRGB XYZ " || string(p[36:40]) != "acsp" || p[8] != 4 {
		t.Fatalf("header % x", p[:128])
	}
	tags := map[string]int{}
	for i := range int(binary.BigEndian.Uint32(p[128:])) {
		entry := p[132+12*i:]
		at, size := int(binary.BigEndian.Uint32(entry[4:])), int(binary.BigEndian.Uint32(entry[8:]))
		if at%4 != 0 || at+size > len(p) {
			t.Errorf("tag %s at %d", entry[:4], at)
		}
		tags[string(entry[:4])] = at
	}
	for _, name := range []string{"desc", "cprt", "wtpt", "chad", "rXYZ", "gXYZ", "bXYZ", "rTRC", "gTRC", "bTRC"} {
		if tags[name] == 0 {
			t.Fatalf("no tag %s", name)
		}
	}
	for i := range 3 {
		white, sum := fixed(tags["wtpt"]+8+4*i), fixed(tags["rXYZ"]+8+4*i)+fixed(tags["gXYZ"]+8+4*i)+fixed(tags["bXYZ"]+8+4*i)
		if math.Abs(white-sum) > 0.0005 {
			t.Errorf("white is %f, the primaries sum to %f", white, sum)
		}
	}
	at := tags["gTRC"] + 12
	g, a, b, c, d := fixed(at), fixed(at+4), fixed(at+8), fixed(at+12), fixed(at+16)
	for i := range 256 {
		x := float64(i) / 255
		want, got := x/12.92, c*x
		if x > 0.04045 {
			want = math.Pow((x+0.055)/1.055, 2.4)
		}
		if x >= d {
			got = math.Pow(a*x+b, g)
		}
		if math.Abs(want-got) > 0.0001 {
			t.Errorf("%d is %f, want %f", i, got, want)
		}
	}
}

// Every code of a font leads to its glyph, its width and its character, and no
// other code does.
func TestFontMaps(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := options()
		chars := rapid.SliceOfNDistinct(rapid.OneOf(rapid.Int32Range(32, 700), rapid.Int32Range(1, 0xFEFE)), 1, 300, rapid.ID).Draw(t, "chars")
		used := map[int]bool{}
		for _, c := range chars {
			used[int(c)] = true
		}
		f := &o.Fonts[0]
		f.Glyphs = nil
		for c := range 0x10000 {
			if used[c] {
				f.Glyphs = append(f.Glyphs, pdfa.Glyph{Char: rune(c), ID: uint16(len(f.Glyphs) + 1), Width: rapid.IntRange(0, 2000).Draw(t, "width")})
			}
		}
		file, err := pdfa.Finish(fixedDrawing, o)
		if err != nil {
			t.Fatal(err)
		}
		all := objects(t, file)
		_, child := one(t, all, "/CIDToGIDMap")
		place := regexp.MustCompile(`/CIDToGIDMap (\d+) 0 R`).FindStringSubmatch(child)
		n, _ := strconv.Atoi(place[1])
		glyphs := content(t, all[n])
		widths := map[int]int{}
		list := strings.Fields(strings.NewReplacer("[", " [ ", "]", " ] ").Replace(child[strings.Index(child, "/W [")+4:]))
		for i := 0; i < len(list) && list[i] != "]"; i++ {
			code, _ := strconv.Atoi(list[i])
			for i += 2; list[i] != "]"; i++ {
				widths[code], _ = strconv.Atoi(list[i])
				code++
			}
		}
		_, parent := one(t, all, "/ToUnicode")
		n, _ = strconv.Atoi(regexp.MustCompile(`/ToUnicode (\d+) 0 R`).FindStringSubmatch(parent)[1])
		unicode := map[int]int{}
		for _, m := range regexp.MustCompile(`<(....)> <(....)> <(....)>`).FindAllStringSubmatch(string(content(t, all[n])), -1) {
			first, _ := strconv.ParseInt(m[1], 16, 32)
			last, _ := strconv.ParseInt(m[2], 16, 32)
			to, _ := strconv.ParseInt(m[3], 16, 32)
			if first>>8 != last>>8 {
				t.Fatalf("a range over more than one high byte: %s", m[0])
			}
			for i := range last - first + 1 {
				unicode[int(first+i)] = int(to + i)
			}
		}
		if len(widths) != len(f.Glyphs) || len(unicode) != len(f.Glyphs) {
			t.Fatalf("%d widths and %d characters of %d glyphs", len(widths), len(unicode), len(f.Glyphs))
		}
		for _, g := range f.Glyphs {
			if c := int(g.Char); unicode[c] != c || widths[c] != g.Width || binary.BigEndian.Uint16(glyphs[2*c:]) != g.ID {
				t.Fatalf("%U: %U, %d wide", g.Char, unicode[c], widths[c])
			}
		}
	})
}

var fixedDrawing = func() []byte {
	var b bytes.Buffer
	f := fpdf.New("P", "pt", "A4", "")
	f.AddFontFromBytes("face", "", []byte(`{"Tp":"Core","Name":"face"}`), nil)
	f.AddPage()
	f.SetFont("face", "", 12)
	_ = f.Output(&b)
	return b.Bytes()
}()

func TestRefuses(t *testing.T) {
	t.Parallel()
	good := string(drawing(t, 1))
	for name, spoil := range map[string]func(string) string{
		"nothing":             func(string) string { return "" },
		"half a file":         func(s string) string { return s[:len(s)/2] },
		"something behind it": func(s string) string { return s + "x" },
		"a moved table":       func(s string) string { return strings.Replace(s, "startxref\n", "startxref\n1", 1) },
		"a moved object":      func(s string) string { return strings.Replace(s, "1 0 obj", "1 0 obj\n", 1) },
		"an unknown font":     func(s string) string { return strings.Replace(s, "/BaseFont /face", "/BaseFont /fade", 1) },
		"no catalogue":        func(s string) string { return strings.Replace(s, "/Root ", "/Toor ", 1) },
		"a catalogue beyond":  func(s string) string { return strings.Replace(s, "/Root ", "/Root 9", 1) },
		"objects in a stream": func(s string) string { return strings.Replace(s, "xref\n0 ", "xrex\n0 ", 1) },
		"more objects than is": func(s string) string {
			return regexp.MustCompile(`xref\n0 \d+`).ReplaceAllString(s, "xref\n0 99999999")
		},
	} {
		if _, err := pdfa.Finish([]byte(spoil(good)), options()); err == nil {
			t.Errorf("%s is taken for a drawing", name)
		}
	}
	for name, spoil := range map[string]func(*pdfa.Options){
		"no title":                     func(o *pdfa.Options) { o.Title = "" },
		"no date":                      func(o *pdfa.Options) { o.Date = time.Time{} },
		"no language":                  func(o *pdfa.Options) { o.Language = "" },
		"a font that is not drawn in":  func(o *pdfa.Options) { o.Fonts = append(o.Fonts, pdfa.Font{Name: "other"}) },
		"no fonts":                     func(o *pdfa.Options) { o.Fonts = nil },
		"a font without characters":    func(o *pdfa.Options) { o.Fonts[0].Glyphs = nil },
		"a font without a name":        func(o *pdfa.Options) { o.Fonts[0].PostScriptName = "" },
		"a character of the other end": func(o *pdfa.Options) { o.Fonts[0].Glyphs[1].Char = 0xFEFF },
		"a character without a glyph":  func(o *pdfa.Options) { o.Fonts[0].Glyphs[1].ID = 0 },
		"characters out of order":      func(o *pdfa.Options) { o.Fonts[0].Glyphs[0].Char = 'C' },
	} {
		o := options()
		spoil(&o)
		if _, err := pdfa.Finish([]byte(good), o); err == nil {
			t.Errorf("%s passes", name)
		}
	}
}

// Any bytes: an error or a file that reads back, never a panic.
func FuzzFinish(f *testing.F) {
	good := fixedDrawing
	f.Add(good, "title")
	f.Add(good[:len(good)-7], "(title)\\")
	f.Add(bytes.Replace(good, []byte("0000000009"), []byte("9999999999"), 1), "Ž🚀\x00\xff")
	f.Fuzz(func(t *testing.T, drawn []byte, title string) {
		o := options()
		o.Title, o.Author = title, title
		file, err := pdfa.Finish(drawn, o)
		if err == nil {
			objects(t, file)
		}
	})
}

// Another program reads the file and takes the invoice out.
func TestOthersRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f.pdf")
	if err := os.WriteFile(path, finish(t, options()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"qpdf", "pdfdetach"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("PORTAL_TEST_REQUIRE") == "1" {
				t.Fatalf("%s is missing", program)
			}
			t.Skipf("NOT TESTED: %s is missing", program)
		}
	}
	if out, err := exec.Command("qpdf", "--check", path).CombinedOutput(); err != nil || bytes.Contains(out, []byte("WARNING")) {
		t.Errorf("%v\n%s", err, out)
	}
	taken := filepath.Join(t.TempDir(), "out.xml")
	if out, err := exec.Command("pdfdetach", "-savefile", "factur-x.xml", "-o", taken, path).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got, err := os.ReadFile(taken); err != nil || !bytes.Equal(got, options().Invoice) {
		t.Errorf("%v, %q", err, got)
	}
}
