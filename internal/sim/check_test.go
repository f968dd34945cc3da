package sim

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/ledger"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/subscription"
)

// permits is what the step at hand may change.
type permits struct {
	toggle map[string]bool // subscriptions whose auto-renewal was asked to be switched
	change map[string]bool // whose options were asked to be changed
	refund map[string]bool // and of which the unused part was to be given back
	any    bool            // two things at once: the order in which they came is not known
}

// charge is one saved card charged, as it left.
type charge struct {
	payment, method string
	amount          money.Money
	bytes           []byte
}

func sorted[T any](m map[string]T, by func(T) string) []T {
	return slices.SortedFunc(maps.Values(m), func(a, b T) int { return cmp.Compare(by(a), by(b)) })
}

// check looks at everything after a step.
func (w *world) check() {
	now, err := w.read()
	w.must(err)
	if now.writes != w.armed && w.audited(false) { // else nothing was written, and everything is as it was
		now, err = w.read() // jobs were done meanwhile
		w.must(err)
	}
	w.moved(w.facts, now)
	w.money(now)
	w.onPaper(now)
	w.atTheProvider(now)
	w.facts = now
}

// audited is what `portal audit` says. What it says of lateness counts only where
// nothing kept the jobs from being done. It reports whether it had jobs done.
func (w *world) audited(late bool) (worked bool) {
	lines, _, err := w.app.Audit(w.t.Context())
	if slices.ContainsFunc(lines, func(l app.AuditLine) bool { return l.ID == "I13" && l.Broken > 0 }) {
		// A document that is not drawn within the hour: the jobs were out of order, or
		// it broke off, and time leapt past the next look for such. What crashes is the
		// step's, and not this.
		worked = true
		w.exec(`SELECT setval('sim_write', 1)`)
		w.jobs(nil)
		w.due("drawing", w.app.DrawPending)
		lines, _, err = w.app.Audit(w.t.Context())
	}
	if err != nil {
		w.broke("audit", "%v", err)
	}
	for _, l := range lines {
		if l.Broken > 0 && (l.ID != "-" || late) {
			w.broke(l.ID, "the audit: %s (%d)", l.Title, l.Broken)
		}
	}
	return worked
}

// moved compares two moments: what may not go back has not, and what changed was
// asked for.
func (w *world) moved(before, now facts) {
	closed := map[string]int{}
	for id, o := range now.orders {
		was, known := before.orders[id]
		if known && was.State != o.State && (was.State == "paid" || was.State == "canceled") {
			w.broke("I6", "order %s went from %s to %s", o.Number, was.State, o.State)
		}
		if known && was.Net != o.Net || o.State == "paid" && o.Taken <= 0 {
			w.broke("I6", "order %s: net %s was %s; took %s", o.Number, o.Net.Decimal(), was.Net.Decimal(), o.Taken.Decimal())
		}
		if o.State == "paid" && was.State != "paid" {
			closed[o.Subscription]++
		}
		if known && o.Credited > was.Credited && before.paidDisputed(id) && now.paidDisputed(id) {
			w.broke("I9", "%s of order %s were given back while its payment is disputed", (o.Credited - was.Credited).Decimal(), o.Number)
		}
	}
	for id, s := range now.subs {
		was, known := before.subs[id]
		if known {
			w.subscriptionMoved(before, now, was, s, closed[id])
		}
		if !known && (closed[id] == 0 || closed[id] != s.Periods) {
			w.broke("I6", "a subscription to %s began with %d paid orders and %d periods", s.Plan, closed[id], s.Periods)
		}
	}
	for id, p := range now.pays {
		was, known := before.pays[id]
		if known && !was.live() && p.State != was.State {
			w.broke("I23", "a payment went from %s to %s", was.State, p.State)
		}
		if p.Received < was.Received || p.Refunded+p.Disputed > p.Received {
			w.broke("I9", "payment of %s: received %s, was %s; refunded %s, disputed %s", p.Amount.Decimal(), p.Received.Decimal(), was.Received.Decimal(), p.Refunded.Decimal(), p.Disputed.Decimal())
		}
	}
}

