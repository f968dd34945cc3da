package app_test

import (
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/ledger"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/provider/sandbox"
	"github.com/siptg/portal/internal/store"
)

// toppedUp has money on the balance that came by card.
func (s *till) toppedUp(id int64, amount money.Amount) (actor account.Actor, payer account.PayerID, p payment.Payment) {
	s.t.Helper()
	actor, payer = s.customer(id, "Ona")
	address, err := s.TopUpByCard(s.ctx(), actor, payer, amount, "en")
	s.must(err)
	s.must(s.Press(address[len(s.api.URL+"/v1/checkouts/"):], "pay", sandbox.CardOK, false))
	p, err = s.TopUpReturned(s.ctx(), actor, payer)
	s.must(err)
	return actor, payer, p
}

func TestTopUpByCard(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, payer, p := s.toppedUp(7_900_000_002_200, 50_00)
	if p.State != payment.Succeeded || p.Received != 50_00 || p.Payable.Kind != payment.PayableTopUp {
		t.Errorf("payment: %+v", p)
	}
	s.webhooks()
	b, err := s.Balance(s.ctx(), ona, payer, 0)
	s.must(err)
	if b.Amount != 50_00 || len(b.Last) != 1 || b.Last[0].Kind != ledger.EntryCaptured || !b.Payer.CurrencyFixed {
		t.Errorf("balance: %+v", b)
	}
	if st := s.statement(ona, "", ""); st.Closing != 50_00 {
		t.Errorf("statement: %+v", st)
	}
	stranger, _ := s.customer(7_900_000_002_201, "Jonas")
	for _, id := range []account.PayerID{payer, "x", ""} {
		if _, err := s.TopUpByCard(s.ctx(), stranger, id, 50_00, "en"); !fault.Is(err, fault.NotFound) {
			t.Errorf("the stranger, %q: %v", id, err)
		}
		if _, err := s.TopUpReturned(s.ctx(), stranger, id); !fault.Is(err, fault.NotFound) {
			t.Errorf("the stranger looks at %q: %v", id, err)
		}
	}
	for _, amount := range []money.Amount{-1, 0, 99, 10_000_01} {
		if _, err := s.TopUpByCard(s.ctx(), ona, payer, amount, "en"); !fault.Is(err, fault.Invalid) {
			t.Errorf("%d: %v", amount, err)
		}
	}
	s.agree()
}

// askRefund takes an amount off the balance to be sent back.
func (s *till) askRefund(p payment.Payment, amount money.Amount, request string) (id string) {
	s.t.Helper()
	s.must(s.db.Update(s.ctx(), func(tx *store.Tx) error {
		var err error
		r := payment.Refund{PaymentID: p.ID, Request: request, Amount: money.Of(amount, "EUR"), Reason: "asked", By: "command:test"}
		if id, _, err = tx.InsertRefund(s.ctx(), r); err != nil {
			return err
		}
		if err := tx.AppendEntry(s.ctx(), ledger.RefundAsked(p.PayerID, r.Amount, id, tx.Now())); err != nil {
			return err
		}
		return tx.AppendAudit(s.ctx(), audit.Record{Actor: audit.ByCommand("test"), Action: "refund.requested", ObjectKind: "refund", ObjectID: id, PayerID: p.PayerID})
	}))
	return id
}

func (s *till) sendRefund(p payment.Payment, refund string, amount money.Amount) payment.Result {
	return s.adapter.Refund(s.ctx(), payment.RefundRequest{
		PaymentID: p.ID, Ref: p.Ref, RefundID: refund, Key: payment.Key(refund, payment.OpRefund, 1), Amount: money.Of(amount, "EUR"),
	})
}

// A refund whose answer was lost is booked by the look at the provider's book,
// once, however often it is asked and looked at (I10). One that was made at the
// provider is booked apart, and a person is told.
func TestRefundsAsTheProviderShowsThem(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	ona, payer, p := s.toppedUp(7_900_000_002_210, 50_00)
	id := s.askRefund(p, 20_00, "R-1")
	s.must(s.Inject(sandbox.Fault{Kind: sandbox.TimeoutAfter, On: "refund"}))
	for i := range 3 {
		if r := s.sendRefund(p, id, 20_00); (r.Outcome == payment.OutcomeUnknown) != (i == 0) {
			t.Errorf("request %d: %+v", i, r)
		}
		s.webhooks()
		s.must(s.ReconcilePayment(s.ctx(), p.ID))
	}
	p = s.paymentByID(p.ID)
	if p.Refunded != 20_00 || p.State != payment.Succeeded {
		t.Errorf("payment: %+v", p)
	}
	entries := func(kind string) int { return s.count(`SELECT count(*) FROM ledger_entry WHERE kind = $1`, kind) }
	if n := entries("refund_sent"); n != 1 {
		t.Errorf("%d times sent", n)
	}
	// The provider's own page knows nothing of our requests.
	if r := s.sendRefund(p, "elsewhere", 10_00); r.Outcome != payment.OutcomeSucceeded {
		t.Fatalf("at the provider: %+v", r)
	}
	for range 3 {
		s.webhooks()
		s.must(s.ReconcilePayment(s.ctx(), p.ID))
	}
	if n := entries("refund_sent"); n != 2 {
		t.Errorf("%d times sent", n)
	}
	if n := s.count(`SELECT count(*) FROM audit WHERE action = 'payment.alert' AND detail->>'why' = 'refund_not_asked'`); n != 1 {
		t.Errorf("%d alerts", n)
	}
	b, err := s.Balance(s.ctx(), ona, payer, 0)
	s.must(err)
	if b.Amount != 30_00 {
		t.Errorf("balance %s", b.Amount.Decimal())
	}
	if n := s.count(`SELECT count(*) FROM refund WHERE state = 'succeeded' AND provider_ref IS NOT NULL`); n != 2 {
		t.Errorf("%d refunds", n)
	}
	s.agree()
}

