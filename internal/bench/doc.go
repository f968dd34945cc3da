// Package bench measures whole pages against the least that can serve them.
//
// Owns: the benchmarks of pages over HTTP, with their data (thousands of
// customers, made by SQL), their baseline (a bare Echo handler with the store's
// own statements and the same page) and their load generator; the test of how
// many round trips to the database a page costs.
//
// Does not own: benchmarks of one package, which stand beside its tests.
//
// Figures of one run are compared with each other only: docs/performance.md.
package bench
