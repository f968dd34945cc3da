// Package support holds what customers ask of people.
//
// Owns: requests for a refund, their states, and who may decide them.
//
// Does not own: what a refund is worth (package subscription), its documents
// (package invoice), how the money goes back (package payment).
//
// Invariants: a request is decided once; nobody decides about his own; where two
// people decide, they are two.
package support
