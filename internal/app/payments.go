package app

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/failpoint"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/subscription"
)

// byPayments is who applies what a provider says.
var byPayments = audit.ByJob("payments")

const (
	checkoutTime = time.Hour        // how long the provider's page stays open
	resendAfter  = 10 * time.Minute // when what could not be sent is tried again
	rechargeIn   = time.Hour        // when a charge that could not be sent at all is begun anew
)

// StartPaymentInput is what the payer chose on our page.
type StartPaymentInput struct {
	Keep        bool   // charge this card for renewals: needs the consent
	ConsentID   string // key of the consent's text
	ConsentText string // the text as it was shown
	IP          string
	UserAgent   string
	Language    string
}

// OrderPaymentPath is where the provider's page leads back to.
func OrderPaymentPath(number string) string { return "/orders/" + url.PathEscape(number) + "/payment" }

// TopUpPaymentPath is where the provider's page leads back to after a top-up.
const TopUpPaymentPath = "/balance/payment"

// CardsOffered reports whether cards are taken.
func (a *App) CardsOffered() bool { return a.cards != nil }

// PayerOrigins are those of the providers' pages that payers are led to.
func (a *App) PayerOrigins() []string {
	var origins []string
	for _, p := range a.providers {
		for _, origin := range p.Capabilities().PayerOrigins {
			if !slices.Contains(origins, origin) {
				origins = append(origins, origin)
			}
		}
	}
	slices.Sort(origins)
	return origins
}

// cardsFor returns the provider that takes an amount by card, or Unavailable.
func (a *App) cardsFor(amount money.Money) (PaymentProvider, error) {
	if a.cards != nil {
		c := a.cards.Capabilities()
		if slices.Contains(c.Currencies, amount.Currency) && amount.Amount >= c.Min[amount.Currency] {
			return a.cards, nil
		}
	}
	return nil, fault.New(fault.Unavailable, "error.payment.unavailable")
}

// StartPayment opens a checkout for an order and returns the address of the
// provider's page. An open checkout on the same terms is used again, one on
// other terms is canceled first. Asking twice at once opens one (payment_one_live).
//
// Errors: NotFound for what is not the actor's to pay; Conflict for an order
// that is closed (error.order.closed), whose payment is on its way
// (error.payment.in_progress), or while charging is halted
// (error.charging.halted); Unavailable without an answer from the provider:
// the order's payment then says where it stands.
func (a *App) StartPayment(ctx context.Context, actor account.Actor, number string, in StartPaymentInput) (string, error) {
	for range 2 {
		p, fits, err := a.checkoutOf(ctx, actor, number, in)
		if err != nil {
			return "", err
		}
		if fits {
			return a.payerURL(ctx, p)
		}
		if err := a.cancelPayment(ctx, p.ID); err != nil {
			return "", err
		}
	}
	return "", fault.New(fault.Conflict, "error.payment.in_progress")
}

// checkoutOf returns the payment that the payer of an order goes on with: the
// live one, or a new one. fits is false for a live one that has to be canceled
// first.
func (a *App) checkoutOf(ctx context.Context, actor account.Actor, number string, in StartPaymentInput) (p payment.Payment, fits bool, err error) {
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		seen, err := tx.OrderOf(ctx, actor.AccountID, number)
		if err != nil {
			return err
		}
		payer, err := tx.LockPayer(ctx, seen.PayerID)
		if err != nil {
			return err
		}
		live, err := liveFor(ctx, tx, seen)
		if err != nil {
			return err
		}
		o, err := tx.LockOrder(ctx, seen.ID)
		if err != nil {
			return err
		}
		today := a.inZone(tx.Now())
		if !o.Open(today) {
			return fault.New(fault.Conflict, "error.order.closed")
		}
		d, err := a.dueFor(ctx, tx, o, payer, today)
		if err != nil {
			return err
		}
		next := payment.Payment{
			PayerID: o.PayerID, OrderID: o.ID, Initiator: payment.ByPayer, Amount: money.Of(d.total, o.Currency),
			KeepMethod: in.Keep, Language: in.Language, ReturnURL: a.publicURL + OrderPaymentPath(o.Number),
		}
		if next.Payable, err = payableNow(ctx, tx, o, live); err != nil {
			return err
		}
		p, fits, err = a.goOn(ctx, tx, next)
		if err != nil || p.ID != "" {
			return err
		}
		if _, err := tx.SetOrderMethod(ctx, o.ID, order.MethodCard); err != nil {
			return err
		}
		if in.Keep {
			if err := a.agree(ctx, tx, actor, o, in); err != nil {
				return err
			}
		}
		p, err = a.newCheckout(ctx, tx, next)
		fits = true
		return err
	})
	return p, fits, err
}

