package storetest

import (
	"testing"
)

// BenchmarkCopy is what a database costs each test.
func BenchmarkCopy(b *testing.B) {
	Database(b)
	s, err := shared()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		_, drop, err := s.copyTemplate(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if err := drop(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
