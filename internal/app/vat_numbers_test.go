package app_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/siptg/portal/internal/account"
	"github.com/siptg/portal/internal/app"
	"github.com/siptg/portal/internal/audit"
	"github.com/siptg/portal/internal/bank/banktest"
	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/order"
	"github.com/siptg/portal/internal/vat"
)

// register is a register that says what it is told to: "valid", "invalid", or a
// code of silence.
type register struct {
	mu    sync.Mutex
	says  string
	asked []vat.Inquiry
	slow  chan struct{} // not nil: an answer waits for it
}

func (r *register) Check(ctx context.Context, q vat.Inquiry) (vat.Answer, error) {
	r.mu.Lock()
	says, slow := r.says, r.slow
	r.asked = append(r.asked, q)
	n := len(r.asked)
	r.mu.Unlock()
	if slow != nil {
		select {
		case <-slow:
		case <-ctx.Done():
			return vat.Answer{}, &vat.SilenceError{Code: "NO_TIME"}
		}
	}
	a := vat.Answer{Requester: "LT119511515", Dated: "2026-11-23T09:30:00.000Z", Program: "portal/test", Raw: []byte(`{"valid":` + says + `}`)}
	switch says {
	case "valid":
		a.Valid, a.Consultation, a.Name = true, fmt.Sprintf("WAPI%04d", n), "BRENNER GMBH"
		return a, nil
	case "invalid":
		return a, nil
	}
	return vat.Answer{}, &vat.SilenceError{Code: says, Final: says == "INVALID_INPUT"}
}

func (r *register) say(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.says = what
}

func (r *register) times() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.asked)
}

// withRegister is a site that asks a register.
func withRegister(t testing.TB, says string) (*site, *register) {
	t.Helper()
	s, r := newSite(t), &register{says: says}
	var err error
	s.App, err = app.New(t.Context(), app.Config{
		DB: s.db, Blobs: s.blobs, Queue: s.queue, Now: s.clock.Now, Seller: seller(t), BotToken: botToken, Demo: true, Log: slog.New(slog.DiscardHandler),
		Register: r,
	})
	s.must(err)
	return s, r
}

// german are the billing details of a company in Germany.
func german() app.PayerInput {
	in := lithuanian("Brenner GmbH")
	in.Kind, in.Country, in.VATNumber, in.Postcode, in.City, in.Street = "company", "DE", "DE136695976", "10119", "Berlin", "Torstraße 140"
	return in
}

// company signs in with those details.
func (s *site) company(id int64) (account.Actor, account.PayerID) {
	s.t.Helper()
	actor := s.signIn(id, "Max")
	return actor, s.bill(actor, german())
}

func (s *site) vatState(actor account.Actor, payer account.PayerID) app.VATState {
	s.t.Helper()
	state, err := s.VATState(s.ctx(), actor, payer)
	s.must(err)
	return state
}

// settled is what an order was settled with.
func (s *site) settled(number string) (row string, pending bool) {
	s.t.Helper()
	s.must(s.db.Pool().QueryRow(s.ctx(), `
		SELECT s.treatment ->> 'Row', s.vat_pending FROM settlement s JOIN orders o ON o.id = s.order_id WHERE o.number = $1`, number).Scan(&row, &pending))
	return row, pending
}

func (s *site) notices(kind string) int {
	s.t.Helper()
	return s.count(`SELECT count(*) FROM notice WHERE kind = $1`, kind)
}

