package app

import (
	"context"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/store"
)

// IssueReceipts issues the receipt of every top-up that has none. A top-up is no sale, so it gets no invoice
// (vat.md 1.7): VAT arises when it is spent.
func (a *App) IssueReceipts(ctx context.Context) error {
	for {
		var waiting []store.TopUp
		err := a.db.View(ctx, func(tx *store.Tx) error {
			var err error
			waiting, err = tx.TopUpsWithoutReceipt(ctx)
			return err
		})
		if err != nil {
			return err
		}
		if len(waiting) == 0 {
			return nil
		}
		for _, t := range waiting {
			if err := a.issueReceipt(ctx, t); err != nil {
				return err
			}
		}
	}
}

// issueReceipt issues the receipt of a top-up, once: a second call finds it and
// does nothing. As with invoices it is a short transaction of its own, of which
// the number is the last lock. The PDF is drawn afterwards.
func (a *App) issueReceipt(ctx context.Context, t store.TopUp) error {
	var content []byte
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		content = nil
		payer, err := tx.LockPayer(ctx, account.PayerID(t.PayerID))
		if err != nil {
			return err
		}
		t, err := tx.TopUpWithoutReceipt(ctx, t.EntryID)
		if fault.Is(err, fault.NotFound) { // another worker was quicker
			return nil
		} else if err != nil {
			return err
		}
		document, err := a.receipt(ctx, tx, t, payer)
		if err != nil {
			return err
		}
		if err := tx.AppendAudit(ctx, audit.Record{
			Actor: audit.ByJob("issue_receipts"), Action: "receipt.issued", ObjectKind: "payer", ObjectID: string(payer.ID), PayerID: payer.ID,
			Detail: map[string]any{"entry": t.EntryID, "amount_minor": document.Total, "currency": document.Currency},
		}); err != nil {
			return err
		}
		taken, err := tx.TakeNumber(ctx, invoice.KindReceipt, document.IssueDate, a.seller.ReceiptPrefix)
		if err != nil {
			return err
		}
		document.Number = invoice.Number(taken.Prefix, document.IssueDate.Year, taken.Seq)
		if content, err = document.Marshal(); err != nil {
			return err
		}
		return tx.InsertReceipt(ctx, taken, payer.ID, t.EntryID, document)
	})
	if err != nil || content == nil {
		return err
	}
	_, err = a.drawn(ctx, content)
	return err
}

// receipt draws up the receipt of a top-up; its number is taken last.
func (a *App) receipt(ctx context.Context, tx *store.Tx, t store.TopUp, payer account.Payer) (invoice.Document, error) {
	header := invoice.Document{
		Language: payer.Language, Also: secondLanguage(payer), IssueDate: a.inZone(tx.Now()), Seller: a.seller.partyOn(a.inZone(tx.Now())), Buyer: partyOf(payer),
		Payment: invoice.Payment{Method: t.Method, PaidOn: a.inZone(t.At), From: t.FromName},
	}
	if t.Method == "bank" {
		header.Payment.PaidOn = civil.DateOf(t.BookedOn, t.BookedOn.Location())
		reference, err := tx.TopUpReference(ctx, payer.ID)
		if err != nil && !fault.Is(err, fault.NotFound) { // who has none was given the money by a person
			return invoice.Document{}, err
		}
		header.Reference = reference
	}
	return invoice.NewReceipt(header, t.Amount())
}

// ReceiptFile returns the PDF of a receipt: the stored bytes, drawn once from
// the frozen document.
func (a *App) ReceiptFile(ctx context.Context, actor account.Actor, number string) (File, error) {
	var d store.ReadDocument
	err := a.db.View(ctx, func(tx *store.Tx) error {
		var err error
		d, err = tx.ReceiptOf(ctx, actor.AccountID, number)
		return err
	})
	if err != nil {
		return File{}, err
	}
	if err := a.noteView(ctx, actor, d, number, "pdf"); err != nil {
		return File{}, err
	}
	return a.drawn(ctx, d.Content)
}
