package pdf

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-pdf/fpdf"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/einvoice"
	"github.com/siptg/portal/internal/invoice"
)

// benchInvoice is benchDocument as an invoice that is still to be paid, so that the
// page has a QR code.
func benchInvoice() invoice.Document {
	d := benchDocument()
	d.Kind, d.Number, d.TaxPoint = invoice.KindInvoice, "SIP-2026-000123", d.IssueDate
	d.ServiceFrom, d.ServiceTo = civil.MustParse("2026-11-23"), civil.MustParse("2027-11-22")
	d.Reference = "RF582026000101"
	d.Seller.VATNumber, d.Seller.CompanyCode, d.Buyer.Person = "LT119511515", "119511515", true
	for i := range d.Lines {
		d.Lines[i].ID, d.Lines[i].ItemCode = i+1, "SOFT-REC"
	}
	return d
}

// renderHybrid makes the PDF with the XML inside, from the document alone.
func renderHybrid(b *testing.B, d invoice.Document) []byte {
	b.Helper()
	cii, err := einvoice.CII(d)
	if err != nil {
		b.Fatal(err)
	}
	file, err := RenderHybrid(d, cii)
	if err != nil {
		b.Fatal(err)
	}
	return file
}

func BenchmarkRenderHybrid(b *testing.B) {
	d, size := benchInvoice(), 0
	for b.Loop() {
		size = len(renderHybrid(b, d))
	}
	report(b, size)
}

// spent is the processor time of this process: what others do on the machine does
// not count.
func spent(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkPeers is "make bench-pdf": documents per second of one core, by
// processor time, and bytes of each. Ours take turns; programs of another make, in
// the folder that PORTAL_PDF_PEERS names, run one after the other, warm.
func BenchmarkPeers(b *testing.B) {
	peers := os.Getenv("PORTAL_PDF_PEERS")
	if peers == "" {
		b.Skip("make bench-pdf runs this")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // what collects garbage counts, too
	d := benchInvoice()
	render := func(b *testing.B, d invoice.Document) []byte {
		b.Helper()
		file, err := Render(d)
		if err != nil {
			b.Fatal(err)
		}
		return file
	}
	type side struct {
		name string
		draw func(*testing.B, invoice.Document) []byte
		took time.Duration
		n    int
		size int
	}
	sides := []*side{
		{name: "portal, PDF/A-3 with the XML inside", draw: renderHybrid},
		{name: "portal, PDF/A-3 without it", draw: render},
		{name: "bound: the same page by fpdf in fonts that it does not embed", draw: renderBare},
		{name: "fpdf, font cut beforehand", draw: renderCut},
		{name: "fpdf, whole font from a file (naive)", draw: renderNaive},
	}
	for range b.N {
		for turn := range 12 {
			for _, s := range sides {
				runtime.GC()
				began := spent(b)
				for range 25 {
					s.size = len(s.draw(b, d))
				}
				if turn > 1 { // the first ones warm up
					s.took, s.n = s.took+spent(b)-began, s.n+25
				}
			}
		}
	}
	perSecond := map[string]float64{}
	var table strings.Builder
	line := func(name string, each time.Duration, size int) {
		perSecond[name] = 1 / each.Seconds()
		fmt.Fprintf(&table, "\n%-62s %7.0f/s %8d bytes", name, perSecond[name], size)
	}
	for _, s := range sides {
		line(s.name, s.took/time.Duration(s.n), s.size)
	}
	cii, err := einvoice.CII(d)
	if err != nil {
		b.Fatal(err)
	}
	xml := filepath.Join(b.TempDir(), "factur-x.xml")
	if err := os.WriteFile(xml, cii, 0o600); err != nil {
		b.Fatal(err)
	}
	regular, bold := "fonts/inter-regular.ttf", "fonts/inter-semibold.ttf"
	for _, p := range []struct {
		name string
		args []string
	}{
		{"gopdf 0.33, the same fonts, no PDF/A", []string{"pdfpeers", "gopdf", "100", regular, bold}},
		{"maroto 2, the same fonts, no PDF/A", []string{"pdfpeers", "maroto", "40", regular, bold}},
		{"WeasyPrint 57, warm, the XML attached, no PDF/A", []string{"weasy.py", "10", regular, bold, xml}},
	} {
		out, err := exec.Command(filepath.Join(peers, p.args[0]), p.args[1:]...).CombinedOutput()
		var each time.Duration
		var size int
		if _, scan := fmt.Sscan(string(out), &each, &size); err != nil || scan != nil {
			fmt.Fprintf(&table, "\n%-62s NOT MEASURED: %v %s", p.name, err, strings.Join(strings.Fields(string(bytes.TrimSpace(out))), " "))
			continue
		}
		line(p.name, each, size)
	}
	b.Log(table.String())
	ours, without := perSecond[sides[0].name], perSecond[sides[1].name]
	b.ReportMetric(ours/without, "with/without(goal:0.8)")
	b.ReportMetric(without/perSecond[sides[4].name], "without/naive(goal:1.9)")
	b.ReportMetric(ours/perSecond[sides[2].name], "with/bound")
	if w := perSecond["WeasyPrint 57, warm, the XML attached, no PDF/A"]; w > 0 {
		b.ReportMetric(ours/w, "with/WeasyPrint(goal:25)")
	}
}

// renderBare has fpdf write the pages, and nothing else: what any way to make the
// file with fpdf takes at least.
func renderBare(b *testing.B, d invoice.Document) []byte {
	b.Helper()
	s, err := lay(d)
	if err != nil {
		b.Fatal(err)
	}
	file, err := s.output(func(f *fpdf.Fpdf, face *face, _ []rune) {
		f.AddFontFromBytes(face.name, "", []byte(`{"Tp":"Core","Name":"`+face.name+`"}`), nil)
	})
	if err != nil {
		b.Fatal(err)
	}
	return file
}

// renderCut gives fpdf our fonts, as cut for all documents: the best that it does
// by its own means.
func renderCut(b *testing.B, d invoice.Document) []byte {
	b.Helper()
	s, err := lay(d)
	if err != nil {
		b.Fatal(err)
	}
	s.encode = func(text string) string { return text }
	file, err := s.output(func(f *fpdf.Fpdf, face *face, _ []rune) {
		data, err := fontFiles.ReadFile("fonts/" + face.name + ".ttf") // a copy: fpdf writes into it
		if err != nil {
			b.Fatal(err)
		}
		f.AddUTF8FontFromBytes(face.name, "", data)
	})
	if err != nil {
		b.Fatal(err)
	}
	return file
}
