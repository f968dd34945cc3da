package pdf_test

import (
	"bytes"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/siptg/portal/internal/pdf"
)

// merged is all samples in one file, and the samples in their order.
func merged(t testing.TB) ([]byte, []string) {
	t.Helper()
	documents := samples(t)
	names := slices.Sorted(maps.Keys(documents))
	var b bytes.Buffer
	m := pdf.NewMerger(&b)
	for _, name := range names {
		if err := m.Add(documents[name].Number+" "+name, render(t, documents[name])); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), names
}

// Every page of every document is there, in order, with the same words; another
// program finds nothing wrong with the file; twice is the same.
func TestMerge(t *testing.T) {
	t.Parallel()
	file, names := merged(t)
	again, _ := merged(t)
	if !bytes.Equal(file, again) {
		t.Error("the same documents give other bytes")
	}
	documents := samples(t)
	words := string(tool(t, file, "pdftotext", "poppler-utils", "-raw", "{}", "-"))
	at := 0
	for _, name := range names {
		single := string(tool(t, render(t, documents[name]), "pdftotext", "poppler-utils", "-raw", "{}", "-"))
		found := strings.Index(words[at:], single)
		if found != 0 {
			t.Fatalf("%s does not follow the document before it: at %d", name, found)
		}
		at += len(single)
	}
	if at != len(words) {
		t.Error("there is more than the documents")
	}
	outline := string(file)
	if strings.Count(outline, "/Dest [") != len(names) {
		t.Error("the outline does not name every document")
	}
	if out := tool(t, file, "qpdf", "qpdf", "--check", "{}"); !bytes.Contains(out, []byte("No syntax or stream encoding errors")) {
		t.Errorf("qpdf: %s", out)
	}
}

func TestMergeRefuses(t *testing.T) {
	t.Parallel()
	if err := pdf.NewMerger(io.Discard).Close(); err == nil {
		t.Error("nothing was merged")
	}
	good := render(t, samples(t)["discount-36"])
	for name, file := range map[string][]byte{
		"nothing": nil, "rubbish": []byte("%PDF-1.7\nstartxref\n5\n%%EOF"), "half": good[:len(good)/2], "no table": bytes.ReplaceAll(good, []byte("xref"), []byte("xxxx")),
		"moved": append(bytes.Repeat([]byte("x"), 20), good...), "locked": bytes.Replace(good, []byte("trailer\n<<"), []byte("trailer\n<</Encrypt 1 0 R "), 1),
	} {
		if err := pdf.NewMerger(io.Discard).Add(name, file); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// Whatever the bytes, reading ends, without a panic.
func FuzzMerge(f *testing.F) {
	for _, d := range samples(f) {
		f.Add(render(f, d))
		break
	}
	f.Add([]byte("%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Kids[2 0 R]/Count 1>>endobj xref 0 1 trailer<</Root 1 0 R>>startxref 80"))
	f.Fuzz(func(_ *testing.T, file []byte) { _ = pdf.NewMerger(io.Discard).Add("x", file) })
}

func BenchmarkMerge(b *testing.B) {
	file := render(b, samples(b)["discount-36"])
	b.ReportAllocs()
	for b.Loop() {
		m := pdf.NewMerger(io.Discard)
		for range 100 {
			if err := m.Add("SIP-2026-000123", file); err != nil {
				b.Fatal(err)
			}
		}
		if err := m.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
