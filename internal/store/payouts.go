package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
)

// Payout is money of a transfer that a person sends back at the bank, with what
// the statement said of the transfer.
type Payout struct {
	ID          string
	Occasion    string // what was asked: "refund_request" or "withdrawal", and its id
	PaymentID   payment.ID
	PayerID     account.PayerID
	PayerName   string
	Order       string // number
	Document    string // number of the credit note
	Amount      money.Money
	State       payment.RefundState
	AskedAt     time.Time
	EndedAt     time.Time
	EndedByName string
	Failure     string
	From        string      // who had sent the transfer, as the bank says
	FromIBAN    bank.IBAN   // where it came from; empty where the bank does not say
	OtherIBANs  []bank.IBAN // where that is empty, from which accounts the payer has sent money
	ThirdParty  bool        // the sender's name is not the buyer's
	Undone      bool        // the bank has taken the transfer back
	MayBuy      bool        // the actor buys for the payer
}

type payoutRow struct {
	ID          string
	Occasion    string
	PaymentID   string
	PayerID     string
	PayerName   string
	OrderNumber string
	Document    string
	Currency    string
	AmountMinor int64
	State       string
	CreatedAt   time.Time
	EndedAt     *time.Time
	EndedByName string
	Failure     string
	FromName    string
	FromIBAN    string   `db:"from_iban"`
	OtherIBANs  []string `db:"other_ibans"`
	ThirdParty  bool
	Undone      bool
	MayBuy      bool
}

func (r payoutRow) payout() Payout {
	p := Payout{
		ID: r.ID, Occasion: r.Occasion, PaymentID: payment.ID(r.PaymentID), PayerID: account.PayerID(r.PayerID), PayerName: r.PayerName, Order: r.OrderNumber,
		Document: r.Document, Amount: money.Of(money.Amount(r.AmountMinor), money.Currency(r.Currency)), State: payment.RefundState(r.State),
		AskedAt: r.CreatedAt.UTC(), EndedAt: moment(r.EndedAt), EndedByName: r.EndedByName, Failure: r.Failure, From: r.FromName,
		FromIBAN: bank.IBAN(r.FromIBAN), ThirdParty: r.ThirdParty, Undone: r.Undone, MayBuy: r.MayBuy,
	}
	for _, iban := range r.OtherIBANs {
		p.OtherIBANs = append(p.OtherIBANs, bank.IBAN(iban))
	}
	return p
}

// undoneSQL is whether the bank has taken a credit b back: somebody decides so, or a
// debit waits that seems to be its reversal.
const undoneSQL = `(EXISTS (SELECT FROM suspense_decision d WHERE d.against_id = b.id AND d.state <> 'refused')
        OR ` + reversalWaitsSQL + `)`

const payoutColumnsSQL = `
SELECT r.id, split_part(r.request, ' ', 1) || ' ' || split_part(r.request, ' ', 2) AS occasion, r.payment_id, p.payer_id, y.name AS payer_name,
       o.number AS order_number, n.number AS document, r.currency, r.amount_minor, r.state, r.created_at, r.ended_at,
       COALESCE(trim(e.first_name || ' ' || e.last_name), '') AS ended_by_name, r.failure, COALESCE(b.payer_name, '') AS from_name,
       COALESCE(b.payer_iban, '') AS from_iban,
       CASE WHEN COALESCE(b.payer_iban, '') = '' THEN ARRAY(
           SELECT DISTINCT x.payer_iban FROM payment z JOIN bank_entry x ON x.key = z.provider_ref AND x.iban = z.provider_account
           WHERE z.payer_id = p.payer_id AND z.provider = 'bank' AND x.payer_iban <> '' ORDER BY 1) END AS other_ibans,
       COALESCE(b.third_party, false) AS third_party,
       ` + undoneSQL + ` AS undone,
       EXISTS (SELECT FROM member m WHERE m.payer_id = p.payer_id AND m.account_id = @actor AND m.role IN ('owner', 'billing')) AS may_buy
FROM refund r
JOIN payment p ON p.id = r.payment_id
JOIN payer y ON y.id = p.payer_id
JOIN invoice n ON n.id = r.credit_note_id
JOIN orders o ON o.id = n.order_id
LEFT JOIN bank_entry b ON b.key = p.provider_ref AND b.iban = p.provider_account
LEFT JOIN account e ON e.id = r.ended_by
WHERE r.provider = 'bank' `

