package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/ledger"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/notice"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/support"
	"github.com/siptg/portal/internal/vat"
)

// CorrectionInput is the form of a correction as typed. Language and currency
// stay those of the invoice.
type CorrectionInput struct {
	PayerInput

	Token       string // of the Correction that was shown
	SaveProfile bool   // use the details for what comes, too
}

// Correctable is an invoice whose buyer may be corrected.
type Correctable struct {
	Document invoice.Document
	Payer    account.Payer // the billing details as they are now
	Blocked  error         // why it cannot be; nil where it can
	Open     string        // id of a request about it that waits for a decision; empty for none
}

// Correction is what the correction of an invoice would do: a credit note of what
// is left of it, and an invoice to another buyer in its place.
type Correction struct {
	Payer       account.PayerID
	Document    invoice.Document // as it was issued
	Buyer       invoice.Party    // as it is to be
	POReference string
	Net         money.Amount // of what is corrected
	OldVAT      money.Amount
	NewVAT      money.Amount
	VAT         invoice.VATLine // treatment of the sale to this buyer, with its figures
	Rest        bool            // a part was credited before; the rest is corrected
	SameTax     bool            // no money moves: it is done at once. Else people decide
	Pending     bool            // the tax register has not confirmed the VAT number yet
	NeedsTwo    bool            // people to decide
	Forgiven    money.Amount    // of the difference, what had not been paid
	Short       money.Amount    // what the balance lacks for VAT that is to be paid
	Token       string
}

// Difference is how much less VAT there is, below zero where there is more.
func (c Correction) Difference() money.Amount { return c.OldVAT - c.NewVAT }

// Back is what comes to the balance: VAT that was paid and is none any more.
func (c Correction) Back() money.Amount { return max(0, c.Difference()-c.Forgiven) }

// Extra is VAT that is to be paid.
func (c Correction) Extra() money.Amount { return max(0, -c.Difference()) }

// OldTotal is that of the credit note, NewTotal that of the new invoice.
func (c Correction) OldTotal() money.Amount { return c.Net + c.OldVAT }

// NewTotal is Net and NewVAT.
func (c Correction) NewTotal() money.Amount { return c.Net + c.NewVAT }

// Corrected is what a correction did: two documents, or a request.
type Corrected struct {
	Invoice    string // number of the new one
	CreditNote string // number
	Request    string // id, where people decide
}

// Correctable returns an invoice of one of the actor's payers, and why it cannot
// be corrected, if so.
//
// Errors: NotFound for what the actor does not see; Forbidden for who may not
// buy for the payer.
func (a *App) Correctable(ctx context.Context, actor account.Actor, number string) (Correctable, error) {
	var out Correctable
	err := a.db.View(ctx, func(tx *store.Tx) error {
		of, payer, err := correctedBy(ctx, tx, actor, number, tx.PayerOf)
		if err != nil {
			return err
		}
		out.Payer = payer
		if out.Document, err = invoice.Unmarshal(of.Content); err != nil {
			return err
		}
		out.Blocked = mayBeCorrected(of)
		open, err := tx.OpenCorrectionRequest(ctx, of.ID)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		out.Open = open.ID
		return err
	})
	return out, err
}

// InvoiceStands says of an invoice of one of the actor's payers whether the actor
// may have it corrected, and which one replaces it, if any.
func (a *App) InvoiceStands(ctx context.Context, actor account.Actor, number string) (fixable bool, replacedBy string, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) error {
		of, _, err := correctedBy(ctx, tx, actor, number, tx.PayerOf)
		replacedBy = of.ReplacedBy
		fixable = err == nil && mayBeCorrected(of) == nil
		if fault.Is(err, fault.Forbidden) {
			return nil
		}
		return err
	})
	return fixable, replacedBy, err
}

