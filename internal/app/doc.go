// Package app holds the use cases: what the portal does, one file each.
//
// Owns: where transactions begin and end, who may do what, the order of locks
// as store/doc.go lists it, and that money, subscription, audit and jobs change
// together or not at all.
//
// Does not own: rules (the packages it calls), SQL (store), pages (web).
//
// Invariants: nothing outside the database happens inside a transaction; an
// invoice is drawn up from a frozen settlement; what a person may not see is
// NotFound.
package app
