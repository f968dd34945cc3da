package app_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/bank/banktest"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/pricing"
)

// arrives imports one entry and returns the id that it is kept under.
func (s *site) arrives(e bank.Entry) (id string, done app.ImportedEntry) {
	s.t.Helper()
	file := s.camt(banktest.Version08, e)
	done = s.importFile(file)[0]
	st, err := bank.ReadStatements(bytes.NewReader(file))
	s.must(err)
	s.must(s.db.Pool().QueryRow(s.ctx(), `SELECT id::text FROM bank_entry WHERE key = $1`, st[0].Entries[0].Key).Scan(&id))
	return id, done
}

// stray is a transfer that names nothing.
func (s *site) stray(amount money.Amount) bank.Entry {
	e := s.transfer("", amount)
	e.References, e.Text, e.Payer, e.PayerIBAN = nil, "thank you", "Somebody Else", "GB82WEST12345698765432"
	return e
}

// suspense is what the ledger has in suspense.
func (s *site) suspense() money.Amount {
	return money.Amount(s.count(`SELECT COALESCE(-sum(p.amount_minor), 0) FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id WHERE a.kind = 'suspense'`))
}

func (s *site) balance(payer account.PayerID) money.Amount {
	return money.Amount(s.count(`SELECT COALESCE(sum(-balance_minor), 0) FROM ledger_account WHERE kind = 'balance' AND payer_id = $1`, string(payer)))
}

func (s *site) toldOf(kind string) int {
	return s.count(`SELECT count(*) FROM notice WHERE kind = $1`, kind)
}

func (s *site) see(actor account.Actor, number string) app.OrderDetail {
	s.t.Helper()
	o, err := s.Order(s.ctx(), actor, number)
	s.must(err)
	return o
}

// invoiceAll issues the invoices of paid orders.
func (s *site) invoiceAll() {
	s.t.Helper()
	rows, err := s.db.Pool().Query(s.ctx(), `SELECT o.id::text FROM orders o WHERE o.state = 'paid' AND NOT EXISTS (SELECT FROM invoice i WHERE i.order_id = o.id) ORDER BY o.closed_at, o.id`)
	s.must(err)
	for _, id := range must(pgx.CollectRows(rows, pgx.RowTo[string])) {
		s.must(s.IssueInvoice(s.ctx(), id))
	}
}

// The parts of a price wait until it is there; then the order is paid, once, on
// the day of the last part.
func TestPartPayments(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, payer := s.customer(7_900_000_005_000, "Ona")
	o := s.order(ona, softphone(5, true, 12))
	if o.Money.State != app.BankExpected || o.Money.Received != 0 {
		t.Errorf("before: %+v", o.Money)
	}
	part := s.entry(o)
	part.Amount = 200_00
	_, done := s.arrives(part)
	if done.Outcome != "suspense" || done.Reason != "underpaid" {
		t.Fatalf("the first part: %s", done)
	}
	o = s.see(ona, o.Number)
	if o.Money.State != app.BankReceived || o.Money.Received != 200_00 || o.Money.Missing != o.Total-200_00 || o.State != order.StateAwaitingPayment || s.toldOf("part_received") != 1 {
		t.Errorf("after the first part: %+v, %s", o.Money, o.State)
	}
	if s.balance(payer) != 0 || s.suspense() != 200_00 {
		t.Errorf("balance %s, suspense %s", s.balance(payer).Decimal(), s.suspense().Decimal())
	}
	s.clean()
	s.wait(2)
	again := s.importFile(s.camt(banktest.Version02, part)) // the bank shows it once more
	if !again[0].Known || s.suspense() != 200_00 {
		t.Errorf("again: %s", again[0])
	}
	rest := s.entry(o)
	rest.Amount = o.Total - 200_00 - 60 // within the tolerance
	if _, done = s.arrives(rest); done.Outcome != "matched" || done.OrderNumber != o.Number {
		t.Fatalf("the rest: %s", done)
	}
	if _, done = s.arrives(part); !done.Known || done.Outcome != "suspense" { // what was said of it stays
		t.Errorf("the first part, once more: %s", done)
	}
	s.invoiceAll()
	o = s.see(ona, o.Number)
	if o.State != order.StatePaid || o.Money.State != app.BankInvoiced || o.Money.Missing != 0 || s.balance(payer) != 0 || s.suspense() != 0 {
		t.Errorf("in the end: %s, %+v, balance %s, suspense %s", o.State, o.Money, s.balance(payer).Decimal(), s.suspense().Decimal())
	}
	if day := s.count(`SELECT tax_point - date '2026-11-23' FROM settlement`); day != 2 {
		t.Errorf("the tax point is day %d", day)
	}
	if n := s.count(`SELECT count(*) FROM receipt`); n != 0 {
		t.Errorf("%d receipts of what an invoice is for", n)
	}
	if n := s.count(`SELECT count(*) FROM payment WHERE provider = 'bank' AND state = 'succeeded'`); n != 2 {
		t.Errorf("%d payments", n)
	}
	s.clean()
}

