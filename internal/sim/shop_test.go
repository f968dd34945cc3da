package sim

import (
	"strings"

	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/provider/sandbox"
)

// page is a checkout at the sandbox that somebody was led to.
type page struct {
	id   string
	who  *person
	keep bool
}

// orderSomething prices and orders; some send the form twice.
func orderSomething(w *world, s step) string {
	p, sel := w.who(s), selection(s)
	q, err := w.app.Quote(w.ctx, &p.actor, app.QuoteRequest{Selection: sel, Payer: p.payer, Customer: w.customerOf(s)})
	if err != nil {
		return w.answer(err)
	}
	method, _ := pick(q.Methods, s.C/16)
	in := app.PlaceOrder{Selection: sel, Payer: p.payer, Customer: w.customerOf(s), Method: string(method), Quote: q.Token}
	number, err := w.app.PlaceOrder(w.ctx, p.actor, in)
	if err != nil {
		return w.answer(err)
	}
	if s.C/4%4 == 0 {
		if again, err := w.app.PlaceOrder(w.ctx, p.actor, in); err == nil && again != number {
			w.broke("answer", "one form sent twice ordered %s and %s", number, again)
		} else if err != nil {
			w.answer(err)
		}
	}
	o, err := w.app.Order(w.ctx, p.actor, number)
	if err != nil {
		return w.answer(err)
	}
	if paid := o.State == order.StatePaid; o.Total != q.Total || paid != (method == order.MethodBalance) {
		w.broke("answer", "ordered at %s by %s, the order says %s, %s", q.Total.Decimal(), method, o.Total.Decimal(), o.State)
	}
	return "ok"
}

// payOrder goes to the provider's page of an open order, and does there what the
// step says.
func payOrder(w *world, s step) string {
	p, o, ok := having(w, s, w.inState("awaiting_payment"))
	if !ok {
		return "nothing to pay"
	}
	id, out := w.toThePage(p, o.Number, s.B%2 == 0)
	if id == "" {
		return out
	}
	return "ok, " + w.press(id, s.C)
}

// toThePage has a person led to the provider's page for an order.
func (w *world) toThePage(p *person, number string, keep bool) (id, out string) {
	in := app.StartPaymentInput{Keep: keep, IP: "192.0.2.1", UserAgent: "sim", Language: "en"}
	if keep {
		in.ConsentID, in.ConsentText = "consent.text", "You may charge it."
	}
	before := len(w.bank.Book())
	address, err := w.app.StartPayment(w.ctx, p.actor, number, in)
	if err != nil {
		return "", w.answer(err)
	}
	if pages := len(w.bank.Book()); w.halted && pages > before {
		w.broke("I33", "a payment page was opened while charging is halted")
	}
	return w.led(p, address, keep), "ok"
}

// subscribe is how it goes most often: ordered, paid by a good card that may be
// charged later, and all is told.
func subscribe(w *world, s step) string {
	p, before := w.who(s), w.facts
	if out := orderSomething(w, s); out != "ok" {
		return out
	}
	w.must(w.look())
	for _, o := range w.ordersOf(p, "awaiting_payment") {
		if _, known := before.orders[o.ID]; known {
			continue
		}
		id, out := w.toThePage(p, o.Number, true)
		if id == "" {
			w.facts = before
			return out
		}
		w.must(w.bank.Press(id, "pay", []sandbox.Card{sandbox.CardOK, sandbox.CardOK, sandbox.CardExpires}[s.C/64%3], true))
		w.agreedTo(id)
	}
	w.facts = before
	w.bank.Deliver(w.ctx)
	w.jobs(nil)
	return "ok"
}

// payFromBalance pays an open order from the balance, and the page must say so.
func payFromBalance(w *world, s step) string {
	p, o, ok := having(w, s, w.inState("awaiting_payment"))
	if !ok {
		return "nothing to pay"
	}
	out := w.answer(w.app.PayOrderFromBalance(w.ctx, p.actor, o.Number))
	if out == "ok" && s.B%3 == 0 {
		out += ", " + w.answer(w.app.PayOrderFromBalance(w.ctx, p.actor, o.Number))
	}
	if now, err := w.app.Order(w.t.Context(), p.actor, o.Number); err != nil || out == "ok" && now.State != order.StatePaid {
		w.broke("answer", "paid from the balance, the order says %s: %v", now.State, err)
	}
	return out
}

