package app

import (
	"context"

	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/failpoint"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/store"
)

// IssueInvoice issues the invoice of a settled order, once: a second call finds
// it and does nothing. It is a short transaction of its own, so that nothing
// about a document can undo a payment; the number is its last lock. The PDF is
// drawn afterwards.
func (a *App) IssueInvoice(ctx context.Context, orderID string) error {
	content, err := a.issue(ctx, orderID)
	if err != nil {
		return err
	}
	failpoint.Here("invoice.committed")
	_, err = a.drawn(ctx, content)
	return err
}

// issue returns the frozen invoice of an order, issuing it where there is none.
func (a *App) issue(ctx context.Context, orderID string) ([]byte, error) {
	var content []byte
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		o, err := tx.LockOrder(ctx, orderID)
		if err != nil {
			return err
		}
		number, err := tx.InvoiceOfOrder(ctx, orderID)
		if err == nil {
			content, err = tx.InvoiceContent(ctx, number)
			return err
		}
		if !fault.Is(err, fault.NotFound) {
			return err
		}
		document, err := a.draftInvoice(ctx, tx, o)
		if err != nil {
			return err
		}
		if err := tx.AppendAudit(ctx, audit.Record{
			Actor: audit.ByJob("issue_invoice"), Action: "invoice.issued", ObjectKind: "order", ObjectID: orderID, PayerID: o.PayerID,
			Detail: map[string]any{"total_minor": document.Total, "currency": document.Currency},
		}); err != nil {
			return err
		}
		taken, err := tx.TakeNumber(ctx, document.Kind, document.IssueDate, a.seller.InvoicePrefix)
		if err != nil {
			return err
		}
		failpoint.Here("invoice.number")
		document.Number = invoice.Number(taken.Prefix, document.IssueDate.Year, taken.Seq)
		document.VerifyURL = a.verifyURL(document.Number)
		if content, err = document.Marshal(); err != nil {
			return err
		}
		return tx.InsertInvoice(ctx, taken, o.PayerID, orderID, document)
	})
	return content, err
}

// draftInvoice draws up the invoice of a settled order, as it is issued today but
// for its number.
func (a *App) draftInvoice(ctx context.Context, tx *store.Tx, o order.Order) (invoice.Document, error) {
	settled, err := tx.Settlement(ctx, o.ID)
	if err != nil {
		return invoice.Document{}, err
	}
	customer, err := tx.Account(ctx, o.CustomerID)
	if err != nil {
		return invoice.Document{}, err
	}
	service, err := tx.PeriodOfOrder(ctx, o.ID)
	if err != nil {
		return invoice.Document{}, err
	}
	method, err := settledBy(ctx, tx, o.ID)
	if err != nil {
		return invoice.Document{}, err
	}
	return a.taxInvoice(o, settled, customer, service, method, a.inZone(tx.Now()))
}

// settledBy is how a settled order was paid, which may be another way than it was
// to be paid: a renewal that has a bank invoice is charged to a saved card, and
// who gives a card page up pays by transfer.
func settledBy(ctx context.Context, tx *store.Tx, orderID string) (order.Method, error) {
	provider, err := tx.PaidThrough(ctx, orderID)
	switch provider {
	case payment.ProviderBank:
		return order.MethodBank, err
	case payment.ProviderBalance:
		return order.MethodBalance, err
	}
	return order.MethodCard, err
}