// goOn looks at the live payment of what next pays, and clears it away where
// nobody else has seen it. fits says whether the payer can go on with it.
func (a *App) goOn(ctx context.Context, tx *store.Tx, next payment.Payment) (p payment.Payment, fits bool, err error) {
	p, err = tx.LivePaymentOf(ctx, next.Payable)
	if fault.Is(err, fault.NotFound) {
		return payment.Payment{}, false, nil
	}
	if err == nil {
		p, err = tx.LockPayment(ctx, p.ID)
	}
	if err != nil {
		return p, false, err
	}
	same := p.OrderID == next.OrderID && p.Initiator == payment.ByPayer && p.Amount == next.Amount && p.KeepMethod == next.KeepMethod
	open := p.ExpiresAt.IsZero() || tx.Now().Before(p.ExpiresAt)
	switch p.State {
	case payment.Succeeded:
		return p, false, fault.New(fault.Conflict, "error.order.closed")
	case payment.Created:
		if same && open {
			return p, true, nil
		}
		if !p.SentAt.IsZero() {
			return p, false, fault.New(fault.Conflict, "error.payment.in_progress")
		}
		return payment.Payment{}, false, a.supersede(ctx, tx, p, "replaced")
	case payment.AwaitingPayer, payment.ActionRequired:
		return p, open && (same || p.Initiator == payment.ByMerchant), nil // the bank of a saved card wants to see the payer
	case payment.Unknown:
		return p, true, nil // a look tells
	default:
		return p, false, fault.New(fault.Conflict, "error.payment.in_progress")
	}
}

// payableOf says what money for an order pays: the next period of the live
// subscription that it extends, else the order.
func payableOf(ctx context.Context, tx *store.Tx, o order.Order, live *subscription.Subscription) (payment.Payable, error) {
	if o.Kind != order.KindRenewal || live == nil {
		return orderPayable(o), nil
	}
	last, err := tx.PeriodCount(ctx, live.ID)
	if err != nil {
		return payment.Payable{}, err
	}
	renewal, err := tx.LockRenewal(ctx, live.ID, last+1)
	return renewal.Payable(), err
}

func orderPayable(o order.Order) payment.Payable {
	return payment.Payable{Kind: payment.PayableOrder, ID: o.ID}
}

// payableNow is payableOf for a new payment at a provider: the order itself where
// a payment of the period succeeded that could not buy it, because its order was
// closed meanwhile. The money of that one is on the balance.
func payableNow(ctx context.Context, tx *store.Tx, o order.Order, live *subscription.Subscription) (payment.Payable, error) {
	payable, err := payableOf(ctx, tx, o, live)
	if err != nil {
		return payable, err
	}
	p, err := tx.LivePaymentOf(ctx, payable)
	if fault.Is(err, fault.NotFound) {
		return payable, nil
	}
	if err == nil && p.State == payment.Succeeded {
		payable = orderPayable(o)
	}
	return payable, err
}

// amountRule is how the amount of later charges follows, in a consent.
const amountRule = "the price of the period, VAT included"