// A number is asked about as soon as it is saved; the order is without VAT, and
// its invoice keeps the proof, which its own people see and nobody else.
func TestAValidNumber(t *testing.T) {
	t.Parallel()
	s, r := withRegister(t, "valid")
	max, payer := s.company(7_900_000_009_000)
	state := s.vatState(max, payer)
	if state.State != vat.StateValid || state.Proof.Reference != "WAPI0001" || state.Proof.Name != "BRENNER GMBH" || state.Proof.Requester != "LT119511515" || !state.Matters {
		t.Fatalf("%+v", state)
	}
	if q := r.asked[0]; q.Number.String() != "DE136695976" || q.Name != "Brenner GmbH" || q.City != "Berlin" || !q.Urgent {
		t.Errorf("asked %+v", q)
	}
	o := s.order(max, softphone(2, true, 6))
	if o.VATRow != "R4" || o.VAT != 0 {
		t.Fatalf("%+v", o.Order)
	}
	s.pay(o)
	if row, pending := s.settled(o.Number); row != "R4" || pending {
		t.Errorf("settled by %s, pending %t", row, pending)
	}
	if r.times() != 1 {
		t.Errorf("asked %d times", r.times())
	}
	o, err := s.Order(s.ctx(), max, o.Number)
	s.must(err)
	proofs, err := s.InvoiceProofs(s.ctx(), max, o.InvoiceNumber)
	s.must(err)
	if len(proofs) != 1 || proofs[0].Reference != "WAPI0001" || !proofs[0].Valid() || proofs[0].Later {
		t.Errorf("%+v", proofs)
	}

	// The same number of somebody else is another question, and the proof is not
	// theirs to see.
	r.say("MS_UNAVAILABLE")
	eve, hers := s.company(7_900_000_009_001)
	if state := s.vatState(eve, hers); state.State != vat.StateWaiting || state.Proof.ID != 0 {
		t.Errorf("%+v", state)
	}
	if proofs, err := s.InvoiceProofs(s.ctx(), eve, o.InvoiceNumber); err != nil || len(proofs) != 0 {
		t.Errorf("a stranger sees %+v, %v", proofs, err)
	}
	if _, err := s.VATState(s.ctx(), eve, payer); !fault.Is(err, fault.NotFound) {
		t.Errorf("a stranger's state: %v", err)
	}
	if o := s.order(eve, softphone(1, false, 6)); o.VATRow != "R7" {
		t.Errorf("on somebody else's proof: %s", o.VATRow)
	}
	s.clean()
}

// While the register is silent an order goes on, with VAT; it is asked ever more
// rarely, and its answer is told and noted with what waited for it (vat.md 3.5.2).
func TestASilentRegisterBlocksNothing(t *testing.T) {
	t.Parallel()
	s, r := withRegister(t, "MS_UNAVAILABLE")
	max, payer := s.company(7_900_000_009_010)
	state := s.vatState(max, payer)
	if state.State != vat.StateWaiting || state.AskedAt != s.clock.Now() || state.NextAt != s.clock.Now().Add(time.Minute) {
		t.Fatalf("%+v", state)
	}
	o := s.order(max, softphone(2, true, 6))
	if o.VATRow != "R7" || o.VAT != 11_40 {
		t.Fatalf("%+v", o.Order)
	}
	s.pay(o)
	if row, pending := s.settled(o.Number); row != "R7" || !pending {
		t.Errorf("settled by %s, pending %t", row, pending)
	}
	began, asked := s.clock.Now(), r.times()
	for s.clock.Now().Sub(began) < 69*time.Hour {
		s.later(30 * time.Second)
		if n := s.count(`SELECT count(*) FROM vat_inquiry WHERE next_try_at <= $1`, s.clock.Now()); n == 0 {
			continue
		}
		if _, err := s.CheckVATNumbers(s.ctx()); err != nil {
			t.Fatal(err)
		}
	}
	if n := r.times() - asked; n < 35 || n > 50 { // 1, 2, 4 … 64 minutes, then every two hours
		t.Errorf("asked %d times in three days", n)
	}
	if s.notices("vat_number_invalid") != 0 {
		t.Error("silence was told as \"invalid\"")
	}
	r.say("valid")
	s.later(2 * time.Hour)
	if _, err := s.CheckVATNumbers(s.ctx()); err != nil {
		t.Fatal(err)
	}
	if state := s.vatState(max, payer); state.State != vat.StateValid || !state.NextAt.IsZero() {
		t.Errorf("%+v", state)
	}
	if s.notices("vat_number_valid") != 1 || s.count(`SELECT count(*) FROM settlement_answer`) != 1 {
		t.Error("the answer was not told, or not noted")
	}
	paid, err := s.Order(s.ctx(), max, o.Number)
	s.must(err)
	if proofs, err := s.InvoiceProofs(s.ctx(), max, paid.InvoiceNumber); err != nil || len(proofs) != 1 || !proofs[0].Later || !proofs[0].Valid() {
		t.Errorf("%+v, %v", proofs, err)
	}
	finance := s.colleague(7_900_000_009_011, "Rasa", account.StaffFinance)
	seen, err := s.StaffVAT(s.ctx(), finance, "")
	s.must(err)
	if len(seen.Cases) != 1 || seen.Cases[0].Kind != "charged" || seen.Cases[0].InvoiceNumber != paid.InvoiceNumber {
		t.Errorf("%+v", seen.Cases)
	}
	if q := s.quote(max, softphone(3, true, 6)); q.Treatment.Row != "R4" {
		t.Errorf("the next order: %s", q.Treatment.Row)
	}
	s.clean()
}