// A part of an order that runs out is the payer's, on its balance.
func TestPartsOfAnOrderThatRanOut(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, payer := s.customer(7_900_000_005_010, "Ona")
	o := s.order(ona, softphone(5, true, 12))
	part := s.entry(o)
	part.Amount = 100_00
	s.arrives(part)
	s.must(s.RunDue(s.ctx()))
	if s.balance(payer) != 0 {
		t.Error("a part went to the balance while its order is open")
	}
	s.wait(19) // valid for 14 days; a statement may come later
	s.must(s.RunDue(s.ctx()))
	if s.balance(payer) != 0 || s.see(ona, o.Number).State != order.StateExpired {
		t.Error("a part went to the balance before the rest could be known")
	}
	s.wait(1)
	s.must(s.RunDue(s.ctx()))
	s.must(s.RunDue(s.ctx()))
	s.must(s.IssueReceipts(s.ctx()))
	if s.balance(payer) != 100_00 || s.suspense() != 0 || s.toldOf("money_kept") != 1 || s.count(`SELECT count(*) FROM receipt WHERE amount_minor = 10000`) != 1 {
		t.Errorf("balance %s, suspense %s, told %d", s.balance(payer).Decimal(), s.suspense().Decimal(), s.toldOf("money_kept"))
	}
	if got := s.see(ona, o.Number).Money.State; got != app.BankExpired {
		t.Errorf("the order is %s", got)
	}
	s.clean()
}

// A payer is reminded of a bank invoice once, before it runs out.
func TestBankInvoiceReminder(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, _ := s.customer(7_900_000_005_020, "Ona")
	o := s.order(ona, softphone(1, false, 6))
	paid := s.order(ona, pricing.Selection{Plan: pricing.Gateway, Options: pricing.Options{Lines: 1}, Period: 6})
	s.pay(paid)
	part := s.entry(o)
	part.Amount = 5_00
	s.arrives(part)
	for day := range 16 {
		s.must(s.CloseOverdue(s.ctx()))
		s.must(s.CloseOverdue(s.ctx()))
		want := 0
		if day >= 11 { // valid for 14 days, told 3 days before
			want = 1
		}
		if got := s.toldOf("bank_invoice_expires"); got != want {
			t.Fatalf("day %d: told %d times", day, got)
		}
		s.wait(1)
	}
	if n := s.count(`SELECT count(*) FROM notice WHERE kind = 'bank_invoice_expires' AND order_number = $1 AND (facts->>'amount')::bigint = $2`, o.Number, int64(o.Total-5_00)); n != 1 {
		t.Error("it is not of what is missing")
	}
}