// correctedBy returns an invoice and its payer, read by payerOf, for somebody who
// may have it corrected.
func correctedBy(ctx context.Context, tx *store.Tx, actor account.Actor, number string, payerOf func(context.Context, account.ID, account.PayerID) (store.PayerOf, error)) (store.ToCorrect, account.Payer, error) {
	of, err := tx.ToCorrectOf(ctx, actor.AccountID, number)
	if err != nil {
		return of, account.Payer{}, err
	}
	payer, err := payerOf(ctx, actor.AccountID, of.PayerID)
	if err == nil && !payer.Role.MayBuy() {
		err = fault.New(fault.Forbidden, "error.correction.role")
	}
	return of, payer.Payer, err
}

// mayBeCorrected is a Conflict for a document that cannot be corrected: one that
// is no invoice, was replaced, or of which nothing is left.
func mayBeCorrected(of store.ToCorrect) error {
	switch {
	case of.Kind != invoice.KindInvoice:
		return fault.New(fault.Conflict, "error.correction.kind")
	case of.ReplacedBy != "":
		return &fault.Error{Kind: fault.Conflict, Key: "error.correction.replaced", Args: fault.Args{"Number": of.ReplacedBy}}
	case of.Credited == of.Base:
		return fault.New(fault.Conflict, "error.correction.credited")
	}
	return nil
}

// PreviewCorrection works out what the correction of an invoice to these details
// would do. Nothing happens yet.
//
// Errors: as of Correctable; Invalid for details that are none, or a VAT number
// that its register does not know; Conflict for an invoice that cannot be
// corrected, for details that change nothing, and for a sale that cannot be taxed.
func (a *App) PreviewCorrection(ctx context.Context, actor account.Actor, number string, in CorrectionInput) (Correction, error) {
	var out Correction
	err := a.db.View(ctx, func(tx *store.Tx) error {
		of, payer, err := correctedBy(ctx, tx, actor, number, tx.PayerOf)
		if err != nil {
			return err
		}
		buyer, err := a.correctedBuyer(in, payer)
		if err != nil {
			return err
		}
		c, err := a.workOut(ctx, tx, of, buyer)
		out = c.Correction
		return err
	})
	return out, err
}

// correctedBuyer reads the form: the payer with the details that were typed.
func (a *App) correctedBuyer(in CorrectionInput, payer account.Payer) (account.Payer, error) {
	in.Language, in.Currency = payer.Language, ""
	typed, fields := a.parsePayer(in.PayerInput)
	if err := fields.Err(); err != nil {
		return payer, err
	}
	buyer := payer
	buyer.Kind, buyer.Name, buyer.CompanyCode, buyer.VATNumber = typed.Kind, typed.Name, typed.CompanyCode, typed.VATNumber
	buyer.Street, buyer.City, buyer.Postcode, buyer.Country = typed.Street, typed.City, typed.Postcode, typed.Country
	buyer.Email, buyer.POReference = typed.Email, typed.POReference
	return buyer, nil
}

// correction is a Correction with what carries it out.
type correction struct {
	Correction

	of          store.ToCorrect
	buyer       account.Payer
	note        invoice.Document // both complete but for their numbers
	replacement invoice.Document
}

// workOut works a correction out. What of the invoice was credited before stays
// so; the rest is corrected.
func (a *App) workOut(ctx context.Context, tx *store.Tx, of store.ToCorrect, buyer account.Payer) (correction, error) {
	c := correction{of: of, buyer: buyer}
	c.Payer = of.PayerID
	if err := mayBeCorrected(of); err != nil {
		return c, err
	}
	var err error
	if c.Document, err = invoice.Unmarshal(of.Content); err != nil {
		return c, err
	}
	c.Buyer, c.POReference = partyOf(buyer), buyer.POReference
	c.Net, c.OldVAT = of.Base-of.Credited, of.VAT-of.VATBefore
	if c.VAT, c.Pending, err = a.taxAgain(ctx, tx, c); err != nil {
		return c, err
	}
	sameBuyer := c.Buyer == c.Document.Buyer && c.POReference == c.Document.POReference
	if sameBuyer && !c.Pending && invoice.SameTax(c.VAT, c.Document.VAT[0]) {
		return c, fault.New(fault.Conflict, "error.correction.nothing")
	}
	if c.VAT.Category == vat.CategoryStandard && c.Document.Currency != money.EUR && c.Document.Exchange == nil { // as taxOn
		return c, fault.New(fault.Conflict, "error.correction.currency")
	}
	c.SameTax, c.Rest = invoice.SameTax(c.VAT, c.Document.VAT[0]) && !c.Pending, c.Net < c.Document.Net
	if err := a.drawUp(ctx, tx, &c); err != nil {
		return c, err
	}
	c.NeedsTwo = max(c.Difference(), -c.Difference()) > a.seller.SecondEyes
	if extra := c.Extra(); extra > 0 {
		available, err := tx.Available(ctx, of.PayerID, c.Document.Currency)
		if err != nil {
			return c, err
		}
		c.Short = max(0, extra-available)
	}
	c.Token, err = c.token()
	return c, err
}

