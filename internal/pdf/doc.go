// Package pdf draws issued documents (bank invoices, invoices, credit notes,
// receipts) and account statements on A4 pages.
//
// Owns: the layout, the fonts (folder fonts, cut beforehand; face.go cuts them
// again to the characters of one document), the EPC QR code.
//
// Does not own: figures and sentences of the document (package invoice froze
// them; nothing is recalculated here), labels (package i18n), storage.
//
// Invariants: the same Document gives the same bytes; every font is embedded;
// no links, scripts, actions or external references; control and bidirectional
// characters never reach the page; a character without a glyph is drawn as a
// visible replacement sign.
package pdf
