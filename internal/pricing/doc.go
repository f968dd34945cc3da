// Package pricing turns a configured plan into a price.
//
// Owns: plans, options, periods, the price book and every rule of product.md,
// "Plans and prices": surcharges above a threshold, the API fee that a larger
// configuration frees, the discount of a longer period.
//
// Does not own: VAT (package vat), what was ordered (package order), dates.
//
// Invariants: net amounts in minor units of the book's currency; a period's net
// is monthly x months x (100 - discount) / 100, rounded half up once; a book
// never changes after its first day.
package pricing