// drawUp draws up both documents of a correction, without their numbers.
func (a *App) drawUp(ctx context.Context, tx *store.Tx, c *correction) error {
	today := a.inZone(tx.Now())
	r := invoice.Replacement{
		IssueDate: today, Buyer: c.Buyer, POReference: c.POReference, Net: c.Net, CreditedBase: c.of.Credited, CreditedAmount: c.of.VATBefore, VAT: c.VAT,
	}
	reason := "doc.correct.reason"
	if !c.SameTax {
		reason = "doc.correct.reason_tax"
	}
	r.Reason, r.ReasonAlso = inBoth(c.Document, func(t i18n.Translator) string { return t.T(reason) })
	r.Description, r.DescriptionAlso = inBoth(c.Document, func(t i18n.Translator) string {
		on := c.Document.IssueDate
		return t.T("doc.correct.rest", "Number", c.Document.Number, "Date", t.DateShort(on.Year, on.Month, on.Day))
	})
	var err error
	c.replacement, err = invoice.NewReplacement(c.Document, r)
	if err != nil {
		return err
	}
	c.VAT, c.NewVAT = c.replacement.VAT[0], c.replacement.VATTotal
	if back := c.Difference(); back > 0 {
		settled, err := tx.Settlement(ctx, c.of.OrderID)
		if err != nil {
			return err
		}
		before, err := tx.Credited(ctx, c.of.OrderID)
		if err != nil {
			return err
		}
		c.Forgiven = min(back, settled.Shortfall-before.Forgiven)
	}
	total := c.Net + c.OldVAT
	applied := min(total, c.replacement.Total)
	credit := invoice.Credit{
		IssueDate: today, Net: c.Net, CreditedBase: c.of.Credited, CreditedAmount: c.of.VATBefore, Reason: r.Reason, ReasonAlso: r.ReasonAlso,
		Returned: invoice.Returned{Applied: applied, Forgiven: c.Forgiven, Balance: total - applied - c.Forgiven},
	}
	credit.Description, credit.DescriptionAlso = inBoth(c.Document, func(t i18n.Translator) string { return t.T("doc.credit.rest") })
	c.note, err = invoice.NewCreditNote(c.Document, credit)
	if err == nil && (c.note.VATTotal != c.OldVAT || c.SameTax && c.NewVAT != c.OldVAT) {
		err = fmt.Errorf("app: the correction of %s credits VAT of %d and invoices %d, not %d", c.of.Number, c.note.VATTotal, c.NewVAT, c.OldVAT)
	}
	return err
}

// token names what was shown. What has changed since is not carried out.
func (c correction) token() (string, error) {
	content, err := json.Marshal(struct {
		Number, Buyer      any
		Base, VAT          money.Amount
		Old, New, Forgiven money.Amount
		Line               invoice.VATLine
		SameTax, Pending   bool
	}{c.of.Number, c.buyer, c.of.Credited, c.of.VATBefore, c.OldVAT, c.NewVAT, c.Forgiven, c.VAT, c.SameTax, c.Pending})
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:16]), err
}

