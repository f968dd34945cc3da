package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/subscription"
)

const lockPayerOfSubscriptionSQL = payerColumnsSQL + `
WHERE p.id = (SELECT payer_id FROM subscription WHERE id = @id) FOR NO KEY UPDATE`

const countPeriodsSQL = `
SELECT COALESCE(max(number), 0) AS periods, COALESCE(max(change), 0) AS changes FROM subscription_period WHERE subscription_id = @id`

const nextRenewalSQL = `
SELECT id, subscription_id, period_no, state, tries, last_try_on, next_try_at
FROM renewal
WHERE subscription_id = @id AND period_no = 1 + (SELECT COALESCE(max(number), 0) FROM subscription_period WHERE subscription_id = @id) FOR UPDATE`

const availableForSQL = `
SELECT COALESCE(sum(a.credit_limit_minor - a.balance_minor), 0)::bigint AS minor
FROM subscription s JOIN ledger_account a ON a.kind = 'balance' AND a.payer_id = s.payer_id AND a.currency = s.currency
WHERE s.id = @id`

// RenewalFacts is what a renewal is decided by. The payer, the subscription and
// the renewal are locked.
type RenewalFacts struct {
	Payer        account.Payer
	Subscription subscription.Subscription
	Periods      int             // how many were paid
	Changes      int             // how many it has had
	Renewal      Renewal         // of the next period; without an id where nothing was stored of it
	Consent      payment.Consent // to charges while away; without an id for none
	Open         []order.Order   // that wait for money to extend the subscription, the newest first
	Available    money.Amount    // what the payer may spend, with the credit limit
	Halted       bool            // nothing may be taken from anybody, as ChargingHalted
}

// LockRenewing returns what the renewal of a subscription is decided by, or
// NotFound. All of it is asked in one round trip, in the order of the locks.
func (tx *Tx) LockRenewing(ctx context.Context, id string) (RenewalFacts, error) {
	var (
		f      RenewalFacts
		payers []PayerOf
		subs   []subscription.Subscription
		rows   []Renewal
		agreed []payment.Consent
		counts struct{ Periods, Changes int }
		spend  struct{ Minor int64 }
		halted struct{ Halted bool }
	)
	args := pgx.NamedArgs{"id": id}
	err := tx.ask(ctx, func(q *Questions) {
		askAs(q, lockPayerOfSubscriptionSQL, args, &payers, payerRow.payer)
		askAs(q, lockSubscriptionSQL, pgx.NamedArgs{"actor": nil, "vat_since": tx.now, "id": id}, &subs, subscriptionRow.subscription)
		askOne(q, countPeriodsSQL, args, &counts)
		askAs(q, nextRenewalSQL, args, &rows, renewalRow.renewal)
		askAs(q, consentOfSQL, pgx.NamedArgs{"subject": id}, &agreed, consentRow.consent)
		askAs(q, openRenewalsSQL, pgx.NamedArgs{"subscription": id}, &f.Open, orderRow.order)
		askOne(q, availableForSQL, args, &spend)
		q.batch.Queue(lockChargingShareSQL)
		askOne(q, chargingHaltedSQL, nil, &halted)
	})
	if err != nil {
		return f, err
	}
	if len(payers) == 0 || len(subs) == 0 {
		return f, fault.Missing("subscription")
	}
	f.Payer, f.Subscription, f.Periods, f.Changes = payers[0].Payer, subs[0], counts.Periods, counts.Changes
	f.Available, f.Halted = money.Amount(spend.Minor), halted.Halted
	if len(rows) > 0 {
		f.Renewal = rows[0]
	}
	if len(agreed) > 0 {
		f.Consent = agreed[0]
	}
	return f, nil
}

const renewalByIDSQL = `
SELECT id, subscription_id, period_no, state, tries, last_try_on, next_try_at FROM renewal WHERE id = @id FOR UPDATE`

// LockRenewalByID returns and locks a renewal. Its subscription is locked before.
func (tx *Tx) LockRenewalByID(ctx context.Context, id string) (Renewal, error) {
	r, err := one[renewalRow](ctx, tx, "renewal", renewalByIDSQL, pgx.NamedArgs{"id": id})
	return r.renewal(), err
}

const insertChargeSQL = `
INSERT INTO charge (payment_id, attempt_no, payer_id, renewal_id, on_day, currency, amount_minor, at)
VALUES (@payment, @attempt, @payer, @renewal, @on, @currency, @amount, @now)`

