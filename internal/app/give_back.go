package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/i18n"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/ledger"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/notice"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/subscription"
)

// share is what is given back of one paid period and its order.
type share struct {
	part     subscription.UnusedPart
	order    order.Order
	settled  store.Settlement
	before   store.CreditedOf // given back earlier
	net      money.Amount
	vat      money.Amount
	forgiven money.Amount // of net + vat, what had not been paid
	ways     []wayBack
}

func (s share) total() money.Amount { return s.net + s.vat }

// back is what can go back the way it came: to cards, and by transfer.
func (s share) back() (cards, transfers money.Amount) {
	for _, w := range s.ways {
		if w.transfer() {
			transfers += w.amount
		} else {
			cards += w.amount
		}
	}
	return cards, transfers
}

// labels names the cards, and the accounts, that something can go back to.
func (s share) labels() (cards, accounts []string) {
	for _, w := range s.ways {
		switch {
		case w.label == "":
		case w.transfer():
			accounts = append(accounts, w.label)
		default:
			cards = append(cards, w.label)
		}
	}
	return cards, accounts
}

// wayBack is what can go back to one card, or to the account that one transfer
// came from.
type wayBack struct {
	payment payment.Payment
	label   string // of the card, where it was kept; of the account, where the bank says it
	amount  money.Amount
}

// transfer reports whether a person has to send it.
func (w wayBack) transfer() bool { return w.payment.Provider == payment.ProviderBank }

// accountLabel names an account to the payer by its last digits.
func accountLabel(iban bank.IBAN) string {
	if len(iban) < 4 {
		return ""
	}
	return "…" + string(iban[len(iban)-4:])
}

// shares says what is given back of paid periods, of which the parts name the net
// amount. With lock, orders and their payments are locked, in this order. While a
// dispute about what paid one of them is open, nothing of it is given back in any
// way: its bank may have given it back already (Conflict, error.refund.disputed).
func (a *App) shares(ctx context.Context, tx *store.Tx, parts []subscription.UnusedPart, lock bool) ([]share, error) {
	var out []share
	for _, part := range parts {
		if part.OrderID == "" { // nobody knows what it was paid with
			return nil, fault.New(fault.Conflict, "error.refund.by_hand")
		}
		s := share{part: part, net: part.Credit}
		read := tx.Order
		if lock {
			read = tx.LockOrder
		}
		var err error
		if s.order, err = read(ctx, part.OrderID); err != nil {
			return nil, err
		}
		if s.settled, err = tx.Settlement(ctx, part.OrderID); err != nil {
			return nil, err
		}
		if s.before, err = tx.Credited(ctx, part.OrderID); err != nil {
			return nil, err
		}
		invoiced, rate := s.settled.Net, s.settled.Treatment.Rate
		if s.before.Invoiced > 0 { // its invoice may have been corrected
			invoiced, rate = s.before.Invoiced, s.before.Rate
		}
		s.net = min(s.net, invoiced-s.before.Base-s.before.Change)
		if s.net <= 0 {
			continue
		}
		if s.vat, err = invoice.CreditVAT(rate, s.net, s.before.Base, s.before.VAT); err != nil {
			return nil, err
		}
		s.forgiven = min(s.total(), s.settled.Shortfall-s.before.Forgiven)
		out = append(out, s)
	}
	for i := range out {
		var err error
		if out[i].ways, err = a.waysBack(ctx, tx, out[i], lock); err != nil {
			return nil, err
		}
		if disputed, err := tx.OrderDisputed(ctx, out[i].order.ID); err != nil { // with its payments locked: none is opened meanwhile
			return nil, err
		} else if disputed {
			return nil, fault.New(fault.Conflict, "error.refund.disputed")
		}
	}
	return out, nil
}

// waysBack says how much of a share can go back to the cards and accounts that
// paid: up to what each brought that was not refunded or disputed (I9).
func (a *App) waysBack(ctx context.Context, tx *store.Tx, s share, lock bool) ([]wayBack, error) {
	payments, err := tx.PaymentsThatPaid(ctx, s.order.ID)
	if err != nil {
		return nil, err
	}
	rest := s.total() - s.forgiven
	var out []wayBack
	for _, p := range payments {
		if lock {
			if p, err = tx.LockPayment(ctx, p.ID); err != nil {
				return nil, err
			}
		}
		asked, err := tx.RefundAsked(ctx, p.ID)
		if err != nil {
			return nil, err
		}
		w := wayBack{payment: p, amount: min(rest, payment.Left(p, asked))}
		if w.amount <= 0 {
			continue
		}
		var ok bool
		if w.label, ok, err = a.wayOf(ctx, tx, w); err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		rest -= w.amount
		out = append(out, w)
	}
	return out, nil
}

