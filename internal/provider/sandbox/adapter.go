package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/siptg/portal/internal/civil"
	"github.com/siptg/portal/internal/money"
	"github.com/siptg/portal/internal/payment"
)

// Name of the provider.
const Name = "sandbox"

// What demo mode's portal and its sandbox know each other by. Both are on
// loopback and no money is behind them.
const (
	DemoKey     = "sk_demo_sandbox"
	DemoSecret  = "whsec_demo_sandbox" //nolint:gosec // no secret: see above
	DemoAccount = "acct_demo"
)

// Config is how to reach a sandbox.
type Config struct {
	BaseURL       string // http://127.0.0.1:8081
	Account       string // ours there
	Key           string // of the API
	WebhookSecret string
	Client        *http.Client // with a timeout
}

// Adapter speaks to the server as the portal's port wants it. It keeps nothing
// between calls and has no clock.
type Adapter struct {
	base    string
	account string
	client  *http.Client
	// The secrets hide in functions, where no log line prints them by accident.
	authorize func(*http.Request)
	verify    func(header string, body []byte, now time.Time) error
}

// New returns an adapter.
func New(c Config) *Adapter {
	client := *c.Client
	// An answer from elsewhere is none.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Adapter{
		base: c.BaseURL, account: c.Account, client: &client,
		authorize: func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+c.Key) },
		verify: func(header string, body []byte, now time.Time) error {
			return verify(c.WebhookSecret, header, body, now)
		},
	}
}

// Name is the provider's name in tables and addresses.
func (a *Adapter) Name() string { return Name }

// Account is ours at the sandbox.
func (a *Adapter) Account() string { return a.account }

// window is shorter than the server's memory, by the longest way of a request.
const window = memory - time.Hour

// Capabilities is what the sandbox can do.
func (a *Adapter) Capabilities() payment.Capabilities {
	return payment.Capabilities{
		SavedCharge: true, Refund: true, PartialRefund: true, Cancel: true, AsyncSettlement: true,
		Currencies: []money.Currency{"EUR", "USD", "GBP"}, IdempotencyWindow: window, WebhookOK: http.StatusOK,
		PayerOrigins: []string{origin(a.base)},
	}
}

// origin is that of an address, as browsers compare it.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// CreateCheckout opens a page where the payer pays.
func (a *Adapter) CreateCheckout(ctx context.Context, r payment.CheckoutRequest) (payment.Checkout, payment.Result) {
	ans, result := a.post(ctx, "/v1/checkouts", r.Key, checkoutRequest{
		Reference: string(r.PaymentID), AmountMinor: r.Amount.Amount, Currency: r.Amount.Currency, Description: r.Description,
		Language: r.Language, ReturnURL: r.ReturnURL, KeepMethod: r.KeepMethod, ExpiresAt: r.ExpiresAt,
	})
	result = a.judge(ans, result, r.PaymentID)
	if result.Snapshot == nil {
		return payment.Checkout{}, result
	}
	return payment.Checkout{Ref: result.Ref, PayerURL: result.PayerURL, ExpiresAt: ans.Payment.ExpiresAt}, result
}

// ChargeSaved charges a card that the payer kept.
func (a *Adapter) ChargeSaved(ctx context.Context, r payment.ChargeRequest) payment.Result {
	ans, result := a.post(ctx, "/v1/charges", r.Key, chargeRequest{
		Reference: string(r.PaymentID), AmountMinor: r.Amount.Amount, Currency: r.Amount.Currency, Description: r.Description,
		Method: r.MethodRef, ReturnURL: r.ReturnURL,
	})
	return a.judge(ans, result, r.PaymentID)
}

// Refund sends money back.
func (a *Adapter) Refund(ctx context.Context, r payment.RefundRequest) payment.Result {
	ans, result := a.post(ctx, "/v1/refunds", r.Key, refundRequest{
		Reference: string(r.PaymentID), Refund: r.RefundID, AmountMinor: r.Amount.Amount, Currency: r.Amount.Currency, Reason: r.Reason,
	})
	result = a.judge(ans, result, r.PaymentID)
	if result.Outcome == payment.OutcomeDeclined || result.Snapshot == nil {
		return result
	}
	if ans.Refund == nil || ans.Refund.Refund != r.RefundID {
		return unknown("the answer is of no refund, or of another one")
	}
	result.Ref = ans.Refund.ID
	switch ans.Refund.State {
	case payment.RefundSucceeded:
		result.Outcome = payment.OutcomeSucceeded
	case payment.RefundFailed:
		result.Outcome, result.Decline = payment.OutcomeDeclined, &payment.Decline{Code: "refund_failed"}
	default:
		result.Outcome = payment.OutcomePending
	}
	return result
}

