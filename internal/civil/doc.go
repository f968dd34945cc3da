// Package civil holds calendar days without a clock or a zone.
//
// Owns: Date, month arithmetic with an anchor day, and the crossing between
// instants and days in a given zone.
//
// Does not own: which zone a business day is in (the seller's configuration),
// or what a period is (package subscription).
//
// Invariants: adding months clamps to the last day of the month and never
// overflows into the next one; with the anchor kept, a clipped month does not
// move later ones.
package civil
