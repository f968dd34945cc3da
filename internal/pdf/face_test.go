package pdf

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func faces() []*face { return []*face{faceRegular(), faceBold(), faceWide(), faceEast()} }

// The alphabets that customers write in, Lithuanian and Ukrainian among them.
func TestFacesCover(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"ABCXYZ abcxyz 0123456789 .,:;!?&@#%()[]{}<>/\\|+-=*'\"_~^`$",
		"ĄČĘĖĮŠŲŪŽ ąčęėįšųūž ÄÖÜẞß ÀÉÎÕÑÇ ŁŚŻŹ ĂÂȘȚ ŐŰ ĞİŞı ĐŽĆ ẠẢẤẦ",
		"ΑΒΓΔΩ αβγδω άέήίόύώ АБВГҐЄЖЗИІЇЙ абвгґєжзиіїй ЫЭЮЯЁЎ Ћђ Ҷҷ ҚқҒғҰұ",
		"€£¥₴₽₸₺₪ – — ‘’ “” „ … · • № ™ © ® § ° × − \u00A0\u202F\uFFFD",
	} {
		for _, r := range text {
			for _, f := range []*face{faceRegular(), faceBold()} {
				if f.glyphs[r] == 0 {
					t.Errorf("%s has no %c (%U)", f.name, r, r)
				}
			}
		}
	}
	for r, name := range map[rune]string{'א': "dejavu-sans", '\uFEE3': "dejavu-sans", 'ա': "dejavu-sans", 'გ': "dejavu-sans", '山': "droid-fallback", '김': "droid-fallback", 'あ': "droid-fallback"} {
		if f := faceFor(r, true); f == nil || f.name != name {
			t.Errorf("%c is drawn by %+v", r, f)
		}
	}
	for _, r := range []rune{'🚀', 0x10FFFF, -1, 'ก', 0xE000, 0xD800} {
		if f := faceFor(r, false); f != nil {
			t.Errorf("%U is drawn by %s", r, f.name)
		}
	}
}

// Columns of money line up only when figures have one width.
func TestFiguresAreTabular(t *testing.T) {
	t.Parallel()
	for _, f := range []*face{faceRegular(), faceBold()} {
		for r := '0'; r <= '9'; r++ {
			if f.advance(r) != f.advance('0') {
				t.Errorf("%s: %c is %d wide, 0 is %d", f.name, r, f.advance(r), f.advance('0'))
			}
		}
	}
}

// A cut font draws the same outlines at the same widths, down to the components
// of composite glyphs, and leaves the shared font as it was.
func TestCut(t *testing.T) {
	t.Parallel()
	all := map[*face][]rune{}
	for _, f := range faces() {
		for r := range f.glyphs {
			if f.glyphs[r] != 0 {
				all[f] = append(all[f], rune(r))
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		f := faces()[rapid.IntRange(0, 3).Draw(t, "face")]
		chars := rapid.SliceOfNDistinct(rapid.SampledFrom(all[f]), 1, 60, rapid.ID).Draw(t, "chars")
		slices.Sort(chars)
		before := bytes.Clone(f.tables["glyf"])
		program, _ := f.cut(chars)
		small, err := parseFace("cut", program)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(before, f.tables["glyf"]) {
			t.Fatal("the shared font was changed")
		}
		for r := range small.glyphs {
			_, used := slices.BinarySearch(chars, rune(r))
			if (small.glyphs[r] != 0) != used {
				t.Fatalf("%U: glyph %d, in use %v", r, small.glyphs[r], used)
			}
			if used {
				if small.advance(rune(r)) != f.advance(rune(r)) {
					t.Fatalf("%U: width %d, was %d", r, small.advance(rune(r)), f.advance(rune(r)))
				}
				sameOutline(t, small, f, small.glyphs[r], f.glyphs[r])
			}
		}
		sameOutline(t, small, f, 0, 0)
	})
}

func sameOutline(t *rapid.T, a, b *face, ga, gb uint16) {
	outline := func(f *face, g uint16) ([]byte, []uint16) {
		data := bytes.Clone(f.tables["glyf"][f.offsets[g]:f.offsets[g+1]])
		var parts []uint16
		eachComponent(data, func(at []byte) {
			parts = append(parts, be16(at, 0))
			at[0], at[1] = 0, 0
		})
		return bytes.TrimRight(data, "\x00"), parts // glyphs are padded
	}
	da, pa := outline(a, ga)
	db, pb := outline(b, gb)
	if !bytes.Equal(da, db) || len(pa) != len(pb) {
		t.Fatalf("glyph %d is not glyph %d", ga, gb)
	}
	for i := range pa {
		sameOutline(t, a, b, pa[i], pb[i])
	}
}

func TestParseFaceRefusesRubbish(t *testing.T) {
	t.Parallel()
	good, err := fontFiles.ReadFile("fonts/inter-regular.ttf")
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range [][]byte{nil, []byte("rubbish"), good[:100], good[:5000]} {
		if _, err := parseFace("rubbish", data); err == nil {
			t.Errorf("%d bytes were taken for a font", len(data))
		}
	}
}

// The files are the ones whose source and licence are written down.
func TestFontsAreRecorded(t *testing.T) {
	t.Parallel()
	record, err := os.ReadFile("fonts/README.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := fs.Glob(fontFiles, "fonts/*.ttf")
	if err != nil || len(files) != len(faces()) {
		t.Fatalf("%v, %v", files, err)
	}
	for _, name := range files {
		data, err := fontFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if line := fmt.Sprintf("%x  %s\n", sha256.Sum256(data), path.Base(name)); !strings.Contains(string(record), line) {
			t.Errorf("README.md does not have %s", line)
		}
	}
}
