package e2e

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestScreenshots draws the pages for people to look at, and the pictures of
// the README, into the directory that PORTAL_SCREENSHOTS names (absolute, or
// from the root of the repository). docs/screenshots keeps three of them.
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("PORTAL_SCREENSHOTS")
	if dir == "" {
		t.Skip("PORTAL_SCREENSHOTS names no directory")
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(root, dir)
	}
	base := demoPlace(t).serve().url
	for _, width := range []int{1280, 360} {
		b := newBrowser(t, base, width, true)
		if width == 360 {
			b.do(chromedp.EmulateViewport(360, 780, chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulatePortrait, chromedp.EmulateScale(1.5)))
		}
		shoot := func(name string) {
			t.Helper()
			for _, scheme := range []string{"light", "dark"} {
				b.scheme(scheme)
				ctx, cancel := context.WithTimeout(b.ctx, stepWithin)
				picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
				cancel()
				if err != nil {
					t.Fatal(err)
				}
				suffix := ""
				if scheme == "dark" {
					suffix = "-dark"
				}
				savePicture(t, filepath.Join(dir, fmt.Sprintf("%s-%d%s.png", name, width, suffix)), picture)
			}
		}
		open := func(name, path string) {
			t.Helper()
			b.open(path)
			shoot(name)
		}
		open("welcome", "/")
		open("plans", "/plans")
		open("login", "/login")
		b.click(`form:has([name="person"][value="max"]) button`)
		open("home", "/")
		open("subscriptions", "/subscriptions")
		b.click(mark("subscription") + ` a[href^="/subscriptions/"]`)
		b.click(mark("change"))
		open("change", b.path()+"?accounts=12&recording=on")
		open("calculator", "/plans/softphone?accounts=12&recording=on&period=12")
		open("billing", "/billing")
		open("account", "/account")
		open("invoices", "/invoices")
		b.click(mark("invoice") + ` th a`)
		shoot("invoice")
		if width == 1280 {
			pdf := filepath.Join(t.TempDir(), "invoice.pdf")
			if err := os.WriteFile(pdf, b.client().get(b.path()+".pdf").body, 0o600); err != nil {
				t.Fatal(err)
			}
			page, err := exec.Command("pdftoppm", "-r", "90", "-f", "1", "-l", "1", "-png", pdf).Output()
			if err != nil {
				t.Fatalf("pdftoppm: %v", err)
			}
			savePicture(t, filepath.Join(dir, "invoice-pdf.png"), page)
		}
		b.open("/subscriptions")
		b.click(mark("open-order") + ` a`)
		shoot("order")
		b.open("/subscriptions")
		b.click(mark("subscription") + ` a`)
		shoot("subscription")
		b.calm("while drawing")
	}
}

// savePicture writes a screenshot with 256 colours, which is a third of its
// size.
func savePicture(t *testing.T, name string, screenshot []byte) {
	t.Helper()
	picture, err := png.Decode(bytes.NewReader(screenshot))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, quantised(picture)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// quantised draws a picture with 256 of its colours. Pages have few, and many
// shades at the edges of letters.
func quantised(picture image.Image) *image.Paletted {
	type rgb [3]uint8
	at := func(x, y int) rgb {
		r, g, b, _ := picture.At(x, y).RGBA()
		return rgb{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8)}
	}
	bounds := picture.Bounds()
	count := map[rgb]int{}
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			count[at(x, y)]++
		}
	}
	var all []rgb
	for c := range count {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b rgb) int { return count[b] - count[a] })
	// The ones that differ much first, so that a rare one is not drawn as grey.
	var colours color.Palette
	for _, apart := range []int{6000, 2000, 700, 200, 50, 0} {
		for _, c := range all {
			candidate := color.RGBA{c[0], c[1], c[2], 255}
			if len(colours) == 0 || len(colours) < 256 && distance(candidate, colours[colours.Index(candidate)]) > apart {
				colours = append(colours, candidate)
			}
		}
	}
	nearest := map[rgb]uint8{}
	for _, c := range all {
		nearest[c] = uint8(colours.Index(color.RGBA{c[0], c[1], c[2], 255}))
	}
	out := image.NewPaletted(bounds, colours)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			out.SetColorIndex(x, y, nearest[at(x, y)])
		}
	}
	return out
}

// distance is the square of how far two colours are apart.
func distance(a, b color.Color) int {
	r1, g1, b1, _ := a.RGBA()
	r2, g2, b2, _ := b.RGBA()
	square := func(x, y uint32) int { d := int(x>>8) - int(y>>8); return d * d }
	return square(r1, r2) + square(g1, g2) + square(b1, b2)
}
