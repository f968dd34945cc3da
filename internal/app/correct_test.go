package app_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/bank/banktest"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/provider/sandbox"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/support"
)

// berlin are the billing details of a company that the tax register knows once
// its number was confirmed.
func berlin() app.PayerInput {
	return app.PayerInput{
		Kind: "company", Name: "Brenner GmbH", CompanyCode: "HRB 123456 B", VATNumber: "DE136695976", Street: "Torstraße 140", City: "Berlin",
		Postcode: "10119", Country: "DE", Email: "person@example.lt",
	}
}

// named are the details of somebody in Lithuania under another name.
func named(name string) app.CorrectionInput {
	return app.CorrectionInput{PayerInput: lithuanian(name)}
}

// correct previews a correction and confirms it.
func (s *site) correct(actor account.Actor, number string, in app.CorrectionInput) app.Corrected {
	s.t.Helper()
	preview, err := s.PreviewCorrection(s.ctx(), actor, number, in)
	s.must(err)
	in.Token = preview.Token
	done, err := s.CorrectInvoice(s.ctx(), actor, number, in)
	s.must(err)
	return done
}

// confirmed has the register know the number of berlin.
func (s *site) confirmed() {
	s.t.Helper()
	s.must(s.ConfirmVATNumber(s.ctx(), berlin().VATNumber, true, "vies", "x", audit.ByCommand("test")))
}

func (s *site) document(actor account.Actor, number string) invoice.Document {
	s.t.Helper()
	d, err := s.Invoice(s.ctx(), actor, number)
	s.must(err)
	return d
}

// invoiced is a customer whose order was paid by transfer and invoiced.
func (s *site) invoiced(id int64, name string, accounts int) (account.Actor, account.PayerID, app.OrderDetail) {
	s.t.Helper()
	actor, payer := s.customer(id, name)
	o := s.order(actor, softphone(accounts, false, 6))
	s.pay(o)
	o, err := s.Order(s.ctx(), actor, o.Number)
	s.must(err)
	return actor, payer, o
}