// agree records the payer's consent to later charges for what an order buys.
func (a *App) agree(ctx context.Context, tx *store.Tx, actor account.Actor, o order.Order, in StartPaymentInput) error {
	if in.ConsentText == "" || in.ConsentID == "" {
		return fault.Wrap(fault.Invalid, "", fmt.Errorf("order %s: a card is kept without a consent", o.Number))
	}
	digest := sha256.Sum256([]byte(in.ConsentText))
	id, err := tx.InsertConsent(ctx, payment.Consent{
		PayerID: o.PayerID, AccountID: actor.AccountID, Subject: o.ID, TextID: in.ConsentID, Language: in.Language, TextSHA256: digest[:],
		AmountRule: amountRule, Months: int(o.Selection.Period), IP: in.IP, UserAgent: in.UserAgent,
	})
	if err != nil {
		return err
	}
	return tx.AppendAudit(ctx, audit.Record{
		Actor: audit.ByAccount(actor.AccountID), Action: "consent.given", ObjectKind: "consent", ObjectID: id, PayerID: o.PayerID,
		Detail: map[string]any{"order": o.Number, "months": o.Selection.Period},
	})
}

// newCheckout stores a payment of the payer's, not sent yet. The payer and what
// is paid are locked. It is a Conflict while charging is halted.
func (a *App) newCheckout(ctx context.Context, tx *store.Tx, p payment.Payment) (payment.Payment, error) {
	if err := mayTake(ctx, tx); err != nil {
		return p, err
	}
	provider, err := a.cardsFor(p.Amount)
	if err != nil {
		return p, err
	}
	p.Provider, p.Account = provider.Name(), provider.Account()
	p.State, p.AttemptNo, p.ExpiresAt, p.NextCheckAt = payment.Created, 1, tx.Now().Add(checkoutTime), tx.Now().Add(resendAfter)
	return insertPayment(ctx, tx, p)
}

// insertPayment stores a new payment with the first line of its history.
func insertPayment(ctx context.Context, tx *store.Tx, p payment.Payment) (payment.Payment, error) {
	id, err := tx.InsertPayment(ctx, p)
	if err != nil {
		return p, err
	}
	from := store.FromOperator
	if p.Initiator == payment.ByMerchant {
		from = store.FromClock
	}
	if err := tx.AppendPaymentEvent(ctx, id, store.PaymentEvent{To: p.State, Source: from}); err != nil {
		return p, err
	}
	return tx.Payment(ctx, id)
}

// payerURL sends a checkout that was not sent yet, and returns where its payer
// goes on. What nobody knows is looked up at once.
func (a *App) payerURL(ctx context.Context, p payment.Payment) (string, error) {
	steps := []func(context.Context, payment.ID) error{nil, a.SendPayment, a.ReconcilePayment}
	for _, step := range steps {
		if step != nil && (p.State == payment.Created || p.State == payment.Unknown) {
			if err := step(ctx, p.ID); err != nil {
				return "", err
			}
			var err error
			if p, err = a.payment(ctx, p.ID); err != nil {
				return "", err
			}
		}
		if p.PayerURL != "" {
			return p.PayerURL, nil
		}
	}
	return "", fault.Wrap(fault.Unavailable, "error.payment.unavailable", fmt.Errorf("payment %s is %s", p.ID, p.State))
}

func (a *App) payment(ctx context.Context, id payment.ID) (p payment.Payment, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) error {
		p, err = tx.Payment(ctx, id)
		return err
	})
	return p, err
}

// TopUpByCard opens a checkout that tops up the balance of one of the actor's
// payers, and returns the address of the provider's page. A page of the same
// amount that was left open is used again, so a form sent twice opens one.
func (a *App) TopUpByCard(ctx context.Context, actor account.Actor, id account.PayerID, amount money.Amount, language string) (string, error) {
	if !isUUID(string(id)) {
		return "", fault.Missing("payer")
	}
	if amount < minTopUp || amount > maxTopUp {
		return "", fault.Fields{{Name: "amount", Key: "error.top_up.amount"}}.Err()
	}
	var p payment.Payment
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		payer, err := tx.LockPayerOf(ctx, actor.AccountID, id)
		if err != nil {
			return err
		}
		if !payer.Role.MayBuy() {
			return fault.New(fault.Forbidden, "error.payer.role")
		}
		next := payment.Payment{
			PayerID: id, Payable: payment.Payable{Kind: payment.PayableTopUp}, Initiator: payment.ByPayer,
			Amount: money.Of(amount, a.currencyOf(payer.Payer)), Language: language,
			ReturnURL: a.publicURL + TopUpPaymentPath + "?" + url.Values{"payer": {string(id)}}.Encode(),
		}
		p, err = tx.NewestTopUpOf(ctx, id)
		if err == nil && sameTopUp(p, next, tx.Now()) || err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		p, err = a.newCheckout(ctx, tx, next)
		return err
	})
	if err != nil {
		return "", err
	}
	return a.payerURL(ctx, p)
}