// Cancel ends a payment that nobody has paid. Declined means that it went on;
// the view says how.
func (a *Adapter) Cancel(ctx context.Context, ref, idempotencyKey string) payment.Result {
	ans, result := a.post(ctx, "/v1/cancel", idempotencyKey, cancelRequest{ID: ref})
	if ans.Payment == nil {
		return a.judge(ans, result, "")
	}
	declined := result.Outcome == payment.OutcomeDeclined
	result = a.judge(ans, result, payment.ID(ans.Payment.Reference))
	if !declined && result.Snapshot != nil && result.Snapshot.State == payment.Canceled {
		result.Outcome, result.Decline = payment.OutcomeSucceeded, nil
	}
	return result
}

// Lookup returns the sandbox's whole view of a payment; by our id, because it
// sums up all attempts, and by its own where ours is not known.
func (a *Adapter) Lookup(ctx context.Context, ref string, id payment.ID) (payment.Snapshot, payment.Result) {
	query := url.Values{"reference": {string(id)}}
	if id == "" {
		query = url.Values{"id": {ref}}
	}
	ans, result := a.call(ctx, http.MethodGet, "/v1/payments?"+query.Encode(), "", nil)
	if result.Outcome == payment.OutcomeNotSent && ans.Error != nil && ans.Error.Code == codeAbsent {
		s := payment.Snapshot{Ref: ref, PaymentID: id, State: payment.Absent, AsOf: ans.AsOf}
		return s, payment.Result{Outcome: payment.OutcomeSucceeded, Snapshot: &s}
	}
	if id == "" && ans.Payment != nil {
		id = payment.ID(ans.Payment.Reference)
	}
	result = a.judge(ans, result, id)
	if result.Snapshot == nil {
		return payment.Snapshot{}, result
	}
	s := *result.Snapshot
	return s, payment.Result{Outcome: payment.OutcomeSucceeded, Ref: s.Ref, PayerURL: s.PayerURL, Snapshot: &s}
}

// List returns payments that changed after an instant, up to a hundred.
func (a *Adapter) List(ctx context.Context, after time.Time) ([]payment.Snapshot, time.Time, payment.Result) {
	query := url.Values{"after": {after.UTC().Format(time.RFC3339Nano)}}
	ans, result := a.call(ctx, http.MethodGet, "/v1/changes?"+query.Encode(), "", nil)
	if result.Outcome != payment.OutcomeSucceeded {
		return nil, time.Time{}, result
	}
	if ans.ListedTo.IsZero() && !after.IsZero() {
		return nil, time.Time{}, unknown("the answer is no list")
	}
	var list []payment.Snapshot
	for _, v := range ans.Payments {
		if v.Account != a.account || v.ID == "" || v.AsOf.IsZero() {
			return nil, time.Time{}, unknown("the list has payments of another account")
		}
		list = append(list, v.snapshot())
	}
	return list, ans.ListedTo, result
}

// ParseWebhook verifies the raw bytes before it reads them.
func (a *Adapter) ParseWebhook(_ context.Context, w payment.RawWebhook) ([]payment.Event, error) {
	signatures := textproto.MIMEHeader(w.Header).Values(SignatureHeader)
	if len(signatures) != 1 || a.verify(signatures[0], w.Body, w.ReceivedAt) != nil {
		return nil, payment.ErrBadSignature
	}
	var e event
	if err := json.Unmarshal(w.Body, &e); err != nil {
		return nil, fmt.Errorf("%w: %w", payment.ErrIgnored, err)
	}
	if e.Account != a.account || e.ID == "" || e.Payment.Reference == "" {
		return nil, fmt.Errorf("%w: event %q", payment.ErrIgnored, e.ID)
	}
	return []payment.Event{{
		Key: e.ID, Type: e.Type, Ref: e.Payment.ID, PaymentID: payment.ID(e.Payment.Reference), OccurredAt: e.Created,
	}}, nil
}

func unknown(detail string) payment.Result {
	return payment.Result{Outcome: payment.OutcomeUnknown, Detail: detail}
}