// wayOf reports whether money can go back a way, and names its end.
func (a *App) wayOf(ctx context.Context, tx *store.Tx, w wayBack) (label string, ok bool, err error) {
	if w.transfer() {
		source, err := tx.TransferSource(ctx, w.payment.ID)
		return accountLabel(source.IBAN), err == nil && !source.Undone, err
	}
	if !a.refunds(w.payment, w.amount) {
		return "", false, nil
	}
	if w.payment.MethodID == "" {
		return "", true, nil
	}
	method, err := tx.Method(ctx, w.payment.MethodID)
	return method.Label, true, err
}

// refunds reports whether the provider of a payment can send that much of it
// back.
func (a *App) refunds(p payment.Payment, amount money.Amount) bool {
	provider, err := a.provider(p)
	if err != nil {
		return false
	}
	_, can := provider.(Refunder)
	c := provider.Capabilities()
	return can && c.Refund && (c.PartialRefund || amount == p.Received)
}

// giveBack is paid time that ends before its time, and its money that goes back.
type giveBack struct {
	subscription subscription.Subscription
	payer        account.Payer
	periods      []subscription.PaidPeriod
	shares       []share
	taken        map[int]money.Amount // periods that end, with what is credited of each
	toMethod     bool                 // the way it came, as far as it goes; else all to the balance
	event        subscription.EventKind
	reason       string // key of the document's reason
	whole        bool   // the documents credit orders as bought, not days
	request      string // names the occasion: the same one is never done twice
	by           audit.Actor
	days         int
}

// givenBack is what was done.
type givenBack struct {
	subscription subscription.Subscription
	net          money.Amount
	vat          money.Amount
	toMethod     money.Amount // to cards
	toTransfer   money.Amount // to accounts: people send it
	toBalance    money.Amount
	documents    []string // numbers of the credit notes
	orders       []string // numbers
}

func (g givenBack) total() money.Amount { return g.net + g.vat }

// giveBack ends paid time and gives its money back, in the caller's transaction:
// periods, history, renewals that waited, the ledger, refunds to cards and the
// jobs that send them, payouts that people send, audit, credit notes and notices.
// The payer and the subscription are locked, and shares has locked orders and
// payments. The money goes through the balance: first the credit, then what leaves
// for cards and accounts. The series is locked last.
func (a *App) giveBack(ctx context.Context, tx *store.Tx, g giveBack) (givenBack, error) {
	var done givenBack
	short, err := g.subscription.Without(g.periods, g.taken, tx.Now(), a.seller.Zone)
	if err != nil {
		return done, err
	}
	if g.event == subscription.EventWithdrawn { // or the next charge would buy again what was withdrawn from
		short.AutoRenew = false
	}
	if err := a.shorten(ctx, tx, g.subscription, short, g.event, g.by); err != nil {
		return done, err
	}
	done.subscription = short.Subscription
	notes := make([]creditNote, len(g.shares))
	for i, s := range g.shares {
		if notes[i], err = a.creditNote(ctx, tx, g, s); err != nil {
			return done, err
		}
		if err := tx.AppendEntry(ctx, ledger.Credited(g.payer.ID, s.order.Currency, s.net, s.vat, s.forgiven, notes[i].id, tx.Now())); err != nil {
			return done, err
		}
		var cards, transfers money.Amount
		if g.toMethod {
			if err := a.askRefunds(ctx, tx, g, s, notes[i].id); err != nil {
				return done, err
			}
			cards, transfers = s.back()
		}
		done.net, done.vat, done.toMethod, done.toTransfer = done.net+s.net, done.vat+s.vat, done.toMethod+cards, done.toTransfer+transfers
		done.toBalance += s.total() - s.forgiven - cards - transfers
		done.orders = append(done.orders, s.order.Number)
	}
	for i, s := range g.shares {
		if err := a.issueCreditNote(ctx, tx, g, s, &notes[i]); err != nil {
			return done, err
		}
		done.documents = append(done.documents, notes[i].document.Number)
	}
	return done, nil
}

