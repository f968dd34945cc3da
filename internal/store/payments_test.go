package store_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
	"github.com/siptg/portal/internal/store"
	"github.com/siptg/portal/internal/storetest"
)

var paymentDay = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// till is a database with a payer in it.
type till struct {
	*testing.T
	db    *store.DB
	payer account.PayerID
	owner account.ID
	other account.PayerID
}

func newTill(t *testing.T) *till {
	t.Helper()
	db, err := store.Open(t.Context(), storetest.Database(t), func() time.Time { return paymentDay })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	s := &till{T: t, db: db}
	s.update(func(ctx context.Context, tx *store.Tx) error {
		conn := tx.PGX()
		row := conn.QueryRow(ctx, `INSERT INTO account (telegram_id, first_name, last_name, username, created_at, signed_in_at)
			VALUES (1, 'Ada', '', '', now(), now()) RETURNING id`)
		if err := row.Scan(&s.owner); err != nil {
			return err
		}
		for _, id := range []*account.PayerID{&s.payer, &s.other} {
			if err := conn.QueryRow(ctx, `INSERT INTO payer (kind, name, created_at) VALUES ('person', 'Ada', now()) RETURNING id`).Scan(id); err != nil {
				return err
			}
		}
		_, err := conn.Exec(ctx, `INSERT INTO member (payer_id, account_id, role, added_at) VALUES ($1, $2, 'owner', now())`, s.payer, s.owner)
		return err
	})
	return s
}

func (s *till) try(f func(context.Context, *store.Tx) error) error {
	return s.db.Update(s.Context(), func(tx *store.Tx) error { return f(s.Context(), tx) })
}

func (s *till) update(f func(context.Context, *store.Tx) error) {
	s.Helper()
	if err := s.try(f); err != nil {
		s.Fatal(err)
	}
}

const order1 = "11111111-1111-4111-8111-111111111111"

func (s *till) fresh() payment.Payment {
	return payment.Payment{
		PayerID: s.payer, Payable: payment.Payable{Kind: payment.PayableOrder, ID: order1}, Provider: "sandbox", Account: "acct",
		Initiator: payment.ByPayer, Amount: money.Of(2500, "EUR"), State: payment.Created, AttemptNo: 1, ExpiresAt: paymentDay.Add(time.Hour),
	}
}

func (s *till) insert(p payment.Payment) (out payment.Payment) {
	s.Helper()
	s.update(func(ctx context.Context, tx *store.Tx) error {
		id, err := tx.InsertPayment(ctx, p)
		if err != nil {
			return err
		}
		out, err = tx.Payment(ctx, id)
		return err
	})
	return out
}

// paid stores a payment that succeeded.
func (s *till) paid() payment.Payment {
	s.Helper()
	p := s.insert(s.fresh())
	s.update(func(ctx context.Context, tx *store.Tx) error {
		p.State, p.Received, p.Ref, p.AsOf = payment.Succeeded, 2500, "pay_1", paymentDay
		if err := tx.SavePayment(ctx, p); err != nil {
			return err
		}
		var err error
		p, err = tx.Payment(ctx, p.ID)
		return err
	})
	return p
}

// constraint reports whether the database refused by the constraint of a name.
func (s *till) constraint(name string, err error) {
	s.Helper()
	if !store.IsConstraint(err, name) {
		s.Errorf("error %v, want %s", err, name)
	}
}

