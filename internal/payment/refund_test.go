package payment_test

import (
	"testing"
	"time"

	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
)

// What was sent and not answered is repeated under its key while that is
// remembered, and fails only when the provider's book proves that it is not there.
func TestRefundsThatNobodyKnowsAbout(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	fresh := payment.Refund{ID: "r", State: payment.RefundRequested, AttemptNo: 1}
	if fresh.Doubtful().State != payment.RefundRequested || fresh.MayRepeat(at) {
		t.Error("one that was not sent is in doubt")
	}
	sent := fresh.Sent(at, time.Hour)
	if sent.Doubtful().State != payment.RefundUnknown || !sent.MayRepeat(at.Add(59*time.Minute)) || sent.MayRepeat(at.Add(time.Hour)) {
		t.Errorf("sent: %+v", sent)
	}
	for after, want := range map[time.Duration]payment.RefundState{
		0: payment.RefundUnknown, 59 * time.Minute: payment.RefundUnknown, time.Hour: payment.RefundFailed,
	} {
		if got := sent.Doubtful().Absent(at.Add(after)).State; got != want {
			t.Errorf("absent after %s: %s", after, got)
		}
	}
	// Without a window, as long as a request can be on its way.
	if got := fresh.Sent(at, 0).Doubtful().Absent(at.Add(9 * time.Minute)).State; got != payment.RefundUnknown {
		t.Errorf("absent at once: %s", got)
	}
	if got := sent.Absent(at.Add(time.Hour)).State; got != payment.RefundRequested {
		t.Errorf("an answer may be on its way: %s", got)
	}
	again := sent.Answered(payment.Result{Outcome: payment.OutcomeNotSent})
	if again.AttemptNo != 2 || !again.SentAt.IsZero() || again.State != payment.RefundRequested || again.Key() == sent.Key() {
		t.Errorf("surely not executed: %+v", again)
	}
	if got := sent.Doubtful().Answered(payment.Result{Outcome: payment.OutcomeNotSent}); got.AttemptNo != 1 || got.State != payment.RefundUnknown {
		t.Errorf("a repetition that was not sent proves nothing: %+v", got)
	}
	looks := 0
	for r, undecided := sent.Doubtful(), false; !undecided; looks++ {
		if r, undecided = r.Scheduled(at); undecided != r.NextCheckAt.IsZero() {
			t.Fatalf("%+v, %t", r, undecided)
		}
	}
	if looks != 12 {
		t.Errorf("%d looks until a person is called", looks)
	}
	done := sent.Answered(payment.Result{Outcome: payment.OutcomeSucceeded})
	if next, undecided := done.Scheduled(at); undecided || !next.NextCheckAt.IsZero() || !done.Ended() {
		t.Errorf("done: %+v", next)
	}
}

func TestWhatIsLeftOfAPayment(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ received, refunded, disputed, asked, want money.Amount }{
		{100, 0, 0, 0, 100}, {100, 30, 0, 30, 70}, {100, 30, 0, 0, 70}, {100, 0, 0, 30, 70}, {100, 0, 40, 30, 30}, {100, 0, 100, 30, 0}, {0, 0, 0, 0, 0},
	} {
		p := payment.Payment{Received: tt.received, Refunded: tt.refunded, Disputed: tt.disputed, Amount: money.Of(100, "EUR")}
		if got := payment.Left(p, tt.asked); got != tt.want {
			t.Errorf("%+v: %d", tt, got)
		}
		if err := payment.Refundable(p, tt.asked, money.Of(tt.want+1, "EUR")); err == nil {
			t.Errorf("%+v: more than is left", tt)
		}
	}
}
