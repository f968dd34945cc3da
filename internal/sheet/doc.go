// Package sheet writes tables as CSV and XLSX, row by row.
//
// Owns: how a text, a day, an amount and a count stand in a cell; that no text is
// ever taken for a formula. Does not own: which columns a table has.
//
// Invariants: amounts go from minor units to text without a float; the same rows
// give the same bytes; memory does not grow with the rows.
//
// CSV is RFC 4180 in UTF-8 without a byte order mark, for programs; XLSX is for
// people. It is written here in 150 lines because excelize takes amounts as
// float64 and keeps a sheet before it writes it (docs/adr/0028).
package sheet
