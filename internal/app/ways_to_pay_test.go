package app_test

import (
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/provider/sandbox"
	"pgregory.net/rapid"
)

// fund tops a payer's balance up by card.
func (s *till) fund(actor account.Actor, payer account.PayerID, amount money.Amount) {
	s.t.Helper()
	if _, err := s.TopUpByCard(s.ctx(), actor, payer, amount, "en"); err != nil {
		s.t.Fatal(err)
	}
	book := s.Book()
	s.must(s.Press(book[len(book)-1].ID, "pay", sandbox.CardOK, false))
	p, err := s.TopUpReturned(s.ctx(), actor, payer)
	s.must(err)
	if p.State != payment.Succeeded {
		s.t.Fatalf("the top-up is %s", p.State)
	}
}

func (s *till) balance(actor account.Actor, payer account.PayerID) money.Amount {
	s.t.Helper()
	b, err := s.Balance(s.ctx(), actor, payer, 0)
	s.must(err)
	return b.Amount
}

// place orders by one of the methods.
func (s *till) place(actor account.Actor, sel pricing.Selection, method order.Method) (string, error) {
	q, err := s.Quote(s.ctx(), &actor, app.QuoteRequest{Selection: sel})
	s.must(err)
	return s.PlaceOrder(s.ctx(), actor, app.PlaceOrder{Selection: sel, Payer: q.Payer.ID, Method: string(method), Quote: q.Token})
}

// Whoever spends the balance first has it: forms that are sent twice, orders
// that are paid and orders that are placed, all at once. Nothing is paid by half
// or twice, and the balance never falls below zero.
func TestTheBalanceIsSpentOnce(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, payer := s.customer(7_900_000_004_001, "Ona")
	sel := softphone(1, false, 6) // 21.78 with VAT
	var numbers []string
	for range 3 {
		numbers = append(numbers, s.order(ona, sel).Number)
	}
	s.fund(ona, payer, 50_00) // two of them
	q := s.quote(ona, sel)
	var wg sync.WaitGroup
	var mu sync.Mutex
	refused := 0
	note := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err == nil:
		case fault.Is(err, fault.Conflict), fault.Is(err, fault.Invalid):
			refused++
		default:
			t.Error(err)
		}
	}
	for range 2 {
		for _, n := range numbers {
			wg.Go(func() { note(s.PayOrderFromBalance(s.ctx(), ona, n)) })
		}
		wg.Go(func() {
			_, err := s.PlaceOrder(s.ctx(), ona, app.PlaceOrder{Selection: sel, Payer: payer, Method: "balance", Quote: q.Token})
			note(err)
		})
	}
	wg.Wait()
	if paid := s.count(`SELECT count(*) FROM orders WHERE state = 'paid' AND method = 'balance'`); paid != 2 || refused == 0 {
		t.Errorf("%d orders are paid, %d requests were refused", paid, refused)
	}
	if got := s.balance(ona, payer); got != 50_00-2*21_78 {
		t.Errorf("%s is left", got.Decimal())
	}
	s.agree()
}

// An order is paid by a card or from the balance, whatever the order in which
// both are tried, and what came too much is kept.
func TestCardAgainstBalance(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, payer := s.customer(7_900_000_004_010, "Ona")
	s.fund(ona, payer, 50_00)
	o := s.order(ona, softphone(1, false, 6))
	id := s.open(ona, o.Number, app.StartPaymentInput{})
	var wg sync.WaitGroup
	var pressed, paid error
	wg.Go(func() { pressed = s.Press(id, "pay", sandbox.CardOK, false) })
	wg.Go(func() { paid = s.PayOrderFromBalance(s.ctx(), ona, o.Number) })
	wg.Wait()
	s.must(pressed)
	s.must(paid)
	s.must(s.returned(ona, o.Number))
	if got := s.balance(ona, payer); got != 50_00 { // paid from it, and the card's money came to it
		t.Errorf("%s is left", got.Decimal())
	}
	if n := s.count(`SELECT count(*) FROM ledger_entry WHERE kind = 'order_paid'`); n != 1 {
		t.Errorf("paid %d times", n)
	}
	s.agree()
}