func TestAPaymentComesBackAsItWasSaved(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	p := s.insert(s.fresh())
	want := s.fresh()
	want.ID, want.Version, want.CreatedAt = p.ID, 1, paymentDay
	if diff := cmp.Diff(want, p); diff != "" {
		t.Error(diff)
	}
	p.MethodID = s.method("tok", "print")
	p.Ref, p.PayerURL, p.State, p.AttemptNo, p.Declines, p.Parked = "pay_1", "https://pay.example", payment.Unknown, 2, 1, payment.AlertUndecided
	p.SentAt, p.RepeatUntil, p.AsOf, p.NextCheckAt, p.Checks = paymentDay, paymentDay.Add(time.Hour), paymentDay, paymentDay.Add(time.Minute), 3
	p.Received, p.Refunded, p.Disputed = 2500, 100, 50
	s.update(func(ctx context.Context, tx *store.Tx) error { return tx.SavePayment(ctx, p) })
	want = p
	want.Version = 2
	s.update(func(ctx context.Context, tx *store.Tx) error {
		for name, read := range map[string]func() (payment.Payment, error){
			"LockPayment":   func() (payment.Payment, error) { return tx.LockPayment(ctx, p.ID) },
			"PaymentOf":     func() (payment.Payment, error) { return tx.PaymentOf(ctx, s.owner, p.ID) },
			"PaymentByRef":  func() (payment.Payment, error) { return tx.PaymentByRef(ctx, "sandbox", "acct", "pay_1") },
			"LivePaymentOf": func() (payment.Payment, error) { return tx.LivePaymentOf(ctx, p.Payable) },
		} {
			got, err := read()
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%s: %v %s", name, err, diff)
			}
		}
		return nil
	})
	// What was read before another change is not saved over it.
	if err := s.try(func(ctx context.Context, tx *store.Tx) error { return tx.SavePayment(ctx, p) }); !fault.Is(err, fault.Conflict) {
		t.Errorf("an old version was saved: %v", err)
	}
	err := s.try(func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.PaymentOf(ctx, account.ID(order1), p.ID)
		return err
	})
	if !fault.Is(err, fault.NotFound) {
		t.Errorf("a stranger sees the payment: %v", err)
	}
}

// I6: two workers start a payment of one order; one of them may.
func TestOneLivePayment(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		wg.Go(func() {
			errs[i] = s.try(func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.InsertPayment(ctx, s.fresh())
				return err
			})
		})
	}
	wg.Wait()
	inserted := 0
	for _, err := range errs {
		if err == nil {
			inserted++
		} else if !fault.Is(err, fault.Conflict) {
			t.Error(err)
		}
	}
	if inserted != 1 {
		t.Fatalf("%d payments of one order", inserted)
	}
	for i, state := range payment.States() {
		free := state == payment.Failed || state == payment.Canceled || state == payment.Expired
		s.update(func(ctx context.Context, tx *store.Tx) error {
			first := s.fresh()
			first.Payable.ID = fmt.Sprintf("22222222-2222-4222-8222-%012d", i)
			id, err := tx.InsertPayment(ctx, first)
			if err != nil {
				return err
			}
			begun, err := tx.Payment(ctx, id)
			if err != nil {
				return err
			}
			begun.State, begun.Received = state, 2500
			if err := tx.SavePayment(ctx, begun); err != nil {
				return err
			}
			second := first
			nested, err := tx.PGX().Begin(ctx)
			if err != nil {
				return err
			}
			_, err = tx.InsertPayment(ctx, second)
			if (err == nil) != free {
				t.Errorf("beside a payment that is %s: %v", state, err)
			}
			return nested.Rollback(ctx)
		})
	}
}

// The database refuses what the rules would never do.
func TestAPaymentKeepsItsWord(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	p := s.paid()
	for _, tt := range []struct {
		constraint, change string
	}{
		{"payment_terminal_never_moves", `UPDATE payment SET state = 'failed'`},
		{"payment_purpose_never_changes", `UPDATE payment SET amount_minor = 1`},
		{"payment_purpose_never_changes", `UPDATE payment SET payable_id = gen_random_uuid()`},
		{"payment_only_goes_on", `UPDATE payment SET received_minor = 2499`},
		{"payment_only_goes_on", `UPDATE payment SET as_of = as_of - interval '1 second'`},
		{"payment_refunded_at_most_received", `UPDATE payment SET refunded_minor = 2501`},
		{"payment_ended_is_not_looked_at", `UPDATE payment SET next_check_at = now()`},
		{"payment_sent_is_remembered", `UPDATE payment SET sent_at = now()`},
		{"payment_is_immutable", `DELETE FROM payment`},
	} {
		s.constraint(tt.constraint, s.try(func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.PGX().Exec(ctx, tt.change)
			return err
		}))
	}
	again := s.fresh()
	again.Payable.ID, again.Ref = string(s.other), p.Ref
	s.constraint("payment_ref_once", s.try(func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.InsertPayment(ctx, again)
		return err
	}))
	again.Ref, again.State = "pay_2", payment.Succeeded
	s.constraint("payment_succeeds_with_money", s.try(func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.InsertPayment(ctx, again)
		return err
	}))
}