// subscriptionMoved compares a subscription at two moments. paid is how many
// orders for it were paid in between.
func (w *world) subscriptionMoved(before, now facts, was, s sub, paid int) {
	givenBack := w.may.refund[s.ID] || now.disputed(s.ID)
	if was.State == "ended" && s.State != "ended" {
		w.broke("I8", "a subscription to %s came back", s.Plan)
	}
	if s.AutoRenew != was.AutoRenew && !w.may.toggle[s.ID] && !w.may.any && (s.AutoRenew || !givenBack) {
		w.broke("I7", "auto-renewal of %s was switched to %t by nobody", s.Plan, s.AutoRenew)
	}
	if s.State == "ended" && was.State != "ended" && now.at.Before(was.PaidUntil) && !givenBack {
		w.broke("I8", "a subscription to %s ended before %s", s.Plan, was.PaidUntil)
	}
	if s.State == "ended" && was.State != "ended" && w.halted && !givenBack {
		w.broke("I8", "a subscription to %s ended while charging is halted", s.Plan)
	}
	if !s.PaidUntil.Equal(was.PaidUntil) && paid == 0 && !w.may.change[s.ID] && !w.may.any && !givenBack {
		w.broke("I20", "%s is paid until %s instead of %s, for nothing", s.Plan, s.PaidUntil, was.PaidUntil)
	}
	if s.Periods-was.Periods != paid && !w.may.any && len(w.may.change) == 0 && !givenBack {
		w.broke("I6", "%s has %d periods more for %d orders", s.Plan, s.Periods-was.Periods, paid)
	}
	if givenBack { // by days, the one begun is used
		return
	}
	// Paid = used + unused + credited: what was used only grows, and only with time.
	then, used := usedOf(before, was), usedOf(now, s)
	grown := used.Sub(then)
	if grown.Sign() < 0 && grown.Add(cent).Sign() < 0 {
		w.broke("I19", "%s: what was used went down by %s", s.Plan, grown)
	}
	if now.at.Equal(before.at) && (paid == 0 || now.at.Before(was.PaidUntil)) && grown.Sub(cent).Sign() > 0 {
		w.broke("I18", "%s: %s were used in no time", s.Plan, grown)
	}
}

// paidDisputed reports whether money that came for an order was withdrawn.
func (f facts) paidDisputed(order string) bool {
	for _, p := range f.pays {
		if p.Disputed > 0 && p.Order == order {
			return true
		}
	}
	return false
}

// disputed reports whether money for a subscription was withdrawn.
func (f facts) disputed(id string) bool {
	for _, p := range f.pays {
		if p.Disputed > 0 && f.orders[p.Order].Subscription == id {
			return true
		}
	}
	return false
}

var cent = subscription.ValueOf(1)

// usedOf is what was used of a subscription so far: what was paid for it, less
// what is left and what was credited.
func usedOf(f facts, s sub) subscription.Value {
	var paid money.Amount
	for _, o := range f.orders {
		if o.State == "paid" && o.Subscription == s.ID {
			paid += o.Net - o.Credited
		}
	}
	return subscription.ValueOf(paid).Sub(s.Unused)
}

// money holds what is booked against what came from outside.
func (w *world) money(f facts) {
	var came money.Amount
	for _, t := range w.sent {
		came += t.entry.Amount
	}
	went := w.paidOutOnce(f)
	if got := f.held[string(ledger.Bank)]; got != came-went {
		w.broke("I29", "%s are booked at the bank, %s came and %s went", got.Decimal(), came.Decimal(), went.Decimal())
	}
	captured := w.captured(f)
	for _, p := range w.people {
		id := string(p.payer)
		booked := f.booked[id]
		if got := booked[string(ledger.EntryBankReceived)]; got != p.bankIn {
			w.broke("I26", "%s of %s are booked from the bank, %s came", got.Decimal(), p.name, p.bankIn.Decimal())
		}
		if got := booked[string(ledger.EntryCaptured)]; got > captured[id] {
			w.broke("I5", "%s of %s are booked from cards, which paid %s", got.Decimal(), p.name, captured[id].Decimal())
		}
		// Nothing is granted that was not paid for with money that was there.
		var taken money.Amount
		for _, o := range f.orders {
			if o.Payer == id {
				taken += o.Taken
			}
		}
		if got := -booked[string(ledger.EntryOrderPaid)]; got != taken {
			w.broke("I6", "orders of %s took %s from the balance, their settlements say %s", p.name, got.Decimal(), taken.Decimal())
		}
		in := p.bankIn + captured[id] + f.limits[id]
		for kind, amount := range booked { // credits, and refunds on their way
			switch ledger.EntryKind(kind) {
			case ledger.EntryBankReceived, ledger.EntryCaptured, ledger.EntryOrderPaid:
			default:
				in += amount
			}
		}
		if taken > in {
			w.broke("I11", "%s was granted %s for %s", p.name, taken.Decimal(), in.Decimal())
		}
	}
}

// captured is what the sandbox took in all, by payer.
func (w *world) captured(f facts) map[string]money.Amount {
	out := map[string]money.Amount{}
	for _, e := range w.bank.Book() {
		p, known := f.pays[e.Reference]
		if !known {
			w.broke("I24", "the sandbox has a payment %q that is none of ours", e.Reference)
		}
		out[p.Payer] += e.Captured()
	}
	return out
}

