package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/subscription"
	"github.com/siptg/portal/internal/vat"
)

// SubscriptionOf is a subscription as one person may see it.
type SubscriptionOf struct {
	subscription.Subscription
	Role         account.Role // the person's role on the payer; empty for the Customer who does not pay
	PayerName    string
	CustomerName string
	CustomerTG   account.TelegramID
	Tax          PayerTax
}

// PayerTax is what the VAT treatment of a payer follows from.
type PayerTax struct {
	Kind      account.Kind
	Country   string
	Postcode  string
	VATNumber string
	VATCheck  string // "valid", "invalid", or empty for no recent answer

	// Of that answer, where the treatment is decided for good.
	CheckID   int64
	CheckedAt time.Time
}

type subscriptionRow struct {
	ID            string
	PayerID       string
	CustomerID    string
	Plan          string
	Accounts      int
	Recording     bool
	Lines         int
	ExtraAccounts int
	API           bool `db:"api"`
	Months        int
	Currency      string
	State         string
	AutoRenew     bool
	AnchorDay     int
	StartedAt     time.Time
	PaidUntil     time.Time
	Role          string
	PayerName     string
	FirstName     string
	LastName      string
	CustomerTG    int64 `db:"customer_tg"`
	PayerKind     string
	Country       string
	Postcode      string
	VATNumber     string `db:"vat_number"`
	VATCheck      string `db:"vat_check"`
}

func (r subscriptionRow) subscription() subscription.Subscription { return r.of().Subscription }

func (r subscriptionRow) of() SubscriptionOf {
	return SubscriptionOf{
		Role: account.Role(r.Role), PayerName: r.PayerName, CustomerTG: account.TelegramID(r.CustomerTG),
		Tax:          PayerTax{Kind: account.Kind(r.PayerKind), Country: r.Country, Postcode: r.Postcode, VATNumber: r.VATNumber, VATCheck: r.VATCheck},
		CustomerName: account.Account{FirstName: r.FirstName, LastName: r.LastName}.Name(),
		Subscription: subscription.Subscription{
			ID: r.ID, PayerID: account.PayerID(r.PayerID), CustomerID: account.ID(r.CustomerID),
			Selection: pricing.Selection{
				Plan: pricing.Plan(r.Plan), Period: pricing.Period(r.Months),
				Options: pricing.Options{Accounts: r.Accounts, Recording: r.Recording, Lines: r.Lines, ExtraAccounts: r.ExtraAccounts, API: r.API},
			},
			Currency: money.Currency(r.Currency), State: subscription.State(r.State), AutoRenew: r.AutoRenew,
			AnchorDay: r.AnchorDay, StartedAt: r.StartedAt, PaidUntil: r.PaidUntil,
		},
	}
}

const subscriptionColumnsSQL = `
SELECT s.id, s.payer_id, s.customer_id, s.plan, s.accounts, s.recording, s.lines, s.extra_accounts, s.api, s.months,
       s.currency, s.state, s.auto_renew, s.anchor_day, s.started_at, s.paid_until,
       COALESCE(m.role, '') AS role, p.name AS payer_name, c.first_name, c.last_name, c.telegram_id AS customer_tg,
       p.kind AS payer_kind, p.country, p.postcode, p.vat_number,
       COALESCE((SELECT v.result FROM vat_check v WHERE v.vat_number = p.vat_number AND v.checked_at >= @vat_since
                   AND (v.payer_id IS NULL OR v.payer_id = p.id AND v.buyer_name = p.name)
                 ORDER BY v.checked_at DESC, v.id DESC LIMIT 1), '') AS vat_check
FROM subscription s
JOIN payer p ON p.id = s.payer_id
JOIN account c ON c.id = s.customer_id
LEFT JOIN member m ON m.payer_id = s.payer_id AND m.account_id = @actor AND m.role IN ('owner', 'billing') `

// Ids first, each way by its own index: with OR between them every subscription
// would be read.
const subscriptionsOfSQL = subscriptionColumnsSQL + `
WHERE s.id IN (SELECT x.id FROM subscription x JOIN member k ON k.payer_id = x.payer_id
               WHERE k.account_id = @actor AND k.role IN ('owner', 'billing')
               UNION ALL SELECT y.id FROM subscription y WHERE y.customer_id = @actor)
ORDER BY s.state, s.paid_until, s.id
LIMIT 200`

