package sim

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/bank/banktest"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
)

// transfer is money that somebody sent to our account.
type transfer struct {
	entry   bank.Entry
	who     *person // whose order or balance it names
	number  string  // of the order; empty for none
	balance bool    // it names the balance
	outcome string  // what the first import said
}

// transferMoney has some money arrive and imports the statement: with what was
// sent before, twice, or both.
func transferMoney(w *world, s step) string {
	p := w.who(s)
	fresh := []*transfer{w.transfer(p, s.A, s.B)}
	if s.C%3 == 0 {
		fresh = append(fresh, w.transfer(w.people[(s.Who+1)%len(w.people)], s.B, s.A))
	}
	fresh = slices.DeleteFunc(fresh, func(t *transfer) bool { return t == nil })
	if len(fresh) == 0 {
		return "nothing to send"
	}
	w.sent = append(w.sent, fresh...)
	listed := slices.Clone(fresh)
	if s.C/4%2 == 0 { // the statement overlaps with earlier ones
		listed = slices.Clone(w.sent[max(0, len(w.sent)-6):])
	}
	file := w.statement(listed, s.C/8)
	out := w.bring(file, listed)
	if strings.HasPrefix(out, "crashed") || s.C/16%3 == 0 {
		out += ", again: " + w.bring(file, listed)
	}
	return out
}

// transfer is what somebody sends: the right amount for an order, or not quite.
func (w *world) transfer(p *person, a, b int) *transfer {
	t := &transfer{who: p, entry: bank.Entry{
		Currency: "EUR", Credit: true, Booked: w.app.Today(), Valued: w.app.Today(), ServicerRef: fmt.Sprintf("REF%06d", len(w.sent)*10+a%10),
		Payer: p.name, PayerIBAN: p.iban,
	}}
	state := "awaiting_payment"
	if a%16 == 15 {
		state = "" // paid again, or late
	}
	o, ok := pick(w.ordersOf(p, state), a/16)
	switch kind := b % 10; {
	case kind == 8: // nobody knows what for
		t.entry.Amount, t.entry.Text, t.entry.PayerIBAN = money.Amount(1+b%300_00), "thank you", "GB82WEST12345698765432"
		return t
	case kind == 9:
		if p.topUp == "" && !w.prepareTopUp(p) {
			return nil
		}
		t.entry.Amount, t.entry.References, t.balance = money.Amount(1_00+b%500_00), []string{p.topUp}, true
		return t
	case !ok:
		return nil
	default:
		t.number = o.Number
		t.entry.Amount = o.Total + money.Amount([]int{0, 0, 0, 0, -60, -2_500, 1, 1_234}[kind])
		t.entry.References = []string{w.reference(p, o.Number)}
		if b/16%4 == 0 {
			t.entry.Payer, t.entry.PayerIBAN = "Somebody Else", "GB82WEST12345698765432"
		}
	}
	if t.entry.Amount <= 0 || t.entry.References[0] == "" {
		return nil
	}
	return t
}

// reference is what the order's page asks people to write.
func (w *world) reference(p *person, number string) string {
	o, err := w.app.Order(w.ctx, p.actor, number)
	w.answer(err)
	return o.Reference
}

func (w *world) prepareTopUp(p *person) bool {
	if w.answer(w.app.PrepareTopUp(w.ctx, p.actor, p.payer)) != "ok" {
		return false
	}
	b, err := w.app.Balance(w.ctx, p.actor, p.payer, 0)
	if w.answer(err) != "ok" || b.TopUp == nil {
		return false
	}
	p.topUp = string(b.TopUp.Reference)
	return true
}

func (w *world) statement(listed []*transfer, n int) []byte {
	s := bank.Statement{ID: fmt.Sprintf("S-%d", w.at), IBAN: sellerIBAN, Currency: "EUR", From: listed[0].entry.Booked, To: w.app.Today(), Opening: 1000_00}
	for _, t := range listed {
		s.Entries = append(s.Entries, t.entry)
	}
	var b bytes.Buffer
	w.must(banktest.WriteCAMT053(&b, []banktest.Version{banktest.Version02, banktest.Version08}[n%2], banktest.Closed(s)))
	return b.Bytes()
}