func same(t *testing.T, want, got invoice.Document) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCorrectionInOneStep(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, payer, o := s.invoiced(7_900_000_005_000, "Ona", 2)
	s.wait(3)
	old := s.document(ona, o.InvoiceNumber)
	in := named("Ona Petrauskaitė")
	in.POReference = "PO 77"
	preview, err := s.PreviewCorrection(s.ctx(), ona, old.Number, in)
	s.must(err)
	if !preview.SameTax || preview.Difference() != 0 || preview.Net != old.Net || preview.NewVAT != old.VATTotal || preview.Rest || preview.Pending {
		t.Errorf("preview: %+v", preview)
	}
	in.Token, in.SaveProfile = preview.Token, true
	done, err := s.CorrectInvoice(s.ctx(), ona, old.Number, in)
	s.must(err)
	again, err := s.CorrectInvoice(s.ctx(), ona, old.Number, in)
	if err != nil || again != done {
		t.Errorf("the same form again: %+v, %v, not %+v", again, err, done)
	}
	if n := s.count(`SELECT count(*) FROM invoice`); n != 3 {
		t.Errorf("%d documents", n)
	}
	note, replacement := s.document(ona, done.CreditNote), s.document(ona, done.Invoice)
	if now := s.document(ona, old.Number); now.Buyer != old.Buyer || now.Corrects != nil {
		t.Errorf("the old invoice has changed: %+v", now)
	}
	want := old
	want.Number, want.IssueDate, want.POReference = done.Invoice, s.Today(), "PO 77"
	want.Buyer.Name = "Ona Petrauskaitė"
	want.Corrects = &invoice.Correction{Number: old.Number, IssueDate: old.IssueDate, Reason: "The details of the buyer are corrected.", CreditNote: note.Number}
	want.VerifyURL = replacement.VerifyURL
	same(t, want, replacement)
	want = old
	want.VerifyURL = note.VerifyURL
	want.Kind, want.Number, want.IssueDate = invoice.KindCreditNote, note.Number, s.Today()
	want.Payment = invoice.Payment{Method: "balance"}
	want.Returned = &invoice.Returned{Applied: old.Total}
	want.Corrects = &invoice.Correction{Number: old.Number, IssueDate: old.IssueDate, Reason: "The details of the buyer are corrected.", ReplacedBy: done.Invoice}
	same(t, want, note)
	for _, d := range []invoice.Document{old, replacement, note} {
		if !strings.HasSuffix(d.VerifyURL, "/verify?number="+d.Number) {
			t.Errorf("%s is checked at %s", d.Number, d.VerifyURL)
		}
	}
	if s.balance(ona, payer) != 0 || s.count(`SELECT count(*) FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id AND a.kind = 'balance'
		JOIN ledger_entry e ON e.id = p.entry_id WHERE e.kind = 'corrected'`) != 0 {
		t.Error("something moved on the balance")
	}
	if st, err := s.Statement(s.ctx(), ona, app.StatementFilter{}); err != nil || len(st.Lines) != 2 || st.Lines[1].InvoiceNumber != old.Number {
		t.Errorf("statement: %+v, %v", st.Lines, err)
	}
	payers, err := s.Payers(s.ctx(), ona)
	s.must(err)
	if payers[0].Name != "Ona Petrauskaitė" || payers[0].POReference != "PO 77" || payers[0].Currency != "EUR" {
		t.Errorf("the profile: %+v", payers[0])
	}
	list, err := s.Invoices(s.ctx(), ona, app.InvoiceFilter{})
	s.must(err)
	chain := map[string][2]string{}
	for _, r := range list.Items {
		chain[r.Number] = [2]string{r.Of, r.ReplacedBy}
	}
	if chain[old.Number] != [2]string{"", done.Invoice} || chain[note.Number] != [2]string{old.Number, ""} || chain[done.Invoice] != [2]string{old.Number, ""} {
		t.Errorf("chain: %v", chain)
	}
	if o, err = s.Order(s.ctx(), ona, o.Number); err != nil || o.InvoiceNumber != done.Invoice {
		t.Errorf("the order's invoice is %s, %v", o.InvoiceNumber, err)
	}
	s.must(s.IssueInvoice(s.ctx(), o.ID)) // nothing is issued again
	notices, err := s.Notices(s.ctx(), ona, "")
	s.must(err)
	if n := notices.Items[0]; n.Kind != "invoice_corrected" || n.Facts.Document != done.Invoice || n.Facts.CreditNote != note.Number {
		t.Errorf("notice: %+v", n)
	}
	if n := s.count(`SELECT count(*) FROM audit WHERE actor = $1 AND action IN ('invoice.corrected', 'credit_note.issued', 'payer.changed')`, "account:"+string(ona.AccountID)); n != 4 {
		t.Errorf("%d audit rows", n)
	}
	for _, get := range []func(context.Context, account.Actor, string) (app.File, error){s.InvoiceFile, s.InvoiceCII, s.InvoiceUBL} {
		for _, number := range []string{note.Number, done.Invoice} {
			file, err := get(s.ctx(), ona, number)
			s.must(err)
			if strings.HasSuffix(file.Name, "xml") && !strings.Contains(string(file.Bytes), ">"+old.Number+"<") {
				t.Errorf("%s does not refer to %s", file.Name, old.Number)
			}
		}
	}
	s.agree()
}

