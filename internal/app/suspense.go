package app

import (
	"context"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/ledger"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/notice"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/subscription"
)

// byRule is who decides about bank money by a rule.
var byRule = audit.ByJob("bank")

// Reasons of decisions that the program makes.
const (
	reasonParts  = "the parts of the amount are complete"
	reasonClosed = "the order can no longer be paid with it"
	reasonOffset = "taken back by the bank before anybody decided"
)

// partsWaitDays is how long parts of a price wait for the rest after an order's
// last day: what was sent on that day may be in a statement of a later one.
const partsWaitDays = 5

// SuspenseDecision is what somebody decides about an entry in suspense.
type SuspenseDecision struct {
	Kind    bank.DecisionKind
	Order   string          // number, of DecideOrder; of DecideBalance without a payer, whose payer it is
	Payer   account.PayerID // of DecideBalance
	Against string          // id of the entry that is undone, of DecideTakeBack and DecideOffset
	Reason  string
}

// DecideSuspense decides about an entry in suspense. Finance and administrators
// do, never about money of a payer that they buy for. Above the amount of the
// seller file it waits for a second person; else it happens at once: a return is
// then to be sent at the bank, everything else is booked.
//
// Errors: NotFound and Forbidden as of refunds; Invalid on the fields kind,
// order, payer, against and reason; Conflict for what is decided already, and
// where the money does not fit what was chosen.
func (a *App) DecideSuspense(ctx context.Context, staff account.Actor, entryID string, in SuspenseDecision) error {
	if !isUUID(entryID) {
		return fault.Missing("entry in suspense")
	}
	in.Reason = clip(CleanText(in.Reason), maxRefundReason)
	return a.db.Update(ctx, func(tx *store.Tx) error {
		if err := a.mayDecide(ctx, tx, staff); err != nil {
			return err
		}
		seen, err := tx.SuspenseEntry(ctx, entryID)
		if err != nil {
			return err
		}
		d, err := a.resolve(ctx, tx, seen, in)
		if err != nil {
			return err
		}
		d.FirstBy = staff.AccountID
		about, err := a.lockAbout(ctx, tx, d, seen)
		if err != nil {
			return err
		}
		if about.entry.DecisionState != "" {
			return fault.New(fault.Conflict, "error.suspense.decided")
		}
		if err := ownMoney(ctx, tx, staff, d, seen); err != nil {
			return err
		}
		if err := a.fits(d, about); err != nil {
			return err
		}
		d = d.Proposed(a.seller.SecondEyes, tx.Now())
		return a.recordDecision(ctx, tx, d, about, audit.ByAccount(staff.AccountID))
	})
}

// ApproveSuspense is the second person's word for a decision. Errors as of
// DecideSuspense; Forbidden also for its first person.
func (a *App) ApproveSuspense(ctx context.Context, staff account.Actor, entryID string) error {
	return a.onDecision(ctx, staff, entryID, func(tx *store.Tx, d bank.Decision, about suspenseAbout) error {
		d, err := d.Approved(staff.AccountID, tx.Now())
		if err != nil {
			return err
		}
		if err := a.fits(d, about); err != nil {
			return err
		}
		return a.carryOut(ctx, tx, d, about, audit.ByAccount(staff.AccountID))
	})
}

// RefuseSuspense refuses a decision that waits for a second person, or takes it
// back, and a return that was not sent. The entry waits again.
func (a *App) RefuseSuspense(ctx context.Context, staff account.Actor, entryID, reason string) error {
	reason = clip(CleanText(reason), maxRefundReason)
	return a.onDecision(ctx, staff, entryID, func(tx *store.Tx, d bank.Decision, _ suspenseAbout) error {
		d, err := d.Refused(staff.AccountID, reason, tx.Now())
		if err != nil {
			return err
		}
		if err := tx.SaveDecision(ctx, d); err != nil {
			return err
		}
		return auditDecision(ctx, tx, audit.ByAccount(staff.AccountID), "suspense.refused", d)
	})
}

