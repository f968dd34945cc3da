package app

import (
	"cmp"
	"context"
	"crypto/sha256"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/ledger"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/subscription"
)

// ImportedEntry is what became of one entry of a statement.
type ImportedEntry struct {
	Booked      civil.Date
	Amount      money.Money
	Credit      bool
	Payer       string
	Known       bool   // booked by an earlier import; nothing changed
	Outcome     string // matched, suspense, ignored
	Reason      string
	OrderID     string // of an entry that pays an order
	OrderNumber string
	Balance     string // name of the payer to whose balance it goes
}

// maxStatementBytes is the largest statement that is read.
const maxStatementBytes = 20 << 20

// ImportStatement reads a camt.053 file and books each entry once: what matches
// an order settles it, what names a payer's balance goes there, other credits go
// to suspense, debits are noted. A file that is wrong anywhere is refused whole.
// by is who imports.
func (a *App) ImportStatement(ctx context.Context, r io.Reader, by audit.Actor) ([]ImportedEntry, error) {
	content, err := io.ReadAll(io.LimitReader(r, maxStatementBytes+1))
	if err != nil {
		return nil, err
	}
	statements, err := a.readOwn(content)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(content)
	var out []ImportedEntry
	for _, s := range statements {
		entries, err := a.importStatement(ctx, s, digest[:], by)
		out = append(out, entries...)
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

func (a *App) importStatement(ctx context.Context, s bank.Statement, fileSHA256 []byte, by audit.Actor) ([]ImportedEntry, error) {
	var id string
	if err := a.db.Update(ctx, func(tx *store.Tx) error {
		var err error
		id, err = tx.SaveStatement(ctx, s, fileSHA256, string(by))
		return err
	}); err != nil {
		return nil, err
	}
	shown := bank.Shows(s)
	// One transaction an entry: an import that is cut off goes on where it
	// stopped when it is run again. Imports of one account take turns, so that each
	// sees what might be the same movement under another key.
	var out []ImportedEntry
	for _, e := range s.Entries {
		var done ImportedEntry
		if err := a.db.Update(ctx, func(tx *store.Tx) error {
			if err := tx.LockAccount(ctx, s.IBAN); err != nil {
				return err
			}
			var err error
			done, err = a.importEntry(ctx, tx, id, s, shown, e, by)
			return err
		}); err != nil {
			return out, err
		}
		out = append(out, done)
	}
	return out, nil
}

func (a *App) ownAccount(iban bank.IBAN, currency money.Currency) bool {
	for _, own := range a.seller.Accounts {
		if own.IBAN == string(iban) && own.Currency == currency {
			return true
		}
	}
	return false
}

func (a *App) importEntry(ctx context.Context, tx *store.Tx, statementID string, s bank.Statement, shown bank.Shown, e bank.Entry, by audit.Actor) (ImportedEntry, error) {
	done := ImportedEntry{Booked: e.Booked, Amount: money.Of(e.Amount, s.Currency), Credit: e.Credit, Payer: e.Payer}
	known, err := tx.BankEntry(ctx, e.Key)
	if err == nil {
		return a.knownEntry(ctx, tx, done, known)
	}
	if !fault.Is(err, fault.NotFound) {
		return done, err
	}
	alike, err := tx.KnownEntries(ctx, bank.Statement{IBAN: s.IBAN, Entries: []bank.Entry{e}})
	if err != nil {
		return done, err
	}
	for _, marked := range shown.New([]bank.Entry{e}, alike) {
		e = marked
	}
	m, err := a.match(ctx, tx, e)
	if err != nil {
		return done, err
	}
	sent := ""
	if m.Result == bank.Suspense && m.Reason == bank.ReasonReturn && !e.Credit {
		// What a person has sent back was booked when they said so.
		if fit, err := tx.ReturnsSent(ctx, s.IBAN, e); err != nil {
			return done, err
		} else if len(fit) == 1 {
			sent, m = fit[0], matching{Outcome: bank.Outcome{Result: bank.Ignored, Reason: bank.ReasonReturnSent}}
		}
	}
	outcome := store.BankOutcome{Outcome: string(m.Result), Reason: string(m.Reason), ThirdParty: m.ThirdParty, ReturnSent: sent}
	switch {
	case m.Result == bank.Suspense:
		outcome.Meant = m.order.ID
	case m.Result != bank.Matched:
	case m.topUp != nil:
		outcome.PayerID = m.topUp.ID
	default:
		outcome.OrderID = m.order.ID
	}
	entryID, err := tx.InsertBankEntry(ctx, statementID, s, e, outcome)
	if fault.Is(err, fault.NotFound) { // another import was quicker
		if known, err = tx.BankEntry(ctx, e.Key); err != nil {
			return done, err
		}
		return a.knownEntry(ctx, tx, done, known)
	} else if err != nil {
		return done, err
	}
	done.Outcome, done.Reason = outcome.Outcome, outcome.Reason
	switch m.Result {
	case bank.Matched:
		if m.topUp != nil {
			done.Balance = m.topUp.Name
			if err := a.topUp(ctx, tx, *m.topUp, done.Amount, entryID); err != nil {
				return done, err
			}
			if err := enterTopUp(tx, s.IBAN, e, m.topUp.ID, done.Amount); err != nil {
				return done, err
			}
			break
		}
		done.OrderID, done.OrderNumber = m.order.ID, m.order.Number
		if err := tx.AppendEntry(ctx, ledger.BankReceived(m.order.PayerID, done.Amount, entryID, tx.Now())); err != nil {
			return done, err
		}
		if err := a.bankEvidence(ctx, tx, m.order.ID, e, m.ThirdParty); err != nil {
			return done, err
		}
		if err := a.bringParts(ctx, tx, m.order, m.held); err != nil {
			return done, err
		}
		if err := a.enterTransfer(ctx, tx, s.IBAN, e, m.order, m.live, m.due.total, len(m.held) > 0); err != nil {
			return done, err
		}
		if err := a.settle(ctx, tx, m.order, m.live, m.due, m.day, m.Shortfall, by); err != nil {
			return done, err
		}
	case bank.Ignored:
	case bank.Suspense:
		received := done.Amount
		if !e.Credit { // a reversal that the bank took back
			received.Amount = -received.Amount
		}
		if err := tx.AppendEntry(ctx, ledger.BankSuspense(received, entryID, tx.Now())); err != nil {
			return done, err
		}
		if m.Reason == bank.ReasonUnderpaid {
			if err := a.tellPart(ctx, tx, m.order, entryID, done.Amount); err != nil {
				return done, err
			}
		}
		if !e.Credit {
			if err := a.offset(ctx, tx, entryID); err != nil {
				return done, err
			}
		}
	}
	return done, tx.AppendAudit(ctx, audit.Record{
		Actor: by, Action: "bank." + outcome.Outcome, ObjectKind: "bank_entry", ObjectID: entryID, PayerID: outcome.PayerID,
		Detail: map[string]any{"amount_minor": e.Amount, "currency": s.Currency, "reason": outcome.Reason},
	})
}

func (a *App) knownEntry(ctx context.Context, tx *store.Tx, done ImportedEntry, known store.BankOutcome) (ImportedEntry, error) {
	done.Known, done.Outcome, done.Reason = true, known.Outcome, known.Reason
	if known.PayerID != "" {
		var err error
		done.Balance, err = tx.PayerName(ctx, known.PayerID)
		return done, err
	}
	if known.OrderID == "" {
		return done, nil
	}
	o, err := tx.Order(ctx, known.OrderID)
	done.OrderID, done.OrderNumber = o.ID, o.Number
	return done, err
}

// matching is the decision about one entry, with what it was decided on.
type matching struct {
	bank.Outcome
	order order.Order
	live  *subscription.Subscription
	due   due
	day   civil.Date            // when the whole of it was there, the tax point
	held  []store.SuspenseEntry // parts of the order's amount that came before
	topUp *account.Payer        // whose balance the entry is for, instead of an order
}

// match finds the order that an entry pays and decides by the rules. Everything
// it decides on is locked.
func (a *App) match(ctx context.Context, tx *store.Tx, e bank.Entry) (matching, error) {
	found, byAccount, err := a.findOrders(ctx, tx, e)
	if err != nil {
		return matching{}, err
	}
	known := facts(byAccount)
	for i, o := range byAccount {
		if known[i].Buyer, err = tx.PayerName(ctx, o.PayerID); err != nil {
			return matching{}, err
		}
	}
	picked, rule, reason := bank.Pick(e, facts(found), known)
	// Who names the balance means it, though an open order would fit the account.
	if picked == nil && reason == bank.ReasonUnmatched || rule == bank.RuleAccount {
		m, named, err := matchTopUp(ctx, tx, e)
		if named || err != nil {
			return m, err
		}
	}
	if picked == nil {
		return matching{Outcome: bank.Match(e, facts(found), known)}, nil
	}
	all := slices.Concat(found, byAccount)
	i := slices.IndexFunc(all, func(o order.Order) bool { return o.Number == picked.Number })
	m := matching{order: all[i]}
	if m.due.payer, err = tx.LockPayer(ctx, m.order.PayerID); err != nil {
		return matching{}, err
	}
	refused := false // a person decides
	if m.live, err = liveFor(ctx, tx, m.order); fault.Is(err, fault.Conflict) {
		refused = true
	} else if err != nil {
		return matching{}, err
	}
	if m.order, err = tx.LockOrder(ctx, m.order.ID); err != nil {
		return matching{}, err
	}
	if m.held, err = tx.LockPartsOf(ctx, m.order.ID); err != nil {
		return matching{}, err
	}
	m.day = lastDay(e.Booked, m.held)
	m.due, err = a.dueFor(ctx, tx, m.order, m.due.payer, m.day)
	if fault.Is(err, fault.Conflict) { // the seller may not make this sale now
		refused, m.due.total = true, m.order.Total
	} else if err != nil {
		return matching{}, err
	}
	o := fact(m.order)
	o.Due, o.Buyer = money.Of(max(1, m.due.total-sumOf(m.held)), m.order.Currency), m.due.payer.Name
	if refused || a.tooLate(m.order, m.day) {
		o.State = bank.OrderCanceled
	}
	m.Outcome = bank.Decide(e, &o)
	return m, nil
}

func facts(orders []order.Order) []bank.Order {
	out := make([]bank.Order, len(orders))
	for i, o := range orders {
		out[i] = fact(o)
	}
	return out
}

// fact is what the bank's rules need to know of an order as it was placed.
func fact(o order.Order) bank.Order {
	state := bank.OrderOpen
	switch o.State {
	case order.StatePaid:
		state = bank.OrderPaid
	case order.StateCanceled:
		state = bank.OrderCanceled
	case order.StateAwaitingPayment, order.StateExpired:
	}
	return bank.Order{Number: o.Number, Reference: bank.Reference(o.Reference), State: state, Due: money.Of(o.Total, o.Currency)}
}

// tooLate reports whether money that was there on a day cannot pay an order any
// more. The bank's day counts, not the one of the import: a statement that comes
// after an order has run out may show money that came in time.
func (a *App) tooLate(o order.Order, day civil.Date) bool {
	return day.After(o.ValidUntil) && a.priceMoved(o, day)
}

// priceMoved reports whether a late order would cost something else today: late
// money is accepted at an unchanged price only (vat.md 6.3).
func (a *App) priceMoved(o order.Order, on civil.Date) bool {
	book, err := a.seller.Books.For(o.Currency, on)
	if err != nil {
		return true
	}
	price, err := book.Price(o.Selection)
	return err != nil || price.Net != o.Net
}

// findOrders looks up the orders that an entry names, and those that its account
// may be paying without a name (vat.md 6.4).
func (a *App) findOrders(ctx context.Context, tx *store.Tx, e bank.Entry) (found, byAccount []order.Order, err error) {
	for _, c := range bank.References(e) {
		o, err := tx.OrderByReference(ctx, cmp.Or(string(c.Reference), c.Number))
		if fault.Is(err, fault.NotFound) {
			continue
		} else if err != nil {
			return nil, nil, err
		}
		found = append(found, o)
	}
	if e.PayerIBAN != "" && e.Credit {
		byAccount, err = tx.OpenOrdersFromIBAN(ctx, string(e.PayerIBAN), e.Currency)
	}
	return found, byAccount, err
}

// bankEvidence keeps where the paying account is (Reg. 282/2011 art. 24f(c)). The
// account of somebody else says nothing of where the buyer is.
func (a *App) bankEvidence(ctx context.Context, tx *store.Tx, orderID string, e bank.Entry, thirdParty bool) error {
	if e.PayerIBAN == "" || thirdParty {
		return nil
	}
	return tx.InsertEvidence(ctx, orderID, "bank_account", e.PayerIBAN.Country(), string(e.PayerIBAN))
}

// String is the line that `portal bank import` prints for an entry.
func (e ImportedEntry) String() string {
	sign := "+"
	if !e.Credit {
		sign = "-"
	}
	line := e.Booked.String() + " " + sign + e.Amount.String() + " "
	switch {
	case e.Balance != "":
		line += "matched balance of " + e.Balance
	case e.Outcome == string(bank.Matched):
		line += "matched order " + e.OrderNumber
	case e.Outcome == string(bank.Suspense):
		line += "suspense: " + strings.ReplaceAll(e.Reason, "_", " ")
	default:
		line += "ignored: " + strings.ReplaceAll(e.Reason, "_", " ")
	}
	if e.Known {
		line += " (already known)"
	}
	if e.Payer != "" {
		line += " from " + strconv.Quote(e.Payer)
	}
	return line
}
