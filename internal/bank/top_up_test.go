package bank_test

import (
	"strings"
	"testing"

	"github.com/siptg/portal/internal/bank"
	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/order"
	"pgregory.net/rapid"
)

// Each payer has another reference, all digits, and never one of an order.
func TestTopUpReferences(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		numbers := rapid.Int64Range(1, 999_999_999)
		a, b := numbers.Draw(t, "a"), numbers.Draw(t, "b")
		ra, err := bank.TopUpReference(a)
		if err != nil {
			t.Fatal(err)
		}
		rb, err := bank.TopUpReference(b)
		if err != nil || (a == b) != (ra == rb) {
			t.Fatalf("%d %s, %d %s, %v", a, ra, b, rb, err)
		}
		if parsed, err := bank.ParseReference(ra.Print()); err != nil || parsed != ra || len(ra) != 14 || strings.Trim(string(ra[2:]), "0123456789") != "" {
			t.Fatalf("%s: %v", ra, err)
		}
		of, err := bank.NewReference(order.ReferenceBody(rapid.IntRange(2000, 2999).Draw(t, "year"), numbers.Draw(t, "order")))
		if err != nil || of == ra {
			t.Fatalf("an order has %s: %v", of, err)
		}
	})
	for _, n := range []int64{-1, 0, 1_000_000_000} {
		if ref, err := bank.TopUpReference(n); err == nil {
			t.Errorf("%d has the reference %s", n, ref)
		}
	}
}

func TestTopUp(t *testing.T) {
	t.Parallel()
	good := bank.Entry{Amount: 50_00, Currency: "EUR", Credit: true, Booked: civil.MustParse("2026-11-23"), Payer: "Ona"}
	for name, tt := range map[string]struct {
		change func(*bank.Entry)
		result bank.Result
		reason bank.Reason
	}{
		"any amount":        {func(*bank.Entry) {}, bank.Matched, bank.ReasonPaid},
		"a cent":            {func(e *bank.Entry) { e.Amount = 1 }, bank.Matched, bank.ReasonPaid},
		"nothing":           {func(e *bank.Entry) { e.Amount = 0 }, bank.Ignored, bank.ReasonZero},
		"another currency":  {func(e *bank.Entry) { e.Currency = "USD" }, bank.Suspense, bank.ReasonWrongCurrency},
		"a debit":           {func(e *bank.Entry) { e.Credit = false }, bank.Ignored, bank.ReasonDebit},
		"taken back":        {func(e *bank.Entry) { e.Credit, e.Reversal = false, true }, bank.Suspense, bank.ReasonReversal},
		"returned":          {func(e *bank.Entry) { e.Return = true }, bank.Suspense, bank.ReasonReturn},
		"perhaps a repeat":  {func(e *bank.Entry) { e.Doubtful = true }, bank.Suspense, bank.ReasonDoubtful},
		"several in one":    {func(e *bank.Entry) { e.Bundle = true }, bank.Suspense, bank.ReasonBundle},
		"not booked so far": {func(e *bank.Entry) { e.Booked = civil.Date{} }, bank.Ignored, bank.ReasonNotBooked},
	} {
		e := good
		tt.change(&e)
		o := bank.TopUp(e, "EUR", "Ona")
		if o.Result != tt.result || o.Reason != tt.reason || o.Shortfall != 0 || o.Excess != 0 || o.ThirdParty {
			t.Errorf("%s: %+v", name, o)
		}
	}
	if o := bank.TopUp(good, "EUR", "Jonas"); o.Result != bank.Matched || !o.ThirdParty {
		t.Errorf("from somebody else: %+v", o)
	}
	e := bank.Entry{References: []string{"RF582026000101", "RF592026000101"}, Text: "RF72YW"}
	if got := bank.TopUps(e); len(got) != 1 || got[0] != "RF582026000101" {
		t.Errorf("structured references: %v", got)
	}
}
