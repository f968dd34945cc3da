package payment_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/siptg/portal/internal/fault"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
	"pgregory.net/rapid"
)

const due money.Amount = 2500

var start = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func at(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

func eur(minor money.Amount) money.Money { return money.Of(minor, "EUR") }

// in returns a payment in a state, as it got there.
func in(s payment.State) payment.Payment {
	p := payment.Payment{ID: "p", State: s, Amount: eur(due), AttemptNo: 1, SentAt: start, RepeatUntil: at(3600), AsOf: start}
	if s == payment.Succeeded {
		p.Received = due
	}
	if s == payment.PartiallyPaid {
		p.Received, p.MayUnderpay = 1000, true
	}
	return p
}

// view returns a view with the money that fits its state.
func view(s payment.State, seconds int) payment.Snapshot {
	v := payment.Snapshot{PaymentID: "p", State: s, Amount: eur(due), AsOf: at(seconds)}
	if s == payment.Succeeded {
		v.Received = eur(due)
	}
	if s == payment.PartiallyPaid {
		v.Received = eur(1500)
	}
	return v
}

// kinds lists what effects there are besides moves.
func kinds(effects []payment.Effect) string {
	var out []string
	for _, e := range effects {
		switch e.Kind {
		case payment.Moved:
		case payment.Alert:
			out = append(out, string(e.Code))
		case payment.Settle, payment.CreditBalance, payment.MoneyReturned, payment.MoneyDisputed:
			out = append(out, string(e.Kind)+" "+e.Amount.Decimal())
		default:
			out = append(out, string(e.Kind))
		}
	}
	return strings.Join(out, ", ")
}

// checkMoves: the moves are one chain of edges from one state to the other.
func checkMoves(t interface{ Errorf(string, ...any) }, from, to payment.State, effects []payment.Effect) {
	for _, e := range effects {
		if e.Kind != payment.Moved {
			continue
		}
		if e.From != from || !payment.MayMove(e.From, e.To) {
			t.Errorf("moved %s -> %s while at %s", e.From, e.To, from)
		}
		from = e.To
	}
	if from != to {
		t.Errorf("moves end at %s, the payment at %s", from, to)
	}
}

// The whole table: the state after a newer view, for every state and every view,
// where the amount is fixed (no part can come) and where the payer types it.
func TestEveryStateAndView(t *testing.T) {
	t.Parallel()
	short := map[string]payment.State{
		"crea": payment.Created, "wait": payment.AwaitingPayer, "act": payment.ActionRequired, "proc": payment.Processing, "part": payment.PartiallyPaid,
		"unkn": payment.Unknown, "ok": payment.Succeeded, "fail": payment.Failed, "canc": payment.Canceled, "exp": payment.Expired, "abs": payment.Absent,
	}
	for _, table := range []struct {
		underpay bool
		rows     string
	}{
		{false, `
			view: crea wait act  proc part ok   fail canc exp  unkn abs
			crea  crea wait act  proc crea ok   fail canc exp  crea crea
			wait  wait wait act  proc wait ok   fail canc exp  wait wait
			act   act  wait act  proc act  ok   fail canc exp  act  act
			proc  proc wait act  proc proc ok   fail canc exp  proc proc
			unkn  unkn wait act  proc unkn ok   fail canc exp  unkn unkn
			ok    ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
			fail  fail fail fail fail fail fail fail fail fail fail fail
			canc  canc canc canc canc canc canc canc canc canc canc canc
			exp   exp  exp  exp  exp  exp  exp  exp  exp  exp  exp  exp`},
		{true, `
			view: crea wait act  proc part ok   fail canc exp  unkn abs
			crea  crea wait act  proc part ok   fail canc exp  crea crea
			wait  wait wait act  proc part ok   fail canc exp  wait wait
			act   act  wait act  proc part ok   fail canc exp  act  act
			proc  proc wait act  proc part ok   fail canc exp  proc proc
			part  part part part part part ok   part part part part part
			unkn  unkn wait act  proc part ok   fail canc exp  unkn unkn
			ok    ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
			fail  fail fail fail fail fail fail fail fail fail fail fail
			canc  canc canc canc canc canc canc canc canc canc canc canc
			exp   exp  exp  exp  exp  exp  exp  exp  exp  exp  exp  exp`},
	} {
		lines := strings.Split(strings.TrimSpace(table.rows), "\n")
		views := strings.Fields(lines[0])[1:]
		pairs := 0
		for _, line := range lines[1:] {
			cells := strings.Fields(line)
			for i, name := range views {
				pairs++
				p := in(short[cells[0]])
				p.MayUnderpay = table.underpay
				after, effects, err := payment.Apply(p, view(short[name], 60))
				if err != nil {
					t.Errorf("%s, view %s: %v", cells[0], name, err)
				}
				if want := short[cells[i+1]]; after.State != want {
					t.Errorf("%s, view %s: %s, want %s (may underpay: %v)", cells[0], name, after.State, want, table.underpay)
				}
				checkMoves(t, p.State, after.State, effects)
				again, more, err := payment.Apply(after, view(short[name], 60))
				if err != nil || again.State != after.State || len(more) != 0 && more[0].Kind != payment.Repeat {
					t.Errorf("%s, view %s again: %s, %s, %v", cells[0], name, again.State, kinds(more), err)
				}
			}
		}
		if want := 11 * (len(lines) - 1); pairs != want {
			t.Errorf("%d pairs, want %d", pairs, want)
		}
	}
}

func TestMoneyOfAView(t *testing.T) {
	t.Parallel()
	with := func(s payment.State, received money.Money) payment.Snapshot {
		v := view(s, 60)
		v.Received = received
		return v
	}
	loose := in(payment.AwaitingPayer)
	loose.MayUnderpay, loose.Tolerated = true, 100
	other := view(payment.Succeeded, 60)
	other.Amount = eur(due + 1)
	refunded := view(payment.Succeeded, 60)
	refunded.Refunded, refunded.Disputed = eur(700), eur(100)
	over := view(payment.Succeeded, 60)
	over.Refunded = eur(due + 1)
	twice := view(payment.Succeeded, 60)
	twice.Refunded, twice.Disputed = eur(due), eur(1)
	kept := view(payment.Succeeded, 60)
	kept.Method = &payment.SavedMethod{Ref: "card"}
	for _, tt := range []struct {
		name    string
		p       payment.Payment
		v       payment.Snapshot
		want    payment.State
		effects string
	}{
		{"paid", in(payment.AwaitingPayer), view(payment.Succeeded, 60), payment.Succeeded, "settle 25.00"},
		{"paid with a card to keep", in(payment.AwaitingPayer), kept, payment.Succeeded, "settle 25.00, keep_method"},
		{"too little", in(payment.AwaitingPayer), with(payment.Succeeded, eur(due-1)), payment.AwaitingPayer, "amount_mismatch"},
		{"too much", in(payment.Unknown), with(payment.Succeeded, eur(due+1)), payment.Unknown, "amount_mismatch"},
		{"nothing", in(payment.Processing), with(payment.Succeeded, money.Money{}), payment.Processing, "amount_mismatch"},
		{"below nothing", in(payment.Processing), with(payment.Succeeded, eur(-due)), payment.Processing, "amount_mismatch"},
		{"another currency", in(payment.AwaitingPayer), with(payment.Succeeded, money.Of(due, "USD")), payment.AwaitingPayer, "amount_mismatch"},
		{"asked for another amount", in(payment.AwaitingPayer), other, payment.AwaitingPayer, "amount_mismatch"},
		{"failed with money", in(payment.Processing), with(payment.Failed, eur(due)), payment.Processing, "contradiction"},
		{"more back than came", in(payment.AwaitingPayer), over, payment.AwaitingPayer, "contradiction"},
		{"more back and disputed than came", in(payment.Succeeded), twice, payment.Succeeded, "contradiction"},
		{"a part of a fixed amount", in(payment.AwaitingPayer), view(payment.PartiallyPaid, 60), payment.AwaitingPayer, "contradiction"},
		{"a part", loose, with(payment.PartiallyPaid, eur(due-101)), payment.PartiallyPaid, ""},
		{"nearly all", loose, with(payment.PartiallyPaid, eur(due-100)), payment.Succeeded, "settle 24.00"},
		{"more than all", loose, with(payment.Succeeded, eur(due+50)), payment.Succeeded, "settle 25.00, credit_balance 0.50"},
		{"done, they say", loose, with(payment.Succeeded, eur(1000)), payment.PartiallyPaid, ""},
		{"window closed on a part", loose, with(payment.Expired, eur(1000)), payment.Expired, "credit_balance 10.00"},
		{"window closed on all", loose, with(payment.Expired, eur(due)), payment.Succeeded, "settle 25.00"},
		{"late money", in(payment.Expired), with(payment.Succeeded, eur(due)), payment.Expired, "credit_balance 25.00, money_after_end"},
		{"paid twice", in(payment.Succeeded), with(payment.Succeeded, eur(2*due)), payment.Succeeded, "credit_balance 25.00, money_after_end"},
		{"late failure", in(payment.Succeeded), with(payment.Failed, money.Money{}), payment.Succeeded, "contradiction"},
		{"a wrong currency at the end", in(payment.Failed), with(payment.Succeeded, money.Of(due, "USD")), payment.Failed, "amount_mismatch"},
		{"refunded and disputed", in(payment.Succeeded), refunded, payment.Succeeded, "money_returned 7.00, money_disputed 1.00"},
		{"seen only after the refund", in(payment.AwaitingPayer), refunded, payment.Succeeded, "settle 25.00, money_returned 7.00, money_disputed 1.00"},
		{"forgotten", in(payment.Processing), view(payment.Absent, 60), payment.Processing, "vanished"},
	} {
		after, effects, err := payment.Apply(tt.p, tt.v)
		if err != nil || after.State != tt.want || kinds(effects) != tt.effects {
			t.Errorf("%s: %s with %q, %v; want %s with %q", tt.name, after.State, kinds(effects), err, tt.want, tt.effects)
		}
		if again, more, err := payment.Apply(after, tt.v); err != nil || again != after || len(more) != 0 {
			t.Errorf("%s, again: %s with %q, %v", tt.name, again.State, kinds(more), err)
		}
		older := tt.v
		older.AsOf = start.Add(-time.Second)
		if p, more, err := payment.Apply(tt.p, older); err != nil || p != tt.p || len(more) != 0 {
			t.Errorf("%s, older: %s with %q, %v", tt.name, p.State, kinds(more), err)
		}
	}
}

// Of two views of one instant the one that is further on counts; and a part that
// came is seen before its window closes, because awaiting_payer expires empty.
func TestStepsInBetween(t *testing.T) {
	t.Parallel()
	p, _, err := payment.Apply(in(payment.Created), view(payment.Processing, 60))
	if err != nil {
		t.Fatal(err)
	}
	if after, effects, err := payment.Apply(p, view(payment.AwaitingPayer, 60)); err != nil || after != p || len(effects) != 0 {
		t.Errorf("a view of the same instant: %s, %v", after.State, err)
	}
	p, v := in(payment.Created), view(payment.Expired, 60)
	p.MayUnderpay, v.Received = true, eur(1000)
	_, effects, err := payment.Apply(p, v)
	want := []payment.Effect{
		{Kind: payment.Moved, From: payment.Created, To: payment.AwaitingPayer},
		{Kind: payment.Moved, From: payment.AwaitingPayer, To: payment.PartiallyPaid},
		{Kind: payment.Moved, From: payment.PartiallyPaid, To: payment.Expired},
		{Kind: payment.CreditBalance, Amount: 1000},
	}
	if err != nil || !slices.Equal(effects, want) {
		t.Errorf("effects %v, %v; want %v", effects, err, want)
	}
}

// I24: what is not believed leaves no trace but a note for a person.
func TestADoubtfulViewChangesNothing(t *testing.T) {
	t.Parallel()
	p := in(payment.AwaitingPayer)
	v := view(payment.Succeeded, 60)
	v.Received, v.Ref, v.PayerURL = eur(1), "r", "https://elsewhere.example"
	after, _, err := payment.Apply(p, v)
	p.Parked = payment.AlertAmountMismatch
	if err != nil || after != p {
		t.Errorf("%+v, %v; want %+v", after, err, p)
	}
	// A later one that fits takes it from there, also if its clock is behind.
	after, effects, err := payment.Apply(after, view(payment.Succeeded, 30))
	if err != nil || after.State != payment.Succeeded || after.Parked != "" || kinds(effects) != "settle 25.00" {
		t.Errorf("%s, parked %q, %q, %v", after.State, after.Parked, kinds(effects), err)
	}
	v.PaymentID = "q"
	if _, effects, err := payment.Apply(p, v); !errors.Is(err, payment.ErrOtherPayment) || len(effects) != 0 {
		t.Errorf("a view of another payment: %v, %v", effects, err)
	}
}

func TestAbsenceIsProvedByTime(t *testing.T) {
	t.Parallel()
	noMemory := in(payment.Unknown)
	noMemory.RepeatUntil = start
	unsent := in(payment.Created)
	unsent.SentAt = time.Time{}
	withRef := in(payment.Unknown)
	withRef.Ref = "r"
	for _, tt := range []struct {
		name    string
		p       payment.Payment
		seconds int
		want    payment.State
		effects string
	}{
		{"while the key is remembered", in(payment.Unknown), 3599, payment.Unknown, "repeat"},
		{"a crash before the answer", in(payment.Created), 60, payment.Created, "repeat"},
		{"afterwards", in(payment.Unknown), 3600, payment.Failed, "not_done"},
		{"no memory, on its way perhaps", noMemory, 599, payment.Unknown, ""},
		{"no memory, afterwards", noMemory, 600, payment.Failed, "not_done"},
		{"not sent at all", unsent, 4000, payment.Created, ""},
		{"it was known", withRef, 4000, payment.Unknown, "vanished"},
		{"it was paid", in(payment.Succeeded), 4000, payment.Succeeded, "vanished"},
		{"it had failed", in(payment.Failed), 4000, payment.Failed, ""},
	} {
		after, effects, err := payment.Apply(tt.p, view(payment.Absent, tt.seconds))
		if err != nil || after.State != tt.want || kinds(effects) != tt.effects {
			t.Errorf("%s: %s with %q, %v; want %s with %q", tt.name, after.State, kinds(effects), err, tt.want, tt.effects)
		}
	}
}

// histories are what a provider's book may show of one payment over time: at
// most six views, each after the one before.
func histories() [][]payment.Snapshot {
	w, a, pr, ok, f, c, e := payment.AwaitingPayer, payment.ActionRequired, payment.Processing, payment.Succeeded, payment.Failed, payment.Canceled, payment.Expired
	var out [][]payment.Snapshot
	for _, states := range [][]payment.State{
		{w, a, w, pr, ok, ok}, {w, pr, a, pr, f, f}, {a, pr, a, e}, {w, w, c}, {pr, ok}, {pr, a, ok, ok, ok, ok}, {w, e}, {w, a, pr, a, w, a}, {f}, {ok},
	} {
		var history []payment.Snapshot
		for i, s := range states {
			v := view(s, 10*(i+1))
			if s == ok && i > 0 && states[i-1] == ok { // paid for a while: a refund each time
				v.Refunded = eur(history[i-1].Refunded.Amount + 500)
			}
			history = append(history, v)
		}
		out = append(out, history)
	}
	return out
}

// played applies views in an order and checks each step and the money at the end.
func played(t interface {
	Errorf(string, ...any)
	Fatal(...any)
}, p payment.Payment, views []payment.Snapshot) payment.Payment {
	var booked, returned money.Amount
	for _, v := range views {
		after, effects, err := payment.Apply(p, v)
		if err != nil {
			t.Fatal(err)
		}
		checkMoves(t, p.State, after.State, effects)
		if p.State.Terminal() && after.State != p.State {
			t.Errorf("%s moved to %s", p.State, after.State)
		}
		for _, e := range effects {
			switch e.Kind {
			case payment.Settle, payment.CreditBalance:
				booked += e.Amount
			case payment.MoneyReturned:
				returned += e.Amount
			case payment.Alert:
				t.Errorf("alert %s", e.Code)
			default:
			}
		}
		p = after
	}
	if p.State.Terminal() && booked != p.Received || !p.State.Terminal() && booked != 0 {
		t.Errorf("%s: booked %s of %s", p.State, booked.Decimal(), p.Received.Decimal())
	}
	if returned != p.Refunded {
		t.Errorf("returned %s of %s", returned.Decimal(), p.Refunded.Decimal())
	}
	return p
}

// I23: all orders of up to six views end in one state.
func TestEveryOrderEndsInOneState(t *testing.T) {
	t.Parallel()
	for _, from := range []payment.State{payment.Created, payment.Unknown} {
		for _, history := range histories() {
			want := played(t, in(from), history)
			permute(history, func(order []payment.Snapshot) {
				got := played(t, in(from), order)
				if got.State != want.State || got.Received != want.Received || got.Refunded != want.Refunded {
					t.Fatalf("from %s: %s, received %s, refunded %s; want %s, %s, %s: %v", from,
						got.State, got.Received.Decimal(), got.Refunded.Decimal(), want.State, want.Received.Decimal(), want.Refunded.Decimal(), order)
				}
			})
		}
	}
}

// permute calls f with every order of views.
func permute(views []payment.Snapshot, f func([]payment.Snapshot)) {
	order := slices.Clone(views)
	var place func(int)
	place = func(n int) {
		if n == len(order) {
			f(order)
			return
		}
		for i := n; i < len(order); i++ {
			order[n], order[i] = order[i], order[n]
			place(n + 1)
			order[n], order[i] = order[i], order[n]
		}
	}
	place(0)
}

// I5, I23: the same with each view up to twice, of instants that may coincide,
// and with amounts that the payer typed.
func TestRepetitionAndOrderDoNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := in(rapid.SampledFrom([]payment.State{payment.Created, payment.Unknown, payment.AwaitingPayer}).Draw(t, "from"))
		p.AsOf = start
		var history []payment.Snapshot
		if p.MayUnderpay = rapid.Bool().Draw(t, "may underpay"); p.MayUnderpay {
			history = parts(t)
		} else {
			history = rapid.SampledFrom(histories()).Draw(t, "history")
		}
		want := played(t, p, history)
		order := slices.Clone(history)
		for _, v := range history {
			if rapid.Bool().Draw(t, "twice") {
				order = append(order, v)
			}
		}
		got := played(t, p, rapid.Permutation(order).Draw(t, "order"))
		if got.State != want.State || got.Received != want.Received || got.Refunded != want.Refunded {
			t.Errorf("%s, received %s, refunded %s; want %s, %s, %s",
				got.State, got.Received.Decimal(), got.Refunded.Decimal(), want.State, want.Received.Decimal(), want.Refunded.Decimal())
		}
	})
}

