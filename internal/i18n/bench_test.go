package i18n_test

import (
	"testing"
	"time"

	"github.com/siptg/portal/internal/i18n"
)

func BenchmarkTranslator(b *testing.B) {
	en := i18n.New("en")
	for name, f := range map[string]func(){
		"plain":  func() { en.T("nav.plans") },
		"values": func() { en.T("plans.from", "Amount", "€3.00") },
		"plural": func() { en.N("option.accounts", 12) },
		"money":  func() { en.Money(152460, "EUR") },
		"date":   func() { en.Date(2026, time.November, 23) },
		"all":    func() { en.Countries() },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
		})
	}
}
