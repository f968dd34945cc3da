package ledger_test

import (
	"errors"
	"testing"
	"time"

	"github.com/siptg/portal/internal/ledger"
	"github.com/siptg/portal/internal/money"
	"pgregory.net/rapid"
)

// Every entry that the constructors make balances, whatever the amounts (I1).
func TestEntriesBalance(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		amount := func(name string, from int64) money.Amount {
			return money.Amount(rapid.Int64Range(from, 100_000_000).Draw(t, name))
		}
		net, vat, got := amount("net", 1), amount("vat", 0), amount("received", 1)
		short := money.Amount(rapid.Int64Range(0, int64(min(100, net))).Draw(t, "short"))
		for _, e := range []ledger.Entry{
			ledger.BankReceived("p", money.Of(got, "EUR"), "b", time.Unix(0, 0)),
			ledger.ChangeCredit("p", money.Of(got, "EUR"), "o", time.Unix(0, 0)),
			ledger.BankSuspense(money.Of(got, "USD"), "b", time.Unix(0, 0)),
			ledger.OrderPaid("p", "EUR", net, vat, short, "o", time.Unix(0, 0)),
		} {
			if err := e.Check(); err != nil && net+vat != short {
				t.Fatalf("%+v: %v", e, err)
			}
		}
	})
}

func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	eur, usd := ledger.Account{Kind: ledger.Bank, Currency: "EUR"}, ledger.Account{Kind: ledger.Suspense, Currency: "USD"}
	for name, postings := range map[string][]ledger.Posting{
		"nothing":        nil,
		"one side":       {{Account: eur, Amount: 5}},
		"a cent off":     {{Account: eur, Amount: 5}, {Account: eur, Amount: -4}},
		"two currencies": {{Account: eur, Amount: 5}, {Account: usd, Amount: -5}},
		"zero":           {{Account: eur, Amount: 0}, {Account: eur, Amount: 0}},
	} {
		if err := (ledger.Entry{Postings: postings}).Check(); !errors.Is(err, ledger.ErrUnbalanced) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHashCoversEveryField(t *testing.T) {
	t.Parallel()
	base := func() ledger.Entry { return ledger.OrderPaid("p", "EUR", 100, 21, 0, "o", time.Unix(1, 0)) }
	seen := map[[32]byte]string{base().Hash(): "base"}
	for name, change := range map[string]func(*ledger.Entry){
		"kind":     func(e *ledger.Entry) { e.Kind = "x" },
		"at":       func(e *ledger.Entry) { e.At = time.Unix(2, 0) },
		"order":    func(e *ledger.Entry) { e.OrderID = "x" },
		"bank":     func(e *ledger.Entry) { e.BankEntryID = "x" },
		"payment":  func(e *ledger.Entry) { e.PaymentID = "x" },
		"refund":   func(e *ledger.Entry) { e.RefundID = "x" },
		"dispute":  func(e *ledger.Entry) { e.DisputeID = "x" },
		"credit":   func(e *ledger.Entry) { e.CreditNoteID = "x" },
		"amount":   func(e *ledger.Entry) { e.Postings[0].Amount++ },
		"account":  func(e *ledger.Entry) { e.Postings[0].Account.Payer = "q" },
		"currency": func(e *ledger.Entry) { e.Postings[0].Account.Currency = "USD" },
		"posting":  func(e *ledger.Entry) { e.Postings = e.Postings[:2] },
	} {
		e := base()
		change(&e)
		if twin, ok := seen[e.Hash()]; ok {
			t.Errorf("%s hashes like %s", name, twin)
		}
		seen[e.Hash()] = name
	}
}