// outcomeOf is what a movement became, without the name of its payer, who may have
// another one by the next import.
func outcomeOf(d app.ImportedEntry) string {
	outcome := d.Outcome + " " + d.OrderNumber + " " + d.Reason
	if d.Balance != "" {
		outcome += " to a balance"
	}
	return outcome
}

// bring imports a file. Each movement has one outcome, whatever is imported how
// often.
func (w *world) bring(file []byte, listed []*transfer) string {
	done, err := w.app.ImportStatement(w.ctx, bytes.NewReader(file), audit.ByCommand("sim"))
	for i, d := range done {
		t := listed[i]
		outcome := outcomeOf(d)
		if t.outcome != "" && (t.outcome != outcome || !d.Known) {
			w.broke("I25", "a movement was %q and is %q, known: %t", t.outcome, outcome, d.Known)
		}
		if t.outcome == "" {
			w.arrived(t, d)
		}
		t.outcome = outcome
	}
	out := w.answer(err) + ","
	for _, d := range done {
		out += " " + d.Outcome
	}
	return out
}

// arrived notes the outcome of a movement. What names an order or a balance goes
// there or nowhere.
func (w *world) arrived(t *transfer, d app.ImportedEntry) {
	if d.Outcome != string(bank.Matched) {
		return
	}
	switch {
	case d.OrderNumber != "" && t.number == "" && !t.balance: // by the account that it came from
	case d.OrderNumber != t.number, (d.Balance != "") != t.balance:
		w.broke("I26", "money for order %q went to order %q, balance %q", t.number, d.OrderNumber, d.Balance)
	}
	for _, o := range w.facts.orders {
		if o.ID == d.OrderID {
			w.payerOf(o.Payer).bankIn += t.entry.Amount
			return
		}
	}
	t.who.bankIn += t.entry.Amount
}

// trust sets how far a payer's balance may go below nothing.
func trust(w *world, s step) string {
	limit := []money.Amount{0, 50_00, 400_00, 5000_00}[s.A%4]
	_, err := w.app.SetCreditLimit(w.ctx, w.who(s).payer, limit.Decimal(), audit.ByCommand("sim"))
	return w.answer(err)
}

// refundThere gives money back at the provider's own page.
func refundThere(w *world, s step) string {
	p, ok := pick(w.paid(), s.A)
	if !ok {
		return "nothing paid"
	}
	amount := max(1, p.Received/money.Amount(1+s.B%4))
	r := w.card.Refund(w.t.Context(), payment.RefundRequest{
		PaymentID: payment.ID(p.ID), RefundID: fmt.Sprintf("own-%d", w.at), Key: fmt.Sprintf("own-%d", w.at), Amount: money.Of(amount, "EUR"),
	})
	return r.Outcome.String()
}

// dispute has the payer's bank take money back, or decide about that.
func dispute(w *world, s step) string {
	p, ok := pick(w.paid(), s.A)
	if !ok {
		return "nothing paid"
	}
	state := []payment.DisputeState{payment.DisputeOpen, payment.DisputeWon, payment.DisputeLost}[s.B%3]
	amount := money.Amount(0)
	if s.C%2 == 0 {
		amount = max(1, p.Received/3)
	}
	if err := w.bank.Chargeback(p.ID, amount, state); err != nil {
		return "not possible"
	}
	return string(state)
}

// paid are payments by card that money came for.
func (w *world) paid() (out []pay) {
	for _, p := range sorted(w.facts.pays, func(p pay) string { return p.ID }) {
		if p.Received > 0 && p.Parent == "" {
			out = append(out, p)
		}
	}
	return out
}

// settleLater decides about a payment that is processed.
func settleLater(w *world, s step) string {
	var waiting []string
	for _, e := range w.bank.Book() {
		if e.State == payment.Processing {
			waiting = append(waiting, e.Reference)
		}
	}
	id, ok := pick(waiting, s.A)
	if !ok {
		return "nothing waits"
	}
	w.must(w.bank.Settle(id, s.B%3 > 0))
	return "ok"
}
