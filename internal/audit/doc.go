// Package audit names who did what.
//
// Owns: Record, one line of the audit log, and the words for actors.
//
// Does not own: storage. A record is written in the transaction of the change
// it tells of, and never changes.
package audit