// SubscriptionsOf asks for the subscriptions that a person pays for or uses,
// active ones first, the next to run out on top.
func (q *Questions) SubscriptionsOf(actor account.ID, to *[]SubscriptionOf) {
	askAs(q, subscriptionsOfSQL, pgx.NamedArgs{"actor": string(actor), "vat_since": q.now.Add(-vat.ProofLife)}, to, subscriptionRow.of)
}

const subscriptionOfSQL = subscriptionColumnsSQL + `
WHERE s.id = @id AND (m.role IS NOT NULL OR s.customer_id = @actor)`

// SubscriptionOf asks for a subscription that the person pays for or uses; the
// answer is empty where there is none.
func (q *Questions) SubscriptionOf(actor account.ID, id string, to *[]SubscriptionOf) {
	askAs(q, subscriptionOfSQL, pgx.NamedArgs{"actor": string(actor), "vat_since": q.now.Add(-vat.ProofLife), "id": id}, to, subscriptionRow.of)
}

// SubscriptionOf returns a subscription that the person pays for or uses, or
// NotFound.
func (tx *Tx) SubscriptionOf(ctx context.Context, actor account.ID, id string) (SubscriptionOf, error) {
	r, err := one[subscriptionRow](ctx, tx, "subscription", subscriptionOfSQL, pgx.NamedArgs{"actor": string(actor), "vat_since": tx.now.Add(-vat.ProofLife), "id": id})
	return r.of(), err
}

const lockSubscriptionOfSQL = subscriptionOfSQL + ` FOR NO KEY UPDATE OF s`

// LockSubscriptionOf returns a subscription that the person pays for or uses,
// locked, or NotFound.
func (tx *Tx) LockSubscriptionOf(ctx context.Context, actor account.ID, id string) (SubscriptionOf, error) {
	r, err := one[subscriptionRow](ctx, tx, "subscription", lockSubscriptionOfSQL, pgx.NamedArgs{"actor": string(actor), "vat_since": tx.now.Add(-vat.ProofLife), "id": id})
	return r.of(), err
}

const lockLiveSubscriptionSQL = subscriptionColumnsSQL + `
WHERE s.customer_id = @customer AND s.plan = @plan AND s.state = 'active' FOR NO KEY UPDATE OF s`

// LockLiveSubscription returns and locks a customer's active subscription to a
// plan, or NotFound.
func (tx *Tx) LockLiveSubscription(ctx context.Context, customer account.ID, plan pricing.Plan) (subscription.Subscription, error) {
	r, err := one[subscriptionRow](ctx, tx, "subscription", lockLiveSubscriptionSQL, pgx.NamedArgs{
		"actor": string(customer), "vat_since": tx.now, "customer": string(customer), "plan": string(plan),
	})
	return r.of().Subscription, err
}

const subscriptionSQL = subscriptionColumnsSQL + `WHERE s.id = @id`

// Subscription returns a subscription for the program's own work.
func (tx *Tx) Subscription(ctx context.Context, id string) (subscription.Subscription, error) {
	r, err := one[subscriptionRow](ctx, tx, "subscription", subscriptionSQL, pgx.NamedArgs{"actor": nil, "vat_since": tx.now, "id": id})
	return r.of().Subscription, err
}

const lockSubscriptionSQL = subscriptionSQL + ` FOR NO KEY UPDATE OF s`

// LockSubscription is Subscription with the row locked.
func (tx *Tx) LockSubscription(ctx context.Context, id string) (subscription.Subscription, error) {
	r, err := one[subscriptionRow](ctx, tx, "subscription", lockSubscriptionSQL, pgx.NamedArgs{"actor": nil, "vat_since": tx.now, "id": id})
	return r.of().Subscription, err
}

const renewingSQL = `
SELECT id FROM subscription
WHERE state = 'active' AND auto_renew AND paid_until < @until AND id > @after ORDER BY id LIMIT 500`

