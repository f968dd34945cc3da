package ledger

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/money"
)

// AccountKind is a line of the chart of accounts.
type AccountKind string

// The chart of accounts.
const (
	Bank     AccountKind = "bank"      // money on our bank accounts
	Suspense AccountKind = "suspense"  // received, not yet attributed
	Balance  AccountKind = "balance"   // what a payer has with us
	Revenue  AccountKind = "revenue"   // sold, net
	VAT      AccountKind = "vat"       // owed to tax offices
	WriteOff AccountKind = "write_off" // accepted shortfalls
	Provider AccountKind = "provider"  // money at payment providers
	Refunds  AccountKind = "refunds"   // asked back, on its way
	Disputed AccountKind = "disputed"  // withdrawn by a card holder's bank
)

// Account names a ledger account: one kind, one currency, and for Balance one payer.
type Account struct {
	Kind     AccountKind
	Payer    account.PayerID
	Currency money.Currency
}

// Posting moves an amount on an account: positive is a debit.
type Posting struct {
	Account Account
	Amount  money.Amount
}

// EntryKind is the reason of an entry.
type EntryKind string

// The kinds of entry.
const (
	EntryBankReceived EntryKind = "bank_received" // bank money credited to a payer's balance
	EntryBankSuspense EntryKind = "bank_suspense" // bank money that waits for a person
	EntryOrderPaid    EntryKind = "order_paid"    // an order paid from the payer's balance
	EntryChangeCredit EntryKind = "change_credit" // what a change left over, to the payer's balance
	EntryCaptured     EntryKind = "captured"      // a provider's money credited to a payer's balance
	EntryCredited     EntryKind = "credited"      // a credit note, to the payer's balance
	EntryRefundAsked  EntryKind = "refund_asked"  // from the payer's balance, on its way back
	EntryRefundSent   EntryKind = "refund_sent"   // the provider, or the bank, has sent it
	EntryRefundFailed EntryKind = "refund_failed" // it could not be sent: to the balance again
	EntryDisputed     EntryKind = "disputed"      // withdrawn from us by the card holder's bank
	EntryDisputeWon   EntryKind = "dispute_won"   // given back to us
	EntryDisputeTaken EntryKind = "dispute_taken" // lost, and taken from what its payer still has of the money
	EntryCorrected    EntryKind = "corrected"     // a credit note and the invoice that replaces what it credits

	EntrySuspenseMatched   EntryKind = "suspense_matched"    // what waited, to a payer's balance
	EntrySuspenseReturned  EntryKind = "suspense_returned"   // what waited, sent back at the bank
	EntrySuspenseTakenBack EntryKind = "suspense_taken_back" // what the bank took back, from who had been given it
)

// Entry is one balanced movement.
type Entry struct {
	Kind         EntryKind
	At           time.Time
	OrderID      string // of order_paid; of change_credit, what paid the period
	BankEntryID  string // of bank_received and bank_suspense
	PaymentID    string // of captured
	RefundID     string // of refund_asked, refund_sent and refund_failed
	DisputeID    string // of disputed, dispute_won and dispute_taken
	CreditNoteID string // of credited and corrected
	DecisionID   string // of what leaves suspense
	Postings     []Posting
}

// ErrUnbalanced reports postings that do not sum to zero.
var ErrUnbalanced = errors.New("ledger: entry does not balance")

// BankReceived books bank money to a payer's balance.
func BankReceived(payer account.PayerID, amount money.Money, bankEntry string, at time.Time) Entry {
	return Entry{Kind: EntryBankReceived, At: at, BankEntryID: bankEntry, Postings: []Posting{
		{Account{Kind: Bank, Currency: amount.Currency}, amount.Amount},
		{Account{Kind: Balance, Payer: payer, Currency: amount.Currency}, -amount.Amount},
	}}
}

// BankSuspense books bank money that no order could be found for.
func BankSuspense(amount money.Money, bankEntry string, at time.Time) Entry {
	return Entry{Kind: EntryBankSuspense, At: at, BankEntryID: bankEntry, Postings: []Posting{
		{Account{Kind: Bank, Currency: amount.Currency}, amount.Amount},
		{Account{Kind: Suspense, Currency: amount.Currency}, -amount.Amount},
	}}
}

// OrderPaid pays an order of net and vat from the payer's balance, of which
// shortfall is forgiven.
func OrderPaid(payer account.PayerID, currency money.Currency, net, vat, shortfall money.Amount, order string, at time.Time) Entry {
	e := Entry{Kind: EntryOrderPaid, At: at, OrderID: order}
	add := func(kind AccountKind, p account.PayerID, a money.Amount) {
		if a != 0 {
			e.Postings = append(e.Postings, Posting{Account{kind, p, currency}, a})
		}
	}
	add(Balance, payer, net+vat-shortfall)
	add(WriteOff, "", shortfall)
	add(Revenue, "", -net)
	add(VAT, "", -vat)
	return e
}

