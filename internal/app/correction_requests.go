package app

import (
	"context"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/support"
)

// CorrectionRequest is a request for a corrected invoice with the names that it
// is shown with.
type CorrectionRequest = store.CorrectionRequestOf

// StaffCorrection is such a request with everything that the people who decide
// about it look at.
type StaffCorrection struct {
	CorrectionRequest

	Document   invoice.Document // the invoice
	To         invoice.Party    // who is to stand on the new one
	Offer      *Correction      // what would be done now; nil once decided, or where Blocked says why nothing can be
	Blocked    error
	MayDecide  bool
	WhyNot     NotDeciding
	SecondEyes money.Amount // above which two people decide
}

// CorrectionRequestsOf returns the requests of the payers that the actor buys
// for, newest first.
func (a *App) CorrectionRequestsOf(ctx context.Context, actor account.Actor) ([]CorrectionRequest, error) {
	var rows []CorrectionRequest
	err := a.db.View(ctx, func(tx *store.Tx) error {
		var err error
		rows, err = tx.CorrectionRequestsOf(ctx, actor.AccountID)
		return err
	})
	return rows, err
}

// StaffCorrections returns requests for the back office: those that wait, the
// oldest first, then those decided last. Whose were shown is written to the audit
// log. For who is not staff: NotFound.
func (a *App) StaffCorrections(ctx context.Context, actor account.Actor) ([]CorrectionRequest, error) {
	var rows []CorrectionRequest
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		if err := staffNow(ctx, tx, actor); err != nil {
			return err
		}
		var err error
		if rows, err = tx.CorrectionRequests(ctx, actor.AccountID); err != nil {
			return err
		}
		ids := make([]string, len(rows))
		for i, r := range rows {
			ids[i] = r.ID
		}
		return looked(ctx, tx, actor, "page", "corrections", "", map[string]any{"shown": ids})
	})
	return rows, err
}

// StaffCorrection returns one request, or NotFound. That it was looked at is
// written to the audit log.
func (a *App) StaffCorrection(ctx context.Context, actor account.Actor, id string) (StaffCorrection, error) {
	var out StaffCorrection
	if !isUUID(id) {
		return out, fault.Missing("correction request")
	}
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		if err := staffNow(ctx, tx, actor); err != nil {
			return err
		}
		row, err := tx.CorrectionRequest(ctx, actor.AccountID, id)
		if err != nil {
			return err
		}
		out = StaffCorrection{CorrectionRequest: row, WhyNot: whyNotCorrect(actor, row), SecondEyes: a.seller.SecondEyes}
		out.To = partyOf(row.Buyer)
		out.MayDecide = row.State.Open() && out.WhyNot == ""
		of, err := tx.ToCorrect(ctx, row.InvoiceID)
		if err != nil {
			return err
		}
		if out.Document, err = invoice.Unmarshal(of.Content); err != nil {
			return err
		}
		if row.State.Open() {
			c, err := a.workOut(ctx, tx, of, row.Buyer)
			if err == nil {
				err = carriedOut(c)
			}
			switch {
			case err == nil:
				out.Offer, out.NeedsTwo = &c.Correction, out.NeedsTwo || c.NeedsTwo
			case fault.Is(err, fault.Conflict), fault.Is(err, fault.Invalid):
				out.Blocked = asConflict(err)
			default:
				return err
			}
		}
		return looked(ctx, tx, actor, "correction_request", row.ID, row.PayerID, nil)
	})
	return out, err
}

