// Package notice names what people are told: that a renewal is near, that a
// charge was declined, that money came.
//
// Owns: the kinds of notice, the facts that each one states, where a delivery
// stands and when it is tried again.
//
// Does not own: words (app, i18n), storage, the sending by bot or e-mail.
//
// Invariants: a notice is written in the transaction of what it tells of, under
// a key that is the same each time, so the same thing is told once; its facts are
// frozen then and never looked up again.
package notice