// ChangeCredit gives back the net value that a change of a paid period could
// turn into no time.
func ChangeCredit(payer account.PayerID, amount money.Money, order string, at time.Time) Entry {
	return Entry{Kind: EntryChangeCredit, At: at, OrderID: order, Postings: []Posting{
		{Account{Kind: Revenue, Currency: amount.Currency}, amount.Amount},
		{Account{Kind: Balance, Payer: payer, Currency: amount.Currency}, -amount.Amount},
	}}
}

// move books one amount from one account to another.
func move(kind EntryKind, from, to Account, amount money.Amount, at time.Time) Entry {
	return Entry{Kind: kind, At: at, Postings: []Posting{{to, amount}, {from, -amount}}}
}

// Captured books what a provider has received for us to the payer's balance.
func Captured(payer account.PayerID, amount money.Money, payment string, at time.Time) Entry {
	e := move(EntryCaptured, Account{Balance, payer, amount.Currency}, Account{Kind: Provider, Currency: amount.Currency}, amount.Amount, at)
	e.PaymentID = payment
	return e
}

// Credited books a credit note of net and vat to the payer's balance, less what
// of it was forgiven when the order was paid: that was never received.
func Credited(payer account.PayerID, currency money.Currency, net, vat, forgiven money.Amount, creditNote string, at time.Time) Entry {
	e := Entry{Kind: EntryCredited, At: at, CreditNoteID: creditNote}
	for _, p := range []Posting{
		{Account{Kind: Revenue, Currency: currency}, net}, {Account{Kind: VAT, Currency: currency}, vat},
		{Account{Kind: WriteOff, Currency: currency}, -forgiven}, {Account{Balance, payer, currency}, forgiven - net - vat},
	} {
		if p.Amount != 0 {
			e.Postings = append(e.Postings, p)
		}
	}
	return e
}

// Corrected books a credit note of net and its VAT, was, together with the invoice
// that replaces what it credits, of the same net sum and the VAT is. On the payer's
// balance only the difference moves, less what of it was forgiven when the order
// was paid; where the VAT stays the same, nothing does.
func Corrected(payer account.PayerID, currency money.Currency, net, was, is, forgiven money.Amount, creditNote string, at time.Time) Entry {
	e := Entry{Kind: EntryCorrected, At: at, CreditNoteID: creditNote}
	for _, p := range []Posting{
		{Account{Kind: Revenue, Currency: currency}, net}, {Account{Kind: VAT, Currency: currency}, was},
		{Account{Kind: Revenue, Currency: currency}, -net}, {Account{Kind: VAT, Currency: currency}, -is},
		{Account{Kind: WriteOff, Currency: currency}, -forgiven}, {Account{Balance, payer, currency}, is - was + forgiven},
	} {
		if p.Amount != 0 {
			e.Postings = append(e.Postings, p)
		}
	}
	return e
}

// RefundAsked takes what is to be sent back from the payer's balance.
func RefundAsked(payer account.PayerID, amount money.Money, refund string, at time.Time) Entry {
	e := move(EntryRefundAsked, Account{Kind: Refunds, Currency: amount.Currency}, Account{Balance, payer, amount.Currency}, amount.Amount, at)
	e.RefundID = refund
	return e
}

// RefundSent books that a refund has left us, from the bank or a provider.
func RefundSent(from AccountKind, amount money.Money, refund string, at time.Time) Entry {
	e := move(EntryRefundSent, Account{Kind: from, Currency: amount.Currency}, Account{Kind: Refunds, Currency: amount.Currency}, amount.Amount, at)
	e.RefundID = refund
	return e
}

// RefundFailed puts a refund that could not be sent back on the payer's balance.
func RefundFailed(payer account.PayerID, amount money.Money, refund string, at time.Time) Entry {
	e := move(EntryRefundFailed, Account{Balance, payer, amount.Currency}, Account{Kind: Refunds, Currency: amount.Currency}, amount.Amount, at)
	e.RefundID = refund
	return e
}

// RefundReturned books a refund that was sent and came back, because the card was
// closed: to the payer's balance, or, without a payer, to where one stands that
// nobody had asked for.
func RefundReturned(payer account.PayerID, amount money.Money, refund string, at time.Time) Entry {
	to := Account{Balance, payer, amount.Currency}
	if payer == "" {
		to = Account{Kind: Refunds, Currency: amount.Currency}
	}
	e := move(EntryRefundFailed, to, Account{Kind: Provider, Currency: amount.Currency}, amount.Amount, at)
	e.RefundID = refund
	return e
}