// InsertCharge writes down the charge moment of a payment of a renewal. It fails
// with Conflict where the renewal had one on that day already.
func (tx *Tx) InsertCharge(ctx context.Context, p payment.Payment, on civil.Date) error {
	_, err := exec(ctx, tx, insertChargeSQL, pgx.NamedArgs{
		"payment": string(p.ID), "attempt": p.AttemptNo, "payer": string(p.PayerID), "renewal": p.Payable.ID, "on": day(on),
		"currency": string(p.Amount.Currency), "amount": int64(p.Amount.Amount), "now": tx.now,
	})
	if IsConstraint(err, "charge_once_a_day") {
		err = fault.Wrap(fault.Conflict, "", err)
	}
	return err
}

const chargeNotSentSQL = `UPDATE charge SET not_sent = true WHERE payment_id = @payment AND attempt_no = @attempt AND NOT not_sent`

// ChargeNotSent notes that an attempt surely was not executed.
func (tx *Tx) ChargeNotSent(ctx context.Context, id payment.ID, attempt int) error {
	_, err := exec(ctx, tx, chargeNotSentSQL, pgx.NamedArgs{"payment": string(id), "attempt": attempt})
	return err
}

const chargesNotSentSQL = `SELECT count(*) FROM charge WHERE renewal_id = @renewal AND on_day = @on AND not_sent`

// ChargesNotSent returns how many charges for a renewal surely were not executed
// of those let go on a business day.
func (tx *Tx) ChargesNotSent(ctx context.Context, renewalID string, on civil.Date) (int, error) {
	return value[int](ctx, tx, "charges", chargesNotSentSQL, pgx.NamedArgs{"renewal": renewalID, "on": day(on)})
}

const chargedOnSQL = `
SELECT count(*) FILTER (WHERE renewal_id = @renewal::uuid) AS of_renewal, count(*) AS of_payer,
       COALESCE(sum(amount_minor) FILTER (WHERE currency = @currency), 0)::bigint AS amount_minor
FROM charge WHERE payer_id = @payer AND on_day = @on AND NOT not_sent`

// Charged is what was charged on a day.
type Charged struct {
	OfRenewal   int
	OfPayer     int
	AmountMinor money.Amount // of the payer's charges in a currency
}

// ChargedOn returns what was charged, or may have been, for a renewal and for its
// payer on a business day.
func (tx *Tx) ChargedOn(ctx context.Context, p payment.Payment, on civil.Date) (Charged, error) {
	return one[Charged](ctx, tx, "charges", chargedOnSQL, pgx.NamedArgs{
		"renewal": p.Payable.ID, "payer": string(p.PayerID), "on": day(on), "currency": string(p.Amount.Currency),
	})
}

const refusedForGoodSQL = `
SELECT EXISTS (SELECT FROM payment p
               JOIN payment_event e ON e.payment_id = p.id AND e.outcome = 'declined' AND e.detail @> '{"retryable": false}'
               JOIN payment_method m ON m.id = p.method_id
               JOIN payment_method this ON this.id = @method AND (this.id = m.id OR this.fingerprint <> '' AND this.fingerprint = m.fingerprint)
               WHERE p.payable_kind = 'renewal' AND p.payable_id = @renewal)`

// RefusedForGood reports whether a card, under whatever token, was declined for a
// renewal in a way that no other day will change.
func (tx *Tx) RefusedForGood(ctx context.Context, renewalID, methodID string) (bool, error) {
	return value[bool](ctx, tx, "decline", refusedForGoodSQL, pgx.NamedArgs{"renewal": renewalID, "method": methodID})
}

const checkChargesOfSQL = `
UPDATE payment p SET next_check_at = @now, version = p.version + 1
FROM renewal r
WHERE r.subscription_id = @subscription AND p.payable_kind = 'renewal' AND p.payable_id = r.id AND p.initiator = 'merchant'
  AND (p.state = 'created' AND p.sent_at IS NULL OR p.state = 'action_required')`

// CheckChargesOf has the reconciler look at the charges of a subscription's
// renewals that are not at the provider yet, or wait there for the payer: they
// may no longer be wanted.
func (tx *Tx) CheckChargesOf(ctx context.Context, subscriptionID string) error {
	_, err := exec(ctx, tx, checkChargesOfSQL, pgx.NamedArgs{"subscription": subscriptionID, "now": tx.now})
	return err
}

const chargeUnderWaySQL = `
SELECT EXISTS (SELECT FROM renewal r
               JOIN payment p ON p.payable_kind = 'renewal' AND p.payable_id = r.id AND p.initiator = 'merchant' AND p.sent_at IS NOT NULL
                             AND p.state NOT IN ('succeeded', 'failed', 'canceled', 'expired')
               WHERE r.subscription_id = @subscription)`

