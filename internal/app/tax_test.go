package app_test

import (
	"testing"
	"time"

	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/bank/banktest"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/provider/sandbox"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/vat"
)

// sells replaces the seller of a till.
func (s *till) sells(seller app.Seller) {
	s.t.Helper()
	config := s.config()
	config.Seller = seller
	var err error
	s.App, err = app.New(s.ctx(), config)
	s.must(err)
}

// A payer in dollars who moves to where VAT is due: nothing is charged, nothing is
// taken from the balance and no invoice is corrected for which there could be no
// invoice, and the sale is refused in words.
func TestNoVATInAnotherCurrencyLater(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	sells := seller(t)
	euros, err := sells.Books.For("EUR", civil.MustParse("2026-11-23"))
	s.must(err)
	dollars := euros
	dollars.ID, dollars.Currency = "2025-04-USD", "USD"
	sells.Books, err = pricing.NewBooks(euros, dollars)
	s.must(err)
	sells.Accounts = append(sells.Accounts, app.BankAccount{Currency: "USD", Beneficiary: "MB Pavyzdys", IBAN: sellerIBAN, BIC: "HABALT22", Bank: "Bank"})
	s.sells(sells)
	details := lithuanian("Ona")
	details.Country, details.Postcode, details.Currency = "US", "10001", "USD"
	ona := s.signIn(7_900_000_013_100, "Ona")
	payer := s.bill(ona, details)
	o := s.order(ona, softphone(1, false, 6))
	if o.Currency != "USD" || o.VAT != 0 {
		t.Fatalf("%+v", o.Order)
	}
	checkout := s.open(ona, o.Number, keep())
	s.must(s.Press(checkout, "pay", sandbox.CardOK, true))
	s.webhooks()
	var id, method, other string
	s.must(s.db.Pool().QueryRow(s.ctx(), `SELECT subject, method_id FROM consent JOIN subscription s ON s.id = subject`).Scan(&id, &method))
	gateway := s.order(ona, pricing.Selection{Plan: pricing.Gateway, Options: pricing.Options{Lines: 1}, Period: 6})
	s.must(s.Press(s.open(ona, gateway.Number, app.StartPaymentInput{Language: "en"}), "pay", sandbox.CardOK, false))
	s.webhooks()
	s.must(s.db.Pool().QueryRow(s.ctx(), `SELECT id FROM subscription WHERE id <> $1`, id).Scan(&other))
	charge, _, err := s.ChargeSaved(s.ctx(), id, method) // about to be sent
	s.must(err)

	details.Country, details.Postcode = "DE", "10119"
	s.bill(ona, details)
	s.must(s.SendPayment(s.ctx(), charge))
	if p := s.paymentByID(charge); p.State != payment.Canceled || len(s.Book()) != 2 {
		t.Errorf("the charge is %s, the sandbox was asked %d times", p.State, len(s.Book()))
	}
	refused := func(what, key string, err error) {
		t.Helper()
		if !isFault(err, fault.Conflict, key) {
			t.Errorf("%s: %v", what, err)
		}
	}
	refused("the renewal by card", "order.blocked.currency", s.Renew(s.ctx(), id))
	s.fund(ona, payer, 300_00)
	refused("the renewal from the balance", "order.blocked.currency", s.Renew(s.ctx(), id))
	refused("the renewal at once", "order.blocked.currency", s.Renew(s.ctx(), other))
	if got := s.balance(ona, payer); got != 300_00 {
		t.Errorf("the balance is %d", got)
	}
	in := app.CorrectionInput{PayerInput: details}
	_, err = s.PreviewCorrection(s.ctx(), ona, s.newest(ona), in)
	refused("a correction", "error.correction.currency", err)
	s.agree()
}