// Money that came for an ended payment has a payment of its own, as often as it
// comes.
func TestTopUpsPayForThemselves(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	parent := s.paid()
	first, second := s.insert(parent.TopUp(700, paymentDay)), s.insert(parent.TopUp(800, paymentDay))
	if first.Payable.ID == second.Payable.ID || first.ParentID != parent.ID || second.Received != 800 {
		t.Errorf("%+v\n%+v", first, second)
	}
}

func TestPaymentHistory(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	p := s.paid()
	want := []store.PaymentEvent{
		{To: payment.Created, Source: store.FromOperator, Detail: map[string]any{}, At: paymentDay},
		{From: payment.Created, To: payment.Unknown, Source: store.FromAPI, Outcome: payment.OutcomeUnknown.String(), Detail: map[string]any{"why": "timeout"}, At: paymentDay},
		{From: payment.Unknown, To: payment.Succeeded, Source: store.FromLookup, InboxID: 7, Detail: map[string]any{}, At: paymentDay},
	}
	s.update(func(ctx context.Context, tx *store.Tx) error {
		for _, e := range want {
			if err := tx.AppendPaymentEvent(ctx, p.ID, e); err != nil {
				return err
			}
		}
		got, err := tx.PaymentEvents(ctx, p.ID)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		return err
	})
	s.constraint("payment_event_is_immutable", s.try(func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.PGX().Exec(ctx, `UPDATE payment_event SET to_state = 'failed'`)
		return err
	}))
}

func TestTwoReconcilersShareTheWork(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	for i, id := range []string{order1, string(s.payer), string(s.other)} {
		p := s.fresh()
		p.Payable.ID, p.NextCheckAt = id, paymentDay.Add(time.Duration(i-1)*time.Minute) // the last is not due
		s.insert(p)
	}
	s.update(func(ctx context.Context, one *store.Tx) error {
		mine, err := one.PaymentsToCheck(ctx, 1)
		if err != nil {
			return err
		}
		return s.try(func(ctx context.Context, two *store.Tx) error {
			theirs, err := two.PaymentsToCheck(ctx, 10)
			if len(mine) != 1 || len(theirs) != 1 || mine[0].Payable.ID != order1 || theirs[0].Payable.ID != string(s.payer) {
				t.Errorf("one has %v, the other %v", mine, theirs)
			}
			return err
		})
	})
}

func TestAWebhookIsKeptOnce(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	body := []byte("{\"id\":\"evt_1\"}\x00\xff")
	sum := sha256.Sum256(body)
	w := store.Webhook{
		Provider: "sandbox", Account: "acct", Key: "evt_1", Type: "payment.changed", Ref: "pay_1", PaymentID: "p", OccurredAt: paymentDay,
		Body: body, Headers: map[string][]string{"Sandbox-Signature": {"t=1"}}, BodySHA256: sum[:], State: store.WebhookPending,
	}
	s.update(func(ctx context.Context, tx *store.Tx) error {
		id, isNew, err := tx.InsertInbox(ctx, w)
		if err != nil || !isNew {
			t.Errorf("first: %v, %v", isNew, err)
		}
		if _, isNew, err := tx.InsertInbox(ctx, w); err != nil || isNew {
			t.Errorf("second: %v, %v", isNew, err)
		}
		other := w
		other.Account = "acct2"
		if _, isNew, err := tx.InsertInbox(ctx, other); err != nil || !isNew {
			t.Errorf("of another account: %v, %v", isNew, err)
		}
		if err := tx.SaveInbox(ctx, id, store.WebhookFailed, errors.New(string(bytes.Repeat([]byte("é\xff"), 400)))); err != nil {
			return err
		}
		got, err := tx.LockInbox(ctx, id)
		if len(got.LastError) == 0 || len(got.LastError) > 500 {
			t.Errorf("%d bytes of error", len(got.LastError))
		}
		w.ID, w.State, w.Attempts, w.LastError = id, store.WebhookFailed, 1, got.LastError
		if diff := cmp.Diff(w, got); diff != "" {
			t.Error(diff)
		}
		if n, err := tx.DeleteOldInbox(ctx, paymentDay.Add(time.Second)); err != nil || n != 1 { // the other one is pending
			t.Errorf("forgot %d, %v", n, err)
		}
		return err
	})
}