// ConfirmReturn books that somebody sent back at the bank what was to be
// returned. Conflict also while the bank shows that it took back money like it, and
// nobody has decided about that: the same money does not leave twice.
func (a *App) ConfirmReturn(ctx context.Context, staff account.Actor, entryID string) error {
	return a.onDecision(ctx, staff, entryID, func(tx *store.Tx, d bank.Decision, about suspenseAbout) error {
		d, err := d.Sent(staff.AccountID, tx.Now())
		if err != nil {
			return err
		}
		if left, err := tx.LeftAlready(ctx, about.entry.ID); err != nil {
			return err
		} else if left {
			return fault.New(fault.Conflict, "error.suspense.left")
		}
		return a.carryOut(ctx, tx, d, about, audit.ByAccount(staff.AccountID))
	})
}

// onDecision runs f with the decision about an entry that stands, and everything
// that it is about, locked, for staff who may decide about it.
func (a *App) onDecision(ctx context.Context, staff account.Actor, entryID string, f func(*store.Tx, bank.Decision, suspenseAbout) error) error {
	if !isUUID(entryID) {
		return fault.Missing("entry in suspense")
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		if err := a.mayDecide(ctx, tx, staff); err != nil {
			return err
		}
		entry, err := tx.SuspenseEntry(ctx, entryID)
		if err != nil {
			return err
		}
		d, err := tx.StandingDecision(ctx, entryID)
		if fault.Is(err, fault.NotFound) {
			return fault.Wrap(fault.Conflict, "error.suspense.decided", err)
		} else if err != nil {
			return err
		}
		about, err := a.lockAbout(ctx, tx, d, entry)
		if err != nil {
			return err
		}
		if d, err = tx.StandingDecision(ctx, entryID); fault.Is(err, fault.NotFound) { // refused meanwhile
			return fault.Wrap(fault.Conflict, "error.suspense.decided", err)
		} else if err != nil {
			return err
		}
		if err := ownMoney(ctx, tx, staff, d, entry); err != nil {
			return err
		}
		return f(tx, d, about)
	})
}

// ownMoney refuses who buys for the payer that a decision, or the entry itself,
// is about.
func ownMoney(ctx context.Context, tx *store.Tx, staff account.Actor, d bank.Decision, e store.SuspenseEntry) error {
	for _, payer := range []account.PayerID{d.PayerID, e.MeantPayer} {
		if payer == "" {
			continue
		}
		if own, err := tx.BuysFor(ctx, staff.AccountID, payer); err != nil {
			return err
		} else if own {
			return fault.New(fault.Forbidden, "error.suspense.own")
		}
	}
	return nil
}

// resolve finds what a decision names.
func (a *App) resolve(ctx context.Context, tx *store.Tx, e store.SuspenseEntry, in SuspenseDecision) (bank.Decision, error) {
	d := bank.Decision{EntryID: e.ID, Kind: in.Kind, Amount: e.Amount, Reason: in.Reason}
	var fields fault.Fields
	if in.Reason == "" {
		fields.Add("reason", "error.suspense.reason", nil)
	}
	undoes := in.Kind == bank.DecideTakeBack || in.Kind == bank.DecideOffset
	switch {
	case in.Kind == bank.DecideOrder && e.Credit:
		o, err := tx.OrderByReference(ctx, clip(CleanText(in.Order), maxDocumentNumber))
		if fault.Is(err, fault.NotFound) {
			fields.Add("order", "error.suspense.order", nil)
			break
		} else if err != nil {
			return d, err
		}
		d.OrderID, d.PayerID = o.ID, o.PayerID
	case in.Kind == bank.DecideBalance && in.Order != "" && e.Credit:
		o, err := tx.OrderByReference(ctx, clip(CleanText(in.Order), maxDocumentNumber))
		if fault.Is(err, fault.NotFound) {
			fields.Add("order", "error.suspense.order", nil)
			break
		}
		d.PayerID = o.PayerID
		if err != nil {
			return d, err
		}
	case in.Kind == bank.DecideBalance && e.Credit:
		if isUUID(string(in.Payer)) {
			if _, err := tx.Payer(ctx, in.Payer); err == nil {
				d.PayerID = in.Payer
				break
			} else if !fault.Is(err, fault.NotFound) {
				return d, err
			}
		}
		fields.Add("payer", "error.suspense.payer", nil)
	case in.Kind == bank.DecideReturn && e.Credit, in.Kind == bank.DecideNotOurs:
	case undoes && !e.Credit:
		if !isUUID(in.Against) {
			fields.Add("against", "error.suspense.against", nil)
			break
		}
		undone, err := tx.BankMoney(ctx, in.Against)
		if fault.Is(err, fault.NotFound) || err == nil && (undone.Minor != int64(e.Amount.Amount) || undone.Currency != string(e.Amount.Currency)) {
			fields.Add("against", "error.suspense.against", nil)
			break
		} else if err != nil {
			return d, err
		}
		d.AgainstID, d.PayerID = undone.ID, account.PayerID(undone.PayerID)
		if d.Kind = bank.DecideTakeBack; undone.PayerID == "" { // it waits itself
			d.Kind = bank.DecideOffset
		}
		if undone.State != "" && undone.State != string(bank.DecisionDone) {
			return d, fault.New(fault.Conflict, "error.suspense.undone")
		}
	default:
		fields.Add("kind", "error.suspense.kind", nil)
	}
	return d, fields.Err()
}