// ChargeUnderWay reports whether a saved method is being charged for a
// subscription: the charge moment has passed, the end is not known. The
// subscription is locked.
func (tx *Tx) ChargeUnderWay(ctx context.Context, subscriptionID string) (bool, error) {
	return value[bool](ctx, tx, "charge", chargeUnderWaySQL, pgx.NamedArgs{"subscription": subscriptionID})
}

const giveUpRenewalsSQL = `
UPDATE renewal SET state = 'gave_up', next_try_at = NULL WHERE subscription_id = @subscription AND state = 'open'`

// GiveUpRenewals closes what a subscription that ended has open.
func (tx *Tx) GiveUpRenewals(ctx context.Context, subscriptionID string) error {
	_, err := exec(ctx, tx, giveUpRenewalsSQL, pgx.NamedArgs{"subscription": subscriptionID})
	return err
}

const inGraceSQL = subscriptionColumnsSQL + `
WHERE s.state = 'active' AND s.paid_until <= @now AND s.paid_until > @since AND s.id > @after ORDER BY s.id LIMIT 500`

// InGrace returns up to 500 active subscriptions whose paid time ended since an
// instant, in the order of ids, after one.
func (tx *Tx) InGrace(ctx context.Context, since time.Time, after string) ([]SubscriptionOf, error) {
	rows, err := list[subscriptionRow](ctx, tx, inGraceSQL, pgx.NamedArgs{"actor": nil, "vat_since": tx.now, "now": tx.now, "since": since, "after": after})
	out := make([]SubscriptionOf, len(rows))
	for i, r := range rows {
		out[i] = r.of()
	}
	return out, err
}

const payersMethodSQL = methodColumnsSQL + `WHERE m.id = @id AND m.payer_id = @payer AND m.revoked_at IS NULL`

// MethodOf returns a method that a payer keeps with us and that may be charged, or
// NotFound.
func (tx *Tx) MethodOf(ctx context.Context, payer account.PayerID, id string) (payment.Method, error) {
	r, err := one[methodRow](ctx, tx, "payment method", payersMethodSQL, pgx.NamedArgs{"id": id, "payer": string(payer)})
	return r.method(), err
}

// NextPayment is what a renewal is paid from, and where its payment stands.
type NextPayment struct {
	SubscriptionID string
	MethodID       string // that the payer agreed to have charged; empty for none
	Method         string // for people
	Provider       string
	ExpiresOn      civil.Date   // of the method; zero for never
	Balance        money.Amount // that can be spent, with the credit limit
	LastTryOn      civil.Date
	NextTryAt      time.Time     // zero for none planned
	Live           payment.State // of a charge at the provider; empty for none
	LiveOrder      string        // number of its order
	DeclinedAt     time.Time     // of the last decline; zero for none
	Decline        string        // the provider's code of it; empty where not told
	Refused        bool          // the method is not tried again for this renewal
	Canceled       bool          // the payer canceled the order of this renewal: it is given up
}

