package app_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/invoice"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/pricing"
	"github.com/siptg/portal/internal/provider/sandbox"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/subscription"
	"github.com/siptg/portal/internal/support"
)

// staff signs somebody in who works in the back office.
func (s *site) staff(id int64, name string, role account.StaffRole) account.Actor {
	s.t.Helper()
	actor := s.signIn(id, name)
	s.must(s.db.Update(s.ctx(), func(tx *store.Tx) error { return tx.SaveStaffMember(s.ctx(), actor.AccountID, role, "command:test") }))
	return actor
}

// wait lets whole days go by.
func (s *site) wait(days int) { s.clock.Set(s.clock.Now().Add(time.Duration(days) * 24 * time.Hour)) }

// paidByCard is a customer with a subscription that was paid by card and
// invoiced.
func (s *till) paidByCard(id int64, name string, accounts int) (actor account.Actor, subscriptionID string, o app.OrderDetail) {
	s.t.Helper()
	actor, _ = s.customer(id, name)
	o = s.order(actor, softphone(accounts, false, 6))
	s.must(s.Press(s.open(actor, o.Number, app.StartPaymentInput{}), "pay", sandbox.CardOK, false))
	s.must(s.returned(actor, o.Number))
	s.must(s.IssueInvoice(s.ctx(), o.ID))
	o, err := s.Order(s.ctx(), actor, o.Number)
	s.must(err)
	return actor, o.SubscriptionID, o
}

// refundUnderWay is a customer who paid by card and whose refund of 43.32 to the
// card is approved and not sent yet.
func (s *till) refundUnderWay(id int64) (actor account.Actor, o app.OrderDetail) {
	s.t.Helper()
	actor, subscription, o := s.paidByCard(id, "Ona", 2)
	request, err := s.AskRefund(s.ctx(), actor, subscription, "method", "x")
	s.must(err)
	s.must(s.ApproveRefund(s.ctx(), s.staff(id+50, "Rasa", account.StaffFinance), request))
	return actor, o
}

// sendRefunds does what the jobs would.
func (s *site) sendRefunds() {
	s.t.Helper()
	rows, err := s.db.Pool().Query(s.ctx(), `SELECT id FROM refund WHERE state IN ('requested', 'unknown', 'pending') ORDER BY created_at, id`)
	s.must(err)
	var ids []string
	for rows.Next() {
		var id string
		s.must(rows.Scan(&id))
		ids = append(ids, id)
	}
	s.must(rows.Err())
	for _, id := range ids {
		s.must(s.SendRefund(s.ctx(), id))
	}
}

