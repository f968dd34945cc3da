// Package sim plays customers, their banks, a card processor and the passing of
// time against the use cases, on the real schema, by seed.
//
// Owns: the steps that a seed is made of, the model of what each payer is owed,
// the invariants that are looked at after every step, and the search for the
// fewest steps that still fail.
//
// Does not own: the rules. Where the model can know better than the database, it
// goes by what happened outside (what left a payer's card and account, what a
// page answered), and otherwise it only compares.
//
// Invariants: a seed is the same steps with the same outcome each time, unless
// two of them race. Nothing here is part of the program. docs/testing.md tells
// how to run it.
package sim