// An invoice is corrected as often as need be, each time the one that stands. A
// credit note, one that was replaced and one of which nothing is left are not.
func TestCorrectAgain(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	finance := s.staff(7_900_000_005_010, "Rasa", account.StaffFinance)
	ona, _, o := s.invoiced(7_900_000_005_011, "Ona", 2)
	first := s.correct(ona, o.InvoiceNumber, named("Ona Petrauskaitė"))
	second := s.correct(ona, first.Invoice, named("Ona Petrauskienė"))
	for number, key := range map[string]string{
		o.InvoiceNumber: "error.correction.replaced", first.Invoice: "error.correction.replaced", second.CreditNote: "error.correction.kind",
	} {
		if _, err := s.PreviewCorrection(s.ctx(), ona, number, named("X")); !isFault(err, fault.Conflict, key) {
			t.Errorf("%s: %v", number, err)
		}
	}
	if _, err := s.PreviewCorrection(s.ctx(), ona, second.Invoice, named("Ona Petrauskienė")); !isFault(err, fault.Conflict, "error.correction.nothing") {
		t.Errorf("nothing new: %v", err)
	}
	// A refund is of the one that stands; the rest of it can be corrected.
	s.wait(20)
	request, err := s.AskRefund(s.ctx(), ona, o.SubscriptionID, "balance", "x")
	s.must(err)
	s.must(s.ApproveRefund(s.ctx(), finance, request))
	list, err := s.Invoices(s.ctx(), ona, app.InvoiceFilter{Type: invoice.KindCreditNote})
	s.must(err)
	credit := s.document(ona, list.Items[0].Number)
	if credit.Corrects.Number != second.Invoice || credit.Buyer.Name != "Ona Petrauskienė" {
		t.Errorf("credited: %+v", credit.Corrects)
	}
	third := s.correct(ona, second.Invoice, named("Ona Kazlauskienė"))
	rest := s.document(ona, third.Invoice)
	old := s.document(ona, second.Invoice)
	if rest.Total != old.Total-credit.Total || len(rest.Lines) != 1 || rest.VAT[0].CreditedBase != credit.Net || rest.TaxPoint != old.TaxPoint {
		t.Errorf("the rest: %+v", rest)
	}
	s.must(s.DrawPending(s.ctx()))
	s.agree()
}

// isFault reports whether an error is a fault of a kind with a key.
func isFault(err error, kind fault.Kind, key string) bool {
	e, ok := errors.AsType[*fault.Error](err)
	return ok && e.Kind == kind && e.Key == key
}

