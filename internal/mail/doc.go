// Package mail sends plain-text e-mails by SMTP.
//
// Owns: the form of a message, the connection and its encryption, and which of
// a server's refusals are for good.
//
// Does not own: what is written to whom, and when it is tried again (app).
//
// Invariants: the same message has the same Message-ID and Date each time it is
// sent; a password travels only encrypted, or on this machine; no error holds it.
package mail
