package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/pricing"
)

const nextOrderNumberSQL = `SELECT nextval('order_number_taken')`

// NextOrderNumber takes an order number. It locks nothing; a transaction that is
// rolled back leaves a gap.
func (tx *Tx) NextOrderNumber(ctx context.Context) (int64, error) {
	return value[int64](ctx, tx, "order number", nextOrderNumberSQL, nil)
}

const insertOrderSQL = `
INSERT INTO orders (id, number, reference, kind, state, payer_id, customer_id, placed_by, subscription_id, plan, accounts, recording,
                    lines, extra_accounts, api, months, price_book, currency, monthly_minor, discount_minor, net_minor,
                    vat_minor, total_minor, vat_row, method, quote_sha256, placed_at, valid_until, closed_at)
VALUES (@id, @number, @reference, @kind, @state, @payer, @customer, @placed_by, @subscription, @plan, @accounts, @recording,
        @lines, @extra_accounts, @api, @months, @price_book, @currency, @monthly, @discount, @net,
        @vat, @total, @vat_row, @method, @quote, @now, @valid_until, @closed_at)`

// InsertOrder stores a new order under an id of NewID: one that awaits payment,
// or one that is paid in this transaction. quoteSHA256 is of the quote it was
// placed with: each quote is used once.
func (tx *Tx) InsertOrder(o order.Order, quoteSHA256 []byte) {
	tx.later(insertOrderSQL, pgx.NamedArgs{
		"id": o.ID, "number": o.Number, "reference": o.Reference, "kind": string(o.Kind), "state": string(o.State), "payer": string(o.PayerID),
		"customer": string(o.CustomerID), "placed_by": nullable(string(o.PlacedBy)), "subscription": nullable(o.SubscriptionID),
		"plan": string(o.Selection.Plan), "accounts": o.Selection.Accounts, "recording": o.Selection.Recording,
		"lines": o.Selection.Lines, "extra_accounts": o.Selection.ExtraAccounts, "api": o.Selection.API,
		"months": int(o.Selection.Period), "price_book": o.PriceBook, "currency": string(o.Currency),
		"monthly": int64(o.Monthly), "discount": int64(o.Discount), "net": int64(o.Net), "vat": int64(o.VAT),
		"total": int64(o.Total), "vat_row": o.VATRow, "method": string(o.Method), "quote": quoteSHA256, "now": tx.now,
		"valid_until": day(o.ValidUntil), "closed_at": instant(o.ClosedAt),
	})
}

