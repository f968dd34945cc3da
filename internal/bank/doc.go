// Package bank holds the rules of payment by bank transfer.
//
// Owns: RF creditor references, IBAN and BIC, the text of the EPC QR code, the
// strict reader of camt.053 statements, the keys that make an import
// repeatable, and the rules by which a received payment finds its order.
//
// Does not own: looking orders up and storing entries (packages store, app),
// drawing the QR code (package pdf), the ledger.
//
// Invariants: a statement counts whole or not at all, and only when opening
// balance + entries = closing balance; one entry of the bank has one key in
// every statement that shows it; every entry has exactly one outcome, and
// where there is doubt that outcome is suspense, never a guess.
package bank