const nextPaymentsSQL = `
SELECT s.id AS subscription_id, COALESCE(m.id::text, '') AS method_id, COALESCE(m.label, '') AS method, COALESCE(m.provider, '') AS provider, m.expires_on,
       COALESCE((SELECT a.credit_limit_minor - a.balance_minor FROM ledger_account a WHERE a.kind = 'balance' AND a.payer_id = s.payer_id AND a.currency = s.currency), 0)::bigint AS balance,
       r.last_try_on, r.next_try_at, COALESCE(live.state, '') AS live, COALESCE(o.number, '') AS live_order,
       d.at AS declined_at, COALESCE(d.code, '') AS decline, COALESCE(d.method_id = m.id AND d.final OR refused.times >= @most, false) AS refused,
       COALESCE((SELECT o.state = 'canceled' FROM orders o
                 WHERE o.subscription_id = s.id AND o.payer_id = s.payer_id AND o.kind = 'renewal' AND o.placed_by IS NULL AND o.placed_at >= r.created_at
                   AND o.placed_at > COALESCE((SELECT max(n.superseded_at) FROM subscription_period n WHERE n.subscription_id = s.id), '-infinity')
                 ORDER BY o.placed_at DESC, o.id LIMIT 1), false) AS canceled
FROM (SELECT x.id, x.payer_id, x.currency, x.months, x.paid_until FROM subscription x
      JOIN member k ON k.payer_id = x.payer_id AND k.account_id = @actor AND k.role IN ('owner', 'billing')
      WHERE x.state = 'active' AND (@id::uuid IS NULL OR x.id = @id::uuid)
      ORDER BY x.paid_until, x.id LIMIT 200) s
LEFT JOIN LATERAL (SELECT c.method_id FROM consent c WHERE c.subject = s.id AND c.revoked_at IS NULL AND c.months = s.months AND c.payer_id = s.payer_id
                   ORDER BY c.given_at DESC, c.id LIMIT 1) c ON true
LEFT JOIN payment_method m ON m.id = c.method_id AND m.payer_id = s.payer_id AND m.revoked_at IS NULL
LEFT JOIN renewal r ON r.subscription_id = s.id AND r.state = 'open'
                   AND r.period_no = 1 + (SELECT max(n.number) FROM subscription_period n WHERE n.subscription_id = s.id)
LEFT JOIN payment live ON live.payable_kind = 'renewal' AND live.payable_id = r.id AND live.initiator = 'merchant' AND live.sent_at IS NOT NULL
                      AND live.state IN ('created', 'action_required', 'processing', 'unknown')
LEFT JOIN orders o ON o.id = live.order_id
LEFT JOIN LATERAL (SELECT e.at, CASE WHEN e.to_state = 'expired' THEN 'not_confirmed' ELSE e.detail ->> 'code' END AS code, COALESCE(NOT (e.detail ->> 'retryable')::boolean, false) AS final, p.method_id
                   FROM payment p JOIN payment_event e ON e.payment_id = p.id
                   WHERE p.payable_kind = 'renewal' AND p.payable_id = r.id AND p.initiator = 'merchant' AND (e.outcome = 'declined' OR e.to_state IN ('failed', 'expired') AND e.detail -> 'not_done' IS NULL)
                   ORDER BY e.at DESC, e.seq DESC LIMIT 1) d ON true
LEFT JOIN LATERAL (SELECT count(*) AS times FROM payment_method same
                   JOIN payment p ON p.method_id = same.id
                   JOIN payment_event e ON e.payment_id = p.id AND e.at > @since
                        AND (e.outcome = 'declined' OR e.source = 'lookup' AND e.to_state = 'failed' AND e.from_state IN ('created', 'unknown', 'processing')
                                                    AND e.detail -> 'not_done' IS NULL)
                   WHERE d.at IS NOT NULL AND (same.id = m.id OR m.fingerprint <> '' AND same.fingerprint = m.fingerprint)) refused ON true`

type nextPaymentRow struct {
	SubscriptionID string
	MethodID       string
	Method         string
	Provider       string
	ExpiresOn      *time.Time
	Balance        int64
	LastTryOn      *time.Time
	NextTryAt      *time.Time
	Live           string
	LiveOrder      string
	DeclinedAt     *time.Time
	Decline        string
	Refused        bool
	Canceled       bool
}

func (r nextPaymentRow) next() NextPayment {
	return NextPayment{
		SubscriptionID: r.SubscriptionID, MethodID: r.MethodID, Method: r.Method, Provider: r.Provider, ExpiresOn: date(r.ExpiresOn),
		Balance: money.Amount(r.Balance), LastTryOn: date(r.LastTryOn), NextTryAt: moment(r.NextTryAt), Live: payment.State(r.Live),
		LiveOrder: r.LiveOrder, DeclinedAt: moment(r.DeclinedAt), Decline: r.Decline, Refused: r.Refused, Canceled: r.Canceled,
	}
}

// NextPayments asks what the renewals of the actor's payers are paid from: of one
// subscription, or of all that are active for "".
func (q *Questions) NextPayments(actor account.ID, id string, to *[]NextPayment) {
	askAs(q, nextPaymentsSQL, pgx.NamedArgs{
		"actor": string(actor), "id": nullable(id), "since": q.now.Add(-payment.CardWindow), "most": payment.MaxDeclinesPerCard,
	}, to, nextPaymentRow.next)
}

const methodsForSQL = methodColumnsSQL + `
JOIN subscription s ON s.payer_id = m.payer_id AND s.id = @id
JOIN member k ON k.payer_id = m.payer_id AND k.account_id = @actor AND k.role IN ('owner', 'billing')
WHERE m.revoked_at IS NULL ORDER BY m.created_at DESC, m.id LIMIT 100`

// MethodsFor asks for the saved methods by which the actor may have a subscription
// renewed, newest first.
func (q *Questions) MethodsFor(actor account.ID, id string, to *[]payment.Method) {
	askAs(q, methodsForSQL, pgx.NamedArgs{"actor": string(actor), "id": id}, to, methodRow.method)
}
