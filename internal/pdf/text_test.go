package pdf

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{"  MB \t\r\n Pavyzdys ", "MB Pavyzdys"},
		{"a\x00b\x1bc\x7fd\u0085e", "abcd e"}, // NEL is a line break
		{"in\u202Evoice\u202C \u2066x\u2069\u200F\u061C", "invoice x"},
		{"soft\u00ADhyphen\uFEFF\u2060", "softhyphen"},
		{"a\u2028b\u2029c", "a b c"},
		{"12\u00A0000\u202F€", "12\u00A0000\u202F€"}, // these spaces mean something
		{"e\u0301 Z\u030C", "é Ž"},
		{"A\u202Ee\u200D\u0301", "Aé"}, // composed once nothing stands between
		{"e" + strings.Repeat("\u0317", 50), "e\u0317\u0317"},
		{"\u0301a", "a"},
		{"🚀 x 👍🏽 👩\u200D💻 ❤\uFE0F", "\uFFFD x \uFFFD \uFFFD ❤"},
		{"bad \xff\xfe utf-8", "bad \uFFFD utf-8"},
		{"\uE000\U000F0000", "\uFFFD\uFFFD"}, // private use
		{"ไทย", "\uFFFD\uFFFD\uFFFD"},
		{"", ""},
		{"\u200B\u200D\u200C", ""},
		{"می\u200Cخواهم", "می\u200Cخواهم"},
		{"0123456789abc", "012345678…"},
	} {
		limit := 100
		if strings.HasPrefix(tt.in, "0123") {
			limit = 10
		}
		if got := clean(tt.in, limit); got != tt.want {
			t.Errorf("clean(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
	if got := clean(strings.Repeat("a\u0300", 10_000_000), 50); utf8.RuneCountInString(got) != 50 {
		t.Errorf("%d characters", utf8.RuneCountInString(got))
	}
}

// anyText draws strings that are likely to hurt.
func anyText() *rapid.Generator[string] {
	return rapid.StringOf(rapid.OneOf(
		rapid.Rune(), rapid.RuneFrom([]rune(" abcÄž-/ІїΩ")), rapid.RuneFrom([]rune("שלום (3) 12.5 محلات")), rapid.RuneFrom([]rune("山あ김🚀\u202E\u200D\u0301")),
	))
}

func TestCleanIsSafeAndStable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := anyText().Draw(t, "in")
		got := clean(in, 80)
		if clean(got, 80) != got {
			t.Fatalf("%q becomes %q", got, clean(got, 80))
		}
		if n := utf8.RuneCountInString(got); n > 80 {
			t.Fatalf("%d characters", n)
		}
		for _, r := range shape([]rune(got)) {
			if unicode.In(r, unicode.Cc, unicode.Cf) || faceFor(r, false) == nil || faceFor(r, true) == nil {
				t.Fatalf("%U in %q", r, got)
			}
		}
	})
}

// Wrapping keeps every character, in lines that fit.
func TestWrapKeepsAll(t *testing.T) {
	t.Parallel()
	st := style{size: 9}
	rapid.Check(t, func(t *rapid.T) {
		text := clean(anyText().Draw(t, "text"), 300)
		limit := rapid.Float64Range(20, 300).Draw(t, "limit")
		count := map[rune]int{}
		for _, r := range shape([]rune(text)) {
			if pair, ok := mirrored[r]; ok {
				r = min(r, pair) // a bracket may be turned
			}
			if r != ' ' && r != '\u00A0' {
				count[r]++
			}
		}
		for _, l := range wrap(text, st, limit) {
			if l.width > limit+0.001 {
				t.Fatalf("a line of %.2f in %.2f", l.width, limit)
			}
			drawn := 0.0
			for _, run := range l.runs {
				for _, r := range run.text {
					if run.face.glyphs[r] == 0 {
						t.Fatalf("%s has no %U", run.face.name, r)
					}
					drawn += float64(run.face.advance(r)) * st.size / 1000
					if pair, ok := mirrored[r]; ok {
						r = min(r, pair)
					}
					if r != ' ' {
						count[r]--
					}
				}
			}
			if drawn > l.width+0.01 || drawn < l.width-0.01 {
				t.Fatalf("%.3f drawn, %.3f measured", drawn, l.width)
			}
		}
		for r, n := range count {
			if n != 0 {
				t.Fatalf("%d of %U lost in %q", n, r, text)
			}
		}
	})
}

func TestWrapBreaks(t *testing.T) {
	t.Parallel()
	st := style{size: 10}
	for text, want := range map[string][]string{
		"Donau-Dampf GmbH":          {"Donau-", "Dampf", "GmbH"},
		"O-2026-000123":             {"O-2026-", "000123"},
		"AB-1234567":                {"AB-1234", "567"}, // not at a hyphen before figures
		"a 2\u00A0May x":            {"a 2 May", "x"},
		"山田太郎山田太郎":                  {"山田太郎", "山田太郎"},
		"WWWWWWWWWW":                {"WWWW", "WWWW", "WW"},
		"":                          nil,
		"aaaaaaa b":                 {"aaaaaaa", "b"},
		"iiiiiiiiiiiiiii iiiiiiiii": {"iiiiiiiiiiiiiii", "iiiiiiiii"},
	} {
		var got []string
		for _, l := range wrap(text, st, 46) {
			s := ""
			for _, r := range l.runs {
				s += r.text
			}
			got = append(got, s)
		}
		if strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// Right-to-left stretches turn round; numbers, Latin words and the brackets
// around them do not lose their sense (Unicode annex 9, cases of section 3.3).
func TestVisual(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"abc":             "abc",
		"אבג":             "גבא",
		"abc אבג def":     "abc גבא def",
		"אב 12 גד":        "דג 12 בא",
		"אב 12.5":         "12.5 בא",
		"אב (גד)":         "(דג) בא",
		"x (אב) y":        "x (בא) y",
		"אב abc גד":       "בא abc דג",
		"אב, גד!":         "דג ,בא!",
		"ש\u05B8לו":       "ולש\u05B8", // a vowel stays on its letter
		"12 אב":           "12 בא",
		"Kaunas, LT (12)": "Kaunas, LT (12)",
	} {
		if got := string(visual([]rune(in))); got != want {
			t.Errorf("visual(%q) = %q, want %q", in, got, want)
		}
	}
}

// Arabic letters take the form of their place in the word.
func TestShape(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"محمد":       "\uFEE3\uFEA4\uFEE4\uFEAA",
		"سلام":       "\uFEB3\uFEFC\uFEE1", // lam and alef are one sign
		"لا":         "\uFEFB",
		"دار":        "\uFEA9\uFE8D\uFEAD", // letters that join to nothing after them
		"بَب":        "\uFE91\u064E\uFE90", // a vowel sign does not part them
		"ب\u200Cب":   "\uFE8F\uFE8F",       // a non-joiner does
		"گچ":         "\uFB94\uFB7B",       // Persian
		"x ب y":      "x \uFE8F y",
		"Pavyzdys 1": "Pavyzdys 1",
	} {
		if got := string(shape([]rune(in))); got != want {
			t.Errorf("shape(%q) = %+q, want %+q", in, got, want)
		}
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                     "",
		"RF74":                 "RF74",
		"RF741":                "RF74 1",
		"RF18539007547034":     "RF18 5390 0754 7034",
		"LT121000011101001000": "LT12 1000 0111 0100 1000",
	} {
		if got := groups(in); got != want {
			t.Errorf("groups(%q) = %q, want %q", in, got, want)
		}
	}
}
