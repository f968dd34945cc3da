// Package vies asks the register of the EU's VAT numbers, VIES, by its REST
// interface (vat.md 3.2 to 3.5).
//
// Owns: the request and what an answer must look like to count, retries while a
// person waits, how many requests run at a time, and the circuits that leave a
// silent register alone.
//
// Does not own: when to ask and what follows from an answer (packages vat and
// app), keeping the answer.
//
// Invariants: an answer is "valid" or "invalid" only where the register says so
// in so many words; everything else is a vat.SilenceError. No answer is read
// from anywhere but the configured address.
package vies
