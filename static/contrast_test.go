package static_test

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/siptg/portal/static"
)

// colours reads the colour tokens of both schemes from the style sheet.
func colours(t *testing.T) map[string]map[string]string {
	t.Helper()
	css, _, ok := static.Bytes("app.css")
	if !ok {
		t.Fatal("no app.css")
	}
	tokens := regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`)
	light, rest, _ := strings.Cut(string(css), "@media (prefers-color-scheme: dark)")
	dark, _, _ := strings.Cut(rest, "@layer base {")
	schemes := map[string]map[string]string{"light": {}, "dark": {}}
	for _, m := range tokens.FindAllStringSubmatch(light, -1) {
		schemes["light"][m[1]], schemes["dark"][m[1]] = m[2], m[2]
	}
	for _, m := range tokens.FindAllStringSubmatch(dark, -1) {
		schemes["dark"][m[1]] = m[2]
	}
	return schemes
}

// luminance is WCAG 2.2's relative luminance of "#rrggbb".
func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	var v [3]float64
	for i := range v {
		n, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			v[i] = c / 12.92
		} else {
			v[i] = math.Pow((c+0.055)/1.055, 2.4)
		}
	}
	return 0.2126*v[0] + 0.7152*v[1] + 0.0722*v[2]
}

// Text needs 4.5:1 (WCAG 2.2, 1.4.3), borders of fields 3:1 (1.4.11).
func TestContrast(t *testing.T) {
	t.Parallel()
	const text, shape = 4.5, 3
	pairs := map[[2]string]float64{
		{"edge", "surface"}: shape, {"edge", "bg"}: shape, {"primary", "bg"}: shape, {"link", "bg"}: text,
		{"on-primary", "primary"}: text, {"on-primary", "primary-strong"}: text,
		{"ok", "ok-soft"}: text, {"ok", "surface"}: text, {"ok", "soft"}: text,
		{"wait", "wait-soft"}: text, {"bad", "bad-soft"}: text, {"bad", "surface"}: text, {"bad", "bg"}: text,
		{"bad", "wait-soft"}: text,
	}
	for _, over := range []string{"bg", "surface", "soft", "ok-soft", "wait-soft", "bad-soft"} {
		pairs[[2]string{"text", over}] = text
		pairs[[2]string{"muted", over}] = text
		pairs[[2]string{"link", over}] = text
	}
	for scheme, tokens := range colours(t) {
		for pair, want := range pairs {
			front, back := tokens[pair[0]], tokens[pair[1]]
			if front == "" || back == "" {
				t.Fatalf("%s: no colour for %v", scheme, pair)
			}
			a, b := luminance(t, front), luminance(t, back)
			if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); ratio < want {
				t.Errorf("%s: %s on %s is %.2f:1, want %.1f:1", scheme, pair[0], pair[1], ratio, want)
			}
		}
	}
}

// The whole style sheet is one small file.
func TestStyleSheetIsSmall(t *testing.T) {
	t.Parallel()
	css, _, _ := static.Bytes("app.css")
	if len(css) > 32<<10 {
		t.Errorf("app.css has %d bytes", len(css))
	}
	z := get(t, "GET", static.Path("app.css"), "gzip")
	if z.ContentLength > 8<<10 {
		t.Errorf("app.css has %d bytes compressed", z.ContentLength)
	}
}