func TestDecideSuspense(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ona, payer := s.customer(7_900_000_005_030, "Ona")
	first := s.staff(7_900_000_005_031, "Faustas", account.StaffFinance)
	second := s.staff(7_900_000_005_032, "Adomas", account.StaffAdmin)
	support := s.staff(7_900_000_005_033, "Saulė", account.StaffSupport)
	decide := func(who account.Actor, id string, in app.SuspenseDecision) error {
		if in.Reason == "" {
			in.Reason = "the bank says so"
		}
		return s.DecideSuspense(s.ctx(), who, id, in)
	}
	small := s.order(ona, softphone(1, false, 6)) // 21.78
	pays := func(o app.OrderDetail) app.SuspenseDecision {
		return app.SuspenseDecision{Kind: bank.DecideOrder, Order: o.Number}
	}
	id, _ := s.arrives(s.stray(small.Total))

	// Who may, and what is asked for.
	if err := decide(support, id, pays(small)); !fault.Is(err, fault.Forbidden) {
		t.Errorf("support: %v", err)
	}
	if err := decide(ona, id, pays(small)); !fault.Is(err, fault.NotFound) {
		t.Errorf("a customer: %v", err)
	}
	for field, in := range map[string]app.SuspenseDecision{
		"order":  {Kind: bank.DecideOrder, Order: "O-2026-999999"},
		"payer":  {Kind: bank.DecideBalance, Payer: "11111111-2222-3333-4444-555555555555"},
		"kind":   {Kind: bank.DecideTakeBack, Against: id},
		"reason": {Kind: bank.DecideReturn, Reason: " \t"},
	} {
		if in.Reason == "" {
			in.Reason = "x"
		}
		if err := s.DecideSuspense(s.ctx(), first, id, in); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}

	// Below the amount one person is enough. The order is paid as by the import.
	s.must(decide(first, id, pays(small)))
	if err := decide(second, id, app.SuspenseDecision{Kind: bank.DecideReturn}); !fault.Is(err, fault.Conflict) {
		t.Errorf("decided twice: %v", err)
	}
	s.invoiceAll()
	if o := s.see(ona, small.Number); o.State != order.StatePaid || o.InvoiceNumber == "" || o.Payment == nil || o.Payment.Provider != "bank" {
		t.Errorf("the order: %s, %q, %+v", o.State, o.InvoiceNumber, o.Payment)
	}
	s.clean()

	// Too little, and what is closed.
	large := s.order(ona, pricing.Selection{Plan: pricing.Gateway, Options: pricing.Options{Lines: 1}, Period: 6}) // 217.80
	short, _ := s.arrives(s.stray(large.Total - 1_01))
	for number, want := range map[string]string{large.Number: "short", small.Number: "order_closed"} {
		err := decide(first, short, app.SuspenseDecision{Kind: bank.DecideOrder, Order: number})
		if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}

	// Above the amount two people are needed, and they are two.
	whole, _ := s.arrives(s.stray(large.Total))
	s.must(decide(first, whole, pays(large)))
	if s.see(ona, large.Number).State != order.StateAwaitingPayment || s.balance(payer) != 0 {
		t.Error("one person was enough")
	}
	if err := s.ApproveSuspense(s.ctx(), first, whole); !fault.Is(err, fault.Forbidden) {
		t.Errorf("the same person: %v", err)
	}
	if err := s.ApproveSuspense(s.ctx(), support, whole); !fault.Is(err, fault.Forbidden) {
		t.Errorf("support: %v", err)
	}
	if err := decide(second, whole, app.SuspenseDecision{Kind: bank.DecideReturn}); !fault.Is(err, fault.Conflict) {
		t.Errorf("another decision meanwhile: %v", err)
	}
	if err := s.RefuseSuspense(s.ctx(), second, whole, ""); !fault.Is(err, fault.Invalid) {
		t.Errorf("refused without a reason: %v", err)
	}
	s.must(s.RefuseSuspense(s.ctx(), second, whole, "look again"))
	s.must(decide(second, whole, pays(large)))
	s.must(s.ApproveSuspense(s.ctx(), first, whole))
	if err := s.ApproveSuspense(s.ctx(), first, whole); !fault.Is(err, fault.Conflict) {
		t.Errorf("approved twice: %v", err)
	}
	if s.see(ona, large.Number).State != order.StatePaid {
		t.Error("two people were not enough")
	}
	s.clean()

	// To the balance, with a receipt and a notice.
	s.must(decide(first, short, app.SuspenseDecision{Kind: bank.DecideBalance, Payer: payer}))
	s.must(s.ApproveSuspense(s.ctx(), second, short))
	s.must(s.IssueReceipts(s.ctx()))
	if s.balance(payer) != large.Total-1_01 || s.count(`SELECT count(*) FROM receipt`) != 1 || s.toldOf("money_kept") != 1 {
		t.Errorf("balance %s", s.balance(payer).Decimal())
	}

	// Sent back: the money has left when somebody says so.
	back, _ := s.arrives(s.stray(40_00))
	s.must(decide(first, back, app.SuspenseDecision{Kind: bank.DecideReturn}))
	if s.suspense() != 40_00 {
		t.Error("it left before it was sent")
	}
	if err := s.RefuseSuspense(s.ctx(), second, back, ""); !fault.Is(err, fault.Invalid) {
		t.Errorf("taken back without a reason: %v", err)
	}
	s.must(s.RefuseSuspense(s.ctx(), second, back, "it was not sent"))
	if err := s.ConfirmReturn(s.ctx(), first, back); !fault.Is(err, fault.Conflict) || s.suspense() != 40_00 {
		t.Errorf("sent after it was taken back: %v", err)
	}
	s.must(decide(first, back, app.SuspenseDecision{Kind: bank.DecideReturn}))
	s.must(s.ConfirmReturn(s.ctx(), first, back))
	if err := s.RefuseSuspense(s.ctx(), second, back, "no"); !fault.Is(err, fault.Conflict) {
		t.Errorf("taken back after it was sent: %v", err)
	}
	if err := s.ConfirmReturn(s.ctx(), first, back); !fault.Is(err, fault.Conflict) {
		t.Errorf("sent twice: %v", err)
	}
	if s.suspense() != 0 {
		t.Errorf("%s in suspense", s.suspense().Decimal())
	}
	s.invoiceAll()
	s.clean()

	// Nobody decides about money of a payer that they buy for.
	mine := s.bill(first, lithuanian("Faustas"))
	stray, _ := s.arrives(s.stray(10_00))
	if err := decide(first, stray, app.SuspenseDecision{Kind: bank.DecideBalance, Payer: mine}); !fault.Is(err, fault.Forbidden) {
		t.Errorf("one's own money: %v", err)
	}
	s.must(decide(second, stray, app.SuspenseDecision{Kind: bank.DecideBalance, Payer: mine}))
	s.clean()
}