// A VAT number that makes it a sale with reverse charge: the VAT is worked out,
// people approve, and it comes back to the balance, less what had been forgiven.
func TestCorrectionThatChangesTheTax(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	finance := s.staff(7_900_000_005_020, "Rasa", account.StaffFinance)
	ona, payer := s.customer(7_900_000_005_021, "Ona")
	o := s.order(ona, softphone(2, false, 6))
	short := s.entry(o)
	short.Amount -= 60
	s.importFile(s.camt(banktest.Version08, short))
	s.must(s.IssueInvoice(s.ctx(), o.ID))
	o, err := s.Order(s.ctx(), ona, o.Number)
	s.must(err)
	in := app.CorrectionInput{PayerInput: berlin()}
	preview, err := s.PreviewCorrection(s.ctx(), ona, o.InvoiceNumber, in)
	s.must(err)
	if preview.SameTax || !preview.Pending || preview.OldVAT != 7_56 || preview.NewVAT != 0 || preview.Forgiven != 60 || preview.VAT.Treatment != "R4" {
		t.Errorf("before the register has answered: %+v", preview)
	}
	in.Token = preview.Token
	asked, err := s.CorrectInvoice(s.ctx(), ona, o.InvoiceNumber, in)
	s.must(err)
	again, err := s.CorrectInvoice(s.ctx(), ona, o.InvoiceNumber, in)
	if err != nil || again != asked || asked.Invoice != "" {
		t.Errorf("asked twice: %+v and %+v, %v", asked, again, err)
	}
	if n := s.count(`SELECT count(*) FROM invoice`); n != 1 {
		t.Fatalf("%d documents before anybody decided", n)
	}
	if err := s.ApproveCorrection(s.ctx(), finance, asked.Request); !isFault(err, fault.Conflict, "error.correction.unconfirmed") {
		t.Errorf("not confirmed: %v", err)
	}
	s.confirmed()
	finance.Staff = account.StaffFinance // of the session
	if err := s.ApproveCorrection(s.ctx(), ona, asked.Request); !fault.Is(err, fault.NotFound) {
		t.Errorf("by the payer: %v", err)
	}
	seen, err := s.StaffCorrection(s.ctx(), finance, asked.Request)
	s.must(err)
	if !seen.MayDecide || seen.Offer == nil || seen.Offer.Pending || seen.NeedsTwo {
		t.Errorf("staff sees: %+v", seen)
	}
	s.must(s.ApproveCorrection(s.ctx(), finance, asked.Request))
	if err := s.ApproveCorrection(s.ctx(), finance, asked.Request); !fault.Is(err, fault.Conflict) {
		t.Errorf("approved twice: %v", err)
	}
	list, err := s.CorrectionRequestsOf(s.ctx(), ona)
	s.must(err)
	if len(list) != 1 || list[0].State != support.RefundDone || list[0].Difference() != 7_56 {
		t.Fatalf("requests: %+v", list)
	}
	replacement := s.document(ona, list[0].ReplacementNumber)
	note := s.document(ona, replacement.Corrects.CreditNote)
	if v := replacement.VAT[0]; v.Category != "AE" || v.Treatment != "R4" || replacement.VATTotal != 0 || replacement.Buyer.VATNumber != "DE136695976" || replacement.Due != 0 {
		t.Errorf("the new invoice: %+v", replacement)
	}
	if *note.Returned != (invoice.Returned{Applied: 36_00, Balance: 6_96, Forgiven: 60}) || note.VATTotal != 7_56 {
		t.Errorf("the credit note: %+v", note.Returned)
	}
	if b := s.balance(ona, payer); b != 6_96 {
		t.Errorf("balance %s", b.Decimal())
	}
	// What is refunded later is of the new invoice: without VAT.
	s.wait(20)
	offer, err := s.RefundOffer(s.ctx(), ona, o.SubscriptionID)
	s.must(err)
	if offer.VAT != 0 || offer.Forgiven != 0 || offer.Net <= 0 {
		t.Errorf("a refund afterwards: %+v", offer)
	}
	for _, get := range []func(context.Context, account.Actor, string) (app.File, error){s.InvoiceFile, s.InvoiceCII, s.InvoiceUBL} {
		s.must(errOf(get(s.ctx(), ona, replacement.Number)))
	}
	s.must(s.DrawPending(s.ctx()))
	s.agree()
}

// VAT of a disputed payment comes back to nobody before its bank has decided.
func TestCorrectionWaitsForADispute(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	finance := s.staff(7_900_000_005_025, "Rasa", account.StaffFinance)
	ona, payer := s.customer(7_900_000_005_026, "Ona")
	o := s.order(ona, softphone(2, false, 6))
	s.must(s.Press(s.open(ona, o.Number, keep()), "pay", sandbox.CardOK, true))
	s.webhooks()
	s.must(s.IssueInvoice(s.ctx(), o.ID))
	o, err := s.Order(s.ctx(), ona, o.Number)
	s.must(err)
	s.confirmed()
	asked := s.correct(ona, o.InvoiceNumber, app.CorrectionInput{PayerInput: berlin()})
	var id string
	s.must(s.db.Pool().QueryRow(s.ctx(), `SELECT id FROM payment WHERE order_id = $1`, o.ID).Scan(&id))
	s.must(s.Chargeback(id, 0, payment.DisputeOpen))
	s.webhooks()
	finance.Staff = account.StaffFinance // of the session
	if err := s.ApproveCorrection(s.ctx(), finance, asked.Request); !isFault(err, fault.Conflict, "error.refund.disputed") {
		t.Errorf("while it is disputed: %v", err)
	}
	if n := s.count(`SELECT count(*) FROM invoice`); n != 1 {
		t.Errorf("%d documents", n)
	}
	s.must(s.Chargeback(id, 0, payment.DisputeWon))
	s.webhooks()
	s.must(s.ApproveCorrection(s.ctx(), finance, asked.Request))
	if b := s.balance(ona, payer); b != 7_56 {
		t.Errorf("balance %s", b.Decimal())
	}
	s.agree()
}