func TestRefundToTheCard(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, id, o := s.paidByCard(7_900_000_003_000, "Ona", 2) // 36.00 + 21 %
	finance := s.staff(7_900_000_003_001, "Rasa", account.StaffFinance)
	s.wait(60)
	offer, err := s.RefundOffer(s.ctx(), ona, id)
	s.must(err)
	part := offer.Parts[0]
	if offer.Days != 120 || part.Of != 181 || offer.Net != 23_87 || offer.VAT != 5_01 || offer.Total != 28_88 || offer.ToMethod != 28_88 ||
		offer.ToBalance != 0 || offer.NeedsTwo || part.Invoice != o.InvoiceNumber || part.Order != o.Number {
		t.Errorf("offer: %+v", offer)
	}
	request, err := s.AskRefund(s.ctx(), ona, id, "method", "The employee has left.")
	s.must(err)
	list, err := s.RefundRequests(s.ctx(), finance)
	s.must(err)
	if len(list) != 1 || list[0].ID != request || list[0].Total != 28_88 || list[0].AskedByName != "Ona" || !list[0].MayDecide || list[0].State != support.RefundRequested {
		t.Errorf("requests: %+v", list)
	}
	s.must(s.ApproveRefund(s.ctx(), finance, request))
	item, err := s.Subscription(s.ctx(), ona, id)
	s.must(err)
	if item.State != "ended" || item.AutoRenew || !item.PaidUntil.Equal(s.clock.Now()) {
		t.Errorf("subscription: %+v", item.Subscription)
	}
	s.sendRefunds()
	s.webhooks()
	b, err := s.Balance(s.ctx(), ona, item.PayerID, 0)
	s.must(err)
	if b.Amount != 0 {
		t.Errorf("balance %s", b.Amount.Decimal())
	}
	var back money.Amount
	for _, e := range s.Book() {
		back += e.Refunded()
	}
	if back != 28_88 {
		t.Errorf("the card got %s", back.Decimal())
	}
	page, err := s.Invoices(s.ctx(), ona, app.InvoiceFilter{Type: invoice.KindCreditNote})
	s.must(err)
	if len(page.Items) != 1 || page.Items[0].Number != "SIPC-2027-000001" || page.Items[0].Total != 28_88 {
		t.Fatalf("documents: %+v", page.Items)
	}
	d, err := s.Invoice(s.ctx(), ona, "SIPC-2027-000001")
	s.must(err)
	if d.Corrects.Number != o.InvoiceNumber || d.Returned.Method != 28_88 || d.Buyer.Name != "Ona" || d.Total != 28_88 || d.ServiceTo.String() != "2027-05-22" {
		t.Errorf("credit note: %+v", d)
	}
	if file, err := s.InvoiceFile(s.ctx(), ona, d.Number); err != nil || len(file.Bytes) < 1000 {
		t.Errorf("file: %v", err)
	}
	mine, err := s.RefundRequestsOf(s.ctx(), ona)
	s.must(err)
	if len(mine) != 1 || mine[0].State != support.RefundDone || mine[0].Credited != 28_88 || mine[0].ToMethod != 28_88 || len(mine[0].Payouts) != 0 {
		t.Errorf("own: %+v", mine)
	}
	if err := s.ApproveRefund(s.ctx(), finance, request); !fault.Is(err, fault.Conflict) {
		t.Errorf("again: %v", err)
	}
	if p, err := s.OrderPayment(s.ctx(), ona, o.Number); err != nil || p.State != payment.Succeeded || p.Refunded != 28_88 {
		t.Errorf("payment: %+v, %v", p, err)
	}
	s.agree()
}

// Above the amount two people decide, and they are two; nobody decides about what
// he asked for or what goes to himself; the rest sees nothing.
func TestWhoDecidesAboutRefunds(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, id, _ := s.paidByCard(7_900_000_003_010, "Ona", 12) // 1,116 + 21 %
	support1 := s.staff(7_900_000_003_011, "Saulius", account.StaffSupport)
	finance := s.staff(7_900_000_003_012, "Rasa", account.StaffFinance)
	admin := s.staff(7_900_000_003_013, "Tomas", account.StaffAdmin)
	jonas, _ := s.customer(7_900_000_003_014, "Jonas")
	s.wait(20)
	for name, err := range map[string]error{
		"a stranger's offer": errOf(s.RefundOffer(s.ctx(), jonas, id)), "a stranger's request": errOf(s.AskRefund(s.ctx(), jonas, id, "method", "x")),
		"no id": errOf(s.AskRefund(s.ctx(), ona, "x", "method", "x")), "a stranger's list": errOf(s.RefundRequests(s.ctx(), jonas)),
	} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, wrong := range [][2]string{{"", "x"}, {"card", "x"}, {"method", " "}} {
		if _, err := s.AskRefund(s.ctx(), ona, id, wrong[0], wrong[1]); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	request, err := s.AskRefund(s.ctx(), ona, id, "method", "Not needed any more.")
	s.must(err)
	if _, err := s.AskRefund(s.ctx(), ona, id, "balance", "Twice."); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second request: %v", err)
	}
	if offer, err := s.RefundOffer(s.ctx(), ona, id); err != nil || offer.Open == nil || offer.Open.ID != request || !offer.NeedsTwo {
		t.Errorf("offer: %+v, %v", offer, err)
	}
	refused := func(who account.Actor, kind fault.Kind) {
		t.Helper()
		if err := s.ApproveRefund(s.ctx(), who, request); !fault.Is(err, kind) {
			t.Errorf("%s approves: %v", who.Name, err)
		}
		if err := s.RejectRefund(s.ctx(), who, request, "no"); !fault.Is(err, kind) {
			t.Errorf("%s rejects: %v", who.Name, err)
		}
	}
	refused(jonas, fault.NotFound)
	refused(ona, fault.NotFound)
	refused(support1, fault.Forbidden)
	s.must(s.db.Update(s.ctx(), func(tx *store.Tx) error {
		return tx.SaveStaffMember(s.ctx(), ona.AccountID, account.StaffAdmin, "command:test")
	}))
	refused(ona, fault.Forbidden)
	if err := s.WithdrawRefundRequest(s.ctx(), jonas, request); !fault.Is(err, fault.NotFound) {
		t.Errorf("a stranger withdraws: %v", err)
	}
	if err := s.RejectRefund(s.ctx(), finance, request, " "); !fault.Is(err, fault.Invalid) {
		t.Errorf("without a reason: %v", err)
	}
	s.must(s.ApproveRefund(s.ctx(), finance, request))
	if item, err := s.Subscription(s.ctx(), ona, id); err != nil || item.State != "active" {
		t.Errorf("after one approval: %+v, %v", item.State, err)
	}
	if err := s.ApproveRefund(s.ctx(), finance, request); !fault.Is(err, fault.Forbidden) {
		t.Errorf("the same person twice: %v", err)
	}
	list, err := s.RefundRequests(s.ctx(), support1)
	s.must(err)
	if list[0].State != support.RefundApprovedOnce || list[0].FirstByName != "Rasa" || list[0].MayDecide {
		t.Errorf("list: %+v", list[0])
	}
	s.must(s.ApproveRefund(s.ctx(), admin, request))
	if item, err := s.Subscription(s.ctx(), ona, id); err != nil || item.State != "ended" {
		t.Errorf("after two approvals: %+v, %v", item.State, err)
	}
	if _, err := s.AskRefund(s.ctx(), ona, id, "method", "Again."); !fault.Is(err, fault.Conflict) {
		t.Errorf("after the end: %v", err)
	}
	s.agree()
}