// taxAgain decides the VAT of a sale to the corrected buyer, on the day of the
// supply. Where nothing changes that it follows from, what was decided then
// stands, unless the register contradicts it: one that has not answered lately
// changes nothing (I28). A VAT number that would change the tax and is not confirmed
// is taken for valid, and pending is true: nobody carries that out before the
// register has answered.
func (a *App) taxAgain(ctx context.Context, tx *store.Tx, c correction) (line invoice.VATLine, pending bool, err error) {
	was, on := c.Document.VAT[0], c.Document.TaxPoint
	facts, err := taxOf(ctx, tx, c.buyer)
	if err != nil {
		return line, false, err
	}
	if sameFacts(c.Document.Buyer, c.Buyer) {
		wrong, err := a.contradicted(ctx, tx, c, facts.VATCheck)
		if err != nil || !wrong {
			return was, false, err
		}
	}
	if facts.VATCheck == "invalid" && c.Buyer.VATNumber != c.Document.Buyer.VATNumber {
		return line, false, fault.Fields{{Name: "vat_number", Key: "error.correction.vat_invalid"}}.Err()
	}
	var sold store.Turnover
	if a.turnoverCounts(on) {
		if sold, err = tx.TurnoverBefore(ctx, on, c.of.OrderID); err != nil {
			return line, false, err
		}
	}
	decide := func(facts store.PayerTax) (invoice.VATLine, error) {
		t, err := a.treatAfter(sold, facts, c.Net, on)
		return invoice.LineOf(t, c.Document.Language), err
	}
	line, err = decide(facts)
	if facts.VATNumber == "" || facts.VATCheck != "" {
		return line, false, err
	}
	facts.VATCheck = "valid"
	confirmedLine, errConfirmed := decide(facts)
	if errConfirmed != nil || err == nil && invoice.SameTax(line, confirmedLine) {
		return line, false, err
	}
	return confirmedLine, true, nil
}

// contradicted reports whether an answer of the register contradicts how an invoice
// to this buyer is taxed: the number is valid and there is no reverse charge, or
// there is, and the answer that the settlement waited for was "invalid" and is that
// still. An answer about another day says nothing about the sale.
func (a *App) contradicted(ctx context.Context, tx *store.Tx, c correction, answer string) (bool, error) {
	reverse := c.Document.VAT[0].Category == vat.CategoryReverse
	switch {
	case c.Buyer.Person || !a.vatMatters(c.buyer):
		return false, nil
	case answer == "valid":
		return !reverse, nil
	case answer == "invalid" && reverse:
		return tx.SettledOnInvalid(ctx, c.of.OrderID, c.Buyer.VATNumber)
	}
	return false, nil
}

// sameFacts reports whether two buyers are the same as far as VAT is concerned.
func sameFacts(a, b invoice.Party) bool {
	return a.Person == b.Person && a.VATNumber == b.VATNumber && a.Country == b.Country &&
		vat.Territory(a.Country, a.Postcode) == vat.Territory(b.Country, b.Postcode)
}

// CorrectInvoice corrects the buyer of an invoice as it was shown under the token.
// Where the tax stays the same, a credit note of what is left and the new invoice
// are issued in one transaction. Where it changes, a request is written down that
// people decide about. The same form sent twice is one correction.
//
// Errors: as of PreviewCorrection; Conflict with key error.correction.moved when
// what was shown no longer holds, and with error.correction.one_open while people
// decide about another correction of the invoice.
func (a *App) CorrectInvoice(ctx context.Context, actor account.Actor, number string, in CorrectionInput) (Corrected, error) {
	var (
		done  Corrected
		ask   bool // the register, about the number
		asked account.PayerID
	)
	by := audit.ByAccount(actor.AccountID)
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		done, ask = Corrected{}, false
		of, payer, err := correctedBy(ctx, tx, actor, number, tx.LockPayerOf)
		if err != nil {
			return err
		}
		buyer, err := a.correctedBuyer(in, payer)
		if err != nil {
			return err
		}
		o, err := tx.LockOrder(ctx, of.OrderID)
		if err != nil {
			return err
		}
		if of, err = tx.ToCorrect(ctx, of.ID); err != nil { // as it is under the locks
			return err
		}
		if of.ReplacedBy != "" {
			done, err = a.correctedAlready(ctx, tx, of, buyer)
			return err
		}
		open, err := tx.OpenCorrectionRequest(ctx, of.ID)
		isOpen := err == nil
		if isOpen && open.Buyer == buyer { // the same form again
			done.Request = open.ID
			return nil
		}
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		c, err := a.workOut(ctx, tx, of, buyer)
		if err != nil {
			return err
		}
		if c.Token != in.Token {
			return fault.New(fault.Conflict, "error.correction.moved")
		}
		if isOpen {
			return fault.New(fault.Conflict, "error.correction.one_open")
		}
		if in.SaveProfile && buyer != payer {
			if err := tx.SavePayer(ctx, buyer); err != nil {
				return err
			}
			if err := a.askBillingAddress(ctx, tx, actor, buyer); err != nil {
				return err
			}
			if err := a.auditPayer(ctx, tx, actor, payer.ID, "payer.changed"); err != nil {
				return err
			}
			asked = buyer.ID
			if ask, err = a.inquire(ctx, tx, buyer); err != nil { // as where billing details are saved
				return err
			}
		}
		if !c.SameTax {
			done.Request, err = a.askCorrection(ctx, tx, actor, c)
			return err
		}
		done, _, err = a.correct(ctx, tx, c, o, by)
		return err
	})
	if err == nil && ask {
		a.askNow(ctx, actor, asked)
	}
	return done, err
}