// What the bank takes back is undone: where it waited, by itself; where it was
// booked, by a person.
func TestReversals(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	finance := s.staff(7_900_000_005_040, "Faustas", account.StaffFinance)
	admin := s.staff(7_900_000_005_041, "Adomas", account.StaffAdmin)
	ona, payer := s.customer(7_900_000_005_042, "Ona")
	back := func(e bank.Entry) bank.Entry {
		e.Credit, e.Reversal, e.ServicerRef = false, true, e.ServicerRef+"R"
		return e
	}

	waits := s.stray(70_00)
	s.arrives(waits)
	if _, done := s.arrives(back(waits)); done.Outcome != "suspense" || done.Reason != "reversal" {
		t.Fatalf("the reversal: %s", done)
	}
	if n := s.count(`SELECT count(*) FROM suspense_decision WHERE kind = 'offset' AND state = 'done' AND first_by IS NULL`); n != 2 || s.suspense() != 0 {
		t.Errorf("%d decisions, %s in suspense", n, s.suspense().Decimal())
	}
	if items, err := s.StaffSuspense(s.ctx(), finance); err != nil || len(items) != 0 {
		t.Errorf("%v wait, %v", items, err)
	}
	s.clean()

	// A top-up of which a part was spent.
	topUp := s.transfer(s.reference(ona, payer), 50_00)
	paidIn, _ := s.arrives(topUp)
	s.must(s.IssueReceipts(s.ctx()))
	o := s.order(ona, softphone(1, false, 6))
	s.must(s.PayOrderFromBalance(s.ctx(), ona, o.Number))
	s.invoiceAll()
	left := s.balance(payer)
	reversal, _ := s.arrives(back(topUp))
	takeBack := app.SuspenseDecision{Kind: bank.DecideTakeBack, Against: paidIn, Reason: "camt reversal"}
	finance.Staff = account.StaffFinance // as their session says
	seen, err := s.StaffSuspenseEntry(s.ctx(), finance, reversal)
	s.must(err)
	if len(seen.Undone) == 0 || seen.Undone[0].ID != paidIn || !seen.Undone[0].Meant || len(seen.Orders)+len(seen.Payers) != 0 || !seen.MayDecide {
		t.Errorf("what it may undo: %+v", seen.Undone)
	}
	s.must(s.DecideSuspense(s.ctx(), finance, reversal, takeBack))
	disputed := s.count(`SELECT sum(p.amount_minor) FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id WHERE a.kind = 'disputed'`)
	if s.balance(payer) != 0 || disputed != int(50_00-left) || s.suspense() != 0 || s.toldOf("charged_back") != 1 {
		t.Errorf("balance %s, disputed %d of %s", s.balance(payer).Decimal(), disputed, left.Decimal())
	}
	s.clean()

	// What paid an order ends the time that it bought, and what was over is taken.
	big := s.order(ona, pricing.Selection{Plan: pricing.Gateway, Options: pricing.Options{Lines: 1}, Period: 6})
	e := s.entry(big)
	e.Amount += 10_00
	credit, _ := s.arrives(e)
	s.invoiceAll()
	undo, _ := s.arrives(back(e))
	s.must(s.DecideSuspense(s.ctx(), finance, undo, app.SuspenseDecision{Kind: bank.DecideTakeBack, Against: credit, Reason: "recalled"}))
	if got := s.see(ona, big.Number); s.count(`SELECT count(*) FROM subscription WHERE id = $1 AND state = 'active'`, got.SubscriptionID) != 1 || s.balance(payer) != 10_00 {
		t.Error("one person was enough")
	}
	s.must(s.ApproveSuspense(s.ctx(), admin, undo))
	if got := s.see(ona, big.Number); s.count(`SELECT count(*) FROM subscription WHERE id = $1 AND state = 'active' AND paid_until > $2`, got.SubscriptionID, s.clock.Now().Add(time.Minute)) != 0 ||
		s.balance(payer) != 0 || s.suspense() != 0 || s.toldOf("charged_back") != 2 {
		t.Errorf("balance %s, suspense %s", s.balance(payer).Decimal(), s.suspense().Decimal())
	}
	s.clean()

	// Nothing is undone twice.
	once, _ := s.arrives(func() bank.Entry { e := back(topUp); e.ServicerRef += "R"; return e }())
	if err := s.DecideSuspense(s.ctx(), finance, once, takeBack); !fault.Is(err, fault.Conflict) {
		t.Errorf("undone twice: %v", err)
	}
}