func errOf[T any](_ T, err error) error { return err }

// A request can be rejected, or taken back, and then asked again.
func TestRefundRejectedAndWithdrawn(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, id, _ := s.paidByCard(7_900_000_003_020, "Ona", 2)
	finance := s.staff(7_900_000_003_021, "Rasa", account.StaffFinance)
	first, err := s.AskRefund(s.ctx(), ona, id, "method", "x")
	s.must(err)
	s.must(s.RejectRefund(s.ctx(), finance, first, "You asked for another one."))
	another, err := s.AskRefund(s.ctx(), ona, id, "balance", "x")
	s.must(err)
	s.must(s.WithdrawRefundRequest(s.ctx(), ona, another))
	if err := s.WithdrawRefundRequest(s.ctx(), ona, another); !fault.Is(err, fault.Conflict) {
		t.Errorf("twice: %v", err)
	}
	for _, id := range []string{first, another} {
		if err := s.ApproveRefund(s.ctx(), finance, id); !fault.Is(err, fault.Conflict) {
			t.Errorf("approve: %v", err)
		}
	}
	list, err := s.RefundRequestsOf(s.ctx(), ona)
	s.must(err)
	if len(list) != 2 || s.count(`SELECT count(*) FROM ledger_entry WHERE kind = 'credited'`) != 0 {
		t.Errorf("%+v", list)
	}
	s.agree()
}

// Whatever happens to the request for a refund, or to its answer, the card gets
// its money once or it is on the balance: never both, never neither (I10).
func TestRefundUnderEveryFault(t *testing.T) {
	t.Parallel()
	kinds, webhooks := sandbox.FaultKinds()
	for _, kind := range append(kinds, webhooks...) {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := newTill(t)
			s.refundUnderWay(7_900_000_003_040)
			on := "refund"
			if slices.Contains(webhooks, kind) {
				on = ""
			}
			s.must(s.Inject(sandbox.Fault{Kind: kind, On: on}))
			for range 2 { // the job may run twice
				s.sendRefunds()
			}
			for range 4 {
				s.webhooks()
				s.clock.Set(s.clock.Now().Add(15 * time.Minute))
				_, err := s.CheckRefunds(s.ctx())
				s.must(err)
			}
			s.webhooks()
			var back money.Amount
			times := 0
			for _, e := range s.Book() {
				back, times = back+e.Refunded(), times+len(e.Refunds)
			}
			if back != 43_32 || times != 1 {
				t.Errorf("the card got %s in %d refunds", back.Decimal(), times)
			}
			if n := s.count(`SELECT count(*) FROM refund WHERE state = 'succeeded'`); n != 1 {
				t.Errorf("%d refunds are done", n)
			}
			if n := s.count(`SELECT count(*) FROM notice WHERE kind = 'refund_sent'`); n != 1 {
				t.Errorf("%d notices", n)
			}
			s.agree()
		})
	}
}