// A register that is silent for three days is left alone, until there is a reason.
func TestARegisterIsGivenUp(t *testing.T) {
	t.Parallel()
	s, r := withRegister(t, "TIMEOUT")
	max, payer := s.company(7_900_000_009_020)
	for range 80 {
		s.later(2 * time.Hour)
		s.must(discardInt(s.CheckVATNumbers(s.ctx())))
	}
	if state := s.vatState(max, payer); state.State != vat.StateWaiting || !state.NextAt.IsZero() {
		t.Errorf("%+v", state)
	}
	asked := r.times()
	s.must(discardInt(s.CheckVATNumbers(s.ctx())))
	if r.times() != asked {
		t.Error("asked after it was given up")
	}
	// An order is one. What was shown with VAT is not taken without a word.
	r.say("valid")
	q := s.quote(max, softphone(1, false, 6))
	if _, err := s.PlaceOrder(s.ctx(), max, app.PlaceOrder{Selection: q.Selection, Payer: payer, Method: "bank", Quote: q.Token}); !fault.Is(err, fault.Conflict) {
		t.Errorf("%v", err)
	}
	if o := s.order(max, softphone(1, false, 6)); o.VATRow != "R4" || r.times() != asked+1 {
		t.Errorf("%s, asked %d times", o.VATRow, r.times()-asked)
	}
}

func discardInt(_ int, err error) error { return err }

// A known customer keeps reverse charge for 30 days of silence, marked; an
// "invalid" in the end is told, and the invoice is a case (vat.md 3.5.1).
func TestAKnownCustomerWhileTheRegisterIsSilent(t *testing.T) {
	t.Parallel()
	s, r := withRegister(t, "valid")
	max, _ := s.company(7_900_000_009_030)
	r.say("GLOBAL_MAX_CONCURRENT_REQ")
	s.wait(29)
	o := s.order(max, softphone(1, false, 6))
	if o.VATRow != "R4" {
		t.Fatalf("after 29 days: %s", o.VATRow)
	}
	s.pay(o)
	if row, pending := s.settled(o.Number); row != "R4" || !pending {
		t.Errorf("settled by %s, pending %t", row, pending)
	}
	r.say("invalid")
	s.later(3 * time.Hour)
	s.must(discardInt(s.CheckVATNumbers(s.ctx())))
	paid, err := s.Order(s.ctx(), max, o.Number)
	s.must(err)
	if n := s.count(`SELECT count(*) FROM notice WHERE kind = 'vat_number_invalid' AND facts ->> 'document' = $1`, paid.InvoiceNumber); n != 1 {
		t.Errorf("told %d times", n)
	}
	finance := s.colleague(7_900_000_009_031, "Rasa", account.StaffSupport)
	seen, err := s.StaffVAT(s.ctx(), finance, paid.InvoiceNumber)
	s.must(err)
	if len(seen.Cases) != 1 || seen.Cases[0].Kind != "uncharged" || len(seen.Proofs) != 2 || seen.Proofs[0].Valid() || !seen.Proofs[1].Valid() {
		t.Errorf("%+v", seen)
	}
	if q := s.quote(max, softphone(2, false, 6)); q.Treatment.Row != "R7" {
		t.Errorf("the next order: %s", q.Treatment.Row)
	}
	s.clean()

	// Without an answer the 30 days end.
	t.Run("31 days", func(t *testing.T) {
		t.Parallel()
		s, r := withRegister(t, "valid")
		max, _ := s.company(7_900_000_009_032)
		r.say("TIMEOUT")
		s.wait(31)
		if o := s.order(max, softphone(1, false, 6)); o.VATRow != "R7" {
			t.Errorf("after 31 days: %s", o.VATRow)
		}
	})
}

