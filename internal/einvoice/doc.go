// Package einvoice writes issued invoices and credit notes as e-invoices of
// EN 16931.
//
// Owns: the syntaxes UN/CEFACT CII D16B (also the XML of Factur-X) and UBL 2.1
// (Peppol), which business term a field becomes, and Check, for what the official
// validators let pass. Does not own: figures and sentences (package invoice froze
// them; nothing is recalculated), the VAT treatment, storage.
//
// Invariants: the same Document gives the same bytes; what Check refuses is never
// written; texts are escaped, without what XML 1.0 forbids; nothing is empty.
//
// Terms ("BT-31") and rules ("BR-CO-15") are those of EN 16931-1:2017 and its
// artefacts 1.3.16; "PEPPOL-…" those of Peppol BIS Billing 3.
package einvoice
