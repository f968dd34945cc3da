package einvoice_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/pdf"
)

// hybrid is the PDF of a document with its CII inside, as use cases make it.
func hybrid(t fatal, d invoice.Document) []byte {
	t.Helper()
	file, err := pdf.RenderHybrid(d, write(t, syntaxes[0], d))
	if err != nil {
		t.Fatalf("%v", err)
	}
	return file
}

// ask runs a command of the validators and returns what it printed; it must give
// a verdict.
func ask(t *testing.T, command string, args ...string) string {
	t.Helper()
	program := filepath.Join(filepath.Dir(validator(t)), command)
	if _, err := os.Stat(program); err != nil {
		notTested(t, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour) // on a machine that others use
	defer cancel()
	var stderr bytes.Buffer
	run := exec.CommandContext(ctx, program, args...)
	run.WaitDelay, run.Stderr = time.Second, &stderr
	out, err := run.Output()
	var exit *exec.ExitError
	if verdict := regexp.MustCompile(`(?m)^VERDICT (PASS|FAIL) `); !verdict.Match(out) || ctx.Err() != nil || err != nil && !errors.As(err, &exit) {
		notTested(t, strings.Join(strings.Fields(fmt.Sprintf("%v %s %s", err, out, stderr.String())), " "))
	}
	return string(out)
}

// faults are what "pdfa" says of files, by their name: what failed, without the
// lines of what did not.
func faults(t *testing.T, files map[string][]byte) map[string]string {
	t.Helper()
	dir := t.TempDir()
	var paths []string
	for name, content := range files {
		path := filepath.Join(dir, name+".pdf")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	slices.Sort(paths)
	found, at := map[string]string{}, ""
	for line := range strings.Lines(ask(t, "pdfa", paths...)) {
		switch {
		case strings.HasPrefix(line, dir):
			at = strings.TrimSuffix(filepath.Base(strings.TrimSpace(line)), ".pdf")
			found[at] = ""
		case strings.HasPrefix(line, "  ok "), strings.HasPrefix(line, "  note "), strings.HasPrefix(line, "VERDICT "):
		default:
			found[at] += line
		}
	}
	if len(found) != len(files) {
		t.Fatalf("%d verdicts on %d files", len(found), len(files))
	}
	return found
}

// extracted is what "facturx-extract" says of a file, and the invoice that it took
// out of it.
func extracted(t *testing.T, content []byte) (said string, cii []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hybrid.pdf")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	said = ask(t, "facturx-extract", path, path+".xml")
	cii, err := os.ReadFile(path + ".xml")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return said, cii
}

// Every PDF of an invoice is PDF/A-3 with the invoice inside: the bytes that the
// validators of e-invoices see in TestOfficialValidators, which say on each term
// what the document says.
func TestHybridFiles(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the validators take their time")
	}
	validator(t)
	files := map[string][]byte{}
	documents := map[string]invoice.Document{}
	for i, x := range everyDocument(t) {
		if everything() || slices.Contains(usual[:4], x.name) || i == 0 || x.name == "usd-with-VAT" {
			files[x.name], documents[x.name] = hybrid(t, x.d), x.d
		}
	}
	languages := []i18n.Language{{Code: "lt"}}
	if everything() {
		languages = i18n.DocumentLanguages()
	}
	for _, l := range languages { // other words, other letters; two languages at once
		for name, d := range map[string]invoice.Document{"invoice-" + l.Code: documents["R1"], "usd-" + l.Code: documents["usd-with-VAT"]} {
			if d.Language = l.Code; strings.HasPrefix(name, "usd") {
				d.Also = "lt"
			}
			files[name], documents[name] = hybrid(t, d), d
		}
	}
	failed := 0
	for name, fault := range faults(t, files) {
		said, cii := extracted(t, files[name])
		if fault != "" || !strings.Contains(said, "\nVERDICT PASS ") {
			failed++
			t.Errorf("%s:\n%s%s", name, fault, said)
		}
		if !bytes.Equal(cii, write(t, syntaxes[0], documents[name])) {
			failed++
			t.Errorf("%s: another invoice is inside", name)
		}
	}
	t.Logf("PDF/A-3 and Factur-X: %d files, %d failures", len(files), failed)
}

// brokenHybrids are mistakes in a file, each a replacement of the first match by as
// many bytes, so that nothing else moves. rule is what must be said: a clause of
// ISO 19005-3 by "pdfa", a sentence of "facturx-extract", or, where neither looks,
// an assertion of ours ("own: ").
var brokenHybrids = []struct {
	name     string
	from, to string // from is a regular expression; to is cut or filled up with spaces
	rule     string
}{
	{"relation of no kind", `/AFRelationship /Alternative`, `/AFRelationship /Unspecified`, "FAIL /AFRelationship /Unspecified"},
	{"no relation", `/AFRelationship `, `/AFRelationshiq `, "[6.8-3]"},
	{"file that nothing refers to", `/AF \[`, `/AG [`, "[6.8-4]"},
	{"no type of content", `/Subtype /text#2Fxml`, `/Subtypo /text#2Fxml`, "[6.8-1]"},
	{"another type of content", `/Subtype /text#2Fxml`, `/Subtype /text#2Ftxt`, "FAIL /Subtype is text/xml"},
	{"another file name", `/UF \(factur-x\.xml\)`, `/UF (zugferd1.xml)`, "FAIL /UF is factur-x.xml"},
	{"no old file name", `/F \(factur-x\.xml\)`, `/G (factur-x.xml)`, "[6.8-2]"},
	{"nothing attached", `/EmbeddedFiles`, `/EmbeddedFilez`, "FAIL exactly one attachment"},
	{"no day of change", `(/CreationDate \(D:\d+Z\)) /ModDate`, `${1} /ModDatf`, "FAIL /Params has /ModDate"},
	{"another size", `/Params <</Size \d`, `/Params <</Size 9`, "FAIL /Params /Size"},
	{"another check sum", `/CheckSum <..`, `/CheckSum <zz`, "6.1.6"},
	{"check sum of another file", `/CheckSum <(.{31}).`, `/CheckSum <${1}X`, "FAIL /Params /CheckSum"},
	{"part 1", `<pdfaid:part>3`, `<pdfaid:part>1`, "[6.6.4-2]"},
	{"level that does not exist", `<pdfaid:conformance>U`, `<pdfaid:conformance>X`, "[6.6.4-3]"},
	{"another profile", `<fx:ConformanceLevel>EN 16931`, `<fx:ConformanceLevel>EXTENDED`, "FAIL XMP fx:ConformanceLevel"},
	{"another file name in the metadata", `<fx:DocumentFileName>factur-x`, `<fx:DocumentFileName>factur-y`, "FAIL XMP fx:DocumentFileName"},
	{"an order", `<fx:DocumentType>INVOICE`, `<fx:DocumentType>ORDERXX`, "FAIL XMP fx:DocumentType"},
	{"another version", `<fx:Version>1`, `<fx:Version>2`, "FAIL XMP fx:Version"},
	{"schema of something else", `(<pdfaSchema:namespaceURI>urn:factur-)x`, `${1}y`, "[6.6.2.3.1-1]"},
	{"schema without a property", `(<pdfaProperty:name>DocumentTyp)e`, `${1}o`, "[6.6.2.3.1-1]"},
	{"metadata that are no XML", `</rdf:RDF>`, `</rdf:RDG>`, "[6.6.2.1-4]"},
	{"no metadata", `/Metadata (\d)`, `/Metadatb ${1}`, "[6.6.2.1-1]"},
	{"no output intent", `/OutputIntents`, `/OutputIntentz`, "[6.2.4.3-2]"},
	{"output intent of another standard", `GTS_PDFA1`, `GTS_PDFX1`, "[6.2.4.3-2]"},
	{"profile of four colours", `/N 3 `, `/N 4 `, "[6.2.3-1]"},
	{"version 2", `%PDF-1\.7`, `%PDF-2.0`, "[6.1.2-1]"},
	{"header of text", `\n%[^\n]{4}\n`, "\n%abcd\n", "[6.1.2-2]"},
	{"no identifier", `/ID \[`, `/IE [`, "[6.1.3-1]"},
	{"font left out", `/FontFile2 `, `/FontFile9 `, "[6.2.11.4.1-1]"},
	{"width of another letter", `/W \[(\d+) \[\d`, `/W [${1} [9`, "[6.2.11.5-1]"},
	{"glyphs of no letters", `/CIDToGIDMap `, `/CIDToGIDMaq `, "[6.2.11.3.2-1]"},
	{"a script", `/ViewerPreferences <</DisplayDocTitle true>>`, `/OpenAction <</S /JavaScript /JS (x)>>`, "[6.5.1-1]"},
	{"table of offsets that is off", `(\n00000000)(\d\d)( 00000 n)`, `${1}99${3}`, "qpdf --check"},
	{"letters of no characters", `/ToUnicode `, `/ToUnicodf `, "own: a font without characters"},
	{"title of another document", `/Title \(`, `/Titel (`, "own: Info and XMP"},
}

// ownFaults are assertions of ours on what the checkers of level B do not look at.
func ownFaults(file []byte) string {
	said := ""
	if fonts, maps := bytes.Count(file, []byte("/Subtype /Type0")), bytes.Count(file, []byte("/ToUnicode ")); fonts == 0 || maps != fonts {
		said += "own: a font without characters\n"
	}
	info := regexp.MustCompile(`/Title \((.*?)\)\n`).FindSubmatch(file)
	packet := regexp.MustCompile(`<rdf:li xml:lang="x-default">(.*?)</rdf:li>`).FindSubmatch(file)
	if info == nil || packet == nil || !bytes.Equal(info[1], packet[1]) {
		said += "own: Info and XMP\n"
	}
	return said
}

func TestBrokenHybrids(t *testing.T) {
	t.Parallel()
	list := everyDocument(t)
	at := slices.IndexFunc(list, func(x named) bool { return x.name == "R1" })
	good := hybrid(t, list[at].d)
	if said := ownFaults(good); said != "" {
		t.Fatal(said)
	}
	files, rules := map[string][]byte{}, map[string]string{}
	for _, tt := range brokenHybrids {
		from := regexp.MustCompile(tt.from)
		found := from.FindSubmatchIndex(good)
		if found == nil {
			t.Fatalf("%s: nothing to break", tt.name)
		}
		to := from.Expand(nil, []byte(tt.to), good, found)
		if tt.name == "check sum of another file" { // a digit that is another
			digit := &to[len(to)-1]
			if *digit = '0'; good[found[1]-1] == '0' {
				*digit = '1'
			}
		}
		if room := found[1] - found[0]; len(to) > room {
			t.Fatalf("%s: %d bytes for %d", tt.name, len(to), room)
		} else if len(to) < room {
			to = append(to, bytes.Repeat([]byte(" "), room-len(to))...)
		}
		name := strings.ReplaceAll(tt.name, " ", "-")
		files[name], rules[name] = slices.Concat(good[:found[0]], to, good[found[1]:]), tt.rule
	}
	files["bytes-behind-the-end"], rules["bytes-behind-the-end"] = slices.Concat(good, []byte("%x\n")), "[6.1.3-3]"
	files["half-a-file"], rules["half-a-file"] = good[:len(good)/2], "qpdf --check"
	if len(files) < 20 {
		t.Fatalf("%d broken files", len(files))
	}
	if !everything() {
		t.Skip("make conformance shows these to the validators")
	}
	caught := 0
	for name, said := range faults(t, files) {
		if rule := rules[name]; strings.HasPrefix(rule, "FAIL ") {
			more, _ := extracted(t, files[name])
			said += more
		}
		if said += ownFaults(files[name]); !strings.Contains(said, rules[name]) {
			t.Errorf("%s: want %s:\n%s", name, rules[name], said)
			continue
		}
		caught++
	}
	t.Logf("PDF: %d of %d broken files caught, each by the rule that it breaks", caught, len(files))
}

// Paper, document and the invoice inside say the same, field by field, for every
// document: what pdftotext reads off the pages, and what a reader of XML finds in
// the file that pdfdetach takes out.
func TestPaperAndTheInvoiceInsideAgree(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"pdftotext", "pdfdetach"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("PORTAL_TEST_REQUIRE") == "1" {
				t.Fatalf("%s is missing: apt-get install poppler-utils", program)
			}
			t.Skipf("NOT TESTED: %s is missing (apt-get install poppler-utils)", program)
		}
	}
	words := i18n.New("en")
	squeeze := func(s string) string { return strings.Join(strings.Fields(s), "") }
	fields := 0
	for _, x := range everyDocument(t) {
		if testing.Short() && !slices.Contains(usual[:4], x.name) || x.name == "odd-characters" || x.name == "long-names" {
			continue // what cannot be drawn as it is: TestOddCharacters of package pdf; what is cut
		}
		dir := t.TempDir()
		path := filepath.Join(dir, "hybrid.pdf")
		if err := os.WriteFile(path, hybrid(t, x.d), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("pdftotext", "-raw", path, "-").Output()
		if err != nil {
			t.Fatal(err)
		}
		if said, err := exec.Command("pdfdetach", "-savefile", "factur-x.xml", "-o", path+".xml", path).CombinedOutput(); err != nil {
			t.Fatalf("%v %s", err, said)
		}
		inside, err := os.ReadFile(path + ".xml")
		if err != nil {
			t.Fatal(err)
		}
		read, paper := readCII(t, inside), squeeze(string(out))
		for name, want := range factsOf(x.d) {
			if read[name] != want {
				t.Errorf("%s: inside, %s is %q, not %q", x.name, name, read[name], want)
			}
			fields++
			if text, form := onPaper(t, words, x.d, name, want); form && !strings.Contains(paper, squeeze(text)) {
				t.Errorf("%s: no %s %q on paper", x.name, name, text)
			}
		}
	}
	t.Logf("%d fields", fields)
}