// VAT that was missing is taken from the balance; while it is not there, nothing
// is issued. Above the limit two people approve, in either direction.
func TestCorrectionThatCosts(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	s.confirmed()
	finance := s.staff(7_900_000_005_030, "Rasa", account.StaffFinance)
	admin := s.staff(7_900_000_005_031, "Tomas", account.StaffAdmin)
	support := s.staff(7_900_000_005_032, "Saulė", account.StaffSupport)
	ona := s.signIn(7_900_000_005_033, "Ona")
	in := berlin()
	in.Language, in.Currency = "en", "EUR"
	payer := s.bill(ona, in)
	o := s.order(ona, softphone(15, false, 36))
	s.pay(o)
	o, err := s.Order(s.ctx(), ona, o.Number)
	s.must(err)
	asked := s.correct(ona, o.InvoiceNumber, named("Ona"))
	seen, err := s.StaffCorrection(s.ctx(), finance, asked.Request)
	s.must(err)
	extra := seen.Offer.NewVAT
	if !seen.NeedsTwo || extra <= 150_00 || seen.Offer.OldVAT != 0 || seen.Offer.Short != extra || seen.Offer.VAT.Treatment != "R2" {
		t.Errorf("staff sees: %+v", seen.Offer)
	}
	if err := s.ApproveCorrection(s.ctx(), support, asked.Request); !fault.Is(err, fault.Forbidden) {
		t.Errorf("by support: %v", err)
	}
	s.must(s.ApproveCorrection(s.ctx(), finance, asked.Request))
	if err := s.ApproveCorrection(s.ctx(), finance, asked.Request); !fault.Is(err, fault.Forbidden) {
		t.Errorf("by one person twice: %v", err)
	}
	if err := s.ApproveCorrection(s.ctx(), admin, asked.Request); !isFault(err, fault.Conflict, "error.correction.balance") {
		t.Errorf("without the money: %v", err)
	}
	if n := s.count(`SELECT count(*) FROM invoice`); n != 1 {
		t.Fatalf("%d documents", n)
	}
	s.must(s.PrepareTopUp(s.ctx(), ona, payer))
	b, err := s.Balance(s.ctx(), ona, payer, 0)
	s.must(err)
	topUp := s.entry(o)
	topUp.Amount, topUp.References = extra+1_00, []string{string(b.TopUp.Reference)}
	s.importFile(s.camt(banktest.Version08, topUp))
	s.must(s.ApproveCorrection(s.ctx(), admin, asked.Request))
	if b := s.balance(ona, payer); b != 1_00 {
		t.Errorf("balance %s", b.Decimal())
	}
	s.must(s.IssueReceipts(s.ctx()))
	s.must(s.DrawPending(s.ctx()))
	s.agree()
}