// A transfer is given away once, whoever decides at the same moment.
func TestOneDecisionAtATime(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	_, his := s.customer(7_900_000_005_050, "Ona")
	_, hers := s.customer(7_900_000_005_051, "Jonas")
	var people []account.Actor
	for i := range 6 {
		people = append(people, s.staff(7_900_000_005_052+int64(i), "Staff", account.StaffFinance))
	}
	id, _ := s.arrives(s.stray(30_00))
	var wg sync.WaitGroup
	failed := make([]error, len(people))
	for i, who := range people {
		in := app.SuspenseDecision{Kind: bank.DecideBalance, Payer: []account.PayerID{his, hers}[i%2], Reason: "x"}
		if i%3 == 2 {
			in = app.SuspenseDecision{Kind: bank.DecideReturn, Reason: "x"}
		}
		wg.Go(func() { failed[i] = s.DecideSuspense(context.WithoutCancel(s.ctx()), who, id, in) })
	}
	wg.Wait()
	done := 0
	for _, err := range failed {
		if err == nil {
			done++
		} else if !fault.Is(err, fault.Conflict) {
			t.Errorf("refused with %v", err)
		}
	}
	if n := s.count(`SELECT count(*) FROM suspense_decision`); done != 1 || n != 1 || s.suspense()+s.balance(his)+s.balance(hers) != 30_00 {
		t.Errorf("%d decisions, %d rows, %s in all", done, n, (s.suspense() + s.balance(his) + s.balance(hers)).Decimal())
	}
	s.must(s.IssueReceipts(s.ctx()))
	s.clean()
}