// parts draws a history of a payment that comes in parts, with instants that
// may coincide.
func parts(t *rapid.T) (history []payment.Snapshot) {
	seconds, received, ended := 10, money.Amount(0), false
	for range rapid.IntRange(1, 6).Draw(t, "views") {
		if more := rapid.IntRange(0, 3).Draw(t, "part"); !ended || more == 3 {
			received += money.Amount(more) * 400
		}
		state := payment.AwaitingPayer
		switch {
		case received >= due:
			state, ended = payment.Succeeded, true
		case ended || rapid.IntRange(0, 4).Draw(t, "close") == 0:
			state, ended = payment.Expired, true
		case received > 0:
			state = payment.PartiallyPaid
		}
		v := view(state, seconds)
		v.Received = eur(received)
		history = append(history, v)
		if ended { // what comes later comes for an ended payment
			return history
		}
		seconds += rapid.IntRange(0, 1).Draw(t, "later") * 10
	}
	return history
}

// A late "failed" never undoes a capture, whatever clock it carries.
func TestNothingUndoesACapture(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := in(payment.Succeeded)
		for range rapid.IntRange(1, 6).Draw(t, "views") {
			v := view(rapid.SampledFrom(append(payment.States(), payment.Absent)).Draw(t, "state"), rapid.IntRange(-60, 600).Draw(t, "at"))
			v.Received = eur(money.Amount(rapid.Int64Range(0, int64(due)).Draw(t, "received")))
			after, effects, err := payment.Apply(p, v)
			if err != nil || after.State != payment.Succeeded || after.Received != due {
				t.Fatalf("%s, received %s, %v", after.State, after.Received.Decimal(), err)
			}
			for _, e := range effects {
				if e.Kind != payment.Alert {
					t.Fatalf("effect %s", e.Kind)
				}
			}
			p = after
			r := payment.Result{Outcome: payment.Outcome(rapid.IntRange(0, 5).Draw(t, "outcome")), Decline: &payment.Decline{}}
			if after, effects, err := payment.ApplyResult(p, payment.OpCharge, r); err != nil || after != p || len(effects) != 0 {
				t.Fatalf("%s after the answer %s, %v", after.State, r.Outcome, err)
			}
		}
	})
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	paid, failed, waits := view(payment.Succeeded, 5), view(payment.Failed, 5), view(payment.AwaitingPayer, 5)
	again := &payment.Decline{Code: "insufficient_funds", Retryable: true}
	never := &payment.Decline{Code: "stolen_card"}
	last, tired := in(payment.Created), in(payment.Created)
	last.AttemptNo, last.Declines = payment.MaxDeclines, payment.MaxDeclines-1
	tired.AttemptNo = payment.MaxNotSent
	for _, tt := range []struct {
		name    string
		p       payment.Payment
		op      payment.Operation
		r       payment.Result
		want    payment.State
		attempt int
	}{
		{"charged", in(payment.Created), payment.OpCharge, payment.Result{Outcome: payment.OutcomeSucceeded, Snapshot: &paid}, payment.Succeeded, 1},
		{"charged, they say without amounts", in(payment.Created), payment.OpCharge, payment.Result{Outcome: payment.OutcomeSucceeded}, payment.Unknown, 1},
		{"accepted", in(payment.Created), payment.OpCharge, payment.Result{Outcome: payment.OutcomePending}, payment.Processing, 1},
		{"the bank wants the payer", in(payment.Created), payment.OpCharge, payment.Result{Outcome: payment.OutcomeActionRequired}, payment.ActionRequired, 1},
		{"a checkout", in(payment.Created), payment.OpCheckout, payment.Result{Outcome: payment.OutcomeActionRequired}, payment.AwaitingPayer, 1},
		{"no for good", in(payment.Created), payment.OpCharge, payment.Result{Outcome: payment.OutcomeDeclined, Decline: never, Snapshot: &failed}, payment.Failed, 1},
		{"no for today", in(payment.Created), payment.OpCharge, payment.Result{Outcome: payment.OutcomeDeclined, Decline: again, Snapshot: &failed}, payment.Created, 2},
		{"no for the last time", last, payment.OpCharge, payment.Result{Outcome: payment.OutcomeDeclined, Decline: again}, payment.Failed, payment.MaxDeclines},
		{"not sent", in(payment.Created), payment.OpCharge, payment.Result{Outcome: payment.OutcomeNotSent}, payment.Created, 2},
		{"not sent for the last time", tired, payment.OpCharge, payment.Result{Outcome: payment.OutcomeNotSent}, payment.Failed, payment.MaxNotSent},
		{"nobody knows", in(payment.Created), payment.OpCharge, payment.Result{Outcome: payment.OutcomeUnknown}, payment.Unknown, 1},
		{"nobody knows still", in(payment.Unknown), payment.OpCharge, payment.Result{Outcome: payment.OutcomeUnknown}, payment.Unknown, 1},
		{"the repetition was not sent", in(payment.Unknown), payment.OpCharge, payment.Result{Outcome: payment.OutcomeNotSent}, payment.Unknown, 1},
		{"the repetition was declined", in(payment.Unknown), payment.OpCharge, payment.Result{Outcome: payment.OutcomeDeclined, Decline: again}, payment.Failed, 1},
		{"a late timeout", in(payment.Processing), payment.OpCharge, payment.Result{Outcome: payment.OutcomeUnknown}, payment.Processing, 1},
		{"a late decline", in(payment.Processing), payment.OpCharge, payment.Result{Outcome: payment.OutcomeDeclined, Decline: never}, payment.Processing, 1},
		{"cancel: ambiguous", in(payment.AwaitingPayer), payment.OpCancel, payment.Result{Outcome: payment.OutcomeUnknown}, payment.Unknown, 1},
		{"cancel: ambiguous, being processed", in(payment.Processing), payment.OpCancel, payment.Result{Outcome: payment.OutcomeUnknown}, payment.Processing, 1},
		{"cancel: too late", in(payment.AwaitingPayer), payment.OpCancel, payment.Result{Outcome: payment.OutcomeDeclined, Snapshot: &paid}, payment.Succeeded, 1},
		{"cancel: no", in(payment.AwaitingPayer), payment.OpCancel, payment.Result{Outcome: payment.OutcomeDeclined}, payment.AwaitingPayer, 1},
		{"cancel: not sent", in(payment.AwaitingPayer), payment.OpCancel, payment.Result{Outcome: payment.OutcomeNotSent}, payment.AwaitingPayer, 1},
		{"a refund moves nothing", in(payment.Succeeded), payment.OpRefund, payment.Result{Outcome: payment.OutcomeUnknown}, payment.Succeeded, 1},
		{"a view beside a timeout is not believed", in(payment.Created), payment.OpCheckout, payment.Result{Outcome: payment.OutcomeUnknown, Snapshot: &waits}, payment.Unknown, 1},
	} {
		after, effects, err := payment.ApplyResult(tt.p, tt.op, tt.r)
		if err != nil || after.State != tt.want || after.AttemptNo != tt.attempt {
			t.Errorf("%s: %s, attempt %d, %v; want %s, %d", tt.name, after.State, after.AttemptNo, err, tt.want, tt.attempt)
		}
		checkMoves(t, tt.p.State, after.State, effects)
		if after.AttemptNo > tt.p.AttemptNo && !after.SentAt.IsZero() {
			t.Errorf("%s: the next attempt looks sent", tt.name)
		}
	}
}