// sameTopUp reports whether the payer can go on with a top-up that was begun
// before: nobody has paid it, and it is of the same amount.
func sameTopUp(p, next payment.Payment, now time.Time) bool {
	open := p.ExpiresAt.IsZero() || now.Before(p.ExpiresAt)
	switch p.State {
	case payment.Created, payment.AwaitingPayer, payment.ActionRequired, payment.Unknown:
		return open && p.Amount == next.Amount && p.ReturnURL == next.ReturnURL
	default:
		return false
	}
}

// intendCharge writes down that a saved method is to be charged for a renewal,
// and enqueues the job that does so. Whether it may is decided when it is sent
// (mayCharge). The payer and the subscription are locked. It fails with Conflict
// while another payment of the renewal is alive, or where it was paid.
func (a *App) intendCharge(ctx context.Context, tx *store.Tx, s subscription.Subscription, o order.Order, renewal store.Renewal, method payment.Method) (payment.ID, error) {
	payer, err := tx.LockPayer(ctx, s.PayerID)
	if err != nil {
		return "", err
	}
	d, err := a.dueFor(ctx, tx, o, payer, a.inZone(tx.Now()))
	if err != nil {
		return "", err
	}
	failpoint.Here("intent.checked")
	p, err := insertPayment(ctx, tx, payment.Payment{
		PayerID: s.PayerID, Payable: renewal.Payable(), OrderID: o.ID, Provider: method.Provider, Account: method.Account,
		Initiator: payment.ByMerchant, ReturnURL: a.publicURL + OrderPaymentPath(o.Number), Amount: money.Of(d.total, o.Currency),
		State: payment.Created, AttemptNo: 1, MethodID: method.ID, NextCheckAt: tx.Now(),
	})
	if err != nil {
		return "", err
	}
	failpoint.Here("intent.inserted")
	return p.ID, a.queue.SendPayment(ctx, tx, p.ID)
}

// scene is a payment with everything that it can move, locked in this order:
// payer, subscription, order, payment.
type scene struct {
	payer   account.Payer
	live    *subscription.Subscription // that the order extends; nil for none
	refused bool                       // the customer has another subscription: the order cannot be granted
	order   order.Order                // zero for a top-up
	payment payment.Payment
}

func (a *App) lockPayment(ctx context.Context, tx *store.Tx, id payment.ID) (scene, error) {
	var s scene
	p, err := tx.Payment(ctx, id)
	if err != nil {
		return s, err
	}
	if s.payer, err = tx.LockPayer(ctx, p.PayerID); err != nil {
		return s, err
	}
	if p.OrderID != "" {
		if s.order, err = tx.Order(ctx, p.OrderID); err != nil {
			return s, err
		}
		if s.live, err = liveFor(ctx, tx, s.order); fault.Is(err, fault.Conflict) {
			s.refused = true
		} else if err != nil {
			return s, err
		}
		if s.order, err = tx.LockOrder(ctx, p.OrderID); err != nil {
			return s, err
		}
	}
	s.payment, err = tx.LockPayment(ctx, id)
	return s, err
}