// AskVATCorrection asks, for the back office, to correct an invoice whose VAT the
// register contradicts, to the buyer that is on it, and returns the request: the one
// that waits, where there is one. Others decide about it, as about any.
//
// Errors: NotFound for who is not staff, and without such an invoice; Conflict where
// nothing contradicts it, and as of PreviewCorrection.
func (a *App) AskVATCorrection(ctx context.Context, staff account.Actor, number string) (id string, err error) {
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		if err := staffNow(ctx, tx, staff); err != nil {
			return err
		}
		of, err := tx.ToCorrectNumbered(ctx, number)
		if err != nil {
			return err
		}
		payer, err := tx.LockPayer(ctx, of.PayerID)
		if err != nil {
			return err
		}
		if _, err := tx.LockOrder(ctx, of.OrderID); err != nil {
			return err
		}
		if of, err = tx.ToCorrect(ctx, of.ID); err != nil { // as it is under the locks
			return err
		}
		open, err := tx.OpenCorrectionRequest(ctx, of.ID)
		if id = open.ID; !fault.Is(err, fault.NotFound) {
			return err
		}
		d, err := invoice.Unmarshal(of.Content)
		if err != nil {
			return err
		}
		c, err := a.workOut(ctx, tx, of, buyerOn(d, payer))
		if err != nil {
			return err
		}
		id, err = a.askCorrection(ctx, tx, staff, c)
		return err
	})
	return id, err
}

// buyerOn is a payer as it stands on a document.
func buyerOn(d invoice.Document, p account.Payer) account.Payer {
	b := d.Buyer
	p.Kind = account.KindCompany
	if b.Person {
		p.Kind = account.KindPerson
	}
	p.Name, p.CompanyCode, p.VATNumber, p.Email, p.POReference = b.Name, b.CompanyCode, b.VATNumber, b.Email, d.POReference
	p.Street, p.City, p.Postcode, p.Country = b.Street, b.City, b.Postcode, b.Country
	return p
}

func whyNotCorrect(actor account.Actor, r CorrectionRequest) NotDeciding {
	switch {
	case !r.State.Open():
		return ""
	case !actor.Staff.MayDecideMoney():
		return NotDecidingRole
	case r.AskedBy == actor.AccountID || r.MayBuy:
		return NotDecidingOwn
	case r.FirstBy == actor.AccountID:
		return NotDecidingSecond
	}
	return ""
}

// carriedOut is a Conflict for a correction that nobody can carry out yet.
func carriedOut(c correction) error {
	if c.Pending {
		return fault.New(fault.Conflict, "error.correction.unconfirmed")
	}
	return nil
}

// asConflict turns what is wrong with a form into what keeps a request from being
// carried out.
func asConflict(err error) error {
	if fault.Is(err, fault.Invalid) {
		return fault.Wrap(fault.Conflict, "error.correction.vat_invalid", err)
	}
	return err
}

// ApproveCorrection approves a request. Finance and admin decide; above the amount
// of the seller file two of them, and never who asked or buys for the payer. With
// the last approval it is worked out again and carried out in one transaction: a
// credit note, the new invoice, and the difference of the VAT to or from the
// payer's balance.
//
// Errors: NotFound and Forbidden as of mayDecide, Forbidden also for the second
// approval by the same person; Conflict for a request that is decided, for a VAT
// number that its register has not confirmed, and for VAT that the balance does
// not cover.
func (a *App) ApproveCorrection(ctx context.Context, staff account.Actor, id string) error {
	by := audit.ByAccount(staff.AccountID)
	return a.decideCorrection(ctx, staff, id, func(tx *store.Tx, r support.CorrectionRequest, o order.Order) error {
		of, err := tx.ToCorrect(ctx, r.InvoiceID)
		if err != nil {
			return err
		}
		c, err := a.workOut(ctx, tx, of, r.Buyer)
		if err == nil {
			err = carriedOut(c)
		}
		if err != nil {
			return asConflict(err)
		}
		r, last, err := r.Approved(staff.AccountID, c.Difference(), a.seller.SecondEyes, tx.Now())
		if err != nil {
			return err
		}
		if !last {
			if err := tx.SaveCorrectionRequest(ctx, r); err != nil {
				return err
			}
			return auditCorrection(ctx, tx, by, "correction_request.approved_once", r, c.Difference())
		}
		if err := auditCorrection(ctx, tx, by, "correction_request.done", r, c.Difference()); err != nil {
			return err
		}
		_, replacement, err := a.correct(ctx, tx, c, o, by)
		if err != nil {
			return err
		}
		return tx.SaveCorrectionRequest(ctx, r.Done(replacement, tx.Now()))
	})
}

