// Package failpoint marks the places at which a fault run kills, freezes or
// delays the program.
//
// Owns: Here, and with the build tag failpoint what PORTAL_FAILPOINTS asks for.
//
// Does not own: the runs (internal/e2e).
//
// Invariants: without the tag Here is empty, so that the compiler leaves nothing
// of it, and no setting does anything; a test of cmd/portal looks at the binary.
package failpoint