// suspenseAbout is what a decision is about, locked in the order of package
// store.
type suspenseAbout struct {
	entry  store.SuspenseEntry
	payer  *account.Payer
	payout bool // of DecideTakeBack: what is taken back is about to be sent back too

	order   order.Order                // of DecideOrder, and of what is taken back; zero for none
	live    *subscription.Subscription // that the order extends, or, of what is taken back, had paid
	due     due                        // of DecideOrder, on the day of the last part
	parts   []store.SuspenseEntry      // of the order, but this entry
	blocked error                      // why the order cannot be paid
}

// received is all that came for the order.
func (s suspenseAbout) received() money.Amount { return s.entry.Amount.Amount + sumOf(s.parts) }

// day is the tax point: the day on which the last part was credited.
func (s suspenseAbout) day() civil.Date { return lastDay(s.entry.Booked, s.parts) }

func lastDay(day civil.Date, parts []store.SuspenseEntry) civil.Date {
	for _, p := range parts {
		if p.Booked.After(day) {
			day = p.Booked
		}
	}
	return day
}

func sumOf(parts []store.SuspenseEntry) money.Amount {
	var sum money.Amount
	for _, p := range parts {
		sum += p.Amount.Amount
	}
	return sum
}

// lockAbout locks what a decision is about, the entry last.
func (a *App) lockAbout(ctx context.Context, tx *store.Tx, d bank.Decision, e store.SuspenseEntry) (suspenseAbout, error) {
	about, orderID := suspenseAbout{}, d.OrderID
	if d.Kind == bank.DecideTakeBack {
		undone, err := tx.BankMoney(ctx, d.AgainstID)
		if err != nil {
			return about, err
		}
		orderID = undone.OrderID
	}
	if d.PayerID != "" {
		payer, err := tx.LockPayer(ctx, d.PayerID)
		if err != nil {
			return about, err
		}
		about.payer = &payer
	}
	if d.Kind == bank.DecideTakeBack { // under the payer's lock: nobody decides about a refund meanwhile
		var err error
		if about.payout, err = tx.PayoutWaits(ctx, d.AgainstID); err != nil {
			return about, err
		}
	}
	switch {
	case orderID != "":
		o, err := tx.Order(ctx, orderID)
		if err != nil {
			return about, err
		}
		if d.Kind == bank.DecideTakeBack {
			err = nil
			if o.SubscriptionID != "" {
				var s subscription.Subscription
				s, err = tx.LockSubscription(ctx, o.SubscriptionID)
				about.live = &s
			}
		} else {
			about.live, err = liveFor(ctx, tx, o)
		}
		if fault.Is(err, fault.Conflict) {
			about.blocked = err
		} else if err != nil {
			return about, err
		}
		if about.order, err = tx.LockOrder(ctx, orderID); err != nil {
			return about, err
		}
	case e.Meant != "": // who brings its parts together holds the order
		if _, err := tx.LockOrder(ctx, e.Meant); err != nil {
			return about, err
		}
	}
	var err error
	if d.Kind == bank.DecideOrder {
		if about.parts, err = tx.LockPartsOf(ctx, orderID); err != nil {
			return about, err
		}
		for i, p := range about.parts {
			if p.ID == e.ID {
				about.parts = append(about.parts[:i:i], about.parts[i+1:]...)
				break
			}
		}
	}
	if about.entry, err = tx.LockSuspenseEntry(ctx, e.ID); err != nil || d.Kind != bank.DecideOrder || about.blocked != nil {
		return about, err
	}
	about.due, err = a.dueFor(ctx, tx, about.order, *about.payer, about.day())
	if fault.Is(err, fault.Conflict) { // the seller may not make this sale
		about.blocked, err = err, nil
	}
	return about, err
}

