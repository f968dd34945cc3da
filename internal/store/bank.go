package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/vat"
)

const saveStatementSQL = `
INSERT INTO bank_statement (iban, statement_id, currency, from_date, to_date, opening_minor, closing_minor, file_sha256, imported_at, imported_by)
VALUES (@iban, @statement_id, @currency, @from, @to, @opening, @closing, @sha256, @now, @by)
ON CONFLICT ON CONSTRAINT bank_statement_once DO UPDATE SET iban = EXCLUDED.iban
RETURNING id`

// SaveStatement records an imported statement, or finds it where the same file
// was imported before, and returns its id.
func (tx *Tx) SaveStatement(ctx context.Context, s bank.Statement, fileSHA256 []byte, by string) (string, error) {
	return value[string](ctx, tx, "statement", saveStatementSQL, pgx.NamedArgs{
		"iban": string(s.IBAN), "statement_id": s.ID, "currency": string(s.Currency), "from": day(s.From), "to": day(s.To),
		"opening": int64(s.Opening), "closing": int64(s.Closing), "sha256": fileSHA256, "now": tx.now, "by": by,
	})
}

const statementBeforeSQL = `
SELECT p.to_date, p.closing_minor FROM bank_statement p
WHERE p.iban = @iban AND p.currency = @currency AND p.to_date <= @from AND p.from_date < @from
ORDER BY p.to_date DESC, p.closing_minor = @opening LIMIT 1`

// StatementBefore returns the last day and the closing balance of the statement
// of the account before another one; of two of one day the one that does not lead
// on to it. NotFound for the first one.
func (tx *Tx) StatementBefore(ctx context.Context, s bank.Statement) (to civil.Date, closing money.Amount, err error) {
	r, err := one[struct {
		ToDate       time.Time
		ClosingMinor int64
	}](ctx, tx, "statement", statementBeforeSQL, pgx.NamedArgs{
		"iban": string(s.IBAN), "currency": string(s.Currency), "from": day(s.From), "opening": int64(s.Opening),
	})
	return date(&r.ToDate), money.Amount(r.ClosingMinor), err
}

// BankOutcome is what became of a bank entry.
type BankOutcome struct {
	Outcome    string // matched, suspense, ignored
	Reason     string
	ThirdParty bool
	OrderID    string          // of an entry that pays an order
	PayerID    account.PayerID // of one that goes to a payer's balance
	Meant      string          // of one in suspense, the order that it seems to be for
	ReturnSent string          // of a debit, the decision whose return it shows
}

const bankEntrySQL = `
SELECT b.outcome, b.reason, b.third_party, COALESCE(b.order_id::text, '') AS order_id, COALESCE(b.payer_id::text, '') AS payer_id,
       COALESCE(b.meant_order_id::text, '') AS meant, COALESCE(b.return_sent_id::text, '') AS return_sent
FROM bank_entry b WHERE b.key = @key`

// BankEntry returns what became of the entry with an idempotency key, or
// NotFound where it is new.
func (tx *Tx) BankEntry(ctx context.Context, key string) (BankOutcome, error) {
	return one[BankOutcome](ctx, tx, "bank entry", bankEntrySQL, pgx.NamedArgs{"key": key})
}

const lockAccountSQL = `SELECT pg_advisory_xact_lock(hashtextextended('bank account ' || @iban::text, 0))`

// LockAccount makes other imports of one of our accounts wait until the
// transaction ends. It is taken before everything else.
func (tx *Tx) LockAccount(ctx context.Context, iban bank.IBAN) error {
	_, err := exec(ctx, tx, lockAccountSQL, pgx.NamedArgs{"iban": string(iban)})
	return err
}

const knownEntriesSQL = `
SELECT b.key, b.batch, b.fingerprint FROM bank_entry b
WHERE b.iban = @iban
  AND (b.key = ANY(@keys) OR b.key = ANY(@batches)
       OR b.batch <> '' AND (b.batch = ANY(@batches) OR b.batch = ANY(@keys))
       OR b.fingerprint <> '' AND b.fingerprint = ANY(@fingerprints))`

// KnownEntries returns the stored entries of the statement's account that share
// a key, a batch or a fingerprint with it.
func (tx *Tx) KnownEntries(ctx context.Context, s bank.Statement) ([]bank.Known, error) {
	var keys, batches, fingerprints []string
	for _, e := range s.Entries {
		keys = append(keys, e.Key)
		if e.Batch != "" {
			batches = append(batches, e.Batch)
		}
		if e.Fingerprint != "" {
			fingerprints = append(fingerprints, e.Fingerprint)
		}
	}
	return list[bank.Known](ctx, tx, knownEntriesSQL, pgx.NamedArgs{
		"iban": string(s.IBAN), "keys": keys, "batches": batches, "fingerprints": fingerprints,
	})
}