// A refund that comes back, because the card was closed, is on the balance, and
// people are told; once, however often the provider says so.
func TestRefundComesBack(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, o := s.refundUnderWay(7_900_000_003_050)
	s.sendRefunds()
	s.webhooks()
	p, err := s.OrderPayment(s.ctx(), ona, o.Number)
	s.must(err)
	s.must(s.ReturnRefund(string(p.ID)))
	for range 3 {
		s.must(s.Inject(sandbox.Fault{Kind: sandbox.WebhookDuplicate}))
		s.webhooks()
		s.must(s.ReconcilePayment(s.ctx(), p.ID))
		s.sendRefunds()
	}
	b, err := s.Balance(s.ctx(), ona, p.PayerID, 0)
	s.must(err)
	if b.Amount != 43_32 {
		t.Errorf("balance %s", b.Amount.Decimal())
	}
	if n := s.count(`SELECT count(*) FROM notice WHERE kind = 'refund_failed'`); n != 1 {
		t.Errorf("%d notices", n)
	}
	if p = s.paymentByID(p.ID); p.Refunded != 0 || p.State != payment.Succeeded {
		t.Errorf("payment: %+v", p)
	}
	s.agree()
}

// One that nobody asked for here, and that comes back, touches no balance.
func TestForeignRefundComesBack(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, payer, p := s.toppedUp(7_900_000_003_053, 50_00)
	s.sendRefund(p, "elsewhere", 20_00)
	s.webhooks()
	s.must(s.ReturnRefund(string(p.ID)))
	s.webhooks()
	if b, err := s.Balance(s.ctx(), ona, payer, 0); err != nil || b.Amount != 50_00 {
		t.Errorf("balance %s, %v", b.Amount.Decimal(), err)
	}
	s.agree()
}

// A refund that was approved before its payer's bank took the money back, and is not
// sent yet, waits for the end of the dispute: it is neither sent nor on the balance
// meanwhile, for the bank may have given the money back already. Won, it is sent;
// lost, nothing of it is left to send or to spend.
func TestARefundWaitsForTheEndOfADispute(t *testing.T) {
	t.Parallel()
	for _, end := range []payment.DisputeState{payment.DisputeWon, payment.DisputeLost} {
		t.Run(string(end), func(t *testing.T) {
			t.Parallel()
			s := newTill(t)
			ona, o := s.refundUnderWay(7_900_000_003_055)
			p, err := s.OrderPayment(s.ctx(), ona, o.Number)
			s.must(err)
			// The payer's bank was quicker.
			s.must(s.DrawPending(s.ctx()))
			s.must(s.Chargeback(string(p.ID), 0, payment.DisputeOpen))
			for range 3 {
				s.webhooks()
				s.sendRefunds()
				_, err := s.CheckRefunds(s.ctx())
				s.must(err)
				s.wait(1)
			}
			if n := s.count(`SELECT count(*) FROM refund WHERE state = 'requested' AND sent_at IS NULL`); n != 1 || s.site.balance(p.PayerID) != 0 || s.refunded() != 0 {
				t.Errorf("%d wait, balance %s, the card got %s", n, s.site.balance(p.PayerID).Decimal(), s.refunded().Decimal())
			}
			s.agree()
			s.must(s.Chargeback(string(p.ID), 0, end))
			s.webhooks()
			s.sendRefunds()
			s.webhooks()
			want, taken := money.Amount(43_32), 0
			if end == payment.DisputeLost {
				want, taken = 0, 43_32
			}
			if got := s.refunded(); got != want || s.site.balance(p.PayerID) != 0 {
				t.Errorf("the card got %s, the balance has %s", got.Decimal(), s.site.balance(p.PayerID).Decimal())
			}
			if got := s.takenByDisputes(); got != taken || s.count(`SELECT count(*) FROM notice WHERE kind = 'refund_failed'`) != 0 {
				t.Errorf("%d were taken", got)
			}
			s.agree()
		})
	}
}