// fits refuses a decision that the money does not fit.
func (a *App) fits(d bank.Decision, about suspenseAbout) error {
	currency := d.Amount.Currency
	if about.payout { // it would be on the balance again after what was taken back
		return fault.New(fault.Conflict, "error.suspense.payout")
	}
	if d.Kind == bank.DecideOrder {
		o := about.order
		switch {
		case about.blocked != nil:
			return about.blocked
		case o.State == order.StatePaid || o.State == order.StateCanceled:
			return fault.New(fault.Conflict, "error.suspense.order_closed")
		case o.Currency != currency:
			return fault.New(fault.Conflict, "error.suspense.currency")
		case a.tooLate(o, about.day()):
			return fault.New(fault.Conflict, "error.suspense.price")
		case about.received() < about.due.total-bank.ShortfallAccepted:
			return fault.New(fault.Conflict, "error.suspense.short")
		}
	}
	if about.payer != nil && about.payer.CurrencyFixed && about.payer.Currency != currency {
		return fault.New(fault.Conflict, "error.suspense.currency")
	}
	return nil
}

// recordDecision stores a new decision and carries out what waits for nobody.
func (a *App) recordDecision(ctx context.Context, tx *store.Tx, d bank.Decision, about suspenseAbout, by audit.Actor) error {
	var err error
	if d.ID, err = tx.InsertDecision(ctx, d); err != nil {
		return err
	}
	switch d.State {
	case bank.DecisionDone:
		return a.book(ctx, tx, d, about, by)
	case bank.DecisionToSend:
		return auditDecision(ctx, tx, by, "suspense.to_send", d)
	case bank.DecisionProposed, bank.DecisionRefused:
	}
	return auditDecision(ctx, tx, by, "suspense.proposed", d)
}

// carryOut stores where a decision stands now, and books it where it is done.
func (a *App) carryOut(ctx context.Context, tx *store.Tx, d bank.Decision, about suspenseAbout, by audit.Actor) error {
	if err := tx.SaveDecision(ctx, d); err != nil {
		return err
	}
	if d.State == bank.DecisionToSend {
		return auditDecision(ctx, tx, by, "suspense.to_send", d)
	}
	return a.book(ctx, tx, d, about, by)
}

// book moves the money of a decision that is done out of suspense, once: the
// ledger's entry names the decision.
func (a *App) book(ctx context.Context, tx *store.Tx, d bank.Decision, about suspenseAbout, by audit.Actor) error {
	if err := auditDecision(ctx, tx, by, "suspense.done", d); err != nil {
		return err
	}
	switch d.Kind {
	case bank.DecideOrder:
		return a.payFromSuspense(ctx, tx, d, about, by)
	case bank.DecideBalance:
		return a.topUpFromSuspense(ctx, tx, d, about)
	case bank.DecideReturn:
		return tx.AppendEntry(ctx, ledger.SuspenseReturned(d.Amount, d.ID, tx.Now()))
	case bank.DecideNotOurs:
		amount := d.Amount
		if !about.entry.Credit {
			amount.Amount = -amount.Amount
		}
		return tx.AppendEntry(ctx, ledger.SuspenseReturned(amount, d.ID, tx.Now()))
	case bank.DecideTakeBack:
		return a.takeBack(ctx, tx, d, about, by)
	case bank.DecideOffset:
		other := d
		other.ID, other.EntryID, other.AgainstID = "", d.AgainstID, d.EntryID
		var err error
		if other.ID, err = tx.InsertDecision(ctx, other); err != nil {
			return err
		}
		return auditDecision(ctx, tx, by, "suspense.done", other)
	}
	return nil
}