// judge turns an answer into a Result. One of another payment or account tells
// nothing about ours.
func (a *Adapter) judge(ans answer, r payment.Result, id payment.ID) payment.Result {
	if r.Outcome != payment.OutcomeSucceeded && r.Outcome != payment.OutcomeDeclined {
		return r
	}
	v := ans.Payment
	if v == nil {
		if r.Outcome == payment.OutcomeDeclined {
			return r
		}
		return unknown("the answer shows no payment")
	}
	if v.Reference != string(id) || v.Account != a.account || v.ID == "" || v.AsOf.IsZero() {
		return unknown("the answer is of another payment")
	}
	s := v.snapshot()
	r.Ref, r.PayerURL, r.Snapshot = v.ID, v.URL, &s
	if r.Outcome == payment.OutcomeDeclined {
		return r
	}
	switch v.State {
	case payment.Succeeded:
		r.Outcome = payment.OutcomeSucceeded
	case payment.Processing:
		r.Outcome = payment.OutcomePending
	case payment.AwaitingPayer, payment.ActionRequired:
		r.Outcome = payment.OutcomeActionRequired
	case payment.Failed, payment.Canceled, payment.Expired:
		r.Outcome, r.Decline = payment.OutcomeDeclined, &payment.Decline{Code: string(v.State)}
	default:
		return unknown("the answer has a state that is none: " + string(v.State))
	}
	return r
}

// snapshot is a view in the words of our port.
func (v view) snapshot() payment.Snapshot {
	of := func(a money.Amount) money.Money { return money.Of(a, v.Currency) }
	s := payment.Snapshot{
		Ref: v.ID, PaymentID: payment.ID(v.Reference), State: v.State, Amount: of(v.AmountMinor), Received: of(v.ReceivedMinor),
		Refunded: of(v.RefundedMinor), Disputed: of(v.DisputedMinor), PayerURL: v.URL, AsOf: v.AsOf,
	}
	if m := v.Method; m != nil {
		s.Method = &payment.SavedMethod{Ref: m.Token, Label: m.Label, Fingerprint: m.Fingerprint}
		if day, err := civil.Parse(m.ExpiresOn); err == nil {
			s.Method.ExpiresOn = day
		}
	}
	for _, r := range v.Refunds {
		s.Refunds = append(s.Refunds, payment.RefundView{Ref: r.ID, RefundID: r.Refund, Amount: of(r.AmountMinor), State: r.State})
	}
	for _, d := range v.Disputes {
		s.Disputes = append(s.Disputes, payment.DisputeView{Ref: d.ID, Amount: of(d.AmountMinor), Reason: d.Reason, State: d.State})
	}
	return s
}

func (a *Adapter) post(ctx context.Context, path, key string, body any) (answer, payment.Result) {
	data, err := json.Marshal(body)
	if err != nil {
		return answer{}, payment.Result{Outcome: payment.OutcomeNotSent, Detail: err.Error()}
	}
	return a.call(ctx, http.MethodPost, path, key, data)
}

// maxAnswer is far above the longest answer.
const maxAnswer = 1 << 20

// call sends a request and says what the answer's status means. Of a request
// that never got a connection nothing left this machine.
func (a *Adapter) call(ctx context.Context, verb, path, key string, body []byte) (answer, payment.Result) {
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, verb, a.base+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, payment.Result{Outcome: payment.OutcomeNotSent, Detail: "the request cannot be made"}
	}
	a.authorize(req)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set(keyHeader, key)
	}
	resp, err := a.client.Do(req)
	if err != nil {
		if !connected.Load() {
			return answer{}, payment.Result{Outcome: payment.OutcomeNotSent, Detail: cause(err)}
		}
		return answer{}, unknown(cause(err))
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return answer{}, unknown("the answer broke off: " + cause(err))
	}
	var ans answer
	readable := json.Unmarshal(data, &ans) == nil
	detail := resp.Status
	if readable && ans.Error != nil {
		detail += " " + ans.Error.Code
	}
	switch code := resp.StatusCode; {
	case code == http.StatusOK || code == http.StatusCreated || code == http.StatusAccepted:
		if !readable {
			return answer{}, unknown("the answer cannot be read")
		}
		return ans, payment.Result{Outcome: payment.OutcomeSucceeded}
	case code == http.StatusPaymentRequired && readable && ans.Error != nil:
		return ans, payment.Result{
			Outcome: payment.OutcomeDeclined, Detail: detail, Decline: &payment.Decline{Code: ans.Error.Code, Retryable: ans.Error.Retryable},
		}
	case code == http.StatusConflict, code == http.StatusRequestTimeout, code == http.StatusPaymentRequired, code < 400, code >= 500:
		// A key that is in use, or was used for something else, means that something
		// has happened.
		return answer{}, unknown(detail)
	default:
		return ans, payment.Result{Outcome: payment.OutcomeNotSent, Detail: detail}
	}
}

// cause is an error of the client without the address, which may carry ids.
func cause(err error) string {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	return err.Error()
}
