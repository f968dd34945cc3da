package views_test

import (
	"bytes"
	"testing"
)

// BenchmarkPage draws pages into a buffer that is used again, as the server does.
func BenchmarkPage(b *testing.B) {
	for _, name := range []string{"home", "subscriptions", "invoices", "calculator", "order"} {
		page, ok := samples()[name]
		if !ok {
			b.Fatalf("no sample %q", name)
		}
		b.Run(name, func(b *testing.B) {
			var buffer bytes.Buffer
			b.ReportAllocs()
			for b.Loop() {
				buffer.Reset()
				if err := page.Render(b.Context(), &buffer); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(buffer.Len()))
		})
	}
}