// I9, I10: each refund is asked for twice at once; together they exceed what came.
func TestRefundsNeverExceedThePayment(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	p := s.paid()
	requests := []string{"a", "a", "b", "b", "c", "c"}
	ids := make([]string, len(requests))
	errs := make([]error, len(requests))
	var wg sync.WaitGroup
	for i, request := range requests {
		wg.Go(func() {
			errs[i] = s.try(func(ctx context.Context, tx *store.Tx) error {
				if _, err := tx.LockPayment(ctx, p.ID); err != nil {
					return err
				}
				var err error
				ids[i], _, err = tx.InsertRefund(ctx, payment.Refund{PaymentID: p.ID, Request: request, Amount: money.Of(1000, "EUR"), By: "test"})
				return err
			})
		})
	}
	wg.Wait()
	made := map[string]bool{}
	for i, err := range errs {
		switch {
		case err == nil:
			made[ids[i]] = true
		case !fault.Is(err, fault.Conflict):
			t.Error(err)
		}
	}
	if len(made) != 2 {
		t.Fatalf("%d refunds of 10 from 25", len(made))
	}
	s.update(func(ctx context.Context, tx *store.Tx) error {
		if asked, err := tx.RefundAsked(ctx, p.ID); err != nil || asked != 2000 {
			t.Errorf("asked for %s, %v", asked.Decimal(), err)
		}
		refunds, err := tx.RefundsOf(ctx, p.ID)
		if err != nil {
			return err
		}
		r, err := tx.LockRefund(ctx, refunds[0].ID)
		if err != nil {
			return err
		}
		if r.Provider != "sandbox" || r.State != payment.RefundRequested || r.AttemptNo != 1 || r.Amount != money.Of(1000, "EUR") {
			t.Errorf("%+v", r)
		}
		// One that failed gives its part free again.
		r.Ref, r.State = "ref_1", payment.RefundFailed
		if err := tx.SaveRefund(ctx, r); err != nil {
			return err
		}
		asked, err := tx.RefundAsked(ctx, p.ID)
		if asked != 1000 {
			t.Errorf("after a failure: asked for %s", asked.Decimal())
		}
		return err
	})
	for constraint, change := range map[string]string{
		"refund_purpose_never_changes": `UPDATE refund SET amount_minor = 1`,
		"refund_is_immutable":          `DELETE FROM refund`,
	} {
		s.constraint(constraint, s.try(func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.PGX().Exec(ctx, change)
			return err
		}))
	}
	s.constraint("refund_in_currency_of_payment", s.try(func(ctx context.Context, tx *store.Tx) error {
		_, _, err := tx.InsertRefund(ctx, payment.Refund{PaymentID: p.ID, Request: "usd", Amount: money.Of(1, "USD")})
		return err
	}))
}

func TestADisputeIsOneRow(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	p := s.paid()
	v := payment.DisputeView{Ref: "dp_1", Amount: money.Of(2500, "EUR"), Reason: "fraudulent", State: payment.DisputeOpen}
	s.update(func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.SaveDispute(ctx, p.ID, v); err != nil {
			return err
		}
		v.State = payment.DisputeLost
		if _, err := tx.SaveDispute(ctx, p.ID, v); err != nil {
			return err
		}
		var n int
		err := tx.PGX().QueryRow(ctx, `SELECT count(*) FROM dispute WHERE state = 'lost'`).Scan(&n)
		if n != 1 {
			t.Errorf("%d rows", n)
		}
		return err
	})
}

func (s *till) method(token, fingerprint string) (id string) {
	s.Helper()
	s.update(func(ctx context.Context, tx *store.Tx) error {
		var err error
		id, err = tx.KeepMethod(ctx, payment.Method{PayerID: s.payer, Provider: "sandbox", Account: "acct", SavedMethod: payment.SavedMethod{
			Ref: token, Label: "Visa •••• 4242", Fingerprint: fingerprint, ExpiresOn: civil.Date{Year: 2026, Month: 12, Day: 31},
		}})
		return err
	})
	return id
}

