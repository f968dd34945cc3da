// Package fault is the one error type that crosses package borders.
//
// Owns: what kind of failure it was (and so which status a page answers with),
// a key for people, and the cause for the log.
//
// Invariants: Key and Args are for people and are translated; Err is for the
// log and is never shown. What a person may not see is NotFound, exactly like
// what does not exist.
package fault