// Whatever arrives and whatever is decided: what is in suspense is what the bank
// says less what was decided, and nothing is given away twice (I26).
func TestSuspenseIsWhatWaits(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		s := newSite(t)
		r := rand.New(rand.NewPCG(seed, 7))
		finance := s.staff(7_900_000_005_060, "Faustas", account.StaffFinance)
		admin := s.staff(7_900_000_005_061, "Adomas", account.StaffAdmin)
		ona, payer := s.customer(7_900_000_005_062, "Ona")
		jonas, other := s.customer(7_900_000_005_063, "Jonas")
		orders := []app.OrderDetail{
			s.order(ona, softphone(5, true, 12)), s.order(jonas, softphone(1, false, 6)),
			s.order(ona, pricing.Selection{Plan: pricing.Gateway, Options: pricing.Options{Lines: 1}, Period: 6}),
		}
		var sent []bank.Entry
		var ids []string
		var came money.Amount
		for step := range 40 {
			switch r.IntN(5) {
			case 0, 1:
				e := s.stray(money.Amount(1 + r.IntN(400_00)))
				if r.IntN(3) > 0 {
					e = s.entry(orders[r.IntN(len(orders))])
					e.Amount = money.Amount(1 + r.IntN(400_00))
				}
				if len(sent) > 0 && r.IntN(4) == 0 {
					e = sent[r.IntN(len(sent))]
					if !e.Reversal {
						e.Credit, e.Reversal, e.ServicerRef = false, true, e.ServicerRef+"R"
					}
				}
				if !slices.ContainsFunc(sent, func(x bank.Entry) bool { return x.ServicerRef == e.ServicerRef }) {
					came += map[bool]money.Amount{true: e.Amount, false: -e.Amount}[e.Credit]
				}
				sent = append(sent, e)
				id, _ := s.arrives(e)
				ids = append(ids, id)
			case 2:
				s.wait(r.IntN(5))
				s.must(s.RunDue(s.ctx()))
			default:
				if len(ids) == 0 {
					continue
				}
				id, who := ids[r.IntN(len(ids))], []account.Actor{finance, admin}[r.IntN(2)]
				var err error
				switch r.IntN(4) {
				case 0, 1:
					err = s.DecideSuspense(s.ctx(), who, id, app.SuspenseDecision{
						Kind:  []bank.DecisionKind{bank.DecideOrder, bank.DecideBalance, bank.DecideReturn, bank.DecideTakeBack}[r.IntN(4)],
						Order: orders[r.IntN(len(orders))].Number, Payer: []account.PayerID{payer, other}[r.IntN(2)], Against: ids[r.IntN(len(ids))], Reason: "x",
					})
				case 2:
					err = s.ApproveSuspense(s.ctx(), who, id)
				default:
					if err = s.ConfirmReturn(s.ctx(), who, id); err != nil {
						err = s.RefuseSuspense(s.ctx(), who, id, "no")
					}
				}
				for _, kind := range []fault.Kind{fault.NotFound, fault.Conflict, fault.Invalid, fault.Forbidden} {
					if fault.Is(err, kind) {
						err = nil
					}
				}
				if err != nil {
					t.Fatalf("seed %d, step %d: %v", seed, step, err)
				}
			}
			s.invoiceAll()
			s.must(s.IssueReceipts(s.ctx()))
			if step%8 == 7 {
				s.clean()
			}
		}
		s.clean()
		booked := s.count(`SELECT COALESCE(sum(p.amount_minor), 0) FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id
			JOIN ledger_entry e ON e.id = p.entry_id WHERE a.kind = 'bank' AND e.bank_entry_id IS NOT NULL`)
		if money.Amount(booked) != came {
			t.Errorf("seed %d: %d are booked at the bank, %d came", seed, booked, came)
		}
		t.Logf("seed %d: %d entries, %d decisions done", seed, len(ids), s.count(`SELECT count(*) FROM suspense_decision WHERE state = 'done'`))
	}
}