// Renewing returns up to 500 ids of subscriptions that renew by themselves and
// are paid until before an instant, in the order of ids, after one.
func (tx *Tx) Renewing(ctx context.Context, until time.Time, after string) ([]string, error) {
	return values[string](ctx, tx, renewingSQL, pgx.NamedArgs{"until": until, "after": after})
}

const insertSubscriptionSQL = `
INSERT INTO subscription (payer_id, customer_id, plan, accounts, recording, lines, extra_accounts, api, months, currency,
                          state, auto_renew, anchor_day, started_at, paid_until)
VALUES (@payer, @customer, @plan, @accounts, @recording, @lines, @extra_accounts, @api, @months, @currency,
        @state, @auto_renew, @anchor_day, @started_at, @paid_until)
RETURNING id`

// InsertSubscription stores a new subscription and returns its id.
func (tx *Tx) InsertSubscription(ctx context.Context, s subscription.Subscription) (string, error) {
	return value[string](ctx, tx, "subscription", insertSubscriptionSQL, pgx.NamedArgs{
		"payer": string(s.PayerID), "customer": string(s.CustomerID), "plan": string(s.Selection.Plan),
		"accounts": s.Selection.Accounts, "recording": s.Selection.Recording, "lines": s.Selection.Lines,
		"extra_accounts": s.Selection.ExtraAccounts, "api": s.Selection.API, "months": int(s.Selection.Period),
		"currency": string(s.Currency), "state": string(s.State), "auto_renew": s.AutoRenew, "anchor_day": s.AnchorDay,
		"started_at": s.StartedAt, "paid_until": s.PaidUntil,
	})
}

const saveSubscriptionSQL = `
UPDATE subscription
SET months = @months, state = @state, auto_renew = @auto_renew, paid_until = @paid_until, anchor_day = @anchor_day,
    accounts = @accounts, recording = @recording, lines = @lines, extra_accounts = @extra_accounts, api = @api
WHERE id = @id`

// SaveSubscription stores what may change of a subscription.
func (tx *Tx) SaveSubscription(ctx context.Context, s subscription.Subscription) error {
	tx.later(saveSubscriptionSQL, pgx.NamedArgs{
		"id": s.ID, "months": int(s.Selection.Period), "state": string(s.State), "auto_renew": s.AutoRenew, "paid_until": s.PaidUntil,
		"anchor_day": s.AnchorDay, "accounts": s.Selection.Accounts, "recording": s.Selection.Recording, "lines": s.Selection.Lines,
		"extra_accounts": s.Selection.ExtraAccounts, "api": s.Selection.API,
	})
	return nil
}

const appendPeriodSQL = `
INSERT INTO subscription_period (subscription_id, number, during, order_id, price_book, monthly_minor, worth, rate, change)
VALUES (@subscription, @number, tstzrange(@from_at, @until_at), @order, @book, @monthly, @worth, @rate, @change)`

// AppendPeriod stores a paid period with its value account, as the change-th
// change left it (0 as bought); one that overlaps another is refused.
func (tx *Tx) AppendPeriod(ctx context.Context, subscriptionID string, p subscription.PaidPeriod, change int) error {
	tx.later(appendPeriodSQL, pgx.NamedArgs{
		"subscription": subscriptionID, "number": p.Number, "from_at": p.From, "until_at": p.Until, "order": nullable(p.OrderID),
		"book": p.Book, "monthly": int64(p.Monthly), "worth": p.Worth.String(), "rate": p.Rate.String(), "change": change,
	})
	return nil
}

const paidPeriodsSQL = `
SELECT number, lower(during) AS from_at, upper(during) AS until_at, COALESCE(order_id::text, '') AS order_id,
       COALESCE(price_book, '') AS price_book, COALESCE(monthly_minor, 0) AS monthly_minor, COALESCE(worth, '') AS worth, COALESCE(rate, '') AS rate
FROM subscription_period
WHERE subscription_id = @subscription AND superseded_at IS NULL AND upper(during) > @now ORDER BY number`