// payFromSuspense pays an order with an entry in suspense and the parts that came
// for it before.
func (a *App) payFromSuspense(ctx context.Context, tx *store.Tx, d bank.Decision, about suspenseAbout, by audit.Actor) error {
	if err := fixCurrency(ctx, tx, *about.payer, d.Amount.Currency); err != nil {
		return err
	}
	if err := tx.AppendEntry(ctx, ledger.SuspenseMatched(d.PayerID, d.Amount, d.ID, tx.Now())); err != nil {
		return err
	}
	e := about.entry.Transfer()
	thirdParty := about.entry.ThirdParty
	if about.entry.Meant != about.order.ID { // the import compared it with somebody else's name, or none
		thirdParty = bank.ThirdParty(e, about.payer.Name)
	}
	if err := a.bankEvidence(ctx, tx, about.order.ID, e, thirdParty); err != nil {
		return err
	}
	if err := a.bringParts(ctx, tx, about.order, about.parts); err != nil {
		return err
	}
	if err := a.enterTransfer(ctx, tx, about.entry.IBAN, e, about.order, about.live, about.due.total, len(about.parts) > 0); err != nil {
		return err
	}
	return a.settle(ctx, tx, about.order, about.live, about.due, about.day(), max(0, about.due.total-about.received()), by)
}

// bringParts books the parts of an order's amount that waited for the rest to the
// payer's balance, from which the order is about to be paid.
func (a *App) bringParts(ctx context.Context, tx *store.Tx, o order.Order, parts []store.SuspenseEntry) error {
	for _, p := range parts {
		d := bank.Decision{EntryID: p.ID, Kind: bank.DecideOrder, OrderID: o.ID, PayerID: o.PayerID, Amount: p.Amount, Reason: reasonParts}.Proposed(0, tx.Now())
		var err error
		if d.ID, err = tx.InsertDecision(ctx, d); err != nil {
			return err
		}
		if err := auditDecision(ctx, tx, byRule, "suspense.done", d); err != nil {
			return err
		}
		if err := tx.AppendEntry(ctx, ledger.SuspenseMatched(o.PayerID, p.Amount, d.ID, tx.Now())); err != nil {
			return err
		}
		if err := enterTopUp(tx, p.IBAN, p.Transfer(), o.PayerID, p.Amount); err != nil {
			return err
		}
	}
	return nil
}

// topUpFromSuspense gives an entry in suspense to a payer's balance, and tells the
// payer.
func (a *App) topUpFromSuspense(ctx context.Context, tx *store.Tx, d bank.Decision, about suspenseAbout) error {
	if err := fixCurrency(ctx, tx, *about.payer, d.Amount.Currency); err != nil {
		return err
	}
	if err := tx.AppendEntry(ctx, ledger.SuspenseMatched(d.PayerID, d.Amount, d.ID, tx.Now())); err != nil {
		return err
	}
	if err := enterTopUp(tx, about.entry.IBAN, about.entry.Transfer(), d.PayerID, d.Amount); err != nil {
		return err
	}
	if err := a.queue.IssueReceipts(ctx, tx); err != nil {
		return err
	}
	n := notice.Notice{
		Key: "money_kept suspense " + d.ID, Kind: notice.MoneyKept, PayerID: d.PayerID,
		Facts: notice.Facts{Amount: d.Amount.Amount, Currency: d.Amount.Currency},
	}
	if about.entry.MeantPayer == d.PayerID {
		n.OrderNumber = about.entry.MeantNumber
	}
	return a.notify(ctx, tx, n)
}