// atTheProvider holds the sandbox's book against what was to be paid for: at most
// one capture for each thing, and no charge that its owner had switched off.
func (w *world) atTheProvider(f facts) {
	type thing struct{ kind, id string }
	captures := map[thing]int{}
	for _, e := range w.bank.Book() {
		p, known := f.pays[e.Reference]
		if known {
			captures[thing{p.Kind, p.Payable}] += len(e.Captures)
		}
	}
	w.refundedOnce()
	for t, n := range captures {
		if n > 1 {
			w.broke("I6", "%d captures for one %s", n, t.kind)
		}
	}
	for _, p := range f.pays {
		was := w.facts.pays[p.ID]
		if p.Initiator == string(payment.ByMerchant) && p.Parent == "" && !p.Sent.Equal(time.Unix(0, 0)) && (was.Attempt != p.Attempt || !was.Sent.Equal(p.Sent)) {
			w.mayCharge(f, p)
		}
	}
}

// The seller's calendar and bounds, as the model needs them.
const (
	earliest   = 4 * 24 * time.Hour // more than three days before the end, whatever the time of day
	grace      = 7 * 24 * time.Hour
	maxCharges = 10 // of one payer on one day
	maxCharged = money.Amount(5000_00)
)

// mayCharge judges a charge that was sent in the step at hand, by how things
// stood before it.
func (w *world) mayCharge(f facts, p pay) {
	o := f.orders[p.Order]
	s, known := w.facts.subs[o.Subscription]
	switch {
	case w.may.any:
	case w.halted && w.step.Do != "halt":
		w.broke("I33", "a card was charged while charging is halted")
	case !known || s.State != "active" || p.Sent.After(s.PaidUntil.Add(grace)) && !w.wasHalted:
		w.broke("I8", "a card was charged for a subscription that is over")
	case !s.AutoRenew:
		w.broke("I7", "a card was charged for %s with auto-renewal off", s.Plan)
	case p.Sent.Before(s.PaidUntil.Add(-earliest)):
		w.broke("I22", "a card was charged for %s on %s, and it is paid until %s", s.Plan, p.Sent, s.PaidUntil)
	case w.noCard[s.ID]:
		w.broke("I8", "a card was charged for %s, and nobody agreed to that", s.Plan)
	case w.revoked[p.Method]:
		w.broke("I8", "a card was charged that was taken back")
	}
}

// charged writes down a request that charges a card, and returns whose. Under one
// key there are the same bytes always (payments.md 6.3).
func (w *world) charged(r payment.ChargeRequest) (payer string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := charge{payment: string(r.PaymentID), method: r.MethodRef, amount: r.Amount, bytes: []byte(r.Description + "|" + r.ReturnURL)}
	w.tally["a card is charged"]++
	before, known := w.charges[r.Key]
	if known && (before.payment != c.payment || before.method != c.method || before.amount != c.amount || !bytes.Equal(before.bytes, c.bytes)) {
		w.broke("I6", "another request under the key of an earlier one")
	}
	w.charges[r.Key] = c
	var kind, payable string
	err := w.db.Pool().QueryRow(w.t.Context(), `SELECT payer_id::text, payable_kind, payable_id::text FROM payment WHERE id = $1`, c.payment).Scan(&payer, &kind, &payable)
	if err != nil || kind != string(payment.PayableRenewal) || w.keptBy(r.MethodRef) != payer {
		w.broke("I8", "a card of %q was charged for a %s of %s: %v", w.keptBy(r.MethodRef), kind, payer, err)
	}
	return payer
}

// bounded counts a charge that the provider may have heard, once for each key.
func (w *world) bounded(r payment.ChargeRequest, payer string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.keysHeard[r.Key] {
		return
	}
	w.keysHeard[r.Key] = true
	day := payer + " " + w.app.Today().String()
	w.daily[day] = append(w.daily[day], w.charges[r.Key])
	var sum money.Amount
	for _, c := range w.daily[day] {
		sum += c.amount.Amount
	}
	if n := len(w.daily[day]); n > maxCharges || sum > maxCharged {
		w.broke("I33", "%d charges of %s in all for one payer on one day", n, sum.Decimal())
	}
}

// keptBy is whose card a token of the sandbox is: the payer who let us keep it.
func (w *world) keptBy(token string) string {
	if payer := w.turned[token]; payer != "" {
		return payer
	}
	for _, e := range w.bank.Book() {
		page := w.opened[e.ID]
		if e.Method != nil && e.Method.Token == token && page != nil && page.keep {
			return string(page.who.payer)
		}
	}
	return ""
}