// takenByDisputes is what lost disputes have taken from balances, in cents.
func (s *site) takenByDisputes() int {
	return s.count(`SELECT COALESCE(sum(p.amount_minor), 0)::bigint FROM ledger_entry e JOIN ledger_posting p ON p.entry_id = e.id AND p.amount_minor > 0 WHERE e.kind = 'dispute_taken'`)
}

// A refund that the provider refuses, because its payer's bank was quicker and we
// had not heard of it, is on the balance. When the dispute is lost, what is still
// there is taken: it came back from the bank.
func TestRefundRefused(t *testing.T) {
	t.Parallel()
	for _, spent := range []bool{false, true} {
		t.Run(strconv.FormatBool(spent), func(t *testing.T) {
			t.Parallel()
			s := newTill(t)
			ona, o := s.refundUnderWay(7_900_000_003_055)
			p, err := s.OrderPayment(s.ctx(), ona, o.Number)
			s.must(err)
			s.must(s.Chargeback(string(p.ID), 0, payment.DisputeOpen))
			s.sendRefunds()
			s.webhooks()
			if got := s.site.balance(p.PayerID); got != 43_32 || s.count(`SELECT count(*) FROM refund WHERE state = 'failed'`) != 1 || s.count(`SELECT count(*) FROM notice WHERE kind = 'refund_failed'`) != 1 {
				t.Errorf("balance %s", got.Decimal())
			}
			s.agree()
			want := 43_32
			if spent { // 21.78
				s.must(s.PayOrderFromBalance(s.ctx(), ona, s.order(ona, softphone(1, false, 6)).Number))
				want -= 21_78
			}
			s.must(s.Chargeback(string(p.ID), 0, payment.DisputeLost))
			for range 2 {
				s.webhooks()
				s.must(s.ReconcilePayment(s.ctx(), p.ID))
			}
			if got := s.site.balance(p.PayerID); got != 0 || s.takenByDisputes() != want {
				t.Errorf("the balance has %s, %d were taken, want %d", got.Decimal(), s.takenByDisputes(), want)
			}
			s.agree()
		})
	}
}

// Each request asked twice and approved twice at once, by two people and by one:
// one succeeds (as Formance tests reverts).
func TestRefundsRace(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	finance := s.staff(7_900_000_003_060, "Rasa", account.StaffFinance)
	admin := s.staff(7_900_000_003_061, "Tomas", account.StaffAdmin)
	customers := 6
	if testing.Short() {
		customers = 2
	}
	var (
		wg              sync.WaitGroup
		asked, approved atomic.Int32
	)
	for i := range customers {
		ona, id, _ := s.paidByCard(int64(7_900_000_003_070+i), "Ona", 1+i)
		for range 2 {
			wg.Go(func() {
				request, err := s.AskRefund(s.ctx(), ona, id, "method", "x")
				if err != nil {
					if !fault.Is(err, fault.Conflict) {
						t.Error(err)
					}
					return
				}
				asked.Add(1)
				var both sync.WaitGroup
				for _, who := range []account.Actor{finance, admin, finance} {
					both.Go(func() {
						switch err := s.ApproveRefund(s.ctx(), who, request); {
						case err == nil:
							approved.Add(1)
						case !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.Unavailable):
							t.Error(err)
						}
					})
				}
				both.Wait()
			})
		}
	}
	wg.Wait()
	if int(asked.Load()) != customers || int(approved.Load()) != customers {
		t.Errorf("%d asked, %d approved, of %d", asked.Load(), approved.Load(), customers)
	}
	var again sync.WaitGroup
	for range 2 {
		again.Go(func() { s.sendRefunds() })
	}
	again.Wait()
	s.webhooks()
	if n := s.count(`SELECT count(*) FROM refund WHERE state = 'succeeded'`); n != customers {
		t.Errorf("%d refunds", n)
	}
	for _, e := range s.Book() {
		if len(e.Refunds) != 1 {
			t.Errorf("%d refunds of %s", len(e.Refunds), e.Reference)
		}
	}
	s.agree()
}

// ledgerOf is what happened to the money of an order, net, and by the second.
type ledgerOf struct {
	net, credited, change money.Amount
	used, left, rate      subscription.Value // rate: of the dearest second
}