// Before a renewal is charged its payer's number is asked about, so that it
// stands on an answer of its day. One that is no longer valid is told, once, and
// VAT is charged.
func TestNumbersAreAskedAboutBeforeARenewal(t *testing.T) {
	t.Parallel()
	for _, says := range []string{"valid", "invalid", "SERVICE_UNAVAILABLE"} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			s, r := withRegister(t, "valid")
			max, _ := s.company(7_900_000_009_040)
			o := s.order(max, softphone(1, false, 6))
			e := s.entry(o)
			e.Amount += 40_00
			s.importFile(s.camt(banktest.Version08, e))
			list, err := s.Subscriptions(s.ctx(), max)
			s.must(err)
			end := list.Items[0].PaidUntil
			for s.clock.Now().Before(end.Add(-10 * 24 * time.Hour)) {
				s.wait(1)
				s.must(s.RunDue(s.ctx()))
			}
			if n := r.times(); n < 7 || n > 14 { // 25 days apart, then weekly
				t.Errorf("asked %d times before", n)
			}
			r.say(says)
			for s.clock.Now().Before(end) {
				s.later(12 * time.Hour)
				s.must(s.RunDue(s.ctx()))
			}
			var number string
			s.must(s.db.Pool().QueryRow(s.ctx(), `SELECT number FROM orders WHERE kind = 'renewal' AND state = 'paid'`).Scan(&number))
			row, pending := s.settled(number)
			if want := map[string]string{"valid": "R4", "invalid": "R7", "SERVICE_UNAVAILABLE": "R4"}[says]; row != want || pending != (says == "SERVICE_UNAVAILABLE") {
				t.Errorf("renewed by %s, pending %t", row, pending)
			}
			if n := s.notices("vat_number_invalid"); n != map[bool]int{true: 1, false: 0}[says == "invalid"] {
				t.Errorf("told %d times", n)
			}
			if says == "invalid" {
				if vat := s.count(`SELECT s.vat_minor FROM settlement s JOIN orders o ON o.id = s.order_id WHERE o.number = $1`, number); vat != 3_42 {
					t.Errorf("VAT of %s is %d", number, vat)
				}
			}
			s.clean()
		})
	}
}

// What is not asked: a number that no register knows, and that of a person.
func TestNumbersThatNobodyIsAskedAbout(t *testing.T) {
	t.Parallel()
	s, r := withRegister(t, "valid")
	for i, in := range []struct{ kind, country, number, postcode string }{
		{"company", "GB", "GB980780684", "SW1A 1AA"}, {"company", "CH", "CHE107787577IVA", "8001"}, {"company", "NO", "NO995525828MVA", "0150"},
		{"company", "UA", "3051407946", "01001"}, {"company", "DE", "", "10119"}, {"person", "DE", "", "10119"},
	} {
		details := german()
		details.Kind, details.Country, details.VATNumber, details.Postcode = in.kind, in.country, in.number, in.postcode
		actor := s.signIn(7_900_000_009_050+int64(i), "P")
		payer := s.bill(actor, details)
		want := vat.StateFormat
		if in.number == "" {
			want = vat.StateNone
		}
		if state := s.vatState(actor, payer); state.State != want {
			t.Errorf("%s %s: %+v", in.country, in.number, state)
		}
		s.pay(s.order(actor, softphone(1, false, 6)))
	}
	if r.times() != 0 {
		t.Errorf("asked %d times", r.times())
	}
	s.clean()
}

