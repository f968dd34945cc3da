package app_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/provider/sandbox"
)

// issuedBy is the frozen content that a query finds.
func (s *site) issuedBy(sql string) invoice.Document {
	s.t.Helper()
	var content []byte
	s.must(s.db.Pool().QueryRow(s.ctx(), sql).Scan(&content))
	d, err := invoice.Unmarshal(content)
	s.must(err)
	return d
}

// Documents are in the language that their payer had when they were issued; a
// credit note is in that of its invoice, whatever was chosen since.
func TestDocumentsInThePayersLanguage(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, payer := s.customer(7_900_000_002_600, "Ona")
	german := lithuanian("Ona")
	german.Language, german.Lithuanian = "de", true
	s.bill(ona, german)
	o := s.order(ona, softphone(2, true, 36))
	bankInvoice := s.issuedBy(`SELECT content FROM bank_invoice`)
	s.must(s.Press(s.open(ona, o.Number, app.StartPaymentInput{}), "pay", sandbox.CardOK, false))
	s.must(s.returned(ona, o.Number))
	s.must(s.IssueInvoice(s.ctx(), o.ID))
	o, err := s.Order(s.ctx(), ona, o.Number)
	s.must(err)

	french := lithuanian("Ona")
	french.Language = "fr"
	s.bill(ona, french)
	offer, err := s.WithdrawalOffer(s.ctx(), ona, o.SubscriptionID)
	s.must(err)
	_, err = s.Withdraw(s.ctx(), ona, o.SubscriptionID, offer.Token)
	s.must(err)
	taxInvoice := s.issuedBy(`SELECT content FROM invoice WHERE kind = 'invoice'`)
	credit := s.issuedBy(`SELECT content FROM invoice WHERE kind = 'credit_note'`)
	for _, d := range []invoice.Document{bankInvoice, taxInvoice, credit} {
		if d.Language != "de" || d.Also != "lt" {
			t.Fatalf("%s: in %q and %q", d.Kind, d.Language, d.Also)
		}
		l := d.Lines[0]
		if l.Description != "Softphone: SIP-Konten mit Gesprächsaufzeichnung" || l.Also != "„Softphone“: SIP paskyros su pokalbių įrašymu" || l.Detail != "2 × 5,00\u00a0€ pro Monat" {
			t.Errorf("%s: %+v", d.Kind, l)
		}
		if d.Discount.Reason != "Rabatt für 36 Monate" || d.Discount.Also != "Nuolaida už 36 mėnesius" {
			t.Errorf("%s: %+v", d.Kind, d.Discount)
		}
	}
	if c := credit.Corrects; !strings.HasPrefix(c.Reason, "Der Käufer hat") || !strings.HasPrefix(c.Also, "Pirkėjas atsisakė") {
		t.Errorf("%+v", c)
	}

	next := s.order(ona, softphone(3, false, 6))
	if d := s.issuedBy(`SELECT content FROM bank_invoice ORDER BY order_id = '` + next.ID + `' DESC LIMIT 1`); d.Language != "fr" || d.Also != "" || d.Lines[0].Also != "" || d.Lines[0].Description != "Softphone\u00a0: comptes SIP" {
		t.Errorf("the next bank invoice: %q, %q, %+v", d.Language, d.Also, d.Lines[0])
	}
	file, err := s.StatementFile(s.ctx(), ona, app.StatementFilter{Payer: payer})
	s.must(err)
	if !bytes.HasPrefix(file.Bytes, []byte("%PDF-")) || !bytes.Contains(file.Bytes, []byte("/Lang (fr)")) || !strings.HasPrefix(file.Name, "statement-2026-01-01-") {
		t.Errorf("the statement: %s, %d bytes", file.Name, len(file.Bytes))
	}
	petras, _ := s.customer(7_900_000_002_601, "Petras")
	if _, err := s.StatementFile(s.ctx(), petras, app.StatementFilter{Payer: payer}); !fault.Is(err, fault.NotFound) {
		t.Errorf("a stranger's statement: %v", err)
	}
	s.clean()
}

// Lithuanian beside Lithuanian is no second language, and a language that
// documents do not have is refused.
func TestLanguagesOfDocuments(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, _ := s.customer(7_900_000_002_610, "Ona")
	both := lithuanian("Ona")
	both.Language, both.Lithuanian = "lt", true
	s.bill(ona, both)
	s.order(ona, softphone(1, false, 6))
	if d := s.issuedBy(`SELECT content FROM bank_invoice`); d.Language != "lt" || d.Also != "" || d.Lines[0].Description != "„Softphone“: SIP paskyros" {
		t.Errorf("in %q and %q: %+v", d.Language, d.Also, d.Lines[0])
	}
	payers, err := s.Payers(s.ctx(), ona)
	s.must(err)
	if !payers[0].Lithuanian || payers[0].Language != "lt" {
		t.Errorf("%+v", payers[0])
	}
	for _, language := range []string{"it", "xx", "DE", "de-AT"} {
		in := lithuanian("Ona")
		in.Language = language
		if _, err := s.SavePayer(s.ctx(), ona, payers[0].ID, in); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", language, err)
		}
	}
}
