// Package invoice holds the frozen documents: bank invoice, invoice, credit note,
// receipt.
//
// Owns: Document, the one snapshot that the PDF, the page and every file of a
// document are drawn from; building it from an order; its totals; numbers in
// their series.
//
// Does not own: how a document looks (packages pdf and web), the VAT treatment
// (package vat decides, a document records), storage.
//
// Invariants: totals are computed once, here, per VAT rate, half up; a Document
// is never changed after it was issued; corrections are credit notes.
package invoice