func TestSavedMethods(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	id := s.method("tok_1", "print")
	if again := s.method("tok_1", "print"); again != id {
		t.Errorf("the same card is %s and %s", id, again)
	}
	s.update(func(ctx context.Context, tx *store.Tx) error {
		methods, err := tx.MethodsOf(ctx, s.payer)
		if err != nil {
			return err
		}
		if len(methods) != 1 || methods[0].ExpiresOn != (civil.Date{Year: 2026, Month: 12, Day: 31}) || methods[0].Ref != "tok_1" {
			t.Errorf("%+v", methods)
		}
		if changed, err := tx.RevokeMethod(ctx, s.other, id); err != nil || changed {
			t.Errorf("a stranger revoked it: %v, %v", changed, err)
		}
		if changed, err := tx.RevokeMethod(ctx, s.payer, id); err != nil || !changed {
			t.Errorf("not revoked: %v, %v", changed, err)
		}
		methods, err = tx.MethodsOf(ctx, s.payer)
		if len(methods) != 0 {
			t.Errorf("%d methods after the last was revoked", len(methods))
		}
		m, err2 := tx.Method(ctx, id)
		if m.RevokedAt.IsZero() {
			t.Error("a revoked method has no date of it")
		}
		return errors.Join(err, err2)
	})
	err := s.try(func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.KeepMethod(ctx, payment.Method{PayerID: s.other, Provider: "sandbox", Account: "acct", SavedMethod: payment.SavedMethod{Ref: "tok_1"}})
		return err
	})
	if !fault.Is(err, fault.NotFound) {
		t.Errorf("another payer took the card: %v", err)
	}
}

// A card that was declined under one token was declined under the other.
func TestDeclinesAreCountedByCard(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	first, second, stranger := s.method("tok_1", "print"), s.method("tok_2", "print"), s.method("tok_3", "")
	p := s.fresh()
	p.MethodID = first
	p = s.insert(p)
	s.update(func(ctx context.Context, tx *store.Tx) error {
		for _, outcome := range []payment.Outcome{payment.OutcomeDeclined, payment.OutcomeDeclined, payment.OutcomeUnknown} {
			e := store.PaymentEvent{From: payment.Created, To: payment.Created, Source: store.FromAPI, Outcome: outcome.String()}
			if err := tx.AppendPaymentEvent(ctx, p.ID, e); err != nil {
				return err
			}
		}
		for method, want := range map[string]int{first: 2, second: 2, stranger: 0} {
			if n, err := tx.DeclinesOfMethod(ctx, method, paymentDay.Add(-payment.CardWindow)); err != nil || n != want {
				t.Errorf("%d declines, %v; want %d", n, err, want)
			}
		}
		n, err := tx.DeclinesOfMethod(ctx, first, paymentDay)
		if n != 0 {
			t.Errorf("%d declines after the window", n)
		}
		return err
	})
}

func TestConsentCanOnlyBeRevoked(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	sum := sha256.Sum256([]byte("I agree"))
	c := payment.Consent{
		PayerID: s.payer, AccountID: s.owner, Subject: order1, TextID: "consent.renewal", Language: "en", TextSHA256: sum[:],
		AmountRule: "price of the period", Months: 12, IP: "192.0.2.1", UserAgent: "test",
	}
	s.update(func(ctx context.Context, tx *store.Tx) error {
		id, err := tx.InsertConsent(ctx, c)
		if err != nil {
			return err
		}
		got, err := tx.ConsentOf(ctx, order1)
		c.ID, c.GivenAt = id, paymentDay
		if diff := cmp.Diff(c, got); diff != "" {
			t.Error(diff)
		}
		return err
	})
	for _, change := range []string{`UPDATE consent SET months = 6`, `UPDATE consent SET months = 6, revoked_at = now() + interval '1 day'`} {
		s.constraint("consent_keeps_its_words", s.try(func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.PGX().Exec(ctx, change)
			return err
		}))
	}
	s.update(func(ctx context.Context, tx *store.Tx) error {
		if err := tx.RevokeConsent(ctx, order1); err != nil {
			return err
		}
		if _, err := tx.ConsentOf(ctx, order1); !fault.Is(err, fault.NotFound) {
			t.Errorf("a revoked consent holds: %v", err)
		}
		return tx.RevokeConsent(ctx, order1) // again: nothing to do
	})
	s.constraint("consent_keeps_its_words", s.try(func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.PGX().Exec(ctx, `UPDATE consent SET revoked_at = NULL`)
		return err
	}))
}
