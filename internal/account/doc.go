// Package account holds who acts and who pays.
//
// Owns: Account (who signs in: a Telegram user, or an accountant by e-mail), Payer (the party named on
// the invoice), Member roles, Actor (who a request is from), and the checks of
// a Payer's details that need no database.
//
// Does not own: sessions (package app), VAT numbers' check digits and the VAT
// treatment (package vat), subscriptions.
//
// Invariants: an account is its numeric Telegram id or its e-mail address, never
// both, names and usernames are decoration; a Payer's currency is fixed from its first order on.
package account
