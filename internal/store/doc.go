// Package store holds every SQL statement of the program.
//
// Owns: the pool, transactions (View, Update), pages' readings (Ask), one method
// on *Tx or *Questions per statement, the mapping of constraint names to faults,
// migrations.
//
// Does not own: rules; a use case decides, the store reads and writes.
//
// Lock order, always: payer -> subscription -> order -> payment -> ledger
// account -> invoice series. The series is hot and comes last. Rows are locked
// FOR NO KEY UPDATE: rows that refer to them can be written meanwhile, or the
// foreign keys would take locks in an order of their own. Whether charging is
// halted is asked under the locks of what is charged, before those of the ledger.
//
// No HTTP, PDF or bot call happens inside a transaction.
package store
