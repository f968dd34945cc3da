// Package sandbox is a payment provider that moves no money: a small server with
// its own book, and the adapter that speaks to it.
//
// Owns: the server (hosted checkout page, saved cards by name, refunds,
// chargebacks, signed webhooks, memory for idempotency keys, every fault on
// demand), the adapter (what each answer means), their protocol.
//
// Does not own: the portal's payments. The adapter knows the server by its
// address and keys only, as it would know a real provider; the server's book is
// the judge in tests.
//
// Invariants: the book says what happened, whatever the answer was; the same key
// with the same request has one effect.
package sandbox
