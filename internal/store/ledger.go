package store

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/ledger"
	"github.com/siptg/portal/internal/money"
)

const ensureLedgerAccountSQL = `
INSERT INTO ledger_account (kind, payer_id, currency) VALUES (@kind, @payer, @currency)
ON CONFLICT ON CONSTRAINT ledger_account_once DO NOTHING`

const ledgerAccountIDSQL = `
SELECT id FROM ledger_account WHERE kind = @kind AND payer_id IS NOT DISTINCT FROM @payer::uuid AND currency = @currency`

const insertLedgerEntrySQL = `
INSERT INTO ledger_entry (kind, at, order_id, bank_entry_id, payment_id, refund_id, dispute_id, credit_note_id, hash)
VALUES (@kind, @at, @order, @bank_entry, @payment, @refund, @dispute, @credit_note, @hash) RETURNING id`

const insertLedgerPostingSQL = `
INSERT INTO ledger_posting (entry_id, line, account_id, currency, amount_minor) VALUES (@entry, @line, @account, @currency, @amount)`

// AppendEntry books an entry. Accounts come into being when first used. The
// database refuses an entry that does not balance, at commit.
func (tx *Tx) AppendEntry(ctx context.Context, e ledger.Entry) error {
	if err := e.Check(); err != nil {
		return err
	}
	accounts := make([]int64, len(e.Postings))
	for i, p := range e.Postings {
		id, err := tx.ledgerAccount(ctx, p.Account)
		if err != nil {
			return err
		}
		accounts[i] = id
	}
	hash := e.Hash()
	entry, err := value[int64](ctx, tx, "ledger entry", insertLedgerEntrySQL, pgx.NamedArgs{
		"kind": string(e.Kind), "at": e.At, "order": nullable(e.OrderID), "bank_entry": nullable(e.BankEntryID),
		"payment": nullable(e.PaymentID), "refund": nullable(e.RefundID), "dispute": nullable(e.DisputeID),
		"credit_note": nullable(e.CreditNoteID), "hash": hash[:],
	})
	if err != nil {
		return err
	}
	for i, p := range e.Postings {
		if _, err := exec(ctx, tx, insertLedgerPostingSQL, pgx.NamedArgs{
			"entry": entry, "line": i + 1, "account": accounts[i], "currency": string(p.Account.Currency), "amount": int64(p.Amount),
		}); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) ledgerAccount(ctx context.Context, a ledger.Account) (int64, error) {
	args := pgx.NamedArgs{"kind": string(a.Kind), "payer": nullable(string(a.Payer)), "currency": string(a.Currency)}
	found, err := tx.tx.Query(ctx, ledgerAccountIDSQL, args)
	if err != nil {
		return 0, err
	}
	ids, err := pgx.CollectRows(found, pgx.RowTo[int64])
	if err != nil {
		return 0, err
	}
	if len(ids) == 1 {
		return ids[0], nil
	}
	if _, err := exec(ctx, tx, ensureLedgerAccountSQL, args); err != nil {
		return 0, err
	}
	return value[int64](ctx, tx, "ledger account", ledgerAccountIDSQL, args)
}

const balanceSQL = `
SELECT COALESCE(-sum(balance_minor), 0)::bigint FROM ledger_account
WHERE kind = 'balance' AND payer_id = @payer AND currency = @currency`

// Balance returns what a payer has with us, positive in the payer's favour.
func (tx *Tx) Balance(ctx context.Context, payer account.PayerID, currency money.Currency) (money.Amount, error) {
	minor, err := value[int64](ctx, tx, "balance", balanceSQL, pgx.NamedArgs{"payer": string(payer), "currency": string(currency)})
	return money.Amount(minor), err
}
