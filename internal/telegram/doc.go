// Package telegram speaks Telegram's protocols.
//
// Owns: the check of what the Login Widget brings back; sending messages by the
// Bot API, and how fast.
//
// Does not own: what a sign-in means, replay protection, what is written to whom
// and how often it is tried (package app).
//
// Invariants: nothing is believed before the signature was checked, over every
// field that came and not only over those known today; no error holds the token.
package telegram