func TestWhoCorrectsAndWhat(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, payer, o := s.invoiced(7_900_000_005_040, "Ona", 2)
	petras, _ := s.customer(7_900_000_005_041, "Petras")
	rasa := s.signIn(7_900_000_005_042, "Rasa")
	s.must(s.db.Update(s.ctx(), func(tx *store.Tx) error {
		return tx.InsertMember(s.ctx(), payer, rasa.AccountID, account.RoleAccountant)
	}))
	in := named("X")
	for who, want := range map[string]struct {
		actor account.Actor
		kind  fault.Kind
	}{"a stranger": {petras, fault.NotFound}, "an accountant": {rasa, fault.Forbidden}} {
		if err := errOf(s.Correctable(s.ctx(), want.actor, o.InvoiceNumber)); !fault.Is(err, want.kind) {
			t.Errorf("%s: %v", who, err)
		}
		if err := errOf(s.PreviewCorrection(s.ctx(), want.actor, o.InvoiceNumber, in)); !fault.Is(err, want.kind) {
			t.Errorf("%s: %v", who, err)
		}
		if err := errOf(s.CorrectInvoice(s.ctx(), want.actor, o.InvoiceNumber, in)); !fault.Is(err, want.kind) {
			t.Errorf("%s: %v", who, err)
		}
	}
	bad := named("")
	bad.Country = "XX"
	err := errOf(s.CorrectInvoice(s.ctx(), ona, o.InvoiceNumber, bad))
	if e, ok := errors.AsType[*fault.Error](err); !ok || e.Kind != fault.Invalid || len(e.Fields) != 2 {
		t.Errorf("bad details: %v", err)
	}
	in.Token = "made up"
	if err := errOf(s.CorrectInvoice(s.ctx(), ona, o.InvoiceNumber, in)); !isFault(err, fault.Conflict, "error.correction.moved") {
		t.Errorf("without a preview: %v", err)
	}
	s.must(s.ConfirmVATNumber(s.ctx(), berlin().VATNumber, false, "vies", "", audit.ByCommand("test")))
	err = errOf(s.PreviewCorrection(s.ctx(), ona, o.InvoiceNumber, app.CorrectionInput{PayerInput: berlin()}))
	if e, ok := errors.AsType[*fault.Error](err); !ok || e.Kind != fault.Invalid || e.Fields[0].Name != "vat_number" {
		t.Errorf("a number that is none: %v", err)
	}
	// A request, another one, and none any more.
	latvia := named("Ona")
	latvia.Country, latvia.City, latvia.Postcode = "LV", "Rīga", "LV-1010"
	asked := s.correct(ona, o.InvoiceNumber, latvia)
	preview, err := s.PreviewCorrection(s.ctx(), ona, o.InvoiceNumber, in)
	s.must(err)
	in.Token = preview.Token
	if err := errOf(s.CorrectInvoice(s.ctx(), ona, o.InvoiceNumber, in)); !isFault(err, fault.Conflict, "error.correction.one_open") {
		t.Errorf("while another is open: %v", err)
	}
	if err := s.WithdrawCorrectionRequest(s.ctx(), petras, asked.Request); !fault.Is(err, fault.NotFound) {
		t.Errorf("taken back by a stranger: %v", err)
	}
	s.must(s.WithdrawCorrectionRequest(s.ctx(), ona, asked.Request))
	finance := s.staff(7_900_000_005_043, "Faustas", account.StaffFinance)
	if err := s.ApproveCorrection(s.ctx(), finance, asked.Request); !fault.Is(err, fault.Conflict) {
		t.Errorf("approved when it was taken back: %v", err)
	}
	if done, err := s.CorrectInvoice(s.ctx(), ona, o.InvoiceNumber, in); err != nil || done.Invoice == "" {
		t.Errorf("afterwards: %+v, %v", done, err)
	}
	s.must(s.DrawPending(s.ctx()))
	s.agree()
}

