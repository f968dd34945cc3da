// Package e2e tests the program as its users meet it: the built binary as a
// process of its own, a browser or an HTTP client before it, PostgreSQL behind
// it, and the commands of an operator beside it.
//
// It owns no code that ships. Rules are tested in their packages; here are the
// journeys that pass through all of them, the checks of every page (WCAG, HTML,
// policies, width), and what happens when processes are killed.
package e2e
