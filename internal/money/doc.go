// Package money holds amounts of money as whole minor units (cents).
//
// Owns: Amount (one currency implied by the document it stands in), Money
// (an amount with its currency, for borders where mixing is an error),
// basis points, and the one rounding rule of the product: half up, away
// from zero for negatives.
//
// Does not own: prices, VAT rates, how a person's language writes an amount
// (package i18n does).
//
// Invariants: no floating point anywhere; every operation that could leave
// ±Max returns an error instead of wrapping.
package money
