package payment_test

import (
	"testing"
	"time"

	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
)

// What stands on a statement or on the balance ends a payment by the rules that
// hold for every provider: enough settles, more is credited, less is an error,
// and so is somebody else's payment.
func TestEntered(t *testing.T) {
	t.Parallel()
	at := time.Date(2027, 5, 20, 9, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		provider          string
		received          money.Amount
		settled, credited money.Amount
		refused           bool
	}{
		{payment.ProviderBalance, 100_00, 100_00, 0, false},
		{payment.ProviderBalance, 99_99, 0, 0, true},
		{payment.ProviderBalance, 100_01, 0, 0, true},
		{payment.ProviderBank, 100_00, 100_00, 0, false},
		{payment.ProviderBank, 99_00, 99_00, 0, false},
		{payment.ProviderBank, 98_99, 0, 0, true},
		{payment.ProviderBank, 130_00, 100_00, 30_00, false},
		{"sandbox", 100_00, 0, 0, true},
	} {
		p := payment.Payment{ID: "p", Provider: tt.provider, State: payment.Created, AttemptNo: 1, Amount: money.Of(100_00, money.EUR)}
		if c, _ := payment.OwnCapabilities(tt.provider); c.MayUnderpay {
			p.MayUnderpay, p.Tolerated = true, 1_00
		}
		ended, effects, err := payment.Entered(p, tt.received, at)
		if (err != nil) != tt.refused {
			t.Errorf("%s with %s: %v", tt.provider, tt.received.Decimal(), err)
			continue
		}
		if err != nil {
			continue
		}
		var settled, credited money.Amount
		for _, e := range effects {
			switch e.Kind {
			case payment.Settle:
				settled += e.Amount
			case payment.CreditBalance:
				credited += e.Amount
			default:
			}
		}
		if ended.State != payment.Succeeded || ended.Received != tt.received || settled != tt.settled || credited != tt.credited {
			t.Errorf("%s with %s: %s, settled %s, credited %s", tt.provider, tt.received.Decimal(), ended.State, settled.Decimal(), credited.Decimal())
		}
	}
}
