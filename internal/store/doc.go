// Package store holds every SQL statement of the program.
//
// Owns: the pool, transactions (View, Update), pages' readings (Ask), one method
// on *Tx or *Questions per statement, the mapping of constraint names to faults,
// migrations.
//
// Does not own: rules; a use case decides, the store reads and writes.
//
// Lock order, always: payer -> subscription -> order -> payment -> ledger
// account -> series of credit notes -> of invoices. The series are hot and come
// last. Rows are locked FOR NO KEY UPDATE: rows that refer to them can be written
// meanwhile, or foreign keys would take locks in an order of their own. Whether
// charging is halted is asked under the locks of what is charged, before the ledger's.
//
// No HTTP, PDF or bot call happens inside a transaction.
package store
