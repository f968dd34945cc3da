// Package pdfa makes archive files (PDF/A-3, ISO 19005-3) of what fpdf drew, and
// hybrid invoices (Factur-X 1.0.x) of those.
//
// Owns: the second pass over a drawing: header, catalogue, Info and XMP, output
// intent, fonts, the attached file and its relation, file identifier. Does not
// own: what stands on the pages (package pdf), the XML of an invoice (einvoice).
//
// Invariants: the same drawing and Options give the same bytes; objects of the
// drawing are taken over as they are (streams compressed), but for fonts, Info and
// catalogue; Info and XMP say the same; a drawing of another form than fpdf 0.9
// writes is refused.
//
// Clauses ("6.8") are those of ISO 19005-3:2012; "ISO 32000-1" is PDF 1.7.
package pdfa
