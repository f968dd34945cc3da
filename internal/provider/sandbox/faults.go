package sandbox

import (
	"fmt"
	"slices"
)

// FaultKind is something that goes wrong on demand.
type FaultKind string

// The faults of requests.
const (
	TimeoutBefore FaultKind = "timeout_before" // no answer, nothing done
	TimeoutAfter  FaultKind = "timeout_after"  // no answer, all done
	ErrorBefore   FaultKind = "error_before"   // 500, nothing done
	ErrorAfter    FaultKind = "error_after"    // 500, all done
	RateLimit     FaultKind = "rate_limit"     // 429, nothing done
	Slow          FaultKind = "slow"
	Truncated     FaultKind = "truncated"  // the answer breaks off
	WrongBody     FaultKind = "wrong_body" // the answer is somebody else's page
	WrongAmount   FaultKind = "wrong_amount"
	WrongCurrency FaultKind = "wrong_currency"
	WebhookFirst  FaultKind = "webhook_first" // the webhook comes before the answer
)

// The faults of webhooks.
const (
	WebhookDuplicate      FaultKind = "webhook_duplicate"
	WebhookReversed       FaultKind = "webhook_reversed" // waits for a second one and sends it first
	WebhookLost           FaultKind = "webhook_lost"
	WebhookWrongSignature FaultKind = "webhook_wrong_signature" // sent again, signed rightly
	WebhookOld            FaultKind = "webhook_old"             // signed ten minutes ago; sent again
	WebhookOtherAccount   FaultKind = "webhook_other_account"   // one of another account comes first
	WebhookWrongAmount    FaultKind = "webhook_wrong_amount"
)

// onWebhook is where the faults of webhooks happen.
const onWebhook = "webhook"

// FaultKinds returns every fault, by where it happens: of a request or "webhook".
func FaultKinds() (ofRequests, ofWebhooks []FaultKind) {
	return []FaultKind{
			TimeoutBefore, TimeoutAfter, ErrorBefore, ErrorAfter, RateLimit, Slow, Truncated, WrongBody, WrongAmount, WrongCurrency, WebhookFirst,
		}, []FaultKind{
			WebhookDuplicate, WebhookReversed, WebhookLost, WebhookWrongSignature, WebhookOld, WebhookOtherAccount, WebhookWrongAmount,
		}
}

// Fault is what goes wrong, where, and how often.
type Fault struct {
	Kind  FaultKind `json:"kind"`
	On    string    `json:"on,omitempty"`    // checkout, charge, refund, cancel, lookup, list; empty for any request
	Times int       `json:"times,omitempty"` // 0 is once
}

func (f Fault) check() error {
	ofRequests, ofWebhooks := FaultKinds()
	places := []string{"", "checkout", "charge", "refund", "cancel", "lookup", "list"}
	if slices.Contains(ofWebhooks, f.Kind) && f.On == "" || slices.Contains(ofRequests, f.Kind) && slices.Contains(places, f.On) {
		return nil
	}
	return fmt.Errorf("sandbox: no fault %q on %q", f.Kind, f.On)
}

// faults are those that have not happened yet, in the order of injection.
type faults []Fault

// take returns the next fault at a place and counts it; "" for none.
func (f *faults) take(place string) FaultKind {
	_, ofWebhooks := FaultKinds()
	for i := range *f {
		next := &(*f)[i]
		webhook := slices.Contains(ofWebhooks, next.Kind)
		if webhook != (place == onWebhook) || !webhook && next.On != "" && next.On != place {
			continue
		}
		kind := next.Kind
		if next.Times--; next.Times <= 0 {
			*f = slices.Delete(*f, i, i+1)
		}
		return kind
	}
	return ""
}

// next is take without counting.
func (f *faults) next(place string) FaultKind {
	waiting := slices.Clone(*f)
	return waiting.take(place)
}