// nullable is s, or NULL where it is empty.
func nullable(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// day is d as PostgreSQL takes it; the zero Date is NULL.
func day(d civil.Date) *time.Time {
	if d.IsZero() {
		return nil
	}
	t := d.In(time.UTC)
	return &t
}

// date is what day wrote.
func date(t *time.Time) civil.Date {
	if t == nil {
		return civil.Date{}
	}
	return civil.DateOf(*t, time.UTC)
}

type orderRow struct {
	ID             string
	Number         string
	Reference      string
	Kind           string
	State          string
	PayerID        string
	CustomerID     string
	PlacedBy       string
	SubscriptionID *string
	Plan           string
	Accounts       int
	Recording      bool
	Lines          int
	ExtraAccounts  int
	API            bool `db:"api"`
	Months         int
	PriceBook      string
	Currency       string
	MonthlyMinor   int64
	DiscountMinor  int64
	NetMinor       int64
	VATMinor       int64 `db:"vat_minor"`
	TotalMinor     int64
	VATRow         string `db:"vat_row"`
	Method         string
	PlacedAt       time.Time
	ValidUntil     *time.Time
	ClosedAt       *time.Time
}

func (r orderRow) order() order.Order {
	o := order.Order{
		ID: r.ID, Number: r.Number, Reference: r.Reference, Kind: order.Kind(r.Kind), State: order.State(r.State),
		PayerID: account.PayerID(r.PayerID), CustomerID: account.ID(r.CustomerID), PlacedBy: account.ID(r.PlacedBy),
		Selection: pricing.Selection{
			Plan: pricing.Plan(r.Plan), Period: pricing.Period(r.Months),
			Options: pricing.Options{Accounts: r.Accounts, Recording: r.Recording, Lines: r.Lines, ExtraAccounts: r.ExtraAccounts, API: r.API},
		},
		PriceBook: r.PriceBook, Currency: money.Currency(r.Currency), Monthly: money.Amount(r.MonthlyMinor),
		Discount: money.Amount(r.DiscountMinor), Net: money.Amount(r.NetMinor), VAT: money.Amount(r.VATMinor),
		Total: money.Amount(r.TotalMinor), VATRow: r.VATRow, Method: order.Method(r.Method), PlacedAt: r.PlacedAt,
		ValidUntil: date(r.ValidUntil),
	}
	if r.SubscriptionID != nil {
		o.SubscriptionID = *r.SubscriptionID
	}
	if r.ClosedAt != nil {
		o.ClosedAt = *r.ClosedAt
	}
	return o
}

const orderFieldsSQL = `
SELECT o.id, o.number, o.reference, o.kind, o.state, o.payer_id, o.customer_id, COALESCE(o.placed_by::text, '') AS placed_by, o.subscription_id, o.plan,
       o.accounts, o.recording, o.lines, o.extra_accounts, o.api, o.months, o.price_book, o.currency, o.monthly_minor,
       o.discount_minor, o.net_minor, o.vat_minor, o.total_minor, o.vat_row, o.method, o.placed_at, o.valid_until, o.closed_at`

const orderColumnsSQL = orderFieldsSQL + `
FROM orders o `

// mayBuySQL limits a query on orders o to the actor's payers.
const mayBuySQL = `JOIN member m ON m.payer_id = o.payer_id AND m.account_id = @actor AND m.role IN ('owner', 'billing') `

const orderOfSQL = orderColumnsSQL + mayBuySQL + `WHERE o.number = @number`

// OrderOf returns an order of one of the actor's payers, or NotFound.
func (tx *Tx) OrderOf(ctx context.Context, actor account.ID, number string) (order.Order, error) {
	r, err := one[orderRow](ctx, tx, "order", orderOfSQL, pgx.NamedArgs{"actor": string(actor), "number": number})
	return r.order(), err
}

const lockOrderOfSQL = orderOfSQL + ` FOR NO KEY UPDATE OF o`

// LockOrderOf is OrderOf with the order's row locked.
func (tx *Tx) LockOrderOf(ctx context.Context, actor account.ID, number string) (order.Order, error) {
	r, err := one[orderRow](ctx, tx, "order", lockOrderOfSQL, pgx.NamedArgs{"actor": string(actor), "number": number})
	return r.order(), err
}

const orderOfQuoteSQL = `SELECT number FROM orders WHERE quote_sha256 = @quote AND placed_by = @actor`

// OrderOfQuote returns the number of the order that a person already placed
// with a quote, or NotFound.
func (tx *Tx) OrderOfQuote(ctx context.Context, actor account.ID, quoteSHA256 []byte) (string, error) {
	return value[string](ctx, tx, "order", orderOfQuoteSQL, pgx.NamedArgs{"quote": quoteSHA256, "actor": string(actor)})
}

const orderByQuoteSQL = orderColumnsSQL + `WHERE o.quote_sha256 = @quote`

// OrderByQuote returns the order that was placed with a quote, whoever placed
// it, or NotFound.
func (tx *Tx) OrderByQuote(ctx context.Context, quoteSHA256 []byte) (order.Order, error) {
	r, err := one[orderRow](ctx, tx, "order", orderByQuoteSQL, pgx.NamedArgs{"quote": quoteSHA256})
	return r.order(), err
}

const openRenewalsSQL = orderColumnsSQL + `
WHERE o.payer_id = (SELECT payer_id FROM subscription WHERE id = @subscription) AND o.subscription_id = @subscription
  AND o.state = 'awaiting_payment' ORDER BY o.placed_at DESC, o.id`

// OpenRenewals returns the orders that wait for money to extend a subscription,
// the newest first.
func (tx *Tx) OpenRenewals(ctx context.Context, subscriptionID string) ([]order.Order, error) {
	rows, err := list[orderRow](ctx, tx, openRenewalsSQL, pgx.NamedArgs{"subscription": subscriptionID})
	out := make([]order.Order, len(rows))
	for i, r := range rows {
		out[i] = r.order()
	}
	return out, err
}

const openOrderCountSQL = `SELECT count(*) FROM orders WHERE payer_id = @payer AND state = 'awaiting_payment'`

// OpenOrderCount returns how many of a payer's orders wait for money.
func (tx *Tx) OpenOrderCount(ctx context.Context, payer account.PayerID) (int, error) {
	return value[int](ctx, tx, "orders", openOrderCountSQL, pgx.NamedArgs{"payer": string(payer)})
}

const lockOrderSQL = orderColumnsSQL + `WHERE o.id = @id FOR NO KEY UPDATE`

// LockOrder returns and locks an order for the program's own work.
func (tx *Tx) LockOrder(ctx context.Context, id string) (order.Order, error) {
	r, err := one[orderRow](ctx, tx, "order", lockOrderSQL, pgx.NamedArgs{"id": id})
	return r.order(), err
}

const orderSQL = orderColumnsSQL + `WHERE o.id = @id`

// Order returns an order for the program's own work.
func (tx *Tx) Order(ctx context.Context, id string) (order.Order, error) {
	r, err := one[orderRow](ctx, tx, "order", orderSQL, pgx.NamedArgs{"id": id})
	return r.order(), err
}

const orderByReferenceSQL = orderColumnsSQL + `WHERE o.reference = @key OR o.number = @key`

// OrderByReference returns the order with an RF reference or a number, or NotFound.
func (tx *Tx) OrderByReference(ctx context.Context, key string) (order.Order, error) {
	r, err := one[orderRow](ctx, tx, "order", orderByReferenceSQL, pgx.NamedArgs{"key": key})
	return r.order(), err
}

const openOrdersFromIBANSQL = orderColumnsSQL + `
WHERE o.state = 'awaiting_payment' AND o.currency = @currency
  AND EXISTS (SELECT FROM bank_entry b JOIN orders p ON p.id = b.order_id
              WHERE b.payer_iban = @iban AND b.outcome = 'matched' AND p.payer_id = o.payer_id)
LIMIT 2`

// OpenOrdersFromIBAN returns up to two open orders whose payer has paid from
// this account before: with two, none of them is certain.
func (tx *Tx) OpenOrdersFromIBAN(ctx context.Context, iban string, currency money.Currency) ([]order.Order, error) {
	rows, err := list[orderRow](ctx, tx, openOrdersFromIBANSQL, pgx.NamedArgs{"iban": iban, "currency": string(currency)})
	return orders(rows), err
}

// OpenOrder is an order that waits for money, with the name of whom it is for.
type OpenOrder struct {
	order.Order
	CustomerName string
}

type openOrderRow struct {
	orderRow
	FirstName string
	LastName  string
}

func (r openOrderRow) of() OpenOrder {
	return OpenOrder{Order: r.order(), CustomerName: account.Account{FirstName: r.FirstName, LastName: r.LastName}.Name()}
}

const openOrdersOfSQL = orderFieldsSQL + `, c.first_name, c.last_name
FROM orders o
JOIN account c ON c.id = o.customer_id
` + mayBuySQL + `
WHERE o.state = 'awaiting_payment' AND o.valid_until >= @today ORDER BY o.placed_at DESC, o.number DESC LIMIT 50`

// OpenOrdersOf asks for the orders of the actor's payers that still wait for
// money, newest first.
func (q *Questions) OpenOrdersOf(actor account.ID, today civil.Date, to *[]OpenOrder) {
	askAs(q, openOrdersOfSQL, pgx.NamedArgs{"actor": string(actor), "today": day(today)}, to, openOrderRow.of)
}

func orders(rows []orderRow) []order.Order {
	out := make([]order.Order, len(rows))
	for i, r := range rows {
		out[i] = r.order()
	}
	return out
}

const closeOrderSQL = `
UPDATE orders SET state = @state, closed_at = @now, subscription_id = COALESCE(@subscription, subscription_id) WHERE id = @id`

// CloseOrder settles what became of an order: paid (with its subscription),
// expired or canceled.
func (tx *Tx) CloseOrder(ctx context.Context, id string, state order.State, subscription string) error {
	tx.later(closeOrderSQL, pgx.NamedArgs{
		"id": id, "state": string(state), "subscription": nullable(subscription), "now": tx.now,
	})
	return nil
}

const setOrderMethodSQL = `UPDATE orders SET method = @method WHERE id = @id AND method <> @method`

// SetOrderMethod stores how an open order is to be paid, and returns whether that
// changes anything.
func (tx *Tx) SetOrderMethod(ctx context.Context, id string, method order.Method) (bool, error) {
	n, err := exec(ctx, tx, setOrderMethodSQL, pgx.NamedArgs{"id": id, "method": string(method)})
	return n > 0, err
}

const expireOrdersSQL = `
UPDATE orders SET state = 'expired', closed_at = @now
WHERE id IN (SELECT id FROM orders WHERE state = 'awaiting_payment' AND valid_until < @today AND NOT (@but_renewals::boolean AND kind = 'renewal')
             ORDER BY id LIMIT 500 FOR NO KEY UPDATE SKIP LOCKED)
RETURNING id`

// ExpireOrders closes up to 500 orders whose bank invoice ran out before today,
// all or all but renewals, and returns their ids.
func (tx *Tx) ExpireOrders(ctx context.Context, today civil.Date, butRenewals bool) ([]string, error) {
	return values[string](ctx, tx, expireOrdersSQL, pgx.NamedArgs{"now": tx.now, "today": day(today), "but_renewals": butRenewals})
}

const uninvoicedSQL = `
SELECT o.id FROM orders o
WHERE o.state = 'paid' AND NOT EXISTS (SELECT FROM invoice i WHERE i.order_id = o.id AND i.kind = 'invoice')
ORDER BY o.closed_at, o.id LIMIT 500`

// UninvoicedOrders returns up to 500 ids of paid orders without an invoice, in
// the order in which they were paid.
func (tx *Tx) UninvoicedOrders(ctx context.Context) ([]string, error) {
	return values[string](ctx, tx, uninvoicedSQL, nil)
}

const insertEvidenceSQL = `
INSERT INTO tax_evidence (order_id, kind, country, detail, collected_at) VALUES (@order, @kind, @country, @detail, @now)
ON CONFLICT (order_id, kind) DO NOTHING`

// InsertEvidence keeps a piece of evidence of where the buyer is
// (Reg. 282/2011 art. 24f); the first of a kind stands.
func (tx *Tx) InsertEvidence(ctx context.Context, orderID, kind, country, detail string) error {
	tx.later(insertEvidenceSQL, pgx.NamedArgs{"order": orderID, "kind": kind, "country": country, "detail": detail, "now": tx.now})
	return nil
}

// ExpiringBankInvoices returns up to 500 orders by transfer that somebody placed
// before an instant, that can be paid until a day from today to until, and of
// which nobody was reminded.
func (tx *Tx) ExpiringBankInvoices(ctx context.Context, today, until civil.Date, placedBefore time.Time) ([]order.Order, error) {
	rows, err := list[orderRow](ctx, tx, expiringBankInvoicesSQL, pgx.NamedArgs{"today": day(today), "until": day(until), "placed_before": placedBefore})
	return orders(rows), err
}