// What the payer's bank withdraws is booked when it opens the dispute and when
// it gives the money back, once each.
func TestChargebacks(t *testing.T) {
	t.Parallel()
	for _, end := range []payment.DisputeState{payment.DisputeLost, payment.DisputeWon} {
		t.Run(string(end), func(t *testing.T) {
			t.Parallel()
			s := newTill(t)
			_, _, p := s.toppedUp(7_900_000_002_220, 50_00)
			look := func(disputed money.Amount, entries int) {
				t.Helper()
				for range 2 {
					s.webhooks()
					s.must(s.ReconcilePayment(s.ctx(), p.ID))
				}
				if now := s.paymentByID(p.ID); now.Disputed != disputed || now.State != payment.Succeeded {
					t.Errorf("payment: %+v", now)
				}
				if n := s.count(`SELECT count(*) FROM ledger_entry WHERE dispute_id IS NOT NULL`); n != entries {
					t.Errorf("%d entries, want %d", n, entries)
				}
				s.agree()
			}
			s.must(s.Chargeback(string(p.ID), 30_00, payment.DisputeOpen))
			look(30_00, 1)
			s.must(s.Chargeback(string(p.ID), 30_00, end))
			if end == payment.DisputeWon {
				look(0, 2)
			} else { // what is on the balance of it is taken
				look(30_00, 2)
			}
		})
	}
}

// Every event one to five times, in any order, with two workers and the return
// page between them: one state, one application (I5, I23).
func TestEventsInAnyOrder(t *testing.T) {
	t.Parallel()
	seeds := 12
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			t.Parallel()
			s := newTill(t)
			random := rand.New(rand.NewPCG(uint64(seed), 23))
			ona, _ := s.customer(7_900_000_002_230, "Ona")
			o := s.order(ona, softphone(1, false, 6))
			checkout := s.open(ona, o.Number, app.StartPaymentInput{})
			s.must(s.Press(checkout, "confirm", "", false))
			if seed%2 == 0 {
				s.must(s.returned(ona, o.Number))
			}
			s.must(s.Press(checkout, "confirmed", "", false))
			p, err := s.OrderPayment(s.ctx(), ona, o.Number)
			s.must(err)
			if seed%3 == 0 {
				s.must(s.Chargeback(string(p.ID), 5_00, payment.DisputeOpen))
			}
			s.holding = true
			s.Deliver(s.ctx())
			if len(s.held) < 3 {
				t.Fatalf("%d webhooks", len(s.held))
			}
			var all []payment.RawWebhook
			for _, raw := range s.held {
				for range 1 + random.IntN(5) {
					all = append(all, raw)
				}
			}
			random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			half := random.IntN(len(all))
			var wg sync.WaitGroup
			for _, mine := range [][]payment.RawWebhook{all[:half], all[half:]} {
				wg.Go(func() {
					for _, raw := range mine {
						if _, err := s.ReceiveWebhook(s.ctx(), sandbox.Name, raw); err != nil {
							t.Error(err)
						}
						for _, id := range s.pending() {
							if err := s.ProcessWebhook(s.ctx(), id, false); err != nil {
								t.Error(err)
							}
						}
					}
				})
			}
			wg.Go(func() {
				if err := s.returned(ona, o.Number); err != nil {
					t.Error(err)
				}
			})
			wg.Wait()
			if got := s.state(ona, o.Number); got != payment.Succeeded {
				t.Errorf("state %s", got)
			}
			if n := s.count(`SELECT count(*) FROM ledger_entry WHERE kind = 'captured'`); n != 1 {
				t.Errorf("%d captures booked", n)
			}
			if n := s.count(`SELECT count(*) FROM webhook_inbox`); n != len(s.held) {
				t.Errorf("%d webhooks kept of %d", n, len(s.held))
			}
			s.agree()
		})
	}
}

// What a refund's answer shows of the payment counts, for its webhook may get
// lost, and nobody looks at an ended payment without one.
func TestARefundShowsOnItsPaymentWithoutAWebhook(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	_, _, p := s.toppedUp(7_900_000_002_240, 50_00)
	s.webhooks()
	s.must(s.Inject(sandbox.Fault{Kind: sandbox.WebhookLost, Times: 5}))
	s.must(s.SendRefund(s.ctx(), s.askRefund(p, 20_00, "R-1")))
	s.webhooks()
	if got := s.paymentByID(p.ID); got.Refunded != 20_00 {
		t.Errorf("the payment shows %s as returned", got.Refunded.Decimal())
	}
	s.agree()
}
