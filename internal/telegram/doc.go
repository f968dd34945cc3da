// Package telegram speaks Telegram's protocols.
//
// Owns: the check of what the Login Widget brings back.
//
// Does not own: what a sign-in means, replay protection (package app).
//
// Invariants: nothing is believed before the signature was checked, over every
// field that came and not only over those known today.
package telegram
