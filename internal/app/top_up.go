package app

import (
	"context"
	"strings"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/ledger"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/pdf"
	"github.com/siptg/portal/internal/store"
)

// What may be topped up at once, in minor units.
const (
	minTopUp money.Amount = 1_00
	maxTopUp money.Amount = 10_000_00
)

// lastMovements is how many movements the page of the balance shows.
const lastMovements = 10

// Balance is what a payer has with us.
type Balance struct {
	Payer    store.PayerOf
	Payers   []store.PayerOf // all of the actor's
	Currency money.Currency
	Amount   money.Amount // positive in the payer's favour
	Limit    money.Amount // how far below nothing it may go
	Last     []Movement   // newest first; After is not set
	MayTopUp bool         // by transfer: the actor may, and there is a bank account for it
	ByCard   bool         // by card
	TopUp    *TopUp       // how to pay in; nil until asked for, and for who may not
}

// Available is what can be spent.
func (b Balance) Available() money.Amount { return b.Amount + b.Limit }

// TopUp is how to pay money in.
type TopUp struct {
	Reference bank.Reference
	Account   BankAccount
	Amount    money.Amount // zero for any
	EPC       string       // what the QR code says; empty without an amount, and in a currency that has none
}

// QR is the EPC QR code; nil where there is none.
func (t TopUp) QR() *pdf.Code { return pdf.EPCCode(t.EPC) }

// ParseTopUp reads an amount as people type it: "50", "50.00" or "50,00".
// Failure is Invalid on the field "amount".
func ParseTopUp(typed string) (money.Amount, error) {
	var fields fault.Fields
	typed = strings.ReplaceAll(strings.TrimSpace(typed), ",", ".")
	if typed == "" {
		fields.Add("amount", "error.required", nil)
		return 0, fields.Err()
	}
	amount, err := money.ParseDecimal(typed)
	if err != nil || amount < minTopUp || amount > maxTopUp {
		fields.Add("amount", "error.top_up.amount", nil)
	}
	return amount, fields.Err()
}

// Balance returns what one of the actor's payers has with us, or NotFound. With
// an amount it tells how to pay that in.
func (a *App) Balance(ctx context.Context, actor account.Actor, id account.PayerID, amount money.Amount) (Balance, error) {
	var b Balance
	err := a.db.View(ctx, func(tx *store.Tx) error {
		var err error
		if b.Payer, b.Payers, err = payerAsked(ctx, tx, actor, id); err != nil {
			return err
		}
		b.Currency = a.currencyOf(b.Payer.Payer)
		if b.Amount, err = tx.Balance(ctx, b.Payer.ID, b.Currency); err != nil {
			return err
		}
		if b.Limit, err = tx.CreditLimit(ctx, b.Payer.ID, b.Currency); err != nil {
			return err
		}
		rows, err := tx.LastMovements(ctx, b.Payer.ID, b.Currency, lastMovements)
		if err != nil {
			return err
		}
		b.Last = a.movements(rows)
		_, noCard := a.cardsFor(money.Of(maxTopUp, b.Currency))
		b.ByCard = noCard == nil && b.Payer.Role.MayBuy()
		into, err := a.seller.accountFor(b.Currency)
		b.MayTopUp = err == nil && b.Payer.Role.MayBuy()
		if !b.MayTopUp {
			return nil
		}
		reference, err := tx.TopUpReference(ctx, b.Payer.ID)
		if fault.Is(err, fault.NotFound) {
			return nil
		} else if err != nil {
			return err
		}
		b.TopUp, err = newTopUp(bank.Reference(reference), into, amount)
		return err
	})
	if err != nil {
		return b, err
	}
	return b, a.noteView(ctx, actor, store.ReadDocument{PayerID: b.Payer.ID, Kind: "balance", Role: b.Payer.Role}, "", "page")
}

func newTopUp(reference bank.Reference, into BankAccount, amount money.Amount) (*TopUp, error) {
	t := &TopUp{Reference: reference, Account: into, Amount: amount}
	if amount == 0 || into.Currency != money.EUR { // the EPC code is for SEPA transfers in EUR only
		return t, nil
	}
	var err error
	t.EPC, err = bank.EPC(bank.EPCData{
		BIC: bank.BIC(into.BIC), Name: into.Beneficiary, IBAN: bank.IBAN(into.IBAN), Amount: money.Of(amount, into.Currency), Reference: reference,
	})
	return t, err
}

// PrepareTopUp gives a payer its reference for paying money in, for good: asking
// again changes nothing.
func (a *App) PrepareTopUp(ctx context.Context, actor account.Actor, id account.PayerID) error {
	if !isUUID(string(id)) {
		return fault.Missing("payer")
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		payer, err := tx.LockPayerOf(ctx, actor.AccountID, id)
		if err != nil {
			return err
		}
		if !payer.Role.MayBuy() {
			return fault.New(fault.Forbidden, "error.payer.role")
		}
		if _, err := a.seller.accountFor(a.currencyOf(payer.Payer)); err != nil {
			return fault.Wrap(fault.Unavailable, "error.top_up.unavailable", err)
		}
		if _, err := tx.TopUpReference(ctx, id); !fault.Is(err, fault.NotFound) {
			return err
		}
		n, err := tx.NextTopUpNumber(ctx)
		if err != nil {
			return err
		}
		reference, err := bank.TopUpReference(n)
		if err != nil {
			return err
		}
		if err := tx.InsertTopUpReference(ctx, id, string(reference)); err != nil {
			return err
		}
		return tx.AppendAudit(ctx, audit.Record{
			Actor: audit.ByAccount(actor.AccountID), Action: "payer.reference", ObjectKind: "payer", ObjectID: string(id), PayerID: id,
			Detail: map[string]any{"reference": string(reference)},
		})
	})
}

// matchTopUp decides on an entry that names a payer's balance by its reference;
// named is false where it names none.
func matchTopUp(ctx context.Context, tx *store.Tx, e bank.Entry) (m matching, named bool, err error) {
	references := bank.TopUps(e)
	if len(references) == 0 {
		return m, false, nil
	}
	keys := make([]string, len(references))
	for i, r := range references {
		keys[i] = string(r)
	}
	payers, err := tx.PayersByReference(ctx, keys)
	if err != nil || len(payers) == 0 {
		return m, false, err
	}
	if len(payers) > 1 {
		m.Outcome = bank.Decide(e, nil)
		if m.Reason == bank.ReasonUnmatched {
			m.Reason = bank.ReasonAmbiguous
		}
		return m, true, nil
	}
	payer, err := tx.LockPayer(ctx, payers[0])
	if err != nil {
		return m, true, err
	}
	currency := e.Currency // the first money fixes it
	if payer.CurrencyFixed {
		currency = payer.Currency
	}
	m.Outcome, m.topUp = bank.TopUp(e, currency, payer.Name), &payer
	return m, true, nil
}

// topUp books money that a payer paid in. It is no sale: there is a receipt, and
// no invoice until an order is paid from it.
func (a *App) topUp(ctx context.Context, tx *store.Tx, payer account.Payer, amount money.Money, bankEntry string) error {
	if !payer.CurrencyFixed {
		if err := tx.FixCurrency(ctx, payer.ID, amount.Currency); err != nil {
			return err
		}
	}
	if err := tx.AppendEntry(ctx, ledger.BankReceived(payer.ID, amount, bankEntry, tx.Now())); err != nil {
		return err
	}
	return a.queue.IssueReceipts(ctx, tx)
}
