// Package taxreport writes what the seller reports of its sales: the register of
// issued invoices for the Lithuanian tax inspectorate (i.SAF 1.2) and the figures
// of the One Stop Shop return.
//
// Owns: the two formats, which tax code a treatment has, which return a credit
// note belongs to. Does not own: figures (package invoice froze them), what is
// sold where.
//
// Invariants: every document is in its report once; sums are those of the
// documents; what the report has no rule for is refused, never guessed.
//
// Sources: vat.md 4.8 and 4.9; Directive 2006/112/EC art. 369g, 369h. The XSD of
// the inspectorate was not at hand: validate before the first filing.
package taxreport