const payoutSQL = payoutColumnsSQL + `AND r.id = @id`

// Payout returns a payout, or NotFound. MayBuy is the actor's.
func (tx *Tx) Payout(ctx context.Context, actor account.ID, id string) (Payout, error) {
	r, err := one[payoutRow](ctx, tx, "payout", payoutSQL, pgx.NamedArgs{"id": id, "actor": string(actor)})
	return r.payout(), err
}

const payoutsSQL = payoutColumnsSQL + `
ORDER BY r.state = 'requested' DESC, CASE WHEN r.ended_at IS NULL THEN r.created_at END, r.ended_at DESC, r.id
LIMIT 500`

// Payouts returns payouts for the back office: those that are to be sent, the
// oldest first, then those that ended last.
func (tx *Tx) Payouts(ctx context.Context, actor account.ID) ([]Payout, error) {
	return tx.payouts(ctx, payoutsSQL, pgx.NamedArgs{"actor": string(actor)})
}

const payoutsForSQL = payoutColumnsSQL + `
AND (split_part(r.request, ' ', 1) || ' ' || split_part(r.request, ' ', 2) = ANY(@occasions) OR n.number = ANY(@documents))
ORDER BY r.created_at, r.id`

// PayoutsFor returns what is sent by transfer on some occasions, such as
// "refund_request <id>", or of some credit notes. Who may see these may see them.
func (tx *Tx) PayoutsFor(ctx context.Context, occasions, documents []string) ([]Payout, error) {
	if len(occasions)+len(documents) == 0 {
		return nil, nil
	}
	return tx.payouts(ctx, payoutsForSQL, pgx.NamedArgs{"actor": nil, "occasions": occasions, "documents": documents})
}

func (tx *Tx) payouts(ctx context.Context, sql string, args pgx.NamedArgs) ([]Payout, error) {
	rows, err := list[payoutRow](ctx, tx, sql, args)
	out := make([]Payout, len(rows))
	for i, r := range rows {
		out[i] = r.payout()
	}
	return out, err
}

const endPayoutSQL = `UPDATE refund SET state = @state, ended_by = @by, ended_at = @now, failure = @failure WHERE id = @id`

// EndPayout stores what became of a payout, and who says so.
func (tx *Tx) EndPayout(ctx context.Context, r payment.Refund, by account.ID, failure string) error {
	_, err := exec(ctx, tx, endPayoutSQL, pgx.NamedArgs{"id": r.ID, "state": string(r.State), "by": string(by), "now": tx.now, "failure": failure})
	return err
}

// TransferSource is where a transfer came from.
type TransferSource struct {
	Name   string
	IBAN   bank.IBAN // empty where the bank does not say
	Undone bool      // the bank has taken it back, or somebody decides that it did
}

const transferSourceSQL = `
SELECT b.payer_name AS name, b.payer_iban, ` + undoneSQL + ` AS undone
FROM payment p JOIN bank_entry b ON b.key = p.provider_ref AND b.iban = p.provider_account
WHERE p.id = @payment AND p.provider = 'bank'`

// TransferSource returns where a payment by transfer came from.
func (tx *Tx) TransferSource(ctx context.Context, id payment.ID) (TransferSource, error) {
	r, err := one[struct {
		Name      string
		PayerIBAN string `db:"payer_iban"`
		Undone    bool
	}](ctx, tx, "transfer", transferSourceSQL, pgx.NamedArgs{"payment": string(id)})
	return TransferSource{Name: r.Name, IBAN: bank.IBAN(r.PayerIBAN), Undone: r.Undone}, err
}