// correctedAlready is the outcome for an invoice that was replaced: the same one
// for the same details, else a Conflict that names what is there.
func (a *App) correctedAlready(ctx context.Context, tx *store.Tx, of store.ToCorrect, buyer account.Payer) (Corrected, error) {
	content, err := tx.InvoiceContent(ctx, of.ReplacedBy)
	if err != nil {
		return Corrected{}, err
	}
	d, err := invoice.Unmarshal(content)
	if err != nil {
		return Corrected{}, err
	}
	if d.Buyer != partyOf(buyer) || d.POReference != buyer.POReference {
		return Corrected{}, mayBeCorrected(of)
	}
	return Corrected{Invoice: d.Number, CreditNote: d.Corrects.CreditNote}, nil
}

// askCorrection writes a request down. It is Forbidden to nobody and costs
// nothing; until people have decided nothing happens.
func (a *App) askCorrection(ctx context.Context, tx *store.Tx, actor account.Actor, c correction) (string, error) {
	id, err := tx.InsertCorrectionRequest(ctx, support.CorrectionRequest{
		PayerID: c.of.PayerID, InvoiceID: c.of.ID, AskedBy: actor.AccountID, Buyer: c.buyer, Currency: c.Document.Currency,
		Net: c.Net, OldVAT: c.OldVAT, NewVAT: c.NewVAT, NeedsTwo: c.NeedsTwo,
	})
	if err != nil {
		return "", err
	}
	return id, tx.AppendAudit(ctx, audit.Record{
		Actor: audit.ByAccount(actor.AccountID), Action: "correction_request.asked", ObjectKind: "correction_request", ObjectID: id, PayerID: c.of.PayerID,
		Detail: map[string]any{"invoice": c.of.Number, "difference_minor": c.Difference(), "currency": c.Document.Currency, "treatment": c.VAT.Treatment},
	})
}

