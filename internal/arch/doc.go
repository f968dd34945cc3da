// Package arch holds no code, only tests that keep the shape of the program:
// which package may import which, and what may not be written where.
//
// Owns: the table of rings (rings_test.go), the rules about Go sources
// (source_test.go) and about templates (templ_test.go). Every rule is also run
// on a small tree that breaks it, so that none can pass by looking at nothing.
//
// The tests read the sources themselves: `go test` then knows which files they
// depend on and runs them again when one changes.
package arch