// A look at the book between two attempts, or after the second, finds the
// failure of the first.
func TestACountedDeclineDoesNotEndThePayment(t *testing.T) {
	t.Parallel()
	p, _, err := payment.ApplyResult(in(payment.Created), payment.OpCharge, payment.Result{
		Outcome: payment.OutcomeDeclined, Ref: "first", Decline: &payment.Decline{Code: "insufficient_funds", Retryable: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	failed := func(ref string, seconds int) payment.Snapshot {
		v := view(payment.Failed, seconds)
		v.Ref = ref
		return v
	}
	if after, effects, err := payment.Apply(p, failed("first", 60)); err != nil || after != p || len(effects) != 0 {
		t.Errorf("before the second: %s, %q, %v", after.State, kinds(effects), err)
	}
	if p, err = p.Sent(at(90), time.Hour); err != nil {
		t.Fatal(err)
	}
	unknown, _, err := payment.ApplyResult(p, payment.OpCharge, payment.Result{Outcome: payment.OutcomeUnknown})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []payment.Payment{p, unknown} {
		if after, effects, err := payment.Apply(p, failed("first", 120)); err != nil || after != p || kinds(effects) != "repeat" {
			t.Errorf("%s, and the second is not there: %s, %q, %v", p.State, after.State, kinds(effects), err)
		}
		if after, _, err := payment.Apply(p, failed("first", 90+3600)); err != nil || after.State != payment.Failed {
			t.Errorf("%s, and it never came: %s, %v", p.State, after.State, err)
		}
		if after, _, err := payment.Apply(p, failed("second", 120)); err != nil || after.State != payment.Failed {
			t.Errorf("%s, and the second failed: %s, %v", p.State, after.State, err)
		}
	}
}

// The key stays the same while nobody knows, and is new after a definite answer.
func TestKeys(t *testing.T) {
	t.Parallel()
	p := in(payment.Created)
	p.SentAt = time.Time{}
	p, err := p.Sent(start, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if key := p.Key(payment.OpCharge); key != "p:charge:1" {
		t.Errorf("key %s", key)
	}
	if _, err := p.Sent(start, time.Hour); !fault.Is(err, fault.Conflict) {
		t.Errorf("sent twice: %v", err)
	}
	if _, _, err := p.Superseded(); !fault.Is(err, fault.Conflict) {
		t.Errorf("superseded after it was sent: %v", err)
	}
	if !p.MayRepeat(at(3599)) || p.MayRepeat(at(3600)) {
		t.Error("it may be repeated for an hour")
	}
	unknown, _, err := payment.ApplyResult(p, payment.OpCharge, payment.Result{Outcome: payment.OutcomeUnknown})
	if err != nil || unknown.Key(payment.OpCharge) != "p:charge:1" || !unknown.MayRepeat(at(60)) {
		t.Errorf("after a timeout: key %s, %v", unknown.Key(payment.OpCharge), err)
	}
	next, _, err := payment.ApplyResult(p, payment.OpCharge, payment.Result{Outcome: payment.OutcomeNotSent})
	if err != nil || next.Key(payment.OpCharge) != "p:charge:2" || next.MayRepeat(at(60)) {
		t.Errorf("not sent: key %s, %v", next.Key(payment.OpCharge), err)
	}
	canceled, effects, err := next.Superseded()
	if err != nil || canceled.State != payment.Canceled {
		t.Errorf("superseded: %s, %v", canceled.State, err)
	}
	checkMoves(t, next.State, canceled.State, effects)
}

func TestCalendar(t *testing.T) {
	t.Parallel()
	p := in(payment.Unknown)
	now := start
	var waits []time.Duration
	for range 50 {
		planned, effects, err := p.Scheduled(now)
		if err != nil {
			t.Fatal(err)
		}
		p = planned
		if p.NextCheckAt.IsZero() {
			if kinds(effects) != "undecided" {
				t.Errorf("at the end: %q", kinds(effects))
			}
			if _, effects, _ := p.Scheduled(now); len(effects) != 0 {
				t.Errorf("a person was called twice: %q", kinds(effects))
			}
			break
		}
		waits = append(waits, p.NextCheckAt.Sub(now))
		now = p.NextCheckAt
	}
	day := 24 * time.Hour
	if want := []time.Duration{30 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour, day, day, day, day, day, day, day}; !slices.Equal(waits, want) {
		t.Errorf("looks after %v, want %v", waits, want)
	}
	// A change of state starts the calendar anew.
	moved, _, err := payment.Apply(p, view(payment.Processing, 60))
	if err != nil {
		t.Fatal(err)
	}
	open := in(payment.AwaitingPayer)
	open.ExpiresAt = at(1800)
	for _, tt := range []struct {
		name string
		p    payment.Payment
		now  int
		want int
	}{
		{"processing", moved, 0, 3600},
		{"an open checkout", open, 0, 1800 + 300},
		{"a checkout past its end", open, 2100, 2100 + 30},
		{"no end", in(payment.ActionRequired), 0, 3600},
		{"before the answer", in(payment.Created), 0, 30},
	} {
		planned, _, err := tt.p.Scheduled(at(tt.now))
		if err != nil || !planned.NextCheckAt.Equal(at(tt.want)) {
			t.Errorf("%s: %s, %v; want %s", tt.name, planned.NextCheckAt, err, at(tt.want))
		}
	}
	if planned, _, _ := in(payment.Succeeded).Scheduled(start); !planned.NextCheckAt.IsZero() {
		t.Error("an ended payment is looked at")
	}
}

func TestTopUp(t *testing.T) {
	t.Parallel()
	parent := in(payment.Expired)
	parent.PayerID, parent.Ref = "payer", "r"
	child := parent.TopUp(700, at(60))
	if child.State != payment.Succeeded || child.Received != 700 || child.Amount != eur(700) || child.ParentID != "p" || child.PayerID != "payer" || child.Ref != "" || child.ID != "" {
		t.Errorf("%+v", child)
	}
}

func TestRefunds(t *testing.T) {
	t.Parallel()
	p := in(payment.Succeeded)
	p.Disputed = 500
	for _, tt := range []struct {
		asked  money.Amount
		amount money.Money
		ok     bool
	}{
		{0, eur(2000), true}, {0, eur(2001), false}, {1500, eur(500), true}, {1500, eur(501), false}, {0, eur(0), false}, {0, eur(-1), false}, {0, money.Of(100, "USD"), false},
	} {
		if err := payment.Refundable(p, tt.asked, tt.amount); (err == nil) != tt.ok || err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("%s after %s: %v", tt.amount, tt.asked.Decimal(), err)
		}
	}
	r := payment.Refund{ID: "r", Amount: eur(500), State: payment.RefundRequested, AttemptNo: 1}
	unsent := r.Answered(payment.Result{Outcome: payment.OutcomeNotSent})
	if unsent.State != payment.RefundRequested || unsent.Key() != "r:refund:2" {
		t.Errorf("not sent: %s, %s", unsent.State, unsent.Key())
	}
	lost := r.Answered(payment.Result{Outcome: payment.OutcomeUnknown})
	if lost.State != payment.RefundUnknown || lost.Key() != "r:refund:1" {
		t.Errorf("lost answer: %s, %s", lost.State, lost.Key())
	}
	if other := lost.Seen(payment.RefundView{Ref: "x", Amount: eur(400), State: payment.RefundSucceeded}); other != lost {
		t.Errorf("a refund of another amount: %+v", other)
	}
	done := lost.Seen(payment.RefundView{Ref: "x", Amount: eur(500), State: payment.RefundSucceeded})
	if done.State != payment.RefundSucceeded || done.Ref != "x" {
		t.Errorf("seen: %+v", done)
	}
	if late := done.Answered(payment.Result{Outcome: payment.OutcomeUnknown}); late.State != payment.RefundSucceeded {
		t.Errorf("a late timeout: %s", late.State)
	}
	if back := done.Seen(payment.RefundView{Ref: "x", Amount: eur(500), State: payment.RefundFailed}); back.State != payment.RefundFailed {
		t.Errorf("the card was closed: %s", back.State)
	}
	for range payment.MaxNotSent {
		r = r.Answered(payment.Result{Outcome: payment.OutcomeNotSent})
	}
	if r.State != payment.RefundFailed {
		t.Errorf("never sent: %s", r.State)
	}
}
