package app

import (
	"context"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/subscription"
)

// enter stores a payment at one of our own providers as it ends, with what was
// received, in the transaction that moves the money: it begins there, too, and its
// history is one line. The ledger is the caller's: a bank entry has an entry of
// its own, and what is paid from the balance stands there already. That nothing
// else pays the same is the caller's to see to, and the database's.
func enter(tx *store.Tx, p payment.Payment, received money.Amount, from store.PaymentSource) error {
	p.ID, p.State, p.AttemptNo = payment.ID(store.NewID()), payment.Created, 1
	ended, _, err := payment.Entered(p, received, tx.Now())
	if err != nil {
		return err
	}
	tx.InsertEntered(ended, from)
	return nil
}

// enterBalance writes down that an order is paid from the balance.
func enterBalance(tx *store.Tx, o order.Order, payable payment.Payable, total money.Amount, by payment.Initiator) error {
	from := store.FromOperator
	if by == payment.ByMerchant {
		from = store.FromClock
	}
	return enter(tx, payment.Payment{
		PayerID: o.PayerID, Payable: payable, OrderID: o.ID, Provider: payment.ProviderBalance, Account: payment.AccountBalance,
		Initiator: by, Amount: money.Of(total, o.Currency),
	}, total, from)
}

// enterTransfer writes down a bank entry that pays an order. Where a payment of
// it is on its way elsewhere, or the entry is only the last part of the amount, the
// entry is a top-up: the order is paid from the balance all the same, and a
// checkout that is open is closed. Everything is locked.
func (a *App) enterTransfer(ctx context.Context, tx *store.Tx, iban bank.IBAN, e bank.Entry, o order.Order, live *subscription.Subscription, total money.Amount, part bool) error {
	payable, err := payableOf(ctx, tx, o, live)
	if err != nil {
		return err
	}
	free, err := a.free(ctx, tx, payable)
	if err != nil {
		return err
	}
	received := money.Of(e.Amount, o.Currency)
	if !free || part {
		return enterTopUp(tx, iban, e, o.PayerID, received)
	}
	capabilities, _ := payment.OwnCapabilities(payment.ProviderBank)
	return enter(tx, payment.Payment{
		PayerID: o.PayerID, Payable: payable, OrderID: o.ID, Provider: payment.ProviderBank, Account: string(iban), Ref: e.Key,
		Initiator: payment.ByPayer, Amount: money.Of(total, o.Currency), MayUnderpay: capabilities.MayUnderpay,
		Tolerated: min(bank.ShortfallAccepted, total-1),
	}, received.Amount, store.FromLookup)
}

// enterTopUp writes down a bank entry that pays nothing but the balance.
func enterTopUp(tx *store.Tx, iban bank.IBAN, e bank.Entry, payer account.PayerID, received money.Money) error {
	return enter(tx, payment.Payment{
		PayerID: payer, Payable: payment.Payable{Kind: payment.PayableTopUp}, Provider: payment.ProviderBank, Account: string(iban), Ref: e.Key,
		Initiator: payment.ByPayer, Amount: received, MayUnderpay: true,
	}, received.Amount, store.FromLookup)
}

// free reports whether a payable may have a new payment. One that was not sent
// makes way.
func (a *App) free(ctx context.Context, tx *store.Tx, payable payment.Payable) (bool, error) {
	p, err := tx.LivePaymentOf(ctx, payable)
	if fault.Is(err, fault.NotFound) {
		return true, nil
	} else if err != nil {
		return false, err
	}
	if p, err = tx.LockPayment(ctx, p.ID); err != nil {
		return false, err
	}
	switch {
	case p.State == payment.Created && p.SentAt.IsZero():
		return true, a.supersede(ctx, tx, p, "paid_otherwise")
	case p.State.Terminal() && p.State != payment.Succeeded: // it ended meanwhile
		return true, nil
	}
	return false, nil
}
