// Package vat decides how a sale is taxed.
//
// Owns: the standard rates of the member states, the territories that are in or
// out of the EU VAT territory against their country code, VAT numbers (form and
// check digits), and the table of treatments R1 to R12.
//
// Does not own: VIES (its answer is an input here), location evidence, the
// turnover of the year, rounding over lines (package invoice sums first).
//
// Invariants: a doubt never lowers the tax: without a VIES answer of "valid" a
// buyer in another member state is a consumer; what cannot be decided is an
// error, never a guess. Everything is decided at the tax point, the day the
// money is credited (Directive 2006/112/EC art. 63, 65).
package vat