// PaidPeriods returns the value account of a subscription from now on, oldest
// first; nothing when one of its periods has no account.
func (tx *Tx) PaidPeriods(ctx context.Context, subscriptionID string) ([]subscription.PaidPeriod, error) {
	rows, err := list[struct {
		Number       int
		FromAt       time.Time
		UntilAt      time.Time
		OrderID      string
		PriceBook    string
		MonthlyMinor int64
		Worth        string
		Rate         string
	}](ctx, tx, paidPeriodsSQL, pgx.NamedArgs{"subscription": subscriptionID, "now": tx.now})
	if err != nil {
		return nil, err
	}
	out := make([]subscription.PaidPeriod, len(rows))
	for i, r := range rows {
		if r.PriceBook == "" {
			return nil, nil
		}
		p := subscription.PaidPeriod{
			Period: subscription.Period{Number: r.Number, From: r.FromAt, Until: r.UntilAt, OrderID: r.OrderID},
			Book:   r.PriceBook, Monthly: money.Amount(r.MonthlyMinor),
		}
		if p.Worth, err = subscription.ParseValue(r.Worth); err != nil {
			return nil, err
		}
		if p.Rate, err = subscription.ParseValue(r.Rate); err != nil {
			return nil, err
		}
		out[i] = p
	}
	return out, nil
}

const supersedePeriodsSQL = `
UPDATE subscription_period SET superseded_at = @now
WHERE subscription_id = @subscription AND number >= @first AND superseded_at IS NULL`

// SupersedePeriods puts the periods from the first-th on out of force.
func (tx *Tx) SupersedePeriods(ctx context.Context, subscriptionID string, first int) error {
	tx.later(supersedePeriodsSQL, pgx.NamedArgs{"subscription": subscriptionID, "first": first, "now": tx.now})
	return nil
}

const changeCountSQL = `SELECT COALESCE(max(change), 0) FROM subscription_period WHERE subscription_id = @subscription`

// ChangeCount returns how many changes a subscription has had.
func (tx *Tx) ChangeCount(ctx context.Context, subscriptionID string) (int, error) {
	return value[int](ctx, tx, "changes", changeCountSQL, pgx.NamedArgs{"subscription": subscriptionID})
}

const periodCountSQL = `SELECT COALESCE(max(number), 0) FROM subscription_period WHERE subscription_id = @subscription`

// PeriodCount returns the number of the subscription's last paid period.
func (tx *Tx) PeriodCount(ctx context.Context, subscriptionID string) (int, error) {
	return value[int](ctx, tx, "period", periodCountSQL, pgx.NamedArgs{"subscription": subscriptionID})
}

const periodOfOrderSQL = `
SELECT number, lower(during) AS from_at, upper(during) AS until_at FROM subscription_period WHERE order_id = @order AND change = 0`

// PeriodOfOrder returns the period that an order paid for, as it was bought, or
// NotFound.
func (tx *Tx) PeriodOfOrder(ctx context.Context, orderID string) (subscription.Period, error) {
	r, err := one[struct {
		Number  int
		FromAt  time.Time
		UntilAt time.Time
	}](ctx, tx, "period", periodOfOrderSQL, pgx.NamedArgs{"order": orderID})
	return subscription.Period{Number: r.Number, From: r.FromAt, Until: r.UntilAt, OrderID: orderID}, err
}

const appendSubscriptionEventSQL = `
INSERT INTO subscription_event (subscription_id, at, kind, actor, months, days, order_number, paid_until)
VALUES (@subscription, @at, @kind, @actor, @months, @days, @order_number, @paid_until)`

// AppendSubscriptionEvent adds a line to a subscription's history.
func (tx *Tx) AppendSubscriptionEvent(ctx context.Context, subscriptionID string, e subscription.Event) error {
	tx.later(appendSubscriptionEventSQL, pgx.NamedArgs{
		"subscription": subscriptionID, "at": e.At, "kind": string(e.Kind), "actor": e.Actor, "months": e.Months, "days": e.Days,
		"order_number": e.OrderNumber, "paid_until": e.PaidUntil,
	})
	return nil
}

const switchedOnSQL = `
SELECT count(*) FROM subscription_event WHERE subscription_id = @subscription AND kind = 'auto_renew_on' AND at > @since`