// A person pays in any way, walks away, pays in another: every order is paid at
// most once, and the portal's ledger says what the provider's book says.
func TestWaysToPayInAnyOrder(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	n := int64(0)
	rapid.Check(t, func(r *rapid.T) {
		n++
		ona, payer := s.customer(7_900_000_005_000+n, "Ona")
		if rapid.Bool().Draw(r, "funded") {
			s.fund(ona, payer, money.Amount(rapid.Int64Range(1_00, 60_00).Draw(r, "amount")))
		}
		first := rapid.SampledFrom([]order.Method{order.MethodBank, order.MethodCard, order.MethodBalance}).Draw(r, "placed by")
		number, err := s.place(ona, softphone(1, false, 6), first)
		if err != nil {
			if first != order.MethodBalance || !fault.Is(err, fault.Invalid) || s.balance(ona, payer) >= 21_78 {
				r.Fatal(err)
			}
			return
		}
		for range rapid.IntRange(1, 6).Draw(r, "steps") {
			before := s.balance(ona, payer)
			switch step := rapid.SampledFrom([]string{"card", "decline", "pay", "balance", "return", "later", "bank"}).Draw(r, "step"); step {
			case "card":
				_, err = s.StartPayment(s.ctx(), ona, number, app.StartPaymentInput{})
			case "balance":
				err = s.PayOrderFromBalance(s.ctx(), ona, number)
			case "return":
				_, err = s.PaymentReturned(s.ctx(), ona, number)
			case "bank":
				err = s.ChooseMethod(s.ctx(), ona, number, order.MethodBank)
			default:
				book := s.Book()
				if len(book) == 0 {
					continue
				}
				card := sandbox.CardOK
				if step == "later" {
					step, card = "pay", sandbox.CardLater
				}
				err = s.Press(book[len(book)-1].ID, step, card, false)
			}
			if err != nil && !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.NotFound) {
				r.Fatal(err)
			}
			o, err := s.Order(s.ctx(), ona, number)
			s.must(err)
			if after := s.balance(ona, payer); after < 0 || after < before && o.State != order.StatePaid {
				r.Fatalf("the balance fell from %s to %s, and the order is %s", before.Decimal(), after.Decimal(), o.State)
			}
		}
		_, _ = s.PaymentReturned(s.ctx(), ona, number)
	})
	// What waits is looked at once more.
	s.clock.Set(s.clock.Now().Add(2 * time.Hour))
	for range 3 {
		if _, err := s.CheckPayments(s.ctx()); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.count(`SELECT count(*) FROM orders o WHERE (SELECT count(*) FROM ledger_entry e WHERE e.kind = 'order_paid' AND e.order_id = o.id) > 1`); n != 0 {
		t.Errorf("%d orders are paid more than once", n)
	}
	rows, err := s.db.Pool().Query(s.ctx(), `SELECT id FROM orders WHERE state = 'paid'`)
	s.must(err)
	paid, err := pgx.CollectRows(rows, pgx.RowTo[string])
	s.must(err)
	for _, id := range paid {
		s.must(s.IssueInvoice(s.ctx(), id))
	}
	s.must(s.IssueReceipts(s.ctx()))
	s.clean()
}

// An accountant, the Customer who does not pay and a stranger pay nothing.
func TestWhoMayPayFromTheBalance(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, payer := s.customer(7_900_000_004_020, "Ona")
	stranger, _ := s.customer(7_900_000_004_021, "Petras")
	o := s.order(ona, softphone(1, false, 6))
	s.fund(ona, payer, 50_00)
	for _, err := range []error{
		s.PayOrderFromBalance(s.ctx(), stranger, o.Number), s.ChooseMethod(s.ctx(), stranger, o.Number, order.MethodCard),
		s.PayOrderFromBalance(s.ctx(), ona, "O-2026-999999"),
	} {
		if !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
	}
	if _, err := s.Cards(s.ctx(), stranger, payer); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	if s.balance(ona, payer) != 50_00 {
		t.Error("money was moved")
	}
	s.agree()
}
