package store

import (
	"context"
	"maps"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/ledger"
	"github.com/siptg/portal/internal/money"
)

const ensurePayerAccountSQL = `
INSERT INTO ledger_account (kind, payer_id, currency) SELECT @kind, @payer, @currency
WHERE NOT EXISTS (SELECT FROM ledger_account WHERE kind = @kind AND payer_id = @payer AND currency = @currency)
ON CONFLICT ON CONSTRAINT ledger_account_once DO NOTHING`

// An account of ours has no payer, one of a payer's is found by it: two
// conditions, because one for both would not use the index. The arrays are
// selected, so that the planner does not see how long they are: one plan is good
// for all, and it would plan for each.
const ensureAccountsSQL = `
INSERT INTO ledger_account (kind, payer_id, currency)
SELECT p.kind, p.payer, p.currency FROM unnest((SELECT @kinds::text[]), (SELECT @payers::uuid[]), (SELECT @currencies::text[])) AS p(kind, payer, currency)
WHERE NOT EXISTS (SELECT FROM ledger_account WHERE kind = p.kind AND payer_id = p.payer AND currency = p.currency)
  AND NOT EXISTS (SELECT FROM ledger_account WHERE p.payer IS NULL AND kind = p.kind AND payer_id IS NULL AND currency = p.currency)
ON CONFLICT ON CONSTRAINT ledger_account_once DO NOTHING`

const insertLedgerEntrySQL = `
WITH entry AS (
    INSERT INTO ledger_entry (kind, at, order_id, bank_entry_id, payment_id, refund_id, dispute_id, credit_note_id, suspense_decision_id, hash)
    VALUES (@kind, @at, @order, @bank_entry, @payment, @refund, @dispute, @credit_note, @decision, @hash)
    RETURNING id
)
INSERT INTO ledger_posting (entry_id, line, account_id, currency, amount_minor)
SELECT e.id, p.line,
       COALESCE((SELECT id FROM ledger_account WHERE kind = p.kind AND payer_id = p.payer AND currency = p.currency),
                (SELECT id FROM ledger_account WHERE p.payer IS NULL AND kind = p.kind AND payer_id IS NULL AND currency = p.currency)),
       p.currency, p.amount
FROM entry e
CROSS JOIN unnest((SELECT @kinds::text[]), (SELECT @payers::uuid[]), (SELECT @currencies::text[]), (SELECT @amounts::bigint[]))
           WITH ORDINALITY AS p(kind, payer, currency, amount, line)`

// AppendEntry books an entry. Accounts come into being when first used. The
// database refuses an entry that does not balance, at commit.
func (tx *Tx) AppendEntry(_ context.Context, e ledger.Entry) error {
	if err := e.Check(); err != nil {
		return err
	}
	var (
		hash              = e.Hash()
		kinds, currencies []string
		payers            []*string
		amounts           []int64
	)
	for _, p := range e.Postings {
		kinds, payers = append(kinds, string(p.Account.Kind)), append(payers, nullable(string(p.Account.Payer)))
		currencies, amounts = append(currencies, string(p.Account.Currency)), append(amounts, int64(p.Amount))
	}
	accounts := pgx.NamedArgs{"kinds": kinds, "payers": payers, "currencies": currencies}
	tx.later(ensureAccountsSQL, accounts)
	entry := maps.Clone(accounts)
	maps.Copy(entry, pgx.NamedArgs{
		"kind": string(e.Kind), "at": e.At, "order": nullable(e.OrderID), "bank_entry": nullable(e.BankEntryID),
		"payment": nullable(e.PaymentID), "refund": nullable(e.RefundID), "dispute": nullable(e.DisputeID),
		"credit_note": nullable(e.CreditNoteID), "decision": nullable(e.DecisionID), "hash": hash[:], "amounts": amounts,
	})
	tx.later(insertLedgerEntrySQL, entry)
	return nil
}

const balanceSQL = `
SELECT COALESCE(-sum(balance_minor), 0)::bigint FROM ledger_account
WHERE kind = 'balance' AND payer_id = @payer AND currency = @currency`

// Balance returns what a payer has with us, positive in the payer's favour.
func (tx *Tx) Balance(ctx context.Context, payer account.PayerID, currency money.Currency) (money.Amount, error) {
	minor, err := value[int64](ctx, tx, "balance", balanceSQL, pgx.NamedArgs{"payer": string(payer), "currency": string(currency)})
	return money.Amount(minor), err
}

const balanceLimitSQL = `
SELECT COALESCE(sum(credit_limit_minor), 0)::bigint FROM ledger_account
WHERE kind = 'balance' AND payer_id = @payer AND currency = @currency`

// CreditLimit returns how far a payer's balance may go below nothing (I11).
func (tx *Tx) CreditLimit(ctx context.Context, payer account.PayerID, currency money.Currency) (money.Amount, error) {
	minor, err := value[int64](ctx, tx, "balance", balanceLimitSQL, pgx.NamedArgs{"payer": string(payer), "currency": string(currency)})
	return money.Amount(minor), err
}

const availableSQL = `
SELECT COALESCE(sum(credit_limit_minor - balance_minor), 0)::bigint FROM ledger_account
WHERE kind = 'balance' AND payer_id = @payer AND currency = @currency`

// Available returns what a payer may spend: the balance and the credit limit.
// Who spends it holds the payer's lock.
func (tx *Tx) Available(ctx context.Context, payer account.PayerID, currency money.Currency) (money.Amount, error) {
	minor, err := value[int64](ctx, tx, "balance", availableSQL, pgx.NamedArgs{"payer": string(payer), "currency": string(currency)})
	return money.Amount(minor), err
}

const setBalanceLimitSQL = `
UPDATE ledger_account SET credit_limit_minor = @limit WHERE kind = @kind AND payer_id = @payer AND currency = @currency`

// SetCreditLimit sets how far a payer's balance may go below nothing. Less than
// what the payer owes is a Conflict. The payer is locked.
func (tx *Tx) SetCreditLimit(ctx context.Context, payer account.PayerID, limit money.Money) error {
	args := pgx.NamedArgs{"kind": string(ledger.Balance), "payer": string(payer), "currency": string(limit.Currency)}
	tx.later(ensurePayerAccountSQL, args)
	args = maps.Clone(args)
	args["limit"] = int64(limit.Amount)
	_, err := exec(ctx, tx, setBalanceLimitSQL, args)
	return err
}