// ledgers reads the orders of a subscription and adds up their periods, those
// that were replaced as well.
func (s *site) ledgers(id string) map[string]*ledgerOf {
	s.t.Helper()
	rows, err := s.db.Pool().Query(s.ctx(), `
		SELECT p.order_id, o.net_minor, p.worth, p.rate, lower(p.during), upper(p.during), p.superseded_at,
		       lead(lower(p.during)) OVER (PARTITION BY p.number ORDER BY p.change) IS NOT DISTINCT FROM lower(p.during),
		       (SELECT COALESCE(sum(i.net_minor), 0)::bigint FROM invoice i WHERE i.order_id = o.id AND i.kind = 'credit_note'),
		       (SELECT COALESCE(sum(l.amount_minor), 0)::bigint FROM ledger_entry e JOIN ledger_posting l ON l.entry_id = e.id
		        JOIN ledger_account a ON a.id = l.account_id AND a.kind = 'revenue' WHERE e.order_id = o.id AND e.kind = 'change_credit')
		FROM subscription_period p JOIN orders o ON o.id = p.order_id WHERE p.subscription_id = $1 ORDER BY p.number, p.change`, id)
	s.must(err)
	out := map[string]*ledgerOf{}
	for rows.Next() {
		var (
			order, worth, rate    string
			net, credited, change int64
			from, until           time.Time
			superseded            *time.Time
			closed                bool // its successor begins where it began
		)
		s.must(rows.Scan(&order, &net, &worth, &rate, &from, &until, &superseded, &closed, &credited, &change))
		if closed {
			continue
		}
		if out[order] == nil {
			out[order] = &ledgerOf{net: money.Amount(net), credited: money.Amount(credited), change: money.Amount(change)}
		}
		l := out[order]
		p := subscription.PaidPeriod{Period: subscription.Period{From: from.UTC(), Until: until.UTC()}}
		p.Worth, err = subscription.ParseValue(worth)
		s.must(err)
		p.Rate, err = subscription.ParseValue(rate)
		s.must(err)
		if p.Rate.Cmp(l.rate) > 0 {
			l.rate = p.Rate
		}
		end := s.clock.Now()
		if superseded != nil {
			end = superseded.Truncate(time.Second)
		}
		if superseded == nil || end.Before(p.Until) {
			if end.After(p.From) { // by the second, whatever it is worth now
				if end.After(p.Until) {
					end = p.Until
				}
				l.used = l.used.Add(seconds(p.Rate, end.Unix()-p.From.Unix()))
			}
			if superseded == nil {
				l.left = l.left.Add(p.Unused(s.clock.Now()))
			}
		} else {
			l.used = l.used.Add(p.Worth)
		}
	}
	s.must(rows.Err())
	return out
}

// seconds is the price of so many seconds.
func seconds(rate subscription.Value, n int64) subscription.Value {
	var sum subscription.Value
	for bit := rate; n > 0; n, bit = n/2, bit.Add(bit) {
		if n%2 == 1 {
			sum = sum.Add(bit)
		}
	}
	return sum
}