// shorten stores a subscription of which paid time was taken away. Renewals that
// wait for money are canceled, and where it does not renew any more, what the
// payer agreed to is over.
func (a *App) shorten(ctx context.Context, tx *store.Tx, before subscription.Subscription, s subscription.Shortened, kind subscription.EventKind, by audit.Actor) error {
	if s.First > 0 {
		changes, err := tx.ChangeCount(ctx, s.ID)
		if err != nil {
			return err
		}
		if err := tx.TakePeriods(ctx, s.ID, s.First, s.Gone); err != nil {
			return err
		}
		for _, p := range s.Replaced {
			if err := tx.AppendPeriod(ctx, s.ID, p, changes+1); err != nil {
				return err
			}
		}
	}
	if err := tx.SaveSubscription(ctx, s.Subscription); err != nil {
		return err
	}
	if !s.AutoRenew {
		if err := tx.RevokeConsent(ctx, s.ID); err != nil {
			return err
		}
	}
	open, err := tx.OpenRenewals(ctx, s.ID)
	if err != nil {
		return err
	}
	for _, o := range open {
		if err := a.cancelForChange(ctx, tx, o, by); err != nil {
			return err
		}
	}
	days := a.inZone(s.PaidUntil).Sub(a.inZone(before.PaidUntil))
	if err := tx.AppendSubscriptionEvent(ctx, s.ID, subscription.Event{
		At: tx.Now(), Kind: kind, Actor: string(by), Days: days, PaidUntil: s.PaidUntil,
	}); err != nil {
		return err
	}
	return tx.AppendAudit(ctx, audit.Record{
		Actor: by, Action: "subscription." + string(kind), ObjectKind: "subscription", ObjectID: s.ID, PayerID: s.PayerID,
		Detail: map[string]any{"old_until": before.PaidUntil, "new_until": s.PaidUntil, "state": s.State},
	})
}

// askRefunds takes what goes back the way it came from the balance. What goes to
// cards is enqueued to be sent; what came by transfer waits for a person. The same
// occasion asks a payment once (refund_request_once, I10).
func (a *App) askRefunds(ctx context.Context, tx *store.Tx, g giveBack, s share, creditNote string) error {
	for _, w := range s.ways {
		r := payment.Refund{
			PaymentID: w.payment.ID, Request: g.request + " " + string(w.payment.ID), Amount: money.Of(w.amount, s.order.Currency),
			Reason: g.reason, By: string(g.by), CreditNoteID: creditNote,
		}
		asked, err := tx.RefundAsked(ctx, w.payment.ID)
		if err != nil {
			return err
		}
		if err := payment.Refundable(w.payment, asked, r.Amount); err != nil {
			return err
		}
		id, isNew, err := tx.InsertRefund(ctx, r)
		if err != nil {
			return err
		}
		if !isNew {
			return fault.Wrap(fault.Conflict, "error.refund.decided", fmt.Errorf("refund %s was asked for before", r.Request))
		}
		if err := tx.AppendEntry(ctx, ledger.RefundAsked(g.payer.ID, r.Amount, id, tx.Now())); err != nil {
			return err
		}
		if err := tx.AppendAudit(ctx, audit.Record{
			Actor: g.by, Action: "refund.requested", ObjectKind: "refund", ObjectID: id, PayerID: g.payer.ID,
			Detail: map[string]any{"amount_minor": w.amount, "currency": r.Amount.Currency, "order": s.order.Number, "payment": w.payment.ID},
		}); err != nil {
			return err
		}
		if w.transfer() {
			continue
		}
		if r, err = tx.LockRefund(ctx, id); err != nil {
			return err
		}
		r.NextCheckAt = tx.Now().Add(resendAfter)
		if err := tx.SaveRefund(ctx, r); err != nil {
			return err
		}
		if err := a.queue.SendRefund(ctx, tx, id); err != nil {
			return err
		}
	}
	return nil
}

// creditNote is a credit note on its way.
type creditNote struct {
	id       string
	corrects string // id of the invoice
	document invoice.Document
}