// correct carries a correction out, in the caller's transaction: the ledger, audit,
// both documents with the next numbers of their series, the jobs that draw them,
// and the notice. Payer and order are locked. It returns the id of the new invoice.
func (a *App) correct(ctx context.Context, tx *store.Tx, c correction, o order.Order, by audit.Actor) (done Corrected, id string, err error) {
	if c.Short > 0 {
		return done, "", &fault.Error{
			Kind: fault.Conflict, Key: "error.correction.balance", Args: fault.Args{"Amount": money.Of(c.Short, c.Document.Currency)},
		}
	}
	if c.Back() > 0 { // what a disputed payment paid waits, as refunds do
		if disputed, err := tx.OrderDisputed(ctx, o.ID); err != nil {
			return done, "", err
		} else if disputed {
			return done, "", fault.New(fault.Conflict, "error.refund.disputed")
		}
	}
	noteID := store.NewID()
	id = store.NewID()
	if err := tx.AppendEntry(ctx, ledger.Corrected(c.of.PayerID, c.Document.Currency, c.Net, c.OldVAT, c.NewVAT, c.Forgiven, noteID, tx.Now())); err != nil {
		return done, "", err
	}
	for _, r := range []audit.Record{
		{Action: "credit_note.issued", ObjectKind: "credit_note", ObjectID: noteID, Detail: map[string]any{
			"corrects": c.of.Number, "total_minor": c.note.Total, "currency": c.note.Currency,
		}},
		{Action: "invoice.corrected", ObjectKind: "invoice", ObjectID: id, Detail: map[string]any{
			"replaces": c.of.Number, "total_minor": c.replacement.Total, "currency": c.replacement.Currency, "treatment": c.VAT.Treatment,
			"difference_minor": c.Difference(),
		}},
	} {
		r.Actor, r.PayerID = by, c.of.PayerID
		if err := tx.AppendAudit(ctx, r); err != nil {
			return done, "", err
		}
	}
	if err := a.issueCorrection(ctx, tx, &c, noteID, id); err != nil {
		return done, "", err
	}
	done.CreditNote, done.Invoice = c.note.Number, c.replacement.Number
	return done, id, a.notify(ctx, tx, notice.Notice{
		Key: "invoice_corrected " + id, Kind: notice.InvoiceCorrected, PayerID: c.of.PayerID, OrderNumber: o.Number,
		Facts: notice.Facts{
			Plan: string(o.Selection.Plan), Document: done.Invoice, CreditNote: done.CreditNote, Currency: c.Document.Currency, On: c.note.IssueDate,
			Amount: c.note.Returned.Balance,
		},
	})
}

// issueCorrection takes both numbers and issues both documents, each of which
// names the other.
func (a *App) issueCorrection(ctx context.Context, tx *store.Tx, c *correction, noteID, id string) error {
	issued := c.note.IssueDate
	noteTaken, err := tx.TakeNumber(ctx, invoice.KindCreditNote, issued, a.seller.CreditPrefix)
	if err != nil {
		return err
	}
	taken, err := tx.TakeNumber(ctx, invoice.KindInvoice, issued, a.seller.InvoicePrefix)
	if err != nil {
		return err
	}
	c.note.Number = invoice.Number(noteTaken.Prefix, issued.Year, noteTaken.Seq)
	c.replacement.Number = invoice.Number(taken.Prefix, issued.Year, taken.Seq)
	c.note.VerifyURL, c.replacement.VerifyURL = a.verifyURL(c.note.Number), a.verifyURL(c.replacement.Number)
	c.note.Corrects.ReplacedBy, c.replacement.Corrects.CreditNote = c.replacement.Number, c.note.Number
	if err := tx.InsertCreditNote(ctx, noteTaken, noteID, c.of.ID, c.of.PayerID, c.of.OrderID, c.note); err != nil {
		return err
	}
	if err := tx.InsertReplacement(ctx, taken, id, c.of.ID, c.of.PayerID, c.of.OrderID, c.replacement); err != nil {
		return err
	}
	proof, err := proofOf(ctx, tx, c)
	if err != nil {
		return err
	}
	if proof != 0 {
		tx.InsertInvoiceProof(id, proof)
	}
	if err := a.queue.DrawDocument(ctx, tx, c.note.Number); err != nil {
		return err
	}
	return a.queue.DrawDocument(ctx, tx, c.replacement.Number)
}

// proofOf is the answer of the register that the reverse charge of the new invoice
// stands on: the one that it was decided on, or that of the invoice it replaces
// where nothing was decided anew. Zero where there is none to stand on.
func proofOf(ctx context.Context, tx *store.Tx, c *correction) (int64, error) {
	was, is := c.Document.VAT[0], c.replacement.VAT[0]
	if is.Category != vat.CategoryReverse {
		return 0, nil
	}
	if was.Category == vat.CategoryReverse && sameFacts(c.Document.Buyer, c.Buyer) {
		return tx.ProofOfInvoice(ctx, c.of.ID, c.Buyer.VATNumber)
	}
	facts, err := taxOf(ctx, tx, c.buyer)
	return facts.CheckID, err
}