// DisputeOpened books what a card holder's bank has withdrawn from us.
func DisputeOpened(amount money.Money, dispute string, at time.Time) Entry {
	e := move(EntryDisputed, Account{Kind: Provider, Currency: amount.Currency}, Account{Kind: Disputed, Currency: amount.Currency}, amount.Amount, at)
	e.DisputeID = dispute
	return e
}

// DisputeWon books that it came back.
func DisputeWon(amount money.Money, dispute string, at time.Time) Entry {
	e := move(EntryDisputeWon, Account{Kind: Disputed, Currency: amount.Currency}, Account{Kind: Provider, Currency: amount.Currency}, amount.Amount, at)
	e.DisputeID = dispute
	return e
}

// DisputeTaken books what is taken from a payer's balance because a dispute was
// lost: what is still there of the money that it was about.
func DisputeTaken(payer account.PayerID, amount money.Money, dispute string, at time.Time) Entry {
	e := move(EntryDisputeTaken, Account{Kind: Disputed, Currency: amount.Currency}, Account{Balance, payer, amount.Currency}, amount.Amount, at)
	e.DisputeID = dispute
	return e
}

// SuspenseMatched books bank money that waited to a payer's balance.
func SuspenseMatched(payer account.PayerID, amount money.Money, decision string, at time.Time) Entry {
	e := move(EntrySuspenseMatched, Account{Balance, payer, amount.Currency}, Account{Kind: Suspense, Currency: amount.Currency}, amount.Amount, at)
	e.DecisionID = decision
	return e
}

// SuspenseReturned books that bank money that waited was sent back, or, as not
// ours, that it leaves the books; below zero of what the bank took.
func SuspenseReturned(amount money.Money, decision string, at time.Time) Entry {
	e := move(EntrySuspenseReturned, Account{Kind: Bank, Currency: amount.Currency}, Account{Kind: Suspense, Currency: amount.Currency}, amount.Amount, at)
	e.DecisionID = decision
	return e
}

// SuspenseTakenBack books money that the bank took back: of the payer that it had
// been given to, what its balance covers, and as disputed what was spent.
func SuspenseTakenBack(payer account.PayerID, ofBalance, spent money.Money, decision string, at time.Time) Entry {
	e := Entry{Kind: EntrySuspenseTakenBack, At: at, DecisionID: decision}
	for _, p := range []Posting{
		{Account{Balance, payer, ofBalance.Currency}, ofBalance.Amount}, {Account{Kind: Disputed, Currency: spent.Currency}, spent.Amount},
		{Account{Kind: Suspense, Currency: spent.Currency}, -ofBalance.Amount - spent.Amount},
	} {
		if p.Amount != 0 {
			e.Postings = append(e.Postings, p)
		}
	}
	return e
}

// Check returns ErrUnbalanced unless the entry has two postings or more, none
// of them zero, that sum to zero in each currency.
func (e Entry) Check() error {
	sums := map[money.Currency]money.Amount{}
	for _, p := range e.Postings {
		if p.Amount == 0 {
			return fmt.Errorf("%w: a posting of nothing", ErrUnbalanced)
		}
		sum, err := money.Sum(sums[p.Account.Currency], p.Amount)
		if err != nil {
			return err
		}
		sums[p.Account.Currency] = sum
	}
	if len(e.Postings) < 2 {
		return fmt.Errorf("%w: %d postings", ErrUnbalanced, len(e.Postings))
	}
	for currency, sum := range sums {
		if sum != 0 {
			return fmt.Errorf("%w: %s %s left over", ErrUnbalanced, sum.Decimal(), currency)
		}
	}
	return nil
}

// Hash seals what an entry says: the auditor computes it again from the rows.
func (e Entry) Hash() [sha256.Size]byte {
	h := sha256.New()
	fmt.Fprintf(h, "%s|%s|%s|%s\n", e.Kind, e.At.UTC().Format(time.RFC3339Nano), e.OrderID, e.BankEntryID)
	// Sources that came later are sealed only where they are: older seals hold.
	for _, source := range []struct{ name, id string }{
		{"payment", e.PaymentID}, {"refund", e.RefundID}, {"dispute", e.DisputeID}, {"credit note", e.CreditNoteID}, {"decision", e.DecisionID},
	} {
		if source.id != "" {
			fmt.Fprintf(h, "%s %s\n", source.name, source.id)
		}
	}
	for _, p := range e.Postings {
		fmt.Fprintf(h, "%s|%s|%s|%d\n", p.Account.Kind, p.Account.Payer, p.Account.Currency, p.Amount)
	}
	return [sha256.Size]byte(h.Sum(nil))
}
