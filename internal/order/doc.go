// Package order holds the priced intent to pay.
//
// Owns: Order and its states, order numbers, how long a bank invoice is valid.
//
// Does not own: prices (package pricing), VAT (package vat), what happens when
// the money arrives (package app settles; ledger, subscription and invoice say
// how).
//
// Invariants: what an order is for never changes; a closed order stays closed,
// but for an expired one that is paid late at an unchanged price.
package order
