// Package providertest is the contract that every payment provider keeps.
//
// Owns: one suite that runs against any adapter and the provider behind it, real
// or fake: capabilities tell the truth, the same key has one effect, a lost
// answer is found by our id, each answer becomes the right Outcome, forged
// webhooks are refused, secrets stay secret.
//
// Does not own: any provider. A Fixture says how to make one do things.
package providertest