// topUpByCard pays in by card.
func topUpByCard(w *world, s step) string {
	p := w.who(s)
	address, err := w.app.TopUpByCard(w.ctx, p.actor, p.payer, money.Amount(1_00+s.A%400_00), "en")
	if err != nil {
		return w.answer(err)
	}
	return "ok, " + w.press(w.led(p, address, false), s.C)
}

// led notes the page that somebody was led to.
func (w *world) led(p *person, address string, keep bool) string {
	id, ok := strings.CutPrefix(address, payURL+"/v1/checkouts/")
	if !ok {
		w.broke("answer", "led to %q", address)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.opened[id] == nil {
		w.opened[id] = &page{id, p, keep}
		w.order = append(w.order, id)
	}
	return id
}

// cards are what people pay with, good ones more often.
var cards = []sandbox.Card{
	sandbox.CardOK, sandbox.CardOK, sandbox.CardOK, sandbox.CardDeclines, sandbox.CardInsufficient, sandbox.CardEmpties, sandbox.CardConfirm, sandbox.CardExpires, sandbox.CardLater,
}

// press does something on a page.
func (w *world) press(id string, n int) string {
	button, card := "pay", sandbox.Card("")
	switch n % 8 {
	case 0:
		return "walked away"
	case 1:
		button = "decline"
	case 2:
		button = "confirm"
	case 3:
		button = []string{"confirmed", "refuse"}[n/8%2]
	default:
		card = cards[n/8%len(cards)]
	}
	w.must(w.bank.Press(id, button, card, true))
	w.agreedTo(id)
	w.tally["page: "+button+" "+string(card)]++
	if card != "" {
		return button + " " + string(card)
	}
	return button
}

// agreedTo notes that a card may be charged for whatever its page pays.
func (w *world) agreedTo(id string) {
	if page := w.opened[id]; page != nil && page.keep {
		for _, s := range w.subsOf(page.who) {
			w.noCard[s.ID] = false
		}
	}
}

// comeBack does something on a page that was left open.
func comeBack(w *world, s step) string {
	id, ok := pick(w.order, s.A)
	if !ok {
		return "no page"
	}
	if s.B%2 == 0 { // rather the newest
		id = w.order[len(w.order)-1-s.A%min(3, len(w.order))]
	}
	return w.press(id, s.C)
}

// returned is the page that the provider leads back to.
func returned(w *world, s step) string {
	if s.B%4 == 0 {
		p := w.who(s)
		_, err := w.app.TopUpReturned(w.ctx, p.actor, p.payer)
		return w.answer(err)
	}
	p, o, ok := having(w, s, w.inState(""))
	if !ok {
		return "no order"
	}
	seen, err := w.app.PaymentReturned(w.ctx, p.actor, o.Number)
	if err != nil {
		return w.answer(err)
	}
	return string(seen.State)
}

// cancelOrder withdraws an order.
func cancelOrder(w *world, s step) string {
	state := "awaiting_payment"
	if s.B%8 == 0 {
		state = ""
	}
	p, o, ok := having(w, s, w.inState(state))
	if !ok {
		return "no order"
	}
	err := w.app.CancelOrder(w.ctx, p.actor, o.Number)
	out := w.answer(err)
	if now, err := w.app.Order(w.ctx, p.actor, o.Number); err == nil && out == "ok" && now.State != "canceled" {
		w.broke("answer", "order %s is %s after it was canceled", o.Number, now.State)
	}
	return out
}

// change makes a subscription another one, as it was previewed.
func change(w *world, s step) string {
	p, target, ok := having(w, s, w.subsOf)
	if !ok {
		return "no subscription"
	}
	w.may.change = map[string]bool{target.ID: true}
	options := optionsOf(pricing.Plan(target.Plan), s.B)
	shown, err := w.app.PreviewChange(w.ctx, p.actor, target.ID, options)
	if err != nil {
		w.may.change = nil
		return w.answer(err)
	}
	out := w.answer(w.app.ChangeSubscription(w.ctx, p.actor, target.ID, options, shown.Token))
	if out != "ok" {
		return out
	}
	if s.C%4 == 0 { // the form again
		out += ", " + w.answer(w.app.ChangeSubscription(w.ctx, p.actor, target.ID, options, shown.Token))
	}
	now, err := w.app.Subscription(w.ctx, p.actor, target.ID)
	if err != nil {
		return out + ", " + w.answer(err)
	}
	if !now.PaidUntil.Equal(shown.Change.NewUntil) || now.Selection.Options != options {
		w.broke("I18", "changed to %+v until %s; shown %s", now.Selection.Options, now.PaidUntil, shown.Change.NewUntil)
	}
	return out
}

// renewEarly orders the next period.
func renewEarly(w *world, s step) string {
	p, target, ok := having(w, s, w.subsOf)
	if !ok {
		return "no subscription"
	}
	_, err := w.app.RenewEarly(w.ctx, p.actor, target.ID, pricing.Periods[s.B%len(pricing.Periods)])
	return w.answer(err)
}

// toggle switches auto-renewal, and the page must say so.
func toggle(w *world, s step) string {
	p, target, ok := having(w, s, w.subsOf)
	if !ok {
		return "no subscription"
	}
	w.may.toggle = map[string]bool{target.ID: true}
	on := s.B%3 > 0
	method, _ := pick(w.methods(p), s.C)
	if s.C%3 == 0 {
		method.ID = ""
	}
	err := w.switchTo(p, target.ID, on, method.ID)
	out := w.answer(err)
	switch {
	case out != "ok":
	case on && method.ID != "":
		w.noCard[target.ID] = false
	case !on || !target.AutoRenew:
		w.noCard[target.ID] = true
	}
	if now, err := w.app.Subscription(w.ctx, p.actor, target.ID); err == nil && out == "ok" && now.AutoRenew != on {
		w.broke("I7", "auto-renewal is %t after it was switched to %t", now.AutoRenew, on)
	}
	return out
}

// switchTo switches auto-renewal; a method of "" is none.
func (w *world) switchTo(p *person, id string, on bool, method string) error {
	if on {
		return w.app.TurnAutoRenewOn(w.ctx, p.actor, id, app.Consent{
			MethodID: method, ConsentID: "consent.text", ConsentText: "You may charge it.", IP: "192.0.2.1", UserAgent: "sim", Language: "en",
		})
	}
	_, err := w.app.TurnAutoRenewOff(w.ctx, p.actor, id)
	return err
}

// revoke takes a card back.
func revoke(w *world, s step) string {
	p, m, ok := having(w, s, w.methods)
	if !ok {
		return "no card"
	}
	out := w.answer(w.app.RevokeMethod(w.ctx, p.actor, m.ID))
	w.revoked[m.ID] = out == "ok"
	return out
}

// turn makes a kept card another sort: it has no money any more, or is good
// again.
func turn(w *world, s step) string {
	p, m, ok := having(w, s, w.methods)
	if !ok {
		return "no card"
	}
	card := []sandbox.Card{sandbox.CardOK, sandbox.CardInsufficient, sandbox.CardDeclines, sandbox.CardConfirm, sandbox.CardLater}[s.B%5]
	token, err := w.bank.SaveCard(card)
	w.must(err)
	w.turned[token] = string(p.payer)
	w.exec(`UPDATE payment_method SET provider_ref = $1 WHERE id = $2`, token, m.ID)
	return string(card)
}

// methods lists the cards that a payer keeps with us.
func (w *world) methods(p *person) []payment.Method {
	methods, err := w.app.Methods(w.ctx, p.actor, p.payer)
	w.answer(err)
	return methods
}

// bill changes the billing details: where the payer lives decides on VAT.
func bill(w *world, s step) string {
	p := w.who(s)
	in := details[s.A%len(details)]
	if s.B%3 == 0 {
		in.VATNumber, in.VATNumberConfirm = "", false
	}
	in.Name = p.name
	_, err := w.app.SavePayer(w.ctx, p.actor, p.payer, in)
	return w.answer(err)
}
