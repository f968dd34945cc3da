// Package ledger says which accounts a movement of money touches.
//
// Owns: the chart of accounts, entries and their postings, the hash that seals
// an entry.
//
// Does not own: storage, cached balances (the database keeps them), payments.
//
// Invariants: the postings of an entry sum to zero per currency; an entry never
// changes; a positive amount is a debit, so what a payer has with us is a
// negative balance of its account.
package ledger