const insertBankEntrySQL = `
INSERT INTO bank_entry (key, batch, fingerprint, statement_id, iban, booked_on, amount_minor, currency, credit, reversal, payer_name, payer_iban,
                        reference, remittance, end_to_end, outcome, reason, third_party, order_id, payer_id, meant_order_id, return_sent_id, imported_at)
VALUES (@key, @batch, @fingerprint, @statement, @iban, @booked_on, @amount, @currency, @credit, @reversal, @payer_name, @payer_iban,
        @reference, @remittance, @end_to_end, @outcome, @reason, @third_party, @order, @payer, @meant, @return_sent, @now)
ON CONFLICT ON CONSTRAINT bank_entry_once DO NOTHING
RETURNING id`

// InsertBankEntry records a bank entry with what became of it and returns its
// id. It returns NotFound when another import recorded the entry first.
func (tx *Tx) InsertBankEntry(ctx context.Context, statementID string, s bank.Statement, e bank.Entry, o BankOutcome) (string, error) {
	reference := ""
	if len(e.References) > 0 {
		reference = e.References[0]
	}
	return value[string](ctx, tx, "bank entry", insertBankEntrySQL, pgx.NamedArgs{
		"key": e.Key, "batch": e.Batch, "fingerprint": e.Fingerprint, "statement": statementID, "iban": string(s.IBAN), "booked_on": day(e.Booked), "amount": int64(e.Amount),
		"currency": string(s.Currency), "credit": e.Credit, "reversal": e.Reversal, "payer_name": e.Payer, "payer_iban": string(e.PayerIBAN),
		"reference": reference, "remittance": e.Text, "end_to_end": e.EndToEndID, "outcome": o.Outcome, "reason": o.Reason,
		"third_party": o.ThirdParty, "order": nullable(o.OrderID), "payer": nullable(string(o.PayerID)), "meant": nullable(o.Meant),
		"return_sent": nullable(o.ReturnSent), "now": tx.now,
	})
}

// Settlement is how an order was settled, frozen at the tax point.
type Settlement struct {
	OrderID   string
	TaxPoint  civil.Date
	Treatment vat.Treatment
	Buyer     account.Payer
	Net       money.Amount
	VAT       money.Amount
	Shortfall money.Amount // forgiven
	VATCheck  int64        // answer about the buyer's VAT number that the treatment stands on; 0 for none
	Pending   bool         // that answer was not of the day
	At        time.Time    // set by the store
}

const insertSettlementSQL = `
INSERT INTO settlement (order_id, tax_point, treatment, buyer, net_minor, vat_minor, shortfall_minor, vat_check_id, vat_pending, settled_at)
VALUES (@order, @tax_point, @treatment, @buyer, @net, @vat, @shortfall, NULLIF(@vat_check::bigint, 0), @pending, @now)`

// InsertSettlement freezes how an order was settled.
func (tx *Tx) InsertSettlement(ctx context.Context, s Settlement) error {
	tx.later(insertSettlementSQL, pgx.NamedArgs{
		"order": s.OrderID, "tax_point": day(s.TaxPoint), "treatment": s.Treatment, "buyer": s.Buyer, "net": int64(s.Net),
		"vat": int64(s.VAT), "shortfall": int64(s.Shortfall), "vat_check": s.VATCheck, "pending": s.Pending, "now": tx.now,
	})
	return nil
}

const settlementSQL = `
SELECT order_id, tax_point, treatment, buyer, net_minor, vat_minor, shortfall_minor, settled_at FROM settlement WHERE order_id = @order`

// Settlement returns how an order was settled, or NotFound.
func (tx *Tx) Settlement(ctx context.Context, orderID string) (Settlement, error) {
	r, err := one[struct {
		OrderID        string
		TaxPoint       time.Time
		Treatment      []byte
		Buyer          []byte
		NetMinor       int64
		VATMinor       int64 `db:"vat_minor"`
		ShortfallMinor int64
		SettledAt      time.Time
	}](ctx, tx, "settlement", settlementSQL, pgx.NamedArgs{"order": orderID})
	if err != nil {
		return Settlement{}, err
	}
	s := Settlement{
		OrderID: r.OrderID, TaxPoint: date(&r.TaxPoint), Net: money.Amount(r.NetMinor), VAT: money.Amount(r.VATMinor),
		Shortfall: money.Amount(r.ShortfallMinor), At: r.SettledAt.UTC(),
	}
	if err := json.Unmarshal(r.Treatment, &s.Treatment); err != nil {
		return Settlement{}, err
	}
	return s, json.Unmarshal(r.Buyer, &s.Buyer)
}