// A new name or number is a new question; the old answer is none for it.
func TestAnotherNameIsAnotherQuestion(t *testing.T) {
	t.Parallel()
	s, r := withRegister(t, "valid")
	max, payer := s.company(7_900_000_009_060)
	r.say("TIMEOUT")
	for _, change := range []func(*app.PayerInput){
		func(in *app.PayerInput) { in.Name = "Other GmbH" },
		func(in *app.PayerInput) { in.VATNumber, in.VATNumberConfirm = "DE136695978", true },
	} {
		in := german()
		change(&in)
		s.bill(max, in)
		if state := s.vatState(max, payer); state.State != vat.StateWaiting {
			t.Errorf("%+v", state)
		}
		if q := s.quote(max, softphone(1, false, 6)); q.Treatment.Row != "R7" {
			t.Errorf("%s", q.Treatment.Row)
		}
	}
	s.bill(max, german()) // as it was
	if state := s.vatState(max, payer); state.State != vat.StateValid || r.times() != 3 {
		t.Errorf("%+v, asked %d times", state, r.times())
	}
}

// "Invalid" is believed for an hour: then the same form asks again.
func TestAnInvalidNumberIsAskedAboutAgain(t *testing.T) {
	t.Parallel()
	s, r := withRegister(t, "invalid")
	max, payer := s.company(7_900_000_009_070)
	if state := s.vatState(max, payer); state.State != vat.StateInvalid {
		t.Fatalf("%+v", state)
	}
	if o := s.order(max, softphone(1, false, 6)); o.VATRow != "R7" {
		t.Errorf("%s", o.VATRow)
	}
	if s.notices("vat_number_invalid") != 0 { // who typed it sees it
		t.Error("told who was there")
	}
	s.bill(max, german())
	if r.times() != 1 {
		t.Errorf("asked %d times within the hour", r.times())
	}
	r.say("valid")
	s.later(61 * time.Minute)
	s.bill(max, german())
	if state := s.vatState(max, payer); state.State != vat.StateValid || r.times() != 2 {
		t.Errorf("%+v, asked %d times", state, r.times())
	}
	s.clean()
}

// One person has 20 numbers an hour asked about at once; what is more waits for
// the job.
func TestOnePersonAsksSoMuch(t *testing.T) {
	t.Parallel()
	s, r := withRegister(t, "invalid")
	max, payer := s.company(7_900_000_009_080)
	for i := range 40 {
		in := german()
		in.Name = fmt.Sprintf("Brenner %d GmbH", i)
		s.bill(max, in)
	}
	if r.times() != 20 {
		t.Errorf("asked %d times", r.times())
	}
	if state := s.vatState(max, payer); state.State != vat.StateWaiting {
		t.Errorf("%+v", state)
	}
	s.later(time.Minute)
	s.must(discardInt(s.CheckVATNumbers(s.ctx())))
	if state := s.vatState(max, payer); state.State != vat.StateInvalid || r.times() != 21 {
		t.Errorf("%+v, asked %d times", state, r.times())
	}
}

// Two workers never ask about a number at once, and an answer to a question of
// before is thrown away.
func TestOneAsksAtATime(t *testing.T) {
	t.Parallel()
	s, r := withRegister(t, "TIMEOUT")
	max, payer := s.company(7_900_000_009_090)
	s.later(time.Hour)
	r.say("valid")
	r.slow = make(chan struct{})
	asked := r.times()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if _, err := s.CheckVATNumbers(s.ctx()); err != nil {
				t.Error(err)
			}
		})
	}
	for r.times() == asked {
		time.Sleep(time.Millisecond)
	}
	// The payer becomes another one while the question is on its way.
	if _, err := s.db.Pool().Exec(s.ctx(), `UPDATE payer SET name = 'Other GmbH' WHERE id = $1`, payer); err != nil {
		t.Fatal(err)
	}
	close(r.slow)
	all.Wait()
	if n := r.times() - asked; n != 1 {
		t.Errorf("asked %d times", n)
	}
	if state := s.vatState(max, payer); state.State != vat.StateWaiting {
		t.Errorf("%+v", state)
	}
}