// SwitchedOn counts how often auto-renewal of a subscription was switched on since
// an instant.
func (tx *Tx) SwitchedOn(ctx context.Context, subscriptionID string, since time.Time) (int, error) {
	n, err := value[int64](ctx, tx, "subscription", switchedOnSQL, pgx.NamedArgs{"subscription": subscriptionID, "since": since})
	return int(n), err
}

// EventOf is a line of a subscription's history with what it is told with.
type EventOf struct {
	subscription.Event
	By     account.ID // who placed the order, or acted; empty for the program and its commands
	ByName string
	Paid   money.Money // with VAT; zero where nothing was paid
}

type eventRow struct {
	subscription.Event
	By        *string
	FirstName string
	LastName  string
	PaidMinor int64
	Currency  string
}

func (r eventRow) of() EventOf {
	e := EventOf{Event: r.Event}
	if r.By != nil {
		e.By, e.ByName = account.ID(*r.By), account.Account{FirstName: r.FirstName, LastName: r.LastName}.Name()
	}
	if r.Currency != "" {
		e.Paid = money.Of(money.Amount(r.PaidMinor), money.Currency(r.Currency))
	}
	return e
}

const subscriptionEventsSQL = `
SELECT e.at, e.kind, e.actor, e.months, e.days, e.order_number, e.paid_until, a.id AS by, COALESCE(a.first_name, '') AS first_name,
       COALESCE(a.last_name, '') AS last_name, COALESCE(t.net_minor + t.vat_minor, 0) AS paid_minor,
       CASE WHEN t.order_id IS NULL THEN '' ELSE o.currency END AS currency
FROM subscription_event e
LEFT JOIN orders o ON o.number = e.order_number
LEFT JOIN settlement t ON t.order_id = o.id
LEFT JOIN account a ON a.id = COALESCE(o.placed_by, CASE WHEN e.actor LIKE 'account:%' THEN substr(e.actor, 9)::uuid END)
WHERE e.subscription_id = @subscription ORDER BY e.id`

// SubscriptionEvents asks for a subscription's history, oldest first.
func (q *Questions) SubscriptionEvents(subscriptionID string, to *[]EventOf) {
	askAs(q, subscriptionEventsSQL, pgx.NamedArgs{"subscription": subscriptionID}, to, eventRow.of)
}

// SubscriptionEvents returns a subscription's history, oldest first.
func (tx *Tx) SubscriptionEvents(ctx context.Context, subscriptionID string) ([]EventOf, error) {
	rows, err := list[eventRow](ctx, tx, subscriptionEventsSQL, pgx.NamedArgs{"subscription": subscriptionID})
	out := make([]EventOf, len(rows))
	for i, r := range rows {
		out[i] = r.of()
	}
	return out, err
}

const endSubscriptionsSQL = subscriptionColumnsSQL + `
WHERE s.state = 'active' AND s.paid_until < @paid_before
  AND NOT EXISTS (SELECT FROM renewal r
                  JOIN payment y ON y.payable_kind = 'renewal' AND y.payable_id = r.id AND y.initiator = 'merchant' AND y.sent_at IS NOT NULL
                                AND y.parked = '' AND y.next_check_at IS NOT NULL AND y.state IN ('created', 'processing', 'unknown')
                  WHERE r.subscription_id = s.id AND r.state = 'open')
ORDER BY s.id LIMIT 200 FOR NO KEY UPDATE OF s SKIP LOCKED`

// LockOverdue returns and locks up to 200 active subscriptions that were paid
// until before an instant. One whose saved method is being charged is left out:
// the money may have been taken. That ends: after eight days at most a look has
// told, or a person was called.
func (tx *Tx) LockOverdue(ctx context.Context, paidBefore time.Time) ([]subscription.Subscription, error) {
	rows, err := list[subscriptionRow](ctx, tx, endSubscriptionsSQL, pgx.NamedArgs{"actor": nil, "vat_since": tx.now, "paid_before": paidBefore})
	out := make([]subscription.Subscription, len(rows))
	for i, r := range rows {
		out[i] = r.of().Subscription
	}
	return out, err
}
