// Package subscription holds paid time: what it is, how it starts and goes on.
//
// Owns: Subscription, its periods and its history; the month arithmetic that
// turns "12 months from now" into paid_until; auto-renewal on and off.
//
// Does not own: prices, money, who may act.
//
// Invariants: periods touch or leave a gap and never overlap; a period ends on
// the anchor day, or on the last day of a shorter month, at the clock time at
// which the subscription began; what happened is never forgotten.
package subscription
