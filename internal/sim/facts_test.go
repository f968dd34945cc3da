package sim

import (
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/subscription"
)

// facts are what the database says at one moment. From one step to the next they
// may change in certain ways only.
type facts struct {
	at      time.Time
	writes  int64 // so many statements wrote, or tried to
	subs    map[string]sub
	orders  map[string]ord
	pays    map[string]pay
	payouts map[string]payout
	booked  map[string]map[string]money.Amount // by payer and kind of entry: to the payer's favour
	held    map[string]money.Amount            // by kind of account: debits
	limits  map[string]money.Amount            // by payer
	papers  []paper
}

type sub struct {
	ID, Payer, Customer, Plan, State string
	AutoRenew                        bool
	PaidUntil                        time.Time
	Unused                           subscription.Value // of the paid periods, now
	Periods                          int
}

type ord struct {
	ID, Number, Kind, State, Payer, Subscription string
	Net, Total, Taken, Credited                  money.Amount // Taken: what its settlement took, with VAT; Credited: net, by changes
	Months                                       int
}

type pay struct {
	ID, Payer, Kind, Payable, Order, Initiator, State, Parked, Method, Parent string
	Amount, Received, Refunded, Disputed                                      money.Amount
	Attempt                                                                   int
	Sent, Created                                                             time.Time
}

// payout is money of a transfer that a person sends back.
type payout struct {
	ID, State string
	Amount    money.Amount
}

const (
	payoutsSQL = `SELECT id::text, state, amount_minor FROM refund WHERE provider = 'bank'`
	subsSQL    = `
SELECT s.id::text, s.payer_id::text, s.customer_id::text, s.plan, s.state, s.auto_renew, s.paid_until,
       (SELECT count(*) FROM subscription_period p WHERE p.subscription_id = s.id AND p.superseded_at IS NULL) FROM subscription s`
	periodsSQL = `
SELECT p.subscription_id::text, lower(p.during), upper(p.during), p.worth, p.rate FROM subscription_period p WHERE p.superseded_at IS NULL AND p.worth IS NOT NULL`
	ordersSQL = `
SELECT o.id::text, o.number, o.kind, o.state, o.payer_id::text, COALESCE(o.subscription_id::text, ''), o.net_minor, o.total_minor,
       COALESCE(s.net_minor + s.vat_minor - s.shortfall_minor, 0), COALESCE(c.amount, 0), o.months
FROM orders o LEFT JOIN settlement s ON s.order_id = o.id
LEFT JOIN (SELECT order_id, sum(amount)::bigint AS amount FROM (SELECT e.order_id, sum(p.amount_minor)::bigint AS amount FROM ledger_entry e JOIN ledger_posting p ON p.entry_id = e.id AND p.amount_minor > 0
           WHERE e.kind = 'change_credit' GROUP BY e.order_id
           UNION ALL SELECT order_id, sum(CASE kind WHEN 'invoice' THEN -net_minor ELSE net_minor END)::bigint FROM invoice
           WHERE kind = 'credit_note' OR replaces_id IS NOT NULL GROUP BY order_id) x GROUP BY order_id) c ON c.order_id = o.id`
	paysSQL = `
SELECT p.id::text, p.payer_id::text, p.payable_kind, p.payable_id::text, COALESCE(p.order_id::text, ''), p.initiator, p.state, p.parked,
       COALESCE(p.method_id::text, ''), COALESCE(p.parent_id::text, ''), p.amount_minor, p.received_minor, p.refunded_minor, p.disputed_minor,
       p.attempt_no, COALESCE(p.sent_at, 'epoch'), p.created_at FROM payment p WHERE p.provider NOT IN ('bank', 'balance')`
	bookedSQL = `
SELECT a.payer_id::text, e.kind, -sum(p.amount_minor)::bigint FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id AND a.kind = 'balance'
JOIN ledger_entry e ON e.id = p.entry_id GROUP BY a.payer_id, e.kind`
	heldSQL = `
SELECT a.kind, sum(p.amount_minor)::bigint FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id GROUP BY a.kind`
	writesSQL = `SELECT last_value FROM sim_write`
	limitsSQL = `SELECT payer_id::text, credit_limit_minor FROM ledger_account WHERE kind = 'balance'`
)