// takeBack undoes what an entry had paid that the bank took back. The time that
// it bought ends, as after a lost dispute; what it left on the balance, and what
// was given back to it since, is taken from there; what of a balance was spent is
// disputed, and a person decides what becomes of the revenue (docs/adr/0021).
func (a *App) takeBack(ctx context.Context, tx *store.Tx, d bank.Decision, about suspenseAbout, by audit.Actor) error {
	bought := money.Amount(0)
	n := notice.Notice{
		Key: "charged_back suspense " + d.ID, Kind: notice.ChargedBack, PayerID: d.PayerID,
		Facts: notice.Facts{Amount: d.Amount.Amount, Currency: d.Amount.Currency, On: a.inZone(tx.Now()), Method: "bank"},
	}
	if o := about.order; o.ID != "" {
		spent, err := tx.SpentOn(ctx, o.ID)
		if err != nil {
			return err
		}
		bought = max(0, min(d.Amount.Amount, spent))
		n.OrderNumber = o.Number
		if s := about.live; s != nil && s.State == subscription.StateActive {
			short, err := a.endTimeOf(ctx, tx, *s, o.ID, by)
			if err != nil {
				return err
			}
			n.SubscriptionID, n.Facts.Plan, n.Facts.Until = s.ID, string(s.Selection.Plan), short.PaidUntil
		}
	}
	balance, err := tx.Balance(ctx, d.PayerID, d.Amount.Currency)
	if err != nil {
		return err
	}
	ofBalance := max(0, min(balance, d.Amount.Amount-bought))
	currency := d.Amount.Currency
	if err := tx.AppendEntry(ctx, ledger.SuspenseTakenBack(
		d.PayerID, money.Of(ofBalance, currency), money.Of(d.Amount.Amount-ofBalance, currency), d.ID, tx.Now())); err != nil {
		return err
	}
	return a.notify(ctx, tx, n)
}

// offset settles a reversal with the entry that it undoes, where that waits in
// suspense itself and no other credit fits, booked or not.
func (a *App) offset(ctx context.Context, tx *store.Tx, reversalID string) error {
	e, err := tx.LockSuspenseEntry(ctx, reversalID)
	if err != nil {
		return err
	}
	undone, err := tx.UndoneBy(ctx, e)
	if err != nil || len(undone) != 1 || !undone[0].Waits {
		return err
	}
	d := bank.Decision{EntryID: e.ID, Kind: bank.DecideOffset, AgainstID: undone[0].ID, Amount: e.Amount, Reason: reasonOffset}.Proposed(0, tx.Now())
	return a.recordDecision(ctx, tx, d, suspenseAbout{entry: e}, byRule)
}

