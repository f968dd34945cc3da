// Package fake is VIES for tests and the demo: a server that speaks the shapes
// of vat.md 3.2 and misbehaves on demand.
//
// Owns: the answers to a number, the test service's numbers, and its faults. A
// number with the right check digit is valid, others are not, unless it is told
// otherwise.
//
// Does not own: any fact about a company. Nobody outside this machine is asked.
package fake
