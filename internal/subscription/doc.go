// Package subscription holds paid time: what it is, how it starts and goes on.
//
// Owns: Subscription, its periods and its history; the month arithmetic that
// turns "12 months from now" into paid_until; auto-renewal on and off; the value
// account, by which a change keeps the value of unused time (change.go) and an
// early end credits it (refund.go); how long a consumer may withdraw.
//
// Does not own: prices, who may act, documents and postings.
//
// Invariants: periods touch or leave a gap and never overlap; a period ends on
// the anchor day, or on the last day of a shorter month, at the clock time at
// which it begins, until a change moves its end; paid = used + left + credited,
// exactly; what happened is never forgotten.
package subscription
