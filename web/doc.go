// Package web serves the pages.
//
// Owns: routes and their guards, cookies, security headers, the check of where
// a request comes from, forms, and the map from faults to statuses.
//
// Does not own: what a use case does (app), how a page looks (views).
//
// Invariants: routes.go lists every route; only errors.go turns an error into a
// status; a page is rendered whole before its first byte is sent; what a person
// may not see has the same bytes as what does not exist; no query string is
// ever logged.
package web