// What was paid is what was used, what is left and what was credited, whatever
// customers do in whatever order. Nobody gains; a refund by calendar days costs
// less than two of them, the one begun and the one that the end cuts (I19). The
// books say the same (I9, I16, I20).
func TestNothingIsLostByRefunds(t *testing.T) {
	t.Parallel()
	seeds := 10
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			t.Parallel()
			s := newTill(t)
			random := rand.New(rand.NewPCG(uint64(seed), 19))
			finance := s.staff(7_900_000_003_100, "Rasa", account.StaffFinance)
			admin := s.staff(7_900_000_003_101, "Tomas", account.StaffAdmin)
			ona, id, _ := s.paidByCard(7_900_000_003_102, "Ona", 1+random.IntN(12))
			cent := subscription.ValueOf(1)
			check := func(step string) {
				t.Helper()
				for order, l := range s.ledgers(id) {
					paid := subscription.ValueOf(l.net)
					back := l.used.Add(l.left).Add(subscription.ValueOf(l.credited + l.change))
					days := seconds(l.rate, 49*60*60)
					switch ended := s.item(ona, id).State == "ended"; {
					case back.Sub(paid).Cmp(cent) >= 0:
						t.Fatalf("%s: order %s: %s comes of %s", step, order, back.Decimal(4), paid.Decimal(4))
					case !ended && paid.Sub(back).Cmp(cent) >= 0, ended && paid.Sub(back).Cmp(days.Add(cent)) >= 0:
						t.Fatalf("%s: order %s: only %s comes of %s", step, order, back.Decimal(4), paid.Decimal(4))
					}
				}
			}
			for range 6 {
				s.later(time.Duration(random.IntN(40*24*3600)) * time.Second)
				switch random.IntN(3) {
				case 0:
					number, err := s.RenewEarly(s.ctx(), ona, id, pricing.Period([]int{6, 12, 36}[random.IntN(3)]))
					s.must(err)
					o, err := s.Order(s.ctx(), ona, number)
					s.must(err)
					if random.IntN(2) == 0 {
						s.pay(o)
					} else {
						s.must(s.Press(s.open(ona, number, app.StartPaymentInput{}), "pay", sandbox.CardOK, false))
						s.must(s.returned(ona, number))
					}
					check("renew")
				case 1:
					to := pricing.Options{Accounts: 1 + random.IntN(20), Recording: random.IntN(2) == 0}
					if to == s.item(ona, id).Selection.Options {
						continue
					}
					s.change(ona, id, to)
					check("change")
				default:
					check("wait")
				}
			}
			offer, err := s.RefundOffer(s.ctx(), ona, id)
			s.must(err)
			target := []string{"method", "balance"}[random.IntN(2)]
			request, err := s.AskRefund(s.ctx(), ona, id, target, "x")
			s.must(err)
			s.must(s.ApproveRefund(s.ctx(), finance, request))
			if offer.NeedsTwo {
				s.must(s.ApproveRefund(s.ctx(), admin, request))
			}
			check("refund")
			s.sendRefunds()
			s.webhooks()
			balance, err := s.Balance(s.ctx(), ona, offer.Subscription.PayerID, 0)
			s.must(err)
			var back money.Amount
			for _, e := range s.Book() {
				back += e.Refunded()
			}
			change := money.Amount(s.count(`SELECT COALESCE(sum(l.amount_minor), 0)::bigint FROM ledger_entry e JOIN ledger_posting l ON l.entry_id = e.id
				JOIN ledger_account a ON a.id = l.account_id AND a.kind = 'revenue' WHERE e.kind = 'change_credit'`))
			sent := s.payOut(finance)
			if want := offer.Total + change; balance.Amount+back+sent != want || target == "method" && (back != offer.ToMethod || sent != offer.ToTransfer) ||
				target == "balance" && back+sent != 0 {
				t.Errorf("to the %s: %s on the balance, %s on the card, %s by transfer, of %s", target, balance.Amount.Decimal(), back.Decimal(), sent.Decimal(), want.Decimal())
			}
			s.agree()
		})
	}
}

