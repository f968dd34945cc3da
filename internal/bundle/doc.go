// Package bundle packs files into a ZIP that is the same each time.
//
// Owns: names of files that every system takes, unique in their ZIP; fixed times;
// the list of SHA-256 sums. Does not own: which files go in, and their bytes.
//
// Invariants: what is added is written at once, so memory does not grow with the
// files; no name leaves the folder it is unpacked in (security.md, zip slip); the
// same files in the same order give the same bytes.
package bundle