// SendPayment sends a payment to its provider: once (payments.md 6.3). The
// transaction that writes sent_at decides whether it may still go and is the
// charge moment; the call is outside any transaction; a crash in between leaves
// a payment that only a look at the provider's book moves on.
func (a *App) SendPayment(ctx context.Context, id payment.ID) error {
	var send *request
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		send = nil
		s, err := a.lockPayment(ctx, tx, id)
		if err != nil {
			return err
		}
		p := s.payment
		charge := p.Initiator == payment.ByMerchant
		if p.State != payment.Created || !p.SentAt.IsZero() || charge && p.NextCheckAt.IsZero() { // the calendar says when
			return nil
		}
		if halted, err := tx.ChargingHalted(ctx); err != nil {
			return err
		} else if halted {
			return a.waitForBooks(ctx, tx, p)
		}
		ok, why, err := a.maySend(ctx, tx, s)
		if err != nil {
			return err
		}
		failpoint.Here("send.checked")
		if !ok {
			return a.notNow(ctx, tx, s, why)
		}
		provider, err := a.provider(p)
		if err != nil {
			return err
		}
		if p, err = p.Sent(tx.Now(), provider.Capabilities().IdempotencyWindow); err != nil {
			return err
		}
		if p, _, err = p.Scheduled(tx.Now()); err != nil {
			return err
		}
		if charge {
			if err := a.chargeMoment(ctx, tx, s); err != nil {
				return err
			}
			failpoint.Here("send.charge")
		}
		if send, err = a.request(ctx, tx, p); err != nil {
			return err
		}
		if err := tx.SavePayment(ctx, p); err != nil {
			return err
		}
		failpoint.Here("send.commit")
		return nil
	})
	if err != nil || send == nil {
		return err
	}
	failpoint.Here("send.committed")
	result := send.call(ctx)
	failpoint.Here("send.answered")
	return a.answered(ctx, id, send.op, result)
}

// maySend reports whether a payment that was not sent yet may go, while charging
// is not halted.
func (a *App) maySend(ctx context.Context, tx *store.Tx, s scene) (ok bool, why string, err error) {
	if s.refused {
		return false, "changed", nil
	}
	if s.payment.Initiator == payment.ByMerchant {
		if ok, why, err = a.mayCharge(ctx, tx, s.live, s.order, s.payment); err != nil || !ok {
			return ok, why, err
		}
		// The VAT is that of the day: a number confirmed since, or a new rate.
		d, err := a.dueFor(ctx, tx, s.order, s.payer, a.inZone(tx.Now()))
		if fault.Is(err, fault.Conflict) { // the seller may not make this sale now
			return false, "changed", nil
		}
		if err != nil || d.total != s.payment.Amount.Amount {
			return false, "amount_changed", err
		}
		return true, "", nil
	}
	if s.payment.OrderID != "" && s.order.State != order.StateAwaitingPayment {
		return false, "order_closed", nil
	}
	return true, "", nil
}

// waitForBooks keeps a payment from being sent while charging is halted: a charge
// waits, a payer's page is given up, for its payer has been told so.
func (a *App) waitForBooks(ctx context.Context, tx *store.Tx, p payment.Payment) error {
	if p.Initiator == payment.ByPayer {
		return a.supersede(ctx, tx, p, "charging_halted")
	}
	p.NextCheckAt, p.Checks = tx.Now().Add(resendAfter), 0
	return tx.SavePayment(ctx, p)
}

// mayTake is a Conflict while charging is halted.
func mayTake(ctx context.Context, tx *store.Tx) error {
	halted, err := tx.ChargingHalted(ctx)
	if err == nil && halted {
		err = fault.New(fault.Conflict, "error.charging.halted")
	}
	return err
}

// supersede ends a payment that was not sent. why is for its history.
func (a *App) supersede(ctx context.Context, tx *store.Tx, p payment.Payment, why string) error {
	ended, effects, err := p.Superseded()
	if err != nil {
		return err
	}
	return a.applied(ctx, tx, scene{payment: p}, ended, effects, origin{source: store.FromClock, detail: map[string]any{"why": why}})
}

// request is one call of a provider, the same each time it is made.
type request struct {
	op payment.Operation
	do func(context.Context) payment.Result
}