// creditNote draws up the credit note of a share; its number is taken last. The
// rate, the treatment and the buyer are the invoice's.
func (a *App) creditNote(ctx context.Context, tx *store.Tx, g giveBack, s share) (creditNote, error) {
	var n creditNote
	corrects, content, err := tx.InvoiceToCredit(ctx, s.order.ID)
	if fault.Is(err, fault.NotFound) { // it is being issued; the caller has seen to it
		return n, fault.Wrap(fault.Unavailable, "", fmt.Errorf("order %s has no invoice yet", s.order.Number))
	} else if err != nil {
		return n, err
	}
	original, err := invoice.Unmarshal(content)
	if err != nil {
		return n, err
	}
	today := a.inZone(tx.Now())
	c := invoice.Credit{IssueDate: today, Net: s.net, CreditedBase: s.before.Base, CreditedAmount: s.before.VAT}
	c.Reason, c.ReasonAlso = inBoth(original, func(t i18n.Translator) string { return t.T(g.reason) })
	describe := func(t i18n.Translator) string { return t.T("doc.credit.rest") }
	if !g.whole {
		_, last := s.part.ServiceDays(a.seller.Zone)
		c.ServiceFrom, c.ServiceTo = last.AddDays(1-s.part.Days), last
		describe = func(t i18n.Translator) string {
			return t.N("doc.credit.days", s.part.Of, "Days", t.Number(int64(s.part.Days)))
		}
	}
	c.Description, c.DescriptionAlso = inBoth(original, describe)
	if g.toMethod {
		c.Returned.Method, c.Returned.Transfer = s.back()
		cards, accounts := s.labels()
		if len(cards) > 0 {
			c.Returned.Label = cards[len(cards)-1]
		}
		c.Returned.Account = strings.Join(accounts, ", ")
	}
	c.Returned.Forgiven = s.forgiven
	c.Returned.Balance = s.total() - s.forgiven - c.Returned.Method - c.Returned.Transfer
	if n.document, err = invoice.NewCreditNote(original, c); err != nil {
		return n, err
	}
	if n.document.Net != s.net || n.document.VATTotal != s.vat {
		return n, fmt.Errorf("app: the credit note of %s says %d and %d, not %d and %d", original.Number, n.document.Net, n.document.VATTotal, s.net, s.vat)
	}
	n.corrects = corrects
	n.id = store.NewID()
	return n, err
}

// issueCreditNote takes the next number of the series, gapless, and issues.
func (a *App) issueCreditNote(ctx context.Context, tx *store.Tx, g giveBack, s share, n *creditNote) error {
	if err := tx.AppendAudit(ctx, audit.Record{
		Actor: g.by, Action: "credit_note.issued", ObjectKind: "credit_note", ObjectID: n.id, PayerID: g.payer.ID,
		Detail: map[string]any{"corrects": n.document.Corrects.Number, "total_minor": n.document.Total, "currency": n.document.Currency},
	}); err != nil {
		return err
	}
	taken, err := tx.TakeNumber(ctx, invoice.KindCreditNote, n.document.IssueDate, a.seller.CreditPrefix)
	if err != nil {
		return err
	}
	n.document.Number = invoice.Number(taken.Prefix, n.document.IssueDate.Year, taken.Seq)
	n.document.VerifyURL = a.verifyURL(n.document.Number)
	if err := tx.InsertCreditNote(ctx, taken, n.id, n.corrects, g.payer.ID, s.order.ID, n.document); err != nil {
		return err
	}
	if err := a.queue.DrawDocument(ctx, tx, n.document.Number); err != nil {
		return err
	}
	return a.notify(ctx, tx, notice.Notice{
		Key: "credit_note " + n.id, Kind: notice.CreditNote, PayerID: g.payer.ID, SubscriptionID: g.subscription.ID, OrderNumber: s.order.Number,
		Facts: notice.Facts{
			Plan: string(g.subscription.Selection.Plan), Amount: s.total(), Currency: s.order.Currency, On: n.document.IssueDate,
			Document: n.document.Number, Method: n.document.Payment.Method,
		},
	})
}

// DrawDocument draws and stores the PDF of an issued document.
func (a *App) DrawDocument(ctx context.Context, number string) error {
	var content []byte
	err := a.db.View(ctx, func(tx *store.Tx) error {
		var err error
		content, err = tx.InvoiceContent(ctx, number)
		return err
	})
	if err != nil {
		return err
	}
	_, err = a.drawn(ctx, content)
	return err
}

// DrawPending draws the invoices, credit notes and receipts whose drawing broke
// off. One that cannot be drawn does not keep the others from it.
func (a *App) DrawPending(ctx context.Context) error {
	var undrawn [][]byte
	err := a.db.View(ctx, func(tx *store.Tx) error {
		var err error
		undrawn, err = tx.Undrawn(ctx)
		return err
	})
	for _, content := range undrawn {
		_, failed := a.drawn(ctx, content)
		err = errors.Join(err, failed)
	}
	return err
}

// issueInvoices issues the invoices of paid periods that have none yet, each in
// its own transaction, so that they can be corrected.
func (a *App) issueInvoices(ctx context.Context, subscriptionID string) error {
	var missing []string
	err := a.db.View(ctx, func(tx *store.Tx) error {
		periods, err := tx.PaidPeriods(ctx, subscriptionID)
		for _, p := range periods {
			if p.OrderID == "" || err != nil {
				continue
			}
			if _, err = tx.InvoiceOfOrder(ctx, p.OrderID); fault.Is(err, fault.NotFound) {
				missing, err = append(missing, p.OrderID), nil
			}
		}
		return err
	})
	for _, id := range missing {
		if err == nil {
			err = a.IssueInvoice(ctx, id)
		}
	}
	return err
}
