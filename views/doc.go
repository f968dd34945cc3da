// Package views draws the pages: one struct and one component per page.
//
// Owns: markup, the marks that tests and operators rely on (data-testid), which
// sentence stands where. Does not own: what is shown to whom, formatting of
// amounts and dates, addresses of files; the caller fills the structs.
//
// Invariants: imports templ and i18n only. Amounts, dates and names come in
// ready to show; fixed words are looked up by key; codes such as an order's
// status come in as the domain spells them. Every page works without
// JavaScript and holds no inline script or style. Text is escaped by templ.
package views
