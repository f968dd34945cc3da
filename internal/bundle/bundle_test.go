package bundle

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/siptg/portal/internal/civil"
	"pgregory.net/rapid"
)

var on = civil.MustParse("2026-11-22")

func TestStem(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Ona Petrauskaitė":  "2026-11-22_SIP-2026-000123_Ona-Petrauskaitė",
		"UAB „Didelis“, LT": "2026-11-22_SIP-2026-000123_UAB-Didelis-LT",
		"../../etc/passwd":  "2026-11-22_SIP-2026-000123_etc-passwd",
		`C:\Windows\a.`:     "2026-11-22_SIP-2026-000123_C-Windows-a",
		"A. B. Co.":         "2026-11-22_SIP-2026-000123_A.B.Co",
		"\u202egpj.exe":     "2026-11-22_SIP-2026-000123_gpj.exe",
		"":                  "2026-11-22_SIP-2026-000123",
		"***":               "2026-11-22_SIP-2026-000123",
	} {
		if got := Stem(on, "SIP-2026-000123", name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// devices are the names that Windows keeps for itself.
var devices = regexp.MustCompile(`(?i)^(con|prn|aux|nul|com\d|lpt\d)(\.|$)`)

func checkName(t interface{ Fatalf(string, ...any) }, name string) {
	switch {
	case !utf8.ValidString(name), len(name) > 180, strings.ContainsAny(name, `/\:*?"<>|`), strings.Contains(name, ".."),
		strings.ContainsFunc(name, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.IsSpace(r) }),
		strings.TrimRight(name, ". ") != name, strings.HasPrefix(name, "."), strings.HasPrefix(name, "-"), devices.MatchString(name), !local(name + ".pdf"):
		t.Fatalf("%q is no name for every system", name)
	}
}

func FuzzStem(f *testing.F) {
	for _, s := range []string{"../x", "a\x00b", "CON", "nul.txt", "é", "e\u0301", "\u202e", "..", " ", strings.Repeat("W", 300), "\xff", "日本"} {
		f.Add("SIP-2026-000001", s)
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, number, name string) { checkName(t, Stem(on, number, name)) })
}

type file struct {
	name, content string
}

func pack(t testing.TB, files []file) []byte {
	t.Helper()
	var b bytes.Buffer
	a := New(&b)
	for i, f := range files {
		if err := a.Add(f.name, on, i%2 == 0, func(w io.Writer) error { _, err := io.WriteString(w, f.content); return err }); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Close(on); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Whatever the names: each file is in the ZIP once, under a name of its own also
// where small letters do not count, with its bytes and its sum.
func TestArchive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		names := rapid.SampledFrom([]string{"a.pdf", "A.pdf", "ä.pdf", "a\u0308.pdf", "a", "SHA256SUMS", "sha256sums", "ß.xml", "ss.xml", "a-2.pdf"})
		files := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) file {
			return file{names.Draw(rt, "name"), rapid.String().Draw(rt, "content")}
		}), 0, 12).Draw(rt, "files")
		packed := pack(t, files)
		if !bytes.Equal(packed, pack(t, files)) {
			rt.Fatal("other bytes the second time")
		}
		z, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
		if err != nil || len(z.File) != len(files)+1 {
			rt.Fatalf("%d files, %v", len(z.File), err)
		}
		seen, sums := map[string]bool{}, ""
		for i, f := range z.File {
			r, err := f.Open()
			if err != nil {
				rt.Fatal(err)
			}
			content, err := io.ReadAll(r)
			if err != nil {
				rt.Fatal(err)
			}
			if seen[folded(f.Name)] || !local(f.Name) {
				rt.Fatalf("%q is there twice, or is no name", f.Name)
			}
			seen[folded(f.Name)] = true
			if i == len(files) {
				if f.Name != SumsName || string(content) != sums {
					rt.Fatalf("sums\n%s, want\n%s", content, sums)
				}
				continue
			}
			if string(content) != files[i].content {
				rt.Fatalf("%q holds %q", f.Name, content)
			}
			sum := sha256.Sum256(content)
			sums += hex.EncodeToString(sum[:]) + "  " + f.Name + "\n"
		}
	})
}

func TestArchiveRefusesNames(t *testing.T) {
	t.Parallel()
	a := New(io.Discard)
	for _, name := range []string{"", "../a", "a/b", `a\b`, "/a", "c:a", "a.", "a ", "a\x00", ".a", "\xff", strings.Repeat("a", 300)} {
		if err := a.Add(name, on, false, func(io.Writer) error { return nil }); err == nil {
			t.Errorf("%q was taken", name)
		}
	}
}

// The memory of a ZIP does not grow with its files, but for their names and sums.
func TestMemoryOfAnArchive(t *testing.T) {
	content := bytes.Repeat([]byte("x"), 1<<20)
	name := Stem(on, "SIP-2026-000123", "Name") + ".pdf"
	allocated := func(files int) int64 {
		return testing.Benchmark(func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				a := New(io.Discard)
				for range files {
					if err := a.Add(name, on, false, func(w io.Writer) error { _, err := w.Write(content); return err }); err != nil {
						b.Fatal(err)
					}
				}
				if err := a.Close(on); err != nil {
					b.Fatal(err)
				}
			}
		}).AllocedBytesPerOp()
	}
	// All that was ever allocated, in use or not, is far below the 40 MiB packed.
	if few, many := allocated(4), allocated(40); many > few+36*16<<10 {
		t.Errorf("%d bytes for 4 files, %d for 40", few, many)
	}
}