// What an operator finds ends the waiting, and stands until the register says
// otherwise by itself.
func TestAnOperatorsLookUp(t *testing.T) {
	t.Parallel()
	s, r := withRegister(t, "IP_BLOCKED")
	max, payer := s.company(7_900_000_009_100)
	o := s.order(max, softphone(1, false, 6))
	s.pay(o)
	by := audit.ByCommand("vat_confirm")
	s.must(s.ConfirmVATNumber(s.ctx(), "de 136 695 976", true, "vies", "WAPIOPERATOR", by))
	if state := s.vatState(max, payer); state.State != vat.StateValid || state.Proof.Reference != "WAPIOPERATOR" || !state.NextAt.IsZero() {
		t.Errorf("%+v", state)
	}
	if s.count(`SELECT count(*) FROM settlement_answer`) != 1 || s.notices("vat_number_valid") != 1 {
		t.Error("it answered nothing")
	}
	q := s.quote(max, softphone(1, false, 12))
	if q.Treatment.Row != "R4" {
		t.Errorf("%s", q.Treatment.Row)
	}
	r.say("invalid")
	s.wait(2)
	q = s.quote(max, softphone(1, false, 12))
	if _, err := s.PlaceOrder(s.ctx(), max, app.PlaceOrder{Selection: q.Selection, Payer: payer, Method: "bank", Quote: q.Token}); !fault.Is(err, fault.Conflict) {
		t.Errorf("the price of a number that is no longer valid: %v", err)
	}
	if state := s.vatState(max, payer); state.State != vat.StateInvalid {
		t.Errorf("%+v", state)
	}
	s.clean()
}

// Whatever the register says and when, no sale is without VAT unless a "valid"
// about the payer's own number, at most 30 days old and the last word, carries it
// (I28); and nothing is kept from being paid.
func TestReverseChargeAlwaysHasAProof(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			s, r := withRegister(t, "valid")
			random := rand.New(rand.NewPCG(seed, 28))
			type known struct {
				valid bool
				at    time.Time
			}
			max, payer := s.company(7_900_000_009_200)
			last := known{true, s.clock.Now()}
			answers := 1
			look := func() {
				rows, err := s.db.Pool().Query(s.ctx(), `SELECT result = 'valid', checked_at FROM vat_check ORDER BY id OFFSET $1`, answers)
				s.must(err)
				for rows.Next() {
					s.must(rows.Scan(&last.valid, &last.at))
					answers++
				}
				s.must(rows.Err())
			}
			withoutVAT := 0
			for range 60 {
				r.say([]string{"valid", "valid", "invalid", "MS_UNAVAILABLE", "TIMEOUT", "GLOBAL_MAX_CONCURRENT_REQ", "NOT_JSON"}[random.IntN(7)])
				switch random.IntN(4) {
				case 0:
					s.wait(random.IntN(40))
				case 1:
					s.later(time.Duration(random.IntN(30*3600)) * time.Second)
				case 2:
					s.must(discardInt(s.CheckVATNumbers(s.ctx())))
				case 3:
					s.bill(max, german())
				}
				look()
				sel := softphone(1+random.IntN(8), false, 6)
				q := s.quote(max, sel)
				number, err := s.PlaceOrder(s.ctx(), max, app.PlaceOrder{Selection: sel, Payer: payer, Method: "bank", Quote: q.Token})
				look()
				if fault.Is(err, fault.Conflict) { // the answer changed the price, or the plan is another one already
					continue
				}
				s.must(err)
				o, err := s.Order(s.ctx(), max, number)
				s.must(err)
				if random.IntN(3) == 0 {
					s.wait(random.IntN(13))
				}
				s.importFile(s.camt(banktest.Version08, s.entry(o)))
				look()
				if o, err = s.Order(s.ctx(), max, number); err != nil || o.State != order.StatePaid && o.VATRow != "R4" {
					// Priced without VAT, to be paid with it: the money is kept, not lost.
					t.Fatalf("order %s by %s: %v", o.State, o.VATRow, err)
				}
				if o.State != order.StatePaid {
					s.must(s.CancelOrder(s.ctx(), max, number))
					continue
				}
				row, _ := s.settled(number)
				age := s.clock.Now().Sub(last.at)
				if may := last.valid && age <= vat.ProofLife; (row == "R4") != may {
					t.Fatalf("settled by %s; the last answer was %t, %s ago", row, last.valid, age)
				}
				if row == "R4" {
					withoutVAT++
				}
			}
			if withoutVAT == 0 {
				t.Error("nothing was sold without VAT, so nothing was tried")
			}
			s.must(s.IssuePending(s.ctx()))
			s.clean()
		})
	}
}

