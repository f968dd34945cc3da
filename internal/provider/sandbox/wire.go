package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
)

// Header names of the protocol.
const (
	SignatureHeader = "Sandbox-Signature"
	keyHeader       = "Idempotency-Key"
)

type checkoutRequest struct {
	Reference   string         `json:"reference"`
	AmountMinor money.Amount   `json:"amount_minor"`
	Currency    money.Currency `json:"currency"`
	Description string         `json:"description"`
	Language    string         `json:"language"`
	ReturnURL   string         `json:"return_url"`
	KeepMethod  bool           `json:"keep_method"`
	ExpiresAt   time.Time      `json:"expires_at"`
}

type chargeRequest struct {
	Reference   string         `json:"reference"`
	AmountMinor money.Amount   `json:"amount_minor"`
	Currency    money.Currency `json:"currency"`
	Description string         `json:"description"`
	Method      string         `json:"method"`
	ReturnURL   string         `json:"return_url"`
}

type refundRequest struct {
	Reference   string         `json:"reference"` // of the payment
	Refund      string         `json:"refund"`    // the asker's id
	AmountMinor money.Amount   `json:"amount_minor"`
	Currency    money.Currency `json:"currency"`
	Reason      string         `json:"reason"`
}

type cancelRequest struct {
	ID string `json:"id"`
}

// view is the whole of a payment as the API shows it.
type view struct {
	ID            string         `json:"id"`
	Reference     string         `json:"reference"`
	Account       string         `json:"account"`
	State         payment.State  `json:"state"`
	AmountMinor   money.Amount   `json:"amount_minor"`
	Currency      money.Currency `json:"currency"`
	ReceivedMinor money.Amount   `json:"received_minor"`
	RefundedMinor money.Amount   `json:"refunded_minor"`
	DisputedMinor money.Amount   `json:"disputed_minor"`
	URL           string         `json:"url,omitempty"` // where the payer goes on
	ExpiresAt     time.Time      `json:"expires_at,omitzero"`
	Method        *method        `json:"method,omitempty"`
	Refunds       []refund       `json:"refunds,omitempty"`
	Disputes      []dispute      `json:"disputes,omitempty"`
	AsOf          time.Time      `json:"as_of"`
}

type method struct {
	Token       string `json:"token"`
	Card        Card   `json:"card"`
	Label       string `json:"label"`
	Fingerprint string `json:"fingerprint"`
	ExpiresOn   string `json:"expires_on"` // 2026-12-31
}

type refund struct {
	ID          string              `json:"id"`
	Refund      string              `json:"refund"` // the asker's id
	AmountMinor money.Amount        `json:"amount_minor"`
	State       payment.RefundState `json:"state"`
}

type dispute struct {
	ID          string               `json:"id"`
	AmountMinor money.Amount         `json:"amount_minor"`
	Reason      string               `json:"reason"`
	State       payment.DisputeState `json:"state"`
}

type refusal struct {
	Code      string `json:"code"`
	Retryable bool   `json:"retryable"`
	Message   string `json:"message"`
}

// answer is what every call of the API returns.
type answer struct {
	Payment  *view     `json:"payment,omitempty"`
	Refund   *refund   `json:"refund,omitempty"`
	Payments []*view   `json:"payments,omitempty"` // of a list
	ListedTo time.Time `json:"listed_to,omitzero"` // the last change that the list has
	Error    *refusal  `json:"error,omitempty"`
	AsOf     time.Time `json:"as_of"`
}

// event is the body of a webhook. Its amounts are for people: who believes them
// instead of asking is wrong.
type event struct {
	ID      string    `json:"id"`
	Type    string    `json:"type"`
	Account string    `json:"account"`
	Created time.Time `json:"created"`
	Payment view      `json:"payment"`
}

// Sign returns the signature header of a body sent at an instant: the scheme
// t=<seconds>,v1=<HMAC-SHA256 of "t.body">.
func Sign(secret string, body []byte, at time.Time) string {
	t := strconv.FormatInt(at.Unix(), 10)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac(secret, t, body))
}

func mac(secret, t string, body []byte) []byte {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(t + "."))
	h.Write(body)
	return h.Sum(nil)
}

// maxSkew is how far a webhook's time may be from ours.
const maxSkew = 5 * time.Minute

var errSignature = errors.New("sandbox: the signature does not fit")

// verify checks a signature header over the raw body. Several v1 are allowed, so
// that a secret can be replaced without a gap.
func verify(secret, header string, body []byte, now time.Time) error {
	var t string
	var signatures []string
	for part := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(part, "=")
		switch name {
		case "t":
			if t != "" {
				return errSignature
			}
			t = value
		case "v1":
			signatures = append(signatures, value)
		}
	}
	seconds, err := strconv.ParseInt(t, 10, 64)
	if err != nil {
		return errSignature
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > maxSkew || age < -maxSkew {
		return errSignature
	}
	want := mac(secret, t, body)
	for _, s := range signatures {
		if got, err := hex.DecodeString(s); err == nil && hmac.Equal(got, want) {
			return nil
		}
	}
	return errSignature
}