// call makes the request, and leaves time to store its answer.
func (r *request) call(ctx context.Context) payment.Result {
	ctx, cancel := calling(ctx)
	defer cancel()
	return r.do(ctx)
}

// request packs what a payment asks of its provider, from its stored row alone.
func (a *App) request(ctx context.Context, tx *store.Tx, p payment.Payment) (*request, error) {
	provider, err := a.provider(p)
	if err != nil {
		return nil, err
	}
	description := a.seller.Party.Name
	if p.OrderID != "" {
		o, err := tx.Order(ctx, p.OrderID)
		if err != nil {
			return nil, err
		}
		description += ", " + o.Number
	}
	if p.Initiator == payment.ByPayer {
		r := payment.CheckoutRequest{
			PaymentID: p.ID, Key: p.Key(payment.OpCheckout), Amount: p.Amount, Description: description, Language: p.Language,
			ReturnURL: p.ReturnURL, KeepMethod: p.KeepMethod, ExpiresAt: p.ExpiresAt,
		}
		return &request{payment.OpCheckout, func(ctx context.Context) payment.Result {
			_, result := provider.CreateCheckout(ctx, r)
			return result
		}}, nil
	}
	charger, ok := provider.(SavedCharger)
	if !ok {
		return nil, fmt.Errorf("app: %s charges no saved methods", p.Provider)
	}
	method, err := tx.Method(ctx, p.MethodID)
	if err != nil {
		return nil, err
	}
	r := payment.ChargeRequest{
		PaymentID: p.ID, Key: p.Key(payment.OpCharge), Amount: p.Amount, Description: description, MethodRef: method.Ref, ReturnURL: p.ReturnURL,
	}
	return &request{payment.OpCharge, func(ctx context.Context) payment.Result { return charger.ChargeSaved(ctx, r) }}, nil
}

// provider returns the provider of a payment.
func (a *App) provider(p payment.Payment) (PaymentProvider, error) {
	provider := a.providers[p.Provider]
	if provider == nil || provider.Account() != p.Account {
		return nil, fmt.Errorf("app: payment %s is at %s, account %s, which is not configured", p.ID, p.Provider, p.Account)
	}
	return provider, nil
}

// answered applies what a provider answered.
func (a *App) answered(ctx context.Context, id payment.ID, op payment.Operation, r payment.Result) error {
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		s, err := a.lockPayment(ctx, tx, id)
		if err != nil {
			return err
		}
		p, effects, err := payment.ApplyResult(s.payment, op, r)
		if err != nil {
			return err
		}
		from := origin{source: store.FromAPI, outcome: r.Outcome, seen: r.Snapshot, detail: map[string]any{"operation": op}}
		if r.Decline != nil {
			from.detail["code"], from.detail["retryable"] = r.Decline.Code, r.Decline.Retryable
		}
		if r.Detail != "" {
			from.detail["detail"] = r.Detail
		}
		if err := a.applied(ctx, tx, s, p, effects, from); err != nil {
			return err
		}
		failpoint.Here("answer.commit")
		return nil
	})
	if err == nil {
		failpoint.Here("answer.committed")
	}
	return err
}

// cancelPayment has the provider end a payment that waits for its payer, and
// applies what it says: that may be that the payer was quicker.
func (a *App) cancelPayment(ctx context.Context, id payment.ID) error {
	p, err := a.payment(ctx, id)
	if err != nil {
		return err
	}
	provider, err := a.provider(p)
	if err != nil {
		return err
	}
	canceler, ok := provider.(Canceler)
	if !ok || p.Ref == "" || p.State != payment.AwaitingPayer && p.State != payment.ActionRequired {
		return a.ReconcilePayment(ctx, id)
	}
	cancel := request{payment.OpCancel, func(ctx context.Context) payment.Result { return canceler.Cancel(ctx, p.Ref, p.Key(payment.OpCancel)) }}
	return a.answered(ctx, id, cancel.op, cancel.call(ctx))
}