// Both at once, several people at once: one correction of each invoice, in a row
// of numbers without a gap.
func TestCorrectionsRace(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, _, o := s.invoiced(7_900_000_005_050, "Ona", 2)
	jonas, _, p := s.invoiced(7_900_000_005_051, "Jonas", 3)
	type form struct {
		actor  account.Actor
		number string
		in     app.CorrectionInput
	}
	var forms []form
	for i := range 4 {
		for _, f := range []form{{actor: ona, number: o.InvoiceNumber}, {actor: jonas, number: p.InvoiceNumber}} {
			f.in = named("Name " + strconv.Itoa(i))
			preview, err := s.PreviewCorrection(s.ctx(), f.actor, f.number, f.in)
			s.must(err)
			f.in.Token = preview.Token
			forms = append(forms, f, f) // each is sent twice
		}
	}
	var (
		wg   sync.WaitGroup
		done atomic.Int32
	)
	for _, f := range forms {
		wg.Go(func() {
			switch _, err := s.CorrectInvoice(s.ctx(), f.actor, f.number, f.in); {
			case err == nil:
				done.Add(1)
			case !fault.Is(err, fault.Conflict):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := s.count(`SELECT count(*) FROM invoice`); n != 6 || done.Load() != 4 {
		t.Errorf("%d documents, %d were told so", n, done.Load())
	}
	s.must(s.DrawPending(s.ctx()))
	s.agree()
}

// failing is a queue that fails at the n-th document to draw.
type failing struct {
	app.Queue
	at int
}

func (q *failing) DrawDocument(ctx context.Context, tx *app.Tx, number string) error {
	if q.at--; q.at == 0 {
		return errors.New("the queue is down")
	}
	return q.Queue.DrawDocument(ctx, tx, number)
}

// What fails in the middle leaves neither document nor number nor entry.
func TestHalfACorrectionIsNone(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, _, o := s.invoiced(7_900_000_005_060, "Ona", 2)
	config, queue := s.config(), &failing{Queue: s.queue}
	config.Queue = queue
	broken, err := app.New(s.ctx(), config)
	s.must(err)
	in := named("Ona Petrauskaitė")
	preview, err := s.PreviewCorrection(s.ctx(), ona, o.InvoiceNumber, in)
	s.must(err)
	in.Token, in.SaveProfile = preview.Token, true
	before := s.count(`SELECT count(*) FROM audit`)
	for _, at := range []int{1, 2} {
		queue.at = at
		if err := errOf(broken.CorrectInvoice(s.ctx(), ona, o.InvoiceNumber, in)); err == nil {
			t.Fatal("it did not fail")
		}
		for what, want := range map[string]int{
			`SELECT count(*) FROM invoice`: 1, `SELECT count(*) FROM ledger_entry WHERE kind = 'corrected'`: 0, `SELECT sum(next - 1) FROM series WHERE kind <> 'receipt'`: 1,
			`SELECT count(*) FROM audit`: before, `SELECT count(*) FROM payer WHERE name = 'Ona Petrauskaitė'`: 0,
		} {
			if n := s.count(what); n != want {
				t.Errorf("failed at document %d: %s: %d, want %d", at, what, n, want)
			}
		}
	}
	done, err := s.CorrectInvoice(s.ctx(), ona, o.InvoiceNumber, in)
	if err != nil || !strings.HasSuffix(done.CreditNote, "000001") || !strings.HasSuffix(done.Invoice, "000002") {
		t.Errorf("afterwards: %+v, %v", done, err)
	}
	s.must(s.DrawPending(s.ctx()))
	s.agree()
}

// Corrections and refunds in any order: by each order, the documents sum up, per
// rate and state, to what was paid less what came back.
func TestDocumentsSayWhatWasPaid(t *testing.T) {
	t.Parallel()
	seeds := 8
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			t.Parallel()
			s := newTill(t)
			random := rand.New(rand.NewPCG(uint64(seed), 29))
			finance := s.staff(7_900_000_005_070, "Rasa", account.StaffFinance)
			admin := s.staff(7_900_000_005_071, "Tomas", account.StaffAdmin)
			ona, payer, o := s.invoiced(7_900_000_005_072, "Ona", 1+random.IntN(20))
			latvia := lithuanian("Ona")
			latvia.Country, latvia.City, latvia.Postcode = "LV", "Rīga", "LV-1010"
			buyers := []app.PayerInput{lithuanian("Ona"), lithuanian("Ona Kazlauskienė"), berlin(), latvia}
			number, refunded := o.InvoiceNumber, false
			for step := range 7 {
				s.wait(random.IntN(20))
				s.confirmed() // an answer of the register stands for 30 days
				if random.IntN(3) == 0 && !refunded {
					if offer, err := s.RefundOffer(s.ctx(), ona, o.SubscriptionID); err == nil {
						id, err := s.AskRefund(s.ctx(), ona, o.SubscriptionID, "balance", "x")
						s.must(err)
						s.must(s.ApproveRefund(s.ctx(), finance, id))
						if offer.NeedsTwo {
							s.must(s.ApproveRefund(s.ctx(), admin, id))
						}
						refunded = true
					}
				} else {
					in := app.CorrectionInput{PayerInput: buyers[random.IntN(len(buyers))]}
					preview, err := s.PreviewCorrection(s.ctx(), ona, number, in)
					if isFault(err, fault.Conflict, "error.correction.nothing") || isFault(err, fault.Conflict, "error.correction.credited") {
						continue
					}
					s.must(err)
					in.Token = preview.Token
					done, err := s.CorrectInvoice(s.ctx(), ona, number, in)
					s.must(err)
					if preview.SameTax != (done.Request == "") {
						t.Fatalf("step %d: %+v did %+v", step, preview, done)
					}
					if !preview.SameTax {
						s.must(s.ApproveCorrection(s.ctx(), finance, done.Request))
						if preview.NeedsTwo {
							s.must(s.ApproveCorrection(s.ctx(), admin, done.Request))
						}
						list, err := s.CorrectionRequestsOf(s.ctx(), ona)
						s.must(err)
						i := slices.IndexFunc(list, func(r app.CorrectionRequest) bool { return r.ID == done.Request })
						done.Invoice = list[i].ReplacementNumber
					}
					number = done.Invoice
				}
				s.documentsSay(o.ID)
				if b := s.balance(ona, payer); b < 0 {
					t.Fatalf("step %d: the balance is %s", step, b.Decimal())
				}
			}
			s.must(s.DrawPending(s.ctx()))
			s.agree()
		})
	}
}

// documentsSay fails unless the documents of an order sum up to what its payer has
// paid, by the ledger, and no rate of a state is below zero; and per rate the VAT
// is that of the base to the cent.
func (s *site) documentsSay(orderID string) {
	s.t.Helper()
	if n := s.count(`SELECT count(*) FROM (
		SELECT sum(CASE i.kind WHEN 'invoice' THEN v.base_minor ELSE -v.base_minor END) AS base, sum(CASE i.kind WHEN 'invoice' THEN v.vat_minor ELSE -v.vat_minor END) AS vat,
		       COALESCE(v.rate_bps, 0) AS rate
		FROM invoice i JOIN invoice_vat v ON v.invoice_id = i.id WHERE i.order_id = $1 GROUP BY v.category, v.rate_bps, v.country) x
		WHERE base < 0 OR vat < 0 OR abs(vat - base * rate / 10000.0) > 1 OR base = 0 AND vat <> 0`, orderID); n != 0 {
		s.t.Errorf("%d rates are off", n)
	}
	documents := s.count(`SELECT sum(CASE kind WHEN 'invoice' THEN total_minor ELSE -total_minor END) FROM invoice WHERE order_id = $1`, orderID)
	paid := s.count(`SELECT sum(p.amount_minor) FROM ledger_entry e
		JOIN ledger_posting p ON p.entry_id = e.id JOIN ledger_account a ON a.id = p.account_id AND a.kind IN ('balance', 'write_off')
		WHERE e.order_id = $1 AND e.kind = 'order_paid' OR e.credit_note_id IN (SELECT id FROM invoice WHERE order_id = $1)`, orderID)
	if documents != paid {
		s.t.Errorf("the documents say %d, the ledger %d", documents, paid)
	}
	if n := s.count(`SELECT count(*) FROM invoice i WHERE order_id = $1 AND kind = 'invoice' AND NOT EXISTS (SELECT FROM invoice r WHERE r.replaces_id = i.id)`, orderID); n != 1 {
		s.t.Errorf("%d invoices stand", n)
	}
}
