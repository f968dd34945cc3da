// Package jobs runs use cases in the background, on River.
//
// Owns: the River client, one worker for each kind of job, what runs
// periodically.
//
// Does not own: what a job does: a worker calls one use case.
//
// Invariants: a job is enqueued in the transaction that causes it; every job may
// run twice, for River promises at least once, and the use cases bear it.
package jobs