// The wall behind that: what a program gone wrong might settle without VAT.
func TestTheDatabaseWantsAProof(t *testing.T) {
	t.Parallel()
	s, r := withRegister(t, "valid")
	max, _ := s.company(7_900_000_009_300)
	s.order(max, softphone(1, false, 6))
	r.say("invalid")
	eve, _ := s.company(7_900_000_009_301)
	s.order(eve, softphone(1, false, 6))
	settle := func(who, number, name, age string) string {
		return fmt.Sprintf(`INSERT INTO settlement (order_id, tax_point, treatment, buyer, net_minor, vat_minor, shortfall_minor, settled_at)
			SELECT o.id, current_date, '{"Row": "R4"}', '{"VATNumber": %q, "Name": %q}', 1, 0, 0, c.checked_at + interval '%s'
			FROM orders o JOIN account a ON a.id = o.placed_by, (SELECT min(checked_at) AS checked_at FROM vat_check WHERE result = 'valid') c
			WHERE a.telegram_id = %s`, number, name, age, who)
	}
	const max1, eve1 = "7900000009300", "7900000009301"
	if got := s.try(settle(max1, "DE136695976", "Brenner GmbH", "720 hours")); got != "" {
		t.Errorf("with a proof: refused for %s", got)
	}
	for name, attempt := range map[string]string{
		"too old":            settle(max1, "DE136695976", "Brenner GmbH", "720 hours 1 second"),
		"given later":        settle(max1, "DE136695976", "Brenner GmbH", "-1 second"),
		"of another number":  settle(max1, "DE136695978", "Brenner GmbH", "1 hour"),
		"under another name": settle(max1, "DE136695976", "Other GmbH", "1 hour"),
		"of another payer":   settle(eve1, "DE136695976", "Brenner GmbH", "1 hour"),
		"another one is named": strings.NewReplacer("settled_at)", "settled_at, vat_check_id)",
			"interval '1 hour'", "interval '1 hour', (SELECT max(id) FROM vat_check WHERE result = 'invalid')").Replace(settle(max1, "DE136695976", "Brenner GmbH", "1 hour")),
	} {
		if got := s.try(attempt); got != "settlement_has_its_proof" {
			t.Errorf("%s: refused for %q", name, got)
		}
		if got := s.try(`DROP TRIGGER settlement_has_its_proof ON settlement`, attempt); got != "" {
			t.Errorf("%s: refused for %s too, so the test would not miss it", name, got)
		}
	}
}

// Only the back office sees everybody's, and what it saw is written down.
func TestTheBackOfficeSeesProofs(t *testing.T) {
	t.Parallel()
	s, _ := withRegister(t, "valid")
	max, payer := s.company(7_900_000_009_400)
	for _, actor := range []account.Actor{max, {}} {
		if _, err := s.StaffVAT(s.ctx(), actor, "DE136695976"); !fault.Is(err, fault.NotFound) {
			t.Errorf("%v", err)
		}
	}
	jonas := s.colleague(7_900_000_009_401, "Jonas", account.StaffSupport)
	seen, err := s.StaffVAT(s.ctx(), jonas, " de136695976 ")
	s.must(err)
	if len(seen.Proofs) != 1 || seen.Proofs[0].PayerID != string(payer) || seen.Proofs[0].Reference == "" || seen.Proofs[0].Program != "portal/test" {
		t.Errorf("%+v", seen)
	}
	if s.count(`SELECT count(*) FROM audit WHERE action = 'staff.viewed' AND detail::text LIKE '%' || $1 || '%'`, string(payer)) != 1 {
		t.Error("nobody knows who looked")
	}
	if _, err := s.StaffVAT(s.ctx(), jonas, "SIP-2026-999999"); !fault.Is(err, fault.Invalid) {
		t.Errorf("%v", err)
	}
}