// Staff of ours gave everything back at the provider's own page while a refund that
// was asked for here waited, or was on its way and nobody knew about it. What was
// sent back counts; ours has failed and is on the balance, and a person is told
// (simulator, seed 1690: nothing of the payment was booked any more).
func TestARefundElsewhereLeavesNoRoomForOurs(t *testing.T) {
	t.Parallel()
	for _, ours := range []string{"waits for a dispute", "never arrived", "never arrived, and is repeated"} {
		t.Run(ours, func(t *testing.T) {
			t.Parallel()
			s := newTill(t)
			ona, o := s.refundUnderWay(7_900_000_003_059)
			s.must(s.DrawPending(s.ctx()))
			p, err := s.OrderPayment(s.ctx(), ona, o.Number)
			s.must(err)
			disputed := ours == "waits for a dispute"
			theirs := p.Received
			if disputed {
				s.must(s.Chargeback(string(p.ID), 1_00, payment.DisputeOpen))
				theirs -= 1_00
				s.webhooks()
			} else {
				s.must(s.Inject(sandbox.Fault{Kind: sandbox.TimeoutBefore, On: "refund"}))
			}
			s.sendRefunds()
			if r := s.sendRefund(p, "theirs", theirs); r.Outcome != payment.OutcomeSucceeded {
				t.Fatalf("at the provider: %+v", r)
			}
			if err := s.CompareBooks(s.ctx()); disputed && err != nil || !disputed && !fault.Is(err, fault.Unavailable) {
				t.Errorf("compared at once: %v", err) // it waits for the one that nobody knows about, and calls nobody yet
			}
			switch ours {
			case "never arrived":
				s.wait(2) // nobody looked for so long
			case "never arrived, and is repeated":
				s.clock.Set(s.clock.Now().Add(time.Minute))
			}
			_, err = s.CheckRefunds(s.ctx())
			s.must(err)
			s.webhooks()
			if disputed {
				s.must(s.Chargeback(string(p.ID), 1_00, payment.DisputeWon))
			}
			s.webhooks()
			s.sendRefunds()
			s.must(s.CompareBooks(s.ctx()))
			if now := s.paymentByID(p.ID); now.Refunded != theirs || s.site.balance(p.PayerID) != 43_32 {
				t.Errorf("returned %s, the balance has %s", now.Refunded.Decimal(), s.site.balance(p.PayerID).Decimal())
			}
			if n := s.count(`SELECT count(*) FROM refund WHERE state = 'failed'`); n != 1 || s.count(`SELECT count(*) FROM notice WHERE kind = 'refund_failed'`) != 1 {
				t.Errorf("%d failed", n)
			}
			if n := s.count(`SELECT count(*) FROM audit WHERE action = 'payment.alert' AND detail->>'why' IN ('refund_not_asked', 'not_compared')`); n != 1 {
				t.Errorf("%d alerts", n)
			}
			s.agree()
			s.clean()
		})
	}
}

// An answer whose view of the payment is not believed says nothing of the refund
// either: it is looked up, and until then it is not booked, nor is anybody told
// (simulator, seed 1238).
func TestARefundWhoseAnswerIsNotBelieved(t *testing.T) {
	t.Parallel()
	for _, kind := range []sandbox.FaultKind{sandbox.WrongAmount, sandbox.WrongCurrency} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := newTill(t)
			s.refundUnderWay(7_900_000_003_061)
			s.must(s.DrawPending(s.ctx()))
			s.webhooks()
			s.holding = true // no webhook helps
			s.must(s.Inject(sandbox.Fault{Kind: kind, On: "refund"}))
			s.sendRefunds()
			told := func() int { return s.count(`SELECT count(*) FROM notice WHERE kind = 'refund_sent'`) }
			if n := s.count(`SELECT count(*) FROM refund WHERE state = 'unknown'`); n != 1 || told() != 0 {
				t.Errorf("%d are not known, %d told", n, told())
			}
			s.clock.Set(s.clock.Now().Add(time.Minute))
			_, err := s.CheckRefunds(s.ctx())
			s.must(err)
			if n := s.count(`SELECT count(*) FROM refund WHERE state = 'succeeded'`); n != 1 || told() != 1 || s.refunded() != 43_32 {
				t.Errorf("%d sent, %d told, the card got %s", n, told(), s.refunded().Decimal())
			}
			s.agree()
		})
	}
}

// A refund that never arrived, and could not be repeated while the provider
// remembered its key, has failed: proof of absence, not a guess. The money is on
// the balance.
func TestRefundThatNeverArrived(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, o := s.refundUnderWay(7_900_000_003_057)
	s.must(s.Inject(sandbox.Fault{Kind: sandbox.TimeoutBefore, On: "refund", Times: 2}))
	for range 2 {
		s.sendRefunds()
	}
	if n := s.count(`SELECT count(*) FROM refund WHERE state = 'unknown'`); n != 1 {
		t.Errorf("%d unknown", n)
	}
	s.must(s.DrawPending(s.ctx()))
	s.wait(2) // nobody looked for so long
	_, err := s.CheckRefunds(s.ctx())
	s.must(err)
	b, err := s.Balance(s.ctx(), ona, o.PayerID, 0)
	s.must(err)
	if s.refunded() != 0 || b.Amount != 43_32 || s.count(`SELECT count(*) FROM notice WHERE kind = 'refund_failed'`) != 1 {
		t.Errorf("the card got %s, the balance has %s", s.refunded().Decimal(), b.Amount.Decimal())
	}
	s.sendRefunds()
	s.agree()
}