// VAT is that of the seller's standing on the tax point: of the day a transfer was
// booked, whenever its statement is imported, and of the supply that an invoice is
// corrected about. A document names the seller as on its own day.
func TestTheSellersStandingOfTheDay(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	sells := seller(t)
	change := civil.MustParse("2026-12-01") // from small business to ordinary VAT payer
	before, after := vat.Seller{Country: "LT", Scheme: vat.SchemeSVS}, sells.VAT
	later := sells.Party
	later.Street = "Gedimino pr. 2"
	sells.StandsOn = func(day civil.Date) (invoice.Party, vat.Seller) {
		if day.Before(change) {
			return sells.Party, before
		}
		return later, after
	}
	sells.VAT = before
	s.sells(sells)
	ona, _ := s.customer(7_900_000_013_300, "Ona")
	o := s.order(ona, softphone(1, false, 6))
	e := s.entry(o)
	e.Booked, e.Valued = change.AddDays(-1), change.AddDays(-1)
	if o.VAT != 0 || o.Document.Seller != sells.Party {
		t.Fatalf("ordered with VAT of %d from %+v", o.VAT, o.Document.Seller)
	}
	s.clock.Set(change.In(sells.Zone).Add(30 * time.Hour))
	if got := s.importFile(s.camt(banktest.Version08, e)); len(got) != 1 || got[0].Outcome != "matched" {
		t.Fatalf("%+v", got)
	}
	old := s.document(ona, s.newest(ona))
	if old.VAT[0].Treatment != "R3" || old.VATTotal != 0 || old.TaxPoint != e.Booked || old.Seller != later {
		t.Errorf("%+v of %+v, from %+v", old.VAT, old.TaxPoint, old.Seller)
	}
	riga := named("Ona") // a consumer in Latvia, on that day below the threshold
	riga.Country, riga.City, riga.Postcode = "LV", "Riga", "LV-1010"
	preview, err := s.PreviewCorrection(s.ctx(), ona, old.Number, riga)
	if err != nil || preview.VAT.Treatment != "R8b" || preview.NewVAT != 0 {
		t.Errorf("the correction: %+v, %v", preview.VAT, err)
	}
	// What is sold now has VAT.
	if q := s.quote(ona, softphone(1, false, 6)); q.Treatment.Row != "R2" || q.VAT != 3_78 {
		t.Errorf("now: %s, %d", q.Treatment.Row, q.VAT)
	}
	s.must(s.DrawPending(s.ctx()))
	s.agree()
}

// What counts for the threshold of art. 59c is what was sold to consumers in other
// member states in EUR, from the payment on and without what was credited.
func TestTurnoverOfConsumers(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	sells := seller(t)
	sells.VAT = vat.Seller{Country: "LT", Scheme: vat.SchemeStd, OSS: true} // below the threshold
	s.sells(sells)
	turnover := func(year int) (sold store.Turnover) {
		t.Helper()
		s.must(s.db.View(s.ctx(), func(tx *store.Tx) (err error) {
			sold, err = tx.ConsumerTurnover(s.ctx(), year)
			return err
		}))
		return sold
	}
	check := func(what string, want int64) {
		t.Helper()
		if got := turnover(2026); got != (store.Turnover{ThisYear: want}) {
			t.Errorf("%s: %+v, want %d", what, got, want)
		}
		if got := turnover(2027); got != (store.Turnover{LastYear: want}) {
			t.Errorf("%s, a year later: %+v", what, got)
		}
	}
	check("nothing sold", 0)
	hans := s.signIn(7_900_000_013_310, "Hans")
	details := lithuanian("Hans")
	details.Country, details.Postcode, details.City = "DE", "10119", "Berlin"
	s.bill(hans, details)
	o := s.order(hans, softphone(20, true, 6)) // 600.00 and a surcharge
	checkout := s.open(hans, o.Number, app.StartPaymentInput{Language: "en"})
	s.must(s.Press(checkout, "pay", sandbox.CardOK, false))
	s.webhooks()
	net := int64(o.Net)
	if row, _ := s.settled(o.Number); row != "R8a" || s.count(`SELECT count(*) FROM invoice`) != 0 {
		t.Fatalf("settled by %s", row)
	}
	check("paid, not invoiced", net)
	s.must(s.IssuePending(s.ctx()))
	check("invoiced", net)
	done := s.correct(hans, s.newest(hans), app.CorrectionInput{PayerInput: func() app.PayerInput {
		in := details
		in.Street = "Torstraße 1"
		return in
	}()})
	if done.Invoice == "" {
		t.Fatalf("%+v", done)
	}
	check("corrected", net)
	var id string
	s.must(s.db.Pool().QueryRow(s.ctx(), `SELECT id FROM subscription`).Scan(&id))
	s.wait(3)
	offer, err := s.WithdrawalOffer(s.ctx(), hans, id)
	s.must(err)
	_, err = s.Withdraw(s.ctx(), hans, id, offer.Token)
	s.must(err)
	var credited int64
	s.must(s.db.Pool().QueryRow(s.ctx(), `SELECT sum(n.net_minor) FROM invoice n JOIN invoice i ON i.id = n.corrects_id WHERE i.number = $1`, done.Invoice).Scan(&credited))
	if credited < net/2 {
		t.Errorf("%d credited", credited)
	}
	check("credited", net-credited)

	// In another currency nobody knows how much it is.
	s.behindTheBack("invoice", `UPDATE invoice SET currency = 'USD'`)
	check("in dollars", 0)
}