// ReleaseParts gives parts of the amounts of orders that can no longer be paid
// with them to their payers' balances (payments.md 6.2: the window is closed), some
// days after the last one.
func (a *App) ReleaseParts(ctx context.Context) error {
	var waiting []store.SuspenseEntry
	if err := a.db.View(ctx, func(tx *store.Tx) error {
		var err error
		waiting, err = tx.PartsWithoutOrder(ctx, a.inZone(tx.Now()).AddDays(-partsWaitDays))
		return err
	}); err != nil {
		return err
	}
	for _, p := range waiting {
		err := a.db.Update(ctx, func(tx *store.Tx) error {
			d := bank.Decision{EntryID: p.ID, Kind: bank.DecideBalance, PayerID: p.MeantPayer, Amount: p.Amount, Reason: reasonClosed}
			about, err := a.lockAbout(ctx, tx, d, p)
			if err != nil || about.entry.DecisionState != "" { // somebody was quicker
				return err
			}
			if err := a.fits(d, about); err != nil {
				if fault.Is(err, fault.Conflict) { // another currency by now: a person decides
					return nil
				}
				return err
			}
			return a.recordDecision(ctx, tx, d.Proposed(0, tx.Now()), about, byRule)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// fixCurrency fixes the currency of a payer whose first money this is.
func fixCurrency(ctx context.Context, tx *store.Tx, payer account.Payer, currency money.Currency) error {
	if payer.CurrencyFixed {
		return nil
	}
	return tx.FixCurrency(ctx, payer.ID, currency)
}

func auditDecision(ctx context.Context, tx *store.Tx, by audit.Actor, action string, d bank.Decision) error {
	return tx.AppendAudit(ctx, audit.Record{
		Actor: by, Action: action, ObjectKind: "suspense_decision", ObjectID: d.ID, PayerID: d.PayerID,
		Detail: map[string]any{
			"entry": d.EntryID, "kind": d.Kind, "amount_minor": d.Amount.Amount, "currency": d.Amount.Currency, "reason": d.Reason,
			"refuse_reason": d.RefuseReason,
		},
	})
}

// tellPart tells a payer that less than the price of an order has come.
func (a *App) tellPart(ctx context.Context, tx *store.Tx, o order.Order, entryID string, amount money.Money) error {
	n := notice.Notice{
		Key: "part_received " + entryID, Kind: notice.PartReceived, PayerID: o.PayerID, OrderNumber: o.Number,
		Facts: notice.Facts{Plan: string(o.Selection.Plan), Amount: amount.Amount, Currency: amount.Currency},
	}
	if o.Open(a.inZone(tx.Now())) {
		n.Facts.On = o.ValidUntil
	}
	return a.notify(ctx, tx, n)
}

// RemindOfBankInvoices reminds payers of bank invoices that run out soon, once
// each: as many days before as of a renewal. Who renews is reminded of that.
func (a *App) RemindOfBankInvoices(ctx context.Context) error {
	if len(a.seller.NoticeDays) == 0 {
		return nil
	}
	days := a.seller.NoticeDays[len(a.seller.NoticeDays)-1]
	for {
		n := 0
		err := a.db.Update(ctx, func(tx *store.Tx) error {
			today := a.inZone(tx.Now())
			soon, err := tx.ExpiringBankInvoices(ctx, today, today.AddDays(days), tx.Now().Add(-24*time.Hour))
			n = len(soon)
			for _, o := range soon {
				standing, err := tx.BankStanding(ctx, o.ID)
				if err != nil {
					return err
				}
				if err := a.notify(ctx, tx, notice.Notice{
					Key: "bank_invoice_expires " + o.ID, Kind: notice.BankInvoiceExpires, PayerID: o.PayerID, OrderNumber: o.Number,
					Facts: notice.Facts{
						Plan: string(o.Selection.Plan), Amount: max(0, o.Total-money.Amount(standing.PartsMinor)), Currency: o.Currency, On: o.ValidUntil,
					},
				}); err != nil {
					return err
				}
			}
			return err
		})
		if err != nil || n == 0 {
			return err
		}
	}
}

// BankState is where the money of a bank invoice stands, as its payer sees it.
type BankState string

// The states of a bank invoice.
const (
	BankExpected BankState = "expected" // nothing came yet
	BankReceived BankState = "received" // a part came, or money that a person looks at
	BankMatched  BankState = "matched"  // paid; the invoice is being issued
	BankInvoiced BankState = "invoiced"
	BankExpired  BankState = "expired"
	BankCanceled BankState = "canceled"
)

// Standing is where the money of a bank invoice stands. The database's view
// bank_invoice_standing says the same for lists.
type Standing struct {
	State      BankState
	Received   money.Amount // came for it in its currency and waits
	Part       money.Amount // of it, what counts to the price; else a person looks at it
	Missing    money.Amount // of the price, where a part came while it can be paid; else zero
	ThirdParty bool         // somebody else than the buyer sent money for it
}

// bankStanding is where the money of an order's bank invoice stands.
func bankStanding(ctx context.Context, tx *store.Tx, o order.Order) (Standing, error) {
	row, err := tx.BankStanding(ctx, o.ID)
	s := Standing{
		State: BankState(row.Standing), Received: money.Amount(row.ReceivedMinor), Part: money.Amount(row.PartsMinor), ThirdParty: row.ThirdParty,
	}
	if o.State == order.StateExpired && s.State == BankExpected { // the job that says so has yet to run
		s.State = BankExpired
	}
	if o.State == order.StateAwaitingPayment && s.Part > 0 {
		s.Missing = max(0, o.Total-s.Part)
	}
	return s, err
}