// read returns what the database says.
func (w *world) read() (facts, error) {
	f := facts{
		at: w.clock.Now(), subs: map[string]sub{}, orders: map[string]ord{}, pays: map[string]pay{}, payouts: map[string]payout{}, booked: map[string]map[string]money.Amount{},
		held: map[string]money.Amount{}, limits: map[string]money.Amount{},
	}
	b := &pgx.Batch{}
	b.Queue(subsSQL).Query(each(func(r pgx.Rows) error {
		var s sub
		err := r.Scan(&s.ID, &s.Payer, &s.Customer, &s.Plan, &s.State, &s.AutoRenew, &s.PaidUntil, &s.Periods)
		f.subs[s.ID] = s
		return err
	}))
	b.Queue(payoutsSQL).Query(each(func(r pgx.Rows) error {
		var p payout
		err := r.Scan(&p.ID, &p.State, &p.Amount)
		f.payouts[p.ID] = p
		return err
	}))
	b.Queue(periodsSQL).Query(each(func(r pgx.Rows) error {
		var (
			id, worth, rate string
			p               subscription.PaidPeriod
		)
		err := r.Scan(&id, &p.From, &p.Until, &worth, &rate)
		if err != nil {
			return err
		}
		if p.Worth, err = subscription.ParseValue(worth); err != nil {
			return err
		}
		if p.Rate, err = subscription.ParseValue(rate); err != nil {
			return err
		}
		s := f.subs[id]
		s.Unused = s.Unused.Add(p.Unused(f.at))
		f.subs[id] = s
		return nil
	}))
	b.Queue(ordersSQL).Query(each(func(r pgx.Rows) error {
		var o ord
		err := r.Scan(&o.ID, &o.Number, &o.Kind, &o.State, &o.Payer, &o.Subscription, &o.Net, &o.Total, &o.Taken, &o.Credited, &o.Months)
		f.orders[o.ID] = o
		return err
	}))
	b.Queue(papersSQL).Query(each(func(r pgx.Rows) error {
		var p paper
		err := r.Scan(&p.Order, &p.Documents, &p.Booked, &p.Stand, &p.Off)
		f.papers = append(f.papers, p)
		return err
	}))
	b.Queue(paysSQL).Query(each(func(r pgx.Rows) error {
		var p pay
		err := r.Scan(&p.ID, &p.Payer, &p.Kind, &p.Payable, &p.Order, &p.Initiator, &p.State, &p.Parked, &p.Method, &p.Parent, &p.Amount, &p.Received,
			&p.Refunded, &p.Disputed, &p.Attempt, &p.Sent, &p.Created)
		f.pays[p.ID] = p
		return err
	}))
	b.Queue(bookedSQL).Query(each(func(r pgx.Rows) error {
		var (
			payer, kind string
			amount      money.Amount
		)
		err := r.Scan(&payer, &kind, &amount)
		if f.booked[payer] == nil {
			f.booked[payer] = map[string]money.Amount{}
		}
		f.booked[payer][kind] = amount
		return err
	}))
	amounts := func(into map[string]money.Amount) func(pgx.Rows) error {
		return each(func(r pgx.Rows) error {
			var (
				key    string
				amount money.Amount
			)
			err := r.Scan(&key, &amount)
			into[key] = amount
			return err
		})
	}
	b.Queue(writesSQL).QueryRow(func(r pgx.Row) error { return r.Scan(&f.writes) })
	b.Queue(heldSQL).Query(amounts(f.held))
	b.Queue(limitsSQL).Query(amounts(f.limits))
	return f, w.db.Pool().SendBatch(w.t.Context(), b).Close()
}

// each scans the rows of an answer.
func each(scan func(pgx.Rows) error) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		for rows.Next() {
			if err := scan(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	}
}

// live reports whether a payment has not ended.
func (p pay) live() bool { return !payment.State(p.State).Terminal() }

// look reads the facts for the first time.
func (w *world) look() (err error) {
	w.facts, err = w.read()
	return err
}

// ordersOf are the orders of a payer in a state, by number; all states for "".
func (w *world) ordersOf(p *person, state string) (out []ord) {
	for _, o := range sorted(w.facts.orders, func(o ord) string { return o.Number }) {
		if o.Payer == string(p.payer) && (state == "" || o.State == state) {
			out = append(out, o)
		}
	}
	return out
}

// subsOf are the subscriptions that a payer pays for, in the order they began.
func (w *world) subsOf(p *person) (out []sub) {
	for _, s := range sorted(w.facts.subs, func(s sub) string { return s.Plan + s.Customer + s.ID }) {
		if s.Payer == string(p.payer) {
			out = append(out, s)
		}
	}
	return out
}