// RejectCorrection refuses a request, for a reason that the payer is shown. Who
// may approve it may reject it, alone.
func (a *App) RejectCorrection(ctx context.Context, staff account.Actor, id, reason string) error {
	return a.decideCorrection(ctx, staff, id, func(tx *store.Tx, r support.CorrectionRequest, _ order.Order) error {
		r, err := r.Rejected(staff.AccountID, clip(CleanText(reason), maxRefundReason), tx.Now())
		if err != nil {
			return err
		}
		if err := tx.SaveCorrectionRequest(ctx, r); err != nil {
			return err
		}
		return auditCorrection(ctx, tx, audit.ByAccount(staff.AccountID), "correction_request.rejected", r, r.Difference())
	})
}

// WithdrawCorrectionRequest takes a request back before it is decided. Who buys
// for the payer may; for everybody else it is NotFound.
func (a *App) WithdrawCorrectionRequest(ctx context.Context, actor account.Actor, id string) error {
	if !isUUID(id) {
		return fault.Missing("correction request")
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		seen, err := tx.CorrectionRequest(ctx, actor.AccountID, id)
		if err != nil {
			return err
		}
		if !seen.MayBuy {
			return fault.Missing("correction request")
		}
		if _, err := tx.LockPayer(ctx, seen.PayerID); err != nil {
			return err
		}
		locked, err := tx.LockCorrectionRequest(ctx, actor.AccountID, id)
		if err != nil {
			return err
		}
		r, err := locked.Withdrawn(tx.Now())
		if err != nil {
			return err
		}
		if err := tx.SaveCorrectionRequest(ctx, r); err != nil {
			return err
		}
		return auditCorrection(ctx, tx, audit.ByAccount(actor.AccountID), "correction_request.withdrawn", r, r.Difference())
	})
}

// decideCorrection runs f with the payer, the order and the request locked, for
// staff who may decide about it.
func (a *App) decideCorrection(ctx context.Context, staff account.Actor, id string, f func(*store.Tx, support.CorrectionRequest, order.Order) error) error {
	if !isUUID(id) {
		return fault.Missing("correction request")
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		if err := a.mayDecide(ctx, tx, staff); err != nil {
			return err
		}
		seen, err := tx.CorrectionRequest(ctx, staff.AccountID, id)
		if err != nil {
			return err
		}
		if _, err := tx.LockPayer(ctx, seen.PayerID); err != nil {
			return err
		}
		of, err := tx.ToCorrect(ctx, seen.InvoiceID)
		if err != nil {
			return err
		}
		o, err := tx.LockOrder(ctx, of.OrderID)
		if err != nil {
			return err
		}
		r, err := tx.LockCorrectionRequest(ctx, staff.AccountID, id)
		switch {
		case err != nil:
			return err
		case !r.State.Open():
			return fault.New(fault.Conflict, "error.refund.decided")
		case r.MayBuy: // one's own money
			return fault.New(fault.Forbidden, "error.correction.own")
		}
		return f(tx, r.CorrectionRequest, o)
	})
}

func auditCorrection(ctx context.Context, tx *store.Tx, by audit.Actor, action string, r support.CorrectionRequest, difference money.Amount) error {
	return tx.AppendAudit(ctx, audit.Record{
		Actor: by, Action: action, ObjectKind: "correction_request", ObjectID: r.ID, PayerID: r.PayerID,
		Detail: map[string]any{"difference_minor": difference, "currency": r.Currency, "reason": r.RejectReason},
	})
}
