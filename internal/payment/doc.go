// Package payment says what a payment may become and who may make it so.
//
// Owns: the ten states and their 34 edges, what a provider answers (Outcome)
// and shows (Snapshot), how both are applied, idempotency keys, the reconciler's
// calendar, refunds.
//
// Does not own: providers and their protocols, transactions, the ledger, what a
// payment pays for; an Effect says what the caller has to do about those.
//
// Invariants: terminal never moves; unknown is a state, never a failure and
// never sent again under a new key; a view older than the last one says nothing;
// an amount or a currency that is not ours never settles; money is never lost:
// what came in was settled or credited to the balance once the payment ended.
package payment
