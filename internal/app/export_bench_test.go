package app_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/pdf"
)

// manyInvoices is a payer with n invoices whose files are stored.
func manyInvoices(b *testing.B, n int) (*site, account.Actor) {
	s := newSite(b)
	ona, _ := s.customer(7_900_000_007_000, "Ona")
	s.pay(s.order(ona, softphone(2, true, 12)))
	s.exec(`ALTER TABLE invoice DISABLE TRIGGER USER; DROP INDEX invoice_order_once`)
	s.exec(fmt.Sprintf(`INSERT INTO invoice (kind, series_id, seq, number, payer_id, order_id, issue_date, tax_point, currency, net_minor, vat_minor, total_minor, content, content_sha256, issued_at)
		SELECT kind, series_id, 100 + g, n, payer_id, order_id, issue_date, tax_point, currency, net_minor, vat_minor, total_minor, c, sha256(c), issued_at
		FROM invoice i, generate_series(1, %d) g, LATERAL (SELECT 'SIP-2026-' || lpad((100 + g)::text, 6, '0') AS n) x,
		     LATERAL (SELECT convert_to(replace(convert_from(content, 'UTF8'), number, n), 'UTF8') AS c) y`, n-1))
	// All have the first one's file: what is measured is how it is sent.
	s.exec(`INSERT INTO document_file (content_sha256, format, file_sha256, size, blob_key, created_at)
		SELECT i.content_sha256, f.format, f.file_sha256, f.size, f.blob_key, f.created_at FROM invoice i, document_file f
		WHERE i.seq > 100 AND f.content_sha256 = (SELECT content_sha256 FROM invoice WHERE seq = 1)`)
	return s, ona
}

// gauge counts what is written, and looks at the heap now and then.
type gauge struct {
	b       *testing.B
	written int64
	first   float64 // milliseconds until the first byte
	peak    uint64  // of the heap in use, after what is garbage was collected
	looked  int64
}

func (g *gauge) Write(p []byte) (int, error) {
	if g.first == 0 {
		g.first = g.b.Elapsed().Seconds() * 1000
	}
	g.written += int64(len(p))
	if g.written-g.looked > 4<<20 {
		g.looked = g.written
		g.b.StopTimer()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		g.peak = max(g.peak, m.HeapAlloc)
		g.b.StartTimer()
	}
	return len(p), nil
}

// BenchmarkExportZIP is the ZIP of a payer's invoices from stored files. peak-MB
// must not grow with the invoices; first-ms is the time to the first byte.
func BenchmarkExportZIP(b *testing.B) {
	for _, n := range []int{300, 1000, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, ona := manyInvoices(b, n)
			g := &gauge{b: b}
			for b.Loop() {
				g.written, g.looked = 0, 0
				e, err := s.Export(s.ctx(), ona, app.InvoiceFilter{}, app.ExportZIP)
				s.must(err)
				if e.Of != n || e.Undrawn != 0 {
					b.Fatalf("%d documents, %d without files", e.Of, e.Undrawn)
				}
				s.must(e.WriteTo(s.ctx(), g, nil))
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "invoices/s")
			b.ReportMetric(g.first, "first-ms")
			b.ReportMetric(float64(g.peak)/(1<<20), "peak-MB")
		})
	}
	b.Run("drawing", func(b *testing.B) {
		s, ona := manyInvoices(b, 1)
		list, err := s.Invoices(s.ctx(), ona, app.InvoiceFilter{})
		s.must(err)
		d, err := s.Invoice(s.ctx(), ona, list.Items[0].Number)
		s.must(err)
		for b.Loop() {
			_, err := pdf.Render(d)
			s.must(err)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "invoices/s")
	})
}
