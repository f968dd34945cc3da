// Package i18n holds every sentence people read, and how their language writes
// amounts, dates and country names.
//
// Owns: the message files (a language is only a file, in locales for pages, in
// documents for documents: its sentences and its CLDR patterns), plurals,
// formatting. Does not own: which language a page or a document is in, time zones.
//
// Invariants: a key missing in a language falls back to English; a key missing
// there comes out as itself, and the tests fail. No floating point.
// Dates are calendar days; instants are shown in the zone the caller names.
package i18n
